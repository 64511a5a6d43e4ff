//! Requests that fit the match of an entry, and requests that do not.

use super::condition::{Engine, Truth, matches};
use super::dialect::{apisix, gateway_api};
use super::example::{example, fits};
use super::matrix::Wanted;
use super::request::Request;
use super::route::{Route, ingress_paths};
use crate::spec::{Match, NameMatch, ValueMatch};
use crate::yaml::NodeRef;

/// The first host and path of a route, with an example in the place of wildcards.
pub(super) fn place_of(route: &Route) -> (String, String) {
    let (host, path) = match route.id.kind.as_str() {
        "Ingress" => match ingress_paths(&[route]).first() {
            Some(first) => (first.host.to_owned(), first.path.to_owned()),
            None => (String::new(), "/".to_owned()),
        },
        "HTTPRoute" => {
            let path = first(route, &["spec", "rules"], |rule| {
                rule.get("matches")?.item(0)?.at(&["path", "value"])?.as_str()
            });
            (first(route, &["spec", "hostnames"], NodeRef::as_str), path)
        }
        _ => {
            let of = |list: &'static str| {
                first(route, &["spec", "http"], move |rule| {
                    rule.at(&["match", list])?.item(0)?.as_str()
                })
            };
            (of("hosts"), of("paths"))
        }
    };
    (host_of(&host), path_of(&path))
}

/// A host that a pattern means.
fn host_of(pattern: &str) -> String {
    match pattern.strip_prefix("*.") {
        Some(domain) => format!("www.{domain}"),
        None if pattern.is_empty() || pattern == "*" => "localhost".to_owned(),
        None => pattern.to_owned(),
    }
}

/// A path that a pattern means.
fn path_of(pattern: &str) -> String {
    // What follows a wildcard or an expression is any text.
    let end = pattern.find(['*', '?', '(', '[', '\\', '$']).unwrap_or(pattern.len());
    let path = pattern.get(..end).unwrap_or("/");
    if path.is_empty() { "/".to_owned() } else { path.to_owned() }
}

/// A request that has what the first match of a route that fits what is wanted asks for besides the
/// match of its entry: what the baseline's route asks for too.
///
/// Sources: gateway-api, apis/v1 HTTPRouteMatch; apache/apisix-ingress-controller, api/v2
/// ApisixRouteHTTPMatch and ApisixRouteHTTPMatchExpr.
pub(super) fn bare(route: &Route, entry: &Match, wanted: Wanted<'_>) -> Request {
    let rules = match route.id.kind.as_str() {
        "HTTPRoute" => route.document.at(&["spec", "rules"]),
        "ApisixRoute" => route.document.at(&["spec", "http"]),
        _ => None,
    };
    let found: Vec<Conditions<'_>> =
        rules.into_iter().flat_map(NodeRef::items).flat_map(conditions_of).collect();
    let nothing = Conditions::default();
    let found = found.iter().find(|each| each.fit(wanted)).or(found.first()).unwrap_or(&nothing);
    let (mut host, mut path) = place_of(route);
    if let Some(own) = found.hosts.first() {
        host = host_of(own);
    }
    if let Some(own) = found.path() {
        path = path_of(own);
    }
    let bare = Request::new(wanted.host.unwrap_or(&host), wanted.path.unwrap_or(&path));
    let bare = match wanted.method.or(found.methods.first().copied()) {
        Some(method) => bare.with_method(method),
        None => bare,
    };
    let is_entrys =
        |all: &[NameMatch], name: &str| all.iter().any(|each| each.name.eq_ignore_ascii_case(name));
    found.values.iter().fold(bare, |request, (part, name, value)| match *part {
        "header" if !is_entrys(&entry.headers, name) && !name.eq_ignore_ascii_case("cookie") => {
            request.with_header(name, value)
        }
        "query" if !is_entrys(&entry.query, name) => request.with_query(name, value),
        "cookie" if entry.cookie.as_ref().is_none_or(|cookie| cookie.name != *name) => {
            request.with_cookie(name, value)
        }
        _ => request,
    })
}

