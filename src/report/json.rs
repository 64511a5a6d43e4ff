//! Findings as JSON.

use serde_json::{Value, json as value};

use super::Checked;
use crate::diagnostic::{Diagnostic, Failure, Place};

/// One object with the lists `findings`, `silenced` and `errors`. A finding has `lane`, `code`,
/// `severity`, `message`, `place`, `related` and `remedy`; what is not known is null. The last of
/// `related` of one that is silenced says by which rule and why. The errors are what no lane could
/// be built for: there is nothing else then.
pub fn json(result: Result<&[Checked<'_>], &Failure>) -> String {
    let (checked, stopped) = match result {
        Ok(checked) => (checked, &[][..]),
        Err(Failure(errors)) => (&[][..], errors.as_slice()),
    };
    let mut findings: Vec<Value> = Vec::new();
    let mut silenced: Vec<Value> = Vec::new();
    for checked in checked {
        findings.extend(checked.findings.iter().map(|found| finding(Some(checked.lane), found)));
        silenced.extend(checked.silenced.iter().map(|found| finding(Some(checked.lane), found)));
    }
    let errors: Vec<Value> = stopped.iter().map(|error| finding(None, error)).collect();
    let all = value!({ "errors": errors, "findings": findings, "silenced": silenced });
    let mut text = format!("{all:#}");
    text.push('\n');
    text
}

/// A finding as an object.
pub(crate) fn finding(lane: Option<&str>, found: &Diagnostic) -> Value {
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
            json(Ok(&[Checked { lane: "a", place: &place, findings: &[], silenced: &[] }])),
            "{\n  \"errors\": [],\n  \"findings\": [],\n  \"silenced\": []\n}\n"
        );
    }
}
