//! `cron-job-twice`: a copy of a CronJob runs beside the baseline's.

use super::pod::at_patch;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::schedules::suspended_by;
use crate::lane::Made;
use crate::yaml::NodeRef;

pub(super) const FINDING: Finding = Finding {
    code: "cron-job-twice",
    severity: Severity::Warning,
    doc: "\
A patch lets the copy of a CronJob run by its own schedule, beside the baseline's.

A copy of a CronJob is suspended, one of an AdvancedCronJob is paused. Once it is not, whatever the job does is done twice on every schedule:
mails go out, bills are written and rows are cleaned up by both versions, at the same time.

Remedy: take `suspend` or `paused` out of the patch and start a run where one is wanted, of a CronJob by
`kubectl create job --from=cronjob/NAME RUN`; or give it a schedule at which it may run too.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let id = &made.object.id;
    let Some(field) = suspended_by(id) else { return Vec::new() };
    let root = made.document.root();
    let suspended = root.at(&["spec", field]);
    if suspended.and_then(NodeRef::as_bool) == Some(true) {
        return Vec::new();
    }
    let before = made.baseline();
    let before = before.root();
    let runs = before.at(&["spec", field]).and_then(NodeRef::as_bool) != Some(true);
    let schedule = |root: NodeRef<'_>| {
        root.at(&["spec", "schedule"]).and_then(NodeRef::text).map(str::to_owned)
    };
    let times = schedule(root);
    if !runs || times != schedule(before) {
        return Vec::new();
    }
    let warning = Diagnostic::warning(format!(
        "the copy of {id} runs by the schedule of the baseline's (`{}`): all that it does is done twice",
        times.unwrap_or_default()
    ))
    .remedy(match id.kind.as_str() {
        "CronJob" => format!(
            "take `{field}` out of the patch; for one run: `kubectl create job --from=cronjob/{} RUN`",
            made.gray.id.name
        ),
        _ => format!("take `{field}` out of the patch, or give the copy a schedule of its own"),
    });
    vec![at_patch(made, warning, suspended.unwrap_or(root))]
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    fn job(more: &str) -> String {
        format!(
            "{}---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly}}
spec:
  schedule: '0 0 * * *'
  {more}
  jobTemplate: {{spec: {{template: {{spec: {{containers: [{{name: a, image: 'a:1'}}]}}}}}}}}
",
            deployment("")
        )
    }

    #[test]
    fn told_of_copies_that_run_on_the_schedule_of_the_baseline() {
        let told = |spec: &str, more: &str| {
            let patch = format!("{{target: CronJob/nightly, merge: {{spec: {{{spec}}}}}}}");
            let service = format!("copy: [CronJob/nightly]\n      patches: [{patch}]");
            told("cron-job-twice", &service, &job(more))
        };
        let found = told("suspend: false", "");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("graylane.yaml:12:18: "), "{found:?}");
        assert!(found[0].contains("`0 0 * * *`"), "{found:?}");
        assert_eq!(told("suspend: null", "").len(), 1);
        assert_eq!(told("suspend: false", "suspend: false").len(), 1);
        assert_eq!(told("concurrencyPolicy: Forbid", "").len(), 0, "it is suspended");
        assert_eq!(told("suspend: false", "suspend: true").len(), 0, "the baseline's does not run");
        assert_eq!(told("suspend: false, schedule: '0 5 * * *'", "").len(), 0);
    }
}
