//! `selector-changed`: a gray workload asks for other pods than the one that is applied.

use super::delivered::Delivered;
use super::{Check, Finding};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::spec::GrayRelease;
use crate::yaml::{Source, parse};

pub(super) const FINDING: Finding = Finding {
    code: "selector-changed",
    severity: Severity::Warning,
    doc: "\
A gray workload has another selector than in the overlay of the last commit.

The selector of a Deployment, StatefulSet, DaemonSet, ReplicaSet or Job cannot be changed once it
exists (`field is immutable`): the delivery tool fails to apply the new manifest and the lane stays as
it is. Another `isolation`, tag label or governance provider is the usual reason.

Remedy: remove the lane and let that be applied, then generate it again: `graylane cleanup --commit`,
then `graylane generate --commit`; or give the lane another tag.",
    is_fixed: false,
    check: Check::Delivery(check),
};

/// Kinds whose selector cannot be changed.
///
/// Sources: kubernetes/kubernetes pkg/apis/apps/validation, pkg/apis/batch/validation;
/// openkruise/kruise pkg/webhook/cloneset/validating and its siblings.
const IMMUTABLE: [(&str, &str); 8] = [
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("batch", "Job"),
    ("apps.kruise.io", "CloneSet"),
    ("apps.kruise.io", "StatefulSet"),
    ("apps.kruise.io", "DaemonSet"),
];

/// Whether the selector of an object cannot be changed once it exists.
pub(crate) fn has_immutable_selector(id: &ObjectRef) -> bool {
    IMMUTABLE.contains(&(id.group.as_str(), id.kind.as_str()))
}

/// How a lane is made again whose objects cannot be changed to what they should be.
pub(super) fn anew(release: &GrayRelease) -> String {
    format!(
        "remove the lane first and let that be applied: `{}`; then `{}`; or use another tag",
        release.command("cleanup --commit"),
        release.command("generate --commit")
    )
}

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let before = &delivered.surroundings.committed;
    let objects = delivered.lane.objects.iter();
    let changed = objects.filter_map(|gray| {
        let text = before.get(&gray.id)?;
        let stream = parse(Source::new(gray.id.to_string(), text.clone())).ok()?;
        let old = stream.documents.first()?.at(&["spec", "selector"])?.to_json();
        let new = gray.document()?.at(&["spec", "selector"])?.to_json();
        if old == new {
            return None;
        }
        let warning = Diagnostic::warning(format!(
            "the selector of {} is another than in the overlay of the last commit: a selector cannot be changed, so it cannot be applied",
            gray.id
        ));
        let place = gray.baseline().and_then(|id| delivered.baseline.get(id)).and_then(Object::place);
        Some(warning.at(place).remedy(anew(delivered.release)))
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::told_around;

    #[test]
    fn told_where_the_committed_selector_is_another() {
        let told = |from: &str, to: &str| {
            told_around("selector-changed", "", &[], |around, release| {
                let objects = release.lane.objects.iter();
                let workload = objects
                    .filter(|object| !object.pods.is_empty())
                    .map(|object| (object.id.clone(), object.text.replace(from, to)));
                around.committed = workload.collect();
            })
        };
        let found = told("alicloud.service.tag: gray", "alicloud.service.tag: other");
        assert!(found[0].starts_with("deploy/all.yaml:3:"), "{found:?}");
        assert!(told("image: web:2", "image: web:3").is_empty());
    }
}
