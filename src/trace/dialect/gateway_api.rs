//! Gateway API: all matches of all HTTPRoutes of one gateway compete by one order.
//!
//! Source: kubernetes-sigs/gateway-api, apis/v1/httproute_types.go (`hostnames`, `matches`,
//! `backendRefs`) and conformance/tests/httproute-matching-across-routes.yaml.

use std::cmp::Reverse;

use super::super::answer::{Answer, Backend, Dropped, Outcome, Part, Share, by_weight};
use super::super::condition::{
    Engine, HostFit, Truth, Wildcard, host_fit, is_below, matches as expression,
};
use super::super::request::{HeaderEdit, Request};
use super::super::route::Route;
use crate::gateway::GREATEST_WEIGHT;
use crate::kube::object::ObjectRef;
use crate::yaml::NodeRef;

/// What a match is by the order of the specification; the smaller comes first.
type Rank = (
    Reverse<HostFit>,
    Reverse<bool>,
    Reverse<usize>,
    Reverse<bool>,
    Reverse<usize>,
    Reverse<usize>,
);

/// A match of a rule that a request fits.
struct Candidate<'a> {
    rank: Rank,
    at: usize,
    route: &'a Route,
    rule: NodeRef<'a>,
    /// The match; the rule where it has none.
    node: NodeRef<'a>,
    truth: Truth,
    has_regex_path: bool,
}

fn items<'a>(node: NodeRef<'a>, keys: &[&str]) -> impl Iterator<Item = NodeRef<'a>> {
    node.at(keys).into_iter().flat_map(NodeRef::items)
}

fn text<'a>(node: NodeRef<'a>, keys: &[&str]) -> Option<&'a str> {
    node.at(keys).and_then(NodeRef::text)
}

