//! Service names in text: DNS names, `host:port` pairs, URLs.
//!
//! Source: kubernetes.io/docs/concepts/services-networking/dns-pod-service.

use super::variable_names::may_hold_host;
use std::iter;
use std::ops::Range;

/// A name that a pod's resolver may take for a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterHost<'a> {
    /// `web`: a Service of the pod's own namespace.
    Bare {
        /// The Service.
        name: &'a str,
    },
    /// `web.prod`, `web.prod.svc`, `web.prod.svc.cluster.local`.
    Namespaced {
        /// The Service.
        name: &'a str,
        /// Its namespace.
        namespace: &'a str,
        /// Whether `svc` follows, so that no domain of the internet can be meant.
        is_svc: bool,
    },
}

impl<'a> ClusterHost<'a> {
    /// Reads a host; `None` for what is no Service's name (an upper-case, numeric or longer name
    /// whose third part is not `svc`). One dot at the end is allowed.
    pub fn parse(host: &'a str) -> Option<Self> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let mut labels = host.split('.');
        let name = labels.next().filter(|name| is_label(name))?;
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return None;
        }
        let Some(namespace) = labels.next() else { return Some(Self::Bare { name }) };
        let is_svc = match labels.next() {
            None => false,
            Some("svc") => true,
            Some(_) => return None,
        };
        let rest_is_domain = labels.all(is_label);
        (is_label(namespace) && rest_is_domain).then_some(Self::Namespaced {
            name,
            namespace,
            is_svc,
        })
    }

    /// The Service's name.
    pub fn name(self) -> &'a str {
        match self {
            Self::Bare { name } | Self::Namespaced { name, .. } => name,
        }
    }

    /// The namespace, where one is written.
    pub fn namespace(self) -> Option<&'a str> {
        match self {
            Self::Bare { .. } => None,
            Self::Namespaced { namespace, .. } => Some(namespace),
        }
    }
}

pub(super) fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Where the host of a URL is; `None` for what has no scheme.
pub fn url_host(url: &str) -> Option<Range<usize>> {
    let authority = url.find("://")? + 3;
    let rest = url.get(authority..)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let user = rest.get(..end)?.rfind('@').map_or(0, |at| at + 1);
    let host = rest.get(user..end)?;
    let length = host.find(':').unwrap_or(host.len());
    Some(authority + user..authority + user + length)
}

/// A Service's name within a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The bytes of the name alone, without namespace, port and the rest.
    pub range: Range<usize>,
    /// The Service.
    pub name: String,
    /// The namespace that the text gives.
    pub namespace: Option<String>,
}

impl Mention {
    /// Whether `svc` follows its namespace in the text, so that no domain of the internet can be meant.
    pub fn is_svc(&self, text: &str) -> bool {
        let rest = text.get(self.range.end..).and_then(|rest| rest.strip_prefix('.'));
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let rest = rest.and_then(|rest| rest.strip_prefix(namespace)?.strip_prefix(".svc"));
        rest.is_some_and(|rest| !rest.starts_with(is_host_char) || rest.starts_with('.'))
    }
}

/// Characters of hosts that stand together, with what stands around them.
pub(super) struct HostToken<'a> {
    pub(super) before: &'a str,
    pub(super) token: &'a str,
    pub(super) after: &'a str,
}

/// All that may be hosts in a text, from left to right.
pub(super) fn host_tokens(text: &str) -> impl Iterator<Item = HostToken<'_>> {
    let mut end = 0;
    iter::from_fn(move || {
        let start = end + text.get(end..)?.find(is_host_char)?;
        let rest = text.get(start..)?;
        end = start + rest.find(|c| !is_host_char(c)).unwrap_or(rest.len());
        let (before, token, after) = (text.get(..start)?, text.get(start..end)?, text.get(end..)?);
        Some(HostToken { before, token, after })
    })
}

