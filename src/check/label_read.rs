//! `label-read`: gray pods read a label of theirs whose value isolation has replaced.

use std::collections::HashMap;

use super::pod::at;
use super::{Check, Finding, label};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::{Labels, Made};
use crate::yaml::NodeRef;
use crate::yaml::scalar::is_plain_safe;

pub(super) const FINDING: Finding = Finding {
    code: "label-read",
    severity: Severity::Warning,
    doc: "\
The gray pods read a label of theirs, as a variable or a file, that has another value in the lane.

Where pods are isolated by `relabel`, values that selectors of the baseline ask for are replaced on
the gray pods: `app: order` becomes `app: order-mse-gray`. A container that gets the label by the
downward API, as its application's name say, registers or reports under that other name.

Remedy: set a variable by `env` of the service in the spec to the value of the baseline; or give the
baseline's pods a label of its own for it, that no selector asks for, and read that.",
    is_fixed: false,
    check: Check::Copy(check),
};

/// A field of a pod that the downward API fills.
struct Read<'a> {
    /// What the containers see.
    shown: Shown<'a>,
    /// The `fieldPath`.
    field: NodeRef<'a>,
}

enum Shown<'a> {
    Variable { container: &'a str, name: &'a str },
    File { volume: &'a str, path: &'a str },
}

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    if made.replaced.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for ((template, containers), gray) in made.templates().iter().zip(&made.gray.pods) {
        let mut reads = Vec::new();
        for container in containers {
            let env = made.document.find(&container.path.key("env"));
            reads.extend(variables(&container.name, env));
        }
        reads.extend(files(made.document.find(&template.spec.key("volumes"))));
        let had = made.baseline().find(&template.labels());
        for read in reads {
            let Some(key) = read.field.text().and_then(label_in) else { continue };
            found.extend(tell(made, &read, key, gray, had));
        }
    }
    found
}

/// The variables of a container that are filled by the downward API.
fn variables<'a>(container: &'a str, env: Option<NodeRef<'a>>) -> Vec<Read<'a>> {
    let name = |item: NodeRef<'a>| item.get("name").and_then(NodeRef::text);
    let items: Vec<NodeRef<'a>> = env.into_iter().flat_map(NodeRef::items).collect();
    // Of a variable that stands twice the last one counts.
    let last: HashMap<&str, usize> =
        items.iter().enumerate().filter_map(|(at, item)| Some((name(*item)?, at))).collect();
    let of = |(at, item): (usize, &NodeRef<'a>)| {
        let name = name(*item).filter(|name| last.get(name) == Some(&at))?;
        let field = item.at(&["valueFrom", "fieldRef", "fieldPath"])?;
        Some(Read { shown: Shown::Variable { container, name }, field })
    };
    items.iter().enumerate().filter_map(of).collect()
}

