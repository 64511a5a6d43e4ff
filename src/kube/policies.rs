//! The kinds that are attached to other objects by name: policies.

use foldhash::HashSet;

use super::object::{GroupKind, ObjectRef};
use super::references::Reference;
use crate::yaml::{Document, NodeRef, Path, Segment};

/// Kinds whose `spec.targetRef` or `spec.targetRefs`, or what they have in their place, can name a
/// Service, a route, an Ingress or what selects pods, with the source. Those that are attached to
/// Gateways alone, such as a ClientTrafficPolicy or a SnippetsPolicy, are no concern of a lane, which
/// shares them. Kinds that find their targets by labels (`targetSelectors`) find copies too.
const POLICIES: &[(&str, &[&str], &str)] = &[
    (
        "gateway.networking.k8s.io",
        &["BackendTLSPolicy"],
        "gateway-api.sigs.k8s.io/api-types/backendtlspolicy",
    ),
    (
        "gateway.networking.x-k8s.io",
        &["XBackendTrafficPolicy"],
        "kubernetes-sigs/gateway-api config/crd/experimental/gateway.networking.x-k8s.io_xbackendtrafficpolicies.yaml",
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
    (
        "telemetry.istio.io",
        &["Telemetry"],
        "istio.io/latest/docs/reference/config/telemetry (targetRefs)",
    ),
    (
        "policy.linkerd.io",
        &["AuthorizationPolicy", "HTTPLocalRateLimitPolicy"],
        "linkerd/linkerd2 charts/linkerd-crds/templates/policy",
    ),
    (
        "gateway.nginx.org",
        &[
            "AccessPolicy",
            "ClientSettingsPolicy",
            "ObservabilityPolicy",
            "ProxySettingsPolicy",
            "RateLimitPolicy",
            "UpstreamSettingsPolicy",
            "WAFPolicy",
        ],
        "nginx/nginx-gateway-fabric apis/v1alpha1, apis/v1alpha2",
    ),
    (
        "gateway.kgateway.dev",
        &["TrafficPolicy", "BackendConfigPolicy"],
        "kgateway-dev/kgateway api/v1alpha1/kgateway",
    ),
    (
        "agentgateway.dev",
        &["AgentgatewayPolicy"],
        "kgateway-dev/kgateway api/v1alpha1/agentgateway/agentgateway_policy_types.go",
    ),
    (
        "kuadrant.io",
        &["AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy"],
        "Kuadrant/kuadrant-operator api/v1, api/v1alpha1",
    ),
    (
        "extensions.kuadrant.io",
        &["OIDCPolicy", "PlanPolicy"],
        "docs.kuadrant.io (OIDCPolicy, PlanPolicy)",
    ),
    (
        "networking.gke.io",
        &[
            "GCPBackendPolicy",
            "GCPSessionAffinityPolicy",
            "GCPTrafficDistributionPolicy",
            "HealthCheckPolicy",
        ],
        "GoogleCloudPlatform/gke-gateway-api apis/networking/v1",
    ),
    (
        "application-networking.k8s.aws",
        &["AccessLogPolicy", "IAMAuthPolicy", "TargetGroupPolicy"],
        "aws/aws-application-networking-k8s config/crds/bases",
    ),
    (
        "gateway.k8s.aws",
        &["TargetGroupConfiguration"],
        "kubernetes-sigs/aws-load-balancer-controller config/crd/gateway (targetReference)",
    ),
    (
        "alb.networking.azure.io",
        &["BackendTLSPolicy", "HealthCheckPolicy", "RoutePolicy", "WebApplicationFirewallPolicy"],
        "learn.microsoft.com/en-us/azure/application-gateway/for-containers/api-specification-kubernetes",
    ),
    (
        "apisix.apache.org",
        &["BackendTrafficPolicy", "HTTPRoutePolicy", "L4RoutePolicy"],
        "apache/apisix-ingress-controller api/v1alpha1",
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

/// The part of its target that an attachment is for, where it is not for all of it.
///
/// Source: gateway-api.sigs.k8s.io/reference/spec (LocalPolicyTargetReferenceWithSectionName).
pub fn section<'a>(policy: &'a Document, attachment: &Reference) -> Option<&'a str> {
    let (target, _) = attachment.path.split_last()?;
    let section = policy.find(&target.key("sectionName")).and_then(NodeRef::text);
    section.filter(|section| !section.is_empty())
}

/// The parts that a route has by name, its rules, and another has not. What a gateway calls by a
/// number (`rule-1` in Kuadrant) is none of them: it may be there.
pub fn lost_sections<'a>(route: &'a Document, other: &Document) -> Vec<&'a str> {
    let there: HashSet<&str> = rule_names(other).collect();
    rule_names(route).filter(|name| !there.contains(name)).collect()
}

/// Whether a section that no rule is called by is one by its position.
///
/// Source: Kuadrant/policy-machinery machinery/gateway_api_topology.go (`rule-N`, from 1).
pub fn is_position(policy: &Document, section: &str) -> bool {
    let group = GroupKind::of(policy.root()).map(|kind| kind.group).unwrap_or_default();
    (group == "kuadrant.io" || group.ends_with(".kuadrant.io"))
        && section.strip_prefix("rule-").is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// The names of a route's rules.
pub fn rule_names(route: &Document) -> impl Iterator<Item = &str> {
    let rules = route.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items);
    rules.filter_map(|rule| rule.get("name").and_then(NodeRef::text))
}

fn attached(path: &Path) -> Option<Option<usize>> {
    let key =
        |segment: &Segment, wanted: &str| matches!(segment, Segment::Key(key) if key == wanted);
    let is_one =
        |field: &Segment| ["targetRef", "targetReference"].iter().any(|name| key(field, name));
    match path.segments() {
        [spec, field, name] if key(spec, "spec") && is_one(field) && key(name, "name") => {
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
    use crate::kube::kinds::{Policy, Scope, kind_of};
    use foldhash::HashSetExt;

    #[test]
    fn every_group_has_one_row_with_a_source() {
        let mut seen = HashSet::new();
        for (group, kinds, source) in POLICIES {
            assert!(seen.insert(group) && !kinds.is_empty() && !source.is_empty(), "{group}");
        }
    }

    #[test]
    fn every_kind_is_known_and_lives_beside_its_target() {
        for (group, kinds, _) in POLICIES {
            for kind in *kinds {
                let row = kind_of(group, kind);
                assert!(row.is_known() && row.scope == Scope::Namespaced, "{group}/{kind}");
                assert!(matches!(row.policy, Policy::Share | Policy::Copy), "{group}/{kind}");
            }
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
