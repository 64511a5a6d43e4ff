//! Fields that the API server does not let change once an object exists, besides selectors.

use serde_json::{Map, Value as Json};

use super::object::ObjectRef;
use crate::yaml::NodeRef;

/// When the fields of a row cannot be changed.
#[derive(Clone, Copy, PartialEq)]
enum Fixed {
    Always,
    /// Where the object that exists says `immutable: true`.
    Marked,
}

/// What makes two values of a field the same to the API server, besides being alike.
#[derive(Clone, Copy)]
enum Same {
    /// Nothing.
    Alike,
    /// Absent is this value.
    Default(&'static str),
    /// Absent is an empty mapping.
    Empty,
    /// The role of a binding, whose group may be left out.
    Role,
    /// Claims, whose volume mode may be left out and whose sizes are quantities.
    Claims,
    /// The contents of a Secret, in `data` and `stringData`.
    Contents,
    /// Whether a Service has an address: absent is that it has one, and one of `ExternalName` may get
    /// one or lose it.
    Headless,
    /// Completions of a Job: one by default where no parallelism is given; an indexed Job may be
    /// scaled by both together.
    Completions,
}

use Same::{Alike, Claims, Completions, Contents, Default, Empty, Headless, Role};

struct Row {
    group: &'static str,
    kind: &'static str,
    fixed: Fixed,
    fields: &'static [(&'static str, Same)],
    /// Where this is documented.
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who check the table"))]
    source: &'static str,
}

/// Defaults are those of kubernetes/kubernetes pkg/apis/*/*/defaults.go.
#[rustfmt::skip]
const IMMUTABLE: &[Row] = &[
    Row { group: "", kind: "ConfigMap", fixed: Fixed::Marked, fields: &[("data", Empty), ("binaryData", Empty), ("immutable", Alike)],
        source: "kubernetes/kubernetes pkg/apis/core/validation, ValidateConfigMapUpdate" },
    Row { group: "", kind: "Secret", fixed: Fixed::Marked, fields: &[("data", Contents), ("immutable", Alike)],
        source: "kubernetes/kubernetes pkg/apis/core/validation, ValidateSecretUpdate" },
    Row { group: "", kind: "Secret", fixed: Fixed::Always, fields: &[("type", Default("Opaque"))],
        source: "kubernetes/kubernetes pkg/apis/core/validation, ValidateSecretUpdate" },
    Row { group: "", kind: "Service", fixed: Fixed::Always, fields: &[("spec.clusterIP", Headless)],
        source: "kubernetes/kubernetes pkg/apis/core/validation, ValidateServiceUpdate (upgradeServiceClusterIPs, ValidateServiceClusterIPsRelatedFields)" },
    Row { group: "", kind: "PersistentVolumeClaim", fixed: Fixed::Always,
        fields: &[("spec.accessModes", Alike), ("spec.selector", Empty), ("spec.storageClassName", Alike), ("spec.volumeMode", Default("Filesystem")), ("spec.dataSource", Alike), ("spec.dataSourceRef", Alike)],
        source: "kubernetes/kubernetes pkg/apis/core/validation, ValidatePersistentVolumeClaimUpdate" },
    Row { group: "apps", kind: "StatefulSet", fixed: Fixed::Always,
        fields: &[("spec.serviceName", Alike), ("spec.podManagementPolicy", Default("OrderedReady")), ("spec.volumeClaimTemplates", Claims)],
        source: "kubernetes/kubernetes pkg/apis/apps/validation, ValidateStatefulSetUpdate" },
    Row { group: "apps.kruise.io", kind: "StatefulSet", fixed: Fixed::Always,
        fields: &[("spec.serviceName", Alike), ("spec.podManagementPolicy", Default("OrderedReady"))],
        source: "openkruise/kruise pkg/webhook/statefulset/validating, ValidateStatefulSetUpdate (volumeClaimTemplates may change)" },
    Row { group: "policy.kruise.io", kind: "PodUnavailableBudget", fixed: Fixed::Always, fields: &[("spec.selector", Alike), ("spec.targetRef", Alike)],
        source: "openkruise/kruise pkg/webhook/podunavailablebudget/validating, validateUpdatePubConflict" },
    Row { group: "batch", kind: "Job", fixed: Fixed::Always,
        fields: &[("spec.template", Alike), ("spec.completions", Completions), ("spec.completionMode", Default("NonIndexed")), ("spec.podFailurePolicy", Alike),
            ("spec.backoffLimitPerIndex", Alike), ("spec.managedBy", Alike), ("spec.successPolicy", Alike)],
        source: "kubernetes/kubernetes pkg/apis/batch/validation, ValidateJobSpecUpdate" },
    Row { group: "rbac.authorization.k8s.io", kind: "RoleBinding", fixed: Fixed::Always, fields: &[("roleRef", Role)],
        source: "kubernetes/kubernetes pkg/apis/rbac/validation, ValidateRoleBindingUpdate" },
    Row { group: "rbac.authorization.k8s.io", kind: "ClusterRoleBinding", fixed: Fixed::Always, fields: &[("roleRef", Role)],
        source: "kubernetes/kubernetes pkg/apis/rbac/validation, ValidateClusterRoleBindingUpdate" },
];

