//! Matches of other HTTPRoutes of the baseline that a lane's route goes before, though the one it is
//! made from does not: all routes of one gateway and host compete by one order (`precedence`).

use std::collections::HashMap;

use super::super::shares::weight_alone;
use super::conditions::Conditions;
use super::precedence::{Rank, Ranked, Shape, ranked};
use super::{Rule, backends};
use crate::kube::object::ObjectRef;
use crate::spec::Match;
use crate::yaml::NodeRef;

/// The matches of all HTTPRoutes of a baseline, by gateway, host and path.
#[derive(Debug, Default)]
pub struct HttpRoutes {
    matches: HashMap<Place, Vec<Other>>,
}

/// Where matches compete: the gateway, the host, and the path for any method.
type Place = (String, String, Shape);

#[derive(Debug)]
struct Other {
    rival: Rival,
    id: ObjectRef,
    listener: Listener,
    method: Option<String>,
    rank: Rank,
    asked: Asked,
}

/// A match of another route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rival {
    /// The position of its object.
    pub object: usize,
    /// Its rule.
    rule: usize,
    /// Which of that rule's.
    number: usize,
}

impl Rival {
    /// Its node in its route; its rule where that has no matches.
    pub fn node<'a>(&self, route: NodeRef<'a>) -> Option<NodeRef<'a>> {
        let rule = route.at(&["spec", "rules"])?.items().nth(self.rule)?;
        let own = rule.get("matches").and_then(|all| all.items().nth(self.number));
        Some(own.unwrap_or(rule))
    }

    /// The Services of the namespace that its rule leads to.
    pub fn leads_to<'a>(&self, route: NodeRef<'a>) -> Vec<&'a str> {
        let rule = route.at(&["spec", "rules"]).and_then(|rules| rules.items().nth(self.rule));
        let all = rule.into_iter().flat_map(backends);
        all.filter_map(|backend| backend.get("name")?.as_str()).collect()
    }
}

/// What of a gateway a parent names: a section and a port; without one it is all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listener {
    section: Option<String>,
    port: Option<String>,
}

impl Listener {
    fn meets(&self, other: &Self) -> bool {
        let fits = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        fits(&self.section, &other.section) && fits(&self.port, &other.port)
    }
}

/// The values that a match asks headers and query parameters for exactly. Of several matches of one
/// name the first counts (the types).
#[derive(Debug, Default)]
struct Asked(HashMap<(&'static str, String), Option<String>>);

impl Asked {
    fn of(matched: Option<NodeRef<'_>>) -> Self {
        let mut asked = Self::default();
        for (key, fold_case) in [("headers", true), ("queryParams", false)] {
            let list = matched.and_then(|matched| matched.get(key));
            for each in list.into_iter().flat_map(NodeRef::items) {
                let field = |key: &str| each.get(key).filter(|node| !node.is_null());
                let Some(name) = field("name").and_then(NodeRef::text) else { continue };
                let name = if fold_case { name.to_ascii_lowercase() } else { name.to_owned() };
                let is_exact = field("type").is_none_or(|kind| kind.text() == Some("Exact"));
                let value = field("value").and_then(NodeRef::text).filter(|_| is_exact);
                asked.0.entry((key, name)).or_insert_with(|| value.map(str::to_owned));
            }
        }
        asked
    }

    /// Whether no request fits both.
    fn excludes(&self, other: &Self) -> bool {
        self.0.iter().any(|(name, value)| {
            let theirs = other.0.get(name).and_then(Option::as_ref);
            value.as_ref().zip(theirs).is_some_and(|(own, theirs)| own != theirs)
        })
    }
}

impl HttpRoutes {
    /// Adds the route at this position of the baseline.
    pub fn add(&mut self, object: usize, id: &ObjectRef, route: NodeRef<'_>) {
        let attached = attached(route, &id.namespace);
        for (rule, number, each) in all_matches(route) {
            for (gateway, listener, host) in &attached {
                let place = (gateway.clone(), host.clone(), each.shape.of_any_method());
                self.matches.entry(place).or_default().push(Other {
                    rival: Rival { object, rule, number },
                    id: id.clone(),
                    listener: listener.clone(),
                    method: each.shape.method.clone(),
                    rank: each.rank,
                    asked: Asked::of(each.node),
                });
            }
        }
    }

    /// The matches that a lane's route takes requests from, for this match of its entry: the route
    /// made from `origin` goes before them, and `origin` does not. By a share these are requests of
    /// everybody, else those of the lane. `copied` is the match of the entry that has a copy of a
    /// rival, where all gray requests fit it: nothing is taken if that copy goes first.
    pub fn taken<'a>(
        &self,
        route: NodeRef<'_>,
        origin: &ObjectRef,
        entry: &Match,
        copied: impl Fn(&Rival) -> Option<&'a Match>,
    ) -> Vec<Rival> {
        let by_weight = weight_alone(entry).is_some();
        let (headers, query) = Conditions::new(entry).counts();
        let attached = attached(route, &origin.namespace);
        let mut taken = Vec::new();
        for (_, _, own) in all_matches(route) {
            let asked = Asked::of(own.node);
            let before = match by_weight {
                true => own.rank,
                false => (own.rank.0.saturating_sub(headers), own.rank.1.saturating_sub(query)),
            };
            // Of equal matches the older route's goes first, then the first by name: ages are not known.
            let goes_first = |other: &Other, rank: Rank, own: Rank| {
                (rank, (&origin.namespace, &origin.name))
                    > (own, (&other.id.namespace, &other.id.name))
            };
            let went_first = |other: &Other| goes_first(other, other.rank, before);
            let still_goes_first = |other: &Other| {
                copied(&other.rival).is_some_and(|theirs| {
                    let (headers, query) = Conditions::new(theirs).counts();
                    let rank =
                        (other.rank.0.saturating_add(headers), other.rank.1.saturating_add(query));
                    // A share names the method, which goes before all conditions.
                    weight_alone(theirs).is_some() || goes_first(other, rank, own.rank)
                })
            };
            let is_taken = |other: &&Other| {
                other.id != *origin
                    && match (&other.method, by_weight) {
                        (None, true) => went_first(other),
                        (Some(method), true) => {
                            own.shape.method.as_ref() == Some(method) && other.rank < own.rank
                        }
                        (method, false) => {
                            *method == own.shape.method
                                && went_first(other)
                                && own.rank > other.rank
                        }
                    }
                    && !asked.excludes(&other.asked)
                    && !still_goes_first(other)
            };
            for (gateway, listener, host) in &attached {
                let place = (gateway.clone(), host.clone(), own.shape.of_any_method());
                let others = self.matches.get(&place).into_iter().flatten();
                let others = others.filter(|other| other.listener.meets(listener));
                taken.extend(others.filter(is_taken).map(|other| other.rival));
            }
        }
        taken.sort_unstable();
        taken.dedup();
        taken
    }
}

/// All matches of a route, with the position of their rule and theirs in it.
fn all_matches(route: NodeRef<'_>) -> Vec<(usize, usize, Ranked<'_>)> {
    let rules = route.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items).enumerate();
    let matches = rules.flat_map(|(rule, node)| {
        let all = ranked(&Rule { number: rule, node, gray: false }).into_iter().enumerate();
        all.map(move |(number, each)| (rule, number, each))
    });
    matches.collect()
}

