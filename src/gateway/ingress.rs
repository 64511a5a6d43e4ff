//! What the dialects that use Ingress objects have in common.

use super::annotations::{Carry, carry};
use super::ingress_version::served;
use super::{Canary, CanaryRoute, at};
use crate::diagnostic::Diagnostic;
use crate::spec::GatewayClass;
use crate::yaml::{Document, NodeRef, Path, ScalarStyle, Value};

/// The class of an Ingress: `spec.ingressClassName`, or the annotation that came before it.
pub fn class_of(ingress: NodeRef<'_>) -> Option<&str> {
    let field = ingress.at(&["spec", "ingressClassName"]);
    let annotation = || ingress.at(&["metadata", "annotations", "kubernetes.io/ingress.class"]);
    field.or_else(annotation).and_then(NodeRef::as_str)
}

/// Whether an Ingress is itself a canary of another one.
pub fn is_canary(ingress: NodeRef<'_>) -> bool {
    let Some(annotations) = ingress.at(&["metadata", "annotations"]) else { return false };
    // What Go's strconv.ParseBool takes for true, as the controllers read it.
    let is_true = |value: NodeRef<'_>| {
        matches!(value.text(), Some("1" | "t" | "T" | "true" | "TRUE" | "True"))
    };
    annotations.entries().any(|(key, value)| {
        (key.ends_with(".ingress.kubernetes.io/canary") || key == "higress.io/canary")
            && is_true(value)
    })
}

/// The names of the Services that the rules of an Ingress lead to, in order.
pub fn backends(ingress: NodeRef<'_>) -> Vec<&str> {
    let mut names = Vec::new();
    for rule in ingress.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items) {
        for path in rule.at(&["http", "paths"]).into_iter().flat_map(NodeRef::items) {
            let Some(backend) = path.get("backend") else { continue };
            // The second form is that of the versions before networking.k8s.io/v1.
            let name = backend.at(&["service", "name"]).or_else(|| backend.get("serviceName"));
            names.extend(name.and_then(NodeRef::as_str));
        }
    }
    names
}

/// The baseline's Ingress with only the rules and paths that lead to a Service with a gray copy,
/// their backends rewritten, and only the annotations a canary of this class keeps; of the API
/// version that is served.
///
/// # Errors
///
/// When the Ingress is of an API version that is not known, or no path leads into the lane.
pub(super) fn reduced(class: GatewayClass, route: &CanaryRoute<'_>) -> Result<Canary, Diagnostic> {
    let services = route.services;
    let (ingress, note) = served(route.baseline, route.id)?;
    let root = ingress.root();
    let mut canary = ingress.clone();
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
            // A patch may have taken the rules away, or written them.
            root.at(&["spec", "rules"]).filter(|rules| rules.place().is_some()).or(Some(root)),
        )
        .remedy("name the right Ingress in `entry.ingress`, or copy the Service it leads to"));
    }
    let mut notes: Vec<Diagnostic> = note.into_iter().collect();
    if by_default {
        let note = Diagnostic::note(
            "requests that no rule of this Ingress fits stay with the baseline: a canary has no default backend",
        );
        let note = at(note, root.at(&["spec", "defaultBackend"]));
        notes.push(note.remedy("a rule with `path: /` lets them into the lane too"));
    }
    edit(canary.remove(&Path::keys(["spec", "defaultBackend"])).map(|_| ()))?;
    let annotations = Path::keys(["metadata", "annotations"]);
    let dropped: Vec<String> = root
        .at(&["metadata", "annotations"])
        .into_iter()
        .flat_map(NodeRef::entries)
        .filter(|(key, _)| carry(class, key) == Carry::Drop)
        .map(|(key, _)| key.to_owned())
        .collect();
    for key in dropped {
        edit(canary.remove(&annotations.key(key)).map(|_| ()))?;
    }
    Ok(Canary { document: canary, notes })
}

/// Sets annotations of a canary, in order.
pub(super) fn annotate(
    canary: &mut Document,
    annotations: &[(String, String)],
) -> Result<(), Diagnostic> {
    for (key, value) in annotations {
        let path = Path::keys(["metadata", "annotations"]).key(key.clone());
        // Single quotes leave JSON and backslashes as they are.
        let style = match value.contains(['"', '\\']) && !value.contains('\n') {
            true => ScalarStyle::SingleQuoted,
            false => ScalarStyle::Auto,
        };
        let value = Value::String(value.clone(), style);
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

#[cfg(test)]
mod tests {
    use super::super::fixture::{canary, exact, nothing};
    use crate::gateway::of;
    use crate::spec::{GatewayClass, Match};

    #[test]
    fn an_ingress_without_rules_is_told_with_its_place() {
        for class in
            [GatewayClass::Mse, GatewayClass::Nginx, GatewayClass::Higress, GatewayClass::Alb]
        {
            let text = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n";
            let route = Match { headers: vec![exact("x", "1")], ..nothing() };
            let errors = canary(of(class), text, &route).map(|_| ()).unwrap_err();
            let error =
                errors.iter().find(|error| error.message.contains("no path of this")).unwrap();
            assert_eq!(error.place.as_ref().map(|place| place.line), Some(1), "{class}");
        }
    }
}
