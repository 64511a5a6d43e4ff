//! Tables of fields, compiled so that one walk finds all fields of an object that have a row.
//!
//! A field pattern is written `spec.rules[*].{from,to}.annotations["a.b/c"]`: keys, `[*]` for every
//! element, `{a,b}` for either key, `["..."]` for keys with dots; a quoted key that ends in `*`
//! stands for all keys with that beginning.

use super::pod_specs::pod_templates;
use crate::yaml::{NodeKind, NodeRef, Path, Segment};
use foldhash::{HashMap, HashMapExt};

/// Which objects a row of a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referrer {
    /// Every object; patterns start at its root.
    Any,
    /// Every pod template of every object; patterns start at its pod spec.
    PodSpec,
    /// These kinds of this group; patterns start at the object's root.
    Kinds(&'static str, &'static [&'static str]),
}

#[derive(Debug, PartialEq)]
enum Step {
    /// One of these keys.
    Keys(Vec<&'static str>),
    /// Every key that starts so.
    Prefix(&'static str),
    /// Every element.
    Each,
}

fn parse(pattern: &'static str) -> Result<Vec<Step>, String> {
    let bad = |what: &str| format!("{what} in the field pattern `{pattern}`");
    let mut steps = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[*]") {
            steps.push(Step::Each);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("[\"") {
            let (key, after) = after.split_once("\"]").ok_or_else(|| bad("an unclosed key"))?;
            steps.push(match key.strip_suffix('*') {
                Some(prefix) => Step::Prefix(prefix),
                None => Step::Keys(vec![key]),
            });
            rest = after;
        } else {
            let field = if steps.is_empty() { rest } else { rest.strip_prefix('.').unwrap_or("") };
            if let Some(after) = field.strip_prefix('{') {
                let (keys, after) = after.split_once('}').ok_or_else(|| bad("an unclosed {"))?;
                steps.push(Step::Keys(keys.split(',').collect()));
                rest = after;
            } else {
                let end = field.find(['.', '[']).unwrap_or(field.len());
                let (key, after) = field.split_at(end);
                steps.push(Step::Keys(vec![key]));
                rest = after;
            }
        }
        let names_nothing = |step: &Step| match step {
            Step::Keys(keys) => keys.iter().any(|key| key.is_empty() || key.contains(['*', '"'])),
            Step::Prefix(prefix) => prefix.is_empty(),
            Step::Each => false,
        };
        if steps.last().is_some_and(names_nothing) {
            return Err(bad("an empty key"));
        }
    }
    if steps.is_empty() { Err(bad("no key")) } else { Ok(steps) }
}

/// Patterns as a tree: one step down the document is one step down the tree.
#[derive(Debug)]
struct Tree<T> {
    /// Sorted by length and then by text: most keys of a document have no row, and their length
    /// tells already.
    keys: Vec<(&'static str, Tree<T>)>,
    prefixes: Vec<(&'static str, Tree<T>)>,
    each: Option<Box<Tree<T>>>,
    rows: Vec<T>,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self { keys: Vec::new(), prefixes: Vec::new(), each: None, rows: Vec::new() }
    }
}

/// The way from where a walk began to a node, with all nodes passed.
struct Trail<'a> {
    steps: Vec<(Part<'a>, usize)>,
    nodes: Vec<NodeRef<'a>>,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Key(&'static str),
    /// A key that has a prefix of the pattern.
    Prefixed(&'a str),
    Index(usize),
}

impl<T: Copy> Tree<T> {
    fn is_empty(&self) -> bool {
        self.keys.is_empty()
            && self.prefixes.is_empty()
            && self.each.is_none()
            && self.rows.is_empty()
    }

    fn insert(&mut self, steps: &[Step], row: T) {
        let Some((step, rest)) = steps.split_first() else {
            self.rows.push(row);
            return;
        };
        match step {
            Step::Keys(keys) => {
                for key in keys {
                    let at = self.position(key).unwrap_or_else(|at| {
                        self.keys.insert(at, (*key, Self::default()));
                        at
                    });
                    self.keys[at].1.insert(rest, row);
                }
            }
            Step::Prefix(prefix) => {
                let mut tree = Self::default();
                tree.insert(rest, row);
                self.prefixes.push((*prefix, tree));
            }
            Step::Each => self.each.get_or_insert_default().insert(rest, row),
        }
    }

    /// Where the tree of a key is in `keys`, or belongs.
    fn position(&self, key: &str) -> Result<usize, usize> {
        self.keys.binary_search_by(|(other, _)| {
            other.len().cmp(&key.len()).then_with(|| (*other).cmp(key))
        })
    }

    /// Calls `found` for every field with a row, in the order of the document. The recursion is as
    /// deep as the longest pattern.
    fn walk<'a>(
        &self,
        node: NodeRef<'a>,
        trail: &mut Trail<'a>,
        found: &mut impl FnMut(&Trail<'a>, NodeRef<'a>, T),
    ) {
        for row in &self.rows {
            found(trail, node, *row);
        }
        trail.nodes.push(node);
        match node.kind() {
            NodeKind::Mapping if !self.keys.is_empty() || !self.prefixes.is_empty() => {
                for (position, (key, value)) in node.entries().enumerate() {
                    let mut below = |part, tree: &Self| {
                        trail.steps.push((part, position));
                        tree.walk(value, trail, found);
                        trail.steps.pop();
                    };
                    if let Ok(at) = self.position(key) {
                        let (key, tree) = &self.keys[at];
                        below(Part::Key(key), tree);
                    }
                    for (prefix, tree) in &self.prefixes {
                        if key.starts_with(prefix) {
                            below(Part::Prefixed(key), tree);
                        }
                    }
                }
            }
            NodeKind::Sequence => {
                if let Some(tree) = &self.each {
                    for (index, item) in node.items().enumerate() {
                        trail.steps.push((Part::Index(index), index));
                        tree.walk(item, trail, found);
                        trail.steps.pop();
                    }
                }
            }
            _ => {}
        }
        trail.nodes.pop();
    }
}

/// A field of an object that has a row.
pub(super) struct Found<'a, T> {
    /// Where it is, from the object's root.
    pub(super) path: Path,
    /// What stands there.
    pub(super) node: NodeRef<'a>,
    /// The nodes above it, the nearest last, up to where the pattern starts.
    pub(super) above: Vec<NodeRef<'a>>,
    /// The row.
    pub(super) row: T,
    /// The positions of the steps among their siblings: the order of the document.
    order: Vec<usize>,
}

/// A table whose rows are found by the kind of an object.
pub(super) struct FieldSet<T> {
    any: Tree<T>,
    pod_spec: Tree<T>,
    by_kind: HashMap<(&'static str, &'static str), Tree<T>>,
}

impl<T: Copy> FieldSet<T> {
    /// Compiles a table. A pattern that does not parse is left out; each table's tests say that
    /// there is none.
    pub(super) fn new(rows: impl IntoIterator<Item = (Referrer, &'static str, T)>) -> Self {
        let mut set =
            Self { any: Tree::default(), pod_spec: Tree::default(), by_kind: HashMap::new() };
        for (referrer, pattern, row) in rows {
            let Ok(steps) = parse(pattern) else { continue };
            match referrer {
                Referrer::Any => set.any.insert(&steps, row),
                Referrer::PodSpec => set.pod_spec.insert(&steps, row),
                Referrer::Kinds(group, kinds) => {
                    for kind in kinds {
                        set.by_kind.entry((group, *kind)).or_default().insert(&steps, row);
                    }
                }
            }
        }
        set
    }

    /// All fields of an object of a kind that have a row, in the order of the document.
    pub(super) fn find<'a>(&self, root: NodeRef<'a>, group: &str, kind: &str) -> Vec<Found<'a, T>> {
        let mut all = Vec::new();
        collect(&self.any, root, &Path::root(), &[], &mut all);
        if let Some(tree) = self.by_kind.get(&(group, kind)) {
            collect(tree, root, &Path::root(), &[], &mut all);
        }
        if !self.pod_spec.is_empty() {
            for template in pod_templates(root) {
                if let Some((spec, order)) = locate(root, &template.spec) {
                    collect(&self.pod_spec, spec, &template.spec, &order, &mut all);
                }
            }
        }
        all.sort_by(|a, b| a.order.cmp(&b.order));
        all
    }
}

