//! A share of all requests, by a route that takes over from the baseline's: each of its matches once
//! for every method, because a match on the method goes before one without. Its backends are the
//! baseline's and the gray ones, weighed.

use std::collections::HashMap;

use super::super::shares::{Backend, split};
use super::super::{CanaryRoute, at, edited};
use super::precedence::{Ranked, Shape, ranked};
use super::{Rule, backends, filters, gray_name, match_of_all_paths, weight};
use crate::diagnostic::Diagnostic;
use crate::yaml::{Document, NodeRef, Path, Value};

/// The methods that a match can name (the types, HTTPMethod).
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Most matches of a rule (maxItems in the types) and of a route (its validation rules).
const MOST_OF_RULE: usize = 64;
const MOST_OF_ROUTE: usize = 128;
/// Most backends of a rule (maxItems).
const MOST_BACKENDS: usize = 16;

/// The greatest weight of a backend in Gateway API (maximum in the types). Where other gateways
/// take greater ones, `trace` counts them as this, so that no sum of weights overflows.
pub const GREATEST_WEIGHT: u64 = 1_000_000;

/// Makes the rules that lead into the lane take over, with a share for the gray Services; what is
/// wrong, and what has to be supported.
pub(super) fn share(
    route: &CanaryRoute<'_>,
    rules: &[Rule<'_>],
    percent: u8,
    document: &mut Document,
) -> (Vec<Diagnostic>, Diagnostic) {
    let mut errors = cannot_take_over(route, rules);
    let can = errors.is_empty();
    for rule in rules.iter().filter(|rule| rule.gray && can) {
        let path = Path::keys(["spec", "rules"]).index(rule.number);
        let own = every_method(rule.node);
        let result = match rule.node.get("matches").is_some() {
            true => edited(document.set(&path.key("matches"), own)),
            false => edited(document.insert_entry(&path, 0, "matches", own)),
        };
        if let Err(error) = result.and_then(|()| weigh(route, rule.node, &path, percent, document))
        {
            errors.push(error);
        }
    }
    let note = Diagnostic::note(
        "the share is taken by a route that matches every method, which needs Extended support: HTTPRouteMethodMatching and HTTPRouteBackendRequestHeaderModification. It goes before the header matches of other lanes on the same paths",
    )
    .at(route.route.place.clone())
    .remedy(format!("without that support, {}", instead(route)));
    (errors, note)
}

/// How the baseline itself can weigh the gray Service.
fn instead(route: &CanaryRoute<'_>) -> String {
    let gray = route.services.values().min().copied().unwrap_or("…");
    format!(
        "let the baseline weigh the gray Service, from weight 0 on, by these lines under `backendRefs` of its rule:\n\
         - name: {gray}\n  port: …\n  weight: 0\n  filters:\n  - type: RequestHeaderModifier\n    \
         requestHeaderModifier: {{set: [{{name: {}, value: {}}}]}}",
        route.tag_header, route.tag
    )
}

/// Why a route cannot take over from the baseline's.
fn cannot_take_over(route: &CanaryRoute<'_>, rules: &[Rule<'_>]) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut refuse = |why: String, node: Option<NodeRef<'_>>| {
        let error =
            Diagnostic::error(format!("`weight` cannot be shared out beside this route: {why}"));
        let error = at(error, node).related(route.route.place.clone(), "the weight");
        errors.push(error.remedy(format!("match by a header instead, or {}", instead(route))));
    };
    let mut gray: HashMap<Shape, Vec<Ranked<'_>>> = HashMap::new();
    let mut total = 0_usize;
    for rule in rules.iter().filter(|rule| rule.gray) {
        let all = ranked(rule);
        let count = all.len().saturating_mul(METHODS.len());
        total = total.saturating_add(count);
        if count > MOST_OF_RULE {
            let why = format!(
                "with every method this rule would have {count} matches, and {MOST_OF_RULE} are allowed"
            );
            refuse(why, Some(rule.node));
        }
        for each in all {
            if each.shape.method.is_some() {
                let why =
                    "it matches the method here, so that no match with a method goes before it";
                refuse(why.to_owned(), each.node);
            }
            gray.entry(each.shape.of_any_method()).or_default().push(each);
        }
    }
    if total > MOST_OF_ROUTE {
        let why = format!(
            "with every method it would have {total} matches, and {MOST_OF_ROUTE} are allowed"
        );
        refuse(why, route.baseline.at(&["spec", "rules"]));
    }
    for other in rules.iter().filter(|rule| !rule.gray).flat_map(ranked) {
        let has_method = other.shape.method.is_some();
        let same_path = gray.get(&other.shape.of_any_method()).into_iter();
        let is_taken = same_path.flatten().any(|lane| match has_method {
            true => other.rank < lane.rank,
            false => other.goes_before(lane),
        });
        if is_taken {
            let why = "this match of another rule, on the same path, would lose its requests to the lane's route";
            refuse(why.to_owned(), Some(other.shown()));
        }
    }
    errors
}

