//! An Argo Rollout: its copy does no progressive delivery of its own. The lane is the canary, and what
//! a Rollout drives meanwhile, a route of the baseline above all, is not the lane's.

use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::object::ObjectRef;
use crate::yaml::{Document, EditError, NodeRef, Path, Value};

/// A field of `spec.strategy.canary` that a copy goes without.
struct Field {
    name: &'static str,
    /// Where is said what it does.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    source: &'static str,
}

const fn field(name: &'static str, source: &'static str) -> Field {
    Field { name, source }
}

/// What is left is a rolling update: without steps, `maxSurge` and `maxUnavailable` say how pods are
/// replaced (argo-rollouts.readthedocs.io/en/stable/features/canary).
const FIELDS: &[Field] = &[
    field(
        "trafficRouting",
        "argo-rollouts.readthedocs.io/en/stable/features/traffic-management: it writes weights into the routes that it names",
    ),
    field(
        "canaryService",
        "argo-rollouts.readthedocs.io/en/stable/features/specification: its selector is written",
    ),
    field("stableService", "as canaryService"),
    field(
        "pingPong",
        "argo-rollouts.readthedocs.io/en/stable/features/traffic-management/alb: the selectors of both Services are written",
    ),
    field("steps", "argo-rollouts.readthedocs.io/en/stable/features/canary: weights and pauses"),
    field(
        "analysis",
        "argo-rollouts.readthedocs.io/en/stable/features/analysis: it ends an update by what the named Services answer",
    ),
    field(
        "canaryMetadata",
        "argo-rollouts.readthedocs.io/en/stable/features/ephemeral-metadata: labels of pods that change while it updates",
    ),
    field("stableMetadata", "as canaryMetadata"),
    field(
        "dynamicStableScale",
        "argoproj/argo-rollouts pkg/apis/rollouts/validation: refused without trafficRouting",
    ),
    field(
        "scaleDownDelaySeconds",
        "argoproj/argo-rollouts pkg/apis/rollouts/validation: refused without trafficRouting",
    ),
];

/// Whether objects of this kind deliver step by step.
pub(super) fn is_progressive(id: &ObjectRef) -> bool {
    (id.group.as_str(), id.kind.as_str()) == ("argoproj.io", "Rollout")
}

/// Takes progressive delivery out of the copy of a Rollout, and tells so; a patch may put it back.
///
/// # Errors
///
/// A strategy that is not formed as the Rollout wants it.
pub(super) fn stop(object: &Object, document: &mut Document) -> Result<Vec<Diagnostic>, EditError> {
    let strategy = Path::keys(["spec", "strategy"]);
    let canary = strategy.key("canary");
    let mut notes = Vec::new();
    let mut note = |path: &Path, message: String| {
        let place = object.document().find(path).and_then(NodeRef::place);
        notes.push(Diagnostic::note(message).at(place).remedy(
            "the lane is the canary, and routes stay as they are; a patch can put back what the copy should have",
        ));
    };
    let blue_green = strategy.key("blueGreen");
    if document.find(&blue_green).is_some_and(|node| !node.is_null()) {
        document.remove(&blue_green)?;
        // A Rollout has to have one of both.
        if document.find(&canary).is_none_or(NodeRef::is_null) {
            document.set(&canary, Value::Mapping(Vec::new()))?;
        }
        let message =
            format!("the copy of {} is updated pod by pod, without its `blueGreen`", object.id);
        note(&blue_green, message);
    }
    let names = FIELDS.iter().map(|field| field.name);
    let there: Vec<&'static str> =
        names.filter(|name| document.find(&canary.key(*name)).is_some()).collect();
    if there.is_empty() {
        return Ok(notes);
    }
    let entries = document.find(&canary).into_iter().flat_map(NodeRef::entries).count();
    if entries == there.len() {
        document.set(&canary, Value::Mapping(Vec::new()))?;
    } else {
        for name in &there {
            document.remove(&canary.key(*name))?;
        }
    }
    let names: Vec<String> = there.iter().map(|name| format!("`{name}`")).collect();
    let message = format!(
        "the copy of {} is updated pod by pod, without {} of its canary",
        object.id,
        names.join(", ")
    );
    note(&canary, message);
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn fields_stand_once_with_their_source() {
        let mut seen = HashSet::new();
        for field in FIELDS {
            assert!(seen.insert(field.name), "{} stands twice", field.name);
            assert!(!field.name.is_empty() && !field.source.is_empty(), "{}", field.name);
        }
    }
}
