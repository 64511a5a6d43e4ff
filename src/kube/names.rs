//! What names and labels may look like, with messages that say what to change.
//!
//! Rules: kubernetes.io/docs/concepts/overview/working-with-objects/names and /labels;
//! kubernetes/apimachinery pkg/util/validation.

use super::kinds::{kind_of, kinds_named};
use std::fmt::Write;

/// The longest DNS label, label value, and name part of a label key, in characters.
pub const LABEL_LIMIT: usize = 63;

/// The longest DNS subdomain, in characters.
pub const SUBDOMAIN_LIMIT: usize = 253;

/// A DNS label of RFC 1123: lower-case letters, digits and `-` within, at most 63 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DnsLabel(String);

impl DnsLabel {
    /// Checks a text.
    ///
    /// # Errors
    ///
    /// As [`check_dns_label`].
    pub fn new(text: &str) -> Result<Self, String> {
        check_dns_label(text).map(|()| Self(text.to_owned()))
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for DnsLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of characters with the words for it.
struct Alphabet {
    /// Which characters may stand within.
    inner: fn(char) -> bool,
    /// Which may stand at both ends.
    outer: fn(char) -> bool,
    inner_words: &'static str,
    outer_words: &'static str,
}

const DNS: Alphabet = Alphabet {
    inner: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
    outer: |c| c.is_ascii_lowercase() || c.is_ascii_digit(),
    inner_words: "lower-case letters, digits and `-`",
    outer_words: "a lower-case letter or a digit",
};

/// Of the parts of a DNS subdomain.
const SUBDOMAIN: Alphabet =
    Alphabet { inner_words: "lower-case letters, digits, `-` and `.`", ..DNS };

const QUALIFIED: Alphabet = Alphabet {
    inner: |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'),
    outer: |c| c.is_ascii_alphanumeric(),
    inner_words: "letters, digits, `-`, `_` and `.`",
    outer_words: "a letter or a digit",
};

impl Alphabet {
    fn check(&self, text: &str) -> Result<(), String> {
        let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else {
            return Err("it is empty".to_owned());
        };
        if let Some((position, bad)) = text.chars().enumerate().find(|(_, c)| !(self.inner)(*c)) {
            let allowed = self.inner_words;
            let bad = shown(bad);
            return Err(format!(
                "character {} is `{bad}`; only {allowed} are allowed",
                position + 1
            ));
        }
        for (end, c) in [("start", first), ("end", last)] {
            if !(self.outer)(c) {
                return Err(format!("it must {end} with {}, not with `{c}`", self.outer_words));
            }
        }
        Ok(())
    }
}

/// A character as a message can hold it.
fn shown(c: char) -> String {
    if c.is_control() { c.escape_default().collect() } else { c.to_string() }
}

/// Checks a length in characters; the message says how many to cut.
fn check_length(text: &str, limit: usize) -> Result<(), String> {
    let length = text.chars().count();
    match length.checked_sub(limit) {
        None | Some(0) => Ok(()),
        Some(over) => {
            let noun = if over == 1 { "character" } else { "characters" };
            Err(format!(
                "it has {length} characters; cut {over} {noun} to come to the {limit} allowed"
            ))
        }
    }
}

fn about(what: &str, text: &str, result: Result<(), String>) -> Result<(), String> {
    result.map_err(|why| {
        let mut message = String::new();
        // Long input is shown only in part.
        let shown: String = text.chars().take(80).collect();
        let dots = if shown.len() < text.len() { "..." } else { "" };
        let _ = write!(message, "`{shown}{dots}` is not {what}: {why}");
        message
    })
}

/// Whether a text is a DNS label of RFC 1123 (`web-2`), as names of namespaces and tags are.
///
/// # Errors
///
/// The reason alone, to be put behind what the text should be: the bad character or how much to cut.
pub fn dns_label(text: &str) -> Result<(), String> {
    DNS.check(text).and_then(|()| check_length(text, LABEL_LIMIT))
}

/// Whether a text is a DNS subdomain: DNS labels with dots between, as most names of objects are.
///
/// # Errors
///
/// As [`dns_label`].
pub fn dns_subdomain(text: &str) -> Result<(), String> {
    subdomain(text, SUBDOMAIN_LIMIT)
}

/// Whether a text is the value of a label; it may be empty.
///
/// # Errors
///
/// As [`dns_label`].
pub fn label_value(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    QUALIFIED.check(text).and_then(|()| check_length(text, LABEL_LIMIT))
}

/// Whether a text can name an object of some kind that is called so, whatever its group.
///
/// # Errors
///
/// As [`dns_label`].
pub fn object_name(kind: &str, text: &str) -> Result<(), String> {
    match kinds_named(kind).any(|row| is_path_segment(row.group)) {
        true => path_segment(text),
        false => dns_subdomain(text),
    }
}

/// Checks a DNS label of RFC 1123, as [`dns_label`] does.
///
/// # Errors
///
/// A message that names the text, the bad character or how much to cut.
pub fn check_dns_label(text: &str) -> Result<(), String> {
    about("a DNS label", text, dns_label(text))
}

/// Checks a DNS label of RFC 1035, which starts with a letter, as names of Services are.
///
/// # Errors
///
/// As [`check_dns_label`].
pub fn check_service_label(text: &str) -> Result<(), String> {
    let starts = match text.chars().next() {
        Some(first) if first.is_ascii_digit() => {
            Err(format!("it must start with a lower-case letter, not with `{first}`"))
        }
        _ => Ok(()),
    };
    let result = DNS.check(text).and(starts).and_then(|()| check_length(text, LABEL_LIMIT));
    about("a DNS label (RFC 1035)", text, result)
}

/// Checks a DNS subdomain: DNS labels with dots between, as most names of objects are.
///
/// # Errors
///
/// As [`check_dns_label`].
pub fn check_subdomain(text: &str) -> Result<(), String> {
    about("a DNS subdomain", text, dns_subdomain(text))
}

fn subdomain(text: &str, limit: usize) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    for part in text.split('.') {
        SUBDOMAIN.check(part).map_err(|why| match part {
            _ if part == text => why,
            "" => "there is nothing between two of its dots, or before or after one".to_owned(),
            _ => format!("in its part `{part}`, {why}"),
        })?;
    }
    check_length(text, limit)
}

/// Checks the key of a label or annotation: `app`, `app.kubernetes.io/name`.
///
/// # Errors
///
/// As [`check_dns_label`].
pub fn check_label_key(text: &str) -> Result<(), String> {
    let name = match text.split_once('/') {
        None => Ok(text),
        Some((prefix, name)) => subdomain(prefix, SUBDOMAIN_LIMIT)
            .map_err(|why| format!("in its prefix, {why}"))
            .map(|()| name),
    };
    let result =
        name.and_then(|name| QUALIFIED.check(name).and_then(|()| check_length(name, LABEL_LIMIT)));
    about("a label key", text, result)
}

/// Checks the value of a label; it may be empty.
///
/// # Errors
///
/// As [`check_dns_label`].
pub fn check_label_value(text: &str) -> Result<(), String> {
    about("a label value", text, label_value(text))
}

/// The longest name an object of a kind may have, in characters. Source: the rows of
/// [`KINDS`](super::kinds::KINDS).
pub fn name_limit(group: &str, kind: &str) -> usize {
    kind_of(group, kind).name_limit
}

/// Checks the name of an object of a kind.
///
/// # Errors
///
/// As [`check_dns_label`].
pub fn check_name(group: &str, kind: &str, name: &str) -> Result<(), String> {
    let limit = name_limit(group, kind);
    match (group, kind) {
        ("", "Service") => check_service_label(name),
        ("", "Namespace") => check_dns_label(name),
        _ if is_path_segment(group) => about("a name", name, path_segment(name)),
        _ => about(&format!("a name for a {kind}"), name, subdomain(name, limit)),
    }
}

/// Whether names of objects of a group may be all that a path can hold: `system:node` is a role.
///
/// Source: kubernetes/kubernetes pkg/apis/rbac/validation, `ValidateRBACName`.
fn is_path_segment(group: &str) -> bool {
    group == "rbac.authorization.k8s.io"
}

/// Source: kubernetes/apimachinery pkg/api/validation/path `IsValidPathSegmentName`.
fn path_segment(name: &str) -> Result<(), String> {
    if name.is_empty() {
        Err("it is empty".to_owned())
    } else if matches!(name, "." | "..") {
        Err("it is a step in a path".to_owned())
    } else if let Some(bad) = name.chars().find(|c| matches!(c, '/' | '%')) {
        Err(format!("`{bad}` is not allowed"))
    } else {
        check_length(name, SUBDOMAIN_LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_pass() {
        assert_eq!(DnsLabel::new("pr-4711").unwrap().as_str(), "pr-4711");
        for (group, kind, name) in [
            ("", "Service", "web"),
            ("", "ConfigMap", "web.v1"),
            ("apps", "Deployment", "2-web"),
            ("rbac.authorization.k8s.io", "ClusterRole", "system:node"),
        ] {
            assert_eq!(check_name(group, kind, name), Ok(()), "{kind} {name}");
        }
        for key in ["app", "App_1", "app.kubernetes.io/name", "a/b.c_d"] {
            assert_eq!(check_label_key(key), Ok(()), "{key}");
        }
        for value in ["", "a", "1.10", "A_b-c"] {
            assert_eq!(check_label_value(value), Ok(()), "{value}");
        }
    }

    #[test]
    fn roles_are_called_what_a_path_can_hold() {
        for kind in ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"] {
            for name in ["system:Reader", "team+x", "a b", "a@b"] {
                assert_eq!(object_name(kind, name), Ok(()), "{kind} {name}");
            }
            for name in ["", "..", "a/b", "a%b", &"a".repeat(254)] {
                assert!(object_name(kind, name).is_err(), "{kind} {name}");
            }
        }
        assert!(object_name("ConfigMap", "system:reader").is_err());
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let long = "a".repeat(67);
        for (result, part) in [
            (check_dns_label(""), "`` is not a DNS label: it is empty"),
            (check_dns_label("Gray"), "character 1 is `G`; only lower-case letters"),
            (check_dns_label("a.b"), "character 2 is `.`"),
            (check_dns_label("grün"), "character 3 is `ü`"),
            (check_dns_label("-a"), "must start with a lower-case letter or a digit, not with `-`"),
            (check_dns_label("a-"), "must end with"),
            (
                check_dns_label(&long),
                "it has 67 characters; cut 4 characters to come to the 63 allowed",
            ),
            (check_service_label("2web"), "must start with a lower-case letter, not with `2`"),
            (check_subdomain("a..b"), "nothing between two of its dots"),
            (check_subdomain("a.B"), "in its part `B`, character 1 is `B`"),
            (check_label_key("a_b/c"), "in its prefix, character 2 is `_`"),
            (check_label_key("a/b/c"), "character 2 is `/`"),
            (check_label_key("a/"), "it is empty"),
            (check_label_value("a b"), "character 2 is ` `"),
            (check_label_value("-a"), "must start with a letter or a digit"),
            (check_name("rbac.authorization.k8s.io", "Role", "a/b"), "`/` is not allowed"),
        ] {
            let message = result.unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn limits_go_by_kind() {
        for (group, kind, limit) in [
            ("", "Service", 63),
            ("batch", "CronJob", 52),
            ("batch", "Job", 63),
            ("apps", "StatefulSet", 52),
            ("apps", "Deployment", 253),
            ("example.com", "Thing", 253),
        ] {
            assert_eq!(name_limit(group, kind), limit, "{kind}");
            let fits = "a".repeat(limit.min(63));
            assert_eq!(check_name(group, kind, &fits), Ok(()));
            assert!(check_name(group, kind, &"a".repeat(limit + 1)).is_err(), "{kind}");
        }
        let message = check_name("batch", "CronJob", &"a".repeat(53)).unwrap_err();
        assert!(message.ends_with("cut 1 character to come to the 52 allowed"), "{message}");
    }
}
