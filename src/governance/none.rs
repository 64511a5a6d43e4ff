//! No governance system: callers find a lane's services by their names.

use super::Governance;

/// Adds nothing to the labels every lane has.
pub(super) struct NoGovernance;

impl Governance for NoGovernance {
    fn pod_labels(&self, _tag: &str, _app: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn selector_labels(&self, _tag: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn app_name_key(&self) -> Option<&'static str> {
        None
    }

    fn registry_keys(&self) -> &'static [&'static str] {
        &[]
    }
}
