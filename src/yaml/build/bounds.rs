//! Where documents, and the comments and blanks at the end of things, start and end.

use std::sync::Arc;

use super::super::node::{Document, Item, Layout, Node, Scalar, Slice};
use super::super::scalar::ScalarStyle;
use super::super::scan;
use super::super::source::Span;
use super::{Builder, Seen};

impl Builder<'_> {
    pub(super) fn start_document(&mut self) {
        let text = self.source.text();
        let mut at = self.cursor;
        loop {
            at = scan::skip_trivia(text, at);
            let line_starts = scan::is_line_start(text, at);
            if line_starts && text[at..].starts_with('%') {
                at = scan::next_line(text, at);
            } else if line_starts && scan::is_marker(text, at, "...") {
                at += 3;
                self.cursor = at;
            } else {
                break;
            }
        }
        if scan::is_line_start(text, at) && scan::is_marker(text, at, "---") {
            self.cursor = at + 3;
        }
        self.document_start = self.cursor;
        self.anchors.clear();
        self.seen = Seen::default();
        self.style.has_block_scalars = false;
        self.style.step = 2;
        self.style.indented_sequences = false;
        self.has_aliases = false;
        self.root = None;
    }

    pub(super) fn end_document(&mut self) {
        let text = self.source.text();
        let at = scan::skip_trivia(text, self.cursor);
        // Comment lines before a marker belong to the document above it.
        let end =
            if at >= text.len() { text.len() } else { scan::line_start(text, at).max(self.cursor) };
        let (value, layout, span) = self.root.take().unwrap_or_else(|| {
            let at = self.document_start;
            let empty = Scalar::Verbatim { span: Span::new(at, at), style: ScalarStyle::Plain };
            (Node::Scalar(empty), Layout::Inline, Span::new(at, at))
        });
        self.style.step = self.seen.step.unwrap_or(2);
        self.style.indented_sequences = self.seen.indented > self.seen.flush;
        self.style.single_quotes = self.seen.single_quoted > self.seen.double_quoted;
        let slice = Slice::new(self.document_start, span, end, layout);
        self.documents.push(Document {
            source: Arc::clone(self.source),
            root: Item { key: None, value, slice },
            style: self.style,
            has_aliases: self.has_aliases,
        });
        self.cursor = end;
    }
}

/// The end of the comment lines at `at` that still belong to a block collection: those indented
/// like its items, with the blank lines between them. A comment that is indented like the
/// collection's parent is the parent's.
pub(super) fn trailing_comments(
    text: &str,
    at: usize,
    indent: usize,
    outer: Option<usize>,
) -> usize {
    let mut end = at;
    let mut line = at;
    // Mostly something else follows at once.
    let first = text.as_bytes()[at..].iter().find(|byte| **byte != b' ');
    if !matches!(first, Some(b'#' | b'\r' | b'\n')) {
        return at;
    }
    while line < text.len() {
        let next = scan::next_line(text, line);
        let (depth, rest) = scan::split_indent(text[line..next].trim_end_matches(['\n', '\r']));
        if rest.starts_with('#') && depth >= indent && outer.is_none_or(|outer| depth > outer) {
            end = next;
        } else if !rest.is_empty() {
            break;
        }
        line = next;
    }
    end
}
