//! JSON that is not YAML.
//!
//! Nearly all JSON is YAML. Two things are not: tabs as indentation, and characters outside the
//! basic plane written as two `\u` escapes. Files with these are rewritten as JSON without them.
//! A third is YAML 1.2 but not YAML 1.1, which kubectl reads: a slash written as `\/`.

use std::sync::Arc;

use super::scalar::is_printable;
use super::source::{Run, Source};

/// Slashes of one file whose places are noted one by one; the others keep theirs nearly.
const NOTED_SLASHES: usize = 1 << 18;

/// Bytes between the places that are noted after them.
const BYTES_PER_NOTE: usize = 64;

/// The same text with `\/` written as `/` in its JSON documents, places as they were; `None` where
/// it has none.
///
/// kubectl reads a file that starts with `{` as JSON, but not its copy, which starts with a comment.
pub(crate) fn plain_slashes(source: &Arc<Source>) -> Option<Arc<Source>> {
    let text = source.text();
    if !text.contains("\\/") {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut runs = vec![Run { start: 0, from: 0, is_copied: true }];
    let mut start = 0;
    // Strict JSON has no line break in a string: this starts the next document of a stream.
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let length = rest.find("\n---").map_or(rest.len(), |at| at + 1);
        let document = &rest[..length];
        let mut done = 0;
        // In JSON a backslash stands in strings alone, and before one character.
        let mut next = if is_json(document) { document.find('\\') } else { None };
        while let Some(at) = next {
            let mut end = at + 2;
            if document.as_bytes().get(at + 1) == Some(&b'/') {
                out.push_str(&document[done..at]);
                done = at + 1;
                end = done;
                let last = runs.last().map_or(0, |run| run.start);
                if runs.len() < NOTED_SLASHES || out.len() - last >= BYTES_PER_NOTE {
                    runs.push(Run { start: out.len(), from: start + done, is_copied: true });
                }
            }
            let left = document.get(end..).unwrap_or("");
            next = left.find('\\').map(|length| end + length);
        }
        out.push_str(&document[done..]);
        start += length;
    }
    (out.len() < text.len()).then(|| Source::rendered(source, out, runs))
}

fn is_json(document: &str) -> bool {
    let document = document.strip_prefix("---").unwrap_or(document);
    let document = document.trim_start_matches('\u{feff}');
    document.contains("\\/") && serde_json::from_str::<serde::de::IgnoredAny>(document).is_ok()
}

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
    let pretty = serde_json::to_string_pretty(&value).ok()?;
    let mut out = String::with_capacity(pretty.len() + 1);
    for c in pretty.chars() {
        match c {
            '\n' => out.push(c),
            c if is_printable(c) => out.push(c),
            // What stood there as an escape; characters above U+FFFF are all printable.
            c => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    out.push('\n');
    Some(Source::new(Arc::clone(source.name()), out))
}
