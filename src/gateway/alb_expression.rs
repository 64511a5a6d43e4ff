//! Paths of ALB that are regular expressions.
//!
//! How much of a path an expression must match is not documented: one that starts with `/` is taken to
//! be meant from the start, none to the end, and each in any case.

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;

use super::alb_paths::{Route, paths_over, trimmed};

/// Characters of an expression that stand for something else.
pub(super) const SPECIAL: &str = r"\.+*?()|[]{}^$";

/// Alternative starts that are told apart; more of them may be anything.
const MOST_STARTS: usize = 64;

/// A path as a regular expression.
pub(super) struct Expression {
    /// `None` where it cannot be read.
    regex: Option<Regex>,
    /// What each path that it fits starts with, in lower case: one of these.
    starts: Vec<String>,
}

impl Expression {
    pub(super) fn new(pattern: &str) -> Self {
        let from = if pattern.starts_with('/') { "^" } else { "" };
        let anchored = format!("{from}(?:{pattern})");
        let regex = RegexBuilder::new(&anchored).case_insensitive(true).build().ok();
        let is_from_start = pattern.starts_with(['/', '^']);
        let starts = is_from_start.then(|| starts(pattern)).flatten();
        Self { regex, starts: starts.unwrap_or_else(|| vec![String::new()]) }
    }

    /// Whether it fits a path, or one below it.
    pub(super) fn finds(&self, route: &Route<'_>) -> bool {
        let path = trimmed(route.path);
        let Some(regex) = &self.regex else {
            // What cannot be read may fit what starts alike.
            let path = path.to_ascii_lowercase();
            let fits = self.starts.iter().any(|start| path.starts_with(start.as_str()));
            return fits || self.is_below(route);
        };
        regex.is_match(route.path) || !route.is_exact && regex.is_match(&format!("{path}/x"))
    }

    /// Whether what it fits may be below a prefix.
    pub(super) fn is_below(&self, route: &Route<'_>) -> bool {
        let path = trimmed(route.path).to_ascii_lowercase();
        let is_below = |start: &String| {
            let folder = start.rfind('/').and_then(|at| start.get(..at)).unwrap_or("");
            paths_over(folder).any(|over| over == path)
        };
        !route.is_exact && self.starts.iter().any(is_below)
    }

    /// Whether what both fit may start with the same.
    pub(super) fn starts_alike(&self, other: &Self) -> bool {
        self.starts.iter().any(|own| {
            let mut others = other.starts.iter();
            others.any(|other| own.starts_with(other.as_str()) || other.starts_with(own.as_str()))
        })
    }
}

/// The starts of what an expression fits that is meant from the start; `None` where they may be anything.
fn starts(pattern: &str) -> Option<Vec<String>> {
    let parsed = ParserBuilder::new().build().parse(pattern);
    let Ok(parsed) = parsed else {
        // Up to what is no plain text, and without what may be repeated never.
        let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
        let end = pattern.find(|c| SPECIAL.contains(c)).unwrap_or(pattern.len());
        let (start, rest) = pattern.split_at_checked(end)?;
        let last = start.char_indices().next_back().map_or(0, |(at, _)| at);
        let is_repeated = rest.starts_with(['*', '?', '{']);
        let start = if is_repeated { start.get(..last)? } else { start };
        // Behind a bar another one starts.
        return (!pattern.contains('|')).then(|| vec![start.to_ascii_lowercase()]);
    };
    let mut extractor = Extractor::new();
    extractor.limit_total(MOST_STARTS);
    let found = extractor.extract(&parsed);
    let literals = found.literals()?;
    literals
        .iter()
        .map(|literal| Some(std::str::from_utf8(literal.as_bytes()).ok()?.to_ascii_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_starts_with_one_of_few() {
        let starts = |pattern: &str| Expression::new(pattern).starts;
        assert_eq!(starts("/api/(.*)"), ["/api/"]);
        assert_eq!(starts("/(Static|assets)/(.*)"), ["/static/", "/assets/"]);
        assert_eq!(starts("/static/.*|/upload/img/.*"), ["/static/", "/upload/img/"]);
        assert_eq!(starts("^/v1|^/upload/"), ["/v1", "/upload/"]);
        assert_eq!(starts("/a/(?!b)"), ["/a/"]);
        assert_eq!(starts("/a|/b(?!c)"), [""]);
        assert_eq!(starts("upload"), [""]);
        assert_eq!(starts("/(.*)/x"), ["/"]);
    }
}
