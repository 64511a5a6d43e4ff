//! Which instances a request reaches, and why: what the gateways do with it by their own rules,
//! over the routes of the baseline and of all lanes together, then the way from service to service.

mod answer;
mod answering;
mod build;
mod cloned;
mod cluster;
mod condition;
mod derive;
mod dialect;
mod entrances;
mod example;
mod hops;
mod host_index;
mod kruise;
mod matrix;
mod part;
mod reach;
mod request;
mod route;
mod show;
mod steps;
#[cfg(test)]
mod tests;
mod visit;

pub use answer::{Answer, Backend, Dropped, Outcome, Part, Share};
pub use build::of_releases;
pub use cluster::{Cluster, Gateway, TracedEntry, TracedLane, TracedObject, Workload};
pub use dialect::{answer, dropped};
pub use hops::Hop;
pub use matrix::{Cell, Kind, Matrix, Reached, Wanted, matrix};
pub use request::{HeaderEdit, Request};
pub use route::Route;
pub use show::{matrix_json, matrix_text, trace_json, trace_text};
pub use steps::{Arrival, Steps, arrivals};

/// The way of a request through one gateway.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The position of the gateway.
    pub gateway: usize,
    /// What it does, and what follows; parts sum up to all.
    pub ways: Vec<Way>,
    /// What the answer rests on beside the manifests.
    pub notes: Vec<String>,
}

/// One outcome of a request, and the way behind the gateway.
#[derive(Clone, Debug)]
pub struct Way {
    /// What the gateway does; its route is a position in the cluster's routes.
    pub share: Share,
    /// From service to service, starting at the one the gateway sends it to; empty where the
    /// gateway answers.
    pub hops: Vec<Hop>,
}

/// Host and path of the first entry, for a request that names none; those of the first route where no
/// lane has an entry.
pub fn default_place(cluster: &Cluster) -> Option<(String, String)> {
    let is_entry = |route: &&Route| {
        let lane = route.lane.and_then(|lane| cluster.lanes.get(lane));
        lane.is_some_and(|lane| lane.entries.iter().any(|entry| entry.is_entered_by(&route.id)))
    };
    let route = cluster.routes.iter().find(is_entry).or_else(|| cluster.routes.first());
    route.map(derive::place_of)
}

/// What a gateway does with a request; routes are positions in the cluster's routes.
fn asked(cluster: &Cluster, gateway: usize, request: &Request) -> Option<Answer> {
    let of = cluster.gateways.get(gateway)?;
    let positions = of.by_host.of(&request.host);
    let routes: Vec<&Route> =
        positions.iter().filter_map(|number| cluster.routes.get(*number)).collect();
    let mut answer = match of.class {
        Some(class) => answer(class, &routes, request),
        None if !route::is_host_known(&routes, &request.host) => {
            Answer::nothing(format!("no route for the host `{}`", request.host))
        }
        None => Answer::undecided(match of.name.as_str() {
            "" => "its routes name no class: say which gateway it is by `gateway.class` of a spec"
                .to_owned(),
            name => format!(
                "the class `{name}` is not one graylane knows: say which gateway it is by `gateway.class` of a spec"
            ),
        }),
    };
    for share in &mut answer.shares {
        share.route = share.route.and_then(|at| positions.get(at).copied());
    }
    Some(answer)
}

/// What all gateways do that have a route for a request, by position; what all do where none has.
fn answers(cluster: &Cluster, request: &Request) -> Vec<(usize, Answer)> {
    let all: Vec<(usize, Answer)> = (0..cluster.gateways.len())
        .filter_map(|gateway| Some((gateway, asked(cluster, gateway, request)?)))
        .collect();
    let has_route = |(_, answer): &(usize, Answer)| {
        answer.shares.iter().any(|share| share.outcome != Outcome::Gateway || share.route.is_some())
    };
    if !all.iter().any(has_route) {
        return all;
    }
    all.into_iter().filter(has_route).collect()
}

/// Follows a request through all gateways that have a route for it; through all where none has.
pub fn trace(cluster: &Cluster, request: &Request) -> Vec<Trace> {
    let way = |share: Share| {
        let hops = match &share.outcome {
            Outcome::Backend(backend) => hops::hops(
                cluster,
                &backend.service,
                backend.subset.as_deref(),
                &request.edited(&backend.edits),
            ),
            Outcome::Gateway | Outcome::Undecided => Vec::new(),
        };
        Way { share, hops }
    };
    let through = |(gateway, answer): (usize, Answer)| Trace {
        gateway,
        ways: answer.shares.into_iter().map(way).collect(),
        notes: answer.notes,
    };
    answers(cluster, request).into_iter().map(through).collect()
}

/// What the gateways take no notice of: the gateway's position, and the route with its position in
/// the cluster's routes.
pub fn dropped_routes(cluster: &Cluster) -> Vec<(usize, Dropped)> {
    let mut all = Vec::new();
    for (number, gateway) in cluster.gateways.iter().enumerate() {
        let Some(class) = gateway.class else { continue };
        let routes: Vec<&Route> =
            gateway.routes.iter().filter_map(|route| cluster.routes.get(*route)).collect();
        for mut each in dropped(class, &routes) {
            if let Some(route) = gateway.routes.get(each.route) {
                each.route = *route;
                all.push((number, each));
            }
        }
    }
    all
}
