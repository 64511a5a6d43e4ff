//! `mse-value-not-string`: what pods say to MSE is no string to Kubernetes.

use super::{Check, Finding, MseWorkload, Subject, metadata};
use crate::diagnostic::{Diagnostic, Severity};
use crate::governance::MSE_MARKS;
use crate::yaml::scalar::{Resolved, ScalarStyle, resolve};
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
    check: Check::Lane(check),
};

/// The marks whose values a lane decides.
const LANES: [&str; 2] = ["alicloud.service.tag", "msePilotCreateAppName"];

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    MseWorkload::all(subject)
        .filter(is_suspect)
        .flat_map(|workload| wrong(&workload.baseline.document()))
        .collect()
}

/// Whether it is worth while to look at the nodes of the baseline.
fn is_suspect(workload: &MseWorkload<'_>) -> bool {
    let is_string = |text: &str| resolve(text, ScalarStyle::Plain, None) == Resolved::String;
    let mut marks = workload.labels.iter().filter(|(key, _)| is_mark(key)).peekable();
    // The copy has the baseline's values as they are written, but for the lane's own; these are
    // annotations where there are no labels.
    marks.peek().is_none()
        || marks.any(|(key, value)| LANES.contains(&key.as_str()) && !is_string(value))
        || may_have_others(&workload.gray.text)
}

/// Whether a key of a table stands for this one.
pub(super) fn is_mark(key: &str) -> bool {
    MSE_MARKS.iter().any(|mark| key == *mark || (mark.ends_with('.') && key.starts_with(mark)))
}

/// Whether something in a text looks like a mark with a value that is no string. Making nodes costs
/// ten times as much, and nearly every text has none.
fn may_have_others(text: &str) -> bool {
    MSE_MARKS.iter().any(|mark| {
        text.match_indices(mark).any(|(at, _)| {
            let rest = text.get(at..).unwrap_or_default();
            let line = rest.lines().next().unwrap_or_default();
            let Some((_, value)) = line.split_once(':') else { return true };
            let value = value.trim_start();
            let plain = value.split([',', '}', ' ']).next().unwrap_or_default();
            match plain.chars().next() {
                Some('"' | '\'') => false,
                Some('*' | '&' | '!' | '|' | '>' | '{' | '[') | None => true,
                Some(_) => resolve(plain, ScalarStyle::Plain, None) != Resolved::String,
            }
        })
    })
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
            // The quick look finds whatever the thorough one does.
            assert!(found.is_empty() || may_have_others(&document.to_text()), "{labels}");
        }
        assert!(!may_have_others("labels: {msePilotAutoEnable: \"on\", mseNamespace: shop}"));
    }
}
