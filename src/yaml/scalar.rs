//! What a plain scalar means, and how a string is written so that every reader reads it back.
//!
//! Kubernetes reads YAML 1.1 through sigs.k8s.io/yaml (go-yaml v2 rules: `on` is true, `0777` is
//! 511); other tools read 1.1 or 1.2. [`resolve`] follows Kubernetes. [`is_plain_safe`] is stricter
//! than any of them: a string is left bare only where no reader could take it for anything else.

use std::borrow::Cow;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes: its text decides its type.
    Plain,
    /// `'…'`.
    SingleQuoted,
    /// `"…"`.
    DoubleQuoted,
    /// `|`.
    Literal,
    /// `>`.
    Folded,
    /// A new string: without quotes where that is safe, as a literal where it has several lines.
    Auto,
}

impl ScalarStyle {
    /// Bytes of the quote on each side.
    pub(crate) fn quotes(self) -> u32 {
        u32::from(matches!(self, Self::SingleQuoted | Self::DoubleQuoted))
    }
}

/// A scalar's value as Kubernetes reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolved {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Everything else.
    String,
}

impl Resolved {
    /// What kind of thing it is, for messages: `a string`, `null`.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::String => "a string",
        }
    }
}

/// Resolves a scalar by its style, tag and text.
///
/// Source: `resolve.go` of sigs.k8s.io/yaml's goyaml.v2.
pub fn resolve(text: &str, style: ScalarStyle, tag: Option<&str>) -> Resolved {
    match tag.map(core_tag) {
        Some("str" | "binary") => return Resolved::String,
        Some("int" | "float" | "bool" | "null") => return resolve_plain(text),
        Some("") | None if style == ScalarStyle::Plain => return resolve_plain(text),
        _ => {}
    }
    Resolved::String
}

/// The short name of a core schema tag; a private tag stays as it is.
fn core_tag(tag: &str) -> &str {
    tag.strip_prefix("tag:yaml.org,2002:").or_else(|| tag.strip_prefix("!!")).unwrap_or(tag)
}

fn resolve_plain(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            return Resolved::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            return Resolved::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Resolved::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Resolved::String;
    }
    // Underscores group digits, but not where the number starts with its point.
    let digits: Cow<'_, str> = if text.contains('_') && !text.starts_with('.') {
        Cow::Owned(text.chars().filter(|c| *c != '_').collect())
    } else {
        Cow::Borrowed(text)
    };
    if let Some(value) = parse_integer(&digits) {
        return Resolved::Int(value);
    }
    if is_decimal_float(&digits) {
        return digits.parse().map_or(Resolved::String, Resolved::Float);
    }
    Resolved::String
}

/// Go's `strconv.ParseInt(text, 0, 64)` and `ParseUint`: a base prefix, or a leading zero for octal.
fn parse_integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, lower.get(2..)?),
        Some("0o") => (8, lower.get(2..)?),
        Some("0b") => (2, lower.get(2..)?),
        Some(two) if two.starts_with('0') => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    let value = if negative { -value } else { value };
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value).then_some(value)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_decimal_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && all_digits(fraction),
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction),
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    mantissa_fits && exponent_fits
}

/// Whether a character may stand unescaped in a quoted scalar for every reader.
///
/// YAML 1.2 section 5.1 less what YAML 1.1 takes for a line break (U+0085, U+2028, U+2029) and the
/// byte order mark. Tab and line feed are the caller's business.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Whether a string can be written without quotes and stays the same string for every reader.
///
/// `flow` is stricter: inside `{}` and `[]` commas and brackets end a scalar.
pub fn is_plain_safe(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    if !(first.is_alphabetic() || matches!(first, '/' | '_' | '$')) || text.ends_with([' ', ':']) {
        return false;
    }
    if !text.chars().all(is_printable) || text.contains(": ") || text.contains(" #") {
        return false;
    }
    // A dash before a bracket is taken for a list item by some readers.
    if flow
        && (text.contains([',', '[', ']', '{', '}', ':', '"', '\'', '#', '?'])
            || text.ends_with('-'))
    {
        return false;
    }
    const WORDS: [&str; 12] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"];
    !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Writes a string as one flow scalar (plain or quoted), in the wished style where that is safe.
pub(crate) fn write_string(out: &mut String, text: &str, wish: ScalarStyle, flow: bool) {
    let plain = is_plain_safe(text, flow);
    match wish {
        ScalarStyle::Plain | ScalarStyle::Auto if plain => out.push_str(text),
        ScalarStyle::SingleQuoted if text.chars().all(is_printable) => {
            out.push('\'');
            out.push_str(&text.replace('\'', "''"));
            out.push('\'');
        }
        _ => write_double_quoted(out, text),
    }
}

fn write_double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            // Of the escapes for any character the only one that JSON has too: kubectl reads a
            // document that starts with `{` as JSON. Above U+FFFF all characters are printable.
            c => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    out.push('"');
}

