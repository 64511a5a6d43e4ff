//! `immutable-changed`: a gray object has another value in a field that cannot be changed.

use super::delivered::Delivered;
use super::{Check, Finding};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::yaml::{NodeRef, Source, parse};

pub(super) const FINDING: Finding = Finding {
    code: "immutable-changed",
    severity: Severity::Warning,
    doc: "\
A gray object differs from the overlay of the last commit in a field that cannot be changed.

The API server refuses such a change once the object exists: the contents of a ConfigMap or Secret
with `immutable: true`, the volume claim templates of a StatefulSet, the pod template of a Job, the
role of a binding. The delivery tool fails to apply the new manifest, and what comes after it in the
lane waits.

Remedy: remove the lane and let that be applied, then generate it again: `graylane cleanup --commit`,
then `graylane generate --commit`; or give the lane another tag.",
    is_fixed: false,
    check: Check::Delivery(check),
};

/// When the fields of a row cannot be changed.
#[derive(Clone, Copy, PartialEq)]
enum Fixed {
    Always,
    /// Where the object that exists says `immutable: true`.
    Marked,
}

/// Fields that cannot be changed.
struct Row {
    group: &'static str,
    kind: &'static str,
    fixed: Fixed,
    fields: &'static [&'static [&'static str]],
    /// Where this is documented.
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who check the table"))]
    source: &'static str,
}

/// Selectors have a finding of their own.
#[rustfmt::skip]
const IMMUTABLE: &[Row] = &[
    Row { group: "", kind: "ConfigMap", fixed: Fixed::Marked, fields: &[&["data"], &["binaryData"], &["immutable"]],
        source: "kubernetes/kubernetes pkg/apis/core/validation, ValidateConfigMapUpdate" },
    Row { group: "", kind: "Secret", fixed: Fixed::Marked, fields: &[&["data"], &["stringData"], &["immutable"]],
        source: "kubernetes/kubernetes pkg/apis/core/validation, ValidateSecretUpdate" },
    Row { group: "", kind: "Secret", fixed: Fixed::Always, fields: &[&["type"]],
        source: "kubernetes/kubernetes pkg/apis/core/validation, ValidateSecretUpdate" },
    Row { group: "", kind: "PersistentVolumeClaim", fixed: Fixed::Always,
        fields: &[&["spec", "accessModes"], &["spec", "selector"], &["spec", "storageClassName"], &["spec", "volumeMode"], &["spec", "dataSource"]],
        source: "kubernetes/kubernetes pkg/apis/core/validation, ValidatePersistentVolumeClaimUpdate" },
    Row { group: "apps", kind: "StatefulSet", fixed: Fixed::Always,
        fields: &[&["spec", "serviceName"], &["spec", "podManagementPolicy"], &["spec", "volumeClaimTemplates"]],
        source: "kubernetes/kubernetes pkg/apis/apps/validation, ValidateStatefulSetUpdate" },
    Row { group: "batch", kind: "Job", fixed: Fixed::Always, fields: &[&["spec", "template"], &["spec", "completionMode"]],
        source: "kubernetes/kubernetes pkg/apis/batch/validation, ValidateJobSpecUpdate" },
    Row { group: "rbac.authorization.k8s.io", kind: "RoleBinding", fixed: Fixed::Always, fields: &[&["roleRef"]],
        source: "kubernetes/kubernetes pkg/apis/rbac/validation, ValidateRoleBindingUpdate" },
    Row { group: "rbac.authorization.k8s.io", kind: "ClusterRoleBinding", fixed: Fixed::Always, fields: &[&["roleRef"]],
        source: "kubernetes/kubernetes pkg/apis/rbac/validation, ValidateClusterRoleBindingUpdate" },
];

fn rows(id: &ObjectRef) -> impl Iterator<Item = &'static Row> {
    let is_of = |row: &&Row| (row.group, row.kind) == (id.group.as_str(), id.kind.as_str());
    IMMUTABLE.iter().filter(is_of)
}

