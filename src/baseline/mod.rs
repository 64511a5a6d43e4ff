//! The baseline: the production manifests as they stand in git.
//!
//! [`files`] knows where files come from, [`select`] which of them the spec means, [`read`] how a
//! file becomes objects; [`Baseline`] is the objects with an index by identity.

pub mod files;
pub mod orchestration;
pub mod read;
pub mod select;

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::FixedState;
use rayon::prelude::*;

use crate::diagnostic::{Diagnostic, Place};
use crate::kube::object::ObjectRef;
use crate::yaml::{Document, EditError, Source, parse};

/// One object of the baseline.
///
/// Nodes take several times the memory of their text, and most objects are looked at once. So an
/// object that is alone in its file can [let go](Object::let_go) of them and read them again.
#[derive(Debug)]
pub struct Object {
    /// Who it is; its namespace is the spec's where the manifest names none.
    pub id: ObjectRef,
    /// The file it stands in, relative to the repository.
    pub file: Arc<str>,
    source: Arc<Source>,
    /// Where its name stands in the source; `None` for an element that was written anew.
    name_at: Option<u32>,
    /// Whether the source holds nothing else.
    is_alone: bool,
    /// `None` once they were let go.
    nodes: Mutex<Option<Arc<Document>>>,
}

impl Object {
    /// An object and the document it is written in; `is_alone` says that the document's source
    /// holds no other.
    pub(crate) fn new(id: ObjectRef, document: Document, is_alone: bool) -> Self {
        let source = Arc::clone(document.source());
        let root = document.root();
        let name = root.at(&["metadata", "name"]);
        let name_at = name.and_then(|name| name.value_offset()).or_else(|| root.offset());
        let file = Arc::clone(source.name());
        Self { id, file, source, name_at, is_alone, nodes: Mutex::new(Some(Arc::new(document))) }
    }

    /// Its text and nodes.
    pub fn document(&self) -> Arc<Document> {
        let kept = self.nodes().clone();
        kept.unwrap_or_else(|| {
            // What was read once can be read again.
            let stream = parse(Arc::clone(&self.source)).ok();
            let documents = stream.map(|stream| stream.documents).unwrap_or_default();
            Arc::new(documents.into_iter().next().unwrap_or_default())
        })
    }

    /// Frees the nodes where the text can give them again.
    pub fn let_go(&self) {
        if self.is_alone {
            *self.nodes() = None;
        }
    }

    fn nodes(&self) -> MutexGuard<'_, Option<Arc<Document>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the object is: its name.
    pub fn place(&self) -> Option<Place> {
        self.name_at.map(|at| self.source.place(at as usize))
    }
}

/// The error for an object that an edit does not fit; `place` is where it is.
pub fn misshapen(id: &ObjectRef, place: Option<Place>, error: &EditError) -> Diagnostic {
    let kind = id.kind.to_ascii_lowercase();
    Diagnostic::error(format!("{id} is not formed as Kubernetes wants it: {error}"))
        .at(place)
        .remedy(format!("`kubectl explain {kind}` shows the fields"))
}

/// All objects of the baseline, in the order of their files.
#[derive(Debug, Default)]
pub struct Baseline {
    objects: Vec<Object>,
    /// Hash of kind and name, which tell nearly all objects apart, and position in `objects` of every
    /// object, in order.
    by_name: Vec<(u64, u32)>,
    /// What gray copies start from, where that is not the object itself; by its position.
    gray: HashMap<usize, Object>,
    /// The positions of the objects that have another identity there, by that.
    by_gray: HashMap<ObjectRef, usize>,
    /// What was left out while reading, and why.
    pub notes: Vec<Diagnostic>,
    /// Bytes of all files that were read.
    pub bytes: usize,
}

impl Baseline {
    /// Indexes objects by identity. Of objects that stand twice the first is the one that counts,
    /// and [`Baseline::duplicate`] tells of the second.
    pub fn new(objects: Vec<Object>, notes: Vec<Diagnostic>) -> Self {
        let count = u32::try_from(objects.len()).unwrap_or(u32::MAX);
        let mut by_name: Vec<(u64, u32)> = objects
            .par_iter()
            .zip(0..count)
            .map(|(object, position)| (hash(&object.id.kind, &object.id.name), position))
            .collect();
        by_name.par_sort_unstable();
        Self { objects, by_name, notes, ..Self::default() }
    }

    /// All objects, in order.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The object of an identity.
    pub fn get(&self, id: &ObjectRef) -> Option<&Object> {
        self.position(id).map(|position| &self.objects[position])
    }

    /// The position of an object in [`Baseline::objects`].
    pub fn position(&self, id: &ObjectRef) -> Option<usize> {
        self.positions(id).next()
    }

    /// Sets what gray copies start from, by the position of each object.
    pub(crate) fn set_gray(&mut self, gray: HashMap<usize, Object>) {
        // What the baseline has too is meant to be the baseline's.
        let apart = gray.iter().filter(|(_, object)| self.position(&object.id).is_none());
        self.by_gray = apart.map(|(at, object)| (object.id.clone(), *at)).collect();
        self.gray = gray;
    }

    /// What the gray copy of an object starts from, where that is not the object itself: what the
    /// gray environment of AppStack makes of it, of the same kind and in the same namespace.
    pub fn gray(&self, position: usize) -> Option<&Object> {
        self.gray.get(&position)
    }

    /// The position of the object that has this identity in the gray environment, and another one
    /// in the baseline.
    pub fn position_of_gray(&self, id: &ObjectRef) -> Option<usize> {
        self.by_gray.get(id).copied()
    }

    /// The second object of an identity that stands in more than one place.
    pub fn duplicate(&self, id: &ObjectRef) -> Option<&Object> {
        self.positions(id).nth(1).map(|position| &self.objects[position])
    }

    /// The positions of all objects of an identity, in order.
    fn positions<'a>(&'a self, id: &'a ObjectRef) -> impl Iterator<Item = usize> + 'a {
        self.named(&id.kind, &id.name).filter(move |at| self.objects[*at].id == *id)
    }

    /// The positions of all objects of a kind, in any API group, and a name, in order.
    pub fn named<'a>(
        &'a self,
        kind: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = usize> + Clone + 'a {
        let hash = hash(kind, name);
        let start = self.by_name.partition_point(|(other, _)| *other < hash);
        let alike = self.by_name.iter().skip(start).take_while(move |(other, _)| *other == hash);
        alike.map(|(_, at)| *at as usize).filter(move |at| {
            let id = &self.objects[*at].id;
            id.kind == kind && id.name == name
        })
    }
}

fn hash(kind: &str, name: &str) -> u64 {
    FixedState::default().hash_one((kind, name))
}
