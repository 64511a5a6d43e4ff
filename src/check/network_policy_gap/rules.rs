//! The rules of network policies, and which of them makes up for another.

use crate::kube::object::ObjectRef;
use crate::kube::selector::LabelSelector;
use crate::kube::selectors::{NamespaceScope, SelectorRole, SelectorUse};
use crate::yaml::{Document, NodeRef, Path, Segment};

/// The lists of rules.
///
/// Source: kubernetes/api networking/v1 `NetworkPolicySpec` (the first two); cilium/cilium
/// pkg/policy/api `Rule`.
const DIRECTIONS: [&str; 4] = ["ingress", "egress", "ingressDeny", "egressDeny"];

/// What of a rule narrows it down to some of the connections of its peers.
///
/// Source: kubernetes/api networking/v1 `NetworkPolicyIngressRule`; cilium/cilium pkg/policy/api
/// `IngressRule`.
const LIMITS: [&str; 6] =
    ["ports", "toPorts", "icmps", "fromRequires", "toRequires", "authentication"];

/// A rule of a policy: a list of peers and what is let through, or kept out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// The list it is in.
    list: Path,
    number: usize,
}

impl Rule {
    /// The rule that a selector is a peer in.
    pub(super) fn of(selector: &SelectorUse) -> Option<Self> {
        if selector.role != SelectorRole::NetworkPolicyPeer {
            return None;
        }
        let (at, number) = direction(selector)?;
        let segments = selector.path.segments().iter().take(at + 1);
        let list = segments.fold(Path::root(), |list, segment| list.with(segment.clone()));
        Some(Self { list, number })
    }

    /// Whether another rule of the same list says of its peers at least what this one says.
    pub(super) fn is_covered_by(&self, other: &Self, document: &Document) -> bool {
        if self == other {
            return true;
        }
        let find = |rule: &Self| document.find(&rule.list.index(rule.number));
        self.list == other.list
            && find(self).zip(find(other)).is_some_and(|(rule, other)| is_as_wide(other, rule))
    }

    /// Whether this rule, or one that covers it, is about all pods of a namespace; `covers` says which
    /// scopes it is in.
    pub(super) fn is_about_all(
        &self,
        policy: &ObjectRef,
        document: &Document,
        covers: impl Fn(&NamespaceScope) -> bool,
    ) -> bool {
        let Some(rules) = document.find(&self.list) else { return false };
        let Some(rule) = rules.items().nth(self.number) else { return false };
        let mut covering = rules.items().filter(|other| is_as_wide(*other, rule));
        covering.any(|rule| is_about_all(rule, policy, &covers))
    }
}

/// The key of the list of rules that a selector is in, as its position in the path, with the
/// position of the rule in that.
fn direction(selector: &SelectorUse) -> Option<(usize, usize)> {
    let mut pairs = selector.path.segments().windows(2).enumerate();
    pairs.find_map(|(at, pair)| match pair {
        [Segment::Key(key), Segment::Index(number)] if DIRECTIONS.contains(&&**key) => {
            Some((at, *number))
        }
        _ => None,
    })
}

/// Whether a selector is in a list of rules of this name.
pub(super) fn is_in(selector: &SelectorUse, directions: &[&str]) -> bool {
    selector
        .path
        .segments()
        .iter()
        .any(|segment| matches!(segment, Segment::Key(key) if directions.contains(&&**key)))
}

/// Whether a rule is about as many connections as another, whoever their peers are.
fn is_as_wide(rule: NodeRef<'_>, other: NodeRef<'_>) -> bool {
    let limit = |rule: NodeRef<'_>, key: &str| {
        rule.get(key).filter(|limit| !limit.is_empty()).map(NodeRef::to_json)
    };
    LIMITS.iter().all(|key| {
        let limited = limit(rule, key);
        limited.is_none() || limited == limit(other, key)
    })
}

fn is_about_all(
    rule: NodeRef<'_>,
    policy: &ObjectRef,
    covers: impl Fn(&NamespaceScope) -> bool,
) -> bool {
    let is_cilium = policy.group == "cilium.io";
    // Without peers a rule is about everybody; one of Cilium is about nobody if it has no ports.
    let mut fields = rule.entries().filter(|(_, value)| is_cilium || !value.is_empty());
    let has_peers = fields.any(|(key, _)| !LIMITS.contains(&key));
    if !has_peers && (!is_cilium || !rule.is_empty()) {
        return true;
    }
    // Cilium's rules name what is no pod by its labels beside their endpoints.
    let entities = ["fromEntities", "toEntities"].iter().filter_map(|key| rule.get(key));
    let is_all = |entity: &str| matches!(entity, "all" | "cluster");
    if entities.flat_map(NodeRef::items).filter_map(NodeRef::text).any(is_all) {
        return true;
    }
    let peers = ["from", "to"].iter().filter_map(|key| rule.get(key)).flat_map(NodeRef::items);
    peers.into_iter().any(|peer| {
        let namespaces = peer.get("namespaceSelector").map(LabelSelector::from_label_selector);
        peer.get("podSelector").is_none()
            && namespaces.is_some_and(|namespaces| covers(&NamespaceScope::Selected(namespaces)))
    })
}
