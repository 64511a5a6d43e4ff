//! Gateways: what routes north-south. Each has a dialect of canary route; one file per dialect.
//!
//! A dialect says what it can express as data ([`Capabilities`]); [`unsupported`] refuses by name
//! what it cannot. To add one, add a file with its [`Gateway`] and a row in [`of`].

mod annotations;
mod ingress;
mod mse;

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Place};
use crate::spec::{GatewayClass, Match, ValueMatch};
use crate::yaml::{Document, NodeRef};

pub use ingress::{backends, class_of, is_canary};

/// How far a dialect can match a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Not at all.
    None,
    /// Only the values that the dialect itself prescribes (`always`).
    Fixed,
    /// Any exact text.
    Exact,
    /// Exact texts and regular expressions.
    ExactOrRegex,
}

/// What weight does on a route that has a header, cookie or query match too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightBeside {
    /// It takes a share of the requests that do not match.
    FallsThrough,
    /// It has no effect.
    Ignored,
    /// The gateway refuses the route.
    Forbidden,
}

/// What a dialect can express. Every field has its source at the dialect's table.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Header values.
    pub header: Values,
    /// How many headers one route can match, all of them at once.
    pub headers: usize,
    /// Cookie values.
    pub cookie: Values,
    /// Query parameter values.
    pub query: Values,
    /// How many query parameters one route can match.
    pub queries: usize,
    /// Whether one route can match header and query at once.
    pub header_and_query: bool,
    /// Whether one route can match a cookie beside a header or query, all at once.
    pub cookie_beside: bool,
    /// Whether a share of all requests can be sent to the lane.
    pub weight: bool,
    /// What weight does beside a match.
    pub weight_beside: WeightBeside,
    /// Whether the route can set the header that carries the tag.
    pub sets_tag_header: bool,
    /// Whether one host and path can have several lanes.
    pub several_lanes: bool,
}

/// A canary route to make.
#[derive(Debug)]
pub struct CanaryRoute<'a> {
    /// The baseline's route.
    pub baseline: &'a Document,
    /// What makes a request gray.
    pub route: &'a Match,
    /// The tag.
    pub tag: &'a str,
    /// The header that carries it.
    pub tag_header: &'a str,
    /// Names of the Services that have a gray copy, and the names of those.
    pub services: &'a HashMap<&'a str, &'a str>,
}

/// A gateway's dialect.
pub trait Gateway: Sync {
    /// Which it is.
    fn class(&self) -> GatewayClass;

    /// What it can express.
    fn capabilities(&self) -> &'static Capabilities;

    /// The canary route: the baseline's with only what leads into the lane, the dialect's way to
    /// say which requests, and the header that carries the tag. Its name is still the baseline's.
    ///
    /// # Errors
    ///
    /// What the dialect cannot express, each with its place in the spec or the baseline.
    fn canary(&self, route: &CanaryRoute<'_>) -> Result<Document, Vec<Diagnostic>>;
}

/// The gateway of a class; `None` where this version cannot write its canary routes.
pub fn of(class: GatewayClass) -> Option<&'static dyn Gateway> {
    match class {
        GatewayClass::Mse => Some(&mse::Mse),
        GatewayClass::Apig
        | GatewayClass::Higress
        | GatewayClass::Nginx
        | GatewayClass::Alb
        | GatewayClass::Apisix
        | GatewayClass::GatewayApi => None,
    }
}

/// The classes this version serves, for messages.
pub fn served() -> Vec<&'static str> {
    GatewayClass::ALL
        .iter()
        .filter(|class| of(**class).is_some())
        .map(|class| class.as_str())
        .collect()
}

