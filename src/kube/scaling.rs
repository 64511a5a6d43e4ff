//! How many pods workloads have, and what changes that.

use super::object::ObjectRef;

/// An object that changes how many pods the workload it names has, or how large they are.
struct Scaler {
    group: &'static str,
    kind: &'static str,
    /// Where it writes `spec.replicas`: its field that says how few they may be, and how few they may
    /// be without it.
    least: Option<(&'static str, u64)>,
    /// Whether it gives pods to a workload that has none by its `spec.replicas`.
    from_none: bool,
    /// Where this is documented.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    source: &'static str,
}

const SCALERS: &[Scaler] = &[
    Scaler {
        group: "autoscaling",
        kind: "HorizontalPodAutoscaler",
        least: Some(("minReplicas", 1)),
        from_none: false,
        source: "kubernetes/api autoscaling/v2 HorizontalPodAutoscalerSpec; kubernetes.io, \
                 Horizontal Pod Autoscaling: without replicas it stops adjusting",
    },
    Scaler {
        group: "autoscaling.k8s.io",
        kind: "VerticalPodAutoscaler",
        least: None,
        from_none: false,
        source: "kubernetes/autoscaler autoscaling.k8s.io/v1 VerticalPodAutoscalerSpec",
    },
    Scaler {
        group: "keda.sh",
        kind: "ScaledObject",
        least: Some(("minReplicaCount", 0)),
        from_none: true,
        source: "keda.sh/docs/latest/reference/scaledobject-spec",
    },
    Scaler {
        group: "apps.kruise.io",
        kind: "WorkloadSpread",
        least: None,
        from_none: false,
        source: "openkruise.io/docs/user-manuals/workloadspread",
    },
];

/// Workloads with `spec.replicas`: group, kind and source. A DaemonSet has as many pods as there are
/// nodes, a Pod is one; of other kinds it is not known.
const REPLICATED: &[(&str, &str, &str)] = &[
    ("apps", "Deployment", "kubernetes/api apps/v1 DeploymentSpec"),
    ("apps", "ReplicaSet", "kubernetes/api apps/v1 ReplicaSetSpec"),
    ("apps", "StatefulSet", "kubernetes/api apps/v1 StatefulSetSpec"),
    ("", "ReplicationController", "kubernetes/api core/v1 ReplicationControllerSpec"),
    ("apps.kruise.io", "CloneSet", "openkruise/kruise apps/v1alpha1 CloneSetSpec"),
    ("apps.kruise.io", "StatefulSet", "openkruise/kruise apps/v1beta1 StatefulSetSpec"),
    ("argoproj.io", "Rollout", "argo-rollouts.readthedocs.io/en/stable/features/specification"),
];

fn scaler(id: &ObjectRef) -> Option<&'static Scaler> {
    SCALERS.iter().find(|row| id.group == row.group && id.kind == row.kind)
}

/// Whether a workload of this kind has `spec.replicas`.
pub fn has_replicas(id: &ObjectRef) -> bool {
    REPLICATED.iter().any(|(group, kind, _)| id.group == *group && id.kind == *kind)
}

/// Whether an object of this kind changes how many pods a workload has, or how large they are.
pub fn scales(id: &ObjectRef) -> bool {
    scaler(id).is_some()
}

/// Whether an object of this kind writes `spec.replicas` of a workload.
pub fn sets_replicas(id: &ObjectRef) -> bool {
    least_pods(id).is_some()
}

/// Where an object that sets replicas says how few they may be, and how few where it does not.
pub fn least_pods(id: &ObjectRef) -> Option<(&'static str, u64)> {
    scaler(id)?.least
}

/// Whether an object gives pods to a workload that has no replicas of its own: a scaler that goes up
/// from none, and an Argo Rollout for the Deployment that it takes its template from.
///
/// Source for Rollouts: argo-rollouts.readthedocs.io, "Migrating", `workloadRef`.
pub fn scales_from_none(id: &ObjectRef) -> bool {
    scaler(id).is_some_and(|row| row.from_none)
        || (id.group == "argoproj.io" && id.kind == "Rollout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_source() {
        assert!(SCALERS.iter().all(|row| !row.source.is_empty()));
        assert!(REPLICATED.iter().all(|(.., source)| !source.is_empty()));
    }

    #[test]
    fn a_kind_is_known_with_its_group() {
        let id = |group, kind| ObjectRef::new(group, kind, "", "a");
        let keda = id("keda.sh", "ScaledObject");
        assert!(scales(&keda) && sets_replicas(&keda) && scales_from_none(&keda));
        let other = id("example.com", "ScaledObject");
        assert!(!scales(&other) && !sets_replicas(&other) && !scales_from_none(&other));
        let vertical = id("autoscaling.k8s.io", "VerticalPodAutoscaler");
        assert!(scales(&vertical) && !sets_replicas(&vertical));
        let rollout = id("argoproj.io", "Rollout");
        assert!(!scales(&rollout) && scales_from_none(&rollout) && has_replicas(&rollout));
        assert!(!has_replicas(&id("apps", "DaemonSet")));
    }
}
