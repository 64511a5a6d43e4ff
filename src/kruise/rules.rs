//! What OpenKruise Rollouts refuses, ignores or waits for, as tables.
//!
//! Source, where a row names no other: openkruise/rollouts, pkg/webhook/rollout/validating.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Place};
use crate::kube::object::ObjectRef;
use crate::kube::selectors::SelectorRole;
use crate::lane::{Facts, Found};
use crate::spec::{Kruise, Pods, Provider, RolloutVersion, Step};
use crate::yaml::{Document, NodeRef};

/// The API group of Rollouts and TrafficRoutings.
pub(super) const GROUP: &str = "rollouts.kruise.io";

/// Steps of one Rollout, at most: `maxItems` of the CRD.
const MAX_STEPS: usize = 50;

/// The longest name of a Rollout, in characters: a TrafficRouting in use carries the finalizer
/// `progressing.rollouts.kruise.io/<rollout>`, and the name part of a finalizer has 63.
///
/// Source: openkruise/rollouts pkg/controller/rollout/rollout_progressing.go; kubernetes/apimachinery
/// `ValidateFinalizerName`.
pub(super) const MAX_ROLLOUT_NAME: usize = 63;

/// The longest name of a workload, in characters: the gray Deployment has it as the value of the
/// label `rollouts.kruise.io/canary-deployment`.
///
/// Source: openkruise/rollouts pkg/controller/batchrelease/control/canarystyle/deployment.
const MAX_WORKLOAD_NAME: usize = 63;

/// A rule about a step, seen with the one before it: what is wrong and what to do, where it is
/// broken.
struct StepRule {
    broken: fn(RolloutVersion, Option<&Step>, &Step) -> bool,
    message: &'static str,
    remedy: &'static str,
}

/// Every rule about steps that the webhook has for a canary without `trafficRoutings`.
const STEPS: &[StepRule] = &[
    StepRule {
        broken: |version, _, step| version == RolloutVersion::V1beta1 && step.replicas.is_none(),
        message: "a step of v1beta1 needs `replicas`",
        remedy: "say how many pods are gray in it: `replicas: 1`, or `replicas: 20%`",
    },
    StepRule {
        broken: |version, _, step| {
            version == RolloutVersion::V1alpha1 && step.replicas.is_none() && step.traffic.is_none()
        },
        message: "a step of v1alpha1 needs `replicas` or `traffic`",
        remedy: "say how many pods are gray in it: `replicas: 1`, or `replicas: 20%`",
    },
    StepRule {
        broken: |_, _, step| matches!(step.replicas, Some(Pods::Count(0) | Pods::Percent(0))),
        message: "a step has no pods",
        remedy: "write at least `replicas: 1`; without gray pods there is nothing to route to",
    },
    StepRule {
        broken: |_, _, step| matches!(step.replicas, Some(Pods::Percent(101..))),
        message: "a step has more than 100% of the pods",
        remedy: "write a percentage from `1%` to `100%`",
    },
    StepRule {
        broken: |_, before, step| match (before.and_then(pods), pods(step)) {
            (Some(Pods::Count(before)), Some(Pods::Count(now))) => now < before,
            (Some(Pods::Percent(before)), Some(Pods::Percent(now))) => now < before,
            // A number and a percentage are not compared.
            _ => false,
        },
        message: "a step has fewer pods than the one before it",
        remedy: "order the steps so that `replicas` never falls",
    },
];

/// The pods of a step: v1alpha1 takes the share of requests for the share of pods, where that is
/// not said.
///
/// Source: openkruise/rollouts api/v1alpha1/conversion.go.
fn pods(step: &Step) -> Option<Pods> {
    step.replicas.or(step.traffic.map(|percent| Pods::Percent(percent.into())))
}

/// What is wrong with the steps of a spec.
pub(super) fn check_steps(kruise: &Kruise) -> Vec<Diagnostic> {
    let Some(steps) = &kruise.steps else { return Vec::new() };
    let mut errors = Vec::new();
    let mut refuse = |message: String, remedy: &str, place: &Place| {
        errors.push(Diagnostic::error(message).at(place.clone()).remedy(remedy));
    };
    if steps.is_empty() {
        let remedy = "leave `steps` out, or write at least one: `- {replicas: 1, pause: {}}`";
        refuse("a rollout has no steps".to_owned(), remedy, &kruise.place);
    }
    if steps.len() > MAX_STEPS {
        let message = format!("a rollout has {} steps, {MAX_STEPS} are allowed", steps.len());
        refuse(message, "leave some out", &kruise.place);
    }
    let mut before = None;
    for step in steps {
        for rule in STEPS.iter().filter(|rule| (rule.broken)(kruise.api_version, before, step)) {
            refuse(rule.message.to_owned(), rule.remedy, &step.place);
        }
        before = Some(step);
    }
    errors
}

