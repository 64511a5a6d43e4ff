//! The spec's patches, on the copy while it still looks like the baseline's object.

use foldhash::{HashMap, HashSet};

mod broken;

use self::broken::{Fault, broken_containers, forbidden};
use super::facts::Facts;
use super::isolation::finds_own_pods;
use super::select::{Copy, Plan, PlannedService, Role, SUGGESTIONS};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, nearest};
use crate::kube::merge_keys::merge_key;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{containers, pod_templates};
use crate::kube::selectors::selectors;
use crate::spec::{JsonOp, JsonOpKind, Patch, PatchBody};
use crate::yaml::{
    Document, JsonPatchOp, MergeKeys, NodeRef, Path, Segment, Value, apply_json_patch, apply_merge,
};

/// The list keys of one kind of object.
struct KeysOf<'a> {
    kind: &'a str,
}

impl MergeKeys for KeysOf<'_> {
    fn merge_key(&self, list_path: &[&str]) -> Option<&str> {
        merge_key(list_path, self.kind)
    }
}

/// The patches of a spec by the object they change.
#[derive(Debug, Default)]
pub(super) struct Patches<'a> {
    by_object: HashMap<usize, Vec<&'a Patch>>,
    /// Addresses and node ports of the baseline's Services, with whose they are; looked up only
    /// where a Service is patched.
    taken: HashMap<(&'static str, String), ObjectRef>,
}

impl<'a> Patches<'a> {
    /// Finds the object of every patch among the copies.
    ///
    /// # Errors
    ///
    /// Patches of objects that are not copied.
    pub(super) fn assign(plan: &Plan<'a>, facts: &Facts) -> Result<Self, Vec<Diagnostic>> {
        let copied: HashSet<usize> = plan.copies.iter().map(|copy| copy.object).collect();
        let mut patches = Self::default();
        let mut errors = Vec::new();
        let all = plan.services.iter().flat_map(|service| {
            service.spec.patches.iter().map(|patch| (service.namespace.as_str(), patch))
        });
        for (namespace, patch) in all {
            let target = &patch.target;
            let all = || facts.named(&target.kind, &target.name);
            // Of several the one beside the service's workload is meant.
            let is_beside = |object: &usize| facts.object(*object).id.namespace == namespace;
            let has_beside = all().any(|object| is_beside(&object));
            let mut copies = all().filter(|object| copied.contains(object));
            let found = copies.clone().find(|object| !has_beside || is_beside(object));
            if let Some(object) = found {
                patches.by_object.entry(object).or_default().push(patch);
                continue;
            }
            let error =
                Diagnostic::error(format!("{target} has no gray copy that could be patched"))
                    .at(patch.place.clone());
            if let Some(elsewhere) = copies.next() {
                let id = &facts.object(elsewhere).id;
                errors.push(error.remedy(format!(
                    "the one beside the service's workload is meant, in the namespace `{namespace}`: add it to the service's `copy: [{target}]`; or give the patch to a service of `{}`, where {target} is copied",
                    id.namespace
                )));
                continue;
            }
            let copies = plan.copies.iter().map(|copy| &facts.object(copy.object).id);
            let names = copies.filter(|id| id.kind == target.kind).map(|id| id.name.as_str());
            let is_told = errors.len() < SUGGESTIONS;
            let near = is_told.then(|| nearest(&target.name, names)).flatten();
            errors.push(if all().next().is_none() {
                match near {
                    Some(near) => error.remedy(format!(
                        "did you mean `{}/{near}`? A patch names the baseline's object",
                        target.kind
                    )),
                    None => error.remedy("a patch names an object of the baseline: `Kind/name`"),
                }
            } else {
                error.remedy(format!("add it to the service's `copy: [{target}]`"))
            });
        }
        if patches.by_object.keys().any(|object| facts.object(*object).id.is_core_service()) {
            let services =
                facts.baseline.objects().iter().filter(|object| object.id.is_core_service());
            for service in services {
                for field in exclusive(&service.document()) {
                    patches.taken.entry(field).or_insert_with(|| service.id.clone());
                }
            }
        }
        if errors.is_empty() { Ok(patches) } else { Err(errors) }
    }

