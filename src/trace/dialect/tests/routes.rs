//! Gateways that have kinds of routes of their own.

use super::super::answer;
use super::{Outcome, ingress, of, read, request, shown};
use crate::spec::GatewayClass::{self, Apisix};
use crate::trace::Route;

fn http_route(name: &str, hosts: &str, rules: &[(&str, &str)]) -> String {
    let rule = |(matches, backends): &(&str, &str)| {
        format!("  - {{matches: [{matches}], backendRefs: [{backends}]}}\n")
    };
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec:\n  parentRefs: [{{name: gw}}]\n  hostnames: [{hosts}]\n  rules:\n{}---\n",
        rules.iter().map(rule).collect::<String>()
    )
}

/// kubernetes-sigs/gateway-api, httproute_types.go and httproute-matching-across-routes.yaml.
#[test]
fn matches_of_gateway_api() {
    let base =
        http_route("web", "a.com", &[("", "{name: web}"), ("{path: {value: /v2}}", "{name: v2}")]);
    let gray =
        http_route("gray", "a.com", &[("{headers: [{name: X, value: '1'}]}", "{name: gray}")]);
    let wild =
        http_route("wild", "'*.com'", &[("{path: {type: Exact, value: /v2/x}}", "{name: wild}")]);
    let post = http_route("post", "a.com", &[("{method: POST}", "{name: post}")]);
    let regex = http_route(
        "re",
        "a.com",
        &[("{path: {type: RegularExpression, value: '^/v.*$'}}", "{name: re}")],
    );
    let text = base.clone() + &gray + &wild + &post;
    let of = |text: &str, asked: &str| of(GatewayClass::GatewayApi, text, asked);
    for (asked, expected) in [
        ("a.com", "web"),
        ("a.com x=1", "gray"),
        // A longer path comes before headers, a more specific host before the path.
        ("a.com/v2 x=1", "v2"),
        ("a.com/v2/x", "v2"),
        ("b.com/v2/x", "wild"),
        ("b.com/", "-"),
        // A prefix is one of whole elements.
        ("a.com/v2x", "web"),
        // A method comes before headers.
        ("a.com x=1 method=POST", "post"),
        ("a.b.com/v2/x", "wild"),
    ] {
        assert_eq!(of(&text, asked), expected, "{asked}");
    }
    assert_eq!(of(&(base.clone() + &regex), "a.com/v2"), "?");
    let weighted = http_route(
        "web",
        "a.com",
        &[("", "{name: web, weight: 90}, {name: gray, weight: 10}, {name: off, weight: 0}")],
    );
    assert_eq!(of(&weighted, "a.com"), "90% web, 10% gray");
    let even = http_route("web", "a.com", &[("", "{name: web}, {name: gray}")]);
    assert_eq!(of(&even, "a.com"), "50% web, 50% gray");
    // Equal matches: nothing is summed, the older route answers alone, which is told.
    let tie = http_route("gray", "a.com", &[("", "{name: gray}")]) + &base;
    assert_eq!(of(&tie, "a.com"), "web");
    let routes = read(&tie);
    let routes: Vec<&Route> = routes.iter().collect();
    let found = answer(GatewayClass::GatewayApi, &routes, &request("a.com"));
    assert!(found.notes[0].contains("older"), "{found:?}");
    // Nor is it told which of two lanes is.
    let two = http_route("gray", "a.com", &[("", "{name: gray}")])
        + &http_route("also-gray", "a.com", &[("", "{name: other}")]);
    let mut routes = read(&two);
    routes[1].lane = Some(1);
    let routes: Vec<&Route> = routes.iter().collect();
    let found = answer(GatewayClass::GatewayApi, &routes, &request("a.com"));
    assert_eq!(shown(&found), "?");
}

fn apisix_route(name: &str, rules: &[&str]) -> String {
    let rule =
        |rule: &&str| format!("  - {{name: r, backends: [{{serviceName: {name}}}], {rule}}}\n");
    format!(
        "apiVersion: apisix.apache.org/v2\nkind: ApisixRoute\nmetadata: {{name: {name}}}\nspec:\n  http:\n{}---\n",
        rules.iter().map(rule).collect::<String>()
    )
}

