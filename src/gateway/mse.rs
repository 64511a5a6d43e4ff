//! The MSE cloud-native gateway, by MSE Ingress.
//!
//! Source of everything here: Alibaba Cloud documentation, "Annotations supported by MSE Ingress
//! gateways" and "Advanced usage of MSE Ingress".

use super::header_control::set_tag_header;
use super::ingress::{annotate, reduced};
use super::unsupported::regex_notes;
use super::{
    Anchoring, Base, Canary, CanaryRoute, Capabilities, Gateway, Lanes, Values, WeightBeside,
    unsupported,
};
use crate::diagnostic::Diagnostic;
use crate::spec::{GatewayClass, Match, ValueMatch};

/// The MSE cloud-native gateway.
pub(super) struct Mse;

/// Annotations shared with ingress-nginx; MSE reads both prefixes and the demos use this one.
const NGINX: &str = "nginx.ingress.kubernetes.io";
/// Annotations that only MSE has.
const MSE: &str = "mse.ingress.kubernetes.io";

/// What the gateways of this dialect can express.
pub(super) const CAPABILITIES: Capabilities = Capabilities {
    // canary-by-header with -value or -pattern: one header per Ingress.
    header: Values::ExactOrRegex,
    headers: 1,
    // Not documented whether -pattern is searched for or must match the whole value.
    regex: Anchoring::Unknown,
    // canary-by-cookie with canary-by-cookie-value (gateway 1.2.30 and later).
    cookie: Values::Exact,
    // "The value of the cookie is always": canary-by-cookie alone.
    cookie_always: true,
    // canary-by-query with -value or -pattern.
    query: Values::ExactOrRegex,
    queries: 1,
    // "header and query in one Ingress are ANDed".
    header_and_query: true,
    // Precedence is header or query, then cookie: the cookie would be another way in, not one more condition.
    cookie_beside: false,
    weight: true,
    // Precedence is header or query, cookie, weight; beside a match weight has no effect.
    weight_beside: WeightBeside::Ignored,
    // request-header-control-update.
    sets_tag_header: true,
    // "Unlimited number of canary versions".
    lanes: Lanes::Many,
    // The gateway is Higress: its base lookup normalises path and type.
    base: Base::HostPathAndTypeNormalised,
};

impl Gateway for Mse {
    fn class(&self) -> GatewayClass {
        GatewayClass::Mse
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn subset_annotation(&self) -> Option<&'static str> {
        Some("mse.ingress.kubernetes.io/service-subset")
    }

    fn canary(&self, route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>> {
        canary(self.class(), MSE, route)
    }
}

/// The canary of a gateway of this dialect; they differ in the prefix of the annotations that
/// ingress-nginx has not.
pub(super) fn canary(
    class: GatewayClass,
    exclusive: &str,
    route: &CanaryRoute<'_>,
) -> Result<Canary, Vec<Diagnostic>> {
    let errors = unsupported(class, &CAPABILITIES, route.route);
    if !errors.is_empty() {
        return Err(errors);
    }
    let build = || -> Result<Canary, Diagnostic> {
        let mut canary = reduced(class, route)?;
        annotate(&mut canary.document, &[(format!("{NGINX}/canary"), "true".to_owned())])?;
        annotate(&mut canary.document, &match_annotations(exclusive, route.route))?;
        set_tag_header(&mut canary.document, exclusive, route)?;
        canary.notes.extend(regex_notes(class, &CAPABILITIES, route.route));
        Ok(canary)
    };
    build().map_err(|error| vec![error])
}

/// The annotations that say which requests are gray.
fn match_annotations(exclusive: &str, route: &Match) -> Vec<(String, String)> {
    let mut annotations = Vec::new();
    let mut by = |prefix: &str, what: &str, name: &str, value: &ValueMatch| {
        annotations.push((format!("{prefix}/canary-by-{what}"), name.to_owned()));
        annotations.push(match value {
            ValueMatch::Exact(text) => (format!("{prefix}/canary-by-{what}-value"), text.clone()),
            ValueMatch::Regex(pattern) => {
                (format!("{prefix}/canary-by-{what}-pattern"), pattern.clone())
            }
        });
    };
    for header in &route.headers {
        by(NGINX, "header", &header.name, &header.value);
    }
    for query in &route.query {
        by(exclusive, "query", &query.name, &query.value);
    }
    if let Some(cookie) = &route.cookie {
        annotations.push((format!("{NGINX}/canary-by-cookie"), cookie.name.clone()));
        if let Some(value) = &cookie.value {
            annotations.push((format!("{exclusive}/canary-by-cookie-value"), value.clone()));
        }
    }
    if let Some(weight) = route.weight {
        annotations.push((format!("{NGINX}/canary-weight"), weight.to_string()));
    }
    annotations
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, cookie, exact, nothing, regex};
    use super::*;
    use crate::yaml::{Document, NodeRef};