    /// Whether a patch of the object says what a field is to be, or something above it.
    pub(super) fn say(&self, copy: &Copy, field: &Path) -> bool {
        let mut patches = self.by_object.get(&copy.object).into_iter().flatten();
        patches.any(|patch| says(patch, field))
    }

    /// Applies the patches of one object, and says which of them changed nothing.
    ///
    /// # Errors
    ///
    /// Patches that do not fit the object, or change what tells lanes apart.
    pub(super) fn apply(
        &self,
        copy: &Copy,
        object: &Object,
        service: &PlannedService<'_>,
        document: &mut Document,
    ) -> (Vec<Diagnostic>, Vec<&'a Patch>) {
        let mut errors = Vec::new();
        let mut idle = Vec::new();
        let is_patched = self.by_object.contains_key(&copy.object);
        // What the baseline has is no fault of a patch.
        let mut known: HashSet<Fault> = HashSet::default();
        if is_patched {
            known.extend(broken_containers(document, service, copy.role));
        }
        let mut broken: Vec<(Fault, &Patch)> = Vec::new();
        for patch in self.by_object.get(&copy.object).into_iter().flatten() {
            if let Some(key) = decided_by_lane(&patch.body, service) {
                errors.push(changed(patch, key));
                continue;
            }
            let was = document.root().to_json();
            let before = protected(document, service);
            let had: HashSet<_> = exclusive(document).into_iter().collect();
            let was_forbidden: HashSet<_> = forbidden(&object.id, document).into_iter().collect();
            if let Err(error) = apply_patch(patch, &object.id, document) {
                let remedy = format!("it is applied to the object as {} has it", object.file);
                let is_told = error.remedy.is_some();
                errors.push(if is_told { error } else { error.remedy(remedy) });
                continue;
            }
            if !is_assertion(&patch.body) && document.root().to_json() == was {
                idle.push(*patch);
            }
            let template = &service.pods.template.spec;
            let has_pods = || document.find(template).is_some_and(NodeRef::is_mapping);
            if copy.role == Role::Workload && !has_pods() {
                errors.push(
                    Diagnostic::error(format!(
                        "the patch takes `{template}` away from {}",
                        object.id
                    ))
                    .at(patch.place.clone())
                    .remedy("a workload needs its pods"),
                );
                continue;
            }
            if object.id.is_core_service() {
                let given = exclusive(document).into_iter().filter(|field| !had.contains(field));
                for field in given {
                    let Some(owner) = self.taken.get(&field) else { continue };
                    let (key, value) = field;
                    errors.push(
                        Diagnostic::error(format!("the patch gives {} the {key} {value}, which {owner} has", object.id))
                            .at(patch.place.clone())
                            .remedy("only one Service can have it: choose another, or let the cluster choose"),
                    );
                }
            }
            for fault in forbidden(&object.id, document) {
                if !was_forbidden.contains(&fault) {
                    errors.push(fault.told(&object.id, patch));
                }
            }
            for fault in broken_containers(document, service, copy.role) {
                if known.insert(fault.clone()) {
                    broken.push((fault, *patch));
                }
            }
            let after = protected(document, service);
            for (what, value) in &before {
                if after.get(what) != Some(value) {
                    errors.push(changed(patch, what));
                }
            }
            errors.extend(
                after
                    .keys()
                    .filter(|what| !before.contains_key(*what))
                    .map(|what| changed(patch, what)),
            );
        }
        if !broken.is_empty() {
            // A patch may have mended what another one broke.
            let left: HashSet<_> =
                broken_containers(document, service, copy.role).into_iter().collect();
            let broken = broken.into_iter().filter(|(fault, _)| left.contains(fault));
            errors.extend(broken.map(|(fault, patch)| fault.told(&object.id, patch)));
        }
        (errors, idle)
    }
}

/// Whether a patch says what a field is to be, or something above it.
pub(super) fn says(patch: &Patch, field: &Path) -> bool {
    let field = field.segments();
    let is_about = |pointer: &str| {
        let path = Path::from_json_pointer(pointer).unwrap_or_default();
        field.starts_with(path.segments()) || path.segments().starts_with(field)
    };
    match &patch.body {
        PatchBody::Merge(value) => merges(value, field),
        PatchBody::Json(ops) => ops.iter().any(|op| {
            op.op != JsonOpKind::Test
                && (is_about(&op.path) || op.from.as_deref().is_some_and(is_about))
        }),
    }
}

