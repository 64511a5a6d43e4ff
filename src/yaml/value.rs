//! Values that stand in no document yet.

use super::node::{Collection, Form, Item, Node, Scalar};
use super::scalar::{Resolved, ScalarStyle, resolve};
use super::view::{NodeKind, NodeRef};
use std::sync::Arc;

/// A value to put into a document, or one taken out of it.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string; written so that every reader reads this string. The style is kept where it is safe.
    String(String, ScalarStyle),
    /// A scalar that is no string, as its plain text: `1`, `0644`, `true`, `null`.
    Plain(String),
    /// A list.
    Sequence(Vec<Value>),
    /// Keys and values, in order; keys are unique.
    Mapping(Vec<(String, Value)>),
}

impl Value {
    /// A string without a wish for its style.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into(), ScalarStyle::Auto)
    }

    /// A whole number.
    pub fn int(value: i64) -> Self {
        Self::Plain(value.to_string())
    }

    /// `true` or `false`.
    pub fn bool(value: bool) -> Self {
        Self::Plain(value.to_string())
    }

    /// `null`.
    pub fn null() -> Self {
        Self::Plain("null".to_owned())
    }

    /// A mapping of strings.
    pub fn string_map<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::Mapping(
            entries.into_iter().map(|(key, value)| (key.to_owned(), Self::string(value))).collect(),
        )
    }

    /// The value of a key, where this is a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Mapping(entries) => {
                entries.iter().find(|(candidate, _)| candidate == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The string, where this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text, _) => Some(text),
            _ => None,
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Plain(text) if resolve(text, ScalarStyle::Plain, None) == Resolved::Null)
    }

    /// What kind of thing it is, for messages: `a string`, `a list`.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::String(..) => "a string",
            Self::Plain(text) => resolve(text, ScalarStyle::Plain, None).describe(),
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }

    /// The same value without a wish for the style of its strings, so that they are written as
    /// what surrounds them.
    #[must_use]
    pub fn without_styles(&self) -> Self {
        match self {
            Self::String(text, _) => Self::string(text.as_str()),
            Self::Plain(text) => Self::Plain(text.clone()),
            Self::Sequence(values) => {
                Self::Sequence(values.iter().map(Self::without_styles).collect())
            }
            Self::Mapping(entries) => Self::Mapping(
                entries.iter().map(|(key, value)| (key.clone(), value.without_styles())).collect(),
            ),
        }
    }

    /// How deep and how large the value is; does not recurse.
    pub(crate) fn measure(&self) -> Measure {
        let mut measure = Measure { depth: 0, bytes: 0 };
        let mut open = vec![(self, 0)];
        while let Some((value, above)) = open.pop() {
            measure.bytes = measure.bytes.saturating_add(16);
            match value {
                Self::String(text, _) | Self::Plain(text) => {
                    measure.bytes = measure.bytes.saturating_add(text.len());
                    measure.depth = measure.depth.max(above);
                }
                Self::Sequence(values) => {
                    measure.depth = measure.depth.max(above + 1);
                    open.extend(values.iter().map(|value| (value, above + 1)));
                }
                Self::Mapping(entries) => {
                    measure.depth = measure.depth.max(above + 1);
                    for (key, value) in entries {
                        measure.bytes = measure.bytes.saturating_add(key.len());
                        open.push((value, above + 1));
                    }
                }
            }
        }
        measure
    }

    pub(crate) fn into_node(self) -> Node {
        match self {
            // A new plain scalar is a typed one; a string that was plain must be looked at anew.
            Self::String(text, ScalarStyle::Plain) => {
                Node::Scalar(Scalar::fresh(text, ScalarStyle::Auto))
            }
            Self::String(text, style) => Node::Scalar(Scalar::fresh(text, style)),
            Self::Plain(text) => Node::Scalar(Scalar::fresh(text, ScalarStyle::Plain)),
            Self::Sequence(values) => {
                let items =
                    values.into_iter().map(|value| Item::fresh(None, value.into_node())).collect();
                Node::Collection(Arc::new(Collection::fresh(Form::Sequence, items)))
            }
            Self::Mapping(entries) => {
                let items = entries
                    .into_iter()
                    .map(|(key, value)| Item::fresh(Some(fresh_key(key)), value.into_node()));
                Node::Collection(Arc::new(Collection::fresh(Form::Mapping, items.collect())))
            }
        }
    }
}

/// The size of a [`Value`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    /// Collections within each other; 0 for a scalar.
    pub(crate) depth: usize,
    /// Bytes of text, and some for each node.
    pub(crate) bytes: usize,
}

/// A key that is new.
pub(crate) fn fresh_key(key: String) -> Scalar {
    Scalar::fresh(key, ScalarStyle::Auto)
}

impl PartialEq for Value {
    /// Values are equal when Kubernetes reads them as equal; the order of keys does not count.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::String(a, _), Self::String(b, _)) => a == b,
            (Self::Plain(a), Self::Plain(b)) => {
                let (left, right) =
                    (resolve(a, ScalarStyle::Plain, None), resolve(b, ScalarStyle::Plain, None));
                match (left, right) {
                    (Resolved::String, Resolved::String) => a == b,
                    // `1.0` reaches an API server as `1`.
                    (Resolved::Int(int), Resolved::Float(float))
                    | (Resolved::Float(float), Resolved::Int(int)) => is_whole(float, int),
                    _ => left == right,
                }
            }
            (Self::Sequence(a), Self::Sequence(b)) => a == b,
            (Self::Mapping(a), Self::Mapping(b)) if a.len() > 16 => {
                let index: std::collections::HashMap<_, _> =
                    b.iter().map(|(key, value)| (key, value)).collect();
                a.len() == b.len() && a.iter().all(|(key, value)| index.get(key) == Some(&value))
            }
            (Self::Mapping(a), Self::Mapping(b)) => {
                a.len() == b.len() && a.iter().all(|(key, value)| other.get(key) == Some(value))
            }
            _ => false,
        }
    }
}

fn is_whole(float: f64, int: i128) -> bool {
    // Both bounds are exact, and every whole float between them is an `i128`.
    float.fract() == 0.0 && float.abs() < 1e30 && float as i128 == int
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::null(),
            serde_json::Value::Bool(value) => Self::bool(*value),
            serde_json::Value::Number(number) => Self::Plain(number.to_string()),
            serde_json::Value::String(text) => Self::string(text.as_str()),
            serde_json::Value::Array(values) => {
                Self::Sequence(values.iter().map(Self::from).collect())
            }
            serde_json::Value::Object(entries) => Self::Mapping(
                entries.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect(),
            ),
        }
    }
}

impl From<NodeRef<'_>> for Value {
    /// The value of a node, aliases and merge keys resolved.
    fn from(node: NodeRef<'_>) -> Self {
        match node.kind() {
            NodeKind::Mapping => Self::Mapping(
                node.entries().map(|(key, value)| (key.to_owned(), Self::from(value))).collect(),
            ),
            NodeKind::Sequence => Self::Sequence(node.items().map(Self::from).collect()),
            NodeKind::Scalar => {
                let text = node.text().unwrap_or("");
                match node.resolved() {
                    Resolved::String => Self::String(text.to_owned(), node.scalar_style()),
                    // An absent value has no text of its own.
                    Resolved::Null => {
                        Self::Plain(if text.is_empty() { "null" } else { text }.to_owned())
                    }
                    _ => Self::Plain(text.to_owned()),
                }
            }
        }
    }
}
