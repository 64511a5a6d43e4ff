//! `network-policy-gap`: network policies treat gray pods otherwise than the baseline's.

use std::collections::{HashMap, HashSet};
use std::slice;

use super::gray::{Gray, at, position};
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::selector::LabelSelector;
use crate::kube::selectors::{NamespaceScope, SelectorRole, SelectorUse};
use crate::lane::{Facts, GrayObject, SERVICE_NAME, Selecting, selected};
use crate::spec::{CopyPolicy, GrayRelease};
use crate::yaml::{NodeRef, Path, Segment};

pub(super) const FINDING: Finding = Finding {
    code: "network-policy-gap",
    severity: Severity::Warning,
    doc: "\
A network policy lets the baseline's pods through and not their gray copies, or isolates the ones and not the others.

Policies know pods by labels, and gray pods have other values of those that tell the sides apart. As a
peer they are cut off from what the policy guards, such as a database, or are let through where the
baseline's are not. A policy that isolates the baseline's pods is copied for the gray ones, so that
they are left open only where that policy stays with the baseline.

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
    let policies = Policies { subject, reached, own };
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
}

impl<'a> Policies<'a> {
    fn reaches(&self, selecting: &Selecting, gray: &GrayObject) -> bool {
        self.reached.get(&key(selecting)).is_some_and(|objects| objects.contains(&gray.id))
    }

