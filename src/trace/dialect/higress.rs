//! Higress and the gateways made of it: MSE and APIG. Their differences are the rows of [`TABLE`].
//!
//! Sources: alibaba/higress, pkg/ingress/kube/annotations/canary.go (what a canary matches),
//! pkg/ingress/config/ingress_config.go (`normalizeWeightedCluster`), pkg/ingress/kube/ingressv1/
//! controller.go (the base of a canary), pkg/ingress/kube/common/tool.go (`SortHTTPRoutes`);
//! Alibaba Cloud, "Annotations supported by MSE Ingress gateways" and its counterpart for APIG.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::super::answer::{Answer, Backend, Dropped, Outcome, Part, Share, by_weight};
use super::super::condition::{Engine, Truth, Wildcard, host_fit, is_below, matches};
use super::super::request::Request;
use super::super::route::{
    IngressPath, PathType, Route, best_host, default_backend, header_control, ingress_paths,
};
use crate::gateway::GREATEST_WEIGHT;
use crate::spec::GatewayClass;
use crate::yaml::NodeRef;

/// What sets one of these gateways apart.
struct Dialect {
    class: GatewayClass,
    /// Prefixes of the annotations that ingress-nginx has too, the first one first.
    shared: &'static [&'static str],
    /// The prefix of those that it has not.
    own: &'static str,
    /// What `canary-by-header-value` and `-pattern` mean.
    values: Values,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    /// A value is compared. How much a pattern must match is not documented. Cookies can have a
    /// value, queries count. Header and query are one condition, a cookie is another way in, which
    /// comes after them.
    Documented,
    /// A value is the expression `always|<value>`, not escaped; a pattern is `.*<pattern>.*`. The
    /// first of value, pattern and cookie ends the reading, a header wins over a cookie, and there
    /// are no queries.
    AsWritten,
}

const NGINX: &str = "nginx.ingress.kubernetes.io";

const TABLE: [Dialect; 3] = [
    Dialect {
        class: GatewayClass::Mse,
        shared: &[NGINX, "mse.ingress.kubernetes.io"],
        own: "mse.ingress.kubernetes.io",
        values: Values::Documented,
    },
    Dialect {
        class: GatewayClass::Apig,
        shared: &[NGINX, "higress.ingress.kubernetes.io"],
        own: "higress.ingress.kubernetes.io",
        values: Values::Documented,
    },
    Dialect {
        class: GatewayClass::Higress,
        shared: &[NGINX, "higress.io"],
        own: "higress.io",
        values: Values::AsWritten,
    },
];

fn dialect(class: GatewayClass) -> &'static Dialect {
    TABLE.iter().find(|row| row.class == class).unwrap_or(&TABLE[0])
}

/// What finds the base of a canary: host, type and path, and the other conditions of the route.
/// The namespace is no part of it.
type Key = (String, Kind, String, Vec<(String, String)>);

/// The type of a path after the gateway has put it into one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Exact,
    Prefix,
    Regex,
}

struct Rule<'a> {
    path: IngressPath<'a>,
    kind: Kind,
    /// Without a slash at its end, where it is a prefix.
    pattern: String,
    extra: Vec<(String, String)>,
}

