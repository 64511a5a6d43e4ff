//! The Rollout of a service: how its workload is released.
//!
//! Source: openkruise/rollouts config/crd/bases, `Rollout`, and pkg/controller/rollout.

use super::rules::MAX_ROLLOUT_NAME;
use crate::diagnostic::Diagnostic;
use crate::generated::GeneratedObject;
use crate::kube::kinds::Wave;
use crate::lane::{Facts, Found};
use crate::skeleton::fill;
use crate::spec::{GrayRelease, Kruise, Pods, RolloutVersion, Step};
use crate::yaml::{NodeRef, Path, Value};

/// Ties a Rollout to a TrafficRouting. The controller reads this alone; the field
/// `trafficRoutingRef` of v1beta1 is for conversion between versions.
///
/// Source: openkruise/rollouts pkg/controller/rollout/rollout_progressing.go.
const TRAFFIC_ROUTING: &str = "rollouts.kruise.io/trafficrouting";

/// What differs between the versions of the API.
struct Version {
    name: &'static str,
    skeleton: &'static str,
    workload: &'static [&'static str],
    /// The field of a step that holds its share of requests, and how that is written.
    traffic: (&'static str, fn(u8) -> Value),
    /// Whether a Rollout has a field for its TrafficRouting.
    has_reference: bool,
}

fn version(version: RolloutVersion) -> Version {
    match version {
        RolloutVersion::V1beta1 => Version {
            name: "templates/kruise/rollout-v1beta1.yaml",
            skeleton: include_str!("../../templates/kruise/rollout-v1beta1.yaml"),
            workload: &["spec", "workloadRef"],
            traffic: ("traffic", |percent| Value::string(format!("{percent}%"))),
            has_reference: true,
        },
        RolloutVersion::V1alpha1 => Version {
            name: "templates/kruise/rollout-v1alpha1.yaml",
            skeleton: include_str!("../../templates/kruise/rollout-v1alpha1.yaml"),
            workload: &["spec", "objectRef", "workloadRef"],
            traffic: ("weight", |percent| Value::int(percent.into())),
            has_reference: false,
        },
    }
}

/// The Rollout of a service. `labels` are those its gray pods get besides; `routing` is the name of
/// the lane's TrafficRouting.
///
/// # Errors
///
/// A name that is too long.
pub(super) fn rollout(
    release: &GrayRelease,
    facts: &Facts,
    found: &Found<'_, '_>,
    labels: &[(String, String)],
    routing: Option<&str>,
) -> Result<GeneratedObject, Diagnostic> {
    let workload = facts.object(found.workload);
    let named = release.kruise.rollouts.iter().find(|(service, ..)| *service == found.spec.name);
    let (name, place) = match named {
        Some((_, name, place)) => (name.clone(), place),
        None => (format!("{}{}", workload.id.name, release.suffix), &found.spec.workload_place),
    };
    let length = name.chars().count();
    if length > MAX_ROLLOUT_NAME {
        let error = Diagnostic::error(format!(
            "the Rollout of `{}` cannot be called `{name}`: it has {length} characters, and OpenKruise makes a finalizer of it, which has at most {MAX_ROLLOUT_NAME}",
            found.spec.name
        ));
        let remedy =
            format!("name it: `kruise: {{names: {{rollouts: {{{}: …}}}}}}`", found.spec.name);
        return Err(error.at(place.clone()).remedy(remedy));
    }
    let version = version(release.kruise.api_version);
    let mut values = vec![(Path::keys(["metadata", "name"]), Value::string(name))];
    if !workload.id.namespace.is_empty() {
        let namespace = Value::string(&workload.id.namespace);
        values.push((Path::keys(["metadata", "namespace"]), namespace));
    }
    if let Some(routing) = routing {
        let path = Path::keys(["metadata", "annotations", TRAFFIC_ROUTING]);
        values.push((path, Value::string(routing)));
    }
    let reference = Path::keys(version.workload.iter().copied());
    let api_version = found.document.at(&["apiVersion"]).and_then(NodeRef::as_str);
    values.extend([
        (reference.key("apiVersion"), Value::string(api_version.unwrap_or_default())),
        (reference.key("kind"), Value::string(&workload.id.kind)),
        (reference.key("name"), Value::string(&workload.id.name)),
    ]);
    let canary = Path::keys(["spec", "strategy", "canary"]);
    values.push((canary.key("steps"), steps(&release.kruise, &version)));
    let labels = labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let metadata = canary.key("patchPodTemplateMetadata");
    values.push((metadata.key("labels"), Value::string_map(labels)));
    if let Some(routing) = routing.filter(|_| version.has_reference) {
        values.push((canary.key("trafficRoutingRef"), Value::string(routing)));
    }
    Ok(GeneratedObject {
        service: found.spec.name.clone(),
        wave: Wave::Workload,
        document: fill(version.name, version.skeleton, values)?,
        place: Some(place.clone()),
    })
}

/// The steps of a rollout; by default one gray pod, until someone approves it.
fn steps(kruise: &Kruise, version: &Version) -> Value {
    let one = [Step {
        replicas: Some(Pods::Count(1)),
        traffic: None,
        pause: None,
        place: kruise.place.clone(),
    }];
    let steps = kruise.steps.as_deref().unwrap_or(&one);
    Value::Sequence(steps.iter().map(|each| step(each, version)).collect())
}

fn step(step: &Step, version: &Version) -> Value {
    let mut fields = Vec::new();
    match step.replicas {
        Some(Pods::Count(count)) => fields.push(("replicas", Value::int(count.into()))),
        Some(Pods::Percent(percent)) => {
            fields.push(("replicas", Value::string(format!("{percent}%"))));
        }
        None => {}
    }
    if let Some(percent) = step.traffic {
        let (field, written) = version.traffic;
        fields.push((field, written(percent)));
    }
    // A step without a pause waits like one with an empty pause; it is written so that it shows.
    let duration = step.pause.map(|seconds| ("duration".to_owned(), Value::int(seconds.into())));
    fields.push(("pause", Value::Mapping(duration.into_iter().collect())));
    Value::Mapping(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}
