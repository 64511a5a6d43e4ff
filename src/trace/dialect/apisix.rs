//! Apache APISIX with its ingress controller, router `radixtree_host_uri`.
//!
//! Sources: apache/apisix, apisix/http/router/radixtree_host_uri.lua and cli/config.lua (the
//! default); api7/lua-resty-radixtree (order of paths) and lua-resty-expr (expressions);
//! apache/apisix-ingress-controller, api/v2/apisixroute_types.go and internal/adc/translator.

use std::cmp::Reverse;

use super::super::answer::{Answer, Backend, Dropped, Outcome, Part, Share, by_weight};
use super::super::condition::{Engine, HostFit, Truth, Wildcard, fits, host_fit, matches};
use super::super::request::{HeaderEdit, Request};
use super::super::route::{IngressPath, PathType, Route, ingress_paths};
use crate::gateway::GREATEST_WEIGHT;
use crate::yaml::NodeRef;

/// A host and path pattern of a route.
struct Entry<'a> {
    at: usize,
    host: String,
    /// With `*` where it is no exact path.
    pattern: String,
    priority: i128,
    from: From<'a>,
}

#[derive(Clone, Copy)]
enum From<'a> {
    /// An entry of an ApisixRoute's `http`.
    Rule(&'a Route, NodeRef<'a>),
    /// A path of an Ingress; those have priority 0.
    Path(IngressPath<'a>),
}

impl<'a> From<'a> {
    fn route(&self) -> &'a Route {
        match self {
            Self::Rule(route, _) => route,
            Self::Path(path) => path.route,
        }
    }

    fn node(&self) -> NodeRef<'a> {
        match self {
            Self::Rule(_, node) => *node,
            Self::Path(path) => path.node,
        }
    }
}

const ANNOTATIONS: &[&str] = &["k8s.apisix.apache.org"];

fn items<'a>(node: NodeRef<'a>, keys: &[&str]) -> impl Iterator<Item = NodeRef<'a>> {
    node.at(keys).into_iter().flat_map(NodeRef::items)
}

fn entries<'a>(routes: &[&'a Route]) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    for (at, route) in routes.iter().enumerate().filter(|(_, it)| it.id.kind == "ApisixRoute") {
        for rule in items(route.document.root(), &["spec", "http"]) {
            let priority = rule.get("priority").and_then(NodeRef::as_int).unwrap_or(0);
            let mut hosts: Vec<&str> =
                items(rule, &["match", "hosts"]).filter_map(NodeRef::as_str).collect();
            if hosts.is_empty() {
                hosts.push("");
            }
            for host in hosts {
                for path in items(rule, &["match", "paths"]).filter_map(NodeRef::as_str) {
                    let from = From::Rule(route, rule);
                    let (host, pattern) = (host.to_ascii_lowercase(), path.to_owned());
                    entries.push(Entry { at, host, pattern, priority, from });
                }
            }
        }
    }
    for path in ingress_paths(routes) {
        // The controller makes two patterns of a prefix: itself and all below it.
        let mut patterns = vec![path.path.to_owned()];
        if path.kind == PathType::Prefix {
            patterns.push(format!("{}/*", path.path.trim_end_matches('/')));
        }
        for pattern in patterns {
            let host = path.host.to_ascii_lowercase();
            entries.push(Entry { at: path.at, host, pattern, priority: 0, from: From::Path(path) });
        }
    }
    entries
}