/// The gateways, listeners and hosts that a route is for.
fn attached(route: NodeRef<'_>, namespace: &str) -> Vec<(String, Listener, String)> {
    let items = |keys: &[&str]| route.at(keys).into_iter().flat_map(NodeRef::items);
    let hosts = items(&["spec", "hostnames"]).filter_map(NodeRef::as_str);
    let mut hosts: Vec<String> = hosts.map(str::to_ascii_lowercase).collect();
    if hosts.is_empty() {
        hosts.push("*".to_owned());
    }
    let mut attached = Vec::new();
    for parent in items(&["spec", "parentRefs"]) {
        // What is null counts as absent: its default applies.
        let field = |key: &str| {
            let node = parent.get(key).filter(|node| !node.is_null())?;
            node.text().map(str::to_owned)
        };
        let kind = field("kind").unwrap_or_else(|| "Gateway".to_owned());
        let own = field("namespace").unwrap_or_else(|| namespace.to_owned());
        let gateway = format!("{kind}/{own}/{}", field("name").unwrap_or_default());
        let listener = Listener { section: field("sectionName"), port: field("port") };
        let hosts = hosts.iter().cloned();
        attached.extend(hosts.map(|host| (gateway.clone(), listener.clone(), host)));
    }
    attached
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{canary, exact, nothing};
    use super::super::GatewayApi;
    use super::*;
    use crate::kube::object::identity;
    use crate::yaml::{Source, parse};

    fn route(name: &str, parent: &str, host: &str, matched: &str, service: &str) -> String {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{{parent}}}]
  hostnames: [{host}]
  rules:
  - matches: [{{{matched}}}]
    backendRefs: [{{name: {service}, port: 80}}]
