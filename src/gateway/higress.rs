//! Higress, the open-source gateway.
//!
//! Source of everything here: alibaba/higress, pkg/ingress/kube/annotations/canary.go,
//! header_control.go and match.go. It does not read `mse.ingress.kubernetes.io/`.

use super::expression::{alternates, literal};
use super::header_control::set_tag_header;
use super::ingress::{annotate, reduced};
use super::unsupported::regex_notes;
use super::{
    Anchoring, Base, Canary, CanaryRoute, Capabilities, Gateway, Lanes, Values, WeightBeside, at,
    unsupported,
};
use crate::diagnostic::Diagnostic;
use crate::spec::{GatewayClass, Match, ValueMatch};
use crate::yaml::NodeRef;

/// Higress.
pub(super) struct Higress;

/// Annotations shared with ingress-nginx; Higress looks for this prefix first.
const NGINX: &str = "nginx.ingress.kubernetes.io";
/// Annotations that only Higress has.
const HIGRESS: &str = "higress.io";

const CAPABILITIES: Capabilities = Capabilities {
    // canary-by-header with -value or -pattern.
    header: Values::ExactOrRegex,
    headers: 1,
    // `.*` is put before and behind the pattern; Envoy wants the result to match the whole value.
    // Releases before that took the pattern for the whole value.
    regex: Anchoring::Search,
    // canary-by-cookie: the regular expression `<name>=always`.
    cookie: Values::Fixed,
    cookie_always: true,
    // There is no canary-by-query.
    query: Values::None,
    queries: 0,
    header_and_query: false,
    // Parsing stops at the first of header value, header pattern, cookie.
    cookie_beside: false,
    weight: true,
    // Parsing stops before the weight, and a route by header takes no part in weights.
    weight_beside: WeightBeside::Ignored,
    // higress.io/request-header-control-update; `ApplyByHeader` and `ApplyByWeight` use the canary's own.
    sets_tag_header: true,
    // Canaries by header are inserted one before another, weights are summed.
    lanes: Lanes::Many,
    // A missing type and ImplementationSpecific are Prefix, which loses a `/` at its end.
    base: Base::HostPathAndTypeNormalised,
};

