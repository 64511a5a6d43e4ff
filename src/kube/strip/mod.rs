//! Dropping what a copy must not carry.

mod rules;

use super::fields::{FieldSet, Referrer};
use super::object::ObjectRef;
use crate::yaml::{Document, NodeKind, NodeRef, Path, Value};
use std::sync::LazyLock;

pub use rules::{STRIPPED, StripRule, StripWhen};

/// A field that was dropped or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stripped {
    /// The field.
    pub path: Path,
    /// Why, to be read after the path: `metadata.uid` "is set by the server".
    pub why: &'static str,
}

static RULES: LazyLock<FieldSet<&'static StripRule>> =
    LazyLock::new(|| FieldSet::new(STRIPPED.iter().map(|row| (row.referrer, row.path, row))));

/// Mappings that go when the last of their entries has gone.
const METADATA_MAPS: [&str; 2] = ["labels", "annotations"];

/// Drops from a document, which is a copy of the object `own`, all that [`STRIPPED`] lists but what
/// it `keeps`; returns what was dropped in the order of the document.
pub fn strip(
    document: &mut Document,
    own: &ObjectRef,
    keeps: impl Fn(&Path) -> bool,
) -> Vec<Stripped> {
    let mut edits = Vec::new();
    let found = RULES.find(document.root(), &own.group, &own.kind).into_iter();
    for found in found.filter(|found| !keeps(&found.path)) {
        if let Some(new) = new_value(found.row, found.node) {
            edits.push((found.path, new, found.row.why));
        }
    }
    let mut stripped = Vec::with_capacity(edits.len());
    for (path, new, why) in edits {
        // A path that was just found can be edited, unless an edit above it took it away.
        let edited = match new {
            Some(text) => document.set(&path, Value::string(text)).is_ok(),
            None => document.remove(&path).unwrap_or(false),
        };
        if edited {
            stripped.push(Stripped { path, why });
        }
    }
    for map in METADATA_MAPS {
        let path = Path::keys(["metadata", map]);
        let lost = stripped
            .iter()
            .any(|field| field.path.split_last().is_some_and(|(parent, _)| parent == path));
        let is_empty = document.find(&path).is_some_and(|map| map.is_mapping() && map.is_empty());
        if lost && is_empty {
            let _ = document.remove(&path);
        }
    }
    stripped
}

/// A label that Kubernetes recommends: copies do without that of their original, as Argo CD may track
/// by it, but may have another.
///
/// Source: kubernetes.io/docs/concepts/overview/working-with-objects/common-labels.
pub const INSTANCE: [&str; 3] = ["metadata", "labels", "app.kubernetes.io/instance"];

/// The fields that no object of a lane may have, whatever its kind and their value: what a server or
/// another tool writes, and what ties it to another object. Options of a tool are a choice, and an
/// empty list ties it to nothing.
pub fn not_to_be_added(root: NodeRef<'_>, own: &ObjectRef) -> Vec<Stripped> {
    let instance = Path::keys(INSTANCE);
    let is_empty = |path: &Path| {
        let mut steps = path.segments().iter();
        let node = steps.try_fold(root, |node, segment| node.step(segment));
        node.is_some_and(|node| {
            node.is_null() || (node.kind() != NodeKind::Scalar && node.is_empty())
        })
    };
    let found = RULES.find(root, &own.group, &own.kind);
    found
        .into_iter()
        .filter(|found| found.row.referrer == Referrer::Any && found.row.when == StripWhen::Always)
        .filter(|found| found.path != instance && !is_empty(&found.path))
        .map(|found| Stripped { path: found.path, why: found.row.why })
        .collect()
}

/// Whether the copy of any object loses a label, if it has this value; `None` is whatever it has.
pub fn loses_label(key: &str, value: Option<&str>) -> bool {
    let label = |rule: &StripRule| -> Option<&'static str> {
        let fields = ["metadata.labels[\"", "metadata.{labels,annotations}[\""];
        let label = fields.iter().find_map(|field| rule.path.strip_prefix(field))?;
        label.strip_suffix("\"]").filter(|_| rule.referrer == Referrer::Any)
    };
    let is_key = |label: &str| match label.strip_suffix('*') {
        Some(prefix) => key.starts_with(prefix),
        None => key == label,
    };
    let rules = STRIPPED.iter().filter(|rule| label(rule).is_some_and(is_key));
    rules.into_iter().any(|rule| match rule.when {
        StripWhen::Always => true,
        StripWhen::OneOf(values) => value.is_some_and(|value| values.contains(&value)),
        StripWhen::Unless(_) | StripWhen::Entries(_) | StripWhen::Becomes(..) => false,
    })
}

