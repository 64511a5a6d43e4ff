//! `apisix-priority`: a lane's route and another one have the same priority on the same path.

use std::collections::HashSet;

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::ApisixRoutes;
use crate::kube::object::ObjectRef;
use crate::lane::{GrayObject, LaneEntry};
use crate::spec::GatewayClass;

pub(super) const FINDING: Finding = Finding {
    code: "apisix-priority",
    severity: Severity::Error,
    doc: "\
A lane's ApisixRoute has the priority of another ApisixRoute of the same host and path.

APISIX asks routes of one host and path by their priority, and where that is the same in the order in
which they were made. The lane's has one more than the baseline's that it is made from. Where another
route has that number too, requests that fit both can reach either.

Remedy: leave a number free between the priorities of the baseline.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let lane: Vec<(&LaneEntry, &GrayObject)> =
        subject.lane.routes().filter(|(entry, _)| entry.gateway == GatewayClass::Apisix).collect();
    if lane.is_empty() {
        return Vec::new();
    }
    let baseline = &subject.facts.baseline;
    let mut routes = ApisixRoutes::default();
    for (position, object) in baseline.objects().iter().enumerate() {
        if object.id.kind == "ApisixRoute" && object.id.group == "apisix.apache.org" {
            routes.add(position, object.document().root());
        }
    }
    let copied: HashSet<&ObjectRef> =
        subject.lane.objects.iter().filter_map(GrayObject::baseline).collect();
    let mut found = Vec::new();
    for (entry, object) in &lane {
        let Some((origin, document)) = object.baseline().zip(object.document()) else { continue };
        for equal in routes.equal(document.root()) {
            let other = subject.facts.object(equal.object);
            // Within one route it is refused when the lane's is made.
            if other.id == *origin {
                continue;
            }
            let route = other.document();
            // An entry that has a copy: that goes first.
            let is_gray = copied.contains(&other.id)
                && equal.leads_to(route.root()).into_iter().any(|name| {
                    copied.contains(&ObjectRef::new("", "Service", &other.id.namespace, name))
                });
            if is_gray {
                continue;
            }
            let error = Diagnostic::error(format!(
                "{} and {} have the priority {} for `{}`: which of both answers is not defined",
                object.id, other.id, equal.priority, equal.path
            ));
            let error = error.at(entry.place.clone());
            let error = match equal.node(route.root()).and_then(|node| node.place()) {
                Some(place) => error.related(place, "the other entry"),
                None => error,
            };
            found.push(error.remedy(format!(
                "give the entry of {} a higher `priority`: {} is the lane's, one above that of the baseline's route",
                other.id, equal.priority
            )));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{ENTRY, INGRESS, deployment, lane, shown, spec};

    #[test]
    fn told_of_other_routes_with_the_lanes_priority() {
        let told = |entry: &str, priority: u8| {
            let spec = spec(entry).replace("class: mse", "class: apisix");
            let other = format!(
                "---
apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata: {{name: beta}}
spec:
  ingressClassName: apisix
  http:
  - name: beta
    priority: {priority}
    match: {{hosts: [example.com], paths: [/*], exprs: [{{subject: {{scope: Header, name: x-beta}}, op: Equal, value: '1'}}]}}
    backends: [{{serviceName: other, servicePort: 80}}]
"
            );
            let ingress = INGRESS.replace("mse", "apisix");
            shown("apisix-priority", &lane(&spec, &(deployment("") + &ingress + &other)))
        };
        for entry in [ENTRY, "entry: {match: {weight: 10}}"] {
            let found = told(entry, 1);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].contains("ApisixRoute/beta have the priority 1 for `/*`"),
                "{found:?}"
            );
            assert!(told(entry, 2).is_empty() && told(entry, 0).is_empty());
        }
    }
}
