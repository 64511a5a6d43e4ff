//! Who routes to a copy: the lanes' own VirtualService, a delegate of the baseline's, or nobody.

use super::fixture::{SERVICE, lane, rule};
use crate::lane::Lane;

/// The lane of `web` in `prod` with the tag `gray`, beside these VirtualServices.
fn built(rules: &str) -> Result<Lane, String> {
    lane(&format!("{SERVICE}{rules}")).map_err(|failure| failure.to_string())
}

fn delegate(rules: &str) -> String {
    let lane = built(rules).unwrap();
    assert!(lane.shared.is_empty(), "{:?}", lane.shared);
    let objects: Vec<_> =
        lane.objects.iter().filter(|object| object.id.kind == "VirtualService").collect();
    assert_eq!(objects.len(), 1);
    let text = &objects[0].text;
    text[text.find("spec:").unwrap()..].to_owned()
}

const SLOT: &str = "{match: [{headers: {x-mse-tag: {exact: gray}}}], delegate: {name: r-gray}}";
const HEADER: &str = "headers:\n            x-mse-tag:\n              exact: gray\n";

/// The delegate's entries for these entries of the baseline.
fn repeated(entries: &str) -> String {
    delegate(&rule("r", &format!("{{hosts: [web], http: [{SLOT}, {entries}]}}")))
}

#[test]
fn a_host_without_a_rule_is_shared() {
    for rules in [
        String::new(),
        rule("r", "{hosts: [api], http: [{route: [{destination: {host: api}}]}]}"),
        rule(
            "r",
            "{hosts: [web], gateways: [public], http: [{route: [{destination: {host: web}}]}]}",
        ),
        rule("r", "{hosts: [shop.example.com], gateways: [public, mesh], http: []}"),
    ] {
        let lane = built(&rules).unwrap();
        let [route] = lane.shared.as_slice() else { panic!("{rules}: {:?}", lane.shared) };
        assert_eq!(route.host.to_string(), "web.prod.svc.cluster.local");
        assert_eq!(route.way.gray.to_string(), "web-mse-gray.prod.svc.cluster.local");
        assert_eq!((route.tag.as_str(), route.way.header.as_str()), ("gray", "x-mse-tag"));
        assert!(lane.objects.iter().all(|object| object.id.kind != "VirtualService"));
        let told: Vec<_> =
            lane.notes.iter().filter(|note| note.message.contains("sidecars")).collect();
        assert_eq!(told.len(), 1);
    }
}

#[test]
fn a_rule_without_a_slot_is_refused_with_the_lines_to_add() {
    for hosts in ["[web]", "[web.prod.svc.cluster.local]", "['*.svc.cluster.local']", "[a, web]"] {
        let text = rule(
            "r",
            &format!(
                "\n  hosts: {hosts}\n  http:\n    - route: [{{destination: {{host: web}}}}]\n"
            ),
        );
        let error = built(&text).unwrap_err();
        assert!(
            error.contains("VirtualService/r in prod has no entry for the lane `gray`"),
            "{error}"
        );
        assert!(error.contains("|   http:"), "{error}");
        let lines = [
            "- name: lane-gray",
            "  match:",
            "    - headers:",
            "        x-mse-tag:",
            "          exact: gray",
            "  delegate:",
            "    name: r-gray",
        ];
        let lines: String = lines.iter().map(|line| format!("        {line}\n")).collect();
        assert!(error.ends_with(&lines), "{error}");
    }
    let elsewhere =
        rule("r", "{hosts: [web.prod], http: [{route: [{destination: {host: web.prod}}]}]}")
            .replace("namespace: prod", "namespace: mesh");
    let error = built(&elsewhere).unwrap_err();
    assert!(error.ends_with("  name: r-gray\n            namespace: prod\n"), "{error}");
    let error = built(&rule("r", "{hosts: [web], tcp: []}")).unwrap_err();
    assert!(error.contains("one for all other requests") && error.contains("r-gray"), "{error}");
}