/// What the gateway does with a request.
pub(super) fn answer(routes: &[&Route], request: &Request) -> Answer {
    let entries = entries(routes);
    let fit = |entry: &Entry<'_>| host_fit(&entry.host, &request.host, Wildcard::AnyLabels);
    let mut levels: Vec<HostFit> = entries.iter().filter_map(fit).collect();
    levels.sort_unstable();
    levels.dedup();
    // A level that has no route for the request leaves it to the next.
    for level in levels.into_iter().rev() {
        let mut at_level: Vec<&Entry<'_>> = entries
            .iter()
            .filter(|entry| fit(entry) == Some(level) && path_fits(&entry.pattern, &request.path))
            .collect();
        at_level.sort_by_key(|entry| order(entry));
        for (number, entry) in at_level.iter().enumerate() {
            match holds(&entry.from, request) {
                Truth::No => continue,
                Truth::Unknown(why) => return Answer::undecided(why),
                Truth::Yes => {}
            }
            let rival = at_level.iter().skip(number + 1).take_while(|it| order(it) == order(entry));
            let rival = rival
                .filter(|other| {
                    other.from.node().offset() != entry.from.node().offset() || other.at != entry.at
                })
                .find(|other| holds(&other.from, request) != Truth::No);
            if let Some(other) = rival {
                return Answer::undecided(format!(
                    "{} and {} both match `{}` with priority {}: which one answers depends on the order in which they were made",
                    entry.from.route().id,
                    other.from.route().id,
                    entry.pattern,
                    entry.priority
                ));
            }
            return forwarded(entry);
        }
    }
    Answer::nothing(format!("no route matches `{}{}`", request.host, request.path))
}

/// Exact paths first, by priority; then the longer part before the `*`, by priority only where that
/// is the same, then the longer pattern.
fn order(entry: &Entry<'_>) -> (bool, Reverse<usize>, Reverse<i128>, Reverse<usize>) {
    let literal = entry.pattern.find('*');
    let length = literal.unwrap_or(0);
    (literal.is_some(), Reverse(length), Reverse(entry.priority), Reverse(entry.pattern.len()))
}

/// Whether a path fits a pattern of a route.
pub(in crate::trace) fn path_fits(pattern: &str, path: &str) -> bool {
    if pattern.contains('*') { fits(pattern, path) } else { pattern == path }
}

/// Whether methods, expressions and the rest of a rule hold.
fn holds(from: &From<'_>, request: &Request) -> Truth {
    let (route, rule) = match from {
        From::Rule(route, rule) => (route, *rule),
        From::Path(path) => {
            let is_regex = path.route.annotation(ANNOTATIONS, "use-regex") == Some("true");
            return match is_regex && path.kind == PathType::Specific {
                true => matches(path.path, &request.path, Engine::Search),
                false => Truth::Yes,
            };
        }
    };
    for unknown in ["remoteAddrs", "filter_func"] {
        if rule.at(&["match", unknown]).is_some() {
            return Truth::Unknown(format!("`{unknown}` of {} is not simulated", route.id));
        }
    }
    let methods: Vec<&str> =
        items(rule, &["match", "methods"]).filter_map(NodeRef::as_str).collect();
    let by_method = Truth::of(methods.is_empty() || methods.contains(&request.method.as_str()));
    by_method.and(|| Truth::all(items(rule, &["match", "exprs"]).map(|it| expression(it, request))))
}

/// Whether an expression holds. Absent values fulfil what is negated.
fn expression(node: NodeRef<'_>, request: &Request) -> Truth {
    let text = |keys: &[&str]| node.at(keys).and_then(NodeRef::text).unwrap_or_default();
    let name = text(&["subject", "name"]);
    let found = match text(&["subject", "scope"]) {
        "Header" => request.header(name),
        "Query" => request.query(name).map(str::to_owned),
        "Cookie" => request.cookie(name).map(str::to_owned),
        "Path" => Some(request.path.clone()),
        other => return Truth::Unknown(format!("expressions on `{other}` are not simulated")),
    };
    let value = text(&["value"]);
    let set = || items(node, &["set"]).filter_map(NodeRef::text);
    let found = found.as_deref();
    let regex = |any_case: bool| {
        let engine = if any_case { Engine::SearchAnyCase } else { Engine::Search };
        found.map_or(Truth::No, |found| matches(value, found, engine))
    };
    let number = |is: fn(f64, f64) -> bool| {
        let pair = found.and_then(|found| found.trim().parse().ok()).zip(value.trim().parse().ok());
        Truth::of(pair.is_some_and(|(found, value)| is(found, value)))
    };
    match text(&["op"]) {
        "Equal" => Truth::of(found == Some(value)),
        "NotEqual" => Truth::of(found != Some(value)),
        "In" => Truth::of(found.is_some_and(|found| set().any(|one| one == found))),
        "NotIn" => Truth::of(!found.is_some_and(|found| set().any(|one| one == found))),
        "RegexMatch" => regex(false),
        "RegexMatchCaseInsensitive" => regex(true),
        "RegexNotMatch" => regex(false).not(),
        "RegexNotMatchCaseInsensitive" => regex(true).not(),
        "GreaterThan" => number(|found, value| found > value),
        "GreaterThanEqual" => number(|found, value| found >= value),
        "LessThan" => number(|found, value| found < value),
        "LessThanEqual" => number(|found, value| found <= value),
        other => Truth::Unknown(format!("the operator `{other}` is not one of ApisixRoute")),
    }
}

