//! The way of requests over lanes that are built from specs.

use super::{Cluster, Request, Trace, Wanted, matrix, of_releases, trace};
use crate::baseline::files::Memory;
use crate::pipeline::{BaselineFrom, Baselines, Release, release, spec_of};

/// A Deployment with a Service of its name that names others in its environment.
pub(super) fn workload(name: &str, calls: &[&str]) -> String {
    let variable =
        |called: &&str| format!("{{name: {}, value: 'http://{called}:80'}}", called.to_uppercase());
    let env: Vec<String> = calls.iter().map(variable).collect();
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: main, image: '{name}:1', env: [{}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: shop}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
---
",
        env.join(", ")
    )
}

/// The Ingress of `web`, of a class.
pub(super) fn ingress(class: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web, namespace: shop}}
spec:
  ingressClassName: {class}
  rules:
  - host: example.com
    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
"
    )
}

/// A spec whose entry `web` takes `x: <tag>`; `more` are further lines of `spec`, services last.
pub(super) fn spec(tag: &str, provider: &str, more: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {{name: {tag}}}
spec:
  tag: {tag}
  baseline: {{paths: [deploy]}}
  governance: {{provider: {provider}}}
  services:
    - name: web
      entry: {{match: {{headers: [{{name: x, exact: {tag}}}]}}}}
{more}"
    )
}

pub(super) fn cluster(specs: &[String], baseline: &str) -> Cluster {
    let files = Memory([("deploy/all.yaml".to_owned(), baseline.as_bytes().to_vec())].into());
    let mut baselines = Baselines::default();
    let build = |text: &String| -> Release {
        let spec = spec_of("graylane.yaml", text).unwrap();
        let facts = baselines.of(&files, &spec, &BaselineFrom::Spec, &[]).unwrap();
        release(spec, &facts).unwrap()
    };
    let releases: Vec<Release> = specs.iter().map(build).collect();
    of_releases(&releases, &baselines, Vec::new())
}

/// Who answers on the way of a request: `+` marks pods of a lane, and dots how deep a call is.
fn way(cluster: &Cluster, header: Option<&str>) -> Vec<String> {
    let mut request = Request::new("example.com", "/");
    if let Some((name, value)) = header.and_then(|header| header.split_once('=')) {
        request = request.with_header(name, value);
    }
    let traces: Vec<Trace> = trace(cluster, &request);
    assert_eq!(traces.len(), 1);
    assert_eq!(traces[0].ways.len(), 1);
    let instance = |at: &usize| {
        let workload = &cluster.workloads[*at];
        let lane = workload.lane.map(|lane| format!("+{}", cluster.lanes[lane].name));
        format!("{}{}", workload.base.as_ref().unwrap().name, lane.unwrap_or_default())
    };
    let hops = traces[0].ways[0].hops.iter();
    hops.map(|hop| {
        let by: Vec<String> = hop.answered_by.iter().map(instance).collect();
        let by = if by.is_empty() { "nothing".to_owned() } else { by.join(" and ") };
        format!("{}{by}", ".".repeat(hop.depth))
    })
    .collect()
}

fn shop(class: &str) -> String {
    let all =
        [workload("web", &["cart"]), workload("cart", &["stock", "web"]), workload("stock", &[])];
    all.concat() + &ingress(class)
}

const STOCK: &str = "    - {name: stock}\n";

#[test]
fn another_name_leads_to_the_same_pods() {
    let alias = |host: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: other, namespace: shop}}\nspec: {{type: ExternalName, externalName: {host}}}\n"
        )
    };
    let of = |provider: &str, service: &str| {
        let baseline = workload("web", &["other"]) + &workload("stock", &[]) + &ingress("mse");
        let cluster = cluster(&[spec("gray", provider, STOCK)], &(baseline + service));
        let found = way(&cluster, Some("x=gray"));
        let traces = trace(&cluster, &Request::new("example.com", "/").with_header("x", "gray"));
        (found[1].clone(), traces[0].ways[0].hops[1].why.clone())
    };
    let stock = alias("stock.shop.svc.cluster.local");
    assert_eq!(of("mse", &stock).0, ".stock+gray");
    // Sidecars route by the name that is called.
    assert_eq!(of("istio", &stock).0, ".stock");
    for (service, why) in [
        (
            alias("db.example.com"),
            "it is another name for `db.example.com`, which is not in manifests",
        ),
        (
            alias("other.shop.svc"),
            "it is another name for `other.shop.svc`, which is not in manifests",
        ),
        (
            alias("x").replace("type: ExternalName, externalName: x", "ports: [{port: 80}]"),
            "the Service has no selector: who answers is not in manifests",
        ),
    ] {
        assert_eq!(of("mse", &service), (".nothing".to_owned(), why.to_owned()), "{service}");
    }
    // One that a route leads to.
    let ingress = ingress("mse").replace("service: {name: web", "service: {name: other");
    let baseline = workload("web", &[]) + &ingress + &alias("web.shop.svc.cluster.local");
    let entry = "      entry: {match: {headers: [{name: x, exact: gray}]}}\n";
    let without_entry = spec("gray", "mse", "").replace(entry, "");
    assert_eq!(way(&cluster(&[without_entry], &baseline), None), ["web"]);
}

