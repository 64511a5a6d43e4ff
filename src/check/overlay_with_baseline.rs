//! `overlay-with-baseline`: the application of the baseline applies the overlay.

use super::delivered::Delivered;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};

pub(super) const FINDING: Finding = Finding {
    code: "overlay-with-baseline",
    severity: Severity::Note,
    doc: "\
The application that applies the baseline applies the overlay too.

A gray pod that does not become ready makes the application of production degraded and holds up its
sync, and the lane cannot be rolled back or deleted by itself.

Remedy: nothing, where that is meant; else give the lane an application of its own and leave the
overlay out of the baseline's.",
    is_fixed: false,
    check: Check::Delivery(check),
};

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let appliers = delivered.appliers();
    let applies = |applier: &&super::delivered::Applier<'_>| applier.applied.contains(&true);
    // What two apply is told of as that.
    if appliers.iter().filter(applies).any(|applier| delivered.is_own(&applier.reading)) {
        return Vec::new();
    }
    let both = appliers.iter().filter(applies);
    let both = both.filter(|applier| delivered.applies_baseline(&applier.reading));
    let tell = |applier: &super::delivered::Applier<'_>| {
        let reader = applier.reading.reader;
        let note = Diagnostic::note(format!(
            "{} applies the overlay `{}` together with the baseline: a gray pod that is not ready holds up production's sync",
            reader.name, delivered.surroundings.output
        ));
        let remedy = "if that is not meant, give the lane an application of its own and leave the overlay out of this one";
        note.at(reader.place.clone()).remedy(remedy)
    };
    both.map(tell).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::told_around;

    fn app(name: &str, source: &str, server: &str) -> String {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\nspec: {{destination: {{server: {server}}}, source: {{{source}}}}}\n"
        )
    }

    #[test]
    fn told_where_one_application_applies_both() {
        let told = |more: &[(&str, &str)], path: &str| {
            let all = app("all", &format!("path: {path}, directory: {{recurse: true}}"), "a");
            let files = [&[("all.yaml", all.as_str())], more].concat();
            told_around("overlay-with-baseline", "", &files, |_, _| {})
        };
        assert!(told(&[], ".")[0].contains("together with the baseline"));
        assert!(told(&[], "overlays").is_empty());
        let own = app("own", "path: overlays/gray, directory: {recurse: true}", "a");
        assert!(told(&[("own.yaml", &own)], ".").is_empty());
    }
}
