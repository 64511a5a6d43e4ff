//! Events of manifests in plain block style, read line by line.
//!
//! Nearly all manifests are written in a small part of YAML: mappings and lists by indentation,
//! scalars and short lists in brackets on one line, literal blocks. Reading that takes none of the
//! parser's lookahead, and a small part of its time. Whatever is not certain to be of that part,
//! errors included, is left to the parser.
//!
//! The events are those of [`yaml_rust2::parser::Parser`] for the same text. Each parse of a debug
//! build holds them against it, and so do the tests here.

mod flow;
mod referee;
mod scalar;

pub(super) use referee::agree_with_the_parser;

use yaml_rust2::parser::Event;
use yaml_rust2::scanner::TScalarStyle;

use super::node::Form;

/// Longest key that is read here; the parser knows none of more than 1024 characters.
const LONGEST_KEY: usize = 512;

/// A block collection that is not closed yet.
struct Frame {
    form: Form,
    /// The column of its keys or dashes.
    indent: usize,
}

/// A key, of which the text stands as it is.
struct Key {
    start: usize,
    end: usize,
    colon: usize,
    style: TScalarStyle,
}

/// What was read of the document that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Document {
    /// None is open.
    None,
    /// Its start alone.
    Started,
    /// A collection, the root of which is the first frame.
    Rooted,
}

struct Reader<'t, S> {
    text: &'t str,
    /// The start of the next line.
    next: usize,
    frames: Vec<Frame>,
    document: Document,
    /// Whether the last key or dash has no value yet.
    awaits: bool,
    /// The memory of all scalars.
    value: String,
    sink: S,
}

/// Gives the sink all events of a text but those of the stream. The sink stops it with `None`.
///
/// `None` says that the text, or the sink, is not for here; events given until then mean nothing.
pub(super) fn events(text: &str, sink: impl FnMut(&mut Event) -> Option<()>) -> Option<()> {
    if text.contains('\r') || text.contains('\0') {
        return None;
    }
    let mut reader = Reader {
        text,
        next: 0,
        frames: Vec::with_capacity(16),
        document: Document::None,
        awaits: false,
        value: String::new(),
        sink,
    };
    while reader.next < text.len() {
        reader.line()?;
    }
    reader.end_document()
}

impl<S: FnMut(&mut Event) -> Option<()>> Reader<'_, S> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Whether a token may end before `at`: there is a blank, or the end of a line.
    fn is_apart(&self, at: usize) -> bool {
        matches!(self.byte(at), None | Some(b' ' | b'\n'))
    }

    /// The first byte from `at` on that is no space.
    fn skip_spaces(&self, mut at: usize) -> usize {
        while self.byte(at) == Some(b' ') {
            at += 1;
        }
        at
    }

    /// Whether nothing but spaces and a comment follows on the line of a token that ends at `at`.
    fn is_last(&self, at: usize) -> bool {
        let next = self.skip_spaces(at);
        match self.byte(next) {
            None | Some(b'\n') => true,
            Some(b'#') => next > at,
            _ => false,
        }
    }

    fn line_end(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or(&[]);
        rest.iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |length| at + length)
    }

    fn give(&mut self, mut event: Event) -> Option<()> {
        (self.sink)(&mut event)
    }

    /// Gives a scalar, of which `self.value` is the text.
    fn give_value(&mut self, style: TScalarStyle) -> Option<()> {
        let mut event = Event::Scalar(std::mem::take(&mut self.value), style, 0, None);
        (self.sink)(&mut event)?;
        if let Event::Scalar(value, ..) = event {
            self.value = value;
        }
        Some(())
    }

    /// Gives a scalar that has this part of the text as its value.
    fn give_text(&mut self, start: usize, end: usize, style: TScalarStyle) -> Option<()> {
        self.value.clear();
        self.value.push_str(self.text.get(start..end)?);
        self.give_value(style)
    }

    fn open(&mut self, form: Form, indent: usize) -> Option<()> {
        self.frames.push(Frame { form, indent });
        self.give(start_of(form))
    }

    fn close(&mut self) -> Option<()> {
        let frame = self.frames.pop()?;
        self.give(end_of(frame.form))
    }

    fn line(&mut self) -> Option<()> {
        let start = self.next;
        let first = self.skip_spaces(start);
        let indent = first - start;
        match self.byte(first) {
            None => {
                self.next = first;
                Some(())
            }
            Some(b'\n') => {
                self.next = first + 1;
                Some(())
            }
            Some(b'#') => {
                self.next = self.line_end(first) + 1;
                Some(())
            }
            Some(b'-') if indent == 0 && self.text[start..].starts_with("---") => {
                if !self.is_last(start + 3) {
                    return None;
                }
                self.end_document()?;
                self.document = Document::Started;
                self.next = self.line_end(start) + 1;
                self.give(Event::DocumentStart)
            }
            Some(b'.') if indent == 0 && self.text[start..].starts_with("...") => None,
            Some(byte) => self.content(indent, first, byte == b'-' && self.is_apart(first + 1)),
        }
    }

    fn end_document(&mut self) -> Option<()> {
        if self.document == Document::None {
            return Some(());
        }
        if self.document == Document::Started || std::mem::take(&mut self.awaits) {
            self.give_text(0, 0, TScalarStyle::Plain)?;
        }
        while !self.frames.is_empty() {
            self.close()?;
        }
        self.document = Document::None;
        self.give(Event::DocumentEnd)
    }

    /// A line with a key or a dash at `at`.
    fn content(&mut self, indent: usize, at: usize, is_item: bool) -> Option<()> {
        let form = if is_item { Form::Sequence } else { Form::Mapping };
        if self.document == Document::None {
            self.give(Event::DocumentStart)?;
        }
        if self.document != Document::Rooted {
            self.document = Document::Rooted;
            if indent > 0 {
                return None;
            }
            self.open(form, indent)?;
        }
        if std::mem::take(&mut self.awaits) {
            let above = self.frames.last()?;
            // A list may stand in the column of its key.
            let is_flush = indent == above.indent && is_item && above.form == Form::Mapping;
            if indent > above.indent || is_flush {
                self.open(form, indent)?;
            } else {
                self.give_text(0, 0, TScalarStyle::Plain)?;
            }
        }
        loop {
            let above = self.frames.last()?;
            if above.indent == indent && above.form == form {
                break;
            }
            let is_flush_list = above.indent == indent && above.form == Form::Sequence;
            if above.indent <= indent && !is_flush_list {
                return None;
            }
            self.close()?;
        }
        if is_item { self.item(indent, at) } else { self.entry(at) }
    }

    /// What follows a dash at `at`.
    fn item(&mut self, indent: usize, at: usize) -> Option<()> {
        if self.is_last(at + 1) {
            return self.await_value(at + 1);
        }
        let start = self.skip_spaces(at + 1);
        if self.key(start).is_none() {
            return self.inline(start);
        }
        self.open(Form::Mapping, indent + (start - at))?;
        self.entry(start)
    }

    /// A key at `at` with its value.
    fn entry(&mut self, at: usize) -> Option<()> {
        let key = self.key(at)?;
        self.give_text(key.start, key.end, key.style)?;
        if self.is_last(key.colon + 1) {
            return self.await_value(key.colon + 1);
        }
        self.inline(self.skip_spaces(key.colon + 1))
    }

    fn await_value(&mut self, at: usize) -> Option<()> {
        self.awaits = true;
        self.next = self.line_end(at) + 1;
        Some(())
    }

    /// The key at `at`.
    fn key(&self, at: usize) -> Option<Key> {
        let quoted = |quote, style| {
            let end = self.quoted(at, quote)?;
            Some(Key { start: at + 1, end, colon: end + 1, style })
        };
        let key = match self.byte(at)? {
            b'"' => quoted(b'"', TScalarStyle::DoubleQuoted)?,
            b'\'' => quoted(b'\'', TScalarStyle::SingleQuoted)?,
            b'-' => return None,
            _ => {
                let rest = self.text.as_bytes().get(at..)?;
                let end = at + rest.iter().position(|byte| !is_of_word(*byte))?;
                Key { start: at, end, colon: end, style: TScalarStyle::Plain }
            }
        };
        let is_key = self.byte(key.colon) == Some(b':') && self.is_apart(key.colon + 1);
        (is_key && (1..=LONGEST_KEY).contains(&(key.end - key.start))).then_some(key)
    }

    /// A value at `at`, on the line of its key or dash.
    fn inline(&mut self, at: usize) -> Option<()> {
        let end = match self.byte(at)? {
            b'|' => return self.literal(at),
            b'{' | b'[' => self.flow(at, 0)?,
            b'"' => self.give_quoted(at, b'"', TScalarStyle::DoubleQuoted)?,
            b'\'' => self.give_quoted(at, b'\'', TScalarStyle::SingleQuoted)?,
            _ => self.plain(at)?,
        };
        if !self.is_last(end) {
            return None;
        }
        self.next = self.line_end(end) + 1;
        Some(())
    }
}

