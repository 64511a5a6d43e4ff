//! JSON Patch (RFC 6902) on documents; what an operation does not touch stays as it is written.

use std::fmt;

use super::edit::EditError;
use super::node::Document;
use super::parse::MAX_DEPTH;
use super::path::{Path, Segment};
use super::value::Value;
use super::view::{NodeKind, NodeRef};

/// Bytes that the `copy` and `move` operations of one patch may carry, so that a few of them
/// cannot double a document into all of the memory.
const CARRY_BUDGET: usize = 8 << 20;

/// One operation of a JSON Patch. Paths are JSON pointers (RFC 6901).
#[derive(Clone, Debug, PartialEq)]
pub enum JsonPatchOp {
    /// Adds an entry or replaces it, or inserts an element; `-` is the end of a list.
    Add {
        /// Where.
        path: String,
        /// What.
        value: Value,
    },
    /// Removes what is there.
    Remove {
        /// Where.
        path: String,
    },
    /// Replaces what is there.
    Replace {
        /// Where.
        path: String,
        /// With what.
        value: Value,
    },
    /// Removes from one place and adds at another.
    Move {
        /// Where the value is.
        from: String,
        /// Where it goes.
        path: String,
    },
    /// Adds the value of one place at another.
    Copy {
        /// Where the value is.
        from: String,
        /// Where it goes.
        path: String,
    },
    /// Fails the patch unless the value is there.
    Test {
        /// Where.
        path: String,
        /// What must be there.
        value: Value,
    },
}

impl JsonPatchOp {
    /// The place the operation is about.
    pub fn path(&self) -> &str {
        match self {
            Self::Add { path, .. }
            | Self::Remove { path }
            | Self::Replace { path, .. }
            | Self::Move { path, .. }
            | Self::Copy { path, .. }
            | Self::Test { path, .. } => path,
        }
    }
}

/// Why a patch does not apply; the document is unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchError {
    /// The operation of a JSON Patch, from 0; `None` for a merge patch.
    pub op: Option<usize>,
    /// Where in the document: the JSON pointer of the operation, or the path of the field.
    pub path: String,
    /// What is wrong, without a trailing full stop.
    pub message: String,
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(op) = self.op {
            write!(f, "operation {} of the patch, ", op + 1)?;
        }
        write!(f, "`{}`: {}", self.path, self.message)
    }
}

impl std::error::Error for PatchError {}

/// Applies the operations of a JSON Patch in order, all or none, and returns whether the document
/// holds anything else than before.
///
/// # Errors
///
/// The first operation that does not apply, by the rules of RFC 6902 section 4. Beyond these, the
/// whole document cannot be removed, and values may not be nested deeper than [`MAX_DEPTH`].
pub fn apply_json_patch(document: &mut Document, ops: &[JsonPatchOp]) -> Result<bool, PatchError> {
    let mut patched = document.clone();
    let mut carried = 0;
    for (index, op) in ops.iter().enumerate() {
        apply(&mut patched, op, &mut carried).map_err(|message| PatchError {
            op: Some(index),
            path: op.path().to_owned(),
            message,
        })?;
    }
    Ok(commit(document, patched))
}

/// Puts the patched document in place where it differs.
pub(crate) fn commit(document: &mut Document, patched: Document) -> bool {
    let changed = Value::from(document.root()) != Value::from(patched.root());
    if changed {
        *document = patched;
    }
    changed
}

fn apply(document: &mut Document, op: &JsonPatchOp, carried: &mut usize) -> Result<(), String> {
    match op {
        JsonPatchOp::Add { path, value } => {
            check_depth(0, value)?;
            add(document, &tokens(path)?, value.without_styles())
        }
        JsonPatchOp::Remove { path } => remove(document, &tokens(path)?),
        JsonPatchOp::Replace { path, value } => {
            let (at, _) = locate(document, &tokens(path)?)?;
            check_depth(at.segments().len(), value)?;
            document.set(&at, value.without_styles()).map_err(edit_message)
        }
        JsonPatchOp::Move { from, path } => {
            let (source, target) = (from_tokens(from)?, tokens(path)?);
            let value = carry(document, &source, from, carried)?;
            if source == target {
                return Ok(());
            }
            if target.starts_with(&source) {
                return Err(format!("`{from}` cannot move into itself"));
            }
            remove(document, &source)?;
            add(document, &target, value)
        }
        JsonPatchOp::Copy { from, path } => {
            let value = carry(document, &from_tokens(from)?, from, carried)?;
            add(document, &tokens(path)?, value)
        }
        JsonPatchOp::Test { path, value } => {
            let (_, found) = locate(document, &tokens(path)?)?;
            if Value::from(found) == *value {
                return Ok(());
            }
            // The value itself may be a secret.
            let (found, wanted) = (found.describe(), value.describe());
            Err(if found == wanted {
                format!("the test fails: there is {found} with another value")
            } else {
                format!("the test fails: there is {found}, not {wanted}")
            })
        }
    }
}

