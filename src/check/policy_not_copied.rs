//! `policy-not-copied`: a policy is attached to an object of the baseline, and none to its copy.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::slice;

use foldhash::{HashMap, HashSet, HashSetExt};

use super::gray::at;
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::policies::{is_attachment, is_policy, lost_sections, section};
use crate::kube::references::{Reference, references};
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
gray object. Where the lane is to go without it, say so: `policies: {SecurityPolicy/NAME: skip}`. That
is the only way where the gray route is of another kind than the baseline's, such as an ApisixRoute
beside an Ingress. What is for a rule that the gray route does not have (`sectionName`) is not missed.",
    is_fixed: false,
    check: Check::Lane(check),
};

/// What a policy says of copies: which it misses, and where it names what they are made from.
struct Missed<'a> {
    path: Path,
    target: &'a ObjectRef,
    gray: &'a GrayObject,
    more: usize,
    /// Whether a copy of the policy can be for one of them.
    can_copy: bool,
}

/// An attachment of a gray policy.
#[derive(PartialEq, Eq, Hash)]
struct Attached {
    /// The policy of the baseline that it is made from.
    policy: ObjectRef,
    target: ObjectRef,
    section: Option<String>,
}

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let attached = attached(&subject.lane.objects);
    let services: HashMap<&str, &Service> =
        subject.release.services.iter().map(|each| (each.name.as_str(), each)).collect();
    let mut missed: BTreeMap<usize, Missed<'_>> = BTreeMap::new();
    for gray in &subject.lane.objects {
        let Some(target) = gray.baseline() else { continue };
        for number in facts.referrers(target) {
            let policy = facts.object(*number);
            let id = &policy.id;
            if !is_policy(id) || has_own(facts, &gray.id, id) {
                continue;
            }
            let service = services.get(gray.service.as_str());
            if service.and_then(|service| service.policy(&id.kind, &id.name))
                == Some(CopyPolicy::Skip)
            {
                continue;
            }
            let can_copy = gray.id.group_kind() == target.group_kind();
            let document = policy.document();
            let is_missed = |each: &Reference| {
                let section = section(&document, each).map(str::to_owned);
                // Requests for a rule that the gray route does not have stay with the baseline's.
                let is_lost = can_copy
                    && section
                        .as_ref()
                        .is_some_and(|section| is_lost(facts, target, gray, section));
                let own = Attached { policy: id.clone(), target: gray.id.clone(), section };
                !is_lost && !attached.contains(&own)
            };
            let named = references(document.root(), id).into_iter();
            let mut named = named.filter(|each| is_attachment(each) && each.target == *target);
            let Some(first) = named.find(is_missed) else { continue };
            match missed.entry(*number) {
                Entry::Occupied(mut missed) => {
                    missed.get_mut().more += 1;
                    missed.get_mut().can_copy |= can_copy;
                }
                Entry::Vacant(missed) => {
                    missed.insert(Missed { path: first.path, target, gray, more: 0, can_copy });
                }
            }
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
        let (service, kind, name) = (&missed.gray.service, &id.kind, &id.name);
        let remedy = match missed.can_copy {
            true => format!(
                "let `{service}` copy it: `copy: [{kind}/{name}]`; or say that the lane goes without it: `policies: {{{kind}/{name}: skip}}`"
            ),
            false => format!(
                "a copy of it could not be for the {}: say that the lane goes without it: `policies: {{{kind}/{name}: skip}}`",
                missed.gray.id.kind
            ),
        };
        at(error, Some(policy), slice::from_ref(&missed.path)).remedy(remedy)
    });
    told.collect()
}

/// What the gray policies are attached to, as their manifests say.
fn attached(objects: &[GrayObject]) -> HashSet<Attached> {
    let mut attached = HashSet::new();
    for gray in objects {
        let Some(policy) = gray.baseline().filter(|policy| is_policy(policy)) else { continue };
        let Some(document) = gray.document() else { continue };
        let named = references(document.root(), &gray.id).into_iter();
        attached.extend(named.filter(is_attachment).map(|each| Attached {
            policy: policy.clone(),
            section: section(&document, &each).map(str::to_owned),
            target: each.target,
        }));
    }
    attached
}

/// Whether a gray object does not have a part of the one that it is made from.
fn is_lost(facts: &Facts, target: &ObjectRef, gray: &GrayObject, section: &str) -> bool {
    let Some(there) = facts.baseline.get(target) else { return false };
    let Some(own) = gray.document() else { return false };
    lost_sections(&there.document(), &own).contains(&section)
}

