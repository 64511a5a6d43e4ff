//! What becomes of a baseline Ingress's annotations on its canary.

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
    carry: Carry,
    /// Why, and where that is written.
    #[expect(dead_code, reason = "for the reader of the table")]
    source: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        prefix: "kubernetes.io/ingress.class",
        carry: Carry::Keep,
        source: "Kubernetes, \"Ingress\": without its class another controller serves the route",
    },
    Rule {
        prefix: "nginx.ingress.kubernetes.io/",
        carry: Carry::Keep,
        source: "Alibaba Cloud, \"Annotations supported by MSE Ingress gateways\": rewrites, timeouts, CORS, access \
                 lists and authentication hold for the route they stand on",
    },
    Rule {
        prefix: "nginx.ingress.kubernetes.io/canary",
        carry: Carry::Drop,
        source: "the same page: the canary's own match is the spec's",
    },
    Rule {
        prefix: "nginx.ingress.kubernetes.io/service-weight",
        carry: Carry::Drop,
        source: "ACK documentation, older canary syntax: names baseline Services",
    },
    Rule {
        prefix: "nginx.ingress.kubernetes.io/service-match",
        carry: Carry::Drop,
        source: "ACK documentation, older canary syntax: names baseline Services",
    },
    Rule {
        prefix: "nginx.ingress.kubernetes.io/default-backend",
        carry: Carry::Drop,
        source: "ingress-nginx, \"Annotations\": names a Service for the whole server, which is the baseline's business",
    },
    Rule {
        prefix: "mse.ingress.kubernetes.io/",
        carry: Carry::Keep,
        source: "Alibaba Cloud, \"Annotations supported by MSE Ingress gateways\": header control of the base route is \
                 not inherited by its canaries",
    },
    Rule {
        prefix: "mse.ingress.kubernetes.io/canary",
        carry: Carry::Drop,
        source: "the same page: the canary's own match is the spec's",
    },
    Rule {
        prefix: "mse.ingress.kubernetes.io/service-subset",
        carry: Carry::Drop,
        source: "the same page: names subsets of baseline Services",
    },
    Rule {
        prefix: "mse.ingress.kubernetes.io/subset-labels",
        carry: Carry::Drop,
        source: "the same page: names subsets of baseline Services",
    },
    Rule {
        prefix: "mse.ingress.kubernetes.io/destination",
        carry: Carry::Drop,
        source: "the same page: sends to the Services it names whatever the backend says",
    },
];

/// What is done with an annotation. What is in no row is about the baseline's object (certificates,
/// DNS records, deployment tools), and a second object with it would compete for the same thing.
pub(super) fn carry(key: &str) -> Carry {
    RULES
        .iter()
        .filter(|rule| key.starts_with(rule.prefix))
        .max_by_key(|rule| rule.prefix.len())
        .map_or(Carry::Drop, |rule| rule.carry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_stays_and_claims_go() {
        for key in [
            "kubernetes.io/ingress.class",
            "nginx.ingress.kubernetes.io/rewrite-target",
            "nginx.ingress.kubernetes.io/whitelist-source-range",
            "mse.ingress.kubernetes.io/request-header-control-add",
        ] {
            assert_eq!(carry(key), Carry::Keep, "{key}");
        }
        for key in [
            "nginx.ingress.kubernetes.io/canary-by-header",
            "mse.ingress.kubernetes.io/canary-by-query",
            "cert-manager.io/cluster-issuer",
            "external-dns.alpha.kubernetes.io/hostname",
            "mse.ingress.kubernetes.io/destination",
        ] {
            assert_eq!(carry(key), Carry::Drop, "{key}");
        }
    }
}
