//! `opensergo-no-crd`: rules of kinds that no public CRD defines.

use std::collections::{BTreeMap, HashSet};

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::yaml::NodeRef;

/// The group of the kinds.
const GROUP: &str = "traffic.opensergo.io";
/// Kinds that stood in the specification from July to September 2022 and were never made a CRD.
///
/// Source: the history of opensergo/opensergo-specification, specification/zh-Hans/traffic-routing.md,
/// and of opensergo/opensergo-control-plane, k8s/crd/bases.
const KINDS: [&str; 2] = ["TrafficLabelRule", "WorkloadLabelRule"];

pub(super) const FINDING: Finding = Finding {
    code: "opensergo-no-crd",
    severity: Severity::Warning,
    doc: "\
The lane has TrafficLabelRules or WorkloadLabelRules, for which no CRD was ever published.

They stood in the OpenSergo specification for eleven weeks of 2022; its control plane knows neither.
A cluster without a CRD of its own refuses them (`no matches for kind`), and what applies the overlay
stops there.

Remedy: install the CRDs of an implementation that has them and keep their manifests in the baseline,
or write other rules: `opensergo: {rules: [traffic-router]}`.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let objects = subject.lane.objects.iter().filter(|object| object.id.group == GROUP);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects.filter(|object| KINDS.contains(&object.id.kind.as_str())) {
        *counts.entry(&object.id.kind).or_default() += 1;
    }
    if counts.is_empty() {
        return Vec::new();
    }
    let defined = defined(subject);
    let missing = counts.into_iter().filter(|(kind, _)| !defined.contains(*kind));
    missing
        .map(|(kind, count)| {
            let objects = if count == 1 { "one".to_owned() } else { count.to_string() };
            Diagnostic::warning(format!(
                "no public CRD defines {kind}, and the lane has {objects}: a cluster without a CRD of its own refuses it"
            ))
            .at(subject.release.opensergo.place.clone())
            .remedy("keep the CRD that your cluster has for it in the baseline, or write `rules: [traffic-router]`")
        })
        .collect()
}

/// The kinds of the group that CRDs of the baseline define.
fn defined(subject: &Subject<'_>) -> HashSet<String> {
    let objects = subject.facts.baseline.objects().iter();
    let crds = objects.filter(|object| {
        (object.id.group.as_str(), object.id.kind.as_str())
            == ("apiextensions.k8s.io", "CustomResourceDefinition")
    });
    let kind = |object: &crate::baseline::Object| {
        let document = object.document();
        let text = |keys: &[&str]| document.at(keys).and_then(NodeRef::as_str).map(str::to_owned);
        text(&["spec", "names", "kind"])
            .filter(|_| text(&["spec", "group"]).as_deref() == Some(GROUP))
    };
    crds.filter_map(kind).collect()
}
