//! What becomes of baselines that nobody tidied up: references, policies, labels, patches.

use graylane::baseline::files::{Files, Memory};
use graylane::baseline::read;
use graylane::diagnostic::Diagnostic;
use graylane::pipeline::{self, Release};
use graylane::yaml::{Document, Source, Value, parse};

/// The spec of one service, `web`, with more lines of it.
fn spec_of(top: &str, service: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: t}}\nspec:\n  tag: gray\n{top}  \
         services:\n  - name: web\n{service}"
    )
}

fn release(manifests: &str, spec: &str) -> Result<Release, Vec<Diagnostic>> {
    let files = Memory([("all.yaml".to_owned(), manifests.as_bytes().to_vec())].into());
    let paths = files.list("", &|_| true).unwrap();
    let spec = pipeline::spec_of("graylane.yaml", spec).map_err(|error| error.0)?;
    let namespace = spec.release.namespace.clone().unwrap_or_default();
    let baseline = read::read(&files, &paths, &namespace).map_err(|error| error.0)?;
    let facts = graylane::lane::Facts::gather(&baseline.into());
    let release = pipeline::release(spec, &facts).map_err(|error| error.0)?;
    release.sound().map_err(|error| error.0)?;
    Ok(release)
}

#[track_caller]
fn lane(manifests: &str, spec: &str) -> Release {
    release(manifests, spec).unwrap_or_else(|errors| panic!("{}", shown(&errors)))
}

#[track_caller]
fn refused(manifests: &str, spec: &str) -> String {
    match release(manifests, spec) {
        Ok(release) => panic!("accepted: {:?}", ids(&release)),
        Err(errors) => shown(&errors),
    }
}

fn shown(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(Diagnostic::to_string).collect()
}

fn ids(release: &Release) -> Vec<String> {
    release
        .lane
        .objects
        .iter()
        .map(|object| format!("{}/{}", object.id.kind, object.id.name))
        .collect()
}

#[track_caller]
fn object(release: &Release, id: &str) -> &'static Document {
    let is_it = |object: &&graylane::lane::GrayObject| {
        format!("{}/{}", object.id.kind, object.id.name) == id
    };
    match release.lane.objects.iter().find(is_it) {
        // Lives as long as the test, as the release does.
        Some(object) => Box::leak(Box::new(object.document().unwrap())),
        None => panic!("no {id} in {:?}", ids(release)),
    }
}

#[track_caller]
fn at(document: &Document, pointer: &str) -> String {
    let path = graylane::yaml::Path::from_json_pointer(pointer).unwrap();
    match document.find(&path) {
        Some(node) => node.to_json().to_string(),
        None => "nothing".to_owned(),
    }
}

/// A Deployment; `pod` is put into its pod spec, `labels` are those of its pods.
fn deployment(name: &str, labels: &str, pod: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  selector:\n    \
         matchLabels: {labels}\n  template:\n    metadata:\n      labels: {labels}\n    spec:\n{pod}      \
         containers:\n      - name: app\n        image: app:1\n"
    )
}

fn web() -> String {
    deployment("web", "{app: web}", "")
}

const SERVICE: &str = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n";

fn other(text: &str) -> String {
    format!("---\n{text}\n")
}

#[test]
fn references_in_pods_lead_to_copies_and_to_nothing_else() {
    // One field a row: what names a copied object, and the same name as another kind.
    let rows = [
        ("ConfigMap", "volumes: [{name: v, configMap: {name: X}}]"),
        ("ConfigMap", "volumes: [{name: v, projected: {sources: [{configMap: {name: X}}]}}]"),
        ("ConfigMap", "initContainers: [{name: i, envFrom: [{configMapRef: {name: X}}]}]"),
        (
            "ConfigMap",
            "ephemeralContainers: [{name: e, env: [{name: E, valueFrom: {configMapKeyRef: {name: X, key: k}}}]}]",
        ),
        ("Secret", "volumes: [{name: v, secret: {secretName: X}}]"),
        ("Secret", "volumes: [{name: v, projected: {sources: [{secret: {name: X}}]}}]"),
        ("Secret", "volumes: [{name: v, csi: {driver: d, nodePublishSecretRef: {name: X}}}]"),
        ("Secret", "volumes: [{name: v, azureFile: {secretName: X, shareName: s}}]"),
        ("Secret", "volumes: [{name: v, flexVolume: {driver: d, secretRef: {name: X}}}]"),
        ("Secret", "imagePullSecrets: [{name: X}]"),
        (
            "Secret",
            "initContainers: [{name: i, env: [{name: E, valueFrom: {secretKeyRef: {name: X, key: k}}}]}]",
        ),
        ("ServiceAccount", "serviceAccountName: X"),
        ("ServiceAccount", "serviceAccount: X"),
        ("PersistentVolumeClaim", "volumes: [{name: v, persistentVolumeClaim: {claimName: X}}]"),
    ];
    let all = ["ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim"];
    for (kind, field) in rows {
        let pod = format!("      {}\n", field.replace('X', "shared"));
        let copied = |other: &str| {
            let mut manifests = deployment("web", "{app: web}", &pod);
            for kind in all {
                manifests.push_str(&other_object(kind, "shared"));
            }
            let policy = "    policies: {PersistentVolumeClaim: share}\n";
            let release =
                lane(&manifests, &spec_of("", &format!("    copy: [{other}/shared]\n{policy}")));
            at(object(&release, "Deployment/web-mse-gray"), "/spec/template/spec")
        };
        for copy in all {
            let text = copied(copy);
            assert_eq!(
                text.contains("\"shared-mse-gray\""),
                copy == kind,
                "{field} {copy}: {text}"
            );
            assert_eq!(text.contains("\"shared\""), copy != kind, "{field} {copy}: {text}");
        }
    }
}

fn other_object(kind: &str, name: &str) -> String {
    other(&format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}"))
}

#[test]
fn names_that_begin_alike_are_not_confused() {
    let pod = "      volumes: [{name: a, configMap: {name: conf}}, {name: b, configMap: {name: conf-extra}}]\n";
    let manifests = deployment("web", "{app: web}", pod)
        + &other_object("ConfigMap", "conf")
        + &other_object("ConfigMap", "conf-extra");
    let release = lane(&manifests, &spec_of("", "    copy: [ConfigMap/conf]\n"));
    let gray = object(&release, "Deployment/web-mse-gray");
    assert_eq!(at(gray, "/spec/template/spec/volumes/0/configMap/name"), "\"conf-mse-gray\"");
    assert_eq!(at(gray, "/spec/template/spec/volumes/1/configMap/name"), "\"conf-extra\"");
}

