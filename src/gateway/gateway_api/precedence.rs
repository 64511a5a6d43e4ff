//! Which match of several routes goes first, for one host: the longer path, then one with a method,
//! then more header matches, then more query matches, then the older route, then the earlier rule.
//!
//! Source: the types (`matches`); conformance test HTTPRouteMatchingAcrossRoutes.

use std::collections::HashMap;

use super::conditions::Conditions;
use super::{Rule, matches};
use crate::diagnostic::Diagnostic;
use crate::yaml::NodeRef;

/// What two matches must share to be told apart by their headers and query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    kind: String,
    path: String,
    /// The method, if it matches one.
    pub method: Option<String>,
}

impl Shape {
    /// The same for any method.
    pub(super) fn of_any_method(&self) -> Self {
        Self { method: None, ..self.clone() }
    }
}

/// How many header matches and query matches a match has: more goes first.
pub(super) type Rank = (usize, usize);

/// A match of a rule.
#[derive(Clone)]
pub(super) struct Ranked<'a> {
    /// Its rule.
    pub rule: Rule<'a>,
    /// Itself; `None` where the rule has none, which means all paths.
    pub node: Option<NodeRef<'a>>,
    /// What else it asks for.
    pub shape: Shape,
    /// How it ranks among those of its shape.
    pub rank: Rank,
}

impl Ranked<'_> {
    /// Whether it goes before another match of the same route and shape.
    pub(super) fn goes_before(&self, other: &Self) -> bool {
        (self.rank, other.rule.number) > (other.rank, self.rule.number)
    }

    /// What diagnostics show.
    pub(super) fn shown(&self) -> NodeRef<'_> {
        self.node.unwrap_or(self.rule.node)
    }
}

/// All matches of a rule.
pub(super) fn ranked<'a>(rule: &Rule<'a>) -> Vec<Ranked<'a>> {
    matches(rule.node)
        .into_iter()
        .map(|node| {
            // What is null counts as absent: its default applies.
            let field = |keys: &[&str]| {
                node.and_then(|node| node.at(keys)).filter(|node| !node.is_null())?.text()
            };
            let path = |key: &str| field(&["path", key]);
            let kind = path("type").unwrap_or("PathPrefix");
            let value = path("value").unwrap_or("/");
            // A prefix is one of whole elements: its last slash does not count.
            let value = if kind == "PathPrefix" { value.trim_end_matches('/') } else { value };
            let count = |key: &str| node.and_then(|node| node.get(key)).map_or(0, NodeRef::len);
            let method = field(&["method"]).map(str::to_owned);
            let shape = Shape { kind: kind.to_owned(), path: value.to_owned(), method };
            let rank = (count("headers"), count("queryParams"));
            Ranked { rule: *rule, node, shape, rank }
        })
        .collect()
}

/// Warns of baseline matches that go before a rule of the lane in the baseline, but not before its
/// copy: where both fit, the lane takes what went elsewhere.
pub(super) fn overtaken(rules: &[Rule<'_>], conditions: &Conditions) -> Vec<Diagnostic> {
    let mut gray: HashMap<Shape, Vec<Ranked<'_>>> = HashMap::new();
    for each in rules.iter().filter(|rule| rule.gray).flat_map(ranked) {
        gray.entry(each.shape.clone()).or_default().push(each);
    }
    let (headers, query) = conditions.counts();
    let mut notes = Vec::new();
    for other in rules.iter().filter(|rule| !rule.gray).flat_map(ranked) {
        let is_overtaken = gray.get(&other.shape).into_iter().flatten().any(|lane| {
            let raised = (lane.rank.0.saturating_add(headers), lane.rank.1.saturating_add(query));
            other.goes_before(lane) && raised > other.rank
        });
        if is_overtaken {
            let warning = Diagnostic::warning(
                "requests of the lane that fit this match too go to the lane, because its match on the same path has more conditions",
            );
            notes.push(warning.at(other.shown().place()).remedy(
                "match fewer headers in the lane, or make the service of this rule an entry's too",
            ));
        }
    }
    notes
}
