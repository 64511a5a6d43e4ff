//! The fields that hold label selectors, and whose labels they look at.

mod table;
#[cfg(test)]
mod tests;

use super::fields::{FieldSet, Referrer};
use super::object::group_and_kind;
use super::pod_specs::{is_built_in, pod_templates};
use super::selector::{LabelSelector, Operator};
use crate::yaml::{NodeRef, Path};
use std::collections::HashMap;
use std::sync::LazyLock;

pub use table::SELECTORS;

/// How a selector is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectorForm {
    /// A mapping of labels.
    Plain,
    /// `matchLabels` and `matchExpressions`.
    LabelSelector,
}

/// What a selector is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SelectorRole {
    /// A workload finds its own pods.
    Workload,
    /// A Service finds the pods it sends traffic to.
    Service,
    /// An entry of a mesh's registry finds the pods that its hosts lead to.
    ServiceEntry,
    /// A budget finds the pods it protects.
    DisruptionBudget,
    /// A network policy finds the pods it isolates.
    NetworkPolicySubject,
    /// A network policy names the pods it lets through.
    NetworkPolicyPeer,
    /// A pod wants to be near pods, or away from them.
    Affinity,
    /// A pod is spread with pods.
    TopologySpread,
    /// A monitor finds Services.
    Monitor,
    /// A monitor finds pods.
    PodMonitor,
    /// A mesh's security policy finds the pods it guards.
    AuthorizationSubject,
    /// A mesh's configuration finds the pods it is for.
    MeshSubject,
    /// A mesh's configuration of calls finds the pods that make them.
    MeshClient,
    /// A subset of the pods behind a host.
    DestinationRuleSubset,
    /// A controller finds the pods it injects containers into.
    Injection,
}

impl SelectorRole {
    /// Whether the selector looks at pods; otherwise at Services.
    pub fn selects_pods(self) -> bool {
        self != Self::Monitor
    }
}

/// What a selector that asks for nothing means in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptySelector {
    /// It matches everything in scope.
    MatchesAll,
    /// It matches nothing, or is refused.
    MatchesNone,
    /// Nobody selects: endpoints are managed by hand.
    Unmanaged,
}

/// The namespaces whose labels a selector looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceScope {
    /// The namespace of the object that holds the selector.
    Own,
    /// All.
    All,
    /// These.
    Named(Vec<String>),
    /// Those whose labels match.
    Selected(LabelSelector),
}

impl NamespaceScope {
    /// Whether a namespace may be in scope; `own` is that of the object that holds the selector.
    ///
    /// Of a namespace only the label `kubernetes.io/metadata.name` is known; a selector that asks
    /// for others may cover any namespace.
    pub fn may_cover(&self, own: &str, namespace: &str) -> bool {
        const NAME: &str = "kubernetes.io/metadata.name";
        match self {
            Self::Own => own == namespace,
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == namespace),
            Self::Selected(selector) => {
                let mut known = selector.clone();
                known.requirements.retain(|requirement| requirement.key == NAME);
                known.matches(&HashMap::from([(NAME.to_owned(), namespace.to_owned())]))
            }
        }
    }
}

/// Where a row's namespaces are written, beside the selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScopeField {
    Own,
    /// A cluster-scoped object's selector.
    Everywhere,
    /// `namespaceSelector` of a network policy peer: absent means the own namespace.
    PeerNamespaces,
    /// `namespaces` and `namespaceSelector` of an affinity term.
    TermNamespaces,
    /// `namespaceSelector` with `any` or `matchNames`.
    MonitorNamespaces,
    /// `namespace` or `namespaceSelector` of a cluster-scoped object: absent means all.
    ClusterNamespaces,
    /// The label of the namespace that the selector itself asks for; absent means the own namespace.
    Endpoints,
    /// The same; absent means all namespaces.
    ClusterEndpoints,
    /// The namespace in the `host` two levels up.
    SubsetHost,
}

/// A row of [`SELECTORS`].
#[derive(Clone, Copy, Debug)]
pub struct SelectorField {
    /// Whose field it is.
    pub referrer: Referrer,
    /// The object's `apiVersion`, where the row is about one only.
    pub api_version: Option<&'static str>,
    /// The field.
    pub path: &'static str,
    /// How it is written.
    pub form: SelectorForm,
    /// What it is for.
    pub role: SelectorRole,
    /// What an empty one means.
    pub empty: EmptySelector,
    scope: ScopeField,
    /// Where this is documented.
    pub source: &'static str,
}

