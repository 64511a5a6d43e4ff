//! `hand-edited`: somebody changed a file of the overlay.

use super::delivered::{Delivered, first_line};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::surroundings::{Edit, Standing};

pub(super) const FINDING: Finding = Finding {
    code: "hand-edited",
    severity: Severity::Warning,
    doc: "\
A file of the overlay was changed by hand since it was generated.

The change is applied, but no spec says so: `generate` and `cleanup` stop there so that it is not
lost, and whoever reads the spec is misled.

Remedy: put the change into the spec (`patches`, `env`, `images`) and run `graylane generate --force`,
which also discards a change that is not wanted.",
    is_fixed: false,
    check: Check::Delivery(check),
};

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let around = delivered.surroundings;
    let Some(Standing::Written(differences)) = &around.standing else { return Vec::new() };
    let edited = differences.edited.iter().map(|(path, edit)| {
        let path = path.below(&around.output);
        let generate = delivered.release.command("generate");
        let force = delivered.release.command("generate --force");
        let (what, remedy) = match edit {
            Edit::Changed => (
                "was changed by hand since it was generated: `generate` stops there",
                format!(
                    "put the change into the spec (`patches`, `env`, `images`), or discard it: `{force}`"
                ),
            ),
            Edit::Removed => (
                "was removed by hand since it was generated: the lane runs without it",
                format!(
                    "`{generate}` puts it back; `policies: {{KIND/NAME: skip}}` leaves the object out"
                ),
            ),
            Edit::Foreign => (
                "is not from graylane, and stands where a file of the lane goes: `generate` stops there",
                format!("move it away, or let `{force}` overwrite it"),
            ),
        };
        let warning = Diagnostic::warning(format!("`{path}` {what}")).remedy(remedy);
        // Of a file that is gone there is no line to show.
        if *edit == Edit::Removed {
            warning.at(delivered.release.output_place.clone())
        } else {
            warning.at(first_line(&path))
        }
    });
    edited.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::told_around;
    use crate::overlay::OverlayPath;

    #[test]
    fn told_of_each_file() {
        let found = told_around("hand-edited", "", &[], |around, _| {
            let Some(Standing::Written(differences)) = &mut around.standing else { return };
            let path = |name| OverlayPath::new(name).unwrap();
            differences.edited = vec![
                (path("entry/a.yaml"), Edit::Changed),
                (path("entry/b.yaml"), Edit::Removed),
                (path("entry/c.yaml"), Edit::Foreign),
            ];
        });
        assert!(found[0].starts_with("graylane.yaml:5:"), "{found:?}");
        assert!(found[0].contains("`overlays/gray/entry/b.yaml` was removed"), "{found:?}");
        assert!(found[1].starts_with("overlays/gray/entry/a.yaml:1:1: "), "{found:?}");
        assert!(found[2].contains("is not from graylane"), "{found:?}");
        assert!(told_around("hand-edited", "", &[], |_, _| {}).is_empty());
    }
}