/// The files of volumes that are filled by the downward API.
fn files(volumes: Option<NodeRef<'_>>) -> Vec<Read<'_>> {
    let mut reads = Vec::new();
    for volume in volumes.into_iter().flat_map(NodeRef::items) {
        let name = volume.get("name").and_then(NodeRef::text).unwrap_or("");
        let sources = volume.at(&["projected", "sources"]);
        let projected = sources.into_iter().flat_map(NodeRef::items);
        for source in projected.chain([volume]) {
            let items = source.at(&["downwardAPI", "items"]);
            reads.extend(items.into_iter().flat_map(NodeRef::items).filter_map(|item| {
                let path = item.get("path").and_then(NodeRef::text).unwrap_or("");
                let field = item.at(&["fieldRef", "fieldPath"])?;
                Some(Read { shown: Shown::File { volume: name, path }, field })
            }));
        }
    }
    reads
}

/// The label that a field path names; one that takes all labels names none.
///
/// Source: kubernetes.io, "Downward API" (fields available by `fieldRef`).
fn label_in(field: &str) -> Option<&str> {
    field.strip_prefix("metadata.labels['")?.strip_suffix("']")
}

fn tell(
    made: &Made<'_>,
    read: &Read<'_>,
    key: &str,
    gray: &Labels,
    had: Option<NodeRef<'_>>,
) -> Option<Diagnostic> {
    if !made.replaced.contains_key(key) {
        return None;
    }
    let (new, old) = (label(gray, key)?, had?.get(key)?.text()?);
    if new == old {
        return None;
    }
    let id = &made.object.id;
    let what = match read.shown {
        Shown::Variable { container, name } => {
            format!("the variable `{name}` of the container `{container}` of {id}")
        }
        Shown::File { volume, path } => {
            format!("the file `{path}` in the volume `{volume}` of {id}")
        }
    };
    let warning = Diagnostic::warning(format!(
        "{what} is the pod's label `{key}`, which is `{old}` in the baseline and `{new}` in the lane"
    ));
    let own = "label of its own that no selector asks for";
    let remedy = match read.shown {
        Shown::Variable { name, .. } => {
            let quotes = if is_plain_safe(old, true) { "" } else { "\"" };
            format!(
                "set it for the service: `env: {{{name}: {quotes}{old}{quotes}}}`; or let the baseline read a {own}"
            )
        }
        Shown::File { .. } => format!("let the baseline read a {own}"),
    };
    Some(at(made, warning, Some(read.field)).remedy(remedy))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, spec, told};
    use crate::pipeline::Release;

    fn reading(field: &str) -> String {
        let env = format!("env: [{{name: APP, valueFrom: {{fieldRef: {{fieldPath: {field}}}}}}}]");
        deployment("").replace("image: web:1", &format!("image: web:1, {env}"))
    }

    fn of(baseline: &str) -> usize {
        told("label-read", "", baseline).len()
    }

    fn remedies(lane: &Release) -> Vec<&str> {
        let found = lane.findings.iter().filter(|found| found.code == Some("label-read"));
        found.filter_map(|found| found.remedy.as_deref()).collect()
    }

    #[test]
    fn told_of_variables_that_are_a_replaced_label() {
        let app = reading("\"metadata.labels['app']\"");
        assert_eq!(
            told("label-read", "", &app),
            [
                "deploy/all.yaml:11:78: the variable `APP` of the container `web` of Deployment/web is the pod's label `app`, which is `web` in the baseline and `web-mse-gray` in the lane"
            ]
        );
        assert_eq!(
            remedies(&lane(&spec(""), &app)),
            [
                "set it for the service: `env: {APP: web}`; or let the baseline read a label of its own that no selector asks for"
            ]
        );
        let number = app.replace("app: web", "app: '1'");
        assert!(remedies(&lane(&spec(""), &number))[0].contains("`env: {APP: \"1\"}`"));
        let first = app.replace("containers:", "initContainers:");
        let first = first.replace("---\n", "      containers: [{name: b, image: b:1}]\n---\n");
        assert_eq!(of(&first), 1);
    }

    #[test]
    fn not_told_of_variables_that_the_spec_sets() {
        let app = reading("\"metadata.labels['app']\"");
        assert!(told("label-read", "env: {APP: web}", &app).is_empty());
        // Of a variable that stands twice the last one counts.
        let twice = app.replace("}}}]", "}}}, {name: APP, value: web}]");
        assert_eq!(of(&twice), 0);
    }

    #[test]
    fn not_told_of_labels_that_stay_or_are_the_lanes() {
        for field in [
            "\"metadata.labels['tier']\"",
            "\"metadata.labels['none']\"",
            "\"metadata.labels['zadigx-release-version']\"",
            "\"metadata.labels['alicloud.service.tag']\"",
            "\"metadata.annotations['app']\"",
            "metadata.name",
        ] {
            let baseline = reading(field).replace(
                "labels: {app: web}",
                "labels: {app: web, tier: front, zadigx-release-version: original, alicloud.service.tag: base}",
            );
            assert_eq!(of(&baseline), 0, "{field}");
        }
    }

    #[test]
    fn not_told_where_the_version_separates() {
        let app = reading("\"metadata.labels['app']\"");
        let version = app.replace("app: web", "app: web, zadigx-release-version: original");
        assert_eq!(of(&version), 0);
    }

    #[test]
    fn told_of_files_that_are_a_replaced_label() {
        let item = "items: [{path: name, fieldRef: {fieldPath: \"metadata.labels['app']\"}}]";
        for volume in [
            format!("downwardAPI: {{{item}}}"),
            format!(
                "projected: {{sources: [{{secret: {{name: a}}}}, {{downwardAPI: {{{item}}}}}]}}"
            ),
        ] {
            let baseline = deployment(&format!("volumes: [{{name: info, {volume}}}]"));
            let found = told("label-read", "", &baseline);
            assert_eq!(found.len(), 1, "{volume}");
            assert!(found[0].contains("the file `name` in the volume `info`"), "{found:?}");
            assert!(remedies(&lane(&spec(""), &baseline))[0].starts_with("let the baseline read"));
            let all = baseline.replace("metadata.labels['app']", "metadata.labels");
            assert_eq!(of(&all), 0, "{volume}");
        }
    }
}
