//! Findings as SARIF, for code scanning.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub, "SARIF
//! support for code scanning".

use std::collections::HashMap;

use serde_json::{Value, json as value};

use super::Checked;
use crate::check::{FINDINGS, Finding};
use crate::diagnostic::{Diagnostic, Failure, Place, Severity};
use crate::overlay::Digest;

/// Where the schema of a log is.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Characters of a description that GitHub takes.
const LONGEST_DESCRIPTION: usize = 1024;

/// The rule of errors, which are no findings.
const NOT_BUILT: &str = "not-built";

/// A SARIF log with one run: the rules are all findings there are, the results those of the lanes.
///
/// It has what GitHub asks for beyond the schema: each result has a location, the spec's name where
/// it has no place of its own, and a fingerprint that does not change when lines move; a region has
/// an end; a rule has descriptions of bounded length.
///
/// Errors that stopped the check are the results of a run that was not successful; one without a
/// place, which is of no spec, is at the start of the file `spec`.
pub fn sarif(found: Result<&[Checked<'_>], &Failure>, spec: &str) -> String {
    let mut rules: Vec<Value> = FINDINGS.iter().map(rule).collect();
    let mut seen = HashMap::new();
    let mut results = Vec::new();
    if let Err(Failure(errors)) = found {
        rules.push(not_built());
        let start = Place::of_line(spec, 1);
        let stopped = Checked { lane: spec, place: &start, findings: &[], silenced: &[] };
        results.extend(errors.iter().map(|error| {
            let mut result = result(&stopped, &error.clone().code(NOT_BUILT), &mut seen);
            result["ruleIndex"] = FINDINGS.len().into();
            result
        }));
    }
    for checked in found.unwrap_or_default() {
        results.extend(checked.findings.iter().map(|found| result(checked, found, &mut seen)));
        results.extend(checked.silenced.iter().map(|found| {
            let mut result = result(checked, found, &mut seen);
            let why = found.related.last().map(|(_, why)| why.as_str()).unwrap_or_default();
            result["suppressions"] = value!([{ "kind": "external", "justification": why }]);
            result
        }));
    }
    let log = value!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "graylane",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": found.is_ok() }],
            "results": results,
        }],
    });
    let mut text = format!("{log:#}");
    text.push('\n');
    text
}

fn rule(finding: &Finding) -> Value {
    // What happens is the part between the summary and the remedy.
    let parts = finding.doc.split("\n\n").skip(1);
    let happens = parts.take_while(|part| !part.starts_with("Remedy: "));
    let happens: Vec<String> = happens.map(|part| part.replace('\n', " ")).collect();
    let full = if happens.is_empty() { finding.summary().to_owned() } else { happens.join(" ") };
    value!({
        "id": finding.code,
        "name": finding.code,
        "shortDescription": { "text": finding.summary() },
        "fullDescription": { "text": full.chars().take(LONGEST_DESCRIPTION).collect::<String>() },
        "help": { "text": finding.doc, "markdown": finding.doc },
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": {
            "precision": "high",
            "problem.severity": match finding.severity {
                Severity::Note => "recommendation",
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
        },
    })
}

fn not_built() -> Value {
    let short = "The lane cannot be built";
    let full =
        "The spec, or a file that it leads to, is not what it has to be: nothing was checked.";
    value!({
        "id": NOT_BUILT,
        "name": NOT_BUILT,
        "shortDescription": { "text": short },
        "fullDescription": { "text": full },
        "help": { "text": full, "markdown": full },
        "defaultConfiguration": { "level": level(Severity::Error) },
        "properties": { "precision": "very-high", "problem.severity": "error" },
    })
}

/// A result; `seen` counts those that are alike.
fn result(checked: &Checked<'_>, found: &Diagnostic, seen: &mut HashMap<String, usize>) -> Value {
    let code = found.code.unwrap_or_default();
    let mut text = format!("{}: {}", checked.lane, found.message);
    if let Some(remedy) = &found.remedy {
        text.push_str("\n\n");
        text.push_str(remedy);
    }
    let place = found.place.as_ref().unwrap_or(checked.place);
    let mut result = value!({
        "ruleId": code,
        "level": level(found.severity),
        "message": { "text": text },
        "locations": [location(place)],
        "partialFingerprints": { "primaryLocationLineHash": fingerprint(checked, found, place, seen) },
    });
    if let Some(index) = FINDINGS.iter().position(|finding| finding.code == code) {
        result["ruleIndex"] = index.into();
    }
    if !found.related.is_empty() {
        let related = found.related.iter().map(|(place, what)| {
            let mut location = location(place);
            location["message"] = value!({ "text": what });
            location
        });
        result["relatedLocations"] = related.collect();
    }
    result
}

