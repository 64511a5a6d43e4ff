//! What becomes of objects of Dapr, Istio, Knative, Linkerd and OpenKruise, and of what holds a
//! workload back.

use super::*;

/// A workload of one container `app`; `metadata` is that of its pods, `spec` one more line of its own.
fn workload(head: &str, metadata: &str, spec: &str) -> String {
    other(&format!(
        "{head}\nmetadata: {{name: web}}\nspec:\n  {spec}\n  selector: {{matchLabels: {{app: web}}}}\n  \
         template:\n    metadata: {{{metadata}}}\n    spec: {{containers: [{{name: app, image: 'app:1'}}]}}"
    ))
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment";
const CLONE_SET: &str = "apiVersion: apps.kruise.io/v1alpha1\nkind: CloneSet";

#[test]
fn gray_pods_are_an_application_of_their_own_to_dapr() {
    let dapr = |annotations: &str| {
        let metadata = format!("labels: {{app: web}}, annotations: {{{annotations}}}");
        workload(DEPLOYMENT, &metadata, "replicas: 1")
    };
    let id = |release: &Release| {
        let gray = object(release, "Deployment/web-mse-gray");
        at(gray, "/spec/template/metadata/annotations/dapr.io~1app-id")
    };
    let enabled = dapr("dapr.io/enabled: 'true', dapr.io/app-id: shop-web");
    let scoped = |kind: &str, rest: &str| {
        other(&format!("apiVersion: dapr.io/v1alpha1\nkind: {kind}\nmetadata: {{name: c}}\n{rest}"))
    };
    let manifests = format!(
        "{enabled}{}{}{}{}",
        scoped("Component", "scopes: [other, shop-web]"),
        scoped("Resiliency", "scopes: [shop-web, shop-web-mse-gray]"),
        scoped("Subscription", "scopes: [other]"),
        scoped("Configuration", "spec: {accessControl: {policies: [{appId: shop-web}]}}")
    );
    let release = lane(&manifests, &spec_of("", ""));
    assert_eq!(id(&release), "\"shop-web-mse-gray\"");
    let notes = shown(&release.lane.notes);
    assert!(
        notes.contains("the Dapr application `shop-web-mse-gray`: calls to `shop-web` go"),
        "{notes}"
    );
    for (kind, is_told) in [
        ("Component", true),
        ("Configuration", true),
        ("Resiliency", false),
        ("Subscription", false),
    ] {
        let told = format!("{kind}/c is for the Dapr application `shop-web`, and not");
        assert_eq!(notes.contains(&told), is_told, "{kind} {notes}");
    }
    let off = lane(&dapr("dapr.io/app-id: shop-web"), &spec_of("", ""));
    assert_eq!(id(&off), "\"shop-web\"");
    let patch = "    patches: [{target: Deployment/web, merge: {spec: {template: {metadata: {annotations: {dapr.io/app-id: own}}}}}}]\n";
    let own = lane(&manifests, &spec_of("", patch));
    assert_eq!(id(&own), "\"own\"");
    let notes = shown(&own.lane.notes);
    for kind in ["Component", "Configuration", "Resiliency"] {
        let told = format!(
            "{kind}/c is for the Dapr application `shop-web`, and not for the gray pods, which are `own`"
        );
        assert!(notes.contains(&told), "{kind} {notes}");
    }
    // The baseline's own is a choice too, if a patch names it.
    let same = lane(&manifests, &spec_of("", &patch.replace("app-id: own", "app-id: shop-web")));
    assert_eq!(id(&same), "\"shop-web\"");
    let json = "    patches: [{target: Deployment/web, json: [{op: replace, path: /spec/template/metadata/annotations/dapr.io~1app-id, value: shop-web}]}]\n";
    assert_eq!(id(&lane(&manifests, &spec_of("", json))), "\"shop-web\"");
    let long = enabled.replace("shop-web", &"a".repeat(50));
    let told = refused(&long, &spec_of("", ""));
    assert!(told.contains("-mse-gray-dapr`: ") && told.contains("cut 1 character"), "{told}");
}

#[test]
fn access_is_given_to_applications_of_the_namespace_that_a_policy_of_dapr_names() {
    let metadata =
        "labels: {app: web}, annotations: {dapr.io/enabled: 'true', dapr.io/app-id: web}";
    let web = workload(DEPLOYMENT, metadata, "replicas: 1");
    let configuration = |name: &str, namespace: &str, policies: &str| {
        other(&format!(
            "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{accessControl: {{policies: [{policies}]}}}}"
        ))
    };
    let manifests = [
        web,
        configuration("elsewhere", "shop", "{appId: web, namespace: partner}"),
        configuration("api", "back", "{appId: web, namespace: shop}"),
        configuration(
            "both",
            "back",
            "{appId: web, namespace: shop}, {appId: web-mse-gray, namespace: shop}",
        ),
        configuration(
            "other",
            "back",
            "{appId: web, namespace: shop}, {appId: web-mse-gray, namespace: partner}",
        ),
    ];
    let manifests = manifests.concat();
    let told = |top: &str| {
        let notes = shown(&lane(&manifests, &spec_of(top, "")).lane.notes);
        ["elsewhere in shop", "api in back", "both in back", "other in back"]
            .map(|name| notes.contains(&format!("Configuration/{name} is for the Dapr")))
    };
    assert_eq!(told("  namespace: shop\n"), [false, true, false, true]);
    // Any could be the one that it goes to.
    assert_eq!(told(""), [true, true, false, false]);
}

#[test]
fn what_holds_a_workload_back_is_left_out() {
    let stateful = "apiVersion: apps/v1\nkind: StatefulSet";
    for (head, kind, spec, path) in [
        (DEPLOYMENT, "Deployment", "paused: true", "/spec/paused"),
        (
            stateful,
            "StatefulSet",
            "updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}",
            "/spec/updateStrategy/rollingUpdate",
        ),
        (CLONE_SET, "CloneSet", "updateStrategy: {partition: 50%}", "/spec/updateStrategy"),
        (
            CLONE_SET,
            "CloneSet",
            "updateStrategy: {paused: true, type: InPlaceOnly}",
            "/spec/updateStrategy/paused",
        ),
        (
            CLONE_SET,
            "CloneSet",
            "scaleStrategy: {podsToDelete: [web-abcde]}",
            "/spec/scaleStrategy",
        ),
    ] {
        let manifests = workload(head, "labels: {app: web}", spec);
        let service = format!("    workload: {kind}/web\n    policies: {{{kind}: copy}}\n");
        let release = lane(&manifests, &spec_of("", &service));
        let gray = object(&release, &format!("{kind}/web-mse-gray"));
        assert_eq!(at(gray, path), "nothing", "{spec}");
        let notes = shown(&release.lane.notes);
        assert!(notes.contains(&format!("the copy of {kind}/web goes without `spec.")), "{notes}");
        let patch = format!(
            "{service}    patches: [{{target: {kind}/web, merge: {{spec: {{{spec}}}}}}}]\n"
        );
        let release = lane(&manifests, &spec_of("", &patch));
        assert_ne!(
            at(object(&release, &format!("{kind}/web-mse-gray")), path),
            "nothing",
            "{spec}"
        );
        let is_idle = release.findings.iter().any(|found| found.code == Some("patch-idle"));
        assert!(!is_idle, "without it the copy has no {path}");
    }
    // Patches see the object as the baseline has it.
    let paused = workload(DEPLOYMENT, "labels: {app: web}", "paused: true");
    for (op, then) in [
        ("{op: replace, path: /spec/paused, value: false}", "false"),
        ("{op: remove, path: /spec/paused}", "nothing"),
        ("{op: test, path: /spec/paused, value: true}", "nothing"),
    ] {
        let patch = format!("    patches: [{{target: Deployment/web, json: [{op}]}}]\n");
        let release = lane(&paused, &spec_of("", &patch));
        assert_eq!(at(object(&release, "Deployment/web-mse-gray"), "/spec/paused"), then, "{op}");
    }
    let moves = workload(DEPLOYMENT, "labels: {app: web}", "paused: false");
    let release = lane(&moves, &spec_of("", ""));
    assert_eq!(at(object(&release, "Deployment/web-mse-gray"), "/spec/paused"), "false");
}

#[test]
fn a_knative_service_has_revisions_of_its_own() {
    let manifests = other(
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web}\nspec:\n  template:\n    \
         metadata: {name: web-00001}\n    spec: {containers: [{name: app, image: 'app:1'}]}\n  \
         traffic: [{revisionName: web-00001, percent: 100}]",
    );
    let service = "    workload: Service/web\n    policies: {Service: copy}\n";
    let release = lane(&manifests, &spec_of("", service));
    let gray = object(&release, "Service/web-mse-gray");
    assert_eq!(at(gray, "/spec/template/metadata/name"), "nothing");
    assert_eq!(at(gray, "/spec/traffic"), "nothing");
    let latest = manifests.replace("revisionName: web-00001", "latestRevision: true");
    let release = lane(&latest, &spec_of("", service));
    assert_ne!(at(object(&release, "Service/web-mse-gray"), "/spec/traffic"), "nothing");
}

