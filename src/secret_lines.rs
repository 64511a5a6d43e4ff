//! Which lines of a file no message repeats: those of Secrets. Messages go into the logs of jobs, and
//! others than those who may read the repository can see these.
//!
//! The text may be no YAML at all, so that it is looked for as text. Where it is not clear, nothing is
//! repeated.

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

/// Whether a document may be or hold a Secret: it names the kind, and is at its top clearly no object of
/// another one, which may refer to Secrets.
fn may_hold_secret(document: &str) -> bool {
    names_secrets(document)
        && kind_on_top(document).is_none_or(|kind| kind == "Secret" || kind.ends_with("List"))
}

/// Whether `kind: Secret` or `kind: SecretList` stands anywhere, however it is written.
fn names_secrets(document: &str) -> bool {
    document.match_indices("Secret").any(|(at, word)| {
        let rest = &document[at + word.len()..];
        let rest = rest.strip_prefix("List").unwrap_or(rest);
        let mut before = document[..at].trim_end_matches(QUOTES).trim_end();
        // A tag or an anchor.
        while let Some((above, word)) = before.rsplit_once(char::is_whitespace)
            && word.starts_with(['!', '&'])
        {
            before = above.trim_end();
        }
        let key = before.strip_suffix(':').map(|key| key.trim_end().trim_end_matches(QUOTES));
        key.is_some_and(|key| key.ends_with("kind")) && !rest.starts_with(char::is_alphanumeric)
    })
}

const QUOTES: [char; 2] = ['"', '\''];

/// The kind of the object that a document in block style is; `None` where that cannot be told.
fn kind_on_top(document: &str) -> Option<&str> {
    let plain = |line| {
        let line: &str = str::trim_start_matches(line, '\u{feff}');
        if is_marker(line) { line.trim_start_matches('-') } else { line }
    };
    let mut lines = document.lines().map(plain).filter(|line| {
        let text = line.trim_start();
        !(text.is_empty() || text.starts_with(['#', '%']))
    });
    let indent = |line: &str| line.len() - line.trim_start().len();
    let first = lines.clone().next()?;
    let is_kind = |line: &&str| {
        let key = line.split_once(':').map(|(key, _)| key.trim().trim_matches(QUOTES));
        indent(line) == indent(first) && key == Some("kind")
    };
    let (_, value) = lines.find(is_kind)?.split_once(':')?;
    let value = value.split(" #").next()?.trim().trim_matches(QUOTES);
    let is_name = !value.is_empty() && value.chars().all(char::is_alphanumeric);
    is_name.then_some(value)
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
            "\u{feff}kind: Secret\nstringData: {p: x}\n",
            "\u{feff}{\"kind\":\"Secret\",\n\"stringData\":{}}",
            "\u{feff}kind: List\nitems:\n- kind: Secret\n",
            "  apiVersion: v1\n  kind: Secret\n",
            "kind: List # all\nitems:\n- apiVersion: v1\n  kind: Secret\n",
            "\"kind\": List\nitems: [{kind: Secret}]\n",
            "kind : List\nitems:\n- {kind: Secret}\n",
            "kind : Secret\n",
            "kind: !!str Secret\n",
            "kind: &k Secret\n",
            "? kind\n: Secret\nstringData: {}\n",
            "- kind: Secret\n",
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
            "# kind\napiVersion: v1\nkind: Pod # x\nspec:\n  ref: {kind: Secret}\n",
            "kind: Deployment\nmetadata: {name: Secret}\n",
            "kind: ConfigMap\n",
            "",
        ];
        for text in none {
            assert!(secrets(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_stands_above_a_document_is_none_of_it() {
        assert_eq!(found("%YAML 1.1\n---\nkind: Secret\n"), [(10, 27)]);
    }

    #[test]
    fn of_several_documents_only_secrets_are_found() {
        let (service, secret) = ("kind: Service\n", "---\nkind: Secret\n---x: 1\n");
        let text = [service, secret, "--- \n", service].concat();
        assert_eq!(found(&text), [(service.len(), service.len() + secret.len())]);
    }
}
