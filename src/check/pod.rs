//! The pods of a copy, for rules that look at them.

use crate::diagnostic::Diagnostic;
use crate::lane::Made;
use crate::spec::Patch;
use crate::yaml::NodeRef;

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
