//! ingress-nginx, the controller of the Kubernetes project.
//!
//! Sources: its documentation, "Annotations", Canary; kubernetes/ingress-nginx,
//! internal/ingress/annotations/canary/main.go and parser/validators.go, rootfs/etc/nginx/lua/balancer.lua.

use std::sync::LazyLock;

use regex::Regex;

use super::ingress::{annotate, reduced};
use super::unsupported::regex_notes;
use super::{
    Anchoring, Base, Canary, CanaryRoute, Capabilities, Gateway, Lanes, Values, WeightBeside,
    unsupported,
};
use crate::diagnostic::{Diagnostic, Place};
use crate::spec::{GatewayClass, Match, ValueMatch};

/// ingress-nginx.
pub(super) struct Nginx;

const NGINX: &str = "nginx.ingress.kubernetes.io";

const CAPABILITIES: Capabilities = Capabilities {
    // canary-by-header with -value, which is compared, or -pattern.
    header: Values::ExactOrRegex,
    headers: 1,
    // `ngx.re.match(header, headerPattern)`: PCRE, anywhere in the value.
    regex: Anchoring::Search,
    // canary-by-cookie: "always" and "never".
    cookie: Values::Fixed,
    cookie_always: true,
    query: Values::None,
    queries: 0,
    header_and_query: false,
    // Precedence is header, cookie, weight: each is another way in.
    cookie_beside: false,
    weight: true,
    // What neither header nor cookie decides goes by weight.
    weight_beside: WeightBeside::FallsThrough,
    // "All the other non-canary annotations will be ignored": no header can be set on the canary alone.
    sets_tag_header: false,
    // "Known limitations: a maximum of one canary ingress can be applied per Ingress rule".
    lanes: Lanes::One,
    // The canary's backend is merged into the location of the same host, path and path type, where it
    // must be another Service than the location's own; a gray copy always is. Of the types,
    // ImplementationSpecific and none are read as Prefix (`SetDefaultNGINXPathType`).
    base: Base::HostPathAndType,
};

/// What `parser.BasicCharsRegex` takes, after spaces are left out: values and cookies.
static BASIC: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[/\-._~a-zA-Z0-9:]*$").ok());
/// What `parser.IsValidRegex` takes: patterns.
static PATTERN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[/\-._~a-zA-Z0-9:^$\[\](){}*+?|&=\\]*$").ok());

