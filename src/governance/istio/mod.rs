//! Istio: sidecars route by the header that carries the tag. Pods need no labels for that, and
//! nothing has to run in them but the sidecar; the application sends the header on.
//!
//! For every copied Service one of three holds: no VirtualService of the baseline is about its host,
//! then the lane shares one with the other lanes; the baseline's has a slot for the lane, then the
//! lane has the delegate; or it has none, and somebody has to add it.
//!
//! Source: istio.io/latest/docs/reference/config/networking/virtual-service and
//! ops/best-practices/traffic-management; istio/istio, pilot/pkg/networking/core/httproute.go.

mod delegate;
mod hosts;
mod matching;
mod rules;
mod services;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use super::{Governance, Governed, GovernedService, Marks, Style};
use crate::diagnostic::Diagnostic;
use crate::generated::{Generated, GeneratedObject};
use crate::kube::kinds::Wave;
use crate::kube::object::ObjectRef;
use crate::shared_routes::{LANES, LaneRoute, ServiceHost, Way, object_of};
use crate::spec::GrayRelease;
use crate::yaml::NodeRef;
use delegate::Asked;
use hosts::RuleHost;
use rules::{Rule, Rules, exported_to, is_rule};
use services::unroutable;

/// Istio's sidecars.
pub(super) struct Istio;

impl Governance for Istio {
    fn marks(&self, _release: &GrayRelease, _app: &str, _style: Style) -> Marks {
        Marks::default()
    }

    fn app_name_key(&self) -> Option<&'static str> {
        None
    }

    fn registry_keys(&self) -> &'static [&'static str] {
        &[]
    }

    fn routes_by(&self, id: &ObjectRef) -> bool {
        is_rule(id)
    }

    fn generate(&self, lane: &Governed<'_>) -> Result<Generated, Vec<Diagnostic>> {
        let mut routing = Routing::new(lane);
        for service in &lane.services {
            routing.service(service);
        }
        routing.decide();
        routing.finish()
    }
}

/// A VirtualService of the baseline that the lane needs a delegate of.
struct Root<'r, 'a> {
    rule: &'r Rule<'a>,
    /// The service that asked first.
    service: &'r str,
    /// The namespace of the delegate.
    namespace: String,
}

/// The routes of a lane while they are found.
struct Routing<'a> {
    lane: &'a Governed<'a>,
    header: String,
    /// The lane's Services that the mesh can route, with their copies.
    gray: HashMap<ServiceHost, ServiceHost>,
    /// The same in the order of the spec, with the service each belongs to.
    hosts: Vec<(ServiceHost, &'a str)>,
    generated: Generated,
    errors: Vec<Diagnostic>,
}

impl<'a> Routing<'a> {
    fn new(lane: &'a Governed<'a>) -> Self {
        Self {
            lane,
            // Keys of a VirtualService are in lower case; header names are alike in any.
            header: lane.release.tag_header.to_ascii_lowercase(),
            gray: HashMap::new(),
            hosts: Vec::new(),
            generated: Generated::default(),
            errors: Vec::new(),
        }
    }

    /// Takes in the Services of a service. Those that cannot be routed stay with the baseline, but
    /// one of a service must be routed.
    fn service(&mut self, service: &GovernedService<'a>) {
        let mut left_out = Vec::new();
        let mut is_routed = service.services.is_empty();
        for (id, gray) in &service.services {
            let Some(host) = ServiceHost::of(id) else {
                let error = Diagnostic::error(format!(
                    "the namespace of {id} is not known, and rules of the mesh name Services in full"
                ));
                let place = self.lane.baseline.get(id).and_then(|object| object.place());
                self.errors.push(error.at(place).remedy("set `spec.namespace`"));
                is_routed = true;
                continue;
            };
            if let Some((why, place)) = self.lane.baseline.get(id).and_then(unroutable) {
                let message = format!("requests to {id} stay with the baseline: {why}");
                left_out.push(Diagnostic::warning(message).at(place));
                continue;
            }
            is_routed = true;
            self.gray.insert(host.clone(), ServiceHost::new(gray, &id.namespace));
            self.hosts.push((host, &service.spec.name));
        }
        if is_routed {
            self.generated.notes.extend(left_out);
            return;
        }
        let error = Diagnostic::error(format!(
            "no Service of `{}` can be routed by a header: its copy would get no request of the lane",
            service.spec.name
        ));
        let error = error.at(service.spec.place.clone());
        let error = left_out.into_iter().fold(error, |error, one| match one.place {
            Some(place) => error.related(place, one.message),
            None => error,
        });
        self.errors.push(error.remedy(
            "give it a Service with a cluster IP and a port of HTTP, or take it out of the spec",
        ));
    }

