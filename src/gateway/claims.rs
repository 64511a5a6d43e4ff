//! What a route takes of a gateway's traffic, so that two lanes that want the same are seen.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::{Held, Owner, class_of, held};
use crate::kube::object::{GroupKind, ObjectRef};
use crate::yaml::NodeRef;

/// A host and path of a gateway that a route answers for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The gateway: an Ingress class, or a parent of a route.
    pub gateway: String,
    /// The host; `*` for all.
    pub host: String,
    /// The path, without a slash at its end.
    pub path: String,
}

/// What a route takes of the traffic of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Where.
    pub place: Place,
    /// Which requests.
    pub requests: Requests,
}

/// Which requests of a place a route takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Those of a condition, in a form that is equal for equal conditions; `None`: a share of all.
    pub condition: Option<String>,
    /// How many of them, where a canary Ingress says it.
    pub weight: Option<Weight>,
}

/// A share of all requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    /// The part.
    pub part: u64,
    /// Of how many: 100, unless `canary-weight-total` says another number.
    pub total: u64,
}

/// Who takes what of the traffic of each place, and who needs which objects for himself.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    traffic: HashMap<Place, Vec<(Owner, Requests)>>,
    held: HashMap<ObjectRef, Vec<(Owner, bool)>>,
}

impl Claims {
    /// Adds the claims of a route.
    pub fn add(&mut self, owner: &Owner, route: NodeRef<'_>) {
        for claim in claims(route) {
            self.traffic.entry(claim.place).or_default().push((owner.clone(), claim.requests));
        }
    }

    /// Adds the claims of the canary that is cloned from an Ingress: the paths to this Service.
    pub fn add_clone(&mut self, owner: &Owner, ingress: NodeRef<'_>, service: &str) {
        for claim in of_ingress(ingress, Some(service)) {
            let requests = Requests::default();
            self.traffic.entry(claim.place).or_default().push((owner.clone(), requests));
        }
    }

    /// Adds what an object of a lane needs for itself; of what the lane itself left, that is the
    /// object too.
    pub fn hold(&mut self, owner: &Owner, object: NodeRef<'_>) {
        let Some(Held { id, is_driven }) = held(object) else { return };
        let own = GroupKind::of(object).and_then(|GroupKind { group, kind }| {
            let text = |key| object.at(&["metadata", key]).and_then(NodeRef::as_str);
            let namespace = text("namespace").unwrap_or_default();
            Some(ObjectRef::new(&group, &kind, namespace, text("name")?))
        });
        let own = own.filter(|own| matches!(owner, Owner::Left { .. }) && *own != id);
        for (id, is_driven) in own.map(|own| (own, false)).into_iter().chain([(id, is_driven)]) {
            self.held.entry(id).or_default().push((owner.clone(), is_driven));
        }
    }

    /// Who needs an object, and whether OpenKruise drives it for him.
    pub fn holders(&self, id: &ObjectRef) -> &[(Owner, bool)] {
        self.held.get(id).map_or(&[], Vec::as_slice)
    }

    /// Who claims a place, and which of its requests.
    pub fn at(&self, place: &Place) -> &[(Owner, Requests)] {
        self.traffic.get(place).map_or(&[], Vec::as_slice)
    }
}

/// The claims of a canary route, or of any other route that is one.
pub fn claims(root: NodeRef<'_>) -> Vec<Claim> {
    match root.get("kind").and_then(NodeRef::as_str) {
        Some("Ingress") => of_ingress(root, None),
        Some("HTTPRoute") => of_http_route(root),
        Some("ApisixRoute") => of_apisix_route(root),
        _ => Vec::new(),
    }
}

/// The same place is written with and without a slash at the end.
fn place(gateway: &str, host: Option<&str>, path: Option<&str>) -> Place {
    let path = path.unwrap_or("/");
    let trimmed = path.trim_end_matches('/');
    Place {
        gateway: gateway.to_owned(),
        host: host.filter(|host| !host.is_empty()).unwrap_or("*").to_ascii_lowercase(),
        path: if trimmed.is_empty() { "/" } else { trimmed }.to_owned(),
    }
}

