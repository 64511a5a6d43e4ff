//! Container image references.
//!
//! Grammar: distribution/reference reference.go; what counts as a registry: its normalize.go.

use std::fmt;

/// A reference as it is written: nothing is filled in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageRef {
    /// Host with its port, where the first part of the name is one.
    pub registry: Option<String>,
    /// The path in the registry: `library/nginx`.
    pub path: String,
    /// The tag.
    pub tag: Option<String>,
    /// Algorithm and hexadecimal digits: `sha256:...`.
    pub digest: Option<String>,
}

/// The longest tag, in characters.
const TAG_LIMIT: usize = 128;

/// The longest name (registry and path), in characters.
const NAME_LIMIT: usize = 255;

impl ImageRef {
    /// Reads a reference.
    ///
    /// # Errors
    ///
    /// A message that says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        read(text).map_err(|why| format!("`{text}` is not an image reference: {why}"))
    }

    /// Registry and path, without tag and digest.
    pub fn repository(&self) -> String {
        match &self.registry {
            Some(registry) => format!("{registry}/{}", self.path),
            None => self.path.clone(),
        }
    }
}

impl fmt::Display for ImageRef {
    /// The text it was read from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn read(text: &str) -> Result<ImageRef, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if let Some(bad) = text.chars().find(|c| c.is_whitespace()) {
        return Err(format!("it holds white space ({bad:?})"));
    }
    if text.contains("://") {
        return Err("it starts with a scheme; leave it out".to_owned());
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    if let Some(digest) = digest {
        check_digest(digest)?;
    }
    // A colon before the last slash belongs to the registry's port.
    let path_start = rest.rfind('/').map_or(0, |slash| slash + 1);
    let last = rest.get(path_start..).unwrap_or("");
    let (name, tag) = match last.find(':') {
        Some(colon) => {
            let colon = path_start + colon;
            (rest.get(..colon).unwrap_or(""), rest.get(colon + 1..))
        }
        None => (rest, None),
    };
    if let Some(tag) = tag {
        check_tag(tag)?;
    }
    if name.is_empty() {
        return Err("there is no name before the tag or digest".to_owned());
    }
    let (registry, path) = match name.split_once('/') {
        Some((first, path)) if is_registry(first) => (Some(first), path),
        _ => (None, name),
    };
    if let Some(registry) = registry {
        check_registry(registry)?;
    }
    for component in path.split('/') {
        check_component(component)?;
    }
    if name.len() > NAME_LIMIT {
        return Err(format!("its name is longer than {NAME_LIMIT} characters"));
    }
    if registry.is_none() && is_hex(path) && path.len() == 64 {
        return Err("64 hexadecimal digits are an image's id, not its name".to_owned());
    }
    Ok(ImageRef {
        registry: registry.map(str::to_owned),
        path: path.to_owned(),
        tag: tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
    })
}

fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.chars().any(char::is_uppercase)
}

fn check_registry(registry: &str) -> Result<(), String> {
    let bracketed = registry.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bracketed {
        Some((address, rest)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(format!("`{address}` is not an IPv6 address"));
            }
            match rest.strip_prefix(':') {
                Some(port) => (None, Some(port)),
                None if rest.is_empty() => (None, None),
                None => return Err(format!("`{rest}` after the registry's address is not a port")),
            }
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(registry), None),
        },
    };
    if let Some(port) = port
        && (port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(format!("the registry's port `{port}` is not a number"));
    }
    for label in host.into_iter().flat_map(|host| host.split('.')) {
        let inner = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if label.is_empty() || !inner || label.starts_with('-') || label.ends_with('-') {
            return Err(format!("`{label}` in the registry `{registry}` is not a DNS label"));
        }
    }
    Ok(())
}

fn check_component(component: &str) -> Result<(), String> {
    if component.is_empty() {
        return Err("its path has an empty part; look for `//` or a `/` at an end".to_owned());
    }
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator = |c: char| matches!(c, '.' | '_' | '-');
    if let Some(bad) = component.chars().find(|c| !is_alphanumeric(*c) && !is_separator(*c)) {
        let hint = if bad.is_uppercase() { "; paths are lower case" } else { "" };
        return Err(format!("`{bad}` is not allowed in the path part `{component}`{hint}"));
    }
    if component.starts_with(is_separator) || component.ends_with(is_separator) {
        return Err(format!("the path part `{component}` starts or ends with a separator"));
    }
    let separators = component.split(is_alphanumeric).filter(|run| !run.is_empty());
    for run in separators {
        if !matches!(run, "." | "_" | "__") && !run.bytes().all(|byte| byte == b'-') {
            return Err(format!("`{run}` separates nothing in the path part `{component}`"));
        }
    }
    Ok(())
}

