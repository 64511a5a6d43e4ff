//! Isolation, checked by brute force: random baselines and specs, and an evaluator of selectors
//! that shares nothing with the program but the parser of YAML.
//!
//! What is accepted has no selector that reaches over to the other side, and what is refused as a
//! leak has one. What network policies and monitors do to the lane is told exactly where it is so.

use std::collections::BTreeSet;

use crate::brute::{
    APP, Gap, Labels, TAG, Treated, VERSION, gaps, label_selector, parse, scraped_twice, violations,
};
use graylane::baseline::files::{Files, Memory};
use graylane::baseline::read;
use graylane::lane;
use graylane::pipeline::{self, Release};
use proptest::prelude::*;
use serde_json::{Value, json};
use yaml_rust2::YamlLoader;

/// Block style, so that edits go through the emitter as in real manifests.
fn print(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                out.push_str(&format!("{pad}{key}:"));
                nested(value, indent + 2, out);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for value in list {
                out.push_str(&format!("{pad}-"));
                nested(value, indent + 2, out);
            }
        }
        other => out.push_str(&format!("{pad}{other}\n")),
    }
}

fn nested(value: &Value, indent: usize, out: &mut String) {
    let is_block = value.as_object().is_some_and(|map| !map.is_empty())
        || value.as_array().is_some_and(|list| !list.is_empty());
    if is_block {
        out.push('\n');
        print(value, indent, out);
    } else {
        out.push_str(&format!(" {value}\n"));
    }
}

fn key() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => Just("app"),
        3 => Just("tier"),
        2 => Just("app.kubernetes.io/name"),
        2 => Just(VERSION),
        1 => Just(TAG),
        1 => Just(APP),
    ]
}

fn value(key: &str) -> BoxedStrategy<String> {
    match key {
        VERSION => prop_oneof![8 => Just("original"), 1 => Just("origin"), 1 => Just("gray")].boxed(),
        TAG => prop_oneof![Just("base"), Just("gray")].boxed(),
        _ => prop_oneof![6 => Just("web"), 4 => Just("api"), 2 => Just("web-mse-gray"), 1 => Just("1")]
            .boxed(),
    }
    .prop_map(str::to_owned)
    .boxed()
}

fn labels(max: usize) -> impl Strategy<Value = Labels> {
    let pair = key().prop_flat_map(|key| (Just(key.to_owned()), value(key)));
    proptest::collection::vec(pair, 1..=max).prop_map(|pairs| pairs.into_iter().collect())
}

fn expression() -> impl Strategy<Value = Value> {
    key().prop_flat_map(|key| {
        let values = proptest::collection::btree_set(value(key), 1..3);
        (0..4usize, values).prop_map(move |(operator, values)| match operator {
            0 => json!({"key": key, "operator": "In", "values": values}),
            1 => json!({"key": key, "operator": "NotIn", "values": values}),
            2 => json!({"key": key, "operator": "Exists"}),
            _ => json!({"key": key, "operator": "DoesNotExist"}),
        })
    })
}

/// Whether labels fulfil an expression.
fn holds(expression: &Value, labels: &Labels) -> bool {
    let text = json!({"matchExpressions": [expression]}).to_string();
    label_selector(&YamlLoader::load_from_str(&text).unwrap()[0]).matches(labels)
}

/// A label selector; most of the time one that matches some of `labels`.
fn selector(labels: Labels) -> impl Strategy<Value = Value> {
    let some = proptest::sample::subsequence(
        labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>(),
        0..=labels.len(),
    );
    (some, proptest::collection::vec(expression(), 0..2)).prop_map(|(pairs, expressions)| {
        let mut selector = serde_json::Map::new();
        if !pairs.is_empty() {
            selector.insert("matchLabels".into(), json!(pairs.into_iter().collect::<Labels>()));
        }
        if !expressions.is_empty() {
            selector.insert("matchExpressions".into(), json!(expressions));
        }
        Value::Object(selector)
    })
}

fn namespace() -> impl Strategy<Value = &'static str> {
    prop_oneof![5 => Just("prod"), 1 => Just("test")]
}

