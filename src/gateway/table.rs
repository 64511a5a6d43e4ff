//! What each Ingress dialect can express, as one table: a row for every capability, and for each
//! class what comes of it.

use super::fixture::{INGRESS, canary, cookie, exact, nothing, regex, written};
use super::{Anchoring, Base, Lanes, backends, of};
use crate::diagnostic::Diagnostic;
use crate::spec::{CookieMatch, GatewayClass, Match, NameMatch};

/// What comes of a match.
enum Verdict {
    /// The canary has these lines, whatever else it has.
    Has(&'static [&'static str]),
    /// It is refused with this in the message.
    Refused(&'static str),
}
use Verdict::{Has, Refused};

const CLASSES: [GatewayClass; 5] = [
    GatewayClass::Mse,
    GatewayClass::Apig,
    GatewayClass::Higress,
    GatewayClass::Nginx,
    GatewayClass::Alb,
];

fn headers(headers: Vec<NameMatch>) -> Match {
    Match { headers, ..nothing() }
}

fn query(query: Vec<NameMatch>) -> Match {
    Match { query, ..nothing() }
}

fn by_cookie(cookie: CookieMatch) -> Match {
    Match { cookie: Some(cookie), ..nothing() }
}

/// Rows: the match, and a verdict for each of [`CLASSES`].
fn rows() -> Vec<(&'static str, Match, [Verdict; 5])> {
    let header = || exact("x-user-id", "1.0");
    vec![
        (
            "header, exact",
            headers(vec![header()]),
            [
                Has(&[
                    "nginx.*/canary-by-header: x-user-id",
                    "nginx.*/canary-by-header-value: 1.0",
                ]),
                Has(&[
                    "nginx.*/canary-by-header: x-user-id",
                    "nginx.*/canary-by-header-value: 1.0",
                ]),
                Has(&[
                    "nginx.*/canary-by-header: x-user-id",
                    r"nginx.*/canary-by-header-pattern: ^1\.0$",
                ]),
                Has(&[
                    "nginx.*/canary-by-header: x-user-id",
                    "nginx.*/canary-by-header-value: 1.0",
                ]),
                Has(&[
                    r#"alb.*/conditions.web-mse-gray: [{"type":"Header","headerConfig":{"key":"x-user-id","values":["1.0"]}}]"#,
                ]),
            ],
        ),
        (
            "what `graylane init` proposes",
            headers(vec![exact("x-gray", "true")]),
            [
                Has(&["nginx.*/canary-by-header-value: true"]),
                Has(&["nginx.*/canary-by-header-value: true"]),
                Has(&["nginx.*/canary-by-header-pattern: ^true$"]),
                Has(&["nginx.*/canary-by-header-value: true"]),
                Has(&["alb.*/order: 9"]),
            ],
        ),
        (
            "header, always",
            headers(vec![exact("x", "always")]),
            [
                Has(&["nginx.*/canary-by-header-value: always"]),
                Has(&["nginx.*/canary-by-header-value: always"]),
                Has(&["nginx.*/canary-by-header-pattern: ^always$"]),
                Has(&["nginx.*/canary-by-header-value: always"]),
                Has(&[
                    r#"alb.*/conditions.web-mse-gray: [{"type":"Header","headerConfig":{"key":"x","values":["always"]}}]"#,
                ]),
            ],
        ),
        (
            "header, never",
            headers(vec![exact("x", "never")]),
            [
                Has(&["nginx.*/canary-by-header-value: never"]),
                Has(&["nginx.*/canary-by-header-value: never"]),
                Has(&["nginx.*/canary-by-header-pattern: ^never$"]),
                Refused("how clients of ingress-nginx ask for the baseline"),
                Has(&[
                    r#"alb.*/conditions.web-mse-gray: [{"type":"Header","headerConfig":{"key":"x","values":["never"]}}]"#,
                ]),
            ],
        ),
        (
            "header, regular expression",
            headers(vec![regex("x", "^[0-9]+$")]),
            [
                Has(&["nginx.*/canary-by-header-pattern: ^[0-9]+$"]),
                Has(&["nginx.*/canary-by-header-pattern: ^[0-9]+$"]),
                Has(&["nginx.*/canary-by-header-pattern: ^[0-9]+$"]),
                Has(&["nginx.*/canary-by-header-pattern: ^[0-9]+$"]),
                Refused("`alb` cannot match the header `x` by a regular expression"),
            ],
        ),
        (
            "header, look-around",
            headers(vec![regex("x", "^(?=1)")]),
            [
                Refused("look-around"),
                Refused("look-around"),
                Refused("look-around"),
                Refused("look-around"),
                Refused("by a regular expression"),
            ],
        ),
        (
            "two headers",
            headers(vec![header(), exact("x-b", "2")]),
            [
                Refused("2 headers at once"),
                Refused("2 headers at once"),
                Refused("2 headers at once"),
                Refused("2 headers at once"),
                Has(&[
                    r#"alb.*/conditions.web-mse-gray: [{"type":"Header","headerConfig":{"key":"x-user-id","values":["1.0"]}},{"type":"Header","headerConfig":{"key":"x-b","values":["2"]}}]"#,
                ]),
            ],
        ),
        (
            "header, white space around",
            headers(vec![exact("x", " 1")]),
            [
                Refused("white space around it"),
                Refused("white space around it"),
                Refused("white space around it"),
                Refused("white space around it"),
                Refused("white space around it"),
            ],
        ),
        (
            "cookie",
            by_cookie(cookie("c", None)),
            [
                Has(&["nginx.*/canary-by-cookie: c"]),
                Has(&["nginx.*/canary-by-cookie: c"]),
                Has(&["nginx.*/canary-by-cookie: c"]),
                Has(&["nginx.*/canary-by-cookie: c"]),
                Has(&[
                    r#"alb.*/conditions.web-mse-gray: [{"type":"Cookie","cookieConfig":{"values":[{"key":"c","value":"always"}]}}]"#,
                ]),
            ],
        ),
        (
            "cookie, always",
            by_cookie(cookie("c", Some("always"))),
            [
                Has(&["mse.*/canary-by-cookie-value: always"]),
                Has(&["higress.*/canary-by-cookie-value: always"]),
                Has(&["nginx.*/canary-by-cookie: c"]),
                Has(&["nginx.*/canary-by-cookie: c"]),
                Has(&[
                    r#"alb.*/conditions.web-mse-gray: [{"type":"Cookie","cookieConfig":{"values":[{"key":"c","value":"always"}]}}]"#,
                ]),
            ],
        ),
        (
            "cookie, value",
            by_cookie(cookie("c", Some("v"))),
            [
                Has(&["nginx.*/canary-by-cookie: c", "mse.*/canary-by-cookie-value: v"]),
                Has(&["nginx.*/canary-by-cookie: c", "higress.*/canary-by-cookie-value: v"]),
                Refused("`higress` cannot match the cookie `c` by this value"),
                Refused("`nginx` cannot match the cookie `c` by this value"),
                Has(&[
                    r#"alb.*/conditions.web-mse-gray: [{"type":"Cookie","cookieConfig":{"values":[{"key":"c","value":"v"}]}}]"#,
                ]),
            ],
        ),
        (
            "cookie, never",
            by_cookie(cookie("c", Some("never"))),
            [
                Has(&["mse.*/canary-by-cookie-value: never"]),
                Has(&["higress.*/canary-by-cookie-value: never"]),
                Refused("cannot match the cookie `c` by this value"),
                Refused("cannot match the cookie `c` by this value"),
                Has(&[
                    r#"alb.*/conditions.web-mse-gray: [{"type":"Cookie","cookieConfig":{"values":[{"key":"c","value":"never"}]}}]"#,
                ]),
            ],
        ),
        (
            "cookie beside a header",
            Match { cookie: Some(cookie("c", None)), ..headers(vec![header()]) },
            [
                Refused("a cookie beside a header"),
                Refused("a cookie beside a header"),
                Refused("a cookie beside a header"),
                Refused("a cookie beside a header"),
                Has(&["alb.*/order: 9"]),
            ],
        ),
        (
            "query, exact",
            query(vec![exact("q", "v")]),
            [
                Has(&["mse.*/canary-by-query: q", "mse.*/canary-by-query-value: v"]),
                Has(&["higress.*/canary-by-query: q", "higress.*/canary-by-query-value: v"]),
                Refused("the query parameter `q` by value"),
                Refused("the query parameter `q` by value"),
                Has(&[
                    r#"alb.*/conditions.web-mse-gray: [{"type":"QueryString","queryStringConfig":{"values":[{"key":"q","value":"v"}]}}]"#,
                ]),
            ],
        ),
        (
            "query, regular expression",
            query(vec![regex("q", "^v")]),
            [
                Has(&["mse.*/canary-by-query-pattern: ^v"]),
                Has(&["higress.*/canary-by-query-pattern: ^v"]),
                Refused("the query parameter `q`"),
                Refused("the query parameter `q`"),
                Refused("the query parameter `q` by a regular expression"),
            ],
        ),
        (
            "header and query",
            Match { query: vec![exact("q", "v")], ..headers(vec![header()]) },
            [
                Has(&["nginx.*/canary-by-header: x-user-id", "mse.*/canary-by-query: q"]),
                Has(&["nginx.*/canary-by-header: x-user-id", "higress.*/canary-by-query: q"]),
                Refused("the query parameter `q` by value"),
                Refused("the query parameter `q` by value"),
                Has(&["alb.*/order: 9"]),
            ],
        ),
        (
            "two query parameters",
            query(vec![exact("q", "v"), exact("r", "w")]),
            [
                Refused("2 query parameters at once"),
                Refused("2 query parameters at once"),
                Refused("the query parameter `r` by value"),
                Refused("the query parameter `r` by value"),
                Has(&["alb.*/order: 9"]),
            ],
        ),
        (
            "weight",
            Match { weight: Some(10), ..nothing() },
            [
                Has(&["nginx.*/canary-weight: 10"]),
                Has(&["nginx.*/canary-weight: 10"]),
                Has(&["nginx.*/canary-weight: 10"]),
                Has(&["nginx.*/canary-weight: 10"]),
                Has(&["alb.*/canary: true", "alb.*/canary-weight: 10"]),
            ],
        ),
        (
            "weight beside a header",
            Match { weight: Some(10), ..headers(vec![header()]) },
            [
                Refused("`mse` ignores `weight`"),
                Refused("`apig` ignores `weight`"),
                Refused("`higress` ignores `weight`"),
                Has(&["nginx.*/canary-by-header: x-user-id", "nginx.*/canary-weight: 10"]),
                Refused("`alb` refuses `weight`"),
            ],
        ),
    ]
}

