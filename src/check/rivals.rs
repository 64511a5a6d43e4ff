//! Routes of the baseline beside those that a lane's are made from, which compete with the lane's for
//! the same host and path. What gateways say of that is in [`crate::gateway`].

use std::collections::{HashMap, HashSet};

use super::Subject;
use crate::diagnostic::{Diagnostic, Place};
use crate::gateway::{ApisixEqual, ApisixRoutes, HttpRoutes};
use crate::kube::object::ObjectRef;
use crate::lane::{GrayObject, LaneEntry};
use crate::spec::{Entry, GatewayClass, Match, NameMatch};

/// A match of another route that a lane's takes requests of.
pub(super) struct Rival<'a> {
    pub(super) entry: &'a LaneEntry,
    pub(super) object: &'a GrayObject,
    /// The other route.
    pub(super) other: &'a ObjectRef,
    /// Its match.
    place: Option<Place>,
    /// The entry that has a copy of that match.
    copied: Option<&'a Entry>,
}

impl Rival<'_> {
    /// Tells of it, where the entry is and with the match.
    pub(super) fn told(&self, found: Diagnostic) -> Diagnostic {
        let mut found = found.at(self.entry.place.clone());
        if let Some(place) = self.place.clone() {
            found = found.related(place, "the match");
        }
        if let Some(entry) = self.copied {
            let place = entry.route.place.clone();
            found = found.related(place, "its service is entered by another match");
        }
        found
    }

    /// The remedy, and what helps besides where the other route is an entry too.
    pub(super) fn or_alike(&self, remedy: &str) -> String {
        match self.copied {
            Some(_) => format!("{remedy}; or enter both services with the same match"),
            None => remedy.to_owned(),
        }
    }
}

/// The entries of a lane by the routes that they copy.
struct Entries<'a> {
    copied: HashSet<&'a ObjectRef>,
    by_route: HashMap<&'a ObjectRef, &'a Entry>,
}

impl<'a> Entries<'a> {
    fn of(subject: &Subject<'a>) -> Self {
        let copied = subject.lane.objects.iter().filter_map(GrayObject::baseline).collect();
        let by_route = subject.lane.routes().filter_map(|(entry, object)| {
            let service = subject.release.service(&entry.service)?;
            Some((object.baseline()?, service.entry.as_ref()?))
        });
        Self { copied, by_route: by_route.collect() }
    }

    /// The entry that has a copy of what leads to these Services in a route.
    fn copy_of(&self, route: &ObjectRef, services: Vec<&str>) -> Option<&'a Entry> {
        let is_gray = services.into_iter().any(|name| {
            self.copied.contains(&ObjectRef::new("", "Service", &route.namespace, name))
        });
        self.by_route.get(route).copied().filter(|_| is_gray)
    }
}

/// What an entry asks of requests.
fn match_of<'a>(subject: &Subject<'a>, entry: &LaneEntry) -> Option<&'a Match> {
    Some(&subject.release.service(&entry.service)?.entry.as_ref()?.route)
}

/// Whether each request that fits a match fits this part of it too. A share alone asks for nothing.
fn is_part(part: &Match, whole: &Match) -> bool {
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

/// The routes of a lane for gateways of a class.
fn routes_of<'a>(
    subject: &Subject<'a>,
    class: GatewayClass,
) -> Vec<(&'a LaneEntry, &'a GrayObject)> {
    subject.lane.routes().filter(|(entry, _)| entry.gateway == class).collect()
}

/// What lanes take of other HTTPRoutes of the baseline, for entries of such matches.
pub(super) fn http_rivals<'a>(
    subject: &Subject<'a>,
    is_meant: impl Fn(&Match) -> bool,
) -> Vec<Rival<'a>> {
    let entries = Entries::of(subject);
    let lane = routes_of(subject, GatewayClass::GatewayApi).into_iter();
    let lane = lane.filter_map(|(entry, object)| {
        let (origin, matched) = (object.baseline()?, match_of(subject, entry)?);
        is_meant(matched).then_some((entry, object, origin, matched))
    });
    let lane: Vec<_> = lane.collect();
    if lane.is_empty() {
        return Vec::new();
    }
    let facts = subject.facts;
    let mut routes = HttpRoutes::default();
    for (position, object) in facts.baseline.objects().iter().enumerate() {
        if object.id.kind == "HTTPRoute" && object.id.group == "gateway.networking.k8s.io" {
            routes.add(position, &object.id, object.document().root());
        }
    }
    let mut found = Vec::new();
    for (entry, object, origin, matched) in lane {
        let Some(document) = object.document() else { continue };
        let taken = routes.taken(document.root(), origin, matched, |rival| {
            let other = facts.object(rival.object);
            let copy = entries.copy_of(&other.id, rival.leads_to(other.document().root()))?;
            Some(&copy.route).filter(|part| is_part(part, matched))
        });
        for rival in taken {
            let other = facts.object(rival.object);
            let route = other.document();
            let place = rival.node(route.root()).and_then(|node| node.place());
            let copied = entries.copy_of(&other.id, rival.leads_to(route.root()));
            found.push(Rival { entry, object, other: &other.id, place, copied });
        }
    }
    found
}

/// The entries of other ApisixRoutes of the baseline that have the priority of a lane's.
pub(super) fn apisix_rivals<'a>(subject: &Subject<'a>) -> Vec<(ApisixEqual, Rival<'a>)> {
    let lane = routes_of(subject, GatewayClass::Apisix);
    if lane.is_empty() {
        return Vec::new();
    }
    let facts = subject.facts;
    let mut routes = ApisixRoutes::default();
    for (position, object) in facts.baseline.objects().iter().enumerate() {
        if object.id.kind == "ApisixRoute" && object.id.group == "apisix.apache.org" {
            routes.add(position, object.document().root());
        }
    }
    let entries = Entries::of(subject);
    let mut found = Vec::new();
    for (entry, object) in lane {
        let Some((origin, document)) = object.baseline().zip(object.document()) else { continue };
        for equal in routes.equal(document.root()) {
            let other = facts.object(equal.object);
            // Within one route it is refused when the lane's is made.
            if other.id == *origin {
                continue;
            }
            let route = other.document();
            let copied = entries.copy_of(&other.id, equal.leads_to(route.root()));
            // Its copy has one priority more: what fits that goes there first.
            let own = match_of(subject, entry);
            if copied.zip(own).is_some_and(|(copy, own)| is_part(&copy.route, own)) {
                continue;
            }
            let place = equal.node(route.root()).and_then(|node| node.place());
            found.push((equal, Rival { entry, object, other: &other.id, place, copied }));
        }
    }
    found
}
