//! The pods of a copy, for rules that look at them.

use crate::diagnostic::Diagnostic;
use crate::kube::pod_specs::{Container, PodTemplate, containers, pod_templates};
use crate::lane::Made;
use crate::spec::Patch;
use crate::yaml::NodeRef;

/// The pod templates of a copy, each with its containers.
pub(super) fn templates(made: &Made<'_>) -> Vec<(PodTemplate, Vec<Container>)> {
    if made.gray.pods.is_empty() {
        return Vec::new();
    }
    let root = made.document.root();
    let with_containers = |template| {
        let containers = containers(root, &template);
        (template, containers)
    };
    pod_templates(root).into_iter().map(with_containers).collect()
}

/// A diagnostic at what a patch wrote into a copy: at the last patch of that object.
pub(super) fn at_patch(made: &Made<'_>, diagnostic: Diagnostic, node: NodeRef<'_>) -> Diagnostic {
    let id = &made.object.id;
    let is_of = |patch: &&Patch| (&patch.target.kind, &patch.target.name) == (&id.kind, &id.name);
    let patch = made.service.patches.iter().rev().find(is_of);
    at(made, diagnostic, Some(node)).at(patch.map(|patch| patch.place.clone()))
}

/// A diagnostic at a node of a copy; at the object it is made from where a rule wrote the node.
pub(super) fn at(made: &Made<'_>, diagnostic: Diagnostic, node: Option<NodeRef<'_>>) -> Diagnostic {
    diagnostic.at(made.object.place()).at(node.and_then(NodeRef::place))
}
