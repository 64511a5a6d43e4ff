//! The route of each entry.

use super::select::{Copy, Role, Selection};
use crate::diagnostic::Diagnostic;
use crate::gateway;
use crate::kube::object::ObjectRef;
use crate::spec::{CopyPolicy, Entry, Service};

impl Selection<'_, '_> {
    /// The route of a service that is an entry.
    pub(super) fn entry(&mut self, number: usize) {
        let planned = &self.plan.services[number];
        let spec = planned.spec;
        let services: Vec<&ObjectRef> =
            self.backends[number].iter().map(|service| &self.facts.object(*service).id).collect();
        let routes = self.routes_to(&services);
        // The gateway of a lane that MSE itself knows needs no route.
        let is_routed = self.release.swimming_lane.is_none();
        let Some(entry) = spec.entry.as_ref().filter(|_| is_routed) else {
            for route in routes.iter().filter(|route| !self.taken.contains_key(route)) {
                let id = &self.facts.object(*route).id;
                let note = format!(
                    "{id} leads to `{}`, which is {}: it stays with the baseline",
                    spec.name,
                    if spec.entry.is_none() { "no entry" } else { "entered by `governance.lane`" }
                );
                self.plan.notes.push(Diagnostic::note(note).at(spec.place.clone()));
            }
            return;
        };
        if services.is_empty() {
            self.errors.push(
                Diagnostic::error(format!(
                    "`{}` is an entry, but no Service of it is copied",
                    spec.name
                ))
                .at(entry.place.clone())
                .remedy(
                    "an entry needs a Service that selects its pods, and a policy that copies it",
                ),
            );
            return;
        }
        let workload = self.plan.services[number].workload;
        if let Some(route) = self.entry_route(entry, spec, workload, &routes) {
            if self.is_made_by_others(route, &entry.place) {
                return;
            }
            let id = &self.facts.object(route).id;
            if matches!(spec.policy(&id.kind, &id.name), Some(CopyPolicy::Share | CopyPolicy::Skip))
            {
                self.errors.push(
                    Diagnostic::error(format!("{id} is the route of an entry and must be copied"))
                        .at(entry.place.clone())
                        .remedy(format!(
                            "take `entry` out of `{}`, or {} out of its policies",
                            spec.name, id.kind
                        )),
                );
                return;
            }
            if self.copied.contains(&route) {
                self.errors.push(
                    Diagnostic::error(format!(
                        "{} is the route of two entries",
                        self.facts.object(route).id
                    ))
                    .at(entry.place.clone())
                    .remedy("one canary route has one match: keep `entry` on one of the services"),
                );
                return;
            }
            if let Some(second) = self.facts.baseline.duplicate(&self.facts.object(route).id) {
                self.twice(route, second);
                return;
            }
            self.taken.insert(route, number);
            self.copied.insert(route);
            self.plan.copies.push(Copy {
                object: route,
                service: number,
                role: Role::Entry,
                shared: false,
            });
        }
    }

    /// The routes of the baseline that lead to one of these Services, canaries left out.
    pub(super) fn routes_to(&self, services: &[&ObjectRef]) -> Vec<usize> {
        let mut routes: Vec<usize> = services
            .iter()
            .flat_map(|id| self.facts.referrers(id))
            .copied()
            .filter(|referrer| {
                let object = self.facts.object(*referrer);
                gateway::is_route(&object.id) && !self.facts.is_canary(*referrer)
            })
            .collect();
        routes.sort_unstable();
        routes.dedup();
        routes
    }

    /// The route of an entry: the one that the spec names, or the only candidate. `workload` is that
    /// of the service, by its position in the baseline.
    pub(super) fn entry_route(
        &mut self,
        entry: &Entry,
        spec: &Service,
        workload: usize,
        candidates: &[usize],
    ) -> Option<usize> {
        if let Some((name, place)) = &entry.baseline {
            let beside = self.facts.object(workload).id.namespace.as_str();
            let found = self.named(name, place, "the entry's", Some(beside))?;
            let object = self.facts.object(found);
            if let Err(error) = gateway::is_servable(&object.id) {
                self.errors.push(error.at(place.clone()));
                return None;
            }
            if self.facts.is_canary(found) {
                let error =
                    Diagnostic::error(format!("{} is a canary of another Ingress", object.id));
                self.errors.push(
                    error.at(place.clone()).remedy("name the Ingress that serves the baseline"),
                );
                return None;
            }
            return Some(found);
        }
        let ids = || candidates.iter().map(|at| &self.facts.object(*at).id);
        match candidates {
            [one] => Some(*one),
            [] => {
                self.errors.push(
                    Diagnostic::error(format!(
                        "no {} leads to a Service of `{}`",
                        gateway::route_kinds(),
                        spec.name
                    ))
                    .at(entry.place.clone())
                    .remedy("an entry needs a route; `baseline.paths` must lead to it, and a GRPCRoute is none"),
                );
                None
            }
            _ => {
                let names: Vec<String> =
                    ids().map(|id| format!("{}/{}", id.kind, id.name)).collect();
                self.errors.push(
                    Diagnostic::error(format!(
                        "several routes lead to `{}`: {}",
                        spec.name,
                        names.join(", ")
                    ))
                    .at(entry.place.clone())
                    .remedy(format!("name one of them: `route: {}`", names[0])),
                );
                None
            }
        }
    }
}
