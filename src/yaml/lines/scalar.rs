//! Scalars of one line, and literal blocks.

use yaml_rust2::parser::Event;
use yaml_rust2::scanner::TScalarStyle;

use super::Reader;

impl<S: FnMut(&mut Event) -> Option<()>> Reader<'_, S> {
    /// A plain scalar at `at`, which ends on its line; a deeper line after it is refused as no key
    /// or dash can stand there. Returns its end.
    pub(super) fn plain(&mut self, at: usize) -> Option<usize> {
        let text = self.text;
        let bytes = text.as_bytes();
        match self.byte(at)? {
            b'-' if self.is_apart(at + 1) || text[at..].starts_with("---") => return None,
            b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|'
            | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' => return None,
            _ => {}
        }
        let mut end = at;
        for (position, byte) in bytes.get(at..)?.iter().enumerate() {
            let here = at + position;
            match byte {
                b'\n' => break,
                b' ' => {}
                b'#' if end < here => break,
                b':' if self.is_apart(here + 1) => return None,
                ..b' ' | 0xef => return None,
                _ => end = here + 1,
            }
        }
        self.give_text(at, end, TScalarStyle::Plain)?;
        Some(end)
    }

    /// The position of the quote that closes the one at `at`, where what is between them stands for
    /// itself.
    pub(super) fn quoted(&self, at: usize, quote: u8) -> Option<usize> {
        let bytes = self.text.as_bytes().get(at + 1..)?;
        let length = bytes.iter().position(|byte| {
            *byte == quote || matches!(byte, ..b' ' | 0xef) || (*byte == b'\\' && quote == b'"')
        })?;
        let end = at + 1 + length;
        let is_closed = self.byte(end) == Some(quote) && self.byte(end + 1) != Some(quote);
        is_closed.then_some(end)
    }

    /// Gives the quoted scalar at `at`. Returns its end.
    pub(super) fn give_quoted(
        &mut self,
        at: usize,
        quote: u8,
        style: TScalarStyle,
    ) -> Option<usize> {
        let end = self.quoted(at, quote)?;
        self.give_text(at + 1, end, style)?;
        Some(end + 1)
    }

    /// A literal block, the header of which is at `at`: `|` or `|-`.
    pub(super) fn literal(&mut self, at: usize) -> Option<()> {
        let text = self.text;
        let end = self.line_end(at);
        let keeps_break = match text.get(at + 1..end)?.trim_end_matches(' ') {
            "" => true,
            "-" => false,
            _ => return None,
        };
        let above = self.frames.last()?.indent;
        self.value.clear();
        let mut column = None;
        let mut breaks = 0;
        let mut line = end + 1;
        while line < text.len() {
            let first = self.skip_spaces(line);
            let depth = first - line;
            let end = self.line_end(first);
            if end == text.len() {
                // The parser has ways of its own with a last line that does not end.
                return None;
            }
            if first == end {
                if depth > column.unwrap_or(0) {
                    return None;
                }
                breaks += 1;
            } else {
                let column = *column.get_or_insert(depth);
                if depth <= above {
                    break;
                }
                if depth < column {
                    return None;
                }
                self.value.extend(std::iter::repeat_n('\n', breaks));
                self.value.push_str(text.get(line + column..end)?);
                breaks = 1;
            }
            line = end + 1;
        }
        if self.value.is_empty() {
            return None;
        }
        if keeps_break {
            self.value.push('\n');
        }
        self.next = line;
        self.give_value(TScalarStyle::Literal)
    }
}
