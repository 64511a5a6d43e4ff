//! From a file's text to its documents.

use std::borrow::Cow;
use std::sync::Arc;

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::ScanError;

use super::build::Builder;
use super::lines;
use super::node::Document;
use super::scan;
use super::source::Source;
use crate::diagnostic::{Diagnostic, Place};

/// Deepest nesting of collections that is read, aliases expanded.
///
/// The API server's own limit is far above what manifests need; this one keeps every walk over
/// nodes within the stack.
pub const MAX_DEPTH: usize = 128;

/// What to do with a file that is nested too deep.
pub(super) const FLATTER: &str = "no manifest is: mend the file, or leave it out";

/// Nodes that any file may have; a larger file may have one more for every [`BYTES_PER_NODE`].
///
/// A node takes a hundred bytes and more where its text may take two, so that a file of nothing but
/// commas would fill the memory.
const NODES: usize = 1 << 18;

/// Manifests have some twenty bytes for each node.
const BYTES_PER_NODE: usize = 8;

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 128 << 20;

/// The documents of one file.
#[derive(Clone, Debug)]
pub struct Stream {
    source: Arc<Source>,
    /// In the order of the file; an empty document is a null.
    pub documents: Vec<Document>,
}

impl Stream {
    /// The text of the file with its documents as they are now.
    ///
    /// Without edits this is the text that was parsed, byte for byte, unless it was JSON that
    /// [`parse`] had to write anew.
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(self.source.text().len());
        let mut at = 0;
        for document in &self.documents {
            out.push_str(self.source.slice(at, document.root.slice.lead));
            document.emit_into(&mut out);
            at = document.root.slice.end();
        }
        out.push_str(self.source.text().get(at as usize..).unwrap_or(""));
        out
    }
}

/// Parses a file of any number of YAML documents (JSON is YAML).
///
/// # Errors
///
/// One diagnostic with its place: what is not YAML, what Kubernetes would not read (duplicate keys,
/// keys that are no scalars, control characters), and what goes beyond the limits of this module.
pub fn parse(source: Arc<Source>) -> Result<Stream, Diagnostic> {
    parse_as_written(super::json::plain_slashes(&source).unwrap_or(source))
}

/// Parses a file that is to be changed where it stands, as [`parse`] does: JSON keeps its `\/`,
/// which copies that start with a comment must not have.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_as_written(source: Arc<Source>) -> Result<Stream, Diagnostic> {
    check_characters(&source)?;
    match parse_events(&source) {
        Ok(documents) => Ok(Stream { source, documents }),
        // Reading it once more as JSON takes as much memory for each value.
        Err(error) if source.text().matches(',').count() > most_nodes(source.text()) => Err(error),
        Err(error) => match super::json::normalize(&source) {
            Some(json) => {
                let documents = parse_events(&json)?;
                Ok(Stream { source: json, documents })
            }
            None => Err(error),
        },
    }
}

fn parse_events(source: &Arc<Source>) -> Result<Vec<Document>, Diagnostic> {
    let text = source.text();
    let mut body = Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text));
    let start = text.len() - body.len();
    if let Some(documents) = read_lines(&body, source, start) {
        return Ok(documents);
    }
    if let Some(broken) = break_json_lines(&body, source)? {
        body = Cow::Owned(broken);
    }
    let attempts = (REPARSE_BUDGET / text.len().max(1)).clamp(2, MAX_REINDENTED);
    let mut last = None;
    for _ in 0..attempts {
        match feed(&body, source, Builder::new(source, start))? {
            Ok(documents) => return Ok(documents),
            Err(error) => {
                let (line, column) = (error.marker().line(), error.marker().col());
                let mended = match error.info() {
                    UNDER_INDENTED => reindent_quoted(&body, line, column),
                    info if UNDER_INDENTED_FLOW.contains(&info) => reindent_flow(&body, line),
                    _ => None,
                };
                let Some(mended) = mended else {
                    let column = column.saturating_sub(added(&body, text, line));
                    return Err(
                        syntax_error(error.info(), source).at(source.place_of_marker(line, column))
                    );
                };
                last = Some(source.place_of_marker(line, 0));
                body = Cow::Owned(mended);
            }
        }
    }
    Err(Diagnostic::error(format!(
        "more than {} quoted scalars and lines of lists in brackets stand left of their key",
        attempts - 1
    ))
    .at(last)
    .remedy("close the bracket, or indent the lines of quoted scalars, lists and mappings deeper than their key"))
}

/// The documents of a text in plain block style; `None` for others, and wherever an error is to be
/// told: the parser says what it is.
fn read_lines(body: &str, source: &Arc<Source>, start: usize) -> Option<Vec<Document>> {
    let mut builder = Builder::new(source, start);
    // The parser's events are one more: the start of the stream.
    let mut nodes_left = most_nodes(body).saturating_sub(1);
    lines::events(body, |event| {
        nodes_left = nodes_left.checked_sub(1)?;
        builder.event(event).ok()
    })?;
    debug_assert!(lines::agree_with_the_parser(body), "{}", source.name());
    Some(builder.finish())
}

