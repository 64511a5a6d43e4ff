//! Secret values are never shown, only whether they differ.

use crate::yaml::{Document, NodeRef, Path, Value};

/// The fields of a Secret that hold values.
const FIELDS: [&str; 2] = ["data", "stringData"];

/// Replaces the values of Secrets on both sides as `kubectl diff` does: `***` where they are the
/// same, `*** (before)` and `*** (after)` where they differ.
///
/// Source: kubernetes/kubectl, `pkg/cmd/diff`.
pub fn mask(before: Option<&mut Document>, after: Option<&mut Document>) {
    let is_secret = |document: &Document| {
        document.at(&["kind"]).and_then(NodeRef::as_str) == Some("Secret")
            && document.at(&["apiVersion"]).and_then(NodeRef::as_str) == Some("v1")
    };
    let mut before = before.filter(|document| is_secret(document));
    let mut after = after.filter(|document| is_secret(document));
    for field in FIELDS {
        let left = values(before.as_deref(), field);
        let right = values(after.as_deref(), field);
        for (key, value) in &left {
            let same = right.iter().any(|(other, there)| other == key && there == value);
            let is_there = right.iter().any(|(other, _)| other == key);
            replace(
                before.as_deref_mut(),
                field,
                key,
                if same || !is_there { "***" } else { "*** (before)" },
            );
        }
        for (key, value) in &right {
            let same = left.iter().any(|(other, there)| other == key && there == value);
            let is_there = left.iter().any(|(other, _)| other == key);
            replace(
                after.as_deref_mut(),
                field,
                key,
                if same || !is_there { "***" } else { "*** (after)" },
            );
        }
    }
}

fn values(document: Option<&Document>, field: &str) -> Vec<(String, String)> {
    let entries =
        document.and_then(|document| document.at(&[field])).into_iter().flat_map(NodeRef::entries);
    entries.map(|(key, value)| (key.to_owned(), value.to_json().to_string())).collect()
}

fn replace(document: Option<&mut Document>, field: &str, key: &str, text: &str) {
    if let Some(document) = document {
        // The path was read from this document.
        let _ = document.set(&Path::keys([field, key]), Value::string(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn document(text: &str) -> Document {
        parse(Source::new("s.yaml", text.to_owned())).unwrap().documents.remove(0)
    }

    #[test]
    fn values_never_show_but_differences_do() {
        let mut before =
            document("apiVersion: v1\nkind: Secret\ndata: {same: YQ==, other: Yg==, gone: Yw==}\n");
        let mut after = document(
            "apiVersion: v1\nkind: Secret\ndata: {same: YQ==, other: eA==}\nstringData: {new: plain}\n",
        );
        mask(Some(&mut before), Some(&mut after));
        let (before, after) = (before.to_text(), after.to_text());
        for secret in ["YQ==", "Yg==", "Yw==", "eA==", "plain"] {
            assert!(!before.contains(secret) && !after.contains(secret), "{before}{after}");
        }
        assert!(
            before.contains("*** (before)") && after.contains("*** (after)"),
            "{before}{after}"
        );
    }

    #[test]
    fn other_kinds_show_their_values() {
        let mut map = document("apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n");
        mask(None, Some(&mut map));
        assert!(map.to_text().contains("a: b"));
    }
}
