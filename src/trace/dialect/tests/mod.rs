//! What each gateway does with requests, as tables: the rows are the rules of the sources that the
//! dialects name, the surprising ones among them.

mod ingresses;
mod routes;

use proptest::prelude::*;

use super::super::answer::{Answer, Outcome};
use super::super::request::Request;
use super::super::route::Route;
use super::answer;
use crate::kube::object::identity;
use crate::spec::GatewayClass;
use crate::yaml::{Source, parse};

/// Routes from manifests; those whose name ends in `gray` are of a lane.
fn read(text: &str) -> Vec<Route> {
    let stream = parse(Source::new("routes.yaml", text.to_owned())).unwrap();
    let route = |document: crate::yaml::Document| {
        let id = identity(document.root(), "").unwrap();
        let lane = id.name.ends_with("gray").then_some(0);
        Route { id, lane, document }
    };
    stream.documents.into_iter().filter(|document| !document.is_empty()).map(route).collect()
}

/// An Ingress to the Service of its name: annotations, host, path and path type.
fn ingress(name: &str, annotations: &str, host: &str, path: &str, kind: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{annotations}}}}}
spec:
  rules:
  - host: '{host}'
    http: {{paths: [{{path: '{path}', pathType: {kind}, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}]}}
---
"
    )
}

/// A canary `gray` of `web`, both at `/` of example.com, with these annotations of ingress-nginx.
fn canary(annotations: &str) -> String {
    let prefixed = |each: &str| format!("nginx.ingress.kubernetes.io/{}", each.trim());
    let all: Vec<String> = format!("canary: 'true';{annotations}")
        .split(';')
        .filter(|it| !it.is_empty())
        .map(prefixed)
        .collect();
    let base = ingress("web", "", "example.com", "/", "Prefix");
    base + &ingress("gray", &all.join(", "), "example.com", "/", "Prefix")
}

fn request(text: &str) -> Request {
    let mut parts = text.split_whitespace();
    let place = parts.next().unwrap();
    let (host, path) = place.find('/').map_or((place, "/"), |at| place.split_at(at));
    parts.fold(Request::new(host, path), |request, part| match part.split_once('=').unwrap() {
        ("method", value) => request.with_method(value),
        (name, value) if name.starts_with('@') => request.with_cookie(&name[1..], value),
        (name, value) => request.with_header(name, value),
    })
}

fn shown(answer: &Answer) -> String {
    let mut left = 100.0;
    let mut shares = Vec::new();
    for share in &answer.shares {
        left -= share.part.percent();
        let outcome = match &share.outcome {
            Outcome::Backend(backend) => backend.service.name.clone(),
            Outcome::Gateway => "-".to_owned(),
            Outcome::Undecided => "?".to_owned(),
        };
        shares.push(if share.part.out_of == 1 {
            outcome
        } else {
            format!("{} {outcome}", share.part)
        });
    }
    assert!(f64::abs(left) < 1e-9, "parts sum up to all: {answer:?}");
    shares.join(", ")
}

fn of(class: GatewayClass, manifests: &str, asked: &str) -> String {
    let routes = read(manifests);
    let routes: Vec<&Route> = routes.iter().collect();
    shown(&answer(class, &routes, &request(asked)))
}

fn all(class: GatewayClass, rows: &[(&str, &str, &str)]) {
    for (annotations, asked, expected) in rows {
        let found = of(class, &canary(annotations), asked);
        assert_eq!(found, *expected, "{class}: {annotations} / {asked}");
    }
}

/// Any values of the annotations that a dialect reads.
fn annotations() -> impl Strategy<Value = String> {
    let keys = [
        "nginx.ingress.kubernetes.io/canary",
        "nginx.ingress.kubernetes.io/canary-by-header",
        "nginx.ingress.kubernetes.io/canary-by-header-value",
        "nginx.ingress.kubernetes.io/canary-by-header-pattern",
        "nginx.ingress.kubernetes.io/canary-by-cookie",
        "nginx.ingress.kubernetes.io/canary-weight",
        "nginx.ingress.kubernetes.io/canary-weight-total",
        "nginx.ingress.kubernetes.io/use-regex",
        "mse.ingress.kubernetes.io/destination",
        "higress.io/exact-match-header-x",
        "alb.ingress.kubernetes.io/canary",
        "alb.ingress.kubernetes.io/order",
        "alb.ingress.kubernetes.io/canary-weight",
        "alb.ingress.kubernetes.io/conditions.gray",
        "alb.ingress.kubernetes.io/actions.gray",
    ];
    let value = prop_oneof![
        Just("true".to_owned()),
        Just("x".to_owned()),
        "[0-9]{1,22}",
        "[-(|)*.a\\\\\\[{]{0,6}",
        Just("99999999999999999999% a.b:80".to_owned()),
        Just(r#"[{"type":"ForwardGroup","ForwardConfig":{"ServerGroups":[{"ServiceName":"a","Weight":7}]}}]"#.to_owned()),
    ];
    let pair = (prop::sample::select(keys.to_vec()), value);
    prop::collection::hash_map(
        prop::sample::select(keys.to_vec()),
        pair.prop_map(|(_, value)| value),
        0..6,
    )
    .prop_map(|all| {
        let all: Vec<String> =
            all.into_iter().map(|(key, value)| format!("'{key}': '{value}'")).collect();
        all.join(", ")
    })
}

proptest! {
    #[test]
    fn whatever_annotations_say_parts_sum_up_to_all(
        base in annotations(),
        gray in annotations(),
        asked in "(x=x|x=always|@x=always)?",
    ) {
        let text = ingress("web", &base, "example.com", "/", "Prefix")
            + &ingress("gray", &gray, "example.com", "/", "Prefix");
        for class in GatewayClass::ALL {
            of(*class, &text, &format!("example.com {asked}"));
        }
    }
}