#[test]
fn the_pools_of_a_united_deployment_have_the_labels_it_asks_for() {
    let manifests = other(
        "apiVersion: apps.kruise.io/v1alpha1\nkind: UnitedDeployment\nmetadata: {name: web}\nspec:\n  \
         selector: {matchLabels: {app: web}}\n  template:\n    deploymentTemplate:\n      \
         metadata: {labels: {app: web, team: shop}}\n      spec:\n        selector: {matchLabels: {app: web}}\n        \
         template:\n          metadata: {labels: {app: web}}\n          \
         spec: {containers: [{name: app, image: 'app:1'}]}\n  topology: {subsets: [{name: a}]}",
    );
    let service = "    workload: UnitedDeployment/web\n    policies: {UnitedDeployment: copy}\n";
    let release = lane(&manifests, &spec_of("", service));
    let gray = object(&release, "UnitedDeployment/web-mse-gray");
    let asked = at(gray, "/spec/selector/matchLabels");
    assert!(asked.contains("\"app\":\"web-mse-gray\""), "{asked}");
    assert_eq!(at(gray, "/spec/template/deploymentTemplate/spec/selector/matchLabels"), asked);
    let pools = "/spec/template/deploymentTemplate/metadata/labels";
    assert_eq!(at(gray, &format!("{pools}/team")), "\"shop\"");
    for (key, value) in [("app", "web-mse-gray"), ("zadigx-release-version", "gray")] {
        assert_eq!(at(gray, &format!("{pools}/{key}")), format!("\"{value}\""));
    }
}

