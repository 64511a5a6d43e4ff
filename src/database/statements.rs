//! A dump as a client of MySQL splits it: statements, version comments, the DELIMITER command.
//!
//! This goes over the whole file, rows included, and never fails; what the statements say is not
//! looked at. Source: "mysql Client Commands" and "Comments" in the MySQL Reference Manual, "Comment
//! Syntax" in the MariaDB Knowledge Base.

use std::ops::Range;

/// The version from which on a version comment is one for every server: dumps of MariaDB start with
/// `/*M!999999\- enable the sandbox mode */`.
const NEVER: u64 = 999_999;

/// One statement of a dump.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its bytes, without the delimiter, from its first word on.
    pub(super) range: Range<usize>,
    /// The marks of version comments in it, in order: `/*!50100` and `*/`. What is between counts.
    pub(super) marks: Vec<Range<usize>>,
}

impl Statement {
    /// Its text, each mark replaced by as many spaces: what the server reads, at the same offsets.
    /// No more than the `most` first bytes.
    pub(super) fn plain(&self, text: &str, most: usize) -> String {
        let Range { start, end } = self.range;
        let mut end = end.min(start.saturating_add(most));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut plain = String::with_capacity(end.saturating_sub(start));
        let mut at = start;
        for mark in self.marks.iter().filter(|mark| mark.end <= end) {
            plain.push_str(text.get(at..mark.start).unwrap_or_default());
            plain.extend(std::iter::repeat_n(' ', mark.len()));
            at = mark.end;
        }
        plain.push_str(text.get(at..end).unwrap_or_default());
        plain
    }

    /// The first word, where it stands before any comment.
    pub(super) fn first_word<'t>(&self, text: &'t str) -> &'t str {
        let opening = self.marks.first().filter(|mark| mark.start == self.range.start);
        let start = opening.map_or(self.range.start, |mark| mark.end);
        let rest = text.get(start..self.range.end).unwrap_or_default().trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    /// The version comment that a byte stands in: the range with both its marks.
    pub(super) fn version_comment(&self, at: usize) -> Option<Range<usize>> {
        let before = self.marks.partition_point(|mark| mark.start <= at);
        let opening = before.checked_sub(1)? & !1;
        let start = self.marks.get(opening)?.start;
        let end = self.marks.get(opening + 1).map_or(self.range.end, |close| close.end);
        (at < end).then_some(start..end)
    }
}

/// The statements of a dump, in order.
pub(super) fn statements(text: &str) -> impl Iterator<Item = Statement> {
    Scanner { text, at: 0, delimiter: ";" }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    delimiter: &'t str,
}

impl Iterator for Scanner<'_> {
    type Item = Statement;

    fn next(&mut self) -> Option<Statement> {
        loop {
            self.skip_blank();
            if self.at >= self.text.len() {
                return None;
            }
            if self.delimiter_command() {
                continue;
            }
            let statement = self.statement();
            if !statement.range.is_empty() {
                return Some(statement);
            }
        }
    }
}

impl Scanner<'_> {
    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Goes to the next byte that is neither white space nor in a comment without meaning.
    fn skip_blank(&mut self) {
        loop {
            match self.rest().first() {
                Some(byte) if byte.is_ascii_whitespace() => self.at += 1,
                Some(_) => match comment(self.rest()) {
                    Some(length) => self.at += length,
                    None => return,
                },
                None => return,
            }
        }
    }

    /// Reads `DELIMITER ;;`, which is for the client and ends with its line.
    fn delimiter_command(&mut self) -> bool {
        const COMMAND: &str = "DELIMITER";
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some((word, argument)) = rest.split_at_checked(COMMAND.len()) else { return false };
        if !word.eq_ignore_ascii_case(COMMAND) || !argument.starts_with([' ', '\t']) {
            return false;
        }
        let argument = argument.split(['\n', '\r']).next().unwrap_or_default();
        if let Some(delimiter) = argument.split_ascii_whitespace().next() {
            self.delimiter = delimiter;
        }
        self.at += word.len() + argument.len();
        true
    }

    /// Reads to the delimiter or the end of the file, and past it.
    fn statement(&mut self) -> Statement {
        let start = self.at;
        let mut marks: Vec<Range<usize>> = Vec::new();
        loop {
            let rest = self.rest();
            let Some(first) = rest.first() else { break };
            if rest.starts_with(self.delimiter.as_bytes()) {
                break;
            }
            let inside = marks.len() % 2 == 1;
            if let Some(length) = comment(rest) {
                self.at += length;
            } else if let Some(length) = version_mark(rest).filter(|_| !inside) {
                marks.push(self.at..self.at + length);
                self.at += length;
            } else if inside && rest.starts_with(b"*/") {
                marks.push(self.at..self.at + 2);
                self.at += 2;
            } else {
                self.at += match first {
                    b'\'' | b'"' | b'`' => quoted(rest),
                    _ => 1,
                };
            }
        }
        let range = start..self.at;
        self.at += self.delimiter.len();
        Statement { range, marks }
    }
}

