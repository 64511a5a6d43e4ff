//! What would be in the cluster once the baseline and all lanes are applied: routes by gateway,
//! Services, workloads.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use super::host_index::HostIndex;
use super::part::{Endpoints, Part, Scaled, scaled};
use super::route::Route;
use crate::baseline::Object;
use crate::calls::{Calls, named};
use crate::gateway::{self, Cloned, Lanes, class_for, class_of, cloned, is_route};
use crate::kube::mse::{CANARY, SUBSET};
use crate::kube::object::{ObjectRef, identity};
use crate::kube::pod_specs::labels;
use crate::kube::scaling::scales_from_none;
use crate::kube::selector_index::SelectorIndex;
use crate::kube::service_dns::ClusterHost;
use crate::lane::Facts;
use crate::spec::{GatewayClass, Match, Provider};
use crate::yaml::{Document, NodeRef};

/// A lane and what is known of it.
#[derive(Clone, Debug)]
pub struct TracedLane {
    /// Its name.
    pub name: String,
    /// Its tag.
    pub tag: String,
    /// The header that carries the tag.
    pub tag_header: String,
    /// What routes between its services.
    pub provider: Provider,
    /// Where gray traffic enters.
    pub entries: Vec<TracedEntry>,
    /// Its objects.
    pub objects: Vec<TracedObject>,
}

/// An entry of a lane.
#[derive(Clone, Debug)]
pub struct TracedEntry {
    /// The service.
    pub service: String,
    /// What makes a request gray.
    pub route: Match,
    /// The gateway, where the spec or the lane says it.
    pub gateway: Option<GatewayClass>,
    /// The canary route.
    pub canary: ObjectRef,
}

impl TracedEntry {
    /// Whether a route of its lane is that of the entry: the canary itself, or the Ingress that
    /// OpenKruise makes for it.
    pub(super) fn is_entered_by(&self, route: &ObjectRef) -> bool {
        *route == self.canary || (self.is_driven() && route.kind == "Ingress")
    }

    /// Whether OpenKruise makes its route.
    pub(super) fn is_driven(&self) -> bool {
        self.canary.kind == "TrafficRouting"
    }
}

/// An object of a lane.
#[derive(Clone, Debug)]
pub struct TracedObject {
    /// Who it is.
    pub id: ObjectRef,
    /// The service it belongs to.
    pub service: Option<String>,
    /// The object of the baseline that it stands beside, where that is known.
    pub base: Option<ObjectRef>,
    /// Its manifest.
    pub document: Document,
}

/// Pods that are made alike.
#[derive(Clone, Debug)]
pub struct Workload {
    /// What makes them.
    pub id: ObjectRef,
    /// The position of its lane; `None`: it is of the baseline.
    pub lane: Option<usize>,
    /// The workload of the baseline that it is a copy of; itself in the baseline.
    pub base: Option<ObjectRef>,
    /// Whether OpenKruise makes the pods beside those of the baseline, of the same workload.
    pub is_driven: bool,
    /// Whether requests that pass it inherit the tag of its lane.
    pub hands_on: bool,
    /// Whether its pods ask for the MSE agent; that of a namespace is not known.
    pub has_agent: bool,
    /// Whether it has no pods: no replicas, and nothing that scales it up from none.
    pub is_empty: bool,
    /// The labels of the pods.
    pub(super) labels: Vec<(String, String)>,
}

/// A gateway with its routes.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Its name: an Ingress class, or the parent of HTTPRoutes.
    pub name: String,
    /// Its dialect; `None` where it is none that is known.
    pub class: Option<GatewayClass>,
    /// Positions of its routes.
    pub routes: Vec<usize>,
    /// The same by host.
    pub(super) by_host: HostIndex,
}

