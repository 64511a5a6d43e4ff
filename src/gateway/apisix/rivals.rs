//! Entries of other ApisixRoutes that have the priority of a lane's for the same host and path: which
//! of both APISIX asks first is not defined.
//!
//! Source: api7/lua-resty-radixtree, lib/resty/radixtree.lua: what is alike in path and priority stays
//! in the order in which it was inserted.

use std::collections::HashMap;

use super::route::{backends, paths, priority};
use crate::yaml::NodeRef;

/// The entries of all ApisixRoutes of a baseline, by where they compete.
#[derive(Debug, Default)]
pub struct ApisixRoutes {
    entries: HashMap<Place, Vec<Other>>,
}

/// Where entries compete: the class, the host, the path and the priority.
type Place = (String, String, String, i128);

#[derive(Debug)]
struct Other {
    rival: Equal,
    methods: Vec<String>,
    asked: Vec<Asked>,
}

/// What an entry asks for one value: the scope, the name and the value.
type Asked = (String, String, String);

/// An entry of another route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Equal {
    /// The position of its object.
    pub object: usize,
    /// Its position under `http`.
    number: usize,
    /// The path that both have.
    pub path: String,
    /// The priority that both have.
    pub priority: i128,
}

impl Equal {
    /// Its node in its route.
    pub fn node<'a>(&self, route: NodeRef<'a>) -> Option<NodeRef<'a>> {
        route.at(&["spec", "http"])?.items().nth(self.number)
    }

    /// The Services that it leads to.
    pub fn leads_to<'a>(&self, route: NodeRef<'a>) -> Vec<&'a str> {
        self.node(route).into_iter().flat_map(backends).collect()
    }
}

impl ApisixRoutes {
    /// Adds the route at this position of the baseline.
    pub fn add(&mut self, object: usize, route: NodeRef<'_>) {
        for (number, entry) in http(route).enumerate() {
            for (host, path) in hosts_and_paths(entry) {
                let (path, priority) = (path.to_owned(), priority(entry));
                let place = (class(route), host, path.clone(), priority);
                let rival = Equal { object, number, path, priority };
                let other = Other { rival, methods: methods(entry), asked: asked(entry) };
                self.entries.entry(place).or_default().push(other);
            }
        }
    }

    /// The entries that have class, host, path and priority of one of these and can fit the same
    /// request, each once.
    pub fn equal(&self, route: NodeRef<'_>) -> Vec<Equal> {
        let mut equal = Vec::new();
        for entry in http(route) {
            let (own, asked) = (methods(entry), asked(entry));
            for (host, path) in hosts_and_paths(entry) {
                let place = (class(route), host, path.to_owned(), priority(entry));
                let others = self.entries.get(&place).into_iter().flatten();
                let meets = |other: &&Other| {
                    let is_of_both = |method: &String| own.contains(method);
                    let shares_method = own.is_empty()
                        || other.methods.is_empty()
                        || other.methods.iter().any(is_of_both);
                    shares_method && !exclude(&asked, &other.asked)
                };
                equal.extend(others.filter(meets).map(|other| other.rival.clone()));
            }
        }
        equal.sort_unstable();
        equal.dedup_by_key(|it| (it.object, it.number));
        equal
    }
}

