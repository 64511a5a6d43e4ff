//! What stands in the directories of overlays and is not graylane's.

use std::collections::HashSet;

use crate::baseline::files::Files;
use crate::overlay::{LOCK_FILE, OverlayFile, OwnedFile};
use crate::surroundings::Delivery;

/// The manifests in the directory of an overlay that are none of these files, in order: what delivers
/// the directory applies them too. Kustomizations are no objects, and an overlay inside of it has a
/// lock of its own.
pub(super) fn foreign_manifests<'a>(
    files: &dyn Files,
    directory: &str,
    owned: impl IntoIterator<Item = &'a OwnedFile>,
    given: impl IntoIterator<Item = &'a OverlayFile>,
) -> Vec<String> {
    let owned = owned.into_iter().map(|file| file.path.below(directory));
    let given = given.into_iter().map(|file| file.path.below(directory));
    let known: HashSet<String> = owned.chain(given).collect();
    let is_visible =
        |path: &str| !path.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    let mut found = files.list(directory, &is_visible).unwrap_or_default();
    let own_lock = if directory.is_empty() {
        LOCK_FILE.to_owned()
    } else {
        format!("{directory}/{LOCK_FILE}")
    };
    let inside: HashSet<String> = found
        .iter()
        .filter(|path| **path != own_lock)
        .filter_map(|path| path.strip_suffix(LOCK_FILE).filter(|above| above.ends_with('/')))
        .map(str::to_owned)
        .collect();
    let ends = [".yaml", ".yml", ".json"];
    found.retain(|path| {
        ends.iter().any(|end| path.ends_with(end))
            && is_visible(path)
            && !Delivery::is_kustomization(path)
            && !known.contains(path)
            && !path
                .match_indices('/')
                .any(|(at, _)| path.get(..=at).is_some_and(|above| inside.contains(above)))
            && holds_object(files, path)
    });
    found
}

/// Whether a file says what an object has to. It need not be sound: with the marks of a merge in it, it
/// is one all the same.
fn holds_object(files: &dyn Files, path: &str) -> bool {
    let text = files.read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.is_some_and(|text| text.contains("apiVersion") && text.contains("kind"))
}
