//! What of the baseline belongs to each service, and what becomes of it.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use rayon::prelude::*;

use super::facts::{Facts, Labels, Pods};
use super::isolation::{Separation, gray_labels, separate};
use super::labels::LaneLabels;
use super::own;
use super::policy::{Decision, decide};
use super::rename::gray_name;
use super::unite::{relabelled, unite};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Place, nearest};
use crate::governance::{Governance, Style};
use crate::kube::object::ObjectRef;
use crate::kube::references::{creates, made};
use crate::spec::{GrayRelease, ObjectName, Service};

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
    /// The name its baseline pods register under in governance.
    pub app: String,
    /// Its pods.
    pub pods: Pods,
    /// The labels that its gray pods start from: those of its pods, or of its gray rendering.
    pub own_labels: Labels,
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
    /// What is copied; each object once, in the order of the baseline.
    pub copies: Vec<Copy>,
    /// The gray names of copied objects.
    pub gray_names: HashMap<ObjectRef, String>,
    /// What is left out, and what was decided.
    pub notes: Vec<Diagnostic>,
}

impl Plan<'_> {
    /// Whether the object at a position of the baseline is copied.
    pub(super) fn is_copied(&self, object: usize) -> bool {
        self.copies.binary_search_by_key(&object, |copy| copy.object).is_ok()
    }
}

/// Finds what belongs to the services of a spec.
///
/// # Errors
///
/// Everything in the spec that the baseline does not have, or has more than once, and every object
/// that is not copied unless the spec says what is wanted.
pub(super) fn select<'a>(
    release: &'a GrayRelease,
    facts: &Facts,
    governance: &dyn Governance,
) -> Result<Plan<'a>, Vec<Diagnostic>> {
    let mut selection = Selection::new(release, facts);
    selection.services(governance);
    unite(&mut selection.plan.services, facts, release);
    selection.plan.notes.extend(relabelled(&selection.plan.services, release));
    for number in 0..selection.plan.services.len() {
        selection.belongings(number);
    }
    for number in 0..selection.plan.services.len() {
        selection.clients(number);
    }
    selection.tell_skipped();
    let first = selection.plan.copies.len();
    for number in 0..selection.plan.services.len() {
        selection.entry(number);
    }
    selection.policies_of_routes(first);
    selection.tell_skipped();
    selection.idle_policies();
    selection.name_copies();
    if selection.errors.is_empty() { Ok(selection.plan) } else { Err(selection.errors) }
}

/// An object that belongs to a service and is not copied.
pub(super) struct Skipped {
    /// Its position in the baseline.
    pub object: usize,
    /// The position of the service in the plan.
    pub service: usize,
    pub why: String,
}

/// The plan while it is made.
pub(super) struct Selection<'a, 'f> {
    pub release: &'a GrayRelease,
    pub facts: &'f Facts,
    pub plan: Plan<'a>,
    pub errors: Vec<Diagnostic>,
    /// Objects that something was decided for, with the service it was decided for.
    pub taken: HashMap<usize, usize>,
    /// Those of them that are left out.
    pub skipped: Vec<Skipped>,
    pub copied: HashSet<usize>,
    /// Copies that belong to more than one service.
    pub shared: HashSet<usize>,
    /// The Services among the copies, by the service they are copied for.
    pub backends: Vec<Vec<usize>>,
}

/// Errors for which the name that may be meant is looked for. Each search goes through all names.
pub(super) const SUGGESTIONS: usize = 20;

impl<'a, 'f> Selection<'a, 'f> {
    /// Nothing is decided yet.
    pub(super) fn new(release: &'a GrayRelease, facts: &'f Facts) -> Self {
        Self {
            release,
            facts,
            plan: Plan::default(),
            errors: Vec::new(),
            taken: HashMap::new(),
            skipped: Vec::new(),
            copied: HashSet::new(),
            shared: HashSet::new(),
            backends: Vec::new(),
        }
    }

