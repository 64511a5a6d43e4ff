//! Step 1, third part: the Ingress of each entry.

use super::policy::stated;
use super::select::{Copy, Role, Selection};
use crate::diagnostic::Diagnostic;
use crate::gateway;
use crate::kube::object::ObjectRef;
use crate::spec::{CopyPolicy, Entry, ObjectName, Service};

impl Selection<'_, '_> {
    /// The Ingress of a service that is an entry.
    pub(super) fn entry(&mut self, number: usize) {
        let planned = &self.plan.services[number];
        let spec = planned.spec;
        let services: Vec<&ObjectRef> =
            self.backends[number].iter().map(|service| &self.facts.object(*service).id).collect();
        let mut ingresses: Vec<usize> = services
            .iter()
            .flat_map(|id| self.facts.referrers(id))
            .copied()
            .filter(|referrer| {
                let object = self.facts.object(*referrer);
                object.id.kind == "Ingress" && !gateway::is_canary(object.root())
            })
            .collect();
        ingresses.sort_unstable();
        ingresses.dedup();
        let Some(entry) = &spec.entry else {
            for ingress in ingresses.iter().filter(|ingress| !self.taken.contains_key(ingress)) {
                let id = &self.facts.object(*ingress).id;
                let note = format!(
                    "{id} leads to `{}`, which is no entry: it stays with the baseline",
                    spec.name
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
        if let Some(ingress) = self.entry_ingress(entry, spec, &ingresses) {
            if self.is_made_by_others(ingress, &entry.place) {
                return;
            }
            let id = &self.facts.object(ingress).id;
            if matches!(stated(spec, id), Some(CopyPolicy::Share | CopyPolicy::Skip)) {
                self.errors.push(
                    Diagnostic::error(format!(
                        "{id} is the Ingress of an entry and must be copied"
                    ))
                    .at(entry.place.clone())
                    .remedy(format!(
                        "take `entry` out of `{}`, or {} out of its policies",
                        spec.name, id.kind
                    )),
                );
                return;
            }
            if self.copied.contains(&ingress) {
                self.errors.push(
                    Diagnostic::error(format!(
                        "{} is the Ingress of two entries",
                        self.facts.object(ingress).id
                    ))
                    .at(entry.place.clone())
                    .remedy(
                        "one canary Ingress has one match: keep `entry` on one of the services",
                    ),
                );
                return;
            }
            if let Some(second) = self.facts.baseline.duplicate(&self.facts.object(ingress).id) {
                self.twice(ingress, second);
                return;
            }
            self.taken.insert(ingress, number);
            self.copied.insert(ingress);
            self.plan.copies.push(Copy {
                object: ingress,
                service: number,
                role: Role::Entry,
                shared: false,
            });
        }
    }

    fn entry_ingress(
        &mut self,
        entry: &Entry,
        spec: &Service,
        candidates: &[usize],
    ) -> Option<usize> {
        if let Some((name, place)) = &entry.ingress {
            let name = ObjectName { kind: "Ingress".to_owned(), name: name.clone() };
            let found = self.named(&name, place, "the entry's")?;
            let object = self.facts.object(found);
            if gateway::is_canary(object.root()) {
                let error =
                    Diagnostic::error(format!("{} is a canary of another Ingress", object.id));
                self.errors.push(
                    error.at(place.clone()).remedy("name the Ingress that serves the baseline"),
                );
                return None;
            }
            return Some(found);
        }
        let names: Vec<&str> =
            candidates.iter().map(|at| self.facts.object(*at).id.name.as_str()).collect();
        match candidates {
            [one] => Some(*one),
            [] => {
                self.errors.push(
                    Diagnostic::error(format!("no Ingress leads to a Service of `{}`", spec.name))
                        .at(entry.place.clone())
                        .remedy("an entry needs an Ingress; `baseline.paths` must lead to it"),
                );
                None
            }
            _ => {
                self.errors.push(
                    Diagnostic::error(format!(
                        "several Ingresses lead to `{}`: {}",
                        spec.name,
                        names.join(", ")
                    ))
                    .at(entry.place.clone())
                    .remedy(format!("name one of them: `ingress: {}`", names[0])),
                );
                None
            }
        }
    }
}
