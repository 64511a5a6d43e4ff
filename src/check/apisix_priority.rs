//! `apisix-priority`: a lane's route and another one have the same priority on the same path.

use super::rivals::apisix_rivals;
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};

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
    let told = apisix_rivals(subject).into_iter().map(|(equal, taken)| {
        let (object, other) = (&taken.object.id, taken.other);
        let error = Diagnostic::error(format!(
            "{object} and {other} have the priority {} for `{}`: which of both answers is not defined",
            equal.priority, equal.path
        ));
        let remedy = format!(
            "give the entry of {other} a higher `priority`: {} is the lane's, one above that of the baseline's route",
            equal.priority
        );
        taken.told(error).remedy(taken.or_alike(&remedy))
    });
    told.collect()
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

    #[test]
    fn told_of_entries_by_another_match_too() {
        let route = |name: &str, service: &str, priority: u8| {
            format!(
                "---
apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata: {{name: {name}}}
spec:
  ingressClassName: apisix
  http:
  - name: {name}
    priority: {priority}
    match: {{hosts: [example.com], paths: [/*]}}
    backends: [{{serviceName: {service}, servicePort: 80}}]
"
            )
        };
        let told = |own: &str, theirs: &str| {
            let spec = spec(&format!("entry: {{match: {{{own}}}, route: ApisixRoute/shop}}"))
                .replace("class: mse", "class: apisix")
                + &format!(
                    "    - name: other
      images: {{web: 'web:2'}}
      entry: {{match: {{{theirs}}}, route: ApisixRoute/beta}}
"
                );
            let other = deployment("")
                .replace("name: web}", "name: other}")
                .replace("app: web", "app: other");
            let baseline = deployment("")
                + "---\n"
                + &other
                + &route("shop", "web", 0)
                + &route("beta", "other", 1);
            let release = lane(&spec, &baseline);
            let found =
                release.findings.iter().filter(|found| found.code == Some("apisix-priority"));
            found.map(|found| format!("{found:?}")).collect::<Vec<_>>()
        };
        let x = "headers: [{name: x, exact: '1'}]";
        let x_and_q = "headers: [{name: x, exact: '1'}], query: [{name: q, exact: '1'}]";
        for (own, theirs, count) in [
            (x, "headers: [{name: X, exact: '1'}]", 0),
            (x, "headers: [{name: z, exact: '1'}]", 1),
            (x, x_and_q, 1),
            (x_and_q, x, 0),
            (x, "weight: 10", 0),
            ("weight: 10", x, 1),
            ("weight: 10", "weight: 20", 0),
        ] {
            let found = told(own, theirs);
            assert_eq!(found.len(), count, "{own} | {theirs}: {found:?}");
            assert!(found.iter().all(|found| found.contains("by another match")), "{found:?}");
        }
    }
}
