//! What the steps need to know of the baseline as a whole, gathered in one pass: pods, selectors,
//! and which object points at which.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::baseline::{Baseline, Object};
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{PodTemplate, labels, pod_templates};
use crate::kube::references::references;
use crate::kube::selector_index::SelectorIndex;
use crate::kube::selectors::{EmptySelector, SelectorUse, selectors};
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

/// A selector of an object.
#[derive(Clone, Debug)]
pub struct Selecting {
    /// Position of the object in the baseline.
    pub object: usize,
    /// The selector and where it is.
    pub selector: SelectorUse,
}

/// What one object contributes.
struct Part {
    templates: Vec<(PodTemplate, Labels)>,
    selectors: Vec<SelectorUse>,
    targets: Vec<ObjectRef>,
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
    selectors_of: HashMap<usize, Vec<usize>>,
    /// Positions in `pods` of each object's templates.
    pods_of: HashMap<usize, Vec<usize>>,
    /// Positions in `selectors` of the selectors that match each pod template.
    matching: Vec<Vec<usize>>,
    /// Objects without pods of their own that point at an object, by its identity.
    referrers: HashMap<ObjectRef, Vec<usize>>,
    /// Positions of all objects, ordered by kind, name and then position.
    by_name: Vec<usize>,
}

impl Facts {
    /// Gathers the facts of a baseline.
    pub fn gather(baseline: &Arc<Baseline>) -> Self {
        let parts: Vec<Part> = baseline.objects().par_iter().map(part).collect();
        let mut by_name: Vec<usize> = (0..baseline.objects().len()).collect();
        by_name.par_sort_unstable_by(|a, b| {
            (kind_and_name(baseline, *a), a).cmp(&(kind_and_name(baseline, *b), b))
        });
        let mut facts = Self {
            baseline: Arc::clone(baseline),
            pods: Vec::new(),
            selectors: Vec::new(),
            index: SelectorIndex::default(),
            selectors_of: HashMap::new(),
            pods_of: HashMap::new(),
            matching: Vec::new(),
            referrers: HashMap::new(),
            by_name,
        };
        for (object, part) in parts.into_iter().enumerate() {
            let id = &baseline.objects()[object].id;
            for (template, labels) in part.templates {
                let number = facts.pods.len();
                facts.index.insert(number, &id.namespace, labels.iter().cloned());
                facts.pods_of.entry(object).or_default().push(number);
                facts.pods.push(Pods { object, template, labels });
            }
            for selector in part.selectors {
                facts.selectors_of.entry(object).or_default().push(facts.selectors.len());
                facts.selectors.push(Selecting { object, selector });
            }
            for target in part.targets {
                facts.referrers.entry(target).or_default().push(object);
            }
        }
        facts.matching = vec![Vec::new(); facts.pods.len()];
        let matches: Vec<Vec<usize>> = facts
            .selectors
            .par_iter()
            .map(|selecting| {
                let namespace = &baseline.objects()[selecting.object].id.namespace;
                selected(&facts.index, &selecting.selector, namespace)
            })
            .collect();
        for (number, pods) in matches.into_iter().enumerate() {
            for pod in pods {
                facts.matching[pod].push(number);
            }
        }
        facts
    }

    /// The templates of an object.
    pub fn pods_of(&self, object: usize) -> impl Iterator<Item = &Pods> {
        self.pods_of.get(&object).into_iter().flatten().map(|number| &self.pods[*number])
    }

    /// The selectors that an object holds.
    pub fn selectors_of(&self, object: usize) -> impl Iterator<Item = &Selecting> {
        let numbers = self.selectors_of.get(&object).into_iter().flatten();
        numbers.map(|number| &self.selectors[*number])
    }

    /// The selectors of the baseline that match an object's pods, in the order of their objects.
    pub fn selecting(&self, object: usize) -> impl Iterator<Item = &Selecting> {
        let numbers = self.pods_of.get(&object).into_iter().flatten();
        numbers.flat_map(|number| &self.matching[*number]).map(|number| &self.selectors[*number])
    }

    /// The objects without pods of their own that point at one.
    pub fn referrers(&self, target: &ObjectRef) -> &[usize] {
        self.referrers.get(target).map_or(&[], Vec::as_slice)
    }

    /// The objects of a kind, in any API group, and a name.
    pub fn named(&self, kind: &str, name: &str) -> &[usize] {
        let key = |position: &usize| kind_and_name(&self.baseline, *position);
        let start = self.by_name.partition_point(|position| key(position) < (kind, name));
        let found = self.by_name.get(start..).unwrap_or(&[]);
        let count = found.iter().take_while(|position| key(position) == (kind, name)).count();
        found.get(..count).unwrap_or(&[])
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

fn kind_and_name(baseline: &Baseline, position: usize) -> (&str, &str) {
    let id = &baseline.objects()[position].id;
    (&id.kind, &id.name)
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

fn part(object: &Object) -> Part {
    let root = object.root();
    let templates: Vec<_> = pod_templates(root)
        .into_iter()
        .map(|template| {
            let found = object
                .document
                .find(&template.path)
                .and_then(|node| node.at(&["metadata", "labels"]));
            let labels = found.map(labels).unwrap_or_default();
            (template, labels)
        })
        .collect();
    let targets = if templates.is_empty() && has_own_references(root) {
        references(root, &object.id).into_iter().map(|reference| reference.target).collect()
    } else {
        Vec::new()
    };
    Part { templates, selectors: selectors(root), targets }
}

/// Kinds that point at nothing and are many.
fn has_own_references(root: NodeRef<'_>) -> bool {
    !matches!(root.get("kind").and_then(NodeRef::as_str), Some("ConfigMap" | "Secret" | "Service"))
}
