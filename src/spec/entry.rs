//! Whether the entry of a service means something.

use std::collections::HashMap;

use super::check::{Check, Rule, items};
use super::model::{CookieMatch, Entry, Match, NameMatch, ObjectName, ValueMatch};
use super::{http, raw, syntax};
use crate::diagnostic::Place;
use crate::kube::names;
use crate::yaml::NodeRef;

/// An entry, unless something is missing.
pub(super) fn read(check: &mut Check, raw: &raw::Entry, node: NodeRef<'_>) -> Option<Entry> {
    let ingress = raw.ingress.as_ref().map(|name| {
        let place = check.value_place(node.get("ingress"));
        let remedy = "use the name of an Ingress of the baseline, without a kind";
        check.fits("name of an Ingress", name, names::dns_subdomain, &place, remedy);
        (ObjectName { kind: "Ingress".to_owned(), name: name.clone() }, place)
    });
    let named = raw.route.as_ref().and_then(|text| {
        let place = check.value_place(node.get("route"));
        check.object(text, &place).map(|object| (object, place))
    });
    if let (Some((_, first)), Some((_, second))) = (&ingress, &named) {
        let (message, remedy) = ("an entry has both `ingress` and `route`", "keep one of them");
        check.clash(message.to_owned(), second, first, "the other one", remedy);
    }
    let route = raw.matches.as_ref().and_then(|raw| route(check, raw, node.get("match")?));
    Some(Entry { place: check.place(Some(node)), baseline: ingress.or(named), route: route? })
}

fn route(check: &mut Check, raw: &raw::Match, node: NodeRef<'_>) -> Option<Match> {
    let place = check.place(Some(node));
    let headers =
        names(check, &raw.headers, node.get("headers"), "header", syntax::http_token, true);
    let query = names(
        check,
        &raw.query,
        node.get("query"),
        "query parameter",
        syntax::annotation_text,
        false,
    );
    let cookie = raw.cookie.as_ref().and_then(|raw| cookie(check, raw, node.get("cookie")?));
    // Only what is written counts: conditions that are wrong have been reported.
    let is_empty =
        node.entries().all(|(_, condition)| condition.is_sequence() && condition.is_empty());
    if is_empty {
        check.error(
            "the match is empty, so that no request or every request would be gray",
            &place,
            "add `headers`, `cookie`, `query` or `weight`, for instance\nheaders: [{name: x-user-id, exact: \"100\"}]",
        );
        return None;
    }
    Some(Match { headers, cookie, query, weight: raw.weight, place })
}

fn names(
    check: &mut Check,
    raw: &[Option<raw::NameMatch>],
    node: Option<NodeRef<'_>>,
    what: &str,
    rule: Rule,
    fold_case: bool,
) -> Vec<NameMatch> {
    let mut matches = Vec::new();
    let mut first: HashMap<String, Place> = HashMap::new();
    for (raw, node) in items(raw, node) {
        let place = check.place(node.get("name").or(Some(node)));
        let value = value(check, raw, node, &place);
        let Some(name) = &raw.name else { continue };
        let at = check.value_place(node.get("name"));
        check.fits(
            &format!("name of a {what}"),
            name,
            rule,
            &at,
            "write it as requests have it, such as `x-user-id`",
        );
        let key = if fold_case { name.to_ascii_lowercase() } else { name.clone() };
        if let Some(first) = first.insert(key, place.clone()) {
            check.clash(
                format!("the {what} `{name}` is there twice"),
                &place,
                &first,
                "the first one",
                "use one `regex` for several values: `^(100|200)$`",
            );
        }
        if let Some(value) = value {
            matches.push(NameMatch { name: name.clone(), value, place });
        }
    }
    matches
}

fn value(
    check: &mut Check,
    raw: &raw::NameMatch,
    node: NodeRef<'_>,
    place: &Place,
) -> Option<ValueMatch> {
    match (node.get("exact"), node.get("regex")) {
        (Some(exact), None) => {
            let text = raw.exact.as_ref()?;
            is_value(check, text, exact);
            Some(ValueMatch::Exact(text.clone()))
        }
        (None, Some(regex)) => {
            let text = raw.regex.as_ref()?;
            is_value(check, text, regex);
            Some(ValueMatch::Regex(text.clone()))
        }
        (Some(_), Some(regex)) => {
            let place = check.place(Some(regex));
            check.error("a match has both `exact` and `regex`", &place, "keep one of them");
            None
        }
        // An unknown field, which has been reported, was meant to be one of the two.
        (None, None) if node.entries().any(|(field, _)| field != "name") => None,
        (None, None) => {
            check.error(
                "a match has neither `exact` nor `regex`",
                place,
                "add `exact:` with the value, or `regex:` with an expression for it",
            );
            None
        }
    }
}

fn is_value(check: &mut Check, text: &str, node: NodeRef<'_>) {
    let place = check.value_place(Some(node));
    let remedy = "leave such characters out; a `regex` can have `.` in their place";
    check.fits("value of a match", text, syntax::annotation_text, &place, remedy);
}

fn cookie(check: &mut Check, raw: &raw::CookieMatch, node: NodeRef<'_>) -> Option<CookieMatch> {
    if let (Some(value), Some(node)) = (&raw.value, node.get("value")) {
        let place = check.value_place(Some(node));
        let remedy = "write it as requests have it: applications encode other characters, such as `%20` for a blank";
        check.fits("value of a cookie", value, http::cookie_value, &place, remedy);
    }
    let name = raw.name.as_ref()?;
    let place = check.value_place(node.get("name"));
    let remedy = "write it as requests have it, such as `canary`";
    check.fits("name of a cookie", name, syntax::http_token, &place, remedy);
    Some(CookieMatch {
        name: name.clone(),
        value: raw.value.clone(),
        place: check.place(Some(node)),
    })
}