    /// The selectors of a policy that are peers in one rule with this one.
    fn beside(&self, peer: &'a Selecting) -> impl Iterator<Item = &'a Selecting> {
        let rule = rule(&peer.selector);
        let of_policy = self.subject.facts.selectors_of(peer.object).iter();
        of_policy.filter(move |other| rule.is_some() && self::rule(&other.selector) == rule)
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
        if selector.role == SelectorRole::NetworkPolicySubject {
            let is_copied = self.own.get(&policy.id).is_some_and(|own| own.contains(&gray.id));
            if is_copied || is_skipped(self.subject.release, service, &policy.id) {
                return None;
            }
            let warning = Diagnostic::warning(format!(
                "{} isolates the pods of {origin} and not the gray ones: whatever it keeps out can reach those",
                policy.id
            ));
            let remedy = format!(
                "copy it: `policies: {{{0}/{1}: copy}}`; or let it select them:\n  matchLabels:\n    {SERVICE_NAME}: {service}",
                policy.id.kind, policy.id.name
            );
            return Some(at(warning, Some(policy), slice::from_ref(&selector.path)).remedy(remedy));
        }
        let namespace = &gray.id.namespace;
        if self.beside(selecting).any(|other| self.reaches(other, gray))
            || has_whole_namespace(facts, selecting, namespace)
        {
            return None;
        }
        let what = match is_egress(selector) {
            false => {
                "lets the pods of {} in and not the gray ones: they cannot connect to what it guards"
            }
            true => {
                "lets connections to the pods of {} out and not those to the gray ones: they time out"
            }
        };
        let message = format!("{} {}", policy.id, what.replace("{}", &origin.to_string()));
        let remedy = match policy.id.group == "cilium.io" {
            true => format!("add a peer beside it:\n- matchLabels:\n    {SERVICE_NAME}: {service}"),
            false => format!(
                "add a peer beside it{}:\n- podSelector:\n    matchLabels:\n      {SERVICE_NAME}: {service}",
                match has_namespaces(facts, selecting) {
                    true => ", with the same `namespaceSelector`",
                    false => "",
                }
            ),
        };
        let warning = Diagnostic::warning(message);
        Some(at(warning, Some(policy), slice::from_ref(&selector.path)).remedy(remedy))
    }

    /// What a policy that selects gray pods is to them, if it does not select the baseline's.
    fn gained(&self, selecting: &'a Selecting, gray: &GrayObject) -> Option<Diagnostic> {
        let facts = self.subject.facts;
        let position = position(facts, gray)?;
        let holds =
            |other: &Selecting| facts.selecting(position).any(|held| key(held) == key(other));
        // What asks for a label of gray pods is meant for them.
        let is_meant = !facts.pods_of(position).iter().any(|pods| {
            let labels = pods.labels.iter().cloned().collect();
            asked(&selecting.selector.selector).matches(&labels)
        });
        let is_open = || has_whole_namespace(facts, selecting, &gray.id.namespace);
        if is_meant || holds(selecting) || self.beside(selecting).any(holds) || is_open() {
            return None;
        }
        let (policy, origin) = (facts.object(selecting.object), gray.baseline()?);
        let what = match (selecting.selector.role, is_egress(&selecting.selector)) {
            (SelectorRole::NetworkPolicySubject, _) => {
                "isolates the gray pods of {} and not the baseline's"
            }
            (_, false) => "lets the gray pods of {} in and not the baseline's",
            (_, true) => {
                "lets connections to the gray pods of {} out and not those to the baseline's"
            }
        };
        let message = format!("{} {}", policy.id, what.replace("{}", &origin.to_string()));
        let remedy = format!(
            "leave them out in its `matchExpressions`:\n- {{key: {SERVICE_NAME}, operator: NotIn, values: [{}]}}",
            gray.service
        );
        let warning = Diagnostic::warning(message);
        Some(at(warning, Some(policy), slice::from_ref(&selecting.selector.path)).remedy(remedy))
    }
}

/// The list of peers that a selector stands in; `None` for no peer.
fn rule(selector: &SelectorUse) -> Option<Path> {
    let (peer, _) = selector.path.split_last()?;
    let (list, _) = peer.split_last()?;
    (selector.role == SelectorRole::NetworkPolicyPeer).then_some(list)
}

fn is_egress(selector: &SelectorUse) -> bool {
    let is_egress = |segment: &Segment| matches!(segment, Segment::Key(key) if key == "egress");
    selector.path.segments().iter().any(is_egress)
}

/// Only what asks for labels that are there.
fn asked(selector: &LabelSelector) -> LabelSelector {
    let mut asked = selector.clone();
    asked.requirements.retain(|requirement| requirement.is_positive());
    asked
}

/// Whether a peer beside this one may be all pods of a namespace.
fn has_whole_namespace(facts: &Facts, selecting: &Selecting, namespace: &str) -> bool {
    let policy = facts.object(selecting.object);
    let document = policy.document();
    let list = rule(&selecting.selector).and_then(|list| document.find(&list));
    // Cilium's rules name what is no pod by its labels beside their endpoints.
    let entities = ["fromEntities", "toEntities"].iter().filter_map(|key| list?.get(key));
    let is_all = |entity: &str| matches!(entity, "all" | "cluster");
    if entities.flat_map(NodeRef::items).filter_map(NodeRef::text).any(is_all) {
        return true;
    }
    list.into_iter().flat_map(NodeRef::items).any(|peer| {
        let namespaces = peer.get("namespaceSelector").map(LabelSelector::from_label_selector);
        peer.get("podSelector").is_none()
            && namespaces.is_some_and(|namespaces| {
                NamespaceScope::Selected(namespaces).may_cover(&policy.id.namespace, namespace)
            })
    })
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

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, spec, told};