    /// The object a spec names, of those in the lane's namespace. Of several the one `beside` the
    /// service's workload, in its namespace, is meant.
    pub(super) fn named(
        &mut self,
        name: &ObjectName,
        place: &Place,
        what: &str,
        beside: Option<&str>,
    ) -> Option<usize> {
        let namespace = self.release.namespace.as_deref();
        let fits = |position: &usize| {
            let id = &self.facts.object(*position).id;
            namespace.is_none_or(|namespace| id.namespace.is_empty() || id.namespace == namespace)
        };
        let mut found: Vec<usize> = self.facts.named(&name.kind, &name.name).filter(fits).collect();
        let is_beside = |at: &usize| Some(self.facts.object(*at).id.namespace.as_str()) == beside;
        if found.iter().any(is_beside) {
            found.retain(is_beside);
        }
        match found.as_slice() {
            [] => {
                let names = self.facts.names_of(&name.kind);
                let is_told = self.errors.len() < SUGGESTIONS;
                let near = is_told.then(|| nearest(&name.name, names)).flatten();
                let elsewhere = self
                    .facts
                    .named(&name.kind, &name.name)
                    .next()
                    .map(|at| &self.facts.object(at).id);
                let error = Diagnostic::error(format!("{what} {name} is not in the baseline"))
                    .at(place.clone());
                let maker = is_told.then(|| self.facts.maker(&name.kind, &name.name)).flatten();
                if let (Some(maker), None) = (maker, elsewhere) {
                    let (kind, name) = (&maker.id.kind, &maker.id.name);
                    self.errors.push(error.remedy(format!(
                        "`{kind}/{name}` makes it in the cluster: copy that, and its copy makes another"
                    )));
                    return None;
                }
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

    pub(super) fn twice(&mut self, first: usize, second: &Object) {
        let first = self.facts.object(first);
        let error = Diagnostic::error(format!("{} stands twice in the baseline", first.id));
        let error = error.at(first.place());
        let error = match second.place() {
            Some(place) => error.related(place, "and here"),
            None => error,
        };
        self.errors.push(error.remedy("narrow `baseline.paths` so that only one of them is read"));
    }

    /// The workload of a service, if it stands for itself.
    pub(super) fn workload(&mut self, spec: &Service) -> Option<usize> {
        let workload = self.named(&spec.workload, &spec.workload_place, "the workload", None)?;
        let object = self.facts.object(workload);
        let Some(why) = self.facts.made_by(workload) else { return Some(workload) };
        self.errors.push(
            Diagnostic::error(format!(
                "{} cannot be the workload of `{}`: {why}",
                object.id, spec.name
            ))
            .at(spec.workload_place.clone())
            .remedy("name the workload that makes it, as it stands in git"),
        );
        None
    }

    /// The services that can be copied. What becomes of each has nothing to do with the others.
    fn services(&mut self, governance: &dyn Governance) {
        let (release, facts) = (self.release, self.facts);
        let found = release.services.iter();
        let found: Vec<(&Service, usize)> =
            found.filter_map(|spec| Some((spec, self.copied_workload(spec)?))).collect();
        let planned: Vec<_> = found
            .into_par_iter()
            .map(|(spec, workload)| plan(release, facts, spec, workload, governance))
            .collect();
        for planned in planned {
            let (service, errors) = match planned {
                Ok(planned) => planned,
                Err(error) => {
                    self.errors.push(error);
                    continue;
                }
            };
            self.errors.extend(errors);
            let (object, number) = (service.workload, self.plan.services.len());
            self.taken.insert(object, number);
            self.copied.insert(object);
            self.backends.push(Vec::new());
            let role = Role::Workload;
            self.plan.copies.push(Copy { object, service: number, role, shared: false });
            self.plan.services.push(service);
        }
    }

    /// The workload of a service, if it is one that is copied.
    fn copied_workload(&mut self, spec: &Service) -> Option<usize> {
        let workload = self.workload(spec)?;
        let id = &self.facts.object(workload).id;
        let (message, remedy) = match decide(spec, id) {
            Decision::Copy => return Some(workload),
            Decision::Share | Decision::Skip(_) => (
                format!("{id} is the workload of `{}` and must be copied", spec.name),
                format!(
                    "say `policies: {{{}: copy}}`, or take the service out of the spec",
                    id.kind
                ),
            ),
            Decision::Refuse(why) => (
                format!("a {} is not copied by default: {why}", id.kind),
                format!("if that is what you want, say so: `policies: {{{}: copy}}`", id.kind),
            ),
        };
        self.errors.push(Diagnostic::error(message).at(spec.workload_place.clone()).remedy(remedy));
        None
    }

    /// Tells of policies that decide nothing, so that nobody relies on them.
    fn idle_policies(&mut self) {
        if self.plan.services.iter().all(|service| service.spec.policies.is_empty()) {
            return;
        }
        let decided: HashSet<(&str, &str)> = self
            .taken
            .keys()
            .map(|object| &self.facts.object(*object).id)
            .flat_map(|id| [(id.kind.as_str(), id.name.as_str()), (id.kind.as_str(), "")])
            .collect();
        for service in &self.plan.services {
            // Claims are decided for where the pods mount them.
            let policies = service.spec.policies.iter();
            for policy in policies.filter(|policy| policy.kind != "PersistentVolumeClaim") {
                let name = policy.name.as_deref().unwrap_or("");
                if decided.contains(&(policy.kind.as_str(), name)) {
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
            self.plan.gray_names.insert(
                id.clone(),
                match own::name(self.facts, copy.object) {
                    Some(own) => own.to_owned(),
                    None => gray_name(id, &self.release.suffix.text),
                },
            );
        }
        // What the copies of an object's controllers make has a name of its own too.
        let facts = self.facts;
        let copies = self.plan.copies.par_iter().map(|copy| facts.object(copy.object));
        let made: Vec<ObjectRef> = copies
            .filter(|object| creates(&object.id.group, &object.id.kind))
            .flat_map_iter(|object| made(object.document().root(), &object.id))
            .collect();
        let made_apart =
            self.plan.copies.iter().flat_map(|copy| own::made_apart(facts, copy.object));
        let made_apart: Vec<(ObjectRef, String)> = made_apart.collect();
        for (made, name) in made_apart {
            self.plan.gray_names.entry(made).or_insert(name);
        }
        for made in made {
            let name = format!("{}{}", made.name, self.release.suffix.text);
            self.plan.gray_names.entry(made).or_insert(name);
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
                let error = error.at(there.place());
                self.errors.push(error.remedy("choose another tag or `naming.suffix`, or take that object out of the baseline"));
            }
        }
    }
}

/// What becomes of a service whose workload was found, and what is wrong with its pods.
///
/// # Errors
///
/// A workload that makes no pods.
fn plan<'a>(
    release: &GrayRelease,
    facts: &Facts,
    spec: &'a Service,
    workload: usize,
    governance: &dyn Governance,
) -> Result<(PlannedService<'a>, Vec<Diagnostic>), Diagnostic> {
    let object = facts.object(workload);
    let Some(pods) = facts.pods_of(workload).first().cloned() else {
        return Err(Diagnostic::error(format!("{} has no pod template", object.id))
            .at(spec.workload_place.clone())
            .remedy("`workload` must name what runs the service's pods"));
    };
    let document = object.document();
    let metadata = document.find(&pods.template.path.key("metadata"));
    let app = governance.app_name_key().and_then(|key| pods.app_name(object, key));
    let app = app.unwrap_or_else(|| object.id.name.clone());
    let style = metadata.map_or(Style::Labels, |metadata| governance.style(metadata));
    let marks = governance.marks(release, &app, style);
    let labels = LaneLabels::new(release.tag.as_str(), &spec.name, marks);
    let own_labels = own::pod_labels(facts, &pods);
    let tags = &labels.governance.selector;
    let errors = own::other_tag(facts, &pods, &own_labels, tags, release, spec);
    let (wish, suffix) = (release.isolation, &release.suffix);
    let separation = separate(facts, &pods, &own_labels, wish, suffix, &labels, governance);
    let pod_labels = gray_labels(&own_labels, &separation, &labels);
    let namespace = object.id.namespace.clone();
    let service = PlannedService {
        spec,
        workload,
        namespace,
        app,
        pods,
        own_labels,
        separation,
        labels,
        pod_labels,
    };
    Ok((service, errors.into_iter().collect()))
}