#[test]
fn a_copy_of_one_service_is_used_by_all_of_the_lane() {
    let pod = "      volumes: [{name: a, configMap: {name: conf}}]\n";
    let manifests = deployment("web", "{app: web}", pod)
        + &deployment("api", "{app: api}", pod)
        + &other_object("ConfigMap", "conf");
    let spec = spec_of("", "    copy: [ConfigMap/conf]\n  - {name: api, copy: [ConfigMap/conf]}\n");
    let release = lane(&manifests, &spec);
    assert_eq!(
        ids(&release),
        ["ConfigMap/conf-mse-gray", "Deployment/api-mse-gray", "Deployment/web-mse-gray"]
    );
    let gray = object(&release, "Deployment/api-mse-gray");
    assert_eq!(at(gray, "/spec/template/spec/volumes/0/configMap/name"), "\"conf-mse-gray\"");
}

#[test]
fn subjects_and_targets_are_read_with_their_kind() {
    let binding = other(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b}\nsubjects:\n\
         - {kind: User, name: sa, apiGroup: rbac.authorization.k8s.io}\n- {kind: ServiceAccount, name: sa}\n\
         - {kind: ServiceAccount, name: sa, namespace: other}\nroleRef: {kind: Role, name: sa, apiGroup: rbac.authorization.k8s.io}",
    );
    let manifests = web() + &binding + &other_object("ServiceAccount", "sa");
    let spec = spec_of("", "    copy: [ServiceAccount/sa, RoleBinding/b]\n");
    let release = lane(&manifests, &spec);
    let gray = object(&release, "RoleBinding/b-mse-gray");
    assert_eq!(at(gray, "/subjects/0/name"), "\"sa\"");
    assert_eq!(at(gray, "/subjects/1/name"), "\"sa-mse-gray\"");
    assert_eq!(at(gray, "/subjects/2/name"), "\"sa\"");
    assert_eq!(at(gray, "/roleRef/name"), "\"sa\"");
}

fn autoscaler(name: &str, target: &str) -> String {
    other(&format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {name}}}\nspec:\n  \
         scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {target}}}\n  maxReplicas: 3\n  metrics:\n  \
         - {{type: Object, object: {{describedObject: {{apiVersion: v1, kind: Service, name: web}}}}}}"
    ))
}

#[test]
fn what_the_spec_names_is_not_told_of_as_left_out() {
    let scaler = other(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {minReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}",
    );
    let policy = other(
        "apiVersion: example.com/v1\nkind: LimitPolicy\nmetadata: {name: limits}\nspec: {targetRef: {group: '', kind: Service, name: web}}",
    );
    let manifests = web() + SERVICE + &scaler + &policy;
    let told = |service: &str| {
        let notes = shown(&lane(&manifests, &spec_of("", service)).lane.notes);
        (
            notes.contains("HorizontalPodAutoscaler/web of `web` is not copied"),
            notes.contains("LimitPolicy/limits of `web` is not copied"),
        )
    };
    assert_eq!(told(""), (true, true));
    assert_eq!(told("    copy: [LimitPolicy/limits]\n"), (true, false));
    assert_eq!(
        told("    copy: [LimitPolicy/limits, HorizontalPodAutoscaler/web]\n"),
        (false, false)
    );
}

#[test]
fn an_autoscaler_follows_its_own_workload_only() {
    let manifests = web()
        + SERVICE
        + &deployment("api", "{app: api}", "")
        + &autoscaler("web", "web")
        + &autoscaler("api", "api");
    let release = lane(&manifests, &spec_of("", "    policies: {HorizontalPodAutoscaler: copy}\n"));
    let gray = object(&release, "HorizontalPodAutoscaler/web-mse-gray");
    assert_eq!(at(gray, "/spec/scaleTargetRef/name"), "\"web-mse-gray\"");
    assert_eq!(at(gray, "/spec/metrics/0/object/describedObject/name"), "\"web-mse-gray\"");
    assert!(!ids(&release).contains(&"HorizontalPodAutoscaler/api-mse-gray".to_owned()));
    // Both would write them, and the last to do so would win until the other's turn.
    assert_eq!(at(object(&release, "Deployment/web-mse-gray"), "/spec/replicas"), "nothing");
    let notes = shown(&release.lane.notes);
    assert!(notes.contains("the copy of HorizontalPodAutoscaler/web sets them"), "{notes}");
    let without = lane(&manifests, &spec_of("", ""));
    assert_eq!(at(object(&without, "Deployment/web-mse-gray"), "/spec/replicas"), "1");
    let told = refused(&manifests, &spec_of("", "    copy: [HorizontalPodAutoscaler/api]\n"));
    assert!(told.contains("would drive Deployment/api, which has no gray copy"), "{told}");
}

#[test]
fn a_policy_is_copied_for_what_is_copied() {
    let policy = |targets: &str| {
        other(&format!(
            "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: BackendTrafficPolicy\nmetadata: {{name: limits}}\nspec: {{{targets}}}"
        ))
    };
    let copy = spec_of("", "    copy: [BackendTrafficPolicy/limits]\n");
    let of_web = "{group: '', kind: Service, name: web}";
    let of_api = "{group: '', kind: Service, name: api}";
    let both = policy(&format!("targetRefs: [{of_api}, {of_web}]"));
    let gray = lane(&(web() + SERVICE + &both), &copy);
    let gray = object(&gray, "BackendTrafficPolicy/limits-mse-gray");
    assert_eq!(at(gray, "/spec/targetRefs/0/name"), "\"web-mse-gray\"");
    assert_eq!(at(gray, "/spec/targetRefs/1"), "nothing");
    for targets in [format!("targetRefs: [{of_api}]"), format!("targetRef: {of_api}")] {
        let told = refused(&(web() + SERVICE + &policy(&targets)), &copy);
        assert!(
            told.contains("would be a second policy of Service/api, which has no gray copy"),
            "{told}"
        );
    }
}

