//! `lane-collision`: two lanes want the same requests of a gateway.

use std::collections::HashSet;

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::{self, Claim, Claims, Lanes, Owner, claims};
use crate::lane::{Facts, GrayObject, LaneEntry};

pub(super) const FINDING: Finding = Finding {
    code: "lane-collision",
    severity: Severity::Error,
    doc:
        "\
The entry of a lane and another canary route want the same requests of one host and path.

Where both have the same condition, which of them answers is decided by the age or the name of the
objects, or not at all. Some gateways have one canary for a host and path at most: ingress-nginx
refuses a second one, or takes no notice of it. Others have many, but a lane that takes a share of
all requests must be the only one there.

Remedy: give the lanes conditions that differ, join them into one release, or clean one of them up.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut baseline = None;
    for (entry, object) in subject.lane.routes() {
        let Some(document) = object.document() else { continue };
        let baseline = baseline.get_or_insert_with(|| of_baseline(subject.facts));
        let mut told = HashSet::new();
        for claim in claims(document.root()) {
            let others = subject.others.at(&claim.place).iter().chain(baseline.at(&claim.place));
            for (owner, condition) in others {
                // What it is made from has its conditions too.
                if matches!(owner, Owner::Baseline(id) if object.baseline() == Some(id)) {
                    continue;
                }
                let Some(why) = collision(entry, &claim, owner, condition.as_deref()) else {
                    continue;
                };
                if told.insert(shown(owner)) {
                    found.push(finding(entry, object, &claim, owner, &why));
                }
            }
        }
    }
    found
}

/// The routes of the baseline.
fn of_baseline(facts: &Facts) -> Claims {
    let mut claims = Claims::default();
    for (position, object) in facts.baseline.objects().iter().enumerate() {
        let owner = match object.id.kind.as_str() {
            "Ingress" if facts.is_canary(position) => Owner::Canary(object.id.clone()),
            "HTTPRoute" | "ApisixRoute" if gateway::is_route(&object.id) => {
                Owner::Baseline(object.id.clone())
            }
            _ => continue,
        };
        claims.add(&owner, object.document().root());
    }
    claims
}

/// Why two claims to one place do not go together, if they do not.
fn collision(
    entry: &LaneEntry,
    own: &Claim,
    owner: &Owner,
    condition: Option<&str>,
) -> Option<String> {
    if own.condition.is_some() && own.condition.as_deref() == condition {
        return Some("both have the same condition".to_owned());
    }
    if matches!(owner, Owner::Baseline(_)) {
        return None;
    }
    let class = entry.gateway;
    match gateway::of(class)?.capabilities().lanes {
        Lanes::One => Some(format!("the gateway class `{class}` has one canary for both")),
        Lanes::Matches if own.condition.is_none() || condition.is_none() => Some(format!(
            "with the gateway class `{class}`, a lane that takes a share of all requests must be alone"
        )),
        Lanes::Matches | Lanes::Many => None,
    }
}

fn shown(owner: &Owner) -> String {
    match owner {
        Owner::Lane(name) => format!("the lane `{name}`"),
        Owner::Canary(id) | Owner::Baseline(id) => format!("{id} of the baseline"),
    }
}

fn finding(
    entry: &LaneEntry,
    object: &GrayObject,
    claim: &Claim,
    owner: &Owner,
    why: &str,
) -> Diagnostic {
    let place = &claim.place;
    let has_one = gateway::of(entry.gateway)
        .is_some_and(|gateway| gateway.capabilities().lanes == Lanes::One);
    let remedy = if has_one {
        "clean the other one up first, or make one release of both"
    } else {
        "give the lanes conditions that differ, or clean one of them up first"
    };
    Diagnostic::error(format!(
        "the entry of `{}` ({}) wants requests for {}{} that {} wants too: {why}",
        entry.service,
        object.id,
        place.host,
        place.path,
        shown(owner)
    ))
    .at(entry.place.clone())
    .remedy(remedy)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::Place;
    use crate::gateway::ClaimedPlace;
    use crate::kube::object::ObjectRef;
    use crate::spec::GatewayClass;

    /// Whether lanes with these conditions collide on a gateway; `None` is a share of all requests.
    fn collide(gateway: GatewayClass, own: Option<&str>, other: Option<&str>) -> bool {
        let route = ObjectRef::new("networking.k8s.io", "Ingress", "", "web");
        let place = Place { file: Arc::from("x"), line: 1, column: 1, text: String::new() };
        let entry = LaneEntry { service: "web".into(), gateway, route: route.clone(), place };
        let place = ClaimedPlace { gateway: "g".into(), host: "*".into(), path: "/".into() };
        let claim = Claim { place, condition: own.map(str::to_owned) };
        let lane = Owner::Lane("other".into());
        // A route of the baseline that is no canary collides by the same condition alone.
        let baseline = collision(&entry, &claim, &Owner::Baseline(route), other).is_some();
        assert_eq!(baseline, own.is_some() && own == other);
        collision(&entry, &claim, &lane, other).is_some()
    }

    #[test]
    fn lanes_stand_side_by_side_as_far_as_the_gateway_lets_them() {
        use GatewayClass::{Alb, Apig, Apisix, GatewayApi, Higress, Mse, Nginx};
        for class in [Mse, Apig, Higress, Nginx, Alb, Apisix, GatewayApi] {
            assert!(collide(class, Some("a"), Some("a")), "{class}");
            assert_eq!(collide(class, Some("a"), Some("b")), class == Nginx, "{class}");
            let adds_up = matches!(class, Mse | Apig | Higress);
            assert_eq!(collide(class, None, None), !adds_up, "{class}");
            assert_eq!(collide(class, Some("a"), None), !adds_up, "{class}");
        }
    }
}
