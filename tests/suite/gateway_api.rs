//! Canary routes of the Gateway API: every match it has, and what it refuses.

use crate::routes::{HEADER, canary, made, refused};

/// An HTTPRoute with these rules.
fn http(rules: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: web}}\nspec:\n  \
         parentRefs: [{{name: shop, sectionName: https, port: 443}}]\n  hostnames: [shop.example.com]\n  rules: [{rules}]\n"
    )
}

const TO_WEB: &str = "backendRefs: [{name: web, port: 80}]";

#[test]
fn matches_what_its_table_says() {
    let cookie = r#"{"name":"cookie","type":"RegularExpression","value":"^(?:.*;\\s*)?lane=gray(?:\\s*;.*)?$"}"#;
    let rows: [(&str, String, &str); 7] = [
        (HEADER, r#"{"headers":[{"name":"x-user-id","value":"100"}]"#.to_owned(), ""),
        (
            "headers: [{name: a, regex: 1|2}]",
            r#"{"headers":[{"name":"a","type":"RegularExpression","value":"^(?:1|2)$"}]"#.to_owned(),
            "implementation-specific",
        ),
        (
            "headers: [{name: a, exact: '1'}, {name: b, exact: '2'}]",
            r#"{"headers":[{"name":"a","value":"1"},{"name":"b","value":"2"}]"#.to_owned(),
            "",
        ),
        ("cookie: {name: lane, value: gray}", format!(r#"{{"headers":[{cookie}]"#), "no match for cookies"),
        (
            "query: [{name: g, exact: a}]",
            r#"{"path":{"type":"PathPrefix","value":"/"},"queryParams":[{"name":"g","value":"a"}]}"#.to_owned(),
            "Extended support",
        ),
        (
            "query: [{name: g, regex: a}]",
            r#"{"path":{"type":"PathPrefix","value":"/"},"queryParams":[{"name":"g","type":"RegularExpression","value":"^(?:a)$"}]}"#.to_owned(),
            "implementation-specific",
        ),
        (
            "headers: [{name: a, exact: '1'}], query: [{name: g, exact: b}], cookie: {name: lane, value: gray}",
            format!(
                r#"{{"headers":[{{"name":"a","value":"1"}},{cookie}],"path":{{"type":"PathPrefix","value":"/"}},"queryParams":[{{"name":"g","value":"b"}}]}}"#
            ),
            "no match for cookies",
        ),
    ];
    for (matches, expected, note) in rows {
        let made = canary(&http(&format!("{{{TO_WEB}}}")), matches);
        let found = made.at("/spec/rules/0/matches/0");
        assert!(found.starts_with(&expected), "{matches}: {found}");
        assert!(made.notes.contains(note), "{matches}: {}", made.notes);
        assert_eq!(made.at("/spec/rules/0/backendRefs"), r#"[{"name":"web-mse-gray","port":80}]"#);
        assert_eq!(
            made.at("/spec/rules/0/filters"),
            r#"[{"requestHeaderModifier":{"set":[{"name":"x-mse-tag","value":"gray"}]},"type":"RequestHeaderModifier"}]"#
        );
        assert_eq!(
            made.at("/spec/parentRefs/0"),
            r#"{"name":"shop","port":443,"sectionName":"https"}"#
        );
        assert_eq!(made.at("/spec/hostnames"), r#"["shop.example.com"]"#);
    }
    let seventeen: Vec<String> = (0..17).map(|at| format!("{{name: h{at}, exact: '1'}}")).collect();
    for (matches, expected) in [
        ("cookie: {name: lane}".to_owned(), "without a value"),
        (format!("headers: [{}]", seventeen.join(", ")), "17 headers at once"),
        (format!("query: [{}]", seventeen.join(", ")), "17 query parameters at once"),
        ("headers: [{name: a, exact: '1'}], weight: 10".to_owned(), "refuses `weight` beside"),
        ("query: [{name: a b, exact: '1'}]".to_owned(), "a name has letters"),
        (format!("query: [{{name: a, exact: {}}}]", "x".repeat(1025)), "at most 1024"),
        (
            "headers: [{name: Cookie, exact: a}], cookie: {name: b, value: c}".to_owned(),
            "is matched already",
        ),
        ("headers: [{name: a, regex: '(?<!x)y'}]".to_owned(), "look-around"),
    ] {
        refused(&http(&format!("{{{TO_WEB}}}")), &matches, expected);
    }
}

#[test]
fn repeats_each_match_of_what_leads_into_the_lane() {
    let rules = "{matches: [{headers: [{name: x-forwarded-proto, value: http}]}], filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}, \
        {name: shop, matches: [{path: {type: Exact, value: /a}, method: GET}, {headers: [{name: X-Env, value: b}], queryParams: [{name: q, value: r}]}], \
        filters: [{type: URLRewrite, urlRewrite: {hostname: x.example.com}}, {type: RequestHeaderModifier, requestHeaderModifier: \
        {set: [{name: a, value: b}], add: [{name: X-Mse-Tag, value: c}], remove: [x-mse-tag]}}], timeouts: {request: 5s}, \
        backendRefs: [{name: other, port: 80, weight: 9}, {name: web, port: 80, weight: 1}]}, \
        {matches: [{path: {value: /other}}], backendRefs: [{name: other, port: 80}]}";
    let made = canary(&http(rules), HEADER);
    assert_eq!(made.at("/spec/rules/1"), "nothing");
    for (pointer, expected) in [
        ("name", "\"shop\""),
        (
            "matches",
            r#"[{"headers":[{"name":"x-user-id","value":"100"}],"method":"GET","path":{"type":"Exact","value":"/a"}},{"headers":[{"name":"X-Env","value":"b"},{"name":"x-user-id","value":"100"}],"queryParams":[{"name":"q","value":"r"}]}]"#,
        ),
        ("filters/0/type", "\"URLRewrite\""),
        (
            "filters/1/requestHeaderModifier",
            r#"{"set":[{"name":"a","value":"b"},{"name":"x-mse-tag","value":"gray"}]}"#,
        ),
        ("filters/2", "nothing"),
        ("timeouts", r#"{"request":"5s"}"#),
        ("backendRefs", r#"[{"name":"web-mse-gray","port":80,"weight":1}]"#),
    ] {
        assert_eq!(made.at(&format!("/spec/rules/0/{pointer}")), expected, "{pointer}");
    }
    assert!(made.notes.contains("`other` of this rule get none"), "{}", made.notes);
}

#[test]
fn lets_no_backend_change_the_tag() {
    let rules = "{backendRefs: [{name: web, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [X-MSE-Tag]}}]}]}";
    assert_eq!(
        canary(&http(rules), HEADER).at("/spec/rules/0/backendRefs"),
        r#"[{"name":"web-mse-gray","port":80}]"#
    );
}

#[test]
fn mirrors_to_copies_what_was_mirrored_to_their_baseline() {
    let mirror = |name: &str| {
        format!(
            "{{type: RequestMirror, requestMirror: {{backendRef: {{name: {name}, port: 80}}}}}}"
        )
    };
    let (web, other) = (mirror("web"), mirror("other"));
    let rules = format!(
        "{{filters: [{other}, {web}], backendRefs: [{{name: web, port: 80, filters: [{web}]}}]}}"
    );
    let made = canary(&http(&rules), HEADER);
    let name =
        |filter: &str| made.at(&format!("/spec/rules/0/{filter}/requestMirror/backendRef/name"));
    assert_eq!(name("filters/0"), r#""other""#);
    assert_eq!(name("filters/1"), r#""web-mse-gray""#);
    assert_eq!(name("backendRefs/0/filters/0"), r#""web-mse-gray""#);
    // A route that takes all requests over mirrors those of the baseline too.
    let made = canary(&http(&format!("{{filters: [{web}], {TO_WEB}}}")), "weight: 10");
    assert!(made.at("/spec/rules/0/filters").contains(r#""name":"web""#));
}

#[test]
fn refuses_what_cannot_be_outranked() {
    let with_headers =
        |headers: &str| http(&format!("{{matches: [{{headers: [{headers}]}}], {TO_WEB}}}"));
    let sixteen: Vec<String> = (0..16).map(|at| format!("{{name: h{at}, value: '1'}}")).collect();
    refused(&with_headers(&sixteen.join(", ")), HEADER, "would have 17 headers");
    refused(&with_headers("{name: X-USER-ID, value: '5'}"), HEADER, "counts a name once");
    let zero = http("{backendRefs: [{name: web, port: 80, weight: 0}, {name: other, port: 80}]}");
    refused(&zero, HEADER, "have weight 0");
    let foreign = http("{backendRefs: [{name: web, namespace: shop, port: 80}]}");
    let named = made(&foreign, "", &format!("{{route: HTTPRoute/web, match: {{{HEADER}}}}}"));
    assert!(named.err().unwrap().contains("this backend is in another namespace"));
    let old = http(&format!("{{{TO_WEB}}}")).replace("k8s.io/v1\n", "k8s.io/v1alpha2\n");
    refused(&old, HEADER, "has apiVersion gateway.networking.k8s.io/v1alpha2");
}

#[test]
fn writes_the_current_version() {
    let old = http(&format!("{{{TO_WEB}}}")).replace("k8s.io/v1\n", "k8s.io/v1beta1\n");
    let made = canary(&old, HEADER);
    assert_eq!(made.at("/apiVersion"), "\"gateway.networking.k8s.io/v1\"");
    assert!(made.notes.contains("has the fields of v1beta1"), "{}", made.notes);
}

#[test]
fn warns_of_requests_that_another_rule_had() {
    let other =
        "{matches: [{headers: [{name: b, value: c}]}], backendRefs: [{name: other, port: 80}]}";
    let rules = http(&format!("{other}, {{{TO_WEB}}}"));
    assert!(
        !canary(&rules, HEADER).notes.contains("has more conditions"),
        "the older route goes first"
    );
    let two = "headers: [{name: a, exact: '1'}, {name: d, exact: '2'}]";
    assert!(canary(&rules, two).notes.contains("has more conditions"));
    let elsewhere =
        rules.replace("[{headers: [{name: b", "[{path: {value: /x/}, headers: [{name: b");
    assert!(!canary(&elsewhere, two).notes.contains("has more conditions"));
}

#[test]
fn shares_out_weights_by_taking_over() {
    let made =
        canary(&http(&format!("{{matches: [{{path: {{value: /a}}}}], {TO_WEB}}}")), "weight: 10");
    let methods: Vec<String> =
        (0..10).map(|at| made.at(&format!("/spec/rules/0/matches/{at}/method"))).collect();
    assert_eq!(
        methods.join(" ").replace('"', ""),
        "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH nothing"
    );
    assert_eq!(made.at("/spec/rules/0/matches/8/path"), r#"{"value":"/a"}"#);
    assert_eq!(made.at("/spec/rules/0/filters"), "nothing", "only the share carries the tag");
    assert_eq!(
        made.at("/spec/rules/0/backendRefs"),
        r#"[{"name":"web","port":80,"weight":90},{"filters":[{"requestHeaderModifier":{"set":[{"name":"x-mse-tag","value":"gray"}]},"type":"RequestHeaderModifier"}],"name":"web-mse-gray","port":80,"weight":10}]"#
    );
    assert!(made.notes.contains("HTTPRouteMethodMatching"), "{}", made.notes);
    assert!(made.notes.contains("- name: web-mse-gray"), "{}", made.notes);
    let of_all = canary(&http(&format!("{{{TO_WEB}}}")), "weight: 0");
    assert_eq!(of_all.at("/spec/rules/0/matches/0/path"), r#"{"type":"PathPrefix","value":"/"}"#);
    let matches = |count: usize| {
        let all: Vec<String> = (0..count).map(|at| format!("{{path: {{value: /{at}}}}}")).collect();
        format!("{{matches: [{}], {TO_WEB}}}", all.join(", "))
    };
    canary(&http(&matches(7)), "weight: 10");
    refused(&http(&matches(8)), "weight: 10", "this rule would have 72 matches");
    let three = [matches(7), matches(7), matches(1)].join(", ");
    refused(&http(&three), "weight: 10", "it would have 135 matches");
    let method = format!("{{matches: [{{method: GET}}], {TO_WEB}}}");
    refused(&http(&method), "weight: 10", "it matches the method here");
    let redirect = "{matches: [{headers: [{name: x-forwarded-proto, value: http}]}], filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}";
    let beside = http(&format!("{redirect}, {{{TO_WEB}}}"));
    refused(&beside, "weight: 10", "would lose its requests");
    refused(&beside, "weight: 10", "port: …");
}

#[test]
fn a_grpc_route_is_no_entry() {
    let grpc = format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {{name: web}}\nspec: {{rules: [{{{TO_WEB}}}]}}\n"
    );
    for class in ["", "  gateway: {class: gateway-api}\n"] {
        let spec = format!("{{route: GRPCRoute/web, match: {{{HEADER}}}}}");
        let error = made(&grpc, class, &spec).err().unwrap();
        assert!(error.contains("this version serves no GRPCRoute"), "{error}");
    }
}

#[test]
fn annotations_about_the_baseline_stay_there() {
    let route = http(&format!("{{{TO_WEB}}}")).replace(
        "{name: web}",
        "{name: web, annotations: {external-dns.alpha.kubernetes.io/hostname: shop.example.com}}",
    );
    let made = canary(&route, HEADER);
    assert!(!made.text.contains("external-dns"), "{}", made.text);
}

#[test]
fn comments_and_style_of_the_baseline_stay() {
    let route = "\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  parentRefs:
  - name: shop # the public one
  hostnames:
  - \"shop.example.com\"
  rules:
  # everything else
  - matches:
    - path:
        type: PathPrefix
        value: /
    backendRefs:
    - name: web # the shop
      port: 80
";
    let made = canary(route, HEADER);
    let (_, spec) = made.text.split_once("spec:\n").unwrap();
    assert_eq!(
        spec,
        "  parentRefs:
  - name: shop # the public one
  hostnames:
  - \"shop.example.com\"
  rules:
  # everything else
  - matches:
    - path:
        type: PathPrefix
        value: /
      headers:
      - name: x-user-id
        value: \"100\"
    filters:
    - type: RequestHeaderModifier
      requestHeaderModifier:
        set:
        - name: x-mse-tag
          value: gray
    backendRefs:
    - name: web-mse-gray # the shop
      port: 80
"
    );
}

#[test]
fn what_is_no_http_route_is_told() {
    for rules in [
        format!("{{matches: {{a: b}}, {TO_WEB}}}"),
        format!("{{matches: [text], {TO_WEB}}}"),
        format!(
            "{{filters: [{{type: RequestHeaderModifier, requestHeaderModifier: text}}], {TO_WEB}}}"
        ),
    ] {
        refused(&http(&rules), HEADER, "is not formed as Kubernetes wants it");
    }
}

#[test]
fn what_is_no_route_is_refused_with_its_place() {
    for (rules, expected) in [
        (
            "{matches: {path: {value: /x}}, BACKENDS}",
            "`spec.rules[].matches` is a mapping, not a list",
        ),
        ("{matches: [~], BACKENDS}", "`spec.rules[].matches[]` is null, not a mapping"),
        ("{matches: [/x], BACKENDS}", "`spec.rules[].matches[]` is"),
        (
            "{matches: [{headers: {x: y}}], BACKENDS}",
            "`spec.rules[].matches[].headers` is a mapping",
        ),
        ("{filters: [x], BACKENDS}", "`spec.rules[].filters[]` is"),
        ("BACKENDS, x", "`spec.rules[]` is"),
        (
            "{backendRefs: [{name: web, port: 80, weight: '7'}]}",
            "backendRefs[].weight` is a string, not a whole number",
        ),
    ] {
        let rules = rules.replace("BACKENDS, x", &format!("{{{TO_WEB}}}, x"));
        for matches in [HEADER, "weight: 10"] {
            let route = http(&rules.replace("BACKENDS", TO_WEB));
            refused(&route, matches, expected.trim_start_matches('`'));
            refused(&route, matches, "all.yaml:");
        }
    }
}
