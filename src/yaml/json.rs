//! JSON that is not YAML.
//!
//! Nearly all JSON is YAML. Two things are not: tabs as indentation, and characters outside the
//! basic plane written as two `\u` escapes. Files with these are rewritten as JSON without them.

use std::sync::Arc;

use super::source::Source;

/// The same JSON in a form that is YAML too; `None` where the text is not JSON, or too deep.
///
/// Places in it are those of the rewritten text, which is formatted with one value a line.
pub(crate) fn normalize(source: &Source) -> Option<Arc<Source>> {
    let text = source.text().trim_start_matches('\u{feff}');
    let may_differ = text.contains('\t') || text.contains("\\u");
    if !may_differ || !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    // Most of what comes here is no JSON at all, or is cut off: that costs no memory to see.
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    // Numbers keep their text only as far as serde_json's number does; the files in question hold
    // what an API server or `kubectl -o json` printed.
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let mut pretty = serde_json::to_string_pretty(&value).ok()?;
    pretty.push('\n');
    Some(Source::new(Arc::clone(source.name()), pretty))
}
