//! From an Ingress to an ApisixRoute: APISIX has no annotations for canaries.

use super::super::ingress::{class_of, reduced};
use super::super::shares::{Backend, split, weight_alone};
use super::super::{Canary, CanaryRoute, at};
use super::{expressions, hidden_rewrite, rewrite, untagged_share};
use crate::diagnostic::Diagnostic;
use crate::skeleton::fill;
use crate::spec::GatewayClass;
use crate::yaml::{NodeRef, Path, Value};

const SKELETON: &str = include_str!("../../../templates/apisix/route.yaml");

/// Annotations that APISIX reads from an Ingress.
///
/// Source: apache/apisix-ingress-controller, internal/adc/translator/annotations/types.go.
const ANNOTATIONS: &str = "k8s.apisix.apache.org/";

/// Routes of an Ingress have priority 0.
const PRIORITY: i64 = 1;

/// The ApisixRoute that takes a lane's requests from an Ingress.
pub(super) fn canary(route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>> {
    let root = route.baseline.root();
    let settings = Settings::read(root)?;
    let Canary { document: ingress, mut notes } =
        reduced(GatewayClass::Apisix, route).map_err(|error| vec![error])?;
    let mut entries = Vec::new();
    let mut errors = Vec::new();
    let rules = ingress.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items);
    for (number, rule) in rules.enumerate() {
        let paths = rule.at(&["http", "paths"]).into_iter().flat_map(NodeRef::items);
        for (position, path) in paths.enumerate() {
            let name = format!("rule-{number}-path-{position}");
            match entry(route, &settings, rule, path, name) {
                Ok(entry) => entries.push(entry),
                Err(error) => errors.push(error),
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let copied = |key: &'static str| {
        let value = root.at(&["metadata", key])?;
        Some((Path::keys(["metadata", key]), Value::from(value)))
    };
    let mut values: Vec<(Path, Value)> =
        ["name", "namespace", "labels"].into_iter().filter_map(copied).collect();
    if let Some(class) = class_of(root) {
        values.push((Path::keys(["spec", "ingressClassName"]), Value::string(class)));
    }
    values.push((Path::keys(["spec", "http"]), Value::Sequence(entries)));
    let document =
        fill("templates/apisix/route.yaml", SKELETON, values).map_err(|error| vec![error])?;
    match weight_alone(route.route) {
        Some(_) => notes.push(untagged_share(route)),
        None => {
            notes.extend(settings.plugin_config.iter().map(|name| hidden_rewrite(route, name)));
        }
    }
    Ok(Canary { document, notes })
}

/// What the annotations of the Ingress say that an ApisixRoute can say too.
#[derive(Debug, Default)]
struct Settings {
    plugin_config: Option<String>,
    websocket: bool,
}

impl Settings {
    fn read(root: NodeRef<'_>) -> Result<Self, Vec<Diagnostic>> {
        let mut settings = Self::default();
        let mut errors = Vec::new();
        let annotations = root.at(&["metadata", "annotations"]);
        for (key, value) in annotations.into_iter().flat_map(NodeRef::entries) {
            let Some(what) = key.strip_prefix(ANNOTATIONS) else { continue };
            match (what, value.text().unwrap_or_default()) {
                // What is off is off in an ApisixRoute too.
                (_, "false" | "") => {}
                ("plugin-config-name", name) => settings.plugin_config = Some(name.to_owned()),
                ("enable-websocket", _) => settings.websocket = true,
                _ => errors.push(
                    at(
                        Diagnostic::error(format!(
                            "the annotation `{key}` of the entry's Ingress would not hold for the lane: its ApisixRoute has none"
                        )),
                        Some(value),
                    )
                    .remedy("write the baseline's route as an ApisixRoute, whose plugins the lane's route copies, and name it: `entry: {route: ApisixRoute/…}`"),
                ),
            }
        }
        if errors.is_empty() { Ok(settings) } else { Err(errors) }
    }
}

/// One path of the Ingress, whose backend is the gray Service already.
fn entry(
    route: &CanaryRoute<'_>,
    settings: &Settings,
    rule: NodeRef<'_>,
    path: NodeRef<'_>,
    name: String,
) -> Result<Value, Diagnostic> {
    let text = |value: &str| Value::string(value);
    let mut matches = Vec::new();
    if let Some(host) = rule.get("host").and_then(NodeRef::as_str).filter(|host| !host.is_empty()) {
        matches.push(("hosts".to_owned(), Value::Sequence(vec![text(host)])));
    }
    let Some(pattern) = path.get("path").and_then(NodeRef::as_str) else {
        return Err(at(
            Diagnostic::error("a path of the entry's Ingress has no `path`"),
            Some(path),
        )
        .remedy("for all requests write `path: /` and `pathType: Prefix`"));
    };
    let mut patterns = vec![text(pattern)];
    // As the controller translates a prefix of whole elements: the path itself, and all below it.
    if path.get("pathType").and_then(NodeRef::as_str) == Some("Prefix") {
        let prefix = pattern.strip_suffix('/').unwrap_or(pattern);
        patterns.push(text(&format!("{prefix}/*")));
    }
    matches.push(("paths".to_owned(), Value::Sequence(patterns)));
    let expressions = expressions(route.route);
    if !expressions.is_empty() {
        matches.push(("exprs".to_owned(), Value::Sequence(expressions)));
    }
    let mut entry = vec![
        ("name".to_owned(), Value::string(name)),
        ("priority".to_owned(), Value::int(PRIORITY)),
        ("match".to_owned(), Value::Mapping(matches)),
    ];
    if settings.websocket {
        entry.push(("websocket".to_owned(), Value::bool(true)));
    }
    if let Some(name) = &settings.plugin_config {
        entry.push(("plugin_config_name".to_owned(), text(name)));
    }
    let service = path.at(&["backend", "service"]);
    let gray = service.and_then(|service| service.get("name")).and_then(NodeRef::as_str);
    let port = service.and_then(|service| service.get("port"));
    let port = port.and_then(|port| port.get("number").or_else(|| port.get("name")));
    let (Some(gray), Some(port)) = (gray, port) else {
        return Err(at(
            Diagnostic::error("a backend of the entry's Ingress has no port"),
            Some(path),
        )
        .remedy("write `port: {number: …}` or `port: {name: …}`"));
    };
    let backend = |name: &str, weight: Option<u64>| {
        let mut fields = vec![
            ("serviceName".to_owned(), text(name)),
            ("servicePort".to_owned(), Value::from(port)),
        ];
        fields.extend(weight.map(|weight| ("weight".to_owned(), Value::Plain(weight.to_string()))));
        Value::Mapping(fields)
    };
    let backends = match weight_alone(route.route) {
        None => {
            let plugin = rewrite::plugin(route.tag_header, route.tag);
            entry.push(("plugins".to_owned(), Value::Sequence(vec![plugin])));
            vec![backend(gray, None)]
        }
        Some(percent) => {
            let base = route.services.iter().find(|(_, copy)| **copy == gray).map(|(base, _)| base);
            let base = base.copied().unwrap_or(gray);
            let shares = split(&[Backend { weight: 1, gray: true }], percent).unwrap_or_default();
            let both = shares
                .iter()
                .flat_map(|share| [backend(base, Some(share.base)), backend(gray, share.gray)]);
            both.collect()
        }
    };
    entry.push(("backends".to_owned(), Value::Sequence(backends)));
    Ok(Value::Mapping(entry))
}
