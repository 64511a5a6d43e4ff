//! `kruise-collision`: OpenKruise would drive something for a lane that another lane has.

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::{held, may_hold};

pub(super) const FINDING: Finding = Finding {
    code: "kruise-collision",
    severity: Severity::Error,
    doc: "\
OpenKruise would drive a workload or an Ingress for a lane that another lane has too.

A workload has one Rollout: the webhook of OpenKruise refuses a second one. For a TrafficRouting
OpenKruise makes an Ingress `<name>-canary`, and changes and removes whatever has that name: two
TrafficRoutings for one Ingress undo each other's work, and an Ingress of another lane by that name
is lost. An overlay that a spec wrote under an earlier tag is such a lane too, until it is cleaned up:
two applications would fight over a Rollout or TrafficRouting that both overlays have.

Remedy: make one release of both, clean one of them up first, or give the other lane's Ingress
another name by its suffix.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for object in &subject.lane.objects {
        if !may_hold(&object.id) {
            continue;
        }
        let Some(document) = object.document() else { continue };
        let Some(held) = held(document.root()) else { continue };
        let others = subject.others.holders(&held.id);
        // Two lanes with objects of one name are refused elsewhere.
        let other = others.iter().find(|(_, is_driven)| *is_driven || held.is_driven);
        let kept = || subject.others.holders(&object.id).iter().find(|_| held.id != object.id);
        let Some((owner, is_driven)) = other.or_else(kept) else { continue };
        let name = owner.shown();
        let both =
            |how: &str| format!("{} needs {}, which {name} has too: {how}", object.id, held.id);
        let message = match (held.is_driven, is_driven) {
            _ if other.is_none() => {
                format!("{} is in {name} too: two applications would fight over it", object.id)
            }
            (true, true) => both("OpenKruise would drive it for both"),
            (true, false) => both("OpenKruise would change and remove it"),
            (false, _) => format!(
                "{} would not stay: OpenKruise changes and removes an Ingress of that name for {name}",
                held.id
            ),
        };
        let error = Diagnostic::error(message);
        let services = &subject.release.services;
        let place = services.iter().find(|service| service.name == object.service);
        let of_lanes = "make one release of both, or clean the other one up first; another suffix gives a gray Ingress another name";
        let remedy = owner.remedy().unwrap_or_else(|| of_lanes.to_owned());
        found.push(error.at(place.map(|service| service.place.clone())).remedy(remedy));
    }
    found
}
