//! `weight-beside-match`: a weight lets in requests that do not match.

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::{self, WeightBeside};

pub(super) const FINDING: Finding = Finding {
    code: "weight-beside-match",
    severity: Severity::Note,
    doc: "\
An entry has a weight beside its header or cookie, and the gateway takes the weight for another way in.

With ingress-nginx the weight is no share of the requests that match: all of those are gray, and of
the requests of everybody else that share is gray too (its rootfs/etc/nginx/lua/balancer.lua: header,
then cookie, then weight). Gateways that ignore or refuse a weight there are refused with the spec.

Remedy: keep the match alone if only those requests are to be gray.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for entry in &subject.lane.entries {
        let service = subject.release.service(&entry.service);
        let route = service.and_then(|service| service.entry.as_ref()).map(|entry| &entry.route);
        let Some(route) = route else { continue };
        let capabilities = gateway::of(entry.gateway).capabilities();
        let falls_through = capabilities.weight_beside == WeightBeside::FallsThrough;
        let has_match = !route.headers.is_empty() || route.cookie.is_some();
        let Some(percent) = route.weight.filter(|weight| *weight > 0) else { continue };
        if !falls_through || !has_match {
            continue;
        }
        let note = Diagnostic::note(format!(
            "{percent} % of the requests that do not match are gray too: the gateway class `{}` goes by weight where the match does not decide",
            entry.gateway
        ));
        let remedy = "if only those that match are to be gray, take `weight` out";
        found.push(note.at(route.place.clone()).remedy(remedy));
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{INGRESS, deployment, lane, shown, spec};

    #[test]
    fn told_where_others_are_let_in() {
        let told = |matched: &str| {
            let spec = spec(&format!("entry: {{match: {{{matched}}}}}"));
            let spec = spec.replace("class: mse", "class: nginx");
            shown("weight-beside-match", &lane(&spec, &format!("{}{INGRESS}", deployment(""))))
        };
        let header = "headers: [{name: x-user-id, exact: '100'}]";
        let found = told(&format!("{header}, weight: 10"));
        assert!(found[0].contains("10 % of the requests that do not match"), "{found:?}");
        assert!(told(&format!("{header}, weight: 0")).is_empty());
        assert!(told(header).is_empty());
        assert!(told("weight: 10").is_empty());
    }
}
