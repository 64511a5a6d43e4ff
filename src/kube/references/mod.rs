//! Where an object names other objects.

mod made;
mod table;
mod targets;

use super::fields::{FieldSet, Referrer};
use super::object::{ObjectRef, group_of};
use super::service_dns::{ClusterHost, url_host};
use crate::yaml::{NodeRef, Path};
use std::ops::Range;
use std::sync::LazyLock;

pub use made::made;
pub use table::REFERENCES;
pub use targets::{Effect, NameForm, ReferenceField, Target};

/// A place in an object that names another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The scalar that holds the name.
    pub path: Path,
    /// What is named. Its namespace is the referrer's where nothing else is written.
    pub target: ObjectRef,
    /// How.
    pub form: NameForm,
    /// Whether the object works without what it names (`optional: true`).
    pub optional: bool,
    /// What the object does with it.
    pub effect: Effect,
}

impl Reference {
    /// The text of the scalar with the target under a new name; the same text where it does not
    /// name the target. The text to give is what the scalar holds now, so that several references
    /// of one scalar can be renamed one after the other.
    pub fn renamed(&self, text: &str, new_name: &str) -> String {
        let mut out = String::with_capacity(text.len() + new_name.len());
        let mut copied = 0;
        for named in self.form.names(text, &self.target.namespace) {
            let is_target = named.name == self.target.name
                && named.namespace.is_none_or(|namespace| namespace == self.target.namespace);
            if is_target {
                out.push_str(text.get(copied..named.range.start).unwrap_or(""));
                out.push_str(new_name);
                copied = named.range.end;
            }
        }
        out.push_str(text.get(copied..).unwrap_or(""));
        out
    }
}

/// A name within a text.
struct Named<'a> {
    range: Range<usize>,
    name: &'a str,
    namespace: Option<&'a str>,
}

impl NameForm {
    /// The names in a text of this form; a text of another form has none. `own` is the namespace
    /// of names without one.
    fn names<'a>(self, text: &'a str, own: &str) -> Vec<Named<'a>> {
        match self {
            Self::Name => named(text, 0, text, None).into_iter().collect(),
            Self::NamespacedName => match text.split_once('/') {
                Some((namespace, name)) => {
                    named(text, namespace.len() + 1, name, Some(namespace)).into_iter().collect()
                }
                None => named(text, 0, text, None).into_iter().collect(),
            },
            Self::NameList => listed(text),
            Self::Host => host(text, 0, text, false).into_iter().collect(),
            Self::Url => url_host(text)
                .and_then(|range| host(text, range.start, text.get(range)?, true))
                .into_iter()
                .collect(),
            Self::JsonServiceName => json_service_names(text),
            Self::TraefikProvider => traefik_names(text, own),
            Self::Principal => principal(text).into_iter().collect(),
        }
    }
}

/// A name at a place in a text; `None` for what no object can be called.
fn named<'a>(
    text: &'a str,
    start: usize,
    name: &'a str,
    namespace: Option<&'a str>,
) -> Option<Named<'a>> {
    let range = start..start.checked_add(name.len())?;
    let is_name = !name.is_empty() && !name.contains(['/', '*', '$', '{', ' ']);
    (is_name && text.get(range.clone()) == Some(name)).then_some(Named { range, name, namespace })
}

fn listed(text: &str) -> Vec<Named<'_>> {
    let mut names = Vec::new();
    let mut start = 0;
    for item in text.split(',') {
        let at = start + (item.len() - item.trim_start().len());
        names.extend(named(text, at, item.trim(), None));
        start += item.len() + 1;
    }
    names
}

fn host<'a>(text: &'a str, start: usize, host: &'a str, qualified: bool) -> Option<Named<'a>> {
    let parsed = ClusterHost::parse(host)?;
    let is_service = match parsed {
        ClusterHost::Bare { .. } => !qualified,
        // `a.b` may as well be a domain of the internet.
        ClusterHost::Namespaced { is_svc, .. } => is_svc,
    };
    is_service.then(|| named(text, start, parsed.name(), parsed.namespace())).flatten()
}

