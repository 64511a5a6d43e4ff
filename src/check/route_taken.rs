//! `route-taken`: a lane that takes a share takes all requests of another HTTPRoute too.

use super::rivals::http_rivals;
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::weight_alone;

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
    let taken = http_rivals(subject, |entry| weight_alone(entry).is_some());
    let told = taken.iter().map(|taken| {
        let error = Diagnostic::error(format!(
            "{} takes all requests of a match of {}, not a share of its own alone: its matches name the method, which goes before headers and query parameters",
            taken.object.id, taken.other
        ));
        let remedy = "match by a header instead of `weight`, or let the baseline's route weigh the gray Service";
        taken.told(error).remedy(taken.or_alike(remedy))
    });
    told.collect()
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
