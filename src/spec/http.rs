//! What HTTP itself lets texts be.

use super::syntax;

/// The value of a cookie (RFC 6265, section 4.1.1, cookie-octet). Quotes may stand around it, but
/// gateways differ in whether they are part of it.
pub(super) fn cookie_value(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let bad = text.chars().find(|c| !c.is_ascii_graphic() || r#"",;\"#.contains(*c));
    match bad {
        Some(c) => {
            Err(format!("{c:?} is in it; a cookie has no blanks, quotes, `,`, `;` and `\\`"))
        }
        None => Ok(()),
    }
}

/// Headers that HTTP itself goes by, or that applications do: with a tag in their place requests would
/// not arrive, or as others.
///
/// Sources: RFC 9110, sections 6.4, 7.2, 7.6.1, 8, 10.1, 11, 12.5, 13.1, 14.2; RFC 9111, section 5.2;
/// RFC 9112, section 6; RFC 6265; RFC 7239; fetch.spec.whatwg.org, Origin; w3.org/TR/trace-context.
const OWN: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "set-cookie",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// The name of a header that can carry a tag.
pub(super) fn tag_header(text: &str) -> Result<(), String> {
    syntax::http_token(text)?;
    match OWN.iter().any(|own| own.eq_ignore_ascii_case(text)) {
        true => Err("HTTP has a meaning for it already, and a tag would take its place".to_owned()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_have_few_characters() {
        for text in ["1", "a=b", "a%20b", "(x)/[y]:{z}@~"] {
            assert!(cookie_value(text).is_ok(), "{text}");
        }
        for text in ["", "a b", "a;b", "a,b", "\"a\"", r"a\b", "ä", "a\tb"] {
            assert!(cookie_value(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tags_take_no_header_of_http() {
        for name in ["x-mse-tag", "X-Canary", "baggage", "x-host"] {
            assert!(tag_header(name).is_ok(), "{name}");
        }
        for name in ["Host", "cookie", "Content-Length", "TE", "transfer-encoding", "a b"] {
            assert!(tag_header(name).is_err(), "{name}");
        }
    }
}
