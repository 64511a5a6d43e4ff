//! How the pods of a service are kept apart from their copies.
//!
//! A selector is a conjunction: labels that are added to gray pods never take them out of a
//! baseline selector. A value that the selector asks for must be another one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::facts::{Facts, Labels, Pods, Selecting};
use super::labels::{LaneLabels, ORIGINAL, VERSION, near_version};
use crate::governance::Governance;
use crate::kube::names::check_label_value;
use crate::kube::selector::{LabelSelector, Operator};
use crate::kube::selectors::SelectorRole;
use crate::spec::{Isolation, Suffix};

/// How one service is isolated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Separation {
    /// The mode in use; never `Auto`.
    pub mode: Isolation,
    /// Label values that are replaced on gray pods and in gray selectors: by key, old to new.
    pub replaced: BTreeMap<String, (String, String)>,
    /// Why `auto` came to `relabel`; selectors that no replacement can separate are left to the check.
    pub reason: Option<String>,
}

/// Selectors whose owner counts the pods it matches, or sends to them.
pub fn counts_pods(role: SelectorRole) -> bool {
    matches!(
        role,
        SelectorRole::Workload
            | SelectorRole::Service
            | SelectorRole::ServiceEntry
            | SelectorRole::DisruptionBudget
            | SelectorRole::PodMonitor
    )
}

/// Selectors that findings set against the pods of the other side.
pub(super) fn reaches_pods(role: SelectorRole) -> bool {
    counts_pods(role) || role == SelectorRole::NetworkPolicySubject
}

/// Selectors by which an object finds the pods it is for.
pub(super) fn finds_own_pods(role: SelectorRole) -> bool {
    counts_pods(role)
        || matches!(
            role,
            SelectorRole::NetworkPolicySubject
                | SelectorRole::AuthorizationSubject
                | SelectorRole::MeshSubject
                | SelectorRole::MeshClient
        )
}

/// Decides how a workload's pods are separated from their copies, which start from labels of
/// their `own`.
pub(super) fn separate(
    facts: &Facts,
    pods: &Pods,
    own: &Labels,
    wish: Isolation,
    suffix: &Suffix,
    lane: &LaneLabels,
    governance: &dyn Governance,
) -> Separation {
    let counted: Vec<&Selecting> = facts
        .selecting(pods.object)
        .filter(|selecting| counts_pods(selecting.selector.role))
        .collect();
    let without = counted.iter().find(|selecting| !asks_for_original(&selecting.selector.selector));
    let labelled = value_of(&pods.labels, VERSION) == Some(ORIGINAL);
    let by_label =
        Separation { mode: Isolation::VersionLabel, replaced: BTreeMap::new(), reason: None };
    let reason = match (wish, without) {
        (Isolation::VersionLabel, _) => return by_label,
        (Isolation::Auto, None) if labelled => return by_label,
        (Isolation::Relabel, _) => None,
        (Isolation::Auto, Some(selecting)) if labelled => {
            let owner = &facts.object(selecting.object).id;
            Some(format!("{owner} does not ask for `{VERSION}: {ORIGINAL}`"))
        }
        (Isolation::Auto, _) => Some(not_original(&pods.labels)),
    };
    let mut separation = Separation { mode: Isolation::Relabel, replaced: BTreeMap::new(), reason };
    // What asks for a label that the lane sets to something else is separated already.
    let labelled: HashMap<String, String> =
        gray_labels(own, &separation, lane).into_iter().collect();
    let open = counted.iter().map(|selecting| &selecting.selector.selector);
    let open = open.filter(|selector| selector.matches(&labelled));
    let replaceable = |key: &&str| {
        !lane.keys().any(|lanes| lanes == *key) && !governance.registry_keys().contains(key)
    };
    let keys = keys_to_replace(open, &pods.labels, &suffix.text, replaceable);
    replace(&mut separation, &keys, &pods.labels, own, suffix);
    // Those of the copies' own that differ are separation enough.
    if separation.replaced.is_empty() && *own != pods.labels {
        separation.reason = None;
    }
    separation
}

/// Replaces the values of these keys, where the pods have them and their copies have no others.
pub(super) fn replace(
    separation: &mut Separation,
    keys: &BTreeSet<String>,
    labels: &Labels,
    own: &Labels,
    suffix: &Suffix,
) {
    for key in keys {
        if let Some(old) = value_of(labels, key) {
            let new = match value_of(own, key) {
                Some(own) if own != old => own.to_owned(),
                _ => format!("{old}{}", suffix.text),
            };
            separation.replaced.insert(key.clone(), (old.to_owned(), new));
        }
    }
}

