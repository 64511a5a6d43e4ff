//! Who calls whom on the way of requests, without why: each visit is looked into once.

use std::collections::HashSet;

use super::answer::{Outcome, Share};
use super::answering::answering;
use super::answers;
use super::cluster::Cluster;
use super::request::Request;
use super::visit::{InLanes, Visit, in_lanes};

/// A share of requests and where it arrives behind a gateway.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The position of the gateway.
    pub gateway: usize,
    /// What the gateway does; its route is a position in the cluster's routes.
    pub share: Share,
    /// Positions of the workloads whose pods answer for the gateway; none where nothing does.
    pub answered_by: Vec<usize>,
    /// The lanes that the requests are in behind the gateway.
    pub(super) in_lanes: InLanes,
}

/// Where a request arrives: behind all gateways that have a route for it; behind all where none has.
pub fn arrivals(cluster: &Cluster, request: &Request) -> Vec<Arrival> {
    let mut all = Vec::new();
    for (gateway, answer) in answers(cluster, request) {
        for share in answer.shares {
            let (answered_by, in_lanes) = arrives(cluster, request, &share.outcome);
            all.push(Arrival { gateway, share, answered_by, in_lanes });
        }
    }
    all
}

/// Who answers where a request is led, and the lanes that it is in there; nobody but for a backend.
pub(super) fn arrives(
    cluster: &Cluster,
    request: &Request,
    outcome: &Outcome,
) -> (Vec<usize>, InLanes) {
    match outcome {
        Outcome::Backend(to) => (
            cluster.answering_for(&to.service, to.subset.as_deref()),
            in_lanes(cluster, &request.edited(&to.edits)),
        ),
        Outcome::Gateway | Outcome::Undecided => Default::default(),
    }
}

/// The steps from workload to workload of requests that belong together.
pub struct Steps<'a> {
    cluster: &'a Cluster,
    seen: HashSet<Visit>,
}

impl<'a> Steps<'a> {
    /// No steps yet.
    pub fn new(cluster: &'a Cluster) -> Self {
        Self { cluster, seen: HashSet::new() }
    }

    /// The steps behind an arrival, but those that earlier ones led to: positions of who calls and of
    /// who answers.
    pub fn behind(&mut self, arrival: &Arrival) -> Vec<(usize, usize)> {
        let cluster = self.cluster;
        let mut steps = Vec::new();
        let mut open = Vec::new();
        let mut enter = |workload: usize, in_lanes: &InLanes, open: &mut Vec<Visit>| {
            let visit = Visit::of(cluster, workload, in_lanes);
            open.extend(visit.filter(|visit| self.seen.insert(visit.clone())));
        };
        for workload in &arrival.answered_by {
            enter(*workload, &arrival.in_lanes, &mut open);
        }
        while let Some(visit) = open.pop() {
            let Some(caller) = cluster.workloads.get(visit.workload) else { continue };
            for call in visit.calls(cluster) {
                for called in answering(cluster, caller, call, &visit.in_lanes).by {
                    steps.push((visit.workload, called));
                    enter(called, &visit.in_lanes, &mut open);
                }
            }
        }
        steps
    }
}
