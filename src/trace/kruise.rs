//! The Ingress that OpenKruise makes for a TrafficRouting while a rollout runs.
//!
//! Source: openkruise/rollouts, pkg/trafficrouting/network/ingress and lua_configuration/
//! trafficrouting_ingress/mse.lua.

use super::route::Route;
use crate::gateway::CANARY;
use crate::yaml::{Document, NodeRef, Path};

const NGINX: &str = "nginx.ingress.kubernetes.io";
const MSE: &str = "mse.ingress.kubernetes.io";

/// The canary Ingress of a TrafficRouting: its Ingress with the paths to its Service, and what the
/// script for MSE writes. `None` where the Ingress is not there.
pub(super) fn canary(routes: &[Route], routing: &Document) -> Option<Document> {
    let text = |keys: &[&str]| routing.at(keys).and_then(NodeRef::as_str);
    let namespace = text(&["metadata", "namespace"]).unwrap_or_default();
    // The controller reads the first reference alone.
    let reference = routing.at(&["spec", "objectRef"])?.item(0)?;
    let service = reference.get("service")?.as_str()?;
    let name = reference.at(&["ingress", "name"])?.as_str()?;
    let is_meant = |route: &&Route| {
        route.id.kind == "Ingress"
            && route.id.name == name
            && (namespace.is_empty() || route.id.namespace == namespace)
    };
    let base = routes.iter().find(is_meant)?;
    let mut ingress = base.document.clone();
    let mut set = |key: String, value: &str| {
        let path = Path::keys(["metadata", "annotations"]).key(key);
        ingress.set_str(&path, value).is_ok()
    };
    let mut is_set = set(format!("{NGINX}/canary"), "true");
    let strategy = routing.at(&["spec", "strategy"])?;
    if let Some(weight) = strategy.get("weight").and_then(NodeRef::text) {
        is_set &= set(format!("{NGINX}/canary-weight"), weight);
    }
    // The first header of each match, and the last match wins.
    for each in strategy.get("matches").into_iter().flat_map(NodeRef::items) {
        let Some(header) = each.get("headers").and_then(|headers| headers.item(0)) else {
            continue;
        };
        let of = |key: &str| header.get(key).and_then(NodeRef::text).unwrap_or_default();
        if of("name") == "canary-by-cookie" {
            is_set &= set(format!("{NGINX}/canary-by-cookie"), of("value"));
            continue;
        }
        let how = if of("type") == "RegularExpression" { "pattern" } else { "value" };
        is_set &= set(format!("{NGINX}/canary-by-header"), of("name"));
        is_set &= set(format!("{NGINX}/canary-by-header-{how}"), of("value"));
    }
    let modifier = strategy.at(&["requestHeaderModifier", "set"]);
    let lines: Vec<String> = modifier
        .into_iter()
        .flat_map(NodeRef::items)
        .filter_map(|pair| {
            Some(format!("{} {}", pair.get("name")?.text()?, pair.get("value")?.text()?))
        })
        .collect();
    if !lines.is_empty() {
        // Entries are glued together as they are.
        is_set &= set(format!("{MSE}/request-header-control-update"), &lines.concat());
    }
    // Whatever the tag is.
    if base.annotation(&[MSE], "service-subset").is_some() {
        is_set &= set(format!("{MSE}/service-subset"), "gray");
    }
    if !is_set {
        return None;
    }
    let rules = Path::keys(["spec", "rules"]);
    let count = |ingress: &Document, path: &Path| ingress.find(path).map_or(0, NodeRef::len);
    for rule in (0..count(&ingress, &rules)).rev() {
        let paths = rules.index(rule).key("http").key("paths");
        for position in (0..count(&ingress, &paths)).rev() {
            let path = paths.index(position);
            let backend = path.key("backend").key("service").key("name");
            if ingress.find(&backend).and_then(NodeRef::as_str) != Some(service) {
                ingress.remove(&path).ok()?;
            }
        }
    }
    ingress.set_str(&Path::keys(["metadata", "name"]), &format!("{name}{CANARY}")).ok()?;
    Some(ingress)
}
