//! Custom resources checked as their CRDs say, and for fields that their CRDs do not have: those an
//! API server drops without a word.
//!
//! The CRDs are data from outside of the project, beside it; without them nothing is checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use graylane::yaml::{Source, parse};
use regex::Regex;
use serde_json::Value;

/// Schemas by `apiVersion` and `kind`.
pub(crate) struct Crds(BTreeMap<(String, String), Value>);

impl Crds {
    /// The CRDs; `None` where they are not at hand.
    pub(crate) fn load() -> Option<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/crds");
        let mut schemas = Self::own().0;
        for file in fs::read_dir(directory).ok()? {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "yaml") {
                continue;
            }
            for crd in documents(&fs::read_to_string(&path).unwrap()) {
                let Some(spec) = crd.get("spec") else { continue };
                for version in spec["versions"].as_array().unwrap() {
                    let group = spec["group"].as_str().unwrap();
                    let api_version = format!("{group}/{}", version["name"].as_str().unwrap());
                    let kind = spec["names"]["kind"].as_str().unwrap().to_owned();
                    let schema = version["schema"]["openAPIV3Schema"].clone();
                    schemas.insert((api_version, kind), schema);
                }
            }
        }
        Some(Self(schemas))
    }

    /// The project's own schemas, for kinds that no CRD defines.
    pub(crate) fn own() -> Self {
        let schema = |text| -> ((String, String), Value) {
            let schema: Value = serde_json::from_str(text).unwrap();
            let one = |key: &str| schema["properties"][key]["enum"][0].as_str().unwrap().to_owned();
            ((one("apiVersion"), one("kind")), schema)
        };
        Self(BTreeMap::from([
            schema(include_str!("../../templates/opensergo/schema/traffic-label-rule.json")),
            schema(include_str!("../../templates/opensergo/schema/workload-label-rule.json")),
        ]))
    }

    /// What is wrong with the custom resources of a YAML stream, and how many there were; objects of
    /// other kinds are passed over.
    pub(crate) fn check(&self, stream: &str) -> (Vec<String>, usize) {
        let (mut wrong, mut count) = (Vec::new(), 0);
        for object in documents(stream) {
            let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
            let Some(schema) = self.0.get(&(text("apiVersion"), text("kind"))) else { continue };
            count += 1;
            let name = object["metadata"]["name"].as_str().unwrap_or("?").to_owned();
            check(schema, &object, &format!("{} {name}: ", text("kind")), &mut wrong);
        }
        (wrong, count)
    }
}

/// Stops where a custom resource of a YAML stream is not as its CRD says. Tells whether any was
/// checked.
pub(crate) fn validate(stream: &str) -> bool {
    let Some(crds) = Crds::load() else { return false };
    let (wrong, count) = crds.check(stream);
    assert!(wrong.is_empty(), "{}\n\n{stream}", wrong.join("\n"));
    count > 0
}

fn documents(text: &str) -> Vec<Value> {
    let stream = parse(Source::new("stream.yaml", text.to_owned())).unwrap();
    let documents = stream.documents.iter().filter(|document| !document.is_empty());
    documents.map(|document| document.root().to_json()).collect()
}