/// The claims of an Ingress: for all its paths, or those to one Service alone.
fn of_ingress(root: NodeRef<'_>, only: Option<&str>) -> Vec<Claim> {
    let gateway = class_of(root).unwrap_or_default();
    let asked = Asked::of(root);
    let mut claims = Vec::new();
    for rule in root.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items) {
        let host = rule.get("host").and_then(NodeRef::as_str);
        for path in rule.at(&["http", "paths"]).into_iter().flat_map(NodeRef::items) {
            let service = path.at(&["backend", "service", "name"]);
            let service = service.or_else(|| path.at(&["backend", "serviceName"]));
            let service = service.and_then(NodeRef::as_str);
            if only.is_some() && only != service {
                continue;
            }
            claims.push(Claim {
                place: place(gateway, host, path.get("path").and_then(NodeRef::as_str)),
                requests: Requests { condition: asked.condition(service), weight: asked.weight() },
            });
        }
    }
    claims
}

/// What the annotations of an Ingress ask of requests. Prefixes are left out: gateways read several.
#[derive(Default)]
struct Asked<'a> {
    /// Of requests for any of its Services: `canary-by-…`.
    all: Vec<(&'a str, String)>,
    /// Of requests for one of them: the conditions of ALB.
    services: HashMap<&'a str, String>,
    /// Which share of them: `canary-weight` and `canary-weight-total`.
    weight: Option<u64>,
    total: Option<u64>,
}

impl<'a> Asked<'a> {
    fn of(root: NodeRef<'a>) -> Self {
        let mut asked = Self::default();
        let annotations = root.at(&["metadata", "annotations"]);
        for (key, value) in annotations.into_iter().flat_map(NodeRef::entries) {
            let Some((_, name)) = key.split_once('/') else { continue };
            let Some(value) = value.text() else { continue };
            if let Some(service) = name.strip_prefix("conditions.") {
                asked.services.insert(service, alb_conditions(value));
                continue;
            }
            match name {
                "canary-weight" => asked.weight = asked.weight.max(value.trim().parse().ok()),
                "canary-weight-total" => asked.total = asked.total.max(value.trim().parse().ok()),
                _ => {}
            }
            // Without a value gateways ask for this one.
            let is_default = name.ends_with("-value") && value == "always";
            if name.starts_with("canary-by-") && !is_default {
                // The names of headers are alike in any case.
                let is_header = name == "canary-by-header";
                let value = if is_header { value.to_ascii_lowercase() } else { value.to_owned() };
                asked.all.push((name, value));
            }
        }
        asked.all.sort_unstable();
        asked
    }

    fn weight(&self) -> Option<Weight> {
        let total = self.total.filter(|total| *total > 0).unwrap_or(100);
        self.weight.map(|part| Weight { part, total })
    }

    /// The condition of a path that leads to this Service.
    fn condition(&self, service: Option<&str>) -> Option<String> {
        let own = service.and_then(|service| self.services.get(service));
        let is_asked = own.is_some() || !self.all.is_empty();
        is_asked.then(|| format!("{:?} {}", self.all, own.map_or("", String::as_str)))
    }
}

/// Conditions of ALB, which all hold, in one form whatever their order.
fn alb_conditions(text: &str) -> String {
    let Ok(Json::Array(mut blocks)) = serde_json::from_str(text) else { return text.to_owned() };
    for block in &mut blocks {
        lower(block.pointer_mut("/headerConfig/key"));
    }
    sorted(blocks)
}

