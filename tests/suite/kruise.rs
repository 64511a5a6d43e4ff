//! `strategy: kruise`: what is written is what the CRDs allow, and what OpenKruise would refuse or
//! not do is refused with a place and a remedy.

use std::sync::OnceLock;

use crate::crds::Crds;
use graylane::baseline::files::{Files, Memory};
use graylane::baseline::read;
use graylane::diagnostic::Diagnostic;
use graylane::kube::kinds::Wave;
use graylane::pipeline::{self, Release};

const BASELINE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a, msePilotCreateAppName: a}}
    spec: {containers: [{name: main, image: r/a:1}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: b}
spec:
  selector: {matchLabels: {app: b}}
  template:
    metadata: {labels: {app: b}}
    spec: {containers: [{name: main, image: r/b:1}]}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ports: [{port: 80}], selector: {app: a}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  annotations: {mse.ingress.kubernetes.io/service-subset: ''}
spec:
  ingressClassName: mse
  rules:
    - http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}
";

const SPEC: &str = "\
apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {name: t}
spec:
  tag: gray
  strategy: kruise
  kruise: {}
  gateway: {tagHeader: x-mse-tag}
  services:
    - name: a
      images: {main: r/a:2}
      entry:
        match: {headers: [{name: x-user, exact: foo}]}
    - {name: b, workload: Deployment/b, images: {main: r/b:2}}
";

/// Texts and what stands in their place.
type Changes<'a> = &'a [(&'a str, &'a str)];

#[track_caller]
fn changed(text: &str, changes: Changes<'_>) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "no {from:?} in:\n{text}");
        text.replacen(from, to, 1)
    })
}

#[track_caller]
fn release(spec: Changes<'_>, baseline: Changes<'_>) -> Result<Release, String> {
    let shown = |list: Vec<Diagnostic>| list.iter().map(Diagnostic::to_string).collect::<String>();
    let text = changed(BASELINE, baseline);
    let files = Memory([("all.yaml".to_owned(), text.into_bytes())].into());
    let paths = files.list("", &|_| true).unwrap();
    let spec = pipeline::spec_of("graylane.yaml", &changed(SPEC, spec));
    let spec = spec.map_err(|errors| shown(errors.0))?;
    let namespace = spec.release.namespace.clone().unwrap_or_default();
    let baseline = read::read(&files, &paths, &namespace).map_err(|errors| shown(errors.0))?;
    let facts = graylane::lane::Facts::gather(&baseline.into());
    let release = pipeline::release(spec, &facts).map_err(|errors| shown(errors.0))?;
    release.sound().map_err(|errors| shown(errors.0))?;
    Ok(release)
}

#[track_caller]
fn text(release: &Release, id: &str) -> String {
    let objects = &release.lane.objects;
    let found =
        objects.iter().find(|object| format!("{}/{}", object.id.kind, object.id.name) == id);
    found.unwrap_or_else(|| panic!("no {id}")).text.clone()
}

#[track_caller]
fn accepted(spec: Changes<'_>, baseline: Changes<'_>) -> Release {
    let release = release(spec, baseline).unwrap_or_else(|errors| panic!("{errors}"));
    static CRDS: OnceLock<Option<Crds>> = OnceLock::new();
    if let Some(crds) = CRDS.get_or_init(Crds::load) {
        let stream: String = release.streams().collect::<Vec<_>>().join("---\n");
        let (wrong, count) = crds.check(&stream);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(count, release.lane.objects.len());
    }
    release
}

/// Refused for this alone, with a place and a remedy.
#[track_caller]
fn refused(spec: Changes<'_>, baseline: Changes<'_>, with: &str) {
    let Err(errors) = release(spec, baseline) else { panic!("accepted, not refused: {with}") };
    assert!(errors.contains(with), "lacks {with:?}:\n{errors}");
    assert_eq!(errors.matches("error: ").count(), 1, "{with:?}:\n{errors}");
    assert!(errors.contains("\n  --> ") && errors.contains("\n  help: "), "{errors}");
}

const MATCH: &str = "{headers: [{name: x-user, exact: foo}]}";
const PATH: &str = "{path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}";