/// What would be in the cluster.
#[derive(Debug, Default)]
pub struct Cluster {
    /// All routes: of the baseline, then lane by lane.
    pub routes: Vec<Route>,
    /// All gateways, by name.
    pub gateways: Vec<Gateway>,
    /// All lanes.
    pub lanes: Vec<TracedLane>,
    /// All workloads.
    pub workloads: Vec<Workload>,
    /// Who calls whom.
    pub calls: Calls,
    pub(super) services: HashMap<ObjectRef, Endpoints>,
    by_label: SelectorIndex<usize>,
    /// Those that have no pods, by the labels these would have.
    empty: SelectorIndex<usize>,
    by_id: HashMap<ObjectRef, usize>,
    /// What is scaled up from no replicas.
    scaled: HashSet<Scaled>,
    /// The copies of a workload of the baseline.
    copies: HashMap<ObjectRef, Vec<usize>>,
}

impl Cluster {
    /// The cluster of some baselines and lanes; of objects that are in several baselines the first
    /// counts. `calls` has those of the baselines and of the lanes that were built.
    pub fn new(baselines: &[&Facts], lanes: Vec<TracedLane>, calls: Calls) -> Self {
        let mut cluster = Self { calls, ..Self::default() };
        for facts in baselines {
            let of_baseline = facts.baseline.objects().iter();
            let scalers = of_baseline.filter(|object| scales_from_none(&object.id));
            cluster.scaled.extend(scalers.filter_map(|one| scaled(&one.id, one.document().root())));
        }
        let of_lanes = lanes.iter().flat_map(|lane| &lane.objects);
        let scalers = of_lanes.filter(|object| scales_from_none(&object.id));
        cluster.scaled.extend(scalers.filter_map(|one| scaled(&one.id, one.document.root())));
        let mut seen = HashSet::new();
        for facts in baselines {
            let all = facts.baseline.objects().iter().enumerate();
            let wanted = all.filter(|(position, object)| {
                let is_pods = !facts.pods_of(*position).is_empty();
                let is_wanted = is_pods || object.id.is_core_service() || is_route(&object.id);
                is_wanted && seen.insert(&object.id)
            });
            let wanted: Vec<&Object> = wanted.map(|(_, object)| object).collect();
            // Most have to be parsed again, and few nodes of them are kept.
            let parts: Vec<Part> = wanted
                .into_par_iter()
                .map(|object| Part::of(None, None, &object.id, &object.document(), &cluster.scaled))
                .collect();
            parts.into_iter().for_each(|part| cluster.add(part));
        }
        for facts in baselines {
            cluster.add_clones(facts);
        }
        for (number, lane) in lanes.iter().enumerate() {
            for object in &lane.objects {
                let (id, document) = (&object.id, &object.document);
                match id.kind.as_str() {
                    "Rollout" if id.group == "rollouts.kruise.io" => {
                        cluster.add_rollout(number, id, document.root());
                    }
                    "TrafficRouting" => {
                        cluster.add_traffic_routing(number, &id.namespace, document);
                    }
                    _ => {
                        let base = object.base.as_ref();
                        cluster.add(Part::of(Some(number), base, id, document, &cluster.scaled));
                    }
                }
            }
        }
        cluster.lanes = lanes;
        cluster.gateways = cluster.group();
        cluster.add_calls();
        cluster
    }

    fn add(&mut self, part: Part) {
        match part {
            Part::Route(route) => self.routes.push(route),
            Part::Service(id, endpoints) => {
                self.services.insert(id, endpoints);
            }
            Part::Workloads(all) => all.into_iter().for_each(|one| self.add_workload(one)),
        }
    }

    fn add_workload(&mut self, workload: Workload) {
        let position = self.workloads.len();
        let by_label = if workload.is_empty { &mut self.empty } else { &mut self.by_label };
        by_label.insert(position, &workload.id.namespace, workload.labels.iter().cloned());
        if !workload.is_driven {
            self.by_id.entry(workload.id.clone()).or_insert(position);
        }
        if let (Some(_), Some(base)) = (workload.lane, &workload.base) {
            self.copies.entry(base.clone()).or_default().push(position);
        }
        self.workloads.push(workload);
    }