fn tokens(pointer: &str) -> Result<Vec<String>, String> {
    let path = Path::from_json_pointer(pointer)?;
    Ok(path
        .segments()
        .iter()
        .map(|segment| match segment {
            Segment::Key(key) => key.clone().into_owned(),
            Segment::Index(index) => index.to_string(),
        })
        .collect())
}

fn from_tokens(from: &str) -> Result<Vec<String>, String> {
    tokens(from).map_err(|message| format!("in `from`, {message}"))
}

/// Walks a pointer; every step must be there.
fn locate<'a>(document: &'a Document, tokens: &[String]) -> Result<(Path, NodeRef<'a>), String> {
    let mut node = document.root();
    let mut path = Vec::with_capacity(tokens.len());
    for token in tokens {
        let (segment, next) = match node.kind() {
            NodeKind::Mapping => (Segment::Key(token.clone().into()), entry(node, token)),
            NodeKind::Sequence => {
                let index = array_index(token)?;
                (Segment::Index(index), node.item(index))
            }
            NodeKind::Scalar => {
                let here: Path = path.into_iter().collect();
                let found = node.describe();
                return Err(format!("`{here}` is {found}: there is no `{token}` in it"));
            }
        };
        let Some(next) = next else {
            let here: Path = path.into_iter().collect();
            return Err(match segment {
                Segment::Key(key) => format!("there is no `{key}` at `{here}`"),
                Segment::Index(index) => {
                    format!("the list at `{here}` has {} elements, no [{index}]", node.len())
                }
            });
        };
        path.push(segment);
        node = next;
    }
    Ok((path.into_iter().collect(), node))
}

/// A merge key is how a mapping is written, not one of its entries.
fn entry<'a>(node: NodeRef<'a>, key: &str) -> Option<NodeRef<'a>> {
    if key == "<<" && node.has_merges() { None } else { node.get(key) }
}

/// An array index as RFC 6901 writes it: digits without leading zeros.
fn array_index(token: &str) -> Result<usize, String> {
    let is_number = token.bytes().all(|b| b.is_ascii_digit())
        && !token.is_empty()
        && (token == "0" || !token.starts_with('0'));
    match token.parse() {
        Ok(index) if is_number => Ok(index),
        _ if token == "-" => {
            Err("`-` is the place after the last element: nothing is there".into())
        }
        _ => Err(format!("`{token}` is not an index: a list needs a number or `-` here")),
    }
}

fn add(document: &mut Document, tokens: &[String], value: Value) -> Result<(), String> {
    check_depth(tokens.len(), &value)?;
    let Some((last, parents)) = tokens.split_last() else {
        return document.set(&Path::root(), value).map_err(edit_message);
    };
    let (parent, node) = locate(document, parents)?;
    match node.kind() {
        NodeKind::Mapping if last == "<<" && node.has_merges() => {
            Err("the merge key `<<` cannot be patched".to_owned())
        }
        NodeKind::Mapping => document.set(&parent.key(last.clone()), value).map_err(edit_message),
        NodeKind::Sequence => {
            let length = node.len();
            let index = if last == "-" { length } else { array_index(last)? };
            if index > length {
                return Err(format!("the list has {length} elements: [{index}] is past its end"));
            }
            document.insert(&parent, index, value).map_err(edit_message)
        }
        NodeKind::Scalar => {
            Err(format!("`{parent}` is {}: nothing can be added to it", node.describe()))
        }
    }
}

fn remove(document: &mut Document, tokens: &[String]) -> Result<(), String> {
    if tokens.is_empty() {
        return Err("the whole document cannot be removed".to_owned());
    }
    let (path, _) = locate(document, tokens)?;
    document.remove(&path).map(|_| ()).map_err(edit_message)
}

/// The value at `from`, within the budget.
fn carry(
    document: &Document,
    tokens: &[String],
    from: &str,
    carried: &mut usize,
) -> Result<Value, String> {
    let (_, node) =
        locate(document, tokens).map_err(|message| format!("`from` is `{from}`: {message}"))?;
    let value = Value::from(node);
    *carried = carried.saturating_add(value.measure().bytes);
    if *carried > CARRY_BUDGET {
        return Err(format!("the patch copies and moves more than {CARRY_BUDGET} bytes"));
    }
    Ok(value)
}

