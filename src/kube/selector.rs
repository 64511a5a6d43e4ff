//! Label selectors: what they ask for and what they match.
//!
//! Semantics: kubernetes/apimachinery pkg/apis/meta/v1 `LabelSelectorAsSelector`,
//! pkg/labels `Requirement.Matches`.

use super::pod_specs::labels;
use crate::yaml::NodeRef;
use std::collections::HashMap;

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// The condition on its value.
    pub operator: Operator,
}

/// The condition of a [`Requirement`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The label has one of these values.
    In(Vec<String>),
    /// The label has none of these values, or is not there.
    NotIn(Vec<String>),
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
    /// An operator that Kubernetes does not know and refuses; it matches nothing.
    Unknown(String),
}

impl Requirement {
    /// Whether a label of this value fulfils it, or `None` where the label is not there.
    fn is_fulfilled(&self, value: Option<&String>) -> bool {
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.contains(value)),
            Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Unknown(_) => false,
        }
    }

    /// Whether only labels that are there can fulfil it.
    pub fn is_positive(&self) -> bool {
        matches!(self.operator, Operator::In(_) | Operator::Exists)
    }
}

/// A conjunction of requirements.
///
/// What an empty one means depends on the field it is in; [`LabelSelector::matches`] reads it as
/// "everything", see [`EmptySelector`](super::selectors::EmptySelector).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LabelSelector {
    /// All of them must hold.
    pub requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Reads a mapping with `matchLabels` and `matchExpressions`; other keys do not count.
    pub fn from_label_selector(node: NodeRef<'_>) -> Self {
        let mut selector = node.get("matchLabels").map(Self::from_labels).unwrap_or_default();
        let expressions = node.get("matchExpressions");
        for expression in expressions.into_iter().flat_map(NodeRef::items) {
            let Some(key) = expression.get("key").and_then(NodeRef::text) else { continue };
            let values = || -> Vec<String> {
                let values = expression.get("values").into_iter().flat_map(NodeRef::items);
                values.filter_map(NodeRef::text).map(str::to_owned).collect()
            };
            let operator = match expression.get("operator").and_then(NodeRef::text) {
                Some("In") => Operator::In(values()),
                Some("NotIn") => Operator::NotIn(values()),
                Some("Exists") => Operator::Exists,
                Some("DoesNotExist") => Operator::DoesNotExist,
                other => Operator::Unknown(other.unwrap_or("").to_owned()),
            };
            selector.requirements.push(Requirement { key: key.to_owned(), operator });
        }
        selector
    }

    /// Reads a plain mapping of labels, as a Service has it.
    pub fn from_labels(node: NodeRef<'_>) -> Self {
        Self::from_pairs(labels(node))
    }

    /// Asks for these labels.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let equal = |(key, value)| Requirement { key, operator: Operator::In(vec![value]) };
        Self { requirements: pairs.into_iter().map(equal).collect() }
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether labels fulfil all requirements; an empty selector matches everything.
    pub fn matches(&self, labels: &HashMap<String, String>) -> bool {
        self.matches_by(|key| labels.get(key))
    }

    /// [`matches`](Self::matches) for labels that are looked up in another way: the value of a key.
    pub fn matches_by<'a>(&self, value: impl Fn(&str) -> Option<&'a String>) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.is_fulfilled(value(&requirement.key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn matches(selector: &str, pairs: &[(&str, &str)]) -> bool {
        let stream = parse(Source::new("a.yaml", selector.to_owned())).unwrap();
        let selector = LabelSelector::from_label_selector(stream.documents[0].root());
        let labels =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        selector.matches(&labels)
    }

    #[test]
    fn operators_mean_what_the_api_says() {
        let web = [("app", "web"), ("tier", "1")];
        for (selector, expected) in [
            ("matchLabels: {app: web}", true),
            ("matchLabels: {app: web, tier: 1}", true),
            ("matchLabels: {app: web, lane: gray}", false),
            ("matchExpressions: [{key: app, operator: In, values: [api, web]}]", true),
            ("matchExpressions: [{key: app, operator: In, values: []}]", false),
            ("matchExpressions: [{key: app, operator: NotIn, values: [web]}]", false),
            ("matchExpressions: [{key: lane, operator: NotIn, values: [gray]}]", true),
            ("matchExpressions: [{key: app, operator: Exists}]", true),
            ("matchExpressions: [{key: lane, operator: Exists}]", false),
            ("matchExpressions: [{key: lane, operator: DoesNotExist}]", true),
            ("matchExpressions: [{key: app, operator: DoesNotExist}]", false),
            ("matchExpressions: [{key: app, operator: Matches, values: [web]}]", false),
            (
                "{matchLabels: {app: web}, matchExpressions: [{key: tier, operator: NotIn, values: ['1']}]}",
                false,
            ),
            ("{}", true),
        ] {
            assert_eq!(matches(selector, &web), expected, "{selector}");
        }
    }

    #[test]
    fn more_labels_only_add_matches_of_positive_requirements() {
        assert!(matches("matchLabels: {app: web}", &[("app", "web"), ("lane", "gray")]));
    }
}
