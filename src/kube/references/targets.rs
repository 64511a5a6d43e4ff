//! How fields name other objects, and the targets that many of them share.

use super::super::fields::Referrer;

/// A row of [`REFERENCES`](super::REFERENCES).
#[derive(Clone, Copy, Debug)]
pub struct ReferenceField {
    /// Whose field it is.
    pub referrer: Referrer,
    /// The field that holds the name.
    pub path: &'static str,
    /// What it names.
    pub target: Target,
    /// How the name is written.
    pub form: NameForm,
    /// Whether it uses the object or makes it.
    pub effect: Effect,
    /// Where this is documented.
    pub source: &'static str,
}

/// What a field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Always this kind.
    Fixed {
        /// API group.
        group: &'static str,
        /// Kind.
        kind: &'static str,
        /// The field beside the name that holds the namespace.
        namespace: Option<&'static str>,
    },
    /// The kind that fields beside the name say.
    Typed {
        /// The field that holds the group, or an API version.
        group: Option<&'static str>,
        /// The field that holds the kind.
        kind: &'static str,
        /// The field that holds the namespace.
        namespace: Option<&'static str>,
        /// Kinds with the group they have where the group field says nothing. The first is meant
        /// where the kind field says nothing.
        kinds: &'static [(&'static str, &'static str)],
        /// Whether other kinds are no references of this row.
        only: bool,
    },
    /// The ServiceAccount of Cilium's endpoints; the label of their namespace stands beside it. Either
    /// may say that it is a label of Kubernetes (`k8s:`).
    EndpointAccount,
    /// `resourceNames` of an RBAC rule: every kind of its `resources` in its `apiGroups`.
    RuleResources,
}

/// How a name is written in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameForm {
    /// The name alone.
    Name,
    /// `name` or `namespace/name`.
    NamespacedName,
    /// Names with commas between; patterns among them match no object's name.
    NameList,
    /// A Service's DNS name: `name`, `name.ns.svc`, `name.ns.svc.cluster.local`.
    Host,
    /// A URL whose host is a Service's DNS name with its namespace.
    Url,
    /// JSON text with the name in a field `serviceName`, whatever its case.
    JsonServiceName,
    /// `ns-name@kubernetescrd`, several with commas between.
    TraefikProvider,
    /// A mesh identity: `trust-domain/ns/NAMESPACE/sa/NAME` of Istio, or of Linkerd
    /// `NAME.NAMESPACE.serviceaccount.identity.CONTROL-PLANE.trust-domain`.
    Principal,
}

/// What the object that holds a reference does with what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It needs the object.
    Uses,
    /// Its controller makes the object under that name.
    Creates,
}

pub(super) const fn to(group: &'static str, kind: &'static str) -> Target {
    Target::Fixed { group, kind, namespace: None }
}

pub(super) const fn to_in(
    group: &'static str,
    kind: &'static str,
    namespace: &'static str,
) -> Target {
    Target::Fixed { group, kind, namespace: Some(namespace) }
}

pub(super) const CONFIG_MAP: Target = to("", "ConfigMap");
pub(super) const SECRET: Target = to("", "Secret");
pub(super) const SECRET_IN: Target = to_in("", "Secret", "namespace");
pub(super) const SERVICE_ACCOUNT: Target = to("", "ServiceAccount");
pub(super) const SERVICE_ACCOUNT_IN: Target = to_in("", "ServiceAccount", "namespace");
pub(super) const SECRET_PROVIDER_CLASS: Target =
    to("secrets-store.csi.x-k8s.io", "SecretProviderClass");
pub(super) const SERVICE: Target = to("", "Service");
pub(super) const STORAGE_CLASS: Target = to("storage.k8s.io", "StorageClass");
pub(super) const INGRESS: Target = to("networking.k8s.io", "Ingress");
pub(super) const HTTP_ROUTE: Target = to("gateway.networking.k8s.io", "HTTPRoute");
pub(super) const ANALYSIS: Target = to("argoproj.io", "AnalysisTemplate");

