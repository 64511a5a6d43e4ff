//! Routes of several lanes in one object: the VirtualService of a host of the mesh.
//!
//! Sidecars take one VirtualService for a host and drop any other, so lanes that have gray copies of
//! one Service share it. It belongs to none of them: it stands in a directory of its own, and its
//! text is all that is known of it. A lane's route goes with the gray Service that it leads to.

mod host;
mod manifest;

use std::collections::{BTreeMap, HashSet};

use crate::diagnostic::{Diagnostic, Place};
use crate::kube::object::ObjectRef;

pub use host::ServiceHost;
pub use manifest::{LANES, object_of};

/// A lane's route to its copy of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneRoute {
    /// The baseline's Service, as callers name it.
    pub host: ServiceHost,
    /// The tag that requests of the lane carry.
    pub tag: String,
    /// Where requests of the lane go.
    pub way: Way,
    /// Where the spec says so.
    pub place: Place,
}

/// Where requests of a lane go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The header that carries the tag, in lower case.
    pub header: String,
    /// The gray Service.
    pub gray: ServiceHost,
}

/// The ways of all lanes: by the baseline's Service, then by tag.
///
/// No Service is there without a way, so that equal routes have equal files, byte by byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedRoutes(BTreeMap<ServiceHost, BTreeMap<String, Way>>);

impl SharedRoutes {
    /// Whether no lane has a route here.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out the routes that lead to these Services.
    pub fn take_out(&mut self, gone: &HashSet<ServiceHost>) {
        self.0.retain(|_, ways| {
            ways.retain(|_, way| !gone.contains(&way.gray));
            !ways.is_empty()
        });
    }

    /// Puts a lane's routes in the place of those it had; `own` are the Services that are or were
    /// its copies.
    ///
    /// # Errors
    ///
    /// Another lane of the same tag has a route for the same Service; with `force` it is replaced.
    pub fn put(
        &mut self,
        routes: &[LaneRoute],
        own: &HashSet<ServiceHost>,
        force: bool,
    ) -> Result<(), Vec<Diagnostic>> {
        self.take_out(own);
        let mut errors = Vec::new();
        for route in routes {
            let ways = self.0.entry(route.host.clone()).or_default();
            if let Some(other) = ways.get(&route.tag).filter(|other| **other != route.way && !force)
            {
                let error = Diagnostic::error(format!(
                    "requests for {} with the tag `{}` go to {} already, which is of another lane",
                    route.host, route.tag, other.gray
                ));
                errors.push(error.at(route.place.clone()).remedy(
                    "give each lane a tag of its own; or replace a route that was left over with `--force`",
                ));
                continue;
            }
            ways.insert(route.tag.clone(), route.way.clone());
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The routes for these Services alone.
    #[must_use]
    pub fn only(&self, hosts: &HashSet<&ServiceHost>) -> Self {
        let kept = self.0.iter().filter(|(host, _)| hosts.contains(host));
        Self(kept.map(|(host, ways)| (host.clone(), ways.clone())).collect())
    }

    /// The Services with the tags of the lanes that have a route to a copy of it.
    pub fn tags(&self) -> impl Iterator<Item = (&ServiceHost, Vec<&str>)> {
        self.0.iter().map(|(host, ways)| (host, ways.keys().map(String::as_str).collect()))
    }

    /// The object that holds the routes for each Service, in their order, each with its manifest.
    ///
    /// # Errors
    ///
    /// None are known; a skeleton could be wrong.
    pub fn manifests(&self) -> Result<Vec<(ObjectRef, String)>, Diagnostic> {
        let each = self.0.iter();
        each.map(|(host, ways)| Ok((object_of(host), manifest::text(host, ways)?))).collect()
    }

    /// Adds the routes of a manifest; whether it is one that holds some.
    #[must_use]
    pub fn add(&mut self, manifest: &str) -> bool {
        let Some((host, ways)) = manifest::read(manifest) else { return false };
        if !ways.is_empty() {
            self.0.entry(host).or_default().extend(ways);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn host(name: &str) -> ServiceHost {
        ServiceHost::new(name, "prod")
    }

    fn route(name: &str, tag: &str) -> LaneRoute {
        let gray = host(&format!("{name}-mse-{tag}"));
        let place = Place { file: Arc::from("s.yaml"), line: 1, column: 1, text: String::new() };
        let way = Way { header: "x-mse-tag".to_owned(), gray };
        LaneRoute { host: host(name), tag: tag.to_owned(), way, place }
    }

    fn own(routes: &[LaneRoute]) -> HashSet<ServiceHost> {
        routes.iter().map(|route| route.way.gray.clone()).collect()
    }

    fn shown(routes: &SharedRoutes) -> Vec<String> {
        routes.tags().map(|(host, tags)| format!("{}: {}", host.name, tags.join(" "))).collect()
    }

    #[test]
    fn the_order_of_lanes_is_no_matter() {
        let lanes = [
            vec![route("web", "gray"), route("api", "gray")],
            vec![route("web", "pr-1")],
            vec![route("web", "a"), route("db", "a")],
        ];
        let all = |order: [usize; 3]| {
            let mut routes = SharedRoutes::default();
            for lane in order.map(|at| &lanes[at]) {
                routes.put(lane, &own(lane), false).unwrap();
            }
            routes
        };
        assert_eq!(shown(&all([0, 1, 2])), ["api: gray", "db: a", "web: a gray pr-1"]);
        for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            assert_eq!(all(order), all([0, 1, 2]));
        }
    }

    #[test]
    fn a_lane_loses_what_it_no_longer_covers_and_others_nothing() {
        let mut routes = SharedRoutes::default();
        let (old, other) = ([route("web", "gray"), route("api", "gray")], [route("api", "pr-1")]);
        routes.put(&old, &own(&old), false).unwrap();
        routes.put(&other, &own(&other), false).unwrap();
        routes.put(&old[..1], &own(&old), false).unwrap();
        assert_eq!(shown(&routes), ["api: pr-1", "web: gray"]);
        routes.take_out(&own(&old));
        assert_eq!(shown(&routes), ["api: pr-1"]);
        routes.take_out(&own(&other));
        assert!(routes.is_empty());
    }

    #[test]
    fn two_lanes_of_one_tag_may_not_want_the_same() {
        let mut routes = SharedRoutes::default();
        let first = [route("web", "gray")];
        let mut second = first.clone();
        second[0].way.gray = host("web-other-gray");
        routes.put(&first, &own(&first), false).unwrap();
        let errors = routes.put(&second, &own(&second), false).unwrap_err();
        assert!(errors[0].message.contains("web-mse-gray.prod"), "{errors:?}");
        routes.put(&second, &own(&second), true).unwrap();
        // The suffix was changed: both are this lane's.
        let both: HashSet<_> = own(&first).into_iter().chain(own(&second)).collect();
        routes.put(&first, &both, false).unwrap();
    }
}
