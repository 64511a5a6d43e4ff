//! What each kind is, and what goes wrong when it is copied.

mod table;

use std::sync::LazyLock;

use foldhash::HashMap;

pub use table::KINDS;

/// Whether objects of a kind live in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// One per cluster.
    Cluster,
}

/// What happens by default to an object that belongs to a copied workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Copied under a new name.
    Copy,
    /// Not copied; the copy uses the original's.
    Share,
    /// Left out, with a note.
    Skip,
    /// Stops the command unless the user decides.
    Refuse,
}

/// When an object is applied; later waves need what earlier ones bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wave {
    /// What pods read: configuration, identities.
    Config,
    /// Pods and what stands beside them.
    Workload,
    /// What lets traffic in.
    Entry,
}

impl Wave {
    /// The number of the wave in Argo CD (`argocd.argoproj.io/sync-wave`).
    pub fn number(self) -> u8 {
        match self {
            Self::Config => 0,
            Self::Workload => 10,
            Self::Entry => 20,
        }
    }
}

/// A row of [`KINDS`].
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Kind; empty in the row that stands for unknown kinds.
    pub kind: &'static str,
    /// Where it lives.
    pub scope: Scope,
    /// What happens to it by default.
    pub policy: Policy,
    /// When it is applied.
    pub wave: Wave,
    /// The longest name that works, in characters.
    pub name_limit: usize,
    /// Whether it runs pods that serve, so that it can be the workload of a service.
    pub workload: bool,
    /// One sentence: what goes wrong when it is copied without care.
    pub hazard: &'static str,
    /// Where the hazard or the limit is documented.
    pub source: &'static str,
}

impl Kind {
    /// The hazard as the end of a sentence: "it is not copied: its task runs twice".
    pub fn hazard_clause(&self) -> String {
        let mut letters = self.hazard.chars();
        match (letters.next(), letters.clone().next()) {
            // An abbreviation keeps its capitals.
            (Some(first), Some(second)) if !second.is_uppercase() => {
                first.to_lowercase().chain(letters).collect()
            }
            _ => self.hazard.to_owned(),
        }
    }

    /// Whether the table has a row for it.
    pub fn is_known(&self) -> bool {
        !self.kind.is_empty()
    }
}

/// Stands for kinds without a row.
static UNKNOWN: Kind = Kind {
    group: "",
    kind: "",
    scope: Scope::Namespaced,
    policy: Policy::Skip,
    wave: Wave::Workload,
    name_limit: 253,
    workload: false,
    hazard: "Nothing is known about this kind, so copying it may double what its controller does",
    source: "kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources",
};

/// The table in the order of [`place`].
static BY_NAME: LazyLock<HashMap<(&str, &str), &Kind>> =
    LazyLock::new(|| KINDS.iter().map(|row| ((row.group, row.kind), row)).collect());

/// The row of a kind; one with policy [`Policy::Skip`] where the table has none.
pub fn kind_of(group: &str, kind: &str) -> &'static Kind {
    BY_NAME.get(&(canonical_group(group, kind), kind)).copied().unwrap_or(&UNKNOWN)
}

/// The rows of all kinds that are called so, whatever their group.
pub fn kinds_named(kind: &str) -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(move |row| row.kind == kind)
}

/// The group that serves a kind today: `extensions` has given its kinds to other groups, and
/// Traefik has renamed its own.
///
/// Source: kubernetes.io/docs/reference/using-api/deprecation-guide (v1.16, v1.22);
/// doc.traefik.io/traefik/migrate/v2-to-v3.
pub fn canonical_group<'a>(group: &'a str, kind: &str) -> &'a str {
    match (group, kind) {
        ("extensions", "Deployment" | "ReplicaSet" | "DaemonSet") => "apps",
        ("extensions", "Ingress" | "NetworkPolicy") => "networking.k8s.io",
        ("extensions", "PodSecurityPolicy") => "policy",
        ("traefik.containo.us", _) => "traefik.io",
        _ => group,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_kind_has_one_row_with_hazard_and_source() {
        let mut seen = HashSet::new();
        for row in KINDS {
            assert!(seen.insert((row.group, row.kind)), "{}/{} twice", row.group, row.kind);
            assert!(!row.hazard.is_empty() && !row.hazard.ends_with('.'), "{}", row.kind);
            assert!(!row.source.is_empty(), "{}", row.kind);
            assert_eq!(canonical_group(row.group, row.kind), row.group, "{}", row.kind);
        }
    }

    #[test]
    fn nothing_of_the_cluster_is_copied_by_default() {
        let copied = KINDS.iter().filter(|row| row.scope == Scope::Cluster);
        assert!(copied.clone().all(|row| row.policy != Policy::Copy));
        assert!(copied.count() > 20);
    }

    #[test]
    fn which_workloads_are_copied() {
        for (group, kind, policy) in [
            ("apps", "Deployment", Policy::Copy),
            ("extensions", "Deployment", Policy::Copy),
            ("apps.kruise.io", "CloneSet", Policy::Copy),
            ("apps", "StatefulSet", Policy::Refuse),
            ("apps.kruise.io", "StatefulSet", Policy::Refuse),
            ("apps", "DaemonSet", Policy::Refuse),
            ("argoproj.io", "Rollout", Policy::Refuse),
        ] {
            let row = kind_of(group, kind);
            assert!(row.workload && row.policy == policy, "{group}/{kind}");
        }
        assert!(!kind_of("rollouts.kruise.io", "Rollout").workload);
    }

    #[test]
    fn hazards_end_sentences() {
        let clause = |group, kind| kind_of(group, kind).hazard_clause();
        assert!(clause("batch", "CronJob").starts_with("its task"));
        assert!(clause("keda.sh", "ScaledObject").starts_with("KEDA refuses"));
        assert!(clause("", "ConfigMap").starts_with("a copy"));
    }

    #[test]
    fn unknown_kinds_are_left_out() {
        let row = kind_of("example.com", "Deployment");
        assert!(!row.is_known() && row.policy == Policy::Skip && !row.workload);
    }

    #[test]
    fn one_name_may_belong_to_several_groups() {
        let groups: Vec<_> = kinds_named("StatefulSet").map(|row| row.group).collect();
        assert_eq!(groups, ["apps", "apps.kruise.io"]);
        assert_eq!(kinds_named("Nothing").count(), 0);
    }

    #[test]
    fn waves_rise() {
        assert!(Wave::Config.number() < Wave::Workload.number());
        assert!(Wave::Workload.number() < Wave::Entry.number());
    }
}