/// The Services that the value of an environment variable names, from left to right.
///
/// A host counts where it stands alone: between the ends of the text, blanks, quotes, brackets,
/// `,`, `;`, `=`, `|`, after `://` or `user@`, before a port or path. A bare name, which may be any
/// word, counts only after `://`, before `:port`, or as the whole of the text or of an item of it,
/// items being separated by commas; a name of another word (`web2`, `my-web`, `/etc/web`) never
/// does. As an item it does not count where `variable`, the name of the variable, says that there is
/// no host in it (`SPRING_APPLICATION_NAME`, `MYSQL_DATABASE`).
/// `is_service` says which names, with the namespace the text gives, are Services.
pub fn mentions(
    variable: &str,
    text: &str,
    is_service: impl Fn(&str, Option<&str>) -> bool,
) -> Vec<Mention> {
    let mut may_be_bare = None;
    let mut found = Vec::new();
    for HostToken { before, token, after } in host_tokens(text) {
        let Some(host) = ClusterHost::parse(token) else { continue };
        let (is_named, is_word) = match host {
            ClusterHost::Bare { .. } if stands_as_host(before, after) => (true, false),
            ClusterHost::Bare { .. } => (is_whole_item(before, after), true),
            ClusterHost::Namespaced { .. } => {
                (follows_bound(before) && precedes_bound(after), false)
            }
        };
        // What the variable is called is asked last, and once: few values are words that are Services.
        if is_named
            && is_service(host.name(), host.namespace())
            && (!is_word || *may_be_bare.get_or_insert_with(|| may_hold_host(variable)))
        {
            found.push(Mention {
                range: before.len()..before.len() + host.name().len(),
                name: host.name().to_owned(),
                namespace: host.namespace().map(str::to_owned),
            });
        }
    }
    found
}

/// The text with the name of each mention replaced; mentions are of this text and in order.
pub fn replace(text: &str, mentions: &[Mention], new_name: impl Fn(&Mention) -> String) -> String {
    let mut out = String::with_capacity(text.len() + 16 * mentions.len());
    let mut copied = 0;
    for mention in mentions {
        out.push_str(text.get(copied..mention.range.start).unwrap_or(""));
        out.push_str(&new_name(mention));
        copied = mention.range.end;
    }
    out.push_str(text.get(copied..).unwrap_or(""));
    out
}

/// The longest `user:password` of a URL that is looked for, in characters.
const USER_LIMIT: usize = 256;

pub(super) fn is_host_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// Whether the text before a bare name or the port behind it says that it is a host.
fn stands_as_host(before: &str, after: &str) -> bool {
    let follows_scheme = before.ends_with("://") || follows_user(before);
    (follows_scheme && precedes_bound(after)) || (follows_bound(before) && has_port(after))
}

/// Whether there is nothing but blanks up to a comma or the end of the text, on both sides.
fn is_whole_item(before: &str, after: &str) -> bool {
    let (before, after) = (before.trim_end(), after.trim_start());
    (before.is_empty() || before.ends_with(',')) && (after.is_empty() || after.starts_with(','))
}

/// Whether `scheme://user@` or `scheme://user:password@` ends here.
fn follows_user(before: &str) -> bool {
    let Some(before) = before.strip_suffix('@') else { return false };
    let ends_user = |c: char| c.is_whitespace() || matches!(c, '/' | ',' | '"' | '\'');
    // The search is short so that a text full of `@` costs no more than another.
    let near = before.char_indices().rev().take(USER_LIMIT);
    let start = near.into_iter().find(|(_, c)| ends_user(*c)).map(|(at, _)| at);
    start.and_then(|at| before.get(..=at)).is_some_and(|before| before.ends_with("://"))
}

pub(super) fn follows_bound(before: &str) -> bool {
    let bound = |c: char| c.is_whitespace() || ",;=|\"'`([{<".contains(c);
    before.chars().next_back().is_none_or(bound) || before.ends_with("://") || follows_user(before)
}

fn precedes_bound(after: &str) -> bool {
    let bound = |c: char| c.is_whitespace() || ",;|\"'`)]}>/?#&".contains(c);
    after.chars().next().is_none_or(bound) || has_port(after)
}