    /// The pods that OpenKruise makes for a Rollout while it runs.
    fn add_rollout(&mut self, lane: usize, id: &ObjectRef, root: NodeRef<'_>) {
        let Some(spec) = root.get("spec") else { return };
        let reference = spec.get("workloadRef").or_else(|| spec.at(&["objectRef", "workloadRef"]));
        let text = |key: &str| reference.and_then(|it| it.get(key)?.as_str());
        let Some((kind, name)) = text("kind").zip(text("name")) else { return };
        let group = text("apiVersion").map_or("", crate::kube::object::group_of);
        let of = ObjectRef::new(group, kind, &id.namespace, name);
        let Some(driven) = self.by_id.get(&of).map(|at| self.workloads[*at].clone()) else {
            return;
        };
        let patch = spec.at(&["strategy", "canary", "patchPodTemplateMetadata", "labels"]);
        let mut merged: BTreeMap<String, String> = driven.labels.iter().cloned().collect();
        merged.extend(patch.map(labels).unwrap_or_default());
        self.add_workload(Workload {
            lane: Some(lane),
            is_driven: true,
            is_empty: false,
            labels: merged.into_iter().collect(),
            ..driven
        });
    }

    /// The canaries that are cloned from Ingresses of a baseline, where the gateway has one for a rule:
    /// they take the place of a lane's.
    fn add_clones(&mut self, facts: &Facts) {
        let objects = facts.baseline.objects().iter();
        let objects =
            objects.filter(|object| matches!(object.id.kind.as_str(), "Rollout" | "Canary"));
        let all: Vec<Cloned> =
            objects.flat_map(|object| cloned(&object.id, object.document().root())).collect();
        if all.is_empty() {
            return;
        }
        let there: HashMap<&ObjectRef, &Route> =
            self.routes.iter().map(|route| (&route.id, route)).collect();
        let clone = |each: &Cloned| {
            let route = super::cloned::route(there.get(&each.ingress)?, each)?;
            let class = class_for(&route.id, route.document.root()).ok()?;
            let has_one = gateway::of(class).capabilities().lanes == Lanes::One;
            (has_one && !there.contains_key(&route.id)).then_some(route)
        };
        let clones: Vec<Route> = all.iter().filter_map(clone).collect();
        self.routes.extend(clones);
    }

    fn add_traffic_routing(&mut self, lane: usize, namespace: &str, routing: &Document) {
        let Some(document) = super::kruise::canary(&self.routes, routing) else { return };
        if let Some(id) = identity(document.root(), namespace) {
            self.routes.push(Route { id, lane: Some(lane), document });
        }
    }

    /// Routes by the gateway that takes them.
    fn group(&self) -> Vec<Gateway> {
        // What an entry says of its gateway holds for all Ingresses of that class.
        let mut said: HashMap<&str, GatewayClass> = HashMap::new();
        for route in &self.routes {
            let Some(lane) = route.lane.and_then(|lane| self.lanes.get(lane)) else { continue };
            let entry = lane.entries.iter().find(|entry| entry.is_entered_by(&route.id));
            if let Some(gateway) = entry.and_then(|entry| entry.gateway) {
                said.entry(class_of(route.document.root()).unwrap_or("")).or_insert(gateway);
            }
        }
        let mut gateways: BTreeMap<String, Gateway> = BTreeMap::new();
        for (number, route) in self.routes.iter().enumerate() {
            let root = route.document.root();
            let own = class_for(&route.id, root).ok();
            let (names, class) = match route.id.kind.as_str() {
                "HTTPRoute" => (parents(route), own),
                _ => {
                    let name = class_of(root).unwrap_or("");
                    (vec![name.to_owned()], said.get(name).copied().or(own))
                }
            };
            for name in names {
                let gateway = gateways.entry(name.clone()).or_insert(Gateway {
                    name,
                    class,
                    routes: Vec::new(),
                    by_host: HostIndex::default(),
                });
                gateway.class = gateway.class.or(class);
                gateway.routes.push(number);
                gateway.by_host.add(number, route);
            }
        }
        gateways.into_values().collect()
    }

