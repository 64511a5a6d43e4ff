//! Which lines of a file no message repeats: those of Secrets. Messages go into the logs of jobs, and
//! others than those who may read the repository can see these.
//!
//! The text may be no YAML at all, so that it is looked for as text: a Secret in a form that nobody
//! writes (`kind: !!str Secret`) is not found.

use std::ops::Range;

/// The documents of a text that are Secrets or may hold some, as ranges of bytes in order.
pub(crate) fn secrets(text: &str) -> Vec<Range<usize>> {
    // Most files hold none.
    if !text.contains("Secret") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if is_marker(line) {
            found.push(start..at);
            start = at;
        }
        at += line.len();
    }
    found.push(start..text.len());
    found.retain(|range| may_hold_secret(&text[range.clone()]));
    found
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

/// Whether a document says at its top that it is a Secret, or is one in which any value may stand
/// anywhere and names the kind: a list, or JSON.
fn may_hold_secret(document: &str) -> bool {
    let is_list = || {
        document.lines().any(|line| {
            let value =
                line.strip_prefix("kind:").map(|value| value.trim().trim_matches(['"', '\'']));
            value.is_some_and(|kind| kind.ends_with("List"))
        })
    };
    let is_flow = || {
        let mut lines =
            document.lines().map(|line| line.strip_prefix("---").unwrap_or(line).trim_start());
        let first = lines.find(|line| !(line.is_empty() || line.starts_with('#')));
        first.is_some_and(|line| line.starts_with(['{', '[']))
    };
    document.match_indices("Secret").any(|(at, word)| {
        let rest = &document[at + word.len()..];
        let rest = rest.strip_prefix("List").unwrap_or(rest);
        let before = document[..at].trim_end_matches(['"', '\'']).trim_end();
        let key = before.strip_suffix(':').map(|key| key.trim_end().trim_end_matches(['"', '\'']));
        let Some(above) = key.and_then(|key| key.strip_suffix("kind")) else { return false };
        let is_on_top =
            above.trim_end_matches(['"', '\'']).chars().next_back().is_none_or(|c| c == '\n');
        !rest.starts_with(char::is_alphanumeric) && (is_on_top || is_flow() || is_list())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, usize)> {
        secrets(text).into_iter().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn documents_that_are_secrets_or_hold_some() {
        let all = [
            "--- {kind: Secret}\n",
            "apiVersion: v1\nkind: Secret\n",
            "apiVersion: v1\nkind: \"Secret\" # x\ndata: [\n",
            "\"kind\": 'Secret'\r\n",
            "{\"kind\":\"Secret\",\"data\":{}}",
            "--- # first\n{\n  \"kind\" : \"Secret\"\n}\n",
            "kind: SecretList\nitems: []\n",
            "kind: List\nitems:\n- kind: Secret\n  data: {a: b}\n",
            "kind:\n  Secret\n",
        ];
        for text in all {
            assert_eq!(found(text), [(0, text.len())], "{text}");
        }
    }

    #[test]
    fn documents_that_only_name_them_are_shown() {
        let none = [
            "kind: Gateway\nspec:\n  certificateRefs:\n  - kind: Secret\n    name: tls\n",
            "kind: SecretProviderClass\n",
            "kind: Deployment\nmetadata: {name: Secret}\n",
            "kind: ConfigMap\n",
            "",
        ];
        for text in none {
            assert!(secrets(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn of_several_documents_only_secrets_are_found() {
        let (service, secret) = ("kind: Service\n", "---\nkind: Secret\n---x: 1\n");
        let text = [service, secret, "--- \n", service].concat();
        assert_eq!(found(&text), [(service.len(), service.len() + secret.len())]);
    }
}
