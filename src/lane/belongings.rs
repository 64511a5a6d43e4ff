//! What of the baseline belongs to a service, and what becomes of it.

use std::mem;

use rayon::prelude::*;

use super::isolation::{counts_pods, finds_own_pods};
use super::own;
use super::policy::{Decision, decide, decide_over};
use super::select::{Copy, Role, Selection, Skipped};
use crate::diagnostic::{Diagnostic, Place};
use crate::gateway;
use crate::governance;
use crate::kube::budgets::{blocking_field, is_budget};
use crate::kube::kinds::kind_of;
use crate::kube::policies::is_policy;
use crate::kube::scaling::{least_pods, scales};
use crate::kube::sealed::bound_to_name;
use crate::kube::selectors::SelectorRole;
use crate::spec::CopyPolicy;
use crate::yaml::NodeRef;

impl Selection<'_, '_> {
    /// What selects the service's pods, points at its workload or Services, or is asked for.
    pub(super) fn belongings(&mut self, number: usize) {
        let workload = self.plan.services[number].workload;
        let spec = self.plan.services[number].spec;
        let facts = self.facts;
        let first = self.plan.copies.len();
        let mut services = Vec::new();
        for selecting in facts.selecting(workload) {
            let object = selecting.object;
            let role = selecting.selector.role;
            if role == SelectorRole::Service {
                if self.consider(object, number) {
                    services.push(object);
                    self.serves(object, number);
                }
            } else if !matches!(role, SelectorRole::Workload | SelectorRole::MeshClient)
                && finds_own_pods(role)
            {
                // A policy that still covers the gray pods covers them as it does the baseline's.
                let still = !counts_pods(role)
                    && selecting
                        .selector
                        .selects(&self.plan.services[number].pod_labels.iter().cloned().collect());
                if !still && facts.pods_of(object).is_empty() {
                    self.consider(object, number);
                }
            }
        }
        let mut targets = vec![facts.object(workload).id.clone()];
        targets.extend(services.iter().map(|service| facts.object(*service).id.clone()));
        let governance = governance::of(self.release.provider);
        for target in &targets {
            for referrer in facts.referrers(target) {
                let id = &facts.object(*referrer).id;
                // What scales belongs to what it scales, whatever it measures besides.
                let scales_another = scales(id) && *target != targets[0];
                let is_governed = governance.routes_by(id);
                if !gateway::is_route(id) && !is_governed && !scales_another {
                    self.consider(*referrer, number);
                }
            }
        }
        for (name, place) in &spec.copy {
            let beside = Some(facts.object(workload).id.namespace.as_str());
            if let Some(object) = self.named(name, place, "the object to copy,", beside)
                && self.is_copyable(object, place)
            {
                self.copy(object, number);
            }
        }
        self.own_references(number, first);
    }

    /// Whether an object can be copied because the spec names it.
    fn is_copyable(&mut self, position: usize, place: &Place) -> bool {
        let object = self.facts.object(position);
        let id = &object.id;
        let (why, remedy) = if gateway::is_route(id) {
            (
                "a second route for the same hosts and paths takes its traffic".to_owned(),
                "say `entry` on the service it leads to: its canary is made from it".to_owned(),
            )
        } else if kind_of(&id.group, &id.kind).workload && !self.copied.contains(&position) {
            (
                "it runs pods of its own".to_owned(),
                format!(
                    "make it a service of the lane: `- {{name: …, workload: {}/{}}}`",
                    id.kind, id.name
                ),
            )
        } else if let Some(why) = self.facts.made_by(position) {
            (why.to_owned(), "take it out of `copy`".to_owned())
        } else if own::name(self.facts, position).is_none()
            && let Some(why) = bound_to_name(object.document().root())
        {
            (
                why.to_owned(),
                "take it out of `copy`, so that the gray pods use the baseline's; or put one that is encrypted for a gray name beside it, and set the references to it by a patch".to_owned(),
            )
        } else {
            return true;
        };
        self.errors.push(
            Diagnostic::error(format!("{id} cannot be copied by name: {why}"))
                .at(place.clone())
                .remedy(remedy),
        );
        false
    }

    /// Reports an object that the spec names and that no copy can be made of, because a delivery
    /// tool or another object makes it when that wants to.
    pub(super) fn is_made_by_others(&mut self, object: usize, place: &Place) -> bool {
        let Some(why) = self.facts.made_by(object) else { return false };
        let object = self.facts.object(object);
        self.errors.push(
            Diagnostic::error(format!("{} cannot be copied: {why}", object.id))
                .at(place.clone())
                .remedy("name what stands for itself in the baseline"),
        );
        true
    }

