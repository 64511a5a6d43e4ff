//! What selectors do to the two sides of a release, evaluated by brute force. It shares nothing with
//! the program but the parser of YAML.

use std::collections::{BTreeMap, BTreeSet};

use yaml_rust2::{Yaml, YamlLoader};

pub(crate) type Labels = BTreeMap<String, String>;

pub(crate) const VERSION: &str = "zadigx-release-version";
pub(crate) const TAG: &str = "alicloud.service.tag";
pub(crate) const APP: &str = "msePilotCreateAppName";

#[derive(Clone, Debug)]
pub(crate) enum Condition {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

/// A selector as Kubernetes reads it; `None`: there is none, or it asks for nothing and means nothing.
#[derive(Clone, Debug)]
pub(crate) struct Selector(Vec<(String, Condition)>);

impl Selector {
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
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

    /// Only what asks for labels that are there.
    fn asked(&self) -> Self {
        let asks =
            |condition: &Condition| matches!(condition, Condition::In(_) | Condition::Exists);
        Self(self.0.iter().filter(|(_, condition)| asks(condition)).cloned().collect())
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
pub(crate) struct Facts {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    labels: Labels,
    /// The selector with the namespaces it looks into; no namespaces: all.
    selector: Option<(Selector, Option<Vec<String>>)>,
    pods: Option<Labels>,
    /// Kind and name of what an autoscaler scales.
    target: Option<(String, String)>,
    /// Whom a network policy isolates, and the peers of each of its rules.
    policy: Option<(Selector, Vec<Vec<Peer>>)>,
    /// The Services a monitor scrapes; no namespaces: all.
    scraped: Option<(Selector, Option<Vec<String>>)>,
}

/// A peer of a network policy.
#[derive(Debug)]
struct Peer {
    pods: Option<Selector>,
    /// What it asks of the names of namespaces; `None`: the policy's own.
    namespaces: Option<Selector>,
}

fn equals(labels: Labels) -> Vec<(String, Condition)> {
    labels.into_iter().map(|(key, value)| (key, Condition::In(vec![value]))).collect()
}

pub(crate) fn label_selector(node: &Yaml) -> Selector {
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
        "PodMonitor" => monitored(spec, own),
        _ => None,
    };
    let pods = matches!(kind.as_str(), "Deployment" | "CloneSet")
        .then(|| string_map(&spec["template"]["metadata"]["labels"]));
    let target = &spec["scaleTargetRef"];
    Facts {
        name: text(&object["metadata"]["name"]),
        labels: string_map(&object["metadata"]["labels"]),
        target: target.as_hash().map(|_| (text(&target["kind"]), text(&target["name"]))),
        policy: (kind == "NetworkPolicy").then(|| policy(spec)),
        scraped: match kind.as_str() {
            "ServiceMonitor" => monitored(spec, Some(vec![namespace.clone()])),
            _ => None,
        },
        kind,
        namespace,
        selector,
        pods,
    }
}

fn monitored(spec: &Yaml, own: Option<Vec<String>>) -> Option<(Selector, Option<Vec<String>>)> {
    let names = spec["namespaceSelector"]["matchNames"].as_vec();
    let scope = if spec["namespaceSelector"]["any"].as_bool() == Some(true) {
        None
    } else {
        names.map_or(own, |names| Some(names.iter().map(text).collect()))
    };
    spec["selector"].as_hash().map(|_| (label_selector(&spec["selector"]), scope))
}

fn policy(spec: &Yaml) -> (Selector, Vec<Vec<Peer>>) {
    let list = |node: &Yaml| node.as_vec().cloned().unwrap_or_default();
    let rules = [("ingress", "from"), ("egress", "to")].into_iter().flat_map(|(rules, peers)| {
        list(&spec[rules]).into_iter().map(move |rule| list(&rule[peers]))
    });
    let selector = |node: &Yaml| node.as_hash().map(|_| label_selector(node));
    let peer = |peer: &Yaml| Peer {
        pods: selector(&peer["podSelector"]),
        namespaces: selector(&peer["namespaceSelector"]),
    };
    (
        label_selector(&spec["podSelector"]),
        rules.map(|rule| rule.iter().map(peer).collect()).collect(),
    )
}

/// All ways in which the sides of a release reach over to each other.
pub(crate) fn violations(baseline: &[Facts], gray: &[Facts], suffix: &str) -> Vec<String> {
    let mut found = Vec::new();
    let selects = |owner: &Facts, pod: &Facts| {
        let (Some((selector, scope)), Some(labels)) = (&owner.selector, &pod.pods) else {
            return false;
        };
        scope.as_ref().is_none_or(|names| names.contains(&pod.namespace))
            && selector.matches(labels)
    };
    // A monitor that finds no pod of the baseline is the lane's.
    let is_the_lanes = |owner: &Facts| {
        owner.kind == "PodMonitor" && !baseline.iter().any(|pod| selects(owner, pod))
    };
    for owner in baseline.iter().filter(|owner| !is_the_lanes(owner)) {
        for pod in gray.iter().filter(|pod| selects(owner, pod)) {
            found.push(format!("{}/{} matches gray {}", owner.kind, owner.name, pod.name));
        }
    }
    let workload = |objects: &'_ [Facts], scaler: &Facts| {
        objects.iter().position(|workload| {
            scaler.target == Some((workload.kind.clone(), workload.name.clone()))
                && workload.namespace == scaler.namespace
        })
    };
    for scaler in baseline {
        let Some(target) = workload(baseline, scaler) else { continue };
        for pod in gray.iter().filter(|pod| selects(&baseline[target], pod)) {
            found.push(format!("the autoscaler {} counts gray {}", scaler.name, pod.name));
        }
    }
    for scaler in gray.iter().filter(|object| object.target.is_some()) {
        if workload(gray, scaler).is_none() {
            found.push(format!("the gray autoscaler {} scales no gray workload", scaler.name));
        }
    }
    for (pod, copy) in copied(baseline, gray, suffix) {
        let (labels, copied) = (pod.pods.as_ref().unwrap(), copy.pods.as_ref().unwrap());
        let Some(tag) = copied.get(TAG) else { continue };
        if labels.get(TAG) == Some(tag) {
            found.push(format!("{} has the tag of the lane", pod.name));
        }
        let others = baseline
            .iter()
            .filter(|other| other.name != pod.name && other.namespace == pod.namespace);
        for other in others {
            let Some(labels) = &other.pods else { continue };
            if labels.get(TAG) == Some(tag) && labels.get(APP) == copied.get(APP) {
                found.push(format!("{} is in the lane of {}", other.name, pod.name));
            }
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

pub(crate) fn parse(text: &str) -> Vec<Facts> {
    YamlLoader::load_from_str(text).unwrap().iter().map(facts).collect()
}

/// The workloads of the baseline that have a gray copy, with it.
fn copied<'a>(
    baseline: &'a [Facts],
    gray: &'a [Facts],
    suffix: &str,
) -> Vec<(&'a Facts, &'a Facts)> {
    let copy = |pod: &'a Facts| {
        let name = format!("{}{suffix}", pod.name);
        let copy = gray.iter().find(|copy| copy.kind == pod.kind && copy.name == name)?;
        Some((pod, copy))
    };
    baseline.iter().filter(|object| object.pods.is_some()).filter_map(copy).collect()
}

/// A network policy, a workload, and how the one treats the gray pods of the other.
pub(crate) type Gap = (String, String, Treated);

/// How a network policy treats gray pods otherwise than the baseline's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Treated {
    /// It isolates the baseline's alone.
    Open,
    /// It isolates the gray ones alone.
    Isolated,
    /// It lets the baseline's through alone.
    CutOff,
    /// It lets the gray ones through alone.
    LetThrough,
}

/// What network policies of the baseline do to gray pods otherwise than to the baseline's.
pub(crate) fn gaps(baseline: &[Facts], gray: &[Facts], suffix: &str) -> BTreeSet<Gap> {
    let mut found = BTreeSet::new();
    for (pod, copy) in copied(baseline, gray, suffix) {
        let (old, new) = (pod.pods.as_ref().unwrap(), copy.pods.as_ref().unwrap());
        for object in baseline {
            let Some((subject, rules)) = &object.policy else { continue };
            let mut add = |treated| {
                found.insert((object.name.clone(), pod.name.clone(), treated));
            };
            let isolates = |policy: &Facts, subject: &Selector, labels: &Labels| {
                policy.namespace == pod.namespace && subject.matches(labels)
            };
            let own = format!("{}{suffix}", object.name);
            let copies = gray.iter().filter(|policy| policy.name == own);
            let is_isolated_by_copy = copies
                .filter_map(|policy| Some((policy, policy.policy.as_ref()?)))
                .any(|(policy, (subject, _))| isolates(policy, subject, new));
            // One that asks for labels that only gray pods have is there in its place.
            let is_for_lanes = |policy: &Facts, subject: &Selector| {
                isolates(policy, subject, new) && !subject.asked().matches(old)
            };
            let is_replaced = baseline
                .iter()
                .filter_map(|policy| Some((policy, &policy.policy.as_ref()?.0)))
                .any(|(policy, subject)| is_for_lanes(policy, subject));
            match (isolates(object, subject, old), isolates(object, subject, new)) {
                (true, false) if !is_isolated_by_copy && !is_replaced => add(Treated::Open),
                (false, true) if subject.asked().matches(old) => add(Treated::Isolated),
                _ => {}
            }
            for peers in rules {
                let admits = |peer: &Peer, labels: &Labels| {
                    let namespace = Labels::from([(
                        "kubernetes.io/metadata.name".to_owned(),
                        pod.namespace.clone(),
                    )]);
                    let looks_here = match &peer.namespaces {
                        Some(namespaces) => namespaces.matches(&namespace),
                        None => object.namespace == pod.namespace,
                    };
                    looks_here && peer.pods.as_ref().is_none_or(|pods| pods.matches(labels))
                };
                let admitted = |labels: &Labels| peers.iter().any(|peer| admits(peer, labels));
                match (admitted(old), admitted(new)) {
                    (true, false) => add(Treated::CutOff),
                    // What asks for labels that only gray pods have is meant for them.
                    (false, true) => {
                        let mut letting = peers.iter().filter(|peer| admits(peer, new));
                        let unmeant = |peer: &Peer| {
                            peer.pods.as_ref().is_none_or(|pods| pods.asked().matches(old))
                        };
                        if letting.any(unmeant) {
                            add(Treated::LetThrough);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    found
}

/// The monitors whose copy scrapes a gray Service that they scrape themselves.
pub(crate) fn scraped_twice(baseline: &[Facts], gray: &[Facts], suffix: &str) -> BTreeSet<String> {
    let scrapes = |monitor: &Facts, service: &Facts| {
        monitor.scraped.as_ref().is_some_and(|(selector, scope)| {
            scope.as_ref().is_none_or(|names| names.contains(&service.namespace))
                && selector.matches(&service.labels)
        })
    };
    let is_twice = |monitor: &&Facts| {
        let name = format!("{}{suffix}", monitor.name);
        let mut copies = gray.iter().filter(|copy| copy.kind == monitor.kind && copy.name == name);
        copies.any(|copy| {
            let mut services = gray.iter().filter(|object| object.kind == "Service");
            services.any(|service| scrapes(monitor, service) && scrapes(copy, service))
        })
    };
    let monitors = baseline.iter().filter(|object| object.scraped.is_some());
    monitors.filter(is_twice).map(|monitor| monitor.name.clone()).collect()
}
