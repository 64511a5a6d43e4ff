//! Reading documents.

use std::collections::HashSet;
use std::sync::Arc;

use super::node::{Collection, Document, Form, Item, Node, Scalar};
use super::path::{Path, Segment};
use super::scalar::{Resolved, ScalarStyle, resolve};
use super::source::Source;
use crate::diagnostic::Place;

/// What a node is; a null is a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Keys and values.
    Mapping,
    /// A list.
    Sequence,
    /// Anything else.
    Scalar,
}

/// A node to read: aliases are followed, merge keys applied.
#[derive(Clone, Copy)]
pub struct NodeRef<'a> {
    source: &'a Source,
    node: &'a Node,
    /// Start of what the user would look at: the key where there is one.
    at: u32,
}

impl Document {
    /// The root node.
    pub fn root(&self) -> NodeRef<'_> {
        NodeRef::new(&self.source, &self.root.value, self.root.slice.value.start)
    }

    /// The node at a path of keys.
    pub fn at(&self, keys: &[&str]) -> Option<NodeRef<'_>> {
        self.root().at(keys)
    }

    /// The node at a path.
    pub fn find(&self, path: &Path) -> Option<NodeRef<'_>> {
        path.segments().iter().try_fold(self.root(), |node, segment| node.step(segment))
    }

    /// Whether the document holds nothing but comments.
    pub fn is_empty(&self) -> bool {
        self.root().is_null()
    }

    /// The source the document was parsed from.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }
}

impl<'a> NodeRef<'a> {
    pub(crate) fn new(source: &'a Source, node: &'a Node, at: u32) -> Self {
        let mut node = node;
        // An alias to an alias cannot be written; the loop is for aliases as anchored values.
        while let Node::Alias(alias) = node {
            node = &alias.target;
        }
        Self { source, node, at }
    }

    /// What it is.
    pub fn kind(self) -> NodeKind {
        match self.node {
            Node::Collection(collection) => match collection.form {
                Form::Mapping => NodeKind::Mapping,
                Form::Sequence => NodeKind::Sequence,
            },
            _ => NodeKind::Scalar,
        }
    }

    /// Whether it is a mapping.
    pub fn is_mapping(self) -> bool {
        self.kind() == NodeKind::Mapping
    }

    /// Whether it is a sequence.
    pub fn is_sequence(self) -> bool {
        self.kind() == NodeKind::Sequence
    }

    /// Whether it is null or absent.
    pub fn is_null(self) -> bool {
        self.resolved() == Resolved::Null
    }

