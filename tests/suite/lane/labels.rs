//! Labels and selectors of copies.

use super::*;

#[test]
fn two_services_behind_one_service_stay_behind_one() {
    let manifests = deployment("web", "{app: web, part: a}", "")
        + &deployment("api", "{app: web, part: b}", "")
        + SERVICE
        + &other(
            "apiVersion: v1\nkind: Service\nmetadata: {name: api-only}\nspec: {selector: {part: b}}",
        )
        + &other(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec:\n  ingressClassName: mse\n  rules:\n  \
                  - http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}",
        );
    // The entry is the service that the Service was not copied for first.
    let spec = spec_of("", "  - name: api\n    entry: {match: {weight: 5}}\n");
    let release = lane(&manifests, &spec);
    let service = object(&release, "Service/web-mse-gray");
    assert_eq!(
        at(service, "/spec/selector"),
        "{\"app\":\"web-mse-gray\",\"zadigx-release-version\":\"gray\",\"zadigx-release-type\":\"mse-gray\"}"
    );
    for name in ["web", "api"] {
        let gray = object(&release, &format!("Deployment/{name}-mse-gray"));
        assert_eq!(at(gray, "/spec/template/metadata/labels/app"), "\"web-mse-gray\"");
    }
    let backend = "/spec/rules/0/http/paths/0/backend/service/name";
    assert_eq!(at(object(&release, "Ingress/i-mse-gray"), backend), "\"web-mse-gray\"");
}

#[test]
fn labels_of_the_lane_that_the_baseline_uses_itself_are_replaced() {
    let labels = "{app: web, alicloud.service.tag: base}";
    let manifests = deployment("web", labels, "")
        + &other(&format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{selector: {labels}}}"
        ));
    let release = lane(&manifests, &spec_of("", ""));
    let selector = at(object(&release, "Service/web-mse-gray"), "/spec/selector");
    assert!(selector.contains("\"alicloud.service.tag\":\"gray\""), "{selector}");
    let none = deployment("web", "{app: web}", "").replace(
        "matchLabels: {app: web}",
        "matchExpressions: [{key: alicloud.service.tag, operator: DoesNotExist}, {key: app, operator: In, values: [web, api]}]",
    );
    let release = lane(&none, &spec_of("", ""));
    assert_eq!(
        at(object(&release, "Deployment/web-mse-gray"), "/spec/selector/matchExpressions"),
        "[{\"key\":\"alicloud.service.tag\",\"operator\":\"In\",\"values\":[\"gray\"]},{\"key\":\"app\",\"operator\":\"In\",\"values\":[\"web\",\"api\"]}]"
    );
}

#[test]
fn a_key_whose_value_would_grow_too_long_gives_way_to_another() {
    let labels = format!("{{app: {}, name: short}}", "a".repeat(60));
    let release = lane(&deployment("web", &labels, ""), &spec_of("", ""));
    let gray = at(object(&release, "Deployment/web-mse-gray"), "/spec/template/metadata/labels");
    assert!(
        gray.contains("\"name\":\"short-mse-gray\"") && !gray.contains("aaa-mse-gray"),
        "{gray}"
    );
    let alone = format!("{{app: {}}}", "a".repeat(60));
    let told = refused(&deployment("web", &alone, ""), &spec_of("", ""));
    assert!(told.contains("6 characters") && told.contains("shorter tag"), "{told}");
}

#[test]
fn registry_names_are_never_what_separates() {
    let labels = "{msePilotCreateAppName: shop}";
    let manifests = deployment("web", labels, "");
    let told = refused(&manifests, &spec_of("", ""));
    assert!(told.contains("Deployment/web would match the gray pods"), "{told}");
}

#[test]
fn the_registered_name_is_the_baselines() {
    let key = "msePilotCreateAppName";
    let name = |labels: &str, annotations: &str| {
        let manifests = deployment("web", "{app: web}", "").replace(
            "      labels: {app: web}\n",
            &format!("      labels: {labels}\n      annotations: {annotations}\n"),
        );
        let release = lane(&manifests, &spec_of("", ""));
        let gray = object(&release, "Deployment/web-mse-gray");
        (
            at(gray, &format!("/spec/template/metadata/labels/{key}")),
            at(gray, "/spec/template/metadata/annotations"),
        )
    };
    assert_eq!(name("{app: web}", "{}").0, "\"web\"");
    assert_eq!(name(&format!("{{app: web, {key}: shop}}"), "{}").0, "\"shop\"");
    let annotated = name("{app: web}", &format!("{{{key}: \"1\", alicloud.service.tag: base}}"));
    assert_eq!(annotated.0, "nothing");
    assert!(annotated.1.contains("\"msePilotCreateAppName\":\"1\""), "{}", annotated.1);
    assert!(annotated.1.contains("\"alicloud.service.tag\":\"gray\""), "{}", annotated.1);
    // Of both the label counts, and the annotation does not contradict it.
    let mixed = name(&format!("{{app: web, {key}: shop}}"), &format!("{{{key}: other}}"));
    assert_eq!(mixed.0, "\"shop\"");
    assert_eq!(mixed.1, format!("{{\"{key}\":\"shop\"}}"));
}