fn of_http_route(root: NodeRef<'_>) -> Vec<Claim> {
    let field = |node: NodeRef<'_>, key: &str| {
        node.get(key).and_then(NodeRef::text).unwrap_or_default().to_owned()
    };
    let own = root.at(&["metadata", "namespace"]).and_then(NodeRef::as_str).unwrap_or_default();
    let parents: Vec<String> = root
        .at(&["spec", "parentRefs"])
        .into_iter()
        .flat_map(NodeRef::items)
        .map(|parent| {
            let namespace = parent.get("namespace").and_then(NodeRef::as_str).unwrap_or(own);
            let parts =
                [field(parent, "name"), field(parent, "sectionName"), field(parent, "port")];
            format!("{namespace}/{}", parts.join("/"))
        })
        .collect();
    let hosts = strings(root.at(&["spec", "hostnames"]));
    let mut claims = Vec::new();
    for rule in root.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items) {
        let mut matches: Vec<(Option<&str>, Option<String>)> = rule
            .get("matches")
            .into_iter()
            .flat_map(NodeRef::items)
            .map(|each| {
                let path = each.at(&["path", "value"]).and_then(NodeRef::as_str);
                (path, http_condition(each))
            })
            .collect();
        if matches.is_empty() {
            matches.push((None, None));
        }
        for parent in &parents {
            for host in &hosts {
                claims.extend(matches.iter().map(|(path, condition)| Claim {
                    place: place(parent, *host, *path),
                    requests: Requests { condition: condition.clone(), weight: None },
                }));
            }
        }
    }
    // One match a method is one claim.
    claims.dedup();
    claims
}

fn of_apisix_route(root: NodeRef<'_>) -> Vec<Claim> {
    let class = root.at(&["spec", "ingressClassName"]).and_then(NodeRef::as_str);
    let gateway = class.unwrap_or_default();
    let mut claims = Vec::new();
    for rule in root.at(&["spec", "http"]).into_iter().flat_map(NodeRef::items) {
        let condition = apisix_condition(rule);
        for host in strings(rule.at(&["match", "hosts"])) {
            for path in strings(rule.at(&["match", "paths"])) {
                let place = place(gateway, host, path);
                let requests = Requests { condition: condition.clone(), weight: None };
                claims.push(Claim { place, requests });
            }
        }
    }
    claims
}

/// What a match of an HTTPRoute asks for besides its path.
fn http_condition(each: NodeRef<'_>) -> Option<String> {
    let mut all = Vec::new();
    for key in ["headers", "queryParams"] {
        for item in each.get(key).into_iter().flat_map(NodeRef::items) {
            let mut json = item.to_json();
            if key == "headers" {
                lower(json.get_mut("name"));
            }
            if let Json::Object(fields) = &mut json
                && fields.get("type").and_then(Json::as_str) == Some("Exact")
            {
                // It is the default.
                fields.remove("type");
            }
            all.push(json!({ key: json }));
        }
    }
    (!all.is_empty()).then(|| sorted(all))
}

/// What a rule of an ApisixRoute asks for besides host and path.
fn apisix_condition(rule: NodeRef<'_>) -> Option<String> {
    let exprs = rule.at(&["match", "exprs"]).into_iter().flat_map(NodeRef::items);
    let all: Vec<Json> = exprs
        .map(|item| {
            let mut json = item.to_json();
            if json.pointer("/subject/scope").and_then(Json::as_str) == Some("Header") {
                lower(json.pointer_mut("/subject/name"));
            }
            json
        })
        .collect();
    (!all.is_empty()).then(|| sorted(all))
}

/// The strings of a list; where it is empty or not there, one that stands for all.
fn strings(list: Option<NodeRef<'_>>) -> Vec<Option<&str>> {
    let found: Vec<Option<&str>> =
        list.into_iter().flat_map(NodeRef::items).map(NodeRef::as_str).collect();
    if found.is_empty() { vec![None] } else { found }
}

/// Conditions in their order as text, so that the order they are written in is no matter.
fn sorted(conditions: Vec<Json>) -> String {
    let text = |mut json: Json| {
        sort_keys(&mut json);
        json.to_string()
    };
    let mut all: Vec<String> = conditions.into_iter().map(text).collect();
    all.sort_unstable();
    all.join(" ")
}

/// The name of a header, which is alike in any case, in lower case.
fn lower(name: Option<&mut Json>) {
    if let Some(Json::String(name)) = name {
        name.make_ascii_lowercase();
    }
}

