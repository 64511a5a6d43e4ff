//! What OpenKruise drives for a lane, and what a service can have one of, so that two lanes that want the same are seen.

use crate::kube::object::{ObjectRef, group_of};
use crate::yaml::NodeRef;

/// What OpenKruise puts behind the name of an Ingress to name the one that it makes.
///
/// Source: openkruise/rollouts pkg/trafficrouting/network/ingress.
pub const CANARY: &str = "-canary";

/// An object that a lane needs for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who it is.
    pub id: ObjectRef,
    /// Whether OpenKruise changes it, or makes and removes it; if not, it is an object of the lane.
    pub is_driven: bool,
}

/// An object of a lane.
struct Holder<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: &'a str,
    root: NodeRef<'a>,
}

/// What an object needs for itself.
type Needs = fn(&Holder<'_>) -> Option<Held>;

/// The kinds of objects that need something for themselves, with their API groups, and what that is.
///
/// Sources: openkruise/rollouts, pkg/webhook/rollout/validating (one Rollout for a workload);
/// pkg/trafficrouting/network/ingress (the canary Ingress is made and removed by its name alone).
const HOLDING: [(&str, &str, Needs); 4] = [
    ("networking.k8s.io", "Ingress", its_name),
    ("traffic.opensergo.io", "TrafficRouter", its_name),
    ("rollouts.kruise.io", "Rollout", its_workload),
    ("rollouts.kruise.io", "TrafficRouting", its_canary),
];

/// Whether an object is of a kind that needs something for itself: see [`held`].
pub fn may_hold(id: &ObjectRef) -> bool {
    HOLDING.iter().any(|(group, kind, _)| id.group == *group && id.kind == *kind)
}

/// The kinds of [`may_hold`].
pub fn holding_kinds() -> impl Iterator<Item = &'static str> {
    HOLDING.iter().map(|(_, kind, _)| *kind)
}

/// What an object of a lane needs for itself: a Rollout its workload, a TrafficRouting the Ingress
/// that it makes, an Ingress its own name, and a TrafficRouter that of its service.
pub fn held(root: NodeRef<'_>) -> Option<Held> {
    let text = |keys: &[&str]| root.at(keys).and_then(NodeRef::as_str);
    let (group, kind) = (group_of(text(&["apiVersion"])?), text(&["kind"])?);
    let namespace = text(&["metadata", "namespace"]).unwrap_or_default();
    let (_, _, needs) = HOLDING.iter().find(|row| (row.0, row.1) == (group, kind))?;
    needs(&Holder { group, kind, namespace, root })
}

fn its_name(holder: &Holder<'_>) -> Option<Held> {
    let name = holder.root.at(&["metadata", "name"])?.as_str()?;
    let id = ObjectRef::new(holder.group, holder.kind, holder.namespace, name);
    Some(Held { id, is_driven: false })
}

fn its_workload(rollout: &Holder<'_>) -> Option<Held> {
    let spec = rollout.root.get("spec")?;
    // v1beta1, then v1alpha1.
    let workload = spec.get("workloadRef").or_else(|| spec.at(&["objectRef", "workloadRef"]))?;
    let text = |key: &str| workload.get(key).and_then(NodeRef::as_str);
    let group = group_of(text("apiVersion")?);
    let id = ObjectRef::new(group, text("kind")?, rollout.namespace, text("name")?);
    Some(Held { id, is_driven: true })
}

fn its_canary(routing: &Holder<'_>) -> Option<Held> {
    let references = routing.root.at(&["spec", "objectRef"])?;
    // The controller reads the first one alone.
    let name = references.items().next()?.at(&["ingress", "name"])?.as_str()?;
    let name = format!("{name}{CANARY}");
    let id = ObjectRef::new("networking.k8s.io", "Ingress", routing.namespace, &name);
    Some(Held { id, is_driven: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn of(text: &str) -> Option<(String, bool)> {
        let stream = parse(Source::new("a.yaml", text.to_owned())).unwrap();
        held(stream.documents[0].root()).map(|held| (held.id.to_string(), held.is_driven))
    }

    #[test]
    fn what_a_lane_needs_for_itself() {
        let kruise = "apiVersion: rollouts.kruise.io/v1beta1\nkind: ";
        let workload = "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}";
        for (text, expected) in [
            (format!("{kruise}Rollout\nspec: {{{workload}}}\n"), Some(("Deployment/web", true))),
            (
                format!("{kruise}Rollout\nspec: {{objectRef: {{{workload}}}}}\n"),
                Some(("Deployment/web", true)),
            ),
            (
                format!(
                    "{kruise}TrafficRouting\nspec: {{objectRef: [{{ingress: {{name: web}}}}]}}\n"
                ),
                Some(("Ingress/web-canary", true)),
            ),
            (
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n"
                    .to_owned(),
                Some(("Ingress/web", false)),
            ),
            (format!("{kruise}TrafficRouting\nspec: {{}}\n"), None),
            ("apiVersion: argoproj.io/v1\nkind: Rollout\n".to_owned(), None),
            ("[1]\n".to_owned(), None),
        ] {
            let expected = expected.map(|(id, is_driven)| (id.to_owned(), is_driven));
            assert_eq!(of(&text), expected, "{text}");
        }
    }
}