#[test]
fn a_policy_is_copied_for_what_the_gray_route_is() {
    const MATCH: &str = "match: {headers: [{name: x-gray, exact: '1'}]}";
    let spec = |class: &str, route: &str, line: &str| {
        let entry = format!("    entry: {{{route}{MATCH}}}\n    {line}\n");
        spec_of(&format!("  gateway: {{class: {class}}}\n"), &entry)
    };
    let guard = other(
        "apiVersion: apisix.apache.org/v1alpha1\nkind: HTTPRoutePolicy\nmetadata: {name: guard}\nspec: {targetRefs: [{group: networking.k8s.io, kind: Ingress, name: i}]}",
    );
    let rule = RULE.replace("http:", "host: a.example.com, http:");
    let route = ingress("", &format!("ingressClassName: apisix, {rule}"));
    let manifests = web() + SERVICE + &route + &guard;
    let told = refused(&manifests, &spec("apisix", "", "copy: [HTTPRoutePolicy/guard]"));
    assert!(told.contains("cannot be for ApisixRoute/i-mse-gray"), "{told}");
    let told = refused(&manifests, &spec("apisix", "", "policies: {HTTPRoutePolicy: copy}"));
    assert!(told.contains("policy-not-copied") && !told.contains("copy: ["), "{told}");

    let guard = other(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata: {name: guard}\nspec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: admin}]}",
    );
    let route = other(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: shop}\nspec: {parentRefs: [{name: gw}], hostnames: [a.example.com], rules: [{name: admin, matches: [{path: {value: /admin}}], backendRefs: [{name: admin, port: 80}]}, {name: web, backendRefs: [{name: web, port: 80}]}]}",
    );
    let manifests = web() + SERVICE + &route + &guard;
    let spec = |line: &str| spec("gateway-api", "route: HTTPRoute/shop, ", line);
    let told = refused(&manifests, &spec("copy: [SecurityPolicy/guard]"));
    assert!(
        told.contains("would be for the rule `admin`, which HTTPRoute/shop-mse-gray does not have"),
        "{told}"
    );
    let release = lane(&manifests, &spec("policies: {SecurityPolicy: copy}"));
    assert!(!ids(&release).contains(&"SecurityPolicy/guard-mse-gray".to_owned()));
    let notes = shown(&release.lane.notes);
    assert!(
        notes.contains("is not copied: it is for the rule `admin` of HTTPRoute/shop, which"),
        "{notes}"
    );
}

#[test]
fn what_controllers_make_for_a_copy_has_its_own_name() {
    let pod = "      volumes: [{name: a, secret: {secretName: tls}}, {name: b, secret: {secretName: db}}]\n";
    let manifests = deployment("web", "{app: web}", pod)
        + &other(
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: cert}\nspec: {secretName: tls, issuerRef: {name: ca}}",
        )
        + &other(
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db}\nspec: {secretStoreRef: {name: s}}",
        );
    let release =
        lane(&manifests, &spec_of("", "    copy: [Certificate/cert, ExternalSecret/db]\n"));
    assert_eq!(
        at(object(&release, "Certificate/cert-mse-gray"), "/spec/secretName"),
        "\"tls-mse-gray\""
    );
    let gray = object(&release, "Deployment/web-mse-gray");
    assert_eq!(at(gray, "/spec/template/spec/volumes/0/secret/secretName"), "\"tls-mse-gray\"");
    assert_eq!(at(gray, "/spec/template/spec/volumes/1/secret/secretName"), "\"db-mse-gray\"");
}

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

#[test]
fn hooks_and_owned_objects_stay_out() {
    for metadata in [
        "annotations: {helm.sh/hook: test}",
        "annotations: {argocd.argoproj.io/hook: PreSync}",
        "ownerReferences: [{kind: Shop, name: s, apiVersion: example.com/v1, uid: u}]",
    ] {
        let service = SERVICE.replace("{name: web}", &format!("{{name: web, {metadata}}}"));
        let release = lane(&(web() + &service), &spec_of("", ""));
        assert_eq!(ids(&release), ["Deployment/web-mse-gray"]);
        let notes = shown(&release.lane.notes);
        assert!(notes.contains("Service/web of `web` is not copied: it "), "{notes}");
        let workload = web().replace("  name: web\n", &format!("  name: web\n  {metadata}\n"));
        let told = refused(&workload, &spec_of("", ""));
        assert!(told.contains("cannot be the workload of `web`: it "), "{told}");
    }
}

#[test]
fn what_cannot_be_copied_by_name_is_told() {
    let manifests = web()
        + &deployment("api", "{app: api}", "")
        + &other("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {}")
        + &other(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, annotations: {helm.sh/hook: test}}",
        );
    for (name, part) in [
        ("Deployment/api", "workload: Deployment/api"),
        ("Ingress/i", "say `entry`"),
        ("Job/j", "hook of Helm"),
    ] {
        let told = refused(&manifests, &spec_of("", &format!("    copy: [{name}]\n")));
        assert!(told.contains("cannot be copied by name") && told.contains(part), "{told}");
    }
}

#[test]
fn budgets_are_copied_where_they_let_a_pod_go() {
    let budget = |field: &str| {
        other(&format!(
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: web}}\nspec: {{{field}, selector: {{matchLabels: {{app: web}}}}}}"
        ))
    };
    for (field, replicas, is_copied) in [
        ("maxUnavailable: 1", 2, true),
        ("maxUnavailable: 1", 1, false),
        ("maxUnavailable: 0", 2, false),
        ("minAvailable: 1", 2, true),
        ("minAvailable: 2", 2, false),
        ("minAvailable: 51%", 2, false),
        ("minAvailable: 50%", 2, true),
    ] {
        let release =
            lane(&(web() + &budget(field)), &spec_of("", &format!("    replicas: {replicas}\n")));
        let has = ids(&release).contains(&"PodDisruptionBudget/web-mse-gray".to_owned());
        assert_eq!(has, is_copied, "{field} {replicas}");
    }
    let scaled = |least: &str| {
        other(&format!(
            "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{name: web}}\nspec: {{{least}scaleTargetRef: {{name: web}}, triggers: []}}"
        ))
    };
    let policies = spec_of("", "    policies: {ScaledObject: copy}\n");
    for (least, is_copied) in [("minReplicaCount: 3, ", true), ("", false)] {
        let release = lane(&(web() + &scaled(least) + &budget("minAvailable: 2")), &policies);
        let has = ids(&release).contains(&"PodDisruptionBudget/web-mse-gray".to_owned());
        assert_eq!(has, is_copied, "{least}");
    }
}

