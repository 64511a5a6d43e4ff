//! ingress-nginx.
//!
//! Sources, all kubernetes/ingress-nginx: rootfs/etc/nginx/lua/balancer.lua
//! (`route_to_alternative_balancer`), internal/ingress/annotations/canary and parser/validators.go,
//! internal/ingress/controller/controller.go (`mergeAlternativeBackends`), location.go
//! (`updateServerLocations`), template/template.go (`buildLocation`, `buildServerName`),
//! k8s/main.go (`SetDefaultNGINXPathType`); nginx.org, "location" and "server_name".

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::super::answer::{Answer, Dropped, Outcome, Part, Share, by_weight};
use super::super::condition::{Engine, Truth, Wildcard, host_fit, is_below, matches};
use super::super::request::Request;
use super::super::route::{
    IngressPath, PathType, Route, best_host, default_backend, ingress_paths,
};
use crate::gateway::GREATEST_WEIGHT;

const PREFIX: &[&str] = &["nginx.ingress.kubernetes.io"];

/// What finds the location that a canary is merged into: host, path and path type, of which
/// `ImplementationSpecific`, or none, is `Prefix`.
fn key<'a>(path: &IngressPath<'a>) -> (String, &'a str, bool) {
    (path.host.to_ascii_lowercase(), path.path, path.kind == PathType::Exact)
}

/// Whether a location makes nginx take all paths of its host for expressions.
fn wants_regex(path: &IngressPath<'_>) -> bool {
    let rewrite = path.route.annotation(PREFIX, "rewrite-target").unwrap_or("");
    path.route.annotation(PREFIX, "use-regex") == Some("true")
        || (!rewrite.is_empty() && rewrite != path.path)
}

/// What a canary asks for, as far as the controller takes the annotations: a value that is not
/// valid is empty.
struct Canary<'a> {
    header: &'a str,
    value: &'a str,
    pattern: &'a str,
    cookie: &'a str,
    weight: u64,
    total: u64,
}

impl<'a> Canary<'a> {
    fn of(route: &'a Route) -> Self {
        let text = |name: &str, special: &str| {
            let text = route.annotation(PREFIX, name).unwrap_or("");
            let is_plain =
                |c: char| c.is_ascii_alphanumeric() || "/-._~:".contains(c) || special.contains(c);
            // Spaces are left out before the check, and only there.
            if text.chars().filter(|c| *c != ' ').all(is_plain) { text } else { "" }
        };
        let number = |name: &str| {
            let text = route.annotation(PREFIX, name).unwrap_or("").trim();
            text.parse::<u64>().unwrap_or(0).min(GREATEST_WEIGHT)
        };
        Self {
            header: text("canary-by-header", ""),
            value: text("canary-by-header-value", ""),
            pattern: text("canary-by-header-pattern", r"^$[](){}*+?|&=\"),
            cookie: text("canary-by-cookie", ""),
            weight: number("canary-weight"),
            // "weightTotal > 100", else it is 100.
            total: number("canary-weight-total").max(100),
        }
    }

    /// Whether a request goes to the canary for sure, to the base for sure, or by weight.
    fn decides(&self, request: &Request) -> (Option<Truth>, String) {
        let always_or_never = |what: &str, value: &str| match value {
            "always" => Some((Some(Truth::Yes), format!("{what} is `always`"))),
            "never" => Some((Some(Truth::No), format!("{what} is `never`"))),
            _ => None,
        };
        if let Some(found) = request.header(self.header).filter(|_| !self.header.is_empty()) {
            let what = format!("header `{}`", self.header);
            if !self.value.is_empty() {
                if self.value == found {
                    return (Some(Truth::Yes), format!("{what} is `{}`", self.value));
                }
            } else if !self.pattern.is_empty() {
                match matches(self.pattern, &found, Engine::Search) {
                    Truth::No => {}
                    truth => return (Some(truth), format!("{what} matches `{}`", self.pattern)),
                }
            } else if let Some(decided) = always_or_never(&what, &found) {
                return decided;
            }
        }
        if let Some(found) = request.cookie(self.cookie).filter(|_| !self.cookie.is_empty())
            && let Some(decided) = always_or_never(&format!("cookie `{}`", self.cookie), found)
        {
            return decided;
        }
        (None, format!("weight {} of {}", self.weight, self.total))
    }
}

/// What the gateway does with a request.
pub(super) fn answer(routes: &[&Route], request: &Request) -> Answer {
    let all = ingress_paths(routes);
    let (canaries, bases): (Vec<IngressPath<'_>>, Vec<IngressPath<'_>>) =
        all.into_iter().partition(|path| path.route.is_canary());
    // A wildcard is the expression `[\w-]+`, one label; a server that is found is the only one.
    let hosts = bases.iter().map(|path| path.host);
    let best = best_host(hosts, &request.host, Wildcard::OneLabel);
    let fits = |path: &&IngressPath<'_>| {
        best.is_some() && host_fit(path.host, &request.host, Wildcard::OneLabel) == best
    };
    let server: Vec<&IngressPath<'_>> = bases.iter().filter(fits).collect();
    let location = match location(&server, request) {
        Ok(Some(location)) => location,
        Ok(None) => return nothing(routes, request, best.is_some()),
        Err(why) => return Answer::undecided(why),
    };
    let mut notes = Vec::new();
    let same = server.iter().filter(|path| key(path) == key(location)).nth(1);
    if let Some(second) = same.filter(|second| second.route.id != location.route.id) {
        notes.push(format!(
            "{} and {} both have {}: the older one counts, taken to be the first",
            location.route.id,
            second.route.id,
            location.shown()
        ));
    }
    let merged: Vec<&IngressPath<'_>> = canaries
        .iter()
        .filter(|canary| key(canary) == key(location) && upstream(canary) != upstream(location))
        .collect();
    let base = |why: &str| (0, share(location, why.to_owned()));
    let Some(first) = merged.first() else {
        return one(base("no canary stands beside this rule").1).note(notes);
    };
    if let Some(second) = merged.get(1) {
        // `alternative_backends[1]`
        notes.push(format!(
            "{} and {} are canaries of one path: the first in the controller's order counts, taken to be {}",
            first.route.id, second.route.id, first.route.id
        ));
    }
    let canary = Canary::of(first.route);
    let answer = match canary.decides(request) {
        (Some(Truth::Yes), why) => one(share(first, why)),
        (Some(Truth::No), why) => one(share(location, why)),
        (Some(Truth::Unknown(why)), _) => Answer::undecided(why),
        (None, why) => {
            let weight = canary.weight.min(canary.total);
            let rest = match weight {
                0 => "no canary matches",
                _ => "the rest of the weight",
            };
            let weighted = vec![(weight, share(first, why)), (canary.total - weight, base(rest).1)];
            let shares = by_weight(weighted).unwrap_or_default();
            Answer { shares, notes: Vec::new() }
        }
    };
    answer.note(notes)
}

