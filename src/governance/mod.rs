//! Governance: what routes east-west, between the services of a lane. One file per system.
//!
//! To add a system, add a file with its [`Governance`] and a row in [`of`].

mod istio;
mod mse;
mod none;
mod opensergo;
mod swimming_lane;

use std::borrow::Cow;

use crate::baseline::Baseline;
use crate::diagnostic::Diagnostic;
use crate::generated::Generated;
use crate::kube::object::ObjectRef;
use crate::spec::{GrayRelease, Provider, Service};
use crate::yaml::NodeRef;

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
    /// The labels of the baseline's pods.
    pub labels: &'a [(String, String)],
    /// The labels of its gray pods.
    pub gray_labels: &'a [(String, String)],
}

/// Where the pods of a workload say what a governance system reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// In the labels of the pod template.
    Labels,
    /// In its annotations: an older way.
    Annotations,
}

/// A label or an annotation.
pub type Mark = (Cow<'static, str>, String);

/// What makes a gray workload part of its lane for a governance system.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Labels of the workload itself.
    pub workload: Vec<Mark>,
    /// Labels that its selector asks for; the labels of its pods have them all.
    pub selector: Vec<Mark>,
    /// Labels of its pod template, in the order they are written.
    pub pod_labels: Vec<Mark>,
    /// Annotations of its pod template, in the order they are written.
    pub pod_annotations: Vec<Mark>,
}

/// What a governance system needs on the pods of a lane.
pub trait Governance: Sync {
    /// Where a baseline pod template says what the system reads, from its `metadata`.
    fn style(&self, _metadata: NodeRef<'_>) -> Style {
        Style::Labels
    }

    /// What a gray workload is marked by, in the style of its baseline.
    ///
    /// `app` is the name the baseline's pods register under; both must register under the same.
    fn marks(&self, release: &GrayRelease, app: &str, style: Style) -> Marks;

    /// The key under which pods say their app name, on the pod template's labels or annotations.
    fn app_name_key(&self) -> Option<&'static str>;

    /// The key under which pods say which lane they are in, on the pod template's labels or
    /// annotations; see also [`Governance::reads_workloads`].
    fn tag_key(&self) -> Option<&'static str> {
        None
    }

    /// Whether the tag may stand in the labels of the workload instead.
    fn reads_workloads(&self) -> bool {
        false
    }

    /// Label keys that registries read: they mean the same in baseline and lane, so isolation never
    /// changes their values.
    fn registry_keys(&self) -> &'static [&'static str];

    /// Environment variables of a gray container; `said` is the value that it has of one already.
    ///
    /// # Errors
    ///
    /// What does not fit the values that are there.
    fn variables(
        &self,
        _release: &GrayRelease,
        _said: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<(&'static str, String)>, Diagnostic> {
        Ok(Vec::new())
    }

    /// Whether it routes by this object of the baseline, and so decides what becomes of it.
    fn routes_by(&self, _id: &ObjectRef) -> bool {
        false
    }

    /// Whether the system knows the requests of a lane by the header that carries the tag, so that
    /// the entry has to set it.
    fn needs_tag_header(&self) -> bool {
        true
    }

    /// The objects and files that the system needs for a lane beside labels.
    ///
    /// # Errors
    ///
    /// What the system cannot do, each with its place in the spec or the baseline.
    fn generate(&self, _lane: &Governed<'_>) -> Result<Generated, Vec<Diagnostic>> {
        Ok(Generated::default())
    }
}

/// The governance system of a provider.
pub fn of(provider: Provider) -> &'static dyn Governance {
    match provider {
        Provider::Mse => &mse::Mse,
        Provider::Istio => &istio::Istio,
        Provider::None => &none::NoGovernance,
        Provider::OpenSergo => &opensergo::OpenSergo,
    }
}
