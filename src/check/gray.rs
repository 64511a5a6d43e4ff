//! The pods and selectors of a lane, for rules that set them against the baseline's.

use foldhash::HashMap;

use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::object::ObjectRef;
use crate::kube::selector_index::SelectorIndex;
use crate::kube::selectors::SelectorUse;
use crate::lane::{Facts, GrayObject, Labels};
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

    /// The gray workloads, by what they are made from.
    pub(super) fn copies(&self) -> HashMap<&'a ObjectRef, &'a ObjectRef> {
        let copies = self.pods.iter();
        copies.filter_map(|(object, _)| Some((object.baseline()?, &object.id))).collect()
    }
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