impl Dialect {
    fn rule<'a>(&self, path: IngressPath<'a>) -> Rule<'a> {
        let route = path.route;
        let is_regex = route.annotation(self.shared, "use-regex") == Some("true");
        let kind = match path.kind {
            PathType::Exact => Kind::Exact,
            _ if is_regex => Kind::Regex,
            _ => Kind::Prefix,
        };
        let trimmed = path.path.trim_end_matches('/');
        let pattern = match kind {
            Kind::Prefix if !trimmed.is_empty() => trimmed,
            Kind::Prefix => "/",
            _ => path.path,
        };
        let is_condition = |name: &str| name == "match-method" || name.contains("-match-");
        let extra = route.annotations(self.own).filter(|(name, _)| is_condition(name));
        let mut extra: Vec<(String, String)> =
            extra.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        extra.sort_unstable();
        Rule { path, kind, pattern: pattern.to_owned(), extra }
    }

    /// Bases in the order of the manifests, and canaries by what finds their base.
    fn rules<'a>(&self, routes: &[&'a Route]) -> (Vec<Rule<'a>>, Vec<Rule<'a>>) {
        let all = ingress_paths(routes).into_iter().map(|path| self.rule(path));
        all.partition(|rule| !rule.path.route.is_canary())
    }

    /// The condition of a canary: by header and query, then by cookie; `None` where it has none.
    fn conditions(&self, route: &Route, request: &Request) -> [Option<(Truth, String)>; 2] {
        let of = |name: &str| {
            let text = route.annotation(self.shared, &format!("canary-by-{name}"));
            text.filter(|text| !text.is_empty())
        };
        let own = |name: &str| {
            let text = route.annotation(&[self.own], &format!("canary-by-{name}"));
            text.filter(|text| !text.is_empty())
        };
        if self.values == Values::AsWritten {
            let (value, pattern) = (of("header-value"), of("header-pattern"));
            let (what, expression) = match (of("header"), value, pattern, of("cookie")) {
                (Some(header), Some(value), _, _) => (header, format!("always|{value}")),
                (Some(header), None, Some(pattern), _) => (header, format!(".*{pattern}.*")),
                (Some(header), None, None, _) => (header, "always".to_owned()),
                (None, None, None, Some(cookie)) => {
                    ("cookie", format!(r"(.*?;\s*)?({cookie}=always)(;.*)?"))
                }
                _ => return [None, None],
            };
            let truth = match request.header(what) {
                Some(value) => matches(&expression, &value, Engine::Whole),
                None => Truth::No,
            };
            return [Some((truth, format!("header `{what}` matches all of `{expression}`"))), None];
        }
        let compare = |found: Option<&str>, value: Option<&str>, pattern: Option<&str>| {
            let Some(found) = found else { return Truth::No };
            match (value, pattern) {
                (Some(value), _) => Truth::of(found == value),
                (None, Some(pattern)) => matches(pattern, found, Engine::Unknown),
                (None, None) => Truth::of(found == "always"),
            }
        };
        let shown = |what: &str, name: &str, value: Option<&str>, pattern: Option<&str>| match (
            value, pattern,
        ) {
            (Some(value), _) => format!("{what} `{name}` is `{value}`"),
            (None, Some(pattern)) => format!("{what} `{name}` matches `{pattern}`"),
            (None, None) => format!("{what} `{name}` is `always`"),
        };
        let header = of("header").map(|name| {
            let (value, pattern) = (of("header-value"), of("header-pattern"));
            let truth = compare(request.header(name).as_deref(), value, pattern);
            (truth, shown("header", name, value, pattern))
        });
        let query = own("query").map(|name| {
            let (value, pattern) = (own("query-value"), own("query-pattern"));
            let truth = compare(request.query(name), value, pattern);
            (truth, shown("query parameter", name, value, pattern))
        });
        let first = match (header, query) {
            (Some((a, header)), Some((b, query))) => {
                Some((a.and(|| b), format!("{header} and {query}")))
            }
            (one, other) => one.or(other),
        };
        let cookie = of("cookie").map(|name| {
            let value = own("cookie-value");
            (compare(request.cookie(name), value, None), shown("cookie", name, value, None))
        });
        [first, cookie]
    }

    /// The weight of a canary and what weights of its route add up to; `None` where it goes by a
    /// match.
    fn weight(&self, route: &Route) -> Option<(u64, u64)> {
        let has = |name: &str| {
            let text = route.annotation(self.shared, name);
            text.or_else(|| route.annotation(&[self.own], name))
                .is_some_and(|text| !text.is_empty())
        };
        let number = |name: &str| route.annotation(self.shared, name)?.trim().parse::<u64>().ok();
        if has("canary-by-header") || has("canary-by-cookie") {
            return None;
        }
        if self.values == Values::Documented && has("canary-by-query") {
            return None;
        }
        // Reading ends at a value or pattern, be there a header or not.
        let ends = self.values == Values::AsWritten
            && (has("canary-by-header-value") || has("canary-by-header-pattern"));
        let weight = if ends { 0 } else { number("canary-weight").unwrap_or(0) };
        let total = number("canary-weight-total").filter(|total| *total > 0).unwrap_or(100);
        Some((weight.min(GREATEST_WEIGHT), total.min(GREATEST_WEIGHT)))
    }

    /// Where a route leads at one of its paths, with its header control and subset.
    fn backends(&self, path: &IngressPath<'_>) -> Vec<(u64, Backend)> {
        let route = path.route;
        let edits = header_control(route, self.own);
        let of_alibaba = self.values == Values::Documented;
        let subset = route.annotation(&[self.own], "service-subset").filter(|_| of_alibaba);
        let named = route.annotation(&[self.own], "destination").unwrap_or("");
        let mut backends: Vec<(u64, Backend)> = Vec::new();
        for line in named.lines().map(str::trim).filter(|line| !line.is_empty()) {
            // `60% web.prod.svc.cluster.local:8080`, or the host alone.
            let (weight, host) = line.split_once('%').unwrap_or(("100", line));
            let mut labels = host.trim().split([':', ' ']).next().unwrap_or("").split('.');
            let (name, namespace) = (labels.next().unwrap_or(""), labels.next());
            let mut backend = route.backend(name);
            namespace.unwrap_or(&route.id.namespace).clone_into(&mut backend.service.namespace);
            let weight: u64 = weight.trim().parse().unwrap_or(0);
            backends.push((weight.min(100), backend));
        }
        if backends.is_empty() && !path.service.is_empty() {
            backends.push((100, route.backend(path.service)));
        }
        for (_, backend) in &mut backends {
            backend.edits.clone_from(&edits);
            backend.subset = subset.map(str::to_owned);
        }
        backends
    }
}

