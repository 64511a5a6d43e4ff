//! `mse-namespace`: gray pods register in another governance namespace than the baseline's.

use super::{Check, Finding, MseWorkload, Subject, metadata};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::mse::{NAMESPACE, said};
use crate::yaml::NodeRef;

pub(super) const FINDING: Finding = Finding {
    code: "mse-namespace",
    severity: Severity::Error,
    doc: "\
The gray pods of a service have another `mseNamespace` than the baseline's.

Applications of different governance namespaces do not know each other: lane rules of the one do not
reach the other, so requests of the lane never come to these pods.

Remedy: take what sets `mseNamespace` out of the patches. A label counts for more than an annotation.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    MseWorkload::all(subject).filter_map(|workload| finding(&workload)).collect()
}

fn finding(workload: &MseWorkload<'_>) -> Option<Diagnostic> {
    let (gray, baseline) = workload.said(NAMESPACE);
    if gray == baseline {
        return None;
    }
    let shown = |namespace: Option<String>| match namespace {
        Some(namespace) => format!("`{namespace}`"),
        None => "the default one".to_owned(),
    };
    let document = workload.baseline.document();
    let said = metadata(&document).and_then(|(_, metadata)| said(metadata, NAMESPACE));
    let place = said.and_then(NodeRef::place).or_else(|| workload.baseline.place());
    let error = Diagnostic::error(format!(
        "the gray pods of {} are in the MSE namespace {}, the baseline's in {}",
        workload.baseline.id,
        shown(gray),
        shown(baseline)
    ));
    Some(error.at(place).remedy(format!("take what changes `{NAMESPACE}` out of the patches")))
}
