//! `mse-namespace-label`: nothing in the baseline switches MSE on for the pods of a lane.

use std::collections::BTreeMap;

use super::{Check, Finding, MseWorkload, Subject, metadata};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::mse::{AUTO_ENABLE, said};
use crate::kube::object::ObjectRef;
use crate::yaml::NodeRef;

pub(super) const FINDING: Finding = Finding {
    code: "mse-namespace-label",
    severity: Severity::Note,
    doc: "\
Neither the manifest of a namespace nor the pods of the lane in it switch the agent of MSE on.

MSE injects its agent into the pods of a namespace with the label `mse-enable: enabled`, or into single
applications with the pod label `msePilotAutoEnable: \"on\"`. Without the agent a pod knows no tag and is found by nobody. Where the namespace is labelled
by other means (`kubectl label namespace NAME mse-enable=enabled`) nothing is wrong.

Remedy: add the label to the Namespace, or `msePilotAutoEnable: \"on\"` to the pods.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut workloads: BTreeMap<&str, Vec<MseWorkload<'_>>> = BTreeMap::new();
    for workload in MseWorkload::all(subject) {
        let on = |(key, value): &(String, String)| key == AUTO_ENABLE && value == "on";
        if !workload.labels.iter().any(on) {
            workloads.entry(&workload.gray.id.namespace).or_default().push(workload);
        }
    }
    let found = workloads.into_iter().filter_map(|(namespace, workloads)| {
        let object = subject.facts.baseline.get(&ObjectRef::new("", "Namespace", "", namespace))?;
        let document = object.document();
        let labels = document.at(&["metadata", "labels"]);
        let enabled = labels.and_then(|labels| labels.get("mse-enable"));
        if enabled.and_then(NodeRef::text) == Some("enabled") {
            return None;
        }
        let first = workloads.iter().find(|workload| !is_switched(workload))?;
        let note = Diagnostic::note(format!(
            "Namespace {namespace} has no label `mse-enable: enabled`, and the pods of {} no `msePilotAutoEnable: \"on\"`: without the agent of MSE they are not in the lane",
            first.baseline.id
        ));
        let place = enabled.or(labels).and_then(NodeRef::place).or_else(|| object.place());
        Some(note.at(place).remedy("add to its `metadata.labels`:\n  mse-enable: enabled"))
    });
    found.collect()
}

/// Whether the pods say something of the agent themselves, in labels or annotations: `off` is meant.
fn is_switched(workload: &MseWorkload<'_>) -> bool {
    if !workload.gray.text.contains(AUTO_ENABLE) {
        return false;
    }
    let document = workload.baseline.document();
    let said = metadata(&document).and_then(|(_, metadata)| said(metadata, AUTO_ENABLE));
    said.is_some_and(|node| matches!(node.text(), Some("on" | "off")))
}