impl Rule<'_> {
    fn key(&self) -> Key {
        let host = self.path.host.to_ascii_lowercase();
        (host, self.kind, self.pattern.clone(), self.extra.clone())
    }

    fn path_fits(&self, request: &Request) -> Truth {
        match self.kind {
            Kind::Exact => Truth::of(request.path == self.pattern),
            Kind::Prefix => Truth::of(is_below(&request.path, &self.pattern)),
            Kind::Regex => matches(&format!("{}.*", self.pattern), &request.path, Engine::Whole),
        }
    }

    /// The other conditions; a canary by header has its own in the place of those on headers.
    fn extra_fits(&self, request: &Request, with_headers: bool) -> Truth {
        Truth::all(self.extra.iter().map(|(name, value)| {
            if name == "match-method" {
                let mut methods = value.split_whitespace();
                return Truth::of(
                    methods.any(|method| method.eq_ignore_ascii_case(&request.method)),
                );
            }
            let Some((how, what)) = name.split_once("-match-") else { return Truth::Yes };
            let found = if let Some(header) = what.strip_prefix("header-") {
                if !with_headers {
                    return Truth::Yes;
                }
                request.header(header)
            } else if let Some(query) = what.strip_prefix("query-") {
                request.query(query).map(str::to_owned)
            } else {
                return Truth::Unknown(format!("`{name}` is not simulated"));
            };
            match (how, found) {
                (_, None) => Truth::No,
                ("exact", Some(found)) => Truth::of(found == *value),
                ("prefix", Some(found)) => Truth::of(found.starts_with(value.as_str())),
                ("regex", Some(found)) => matches(value, &found, Engine::Whole),
                _ => Truth::Unknown(format!("`{name}` is not simulated")),
            }
        }))
    }

    /// Exact paths, then prefixes, then expressions, the longer first, `/` of all at the end; then
    /// the more conditions, the sooner.
    fn order(&self) -> (bool, Kind, Reverse<usize>, Reverse<usize>) {
        let is_all = self.kind == Kind::Prefix && self.pattern == "/" && self.extra.is_empty();
        (is_all, self.kind, Reverse(self.pattern.len()), Reverse(self.extra.len()))
    }

    fn share(&self, backend: Backend, why: String) -> Share {
        Share {
            part: Part::ALL,
            outcome: Outcome::Backend(backend),
            why,
            route: Some(self.path.at),
            place: self.path.node.place(),
        }
    }
}

/// What a gateway of this class does with a request.
pub(super) fn answer(class: GatewayClass, routes: &[&Route], request: &Request) -> Answer {
    let dialect = dialect(class);
    let (mut bases, canaries) = dialect.rules(routes);
    let hosts = bases.iter().map(|rule| rule.path.host);
    // Envoy picks one virtual host and tries no second one.
    let best = best_host(hosts, &request.host, Wildcard::AnyLabels);
    bases.retain(|rule| {
        host_fit(rule.path.host, &request.host, Wildcard::AnyLabels) == best && best.is_some()
    });
    bases.sort_by_key(Rule::order);
    let mut by_base: HashMap<Key, Vec<&Rule<'_>>> = HashMap::new();
    for canary in &canaries {
        by_base.entry(canary.key()).or_default().push(canary);
    }
    for (number, base) in bases.iter().enumerate() {
        let path = base.path_fits(request);
        if path == Truth::No {
            continue;
        }
        let canaries = by_base.get(&base.key()).map_or(&[][..], Vec::as_slice);
        let fits = |with_headers| path.clone().and(|| base.extra_fits(request, with_headers));
        if let Some(answer) = by_match(dialect, canaries, request, &fits(false)) {
            return answer;
        }
        let all = match fits(true) {
            Truth::No => continue,
            Truth::Unknown(why) => return Answer::undecided(why),
            Truth::Yes => base_answer(dialect, base, canaries),
        };
        let second = bases.get(number + 1).filter(|second| second.key() == base.key());
        return all.note(second.map(|second| {
            format!(
                "{} and {} both have {}: the older one counts, taken to be the first",
                base.path.route.id,
                second.path.route.id,
                base.path.shown()
            )
        }));
    }
    match default_backend(routes) {
        Some((at, name)) => {
            let outcome = Outcome::Backend(routes[at].backend(name));
            let mut answer = Answer::all(outcome, "no rule matches: default backend".to_owned());
            answer.shares.iter_mut().for_each(|share| share.route = Some(at));
            answer
        }
        None if best.is_none() => {
            Answer::nothing(format!("no route for the host `{}`", request.host))
        }
        None => Answer::nothing(format!("no route of this host for the path `{}`", request.path)),
    }
}

