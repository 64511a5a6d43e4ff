//! What a dialect cannot express is refused, with what it can and which gateway could.

use super::expression::{ambiguous, is_anchored};
use super::{Anchoring, Capabilities, Values, WeightBeside, of, re2};
use crate::diagnostic::{Diagnostic, Place};
use crate::spec::{GatewayClass, Match, ValueMatch};

/// Everything in a match that a dialect cannot express, each with what it can and which others
/// could express the whole match.
pub fn unsupported(class: GatewayClass, can: &Capabilities, route: &Match) -> Vec<Diagnostic> {
    let refusals = refusals(can, route);
    let others = if refusals.is_empty() { String::new() } else { others(class, route) };
    let mut errors: Vec<Diagnostic> = refusals
        .into_iter()
        .map(|refusal| {
            let error = match refusal.what {
                Refused::Match(what) => {
                    let error = format!("the gateway class `{class}` cannot match {what}");
                    Diagnostic::error(error).remedy(format!("{}{others}", abilities(can)))
                }
                Refused::Weight(how) => {
                    let error = format!(
                        "the gateway class `{class}` {how} `weight` beside a header, cookie or query match"
                    );
                    let remedy = format!("keep either the match or the weight{others}");
                    Diagnostic::error(error).remedy(remedy)
                }
            };
            error.at(refusal.place)
        })
        .collect();
    errors.extend(malformed(class, route));
    errors
}

/// Something that a dialect cannot express.
struct Refusal {
    what: Refused,
    place: Place,
}

