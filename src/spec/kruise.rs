//! How OpenKruise rolls a release out: the `kruise` block, and the fields that mean nothing to a
//! strategy without copies.

use std::collections::{BTreeMap, HashMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::check::{Check, entries, items};
use super::choice::Strategy;
use super::raw;
use crate::diagnostic::Place;
use crate::kube::names;
use crate::yaml::NodeRef;

/// The version of the Rollout API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RolloutVersion {
    /// `rollouts.kruise.io/v1beta1`, of OpenKruise Rollouts 0.5 and later.
    #[default]
    V1beta1,
    /// `rollouts.kruise.io/v1alpha1`.
    V1alpha1,
}

/// How OpenKruise rolls a release out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kruise {
    /// The version of the Rollout API.
    pub api_version: RolloutVersion,
    /// The steps of every Rollout, in order; `None`: the default, which is at no place of the spec.
    pub steps: Option<Vec<Step>>,
    /// Seconds that gateways get to take in a change; OpenKruise's own default where there is none.
    pub grace_period_seconds: Option<u32>,
    /// The name of the TrafficRouting, and where it is.
    pub traffic_routing: Option<(String, Place)>,
    /// Names of Rollouts: the service, the name, and where it is. Both are unique.
    pub rollouts: Vec<(String, String, Place)>,
    /// Where the block is; the place of `spec` where there is none.
    pub place: Place,
}

/// A step of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Gray pods.
    pub replicas: Option<Pods>,
    /// Percent of requests, 1 to 100.
    pub traffic: Option<u8>,
    /// Seconds until the next step; `None`: it waits for someone to approve it.
    pub pause: Option<u32>,
    /// Where it is.
    pub place: Place,
}

/// A number of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pods {
    /// So many.
    Count(u32),
    /// Percent of the workload's replicas; any number.
    Percent(u32),
}

/// How OpenKruise rolls the release out; only with `strategy: kruise`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Kruise")]
pub(super) struct RawKruise {
    /// Version of the Rollout API.
    #[serde(default)]
    api_version: RolloutVersion,
    /// Steps of every Rollout, in order; one gray pod until someone approves it where they are left out.
    #[schemars(length(min = 1, max = 50))]
    steps: Option<Vec<Option<RawStep>>>,
    /// Seconds that the gateway gets to take in a change; OpenKruise takes 3 where it is left out.
    #[schemars(range(max = 2_147_483_647))]
    grace_period_seconds: Option<u32>,
    /// Names of the objects; a baseline name and the suffix where they are left out.
    names: Option<RawNames>,
}

/// A step of a rollout.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RolloutStep")]
struct RawStep {
    /// Gray pods: a number, or a percentage of the workload's replicas (`20%`).
    #[serde(default)]
    #[schemars(schema_with = "int_or_percent")]
    replicas: Option<serde_json::Value>,
    /// Percent of requests, for a Rollout that routes by itself.
    #[schemars(range(min = 1, max = 100))]
    traffic: Option<u8>,
    /// What the step waits for: so many seconds, or someone to approve it where there is no `duration`.
    pause: Option<RawPause>,
}

/// What a step waits for before the next one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RolloutPause")]
struct RawPause {
    /// Seconds.
    #[schemars(range(max = 2_147_483_647))]
    duration: Option<u32>,
}

/// Names of the objects of OpenKruise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "KruiseNames")]
struct RawNames {
    /// Name of the TrafficRouting.
    traffic_routing: Option<String>,
    /// Names of the Rollouts, by service.
    #[serde(default)]
    rollouts: BTreeMap<String, String>,
}

/// No `type`, so that both are read.
fn int_or_percent(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+%$"}],
    })
}

/// A field that means nothing to `strategy: kruise`.
struct Idle {
    /// Its path below `spec`, or below a service where it starts with a dot.
    path: &'static str,
    /// What to do instead.
    remedy: &'static str,
}

/// Every field that is about gray copies.
const IDLE: &[Idle] = &[
    Idle { path: "isolation", remedy: "remove it: there are no selectors of copies to keep apart" },
    Idle { path: "database.env", remedy: "set it in the baseline, with the images" },
    Idle { path: ".replicas", remedy: "say how many gray pods there are in `kruise.steps`" },
    Idle { path: ".env", remedy: "set it in the baseline, with the images" },
    Idle { path: ".envByContainer", remedy: "set it in the baseline, with the images" },
    Idle { path: ".rewriteEnv", remedy: "remove it: no Service is copied" },
    Idle { path: ".copy", remedy: "remove it: gray pods use the objects of the baseline" },
    Idle { path: ".policies", remedy: "remove it: every object stays with the baseline" },
    Idle { path: ".patches", remedy: "change the baseline: the rollout takes it to gray pods" },
];

