//! The copy of an object, without what the cluster or another tool put there.

use std::sync::Arc;

use crate::baseline::Object;
use crate::kube::strip::strip;
use crate::yaml::Document;

/// A copy of a baseline object that can stand beside it, made from what the gray environment
/// renders it to where that is something else.
pub(super) fn copy(object: &Object, rendering: Option<&Object>) -> Document {
    let mut document = Arc::unwrap_or_clone(rendering.unwrap_or(object).document());
    strip(&mut document, &object.id);
    document
}