/// The canary that a request matches, if it matches one.
fn by_match(
    dialect: &Dialect,
    canaries: &[&Rule<'_>],
    request: &Request,
    fits: &Truth,
) -> Option<Answer> {
    let asked: Vec<_> = canaries
        .iter()
        .map(|canary| (canary, dialect.conditions(canary.path.route, request)))
        .collect();
    for rank in 0..2 {
        let mut found: Vec<(&Rule<'_>, &String)> = Vec::new();
        for (canary, conditions) in &asked {
            let Some((truth, what)) = &conditions[rank] else { continue };
            match fits.clone().and(|| truth.clone()) {
                Truth::No => {}
                Truth::Yes => found.push((canary, what)),
                Truth::Unknown(why) => return Some(Answer::undecided(why)),
            }
        }
        if let [(first, _), .., (last, _)] = found.as_slice() {
            return Some(Answer::undecided(format!(
                "{} and {} both match: the older one answers, and manifests have no age",
                first.path.route.id, last.path.route.id
            )));
        }
        if let [(canary, what)] = found.as_slice() {
            let weighted = dialect.backends(&canary.path).into_iter();
            let shares = weighted.map(|(weight, to)| (weight, canary.share(to, (*what).clone())));
            return by_weight(shares.collect())
                .map(|shares| Answer { shares, notes: Vec::new() })
                .or_else(|| Some(Answer::nothing("the canary has no backend")));
        }
    }
    None
}

/// What becomes of requests that no canary matches: the base, and canaries by weight.
fn base_answer(dialect: &Dialect, base: &Rule<'_>, canaries: &[&Rule<'_>]) -> Answer {
    let weights: Vec<(&Rule<'_>, u64, u64)> = canaries
        .iter()
        .filter_map(|canary| {
            let (weight, total) = dialect.weight(canary.path.route)?;
            Some((*canary, weight, total))
        })
        .collect();
    let sum: u64 = weights.iter().map(|(_, weight, _)| weight).sum();
    let total = weights.iter().map(|(_, _, total)| *total).max().unwrap_or(100).max(sum);
    let mut notes = Vec::new();
    if weights.iter().any(|(_, _, other)| *other != weights.first().map_or(100, |first| first.2)) {
        notes.push(
            "canaries of one path have different `canary-weight-total`: taken is the largest"
                .to_owned(),
        );
    }
    // Higress reckons in percent, as 32-bit floating point numbers, and leaves fractions out.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "as the gateway does it; weights are at most a million"
    )]
    let percent = |weight: u64| ((weight as f32 / total as f32) * 100.0) as u64;
    let (scale, of): (u64, Box<dyn Fn(u64) -> u64>) = match dialect.values {
        Values::AsWritten => (100, Box::new(percent)),
        Values::Documented => (total, Box::new(|weight| weight)),
    };
    let mut weighted = Vec::new();
    let mut left = scale;
    for (canary, weight, _) in &weights {
        let share = of(*weight).min(left);
        left -= share;
        if *weight > 0 && share == 0 {
            notes.push(format!(
                "the weight {weight} of {total} of {} is less than a percent: the gateway makes it 0",
                canary.path.route.id
            ));
        }
        for (part, backend) in dialect.backends(&canary.path) {
            let why = format!("weight {weight} of {total}");
            weighted.push((share * part, canary.share(backend, why)));
        }
    }
    let has_canary = !canaries.is_empty();
    for (part, backend) in dialect.backends(&base.path) {
        let why = match (weights.is_empty(), has_canary) {
            (false, _) => "the rest of the weights",
            (true, true) => "no canary matches",
            (true, false) => "no canary stands beside this rule",
        };
        weighted.push((left * part, base.share(backend, why.to_owned())));
    }
    match by_weight(weighted) {
        Some(shares) => Answer { shares, notes },
        None => Answer::nothing("the rule has no backend"),
    }
}

/// The canaries that a gateway of this class takes no notice of.
pub(super) fn dropped(class: GatewayClass, routes: &[&Route]) -> Vec<Dropped> {
    let (bases, canaries) = dialect(class).rules(routes);
    let keys: std::collections::HashSet<Key> = bases.iter().map(Rule::key).collect();
    let without = canaries.iter().filter(|canary| !keys.contains(&canary.key()));
    let drop = |canary: &Rule<'_>| {
        Dropped {
        route: canary.path.at,
        what: canary.path.shown(),
        why: "no other Ingress has this host, path and path type: a canary without a base is left out".to_owned(),
        place: Some(canary.path.node).and_then(NodeRef::place),
    }
    };
    without.map(drop).collect()
}
