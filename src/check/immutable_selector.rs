//! `immutable-selector`: the version label would have to go into a selector that cannot be changed.

use std::slice;

use super::gray::{Gray, at, position};
use super::selector_changed::has_immutable_selector;
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::selectors::SelectorRole;
use crate::lane::{ORIGINAL, VERSION, required_values};
use crate::spec::Isolation;

pub(super) const FINDING: Finding = Finding {
    code: "immutable-selector",
    severity: Severity::Warning,
    doc: "\
With `isolation: version-label`, the selector of a workload of the baseline would have to change, which Kubernetes refuses.

The selector of a Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CloneSet is fixed when the
object is created. Applying another one fails (`spec.selector: Invalid value: …: field is immutable`),
and so does the sync of Argo CD or Flux that it is part of. Labels of the pod template and selectors
of Services can change at any time.

Remedy: `isolation: relabel` leaves the baseline as it is. To carry the label all the same, the
workload has to be deleted and created again: with Argo CD by the annotation
`argocd.argoproj.io/sync-options: Replace=true,Force=true` for one sync, else by
`kubectl delete KIND NAME` before the new manifest is applied. No pods serve in between.",
    is_fixed: false,
    check: Check::Pods(check),
};

fn check(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    if subject.release.isolation != Isolation::VersionLabel {
        return Vec::new();
    }
    let facts = subject.facts;
    let positions = gray.pods.iter().filter_map(|(object, _)| position(facts, object));
    let selectors = positions.flat_map(|position| facts.selectors_of(position));
    let told = selectors.filter_map(|selecting| {
        let (object, selector) = (facts.object(selecting.object), &selecting.selector);
        let asks = required_values(&selector.selector, VERSION).any(|values| values == [ORIGINAL]);
        if asks || selector.role != SelectorRole::Workload || !has_immutable_selector(&object.id) {
            return None;
        }
        let id = &object.id;
        let warning = Diagnostic::warning(format!(
            "the selector of {id} would have to ask for `{VERSION}: {ORIGINAL}`, and cannot be changed while the {} exists",
            id.kind
        ));
        let remedy = format!(
            "set `isolation: relabel` in the spec; or delete the {0} and create it again:\n  kubectl delete {1} {2}",
            id.kind,
            id.kind.to_ascii_lowercase(),
            id.name
        );
        Some(at(warning, Some(object), slice::from_ref(&selector.path)).remedy(remedy))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, shown, spec};

    fn told(isolation: &str, baseline: &str) -> Vec<String> {
        let spec = spec("").replace("tag: gray", &format!("tag: gray\n  isolation: {isolation}"));
        shown("immutable-selector", &lane(&spec, baseline))
    }

    #[test]
    fn told_of_workloads_that_the_label_would_change() {
        assert_eq!(
            told("version-label", &deployment("")),
            [
                "deploy/all.yaml:5:3: the selector of Deployment/web would have to ask for `zadigx-release-version: original`, and cannot be changed while the Deployment exists"
            ]
        );
        let labelled =
            deployment("").replace("{app: web}", "{app: web, zadigx-release-version: original}");
        assert!(told("version-label", &labelled).is_empty());
        assert!(told("relabel", &deployment("")).is_empty());
        // Its selector can be changed.
        let controller = deployment("")
            .replace("apps/v1\nkind: Deployment", "v1\nkind: ReplicationController")
            .replace("{matchLabels: {app: web}}", "{app: web}");
        let spec = spec("workload: ReplicationController/web")
            .replace("tag: gray", "tag: gray\n  isolation: version-label");
        let lane = lane(&spec, &controller);
        assert!(shown("immutable-selector", &lane).is_empty());
        assert_eq!(shown("selector-leak", &lane).len(), 2);
    }
}
