//! Isolation, checked by brute force: random baselines and specs, and an evaluator of selectors
//! that shares nothing with the program but the YAML library.
//!
//! What is accepted has no selector that reaches over to the other side, and what is refused as a
//! leak has one.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::collections::{BTreeMap, BTreeSet};

use graylane::baseline::files::{Files, Memory};
use graylane::baseline::read;
use graylane::lane;
use graylane::pipeline::{self, Release};
use proptest::prelude::*;
use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

type Labels = BTreeMap<String, String>;

const VERSION: &str = "zadigx-release-version";
const TAG: &str = "alicloud.service.tag";
const APP: &str = "msePilotCreateAppName";

#[derive(Clone, Debug)]
enum Condition {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

/// A selector as Kubernetes reads it; `None`: there is none, or it asks for nothing and means nothing.
#[derive(Clone, Debug)]
struct Selector(Vec<(String, Condition)>);

impl Selector {
    fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|(key, condition)| {
            let value = labels.get(key);
            match condition {
                Condition::In(values) => value.is_some_and(|value| values.contains(value)),
                Condition::NotIn(values) => !value.is_some_and(|value| values.contains(value)),
                Condition::Exists => value.is_some(),
                Condition::DoesNotExist => value.is_none(),
            }
        })
    }
}

fn text(node: &Yaml) -> String {
    match node {
        Yaml::String(text) | Yaml::Real(text) => text.clone(),
        Yaml::Integer(number) => number.to_string(),
        Yaml::Boolean(value) => value.to_string(),
        other => panic!("no scalar: {other:?}"),
    }
}

fn string_map(node: &Yaml) -> Labels {
    node.as_hash()
        .into_iter()
        .flatten()
        .map(|(key, value)| {
            // The API takes strings only; a label that reads as anything else is refused by it.
            let value = value.as_str().unwrap_or_else(|| panic!("no string: {key:?} {value:?}"));
            (text(key), value.to_owned())
        })
        .collect()
}

/// What one object counts, and the pods it makes.
#[derive(Debug)]
struct Facts {
    kind: String,
    name: String,
    namespace: String,
    /// The selector with the namespaces it looks into; no namespaces: all.
    selector: Option<(Selector, Option<Vec<String>>)>,
    pods: Option<Labels>,
}

fn equals(labels: Labels) -> Vec<(String, Condition)> {
    labels.into_iter().map(|(key, value)| (key, Condition::In(vec![value]))).collect()
}

fn label_selector(node: &Yaml) -> Selector {
    let mut all = equals(string_map(&node["matchLabels"]));
    for expression in node["matchExpressions"].as_vec().into_iter().flatten() {
        let values = || expression["values"].as_vec().into_iter().flatten().map(text).collect();
        all.push((
            text(&expression["key"]),
            match text(&expression["operator"]).as_str() {
                "In" => Condition::In(values()),
                "NotIn" => Condition::NotIn(values()),
                "Exists" => Condition::Exists,
                "DoesNotExist" => Condition::DoesNotExist,
                other => panic!("operator {other}"),
            },
        ));
    }
    Selector(all)
}

fn facts(object: &Yaml) -> Facts {
    let kind = text(&object["kind"]);
    let namespace = text(&object["metadata"]["namespace"]);
    let spec = &object["spec"];
    let own = Some(vec![namespace.clone()]);
    let selector = match kind.as_str() {
        "Deployment" | "CloneSet" => Some((label_selector(&spec["selector"]), own)),
        "Service" => spec["selector"]
            .as_hash()
            .filter(|selector| !selector.is_empty())
            .map(|_| (Selector(equals(string_map(&spec["selector"]))), own)),
        "PodDisruptionBudget" => {
            spec["selector"].as_hash().map(|_| (label_selector(&spec["selector"]), own))
        }
        "PodMonitor" => {
            let names = spec["namespaceSelector"]["matchNames"].as_vec();
            let scope = if spec["namespaceSelector"]["any"].as_bool() == Some(true) {
                None
            } else {
                names.map_or(own, |names| Some(names.iter().map(text).collect()))
            };
            spec["selector"].as_hash().map(|_| (label_selector(&spec["selector"]), scope))
        }
        _ => None,
    };
    let pods = matches!(kind.as_str(), "Deployment" | "CloneSet")
        .then(|| string_map(&spec["template"]["metadata"]["labels"]));
    Facts { kind, name: text(&object["metadata"]["name"]), namespace, selector, pods }
}

