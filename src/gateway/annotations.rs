//! What becomes of a baseline Ingress's annotations on its canary.

use crate::spec::GatewayClass::{self, Alb, Apig, GatewayApi, Higress, Mse, Nginx};

/// What is done with an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carry {
    /// The canary has it too.
    Keep,
    /// The canary goes without it.
    Drop,
}

/// A rule for annotation keys that start like this; the longest that fits counts.
struct Rule {
    prefix: &'static str,
    /// The gateways that read the annotation.
    classes: &'static [GatewayClass],
    carry: Carry,
    /// Why, and where that is written.
    #[expect(dead_code, reason = "for the reader of the table")]
    source: &'static str,
}

/// The gateways that are Higress, or made of it.
const HIGRESS: &[GatewayClass] = &[Mse, Apig, Higress];

macro_rules! rules {
    ($($classes:expr, $source:literal { $($carry:ident $($prefix:literal)+;)+ })+) => {
        &[$($($(Rule {
            prefix: $prefix,
            classes: $classes,
            carry: Carry::$carry,
            source: $source,
        },)+)+)+]
    };
}

const RULES: &[Rule] = rules! {
    GatewayClass::ALL, "Kubernetes, \"Ingress\": without its class another controller serves the route" {
        Keep "kubernetes.io/ingress.class";
    }
    HIGRESS, "Alibaba Cloud, \"Annotations supported by MSE Ingress gateways\": rewrites, timeouts, CORS, access lists and \
              authentication hold for the route they stand on; the canary's own match is the spec's" {
        Keep "nginx.ingress.kubernetes.io/";
        Drop "nginx.ingress.kubernetes.io/canary";
    }
    HIGRESS, "ACK documentation, older canary syntax: names baseline Services" {
        Drop "nginx.ingress.kubernetes.io/service-weight" "nginx.ingress.kubernetes.io/service-match";
    }
    HIGRESS, "ingress-nginx, \"Annotations\": names a Service for the whole server, which is the baseline's business" {
        Drop "nginx.ingress.kubernetes.io/default-backend";
    }
    &[Nginx], "ingress-nginx, \"Annotations\", Canary: on a canary all other annotations are ignored but these, which are about \
               its own endpoints; internal/ingress/controller/controller.go, createUpstreams, for service-upstream" {
        Keep "nginx.ingress.kubernetes.io/load-balance" "nginx.ingress.kubernetes.io/upstream-hash-by"
             "nginx.ingress.kubernetes.io/affinity" "nginx.ingress.kubernetes.io/session-cookie-"
             "nginx.ingress.kubernetes.io/service-upstream";
    }
    &[Mse], "Alibaba Cloud, \"Annotations supported by MSE Ingress gateways\": header control of the base route is not inherited \
             by its canaries; subsets and destinations are those of baseline Services" {
        Keep "mse.ingress.kubernetes.io/";
        Drop "mse.ingress.kubernetes.io/canary" "mse.ingress.kubernetes.io/service-subset"
             "mse.ingress.kubernetes.io/subset-labels" "mse.ingress.kubernetes.io/destination";
    }
    &[Apig], "Alibaba Cloud, \"Annotations supported by APIG Ingress gateways\": the same under another prefix, which the \
              annotations of ingress-nginx may have too" {
        Keep "higress.ingress.kubernetes.io/";
        Drop "higress.ingress.kubernetes.io/canary" "higress.ingress.kubernetes.io/service-subset"
             "higress.ingress.kubernetes.io/subset-labels" "higress.ingress.kubernetes.io/destination"
             "higress.ingress.kubernetes.io/service-weight" "higress.ingress.kubernetes.io/service-match"
             "higress.ingress.kubernetes.io/default-backend";
    }
    &[Higress], "alibaba/higress, pkg/ingress/kube/annotations: reads the names of ingress-nginx and its own under this prefix; \
                 a canary finds its base by the match- annotations too" {
        Keep "higress.io/";
        Drop "higress.io/canary" "higress.io/destination" "higress.io/default-backend";
    }
    &[Alb], "Alibaba Cloud, \"ALB Ingress Configuration Dictionary\": health checks, listeners and protocols hold for the Ingress \
             they stand on; order and custom rules are the canary's own" {
        Keep "alb.ingress.kubernetes.io/";
        Drop "alb.ingress.kubernetes.io/canary" "alb.ingress.kubernetes.io/order" "alb.ingress.kubernetes.io/conditions."
             "alb.ingress.kubernetes.io/actions." "alb.ingress.kubernetes.io/rule-direction.";
    }
    &[GatewayApi], "developer.konghq.com, Kong Ingress Controller, \"Annotation reference\": plugins such as authentication, \
                    paths and protocols hold for the HTTPRoute they stand on" {
        Keep "konghq.com/";
    }
};

/// What is done with an annotation of a baseline that a gateway of this class serves. What is in no
/// row is about the baseline's object (certificates, DNS records, deployment tools), and a second
/// object with it would compete for the same thing; or another gateway would read it.
pub(super) fn carry(class: GatewayClass, key: &str) -> Carry {
    RULES
        .iter()
        .filter(|rule| key.starts_with(rule.prefix) && rule.classes.contains(&class))
        .max_by_key(|rule| rule.prefix.len())
        .map_or(Carry::Drop, |rule| rule.carry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_stays_and_claims_go() {
        for (class, key) in [
            (Nginx, "kubernetes.io/ingress.class"),
            (Mse, "nginx.ingress.kubernetes.io/rewrite-target"),
            (Apig, "nginx.ingress.kubernetes.io/whitelist-source-range"),
            (Mse, "mse.ingress.kubernetes.io/request-header-control-add"),
            (Apig, "higress.ingress.kubernetes.io/timeout"),
            (Higress, "higress.io/match-method"),
            (Nginx, "nginx.ingress.kubernetes.io/upstream-hash-by-subset"),
            (Nginx, "nginx.ingress.kubernetes.io/affinity-mode"),
            (Alb, "alb.ingress.kubernetes.io/healthcheck-enabled"),
            (GatewayApi, "konghq.com/plugins"),
        ] {
            assert_eq!(carry(class, key), Carry::Keep, "{class} {key}");
        }
        for (class, key) in [
            (Mse, "nginx.ingress.kubernetes.io/canary-by-header"),
            (Mse, "mse.ingress.kubernetes.io/canary-by-query"),
            (Mse, "cert-manager.io/cluster-issuer"),
            (GatewayApi, "external-dns.alpha.kubernetes.io/hostname"),
            (Mse, "konghq.com/plugins"),
            (Alb, "external-dns.alpha.kubernetes.io/hostname"),
            (Mse, "mse.ingress.kubernetes.io/destination"),
            (Higress, "mse.ingress.kubernetes.io/request-header-control-add"),
            (Higress, "higress.io/canary-weight"),
            (Nginx, "nginx.ingress.kubernetes.io/rewrite-target"),
            (Alb, "alb.ingress.kubernetes.io/order"),
            (Alb, "alb.ingress.kubernetes.io/actions.web"),
        ] {
            assert_eq!(carry(class, key), Carry::Drop, "{class} {key}");
        }
    }
}