#[test]
fn writes_a_rollout_for_each_service_and_one_traffic_routing() {
    let release = accepted(&[], &[]);
    let ids: Vec<String> = release
        .lane
        .objects
        .iter()
        .map(|object| format!("{:?} {}/{}", object.wave, object.id.kind, object.id.name))
        .collect();
    assert_eq!(
        ids,
        [
            "Config TrafficRouting/shop-mse-gray",
            "Workload Rollout/a-mse-gray",
            "Workload Rollout/b-mse-gray",
        ]
    );
    assert!(release.lane.objects.iter().all(|object| object.wave != Wave::Entry));
    assert!(release.lane.objects.iter().all(|object| object.baseline().is_none()));
    assert_eq!(release.lane.entries[0].route.name, "shop-mse-gray");
    let a = text(&release, "Rollout/a-mse-gray");
    for part in [
        "rollouts.kruise.io/trafficrouting: shop-mse-gray",
        "trafficRoutingRef: shop-mse-gray",
        "enableExtraWorkloadForCanary: true",
        "replicas: 1\n",
        "pause: {}",
        "alicloud.service.tag: gray",
        "opensergo.io/canary-gray: gray",
        "zadigx-release-version: gray",
        "zadigx-release-type: mse-gray",
        "zadigx-release-service-name: a",
    ] {
        assert!(a.contains(part), "lacks {part:?}:\n{a}");
    }
    assert!(!a.contains("msePilotCreateAppName"), "{a}");
    // Its template says no name, and the gray Deployment gets a new one.
    let b = text(&release, "Rollout/b-mse-gray");
    assert!(b.contains("msePilotCreateAppName: b"), "{b}");
}

#[test]
fn both_versions_of_the_api_say_the_same() {
    let block =
        "kruise: {steps: [{replicas: 20%, traffic: 20, pause: {duration: 60}}, {replicas: 100%}]}";
    let beta = accepted(&[("kruise: {}", block)], &[]);
    let beta = text(&beta, "Rollout/a-mse-gray");
    let alpha = block.replace("kruise: {", "kruise: {apiVersion: v1alpha1, ");
    let alpha = accepted(&[("kruise: {}", &alpha)], &[]);
    let alpha = text(&alpha, "Rollout/a-mse-gray");
    assert!(beta.contains("apiVersion: rollouts.kruise.io/v1beta1"), "{beta}");
    assert!(beta.contains("\n  workloadRef:") && beta.contains("traffic: \"20%\""), "{beta}");
    assert!(alpha.contains("apiVersion: rollouts.kruise.io/v1alpha1"), "{alpha}");
    assert!(
        alpha.contains("objectRef:\n    workloadRef:") && alpha.contains("weight: 20"),
        "{alpha}"
    );
    assert!(!alpha.contains("trafficRoutingRef") && !alpha.contains("enableExtra"), "{alpha}");
    for text in [beta, alpha] {
        assert!(text.contains("rollouts.kruise.io/trafficrouting: shop-mse-gray"), "{text}");
        assert!(text.contains("duration: 60") && text.contains("replicas: \"100%\""), "{text}");
    }
}

#[test]
fn what_a_traffic_routing_can_say() {
    let header = |kind: &str, name: &str, value: &str| {
        format!(
            "- headers:\n          - type: {kind}\n            name: {name}\n            value: {value}\n"
        )
    };
    for (spec, expected) in [
        (MATCH, header("Exact", "x-user", "foo")),
        (
            "{headers: [{name: x-user, regex: ^fo+$}]}",
            header("RegularExpression", "x-user", "\"^fo+$\""),
        ),
        ("{cookie: {name: canary}}", header("Exact", "canary-by-cookie", "canary")),
        ("{weight: 0}", "weight: 0\n".to_owned()),
        ("{weight: 100}", "weight: 100\n".to_owned()),
    ] {
        let release = accepted(&[(MATCH, spec)], &[]);
        let text = text(&release, "TrafficRouting/shop-mse-gray");
        assert!(text.contains(&expected), "{spec}: lacks\n{expected}in\n{text}");
        assert!(
            text.contains("set:\n        - name: x-mse-tag\n          value: gray\n"),
            "{text}"
        );
    }
}

#[test]
fn names_and_namespaces_are_the_users() {
    let names = "kruise: {gracePeriodSeconds: 7, names: {trafficRouting: t, rollouts: {b: r}}}";
    let release =
        accepted(&[("kruise: {}", names), ("tag: gray", "tag: gray\n  namespace: prod")], &[]);
    let routing = text(&release, "TrafficRouting/t");
    assert!(routing.contains("gracePeriodSeconds: 7"), "{routing}");
    for id in ["TrafficRouting/t", "Rollout/a-mse-gray", "Rollout/r"] {
        assert!(text(&release, id).contains("namespace: prod"), "{id}");
    }
    assert!(text(&release, "Rollout/r").contains("trafficRoutingRef: t"));
}

