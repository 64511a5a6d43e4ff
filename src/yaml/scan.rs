//! Finding in the source text what the parser's events do not tell: where a token ends, and where
//! the lines around it are.
//!
//! All functions take and return byte offsets and stop at the end of the text.

/// Skips blanks, line breaks and comments.
pub(crate) fn skip_trivia(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'#' if at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b'\r') => {
                at = line_end(text, at)
            }
            // A comment may follow a flow indicator or a byte order mark directly.
            b'#' if matches!(bytes[at - 1], b',' | b'[' | b'{' | b']' | b'}' | 0xbf) => {
                at = line_end(text, at)
            }
            _ => break,
        }
    }
    at
}

/// The offset of the line's break, or the end of the text.
pub(crate) fn line_end(text: &str, at: usize) -> usize {
    text.as_bytes()[at..].iter().position(|b| *b == b'\n').map_or(text.len(), |length| at + length)
}

/// The offset after the line's break, or the end of the text.
pub(crate) fn next_line(text: &str, at: usize) -> usize {
    (line_end(text, at) + 1).min(text.len())
}

/// The offset of the first byte of the line.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1)
}

/// Whether only blanks stand between the start of the line and `at`.
pub(crate) fn starts_line(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at];
    let blanks = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let before = &before[..before.len() - blanks];
    let before = before.strip_suffix("\u{feff}".as_bytes()).unwrap_or(before);
    before.last().is_none_or(|byte| *byte == b'\n')
}

/// Whether `at` is the first byte of a line, a byte order mark left out.
pub(crate) fn is_line_start(text: &str, at: usize) -> bool {
    matches!(&text[line_start(text, at)..at], "" | "\u{feff}")
}

/// A line's indentation, and what follows it.
pub(crate) fn split_indent(line: &str) -> (usize, &str) {
    let rest = line.trim_start_matches(' ');
    (line.len() - rest.len(), rest)
}

/// Whether a document marker (`---` or `...`) starts at `at`, which is the start of a line.
pub(crate) fn is_marker(text: &str, at: usize, marker: &str) -> bool {
    text[at..].starts_with(marker)
        && matches!(
            text.as_bytes().get(at + marker.len()),
            None | Some(b' ' | b'\t' | b'\n' | b'\r')
        )
}

/// Whether the indicator of an explicit key (`? key`) is at `at`.
pub(crate) fn is_explicit_key(text: &str, at: usize) -> bool {
    text.as_bytes().get(at) == Some(&b'?')
        && matches!(text.as_bytes().get(at + 1), None | Some(b' ' | b'\t' | b'\n' | b'\r'))
}

/// The end of a quoted scalar that starts at `at`.
pub(crate) fn quoted_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = *bytes.get(at)?;
    let mut at = at + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            b if b == quote => {
                if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') {
                    at += 2;
                } else {
                    return Some(at + 1);
                }
            }
            _ => at += 1,
        }
    }
}

/// The end of a plain scalar that starts at `at` and has this value: its line folds are undone by
/// walking value and source side by side.
pub(crate) fn plain_end(text: &str, at: usize, value: &str) -> Option<usize> {
    let rest = text.get(at..)?;
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    let mut source = rest;
    let mut value = value;
    while let Some(c) = value.chars().next() {
        if is_blank(c) {
            let after = source.trim_start_matches(is_blank);
            if after.len() == source.len() {
                return None;
            }
            source = after;
            value = value.trim_start_matches(is_blank);
        } else {
            source = source.strip_prefix(c)?;
            value = &value[c.len_utf8()..];
        }
    }
    Some(text.len() - source.len())
}

/// Where a block scalar stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockScalar {
    /// Its end, the final line break not included.
    pub(crate) end: usize,
    /// The column of its content; `None` where it has none.
    pub(crate) indent: Option<usize>,
    /// Blank lines that its header keeps (`+`) where it has no content.
    pub(crate) kept_blanks: usize,
}

/// Finds the block scalar whose header (`|` or `>`) is at `at`, inside a block collection of this
/// indentation (`None` at the top level).
///
/// Trailing blank lines belong to it only where its header keeps them (`+`).
pub(crate) fn block_scalar(text: &str, at: usize, parent: Option<usize>) -> BlockScalar {
    let header = text[at..line_end(text, at)].split([' ', '\t']).next().unwrap_or("");
    let keep = header.contains('+');
    let base = parent.unwrap_or(0);
    let mut indent = header.chars().find_map(|c| c.to_digit(10)).map(|digit| base + digit as usize);
    let mut found = BlockScalar {
        end: without_break(text, at, next_line(text, at)),
        indent: None,
        kept_blanks: 0,
    };
    let mut line = next_line(text, at);
    while line < text.len() {
        let next = next_line(text, line);
        let content = text[line..next].trim_end_matches(['\n', '\r']);
        let (depth, rest) = split_indent(content);
        if indent.is_none() && !rest.is_empty() {
            indent = Some(depth.max(parent.map_or(0, |parent| parent + 1)));
        }
        let is_marker = is_marker(text, line, "---") || is_marker(text, line, "...");
        match indent {
            Some(limit) if depth >= limit && content.len() > limit && !is_marker => {
                found.end = without_break(text, line, next);
                found.indent = Some(limit);
            }
            _ if !rest.is_empty() => break,
            _ if keep => {
                found.end = without_break(text, line, next);
                found.kept_blanks += usize::from(text[line..next].ends_with('\n'));
            }
            _ => {}
        }
        line = next;
    }
    found
}

fn without_break(text: &str, start: usize, end: usize) -> usize {
    let line = &text[start..end];
    let line = line.strip_suffix('\n').unwrap_or(line);
    start + line.strip_suffix('\r').unwrap_or(line).len()
}

/// The end of a tag or an anchor (`!…`, `&…`) that starts at `at`.
pub(crate) fn property_end(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    if rest.starts_with("!<") {
        return rest.find('>').map_or(text.len(), |close| at + close + 1);
    }
    let stop = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | ',' | '[' | ']' | '{' | '}');
    at + rest.find(stop).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_end_where_they_end() {
        assert_eq!(plain_end("a: b c # d", 3, "b c"), Some(6));
        assert_eq!(plain_end("a: b\n   c\n\n   d\ne: f", 3, "b c\nd"), Some(15));
        assert_eq!(plain_end("a: b", 3, "x"), None);
    }

    #[test]
    fn quoted_scalars_end_where_they_end() {
        assert_eq!(quoted_end(r#""a\"b" x"#, 0), Some(6));
        assert_eq!(quoted_end("'it''s' x", 0), Some(7));
        assert_eq!(quoted_end("'open", 0), None);
    }

    #[test]
    fn block_scalars_end_before_what_follows() {
        let text = "a: |\n  x\n\n  y\n\nb: 1\n";
        assert_eq!(&text[3..block_scalar(text, 3, Some(0)).end], "|\n  x\n\n  y");
        let keep = "a: |+\n  x\n\nb: 1\n";
        assert_eq!(&keep[3..block_scalar(keep, 3, Some(0)).end], "|+\n  x\n");
        let empty = "a: |\nb: 1\n";
        assert_eq!(&empty[3..block_scalar(empty, 3, Some(0)).end], "|");
        let indented = "a: |1\n   x\n  y\nb: 1\n";
        assert_eq!(&indented[3..block_scalar(indented, 3, Some(0)).end], "|1\n   x\n  y");
        let comment = "a:\n  b: |\n    x\n # not content\nc: 1\n";
        assert_eq!(&comment[8..block_scalar(comment, 8, Some(2)).end], "|\n    x");
    }
}
