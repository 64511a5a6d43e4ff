//! Step 1: what of the baseline belongs to each service, and what becomes of it.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::facts::{Facts, Labels, Pods, Selecting};
use super::isolation::{Separation, counts_pods, finds_own_pods, gray_labels, separate};
use super::labels::LaneLabels;
use super::policy::{Decision, decide, stated};
use super::unite::{relabelled, unite};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Place, nearest};
use crate::gateway;
use crate::governance::Governance;
use crate::kube::kinds::kind_of;
use crate::kube::object::ObjectRef;
use crate::kube::references::{Effect, references};
use crate::kube::selectors::SelectorRole;
use crate::kube::strip::hook_or_owned;
use crate::spec::{CopyPolicy, Entry, GrayRelease, ObjectName, Service};
use crate::yaml::NodeRef;

/// What a copied object is to its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The service's workload.
    Workload,
    /// Its canary route.
    Entry,
    /// Anything else.
    Other,
}

/// An object that gets a gray copy.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    /// Its position in the baseline.
    pub object: usize,
    /// The service it is copied for: its position in [`Plan::services`].
    pub service: usize,
    /// What it is to the lane.
    pub role: Role,
    /// Whether it selects pods of other services of the lane too.
    pub shared: bool,
}

/// A service of the spec, found in the baseline.
#[derive(Debug)]
pub(super) struct PlannedService<'a> {
    /// What the spec says of it.
    pub spec: &'a Service,
    /// Its workload's position in the baseline.
    pub workload: usize,
    /// Its workload's namespace.
    pub namespace: String,
    /// Its pods.
    pub pods: Pods,
    /// How its pods are kept apart.
    pub separation: Separation,
    /// The labels of its gray objects.
    pub labels: LaneLabels,
    /// All labels of its gray pods.
    pub pod_labels: Labels,
}

/// What is copied under which name.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    /// The services of the spec, in its order.
    pub services: Vec<PlannedService<'a>>,
    /// What is copied; each object once.
    pub copies: Vec<Copy>,
    /// The gray names of copied objects.
    pub gray_names: HashMap<ObjectRef, String>,
    /// What is left out, and what was decided.
    pub notes: Vec<Diagnostic>,
}

/// Finds what belongs to the services of a spec.
///
/// # Errors
///
/// Everything in the spec that the baseline does not have, or has more than once, and every object
/// that is not copied unless the spec says what is wanted.
pub(super) fn select<'a>(
    release: &'a GrayRelease,
    facts: &Facts<'_>,
    governance: &dyn Governance,
) -> Result<Plan<'a>, Vec<Diagnostic>> {
    let mut selection = Selection {
        release,
        facts,
        plan: Plan::default(),
        errors: Vec::new(),
        taken: HashMap::new(),
        copied: HashSet::new(),
        shared: HashSet::new(),
        backends: Vec::new(),
    };
    for service in &release.services {
        selection.service(service, governance);
    }
    unite(&mut selection.plan.services, facts, release);
    selection.plan.notes.extend(relabelled(&selection.plan.services, release));
    for number in 0..selection.plan.services.len() {
        selection.belongings(number);
    }
    for number in 0..selection.plan.services.len() {
        selection.entry(number);
    }
    selection.idle_policies();
    selection.name_copies();
    if selection.errors.is_empty() { Ok(selection.plan) } else { Err(selection.errors) }
}

struct Selection<'a, 'f> {
    release: &'a GrayRelease,
    facts: &'f Facts<'f>,
    plan: Plan<'a>,
    errors: Vec<Diagnostic>,
    /// Objects that something was decided for, with the service it was decided for.
    taken: HashMap<usize, usize>,
    copied: HashSet<usize>,
    /// Copies that belong to more than one service.
    shared: HashSet<usize>,
    /// The Services among the copies, by the service they are copied for.
    backends: Vec<Vec<usize>>,
}

