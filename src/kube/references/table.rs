//! The fields that name other objects.

use super::super::fields::Referrer::{self, Any, Kinds, PodSpec};
use super::targets::{
    ANALYSIS, AUTOSCALER, BACKEND, CA_PROVIDER, CA_REF, CERTIFICATE_REF, CONFIG_MAP, CSI_ISSUER,
    DESCRIBED, EXTENSION, Effect, HTTP_ROUTE, INGRESS, ISSUER, MESH_IDENTITY, NameForm, PARENT,
    POLICY_TARGET, RESOURCE, RESTARTED, ROLE, ROUTE_BACKEND, ReferenceField, SECRET, SECRET_IN,
    SECRET_PROVIDER_CLASS, SECRET_STORE, SERVICE, SERVICE_ACCOUNT, SERVICE_ACCOUNT_IN,
    STORAGE_CLASS, SUBJECT, TRAEFIK_BACKEND, TRIGGER_AUTHENTICATION, Target, WORKLOAD, to, to_in,
};

macro_rules! form {
    () => {
        NameForm::Name
    };
    ($form:ident) => {
        NameForm::$form
    };
}

macro_rules! effect {
    () => {
        Effect::Uses
    };
    (creates) => {
        Effect::Creates
    };
}

/// `referrer, source { field => target [, as form] [, (creates)]; }`
macro_rules! references {
    ($($referrer:expr, $source:literal {
        $($path:literal => $target:expr $(, as $form:ident)? $(, ($effect:ident))?;)*
    })*) => {
        &[$($(ReferenceField {
            referrer: $referrer,
            path: $path,
            target: $target,
            form: form!($($form)?),
            effect: effect!($($effect)?),
            source: $source,
        },)*)*]
    };
}

const CORE_POLICIES: Referrer =
    Kinds("admissionregistration.k8s.io", &["ValidatingAdmissionPolicyBinding"]);
const GATEWAY_ROUTES: Referrer = Kinds(
    "gateway.networking.k8s.io",
    &["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"],
);
const TRAEFIK_ROUTES: Referrer =
    Kinds("traefik.io", &["IngressRoute", "IngressRouteTCP", "IngressRouteUDP"]);
const INGRESS_ONLY: Referrer = Kinds("networking.k8s.io", &["Ingress"]);

