//! Objects of the Vault Secrets Operator: the copy makes a Secret of its own, and restarts workloads of
//! the lane alone.
//!
//! Source: developer.hashicorp.com/vault/docs/deploy/kubernetes/vso/api-reference (Destination,
//! RolloutRestartTarget).

use super::facts::Facts;
use super::own::meant;
use super::select::Plan;
use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::references::{Effect, Reference};
use crate::yaml::{Document, EditError, NodeRef, Path, Segment, Value};

const GROUP: &str = "secrets.hashicorp.com";
/// The list of what is restarted when the Secret changes.
const TARGETS: &str = "rolloutRestartTargets";

/// Prepares a copy that `named` these objects; what was decided.
pub(super) fn synchronise(
    object: &Object,
    named: &[Reference],
    plan: &Plan<'_>,
    facts: &Facts,
    document: &mut Document,
) -> Result<Vec<Diagnostic>, EditError> {
    if object.id.group != GROUP {
        return Ok(Vec::new());
    }
    let mut notes = Vec::new();
    notes.extend(create(object, named, plan, facts, document)?);
    notes.extend(leave_out(object, named, plan, facts, document)?);
    Ok(notes)
}

/// Lets the copy create its Secret: one that writes into a Secret which is there would find none of
/// its name, unless the lane has a copy of that too.
fn create(
    object: &Object,
    named: &[Reference],
    plan: &Plan<'_>,
    facts: &Facts,
    document: &mut Document,
) -> Result<Option<Diagnostic>, EditError> {
    let made = named.iter().find(|reference| reference.effect == Effect::Creates);
    let path = Path::keys(["spec", "destination", "create"]);
    let creates = document.find(&path).and_then(NodeRef::as_bool) == Some(true);
    let Some(made) = made.filter(|_| !creates) else { return Ok(None) };
    let there = facts.baseline.position(meant(facts, &made.target));
    if there.is_some_and(|there| plan.is_copied(there)) {
        return Ok(None);
    }
    document.set(&path, Value::bool(true))?;
    let note = Diagnostic::note(format!(
        "the copy of {} creates its Secret: it writes none of the baseline's",
        object.id
    ));
    let place = object.document().find(&made.path).and_then(NodeRef::place);
    Ok(Some(note.at(place)))
}

/// Takes out of a copy what it would restart of the baseline: the pods there read another Secret.
fn leave_out(
    object: &Object,
    named: &[Reference],
    plan: &Plan<'_>,
    facts: &Facts,
    document: &mut Document,
) -> Result<Option<Diagnostic>, EditError> {
    let of_baseline: Vec<(usize, &Reference)> = named
        .iter()
        .filter_map(|reference| Some((position(&reference.path)?, reference)))
        .filter(|(_, reference)| !plan.gray_names.contains_key(meant(facts, &reference.target)))
        .collect();
    let Some((_, first)) = of_baseline.first() else { return Ok(None) };
    let list = Path::keys(["spec", TARGETS]);
    let all = document.find(&list).map_or(0, NodeRef::len);
    let mut positions = of_baseline.iter().map(|(position, _)| *position).rev();
    match of_baseline.len() == all {
        true => document.remove(&list).map(|_| ()),
        false => positions.try_for_each(|at| document.remove(&list.index(at)).map(|_| ())),
    }?;
    let names: Vec<String> =
        of_baseline.iter().map(|(_, reference)| reference.target.to_string()).collect();
    let note = Diagnostic::note(format!(
        "the copy of {} does not restart {}, which the lane has no copy of",
        object.id,
        names.join(", ")
    ));
    let place = object.document().find(&first.path).and_then(NodeRef::place);
    Ok(Some(note.at(place)))
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
