//! The fields that a copy of an object must not carry.

use super::super::fields::Referrer::{self, Any, Kinds};

/// Which of the values that may stand in a field are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StripWhen {
    /// All.
    Always,
    /// All but this one.
    Unless(&'static str),
    /// These only.
    OneOf(&'static [&'static str]),
    /// Of a list with commas, these entries; the rest stays.
    Entries(&'static [&'static str]),
    /// These give way to another value.
    Becomes(&'static [&'static str], &'static str),
}

/// A row of [`STRIPPED`].
#[derive(Clone, Copy, Debug)]
pub struct StripRule {
    /// Whose field it is.
    pub referrer: Referrer,
    /// The field.
    pub path: &'static str,
    /// Which values.
    pub when: StripWhen,
    /// Why, to be read after the field's name: "is set by the server".
    pub why: &'static str,
    /// Where this is documented.
    pub source: &'static str,
}

use StripWhen::{Always, Becomes, Entries, OneOf, Unless};

macro_rules! rules {
    ($($referrer:expr, $why:literal, $source:literal {
        $($path:literal $(if $when:expr)?;)*
    })*) => {
        &[$($(StripRule {
            referrer: $referrer,
            path: $path,
            when: [$($when,)? Always][0],
            why: $why,
            source: $source,
        },)*)*]
    };
}

const SERVICE: Referrer = Kinds("", &["Service"]);

