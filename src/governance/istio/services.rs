//! Which Services the mesh can route by a header.
//!
//! Source: istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection and
//! traffic-routing (headless Services).

use crate::baseline::Object;
use crate::diagnostic::Place;
use crate::yaml::NodeRef;

/// Protocols, as port names start with them or `appProtocol` says them, whose requests a sidecar
/// does not read. A port without any is found out to be HTTP by its traffic.
const OPAQUE: [&str; 7] = ["https", "mongo", "mysql", "redis", "tcp", "tls", "udp"];

/// Why requests to a Service cannot be told apart by a header, and where that is written.
pub(super) fn unroutable(service: &Object) -> Option<(&'static str, Option<Place>)> {
    let document = service.document();
    let field = |key: &str| document.at(&["spec", key]);
    let place =
        |node: Option<NodeRef<'_>>| node.and_then(NodeRef::place).or_else(|| service.place());
    if field("type").and_then(NodeRef::as_str) == Some("ExternalName") {
        return Some((
            "it is of type ExternalName, another name for one host",
            place(field("type")),
        ));
    }
    if field("clusterIP").and_then(NodeRef::text) == Some("None") {
        let why = "it is headless: callers connect to a pod, and sidecars leave them there";
        return Some((why, place(field("clusterIP"))));
    }
    let ports = field("ports");
    if ports.is_none_or(NodeRef::is_empty) {
        return Some(("it has no ports", place(ports)));
    }
    let is_opaque = ports.into_iter().flat_map(NodeRef::items).all(opaque);
    is_opaque.then(|| ("none of its ports is of HTTP", place(ports)))
}

fn opaque(port: NodeRef<'_>) -> bool {
    let text = |key: &str| port.get(key).and_then(NodeRef::as_str);
    if text("protocol").is_some_and(|protocol| protocol != "TCP") {
        return true;
    }
    let named = text("name").and_then(|name| name.split('-').next());
    let protocol = text("appProtocol").or(named).map(str::to_ascii_lowercase);
    protocol.is_some_and(|protocol| OPAQUE.contains(&protocol.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::baseline;
    use super::*;

    #[test]
    fn what_a_sidecar_cannot_read_is_not_routed() {
        for (spec, expected) in [
            ("{ports: [{port: 80}]}", None),
            ("{ports: [{port: 80, name: web}]}", None),
            ("{ports: [{port: 80, name: http-web}]}", None),
            ("{ports: [{port: 80, name: tcp-admin}, {port: 81, name: grpc}]}", None),
            ("{ports: [{port: 80, name: tcp, appProtocol: http}]}", None),
            ("{ports: [{port: 80, name: tcp}]}", Some("HTTP")),
            ("{ports: [{port: 443, name: https-web}]}", Some("HTTP")),
            ("{ports: [{port: 80, name: http, appProtocol: tcp}]}", Some("HTTP")),
            ("{ports: [{port: 53, protocol: UDP}]}", Some("HTTP")),
            ("{ports: []}", Some("no ports")),
            ("{selector: {app: web}}", Some("no ports")),
            ("{clusterIP: None, ports: [{port: 80}]}", Some("headless")),
            ("{type: ExternalName, externalName: a.b}", Some("ExternalName")),
        ] {
            let text = format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: prod}}\nspec: {spec}\n"
            );
            let baseline = baseline(&text);
            let found = unroutable(&baseline.objects()[0]);
            match expected {
                None => assert_eq!(found, None, "{spec}"),
                Some(part) => {
                    let (why, place) = found.unwrap();
                    assert!(why.contains(part) && place.is_some(), "{spec}: {why}");
                }
            }
        }
    }
}
