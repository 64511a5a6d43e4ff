//! `drift`: the overlay is not what the spec gives.

use super::delivered::{Delivered, some};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::surroundings::Standing;

pub(super) const FINDING: Finding = Finding {
    code: "drift",
    severity: Severity::Warning,
    doc: "\
The overlay is not what the spec gives: the spec has changed since it was generated.

Or a service was removed from the overlay by `cleanup --service`, and is still in the spec: the next
`generate` brings it back. Or `graylane.lock` does not list the files as they are, as after a merge of
two branches that settled its conflict by one side: `cleanup` would leave what is not listed, and take
the rest for changed by hand. What is applied is the overlay in git, so the cluster has the lane as the
spec was before.

Remedy: `graylane generate --commit`, or take the removed service out of the spec. `graylane diff
--against head` shows what changes.",
    is_fixed: false,
    check: Check::Delivery(check),
};

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let around = delivered.surroundings;
    let place = delivered.release.output_place.clone();
    let differences = match &around.standing {
        Some(Standing::Damaged(failure)) => {
            let why = failure.0.first().map(|error| error.message.as_str()).unwrap_or_default();
            let warning = Diagnostic::warning(format!(
                "the overlay `{}` cannot be compared with the spec: {why}",
                around.output
            ));
            let remedy = failure.0.first().and_then(|error| error.remedy.clone());
            return vec![warning.at(place).remedy(remedy.unwrap_or_default())];
        }
        Some(Standing::Written(differences)) => differences,
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    if differences.spec_changed && !differences.stale.is_empty() {
        let files: Vec<&str> = differences.stale.iter().map(|path| path.as_str()).collect();
        let what = if files.len() == 1 {
            "1 file is".to_owned()
        } else {
            format!("{} files are", files.len())
        };
        found.push(Diagnostic::warning(format!(
            "the spec has changed since the overlay `{}` was generated: {what} not as it gives them ({})",
            around.output,
            some(&files)
        )));
    }
    for service in &differences.removed {
        found.push(Diagnostic::warning(format!(
            "the service `{service}` was removed from the overlay `{}`, and is still in the spec",
            around.output
        )));
    }
    if !differences.misstated.is_empty() {
        let files: Vec<&str> = differences.misstated.iter().map(|path| path.as_str()).collect();
        found.push(Diagnostic::warning(format!(
            "the lock of the overlay `{}` is not that of its files ({}): `cleanup` would go by the lock",
            around.output,
            some(&files)
        )));
    }
    if !differences.is_shared_too {
        found.push(Diagnostic::warning(format!(
            "the objects that `{}` shares with other lanes do not have its part as the spec gives it",
            delivered.release.name
        )));
    }
    let generate = delivered.release.command("generate --commit");
    let remedy = match differences.removed.is_empty() {
        true => format!("`{generate}` brings it up to date"),
        false => format!("take it out of the spec; `{generate}` would bring it back"),
    };
    found.into_iter().map(|warning| warning.at(place.clone()).remedy(remedy.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::told_around;
    use crate::overlay::OverlayPath;

    fn told(spec_changed: bool, stale: &[&str], is_shared_too: bool) -> Vec<String> {
        told_of(spec_changed, stale, &[], is_shared_too)
    }

    fn told_of(
        spec_changed: bool,
        stale: &[&str],
        misstated: &[&str],
        is_shared_too: bool,
    ) -> Vec<String> {
        told_around("drift", "", &[], |around, _| {
            let paths = |paths: &[&str]| {
                paths.iter().map(|path| OverlayPath::new(*path).unwrap()).collect()
            };
            let differences = crate::surroundings::Differences {
                spec_changed,
                removed: Vec::new(),
                stale: paths(stale),
                misstated: paths(misstated),
                edited: Vec::new(),
                is_shared_too,
            };
            around.standing = Some(Standing::Written(differences));
        })
    }

    #[test]
    fn told_where_the_spec_gives_something_else() {
        let found = told(true, &["workloads/a.yaml"], true);
        assert!(found[0].starts_with("graylane.yaml:5:"), "{found:?}");
        assert!(
            found[0].contains("1 file is not as it gives them (workloads/a.yaml)"),
            "{found:?}"
        );
        assert_eq!(told(false, &[], false).len(), 1);
        let found = told_of(false, &[], &["workloads/a.yaml"], true);
        assert!(found[0].contains("not that of its files (workloads/a.yaml)"), "{found:?}");
        // A comment in the spec, and a change of the baseline.
        assert!(told(true, &[], true).is_empty());
        assert!(told(false, &["workloads/a.yaml"], true).is_empty());
    }

    #[test]
    fn told_where_the_overlay_cannot_be_read() {
        let damaged = Diagnostic::error("the lock is damaged").remedy("restore it");
        let found = told_around("drift", "", &[], |around, _| {
            around.standing = Some(Standing::Damaged(damaged.into()));
        });
        assert!(found[0].ends_with("the lock is damaged"), "{found:?}");
        let absent = |around: &mut crate::surroundings::Surroundings, _: &_| {
            around.standing = Some(Standing::Absent);
        };
        assert!(told_around("drift", "", &[], absent).is_empty());
    }
}