/// A typed plain scalar as JSON has it: `0644` is `420` there, `yes` is `true`.
pub(crate) fn json_literal(text: &str) -> Cow<'_, str> {
    if serde_json::from_str::<serde_json::Value>(text).is_ok() {
        return Cow::Borrowed(text);
    }
    match resolve(text, ScalarStyle::Plain, None) {
        Resolved::Null => Cow::Borrowed("null"),
        Resolved::Bool(value) => Cow::Owned(value.to_string()),
        Resolved::Int(value) => Cow::Owned(value.to_string()),
        Resolved::Float(value) if value.is_finite() => Cow::Owned(value.to_string()),
        // JSON has no such value; readers refuse it either way.
        Resolved::Float(_) | Resolved::String => Cow::Borrowed(text),
    }
}

/// The header of a literal block that holds this text for every reader, or `None` where only
/// quotes do.
///
/// Refused are texts whose first line starts with a tab or a space, lines of blanks alone, and
/// characters that need escapes.
pub(crate) fn literal_header(text: &str) -> Option<&'static str> {
    if !text.contains('\n') || text.starts_with(['\n', ' ', '\t']) {
        return None;
    }
    let blank_line = |line: &str| !line.is_empty() && line.trim_matches([' ', '\t']).is_empty();
    if text.split('\n').any(blank_line)
        || !text.chars().all(|c| matches!(c, '\n' | '\t') || is_printable(c))
    {
        return None;
    }
    let body = text.trim_end_matches('\n');
    Some(match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Resolved {
        resolve(text, ScalarStyle::Plain, None)
    }

    #[test]
    fn resolves_as_kubernetes_does() {
        for (text, value) in [
            ("0777", 511),
            ("0o777", 511),
            ("0O17", 15),
            ("0b101", 5),
            ("0x1F", 31),
            ("1_000", 1000),
            ("+5", 5),
            ("-0b11", -3),
        ] {
            assert_eq!(plain(text), Resolved::Int(value), "{text}");
        }
        for (text, value) in
            [("018", 18.0), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0), ("685_230.15", 685230.15)]
        {
            assert_eq!(plain(text), Resolved::Float(value), "{text}");
        }
        for text in ["12:30:45", "2024-01-01", "=", "<<", "1.2.3", "0x", ".1_0", "e3", "-", "."] {
            assert_eq!(plain(text), Resolved::String, "{text}");
        }
        assert_eq!(plain("on"), Resolved::Bool(true));
        assert_eq!(plain("oN"), Resolved::String);
        assert_eq!(resolve("on", ScalarStyle::SingleQuoted, None), Resolved::String);
        assert_eq!(
            resolve("5", ScalarStyle::Plain, Some("tag:yaml.org,2002:str")),
            Resolved::String
        );
    }

    #[test]
    fn only_harmless_strings_stay_bare() {
        for text in [
            "spring-cloud-a",
            "registry.example.com/a:1.0",
            "a b",
            "$HOME",
            "/healthz",
            "中文",
            "a#b",
        ] {
            assert!(is_plain_safe(text, false), "{text}");
        }
        for text in [
            "",
            "100",
            "on",
            "Y",
            "a: b",
            "a #b",
            "a:",
            "-x",
            "2024-01-01",
            "a\tb",
            "a ",
            "null",
            "=",
            "@a",
            "é\u{85}",
        ] {
            assert!(!is_plain_safe(text, false), "{text}");
        }
        assert!(!is_plain_safe("a,b", true));
        assert!(!is_plain_safe("a -", true) && is_plain_safe("a -", false));
    }

    #[test]
    fn literal_blocks_only_where_safe() {
        assert_eq!(literal_header("a\nb\n"), Some("|"));
        assert_eq!(literal_header("a\nb"), Some("|-"));
        assert_eq!(literal_header("a\n\n\n"), Some("|+"));
        for text in ["one line", "\na", " a\n", "\ta\n", "a\n  \nb\n", "a\r\nb\n"] {
            assert_eq!(literal_header(text), None, "{text:?}");
        }
    }
}