/// apache/apisix, radixtree_host_uri.lua; api7/lua-resty-radixtree and lua-resty-expr.
#[test]
fn routes_of_apisix() {
    let of = |text: &str, asked: &str| of(Apisix, text, asked);
    let base = apisix_route("web", &["match: {hosts: [a.com], paths: [/, /*]}"]);
    let any = apisix_route("any", &["priority: 99, match: {paths: [/*]}"]);
    let exact = apisix_route("exact", &["match: {hosts: [a.com], paths: [/x]}"]);
    let gray = |what: &str| {
        apisix_route(
            "gray",
            &[&format!("priority: 1, match: {{hosts: [a.com], paths: [/, /*], exprs: [{what}]}}")],
        )
    };
    let header = "{subject: {scope: Header, name: X-Gray}, op: Equal, value: '1'}";
    let text = base.clone() + &any + &exact + &gray(header);
    for (asked, expected) in [
        ("a.com x-gray=1", "gray"),
        ("a.com x-gray=2", "web"),
        // An exact path comes before all others, a host before none, whatever the priority.
        ("a.com/x x-gray=1", "exact"),
        ("b.com/x", "any"),
    ] {
        assert_eq!(of(&text, asked), expected, "{asked}");
    }
    // The same with an Ingress as the baseline: its `/` is `/` and `/*`.
    let text = ingress("web", "", "a.com", "/", "Prefix") + &gray(header);
    assert_eq!(of(&text, "a.com/y x-gray=1"), "gray");
    assert_eq!(of(&text, "a.com/y"), "web");
    let star = apisix_route("gray", &["priority: 1, match: {hosts: [a.com], paths: [/*]}"]);
    assert_eq!(of(&(ingress("web", "", "a.com", "/", "Prefix") + &star), "a.com/"), "web");
    // Absent values fulfil what is negated; RegexMatch searches.
    for (what, asked, expected) in [
        ("{subject: {scope: Cookie, name: c}, op: NotEqual, value: '1'}", "a.com", "gray"),
        ("{subject: {scope: Cookie, name: c}, op: NotIn, set: ['1']}", "a.com @c=1", "web"),
        ("{subject: {scope: Query, name: q}, op: RegexNotMatch, value: a}", "a.com", "gray"),
        (
            "{subject: {scope: Query, name: q}, op: RegexMatch, value: '10'}",
            "a.com/?q=2100",
            "gray",
        ),
        ("{subject: {scope: Query, name: q}, op: RegexMatch, value: A}", "a.com/?q=a", "web"),
        (
            "{subject: {scope: Query, name: q}, op: RegexMatchCaseInsensitive, value: A}",
            "a.com/?q=a",
            "gray",
        ),
        ("{subject: {scope: Query, name: q}, op: GreaterThan, value: '9'}", "a.com/?q=10", "gray"),
        ("{subject: {scope: Query, name: q}, op: GreaterThan, value: '9'}", "a.com/?q=x", "web"),
        ("{subject: {scope: Header, name: x}, op: In, set: [a, b]}", "a.com x=b", "gray"),
        ("{subject: {scope: Variable, name: remote_addr}, op: Equal, value: x}", "a.com", "?"),
    ] {
        assert_eq!(of(&(base.clone() + &gray(what)), asked), expected, "{what} {asked}");
    }
    // Weights are 100 where there are none; equal priority and path are up to the order of making.
    let weighted = "apiVersion: apisix.apache.org/v2\nkind: ApisixRoute\nmetadata: {name: w}\nspec: {http: [{name: r, match: {paths: [/*]}, backends: [{serviceName: a}, {serviceName: b, weight: 25}]}]}\n";
    assert_eq!(of(weighted, "a.com/"), "80% a, 20% b");
    // Before APISIX 3.0 headers to set were a plain map, which is read still.
    for (headers, expected) in [("{x-tag: gray}", 1), ("{set: {x-tag: gray}}", 1), ("{set: {}}", 0)]
    {
        let plugin = format!("plugins: [{{name: proxy-rewrite, config: {{headers: {headers}}}}}]");
        let text = apisix_route("web", &[&format!("match: {{paths: [/*]}}, {plugin}")]);
        let routes = read(&text);
        let routes: Vec<&Route> = routes.iter().collect();
        let found = answer(Apisix, &routes, &request("a.com"));
        let Outcome::Backend(backend) = &found.shares[0].outcome else { panic!("{found:?}") };
        assert_eq!(backend.edits.len(), expected, "{headers}");
    }
    let tie = apisix_route("web", &["match: {paths: [/*]}"])
        + &apisix_route("gray", &["match: {paths: [/*]}"]);
    assert_eq!(of(&tie, "a.com/"), "?");
}
