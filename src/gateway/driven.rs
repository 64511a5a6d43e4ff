//! What OpenKruise drives for a lane, and what a service can have one of, so that two lanes that want the same are seen.

use crate::kube::object::ObjectRef;
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

/// What an object of a lane needs for itself: a Rollout its workload, a TrafficRouting the Ingress
/// that it makes, an Ingress its own name, and a TrafficRouter that of its service.
///
/// Sources: openkruise/rollouts, pkg/webhook/rollout/validating (one Rollout for a workload);
/// pkg/trafficrouting/network/ingress (the canary Ingress is made and removed by its name alone).
pub fn held(root: NodeRef<'_>) -> Option<Held> {
    let text = |keys: &[&str]| root.at(keys).and_then(NodeRef::as_str);
    let namespace = text(&["metadata", "namespace"]).unwrap_or_default();
    let ingress = |name: &str| ObjectRef::new("networking.k8s.io", "Ingress", namespace, name);
    let group = |version: &str| version.split_once('/').map_or("", |(group, _)| group).to_owned();
    let own = group(text(&["apiVersion"])?);
    match (own.as_str(), text(&["kind"])?) {
        ("networking.k8s.io", "Ingress") => {
            let id = ingress(text(&["metadata", "name"])?);
            Some(Held { id, is_driven: false })
        }
        ("traffic.opensergo.io", "TrafficRouter") => {
            let name = text(&["metadata", "name"])?;
            let id = ObjectRef::new(&own, "TrafficRouter", namespace, name);
            Some(Held { id, is_driven: false })
        }
        ("rollouts.kruise.io", "TrafficRouting") => {
            let references = root.at(&["spec", "objectRef"])?;
            // The controller reads the first one alone.
            let name = references.items().next()?.at(&["ingress", "name"])?.as_str()?;
            Some(Held { id: ingress(&format!("{name}{CANARY}")), is_driven: true })
        }
        ("rollouts.kruise.io", "Rollout") => {
            let spec = root.get("spec")?;
            // v1beta1, then v1alpha1.
            let workload =
                spec.get("workloadRef").or_else(|| spec.at(&["objectRef", "workloadRef"]))?;
            let text = |key: &str| workload.get(key).and_then(NodeRef::as_str);
            let group = group(text("apiVersion")?);
            let id = ObjectRef::new(&group, text("kind")?, namespace, text("name")?);
            Some(Held { id, is_driven: true })
        }
        _ => None,
    }
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