fn collect<'a, T: Copy>(
    tree: &Tree<T>,
    start: NodeRef<'a>,
    base: &Path,
    base_order: &[usize],
    all: &mut Vec<Found<'a, T>>,
) {
    if tree.is_empty() {
        return;
    }
    let mut trail = Trail { steps: Vec::new(), nodes: Vec::new() };
    tree.walk(start, &mut trail, &mut |trail, node, row| {
        let steps = trail.steps.iter().map(|(part, _)| match part {
            Part::Key(key) => Segment::Key((*key).into()),
            Part::Prefixed(key) => Segment::Key((*key).to_owned().into()),
            Part::Index(index) => Segment::Index(*index),
        });
        let path = base.segments().iter().cloned().chain(steps).collect();
        let positions = trail.steps.iter().map(|(_, position)| *position);
        let order = base_order.iter().copied().chain(positions).collect();
        all.push(Found { path, node, above: trail.nodes.clone(), row, order });
    });
}

/// The node at a path and the positions of its steps among their siblings.
fn locate<'a>(root: NodeRef<'a>, path: &Path) -> Option<(NodeRef<'a>, Vec<usize>)> {
    let mut order = Vec::new();
    let mut node = root;
    for segment in path.segments() {
        order.push(match segment {
            Segment::Key(key) => node.entries().position(|(candidate, _)| candidate == key)?,
            Segment::Index(index) => *index,
        });
        node = node.step(segment)?;
    }
    Some((node, order))
}

