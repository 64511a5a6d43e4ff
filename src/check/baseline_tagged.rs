//! `baseline-tagged`: pods of the baseline carry the tag of another lane.

use super::baseline_in_lane::marks;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;

pub(super) const FINDING: Finding = Finding {
    code: "baseline-tagged",
    severity: Severity::Warning,
    doc: "\
Pods of the baseline carry a governance tag, though not the lane's.

The baseline is what carries no tag, or `base`. Pods with another tag are instances of a lane of that
name: requests without a tag, and those of this lane that fall back to the baseline, are not meant for
them. A label `opensergo.io/canary-<tag>` does the same for the subsets of MSE gateways.

Remedy: take the tag out of the baseline's pods; or, if they are a gray copy written by hand, make the
copy from the workload that they are a copy of.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    if made.gray.pods.is_empty() {
        return Vec::new();
    }
    let baseline = made.baseline();
    let mut others = marks(made, baseline).into_iter().filter(|mark| !mark.is_of_lane(made));
    let told = others.next().map(|mark| {
        let warning = Diagnostic::warning(format!(
            "the pods of {} are in a lane `{}` by `{}`: requests that fall back to the baseline are not meant for them",
            made.object.id, mark.tag, mark.key
        ));
        warning.at(mark.node.place()).remedy(format!("take `{}` out of the baseline", mark.key))
    });
    told.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_baselines_with_a_tag() {
        let of = |label: &str| {
            let labels = format!("labels: {{app: web, {label}}}");
            told("baseline-tagged", "", &deployment("").replace("labels: {app: web}", &labels))
        };
        assert_eq!(
            of("alicloud.service.tag: blue"),
            [
                "deploy/all.yaml:7:35: the pods of Deployment/web are in a lane `blue` by `alicloud.service.tag`: requests that fall back to the baseline are not meant for them"
            ]
        );
        assert_eq!(of("opensergo.io/canary-blue: blue").len(), 1);
        for label in [
            "alicloud.service.tag: base",
            "alicloud.service.tag: ''",
            "opensergo.io/canary: ''",
            "version: blue",
        ] {
            assert!(of(label).is_empty(), "{label}");
        }
        // That is worse, and told as such.
        assert!(of("alicloud.service.tag: gray").is_empty());
    }
}