fn workload(number: usize) -> impl Strategy<Value = (Value, Labels)> {
    let extra = proptest::option::weighted(0.2, expression());
    let versioned = proptest::bool::weighted(0.5);
    (labels(3), namespace(), any::<bool>(), extra, versioned).prop_flat_map(
        move |(mut labels, namespace, is_clone_set, extra, versioned)| {
            if versioned {
                labels.insert(VERSION.into(), "original".into());
            }
            let pairs: Vec<_> = labels.clone().into_iter().collect();
            let count = pairs.len();
            let chosen = proptest::sample::subsequence(pairs, 1..=count);
            (chosen, Just((labels, namespace, is_clone_set, extra, versioned))).prop_map(
                move |(chosen, (labels, namespace, is_clone_set, extra, versioned))| {
                    let mut chosen: Labels = chosen.into_iter().collect();
                    if versioned {
                        chosen.insert(VERSION.into(), "original".into());
                    }
                    let mut selector = json!({"matchLabels": chosen});
                    // A workload must select its own pods.
                    if let Some(extra) = extra.filter(|extra| holds(extra, &labels)) {
                        selector["matchExpressions"] = json!([extra]);
                    }
                    let (api, kind) = if is_clone_set {
                        ("apps.kruise.io/v1alpha1", "CloneSet")
                    } else {
                        ("apps/v1", "Deployment")
                    };
                    let object = json!({
                        "apiVersion": api,
                        "kind": kind,
                        "metadata": {"name": format!("w{number}"), "namespace": namespace},
                        "spec": {
                            "selector": selector,
                            "template": {
                                "metadata": {"labels": labels},
                                "spec": {"containers": [{"name": "app", "image": "app:1"}]},
                            },
                        },
                    });
                    (object, labels)
                },
            )
        },
    )
}

/// A Service, budget, monitor, policy or autoscaler, often one of the workload with these labels.
fn counting(number: usize, labels: Labels) -> impl Strategy<Value = Value> {
    let object = prop_oneof![
        3 => service(labels.clone()),
        1 => selector(labels.clone()).prop_map(|selector| json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "spec": {"maxUnavailable": 1, "selector": selector},
        })),
        1 => monitor("PodMonitor", labels.clone()),
        1 => monitor("ServiceMonitor", labels.clone()),
        1 => (0..4usize, any::<bool>()).prop_map(|(target, is_clone_set)| {
            let (api, kind) = match is_clone_set {
                true => ("apps.kruise.io/v1alpha1", "CloneSet"),
                false => ("apps/v1", "Deployment"),
            };
            let target = json!({"apiVersion": api, "kind": kind, "name": format!("w{target}")});
            json!({
                "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "spec": {"scaleTargetRef": target, "maxReplicas": 3},
            })
        }),
        2 => policy(labels),
    ];
    (object, namespace()).prop_map(move |(mut object, namespace)| {
        object["metadata"]["name"] = json!(format!("s{number}"));
        object["metadata"]["namespace"] = json!(namespace);
        object
    })
}

fn service(pods: Labels) -> impl Strategy<Value = Value> {
    (selector(pods), proptest::option::of(labels(2))).prop_map(|(selector, labels)| {
        let mut service = json!({
            "apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]},
        });
        if let Some(labels) = selector.get("matchLabels") {
            service["spec"]["selector"] = labels.clone();
        }
        if let Some(labels) = labels {
            service["metadata"]["labels"] = json!(labels);
        }
        service
    })
}

fn monitor(kind: &'static str, labels: Labels) -> impl Strategy<Value = Value> {
    (selector(labels), 0..3usize).prop_map(move |(selector, scope)| {
        let scope = match scope {
            0 => json!({"any": true}),
            1 => json!({"matchNames": ["prod", "test"]}),
            _ => json!({}),
        };
        json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": kind,
            "spec": {"selector": selector, "namespaceSelector": scope},
        })
    })
}

/// A network policy with up to two rules of up to three peers.
fn policy(labels: Labels) -> impl Strategy<Value = Value> {
    let peer = (proptest::option::weighted(0.8, selector(labels.clone())), 0..4usize)
        .prop_map(|(pods, namespaces)| {
            let mut peer = serde_json::Map::new();
            let named = |name: &str| json!({"matchLabels": {"kubernetes.io/metadata.name": name}});
            match namespaces {
                0 => drop(peer.insert("namespaceSelector".into(), json!({}))),
                1 => drop(peer.insert("namespaceSelector".into(), named("test"))),
                _ if pods.is_none() => drop(peer.insert("namespaceSelector".into(), named("prod"))),
                _ => {}
            }
            if let Some(pods) = pods {
                peer.insert("podSelector".into(), pods);
            }
            Value::Object(peer)
        })
        .boxed();
    let rules = || proptest::collection::vec(proptest::collection::vec(peer.clone(), 1..4), 0..2);
    (selector(labels), rules(), rules()).prop_map(|(subject, ingress, egress)| {
        let rules = |key: &str, rules: Vec<Vec<Value>>| -> Vec<Value> {
            rules.into_iter().map(|peers| json!({key: peers})).collect()
        };
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "spec": {
                "podSelector": subject,
                "ingress": rules("from", ingress),
                "egress": rules("to", egress),
            },
        })
    })
}

