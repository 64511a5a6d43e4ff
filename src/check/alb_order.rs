//! `alb-order`: a lane's rules come before those of other Ingresses, and take their requests.

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::{alb_order, class_of, covered_paths, is_route};
use crate::kube::object::ObjectRef;
use crate::lane::{GrayObject, LaneEntry};
use crate::spec::GatewayClass;
use crate::yaml::NodeRef;

pub(super) const FINDING: Finding = Finding {
    code: "alb-order",
    severity: Severity::Error,
    doc: "\
A lane's rules at ALB come before those of another Ingress, and take its gray requests.

ALB tries the rules of Ingresses by their order, then by namespace and name, not by the length of
their paths. The lane's Ingress has an order before that of the one it is made from. A third one
that was tried before that one and is tried after the lane's loses its gray requests to the lane,
where a path of the lane covers one of its own: requests for `/upload` end at the gray copy for `/`.

Remedy: give the other Ingress a lower `alb.ingress.kubernetes.io/order` than the lane's has.",
    is_fixed: false,
    check: Check::Lane(check),
};

/// What decides which of two Ingresses ALB tries first.
type Precedence<'a> = (u16, &'a str, &'a str);

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let lane: Vec<(&LaneEntry, &GrayObject)> =
        subject.lane.routes().filter(|(entry, _)| entry.gateway == GatewayClass::Alb).collect();
    let mut found = Vec::new();
    for (entry, object) in &lane {
        found.extend(taken(subject, &lane, entry, object));
    }
    found
}

/// What one Ingress of a lane takes from those of the baseline.
fn taken(
    subject: &Subject<'_>,
    lane: &[(&LaneEntry, &GrayObject)],
    entry: &LaneEntry,
    object: &GrayObject,
) -> Vec<Diagnostic> {
    let baseline = &subject.facts.baseline;
    let origin = object.baseline().and_then(|id| baseline.get(id));
    let Some((origin, own)) = origin.zip(object.document()) else { return Vec::new() };
    let before = origin.document();
    // A canary by weight has no rules of its own.
    let has_rules = |root: NodeRef<'_>| {
        let annotations = root.at(&["metadata", "annotations"]);
        let mut keys = annotations.into_iter().flat_map(NodeRef::entries);
        keys.any(|(key, _)| key.starts_with("alb.ingress.kubernetes.io/conditions."))
    };
    let (Some(was), Some(is)) =
        (precedence(&origin.id, before.root()), precedence(&object.id, own.root()))
    else {
        return Vec::new();
    };
    if !has_rules(own.root()) {
        return Vec::new();
    }
    let has_copy_before = |id: &ObjectRef| {
        lane.iter().any(|(_, copy)| {
            copy.baseline() == Some(id)
                && copy.document().is_some_and(|document| {
                    precedence(&copy.id, document.root()).is_some_and(|copy| copy < is)
                })
        })
    };
    let mut found = Vec::new();
    for (position, other) in baseline.objects().iter().enumerate() {
        if other.id.kind != "Ingress"
            || !is_route(&other.id)
            || other.id == origin.id
            || subject.facts.is_canary(position)
        {
            continue;
        }
        let document = other.document();
        let root = document.root();
        let is_between = precedence(&other.id, root).is_some_and(|at| is < at && at < was);
        if !is_between || class_of(root) != class_of(before.root()) || has_copy_before(&other.id) {
            continue;
        }
        let Some((path, node)) = covered_paths(own.root(), root).into_iter().next() else {
            continue;
        };
        let error = Diagnostic::error(format!(
            "ALB tries {} before {}: gray requests for `{path}` would reach the gray copy of `{}`",
            object.id, other.id, entry.service
        ));
        let error = error.at(entry.place.clone());
        let error = match node.place() {
            Some(place) => error.related(place, "the path"),
            None => error,
        };
        found.push(error.remedy(format!(
            "give {} a lower `alb.ingress.kubernetes.io/order` than {}, which is the lane's",
            other.id, is.0
        )));
    }
    found
}

/// When ALB tries an Ingress; `None` where its order cannot be read.
fn precedence<'a>(id: &'a ObjectRef, root: NodeRef<'_>) -> Option<Precedence<'a>> {
    Some((alb_order(root).ok()?, &id.namespace, &id.name))
}
