//! `overlay-not-applied`: what is to apply the overlay leaves manifests of it out.

use super::delivered::{Applier, Delivered, first_line, some};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::surroundings::Tool;

pub(super) const FINDING: Finding = Finding {
    code: "overlay-not-applied",
    severity: Severity::Warning,
    doc: "\
An application or a kustomization is there for the overlay and leaves manifests of it out.

An Argo CD application reads the files of its directory alone unless it says `recurse: true`, and the
overlay's are in `workloads` and `entry`. Where there is a `kustomization.yaml`, only what it lists is
applied, by Argo CD and by Flux. What is left out is not in the cluster, and nobody says so.

Remedy: `directory: {recurse: true}` in the application; in a kustomization the files that are
missing, or better no kustomization in the overlay.",
    is_fixed: false,
    check: Check::Delivery(check),
};

fn check(delivered: &Delivered<'_>) -> Vec<Diagnostic> {
    let around = delivered.surroundings;
    let appliers = delivered.appliers();
    let own: Vec<&Applier<'_>> =
        appliers.iter().filter(|applier| delivered.is_own(&applier.reading)).collect();
    // What a plugin or Helm makes of the directory is not known.
    if appliers.iter().any(|applier| applier.reading.reader.tool == Tool::ArgoCdBuild) {
        return Vec::new();
    }
    let kustomization = around.delivery.kustomization(&around.output);
    // The lane's own kustomizations list what is there; that it is not all yet is another finding's.
    if delivered.release.kustomization && kustomization.is_some() {
        return Vec::new();
    }
    let listed = around.delivery.listed(&around.output);
    let is_left_out = |(position, file): &(usize, &String)| match own.is_empty() {
        true => kustomization.is_some() && !listed.contains(file.as_str()),
        false => !appliers.iter().any(|applier| applier.applied.get(*position) == Some(&true)),
    };
    let left_out: Vec<&str> = around
        .manifests
        .iter()
        .enumerate()
        .filter(is_left_out)
        .map(|(_, file)| within(&around.output, file))
        .collect();
    if left_out.is_empty() {
        return Vec::new();
    }
    let first = own.first().map(|applier| applier.reading.reader);
    let missing = some(&left_out);
    let (warning, place, remedy) = if let Some(file) = kustomization {
        (
            format!("{file} does not list all of the overlay, so that {missing} is not applied"),
            Some(first_line(file)),
            listing(&left_out),
        )
    } else if let Some(reader) = first {
        let does_not_recurse = matches!(reader.tool, Tool::ArgoCd { recurse: false, .. });
        let remedy = if does_not_recurse {
            "write beside `path`:\ndirectory:\n  recurse: true".to_owned()
        } else {
            format!("let it read `{}`, or add an application for the rest", around.output)
        };
        let why = if does_not_recurse { " without `recurse: true`" } else { "" };
        (
            format!(
                "{} reads the overlay `{}`{why}, and nothing applies {missing}",
                reader.name, around.output
            ),
            reader.place.clone(),
            remedy,
        )
    } else {
        return Vec::new();
    };
    vec![Diagnostic::warning(warning).at(place).remedy(remedy)]
}

fn within<'a>(output: &str, file: &'a str) -> &'a str {
    file.strip_prefix(output).map_or(file, |rest| rest.trim_start_matches('/'))
}

/// The lines that a kustomization lacks.
fn listing(files: &[&str]) -> String {
    const LINES: usize = 20;
    let mut text = "add to it, or remove it (without one, all is applied):\nresources:".to_owned();
    for file in files.iter().take(LINES) {
        text.push_str(&format!("\n  - {file}"));
    }
    if files.len() > LINES {
        text.push_str("\n  - …");
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::told_around;

    fn app(name: &str, source: &str, server: &str) -> String {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\nspec: {{destination: {{server: {server}}}, source: {{{source}}}}}\n"
        )
    }

    fn told(files: &[(&str, &str)]) -> Vec<String> {
        told_around("overlay-not-applied", "", files, |_, _| {})
    }

    #[test]
    fn told_of_applications_that_do_not_recurse() {
        let with = |source: &str| told(&[("app.yaml", &app("own", source, "a"))]);
        let found = with("path: overlays/gray");
        assert!(
            found[0].contains("without `recurse: true`, and nothing applies workloads/"),
            "{found:?}"
        );
        for sound in [
            "path: overlays/gray, directory: {recurse: true}",
            "path: overlays/gray, plugin: {}",
            "path: deploy",
        ] {
            assert!(with(sound).is_empty(), "{sound}");
        }
    }

    #[test]
    fn told_of_kustomizations_that_do_not_list_all() {
        let with = |resources: &str| {
            told(&[("overlays/gray/kustomization.yaml", &format!("resources: {resources}\n"))])
        };
        let deployment = "workloads/deployment-web-mse-gray.yaml";
        let found = with(&format!("[{deployment}]"));
        assert!(
            found[0].contains("so that workloads/service-web-mse-gray.yaml is not"),
            "{found:?}"
        );
        assert!(with(&format!("[{deployment}, workloads/service-web-mse-gray.yaml]")).is_empty());
    }
}