fn rows(id: &ObjectRef) -> impl Iterator<Item = &'static Row> {
    let is_of = |row: &&Row| (row.group, row.kind) == (id.group.as_str(), id.kind.as_str());
    IMMUTABLE.iter().filter(is_of)
}

/// Whether an object has fields that cannot be changed once it exists, besides its selector.
pub fn has_immutable_fields(id: &ObjectRef) -> bool {
    rows(id).next().is_some()
}

/// The fields of an object that cannot be changed and would be, as dotted paths.
pub fn changed_fields(id: &ObjectRef, old: NodeRef<'_>, new: NodeRef<'_>) -> Vec<&'static str> {
    let is_marked = old.get("immutable").and_then(NodeRef::as_bool) == Some(true);
    let rows = rows(id).filter(|row| row.fixed == Fixed::Always || is_marked);
    let fields = rows.flat_map(|row| row.fields);
    let differing = fields.filter(|(field, same)| !same.holds(old, new, field));
    differing.map(|(field, _)| *field).collect()
}

impl Same {
    fn holds(self, old: NodeRef<'_>, new: NodeRef<'_>, field: &str) -> bool {
        let keys: Vec<&str> = field.split('.').collect();
        let value = |root: NodeRef<'_>| root.at(&keys).map_or(Json::Null, NodeRef::to_json);
        match self {
            Alike => value(old) == value(new),
            Default(default) => {
                let or_default = |value: Json| if value.is_null() { default.into() } else { value };
                or_default(value(old)) == or_default(value(new))
            }
            Empty => {
                let is_empty = |value: &Json| value.as_object().is_none_or(Map::is_empty);
                let (old, new) = (value(old), value(new));
                old == new || is_empty(&old) && is_empty(&new)
            }
            Role => {
                let with_group = |mut value: Json| {
                    if let Some(role) = value.as_object_mut()
                        && role.get("apiGroup").is_none_or(|group| group == "")
                    {
                        role.insert("apiGroup".to_owned(), "rbac.authorization.k8s.io".into());
                    }
                    value
                };
                with_group(value(old)) == with_group(value(new))
            }
            Claims => claims(value(old)) == claims(value(new)),
            Contents => has_same_contents(old, new),
            Headless => {
                let text = |root: NodeRef<'_>, key| {
                    root.at(&["spec", key]).and_then(NodeRef::text).map(str::to_owned)
                };
                let is_external = |root| text(root, "type").as_deref() == Some("ExternalName");
                let is_headless = |root| text(root, "clusterIP").as_deref() == Some("None");
                is_external(old) || is_external(new) || is_headless(old) == is_headless(new)
            }
            Completions => {
                let of = |root: NodeRef<'_>, key| root.at(&["spec", key]).map(NodeRef::to_json);
                let completions = |root| match (of(root, "completions"), of(root, "parallelism")) {
                    (None, None) => Some(1.into()),
                    (completions, _) => completions,
                };
                let is_indexed = of(new, "completionMode") == Some("Indexed".into());
                completions(old) == completions(new)
                    || is_indexed && of(new, "completions") == of(new, "parallelism")
            }
        }
    }
}

