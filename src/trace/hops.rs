//! Behind the gateway: from service to service, which instances answer and why.

use std::collections::HashSet;

use super::cluster::{Cluster, Workload};
use super::request::Request;
use crate::calls::{Because, Call, Callee};
use crate::kube::object::ObjectRef;
use crate::spec::Provider;

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

/// The lanes that a request is in: positions, in order.
type InLanes = Vec<usize>;

struct Walk<'a> {
    cluster: &'a Cluster,
    hops: Vec<Hop>,
    seen: HashSet<(usize, InLanes)>,
}

/// A workload whose calls are followed.
struct Caller {
    workload: usize,
    in_lanes: InLanes,
    /// The lane whose tag it hands on to requests without one.
    handed_on: Option<usize>,
    depth: usize,
    /// How many of its calls were followed.
    followed: usize,
    /// Who answered the last of them and was not looked into yet, the last one first.
    waiting: Vec<usize>,
}

/// The lanes whose tag a request carries: positions, in order.
pub(super) fn in_lanes(cluster: &Cluster, request: &Request) -> Vec<usize> {
    let carries = |lane: &usize| {
        let lane = &cluster.lanes[*lane];
        request.header(&lane.tag_header).is_some_and(|value| value == lane.tag)
    };
    (0..cluster.lanes.len()).filter(carries).collect()
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

/// Why nothing answers behind a Service.
fn nobody(cluster: &Cluster, service: &ObjectRef) -> String {
    if let Some(there) = cluster.services.get(service).filter(|there| !there.has_selector()) {
        return match &there.external {
            Some(host) => format!("it is another name for `{host}`, which is not in manifests"),
            None => "the Service has no selector: who answers is not in manifests".to_owned(),
        };
    }
    match cluster.scaled_down(service) {
        Some(id) => format!("{id} has no replicas: nothing answers"),
        None => "no pods have the Service's labels: 503".to_owned(),
    }
}

/// What answers a call, and why.
struct Answered {
    by: Vec<usize>,
    why: String,
    falls_back: bool,
}

impl Walk<'_> {
    /// Follows the calls of a workload, depth first and as deep as they go.
    fn calls_of(&mut self, workload: usize, in_lanes: &InLanes) {
        let mut open: Vec<Caller> = self.enter(workload, in_lanes, 1).into_iter().collect();
        while let Some(caller) = open.last_mut() {
            if let Some(next) = caller.waiting.pop() {
                let (in_lanes, depth) = (caller.in_lanes.clone(), caller.depth + 1);
                open.extend(self.enter(next, &in_lanes, depth));
                continue;
            }
            let id = &self.cluster.workloads[caller.workload].id;
            let Some(call) = self.cluster.calls.from(id).get(caller.followed) else {
                open.pop();
                continue;
            };
            caller.followed += 1;
            self.follow(caller, call);
        }
    }

    /// A workload to look into; `None` where that was done for the lanes that the request is in.
    fn enter(&mut self, workload: usize, in_lanes: &InLanes, depth: usize) -> Option<Caller> {
        let of = self.cluster.workloads.get(workload)?;
        let mut in_lanes = in_lanes.clone();
        let handed_on = of.lane.filter(|lane| of.hands_on && !in_lanes.contains(lane));
        in_lanes.extend(handed_on);
        in_lanes.sort_unstable();
        let is_new = self.seen.insert((workload, in_lanes.clone()));
        let waiting = Vec::new();
        is_new.then_some(Caller { workload, in_lanes, handed_on, depth, followed: 0, waiting })
    }

    fn follow(&mut self, caller: &mut Caller, call: &Call) {
        let cluster = self.cluster;
        let workload = &cluster.workloads[caller.workload];
        let mut answered = self.answered(workload, call, &caller.in_lanes);
        if let Some(lane) = caller.handed_on.filter(|_| !answered.by.is_empty()) {
            let lane = &cluster.lanes[lane].name;
            answered.why =
                format!("{} hands on the tag of lane {lane}; {}", workload.id, answered.why);
        }
        let is_new = |each: &usize| !self.seen.contains(&(*each, caller.in_lanes.clone()));
        let new: Vec<usize> = answered.by.iter().copied().filter(is_new).collect();
        let calls_others =
            |each: &usize| !cluster.calls.from(&cluster.workloads[*each].id).is_empty();
        let is_repeated = new.is_empty() && answered.by.iter().any(calls_others);
        caller.waiting = new.into_iter().rev().collect();
        self.hops.push(Hop {
            depth: caller.depth,
            caller: Some(caller.workload),
            called: match &call.callee {
                Callee::Service(id) | Callee::Workload(id) => id.to_string(),
                Callee::Unknown(name) => name.clone(),
            },
            because: Some(call.because.clone()),
            answered_by: answered.by,
            why: answered.why,
            falls_back: answered.falls_back,
            is_repeated,
        });
    }

    fn answered(&self, caller: &Workload, call: &Call, in_lanes: &InLanes) -> Answered {
        let cluster = self.cluster;
        let is_alias = matches!(&call.callee, Callee::Service(id) if cluster.aliased(id) != id);
        let (service, bases) = match &call.callee {
            Callee::Unknown(name) => {
                let why = format!("nothing in the baseline is called `{name}`");
                return Answered { by: Vec::new(), why, falls_back: false };
            }
            Callee::Workload(id) => (None, vec![id.clone()]),
            Callee::Service(id) => {
                let id = cluster.aliased(id);
                let behind = cluster.behind(id, None).unwrap_or_default();
                if let Some(lane) = cluster.services.get(id).and_then(|service| service.lane) {
                    let lane = &cluster.lanes[lane].name;
                    let why = format!("the name is that of the copy in lane {lane}");
                    return Answered { by: behind, why, falls_back: false };
                }
                let base = |at: &usize| {
                    let workload = &cluster.workloads[*at];
                    workload.base.clone().filter(|_| workload.lane.is_none())
                };
                let mut bases: Vec<ObjectRef> = behind.iter().filter_map(base).collect();
                bases.dedup();
                (Some(id), bases)
            }
        };
        let copies: Vec<usize> =
            bases.iter().flat_map(|base| cluster.copies(base)).copied().collect();
        let lane_of = |at: &usize| cluster.workloads[*at].lane;
        let has_pods = |at: &usize| !cluster.workloads[*at].is_empty;
        let wanted: Vec<usize> = copies
            .iter()
            .copied()
            .filter(|at| lane_of(at).is_some_and(|lane| in_lanes.contains(&lane)))
            .collect();
        for lane in in_lanes {
            let own = wanted.iter().copied().filter(|at| lane_of(at) == Some(*lane));
            let own: Vec<usize> = own.filter(has_pods).collect();
            let lane = &cluster.lanes[*lane];
            if own.is_empty() || lane.provider == Provider::None {
                continue;
            }
            let how = match lane.provider {
                // Sidecars know a call by the Service it is for, by the name that the caller uses.
                Provider::Istio if service.is_none() || is_alias => continue,
                Provider::Istio => "the sidecar routes".to_owned(),
                provider => format!("{provider} routes"),
            };
            let needs_agent = lane.provider == Provider::Mse && !caller.has_agent;
            let agent = if needs_agent { ", if its caller has an agent" } else { "" };
            let why = format!("{how} `{}: {}` to the copy{agent}", lane.tag_header, lane.tag);
            return Answered { by: own, why, falls_back: false };
        }
        let by_name = service.and_then(|service| cluster.behind(service, None));
        let is_registry = |at: &usize| {
            let provider =
                lane_of(at).and_then(|lane| cluster.lanes.get(lane)).map(|lane| lane.provider);
            matches!(provider, Some(Provider::Mse | Provider::OpenSergo))
        };
        // An agent keeps requests without a tag away from instances that have one.
        let by: Vec<usize> = match by_name {
            Some(behind) => {
                behind.into_iter().filter(|at| !(caller.has_agent && is_registry(at))).collect()
            }
            None => {
                let of_base = bases.iter().filter_map(|base| cluster.workload(base));
                of_base.filter(has_pods).collect()
            }
        };
        let is_by_name = service.is_some() && !is_alias;
        let (why, falls_back) = self.why_baseline(in_lanes, &copies, &wanted, is_by_name);
        let why = match (by.is_empty(), service) {
            (true, Some(service)) => nobody(cluster, service),
            (true, None) => "it has no replicas: nothing answers".to_owned(),
            (false, _) => why,
        };
        Answered { by, why, falls_back }
    }

    /// Why no copy answers.
    fn why_baseline(
        &self,
        in_lanes: &InLanes,
        copies: &[usize],
        wanted: &[usize],
        is_by_name: bool,
    ) -> (String, bool) {
        let cluster = self.cluster;
        let name = |lane: &usize| cluster.lanes[*lane].name.as_str();
        if let Some(lane) = in_lanes.iter().find(|_| wanted.is_empty()) {
            return (
                format!("no gray copy in lane {}: falls back to the baseline", name(lane)),
                true,
            );
        }
        let empty = wanted.iter().map(|at| &cluster.workloads[*at]).find(|copy| copy.is_empty);
        if let Some(copy) = empty {
            return (format!("{} has no replicas: falls back to the baseline", copy.id), true);
        }
        if let Some(lane) = wanted.first().and_then(|at| cluster.workloads[*at].lane) {
            let why = match (cluster.lanes[lane].provider, is_by_name) {
                (Provider::Istio, false) => {
                    "called by no name of a Service, which is what sidecars route by".to_owned()
                }
                _ => format!(
                    "lane {} has no governance: the name leads to the baseline",
                    name(&lane)
                ),
            };
            return (why, true);
        }
        if let Some(lane) = copies.first().and_then(|at| cluster.workloads[*at].lane) {
            let lane = &cluster.lanes[lane];
            let why = match lane.provider {
                Provider::None => format!(
                    "the name leads to the baseline; its copy in lane {} has another",
                    lane.name
                ),
                _ => format!("the request does not carry `{}: {}`", lane.tag_header, lane.tag),
            };
            return (why, false);
        }
        ("it has no gray copy in any lane".to_owned(), false)
    }
}