/// Sources: istio.io/latest/docs/reference/config/security/authorization-policy (Source, principals);
/// linkerd.io/2/reference/authorization-policy (`MeshTLSAuthentication`, identities).
fn principal(text: &str) -> Option<Named<'_>> {
    if let Some((account, _)) = text.split_once(".serviceaccount.identity.") {
        let (name, namespace) = account.rsplit_once('.')?;
        return named(text, 0, name, Some(namespace));
    }
    let parts: Vec<_> = text.split('/').collect();
    let [_, "ns", namespace, "sa", name] = parts.as_slice() else { return None };
    named(text, text.len() - name.len(), name, Some(namespace))
}

fn json_service_names(text: &str) -> Vec<Named<'_>> {
    const FIELD: &str = "\"servicename\"";
    // ASCII lower case keeps every byte offset.
    let lower = text.to_ascii_lowercase();
    let mut names = Vec::new();
    let mut from = 0;
    while let Some(at) = lower.get(from..).and_then(|rest| rest.find(FIELD)) {
        from += at + FIELD.len();
        let Some(rest) = text.get(from..) else { break };
        let value = rest.trim_start();
        let Some(value) = value.strip_prefix(':').map(str::trim_start) else { continue };
        let Some(value) = value.strip_prefix('"') else { continue };
        let start = text.len() - value.len();
        let name = value.split('"').next().unwrap_or("");
        names.extend(named(text, start, name, None));
    }
    names
}

/// Where `ns` ends in `ns-name` does not show, so only names of a known namespace are read.
fn traefik_names<'a>(text: &'a str, own: &str) -> Vec<Named<'a>> {
    let mut names = Vec::new();
    let mut start = 0;
    for item in text.split(',') {
        let at = start + (item.len() - item.trim_start().len());
        let joined = item.trim().strip_suffix("@kubernetescrd").unwrap_or("");
        if let Some(name) = joined.strip_prefix(own).and_then(|rest| rest.strip_prefix('-')) {
            names.extend(named(text, at + own.len() + 1, name, None));
        }
        start += item.len() + 1;
    }
    names
}

static FIELDS: LazyLock<FieldSet<&'static ReferenceField>> =
    LazyLock::new(|| FieldSet::new(REFERENCES.iter().map(|row| (row.referrer, row.path, row))));

/// Whether controllers make objects of their own for objects of a kind.
pub fn creates(group: &str, kind: &str) -> bool {
    CREATORS.contains(&(group, kind))
}

static CREATORS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let rows = REFERENCES.iter().filter(|row| row.effect == Effect::Creates);
    let kinds = |row: &ReferenceField| match row.referrer {
        Referrer::Kinds(group, kinds) => kinds.iter().map(|kind| (group, *kind)).collect(),
        Referrer::Any | Referrer::PodSpec => Vec::new(),
    };
    rows.flat_map(kinds).collect()
});

/// The references of an object in the order of the document; `own` is its identity.
pub fn references(root: NodeRef<'_>, own: &ObjectRef) -> Vec<Reference> {
    let mut all = Vec::new();
    for found in FIELDS.find(root, &own.group, &own.kind) {
        let Some(text) = found.node.as_str() else { continue };
        let row = found.row;
        // The controller gives the Secret the name of the SealedSecret, whatever its template says
        // (sealed-secrets, `SealedSecret.Unseal`).
        if own.group == "bitnami.com" && row.effect == Effect::Creates && text != own.name {
            continue;
        }
        let beside = found.above.last().copied();
        let field = |name: &str| beside.and_then(|beside| beside.get(name));
        let written =
            |name: Option<&str>| name.and_then(field).and_then(NodeRef::as_str).unwrap_or("");
        let optional = field("optional").and_then(NodeRef::as_bool) == Some(true);
        for named in row.form.names(text, &own.namespace) {
            let mut push = |group: &str, kind: &str, namespace: &str| {
                let beside = Some(namespace).filter(|namespace| !namespace.is_empty());
                let namespace = named.namespace.or(beside).unwrap_or(&own.namespace);
                all.push(Reference {
                    path: found.path.clone(),
                    target: ObjectRef::new(group, kind, namespace, named.name),
                    form: row.form,
                    optional,
                    effect: row.effect,
                });
            };
            match row.target {
                Target::Fixed { group, kind, namespace } => push(group, kind, written(namespace)),
                Target::Typed { group, kind, namespace, kinds, only } => {
                    let group = group.and_then(field).and_then(NodeRef::as_str);
                    if let Some((group, kind)) = typed(group, written(Some(kind)), kinds, only) {
                        push(group, kind, written(namespace));
                    }
                }
                Target::EndpointAccount => {
                    let keys = ["io.kubernetes.pod.namespace", "k8s:io.kubernetes.pod.namespace"];
                    let namespace = keys.into_iter().find_map(field).and_then(NodeRef::as_str);
                    push("", "ServiceAccount", namespace.unwrap_or(""));
                }
                Target::RuleResources => {
                    let rule = found.above.iter().rev().nth(1).copied();
                    for (group, kind) in rule_kinds(rule) {
                        push(&group, kind, "");
                    }
                }
            }
        }
    }
    all
}

