//! `mse-value-not-string`: what pods say to MSE is no string to Kubernetes.

use super::{Check, Finding, metadata};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::mse::MARKS;
use crate::lane::Made;
use crate::spec::Provider;
use crate::yaml::{Document, NodeKind};

pub(super) const FINDING: Finding = Finding {
    code: "mse-value-not-string",
    severity: Severity::Error,
    doc: "\
A label or annotation that MSE reads has a value that is no string, such as a bare `on`.

Values of labels and annotations are strings. kubectl reads YAML 1.1, where a bare `on` or `yes` is a
boolean and `0.10` a number, so the API server refuses the object or gets another text.

Remedy: put the value in quotes.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    if made.release.provider != Provider::Mse || made.gray.pods.is_empty() {
        return Vec::new();
    }
    wrong(made.baseline())
}

/// Whether a key of a table stands for this one.
pub(super) fn is_mark(key: &str) -> bool {
    MARKS.iter().any(|mark| key == *mark || (mark.ends_with('.') && key.starts_with(mark)))
}

fn wrong(document: &Document) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let Some((_, metadata)) = metadata(document) else { return found };
    let marks = ["labels", "annotations"].into_iter().filter_map(|holder| metadata.get(holder));
    for (key, node) in marks.flat_map(|holder| holder.entries()).filter(|(key, _)| is_mark(key)) {
        let is_string = node.kind() == NodeKind::Scalar && node.as_str().is_some();
        if is_string {
            continue;
        }
        let remedy = match node.text() {
            Some(text) if !node.is_null() => format!("quote it: `{key}: \"{text}\"`"),
            _ => "give it a text in quotes, or take it out".to_owned(),
        };
        let error =
            Diagnostic::error(format!("`{key}` is {} and must be a string", node.describe()));
        found.push(error.at(node.place()).remedy(remedy));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn document(labels: &str) -> Document {
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec:\n  template:\n    metadata:\n      {labels}\n    spec: {{containers: []}}\n"
        );
        let stream = parse(Source::new("a.yaml", text)).unwrap();
        stream.documents.into_iter().next().unwrap()
    }

    #[test]
    fn only_strings_are_values() {
        for (labels, expected) in [
            ("labels: {msePilotAutoEnable: \"on\"}", None),
            ("labels: {msePilotAutoEnable: 'on', mseNamespace: shop}", None),
            ("labels: {msePilotAutoEnable: on}", Some("quote it: `msePilotAutoEnable: \"on\"`")),
            ("annotations: {msePilotAutoEnable: on}", Some("\"on\"")),
            ("labels:\n        mse.lossless.enable: true", Some("mse.lossless.enable: \"true\"")),
            ("labels:\n        mse.lossless.warmupTime: 120 # seconds", Some("\"120\"")),
            ("labels: {mseNamespace: 1.10}", Some("\"1.10\"")),
            ("labels:\n        mseNamespace:", Some("in quotes")),
            ("labels: {mseNamespace: [a]}", Some("in quotes")),
            ("labels: {alicloud.service.tag: 0x10}", Some("\"0x10\"")),
            ("labels: {a: &on on, msePilotAutoEnable: *on}", Some("\"on\"")),
            ("labels: {msePilotAutoEnable: !!str on}", None),
            ("labels: {app: on}", None),
        ] {
            let document = document(labels);
            let found = wrong(&document);
            let remedy = found.first().and_then(|error| error.remedy.as_deref());
            assert_eq!(remedy.is_some(), expected.is_some(), "{labels}: {found:?}");
            assert!(remedy.unwrap_or("").contains(expected.unwrap_or("")), "{labels}: {remedy:?}");
        }
    }
}
