//! The names of pods that `rewriteEnv` writes: which of them the copy of a StatefulSet has.
//!
//! Sources: kubernetes.io/docs/concepts/workloads/controllers/statefulset (ordinal index, start
//! ordinal); openkruise.io/docs/user-manuals/advancedstatefulset (ordinals reserve).

use crate::diagnostic::Diagnostic;
use crate::kube::object::ObjectRef;
use crate::yaml::NodeRef;

/// The ordinals of the pods of a StatefulSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ordinals {
    /// The first.
    start: u64,
    /// How many there are.
    count: u64,
}

impl Ordinals {
    /// Those of a StatefulSet as its manifest says it; `None` where something else says how many
    /// there are, or which.
    pub(super) fn of(set: NodeRef<'_>) -> Option<Self> {
        let count = set.at(&["spec", "replicas"]).and_then(NodeRef::text)?.parse().ok()?;
        Self::counting(set, count)
    }

    /// Those of a StatefulSet with so many pods.
    pub(super) fn counting(set: NodeRef<'_>, count: u64) -> Option<Self> {
        let reserved = set.at(&["spec", "reserveOrdinals"]);
        if reserved.is_some_and(|reserved| !reserved.is_empty()) {
            return None;
        }
        let start = set.at(&["spec", "ordinals", "start"]).and_then(NodeRef::text);
        let start = start.map_or(Some(0), |start| start.parse().ok())?;
        Some(Self { start, count })
    }

    fn has(self, ordinal: u64) -> bool {
        ordinal.checked_sub(self.start).is_some_and(|at| at < self.count)
    }
}

/// What is wrong with a value in which names of a StatefulSet's pods were rewritten: the ordinals of
/// those that its copy does not have. `what` says whose value names them, and `service` is the one in the
/// spec that the StatefulSet belongs to.
pub(super) fn absent(
    what: &str,
    named: &[u64],
    ordinals: Ordinals,
    (set, gray): (&ObjectRef, &str),
    service: &str,
) -> Option<Diagnostic> {
    let mut absent: Vec<u64> =
        named.iter().copied().filter(|ordinal| !ordinals.has(*ordinal)).collect();
    absent.sort_unstable();
    absent.dedup();
    let last = absent.last()?;
    let names: Vec<String> = absent.iter().map(|ordinal| format!("`{gray}-{ordinal}`")).collect();
    let pods = if ordinals.count == 1 { "pod" } else { "pods" };
    let warning = Diagnostic::warning(format!(
        "{what} {}, which the copy of {set} with its {} {pods} does not have",
        names.join(", "),
        ordinals.count
    ));
    let by_hand = "set the variable by `env`";
    let is_below = absent.iter().any(|ordinal| *ordinal < ordinals.start);
    Some(warning.remedy(match last.checked_sub(ordinals.start).filter(|_| !is_below) {
        Some(at) => {
            format!("say `replicas: {}` on `{service}`, or {by_hand}", at.saturating_add(1))
        }
        None => by_hand.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn ordinals(spec: &str) -> Option<Ordinals> {
        let text = format!("spec: {{{spec}}}\n");
        let stream = parse(Source::new("a.yaml", text)).unwrap();
        Ordinals::of(stream.documents[0].root())
    }

    fn told(spec: &str, named: &[u64]) -> Option<(String, String)> {
        let set = ObjectRef::new("apps", "StatefulSet", "", "mq");
        let found = absent("A names", named, ordinals(spec)?, (&set, "mq-g"), "mq")?;
        Some((found.message, found.remedy.unwrap_or_default()))
    }

    #[test]
    fn pods_that_there_are_not_are_told() {
        assert_eq!(told("replicas: 3", &[0, 1, 2]), None);
        let (message, remedy) = told("replicas: 1", &[2, 0, 1, 1]).unwrap();
        let expected = "A names `mq-g-1`, `mq-g-2`, which the copy of StatefulSet/mq with its 1 pod does not have";
        assert_eq!(message, expected);
        assert_eq!(remedy, "say `replicas: 3` on `mq`, or set the variable by `env`");
        assert_eq!(told("replicas: 2, ordinals: {start: 5}", &[5, 6]), None);
        let (_, remedy) = told("replicas: 2, ordinals: {start: 5}", &[0, 7]).unwrap();
        assert_eq!(remedy, "set the variable by `env`");
    }

    #[test]
    fn what_others_decide_is_not_known() {
        assert_eq!(ordinals("ordinals: {start: 5}"), None);
        assert_eq!(ordinals("replicas: 3, reserveOrdinals: [1]"), None);
        assert!(ordinals("replicas: 3, reserveOrdinals: []").is_some());
    }
}