    fn collection(self) -> Option<&'a Collection> {
        match self.node {
            Node::Collection(collection) => Some(collection),
            _ => None,
        }
    }

    fn scalar(self) -> Option<&'a Scalar> {
        match self.node {
            Node::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The value of a key; a null value counts as there.
    pub fn get(self, key: &str) -> Option<NodeRef<'a>> {
        let collection = self.collection().filter(|collection| collection.form == Form::Mapping)?;
        if let Some(position) = collection.position(key, self.source) {
            return collection.items.get(position).map(|item| self.child(item));
        }
        if !collection.merges {
            return None;
        }
        self.merged().into_iter().find_map(|merged| merged.get(key))
    }

    /// The value at a path of keys.
    pub fn at(self, keys: &[&str]) -> Option<NodeRef<'a>> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The element of a sequence.
    pub fn item(self, index: usize) -> Option<NodeRef<'a>> {
        let collection =
            self.collection().filter(|collection| collection.form == Form::Sequence)?;
        collection.live_item(index).map(|item| self.child(item))
    }

    /// One step down; a key that is a number also means the element of a sequence.
    pub fn step(self, segment: &Segment) -> Option<NodeRef<'a>> {
        match segment {
            Segment::Index(index) => self.item(*index),
            Segment::Key(key) if self.is_sequence() => {
                key.parse().ok().and_then(|index| self.item(index))
            }
            Segment::Key(key) => self.get(key),
        }
    }

    fn child(self, item: &'a Item) -> NodeRef<'a> {
        let at = match &item.key {
            Some(key) if !key.span().is_none() => key.span().start,
            _ if !item.slice.value.is_none() => item.slice.value.start,
            _ => self.at,
        };
        NodeRef::new(self.source, &item.value, at)
    }

    pub(crate) fn has_merges(self) -> bool {
        self.collection().is_some_and(|collection| collection.merges)
    }

    /// Whether a mapping has this key itself, not through a merge.
    pub(crate) fn has_own(self, key: &str) -> bool {
        self.collection().is_some_and(|collection| collection.position(key, self.source).is_some())
    }

    /// Whether a merge brings in this key, be it hidden by one of the mapping's own or not.
    pub(crate) fn merged_has(self, key: &str) -> bool {
        self.merged().into_iter().any(|merged| merged.get(key).is_some())
    }

    /// The mappings that merge keys bring in, first wins.
    fn merged(self) -> Vec<NodeRef<'a>> {
        let Some(position) =
            self.collection().and_then(|collection| collection.position("<<", self.source))
        else {
            return Vec::new();
        };
        let Some(item) = self.collection().and_then(|collection| collection.items.get(position))
        else {
            return Vec::new();
        };
        let merged = self.child(item);
        match merged.kind() {
            NodeKind::Sequence => merged.items().collect(),
            _ => vec![merged],
        }
    }

    /// Keys and values of a mapping in the order of the text; nothing for other nodes.
    pub fn entries(self) -> impl Iterator<Item = (&'a str, NodeRef<'a>)> + 'a {
        let mapping = self.collection().filter(|collection| collection.form == Form::Mapping);
        let merges = mapping.is_some_and(|mapping| mapping.merges);
        let merged = if merges { self.merged_entries() } else { Vec::new() };
        mapping
            .filter(|_| !merges)
            .into_iter()
            .flat_map(move |own| self.own_entries(own))
            .chain(merged)
    }

    fn own_entries(
        self,
        mapping: &'a Collection,
    ) -> impl Iterator<Item = (&'a str, NodeRef<'a>)> + 'a {
        mapping
            .live()
            .filter_map(move |item| Some((item.key.as_ref()?.text(self.source), self.child(item))))
    }

    /// The entries of a mapping that has merge keys, these applied.
    fn merged_entries(self) -> Vec<(&'a str, NodeRef<'a>)> {
        let own = self.collection().into_iter().flat_map(|mapping| self.own_entries(mapping));
        let mut entries: Vec<_> = own.filter(|(key, _)| *key != "<<").collect();
        let mut known: HashSet<&str> = entries.iter().map(|(key, _)| *key).collect();
        for merged in self.merged() {
            let more: Vec<_> = merged.entries().collect();
            entries.extend(more.into_iter().filter(|(key, _)| known.insert(key)));
        }
        entries
    }

    /// Elements of a sequence; nothing for other nodes.
    pub fn items(self) -> impl Iterator<Item = NodeRef<'a>> + 'a {
        let collection = self.collection().filter(|collection| collection.form == Form::Sequence);
        collection.into_iter().flat_map(Collection::live).map(move |item| self.child(item))
    }

    pub(crate) fn raw_items(self) -> impl Iterator<Item = &'a Item> + 'a {
        let collection = self.collection().filter(|collection| collection.form == Form::Sequence);
        collection.into_iter().flat_map(Collection::live)
    }

    /// The number of entries or elements.
    pub fn len(self) -> usize {
        match self.kind() {
            NodeKind::Mapping => self.entries().count(),
            NodeKind::Sequence => self.items().count(),
            NodeKind::Scalar => 0,
        }
    }

    /// Whether a collection has nothing in it; true for scalars.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The text of a scalar whatever its type: `1`, `true`, `a`.
    pub fn text(self) -> Option<&'a str> {
        self.scalar().map(|scalar| scalar.text(self.source))
    }

    /// The value of a scalar that Kubernetes reads as a string.
    pub fn as_str(self) -> Option<&'a str> {
        self.text().filter(|_| self.resolved() == Resolved::String)
    }

    /// A scalar's type and value as Kubernetes reads it; `String` for collections.
    pub fn resolved(self) -> Resolved {
        match self.scalar() {
            Some(scalar) => resolve(scalar.text(self.source), scalar.style(), scalar.tag()),
            None => Resolved::String,
        }
    }

    /// The whole number, where it is one.
    pub fn as_int(self) -> Option<i128> {
        match self.resolved() {
            Resolved::Int(value) => Some(value),
            _ => None,
        }
    }

    /// The truth value, where it is one.
    pub fn as_bool(self) -> Option<bool> {
        match self.resolved() {
            Resolved::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// How a scalar is written; plain for collections.
    pub fn scalar_style(self) -> ScalarStyle {
        self.scalar().map_or(ScalarStyle::Plain, |scalar| scalar.style())
    }

    /// Where it is: its key where it has one. `None` for what an edit put there.
    pub fn place(self) -> Option<Place> {
        self.offset().map(|at| self.source.place(at as usize))
    }

    /// The byte offset of [`NodeRef::place`] in the source.
    pub(crate) fn offset(self) -> Option<u32> {
        (self.at != u32::MAX).then_some(self.at)
    }

    /// Where its value is; its key's place where the value is new.
    pub fn value_place(self) -> Option<Place> {
        self.value_offset().map(|at| self.source.place(at as usize))
    }

    /// The byte offset of [`NodeRef::value_place`] in the source.
    pub(crate) fn value_offset(self) -> Option<u32> {
        let start = match self.node {
            Node::Scalar(scalar) => scalar.span().start,
            Node::Collection(collection) if collection.flow => collection.span.start,
            _ => self.at,
        };
        if start == u32::MAX { self.offset() } else { Some(start) }
    }

    /// Whether an edit put its value there.
    pub fn is_new(self) -> bool {
        match self.node {
            Node::Scalar(scalar) => scalar.span().is_none(),
            Node::Collection(collection) => collection.span.is_none(),
            Node::Alias(_) | Node::Removed => false,
        }
    }

    /// What kind of thing it is, for messages: `a string`, `a mapping`.
    pub fn describe(self) -> &'static str {
        match self.kind() {
            NodeKind::Mapping => "a mapping",
            NodeKind::Sequence => "a list",
            NodeKind::Scalar => self.resolved().describe(),
        }
    }

    /// The value as JSON, as Kubernetes would see it.
    pub fn to_json(self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self.kind() {
            NodeKind::Mapping => Json::Object(
                self.entries().map(|(key, value)| (key.to_owned(), value.to_json())).collect(),
            ),
            NodeKind::Sequence => Json::Array(self.items().map(NodeRef::to_json).collect()),
            NodeKind::Scalar => match self.resolved() {
                Resolved::Null => Json::Null,
                Resolved::Bool(value) => Json::Bool(value),
                Resolved::Int(value) => i64::try_from(value)
                    .map(Json::from)
                    .or_else(|_| u64::try_from(value).map(Json::from))
                    .unwrap_or(Json::Null),
                Resolved::Float(value) => Json::from(value),
                Resolved::String => Json::from(self.text().unwrap_or("")),
            },
        }
    }
}

impl std::fmt::Debug for NodeRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.to_json())
    }
}