impl Gateway for Nginx {
    fn class(&self) -> GatewayClass {
        GatewayClass::Nginx
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn canary(&self, route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>> {
        let mut errors = unsupported(self.class(), &CAPABILITIES, route.route);
        errors.extend(unread(route.route));
        if !errors.is_empty() {
            return Err(errors);
        }
        let build = || -> Result<Canary, Diagnostic> {
            let mut canary = reduced(self.class(), route)?;
            annotate(&mut canary.document, &[(format!("{NGINX}/canary"), "true".to_owned())])?;
            annotate(&mut canary.document, &match_annotations(route.route))?;
            canary.notes.extend(regex_notes(self.class(), &CAPABILITIES, route.route));
            Ok(canary)
        };
        build().map_err(|error| vec![error])
    }
}

/// The annotations that say which requests are gray.
fn match_annotations(route: &Match) -> Vec<(String, String)> {
    let mut annotations = Vec::new();
    let mut put = |key: &str, value: String| annotations.push((format!("{NGINX}/{key}"), value));
    for header in &route.headers {
        put("canary-by-header", header.name.clone());
        match &header.value {
            ValueMatch::Exact(text) => put("canary-by-header-value", text.clone()),
            ValueMatch::Regex(pattern) => put("canary-by-header-pattern", pattern.clone()),
        }
    }
    if let Some(cookie) = &route.cookie {
        put("canary-by-cookie", cookie.name.clone());
    }
    if let Some(weight) = route.weight {
        put("canary-weight", weight.to_string());
    }
    annotations
}

/// What the controller or nginx would read as another match than is meant.
fn unread(route: &Match) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut refuse = |place: &Place, message: String, remedy: String| {
        errors.push(Diagnostic::error(message).at(place.clone()).remedy(remedy));
    };
    // An annotation that is not valid counts as empty, and an empty value or pattern means `always`.
    let invalid = |what: &str, text: &str, valid: &LazyLock<Option<Regex>>| {
        let valid = valid.as_ref()?;
        (!valid.is_match(text)).then(|| {
            format!("ingress-nginx would take the {what} `{text}` for none: it reads those of `{valid}` only")
        })
    };
    for header in &route.headers {
        let (place, name) = (&header.place, &header.name);
        // nginx leaves out headers with other characters (ignore_invalid_headers, and
        // underscores_in_headers off), and the variable of a header has `_` for `-`.
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            refuse(
                place,
                format!(
                    "nginx drops the header `{name}` from requests before ingress-nginx looks for it"
                ),
                "match a header whose name has only letters, digits and `-`".to_owned(),
            );
        }
        match &header.value {
            ValueMatch::Exact(text) if text == "never" => refuse(
                place,
                format!("`{name}: never` is how clients of ingress-nginx ask for the baseline"),
                "choose another value".to_owned(),
            ),
            ValueMatch::Exact(text) => {
                let without_spaces = text.replace(' ', "");
                if let Some(message) = invalid("value", &without_spaces, &BASIC) {
                    // The controller searches bytes: what is not ASCII has several.
                    let pattern: String = text
                        .bytes()
                        .map(|byte| match byte {
                            b'-' | b'_' | b'~' | b'/' | b':' => char::from(byte),
                            _ if byte.is_ascii_alphanumeric() => char::from(byte),
                            _ => '.',
                        })
                        .collect();
                    let remedy =
                        format!("`regex: \"^{pattern}$\"` comes near: a dot is any character");
                    refuse(place, message, remedy);
                }
            }
            ValueMatch::Regex(pattern) => {
                if let Some(message) = invalid("pattern", pattern, &PATTERN) {
                    let remedy = "a dot can stand for any other character".to_owned();
                    refuse(place, message, remedy);
                }
            }
        }
    }
    if let Some(cookie) = &route.cookie
        && let Some(message) = invalid("cookie", &cookie.name, &BASIC)
    {
        refuse(&cookie.place, message, "choose another cookie".to_owned());
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{INGRESS, cookie, exact, nothing, regex, written};
    use super::*;

    #[test]
    fn the_canary_has_only_what_is_read_on_it() {
        let with = "  name: shop
  annotations:
    nginx.ingress.kubernetes.io/rewrite-target: /$1
    nginx.ingress.kubernetes.io/affinity: cookie
";
        let text = INGRESS.replacen("  name: shop\n", with, 1);
        let route =
            Match { headers: vec![exact("x-user-id", "a b")], weight: Some(10), ..nothing() };
        let canary = written(&Nginx, &text, &route).unwrap();
        assert!(
            canary.contains(
                "\
  annotations:
    nginx.ingress.kubernetes.io/affinity: cookie
    nginx.ingress.kubernetes.io/canary: \"true\"
    nginx.ingress.kubernetes.io/canary-by-header: x-user-id
    nginx.ingress.kubernetes.io/canary-by-header-value: a b
    nginx.ingress.kubernetes.io/canary-weight: \"10\"
"
            ),
            "{canary}"
        );
        assert!(canary.contains("            name: web-mse-gray\n"), "{canary}");
    }

    #[test]
    fn what_the_controller_would_drop_is_refused() {
        let refused = |route: Match| written(&Nginx, INGRESS, &route).unwrap_err();
        let header = |header| Match { headers: vec![header], ..nothing() };
        let error = refused(header(exact("x", "a@b.com")));
        assert!(error.contains("the value `a@b.com` for none"), "{error}");
        assert!(error.contains("^a.b.com$"), "{error}");
        assert!(refused(header(exact("x", "aü"))).contains("^a..$"));
        assert!(refused(header(regex("x", "^a, b$"))).contains("the pattern `^a, b$` for none"));
        assert!(refused(header(exact("x_user", "1"))).contains("nginx drops the header `x_user`"));
        assert!(refused(header(exact("x", "never"))).contains("ask for the baseline"));
        let cookie = Match { cookie: Some(cookie("a!", None)), ..nothing() };
        assert!(refused(cookie).contains("the cookie `a!` for none"));
        assert!(written(&Nginx, INGRESS, &header(regex("x", r"^(a|b)[0-9]{2}\.x=1$"))).is_ok());
    }
}
