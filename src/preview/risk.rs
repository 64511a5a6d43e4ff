//! How much a reviewer should look at a change, and why.

use super::model::{Change, ObjectDiff, Role};
use crate::kube::kinds::kind_of;

/// How much a change asks for a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It stays within the lane.
    Low,
    /// It costs resources, or others notice it when it goes wrong.
    Medium,
    /// It touches production traffic, permissions or data.
    High,
}

impl Level {
    /// The word for it, in all formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Which objects a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Objects {
    /// What is this to its lane.
    Role(Role),
    /// Workloads of services.
    Workloads,
    /// Objects of a group (empty for the core group) and kind.
    Kind(&'static str, &'static str),
}

/// A row of [`RISKS`].
#[derive(Clone, Copy, Debug)]
struct Risk {
    objects: Objects,
    changes: &'static [Change],
    level: Level,
    /// What may happen: a clause that follows the level.
    reason: &'static str,
    /// Where that is documented.
    source: &'static str,
}

/// Both ways in which an object is new.
const NEW: &[Change] = &[Change::Added, Change::Copied];
const NEW_OR_CHANGED: &[Change] = &[Change::Added, Change::Copied, Change::Changed];
const CHANGED: &[Change] = &[Change::Changed];
const REMOVED: &[Change] = &[Change::Removed];

/// All that is known about risks; of an object every row counts that is about it.
#[rustfmt::skip]
const RISKS: &[Risk] = &[
    row(Objects::Role(Role::Entry), NEW, Level::High, "production requests that match go to the lane",
        "kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations (canary)"),
    row(Objects::Role(Role::Entry), CHANGED, Level::High, "other production requests than before may go to the lane",
        "kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations (canary)"),
    row(Objects::Role(Role::Entry), REMOVED, Level::Medium, "requests that went to the lane go to the baseline",
        "kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations (canary)"),
    row(Objects::Role(Role::Shared), &Change::ALL, Level::High, "other lanes and the baseline are routed by it too",
        "istio.io/latest/docs/ops/best-practices/traffic-management"),
    row(Objects::Workloads, NEW, Level::Medium, "new pods use the databases, queues and services of production",
        "kubernetes.io/docs/concepts/workloads"),
    row(Objects::Workloads, CHANGED, Level::Medium, "its pods are replaced",
        "kubernetes.io/docs/concepts/workloads/controllers/deployment (rolling update)"),
    row(Objects::Workloads, REMOVED, Level::Medium, "its pods stop",
        "kubernetes.io/docs/concepts/architecture/garbage-collection"),
    row(Objects::Kind("apps", "StatefulSet"), NEW, Level::High, "it claims volumes of its own, which stay when it goes",
        "kubernetes.io/docs/concepts/workloads/controllers/statefulset (limitations)"),
    row(Objects::Kind("batch", "Job"), NEW_OR_CHANGED, Level::High, "its task runs once more",
        "kubernetes.io/docs/concepts/workloads/controllers/job"),
    row(Objects::Kind("batch", "CronJob"), NEW_OR_CHANGED, Level::High, "its task runs twice at each time",
        "kubernetes.io/docs/concepts/workloads/controllers/cron-jobs"),
    row(Objects::Kind("", "Secret"), NEW, Level::Medium, "credentials are in one more place",
        "kubernetes.io/docs/concepts/security/secrets-good-practices"),
    row(Objects::Kind("", "Secret"), CHANGED, Level::Medium, "pods get other credentials, some only when they start again",
        "kubernetes.io/docs/concepts/configuration/secret"),
    row(Objects::Kind("", "ConfigMap"), CHANGED, Level::Low, "pods that read it as environment see it when they start again",
        "kubernetes.io/docs/concepts/configuration/configmap"),
    row(Objects::Kind("", "ServiceAccount"), NEW, Level::Medium, "permissions and cloud identities are bound to names of accounts",
        "kubernetes.io/docs/concepts/security/service-accounts"),
    row(Objects::Kind("rbac.authorization.k8s.io", "Role"), NEW_OR_CHANGED, Level::High, "it gives permissions",
        "kubernetes.io/docs/reference/access-authn-authz/rbac"),
    row(Objects::Kind("rbac.authorization.k8s.io", "ClusterRole"), NEW_OR_CHANGED, Level::High, "it gives permissions",
        "kubernetes.io/docs/reference/access-authn-authz/rbac"),
    row(Objects::Kind("rbac.authorization.k8s.io", "RoleBinding"), NEW_OR_CHANGED, Level::High, "it gives permissions",
        "kubernetes.io/docs/reference/access-authn-authz/rbac"),
    row(Objects::Kind("rbac.authorization.k8s.io", "ClusterRoleBinding"), NEW_OR_CHANGED, Level::High, "it gives permissions",
        "kubernetes.io/docs/reference/access-authn-authz/rbac"),
    row(Objects::Kind("networking.k8s.io", "NetworkPolicy"), &Change::ALL, Level::Medium, "it says who may talk to pods",
        "kubernetes.io/docs/concepts/services-networking/network-policies"),
    row(Objects::Kind("", "PersistentVolumeClaim"), NEW, Level::Medium, "it takes storage, which is empty at first",
        "kubernetes.io/docs/concepts/storage/persistent-volumes"),
    row(Objects::Kind("", "PersistentVolumeClaim"), REMOVED, Level::High, "its data is deleted unless it is reclaimed otherwise",
        "kubernetes.io/docs/concepts/storage/persistent-volumes (reclaiming)"),
    row(Objects::Kind("rollouts.kruise.io", "Rollout"), &Change::ALL, Level::High, "it drives the baseline's own workload",
        "openkruise.io/rollouts/user-manuals/strategy-canary-update"),
    row(Objects::Kind("rollouts.kruise.io", "TrafficRouting"), &Change::ALL, Level::High, "it changes the routes of the baseline",
        "openkruise.io/rollouts/developer-manuals/traffic-routing"),
    row(Objects::Kind("traffic.opensergo.io", "TrafficRouter"), NEW_OR_CHANGED, Level::Medium, "callers choose instances by it, those of the baseline too",
        "opensergo/opensergo-specification, specification/en/traffic-routing.md"),
];