/// What is wrong with a pattern, for the tests of the tables.
#[cfg(test)]
pub(super) fn pattern_error(pattern: &'static str) -> Option<String> {
    parse(pattern).err()
}

#[cfg(test)]
mod tests {
    use super::super::object::GroupKind;
    use super::*;
    use crate::yaml::{Source, parse as parse_yaml};

    fn paths(table: &[(Referrer, &'static str, u8)], text: &str) -> Vec<String> {
        let stream = parse_yaml(Source::new("a.yaml", text.to_owned())).unwrap();
        let set = FieldSet::new(table.iter().copied());
        let root = stream.documents[0].root();
        let kind = GroupKind::of(root).unwrap_or_else(|| GroupKind::new("", ""));
        let found = set.find(root, &kind.group, &kind.kind);
        found.iter().map(|found| format!("{}={}", found.path, found.row)).collect()
    }

    #[test]
    fn patterns_reach_lists_choices_and_quoted_keys() {
        let table = [
            (Referrer::Any, "spec.list[*].{a,b}.name", 1),
            (Referrer::Any, "metadata.annotations[\"x.y/z\"]", 2),
            (Referrer::Any, "metadata.annotations[\"p/*\"]", 3),
        ];
        let text = "spec:\n  list:\n  - b: {name: 1}\n  - a: {name: 2}\n    c: {name: 3}\n\
                    metadata: {annotations: {x.y/z: a, p/q: b, q: c}}\n";
        assert_eq!(
            paths(&table, text),
            [
                "spec.list[0].b.name=1",
                "spec.list[1].a.name=1",
                "metadata.annotations[\"x.y/z\"]=2",
                "metadata.annotations[\"p/q\"]=3",
            ]
        );
    }

    #[test]
    fn pod_specs_come_in_document_order_with_the_rest() {
        let table = [
            (Referrer::Kinds("apps", &["StatefulSet"]), "spec.serviceName", 1),
            (Referrer::PodSpec, "serviceAccountName", 2),
        ];
        let text = "apiVersion: apps/v1\nkind: StatefulSet\nspec:\n  template:\n    spec:\n      \
                    serviceAccountName: a\n      containers: [{name: a}]\n  serviceName: b\n";
        assert_eq!(
            paths(&table, text),
            ["spec.template.spec.serviceAccountName=2", "spec.serviceName=1"]
        );
    }

    #[test]
    fn another_kind_is_left_alone() {
        let table = [(Referrer::Kinds("apps", &["StatefulSet"]), "spec.serviceName", 1)];
        let text = "apiVersion: example.com/v1\nkind: StatefulSet\nspec: {serviceName: b}\n";
        assert!(paths(&table, text).is_empty());
    }

    #[test]
    fn bad_patterns_are_told() {
        for pattern in ["", "a..b", "a.{b", "a[\"b", "a[0]", "a.*", ".a"] {
            assert!(pattern_error(pattern).is_some(), "{pattern}");
        }
    }
}