fn has_port(after: &str) -> bool {
    let Some(rest) = after.strip_prefix(':') else { return false };
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (Some(digits), Some(next)) = (rest.get(..length), rest.get(length..)) else { return false };
    let is_alone = next.chars().next().is_none_or(|c| !is_host_char(c) && c != ':' && c != '@');
    is_alone && digits.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<String> {
        named_in("", text)
    }

    fn named_in(variable: &str, text: &str) -> Vec<String> {
        let is_service = |name: &str, namespace: Option<&str>| {
            matches!(name, "web" | "api") && matches!(namespace, None | Some("prod"))
        };
        let found = mentions(variable, text, is_service);
        found
            .iter()
            .map(|mention| {
                assert_eq!(text.get(mention.range.clone()), Some(mention.name.as_str()));
                match &mention.namespace {
                    Some(namespace) => format!("{}@{namespace}", mention.name),
                    None => mention.name.clone(),
                }
            })
            .collect()
    }

    #[test]
    fn names_of_services_are_found() {
        for (text, expected) in [
            ("web", vec!["web"]),
            ("web:8080", vec!["web"]),
            ("http://web", vec!["web"]),
            ("http://web/health?a=b", vec!["web"]),
            ("web.prod", vec!["web@prod"]),
            ("web.prod.svc:80", vec!["web@prod"]),
            ("https://web.prod.svc.cluster.local:8443/a", vec!["web@prod"]),
            ("web.prod.svc.cluster.local.", vec!["web@prod"]),
            (" web ", vec!["web"]),
            ("web,api", vec!["web", "api"]),
            ("web,web.prod", vec!["web", "web@prod"]),
            ("web.prod, api , other,web", vec!["web@prod", "api", "web"]),
            ("web:80,api:80", vec!["web", "api"]),
            ("web:80, api:80,\tweb", vec!["web", "api", "web"]),
            ("http://web:80;http://api.prod/x", vec!["web", "api@prod"]),
            ("--backend=http://web:8080/x", vec!["web"]),
            ("--upstream=web.prod.svc:80", vec!["web@prod"]),
            ("jdbc:mysql://api:3306/orders?useSSL=false", vec!["api"]),
            ("amqp://user:pass@web:5672", vec!["web"]),
            ("redis://:pass@api.prod:6379/0", vec!["api@prod"]),
            ("{\"url\":\"http://web:80\"}", vec!["web"]),
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
    }

    #[test]
    fn other_words_are_not() {
        for text in [
            "web2",
            "my-web",
            "web-2:80",
            "the web server",
            "the web, an api",
            "web;api",
            "/etc/web,/srv/api",
            "/etc/web",
            "/srv/web.prod",
            "web/templates",
            "web=1",
            "web.test",
            "web.example.com",
            "http://web.example.com/",
            "http://example.com/web",
            "registry.example.com/web:1",
            "web:latest",
            "web:1.25",
            "web:70000",
            "WEB:80",
            "mail@web.prod",
            "a.web.prod.svc",
            "http://web2:80",
            "wéb:80",
            "éweb:80",
            "",
        ] {
            assert_eq!(named(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_word_is_none_where_the_variable_holds_no_host() {
        for (text, expected) in [
            ("web", vec![]),
            (" web ", vec![]),
            ("web,api", vec![]),
            ("web:80", vec!["web"]),
            ("http://web", vec!["web"]),
            ("web.prod", vec!["web@prod"]),
            ("web, api:80,web.prod.svc", vec!["api", "web@prod"]),
            ("jdbc:mysql://api/web", vec!["api"]),
        ] {
            for variable in ["MYSQL_DATABASE", "spring.application.name", "groupId"] {
                assert_eq!(named_in(variable, text), expected, "{variable}={text}");
            }
        }
        assert_eq!(named_in("DATABASE_HOST", "web,api"), ["web", "api"]);
    }

    #[test]
    fn replacing_keeps_the_rest() {
        let text = "http://web:80/web,api.prod.svc:80,web2:80";
        let found = mentions("", text, |name, _| matches!(name, "web" | "api"));
        assert_eq!(
            replace(text, &found, |mention| format!("{}-gray", mention.name)),
            "http://web-gray:80/web,api-gray.prod.svc:80,web2:80"
        );
    }

    #[test]
    fn the_host_of_a_url() {
        for (url, host) in [
            ("http://web.prod.svc:80/a@b", Some("web.prod.svc")),
            ("http://user:pass@web?x", Some("web")),
            ("web:80", None),
        ] {
            assert_eq!(url_host(url).and_then(|range| url.get(range)), host, "{url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_keeps_what_is_not_named(text in "[a-c.:/@, é\"=-]{0,40}") {
            let found = mentions("", &text, |_, _| true);
            proptest::prop_assert_eq!(replace(&text, &found, |mention| mention.name.clone()), text);
        }
    }
}
