//! Paths that a rule of a lane would take from other Services of its Ingress.
//!
//! ALB tries rules by order, not by the length of their paths: a lane's rule for `/` comes before the
//! baseline's for `/upload`. Source: Alibaba Cloud, "ALB Ingress Configuration Dictionary", order;
//! kubernetes/cloud-provider-alibaba-cloud, pkg/controller/ingress/reconcile/builder/albconfig_manager,
//! model_build_listener_rules.go, which numbers rules as they are written.

use std::collections::{HashMap, HashSet};

use super::alb::ALB;
use super::alb_expression::{Expression, SPECIAL};
use super::at;
use crate::diagnostic::Diagnostic;
use crate::yaml::NodeRef;

/// A path of an Ingress and where it leads.
pub(super) struct Route<'a> {
    /// Its position among those of its Ingress.
    number: usize,
    host: &'a str,
    pub(super) path: &'a str,
    pub(super) is_exact: bool,
    /// The path as a regular expression, where it is one.
    regex: Option<Expression>,
    service: &'a str,
    node: NodeRef<'a>,
}

/// Refuses paths that lead to a Service without a gray copy and that a path into the lane covers.
pub(super) fn taken(ingress: NodeRef<'_>, services: &HashMap<&str, &str>) -> Vec<Diagnostic> {
    let (gray, others): (Vec<Route<'_>>, Vec<Route<'_>>) =
        routes(ingress).into_iter().partition(|route| services.contains_key(route.service));
    let covered = Covered::by(&gray);
    others
        .iter()
        // By an expression a path takes nothing from those that come after it in the baseline too.
        .filter(|route| covered.has(route) || covered.may_have(route, |own| route.number < own))
        .map(|route| {
            let Route { path, service, node, .. } = route;
            // Of expressions it is not known whether they fit the same requests.
            let would = if covered.has(route) { "would" } else { "may" };
            let error = format!(
                "ALB tries the lane's rules first, so that gray requests for `{path}` {would} not reach `{service}`, which has no gray copy"
            );
            at(Diagnostic::error(error), Some(*node)).remedy(format!(
                "give `{path}` an Ingress of its own with a lower `alb.ingress.kubernetes.io/order` than the lane's, or copy `{service}` too"
            ))
        })
        .collect()
}

/// The paths of an Ingress that those of another one cover, with their nodes.
pub fn covered_paths<'a>(by: NodeRef<'_>, ingress: NodeRef<'a>) -> Vec<(&'a str, NodeRef<'a>)> {
    let by = routes(by);
    let covered = Covered::by(&by);
    let all = routes(ingress).into_iter();
    let all = all.filter(|route| covered.has(route) || covered.may_have(route, |_| true));
    all.map(|route| (route.path, route.node)).collect()
}

/// The paths of an Ingress that have a host and path of another one and custom conditions besides, with
/// their Services and nodes.
pub fn conditioned_paths<'a>(
    by: NodeRef<'_>,
    ingress: NodeRef<'a>,
) -> Vec<(&'a str, &'a str, NodeRef<'a>)> {
    let by = routes(by);
    let places: HashSet<(Host<'_>, &str)> =
        by.iter().map(|route| (Host::of(route.host), route.path)).collect();
    let has_conditions = |route: &Route<'_>| {
        let key = format!("{ALB}/conditions.{}", route.service);
        ingress.at(&["metadata", "annotations", &key]).is_some()
    };
    let all = routes(ingress).into_iter();
    all.filter(|route| places.contains(&(Host::of(route.host), route.path)))
        .filter(has_conditions)
        .map(|route| (route.path, route.service, route.node))
        .collect()
}

/// What paths cover.
struct Covered<'r, 'a> {
    exact: HashSet<(Host<'a>, &'a str)>,
    prefixes: HashSet<(Host<'a>, &'a str)>,
    all: &'r [Route<'a>],
    has_regex: bool,
}

