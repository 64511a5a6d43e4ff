//! Step 7: the lane's labels, and selectors that ask for them.

use super::isolation::{Separation, finds_own_pods};
use super::labels::{Label, ORIGINAL, VERSION};
use super::select::{PlannedService, Role};
use crate::diagnostic::Diagnostic;
use crate::kube::names::check_label_value;
use crate::kube::selectors::{SelectorForm, SelectorRole, SelectorUse, selectors};
use crate::yaml::{Document, EditError, NodeRef, Path, Value};

/// Labels a copy and rewrites its selectors, so that it belongs to the lane and to nothing else.
///
/// # Errors
///
/// Label values that have grown too long.
pub(super) fn relabel(
    service: &PlannedService<'_>,
    role: Role,
    document: &mut Document,
) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    if let Err(error) = apply(service, role, document, &mut errors) {
        errors.push(
            Diagnostic::error(format!(
                "a copy for `{}` cannot be labelled: {error}",
                service.spec.name
            ))
            .at(service.spec.place.clone()),
        );
    }
    errors
}

fn apply(
    service: &PlannedService<'_>,
    role: Role,
    document: &mut Document,
    errors: &mut Vec<Diagnostic>,
) -> Result<(), EditError> {
    let labels = &service.labels;
    put(document, &Path::keys(["metadata", "labels"]), &labels.object)?;
    for selector in selectors(document.root()) {
        rewrite(service, role, &selector, document)?;
    }
    if role != Role::Workload {
        return Ok(());
    }
    let path = service.pods.template.path.key("metadata").key("labels");
    for (key, value) in &service.pod_labels {
        let is_lanes = labels.keys().any(|candidate| candidate == key);
        if !is_lanes && !service.separation.replaced.contains_key(key) {
            continue;
        }
        if let Err(why) = check_label_value(value) {
            errors.push(
                Diagnostic::error(format!(
                    "the gray pods of `{}` cannot have the label `{key}: {value}`: {why}",
                    service.spec.name
                ))
                .at(service.spec.place.clone())
                .remedy(if service.separation.replaced.contains_key(key) {
                    "choose a shorter tag or `naming.suffix`".to_owned()
                } else {
                    format!("give the pods of the baseline a `{key}` that fits")
                }),
            );
        }
        document.set_str(&path.key(key), value)?;
    }
    Ok(())
}

fn put(document: &mut Document, path: &Path, labels: &[Label]) -> Result<(), EditError> {
    for (key, value) in labels {
        document.set_str(&path.key(key), value)?;
    }
    Ok(())
}

/// Rewrites one selector, if it is one that matched the service's own pods.
fn rewrite(
    service: &PlannedService<'_>,
    role: Role,
    selector: &SelectorUse,
    document: &mut Document,
) -> Result<(), EditError> {
    // A selector that is empty or not there is never made one that asks for something.
    let pods = service.pods.labels.iter().cloned().collect();
    if selector.selector.is_empty() || !selector.selector.matches(&pods) {
        return Ok(());
    }
    let path = match selector.form {
        SelectorForm::Plain => selector.path.clone(),
        SelectorForm::LabelSelector => selector.path.key("matchLabels"),
    };
    let separation = &service.separation;
    for (key, (_, new)) in &separation.replaced {
        if document.find(&path.key(key)).is_some() {
            document.set_str(&path.key(key), new)?;
        }
    }
    if document.find(&path.key(VERSION)).and_then(NodeRef::text) == Some(ORIGINAL) {
        document.set_str(&path.key(VERSION), version(service))?;
    }
    if selector.form == SelectorForm::LabelSelector {
        rewrite_expressions(service, separation, &selector.path.key("matchExpressions"), document)?;
    }
    let labels = &service.labels;
    match selector.role {
        SelectorRole::Workload if role == Role::Workload => {
            put(document, &path, &labels.object)?;
            put(document, &path, &labels.workload_selector)
        }
        SelectorRole::Service => put(document, &path, &labels.object),
        // Where the pods should run has nothing to do with which of them are counted.
        SelectorRole::Affinity | SelectorRole::TopologySpread => Ok(()),
        role if finds_own_pods(role) => put(document, &path, &labels.object[..1]),
        _ => Ok(()),
    }
}

fn version<'a>(service: &'a PlannedService<'_>) -> &'a str {
    let found = service.labels.object.iter().find(|(key, _)| *key == VERSION);
    found.map_or("", |(_, value)| value.as_str())
}

/// Values of `In` expressions that name replaced labels: every value gets its gray form, so that
/// the selector asks for gray pods alone.
fn rewrite_expressions(
    service: &PlannedService<'_>,
    separation: &Separation,
    path: &Path,
    document: &mut Document,
) -> Result<(), EditError> {
    let count = document.find(path).map_or(0, NodeRef::len);
    for index in 0..count {
        let expression = path.index(index);
        let Some(node) = document.find(&expression) else { continue };
        if node.get("operator").and_then(NodeRef::text) != Some("In") {
            continue;
        }
        let key = node.get("key").and_then(NodeRef::text).unwrap_or("").to_owned();
        let values: Vec<String> = node
            .get("values")
            .into_iter()
            .flat_map(NodeRef::items)
            .filter_map(NodeRef::text)
            .map(str::to_owned)
            .collect();
        let gray: Vec<Value> = if let Some((old, new)) = separation.replaced.get(&key) {
            let suffix = new.strip_prefix(old.as_str()).unwrap_or("");
            values.iter().map(|value| Value::string(format!("{value}{suffix}"))).collect()
        } else if key == VERSION && values.iter().any(|value| value == ORIGINAL) {
            vec![Value::string(version(service))]
        } else {
            continue;
        };
        document.set(&expression.key("values"), Value::Sequence(gray))?;
    }
    Ok(())
}
