//! The lane's labels, and selectors that ask for them.

mod pools;

use std::collections::{HashMap, HashSet};
use std::iter;

use super::facts::{Facts, Labels, selected};
use super::isolation::finds_own_pods;
use super::labels::{Label, VERSION};
use super::select::{Copy, PlannedService, Role};
use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::names::check_label_value;
use crate::kube::object::group_of;
use crate::kube::selector::LabelSelector;
use crate::kube::selectors::{
    NamespaceScope, SelectorForm, SelectorRole, SelectorUse, bare_key, selectors,
};
use crate::yaml::{Document, EditError, NodeRef, Path, Value};

/// Labels a copy and rewrites its selectors, so that it belongs to the lane and to nothing else.
/// Where it `is_rendered` for the gray environment, its selectors are for what its service's pods
/// are there. Of a policy with several specs each is for the one of all the lane's `services` whose
/// pods it selects; those for other pods are left out.
///
/// # Errors
///
/// Label values that have grown too long.
pub(super) fn relabel(
    facts: &Facts,
    object: &Object,
    services: &[PlannedService<'_>],
    copy: &Copy,
    is_rendered: bool,
    document: &mut Document,
) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let namespace = object.id.namespace.as_str();
    let of = |service| Relabelling::of(facts, service, copy, namespace, is_rendered);
    let Some(service) = services.get(copy.service) else { return errors };
    let mut result = Ok(());
    if has_several(document.root()) {
        // What is for pods of several services is rewritten as it is for the first.
        let services: Vec<_> = iter::once(service).chain(services).map(of).collect();
        result = split(&services, document);
    }
    let is_of_clients = |each: &SelectorUse| each.role == SelectorRole::MeshClient;
    if let Some(clients) = selectors(document.root()).into_iter().find(is_of_clients) {
        // Those that call are seldom pods of the service that is called.
        let mut services = iter::once(service).chain(services).map(of);
        if let Some(service) = services.find(|service| service.is_for(&clients)) {
            result = result.and_then(|()| service.rewrite(&clients, document));
        }
    }
    result = result.and_then(|()| of(service).apply(document, &mut errors));
    if let Err(error) = result {
        let error =
            Diagnostic::error(format!("the copy of {} cannot be labelled: {error}", object.id));
        let error = error.at(object.place());
        errors.push(
            error.remedy("labels and selectors are mappings: `kubectl explain` shows the fields"),
        );
    }
    errors
}

struct Relabelling<'a> {
    facts: &'a Facts,
    service: &'a PlannedService<'a>,
    copy: &'a Copy,
    /// The namespace of the object that is copied.
    namespace: &'a str,
    /// The labels of the pods that the selectors of the object that is copied are for.
    baseline: Values<'a>,
    /// The labels of its gray pods.
    gray: Values<'a>,
}

/// Labels to look up by their keys.
enum Values<'a> {
    /// So few that to hash them would take longer than to compare them.
    Few(&'a Labels),
    Many(HashMap<&'a str, &'a String>),
}

impl<'a> Values<'a> {
    /// Labels that are compared one by one.
    const FEW: usize = 32;

    fn of(labels: &'a Labels) -> Self {
        match labels.len() {
            0..=Self::FEW => Self::Few(labels),
            _ => Self::Many(labels.iter().map(|(key, value)| (key.as_str(), value)).collect()),
        }
    }

    fn get(&self, key: &str) -> Option<&'a String> {
        match self {
            Self::Few(labels) => {
                labels.iter().find(|(other, _)| other == key).map(|(_, value)| value)
            }
            Self::Many(labels) => labels.get(key).copied(),
        }
    }
}

/// Whether an object is a policy with several specs, each of which selects pods for itself.
///
/// Source: docs.cilium.io/en/stable/network/kubernetes/policy (`specs`).
fn has_several(root: NodeRef<'_>) -> bool {
    let api_version = root.get("apiVersion").and_then(NodeRef::as_str);
    api_version.is_some_and(|version| group_of(version) == "cilium.io")
        && root.get("specs").is_some_and(|specs| !specs.is_empty())
}

