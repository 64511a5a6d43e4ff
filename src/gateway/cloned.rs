//! Canary Ingresses that controllers of progressive delivery clone from an Ingress of the baseline.
//! They stand beside it all the time, with a weight of 0 while nothing is rolled out, and are in no
//! manifest.
//!
//! Sources: argoproj/argo-rollouts rollout/trafficrouting/nginx/nginx.go (`buildCanaryIngress`) and
//! utils/ingress (`GetCanaryIngressName`); fluxcd/flagger pkg/router/ingress.go (`Reconcile`).

use super::CANARY;
use crate::kube::object::ObjectRef;
use crate::yaml::NodeRef;

/// A canary Ingress that a controller makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloned {
    /// Who it is.
    pub id: ObjectRef,
    /// The Ingress that it is cloned from.
    pub ingress: ObjectRef,
    /// The Service whose paths it takes.
    pub service: String,
    /// The Service that it leads to.
    pub canary_service: String,
    /// The field of the object that asks for it.
    pub field: &'static str,
}

/// Those that a controller makes for an object of the baseline.
pub fn cloned(id: &ObjectRef, root: NodeRef<'_>) -> Vec<Cloned> {
    match (id.group.as_str(), id.kind.as_str()) {
        ("argoproj.io", "Rollout") => of_rollout(id, root),
        ("flagger.app", "Canary") => of_flagger(id, root).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn of_rollout(id: &ObjectRef, root: NodeRef<'_>) -> Vec<Cloned> {
    let Some(canary) = root.at(&["spec", "strategy", "canary"]) else { return Vec::new() };
    let text = |key: &str| canary.get(key).and_then(NodeRef::as_str).map(str::to_owned);
    let nginx = canary.at(&["trafficRouting", "nginx"]);
    let (Some(nginx), Some(service), Some(canary_service)) =
        (nginx, text("stableService"), text("canaryService"))
    else {
        return Vec::new();
    };
    let several = nginx.get("stableIngresses").filter(|list| !list.is_null());
    let names: Vec<&str> = match several {
        Some(list) => list.items().filter_map(NodeRef::as_str).collect(),
        None => nginx.get("stableIngress").and_then(NodeRef::as_str).into_iter().collect(),
    };
    let clone = |name: &str| {
        // The name before the suffix is cut where an Ingress's name ends.
        let mut own = format!("{}-{name}", id.name);
        while own.len() + CANARY.len() > 253 && own.pop().is_some() {}
        let ingress = |name: &str| ObjectRef::new(GROUP, "Ingress", &id.namespace, name);
        Cloned {
            id: ingress(&format!("{own}{CANARY}")),
            ingress: ingress(name),
            service: service.clone(),
            canary_service: canary_service.clone(),
            field: "spec.strategy.canary.trafficRouting",
        }
    };
    names.into_iter().map(clone).collect()
}

/// Providers whose controller reads canaries as ingress-nginx does; without one the installation says
/// which it is.
const FLAGGER_PROVIDERS: [&str; 2] = ["nginx", "kubernetes:nginx"];

fn of_flagger(id: &ObjectRef, root: NodeRef<'_>) -> Option<Cloned> {
    let spec = root.get("spec")?;
    let text = |keys: &[&str]| spec.at(keys).and_then(NodeRef::as_str);
    if text(&["provider"]).is_some_and(|provider| !FLAGGER_PROVIDERS.contains(&provider)) {
        return None;
    }
    let name = text(&["ingressRef", "name"])?;
    let service = text(&["service", "name"]).or_else(|| text(&["targetRef", "name"]))?;
    let ingress = |name: &str| ObjectRef::new(GROUP, "Ingress", &id.namespace, name);
    Some(Cloned {
        id: ingress(&format!("{name}{CANARY}")),
        ingress: ingress(name),
        service: service.to_owned(),
        canary_service: format!("{service}{CANARY}"),
        field: "spec.ingressRef",
    })
}

const GROUP: &str = "networking.k8s.io";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::object::identity;
    use crate::yaml::{Source, parse};

    fn of(text: &str) -> Vec<String> {
        let stream = parse(Source::new("a.yaml", text.to_owned())).unwrap();
        let root = stream.documents[0].root();
        let id = identity(root, "").unwrap();
        let all = cloned(&id, root).into_iter();
        all.map(|each| {
            let Cloned { id, ingress, service, canary_service, .. } = each;
            format!("{id} of {ingress}: {service} to {canary_service}")
        })
        .collect()
    }

    #[test]
    fn a_rollout_has_one_for_each_of_its_ingresses() {
        let rollout = |routing: &str| {
            of(&format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: web}}\nspec: {{strategy: {{canary: {{stableService: s, canaryService: c, trafficRouting: {routing}}}}}}}\n"
            ))
        };
        let one = ["Ingress/web-main-canary of Ingress/main: s to c"];
        assert_eq!(rollout("{nginx: {stableIngress: main}}"), one);
        assert_eq!(
            rollout("{nginx: {stableIngresses: [main, api]}}"),
            [one[0], "Ingress/web-api-canary of Ingress/api: s to c"]
        );
        assert!(rollout("{alb: {ingress: main}}").is_empty());
        assert!(rollout("{nginx: {}}").is_empty());
        let long = rollout(&format!("{{nginx: {{stableIngress: {}}}}}", "a".repeat(253)));
        let name = long[0].split(' ').next().unwrap();
        assert_eq!(name.len(), "Ingress/".len() + 253);
        assert!(name.ends_with("a-canary"));
    }

    #[test]
    fn a_flagger_canary_has_one_with_ingress_nginx() {
        let canary = |spec: &str| {
            of(&format!(
                "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {{name: c}}\nspec: {{targetRef: {{name: web}}, {spec}}}\n"
            ))
        };
        let one = ["Ingress/main-canary of Ingress/main: web to web-canary"];
        assert_eq!(canary("provider: nginx, ingressRef: {name: main}"), one);
        assert_eq!(canary("ingressRef: {name: main}"), one);
        assert_eq!(
            canary("ingressRef: {name: main}, service: {name: shop}"),
            ["Ingress/main-canary of Ingress/main: shop to shop-canary"]
        );
        assert!(canary("provider: skipper, ingressRef: {name: main}").is_empty());
        assert!(canary("provider: nginx").is_empty());
    }
}
