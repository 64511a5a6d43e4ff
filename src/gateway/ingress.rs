//! What the dialects that use Ingress objects have in common.

use std::collections::HashMap;

use super::annotations::{Carry, carry};
use super::at;
use crate::diagnostic::Diagnostic;
use crate::yaml::{Document, NodeRef, Path, Value};

/// The class of an Ingress: `spec.ingressClassName`, or the annotation that came before it.
pub fn class_of(ingress: NodeRef<'_>) -> Option<&str> {
    let field = ingress.at(&["spec", "ingressClassName"]);
    let annotation = || ingress.at(&["metadata", "annotations", "kubernetes.io/ingress.class"]);
    field.or_else(annotation).and_then(NodeRef::as_str)
}

/// Whether an Ingress is itself a canary of another one.
pub fn is_canary(ingress: NodeRef<'_>) -> bool {
    let Some(annotations) = ingress.at(&["metadata", "annotations"]) else { return false };
    let mut entries = annotations.entries();
    entries.any(|(key, value)| {
        (key.ends_with(".ingress.kubernetes.io/canary") || key == "higress.io/canary")
            && value.text() == Some("true")
    })
}

/// The names of the Services that the rules of an Ingress lead to, in order.
pub fn backends(ingress: NodeRef<'_>) -> Vec<&str> {
    let mut names = Vec::new();
    for rule in ingress.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items) {
        for path in rule.at(&["http", "paths"]).into_iter().flat_map(NodeRef::items) {
            names.extend(path.at(&["backend", "service", "name"]).and_then(NodeRef::as_str));
        }
    }
    names
}

/// The baseline's Ingress with only the rules and paths that lead to a Service with a gray copy,
/// their backends rewritten, and only the annotations a canary keeps.
///
/// # Errors
///
/// When the Ingress is of an API version that is no longer served, or no path leads into the lane.
pub(super) fn reduced(
    baseline: &Document,
    services: &HashMap<&str, &str>,
) -> Result<Document, Diagnostic> {
    let root = baseline.root();
    let api_version = root.get("apiVersion");
    if api_version.and_then(NodeRef::as_str) != Some("networking.k8s.io/v1") {
        let found = api_version.and_then(NodeRef::text).unwrap_or("nothing");
        return Err(at(
            Diagnostic::error(format!("the entry's Ingress has apiVersion {found}")),
            api_version,
        )
        .remedy("write it as networking.k8s.io/v1: Kubernetes 1.22 removed all others"));
    }
    let mut canary = baseline.clone();
    let rules = root.at(&["spec", "rules"]).map_or(0, NodeRef::len);
    let rules_path = Path::keys(["spec", "rules"]);
    let mut leads_into_lane = false;
    // From the last to the first, so that what is removed does not move what is still to be seen.
    for index in (0..rules).rev() {
        let rule = rules_path.index(index);
        let paths = rule.key("http").key("paths");
        let count = canary.find(&paths).map_or(0, NodeRef::len);
        let mut kept = 0;
        for position in (0..count).rev() {
            let backend = paths.index(position).key("backend").key("service").key("name");
            let gray =
                canary.find(&backend).and_then(NodeRef::as_str).and_then(|name| services.get(name));
            match gray {
                Some(gray) => {
                    kept += 1;
                    edit(canary.set_str(&backend, gray))?;
                }
                None => edit(canary.remove(&paths.index(position)).map(|_| ()))?,
            }
        }
        if kept == 0 {
            edit(canary.remove(&rule).map(|_| ()))?;
        }
        leads_into_lane |= kept > 0;
    }
    let by_default = root.at(&["spec", "defaultBackend", "service", "name"]);
    let by_default =
        by_default.and_then(NodeRef::as_str).is_some_and(|name| services.contains_key(name));
    if !leads_into_lane && by_default {
        return Err(at(
            Diagnostic::error(
                "this Ingress leads to a Service that has a gray copy by its default backend alone, and a canary needs a rule",
            ),
            root.at(&["spec", "defaultBackend"]),
        )
        .remedy("add a rule with `path: /` that leads to the Service"));
    }
    if !leads_into_lane {
        return Err(at(
            Diagnostic::error("no path of this Ingress leads to a Service that has a gray copy"),
            root.at(&["spec", "rules"]),
        )
        .remedy("name the right Ingress in `entry.ingress`, or copy the Service it leads to"));
    }
    edit(canary.remove(&Path::keys(["spec", "defaultBackend"])).map(|_| ()))?;
    let annotations = Path::keys(["metadata", "annotations"]);
    let dropped: Vec<String> = root
        .at(&["metadata", "annotations"])
        .into_iter()
        .flat_map(NodeRef::entries)
        .filter(|(key, _)| carry(key) == Carry::Drop)
        .map(|(key, _)| key.to_owned())
        .collect();
    for key in dropped {
        edit(canary.remove(&annotations.key(&key)).map(|_| ()))?;
    }
    Ok(canary)
}

/// Sets annotations of a canary, in order.
pub(super) fn annotate(
    canary: &mut Document,
    annotations: &[(String, String)],
) -> Result<(), Diagnostic> {
    for (key, value) in annotations {
        let path = Path::keys(["metadata", "annotations", key]);
        // Annotation values are strings; quotes show that to the reader too.
        let value = Value::String(value.clone(), crate::yaml::ScalarStyle::Auto);
        edit(canary.set(&path, value))?;
    }
    Ok(())
}

pub(super) fn edit(result: Result<(), crate::yaml::EditError>) -> Result<(), Diagnostic> {
    result.map_err(|error| {
        Diagnostic::error(format!("the Ingress is not formed as Kubernetes wants it: {error}"))
            .remedy("`kubectl explain ingress` shows the fields")
    })
}