/// The block of a spec, or its defaults.
pub(super) fn read(check: &mut Check, spec: &raw::Spec, node: NodeRef<'_>) -> Kruise {
    let place = check.place(node.get("kruise").or(Some(node)));
    let mut kruise = Kruise {
        api_version: RolloutVersion::default(),
        steps: None,
        grace_period_seconds: None,
        traffic_routing: None,
        rollouts: Vec::new(),
        place,
    };
    match spec.strategy {
        Strategy::Kruise => idle(check, node),
        Strategy::Copy if node.get("kruise").is_some() => check.error(
            "`spec.kruise` means nothing to `strategy: copy`",
            &kruise.place,
            "say `strategy: kruise`, or remove the block",
        ),
        Strategy::Copy => {}
    }
    let (Some(raw), Some(node)) = (&spec.kruise, node.get("kruise")) else { return kruise };
    kruise.api_version = raw.api_version;
    kruise.grace_period_seconds = raw.grace_period_seconds;
    kruise.steps = raw.steps.as_ref().map(|raw| steps(check, raw, node.get("steps")));
    if let Some(raw) = &raw.names {
        names(check, raw, spec, node, &mut kruise);
    }
    kruise
}

fn idle(check: &mut Check, spec: NodeRef<'_>) {
    for field in IDLE {
        let nodes: Vec<NodeRef<'_>> = match field.path.strip_prefix('.') {
            Some(path) => {
                let services = spec.get("services").into_iter().flat_map(NodeRef::items);
                services.filter_map(|service| service.get(path)).collect()
            }
            None => spec.at(&field.path.split('.').collect::<Vec<_>>()).into_iter().collect(),
        };
        for node in nodes {
            let place = check.place(Some(node));
            let name = field.path.trim_start_matches('.');
            let message = format!("`{name}` is about gray copies, and `strategy: kruise` has none");
            check.error(message, &place, field.remedy);
        }
    }
}

fn steps(check: &mut Check, raw: &[Option<RawStep>], node: Option<NodeRef<'_>>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (raw, node) in items(raw, node) {
        let replicas = raw.replicas.as_ref().and_then(|value| {
            let pods = pods(value);
            if pods.is_none() {
                let place = check.value_place(node.get("replicas"));
                let remedy = "write a whole number, or a percentage such as `20%`";
                check.error("`replicas` of a step is no number of pods", &place, remedy);
            }
            pods
        });
        let pause = raw.pause.as_ref().and_then(|pause| pause.duration);
        let place = check.place(Some(node));
        steps.push(Step { replicas, traffic: raw.traffic, pause, place });
    }
    steps
}

fn pods(value: &serde_json::Value) -> Option<Pods> {
    let int32 = |number: &u32| i32::try_from(*number).is_ok();
    if let Some(count) = value.as_u64() {
        return u32::try_from(count).ok().filter(int32).map(Pods::Count);
    }
    let digits = value.as_str()?.strip_suffix('%')?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|percent| is_plain && int32(percent)).map(Pods::Percent)
}