/// What one match of a route asks of a request.
#[derive(Default)]
struct Conditions<'a> {
    /// The match of an HTTPRoute, which has a path.
    of_http_route: Option<NodeRef<'a>>,
    /// The hosts of an ApisixRoute.
    hosts: Vec<&'a str>,
    /// Its paths.
    patterns: Vec<&'a str>,
    /// Any of them; empty where it asks for none.
    methods: Vec<&'a str>,
    values: Vec<Condition<'a>>,
}

impl Conditions<'_> {
    /// The first path, as it is written.
    fn path(&self) -> Option<&str> {
        let of_http_route = self.of_http_route.and_then(|found| found.at(&["path", "value"]));
        of_http_route.and_then(NodeRef::as_str).or(self.patterns.first().copied())
    }

    /// Whether requests of a method, a host and a path can fit; what is not wanted fits.
    fn fit(&self, wanted: Wanted<'_>) -> bool {
        let has_host = |host: &str| {
            let host = Request::new(host, "/").host;
            self.hosts.is_empty()
                || self.hosts.iter().any(|it| match it.strip_prefix('*') {
                    Some(domain) => host.ends_with(&domain.to_ascii_lowercase()),
                    None => it.eq_ignore_ascii_case(&host),
                })
        };
        if !wanted.host.is_none_or(has_host) {
            return false;
        }
        let method = wanted.method.is_none_or(|method| {
            self.methods.is_empty() || self.methods.iter().any(|it| it.eq_ignore_ascii_case(method))
        });
        method
            && wanted.path.is_none_or(|path| {
                let path = Request::new("", path).path;
                self.of_http_route
                    .is_none_or(|node| gateway_api::path_fits(node, &path) == Truth::Yes)
                    && (self.patterns.is_empty()
                        || self.patterns.iter().any(|it| apisix::path_fits(it, &path)))
            })
    }
}

/// What each match of a rule asks.
fn conditions_of(rule: NodeRef<'_>) -> Vec<Conditions<'_>> {
    if let Some(found) = rule.get("match") {
        return vec![Conditions {
            of_http_route: None,
            hosts: texts(found, "hosts"),
            patterns: texts(found, "paths"),
            methods: texts(found, "methods"),
            values: exprs(found),
        }];
    }
    let matches: Vec<NodeRef<'_>> =
        rule.get("matches").into_iter().flat_map(NodeRef::items).collect();
    if matches.is_empty() {
        return vec![Conditions::default()];
    }
    let all = matches.into_iter().map(|found| Conditions {
        of_http_route: Some(found),
        hosts: Vec::new(),
        patterns: Vec::new(),
        methods: found.get("method").and_then(NodeRef::as_str).into_iter().collect(),
        values: fields(found),
    });
    all.collect()
}

fn texts<'a>(node: NodeRef<'a>, key: &str) -> Vec<&'a str> {
    let all = node.get(key).into_iter().flat_map(NodeRef::items);
    all.filter_map(NodeRef::as_str).collect()
}

/// A part of a request, the name of what is asked for in it, and a value that fits.
type Condition<'a> = (&'static str, &'a str, String);

/// Headers and query parameters of a match of an HTTPRoute.
fn fields(found: NodeRef<'_>) -> Vec<Condition<'_>> {
    let of = |key: &str, part: &'static str| {
        let all = found.get(key).into_iter().flat_map(NodeRef::items);
        all.filter_map(move |each| {
            let text = |key: &str| each.get(key).and_then(NodeRef::as_str);
            let value = text("value")?;
            let value = match text("type") {
                Some("RegularExpression") => example(value)?,
                _ => value.to_owned(),
            };
            Some((part, text("name")?, value))
        })
    };
    of("headers", "header").chain(of("queryParams", "query")).collect()
}

