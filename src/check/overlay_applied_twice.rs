//! `overlay-applied-twice`: two applications apply the same manifest of the overlay.

use std::collections::{HashMap, HashSet};

use super::delivered::{Applier, Delivered};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::surroundings::Tool;

pub(super) const FINDING: Finding = Finding {
    code: "overlay-applied-twice",
    severity: Severity::Warning,
    doc: "\
Two applications of the repository apply the same manifests of the overlay to the same place.

Argo CD and Flux give an object to one of them: each takes it from the other at every sync, and when
one stops reading the directory it prunes what the other still wants. Applications of other tools,
clusters or namespaces are not told of.

Remedy: leave the overlay to one of them: narrow the other's path, or its `directory.exclude`.",
    is_fixed: false,
    check: Check::Delivery(check),
};

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let appliers = delivered.appliers();
    // The first that applies a manifest to a place.
    let mut first: HashMap<(bool, &str, usize), &Applier<'_>> = HashMap::new();
    let mut told = HashSet::new();
    let mut found = Vec::new();
    for applier in &appliers {
        let reader = applier.reading.reader;
        let Some(destination) = &reader.destination else { continue };
        let applied = applier.applied.iter().enumerate().filter(|(_, yes)| **yes);
        for (manifest, _) in applied {
            let key = (reader.tool == Tool::Flux, destination.as_str(), manifest);
            let other = *first.entry(key).or_insert(applier);
            if std::ptr::eq(other, applier) || !told.insert((name(other), name(applier))) {
                continue;
            }
            found.push(tell(delivered, other, applier));
        }
    }
    found
}

fn name<'a>(applier: &Applier<'a>) -> (&'a str, String) {
    (applier.reading.reader.name.as_str(), applier.reading.path.clone())
}

fn tell(delivered: &Delivered<'_>, other: &Applier<'_>, applier: &Applier<'_>) -> Diagnostic {
    // The one that is not for the lane is to be narrowed.
    let (own, wide) =
        if delivered.is_own(&other.reading) { (other, applier) } else { (applier, other) };
    let output = &delivered.surroundings.output;
    let reader = own.reading.reader;
    let path = if wide.reading.path.is_empty() { "." } else { &wide.reading.path };
    let warning = Diagnostic::warning(format!(
        "{} (`{path}`) applies `{output}`, which {} applies too: they take the objects from each other",
        wide.reading.reader.name, reader.name
    ));
    let rest = match wide.reading.path.as_str() {
        "" => output.as_str(),
        path => output.strip_prefix(path).map_or("", |rest| rest.trim_start_matches('/')),
    };
    let remedy = match wide.reading.reader.tool {
        Tool::ArgoCd { .. } if !rest.is_empty() => {
            format!("leave the overlay out of it:\ndirectory:\n  exclude: '{rest}/**'")
        }
        _ => "give it a path without the overlay, or remove one of them".to_owned(),
    };
    let warning = warning.at(wide.reading.reader.place.clone()).remedy(remedy);
    match &reader.place {
        Some(place) => warning.related(place.clone(), format!("{} applies it", reader.name)),
        None => warning,
    }
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::told_around;

    fn app(name: &str, source: &str, server: &str) -> String {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\nspec: {{destination: {{server: {server}}}, source: {{{source}}}}}\n"
        )
    }

    fn told(other: &str, server: &str) -> Vec<String> {
        let own = app("own", "path: overlays/gray, directory: {recurse: true}", "a");
        let other = app("all", other, server);
        let files = [("own.yaml", own.as_str()), ("all.yaml", other.as_str())];
        told_around("overlay-applied-twice", "", &files, |_, _| {})
    }

    #[test]
    fn told_of_applications_that_apply_the_same() {
        let found = told("path: ., directory: {recurse: true}", "a");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("all.yaml:4:"), "{found:?}");
        assert!(
            found[0].contains("(`.`) applies `overlays/gray`, which Application/own"),
            "{found:?}"
        );
        assert!(told("path: .", "a").is_empty());
        assert!(
            told("path: ., directory: {recurse: true, exclude: 'overlays/**'}", "a").is_empty()
        );
        assert!(told("path: ., directory: {recurse: true}", "b").is_empty());
    }
}
