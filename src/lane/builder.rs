//! One object of a lane: the steps of the other files in their order.

use std::sync::Arc;

use super::copied::Copied;
use super::facts::Facts;
use super::made::{Lazily, Made};
use super::members::Members;
use super::patch::Patches;
use super::rewire::Rewiring;
use super::select::{Copy, Plan, PlannedService, Role};
use super::targets::Targets;
use super::{
    Built, GrayObject, Identity, Inspect, LaneEntry, Origin, copy, dapr, held_back, monitors, own,
    progressive, relabel, rename, rewire, set, waves,
};
use crate::baseline::{Object, misshapen};
use crate::diagnostic::Diagnostic;
use crate::governance::Governance;
use crate::kube::kinds::{Wave, kind_of};
use crate::kube::object::{GroupKind, ObjectRef};
use crate::kube::scaling::sets_replicas;
use crate::kube::schedules;
use crate::spec::{GrayRelease, Patch};
use crate::yaml::{Document, EditError, Path};

/// Makes the objects of a lane, one at a time, from all that is known of it.
pub(super) struct Builder<'a> {
    pub(super) release: &'a GrayRelease,
    pub(super) facts: &'a Facts,
    pub(super) inspect: &'a Inspect<'a>,
    pub(super) governance: &'static dyn Governance,
    pub(super) plan: &'a Plan<'a>,
    pub(super) copied: Copied<'a>,
    pub(super) members: Members,
    pub(super) patches: &'a Patches<'a>,
    pub(super) dapr: dapr::Scopes,
}

/// A copy while it is made.
struct Making<'a> {
    copy: &'a Copy,
    object: &'a Object,
    service: &'a PlannedService<'a>,
    document: Document,
    notes: Vec<Diagnostic>,
    errors: Vec<Diagnostic>,
}

impl Making<'_> {
    /// Takes what is told of an edit, or why it could not be made.
    fn tell(&mut self, told: Result<impl IntoIterator<Item = Diagnostic>, EditError>) {
        match told {
            Ok(notes) => self.notes.extend(notes),
            Err(error) => {
                self.errors.push(misshapen(&self.object.id, self.object.place(), &error));
            }
        }
    }
}

impl<'a> Builder<'a> {
    /// Makes the copy of one object. Later steps rely on earlier ones:
    ///
    /// 1. It is copied without what the cluster or another tool put there ([`copy`]).
    /// 2. What the lane has otherwise unless a patch says so: replicas, suspension, progressive
    ///    delivery ([`set`], [`progressive`]).
    /// 3. The spec's patches, while it still looks like the baseline's object ([`super::patch`]); then
    ///    what holds a workload back goes, unless a patch is about it ([`held_back`]).
    /// 4. Images, environment and the marks of governance in a workload ([`set`]); the canary route
    ///    of an entry ([`super::canary`]); the application that Dapr knows its pods by ([`dapr`]).
    /// 5. Its name and namespace ([`rename`]).
    /// 6. What it refers to ([`rewire`]), and what its monitors ask for ([`monitors`]).
    /// 7. The lane's labels, and selectors that ask for them ([`relabel`]).
    /// 8. When it is applied ([`waves`]).
    ///
    /// Before all copies [`super::select`] says which there are; after them governance adds objects
    /// of its own.
    pub(super) fn object(&self, copy: &Copy, targets: &Targets<'_>) -> Built {
        let object = self.facts.object(copy.object);
        let service = &self.plan.services[copy.service];
        let document = copy::copy(self.facts, copy, own::rendering(self.facts, copy));
        let (notes, errors) = (Vec::new(), Vec::new());
        let mut making = Making { copy, object, service, document, notes, errors };
        self.calm(&mut making);
        let mut idle_patches = self.patch(&mut making);
        idle_patches.retain(|patch| !held_back::is_kept_by(patch, &object.id));
        let is_patched = |field: &Path| self.patches.say(copy, field);
        let let_go = held_back::let_go(object, is_patched, &mut making.document);
        making.tell(let_go);
        match copy.role {
            Role::Workload => self.set(&mut making),
            Role::Entry => self.route(&mut making)?,
            Role::Other => {}
        }
        self.name_application(&mut making);
        let rewiring = self.tie(&mut making, targets);
        let wave = match copy.role {
            Role::Entry => Wave::Entry,
            Role::Workload | Role::Other => kind_of(&object.id.group, &object.id.kind).wave,
        };
        let ordered = waves::order(self.release.delivery, wave, &mut making.document);
        making.tell(ordered.map(|()| None));
        self.finish(making, wave, rewiring, &idle_patches)
    }

    /// What of its own accord would run more than the lane is to, or elsewhere.
    fn calm(&self, making: &mut Making<'_>) {
        let Making { copy, object, service, .. } = *making;
        let document = &mut making.document;
        if copy.role == Role::Workload {
            match self.autoscaler(object) {
                Some(autoscaler) => {
                    making.errors.extend(set::leave_replicas(object, document));
                    making.notes.push(set::scaled(service.spec, object, autoscaler));
                }
                None => making.errors.extend(set::set_replicas(object, service.spec, document)),
            }
        }
        if let Some(field) = schedules::suspended_by(&object.id) {
            making.errors.extend(set::suspend(object, field, document));
        }
        if progressive::is_progressive(&object.id) {
            let stopped = progressive::stop(object, document);
            making.tell(stopped);
        }
    }

