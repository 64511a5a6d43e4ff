//! The text of a file and places in it.

use std::sync::{Arc, OnceLock};

use crate::diagnostic::Place;

/// A range of bytes in a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of something that stands in no source.
    pub(crate) const NONE: Self = Self { start: u32::MAX, end: u32::MAX };

    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: offset(start), end: offset(end) }
    }

    pub(crate) fn is_none(self) -> bool {
        self.start == u32::MAX
    }
}

/// Byte offsets fit in 32 bits because larger files are refused ([`super::MAX_FILE_BYTES`]).
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Bytes of the longest line that a message repeats.
const LONGEST_SHOWN_LINE: usize = 1000;

/// A file's name and text.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    name: Arc<str>,
    text: String,
    /// Lines of the file above this text, where the text is a part of a file.
    lines_above: usize,
    /// Characters that were cut off at the start of each line.
    columns_cut: usize,
    line_starts: OnceLock<Box<[u32]>>,
}

impl Source {
    /// A source called `name` in messages.
    pub fn new(name: impl Into<Arc<str>>, text: String) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text,
            lines_above: 0,
            columns_cut: 0,
            line_starts: OnceLock::new(),
        })
    }

    /// A part of this file that is read on its own; its places are those of the file.
    pub(crate) fn part(&self, text: String, lines_above: usize, columns_cut: usize) -> Arc<Self> {
        Arc::new(Self {
            name: Arc::clone(&self.name),
            text,
            lines_above: self.lines_above + lines_above,
            columns_cut: self.columns_cut + columns_cut,
            line_starts: OnceLock::new(),
        })
    }

    /// The file's name as messages show it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; empty when the span is not of this source.
    pub(crate) fn slice(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    /// Where each line starts; made when the first place is asked for.
    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| offset(at + 1))).collect()
        })
    }

    /// The number of lines that end before a byte offset.
    pub(crate) fn lines_above(&self, at: usize) -> usize {
        self.line_starts().partition_point(|start| *start as usize <= at).saturating_sub(1)
    }

    /// The place of a byte offset.
    pub fn place(&self, at: usize) -> Place {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self.lines_above(at);
        let start = self.line_starts().get(line).map_or(0, |start| *start as usize);
        let before = self.text.get(start..at).unwrap_or("").trim_start_matches('\u{feff}');
        self.place_on(line + 1, start, before.chars().count() + 1)
    }

    /// The place of a line (from 1) and a column (from 0, in characters) as the parser gives them.
    pub(crate) fn place_of_marker(&self, line: usize, column: usize) -> Place {
        let start = self.line_starts().get(line.saturating_sub(1));
        let start = start.map_or(self.text.len(), |start| *start as usize);
        self.place_on(line.max(1), start, column + 1)
    }

    fn place_on(&self, line: usize, start: usize, column: usize) -> Place {
        let text = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let text = text.trim_start_matches('\u{feff}');
        // A line that fills the terminal many times over shows nothing.
        let text = if text.len() > LONGEST_SHOWN_LINE { "" } else { text };
        let indent = if text.is_empty() { 0 } else { self.columns_cut };
        let text = format!("{}{text}", " ".repeat(indent));
        let (line, column) = (line + self.lines_above, column + self.columns_cut);
        Place { file: Arc::clone(&self.name), line, column, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let source = Source::new("a.yaml", "x: 1\n说: y\n".to_owned());
        let place = source.place(source.text().find('y').unwrap());
        assert_eq!((place.line, place.column, place.text.as_str()), (2, 4, "说: y"));
    }
}