#[test]
fn volumes_and_ports_of_the_baseline_are_not_taken() {
    let claim = "      volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]\n";
    let manifests = deployment("web", "{app: web}", claim);
    let told = refused(&manifests, &spec_of("", ""));
    assert!(told.contains("mount PersistentVolumeClaim/data: a ReadWriteOnce volume"), "{told}");
    assert!(told.contains("`policies: {PersistentVolumeClaim/data: share}`"), "{told}");
    lane(&manifests, &spec_of("", "    policies: {PersistentVolumeClaim/data: share}\n"));
    let patch = "    patches:\n    - target: Deployment/web\n      merge: {spec: {template: {spec: {volumes: [{name: v, persistentVolumeClaim: null, emptyDir: {}}]}}}}\n";
    lane(&manifests, &spec_of("", patch));
    let read_only = manifests.replace("claimName: data", "claimName: data, readOnly: true")
        + &other(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteMany]}",
        );
    lane(&read_only, &spec_of("", ""));

    let port = web().replace(
        "        image: app:1\n",
        "        image: app:1\n        ports: [{containerPort: 80, hostPort: 8080}]\n",
    );
    let told = refused(&port, &spec_of("", ""));
    assert!(told.contains("takes the port 8080 of its node"), "{told}");
    let patch = "    patches:\n    - target: Deployment/web\n      merge: {spec: {template: {spec: {containers: [{name: app, ports: [{containerPort: 80, hostPort: null}]}]}}}}\n";
    lane(&port, &spec_of("", patch));
}

#[test]
fn dangers_in_pods_are_told() {
    let pod = "      hostNetwork: true\n      initContainers: [{name: db-migrate, image: m:1}]\n      volumes: [{name: logs, hostPath: {path: /var/log}}]\n";
    let manifests = deployment("web", "{app: web}", pod).replace(
        "        image: app:1\n",
        "        image: app:1\n        args: [--leader-elect=true]\n        volumeMounts: [{name: logs, mountPath: /l}]\n",
    );
    let found = shown(&lane(&manifests, &spec_of("", "")).findings);
    for part in [
        "looks like a migration",
        "leader election",
        "network of their node",
        "write to `/var/log`",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn replicas_stand_where_a_reader_looks_for_them() {
    let release = lane(&web(), &spec_of("", ""));
    let text = object(&release, "Deployment/web-mse-gray").to_text();
    assert!(text.contains("\nspec:\n  replicas: 1\n  selector:"), "{text}");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec: {containers: [{name: app, image: a:1}]}\n";
    let release = lane(&(pod.to_owned() + SERVICE), &spec_of("", "    workload: Pod/web\n"));
    assert_eq!(at(object(&release, "Pod/web-mse-gray"), "/spec/replicas"), "nothing");
}

#[test]
fn objects_of_the_cluster_get_no_namespace() {
    let role = other(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules: []",
    );
    let release =
        lane(&(web() + &role), &spec_of("  namespace: prod\n", "    copy: [ClusterRole/r]\n"));
    assert_eq!(at(object(&release, "ClusterRole/r-mse-gray"), "/metadata/namespace"), "nothing");
    assert_eq!(at(object(&release, "Deployment/web-mse-gray"), "/metadata/namespace"), "\"prod\"");
}

#[test]
fn patches_leave_what_tells_lanes_apart() {
    let rows = [
        (
            "merge: {spec: {template: {metadata: {labels: {app: other}}}}}",
            "template.metadata.labels.app",
        ),
        ("merge: {spec: {template: {metadata: {labels: null}}}}", "template.metadata.labels.app"),
        ("merge: {spec: {template: {metadata: null}}}", "template.metadata.labels.app"),
        (
            "merge: {spec: {template: {metadata: {labels: {$patch: replace, a: b}}}}}",
            "template.metadata.labels.app",
        ),
        ("merge: {spec: {template: null}}", "takes `spec.template.spec` away"),
        (
            "merge: {spec: {template: {$patch: replace, spec: {containers: [{name: app, image: a}]}}}}",
            "labels.app",
        ),
        ("merge: {spec: {selector: {matchLabels: {app: other}}}}", "spec.selector"),
        ("merge: {spec: {$patch: replace, replicas: 2}}", "takes `spec.template.spec` away"),
        ("merge: {spec: {selector: null}}", "spec.selector"),
        ("merge: {metadata: {name: other}}", "metadata.name"),
        ("merge: {metadata: {labels: {zadigx-release-version: x}}}", "zadigx-release-version"),
        (
            "merge: {spec: {template: {metadata: {labels: {alicloud.service.tag: x}}}}}",
            "alicloud.service.tag",
        ),
        ("json: [{op: remove, path: /spec/template/metadata}]", "labels.app"),
        ("json: [{op: remove, path: /spec/template}]", "takes `spec.template.spec` away"),
        (
            "json: [{op: replace, path: /spec/template, value: {}}]",
            "takes `spec.template.spec` away",
        ),
        ("json: [{op: remove, path: /metadata/name}]", "metadata.name"),
        ("json: [{op: replace, path: /kind, value: CloneSet}]", "kind"),
    ];
    for (patch, part) in rows {
        let spec =
            spec_of("", &format!("    patches:\n    - target: Deployment/web\n      {patch}\n"));
        let told = refused(&web(), &spec);
        assert!(told.contains("patch") && told.contains(part), "{patch}: {told}");
    }
    let harmless = "    patches:\n    - target: Deployment/web\n      merge: {metadata: {labels: {app: other}}, spec: {template: {metadata: {labels: {a: b}}}}}\n";
    let release = lane(&web(), &spec_of("", harmless));
    assert_eq!(
        at(object(&release, "Deployment/web-mse-gray"), "/metadata/labels/app"),
        "\"other\""
    );
}

#[test]
fn patches_take_no_port_or_address_that_is_taken() {
    let service = SERVICE.replace(
        "ports: [{port: 80}]",
        "type: NodePort, ports: [{port: 80, nodePort: 30080}], clusterIP: 10.0.0.1",
    );
    let patch = |merge: &str| {
        spec_of("", &format!("    patches:\n    - target: Service/web\n      merge: {merge}\n"))
    };
    for (merge, part) in [
        (
            "{spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}}",
            "nodePort 30080, which Service/web has",
        ),
        ("{spec: {clusterIP: 10.0.0.1}}", "clusterIP 10.0.0.1"),
    ] {
        let told = refused(&(web() + &service), &patch(merge));
        assert!(told.contains(part), "{told}");
    }
    lane(
        &(web() + &service),
        &patch("{spec: {type: NodePort, ports: [{port: 80, nodePort: 30081}]}}"),
    );
    lane(&(web() + &service), &patch("{spec: {clusterIP: None}}"));
}

#[test]
fn wrong_and_misspelled_versions_are_told() {
    let labels = |key: &str, value: &str| format!("{{app: web, {key}: {value}}}");
    let spec = spec_of("  isolation: version-label\n", "");
    for (key, value, part) in [
        (
            "zadigx-release-version",
            "origin",
            "labelled `zadigx-release-version: origin`, not `original`",
        ),
        (
            "zadigx-release-version",
            "origin",
            "asks for `zadigx-release-version: origin`, not for `original`",
        ),
        ("Zadig-release-version", "original", "did you mean `zadigx-release-version: original`?"),
        ("team", "a", "add to `spec.selector`:"),
        ("team", "a", "are not labelled `zadigx-release-version: original`"),
    ] {
        let told = refused(&deployment("web", &labels(key, value), ""), &spec);
        assert!(told.contains(part), "{part}: {told}");
        assert!(told.contains("isolation: relabel"), "{told}");
    }
    lane(&deployment("web", &labels("zadigx-release-version", "original"), ""), &spec);
    // Elsewhere it is a reason to separate in the other way.
    let release =
        lane(&deployment("web", &labels("zadigx-release-version", "origin"), ""), &spec_of("", ""));
    let notes = shown(&release.lane.notes);
    assert!(notes.contains("labelled `zadigx-release-version: origin`, not `original`"), "{notes}");
}

#[test]
fn selectors_that_nothing_can_separate_are_refused() {
    for selector in [
        "{matchExpressions: [{key: app, operator: Exists}]}",
        "{matchExpressions: [{key: other, operator: DoesNotExist}]}",
        "{matchExpressions: [{key: app, operator: NotIn, values: [db]}]}",
        "{}",
    ] {
        let budget = other(&format!(
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: all}}\nspec: {{maxUnavailable: 1, selector: {selector}}}"
        ));
        let told = refused(&(web() + &budget), &spec_of("", ""));
        assert!(told.contains("PodDisruptionBudget/all would match the gray pods"), "{told}");
        assert!(told.contains("{key: zadigx-release-type, operator: DoesNotExist}"), "{told}");
    }
}