impl<'a> Selection<'a, '_> {
    /// The object a spec names, of those in the lane's namespace.
    fn named(&mut self, name: &ObjectName, place: &Place, what: &str) -> Option<usize> {
        let namespace = self.release.namespace.as_deref();
        let fits = |position: &&usize| {
            let id = &self.facts.object(**position).id;
            namespace.is_none_or(|namespace| id.namespace.is_empty() || id.namespace == namespace)
        };
        let found: Vec<usize> =
            self.facts.named(&name.kind, &name.name).iter().filter(fits).copied().collect();
        match found.as_slice() {
            [] => {
                let near = nearest(&name.name, self.facts.names_of(&name.kind));
                let elsewhere = self
                    .facts
                    .named(&name.kind, &name.name)
                    .first()
                    .map(|at| &self.facts.object(*at).id);
                let error = Diagnostic::error(format!("{what} {name} is not in the baseline"))
                    .at(place.clone());
                self.errors.push(match (near, elsewhere) {
                    (_, Some(id)) => error.remedy(format!(
                        "there is one in the namespace `{}`, but the spec's is `{}`",
                        id.namespace,
                        namespace.unwrap_or_default()
                    )),
                    (Some(near), None) => {
                        error.remedy(format!("did you mean `{}/{near}`?", name.kind))
                    }
                    (None, None) => error.remedy(format!(
                        "`baseline.paths` must lead to the {} manifest",
                        name.kind
                    )),
                });
                None
            }
            [one] => {
                if let Some(second) = self.facts.baseline.duplicate(&self.facts.object(*one).id) {
                    self.twice(*one, second);
                    return None;
                }
                Some(*one)
            }
            [first, second, ..] => {
                let (first, second) = (*first, *second);
                if self.facts.object(first).id == self.facts.object(second).id {
                    self.twice(first, self.facts.object(second));
                    return None;
                }
                let ids = found.iter().map(|at| {
                    let id = &self.facts.object(*at).id;
                    format!("{}{}{}", id.group, if id.group.is_empty() { "" } else { " " }, id)
                });
                let message = format!(
                    "{what} {name} means several objects: {}",
                    ids.collect::<Vec<_>>().join(", ")
                );
                self.errors.push(
                    Diagnostic::error(message)
                        .at(place.clone())
                        .remedy("set `spec.namespace`, or narrow `baseline.paths`"),
                );
                None
            }
        }
    }

    fn twice(&mut self, first: usize, second: &Object) {
        let first = self.facts.object(first);
        let error = Diagnostic::error(format!("{} stands twice in the baseline", first.id));
        let error = match first.place() {
            Some(place) => error.at(place),
            None => error,
        };
        let error = match second.place() {
            Some(place) => error.related(place, "and here"),
            None => error,
        };
        self.errors.push(error.remedy("narrow `baseline.paths` so that only one of them is read"));
    }

    fn service(&mut self, spec: &'a Service, governance: &dyn Governance) {
        let Some(workload) = self.named(&spec.workload, &spec.workload_place, "the workload")
        else {
            return;
        };
        let object = self.facts.object(workload);
        if let Some(why) = hook_or_owned(object.root()) {
            self.errors.push(
                Diagnostic::error(format!(
                    "{} cannot be the workload of `{}`: {why}",
                    object.id, spec.name
                ))
                .at(spec.workload_place.clone())
                .remedy("name the workload that makes it, as it stands in git"),
            );
            return;
        }
        match decide(spec, &object.id) {
            Decision::Copy => {}
            Decision::Share | Decision::Skip(_) => {
                self.errors.push(
                    Diagnostic::error(format!(
                        "{} is the workload of `{}` and must be copied",
                        object.id, spec.name
                    ))
                    .at(spec.workload_place.clone())
                    .remedy(format!(
                        "say `policies: {{{}: copy}}`, or take the service out of the spec",
                        object.id.kind
                    )),
                );
                return;
            }
            Decision::Refuse(why) => {
                self.errors.push(
                    Diagnostic::error(format!(
                        "a {} is not copied by default: {why}",
                        object.id.kind
                    ))
                    .at(spec.workload_place.clone())
                    .remedy(format!(
                        "if that is what you want, say so: `policies: {{{}: copy}}`",
                        object.id.kind
                    )),
                );
                return;
            }
        }
        let Some(pods) = self.facts.pods_of(workload).next().cloned() else {
            self.errors.push(
                Diagnostic::error(format!("{} has no pod template", object.id))
                    .at(spec.workload_place.clone())
                    .remedy("`workload` must name what runs the service's pods"),
            );
            return;
        };
        let app = app_name(object, &pods, governance).unwrap_or(&object.id.name);
        let labels = LaneLabels::new(self.release.tag.as_str(), &spec.name, app, governance);
        let (wish, suffix) = (self.release.isolation, &self.release.suffix);
        let separation = separate(self.facts, &pods, wish, suffix, &labels, governance);
        let pod_labels = gray_labels(&pods.labels, &separation, &labels);
        let number = self.plan.services.len();
        self.taken.insert(workload, number);
        self.copied.insert(workload);
        self.backends.push(Vec::new());
        self.plan.copies.push(Copy {
            object: workload,
            service: number,
            role: Role::Workload,
            shared: false,
        });
        self.plan.services.push(PlannedService {
            spec,
            workload,
            namespace: object.id.namespace.clone(),
            pods,
            separation,
            labels,
            pod_labels,
        });
    }

    /// What selects the service's pods, points at its workload or Services, or is asked for.
    fn belongings(&mut self, number: usize) {
        let workload = self.plan.services[number].workload;
        let spec = self.plan.services[number].spec;
        let facts = self.facts;
        let mut services = Vec::new();
        for selecting in facts.selecting(workload) {
            let object = selecting.object;
            let role = selecting.selector.role;
            if role == SelectorRole::Service {
                if self.consider(object, number) {
                    services.push(object);
                    self.serves(object, number);
                }
            } else if role == SelectorRole::NetworkPolicyPeer {
                self.cut_off(number, selecting);
            } else if role != SelectorRole::Workload && finds_own_pods(role) {
                // A policy that still covers the gray pods covers them as it does the baseline's.
                let still = !counts_pods(role)
                    && selecting
                        .selector
                        .selects(&self.plan.services[number].pod_labels.iter().cloned().collect());
                if !still && facts.pods_of(object).next().is_none() {
                    self.consider(object, number);
                }
            }
        }
        let mut targets = vec![facts.object(workload).id.clone()];
        targets.extend(services.iter().map(|service| facts.object(*service).id.clone()));
        for target in &targets {
            for referrer in facts.referrers(target) {
                let id = &facts.object(*referrer).id;
                // What scales belongs to what it scales, whatever it measures besides.
                let scales_another = scales(id) && *target != targets[0];
                if id.kind != "Ingress" && !scales_another {
                    self.consider(*referrer, number);
                }
            }
        }
        for (name, place) in &spec.copy {
            if let Some(object) = self.named(name, place, "the object to copy,")
                && self.is_copyable(object, place)
            {
                self.copy(object, number);
            }
        }
    }

    /// Warns of a network policy that lets the baseline's pods through and not the gray ones.
    fn cut_off(&mut self, number: usize, selecting: &Selecting) {
        let service = &self.plan.services[number];
        let gray: HashMap<String, String> = service.pod_labels.iter().cloned().collect();
        if selecting.selector.selects(&gray) {
            return;
        }
        let policy = self.facts.object(selecting.object);
        let warning = Diagnostic::warning(format!(
            "{} lets the pods of `{}` through by labels that its gray pods do not have: they would be cut off",
            policy.id, service.spec.name
        ));
        let warning = match policy.document.find(&selecting.selector.path).and_then(NodeRef::place)
        {
            Some(place) => warning.at(place),
            None => warning,
        };
        let asked = selecting.selector.selector.requirements.iter().map(|each| &each.key);
        let labels: BTreeSet<String> =
            asked.filter_map(|key| Some(format!("\n      {key}: {}", gray.get(key)?))).collect();
        let lines: String = labels.into_iter().collect();
        self.plan.notes.push(
            warning
                .remedy(format!("add a peer beside it:\n- podSelector:\n    matchLabels:{lines}")),
        );
    }

    /// Whether an object can be copied because the spec names it.
    fn is_copyable(&mut self, position: usize, place: &Place) -> bool {
        let object = self.facts.object(position);
        let id = &object.id;
        let (why, remedy) = if id.kind == "Ingress" {
            (
                "a second Ingress for the same hosts and paths takes its traffic".to_owned(),
                "say `entry` on the service it leads to: its canary is made from it".to_owned(),
            )
        } else if kind_of(&id.group, &id.kind).workload && !self.copied.contains(&position) {
            (
                "it runs pods of its own".to_owned(),
                format!(
                    "make it a service of the lane: `- {{name: …, workload: {}/{}}}`",
                    id.kind, id.name
                ),
            )
        } else if let Some(why) = hook_or_owned(object.root()) {
            (why, "take it out of `copy`".to_owned())
        } else {
            return true;
        };
        self.errors.push(
            Diagnostic::error(format!("{id} cannot be copied by name: {why}"))
                .at(place.clone())
                .remedy(remedy),
        );
        false
    }

    /// Reports an object that the spec names and that no copy can be made of, because a delivery
    /// tool or another object makes it when that wants to.
    fn is_made_by_others(&mut self, object: usize, place: &Place) -> bool {
        let object = self.facts.object(object);
        let Some(why) = hook_or_owned(object.root()) else { return false };
        self.errors.push(
            Diagnostic::error(format!("{} cannot be copied: {why}", object.id))
                .at(place.clone())
                .remedy("name what stands for itself in the baseline"),
        );
        true
    }

    /// Decides for an object that belongs to a service; whether it is copied.
    fn consider(&mut self, object: usize, number: usize) -> bool {
        if self.taken.contains_key(&object) {
            return self.copied.contains(&object);
        }
        let id = &self.facts.object(object).id;
        let spec = self.plan.services[number].spec;
        let namespace = self.release.namespace.as_deref();
        if namespace.is_some_and(|own| !id.namespace.is_empty() && id.namespace != own) {
            return false;
        }
        let is_stated = stated(spec, id).is_some();
        let decision = match hook_or_owned(self.facts.object(object).root()) {
            Some(why) if stated(spec, id) != Some(CopyPolicy::Share) => Decision::Skip(why),
            _ => decide(spec, id),
        };
        match decision {
            Decision::Copy if !is_stated && self.blocks_drains(object, spec) => {
                self.skip(object, number, "it would let none of the gray pods be evicted");
                false
            }
            Decision::Copy => self.copy(object, number),
            Decision::Share => {
                self.taken.insert(object, number);
                false
            }
            Decision::Skip(why) => {
                self.skip(object, number, &why);
                false
            }
            Decision::Refuse(why) => {
                self.taken.insert(object, number);
                let error = Diagnostic::error(format!("{id} belongs to `{}`: {why}", spec.name));
                let error = match self.facts.object(object).place() {
                    Some(place) => error.at(place),
                    None => error,
                };
                self.errors.push(error.remedy(format!(
                    "say what is wanted in the service's policies: `{}/{}: skip` leaves it with the baseline, `copy` copies it",
                    id.kind, id.name
                )));
                false
            }
        }
    }

    fn skip(&mut self, object: usize, number: usize, why: &str) {
        self.taken.insert(object, number);
        let (there, spec) = (self.facts.object(object), self.plan.services[number].spec);
        let note =
            Diagnostic::note(format!("{} of `{}` is not copied: {why}", there.id, spec.name));
        self.plan.notes.push(match there.place() {
            Some(place) => note.at(place),
            None => note,
        });
    }

    /// Whether an object is a budget that lets none of so many pods go.
    fn blocks_drains(&self, object: usize, service: &Service) -> bool {
        let object = self.facts.object(object);
        if object.id.kind != "PodDisruptionBudget" {
            return false;
        }
        let part = |key: &str| object.root().at(&["spec", key]).and_then(NodeRef::text);
        let is_all = |text: &str| match text.strip_suffix('%') {
            // The share is rounded up to whole pods.
            Some(percent) => percent.parse::<u64>().is_ok_and(|percent| {
                percent.saturating_mul(service.replicas.into()).div_ceil(100)
                    >= service.replicas.into()
            }),
            None => text.parse::<u64>().is_ok_and(|pods| pods >= service.replicas.into()),
        };
        part("minAvailable").is_some_and(is_all)
            || part("maxUnavailable").is_some_and(|text| matches!(text, "0" | "0%"))
    }

    fn copy(&mut self, object: usize, number: usize) -> bool {
        if self.copied.contains(&object) {
            return true;
        }
        let there = self.facts.object(object);
        if let Some(second) = self.facts.baseline.duplicate(&there.id) {
            self.twice(object, second);
            return false;
        }
        self.taken.insert(object, number);
        self.copied.insert(object);
        if there.id.group.is_empty() && there.id.kind == "Service" {
            self.backends[number].push(object);
        }
        let shared = false;
        self.plan.copies.push(Copy { object, service: number, role: Role::Other, shared });
        true
    }

    /// Notes that a copied Service leads to a service's pods.
    fn serves(&mut self, object: usize, number: usize) {
        if !self.backends[number].contains(&object) {
            self.backends[number].push(object);
        }
        if self.taken.get(&object) != Some(&number) {
            self.shared.insert(object);
        }
    }

    /// The Ingress of a service that is an entry.
    fn entry(&mut self, number: usize) {
        let planned = &self.plan.services[number];
        let spec = planned.spec;
        let services: Vec<&ObjectRef> =
            self.backends[number].iter().map(|service| &self.facts.object(*service).id).collect();
        let mut ingresses: Vec<usize> = services
            .iter()
            .flat_map(|id| self.facts.referrers(id))
            .copied()
            .filter(|referrer| {
                let object = self.facts.object(*referrer);
                object.id.kind == "Ingress" && !gateway::is_canary(object.root())
            })
            .collect();
        ingresses.sort_unstable();
        ingresses.dedup();
        let Some(entry) = &spec.entry else {
            for ingress in ingresses.iter().filter(|ingress| !self.taken.contains_key(ingress)) {
                let id = &self.facts.object(*ingress).id;
                let note = format!(
                    "{id} leads to `{}`, which is no entry: it stays with the baseline",
                    spec.name
                );
                self.plan.notes.push(Diagnostic::note(note).at(spec.place.clone()));
            }
            return;
        };
        if services.is_empty() {
            self.errors.push(
                Diagnostic::error(format!(
                    "`{}` is an entry, but no Service of it is copied",
                    spec.name
                ))
                .at(entry.place.clone())
                .remedy(
                    "an entry needs a Service that selects its pods, and a policy that copies it",
                ),
            );
            return;
        }
        if let Some(ingress) = self.entry_ingress(entry, spec, &ingresses) {
            if self.is_made_by_others(ingress, &entry.place) {
                return;
            }
            if self.copied.contains(&ingress) {
                self.errors.push(
                    Diagnostic::error(format!(
                        "{} is the Ingress of two entries",
                        self.facts.object(ingress).id
                    ))
                    .at(entry.place.clone())
                    .remedy(
                        "one canary Ingress has one match: keep `entry` on one of the services",
                    ),
                );
                return;
            }
            if let Some(second) = self.facts.baseline.duplicate(&self.facts.object(ingress).id) {
                self.twice(ingress, second);
                return;
            }
            self.taken.insert(ingress, number);
            self.copied.insert(ingress);
            self.plan.copies.push(Copy {
                object: ingress,
                service: number,
                role: Role::Entry,
                shared: false,
            });
        }
    }

    fn entry_ingress(
        &mut self,
        entry: &Entry,
        spec: &Service,
        candidates: &[usize],
    ) -> Option<usize> {
        if let Some((name, place)) = &entry.ingress {
            let name = ObjectName { kind: "Ingress".to_owned(), name: name.clone() };
            let found = self.named(&name, place, "the entry's")?;
            let object = self.facts.object(found);
            if gateway::is_canary(object.root()) {
                let error =
                    Diagnostic::error(format!("{} is a canary of another Ingress", object.id));
                self.errors.push(
                    error.at(place.clone()).remedy("name the Ingress that serves the baseline"),
                );
                return None;
            }
            return Some(found);
        }
        let names: Vec<&str> =
            candidates.iter().map(|at| self.facts.object(*at).id.name.as_str()).collect();
        match candidates {
            [one] => Some(*one),
            [] => {
                self.errors.push(
                    Diagnostic::error(format!("no Ingress leads to a Service of `{}`", spec.name))
                        .at(entry.place.clone())
                        .remedy("an entry needs an Ingress; `baseline.paths` must lead to it"),
                );
                None
            }
            _ => {
                self.errors.push(
                    Diagnostic::error(format!(
                        "several Ingresses lead to `{}`: {}",
                        spec.name,
                        names.join(", ")
                    ))
                    .at(entry.place.clone())
                    .remedy(format!("name one of them: `ingress: {}`", names[0])),
                );
                None
            }
        }
    }

    /// Tells of policies that decide nothing, so that nobody relies on them.
    fn idle_policies(&mut self) {
        for service in &self.plan.services {
            // Claims are decided for where the pods mount them.
            let policies = service.spec.policies.iter();
            for policy in policies.filter(|policy| policy.kind != "PersistentVolumeClaim") {
                let decides = self.taken.keys().any(|object| {
                    let id = &self.facts.object(*object).id;
                    id.kind == policy.kind
                        && policy.name.as_ref().is_none_or(|name| *name == id.name)
                });
                if decides {
                    continue;
                }
                let name = policy.name.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
                let note = Diagnostic::note(format!(
                    "the policy for {}{name} decides nothing: `{}` has no such object around it",
                    policy.kind, service.spec.name
                ));
                let remedy = "an object that does not select or point at the service is copied by `copy: [Kind/name]`";
                self.plan.notes.push(note.at(policy.place.clone()).remedy(remedy));
            }
        }
    }

    fn name_copies(&mut self) {
        self.plan.copies.sort_by_key(|copy| copy.object);
        for copy in &mut self.plan.copies {
            copy.shared = self.shared.contains(&copy.object);
            let id = &self.facts.object(copy.object).id;
            self.plan
                .gray_names
                .insert(id.clone(), format!("{}{}", id.name, self.release.suffix.text));
        }
        // What the copies of an object's controllers make has a name of its own too.
        for copy in &self.plan.copies {
            let object = self.facts.object(copy.object);
            for made in made_by(object) {
                let name = format!("{}{}", made.name, self.release.suffix.text);
                self.plan.gray_names.entry(made).or_insert(name);
            }
        }
        // A baseline object that has the name of a copy already would be overwritten by it.
        for copy in &self.plan.copies {
            let object = self.facts.object(copy.object);
            let gray =
                ObjectRef { name: self.plan.gray_names[&object.id].clone(), ..object.id.clone() };
            if let Some(there) = self.facts.baseline.get(&gray) {
                let error = Diagnostic::error(format!(
                    "the copy of {} would be {gray}, which the baseline has already",
                    object.id
                ));
                let error = match there.place() {
                    Some(place) => error.at(place),
                    None => error,
                };
                self.errors.push(error.remedy("choose another tag or `naming.suffix`, or take that object out of the baseline"));
            }
        }
    }
}

