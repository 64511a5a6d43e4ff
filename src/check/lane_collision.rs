//! `lane-collision`: two lanes want the same requests of a gateway.

use std::collections::{BTreeMap, HashSet};

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::{self, Claim, Claims, Cloned, Lanes, Owner, Requests, Weight, claims};
use crate::lane::{Facts, GrayObject, LaneEntry};

pub(super) const FINDING: Finding = Finding {
    code: "lane-collision",
    severity: Severity::Error,
    doc:
        "\
The entry of a lane and another canary route want the same requests of one host and path.

Where both have the same condition, which of them answers is decided by the age or the name of the
objects, or not at all. Some gateways have one canary for a host and path at most: ingress-nginx
refuses a second one, or takes no notice of it. Some have many, but a lane that takes a share of
all requests must be the only one there. MSE, Cloud-native API Gateway and Higress add the weights of
lanes up: where they come to 100 or more, nothing is left for the baseline.

The canary Ingress that Argo Rollouts or Flagger clones from an Ingress is one too, and is there while
nothing is rolled out as well, though no manifest has it.

An overlay that a spec wrote under an earlier tag is such a lane too, until it is cleaned up.

Remedy: give the lanes conditions that differ, lower weights so that something is left for the
baseline, join the lanes into one release, or clean one of them up.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut baseline = None;
    for (entry, object) in subject.lane.routes() {
        let Some(document) = object.document() else { continue };
        let baseline = baseline.get_or_insert_with(|| of_baseline(subject.facts));
        let mut told = HashSet::new();
        for claim in claims(document.root()) {
            let others = subject.others.at(&claim.place).iter().chain(baseline.at(&claim.place));
            // What it is made from has its conditions too.
            let is_origin = |owner: &Owner| matches!(owner, Owner::Baseline(id) if object.baseline() == Some(id));
            let others: Vec<_> = others.filter(|(owner, _)| !is_origin(owner)).collect();
            for (owner, requests) in &others {
                let condition = requests.condition.as_deref();
                let Some(why) = collision(entry, &claim, owner, condition) else {
                    continue;
                };
                if told.insert(owner.shown()) {
                    found.push(finding(entry, object, &claim, owner, &why));
                }
            }
            if let Some(sum) = all_taken(entry, &claim, &others)
                && told.insert(sum.others.clone())
            {
                found.push(too_much(entry, object, &claim, &sum));
            }
        }
    }
    found
}

/// The routes of the baseline.
fn of_baseline(facts: &Facts) -> Claims {
    let mut claims = Claims::default();
    for (position, object) in facts.baseline.objects().iter().enumerate() {
        if matches!(object.id.kind.as_str(), "Rollout" | "Canary") {
            for Cloned { id, ingress, service, field, .. } in
                gateway::cloned(&object.id, object.document().root())
            {
                let Some(ingress) = facts.baseline.get(&ingress) else { continue };
                let owner = Owner::Cloned { id, by: object.id.clone(), field };
                claims.add_clone(&owner, ingress.document().root(), &service);
            }
        }
        let owner = match object.id.kind.as_str() {
            "Ingress" if facts.is_canary(position) => Owner::Canary(object.id.clone()),
            "HTTPRoute" | "ApisixRoute" if gateway::is_route(&object.id) => {
                Owner::Baseline(object.id.clone())
            }
            _ => continue,
        };
        claims.add(&owner, object.document().root());
    }
    claims
}

/// Why two claims to one place do not go together, if they do not.
fn collision(
    entry: &LaneEntry,
    own: &Claim,
    owner: &Owner,
    condition: Option<&str>,
) -> Option<String> {
    let asked = own.requests.condition.as_deref();
    if asked.is_some() && asked == condition {
        return Some("both have the same condition".to_owned());
    }
    if matches!(owner, Owner::Baseline(_)) {
        return None;
    }
    let class = entry.gateway;
    match gateway::of(class).capabilities().lanes {
        Lanes::One => Some(format!("the gateway class `{class}` has one canary for both")),
        // Such gateways do not read it as a canary, or add its weight of 0.
        _ if matches!(owner, Owner::Cloned { .. }) => None,
        Lanes::Matches if asked.is_none() || condition.is_none() => Some(format!(
            "with the gateway class `{class}`, a lane that takes a share of all requests must be alone"
        )),
        Lanes::Matches | Lanes::Many => None,
    }
}

/// Weights of several lanes that come to all requests.
struct Sum {
    /// The others, with the weight of each.
    others: String,
    own: u64,
    all: u64,
    total: u64,
}