/// The matches of a rule, each with every method.
fn every_method(rule: NodeRef<'_>) -> Value {
    let all: Vec<Value> = super::matches(rule)
        .into_iter()
        .map(|each| each.map_or_else(match_of_all_paths, Value::from))
        .collect();
    let mut matches = Vec::with_capacity(all.len().saturating_mul(METHODS.len()));
    for each in all {
        let Value::Mapping(mut fields) = each else { continue };
        // One that is there is null: any other is refused.
        let place = fields.iter().position(|(key, _)| key == "method").unwrap_or(fields.len());
        fields.retain(|(key, _)| key != "method");
        for method in METHODS {
            let mut fields = fields.clone();
            fields.insert(place, ("method".to_owned(), Value::string(method)));
            matches.push(Value::Mapping(fields));
        }
    }
    Value::Sequence(matches)
}

/// Gives the gray backends of a rule their share, and the tag.
fn weigh(
    route: &CanaryRoute<'_>,
    rule: NodeRef<'_>,
    path: &Path,
    percent: u8,
    document: &mut Document,
) -> Result<(), Diagnostic> {
    let list = path.key("backendRefs");
    let all: Vec<NodeRef<'_>> = backends(rule).collect();
    let weighed = |backend: &NodeRef<'_>| {
        Some(Backend { weight: weight(*backend)?, gray: gray_name(route, *backend).is_some() })
    };
    let shares = all.iter().map(weighed).collect::<Option<Vec<_>>>();
    let shares = shares.and_then(|backends| split(&backends, percent)).filter(|shares| {
        let mut weights = shares.iter().flat_map(|share| [Some(share.base), share.gray]).flatten();
        weights.all(|weight| weight <= GREATEST_WEIGHT)
    });
    let Some(shares) = shares else {
        return Err(at(
            Diagnostic::error("the weights of these backends leave no share for the lane"),
            rule.get("backendRefs"),
        )
        .remedy(
            "give the backend that has a gray copy a weight above 0; round numbers share out best",
        ));
    };
    let count = shares.iter().map(|share| 1 + usize::from(share.gray.is_some())).sum::<usize>();
    if count > MOST_BACKENDS {
        return Err(at(
            Diagnostic::error(format!(
                "with the gray ones this rule would have {count} backends, and {MOST_BACKENDS} are allowed"
            )),
            rule.get("backendRefs"),
        )
        .remedy("match by a header instead: the lane's route then has the gray backends alone"));
    }
    let number = |weight: u64| Value::Plain(weight.to_string());
    for (index, (backend, share)) in all.iter().zip(&shares).enumerate().rev() {
        edited(document.set(&list.index(index).key("weight"), number(share.base)))?;
        let (Some(name), Some(weight)) = (gray_name(route, *backend), share.gray) else { continue };
        edited(document.insert(&list, index + 1, Value::from(*backend)))?;
        let own = list.index(index + 1);
        edited(document.set_str(&own.key("name"), name))?;
        edited(document.set(&own.key("weight"), number(weight)))?;
        filters::set_header(document, &own, route.tag_header, route.tag)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{nothing, written};
    use super::super::GatewayApi;
    use crate::spec::Match;

    #[test]
    fn a_method_that_is_null_is_none() {
        let route = |matched: &str| {
            format!(
                "apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: shop}}
spec:
  parentRefs: [{{name: gw}}]
  rules:
  - matches: [{{{matched}}}]
    backendRefs: [{{name: web, port: 80}}]
"
            )
        };
        let share = Match { weight: Some(10), ..nothing() };
        let taken = written(&GatewayApi, &route("method: null, path: null"), &share).unwrap();
        assert_eq!(taken.matches("method:").count(), 9, "{taken}");
        assert!(taken.contains("method: GET") && !taken.contains("method: null"), "{taken}");
        let refused = written(&GatewayApi, &route("method: GET"), &share).unwrap_err();
        assert!(refused.contains("it matches the method here"), "{refused}");
    }
}