/// Whether an object has fields that cannot be changed once it exists, besides its selector.
pub(crate) fn has_immutable_fields(id: &ObjectRef) -> bool {
    rows(id).next().is_some()
}

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let objects = delivered.lane.objects.iter().filter(|gray| has_immutable_fields(&gray.id));
    let changed = objects.filter_map(|gray| {
        let text = delivered.surroundings.committed.get(&gray.id)?;
        let stream = parse(Source::new(gray.id.to_string(), text.clone())).ok()?;
        let (old, new) = (stream.documents.first()?, gray.document()?);
        let changed = changed(&gray.id, old.root(), new.root());
        if changed.is_empty() {
            return None;
        }
        let warning = Diagnostic::warning(format!(
            "{} of {} {} not as in the overlay of the last commit: that cannot be changed, so it cannot be applied",
            changed.join(" and "),
            gray.id,
            if changed.len() > 1 { "are" } else { "is" },
        ));
        let place = gray.baseline().and_then(|id| delivered.baseline.get(id)).and_then(Object::place);
        let remedy = "remove the lane first and let that be applied: `graylane cleanup --commit`; then `graylane generate --commit`; or use another tag";
        Some(warning.at(place).remedy(remedy))
    });
    changed.collect()
}

/// The fields that cannot be changed and were.
fn changed(id: &ObjectRef, old: NodeRef<'_>, new: NodeRef<'_>) -> Vec<String> {
    let is_marked = old.get("immutable").and_then(NodeRef::as_bool) == Some(true);
    let rows = rows(id).filter(|row| row.fixed == Fixed::Always || is_marked);
    let value = |root: NodeRef<'_>, field: &[&str]| root.at(field).map(NodeRef::to_json);
    let fields = rows.flat_map(|row| row.fields);
    let fields = fields.filter(|field| value(old, field) != value(new, field));
    fields.map(|field| format!("`{}`", field.join("."))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(kind: (&str, &str), old: &str, new: &str) -> Vec<String> {
        let parsed =
            |text: &str| parse(Source::new("a.yaml", text.to_owned())).unwrap().documents.remove(0);
        let (old, new) = (parsed(old), parsed(new));
        changed(&ObjectRef::new(kind.0, kind.1, "shop", "a"), old.root(), new.root())
    }

    #[test]
    fn contents_are_fixed_where_the_object_says_so() {
        let kind = ("", "ConfigMap");
        let marked = "immutable: true\ndata: {a: '1'}\n";
        assert_eq!(changes(kind, marked, "immutable: true\ndata: {a: '2'}\n"), ["`data`"]);
        assert_eq!(changes(kind, marked, "data: {a: '1'}\n"), ["`immutable`"]);
        assert!(changes(kind, marked, "data: {a: \"1\"}\nimmutable: true\n").is_empty());
        assert!(changes(kind, "data: {a: '1'}\n", "data: {a: '2'}\n").is_empty());
        assert!(changes(kind, "data: {a: '1'}\n", "immutable: true\ndata: {a: '2'}\n").is_empty());
        assert_eq!(changes(("", "Secret"), "type: Opaque\n", "type: a/b\n"), ["`type`"]);
    }

    #[test]
    fn a_stateful_set_may_change_what_its_pods_are() {
        let kind = ("apps", "StatefulSet");
        let claims = |size: &str| {
            format!(
                "spec:\n  serviceName: a\n  template: {{x: {size}}}\n  volumeClaimTemplates:\n  - spec: {{resources: {{requests: {{storage: {size}}}}}}}\n"
            )
        };
        assert_eq!(changes(kind, &claims("1Gi"), &claims("2Gi")), ["`spec.volumeClaimTemplates`"]);
        let template = claims("1Gi").replace("{x: 1Gi}", "{x: 2Gi}");
        assert!(changes(kind, &claims("1Gi"), &template).is_empty());
        assert!(
            changes(("apps.kruise.io", "StatefulSet"), &claims("1Gi"), &claims("2Gi")).is_empty()
        );
    }

    #[test]
    fn each_row_has_a_source() {
        assert!(IMMUTABLE.iter().all(|row| row.source.starts_with("kubernetes/kubernetes pkg/")));
    }
}
