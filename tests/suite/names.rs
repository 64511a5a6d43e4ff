//! The names of gray objects: legal, or refused with how much too long they are.

use graylane::baseline::files::Memory;
use graylane::pipeline::{BaselineFrom, Baselines, read_spec, release};
use proptest::prelude::*;
use regex::Regex;

/// Longest names by kind. Source: Kubernetes, "Object Names and IDs"; a Service's name is a DNS label.
const LIMITS: [(&str, usize); 3] = [("Service", 63), ("Deployment", 253), ("ConfigMap", 253)];

fn baseline(service: &str, workload: &str, map: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {service}}}\nspec: {{selector: {{app: a}}}}\n---\n\
         apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {workload}}}\nspec:\n  selector: {{matchLabels: {{app: a}}}}\n  \
         template:\n    metadata: {{labels: {{app: a}}}}\n    spec: {{containers: [{{name: c, image: i, envFrom: [{{configMapRef: {{name: {map}}}}}]}}]}}\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {map}}}\n"
    )
}

fn spec(tag: &str, workload: &str, map: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: r}}\nspec:\n  tag: \"{tag}\"\n  services:\n  \
         - {{name: s, workload: Deployment/{workload}, copy: [ConfigMap/{map}]}}\n"
    )
}

/// A DNS label of exactly this many characters that no YAML reader takes for anything else.
fn label(length: usize) -> String {
    format!("a{}z", "b".repeat(length.saturating_sub(2)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gray_names_are_legal_or_refused(service in 2_usize..64, workload in 2_usize..254, map in 2_usize..254, tag in 2_usize..40) {
        let (service, workload, map, tag) = (label(service), label(workload.min(63)), label(map.min(63)), label(tag));
        let files = Memory(
            [
                ("graylane.yaml".to_owned(), spec(&tag, &workload, &map).into_bytes()),
                ("base.yaml".to_owned(), baseline(&service, &workload, &map).into_bytes()),
            ]
            .into(),
        );
        let spec = read_spec(&files, "graylane.yaml").unwrap_or_else(|error| panic!("{error}"));
        let baseline = Baselines::default().of(&files, &spec, &BaselineFrom::Spec, &[]).unwrap();
        let suffix = 5 + tag.len();
        let too_long = [("Service", &service), ("Deployment", &workload), ("ConfigMap", &map)]
            .iter()
            .filter_map(|(kind, name)| {
                let limit = LIMITS.iter().find(|(limited, _)| limited == kind).unwrap().1;
                (name.len() + suffix).checked_sub(limit + 1).map(|over| over + 1)
            })
            .collect::<Vec<_>>();
        match release(spec, &baseline) {
            Ok(release) => {
                prop_assert!(too_long.is_empty() || release.lane.objects.is_empty());
                let legal = Regex::new("^[a-z]([-a-z0-9]*[a-z0-9])?$").unwrap();
                for object in &release.lane.objects {
                    prop_assert!(legal.is_match(&object.id.name), "{}", object.id);
                    let document = object.document().unwrap();
                    let name = document.at(&["metadata", "name"]).unwrap();
                    prop_assert_eq!(name.as_str(), Some(object.id.name.as_str()));
                }
            }
            Err(failure) => {
                let text = failure.to_string();
                for over in &too_long {
                    prop_assert!(text.contains(&format!("cut {over}")), "{}", text);
                }
                // A label value of 63 characters is the other limit: `app: a` never reaches it.
                prop_assert!(!too_long.is_empty(), "{}", text);
            }
        }
    }
}