#[test]
fn what_has_no_replicas_does_not_answer() {
    let header = Some("x=gray");
    let stock = "    - {name: stock, replicas: 0}\n";
    let without_stock = cluster(&[spec("gray", "mse", stock)], &shop("mse"));
    assert_eq!(way(&without_stock, header), ["web+gray", ".cart", "..stock", "..web+gray"]);
    assert!(!matrix(&without_stock, Wanted::default(), &Request::new("", "/")).has_failed());

    let closed = spec("gray", "mse", "").replace("name: web\n", "name: web\n      replicas: 0\n");
    let without_web = cluster(std::slice::from_ref(&closed), &shop("mse"));
    assert_eq!(way(&without_web, header), ["nothing"]);
    assert!(matrix(&without_web, Wanted::default(), &Request::new("", "/")).has_failed());

    let scaler = "---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {name: web}, triggers: [{type: cron}]}
";
    let copied = closed.replace("replicas: 0", "replicas: 0\n      policies: {ScaledObject: copy}");
    let scaled = cluster(&[copied], &(shop("mse") + scaler));
    assert_eq!(way(&scaled, header).first().map(String::as_str), Some("web+gray"));

    let off =
        workload("stock", &[]).replace("  selector: {match", "  replicas: 0\n  selector: {match");
    let baseline = [workload("web", &["stock"]), off].concat() + &ingress("mse");
    let way = |baseline: &str| way(&cluster(&[spec("gray", "mse", "")], baseline), None);
    assert_eq!(way(&baseline), ["web", ".nothing"]);
    let rollout = "---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: stock, namespace: shop}
spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: stock}}
";
    assert_eq!(way(&(baseline + rollout)), ["web", ".stock"]);
}

#[test]
fn the_tag_leads_on_where_there_is_a_copy_and_back_where_there_is_none() {
    for provider in ["mse", "opensergo", "istio"] {
        let cluster = cluster(&[spec("gray", provider, STOCK)], &shop("mse"));
        // Calls go in a circle: web is shown once more, and not looked into.
        let gray = ["web+gray", ".cart", "..stock+gray", "..web+gray"];
        assert_eq!(way(&cluster, Some("x=gray")), gray, "{provider}");
        assert_eq!(way(&cluster, None), ["web", ".cart", "..stock", "..web"], "{provider}");
        // Clients may send the tag themselves: the gateway lets them in, further in they are gray.
        assert_eq!(
            way(&cluster, Some("x-mse-tag=gray")),
            ["web", ".cart", "..stock+gray", "..web+gray", "...cart"]
        );
    }
}

#[test]
fn the_reason_names_what_is_missing() {
    let cluster = cluster(&[spec("gray", "mse", STOCK)], &shop("mse"));
    let of = |header: &str, value: &str| {
        let traces = trace(&cluster, &Request::new("example.com", "/").with_header(header, value));
        let hops = &traces[0].ways[0].hops;
        hops.iter().map(|hop| (hop.why.clone(), hop.falls_back)).collect::<Vec<_>>()
    };
    let gray = of("x", "gray");
    assert_eq!(gray[1], ("no gray copy in lane gray: falls back to the baseline".to_owned(), true));
    assert_eq!(
        gray[2],
        ("mse routes `x-mse-tag: gray` to the copy, if its caller has an agent".to_owned(), false)
    );
    let other = of("x", "other");
    assert_eq!(other[2], ("the request does not carry `x-mse-tag: gray`".to_owned(), false));
}

#[test]
fn names_lead_where_they_say_without_governance() {
    let of = |rewrite: &str| {
        let more =
            format!("{rewrite}    - {{name: cart, rewriteEnv: true}}\n    - {{name: stock}}\n");
        way(&cluster(&[spec("gray", "none", &more)], &shop("mse")), Some("x=gray"))
    };
    assert_eq!(
        of("      rewriteEnv: true\n"),
        ["web+gray", ".cart+gray", "..stock+gray", "..web+gray"]
    );
    // The entry's environment names the baseline, and nothing leads back into the lane.
    assert_eq!(of(""), ["web+gray", ".cart", "..stock", "..web", "...cart"]);
}

