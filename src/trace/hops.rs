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

/// Calls that are shown at most: more help nobody, and circles of calls can make many.
const MOST_HOPS: usize = 1000;

/// Calls in a row that are followed at most.
const DEEPEST: usize = 100;

struct Walk<'a> {
    cluster: &'a Cluster,
    hops: Vec<Hop>,
    seen: HashSet<(usize, InLanes)>,
}

/// The way of a request from the Service that a gateway sends it to; the request as it leaves the
/// gateway.
pub(super) fn hops(
    cluster: &Cluster,
    service: &ObjectRef,
    subset: Option<&str>,
    request: &Request,
) -> Vec<Hop> {
    let in_lanes: InLanes = (0..cluster.lanes.len())
        .filter(|lane| {
            let lane = &cluster.lanes[*lane];
            request.header(&lane.tag_header).is_some_and(|value| value == lane.tag)
        })
        .collect();
    let found = cluster.behind(service, subset);
    let answered_by = found.clone().unwrap_or_default();
    let why = match (found, subset) {
        (None, _) if !cluster.services.contains_key(service) => {
            "there is no such Service: 503".to_owned()
        }
        (None, _) => "the Service has no selector: who answers is not in manifests".to_owned(),
        (Some(list), _) if list.is_empty() => "no pods have the Service's labels: 503".to_owned(),
        (Some(_), Some(subset)) => format!("its pods of the subset `{subset}`"),
        (Some(_), None) => "its pods".to_owned(),
    };
    let mut walk = Walk { cluster, hops: Vec::new(), seen: HashSet::new() };
    walk.hops.push(Hop {
        depth: 0,
        called: service.to_string(),
        because: None,
        answered_by: answered_by.clone(),
        why,
        falls_back: false,
        is_repeated: false,
    });
    for workload in answered_by {
        walk.calls_of(workload, &in_lanes, 1);
    }
    walk.hops
}

/// What answers a call, and why.
struct Answered {
    by: Vec<usize>,
    why: String,
    falls_back: bool,
}

impl Walk<'_> {
    /// Follows the calls of a workload, depth first, a bounded way down. Each workload is looked into
    /// once for the lanes that a request is in.
    fn calls_of(&mut self, caller: usize, in_lanes: &InLanes, depth: usize) {
        let cluster = self.cluster;
        let Some(workload) = cluster.workloads.get(caller).filter(|_| depth <= DEEPEST) else {
            return;
        };
        let mut in_lanes = in_lanes.clone();
        let mut handed_on = None;
        if let Some(lane) =
            workload.lane.filter(|lane| workload.hands_on && !in_lanes.contains(lane))
        {
            in_lanes.push(lane);
            in_lanes.sort_unstable();
            handed_on = Some(lane);
        }
        if !self.seen.insert((caller, in_lanes.clone())) {
            return;
        }
        for call in cluster.calls.from(&workload.id) {
            if self.hops.len() >= MOST_HOPS {
                return;
            }
            let mut answered = self.answered(workload, call, &in_lanes);
            if let Some(lane) = handed_on.filter(|_| !answered.by.is_empty()) {
                answered.why = format!(
                    "{} hands on the tag of lane {}; {}",
                    workload.id, cluster.lanes[lane].name, answered.why
                );
            }
            let new: Vec<usize> = answered
                .by
                .iter()
                .copied()
                .filter(|each| !self.seen.contains(&(*each, in_lanes.clone())))
                .collect();
            let has_more =
                |each: &usize| !cluster.calls.from(&cluster.workloads[*each].id).is_empty();
            let is_repeated = new.is_empty() && answered.by.iter().any(has_more);
            self.hops.push(Hop {
                depth,
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
            for each in new {
                self.calls_of(each, &in_lanes, depth + 1);
            }
        }
    }

    fn answered(&self, caller: &Workload, call: &Call, in_lanes: &InLanes) -> Answered {
        let cluster = self.cluster;
        let (service, bases) = match &call.callee {
            Callee::Unknown(name) => {
                let why = format!("nothing in the baseline is called `{name}`");
                return Answered { by: Vec::new(), why, falls_back: false };
            }
            Callee::Workload(id) => (None, vec![id.clone()]),
            Callee::Service(id) => {
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
        let wanted: Vec<usize> = copies
            .iter()
            .copied()
            .filter(|at| lane_of(at).is_some_and(|lane| in_lanes.contains(&lane)))
            .collect();
        for lane in in_lanes {
            let own: Vec<usize> =
                wanted.iter().copied().filter(|at| lane_of(at) == Some(*lane)).collect();
            let lane = &cluster.lanes[*lane];
            if own.is_empty() || lane.provider == Provider::None {
                continue;
            }
            let how = match lane.provider {
                // Sidecars know a call by the Service it is for.
                Provider::Istio if service.is_none() => continue,
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
            None => bases.iter().filter_map(|base| cluster.workload(base)).collect(),
        };
        let (why, falls_back) = self.why_baseline(in_lanes, &copies, &wanted, service.is_some());
        let why = match by.is_empty() {
            true => "no pods have the Service's labels: 503".to_owned(),
            false => why,
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