#[derive(Clone, Debug)]
struct Case {
    manifests: Vec<Value>,
    spec: String,
}

fn case() -> impl Strategy<Value = Case> {
    let workloads = (1..5usize).prop_flat_map(|count| (0..count).map(workload).collect::<Vec<_>>());
    workloads
        .prop_flat_map(|workloads| {
            let all: Vec<Labels> = workloads.iter().map(|(_, labels)| labels.clone()).collect();
            let selecting = (0..5usize).prop_flat_map(move |count| {
                let all = all.clone();
                (0..count)
                    .map(|number| {
                        let all = all.clone();
                        proptest::sample::select(all)
                            .prop_flat_map(move |labels| counting(number, labels))
                    })
                    .collect::<Vec<_>>()
            });
            let names: Vec<Value> = workloads.iter().map(|(object, _)| object.clone()).collect();
            let count = names.len();
            let chosen = proptest::sample::subsequence(names, 1..=count.min(3));
            let mode = proptest::sample::select(vec!["auto", "version-label", "relabel"]);
            let policy = proptest::sample::select(vec![
                "", "Service: share", "Service/s0: share", "PodMonitor: copy", "PodDisruptionBudget: copy",
                "HorizontalPodAutoscaler: copy", "NetworkPolicy: share", "NetworkPolicy: skip",
            ]);
            (Just(workloads), selecting, chosen, mode, 1..3usize, policy)
        })
        .prop_map(|(workloads, selecting, chosen, mode, replicas, policy)| {
            let mut manifests: Vec<Value> =
                workloads.into_iter().map(|(object, _)| object).collect();
            // Monitors of Services are copied where they are asked for alone.
            let monitors: Vec<String> = selecting
                .iter()
                .filter(|object| object["kind"] == "ServiceMonitor")
                .map(|object| format!("ServiceMonitor/{}", object["metadata"]["name"].as_str().unwrap()))
                .collect();
            let copy = monitors.join(", ");
            manifests.extend(selecting);
            let services: String = chosen
                .iter()
                .map(|object| {
                    let (kind, name) =
                        (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
                    format!(
                        "  - {{name: {name}, workload: {kind}/{name}, replicas: {replicas}, copy: [{copy}], policies: {{{policy}}}}}\n"
                    )
                })
                .collect();
            let spec = format!(
                "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: t}}\nspec:\n  \
                 tag: gray\n  isolation: {mode}\n  services:\n{services}"
            );
            Case { manifests, spec }
        })
}

fn release(manifests: &str, spec: &str) -> Result<Release, String> {
    let files = Memory([("all.yaml".to_owned(), manifests.as_bytes().to_vec())].into());
    let paths = files.list("", &|_| true).unwrap();
    let baseline = read::read(&files, &paths, "").map_err(|error| error.to_string())?;
    let spec = pipeline::spec_of("graylane.yaml", spec).map_err(|error| error.to_string())?;
    let facts = lane::Facts::gather(&baseline.into());
    pipeline::release(spec, &facts).map_err(|error| error.to_string())
}

/// The messages of a finding.
fn told<'a>(release: &'a Release, code: &str) -> Vec<&'a str> {
    let found = release.findings.iter().filter(|found| found.code == Some(code));
    found.map(|found| found.message.as_str()).collect()
}

/// The name of the first object of this kind in a message.
fn named(message: &str, kind: &str) -> Option<String> {
    let (_, rest) = message.split_once(&format!("{kind}/"))?;
    rest.split([' ', ':']).next().map(str::to_owned)
}

