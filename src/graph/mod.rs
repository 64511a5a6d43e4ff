//! Pictures of lanes: gateways, services with their baseline and gray instances, and the ways that
//! marked and other requests take.
//!
//! [`Graph`] is what is drawn, made from the ways that [`crate::trace`] finds; one file per format.

mod advance;
mod dot;
mod layout;
mod mermaid;
mod order;
mod places;
mod svg;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use crate::kube::object::ObjectRef;
use crate::trace::{Cluster, Matrix};
use places::{SHOWN, places};
use ways::{Entered, Step, Ways, ways};

pub use dot::dot;
pub use mermaid::{is_drawn_by_mermaid, mermaid};
pub use svg::svg;

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The gateways that requests come in by, by name.
    pub gateways: Vec<DrawnGateway>,
    /// The lanes.
    pub lanes: Vec<DrawnLane>,
    /// The services, by name.
    pub services: Vec<DrawnService>,
    /// The ways of requests, in order; each once for a lane, and once for all other requests.
    pub edges: Vec<Edge>,
}

/// A gateway of a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrawnGateway {
    /// Its name.
    pub name: String,
    /// Some of the hosts with paths that the requests are for, in order.
    pub places: Vec<String>,
}

/// A lane of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnLane {
    /// Its name.
    pub name: String,
    /// Its tag.
    pub tag: String,
}

/// A service of a picture: a workload of the baseline and its copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnService {
    /// The workload of the baseline, or the copy where the baseline has none.
    pub name: String,
    /// Whose its instances are: positions of lanes, `None` for the baseline, which comes first.
    pub instances: Vec<Option<usize>>,
}

/// One end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// A gateway, by position.
    Gateway(usize),
    /// The instance of a service, both by position.
    Instance(usize, usize),
}

impl End {
    /// A name for it that every format can have.
    fn id(self) -> String {
        match self {
            Self::Gateway(number) => format!("g{number}"),
            Self::Instance(service, position) => format!("s{service}i{position}"),
        }
    }
}

/// Fill and line of each lane, in turn.
const HUES: [(&str, &str); 4] = [
    ("#ffe8cc", "#d9480f"),
    ("#d3f9d8", "#2b8a3e"),
    ("#e5dbff", "#6741d9"),
    ("#c5f6fa", "#0b7285"),
];

/// A step on the way of requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who calls.
    pub from: End,
    /// Who answers.
    pub to: End,
    /// The lane whose requests these are; `None` for all other requests.
    pub lane: Option<usize>,
    /// What marks the requests, at a gateway; empty elsewhere.
    pub label: String,
}

impl Graph {
    /// The picture of a cluster: all lanes with their services, and whatever the requests of `matrix`
    /// pass that match an entry, or have nothing that an entry asks for.
    pub fn new(cluster: &Cluster, matrix: &Matrix) -> Self {
        let ways = ways(cluster, matrix);
        let mut shown: BTreeSet<usize> = ways.entered.iter().map(|entered| entered.to).collect();
        shown.extend(ways.steps.iter().flat_map(|step| [step.caller, step.to]));
        let of_lanes = cluster.workloads.iter().enumerate();
        shown.extend(of_lanes.filter(|(_, one)| one.lane.is_some()).map(|(at, _)| at));
        let mut graph = Self { lanes: lanes(cluster), ..Self::default() };
        let ends = graph.add_services(cluster, &shown);
        graph.add_edges(cluster, &ways, &ends);
        graph
    }

    /// Adds the services of these workloads; where each workload is among them.
    fn add_services(&mut self, cluster: &Cluster, shown: &BTreeSet<usize>) -> BTreeMap<usize, End> {
        let mut services: BTreeMap<&ObjectRef, BTreeSet<(Option<usize>, usize)>> = BTreeMap::new();
        for at in shown {
            let workload = &cluster.workloads[*at];
            let base = workload.base.as_ref().unwrap_or(&workload.id);
            services.entry(base).or_default().insert((workload.lane, *at));
        }
        // A copy is drawn beside what it is a copy of, though nothing passes that.
        for (at, workload) in cluster.workloads.iter().enumerate() {
            if workload.lane.is_none()
                && let Some(instances) = services.get_mut(&workload.id)
            {
                instances.insert((None, at));
            }
        }
        let mut ends = BTreeMap::new();
        for (number, (base, instances)) in services.into_iter().enumerate() {
            let mut service =
                DrawnService { name: base.name.clone(), instances: Vec::with_capacity(2) };
            for (position, (lane, at)) in instances.into_iter().enumerate() {
                service.instances.push(lane);
                ends.insert(at, End::Instance(number, position));
            }
            self.services.push(service);
        }
        ends
    }

    fn add_edges(&mut self, cluster: &Cluster, ways: &Ways, ends: &BTreeMap<usize, End>) {
        let mut gateways: BTreeMap<usize, usize> = BTreeMap::new();
        let mut edges = BTreeSet::new();
        for Entered { lane, gateway, label, to } in &ways.entered {
            let number = *gateways.entry(*gateway).or_insert_with(|| {
                self.gateways.push(drawn_gateway(cluster, *gateway, &ways.routes));
                self.gateways.len() - 1
            });
            let (from, label) = (End::Gateway(number), label.clone());
            edges.extend(ends.get(to).map(|to| Edge { from, to: *to, lane: *lane, label }));
        }
        for Step { lane, caller, to } in &ways.steps {
            if let (Some(from), Some(to)) = (ends.get(caller), ends.get(to)) {
                edges.insert(Edge { from: *from, to: *to, lane: *lane, label: String::new() });
            }
        }
        self.edges = edges.into_iter().collect();
    }

    /// What an instance is called: its lane, or `baseline`.
    fn instance(&self, lane: Option<usize>) -> &str {
        lane.and_then(|lane| self.lanes.get(lane)).map_or("baseline", |lane| lane.name.as_str())
    }
}

fn drawn_gateway(
    cluster: &Cluster,
    gateway: usize,
    routes: &BTreeSet<(usize, usize)>,
) -> DrawnGateway {
    let name = cluster.gateways.get(gateway).map_or("", |gateway| gateway.name.as_str());
    let own = routes.range((gateway, 0)..=(gateway, usize::MAX));
    let own = own.filter_map(|(_, route)| cluster.routes.get(*route));
    let all: BTreeSet<String> =
        own.flat_map(|route| places(&route.id.kind, route.document.root())).collect();
    let has_more = all.len() > SHOWN;
    let mut shown: Vec<String> = all.into_iter().take(SHOWN).collect();
    shown.extend(has_more.then(|| "and more".to_owned()));
    let name = if name.is_empty() { "gateway" } else { name };
    DrawnGateway { name: name.to_owned(), places: shown }
}

fn lanes(cluster: &Cluster) -> Vec<DrawnLane> {
    let lanes = cluster.lanes.iter();
    lanes.map(|lane| DrawnLane { name: lane.name.clone(), tag: lane.tag.clone() }).collect()
}

#[cfg(test)]
mod tests;
