//! Every custom resource of the examples' overlays is what its CRD says.

use std::fs;
use std::path::Path;

use crate::crds::Crds;
use crate::sandbox::Sandbox;

#[test]
fn examples_have_valid_custom_resources() {
    let Some(crds) = Crds::load() else { return };
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for example in fs::read_dir(examples).unwrap() {
        let path = example.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let sandbox = Sandbox::new();
        sandbox.copy_from(&path);
        sandbox.commit_all();
        let rendered = sandbox.sh("graylane render -q");
        assert_eq!(rendered.code, 0, "{}: {}", path.display(), rendered.stderr);
        let (wrong, _) = crds.check(&rendered.stdout);
        assert!(wrong.is_empty(), "{}:\n{}", path.display(), wrong.join("\n"));
    }
}

#[test]
fn what_an_api_server_would_drop_or_refuse_is_found() {
    let Some(crds) = Crds::load() else { return };
    let wrong = |spec: &str| {
        let object = format!(
            "apiVersion: rollouts.kruise.io/v1alpha1\nkind: TrafficRouting\nmetadata: {{name: x}}\nspec: {spec}\n"
        );
        crds.check(&object).0.join("\n")
    };
    assert_eq!(wrong("{objectRef: [{service: a}], strategy: {weight: 20}}"), "");
    for (spec, expected) in [
        ("{objectRef: [{service: a}]}", "lacks \"strategy\""),
        ("{objectRef: [{service: a}], strategy: {}, x: 1}", ".x is not known"),
        ("{objectRef: [{service: a}], strategy: {weight: \"20\"}}", "not of type integer"),
        (
            "{objectRef: [{service: a}], strategy: {matches: [{headers: [{name: 'a b', value: c}]}]}}",
            "does not match",
        ),
        (
            "{objectRef: [{service: a}], strategy: {matches: [{headers: [{name: a, value: c, type: Is}]}]}}",
            "not one of",
        ),
        (
            "{objectRef: [{service: a}], strategy: {requestHeaderModifier: {set: [{name: a, value: b}, {name: a, value: c}]}}}",
            "twice",
        ),
    ] {
        let found = wrong(spec);
        assert!(found.contains(expected), "{spec}: {found}");
    }
}

#[test]
fn the_rules_of_choices_hold() {
    let Some(crds) = Crds::load() else { return };
    let wrong = |uri: &str| {
        let object = format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: x}}\nspec:\n  hosts: [a]\n  http: [{{match: [{{uri: {uri}}}], route: [{{destination: {{host: a}}}}]}}]\n"
        );
        crds.check(&object).0.join("\n")
    };
    assert_eq!(wrong("{exact: /a}"), "");
    assert!(wrong("{exact: /a, prefix: /}").contains("oneOf"));
}
