//! The copy of an object, without what the cluster or another tool put there.

use std::sync::Arc;

use super::facts::Facts;
use super::select::Copy;
use crate::baseline::Object;
use crate::kube::strip::{INSTANCE, strip};
use crate::yaml::{Document, Path};

/// A copy of a baseline object that can stand beside it, made from what the gray environment
/// renders it to where that is something else.
///
/// A Pod's own labels are those by which it is found: it keeps the one that Argo CD may track by
/// where a selector of the baseline asks for it.
pub(super) fn copy(facts: &Facts, copy: &Copy, rendering: Option<&Object>) -> Document {
    let object = facts.object(copy.object);
    let mut document = Arc::unwrap_or_clone(rendering.unwrap_or(object).document());
    let instance = Path::keys(INSTANCE);
    let is_asked_for = || {
        let mut asked =
            facts.selecting(copy.object).flat_map(|each| &each.selector.selector.requirements);
        asked.any(|requirement| requirement.key == INSTANCE[2])
    };
    let is_pod = object.id.group.is_empty() && object.id.kind == "Pod";
    strip(&mut document, &object.id, |path| is_pod && *path == instance && is_asked_for());
    document
}
