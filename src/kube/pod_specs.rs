//! Pod templates, found by kind and by shape.

use super::object::group_and_kind;
use crate::yaml::{NodeKind, NodeRef, Path};

/// Where the kinds of Kubernetes keep their pod template. Source: kubernetes/api.
const TEMPLATES: &[(&str, &str, &[&str])] = &[
    ("", "Pod", &[]),
    ("", "PodTemplate", &["template"]),
    ("", "ReplicationController", &["spec", "template"]),
    ("apps", "Deployment", &["spec", "template"]),
    ("apps", "ReplicaSet", &["spec", "template"]),
    ("apps", "StatefulSet", &["spec", "template"]),
    ("apps", "DaemonSet", &["spec", "template"]),
    ("batch", "Job", &["spec", "template"]),
    ("batch", "CronJob", &["spec", "jobTemplate", "spec", "template"]),
];

/// How deep pod templates of custom resources are searched for, in levels.
const SEARCH_DEPTH: usize = 16;

/// A pod template within an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodTemplate {
    /// The mapping that holds the pod's `metadata` and `spec`; the root for a Pod.
    pub path: Path,
    /// The pod spec.
    pub spec: Path,
}

impl PodTemplate {
    fn at(path: Path) -> Self {
        let spec = path.key("spec");
        Self { path, spec }
    }

    /// Where the pod's labels are.
    pub fn labels(&self) -> Path {
        self.path.key("metadata").key("labels")
    }

    /// Where the pod's annotations are.
    pub fn annotations(&self) -> Path {
        self.path.key("metadata").key("annotations")
    }
}

/// The pod templates of an object, in the order of the document.
///
/// Kinds of Kubernetes itself are looked up; custom resources are searched, 16 levels deep, for a
/// mapping whose `spec` has a list of containers. A custom resource whose own `spec` has such a
/// list is no pod (its controller merges the containers into pods of its own making).
pub fn pod_templates(root: NodeRef<'_>) -> Vec<PodTemplate> {
    let Some((group, kind)) = group_and_kind(root) else { return Vec::new() };
    let known = TEMPLATES.iter().find(|row| row.0 == group && row.1 == kind);
    if let Some((_, _, keys)) = known {
        let template = PodTemplate::at(Path::keys(keys.iter().copied()));
        let has_spec = root.at(keys).and_then(|node| node.get("spec"));
        return has_spec.filter(|spec| spec.is_mapping()).map(|_| template).into_iter().collect();
    }
    if is_built_in(group) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (key, value) in root.entries() {
        if !matches!(key, "apiVersion" | "kind" | "metadata" | "status") {
            search(value, &Path::root().key(key.to_owned()), SEARCH_DEPTH, &mut found);
        }
    }
    found
}

/// Whether a group belongs to Kubernetes; the pod templates of all its kinds are in the table.
pub(super) fn is_built_in(group: &str) -> bool {
    !group.contains('.') || group.ends_with(".k8s.io")
}

fn search(node: NodeRef<'_>, path: &Path, depth: usize, found: &mut Vec<PodTemplate>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match node.kind() {
        NodeKind::Mapping => {
            if node.get("spec").is_some_and(is_pod_spec) {
                found.push(PodTemplate::at(path.clone()));
                return;
            }
            for (key, value) in node.entries() {
                // A schema describes objects; its defaults and examples are none.
                if value.kind() != NodeKind::Scalar && key != "openAPIV3Schema" {
                    search(value, &path.key(key.to_owned()), depth, found);
                }
            }
        }
        NodeKind::Sequence => {
            for (index, item) in node.items().enumerate() {
                if item.kind() != NodeKind::Scalar {
                    search(item, &path.index(index), depth, found);
                }
            }
        }
        NodeKind::Scalar => {}
    }
}

fn is_pod_spec(node: NodeRef<'_>) -> bool {
    [ContainerList::Containers, ContainerList::InitContainers].iter().any(|list| {
        node.get(list.as_str()).is_some_and(|list| {
            // Knative lets the only container go without a name.
            let is_container = |item: NodeRef<'_>| {
                ["name", "image"]
                    .iter()
                    .any(|key| item.get(key).and_then(NodeRef::as_str).is_some())
            };
            list.is_sequence() && !list.is_empty() && list.items().all(is_container)
        })
    })
}

/// The lists of a pod spec that hold containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContainerList {
    /// Run beside each other.
    Containers,
    /// Run before, one after the other; sidecars with `restartPolicy: Always` stay.
    InitContainers,
    /// Added to a running pod.
    EphemeralContainers,
}

impl ContainerList {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Containers, Self::InitContainers, Self::EphemeralContainers];

    /// The field's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::InitContainers => "initContainers",
            Self::EphemeralContainers => "ephemeralContainers",
        }
    }
}

