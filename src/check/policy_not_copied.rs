//! `policy-not-copied`: a policy is attached to an object of the baseline, and none to its copy.

use std::collections::BTreeMap;
use std::slice;

use foldhash::{HashMap, HashSet};

use super::gray::at;
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::policies::{is_attachment, is_policy};
use crate::kube::references::references;
use crate::lane::{Facts, GrayObject};
use crate::spec::{CopyPolicy, Service};
use crate::yaml::Path;

pub(super) const FINDING: Finding = Finding {
    code: "policy-not-copied",
    severity: Severity::Error,
    doc: "\
A policy is attached by name to an object of the baseline whose gray copy goes without one.

Policies such as a SecurityPolicy name the route or the Service that they are for (`targetRef`,
`targetRefs`), so they say nothing about a copy of it: gray requests pass without the tokens that the
baseline asks for, or reach a backend without TLS, limits or health checks.

Remedy: let the service copy the policy (`copy: [SecurityPolicy/NAME]`): the copy is attached to the
gray object. Where the lane is to go without it, say so: `policies: {SecurityPolicy/NAME: skip}`.",
    is_fixed: false,
    check: Check::Lane(check),
};

/// What a policy says of copies: which it misses, and where it names what they are made from.
struct Missed<'a> {
    path: Path,
    target: &'a ObjectRef,
    gray: &'a GrayObject,
    more: usize,
}

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let copied: HashSet<&ObjectRef> =
        subject.lane.objects.iter().filter_map(GrayObject::baseline).collect();
    let services: HashMap<&str, &Service> =
        subject.release.services.iter().map(|each| (each.name.as_str(), each)).collect();
    let mut missed: BTreeMap<usize, Missed<'_>> = BTreeMap::new();
    for gray in &subject.lane.objects {
        let Some(target) = gray.baseline() else { continue };
        for number in facts.referrers(target) {
            let policy = facts.object(*number);
            let id = &policy.id;
            if !is_policy(id) || copied.contains(id) || has_own(facts, &gray.id, id) {
                continue;
            }
            let service = services.get(gray.service.as_str());
            if service.and_then(|service| service.policy(&id.kind, &id.name))
                == Some(CopyPolicy::Skip)
            {
                continue;
            }
            let document = policy.document();
            let mut named = references(document.root(), id).into_iter();
            let attached = named.find(|each| is_attachment(each) && each.target == *target);
            let Some(attached) = attached else { continue };
            let first = Missed { path: attached.path, target, gray, more: 0 };
            missed.entry(*number).and_modify(|missed| missed.more += 1).or_insert(first);
        }
    }
    let told = missed.into_iter().map(|(number, missed)| {
        let policy = facts.object(number);
        let id = &policy.id;
        let more = match missed.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let error = Diagnostic::error(format!(
            "{id} is for {} and not for the gray {}{more}: the lane's requests go without it",
            missed.target, missed.gray.id
        ));
        at(error, Some(policy), slice::from_ref(&missed.path)).remedy(format!(
            "let `{0}` copy it: `copy: [{1}/{2}]`; or say that the lane goes without it: `policies: {{{1}/{2}: skip}}`",
            missed.gray.service, id.kind, id.name
        ))
    });
    told.collect()
}

/// Whether the baseline has a policy of the same kind for the gray object itself.
fn has_own(facts: &Facts, gray: &ObjectRef, policy: &ObjectRef) -> bool {
    let referrers = facts.referrers(gray).iter();
    let mut ids = referrers.map(|number| &facts.object(*number).id);
    ids.any(|own| (&own.group, &own.kind) == (&policy.group, &policy.kind))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, shown, spec};
    use crate::pipeline::Release;

    const ROUTE: &str = "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: gw}]
  hostnames: [shop.example.com]
  rules:
  - backendRefs: [{name: web, port: 80}]
