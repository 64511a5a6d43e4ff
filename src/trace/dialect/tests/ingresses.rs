//! Gateways that are told by Ingresses.

use super::super::dropped;
use super::{all, ingress, of, read};
use crate::spec::GatewayClass::{Alb, Apig, Higress, Mse, Nginx};
use crate::trace::Route;

/// kubernetes/ingress-nginx, rootfs/etc/nginx/lua/balancer.lua and annotations/parser/validators.go.
#[test]
fn canaries_of_ingress_nginx() {
    all(
        Nginx,
        &[
            ("canary-by-header: x", "example.com x=always", "gray"),
            ("canary-by-header: x", "example.com X=never", "web"),
            ("canary-by-header: x", "example.com x=other", "web"),
            ("canary-by-header: X-User", "example.com x-user=always", "gray"),
            ("canary-by-header: x; canary-by-header-value: 'a.b'", "example.com x=a.b", "gray"),
            // A value is compared: no expression, and `always` means nothing beside one.
            ("canary-by-header: x; canary-by-header-value: 'a.b'", "example.com x=aXb", "web"),
            ("canary-by-header: x; canary-by-header-value: '1'", "example.com x=always", "web"),
            // A pattern is searched for, and does not count beside a value.
            ("canary-by-header: x; canary-by-header-pattern: '10'", "example.com x=2100", "gray"),
            (
                "canary-by-header: x; canary-by-header-value: '1'; canary-by-header-pattern: '2'",
                "example.com x=2",
                "web",
            ),
            ("canary-by-header: x; canary-by-header-pattern: '(a)\\1'", "example.com x=aa", "?"),
            // What is not decided falls through: header, cookie, weight.
            (
                "canary-by-header: x; canary-by-cookie: c; canary-weight: '10'",
                "example.com x=other @c=always",
                "gray",
            ),
            (
                "canary-by-header: x; canary-by-cookie: c; canary-weight: '10'",
                "example.com @c=never",
                "web",
            ),
            (
                "canary-by-header: x; canary-by-header-value: '1'; canary-weight: '10'",
                "example.com x=2",
                "10% gray, 90% web",
            ),
            ("canary-by-header: x; canary-weight: '10'", "example.com x=never", "web"),
            // A total counts from 100 on; more than the total is all.
            (
                "canary-weight: '5'; canary-weight-total: '1000'",
                "example.com",
                "0.50% gray, 99.50% web",
            ),
            ("canary-weight: '5'; canary-weight-total: '10'", "example.com", "5% gray, 95% web"),
            ("canary-weight: '200'", "example.com", "gray"),
            // A value with `@` or `,` is not valid, so that it is empty, which asks for `always`.
            ("canary-by-header: x; canary-by-header-value: 'a@b'", "example.com x=a@b", "web"),
            ("canary-by-header: x; canary-by-header-value: 'a@b'", "example.com x=always", "gray"),
            ("canary-by-header: x; canary-by-header-pattern: '^a,b$'", "example.com x=a,b", "web"),
            // Queries are unknown to it.
            ("canary-by-query: q; canary-by-query-value: '1'", "example.com/?q=1", "web"),
        ],
    );
}

/// alibaba/higress, pkg/ingress/kube/annotations/canary.go and config/ingress_config.go.
#[test]
fn canaries_of_higress() {
    all(
        Higress,
        &[
            ("canary-by-header: x", "example.com x=always", "gray"),
            ("canary-by-header: x", "example.com x=never", "web"),
            // A value is a regular expression with `always` beside it.
            ("canary-by-header: x; canary-by-header-value: 'a.b'", "example.com x=aXb", "gray"),
            ("canary-by-header: x; canary-by-header-value: '1'", "example.com x=always", "gray"),
            ("canary-by-header: x; canary-by-header-value: '1'", "example.com x=11", "web"),
            // A pattern is `.*pattern.*`, of which all must match.
            ("canary-by-header: x; canary-by-header-pattern: '10'", "example.com x=2100", "gray"),
            ("canary-by-header: x; canary-by-header-pattern: '^10$'", "example.com x=2100", "web"),
            ("canary-by-header: x; canary-by-header-pattern: 'a|b'", "example.com x=ca", "gray"),
            ("canary-by-header: x; canary-by-header-pattern: 'a|b'", "example.com x=ac", "web"),
            ("canary-by-header: x; canary-by-header-pattern: '(?!a)b'", "example.com x=b", "?"),
            ("canary-by-cookie: c", "example.com @a=1 @c=always", "gray"),
            ("canary-by-cookie: c", "example.com @c=1", "web"),
            // A header wins over a cookie; beside one of them weight has no part.
            ("canary-by-header: x; canary-by-cookie: c", "example.com @c=always", "web"),
            ("canary-by-header: x; canary-weight: '10'", "example.com", "web"),
            // A value without a header ends the reading before the weight.
            ("canary-by-header-value: '1'; canary-weight: '10'", "example.com", "web"),
            ("canary-by-query: q", "example.com/?q=always", "web"),
            ("canary-weight: '10'", "example.com", "10% gray, 90% web"),
            // Shares are whole percents: less than one is nothing.
            ("canary-weight: '5'; canary-weight-total: '1000'", "example.com", "web"),
            ("canary-weight: '15'; canary-weight-total: '1000'", "example.com", "1% gray, 99% web"),
            ("canary-weight: '300'; canary-weight-total: '200'", "example.com", "gray"),
        ],
    );
}