/// A container of a pod template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The container's mapping.
    pub path: Path,
    /// The list it is in.
    pub list: ContainerList,
    /// Its name; empty where it has none.
    pub name: String,
}

/// The containers of a pod template: containers, init containers, ephemeral containers.
pub fn containers(root: NodeRef<'_>, template: &PodTemplate) -> Vec<Container> {
    let spec = template.spec.segments().iter().try_fold(root, |node, segment| node.step(segment));
    let Some(spec) = spec else { return Vec::new() };
    let mut found = Vec::new();
    for list in ContainerList::ALL {
        let Some(items) = spec.get(list.as_str()) else { continue };
        let path = template.spec.key(list.as_str());
        for (index, item) in items.items().enumerate() {
            if item.is_mapping() {
                let name = item.get("name").and_then(NodeRef::text).unwrap_or("").to_owned();
                found.push(Container { path: path.index(index), list, name });
            }
        }
    }
    found
}

/// The entries of a mapping of labels or annotations; values that are no strings as their text.
pub fn labels(node: NodeRef<'_>) -> Vec<(String, String)> {
    node.entries()
        .filter_map(|(key, value)| Some((key.to_owned(), value.text()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Document, Source, parse};

    fn document(text: &str) -> Document {
        parse(Source::new("a.yaml", text.to_owned())).unwrap().documents.remove(0)
    }

    fn paths(text: &str) -> Vec<String> {
        let document = document(text);
        pod_templates(document.root()).iter().map(|template| template.path.to_string()).collect()
    }

    #[test]
    fn kinds_of_kubernetes_have_their_place() {
        let pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a}]}\n";
        assert_eq!(paths(pod), ["."]);
        let cron = "apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {template: \
                    {spec: {containers: [{name: a}]}}}}}\n";
        assert_eq!(paths(cron), ["spec.jobTemplate.spec.template"]);
        // A copy may still have to be given containers.
        let empty = "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {}}}\n";
        assert_eq!(paths(empty), ["spec.template"]);
    }

    #[test]
    fn custom_resources_are_searched() {
        let rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n\
                       spec: {template: {metadata: {}, spec: {containers: [{name: a}]}}}\n";
        assert_eq!(paths(rollout), ["spec.template"]);
        let knative = "apiVersion: serving.knative.dev/v1\nkind: Service\n\
                       spec: {template: {spec: {containers: [{image: a}]}}}\n";
        assert_eq!(paths(knative), ["spec.template"]);
        let jobs = "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nspec: {replicatedJobs: \
                    [{template: {spec: {template: {spec: {initContainers: [{name: a}]}}}}}]}\n";
        assert_eq!(paths(jobs), ["spec.replicatedJobs[0].template.spec.template"]);
    }

    #[test]
    fn what_only_looks_like_containers_is_not_taken() {
        for text in [
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
             spec: {versions: [{schema: {openAPIV3Schema: {spec: {containers: [{name: a}]}}}}]}\n",
            "apiVersion: example.com/v1\nkind: A\nspec: {schema: {openAPIV3Schema: {spec: \
             {containers: [{name: a}]}}}}\n",
            "apiVersion: example.com/v1\nkind: A\nspec: {a: {spec: {containers: {name: a}}}}\n",
            "apiVersion: example.com/v1\nkind: A\nspec: {a: {spec: {containers: [main]}}}\n",
            "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {containers: [{name: a}]}\n",
            "apiVersion: example.com/v1\nkind: A\nstatus: {a: {spec: {containers: [{name: a}]}}}\n",
        ] {
            assert_eq!(paths(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn the_search_ends() {
        let mut text = "apiVersion: example.com/v1\nkind: A\nspec: ".to_owned();
        text.push_str(&"{a: ".repeat(30));
        text.push_str("{spec: {containers: [{name: a}]}}");
        text.push_str(&"}".repeat(30));
        assert_eq!(paths(&text), Vec::<String>::new());
    }

    #[test]
    fn containers_of_all_three_lists() {
        let document = document(
            "apiVersion: v1\nkind: Pod\nspec:\n  initContainers: [{name: b}]\n  \
             containers: [{name: a}, {image: c}]\n  ephemeralContainers: [{name: d}]\n",
        );
        let root = document.root();
        let found = containers(root, &pod_templates(root)[0]);
        let shown: Vec<_> =
            found.iter().map(|found| format!("{} {}", found.path, found.name)).collect();
        assert_eq!(
            shown,
            [
                "spec.containers[0] a",
                "spec.containers[1] ",
                "spec.initContainers[0] b",
                "spec.ephemeralContainers[0] d",
            ]
        );
    }

    #[test]
    fn labels_that_are_no_strings_keep_their_text() {
        let document = document("{a: b, version: 1.10, on: true, list: [1]}");
        let expected = [("a", "b"), ("version", "1.10"), ("on", "true")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(labels(document.root()), expected);
    }
}
