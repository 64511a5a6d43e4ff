//! Findings as SARIF, for code scanning.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub, "SARIF
//! support for code scanning".

use serde_json::{Value, json as value};

use super::Checked;
use crate::check::FINDINGS;
use crate::diagnostic::{Diagnostic, Place, Severity};

/// Where the schema of a log is.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A SARIF log with one run: the rules are all findings there are, the results those of the lanes.
pub fn sarif(checked: &[Checked<'_>]) -> String {
    let rules: Vec<Value> = FINDINGS
        .iter()
        .map(|finding| {
            value!({
                "id": finding.code,
                "shortDescription": { "text": finding.summary() },
                "fullDescription": { "text": finding.doc },
                "help": { "text": finding.doc },
                "defaultConfiguration": { "level": level(finding.severity) },
            })
        })
        .collect();
    let results: Vec<Value> = checked
        .iter()
        .flat_map(|checked| {
            let silenced = checked.silenced.iter().map(|found| {
                let mut result = result(checked.lane, found);
                let why = found.related.last().map(|(_, why)| why.as_str()).unwrap_or_default();
                result["suppressions"] = value!([{ "kind": "external", "justification": why }]);
                result
            });
            checked.findings.iter().map(|found| result(checked.lane, found)).chain(silenced)
        })
        .collect();
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
            "results": results,
        }],
    });
    let mut text = format!("{log:#}");
    text.push('\n');
    text
}

fn result(lane: &str, found: &Diagnostic) -> Value {
    let code = found.code.unwrap_or_default();
    let mut text = format!("{lane}: {}", found.message);
    if let Some(remedy) = &found.remedy {
        text.push_str("\n\n");
        text.push_str(remedy);
    }
    let mut result = value!({
        "ruleId": code,
        "level": level(found.severity),
        "message": { "text": text },
        "locations": found.place.iter().map(location).collect::<Vec<Value>>(),
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

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn location(place: &Place) -> Value {
    value!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&place.file), "uriBaseId": "%SRCROOT%" },
        "region": { "startLine": place.line, "startColumn": place.column },
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

    #[test]
    fn a_finding_has_its_rule_and_its_places() {
        let place = |file: &str, line| Place {
            file: Arc::from(file),
            line,
            column: 3,
            text: String::new(),
        };
        let found = Diagnostic::warning("it leaks")
            .code("selector-leak")
            .at(place("a b/ü.yaml", 7))
            .related(place("c.yaml", 1), "the other")
            .remedy("mend it");
        let log: Value = serde_json::from_str(&sarif(&[Checked {
            lane: "gray",
            findings: &[found],
            silenced: &[],
        }]))
        .unwrap();
        let run = &log["runs"][0];
        let result = &run["results"][0];
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], "selector-leak");
        assert_eq!(result["level"], "warning");
        assert_eq!(result["message"]["text"], "gray: it leaks\n\nmend it");
        let at = &result["locations"][0]["physicalLocation"];
        assert_eq!(at["artifactLocation"]["uri"], "a%20b/%C3%BC.yaml");
        assert_eq!(at["region"], value!({ "startLine": 7, "startColumn": 3 }));
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "the other");
    }
}
