//! `route-taken`: a lane that takes a share takes all requests of another HTTPRoute too.

use std::collections::HashSet;

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::gateway::HttpRoutes;
use crate::kube::object::ObjectRef;
use crate::lane::{GrayObject, LaneEntry};
use crate::spec::{GatewayClass, Match};

pub(super) const FINDING: Finding = Finding {
    code: "route-taken",
    severity: Severity::Error,
    doc: "\
A lane that takes a share of all requests takes those of another HTTPRoute of the host and path.

The lane's HTTPRoute takes over from the baseline's by a match on every method, and such a match goes
before those on headers and query parameters of all HTTPRoutes of the gateway and host, whatever object
they stand in. What another route led elsewhere by a header on the same path goes to the backends of
the lane's route then, all of it.

Remedy: match by a header instead, or let the baseline weigh the gray Service.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let taken = taken(subject, |entry| {
        entry.weight.is_some()
            && entry.headers.is_empty()
            && entry.query.is_empty()
            && entry.cookie.is_none()
    });
    let told = taken.iter().map(|taken| {
        let error = Diagnostic::error(format!(
            "{} takes all requests of a match of {}, not a share of its own alone: its matches name the method, which goes before headers and query parameters",
            taken.object.id, taken.other
        ));
        taken.told(error).remedy(
            "match by a header instead of `weight`, or let the baseline's route weigh the gray Service",
        )
    });
    told.collect()
}

/// A match of another HTTPRoute that a lane's takes requests of.
pub(super) struct Taken<'a> {
    pub(super) entry: &'a LaneEntry,
    pub(super) object: &'a GrayObject,
    /// The other route.
    pub(super) other: &'a ObjectRef,
    /// Its match.
    place: Option<Place>,
}

impl Taken<'_> {
    /// Tells of it, where the entry is and with the match.
    pub(super) fn told(&self, found: Diagnostic) -> Diagnostic {
        let found = found.at(self.entry.place.clone());
        match self.place.clone() {
            Some(place) => found.related(place, "the match"),
            None => found,
        }
    }
}

/// What lanes take of other HTTPRoutes of the baseline, for entries of such matches.
pub(super) fn taken<'a>(
    subject: &Subject<'a>,
    is_meant: impl Fn(&Match) -> bool,
) -> Vec<Taken<'a>> {
    let lane: Vec<(&LaneEntry, &GrayObject)> = subject
        .lane
        .routes()
        .filter(|(entry, _)| entry.gateway == GatewayClass::GatewayApi)
        .collect();
    let match_of = |entry: &LaneEntry| {
        let service = subject.release.service(&entry.service);
        service.and_then(|service| service.entry.as_ref()).map(|entry| &entry.route)
    };
    if !lane.iter().any(|(entry, _)| match_of(entry).is_some_and(&is_meant)) {
        return Vec::new();
    }
    let baseline = &subject.facts.baseline;
    let mut routes = HttpRoutes::default();
    for (position, object) in baseline.objects().iter().enumerate() {
        if object.id.kind == "HTTPRoute" && object.id.group == "gateway.networking.k8s.io" {
            routes.add(position, &object.id, object.document().root());
        }
    }
    let copied: HashSet<&ObjectRef> =
        subject.lane.objects.iter().filter_map(GrayObject::baseline).collect();
    let mut found = Vec::new();
    for (entry, object) in &lane {
        let Some(matched) = match_of(entry).filter(|matched| is_meant(matched)) else { continue };
        let Some((origin, document)) = object.baseline().zip(object.document()) else { continue };
        for rival in routes.taken(document.root(), origin, matched) {
            let other = subject.facts.object(rival.object);
            let route = other.document();
            // A route that is an entry too has a copy of that match, which goes first.
            let is_gray = copied.contains(&other.id)
                && rival.leads_to(route.root()).into_iter().any(|name| {
                    copied.contains(&ObjectRef::new("", "Service", &other.id.namespace, name))
                });
            if is_gray {
                continue;
            }
            let place = rival.node(route.root()).and_then(|node| node.place());
            found.push(Taken { entry, object, other: &other.id, place });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, shown, spec};

    fn route(name: &str, matched: &str, service: &str) -> String {
        format!(
            "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: gw}}]
  hostnames: [example.com]
  rules:
  - matches: [{{{matched}}}]
    backendRefs: [{{name: {service}, port: 80}}]
"
        )
    }

    #[test]
    fn told_of_routes_that_lose_all_their_requests() {
        let told = |matched: &str, service: &str| {
            let spec = spec(&format!("entry: {{match: {{{matched}}}, route: HTTPRoute/shop}}"));
            let spec = spec.replace("  gateway: {class: mse}\n", "");
            let beta = route("tail", "headers: [{name: x-beta, value: '1'}]", service);
            let release = lane(&spec, &(deployment("") + &route("shop", "", "web") + &beta));
            [shown("route-taken", &release), shown("route-overtaken", &release)]
        };
        let [error, warning] = told("weight: 10", "other");
        assert!(error.len() == 1 && warning.is_empty(), "{error:?} {warning:?}");
        assert!(error[0].contains("takes all requests of a match of HTTPRoute/tail"));
        let [error, warning] = told("headers: [{name: a, exact: b}, {name: c, exact: d}]", "other");
        assert!(error.is_empty() && warning.len() == 1, "{error:?} {warning:?}");
        assert!(warning[0].contains("fit a match of HTTPRoute/tail too"), "{warning:?}");
        let [error, warning] = told("headers: [{name: a, exact: b}]", "other");
        assert!(error.is_empty() && warning.is_empty(), "{error:?} {warning:?}");
    }
}
