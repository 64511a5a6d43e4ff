//! The routes of a gateway by host, so that a request is not held against all of them.

use std::collections::{BTreeSet, HashMap};

use super::route::{Route, default_backend, ingress_paths};

/// Positions of routes by the hosts that they have a say in.
#[derive(Clone, Debug, Default)]
pub(super) struct HostIndex {
    /// By host, in lower case; ascending.
    by_host: HashMap<String, Vec<usize>>,
    /// Those that may have a say in any host; ascending.
    of_any: Vec<usize>,
}

impl HostIndex {
    /// Adds a route by its position, which is greater than all before.
    pub(super) fn add(&mut self, position: usize, route: &Route) {
        match hosts(route) {
            Some(hosts) => {
                for host in hosts {
                    self.by_host.entry(host).or_default().push(position);
                }
            }
            None => self.of_any.push(position),
        }
    }

    /// The positions of all routes that may have a say in what becomes of requests for a host,
    /// ascending.
    pub(super) fn of(&self, host: &str) -> Vec<usize> {
        let own = self.by_host.get(&host.to_ascii_lowercase());
        let mut positions: Vec<usize> =
            self.of_any.iter().chain(own.into_iter().flatten()).copied().collect();
        positions.sort_unstable();
        positions
    }
}

/// The hosts that an Ingress has paths for. `None` where it may have a say in others: it takes what
/// nothing else does, has no host or a wildcard, or is of another kind.
fn hosts(route: &Route) -> Option<BTreeSet<String>> {
    let paths = ingress_paths(&[route]);
    let is_exact = |host: &str| !host.is_empty() && !host.starts_with('*');
    let is_bound = route.id.kind == "Ingress"
        && default_backend(&[route]).is_none()
        && !paths.is_empty()
        && paths.iter().all(|path| is_exact(path.host));
    is_bound.then(|| paths.iter().map(|path| path.host.to_ascii_lowercase()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::object::ObjectRef;
    use crate::yaml::{Source, parse};

    #[test]
    fn a_request_is_held_against_the_routes_of_its_host_and_those_of_any() {
        let route = |name: &str, rest: &str| {
            format!(
                "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  ingressClassName: nginx\n{rest}"
            )
        };
        let rule = |host: &str| {
            format!(
                "  rules: [{{{host}http: {{paths: [{{path: /{}, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]\n",
                host.len()
            )
        };
        let text = [
            route("other", &rule("host: other.example.com, ")),
            route("own", &rule("host: Shop.example.com, ")),
            route("wild", &rule("host: \"*.example.com\", ")),
            route("any", &rule("")),
            route("rest", "  defaultBackend: {service: {name: web, port: {number: 80}}}\n"),
        ]
        .concat();
        let documents = parse(Source::new("a.yaml", text)).unwrap().documents;
        let mut index = HostIndex::default();
        for (position, document) in documents.into_iter().enumerate() {
            let id = ObjectRef::new("networking.k8s.io", "Ingress", "shop", "x");
            index.add(position, &Route { id, lane: None, document });
        }
        assert_eq!(index.of("shop.example.com"), [1, 2, 3, 4]);
        assert_eq!(index.of("nowhere.org"), [2, 3, 4]);
    }
}