/// Rewrites the specs of a policy that are for pods of the lane's services, and leaves out the others:
/// the copy would let through for other pods what the policy no longer does. All stay where none is.
fn split(services: &[Relabelling<'_>], document: &mut Document) -> Result<(), EditError> {
    let subjects = selectors(document.root()).into_iter();
    let subjects = subjects.filter(|each| each.role == SelectorRole::NetworkPolicySubject);
    let of_lane: Vec<(SelectorUse, &Relabelling<'_>)> = subjects
        .filter_map(|each| {
            let service = services.iter().find(|service| service.is_for(&each))?;
            Some((each, service))
        })
        .collect();
    if of_lane.is_empty() {
        return Ok(());
    }
    for (selector, service) in &of_lane {
        service.rewrite(selector, document)?;
    }
    let kept: HashSet<Path> =
        of_lane.iter().filter_map(|(each, _)| Some(each.path.split_last()?.0)).collect();
    let (spec, specs) = (Path::keys(["spec"]), Path::keys(["specs"]));
    let count = document.find(&specs).map_or(0, NodeRef::len);
    let all = (0..count).rev().map(|number| specs.index(number)).chain([spec]);
    for other in all.filter(|each| !kept.contains(each)) {
        document.remove(&other)?;
    }
    match document.find(&specs).is_some_and(NodeRef::is_empty) {
        true => document.remove(&specs).map(|_| ()),
        false => Ok(()),
    }
}

impl<'a> Relabelling<'a> {
    fn of(
        facts: &'a Facts,
        service: &'a PlannedService<'a>,
        copy: &'a Copy,
        namespace: &'a str,
        is_rendered: bool,
    ) -> Self {
        let selected = if is_rendered { &service.own_labels } else { &service.pods.labels };
        Self {
            facts,
            service,
            copy,
            namespace,
            baseline: Values::of(selected),
            gray: Values::of(&service.pod_labels),
        }
    }

    /// Whether a selector asks for something and matched the service's own pods.
    fn is_for(&self, selector: &SelectorUse) -> bool {
        !selector.selector.is_empty()
            && selector.scope.may_cover(self.namespace, &self.service.namespace)
            && selector.selector.matches_by(|key| self.baseline.get(key))
    }

    fn apply(
        &self,
        document: &mut Document,
        errors: &mut Vec<Diagnostic>,
    ) -> Result<(), EditError> {
        let (service, labels) = (self.service, &self.service.labels);
        put(document, &Path::keys(["metadata", "labels"]), &labels.object)?;
        for selector in selectors(document.root()) {
            self.rewrite(&selector, document)?;
        }
        if self.copy.role != Role::Workload {
            return Ok(());
        }
        put(document, &Path::keys(["metadata", "labels"]), &labels.governance.workload)?;
        let template = &service.pods.template;
        put(document, &template.annotations(), &labels.governance.pod_annotations)?;
        for (key, value) in &service.pod_labels {
            let is_lanes = labels.keys().any(|candidate| candidate == key);
            if !is_lanes && !service.separation.replaced.contains_key(key) {
                continue;
            }
            if let Err(why) = check_label_value(value) {
                let remedy = if service.separation.replaced.contains_key(key) {
                    "choose a shorter tag or `naming.suffix`".to_owned()
                } else {
                    format!("give the baseline's pods a label `{key}` with a value that is one")
                };
                errors.push(
                    Diagnostic::error(format!(
                        "the gray pods of `{}` cannot have the label `{key}: {value}`: {why}",
                        service.spec.name
                    ))
                    .at(service.spec.place.clone())
                    .remedy(remedy),
                );
            }
            document.set_str(&template.labels().key(key.clone()), value)?;
            // Older agents read annotations: what one says must not contradict the label.
            let annotation = template.annotations().key(key.clone());
            if is_lanes && document.find(&annotation).is_some() {
                document.set_str(&annotation, value)?;
            }
        }
        pools::label(&template.path, &service.pod_labels, document)
    }

    /// Rewrites one selector, if it is one that matched the service's own pods.
    fn rewrite(&self, selector: &SelectorUse, document: &mut Document) -> Result<(), EditError> {
        // A selector that is empty or not there is never made one that asks for something.
        if selector.selector.is_empty() {
            return Ok(());
        }
        let labels = &self.service.labels;
        let path = match selector.form {
            SelectorForm::Plain => selector.path.clone(),
            SelectorForm::LabelSelector => selector.path.key("matchLabels"),
        };
        match selector.role {
            // Services keep the labels that it still asks for, and get the lane's.
            SelectorRole::Monitor => return put(document, &path, &labels.object[..1]),
            // Peers are pods of others, which stay as they are.
            SelectorRole::NetworkPolicyPeer => return Ok(()),
            _ => {}
        }
        if !self.is_for(selector) {
            return Ok(());
        }
        let keys: Vec<String> = document
            .find(&path)
            .into_iter()
            .flat_map(NodeRef::entries)
            .map(|(key, _)| key.to_owned())
            .collect();
        for key in keys {
            if let Some(value) = self.gray.get(bare_key(&key)) {
                document.set_str(&path.key(key), value)?;
            }
        }
        if selector.form == SelectorForm::LabelSelector {
            self.rewrite_expressions(&selector.path.key("matchExpressions"), document)?;
        }
        match selector.role {
            SelectorRole::Workload if self.copy.role == Role::Workload => {
                put(document, &path, &labels.object)?;
                put(document, &path, &labels.governance.selector)
            }
            // One that leads to several services of the lane must not ask for one of them.
            SelectorRole::Service if self.copy.shared => put(document, &path, &labels.object[..2]),
            SelectorRole::Service => put(document, &path, &labels.object),
            // Gray pods keep away from each other, or near, and not from the baseline's.
            SelectorRole::Affinity | SelectorRole::TopologySpread => {
                match self.still_finds_baseline(selector, document) {
                    true => put(document, &path, &labels.object[..1]),
                    false => Ok(()),
                }
            }
            role if finds_own_pods(role) => put(document, &path, &labels.object[..1]),
            _ => Ok(()),
        }
    }

    /// Whether a selector by which the pods look for their like, and for nobody else's pods, finds
    /// the baseline's after values were replaced.
    fn still_finds_baseline(&self, selector: &SelectorUse, document: &Document) -> bool {
        let is_here = match &selector.scope {
            NamespaceScope::Own => true,
            NamespaceScope::Named(names) => names.iter().all(|name| name == self.namespace),
            NamespaceScope::All | NamespaceScope::Selected(_) => false,
        };
        let Some(node) = document.find(&selector.path).filter(|_| is_here) else { return false };
        let rewritten = LabelSelector::from_label_selector(node);
        let there = Values::of(&self.service.pods.labels);
        if !rewritten.matches_by(|key| there.get(key)) {
            return false;
        }
        // The API server refuses a key that is here as well as in the selector.
        let term = selector.path.split_last().and_then(|(term, _)| document.find(&term));
        let has_version = ["matchLabelKeys", "mismatchLabelKeys"].iter().any(|list| {
            let keys = term.and_then(|term| term.get(list)).into_iter().flat_map(NodeRef::items);
            keys.filter_map(NodeRef::text).any(|key| key == VERSION)
        });
        let is_own = |number: &usize| self.facts.pods[*number].object == self.service.workload;
        !has_version && selected(&self.facts.index, selector, self.namespace).iter().all(is_own)
    }

    /// Expressions that the baseline's pods fulfil and the gray ones do not. Every value of an `In`
    /// whose label was replaced gets its gray form, so that the selector asks for gray pods alone;
    /// others come to ask for the gray pods' own value.
    fn rewrite_expressions(&self, path: &Path, document: &mut Document) -> Result<(), EditError> {
        let count = document.find(path).map_or(0, NodeRef::len);
        for index in 0..count {
            let expression = path.index(index);
            let Some(node) = document.find(&expression) else { continue };
            let text = |key: &str| node.get(key).and_then(NodeRef::text).unwrap_or("").to_owned();
            let (key, operator) = (bare_key(&text("key")).to_owned(), text("operator"));
            let Some(gray) = self.gray.get(&key) else { continue };
            if self.baseline.get(&key) == Some(gray) {
                continue;
            }
            let values: Vec<&str> = node
                .get("values")
                .into_iter()
                .flat_map(NodeRef::items)
                .filter_map(NodeRef::text)
                .collect();
            let replaced = self.service.separation.replaced.get(&key);
            let new: Vec<Value> = match (operator.as_str(), replaced) {
                ("In", Some((old, new))) => {
                    let suffix = new.strip_prefix(old.as_str()).unwrap_or("");
                    values.iter().map(|value| Value::string(format!("{value}{suffix}"))).collect()
                }
                ("In", None) => vec![Value::string(gray.as_str())],
                ("NotIn", _) if !values.contains(&gray.as_str()) => continue,
                ("NotIn" | "DoesNotExist", _) => {
                    document.set_str(&expression.key("operator"), "In")?;
                    vec![Value::string(gray.as_str())]
                }
                _ => continue,
            };
            document.set(&expression.key("values"), Value::Sequence(new))?;
        }
        Ok(())
    }
}

pub(super) fn put(document: &mut Document, path: &Path, labels: &[Label]) -> Result<(), EditError> {
    for (key, value) in labels {
        document.set_str(&path.key(key.clone().into_owned()), value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_among_few_and_many() {
        for count in [0, 1, Values::FEW, Values::FEW + 1, 1000] {
            let labels: Labels = (0..count).map(|at| (format!("k{at}"), at.to_string())).collect();
            let values = Values::of(&labels);
            assert!((0..count).all(|at| values.get(&format!("k{at}")) == Some(&at.to_string())));
            assert_eq!(values.get(&format!("k{count}")), None);
        }
    }
}
