//! What one manifest adds to the cluster: a route, what is behind a Service, or workloads.

use std::collections::HashSet;

use super::cluster::Workload;
use super::route::Route;
use crate::gateway::is_route;
use crate::kube::mse::{AUTO_ENABLE, inherits_tag, said};
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{PodTemplate, labels, pod_templates};
use crate::kube::selector::LabelSelector;
use crate::yaml::{Document, NodeRef};

/// What an object adds to a cluster.
pub(super) enum Part {
    Route(Route),
    Service(ObjectRef, Endpoints),
    Workloads(Vec<Workload>),
}

/// The pods behind a Service.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    /// The position of its lane.
    pub(super) lane: Option<usize>,
    pub(super) selector: Option<LabelSelector>,
    /// The host that it is another name for.
    pub(super) external: Option<String>,
}

impl Endpoints {
    pub(super) fn has_selector(&self) -> bool {
        self.selector.is_some()
    }
}

/// Namespace, kind and name of what is scaled up from no replicas.
pub(super) type Scaled = [String; 3];

impl Part {
    /// What an object adds, of a lane or of the baseline; `base` is what it is a copy of there, and
    /// `all_scaled` what has pods though it has no replicas.
    pub(super) fn of(
        lane: Option<usize>,
        base: Option<&ObjectRef>,
        id: &ObjectRef,
        document: &Document,
        all_scaled: &HashSet<Scaled>,
    ) -> Self {
        let root = document.root();
        if is_route(id) {
            return Self::Route(Route { id: id.clone(), lane, document: document.clone() });
        }
        if id.is_core_service() {
            let selector = root.at(&["spec", "selector"]).filter(|node| !node.is_empty());
            let selector = selector.map(LabelSelector::from_labels);
            let is_alias =
                root.at(&["spec", "type"]).and_then(NodeRef::as_str) == Some("ExternalName");
            let external = root.at(&["spec", "externalName"]).filter(|_| is_alias);
            let external = external.and_then(NodeRef::as_str).map(str::to_owned);
            let selector = selector.filter(|_| !is_alias);
            return Self::Service(id.clone(), Endpoints { lane, selector, external });
        }
        let replicas = root.at(&["spec", "replicas"]).and_then(NodeRef::as_int);
        let scaled = [&id.namespace, &id.kind, &id.name].map(String::clone);
        let is_empty = replicas == Some(0) && !all_scaled.contains(&scaled);
        let workload = |template: PodTemplate| {
            let labels = document.find(&template.labels()).map(labels).unwrap_or_default();
            let metadata = document.find(&template.path.key("metadata"));
            let agent = metadata.and_then(|metadata| said(metadata, AUTO_ENABLE));
            Workload {
                id: id.clone(),
                lane,
                base: if lane.is_none() { Some(id.clone()) } else { base.cloned() },
                is_driven: false,
                hands_on: inherits_tag(document, &template),
                has_agent: agent.and_then(NodeRef::text) == Some("on"),
                is_empty,
                labels,
            }
        };
        Self::Workloads(pod_templates(root).into_iter().map(workload).collect())
    }
}

/// What an object that scales from none gives pods to.
pub(super) fn scaled(id: &ObjectRef, root: NodeRef<'_>) -> Option<Scaled> {
    let spec = root.get("spec")?;
    let target = spec.get("scaleTargetRef").or_else(|| spec.get("workloadRef"))?;
    let kind = target.get("kind").and_then(NodeRef::as_str).unwrap_or("Deployment");
    let name = target.get("name").and_then(NodeRef::as_str)?;
    Some([id.namespace.clone(), kind.to_owned(), name.to_owned()])
}