/// A kind of workload.
struct WorkloadKind {
    api_version: &'static str,
    kind: &'static str,
    /// Why it cannot be part of a lane, if it cannot.
    refused: Option<&'static str>,
}

const BY_PARTITION: &str = "OpenKruise releases it by partition, and then ignores \
     patchPodTemplateMetadata: its gray pods would not carry the tag";

/// The kinds that the webhook lets a Rollout drive.
///
/// Sources: `IsSupportedWorkload` of openkruise/rollouts pkg/util; patchPodTemplateMetadata is read
/// in pkg/controller/batchrelease/control/canarystyle/deployment alone.
const WORKLOADS: &[WorkloadKind] = &[
    WorkloadKind { api_version: "apps/v1", kind: "Deployment", refused: None },
    WorkloadKind { api_version: "apps/v1", kind: "ReplicaSet", refused: Some(BY_PARTITION) },
    WorkloadKind { api_version: "apps/v1", kind: "StatefulSet", refused: Some(BY_PARTITION) },
    WorkloadKind { api_version: "apps/v1", kind: "DaemonSet", refused: Some(BY_PARTITION) },
    WorkloadKind {
        api_version: "apps.kruise.io/v1alpha1",
        kind: "CloneSet",
        refused: Some(BY_PARTITION),
    },
    WorkloadKind {
        api_version: "apps.kruise.io/v1beta1",
        kind: "StatefulSet",
        refused: Some(BY_PARTITION),
    },
    WorkloadKind {
        api_version: "apps.kruise.io/v1alpha1",
        kind: "StatefulSet",
        refused: Some(BY_PARTITION),
    },
    WorkloadKind {
        api_version: "apps.kruise.io/v1alpha1",
        kind: "DaemonSet",
        refused: Some(BY_PARTITION),
    },
];

/// Kinds whose controllers drive a workload or write a canary route, with what they are.
///
/// Sources: "one workload only have less than one Rollout" of the webhook; the canary Ingress is
/// made and deleted by name, without a look at who owns it (pkg/trafficrouting/network/ingress);
/// docs.flagger.app/usage/how-it-works; argo-rollouts.readthedocs.io (spec.workloadRef).
const DRIVERS: &[(&str, &str)] = &[
    (GROUP, "Rollout"),
    (GROUP, "TrafficRouting"),
    ("argoproj.io", "Rollout"),
    ("flagger.app", "Canary"),
];

/// An object of the baseline that drives another one already.
pub(super) fn check_driven(facts: &Facts, id: &ObjectRef, place: &Place) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for referrer in facts.referrers(id) {
        let driver = facts.object(*referrer);
        if !DRIVERS.contains(&(driver.id.group.as_str(), driver.id.kind.as_str())) {
            continue;
        }
        let error = Diagnostic::error(format!("{} drives {id} already", driver.id));
        let error = error.at(driver.place()).related(place.clone(), "the release");
        errors.push(error.remedy(
            "take it out of the baseline, or what it drives out of the release: two of them would undo each other's work",
        ));
    }
    errors
}

/// What is wrong with the workload of a service; `labels` are those its gray pods get besides.
pub(super) fn check_workload(
    facts: &Facts,
    found: &Found<'_, '_>,
    labels: &[(String, String)],
) -> Vec<Diagnostic> {
    let object = facts.object(found.workload);
    let place = &found.spec.workload_place;
    let mut errors = Vec::new();
    let mut refuse = |message: String, remedy: &str| {
        errors.push(Diagnostic::error(message).at(place.clone()).remedy(remedy));
    };
    if let Some((why, remedy)) = kind_refused(&found.document) {
        refuse(format!("{} cannot be rolled out by `strategy: kruise`: {why}", object.id), &remedy);
    }
    let length = object.id.name.chars().count();
    if length > MAX_WORKLOAD_NAME {
        let message = format!(
            "the name of {} has {length} characters, and OpenKruise makes a label value of it, which has at most {MAX_WORKLOAD_NAME}",
            object.id
        );
        refuse(message, "give the workload a shorter name, or use `strategy: copy`");
    }
    let selectors = facts.selectors_of(found.workload);
    let own =
        selectors.iter().filter(|selecting| selecting.selector.role == SelectorRole::Workload);
    let mut gray: HashMap<String, String> = found.pods.labels.iter().cloned().collect();
    gray.extend(labels.iter().cloned());
    for selecting in own.filter(|selecting| !selecting.selector.selects(&gray)) {
        let error = Diagnostic::error(format!(
            "{} selects its pods by a label that its gray pods have with another value",
            object.id
        ));
        let at = found.document.find(&selecting.selector.path).and_then(NodeRef::place);
        let keys: Vec<&str> = labels.iter().map(|(key, _)| key.as_str()).collect();
        errors.push(error.at(at).remedy(format!(
            "leave {} out of the selector: the gray Deployment has a copy of it, and its template must match",
            keys.join(", ")
        )));
    }
    errors.extend(check_driven(facts, &object.id, place));
    errors
}

