//! Apache APISIX, by ApisixRoute.
//!
//! A lane is a route of its own: of two routes with one host and path, APISIX asks the one with the
//! higher priority first and goes on to the next where its expressions do not hold. Sources:
//! apache/apisix-ingress-controller (api/v2/apisixroute_types.go, internal/adc/translator) and
//! apache/apisix (apisix/http/router/radixtree_host_uri.lua).

mod ingress;
mod rewrite;
mod rivals;
mod route;

pub use rivals::{ApisixRoutes, Equal};
pub(super) use route::backends;

use super::patterns::{ungroupable, whole};
use super::{
    Anchoring, Base, Canary, CanaryRoute, Capabilities, Gateway, Lanes, Values, WeightBeside,
    unsupported,
};
use crate::diagnostic::Diagnostic;
use crate::spec::{GatewayClass, Match, ValueMatch};
use crate::yaml::Value;

/// Apache APISIX.
pub(super) struct Apisix;

const CAPABILITIES: Capabilities = Capabilities {
    // exprs with scope Header: op Equal, or RegexMatch.
    header: Values::ExactOrRegex,
    // All expressions of a route have to hold.
    headers: usize::MAX,
    // RegexMatch is a search by PCRE (api7/lua-resty-expr, `~~`); it is written anchored.
    regex: Anchoring::Whole,
    // exprs with scope Cookie.
    cookie: Values::Exact,
    // No value is prescribed.
    cookie_always: false,
    // exprs with scope Query; of a repeated parameter the first value counts.
    query: Values::ExactOrRegex,
    queries: usize::MAX,
    header_and_query: true,
    cookie_beside: true,
    // Backends of one route are weighed (`weight`, 100 by default).
    weight: true,
    // A second route would be needed below the first; one lane has one.
    weight_beside: WeightBeside::Forbidden,
    // proxy-rewrite, `headers.set`; not for a share of a route only.
    sets_tag_header: true,
    // By priority; which of two with one priority goes first is not defined.
    lanes: Lanes::Matches,
    // The router goes on where a route does not match.
    base: Base::NotNeeded,
};

impl Gateway for Apisix {
    fn class(&self) -> GatewayClass {
        GatewayClass::Apisix
    }

    fn reads(&self) -> &'static [&'static str] {
        &["Ingress", "ApisixRoute"]
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn canary(&self, route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>> {
        let mut errors = unsupported(self.class(), &CAPABILITIES, route.route);
        errors.extend(unreadable_headers(route.route));
        if errors.is_empty() {
            errors = ungroupable(route.route);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        match route.id.kind.as_str() {
            "ApisixRoute" => route::canary(route),
            _ => ingress::canary(route),
        }
    }
}

/// Headers that never reach an expression: nginx drops those with other letters.
///
/// Source: nginx, `ignore_invalid_headers`; APISIX allows underscores (`underscores_in_headers on`).
fn unreadable_headers(route: &Match) -> Vec<Diagnostic> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let bad = route.headers.iter().filter(|header| !header.name.chars().all(fits));
    bad.map(|header| {
        Diagnostic::error(format!("APISIX never sees the header `{}`", header.name))
            .at(header.place.clone())
            .remedy("use a header of letters, digits, `-` and `_`: nginx drops all others")
    })
    .collect()
}

/// What a request must have to be gray: all of these.
fn expressions(route: &Match) -> Vec<Value> {
    let headers = route.headers.iter().map(|header| ("Header", header));
    let query = route.query.iter().map(|query| ("Query", query));
    let mut all: Vec<Value> = headers
        .chain(query)
        .map(|(scope, each)| match &each.value {
            ValueMatch::Exact(text) => expression(scope, &each.name, "Equal", text),
            ValueMatch::Regex(pattern) => {
                let pattern = whole(pattern).unwrap_or_else(|| pattern.clone());
                expression(scope, &each.name, "RegexMatch", &pattern)
            }
        })
        .collect();
    if let Some(cookie) = &route.cookie {
        let value = cookie.value.as_deref().unwrap_or_default();
        all.push(expression("Cookie", &cookie.name, "Equal", value));
    }
    all
}

fn expression(scope: &str, name: &str, op: &str, value: &str) -> Value {
    Value::Mapping(vec![
        ("subject".to_owned(), Value::string_map([("scope", scope), ("name", name)])),
        ("op".to_owned(), Value::string(op)),
        ("value".to_owned(), Value::string(value)),
    ])
}

/// Says that a share of a route carries no tag.
fn untagged_share(route: &CanaryRoute<'_>) -> Diagnostic {
    Diagnostic::note(format!(
        "APISIX sets headers for a whole route, not for a share of it: the requests that the weight sends to the lane come without `{}`",
        route.tag_header
    ))
    .at(route.route.place.clone())
    .remedy("the gray pods of the entry must set it on what they call, as the agent of MSE does by the label of the pod; a header, cookie or query match sets it at the gateway")
}

/// Says that the route's own rewrite hides the one of its plugin configuration.
fn hidden_rewrite(route: &CanaryRoute<'_>, name: &str) -> Diagnostic {
    Diagnostic::warning(format!(
        "the canary of {} sets `{}` by the plugin `proxy-rewrite`, in place of one that the ApisixPluginConfig `{name}` may have",
        route.id, route.tag_header
    ))
    .at(route.baseline.at(&["metadata", "name"]).and_then(|name| name.place()))
    .remedy(format!(
        "if `{name}` has a `proxy-rewrite`, write that into the `plugins` of the baseline's ApisixRoute: it is copied from there"
    ))
}
