//! `cleanup-with-baseline`: a lane goes in the same step in which its baseline changes.

use super::delivered::{Delivered, some};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};

pub(super) const FINDING: Finding = Finding {
    code: "cleanup-with-baseline",
    severity: Severity::Warning,
    doc: "\
One step changes the baseline of a lane and removes the lane: one commit, or the work tree.

Argo CD and Flux take objects away before the changed ones are ready: requests of the lane reach the
old version, or pods that are not ready yet, until the roll-out is done. If that fails, the version
that worked is gone.

Remedy: two commits, the second when the first has been rolled out: the new baseline, then
`graylane cleanup --commit`.",
    is_fixed: false,
    check: Check::Delivery(check),
};

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let tell = |removal: &crate::surroundings::Removal| {
        let files: Vec<&str> = removal.files.iter().map(String::as_str).collect();
        let warning = Diagnostic::warning(format!(
            "{} removes the overlay `{}` and changes what the lane was made from ({}): gray pods go before the new baseline is ready",
            removal.by,
            delivered.surroundings.output,
            some(&files)
        ));
        let remedy = format!(
            "make two commits of it: the baseline first, and `{}` when it has been rolled out",
            delivered.release.command("cleanup --commit")
        );
        warning.at(delivered.release.output_place.clone()).remedy(remedy)
    };
    delivered.surroundings.removals.iter().map(tell).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::told_around;
    use crate::surroundings::Removal;

    #[test]
    fn told_of_each_removal() {
        let found = told_around("cleanup-with-baseline", "", &[], |around, _| {
            let files = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
            around.removals = vec![Removal { by: "the work tree".to_owned(), files }];
        });
        assert!(
            found[0].contains("the work tree removes the overlay `overlays/gray`"),
            "{found:?}"
        );
        assert!(found[0].contains("(a, b, c and 1 more)"), "{found:?}");
        assert!(told_around("cleanup-with-baseline", "", &[], |_, _| {}).is_empty());
    }
}
