//! `prune-disabled`: an object of the lane stays in the cluster when the lane is removed.

use super::pod::at_patch;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;

/// What keeps a tool from removing an object.
struct Hold {
    /// `labels` or `annotations`.
    map: &'static str,
    /// The label or annotation.
    key: &'static str,
    /// The values, or entries of a list with commas, that do.
    values: &'static [&'static str],
    /// The tool.
    tool: &'static str,
    /// Where this is documented.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    source: &'static str,
}

const HOLDS: &[Hold] = &[
    Hold {
        map: "annotations",
        key: "argocd.argoproj.io/sync-options",
        values: &["Prune=false", "Prune=confirm", "Delete=false", "Delete=confirm"],
        tool: "Argo CD",
        source: "argo-cd.readthedocs.io/en/stable/user-guide/sync-options",
    },
    Hold {
        map: "annotations",
        key: "kustomize.toolkit.fluxcd.io/prune",
        values: &["disabled", "Disabled"],
        tool: "Flux",
        source: "fluxcd.io/flux/components/kustomize/kustomizations",
    },
    Hold {
        map: "labels",
        key: "kustomize.toolkit.fluxcd.io/prune",
        values: &["disabled", "Disabled"],
        tool: "Flux",
        source: "fluxcd.io/flux/components/kustomize/kustomizations",
    },
];

pub(super) const FINDING: Finding = Finding {
    code: "prune-disabled",
    severity: Severity::Warning,
    doc: "\
An object of the lane says that the delivery tool must not remove it.

What the baseline says of the kind is dropped from copies, but a patch brings it back: after `cleanup`
the object stays in the cluster, with gray pods that nobody watches any more.

Remedy: take the option out of the patch.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let Some(metadata) = made.document.at(&["metadata"]) else { return Vec::new() };
    let told = HOLDS.iter().filter_map(|hold| {
        let node = metadata.at(&[hold.map, hold.key])?;
        let mut entries = node.text()?.split(',').map(str::trim);
        let option = entries.find(|entry| hold.values.contains(entry))?;
        let warning = Diagnostic::warning(format!(
            "{} has `{}: {option}`: {} leaves it in the cluster when the lane is removed",
            made.gray.id, hold.key, hold.tool
        ));
        Some(at_patch(made, warning, node).remedy("take it out of the patch"))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_patches_that_bring_it_back() {
        let keeping = deployment("").replace(
            "metadata: {name: web}\nspec:\n",
            "metadata: {name: web, annotations: {argocd.argoproj.io/sync-options: Prune=false}}\nspec:\n",
        );
        assert!(told("prune-disabled", "", &keeping).is_empty());
        let patch = |map: &str, entry: &str| {
            format!(
                "patches: [{{target: Deployment/web, merge: {{metadata: {{{map}: {{{entry}}}}}}}}}]"
            )
        };
        let option = "argocd.argoproj.io/sync-options: 'ServerSideApply=true, Prune=false'";
        let found = told("prune-disabled", &patch("annotations", option), &keeping);
        assert!(found[0].starts_with("graylane.yaml:11:"), "{found:?}");
        let flux = patch("labels", "kustomize.toolkit.fluxcd.io/prune: disabled");
        assert_eq!(told("prune-disabled", &flux, &keeping).len(), 1);
        let other = patch("annotations", "argocd.argoproj.io/sync-options: PruneLast=true");
        assert!(told("prune-disabled", &other, &keeping).is_empty());
    }

    #[test]
    fn rows_have_sources() {
        assert!(HOLDS.iter().all(|hold| hold.source.contains('/')));
    }
}