#[test]
fn marks_in_annotations_are_no_labels_and_stay_the_lanes() {
    let annotated = |patch: &str| {
        let manifests = deployment("web", "{app: web}", "").replace(
            "      labels: {app: web}\n",
            "      labels: {app: web}\n      annotations: {msePilotAutoEnable: 'on'}\n",
        );
        (manifests, spec_of("", patch))
    };
    let (manifests, spec) = annotated("");
    let release = lane(&manifests, &spec);
    let gray = object(&release, "Deployment/web-mse-gray");
    for holder in ["/spec/selector/matchLabels", "/spec/template/metadata/labels"] {
        let labels = at(gray, holder);
        assert!(!labels.contains("alicloud.service.tag"), "{holder}: {labels}");
        assert!(labels.contains("\"zadigx-release-version\":\"gray\""), "{holder}: {labels}");
    }
    let annotations = at(gray, "/spec/template/metadata/annotations");
    assert_eq!(
        annotations,
        r#"{"msePilotAutoEnable":"on","alicloud.service.tag":"gray","msePilotCreateAppName":"web"}"#
    );
    let patch = "    patches: [{target: Deployment/web, merge: {spec: {template: {metadata: {annotations: {msePilotCreateAppName: x}}}}}}]\n";
    let (manifests, spec) = annotated(patch);
    let told = refused(&manifests, &spec);
    assert!(told.contains("must not change"), "{told}");
}

#[test]
fn the_canary_label_is_on_gray_pods_alone() {
    let spec = spec_of("  governance: {canaryLabel: true}\n", "");
    let release = lane(&(web() + SERVICE), &spec);
    let gray = object(&release, "Deployment/web-mse-gray");
    let key = "opensergo.io~1canary-gray";
    assert_eq!(at(gray, &format!("/spec/template/metadata/labels/{key}")), "\"gray\"");
    assert_eq!(at(gray, &format!("/spec/selector/matchLabels/{key}")), "nothing");
}

#[test]
fn tags_that_look_like_numbers_stay_strings() {
    let spec = spec_of("", "").replace("tag: gray", "tag: \"123\"");
    let release = lane(&(web() + SERVICE), &spec);
    for object in &release.lane.objects {
        let document = object.document().unwrap();
        let label = document.at(&["metadata", "labels", "zadigx-release-version"]).unwrap();
        assert_eq!(label.as_str(), Some("123"), "{}", object.text);
    }
}

#[test]
fn shared_and_merged_labels_are_told_apart() {
    let manifests = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: &labels {app: web}
spec:
  selector:
    matchLabels: *labels
  template:
    metadata:
      labels:
        <<: *labels
        tier: back
    spec:
      containers: [{name: app, image: app:1}]
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: &s {app: web}}
spec:
  selector: *s
";
    let release = lane(manifests, &spec_of("", ""));
    let gray = object(&release, "Deployment/web-mse-gray");
    assert_eq!(at(gray, "/metadata/labels/app"), "\"web\"");
    assert_eq!(at(gray, "/spec/selector/matchLabels/app"), "\"web-mse-gray\"");
    assert_eq!(at(gray, "/spec/template/metadata/labels/app"), "\"web-mse-gray\"");
    assert_eq!(at(gray, "/spec/template/metadata/labels/tier"), "\"back\"");
    let text = gray.to_text();
    let again = parse(Source::new("a", text.clone())).unwrap();
    assert_eq!(Value::from(again.documents[0].root()), Value::from(gray.root()), "{text}");
    let service = object(&release, "Service/web-mse-gray");
    assert_eq!(at(service, "/metadata/labels/app"), "\"web\"");
    assert_eq!(at(service, "/spec/selector/app"), "\"web-mse-gray\"");
}