fn merges(value: &Value, field: &[Segment]) -> bool {
    match (value, field) {
        (Value::Mapping(entries), [Segment::Key(key), rest @ ..]) => {
            entries.iter().any(|(name, value)| name == key && merges(value, rest))
        }
        _ => true,
    }
}

/// Whether a patch only tests what is there.
fn is_assertion(body: &PatchBody) -> bool {
    matches!(body, PatchBody::Json(ops) if ops.iter().all(|op| op.op == JsonOpKind::Test))
}

/// Applies a patch to an object.
///
/// # Errors
///
/// When it does not fit, or gives an object twice what it can have once.
pub(crate) fn apply_patch(
    patch: &Patch,
    id: &ObjectRef,
    document: &mut Document,
) -> Result<(), Diagnostic> {
    let had = twice(id, document);
    let (place, result) = match &patch.body {
        PatchBody::Merge(value) => {
            (&patch.place, apply_merge(document, value, &KeysOf { kind: &id.kind }))
        }
        PatchBody::Json(ops) => {
            let list: Vec<JsonPatchOp> = ops.iter().map(json_patch_op).collect();
            let result = apply_json_patch(document, &list);
            let op = result.as_ref().err().and_then(|error| ops.get(error.op?));
            (op.map_or(&patch.place, |op| &op.place), result)
        }
    };
    let wrong = |error| Diagnostic::error(format!("the patch does not fit {id}: {error}"));
    result.map_err(|error| wrong(error).at(place.clone()))?;
    match twice(id, document).into_iter().find(|each| !had.contains(each)) {
        Some((what, name)) => {
            let error = Diagnostic::error(format!(
                "the patch gives {id} `{}` twice among its {what}",
                name.escape_debug()
            ));
            Err(error.at(patch.place.clone()).remedy(
                "if the baseline has it by now, such as by `promote --patches`, take the patch out of the spec",
            ))
        }
        None => Ok(()),
    }
}

/// Lists of a container whose items are told apart by a field, with what they are.
///
/// Source: kubernetes/kubernetes pkg/apis/core/validation; of variables and ports of one name the
/// API server takes all, and which of them counts is left to chance.
const OF_CONTAINERS: [(&str, &str, &str); 4] = [
    ("env", "name", "variables"),
    ("volumeMounts", "mountPath", "mounts"),
    ("volumeDevices", "devicePath", "devices"),
    ("ports", "containerPort", "ports"),
];

/// What another one beside it is told apart from by nothing: containers and volumes of a pod, what a
/// container has, ports of a Service.
///
/// Source: kubernetes/kubernetes pkg/apis/core/validation, ValidatePodSpec, ValidateService.
fn twice(id: &ObjectRef, document: &Document) -> Vec<(&'static str, String)> {
    let root = document.root();
    let mut found = Vec::new();
    let mut note = |list: Option<NodeRef<'_>>, key: &str, what: &'static str| {
        let mut known = HashSet::default();
        for item in list.into_iter().flat_map(NodeRef::items) {
            let Some(value) = item.get(key).and_then(NodeRef::text) else { continue };
            let protocol = item.get("protocol").and_then(NodeRef::text).unwrap_or("TCP");
            if !known.insert((value, protocol)) {
                found.push((what, value.to_owned()));
            }
        }
    };
    if id.is_core_service() {
        note(root.at(&["spec", "ports"]), "port", "ports");
    }
    let mut names = Vec::new();
    for template in pod_templates(root) {
        note(document.find(&template.spec.key("volumes")), "name", "volumes");
        let mut known = HashSet::default();
        for container in containers(root, &template) {
            for (list, key, what) in OF_CONTAINERS {
                note(document.find(&container.path.key(list)), key, what);
            }
            if !known.insert(container.name.clone()) {
                names.push(("containers", container.name));
            }
        }
    }
    found.extend(names);
    found
}