#[test]
fn near_and_spread_follow_the_pods_of_their_own_namespace() {
    let pod = "      topologySpreadConstraints: [{topologyKey: z, labelSelector: {matchLabels: {app: web}}}]\n      \
               affinity:\n        podAntiAffinity:\n          requiredDuringSchedulingIgnoredDuringExecution:\n          \
               - {topologyKey: h, labelSelector: {matchLabels: {app: web}}}\n          \
               - {topologyKey: h, labelSelector: {matchLabels: {app: web}}, namespaces: [other]}\n          \
               - {topologyKey: h, labelSelector: {matchLabels: {app: db}}}\n";
    let release = lane(&deployment("web", "{app: web}", pod), &spec_of("  namespace: prod\n", ""));
    let gray = object(&release, "Deployment/web-mse-gray");
    let spread = "/spec/template/spec/topologySpreadConstraints/0/labelSelector/matchLabels";
    assert_eq!(at(gray, spread), "{\"app\":\"web-mse-gray\"}");
    let terms = "/spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    for (index, expected) in ["web-mse-gray", "web", "db"].iter().enumerate() {
        let app = at(gray, &format!("{terms}/{index}/labelSelector/matchLabels"));
        assert_eq!(app, format!("{{\"app\":\"{expected}\"}}"));
    }
}

#[test]
fn a_policy_is_copied_where_it_no_longer_covers_the_gray_pods() {
    let policy = |subject: &str| {
        other(&format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p}}\nspec:\n  podSelector: {subject}\n  \
             ingress: [{{from: [{{podSelector: {{matchLabels: {{app: gateway}}}}}}]}}]"
        ))
    };
    let release = lane(&(web() + &policy("{matchLabels: {app: web}}")), &spec_of("", ""));
    let gray = object(&release, "NetworkPolicy/p-mse-gray");
    assert_eq!(
        at(gray, "/spec/podSelector/matchLabels"),
        "{\"app\":\"web-mse-gray\",\"zadigx-release-version\":\"gray\"}"
    );
    assert_eq!(at(gray, "/spec/ingress/0/from/0/podSelector/matchLabels"), "{\"app\":\"gateway\"}");
    let release = lane(&(web() + &policy("{}")), &spec_of("", ""));
    assert_eq!(ids(&release), ["Deployment/web-mse-gray"]);
}

#[test]
fn a_copied_monitor_finds_the_gray_services() {
    let monitor = other(
        "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: m}\nspec: {selector: {matchLabels: {app: web}}}",
    );
    let service = SERVICE.replace("{name: web}", "{name: web, labels: {app: web}}");
    let release =
        lane(&(web() + &service + &monitor), &spec_of("", "    copy: [ServiceMonitor/m]\n"));
    assert_eq!(
        at(object(&release, "ServiceMonitor/m-mse-gray"), "/spec/selector/matchLabels"),
        "{\"app\":\"web\",\"zadigx-release-version\":\"gray\"}"
    );
    assert_eq!(at(object(&release, "Service/web-mse-gray"), "/metadata/labels/app"), "\"web\"");
}

#[test]
fn services_without_selector_stay_with_the_baseline() {
    let alias = other(
        "apiVersion: v1\nkind: Service\nmetadata: {name: alias}\nspec: {type: ExternalName, externalName: web.prod.svc.cluster.local}",
    );
    let manual = other(
        "apiVersion: v1\nkind: Service\nmetadata: {name: manual}\nspec: {ports: [{port: 1}]}",
    );
    let release = lane(&(web() + SERVICE + &alias + &manual), &spec_of("  namespace: prod\n", ""));
    assert_eq!(ids(&release), ["Deployment/web-mse-gray", "Service/web-mse-gray"]);
}