fn check_tag(tag: &str) -> Result<(), String> {
    if tag.is_empty() {
        return Err("the tag after `:` is empty".to_owned());
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(bad) = tag.chars().find(|c| !is_word(*c) && !matches!(c, '.' | '-')) {
        return Err(format!("`{bad}` is not allowed in the tag `{tag}`"));
    }
    if !tag.starts_with(is_word) {
        return Err(format!("the tag `{tag}` must start with a letter, a digit or `_`"));
    }
    match tag.len().checked_sub(TAG_LIMIT) {
        None | Some(0) => Ok(()),
        Some(over) => Err(format!("its tag is {over} characters longer than {TAG_LIMIT}")),
    }
}

fn check_digest(digest: &str) -> Result<(), String> {
    let bad = |why: &str| Err(format!("the digest `{digest}` {why}"));
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return bad("has no algorithm; write `sha256:` before it");
    };
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric())
    };
    if !algorithm.split(['+', '.', '-', '_']).all(is_part) {
        return bad("has no valid algorithm before `:`");
    }
    if !is_hex(hex) {
        return bad("must have hexadecimal digits after `:`");
    }
    let wanted = match algorithm {
        "sha256" => Some(64),
        "sha384" => Some(96),
        "sha512" => Some(128),
        _ => None,
    };
    match wanted {
        Some(wanted) if hex.len() != wanted => {
            bad(&format!("has {} digits, {algorithm} has {wanted}", hex.len()))
        }
        None if hex.len() < 32 => bad("has fewer than 32 digits"),
        _ => Ok(()),
    }
}

/// Lower case only: registries compare digests as text.
fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parts(text: &str) -> (Option<String>, String, Option<String>, Option<String>) {
        let image = ImageRef::parse(text).unwrap();
        assert_eq!(image.to_string(), text);
        (image.registry, image.path, image.tag, image.digest)
    }

    #[test]
    fn references_come_apart() {
        let with_digest = format!("r.example.com/a/b:1.0@{SHA}");
        for (text, registry, path, tag, digest) in [
            ("nginx", None, "nginx", None, None),
            ("nginx:1.25", None, "nginx", Some("1.25"), None),
            ("library/nginx", None, "library/nginx", None, None),
            ("localhost/web", Some("localhost"), "web", None, None),
            ("localhost:5000/web:a", Some("localhost:5000"), "web", Some("a"), None),
            ("10.0.0.1:5000/web", Some("10.0.0.1:5000"), "web", None, None),
            ("[2001:db8::1]:5000/web", Some("[2001:db8::1]:5000"), "web", None, None),
            ("Registry/web", Some("Registry"), "web", None, None),
            ("a/b__c/d-----e/f.g", None, "a/b__c/d-----e/f.g", None, None),
            ("web:_A-1.x", None, "web", Some("_A-1.x"), None),
            (with_digest.as_str(), Some("r.example.com"), "a/b", Some("1.0"), Some(SHA)),
        ] {
            let expected = (
                registry.map(str::to_owned),
                path.to_owned(),
                tag.map(str::to_owned),
                digest.map(str::to_owned),
            );
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let long_tag = format!("web:{}", "a".repeat(130));
        let id = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let long_name = format!("a.b/{}", "a".repeat(300));
        for (text, part) in [
            ("", "it is empty"),
            ("web 1", "white space"),
            ("web:1\n", "white space"),
            ("https://r.example.com/web", "scheme"),
            ("web:", "the tag after `:` is empty"),
            (":1", "no name"),
            ("web:-1", "must start with"),
            ("web:x/2", "port `x` is not a number"),
            ("r.example.com:/web", "port `` is not a number"),
            ("r.example.com/Web", "paths are lower case"),
            ("a//b", "empty part"),
            ("a/", "empty part"),
            ("a..b", "`..` separates nothing"),
            ("a___b", "`___` separates nothing"),
            ("-a", "starts or ends with a separator"),
            ("web:1:2", "`:` is not allowed in the tag"),
            ("-r.example.com/web", "is not a DNS label"),
            ("[::g]/web", "is not an IPv6 address"),
            ("web@abc", "no algorithm"),
            ("web@sha256:abc", "has 3 digits, sha256 has 64"),
            ("web@sha256:XYZ", "hexadecimal"),
            ("web@md5:abc", "fewer than 32"),
            ("wéb", "`é` is not allowed"),
            (long_tag.as_str(), "2 characters longer than 128"),
            (long_name.as_str(), "longer than 255"),
            (id, "not its name"),
        ] {
            match ImageRef::parse(text) {
                Err(message) => assert!(message.contains(part), "{message}"),
                Ok(image) => panic!("{text} was read as {image:?}"),
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_written_back(text in "[a-cA:/@._\\[\\]é0-]{0,30}") {
            if let Ok(image) = ImageRef::parse(&text) {
                proptest::prop_assert_eq!(image.to_string(), text);
            }
        }
    }
}