const fn row(
    objects: Objects,
    changes: &'static [Change],
    level: Level,
    reason: &'static str,
    source: &'static str,
) -> Risk {
    Risk { objects, changes, level, reason, source }
}

/// How much a change asks for a second look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The highest level of all reasons.
    pub level: Level,
    /// Clauses, each with the document that it is from; the gravest first.
    pub reasons: Vec<(&'static str, &'static str)>,
}

/// How much the change of an object asks for a second look: little, where no rule is about it.
pub fn assess(diff: &ObjectDiff) -> Assessment {
    let object = &diff.object;
    let is_about = |objects: Objects| match objects {
        Objects::Role(role) => diff.role == role,
        Objects::Workloads => kind_of(&object.group, &object.kind).workload,
        Objects::Kind(group, kind) => object.group == group && object.kind == kind,
    };
    let rows = RISKS.iter().filter(|row| row.changes.contains(&diff.change));
    let mut rows: Vec<&Risk> = rows.filter(|row| is_about(row.objects)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.level));
    Assessment {
        level: rows.first().map_or(Level::Low, |row| row.level),
        reasons: rows.iter().map(|row| (row.reason, row.source)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::kinds::kinds_named;
    use crate::kube::object::ObjectRef;
    use crate::preview::Compared;

    fn level(group: &str, kind: &str, role: Role, change: Change) -> Level {
        let diff = ObjectDiff {
            object: ObjectRef::new(group, kind, "", "a"),
            service: None,
            role,
            change,
            compared: Compared { before: None, after: None },
        };
        assess(&diff).level
    }

    #[test]
    fn routes_and_permissions_ask_for_more_than_services() {
        let ingress = |change| level("networking.k8s.io", "Ingress", Role::Entry, change);
        assert_eq!(ingress(Change::Copied), Level::High);
        assert_eq!(ingress(Change::Removed), Level::Medium);
        let role = level("rbac.authorization.k8s.io", "Role", Role::Other, Change::Copied);
        assert_eq!(role, Level::High);
        assert_eq!(level("", "Secret", Role::Other, Change::Copied), Level::Medium);
        assert_eq!(level("", "Service", Role::Other, Change::Copied), Level::Low);
        assert_eq!(level("apps", "Deployment", Role::Other, Change::Changed), Level::Medium);
        assert_eq!(level("", "", Role::Shared, Change::Removed), Level::High);
    }

    #[test]
    fn the_gravest_reason_comes_first() {
        let diff = ObjectDiff {
            object: ObjectRef::new("apps", "StatefulSet", "", "db"),
            service: None,
            role: Role::Other,
            change: Change::Copied,
            compared: Compared { before: None, after: None },
        };
        let found = assess(&diff);
        assert_eq!((found.level, found.reasons.len()), (Level::High, 2));
        assert!(found.reasons[0].0.contains("volumes"), "{found:?}");
    }

    #[test]
    fn rows_name_known_kinds_and_break_no_table() {
        for row in RISKS {
            if let Objects::Kind(group, kind) = row.objects {
                // Lanes alone have these: no baseline is copied from them.
                let is_made = kind == "TrafficRouter";
                let is_known = kinds_named(kind).any(|known| known.group == group);
                assert!(is_known != is_made, "{group} {kind}");
            }
            assert!(!row.reason.contains(['|', '`', '<', '@', '#', '\n']), "{}", row.reason);
            assert!(!row.source.is_empty() && !row.changes.is_empty());
        }
    }
}
