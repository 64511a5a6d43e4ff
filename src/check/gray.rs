//! The pods and selectors of a lane, for rules that set them against the baseline's.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::object::ObjectRef;
use crate::kube::selector::LabelSelector;
use crate::kube::selector_index::SelectorIndex;
use crate::kube::selectors::SelectorUse;
use crate::lane::{Facts, GrayObject, Labels, Selecting, selected};
use crate::spec::{GrayRelease, ObjectName};
use crate::yaml::{NodeRef, Path};

/// The pods and selectors of a lane.
pub(super) struct Gray<'a> {
    /// Each pod template's labels, with the object that has it.
    pub pods: Vec<(&'a GrayObject, &'a Labels)>,
    /// The pod templates by label; their numbers are positions in `pods`.
    pub index: SelectorIndex<usize>,
    /// Each selector, with the object that has it.
    pub selectors: Vec<(&'a GrayObject, &'a SelectorUse)>,
}

/// What selectors of the baseline find among the gray workloads.
pub(super) struct Found<'a> {
    /// By the position of the object that has the selector.
    by: HashMap<usize, HashSet<&'a ObjectRef>>,
    /// By objects that are for lanes.
    for_lanes: HashSet<&'a ObjectRef>,
}

impl Found<'_> {
    /// Whether an object of the baseline finds a gray workload, or one for lanes does.
    pub(super) fn has(&self, object: usize, gray: &ObjectRef) -> bool {
        self.for_lanes.contains(gray)
            || self.by.get(&object).is_some_and(|found| found.contains(gray))
    }
}

impl<'a> Gray<'a> {
    /// Those of a lane's objects.
    pub(super) fn of(objects: &'a [GrayObject]) -> Self {
        let mut gray =
            Self { pods: Vec::new(), index: SelectorIndex::new(), selectors: Vec::new() };
        for object in objects {
            for labels in &object.pods {
                gray.index.insert(gray.pods.len(), &object.id.namespace, labels.iter().cloned());
                gray.pods.push((object, labels));
            }
            gray.selectors.extend(object.selectors.iter().map(|selector| (object, selector)));
        }
        gray
    }

    /// The gray workloads that each of these selectors of the baseline finds, and those that one
    /// finds which is for lanes. What finds those that they are made from too does the same for both,
    /// so that it makes up for nothing that the gray pods go without.
    pub(super) fn found_by<'s>(
        &self,
        facts: &Facts,
        selecting: impl Iterator<Item = &'s Selecting>,
    ) -> Found<'a> {
        let mut found = Found { by: HashMap::new(), for_lanes: HashSet::new() };
        for each in selecting {
            let namespace = &facts.object(each.object).id.namespace;
            let numbers = selected(&self.index, &each.selector, namespace);
            for object in numbers.into_iter().map(|number| self.pods[number].0) {
                found.by.entry(each.object).or_default().insert(&object.id);
                let origin = position(facts, object);
                if origin.is_some_and(|origin| is_for_lanes(facts, each, origin)) {
                    found.for_lanes.insert(&object.id);
                }
            }
        }
        found
    }

    /// The gray workloads, by what they are made from.
    pub(super) fn copies(&self) -> HashMap<&'a ObjectRef, &'a ObjectRef> {
        let copies = self.pods.iter();
        copies.filter_map(|(object, _)| Some((object.baseline()?, &object.id))).collect()
    }
}

/// Whether a selector that selects gray pods asks for a label that only they have, not the
/// baseline's pods of the workload they are copies of, so that it is meant for them.
pub(super) fn is_for_lanes(facts: &Facts, selecting: &Selecting, origin: usize) -> bool {
    let asked = asked(&selecting.selector.selector);
    let mut pods = facts.pods_of(origin).iter();
    !pods.any(|pods| asked.matches(&pods.labels.iter().cloned().collect()))
}

/// Only what asks for labels that are there.
pub(super) fn asked(selector: &LabelSelector) -> LabelSelector {
    let mut asked = selector.clone();
    asked.requirements.retain(|requirement| requirement.is_positive());
    asked
}

/// The position in the baseline of the object that a gray one is made from.
pub(super) fn position(facts: &Facts, object: &GrayObject) -> Option<usize> {
    facts.baseline.position(object.baseline()?)
}

/// The line that leaves an object with the baseline: what `copy` of a service names is copied whatever
/// its policy is.
pub(super) fn left_out(release: &GrayRelease, id: &ObjectRef, policy: &str) -> String {
    let is_it = |name: &ObjectName| (&name.kind, &name.name) == (&id.kind, &id.name);
    let by_copy =
        release.services.iter().find(|service| service.copy.iter().any(|(name, _)| is_it(name)));
    match by_copy {
        Some(service) => {
            format!("take `{}/{}` out of `copy` of `{}`", id.kind, id.name, service.name)
        }
        None => {
            format!("leave it with the baseline: `policies: {{{}/{}: {policy}}}`", id.kind, id.name)
        }
    }
}

/// A diagnostic at the first of these paths that the object has.
pub(super) fn at(diagnostic: Diagnostic, object: Option<&Object>, paths: &[Path]) -> Diagnostic {
    let document = object.map(Object::document);
    let find = |path: &Path| document.as_ref()?.find(path);
    diagnostic.at(paths.iter().find_map(find).and_then(NodeRef::place))
}
