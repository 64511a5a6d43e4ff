//! Objects of AppStack orchestrations that the gray environment renders otherwise than the
//! baseline's: their gray copies start from that, and keep the names and labels they have there.

use super::facts::{Facts, Labels, Pods};
use super::labels::Label;
use super::policy::{Decision, decide};
use super::select::{Copy, Role, Selection};
use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::kinds::kind_of;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::labels;
use crate::kube::references::{Effect, references};
use crate::kube::scaling::scales;
use crate::spec::{CopyPolicy, GrayRelease, Service};

/// What the copy of an object starts from, where that is not the baseline's object.
///
/// A canary route has to have the hosts and paths of the route it stands beside, so it starts from
/// the baseline's always.
pub(super) fn rendering<'f>(facts: &'f Facts, copy: &Copy) -> Option<&'f Object> {
    facts.baseline.gray(copy.object).filter(|_| copy.role != Role::Entry)
}

/// The name of the gray copy of an object, where the gray environment gives it one of its own.
pub(super) fn name(facts: &Facts, object: usize) -> Option<&str> {
    let own = &facts.baseline.gray(object)?.id.name;
    (*own != facts.object(object).id.name).then_some(own)
}

/// The labels that the gray pods of a workload start from.
pub(super) fn pod_labels(facts: &Facts, pods: &Pods) -> Labels {
    let Some(rendering) = facts.baseline.gray(pods.object) else { return pods.labels.clone() };
    rendering.document().find(&pods.template.labels()).map(labels).unwrap_or_default()
}

/// The object of the baseline that a reference in a gray copy means.
pub(super) fn meant<'a>(facts: &'a Facts, target: &'a ObjectRef) -> &'a ObjectRef {
    match facts.baseline.position_of_gray(target) {
        Some(position) => &facts.object(position).id,
        None => target,
    }
}

/// What a controller makes for an object, with its gray name where it has one of its own.
pub(super) fn made_apart(facts: &Facts, object: usize) -> Vec<(ObjectRef, String)> {
    let Some(rendering) = facts.baseline.gray(object) else { return Vec::new() };
    let made = |object: &Object| -> Vec<_> {
        let all = references(object.document().root(), &object.id).into_iter();
        all.filter(|reference| reference.effect == Effect::Creates).collect()
    };
    let baseline = made(facts.object(object));
    let gray = made(rendering);
    let pairs = baseline
        .into_iter()
        .zip(gray)
        .filter(|(one, other)| one.path == other.path && one.target.name != other.target.name);
    pairs.map(|(one, other)| (one.target, other.target.name)).collect()
}

/// Gray pods that have another tag than their lane: no request of the lane would reach them.
pub(super) fn other_tag(
    facts: &Facts,
    pods: &Pods,
    own: &Labels,
    lane: &[Label],
    release: &GrayRelease,
    service: &Service,
) -> Option<Diagnostic> {
    let rendering = facts.baseline.gray(pods.object)?;
    let (key, found) = own.iter().find(|(key, value)| {
        let is_the_lanes = |(lanes, tag): &Label| lanes == key && tag != value;
        !pods.labels.iter().any(|(other, there)| other == key && there == value)
            && lane.iter().any(is_the_lanes)
    })?;
    let path = pods.template.labels().key(key.clone());
    let place = rendering.document().find(&path).and_then(|node| node.value_place());
    let environment = release.appstack.as_ref().map_or("", |block| &block.gray_environment);
    let message = format!(
        "the pods of `{}` have `{key}: {found}` as rendered for `{environment}`, but the tag of the lane is `{}`",
        service.name, release.tag
    );
    Some(
        Diagnostic::error(message)
            .at(place)
            .remedy(format!("say `tag: {found}` in the spec, or leave the label to graylane")),
    )
}

impl Selection<'_, '_> {
    /// Copies what the gray renderings of a service's copies refer to by a name that only the gray
    /// environment has, such as a ConfigMap of their own; from that one of the copies on.
    pub(super) fn own_references(&mut self, number: usize, first: usize) {
        let mut at = first;
        let mut open = vec![self.plan.services[number].workload];
        loop {
            let new = self.plan.copies.get(at..).unwrap_or(&[]);
            open.extend(new.iter().filter(|copy| copy.service == number).map(|copy| copy.object));
            at = self.plan.copies.len();
            let Some(object) = open.pop() else { return };
            let facts = self.facts;
            let Some(rendering) = facts.baseline.gray(object) else { continue };
            for reference in references(rendering.document().root(), &rendering.id) {
                let Some(target) = facts.baseline.position_of_gray(&reference.target) else {
                    continue;
                };
                self.own(target, number);
            }
        }
    }

    /// Copies an object that a gray rendering has its own of. What runs pods, leads to some or
    /// scales them is the affair of its own service.
    fn own(&mut self, object: usize, number: usize) {
        let id = &self.facts.object(object).id;
        let is_of_a_service = kind_of(&id.group, &id.kind).workload
            || matches!(id.kind.as_str(), "Service" | "Ingress");
        let spec = self.plan.services[number].spec;
        if is_of_a_service || scales(id) || self.copied.contains(&object) {
            return;
        }
        match (spec.policy(&id.kind, &id.name), decide(spec, id)) {
            (Some(CopyPolicy::Share | CopyPolicy::Skip), _) => {
                self.taken.entry(object).or_insert(number);
            }
            (_, Decision::Copy | Decision::Share) => {
                self.copy(object, number);
            }
            (_, Decision::Skip(_) | Decision::Refuse(_)) => {}
        }
    }
}