/// The weights of all who take a share of a place, where their gateway adds them up and nothing is
/// left for the baseline. A lane that takes everything alone is meant to.
///
/// Source: higress-group/higress, pkg/ingress/kube (annotations/canary.go, ingressv1/controller.go): the
/// baseline gets what is left, and a sum above the total becomes the total.
fn all_taken(entry: &LaneEntry, own: &Claim, others: &[&(Owner, Requests)]) -> Option<Sum> {
    if gateway::of(entry.gateway).capabilities().lanes != Lanes::Many {
        return None;
    }
    let share = |requests: &Requests| {
        let weight = requests.weight.filter(|_| requests.condition.is_none());
        weight.filter(|weight| weight.part > 0)
    };
    let own = share(&own.requests)?;
    // A path that one Ingress has twice, by its type, is one.
    let mut weights = BTreeMap::<String, Weight>::new();
    for (owner, requests) in others {
        if let Some(weight) = share(requests) {
            let most = weights.entry(owner.shown()).or_insert(weight);
            *most = weight.max(*most);
        }
    }
    let parts = weights.values().map(|weight| weight.part);
    let all = parts.fold(own.part, u64::saturating_add);
    // Of different totals gateways take the largest.
    let total = weights.values().fold(own.total, |total, weight| total.max(weight.total));
    if weights.is_empty() || all < total {
        return None;
    }
    let others: Vec<String> =
        weights.iter().map(|(owner, weight)| format!("{owner} ({})", weight.part)).collect();
    Some(Sum { others: others.join(" and "), own: own.part, all, total })
}

fn too_much(entry: &LaneEntry, object: &GrayObject, claim: &Claim, sum: &Sum) -> Diagnostic {
    let (place, Sum { others, own, all, total }) = (&claim.place, sum);
    Diagnostic::error(format!(
        "the entry of `{}` ({}) takes a weight of {own} of the requests for {}{} beside {others}: with {all} of {total} in sum nothing is left for the baseline",
        entry.service, object.id, place.host, place.path,
    ))
    .at(entry.place.clone())
    .remedy(format!("lower the weights until their sum is less than {total}"))
}

