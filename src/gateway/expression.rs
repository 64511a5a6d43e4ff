//! Regular expressions of matches: what all gateways read alike, and how far they reach.

use super::re2;

/// A text as a regular expression that matches nothing else, in RE2 and PCRE.
pub(super) fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Whether an expression can match nothing but a whole value: `^…$` around all of it.
pub(super) fn is_anchored(pattern: &str) -> bool {
    let inner = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'));
    inner.is_some_and(|inner| {
        let escapes = inner.chars().rev().take_while(|c| *c == '\\').count();
        escapes % 2 == 0 && !alternates(inner)
    })
}

/// Whether an expression is an alternative at its outermost level, so that what is put before or
/// behind it belongs to one of the branches only.
pub(super) fn alternates(pattern: &str) -> bool {
    let mut depth = 0_usize;
    scan(pattern, |part| match part {
        Part::Plain('(') => {
            depth += 1;
            None
        }
        Part::Plain(')') => {
            depth = depth.saturating_sub(1);
            None
        }
        Part::Plain('|') if depth == 0 => Some(()),
        _ => None,
    })
    .is_some()
}

/// Something in an expression that RE2 and PCRE read in another way than the syntax it is checked
/// by, or than each other.
///
/// To be asked of what is a regular expression by docs.rs/regex.
///
/// Source: docs.rs/regex, "Syntax"; github.com/google/re2/wiki/Syntax; pcre.org, pcre2syntax.
pub(crate) fn ambiguous(pattern: &str) -> Option<&'static str> {
    if let Some(what) = re2::refused(pattern) {
        return Some(what);
    }
    let mut last = '\0';
    scan(pattern, |part| {
        let found = match part {
            Part::InClass('[') => Some("a character class in another"),
            Part::InClass(c) if c == last && "&-~".contains(c) => {
                Some("an operation on character classes")
            }
            Part::Escaped('u' | 'U' | '<' | '>') => Some(r"`\u`, `\U`, `\<` and `\>`"),
            Part::Plain('{') if last == 'b' => Some(r"`\b{…}`"),
            _ => None,
        };
        last = match part {
            Part::InClass(c) => c,
            Part::Escaped('b' | 'B') => 'b',
            _ => '\0',
        };
        found
    })
}

pub(super) enum Part {
    /// A character outside of classes.
    Plain(char),
    /// A character in a class; its first `[` is plain, one of `[:alpha:]` is left out.
    InClass(char),
    /// A character after a backslash.
    Escaped(char),
}

pub(super) fn scan<T>(pattern: &str, mut see: impl FnMut(Part) -> Option<T>) -> Option<T> {
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        let part = match c {
            '\\' => Part::Escaped(chars.next()?),
            '[' if in_class && chars.peek() == Some(&':') => {
                // A class by name, up to its `:]`.
                let mut last = ' ';
                while let Some(c) = chars.next_if(|c| *c != ']' || last != ':') {
                    last = c;
                }
                chars.next();
                continue;
            }
            c if in_class => {
                in_class = c != ']';
                Part::InClass(c)
            }
            '[' => {
                in_class = true;
                chars.next_if_eq(&'^');
                // The first of a class is no end of it.
                chars.next_if_eq(&']');
                Part::Plain('[')
            }
            c => Part::Plain(c),
        };
        if let Some(found) = see(part) {
            return Some(found);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_matches_itself_alone() {
        for text in ["1.0", r"a\b", "a+b|c", "[x]{2}^$", "a-b #~&", "(ü)?*"] {
            let whole = format!("^{}$", literal(text));
            assert!(regex::Regex::new(&whole).unwrap().is_match(text), "{whole}");
            assert!(is_anchored(&whole), "{whole}");
        }
        assert!(!regex::Regex::new(&format!("^{}$", literal("1.0"))).unwrap().is_match("1x0"));
    }

    #[test]
    fn anchors_hold_all_of_an_expression() {
        for pattern in ["^a$", "^(a|b)$", "^[|]$", r"^\|$", r"^a\\$", "^(?:a|b)+$"] {
            assert!(is_anchored(pattern), "{pattern}");
        }
        for pattern in ["a", "^a", "a$", "^a|b$", r"^a\$", "^(a)|b$", "$", ""] {
            assert!(!is_anchored(pattern), "{pattern}");
        }
    }

    #[test]
    fn what_gateways_read_differently_is_seen() {
        for pattern in [
            "[a-z&&[^b]]",
            "[a[b]]",
            "[a--b]",
            r"\b{start}a",
            r"\u0041",
            "(?x)a b",
            "(?R)a",
            "beta++",
            r"\p{Letter}",
        ] {
            assert!(ambiguous(pattern).is_some(), "{pattern}");
        }
        for pattern in [
            "[a-z]",
            "a--b",
            "(?i)a",
            "(?P<u>a)",
            "[[:alpha:]x]",
            "a&&b",
            r"\bweb\b",
            "[]a]",
            "b{2}",
        ] {
            assert_eq!(ambiguous(pattern), None, "{pattern}");
        }
    }
}