/// Alibaba Cloud, "Annotations supported by MSE Ingress gateways", and its counterpart for APIG.
#[test]
fn canaries_of_mse_and_apig() {
    for class in [Mse, Apig] {
        all(
            class,
            &[
                ("canary-by-header: x", "example.com x=always", "gray"),
                ("canary-by-header: x; canary-by-header-value: 'a.b'", "example.com x=a.b", "gray"),
                ("canary-by-header: x; canary-by-header-value: 'a.b'", "example.com x=aXb", "web"),
                ("canary-by-header: x; canary-by-header-value: '1'", "example.com x=always", "web"),
                (
                    "canary-by-header: x; canary-by-header-pattern: '^1.0$'",
                    "example.com x=100",
                    "gray",
                ),
                // It is not documented how much of a value a pattern must match.
                ("canary-by-header: x; canary-by-header-pattern: '10'", "example.com x=100", "?"),
                ("canary-by-header: x; canary-by-header-pattern: '10'", "example.com x=10", "gray"),
                ("canary-by-cookie: c", "example.com @c=always", "gray"),
                ("canary-by-header: x; canary-by-cookie: c", "example.com @c=always", "gray"),
                ("canary-by-header: x; canary-weight: '10'", "example.com", "web"),
                (
                    "canary-weight: '5'; canary-weight-total: '1000'",
                    "example.com",
                    "0.50% gray, 99.50% web",
                ),
            ],
        );
    }
    let by = |class, own: &str, asked: &str| {
        let annotations = format!(
            "nginx.ingress.kubernetes.io/canary: 'true', nginx.ingress.kubernetes.io/canary-by-header: x, nginx.ingress.kubernetes.io/canary-by-header-value: '1', {own}/canary-by-query: q, {own}/canary-by-query-value: '2'"
        );
        let base = ingress("web", "", "example.com", "/", "Prefix");
        of(class, &(base + &ingress("gray", &annotations, "example.com", "/", "Prefix")), asked)
    };
    // Header and query of one Ingress hold together. Each gateway reads its own prefix.
    let (mse, apig) = ("mse.ingress.kubernetes.io", "higress.ingress.kubernetes.io");
    for (class, own, other) in [(Mse, mse, apig), (Apig, apig, mse)] {
        assert_eq!(by(class, own, "example.com/?q=2 x=1"), "gray");
        assert_eq!(by(class, own, "example.com/?q=3 x=1"), "web");
        assert_eq!(by(class, own, "example.com/?q=2"), "web");
        assert_eq!(by(class, other, "example.com x=1"), "gray");
    }
}

