//! Monitors of Services: what the copy must not ask for.

use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::selector::{Operator, Requirement};
use crate::kube::selectors::{SelectorForm, SelectorRole, SelectorUse, selectors};
use crate::kube::strip::loses_label;
use crate::yaml::{Document, EditError, NodeRef, Path};

/// Takes out of the selector of a copied monitor what it asks for as the baseline's does, and what
/// gray Services do not have: labels by which delivery tools know the originals. What a patch asks
/// for stays.
pub(super) fn ask_for_less(
    object: &Object,
    document: &mut Document,
) -> Result<Option<Diagnostic>, EditError> {
    let is_monitor = |each: &SelectorUse| {
        each.role == SelectorRole::Monitor && each.form == SelectorForm::LabelSelector
    };
    let copies: Vec<SelectorUse> =
        selectors(document.root()).into_iter().filter(is_monitor).collect();
    if copies.is_empty() {
        return Ok(None);
    }
    let originals = selectors(object.document().root());
    let mut dropped: Vec<String> = Vec::new();
    let mut place = None;
    for copy in copies {
        let original = originals.iter().find(|original| original.path == copy.path);
        let Some(original) = original else { continue };
        for requirement in &copy.selector.requirements {
            if !is_lost(requirement) || !original.selector.requirements.contains(requirement) {
                continue;
            }
            take_out(&copy.path, &requirement.key, document)?;
            place = place.or_else(|| object.document().find(&copy.path).and_then(NodeRef::place));
            let shown = format!("`{}`", requirement.key);
            if !dropped.contains(&shown) {
                dropped.push(shown);
            }
        }
    }
    if dropped.is_empty() {
        return Ok(None);
    }
    let note = Diagnostic::note(format!(
        "the copy of {} does not ask for {}, which gray Services do not have",
        object.id,
        dropped.join(", ")
    ));
    Ok(Some(note.at(place)))
}

/// Whether only a label that copies of Services lose can fulfil a requirement.
fn is_lost(requirement: &Requirement) -> bool {
    match &requirement.operator {
        Operator::In(values) => {
            !values.is_empty()
                && values.iter().all(|value| loses_label(&requirement.key, Some(value)))
        }
        Operator::Exists => loses_label(&requirement.key, None),
        _ => false,
    }
}

/// Removes what a label selector asks of a label that has to be there.
fn take_out(selector: &Path, key: &str, document: &mut Document) -> Result<(), EditError> {
    document.remove(&selector.key("matchLabels").key(key.to_owned()))?;
    let list = selector.key("matchExpressions");
    let count = document.find(&list).map_or(0, NodeRef::len);
    for at in (0..count).rev() {
        let expression = list.index(at);
        let text = |field: &str| document.find(&expression)?.get(field)?.text();
        if text("key") == Some(key) && matches!(text("operator"), Some("In" | "Exists")) {
            document.remove(&expression)?;
        }
    }
    Ok(())
}