impl<'r, 'a> Covered<'r, 'a> {
    fn by(routes: &'r [Route<'a>]) -> Self {
        let of = |is_exact: bool| {
            let literal = routes.iter().filter(|route| route.regex.is_none());
            let routes = literal.filter(move |route| route.is_exact == is_exact);
            routes.map(|route| (Host::of(route.host), trimmed(route.path))).collect()
        };
        let has_regex = routes.iter().any(|route| route.regex.is_some());
        Self { exact: of(true), prefixes: of(false), all: routes, has_regex }
    }

    /// Whether a path, or another one of those at positions that count, is an expression, and both may
    /// fit one request.
    fn may_have(&self, route: &Route<'_>, counts: impl Fn(usize) -> bool) -> bool {
        if !self.has_regex && route.regex.is_none() {
            return false;
        }
        let hosts: Vec<Host<'_>> = hosts_over(route.host).collect();
        let own = self.all.iter().filter(|own| own.regex.is_some() || route.regex.is_some());
        let mut own = own.filter(|own| counts(own.number) && hosts.contains(&Host::of(own.host)));
        own.any(|own| may_meet(own, route))
    }

    fn has(&self, route: &Route<'_>) -> bool {
        if route.regex.is_some() {
            return false;
        }
        let path = trimmed(route.path);
        hosts_over(route.host).any(|host| {
            self.exact.contains(&(host, path))
                || paths_over(path).any(|over| self.prefixes.contains(&(host, over)))
        })
    }
}

/// Whether two paths, one of them an expression at least, may fit the same request.
fn may_meet(own: &Route<'_>, other: &Route<'_>) -> bool {
    match (&own.regex, &other.regex) {
        (Some(pattern), None) => pattern.finds(other),
        (None, Some(pattern)) => pattern.finds(own) || pattern.is_below(own),
        (Some(own), Some(other)) => own.starts_alike(other),
        (None, None) => false,
    }
}

/// What a path of an Ingress is as a regular expression, if it is one that a literal path is not.
///
/// Source: Alibaba Cloud, "ALB Ingress Configuration Dictionary", `use-regex`: with the path type `Prefix`.
pub fn path_regex<'a>(path: &'a str, kind: Option<&str>, ingress: NodeRef<'_>) -> Option<&'a str> {
    let key = format!("{ALB}/use-regex");
    let is_on = ingress.at(&["metadata", "annotations", &key]).and_then(NodeRef::text);
    let is_regex = kind == Some("Prefix") && is_on == Some("true");
    let pattern = path.strip_prefix("~*").unwrap_or(path);
    Some(pattern).filter(|pattern| is_regex && pattern.contains(|c| SPECIAL.contains(c)))
}

fn routes(ingress: NodeRef<'_>) -> Vec<Route<'_>> {
    let mut routes = Vec::new();
    for rule in ingress.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items) {
        let host = rule.get("host").and_then(NodeRef::as_str).unwrap_or("");
        for path in rule.at(&["http", "paths"]).into_iter().flat_map(NodeRef::items) {
            let Some(backend) = path.get("backend") else { continue };
            let service = backend.at(&["service", "name"]).or_else(|| backend.get("serviceName"));
            let kind = path.get("pathType").and_then(NodeRef::as_str);
            let text = path.get("path").and_then(NodeRef::as_str).unwrap_or("/");
            routes.push(Route {
                number: routes.len(),
                host,
                path: text,
                is_exact: kind == Some("Exact"),
                regex: path_regex(text, kind, ingress).map(Expression::new),
                service: service.and_then(NodeRef::as_str).unwrap_or(""),
                node: path,
            });
        }
    }
    routes
}

/// A path up to its first wildcard, without a slash at its end.
pub(super) fn trimmed(path: &str) -> &str {
    let end = path.find(['*', '?']).unwrap_or(path.len());
    path.get(..end).unwrap_or(path).trim_end_matches('/')
}

/// The path and all above it; the root is empty.
pub(super) fn paths_over(path: &str) -> impl Iterator<Item = &str> {
    let parents =
        path.char_indices().filter(|(_, c)| *c == '/').filter_map(|(at, _)| path.get(..at));
    std::iter::once(path).chain(parents)
}

/// What a host is under in the sets of hosts: itself, its domain where a wildcard covers that, and no
/// host, which covers all.
fn hosts_over(host: &str) -> impl Iterator<Item = Host<'_>> {
    let parents =
        host.char_indices().filter(|(_, c)| *c == '.').filter_map(|(at, _)| host.get(at..));
    std::iter::once(Host::of(host)).chain(parents.map(Host::Below)).chain([Host::Any])
}