/// What a canary finds its base by, and what is left out without one.
///
/// Sources: alibaba/higress, ingressv1/controller.go; kubernetes/ingress-nginx, controller.go and
/// k8s/main.go (`ImplementationSpecific` is `Prefix`).
#[test]
fn a_canary_needs_its_base() {
    let by = "nginx.ingress.kubernetes.io/canary: 'true', nginx.ingress.kubernetes.io/canary-by-header: x";
    let pair = |base: (&str, &str, &str), gray: (&str, &str, &str)| {
        ingress("web", "", base.0, base.1, base.2) + &ingress("gray", by, gray.0, gray.1, gray.2)
    };
    let example = |path, kind| ("example.com", path, kind);
    for (base, gray, higress, nginx) in [
        (example("/a", "Prefix"), example("/a", "Prefix"), true, true),
        (example("/a", "Prefix"), example("/a", "ImplementationSpecific"), true, true),
        (example("/a", "Prefix"), example("/a/", "Prefix"), true, false),
        (example("/a", "Prefix"), example("/a", "Exact"), false, false),
        (example("/a", "Prefix"), example("/", "Prefix"), false, false),
        (("*.com", "/a", "Prefix"), example("/a", "Prefix"), false, false),
    ] {
        let text = pair(base, gray);
        for (class, is_merged) in [(Higress, higress), (Mse, higress), (Nginx, nginx)] {
            let expected = if is_merged { "gray" } else { "web" };
            assert_eq!(
                of(class, &text, "example.com/a x=always"),
                expected,
                "{class} {base:?} {gray:?}"
            );
            let routes = read(&text);
            let routes: Vec<&Route> = routes.iter().collect();
            assert_eq!(dropped(class, &routes).is_empty(), is_merged, "{class} {gray:?}");
        }
    }
    // ingress-nginx does not merge a canary that leads to the Service of its base.
    let same = pair(example("/", "Prefix"), example("/", "Prefix"))
        .replace("service: {name: gray", "service: {name: web");
    let routes = read(&same);
    let routes: Vec<&Route> = routes.iter().collect();
    assert!(dropped(Nginx, &routes)[0].why.contains("same Service"));
}

/// Several canaries of one path.
#[test]
fn canaries_beside_each_other() {
    let by = |name: &str, what: &str| {
        let what = what.replace("by-", "nginx.ingress.kubernetes.io/canary-by-");
        let what = what.replace("weight", "nginx.ingress.kubernetes.io/canary-weight");
        ingress(
            name,
            &format!("nginx.ingress.kubernetes.io/canary: 'true', {what}"),
            "example.com",
            "/",
            "Prefix",
        )
    };
    let base = ingress("web", "", "example.com", "/", "Prefix");
    let two = base.clone() + &by("blue-gray", "by-header: x") + &by("gray", "by-header: y");
    for class in [Mse, Higress] {
        assert_eq!(of(class, &two, "example.com x=always"), "blue-gray");
        assert_eq!(of(class, &two, "example.com y=always"), "gray");
        // Which one is older is not in manifests.
        assert_eq!(of(class, &two, "example.com x=always y=always"), "?");
    }
    assert_eq!(of(Nginx, &two, "example.com x=always"), "blue-gray");
    assert_eq!(of(Nginx, &two, "example.com y=always"), "web");
    let weights = base + &by("blue-gray", "weight: '60'") + &by("gray", "weight: '60'");
    assert_eq!(of(Mse, &weights, "example.com"), "50% blue-gray, 50% gray");
    assert_eq!(of(Higress, &weights, "example.com"), "50% blue-gray, 50% gray");
    assert_eq!(of(Nginx, &weights, "example.com"), "60% blue-gray, 40% web");
}

/// Hosts and paths of Ingresses.
///
/// Sources: alibaba/higress, common/tool.go (`SortHTTPRoutes`); Envoy, "Route matching" (one virtual
/// host); kubernetes/ingress-nginx, template.go, location.go; nginx.org, "location".
#[test]
fn hosts_and_paths_of_ingresses() {
    let all = ingress("root", "", "example.com", "/", "Prefix")
        + &ingress("a", "", "example.com", "/a", "Prefix")
        + &ingress("ab", "", "example.com", "/a/b", "Prefix")
        + &ingress("exact", "", "example.com", "/a", "Exact")
        + &ingress("wild", "", "*.example.com", "/", "Prefix")
        + &ingress("any", "", "", "/only", "Prefix");
    for (asked, expected) in [
        ("example.com/a", "exact"),
        ("example.com/a/", "a"),
        ("example.com/a/b/c", "ab"),
        ("example.com/ab", "root"),
        ("EXAMPLE.com:8080/x", "root"),
        ("x.example.com/a", "wild"),
        ("other.org/only", "any"),
        ("other.org/x", "-"),
    ] {
        for class in [Mse, Higress, Nginx] {
            assert_eq!(of(class, &all, asked), expected, "{class} {asked}");
        }
    }
    // The wildcard of Envoy reaches over labels, that of ingress-nginx does not.
    assert_eq!(of(Mse, &all, "x.y.example.com/only"), "wild");
    assert_eq!(of(Nginx, &all, "x.y.example.com/only"), "any");
    // One expression makes expressions of all paths of a host, whose case does not count.
    let regex = "nginx.ingress.kubernetes.io/use-regex: 'true'";
    let all = ingress("web", "", "example.com", "/API", "Exact")
        + &ingress("re", regex, "example.com", "/x", "Prefix");
    assert_eq!(of(Nginx, &all, "example.com/api/v1"), "web");
}

