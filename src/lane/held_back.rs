//! What holds a workload back: a copy makes its pods, all of them of its own version, and
//! names none of the baseline's.

use super::patch::says;
use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::object::ObjectRef;
use crate::spec::Patch;
use crate::yaml::{Document, EditError, NodeRef, Path};

/// A field that a copy goes without.
struct Field {
    group: &'static str,
    kind: &'static str,
    path: &'static [&'static str],
    /// What it would do to the copy, to be read after its name.
    why: &'static str,
    /// Where is said what it does.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    source: &'static str,
}

const PAUSED: &str = "would leave it without pods";
const OLD: &str = "would keep pods of it at an older version";
const NAMED: &str = "is about pods of the baseline's";

macro_rules! fields {
    ($($group:literal $kind:literal, $source:literal { $($path:expr => $why:expr;)* })*) => {
        &[$($(Field { group: $group, kind: $kind, path: &$path, why: $why, source: $source },)*)*]
    };
}

#[rustfmt::skip]
const FIELDS: &[Field] = fields! {
    "apps" "Deployment", "kubernetes.io/docs/concepts/workloads/controllers/deployment (pausing and resuming a rollout)" {
        ["spec", "paused"] => PAUSED;
    }
    "apps" "StatefulSet", "kubernetes.io/docs/concepts/workloads/controllers/statefulset (partitioned rolling updates)" {
        ["spec", "updateStrategy", "rollingUpdate", "partition"] => OLD;
    }
    "apps.kruise.io" "StatefulSet", "openkruise.io/docs/user-manuals/advancedstatefulset" {
        ["spec", "updateStrategy", "rollingUpdate", "partition"] => OLD;
        ["spec", "updateStrategy", "rollingUpdate", "paused"] => OLD;
    }
    "apps.kruise.io" "CloneSet", "openkruise.io/docs/user-manuals/cloneset" {
        ["spec", "updateStrategy", "partition"] => OLD;
        ["spec", "updateStrategy", "paused"] => OLD;
        ["spec", "scaleStrategy", "podsToDelete"] => NAMED;
    }
    "apps.kruise.io" "DaemonSet", "openkruise.io/docs/user-manuals/advanceddaemonset" {
        ["spec", "updateStrategy", "rollingUpdate", "partition"] => OLD;
        ["spec", "updateStrategy", "rollingUpdate", "paused"] => OLD;
    }
    "apps.kruise.io" "UnitedDeployment", "openkruise.io/docs/user-manuals/uniteddeployment (manual update)" {
        ["spec", "updateStrategy", "manualUpdate", "partitions"] => OLD;
        ["spec", "template", "deploymentTemplate", "spec", "paused"] => PAUSED;
        ["spec", "template", "statefulSetTemplate", "spec", "updateStrategy", "rollingUpdate", "partition"] => OLD;
        ["spec", "template", "advancedStatefulSetTemplate", "spec", "updateStrategy", "rollingUpdate", "partition"] => OLD;
        ["spec", "template", "advancedStatefulSetTemplate", "spec", "updateStrategy", "rollingUpdate", "paused"] => OLD;
        ["spec", "template", "cloneSetTemplate", "spec", "updateStrategy", "partition"] => OLD;
        ["spec", "template", "cloneSetTemplate", "spec", "updateStrategy", "paused"] => OLD;
    }
    "argoproj.io" "Rollout", "argo-rollouts.readthedocs.io/en/stable/features/specification (paused)" {
        ["spec", "paused"] => OLD;
    }
    "serving.knative.dev" "Service", "knative.dev/docs/serving/configuration/config-defaults; knative/serving pkg/apis/serving/v1 (ValidateRevisionName: prefixed with the name of the Service)" {
        ["spec", "template", "metadata", "name"] => "would be refused: a revision is named after its Service";
    }
};

/// Takes what holds a workload back out of its copy, and tells so, but for what a patch says.
///
/// # Errors
///
/// An object that is not formed as its kind wants it.
pub(super) fn let_go(
    object: &Object,
    is_patched: impl Fn(&Path) -> bool,
    document: &mut Document,
) -> Result<Vec<Diagnostic>, EditError> {
    let id = &object.id;
    let mut notes = Vec::new();
    for (path, why) in fields(id) {
        if document.find(&path).is_some_and(holds) && !is_patched(&path) {
            notes.push(take(object, &path, why, document)?);
        }
    }
    if (id.group.as_str(), id.kind.as_str()) == ("serving.knative.dev", "Service")
        && !is_patched(&Path::keys(["spec", "traffic"]))
    {
        notes.extend(revisions(object, document)?);
    }
    Ok(notes)
}

/// Whether a patch keeps a field that a copy goes without otherwise, with the value that it has.
pub(super) fn is_kept_by(patch: &Patch, id: &ObjectRef) -> bool {
    fields(id).any(|(path, _)| says(patch, &path))
}

fn fields(id: &ObjectRef) -> impl Iterator<Item = (Path, &'static str)> {
    let fields = FIELDS.iter().filter(|field| (field.group, field.kind) == (&*id.group, &*id.kind));
    fields.map(|field| (Path::keys(field.path.iter().copied()), field.why))
}

/// Whether a field says anything: neither `false` nor `0`, and not an empty list.
fn holds(node: NodeRef<'_>) -> bool {
    match node.text() {
        Some(text) => !matches!(text, "false" | "0" | "0%") && !node.is_null(),
        None => !node.is_empty(),
    }
}

/// Takes shares of the traffic out of the copy of a Knative Service where they name revisions, which
/// are the baseline's: without them all of it goes to the newest.
///
/// Source: knative.dev/docs/serving/traffic-management.
fn revisions(object: &Object, document: &mut Document) -> Result<Option<Diagnostic>, EditError> {
    let path = Path::keys(["spec", "traffic"]);
    let names = |share: NodeRef<'_>| share.get("revisionName").is_some_and(|name| !name.is_null());
    if !document.find(&path).is_some_and(|shares| shares.items().any(names)) {
        return Ok(None);
    }
    take(object, &path, "names revisions of the baseline's", document).map(Some)
}

/// Takes a field out, with what is empty above it then.
fn take(
    object: &Object,
    path: &Path,
    why: &str,
    document: &mut Document,
) -> Result<Diagnostic, EditError> {
    document.remove(path)?;
    let mut above = path.split_last().map(|(above, _)| above);
    while let Some(empty) = above.filter(|above| {
        above.segments().len() > 1
            && document.find(above).is_some_and(|node| node.is_mapping() && node.is_empty())
    }) {
        document.remove(&empty)?;
        above = empty.split_last().map(|(above, _)| above);
    }
    let note = format!("the copy of {} goes without `{path}`, which {why}", object.id);
    let place = object.document().find(path).and_then(NodeRef::place);
    Ok(Diagnostic::note(note).at(place).remedy("a patch that names it keeps it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn fields_stand_once_with_their_source() {
        let mut seen = HashSet::new();
        for field in FIELDS {
            assert!(seen.insert((field.group, field.kind, field.path)), "{:?} twice", field.path);
            assert!(!field.why.is_empty() && !field.source.is_empty(), "{:?}", field.path);
        }
    }
}