#[test]
fn copies_of_what_runs_on_a_schedule_do_not() {
    let manifests = other(
        "apiVersion: apps.kruise.io/v1alpha1\nkind: AdvancedCronJob\nmetadata: {name: web}\nspec:\n  \
         schedule: 0 1 * * *\n  template: {jobTemplate: {spec: {template: {spec: {containers: [{name: app, image: 'app:1'}]}}}}}",
    );
    let service = "    workload: AdvancedCronJob/web\n    policies: {AdvancedCronJob: copy}\n";
    let release = lane(&manifests, &spec_of("", service));
    assert_eq!(at(object(&release, "AdvancedCronJob/web-mse-gray"), "/spec/paused"), "true");
}

#[test]
fn a_clone_set_leaves_room_for_the_hash_of_its_revisions() {
    let name = "a".repeat(44);
    let manifests = workload(CLONE_SET, "labels: {app: web}", "replicas: 1")
        .replace("{name: web}", &format!("{{name: {name}}}"));
    let told = refused(&manifests, &spec_of("", &format!("    workload: CloneSet/{name}\n")));
    assert!(told.contains("cut 1 character to come to the 52 allowed"), "{told}");
}

#[test]
fn rules_of_a_mesh_for_clients_are_for_the_gray_ones() {
    let rule = other(
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: api}\nspec:\n  host: api\n  \
         workloadSelector: {matchLabels: {app: web}}\n  trafficPolicy: {tls: {mode: SIMPLE}}",
    );
    let called = SERVICE.replace("web", "api");
    let manifests =
        format!("{}{SERVICE}{}{called}{rule}", web(), deployment("api", "{app: api}", ""));
    let both = lane(&manifests, &spec_of("", "  - {name: api}\n"));
    let gray = object(&both, "DestinationRule/api-mse-gray");
    assert_eq!(at(gray, "/spec/host"), "\"api-mse-gray\"");
    assert_eq!(at(gray, "/spec/workloadSelector/matchLabels/app"), "\"web-mse-gray\"");
    assert_eq!(at(gray, "/metadata/labels/zadigx-release-service-name"), "\"api\"");
    // The gray client calls the baseline's by the same rule.
    let client = lane(&manifests, &spec_of("", ""));
    let gray = object(&client, "DestinationRule/api-mse-gray");
    assert_eq!(at(gray, "/spec/host"), "\"api\"");
    assert_eq!(at(gray, "/spec/workloadSelector/matchLabels/app"), "\"web-mse-gray\"");
    let called = lane(&manifests, &spec_of("", "").replace("name: web", "name: api"));
    let gray = object(&called, "DestinationRule/api-mse-gray");
    assert_eq!(at(gray, "/spec/workloadSelector/matchLabels/app"), "\"web\"");
}

