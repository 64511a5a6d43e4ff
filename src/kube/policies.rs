//! The kinds that are attached to other objects by name: policies.

use super::object::ObjectRef;
use super::references::Reference;
use crate::yaml::{Path, Segment};

/// Kinds whose `spec.targetRef` or `spec.targetRefs` can name a Service, a route or an Ingress, with
/// the source. Those that are attached to Gateways alone are no concern of a lane, which shares them.
const POLICIES: &[(&str, &[&str], &str)] = &[
    (
        "gateway.networking.k8s.io",
        &["BackendTLSPolicy"],
        "gateway-api.sigs.k8s.io/api-types/backendtlspolicy",
    ),
    (
        "gateway.networking.x-k8s.io",
        &["XBackendTrafficPolicy"],
        "gateway-api.sigs.k8s.io/reference/specx",
    ),
    (
        "gateway.envoyproxy.io",
        &["SecurityPolicy", "BackendTrafficPolicy", "EnvoyExtensionPolicy"],
        "gateway.envoyproxy.io/docs/api/extension_types",
    ),
    (
        "security.istio.io",
        &["AuthorizationPolicy", "RequestAuthentication"],
        "istio.io/latest/docs/reference/config/type/workload-selector (PolicyTargetReference)",
    ),
    (
        "extensions.istio.io",
        &["WasmPlugin"],
        "istio.io/latest/docs/reference/config/type/workload-selector (PolicyTargetReference)",
    ),
    ("policy.linkerd.io", &["AuthorizationPolicy"], "linkerd.io/2/reference/authorization-policy"),
    (
        "gateway.nginx.org",
        &[
            "ClientSettingsPolicy",
            "ProxySettingsPolicy",
            "RateLimitPolicy",
            "UpstreamSettingsPolicy",
            "WAFPolicy",
        ],
        "docs.nginx.com/nginx-gateway-fabric/overview/custom-policies",
    ),
    (
        "gateway.kgateway.dev",
        &["TrafficPolicy", "BackendConfigPolicy"],
        "kgateway.dev/docs/reference/api",
    ),
    ("kuadrant.io", &["AuthPolicy", "RateLimitPolicy"], "docs.kuadrant.io (AuthPolicy)"),
    (
        "networking.gke.io",
        &["GCPBackendPolicy", "HealthCheckPolicy"],
        "cloud.google.com/kubernetes-engine/docs/how-to/configure-gateway-resources",
    ),
    (
        "application-networking.k8s.aws",
        &["IAMAuthPolicy", "TargetGroupPolicy"],
        "gateway-api-controller.eks.aws.dev/latest/api-types/iam-auth-policy",
    ),
    (
        "apisix.apache.org",
        &["BackendTrafficPolicy", "HTTPRoutePolicy"],
        "apisix.apache.org/docs/ingress-controller/reference/api-reference",
    ),
];

/// Whether objects of a kind are policies that are attached by name.
pub fn is_policy(id: &ObjectRef) -> bool {
    POLICIES.iter().any(|(group, kinds, _)| *group == id.group && kinds.contains(&&*id.kind))
}

/// Whether a reference says what its object is attached to.
pub fn is_attachment(reference: &Reference) -> bool {
    attached(&reference.path).is_some()
}

/// The position in `spec.targetRefs` of a reference that is one of several attachments.
pub fn place_in_list(reference: &Reference) -> Option<usize> {
    attached(&reference.path).flatten()
}

fn attached(path: &Path) -> Option<Option<usize>> {
    let key =
        |segment: &Segment, wanted: &str| matches!(segment, Segment::Key(key) if key == wanted);
    match path.segments() {
        [spec, field, name]
            if key(spec, "spec") && key(field, "targetRef") && key(name, "name") =>
        {
            Some(None)
        }
        [spec, field, Segment::Index(index), name]
            if key(spec, "spec") && key(field, "targetRefs") && key(name, "name") =>
        {
            Some(Some(*index))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_group_has_one_row_with_a_source() {
        let mut seen = HashSet::new();
        for (group, kinds, source) in POLICIES {
            assert!(seen.insert(group) && !kinds.is_empty() && !source.is_empty(), "{group}");
        }
    }

    #[test]
    fn what_drives_a_workload_is_no_policy() {
        let is = |group, kind| is_policy(&ObjectRef::new(group, kind, "", "a"));
        assert!(is("gateway.envoyproxy.io", "SecurityPolicy"));
        assert!(!is("autoscaling.k8s.io", "VerticalPodAutoscaler"));
        assert!(!is("", "Service"));
    }
}
