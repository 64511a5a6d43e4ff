//! Findings as JSON.

use serde_json::{Value, json as value};

use super::Checked;
use crate::diagnostic::{Diagnostic, Place};

/// One object with the lists `findings` and `silenced`. A finding has `lane`, `code`, `severity`,
/// `message`, `place`, `related` and `remedy`; what is not known is null. The last of `related` of
/// one that is silenced says by which rule and why.
pub fn json(checked: &[Checked<'_>]) -> String {
    let mut findings: Vec<Value> = Vec::new();
    let mut silenced: Vec<Value> = Vec::new();
    for checked in checked {
        findings.extend(checked.findings.iter().map(|found| finding(checked.lane, found)));
        silenced.extend(checked.silenced.iter().map(|found| finding(checked.lane, found)));
    }
    let mut text = format!("{:#}", value!({ "findings": findings, "silenced": silenced }));
    text.push('\n');
    text
}

/// A finding as an object.
pub(crate) fn finding(lane: &str, found: &Diagnostic) -> Value {
    let related = found.related.iter();
    value!({
        "lane": lane,
        "code": found.code,
        "severity": found.severity.to_string(),
        "message": found.message,
        "place": found.place.as_ref().map(place),
        "related": related
            .map(|(at, what)| value!({ "place": place(at), "message": what }))
            .collect::<Vec<Value>>(),
        "remedy": found.remedy,
    })
}

fn place(place: &Place) -> Value {
    value!({ "file": *place.file, "line": place.line, "column": place.column, "text": place.text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_found_is_an_empty_list() {
        let place = Place { file: "a".into(), line: 1, column: 1, text: String::new() };
        assert_eq!(
            json(&[Checked { lane: "a", place: &place, findings: &[], silenced: &[] }]),
            "{\n  \"findings\": [],\n  \"silenced\": []\n}\n"
        );
    }
}
