//! Step 6 for what restarts workloads: the copy restarts those of the lane, and no others.

use super::facts::Facts;
use super::own::meant;
use super::select::Plan;
use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::references::Reference;
use crate::yaml::{Document, EditError, NodeRef, Path, Segment};

/// The list of what the Vault Secrets Operator restarts when a Secret of its changes.
///
/// Source: developer.hashicorp.com/vault/docs/deploy/kubernetes/vso/api-reference (RolloutRestartTarget).
const TARGETS: &str = "rolloutRestartTargets";

/// Takes out of a copy what it would restart of the baseline: the pods there read another Secret.
/// `None` where all that it restarts is of the lane.
pub(super) fn leave_out(
    object: &Object,
    named: &[Reference],
    plan: &Plan<'_>,
    facts: &Facts,
    document: &mut Document,
) -> Option<Result<Diagnostic, EditError>> {
    let of_baseline: Vec<(usize, &Reference)> = named
        .iter()
        .filter_map(|reference| Some((position(&reference.path)?, reference)))
        .filter(|(_, reference)| !plan.gray_names.contains_key(meant(facts, &reference.target)))
        .collect();
    let (_, first) = of_baseline.first()?;
    let list = Path::keys(["spec", TARGETS]);
    let all = document.find(&list).map_or(0, NodeRef::len);
    let mut positions = of_baseline.iter().map(|(position, _)| *position).rev();
    let result = match of_baseline.len() == all {
        true => document.remove(&list).map(|_| ()),
        false => positions.try_for_each(|at| document.remove(&list.index(at)).map(|_| ())),
    };
    let names: Vec<String> =
        of_baseline.iter().map(|(_, reference)| reference.target.to_string()).collect();
    let note = Diagnostic::note(format!(
        "the copy of {} does not restart {}, which the lane has no copy of",
        object.id,
        names.join(", ")
    ));
    let place = object.document().find(&first.path).and_then(NodeRef::place);
    Some(result.map(|()| note.at(place)))
}

/// Which of the restarted workloads a reference names.
fn position(path: &Path) -> Option<usize> {
    match path.segments() {
        [Segment::Key(spec), Segment::Key(list), Segment::Index(at), Segment::Key(_)] => {
            (spec == "spec" && list == TARGETS).then_some(*at)
        }
        _ => None,
    }
}
