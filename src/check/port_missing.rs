//! `port-missing`: a canary route leads to a port that its Service does not have.

use foldhash::{HashMap, HashMapExt};

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::lane::GrayObject;
use crate::yaml::{Document, NodeRef};

pub(super) const FINDING: Finding = Finding {
    code: "port-missing",
    severity: Severity::Warning,
    doc: "\
The canary route of an entry leads to a port that the Service behind it does not have.

A route names a port of the Service by its number or its name, never the port of the container. No
gateway finds endpoints for a port that is not there: gray requests are answered with 503, or the
route is left out.

Remedy: let the route name one of the Service's `ports`, in the baseline or by a patch of both.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut services: HashMap<&str, Vec<&GrayObject>> = HashMap::new();
    for object in &subject.lane.objects {
        if object.id.is_core_service() {
            services.entry(&object.id.name).or_default().push(object);
        }
    }
    for (entry, route) in subject.lane.routes() {
        let Some(document) = route.document() else { continue };
        for backend in backends(document.root()) {
            let namespace = backend.namespace.unwrap_or(&route.id.namespace);
            let of_lane = services.get(backend.service).into_iter().flatten();
            let gray = of_lane.copied().find(|object| object.id.namespace == namespace);
            let id = ObjectRef::new("", "Service", namespace, backend.service);
            let service = match gray {
                Some(object) => object.document(),
                None => subject.facts.baseline.get(&id).map(|object| object.document()),
            };
            let Some(ports) = service.as_deref().and_then(ports) else { continue };
            let is_there = ports
                .iter()
                .any(|(number, name)| Some(backend.port) == *number || Some(backend.port) == *name);
            if is_there {
                continue;
            }
            let warning = Diagnostic::warning(format!(
                "{} leads to the port `{}` of Service/{}, which has none of that number or name",
                route.id, backend.port, backend.service
            ));
            let all: Vec<String> = ports.iter().map(shown).collect();
            let remedy = format!("its ports are: {}", all.join(", "));
            found.push(warning.at(entry.place.clone()).remedy(remedy));
        }
    }
    found
}

/// The number and the name of a port.
type Port<'a> = (Option<&'a str>, Option<&'a str>);

/// The ports of a Service; `None` for one that has no list of them, such as an ExternalName.
fn ports(service: &Document) -> Option<Vec<Port<'_>>> {
    let ports = service.at(&["spec", "ports"])?;
    Some(ports.items().map(|port| (text(port, &["port"]), text(port, &["name"]))).collect())
}

fn shown((number, name): &Port<'_>) -> String {
    match (number, name) {
        (Some(number), Some(name)) => format!("{number} ({name})"),
        (Some(one), None) | (None, Some(one)) => (*one).to_owned(),
        (None, None) => "one without a number".to_owned(),
    }
}

/// A Service and a port that a route leads to.
struct Backend<'a> {
    service: &'a str,
    namespace: Option<&'a str>,
    port: &'a str,
}

/// The name of a port by which ALB says that an annotation holds the backend.
///
/// Source: Alibaba Cloud documentation, "Customize forwarding rules of an ALB Ingress".
const IN_ANNOTATION: &str = "use-annotation";

fn text<'a>(node: NodeRef<'a>, keys: &[&str]) -> Option<&'a str> {
    node.at(keys).and_then(NodeRef::text)
}

fn list<'a>(node: NodeRef<'a>, keys: &[&str]) -> impl Iterator<Item = NodeRef<'a>> {
    node.at(keys).into_iter().flat_map(NodeRef::items)
}

/// What a canary route leads to.
///
/// Source: kubernetes/api networking/v1 IngressBackend; gateway-api apis/v1 BackendRef;
/// apache/apisix-ingress-controller api/v2 ApisixRouteHTTPBackend.
fn backends(root: NodeRef<'_>) -> Vec<Backend<'_>> {
    let mut found = Vec::new();
    for rule in list(root, &["spec", "rules"]) {
        for path in list(rule, &["http", "paths"]) {
            let Some(service) = path.at(&["backend", "service"]) else { continue };
            let port = text(service, &["port", "number"]).or(text(service, &["port", "name"]));
            let port = port.filter(|port| *port != IN_ANNOTATION);
            if let (Some(service), Some(port)) = (text(service, &["name"]), port) {
                found.push(Backend { service, namespace: None, port });
            }
        }
        for backend in list(rule, &["backendRefs"]) {
            let is_service = text(backend, &["kind"]).is_none_or(|kind| kind == "Service");
            let (name, port) = (text(backend, &["name"]), text(backend, &["port"]));
            if let (Some(service), Some(port), true) = (name, port, is_service) {
                let namespace = text(backend, &["namespace"]);
                found.push(Backend { service, namespace, port });
            }
        }
    }
    for rule in list(root, &["spec", "http"]) {
        for backend in list(rule, &["backends"]) {
            let (name, port) = (text(backend, &["serviceName"]), text(backend, &["servicePort"]));
            if let (Some(service), Some(port)) = (name, port) {
                found.push(Backend { service, namespace: None, port });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{ENTRY, INGRESS, deployment, told};

    #[test]
    fn told_of_ports_that_the_service_lacks() {
        let baseline =
            |port: &str| format!("{}{INGRESS}", deployment("")).replace("port: {number: 80}", port);
        assert!(told("port-missing", ENTRY, &baseline("port: {number: 80}")).is_empty());
        for port in ["port: {number: 8080}", "port: {name: http}"] {
            let found = told("port-missing", ENTRY, &baseline(port));
            assert!(found[0].contains("of Service/web-mse-gray"), "{found:?}");
        }
        let named = baseline("port: {name: http}").replace("{port: 80}", "{port: 80, name: http}");
        assert!(told("port-missing", ENTRY, &named).is_empty());
        let patch = "patches: [{target: Service/web, json: [{op: replace, path: /spec/ports/0/port, value: 81}]}]";
        let patched = format!("{ENTRY}\n      {patch}");
        let found = told("port-missing", &patched, &baseline("port: {number: 80}"));
        assert!(found[0].contains("the port `80`"), "{found:?}");
    }
}