/// What a Service has that no other Service can have.
///
/// Source: kubernetes/api core/v1 ServiceSpec, ServicePort.
fn exclusive(document: &Document) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    let Some(spec) = document.at(&["spec"]) else { return fields };
    let mut note = |key: &'static str, node: Option<NodeRef<'_>>| {
        let texts = node
            .into_iter()
            .flat_map(|node| node.text().into_iter().chain(node.items().filter_map(NodeRef::text)));
        let real = texts.filter(|text| !matches!(*text, "" | "None" | "0" | "null" | "~"));
        fields.extend(real.map(|text| (key, text.to_owned())));
    };
    // The list begins with the one address.
    note("clusterIP", spec.get("clusterIP"));
    note("clusterIP", spec.get("clusterIPs"));
    note("loadBalancerIP", spec.get("loadBalancerIP"));
    note("externalIP", spec.get("externalIPs"));
    note("nodePort", spec.get("healthCheckNodePort"));
    for port in spec.get("ports").into_iter().flat_map(NodeRef::items) {
        note("nodePort", port.get("nodePort"));
    }
    fields
}

fn changed(patch: &Patch, what: &str) -> Diagnostic {
    Diagnostic::error(format!(
        "a patch must not change `{what}` of {}: the lane is told apart by it",
        patch.target
    ))
    .at(patch.place.clone())
    .remedy("leave it out of the patch")
}

/// What a patch must leave as it is: identity, selectors, and the labels a lane decides.
fn protected(
    document: &Document,
    service: &PlannedService<'_>,
) -> std::collections::BTreeMap<String, Value> {
    let mut values = std::collections::BTreeMap::new();
    let mut note = |path: &Path| {
        if let Some(node) = document.find(path) {
            values.insert(path.to_string(), Value::from(node));
        }
    };
    for keys in [&["apiVersion"][..], &["kind"], &["metadata", "name"], &["metadata", "namespace"]]
    {
        note(&Path::keys(keys.iter().copied()));
    }
    let root = document.root();
    let templates = pod_templates(root);
    let holders =
        std::iter::once(Path::root()).chain(templates.into_iter().map(|template| template.path));
    for holder in holders {
        let labels = holder.key("metadata").key("labels");
        service.labels.keys().for_each(|key| note(&labels.key(key.to_owned())));
        let annotations = holder.key("metadata").key("annotations");
        service.labels.annotation_keys().for_each(|key| note(&annotations.key(key.to_owned())));
    }
    // What replaces these would be lost: the lane writes values of its own.
    let labels = service.pods.template.labels();
    service.separation.replaced.keys().for_each(|key| note(&labels.key(key.to_owned())));
    for selector in selectors(root) {
        if finds_own_pods(selector.role) {
            note(&selector.path);
        }
    }
    values
}

/// A label that the lane decides and that a patch sets or removes, whether it is there or not.
fn decided_by_lane<'s>(body: &PatchBody, service: &'s PlannedService<'_>) -> Option<&'s str> {
    let mut keys = service.labels.keys();
    match body {
        PatchBody::Merge(value) => keys.find(|key| names_label(value, key, false)),
        PatchBody::Json(ops) => keys.find(|key| {
            let key = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
            ops.iter().any(|op| op.path.ends_with(&key) && op.op != JsonOpKind::Test)
        }),
    }
}

/// Whether a merge patch has a key in a mapping of labels.
fn names_label(value: &Value, key: &str, in_labels: bool) -> bool {
    match value {
        Value::Mapping(entries) => entries.iter().any(|(name, value)| {
            let labels = matches!(name.as_str(), "labels" | "matchLabels" | "selector");
            (in_labels && name == key) || names_label(value, key, labels)
        }),
        Value::Sequence(values) => values.iter().any(|value| names_label(value, key, false)),
        Value::String(..) | Value::Plain(_) => false,
    }
}

fn json_patch_op(op: &JsonOp) -> JsonPatchOp {
    let path = op.path.clone();
    let from = op.from.clone().unwrap_or_default();
    let value = op.value.clone().unwrap_or_else(Value::null);
    match op.op {
        JsonOpKind::Add => JsonPatchOp::Add { path, value },
        JsonOpKind::Remove => JsonPatchOp::Remove { path },
        JsonOpKind::Replace => JsonPatchOp::Replace { path, value },
        JsonOpKind::Move => JsonPatchOp::Move { from, path },
        JsonOpKind::Copy => JsonPatchOp::Copy { from, path },
        JsonOpKind::Test => JsonPatchOp::Test { path, value },
    }
}