/// Group of each workload kind, for references that leave the version out.
pub(super) const WORKLOADS: &[(&str, &str)] = &[
    ("Deployment", "apps"),
    ("StatefulSet", "apps"),
    ("ReplicaSet", "apps"),
    ("DaemonSet", "apps"),
    ("ReplicationController", ""),
    ("CronJob", "batch"),
    ("Job", "batch"),
    ("CloneSet", "apps.kruise.io"),
    ("Rollout", "argoproj.io"),
];
pub(super) const WORKLOAD: Target = Target::Typed {
    group: Some("apiVersion"),
    kind: "kind",
    namespace: None,
    kinds: WORKLOADS,
    only: false,
};
/// What an object metric describes; without a kind it says nothing.
pub(super) const DESCRIBED: Target = Target::Typed {
    group: Some("apiVersion"),
    kind: "kind",
    namespace: None,
    kinds: &[
        ("Service", ""),
        ("Ingress", "networking.k8s.io"),
        ("Pod", ""),
        ("Deployment", "apps"),
    ],
    only: false,
};
/// What is restarted when a Secret changes.
pub(super) const RESTARTED: Target = Target::Typed {
    group: None,
    kind: "kind",
    namespace: None,
    kinds: &[
        ("Deployment", "apps"),
        ("DaemonSet", "apps"),
        ("StatefulSet", "apps"),
        ("Rollout", "argoproj.io"),
    ],
    only: true,
};
pub(super) const AUTOSCALER: Target = Target::Typed {
    group: Some("apiVersion"),
    kind: "kind",
    namespace: None,
    kinds: &[("HorizontalPodAutoscaler", "autoscaling"), ("ScaledObject", "keda.sh")],
    only: false,
};
pub(super) const SUBJECT: Target = Target::Typed {
    group: Some("apiGroup"),
    kind: "kind",
    namespace: Some("namespace"),
    kinds: &[("ServiceAccount", "")],
    only: true,
};
pub(super) const ROLE: Target = Target::Typed {
    group: Some("apiGroup"),
    kind: "kind",
    namespace: None,
    kinds: &[("Role", "rbac.authorization.k8s.io"), ("ClusterRole", "rbac.authorization.k8s.io")],
    only: false,
};
pub(super) const BACKEND: Target = Target::Typed {
    group: Some("group"),
    kind: "kind",
    namespace: Some("namespace"),
    kinds: &[("Service", "")],
    only: false,
};
/// What a policy is attached to. Only a target with a group is one: others have `targetRef` with an
/// API version, and rows of their own.
pub(super) const POLICY_TARGET: Target = Target::Typed {
    group: Some("group"),
    kind: "kind",
    namespace: Some("namespace"),
    kinds: &[],
    only: false,
};
pub(super) const EXTENSION: Target =
    Target::Typed { group: Some("group"), kind: "kind", namespace: None, kinds: &[], only: false };
pub(super) const PARENT: Target = Target::Typed {
    group: Some("group"),
    kind: "kind",
    namespace: Some("namespace"),
    kinds: &[("Gateway", "gateway.networking.k8s.io"), ("Service", "")],
    only: false,
};
pub(super) const CERTIFICATE_REF: Target = Target::Typed {
    group: Some("group"),
    kind: "kind",
    namespace: Some("namespace"),
    kinds: &[("Secret", "")],
    only: false,
};
pub(super) const CA_REF: Target = Target::Typed {
    group: Some("group"),
    kind: "kind",
    namespace: None,
    kinds: &[("ConfigMap", "")],
    only: false,
};
pub(super) const RESOURCE: Target = Target::Typed {
    group: Some("apiGroup"),
    kind: "kind",
    namespace: Some("namespace"),
    kinds: &[("PersistentVolumeClaim", ""), ("VolumeSnapshot", "snapshot.storage.k8s.io")],
    only: false,
};
pub(super) const TRIGGER_AUTHENTICATION: Target = Target::Typed {
    group: None,
    kind: "kind",
    namespace: None,
    kinds: &[("TriggerAuthentication", "keda.sh"), ("ClusterTriggerAuthentication", "keda.sh")],
    only: true,
};
pub(super) const ISSUER: Target = Target::Typed {
    group: Some("group"),
    kind: "kind",
    namespace: None,
    kinds: &[("Issuer", "cert-manager.io"), ("ClusterIssuer", "cert-manager.io")],
    only: false,
};
/// What signs the certificate of a volume.
pub(super) const CSI_ISSUER: Target = Target::Typed {
    group: Some("csi.cert-manager.io/issuer-group"),
    kind: "csi.cert-manager.io/issuer-kind",
    namespace: None,
    kinds: &[("Issuer", "cert-manager.io"), ("ClusterIssuer", "cert-manager.io")],
    only: false,
};
/// Where the certificate of an authority is.
pub(super) const CA_PROVIDER: Target = Target::Typed {
    group: None,
    kind: "type",
    namespace: Some("namespace"),
    kinds: &[("Secret", ""), ("ConfigMap", "")],
    only: true,
};
/// Whom a policy of Linkerd lets in. A kind without a group is one of the core group.
pub(super) const MESH_IDENTITY: Target = Target::Typed {
    group: Some("group"),
    kind: "kind",
    namespace: Some("namespace"),
    kinds: &[
        ("ServiceAccount", ""),
        ("MeshTLSAuthentication", "policy.linkerd.io"),
        ("NetworkAuthentication", "policy.linkerd.io"),
    ],
    only: true,
};
pub(super) const SECRET_STORE: Target = Target::Typed {
    group: None,
    kind: "kind",
    namespace: None,
    kinds: &[("SecretStore", "external-secrets.io"), ("ClusterSecretStore", "external-secrets.io")],
    only: true,
};
pub(super) const TRAEFIK_BACKEND: Target = Target::Typed {
    group: None,
    kind: "kind",
    namespace: Some("namespace"),
    kinds: &[("Service", ""), ("TraefikService", "traefik.io")],
    only: true,
};
pub(super) const ROUTE_BACKEND: Target = Target::Typed {
    group: None,
    kind: "kind",
    namespace: None,
    kinds: &[("Service", "")],
    only: true,
};