#[test]
fn a_delegate_repeats_the_entries_for_the_lane() {
    assert_eq!(
        repeated("{name: all, timeout: 5s, route: [{destination: {host: web, subset: v1}}]}"),
        format!(
            "spec:\n  http:\n    - name: all\n      match:\n        - {HEADER}      timeout: \"5s\"\n      route:\n\
             \x20       - destination:\n            host: web-mse-gray.prod.svc.cluster.local\n"
        )
    );
    // What leads elsewhere stays, by its full name; conditions get the tag.
    assert_eq!(
        repeated(
            "{match: [{uri: {prefix: /api}}], route: [{destination: {host: api}}]}, {route: [{destination: {host: web.prod.svc.cluster.local, port: {number: 80}}}]}"
        ),
        format!(
            "spec:\n  http:\n    - match:\n        - uri:\n            prefix: /api\n          {HEADER}\
             \x20     route:\n        - destination:\n            host: api.prod.svc.cluster.local\n\
             \x20   - match:\n        - {HEADER}      route:\n        - destination:\n\
             \x20           host: web-mse-gray.prod.svc.cluster.local\n            port:\n              number: 80\n"
        )
    );
}

#[test]
fn the_tag_stays_what_it_is() {
    let found = repeated(
        "{headers: {request: {set: {X-MSE-Tag: base, x-a: b}, remove: [x-mse-tag]}}, route: [{destination: {host: web}, headers: {request: {add: {x-mse-tag: base}}}}]}",
    );
    assert!(found.contains("set:\n            x-a: b\n"), "{found}");
    assert!(
        !found.contains("base") && !found.contains("remove") && !found.contains("add"),
        "{found}"
    );
    let found = repeated(
        "{headers: {request: {remove: [x-mse-tag]}, response: {set: {x-mse-tag: a}}}, route: [{destination: {host: web}}]}",
    );
    assert!(!found.contains("request:") && found.contains("x-mse-tag: a"), "{found}");
}

#[test]
fn callers_of_the_lane_are_found_by_their_own_labels() {
    let found =
        repeated("{match: [{sourceLabels: {app: web}}], route: [{destination: {host: web}}]}");
    let labels = |value: &str| format!("sourceLabels:\n            app: {value}\n");
    assert!(found.contains(&labels("web")) && found.contains(&labels("web-mse-gray")), "{found}");
}

#[test]
fn subsets_of_the_baseline_are_one_copy() {
    let weighted = |route: &str| repeated(&format!("{{route: {route}}}"));
    let one = weighted("[{destination: {host: web}}]");
    assert_eq!(
        weighted(
            "[{destination: {host: web, subset: v1}, weight: 90}, {destination: {host: web, subset: v2}, weight: 10}]"
        ),
        one
    );
    let two = weighted(
        "[{destination: {host: web, subset: v1}, weight: 60}, {destination: {host: api}, weight: 10}, {destination: {host: web, subset: v2}, weight: 30}]",
    );
    assert!(two.contains("weight: 90") && two.contains("weight: 10"), "{two}");
    assert_eq!(two.matches("host:").count(), 2);
}

#[test]
fn what_is_mirrored_to_the_baseline_of_a_copy_goes_to_the_copy() {
    let text = repeated(
        "{mirror: {host: web, subset: v1}, mirrors: [{destination: {host: web}, percentage: {value: 5}}, {destination: {host: other}}], route: [{destination: {host: web}}]}",
    );
    assert_eq!(text.matches("host: web-mse-gray.prod.svc.cluster.local").count(), 3, "{text}");
    assert!(text.contains("host: other.prod.svc.cluster.local"), "{text}");
    assert!(!text.contains("subset"), "{text}");
}

#[test]
fn entries_that_no_request_of_the_lane_reaches_are_left_out() {
    let all = "{route: [{destination: {host: web}}]}";
    let alone = repeated(all);
    for other in [
        "{match: [{headers: {X-Mse-Tag: {exact: blue}}}], route: [{destination: {host: api}}]}",
        "{delegate: {name: r-blue}}",
    ] {
        assert_eq!(repeated(&format!("{other}, {all}")), alone, "{other}");
    }
}

