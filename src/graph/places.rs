//! The hosts and paths that a route answers for, as they are shown at its gateway.

use std::collections::BTreeSet;

use crate::yaml::NodeRef;

/// So many places of a gateway are shown; that there are more is said.
pub(super) const SHOWN: usize = 3;

/// Where a kind of route has its hosts and paths. Each word is a key; all items of a list are meant.
struct Fields {
    kind: &'static str,
    /// Each of these has hosts and paths of its own.
    rules: &'static [&'static str],
    /// Hosts, from a rule; or from the root where they are for all rules.
    hosts: Hosts,
    /// Paths, from a rule.
    paths: &'static [&'static str],
}

enum Hosts {
    Rule(&'static [&'static str]),
    Root(&'static [&'static str]),
}

/// Sources: Kubernetes API reference, Ingress v1; gateway-api.sigs.k8s.io, "API specification",
/// HTTPRouteSpec; apisix.apache.org, "ApisixRoute" v2.
const FIELDS: [Fields; 3] = [
    Fields {
        kind: "Ingress",
        rules: &["spec", "rules"],
        hosts: Hosts::Rule(&["host"]),
        paths: &["http", "paths", "path"],
    },
    Fields {
        kind: "HTTPRoute",
        rules: &["spec", "rules"],
        hosts: Hosts::Root(&["spec", "hostnames"]),
        paths: &["matches", "path", "value"],
    },
    Fields {
        kind: "ApisixRoute",
        rules: &["spec", "http"],
        hosts: Hosts::Rule(&["match", "hosts"]),
        paths: &["match", "paths"],
    },
];

/// Hosts with paths, such as `shop.example.com/cart`; `*` is any host. Of each rule there are a few
/// more than are shown, however many it has.
pub(super) fn places(kind: &str, root: NodeRef<'_>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let Some(fields) = FIELDS.iter().find(|fields| fields.kind == kind) else { return all };
    for rule in at(root, fields.rules) {
        let hosts = match fields.hosts {
            Hosts::Rule(keys) => at(rule, keys),
            Hosts::Root(keys) => at(root, keys),
        };
        let hosts = texts(&hosts, "*");
        let paths = texts(&at(rule, fields.paths), "/");
        for host in hosts.iter().take(SHOWN + 1) {
            all.extend(paths.iter().take(SHOWN + 1).map(|path| format!("{host}{path}")));
        }
    }
    all
}

/// What stands behind these keys, in all items of the lists on the way.
fn at<'a>(root: NodeRef<'a>, keys: &[&str]) -> Vec<NodeRef<'a>> {
    let items = |node: NodeRef<'a>| -> Vec<NodeRef<'a>> {
        if node.is_sequence() { node.items().collect() } else { vec![node] }
    };
    keys.iter().fold(items(root), |nodes, key| {
        nodes.into_iter().filter_map(|node| node.get(key)).flat_map(items).collect()
    })
}

fn texts<'a>(nodes: &[NodeRef<'a>], otherwise: &'a str) -> Vec<&'a str> {
    let found: Vec<&str> =
        nodes.iter().filter_map(|node| node.text()).filter(|text| !text.is_empty()).collect();
    if found.is_empty() { vec![otherwise] } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn of(kind: &str, text: &str) -> Vec<String> {
        let stream = parse(Source::new("route.yaml", text.to_owned())).unwrap();
        let document = &stream.documents[0];
        places(kind, document.root()).into_iter().collect()
    }

    #[test]
    fn each_kind_of_route_tells_its_hosts_and_paths() {
        let ingress = "spec: {rules: [{host: b.example, http: {paths: [{path: /x}, {path: /y}]}}, {http: {paths: [{backend: {}}]}}]}";
        assert_eq!(of("Ingress", ingress), ["*/", "b.example/x", "b.example/y"]);
        let route = "spec: {hostnames: [a.example, b.example], rules: [{matches: [{path: {value: /x}}, {headers: []}]}, {}]}";
        assert_eq!(
            of("HTTPRoute", route),
            ["a.example/", "a.example/x", "b.example/", "b.example/x"]
        );
        let apisix = "spec: {http: [{match: {hosts: [a.example], paths: [/x, /y]}}, {match: {paths: [/z]}}]}";
        assert_eq!(of("ApisixRoute", apisix), ["*/z", "a.example/x", "a.example/y"]);
        assert!(of("Service", ingress).is_empty());
    }

    #[test]
    fn what_is_no_route_has_no_places() {
        for text in ["spec: []", "spec: {rules: x}", "x", "spec: {rules: [[{host: {}}]]}"] {
            let found = of("Ingress", text);
            assert!(found.iter().all(|place| place == "*/"), "{text}: {found:?}");
        }
    }
}
