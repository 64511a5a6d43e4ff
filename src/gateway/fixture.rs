//! Matches and canary routes for the tests of the dialects.

use std::sync::Arc;

use super::{Canary, CanaryRoute, Gateway};
use crate::diagnostic::{Diagnostic, Place};
use crate::kube::object::identity;
use crate::spec::{CookieMatch, Match, NameMatch, ValueMatch};
use crate::yaml::{Source, parse};

pub(crate) fn place() -> Place {
    Place { file: Arc::from("graylane.yaml"), line: 1, column: 1, text: String::new() }
}

pub(crate) fn nothing() -> Match {
    Match { headers: Vec::new(), cookie: None, query: Vec::new(), weight: None, place: place() }
}

pub(crate) fn exact(name: &str, value: &str) -> NameMatch {
    NameMatch { name: name.into(), value: ValueMatch::Exact(value.into()), place: place() }
}

pub(crate) fn regex(name: &str, value: &str) -> NameMatch {
    NameMatch { name: name.into(), value: ValueMatch::Regex(value.into()), place: place() }
}

pub(crate) fn cookie(name: &str, value: Option<&str>) -> CookieMatch {
    CookieMatch { name: name.into(), value: value.map(str::to_owned), place: place() }
}

/// The canary route of the baseline route in `text`, where the Service `web` alone has a gray copy,
/// `web-mse-gray`, and the tag is `gray`.
pub(super) fn canary(
    gateway: &dyn Gateway,
    text: &str,
    route: &Match,
) -> Result<Canary, Vec<Diagnostic>> {
    let stream = parse(Source::new("route.yaml", text.to_owned())).unwrap();
    let id = identity(stream.documents[0].root(), "").unwrap();
    gateway.canary(&CanaryRoute {
        baseline: &stream.documents[0],
        unpatched: &stream.documents[0],
        id: &id,
        route,
        tag: "gray",
        tag_header: "x-mse-tag",
        services: &[("web", "web-mse-gray")].into(),
    })
}

/// The same as text, or the messages and remedies of what was refused.
pub(super) fn written(gateway: &dyn Gateway, text: &str, route: &Match) -> Result<String, String> {
    canary(gateway, text, route).map(|canary| canary.document.to_text()).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        texts.join("\n")
    })
}

/// A baseline Ingress of no class that leads to `web` at `/` of one host.
pub(super) const INGRESS: &str = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
spec:
  rules:
  - host: example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: web
            port:
              number: 80
";
