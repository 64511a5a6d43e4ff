//! Finding what a selector matches without testing everything.

use super::selector::{LabelSelector, Operator, Requirement};
use super::selectors::NamespaceScope;
use foldhash::HashMap;
use std::collections::BTreeMap;

/// Label sets by namespace, key and value.
///
/// A selector is tested only against the label sets that its rarest positive requirement leaves,
/// so that evaluating every selector of a repository against every pod template stays linear.
#[derive(Clone, Debug)]
pub struct SelectorIndex<I> {
    entries: Vec<Entry<I>>,
    namespaces: BTreeMap<String, NamespaceIndex>,
}

#[derive(Clone, Debug)]
struct Entry<I> {
    id: I,
    /// Sorted, each key once.
    labels: Vec<(String, String)>,
}

impl<I> Entry<I> {
    fn value(&self, key: &str) -> Option<&String> {
        let found = self.labels.binary_search_by(|(other, _)| other.as_str().cmp(key));
        found.ok().and_then(|at| self.labels.get(at)).map(|(_, value)| value)
    }
}

#[derive(Clone, Debug, Default)]
struct NamespaceIndex {
    all: Vec<usize>,
    keys: HashMap<String, KeyIndex>,
}

#[derive(Clone, Debug, Default)]
struct KeyIndex {
    all: Vec<usize>,
    values: HashMap<String, Vec<usize>>,
}

impl KeyIndex {
    fn add(&mut self, value: &str, position: usize) {
        self.all.push(position);
        match self.values.get_mut(value) {
            Some(bucket) => bucket.push(position),
            None => {
                self.values.insert(value.to_owned(), vec![position]);
            }
        }
    }
}

impl<I> Default for SelectorIndex<I> {
    fn default() -> Self {
        Self { entries: Vec::new(), namespaces: BTreeMap::new() }
    }
}

impl<I> SelectorIndex<I> {
    /// An index of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a label set under an id; of a key that is there twice the last value counts.
    pub fn insert(
        &mut self,
        id: I,
        namespace: &str,
        labels: impl IntoIterator<Item = (String, String)>,
    ) {
        let position = self.entries.len();
        let mut labels: Vec<_> = labels.into_iter().collect();
        labels.sort_by(|(key, _), (other, _)| key.cmp(other));
        labels.dedup_by(|(key, later), (other, value)| {
            let is_twice = key == other;
            if is_twice {
                std::mem::swap(later, value);
            }
            is_twice
        });
        match self.namespaces.get_mut(namespace) {
            Some(index) => index.add(&labels, position),
            None => {
                let mut index = NamespaceIndex::default();
                index.add(&labels, position);
                self.namespaces.insert(namespace.to_owned(), index);
            }
        }
        self.entries.push(Entry { id, labels });
    }

    /// The number of label sets.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The ids in a namespace whose labels a selector matches, in the order they were added. An
    /// empty selector matches all of the namespace.
    pub fn matching(&self, selector: &LabelSelector, namespace: &str) -> Vec<&I> {
        self.namespaces
            .get(namespace)
            .map(|index| self.positions(selector, index))
            .unwrap_or_default()
            .into_iter()
            .filter_map(|position| self.entries.get(position))
            .map(|entry| &entry.id)
            .collect()
    }

    /// The ids whose labels a selector may match in the namespaces it looks at, namespace by
    /// namespace; `own` is the namespace of the object that holds the selector.
    pub fn matching_in(
        &self,
        selector: &LabelSelector,
        scope: &NamespaceScope,
        own: &str,
    ) -> Vec<&I> {
        match scope {
            NamespaceScope::Own => self.matching(selector, own),
            NamespaceScope::Named(names) => {
                let mut names: Vec<_> = names.iter().collect();
                names.sort();
                names.dedup();
                names.into_iter().flat_map(|name| self.matching(selector, name)).collect()
            }
            NamespaceScope::All | NamespaceScope::Selected(_) => self
                .namespaces
                .keys()
                .filter(|namespace| scope.may_cover(own, namespace))
                .flat_map(|namespace| self.matching(selector, namespace))
                .collect(),
        }
    }

    fn positions(&self, selector: &LabelSelector, index: &NamespaceIndex) -> Vec<usize> {
        let requirements = selector.requirements.iter();
        let candidates = requirements.filter_map(|requirement| index.candidates(requirement));
        let rarest = candidates.min_by_key(Candidates::count);
        let rarest = rarest.unwrap_or(Candidates::One(index.all.as_slice()));
        let mut positions: Vec<usize> = rarest
            .buckets()
            .iter()
            .flat_map(|bucket| bucket.iter())
            .copied()
            .filter(|position| {
                let entry = self.entries.get(*position);
                entry.is_some_and(|entry| selector.matches_by(|key| entry.value(key)))
            })
            .collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }
}

impl NamespaceIndex {
    fn add(&mut self, labels: &[(String, String)], position: usize) {
        self.all.push(position);
        for (key, value) in labels {
            // Most labels are there already, and their texts need no copy.
            match self.keys.get_mut(key) {
                Some(index) => index.add(value, position),
                None => {
                    let mut index = KeyIndex::default();
                    index.add(value, position);
                    self.keys.insert(key.clone(), index);
                }
            }
        }
    }