/// Every field that names another object.
#[rustfmt::skip]
pub const REFERENCES: &[ReferenceField] = references! {
    PodSpec, "kubernetes/api core/v1 PodSpec" {
        "{serviceAccountName,serviceAccount}" => SERVICE_ACCOUNT;
        "priorityClassName" => to("scheduling.k8s.io", "PriorityClass");
        "runtimeClassName" => to("node.k8s.io", "RuntimeClass");
        "subdomain" => SERVICE;
        "imagePullSecrets[*].name" => SECRET;
        "resourceClaims[*].resourceClaimName" => to("resource.k8s.io", "ResourceClaim");
        "resourceClaims[*].resourceClaimTemplateName" => to("resource.k8s.io", "ResourceClaimTemplate");
    }
    PodSpec, "kubernetes/api core/v1 Container, EphemeralContainer" {
        "{containers,initContainers,ephemeralContainers}[*].env[*].valueFrom.configMapKeyRef.name" => CONFIG_MAP;
        "{containers,initContainers,ephemeralContainers}[*].env[*].valueFrom.secretKeyRef.name" => SECRET;
        "{containers,initContainers,ephemeralContainers}[*].envFrom[*].configMapRef.name" => CONFIG_MAP;
        "{containers,initContainers,ephemeralContainers}[*].envFrom[*].secretRef.name" => SECRET;
    }
    PodSpec, "kubernetes/api core/v1 VolumeSource" {
        "volumes[*].configMap.name" => CONFIG_MAP;
        "volumes[*].secret.secretName" => SECRET;
        "volumes[*].projected.sources[*].configMap.name" => CONFIG_MAP;
        "volumes[*].projected.sources[*].secret.name" => SECRET;
        "volumes[*].projected.sources[*].clusterTrustBundle.name" => to("certificates.k8s.io", "ClusterTrustBundle");
        "volumes[*].persistentVolumeClaim.claimName" => to("", "PersistentVolumeClaim");
        "volumes[*].ephemeral.volumeClaimTemplate.spec.storageClassName" => STORAGE_CLASS;
        "volumes[*].csi.nodePublishSecretRef.name" => SECRET;
        "volumes[*].azureFile.secretName" => SECRET;
        "volumes[*].{cephfs,cinder,flexVolume,iscsi,rbd,scaleIO,storageos}.secretRef.name" => SECRET;
        "volumes[*].glusterfs.endpoints" => to("", "Endpoints");
    }
    PodSpec, "secrets-store-csi-driver.sigs.k8s.io/getting-started/usage" {
        "volumes[*].csi.volumeAttributes.secretProviderClass" => SECRET_PROVIDER_CLASS;
    }
    PodSpec, "cert-manager.io/docs/usage/csi-driver (supported volume attributes)" {
        "volumes[*].csi.volumeAttributes[\"csi.cert-manager.io/issuer-name\"]" => CSI_ISSUER;
    }
    Kinds("autoscaling", &["HorizontalPodAutoscaler"]), "kubernetes/api autoscaling/v2" {
        "spec.scaleTargetRef.name" => WORKLOAD;
        "spec.metrics[*].object.{describedObject,target}.name" => DESCRIBED;
    }
    Kinds("autoscaling.k8s.io", &["VerticalPodAutoscaler"]), "kubernetes/autoscaler autoscaling.k8s.io/v1" {
        "spec.targetRef.name" => WORKLOAD;
    }
    Kinds("keda.sh", &["ScaledObject"]), "keda.sh/docs/latest/reference/scaledobject-spec" {
        "spec.scaleTargetRef.name" => WORKLOAD;
        "spec.advanced.horizontalPodAutoscalerConfig.name" => to("autoscaling", "HorizontalPodAutoscaler"), (creates);
    }
    Kinds("keda.sh", &["ScaledObject", "ScaledJob"]), "keda.sh/docs/latest/concepts/authentication" {
        "spec.triggers[*].authenticationRef.name" => TRIGGER_AUTHENTICATION;
    }
    Kinds("keda.sh", &["TriggerAuthentication"]), "keda.sh/docs/latest/concepts/authentication" {
        "spec.secretTargetRef[*].name" => SECRET;
        "spec.configMapTargetRef[*].name" => CONFIG_MAP;
        "spec.hashiCorpVault.credential.serviceAccountName" => SERVICE_ACCOUNT;
        "spec.boundServiceAccountToken[*].serviceAccountName" => SERVICE_ACCOUNT;
        "spec.azureKeyVault.credentials.clientSecret.valueFrom.secretKeyRef.name" => SECRET;
        "spec.gcpSecretManager.credentials.clientSecret.valueFrom.secretKeyRef.name" => SECRET;
        "spec.awsSecretManager.credentials.{accessKey,accessSecretKey}.valueFrom.secretKeyRef.name" => SECRET;
    }
    Kinds("apps", &["StatefulSet"]), "kubernetes/api apps/v1 StatefulSetSpec" {
        "spec.serviceName" => SERVICE;
        "spec.volumeClaimTemplates[*].spec.storageClassName" => STORAGE_CLASS;
    }
    Kinds("apps.kruise.io", &["StatefulSet", "CloneSet"]), "openkruise/kruise apis/apps" {
        "spec.serviceName" => SERVICE;
        "spec.volumeClaimTemplates[*].spec.storageClassName" => STORAGE_CLASS;
    }
    Kinds("apps.kruise.io", &["WorkloadSpread"]), "openkruise.io/docs/user-manuals/workloadspread" {
        "spec.targetRef.name" => WORKLOAD;
    }
    Kinds("policy.kruise.io", &["PodUnavailableBudget"]), "openkruise.io/docs/user-manuals/podunavailablebudget" {
        "spec.targetRef.name" => WORKLOAD;
    }
    // Only what Reloader watches has these: workloads of several groups, on themselves or their pods.
    Any, "docs.stakater.com/reloader/1.4/reference/annotations.html" {
        "metadata.annotations.{configmap.reloader.stakater.com/reload,configmaps.exclude.reloader.stakater.com/reload}" => CONFIG_MAP, as NameList;
        "metadata.annotations.{secret.reloader.stakater.com/reload,secrets.exclude.reloader.stakater.com/reload}" => SECRET, as NameList;
        "metadata.annotations.{secretproviderclass.reloader.stakater.com/reload,secretproviderclasses.exclude.reloader.stakater.com/reload}" => SECRET_PROVIDER_CLASS, as NameList;
        "spec.template.metadata.annotations.{configmap.reloader.stakater.com/reload,configmaps.exclude.reloader.stakater.com/reload}" => CONFIG_MAP, as NameList;
        "spec.template.metadata.annotations.{secret.reloader.stakater.com/reload,secrets.exclude.reloader.stakater.com/reload}" => SECRET, as NameList;
        "spec.template.metadata.annotations.{secretproviderclass.reloader.stakater.com/reload,secretproviderclasses.exclude.reloader.stakater.com/reload}" => SECRET_PROVIDER_CLASS, as NameList;
        "spec.jobTemplate.spec.template.metadata.annotations.{configmap.reloader.stakater.com/reload,configmaps.exclude.reloader.stakater.com/reload}" => CONFIG_MAP, as NameList;
        "spec.jobTemplate.spec.template.metadata.annotations.{secret.reloader.stakater.com/reload,secrets.exclude.reloader.stakater.com/reload}" => SECRET, as NameList;
        "spec.jobTemplate.spec.template.metadata.annotations.{secretproviderclass.reloader.stakater.com/reload,secretproviderclasses.exclude.reloader.stakater.com/reload}" => SECRET_PROVIDER_CLASS, as NameList;
    }
    // The injector reads it of pods.
    Any, "developer.hashicorp.com/vault/docs/deploy/kubernetes/injector/annotations" {
        "metadata.annotations[\"vault.hashicorp.com/agent-configmap\"]" => CONFIG_MAP;
        "spec.template.metadata.annotations[\"vault.hashicorp.com/agent-configmap\"]" => CONFIG_MAP;
        "spec.jobTemplate.spec.template.metadata.annotations[\"vault.hashicorp.com/agent-configmap\"]" => CONFIG_MAP;
    }
    Kinds("", &["Secret"]), "kubernetes.io/docs/concepts/configuration/secret (ServiceAccount token Secrets)" {
        "metadata.annotations[\"kubernetes.io/service-account.name\"]" => SERVICE_ACCOUNT;
    }
    INGRESS_ONLY, "kubernetes/api networking/v1, extensions/v1beta1 IngressSpec" {
        "spec.defaultBackend.service.name" => SERVICE;
        "spec.backend.serviceName" => SERVICE;
        "spec.{defaultBackend,backend}.resource.name" => RESOURCE;
        "spec.rules[*].http.paths[*].backend.service.name" => SERVICE;
        "spec.rules[*].http.paths[*].backend.serviceName" => SERVICE;
        "spec.rules[*].http.paths[*].backend.resource.name" => RESOURCE;
        "spec.tls[*].secretName" => SECRET;
        "spec.ingressClassName" => to("networking.k8s.io", "IngressClass");
    }
    INGRESS_ONLY, "kubernetes/ingress-nginx docs/user-guide/nginx-configuration/annotations.md" {
        "metadata.annotations[\"nginx.ingress.kubernetes.io/default-backend\"]" => SERVICE;
        "metadata.annotations[\"nginx.ingress.kubernetes.io/auth-url\"]" => SERVICE, as Url;
        "metadata.annotations[\"nginx.ingress.kubernetes.io/auth-secret\"]" => SECRET, as NamespacedName;
        "metadata.annotations[\"nginx.ingress.kubernetes.io/auth-tls-secret\"]" => SECRET, as NamespacedName;
        "metadata.annotations[\"nginx.ingress.kubernetes.io/proxy-ssl-secret\"]" => SECRET, as NamespacedName;
        "metadata.annotations[\"nginx.ingress.kubernetes.io/fastcgi-params-configmap\"]" => CONFIG_MAP, as NamespacedName;
        "metadata.annotations[\"nginx.ingress.kubernetes.io/auth-proxy-set-headers\"]" => CONFIG_MAP, as NamespacedName;
        "metadata.annotations[\"nginx.ingress.kubernetes.io/custom-headers\"]" => CONFIG_MAP, as NamespacedName;
        "metadata.annotations[\"ingress.kubernetes.io/auth-secret\"]" => SECRET, as NamespacedName;
        "metadata.annotations[\"ingress.kubernetes.io/auth-tls-secret\"]" => SECRET, as NamespacedName;
    }
    INGRESS_ONLY, "higress.io/docs (Ingress annotations)" {
        "metadata.annotations[\"higress.io/default-backend\"]" => SERVICE;
        "metadata.annotations[\"higress.io/auth-secret\"]" => SECRET, as NamespacedName;
        "metadata.annotations[\"higress.io/auth-tls-secret\"]" => SECRET, as NamespacedName;
        "metadata.annotations[\"higress.io/proxy-ssl-secret\"]" => SECRET, as NamespacedName;
    }
    INGRESS_ONLY, "kubernetes-sigs/aws-load-balancer-controller docs/guide/ingress/annotations.md; alibabacloud.com/help/en/slb (custom forwarding actions)" {
        "metadata.annotations[\"alb.ingress.kubernetes.io/actions.*\"]" => SERVICE, as JsonServiceName;
    }
    INGRESS_ONLY, "doc.traefik.io/traefik/routing/providers/kubernetes-ingress" {
        "metadata.annotations[\"traefik.ingress.kubernetes.io/router.middlewares\"]" => to("traefik.io", "Middleware"), as TraefikProvider;
    }
    INGRESS_ONLY, "cert-manager.io/docs/usage/ingress" {
        "metadata.annotations[\"cert-manager.io/issuer\"]" => to("cert-manager.io", "Issuer");
        "metadata.annotations[\"cert-manager.io/cluster-issuer\"]" => to("cert-manager.io", "ClusterIssuer");
    }
    Kinds("networking.istio.io", &["VirtualService"]), "istio.io/latest/docs/reference/config/networking/virtual-service" {
        "spec.hosts[*]" => SERVICE, as Host;
        "spec.{http,tls,tcp}[*].route[*].destination.host" => SERVICE, as Host;
        "spec.http[*].mirror.host" => SERVICE, as Host;
        "spec.http[*].mirrors[*].destination.host" => SERVICE, as Host;
        "spec.http[*].delegate.name" => to_in("networking.istio.io", "VirtualService", "namespace");
    }
    Kinds("networking.istio.io", &["DestinationRule"]), "istio.io/latest/docs/reference/config/networking/destination-rule" {
        "spec.host" => SERVICE, as Host;
        "spec.trafficPolicy.tls.credentialName" => SECRET;
        "spec.trafficPolicy.portLevelSettings[*].tls.credentialName" => SECRET;
        "spec.subsets[*].trafficPolicy.tls.credentialName" => SECRET;
        "spec.subsets[*].trafficPolicy.portLevelSettings[*].tls.credentialName" => SECRET;
    }
    Kinds("networking.istio.io", &["Gateway"]), "istio.io/latest/docs/reference/config/networking/gateway" {
        "spec.servers[*].tls.credentialName" => SECRET;
    }
    Kinds("security.istio.io", &["AuthorizationPolicy"]), "istio.io/latest/docs/reference/config/security/authorization-policy (Source)" {
        "spec.rules[*].from[*].source.{principals,notPrincipals}[*]" => SERVICE_ACCOUNT, as Principal;
        "spec.rules[*].from[*].source.{serviceAccounts,notServiceAccounts}[*]" => SERVICE_ACCOUNT, as NamespacedName;
    }
    Any, "gateway-api.sigs.k8s.io/geps/gep-713 (targetRef, targetRefs)" {
        "spec.targetRef.name" => POLICY_TARGET;
        "spec.targetRefs[*].name" => POLICY_TARGET;
    }
    Kinds("gateway.k8s.aws", &["TargetGroupConfiguration"]), "kubernetes-sigs/aws-load-balancer-controller config/crd/gateway (targetReference)" {
        "spec.targetReference.name" => BACKEND;
    }
    GATEWAY_ROUTES, "gateway-api.sigs.k8s.io/reference/spec" {
        "spec.parentRefs[*].name" => PARENT;
        "spec.rules[*].backendRefs[*].name" => BACKEND;
        "spec.rules[*].filters[*].{requestMirror,externalAuth}.backendRef.name" => BACKEND;
        "spec.rules[*].filters[*].extensionRef.name" => EXTENSION;
        "spec.rules[*].backendRefs[*].filters[*].{requestMirror,externalAuth}.backendRef.name" => BACKEND;
        "spec.rules[*].backendRefs[*].filters[*].extensionRef.name" => EXTENSION;
    }
    Kinds("gateway.networking.k8s.io", &["Gateway"]), "gateway-api.sigs.k8s.io/reference/spec" {
        "spec.gatewayClassName" => to("gateway.networking.k8s.io", "GatewayClass");
        "spec.listeners[*].tls.certificateRefs[*].name" => CERTIFICATE_REF;
    }
    Kinds("gateway.networking.k8s.io", &["BackendTLSPolicy"]), "gateway-api.sigs.k8s.io/reference/spec" {
        "spec.validation.caCertificateRefs[*].name" => CA_REF;
    }
    TRAEFIK_ROUTES, "doc.traefik.io/traefik/routing/providers/kubernetes-crd" {
        "spec.routes[*].services[*].name" => TRAEFIK_BACKEND;
        "spec.routes[*].middlewares[*].name" => to_in("traefik.io", "Middleware", "namespace");
        "spec.tls.secretName" => SECRET;
    }
    Kinds("traefik.io", &["TraefikService"]), "doc.traefik.io/traefik/routing/providers/kubernetes-crd" {
        "spec.weighted.services[*].name" => TRAEFIK_BACKEND;
        "spec.mirroring.name" => TRAEFIK_BACKEND;
        "spec.mirroring.mirrors[*].name" => TRAEFIK_BACKEND;
        "spec.highestRandomWeight.services[*].name" => TRAEFIK_BACKEND;
    }
    Kinds("apisix.apache.org", &["ApisixRoute"]), "apisix.apache.org/docs/ingress-controller/references/apisix_route_v2" {
        "spec.{http,stream}[*].backends[*].serviceName" => SERVICE;
        "spec.stream[*].backend.serviceName" => SERVICE;
    }
    Kinds("apisix.apache.org", &["ApisixUpstream"]), "apisix.apache.org/docs/ingress-controller/concepts/apisix_upstream (same name as the Service)" {
        "metadata.name" => SERVICE;
    }
    Kinds("linkerd.io", &["ServiceProfile"]), "linkerd.io/2/reference/service-profiles (named after the host that it is for)" {
        "metadata.name" => SERVICE, as Host;
    }
    Kinds("policy.linkerd.io", &["AuthorizationPolicy"]), "linkerd.io/2/reference/authorization-policy (requiredAuthenticationRefs)" {
        "spec.requiredAuthenticationRefs[*].name" => MESH_IDENTITY;
    }
    Kinds("policy.linkerd.io", &["MeshTLSAuthentication"]), "linkerd.io/2/reference/authorization-policy (MeshTLSAuthentication)" {
        "spec.identityRefs[*].name" => MESH_IDENTITY;
        "spec.identities[*]" => SERVICE_ACCOUNT, as Principal;
    }
    Kinds("route.openshift.io", &["Route"]), "openshift/api route/v1 RouteSpec" {
        "spec.to.name" => ROUTE_BACKEND;
        "spec.alternateBackends[*].name" => ROUTE_BACKEND;
    }
    Kinds("", &["Service"]), "kubernetes.io/docs/concepts/services-networking/service (ExternalName)" {
        "spec.externalName" => SERVICE, as Host;
    }
    Kinds("discovery.k8s.io", &["EndpointSlice"]), "kubernetes.io/docs/concepts/services-networking/endpoint-slices" {
        "metadata.labels[\"kubernetes.io/service-name\"]" => SERVICE;
    }
    Kinds("apiregistration.k8s.io", &["APIService"]), "kubernetes/kube-aggregator apiregistration/v1" {
        "spec.service.name" => to_in("", "Service", "namespace");
    }
    Kinds("admissionregistration.k8s.io", &["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]), "kubernetes/api admissionregistration/v1" {
        "webhooks[*].clientConfig.service.name" => to_in("", "Service", "namespace");
    }
    Kinds("apiextensions.k8s.io", &["CustomResourceDefinition"]), "kubernetes/apiextensions-apiserver apiextensions/v1" {
        "spec.conversion.webhook.clientConfig.service.name" => to_in("", "Service", "namespace");
    }
    CORE_POLICIES, "kubernetes/api admissionregistration/v1" {
        "spec.policyName" => to("admissionregistration.k8s.io", "ValidatingAdmissionPolicy");
    }
    Kinds("rbac.authorization.k8s.io", &["RoleBinding", "ClusterRoleBinding"]), "kubernetes/api rbac/v1" {
        "subjects[*].name" => SUBJECT;
        "roleRef.name" => ROLE;
    }
    Kinds("rbac.authorization.k8s.io", &["Role", "ClusterRole"]), "kubernetes.io/docs/reference/access-authn-authz/rbac (referring to resources)" {
        "rules[*].resourceNames[*]" => Target::RuleResources;
    }
    Kinds("cilium.io", &["CiliumNetworkPolicy"]), "docs.cilium.io/en/stable/network/kubernetes/policy (service accounts)" {
        "spec.endpointSelector.matchLabels[\"io.cilium.k8s.policy.serviceaccount\"]" => SERVICE_ACCOUNT;
        "spec.endpointSelector.matchLabels[\"k8s:io.cilium.k8s.policy.serviceaccount\"]" => SERVICE_ACCOUNT;
        "specs[*].endpointSelector.matchLabels[\"io.cilium.k8s.policy.serviceaccount\"]" => SERVICE_ACCOUNT;
        "specs[*].endpointSelector.matchLabels[\"k8s:io.cilium.k8s.policy.serviceaccount\"]" => SERVICE_ACCOUNT;
    }
    Kinds("cilium.io", &["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"]), "docs.cilium.io/en/stable/network/kubernetes/policy (service accounts, namespaces)" {
        "spec.{ingress,ingressDeny}[*].fromEndpoints[*].matchLabels[\"io.cilium.k8s.policy.serviceaccount\"]" => Target::EndpointAccount;
        "spec.{ingress,ingressDeny}[*].fromEndpoints[*].matchLabels[\"k8s:io.cilium.k8s.policy.serviceaccount\"]" => Target::EndpointAccount;
        "spec.{egress,egressDeny}[*].toEndpoints[*].matchLabels[\"io.cilium.k8s.policy.serviceaccount\"]" => Target::EndpointAccount;
        "spec.{egress,egressDeny}[*].toEndpoints[*].matchLabels[\"k8s:io.cilium.k8s.policy.serviceaccount\"]" => Target::EndpointAccount;
        "specs[*].{ingress,ingressDeny}[*].fromEndpoints[*].matchLabels[\"io.cilium.k8s.policy.serviceaccount\"]" => Target::EndpointAccount;
        "specs[*].{ingress,ingressDeny}[*].fromEndpoints[*].matchLabels[\"k8s:io.cilium.k8s.policy.serviceaccount\"]" => Target::EndpointAccount;
        "specs[*].{egress,egressDeny}[*].toEndpoints[*].matchLabels[\"io.cilium.k8s.policy.serviceaccount\"]" => Target::EndpointAccount;
        "specs[*].{egress,egressDeny}[*].toEndpoints[*].matchLabels[\"k8s:io.cilium.k8s.policy.serviceaccount\"]" => Target::EndpointAccount;
    }
    Kinds("", &["ServiceAccount"]), "kubernetes/api core/v1 ServiceAccount" {
        "secrets[*].name" => SECRET;
        "imagePullSecrets[*].name" => SECRET;
    }
    Kinds("", &["PersistentVolumeClaim"]), "kubernetes/api core/v1 PersistentVolumeClaimSpec" {
        "spec.volumeName" => to("", "PersistentVolume");
        "spec.storageClassName" => STORAGE_CLASS;
        "spec.{dataSource,dataSourceRef}.name" => RESOURCE;
    }
    Kinds("", &["PersistentVolume"]), "kubernetes/api core/v1 PersistentVolumeSpec" {
        "spec.storageClassName" => STORAGE_CLASS;
        "spec.claimRef.name" => to_in("", "PersistentVolumeClaim", "namespace");
        "spec.azureFile.secretName" => to_in("", "Secret", "secretNamespace");
        "spec.csi.{nodePublishSecretRef,nodeStageSecretRef,nodeExpandSecretRef,controllerPublishSecretRef,controllerExpandSecretRef}.name" => to_in("", "Secret", "namespace");
    }
    Kinds("storage.k8s.io", &["StorageClass"]), "kubernetes-csi.github.io/docs/secrets-and-credentials-storage-class.html; kubernetes.io/docs/concepts/storage/storage-classes" {
        "parameters.secretName" => to_in("", "Secret", "secretNamespace");
        "parameters.secretRef" => SECRET;
        "parameters.adminSecretName" => to_in("", "Secret", "adminSecretNamespace");
        "parameters.userSecretName" => to_in("", "Secret", "userSecretNamespace");
        "parameters[\"csi.storage.k8s.io/provisioner-secret-name\"]" => to_in("", "Secret", "csi.storage.k8s.io/provisioner-secret-namespace");
        "parameters[\"csi.storage.k8s.io/node-stage-secret-name\"]" => to_in("", "Secret", "csi.storage.k8s.io/node-stage-secret-namespace");
        "parameters[\"csi.storage.k8s.io/node-publish-secret-name\"]" => to_in("", "Secret", "csi.storage.k8s.io/node-publish-secret-namespace");
    }
    Kinds("cert-manager.io", &["Certificate"]), "cert-manager.io/docs/reference/api-docs (CertificateSpec)" {
        "spec.secretName" => SECRET, (creates);
        "spec.issuerRef.name" => ISSUER;
        "spec.keystores.{jks,pkcs12}.passwordSecretRef.name" => SECRET;
    }
    Kinds("cert-manager.io", &["Issuer"]), "cert-manager.io/docs/reference/api-docs (IssuerSpec)" {
        "spec.ca.secretName" => SECRET;
        "spec.acme.privateKeySecretRef.name" => SECRET, (creates);
        "spec.acme.externalAccountBinding.keySecretRef.name" => SECRET;
        "spec.vault.auth.appRole.secretRef.name" => SECRET;
        "spec.vault.auth.tokenSecretRef.name" => SECRET;
        "spec.vault.auth.clientCertificate.secretName" => SECRET;
        "spec.vault.auth.kubernetes.secretRef.name" => SECRET;
        "spec.vault.auth.kubernetes.serviceAccountRef.name" => SERVICE_ACCOUNT;
        "spec.vault.{caBundleSecretRef,clientCertSecretRef,clientKeySecretRef}.name" => SECRET;
    }
    Kinds("bitnami.com", &["SealedSecret"]), "bitnami-labs/sealed-secrets pkg/apis/sealedsecrets/v1alpha1 (SecretTemplateSpec)" {
        "spec.template.metadata.name" => SECRET, (creates);
    }
    Kinds("external-secrets.io", &["ExternalSecret"]), "external-secrets.io/latest/api/externalsecret" {
        "spec.target.name" => SECRET, (creates);
        "spec.secretStoreRef.name" => SECRET_STORE;
        "spec.{data,dataFrom}[*].sourceRef.storeRef.name" => SECRET_STORE;
        "spec.target.template.templateFrom[*].configMap.name" => CONFIG_MAP;
        "spec.target.template.templateFrom[*].secret.name" => SECRET;
    }
    Kinds("external-secrets.io", &["SecretStore", "ClusterSecretStore"]), "external-secrets.io/latest/api/spec (SecretStoreProvider)" {
        "spec.provider.vault.auth.tokenSecretRef.name" => SECRET_IN;
        "spec.provider.vault.auth.appRole.{roleRef,secretRef}.name" => SECRET_IN;
        "spec.provider.vault.auth.{kubernetes,ldap,userPass,jwt}.secretRef.name" => SECRET_IN;
        "spec.provider.vault.auth.cert.{clientCert,secretRef}.name" => SECRET_IN;
        "spec.provider.vault.auth.kubernetes.serviceAccountRef.name" => SERVICE_ACCOUNT_IN;
        "spec.provider.vault.auth.jwt.kubernetesServiceAccountToken.serviceAccountRef.name" => SERVICE_ACCOUNT_IN;
        "spec.provider.vault.caProvider.name" => CA_PROVIDER;
        "spec.provider.kubernetes.auth.serviceAccount.name" => SERVICE_ACCOUNT_IN;
        "spec.provider.kubernetes.auth.token.bearerToken.name" => SECRET_IN;
        "spec.provider.kubernetes.server.caProvider.name" => CA_PROVIDER;
        "spec.provider.aws.auth.jwt.serviceAccountRef.name" => SERVICE_ACCOUNT_IN;
        "spec.provider.aws.auth.secretRef.{accessKeyIDSecretRef,secretAccessKeySecretRef,sessionTokenSecretRef}.name" => SECRET_IN;
        "spec.provider.alibaba.auth.secretRef.{accessKeyIDSecretRef,accessKeySecretSecretRef}.name" => SECRET_IN;
        "spec.provider.gcpsm.auth.workloadIdentity.serviceAccountRef.name" => SERVICE_ACCOUNT_IN;
        "spec.provider.gcpsm.auth.secretRef.secretAccessKeySecretRef.name" => SECRET_IN;
        "spec.provider.azurekv.serviceAccountRef.name" => SERVICE_ACCOUNT_IN;
        "spec.provider.azurekv.authSecretRef.{clientId,clientSecret}.name" => SECRET_IN;
    }
    Kinds("secrets-store.csi.x-k8s.io", &["SecretProviderClass"]), "secrets-store-csi-driver.sigs.k8s.io/topics/sync-as-kubernetes-secret" {
        "spec.secretObjects[*].secretName" => SECRET, (creates);
    }
    Kinds("secrets.hashicorp.com", &["VaultStaticSecret", "VaultDynamicSecret", "VaultPKISecret", "HCPVaultSecretsApp"]), "developer.hashicorp.com/vault/docs/deploy/kubernetes/vso/api-reference (Destination, RolloutRestartTarget)" {
        "spec.destination.name" => SECRET, (creates);
        "spec.rolloutRestartTargets[*].name" => RESTARTED;
    }
    Kinds("monitoring.coreos.com", &["ServiceMonitor", "PodMonitor"]), "prometheus-operator.dev/docs/api-reference/api (Endpoint)" {
        "spec.{endpoints,podMetricsEndpoints}[*].basicAuth.{username,password}.name" => SECRET;
        "spec.{endpoints,podMetricsEndpoints}[*].bearerTokenSecret.name" => SECRET;
        "spec.{endpoints,podMetricsEndpoints}[*].authorization.credentials.name" => SECRET;
        "spec.{endpoints,podMetricsEndpoints}[*].oauth2.clientSecret.name" => SECRET;
        "spec.{endpoints,podMetricsEndpoints}[*].oauth2.clientId.secret.name" => SECRET;
        "spec.{endpoints,podMetricsEndpoints}[*].oauth2.clientId.configMap.name" => CONFIG_MAP;
        "spec.{endpoints,podMetricsEndpoints}[*].tlsConfig.{ca,cert}.secret.name" => SECRET;
        "spec.{endpoints,podMetricsEndpoints}[*].tlsConfig.{ca,cert}.configMap.name" => CONFIG_MAP;
        "spec.{endpoints,podMetricsEndpoints}[*].tlsConfig.keySecret.name" => SECRET;
    }
    Kinds("argoproj.io", &["Rollout"]), "argo-rollouts.readthedocs.io/en/stable/features/specification" {
        "spec.workloadRef.name" => WORKLOAD;
        "spec.strategy.canary.{stableService,canaryService}" => SERVICE;
        "spec.strategy.canary.pingPong.{pingService,pongService}" => SERVICE;
        "spec.strategy.blueGreen.{activeService,previewService}" => SERVICE;
        "spec.strategy.canary.trafficRouting.nginx.stableIngress" => INGRESS;
        "spec.strategy.canary.trafficRouting.nginx.stableIngresses[*]" => INGRESS;
        "spec.strategy.canary.trafficRouting.alb.ingress" => INGRESS;
        "spec.strategy.canary.trafficRouting.alb.ingresses[*]" => INGRESS;
        "spec.strategy.canary.trafficRouting.{alb,smi}.rootService" => SERVICE;
        "spec.strategy.canary.trafficRouting.istio.virtualService.name" => to("networking.istio.io", "VirtualService");
        "spec.strategy.canary.trafficRouting.istio.virtualServices[*].name" => to("networking.istio.io", "VirtualService");
        "spec.strategy.canary.trafficRouting.istio.destinationRule.name" => to("networking.istio.io", "DestinationRule");
        "spec.strategy.canary.trafficRouting.traefik.weightedTraefikServiceName" => to("traefik.io", "TraefikService");
        "spec.strategy.canary.trafficRouting.apisix.route.name" => to("apisix.apache.org", "ApisixRoute");
        "spec.strategy.canary.trafficRouting.plugins[\"argoproj-labs/gatewayAPI\"].httpRoute" => HTTP_ROUTE;
        "spec.strategy.canary.trafficRouting.plugins[\"argoproj-labs/gatewayAPI\"].httpRoutes[*].name" => HTTP_ROUTE;
        "spec.strategy.canary.analysis.templates[*].templateName" => ANALYSIS;
        "spec.strategy.canary.steps[*].analysis.templates[*].templateName" => ANALYSIS;
        "spec.strategy.blueGreen.{prePromotionAnalysis,postPromotionAnalysis}.templates[*].templateName" => ANALYSIS;
    }
    Kinds("rollouts.kruise.io", &["Rollout"]), "openkruise.io/rollouts/user-manuals/api-specifications" {
        "spec.workloadRef.name" => WORKLOAD;
        "spec.objectRef.workloadRef.name" => WORKLOAD;
        "spec.strategy.{canary,blueGreen}.trafficRoutings[*].service" => SERVICE;
        "spec.strategy.{canary,blueGreen}.trafficRoutings[*].ingress.name" => INGRESS;
        "spec.strategy.{canary,blueGreen}.trafficRoutings[*].gateway.httpRouteName" => HTTP_ROUTE;
        "spec.strategy.{canary,blueGreen}.trafficRoutingRef" => to("rollouts.kruise.io", "TrafficRouting");
    }
    Kinds("rollouts.kruise.io", &["TrafficRouting"]), "openkruise.io/rollouts/user-manuals/api-specifications" {
        "spec.objectRef[*].service" => SERVICE;
        "spec.objectRef[*].ingress.name" => INGRESS;
        "spec.objectRef[*].gateway.httpRouteName" => HTTP_ROUTE;
    }
    Kinds("flagger.app", &["Canary"]), "docs.flagger.app/usage/how-it-works (Canary target)" {
        "spec.targetRef.name" => WORKLOAD;
        "spec.autoscalerRef.name" => AUTOSCALER;
        "spec.ingressRef.name" => INGRESS;
    }
};