#[test]
fn a_gateway_that_sets_no_header_needs_the_entry_to_hand_on_its_tag() {
    let shop = shop("nginx");
    let plain = cluster(&[spec("gray", "mse", STOCK)], &shop);
    assert_eq!(way(&plain, Some("x=gray")), ["web+gray", ".cart", "..stock", "..web", "...cart"]);
    let inherit = "      env: {profiler.micro.service.tag.trace.enable: 'true'}\n";
    let more = format!("{inherit}{STOCK}");
    let handing = cluster(&[spec("gray", "mse", &more)], &shop);
    assert_eq!(way(&handing, Some("x=gray")), ["web+gray", ".cart", "..stock+gray", "..web+gray"]);
}

#[test]
fn the_spec_says_who_is_called_through_the_registry() {
    let baseline = [workload("web", &[]), workload("stock", &[]), ingress("mse")].concat();
    let more = format!("      calls: [stock, nacos]\n{STOCK}");
    let cluster = cluster(&[spec("gray", "mse", &more)], &baseline);
    assert_eq!(way(&cluster, Some("x=gray")), ["web+gray", ".stock+gray", ".nothing"]);
    assert_eq!(way(&cluster, None), ["web", ".stock", ".nothing"]);
}

#[test]
fn lanes_stay_apart() {
    let specs = [spec("gray", "mse", STOCK), spec("blue", "mse", "    - {name: cart}\n")];
    let cluster = cluster(&specs, &shop("mse"));
    assert_eq!(way(&cluster, Some("x=gray")), ["web+gray", ".cart", "..stock+gray", "..web+gray"]);
    assert_eq!(way(&cluster, Some("x=blue")), ["web+blue", ".cart+blue", "..stock", "..web+blue"]);
    let found = matrix(&cluster, Wanted::default(), &Request::new("", "/"));
    assert!(!found.has_failed(), "{found:?}");
    assert_eq!(found.cells.len(), 10);
}

#[test]
fn a_service_that_selects_gray_pods_is_seen() {
    // The pods of the lane keep the labels of the baseline, and add one.
    let leaking =
        spec("gray", "none", "").replace("  services:", "  isolation: version-label\n  services:");
    let cluster = cluster(&[leaking], &shop("mse"));
    assert_eq!(way(&cluster, None)[0], "web and web+gray");
    let found = matrix(&cluster, Wanted::default(), &Request::new("", "/"));
    let wrong: Vec<&str> = found
        .cells
        .iter()
        .filter_map(|cell| cell.wrong.as_ref().map(|_| cell.kind.as_str()))
        .collect();
    assert_eq!(wrong, ["not matching", "baseline"]);
}

#[test]
fn a_canary_that_is_left_out_fails() {
    // Of two canaries ingress-nginx takes one, in whichever lane.
    let specs = [spec("gray", "mse", ""), spec("blue", "mse", "")];
    let cluster = cluster(&specs, &shop("nginx"));
    let found = matrix(&cluster, Wanted::default(), &Request::new("", "/"));
    let wrong: Vec<String> = found.cells.iter().filter_map(|cell| cell.wrong.clone()).collect();
    assert_eq!(wrong, ["it does not reach the pods of lane blue"]);
    assert_eq!(super::dropped_routes(&cluster).len(), 1);
}

#[test]
fn values_for_expressions_are_derived_or_asked_for() {
    let by = |pattern: &str| {
        let exact = "exact: gray";
        let text = spec("gray", "mse", "").replace(exact, &format!("regex: '{pattern}'"));
        cluster(&[text], &shop("higress"))
    };
    let said = Request::new("", "/").with_header("x", "b");
    for (pattern, said, kinds) in [
        ("^(?:1|2)00$", Request::new("", "/"), 5),
        ("^[^a]$", Request::new("", "/"), 4),
        ("^[^a]$", said, 5),
    ] {
        let found = matrix(&by(pattern), Wanted::default(), &said);
        assert!(!found.has_failed(), "{pattern}: {found:?}");
        let derived = found.cells.iter().filter(|cell| cell.request.is_ok()).count();
        assert_eq!(derived, kinds, "{pattern}: {found:?}");
    }
}

