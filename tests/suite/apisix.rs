//! Canary routes of APISIX: every match it has, and what it refuses.

use crate::routes::{HEADER, canary, made, refused};

fn apisix_ingress(annotations: &str, rules: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web, annotations: {{{annotations}}}}}\n\
         spec:\n  ingressClassName: apisix\n  rules: [{rules}]\n"
    )
}

fn path(path: &str, kind: &str, service: &str) -> String {
    format!(
        "{{path: {path}, pathType: {kind}, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}"
    )
}

fn rule(paths: &str) -> String {
    format!("{{host: shop.example.com, http: {{paths: [{paths}]}}}}")
}

/// An ApisixRoute with these entries under `http`.
fn apisix(entries: &str) -> String {
    format!(
        "apiVersion: apisix.apache.org/v2\nkind: ApisixRoute\nmetadata: {{name: web}}\nspec:\n  http: [{entries}]\n"
    )
}

/// An entry of an ApisixRoute that leads to `web`, with more fields.
fn entry(more: &str) -> String {
    format!(
        "{{name: web, match: {{hosts: [shop.example.com], paths: [/*]}}, backends: [{{serviceName: web, servicePort: 80}}]{more}}}"
    )
}

#[test]
fn matches_what_its_table_says() {
    let expression = |scope: &str, name: &str, op: &str, value: &str| {
        format!(
            r#"{{"op":"{op}","subject":{{"name":"{name}","scope":"{scope}"}},"value":"{value}"}}"#
        )
    };
    let rows = [
        (HEADER, vec![expression("Header", "x-user-id", "Equal", "100")]),
        (
            "headers: [{name: x-user-id, regex: 1.*|2}]",
            vec![expression("Header", "x-user-id", "RegexMatch", "^(?:1.*|2)$")],
        ),
        (
            "headers: [{name: a, exact: '1'}, {name: b_c, exact: '2'}]",
            vec![
                expression("Header", "a", "Equal", "1"),
                expression("Header", "b_c", "Equal", "2"),
            ],
        ),
        ("cookie: {name: lane, value: gray}", vec![expression("Cookie", "lane", "Equal", "gray")]),
        ("query: [{name: g, exact: a}]", vec![expression("Query", "g", "Equal", "a")]),
        ("query: [{name: g, regex: a+}]", vec![expression("Query", "g", "RegexMatch", "^(?:a+)$")]),
        (
            "headers: [{name: a, exact: '1'}], query: [{name: g, exact: a}], cookie: {name: c, value: d}",
            vec![
                expression("Header", "a", "Equal", "1"),
                expression("Query", "g", "Equal", "a"),
                expression("Cookie", "c", "Equal", "d"),
            ],
        ),
    ];
    for (matches, expected) in rows {
        for route in [apisix(&entry("")), apisix_ingress("", &rule(&path("/", "Prefix", "web")))] {
            let made = canary(&route, matches);
            assert_eq!(made.at("/spec/http/0/match/exprs"), format!("[{}]", expected.join(",")));
            assert_eq!(made.at("/spec/http/0/priority"), "1", "{matches}");
            assert_eq!(made.at("/spec/http/0/backends/0/serviceName"), "\"web-mse-gray\"");
            assert_eq!(
                made.at("/spec/http/0/plugins"),
                r#"[{"config":{"headers":{"set":{"x-mse-tag":"gray"}}},"enable":true,"name":"proxy-rewrite"}]"#
            );
        }
    }
    for (matches, expected) in [
        ("cookie: {name: lane}", "cannot match the cookie `lane` without a value"),
        ("headers: [{name: a.b, exact: '1'}]", "never sees the header `a.b`"),
        ("headers: [{name: a, regex: '(?=x)y'}]", "look-around"),
        ("headers: [{name: a, regex: '(?x)y # z'}]", "gateways differ in how they read the flags"),
        ("headers: [{name: a, exact: '1'}], weight: 10", "refuses `weight` beside"),
    ] {
        refused(&apisix(&entry("")), matches, expected);
    }
}