fn told_gaps(release: &Release) -> BTreeSet<Gap> {
    let gap = |message: &str| {
        let policy = named(message, "NetworkPolicy").unwrap();
        let workload = named(message, "Deployment").or_else(|| named(message, "CloneSet")).unwrap();
        let is_without_gray = message.contains("gray ones");
        let treated = match (message.contains(" isolates "), is_without_gray) {
            (true, true) => Treated::Open,
            (true, false) => Treated::Isolated,
            (false, true) => Treated::CutOff,
            (false, false) => Treated::LetThrough,
        };
        (policy, workload, treated)
    };
    told(release, "network-policy-gap").into_iter().map(gap).collect()
}

fn told_monitors(release: &Release) -> BTreeSet<String> {
    let told = told(release, "service-monitor-duplicate");
    told.into_iter().map(|message| named(message, "ServiceMonitor").unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, ..ProptestConfig::default() })]

    #[test]
    fn lanes_are_isolated_or_refused(case in case()) {
        let mut manifests = String::new();
        for manifest in &case.manifests {
            manifests.push_str("---\n");
            print(manifest, 0, &mut manifests);
        }
        // What does not fit the baseline at all is for other tests.
        let Ok(release) = release(&manifests, &case.spec) else { return Ok(()) };
        let files = release.files();
        let gray: String = files
            .iter()
            .map(|file| format!("---\n{}", String::from_utf8(file.contents.to_vec()).unwrap()))
            .collect();
        let (baseline, lane) = (parse(&manifests), parse(&gray));
        let found = violations(&baseline, &lane, "-mse-gray");
        let told: Vec<&str> =
            release.findings.iter().map(|finding| finding.message.as_str()).collect();
        match release.sound() {
            Ok(()) => prop_assert!(found.is_empty(), "{found:#?}\n{manifests}\n{}\n{gray}", case.spec),
            // By version label, the baseline must say so whether or not something leaks today.
            Err(_) => prop_assert!(
                !found.is_empty() || case.spec.contains("version-label"),
                "{told:#?}\n{manifests}\n{}\n{gray}", case.spec
            ),
        }
        let mut gaps = gaps(&baseline, &lane, "-mse-gray");
        if case.spec.contains("NetworkPolicy: skip") {
            gaps.retain(|(_, _, treated)| *treated != Treated::Open);
        }
        prop_assert_eq!(told_gaps(&release), gaps, "{}\n{}\n{}", manifests, case.spec, gray);
        prop_assert_eq!(
            told_monitors(&release),
            scraped_twice(&baseline, &lane, "-mse-gray"),
            "{}\n{}\n{}", manifests, case.spec, gray
        );
        let mut names = BTreeSet::new();
        for object in baseline.iter().chain(&lane) {
            let id = (&object.kind, &object.namespace, &object.name);
            prop_assert!(names.insert(id), "{id:?} twice");
            prop_assert!(object.name.len() <= 63);
        }
    }
}

#[test]
fn the_evaluator_finds_leaks_and_gaps() {
    let pod = |name: &str, labels: &str| {
        format!(
            "---\nkind: Deployment\nmetadata: {{name: {name}, namespace: a}}\nspec: {{selector: \
             {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {labels}}}}}}}\n"
        )
    };
    let baseline = parse(&pod("web", "{app: web}"));
    let gray = parse(&pod("web-mse-gray", "{app: web, lane: gray}"));
    assert_eq!(violations(&baseline, &gray, "-mse-gray").len(), 2);
    let scaler = "---\nkind: HorizontalPodAutoscaler\nmetadata: {name: s, namespace: a}\nspec: \
                  {scaleTargetRef: {kind: Deployment, name: web}}\n";
    let scaled = parse(&(pod("web", "{app: web}") + scaler));
    assert_eq!(violations(&scaled, &gray, "-mse-gray").len(), 3);
    let tagged = parse(&pod("web", &format!("{{app: web, {TAG}: gray}}")));
    let gray = parse(&pod("web-mse-gray", &format!("{{app: g, {TAG}: gray}}")));
    assert!(violations(&tagged, &gray, "-mse-gray")[0].contains("has the tag of the lane"));
    let policy = "---\nkind: NetworkPolicy\nmetadata: {name: p, namespace: a}\nspec: {podSelector: \
                  {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}\n";
    let found = gaps(&parse(&(pod("web", "{app: web}") + policy)), &gray, "-mse-gray");
    let treated: Vec<Treated> = found.into_iter().map(|(_, _, treated)| treated).collect();
    assert_eq!(treated, [Treated::Open, Treated::CutOff]);
}
