//! The labels every lane has, whatever governs it.
//!
//! Source: Zadig, "MSE full-link grayscale release"; its workflows and pages read these labels.

use crate::diagnostic::nearest;
use crate::governance::Governance;

/// Which version a pod is: the tag, or [`ORIGINAL`] on the baseline.
pub const VERSION: &str = "zadigx-release-version";
/// What kind of release an object belongs to: always [`MSE_GRAY`].
pub(super) const TYPE: &str = "zadigx-release-type";
/// The service an object belongs to, by its name in governance.
pub(super) const SERVICE_NAME: &str = "zadigx-release-service-name";
/// The value of [`VERSION`] on the baseline.
pub const ORIGINAL: &str = "original";
/// The value of [`TYPE`] on every gray object.
pub(super) const MSE_GRAY: &str = "mse-gray";

/// A label.
pub(super) type Label = (&'static str, String);

/// The labels of one service's gray objects.
#[derive(Clone, Debug)]
pub(super) struct LaneLabels {
    /// On every object: version, type, service name.
    pub object: Vec<Label>,
    /// In a workload's selector besides.
    pub workload_selector: Vec<Label>,
    /// On a pod template besides.
    pub pod: Vec<Label>,
}

impl LaneLabels {
    /// The labels of a service in a lane; `app` is the name its baseline pods register under.
    pub(super) fn new(tag: &str, service: &str, app: &str, governance: &dyn Governance) -> Self {
        Self {
            object: of_objects(tag, service),
            workload_selector: governance.selector_labels(tag),
            pod: governance.pod_labels(tag, app),
        }
    }

    /// All labels of a gray pod that the lane decides; a key may come twice, with one value.
    pub(super) fn all(&self) -> impl Iterator<Item = &Label> {
        self.object.iter().chain(&self.workload_selector).chain(&self.pod)
    }

    /// Every key whose value a lane decides.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.all().map(|(key, _)| *key)
    }
}

/// The labels of every object of a lane.
pub(super) fn of_objects(tag: &str, service: &str) -> Vec<Label> {
    vec![(VERSION, tag.to_owned()), (TYPE, MSE_GRAY.to_owned()), (SERVICE_NAME, service.to_owned())]
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
