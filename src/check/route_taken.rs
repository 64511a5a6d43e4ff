//! `route-taken`: a lane that takes a share takes all requests of another HTTPRoute too.

use std::collections::{HashMap, HashSet};

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::gateway::HttpRoutes;
use crate::kube::object::ObjectRef;
use crate::lane::{GrayObject, LaneEntry};
use crate::spec::{Entry, GatewayClass, Match, NameMatch};

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
        let remedy = "match by a header instead of `weight`, or let the baseline's route weigh the gray Service";
        taken.told(error).remedy(match taken.copied {
            Some(_) => format!("{remedy}; or enter both services with the same match"),
            None => remedy.to_owned(),
        })
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
    /// The entry that has a copy of that match.
    copied: Option<&'a Entry>,
}

impl Taken<'_> {
    /// Tells of it, where the entry is and with the match.
    pub(super) fn told(&self, found: Diagnostic) -> Diagnostic {
        let found = found.at(self.entry.place.clone());
        let found = match self.place.clone() {
            Some(place) => found.related(place, "the match"),
            None => found,
        };
        beside(found, self.copied)
    }
}

/// Says that the other route is an entry too.
pub(super) fn beside(found: Diagnostic, copied: Option<&Entry>) -> Diagnostic {
    match copied {
        Some(entry) => {
            found.related(entry.route.place.clone(), "its service is entered by another match")
        }
        None => found,
    }
}

/// The entries of a lane, by the route of the baseline that each copies.
pub(super) fn entries<'a>(subject: &Subject<'a>) -> HashMap<&'a ObjectRef, &'a Entry> {
    let entries = subject.lane.routes().filter_map(|(entry, object)| {
        let service = subject.release.service(&entry.service)?;
        Some((object.baseline()?, service.entry.as_ref()?))
    });
    entries.collect()
}

/// Whether each request that fits a match fits this part of it too. A share alone asks for nothing.
pub(super) fn is_part(part: &Match, whole: &Match) -> bool {
    let has = |list: &[NameMatch], one: &NameMatch, fold_case: bool| {
        list.iter().any(|each| {
            let is_named = match fold_case {
                true => each.name.eq_ignore_ascii_case(&one.name),
                false => each.name == one.name,
            };
            is_named && each.value == one.value
        })
    };
    let cookie = part.cookie.as_ref().map(|cookie| (&cookie.name, &cookie.value));
    let cookie_of_whole = whole.cookie.as_ref().map(|cookie| (&cookie.name, &cookie.value));
    part.headers.iter().all(|one| has(&whole.headers, one, true))
        && part.query.iter().all(|one| has(&whole.query, one, false))
        && (cookie.is_none() || cookie == cookie_of_whole)
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
    let entries = entries(subject);
    let copy_of = |other: &ObjectRef, services: Vec<&str>| {
        let is_gray = services
            .into_iter()
            .any(|name| copied.contains(&ObjectRef::new("", "Service", &other.namespace, name)));
        entries.get(other).copied().filter(|_| is_gray)
    };
    let mut found = Vec::new();
    for (entry, object) in &lane {
        let Some(matched) = match_of(entry).filter(|matched| is_meant(matched)) else { continue };
        let Some((origin, document)) = object.baseline().zip(object.document()) else { continue };
        let taken = routes.taken(document.root(), origin, matched, |rival| {
            let other = subject.facts.object(rival.object);
            let copy = copy_of(&other.id, rival.leads_to(other.document().root()))?;
            Some(&copy.route).filter(|part| is_part(part, matched))
        });
        for rival in taken {
            let other = subject.facts.object(rival.object);
            let route = other.document();
            let place = rival.node(route.root()).and_then(|node| node.place());
            let copied = copy_of(&other.id, rival.leads_to(route.root()));
            found.push(Taken { entry, object, other: &other.id, place, copied });
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

    #[test]
    fn told_of_entries_by_another_match_too() {
        let told = |own: &str, theirs: &str| {
            let spec = spec(&format!("entry: {{match: {{{own}}}, route: HTTPRoute/shop}}"));
            let spec = spec.replace("  gateway: {class: mse}\n", "")
                + &format!(
                    "    - name: other
      images: {{web: 'web:2'}}
      entry: {{match: {{{theirs}}}, route: HTTPRoute/tail}}
"
                );
            let other = deployment("")
                .replace("name: web}", "name: other}")
                .replace("app: web", "app: other");
            let beta = route("tail", "headers: [{name: x-beta, value: '1'}]", "other");
            let baseline = deployment("") + "---\n" + &other + &route("shop", "", "web") + &beta;
            let release = lane(&spec, &baseline);
            let codes = [Some("route-taken"), Some("route-overtaken")];
            let found = release.findings.iter().filter(|found| codes.contains(&found.code));
            found.map(|found| format!("{found:?}")).collect::<Vec<_>>()
        };
        let two = "headers: [{name: a, exact: b}, {name: c, exact: d}]";
        for (own, theirs, count) in [
            ("weight: 10", "weight: 20", 0),
            ("weight: 10", two, 1),
            (two, "weight: 10", 0),
            (two, "headers: [{name: C, exact: d}, {name: A, exact: b}]", 0),
            (two, "headers: [{name: z, exact: d}]", 1),
            (two, "headers: [{name: c, exact: e}, {name: a, exact: b}]", 1),
        ] {
            let found = told(own, theirs);
            assert_eq!(found.len(), count, "{own} | {theirs}: {found:?}");
            assert!(found.iter().all(|found| found.contains("by another match")), "{found:?}");
        }
    }
}
