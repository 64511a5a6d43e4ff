//! Which namespaces a scope is known to cover: what only may be let through is no proof that it is.

use crate::baseline::Baseline;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::labels;
use crate::kube::selectors::NamespaceScope;
use std::collections::HashMap;

/// The label that the API server gives each namespace.
///
/// Source: kubernetes.io/docs/reference/labels-annotations-taints.
const NAME: &str = "kubernetes.io/metadata.name";

/// Whether a namespace is in scope for certain; `own` is that of the object that holds the selector.
/// What a selector asks of labels is answered by the Namespace of the baseline. Where there is none,
/// only the label with its name is known.
pub(super) fn covers(
    scope: &NamespaceScope,
    own: &str,
    namespace: &str,
    baseline: &Baseline,
) -> bool {
    let NamespaceScope::Selected(selector) = scope else { return scope.may_cover(own, namespace) };
    let mut known = HashMap::from([(NAME.to_owned(), namespace.to_owned())]);
    match baseline.get(&ObjectRef::new("", "Namespace", "", namespace)) {
        Some(object) => {
            let document = object.document();
            let there = document.root().at(&["metadata", "labels"]).filter(|node| !node.is_null());
            known.extend(there.map(labels).unwrap_or_default());
            selector.matches(&known)
        }
        None => {
            let mut asked = selector.requirements.iter();
            asked.all(|requirement| requirement.key == NAME) && selector.matches(&known)
        }
    }
}