fn ingress(head: &str, spec: &str) -> String {
    other(&format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: i{head}}}\nspec: {{{spec}}}"
    ))
}

const ENTRY: &str = "    entry: {match: {weight: 5}}\n";
const RULE: &str = "rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]";

#[test]
fn entries_need_an_ingress_that_can_have_a_canary() {
    let class = "ingressClassName: mse, ";
    let only_default = ingress(
        "",
        &format!("{class}defaultBackend: {{service: {{name: web, port: {{number: 80}}}}}}"),
    );
    let told = refused(&(web() + SERVICE + &only_default), &spec_of("", ENTRY));
    assert!(told.contains("by its default backend alone"), "{told}");

    let old = ingress("", &format!("{class}{RULE}"))
        .replace("networking.k8s.io/v1\n", "networking.k8s.io/v2\n");
    let told = refused(&(web() + SERVICE + &old), &spec_of("", ENTRY));
    assert!(told.contains("apiVersion networking.k8s.io/v2"), "{told}");

    let canary = ingress(
        ", annotations: {nginx.ingress.kubernetes.io/canary: \"true\"}",
        &format!("{class}{RULE}"),
    );
    let told = refused(&(web() + SERVICE + &canary), &spec_of("", ENTRY));
    assert!(
        told.contains("no Ingress or HTTPRoute or ApisixRoute leads to a Service of `web`"),
        "{told}"
    );
    let named = "    entry: {ingress: i, match: {weight: 5}}\n";
    let told = refused(&(web() + SERVICE + &canary), &spec_of("", named));
    assert!(told.contains("Ingress/i is a canary of another Ingress"), "{told}");

    let elsewhere = ingress(", namespace: other", &format!("{class}{RULE}"));
    let told = refused(&(web() + SERVICE + &elsewhere), &spec_of("", named));
    assert!(
        told.contains("no path of this Ingress leads to a Service that has a gray copy"),
        "{told}"
    );

    let unknown = ingress("", &format!("ingressClassName: haproxy, {RULE}"));
    let told = refused(&(web() + SERVICE + &unknown), &spec_of("", ENTRY));
    assert!(
        told.contains("the class `haproxy`") && told.contains("gateway: {class: mse}"),
        "{told}"
    );
}

#[test]
fn a_canary_keeps_its_class_in_either_form_and_drops_what_leads_elsewhere() {
    let annotated = ingress(
        ", annotations: {kubernetes.io/ingress.class: mse}",
        "rules: [{host: a.example.com, http: {paths: [{path: /r, pathType: Prefix, backend: {resource: {kind: Bucket, name: web}}}, \
         {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}, {host: b.example.com}]",
    );
    let release = lane(&(web() + SERVICE + &annotated), &spec_of("", ENTRY));
    let gray = object(&release, "Ingress/i-mse-gray");
    assert_eq!(at(gray, "/metadata/annotations/kubernetes.io~1ingress.class"), "\"mse\"");
    assert_eq!(at(gray, "/spec/rules/0/http/paths/0/path"), "\"/\"");
    assert_eq!(at(gray, "/spec/rules/0/http/paths/1"), "nothing");
    assert_eq!(at(gray, "/spec/rules/1"), "nothing");
}

#[test]
fn header_values_come_through_unharmed() {
    for (value, expected) in [
        ("exact: always", "\"always\""),
        ("exact: \"1.5|x*\"", "\"1.5|x*\""),
        ("exact: \"true\"", "\"true\""),
    ] {
        let entry = format!("    entry: {{match: {{headers: [{{name: x-user, {value}}}]}}}}\n");
        let manifests = web() + SERVICE + &ingress("", &format!("ingressClassName: mse, {RULE}"));
        let release = lane(&manifests, &spec_of("", &entry));
        let gray = object(&release, "Ingress/i-mse-gray");
        let text = gray.to_text();
        let again = parse(Source::new("a", text.clone())).unwrap();
        let key = "/metadata/annotations/nginx.ingress.kubernetes.io~1canary-by-header-value";
        assert_eq!(at(&again.documents[0], key), expected, "{text}");
    }
    let manifests = web() + SERVICE + &ingress("", &format!("ingressClassName: mse, {RULE}"));
    for value in ["\"a\\nb\"", "'a\"b'"] {
        let entry =
            format!("    entry: {{match: {{headers: [{{name: x-user, exact: {value}}}]}}}}\n");
        assert!(refused(&manifests, &spec_of("", &entry)).contains("value of a match"));
    }
}

#[test]
fn notes_read_as_sentences() {
    let manifests = web() + SERVICE + &autoscaler("web", "web");
    let notes = shown(&lane(&manifests, &spec_of("", "")).lane.notes);
    assert!(
        notes.contains("HorizontalPodAutoscaler/web of `web` is not copied: its minimum overrides"),
        "{notes}"
    );
    let stateful = web().replace("kind: Deployment", "kind: StatefulSet");
    let told = refused(&stateful, &spec_of("", "    workload: StatefulSet/web\n"));
    assert!(
        told.contains("a StatefulSet is not copied by default: its pods get new, empty volumes"),
        "{told}"
    );
}

#[test]
fn a_copied_cron_job_does_not_run_by_itself() {
    let job = other(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: j}\nspec:\n  schedule: \"* * * * *\"\n  jobTemplate: \
         {spec: {template: {metadata: {labels: {app: j}}, spec: {containers: [{name: a, image: a:1}]}}}}",
    );
    let release = lane(&(web() + &job), &spec_of("", "    copy: [CronJob/j]\n"));
    assert_eq!(at(object(&release, "CronJob/j-mse-gray"), "/spec/suspend"), "true");
}

/// The copy of a Rollout with this strategy, and the notes on its lane.
fn rollout(strategy: &str, more: &str) -> (&'static Document, String) {
    let rollout = web().replacen("apps/v1", "argoproj.io/v1alpha1", 1);
    let rollout = rollout.replacen("kind: Deployment", "kind: Rollout", 1);
    let rollout = rollout.replacen("spec:\n", &format!("spec:\n  strategy: {strategy}\n"), 1);
    let service = format!("    workload: Rollout/web\n    policies: {{Rollout: copy}}\n{more}");
    let release = lane(&(rollout + SERVICE), &spec_of("", &service));
    (object(&release, "Rollout/web-mse-gray"), shown(&release.lane.notes))
}

