//! `mse-app-name-default`: pods of the baseline leave their name in MSE to the default.

use super::{Check, Finding, MseWorkload, Subject, metadata};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::mse::{APP_NAME, AUTO_ENABLE, said};
use crate::yaml::NodeRef;

pub(super) const FINDING: Finding = Finding {
    code: "mse-app-name-default",
    severity: Severity::Note,
    doc: "\
Pods that MSE governs have no `msePilotCreateAppName`.

MSE then calls the application by the name of its workload. Gray workloads have other names, so
graylane writes the baseline's on the gray pods. Nothing is wrong as long as the workload of the
baseline keeps its name.

Remedy: write the name on the baseline's pods too.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    MseWorkload::all(subject).filter_map(|workload| finding(&workload)).collect()
}

fn finding(workload: &MseWorkload<'_>) -> Option<Diagnostic> {
    // Most say both in labels.
    let named = workload.labels.iter().any(|(key, _)| key == APP_NAME);
    if named || !workload.gray.text.contains(AUTO_ENABLE) {
        return None;
    }
    let document = workload.baseline.document();
    let (_, metadata) = metadata(&document)?;
    let enable = said(metadata, AUTO_ENABLE)?;
    let name = said(metadata, APP_NAME).and_then(NodeRef::text);
    if enable.text() == Some("off") || name.is_some_and(|name| !name.is_empty()) {
        return None;
    }
    let id = &workload.baseline.id;
    let note = Diagnostic::note(format!(
        "the pods of {id} have no `{APP_NAME}`: MSE calls them by the name of the {}, so `{}` is written on the gray ones",
        id.kind, id.name
    ));
    Some(note.at(enable.place()).remedy(format!("write below it: `{APP_NAME}: \"{}\"`", id.name)))
}