fn names(
    check: &mut Check,
    raw: &RawNames,
    spec: &raw::Spec,
    node: NodeRef<'_>,
    kruise: &mut Kruise,
) {
    let remedy = "use a name such as `mse-traffic`";
    if let Some(name) = &raw.traffic_routing {
        let place = check.value_place(node.at(&["names", "trafficRouting"]));
        check.fits("name of a TrafficRouting", name, names::dns_subdomain, &place, remedy);
        kruise.traffic_routing = Some((name.clone(), place));
    }
    let services = spec.services.iter().flatten().flatten();
    let services: Vec<&str> = services.filter_map(|service| service.name.as_deref()).collect();
    let mut first: HashMap<&str, Place> = HashMap::new();
    for (service, name, node) in entries(&raw.rollouts, node.at(&["names", "rollouts"])) {
        let place = check.value_place(Some(node));
        if !services.contains(&service) {
            let known = services.join(", ");
            let key = check.place(Some(node));
            let shown: String = service.chars().filter(|c| !c.is_control()).collect();
            let message = format!("the release has no service `{shown}`");
            check.error(message, &key, format!("its services are: {known}"));
        }
        check.fits("name of a Rollout", name, names::dns_subdomain, &place, remedy);
        if let Some(first) = first.insert(name, place.clone()) {
            let message = format!("two Rollouts are called `{name}`");
            check.clash(message, &place, &first, "the first one", "rename one of them");
        }
        kruise.rollouts.push((service.to_owned(), name.clone(), place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse;

    fn spec(block: &str, service: &str) -> String {
        format!(
            "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: a}}\nspec:\n  tag: gray\n{block}  services:\n    - name: web\n{service}"
        )
    }

    fn errors(block: &str, service: &str) -> Vec<String> {
        match parse("a.yaml", &spec(block, service)) {
            Ok(_) => Vec::new(),
            Err(failure) => failure.0.into_iter().map(|error| error.message).collect(),
        }
    }

    #[test]
    fn reads_the_block() {
        let block = "  strategy: kruise\n  kruise:\n    apiVersion: v1alpha1\n    gracePeriodSeconds: 5\n    names: {trafficRouting: t, rollouts: {web: r}}\n    steps: [{replicas: 1, pause: {}}, {replicas: 20%, traffic: 20, pause: {duration: 60}}]\n";
        let kruise = parse("a.yaml", &spec(block, "")).unwrap().kruise;
        assert_eq!(kruise.api_version, RolloutVersion::V1alpha1);
        assert_eq!(kruise.grace_period_seconds, Some(5));
        assert_eq!(kruise.traffic_routing.unwrap().0, "t");
        assert_eq!(kruise.rollouts[0].1, "r");
        let steps = kruise.steps.unwrap();
        assert_eq!((steps[0].replicas, steps[0].pause), (Some(Pods::Count(1)), None));
        assert_eq!((steps[1].replicas, steps[1].pause), (Some(Pods::Percent(20)), Some(60)));
        assert_eq!(steps[1].traffic, Some(20));
    }

    #[test]
    fn what_is_about_copies_is_refused_one_by_one() {
        let fields = [
            ("isolation", "auto"),
            ("database.env", "{A: b}"),
            (".replicas", "2"),
            (".env", "{A: b}"),
            (".envByContainer", "{web: {A: b}}"),
            (".rewriteEnv", "true"),
            (".copy", "[ConfigMap/a]"),
            (".policies", "{Service: copy}"),
            (".patches", "[{target: Deployment/web, merge: {spec: {paused: true}}}]"),
        ];
        assert_eq!(fields.len(), IDLE.len());
        for (path, value) in fields {
            let end = if path.starts_with("database") { "}" } else { "" };
            let (block, service) = match path.strip_prefix('.') {
                Some(name) => (String::new(), format!("      {name}: {value}\n")),
                None => (
                    format!(
                        "  {}{end}\n",
                        path.replace('.', ": {tables: [t], mode: shadow-table, schema: s, ")
                            + ": "
                            + value
                    ),
                    String::new(),
                ),
            };
            let found = errors(&format!("  strategy: kruise\n{block}"), &service);
            let name = path.trim_start_matches('.');
            assert!(found.len() == 1 && found[0].starts_with(&format!("`{name}` is")), "{found:?}");
            assert_eq!(errors(&block, &service), Vec::<String>::new(), "{path} with copies");
        }
        let kept = "      images: {web: a/b:2}\n      calls: [x]\n      workload: web\n";
        assert_eq!(errors("  strategy: kruise\n", kept), Vec::<String>::new());
    }

    #[test]
    fn refuses_what_means_nothing() {
        for (block, expected) in [
            ("  kruise: {}\n", "means nothing to `strategy: copy`"),
            ("  strategy: kruise\n  kruise: {steps: []}\n", ""),
            ("  strategy: kruise\n  kruise: {steps: [{replicas: x}]}\n", "no number of pods"),
            ("  strategy: kruise\n  kruise: {steps: [{replicas: +1%}]}\n", "no number of pods"),
            ("  strategy: kruise\n  kruise: {steps: [{replicas: -1}]}\n", "no number of pods"),
            (
                "  strategy: kruise\n  kruise: {steps: [{traffic: 0}]}\n",
                "`spec.kruise.steps[0].traffic` cannot be 0",
            ),
            ("  strategy: kruise\n  kruise: {steps: [{traffic: 101}]}\n", "cannot be 101"),
            ("  strategy: kruise\n  kruise: {apiVersion: v1}\n", "cannot be `v1`"),
            (
                "  strategy: kruise\n  kruise: {names: {rollouts: {other: r}}}\n",
                "no service `other`",
            ),
            (
                "  strategy: kruise\n  kruise: {names: {rollouts: {web: A}}}\n",
                "not a legal name of a Rollout",
            ),
            (
                "  strategy: kruise\n  kruise: {names: {trafficRouting: A}}\n",
                "not a legal name of a TrafficRouting",
            ),
        ] {
            let found = errors(block, "").join("\n");
            assert!(found.contains(expected), "{block}: {found}");
        }
    }
}
