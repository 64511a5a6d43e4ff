//! A file of the baseline that is changed in place.

use crate::baseline::misshapen;
use crate::diagnostic::Diagnostic;
use crate::kube::object::{ObjectRef, identity};
use crate::kube::pod_specs::{PodTemplate, containers};
use crate::yaml::{Document, NodeRef, Path, Segment, Source, Stream, parse_as_written};

/// The objects of a file where they stand in it.
pub(super) struct Manifest<'a> {
    path: &'a str,
    namespace: &'a str,
    stream: Stream,
}

/// Why nothing can be changed in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is not YAML any more.
    NotYaml,
    /// It cannot be written as it is read.
    NotInPlace,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotYaml => "it is not YAML",
            Self::NotInPlace => "it is JSON of a form that would have to be written anew",
        })
    }
}

impl<'a> Manifest<'a> {
    /// Reads a file; `namespace` is that of objects that name none.
    pub(super) fn open(path: &'a str, text: &str, namespace: &'a str) -> Result<Self, Unfit> {
        let source = Source::new(path, text.to_owned());
        let stream = parse_as_written(source).map_err(|_| Unfit::NotYaml)?;
        if stream.to_text() != text {
            return Err(Unfit::NotInPlace);
        }
        Ok(Self { path, namespace, stream })
    }

    /// The text of the file as it is now.
    pub(super) fn to_text(&self) -> String {
        self.stream.to_text()
    }

    /// Sets the image of a container, which is at a path unless the object was patched; whether that
    /// changes anything.
    pub(super) fn set_image(
        &mut self,
        id: &ObjectRef,
        path: &Path,
        template: &PodTemplate,
        container: &str,
        text: &str,
    ) -> Result<bool, Diagnostic> {
        let (document, above) = self.find(id)?;
        // Nothing in a List is patched.
        let path = if above.segments().is_empty() {
            let all = containers(document.root(), template);
            let found = all.iter().find(|each| each.name == container).ok_or_else(|| {
                Diagnostic::error(format!("the patches take the container `{container}` of {id}"))
                    .remedy("take its image or the patch out of the spec")
            })?;
            found.path.key("image")
        } else {
            above.join(path)
        };
        if document.find(&path).and_then(NodeRef::text) == Some(text) {
            return Ok(false);
        }
        let place = document.root().place();
        document.set_str(&path, text).map_err(|error| misshapen(id, place, &error))?;
        Ok(true)
    }

    /// Changes an object that is a document of its own; whether that changes anything.
    pub(super) fn change(
        &mut self,
        id: &ObjectRef,
        change: impl FnOnce(&mut Document) -> Result<(), Diagnostic>,
    ) -> Result<bool, Diagnostic> {
        let file = self.path;
        let (document, above) = self.find(id)?;
        if !above.segments().is_empty() {
            let error =
                Diagnostic::error(format!("{id} stands in a List, where it is not patched"));
            let error = error.at(document.find(&above).and_then(NodeRef::place));
            return Err(error.remedy(format!(
                "make it a document of its own in {file}, or write the change by hand"
            )));
        }
        let before = document.to_text();
        change(document)?;
        Ok(document.to_text() != before)
    }

    /// The document that holds an object, and where it stands in it.
    fn find(&mut self, id: &ObjectRef) -> Result<(&mut Document, Path), Diagnostic> {
        let namespace = self.namespace;
        let mut documents = self.stream.documents.iter_mut();
        let found = documents.find_map(|document| {
            let path = path_of(document.root(), id, namespace)?;
            Some((document, path))
        });
        found.ok_or_else(|| {
            Diagnostic::error(format!("{} does not hold {id} as it is written", self.path))
                .remedy("write the change by hand")
        })
    }
}

/// Where an object stands in a document: at its root, or among the items of a List.
fn path_of(root: NodeRef<'_>, id: &ObjectRef, namespace: &str) -> Option<Path> {
    if identity(root, namespace).as_ref() == Some(id) {
        return Some(Path::root());
    }
    let is_list = root.get("kind").and_then(NodeRef::as_str)?.ends_with("List");
    let items = root.get("items").filter(|_| is_list)?.items();
    items.enumerate().find_map(|(index, item)| {
        let below = path_of(item, id, namespace)?;
        Some(Path::root().with(Segment::Key("items".into())).index(index).join(&below))
    })
}