/// What the gateway does with a request.
pub(super) fn answer(routes: &[&Route], request: &Request) -> Answer {
    let mut candidates = Vec::new();
    for (at, route) in routes.iter().enumerate() {
        if let Some(fit) = best_fit(route, request) {
            candidates.extend(candidates_of(at, route, fit, request));
        }
    }
    candidates.retain(|candidate| candidate.truth != Truth::No);
    // Ties are for the older route: the baseline is taken for it, then the name decides.
    candidates.sort_by(|a, b| {
        let key = |it: &Candidate<'_>| {
            (
                it.rank,
                it.route.lane.is_some(),
                it.route.id.namespace.clone(),
                it.route.id.name.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    let Some(first) = candidates.first() else {
        return Answer::nothing(format!("no rule matches `{}{}`", request.host, request.path));
    };
    if let Truth::Unknown(why) = &first.truth {
        return Answer::undecided(why.clone());
    }
    let others = candidates
        .iter()
        .filter(|other| other.rule.offset() != first.rule.offset() || other.at != first.at);
    let regex = others
        .clone()
        .find(|other| other.has_regex_path != first.has_regex_path && other.rank.0 == first.rank.0);
    if let Some(other) = regex.filter(|_| candidates.iter().any(|it| it.has_regex_path)) {
        return Answer::undecided(format!(
            "{} and {} match, one of them by a regular expression for the path: which comes first is up to the implementation",
            first.route.id, other.route.id
        ));
    }
    // Which of two lanes is the older one, nothing tells.
    let lanes = others.clone().find(|other| {
        other.rank == first.rank
            && first.route.lane.is_some()
            && other.route.lane.is_some()
            && other.route.lane != first.route.lane
            && other.truth == Truth::Yes
    });
    if let Some(other) = lanes {
        return Answer::undecided(format!(
            "{} and {} of two lanes match equally well: the older one answers, and which that is cannot be told from manifests",
            first.route.id, other.route.id
        ));
    }
    let mut notes = Vec::new();
    if let Some(tie) = others.clone().find(|other| other.rank == first.rank && other.at != first.at)
    {
        let taken =
            if tie.route.lane == first.route.lane { "by its name" } else { "the baseline's" };
        notes.push(format!(
            "{} and {} match equally well: the older one answers, taken to be {} ({taken})",
            first.route.id, tie.route.id, first.route.id
        ));
    }
    let attached = routes.iter().filter_map(|route| best_fit(route, request)).max();
    if attached.is_some_and(|best| Reverse(best) != first.rank.0) {
        notes.push("a route for a more specific host has no rule for this request: gateways made of Envoy answer 404 here".to_owned());
    }
    forwarded(first).note(notes)
}

fn best_fit(route: &Route, request: &Request) -> Option<HostFit> {
    let root = route.document.root();
    let mut hosts: Vec<&str> =
        items(root, &["spec", "hostnames"]).filter_map(NodeRef::as_str).collect();
    if hosts.is_empty() {
        hosts.push("");
    }
    hosts.iter().filter_map(|host| host_fit(host, &request.host, Wildcard::AnyLabels)).max()
}

fn candidates_of<'a>(
    at: usize,
    route: &'a Route,
    fit: HostFit,
    request: &Request,
) -> Vec<Candidate<'a>> {
    let mut found = Vec::new();
    for rule in items(route.document.root(), &["spec", "rules"]) {
        let mut nodes: Vec<NodeRef<'_>> = items(rule, &["matches"]).collect();
        // A rule without matches is one for the prefix `/`.
        if nodes.is_empty() {
            nodes.push(rule);
        }
        let is_match = rule.at(&["matches"]).is_some_and(|list| !list.is_empty());
        for node in nodes {
            let empty = (Truth::Yes, (false, 1, false, 0, 0), false);
            let (truth, (exact, length, method, headers, query), regex) =
                if is_match { weigh(node, request) } else { empty };
            let rank = (
                Reverse(fit),
                Reverse(exact),
                Reverse(length),
                Reverse(method),
                Reverse(headers),
                Reverse(query),
            );
            found.push(Candidate { rank, at, route, rule, node, truth, has_regex_path: regex });
        }
    }
    found
}

/// Exact path, length of the path, method, number of headers, number of query parameters.
type Weight = (bool, usize, bool, usize, usize);

/// Whether the path of a match fits.
pub(in crate::trace) fn path_fits(node: NodeRef<'_>, asked: &str) -> Truth {
    let path = text(node, &["path", "value"]).unwrap_or("/");
    match text(node, &["path", "type"]).unwrap_or("PathPrefix") {
        "Exact" => Truth::of(asked == path),
        "PathPrefix" => Truth::of(is_below(asked, path)),
        _ => expression(path, asked, Engine::Unknown),
    }
}

/// Whether a match fits, what it weighs, and whether its path is an expression.
fn weigh(node: NodeRef<'_>, request: &Request) -> (Truth, Weight, bool) {
    let path = text(node, &["path", "value"]).unwrap_or("/");
    let kind = text(node, &["path", "type"]).unwrap_or("PathPrefix");
    let by_path = path_fits(node, &request.path);
    let method = text(node, &["method"]);
    let by_method = Truth::of(method.is_none_or(|method| method == request.method));
    let named = |list: &str, found: &dyn Fn(&str) -> Option<String>| {
        // Of names that are alike only the first counts.
        let mut names: Vec<String> = Vec::new();
        let mut truths = Vec::new();
        for each in items(node, &[list]) {
            let name = text(each, &["name"]).unwrap_or_default();
            let key = if list == "headers" { name.to_ascii_lowercase() } else { name.to_owned() };
            if names.contains(&key) {
                continue;
            }
            names.push(key);
            let value = text(each, &["value"]).unwrap_or_default();
            truths.push(match (found(name), text(each, &["type"])) {
                (None, _) => Truth::No,
                (Some(found), Some("RegularExpression")) => {
                    expression(value, &found, Engine::Unknown)
                }
                (Some(found), _) => Truth::of(found == value),
            });
        }
        (truths.len(), Truth::all(truths))
    };
    let (headers, by_headers) = named("headers", &|name| request.header(name));
    let (query, by_query) = named("queryParams", &|name| request.query(name).map(str::to_owned));
    let truth = Truth::all([by_path, by_method, by_headers, by_query]);
    let length = path.trim_end_matches('/').len().max(1);
    let weight = (kind == "Exact", length, method.is_some(), headers, query);
    (truth, weight, kind == "RegularExpression")
}

/// Where a rule leads.
fn forwarded(first: &Candidate<'_>) -> Answer {
    let own = &first.route.id.namespace;
    let filters = edits(first.rule);
    let share = |outcome, why: &str| Share {
        part: Part::ALL,
        outcome,
        why: why.to_owned(),
        route: Some(first.at),
        place: first.node.place(),
    };
    let why = why(first);
    let is_redirect = items(first.rule, &["filters"])
        .any(|filter| text(filter, &["type"]) == Some("RequestRedirect"));
    if is_redirect {
        return Answer {
            shares: vec![share(Outcome::Gateway, "the rule redirects")],
            notes: Vec::new(),
        };
    }
    let mut weighted = Vec::new();
    for backend in items(first.rule, &["backendRefs"]) {
        let weight = backend.get("weight").and_then(NodeRef::as_int);
        let weight =
            weight.map_or(1, |weight| u64::try_from(weight).unwrap_or(0).min(GREATEST_WEIGHT));
        let is_service = matches!(text(backend, &["kind"]), None | Some("Service"));
        let outcome = match text(backend, &["name"]).filter(|_| is_service) {
            Some(name) => {
                let namespace = text(backend, &["namespace"]).unwrap_or(own);
                let service = ObjectRef::new("", "Service", namespace, name);
                let edits = filters.iter().cloned().chain(edits(backend)).collect();
                Outcome::Backend(Backend { service, subset: None, edits })
            }
            None => Outcome::Gateway,
        };
        weighted.push((weight, share(outcome, &why)));
    }
    match by_weight(weighted) {
        Some(shares) => Answer { shares, notes: Vec::new() },
        None => Answer::nothing("the rule has no backend: 500"),
    }
}

fn why(first: &Candidate<'_>) -> String {
    let (_, Reverse(exact), _, Reverse(method), Reverse(headers), Reverse(query)) = first.rank;
    let path = match text(first.node, &["path", "value"]) {
        Some(path) if exact => format!("exact path `{path}`"),
        Some(path) => format!("path `{path}`"),
        None => "path `/`".to_owned(),
    };
    let counted = |count: usize, what: &str| match count {
        0 => String::new(),
        1 => format!(", 1 {what}"),
        count => format!(", {count} {what}s"),
    };
    let method = if method { ", the method" } else { "" };
    format!(
        "the best match: {path}{method}{}{}",
        counted(headers, "header"),
        counted(query, "query parameter")
    )
}

fn edits(holder: NodeRef<'_>) -> Vec<HeaderEdit> {
    let mut edits = Vec::new();
    for filter in items(holder, &["filters"]) {
        let Some(modifier) = filter.get("requestHeaderModifier") else { continue };
        let pair = |node: NodeRef<'_>| {
            Some((text(node, &["name"])?.to_owned(), text(node, &["value"])?.to_owned()))
        };
        let set = items(modifier, &["set"]).filter_map(pair);
        edits.extend(set.map(|(name, value)| HeaderEdit::Set(name, value)));
        let add = items(modifier, &["add"]).filter_map(pair);
        edits.extend(add.map(|(name, value)| HeaderEdit::Add(name, value)));
        let remove = items(modifier, &["remove"]).filter_map(NodeRef::text);
        edits.extend(remove.map(|name| HeaderEdit::Remove(name.to_owned())));
    }
    edits
}

/// HTTPRoutes that no listener takes: those without a parent.
pub(super) fn dropped(routes: &[&Route]) -> Vec<Dropped> {
    let is_attached = |route: &Route| {
        route.document.at(&["spec", "parentRefs"]).is_some_and(|list| !list.is_empty())
    };
    let loose = routes.iter().enumerate().filter(|(_, route)| !is_attached(route));
    let drop = |(at, route): (usize, &&Route)| Dropped {
        route: at,
        what: route.id.to_string(),
        why: "it names no parent: no gateway takes it".to_owned(),
        place: route.place(),
    };
    loose.map(drop).collect()
}
