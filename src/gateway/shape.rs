//! Whether a route has the shape that its kind asks for, as far as a lane is made from it.

use super::at;
use crate::diagnostic::Diagnostic;
use crate::yaml::NodeRef;

/// Stands for each element of a list.
const EACH: &str = "*";

/// What a dialect reads of a route. A field that is not there, or null, has any shape.
pub(super) struct Shape {
    /// Lists whose elements are mappings; [`EACH`] is in place of a number.
    pub lists: &'static [&'static [&'static str]],
    /// Whole numbers.
    pub numbers: &'static [&'static [&'static str]],
}

impl Shape {
    /// What of a route has another shape.
    pub(super) fn misfits(&self, root: NodeRef<'_>) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        let mut refuse = |path: &[&str], node: NodeRef<'_>, wanted: &str| {
            let error = Diagnostic::error(format!(
                "the entry's route is not formed as Kubernetes wants it: `{}` is {}, not {wanted}",
                path.join(".").replace(".*", "[]"),
                node.describe()
            ));
            errors.push(
                at(error, Some(node)).remedy("`kubectl explain` shows the fields of its kind"),
            );
        };
        for path in self.lists {
            for list in nodes(root, path) {
                if !list.is_sequence() {
                    refuse(path, list, "a list");
                }
                for item in list.items().filter(|item| !item.is_mapping()) {
                    refuse(&[path, [EACH].as_slice()].concat(), item, "a mapping");
                }
            }
        }
        for path in self.numbers {
            for number in nodes(root, path).into_iter().filter(|node| node.as_int().is_none()) {
                refuse(path, number, "a whole number");
            }
        }
        errors
    }
}

/// Every node at a path that is there.
fn nodes<'a>(root: NodeRef<'a>, path: &[&str]) -> Vec<NodeRef<'a>> {
    let mut nodes = vec![root];
    for key in path {
        nodes = match *key {
            EACH => nodes.into_iter().flat_map(NodeRef::items).collect(),
            key => nodes.into_iter().filter_map(|node| node.get(key)).collect(),
        };
    }
    nodes.retain(|node| !node.is_null());
    nodes
}
