//! Secret values are never shown, only whether they differ.

use std::collections::BTreeMap;

use crate::yaml::{Document, NodeRef, Path, Value};

/// The fields of a Secret that hold no values. All others do: `data`, `stringData`, and what is
/// written for one of them, such as `stringdata`, which no API server takes but a file can hold.
///
/// Source: kubernetes/api, `core/v1`, `Secret`.
const SHOWN: [&str; 5] = ["apiVersion", "kind", "metadata", "type", "immutable"];

/// The annotation in which `kubectl apply` keeps the whole object, values included.
///
/// Source: kubernetes/api, `core/v1`, `LastAppliedConfigAnnotation`.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Replaces the values of Secrets on both sides as `kubectl diff` does: `***` where they are the
/// same, `*** (before)` and `*** (after)` where they differ. The last applied configuration counts
/// as a value. Comments are left out of Secrets, as they may tell values too.
///
/// Source: kubernetes/kubectl, `pkg/cmd/diff`.
pub fn mask(before: Option<&mut Document>, after: Option<&mut Document>) {
    let mut before = before.filter(|document| is_secret(document));
    let mut after = after.filter(|document| is_secret(document));
    let left = before.as_deref().map(values).unwrap_or_default();
    let right = after.as_deref().map(values).unwrap_or_default();
    if let Some(document) = &mut before {
        hide(document, &left, &right, "*** (before)");
    }
    if let Some(document) = &mut after {
        hide(document, &right, &left, "*** (after)");
    }
}

fn is_secret(document: &Document) -> bool {
    document.at(&["kind"]).and_then(NodeRef::as_str) == Some("Secret")
        && document.at(&["apiVersion"]).and_then(NodeRef::as_str) == Some("v1")
}

/// What must not be shown of a Secret, and where it is.
fn values(secret: &Document) -> BTreeMap<Path, String> {
    let mut values = BTreeMap::new();
    let hidden = secret.root().entries().filter(|(field, _)| !SHOWN.contains(field));
    for (field, node) in hidden.filter(|(_, node)| !node.is_null()) {
        let path = Path::root().key(field.to_owned());
        // No API server takes anything but a mapping; a file can hold it.
        if !node.is_mapping() {
            values.insert(path.clone(), node.to_json().to_string());
        }
        for (key, value) in node.entries() {
            values.insert(path.key(key.to_owned()), value.to_json().to_string());
        }
    }
    let last_applied = ["metadata", "annotations", LAST_APPLIED];
    if let Some(value) = secret.at(&last_applied) {
        values.insert(Path::keys(last_applied), value.to_json().to_string());
    }
    values
}

fn hide(
    secret: &mut Document,
    own: &BTreeMap<Path, String>,
    other: &BTreeMap<Path, String>,
    differs: &str,
) {
    *secret = secret.without_comments();
    for (path, value) in own {
        let is_same = other.get(path).is_none_or(|there| there == value);
        // The path was read from this document.
        let _ = secret.set(path, Value::string(if is_same { "***" } else { differs }));
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
    fn the_last_applied_configuration_and_comments_never_show() {
        let text = |value: &str| {
            format!(
                "# {value}\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    team: a\n    {LAST_APPLIED}: |\n      {{\"data\":{{\"k\":\"{value}\"}}}}\ndata:\n  # was {value}\n  k: YQ== # {value}\n"
            )
        };
        let (mut before, mut after) = (document(&text("b2xk")), document(&text("bmV3")));
        mask(Some(&mut before), Some(&mut after));
        assert_eq!(
            before.to_text(),
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    team: a\n    {LAST_APPLIED}: \"*** (before)\"\ndata:\n  k: \"***\"\n"
            )
        );
        assert!(!after.to_text().contains("bmV3"), "{}", after.to_text());
        let mut alone = document(&text("b2xk"));
        mask(None, Some(&mut alone));
        assert!(!alone.to_text().contains("b2xk"), "{}", alone.to_text());
        assert!(
            alone.to_text().contains(&format!("{LAST_APPLIED}: \"***\"")),
            "{}",
            alone.to_text()
        );
    }

    #[test]
    fn what_no_secret_should_hold_never_shows_either() {
        for values in [
            "stringData: plain",
            "data: [plain, {k: plain}]",
            "data: \"plain\"",
            "stringdata: {k: plain}",
            "base: &base {k: plain}\nstringData: {<<: *base}",
        ] {
            let mut alone = document(&format!("apiVersion: v1\nkind: Secret\n{values}\n"));
            mask(None, Some(&mut alone));
            let text = alone.to_text();
            assert!(text.contains("***") && !text.contains("plain"), "{text}");
        }
        let mut empty = document("apiVersion: v1\nkind: Secret\ndata:\n");
        mask(None, Some(&mut empty));
        assert!(!empty.to_text().contains("***"));
    }

    #[test]
    fn other_kinds_show_their_values() {
        let mut map = document("apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n");
        mask(None, Some(&mut map));
        assert!(map.to_text().contains("a: b"));
    }
}