#[test]
fn without_an_entry_there_is_no_traffic_routing() {
    let entry = changed("      entry:\n        match: M\n", &[("M", MATCH)]);
    let release = accepted(&[(&entry, "")], &[]);
    assert_eq!(release.lane.objects.len(), 2);
    let a = text(&release, "Rollout/a-mse-gray");
    assert!(!a.contains("trafficrouting") && !a.contains("trafficRoutingRef"), "{a}");
    assert!(release.lane.notes.iter().any(|note| note.message.contains("no service is an entry")));
}

#[test]
fn says_what_starts_a_rollout_and_what_has_no_effect() {
    let told = |spec: Changes<'_>, baseline: Changes<'_>| -> String {
        let notes = accepted(spec, baseline).lane.notes;
        notes.iter().map(Diagnostic::to_string).collect()
    };
    let notes = told(&[], &[]);
    assert!(notes.contains("the rollout of `a` starts when its new images stand"), "{notes}");
    assert!(notes.contains("main: r/a:2") && notes.contains("Ingress/shop-canary"), "{notes}");
    assert!(!notes.contains("warning"), "{notes}");
    let promoted = told(&[], &[("r/a:1", "r/a:2")]);
    assert!(!promoted.contains("the rollout of `a`"), "{promoted}");
    let traffic = told(&[("kruise: {}", "kruise: {steps: [{replicas: 1, traffic: 5}]}")], &[]);
    assert!(traffic.contains("warning: `traffic` of a step routes nothing"), "{traffic}");
    let other = "mse.ingress.kubernetes.io/x: y";
    let subset = told(&[], &[("mse.ingress.kubernetes.io/service-subset: ''", other)]);
    assert!(subset.contains("warning: while the rollout runs, Service/a selects gray"), "{subset}");
    let headers =
        "service-subset: '', mse.ingress.kubernetes.io/request-header-control-update: x y";
    let headers = told(&[], &[("service-subset: ''", headers)]);
    assert!(headers.contains("warning: gray requests of the entry go without"), "{headers}");
    for (pattern, is_told) in [("a|b", true), ("^(a|b)$", false)] {
        let matches = format!("{{headers: [{{name: a, regex: '{pattern}'}}]}}");
        let regex = told(&[(MATCH, &matches)], &[]);
        assert_eq!(regex.contains("does not say whether"), is_told, "{regex}");
    }
}

#[test]
fn specs_that_openkruise_cannot_do() {
    let long = "x".repeat(57);
    let rollout = "x".repeat(64);
    for (from, to, with) in [
        ("tagHeader: x-mse-tag", "class: apig", "gateway class `apig`: OpenKruise has no script"),
        ("tagHeader: x-mse-tag", "class: higress", "gateway class `higress`: its script"),
        ("tagHeader: x-mse-tag", "class: nginx", "gateway class `nginx`: its script"),
        (
            "tagHeader: x-mse-tag",
            "class: alb",
            "gateway class `alb`: its script (classType `aliyun-alb`)",
        ),
        (
            "tagHeader: x-mse-tag",
            "class: apisix",
            "gateway class `apisix`: OpenKruise has no script",
        ),
        (
            "tagHeader: x-mse-tag",
            "class: gateway-api",
            "gateway class `gateway-api`: its controller",
        ),
        ("strategy: kruise", "strategy: kruise\n  governance: {provider: none}", "provider `none`"),
        (
            "strategy: kruise",
            "strategy: kruise\n  governance: {provider: opensergo}",
            "provider `opensergo`",
        ),
        (
            "images: {main: r/b:2}}",
            "entry: {ingress: shop, match: {weight: 1}}}",
            "has two entries",
        ),
        ("kruise: {}", "kruise: {steps: []}", "has no steps"),
        ("kruise: {}", "kruise: {steps: [{traffic: 5}]}", "v1beta1 needs `replicas`"),
        ("kruise: {}", "kruise: {steps: [{replicas: 101%}]}", "more than 100%"),
        ("kruise: {}", "kruise: {steps: [{replicas: 2}, {replicas: 1}]}", "fewer pods"),
        (
            "kruise: {}",
            &format!("kruise: {{names: {{rollouts: {{a: {rollout}}}}}}}"),
            "makes a finalizer",
        ),
        ("kruise: {}", "kruise: {names: {rollouts: {a: r, b: r}}}", "two Rollouts are called `r`"),
        ("images: {main: r/a:2}", "images: {mian: r/a:2}", "has no container `mian`"),
        ("images: {main: r/a:2}", "workload: Deployment/c", "Deployment/c is not in the baseline"),
        (MATCH, "{headers: [{name: a, exact: b}, {name: c, exact: d}]}", "several headers"),
        (MATCH, "{query: [{name: a, exact: b}]}", "query parameters"),
        (MATCH, "{cookie: {name: a, value: b}}", "value of a cookie"),
        (MATCH, "{headers: [{name: a, exact: b}], cookie: {name: a}}", "header and a cookie"),
        (MATCH, "{headers: [{name: a, exact: b}], weight: 5}", "either matches or a weight"),
        (MATCH, "{cookie: {name: a}, weight: 0}", "either matches or a weight"),
        (MATCH, "{headers: [{name: canary-by-cookie, exact: b}]}", "for a cookie of its value"),
        (MATCH, "{headers: [{name: a, exact: ''}]}", "is not a legal value"),
        (MATCH, "{headers: [{name: a, regex: '('}]}", "cannot match the header `a` by `(`"),
        (
            MATCH,
            &format!("{{headers: [{{name: a, exact: {}}}]}}", "x".repeat(4097)),
            "at most 4096",
        ),
    ] {
        refused(&[(from, to)], &[], with);
    }
    let subset = ("mse.ingress.kubernetes.io/service-subset: ''", "a: b");
    let tag = format!("tag: {long}\n  naming: {{suffix: '-{{tag}}'}}");
    let names = "kruise: {names: {rollouts: {a: a, b: b}}}";
    refused(&[("tag: gray", &tag), ("kruise: {}", names)], &[subset], "allows 56");
    let tag = tag.replacen(&long, &long[1..], 1);
    accepted(&[("tag: gray", &tag), ("kruise: {}", names)], &[subset]);
}

