//! Policies of Calico, whose selectors are expressions in text.
//!
//! Source: docs.tigera.io/calico/latest/reference/resources/networkpolicy and /globalnetworkpolicy.

use std::collections::{BTreeSet, HashMap};
use std::slice;

use super::super::Subject;
use super::super::gray::{Gray, at, position};
use super::effect::Effect;
use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::calico::Expression;
use crate::kube::object::ObjectRef;
use crate::lane::{GrayObject, Labels, SERVICE_NAME};
use crate::yaml::{NodeRef, Path};

const GROUPS: [&str; 2] = ["projectcalico.org", "crd.projectcalico.org"];
const GLOBAL: &str = "GlobalNetworkPolicy";

/// The lists of rules, and the side of a connection whose pods a rule of each is about.
const DIRECTIONS: [(&str, &str); 2] = [("ingress", "source"), ("egress", "destination")];

/// A selector of a policy.
struct Selector {
    /// Position of the policy in the baseline.
    policy: usize,
    path: Path,
    expression: Expression,
    effect: Effect,
    /// The namespace of the pods it looks at, where it is one alone.
    namespace: Option<String>,
    /// Of a rule, all but the selector: what it says of its peers. Rules that say the same make up for
    /// each other.
    says: Option<String>,
}

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
        let pair = Pair { object, baseline: Side::of(&pods.labels), gray: Side::of(labels) };
        let of_key = pair.differing().into_iter().filter_map(|key| by_key.get(key));
        let candidates: BTreeSet<usize> = of_key.flatten().copied().collect();
        let candidates = candidates.into_iter().map(|number| &all[number]);
        let candidates: Vec<&Selector> =
            candidates.filter(|each| pair.is_covered(each) && pair.tells_apart(each)).collect();
        let is_for_lanes = |each: &&Selector| each.expression.keys().contains(&SERVICE_NAME);
        let isolated = candidates.iter().any(|each| is_for_lanes(each) && each.says.is_none());
        for selector in candidates.into_iter().filter(|each| !is_for_lanes(each)) {
            let beside = of_policy.get(&selector.policy).into_iter().flatten();
            let beside = beside.map(|number| &all[*number]);
            found.extend(pair.told(subject, selector, beside, isolated));
        }
    }
    found
}

fn is_policy(id: &ObjectRef) -> bool {
    GROUPS.contains(&id.group.as_str()) && matches!(id.kind.as_str(), "NetworkPolicy" | GLOBAL)
}

/// The selectors of a policy that can be read.
fn selectors(policy: usize, object: &Object) -> Vec<Selector> {
    let document = object.document();
    let Some(spec) = document.root().get("spec") else { return Vec::new() };
    let own = Some(object.id.namespace.clone()).filter(|_| object.id.kind != GLOBAL);
    let mut found = Vec::new();
    if let Some(expression) = expression(spec, "selector") {
        let path = Path::keys(["spec", "selector"]);
        let (effect, namespace) = (Effect::Isolates, own.clone());
        found.push(Selector { policy, path, expression, effect, namespace, says: None });
    }
    for (direction, side) in DIRECTIONS {
        let rules = spec.get(direction).into_iter().flat_map(NodeRef::items).enumerate();
        for (number, rule) in rules {
            let action = rule.get("action").and_then(NodeRef::text);
            let effect = match (action, direction) {
                (Some("Allow"), "ingress") => Effect::LetsIn,
                (Some("Allow"), _) => Effect::LetsOut,
                (Some("Deny"), "ingress") => Effect::KeepsOut,
                (Some("Deny"), _) => Effect::Stops,
                _ => continue,
            };
            let Some(peer) = rule.get(side) else { continue };
            let (asked, left_out) = (expression(peer, "selector"), expression(peer, "notSelector"));
            let (Some(expression), None) = (asked, left_out) else { continue };
            let mut says = rule.to_json();
            if let Some(peer) = says.get_mut(side).and_then(serde_json::Value::as_object_mut) {
                peer.remove("selector");
            }
            let path = Path::keys(["spec", direction]).index(number).key(side).key("selector");
            // One that names namespaces is about the same ones for both sides.
            let namespace = own.clone().filter(|_| peer.get("namespaceSelector").is_none());
            let says = Some(format!("{direction} {says}"));
            found.push(Selector { policy, path, expression, effect, namespace, says });
        }
    }
    found
}

fn expression(node: NodeRef<'_>, key: &str) -> Option<Expression> {
    Expression::parse(node.get(key)?.as_str()?)
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
    baseline: Side<'a>,
    gray: Side<'a>,
}

