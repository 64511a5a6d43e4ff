//! `network-policy-gap`: network policies treat gray pods otherwise than the baseline's.

mod calico;
mod effect;
mod namespaces;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::slice;

use effect::Effect;
use rules::Rule;

use super::gray::{Gray, at, is_for_lanes, position};
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::kinds::{Scope, kind_of};
use crate::kube::object::ObjectRef;
use crate::kube::selectors::{NamespaceScope, SelectorRole};
use crate::lane::{Facts, GrayObject, SERVICE_NAME, Selecting, selected};
use crate::spec::{CopyPolicy, GrayRelease};
use crate::yaml::Path;

pub(super) const FINDING: Finding = Finding {
    code: "network-policy-gap",
    severity: Severity::Warning,
    doc: "\
A network policy lets the baseline's pods through and not their gray copies, or isolates the ones and not the others.

Policies know pods by labels, and gray pods have other values of those that tell the sides apart. As a
peer they are cut off from what the policy guards, such as a database, or are let through where the
baseline's are not, also where a rule denies the baseline's. A policy that isolates the baseline's pods
is copied for the gray ones, so that they are left open only where that policy stays with the baseline.
One that gives pods security groups of AWS is copied as well: without it what is open to those groups is
closed to gray pods. A Server of Linkerd is not, because the policies that let requests in are for the
original; nor are policies of Calico, whose selectors are expressions in text.

Remedy: let the policy name the gray pods too. `zadigx-release-service-name: NAME` is on the gray pods
of a service in every lane and on no others, so one more peer is enough for all lanes to come.",
    is_fixed: false,
    check: Check::Pods(check),
};

/// A selector in the baseline: the position of its object, and where it is in that.
type Key<'a> = (usize, &'a Path);

fn check(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let policies = facts.selectors.iter().filter(|selecting| is_policy(selecting.selector.role));
    // The gray workloads that each policy of the baseline reaches; those that reach none are left out.
    let mut reached: HashMap<Key<'_>, HashSet<&ObjectRef>> = HashMap::new();
    let mut reaching: Vec<(&Selecting, &GrayObject)> = Vec::new();
    for selecting in policies {
        let namespace = &facts.object(selecting.object).id.namespace;
        for number in selected(&gray.index, &selecting.selector, namespace) {
            let (object, _) = gray.pods[number];
            if reached.entry(key(selecting)).or_default().insert(&object.id) {
                reaching.push((selecting, object));
            }
        }
    }
    let own = of_gray_policies(gray);
    let for_lanes = reaching.iter().filter(|(selecting, object)| {
        selecting.selector.role == SelectorRole::NetworkPolicySubject
            && position(facts, object).is_some_and(|origin| is_for_lanes(facts, selecting, origin))
    });
    let for_lanes = for_lanes
        .map(|(selecting, object)| (facts.object(selecting.object).id.group.as_str(), &object.id))
        .collect();
    let policies = Policies { subject, reached, own, for_lanes };
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for (object, _) in gray.pods.iter().filter(|(object, _)| seen.insert(&object.id)) {
        let Some(position) = position(facts, object) else { continue };
        let held = facts.selecting(position).filter(|held| is_policy(held.selector.role));
        found.extend(held.filter_map(|selecting| policies.lost(selecting, object)));
    }
    found.extend(
        reaching.into_iter().filter_map(|(selecting, object)| policies.gained(selecting, object)),
    );
    found.extend(calico::check(subject, gray));
    found
}

fn is_policy(role: SelectorRole) -> bool {
    matches!(role, SelectorRole::NetworkPolicySubject | SelectorRole::NetworkPolicyPeer)
}

fn key(selecting: &Selecting) -> Key<'_> {
    (selecting.object, &selecting.selector.path)
}

/// The gray workloads that the copies of policies isolate, by the policy they are made from.
fn of_gray_policies<'a>(gray: &Gray<'a>) -> HashMap<&'a ObjectRef, HashSet<&'a ObjectRef>> {
    let mut own: HashMap<_, HashSet<_>> = HashMap::new();
    for (policy, selector) in &gray.selectors {
        let Some(id) = policy.baseline() else { continue };
        if selector.role == SelectorRole::NetworkPolicySubject {
            let matched = selected(&gray.index, selector, &policy.id.namespace);
            own.entry(id)
                .or_default()
                .extend(matched.iter().map(|number| &gray.pods[*number].0.id));
        }
    }
    own
}

struct Policies<'a> {
    subject: &'a Subject<'a>,
    reached: HashMap<Key<'a>, HashSet<&'a ObjectRef>>,
    own: HashMap<&'a ObjectRef, HashSet<&'a ObjectRef>>,
    /// The gray workloads that policies for lanes select, with the group of those policies. Whether
    /// they let the same through as the baseline's is not looked at.
    for_lanes: HashSet<(&'a str, &'a ObjectRef)>,
}

impl<'a> Policies<'a> {
    fn reaches(&self, selecting: &Selecting, gray: &GrayObject) -> bool {
        self.reached.get(&key(selecting)).is_some_and(|objects| objects.contains(&gray.id))
    }

