//! What copies refer to, and what is copied with them.

use super::*;

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

    // What a patch writes is the lane's own.
    let guard = guard.replace(", sectionName: admin", "");
    let patch = |op: &str| {
        format!(
            "copy: [SecurityPolicy/guard]\n    patches: [{{target: SecurityPolicy/guard, json: [{op}]}}]"
        )
    };
    let manifests = web() + SERVICE + &route + &guard;
    for op in [
        "{op: replace, path: /spec/targetRefs/0/name, value: shop-mse-gray}",
        "{op: add, path: /spec/targetRefs/-, value: {group: '', kind: Service, name: web-mse-gray}}",
    ] {
        let gray = lane(&manifests, &spec(&patch(op)));
        let gray = object(&gray, "SecurityPolicy/guard-mse-gray");
        let names = at(gray, "/spec/targetRefs");
        assert!(names.contains("shop-mse-gray"), "{names}");
        assert_eq!(names.contains("web-mse-gray"), op.contains("web-mse-gray"), "{names}");
    }
}

#[test]
fn a_rule_that_is_called_by_its_position_is_not_guessed() {
    let policy = |section: &str| {
        other(&format!(
            "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata: {{name: guard}}\nspec: {{targetRef: {{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: {section}}}}}"
        ))
    };
    let route = other(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: shop}\nspec: {parentRefs: [{name: gw}], hostnames: [a.example.com], rules: [{matches: [{path: {value: /admin}}], backendRefs: [{name: admin, port: 80}]}, {name: web, backendRefs: [{name: web, port: 80}]}]}",
    );
    let spec = spec_of(
        "  gateway: {class: gateway-api}\n",
        "    entry: {route: HTTPRoute/shop, match: {headers: [{name: x-gray, exact: '1'}]}}\n    copy: [AuthPolicy/guard]\n",
    );
    let manifests = |section: &str| web() + SERVICE + &route + &policy(section);
    for section in ["rule-1", "rule-2"] {
        let told = refused(&manifests(section), &spec);
        assert!(told.contains(&format!("would be for `{section}`, which counts")), "{told}");
    }
    let release = lane(&manifests("web"), &spec);
    let gray = object(&release, "AuthPolicy/guard-mse-gray");
    assert_eq!(at(gray, "/spec/targetRef/name"), "\"shop-mse-gray\"");
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
fn what_a_controller_makes_is_copied_by_what_makes_it() {
    let external = other(
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db-external}\nspec: {target: {name: db}}\n",
    );
    let ingress = ingress("", "  tls: [{secretName: db}]\n");
    let manifests = ingress + &web() + &external;
    let refused = refused(&manifests, &spec_of("", "    copy: [Secret/db]\n"));
    assert!(refused.contains("`ExternalSecret/db-external` makes it in the cluster"), "{refused}");
    lane(&manifests, &spec_of("", "    copy: [ExternalSecret/db-external]\n"));
}

#[test]
fn what_is_synchronised_for_a_copy_has_its_own_name() {
    let pod = "      volumes: [{name: c, csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: csi}}}]\n      initContainers: [{name: i, envFrom: [{secretRef: {name: mounted}}], env: [{name: E, valueFrom: {secretKeyRef: {name: vault, key: k}}}]}]\n";
    let vault = |kind: &str| {
        other(&format!(
            "apiVersion: secrets.hashicorp.com/v1beta1\nkind: {kind}\nmetadata: {{name: v}}\nspec: {{path: p, destination: {{name: vault, create: true}}, rolloutRestartTargets: [{{kind: Deployment, name: web}}]}}"
        ))
    };
    for kind in ["VaultStaticSecret", "VaultDynamicSecret", "VaultPKISecret", "HCPVaultSecretsApp"]
    {
        let manifests = deployment("web", "{app: web}", pod)
            + &other(
                "apiVersion: secrets-store.csi.x-k8s.io/v1\nkind: SecretProviderClass\nmetadata: {name: csi}\nspec: {provider: vault, secretObjects: [{secretName: mounted, type: Opaque}]}",
            )
            + &vault(kind);
        let copy = format!("    copy: [SecretProviderClass/csi, {kind}/v]\n");
        let release = lane(&manifests, &spec_of("", &copy));
        let class = object(&release, "SecretProviderClass/csi-mse-gray");
        assert_eq!(at(class, "/spec/secretObjects/0/secretName"), "\"mounted-mse-gray\"");
        let secret = object(&release, &format!("{kind}/v-mse-gray"));
        assert_eq!(at(secret, "/spec/destination/name"), "\"vault-mse-gray\"");
        assert_eq!(at(secret, "/spec/rolloutRestartTargets/0/name"), "\"web-mse-gray\"");
        let gray = object(&release, "Deployment/web-mse-gray");
        let init = "/spec/template/spec/initContainers/0";
        let env_from = at(gray, &format!("{init}/envFrom/0/secretRef/name"));
        assert_eq!(env_from, "\"mounted-mse-gray\"");
        let env = at(gray, &format!("{init}/env/0/valueFrom/secretKeyRef/name"));
        assert_eq!(env, "\"vault-mse-gray\"");
        // Without being named it stays with the baseline, as do the gray pods.
        let release = lane(&manifests, &spec_of("", ""));
        assert_eq!(release.lane.objects.len(), 1, "{kind}");
    }
}