impl Gateway for Higress {
    fn class(&self) -> GatewayClass {
        GatewayClass::Higress
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn canary(&self, route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>> {
        let mut errors = unsupported(self.class(), &CAPABILITIES, route.route);
        errors.extend(replaced_matches(route));
        if !errors.is_empty() {
            return Err(errors);
        }
        let build = || -> Result<Canary, Diagnostic> {
            let mut canary = reduced(self.class(), route)?;
            annotate(&mut canary.document, &[(format!("{NGINX}/canary"), "true".to_owned())])?;
            annotate(&mut canary.document, &match_annotations(route.route))?;
            set_tag_header(&mut canary.document, HIGRESS, route)?;
            canary.notes.extend(regex_notes(self.class(), &CAPABILITIES, route.route));
            Ok(canary)
        };
        build().map_err(|error| vec![error])
    }
}

/// The annotations that say which requests are gray.
///
/// An exact value is written as a pattern: what `canary-by-header-value` holds becomes the regular
/// expression `always|<value>`, unescaped, so that it matches `always` besides, and a dot any
/// character. `^…$` around the escaped value means that value alone in every release.
fn match_annotations(route: &Match) -> Vec<(String, String)> {
    let mut annotations = Vec::new();
    let mut put = |key: &str, value: String| annotations.push((format!("{NGINX}/{key}"), value));
    for header in &route.headers {
        put("canary-by-header", header.name.clone());
        let pattern = match &header.value {
            ValueMatch::Exact(text) => format!("^{}$", literal(text)),
            // What is put around it would belong to one of the branches only.
            ValueMatch::Regex(pattern) if alternates(pattern) => format!("(?:{pattern})"),
            ValueMatch::Regex(pattern) => pattern.clone(),
        };
        put("canary-by-header-pattern", pattern);
    }
    if let Some(cookie) = &route.cookie {
        // The name becomes part of a regular expression as it is.
        put("canary-by-cookie", literal(&cookie.name));
    }
    if let Some(weight) = route.weight {
        put("canary-weight", weight.to_string());
    }
    annotations
}

/// Refuses a canary by header or cookie of an Ingress that matches headers itself: the canary's match
/// takes the place of those, and requests that the baseline does not take would be gray.
fn replaced_matches(route: &CanaryRoute<'_>) -> Vec<Diagnostic> {
    if route.route.headers.is_empty() && route.route.cookie.is_none() {
        return Vec::new();
    }
    let annotations = route.baseline.at(&["metadata", "annotations"]);
    let entries = annotations.into_iter().flat_map(NodeRef::entries);
    entries
        .filter(|(key, _)| {
            ["exact", "prefix", "regex"].iter().any(|how| {
                [NGINX, HIGRESS].iter().any(|prefix| {
                    key.strip_prefix(prefix).and_then(|key| key.strip_prefix('/')).is_some_and(
                        |key| {
                            ["header", "pseudo-header"]
                                .iter()
                                .any(|what| key.starts_with(&format!("{how}-match-{what}-")))
                        },
                    )
                })
            })
        })
        .map(|(key, node)| {
            let error = format!(
                "Higress would match the entry's header or cookie in place of `{key}`, not beside it"
            );
            at(Diagnostic::error(error), Some(node))
                .related(route.route.place.clone(), "the entry's match")
                .remedy("match by `weight`, which leaves the baseline's match as it is")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{INGRESS, canary, cookie, exact, nothing, regex, written};
    use super::*;

    fn annotations(route: Match) -> Vec<String> {
        let canary = canary(&Higress, INGRESS, &route).unwrap().document;
        let annotations = canary.at(&["metadata", "annotations"]).unwrap();
        let own = annotations.entries().filter(|(key, _)| key.contains("/canary-"));
        own.map(|(key, value)| {
            let key = key.trim_start_matches("nginx.ingress.kubernetes.io/");
            format!("{key}: {}", value.as_str().unwrap())
        })
        .collect()
    }

    /// What Higress makes of a pattern, before and after it put `.*` around it.
    fn matches(pattern: &str, value: &str) -> [bool; 2] {
        [pattern.to_owned(), format!(".*{pattern}.*")]
            .map(|regex| regex::Regex::new(&format!("^(?:{regex})$")).unwrap().is_match(value))
    }

    #[test]
    fn exact_values_match_nothing_else() {
        for value in ["1.0", "a|b", "always", "100"] {
            let lines = annotations(Match { headers: vec![exact("h", value)], ..nothing() });
            assert_eq!(lines[0], "canary-by-header: h");
            let pattern = lines[1].strip_prefix("canary-by-header-pattern: ").unwrap();
            assert_eq!(matches(pattern, value), [true, true], "{pattern}");
            for other in ["1x0", "a", "x100", "1000", ""] {
                assert_eq!(matches(pattern, other), [false, false], "{pattern} {other}");
            }
            if value != "always" {
                assert_eq!(matches(pattern, "always"), [false, false], "{pattern}");
            }
        }
    }

    #[test]
    fn alternatives_stay_together() {
        let lines = annotations(Match { headers: vec![regex("h", "^1$|^2$")], ..nothing() });
        assert_eq!(lines[1], "canary-by-header-pattern: (?:^1$|^2$)");
    }

    #[test]
    fn names_of_cookies_are_literal() {
        let lines = annotations(Match { cookie: Some(cookie("a.b", Some("always"))), ..nothing() });
        assert_eq!(lines, [r"canary-by-cookie: a\.b"]);
    }

    #[test]
    fn the_baselines_own_header_match_is_not_replaced() {
        let with = "  name: shop\n  annotations:\n    higress.io/exact-match-header-region: eu\n";
        let text = INGRESS.replacen("  name: shop\n", with, 1);
        let by_header = Match { headers: vec![exact("h", "1")], ..nothing() };
        let error = written(&Higress, &text, &by_header).unwrap_err();
        assert!(error.contains("in place of `higress.io/exact-match-header-region`"), "{error}");
        let pseudo = with.replace("match-header-region", "match-pseudo-header-authority");
        let pseudo = INGRESS.replacen("  name: shop\n", &pseudo, 1);
        let header = Match { headers: vec![exact("x", "1")], ..nothing() };
        let error = written(&Higress, &pseudo, &header).unwrap_err();
        assert!(error.contains("in place of `higress.io/exact-match-pseudo-header-authority`"));
        let by_weight = Match { weight: Some(5), ..nothing() };
        let canary = written(&Higress, &text, &by_weight).unwrap();
        assert!(canary.contains("higress.io/exact-match-header-region: eu\n"), "{canary}");
        assert!(canary.contains("higress.io/request-header-control-update: x-mse-tag gray\n"));
    }
}
