//! The values that an orchestration is rendered with, and what Go's `text/template` makes of them.
//!
//! Source of every rule: Go's `text/template` (`exec.go`: `isTrue`, `printValue`; `funcs.go`: `eq`)
//! and `fmt` (`%v`).

use std::collections::BTreeMap;

use crate::yaml::scalar::Resolved;
use crate::yaml::{NodeKind, NodeRef};

/// A value, with the types that Go's YAML reader gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that Go has a type for: from -2⁶³ to 2⁶⁴-1.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A string.
    String(String),
    /// A list; nothing but its length can be asked for.
    List(usize),
    /// A mapping.
    Map(BTreeMap<String, Datum>),
}

impl Datum {
    /// The value of a node, aliases and merge keys resolved.
    pub fn of(node: NodeRef<'_>) -> Self {
        match node.kind() {
            NodeKind::Mapping => Self::Map(
                node.entries().map(|(key, value)| (key.to_owned(), Self::of(value))).collect(),
            ),
            NodeKind::Sequence => Self::List(node.len()),
            NodeKind::Scalar => match node.resolved() {
                Resolved::Null => Self::Null,
                Resolved::Bool(value) => Self::Bool(value),
                Resolved::Int(value) if Self::is_go_int(value) => Self::Int(value),
                Resolved::Int(value) => Self::Float(value as f64),
                Resolved::Float(value) => Self::Float(value),
                Resolved::String => Self::String(node.text().unwrap_or("").to_owned()),
            },
        }
    }

    /// A mapping of strings.
    pub fn strings<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let entries = entries.into_iter();
        Self::Map(
            entries.map(|(key, value)| (key.to_owned(), Self::String(value.to_owned()))).collect(),
        )
    }

    fn is_go_int(value: i128) -> bool {
        (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value)
    }

    /// What kind of thing it is, for messages: `a string`, `a list`.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// Whether a condition takes it for true: neither null nor false nor zero nor empty.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::String(text) => !text.is_empty(),
            Self::List(length) => *length > 0,
            Self::Map(entries) => !entries.is_empty(),
        }
    }

    /// The text that stands for it in what is rendered; `None` for null, lists and mappings, for
    /// which Go writes texts that no manifest means (`<no value>`, `map[a:1]`).
    pub(super) fn printed(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Float(value) => Some(float(*value)),
            Self::String(text) => Some(text.clone()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Whether `eq` finds two values equal.
    ///
    /// # Errors
    ///
    /// Types that Go does not compare; what they are.
    pub(super) fn equals(&self, other: &Self) -> Result<bool, String> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Ok(a == b),
            (Self::Int(a), Self::Int(b)) => Ok(a == b),
            (Self::Float(a), Self::Float(b)) => Ok(a == b),
            (Self::String(a), Self::String(b)) => Ok(a == b),
            (Self::Null, Self::Null) => Ok(true),
            (Self::Null, _) | (_, Self::Null) => Ok(false),
            _ => Err(format!("{} and {}", self.describe(), other.describe())),
        }
    }
}

/// A number as `%v` writes it: the shortest digits that are this number, with an exponent where
/// that is 6 or more, or less than -4.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    // Rust's exponent form has the same shortest digits: `-1.25e-7`.
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_go_does() {
        for (value, text) in [
            (1.5, "1.5"),
            (100_000.0, "100000"),
            (123_456.7, "123456.7"),
            (1e6, "1e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (1e-4, "0.0001"),
            (1.25e-5, "1.25e-05"),
            (-0.0, "-0"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(float(value), text);
        }
    }
}