/// Characters that plain keys and the plain scalars in brackets are read of here: none that could be
/// an indicator.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-')
}

fn start_of(form: Form) -> Event {
    match form {
        Form::Mapping => Event::MappingStart(0, None),
        Form::Sequence => Event::SequenceStart(0, None),
    }
}

fn end_of(form: Form) -> Event {
    match form {
        Form::Mapping => Event::MappingEnd,
        Form::Sequence => Event::SequenceEnd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(text: &str) -> bool {
        assert!(agree_with_the_parser(text), "{text}");
        events(text, |_| Some(())).is_some()
    }

    #[test]
    fn manifests_are_read() {
        for text in [
            "",
            "a: 1\n",
            "a: 1",
            "# all\n\na:\n  b: x # why\n  c:\n  - 1\n  - d: e\n    f: |\n      x: y\n\n      z\n  - g\nh:\n",
            "---\n# empty\n---\na:\n    - b:\n          c: d\n    -   e: f\n        g:\n---\n",
            "a: {}\nb: [] # none\nc: [\"/bin/sh\", -c, 'x y', a:1]\nd: {e: {f: g}, \"h\": [i]}\n",
            "\"a b\": 'c: d'\n- x: y\n",
            "a: |-\n\n  x\n   y\n\n\nb: http://c:80/#d\n",
            "a: --b=c, d [e] {f} é\nb: -1\nc: \"é\"\n",
        ] {
            assert_eq!(is_read(text), !text.contains("\n- x: y"), "{text}");
        }
    }

    #[test]
    fn what_is_not_certain_is_left_to_the_parser() {
        for text in [
            "a\n",
            " a: 1\n",
            "a: b\n  c\n",
            "a: b: c\n",
            "a: *b\n",
            "a: &b c\n",
            "a: !!str 1\n",
            "a: \"\\n\"\n",
            "a: 'it''s'\n",
            "a: \"b\n  c\"\n",
            "a: >\n  b\n",
            "a: |+\n  b\n\n",
            "a: |2\n   b\n",
            "a: |\n  b",
            "a:\tb\n",
            "a: b\r\n",
            "a: [b,\n  c]\n",
            "? a\n: b\n",
            "<<: {a: b}\n",
            "%YAML 1.2\n---\na: b\n",
            "a: b\n...\n",
            "--- a\n",
            "a:\n    b: c\n  d: e\n",
            "- a\nb: c\n",
        ] {
            assert!(!is_read(text), "{text}");
        }
    }
}
