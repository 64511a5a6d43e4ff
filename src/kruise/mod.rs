//! `strategy: kruise`: no copies. OpenKruise Rollouts drive the workloads of the baseline, and one
//! TrafficRouting leads gray requests to the pods of all that are rolled out at a time.
//!
//! Source: openkruise.io/rollouts, "End-to-End Canary Update"; openkruise/rollouts.

mod rollout;
mod rules;
mod scripts;
mod traffic_routing;

use crate::diagnostic::{Diagnostic, Failure};
use crate::governance;
use crate::kube::mse::{CANARY, MAX_CANARY_TAG};
use crate::kube::pod_specs::containers;
use crate::lane::{Facts, Found, Lane, check_images, find, generated};
use crate::spec::{GrayRelease, Provider};
use crate::yaml::NodeRef;
use rules::{check_steps, check_workload, provider_refused};
use traffic_routing::TrafficRouting;

/// Builds the lane of a spec whose strategy is `kruise`: a Rollout for each service, and a
/// TrafficRouting for the entry.
///
/// # Errors
///
/// Everything that OpenKruise would refuse, or take and not do, in the spec and in the baseline.
pub fn build(release: &GrayRelease, facts: &Facts) -> Result<Lane, Failure> {
    let mut errors = check_release(release);
    let governance = governance::of(Provider::Mse);
    let (found, wrong) = find(release, facts, governance);
    errors.extend(wrong);
    let mut lane = Lane::default();
    let mut objects = Vec::new();
    let mut routing_name = None;
    // A second entry has been refused.
    let first = found.iter().find(|service| service.spec.entry.is_some());
    if let Some(service) = first
        && let (Some(entry), Some(route)) = (&service.spec.entry, service.route)
    {
        match traffic_routing::traffic_routing(release, facts, service, entry, route) {
            Ok(TrafficRouting { object, entry, notes }) => {
                routing_name = Some(entry.route.name.clone());
                objects.push(object);
                lane.entries.push(entry);
                lane.notes.extend(notes);
            }
            Err(list) => errors.extend(list),
        }
    }
    errors.extend(apart(release, facts, &found));
    for service in &found {
        let labels = gray_labels(release, facts, service, governance);
        errors.extend(check_workload(facts, service, &labels));
        let object = facts.object(service.workload);
        errors.extend(check_images(object, &service.pods.template, service.spec));
        match rollout::rollout(release, facts, service, &labels, routing_name.as_deref()) {
            Ok(object) => objects.push(object),
            Err(error) => errors.push(error),
        }
        lane.notes.extend(starts(release, facts, service));
    }
    for object in objects {
        match generated(release, facts, object) {
            Ok(object) => lane.objects.push(object),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        errors.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        errors.dedup();
        return Err(Failure(errors));
    }
    lane.objects.sort_by(|a, b| (a.wave, &a.id.kind, &a.id).cmp(&(b.wave, &b.id.kind, &b.id)));
    lane.notes.extend(idle_steps(release));
    if lane.entries.is_empty() {
        let note = Diagnostic::note(format!(
            "no service is an entry, so there is no TrafficRouting: requests are gray if they come with `{}: {}`",
            release.tag_header, release.tag
        ));
        lane.notes.push(note.at(release.name_place.clone()));
    }
    Ok(lane)
}

/// What is wrong with a spec whatever the baseline is.
fn check_release(release: &GrayRelease) -> Vec<Diagnostic> {
    let mut errors = check_steps(&release.kruise);
    if let Some(why) = provider_refused(release.provider) {
        let error = Diagnostic::error(format!(
            "`strategy: kruise` does not work with the governance provider `{}`: {why}",
            release.provider
        ));
        let remedy = "use `governance: {provider: mse}`, or `strategy: copy`";
        errors.push(error.at(release.name_place.clone()).remedy(remedy));
    }
    let length = release.tag.as_str().chars().count();
    if length > MAX_CANARY_TAG {
        let error = Diagnostic::error(format!(
            "the tag has {length} characters, and the label `{CANARY}<tag>` allows {MAX_CANARY_TAG}"
        ));
        errors.push(error.at(release.tag_place.clone()).remedy("choose a shorter tag"));
    }
    let mut entries = release.services.iter().filter_map(|service| service.entry.as_ref());
    if let (Some(first), Some(second)) = (entries.next(), entries.next()) {
        let error = Diagnostic::error("a release by `strategy: kruise` has two entries");
        let error = error.at(second.place.clone()).related(first.place.clone(), "the first one");
        errors.push(
            error.remedy(
                "keep one: a Rollout is tied to one TrafficRouting, and that to one Ingress",
            ),
        );
    }
    errors
}

/// Services whose workloads are in another namespace than that of the entry, or of the first.
fn apart(release: &GrayRelease, facts: &Facts, found: &[Found<'_, '_>]) -> Vec<Diagnostic> {
    let namespace = |service: &Found<'_, '_>| facts.object(service.workload).id.namespace.clone();
    let first = found.iter().find(|service| service.spec.entry.is_some());
    let Some(first) = first.filter(|_| release.namespace.is_none()) else { return Vec::new() };
    let own = namespace(first);
    let apart = found.iter().filter(|service| namespace(service) != own);
    apart
        .map(|service| {
            let error = Diagnostic::error(format!(
                "{} is in another namespace than the entry `{}`",
                facts.object(service.workload).id,
                first.spec.name
            ));
            let remedy = "a Rollout and its TrafficRouting are in one namespace: make a release of its own for each";
            error.at(service.spec.workload_place.clone()).remedy(remedy)
        })
        .collect()
}

/// The labels that gray pods have and the others of their workload do not.
fn gray_labels(
    release: &GrayRelease,
    facts: &Facts,
    found: &Found<'_, '_>,
    governance: &dyn governance::Governance,
) -> Vec<(String, String)> {
    let tag = release.tag.as_str();
    let of_tag = governance.marks(release, "", governance::Style::Labels).selector.into_iter();
    let mut labels: Vec<(String, String)> =
        of_tag.map(|(key, value)| (key.into_owned(), value)).collect();
    labels.push((format!("{CANARY}{tag}"), tag.to_owned()));
    // Without a name of their own pods register under that of their Deployment, and OpenKruise
    // gives the gray one a new name.
    if let (None, Some(key)) = (&found.app, governance.app_name_key()) {
        labels.push((key.to_owned(), facts.object(found.workload).id.name.clone()));
    }
    labels
}

/// Says what starts the rollout of a service, unless the baseline has the new images already.
fn starts(release: &GrayRelease, facts: &Facts, found: &Found<'_, '_>) -> Option<Diagnostic> {
    let object = facts.object(found.workload);
    let all = containers(found.document.root(), &found.pods.template);
    let is_there = |container: &str, image: &str| {
        let mut named = all.iter().filter(|each| each.name == container);
        named.any(|each| {
            let there = found.document.find(&each.path.key("image")).and_then(NodeRef::text);
            there == Some(image)
        })
    };
    let new: Vec<String> = found
        .spec
        .images
        .iter()
        .filter(|image| !is_there(&image.container, &image.image))
        .map(|image| format!("\n  {}: {}", image.container, image.image))
        .collect();
    if new.is_empty() && !found.spec.images.is_empty() {
        return None;
    }
    let (starts, remedy) = match new.is_empty() {
        true => ("its pod template changes", "apply the overlay, then change it".to_owned()),
        false => (
            "its new images stand",
            format!(
                "apply the overlay, then `{}` sets these images there:{}",
                release.command("promote"),
                new.concat()
            ),
        ),
    };
    let note = Diagnostic::note(format!(
        "the overlay alone releases nothing: the rollout of `{}` starts when {starts} in the baseline, in {}",
        found.spec.name, object.id
    ));
    Some(note.at(object.place()).remedy(remedy))
}

/// Warns of shares of requests that no Rollout here deals out.
fn idle_steps(release: &GrayRelease) -> Option<Diagnostic> {
    let steps = release.kruise.steps.iter().flatten();
    let step = steps.into_iter().find(|step| step.traffic.is_some() && step.replicas.is_some())?;
    let warning = Diagnostic::warning(
        "`traffic` of a step routes nothing: a Rollout that is tied to a TrafficRouting has no route of its own",
    );
    let remedy = "say `weight` in the entry's `match` for a share of all requests";
    Some(warning.at(step.place.clone()).remedy(remedy))
}
