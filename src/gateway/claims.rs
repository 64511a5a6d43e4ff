//! What a route takes of a gateway's traffic, so that two lanes that want the same are seen.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Held, class_of, held};
use crate::kube::object::ObjectRef;
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
    /// Which requests, in a form that is equal for equal conditions; `None`: a share of all.
    pub condition: Option<String>,
}

/// Who takes what of the traffic of each place, and who needs which objects for himself.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    traffic: HashMap<Place, Vec<(Owner, Option<String>)>>,
    held: HashMap<ObjectRef, Vec<(Owner, bool)>>,
}

/// Whose a route is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// That of a lane, by the lane's name.
    Lane(Arc<str>),
    /// A canary of the baseline that was made by hand.
    Canary(ObjectRef),
    /// Another route of the baseline.
    Baseline(ObjectRef),
}

impl Claims {
    /// Adds the claims of a route.
    pub fn add(&mut self, owner: &Owner, route: NodeRef<'_>) {
        for claim in claims(route) {
            self.traffic.entry(claim.place).or_default().push((owner.clone(), claim.condition));
        }
    }

    /// Adds what an object of a lane needs for itself.
    pub fn hold(&mut self, owner: &Owner, object: NodeRef<'_>) {
        if let Some(Held { id, is_driven }) = held(object) {
            self.held.entry(id).or_default().push((owner.clone(), is_driven));
        }
    }

    /// Who needs an object, and whether OpenKruise drives it for him.
    pub fn holders(&self, id: &ObjectRef) -> &[(Owner, bool)] {
        self.held.get(id).map_or(&[], Vec::as_slice)
    }

    /// Who claims a place, and under which condition.
    pub fn at(&self, place: &Place) -> &[(Owner, Option<String>)] {
        self.traffic.get(place).map_or(&[], Vec::as_slice)
    }
}

/// The claims of a canary route, or of any other route that is one.
pub fn claims(root: NodeRef<'_>) -> Vec<Claim> {
    match root.get("kind").and_then(NodeRef::as_str) {
        Some("Ingress") => of_ingress(root),
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

fn of_ingress(root: NodeRef<'_>) -> Vec<Claim> {
    let gateway = class_of(root).unwrap_or_default();
    let condition = ingress_condition(root);
    let mut claims = Vec::new();
    for rule in root.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items) {
        let host = rule.get("host").and_then(NodeRef::as_str);
        for path in rule.at(&["http", "paths"]).into_iter().flat_map(NodeRef::items) {
            let path = path.get("path").and_then(NodeRef::as_str);
            claims.push(Claim { place: place(gateway, host, path), condition: condition.clone() });
        }
    }
    claims
}

/// What the annotations of a canary ask for. Prefixes are left out: gateways read several.
fn ingress_condition(root: NodeRef<'_>) -> Option<String> {
    let annotations = root.at(&["metadata", "annotations"])?;
    let mut asked: Vec<(String, Cow<'_, str>)> = Vec::new();
    for (key, value) in annotations.entries() {
        let Some((_, name)) = key.split_once('/') else { continue };
        let Some(value) = value.text() else { continue };
        if name == "canary-by-header" {
            asked.push((name.to_owned(), value.to_ascii_lowercase().into()));
        } else if name.starts_with("canary-by-") {
            asked.push((name.to_owned(), value.into()));
        } else if name.starts_with("conditions.") {
            // The name behind it is that of the lane's own Service.
            asked.push(("conditions".to_owned(), value.into()));
        }
    }
    asked.sort_unstable();
    (!asked.is_empty()).then(|| format!("{asked:?}"))
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
                (path, condition(&[each.get("headers"), each.get("queryParams")], name_in_match))
            })
            .collect();
        if matches.is_empty() {
            matches.push((None, None));
        }
        for parent in &parents {
            for host in &hosts {
                claims.extend(matches.iter().map(|(path, condition)| Claim {
                    place: place(parent, *host, *path),
                    condition: condition.clone(),
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
        let condition = condition(&[rule.at(&["match", "exprs"])], name_in_expression);
        for host in strings(rule.at(&["match", "hosts"])) {
            for path in strings(rule.at(&["match", "paths"])) {
                let place = place(gateway, host, path);
                claims.push(Claim { place, condition: condition.clone() });
            }
        }
    }
    claims
}

/// The strings of a list; where it is empty or not there, one that stands for all.
fn strings(list: Option<NodeRef<'_>>) -> Vec<Option<&str>> {
    let found: Vec<Option<&str>> =
        list.into_iter().flat_map(NodeRef::items).map(NodeRef::as_str).collect();
    if found.is_empty() { vec![None] } else { found }
}

/// Where in a condition on a header its name is, which has no case; `None` in any other condition.
type HeaderName = for<'a> fn(&'a mut Json, usize) -> Option<&'a mut Json>;

/// Of the lists of an HTTPRoute the first is that of headers.
fn name_in_match(json: &mut Json, list: usize) -> Option<&mut Json> {
    json.get_mut("name").filter(|_| list == 0)
}

fn name_in_expression(json: &mut Json, _list: usize) -> Option<&mut Json> {
    let subject = json.get_mut("subject")?;
    let is_header = subject.get("scope").and_then(Json::as_str) == Some("Header");
    subject.get_mut("name").filter(|_| is_header)
}

/// Lists of conditions that all hold, in one form whatever their order and the case of headers.
fn condition(lists: &[Option<NodeRef<'_>>], header_name: HeaderName) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    for (number, list) in lists.iter().enumerate() {
        all.extend(list.iter().flat_map(|list| list.items()).map(|item| {
            let mut json = item.to_json();
            if let Some(name) = header_name(&mut json, number)
                && let Some(folded) = name.as_str().map(str::to_ascii_lowercase)
            {
                *name = Json::String(folded);
            }
            sort_keys(&mut json);
            json.to_string()
        }));
    }
    all.sort_unstable();
    (!all.is_empty()).then(|| all.join(" "))
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
                format!("{gateway} {host}{path} {}", claim.condition.as_deref().unwrap_or("-"))
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
        assert_eq!(
            canary("'alb.ingress.kubernetes.io/conditions.a-gray': '[1]'"),
            canary("'alb.ingress.kubernetes.io/conditions.a-blue': '[1]'")
        );
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
            route("[{headers: [{name: X-Gray, value: v}]}]"),
            route("[{headers: [{name: x-gray, value: v}]}]")
        );
        assert_ne!(
            route("[{queryParams: [{name: G, value: v}]}]"),
            route("[{queryParams: [{name: g, value: v}]}]")
        );
        assert_eq!(route("[{method: GET}, {method: PUT}]"), ["shop/gw// a.example.com/ -"]);
        assert_eq!(route("[]"), ["shop/gw// a.example.com/ -"]);
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
}
