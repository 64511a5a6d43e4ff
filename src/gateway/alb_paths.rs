//! Paths that a rule of a lane would take from other Services of its Ingress.
//!
//! ALB tries rules by order, not by the length of their paths: a lane's rule for `/` comes before the
//! baseline's for `/upload`. Source: Alibaba Cloud, "ALB Ingress Configuration Dictionary", order;
//! kubernetes/cloud-provider-alibaba-cloud, pkg/controller/ingress/reconcile/builder/albconfig_manager,
//! model_build_listener_rules.go, which numbers rules as they are written.

use std::collections::{HashMap, HashSet};

use super::at;
use crate::diagnostic::Diagnostic;
use crate::yaml::NodeRef;

/// A path of an Ingress and where it leads.
struct Route<'a> {
    host: &'a str,
    path: &'a str,
    is_exact: bool,
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
        .filter(|route| covered.has(route))
        .map(|route| {
            let Route { path, service, node, .. } = route;
            let error = format!(
                "ALB tries the lane's rules first, so that gray requests for `{path}` would not reach `{service}`, which has no gray copy"
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
    all.filter(|route| covered.has(route)).map(|route| (route.path, route.node)).collect()
}

/// What paths cover.
struct Covered<'a> {
    exact: HashSet<(Host<'a>, &'a str)>,
    prefixes: HashSet<(Host<'a>, &'a str)>,
}

impl<'a> Covered<'a> {
    fn by(routes: &[Route<'a>]) -> Self {
        let of = |is_exact: bool| {
            let routes = routes.iter().filter(move |route| route.is_exact == is_exact);
            routes.map(|route| (Host::of(route.host), trimmed(route.path))).collect()
        };
        Self { exact: of(true), prefixes: of(false) }
    }

    fn has(&self, route: &Route<'_>) -> bool {
        let path = trimmed(route.path);
        hosts_over(route.host).any(|host| {
            self.exact.contains(&(host, path))
                || paths_over(path).any(|over| self.prefixes.contains(&(host, over)))
        })
    }
}

fn routes(ingress: NodeRef<'_>) -> Vec<Route<'_>> {
    let mut routes = Vec::new();
    for rule in ingress.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items) {
        let host = rule.get("host").and_then(NodeRef::as_str).unwrap_or("");
        for path in rule.at(&["http", "paths"]).into_iter().flat_map(NodeRef::items) {
            let Some(backend) = path.get("backend") else { continue };
            let service = backend.at(&["service", "name"]).or_else(|| backend.get("serviceName"));
            routes.push(Route {
                host,
                path: path.get("path").and_then(NodeRef::as_str).unwrap_or("/"),
                is_exact: path.get("pathType").and_then(NodeRef::as_str) == Some("Exact"),
                service: service.and_then(NodeRef::as_str).unwrap_or(""),
                node: path,
            });
        }
    }
    routes
}

/// A path up to its first wildcard, without a slash at its end.
fn trimmed(path: &str) -> &str {
    let end = path.find(['*', '?']).unwrap_or(path.len());
    path.get(..end).unwrap_or(path).trim_end_matches('/')
}

/// The path and all above it; the root is empty.
fn paths_over(path: &str) -> impl Iterator<Item = &str> {
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
}