    /// What can fulfil a requirement; `None` where its absence fulfils it too.
    fn candidates(&self, requirement: &Requirement) -> Option<Candidates<'_>> {
        let key = self.keys.get(&requirement.key);
        let bucket = |value| key.and_then(|key| key.values.get(value)).map(Vec::as_slice);
        Some(match &requirement.operator {
            Operator::In(values) => match values.as_slice() {
                [value] => Candidates::One(bucket(value).unwrap_or_default()),
                values => Candidates::Many(values.iter().filter_map(bucket).collect()),
            },
            Operator::Exists => Candidates::One(key.map_or(&[], |key| key.all.as_slice())),
            Operator::Unknown(_) => Candidates::One(&[]),
            Operator::NotIn(_) | Operator::DoesNotExist => return None,
        })
    }
}

/// Label sets that can fulfil a requirement. Nearly all requirements ask for one value.
enum Candidates<'a> {
    One(&'a [usize]),
    Many(Vec<&'a [usize]>),
}

impl<'a> Candidates<'a> {
    fn buckets(&self) -> &[&'a [usize]] {
        match self {
            Self::One(bucket) => std::slice::from_ref(bucket),
            Self::Many(buckets) => buckets,
        }
    }

    fn count(&self) -> usize {
        self.buckets().iter().map(|bucket| bucket.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap();
            (key.to_owned(), value.to_owned())
        };
        text.split_whitespace().map(pair).collect()
    }

    fn index() -> SelectorIndex<&'static str> {
        let mut index = SelectorIndex::new();
        index.insert("web", "prod", pairs("app=web"));
        index.insert("web-gray", "prod", pairs("app=web lane=gray"));
        index.insert("api", "prod", pairs("app=api"));
        index.insert("web-test", "test", pairs("app=web"));
        index
    }

    fn selector(requirements: &[(&str, Operator)]) -> LabelSelector {
        let requirement = |(key, operator): &(&str, Operator)| Requirement {
            key: (*key).to_owned(),
            operator: operator.clone(),
        };
        LabelSelector { requirements: requirements.iter().map(requirement).collect() }
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_last_value_counts() {
        let mut index = SelectorIndex::new();
        index.insert("web", "prod", pairs("app=old lane=gray app=older app=web"));
        for (value, expected) in [("old", vec![]), ("older", vec![]), ("web", vec![&"web"])] {
            let app = selector(&[("app", Operator::In(vec![value.to_owned()]))]);
            let both = selector(&[
                ("app", Operator::In(vec![value.to_owned()])),
                ("lane", Operator::In(vec!["gray".to_owned()])),
            ]);
            assert_eq!(index.matching(&app, "prod"), expected, "{value}");
            assert_eq!(index.matching(&both, "prod"), expected, "{value}");
        }
    }

    #[test]
    fn time_is_linear_in_the_labels_of_an_object() {
        let started = std::time::Instant::now();
        let labels: Vec<_> = (0..40_000).map(|at| (format!("k{at}"), String::new())).collect();
        let mut index = SelectorIndex::new();
        index.insert("web", "prod", labels.iter().cloned());
        let requirements = labels
            .into_iter()
            .map(|(key, value)| Requirement { key, operator: Operator::In(vec![value]) });
        let all = LabelSelector { requirements: requirements.collect() };
        assert_eq!(index.matching(&all, "prod"), [&"web"]);
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    #[test]
    fn finds_what_testing_everything_finds() {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let index = index();
        for (requirements, expected) in [
            (vec![("app", Operator::In(values(&["web"])))], vec!["web", "web-gray"]),
            (
                vec![
                    ("app", Operator::In(values(&["api", "web", "web"]))),
                    ("lane", Operator::DoesNotExist),
                ],
                vec!["web", "api"],
            ),
            (vec![("lane", Operator::NotIn(values(&["gray"])))], vec!["web", "api"]),
            (vec![("lane", Operator::Exists)], vec!["web-gray"]),
            (vec![("other", Operator::Exists)], vec![]),
            (vec![("app", Operator::Unknown("Like".to_owned()))], vec![]),
            (vec![], vec!["web", "web-gray", "api"]),
        ] {
            let found: Vec<_> =
                index.matching(&selector(&requirements), "prod").into_iter().copied().collect();
            assert_eq!(found, expected, "{requirements:?}");
        }
    }

    #[test]
    fn namespaces_are_kept_apart_unless_the_selector_spans_them() {
        let index = index();
        let web = LabelSelector::from_pairs(pairs("app=web"));
        assert_eq!(index.matching(&web, "test"), [&"web-test"]);
        assert!(index.matching(&web, "other").is_empty());
        assert_eq!(index.matching_in(&web, &NamespaceScope::All, "other").len(), 3);
        let named = NamespaceScope::Named(vec!["test".to_owned(), "test".to_owned()]);
        assert_eq!(index.matching_in(&web, &named, "prod"), [&"web-test"]);
        let selected = LabelSelector::from_pairs(pairs("kubernetes.io/metadata.name=test"));
        let selected = NamespaceScope::Selected(selected);
        assert_eq!(index.matching_in(&web, &selected, "prod"), [&"web-test"]);
    }
}