fn text(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_class_keeps_to_the_table() {
    for (what, route, verdicts) in rows() {
        for (class, verdict) in CLASSES.into_iter().zip(verdicts) {
            let made = canary(of(class), INGRESS, &route);
            match (verdict, made) {
                (Has(lines), Ok(made)) => {
                    let annotations = made.document.at(&["metadata", "annotations"]).unwrap();
                    let there: Vec<String> = annotations
                        .entries()
                        .map(|(key, value)| format!("{key}: {}", value.as_str().unwrap()))
                        .map(|line| line.replacen(".ingress.kubernetes.io/", ".*/", 1))
                        .collect();
                    for line in lines {
                        assert!(
                            there.iter().any(|it| it == line),
                            "{class}, {what}: {line} in {there:#?}"
                        );
                    }
                    let is_canary = there.iter().any(|line| line.ends_with("/canary: true"));
                    let is_rule =
                        there.iter().any(|line| line.starts_with("alb.*/actions.web-mse-gray: "));
                    assert!(is_canary != is_rule, "{class}, {what}: one form of {there:#?}");
                    assert_eq!(backends(made.document.root()), ["web-mse-gray"], "{class}, {what}");
                }
                (Refused(why), Err(errors)) => {
                    let error = text(&errors);
                    assert!(error.contains(why), "{class}, {what}: {why} in\n{error}");
                }
                (_, Ok(made)) => panic!("{class}, {what}:\n{}", made.document.to_text()),
                (_, Err(errors)) => panic!("{class}, {what}:\n{}", text(&errors)),
            }
        }
    }
}

/// The line by which a class sets the tag header, with and without a match; how far its regular
/// expressions reach, how many lanes a path can have, and what finds the base.
#[test]
fn every_class_sets_the_tag_as_the_table_says() {
    type Row = (GatewayClass, Option<&'static str>, Option<&'static str>, Anchoring, Lanes, Base);
    let rows: [Row; 5] = [
        (
            GatewayClass::Mse,
            Some("mse.ingress.kubernetes.io/request-header-control-update: x-mse-tag gray\n"),
            Some("mse.ingress.kubernetes.io/request-header-control-update: x-mse-tag gray\n"),
            Anchoring::Unknown,
            Lanes::Many,
            Base::HostPathAndTypeNormalised,
        ),
        (
            GatewayClass::Apig,
            Some("higress.ingress.kubernetes.io/request-header-control-update: x-mse-tag gray\n"),
            Some("higress.ingress.kubernetes.io/request-header-control-update: x-mse-tag gray\n"),
            Anchoring::Unknown,
            Lanes::Many,
            Base::HostPathAndTypeNormalised,
        ),
        (
            GatewayClass::Higress,
            Some(" higress.io/request-header-control-update: x-mse-tag gray\n"),
            Some(" higress.io/request-header-control-update: x-mse-tag gray\n"),
            Anchoring::Search,
            Lanes::Many,
            Base::HostPathAndTypeNormalised,
        ),
        (GatewayClass::Nginx, None, None, Anchoring::Search, Lanes::One, Base::HostPathAndType),
        (
            GatewayClass::Alb,
            Some(
                r#""InsertHeaderConfig":{"key":"x-mse-tag","value":"gray","valueType":"UserDefined"}"#,
            ),
            None,
            Anchoring::Whole,
            Lanes::Matches,
            Base::NotNeeded,
        ),
    ];
    let by_header = headers(vec![exact("x", "1")]);
    let by_weight = Match { weight: Some(1), ..nothing() };
    for (class, with_match, by_weight_alone, regex, lanes, base) in rows {
        let gateway = of(class);
        assert_eq!(gateway.class(), class);
        for (route, line) in [(&by_header, with_match), (&by_weight, by_weight_alone)] {
            let text = written(gateway, INGRESS, route).unwrap();
            assert_eq!(gateway.sets_tag_header(route), line.is_some(), "{class}");
            match line {
                Some(line) => assert!(text.contains(line), "{class}: {line} in\n{text}"),
                None => assert!(!text.contains("x-mse-tag"), "{class}:\n{text}"),
            }
        }
        let can = gateway.capabilities();
        assert_eq!((can.regex, can.lanes, can.base), (regex, lanes, base), "{class}");
    }
}

#[test]
fn expressions_that_match_a_part_are_told_of() {
    let notes = |class, pattern| {
        let route = headers(vec![regex("x", pattern)]);
        text(&canary(of(class), INGRESS, &route).unwrap().notes)
    };
    assert!(notes(GatewayClass::Nginx, "1").contains("searches `x` for `1`"));
    assert!(notes(GatewayClass::Higress, "^1").contains("searches `x` for `^1`"));
    assert!(notes(GatewayClass::Mse, "1$").contains("does not say whether `1$`"));
    for class in CLASSES.into_iter().filter(|class| *class != GatewayClass::Alb) {
        assert_eq!(notes(class, "^(1|2)$"), "", "{class}");
    }
}

/// Shapes of Ingresses that no canary can be made of are told of; none of them stops the program.
#[test]
fn every_shape_of_an_ingress_is_understood() {
    let route = Match { weight: Some(1), ..nothing() };
    let backend = "{service: {name: web, port: {number: 80}}}";
    let path = format!("{{path: /, pathType: Prefix, backend: {backend}}}");
    for class in CLASSES {
        let made = |spec: &str| {
            let text = format!(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: shop}}\nspec: {spec}\n"
            );
            written(of(class), &text, &route)
        };
        let hosts = made(&format!(
            "{{tls: [{{hosts: [a.example.com], secretName: tls}}], rules: [{{host: a.example.com, http: {{paths: [{path}]}}}}, \
             {{host: no-http.example.com}}, {{host: \"*.example.com\", http: {{paths: [{path}, \
             {{path: /files, pathType: Prefix, backend: {{resource: {{apiGroup: x, kind: Bucket, name: web}}}}}}]}}}}]}}"
        ))
        .unwrap();
        assert!(
            hosts.contains("tls: [{hosts: [a.example.com], secretName: tls}]"),
            "{class}: {hosts}"
        );
        assert!(hosts.contains("host: a.example.com") && hosts.contains("host: \"*.example.com\""));
        assert!(!hosts.contains("no-http") && !hosts.contains("Bucket"), "{class}: {hosts}");
        let only_default = made(&format!("{{defaultBackend: {backend}}}")).unwrap_err();
        assert!(only_default.contains("by its default backend alone"), "{class}: {only_default}");
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: shop}}\nspec:\n  defaultBackend: {backend}\n  \
             rules: [{{http: {{paths: [{path}]}}}}]\n"
        );
        let both = canary(of(class), &text, &route).unwrap();
        let notes = both.notes.iter().map(Diagnostic::to_string).collect::<String>();
        assert!(notes.contains("a canary has no default backend"), "{class}: {notes}");
        assert!(both.document.at(&["spec", "defaultBackend"]).is_none(), "{class}");
        for empty in ["{}", "{rules: []}", "{rules: [{host: a}]}", "{rules: null}", "[]", "1"] {
            let error = made(empty).unwrap_err();
            assert!(
                error.contains("no path of this Ingress leads to a Service"),
                "{class} {empty}: {error}"
            );
        }
    }
}