fn check_depth(above: usize, value: &Value) -> Result<(), String> {
    if above.saturating_add(value.measure().depth) > MAX_DEPTH {
        return Err(format!("the value would be nested more than {MAX_DEPTH} levels deep"));
    }
    Ok(())
}

fn edit_message(error: EditError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn document(text: &str) -> Document {
        parse(Source::new("t.yaml", text.to_owned())).unwrap().documents.remove(0)
    }

    fn value(text: &str) -> Value {
        Value::from(document(text).root())
    }

    /// Operations as RFC 6902 writes them.
    fn ops(text: &str) -> Vec<JsonPatchOp> {
        let list = document(text);
        let op = |node: NodeRef<'_>| {
            let field = |name: &str| node.get(name).unwrap().text().unwrap().to_owned();
            let value = || Value::from(node.get("value").unwrap());
            let path = field("path");
            match field("op").as_str() {
                "add" => JsonPatchOp::Add { path, value: value() },
                "remove" => JsonPatchOp::Remove { path },
                "replace" => JsonPatchOp::Replace { path, value: value() },
                "move" => JsonPatchOp::Move { from: field("from"), path },
                "copy" => JsonPatchOp::Copy { from: field("from"), path },
                "test" => JsonPatchOp::Test { path, value: value() },
                other => panic!("{other}"),
            }
        };
        list.root().items().map(op).collect()
    }

    fn check(before: &str, patch: &str, after: Result<&str, &str>) {
        let mut patched = document(before);
        match (apply_json_patch(&mut patched, &ops(patch)), after) {
            (Ok(changed), Ok(after)) => {
                assert_eq!(Value::from(patched.root()), value(after), "{before} {patch}");
                assert_eq!(value(&patched.to_text()), value(after), "{before} {patch}");
                assert_eq!(changed, value(before) != value(after), "{before} {patch}");
            }
            (Err(error), Err(message)) => {
                assert!(error.to_string().contains(message), "{error} lacks {message}");
                assert_eq!(patched.to_text(), before);
            }
            (result, _) => panic!("{before} {patch}: {result:?}"),
        }
    }

    /// The examples of RFC 6902 appendix A, by their numbers.
    #[test]
    fn the_examples_of_the_rfc_hold() {
        let cases: [(&str, &str, Result<&str, &str>); 16] = [
            // A.1 to A.3
            (
                r#"{"foo": "bar"}"#,
                r#"[{"op":"add","path":"/baz","value":"qux"}]"#,
                Ok(r#"{"baz": "qux", "foo": "bar"}"#),
            ),
            (
                r#"{"foo": ["bar", "baz"]}"#,
                r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
                Ok(r#"{"foo": ["bar", "qux", "baz"]}"#),
            ),
            (
                r#"{"baz": "qux", "foo": "bar"}"#,
                r#"[{"op":"remove","path":"/baz"}]"#,
                Ok(r#"{"foo": "bar"}"#),
            ),
            // A.4 to A.7
            (
                r#"{"foo": ["bar", "qux", "baz"]}"#,
                r#"[{"op":"remove","path":"/foo/1"}]"#,
                Ok(r#"{"foo": ["bar", "baz"]}"#),
            ),
            (
                r#"{"baz": "qux", "foo": "bar"}"#,
                r#"[{"op":"replace","path":"/baz","value":"boo"}]"#,
                Ok(r#"{"baz": "boo", "foo": "bar"}"#),
            ),
            (
                r#"{"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}}"#,
                r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
                Ok(r#"{"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}}"#),
            ),
            (
                r#"{"foo": ["all", "grass", "cows", "eat"]}"#,
                r#"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
                Ok(r#"{"foo": ["all", "cows", "eat", "grass"]}"#),
            ),
            // A.8, A.9
            (
                r#"{"baz": "qux", "foo": ["a", 2, "c"]}"#,
                r#"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]"#,
                Ok(r#"{"baz": "qux", "foo": ["a", 2, "c"]}"#),
            ),
            (
                r#"{"baz": "qux"}"#,
                r#"[{"op":"test","path":"/baz","value":"bar"}]"#,
                Err("with another value"),
            ),
            // A.10 to A.12
            (
                r#"{"foo": "bar"}"#,
                r#"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
                Ok(r#"{"foo": "bar", "child": {"grandchild": {}}}"#),
            ),
            (
                r#"{"foo": "bar"}"#,
                r#"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#,
                Ok(r#"{"foo": "bar", "baz": "qux"}"#),
            ),
            (
                r#"{"foo": "bar"}"#,
                r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#,
                Err("there is no `baz`"),
            ),
            // A.14 to A.16
            (
                r#"{"/": 9, "~1": 10}"#,
                r#"[{"op":"test","path":"/~01","value":10}]"#,
                Ok(r#"{"/": 9, "~1": 10}"#),
            ),
            (
                r#"{"/": 9, "~1": 10}"#,
                r#"[{"op":"test","path":"/~01","value":"10"}]"#,
                Err("a number, not a string"),
            ),
            (
                r#"{"foo": ["bar"]}"#,
                r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
                Ok(r#"{"foo": ["bar", ["abc", "def"]]}"#),
            ),
            (r#"{"foo": null}"#, r#"[{"op":"add","path":"/foo","value":1}]"#, Ok(r#"{"foo": 1}"#)),
        ];
        for (before, patch, after) in cases {
            check(before, patch, after);
        }
    }

    #[test]
    fn what_the_rfc_forbids_is_refused_and_changes_nothing() {
        let before = "a: 1 # one\nl:\n- x\n- y\nn:\n";
        for (patch, message) in [
            ("[{op: replace, path: /b, value: 1}]", "there is no `b` at `.`"),
            ("[{op: remove, path: /b}]", "there is no `b`"),
            ("[{op: remove, path: /l/2}]", "has 2 elements, no [2]"),
            ("[{op: remove, path: /l/-}]", "`-` is the place after the last element"),
            ("[{op: remove, path: ''}]", "whole document"),
            ("[{op: add, path: /l/3, value: 1}]", "past its end"),
            ("[{op: add, path: /l/01, value: 1}]", "`01` is not an index"),
            ("[{op: add, path: /l/+1, value: 1}]", "`+1` is not an index"),
            ("[{op: add, path: /l/1e0, value: 1}]", "`1e0` is not an index"),
            ("[{op: add, path: /l/99999999999999999999, value: 1}]", "is not an index"),
            ("[{op: add, path: /a/b, value: 1}]", "`a` is a number"),
            ("[{op: add, path: /n/b, value: 1}]", "`n` is null"),
            ("[{op: move, from: /l, path: /l/0}]", "into itself"),
            ("[{op: move, from: /x, path: /y}]", "`from` is `/x`"),
            ("[{op: copy, from: x, path: /y}]", "must start with `/`"),
            ("[{op: add, path: /ok, value: 1}, {op: test, path: /a, value: 2}]", "operation 2"),
        ] {
            check(before, patch, Err(message));
        }
    }

    #[test]
    fn edits_leave_the_rest_of_the_text() {
        let before = "# top\na: 'x' # one\nl: # list\n- x # first\n# about y\n- y\nm: {b: 1}\n";
        let patch = "[{op: replace, path: /a, value: z}, {op: add, path: /l/0, value: w}, \
                     {op: copy, from: /a, path: /m/c}]";
        let mut patched = document(before);
        assert_eq!(apply_json_patch(&mut patched, &ops(patch)), Ok(true));
        assert_eq!(
            patched.to_text(),
            "# top\na: 'z' # one\nl: # list\n- w\n- x # first\n# about y\n- y\nm: {b: 1, c: 'z'}\n"
        );
        let nothing = "[{op: add, path: /m/d, value: 1}, {op: remove, path: /m/d}]";
        let mut same = document(before);
        assert_eq!(apply_json_patch(&mut same, &ops(nothing)), Ok(false));
        assert_eq!(same.to_text(), before);
        check("a: 1\n", "[{op: replace, path: '', value: {b: 2}}]", Ok("b: 2\n"));
        check("a: 1.0\n", "[{op: test, path: /a, value: 1}]", Ok("a: 1.0\n"));
    }

    #[test]
    fn growth_is_bounded() {
        let doubling: Vec<_> = (0..40)
            .map(|step| JsonPatchOp::Copy { from: String::new(), path: format!("/c{step}") })
            .collect();
        let error = apply_json_patch(&mut document("a: some text\n"), &doubling).unwrap_err();
        assert!(error.message.contains("bytes") || error.message.contains("levels deep"));
        let mut deep = document("a: {}\n");
        let nest: Vec<_> = (0..200)
            .map(|level| JsonPatchOp::Add {
                path: format!("/a{}", "/a".repeat(level)),
                value: Value::Mapping(Vec::new()),
            })
            .collect();
        let error = apply_json_patch(&mut deep, &nest).unwrap_err();
        assert!(error.message.contains("levels deep"), "{error}");
    }
}