    /// Whether a rule says of others what it says of this peer: one of the peers in it, or in a rule
    /// that covers it, is such, or it is about all pods of the namespace. Peers whose namespaces are not
    /// known to be these count where this one is about the same.
    fn has_another(
        &self,
        peer: &Selecting,
        namespace: &str,
        is_such: impl Fn(&Selecting) -> bool,
    ) -> bool {
        let facts = self.subject.facts;
        let Some(rule) = Rule::of(&peer.selector) else { return false };
        let policy = facts.object(peer.object);
        let covers = |scope: &NamespaceScope| {
            *scope == peer.selector.scope
                || namespaces::covers(scope, &policy.id.namespace, namespace, &facts.baseline)
        };
        let others = facts.selectors_of(peer.object).iter();
        let others = others.filter(|other| is_such(other) && covers(&other.selector.scope));
        let others: Vec<Rule> = others.filter_map(|other| Rule::of(&other.selector)).collect();
        if others.contains(&rule) {
            return true;
        }
        let document = policy.document();
        others.iter().any(|other| rule.is_covered_by(other, &document))
            || rule.is_about_all(&policy.id, &document, covers)
    }

    /// What a policy that selects the baseline's pods of a workload is to its gray ones, if it does
    /// not select them.
    fn lost(&self, selecting: &'a Selecting, gray: &GrayObject) -> Option<Diagnostic> {
        if self.reaches(selecting, gray) {
            return None;
        }
        let facts = self.subject.facts;
        let policy = facts.object(selecting.object);
        let (service, origin) = (&gray.service, gray.baseline()?);
        let selector = &selecting.selector;
        let warning = || {
            let effect = Effect::of(&policy.id, selector);
            Diagnostic::warning(format!("{} {}", policy.id, effect.lost(origin)))
        };
        if selector.role == SelectorRole::NetworkPolicySubject {
            let is_copied = self.own.get(&policy.id).is_some_and(|own| own.contains(&gray.id));
            let is_replaced = self.for_lanes.contains(&(policy.id.group.as_str(), &gray.id));
            let is_skipped = is_skipped(self.subject.release, service, &policy.id);
            if is_copied || is_replaced || is_skipped {
                return None;
            }
            let beside = format!(
                "put one beside it that selects them:\n  matchLabels:\n    {SERVICE_NAME}: {service}"
            );
            let scope = kind_of(&policy.id.group, &policy.id.kind).scope;
            let remedy = match Effect::of(&policy.id, selector) {
                // A second one has to be authorized anew.
                Effect::Serves => "let its `podSelector` match the gray pods too: then the policies for it are for both".to_owned(),
                _ if scope == Scope::Cluster => beside,
                _ => format!(
                    "copy it: `policies: {{{0}/{1}: copy}}`; or {beside}",
                    policy.id.kind, policy.id.name
                ),
            };
            return Some(
                at(warning(), Some(policy), slice::from_ref(&selector.path)).remedy(remedy),
            );
        }
        if self.has_another(selecting, &gray.id.namespace, |other| self.reaches(other, gray)) {
            return None;
        }
        let remedy = match (policy.id.group == "cilium.io", &selector.scope) {
            (true, NamespaceScope::Named(names)) if names.len() == 1 => format!(
                "add a peer beside it:\n- matchLabels:\n    k8s:io.kubernetes.pod.namespace: {}\n    {SERVICE_NAME}: {service}",
                names.concat()
            ),
            (true, scope) => format!(
                "add a peer beside it{}:\n- matchLabels:\n    {SERVICE_NAME}: {service}",
                match scope {
                    NamespaceScope::Own => "",
                    // It looks everywhere by itself.
                    _ if kind_of(&policy.id.group, &policy.id.kind).scope == Scope::Cluster => "",
                    _ => ", with the same labels of namespaces",
                }
            ),
            (false, _) => format!(
                "add a peer beside it{}:\n- podSelector:\n    matchLabels:\n      {SERVICE_NAME}: {service}",
                match has_namespaces(facts, selecting) {
                    true => ", with the same `namespaceSelector`",
                    false => "",
                }
            ),
        };
        Some(at(warning(), Some(policy), slice::from_ref(&selector.path)).remedy(remedy))
    }

    /// What a policy that selects gray pods is to them, if it does not select the baseline's.
    fn gained(&self, selecting: &'a Selecting, gray: &GrayObject) -> Option<Diagnostic> {
        let facts = self.subject.facts;
        let position = position(facts, gray)?;
        let holds =
            |other: &Selecting| facts.selecting(position).any(|held| key(held) == key(other));
        if is_for_lanes(facts, selecting, position)
            || holds(selecting)
            || self.has_another(selecting, &gray.id.namespace, holds)
        {
            return None;
        }
        let (policy, origin) = (facts.object(selecting.object), gray.baseline()?);
        let effect = Effect::of(&policy.id, &selecting.selector);
        let warning = Diagnostic::warning(format!("{} {}", policy.id, effect.gained(origin)));
        let remedy = format!(
            "leave them out in its `matchExpressions`:\n- {{key: {SERVICE_NAME}, operator: NotIn, values: [{}]}}",
            gray.service
        );
        Some(at(warning, Some(policy), slice::from_ref(&selecting.selector.path)).remedy(remedy))
    }
}

/// Whether the peer says in which namespaces its pods are.
fn has_namespaces(facts: &Facts, selecting: &Selecting) -> bool {
    let document = facts.object(selecting.object).document();
    let peer = selecting.selector.path.split_last();
    peer.is_some_and(|(peer, _)| document.find(&peer.key("namespaceSelector")).is_some())
}

/// Whether the spec says that the lane goes without a policy.
fn is_skipped(release: &GrayRelease, service: &str, policy: &ObjectRef) -> bool {
    let service = release.services.iter().find(|candidate| candidate.name == service);
    service.and_then(|service| service.policy(&policy.kind, &policy.name)) == Some(CopyPolicy::Skip)
}
