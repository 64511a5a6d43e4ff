//! `service-unreachable`: no call that is known leads from an entry to a service of the lane.

use std::collections::HashSet;

use super::{Check, Finding, Subject};
use crate::calls::{Callee, Calls, workloads_behind};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::spec::Service;

pub(super) const FINDING: Finding = Finding {
    code: "service-unreachable",
    severity: Severity::Warning,
    doc: "\
No call that is known leads from an entry of the lane to one of its services.

Its gray pods would get no request: those that enter the lane never come by. What is known of calls is
`calls` of the spec, and Services that environment variables name; a spec without any `calls` is not
looked at, since calls through a registry are not seen in manifests.

Remedy: add it to `calls` of the service that calls it, or take it out of the lane.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let (release, facts) = (subject.release, subject.facts);
    let services = || release.services.iter();
    let entries = || services().filter(|service| service.entry.is_some());
    if services().all(|service| service.calls.is_empty()) || entries().next().is_none() {
        return Vec::new();
    }
    let workload = |service: &Service| {
        let (kind, name) = (&service.workload.kind, &service.workload.name);
        let found = facts.named(kind, name).map(|at| &facts.object(at).id);
        let namespace = release.namespace.as_deref();
        let is_near = |id: &&ObjectRef| namespace.is_none_or(|own| id.namespace == own);
        found.clone().find(is_near).or_else(|| found.clone().next()).cloned()
    };
    let calls = Calls::of_baseline(release, facts);
    let mut waiting: Vec<ObjectRef> = entries().filter_map(workload).collect();
    let mut reached: HashSet<ObjectRef> = waiting.iter().cloned().collect();
    while let Some(caller) = waiting.pop() {
        for call in calls.from(&caller) {
            let callees = match &call.callee {
                Callee::Workload(id) => vec![id.clone()],
                Callee::Service(id) => workloads_behind(facts, id)
                    .into_iter()
                    .map(|at| facts.object(at).id.clone())
                    .collect(),
                Callee::Unknown(_) => Vec::new(),
            };
            for callee in callees {
                if reached.insert(callee.clone()) {
                    waiting.push(callee);
                }
            }
        }
    }
    let is_missed =
        |service: &&Service| workload(service).is_some_and(|workload| !reached.contains(&workload));
    let missed = services().filter(is_missed);
    missed
        .map(|service| {
            let name = &service.name;
            Diagnostic::warning(format!(
                "no call that is known leads from an entry to `{name}`: its gray pods would get no request"
            ))
            .at(service.place.clone())
            .remedy(format!("add it to the service that calls it: `calls: [{name}]`"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{ENTRY, INGRESS, deployment, lane, shown, spec};

    /// The services that are told of, in a lane of `web` and `stock`.
    fn told(web: &str, stock: &str, env: &str) -> usize {
        let env = format!("image: web:1, env: [{env}]");
        let baseline = format!(
            "{}{INGRESS}---\n{}---\n{}",
            deployment("").replace("image: web:1", &env),
            deployment("").replace("web", "stock"),
            deployment("").replace("web", "middle")
        );
        let spec = spec(&format!("{ENTRY}\n      {web}"));
        let spec =
            format!("{spec}    - name: stock\n      images: {{stock: 'stock:2'}}\n      {stock}\n");
        shown("service-unreachable", &lane(&spec, &baseline)).len()
    }

    #[test]
    fn told_of_services_that_no_known_call_reaches() {
        assert_eq!(told("calls: [middle]", "", ""), 1);
        assert_eq!(told("", "calls: [web]", ""), 1);
        assert_eq!(told("calls: [stock]", "", ""), 0);
        assert_eq!(told("", "", ""), 0, "nothing is known of calls");
        assert_eq!(told("", "calls: [middle]", "{name: STOCK, value: 'http://stock'}"), 0);
    }
}
