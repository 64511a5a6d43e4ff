//! The syntax of the names a spec holds.
//!
//! Every check returns what is wrong, to be put behind "`x` is not a legal ...: ".

use crate::kube::names::{self, LABEL_LIMIT, SUBDOMAIN_LIMIT};

/// The value of a label, not empty.
pub(super) fn label_value(text: &str) -> Result<(), String> {
    match text {
        "" => Err("it is empty".to_owned()),
        text => names::label_value(text),
    }
}

/// A kind: `Deployment`.
pub(super) fn kind(text: &str) -> Result<(), String> {
    length(text, LABEL_LIMIT)?;
    letters(text, "letters and digits", |c| c.is_ascii_alphanumeric())?;
    match text.starts_with(|c: char| c.is_ascii_uppercase()) {
        true => Ok(()),
        false => Err("it must start with a capital letter".to_owned()),
    }
}

/// An HTTP token (RFC 9110, section 5.6.2): names of headers and cookies.
pub(super) fn http_token(text: &str) -> Result<(), String> {
    length(text, SUBDOMAIN_LIMIT)?;
    letters(text, "letters, digits and !#$%&'*+-.^_`|~", |c| {
        c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
    })
}

/// The name of an environment variable: printable ASCII without `=`.
///
/// Source: `IsRelaxedEnvVarName` in kubernetes/apimachinery, pkg/util/validation.
pub(super) fn env_name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    letters(text, "printable ASCII characters but `=`", |c| matches!(c, ' '..='~') && c != '=')
}

/// A name behind a dot in a Go template.
///
/// Source: `lexField` in Go's text/template/parse, lex.go.
pub(super) fn template_name(text: &str) -> Result<(), String> {
    length(text, SUBDOMAIN_LIMIT)?;
    letters(text, "letters, digits and `_`", |c| c.is_alphanumeric() || c == '_')?;
    match text.starts_with(|c: char| c.is_ascii_digit()) {
        true => Err("it starts with a digit".to_owned()),
        false => Ok(()),
    }
}

/// The start of an image reference: nothing a registry's name can never hold.
pub(super) fn image(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    letters(text, "printable ASCII characters without spaces and quotes", |c| {
        c.is_ascii_graphic() && !matches!(c, '"' | '\'')
    })
}

/// An id that Alibaba Cloud gives: `hkhon1po62@c3df23522baa898`, `gw-2b1407e050f1446f`.
pub(super) fn cloud_id(text: &str) -> Result<(), String> {
    length(text, SUBDOMAIN_LIMIT)?;
    letters(text, "letters, digits, @, - and _", |c| {
        c.is_ascii_alphanumeric() || matches!(c, '@' | '-' | '_')
    })
}

/// The address of a server: `host:port`.
pub(super) fn endpoint(text: &str) -> Result<(), String> {
    let (host, port) = text.rsplit_once(':').ok_or("it has no port")?;
    length(host, SUBDOMAIN_LIMIT)?;
    letters(host, "letters, digits, `.`, `-`, and an IPv6 address in brackets", |c| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':')
    })?;
    match port.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err("its port is no number from 1 to 65535".to_owned()),
    }
}

/// A text that ends up in annotations: no control characters, no quotes.
pub(super) fn annotation_text(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    letters(text, "no control characters and no quotes", |c| {
        !c.is_control() && !matches!(c, '"' | '\'')
    })
}

fn length(text: &str, most: usize) -> Result<(), String> {
    match text.chars().count() {
        0 => Err("it is empty".to_owned()),
        count if count > most => {
            Err(format!("it has {count} characters, {most} are allowed: cut {}", count - most))
        }
        _ => Ok(()),
    }
}

fn letters(text: &str, allowed: &str, fits: impl Fn(char) -> bool) -> Result<(), String> {
    match text.chars().find(|c| !fits(*c)) {
        Some(c) => Err(format!("{c:?} is in it; it may have {allowed}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_own_letters() {
        assert!(
            label_value("Shop_1.a").is_ok()
                && label_value("_a").is_err()
                && label_value("").is_err()
        );
        assert!(kind("CloneSet").is_ok() && kind("deployment").is_err() && kind("").is_err());
        assert!(http_token("x-mse-tag").is_ok() && http_token("x tag").is_err());
        assert!(env_name("a.b C").is_ok() && env_name("A=B").is_err() && env_name("A\t").is_err());
    }
}
