//! Texts from files in Markdown, so that they are read and do nothing.
//!
//! In code spans, code blocks and `<code>` no mention, reference, link or HTML is looked for. What
//! would end one of them, stand in no line, or hide from the reader is written as an escape.
//!
//! Source: spec.commonmark.org ("Code spans", "Fenced code blocks", "HTML blocks");
//! github.github.com/gfm ("Tables"); docs.github.com, "Autolinked references and URLs".

use std::borrow::Cow;

/// What tells the comment of this program from others, so that it can be found and replaced. It is the
/// first line of the comment, and nothing in the comment repeats it.
pub const MARKER: &str = "<!-- graylane:lane-diff -->";

/// The part of [`MARKER`] that no other text may have.
const MARK: &str = "graylane:lane-diff";

/// Bytes of a name that are shown: enough for the longest name of Kubernetes with its kind.
const LONGEST: usize = 320;

/// A text as code in a line or in a cell of a table.
pub(super) fn code(text: &str) -> String {
    let text = short(text, |c, out| match c {
        '`' | '|' => out.extend(c.escape_unicode()),
        c => out.push(c),
    });
    // Empty code would be no code.
    if text.is_empty() { "` `".to_owned() } else { format!("`{text}`") }
}

/// A text as code in HTML.
pub(super) fn html(text: &str) -> String {
    let text = short(text, |c, out| match c {
        ' ' | '-' | '_' | '.' | '/' => out.push(c),
        c if c.is_alphanumeric() => out.push(c),
        c => out.push_str(&format!("&#{};", u32::from(c))),
    });
    format!("<code>{text}</code>")
}

/// A text of many lines as a block of code. The fence is longer than any in the text.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    let mut out = String::with_capacity(text.len() + 2 * fence.len() + language.len() + 3);
    out.push_str(&fence);
    out.push_str(language);
    out.push('\n');
    for line in without_mark(text).lines() {
        show(line, &mut out);
        out.push('\n');
    }
    out.push_str(&fence);
    out.push('\n');
    out
}

/// The most backticks that stand side by side.
pub(super) fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for byte in text.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// A text on one line of bounded length; `escape` adds a character that can be seen.
fn short(text: &str, escape: impl Fn(char, &mut String)) -> String {
    let mut out = String::new();
    for c in without_mark(text).chars() {
        if out.len() > LONGEST {
            out.push('…');
            break;
        }
        if is_hidden(c) || c == '\t' {
            c.escape_unicode().for_each(|c| escape(c, &mut out));
        } else {
            escape(c, &mut out);
        }
    }
    out
}

/// Adds a line; what a reader would not see is an escape.
fn show(line: &str, out: &mut String) {
    for c in line.chars() {
        if is_hidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
}

/// Whether a character shows nothing, breaks a line, or reorders what is shown.
///
/// Source: Unicode, UAX #9 (bidirectional formatting) and the general category `Cf`.
fn is_hidden(c: char) -> bool {
    let is_control = c.is_control() && c != '\t';
    is_control
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A text in which nothing reads like the marker, however it is written.
fn without_mark(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    if !lower.contains(MARK) {
        return Cow::Borrowed(text);
    }
    // Lower case of ASCII has the same length, so that offsets are the same.
    let mut out = String::with_capacity(text.len() + 8);
    let mut from = 0;
    for (at, _) in lower.match_indices(MARK) {
        let colon = at + MARK.find(':').unwrap_or_default();
        out.push_str(text.get(from..colon).unwrap_or_default());
        out.push_str("\\u{3a}");
        from = colon + 1;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay_as_they_are() {
        assert_eq!(code("Deployment/web in prod"), "`Deployment/web in prod`");
        assert_eq!(html("deploy/web-1.yaml"), "<code>deploy/web-1.yaml</code>");
        assert_eq!(fenced("diff", "-a\n+b\n"), "```diff\n-a\n+b\n```\n");
    }

    #[test]
    fn nothing_leaves_a_code_span_or_its_cell() {
        assert_eq!(code("a`b|c\nd\r"), "`a\\u{60}b\\u{7c}c\\u{a}d\\u{d}`");
        assert_eq!(code(""), "` `");
        assert_eq!(code(&"x".repeat(900)).chars().count(), LONGEST + 4);
    }

    #[test]
    fn nothing_leaves_html() {
        assert_eq!(html("</code>@a"), "<code>&#60;/code&#62;&#64;a</code>");
        assert_eq!(html("a\n\nb"), "<code>a&#92;u&#123;a&#125;&#92;u&#123;a&#125;b</code>");
    }

    #[test]
    fn fences_are_longer_than_those_in_the_text() {
        assert_eq!(fenced("", " ````\nx"), "`````\n ````\nx\n`````\n");
        // A carriage return alone ends a line too.
        assert_eq!(fenced("", "a\r```\u{202e}\tb"), "````\na\\u{d}```\\u{202e}\tb\n````\n");
    }

    #[test]
    fn the_marker_does_not_come_in() {
        for text in
            [MARKER, "<!-- GRAYLANE:lane-diff -->", "ü graylane:lane-diff graylane:lane-diff"]
        {
            for shown in [code(text), html(text), fenced("", text)] {
                assert!(!shown.to_lowercase().contains(MARK), "{shown}");
            }
        }
        assert_eq!(code("ü graylane:lane-diff!"), "`ü graylane\\u{3a}lane-diff!`");
    }
}