"
        )
    }

    fn own_at(parent: &str, matched: &str) -> String {
        route("shop", parent, "a.com", matched, "web")
    }

    /// Whether a lane on the route `shop` with this match takes requests of another route.
    fn takes(entry: &Match, own: &str, other: &str) -> bool {
        taken_by(entry, &own_at("name: gw", own), other)
    }

    fn taken_by(entry: &Match, own: &str, other: &str) -> bool {
        taken_beside(entry, own, other, None)
    }

    /// Whether a lane on this route takes requests of another one, which an entry with this match
    /// has a copy of.
    fn taken_beside(entry: &Match, own: &str, other: &str, copied: Option<&Match>) -> bool {
        let stream = parse(Source::new("other.yaml", other.to_owned())).unwrap();
        let root = stream.documents[0].root();
        let mut routes = HttpRoutes::default();
        routes.add(0, &identity(root, "").unwrap(), root);
        let made = canary(&GatewayApi, own, entry).unwrap();
        let origin = ObjectRef::new("gateway.networking.k8s.io", "HTTPRoute", "", "shop");
        let taken = routes.taken(made.document.root(), &origin, entry, |_| copied);
        for rival in &taken {
            assert!(rival.node(root).is_some());
            assert_eq!(rival.leads_to(root), ["other"]);
        }
        !taken.is_empty()
    }

    #[test]
    fn a_lane_goes_before_what_went_before_its_baseline() {
        let weight = Match { weight: Some(10), ..nothing() };
        let one = Match { headers: vec![exact("x", "1")], ..nothing() };
        let two = Match { headers: vec![exact("x", "1"), exact("y", "1")], ..nothing() };
        let beta = "headers: [{name: b, value: '1'}]";
        let other = |matched: &str| route("tail", "name: gw", "a.com", matched, "other");
        // Match of the lane's baseline, of the other route, and whether it loses requests to a share,
        // to one header, to two.
        for (own, matched, expected) in [
            ("", beta, [true, false, true]),
            ("path: {value: /api}", beta, [false; 3]),
            (
                "path: {value: /api}",
                "path: {value: /api/}, headers: [{name: b, value: '1'}]",
                [true, false, true],
            ),
            ("", "queryParams: [{name: b, value: '1'}]", [true, true, true]),
            ("", "method: GET", [false; 3]),
            ("", "method: null, path: null, headers: [{name: b, value: '1'}]", [true, false, true]),
            (
                "method: null, path: {type: null, value: null}",
                "headers: [{name: b, value: '1'}]",
                [true, false, true],
            ),
            ("", "", [false; 3]),
            ("headers: [{name: a, value: '1'}]", "method: GET", [true, false, false]),
        ] {
            let found = [&weight, &one, &two].map(|entry| takes(entry, own, &other(matched)));
            assert_eq!(found, expected, "{own} | {matched}");
        }
        // What no request fits together; a regular expression may fit any value.
        let asks =
            |field: &str| format!("headers: [{{name: X-A, {field}}}, {{name: b, value: '1'}}]");
        let asks_query = |name: &str| {
            format!("queryParams: [{{name: {name}, value: '2'}}, {{name: b, value: '1'}}]")
        };
        let query = "queryParams: [{name: q, value: '1'}]";
        let own = "headers: [{name: x-a, value: '1'}]";
        for (own, matched, is_taken) in [
            (own, asks("value: '2'"), false),
            (own, asks("type: Exact, value: '2'"), false),
            (own, asks("type: null, value: '2'"), false),
            (own, asks("value: '1'"), true),
            (own, asks("type: RegularExpression, value: '2'"), true),
            (
                "headers: [{name: x-a, type: RegularExpression, value: '1'}]",
                asks("value: '2'"),
                true,
            ),
            (query, asks_query("q"), false),
            (query, asks_query("Q"), true),
            (query, asks("value: '2'"), true),
        ] {
            assert_eq!(takes(&weight, own, &other(&matched)), is_taken, "{own} | {matched}");
        }
        // What the lane itself asks for counts too.
        assert!(takes(&two, "", &other("headers: [{name: x, value: '1'}]")));
        assert!(!takes(&two, "", &other("headers: [{name: x, value: '2'}]")));
        // A section on one side alone; null is none.
        let section = "name: gw, sectionName: null";
        let own = own_at("name: gw, sectionName: http", "");
        assert!(taken_by(&weight, &own, &route("tail", section, "a.com", beta, "other")));
        // A copy of the other goes first by as many conditions or a share, not by fewer of three.
        let three =
            Match { headers: vec![exact("x", "1"), exact("y", "1"), exact("z", "1")], ..nothing() };
        for (entry, theirs, is_taken) in [
            (&weight, &weight, false),
            (&two, &two, false),
            (&two, &weight, false),
            (&three, &two, true),
            (&three, &one, true),
        ] {
            let own = own_at("name: gw", "");
            assert_eq!(taken_beside(entry, &own, &other(beta), Some(theirs)), is_taken);
        }
        // By name the other goes first in the baseline.
        assert!(takes(&one, "", &route("alpha", "name: gw", "a.com", "", "other")));
        for (parent, host, is_taken) in [
            ("name: gw, sectionName: http", "A.com", true),
            ("name: gw, sectionName: null, port: null", "a.com", true),
            ("name: gw, namespace: null, kind: null", "a.com", true),
            ("name: gw, namespace: other", "a.com", false),
            ("name: gw", "b.com", false),
        ] {
            assert_eq!(takes(&weight, "", &route("tail", parent, host, beta, "other")), is_taken);
        }
    }
}
