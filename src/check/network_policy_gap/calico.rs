//! Policies of Calico, whose selectors are expressions in text.
//!
//! Source: docs.tigera.io/calico/latest/reference/resources/networkpolicy and /globalnetworkpolicy.

mod selectors;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::slice;

use selectors::{Home, Rule, Selector, is_policy, is_within, selectors};

use super::super::Subject;
use super::super::gray::{Gray, at, position};
use super::effect::Effect;
use crate::diagnostic::Diagnostic;
use crate::lane::{GrayObject, Labels, SERVICE_NAME};

/// What the policies of Calico in the baseline do to the baseline's pods and not to the gray ones, or
/// the reverse.
pub(super) fn check(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let objects = facts.baseline.objects().iter().enumerate();
    let policies = objects.filter(|(_, object)| is_policy(&object.id));
    let all: Vec<Selector> = policies.flat_map(|(at, object)| selectors(at, object)).collect();
    if all.is_empty() {
        return Vec::new();
    }
    // Labels tell the sides apart by those keys alone of which the values differ.
    let mut by_key: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut of_policy: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, selector) in all.iter().enumerate() {
        for key in selector.expression.keys() {
            by_key.entry(key).or_default().push(number);
        }
        of_policy.entry(selector.policy).or_default().push(number);
    }
    let mut found = Vec::new();
    for (object, labels) in &gray.pods {
        let Some(pods) = position(facts, object).and_then(|at| facts.pods_of(at).first()) else {
            continue;
        };
        let home = Home::of(&object.id.namespace, &facts.baseline);
        let pair = Pair { object, home, baseline: Side::of(&pods.labels), gray: Side::of(labels) };
        let of_key = pair.differing().into_iter().filter_map(|key| by_key.get(key));
        let candidates: BTreeSet<usize> = of_key.flatten().copied().collect();
        let candidates = candidates.into_iter().map(|number| &all[number]);
        let candidates: Vec<&Selector> =
            candidates.filter(|each| pair.is_covered(each) && pair.tells_apart(each)).collect();
        let is_for_lanes = |each: &&Selector| each.expression.keys().contains(&SERVICE_NAME);
        let isolated = candidates.iter().any(|each| is_for_lanes(each) && each.rule.is_none());
        for selector in candidates.into_iter().filter(|each| !is_for_lanes(each)) {
            let effect = match &selector.rule {
                None if isolated => None,
                None if pair.is_guarded(selector, &all) => Some(Effect::Governs),
                None => Some(selector.effect),
                Some(rule) => {
                    let beside = of_policy.get(&selector.policy).into_iter().flatten();
                    let beside = beside.map(|number| &all[*number]);
                    pair.decides(selector, rule, beside).then_some(selector.effect)
                }
            };
            found.extend(effect.and_then(|effect| pair.told(subject, selector, effect)));
        }
    }
    found
}

/// The labels of pods, to look up.
struct Side<'a>(HashMap<&'a str, &'a str>);

impl<'a> Side<'a> {
    fn of(labels: &'a Labels) -> Self {
        Self(labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect())
    }

    fn is_selected(&self, selector: &Selector) -> bool {
        selector.expression.matches(&|key| self.0.get(key).copied())
    }
}

/// A gray workload, with the labels of its pods and of those of the baseline's.
struct Pair<'a> {
    object: &'a GrayObject,
    home: Home<'a>,
    baseline: Side<'a>,
    gray: Side<'a>,
}

impl<'a> Pair<'a> {
    /// The keys of the labels that differ.
    fn differing(&self) -> Vec<&'a str> {
        let keys = self.baseline.0.keys().chain(self.gray.0.keys()).copied();
        keys.filter(|key| self.baseline.0.get(key) != self.gray.0.get(key)).collect()
    }

    /// Whether a selector looks at their namespace for certain.
    fn is_covered(&self, selector: &Selector) -> bool {
        self.home.is_one_of(&selector.namespaces) == Some(true)
    }

    fn tells_apart(&self, selector: &Selector) -> bool {
        self.baseline.is_selected(selector) != self.gray.is_selected(selector)
    }

    /// Whether another policy isolates both sides, or may: then neither is open to everybody.
    fn is_guarded(&self, selector: &Selector, all: &[Selector]) -> bool {
        let others =
            all.iter().filter(|each| each.rule.is_none() && each.policy != selector.policy);
        let mut both =
            others.filter(|each| self.baseline.is_selected(each) && self.gray.is_selected(each));
        both.any(|each| self.home.is_one_of(&each.namespaces) != Some(false))
    }

    /// Whether a rule decides for one side, and nothing of the policy the same for the other.
    fn decides<'s>(
        &self,
        selector: &'s Selector,
        rule: &Rule,
        beside: impl Iterator<Item = &'s Selector>,
    ) -> bool {
        let is_as_wide = |each: &Selector| {
            each.rule.as_ref().is_some_and(|other| {
                other.direction == rule.direction && is_within(&other.asks, &rule.asks)
            })
        };
        let is_about = |each: &Selector, side: &Side<'_>| {
            side.is_selected(each) && self.is_covered(each) && is_as_wide(each)
        };
        let is_lost = self.baseline.is_selected(selector);
        let (mut one, mut other) = (None, None);
        for each in beside {
            let sides = (is_about(each, &self.baseline), is_about(each, &self.gray));
            let (is_ones, is_others) = if is_lost { sides } else { (sides.1, sides.0) };
            one = one.or(Some(each).filter(|_| is_ones));
            other = other.or(Some(each).filter(|_| is_others));
        }
        one.is_some_and(|one| std::ptr::eq(one, selector))
            && other.is_none_or(|other| other.effect != selector.effect)
    }

    /// What a selector does to one side alone.
    fn told(
        &self,
        subject: &Subject<'_>,
        selector: &Selector,
        effect: Effect,
    ) -> Option<Diagnostic> {
        let is_lost = self.baseline.is_selected(selector);
        let origin = self.object.baseline()?;
        let policy = subject.facts.object(selector.policy);
        let service = &self.object.service;
        let (what, remedy) = match is_lost {
            true => (
                effect.lost(origin),
                format!("let it ask for the gray pods too: `… || {SERVICE_NAME} == '{service}'`"),
            ),
            false => (
                effect.gained(origin),
                format!("leave them out: `(…) && {SERVICE_NAME} != '{service}'`"),
            ),
        };
        let warning = Diagnostic::warning(format!("{} {what}", policy.id));
        Some(at(warning, Some(policy), slice::from_ref(&selector.path)).remedy(remedy))
    }
}
