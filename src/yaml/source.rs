//! The text of a file and places in it.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::diagnostic::Place;
use crate::secret_lines::secrets;

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
    /// Where no line is repeated in messages.
    secrets: OnceLock<Vec<Range<usize>>>,
    /// Where the text comes from, where it is not that of the file.
    origin: Option<Arc<Origin>>,
}

/// Where a text that was made from a file's comes from.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    /// The text of the file.
    template: Arc<Source>,
    /// The whole text that was made from it.
    made: Arc<Source>,
    /// In the order of the made text.
    runs: Vec<Run>,
}

/// A part of a text that was made from another one; it ends where the next one starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it starts in the text that was made.
    pub start: usize,
    /// Where in the other text it comes from.
    pub from: usize,
    /// Whether it stands there as it is; otherwise all of it comes from that one place.
    pub is_copied: bool,
}

impl Origin {
    /// The place in the file that a place in the made text comes from; both count from 1.
    fn place(&self, line: usize, column: usize) -> Place {
        let made = self.made.text();
        let start = self.made.line_starts().get(line.saturating_sub(1));
        let start = start.map_or(made.len(), |start| *start as usize);
        let mark = usize::from(start == 0 && made.starts_with('\u{feff}'));
        let rest = made.get(start..).unwrap_or("");
        let length = rest.char_indices().nth(column.saturating_sub(1) + mark);
        let at = start + length.map_or(rest.len(), |(length, _)| length);
        let run = self.runs.partition_point(|run| run.start <= at).checked_sub(1);
        let from = run
            .and_then(|run| self.runs.get(run))
            .map_or(0, |run| run.from + if run.is_copied { at - run.start } else { 0 });
        self.template.place(from)
    }
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
            secrets: OnceLock::new(),
            origin: None,
        })
    }

    /// A text that was made from that of a file, part by part; its places are those of the file.
    pub fn rendered(template: &Arc<Self>, text: String, runs: Vec<Run>) -> Arc<Self> {
        let made = Self::new(Arc::clone(&template.name), text.clone());
        Arc::new(Self {
            name: Arc::clone(&template.name),
            text,
            lines_above: 0,
            columns_cut: 0,
            line_starts: OnceLock::new(),
            secrets: OnceLock::new(),
            origin: Some(Arc::new(Origin { template: Arc::clone(template), made, runs })),
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
            secrets: OnceLock::new(),
            origin: self.origin.clone(),
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
        self.line_of(at).0
    }

    /// The number of lines that end before a byte offset, and where its own line starts.
    fn line_of(&self, at: usize) -> (usize, usize) {
        /// Bytes that are counted through more cheaply than the lines of a manifest are listed.
        const COUNTED: usize = 1 << 12;
        let above = self.text.as_bytes().get(..at).unwrap_or(self.text.as_bytes());
        if above.len() <= COUNTED && self.line_starts.get().is_none() {
            let lines = above.iter().filter(|byte| **byte == b'\n').count();
            let start = above.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            return (lines, start);
        }
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start as usize <= at).saturating_sub(1);
        (line, starts.get(line).map_or(0, |start| *start as usize))
    }

    /// The place of a byte offset.
    pub fn place(&self, at: usize) -> Place {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let (line, start) = self.line_of(at);
        let before = self.text.get(start..at).unwrap_or("").trim_start_matches('\u{feff}');
        self.place_on(line + 1, start, before.chars().count() + 1)
    }

    /// The place of a line (from 1) and a column (from 0, in characters) as the parser gives them.
    pub(crate) fn place_of_marker(&self, line: usize, column: usize) -> Place {
        let start = self.line_starts().get(line.saturating_sub(1));
        let start = start.map_or(self.text.len(), |start| *start as usize);
        self.place_on(line.max(1), start, column + 1)
    }

    fn is_secret(&self, at: usize) -> bool {
        let secrets = self.secrets.get_or_init(|| secrets(&self.text));
        let next = secrets.partition_point(|range| range.end <= at);
        secrets.get(next).is_some_and(|range| range.contains(&at))
    }

    fn place_on(&self, line: usize, start: usize, column: usize) -> Place {
        if let Some(origin) = &self.origin {
            return origin.place(line + self.lines_above, column + self.columns_cut);
        }
        let text = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let text = text.trim_start_matches('\u{feff}');
        // A line that fills the terminal many times over shows nothing.
        let is_hidden = text.len() > LONGEST_SHOWN_LINE || self.is_secret(start);
        let text = if is_hidden { "" } else { text };
        let indent = if text.is_empty() { 0 } else { self.columns_cut };
        let mut shown = String::with_capacity(indent + text.len());
        shown.extend(std::iter::repeat_n(' ', indent));
        shown.push_str(text);
        let (line, column) = (line + self.lines_above, column + self.columns_cut);
        Place { file: Arc::clone(&self.name), line, column, text: shown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_what_was_made_lead_to_where_it_comes_from() {
        let template = Source::new("t.yaml", "a: {{ x }}\nb: {{ if y }}\nc: 1\n".to_owned());
        let runs = vec![
            Run { start: 0, from: 0, is_copied: true },
            Run { start: 3, from: 3, is_copied: false },
            Run { start: 8, from: 10, is_copied: true },
            Run { start: 12, from: 24, is_copied: true },
        ];
        let made = Source::rendered(&template, "a: 1\n2 3\nb: \nc: 1\n".to_owned(), runs);
        let place = |at| (made.place(at).line, made.place(at).column);
        assert_eq!([place(0), place(3), place(7)], [(1, 1), (1, 4), (1, 4)]);
        assert_eq!([place(9), place(13), place(16)], [(2, 1), (3, 1), (3, 4)]);
        let part = made.part("c: 1\n".to_owned(), 3, 0);
        assert_eq!(part.place(0).text, "c: 1");
    }

    #[test]
    fn lines_of_secrets_are_not_repeated() {
        let text = "kind: Service\na: 1\n---\nkind: Secret\nstringData: {a: 31415926}\n---\nb: 2\n";
        let source = Source::new("a.yaml", text.to_owned());
        let shown = |word| source.place(text.find(word).unwrap());
        assert_eq!(shown("a: 1").text, "a: 1");
        assert_eq!(shown("b: 2").text, "b: 2");
        let hidden = shown("31415926");
        assert_eq!((hidden.line, hidden.column, hidden.text.as_str()), (5, 17, ""));
        assert_eq!(source.place_of_marker(5, 2).text, "");
        let runs = vec![Run { start: 0, from: text.find("3141").unwrap(), is_copied: true }];
        let made = Source::rendered(&source, "31415926".to_owned(), runs);
        assert_eq!((made.place(0).line, made.place(0).text.as_str()), (5, ""));
    }

    #[test]
    fn places_count_characters() {
        let source = Source::new("a.yaml", "x: 1\n说: y\n".to_owned());
        let place = source.place(source.text().find('y').unwrap());
        assert_eq!((place.line, place.column, place.text.as_str()), (2, 4, "说: y"));
    }
}