/// Claim templates with what the API server writes into them where it is left out.
fn claims(mut all: Json) -> Json {
    for claim in all.as_array_mut().into_iter().flatten() {
        let Some(claim) = claim.as_object_mut() else { continue };
        if let Some(metadata) = claim.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.retain(|_, value| !value.is_null());
        }
        claim.retain(|_, value| value.as_object().is_none_or(|fields| !fields.is_empty()));
        claim.remove("apiVersion");
        claim.remove("kind");
        claim.remove("status");
        let Some(spec) = claim.get_mut("spec").and_then(Json::as_object_mut) else { continue };
        spec.entry("volumeMode").or_insert("Filesystem".into());
        for list in ["requests", "limits"] {
            let sizes = spec.get_mut("resources").and_then(|resources| resources.get_mut(list));
            for (_, size) in sizes.and_then(Json::as_object_mut).into_iter().flatten() {
                let number = match &*size {
                    Json::String(text) => quantity(text),
                    other => other.as_f64(),
                };
                if let Some(number) = number {
                    *size = number.into();
                }
            }
        }
    }
    all
}

/// The number that a quantity means; `None` where it is none.
///
/// Source: kubernetes/apimachinery pkg/api/resource (Quantity).
fn quantity(text: &str) -> Option<f64> {
    let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-');
    let end = text.find(|c| !is_of_number(c)).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let scale: f64 = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        // An exponent.
        _ => return text.parse().ok(),
    };
    Some(number.parse::<f64>().ok()? * scale)
}

