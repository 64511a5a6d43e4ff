//! Ingresses of API versions that Kubernetes no longer serves, as networking.k8s.io/v1.
//!
//! Source: Kubernetes, "Deprecated API Migration Guide", v1.22, Ingress: `spec.backend` is
//! `spec.defaultBackend`, `serviceName` is `service.name`, `servicePort` is `service.port.number` or
//! `service.port.name`, and `pathType` is required, `ImplementationSpecific` being what it was.

use super::at;
use super::ingress::edit;
use crate::diagnostic::Diagnostic;
use crate::kube::object::ObjectRef;
use crate::yaml::{Document, NodeRef, Path, Value};

/// The version that is served.
const SERVED: &str = "networking.k8s.io/v1";

/// The versions before it, of the same fields.
const FORMER: [&str; 2] = ["networking.k8s.io/v1beta1", "extensions/v1beta1"];

/// The Ingress as it is served today, with a note where that is not what the baseline has.
///
/// # Errors
///
/// When it is of a version that is not known.
pub(super) fn served(
    baseline: &Document,
    id: &ObjectRef,
) -> Result<(Document, Option<Diagnostic>), Diagnostic> {
    let api_version = baseline.at(&["apiVersion"]);
    let version = api_version.and_then(NodeRef::as_str).unwrap_or_default();
    if version == SERVED {
        return Ok((baseline.clone(), None));
    }
    if !FORMER.contains(&version) {
        let found = api_version.and_then(NodeRef::text).unwrap_or("nothing");
        return Err(at(
            Diagnostic::error(format!("the entry's Ingress has apiVersion {found}")),
            api_version,
        )
        .remedy(format!("write it as {SERVED}")));
    }
    let note = Diagnostic::note(format!(
        "{id} is of {version}, which Kubernetes 1.22 removed: its canary is written as {SERVED}"
    ));
    Ok((converted(baseline)?, Some(at(note, api_version))))
}

fn converted(baseline: &Document) -> Result<Document, Diagnostic> {
    let mut ingress = baseline.clone();
    edit(ingress.set_str(&Path::keys(["apiVersion"]), SERVED))?;
    let rules = Path::keys(["spec", "rules"]);
    for index in 0..ingress.find(&rules).map_or(0, NodeRef::len) {
        let paths = rules.index(index).key("http").key("paths");
        for position in 0..ingress.find(&paths).map_or(0, NodeRef::len) {
            let path = paths.index(position);
            backend(&mut ingress, &path.key("backend"))?;
            let entries = ingress.find(&path).into_iter().flat_map(NodeRef::entries);
            let keys: Vec<&str> = entries.map(|(key, _)| key).collect();
            if !keys.is_empty() && !keys.contains(&"pathType") {
                let place = keys.iter().position(|key| *key == "path").map_or(0, |at| at + 1);
                let value = Value::string("ImplementationSpecific");
                edit(ingress.insert_entry(&path, place, "pathType", value))?;
            }
        }
    }
    let default = Path::keys(["spec", "backend"]);
    backend(&mut ingress, &default)?;
    if let Some(value) = ingress.find(&default).map(Value::from) {
        edit(ingress.set(&Path::keys(["spec", "defaultBackend"]), value))?;
        edit(ingress.remove(&default).map(|_| ()))?;
    }
    Ok(ingress)
}

/// Rewrites the backend at a path, if it is one of a Service.
fn backend(ingress: &mut Document, path: &Path) -> Result<(), Diagnostic> {
    let (name, port) = (path.key("serviceName"), path.key("servicePort"));
    let Some(service) = ingress.find(&name).and_then(NodeRef::as_str) else { return Ok(()) };
    let mut value = vec![("name".to_owned(), Value::string(service))];
    if let Some(node) = ingress.find(&port) {
        // A port's name has a letter, so that digits in quotes are a number too.
        let text = node.text().unwrap_or_default();
        let field = match text.parse::<u16>() {
            Ok(number) => ("number".to_owned(), Value::int(i64::from(number))),
            Err(_) => ("name".to_owned(), Value::string(text)),
        };
        value.push(("port".to_owned(), Value::Mapping(vec![field])));
    }
    edit(ingress.insert_entry(path, 0, "service", Value::Mapping(value)))?;
    for old in [name, port] {
        edit(ingress.remove(&old).map(|_| ()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{exact, nothing, written};
    use super::super::mse::Mse;
    use crate::spec::Match;

    #[test]
    fn the_canary_of_a_former_version_is_served() {
        for version in super::FORMER {
            let text = format!(
                "\
apiVersion: {version} # long gone
kind: Ingress
metadata:
  name: shop
  annotations:
    kubernetes.io/ingress.class: mse
spec:
  backend:
    serviceName: web
    servicePort: 80
  rules:
  - host: example.com # the shop
    http:
      paths:
      - path: /
        backend:
          serviceName: web
          servicePort: http
      - path: /api
        pathType: Prefix
        backend: {{serviceName: web, servicePort: \"8080\"}}
      - backend: {{serviceName: other, servicePort: 80}}
"
            );
            let route = Match { headers: vec![exact("x", "1")], ..nothing() };
            let canary = written(&Mse, &text, &route).unwrap();
            assert!(
                canary.starts_with("apiVersion: networking.k8s.io/v1 # long gone\n"),
                "{canary}"
            );
            let rules = canary.split("spec:\n").nth(1).unwrap();
            assert_eq!(
                rules,
                "  rules:
  - host: example.com # the shop
    http:
      paths:
      - path: /
        pathType: ImplementationSpecific
        backend:
          service:
            name: web-mse-gray
            port:
              name: http
      - path: /api
        pathType: Prefix
        backend: {service: {name: web-mse-gray, port: {number: 8080}}}
"
            );
        }
    }
}
