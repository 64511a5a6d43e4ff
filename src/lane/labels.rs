//! The labels every lane has, whatever governs it.
//!
//! Source: Zadig, "MSE full-link grayscale release"; its workflows and pages read these labels.

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
            object: vec![
                (VERSION, tag.to_owned()),
                (TYPE, MSE_GRAY.to_owned()),
                (SERVICE_NAME, service.to_owned()),
            ],
            workload_selector: governance.selector_labels(tag),
            pod: governance.pod_labels(tag, app),
        }
    }

    /// Every key whose value a lane decides.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.object.iter().chain(&self.workload_selector).chain(&self.pod).map(|(key, _)| *key)
    }
}
