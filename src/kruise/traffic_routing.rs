//! The TrafficRouting: what the gateway does while any Rollout of the lane runs.
//!
//! Source: openkruise/rollouts config/crd/bases, `TrafficRouting`; there is no version but v1alpha1.

use super::rules::{GROUP, check_driven};
use super::scripts::{
    COOKIE, Routed, check_ingress, check_match, class_type, warn_of_headers, warn_of_ingress,
};
use crate::diagnostic::{Diagnostic, Place};
use crate::gateway::{self, CANARY, backends};
use crate::generated::GeneratedObject;
use crate::kube::kinds::Wave;
use crate::kube::names::check_name;
use crate::kube::object::ObjectRef;
use crate::lane::{Facts, Found, LaneEntry};
use crate::skeleton::fill;
use crate::spec::{Entry, GatewayClass, GrayRelease, Match, ValueMatch};
use crate::yaml::{NodeRef, Path, Value};

const NAME: &str = "templates/kruise/traffic-routing.yaml";
const SKELETON: &str = include_str!("../../templates/kruise/traffic-routing.yaml");

/// The TrafficRouting of a lane.
pub(super) struct TrafficRouting {
    pub(super) object: GeneratedObject,
    pub(super) entry: LaneEntry,
    pub(super) notes: Vec<Diagnostic>,
}

/// The TrafficRouting for the entry of a release.
///
/// # Errors
///
/// What OpenKruise cannot do with the route or the match, all of it.
pub(super) fn traffic_routing(
    release: &GrayRelease,
    facts: &Facts,
    found: &Found<'_, '_>,
    entry: &Entry,
    route: usize,
) -> Result<TrafficRouting, Vec<Diagnostic>> {
    let ingress = facts.object(route);
    let document = ingress.document();
    let root = document.root();
    let mut errors = Vec::new();
    let class_type =
        served(release, &ingress.id, root, entry).map_err(|error| errors.push(error)).ok();
    errors.extend(check_match(&entry.route));
    if ingress.id.kind != "Ingress" {
        return Err(errors);
    }
    errors.extend(gateway::malformed(GatewayClass::Mse, &entry.route));
    errors.extend(check_driven(facts, &ingress.id, &entry.place));
    errors.extend(check_names(facts, &ingress.id, &entry.place));
    let workload = &facts.object(found.workload).id;
    if workload.namespace != ingress.id.namespace {
        let message = format!("{} is in another namespace than {workload}", ingress.id);
        let remedy = "name an Ingress of the workload's namespace, or set `spec.namespace`";
        errors.push(Diagnostic::error(message).at(entry.place.clone()).remedy(remedy));
        return Err(errors);
    }
    let service =
        service_of(found, &ingress.id, root, &entry.place).map_err(|error| errors.push(error));
    let mse = gateway::of(GatewayClass::Mse);
    let mut notes = gateway::regex_notes(mse.class(), mse.capabilities(), &entry.route);
    let tag = release.tag.as_str();
    if let Ok(service) = service {
        let routed = Routed { id: &ingress.id, root, service, tag };
        errors.extend(check_ingress(routed));
        notes.extend(warn_of_ingress(routed));
        notes.extend(warn_of_headers(routed));
    }
    let (Some(class_type), Ok(service), true) = (class_type, service, errors.is_empty()) else {
        return Err(errors);
    };
    let name = match &release.kruise.traffic_routing {
        Some((name, _)) => name.clone(),
        None => format!("{}{}", ingress.id.name, release.suffix),
    };
    let reference = Path::keys(["spec", "objectRef"]).index(0);
    let mut values = vec![(Path::keys(["metadata", "name"]), Value::string(&name))];
    if !ingress.id.namespace.is_empty() {
        let namespace = Value::string(&ingress.id.namespace);
        values.push((Path::keys(["metadata", "namespace"]), namespace));
    }
    values.extend([
        (reference.key("service"), Value::string(service)),
        (reference.key("ingress").key("classType"), Value::string(class_type)),
        (reference.key("ingress").key("name"), Value::string(&ingress.id.name)),
    ]);
    if let Some(seconds) = release.kruise.grace_period_seconds {
        values.push((reference.key("gracePeriodSeconds"), Value::int(seconds.into())));
    }
    let strategy = strategy(&entry.route, &release.tag_header, tag);
    values.push((Path::keys(["spec", "strategy"]), strategy));
    let document = fill(NAME, SKELETON, values).map_err(|error| vec![error])?;
    let made = format!("{}{CANARY}", ingress.id.name);
    notes.push(Diagnostic::note(format!(
        "while a rollout runs, OpenKruise makes Ingress/{made} and removes it again; it changes neither {} nor a Service, so that nothing in git drifts",
        ingress.id
    )).at(ingress.place()));
    let place = release.kruise.traffic_routing.as_ref().map(|(_, place)| place);
    let route = ObjectRef::new(GROUP, "TrafficRouting", &ingress.id.namespace, &name);
    let service = found.spec.name.clone();
    Ok(TrafficRouting {
        object: GeneratedObject {
            service: service.clone(),
            // A Rollout that runs waits for its TrafficRouting, and the TrafficRouting cannot go
            // before the Rollouts that use it: it is applied before them and taken away after them,
            // the other way round than a route that leads to copies.
            wave: Wave::Config,
            document,
            place: Some(place.unwrap_or(&entry.place).clone()),
        },
        entry: LaneEntry { service, gateway: GatewayClass::Mse, route, place: entry.place.clone() },
        notes,
    })
}