/// In what way labels do not say that their pods are the original version.
fn not_original(labels: &Labels) -> String {
    let near = near_version(labels.iter().map(|(key, _)| key.as_str()));
    match (value_of(labels, VERSION), near) {
        (Some(value), _) => {
            format!("its pods are labelled `{VERSION}: {value}`, not `{ORIGINAL}`")
        }
        (None, Some(near)) => {
            format!("its pods are labelled `{near}`; did you mean `{VERSION}: {ORIGINAL}`?")
        }
        (None, None) => format!("its pods are not labelled `{VERSION}: {ORIGINAL}`"),
    }
}

/// Whether a selector matches only pods labelled as the original version.
fn asks_for_original(selector: &LabelSelector) -> bool {
    required_values(selector, VERSION).any(|values| values == [ORIGINAL])
}

/// The values of which a selector asks for one, for each time it asks for this key.
pub fn required_values<'a>(
    selector: &'a LabelSelector,
    key: &'a str,
) -> impl Iterator<Item = &'a [String]> {
    let of_key = selector.requirements.iter().filter(move |requirement| requirement.key == key);
    of_key.filter_map(|requirement| match &requirement.operator {
        Operator::In(values) => Some(values.as_slice()),
        _ => None,
    })
}

fn value_of<'a>(labels: &'a Labels, key: &str) -> Option<&'a str> {
    labels.iter().find(|(candidate, _)| candidate == key).map(|(_, value)| value.as_str())
}

/// Keys that name the application, in the order of how usual they are: of several keys that would
/// do, the replaced one is the one that people expect to differ.
const APP_KEYS: [&str; 5] = ["app", "app.kubernetes.io/name", "k8s-app", "run", "name"];

/// A smallest set of keys such that every selector asks for another value of one of them once
/// their values have the suffix, found greedily. Selectors for which there is none are left out.
fn keys_to_replace<'a>(
    selectors: impl Iterator<Item = &'a LabelSelector>,
    labels: &Labels,
    suffix: &str,
    replaceable: impl Fn(&&str) -> bool,
) -> BTreeSet<String> {
    let candidates: Vec<(&str, String)> = labels
        .iter()
        .map(|(key, value)| (key.as_str(), format!("{value}{suffix}")))
        .filter(|(key, _)| replaceable(key))
        .collect();
    let mut open: Vec<Vec<&str>> = selectors
        .map(|selector| {
            let separates = |(key, new): &&(&str, String)| {
                required_values(selector, key).any(|values| !values.contains(new))
            };
            let keys: Vec<&(&str, String)> = candidates.iter().filter(separates).collect();
            // A value that has grown too long is an error, where another key can do.
            let fits = |(_, new): &&&(&str, String)| check_label_value(new).is_ok();
            let fitting: Vec<&str> = keys.iter().filter(fits).map(|(key, _)| *key).collect();
            match fitting.is_empty() {
                true => keys.into_iter().map(|(key, _)| *key).collect(),
                false => fitting,
            }
        })
        .filter(|keys: &Vec<&str>| !keys.is_empty())
        .collect();
    let mut chosen = BTreeSet::new();
    while !open.is_empty() {
        let mut hits: BTreeMap<&str, usize> = BTreeMap::new();
        for key in open.iter().flatten() {
            *hits.entry(key).or_default() += 1;
        }
        let usual = |key: &str| {
            APP_KEYS.iter().position(|candidate| *candidate == key).unwrap_or(APP_KEYS.len())
        };
        let best = hits.into_iter().max_by(|(a, hits_a), (b, hits_b)| {
            hits_a.cmp(hits_b).then_with(|| usual(b).cmp(&usual(a))).then_with(|| b.cmp(a))
        });
        let Some((best, _)) = best else { break };
        open.retain(|keys| !keys.contains(&best));
        chosen.insert(best.to_owned());
    }
    chosen
}

/// The labels of the gray pods: the baseline's with values replaced, and the lane's.
pub(super) fn gray_labels(baseline: &Labels, separation: &Separation, lane: &LaneLabels) -> Labels {
    let mut labels = baseline.clone();
    for (key, value) in &mut labels {
        if let Some((_, new)) = separation.replaced.get(key) {
            new.clone_into(value);
        }
    }
    for (key, value) in lane.all() {
        match labels.iter_mut().find(|(candidate, _)| candidate == key) {
            Some((_, there)) => value.clone_into(there),
            None => labels.push((key.to_string(), value.clone())),
        }
    }
    labels
}