static FIELDS: LazyLock<FieldSet<&'static SelectorField>> =
    LazyLock::new(|| FieldSet::new(SELECTORS.iter().map(|row| (row.referrer, row.path, row))));

/// A selector that an object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorUse {
    /// The selector's mapping.
    pub path: Path,
    /// How it is written.
    pub form: SelectorForm,
    /// What it is for.
    pub role: SelectorRole,
    /// What it asks for.
    pub selector: LabelSelector,
    /// What it means if it asks for nothing.
    pub empty: EmptySelector,
    /// Where it looks.
    pub scope: NamespaceScope,
}

impl SelectorUse {
    /// Whether labels in a namespace that is in scope are selected, an empty selector read as its
    /// field reads it.
    pub fn selects(&self, labels: &HashMap<String, String>) -> bool {
        if self.selector.is_empty() {
            self.empty == EmptySelector::MatchesAll
        } else {
            self.selector.matches(labels)
        }
    }
}

/// The selectors of an object in the order of the document; a field that is absent or null has none.
pub fn selectors(root: NodeRef<'_>) -> Vec<SelectorUse> {
    let Some((group, kind)) = group_and_kind(root) else { return Vec::new() };
    let api_version = root.get("apiVersion").and_then(NodeRef::as_str);
    let mut uses: Vec<SelectorUse> = FIELDS
        .find(root, group, kind)
        .into_iter()
        .filter(|found| found.node.is_mapping())
        .filter(|found| found.row.api_version.is_none_or(|wanted| api_version == Some(wanted)))
        .filter_map(|found| {
            let row = found.row;
            let beside = found.above.last().copied();
            let holder = found.above.iter().rev().nth(2).copied();
            let selector = match row.form {
                SelectorForm::Plain => LabelSelector::from_labels(found.node),
                SelectorForm::LabelSelector => LabelSelector::from_label_selector(found.node),
            };
            let (selector, scope) = match row.scope {
                // What a policy of a namespace is for is always there, whatever it says.
                ScopeField::Endpoints if row.role == SelectorRole::NetworkPolicySubject => {
                    (of_endpoints(selector, NamespaceScope::Own)?.0, NamespaceScope::Own)
                }
                ScopeField::Endpoints => of_endpoints(selector, NamespaceScope::Own)?,
                ScopeField::ClusterEndpoints => of_endpoints(selector, NamespaceScope::All)?,
                field => (selector, scope(field, beside, holder)),
            };
            Some(SelectorUse {
                path: found.path,
                form: row.form,
                role: row.role,
                selector,
                empty: row.empty,
                scope,
            })
        })
        .collect();
    uses.extend(by_shape(root, group, &uses));
    uses
}

/// The selector of a workload that no row is about: a custom resource with a pod template in
/// `spec.template` and a label selector in `spec.selector` finds its pods as a Deployment does.
fn by_shape(root: NodeRef<'_>, group: &str, known: &[SelectorUse]) -> Option<SelectorUse> {
    let path = Path::keys(["spec", "selector"]);
    if is_built_in(group) || known.iter().any(|found| found.path == path) {
        return None;
    }
    let node = root.at(&["spec", "selector"])?;
    let is_selector = ["matchLabels", "matchExpressions"].iter().any(|key| node.get(key).is_some());
    let template = Path::keys(["spec", "template"]);
    let has_pods = || pod_templates(root).iter().any(|found| found.path == template);
    (is_selector && has_pods()).then(|| SelectorUse {
        path,
        form: SelectorForm::LabelSelector,
        role: SelectorRole::Workload,
        selector: LabelSelector::from_label_selector(node),
        empty: EmptySelector::MatchesNone,
        scope: NamespaceScope::Own,
    })
}

/// The key of a label without the source that Cilium lets selectors write before it: `k8s:app` and
/// `any:app` ask pods for the label `app`. No key of Kubernetes has a colon.
///
/// Source: docs.cilium.io/en/stable/gettingstarted/terminology (label source).
pub fn bare_key(key: &str) -> &str {
    key.strip_prefix("k8s:").or_else(|| key.strip_prefix("any:")).unwrap_or(key)
}

