//! Budgets that let none of the pods they protect go, so that no node under them can be drained.

use crate::kube::object::ObjectRef;
use crate::yaml::{NodeRef, Path};

/// Whether an object of this kind says how many pods may go at a time.
pub fn is_budget(id: &ObjectRef) -> bool {
    matches!(
        (id.group.as_str(), id.kind.as_str()),
        ("policy", "PodDisruptionBudget") | ("policy.kruise.io", "PodUnavailableBudget")
    )
}

/// The field of a budget by which none of so many pods may go.
///
/// Sources: kubernetes.io/docs/tasks/run-application/configure-pdb (rounding when specifying
/// percentages, zero voluntary evictions); openkruise.io/docs/user-manuals/podunavailablebudget.
pub fn blocking_field(budget: NodeRef<'_>, replicas: u64) -> Option<Path> {
    let part = |key: &str| budget.at(&["spec", key]).and_then(NodeRef::text);
    let is_all = |text: &str| match text.strip_suffix('%') {
        // The share is rounded up to whole pods.
        Some(percent) => percent
            .parse::<u64>()
            .is_ok_and(|percent| percent.saturating_mul(replicas).div_ceil(100) >= replicas),
        None => text.parse::<u64>().is_ok_and(|pods| pods >= replicas),
    };
    let field = if part("minAvailable").is_some_and(is_all) {
        "minAvailable"
    } else if part("maxUnavailable").is_some_and(|text| matches!(text, "0" | "0%")) {
        "maxUnavailable"
    } else {
        return None;
    };
    Some(Path::keys(["spec", field]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    #[test]
    fn a_budget_blocks_where_all_pods_have_to_stay() {
        let blocks = |spec: &str, replicas| {
            let stream = parse(Source::new("budget.yaml", format!("spec: {{{spec}}}\n"))).unwrap();
            let root = stream.documents[0].root();
            blocking_field(root, replicas).is_some()
        };
        for (spec, replicas, expected) in [
            ("minAvailable: 2", 1, true),
            ("minAvailable: 2", 2, true),
            ("minAvailable: 2", 3, false),
            ("minAvailable: 0", 1, false),
            ("minAvailable: 50%", 1, true),
            ("minAvailable: 50%", 2, false),
            ("minAvailable: 51%", 2, true),
            ("maxUnavailable: 0", 5, true),
            ("maxUnavailable: '0%'", 5, true),
            ("maxUnavailable: 1%", 1, false),
            ("maxUnavailable: 1", 1, false),
            ("selector: {}", 1, false),
        ] {
            assert_eq!(blocks(spec, replicas), expected, "{spec} of {replicas}");
        }
    }
}