/// Every field that is dropped from a copy, or changed.
#[rustfmt::skip]
pub const STRIPPED: &[StripRule] = rules! {
    Any, "is set by the server", "kubernetes/apimachinery meta/v1 ObjectMeta; kubernetes/community api-conventions (status)" {
        "status";
        "metadata.{uid,resourceVersion,generation,creationTimestamp,deletionTimestamp,deletionGracePeriodSeconds,managedFields,selfLink}";
    }
    Any, "ties the object to an owner that the copy does not have", "kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents" {
        "metadata.ownerReferences";
    }
    Any, "would keep the copy from being deleted", "kubernetes.io/docs/concepts/overview/working-with-objects/finalizers" {
        "metadata.finalizers";
    }
    Any, "is written by kubectl", "kubernetes.io/docs/reference/labels-annotations-taints" {
        "metadata.annotations[\"kubectl.kubernetes.io/last-applied-configuration\"]";
        "metadata.labels[\"applyset.kubernetes.io/part-of\"]";
    }
    Any, "is written by a controller", "kubernetes.io/docs/reference/labels-annotations-taints" {
        "metadata.annotations[\"deployment.kubernetes.io/revision\"]";
        "metadata.annotations[\"deprecated.daemonset.template.generation\"]";
        "metadata.annotations[\"rollout.argoproj.io/revision\"]";
        "metadata.annotations[\"pv.kubernetes.io/bind-completed\"]";
        "metadata.annotations[\"pv.kubernetes.io/bound-by-controller\"]";
        "metadata.annotations[\"volume.kubernetes.io/selected-node\"]";
        "metadata.annotations[\"volume.kubernetes.io/storage-provisioner\"]";
        "metadata.annotations[\"volume.beta.kubernetes.io/storage-provisioner\"]";
        "metadata.annotations[\"autoscaling.alpha.kubernetes.io/conditions\"]";
        "metadata.annotations[\"autoscaling.alpha.kubernetes.io/current-metrics\"]";
        "metadata.annotations[\"control-plane.alpha.kubernetes.io/leader\"]";
        "metadata.annotations[\"endpoints.kubernetes.io/last-change-trigger-time\"]";
    }
    Any, "would make Argo CD count the copy as the original's application, and prune it", "argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking" {
        "metadata.annotations[\"argocd.argoproj.io/tracking-id\"]";
        "metadata.annotations[\"argocd.argoproj.io/installation-id\"]";
        "metadata.labels[\"argocd.argoproj.io/instance\"]";
        "metadata.labels[\"app.kubernetes.io/instance\"]";
    }
    Any, "would keep the copy in the cluster when it is removed from git", "argo-cd.readthedocs.io/en/stable/user-guide/sync-options" {
        "metadata.annotations[\"argocd.argoproj.io/sync-options\"]" if Entries(&["Prune=false", "Prune=confirm", "Delete=false", "Delete=confirm"]);
    }
    Any, "would make Flux count the copy as the original's", "fluxcd.io/flux/components/kustomize/kustomizations; fluxcd.io/flux/components/helm/helmreleases" {
        "metadata.labels[\"kustomize.toolkit.fluxcd.io/name\"]";
        "metadata.labels[\"kustomize.toolkit.fluxcd.io/namespace\"]";
        "metadata.annotations[\"kustomize.toolkit.fluxcd.io/checksum\"]";
        "metadata.labels[\"helm.toolkit.fluxcd.io/name\"]";
        "metadata.labels[\"helm.toolkit.fluxcd.io/namespace\"]";
    }
    Any, "would keep Flux from updating or removing the copy", "fluxcd.io/flux/components/kustomize/kustomizations (controlling the apply behavior)" {
        "metadata.{labels,annotations}[\"kustomize.toolkit.fluxcd.io/prune\"]" if OneOf(&["disabled", "Disabled"]);
        "metadata.{labels,annotations}[\"kustomize.toolkit.fluxcd.io/reconcile\"]" if OneOf(&["disabled", "Disabled"]);
        "metadata.{labels,annotations}[\"kustomize.toolkit.fluxcd.io/ssa\"]" if OneOf(&["IfNotPresent", "ifnotpresent", "Ignore", "ignore"]);
    }
    Any, "would make Helm take the copy for part of the original's release", "helm.sh/docs/chart_best_practices/labels; helm/helm pkg/action/validate.go" {
        "metadata.annotations[\"meta.helm.sh/release-name\"]";
        "metadata.annotations[\"meta.helm.sh/release-namespace\"]";
        "metadata.labels[\"app.kubernetes.io/managed-by\"]" if OneOf(&["Helm"]);
    }
    Any, "would keep Helm from removing the copy", "helm.sh/docs/howto/charts_tips_and_tricks" {
        "metadata.annotations[\"helm.sh/resource-policy\"]" if OneOf(&["keep"]);
    }
    Any, "ties the copy to the original's inventory", "kubernetes-sigs/cli-utils (owning-inventory); rancher/wrangler pkg/apply" {
        "metadata.annotations[\"config.k8s.io/owning-inventory\"]";
        "metadata.{labels,annotations}[\"objectset.rio.cattle.io/*\"]";
    }
    SERVICE, "is given by the cluster to one Service", "kubernetes/api core/v1 ServiceSpec.clusterIP" {
        "spec.clusterIP" if Unless("None");
        "spec.clusterIPs" if Unless("None");
    }
    SERVICE, "can be taken by one Service only", "kubernetes/api core/v1 ServicePort.nodePort, ServiceSpec" {
        "spec.ports[*].nodePort";
        "spec.healthCheckNodePort";
        "spec.externalIPs";
    }
    SERVICE, "would open the copy to the outside, or order a second load balancer", "kubernetes/api core/v1 ServiceSpec.type" {
        "spec.type" if Becomes(&["NodePort", "LoadBalancer"], "ClusterIP");
    }
    SERVICE, "is for load balancers and node ports, which the copy has none of", "kubernetes/kubernetes pkg/apis/core/validation (ValidateService)" {
        "spec.loadBalancerIP";
        "spec.loadBalancerClass";
        "spec.loadBalancerSourceRanges";
        "spec.allocateLoadBalancerNodePorts";
        "spec.externalTrafficPolicy";
    }
    SERVICE, "tells a cloud about a load balancer, which may be the original's", "help.aliyun.com (CLB annotations of Services); kubernetes-sigs/aws-load-balancer-controller; cloud-provider-azure; metallb.io; docs.cilium.io" {
        "metadata.annotations[\"service.beta.kubernetes.io/*\"]";
        "metadata.annotations[\"service.kubernetes.io/qcloud-*\"]";
        "metadata.annotations[\"service.kubernetes.io/loadbalance-*\"]";
        "metadata.annotations[\"service.cloud.tencent.com/*\"]";
        "metadata.annotations[\"kubernetes.io/elb.*\"]";
        "metadata.annotations[\"cloud.google.com/*\"]";
        "metadata.annotations[\"networking.gke.io/load-balancer-*\"]";
        "metadata.annotations[\"loadbalancer.openstack.org/*\"]";
        "metadata.annotations[\"metallb.universe.tf/*\"]";
        "metadata.annotations[\"metallb.io/*\"]";
        "metadata.annotations[\"io.cilium/lb-ipam-*\"]";
        "metadata.annotations[\"lbipam.cilium.io/*\"]";
        "metadata.annotations[\"kube-vip.io/*\"]";
    }
    SERVICE, "would publish the copy under the original's DNS name", "kubernetes-sigs/external-dns #3330" {
        "metadata.annotations[\"external-dns.alpha.kubernetes.io/*\"]";
    }
    Kinds("networking.k8s.io", &["Ingress"]), "would publish the copy under the original's DNS name", "kubernetes-sigs/external-dns #3330" {
        "metadata.annotations[\"external-dns.alpha.kubernetes.io/*\"]";
    }
    Kinds("networking.k8s.io", &["Ingress"]), "would order the original's certificate again", "cert-manager/cert-manager #2585; cert-manager.io/docs/usage/ingress" {
        "metadata.annotations[\"cert-manager.io/*\"]";
        "metadata.annotations[\"acme.cert-manager.io/*\"]";
        "metadata.annotations[\"kubernetes.io/tls-acme\"]";
    }
    Kinds("", &["Pod"]), "is chosen by the scheduler", "kubernetes/api core/v1 PodSpec.nodeName" {
        "spec.nodeName";
    }
    Kinds("", &["PersistentVolumeClaim"]), "is the volume of another claim", "kubernetes/api core/v1 PersistentVolumeClaimSpec.volumeName" {
        "spec.volumeName";
    }
    Kinds("batch", &["Job"]), "is the identity of another Job", "kubernetes.io/docs/concepts/workloads/controllers/job (specifying your own Pod selector)" {
        "spec.selector.matchLabels[\"controller-uid\"]";
        "spec.selector.matchLabels[\"batch.kubernetes.io/controller-uid\"]";
        "metadata.labels[\"controller-uid\"]";
        "spec.template.metadata.labels[\"controller-uid\"]";
        "spec.template.metadata.labels[\"batch.kubernetes.io/controller-uid\"]";
        "spec.template.metadata.labels[\"job-name\"]";
        "spec.template.metadata.labels[\"batch.kubernetes.io/job-name\"]";
    }
};