fn sort_keys(json: &mut Json) {
    match json {
        Json::Object(fields) => {
            fields.sort_keys();
            fields.values_mut().for_each(sort_keys);
        }
        Json::Array(items) => items.iter_mut().for_each(sort_keys),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn of(text: &str) -> Vec<String> {
        let stream = parse(Source::new("route.yaml", text.to_owned())).unwrap();
        claims(stream.documents[0].root())
            .into_iter()
            .map(|claim| {
                let Place { gateway, host, path } = claim.place;
                format!(
                    "{gateway} {host}{path} {}",
                    claim.requests.condition.as_deref().unwrap_or("-")
                )
            })
            .collect()
    }

    #[test]
    fn an_ingress_claims_its_paths() {
        let canary = |annotations: &str| {
            of(&format!(
                "kind: Ingress\nmetadata: {{annotations: {{{annotations}}}}}\nspec:\n  ingressClassName: mse\n  rules:\n  - host: A.example.com\n    http: {{paths: [{{path: /}}, {{path: /b/}}]}}\n  - http: {{paths: [{{path: /c}}]}}\n"
            ))
        };
        assert_eq!(
            canary("nginx.ingress.kubernetes.io/canary-weight: '1'"),
            ["mse a.example.com/ -", "mse a.example.com/b -", "mse */c -"]
        );
        let header = "ingress.kubernetes.io/canary-by-header: h";
        let value = "ingress.kubernetes.io/canary-by-header-value: v";
        assert_eq!(
            canary(&format!("nginx.{header}, nginx.{value}")),
            canary(&format!("mse.{value}, mse.{header}"))
        );
        let upper = "ingress.kubernetes.io/canary-by-header: H";
        assert_eq!(canary(&format!("nginx.{header}")), canary(&format!("nginx.{upper}")));
        assert_ne!(
            canary(&format!("nginx.{header}")),
            canary(&format!("nginx.{header}, nginx.{value}"))
        );
    }

    #[test]
    fn the_weight_of_a_canary_is_read_with_its_total() {
        let weight = |annotations: &str| {
            let text = format!(
                "kind: Ingress\nmetadata: {{annotations: {{{annotations}}}}}\nspec: {{rules: [{{http: {{paths: [{{path: /}}]}}}}]}}\n"
            );
            let stream = parse(Source::new("route.yaml", text)).unwrap();
            let claim = claims(stream.documents[0].root()).pop().unwrap();
            claim.requests.weight.map(|Weight { part, total }| (part, total))
        };
        assert_eq!(weight(""), None);
        assert_eq!(weight("nginx.ingress.kubernetes.io/canary-weight: '60'"), Some((60, 100)));
        assert_eq!(weight("higress.io/canary-weight: ' 60'"), Some((60, 100)));
        let total = "higress.io/canary-weight: '60', higress.io/canary-weight-total: ";
        assert_eq!(weight(&format!("{total}'1000'")), Some((60, 1000)));
        assert_eq!(weight(&format!("{total}'0'")), Some((60, 100)));
        assert_eq!(weight("higress.io/canary-weight: x"), None);
    }

    #[test]
    fn equal_conditions_are_seen_however_they_are_written() {
        let ingress = |service: &str, annotations: &str| {
            of(&format!(
                "kind: Ingress\nmetadata: {{annotations: {{{annotations}}}}}\nspec: {{rules: [{{http: {{paths: [{{backend: {{service: {{name: {service}}}}}}}]}}}}]}}\n"
            ))
        };
        let mse = |annotations: &str| ingress("web", annotations);
        let header = |name: &str| format!("nginx.ingress.kubernetes.io/canary-by-header: {name}");
        assert_eq!(mse(&header("x-a")), mse(&header("X-A")));
        assert_ne!(mse(&header("x-a")), mse(&header("x-b")));
        let cookie = "nginx.ingress.kubernetes.io/canary-by-cookie: c";
        let value = "mse.ingress.kubernetes.io/canary-by-cookie-value";
        assert_eq!(mse(cookie), mse(&format!("{cookie}, {value}: always")));
        assert_ne!(mse(cookie), mse(&format!("{cookie}, {value}: other")));

        let key = "alb.ingress.kubernetes.io/conditions";
        let a = r#"{"type":"Header","headerConfig":{"key":"x-a","values":["1"]}}"#;
        let b = r#"{"type":"Header","headerConfig":{"key":"x-b","values":["1"]}}"#;
        let alb =
            |service: &str, rule: &str| ingress(service, &format!("'{key}.{service}': '{rule}'"));
        let both = format!("[{a},{b}]");
        assert_eq!(
            alb("a-gray", &both),
            alb("a-blue", &format!("[{b},{a}]").replace("x-a", "X-A"))
        );
        assert_ne!(alb("a-gray", &both), alb("a-blue", &format!("[{a}]")));
        // What another Service of the Ingress asks for is not this one's.
        let two = format!("'{key}.a-gray': '{both}', '{key}.b-gray': '[{a}]'");
        assert_eq!(alb("a-gray", &both), ingress("a-gray", &two));
    }

    #[test]
    fn routes_claim_their_matches() {
        let route = |matches: &str| {
            of(&format!(
                "kind: HTTPRoute\nmetadata: {{namespace: shop}}\nspec:\n  parentRefs: [{{name: gw}}]\n  hostnames: [a.example.com]\n  rules:\n  - matches: {matches}\n"
            ))
        };
        assert_eq!(
            route("[{path: {value: /x/}, headers: [{name: h, value: v}]}]"),
            route("[{path: {value: /x}, headers: [{value: v, name: h}]}]")
        );
        assert_eq!(
            route("[{headers: [{name: h, value: v}]}]"),
            route("[{headers: [{name: H, value: v, type: Exact}]}]")
        );
        assert_ne!(
            route("[{headers: [{name: h, value: v}]}]"),
            route("[{queryParams: [{name: h, value: v}]}]")
        );
        assert_eq!(route("[{method: GET}, {method: PUT}]"), ["shop/gw// a.example.com/ -"]);
        assert_eq!(route("[]"), ["shop/gw// a.example.com/ -"]);
        let header = |name: &str| {
            of(&format!(
                "kind: ApisixRoute\nspec: {{http: [{{match: {{exprs: [{{subject: {{scope: Header, name: {name}}}, op: Equal, value: v}}]}}}}]}}\n"
            ))
        };
        assert_eq!(header("x-a"), header("X-A"));
        let apisix = "kind: ApisixRoute\nspec:\n  ingressClassName: apisix\n  http:\n  - match: {hosts: [a.b], paths: [/, '/*'], exprs: [{op: Equal, value: v}]}\n";
        let scoped = |scope: &str, name: &str| {
            of(&apisix.replace("{op", &format!("{{subject: {{scope: {scope}, name: {name}}}, op")))
        };
        assert_eq!(scoped("Header", "X-Gray"), scoped("Header", "x-gray"));
        assert_ne!(scoped("Query", "G"), scoped("Query", "g"));
        assert_eq!(
            of(apisix),
            [
                "apisix a.b/ {\"op\":\"Equal\",\"value\":\"v\"}",
                "apisix a.b/* {\"op\":\"Equal\",\"value\":\"v\"}"
            ]
        );
    }

    #[test]
    fn what_a_lane_left_are_its_objects_too() {
        let text = "apiVersion: rollouts.kruise.io/v1beta1\nkind: TrafficRouting\nmetadata: {name: t, namespace: shop}\nspec: {objectRef: [{ingress: {name: web}}]}\n";
        let stream = parse(Source::new("t.yaml", text.to_owned())).unwrap();
        let routing = ObjectRef::new("rollouts.kruise.io", "TrafficRouting", "shop", "t");
        let ingress = ObjectRef::new("networking.k8s.io", "Ingress", "shop", "web-canary");
        let left = Owner::Left { tag: "gray".into(), cleanup: "".into(), branch: None };
        for (owner, kept) in [(Owner::Lane("l".into()), 0), (left, 1)] {
            let mut claims = Claims::default();
            claims.hold(&owner, stream.documents[0].root());
            assert_eq!(claims.holders(&ingress), [(owner.clone(), true)]);
            assert_eq!(claims.holders(&routing), vec![(owner, false); kept]);
        }
    }
}