/// Whether the baseline has a policy of the same kind for the gray object itself.
fn has_own(facts: &Facts, gray: &ObjectRef, policy: &ObjectRef) -> bool {
    let referrers = facts.referrers(gray).iter();
    let mut ids = referrers.map(|number| &facts.object(*number).id);
    ids.any(|own| (&own.group, &own.kind) == (&policy.group, &policy.kind))
}

#[cfg(test)]
mod tests {
    use super::FINDING;
    use crate::check::fixture::{self, INGRESS, deployment, lane, shown, spec};
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

    /// A lane whose route has the rule `admin` of a Service without a copy beside the rule `web`.
    fn of_rules(service: &str, policy: &str) -> Release {
        let route = ROUTE.replace(
            "  - backendRefs",
            "  - {name: admin, matches: [{path: {type: PathPrefix, value: /admin}}], backendRefs: [{name: admin, port: 80}]}\n  - name: web\n    backendRefs",
        );
        let spec = spec(&format!("{service}\n      {ENTRY}"));
        let baseline = deployment("") + &route + policy;
        lane(&spec.replace("class: mse", "class: gateway-api"), &baseline)
    }

    #[test]
    fn not_told_of_rules_that_the_gray_route_does_not_have() {
        let rule = |name: &str| SHOP.replace('}', &format!(", sectionName: {name}}}"));
        let found = |service: &str, targets: &str| {
            let release = of_rules(service, &envoy(&format!("targetRefs: [{targets}]")));
            shown("policy-not-copied", &release)
        };
        assert!(found("", &rule("admin")).is_empty());
        assert!(found("policies: {SecurityPolicy: copy}", &rule("admin")).is_empty());
        let both = format!("{}, {}", rule("admin"), rule("web"));
        assert_eq!(found("", &both).len(), 1);
        assert!(found("copy: [SecurityPolicy/guard]", &both).is_empty());
        // Kuadrant counts rules that have no name.
        assert_eq!(found("", &rule("rule-1")).len(), 1);
        let release =
            of_rules("copy: [SecurityPolicy/guard]", &envoy(&format!("targetRefs: [{both}]")));
        let gray = release.lane.objects.iter().find(|each| each.id.kind == "SecurityPolicy");
        let text = gray.map(|gray| gray.text.as_str()).unwrap_or_default();
        assert!(text.contains("sectionName: web") && !text.contains("admin"), "{text}");
    }

    #[test]
    fn no_copy_is_offered_for_a_gray_route_of_another_kind() {
        const WEB: &str = "{group: networking.k8s.io, kind: Ingress, name: web}";
        let found = |service: &str, targets: &str| {
            let guard = format!("targetRefs: [{targets}]");
            let guard = policy("apisix.apache.org/v1alpha1", "HTTPRoutePolicy", &guard);
            let spec = spec(&format!("{service}\n      {}", fixture::ENTRY));
            let ingress = INGRESS.replace("Name: mse", "Name: apisix");
            let baseline = deployment("") + &ingress + &guard;
            let release = lane(&spec.replace("class: mse", "class: apisix"), &baseline);
            let told = release.findings.iter().filter(|each| each.code == Some(FINDING.code));
            told.map(|each| format!("{}; {}", each.message, each.remedy.as_deref().unwrap_or("")))
                .collect::<Vec<String>>()
        };
        let told = found("", WEB);
        assert!(
            told.len() == 1
                && told[0]
                    .contains("is for Ingress/web and not for the gray ApisixRoute/web-mse-gray")
                && told[0].contains("skip")
                && !told[0].contains("copy: ["),
            "{told:?}"
        );
        // One that is copied by its kind is left out, not attached to what there is not.
        assert_eq!(found("policies: {HTTPRoutePolicy: copy}", WEB), told);
        assert!(found("policies: {HTTPRoutePolicy: skip}", WEB).is_empty());
        let both = format!("{WEB}, {{group: '', kind: Service, name: web}}");
        let told = found("", &both);
        assert!(told.len() == 1 && told[0].contains("copy: [HTTPRoutePolicy/guard]"), "{told:?}");
        let told = found("copy: [HTTPRoutePolicy/guard]", &both);
        assert!(told.len() == 1 && !told[0].contains("more"), "{told:?}");
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