    /// The calls of workloads of lanes that were read from their overlays.
    fn add_calls(&mut self) {
        let is_service = |id: &ObjectRef| self.services.contains_key(id);
        let mut found = Vec::new();
        for object in self.lanes.iter().flat_map(|lane| &lane.objects) {
            let id = &object.id;
            let is_workload =
                self.by_id.get(id).is_some_and(|at| self.workloads[*at].lane.is_some());
            if is_workload && self.calls.from(id).is_empty() {
                let calls = named(&object.document, &id.namespace, &is_service);
                found.push((id.clone(), calls));
            }
        }
        found.into_iter().for_each(|(id, calls)| self.calls.add(id, calls));
    }

    /// The position of a workload.
    pub(super) fn workload(&self, id: &ObjectRef) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The copies of a workload of the baseline, by position.
    pub(super) fn copies(&self, base: &ObjectRef) -> &[usize] {
        self.copies.get(base).map_or(&[], Vec::as_slice)
    }

    /// The Service that one is another name for, as far as there are such; itself where it is none.
    ///
    /// Source: kubernetes.io/docs/concepts/services-networking/service (ExternalName).
    pub(super) fn aliased<'a>(&'a self, service: &'a ObjectRef) -> &'a ObjectRef {
        let mut found = service;
        // Names may lead to each other.
        for _ in 0..ALIASES {
            let external = self.services.get(found).and_then(|there| there.external.as_deref());
            let host = external.and_then(ClusterHost::parse);
            // What has no namespace is looked up from the root.
            let Some(ClusterHost::Namespaced { name, namespace, is_svc: true }) = host else {
                return found;
            };
            let target = ObjectRef::new("", "Service", namespace, name);
            let Some((target, _)) = self.services.get_key_value(&target) else { return found };
            found = target;
        }
        found
    }

    /// A workload without pods whose pods a Service would select.
    pub(super) fn scaled_down(&self, service: &ObjectRef) -> Option<&ObjectRef> {
        let selector = self.services.get(service)?.selector.as_ref()?;
        let first = self.empty.matching(selector, &service.namespace).into_iter().next()?;
        self.workloads.get(*first).map(|workload| &workload.id)
    }

    /// The workloads whose pods answer for a Service that a gateway sends requests to, by position.
    pub(super) fn answering_for(&self, service: &ObjectRef, subset: Option<&str>) -> Vec<usize> {
        self.behind(self.aliased(service), subset).unwrap_or_default()
    }

    /// The workloads whose pods a Service selects, of a subset where one is asked for, by position;
    /// `None` where there is no such Service, or it has no selector.
    pub(super) fn behind(&self, service: &ObjectRef, subset: Option<&str>) -> Option<Vec<usize>> {
        let selector = self.services.get(service)?.selector.as_ref()?;
        let all = self.by_label.matching(selector, &service.namespace);
        let all: Vec<usize> = all.into_iter().copied().collect();
        let Some(subset) = subset else { return Some(all) };
        let labels = |at: &usize| &self.workloads[*at].labels;
        let is_in = |at: &usize| match subset {
            "" | "base" => labels(at).iter().all(|(key, value)| {
                !key.starts_with(SUBSET) || (key == SUBSET && value.is_empty())
            }),
            subset => {
                let key = format!("{CANARY}{subset}");
                labels(at).iter().any(|(other, value)| *other == key && value == subset)
            }
        };
        let found: Vec<usize> = all.iter().copied().filter(is_in).collect();
        // Without a pod in the subset all pods of the Service answer.
        Some(if found.is_empty() { all } else { found })
    }
}

/// Names for names that are followed.
const ALIASES: usize = 8;

/// The gateways of an HTTPRoute.
fn parents(route: &Route) -> Vec<String> {
    let list = route.document.at(&["spec", "parentRefs"]);
    let text =
        |node: NodeRef<'_>, key: &str| node.get(key).and_then(NodeRef::text).map(str::to_owned);
    let name = |node: NodeRef<'_>| {
        let namespace = text(node, "namespace").unwrap_or_else(|| route.id.namespace.clone());
        let parts = [
            (!namespace.is_empty()).then_some(namespace),
            text(node, "name"),
            text(node, "sectionName"),
            text(node, "port"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    };
    list.into_iter().flat_map(NodeRef::items).map(name).collect()
}