impl<'a> Pair<'a> {
    /// The keys of the labels that differ.
    fn differing(&self) -> Vec<&'a str> {
        let keys = self.baseline.0.keys().chain(self.gray.0.keys()).copied();
        keys.filter(|key| self.baseline.0.get(key) != self.gray.0.get(key)).collect()
    }

    fn is_covered(&self, selector: &Selector) -> bool {
        let own = &self.object.id.namespace;
        selector.namespace.as_ref().is_none_or(|namespace| namespace == own)
    }

    fn tells_apart(&self, selector: &Selector) -> bool {
        self.baseline.is_selected(selector) != self.gray.is_selected(selector)
    }

    /// What a selector does to one side alone, if no other rule of the policy does it to the other.
    fn told<'s>(
        &self,
        subject: &Subject<'_>,
        selector: &Selector,
        mut beside: impl Iterator<Item = &'s Selector>,
        isolated: bool,
    ) -> Option<Diagnostic> {
        let is_lost = self.baseline.is_selected(selector);
        let other = if is_lost { &self.gray } else { &self.baseline };
        let is_made_up = match &selector.says {
            None => isolated,
            Some(says) => beside.any(|each| {
                each.says.as_ref() == Some(says) && self.is_covered(each) && other.is_selected(each)
            }),
        };
        let origin = self.object.baseline().filter(|_| !is_made_up)?;
        let policy = subject.facts.object(selector.policy);
        let service = &self.object.service;
        let (what, remedy) = match is_lost {
            true => (
                selector.effect.lost(origin),
                format!("let it ask for the gray pods too: `… || {SERVICE_NAME} == '{service}'`"),
            ),
            false => (
                selector.effect.gained(origin),
                format!("leave them out: `(…) && {SERVICE_NAME} != '{service}'`"),
            ),
        };
        let warning = Diagnostic::warning(format!("{} {what}", policy.id));
        Some(at(warning, Some(policy), slice::from_ref(&selector.path)).remedy(remedy))
    }
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    fn of(spec: &str) -> Vec<String> {
        let policy = format!(
            "---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {{name: db}}\nspec: {spec}\n"
        );
        told("network-policy-gap", "", &(deployment("") + &policy))
    }

    fn peers(direction: &str, rules: &str) -> Vec<String> {
        of(&format!("{{selector: app == 'db', {direction}: {rules}}}"))
    }

    #[test]
    fn told_of_peers_that_gray_pods_are_not() {
        let web = "source: {selector: app == 'web'}";
        let found = peers("ingress", &format!("[{{action: Allow, {web}}}]"));
        assert_eq!(
            found,
            [
                "deploy/all.yaml:21:66: NetworkPolicy/db lets the pods of Deployment/web in and not the gray ones: they cannot connect to what it guards"
            ]
        );
        let to = web.replace("source", "destination");
        for (direction, action, peer, part) in [
            ("ingress", "Deny", web, "keeps the pods of Deployment/web out and not"),
            ("egress", "Allow", &to, "lets connections to the pods of Deployment/web out"),
            ("egress", "Deny", &to, "stops connections to the pods of Deployment/web"),
        ] {
            let found = peers(direction, &format!("[{{action: {action}, {peer}}}]"));
            assert!(found.len() == 1 && found[0].contains(part), "{found:?}");
        }
        for rules in [
            "[{action: Log, source: {selector: app == 'web'}}]",
            "[{action: Allow, source: {selector: app == 'api'}}]",
            "[{action: Allow, source: {selector: has(app)}}]",
            "[{action: Allow, source: {selector: app == 'web' || zadigx-release-service-name == 'web'}}]",
            "[{action: Allow, source: {selector: app == 'web'}}, {action: Allow, source: {selector: app starts with 'web-'}}]",
            "[{action: Allow, source: {selector: app == 'web'}}, {action: Allow, source: {selector: all()}}]",
            "[{action: Allow, source: {selector: is no expression}}]",
        ] {
            assert!(peers("ingress", rules).is_empty(), "{rules}");
        }
        let ports = "[{action: Allow, source: {selector: app == 'web'}}, {action: Allow, source: {selector: all()}, destination: {ports: [80]}}]";
        assert_eq!(peers("ingress", ports).len(), 1);
    }

    #[test]
    fn told_of_pods_that_it_isolates_alone() {
        let found = of("{selector: app == 'web'}");
        assert!(found.len() == 1 && found[0].contains("isolates the pods of Deployment/web"));
        let found = of("{selector: app != 'web'}");
        assert!(found.len() == 1 && found[0].contains("isolates the gray pods of"), "{found:?}");
        for selector in ["all()", "app in {'web', 'web-mse-gray'}", "app == 'api'"] {
            assert!(of(&format!("{{selector: \"{selector}\"}}")).is_empty(), "{selector}");
        }
        let beside = "{selector: app == 'web'}\n---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: lanes}\nspec: {selector: zadigx-release-service-name == 'web'}";
        assert!(of(beside).is_empty());
    }
}
