//! What is reached is what the walk from hop to hop finds.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::kube::object::ObjectRef;
use crate::trace::answer::{Outcome, Part, Share};
use crate::trace::hops::hops;
use crate::trace::steps::{Arrival, Steps};
use crate::trace::tests::{cluster, ingress, spec, workload};
use crate::trace::visit::in_lanes;
use crate::trace::{Cluster, Request};

const NAMES: [&str; 7] = ["web", "a", "b", "c", "d", "e", "f"];

/// A lane: its provider, which services it has beside `web`, and which of its services hand on its
/// tag, bit by bit.
fn lane(tag: &str, (provider, copied, hands_on): (&str, u8, u8)) -> String {
    let mut more = String::new();
    for (at, name) in NAMES.iter().enumerate() {
        if at > 0 && copied >> at & 1 == 1 {
            more.push_str(&format!("    - name: {name}\n"));
        } else if at > 0 {
            continue;
        }
        if hands_on >> at & 1 == 1 {
            more.push_str("      env: {profiler.micro.service.tag.trace.enable: 'true'}\n");
        }
    }
    spec(tag, provider, &more)
}

/// Each service calls those whose bits are set.
fn shop(calls: [u8; NAMES.len()]) -> String {
    let called = |at: usize| {
        let is_called = |other: &usize| *other != at && calls[at] >> other & 1 == 1;
        (0..NAMES.len()).filter(is_called).map(|other| NAMES[other]).collect::<Vec<_>>()
    };
    let all = NAMES.iter().enumerate().map(|(at, name)| workload(name, &called(at)));
    all.collect::<String>() + &ingress("mse")
}

/// Lanes and steps of the way from hop to hop, from a service on.
fn walked(
    cluster: &Cluster,
    service: &ObjectRef,
    request: &Request,
) -> (Lanes, BTreeSet<(usize, usize)>) {
    let hops = hops(cluster, service, None, request);
    let answered = hops.iter().flat_map(|hop| &hop.answered_by);
    let lanes = answered.map(|at| cluster.workloads[*at].lane).collect();
    let steps = hops.iter().filter_map(|hop| Some((hop.caller?, &hop.answered_by)));
    (lanes, steps.flat_map(|(caller, by)| by.iter().map(move |to| (caller, *to))).collect())
}

fn arrival(cluster: &Cluster, service: &ObjectRef, request: &Request) -> Arrival {
    let why = String::new();
    let outcome = Outcome::Gateway;
    Arrival {
        gateway: 0,
        share: Share { part: Part::ALL, outcome, why, route: None, place: None },
        answered_by: cluster.answering_for(service, None),
        in_lanes: in_lanes(cluster, request),
    }
}

fn lanes() -> impl Strategy<Value = (&'static str, u8, u8)> {
    (prop::sample::select(vec!["mse", "opensergo", "istio", "none"]), any::<u8>(), any::<u8>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn looking_into_each_visit_once_finds_what_walking_every_way_finds(
        // Two of three calls are left out, so that there are circles of every size.
        calls in prop::array::uniform7((any::<u8>(), any::<u8>()).prop_map(|(a, b)| a & b)),
        gray in lanes(),
        blue in lanes(),
        from in prop::collection::vec(0..NAMES.len(), 1..6),
    ) {
        let cluster = cluster(&[lane("gray", gray), lane("blue", blue)], &shop(calls));
        let bare = Request::new("example.com", "/");
        let marked = |tag: &str| bare.clone().with_header("x-mse-tag", tag);
        let requests = [marked("gray"), bare.clone(), marked("blue")];
        let mut reach = Reach::new(&cluster);
        let (mut steps, mut all, mut all_walked) = (Steps::new(&cluster), BTreeSet::new(), BTreeSet::new());
        for at in from {
            let service = ObjectRef::new("", "Service", "shop", NAMES[at]);
            for request in &requests {
                let (lanes, walked) = walked(&cluster, &service, request);
                let arrival = arrival(&cluster, &service, request);
                prop_assert_eq!(reach.of(&arrival.answered_by, &arrival.in_lanes), lanes);
                let new = Steps::new(&cluster).behind(&arrival);
                prop_assert_eq!(&new.into_iter().collect::<BTreeSet<_>>(), &walked);
                all.extend(steps.behind(&arrival));
                all_walked.extend(walked);
                prop_assert_eq!(&all, &all_walked);
            }
        }
    }
}