enum Refused {
    /// Cannot match this.
    Match(String),
    /// Weight beside a match; what the gateway does with it.
    Weight(&'static str),
}

fn refusals(can: &Capabilities, route: &Match) -> Vec<Refusal> {
    let mut refused = Vec::new();
    let mut refuse = |place: &Place, what: String| {
        refused.push(Refusal { what: Refused::Match(what), place: place.clone() });
    };
    for (matches, most, what) in
        [(&route.headers, can.headers, "headers"), (&route.query, can.queries, "query parameters")]
    {
        // What cannot be matched at all is refused below, one by one.
        if let Some(first) = matches.get(most).filter(|_| most > 0) {
            refuse(&first.place, format!("{} {what} at once", matches.len()));
        }
    }
    for (values, what, matches) in
        [(can.header, "header", &route.headers), (can.query, "query parameter", &route.query)]
    {
        for each in matches {
            let (fits, how) = match &each.value {
                ValueMatch::Exact(_) => {
                    (matches!(values, Values::Exact | Values::ExactOrRegex), "by value")
                }
                ValueMatch::Regex(_) => (values == Values::ExactOrRegex, "by a regular expression"),
            };
            if !fits {
                refuse(&each.place, format!("the {what} `{}` {how}", each.name));
            }
        }
    }
    let has_others = !route.headers.is_empty() || !route.query.is_empty();
    if let Some(cookie) = &route.cookie {
        let fits = match (&cookie.value, can.cookie) {
            (_, Values::None) => false,
            (None, _) => can.cookie_always,
            (Some(value), Values::Fixed) => value == "always",
            (Some(_), _) => true,
        };
        if !fits {
            let how = if cookie.value.is_some() { "by this value" } else { "without a value" };
            refuse(&cookie.place, format!("the cookie `{}` {how}", cookie.name));
        }
        if has_others && !can.cookie_beside {
            let what = "a cookie beside a header or query parameter, both at once";
            refuse(&cookie.place, what.to_owned());
        }
    }
    let has_query = can.query != Values::None;
    if has_query && !can.header_and_query && !route.headers.is_empty() && !route.query.is_empty() {
        refuse(&route.place, "a header and a query parameter at once".to_owned());
    }
    let has_match = has_others || route.cookie.is_some();
    if route.weight.is_some() && !can.weight {
        refuse(&route.place, "by weight".to_owned());
    } else if route.weight.is_some_and(|weight| weight > 0) && has_match {
        let how = match can.weight_beside {
            WeightBeside::FallsThrough => return refused,
            WeightBeside::Ignored => "ignores",
            WeightBeside::Forbidden => "refuses",
        };
        refused.push(Refusal { what: Refused::Weight(how), place: route.place.clone() });
    }
    refused
}

/// The classes whose gateways compare query parameters without decoding them.
///
/// Source: envoyproxy/envoy, source/common/router/config_utility.cc (matchQueryParams), of which these are
/// made. HTTPRoute leaves it open, and implementations differ (traefik/traefik, pkg/muxer/http/matcher.go
/// decodes).
const UNDECODED: [GatewayClass; 2] = [GatewayClass::Mse, GatewayClass::Apig];

/// A character that no query has as it is.
///
/// Source: url.spec.whatwg.org, query percent-encode set; `&` ends a parameter.
fn encoded(text: &str) -> Option<char> {
    text.chars().find(|c| !c.is_ascii_graphic() || "\"#<>&".contains(*c))
}

/// Values that no gateway of this class could match as they are meant: regular expressions that are
/// none or that gateways read in different ways (they are RE2 or PCRE), and headers that HTTP itself
/// would change.
pub(crate) fn malformed(class: GatewayClass, route: &Match) -> Vec<Diagnostic> {
    let headers = route.headers.iter().map(|header| ("header", header));
    let queries = route.query.iter().map(|query| ("query parameter", query));
    let mut errors = Vec::new();
    for (what, each) in headers.chain(queries) {
        let name = &each.name;
        let pattern = match &each.value {
            ValueMatch::Regex(pattern) => pattern,
            ValueMatch::Exact(text) if what == "header" && text.trim() != text => {
                // RFC 9110, section 5.5: white space around a value is no part of it.
                let error = format!(
                    "no request has the header `{name}` with this value: white space around it is not part of a header's value"
                );
                let remedy = "leave out the white space at the start and the end";
                errors.push(Diagnostic::error(error).at(each.place.clone()).remedy(remedy));
                continue;
            }
            ValueMatch::Exact(text) if what != "header" && UNDECODED.contains(&class) => {
                errors.extend(encoded(text).map(|c| {
                    let error = format!(
                        "no request has the query parameter `{name}` with {c:?} in its value: the gateway class `{class}` compares it as it is sent, percent-encoded"
                    );
                    let remedy = "write it as it is sent, such as `%20` for a blank; applications may send `+` for that";
                    Diagnostic::error(error).at(each.place.clone()).remedy(remedy)
                }));
                continue;
            }
            ValueMatch::Exact(_) => continue,
        };
        let (why, remedy) = match (regex::Regex::new(pattern), ambiguous(pattern)) {
            (Err(error), _) => {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
                (why, "write a regular expression: github.com/google/re2/wiki/Syntax")
            }
            (Ok(_), Some(what)) => {
                (format!("gateways differ in how they read {what}"), "write it without")
            }
            (Ok(_), None) => match re2::too_many_repeats(pattern, most_repeats(class)) {
                Some(repeats) => (
                    format!(
                        "it asks for {repeats} repetitions, and the gateway allows {}, nested ones multiplied",
                        most_repeats(class)
                    ),
                    "repeat less, or `+` and `*` without a limit",
                ),
                None => continue,
            },
        };
        let error = format!(
            "the gateway class `{class}` cannot match the {what} `{name}` by `{pattern}`: {why}"
        );
        errors.push(Diagnostic::error(error).at(each.place.clone()).remedy(remedy));
    }
    errors
}

/// Most repetitions that an expression may ask for.
///
/// Source: google/re2 re2/parse.cc (`maximum_repeat_count`); pcre.org, pcre2limits.
fn most_repeats(class: GatewayClass) -> u32 {
    if is_pcre(class) { 65_535 } else { 1000 }
}

/// Whether the regular expressions of a class are PCRE; those of the others are RE2, or may be.
///
/// Source: nginx.org/en/docs/http/server_names.html (regular expressions);
/// github.com/openresty/lua-nginx-module (`ngx.re`), by which APISIX matches.
fn is_pcre(class: GatewayClass) -> bool {
    matches!(class, GatewayClass::Nginx | GatewayClass::Apisix)
}

/// Says of regular expressions that can match a part of a value that they do, or may.
pub(crate) fn regex_notes(
    class: GatewayClass,
    can: &Capabilities,
    route: &Match,
) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for each in route.headers.iter().chain(&route.query) {
        let ValueMatch::Regex(pattern) = &each.value else { continue };
        if is_anchored(pattern) {
            continue;
        }
        let name = &each.name;
        let note = match can.regex {
            Anchoring::Whole => continue,
            Anchoring::Search => format!(
                "the gateway class `{class}` searches `{name}` for `{pattern}`: a value that has it somewhere in it is gray; `^(?:{pattern})$` means the whole value"
            ),
            Anchoring::Unknown => format!(
                "the gateway class `{class}` does not say whether `{pattern}` must match all of `{name}` or a part of it; `^(?:{pattern})$` means all"
            ),
        };
        notes.push(Diagnostic::note(note).at(each.place.clone()));
    }
    notes
}

