//! The order in which objects are applied, and taken away again in reverse.

use crate::kube::kinds::Wave;
use crate::spec::Delivery;
use crate::yaml::{Document, EditError, Path};

/// Argo CD applies the objects of a wave when those of the one below are healthy, and prunes in the
/// opposite order.
///
/// Source: Argo CD, "Sync Phases and Waves".
const SYNC_WAVE: &str = "argocd.argoproj.io/sync-wave";

/// Writes a copy's place in the order, in the way of what applies it; one of the baseline's goes.
///
/// # Errors
///
/// When the object's annotations are no mapping.
pub(super) fn order(
    delivery: Delivery,
    wave: Wave,
    document: &mut Document,
) -> Result<(), EditError> {
    let path = Path::keys(["metadata", "annotations", SYNC_WAVE]);
    match delivery {
        Delivery::ArgoCd => document.set_str(&path, &wave.number().to_string()),
        // Flux orders by directories.
        Delivery::Flux | Delivery::None => document.remove(&path).map(|_| ()),
    }
}