/// Alibaba Cloud, "Customize forwarding rules for an ALB Ingress" and "Perform canary releases by
/// using ALB Ingresses".
#[test]
fn rules_of_alb() {
    let alb = |name: &str, annotations: &str, path: &str, kind: &str| {
        let annotations = annotations.replace("alb/", "alb.ingress.kubernetes.io/");
        ingress(name, &annotations, "example.com", path, kind)
    };
    let base = alb("web", "", "/", "Prefix");
    let header = r#"alb/order: '9', alb/conditions.gray: '[{"type":"Header","headerConfig":{"key":"x","values":["1","2"]}}]'"#;
    let text = base.clone() + &alb("gray", header, "/", "Prefix");
    for (asked, expected) in [
        ("example.com x=1", "gray"),
        ("example.com x=2", "gray"),
        ("example.com x=3", "web"),
        ("example.com", "web"),
    ] {
        assert_eq!(of(Alb, &text, asked), expected, "{asked}");
    }
    // Order comes before the length of a path, and an order is by number, not by text.
    let longer = alb("long", "alb/order: '11'", "/a", "Prefix");
    assert_eq!(of(Alb, &(longer + &base), "example.com/a"), "web");
    let ninth = alb("nine", "alb/order: '9'", "/a", "ImplementationSpecific");
    assert_eq!(of(Alb, &(base.clone() + &ninth), "example.com/a"), "nine");
    assert_eq!(of(Alb, &(base.clone() + &ninth), "example.com/a/b"), "web");
    // Queries and cookies have wildcards; of header values that is not documented.
    let query = r#"alb/order: '1', alb/conditions.gray: '[{"type":"QueryString","queryStringConfig":{"values":[{"key":"q","value":"v*"}]}}]'"#;
    assert_eq!(
        of(Alb, &(base.clone() + &alb("gray", query, "/", "Prefix")), "example.com/?q=v2"),
        "gray"
    );
    let star = header.replace("\"2\"", "\"a*\"");
    assert_eq!(
        of(Alb, &(base.clone() + &alb("gray", &star, "/", "Prefix")), "example.com x=ab"),
        "?"
    );
    // A canary by weight takes its share of the same host and path; one by header needs an order.
    let regex =
        alb("re", "alb/order: '9', alb/use-regex: 'true'", "/v[0-9]/(.*)", "Prefix") + &base;
    for (asked, expected) in [
        ("example.com/v1/x", "re"),
        ("example.com/x", "web"),
        // Whether all of the path must match, and in which case, is not documented.
        ("example.com/x/v1/y", "?"),
        ("example.com/V1/y", "?"),
    ] {
        assert_eq!(of(Alb, &regex, asked), expected, "{asked}");
    }
    let weight = alb("gray", "alb/canary: 'true', alb/canary-weight: '20'", "/", "Prefix");
    assert_eq!(of(Alb, &(base.clone() + &weight), "example.com"), "20% gray, 80% web");
    let by = |order: &str| {
        alb("gray", &format!("alb/canary: 'true', alb/canary-by-header: x{order}"), "/", "Prefix")
    };
    assert_eq!(of(Alb, &(base.clone() + &by("")), "example.com x=always"), "?");
    assert_eq!(of(Alb, &(base.clone() + &by(", alb/order: '1'")), "example.com x=always"), "gray");
    let group = r#"alb/actions.web: '[{"type":"ForwardGroup","ForwardConfig":{"ServerGroups":[{"ServiceName":"a","Weight":30},{"ServiceName":"b","Weight":10}]}}]'"#;
    assert_eq!(of(Alb, &alb("web", group, "/", "Prefix"), "example.com"), "75% a, 25% b");
}