#[test]
fn a_service_profile_is_copied_under_the_host_of_the_copy() {
    let name = "web.shop.svc.cluster.local";
    let profile = other(&format!(
        "apiVersion: linkerd.io/v1alpha2\nkind: ServiceProfile\nmetadata: {{name: {name}}}\nspec: {{routes: []}}"
    ));
    let manifests = web() + SERVICE + &profile;
    let spec = spec_of("  namespace: shop\n", &format!("    copy: [ServiceProfile/{name}]\n"));
    let copied = lane(&manifests, &spec);
    object(&copied, "ServiceProfile/web-mse-gray.shop.svc.cluster.local");
    let shared = lane(&manifests, &spec_of("  namespace: shop\n", ""));
    assert_eq!(ids(&shared), ["Deployment/web-mse-gray", "Service/web-mse-gray"]);
}

#[test]
fn a_pod_keeps_the_label_that_its_service_asks_for() {
    let pod = other(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web, app.kubernetes.io/instance: prod}}\n\
         spec: {containers: [{name: app, image: 'app:1'}]}",
    );
    let label = |manifests: &str| {
        let release = lane(manifests, &spec_of("", "    workload: Pod/web\n"));
        let gray = object(&release, "Pod/web-mse-gray");
        at(gray, "/metadata/labels/app.kubernetes.io~1instance")
    };
    let service = SERVICE.replace("{app: web}", "{app: web, app.kubernetes.io/instance: prod}");
    assert_eq!(label(&format!("{pod}{service}")), "\"prod\"");
    assert_eq!(label(&format!("{pod}{SERVICE}")), "nothing", "Argo CD may track by it");
}

#[test]
fn names_of_pods_that_the_copy_does_not_have_are_told() {
    let set = |image: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: mq}}\nspec:\n  replicas: 3\n  serviceName: mq\n  \
             selector: {{matchLabels: {{app: mq}}}}\n  template:\n    metadata: {{labels: {{app: mq}}}}\n    spec:\n      \
             containers:\n      - {{name: app, image: '{image}', env: [{{name: PEERS, value: 'mq-0.mq,mq-2.mq'}}]}}\n"
        )
    };
    let service = SERVICE.replace("web", "mq").replace("{selector", "{clusterIP: None, selector");
    let client = web().replace(
        "        image: app:1\n",
        "        image: app:1\n        env: [{name: MQ, value: mq-1.mq}]\n",
    );
    let manifests = format!("{client}{}{service}", set("app:1"));
    let notes = |more: &str| {
        let service = format!(
            "    rewriteEnv: true\n  - {{name: mq, workload: StatefulSet/mq, rewriteEnv: true, policies: {{StatefulSet: copy}}{more}}}\n"
        );
        shown(&lane(&manifests, &spec_of("", &service)).lane.notes)
    };
    let told = notes("");
    assert!(told.contains("of StatefulSet/mq names `mq-mse-gray-2`, which the copy"), "{told}");
    assert!(told.contains("say `replicas: 3` on `mq`, or"), "{told}");
    assert!(told.contains("of Deployment/web names `mq-mse-gray-1`, which the copy"), "{told}");
    let told = notes(", replicas: 3");
    assert!(!told.contains("does not have"), "{told}");
    let patched = ", patches: [{target: StatefulSet/mq, merge: {spec: {replicas: 3}}}]";
    let told = notes(patched);
    assert!(!told.contains("does not have"), "{told}");
    // The patch of another service, and two StatefulSets in one variable.
    let db = set("app:1").replace("mq", "db") + &service.replace("mq", "db");
    let both = format!("{}{db}", manifests.replace("value: mq-1.mq", "value: 'mq-1.mq,db-2.db'"));
    let of = |name: &str, more: &str| {
        format!(
            "  - {{name: {name}, workload: StatefulSet/{name}, rewriteEnv: true, policies: {{StatefulSet: copy}}{more}}}\n"
        )
    };
    let services = format!("    rewriteEnv: true\n{}{}", of("mq", ""), of("db", patched));
    let told = shown(&lane(&both, &spec_of("", &services)).lane.notes);
    assert!(!told.contains("`mq-mse-gray-"), "{told}");
    assert!(told.contains("of Deployment/web names `db-mse-gray-2`, which the copy"), "{told}");
}
