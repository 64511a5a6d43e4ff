//! `opensergo-collision`: two lanes would write the TrafficRouter of one service.

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::held;

const KIND: &str = "TrafficRouter";

pub(super) const FINDING: Finding = Finding {
    code: "opensergo-collision",
    severity: Severity::Error,
    doc: "\
The lane has a TrafficRouter for a service that has one of another lane already.

Callers take the name of a TrafficRouter for the service that they call, so a service can have one.
Two lanes with one each overwrite each other's in the cluster, and the cleanup of either removes it.
An overlay that a spec wrote under an earlier tag is such a lane too, until it is cleaned up.

Remedy: make one release of both, clean the other one up first, or leave the routers out of one of
them: `opensergo: {rules: []}`.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for object in subject.lane.objects.iter().filter(|object| object.id.kind == KIND) {
        let Some(document) = object.document() else { continue };
        let Some(held) = held(document.root()) else { continue };
        let Some((owner, _)) = subject.others.holders(&held.id).first() else { continue };
        let services = &subject.release.services;
        let place = services.iter().find(|service| service.name == object.service);
        let error = Diagnostic::error(format!(
            "{} of `{}` is that of {} too: a service can have one",
            object.id,
            object.service,
            owner.shown()
        ));
        let of_lanes = "make one release of both, clean the other one up first, or write `opensergo: {rules: []}`";
        let remedy = owner.remedy().unwrap_or_else(|| of_lanes.to_owned());
        found.push(error.at(place.map(|service| service.place.clone())).remedy(remedy));
    }
    found
}
