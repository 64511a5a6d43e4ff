//! What is made for a mesh is what Istio's CRDs say, whatever the baseline's VirtualService holds.

use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;

/// What is rendered beside a VirtualService with these entries after the lane's slot.
fn rendered(rule: &str) -> String {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baselines/mesh"));
    fs::write(sandbox.dir.join("deploy/rule.yaml"), rule).unwrap();
    sandbox.commit_all();
    let ran = sandbox.sh("graylane -q render");
    assert_eq!(ran.code, 0, "{rule}: {}", ran.stderr);
    ran.stdout
}

#[test]
fn made_objects_are_valid() {
    let shared = rendered("");
    assert!(shared.contains("name: web-lanes"), "{shared}");
    crate::crds::validate(&shared);
    for entries in [
        "{route: [{destination: {host: web, subset: v1}, weight: 90}, {destination: {host: web, subset: v2}, weight: 10}]}",
        "{match: [{uri: {prefix: /a}, port: 80}, {queryParams: {q: {exact: x}}}], rewrite: {uri: /}, route: [{destination: {host: web}}]}",
        "{match: [{method: {exact: GET}, withoutHeaders: {a: {exact: b}}}], redirect: {uri: /b}}, {route: [{destination: {host: web}}]}",
        "{mirror: {host: copy}, mirrorPercentage: {value: 50}, mirrors: [{destination: {host: copy}}], route: [{destination: {host: web}}]}",
        "{fault: {delay: {percentage: {value: 0.1}, fixedDelay: 5s}}, corsPolicy: {maxAge: 24h}, route: [{destination: {host: web}, headers: {request: {set: {a: b}}}}]}",
        "{retries: {attempts: 3, perTryTimeout: 2s, retryOn: 'gateway-error,connect-failure'}, headers: {response: {remove: [a]}}, route: [{destination: {host: web, port: {number: 80}}}]}",
    ] {
        let rule = format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: web, namespace: prod}}\n\
             spec: {{hosts: [web], http: [{{delegate: {{name: web-gray}}}}, {entries}]}}\n"
        );
        let text = rendered(&rule);
        assert!(text.contains("name: web-gray") && !text.contains("hosts:"), "{text}");
        assert!(text.contains("host: web-mse-gray.prod.svc.cluster.local"), "{text}");
        crate::crds::validate(&text);
    }
}

#[test]
fn a_copied_destination_rule_is_about_the_copy() {
    let text = rendered("");
    let rule = text.split("---\n").find(|text| text.contains("kind: DestinationRule")).unwrap();
    assert!(rule.contains("host: web-mse-gray"), "{rule}");
}

#[test]
fn routes_that_a_lane_still_needs_outlive_an_earlier_output() {
    for commit in ["", " --commit"] {
        let sandbox = Sandbox::new();
        sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baselines/mesh"));
        sandbox.commit_all();
        let ran = sandbox.sh(&format!(
            "echo '  output: overlays/a' >> graylane.yaml && git add -A && git commit -qm A && graylane -q generate --commit && \
             sed -i 's,overlays/a,overlays/b,' graylane.yaml && git commit -qam B && graylane -q generate --commit && \
             graylane -q cleanup --overlay overlays/a{commit} && graylane -q generate --check"
        ));
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.contains("remove overlays/istio"), "{}", ran.stdout);
        let ran = sandbox.sh("ls overlays/istio/entry && git status --short overlays/istio");
        assert_eq!(ran.stdout, "virtualservice-web-lanes.yaml\n", "{}", ran.stderr);
        // With the lane that needs them they go.
        let ran = sandbox.sh(&format!("graylane -q cleanup{commit}"));
        let removed = "remove overlays/istio/entry/virtualservice-web-lanes.yaml\n";
        assert!(ran.stdout.contains(removed), "{}{}", ran.stdout, ran.stderr);
    }
}
