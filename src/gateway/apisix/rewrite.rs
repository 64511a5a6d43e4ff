//! The plugin `proxy-rewrite`, which sets the header that carries the tag.
//!
//! Source: apache/apisix, apisix/plugins/proxy-rewrite.lua and its documentation: `headers` has the
//! verbs `add`, `set` and `remove`, done as add, remove, set; or it is a plain map of headers to set, the only
//! form before APISIX 3.0.

use super::super::{at, edited};
use crate::diagnostic::Diagnostic;
use crate::yaml::{Document, NodeRef, Path, Value};

const NAME: &str = "proxy-rewrite";

/// The plugin for a route that has none.
pub(super) fn plugin(header: &str, tag: &str) -> Value {
    let nested = |key: &str, value: Value| Value::Mapping(vec![(key.to_owned(), value)]);
    let set = nested("set", Value::string_map([(header, tag)]));
    Value::Mapping(vec![
        ("name".to_owned(), Value::string(NAME)),
        ("enable".to_owned(), Value::bool(true)),
        ("config".to_owned(), nested("headers", set)),
    ])
}

/// Whether an entry of a route has this plugin itself, switched on.
pub(super) fn is_on(entry: NodeRef<'_>, name: &str) -> bool {
    let plugins = entry.get("plugins").into_iter().flat_map(NodeRef::items);
    plugins.into_iter().any(|plugin| {
        plugin.get("name").and_then(NodeRef::as_str) == Some(name)
            && plugin.get("enable").and_then(NodeRef::as_bool) != Some(false)
    })
}

/// Sets a header for an entry of a route, in the rewrite it has or in one of its own.
pub(super) fn set_header(
    canary: &mut Document,
    entry: &Path,
    header: &str,
    tag: &str,
) -> Result<(), Diagnostic> {
    let plugins = entry.key("plugins");
    let there = canary.find(&plugins).into_iter().flat_map(NodeRef::items);
    let named = |plugin: NodeRef<'_>| plugin.get("name").and_then(NodeRef::as_str) == Some(NAME);
    let Some(number) = there.into_iter().position(named) else {
        return match canary.find(&plugins).filter(|list| list.is_sequence()) {
            Some(list) => {
                let end = list.len();
                edited(canary.insert(&plugins, end, plugin(header, tag)))
            }
            None => edited(canary.set(&plugins, Value::Sequence(vec![plugin(header, tag)]))),
        };
    };
    let own = plugins.index(number);
    let node = canary.find(&own);
    let field = |key: &str| node.and_then(|node| node.get(key));
    if field("enable").and_then(NodeRef::as_bool) == Some(false) {
        return edited(canary.set(&own, plugin(header, tag)));
    }
    if let Some(secret) = field("secretRef") {
        return Err(at(
            Diagnostic::error("this `proxy-rewrite` takes its headers from a Secret, so that none can be added to them"),
            Some(secret),
        )
        .remedy("write its configuration into the route"));
    }
    let headers = own.key("config").key("headers");
    let Some(node) = canary.find(&headers).filter(|node| !node.is_null() && !node.is_empty())
    else {
        let set = Value::Mapping(vec![("set".to_owned(), Value::string_map([(header, tag)]))]);
        return edited(canary.set(&headers, set));
    };
    if !node.is_mapping() {
        return Err(at(
            Diagnostic::error(format!(
                "the headers of this `proxy-rewrite` are {}",
                node.describe()
            )),
            Some(node),
        )
        .remedy("write them as `headers: {set: {NAME: VALUE}}`"));
    }
    let has_verbs = node.get("set").is_some_and(NodeRef::is_mapping)
        || node.get("add").is_some_and(NodeRef::is_mapping)
        || node.get("remove").is_some_and(NodeRef::is_sequence);
    let set = if has_verbs { headers.key("set") } else { headers.clone() };
    if has_verbs {
        without(canary, &headers, header)?;
    }
    let name = canary
        .find(&set)
        .into_iter()
        .flat_map(NodeRef::entries)
        .map(|(name, _)| name)
        .find(|name| name.eq_ignore_ascii_case(header))
        .unwrap_or(header)
        .to_owned();
    edited(canary.set_str(&set.key(name.clone()), tag))
}

/// Takes a header out of what is added or removed, so that it has one value.
fn without(canary: &mut Document, headers: &Path, header: &str) -> Result<(), Diagnostic> {
    let is_it = |name: &str| name.eq_ignore_ascii_case(header);
    let add = headers.key("add");
    let named: Vec<String> = canary
        .find(&add)
        .into_iter()
        .flat_map(NodeRef::entries)
        .filter(|(name, _)| is_it(name))
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in named {
        edited(canary.remove(&add.key(name)).map(|_| ()))?;
    }
    let remove = headers.key("remove");
    let count = canary.find(&remove).map_or(0, NodeRef::len);
    for index in (0..count).rev() {
        let item = remove.index(index);
        if canary.find(&item).and_then(NodeRef::text).is_some_and(is_it) {
            edited(canary.remove(&item).map(|_| ()))?;
        }
    }
    for list in [&add, &remove] {
        if canary.find(list).is_some_and(|node| !node.is_null() && node.is_empty()) {
            edited(canary.remove(list).map(|_| ()))?;
        }
    }
    Ok(())
}
