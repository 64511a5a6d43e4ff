//! `overlay-leak`: a selector of the baseline matches gray pods as they are applied now.

use std::collections::HashMap;
use std::slice;

use super::delivered::Delivered;
use super::gray::at;
use super::selector_leak::consequence;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::pod_specs::{labels, pod_templates};
use crate::kube::selectors::{SelectorRole, selectors};
use crate::lane::{GrayObject, counts_pods};
use crate::yaml::{Document, Source, parse};

pub(super) const FINDING: Finding = Finding {
    code: "overlay-leak",
    severity: Severity::Error,
    doc: "\
A selector of the baseline matches the gray pods of the overlay in the last commit, and would not match them if it were generated again.

The baseline has got a selector, or another one, since the lane was generated. What is applied are the
pods of the last commit: a Service sends them traffic of the baseline until the lane is generated
again.

Remedy: generate the lane in the change that brings the selector: `graylane generate --commit`.",
    is_fixed: false,
    check: Check::Delivery(check),
};

/// The labels of the pods of one template.
type PodLabels = HashMap<String, String>;

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let applied: Vec<(&GrayObject, Vec<(PodLabels, PodLabels)>)> = delivered
        .lane
        .objects
        .iter()
        .filter_map(|gray| Some((gray, relabelled(delivered, gray)?)))
        .filter(|(_, pods)| !pods.is_empty())
        .collect();
    if applied.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for owner in delivered.baseline.objects() {
        // Monitors of the baseline may be there for lanes.
        let counting = selectors(owner.document().root()).into_iter().filter(|selector| {
            counts_pods(selector.role) && selector.role != SelectorRole::PodMonitor
        });
        for selector in counting {
            let matches = |(gray, pods): &&(&GrayObject, Vec<(PodLabels, PodLabels)>)| {
                selector.scope.may_cover(&owner.id.namespace, &gray.id.namespace)
                    && pods.iter().any(|(old, new)| selector.selects(old) && !selector.selects(new))
            };
            let Some((gray, _)) = applied.iter().find(matches) else { continue };
            let error = Diagnostic::error(format!(
                "{} matches the gray pods of {} as the last commit has them: {}",
                owner.id,
                gray.id,
                consequence(None, selector.role, "gray pods")
            ));
            found.push(at(error, Some(owner), slice::from_ref(&selector.path)).remedy(format!(
                "generate the lane in the same change: `{}`",
                delivered.release.command("generate --commit")
            )));
        }
    }
    found
}

/// The labels that the pods of a gray object have in the last commit and would have now, where they
/// differ.
fn relabelled(delivered: &Delivered<'_>, gray: &GrayObject) -> Option<Vec<(PodLabels, PodLabels)>> {
    let text = delivered.surroundings.committed.get(&gray.id)?;
    let stream = parse(Source::new(gray.id.to_string(), text.clone())).ok()?;
    let old = pod_labels(stream.documents.first()?);
    let new = pod_labels(&*gray.document()?);
    Some(old.into_iter().zip(new).filter(|(old, new)| old != new).collect())
}

fn pod_labels(document: &Document) -> Vec<PodLabels> {
    let templates = pod_templates(document.root()).into_iter();
    let of = |path| document.find(&path).map(labels).unwrap_or_default().into_iter().collect();
    templates.map(|template| of(template.labels())).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::told_around;

    #[test]
    fn told_of_selectors_that_the_applied_pods_are_not_safe_from() {
        let told = |from: &str, to: &str| {
            told_around("overlay-leak", "", &[], |around, release| {
                let objects = release.lane.objects.iter();
                let workload = objects
                    .filter(|object| !object.pods.is_empty())
                    .map(|object| (object.id.clone(), object.text.replace(from, to)));
                around.committed = workload.collect();
            })
        };
        // What the last commit has is what the baseline's own selector asks for.
        let found = told("app: web-mse-gray", "app: web");
        assert!(
            found.iter().any(|it| it.contains(
                "Deployment/web matches the gray pods of Deployment/web-mse-gray as the last commit has them"
            )),
            "{found:?}"
        );
        assert!(told("image: ", "image:  ").is_empty());
    }
}
