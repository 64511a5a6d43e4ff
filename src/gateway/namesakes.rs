//! Controllers that go by the name of a class that another one has too. They take no notice of its
//! canary annotations: a canary Ingress is one more Ingress of the same host and path to them.

use crate::diagnostic::Diagnostic;
use crate::kube::object::ObjectRef;
use crate::spec::GatewayClass;
use crate::yaml::NodeRef;

struct Namesake {
    /// The class whose name its Ingresses have.
    class: GatewayClass,
    name: &'static str,
    /// `spec.controller` of its IngressClass.
    controllers: &'static [&'static str],
    /// Annotations that no other controller of that class reads; one that ends in `/` stands for all
    /// that start so.
    annotations: &'static [&'static str],
    /// How the annotations start that only the gateway of that class reads, where they tell: an
    /// Ingress that has them too is to serve both.
    own: Option<&'static str>,
    /// What a canary Ingress is to it.
    outcome: &'static str,
}

const NAMESAKES: &[Namesake] = &[
    // Sources: kubernetes-sigs/aws-load-balancer-controller, docs/guide/ingress/annotations.md and
    // ingress_class.md; docs.aws.amazon.com/eks/latest/userguide/auto-configure-alb.html; not among
    // those of alibabacloud.com/help/en/cs/user-guide/alb-ingress-configuration-dictionary.
    Namesake {
        class: GatewayClass::Alb,
        name: "the AWS Load Balancer Controller",
        controllers: &["ingress.k8s.aws/alb", "eks.amazonaws.com/alb"],
        annotations: &[
            "alb.ingress.kubernetes.io/certificate-arn",
            "alb.ingress.kubernetes.io/group.name",
            "alb.ingress.kubernetes.io/load-balancer-attributes",
            "alb.ingress.kubernetes.io/scheme",
            "alb.ingress.kubernetes.io/security-groups",
            "alb.ingress.kubernetes.io/subnets",
            "alb.ingress.kubernetes.io/target-group-attributes",
            "alb.ingress.kubernetes.io/target-type",
            "alb.ingress.kubernetes.io/wafv2-acl-arn",
        ],
        own: None,
        outcome: "an Ingress like any other, whose rules everybody's requests match",
    },
    // Sources: docs.nginx.com/nginx-ingress-controller/install/multiple-controllers, …/configuration/
    // ingress-resources/advanced-configuration-with-annotations and …/host-and-listener-collisions.
    Namesake {
        class: GatewayClass::Nginx,
        name: "F5's NGINX Ingress Controller",
        controllers: &["nginx.org/ingress-controller"],
        annotations: &["nginx.org/", "nginx.com/"],
        own: Some("nginx.ingress.kubernetes.io/"),
        outcome: "an Ingress whose host is taken, which it rejects",
    },
];

/// Refuses an Ingress whose class is one of graylane's by name alone, as its annotations tell.
///
/// # Errors
///
/// Which controller it is for.
pub(super) fn by_annotations(
    class: GatewayClass,
    id: &ObjectRef,
    ingress: NodeRef<'_>,
) -> Result<(), Diagnostic> {
    let Some(annotations) = ingress.at(&["metadata", "annotations"]) else { return Ok(()) };
    for namesake in NAMESAKES.iter().filter(|namesake| namesake.class == class) {
        let is_its = |key: &str| {
            namesake.annotations.iter().any(|known| match known.ends_with('/') {
                true => key.starts_with(known),
                false => key == *known,
            })
        };
        let has = |is: &dyn Fn(&str) -> bool| {
            annotations.entries().map(|(key, _)| key).find(|key| is(key))
        };
        let serves_both =
            namesake.own.is_some_and(|own| has(&|key| key.starts_with(own)).is_some());
        if let Some(key) = has(&is_its).filter(|_| !serves_both) {
            return Err(namesake.refuse(id, &format!("`{key}` is an annotation of")));
        }
    }
    Ok(())
}

/// Refuses an Ingress whose IngressClass, which names this controller, is another one's than the name
/// says.
///
/// # Errors
///
/// Which controller it is for.
pub(super) fn by_controller(
    class: GatewayClass,
    id: &ObjectRef,
    controller: &str,
) -> Result<(), Diagnostic> {
    let mut all = NAMESAKES.iter().filter(|namesake| namesake.class == class);
    match all.find(|namesake| namesake.controllers.contains(&controller)) {
        Some(found) => {
            Err(found.refuse(id, &format!("`{controller}`, which its IngressClass names, is")))
        }
        None => Ok(()),
    }
}

impl Namesake {
    fn refuse(&self, id: &ObjectRef, why: &str) -> Diagnostic {
        let (class, name) = (self.class, self.name);
        Diagnostic::error(format!("{id} is not for the gateway class `{class}`: {why} {name}"))
            .remedy(format!(
                "to {name} a canary is {}: leave `entry` out there; or say `gateway: {{class: {class}}}` if that is wrong",
                self.outcome
            ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::class_for;
    use crate::yaml::{Source, parse};

    fn class_of(class: &str, annotations: &str) -> Result<GatewayClass, Diagnostic> {
        let text = format!(
            "kind: Ingress\nmetadata: {{name: web, annotations: {{{annotations}}}}}\nspec: {{ingressClassName: {class}}}"
        );
        let stream = parse(Source::new("ingress.yaml", text)).unwrap();
        let id = ObjectRef::new("networking.k8s.io", "Ingress", "shop", "web");
        class_for(&id, stream.documents[0].root())
    }

    #[test]
    fn annotations_tell_whose_an_ingress_is() {
        for (class, annotations, is_ours) in [
            ("alb", "", true),
            ("alb", "alb.ingress.kubernetes.io/order: '1'", true),
            ("alb", "alb.ingress.kubernetes.io/target-type: ip", false),
            (
                "alb",
                "alb.ingress.kubernetes.io/scheme: internal, alb.ingress.kubernetes.io/group.name: a",
                false,
            ),
            ("nginx", "nginx.ingress.kubernetes.io/ssl-redirect: 'true'", true),
            ("nginx", "nginx.org/server-snippets: ''", false),
            ("nginx", "nginx.com/sticky-cookie-services: ''", false),
            ("nginx", "nginx.org/a: '', nginx.ingress.kubernetes.io/ssl-redirect: 'true'", true),
            ("mse", "alb.ingress.kubernetes.io/target-type: ip", true),
        ] {
            let found = class_of(class, annotations);
            assert_eq!(found.is_ok(), is_ours, "{class} {annotations}: {found:?}");
        }
    }

    #[test]
    fn the_controller_of_an_ingress_class_tells_whose_it_is() {
        for (class, controller, is_ours) in [
            (GatewayClass::Alb, "ingress.k8s.aws/alb", false),
            (GatewayClass::Alb, "ingress.k8s.alibabacloud/alb", true),
            (GatewayClass::Nginx, "k8s.io/ingress-nginx", true),
            (GatewayClass::Nginx, "nginx.org/ingress-controller", false),
        ] {
            let id = ObjectRef::new("networking.k8s.io", "Ingress", "shop", "web");
            let found = by_controller(class, &id, controller);
            assert_eq!(found.is_ok(), is_ours, "{controller}: {found:?}");
        }
    }
}
