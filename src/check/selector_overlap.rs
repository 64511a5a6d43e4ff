//! `selector-overlap`: a workload of the lane shares pods with another one of the baseline.

use std::collections::BTreeSet;
use std::slice;

use super::gray::{Gray, at, position};
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::kinds::kind_of;
use crate::kube::selectors::SelectorRole;
use crate::lane::Selecting;

pub(super) const FINDING: Finding = Finding {
    code: "selector-overlap",
    severity: Severity::Warning,
    doc: "\
In the baseline, the selector of one workload matches the pods of another, and the lane copies one of them.

An autoscaler of the one measures the pods of both, `kubectl logs` and `kubectl rollout` mix them up,
and orphaned pods go to whichever workload is first. Often the other workload is a gray copy that was
written by hand, with the baseline's labels and one more: it takes the baseline's traffic today.

Remedy: take a gray copy written by hand out of the baseline once graylane makes one; else give the
pods of each workload a label that no other has, and let its selector ask for it. A selector cannot
be changed (`graylane explain immutable-selector`).",
    is_fixed: false,
    check: Check::Pods(check),
};

fn check(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let mut pairs: BTreeSet<(usize, usize)> = BTreeSet::new();
    let workloads: BTreeSet<usize> =
        gray.pods.iter().filter_map(|(object, _)| position(facts, object)).collect();
    for &workload in &workloads {
        let owners = facts.selecting(workload).filter(|selecting| owns(selecting));
        pairs.extend(owners.map(|selecting| (selecting.object, workload)));
        for own in facts.selectors_of(workload).iter().filter(|selecting| owns(selecting)) {
            pairs.extend(own.pods.iter().map(|number| (workload, facts.pods[*number].object)));
        }
    }
    // Jobs come and go; what a controller made is its own.
    let stands = |position: usize| {
        let id = &facts.object(position).id;
        kind_of(&id.group, &id.kind).workload && facts.made_by(position).is_none()
    };
    // Where each matches the other's, one is told: that of the lane's workload.
    let is_told_as_other = |(owner, other): &(usize, usize)| {
        let is_mutual = pairs.contains(&(*other, *owner));
        let (owner_is_in, other_is_in) = (workloads.contains(owner), workloads.contains(other));
        is_mutual && (!owner_is_in || (other_is_in && other < owner))
    };
    let overlaps = pairs
        .iter()
        .copied()
        .filter(|pair| !is_told_as_other(pair))
        .filter(|(owner, other)| owner != other && stands(*owner) && stands(*other));
    let told = overlaps.filter_map(|(owner, other)| {
        let selecting = facts.selectors_of(owner).iter().find(|selecting| owns(selecting))?;
        let (owner, other) = (facts.object(owner), facts.object(other));
        let warning = Diagnostic::warning(format!(
            "the selector of {} matches the pods of {} too",
            owner.id, other.id
        ));
        let warning = at(warning, Some(owner), slice::from_ref(&selecting.selector.path));
        let warning = match other.place() {
            Some(place) => warning.related(place, "the other workload"),
            None => warning,
        };
        Some(warning.remedy(format!(
            "if {} is a gray copy written by hand, take it out of the baseline; else give the pods of each a label of their own that its selector asks for",
            other.id
        )))
    });
    told.collect()
}

fn owns(selecting: &Selecting) -> bool {
    selecting.selector.role == SelectorRole::Workload
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_workloads_that_share_pods_with_the_lanes() {
        let beside = |name: &str, labels: &str| {
            let other = format!("{{matchLabels: {{{labels}}}}}");
            deployment("")
                + "---\n"
                + &deployment("")
                    .replace("{matchLabels: {app: web}}", &other)
                    .replace("labels: {app: web}", &format!("labels: {{{labels}}}"))
                    .replace("name: web}\nspec:\n", &format!("name: {name}}}\nspec:\n"))
                    .replace("metadata: {name: web}\nspec: {sel", "metadata: {name: s}\nspec: {sel")
        };
        let of = |baseline: &str| told("selector-overlap", "", baseline);
        assert!(of(&deployment("")).is_empty());
        assert!(of(&beside("api", "app: api")).is_empty());
        let found = of(&beside("web-gray", "app: web, version: gray"));
        assert_eq!(
            found,
            [
                "deploy/all.yaml:5:3: the selector of Deployment/web matches the pods of Deployment/web-gray too"
            ]
        );
        // Each matches the other's.
        assert_eq!(of(&beside("web-gray", "app: web")).len(), 1);
        let found = told(
            "selector-overlap",
            "workload: Deployment/web-gray",
            &beside("web-gray", "app: web, a: b"),
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("Deployment/web matches the pods of Deployment/web-gray"),
            "{found:?}"
        );
        let job = beside("j", "app: web").replacen(
            "apps/v1\nkind: Deployment\nmetadata: {name: j}",
            "batch/v1\nkind: Job\nmetadata: {name: j}",
            1,
        );
        assert!(of(&job).is_empty(), "{:?}", of(&job));
    }
}