/// The other classes that could express a match, as a line of a remedy.
fn others(class: GatewayClass, route: &Match) -> String {
    let can = |other: &&GatewayClass| {
        **other != class && refusals(of(**other).capabilities(), route).is_empty()
    };
    let names: Vec<&str> =
        GatewayClass::ALL.iter().filter(can).map(|other| other.as_str()).collect();
    if names.is_empty() {
        return String::new();
    }
    format!("\ngateway classes that can express the whole match: {}", names.join(", "))
}

/// What a dialect can match, as one sentence.
fn abilities(can: &Capabilities) -> String {
    let mut parts = Vec::new();
    let values = |values: Values| match values {
        Values::None => None,
        Values::Fixed => Some("the value `always`"),
        Values::Exact => Some("exact values"),
        Values::ExactOrRegex => Some("exact values and regular expressions"),
    };
    let count = |count: usize, what: &str| match count {
        1 => format!("one {what}"),
        usize::MAX => format!("any number of {what}s"),
        count => format!("up to {count} {what}s"),
    };
    if let Some(how) = values(can.header) {
        parts.push(format!("{} ({how})", count(can.headers, "header")));
    }
    if let Some(how) = values(can.query) {
        parts.push(format!("{} ({how})", count(can.queries, "query parameter")));
    }
    if let Some(how) = values(can.cookie) {
        parts.push(format!("a cookie ({how})"));
    }
    if can.weight {
        parts.push("a weight".to_owned());
    }
    format!("it can match {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{exact, nothing, regex};
    use super::*;

    #[test]
    fn what_the_engine_of_a_gateway_refuses_is_told() {
        let told = |class, pattern: &str| -> Vec<String> {
            let route = Match { headers: vec![regex("x", pattern)], ..nothing() };
            malformed(class, &route).into_iter().map(|error| error.message).collect()
        };
        for class in GatewayClass::ALL {
            for pattern in ["beta++", r"\p{Letter}"] {
                let told = told(*class, pattern).join("\n");
                assert!(told.contains("gateways differ in how they read"), "{class}: {told}");
            }
            assert_eq!(told(*class, r"^\p{Lu}+?$"), [""; 0], "{class}");
            let repeats = told(*class, "(a{20}){51}").join("\n");
            assert_eq!(
                repeats.contains("asks for 1020 repetitions"),
                !is_pcre(*class),
                "{repeats}"
            );
        }
    }

    #[test]
    fn queries_are_compared_as_they_are_sent() {
        let refused = |class: GatewayClass, text: &str| {
            let route = Match { query: vec![exact("q", text)], ..nothing() };
            malformed(class, &route).iter().any(|error| error.message.contains("as it is sent"))
        };
        for class in UNDECODED {
            for text in ["a b", "ä", "a&b", "\"a\""] {
                assert!(refused(class, text), "{class} {text}");
            }
            for text in ["a%20b", "a+b", "a=b", "", "2.0"] {
                assert!(!refused(class, text), "{class} {text}");
            }
        }
        assert!(!refused(GatewayClass::Apisix, "a b"));
        assert!(!refused(GatewayClass::GatewayApi, "a b"));
    }
}
