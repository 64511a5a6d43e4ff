//! `affinity-before-match`: ingress-nginx asks the cookie of session affinity before a lane's match.

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::spec::GatewayClass;
use crate::yaml::{Document, NodeRef};

pub(super) const FINDING: Finding = Finding {
    code: "affinity-before-match",
    severity: Severity::Warning,
    doc: "\
An entry at ingress-nginx has a match, and the baseline's Ingress binds browsers to pods by a cookie.

ingress-nginx looks at the cookie of session affinity before the header or cookie of a canary (its
rootfs/etc/nginx/lua/balancer.lua, `route_to_alternative_balancer`). A
browser that is bound to a pod of the baseline does not enter the lane, whatever it sends; one that
is bound to a gray pod stays in the lane without them. With `affinity-canary-behavior: legacy`
gray pods bind nobody, but who is bound to the baseline still does not enter (kubernetes/ingress-nginx
issue 8246).

Remedy: take `nginx.ingress.kubernetes.io/affinity` off the baseline's Ingress while the lane is
there, or enter with clients that keep no cookies; set `affinity-canary-behavior: legacy` at least.",
    is_fixed: false,
    check: Check::Lane(check),
};

const AFFINITY: &str = "nginx.ingress.kubernetes.io/affinity";
const BEHAVIOUR: &str = "nginx.ingress.kubernetes.io/affinity-canary-behavior";

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (entry, object) in subject.lane.routes() {
        if entry.gateway != GatewayClass::Nginx {
            continue;
        }
        let service = subject.release.service(&entry.service);
        let route = service.and_then(|service| service.entry.as_ref()).map(|entry| &entry.route);
        // Whoever is gray by a share of all requests is meant to stay so.
        if !route.is_some_and(|route| !route.headers.is_empty() || route.cookie.is_some()) {
            continue;
        }
        let origin = object.baseline().and_then(|id| subject.facts.baseline.get(id));
        let Some((origin, canary)) = origin.zip(object.document()) else { continue };
        if !has(&origin.document(), AFFINITY, "cookie") {
            continue;
        }
        let (both, remedy) = match has(&canary, BEHAVIOUR, "legacy") {
            true => ("", String::new()),
            false => (
                ", and one that is bound to a gray pod does not leave it",
                format!("\nor set `{BEHAVIOUR}: legacy`: then gray pods bind nobody"),
            ),
        };
        let warning = Diagnostic::warning(format!(
            "{} has `{AFFINITY}: cookie`: a browser that is bound to a pod of the baseline does not enter the lane, whatever it sends{both}",
            origin.id
        ));
        found.push(warning.at(entry.place.clone()).remedy(format!(
            "take that annotation off while the lane is there, or enter with clients that keep no cookies{remedy}"
        )));
    }
    found
}

/// Whether an annotation has a value.
fn has(document: &Document, key: &str, value: &str) -> bool {
    document.at(&["metadata", "annotations", key]).and_then(NodeRef::text) == Some(value)
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{ENTRY, INGRESS, deployment, lane, shown, spec};

    #[test]
    fn told_where_a_cookie_decides_before_the_match() {
        let told = |class: &str, entry: &str, annotations: &str| {
            let spec = spec(entry).replace("class: mse", &format!("class: {class}"));
            let annotations = format!("{{name: web, annotations: {{{annotations}}}}}");
            let ingress = INGRESS.replace("{name: web}", &annotations);
            shown("affinity-before-match", &lane(&spec, &format!("{}{ingress}", deployment(""))))
        };
        let cookie = "nginx.ingress.kubernetes.io/affinity: cookie";
        let found = told("nginx", ENTRY, cookie);
        assert!(found[0].contains("does not enter the lane, whatever it sends, and"), "{found:?}");
        let legacy = "nginx.ingress.kubernetes.io/affinity-canary-behavior: legacy";
        let found = told("nginx", ENTRY, &format!("{cookie}, {legacy}"));
        assert!(found[0].ends_with("whatever it sends"), "{found:?}");
        assert!(!told("nginx", "entry: {match: {cookie: {name: gray}}}", cookie).is_empty());
        assert!(told("nginx", "entry: {match: {weight: 10}}", cookie).is_empty());
        assert!(told("nginx", ENTRY, "").is_empty());
        assert!(told("nginx", ENTRY, legacy).is_empty());
        assert!(told("mse", ENTRY, cookie).is_empty());
    }
}
