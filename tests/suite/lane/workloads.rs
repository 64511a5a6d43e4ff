//! Workloads of kinds that are no Deployment, and what their pods know.

use super::*;

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
fn names_of_its_own_pods_in_a_command_are_told_of() {
    let rows = [
        ("[--replicaof, mq-0.mq-hl.prod.svc.cluster.local, \"6379\"]", true),
        (
            "[\"--initial-cluster=mq-0=http://mq-0.mq-hl:1,mq-1=http://mq-1.mq-hl:1\", mq-1.mq-hl]",
            true,
        ),
        ("[--advertise, $(POD_NAME).mq-hl]", false),
        ("[--replicaof, other-0.mq-hl, mq-0]", false),
    ];
    for (args, expected) in rows {
        for more in ["", "    rewriteEnv: true\n"] {
            let set = deployment("mq", "{app: mq}", "")
                .replacen("kind: Deployment", "kind: StatefulSet", 1)
                .replacen("spec:\n", "spec:\n  serviceName: mq-hl\n", 1)
                .replacen(
                    "containers:\n      - name:",
                    &format!("containers:\n      - args: {args}\n        name:"),
                    1,
                );
            let service =
                SERVICE.replacen("name: web", "name: mq-hl", 1).replacen("app: web", "app: mq", 1);
            let services = format!(
                "  - name: mq\n    workload: StatefulSet/mq\n    policies: {{StatefulSet: copy}}\n{more}"
            );
            let release =
                lane(&(web() + &set + &service), &spec_of("  namespace: prod\n", &services));
            let notes = shown(&release.lane.notes);
            let told = "warning: the command of container `app` of StatefulSet/mq in prod names pods of its own: those of the copy would join the baseline's";
            assert_eq!(notes.matches(told).count(), usize::from(expected), "{args}: {notes}");
        }
    }
}

#[test]
fn a_namespace_that_nothing_says_to_be_the_lanes_is_told_of() {
    let env = |value: &str| {
        let env =
            format!("containers:\n      - env: [{{name: URL, value: \"{value}\"}}]\n        name:");
        web().replacen("containers:\n      - name:", &env, 1) + SERVICE
    };
    let rows = [
        ("http://web.prod.svc.cluster.local:80", "prod"),
        ("http://web:80,web.prod.svc:80", "prod"),
        ("http://web.dev:80", ""),
        ("http://api.prod.svc:80", ""),
        ("http://web.prod.svcs:80", ""),
    ];
    for (value, expected) in rows {
        for more in ["", "    rewriteEnv: true\n"] {
            let release = lane(&env(value), &spec_of("", more));
            let notes = shown(&release.lane.notes);
            assert_eq!(notes.contains("is not known"), !expected.is_empty(), "{value}: {notes}");
            if !expected.is_empty() {
                assert!(notes.contains("write `namespace: prod` into the spec"), "{notes}");
            }
            let path = "/spec/template/spec/containers/0/env/0/value";
            let gray = match more {
                "" => value.to_owned(),
                _ => value.replacen("web:80", "web-mse-gray:80", 1),
            };
            assert_eq!(
                at(object(&release, "Deployment/web-mse-gray"), path),
                format!("\"{gray}\"")
            );
        }
    }
    let release = lane(&env(rows[0].0), &spec_of("  namespace: prod\n", "    rewriteEnv: true\n"));
    assert!(!shown(&release.lane.notes).contains("is not known"));
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

#[test]
fn patches_may_write_what_others_replace_or_read() {
    let patched = |merge: &str| {
        let patch = format!("    patches:\n    - {{target: Deployment/web, merge: {merge}}}\n");
        release(&(web() + SERVICE), &spec_of("", &patch))
            .map(|_| ())
            .map_err(|errors| shown(&errors))
    };
    for merge in [
        "{metadata: {labels: {team: \"${TEAM}\"}}}",
        "{metadata: {labels: {app.kubernetes.io/instance: web-gray}}}",
        "{metadata: {finalizers: []}}",
        "{metadata: {labels: {example.com/team: a}}}",
    ] {
        assert_eq!(patched(merge), Ok(()), "{merge}");
    }
    for (merge, why) in [
        ("{metadata: {labels: {team: \"a b\"}}}", "which the API server refuses"),
        ("{metadata: {finalizers: [example.com/a]}}", "leave it out of the patch"),
        ("{metadata: {uid: a}}", "leave it out of the patch"),
        ("{spec: {template: {spec: {containers: [{name: ap}]}}}}", "did you mean `app`?"),
    ] {
        let error = patched(merge).unwrap_err();
        assert!(error.contains(why), "{merge}: {error}");
    }
}

#[test]
fn what_is_not_formed_as_kubernetes_wants_it_has_a_place_and_a_remedy() {
    let manifests = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'web:1', env: none}]}
";
    let error = refused(manifests, &spec_of("", "    env: {A: b}\n"));
    assert!(error.contains("is not formed as Kubernetes wants it"), "{error}");
    assert!(error.contains("--> all.yaml:3:18"), "{error}");
    assert!(error.contains("`kubectl explain deployment` shows the fields"), "{error}");
}
