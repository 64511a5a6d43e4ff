//! The labels every lane has, whatever governs it.
//!
//! Source: Zadig, "MSE full-link grayscale release"; its workflows and pages read these labels.

use crate::diagnostic::nearest;
use crate::governance::{Mark, Marks};

/// Which version a pod is: the tag, or [`ORIGINAL`] on the baseline.
pub const VERSION: &str = "zadigx-release-version";
/// What kind of release an object belongs to: always `mse-gray`.
pub const TYPE: &str = "zadigx-release-type";
/// The service an object belongs to, by its name in governance.
pub const SERVICE_NAME: &str = "zadigx-release-service-name";
/// The value of [`VERSION`] on the baseline.
pub const ORIGINAL: &str = "original";
/// The value of [`TYPE`] on every gray object.
pub const MSE_GRAY: &str = "mse-gray";

/// A label.
pub(super) type Label = Mark;

/// The labels of one service's gray objects.
#[derive(Clone, Debug)]
pub(super) struct LaneLabels {
    /// On every object: version, type, service name.
    pub object: Vec<Label>,
    /// What governance adds on the workload.
    pub governance: Marks,
}

impl LaneLabels {
    /// The labels of a service in a lane.
    pub(super) fn new(tag: &str, service: &str, governance: Marks) -> Self {
        Self { object: of_objects(tag, service), governance }
    }

    /// All labels of a gray pod that the lane decides; a key may come twice, with one value.
    pub(super) fn all(&self) -> impl Iterator<Item = &Label> {
        self.object.iter().chain(&self.governance.selector).chain(&self.governance.pod_labels)
    }

    /// Every key whose value a lane decides.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.all().chain(&self.governance.workload).map(|(key, _)| key.as_ref())
    }

    /// Every annotation of a gray pod whose value a lane decides.
    pub(super) fn annotation_keys(&self) -> impl Iterator<Item = &str> {
        self.governance.pod_annotations.iter().map(|(key, _)| key.as_ref())
    }
}

/// The labels of every object of a lane.
pub(super) fn of_objects(tag: &str, service: &str) -> Vec<Label> {
    [(VERSION, tag), (TYPE, MSE_GRAY), (SERVICE_NAME, service)]
        .map(|(key, value)| (key.into(), value.to_owned()))
        .into()
}

/// The key among these that was meant to be [`VERSION`], if one is misspelled.
pub fn near_version<'k>(keys: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let known = [VERSION, TYPE, SERVICE_NAME];
    keys.into_iter()
        .filter(|key| !known.contains(key))
        .find(|key| nearest(key, known) == Some(VERSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_version_keys_are_known() {
        for key in ["Zadig-release-version", "zadigx-release-verison", "zadigx-releaseversion"] {
            assert_eq!(near_version(["app", key]), Some(key));
        }
        assert_eq!(near_version(["app", "version", "release", VERSION, TYPE, SERVICE_NAME]), None);
    }
}