/// Why a kind of workload cannot be part of a lane, and what to do.
fn kind_refused(document: &Document) -> Option<(String, String)> {
    let text = |key: &str| document.at(&[key]).and_then(NodeRef::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let of_kind = || {
        let rows = WORKLOADS.iter();
        rows.filter(|row| row.kind == kind && row.api_version != api_version)
            .find(|row| row.refused.is_none())
    };
    let row = WORKLOADS.iter().find(|row| row.kind == kind && row.api_version == api_version);
    match (row.map(|row| row.refused), of_kind()) {
        (Some(None), _) => None,
        (Some(Some(why)), _) => Some((
            why.to_owned(),
            "name a Deployment, or use `strategy: copy` for the release".to_owned(),
        )),
        (None, Some(known)) => Some((
            format!("its apiVersion is {api_version}"),
            format!("write it as {}", known.api_version),
        )),
        (None, None) => Some((
            format!("the webhook of OpenKruise lets no Rollout drive a {kind} of {api_version}"),
            "name a Deployment, or use `strategy: copy` for the release".to_owned(),
        )),
    }
}

/// Why a governance provider cannot lead requests to the gray pods of a Rollout, if it cannot: the
/// Services of the baseline select gray pods and others alike.
pub(super) fn provider_refused(provider: Provider) -> Option<&'static str> {
    match provider {
        Provider::Mse => None,
        Provider::OpenSergo | Provider::Istio => {
            Some("its rules are written for gray copies with names of their own")
        }
        Provider::None => {
            Some("without governance nothing tells gray pods from those of the baseline")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { file: "a.yaml".into(), line: 1, column: 1, text: String::new() }
    }

    /// Replicas and traffic.
    type Written = (Option<Pods>, Option<u8>);

    fn messages(version: RolloutVersion, steps: &[Written]) -> Vec<String> {
        let step = |(replicas, traffic)| Step { replicas, traffic, pause: None, place: place() };
        let kruise = Kruise {
            api_version: version,
            steps: Some(steps.iter().copied().map(step).collect()),
            grace_period_seconds: None,
            traffic_routing: None,
            rollouts: Vec::new(),
            place: place(),
        };
        check_steps(&kruise).into_iter().map(|error| error.message).collect()
    }

    #[test]
    fn steps_are_as_the_webhook_wants_them() {
        use Pods::{Count, Percent};
        use RolloutVersion::{V1alpha1, V1beta1};
        let none: &[&str] = &[];
        let cases: &[(RolloutVersion, &[Written], &[&str])] = &[
            (V1beta1, &[(Some(Count(1)), None)], none),
            (V1beta1, &[(Some(Percent(1)), Some(1)), (Some(Percent(100)), Some(100))], none),
            (V1beta1, &[(Some(Count(2)), None), (Some(Count(2)), None)], none),
            // A number and a percentage are not compared.
            (V1beta1, &[(Some(Count(9)), None), (Some(Percent(5)), None)], none),
            (V1beta1, &[(None, Some(20))], &["a step of v1beta1 needs"]),
            (V1alpha1, &[(None, Some(20))], none),
            (V1alpha1, &[(None, Some(20)), (Some(Percent(10)), None)], &["fewer pods"]),
            (V1alpha1, &[(None, None)], &["a step of v1alpha1 needs"]),
            (V1beta1, &[(Some(Count(0)), None)], &["has no pods"]),
            (V1alpha1, &[(Some(Percent(0)), None)], &["has no pods"]),
            (V1beta1, &[(Some(Percent(101)), None)], &["more than 100%"]),
            (V1beta1, &[(Some(Count(2)), None), (Some(Count(1)), None)], &["fewer pods"]),
            (V1alpha1, &[(Some(Percent(20)), None), (Some(Percent(10)), None)], &["fewer pods"]),
            (V1beta1, &[], &["has no steps"]),
            (V1beta1, &[(Some(Count(1)), None); MAX_STEPS], none),
            (V1beta1, &[(Some(Count(1)), None); MAX_STEPS + 1], &["has 51 steps"]),
            (V1beta1, &[(None, None), (Some(Count(0)), None)], &["needs", "has no pods"]),
        ];
        for (version, steps, expected) in cases {
            let found = messages(*version, steps);
            assert_eq!(found.len(), expected.len(), "{steps:?}: {found:?}");
            for (message, part) in found.iter().zip(*expected) {
                assert!(message.contains(part), "{steps:?}: {message}");
            }
        }
    }

    #[test]
    fn only_mse_tells_gray_pods_from_others() {
        let served: Vec<&Provider> =
            Provider::ALL.iter().filter(|each| provider_refused(**each).is_none()).collect();
        assert_eq!(served, [&Provider::Mse]);
    }
}
