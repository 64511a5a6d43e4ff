//! No governance system: callers find a lane's services by their names.

use super::{Governance, Marks, Style};
use crate::spec::GrayRelease;

/// Adds nothing to the labels every lane has.
pub(super) struct NoGovernance;

impl Governance for NoGovernance {
    fn marks(&self, _release: &GrayRelease, _app: &str, _style: Style) -> Marks {
        Marks::default()
    }

    fn app_name_key(&self) -> Option<&'static str> {
        None
    }

    fn needs_tag_header(&self) -> bool {
        false
    }

    fn registry_keys(&self) -> &'static [&'static str] {
        &[]
    }
}
