//! The filter RequestHeaderModifier, which sets the header that carries the tag. A rule or backend
//! has at most one (the types, HTTPRouteFilter).

use super::super::{at, edited};
use crate::diagnostic::Diagnostic;
use crate::yaml::{Document, NodeRef, Path, Value};

const TYPE: &str = "RequestHeaderModifier";
const FIELD: &str = "requestHeaderModifier";

/// Most filters of a rule or backend, and most headers of one verb (maxItems in the types).
const MOST: usize = 16;

fn filter(header: &str, tag: &str) -> Value {
    let nested = |key: &str, value: Value| Value::Mapping(vec![(key.to_owned(), value)]);
    let set = Value::Sequence(vec![Value::string_map([("name", header), ("value", tag)])]);
    Value::Mapping(vec![
        ("type".to_owned(), Value::string(TYPE)),
        (FIELD.to_owned(), nested("set", set)),
    ])
}

/// Where the filter of a rule or backend is.
fn position(document: &Document, filters: &Path) -> Option<usize> {
    let mut all = document.find(filters).into_iter().flat_map(NodeRef::items);
    all.position(|filter| filter.get("type").and_then(NodeRef::as_str) == Some(TYPE))
}

/// Sets a header for a rule or backend, in the filter it has or in one of its own.
pub(super) fn set_header(
    document: &mut Document,
    holder: &Path,
    header: &str,
    tag: &str,
) -> Result<(), Diagnostic> {
    let filters = holder.key("filters");
    let Some(number) = position(document, &filters) else {
        let Some(list) = document.find(&filters).filter(|list| list.is_sequence()) else {
            let value = Value::Sequence(vec![filter(header, tag)]);
            // Before the backends, as routes are written.
            let before = document
                .find(holder)
                .and_then(|rule| rule.entries().position(|(key, _)| key == "backendRefs"));
            return edited(document.insert_entry(
                holder,
                before.unwrap_or(usize::MAX),
                "filters",
                value,
            ));
        };
        let count = list.len();
        if count >= MOST {
            return Err(full(list, "filters"));
        }
        return edited(document.insert(&filters, count, filter(header, tag)));
    };
    let modifier = filters.index(number).key(FIELD);
    without(document, &modifier, header, &["add", "remove"])?;
    let set = modifier.key("set");
    let Some(list) = document.find(&set).filter(|list| list.is_sequence()) else {
        let own = Value::string_map([("name", header), ("value", tag)]);
        return edited(document.set(&set, Value::Sequence(vec![own])));
    };
    let count = list.len();
    let there = list.items().position(|each| names(each, header));
    match there {
        Some(number) => return edited(document.set_str(&set.index(number).key("value"), tag)),
        None if count >= MOST => return Err(full(list, "headers to set")),
        None => {}
    }
    edited(document.insert(&set, count, Value::string_map([("name", header), ("value", tag)])))
}

fn full(list: NodeRef<'_>, what: &str) -> Diagnostic {
    let error = format!("there are {MOST} {what} already, and the tag header would be one more");
    at(Diagnostic::error(error), Some(list)).remedy("take one out of the baseline's route")
}

/// Takes a header out of what a backend's own filter does to it, so that the rule's value stays.
pub(super) fn forget_header(
    document: &mut Document,
    holder: &Path,
    header: &str,
) -> Result<(), Diagnostic> {
    let filters = holder.key("filters");
    let Some(number) = position(document, &filters) else { return Ok(()) };
    let own = filters.index(number);
    let modifier = own.key(FIELD);
    without(document, &modifier, header, &["add", "remove", "set"])?;
    // A filter that does nothing more is none.
    if document.find(&modifier).is_some_and(NodeRef::is_empty) {
        edited(document.remove(&own).map(|_| ()))?;
        if document.find(&filters).is_some_and(NodeRef::is_empty) {
            edited(document.remove(&filters).map(|_| ()))?;
        }
    }
    Ok(())
}

/// Whether an element of `add`, `set` (a mapping) or `remove` (a name) is about a header.
fn names(each: NodeRef<'_>, header: &str) -> bool {
    let name = if each.is_mapping() { each.get("name") } else { Some(each) };
    name.and_then(NodeRef::text).is_some_and(|name| name.eq_ignore_ascii_case(header))
}

fn without(
    document: &mut Document,
    modifier: &Path,
    header: &str,
    verbs: &[&'static str],
) -> Result<(), Diagnostic> {
    for verb in verbs {
        let list = modifier.key(*verb);
        let count = document.find(&list).map_or(0, NodeRef::len);
        for index in (0..count).rev() {
            let item = list.index(index);
            if document.find(&item).is_some_and(|each| names(each, header)) {
                edited(document.remove(&item).map(|_| ()))?;
            }
        }
        if count > 0 && document.find(&list).is_some_and(NodeRef::is_empty) {
            edited(document.remove(&list).map(|_| ()))?;
        }
    }
    Ok(())
}