#[test]
fn a_copied_rollout_delivers_nothing_by_itself() {
    let rows = [
        (
            "{canary: {maxSurge: 1, trafficRouting: {istio: {virtualService: {name: web, routes: [a]}}}, \
             canaryService: web, stableService: web, pingPong: {pingService: web, pongService: web}, \
             steps: [{setWeight: 10}], analysis: {templates: [{templateName: t}]}, \
             canaryMetadata: {labels: {a: b}}, stableMetadata: {labels: {a: b}}, \
             dynamicStableScale: true, scaleDownDelaySeconds: 30, antiAffinity: {a: b}}}",
            "{\"canary\":{\"maxSurge\":1,\"antiAffinity\":{\"a\":\"b\"}}}",
            "without `trafficRouting`, `canaryService`, `stableService`, `pingPong`, `steps`, `analysis`, \
             `canaryMetadata`, `stableMetadata`, `dynamicStableScale`, `scaleDownDelaySeconds` of its canary",
        ),
        (
            "{canary: {steps: [{pause: {}}]}}",
            "{\"canary\":{}}",
            "is updated pod by pod, without `steps` of its canary",
        ),
        (
            "{blueGreen: {activeService: web, previewService: preview}}",
            "{\"canary\":{}}",
            "is updated pod by pod, without its `blueGreen`",
        ),
        (
            "\n    blueGreen:\n      activeService: web",
            "{\"canary\":{}}",
            "is updated pod by pod, without its `blueGreen`",
        ),
        (
            "\n    canary:\n      maxUnavailable: 0\n      steps:\n      - pause: {}\n",
            "{\"canary\":{\"maxUnavailable\":0}}",
            "is updated pod by pod, without `steps` of its canary",
        ),
    ];
    for (strategy, expected, note) in rows {
        let (gray, notes) = rollout(strategy, "");
        assert_eq!(at(gray, "/spec/strategy"), expected, "{strategy}");
        assert!(notes.contains(note), "{notes}");
    }
    let (gray, notes) = rollout("{canary: {maxSurge: 1}}", "");
    assert_eq!(at(gray, "/spec/strategy"), "{\"canary\":{\"maxSurge\":1}}");
    assert!(!notes.contains("pod by pod"), "{notes}");
}

#[test]
fn a_patch_puts_back_what_a_copied_rollout_goes_without() {
    let patch = "    patches:\n    - target: Rollout/web\n      merge: {spec: {strategy: {canary: {steps: [{pause: {}}]}}}}\n";
    let (gray, _) = rollout("{canary: {steps: [{setWeight: 10}]}}", patch);
    assert_eq!(at(gray, "/spec/strategy"), "{\"canary\":{\"steps\":[{\"pause\":{}}]}}");
}

/// A lane of a StatefulSet and of `web`, which have this value in their environment.
fn peers(value: &str, more: &str) -> Release {
    let env =
        format!("containers:\n      - env: [{{name: PEERS, value: \"{value}\"}}]\n        name:");
    let named = |manifest: String| manifest.replacen("containers:\n      - name:", &env, 1);
    let set = named(deployment("mq", "{app: mq}", ""))
        .replacen("kind: Deployment", "kind: StatefulSet", 1)
        .replacen("spec:\n", "spec:\n  serviceName: mq-hl\n", 1);
    let service = |name: &str| {
        SERVICE
            .replacen("name: web", &format!("name: {name}"), 1)
            .replacen("app: web", "app: mq", 1)
    };
    let manifests = named(web()) + SERVICE + &set + &service("mq-hl") + &service("mq-other");
    let services = format!(
        "{more}  - name: mq\n    workload: StatefulSet/mq\n    policies: {{StatefulSet: copy}}\n{more}"
    );
    lane(&manifests, &spec_of("  namespace: prod\n", &services))
}

#[test]
fn pods_of_a_copied_stateful_set_are_named_by_their_gray_names() {
    let rows = [
        ("mq-0.mq-hl", "mq-mse-gray-0.mq-hl-mse-gray"),
        (
            "mq-0.mq-hl.prod.svc.cluster.local:5672,mq-1.mq-hl.prod:5672",
            "mq-mse-gray-0.mq-hl-mse-gray.prod.svc.cluster.local:5672,mq-mse-gray-1.mq-hl-mse-gray.prod:5672",
        ),
        (
            "rabbit@mq-0.mq-hl, http://mq-hl:1",
            "rabbit@mq-mse-gray-0.mq-hl-mse-gray, http://mq-hl-mse-gray:1",
        ),
        ("mq-0.mq-other", "mq-0.mq-other"),
        ("mq-0.mq-hl.dev", "mq-0.mq-hl.dev"),
        ("other-0.mq-hl", "other-0.mq-hl"),
        ("mq-0", "mq-0"),
        ("mq-0=http://mq-0.mq-hl:1", "mq-mse-gray-0=http://mq-mse-gray-0.mq-hl-mse-gray:1"),
    ];
    for (value, expected) in rows {
        let release = peers(value, "    rewriteEnv: true\n");
        for id in ["StatefulSet/mq-mse-gray", "Deployment/web-mse-gray"] {
            let path = "/spec/template/spec/containers/0/env/0/value";
            assert_eq!(at(object(&release, id), path), format!("\"{expected}\""), "{id}");
        }
        assert!(!shown(&release.lane.notes).contains("names pods"), "{value}");
        let release = peers(value, "");
        let notes = shown(&release.lane.notes);
        let told = [
            "warning: the environment variable `PEERS` of container `app` of StatefulSet/mq in prod names pods of its own",
            "note: the environment variable `PEERS` of container `app` of Deployment/web in prod names pods of StatefulSet/mq in prod, which has a gray copy",
        ];
        for told in told {
            assert_eq!(
                notes.contains(told),
                value.contains("mq-0.mq-hl") && value != "mq-0.mq-hl.dev",
                "{value}: {notes}"
            );
        }
    }
}