#[test]
fn takes_over_the_paths_of_an_ingress() {
    for (written, kind, expected) in [
        ("/", "Prefix", r#"["/","/*"]"#),
        ("/api", "Prefix", r#"["/api","/api/*"]"#),
        ("/api/", "Prefix", r#"["/api/","/api/*"]"#),
        ("/api", "Exact", r#"["/api"]"#),
        ("/api*", "ImplementationSpecific", r#"["/api*"]"#),
    ] {
        let others =
            format!("{}, {}", path("/other", "Prefix", "other"), path(written, kind, "web"));
        let made = canary(&apisix_ingress("", &rule(&others)), HEADER);
        assert_eq!(made.at("/spec/http/0/match/paths"), expected, "{written} {kind}");
        assert_eq!(made.at("/spec/http/0/match/hosts"), r#"["shop.example.com"]"#);
        assert_eq!(made.at("/spec/http/1"), "nothing", "only what leads into the lane");
    }
    let both = format!("{}, {}", path("/a", "Exact", "web"), path("/b", "Exact", "web"));
    let made = canary(&apisix_ingress("", &format!("{}, {}", rule(&both), rule(&both))), HEADER);
    let names: Vec<String> = (0..4).map(|at| made.at(&format!("/spec/http/{at}/name"))).collect();
    assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{names:?}");
    assert_eq!(made.at("/spec/ingressClassName"), "\"apisix\"");
    let by_annotation = apisix_ingress("kubernetes.io/ingress.class: apisix", &rule(&both))
        .replace("  ingressClassName: apisix\n", "");
    assert_eq!(canary(&by_annotation, HEADER).at("/spec/ingressClassName"), "\"apisix\"");
}

#[test]
fn keeps_what_annotations_of_an_ingress_say_or_refuses() {
    let rules = rule(&path("/", "Prefix", "web"));
    let annotations = "k8s.apisix.apache.org/plugin-config-name: shop, k8s.apisix.apache.org/enable-websocket: 'true', \
                       k8s.apisix.apache.org/enable-cors: 'false'";
    let made = canary(&apisix_ingress(annotations, &rules), HEADER);
    assert_eq!(made.at("/spec/http/0/plugin_config_name"), "\"shop\"");
    assert_eq!(made.at("/spec/http/0/websocket"), "true");
    assert!(
        made.notes.contains("in place of one that the ApisixPluginConfig `shop`"),
        "{}",
        made.notes
    );
    let refusing = "k8s.apisix.apache.org/rewrite-target: /x";
    refused(&apisix_ingress(refusing, &rules), HEADER, "would not hold for the lane");
}

#[test]
fn shares_out_weights() {
    let ingress = apisix_ingress("", &rule(&path("/", "Prefix", "web")));
    for route in [apisix(&entry("")), ingress] {
        let made = canary(&route, "weight: 10");
        assert_eq!(
            made.at("/spec/http/0/backends"),
            r#"[{"serviceName":"web","servicePort":80,"weight":90},{"serviceName":"web-mse-gray","servicePort":80,"weight":10}]"#
        );
        assert_eq!(made.at("/spec/http/0/plugins"), "nothing", "a tag would be on all requests");
        assert_eq!(made.at("/spec/http/0/match/exprs"), "nothing");
        assert!(made.notes.contains("come without `x-mse-tag`"), "{}", made.notes);
    }
    let two = "{name: w, match: {paths: [/*]}, backends: [{serviceName: web, servicePort: 80, weight: 90}, {serviceName: other, servicePort: 80, weight: 10}]}";
    let made = canary(&apisix(two), "weight: 10");
    let weights: Vec<String> =
        (0..3).map(|at| made.at(&format!("/spec/http/0/backends/{at}/weight"))).collect();
    assert_eq!(weights, ["81", "10", "9"]);
    let none = two.replace("weight: 90", "weight: 0");
    refused(&apisix(&none), "weight: 10", "leave no share");
    refused(&apisix(&none), HEADER, "have weight 0");
    refused(
        &apisix(&entry(", upstreams: [{name: u}]")),
        "weight: 10",
        "where an entry has `upstreams`",
    );
}

#[test]
fn repeats_what_an_entry_says() {
    let whole = "{name: web, priority: 5, match: {hosts: [a.example.com, '*.b.example.com'], paths: [/a, /b*], methods: [GET], \
                 exprs: [{subject: {scope: Header, name: x-env}, op: In, set: [a, b]}]}, timeout: {read: 5s}, websocket: true, \
                 backends: [{serviceName: other, servicePort: 80}, {serviceName: web, servicePort: http, resolveGranularity: service}], \
                 upstreams: [{name: legacy}], plugins: [{name: limit-count, enable: true, config: {count: 1}}], plugin_config_name: shop}";
    let other =
        "{name: other, match: {paths: [/*]}, backends: [{serviceName: other, servicePort: 80}]}";
    let made = canary(&apisix(&format!("{other}, {whole}")), HEADER);
    assert_eq!(made.at("/spec/http/1"), "nothing");
    assert_eq!(made.at("/spec/http/0/priority"), "6");
    for (pointer, expected) in [
        ("match/hosts", r#"["a.example.com","*.b.example.com"]"#),
        ("match/paths", r#"["/a","/b*"]"#),
        ("match/methods", r#"["GET"]"#),
        ("match/exprs/0/set", r#"["a","b"]"#),
        ("match/exprs/1/value", "\"100\""),
        ("timeout", r#"{"read":"5s"}"#),
        ("websocket", "true"),
        ("plugins/0/name", "\"limit-count\""),
        ("plugins/1/name", "\"proxy-rewrite\""),
        ("plugin_config_name", "\"shop\""),
        ("upstreams", "nothing"),
        (
            "backends",
            r#"[{"resolveGranularity":"service","serviceName":"web-mse-gray","servicePort":"http"}]"#,
        ),
    ] {
        assert_eq!(made.at(&format!("/spec/http/0/{pointer}")), expected, "{pointer}");
    }
    assert!(made.notes.contains("`legacy`, `other` of this entry get none"), "{}", made.notes);
    assert!(made.notes.contains("ApisixPluginConfig `shop`"), "{}", made.notes);
}

#[test]
fn has_one_value_of_the_tag_header() {
    for (config, expected) in [
        ("{uri: /x}", r#"{"headers":{"set":{"x-mse-tag":"gray"}},"uri":"/x"}"#),
        ("{headers: {X-Env: prod}}", r#"{"headers":{"X-Env":"prod","x-mse-tag":"gray"}}"#),
        ("{headers: {X-MSE-Tag: base}}", r#"{"headers":{"X-MSE-Tag":"gray"}}"#),
        (
            "{headers: {set: {a: b, X-Mse-Tag: base}, add: {X-MSE-TAG: c}, remove: [x-mse-tag, d]}}",
            r#"{"headers":{"remove":["d"],"set":{"X-Mse-Tag":"gray","a":"b"}}}"#,
        ),
        ("{headers: {remove: [d]}}", r#"{"headers":{"remove":["d"],"set":{"x-mse-tag":"gray"}}}"#),
    ] {
        let plugin =
            format!(", plugins: [{{name: proxy-rewrite, enable: true, config: {config}}}]");
        let made = canary(&apisix(&entry(&plugin)), HEADER);
        assert_eq!(made.at("/spec/http/0/plugins/0/config"), expected, "{config}");
        assert_eq!(made.at("/spec/http/0/plugins/1"), "nothing");
    }
    let off = ", plugins: [{name: proxy-rewrite, enable: false, config: {uri: /x}}]";
    let made = canary(&apisix(&entry(off)), HEADER);
    assert_eq!(made.at("/spec/http/0/plugins/0/enable"), "true");
    assert_eq!(made.at("/spec/http/0/plugins/0/config/uri"), "nothing");
    let listed = ", plugins: [{name: proxy-rewrite, enable: true, config: {headers: [a]}}]";
    refused(&apisix(&entry(listed)), HEADER, "are a list");
    let secret = ", plugins: [{name: proxy-rewrite, enable: true, secretRef: s}]";
    refused(&apisix(&entry(secret)), HEADER, "from a Secret");
}

#[test]
fn refuses_what_a_priority_cannot_decide() {
    let other = "{name: o, priority: 1, match: {paths: [/*]}, backends: [{serviceName: other, servicePort: 80}]}";
    let both = format!("{}, {other}", entry(""));
    refused(
        &apisix(&both),
        HEADER,
        "would have priority 1, which another entry for the same path has",
    );
    let split = ", plugins: [{name: traffic-split, enable: true, config: {}}]";
    refused(&apisix(&entry(split)), HEADER, "traffic-split");
    let old = apisix(&entry(""))
        .replace("apisix.org/v2", "x")
        .replace("apisix.apache.org/v2", "apisix.apache.org/v2beta3");
    refused(&old, HEADER, "has apiVersion apisix.apache.org/v2beta3");
    let elsewhere = made(
        &apisix(
            "{name: o, match: {paths: [/*]}, backends: [{serviceName: other, servicePort: 80}]}",
        ),
        "",
        &format!("{{route: ApisixRoute/web, match: {{{HEADER}}}}}"),
    );
    assert!(elsewhere.err().unwrap().contains("leads to a Service that has a gray copy"));
}

#[test]
fn what_is_no_apisix_route_is_told() {
    let with = |matches: &str| {
        apisix(&format!(
            "{{name: web, match: {matches}, backends: [{{serviceName: web, servicePort: 80}}]}}"
        ))
    };
    refused(&with("text"), HEADER, "has no `match.paths`");
    refused(&with("{paths: /a}"), HEADER, "has no `match.paths`");
    refused(
        &apisix(&entry(", plugins: [{name: proxy-rewrite, enable: true, config: text}]")),
        HEADER,
        "is not formed",
    );
}

#[test]
fn a_canary_takes_the_name_of_no_other_route() {
    let ingress = apisix_ingress("", &rule(&path("/", "Prefix", "web")));
    let other = apisix(&entry(""))
        .replace("{name: web}", "{name: web-mse-gray}")
        .replace("serviceName: web", "serviceName: other");
    refused(&format!("{ingress}---\n{other}"), HEADER, "which the baseline has already");
}

#[test]
fn what_is_no_route_is_refused_with_its_place() {
    for (more, expected) in [
        (", priority: '5'", "`spec.http[].priority` is a string, not a whole number"),
        (", plugins: {name: x}", "`spec.http[].plugins` is a mapping, not a list"),
        (", plugins: [x]", "`spec.http[].plugins[]` is a string, not a mapping"),
        (", upstreams: x", "`spec.http[].upstreams` is a string, not a list"),
    ] {
        refused(&apisix(&entry(more)), HEADER, expected);
        refused(&apisix(&entry(more)), HEADER, "all.yaml:");
    }
    refused(
        "apiVersion: apisix.apache.org/v2\nkind: ApisixRoute\nmetadata: {name: web}\nspec:\n  http: [{name: a, \
         match: {paths: [/*], exprs: {}}, backends: [{serviceName: web, servicePort: 80, weight: '3'}]}]\n",
        HEADER,
        "`spec.http[].backends[].weight` is a string",
    );
}