    const INGRESS: &str = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  annotations:
    cert-manager.io/issuer: ca # only one may claim it
    mse.ingress.kubernetes.io/request-header-control-update: |
      x-base yes
      X-Mse-Tag base
spec:
  ingressClassName: mse
  tls: [{hosts: [example.com], secretName: tls}]
  defaultBackend: {service: {name: web, port: {number: 80}}}
  rules:
  - host: other.example.com # goes
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: other, port: {number: 80}}}}
  - host: example.com
    http:
      paths:
      - path: /api
        pathType: Prefix
        backend: {service: {name: api, port: {number: 80}}}
      - path: /
        pathType: Prefix
        backend:
          service:
            name: web # the shop
            port:
              number: 80
";

    fn canary(route: &Match) -> Result<Document, Vec<Diagnostic>> {
        fixture::canary(&Mse, INGRESS, route).map(|canary| canary.document)
    }

    #[test]
    fn only_paths_into_the_lane_remain() {
        let route = Match { headers: vec![exact("x-user-id", "100")], ..nothing() };
        let expected = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  annotations:
    mse.ingress.kubernetes.io/request-header-control-update: |
      x-base yes
      x-mse-tag gray
    nginx.ingress.kubernetes.io/canary: \"true\"
    nginx.ingress.kubernetes.io/canary-by-header: x-user-id
    nginx.ingress.kubernetes.io/canary-by-header-value: \"100\"
spec:
  ingressClassName: mse
  tls: [{hosts: [example.com], secretName: tls}]
  rules:
  - host: example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: web-mse-gray # the shop
            port:
              number: 80
";
        assert_eq!(fixture::written(&Mse, INGRESS, &route).unwrap(), expected);
    }

    #[test]
    fn every_match_has_its_annotations() {
        let shown = |route: Match| -> Vec<String> {
            let canary = canary(&route).unwrap();
            let annotations = canary.at(&["metadata", "annotations"]).unwrap();
            let own = annotations.entries().filter(|(key, _)| key.contains("/canary-"));
            own.map(|(key, value)| {
                format!("{}={}", key.replace("ingress.kubernetes.io", "*"), value.as_str().unwrap())
            })
            .collect()
        };
        let header = regex("h", "^1.*");
        let query = exact("q", "a");
        assert_eq!(
            shown(Match { headers: vec![header], query: vec![query], ..nothing() }),
            [
                "nginx.*/canary-by-header=h",
                "nginx.*/canary-by-header-pattern=^1.*",
                "mse.*/canary-by-query=q",
                "mse.*/canary-by-query-value=a"
            ]
        );
        assert_eq!(
            shown(Match { cookie: Some(cookie("c", Some("v"))), ..nothing() }),
            ["nginx.*/canary-by-cookie=c", "mse.*/canary-by-cookie-value=v"]
        );
        assert_eq!(shown(Match { weight: Some(10), ..nothing() }), ["nginx.*/canary-weight=10"]);
    }

    #[test]
    fn the_tag_header_has_one_value() {
        let controls = "    mse.ingress.kubernetes.io/request-header-control-add: |\n      x-a 1\n      X-MSE-Tag base\n      \"x-mse-tag\" base\n    \
                        mse.ingress.kubernetes.io/request-header-control-remove: x-mse-tag,x-b\nspec:\n";
        let text = INGRESS.replacen("spec:\n", controls, 1).replacen(
            "      X-Mse-Tag base\n",
            "      'X-Mse-Tag' base\n",
            1,
        );
        let weight = Match { weight: Some(1), ..nothing() };
        let canary = fixture::canary(&Mse, &text, &weight).unwrap().document;
        let control = |what: &str| {
            let key = format!("mse.ingress.kubernetes.io/request-header-control-{what}");
            canary.at(&["metadata", "annotations", &key]).and_then(NodeRef::text)
        };
        assert_eq!(control("add"), Some("x-a 1\n"));
        assert_eq!(control("remove"), Some("x-b"));
        assert_eq!(control("update"), Some("x-base yes\nx-mse-tag gray\n"));
    }

    #[test]
    fn what_mse_cannot_match_is_refused_by_name() {
        let header = |name: &str| exact(name, "1");
        let two =
            canary(&Match { headers: vec![header("a"), header("b")], ..nothing() }).unwrap_err();
        assert!(two[0].message.contains("2 headers at once"), "{}", two[0]);
        assert!(two[0].remedy.as_deref().unwrap().contains("one header"));
        let cookie = cookie("c", None);
        let both = canary(&Match { headers: vec![header("a")], cookie: Some(cookie), ..nothing() })
            .unwrap_err();
        assert!(both[0].message.contains("a cookie beside a header"));
        let weight = canary(&Match { headers: vec![header("a")], weight: Some(10), ..nothing() })
            .unwrap_err();
        assert!(weight[0].message.contains("ignores `weight`"));
    }
}