#[test]
fn baselines_that_openkruise_cannot_drive() {
    let annotations = "\n  annotations: {mse.ingress.kubernetes.io/service-subset: ''}";
    let kind = |api_version: &str, kind: &str| {
        format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: b}}")
    };
    let deployment = kind("apps/v1", "Deployment");
    let also = |text: &str| format!("---\n{text}\n---\napiVersion: v1\nkind: Service\n");
    let service = "---\napiVersion: v1\nkind: Service\n";
    let driver = |api_version: &str, kind: &str, spec: &str| {
        also(&format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x}}\nspec: {spec}"
        ))
    };
    let deployment_a = "{apiVersion: apps/v1, kind: Deployment, name: a}";
    for (from, to, with) in [
        (annotations, String::new(), "has no annotations"),
        (annotations, "\n  annotations: {}".to_owned(), "has no annotations"),
        (
            "networking.k8s.io/v1",
            "networking.k8s.io/v1beta1".to_owned(),
            "networking.k8s.io/v1 alone",
        ),
        ("  rules:", "  rules:\n    - host: x".to_owned(), "has no `http`"),
        (
            PATH,
            format!("{PATH}, {{path: /x, backend: {{resource: {{kind: B, name: b}}}}}}"),
            "leads to no Service",
        ),
        ("ingressClassName: mse", "ingressClassName: nginx".to_owned(), "gateway class `nginx`"),
        ("ingressClassName: mse", "ingressClassName: other".to_owned(), "class `other`"),
        (
            service,
            also("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop-canary}"),
            "the baseline has Ingress/shop-canary",
        ),
        (
            service,
            also(
                "apiVersion: rollouts.kruise.io/v1beta1\nkind: Rollout\nmetadata: {name: b-mse-gray}",
            ),
            "the baseline has it already",
        ),
        (
            service,
            driver(
                "rollouts.kruise.io/v1beta1",
                "Rollout",
                &format!("{{workloadRef: {deployment_a}}}"),
            ),
            "Rollout/x drives Deployment/a already",
        ),
        (
            service,
            driver(
                "rollouts.kruise.io/v1alpha1",
                "Rollout",
                &format!("{{objectRef: {{workloadRef: {deployment_a}}}}}"),
            ),
            "Rollout/x drives Deployment/a already",
        ),
        (
            service,
            driver("flagger.app/v1beta1", "Canary", &format!("{{targetRef: {deployment_a}}}")),
            "Canary/x drives Deployment/a already",
        ),
        (
            service,
            driver(
                "rollouts.kruise.io/v1alpha1",
                "TrafficRouting",
                "{objectRef: [{service: a, ingress: {name: shop}}], strategy: {}}",
            ),
            "TrafficRouting/x drives Ingress/shop already",
        ),
        (
            service,
            driver(
                "rollouts.kruise.io/v1beta1",
                "Rollout",
                "{strategy: {canary: {trafficRoutings: [{service: a, ingress: {name: shop}}]}}}",
            ),
            "Rollout/x drives Ingress/shop already",
        ),
        (
            "{app: b}}\n",
            "{app: b, alicloud.service.tag: base}}\n".to_owned(),
            "selects its pods by a label",
        ),
        (&deployment, kind("extensions/v1beta1", "Deployment"), "write it as apps/v1"),
    ] {
        refused(&[], &[(from, &to)], with);
    }
    for (api_version, name, with) in [
        ("apps/v1", "StatefulSet", "by partition"),
        ("apps/v1", "DaemonSet", "by partition"),
        ("apps/v1", "ReplicaSet", "by partition"),
        ("apps.kruise.io/v1alpha1", "CloneSet", "by partition"),
        ("apps.kruise.io/v1beta1", "StatefulSet", "by partition"),
        ("apps.kruise.io/v1alpha1", "StatefulSet", "by partition"),
        ("apps.kruise.io/v1alpha1", "DaemonSet", "by partition"),
        ("batch/v1", "Job", "lets no Rollout drive a Job"),
    ] {
        let workload = format!("workload: {name}/b");
        let spec = [("workload: Deployment/b", workload.as_str())];
        refused(&spec, &[(&deployment, &kind(api_version, name))], with);
    }
    let long = "x".repeat(64);
    let names = "kruise: {names: {rollouts: {b: r}}}";
    let workload = format!("workload: Deployment/{long}");
    let name = deployment.replace("name: b", &format!("name: {long}"));
    let spec = [("workload: Deployment/b", workload.as_str()), ("kruise: {}", names)];
    refused(&spec, &[(&deployment, &name)], "makes a label value of it");
}

