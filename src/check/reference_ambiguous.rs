//! `reference-ambiguous`: several objects of the baseline are what a copy names.

use super::pod::at;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::references::{Effect, Reference};
use crate::lane::Made;

pub(super) const FINDING: Finding = Finding {
    code: "reference-ambiguous",
    severity: Severity::Note,
    doc: "\
A gray copy names an object that stands in the baseline more than once.

The copy and the baseline read the same object, but which of the manifests it is cannot be told from
git: the one that was applied last. What graylane says of that object goes by the first. Mostly
`baseline.paths` takes in several environments.

Remedy: narrow `baseline.paths` to what is applied in one environment, or set `spec.namespace`.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let uses = made.references.iter().filter(|reference| reference.effect == Effect::Uses);
    uses.filter_map(|reference| tell(made, reference)).collect()
}

fn tell(made: &Made<'_>, reference: &Reference) -> Option<Diagnostic> {
    let (baseline, target) = (&made.facts.baseline, &reference.target);
    let (first, second) = (baseline.get(target)?, baseline.duplicate(target)?);
    let note = Diagnostic::note(format!(
        "the copy of {} names {target}, which stands twice in the baseline",
        made.object.id
    ));
    let mut note = at(made, note, made.document.find(&reference.path));
    for (object, what) in [(first, "this one is looked at"), (second, "this one may be meant")] {
        if let Some(place) = object.place() {
            note = note.related(place, what);
        }
    }
    Some(note.remedy("narrow `baseline.paths` to one environment, or set `spec.namespace`"))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_names_that_stand_twice() {
        let config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n";
        let pods = deployment("volumes: [{name: v, configMap: {name: web}}]");
        let once = format!("{pods}{config}");
        assert!(told("reference-ambiguous", "", &once).is_empty());
        let found = told("reference-ambiguous", "", &format!("{once}{config}"));
        assert!(found[0].contains("names ConfigMap/web, which stands twice"), "{found:?}");
        // What nothing of the lane names is none of its business.
        let other = config.replace("name: web", "name: other");
        assert!(told("reference-ambiguous", "", &format!("{once}{other}{other}")).is_empty());
    }
}