/// What tells a result from others, wherever its line moves: rule, lane, message and the text of the
/// line; and its number among those that are alike.
fn fingerprint(
    checked: &Checked<'_>,
    found: &Diagnostic,
    place: &Place,
    seen: &mut HashMap<String, usize>,
) -> String {
    let code = found.code.unwrap_or_default();
    let parts = [code, checked.lane, &*place.file, place.text.trim(), found.message.as_str()];
    let digest = Digest::of(parts.join("\0").as_bytes());
    let hash: String = digest.as_str().chars().take(16).collect();
    let count = seen.entry(hash.clone()).or_default();
    *count += 1;
    format!("{hash}:{count}")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn location(place: &Place) -> Value {
    // One past the last character of the line, which is not known of every place.
    let end = (place.text.chars().count() + 1).max(place.column + 1);
    value!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&place.file), "uriBaseId": "%SRCROOT%" },
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.line,
            "endColumn": end,
        },
    } })
}

/// A path as a URI reference: whatever a path segment cannot hold is percent-encoded (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn place(file: &str, line: usize) -> Place {
        Place { file: Arc::from(file), line, column: 3, text: "  a: b".to_owned() }
    }

    fn run_of(findings: &[Diagnostic]) -> Value {
        let spec = place("graylane.yaml", 4);
        let checked = Checked { lane: "gray", place: &spec, findings, silenced: &[] };
        let mut log: Value = serde_json::from_str(&sarif(Ok(&[checked]), "graylane.yaml")).unwrap();
        log["runs"][0].take()
    }

    #[test]
    fn a_finding_has_its_rule_and_its_places() {
        let found = Diagnostic::warning("it leaks")
            .code("selector-leak")
            .at(place("a b/ü.yaml", 7))
            .related(place("c.yaml", 1), "the other")
            .remedy("mend it");
        let run = run_of(&[found]);
        let result = &run["results"][0];
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], "selector-leak");
        assert_eq!(result["level"], "warning");
        assert_eq!(result["message"]["text"], "gray: it leaks\n\nmend it");
        let at = &result["locations"][0]["physicalLocation"];
        assert_eq!(at["artifactLocation"]["uri"], "a%20b/%C3%BC.yaml");
        let region = value!({ "startLine": 7, "startColumn": 3, "endLine": 7, "endColumn": 7 });
        assert_eq!(at["region"], region);
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "the other");
    }

    #[test]
    fn what_has_no_place_is_at_the_spec() {
        let run = run_of(&[Diagnostic::note("x").code("drift")]);
        let at = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(at["artifactLocation"]["uri"], "graylane.yaml");
        assert_eq!(at["region"]["startLine"], 4);
    }

    #[test]
    fn fingerprints_stay_when_lines_move() {
        let prints = |lines: [usize; 2]| -> Vec<String> {
            let found = |line| Diagnostic::note("x").code("drift").at(place("a.yaml", line));
            let run = run_of(&lines.map(found));
            let results = run["results"].as_array().unwrap().iter();
            let print = |result: &Value| {
                let print = &result["partialFingerprints"]["primaryLocationLineHash"];
                print.as_str().unwrap().to_owned()
            };
            results.map(print).collect()
        };
        let before = prints([1, 2]);
        assert_eq!(before, prints([11, 12]));
        assert!(before[0].ends_with(":1") && before[1].ends_with(":2"), "{before:?}");
    }

    #[test]
    fn rules_say_all_that_github_shows() {
        let run = run_of(&[]);
        for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
            for text in ["shortDescription", "fullDescription", "help"] {
                let text = rule[text]["text"].as_str().unwrap();
                assert!(!text.is_empty() && !text.contains("\u{0}"), "{rule}");
            }
            let full = rule["fullDescription"]["text"].as_str().unwrap().chars();
            assert!(full.clone().count() < LONGEST_DESCRIPTION, "{rule}");
        }
    }
}
