//! `version-label`: a baseline that is isolated by its version label does not carry it as it must.

use std::collections::HashSet;
use std::slice;

use super::gray::{Gray, at, position};
use super::{Check, Finding, Subject, label};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::selectors::{SelectorRole, SelectorUse};
use crate::lane::{
    Facts, ORIGINAL, Pods, Selecting, VERSION, counts_pods, near_version, required_values, selected,
};
use crate::spec::Isolation;

pub(super) const FINDING: Finding = Finding {
    code: "version-label",
    severity: Severity::Error,
    doc: "\
With `isolation: version-label`, the baseline's pods or selectors do not say that they are the original version.

What keeps the sides apart is one label: `zadigx-release-version` is `original` on the baseline's pods
and in its selectors, and the tag on gray ones. Where it is missing, misspelled or has another value,
a selector takes the pods of both sides, or none at all once somebody corrects the other half. All pods
that a Service leads to must have it: one that asks for it no longer finds those that lack it, of
workloads that are not in the lane too.

Remedy: write `zadigx-release-version: original` where the finding says, or use `isolation: relabel`.",
    is_fixed: false,
    check: Check::Pods(check),
};

const OTHERWISE: &str = "or set `isolation: relabel` in the spec";

fn check(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    if subject.release.isolation != Isolation::VersionLabel {
        return Vec::new();
    }
    let facts = subject.facts;
    let mut found = Vec::new();
    // One selector can be for the pods of several services.
    let (mut told, mut starved) = (HashSet::new(), HashSet::new());
    for position in gray.pods.iter().filter_map(|(object, _)| position(facts, object)) {
        let pods = facts.pods_of(position).iter();
        found.extend(pods.filter_map(|pods| of_pods(facts.object(position), pods)));
        for selecting in facts.selecting(position) {
            if !told.insert((selecting.object, &selecting.selector.path)) {
                continue;
            }
            let owner = facts.object(selecting.object);
            found.extend(of_selector(owner, selecting));
            for number in lost(facts, selecting) {
                if starved.insert(number) {
                    found.push(of_lost(facts, owner, &facts.pods[number]));
                }
            }
        }
    }
    found
}

/// The numbers of the pods that a Service would lead to, did it not ask for the original version.
fn lost(facts: &Facts, selecting: &Selecting) -> Vec<usize> {
    let selector = &selecting.selector;
    let asks = required_values(&selector.selector, VERSION).any(|values| values == [ORIGINAL]);
    if !asks || !leads_to_pods(selector) {
        return Vec::new();
    }
    let mut others = selector.clone();
    others.selector.requirements.retain(|requirement| requirement.key != VERSION);
    let namespace = &facts.object(selecting.object).id.namespace;
    let mut numbers = selected(&facts.index, &others, namespace);
    numbers.retain(|number| serves(facts, *number) && is_unlabelled(facts, *number));
    numbers
}

/// Whether a selector says where traffic goes.
pub(super) fn leads_to_pods(selector: &SelectorUse) -> bool {
    matches!(selector.role, SelectorRole::Service | SelectorRole::ServiceEntry)
}

/// Whether pods, by their number, say of no version that they are it. Those that say of another one
/// are meant to be apart.
pub(super) fn is_unlabelled(facts: &Facts, pods: usize) -> bool {
    label(&facts.pods[pods].labels, VERSION).is_none()
}

/// Whether pods, by their number, are of a kind that answers requests: those of Jobs do not.
pub(super) fn serves(facts: &Facts, pods: usize) -> bool {
    facts.object(facts.pods[pods].object).id.group != "batch"
}

/// What is wrong with pods that a Service no longer leads to.
fn of_lost(facts: &Facts, service: &Object, pods: &Pods) -> Diagnostic {
    let (object, labels) = (facts.object(pods.object), pods.template.labels());
    let error = Diagnostic::error(format!(
        "the pods of {} get no traffic of {}, which asks for `{VERSION}: {ORIGINAL}` besides what they are labelled",
        object.id, service.id
    ));
    let remedy = format!("write at `{labels}`:\n  {VERSION}: {ORIGINAL}");
    at(error, Some(object), &[labels, pods.template.path.clone()]).remedy(remedy)
}

