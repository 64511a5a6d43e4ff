//! The keys by which strategic merge patches join the elements of lists.
//!
//! Source: the `patchMergeKey` tags of the Go types in kubernetes/api, by type name in each row.
//! Lists without a row are atomic: a patch replaces them.

/// A row of [`MERGE_KEYS`]: the list, told by the last field names of its path, and the key of its
/// elements.
#[derive(Clone, Copy, Debug)]
pub struct MergeKey {
    /// The only kind the row is about; any where empty.
    pub kind: &'static str,
    /// The end of the path, field by field.
    pub path: &'static [&'static str],
    /// The field that tells one element from another.
    pub key: &'static str,
    /// The Go type.
    pub source: &'static str,
}

const fn any(path: &'static [&'static str], key: &'static str, source: &'static str) -> MergeKey {
    MergeKey { kind: "", path, key, source }
}

const fn only(
    kind: &'static str,
    path: &'static [&'static str],
    key: &'static str,
    source: &'static str,
) -> MergeKey {
    MergeKey { kind, path, key, source }
}

/// The lists that patches join.
pub const MERGE_KEYS: &[MergeKey] = &[
    any(&["spec", "containers"], "name", "core/v1 PodSpec"),
    any(&["spec", "initContainers"], "name", "core/v1 PodSpec"),
    any(&["spec", "ephemeralContainers"], "name", "core/v1 PodSpec"),
    any(&["spec", "volumes"], "name", "core/v1 PodSpec"),
    any(&["spec", "imagePullSecrets"], "name", "core/v1 PodSpec"),
    any(&["spec", "hostAliases"], "ip", "core/v1 PodSpec"),
    any(&["spec", "topologySpreadConstraints"], "topologyKey", "core/v1 PodSpec"),
    any(&["spec", "schedulingGates"], "name", "core/v1 PodSpec"),
    any(&["spec", "resourceClaims"], "name", "core/v1 PodSpec"),
    any(&["containers", "env"], "name", "core/v1 Container"),
    any(&["initContainers", "env"], "name", "core/v1 Container"),
    any(&["ephemeralContainers", "env"], "name", "core/v1 EphemeralContainerCommon"),
    any(&["containers", "ports"], "containerPort", "core/v1 Container"),
    any(&["initContainers", "ports"], "containerPort", "core/v1 Container"),
    any(&["ephemeralContainers", "ports"], "containerPort", "core/v1 EphemeralContainerCommon"),
    any(&["containers", "volumeMounts"], "mountPath", "core/v1 Container"),
    any(&["initContainers", "volumeMounts"], "mountPath", "core/v1 Container"),
    any(&["ephemeralContainers", "volumeMounts"], "mountPath", "core/v1 EphemeralContainerCommon"),
    any(&["containers", "volumeDevices"], "devicePath", "core/v1 Container"),
    any(&["initContainers", "volumeDevices"], "devicePath", "core/v1 Container"),
    any(
        &["ephemeralContainers", "volumeDevices"],
        "devicePath",
        "core/v1 EphemeralContainerCommon",
    ),
    any(&["metadata", "ownerReferences"], "uid", "meta/v1 ObjectMeta"),
    only("Service", &["spec", "ports"], "port", "core/v1 ServiceSpec"),
    only("ServiceAccount", &["secrets"], "name", "core/v1 ServiceAccount"),
    only(
        "ValidatingWebhookConfiguration",
        &["webhooks"],
        "name",
        "admissionregistration/v1 ValidatingWebhookConfiguration",
    ),
    only(
        "MutatingWebhookConfiguration",
        &["webhooks"],
        "name",
        "admissionregistration/v1 MutatingWebhookConfiguration",
    ),
    only(
        "ValidatingWebhookConfiguration",
        &["webhooks", "matchConditions"],
        "name",
        "admissionregistration/v1 ValidatingWebhook",
    ),
    only(
        "MutatingWebhookConfiguration",
        &["webhooks", "matchConditions"],
        "name",
        "admissionregistration/v1 MutatingWebhook",
    ),
];

/// The key by which a patch joins the elements of a list of an object of a kind; `None` for a list
/// that a patch replaces. The path is the field names from the object's root to the list, without
/// indices.
pub fn merge_key(path: &[&str], kind: &str) -> Option<&'static str> {
    MERGE_KEYS
        .iter()
        .find(|row| (row.kind.is_empty() || row.kind == kind) && path.ends_with(row.path))
        .map(|row| row.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn key_of(path: &str, kind: &str) -> Option<&'static str> {
        merge_key(&path.split('.').collect::<Vec<_>>(), kind)
    }

    #[test]
    fn rows_are_unique_and_have_a_source() {
        let mut seen = HashSet::new();
        for row in MERGE_KEYS {
            assert!(seen.insert((row.kind, row.path)), "{:?}", row.path);
            assert!(!row.source.is_empty() && !row.key.is_empty());
        }
    }

    #[test]
    fn lists_of_pod_specs_wherever_they_are() {
        for (path, kind, expected) in [
            ("spec.template.spec.containers", "Deployment", Some("name")),
            ("spec.containers", "Pod", Some("name")),
            ("spec.jobTemplate.spec.template.spec.initContainers", "CronJob", Some("name")),
            ("spec.template.spec.containers.env", "Deployment", Some("name")),
            ("spec.template.spec.containers.ports", "CloneSet", Some("containerPort")),
            ("spec.template.spec.containers.volumeMounts", "Deployment", Some("mountPath")),
            ("spec.template.spec.hostAliases", "Deployment", Some("ip")),
            ("spec.ports", "Service", Some("port")),
            ("webhooks", "MutatingWebhookConfiguration", Some("name")),
        ] {
            assert_eq!(key_of(path, kind), expected, "{path}");
        }
    }

    #[test]
    fn other_lists_are_replaced() {
        for (path, kind) in [
            ("spec.template.spec.tolerations", "Deployment"),
            ("spec.template.spec.containers.args", "Deployment"),
            ("spec.template.spec.containers.envFrom", "Deployment"),
            ("spec.template.spec.volumes.projected.sources", "Deployment"),
            ("spec.rules", "Ingress"),
            ("spec.ports", "Thing"),
            ("imagePullSecrets", "ServiceAccount"),
            ("", "Deployment"),
        ] {
            assert_eq!(key_of(path, kind), None, "{path}");
        }
    }
}
