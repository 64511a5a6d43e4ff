//! `foreign-manifest`: a manifest in the overlay that no lock owns.

use super::delivered::{Delivered, first_line};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};

pub(super) const FINDING: Finding = Finding {
    code: "foreign-manifest",
    severity: Severity::Warning,
    doc: "\
A manifest in the directory of the overlay is listed in no lock.

What delivers the directory applies it like the others, but graylane knows nothing of it: `generate`
does not bring it up to date, and `cleanup` leaves it, so that the object stays in the cluster when the
lane is gone. Merges leave such files, as where one branch removes a lane and another one changes it.

Remedy: remove the file if the lane has no such object any more; keep what somebody wrote outside of
the overlay. What is as the spec gives it is taken over by `graylane generate`.",
    is_fixed: false,
    check: Check::Delivery(check),
};

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let release = delivered.release;
    let tell = |path: &String| {
        let warning = Diagnostic::warning(format!(
            "`{path}` is listed in no lock: it is applied, and `cleanup` leaves it"
        ));
        warning.at(first_line(path)).remedy(format!(
            "remove it if it is left over: rm {}\nor keep it elsewhere; `{}` takes over what is as the spec gives it",
            release.invocation.word(path),
            release.command("generate")
        ))
    };
    delivered.surroundings.foreign.iter().map(tell).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::told_around;

    #[test]
    fn told_of_each_file() {
        let path = "overlays/gray/workloads/deployment-old-mse-gray.yaml";
        let found = told_around("foreign-manifest", "", &[], |around, _| {
            around.foreign = vec![path.to_owned()];
        });
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with(&format!("{path}:1:1: `{path}` is listed in no lock")));
        assert!(told_around("foreign-manifest", "", &[], |_, _| {}).is_empty());
    }
}