/// The objects that a controller makes for an object.
fn made_by(object: &Object) -> Vec<ObjectRef> {
    let mut made: Vec<ObjectRef> = references(object.root(), &object.id)
        .into_iter()
        .filter(|reference| reference.effect == Effect::Creates)
        .map(|reference| reference.target)
        .collect();
    // An ExternalSecret that names no Secret makes the one of its own name.
    let id = &object.id;
    if (id.group.as_str(), id.kind.as_str()) == ("external-secrets.io", "ExternalSecret")
        && made.is_empty()
    {
        made.push(ObjectRef::new("", "Secret", &id.namespace, &id.name));
    }
    made
}

/// Whether an object of this kind changes how many pods a workload has, or how large they are.
pub(super) fn scales(id: &ObjectRef) -> bool {
    matches!(
        (id.group.as_str(), id.kind.as_str()),
        ("autoscaling", "HorizontalPodAutoscaler")
            | ("autoscaling.k8s.io", "VerticalPodAutoscaler")
            | ("keda.sh", "ScaledObject")
            | ("apps.kruise.io", "WorkloadSpread")
    )
}

/// The name a workload's pods register under, where its template says it.
fn app_name<'o>(object: &'o Object, pods: &Pods, governance: &dyn Governance) -> Option<&'o str> {
    let key = governance.app_name_key()?;
    let metadata = object.document.find(&pods.template.path)?.get("metadata")?;
    // Older agents read annotations.
    let said = metadata.at(&["labels", key]).or_else(|| metadata.at(&["annotations", key]));
    said.and_then(NodeRef::text).filter(|name| !name.is_empty())
}