#[test]
fn a_pod_of_a_copied_stateful_set_knows_its_own_name() {
    let value = "PLAINTEXT://$(POD_NAME).mq-hl.prod.svc.cluster.local:9092,$(POD_NAME).mq-other";
    let path = "/spec/template/spec/containers/0/env/0/value";
    let release = peers(value, "    rewriteEnv: true\n");
    assert_eq!(
        at(object(&release, "StatefulSet/mq-mse-gray"), path),
        format!("\"{}\"", value.replace("mq-hl", "mq-hl-mse-gray"))
    );
    assert_eq!(at(object(&release, "Deployment/web-mse-gray"), path), format!("\"{value}\""));
    let notes = shown(&peers(value, "").lane.notes);
    assert!(
        notes.contains("of StatefulSet/mq in prod names pods of its own: those of the copy would have names that nothing answers to"),
        "{notes}"
    );
}

#[test]
fn names_of_its_own_pods_are_told_of_first() {
    let other = |name: &str, value: &str| {
        let env = format!(
            "containers:\n      - env: [{{name: PEERS, value: \"{value}\"}}]\n        name:"
        );
        let set = deployment(name, &format!("{{app: {name}}}"), "")
            .replacen("kind: Deployment", "kind: StatefulSet", 1)
            .replacen("spec:\n", &format!("spec:\n  serviceName: {name}\n"), 1)
            .replacen("containers:\n      - name:", &env, 1);
        set + &SERVICE.replace("web", name)
    };
    let services = "    workload: StatefulSet/web\n    policies: {StatefulSet: copy}\n  - name: zk\n    workload: StatefulSet/zk\n    policies: {StatefulSet: copy}\n";
    for value in ["zk-0.zk:2181,web-0.web:1", "web-0.web:1,zk-0.zk:2181"] {
        let manifests = other("web", value) + &other("zk", "");
        let notes = shown(&lane(&manifests, &spec_of("", services)).lane.notes);
        assert!(notes.contains("of StatefulSet/web names pods of its own"), "{value}: {notes}");
    }
}

#[test]
fn a_copy_is_reloaded_for_the_configuration_that_it_reads() {
    let annotations = "annotations: {configmap.reloader.stakater.com/reload: \"conf, other\", secret.reloader.stakater.com/reload: conf}";
    let web = web().replacen("  name: web\n", &format!("  name: web\n  {annotations}\n"), 1);
    let manifests = web + &other_object("ConfigMap", "conf") + &other_object("ConfigMap", "other");
    let release = lane(&manifests, &spec_of("", "    copy: [ConfigMap/conf]\n"));
    let gray = object(&release, "Deployment/web-mse-gray");
    let reload = |kind: &str| {
        at(gray, &format!("/metadata/annotations/{kind}.reloader.stakater.com~1reload"))
    };
    assert_eq!(reload("configmap"), "\"conf-mse-gray, other\"");
    assert_eq!(reload("secret"), "\"conf\"");
}

#[test]
fn a_baseline_that_kubernetes_refuses_is_told() {
    let broken = web().replacen("matchLabels: {app: web}", "matchLabels: {app: other}", 1);
    let told = refused(&broken, &spec_of("", ""));
    assert!(
        told.contains("the selector of Deployment/web does not match the labels of its own pods"),
        "{told}"
    );
}

#[test]
fn a_custom_workload_is_treated_as_any_other() {
    let shop = web().replace("apps/v1\nkind: Deployment", "example.com/v1\nkind: Shop");
    let told = refused(&(shop.clone() + SERVICE), &spec_of("", "    workload: Shop/web\n"));
    assert!(told.contains("`policies: {Shop: copy}`"), "{told}");
    let spec = spec_of("", "    workload: Shop/web\n    policies: {Shop: copy}\n");
    let release = lane(&(shop + SERVICE), &spec);
    let gray = object(&release, "Shop/web-mse-gray");
    assert_eq!(at(gray, "/spec/selector/matchLabels/app"), "\"web-mse-gray\"");
    assert_eq!(at(gray, "/spec/selector/matchLabels/alicloud.service.tag"), "\"gray\"");
    // Whether it has replicas is not known.
    assert_eq!(at(gray, "/spec/replicas"), "nothing");
}

#[test]
fn the_last_of_a_variable_that_stands_twice_is_the_one_that_counts() {
    let env = "        env: [{name: A, value: one}, {name: B, value: b}, {name: A, value: two}]\n";
    let release = lane(&(web() + env), &spec_of("", "    env: {A: gray}\n"));
    let env =
        at(object(&release, "Deployment/web-mse-gray"), "/spec/template/spec/containers/0/env");
    assert_eq!(env, "[{\"name\":\"B\",\"value\":\"b\"},{\"name\":\"A\",\"value\":\"gray\"}]");
}

#[test]
fn a_patch_of_replicas_counts() {
    let patch = "    patches:\n    - target: Deployment/web\n      merge: {spec: {replicas: 3}}\n";
    let release = lane(&web(), &spec_of("", patch));
    assert_eq!(at(object(&release, "Deployment/web-mse-gray"), "/spec/replicas"), "3");
}

#[test]
fn labels_of_the_lane_cannot_be_patched_even_where_they_are_not_there_yet() {
    for patch in [
        "merge: {metadata: {labels: {zadigx-release-version: null}}}",
        "merge: {spec: {template: {metadata: {labels: {alicloud.service.tag: base}}}}}",
        "json: [{op: add, path: /spec/template/metadata/labels/zadigx-release-type, value: x}]",
    ] {
        let spec =
            spec_of("", &format!("    patches:\n    - target: Deployment/web\n      {patch}\n"));
        let text = refused(&web(), &spec);
        assert!(text.contains("must not change"), "{text}");
    }
}

#[test]
fn an_entry_needs_its_ingress_and_a_pattern_that_is_one() {
    let ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n  ingressClassName: mse\n  rules:\n  - http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}\n";
    let manifests = web() + SERVICE + ingress;
    let entry = |regex: &str| {
        format!("    entry: {{match: {{headers: [{{name: x-user, regex: \"{regex}\"}}]}}}}\n")
    };
    lane(&manifests, &spec_of("", &entry("^1")));
    let text = refused(&manifests, &spec_of("", &entry("([")));
    assert!(text.contains("by `([`"), "{text}");
    let text =
        refused(&manifests, &spec_of("", &(entry("^1") + "    policies: {Ingress: skip}\n")));
    assert!(text.contains("is the route of an entry"), "{text}");
}
