//! What a lane has that is no copy: objects made from a skeleton, and files that are no manifests.
//!
//! Skeletons are plain YAML under `templates/`. Values are put in as nodes after parsing, never as
//! text.

use crate::diagnostic::{Diagnostic, Place};
use crate::kube::kinds::Wave;
use crate::shared_routes::LaneRoute;
use crate::yaml::{Document, EditError, Path, Source, Value, parse};

/// An object that is made for a lane.
#[derive(Debug)]
pub struct GeneratedObject {
    /// The service it belongs to.
    pub service: String,
    /// When it is applied.
    pub wave: Wave,
    /// Its manifest, without the labels every gray object has. A name, and a namespace where it is
    /// to have one, are there.
    pub document: Document,
    /// What in the spec or the baseline asked for it: errors about it are shown there.
    pub place: Option<Place>,
}

/// A file of an overlay that is no manifest. Its name must end in nothing that Argo CD (`.yaml`,
/// `.yml`, `.json`, `.jsonnet`) or Flux (`.yaml`, `.yml`) reads as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its path in the overlay: `database/shadow.sql`.
    pub path: &'static str,
    /// Its text.
    pub contents: String,
}

/// What is made for a lane beside the copies.
#[derive(Debug, Default)]
pub struct Generated {
    /// Objects, in any order.
    pub objects: Vec<GeneratedObject>,
    /// Files that are no manifests, in any order.
    pub attachments: Vec<Attachment>,
    /// The lane's parts of objects that several lanes share, in any order.
    pub shared: Vec<LaneRoute>,
    /// What was decided, and what is left to do by hand.
    pub notes: Vec<Diagnostic>,
}

impl Generated {
    /// Adds what another step made.
    pub fn extend(&mut self, other: Self) {
        self.objects.extend(other.objects);
        self.attachments.extend(other.attachments);
        self.shared.extend(other.shared);
        self.notes.extend(other.notes);
    }
}

/// A skeleton with values put in, in order; `name` is its path, for messages.
///
/// # Errors
///
/// When a path leads nowhere in the skeleton.
pub fn fill(
    name: &str,
    skeleton: &str,
    values: Vec<(Path, Value)>,
) -> Result<Document, Diagnostic> {
    let wrong =
        |why: &dyn std::fmt::Display| Diagnostic::error(format!("the skeleton {name}: {why}"));
    let stream = parse(Source::new(name, skeleton.to_owned())).map_err(|error| wrong(&error))?;
    let mut documents = stream.documents.into_iter();
    let mut document = documents.next().ok_or_else(|| wrong(&"it is empty"))?;
    for (path, value) in values {
        document.set(&path, value).map_err(|error: EditError| wrong(&error))?;
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_in_as_nodes() {
        let skeleton = "kind: Rule\nmetadata:\n  name: ''\nspec: {}\n";
        let values = vec![
            (Path::keys(["metadata", "name"]), Value::string("a: b")),
            (Path::keys(["spec", "on"]), Value::string("on")),
        ];
        let document = fill("templates/rule.yaml", skeleton, values).unwrap();
        assert_eq!(document.at(&["metadata", "name"]).and_then(|node| node.as_str()), Some("a: b"));
        assert_eq!(document.at(&["spec", "on"]).and_then(|node| node.as_str()), Some("on"));
    }

    #[test]
    fn an_empty_skeleton_is_an_error() {
        assert!(fill("x", "# nothing\n", Vec::new()).is_err());
    }
}
