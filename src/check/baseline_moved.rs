//! `baseline-moved`: the baseline has changed since the overlay was generated.

use super::delivered::{Delivered, some};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::surroundings::Standing;

pub(super) const FINDING: Finding = Finding {
    code: "baseline-moved",
    severity: Severity::Warning,
    doc: "\
The baseline has changed since the overlay was generated from it.

Spec and overlay are as they were, and yet generating again would change manifests: gray pods lack
what production has by now, such as a new variable, a probe or a limit, and a test of the lane says
little about the version as it will run. A newer graylane may be the reason, too.

Remedy: `graylane generate --commit`. `graylane diff --against head` shows what changes.",
    is_fixed: false,
    check: Check::Delivery(check),
};

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let around = delivered.surroundings;
    let Some(Standing::Written(differences)) = &around.standing else { return Vec::new() };
    let is_of_spec = !differences.spec_changed && differences.removed.is_empty();
    if !is_of_spec || differences.stale.is_empty() {
        return Vec::new();
    }
    let files: Vec<&str> = differences.stale.iter().map(|path| path.as_str()).collect();
    let warning = Diagnostic::warning(format!(
        "the baseline has changed since the overlay `{}` was generated from it: generating again changes {}",
        around.output,
        some(&files)
    ));
    let remedy = format!(
        "`{}` shows the change; `{}` takes it over",
        delivered.release.command("diff --against head"),
        delivered.release.command("generate --commit")
    );
    vec![warning.at(delivered.release.output_place.clone()).remedy(remedy)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::told_around;
    use crate::overlay::OverlayPath;
    use crate::surroundings::Differences;

    #[test]
    fn told_where_only_the_baseline_can_have_changed() {
        let told = |spec_changed: bool, removed: &[&str]| {
            let removed = removed.iter().map(|&name| name.to_owned()).collect();
            told_around("baseline-moved", "", &[], |around, _| {
                around.standing = Some(Standing::Written(Differences {
                    spec_changed,
                    removed,
                    stale: vec![OverlayPath::new("workloads/a.yaml").unwrap()],
                    misstated: Vec::new(),
                    edited: Vec::new(),
                    is_shared_too: true,
                }));
            })
        };
        assert!(told(false, &[])[0].ends_with("generating again changes workloads/a.yaml"));
        assert!(told(true, &[]).is_empty());
        assert!(told(false, &["spring-a"]).is_empty());
        assert!(told_around("baseline-moved", "", &[], |_, _| {}).is_empty());
    }
}
