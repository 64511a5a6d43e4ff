//! What the steps need to know of the baseline as a whole, gathered in one pass: pods, selectors,
//! and which object points at which.

use std::ops::Range;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use rayon::prelude::*;

use crate::baseline::files::Files;
use crate::baseline::orchestration::Orchestration;
use crate::baseline::{Baseline, Object, read};
use crate::diagnostic::Failure;
use crate::gateway;
use crate::kube::kinds::{Policy, kind_of};
use crate::kube::mse;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{PodTemplate, labels, pod_templates};
use crate::kube::references::{Effect, references};
use crate::kube::selector_index::SelectorIndex;
use crate::kube::selectors::{EmptySelector, SelectorUse, selectors};
use crate::kube::strip::hook_or_owned;
use crate::spec::GrayRelease;
use crate::yaml::NodeRef;

/// Labels, in the order of the manifest.
pub type Labels = Vec<(String, String)>;

/// The pods an object makes.
#[derive(Clone, Debug)]
pub struct Pods {
    /// Position of the object in the baseline.
    pub object: usize,
    /// Where the template is.
    pub template: PodTemplate,
    /// The template's labels.
    pub labels: Labels,
}

impl Pods {
    /// The name they register under, where their template says it under `key`: a label counts for
    /// more than an annotation, which older agents read. `object` is what makes them.
    pub fn app_name(&self, object: &Object, key: &str) -> Option<String> {
        // Most say it in a label, which needs no nodes.
        let label = self.labels.iter().find(|(candidate, _)| candidate == key);
        let name = label.map(|(_, name)| name.clone()).or_else(|| {
            let document = object.document();
            let metadata = document.find(&self.template.path)?.get("metadata")?;
            mse::said(metadata, key).and_then(NodeRef::text).map(str::to_owned)
        });
        name.filter(|name| !name.is_empty())
    }
}

/// A selector of an object.
#[derive(Clone, Debug)]
pub struct Selecting {
    /// Position of the object in the baseline.
    pub object: usize,
    /// The selector and where it is.
    pub selector: SelectorUse,
    /// Positions in [`Facts::pods`] of what it selects.
    pub pods: Vec<usize>,
}

/// What one object contributes.
struct Part {
    templates: Vec<(PodTemplate, Labels)>,
    selectors: Vec<SelectorUse>,
    targets: Vec<(ObjectRef, Effect)>,
    made_by: Option<String>,
    is_canary: bool,
}

/// What all objects contribute, joined in their order.
#[derive(Default)]
struct Parts {
    pods: Vec<Pods>,
    selectors: Vec<Selecting>,
    pods_of: Vec<Range<usize>>,
    selectors_of: Vec<Range<usize>>,
    /// What the object at a position points at, and what that does.
    targets: Vec<(usize, ObjectRef, Effect)>,
    made_by: HashMap<usize, String>,
    canaries: HashSet<usize>,
}

impl Parts {
    fn join(parts: Vec<Vec<Part>>) -> Self {
        let sum = |of: fn(&Part) -> usize| parts.iter().flatten().map(of).sum();
        let mut all = Self {
            pods: Vec::with_capacity(sum(|part| part.templates.len())),
            selectors: Vec::with_capacity(sum(|part| part.selectors.len())),
            pods_of: Vec::with_capacity(sum(|_| 1)),
            selectors_of: Vec::with_capacity(sum(|_| 1)),
            targets: Vec::with_capacity(sum(|part| part.targets.len())),
            ..Self::default()
        };
        for (object, part) in parts.into_iter().flatten().enumerate() {
            let (first_pods, first_selector) = (all.pods.len(), all.selectors.len());
            let templates = part.templates.into_iter();
            all.pods.extend(templates.map(|(template, labels)| Pods { object, template, labels }));
            let selectors = part.selectors.into_iter();
            all.selectors.extend(selectors.map(|selector| Selecting {
                object,
                selector,
                pods: Vec::new(),
            }));
            all.pods_of.push(first_pods..all.pods.len());
            all.selectors_of.push(first_selector..all.selectors.len());
            if let Some(why) = part.made_by {
                all.made_by.insert(object, why);
            }
            if part.is_canary {
                all.canaries.insert(object);
            }
            let targets = part.targets.into_iter();
            all.targets.extend(targets.map(|(target, effect)| (object, target, effect)));
        }
        all
    }
}