/// Whether two Secrets hold the same. A key that is text in one and encoded in the other may have
/// the same value, so it counts as if it had.
fn has_same_contents(old: NodeRef<'_>, new: NodeRef<'_>) -> bool {
    let of = |root: NodeRef<'_>| {
        let mut all = Map::new();
        for (number, form) in ["data", "stringData"].into_iter().enumerate() {
            let entries = root.get(form).into_iter().flat_map(NodeRef::entries);
            // Text takes precedence.
            all.extend(entries.map(|(key, value)| {
                (key.to_owned(), Json::from(vec![number.into(), value.to_json()]))
            }));
        }
        all
    };
    let (old, new) = (of(old), of(new));
    old.len() == new.len()
        && old.iter().all(|(key, value)| {
            new.get(key).is_some_and(|other| other == value || other[0] != value[0])
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn changes(kind: (&str, &str), old: &str, new: &str) -> Vec<&'static str> {
        let parsed =
            |text: &str| parse(Source::new("a.yaml", text.to_owned())).unwrap().documents.remove(0);
        let (old, new) = (parsed(old), parsed(new));
        changed_fields(&ObjectRef::new(kind.0, kind.1, "shop", "a"), old.root(), new.root())
    }

    #[test]
    fn contents_are_fixed_where_the_object_says_so() {
        let kind = ("", "ConfigMap");
        let marked = "immutable: true\ndata: {a: '1'}\n";
        assert_eq!(changes(kind, marked, "immutable: true\ndata: {a: '2'}\n"), ["data"]);
        assert_eq!(changes(kind, marked, "data: {a: '1'}\n"), ["immutable"]);
        assert!(changes(kind, marked, "data: {a: \"1\"}\nimmutable: true\n").is_empty());
        assert!(changes(kind, marked, &format!("{marked}binaryData: {{}}\n")).is_empty());
        assert!(changes(kind, "data: {a: '1'}\n", "data: {a: '2'}\n").is_empty());
        assert!(changes(kind, "data: {a: '1'}\n", "immutable: true\ndata: {a: '2'}\n").is_empty());
    }

    #[test]
    fn secrets_hold_the_same_in_either_form() {
        let kind = ("", "Secret");
        assert_eq!(changes(kind, "type: Opaque\n", "type: a/b\n"), ["type"]);
        assert!(changes(kind, "data: {}\n", "type: Opaque\n").is_empty());
        let of = |contents: &str| format!("immutable: true\n{contents}\n");
        let old = of("stringData: {a: x}");
        assert!(changes(kind, &old, &of("data: {a: eA==}")).is_empty());
        assert_eq!(changes(kind, &old, &of("stringData: {a: y}")), ["data"]);
        assert_eq!(changes(kind, &old, &of("stringData: {a: x, b: y}")), ["data"]);
        assert_eq!(changes(kind, &old, &of("stringData: {b: x}")), ["data"]);
    }

    #[test]
    fn a_stateful_set_may_change_what_its_pods_are() {
        let kind = ("apps", "StatefulSet");
        let claims = |size: &str| {
            format!(
                "spec:\n  serviceName: a\n  template: {{x: {size}}}\n  volumeClaimTemplates:\n  - spec: {{resources: {{requests: {{storage: {size}}}}}}}\n"
            )
        };
        let one = claims("1Gi");
        assert_eq!(changes(kind, &one, &claims("2Gi")), ["spec.volumeClaimTemplates"]);
        let template = one.replace("{x: 1Gi}", "{x: 2Gi}");
        assert!(changes(kind, &one, &template).is_empty());
        let kruise = ("apps.kruise.io", "StatefulSet");
        assert!(changes(kruise, &one, &claims("2Gi")).is_empty());
        let other = one.replace("serviceName: a", "serviceName: b");
        assert_eq!(changes(kruise, &one, &other), ["spec.serviceName"]);
        for same in [
            claims("1024Mi"),
            claims("1073741824"),
            one.replace("serviceName: a", "serviceName: a\n  podManagementPolicy: OrderedReady"),
            one.replace("- spec: {", "- metadata: {creationTimestamp: null}\n    spec: {"),
            one.replace("- spec: {", "- apiVersion: v1\n    kind: PersistentVolumeClaim\n    spec: {volumeMode: Filesystem, "),
        ] {
            assert!(changes(kind, &one, &same).is_empty(), "{same}");
        }
    }

    #[test]
    fn a_job_does_what_it_was_made_for() {
        let kind = ("batch", "Job");
        let of = |spec: &str| format!("spec: {{{spec}}}\n");
        let (one, five) = (of("completions: 1"), of("completions: 5"));
        assert_eq!(changes(kind, &one, &five), ["spec.completions"]);
        assert!(changes(kind, &of(""), &one).is_empty());
        assert_eq!(
            changes(kind, &of("parallelism: 1"), &of("parallelism: 1, completions: 1")),
            ["spec.completions"]
        );
        let indexed = |count: u8| {
            of(&format!("completionMode: Indexed, completions: {count}, parallelism: {count}"))
        };
        assert!(changes(kind, &indexed(1), &indexed(5)).is_empty());
        assert_eq!(
            changes(kind, &one, &of("completions: 1, backoffLimitPerIndex: 1")),
            ["spec.backoffLimitPerIndex"]
        );
    }

    #[test]
    fn a_service_keeps_its_address_or_goes_without() {
        let kind = ("", "Service");
        let of = |spec: &str| format!("spec: {{{spec}}}\n");
        let (headless, with) = (of("clusterIP: None"), of("ports: []"));
        assert_eq!(changes(kind, &with, &headless), ["spec.clusterIP"]);
        assert_eq!(changes(kind, &headless, &with), ["spec.clusterIP"]);
        assert!(changes(kind, &headless, &of("clusterIP: None, ports: []")).is_empty());
        assert!(changes(kind, &with, &of("clusterIP: 10.0.0.1")).is_empty());
        assert!(changes(kind, &of("type: ExternalName"), &headless).is_empty());
    }

    #[test]
    fn a_binding_keeps_its_role() {
        let kind = ("rbac.authorization.k8s.io", "RoleBinding");
        let of = |role: &str| format!("roleRef: {{{role}}}\n");
        let old = of("kind: Role, name: web");
        let full = of("kind: Role, name: web, apiGroup: rbac.authorization.k8s.io");
        assert!(changes(kind, &old, &full).is_empty());
        assert_eq!(changes(kind, &old, &of("kind: Role, name: other")), ["roleRef"]);
    }

    #[test]
    fn each_row_has_a_source() {
        assert!(IMMUTABLE.iter().all(|row| row.source.contains(" pkg/")));
    }
}