/// Feeds the parser's events to the builder; the inner result is the parser's verdict.
fn feed(
    body: &str,
    source: &Source,
    mut builder: Builder<'_>,
) -> Result<Result<Vec<Document>, ScanError>, Diagnostic> {
    let mut parser = Parser::new_from_str(body);
    let mut nodes_left = most_nodes(body);
    loop {
        match &mut parser.next_token() {
            Ok((Event::StreamEnd, _)) => return Ok(Ok(builder.finish())),
            Ok((event, marker)) => {
                builder.event(event)?;
                let place = || source.place_of_marker(marker.line(), marker.col());
                nodes_left = nodes_left.checked_sub(1).ok_or_else(|| too_dense(place()))?;
            }
            Err(error) => return Ok(Err(error.clone())),
        }
    }
}

fn most_nodes(body: &str) -> usize {
    NODES + body.len() / BYTES_PER_NODE
}

fn too_dense(place: Place) -> Diagnostic {
    Diagnostic::error("more values than a manifest of this size has")
        .at(place)
        .remedy("mend the file, split it, or leave it out")
}

/// Bytes from which on a line of JSON is long: the parser holds a line's tokens all at once, some
/// seventy bytes for each byte of text.
const LONG_LINE: usize = 64 << 10;

/// JSON that stands on one long line, with a line break behind each comma; `None` for other text.
///
/// Only strict JSON can be broken up without reading it, so nothing else may have such lines.
fn break_json_lines(body: &str, source: &Source) -> Result<Option<String>, Diagnostic> {
    let is_json = body.trim_start().starts_with(['{', '[']);
    if !is_json || !body.split('\n').any(|line| line.len() > LONG_LINE) {
        return Ok(None);
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(body) {
        if body.contains("\n---") {
            return Ok(None);
        }
        let place = source.place_of_marker(error.line(), error.column().saturating_sub(1));
        return Err(Diagnostic::error(format!("not valid JSON: {error}"))
            .at(place)
            .remedy("mend the file, or break its long lines where it is not meant to be JSON"));
    }
    // The parser may hold all tokens of a collection before it gives the first, seventy bytes each.
    let mut values_left = most_nodes(body);
    let mut out = String::with_capacity(body.len() + body.len() / 8);
    let mut is_quoted = false;
    let mut rest = body;
    while let Some(at) = rest.find(['"', ',', '\\']) {
        let (end, breaks) = match rest.as_bytes().get(at) {
            Some(b'"') => {
                is_quoted = !is_quoted;
                (at + 1, false)
            }
            Some(b',') => (at + 1, !is_quoted),
            // An escaped character, which in JSON is ASCII.
            _ => (at + 2, false),
        };
        let (done, left) = rest.split_at_checked(end).unwrap_or((rest, ""));
        out.push_str(done);
        if breaks {
            values_left = values_left.checked_sub(1).ok_or_else(|| too_dense(source.place(0)))?;
            out.push('\n');
        }
        rest = left;
    }
    out.push_str(rest);
    Ok(Some(out))
}

/// What the parser says of a quoted scalar whose continuation lines are indented less than its
/// mapping. YAML 1.2 forbids them; kubectl and PyYAML read them, and code generators write them.
const UNDER_INDENTED: &str = "invalid indentation in quoted scalar";

/// What the parser says of a line inside of brackets that stands left of what YAML 1.2 wants, which
/// is deeper than the key: nothing in block style is told so. kubectl and PyYAML read such lines.
const UNDER_INDENTED_FLOW: [&str; 2] =
    ["invalid indentation", "invalid indentation in flow construct"];

/// How many such scalars and lines of a small file are mended: each costs another parse.
const MAX_REINDENTED: usize = 64;

/// Bytes that these parses may read in all.
const REPARSE_BUDGET: usize = 32 << 20;

/// The text with the continuation lines of one quoted scalar indented to its start, which changes
/// neither its value nor any line number.
fn reindent_quoted(body: &str, line: usize, column: usize) -> Option<String> {
    let line_start = line_start(body, line)?;
    let start = line_start + body.get(line_start..)?.char_indices().nth(column)?.0;
    if !matches!(body.as_bytes().get(start), Some(b'"' | b'\'')) {
        return None;
    }
    let end = scan::quoted_end(body, start)?;
    let mut out = String::with_capacity(body.len() + 1024);
    out.push_str(&body[..start]);
    for (position, part) in body[start..end].split_inclusive('\n').enumerate() {
        if position > 0 {
            out.extend(std::iter::repeat_n(' ', column));
        }
        out.push_str(part);
    }
    out.push_str(&body[end..]);
    Some(out)
}

/// The text with a line inside of brackets indented deeper than their key, which changes neither a
/// value nor any line number: the line starts with a token.
fn reindent_flow(body: &str, line: usize) -> Option<String> {
    let start = line_start(body, line)?;
    let (above, rest) = body.split_at_checked(start)?;
    // The line of the key, or one inside of the brackets: both reach behind the key's column.
    let reaching = above.lines().rev().find(|line| {
        let text = line.trim_start();
        !text.is_empty() && !text.starts_with('#')
    });
    let width = reaching?.chars().count();
    let mut out = String::with_capacity(body.len() + width);
    out.push_str(above);
    out.extend(std::iter::repeat_n(' ', width));
    out.push_str(rest);
    Some(out)
}

/// The byte at which a line starts; lines count from 1.
fn line_start(body: &str, line: usize) -> Option<usize> {
    match line.checked_sub(2) {
        Some(skip) => body.match_indices('\n').nth(skip).map(|(at, _)| at + 1),
        None => Some(0),
    }
}

/// The columns that mending added to the start of a line.
fn added(body: &str, text: &str, line: usize) -> usize {
    let indent = |text: &str| {
        let line = line_start(text, line).and_then(|start| text.get(start..));
        line.map_or(0, |line| scan::split_indent(line).0)
    };
    indent(body).saturating_sub(indent(text))
}

fn syntax_error(info: &str, source: &Source) -> Diagnostic {
    // The parser has a limit of its own for flow collections.
    if info.contains("recursion limit") {
        return Diagnostic::error("nested too deep").remedy(FLATTER);
    }
    let error = Diagnostic::error(format!("not valid YAML: {info}"));
    if source.text().contains("\t") && (info.contains("tab") || info.contains("simple key")) {
        return error
            .remedy("YAML does not allow tabs in indentation or after a key's colon: use spaces");
    }
    error.remedy(
        "mend the file; `kubectl apply --dry-run=client -f FILE` reads it by the same rules",
    )
}

/// Bytes that are looked through together.
const CHECKED_TOGETHER: usize = 64;

/// Refuses what no Kubernetes reader accepts, before the parser (which would) sees it.
fn check_characters(source: &Source) -> Result<(), Diagnostic> {
    let text = source.text();
    if text.len() > MAX_FILE_BYTES {
        return Err(Diagnostic::error(format!(
            "{} has {} bytes; files over {MAX_FILE_BYTES} bytes are not read",
            source.name(),
            text.len()
        ))
        .remedy("split it into several files"));
    }
    let bytes = text.as_bytes();
    let is_suspicious =
        |byte: &u8| (*byte < 0x20 && *byte != b'\n') || matches!(*byte, 0x7f | 0xc2 | 0xe2 | 0xef);
    for (number, chunk) in bytes.chunks(CHECKED_TOGETHER).enumerate() {
        // Without a way out of the loop the compiler looks at many bytes at once.
        if !chunk.iter().fold(false, |found, byte| found | is_suspicious(byte)) {
            continue;
        }
        for (position, _) in chunk.iter().enumerate().filter(|(_, byte)| is_suspicious(byte)) {
            let at = number * CHECKED_TOGETHER + position;
            if let Some((what, remedy)) = refused_character(bytes, at) {
                return Err(Diagnostic::error(what).at(source.place(at)).remedy(remedy));
            }
        }
    }
    Ok(())
}

/// What is wrong with the character at `at`, and what to do.
fn refused_character(bytes: &[u8], at: usize) -> Option<(String, &'static str)> {
    const ESCAPE: &str = "remove it, or write it as an escape in a double-quoted string";
    let control = |code: u32| {
        Some((format!("the control character U+{code:04X} is not allowed in YAML"), ESCAPE))
    };
    // YAML 1.1 ends a line there, and with it a comment or a plain scalar; YAML 1.2 does not.
    let line_break = |code: u32| {
        Some((
            format!("U+{code:04X} is a line break for kubectl but not for other readers"),
            ESCAPE,
        ))
    };
    let next = |distance: usize| bytes.get(at + distance).copied();
    match (bytes.get(at).copied()?, next(1), next(2)) {
        (b'\t' | b'\n', ..) | (b'\r', Some(b'\n'), _) => None,
        (b'\r', ..) => {
            Some(("a carriage return that ends a line alone is not allowed in YAML".into(), ESCAPE))
        }
        (byte @ (0..=0x1f | 0x7f), ..) => control(u32::from(byte)),
        (0xc2, Some(0x85), _) => line_break(0x85),
        (0xc2, Some(byte), _) if byte < 0xa0 => control(u32::from(byte)),
        (0xe2, Some(0x80), Some(byte @ (0xa8 | 0xa9))) => {
            line_break(0x2000 + u32::from(byte - 0x80))
        }
        (0xef, Some(0xbf), Some(byte @ (0xbe | 0xbf))) => {
            let code = 0xff00 + u32::from(byte | 0x40);
            Some((format!("the character U+{code:04X} is not allowed in YAML"), ESCAPE))
        }
        (0xef, Some(0xbb), Some(0xbf)) if at > 0 => {
            let before = bytes.get(at - 1).copied();
            let starts_line =
                before == Some(b'\n') || (at == 3 && bytes.starts_with(b"\xef\xbb\xbf"));
            starts_line.then(|| {
                ("a byte order mark in the middle of the file".into(), "remove it (U+FEFF)")
            })
        }
        _ => None,
    }
}