    /// Decides for every Service who routes to its copy, and makes the delegates.
    fn decide(&mut self) {
        let rules = Rules::gather(self.lane.baseline);
        let mut roots: BTreeMap<&ObjectRef, Root<'_, 'a>> = BTreeMap::new();
        for (host, service) in std::mem::take(&mut self.hosts) {
            match rules.of(&host).as_slice() {
                [] => self.share(host),
                [rule] => {
                    let root = Root { rule, service, namespace: host.namespace.clone() };
                    roots.entry(&rule.object.id).or_insert(root);
                }
                several => self.errors.push(several_rules(&host, several)),
            }
        }
        for root in roots.into_values() {
            self.delegate(&root);
        }
        for rule in rules.of_gateways() {
            self.at_gateway(rule);
        }
    }

    /// The lane's part of a VirtualService that lanes share.
    fn share(&mut self, host: ServiceHost) {
        let Some(gray) = self.gray.get(&host).cloned() else { return };
        let release = self.lane.release;
        let shared = object_of(&host);
        if let Some(there) = self.lane.baseline.get(&shared) {
            let error = Diagnostic::error(format!(
                "{shared} would be made for the lanes of {host}, and the baseline has it already"
            ));
            self.errors.push(error.at(there.place()).remedy("give that object another name"));
        }
        self.generated.shared.push(LaneRoute {
            host,
            tag: release.tag.to_string(),
            way: Way { header: self.header.clone(), gray },
            place: release.tag_place.clone(),
        });
    }

    /// The lane's delegate of a VirtualService of the baseline.
    fn delegate(&mut self, root: &Root<'_, '_>) {
        let asked = Asked {
            tag: self.lane.release.tag.as_str(),
            header: &self.header,
            namespace: &root.namespace,
            gray: &self.gray,
            callers: &self.lane.services,
            baseline: self.lane.baseline,
        };
        let document = match asked.delegate(root.rule) {
            Ok(document) => document,
            Err(error) => return self.errors.push(error),
        };
        let id = &root.rule.object.id;
        if let Some(namespaces) = exported_to(root.rule.document.root()) {
            let warning = Diagnostic::warning(format!(
                "{id} is exported to {} alone: callers in other namespaces reach the baseline",
                namespaces.join(", ")
            ));
            let place = root.rule.document.at(&["spec", "exportTo"]).and_then(NodeRef::place);
            self.generated.notes.push(warning.at(place));
        }
        self.generated.objects.push(GeneratedObject {
            service: root.service.to_owned(),
            wave: Wave::Entry,
            document,
            place: root.rule.object.place(),
        });
    }

    /// Tells of a gateway's rule that leads to a Service of the lane.
    fn at_gateway(&mut self, rule: &Rule<'_>) {
        let namespace = &rule.object.id.namespace;
        let http = rule.document.at(&["spec", "http"]);
        let routes =
            http.into_iter().flat_map(NodeRef::items).filter_map(|entry| entry.get("route"));
        let hosts = routes
            .flat_map(NodeRef::items)
            .filter_map(|weighted| weighted.at(&["destination", "host"])?.as_str());
        let mut services = hosts.filter_map(|host| match RuleHost::read(host, namespace) {
            RuleHost::Service(service) => Some(service),
            _ => None,
        });
        if let Some(service) = services.find(|service| self.gray.contains_key(service)) {
            let note = Diagnostic::note(format!(
                "{} leads to {service} at its gateways: requests that come in there reach the baseline, with or without the tag",
                rule.object.id
            ));
            self.generated.notes.push(note.at(rule.object.place()));
        }
    }

    fn finish(mut self) -> Result<Generated, Vec<Diagnostic>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let release = self.lane.release;
        if release.tag.as_str() == LANES {
            let error = Diagnostic::error(format!(
                "the tag `{LANES}` would give a delegate the name of an object that lanes share"
            ));
            let error = error.at(release.tag_place.clone());
            return Err(vec![error.remedy("choose another tag, such as `gray`")]);
        }
        if !self.gray.is_empty() {
            let note = Diagnostic::note(format!(
                "sidecars do not send `{}` on from one request to the next: every application of the lane has to",
                self.header
            ));
            self.generated.notes.push(note.at(release.tag_place.clone()));
        }
        Ok(self.generated)
    }
}

fn several_rules(host: &ServiceHost, rules: &[&Rule<'_>]) -> Diagnostic {
    let names: Vec<String> = rules.iter().map(|rule| rule.object.id.to_string()).collect();
    let error = Diagnostic::error(format!(
        "{} are all about {host}, and a sidecar goes by one of them",
        names.join(", ")
    ));
    let mut places = rules.iter().filter_map(|rule| rule.object.place());
    let error = error.at(places.next());
    let error = places.fold(error, |error, place| error.related(place, "another"));
    error.remedy("make one VirtualService of them")
}