#[test]
fn entries_lead_to_one_service_of_one_namespace() {
    let second = "---\napiVersion: v1\nkind: Service\nmetadata: {name: a2}\nspec: {ports: [{port: 80}], selector: {app: a}}\n---\napiVersion: v1\nkind: Service\n";
    let service = ("---\napiVersion: v1\nkind: Service\n", second);
    let both = format!(
        "{PATH}, {}",
        PATH.replace("name: a,", "name: a2,").replace("path: /,", "path: /x,")
    );
    accepted(&[], &[service]);
    refused(&[], &[service, (PATH, &both)], "leads to several Services of `a`: a2, a");
    let named = [("match: {headers", "ingress: shop\n        match: {headers")];
    let other = PATH.replace("name: a,", "name: other,");
    refused(&named, &[(PATH, &other)], "no path of Ingress/shop leads to a Service");
    refused(
        &[],
        &[("metadata: {name: b}", "metadata: {name: b, namespace: other}")],
        "another namespace",
    );
    let elsewhere = [("  name: shop", "  name: shop\n  namespace: other")];
    refused(&named, &elsewhere, "Ingress/shop in other is in another namespace");
    let http = "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec: {rules: [{backendRefs: [{name: a, port: 80}]}]}\n---\napiVersion: v1\nkind: Service\n";
    let route = [("match: {headers", "route: HTTPRoute/r\n        match: {headers")];
    refused(
        &route,
        &[("---\napiVersion: v1\nkind: Service\n", http)],
        "gateway class `gateway-api`",
    );
}

#[test]
fn all_errors_come_at_once() {
    let Err(errors) = release(
        &[
            (MATCH, "{query: [{name: a, exact: b}], weight: 5}"),
            ("kruise: {}", "kruise: {steps: [{traffic: 1}]}"),
        ],
        &[
            ("service-subset: ''}", "service-subset: ''}\n  x: y"),
            ("kind: Deployment\nmetadata: {name: b}", "kind: StatefulSet\nmetadata: {name: b}"),
            ("  rules:", "  rules:\n    - host: x"),
        ],
    ) else {
        panic!("accepted")
    };
    // The StatefulSet is not the Deployment that the spec names.
    for part in [
        "query parameters",
        "either matches or a weight",
        "needs `replicas`",
        "Deployment/b is not",
        "no `http`",
    ] {
        assert!(errors.contains(part), "lacks {part:?}:\n{errors}");
    }
}