";
    const ENTRY: &str =
        "entry: {route: HTTPRoute/shop, match: {headers: [{name: x-gray, exact: '1'}]}}";

    fn policy(api: &str, kind: &str, spec: &str) -> String {
        format!(
            "---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: guard}}\nspec: {{{spec}}}\n"
        )
    }

    fn envoy(spec: &str) -> String {
        policy("gateway.envoyproxy.io/v1alpha1", "SecurityPolicy", spec)
    }

    fn of_lane(service: &str, policy: &str) -> Release {
        let spec = spec(&format!("{service}\n      {ENTRY}"));
        lane(&spec.replace("class: mse", "class: gateway-api"), &(deployment("") + ROUTE + policy))
    }

    fn of(service: &str, policy: &str) -> Vec<String> {
        shown("policy-not-copied", &of_lane(service, policy))
    }

    const SHOP: &str = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}";

    #[test]
    fn told_of_a_gray_route_that_nothing_guards() {
        let one = envoy(&format!("targetRefs: [{SHOP}]"));
        let found = of("", &one);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].ends_with(
                "SecurityPolicy/guard is for HTTPRoute/shop and not for the gray HTTPRoute/shop-mse-gray: the lane's requests go without it"
            ),
            "{found:?}"
        );
        assert_eq!(of("", &envoy(&format!("targetRef: {SHOP}"))).len(), 1);
        assert!(of("copy: [SecurityPolicy/guard]", &one).is_empty());
        assert!(of("policies: {SecurityPolicy: copy}", &one).is_empty());
        assert!(of("policies: {SecurityPolicy/guard: skip}", &one).is_empty());
        let by_hand =
            one.replace("name: guard", "name: own").replace("name: shop", "name: shop-mse-gray");
        assert!(of("", &(one + &by_hand)).is_empty());
    }

    #[test]
    fn told_of_policies_for_copied_services() {
        let web = "targetRefs: [{group: '', kind: Service, name: web}]";
        let tls = policy("gateway.networking.k8s.io/v1", "BackendTLSPolicy", web);
        assert_eq!(of("", &tls).len(), 1);
        assert!(of("copy: [BackendTLSPolicy/guard]", &tls).is_empty());
        let target = "targetReference: {name: web}";
        let group = policy("gateway.k8s.aws/v1beta1", "TargetGroupConfiguration", target);
        assert_eq!(of("", &group).len(), 1);
        assert!(of("copy: [TargetGroupConfiguration/guard]", &group).is_empty());
        // Those of the mesh are copied by default, and their targets lead to the copies.
        let mesh = policy("security.istio.io/v1", "AuthorizationPolicy", web);
        assert!(of("", &mesh).is_empty());
        let core = mesh.replace("group: ''", "group: core");
        assert_eq!(of("policies: {AuthorizationPolicy: share}", &core).len(), 1);
        assert_eq!(of("policies: {AuthorizationPolicy: share}", &mesh).len(), 1);
    }

    #[test]
    fn not_told_of_what_is_no_policy_of_a_copy() {
        let gateway = SHOP.replace("HTTPRoute", "Gateway").replace("shop", "gw");
        assert!(of("", &envoy(&format!("targetRefs: [{gateway}]"))).is_empty());
        assert!(
            of("", &envoy(&format!("targetRefs: [{}]", SHOP.replace("shop", "other")))).is_empty()
        );
        let target = "targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}";
        let scaler = policy("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", target);
        assert!(of("", &scaler).is_empty());
    }

    #[test]
    fn a_policy_of_two_rules_is_missed_by_one_route() {
        let rule = |name: &str| SHOP.replace('}', &format!(", sectionName: {name}}}"));
        let both = envoy(&format!("targetRefs: [{}, {}]", rule("one"), rule("two")));
        let found = of("", &both);
        assert!(found.len() == 1 && !found[0].contains("more"), "{found:?}");
        let web = "{group: '', kind: Service, name: web}";
        let found = of("", &both.replace("]", &format!(", {web}]")));
        assert!(found.len() == 1 && found[0].contains("and 1 more"), "{found:?}");
    }

    #[test]
    fn the_copy_is_for_what_is_copied_alone() {
        let copied = |policy: &str| {
            let release = of_lane("copy: [SecurityPolicy/guard]", policy);
            let mut texts =
                release.lane.objects.iter().filter(|each| each.id.kind == "SecurityPolicy");
            texts.next().map(|each| each.text.clone()).unwrap_or_default()
        };
        let other = SHOP.replace("shop", "other");
        let text = copied(&envoy(&format!("targetRefs: [{other}, {SHOP}]")));
        assert!(text.contains("name: shop-mse-gray") && !text.contains("name: other"), "{text}");
    }
}
