//! `value-not-string`: a copy has a value that Kubernetes wants as a string and that is none.

use super::mse_value_not_string::is_mark;
use super::pod::{at, at_patch};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::selectors::SelectorForm;
use crate::lane::Made;
use crate::spec::Provider;
use crate::yaml::{NodeKind, NodeRef};

pub(super) const FINDING: Finding = Finding {
    code: "value-not-string",
    severity: Severity::Error,
    doc: "\
A copy has a label, an annotation or another value that must be a string and is a boolean or a number.

Labels, annotations, selectors, node selectors, the data of ConfigMaps and Secrets and the values of
environment variables are strings. kubectl reads YAML 1.1: a bare `on`, `yes` or `y` is a boolean,
`1.10` and `0x10` are numbers. The API server refuses such an object: `json: cannot unmarshal bool
into Go struct field ObjectMeta.metadata.labels of type string`.

Remedy: put the value in quotes.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let root = made.document.root();
    let is_told_already = |key: &str| made.release.provider == Provider::Mse && is_mark(key);
    let mut wrong: Vec<(&str, NodeRef<'_>)> = Vec::new();
    for metadata in [&["metadata"][..], &["spec", "jobTemplate", "metadata"]] {
        wrong.extend(root.at(metadata).into_iter().flat_map(of_metadata));
    }
    for (template, containers) in made.templates() {
        // That of a Pod is the object's own.
        if !template.path.segments().is_empty() {
            let metadata = made.document.find(&template.path.key("metadata"));
            let of_pods = metadata.into_iter().flat_map(of_metadata);
            wrong.extend(of_pods.filter(|(key, _)| !is_told_already(key)));
        }
        wrong.extend(not_strings(made.document.find(&template.spec.key("nodeSelector"))));
        for container in containers {
            let env = made.document.find(&container.path.key("env"));
            let values = env.into_iter().flat_map(NodeRef::items).filter_map(|variable| {
                Some((variable.get("name")?.text()?, variable.get("value")?))
            });
            wrong.extend(values.filter(|(_, value)| !is_string(*value)));
        }
    }
    for selector in &made.gray.selectors {
        let labels = match selector.form {
            SelectorForm::Plain => selector.path.clone(),
            SelectorForm::LabelSelector => selector.path.key("matchLabels"),
        };
        wrong.extend(not_strings(made.document.find(&labels)));
    }
    if matches!(made.object.id.kind.as_str(), "ConfigMap" | "Secret")
        && made.object.id.group.is_empty()
    {
        for key in ["data", "stringData"] {
            wrong.extend(not_strings(root.get(key)));
        }
    }
    wrong.into_iter().map(|(key, node)| tell(made, key, node)).collect()
}

fn of_metadata<'a>(metadata: NodeRef<'a>) -> impl Iterator<Item = (&'a str, NodeRef<'a>)> {
    let holders = ["labels", "annotations"].into_iter().map(move |key| metadata.get(key));
    holders.flat_map(not_strings)
}

/// The entries of a mapping of strings that are none.
fn not_strings<'a>(holder: Option<NodeRef<'a>>) -> impl Iterator<Item = (&'a str, NodeRef<'a>)> {
    let entries = holder.into_iter().flat_map(NodeRef::entries);
    entries.filter(|(_, value)| !is_string(*value))
}

/// Whether the API takes a value for a string; null stands for none.
fn is_string(node: NodeRef<'_>) -> bool {
    node.is_null() || (node.kind() == NodeKind::Scalar && node.as_str().is_some())
}

fn tell(made: &Made<'_>, key: &str, node: NodeRef<'_>) -> Diagnostic {
    let error = Diagnostic::error(format!(
        "`{key}` of {} is {} and must be a string: the API server refuses the copy",
        made.object.id,
        node.describe()
    ));
    // The remedy is told in places where a value of a Secret must not be seen.
    let text = node.text().filter(|_| made.object.id.kind != "Secret");
    let remedy = match text {
        Some(text) => format!("put it in quotes: \"{text}\""),
        None if made.object.id.kind == "Secret" => "put it in quotes".to_owned(),
        None => "give it a text in quotes, or take it out".to_owned(),
    };
    let error =
        if node.is_new() { at_patch(made, error, node) } else { at(made, error, Some(node)) };
    error.remedy(remedy)
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    fn of(baseline: &str) -> Vec<String> {
        told("value-not-string", "", baseline)
    }

    #[test]
    fn told_of_labels_and_annotations_that_are_no_strings() {
        let labelled = |labels: &str| {
            let labels = format!("labels: {{app: web, {labels}}}");
            of(&deployment("").replace("labels: {app: web}", &labels))
        };
        assert_eq!(
            labelled("canary: on"),
            [
                "deploy/all.yaml:7:35: `canary` of Deployment/web is a boolean and must be a string: the API server refuses the copy"
            ]
        );
        for (label, is_told) in [
            ("canary: 'on'", false),
            ("canary: ontario", false),
            ("version: 1.2.3", false),
            ("version: 1.10", true),
            ("version: v1", false),
            ("since: 2026-12-31", false),
            ("empty:", false),
            ("list: [a]", true),
            // What MSE reads has a finding of its own.
            ("mse.lossless.enable: true", false),
        ] {
            assert_eq!(!labelled(label).is_empty(), is_told, "{label}");
        }
        let annotated = |value: &str| {
            let metadata = format!("metadata: {{name: web, annotations: {{a.b/scrape: {value}}}}}");
            of(&deployment("").replace("metadata: {name: web}", &metadata)).len()
        };
        // The Deployment's and the Service's.
        assert_eq!((annotated("true"), annotated("\"true\"")), (2, 0));
    }

    #[test]
    fn told_of_other_values_that_are_no_strings() {
        assert_eq!(of(&deployment("nodeSelector: {gpu: yes}")).len(), 1);
        assert!(of(&deployment("nodeSelector: {gpu: 'yes'}")).is_empty());
        let env = |value: &str| {
            let container = format!("image: web:1, env: [{{name: PORT, value: {value}}}]}}");
            of(&deployment("").replace("image: web:1}", &container)).len()
        };
        assert_eq!((env("8080"), env("'8080'")), (1, 0));
        // Copies take what they replace from no number.
        assert!(of(&deployment("").replace("app: web", "app: 1")).is_empty());
        let tier = deployment("").replace("app: web", "app: web, tier: 1");
        // Selectors that are rewritten ask for a string.
        assert_eq!(of(&tier).len(), 1);
    }

    #[test]
    fn told_of_data_that_is_no_string() {
        let with = |data: &str| {
            let map = format!(
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{PORT: {data}}}\n"
            );
            told("value-not-string", "copy: [ConfigMap/c]", &(deployment("") + &map)).len()
        };
        assert_eq!((with("8080"), with("'8080'")), (1, 0));
    }

    #[test]
    fn what_a_patch_wrote_is_told_of_at_the_patch() {
        let pods = "{spec: {template: {spec: {nodeSelector: {gpu: true}}}}}";
        let patch = format!("patches: [{{target: Deployment/web, merge: {pods}}}]");
        let told = told("value-not-string", &patch, &deployment(""));
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("graylane.yaml:"), "{told:?}");
    }
}
