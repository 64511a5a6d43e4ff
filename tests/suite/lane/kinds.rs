//! What becomes of objects by their kind, and of patches.

use super::*;

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
