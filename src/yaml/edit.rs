//! Edits: set, remove, insert. What they do not touch is emitted as it was written.

use std::fmt;
use std::sync::Arc;

use super::node::{Collection, Document, Form, Item, Node, Scalar};
use super::path::{Path, Segment};
use super::scalar::ScalarStyle;
use super::source::{Source, offset};
use super::value::{Value, fresh_key};
use super::view::{NodeKind, NodeRef};

/// Why an edit cannot be made; the document is unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    /// There is nothing at this path.
    Missing(Path),
    /// The path leads through something that has no such parts.
    Mismatch {
        /// Where.
        path: Path,
        /// What is there (`a string`).
        found: &'static str,
        /// What the path needs there (`a mapping`).
        wanted: &'static str,
    },
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "there is nothing at `{path}`"),
            Self::Mismatch { path, found, wanted } => {
                write!(f, "`{path}` is {found}, not {wanted}")
            }
        }
    }
}

impl std::error::Error for EditError {}

/// Anchors whose node was edited or removed, so that their aliases must be written out.
struct Edit<'a> {
    source: &'a Source,
    anchors: Vec<usize>,
}

impl Document {
    /// Puts a value at a path, in place of what is there or as a new entry at the end of its
    /// mapping; missing mappings on the way are made. A value that is there already changes nothing.
    ///
    /// # Errors
    ///
    /// [`EditError`] when the path leads through a scalar or past the end of a sequence.
    pub fn set(&mut self, path: &Path, value: Value) -> Result<(), EditError> {
        if self.check(path)?.is_some_and(|there| Value::from(there) == value) {
            return Ok(());
        }
        self.edit(|root, edit| set(root, path.segments(), value, edit));
        Ok(())
    }

    /// Puts a string at a path as [`Document::set`] does.
    ///
    /// # Errors
    ///
    /// As [`Document::set`].
    pub fn set_str(&mut self, path: &Path, text: &str) -> Result<(), EditError> {
        self.set(path, Value::string(text))
    }

    /// Removes what is at a path; its own comment lines above stay. Returns whether anything was there.
    ///
    /// # Errors
    ///
    /// [`EditError`] when the path leads through a scalar, or is the root.
    pub fn remove(&mut self, path: &Path) -> Result<bool, EditError> {
        let Some((last, parents)) = path.segments().split_last() else {
            return Err(EditError::Missing(path.clone()));
        };
        if self.find(path).is_none() {
            return Ok(false);
        }
        self.edit(|root, edit| {
            if let Some(parent) = descend(root, parents, edit) {
                remove(parent, last, edit);
            }
        });
        Ok(true)
    }

    /// Inserts an element into the sequence at a path; an index past the end appends.
    ///
    /// # Errors
    ///
    /// [`EditError`] when there is no sequence at the path.
    pub fn insert(&mut self, path: &Path, index: usize, value: Value) -> Result<(), EditError> {
        let there = self.find(path).ok_or_else(|| EditError::Missing(path.clone()))?;
        if !there.is_sequence() && !there.is_null() {
            let found = there.describe();
            return Err(EditError::Mismatch { path: path.clone(), found, wanted: "a list" });
        }
        self.insert_item(path, Form::Sequence, index, Item::fresh(None, value.into_node()));
        Ok(())
    }

    /// Inserts an item before the one at this position of the collection at a path.
    fn insert_item(&mut self, path: &Path, form: Form, position: usize, item: Item) {
        self.edit(|root, edit| {
            if let Some(holder) = descend(root, path.segments(), edit)
                && let Some(collection) = open(holder, form, edit)
            {
                let position = collection.physical(position).unwrap_or(collection.items.len());
                collection.items.insert(position, item);
                collection.reindex(edit.source);
            }
        });
    }

    /// Puts a new entry into the mapping at a path, before the entry that is at this position; past
    /// the end it is the last. A key that is there already gets the value where it stands.
    ///
    /// # Errors
    ///
    /// [`EditError`] when there is no mapping at the path.
    pub fn insert_entry(
        &mut self,
        path: &Path,
        position: usize,
        key: &str,
        value: Value,
    ) -> Result<(), EditError> {
        let entry = path.key(key.to_owned());
        let there = self.find(path).ok_or_else(|| EditError::Missing(path.clone()))?;
        if there.is_null() || self.find(&entry).is_some() {
            return self.set(&entry, value);
        }
        if !there.is_mapping() {
            let found = there.describe();
            return Err(EditError::Mismatch { path: path.clone(), found, wanted: "a mapping" });
        }
        let item = Item::fresh(Some(fresh_key(key.to_owned())), value.into_node());
        self.insert_item(path, Form::Mapping, position, item);
        Ok(())
    }