fn finding(
    entry: &LaneEntry,
    object: &GrayObject,
    claim: &Claim,
    owner: &Owner,
    why: &str,
) -> Diagnostic {
    let place = &claim.place;
    let has_one = gateway::of(entry.gateway).capabilities().lanes == Lanes::One;
    let remedy = owner.remedy().unwrap_or_else(|| {
        let of_lanes = match has_one {
            true => "clean the other one up first, or make one release of both",
            false => "give the lanes conditions that differ, or clean one of them up first",
        };
        of_lanes.to_owned()
    });
    Diagnostic::error(format!(
        "the entry of `{}` ({}) wants requests for {}{} that {} wants too: {why}",
        entry.service,
        object.id,
        place.host,
        place.path,
        owner.shown()
    ))
    .at(entry.place.clone())
    .remedy(remedy)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check::fixture::{ENTRY, INGRESS, deployment, shown, spec};
    use crate::diagnostic::Place;
    use crate::gateway::ClaimedPlace;
    use crate::kube::object::ObjectRef;
    use crate::spec::GatewayClass;

    /// Whether lanes with these conditions collide on a gateway; `None` is a share of all requests.
    fn collide(gateway: GatewayClass, own: Option<&str>, other: Option<&str>) -> bool {
        let route = ObjectRef::new("networking.k8s.io", "Ingress", "", "web");
        let place = Place { file: Arc::from("x"), line: 1, column: 1, text: String::new() };
        let entry = LaneEntry { service: "web".into(), gateway, route: route.clone(), place };
        let place = ClaimedPlace { gateway: "g".into(), host: "*".into(), path: "/".into() };
        let requests = Requests { condition: own.map(str::to_owned), weight: None };
        let claim = Claim { place, requests };
        let lane = Owner::Lane("other".into());
        // A route of the baseline that is no canary collides by the same condition alone.
        let baseline = collision(&entry, &claim, &Owner::Baseline(route), other).is_some();
        assert_eq!(baseline, own.is_some() && own == other);
        collision(&entry, &claim, &lane, other).is_some()
    }

    #[test]
    fn told_of_canaries_that_are_cloned_in_the_cluster() {
        let of = |class: &str, object: &str| {
            // The lane goes beside what the baseline rolls out.
            let service = format!("{ENTRY}\n      policies: {{Rollout: skip, Canary: skip}}");
            let spec = spec(&service).replace("{class: mse}", &format!("{{class: {class}}}"));
            let ingress = INGRESS.replace("mse", class);
            shown(
                "lane-collision",
                &crate::check::fixture::lane(&spec, &(deployment("") + &ingress + object)),
            )
        };
        let rollout = |service: &str| {
            format!(
                "---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: r}}\nspec:\n  workloadRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}\n  strategy: {{canary: {{stableService: {service}, canaryService: c, trafficRouting: {{nginx: {{stableIngress: web}}}}}}}}\n"
            )
        };
        let flagger = "---\napiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: c}\nspec: {provider: nginx, targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, ingressRef: {name: web}}\n";
        let told = |who: &str| {
            [format!(
                "graylane.yaml:11:7: the entry of `web` (Ingress/web-mse-gray) wants requests for example.com/ that {who} of the baseline, wants too: the gateway class `nginx` has one canary for both"
            )]
        };
        assert_eq!(
            of("nginx", &rollout("web")),
            told("Ingress/r-web-canary, which is made in the cluster for Rollout/r")
        );
        assert_eq!(
            of("nginx", flagger),
            told("Ingress/web-canary, which is made in the cluster for Canary/c")
        );
        assert!(of("nginx", &rollout("other")).is_empty(), "its paths lead elsewhere");
        assert!(of("mse", &rollout("web")).is_empty(), "it has any number of canaries");
    }

    #[test]
    fn lanes_stand_side_by_side_as_far_as_the_gateway_lets_them() {
        use GatewayClass::{Alb, Apig, Apisix, GatewayApi, Higress, Mse, Nginx};
        for class in [Mse, Apig, Higress, Nginx, Alb, Apisix, GatewayApi] {
            assert!(collide(class, Some("a"), Some("a")), "{class}");
            assert_eq!(collide(class, Some("a"), Some("b")), class == Nginx, "{class}");
            let adds_up = matches!(class, Mse | Apig | Higress);
            assert_eq!(collide(class, None, None), !adds_up, "{class}");
            assert_eq!(collide(class, Some("a"), None), !adds_up, "{class}");
        }
    }

    /// The sum told of lanes with these weights at one place, the first of which is checked; a weight
    /// of `None` is a condition.
    fn sum(gateway: GatewayClass, weights: &[(Option<u64>, u64)]) -> Option<(String, u64, u64)> {
        let route = ObjectRef::new("networking.k8s.io", "Ingress", "", "web");
        let place = Place { file: Arc::from("x"), line: 1, column: 1, text: String::new() };
        let entry = LaneEntry { service: "web".into(), gateway, route, place };
        let place = ClaimedPlace { gateway: "g".into(), host: "*".into(), path: "/".into() };
        let requests = |(part, total): (Option<u64>, u64)| Requests {
            condition: part.is_none().then(|| "x".to_owned()),
            weight: Some(Weight { part: part.unwrap_or(100), total }),
        };
        let own = Claim { place, requests: requests(weights[0]) };
        let lanes: Vec<_> = (1..weights.len())
            .map(|number| (Owner::Lane(format!("l{number}").into()), requests(weights[number])))
            .collect();
        // An Ingress may have a path twice.
        let others: Vec<_> = lanes.iter().chain(&lanes).collect();
        all_taken(&entry, &own, &others).map(|sum| (sum.others, sum.all, sum.total))
    }

    #[test]
    fn weights_of_lanes_leave_something_for_the_baseline() {
        use GatewayClass::{Alb, Apig, Higress, Mse, Nginx};
        for class in [Mse, Apig, Higress] {
            let two = sum(class, &[(Some(60), 100), (Some(60), 100)]);
            assert_eq!(two, Some(("the lane `l1` (60)".to_owned(), 120, 100)), "{class}");
        }
        let three = [(Some(40), 100), (Some(30), 100), (Some(30), 100)];
        let others = "the lane `l1` (30) and the lane `l2` (30)";
        assert_eq!(sum(Mse, &three), Some((others.to_owned(), 100, 100)));
        assert_eq!(sum(Mse, &[(Some(60), 100), (Some(39), 100)]), None);
        assert_eq!(sum(Mse, &[(Some(100), 100)]), None, "one alone is meant to take everything");
        assert_eq!(sum(Mse, &[(Some(100), 100), (Some(0), 100)]), None);
        assert_eq!(sum(Mse, &[(Some(0), 100), (Some(100), 100)]), None);
        assert_eq!(sum(Mse, &[(Some(60), 100), (None, 100)]), None, "a header is no share");
        assert_eq!(sum(Mse, &[(Some(60), 100), (Some(600), 1000)]), None);
        assert_eq!(sum(Mse, &[(Some(60), 100), (Some(940), 1000)]).map(|sum| sum.1), Some(1000));
        assert_eq!(sum(Mse, &[(Some(u64::MAX), 100), (Some(1), 100)]).map(|sum| sum.2), Some(100));
        // Those have one canary, or none beside a share: they are told of as such.
        assert_eq!(sum(Alb, &[(Some(60), 100), (Some(60), 100)]), None);
        assert_eq!(sum(Nginx, &[(Some(60), 100), (Some(60), 100)]), None);
    }
}
