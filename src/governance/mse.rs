//! Alibaba Cloud Microservices Engine: the agent reads a pod's lane from its labels.
//!
//! Source: Alibaba Cloud documentation, "Label reference" and "Full-link canary release" of MSE
//! Microservices Governance.

use super::Governance;

/// The tag of a lane; a pod without it is baseline.
const TAG: &str = "alicloud.service.tag";

/// The application's name in MSE. It defaults to the workload's name, which the suffix changes: the
/// gray pods would register as another application.
const APP_NAME: &str = "msePilotCreateAppName";

/// MSE Microservices Governance.
pub(super) struct Mse;

impl Governance for Mse {
    fn pod_labels(&self, tag: &str, app: &str) -> Vec<(&'static str, String)> {
        vec![(TAG, tag.to_owned()), (APP_NAME, app.to_owned())]
    }

    fn selector_labels(&self, tag: &str) -> Vec<(&'static str, String)> {
        vec![(TAG, tag.to_owned())]
    }

    fn app_name_key(&self) -> Option<&'static str> {
        Some(APP_NAME)
    }

    fn registry_keys(&self) -> &'static [&'static str] {
        &[
            APP_NAME,
            TAG,
            "msePilotAutoEnable",
            "mseNamespace",
            "aliyun.com/app-language",
            "armsPilotCreateAppName",
        ]
    }
}