    /// Decides for an object that belongs to a service; whether it is copied.
    pub(super) fn consider(&mut self, object: usize, number: usize) -> bool {
        if self.taken.contains_key(&object) {
            return self.copied.contains(&object);
        }
        let id = &self.facts.object(object).id;
        let spec = self.plan.services[number].spec;
        let namespace = self.release.namespace.as_deref();
        if namespace.is_some_and(|own| !id.namespace.is_empty() && id.namespace != own) {
            return false;
        }
        let is_stated = spec.policy(&id.kind, &id.name).is_some();
        let decision = match self.facts.made_by(object) {
            Some(why) if spec.policy(&id.kind, &id.name) != Some(CopyPolicy::Share) => {
                Decision::Skip(why.to_owned())
            }
            // An autoscaler that starts with fewer pods than the spec asks for may still add to them.
            _ if is_budget(id) => {
                let scaled = self.scaled(number).unwrap_or_default();
                decide_over(spec, id, scaled.max(spec.replicas.into()))
            }
            _ => decide(spec, id),
        };
        match decision {
            Decision::Copy if !is_stated && self.blocks_drains(object, number) => {
                self.skip(
                    object,
                    number,
                    "it would let none of the gray pods be evicted".to_owned(),
                );
                false
            }
            Decision::Copy => self.copy(object, number),
            Decision::Share => {
                self.taken.insert(object, number);
                false
            }
            Decision::Skip(why) => {
                self.skip(object, number, why);
                false
            }
            Decision::Refuse(why) => {
                self.taken.insert(object, number);
                let error = Diagnostic::error(format!("{id} belongs to `{}`: {why}", spec.name));
                let error = error.at(self.facts.object(object).place());
                self.errors.push(error.remedy(format!(
                    "say what is wanted in the service's policies: `{}/{}: skip` leaves it with the baseline, `copy` copies it",
                    id.kind, id.name
                )));
                false
            }
        }
    }

    fn skip(&mut self, object: usize, number: usize, why: String) {
        self.taken.insert(object, number);
        self.skipped.push(Skipped { object, service: number, why });
    }

    /// The policies that are attached to routes, which are copied from the `first` copy on.
    pub(super) fn policies_of_routes(&mut self, first: usize) {
        let facts = self.facts;
        let routes = self.plan.copies.iter().skip(first);
        let routes: Vec<(usize, usize)> =
            routes.map(|route| (route.object, route.service)).collect();
        for (route, number) in routes {
            for referrer in facts.referrers(&facts.object(route).id) {
                if is_policy(&facts.object(*referrer).id) {
                    self.consider(*referrer, number);
                }
            }
        }
    }

    /// Tells of what is left out, in the order it was decided. What is copied in the end, because
    /// the spec names it, is not.
    pub(super) fn tell_skipped(&mut self) {
        let (facts, services) = (self.facts, &self.plan.services);
        let mut skipped = mem::take(&mut self.skipped);
        skipped.retain(|skipped| !self.copied.contains(&skipped.object));
        let notes = skipped.par_iter().map(|Skipped { object, service, why }| {
            let (there, service) = (facts.object(*object), services[*service].spec);
            let note = format!("{} of `{}` is not copied: {why}", there.id, service.name);
            Diagnostic::note(note).at(there.place())
        });
        let notes: Vec<Diagnostic> = notes.collect();
        self.plan.notes.extend(notes);
    }

    /// Whether an object is a budget that lets none of a service's gray pods go.
    fn blocks_drains(&self, object: usize, number: usize) -> bool {
        let object = self.facts.object(object);
        if !is_budget(&object.id) {
            return false;
        }
        let replicas = self.plan.services[number].spec.replicas;
        let pods = self.scaled(number).unwrap_or(replicas.into());
        blocking_field(object.document().root(), pods).is_some()
    }

    /// The pods that a copied autoscaler leaves a service at least; those it may scale to none say
    /// nothing.
    fn scaled(&self, number: usize) -> Option<u64> {
        let service = &self.plan.services[number];
        let workload = &self.facts.object(service.workload).id;
        let referrers = self.facts.referrers(workload).iter();
        let mut scalers = referrers.filter_map(|position| {
            let id = &self.facts.object(*position).id;
            let is_copied = self.facts.made_by(*position).is_none() && {
                let mut copy = service.spec.copy.iter();
                copy.any(|(name, _)| (&name.kind, &name.name) == (&id.kind, &id.name))
                    || decide(service.spec, id) == Decision::Copy
            };
            Some((*position, least_pods(id).filter(|_| is_copied)?))
        });
        let (scaler, (field, default)) = scalers.next()?;
        let scaler = self.facts.baseline.gray(scaler).unwrap_or(self.facts.object(scaler));
        let document = scaler.document();
        let least = document.root().at(&["spec", field]).and_then(NodeRef::text);
        least.map_or(Some(default), |least| least.parse().ok()).filter(|least| *least > 0)
    }

    pub(super) fn copy(&mut self, object: usize, number: usize) -> bool {
        if self.copied.contains(&object) {
            return true;
        }
        let there = self.facts.object(object);
        if let Some(second) = self.facts.baseline.duplicate(&there.id) {
            self.twice(object, second);
            return false;
        }
        self.taken.insert(object, number);
        self.copied.insert(object);
        if there.id.is_core_service() {
            self.backends[number].push(object);
        }
        let shared = false;
        self.plan.copies.push(Copy { object, service: number, role: Role::Other, shared });
        true
    }

    /// Notes that a copied Service leads to a service's pods.
    fn serves(&mut self, object: usize, number: usize) {
        if !self.backends[number].contains(&object) {
            self.backends[number].push(object);
        }
        if self.taken.get(&object) != Some(&number) {
            self.shared.insert(object);
        }
    }
}