/// A host of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Host<'a> {
    Any,
    /// `*.example.com`, as `.example.com`.
    Below(&'a str),
    Named(&'a str),
}

impl<'a> Host<'a> {
    fn of(host: &'a str) -> Self {
        match host.strip_prefix('*') {
            _ if host.is_empty() || host == "*" => Self::Any,
            Some(domain) => Self::Below(domain),
            None => Self::Named(host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::alb::Alb;
    use super::super::fixture::{exact, nothing, written};
    use crate::spec::Match;

    #[test]
    fn a_lane_takes_no_path_of_others() {
        let refused = |gray: &str, other: &str| {
            let path = |at: &str, name: &str| {
                let (host, path, kind) = (
                    at.split('/').next().unwrap(),
                    at.find('/').and_then(|from| at.get(from..)).unwrap().trim_end_matches('!'),
                    if at.ends_with('!') { "Exact" } else { "Prefix" },
                );
                format!(
                    "  - host: \"{host}\"\n    http: {{paths: [{{path: {path}, pathType: {kind}, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}]}}\n"
                )
            };
            let text = format!(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: shop}}\nspec:\n  rules:\n{}{}",
                path(other, "other"),
                path(gray, "web")
            );
            let route = Match { headers: vec![exact("x", "1")], ..nothing() };
            let error = written(&Alb, &text, &route).err();
            error.is_some_and(|error| error.contains("would not reach `other`"))
        };
        for (gray, other) in [
            ("a.com/", "a.com/upload"),
            ("a.com/api", "a.com/api/v1"),
            ("a.com/api/", "a.com/api"),
            ("*.com/", "a.com/x"),
            ("/", "a.com/x"),
            ("a.com/x!", "a.com/x!"),
        ] {
            assert!(refused(gray, other), "{gray} {other}");
        }
        for (gray, other) in [
            ("a.com/", "b.com/"),
            ("a.com/api", "a.com/apis"),
            ("a.com/api", "a.com/"),
            ("a.com/x!", "a.com/x/y"),
            ("a.com/", "/x"),
        ] {
            assert!(!refused(gray, other), "{gray} {other}");
        }
    }

    #[test]
    fn paths_may_be_expressions() {
        let refused = |first: (&str, &str), second: (&str, &str)| {
            let path = |(path, name): (&str, &str)| {
                format!(
                    "      - {{path: '{path}', pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}\n"
                )
            };
            let text = format!(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: shop\n  annotations: {{alb.ingress.kubernetes.io/use-regex: 'true'}}\nspec:\n  rules:\n  - host: a.com\n    http:\n      paths:\n{}{}",
                path(first),
                path(second)
            );
            let route = Match { headers: vec![exact("x", "1")], ..nothing() };
            let error = written(&Alb, &text, &route).err();
            error.is_some_and(|error| error.contains("not reach `other`"))
        };
        for (other, gray) in [
            ("/api/upload", "/api/(.*)"),
            ("/api/upload", "/(api|v1)/(.*)"),
            ("/api/v[0-9]+/x", "/api"),
            ("/api/v1/(.*)", "/api/(.*)"),
            ("/(.*)/upload", "/api/v1/(.*)"),
            ("~*^/api/(.*)", "/"),
            ("/a/(?!b)", "/a/(.*)"),
            ("/static/.*|/upload/img/.*", "/upload/(.*)"),
            ("^/v1|^/upload/", "/upload/(.*)"),
        ] {
            assert!(refused((other, "other"), (gray, "web")), "{other} {gray}");
        }
        for (other, gray) in [
            ("/upload", "/api/(.*)"),
            ("/api/v2/(.*)", "/api/v1"),
            ("/api/v2/(.*)", "/api/v1/(.*)"),
            ("/apis", "^/api/(.*)"),
            ("/API", "/api"),
            ("/(x|y)", "/api"),
            ("/(static|assets)/(.*)", "/api/(.*)"),
        ] {
            assert!(!refused((other, "other"), (gray, "web")), "{other} {gray}");
        }
        // What comes after it gets none of these requests in the baseline.
        assert!(!refused(("/api/(.*)", "web"), ("/api/upload", "other")));
        assert!(!refused(("/api/(.*)", "web"), ("/(.*)", "other")));
    }
}
