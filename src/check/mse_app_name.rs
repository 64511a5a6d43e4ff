//! `mse-app-name`: gray pods register in MSE as another application than the baseline's.

use super::{Check, Finding, MseWorkload, Subject, metadata};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::mse::{APP_NAME, said};
use crate::yaml::NodeRef;

pub(super) const FINDING: Finding = Finding {
    code: "mse-app-name",
    severity: Severity::Error,
    doc: "\
The gray pods of a service have another `msePilotCreateAppName` than the baseline's.

MSE routes between the versions of one application. Under another name the gray pods are another
application: no lane rule of the baseline's finds them, and requests of the lane go to the baseline.

Remedy: take what sets the name out of the patches. A label counts for more than an annotation.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    MseWorkload::all(subject).filter_map(|workload| finding(&workload)).collect()
}

fn finding(workload: &MseWorkload<'_>) -> Option<Diagnostic> {
    let (gray, baseline) = workload.said(APP_NAME);
    let id = &workload.baseline.id;
    let default = || id.name.clone();
    let (gray, baseline) =
        (gray?, baseline.filter(|name| !name.is_empty()).unwrap_or_else(default));
    if gray == baseline {
        return None;
    }
    let document = workload.baseline.document();
    let said = metadata(&document).and_then(|(_, metadata)| said(metadata, APP_NAME));
    let place = said.and_then(NodeRef::place).or_else(|| workload.baseline.place());
    let error = Diagnostic::error(format!(
        "the gray pods of {id} register in MSE as `{gray}`, the baseline's as `{baseline}`: the lane would not find them"
    ));
    Some(error.at(place).remedy(format!("take what sets `{APP_NAME}` out of the patches")))
}