/// The baseline, indexed for the steps.
#[derive(Debug)]
pub struct Facts {
    /// The baseline itself.
    pub baseline: Arc<Baseline>,
    /// All pod templates.
    pub pods: Vec<Pods>,
    /// All selectors.
    pub selectors: Vec<Selecting>,
    /// Pod templates by label, their numbers being positions in `pods`.
    pub index: SelectorIndex<usize>,
    /// Positions in `selectors` of each object's selectors.
    selectors_of: Vec<Range<usize>>,
    /// Positions in `pods` of each object's templates.
    pods_of: Vec<Range<usize>>,
    /// Positions in `selectors` of the selectors that match each pod template.
    matching: Vec<Vec<usize>>,
    /// Objects without pods of their own that point at an object, by its identity.
    referrers: HashMap<ObjectRef, Vec<usize>>,
    /// What objects without pods of their own make in the cluster.
    made: HashSet<ObjectRef>,
    /// Why no copy can be made of an object, for those that others make.
    made_by: HashMap<usize, String>,
    /// The Ingresses that are canaries of others.
    canaries: HashSet<usize>,
}

impl Facts {
    /// Reads a baseline for a lane and gathers its facts, object by object. Nodes are kept of those
    /// objects only that the lane probably copies.
    ///
    /// # Errors
    ///
    /// As [`read::read`].
    pub fn read(
        files: &dyn Files,
        paths: &[String],
        release: &GrayRelease,
        orchestration: Option<&Orchestration>,
    ) -> Result<Self, Failure> {
        let workloads: HashSet<&str> =
            release.services.iter().map(|service| service.workload.name.as_str()).collect();
        let look = |object: &Object| {
            let part = part(object);
            if !is_near(&object.id, &workloads) {
                object.let_go();
            }
            part
        };
        let namespace = release.namespace.as_deref().unwrap_or("");
        let (baseline, parts) =
            read::read_and(files, paths, namespace, orchestration, look, Parts::join)?;
        Ok(Self::of(&Arc::new(baseline), parts))
    }

    /// Gathers the facts of a baseline.
    pub fn gather(baseline: &Arc<Baseline>) -> Self {
        let parts = baseline.objects().par_iter().map(part).collect();
        Self::of(baseline, Parts::join(vec![parts]))
    }

    /// Indexes what the objects of a baseline contribute.
    fn of(baseline: &Arc<Baseline>, parts: Parts) -> Self {
        let Parts { pods, selectors, pods_of, selectors_of, targets, made_by, canaries } = parts;
        let mut facts = Self {
            baseline: Arc::clone(baseline),
            matching: vec![Vec::new(); pods.len()],
            pods,
            selectors,
            index: SelectorIndex::default(),
            selectors_of,
            pods_of,
            referrers: HashMap::new(),
            made: HashSet::new(),
            made_by,
            canaries,
        };
        rayon::join(
            || {
                for (number, pods) in facts.pods.iter().enumerate() {
                    let namespace = &baseline.objects()[pods.object].id.namespace;
                    facts.index.insert(number, namespace, pods.labels.iter().cloned());
                }
            },
            || {
                for (object, target, effect) in targets {
                    if effect == Effect::Creates {
                        facts.made.insert(target.clone());
                    }
                    let referrers = facts.referrers.entry(target).or_default();
                    // One that names it twice is one.
                    if referrers.last() != Some(&object) {
                        referrers.push(object);
                    }
                }
            },
        );
        facts.selectors.par_iter_mut().for_each(|selecting| {
            let namespace = &baseline.objects()[selecting.object].id.namespace;
            selecting.pods = selected(&facts.index, &selecting.selector, namespace);
        });
        for (number, selecting) in facts.selectors.iter().enumerate() {
            for pod in &selecting.pods {
                facts.matching[*pod].push(number);
            }
        }
        facts
    }

    /// The templates of an object.
    pub fn pods_of(&self, object: usize) -> &[Pods] {
        &self.pods[self.pod_numbers(object)]
    }

    /// The selectors that an object holds.
    pub fn selectors_of(&self, object: usize) -> &[Selecting] {
        &self.selectors[self.selectors_of.get(object).cloned().unwrap_or_default()]
    }