/// What a selector of Cilium's endpoints asks of the labels of pods, and where, which is in this
/// scope unless it says so; `None` where it asks for what is no label of a pod, so that nothing is
/// known of what it selects.
///
/// Cilium gives pods labels that say in which cluster they run and as whom. Gray pods have the same
/// ones, so that they are left out: those that run as a copy of the ServiceAccount are looked at by
/// that name (`service-account-unbound`). Nothing is known of what asks for nothing else but an
/// identity.
///
/// Source: docs.cilium.io/en/stable/network/kubernetes/policy (namespaces, service accounts);
/// cilium/cilium pkg/k8s/apis/cilium.io/const.go (policy labels).
fn of_endpoints(
    mut selector: LabelSelector,
    mut scope: NamespaceScope,
) -> Option<(LabelSelector, NamespaceScope)> {
    let mut asked = Vec::with_capacity(selector.requirements.len());
    let mut asks_for_identity = false;
    for mut requirement in selector.requirements {
        let key = bare_key(&requirement.key);
        if key == "io.kubernetes.pod.namespace" {
            scope = match requirement.operator {
                Operator::In(names) => NamespaceScope::Named(names),
                _ => NamespaceScope::All,
            };
        } else if key.starts_with("io.cilium.k8s.namespace.labels.") {
            scope = NamespaceScope::All;
        } else if key.starts_with("io.cilium.k8s.policy.") {
            asks_for_identity |= key != "io.cilium.k8s.policy.cluster";
        } else if key.contains(':') || key.starts_with("io.cilium.") {
            return None;
        } else {
            requirement.key = key.to_owned();
            asked.push(requirement);
        }
    }
    if asked.is_empty() && asks_for_identity {
        return None;
    }
    selector.requirements = asked;
    Some((selector, scope))
}

/// Reads the namespaces beside a selector; `holder` is the mapping above the list it is in.
fn scope(
    field: ScopeField,
    beside: Option<NodeRef<'_>>,
    holder: Option<NodeRef<'_>>,
) -> NamespaceScope {
    let namespace_selector = beside
        .and_then(|beside| beside.get("namespaceSelector"))
        .filter(|selector| !selector.is_null());
    let names = |node: Option<NodeRef<'_>>| -> Vec<String> {
        let items = node.into_iter().flat_map(NodeRef::items);
        items.filter_map(NodeRef::text).map(str::to_owned).collect()
    };
    match field {
        ScopeField::Own | ScopeField::Endpoints => NamespaceScope::Own,
        ScopeField::Everywhere | ScopeField::ClusterEndpoints => NamespaceScope::All,
        ScopeField::ClusterNamespaces => {
            let named = beside.and_then(|beside| beside.get("namespace")).and_then(NodeRef::as_str);
            match (named, namespace_selector) {
                (Some(name), _) if !name.is_empty() => NamespaceScope::Named(vec![name.to_owned()]),
                (_, Some(selector)) => selected(selector),
                _ => NamespaceScope::All,
            }
        }
        ScopeField::PeerNamespaces => match namespace_selector {
            Some(selector) => selected(selector),
            None => NamespaceScope::Own,
        },
        ScopeField::TermNamespaces => {
            let named = names(beside.and_then(|beside| beside.get("namespaces")));
            match namespace_selector {
                // The API takes the union of both; all namespaces is the nearest scope above it.
                Some(selector) if named.is_empty() => selected(selector),
                Some(_) => NamespaceScope::All,
                None if named.is_empty() => NamespaceScope::Own,
                None => NamespaceScope::Named(named),
            }
        }
        ScopeField::MonitorNamespaces => {
            let any = namespace_selector.and_then(|selector| selector.get("any"));
            let named = names(namespace_selector.and_then(|selector| selector.get("matchNames")));
            if any.and_then(NodeRef::as_bool) == Some(true) {
                NamespaceScope::All
            } else if named.is_empty() {
                NamespaceScope::Own
            } else {
                NamespaceScope::Named(named)
            }
        }
        ScopeField::SubsetHost => {
            let host = holder.and_then(|spec| spec.get("host")).and_then(NodeRef::as_str);
            let mut labels = host.unwrap_or("").split('.').skip(1);
            match (labels.next(), labels.next()) {
                (Some(namespace), Some("svc")) => NamespaceScope::Named(vec![namespace.to_owned()]),
                _ => NamespaceScope::Own,
            }
        }
    }
}

fn selected(node: NodeRef<'_>) -> NamespaceScope {
    let selector = LabelSelector::from_label_selector(node);
    if selector.is_empty() { NamespaceScope::All } else { NamespaceScope::Selected(selector) }
}