fn check(schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let mut say = |what: String| wrong.push(format!("{at} {what}"));
    if value.is_null() {
        if schema["nullable"] != true {
            say("is null".to_owned());
        }
        return;
    }
    if schema["x-kubernetes-int-or-string"] == true {
        if !(value.is_i64() || value.is_string()) {
            say("is neither a number nor a string".to_owned());
        }
    } else if let Some(expected) = schema["type"].as_str() {
        let fits = match expected {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            _ => value.is_number(),
        };
        if !fits {
            say(format!("is {value}, not of type {expected}"));
            return;
        }
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        say(format!("is {value}, not one of {allowed:?}"));
    }
    let limit = |key: &str| schema[key].as_f64();
    let mut within = |what: &str, number: f64, least: Option<f64>, most: Option<f64>| {
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            say(format!("has {what} {number}"));
        }
    };
    match value {
        Value::Number(number) => {
            within("value", number.as_f64().unwrap(), limit("minimum"), limit("maximum"));
        }
        Value::String(text) => {
            let length = text.chars().count() as f64;
            within("length", length, limit("minLength"), limit("maxLength"));
            if let Some(pattern) = schema["pattern"].as_str()
                && !Regex::new(pattern).unwrap().is_match(text)
            {
                say(format!("is {text:?}, which does not match {pattern}"));
            }
        }
        Value::Array(items) => {
            within("items", items.len() as f64, limit("minItems"), limit("maxItems"));
            let keys: Vec<Vec<&Value>> = match schema["x-kubernetes-list-map-keys"].as_array() {
                Some(keys) => items
                    .iter()
                    .map(|item| keys.iter().map(|key| &item[key.as_str().unwrap()]).collect())
                    .collect(),
                None if schema["x-kubernetes-list-type"] == "set" => {
                    items.iter().map(|item| vec![item]).collect()
                }
                None => Vec::new(),
            };
            for (index, key) in keys.iter().enumerate() {
                if keys[..index].contains(key) {
                    say(format!("has the key {key:?} twice"));
                }
            }
            for (index, item) in items.iter().enumerate() {
                check(&schema["items"], item, &format!("{at}[{index}]"), wrong);
            }
        }
        Value::Object(fields) => {
            within(
                "properties",
                fields.len() as f64,
                limit("minProperties"),
                limit("maxProperties"),
            );
            for key in schema["required"].as_array().into_iter().flatten() {
                if !fields.contains_key(key.as_str().unwrap()) {
                    say(format!("lacks {key}"));
                }
            }
            check_fields(schema, fields, at, wrong);
        }
        Value::Bool(_) | Value::Null => {}
    }
    for (key, wanted) in [("anyOf", 1..=usize::MAX), ("oneOf", 1..=1)] {
        let Some(choices) = schema[key].as_array() else { continue };
        let fitting = choices.iter().filter(|choice| fits(choice, value)).count();
        if !wanted.contains(&fitting) {
            wrong.push(format!("{at} fits {fitting} of {key}: {value}"));
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        if !fits(part, value) {
            wrong.push(format!("{at} does not fit {part}"));
        }
    }
}

fn check_fields(
    schema: &Value,
    fields: &serde_json::Map<String, Value>,
    at: &str,
    wrong: &mut Vec<String>,
) {
    let known = schema["properties"].as_object();
    for (key, value) in fields {
        let below = format!("{at}.{key}");
        // The API server itself knows these three.
        let is_root =
            at.ends_with(": ") && matches!(key.as_str(), "metadata" | "apiVersion" | "kind");
        if let Some(schema) = known.and_then(|known| known.get(key)) {
            if !is_root {
                check(schema, value, &below, wrong);
            }
        } else if schema["additionalProperties"].is_object() {
            check(&schema["additionalProperties"], value, &below, wrong);
        } else if !is_root
            && schema["x-kubernetes-preserve-unknown-fields"] != true
            && schema["additionalProperties"] != true
        {
            wrong.push(format!("{below} is not known"));
        }
    }
}

/// Whether a value fits a part of a schema, as `anyOf`, `oneOf`, `allOf` and `not` have them: these
/// restrict, so fields they do not name are no matter.
fn fits(schema: &Value, value: &Value) -> bool {
    if let Some(not) = schema.get("not") {
        return !fits(not, value);
    }
    let required = schema["required"].as_array().into_iter().flatten();
    let has_all = required.map(|key| key.as_str().unwrap()).all(|key| value.get(key).is_some());
    let any_of = schema["anyOf"].as_array();
    let fits_any = any_of.is_none_or(|choices| choices.iter().any(|choice| fits(choice, value)));
    let properties = schema["properties"].as_object().into_iter().flatten();
    let fit = properties.filter_map(|(key, schema)| Some((schema, value.get(key)?)));
    let own = schema["type"].as_str().is_none_or(|expected| match expected {
        "integer" => value.is_i64(),
        "string" => value.is_string(),
        _ => true,
    });
    let pattern = schema["pattern"].as_str().zip(value.as_str());
    let matches = pattern.is_none_or(|(pattern, text)| Regex::new(pattern).unwrap().is_match(text));
    has_all
        && fits_any
        && own
        && matches
        && fit.into_iter().all(|(schema, value)| fits(schema, value))
}