/// The expressions of a match of an ApisixRoute.
fn exprs(found: NodeRef<'_>) -> Vec<Condition<'_>> {
    let all = found.get("exprs").into_iter().flat_map(NodeRef::items);
    let conditions = all.filter_map(|each| {
        let text = |keys: &[&str]| each.at(keys).and_then(NodeRef::as_str);
        let part = match text(&["subject", "scope"])? {
            "Header" => "header",
            "Query" => "query",
            "Cookie" => "cookie",
            _ => return None,
        };
        let value = match text(&["op"])? {
            "Equal" => text(&["value"])?.to_owned(),
            "In" => each.get("set")?.item(0)?.as_str()?.to_owned(),
            "RegexMatch" => example(text(&["value"])?)?,
            _ => return None,
        };
        Some((part, text(&["subject", "name"])?, value))
    });
    conditions.collect()
}

fn first<'a>(
    route: &'a Route,
    keys: &[&str],
    of: impl Fn(NodeRef<'a>) -> Option<&'a str>,
) -> String {
    let item = route.document.at(keys).and_then(|list| list.item(0));
    item.and_then(of).unwrap_or_default().to_owned()
}

/// A request that fits a match; what the user says of a header counts where the match has an
/// expression.
///
/// # Errors
///
/// The name and the expression that no value could be derived for.
pub(super) fn matching(route: &Match, bare: &Request, said: &Request) -> Result<Request, String> {
    let mut request = bare.clone();
    let value = |each: &NameMatch, said: Option<String>| {
        match &each.value {
        ValueMatch::Exact(text) => Ok(text.clone()),
        ValueMatch::Regex(pattern) => said
            .filter(|value| fits(pattern, value))
            .or_else(|| example(pattern))
            .ok_or_else(|| format!("no value could be derived that `{pattern}` matches: give one by `--header {}=…`", each.name)),
    }
    };
    for header in &route.headers {
        let value = value(header, said.header(&header.name))?;
        request = request.with_header(&header.name, &value);
    }
    for query in &route.query {
        let value = value(query, said.query(&query.name).map(str::to_owned))?;
        request = request.with_query(&query.name, &value);
    }
    if let Some(cookie) = &route.cookie {
        request = request.with_cookie(&cookie.name, cookie.value.as_deref().unwrap_or("always"));
    }
    Ok(request)
}

/// A request that has all that a match asks for, with other values; `None` where it asks for
/// nothing, or no other value is known.
pub(super) fn not_matching(route: &Match, bare: &Request) -> Option<Request> {
    let other = |value: &ValueMatch| match value {
        ValueMatch::Exact(text) => Some(format!("not-{text}")),
        ValueMatch::Regex(pattern) => {
            let tries = ["other", "0", "~", "not gray"];
            let none = |text: &&str| matches(pattern, text, Engine::Search) == Truth::No;
            tries.iter().copied().find(none).map(str::to_owned)
        }
    };
    let mut request = bare.clone();
    for header in &route.headers {
        request = request.with_header(&header.name, &other(&header.value)?);
    }
    for query in &route.query {
        request = request.with_query(&query.name, &other(&query.value)?);
    }
    if let Some(cookie) = &route.cookie {
        request = request.with_cookie(&cookie.name, "other");
    }
    (request != *bare).then_some(request)
}

/// A request whose headers, cookie or query parameters all have a word that gateways know; `None`
/// where the match asks for none.
pub(super) fn with_word(route: &Match, bare: &Request, word: &str) -> Option<Request> {
    let headers = route.headers.iter();
    let mut request = headers.fold(bare.clone(), |it, header| it.with_header(&header.name, word));
    request = route.query.iter().fold(request, |it, query| it.with_query(&query.name, word));
    if let Some(cookie) = &route.cookie {
        request = request.with_cookie(&cookie.name, word);
    }
    (request != *bare).then_some(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_expressions_have_an_example() {
        for (pattern, expected) in [
            ("^100$", Some("100")),
            ("^(?:alice|bob)$", Some("alice")),
            ("1|2", Some("1")),
            (r"^v\d+\.\d{2}$", Some("v1.11")),
            ("[a-f0-9]{4}", Some("aaaa")),
            (r"^\w+@example\.com$", Some("a@example.com")),
            ("^x.*$", Some("xa")),
            ("(a(b|c)?)+", Some("ab")),
            ("(?!a)b", None),
            ("[^a]", None),
            ("(", None),
        ] {
            assert_eq!(example(pattern).as_deref(), expected, "{pattern}");
        }
        assert!(example(&"(".repeat(400)).is_none());
    }
}
