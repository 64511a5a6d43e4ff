//! The baseline: the production manifests as they stand in git.
//!
//! [`files`] knows where files come from, [`select`] which of them the spec means, [`read`] how a
//! file becomes objects; [`Baseline`] is the objects with an index by identity.

pub mod files;
pub mod read;
pub mod select;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use rayon::prelude::*;

use crate::diagnostic::{Diagnostic, Place};
use crate::kube::object::ObjectRef;
use crate::yaml::{Document, NodeRef};

/// One object of the baseline.
#[derive(Clone, Debug)]
pub struct Object {
    /// Who it is; its namespace is the spec's where the manifest names none.
    pub id: ObjectRef,
    /// `apps/v1`.
    pub api_version: String,
    /// Its text and nodes.
    pub document: Document,
    /// The file it stands in, relative to the repository.
    pub file: Arc<str>,
}

impl Object {
    /// The root node.
    pub fn root(&self) -> NodeRef<'_> {
        self.document.root()
    }

    /// Where the object is: its name.
    pub fn place(&self) -> Option<Place> {
        let root = self.root();
        root.at(&["metadata", "name"]).and_then(NodeRef::value_place).or_else(|| root.place())
    }
}

/// All objects of the baseline, in the order of their files.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    objects: Vec<Object>,
    /// Hash of the identity and position in `objects` of every object, in order.
    by_id: Vec<(u64, u32)>,
    /// What was left out while reading, and why.
    pub notes: Vec<Diagnostic>,
    /// Bytes of all files that were read.
    pub bytes: usize,
}

impl Baseline {
    /// Indexes objects by identity. Of objects that stand twice the first is the one that counts,
    /// and [`Baseline::duplicate`] tells of the second.
    pub fn new(objects: Vec<Object>, notes: Vec<Diagnostic>) -> Self {
        let mut by_id: Vec<(u64, u32)> = objects
            .iter()
            .zip(0..)
            .map(|(object, position)| (hash(&object.id), position))
            .collect();
        by_id.par_sort_unstable();
        Self { objects, by_id, notes, bytes: 0 }
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

    /// The second object of an identity that stands in more than one place.
    pub fn duplicate(&self, id: &ObjectRef) -> Option<&Object> {
        self.positions(id).nth(1).map(|position| &self.objects[position])
    }

    /// The positions of all objects of an identity, in order.
    fn positions(&self, id: &ObjectRef) -> impl Iterator<Item = usize> {
        let hash = hash(id);
        let start = self.by_id.partition_point(|(other, _)| *other < hash);
        let alike = self.by_id.iter().skip(start).take_while(move |(other, _)| *other == hash);
        alike.map(|(_, at)| *at as usize).filter(move |at| self.objects[*at].id == *id)
    }
}

fn hash(id: &ObjectRef) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