    /// What is told of a policy with this spec beside the Deployment `web`.
    fn of(service: &str, spec: &str) -> Vec<String> {
        let policy = format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: db}}\nspec: {spec}\n"
        );
        told("network-policy-gap", service, &(deployment("") + &policy))
    }

    fn peers(direction: &str, peers: &str) -> Vec<String> {
        of("", &format!("{{podSelector: {{matchLabels: {{app: db}}}}, {direction}: {peers}}}"))
    }

    #[test]
    fn told_of_peers_that_gray_pods_are_not() {
        let web = "{podSelector: {matchLabels: {app: web}}}";
        let found = peers("ingress", &format!("[{{from: [{web}]}}]"));
        assert_eq!(
            found,
            [
                "deploy/all.yaml:21:66: NetworkPolicy/db lets the pods of Deployment/web in and not the gray ones: they cannot connect to what it guards"
            ]
        );
        let found = peers("egress", &format!("[{{to: [{web}]}}]"));
        assert!(
            found[0].contains("lets connections to the pods of Deployment/web out"),
            "{found:?}"
        );
        let gray = "{podSelector: {matchLabels: {zadigx-release-service-name: web}}}";
        let named = |name: &str| {
            format!(
                "{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}"
            )
        };
        assert_eq!(peers("ingress", &format!("[{{from: [{web}, {}]}}]", named("other"))).len(), 1);
        let spaces = "{namespaceSelector: {matchLabels: {team: shop}}}";
        for others in
            ["{podSelector: {}}", "{namespaceSelector: {}, podSelector: {}}", spaces, gray]
        {
            let found = peers("ingress", &format!("[{{from: [{web}, {others}]}}]"));
            assert!(found.is_empty(), "{others}: {found:?}");
        }
        // Another rule may be about other ports.
        assert_eq!(peers("ingress", &format!("[{{from: [{web}]}}, {{from: [{gray}]}}]")).len(), 1);
        let api = web.replace("web", "api");
        assert!(peers("ingress", &format!("[{{from: [{api}]}}]")).is_empty());
    }

    #[test]
    fn told_of_policies_of_other_networks() {
        let cilium = |service: &str, spec: &str| {
            let policy = format!(
                "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: db}}\nspec: {spec}\n"
            );
            told("network-policy-gap", service, &(deployment("") + &policy))
        };
        let peers = |more: &str| {
            cilium(
                "",
                &format!(
                    "{{endpointSelector: {{matchLabels: {{app: db}}}}, ingress: [{{fromEndpoints: [{{matchLabels: {{'k8s:app': web}}}}{more}}}]}}"
                ),
            )
        };
        let found = peers("]");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("CiliumNetworkPolicy/db lets the pods of Deployment/web in and not")
        );
        for more in [
            ", {}]",
            ", {matchLabels: {zadigx-release-service-name: web}}]",
            "], fromEntities: [cluster]",
        ] {
            let found = peers(more);
            assert!(found.is_empty(), "{more}: {found:?}");
        }
        let web = "{endpointSelector: {matchLabels: {'k8s:app': web}}}";
        assert!(cilium("", web).is_empty());
        let policy = format!(
            "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: db}}\nspec: {web}\n"
        );
        let release = lane(&spec(""), &(deployment("") + &policy));
        let mut copies = release.lane.objects.iter();
        let copy = copies.find(|each| each.id.kind == "CiliumNetworkPolicy").unwrap();
        assert!(copy.text.contains("k8s:app': web-mse-gray"), "{}", copy.text);
        assert_eq!(cilium("policies: {CiliumNetworkPolicy: share}", web).len(), 1);
        let groups = "---\napiVersion: vpcresources.k8s.aws/v1beta1\nkind: SecurityGroupPolicy\nmetadata: {name: db}\nspec: {podSelector: {matchLabels: {app: web}}, securityGroups: {groupIds: [sg-1]}}\n";
        let of = |service: &str| told("network-policy-gap", service, &(deployment("") + groups));
        assert!(of("").is_empty());
        assert_eq!(of("policies: {SecurityGroupPolicy: share}").len(), 1);
    }

    #[test]
    fn told_of_gray_pods_that_a_policy_takes_for_others() {
        let not = "{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}";
        let found = peers("ingress", &format!("[{{from: [{{podSelector: {not}}}]}}]"));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("lets the gray pods of Deployment/web in and not"), "{found:?}");
        let found = of("", &format!("{{podSelector: {not}}}"));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("isolates the gray pods of Deployment/web and not"), "{found:?}");
        // This one is meant for lanes.
        assert!(of("", "{podSelector: {matchLabels: {zadigx-release-version: gray}}}").is_empty());
    }

    #[test]
    fn told_of_gray_pods_that_no_policy_isolates() {
        let web = "{podSelector: {matchLabels: {app: web}}}";
        // It is copied.
        assert!(of("", web).is_empty());
        let found = of("policies: {NetworkPolicy: share}", web);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("isolates the pods of Deployment/web and not the gray"),
            "{found:?}"
        );
        assert!(of("policies: {NetworkPolicy: skip}", web).is_empty());
        assert!(of("policies: {NetworkPolicy: share}", "{podSelector: {}}").is_empty());
    }
}
