//! The JSON Schema of a spec, made from its types.

use std::sync::LazyLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde_json::{Map, Value as Json};

use super::raw::Release;

/// The JSON Schema (draft 2020-12) of a spec, as text that ends with a line break.
pub fn schema() -> String {
    format!("{:#}\n", *SCHEMA)
}

/// The same as a value, which every spec is held against.
pub(super) static SCHEMA: LazyLock<Json> = LazyLock::new(value);

fn value() -> Json {
    let mut schema = SchemaSettings::draft2020_12()
        .with_transform(forbid_null)
        .into_generator()
        .into_root_schema_for::<Release>();
    let Some(object) = schema.as_object_mut() else { return schema.to_value() };
    // What the file is comes first.
    let mut ordered = Map::new();
    for name in ["$schema", "title", "description"] {
        ordered.extend(object.shift_remove_entry(name));
    }
    ordered.append(object);
    Json::Object(ordered)
}

/// An `Option` of the types is a field that may be left out, never one that may be null.
fn forbid_null(schema: &mut Schema) {
    transform_subschemas(&mut forbid_null, schema);
    let Some(object) = schema.as_object_mut() else { return };
    if object.get("default").is_some_and(Json::is_null) {
        object.shift_remove("default");
    }
    if let Some(Json::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Json::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [Json::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.shift_remove("anyOf");
            object.extend(only);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_may_be_null_but_the_value_of_an_operation() {
        assert!(!schema().contains("null\""), "{}", schema());
        assert!(!schema().contains(": null"), "{}", schema());
    }

    #[test]
    fn every_field_is_described() {
        fn walk(schema: &Json) {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                assert!(property["description"].is_string(), "{name}: {property}");
            }
        }
        let schema = value();
        walk(&schema);
        schema["$defs"].as_object().unwrap().values().for_each(walk);
    }
}