#[test]
fn the_copy_of_what_writes_into_a_secret_creates_its_own() {
    let written = |create: &str, copy: &str| {
        let manifests = deployment("web", "{app: web}", "")
            + &other_object("Secret", "db")
            + &other(&format!(
                "apiVersion: secrets.hashicorp.com/v1beta1\nkind: VaultStaticSecret\nmetadata: {{name: v}}\nspec: {{path: p, destination: {{name: db{create}}}}}"
            ));
        let release = lane(&manifests, &spec_of("", &format!("    copy: [{copy}]\n")));
        let notes = release.lane.notes.iter().filter(|note| note.message.contains("creates its"));
        let gray = object(&release, "VaultStaticSecret/v-mse-gray");
        (at(gray, "/spec/destination"), notes.count())
    };
    let alone = "VaultStaticSecret/v";
    let creates = "{\"name\":\"db-mse-gray\",\"create\":true}".to_owned();
    assert_eq!(written("", alone), (creates.clone(), 1));
    assert_eq!(written(", create: false", alone), (creates.clone(), 1));
    assert_eq!(written(", create: true", alone), (creates, 0));
    // There is one to write into.
    let both = written("", "VaultStaticSecret/v, Secret/db");
    assert_eq!(both, ("{\"name\":\"db-mse-gray\"}".to_owned(), 0));
}

#[test]
fn the_copy_restarts_nothing_of_the_baseline() {
    let restarting = |targets: &str| {
        let manifests = deployment("web", "{app: web}", "")
            + &deployment("api", "{app: api}", "")
            + &other(&format!(
                "apiVersion: secrets.hashicorp.com/v1beta1\nkind: VaultStaticSecret\nmetadata: {{name: v}}\nspec: {{path: p, destination: {{name: vault}}, rolloutRestartTargets: {targets}}}"
            ));
        let release = lane(&manifests, &spec_of("", "    copy: [VaultStaticSecret/v]\n"));
        let left = at(object(&release, "VaultStaticSecret/v-mse-gray"), "/spec");
        let notes = release.lane.notes.iter().map(|note| note.message.clone());
        (left, notes.filter(|note| note.contains("restart")).collect::<Vec<_>>())
    };
    let (left, notes) = restarting(
        "[{kind: Deployment, name: api}, {kind: Deployment, name: web}, {kind: argo.Rollout, name: r}]",
    );
    assert!(
        left.contains(
            "\"rolloutRestartTargets\":[{\"kind\":\"Deployment\",\"name\":\"web-mse-gray\"}]"
        ),
        "{left}"
    );
    assert_eq!(
        notes,
        [
            "the copy of VaultStaticSecret/v does not restart Deployment/api, Rollout/r, which the lane has no copy of"
        ]
    );
    let (left, notes) = restarting("[{kind: Deployment, name: api}]");
    assert!(!left.contains("rolloutRestartTargets"), "{left}");
    assert_eq!(notes.len(), 1);
    assert!(restarting("[{kind: Deployment, name: web}]").1.is_empty());
}

/// Source: kubernetes/kubernetes pkg/apis/rbac/validation, `ValidateRBACName`.
#[test]
fn a_role_is_named_as_kubernetes_allows() {
    let role = "---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: team+x readers}
rules: []
";
    let manifests = deployment("web", "{app: web}", "") + role;
    let copy = "    copy: ['Role/team+x readers']\n    patches: [{target: 'Role/team+x readers', merge: {rules: []}}]\n";
    let lane = lane(&manifests, &spec_of("", copy));
    assert!(ids(&lane).contains(&"Role/team+x readers-mse-gray".to_owned()), "{:?}", ids(&lane));
}
