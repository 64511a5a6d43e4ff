//! Whether a spec has the shape that its schema asks for.

use std::fmt;

use serde_json::{Map, Value as Json};

use super::check::each;
use crate::diagnostic::{Diagnostic, Place, nearest};
use crate::yaml::scalar::Resolved;
use crate::yaml::{NodeRef, Path};

/// The root of a document as JSON, without what the schema does not allow, and an error for each
/// thing left out or missing.
///
/// Elements of lists that are left out are null, so that positions stay those of the text.
pub(super) fn check(schema: &Json, root: NodeRef<'_>) -> (Json, Vec<Diagnostic>) {
    let mut walk = Walk { defs: schema.get("$defs"), errors: Vec::new() };
    let json = walk.node(schema, root, &At::Root).unwrap_or(Json::Null);
    (json, walk.errors)
}

/// Where a node is: a [`Path`] that is made only where there is something to tell.
#[derive(Clone, Copy)]
enum At<'a> {
    Root,
    Key(&'a At<'a>, &'a str),
    Index(&'a At<'a>, usize),
}

impl At<'_> {
    fn is_root(&self) -> bool {
        matches!(self, Self::Root)
    }

    fn path(&self) -> Path {
        match self {
            Self::Root => Path::root(),
            Self::Key(above, key) => above.path().key((*key).to_owned()),
            Self::Index(above, index) => above.path().index(*index),
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().fmt(f)
    }
}

struct Walk<'s> {
    defs: Option<&'s Json>,
    errors: Vec<Diagnostic>,
}

impl<'s> Walk<'s> {
    fn node(&mut self, schema: &'s Json, node: NodeRef<'_>, at: &At<'_>) -> Option<Json> {
        let schema = self.resolve(schema);
        if let Some((mapping, short)) = self.block_or_short(schema) {
            return self.node(if node.is_mapping() { mapping } else { short }, node, at);
        }
        let values = values(schema);
        if !values.is_empty() {
            return self.choice(&values, node, at);
        }
        match schema.get("type").and_then(Json::as_str) {
            Some("object") if node.is_mapping() => Some(self.mapping(schema, node, at)),
            Some("array") if node.is_sequence() => Some(self.list(schema, node, at)),
            Some("integer") if is_number(node) => self.integer(schema, node, at),
            Some("string") if node.as_str().is_some() => Some(node.to_json()),
            Some("boolean") if node.as_bool().is_some() => Some(node.to_json()),
            Some(expected) => {
                self.wrong_type(expected, schema, node, at);
                None
            }
            None => Some(node.to_json()),
        }
    }

    /// The schema a reference stands for.
    fn resolve(&self, schema: &'s Json) -> &'s Json {
        schema
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|reference| reference.strip_prefix("#/$defs/"))
            .and_then(|name| self.defs?.get(name))
            .unwrap_or(schema)
    }

    /// The two forms of what is a mapping or a scalar that is short for it.
    fn block_or_short(&self, schema: &'s Json) -> Option<(&'s Json, &'s Json)> {
        let ways = schema.get("anyOf").and_then(Json::as_array)?;
        let is_block =
            |way: &&'s Json| self.resolve(way).get("type").and_then(Json::as_str) == Some("object");
        let short = ways.iter().find(|way| !is_block(way))?;
        Some((ways.iter().find(is_block)?, short))
    }

    fn mapping(&mut self, schema: &'s Json, node: NodeRef<'_>, at: &At<'_>) -> Json {
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties");
        let mut json = Map::new();
        let mut meant = Vec::new();
        for (key, value) in node.entries() {
            let property = properties.and_then(|properties| properties.get(key));
            let Some(property) = property.or(others.filter(|others| **others != false)) else {
                meant.extend(self.unknown_field(key, value, properties, node, at));
                continue;
            };
            if let Some(value) = self.node(property, value, &At::Key(at, key)) {
                json.insert(key.to_owned(), value);
            }
        }
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
        for name in required.filter_map(Json::as_str) {
            if node.get(name).is_none() && !meant.contains(&name) {
                let description = properties
                    .and_then(|properties| properties.get(name)?.get("description")?.as_str());
                self.error(
                    format!("`{}` is missing", At::Key(at, name)),
                    node,
                    match description {
                        Some(description) => format!("add `{name}:` here. {description}"),
                        None => format!("add `{name}:` here"),
                    },
                );
            }
        }
        Json::Object(json)
    }

