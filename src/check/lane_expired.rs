//! `lane-expired`: the lane should be gone by now.

use super::delivered::Delivered;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::surroundings::Standing;

pub(super) const FINDING: Finding = Finding {
    code: "lane-expired",
    severity: Severity::Warning,
    doc: "\
The lane should be gone by now: the time that `expires` says has passed.

A lane that nobody needs any more still takes requests, falls behind the baseline and holds its share
of the cluster.

Remedy: `graylane cleanup --commit`, or a later `expires`.",
    is_fixed: false,
    check: Check::Delivery(check),
};

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let around = delivered.surroundings;
    let expiry = delivered.release.expires.as_ref();
    let Some(expiry) = expiry.filter(|expiry| expiry.is_past(around.now)) else {
        return Vec::new();
    };
    if around.standing == Some(Standing::Offline) {
        return Vec::new();
    }
    let release = delivered.release;
    let warning =
        Diagnostic::warning(format!("the lane `{}` has expired ({expiry})", release.name));
    let remedy = match around.standing {
        Some(Standing::Absent) => format!("remove {}, or set a later `expires`", release.file),
        _ => format!(
            "`{} --commit` removes it; or set a later `expires`",
            release.command("cleanup")
        ),
    };
    vec![warning.at(expiry.place.clone()).remedy(remedy)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Baseline;
    use crate::check::fixture::{deployment, lane, spec, told_around};

    #[test]
    fn told_once_the_time_has_passed() {
        let told = |expires: &str, standing: Option<Standing>| {
            let spec =
                spec("").replace("  tag: gray\n", &format!("  tag: gray\n  expires: {expires}\n"));
            let release = lane(&spec, &deployment(""));
            let mut told = Vec::new();
            told_around("lane-expired", "", &[], |around, _| {
                around.standing = standing;
                told = check(&Delivered {
                    release: &release.spec.release,
                    lane: &release.lane,
                    baseline: &Baseline::default(),
                    surroundings: around,
                });
            });
            told.into_iter().map(|warning| warning.remedy.unwrap_or_default()).collect::<Vec<_>>()
        };
        let by_cleanup =
            "`graylane cleanup graylane.yaml --commit` removes it; or set a later `expires`";
        assert_eq!(told("2026-05-30", Some(Standing::Drained)), [by_cleanup]);
        let by_hand = "remove graylane.yaml, or set a later `expires`";
        assert_eq!(told("2026-05-30", Some(Standing::Absent)), [by_hand]);
        assert!(told("2026-06-01", Some(Standing::Absent)).is_empty());
        assert!(told("2026-05-30", Some(Standing::Offline)).is_empty());
    }
}