/// The `classType` of what serves a route.
fn served(
    release: &GrayRelease,
    id: &ObjectRef,
    root: NodeRef<'_>,
    entry: &Entry,
) -> Result<&'static str, Diagnostic> {
    let own = || gateway::class_for(id, root);
    let class = match release.gateway_class {
        Some(class) if id.kind == "Ingress" => class,
        _ => own().map_err(|error| error.at(entry.place.clone()))?,
    };
    class_type(class).map_err(|why| {
        let error = Diagnostic::error(format!(
            "`strategy: kruise` cannot route by the gateway class `{class}`: {why}"
        ));
        error
            .at(entry.place.clone())
            .remedy("OpenKruise routes lanes by an Ingress of class `mse`; use `strategy: copy`")
    })
}

/// What is wrong with the name that OpenKruise would give the canary Ingress.
fn check_names(facts: &Facts, ingress: &ObjectRef, place: &Place) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let made = ObjectRef { name: format!("{}{CANARY}", ingress.name), ..ingress.clone() };
    if let Some(there) = facts.baseline.get(&made) {
        let error = Diagnostic::error(format!(
            "the baseline has {made}, and OpenKruise makes and removes an Ingress of that name"
        ));
        let error = error.at(there.place()).related(place.clone(), "the entry");
        errors.push(error.remedy("rename that Ingress"));
    }
    if let Err(why) = check_name(&made.group, &made.kind, &made.name) {
        let error = Diagnostic::error(format!("OpenKruise cannot make an Ingress: {why}"));
        errors.push(error.at(place.clone()).remedy("give the entry's Ingress a shorter name"));
    }
    errors
}

/// The Service that an Ingress leads to and that selects the pods of an entry.
fn service_of<'f>(
    found: &Found<'_, 'f>,
    ingress: &ObjectRef,
    root: NodeRef<'_>,
    place: &Place,
) -> Result<&'f str, Diagnostic> {
    let led_to = backends(root);
    let fits =
        |id: &&&ObjectRef| id.namespace == ingress.namespace && led_to.contains(&id.name.as_str());
    let names: Vec<&str> = found.services.iter().filter(fits).map(|id| id.name.as_str()).collect();
    let (message, remedy) = match names.as_slice() {
        [one] => return Ok(one),
        [] => (
            format!(
                "no path of {} leads to a Service that selects the pods of `{}`",
                ingress, found.spec.name
            ),
            "an entry needs a rule with a path to such a Service; a default backend gets no canary",
        ),
        several => (
            format!(
                "{} leads to several Services of `{}`: {}",
                ingress,
                found.spec.name,
                several.join(", ")
            ),
            "OpenKruise routes one Service of an Ingress: let its paths lead to one of them",
        ),
    };
    Err(Diagnostic::error(message).at(place.clone()).remedy(remedy))
}

/// Which requests are gray, and the header that they get.
fn strategy(route: &Match, tag_header: &str, tag: &str) -> Value {
    let mut fields = Vec::new();
    let (exact, regex) = ("Exact", "RegularExpression");
    let headers = route.headers.iter().map(|header| match &header.value {
        ValueMatch::Exact(value) => (exact, header.name.as_str(), value.as_str()),
        ValueMatch::Regex(value) => (regex, header.name.as_str(), value.as_str()),
    });
    let cookie = route.cookie.iter().map(|cookie| (exact, COOKIE, cookie.name.as_str()));
    let headers: Vec<Value> = headers
        .chain(cookie)
        .map(|(kind, name, value)| {
            Value::string_map([("type", kind), ("name", name), ("value", value)])
        })
        .collect();
    if !headers.is_empty() {
        let one = Value::Mapping(vec![("headers".to_owned(), Value::Sequence(headers))]);
        fields.push(("matches".to_owned(), Value::Sequence(vec![one])));
    }
    if let Some(weight) = route.weight {
        fields.push(("weight".to_owned(), Value::int(weight.into())));
    }
    // Exactly one: the script for MSE puts several into one line.
    let set = Value::Sequence(vec![Value::string_map([("name", tag_header), ("value", tag)])]);
    let modifier = Value::Mapping(vec![("set".to_owned(), set)]);
    fields.push(("requestHeaderModifier".to_owned(), modifier));
    Value::Mapping(fields)
}
