//! A workload on the way of a request, and the lanes that the request is in there.

use super::cluster::Cluster;
use super::request::Request;
use crate::calls::Call;

/// The lanes that a request is in: positions, in order.
pub(super) type InLanes = Vec<usize>;

/// A request in a workload. Whatever way it came, it goes the same way from there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Visit {
    /// The position of the workload.
    pub(super) workload: usize,
    /// The lanes that the requests it sends are in.
    pub(super) in_lanes: InLanes,
}

impl Visit {
    /// The arrival of a request; `None` where there is no such workload.
    pub(super) fn of(cluster: &Cluster, workload: usize, in_lanes: &InLanes) -> Option<Self> {
        cluster.workloads.get(workload)?;
        let mut in_lanes = in_lanes.clone();
        if let Some(lane) = handed_on(cluster, workload, &in_lanes) {
            in_lanes.push(lane);
            in_lanes.sort_unstable();
        }
        Some(Self { workload, in_lanes })
    }

    /// What the workload calls.
    pub(super) fn calls<'a>(&self, cluster: &'a Cluster) -> &'a [Call] {
        let workload = cluster.workloads.get(self.workload);
        workload.map_or(&[], |workload| cluster.calls.from(&workload.id))
    }
}

/// The lane whose tag a workload hands on to requests that come without it.
pub(super) fn handed_on(cluster: &Cluster, workload: usize, in_lanes: &InLanes) -> Option<usize> {
    let of = cluster.workloads.get(workload)?;
    of.lane.filter(|lane| of.hands_on && !in_lanes.contains(lane))
}

/// The lanes whose tag a request carries.
pub(super) fn in_lanes(cluster: &Cluster, request: &Request) -> InLanes {
    let carries = |lane: &usize| {
        let lane = &cluster.lanes[*lane];
        request.header(&lane.tag_header).is_some_and(|value| value == lane.tag)
    };
    (0..cluster.lanes.len()).filter(carries).collect()
}
