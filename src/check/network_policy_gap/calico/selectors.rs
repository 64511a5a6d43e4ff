//! What the selectors of a policy of Calico look at, and its rules besides.

use std::collections::HashMap;

use serde_json::Value;

use super::Effect;
use crate::baseline::{Baseline, Object};
use crate::kube::calico::Expression;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::labels;
use crate::yaml::{NodeRef, Path};

const GROUPS: [&str; 2] = ["projectcalico.org", "crd.projectcalico.org"];
const GLOBAL: &str = "GlobalNetworkPolicy";

/// The labels with the name of a namespace: that of the API server, and that of Calico.
///
/// Sources: kubernetes.io/docs/reference/labels-annotations-taints; docs.tigera.io/calico/latest/
/// reference/resources/networkpolicy (`namespaceSelector`).
const NAMES: [&str; 2] = ["kubernetes.io/metadata.name", "projectcalico.org/name"];

/// The lists of rules, and the side of a connection whose pods a rule of each is about.
const DIRECTIONS: [(&str, &str); 2] = [("ingress", "source"), ("egress", "destination")];

/// A selector of a policy: of the pods that it is for, or of the peers of a rule.
pub(super) struct Selector {
    /// Position of the policy in the baseline.
    pub policy: usize,
    pub path: Path,
    pub expression: Expression,
    pub effect: Effect,
    pub namespaces: Namespaces,
    pub rule: Option<Rule>,
}

/// The namespaces of the pods that a selector looks at.
#[derive(Clone)]
pub(super) enum Namespaces {
    Every,
    One(String),
    /// Those with these labels.
    Asked(Expression),
    /// It asks for what is not known, such as labels of service accounts.
    Unknown,
}

/// A rule, but for its peers. The first one that is about a connection decides.
pub(super) struct Rule {
    pub direction: &'static str,
    /// What else it asks of connections.
    pub asks: Value,
}

pub(super) fn is_policy(id: &ObjectRef) -> bool {
    GROUPS.contains(&id.group.as_str()) && matches!(id.kind.as_str(), "NetworkPolicy" | GLOBAL)
}

/// The selectors of a policy that can be read.
pub(super) fn selectors(policy: usize, object: &Object) -> Vec<Selector> {
    let document = object.document();
    let Some(spec) = document.root().get("spec") else { return Vec::new() };
    let is_global = object.id.kind == GLOBAL;
    let own = match is_global {
        true => Namespaces::Every,
        false => Namespaces::One(object.id.namespace.clone()),
    };
    let mut found = Vec::new();
    if let Some(expression) = expression(spec, "selector") {
        let path = Path::keys(["spec", "selector"]);
        let namespaces = match expression_text(spec, "serviceAccountSelector") {
            Some(_) => Namespaces::Unknown,
            None if is_global => namespaces(spec, own.clone()),
            None => own.clone(),
        };
        let effect = Effect::Isolates;
        found.push(Selector { policy, path, expression, effect, namespaces, rule: None });
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
            let mut asks = rule.to_json();
            forget(&mut asks, &["action", "metadata"]);
            let (expression, namespaces) = match rule.get(side).filter(|peer| !peer.is_null()) {
                None => (Expression::All, Namespaces::Every),
                Some(peer) => {
                    let left_out = expression_text(peer, "notSelector");
                    let (Some(expression), None) = (expression(peer, "selector"), left_out) else {
                        continue;
                    };
                    // Peers that it asks nothing of as pods are those of every namespace.
                    let asks_of_pods = expression_text(peer, "selector").is_some()
                        || peer.get("serviceAccounts").is_some();
                    let own = if asks_of_pods { own.clone() } else { Namespaces::Every };
                    (expression, namespaces(peer, own))
                }
            };
            if let Some(peer) = asks.get_mut(side) {
                forget(peer, &["selector", "namespaceSelector", "notSelector"]);
            }
            let path = Path::keys(["spec", direction]).index(number).key(side).key("selector");
            let rule = Some(Rule { direction, asks });
            found.push(Selector { policy, path, expression, effect, namespaces, rule });
        }
    }
    found
}

fn forget(value: &mut Value, keys: &[&str]) {
    if let Some(value) = value.as_object_mut() {
        keys.iter().for_each(|key| drop(value.remove(*key)));
    }
}

/// An expression that asks for something; what is no text as none that can be read.
fn expression_text<'a>(node: NodeRef<'a>, key: &str) -> Option<&'a str> {
    let node = node.get(key).filter(|node| !node.is_null())?;
    Some(node.as_str().map_or("?", str::trim)).filter(|text| !text.is_empty())
}

/// Nothing asks for everything.
fn expression(node: NodeRef<'_>, key: &str) -> Option<Expression> {
    Expression::parse(expression_text(node, key).unwrap_or_default())
}

/// The namespaces that a policy or a peer asks for; `own` where it asks for none.
fn namespaces(node: NodeRef<'_>, own: Namespaces) -> Namespaces {
    match expression_text(node, "namespaceSelector") {
        None => own,
        // What is in no namespace is no pod.
        Some(text) if text.contains("global(") => Namespaces::Unknown,
        Some(text) => Expression::parse(text).map_or(Namespaces::Unknown, Namespaces::Asked),
    }
}

/// Whether a rule asks for nothing of connections that another does not ask for too.
pub(super) fn is_within(wide: &Value, narrow: &Value) -> bool {
    match wide {
        Value::Null => true,
        Value::Object(asked) => asked
            .iter()
            .all(|(key, value)| is_within(value, narrow.get(key).unwrap_or(&Value::Null))),
        _ => wide == narrow,
    }
}

/// The namespace of pods, with what is known of its labels.
pub(super) struct Home<'a> {
    name: &'a str,
    labels: HashMap<String, String>,
    /// Whether these are all it has.
    is_known: bool,
}

impl<'a> Home<'a> {
    pub(super) fn of(name: &'a str, baseline: &Baseline) -> Self {
        if name.is_empty() {
            return Self { name, labels: HashMap::new(), is_known: false };
        }
        let object = baseline.get(&ObjectRef::new("", "Namespace", "", name));
        let mut known = HashMap::new();
        if let Some(object) = object {
            let document = object.document();
            known.extend(
                document.root().at(&["metadata", "labels"]).map(labels).unwrap_or_default(),
            );
        }
        known.extend(NAMES.map(|key| (key.to_owned(), name.to_owned())));
        Self { name, labels: known, is_known: object.is_some() }
    }

    /// Whether it is one of these; `None` where that cannot be told.
    pub(super) fn is_one_of(&self, namespaces: &Namespaces) -> Option<bool> {
        match namespaces {
            Namespaces::Every => Some(true),
            Namespaces::One(name) => Some(name == self.name),
            Namespaces::Asked(expression) => {
                let is_known = |key: &&str| self.is_known || self.labels.contains_key(*key);
                let found = || expression.matches(&|key| self.labels.get(key).map(String::as_str));
                expression.keys().iter().all(is_known).then(found)
            }
            Namespaces::Unknown => None,
        }
    }
}
