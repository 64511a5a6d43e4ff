//! Collections in brackets that end on their line.

use yaml_rust2::parser::Event;
use yaml_rust2::scanner::TScalarStyle;

use super::super::node::Form;
use super::{Reader, end_of, is_of_word, start_of};

/// Brackets within brackets that are read here.
const DEEPEST: usize = 8;

impl<S: FnMut(&mut Event) -> Option<()>> Reader<'_, S> {
    /// The collection that opens at `at`. Returns its end.
    pub(super) fn flow(&mut self, at: usize, depth: usize) -> Option<usize> {
        let (form, close) = match self.byte(at)? {
            b'{' => (Form::Mapping, b'}'),
            b'[' => (Form::Sequence, b']'),
            _ => return None,
        };
        if depth > DEEPEST {
            return None;
        }
        self.give(start_of(form))?;
        let mut at = self.skip_spaces(at + 1);
        if self.byte(at)? != close {
            loop {
                if form == Form::Mapping {
                    at = self.flow_key(at)?;
                }
                at = self.flow_value(at, depth)?;
                at = self.skip_spaces(at);
                match self.byte(at)? {
                    b',' => at = self.skip_spaces(at + 1),
                    byte if byte == close => break,
                    _ => return None,
                }
            }
        }
        self.give(end_of(form))?;
        Some(at + 1)
    }

    /// Gives the key at `at`. Returns where its value starts.
    fn flow_key(&mut self, at: usize) -> Option<usize> {
        let key = self.key(at)?;
        self.give_text(key.start, key.end, key.style)?;
        Some(self.skip_spaces(key.colon + 1))
    }

    fn flow_value(&mut self, at: usize, depth: usize) -> Option<usize> {
        match self.byte(at)? {
            b'{' | b'[' => self.flow(at, depth + 1),
            b'"' => self.give_quoted(at, b'"', TScalarStyle::DoubleQuoted),
            b'\'' => self.give_quoted(at, b'\'', TScalarStyle::SingleQuoted),
            _ => self.flow_plain(at),
        }
    }

    /// A word, or several with colons between them. Returns its end.
    fn flow_plain(&mut self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let is_word = |at: usize| bytes.get(at).is_some_and(|byte| is_of_word(*byte));
        let starts = |at: usize| is_word(at) && self.byte(at) != Some(b'-');
        let dash = usize::from(self.byte(at) == Some(b'-'));
        if !starts(at + dash) {
            return None;
        }
        let mut end = at + dash;
        while is_word(end)
            || matches!(self.byte(end), Some(b'=' | b'%' | b'*' | b'@'))
            || (self.byte(end) == Some(b':') && starts(end + 1))
        {
            end += 1;
        }
        self.give_text(at, end, TScalarStyle::Plain)?;
        Some(end)
    }
}
