//! The cluster of some releases and of the lanes beside them.

use std::sync::Arc;

use rayon::prelude::*;

use super::cluster::{Cluster, TracedEntry, TracedLane, TracedObject};
use crate::calls::Calls;
use crate::gateway::is_route;
use crate::kube::object::{ObjectRef, identity};
use crate::lane::Facts;
use crate::neighbours::Neighbour;
use crate::pipeline::{Baselines, Release};
use crate::spec::{GrayRelease, Provider};

/// The cluster of some releases, and of lanes beside them as they stand in their overlays, each with
/// its spec where that can be read. Of the releases' baselines `known` need not know any.
pub fn of_releases(
    releases: &[Release],
    known: &Baselines,
    beside: Vec<(Neighbour, Option<GrayRelease>)>,
) -> Cluster {
    let mut baselines: Vec<Arc<Facts>> = Vec::new();
    let mut calls = Calls::default();
    // What was left under an earlier tag is there already: of routes alike gateways take the older.
    let (left, beside): (Vec<_>, Vec<_>) =
        beside.into_iter().partition(|(lane, _)| lane.spec.is_none());
    let without_spec = |(lane, _)| of_neighbour(lane, None, &[]);
    let mut lanes: Vec<TracedLane> = left.into_iter().map(without_spec).collect();
    for release in releases {
        let spec = &release.spec.release;
        let is_own = |facts: &&Arc<Facts>| Arc::ptr_eq(&facts.baseline, &release.baseline);
        let facts = match baselines.iter().find(is_own).cloned() {
            Some(facts) => {
                calls.state(spec, &facts);
                facts
            }
            None => {
                let gather = || Arc::new(Facts::gather(&release.baseline));
                let facts = known.known(&release.baseline).cloned().unwrap_or_else(gather);
                calls.merge(Calls::of_baseline(spec, &facts));
                baselines.push(Arc::clone(&facts));
                facts
            }
        };
        calls.add_lane(spec, &facts, &release.lane);
        lanes.push(of_release(release));
    }
    let all: Vec<&Facts> = baselines.iter().map(Arc::as_ref).collect();
    lanes.extend(beside.into_iter().map(|(lane, spec)| of_neighbour(lane, spec.as_ref(), &all)));
    Cluster::new(&all, lanes, calls)
}

fn of_release(release: &Release) -> TracedLane {
    let spec = &release.spec.release;
    let entry = |entry: &crate::lane::LaneEntry| {
        let route = spec.service(&entry.service)?.entry.as_ref()?.route.clone();
        let (service, canary) = (entry.service.clone(), entry.route.clone());
        Some(TracedEntry { service, route, gateway: Some(entry.gateway), canary })
    };
    let objects = release.lane.objects.par_iter().filter_map(|object| {
        Some(TracedObject {
            id: object.id.clone(),
            service: Some(object.service.clone()),
            base: object.baseline().cloned(),
            document: Arc::unwrap_or_clone(object.document()?),
        })
    });
    TracedLane {
        name: spec.name.clone(),
        tag: spec.tag.to_string(),
        tag_header: spec.tag_header.clone(),
        provider: spec.provider,
        entries: release.lane.entries.iter().filter_map(entry).collect(),
        objects: objects.collect(),
    }
}

/// A lane as its overlay has it. Without its spec it is not known which requests are to enter it,
/// nor which workloads of the baseline its own are copies of.
fn of_neighbour(
    neighbour: Neighbour,
    spec: Option<&GrayRelease>,
    baselines: &[&Facts],
) -> TracedLane {
    let namespace = spec.and_then(|spec| spec.namespace.as_deref()).unwrap_or("");
    let mut entries = Vec::new();
    let mut objects = Vec::new();
    for (service, document) in neighbour.objects {
        let Some(id) = identity(document.root(), namespace) else { continue };
        let of = service.as_ref().and_then(|name| spec?.service(name));
        let is_entry = is_route(&id) || id.kind == "TrafficRouting";
        if let Some(entry) = of.and_then(|of| of.entry.as_ref()).filter(|_| is_entry) {
            entries.push(TracedEntry {
                service: service.clone().unwrap_or_default(),
                route: entry.route.clone(),
                gateway: spec.and_then(|spec| spec.gateway_class),
                canary: id.clone(),
            });
        }
        let base = of.and_then(|of| base_of(&id, &of.workload.kind, &of.workload.name, baselines));
        objects.push(TracedObject { id, service, base, document });
    }
    TracedLane {
        name: neighbour.name,
        tag: neighbour.tag,
        tag_header: spec.map_or_else(|| "x-mse-tag".to_owned(), |spec| spec.tag_header.clone()),
        provider: spec.map_or(Provider::Mse, |spec| spec.provider),
        entries,
        objects,
    }
}

/// The workload of the baseline that a workload of a lane is a copy of.
fn base_of(id: &ObjectRef, kind: &str, name: &str, baselines: &[&Facts]) -> Option<ObjectRef> {
    if id.kind != kind {
        return None;
    }
    let found = baselines
        .iter()
        .flat_map(|facts| facts.named(kind, name).map(|position| &facts.object(position).id));
    let mut found: Vec<&ObjectRef> = found.collect();
    found.sort_by_key(|base| base.namespace != id.namespace);
    found.first().map(|base| (*base).clone())
}
