//! `immutable-changed`: a gray object has another value in a field that cannot be changed.

use super::delivered::Delivered;
use super::selector_changed::anew;
use super::{Check, Finding};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::immutable::{changed_fields, has_immutable_fields};
use crate::yaml::{Source, parse};

pub(super) const FINDING: Finding = Finding {
    code: "immutable-changed",
    severity: Severity::Warning,
    doc: "\
A gray object differs from the overlay of the last commit in a field that cannot be changed.

The API server refuses such a change once the object exists: the contents of a ConfigMap or Secret
with `immutable: true`, the volume claim templates of a StatefulSet, the pod template of a Job, the
role of a binding, the address of a Service. The delivery tool fails to apply the new manifest, and
what comes after it in the lane waits. Only a Service that shall get an address stays without one and
nobody says so.

Remedy: remove the lane and let that be applied, then generate it again: `graylane cleanup --commit`,
then `graylane generate --commit`; or give the lane another tag.",
    is_fixed: false,
    check: Check::Delivery(check),
};

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let objects = delivered.lane.objects.iter().filter(|gray| has_immutable_fields(&gray.id));
    let changed = objects.filter_map(|gray| {
        let text = delivered.surroundings.committed.get(&gray.id)?;
        let stream = parse(Source::new(gray.id.to_string(), text.clone())).ok()?;
        let (old, new) = (stream.documents.first()?, gray.document()?);
        let changed = changed_fields(&gray.id, old.root(), new.root());
        if changed.is_empty() {
            return None;
        }
        let warning = Diagnostic::warning(format!(
            "{} of {} {} not as in the overlay of the last commit: that cannot be changed, so it does not take effect",
            changed.iter().map(|field| format!("`{field}`")).collect::<Vec<String>>().join(" and "),
            gray.id,
            if changed.len() > 1 { "are" } else { "is" },
        ));
        let place = gray.baseline().and_then(|id| delivered.baseline.get(id)).and_then(Object::place);
        Some(warning.at(place).remedy(anew(delivered.release)))
    });
    changed.collect()
}