/// Everything in a match that a dialect cannot express, each with what it can.
pub fn unsupported(class: GatewayClass, can: &Capabilities, route: &Match) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut refuse = |place: &Place, what: &str, remedy: String| {
        errors.push(
            Diagnostic::error(format!("the gateway class `{class}` cannot match {what}"))
                .at(place.clone())
                .remedy(remedy),
        );
    };
    let abilities = abilities(can);
    if route.headers.len() > can.headers {
        let place = &route.headers[can.headers].place;
        refuse(place, &format!("{} headers at once", route.headers.len()), abilities.clone());
    }
    if route.query.len() > can.queries {
        let place = &route.query[can.queries].place;
        refuse(
            place,
            &format!("{} query parameters at once", route.query.len()),
            abilities.clone(),
        );
    }
    for (values, what, matches) in
        [(can.header, "header", &route.headers), (can.query, "query parameter", &route.query)]
    {
        for each in matches {
            let fits = match &each.value {
                ValueMatch::Exact(_) => matches!(values, Values::Exact | Values::ExactOrRegex),
                ValueMatch::Regex(_) => values == Values::ExactOrRegex,
            };
            let how = if matches!(each.value, ValueMatch::Regex(_)) {
                "by a regular expression"
            } else {
                "by value"
            };
            if !fits {
                refuse(
                    &each.place,
                    &format!("the {what} `{}` {how}", each.name),
                    abilities.clone(),
                );
            } else if let ValueMatch::Regex(pattern) = &each.value
                && let Err(error) = regex::Regex::new(pattern)
            {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or("").trim_start_matches("error: ");
                refuse(
                    &each.place,
                    &format!("the {what} `{}` by `{pattern}`: {why}", each.name),
                    "write a regular expression: github.com/google/re2/wiki/Syntax".to_owned(),
                );
            }
        }
    }
    if let Some(cookie) = &route.cookie {
        let fits = match (&cookie.value, can.cookie) {
            (_, Values::None) => false,
            (None, _) => true,
            (Some(_), values) => matches!(values, Values::Exact | Values::ExactOrRegex),
        };
        if !fits {
            refuse(
                &cookie.place,
                &format!("the cookie `{}` by this value", cookie.name),
                abilities.clone(),
            );
        }
        let beside = !route.headers.is_empty() || !route.query.is_empty();
        if beside && !can.cookie_beside {
            refuse(
                &cookie.place,
                "a cookie beside a header or query parameter, both at once",
                abilities.clone(),
            );
        }
    }
    if !can.header_and_query && !route.headers.is_empty() && !route.query.is_empty() {
        refuse(&route.place, "a header and a query parameter at once", abilities.clone());
    }
    let has_match = !route.headers.is_empty() || !route.query.is_empty() || route.cookie.is_some();
    if route.weight.is_some() && !can.weight {
        refuse(&route.place, "by weight", abilities);
    } else if route.weight.is_some_and(|weight| weight > 0)
        && has_match
        && can.weight_beside != WeightBeside::FallsThrough
    {
        let how = if can.weight_beside == WeightBeside::Ignored { "ignores" } else { "refuses" };
        errors.push(
            Diagnostic::error(format!(
                "the gateway class `{class}` {how} `weight` beside a header, cookie or query match"
            ))
            .at(route.place.clone())
            .remedy("keep either the match or the weight"),
        );
    }
    errors
}

/// What a dialect can match, as one sentence.
fn abilities(can: &Capabilities) -> String {
    let mut parts = Vec::new();
    let values = |values: Values| match values {
        Values::None => None,
        Values::Fixed => Some("the value `always`"),
        Values::Exact => Some("exact values"),
        Values::ExactOrRegex => Some("exact values and regular expressions"),
    };
    let count = |count: usize, what: &str| match count {
        1 => format!("one {what}"),
        usize::MAX => format!("any number of {what}s"),
        count => format!("up to {count} {what}s"),
    };
    if let Some(how) = values(can.header) {
        parts.push(format!("{} ({how})", count(can.headers, "header")));
    }
    if let Some(how) = values(can.query) {
        parts.push(format!("{} ({how})", count(can.queries, "query parameter")));
    }
    if let Some(how) = values(can.cookie) {
        parts.push(format!("a cookie ({how})"));
    }
    if can.weight {
        parts.push("a weight".to_owned());
    }
    format!("it can match {}", parts.join(", "))
}

/// The place of a node, for diagnostics that have one.
fn at(error: Diagnostic, node: Option<NodeRef<'_>>) -> Diagnostic {
    error.at(node.and_then(NodeRef::place))
}