    fn edit(&mut self, change: impl FnOnce(&mut Item, &mut Edit<'_>)) {
        let source = Arc::clone(&self.source);
        let mut edit = Edit { source: &source, anchors: Vec::new() };
        change(&mut self.root, &mut edit);
        if self.has_aliases && !edit.anchors.is_empty() && uses(&self.root.value, &edit.anchors) {
            expand(&mut self.root, &edit.anchors, &source);
        }
    }

    /// What is at a path that [`Document::set`] can reach.
    fn check(&self, path: &Path) -> Result<Option<NodeRef<'_>>, EditError> {
        let mut node = self.root();
        for (depth, segment) in path.segments().iter().enumerate() {
            let walked = || path.segments().iter().take(depth).cloned().collect::<Path>();
            let mismatch =
                |wanted| EditError::Mismatch { path: walked(), found: node.describe(), wanted };
            let next = match (node.kind(), segment) {
                (NodeKind::Scalar, Segment::Key(_)) if node.is_null() => return Ok(None),
                (NodeKind::Mapping, Segment::Key(_)) => match node.step(segment) {
                    Some(next) => next,
                    None => return Ok(None),
                },
                (NodeKind::Sequence, _) => node
                    .step(segment)
                    .ok_or_else(|| EditError::Missing(walked().with(segment.clone())))?,
                (NodeKind::Mapping | NodeKind::Scalar, Segment::Index(_)) => {
                    return Err(mismatch("a list"));
                }
                (NodeKind::Scalar, Segment::Key(_)) => return Err(mismatch("a mapping")),
            };
            node = next;
        }
        Ok(Some(node))
    }
}

fn set(root: &mut Item, segments: &[Segment], value: Value, edit: &mut Edit<'_>) {
    let Some(item) = descend_or_make(root, segments, edit) else { return };
    edit.lose(&item.value);
    let old_style = NodeRef::new(edit.source, &item.value, u32::MAX).scalar_style();
    item.value = match value {
        // A new text goes into the quotes of the old one.
        Value::String(text, ScalarStyle::Auto | ScalarStyle::Plain)
            if matches!(old_style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) =>
        {
            Value::String(text, old_style).into_node()
        }
        value => value.into_node(),
    };
}

fn descend<'a>(
    root: &'a mut Item,
    segments: &[Segment],
    edit: &mut Edit<'_>,
) -> Option<&'a mut Item> {
    let mut item = root;
    for segment in segments {
        item = step(item, segment, edit)?;
    }
    Some(item)
}

fn descend_or_make<'a>(
    root: &'a mut Item,
    segments: &[Segment],
    edit: &mut Edit<'_>,
) -> Option<&'a mut Item> {
    let mut item = root;
    for segment in segments {
        let is_there = NodeRef::new(edit.source, &item.value, u32::MAX).step(segment).is_some();
        if let (false, Segment::Key(key)) = (is_there, segment) {
            let collection = open(item, Form::Mapping, edit)?;
            push_entry(collection, key, Value::null().into_node(), edit.source);
            item = collection.items.last_mut()?;
        } else {
            item = step(item, segment, edit)?;
        }
    }
    Some(item)
}

/// The item one step below, ready to be edited: the way to it is copied and marked as changed.
fn step<'a>(item: &'a mut Item, segment: &Segment, edit: &mut Edit<'_>) -> Option<&'a mut Item> {
    let node = NodeRef::new(edit.source, &item.value, u32::MAX);
    let is_sequence = node.is_sequence();
    let merged = match segment {
        // A key that a merge brings in becomes an entry of its own before it is edited.
        Segment::Key(key) if node.has_merges() && !node.has_own(key) => {
            node.get(key).map(Value::from)
        }
        _ => None,
    };
    let form = if is_sequence { Form::Sequence } else { Form::Mapping };
    let collection = open(item, form, edit)?;
    let position = match segment {
        Segment::Index(index) => collection.physical(*index)?,
        Segment::Key(key) if is_sequence => collection.physical(key.parse().ok()?)?,
        Segment::Key(key) => match collection.position(key, edit.source) {
            Some(position) => position,
            None => {
                push_entry(collection, key, merged?.into_node(), edit.source);
                collection.items.len() - 1
            }
        },
    };
    collection.items.get_mut(position)
}