/// All ways in which the sides of a release reach over to each other.
fn violations(baseline: &[Facts], gray: &[Facts], suffix: &str) -> Vec<String> {
    let mut found = Vec::new();
    let selects = |owner: &Facts, pod: &Facts| {
        let (Some((selector, scope)), Some(labels)) = (&owner.selector, &pod.pods) else {
            return false;
        };
        scope.as_ref().is_none_or(|names| names.contains(&pod.namespace))
            && selector.matches(labels)
    };
    for owner in baseline {
        for pod in gray.iter().filter(|pod| selects(owner, pod)) {
            found.push(format!("{}/{} matches gray {}", owner.kind, owner.name, pod.name));
        }
    }
    for owner in gray {
        for pod in baseline.iter().filter(|pod| selects(owner, pod)) {
            found.push(format!("gray {}/{} matches {}", owner.kind, owner.name, pod.name));
        }
        if owner.pods.is_some() {
            for pod in gray.iter().filter(|pod| pod.pods.is_some()) {
                let own = pod.name == owner.name && pod.kind == owner.kind;
                if selects(owner, pod) != own {
                    found.push(format!("gray {} and the pods of {}", owner.name, pod.name));
                }
            }
        }
        let original = baseline
            .iter()
            .find(|original| {
                original.kind == owner.kind && format!("{}{suffix}", original.name) == owner.name
            })
            .unwrap_or_else(|| panic!("{} has no original", owner.name));
        let lane = |pod: &&Facts| {
            pod.pods.is_some()
                && gray.iter().any(|copy| copy.name == format!("{}{suffix}", pod.name))
        };
        for pod in baseline.iter().filter(lane).filter(|pod| selects(original, pod)) {
            let copy = format!("{}{suffix}", pod.name);
            let is_reached = gray.iter().any(|gray| gray.name == copy && selects(owner, gray));
            if owner.kind == "Service" && !is_reached {
                found.push(format!("gray Service {} misses {copy}", owner.name));
            }
        }
    }
    found
}

fn parse(text: &str) -> Vec<Facts> {
    YamlLoader::load_from_str(text).unwrap().iter().map(facts).collect()
}

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

/// A Service, budget or monitor, often one of the workload with these labels.
fn counting(number: usize, labels: Labels) -> impl Strategy<Value = Value> {
    (0..6usize, selector(labels.clone()), namespace(), 0..3usize).prop_map(
        move |(kind, selector, namespace, scope)| {
            let metadata = json!({"name": format!("s{number}"), "namespace": namespace});
            match kind {
                0 => json!({
                    "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                    "metadata": metadata, "spec": {"maxUnavailable": 1, "selector": selector},
                }),
                1 => json!({
                    "apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor",
                    "metadata": metadata,
                    "spec": {
                        "selector": selector,
                        "namespaceSelector": match scope {
                            0 => json!({"any": true}),
                            1 => json!({"matchNames": ["prod", "test"]}),
                            _ => json!({}),
                        },
                    },
                }),
                _ => {
                    let mut service = json!({
                        "apiVersion": "v1", "kind": "Service", "metadata": metadata,
                        "spec": {"ports": [{"port": 80}]},
                    });
                    if let Some(labels) = selector.get("matchLabels") {
                        service["spec"]["selector"] = labels.clone();
                    }
                    service
                }
            }
        },
    )
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
            ]);
            (Just(workloads), selecting, chosen, mode, 1..3usize, policy)
        })
        .prop_map(|(workloads, selecting, chosen, mode, replicas, policy)| {
            let mut manifests: Vec<Value> =
                workloads.into_iter().map(|(object, _)| object).collect();
            manifests.extend(selecting);
            let services: String = chosen
                .iter()
                .map(|object| {
                    let (kind, name) =
                        (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
                    format!(
                        "  - {{name: {name}, workload: {kind}/{name}, replicas: {replicas}, policies: {{{policy}}}}}\n"
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
            .map(|file| format!("---\n{}", String::from_utf8(file.contents.clone()).unwrap()))
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
        let mut names = BTreeSet::new();
        for object in baseline.iter().chain(&lane) {
            let id = (&object.kind, &object.namespace, &object.name);
            prop_assert!(names.insert(id), "{id:?} twice");
            prop_assert!(object.name.len() <= 63);
        }
    }
}

#[test]
fn the_evaluator_finds_leaks() {
    let pod = |name: &str, labels: &str| {
        format!(
            "---\nkind: Deployment\nmetadata: {{name: {name}, namespace: a}}\nspec: {{selector: \
             {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {labels}}}}}}}\n"
        )
    };
    let baseline = parse(&pod("web", "{app: web}"));
    let gray = parse(&pod("web-mse-gray", "{app: web, lane: gray}"));
    assert_eq!(violations(&baseline, &gray, "-mse-gray").len(), 2);
}
