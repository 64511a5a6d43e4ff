//! `alb-order`: a lane's rules come before those of other Ingresses, and take their requests.

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::{alb_order, class_of, conditioned_paths, covered_paths, is_route};
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

A lane that takes a share has no rules of its own, but a share of those for its host and path. Whether
that is so for the rule of another Ingress that has conditions too is not documented.

Remedy: give the other Ingress a lower `alb.ingress.kubernetes.io/order` than the lane's has; match by a
header in place of a weight.",
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
    let by_weight = !has_rules(own.root());
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
        if class_of(root) != class_of(before.root()) {
            continue;
        }
        if by_weight {
            found.extend(conditioned(entry, object, own.root(), &other.id, root));
            continue;
        }
        let is_between = precedence(&other.id, root).is_some_and(|at| is < at && at < was);
        if !is_between || has_copy_before(&other.id) {
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

/// What another Ingress has conditions for, where a lane takes a share of the same path.
fn conditioned(
    entry: &LaneEntry,
    object: &GrayObject,
    own: NodeRef<'_>,
    other: &ObjectRef,
    root: NodeRef<'_>,
) -> Option<Diagnostic> {
    let (path, service, node) = conditioned_paths(own, root).into_iter().next()?;
    let error = Diagnostic::error(format!(
        "{} takes a share of the requests for `{path}`: whether it takes one of those too that {other} leads to `{service}` by conditions is not documented",
        object.id
    ));
    let error = error.at(entry.place.clone());
    let error = match node.place() {
        Some(place) => error.related(place, "the path"),
        None => error,
    };
    Some(error.remedy("match by a header, cookie or query parameter instead of `weight`"))
}

/// When ALB tries an Ingress; `None` where its order cannot be read.
fn precedence<'a>(id: &'a ObjectRef, root: NodeRef<'_>) -> Option<Precedence<'a>> {
    Some((alb_order(root).ok()?, &id.namespace, &id.name))
}