    /// Reports a field that does not exist; returns the one that was meant.
    fn unknown_field(
        &mut self,
        key: &str,
        value: NodeRef<'_>,
        properties: Option<&'s Map<String, Json>>,
        parent: NodeRef<'_>,
        at: &At<'_>,
    ) -> Option<&'s str> {
        let known: Vec<&str> =
            properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
        // A field that is already there cannot be the one that was meant.
        let free = known.iter().copied().filter(|name| parent.get(name).is_none());
        let meant = nearest(key, free);
        let message = match at.is_root() {
            true => format!("unknown field `{key}`"),
            false => format!("unknown field `{key}` in `{at}`"),
        };
        let remedy = match meant {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the fields here are {}", list(&known)),
        };
        self.error_at(message, value.place(), remedy);
        meant
    }

    fn list(&mut self, schema: &'s Json, node: NodeRef<'_>, at: &At<'_>) -> Json {
        let Some(items) = schema.get("items") else { return node.to_json() };
        let defs = self.defs;
        let walked = each(node.items().enumerate().collect(), |(index, item)| {
            let mut walk = Walk { defs, errors: Vec::new() };
            let json = walk.node(items, item, &At::Index(at, index)).unwrap_or(Json::Null);
            (json, walk.errors)
        });
        let (elements, errors): (Vec<Json>, Vec<Vec<Diagnostic>>) = walked.into_iter().unzip();
        self.errors.extend(errors.into_iter().flatten());
        Json::Array(elements)
    }

    fn integer(&mut self, schema: &Json, node: NodeRef<'_>, at: &At<'_>) -> Option<Json> {
        let bound = |name| schema.get(name).and_then(Json::as_i64).map(i128::from);
        let low = bound("minimum").unwrap_or(i128::from(i64::MIN));
        let high = bound("maximum").unwrap_or(i128::from(i64::MAX));
        if node.as_int().is_some_and(|value| (low..=high).contains(&value)) {
            return Some(node.to_json());
        }
        self.error(
            format!("`{at}` cannot be {}", node.text().unwrap_or_default()),
            node,
            format!("write a whole number from {low} to {high}"),
        );
        None
    }

    fn choice(&mut self, values: &[&str], node: NodeRef<'_>, at: &At<'_>) -> Option<Json> {
        let text = node.text();
        if let Some(text) = node.as_str().filter(|text| values.contains(text)) {
            return Some(Json::from(text));
        }
        let all = format!("one of {}", list(values));
        let remedy = match text.and_then(|text| nearest(text, values.iter().copied())) {
            Some(name) => format!("did you mean `{name}`? It is {all}"),
            None => format!("write {all}"),
        };
        let message = match text {
            Some(text) if !node.is_null() => format!("`{at}` cannot be `{text}`"),
            _ => format!("`{at}` must be a string, not {}", node.describe()),
        };
        self.error(message, node, remedy);
        None
    }

    fn wrong_type(&mut self, expected: &str, schema: &Json, node: NodeRef<'_>, at: &At<'_>) {
        let name = match at.is_root() {
            true => "the spec".to_owned(),
            false => format!("`{at}`"),
        };
        if node.is_null() {
            // What is absent has no place of its own: its key is what there is to see.
            let remedy = "give it a value or remove it".to_owned();
            return self.error_at(format!("{name} has no value"), node.place(), remedy);
        }
        let text = node.text().unwrap_or_default();
        let (wanted, remedy) = match expected {
            "string" if node.text().is_some() => ("a string", format!("quote it: \"{text}\"")),
            "string" => ("a string", "write one text".to_owned()),
            "integer" | "boolean" if node.as_str().is_some() => (
                if expected == "integer" { "a whole number" } else { "true or false" },
                match (expected, text) {
                    ("integer", text) if text.parse::<i64>().is_ok() => {
                        format!("write it without quotes: {text}")
                    }
                    ("boolean", "true" | "false") => format!("write it without quotes: {text}"),
                    ("integer", _) => "write a whole number, without quotes".to_owned(),
                    _ => "write `true` or `false`, without quotes".to_owned(),
                },
            ),
            "integer" => ("a whole number", "write a whole number".to_owned()),
            "boolean" => ("true or false", "write `true` or `false`".to_owned()),
            "array" if node.text().is_some() => ("a list", format!("write [{text}]")),
            "array" => ("a list", "start each element with `- `".to_owned()),
            _ => ("a mapping", fields(schema)),
        };
        self.error(format!("{name} must be {wanted}, not {}", node.describe()), node, remedy);
    }

    fn error(&mut self, message: String, node: NodeRef<'_>, remedy: String) {
        self.error_at(message, node.value_place(), remedy);
    }

    fn error_at(&mut self, message: String, place: Option<Place>, remedy: String) {
        let mut error = Diagnostic::error(message).remedy(remedy);
        error.place = place;
        self.errors.push(error);
    }
}

fn is_number(node: NodeRef<'_>) -> bool {
    matches!(node.resolved(), Resolved::Int(_) | Resolved::Float(_))
}

/// The strings that a schema allows one of; empty where it is no choice.
fn values(schema: &Json) -> Vec<&str> {
    let of = |name: &str| schema.get(name).and_then(Json::as_array).into_iter().flatten();
    let described = of("oneOf").filter_map(|choice| choice.get("const")?.as_str());
    described.chain(of("enum").filter_map(Json::as_str)).collect()
}

/// How to write a mapping of this schema.
fn fields(schema: &Json) -> String {
    match schema.get("properties").and_then(Json::as_object) {
        Some(properties) => {
            let names: Vec<&str> = properties.keys().map(String::as_str).collect();
            format!("write a mapping; its fields are {}", list(&names))
        }
        None => "write `key: value` pairs".to_owned(),
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
