//! `volume-shared`: gray pods mount a claim of the baseline that they could write to.

use super::pod::at;
use super::{Check, Finding};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::kinds::kind_of;
use crate::kube::object::ObjectRef;
use crate::kube::references::{Reference, references};
use crate::lane::Made;
use crate::spec::CopyPolicy;
use crate::yaml::{NodeRef, Path};

pub(super) const FINDING: Finding = Finding {
    code: "volume-shared",
    severity: Severity::Error,
    doc: "\
The gray pods mount a PersistentVolumeClaim of the baseline.

A `ReadWriteOnce` volume can be attached to one node, so gray pods on another node never start; where
they start, two versions write to the same files. A claim that many pods may read, mounted with
`readOnly: true`, is not told of.

Remedy: copy the claim (`copy: [PersistentVolumeClaim/NAME]`), patch the volume, for instance to
`emptyDir: {}`, or say that both sides may use it: `policies: {PersistentVolumeClaim/NAME: share}`.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let has_claim = |volume: NodeRef<'_>| volume.get("persistentVolumeClaim").is_some();
    let mounts = made.templates().iter().any(|(template, _)| {
        let volumes = made.document.find(&template.spec.key("volumes"));
        volumes.into_iter().flat_map(NodeRef::items).any(has_claim)
    });
    // Most pods mount none, and finding references costs a walk.
    if !mounts {
        return Vec::new();
    }
    let found = references(made.document.root(), &made.gray.id);
    let shared = found.iter().filter(|reference| {
        let target = &reference.target;
        target.kind == "PersistentVolumeClaim" && !made.copied.is_copy(&target.kind, &target.name)
    });
    shared.filter_map(|reference| tell(made, reference)).collect()
}

/// What is wrong with a claim that both sides mount.
fn tell(made: &Made<'_>, reference: &Reference) -> Option<Diagnostic> {
    // The claim is one of the baseline, whatever the namespace of the copy.
    let claim =
        ObjectRef { namespace: made.object.id.namespace.clone(), ..reference.target.clone() };
    if made.service.policy(&claim.kind, &claim.name) == Some(CopyPolicy::Share) {
        return None;
    }
    let volume = reference.path.split_last().map(|(volume, _)| volume);
    let is_read_only = volume
        .and_then(|volume| made.document.find(&volume.key("readOnly")))
        .and_then(NodeRef::as_bool)
        == Some(true);
    if is_read_only && has_many_readers(made, &claim) {
        return None;
    }
    let error = Diagnostic::error(format!(
        "the pods of `{}` mount {claim}: {}",
        made.service.name,
        kind_of(&claim.group, &claim.kind).hazard_clause()
    ));
    let remedy = format!(
        "if both lanes may use it, say so: `policies: {{{}/{}: share}}`; or patch the volume, for instance to `emptyDir: {{}}`",
        claim.kind, claim.name
    );
    Some(at(made, error, made.document.find(&reference.path)).remedy(remedy))
}

fn has_many_readers(made: &Made<'_>, claim: &ObjectRef) -> bool {
    let Some(claim) = made.facts.baseline.get(claim).map(Object::document) else { return false };
    let modes = claim.find(&Path::keys(["spec", "accessModes"]));
    modes
        .into_iter()
        .flat_map(NodeRef::items)
        .any(|mode| matches!(mode.text(), Some("ReadOnlyMany" | "ReadWriteMany")))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    const CLAIM: &str = "---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce]}
";

    #[test]
    fn told_of_claims_that_both_sides_mount() {
        let pods = |volume: &str| {
            let volume = format!("volumes: [{{name: data, persistentVolumeClaim: {volume}}}]");
            format!("{}{CLAIM}", deployment(&volume))
        };
        let written = pods("{claimName: data}");
        let found = told("volume-shared", "", &written);
        assert!(found[0].contains("mount PersistentVolumeClaim/data"), "{found:?}");
        let share = "policies: {PersistentVolumeClaim/data: share}";
        assert!(told("volume-shared", share, &written).is_empty());
        let copy = "copy: [PersistentVolumeClaim/data]";
        assert!(told("volume-shared", copy, &written).is_empty());
        let read_only = pods("{claimName: data, readOnly: true}");
        assert_eq!(told("volume-shared", "", &read_only).len(), 1);
        let many = read_only.replace("ReadWriteOnce", "ReadOnlyMany");
        assert!(told("volume-shared", "", &many).is_empty());
    }
}