fn http(route: NodeRef<'_>) -> impl Iterator<Item = NodeRef<'_>> {
    route.at(&["spec", "http"]).into_iter().flat_map(NodeRef::items)
}

fn class(route: NodeRef<'_>) -> String {
    let class = route.at(&["spec", "ingressClassName"]).and_then(NodeRef::as_str);
    class.unwrap_or_default().to_owned()
}

fn texts(entry: NodeRef<'_>, key: &str) -> Vec<String> {
    let list = entry.at(&["match", key]).into_iter().flat_map(NodeRef::items);
    list.filter_map(NodeRef::as_str).map(str::to_owned).collect()
}

fn methods(entry: NodeRef<'_>) -> Vec<String> {
    texts(entry, "methods")
}

/// What the expressions of an entry ask for one value; all of them have to hold.
fn asked(entry: NodeRef<'_>) -> Vec<Asked> {
    let list = entry.at(&["match", "exprs"]).into_iter().flat_map(NodeRef::items);
    let equal = list.filter(|each| each.get("op").and_then(NodeRef::as_str) == Some("Equal"));
    let asked = equal.filter_map(|each| {
        let scope = each.at(&["subject", "scope"])?.as_str()?;
        let name = each.at(&["subject", "name"]).and_then(NodeRef::as_str).unwrap_or_default();
        let name = match scope {
            "Header" => name.to_ascii_lowercase(),
            _ => name.to_owned(),
        };
        Some((scope.to_owned(), name, each.get("value")?.as_str()?.to_owned()))
    });
    asked.collect()
}

/// Whether no request fits both.
fn exclude(one: &[Asked], other: &[Asked]) -> bool {
    let differ = |a: &Asked, b: &Asked| (&a.0, &a.1) == (&b.0, &b.1) && a.2 != b.2;
    one.iter().any(|a| other.iter().any(|b| differ(a, b)))
}

fn hosts_and_paths(entry: NodeRef<'_>) -> Vec<(String, &str)> {
    let mut hosts = texts(entry, "hosts");
    if hosts.is_empty() {
        hosts.push("*".to_owned());
    }
    let of = |host: String| paths(entry).map(move |path| (host.to_ascii_lowercase(), path));
    hosts.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Document, Source, parse};

    fn route(class: &str, priority: i8, matched: &str) -> Document {
        let text = format!(
            "kind: ApisixRoute\nspec:\n  ingressClassName: {class}\n  http:\n  - name: a\n    priority: {priority}\n    match: {{{matched}}}\n    backends: [{{serviceName: other}}]\n"
        );
        parse(Source::new("route.yaml", text)).unwrap().documents.remove(0)
    }

    #[test]
    fn equal_is_what_has_the_same_place_and_priority() {
        let lane = route("apisix", 1, "hosts: [a.com], paths: [/, /*], methods: [GET]");
        for (class, priority, matched, expected) in [
            ("apisix", 1, "hosts: [b.com, A.com], paths: [/x, /*]", true),
            ("apisix", 1, "hosts: [a.com], paths: [/*], methods: [POST, GET]", true),
            ("apisix", 1, "hosts: [a.com], paths: [/*], methods: [POST]", false),
            ("apisix", 0, "hosts: [a.com], paths: [/*]", false),
            ("apisix", 2, "hosts: [a.com], paths: [/*]", false),
            ("other", 1, "hosts: [a.com], paths: [/*]", false),
            ("apisix", 1, "hosts: [a.com], paths: [/x*]", false),
            ("apisix", 1, "paths: [/*]", false),
        ] {
            let other = route(class, priority, matched);
            let mut routes = ApisixRoutes::default();
            routes.add(7, other.root());
            let equal = routes.equal(lane.root());
            assert_eq!(equal.len(), usize::from(expected), "{class} {priority} {matched}");
            for each in equal {
                assert_eq!((each.object, each.leads_to(other.root())), (7, vec!["other"]));
            }
        }
    }

    #[test]
    fn equal_is_not_what_no_request_fits_too() {
        let matched = |scope: &str, name: &str, op: &str, value: &str| {
            format!(
                "hosts: [a.com], paths: [/*], exprs: [{{subject: {{scope: {scope}, name: {name}}}, op: {op}, value: '{value}'}}]"
            )
        };
        let is_equal = |own: &str, other: &str| {
            let mut routes = ApisixRoutes::default();
            routes.add(7, route("apisix", 1, other).root());
            !routes.equal(route("apisix", 1, own).root()).is_empty()
        };
        let own = matched("Header", "x-a", "Equal", "1");
        for (scope, name, op, value, expected) in [
            ("Header", "X-A", "Equal", "2", false),
            ("Header", "x-a", "Equal", "1", true),
            ("Header", "x-a", "RegexMatch", "2", true),
            ("Header", "x-b", "Equal", "2", true),
            ("Query", "x-a", "Equal", "2", true),
        ] {
            let other = matched(scope, name, op, value);
            assert_eq!(is_equal(&own, &other), expected, "{other}");
        }
        let query = |name: &str, value: &str| matched("Query", name, "Equal", value);
        assert!(!is_equal(&query("a", "1"), &query("a", "2")));
        assert!(is_equal(&query("a", "1"), &query("A", "2")));
    }
}
