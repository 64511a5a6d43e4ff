//! What runs on a schedule, and the field that keeps it from doing so.

use super::object::ObjectRef;

/// Sources: kubernetes/api batch/v1 CronJobSpec.suspend; openkruise/kruise apis/apps/v1alpha1
/// AdvancedCronJobSpec.paused.
const SCHEDULED: &[(&str, &str, &str)] =
    &[("batch", "CronJob", "suspend"), ("apps.kruise.io", "AdvancedCronJob", "paused")];

/// The field of `spec` that suspends an object which runs on a schedule; `None` for other kinds.
pub fn suspended_by(id: &ObjectRef) -> Option<&'static str> {
    let row = SCHEDULED.iter().find(|row| (row.0, row.1) == (&*id.group, &*id.kind));
    row.map(|row| row.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_field() {
        let of = |group, kind| suspended_by(&ObjectRef::new(group, kind, "shop", "a"));
        assert_eq!(of("batch", "CronJob"), Some("suspend"));
        assert_eq!(of("apps.kruise.io", "AdvancedCronJob"), Some("paused"));
        assert_eq!(of("batch", "Job"), None);
    }
}
