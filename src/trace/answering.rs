//! Which instances answer a call, and why; the reason is put into words only where it is shown.

use super::cluster::{Cluster, Workload};
use super::visit::InLanes;
use crate::calls::{Call, Callee};
use crate::kube::object::ObjectRef;
use crate::spec::Provider;

/// What answers a call.
pub(super) struct Answering<'a> {
    /// Positions of the workloads whose pods answer.
    pub(super) by: Vec<usize>,
    pub(super) why: Why<'a>,
    /// Whether a gray copy was to be expected and there is none.
    pub(super) falls_back: bool,
}

/// Why these answer. Lanes and workloads are positions.
pub(super) enum Why<'a> {
    /// Nothing has the name.
    Unknown(&'a str),
    /// The name is that of the copy in this lane.
    OfLane(usize),
    /// The copy in this lane gets what carries its tag; `needs_agent`: if an agent marks it so.
    Routed { lane: usize, needs_agent: bool },
    /// Behind a Service nothing answers.
    Nobody(&'a ObjectRef),
    /// A workload that is called through the registry has no replicas.
    NoReplicas,
    /// The lane that the request is in has no copy.
    NoCopyInLane(usize),
    /// The copy has no replicas.
    EmptyCopy(usize),
    /// Sidecars do not see what is called by no name of a Service.
    NotByName,
    /// Nothing routes to the copy in this lane.
    NoGovernance(usize),
    /// The copy in this lane, which nothing routes to, has another name.
    OtherName(usize),
    /// The request does not carry the tag of this lane, which has a copy.
    NotMarked(usize),
    /// There is no copy in any lane.
    NoCopy,
}

/// What answers a call of a workload, of a request that is in some lanes.
pub(super) fn answering<'a>(
    cluster: &'a Cluster,
    caller: &Workload,
    call: &'a Call,
    in_lanes: &InLanes,
) -> Answering<'a> {
    let is_alias = matches!(&call.callee, Callee::Service(id) if cluster.aliased(id) != id);
    let (service, bases) = match &call.callee {
        Callee::Unknown(name) => {
            return Answering { by: Vec::new(), why: Why::Unknown(name), falls_back: false };
        }
        Callee::Workload(id) => (None, vec![id.clone()]),
        Callee::Service(id) => {
            let id = cluster.aliased(id);
            let behind = cluster.behind(id, None).unwrap_or_default();
            if let Some(lane) = cluster.services.get(id).and_then(|service| service.lane) {
                return Answering { by: behind, why: Why::OfLane(lane), falls_back: false };
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
    let copies: Vec<usize> = bases.iter().flat_map(|base| cluster.copies(base)).copied().collect();
    let lane_of = |at: &usize| cluster.workloads[*at].lane;
    let has_pods = |at: &usize| !cluster.workloads[*at].is_empty;
    let wanted: Vec<usize> = copies
        .iter()
        .copied()
        .filter(|at| lane_of(at).is_some_and(|lane| in_lanes.contains(&lane)))
        .collect();
    for number in in_lanes {
        let own = wanted.iter().copied().filter(|at| lane_of(at) == Some(*number));
        let own: Vec<usize> = own.filter(has_pods).collect();
        let lane = &cluster.lanes[*number];
        if own.is_empty() || lane.provider == Provider::None {
            continue;
        }
        // Sidecars know a call by the Service it is for, by the name that the caller uses.
        if lane.provider == Provider::Istio && (service.is_none() || is_alias) {
            continue;
        }
        let needs_agent = lane.provider == Provider::Mse && !caller.has_agent;
        let why = Why::Routed { lane: *number, needs_agent };
        return Answering { by: own, why, falls_back: false };
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
    let (why, falls_back) = why_baseline(cluster, in_lanes, &copies, &wanted, is_by_name);
    let why = match (by.is_empty(), service) {
        (true, Some(service)) => Why::Nobody(service),
        (true, None) => Why::NoReplicas,
        (false, _) => why,
    };
    Answering { by, why, falls_back }
}

/// Why no copy answers, and whether one was to be expected.
fn why_baseline(
    cluster: &Cluster,
    in_lanes: &InLanes,
    copies: &[usize],
    wanted: &[usize],
    is_by_name: bool,
) -> (Why<'static>, bool) {
    if let Some(lane) = in_lanes.iter().find(|_| wanted.is_empty()) {
        return (Why::NoCopyInLane(*lane), true);
    }
    if let Some(copy) = wanted.iter().find(|at| cluster.workloads[**at].is_empty) {
        return (Why::EmptyCopy(*copy), true);
    }
    if let Some(lane) = wanted.first().and_then(|at| cluster.workloads[*at].lane) {
        let why = match (cluster.lanes[lane].provider, is_by_name) {
            (Provider::Istio, false) => Why::NotByName,
            _ => Why::NoGovernance(lane),
        };
        return (why, true);
    }
    if let Some(lane) = copies.first().and_then(|at| cluster.workloads[*at].lane) {
        let why = match cluster.lanes[lane].provider {
            Provider::None => Why::OtherName(lane),
            _ => Why::NotMarked(lane),
        };
        return (why, false);
    }
    (Why::NoCopy, false)
}

impl Why<'_> {
    /// The reason in one line.
    pub(super) fn text(&self, cluster: &Cluster) -> String {
        let name = |lane: usize| cluster.lanes[lane].name.as_str();
        let tag = |lane: usize| {
            let lane = &cluster.lanes[lane];
            format!("`{}: {}`", lane.tag_header, lane.tag)
        };
        match *self {
            Self::Unknown(called) => format!("nothing in the baseline is called `{called}`"),
            Self::OfLane(lane) => format!("the name is that of the copy in lane {}", name(lane)),
            Self::Routed { lane, needs_agent } => {
                let how = match cluster.lanes[lane].provider {
                    Provider::Istio => "the sidecar routes".to_owned(),
                    provider => format!("{provider} routes"),
                };
                let agent = if needs_agent { ", if its caller has an agent" } else { "" };
                format!("{how} {} to the copy{agent}", tag(lane))
            }
            Self::Nobody(service) => nobody(cluster, service),
            Self::NoReplicas => "it has no replicas: nothing answers".to_owned(),
            Self::NoCopyInLane(lane) => {
                format!("no gray copy in lane {}: falls back to the baseline", name(lane))
            }
            Self::EmptyCopy(copy) => {
                let id = &cluster.workloads[copy].id;
                format!("{id} has no replicas: falls back to the baseline")
            }
            Self::NotByName => {
                "called by no name of a Service, which is what sidecars route by".to_owned()
            }
            Self::NoGovernance(lane) => {
                format!("lane {} has no governance: the name leads to the baseline", name(lane))
            }
            Self::OtherName(lane) => format!(
                "the name leads to the baseline; its copy in lane {} has another",
                name(lane)
            ),
            Self::NotMarked(lane) => format!("the request does not carry {}", tag(lane)),
            Self::NoCopy => "it has no gray copy in any lane".to_owned(),
        }
    }
}

/// Why nothing answers behind a Service.
pub(super) fn nobody(cluster: &Cluster, service: &ObjectRef) -> String {
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
