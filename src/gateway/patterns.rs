//! Regular expressions for dialects whose engines differ in how much of a value must match.

use crate::diagnostic::Diagnostic;
use crate::spec::{CookieMatch, Match, NameMatch, ValueMatch};

/// The expression for all of a value, which means the same to engines that search (PCRE) and to
/// those that match the whole value (RE2 in Envoy). `None` where it cannot stand in a group, as
/// with a comment at its end.
pub(super) fn whole(pattern: &str) -> Option<String> {
    let text = format!("^(?:{pattern})$");
    regex::Regex::new(&text).is_ok().then_some(text)
}

/// The regular expressions of a match that [`whole`] cannot take.
pub(super) fn ungroupable(route: &Match) -> Vec<Diagnostic> {
    let is_bad = |each: &&NameMatch| matches!(&each.value, ValueMatch::Regex(pattern) if whole(pattern).is_none());
    let all = route.headers.iter().chain(&route.query);
    all.filter(is_bad)
        .map(|each| {
            let error = format!(
                "the expression for `{}` cannot be anchored at both ends, so that gateways would differ in what it matches",
                each.name
            );
            Diagnostic::error(error)
                .at(each.place.clone())
                .remedy("leave out the comment at its end, and the flag `x`")
        })
        .collect()
}

/// The header `cookie` with this cookie in it, wherever it stands.
///
/// Source: RFC 6265, section 4.2.1 (pairs, separated by `; `).
pub(super) fn cookie_header(cookie: &CookieMatch) -> String {
    let value = cookie.value.as_deref().unwrap_or_default();
    let pair = regex::escape(&format!("{}={value}", cookie.name));
    format!("^(?:.*;\\s*)?{pair}(?:\\s*;.*)?$")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::cookie;
    use super::*;

    #[test]
    fn all_of_a_value_has_to_match() {
        let whole = regex::Regex::new(&whole("1|2").unwrap()).unwrap();
        assert!(whole.is_match("1") && whole.is_match("2"));
        assert!(!whole.is_match("12") && !whole.is_match("21"));
        assert!(super::whole("(?x)a # b").is_none());
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let pattern = cookie_header(&cookie("lane", Some("a.b")));
        let pattern = regex::Regex::new(&pattern).unwrap();
        for there in ["lane=a.b", "x=1; lane=a.b", "lane=a.b; y=2", "x=1;lane=a.b ;y"] {
            assert!(pattern.is_match(there), "{there}");
        }
        for other in ["lane=aXb", "xlane=a.b", "lane=a.bc", "x=lane=a.b", ""] {
            assert!(!pattern.is_match(other), "{other}");
        }
    }
}