fn push_entry(collection: &mut Collection, key: &str, value: Node, source: &Source) {
    let position = offset(collection.items.len());
    // Few entries are added to each of many copies: doubling the room would be mostly waste.
    if collection.items.len() == collection.items.capacity() {
        collection.items.reserve_exact(2 + collection.items.len() / 4);
    }
    collection.items.push(Item::fresh(Some(fresh_key(key.to_owned())), value));
    match collection.index_mut() {
        Some(index) => {
            index.insert(Box::from(key), position);
        }
        None => collection.reindex(source),
    }
}

/// The collection of an item, ready to be edited; what is none becomes one.
fn open<'a>(item: &'a mut Item, form: Form, edit: &mut Edit<'_>) -> Option<&'a mut Collection> {
    if let Node::Alias(alias) = &item.value {
        item.value = Value::from(NodeRef::new(edit.source, &alias.target, u32::MAX)).into_node();
    }
    let fits = match &item.value {
        // `{}` gives way to block style where its parent has that; emission decides.
        Node::Collection(collection) => !(collection.flow && collection.items.is_empty()),
        _ => false,
    };
    if !fits {
        edit.lose(&item.value);
        item.value = Node::Collection(Arc::new(Collection::fresh(form, Vec::new())));
    }
    match &mut item.value {
        Node::Collection(collection) => {
            let collection = Arc::make_mut(collection);
            collection.dirty = true;
            edit.anchors.extend(collection.anchor());
            Some(collection)
        }
        _ => None,
    }
}

fn remove(parent: &mut Item, segment: &Segment, edit: &mut Edit<'_>) {
    let node = NodeRef::new(edit.source, &parent.value, u32::MAX);
    let is_sequence = node.is_sequence();
    let all: Option<Vec<(String, Value)>> = match segment {
        Segment::Key(key) if !is_sequence && is_merged(node, key) => {
            Some(node.entries().map(|(key, value)| (key.to_owned(), Value::from(value))).collect())
        }
        _ => None,
    };
    let form = if is_sequence { Form::Sequence } else { Form::Mapping };
    let Some(collection) = open(parent, form, edit) else { return };
    if let Some(entries) = all {
        // Only what is written out can be left out: the merge gives way to what it brought.
        if let Some(position) = collection.position("<<", edit.source) {
            take(collection, position, "<<", edit);
        }
        collection.merges = false;
        for (key, value) in entries {
            if collection.position(&key, edit.source).is_none() {
                push_entry(collection, &key, value.into_node(), edit.source);
            }
        }
    }
    match segment {
        Segment::Index(index) => {
            if let Some(position) = collection.physical(*index) {
                take(collection, position, "", edit);
            }
        }
        Segment::Key(key) if is_sequence => {
            if let Some(position) = key.parse().ok().and_then(|index| collection.physical(index)) {
                take(collection, position, "", edit);
            }
        }
        Segment::Key(key) => {
            if let Some(position) = collection.position(key, edit.source) {
                take(collection, position, key, edit);
            }
        }
    }
}

fn is_merged(node: NodeRef<'_>, key: &str) -> bool {
    key != "<<" && node.has_merges() && node.merged_has(key)
}

fn take(collection: &mut Collection, position: usize, key: &str, edit: &mut Edit<'_>) {
    let Some(item) = collection.items.get_mut(position) else { return };
    edit.anchors.extend(item.key.as_ref().and_then(Scalar::anchor));
    edit.lose(&item.value);
    if item.is_fresh() && collection.index_mut().is_none() {
        collection.items.remove(position);
    } else if let Some(item) = collection.items.get_mut(position) {
        item.value = Node::Removed;
        collection.has_removed = true;
        if let Some(index) = collection.index_mut() {
            index.remove(key);
        }
    }
}