#[test]
fn what_a_delegate_cannot_do_is_refused() {
    let web = "{route: [{destination: {host: web}}]}";
    let theirs = rule("theirs", "{http: []}");
    for (http, expected) in [
        (format!("{web}, {SLOT}"), "comes after one that may take its requests"),
        (format!("{SLOT}, {{delegate: {{name: theirs}}}}, {web}"), "a delegate cannot delegate"),
        (
            format!("{SLOT}, {{route: [{{destination: {{host: api}}}}]}}"),
            "leads to a Service of the lane",
        ),
        (SLOT.to_owned(), "leads to a Service of the lane"),
        (
            format!("{{delegate: {{name: r-gray, namespace: mesh}}}}, {web}"),
            "delegates to the namespace `mesh`, but the lane is in `prod`",
        ),
        (
            "{match: [{uri: {prefix: /api}}], delegate: {name: r-gray}}, {match: [{uri: {prefix: /}}], route: [{destination: {host: web}}]}".to_owned(),
            "Istio would drop the delegate",
        ),
        (
            format!(
                "{{match: [{{headers: {{x-mse-tag: {{regex: gray}}}}}}], delegate: {{name: r-gray}}}}, {web}"
            ),
            "Istio would drop the delegate",
        ),
        (
            format!(
                "{SLOT}, {{match: [{{headers: {{x-mse-tag: {{regex: 'g.*'}}}}}}], route: [{{destination: {{host: web}}}}]}}"
            ),
            "by a regular expression",
        ),
    ] {
        let text = rule("r", &format!("{{hosts: [web], http: [{http}]}}"));
        let error = built(&format!("{text}{theirs}")).unwrap_err();
        assert!(error.contains(expected) && error.contains("deploy/all.yaml:"), "{http}: {error}");
    }
    let twice = format!("{}{}", rule("a", "{hosts: [web]}"), rule("b", "{hosts: [web.prod]}"));
    assert!(built(&twice).unwrap_err().contains("a sidecar goes by one of them"));
    let taken = format!(
        "{}{}",
        rule("r", &format!("{{hosts: [web], http: [{SLOT}, {web}]}}")),
        rule("r-gray", "{http: []}")
    );
    assert!(built(&taken).unwrap_err().contains("the baseline has it already"));
    let taken = rule("web-lanes", "{hosts: [api]}");
    assert!(built(&taken).unwrap_err().contains("the baseline has it already"));
}

#[test]
fn a_tag_cannot_be_what_shared_objects_are_called() {
    let error = super::fixture::lane_of("lanes", SERVICE).unwrap_err().to_string();
    assert!(error.contains("the tag `lanes`") && error.contains("graylane.yaml:5"), "{error}");
}

#[test]
fn slots_of_other_lanes_may_come_first_and_any_name_of_the_host_will_do() {
    let http = format!(
        "[{{delegate: {{name: r-blue}}}}, {SLOT}, {{route: [{{destination: {{host: web}}}}]}}]"
    );
    let plain = delegate(&rule("r", &format!("{{hosts: [web], http: {http}}}")));
    for hosts in ["[web.prod]", "[other, web]", "['*']", "[web, web.prod.svc.cluster.local]"] {
        assert_eq!(delegate(&rule("r", &format!("{{hosts: {hosts}, http: {http}}}"))), plain);
    }
    let bare = "[{delegate: {name: r-gray}}, {route: [{destination: {host: web}}]}]";
    assert_eq!(delegate(&rule("r", &format!("{{hosts: [web], http: {bare}}}"))), plain);
}

#[test]
fn what_is_not_exported_to_all_is_told() {
    let http = format!("[{SLOT}, {{route: [{{destination: {{host: web}}}}]}}]");
    let lane =
        built(&rule("r", &format!("{{hosts: [web], exportTo: ['.'], http: {http}}}"))).unwrap();
    assert!(lane.notes.iter().any(|note| note.message.contains("is exported to . alone")));
    let public = rule(
        "g",
        "{hosts: [x.example.com], gateways: [public], http: [{route: [{destination: {host: web}}]}]}",
    );
    let lane = built(&public).unwrap();
    assert!(lane.notes.iter().any(|note| note.message.contains("at its gateways")));
}

#[test]
fn a_service_that_cannot_be_routed_is_told_or_refused() {
    let headless = SERVICE.replace("spec: {selector", "spec: {clusterIP: None, selector");
    let error = lane(&headless).unwrap_err().to_string();
    assert!(
        error.contains("no Service of `web` can be routed") && error.contains("headless"),
        "{error}"
    );
    let second = SERVICE.split("---\n").last().unwrap();
    let second = second.replace("name: web,", "name: web-peers,");
    let second = second.replace("spec: {selector", "spec: {clusterIP: None, selector");
    let lane = lane(&format!("{SERVICE}---\n{second}")).unwrap();
    assert_eq!(lane.shared.len(), 1);
    assert!(
        lane.notes.iter().any(|note| note.message.contains("Service/web-peers in prod stay with"))
    );
    let nowhere = SERVICE.replace(", namespace: prod", "");
    let error = super::fixture::lane(&nowhere).unwrap_err().to_string();
    assert!(error.contains("is not known") && error.contains("spec.namespace"), "{error}");
}
