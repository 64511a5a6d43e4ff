//! The kinds, what happens to them by default, and why.

use super::{Kind, Policy, Scope, Wave};

macro_rules! limit {
    () => {
        253
    };
    ($limit:literal) => {
        $limit
    };
}

/// `group kind: scope policy wave [limit NAME_LIMIT] [(serves)];` then hazard and source.
macro_rules! kinds {
    ($($group:literal $kind:ident: $scope:ident $policy:ident $wave:ident
        $(limit $limit:literal)? $(($workload:ident))?; $hazard:literal, $source:literal;)*) => {
        &[$(Kind {
            group: $group,
            kind: stringify!($kind),
            scope: Scope::$scope,
            policy: Policy::$policy,
            wave: Wave::$wave,
            name_limit: limit!($($limit)?),
            workload: is_workload!($($workload)?),
            hazard: $hazard,
            source: $source,
        }),*]
    };
}

macro_rules! is_workload {
    () => {
        false
    };
    (serves) => {
        true
    };
}

/// Every kind with a rule of its own.
#[rustfmt::skip]
pub const KINDS: &[Kind] = kinds! {
    "apps" Deployment: Namespaced Copy Workload (serves);
        "Init containers that migrate a database and message consumers act on production data", "kubernetes.io/docs/concepts/workloads/controllers/deployment";
    "apps.kruise.io" CloneSet: Namespaced Copy Workload (serves);
        "Init containers that migrate a database and message consumers act on production data", "openkruise.io/docs/user-manuals/cloneset";
    "apps" StatefulSet: Namespaced Refuse Workload limit 52 (serves);
        "Its pods get new, empty volumes, find peers by pod name and write to a second data store", "kubernetes.io/docs/concepts/workloads/controllers/statefulset; kubernetes/kubernetes #64023";
    "apps.kruise.io" StatefulSet: Namespaced Refuse Workload limit 52 (serves);
        "Its pods get new, empty volumes, find peers by pod name and write to a second data store", "openkruise.io/docs/user-manuals/advancedstatefulset";
    "apps" DaemonSet: Namespaced Refuse Workload (serves);
        "Every node runs a second agent that competes for host ports and host paths", "kubernetes.io/docs/concepts/workloads/controllers/daemonset";
    "apps.kruise.io" DaemonSet: Namespaced Refuse Workload (serves);
        "Every node runs a second agent that competes for host ports and host paths", "openkruise.io/docs/user-manuals/advanceddaemonset";
    "argoproj.io" Rollout: Namespaced Refuse Workload (serves);
        "Its own canary logic drives Services and routes, and its copy goes without it", "argo-rollouts.readthedocs.io/en/stable/features/specification";
    "apps" ReplicaSet: Namespaced Copy Workload (serves);
        "It adopts orphaned pods that its selector matches", "kubernetes.io/docs/concepts/workloads/controllers/replicaset (non-template pod acquisitions)";
    "" ReplicationController: Namespaced Copy Workload (serves);
        "It adopts orphaned pods that its selector matches", "kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller";
    "" Pod: Namespaced Copy Workload (serves);
        "Controllers with a matching selector adopt it, and most of its fields cannot change", "kubernetes.io/docs/concepts/workloads/pods";
    "" PodTemplate: Namespaced Skip Config;
        "Only controllers use it", "kubernetes/api core/v1 PodTemplate";
    "batch" CronJob: Namespaced Skip Workload limit 52;
        "Its task runs twice on every schedule", "kubernetes.io/docs/concepts/workloads/controllers/cron-jobs (names of at most 52 characters)";
    "batch" Job: Namespaced Skip Workload limit 63;
        "Its task runs once more, migrations included", "kubernetes.io/docs/concepts/workloads/controllers/job";
    "apps.kruise.io" AdvancedCronJob: Namespaced Skip Workload limit 52;
        "Its task runs twice on every schedule", "openkruise.io/docs/user-manuals/advancedcronjob";
    "apps.kruise.io" BroadcastJob: Namespaced Skip Workload limit 63;
        "Its task runs once more on every node", "openkruise.io/docs/user-manuals/broadcastjob";
    "" Service: Namespaced Copy Workload limit 63;
        "Cluster addresses and node ports are exclusive, and load balancer annotations can rewire the production listener", "kubernetes.io/docs/concepts/services-networking/service; RFC 1035 label";
    "" Endpoints: Namespaced Share Workload;
        "Hand-written addresses belong to a Service without a selector, which is shared", "kubernetes.io/docs/concepts/services-networking/service (services without selectors)";
    "discovery.k8s.io" EndpointSlice: Namespaced Share Workload;
        "A slice whose kubernetes.io/service-name label stays joins the production Service", "kubernetes.io/docs/concepts/services-networking/endpoint-slices";
    "networking.k8s.io" Ingress: Namespaced Copy Entry;
        "The same host and path is refused, or the oldest Ingress wins", "kubernetes/ingress-nginx #8216";
    "networking.k8s.io" IngressClass: Cluster Share Config;
        "Two classes with one controller, or two default classes, compete", "kubernetes.io/docs/concepts/services-networking/ingress (ingress class)";
    "gateway.networking.k8s.io" HTTPRoute: Namespaced Refuse Entry;
        "Of two routes with the same match the oldest wins: the copy is dead until the original is recreated", "gateway-api.sigs.k8s.io/reference/spec (HTTPRouteRule conflict resolution)";
    "gateway.networking.k8s.io" GRPCRoute: Namespaced Refuse Entry;
        "Of two routes with the same match the oldest wins: the copy is dead until the original is recreated", "gateway-api.sigs.k8s.io/reference/spec (GRPCRouteRule conflict resolution)";
    "gateway.networking.k8s.io" TLSRoute: Namespaced Refuse Entry;
        "Of two routes with the same match the oldest wins: the copy is dead until the original is recreated", "gateway-api.sigs.k8s.io/reference/spec";
    "gateway.networking.k8s.io" TCPRoute: Namespaced Refuse Entry;
        "A listener port carries one TCP route", "gateway-api.sigs.k8s.io/reference/spec";
    "gateway.networking.k8s.io" UDPRoute: Namespaced Refuse Entry;
        "A listener port carries one UDP route", "gateway-api.sigs.k8s.io/reference/spec";
    "gateway.networking.k8s.io" Gateway: Namespaced Share Config;
        "Listeners of the same port and host clash, and a second load balancer is paid for", "gateway-api.sigs.k8s.io/reference/spec (Listener conflict)";
    "gateway.networking.k8s.io" GatewayClass: Cluster Share Config;
        "It belongs to the cluster", "gateway-api.sigs.k8s.io/api-types/gatewayclass";
    "gateway.networking.k8s.io" ReferenceGrant: Namespaced Share Config;
        "It grants access to objects by their production names", "gateway-api.sigs.k8s.io/api-types/referencegrant";
    "gateway.networking.k8s.io" BackendTLSPolicy: Namespaced Share Workload;
        "It targets a Service by its production name", "gateway-api.sigs.k8s.io/api-types/backendtlspolicy";
    "gateway.envoyproxy.io" SecurityPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "gateway.envoyproxy.io/docs/api/extension_types";
    "gateway.envoyproxy.io" BackendTrafficPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "gateway.envoyproxy.io/docs/api/extension_types";
    "gateway.envoyproxy.io" EnvoyExtensionPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "gateway.envoyproxy.io/docs/api/extension_types";
    "policy.linkerd.io" AuthorizationPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "linkerd.io/2/reference/authorization-policy";
    "gateway.nginx.org" ClientSettingsPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "docs.nginx.com/nginx-gateway-fabric/overview/custom-policies";
    "gateway.nginx.org" ProxySettingsPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "docs.nginx.com/nginx-gateway-fabric/overview/custom-policies";
    "gateway.nginx.org" RateLimitPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "docs.nginx.com/nginx-gateway-fabric/overview/custom-policies";
    "gateway.nginx.org" UpstreamSettingsPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "docs.nginx.com/nginx-gateway-fabric/overview/custom-policies";
    "gateway.nginx.org" WAFPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "docs.nginx.com/nginx-gateway-fabric/overview/custom-policies";
    "gateway.kgateway.dev" TrafficPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "kgateway.dev/docs/reference/api";
    "gateway.kgateway.dev" BackendConfigPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "kgateway.dev/docs/reference/api";
    "kuadrant.io" AuthPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "docs.kuadrant.io (AuthPolicy)";
    "kuadrant.io" RateLimitPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "docs.kuadrant.io (AuthPolicy)";
    "networking.gke.io" GCPBackendPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "cloud.google.com/kubernetes-engine/docs/how-to/configure-gateway-resources";
    "networking.gke.io" HealthCheckPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "cloud.google.com/kubernetes-engine/docs/how-to/configure-gateway-resources";
    "application-networking.k8s.aws" IAMAuthPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "gateway-api-controller.eks.aws.dev/latest/api-types/iam-auth-policy";
    "application-networking.k8s.aws" TargetGroupPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "gateway-api-controller.eks.aws.dev/latest/api-types/iam-auth-policy";
    "apisix.apache.org" BackendTrafficPolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "apisix.apache.org/docs/ingress-controller/reference/api-reference";
    "apisix.apache.org" HTTPRoutePolicy: Namespaced Share Workload;
        "It is attached to objects by their production names", "apisix.apache.org/docs/ingress-controller/reference/api-reference";
    "traefik.io" IngressRoute: Namespaced Refuse Entry;
        "Of two routes with the same rule either may win", "doc.traefik.io/traefik/routing/providers/kubernetes-crd";
    "traefik.io" IngressRouteTCP: Namespaced Refuse Entry;
        "Of two routes with the same rule either may win", "doc.traefik.io/traefik/routing/providers/kubernetes-crd";
    "traefik.io" IngressRouteUDP: Namespaced Refuse Entry;
        "An entry point carries one UDP route", "doc.traefik.io/traefik/routing/providers/kubernetes-crd";
    "traefik.io" TraefikService: Namespaced Share Workload;
        "It weighs or mirrors Services by their production names", "doc.traefik.io/traefik/routing/providers/kubernetes-crd";
    "traefik.io" Middleware: Namespaced Share Config;
        "Routes name it by its production name", "doc.traefik.io/traefik/routing/providers/kubernetes-crd";
    "apisix.apache.org" ApisixRoute: Namespaced Refuse Entry;
        "Of two routes with the same match and priority either may win", "apisix.apache.org/docs/ingress-controller/concepts/apisix_route";
    "apisix.apache.org" ApisixUpstream: Namespaced Copy Workload;
        "It belongs to the Service of its name: without one APISIX talks to the gray pods by its defaults", "apisix.apache.org/docs/ingress-controller/concepts/apisix_upstream (same name as the Service)";
    "route.openshift.io" Route: Namespaced Refuse Entry;
        "The oldest route claims the host", "docs.openshift.com (route status, HostAlreadyClaimed)";
    "networking.istio.io" VirtualService: Namespaced Refuse Entry;
        "Several VirtualServices for one host merge in no defined order", "istio.io/latest/docs/ops/best-practices/traffic-management (split virtual services)";
    "networking.istio.io" DestinationRule: Namespaced Copy Workload;
        "Subset labels of the original may match the copied pods", "istio.io/latest/docs/reference/config/networking/destination-rule";
    "networking.istio.io" Gateway: Namespaced Share Config;
        "Servers of the same port and host clash", "istio.io/latest/docs/reference/config/networking/gateway";
    "networking.istio.io" ServiceEntry: Namespaced Share Config;
        "Two entries for one host merge their endpoints", "istio.io/latest/docs/reference/config/networking/service-entry";
    "networking.istio.io" WorkloadEntry: Namespaced Share Config;
        "The same machine joins the mesh twice", "istio.io/latest/docs/reference/config/networking/workload-entry";
    "networking.istio.io" Sidecar: Namespaced Copy Config;
        "A selector that no longer matches changes what pods may reach", "istio.io/latest/docs/reference/config/networking/sidecar";
    "networking.istio.io" EnvoyFilter: Namespaced Copy Config;
        "A selector that no longer matches drops the patch", "istio.io/latest/docs/reference/config/networking/envoy-filter";
    "security.istio.io" AuthorizationPolicy: Namespaced Copy Config;
        "A selector that no longer matches opens or closes access", "istio.io/latest/docs/reference/config/security/authorization-policy";
    "security.istio.io" PeerAuthentication: Namespaced Copy Config;
        "A selector that no longer matches changes mutual TLS", "istio.io/latest/docs/reference/config/security/peer_authentication";
    "security.istio.io" RequestAuthentication: Namespaced Copy Config;
        "A selector that no longer matches drops token checks", "istio.io/latest/docs/reference/config/security/request_authentication";
    "extensions.istio.io" WasmPlugin: Namespaced Copy Config;
        "A selector that no longer matches drops the plugin", "istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin";
    "networking.istio.io" ProxyConfig: Namespaced Copy Config;
        "A selector that no longer matches drops the setting", "istio.io/latest/docs/reference/config/networking/proxy-config";
    "externaldns.k8s.io" DNSEndpoint: Namespaced Refuse Entry;
        "The copy's targets are merged into the original's DNS record", "kubernetes-sigs/external-dns #3330";
    "telemetry.istio.io" Telemetry: Namespaced Copy Config;
        "A selector that no longer matches drops telemetry", "istio.io/latest/docs/reference/config/telemetry";
    "networking.k8s.io" NetworkPolicy: Namespaced Copy Config;
        "Pods with other labels lose what the policy allows, or the isolation it gives", "kubernetes.io/docs/concepts/services-networking/network-policies";
    "cilium.io" CiliumNetworkPolicy: Namespaced Copy Config;
        "Pods with other labels lose what the policy allows, or the isolation it gives", "docs.cilium.io/en/stable/security/policy/intro";
    "vpcresources.k8s.aws" SecurityGroupPolicy: Namespaced Copy Config;
        "Pods with other labels lose their security groups", "docs.aws.amazon.com/eks/latest/userguide/security-groups-for-pods.html";
    "autoscaling" HorizontalPodAutoscaler: Namespaced Skip Workload;
        "Its minimum overrides the wanted replicas, and two autoscalers over one pod disable each other", "kubernetes/kubernetes PR 112011 (AmbiguousSelector)";
    "autoscaling.k8s.io" VerticalPodAutoscaler: Namespaced Skip Workload;
        "A target that keeps its name drives the production workload", "kubernetes/autoscaler vertical-pod-autoscaler";
    "keda.sh" ScaledObject: Namespaced Skip Workload;
        "KEDA refuses a second ScaledObject for one workload", "keda.sh/docs/latest/reference/scaledobject-spec";
    "keda.sh" ScaledJob: Namespaced Skip Workload;
        "Each message is taken by one of two job pools", "keda.sh/docs/latest/reference/scaledjob-spec";
    "keda.sh" TriggerAuthentication: Namespaced Share Config;
        "It holds credentials by reference", "keda.sh/docs/latest/concepts/authentication";
    "keda.sh" ClusterTriggerAuthentication: Cluster Share Config;
        "It belongs to the cluster", "keda.sh/docs/latest/concepts/authentication";
    "policy" PodDisruptionBudget: Namespaced Skip Workload;
        "With one replica it blocks every drain, and two budgets over one pod make eviction fail", "kubernetes/kubernetes #75957";
    "policy.kruise.io" PodUnavailableBudget: Namespaced Skip Workload;
        "With one replica it blocks every voluntary disruption", "openkruise.io/docs/user-manuals/podunavailablebudget";
    "policy" PodSecurityPolicy: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/concepts/security/pod-security-policy";
    "" ConfigMap: Namespaced Share Config;
        "A copy no longer follows changes of the original", "kubernetes.io/docs/concepts/configuration/configmap";
    "" Secret: Namespaced Share Config;
        "Secret text stands in git twice", "kubernetes.io/docs/concepts/configuration/secret";
    "bitnami.com" SealedSecret: Namespaced Share Config;
        "It is sealed for one name and namespace, so a copy cannot be decrypted", "bitnami-labs/sealed-secrets README (scopes)";
    "external-secrets.io" ExternalSecret: Namespaced Share Config;
        "Two owners write one target Secret", "external-secrets.io/latest/guides/ownership-deletion-policy";
    "external-secrets.io" SecretStore: Namespaced Share Config;
        "It holds credentials by reference", "external-secrets.io/latest/api/secretstore";
    "external-secrets.io" ClusterSecretStore: Cluster Share Config;
        "It belongs to the cluster", "external-secrets.io/latest/api/clustersecretstore";
    "external-secrets.io" ClusterExternalSecret: Cluster Share Config;
        "It belongs to the cluster", "external-secrets.io/latest/api/clusterexternalsecret";
    "secrets-store.csi.x-k8s.io" SecretProviderClass: Namespaced Share Config;
        "Cloud identities are bound to its users", "secrets-store-csi-driver.sigs.k8s.io/concepts";
    "cert-manager.io" Certificate: Namespaced Share Config;
        "Two owners write one Secret, or a second certificate is issued", "cert-manager/cert-manager #2585";
    "cert-manager.io" Issuer: Namespaced Share Config;
        "A second ACME account is registered", "cert-manager.io/docs/concepts/issuer";
    "cert-manager.io" ClusterIssuer: Cluster Share Config;
        "It belongs to the cluster", "cert-manager.io/docs/concepts/issuer";
    "" ServiceAccount: Namespaced Share Config;
        "Cloud trust, mesh principals and role bindings know it by its name", "kubernetes.io/docs/concepts/security/service-accounts";
    "rbac.authorization.k8s.io" Role: Namespaced Share Config;
        "Its resourceNames list production names", "kubernetes.io/docs/reference/access-authn-authz/rbac";
    "rbac.authorization.k8s.io" RoleBinding: Namespaced Share Config;
        "Its roleRef cannot change and its subjects are production identities", "kubernetes.io/docs/reference/access-authn-authz/rbac";
    "rbac.authorization.k8s.io" ClusterRole: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/reference/access-authn-authz/rbac";
    "rbac.authorization.k8s.io" ClusterRoleBinding: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/reference/access-authn-authz/rbac";
    "" PersistentVolumeClaim: Namespaced Share Config;
        "A ReadWriteOnce volume keeps the second pod pending on another node, and a shared one has two writers", "kubernetes.io/docs/concepts/storage/persistent-volumes (access modes)";
    "" PersistentVolume: Cluster Share Config;
        "It belongs to the cluster and to one claim", "kubernetes.io/docs/concepts/storage/persistent-volumes";
    "storage.k8s.io" StorageClass: Cluster Share Config;
        "Two default classes compete", "kubernetes.io/docs/concepts/storage/storage-classes";
    "storage.k8s.io" CSIDriver: Cluster Share Config;
        "It belongs to the cluster", "kubernetes/api storage/v1";
    "storage.k8s.io" CSINode: Cluster Share Config;
        "It belongs to the cluster", "kubernetes/api storage/v1";
    "storage.k8s.io" VolumeAttachment: Cluster Share Config;
        "It belongs to the cluster", "kubernetes/api storage/v1";
    "snapshot.storage.k8s.io" VolumeSnapshot: Namespaced Share Config;
        "A second snapshot is taken", "kubernetes.io/docs/concepts/storage/volume-snapshots";
    "snapshot.storage.k8s.io" VolumeSnapshotClass: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/concepts/storage/volume-snapshot-classes";
    "snapshot.storage.k8s.io" VolumeSnapshotContent: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/concepts/storage/volume-snapshots";
    "scheduling.k8s.io" PriorityClass: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption";
    "node.k8s.io" RuntimeClass: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/concepts/containers/runtime-class";
    "resource.k8s.io" ResourceClaim: Namespaced Share Config;
        "The device is claimed once", "kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation";
    "resource.k8s.io" ResourceClaimTemplate: Namespaced Share Config;
        "Each pod claims a device of its own already", "kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation";
    "resource.k8s.io" DeviceClass: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation";
    "" Node: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/concepts/architecture/nodes";
    "" Namespace: Cluster Share Config limit 63;
        "Its labels would flip between the original and the copy", "kubernetes.io/docs/concepts/overview/working-with-objects/namespaces";
    "" ResourceQuota: Namespaced Share Config;
        "Copied pods count against the same quota already", "kubernetes.io/docs/concepts/policy/resource-quotas";
    "" LimitRange: Namespaced Share Config;
        "It applies to the whole namespace already", "kubernetes.io/docs/concepts/policy/limit-range";
    "coordination.k8s.io" Lease: Namespaced Skip Config;
        "A copied replica may win the election and lead in production", "kubernetes.io/docs/concepts/architecture/leases";
    "" Event: Namespaced Skip Config;
        "It reports on another object", "kubernetes/api core/v1 Event";
    "events.k8s.io" Event: Namespaced Skip Config;
        "It reports on another object", "kubernetes/api events/v1 Event";
    "apps" ControllerRevision: Namespaced Skip Config;
        "It belongs to its controller", "kubernetes/api apps/v1 ControllerRevision";
    "monitoring.coreos.com" ServiceMonitor: Namespaced Share Config;
        "The original already scrapes the copied Services, so every series is stored twice", "prometheus-operator.dev/docs/api-reference/api (ServiceMonitor)";
    "monitoring.coreos.com" PodMonitor: Namespaced Share Config;
        "The original may already scrape the copied pods, so every series is stored twice", "prometheus-operator.dev/docs/api-reference/api (PodMonitor)";
    "monitoring.coreos.com" Probe: Namespaced Share Config;
        "Every target is probed twice", "prometheus-operator.dev/docs/api-reference/api (Probe)";
    "monitoring.coreos.com" PrometheusRule: Namespaced Skip Config;
        "Every alert fires twice", "prometheus-operator.dev/docs/api-reference/api (PrometheusRule)";
    "monitoring.coreos.com" Prometheus: Namespaced Refuse Workload;
        "A second server scrapes everything again", "prometheus-operator.dev/docs/api-reference/api (Prometheus)";
    "monitoring.coreos.com" Alertmanager: Namespaced Refuse Workload;
        "Every alert is sent twice", "prometheus-operator.dev/docs/api-reference/api (Alertmanager)";
    "operator.victoriametrics.com" VMServiceScrape: Namespaced Share Config;
        "The original already scrapes the copied Services, so every series is stored twice", "docs.victoriametrics.com/operator/resources/vmservicescrape";
    "operator.victoriametrics.com" VMPodScrape: Namespaced Share Config;
        "The original may already scrape the copied pods, so every series is stored twice", "docs.victoriametrics.com/operator/resources/vmpodscrape";
    "operator.victoriametrics.com" VMRule: Namespaced Skip Config;
        "Every alert fires twice", "docs.victoriametrics.com/operator/resources/vmrule";
    "grafana.integreatly.org" GrafanaDashboard: Namespaced Skip Config;
        "Every dashboard appears twice", "grafana.github.io/grafana-operator/docs/dashboards";
    "admissionregistration.k8s.io" ValidatingWebhookConfiguration: Cluster Refuse Config;
        "Every request is judged twice, and failurePolicy Fail can stop the API server", "kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers";
    "admissionregistration.k8s.io" MutatingWebhookConfiguration: Cluster Refuse Config;
        "Every request is changed twice, and failurePolicy Fail can stop the API server", "kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers";
    "admissionregistration.k8s.io" ValidatingAdmissionPolicy: Cluster Refuse Config;
        "It applies to the whole cluster", "kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy";
    "admissionregistration.k8s.io" ValidatingAdmissionPolicyBinding: Cluster Refuse Config;
        "It applies to the whole cluster", "kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy";
    "admissionregistration.k8s.io" MutatingAdmissionPolicy: Cluster Refuse Config;
        "It applies to the whole cluster", "kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy";
    "admissionregistration.k8s.io" MutatingAdmissionPolicyBinding: Cluster Refuse Config;
        "It applies to the whole cluster", "kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy";
    "apiregistration.k8s.io" APIService: Cluster Refuse Config;
        "It takes over an API group of the cluster", "kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation";
    "apiextensions.k8s.io" CustomResourceDefinition: Cluster Refuse Config;
        "Its name is its API, so a renamed copy is invalid", "kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions";
    "certificates.k8s.io" CertificateSigningRequest: Cluster Refuse Config;
        "A second certificate is issued", "kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests";
    "certificates.k8s.io" ClusterTrustBundle: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests";
    "flowcontrol.apiserver.k8s.io" FlowSchema: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/concepts/cluster-administration/flow-control";
    "flowcontrol.apiserver.k8s.io" PriorityLevelConfiguration: Cluster Share Config;
        "It belongs to the cluster", "kubernetes.io/docs/concepts/cluster-administration/flow-control";
    "kustomize.toolkit.fluxcd.io" Kustomization: Namespaced Refuse Config;
        "A second reconciler applies the same objects", "fluxcd.io/flux/components/kustomize/kustomizations";
    "helm.toolkit.fluxcd.io" HelmRelease: Namespaced Refuse Config;
        "A second reconciler installs the same release", "fluxcd.io/flux/components/helm/helmreleases";
    "source.toolkit.fluxcd.io" GitRepository: Namespaced Refuse Config;
        "It feeds reconcilers by its production name", "fluxcd.io/flux/components/source/gitrepositories";
    "source.toolkit.fluxcd.io" HelmRepository: Namespaced Refuse Config;
        "It feeds reconcilers by its production name", "fluxcd.io/flux/components/source/helmrepositories";
    "source.toolkit.fluxcd.io" OCIRepository: Namespaced Refuse Config;
        "It feeds reconcilers by its production name", "fluxcd.io/flux/components/source/ocirepositories";
    "argoproj.io" Application: Namespaced Refuse Config;
        "A second reconciler applies the same objects", "argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup";
    "argoproj.io" ApplicationSet: Namespaced Refuse Config;
        "A second reconciler makes the same Applications", "argo-cd.readthedocs.io/en/stable/operator-manual/applicationset";
    "argoproj.io" AppProject: Namespaced Refuse Config;
        "It grants rights to Applications", "argo-cd.readthedocs.io/en/stable/user-guide/projects";
    "argoproj.io" AnalysisTemplate: Namespaced Share Config;
        "Rollouts name it by its production name", "argo-rollouts.readthedocs.io/en/stable/features/analysis";
    "argoproj.io" ClusterAnalysisTemplate: Cluster Share Config;
        "It belongs to the cluster", "argo-rollouts.readthedocs.io/en/stable/features/analysis";
    "argoproj.io" Experiment: Namespaced Refuse Workload;
        "Its pods run once more", "argo-rollouts.readthedocs.io/en/stable/features/experiment";
    "flagger.app" Canary: Namespaced Refuse Config;
        "A second controller scales and routes the same workload", "docs.flagger.app/usage/how-it-works";
    "rollouts.kruise.io" Rollout: Namespaced Refuse Config;
        "A second controller drives the same workload", "openkruise.io/rollouts/user-manuals/api-specifications";
    "rollouts.kruise.io" TrafficRouting: Namespaced Refuse Config;
        "Two controllers write the same canary routes", "openkruise.io/rollouts/user-manuals/api-specifications";
    "apps.kruise.io" SidecarSet: Cluster Share Config;
        "It belongs to the cluster and injects every matching pod twice", "openkruise.io/docs/user-manuals/sidecarset";
    "apps.kruise.io" WorkloadSpread: Namespaced Skip Workload;
        "A target that keeps its name spreads the production workload", "openkruise.io/docs/user-manuals/workloadspread";
    "apps.kruise.io" UnitedDeployment: Namespaced Refuse Workload;
        "It makes workloads of its own in every pool", "openkruise.io/docs/user-manuals/uniteddeployment";
    "serving.knative.dev" Service: Namespaced Skip Entry limit 63;
        "It makes its own routes and revisions from its name", "knative.dev/docs/serving/services";
    "apiextensions.crossplane.io" Composition: Cluster Refuse Config;
        "Claims would be built twice", "docs.crossplane.io/latest/concepts/compositions";
    "apiextensions.crossplane.io" CompositeResourceDefinition: Cluster Refuse Config;
        "Its name is its API, so a renamed copy is invalid", "docs.crossplane.io/latest/concepts/composite-resource-definitions";
    "kafka.strimzi.io" Kafka: Namespaced Refuse Workload;
        "A second cluster starts empty", "strimzi.io/docs/operators/latest/configuring";
    "kafka.strimzi.io" KafkaTopic: Namespaced Refuse Config;
        "Two owners manage one topic, or a second topic is made", "strimzi.io/docs/operators/latest/configuring";
    "kafka.strimzi.io" KafkaUser: Namespaced Refuse Config;
        "A second user with its own credentials is made", "strimzi.io/docs/operators/latest/configuring";
    "postgresql.cnpg.io" Cluster: Namespaced Refuse Workload;
        "A second database starts empty", "cloudnative-pg.io/documentation/current";
};