#[test]
fn derived_requests_fit_the_conditions_of_the_baselines_route() {
    let routes = [
        "apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: gateway}]
  hostnames: [example.com]
  rules:
  - matches:
    - path: {type: PathPrefix, value: /api}
      method: POST
      headers: [{name: x-tenant, value: acme}, {name: x-zone, type: RegularExpression, value: '(a|b)1'}]
      queryParams: [{name: v, value: '2'}]
    backendRefs: [{name: web, port: 80}]
",
        "apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata: {name: web, namespace: shop}
spec:
  http:
  - name: web
    match:
      hosts: [example.com]
      paths: [/api/*]
      methods: [POST]
      exprs:
      - {subject: {scope: Header, name: x-tenant}, op: In, set: [acme, b]}
      - {subject: {scope: Query, name: v}, op: Equal, value: '2'}
    backends: [{serviceName: web, servicePort: 80}]
",
    ];
    for route in routes {
        let kind = if route.contains("HTTPRoute") { "HTTPRoute" } else { "ApisixRoute" };
        let baseline = [&workload("web", &[]), route].concat();
        let entry = format!("entry: {{route: {kind}/web, match");
        let text = spec("gray", "none", "").replace("entry: {match", &entry);
        let found = matrix(&cluster(&[text], &baseline), Wanted::default(), &Request::new("", "/"));
        assert!(!found.has_failed(), "{kind}: {found:?}");
        let bare = found.cells.iter().find(|cell| cell.kind.as_str() == "baseline").unwrap();
        let is_baseline = |entry: &std::collections::BTreeSet<_>| *entry == [None].into();
        assert!(bare.reached.iter().any(|it| is_baseline(&it.entry)), "{kind}: {bare:?}");
    }
}

#[test]
fn what_is_wanted_of_derived_requests_counts() {
    let routes = [
        "apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: gateway}]
  rules:
  - matches:
    - {path: {value: /api}, method: POST, headers: [{name: x-tenant, value: acme}]}
    - {path: {value: /cart}, method: GET, headers: [{name: x-tenant, value: other}]}
    backendRefs: [{name: web, port: 80}]
",
        "apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata: {name: web, namespace: shop}
spec:
  http:
  - name: api
    match: {paths: [/api/*], methods: [POST], exprs: [{subject: {scope: Header, name: x-tenant}, op: Equal, value: acme}]}
    backends: [{serviceName: web, servicePort: 80}]
  - name: cart
    match: {paths: [/cart/*], methods: [GET], exprs: [{subject: {scope: Header, name: x-tenant}, op: Equal, value: other}]}
    backends: [{serviceName: web, servicePort: 80}]
",
    ];
    for route in routes {
        let kind = if route.contains("HTTPRoute") { "HTTPRoute" } else { "ApisixRoute" };
        let baseline = [&workload("web", &[]), route].concat();
        let entry = format!("entry: {{route: {kind}/web, match");
        let text = spec("gray", "none", "").replace("entry: {match", &entry);
        let cluster = cluster(&[text], &baseline);
        let of = |path: Option<&str>, method: Option<&str>| {
            let found =
                matrix(&cluster, Wanted { host: None, path, method }, &Request::new("", "/"));
            let request = found.cells[0].request.clone().unwrap();
            let tenant = request.header("x-tenant").unwrap_or_default();
            (format!("{} {} {tenant}", request.method, request.path), found.has_failed())
        };
        assert_eq!(of(Some("/cart/1"), None), ("GET /cart/1 other".to_owned(), false), "{kind}");
        assert_eq!(
            of(Some("/api/1"), Some("post")),
            ("POST /api/1 acme".to_owned(), false),
            "{kind}"
        );
        let (derived, has_failed) = of(None, Some("GET"));
        assert!(
            derived.starts_with("GET /cart") && derived.ends_with(" other"),
            "{kind} {derived}"
        );
        assert!(!has_failed, "{kind}");
        // No route answers it.
        assert_eq!(of(Some("/api/1"), Some("PUT")), ("PUT /api/1 acme".to_owned(), true), "{kind}");
    }
}

#[test]
fn what_is_no_gateway_is_not_guessed() {
    let cluster = cluster(&[], &shop("own"));
    assert!(trace(&cluster, &Request::new("example.com", "/")).is_empty());
    let text = "    - {name: stock}\n";
    let without_entry = spec("gray", "mse", text)
        .replace("      entry: {match: {headers: [{name: x, exact: gray}]}}\n", "");
    let cluster = self::cluster(&[without_entry], &shop("own"));
    let traces = trace(&cluster, &Request::new("example.com", "/"));
    assert_eq!(traces[0].ways[0].share.outcome, super::Outcome::Undecided);
    let other = trace(&cluster, &Request::new("other.org", "/"));
    assert_eq!(other[0].ways[0].share.outcome, super::Outcome::Gateway);
}
