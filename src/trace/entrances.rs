//! By which routes and gateways the entries of lanes are entered.

use std::collections::HashMap;

use super::cluster::{Cluster, TracedEntry};
use crate::kube::object::ObjectRef;

/// The routes of lanes and the gateways of routes, so that an entry is not held against all of them.
pub(super) struct Entrances<'a> {
    /// The first route of a lane with an identity, by position.
    by_id: HashMap<(usize, &'a ObjectRef), usize>,
    /// The first of each lane that is an Ingress.
    ingresses: HashMap<usize, usize>,
    /// The gateways of a route, ascending; all are positions.
    gateways: HashMap<usize, Vec<usize>>,
}

impl<'a> Entrances<'a> {
    pub(super) fn of(cluster: &'a Cluster) -> Self {
        let (mut by_id, mut ingresses) = (HashMap::new(), HashMap::new());
        for (number, route) in cluster.routes.iter().enumerate() {
            let Some(lane) = route.lane else { continue };
            by_id.entry((lane, &route.id)).or_insert(number);
            if route.id.kind == "Ingress" {
                ingresses.entry(lane).or_insert(number);
            }
        }
        let mut gateways: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, gateway) in cluster.gateways.iter().enumerate() {
            for route in &gateway.routes {
                let own = gateways.entry(*route).or_default();
                // A route may name a gateway twice.
                if own.last() != Some(&number) {
                    own.push(number);
                }
            }
        }
        Self { by_id, ingresses, gateways }
    }

    /// The first route that enters a lane by an entry.
    pub(super) fn route(&self, lane: usize, entry: &TracedEntry) -> Option<usize> {
        let canary = self.by_id.get(&(lane, &entry.canary)).copied();
        let made = self.ingresses.get(&lane).copied().filter(|_| entry.is_driven());
        canary.into_iter().chain(made).min()
    }

    /// The gateways of a route.
    pub(super) fn gateways(&self, route: usize) -> &[usize] {
        self.gateways.get(&route).map_or(&[], Vec::as_slice)
    }
}