    /// The selectors of the baseline that match an object's pods, in the order of their objects.
    pub fn selecting(&self, object: usize) -> impl Iterator<Item = &Selecting> {
        let numbers = self.matching[self.pod_numbers(object)].iter().flatten();
        numbers.map(|number| &self.selectors[*number])
    }

    fn pod_numbers(&self, object: usize) -> Range<usize> {
        self.pods_of.get(object).cloned().unwrap_or_default()
    }

    /// Why no copy can be made of an object: a delivery tool or another object makes it when that
    /// wants to. `None` where it stands for itself.
    pub fn made_by(&self, object: usize) -> Option<&str> {
        self.made_by.get(&object).map(String::as_str)
    }

    /// Whether an object is an Ingress that is the canary of another.
    pub fn is_canary(&self, object: usize) -> bool {
        self.canaries.contains(&object)
    }

    /// The objects without pods of their own that point at one, each once.
    pub fn referrers(&self, target: &ObjectRef) -> &[usize] {
        self.referrers.get(target).map_or(&[], Vec::as_slice)
    }

    /// Whether an object without pods of its own makes this one in the cluster.
    pub fn is_made(&self, target: &ObjectRef) -> bool {
        self.made.contains(target)
    }

    /// An object without pods of its own that makes one of this kind and name in the cluster.
    pub fn maker(&self, kind: &str, name: &str) -> Option<&Object> {
        let made = self.made.iter().filter(|id| id.kind == kind && id.name == name).min()?;
        let mut referrers = self.referrers(made).iter().map(|at| self.object(*at));
        referrers.find(|object| {
            let named = references(object.document().root(), &object.id);
            named.iter().any(|one| one.effect == Effect::Creates && one.target == *made)
        })
    }

    /// The objects of a kind, in any API group, and a name.
    pub fn named<'a>(
        &'a self,
        kind: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = usize> + Clone + 'a {
        self.baseline.named(kind, name)
    }

    /// The names of all objects of a kind.
    pub fn names_of(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.baseline
            .objects()
            .iter()
            .filter(move |object| object.id.kind == kind)
            .map(|object| object.id.name.as_str())
    }

    /// An object by its position.
    pub fn object(&self, position: usize) -> &Object {
        &self.baseline.objects()[position]
    }
}

/// The numbers of the pod templates that a selector of an object in this namespace selects.
pub fn selected(
    index: &SelectorIndex<usize>,
    selector: &SelectorUse,
    namespace: &str,
) -> Vec<usize> {
    let asks_for_nothing =
        selector.selector.is_empty() && selector.empty != EmptySelector::MatchesAll;
    if asks_for_nothing || !selector.role.selects_pods() {
        return Vec::new();
    }
    index.matching_in(&selector.selector, &selector.scope, namespace).into_iter().copied().collect()
}

/// Whether a lane probably copies an object: it is of a kind that is copied, and named after one of
/// the workloads. Whether it really does is decided later.
fn is_near(id: &ObjectRef, workloads: &HashSet<&str>) -> bool {
    let is_copied = kind_of(&id.group, &id.kind).policy == Policy::Copy;
    let dashes = id.name.match_indices('-').map(|(at, _)| at);
    let mut beginnings = dashes.chain([id.name.len()]).map(|end| &id.name[..end]);
    is_copied && beginnings.any(|beginning| workloads.contains(beginning))
}

fn part(object: &Object) -> Part {
    let document = object.document();
    let root = document.root();
    let templates: Vec<_> = pod_templates(root)
        .into_iter()
        .map(|template| {
            let found = document.find(&template.labels());
            (template, found.map(labels).unwrap_or_default())
        })
        .collect();
    let targets = if templates.is_empty() && has_own_references(root) {
        let found = references(root, &object.id).into_iter();
        found.map(|reference| (reference.target, reference.effect)).collect()
    } else {
        Vec::new()
    };
    let is_canary = object.id.kind == "Ingress" && gateway::is_canary(root);
    let made_by = hook_or_owned(root);
    let mut selectors = selectors(root);
    selectors.shrink_to_fit();
    Part { templates, selectors, targets, made_by, is_canary }
}

/// Kinds that point at nothing and are many.
fn has_own_references(root: NodeRef<'_>) -> bool {
    !matches!(root.get("kind").and_then(NodeRef::as_str), Some("ConfigMap" | "Secret" | "Service"))
}