/// Group and kind of a typed reference; `None` where it is none of this row's.
fn typed<'a>(
    group: Option<&'a str>,
    kind: &'a str,
    kinds: &[(&'static str, &'static str)],
    only: bool,
) -> Option<(&'a str, &'a str)> {
    let kind = if kind.is_empty() { kinds.first()?.0 } else { kind };
    // The Vault Secrets Operator calls a Rollout of Argo so (hashicorp/vault-secrets-operator
    // api/v1beta1, RolloutRestartTarget).
    let kind = if kind == "argo.Rollout" { "Rollout" } else { kind };
    let listed = kinds.iter().find(|row| row.0 == kind);
    // A group is written with a version (`apps/v1`), or alone; `v1` is the core group, and so is
    // `core` to meshes (istio/api type/v1beta1/selector.proto, PolicyTargetReference;
    // linkerd.io/2/reference/authorization-policy).
    let written = group.map(|group| match group {
        "v1" | "core" => "",
        group if group.contains('/') => group_of(group),
        group => group,
    });
    let group = written.or(listed.map(|row| row.1))?;
    let is_listed = listed.is_some_and(|row| row.1 == group);
    (!only || is_listed).then_some((group, kind))
}

/// The plural names by which RBAC rules call what manifests refer to. Source: `kubectl api-resources`.
const RESOURCES: &[(&str, &str, &str)] = &[
    ("", "configmaps", "ConfigMap"),
    ("", "secrets", "Secret"),
    ("", "services", "Service"),
    ("", "endpoints", "Endpoints"),
    ("", "pods", "Pod"),
    ("", "serviceaccounts", "ServiceAccount"),
    ("", "persistentvolumeclaims", "PersistentVolumeClaim"),
    ("", "persistentvolumes", "PersistentVolume"),
    ("", "namespaces", "Namespace"),
    ("apps", "deployments", "Deployment"),
    ("apps", "statefulsets", "StatefulSet"),
    ("apps", "daemonsets", "DaemonSet"),
    ("apps", "replicasets", "ReplicaSet"),
    ("batch", "jobs", "Job"),
    ("batch", "cronjobs", "CronJob"),
    ("coordination.k8s.io", "leases", "Lease"),
    ("networking.k8s.io", "ingresses", "Ingress"),
    ("networking.k8s.io", "networkpolicies", "NetworkPolicy"),
    ("policy", "poddisruptionbudgets", "PodDisruptionBudget"),
    ("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ("rbac.authorization.k8s.io", "roles", "Role"),
    ("rbac.authorization.k8s.io", "clusterroles", "ClusterRole"),
    ("argoproj.io", "rollouts", "Rollout"),
    ("apps.kruise.io", "clonesets", "CloneSet"),
];

fn rule_kinds(rule: Option<NodeRef<'_>>) -> Vec<(String, &'static str)> {
    let list = |key: &str| -> Vec<&str> {
        let items = rule.and_then(|rule| rule.get(key)).into_iter().flat_map(NodeRef::items);
        items.filter_map(NodeRef::text).collect()
    };
    let (groups, resources) = (list("apiGroups"), list("resources"));
    RESOURCES
        .iter()
        .filter(|(group, resource, _)| {
            groups.iter().any(|wanted| wanted == group || *wanted == "*")
                && resources.iter().any(|wanted| {
                    // `deployments/scale` is a part of the same object.
                    wanted.split('/').next() == Some(resource) || *wanted == "*"
                })
        })
        .map(|(group, _, kind)| ((*group).to_owned(), *kind))
        .collect()
}

#[cfg(test)]
mod tests;
