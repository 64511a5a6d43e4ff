//! Governance: what routes east-west, between the services of a lane. One file per system.
//!
//! To add a system, add a file with its [`Governance`] and a row in [`of`].

mod mse;
mod none;

use crate::baseline::Baseline;
use crate::diagnostic::Diagnostic;
use crate::generated::Generated;
use crate::kube::object::ObjectRef;
use crate::spec::{GrayRelease, Provider, Service};

/// A lane as governance sees it.
#[derive(Debug)]
pub struct Governed<'a> {
    /// The spec.
    pub release: &'a GrayRelease,
    /// The baseline.
    pub baseline: &'a Baseline,
    /// The services of the lane, in the order of the spec.
    pub services: Vec<GovernedService<'a>>,
}

/// A service of a lane as governance sees it.
#[derive(Debug)]
pub struct GovernedService<'a> {
    /// What the spec says of it.
    pub spec: &'a Service,
    /// The baseline workload.
    pub workload: &'a ObjectRef,
    /// The name of the gray workload.
    pub gray_workload: &'a str,
    /// The name both register under.
    pub app: &'a str,
    /// The Services that are copied for it, each with the name of its copy.
    pub services: Vec<(&'a ObjectRef, &'a str)>,
}

/// What a governance system needs on the pods of a lane.
pub trait Governance: Sync {
    /// Labels of a gray pod template, in the order they are written.
    ///
    /// `app` is the name the baseline's pods register under; both must register under the same.
    fn pod_labels(&self, tag: &str, app: &str) -> Vec<(&'static str, String)>;

    /// Labels that are part of a gray workload's selector too.
    fn selector_labels(&self, tag: &str) -> Vec<(&'static str, String)>;

    /// The key under which pods say their app name, on the pod template's labels or annotations.
    fn app_name_key(&self) -> Option<&'static str>;

    /// Label keys that registries read: they mean the same in baseline and lane, so isolation never
    /// changes their values.
    fn registry_keys(&self) -> &'static [&'static str];

    /// The objects and files that the system needs for a lane beside labels.
    ///
    /// # Errors
    ///
    /// What the system cannot do, each with its place in the spec or the baseline.
    fn generate(&self, _lane: &Governed<'_>) -> Result<Generated, Vec<Diagnostic>> {
        Ok(Generated::default())
    }
}

/// The governance system of a provider; `None` where this version cannot serve it.
pub fn of(provider: Provider) -> Option<&'static dyn Governance> {
    match provider {
        Provider::Mse => Some(&mse::Mse),
        Provider::None => Some(&none::NoGovernance),
        Provider::OpenSergo => None,
    }
}

/// The providers this version serves, for messages.
pub fn served() -> Vec<&'static str> {
    Provider::ALL
        .iter()
        .filter(|provider| of(**provider).is_some())
        .map(|provider| provider.as_str())
        .collect()
}