/// What is wrong with the version label of pods.
fn of_pods(object: &Object, pods: &Pods) -> Option<Diagnostic> {
    let labels = pods.template.labels();
    let version = pods.labels.iter().find(|(key, _)| key == VERSION);
    let near = near_version(pods.labels.iter().map(|(key, _)| key.as_str()));
    let (message, key) = match (version, near) {
        (Some((_, value)), _) if value == ORIGINAL => return None,
        (Some((_, value)), _) => {
            (format!("are labelled `{VERSION}: {value}`, not `{ORIGINAL}`"), Some(VERSION))
        }
        (None, Some(near)) => {
            (format!("are labelled `{near}`; did you mean `{VERSION}: {ORIGINAL}`?"), Some(near))
        }
        (None, None) => (format!("are not labelled `{VERSION}: {ORIGINAL}`"), None),
    };
    let key = key.map_or_else(|| labels.clone(), |key| labels.key(key.to_owned()));
    let paths = [key, labels.clone(), pods.template.path.clone()];
    let error = Diagnostic::error(format!("the pods of {} {message}", object.id));
    let remedy = format!("write at `{labels}`:\n  {VERSION}: {ORIGINAL}\n{OTHERWISE}");
    Some(at(error, Some(object), &paths).remedy(remedy))
}

/// What is wrong with a selector that asks for a version.
fn of_selector(owner: &Object, selecting: &Selecting) -> Option<Diagnostic> {
    let selector = &selecting.selector;
    let values: Vec<&[String]> = required_values(&selector.selector, VERSION).collect();
    let is_right = values.is_empty() || values.iter().any(|values| *values == [ORIGINAL]);
    if is_right || !counts_pods(selector.role) {
        return None;
    }
    let asked = values.concat().join(", ");
    let error = Diagnostic::error(format!(
        "{} asks for `{VERSION}: {asked}`, not for `{ORIGINAL}`",
        owner.id
    ));
    let remedy = format!("write in `{}`: `{VERSION}: {ORIGINAL}`\n{OTHERWISE}", selector.path);
    Some(at(error, Some(owner), slice::from_ref(&selector.path)).remedy(remedy))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, shown, spec};

    fn told(isolation: &str, baseline: &str) -> Vec<String> {
        let spec = spec("").replace("tag: gray", &format!("tag: gray\n  isolation: {isolation}"));
        shown("version-label", &lane(&spec, baseline))
    }

    #[test]
    fn told_where_the_label_is_missing_misspelled_or_another() {
        let labelled =
            |label: &str| deployment("").replace("{app: web}", &format!("{{app: web, {label}}}"));
        let right = labelled("zadigx-release-version: original");
        assert!(told("version-label", &right).is_empty());
        let missing = told("version-label", &deployment(""));
        assert_eq!(
            missing,
            [
                "deploy/all.yaml:7:16: the pods of Deployment/web are not labelled `zadigx-release-version: original`"
            ]
        );
        let misspelled = told("version-label", &labelled("zadig-release-version: original"));
        assert_eq!(misspelled.len(), 1, "{misspelled:?}");
        assert!(misspelled[0].contains("did you mean `zadigx-release-version: original`?"));
        let other = told("version-label", &labelled("zadigx-release-version: v1"));
        // The pods, the Deployment's selector, the Service's.
        assert_eq!(other.len(), 3, "{other:?}");
        assert!(
            other[2].contains("Service/web asks for `zadigx-release-version: v1`"),
            "{other:?}"
        );
        for isolation in ["auto", "relabel"] {
            assert!(told(isolation, &deployment("")).is_empty());
        }
    }

    #[test]
    fn told_of_pods_beside_that_a_service_no_longer_leads_to() {
        let labelled =
            deployment("").replace("{app: web}", "{app: web, zadigx-release-version: original}");
        let beside = |kind: &str, labels: &str| {
            format!(
                "{labelled}---\napiVersion: {kind}\nmetadata: {{name: beside}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {labels}}}\n    spec: {{containers: [{{name: web, image: web:1}}]}}\n"
            )
        };
        let deployment = "apps/v1\nkind: Deployment";
        let lacking = beside(deployment, "{app: web}");
        let isolation = "version-label";
        assert_eq!(
            told(isolation, &lacking),
            [
                "deploy/all.yaml:24:16: the pods of Deployment/beside get no traffic of Service/web, which asks for `zadigx-release-version: original` besides what they are labelled"
            ]
        );
        for (kind, labels) in [
            (deployment, "{app: other}"),
            (deployment, "{app: web, zadigx-release-version: original}"),
            (deployment, "{app: web, zadigx-release-version: blue}"),
            ("batch/v1\nkind: Job", "{app: web}"),
        ] {
            assert!(told(isolation, &beside(kind, labels)).is_empty(), "{kind} {labels}");
        }
        for isolation in ["auto", "relabel"] {
            assert!(told(isolation, &lacking).is_empty());
        }
    }
}