    /// The autoscaler of a workload that is copied with it.
    fn autoscaler(&self, workload: &Object) -> Option<&ObjectRef> {
        let referrers = self.facts.referrers(&workload.id).iter();
        let ids = referrers.map(|position| &self.facts.object(*position).id);
        ids.into_iter().find(|id| sets_replicas(id) && self.plan.gray_names.contains_key(*id))
    }

    /// The spec's patches; those that change nothing are given back.
    fn patch(&self, making: &mut Making<'_>) -> Vec<&'a Patch> {
        let Making { copy, object, service, .. } = *making;
        let (refused, idle) = self.patches.apply(copy, object, service, &mut making.document);
        making.errors.extend(refused);
        idle
    }

    /// What the spec and governance want of the pods of a workload.
    fn set(&self, making: &mut Making<'_>) {
        let Making { object, service, .. } = *making;
        let (template, document) = (&service.pods.template, &mut making.document);
        making.errors.extend(set::set(object, template, service.spec, document));
        let (release, governance) = (self.release, self.governance);
        let wrong = set::set_governance(object, template, release, governance, document);
        making.errors.extend(wrong);
    }

    /// The name that other programs of the cluster know its pods by.
    fn name_application(&self, making: &mut Making<'_>) {
        let Making { copy, object, .. } = *making;
        let (suffix, document) = (&self.release.suffix, &mut making.document);
        let is_patched = |field: &Path| self.patches.say(copy, field);
        match dapr::set_apart(object, suffix, &self.dapr, self.facts, is_patched, document) {
            Ok(told) => making.notes.extend(told),
            Err(error) => making.errors.push(error),
        }
    }

    /// The canary route, in the place of the baseline's.
    fn route(&self, making: &mut Making<'_>) -> Result<(), Vec<Diagnostic>> {
        let canary = self.canary(making.object, making.service.spec, &making.document)?;
        making.document = canary.document;
        making.notes.extend(canary.notes);
        Ok(())
    }

    /// Names, references and labels: what makes it an object of this lane and of no other.
    fn tie(&self, making: &mut Making<'_>, targets: &Targets<'_>) -> Rewiring {
        let Making { copy, object, .. } = *making;
        let (plan, facts) = (self.plan, self.facts);
        let name = &plan.gray_names[&object.id];
        let namespace = self.release.namespace.as_deref();
        making.errors.extend(rename::rename(object, name, namespace, &mut making.document));
        let document = &mut making.document;
        let mut rewiring =
            rewire::rewire(object, copy, plan, facts, &self.members, targets, document);
        making.errors.append(&mut rewiring.errors);
        let less = monitors::ask_for_less(object, document);
        making.tell(less);
        let is_rendered = own::rendering(facts, copy).is_some();
        let document = &mut making.document;
        let wrong = relabel::relabel(facts, object, &plan.services, copy, is_rendered, document);
        making.errors.extend(wrong);
        rewiring
    }

    /// The object as it is in the lane, shown to whoever inspects it.
    fn finish(
        &self,
        making: Making<'_>,
        wave: Wave,
        rewiring: Rewiring,
        idle_patches: &[&Patch],
    ) -> Built {
        let Making { copy, object, service, document, mut notes, errors } = making;
        if !errors.is_empty() {
            return Err(errors);
        }
        let kind = GroupKind::of(document.root()).unwrap_or_else(|| object.id.group_kind());
        let namespace = self.release.namespace.as_ref().unwrap_or(&object.id.namespace);
        // One of the cluster has no namespace.
        let name = &self.plan.gray_names[&object.id];
        let id = ObjectRef::new(&kind.group, &kind.kind, namespace, name);
        if kind != object.id.group_kind()
            && let Some(there) = self.facts.baseline.get(&id)
        {
            let error = format!(
                "the canary of {} would be {id}, which the baseline has already",
                object.id
            );
            return Err(vec![Diagnostic::error(error).at(there.place()).remedy(
                "choose another tag or `naming.suffix`, or take that object out of the baseline",
            )]);
        }
        let identity = Identity {
            id,
            origin: Origin::Baseline { id: object.id.clone(), file: Arc::clone(&object.file) },
            service: service.spec.name.clone(),
        };
        notes.extend(rewiring.notes);
        let gray = GrayObject::new(identity, wave, &document);
        let seen = (self.inspect)(&Made {
            release: self.release,
            facts: self.facts,
            service: service.spec,
            object,
            gray: &gray,
            document: &document,
            replaced: &service.separation.replaced,
            copied: &self.copied,
            references: &rewiring.references,
            idle_patches,
            lazily: Lazily::default(),
        });
        // All nodes of the baseline and the texts of all copies at once would be most of the memory.
        // Routes are few, and looked at again.
        if copy.role != Role::Entry {
            object.let_go();
        }
        Ok((gray, notes, seen))
    }

    /// What is said of the entry, if this copy is the canary route of one.
    pub(super) fn entry(&self, copy: &Copy, object: &GrayObject) -> Option<LaneEntry> {
        let service = self.plan.services[copy.service].spec;
        let entry = service.entry.as_ref().filter(|_| copy.role == Role::Entry)?;
        let gateway = self.gateway(self.facts.object(copy.object)).ok()?.class();
        let (service, route) = (service.name.clone(), object.id.clone());
        Some(LaneEntry { service, gateway, route, place: entry.place.clone() })
    }
}