impl Edit<'_> {
    /// Notes the anchors that stand in a node which is about to go.
    fn lose(&mut self, node: &Node) {
        match node {
            Node::Scalar(scalar) => self.anchors.extend(scalar.anchor()),
            Node::Collection(collection) => {
                self.anchors.extend(collection.anchor());
                for item in &collection.items {
                    self.anchors.extend(item.key.as_ref().and_then(Scalar::anchor));
                    self.lose(&item.value);
                }
            }
            Node::Alias(_) | Node::Removed => {}
        }
    }
}

/// Whether a node has aliases of any of these anchors.
fn uses(node: &Node, anchors: &[usize]) -> bool {
    match node {
        Node::Alias(alias) => anchors.contains(&alias.anchor) || uses(&alias.target, anchors),
        Node::Collection(collection) => {
            collection.items.iter().any(|item| uses(&item.value, anchors))
        }
        Node::Scalar(_) | Node::Removed => false,
    }
}

/// Writes out the aliases of these anchors with the value their anchor had.
fn expand(item: &mut Item, anchors: &[usize], source: &Source) {
    if !uses(&item.value, anchors) {
        return;
    }
    match &mut item.value {
        Node::Alias(alias) => {
            item.value = Value::from(NodeRef::new(source, &alias.target, u32::MAX)).into_node();
        }
        Node::Collection(collection) => {
            let collection = Arc::make_mut(collection);
            collection.dirty = true;
            for item in &mut collection.items {
                expand(item, anchors, source);
            }
        }
        Node::Scalar(_) | Node::Removed => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn entry(text: &str, at: &str, position: usize) -> String {
        let mut stream = parse(Source::new("t.yaml", text.to_owned())).unwrap();
        let path = Path::from_json_pointer(at).unwrap();
        let document = &mut stream.documents[0];
        document.insert_entry(&path, position, "new", Value::int(1)).unwrap();
        let tree = Value::from(document.root());
        let after = stream.to_text();
        let again = parse(Source::new("t.yaml", after.clone())).unwrap();
        assert_eq!(Value::from(again.documents[0].root()), tree, "{after}");
        after
    }

    #[test]
    fn entries_go_where_they_should() {
        for (text, at, position, expected) in [
            ("s:\n  a: 1\n  b: 2\n", "/s", 0, "s:\n  new: 1\n  a: 1\n  b: 2\n"),
            ("s:\n  a: 1\n  b: 2\n", "/s", 1, "s:\n  a: 1\n  new: 1\n  b: 2\n"),
            ("s:\n  a: 1\n", "/s", 9, "s:\n  a: 1\n  new: 1\n"),
            ("s:\n  # about a\n  a: 1\n", "/s", 0, "s:\n  new: 1\n  # about a\n  a: 1\n"),
            ("s: # here\n  a: 1", "/s", 0, "s: # here\n  new: 1\n  a: 1"),
            ("s: {a: 1}\n", "/s", 0, "s: {new: 1, a: 1}\n"),
            ("s: {}\n", "/s", 0, "s:\n  new: 1\n"),
            ("s:\n", "/s", 0, "s:\n  new: 1\n"),
            ("- a: 1\n  b: 2\n", "/0", 0, "- new: 1\n  a: 1\n  b: 2\n"),
            ("a: 1\n", "", 0, "new: 1\na: 1\n"),
            ("s:\r\n  a: 1\r\n", "/s", 0, "s:\r\n  new: 1\r\n  a: 1\r\n"),
            ("s:\n  a: 0\n  new: 2 # stays\n", "/s", 0, "s:\n  a: 0\n  new: 1 # stays\n"),
        ] {
            assert_eq!(entry(text, at, position), expected, "{text:?}");
        }
    }

    #[test]
    fn entries_need_a_mapping() {
        let mut stream = parse(Source::new("t.yaml", "s: 1\n".to_owned())).unwrap();
        let document = &mut stream.documents[0];
        for at in ["/s", "/none"] {
            let path = Path::from_json_pointer(at).unwrap();
            assert!(document.insert_entry(&path, 0, "a", Value::int(1)).is_err(), "{at}");
        }
        assert_eq!(document.to_text(), "s: 1\n");
    }
}
