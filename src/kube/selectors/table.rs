//! The fields that hold label selectors.

use super::super::fields::Referrer::{Kinds, PodSpec};
use super::{EmptySelector, ScopeField, SelectorField, SelectorForm, SelectorRole};

macro_rules! selectors {
    ($($referrer:expr, $path:literal $(of $version:literal)? => $form:ident $role:ident, $empty:ident, $scope:ident; $source:literal;)*) => {
        &[$(SelectorField {
            referrer: $referrer,
            api_version: [$(Some($version),)? None][0],
            path: $path,
            form: SelectorForm::$form,
            role: SelectorRole::$role,
            empty: EmptySelector::$empty,
            scope: ScopeField::$scope,
            source: $source,
        }),*]
    };
}

/// Every field that holds a selector of pods or Services.
#[rustfmt::skip]
pub const SELECTORS: &[SelectorField] = selectors! {
    Kinds("apps", &["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"]), "spec.selector"
        => LabelSelector Workload, MatchesNone, Own; "kubernetes/api apps/v1 (required, must match the template)";
    Kinds("batch", &["Job"]), "spec.selector"
        => LabelSelector Workload, MatchesNone, Own; "kubernetes/api batch/v1 JobSpec.selector";
    Kinds("batch", &["CronJob"]), "spec.jobTemplate.spec.selector"
        => LabelSelector Workload, MatchesNone, Own; "kubernetes/api batch/v1 JobSpec.selector";
    Kinds("", &["ReplicationController"]), "spec.selector"
        => Plain Workload, MatchesNone, Own; "kubernetes/api core/v1 ReplicationControllerSpec.selector";
    Kinds("apps.kruise.io", &["CloneSet", "StatefulSet", "DaemonSet", "UnitedDeployment"]), "spec.selector"
        => LabelSelector Workload, MatchesNone, Own; "openkruise/kruise apis/apps/v1alpha1";
    Kinds("apps.kruise.io", &["UnitedDeployment"]), "spec.template.{statefulSetTemplate,advancedStatefulSetTemplate,cloneSetTemplate,deploymentTemplate}.spec.selector"
        => LabelSelector Workload, MatchesNone, Own; "openkruise/kruise apis/apps/v1alpha1 SubsetTemplate";
    Kinds("argoproj.io", &["Rollout"]), "spec.selector"
        => LabelSelector Workload, MatchesNone, Own; "argoproj/argo-rollouts pkg/apis/rollouts/v1alpha1 RolloutSpec.selector";
    Kinds("argoproj.io", &["Experiment"]), "spec.templates[*].selector"
        => LabelSelector Workload, MatchesNone, Own; "argoproj/argo-rollouts pkg/apis/rollouts/v1alpha1 TemplateSpec.selector";
    Kinds("", &["Service"]), "spec.selector"
        => Plain Service, Unmanaged, Own; "kubernetes/api core/v1 ServiceSpec.selector";
    Kinds("policy", &["PodDisruptionBudget"]), "spec.selector" of "policy/v1beta1"
        => LabelSelector DisruptionBudget, MatchesNone, Own; "kubernetes/api policy/v1beta1 PodDisruptionBudgetSpec.selector";
    Kinds("policy", &["PodDisruptionBudget"]), "spec.selector" of "policy/v1"
        => LabelSelector DisruptionBudget, MatchesAll, Own; "kubernetes/api policy/v1 PodDisruptionBudgetSpec.selector";
    Kinds("policy.kruise.io", &["PodUnavailableBudget"]), "spec.selector"
        => LabelSelector DisruptionBudget, MatchesNone, Own; "openkruise/kruise apis/policy/v1alpha1";
    Kinds("networking.k8s.io", &["NetworkPolicy"]), "spec.podSelector"
        => LabelSelector NetworkPolicySubject, MatchesAll, Own; "kubernetes/api networking/v1 NetworkPolicySpec.podSelector";
    Kinds("networking.k8s.io", &["NetworkPolicy"]), "spec.ingress[*].from[*].podSelector"
        => LabelSelector NetworkPolicyPeer, MatchesAll, PeerNamespaces; "kubernetes/api networking/v1 NetworkPolicyPeer";
    Kinds("networking.k8s.io", &["NetworkPolicy"]), "spec.egress[*].to[*].podSelector"
        => LabelSelector NetworkPolicyPeer, MatchesAll, PeerNamespaces; "kubernetes/api networking/v1 NetworkPolicyPeer";
    Kinds("cilium.io", &["CiliumNetworkPolicy"]), "spec.endpointSelector"
        => LabelSelector NetworkPolicySubject, MatchesAll, Endpoints; "docs.cilium.io/en/stable/security/policy/intro (endpointSelector)";
    Kinds("cilium.io", &["CiliumNetworkPolicy"]), "spec.{ingress,ingressDeny}[*].fromEndpoints[*]"
        => LabelSelector NetworkPolicyPeer, MatchesAll, Endpoints; "docs.cilium.io/en/stable/security/policy/language (endpoints based); docs.cilium.io/en/stable/security/policy/deny";
    Kinds("cilium.io", &["CiliumNetworkPolicy"]), "spec.{egress,egressDeny}[*].toEndpoints[*]"
        => LabelSelector NetworkPolicyPeer, MatchesAll, Endpoints; "docs.cilium.io/en/stable/security/policy/language (endpoints based); docs.cilium.io/en/stable/security/policy/deny";
    Kinds("cilium.io", &["CiliumNetworkPolicy"]), "specs[*].endpointSelector"
        => LabelSelector NetworkPolicySubject, MatchesAll, Endpoints; "docs.cilium.io/en/stable/security/policy/intro (endpointSelector)";
    Kinds("cilium.io", &["CiliumNetworkPolicy"]), "specs[*].{ingress,ingressDeny}[*].fromEndpoints[*]"
        => LabelSelector NetworkPolicyPeer, MatchesAll, Endpoints; "docs.cilium.io/en/stable/security/policy/language (endpoints based); docs.cilium.io/en/stable/security/policy/deny";
    Kinds("cilium.io", &["CiliumNetworkPolicy"]), "specs[*].{egress,egressDeny}[*].toEndpoints[*]"
        => LabelSelector NetworkPolicyPeer, MatchesAll, Endpoints; "docs.cilium.io/en/stable/security/policy/language (endpoints based); docs.cilium.io/en/stable/security/policy/deny";
    Kinds("cilium.io", &["CiliumClusterwideNetworkPolicy"]), "spec.endpointSelector"
        => LabelSelector NetworkPolicySubject, MatchesAll, ClusterEndpoints; "docs.cilium.io/en/stable/security/policy/intro (endpointSelector)";
    Kinds("cilium.io", &["CiliumClusterwideNetworkPolicy"]), "spec.{ingress,ingressDeny}[*].fromEndpoints[*]"
        => LabelSelector NetworkPolicyPeer, MatchesAll, ClusterEndpoints; "docs.cilium.io/en/stable/security/policy/language (endpoints based); docs.cilium.io/en/stable/security/policy/deny";
    Kinds("cilium.io", &["CiliumClusterwideNetworkPolicy"]), "spec.{egress,egressDeny}[*].toEndpoints[*]"
        => LabelSelector NetworkPolicyPeer, MatchesAll, ClusterEndpoints; "docs.cilium.io/en/stable/security/policy/language (endpoints based); docs.cilium.io/en/stable/security/policy/deny";
    Kinds("cilium.io", &["CiliumClusterwideNetworkPolicy"]), "specs[*].endpointSelector"
        => LabelSelector NetworkPolicySubject, MatchesAll, ClusterEndpoints; "docs.cilium.io/en/stable/security/policy/intro (endpointSelector)";
    Kinds("cilium.io", &["CiliumClusterwideNetworkPolicy"]), "specs[*].{ingress,ingressDeny}[*].fromEndpoints[*]"
        => LabelSelector NetworkPolicyPeer, MatchesAll, ClusterEndpoints; "docs.cilium.io/en/stable/security/policy/language (endpoints based); docs.cilium.io/en/stable/security/policy/deny";
    Kinds("cilium.io", &["CiliumClusterwideNetworkPolicy"]), "specs[*].{egress,egressDeny}[*].toEndpoints[*]"
        => LabelSelector NetworkPolicyPeer, MatchesAll, ClusterEndpoints; "docs.cilium.io/en/stable/security/policy/language (endpoints based); docs.cilium.io/en/stable/security/policy/deny";
    Kinds("policy.networking.k8s.io", &["AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"]), "spec.subject.pods.podSelector"
        => LabelSelector NetworkPolicySubject, MatchesAll, ClusterNamespaces; "kubernetes-sigs/network-policy-api apis (NamespacedPod)";
    Kinds("network.alibabacloud.com", &["PodNetworking"]), "spec.selector.podSelector"
        => LabelSelector NetworkPolicySubject, MatchesAll, ClusterNamespaces; "AliyunContainerService/terway docs/terway-trunk.md (podNetworking)";
    Kinds("vpcresources.k8s.aws", &["SecurityGroupPolicy"]), "spec.podSelector"
        => LabelSelector NetworkPolicySubject, MatchesAll, Own; "docs.aws.amazon.com/eks/latest/userguide/sg-pods-example-deployment.html";
    Kinds("policy.linkerd.io", &["Server"]), "spec.podSelector"
        => LabelSelector NetworkPolicySubject, MatchesAll, Own; "linkerd.io/2/reference/authorization-policy (Server)";
    PodSpec, "affinity.{podAffinity,podAntiAffinity}.requiredDuringSchedulingIgnoredDuringExecution[*].labelSelector"
        => LabelSelector Affinity, MatchesAll, TermNamespaces; "kubernetes/api core/v1 PodAffinityTerm.labelSelector";
    PodSpec, "affinity.{podAffinity,podAntiAffinity}.preferredDuringSchedulingIgnoredDuringExecution[*].podAffinityTerm.labelSelector"
        => LabelSelector Affinity, MatchesAll, TermNamespaces; "kubernetes/api core/v1 PodAffinityTerm.labelSelector";
    PodSpec, "topologySpreadConstraints[*].labelSelector"
        => LabelSelector TopologySpread, MatchesAll, Own; "kubernetes/api core/v1 TopologySpreadConstraint.labelSelector";
    Kinds("monitoring.coreos.com", &["ServiceMonitor"]), "spec.selector"
        => LabelSelector Monitor, MatchesAll, MonitorNamespaces; "prometheus-operator.dev/docs/api-reference/api (ServiceMonitorSpec.selector)";
    Kinds("monitoring.coreos.com", &["PodMonitor"]), "spec.selector"
        => LabelSelector PodMonitor, MatchesAll, MonitorNamespaces; "prometheus-operator.dev/docs/api-reference/api (PodMonitorSpec.selector)";
    Kinds("operator.victoriametrics.com", &["VMServiceScrape"]), "spec.selector"
        => LabelSelector Monitor, MatchesAll, MonitorNamespaces; "docs.victoriametrics.com/operator/api (VMServiceScrapeSpec)";
    Kinds("operator.victoriametrics.com", &["VMPodScrape"]), "spec.selector"
        => LabelSelector PodMonitor, MatchesAll, MonitorNamespaces; "docs.victoriametrics.com/operator/api (VMPodScrapeSpec)";
    Kinds("security.istio.io", &["AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"]), "spec.selector"
        => LabelSelector AuthorizationSubject, MatchesAll, Own; "istio.io/latest/docs/reference/config/type/workload-selector";
    Kinds("telemetry.istio.io", &["Telemetry"]), "spec.selector"
        => LabelSelector MeshSubject, MatchesAll, Own; "istio.io/latest/docs/reference/config/type/workload-selector";
    Kinds("networking.istio.io", &["Sidecar", "EnvoyFilter"]), "spec.workloadSelector.labels"
        => Plain MeshSubject, MatchesAll, Own; "istio.io/latest/docs/reference/config/networking/sidecar (WorkloadSelector)";
    Kinds("extensions.istio.io", &["WasmPlugin"]), "spec.selector"
        => LabelSelector MeshSubject, MatchesAll, Own; "istio.io/latest/docs/reference/config/type/workload-selector";
    Kinds("networking.istio.io", &["ProxyConfig"]), "spec.selector"
        => LabelSelector MeshSubject, MatchesAll, Own; "istio.io/latest/docs/reference/config/networking/proxy-config";
    Kinds("networking.istio.io", &["ServiceEntry"]), "spec.workloadSelector.labels"
        => Plain ServiceEntry, MatchesNone, Own; "istio.io/latest/docs/reference/config/networking/service-entry (workloadSelector)";
    Kinds("networking.istio.io", &["Gateway"]), "spec.selector"
        => Plain MeshSubject, MatchesAll, Everywhere; "istio.io/latest/docs/reference/config/networking/gateway";
    Kinds("networking.istio.io", &["DestinationRule"]), "spec.subsets[*].labels"
        => Plain DestinationRuleSubset, MatchesAll, SubsetHost; "istio.io/latest/docs/reference/config/networking/destination-rule (Subset)";
    Kinds("networking.istio.io", &["DestinationRule"]), "spec.workloadSelector"
        => LabelSelector MeshClient, MatchesAll, Own; "istio.io/latest/docs/reference/config/networking/destination-rule (workloadSelector: the clients that it is for)";
    Kinds("apisix.apache.org", &["ApisixUpstream"]), "spec.subsets[*].labels"
        => Plain DestinationRuleSubset, MatchesAll, Own; "apache/apisix-ingress-controller api/v2/apisixupstream_types.go (ApisixUpstreamSubset)";
    Kinds("apisix.apache.org", &["ApisixUpstream"]), "spec.portLevelSettings[*].subsets[*].labels"
        => Plain DestinationRuleSubset, MatchesAll, Own; "apache/apisix-ingress-controller api/v2/apisixupstream_types.go (PortLevelSettings)";
    Kinds("apps.kruise.io", &["SidecarSet"]), "spec.selector"
        => LabelSelector Injection, MatchesNone, ClusterNamespaces; "openkruise.io/docs/user-manuals/sidecarset";
};