/// The location of a server that nginx takes for a request: the exact one, else the longest
/// beginning; where one of them is an expression all are, without regard to case, and the first
/// that matches, by length, counts.
fn location<'r, 'a>(
    server: &[&'r IngressPath<'a>],
    request: &Request,
) -> Result<Option<&'r IngressPath<'a>>, String> {
    if server.iter().any(|path| wants_regex(path)) {
        let mut sorted: Vec<&&IngressPath<'_>> = server.iter().collect();
        sorted.sort_by_key(|path| (Reverse(path.path.len()), Reverse(path.path)));
        for path in sorted {
            match matches(&format!("^{}", path.path), &request.path, Engine::SearchAnyCase) {
                Truth::Yes => return Ok(Some(path)),
                Truth::No => {}
                Truth::Unknown(why) => return Err(why),
            }
        }
        return Ok(None);
    }
    let exact =
        server.iter().find(|path| path.kind == PathType::Exact && path.path == request.path);
    if let Some(exact) = exact {
        return Ok(Some(exact));
    }
    let below = server
        .iter()
        .filter(|path| path.kind != PathType::Exact && is_below(&request.path, path.path));
    // Of equal ones the first counts.
    let mut best: Option<&&IngressPath<'_>> = None;
    for path in below {
        if best.is_none_or(|best| trimmed(path).len() > trimmed(best).len()) {
            best = Some(path);
        }
    }
    Ok(best.copied())
}

fn trimmed<'a>(path: &IngressPath<'a>) -> &'a str {
    path.path.trim_end_matches('/')
}

/// The upstream of a path: namespace, Service and port.
fn upstream<'a>(path: &IngressPath<'a>) -> (&'a str, &'a str, &'a str) {
    (&path.route.id.namespace, path.service, path.port)
}

fn nothing(routes: &[&Route], request: &Request, has_host: bool) -> Answer {
    if let Some((at, name)) = default_backend(routes) {
        let outcome = Outcome::Backend(routes[at].backend(name));
        let mut answer = Answer::all(outcome, "no rule matches: default backend".to_owned());
        answer.shares.iter_mut().for_each(|share| share.route = Some(at));
        return answer;
    }
    Answer::nothing(match has_host {
        true => format!("no route of this host for the path `{}`", request.path),
        false => format!("no route for the host `{}`", request.host),
    })
}

fn one(share: Share) -> Answer {
    Answer { shares: vec![share], notes: Vec::new() }
}

fn share(path: &IngressPath<'_>, why: String) -> Share {
    let outcome = match path.service {
        "" => Outcome::Gateway,
        name => Outcome::Backend(path.route.backend(name)),
    };
    Share { part: Part::ALL, outcome, why, route: Some(path.at), place: path.node.place() }
}

/// The canaries that the gateway takes no notice of.
pub(super) fn dropped(routes: &[&Route]) -> Vec<Dropped> {
    let (canaries, bases): (Vec<IngressPath<'_>>, Vec<IngressPath<'_>>) =
        ingress_paths(routes).into_iter().partition(|path| path.route.is_canary());
    let mut upstreams: HashMap<_, Vec<_>> = HashMap::new();
    for base in &bases {
        upstreams.entry(key(base)).or_default().push(upstream(base));
    }
    let mut taken = HashSet::new();
    let mut dropped = Vec::new();
    for canary in &canaries {
        let why = match upstreams.get(&key(canary)) {
            None => {
                "no other Ingress has this host, path and path type: the canary's backend is deleted"
            }
            Some(bases) if bases.contains(&upstream(canary)) => {
                "it leads to the same Service and port as the rule it stands beside: it is not merged"
            }
            Some(_) if !taken.insert(key(canary)) => {
                "another canary stands beside this rule: only one counts, and the admission webhook refuses a second"
            }
            Some(_) => continue,
        };
        dropped.push(Dropped {
            route: canary.at,
            what: canary.shown(),
            why: why.to_owned(),
            place: canary.node.place(),
        });
    }
    dropped
}