/// The length of the comment that starts here, unless what is in it counts.
fn comment(rest: &[u8]) -> Option<usize> {
    let dashes =
        rest.starts_with(b"--") && rest.get(2).is_none_or(|b| b.is_ascii_whitespace() || *b < 32);
    if dashes || rest.starts_with(b"#") {
        return Some(rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with(b"/*") || version_mark(rest).is_some() {
        return None;
    }
    let inner = rest.get(2..).unwrap_or_default();
    Some(inner.windows(2).position(|pair| pair == b"*/").map_or(rest.len(), |at| at + 4))
}

/// The length of the `/*!50100` or `/*M!100100` that starts here.
fn version_mark(rest: &[u8]) -> Option<usize> {
    let lead = [&b"/*!"[..], b"/*M!"].into_iter().find(|lead| rest.starts_with(lead))?.len();
    let digits = rest.iter().skip(lead).take_while(|byte| byte.is_ascii_digit());
    let (count, version) = digits.take(6).fold((0, 0), |(count, version), digit| {
        (count + 1, version * 10 + u64::from(digit - b'0'))
    });
    (version < NEVER).then_some(lead + count)
}

/// The length of the string or quoted name that starts here; up to the end where it does not.
fn quoted(rest: &[u8]) -> usize {
    let quote = rest.first().copied().unwrap_or_default();
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        at += match byte {
            b'\\' if quote != b'`' => 2,
            byte if *byte == quote && rest.get(at + 1) == Some(&quote) => 2,
            byte if *byte == quote => return at + 1,
            _ => 1,
        };
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        statements(text).map(|statement| statement.plain(text, usize::MAX)).collect()
    }

    #[test]
    fn statements_end_at_the_delimiter_alone() {
        for (text, expected) in [
            ("a; b", vec!["a", "b"]),
            (";;a;", vec!["a"]),
            ("a 'x;y' \"z;\" `w;`;b", vec!["a 'x;y' \"z;\" `w;`", "b"]),
            ("a 'it''s;' '\\';';b", vec!["a 'it''s;' '\\';'", "b"]),
            ("-- a;b\n# c;d\n/* e; */ f;", vec!["f"]),
            ("a --1;b", vec!["a --1", "b"]),
            ("a -- 'x;\n;b", vec!["a -- 'x;\n", "b"]),
            ("DELIMITER ;;\na; b ;;\nDELIMITER ;\nc;d", vec!["a; b ", "c", "d"]),
            ("/*!40101 SET a */;b", vec!["         SET a   ", "b"]),
            ("/*M!999999\\- enable the sandbox mode */ \nCREATE TABLE", vec!["CREATE TABLE"]),
            ("a 'never closed; b", vec!["a 'never closed; b"]),
            ("a /* never closed; b", vec!["a /* never closed; b"]),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    #[test]
    fn version_comments_know_their_range() {
        let text = "/*!50003 CREATE*/ `t` /*!50100 PARTITION*/";
        let statement = statements(text).next().unwrap();
        assert_eq!(statement.first_word(text), "CREATE");
        assert_eq!(statement.version_comment(10), Some(0..17));
        assert_eq!(statement.version_comment(19), None);
        assert_eq!(statement.version_comment(35), Some(22..42));
    }
}
