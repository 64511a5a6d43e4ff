//! Behind the gateway: from service to service, which instances answer and why.

use std::collections::HashSet;

use super::answering::{answering, nobody};
use super::cluster::Cluster;
use super::request::Request;
use super::visit::{InLanes, Visit, handed_on, in_lanes};
use crate::calls::{Because, Call, Callee};
use crate::kube::object::ObjectRef;

/// One call on the way of a request, or its arrival from the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// How many calls lie between it and the gateway.
    pub depth: usize,
    /// The position of the workload that calls; `None`: it is the gateway.
    pub caller: Option<usize>,
    /// What is called, by the name that the caller uses.
    pub called: String,
    /// How the call is known; `None` for what the gateway does.
    pub because: Option<Because>,
    /// Positions of the workloads whose pods answer; none where nothing does. Of several, each
    /// takes a share by the number of its pods.
    pub answered_by: Vec<usize>,
    /// Why these, in one line.
    pub why: String,
    /// Whether a gray copy was to be expected and there is none.
    pub falls_back: bool,
    /// Whether what follows was shown already, further up.
    pub is_repeated: bool,
}

struct Walk<'a> {
    cluster: &'a Cluster,
    hops: Vec<Hop>,
    seen: HashSet<Visit>,
}

/// A workload whose calls are followed.
struct Caller {
    visit: Visit,
    /// The lane whose tag it hands on to requests without one.
    handed_on: Option<usize>,
    depth: usize,
    /// How many of its calls were followed.
    followed: usize,
    /// Who answered the last of them and was not looked into yet, the last one first.
    waiting: Vec<usize>,
}

/// The way of a request from the Service that a gateway sends it to; the request as it leaves the
/// gateway.
pub(super) fn hops(
    cluster: &Cluster,
    service: &ObjectRef,
    subset: Option<&str>,
    request: &Request,
) -> Vec<Hop> {
    let in_lanes = in_lanes(cluster, request);
    let (called, service) = (service, cluster.aliased(service));
    let found = cluster.behind(service, subset);
    let answered_by = found.clone().unwrap_or_default();
    let why = match (found, subset) {
        (None, _) if !cluster.services.contains_key(service) => {
            "there is no such Service: 503".to_owned()
        }
        (None, _) => nobody(cluster, service),
        (Some(list), _) if list.is_empty() => nobody(cluster, service),
        (Some(_), Some("" | "base")) => "its pods without a label of subsets".to_owned(),
        (Some(_), Some(subset)) => format!("its pods of the subset `{subset}`"),
        (Some(_), None) => "its pods".to_owned(),
    };
    let mut walk = Walk { cluster, hops: Vec::new(), seen: HashSet::new() };
    walk.hops.push(Hop {
        depth: 0,
        caller: None,
        called: called.to_string(),
        because: None,
        answered_by: answered_by.clone(),
        why,
        falls_back: false,
        is_repeated: false,
    });
    for workload in answered_by {
        walk.calls_of(workload, &in_lanes);
    }
    walk.hops
}

impl Walk<'_> {
    /// Follows the calls of a workload, depth first and as deep as they go.
    fn calls_of(&mut self, workload: usize, in_lanes: &InLanes) {
        let mut open: Vec<Caller> = self.enter(workload, in_lanes, 1).into_iter().collect();
        while let Some(caller) = open.last_mut() {
            if let Some(next) = caller.waiting.pop() {
                let entered = self.enter(next, &caller.visit.in_lanes, caller.depth + 1);
                open.extend(entered);
                continue;
            }
            let Some(call) = caller.visit.calls(self.cluster).get(caller.followed) else {
                open.pop();
                continue;
            };
            caller.followed += 1;
            self.follow(caller, call);
        }
    }

    /// A workload to look into; `None` where that was done for the lanes that the request is in.
    fn enter(&mut self, workload: usize, in_lanes: &InLanes, depth: usize) -> Option<Caller> {
        let visit = Visit::of(self.cluster, workload, in_lanes)?;
        let handed_on = handed_on(self.cluster, workload, in_lanes);
        let is_new = self.seen.insert(visit.clone());
        let waiting = Vec::new();
        is_new.then_some(Caller { visit, handed_on, depth, followed: 0, waiting })
    }

    fn follow(&mut self, caller: &mut Caller, call: &Call) {
        let cluster = self.cluster;
        let Visit { workload: number, in_lanes } = &caller.visit;
        let workload = &cluster.workloads[*number];
        let answered = answering(cluster, workload, call, in_lanes);
        let mut why = answered.why.text(cluster);
        if let Some(lane) = caller.handed_on.filter(|_| !answered.by.is_empty()) {
            let lane = &cluster.lanes[lane].name;
            why = format!("{} hands on the tag of lane {lane}; {why}", workload.id);
        }
        let is_new = |each: &usize| {
            !self.seen.contains(&Visit { workload: *each, in_lanes: in_lanes.clone() })
        };
        let new: Vec<usize> = answered.by.iter().copied().filter(is_new).collect();
        let calls_others =
            |each: &usize| !cluster.calls.from(&cluster.workloads[*each].id).is_empty();
        let is_repeated = new.is_empty() && answered.by.iter().any(calls_others);
        self.hops.push(Hop {
            depth: caller.depth,
            caller: Some(*number),
            called: match &call.callee {
                Callee::Service(id) | Callee::Workload(id) => id.to_string(),
                Callee::Unknown(name) => name.clone(),
            },
            because: Some(call.because.clone()),
            answered_by: answered.by,
            why,
            falls_back: answered.falls_back,
            is_repeated,
        });
        caller.waiting = new.into_iter().rev().collect();
    }
}