/// What a field becomes: `None` if it stays, `Some(None)` if it goes.
fn new_value(rule: &StripRule, node: NodeRef<'_>) -> Option<Option<String>> {
    let text = node.text().unwrap_or("");
    match rule.when {
        StripWhen::Always => Some(None),
        StripWhen::Unless(kept) => {
            let is_kept = match node.kind() {
                NodeKind::Sequence => node.items().any(|item| item.text() == Some(kept)),
                _ => text == kept,
            };
            (!is_kept).then_some(None)
        }
        StripWhen::OneOf(values) => values.contains(&text).then_some(None),
        StripWhen::Entries(dropped) => {
            let is_dropped = |entry: &&str| dropped.contains(&entry.trim());
            if !text.split(',').any(|entry| is_dropped(&entry)) {
                return None;
            }
            let kept: Vec<_> = text.split(',').filter(|entry| !is_dropped(entry)).collect();
            Some((!kept.is_empty()).then(|| kept.join(",")))
        }
        StripWhen::Becomes(values, new) => values.contains(&text).then(|| Some(new.to_owned())),
    }
}

/// Why an object is not one to copy at all; `None` if it is.
///
/// Sources: argo-cd.readthedocs.io/en/stable/user-guide/resource_hooks; helm.sh/docs/topics/charts_hooks;
/// kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents.
pub fn hook_or_owned(root: NodeRef<'_>) -> Option<String> {
    let metadata = root.get("metadata")?;
    for (annotation, engine) in [("argocd.argoproj.io/hook", "Argo CD"), ("helm.sh/hook", "Helm")] {
        let hook = metadata.at(&["annotations", annotation]).and_then(NodeRef::text);
        if let Some(hook) = hook.filter(|hook| !hook.is_empty()) {
            return Some(format!("it is a hook of {engine} ({annotation}: {hook})"));
        }
    }
    let owner = metadata.get("ownerReferences")?.item(0)?;
    let part = |key: &str| owner.get(key).and_then(NodeRef::text).unwrap_or("?");
    Some(format!("it belongs to {}/{}, whose controller makes it", part("kind"), part("name")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::fields::pattern_error;
    use crate::kube::object::identity;
    use crate::yaml::{Source, parse};
    use std::collections::HashSet;

    fn document(text: &str) -> Document {
        parse(Source::new("a.yaml", text.to_owned())).unwrap().documents.remove(0)
    }

    fn after(text: &str) -> (String, Vec<String>) {
        let mut document = document(text);
        let own = identity(document.root(), "prod").unwrap();
        let stripped = strip(&mut document, &own, |_| false);
        (document.to_text(), stripped.iter().map(|field| field.path.to_string()).collect())
    }

    #[test]
    fn rows_parse_are_unique_and_give_reasons() {
        let mut seen = HashSet::new();
        for rule in STRIPPED {
            assert_eq!(pattern_error(rule.path), None);
            assert!(seen.insert((format!("{:?}", rule.referrer), rule.path)), "{}", rule.path);
            assert!(!rule.why.is_empty() && !rule.source.is_empty());
        }
    }

    #[test]
    fn server_set_fields_and_tracking_go() {
        let text = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # kept
  uid: abc
  creationTimestamp: null
  annotations:
    argocd.argoproj.io/tracking-id: a
    argocd.argoproj.io/sync-wave: \"1\"
  labels:
    app.kubernetes.io/instance: web
  ownerReferences: []
spec:
  replicas: 1
status: {}
";
        let (left, paths) = after(text);
        let expected = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # kept
  annotations:
    argocd.argoproj.io/sync-wave: \"1\"
spec:
  replicas: 1
";
        assert_eq!(left, expected);
        assert_eq!(
            paths,
            [
                "metadata.uid",
                "metadata.creationTimestamp",
                "metadata.annotations[\"argocd.argoproj.io/tracking-id\"]",
                "metadata.labels[\"app.kubernetes.io/instance\"]",
                "metadata.ownerReferences",
                "status",
            ]
        );
    }

    #[test]
    fn a_service_becomes_one_of_the_cluster() {
        let text = "\
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id: lb-1
    service.kubernetes.io/topology-mode: Auto
spec:
  type: LoadBalancer
  clusterIP: 10.0.0.1
  clusterIPs: [10.0.0.1]
  externalTrafficPolicy: Local
  ports:
  - port: 80
    nodePort: 30080
  - port: 81
    nodePort: 30081
";
        let expected = "\
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    service.kubernetes.io/topology-mode: Auto
spec:
  type: ClusterIP
  ports:
  - port: 80
  - port: 81
";
        assert_eq!(after(text).0, expected);
    }

    #[test]
    fn which_labels_are_lost_is_known() {
        for (key, value, is_lost) in [
            ("app.kubernetes.io/instance", Some("prod"), true),
            ("app.kubernetes.io/instance", None, true),
            ("app.kubernetes.io/managed-by", Some("Helm"), true),
            ("app.kubernetes.io/managed-by", Some("kustomize"), false),
            ("app.kubernetes.io/managed-by", None, false),
            ("objectset.rio.cattle.io/hash", None, true),
            ("kustomize.toolkit.fluxcd.io/prune", Some("disabled"), true),
            ("argocd.argoproj.io/tracking-id", None, false),
            ("controller-uid", None, false),
            ("app", None, false),
        ] {
            assert_eq!(loses_label(key, value), is_lost, "{key} {value:?}");
        }
    }

    #[test]
    fn what_is_no_conflict_stays() {
        for text in [
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {clusterIP: None, clusterIPs: [None], type: ClusterIP}\n",
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: ExternalName, externalName: a.example.com}\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {app.kubernetes.io/managed-by: kustomize}, annotations: {}}\n",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {labels: {app.kubernetes.io/instance: a}}}}\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {argocd.argoproj.io/sync-options: ServerSideApply=true}}\n",
        ] {
            assert_eq!(after(text), (text.to_owned(), Vec::new()));
        }
    }

    #[test]
    fn what_is_a_choice_may_be_added() {
        let paths = |text: &str| -> Vec<String> {
            let document = document(text);
            let own = identity(document.root(), "prod").unwrap();
            let found = not_to_be_added(document.root(), &own);
            found.iter().map(|field| field.path.to_string()).collect()
        };
        let service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  uid: x\n  annotations: {argocd.argoproj.io/sync-options: Prune=false}\nspec: {type: NodePort, ports: [{nodePort: 30080}]}\nstatus: {loadBalancer: {ingress: [{ip: 10.0.0.1}]}}\n";
        assert_eq!(paths(service), ["metadata.uid", "status"]);
        let empty = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  labels: {app.kubernetes.io/instance: b}\n  ownerReferences: []\n  finalizers:\nstatus: {}\n";
        assert_eq!(paths(empty), [""; 0]);
    }

    #[test]
    fn options_that_hold_on_are_taken_out_one_by_one() {
        let with = |options: &str| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    \
                 argocd.argoproj.io/sync-options: {options}\n"
            )
        };
        assert_eq!(
            after(&with("Prune=false,ServerSideApply=true,Delete=confirm")).0,
            with("ServerSideApply=true")
        );
        assert_eq!(
            after(&with("Prune=false")).0,
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
        );
    }

    #[test]
    fn hooks_and_owned_objects_are_told() {
        let told = |metadata: &str| {
            hook_or_owned(document(&format!("kind: Job\nmetadata: {metadata}\n")).root())
        };
        assert!(told("{annotations: {helm.sh/hook: pre-install}}").unwrap().contains("Helm"));
        assert!(told("{annotations: {argocd.argoproj.io/hook: PreSync}}").is_some());
        assert_eq!(
            told("{ownerReferences: [{kind: CronJob, name: a}]}").unwrap(),
            "it belongs to CronJob/a, whose controller makes it"
        );
        assert_eq!(told("{name: a, ownerReferences: []}"), None);
    }
}
