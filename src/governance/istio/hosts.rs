//! Hosts as rules of the mesh write them.

use crate::kube::service_dns::ClusterHost;
use crate::shared_routes::ServiceHost;

/// What a host in a rule means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RuleHost {
    /// A Service.
    Service(ServiceHost),
    /// Every host that ends so: what follows the `*`.
    Wildcard(String),
    /// A host that is no Service's.
    Other,
}

impl RuleHost {
    /// Reads a host of a rule in a namespace: a name without dots is a Service of that namespace.
    ///
    /// `web.prod` and `web.prod.svc` are no full names to Istio, but the names of one Service to
    /// callers, so that a rule for them is in the way of one for the full name.
    ///
    /// Source: istio/istio, pkg/config/resolver.go (`ResolveShortnameToFQDN`); the alternative names
    /// of a Service in pilot/pkg/networking/core/httproute.go.
    pub(super) fn read(text: &str, namespace: &str) -> Self {
        let text = text.to_ascii_lowercase();
        if let Some(ending) = text.strip_prefix('*') {
            return Self::Wildcard(ending.to_owned());
        }
        match ClusterHost::parse(&text) {
            Some(host) => {
                let namespace = host.namespace().unwrap_or(namespace);
                Self::Service(ServiceHost::new(host.name(), namespace))
            }
            None => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_mean_a_service_of_the_rules_namespace() {
        for (text, expected) in [
            ("web", Some("web.prod")),
            ("Web", Some("web.prod")),
            ("web.prod", Some("web.prod")),
            ("web.test.svc", Some("web.test")),
            ("web.test.svc.cluster.local", Some("web.test")),
            ("web.test.svc.cluster.local.", Some("web.test")),
            ("web.test.svc.corp.example", Some("web.test")),
            ("shop.example.com", None),
            ("10.0.0.1", None),
            ("", None),
        ] {
            let expected = expected.map_or(RuleHost::Other, |text| {
                let (name, namespace) = text.split_once('.').unwrap();
                RuleHost::Service(ServiceHost::new(name, namespace))
            });
            assert_eq!(RuleHost::read(text, "prod"), expected, "{text}");
        }
        assert_eq!(RuleHost::read("*.prod", "x"), RuleHost::Wildcard(".prod".to_owned()));
    }
}