/// Where an entry leads.
fn forwarded(entry: &Entry<'_>) -> Answer {
    let route = entry.from.route();
    let share = |outcome| Share {
        part: Part::ALL,
        outcome,
        why: format!("path `{}`, priority {}", entry.pattern, entry.priority),
        route: Some(entry.at),
        place: entry.from.node().place(),
    };
    let mut weighted = Vec::new();
    match &entry.from {
        From::Path(path) => {
            weighted.push((1, share(Outcome::Backend(route.backend(path.service)))));
        }
        From::Rule(_, rule) => {
            let plugins = || {
                items(*rule, &["plugins"])
                    .filter(|plugin| plugin.get("enable").and_then(NodeRef::as_bool) != Some(false))
            };
            let named = |name: &'static str| {
                plugins().find(move |it| it.get("name").and_then(NodeRef::text) == Some(name))
            };
            if named("traffic-split").is_some() {
                let why = format!("the plugin `traffic-split` of {} is not simulated", route.id);
                return Answer::undecided(why);
            }
            let edits: Vec<HeaderEdit> = named("proxy-rewrite").map(rewrite).unwrap_or_default();
            for backend in items(*rule, &["backends"]) {
                let weight = backend.get("weight").and_then(NodeRef::as_int).unwrap_or(100);
                let name = backend.get("serviceName").and_then(NodeRef::text).unwrap_or_default();
                let backend = Backend { edits: edits.clone(), ..route.backend(name) };
                let weight = u64::try_from(weight).unwrap_or(0).min(GREATEST_WEIGHT);
                weighted.push((weight, share(Outcome::Backend(backend))));
            }
        }
    }
    match by_weight(weighted) {
        Some(shares) => Answer { shares, notes: Vec::new() },
        None => Answer::nothing(format!("{} has no backend for it", route.id)),
    }
}

/// What the plugin proxy-rewrite does to headers.
fn rewrite(plugin: NodeRef<'_>) -> Vec<HeaderEdit> {
    let Some(headers) = plugin.at(&["config", "headers"]) else { return Vec::new() };
    let text =
        |(name, value): (&str, NodeRef<'_>)| Some((name.to_owned(), value.text()?.to_owned()));
    let has_verbs =
        ["add", "set"].iter().any(|verb| headers.get(verb).is_some_and(NodeRef::is_mapping))
            || headers.get("remove").is_some_and(NodeRef::is_sequence);
    if !has_verbs {
        // The form before APISIX 3.0: a plain map of headers to set.
        let set = headers.entries().filter_map(text);
        return set.map(|(name, value)| HeaderEdit::Set(name, value)).collect();
    }
    let pairs = |list: &str| {
        let all = headers.get(list).into_iter().flat_map(NodeRef::entries);
        all.filter_map(text).collect::<Vec<_>>()
    };
    let add = pairs("add").into_iter().map(|(name, value)| HeaderEdit::Add(name, value));
    let mut edits: Vec<HeaderEdit> = add.collect();
    edits.extend(pairs("set").into_iter().map(|(name, value)| HeaderEdit::Set(name, value)));
    let remove = items(headers, &["remove"]).filter_map(NodeRef::text);
    edits.extend(remove.map(|name| HeaderEdit::Remove(name.to_owned())));
    edits
}

/// The router takes every route.
pub(super) fn dropped(_routes: &[&Route]) -> Vec<Dropped> {
    Vec::new()
}
