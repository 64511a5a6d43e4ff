use super::*;
use crate::kube::fields::pattern_error;
use crate::kube::object::identity;
use crate::yaml::{Source, parse};
use std::collections::HashSet;

fn found(text: &str) -> Vec<Reference> {
    let stream = parse(Source::new("a.yaml", text.to_owned())).unwrap();
    let root = stream.documents[0].root();
    references(root, &identity(root, "prod").unwrap())
}

/// `path -> target` of every reference.
fn shown(text: &str) -> Vec<String> {
    let found = found(text);
    found.iter().map(|reference| format!("{} -> {}", reference.path, reference.target)).collect()
}

fn object(api_version: &str, kind: &str, rest: &str) -> String {
    format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: web}}\n{rest}\n")
}

#[test]
fn rows_parse_are_unique_and_have_a_source() {
    let mut seen = HashSet::new();
    for row in REFERENCES {
        assert_eq!(pattern_error(row.path), None);
        assert!(seen.insert((format!("{:?}", row.referrer), row.path)), "{}", row.path);
        assert!(!row.source.is_empty());
    }
}

#[test]
fn annotations_hold_lists_of_names() {
    let annotations = "annotations: {configmap.reloader.stakater.com/reload: 'cfg, other,,a.*', secret.reloader.stakater.com/reload: sec}";
    let template = format!("spec: {{template: {{metadata: {{{annotations}}}}}}}");
    let text = object("apps/v1", "Deployment", &template).replacen(
        "{name: web}",
        &format!("{{name: web, {annotations}}}"),
        1,
    );
    let found = found(&text);
    let targets: Vec<_> = found.iter().map(|reference| reference.target.to_string()).collect();
    let expected = ["ConfigMap/cfg in prod", "ConfigMap/other in prod", "Secret/sec in prod"];
    assert_eq!(targets, [expected, expected].concat());
    assert_eq!(found[0].renamed("cfg, other,cfg2,cfg", "new"), "new, other,cfg2,new");
    assert_eq!(found[1].renamed("cfg, other", "new"), "cfg, new");
}

#[test]
fn reloaders_name_what_they_watch_and_what_they_leave_out() {
    let annotations = "annotations: {configmaps.exclude.reloader.stakater.com/reload: cfg, secrets.exclude.reloader.stakater.com/reload: sec, secretproviderclass.reloader.stakater.com/reload: csi}";
    for (api_version, kind, template) in [
        ("apps/v1", "StatefulSet", "spec: {template: {metadata: {ANNOTATIONS}}}"),
        ("argoproj.io/v1alpha1", "Rollout", "spec: {template: {metadata: {ANNOTATIONS}}}"),
        ("batch/v1", "Job", "spec: {template: {metadata: {ANNOTATIONS}}}"),
        (
            "batch/v1",
            "CronJob",
            "spec: {jobTemplate: {spec: {template: {metadata: {ANNOTATIONS}}}}}",
        ),
    ] {
        let text = object(api_version, kind, &template.replace("ANNOTATIONS", annotations));
        let targets: Vec<_> = found(&text).iter().map(|each| each.target.to_string()).collect();
        assert_eq!(
            targets,
            ["ConfigMap/cfg in prod", "Secret/sec in prod", "SecretProviderClass/csi in prod"],
            "{kind}"
        );
    }
}

#[test]
fn pod_specs_name_configuration_in_every_container_list() {
    let text = object(
        "apps/v1",
        "Deployment",
        "spec:\n  template:\n    spec:\n      serviceAccountName: sa\n      containers:\n      - name: a\n        env:\n        \
         - {name: A, valueFrom: {configMapKeyRef: {name: c1, key: a, optional: true}}}\n        envFrom: [{secretRef: {name: s1}}]\n      \
         ephemeralContainers: [{name: b, envFrom: [{configMapRef: {name: c2}}]}]\n      volumes:\n      \
         - {name: v, projected: {sources: [{secret: {name: s2}}, {configMap: {name: c3}}]}}\n      \
         - {name: w, csi: {volumeAttributes: {secretProviderClass: p}}}\n",
    );
    assert_eq!(
        shown(&text),
        [
            "spec.template.spec.serviceAccountName -> ServiceAccount/sa in prod",
            "spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.name -> ConfigMap/c1 in prod",
            "spec.template.spec.containers[0].envFrom[0].secretRef.name -> Secret/s1 in prod",
            "spec.template.spec.ephemeralContainers[0].envFrom[0].configMapRef.name -> ConfigMap/c2 in prod",
            "spec.template.spec.volumes[0].projected.sources[0].secret.name -> Secret/s2 in prod",
            "spec.template.spec.volumes[0].projected.sources[1].configMap.name -> ConfigMap/c3 in prod",
            "spec.template.spec.volumes[1].csi.volumeAttributes.secretProviderClass -> SecretProviderClass/p in prod",
        ]
    );
    let optional: Vec<_> = found(&text).iter().map(|reference| reference.optional).collect();
    assert_eq!(optional.iter().filter(|optional| **optional).count(), 1);
    assert!(optional[1]);
}

#[test]
fn pod_templates_of_custom_resources_count() {
    let text = object(
        "argoproj.io/v1alpha1",
        "Rollout",
        "spec:\n  strategy: {canary: {stableService: s, canaryService: c}}\n  template: {spec: {containers: [{name: a, envFrom: [{configMapRef: {name: m}}]}]}}",
    );
    assert_eq!(
        shown(&text),
        [
            "spec.strategy.canary.stableService -> Service/s in prod",
            "spec.strategy.canary.canaryService -> Service/c in prod",
            "spec.template.spec.containers[0].envFrom[0].configMapRef.name -> ConfigMap/m in prod",
        ]
    );
}

#[test]
fn references_of_single_fields() {
    for (api_version, kind, rest, expected) in [
        (
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "spec: {scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: a}}",
            vec!["spec.scaleTargetRef.name -> Rollout/a in prod"],
        ),
        (
            "keda.sh/v1alpha1",
            "ScaledObject",
            "spec: {scaleTargetRef: {name: a}, triggers: [{authenticationRef: {name: b}}, {authenticationRef: {name: c, kind: ClusterTriggerAuthentication}}]}",
            vec![
                "spec.scaleTargetRef.name -> Deployment/a in prod",
                "spec.triggers[0].authenticationRef.name -> TriggerAuthentication/b in prod",
                "spec.triggers[1].authenticationRef.name -> ClusterTriggerAuthentication/c",
            ],
        ),
        (
            "keda.sh/v1alpha1",
            "ScaledObject",
            "spec: {advanced: {horizontalPodAutoscalerConfig: {name: a}}}",
            vec![
                "spec.advanced.horizontalPodAutoscalerConfig.name -> HorizontalPodAutoscaler/a in prod",
            ],
        ),
        (
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            "spec: {parentRefs: [{name: g, namespace: infra}], rules: [{backendRefs: [{name: a, port: 80}, {name: b, kind: Bucket, group: example.com}]}]}",
            vec![
                "spec.parentRefs[0].name -> Gateway/g in infra",
                "spec.rules[0].backendRefs[0].name -> Service/a in prod",
                "spec.rules[0].backendRefs[1].name -> Bucket/b in prod",
            ],
        ),
        (
            "gateway.k8s.aws/v1beta1",
            "TargetGroupConfiguration",
            "spec: {targetReference: {name: a}, defaultConfiguration: {targetType: ip}}",
            vec!["spec.targetReference.name -> Service/a in prod"],
        ),
        (
            "extensions/v1beta1",
            "Ingress",
            "spec: {rules: [{http: {paths: [{backend: {serviceName: a, servicePort: 80}}]}}], tls: [{secretName: t}]}",
            vec![
                "spec.rules[0].http.paths[0].backend.serviceName -> Service/a in prod",
                "spec.tls[0].secretName -> Secret/t in prod",
            ],
        ),
        (
            "networking.istio.io/v1",
            "VirtualService",
            "spec: {hosts: [a, a.example.com, '*'], http: [{route: [{destination: {host: b.test.svc.cluster.local}}]}]}",
            vec![
                "spec.hosts[0] -> Service/a in prod",
                "spec.http[0].route[0].destination.host -> Service/b in test",
            ],
        ),
        (
            "security.istio.io/v1",
            "AuthorizationPolicy",
            "spec: {rules: [{from: [{source: {principals: [cluster.local/ns/test/sa/a, '*']}}]}]}",
            vec!["spec.rules[0].from[0].source.principals[0] -> ServiceAccount/a in test"],
        ),
        (
            "security.istio.io/v1",
            "AuthorizationPolicy",
            "spec: {rules: [{from: [{source: {serviceAccounts: [test/a, b]}}]}]}",
            vec![
                "spec.rules[0].from[0].source.serviceAccounts[0] -> ServiceAccount/a in test",
                "spec.rules[0].from[0].source.serviceAccounts[1] -> ServiceAccount/b in prod",
            ],
        ),
        (
            "argoproj.io/v1alpha1",
            "Rollout",
            "spec: {strategy: {canary: {trafficRouting: {plugins: {argoproj-labs/gatewayAPI: {httpRoutes: [{name: a}]}}}}}}",
            vec![
                "spec.strategy.canary.trafficRouting.plugins[\"argoproj-labs/gatewayAPI\"].httpRoutes[0].name -> HTTPRoute/a in prod",
            ],
        ),
        (
            "v1",
            "Service",
            "spec: {type: ExternalName, externalName: db.prod.svc.cluster.local}",
            vec!["spec.externalName -> Service/db in prod"],
        ),
        ("v1", "Service", "spec: {type: ExternalName, externalName: db.example.com}", vec![]),
        (
            "batch/v1",
            "CronJob",
            "spec: {jobTemplate: {spec: {template: {spec: {imagePullSecrets: [{name: r}]}}}}}",
            vec![
                "spec.jobTemplate.spec.template.spec.imagePullSecrets[0].name -> Secret/r in prod",
            ],
        ),
        (
            "apps/v1",
            "StatefulSet",
            "spec: {serviceName: a, volumeClaimTemplates: [{spec: {storageClassName: fast}}]}",
            vec![
                "spec.serviceName -> Service/a in prod",
                "spec.volumeClaimTemplates[0].spec.storageClassName -> StorageClass/fast",
            ],
        ),
    ] {
        assert_eq!(shown(&object(api_version, kind, rest)), expected, "{kind}");
    }
}

#[test]
fn other_subjects_and_targets_are_not_taken_for_the_object_of_that_name() {
    let binding = object(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "subjects:\n- {kind: User, name: web, apiGroup: rbac.authorization.k8s.io}\n- {kind: Group, name: web}\n\
         - {kind: ServiceAccount, name: web, namespace: test}\n- {kind: ServiceAccount, name: web}\nroleRef: {kind: ClusterRole, name: web, apiGroup: rbac.authorization.k8s.io}",
    );
    assert_eq!(
        shown(&binding),
        [
            "subjects[2].name -> ServiceAccount/web in test",
            "subjects[3].name -> ServiceAccount/web in prod",
            "roleRef.name -> ClusterRole/web",
        ]
    );
    let autoscaler = object(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "spec: {scaleTargetRef: {apiVersion: example.com/v1, kind: Outside, name: web}}",
    );
    assert_eq!(found(&autoscaler)[0].target.group_kind().to_string(), "Outside.example.com");
}

#[test]
fn the_core_group_has_two_names_in_the_targets_of_policies() {
    for group in ["''", "core"] {
        let text = object(
            "security.istio.io/v1",
            "AuthorizationPolicy",
            &format!("spec: {{targetRefs: [{{group: {group}, kind: Service, name: shop}}]}}"),
        );
        let targets: Vec<_> = found(&text).into_iter().map(|each| each.target).collect();
        assert_eq!(targets, [ObjectRef::new("", "Service", "prod", "shop")], "{group}");
    }
}

#[test]
fn resource_names_go_by_resources_and_groups() {
    let role = object(
        "rbac.authorization.k8s.io/v1",
        "Role",
        "rules:\n- {apiGroups: [''], resources: [configmaps], resourceNames: [a]}\n\
         - {apiGroups: [apps], resources: [deployments/scale, configmaps], resourceNames: [b]}\n\
         - {apiGroups: [''], resources: [nodes], resourceNames: [c]}",
    );
    assert_eq!(
        shown(&role),
        [
            "rules[0].resourceNames[0] -> ConfigMap/a in prod",
            "rules[1].resourceNames[0] -> Deployment/b in prod",
        ]
    );
}

#[test]
fn renaming_keeps_the_form() {
    let annotated = |annotation: &str, value: &str| {
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations:\n    {annotation}: '{value}'\n"
        );
        found(&text).iter().fold(value.to_owned(), |text, reference| {
            let new_name = format!("{}-gray", reference.target.name);
            reference.renamed(&text, &new_name)
        })
    };
    for (annotation, value, expected) in [
        ("nginx.ingress.kubernetes.io/auth-secret", "prod/basic", "prod/basic-gray"),
        ("nginx.ingress.kubernetes.io/auth-secret", "basic", "basic-gray"),
        ("nginx.ingress.kubernetes.io/default-backend", "web", "web-gray"),
        (
            "nginx.ingress.kubernetes.io/auth-url",
            "http://auth.prod.svc.cluster.local:80/auth",
            "http://auth-gray.prod.svc.cluster.local:80/auth",
        ),
        (
            "nginx.ingress.kubernetes.io/auth-url",
            "https://auth.example.com/auth",
            "https://auth.example.com/auth",
        ),
        (
            "alb.ingress.kubernetes.io/actions.web",
            "[{\"ServiceName\": \"web\", \"Weight\": 1}, {\"serviceName\":\"api\"}]",
            "[{\"ServiceName\": \"web-gray\", \"Weight\": 1}, {\"serviceName\":\"api-gray\"}]",
        ),
        (
            "traefik.ingress.kubernetes.io/router.middlewares",
            "prod-auth@kubernetescrd, other-x@kubernetescrd,a@file",
            "prod-auth-gray@kubernetescrd, other-x@kubernetescrd,a@file",
        ),
    ] {
        assert_eq!(annotated(annotation, value), expected, "{annotation}");
    }
}

#[test]
fn a_secret_that_a_certificate_makes_is_told_apart() {
    let text = object(
        "cert-manager.io/v1",
        "Certificate",
        "spec: {secretName: tls, issuerRef: {name: ca, kind: ClusterIssuer}}",
    );
    let found = found(&text);
    assert_eq!(found[0].effect, Effect::Creates);
    assert_eq!((found[1].effect, found[1].target.kind.as_str()), (Effect::Uses, "ClusterIssuer"));
}

#[test]
fn a_sealed_secret_makes_the_secret_of_its_own_name() {
    let sealed = |name: &str| {
        let spec = format!("spec: {{template: {{metadata: {{name: {name}}}}}}}");
        let text = object("bitnami.com/v1alpha1", "SealedSecret", &spec);
        let stream = parse(Source::new("secret.yaml", text)).unwrap();
        let own = ObjectRef::new("bitnami.com", "SealedSecret", "", "db");
        references(stream.documents[0].root(), &own).len()
    };
    assert_eq!(sealed("db"), 1);
    assert_eq!(sealed("other"), 0);
}

#[test]
fn values_that_are_no_names_are_left_alone() {
    for rest in [
        "spec: {template: {spec: {serviceAccountName: 12, volumes: {configMap: {name: a}}}}}",
        "spec: {template: {spec: {volumes: [{configMap: a}, null, [{configMap: {name: a}}]]}}}",
        "spec: {template: {spec: {serviceAccountName: ''}}}",
        "spec: []",
    ] {
        assert_eq!(shown(&object("apps/v1", "Deployment", rest)), Vec::<String>::new(), "{rest}");
    }
}

#[test]
fn what_makes_secrets_and_certificates_names_what_it_reads() {
    let named = |api_version: &str, kind: &str, rest: &str| -> Vec<String> {
        let found = found(&object(api_version, kind, rest));
        found.iter().map(|reference| reference.target.to_string()).collect()
    };
    for (api_version, kind, rest, target) in [
        (
            "cert-manager.io/v1",
            "Certificate",
            "spec: {keystores: {pkcs12: {passwordSecretRef: {name: x}}}}",
            "Secret/x in prod",
        ),
        (
            "cert-manager.io/v1",
            "Issuer",
            "spec: {vault: {auth: {appRole: {secretRef: {name: x}}}}}",
            "Secret/x in prod",
        ),
        (
            "external-secrets.io/v1",
            "ExternalSecret",
            "spec: {target: {template: {templateFrom: [{configMap: {name: x}}]}}}",
            "ConfigMap/x in prod",
        ),
        (
            "external-secrets.io/v1",
            "SecretStore",
            "spec: {provider: {vault: {auth: {kubernetes: {serviceAccountRef: {name: x}}}}}}",
            "ServiceAccount/x in prod",
        ),
        (
            "external-secrets.io/v1",
            "ClusterSecretStore",
            "spec: {provider: {vault: {auth: {tokenSecretRef: {name: x, namespace: shop}}, caProvider: {type: ConfigMap, name: z, namespace: shop}}}}",
            "Secret/x in shop ConfigMap/z in shop",
        ),
        (
            "keda.sh/v1alpha1",
            "TriggerAuthentication",
            "spec: {hashiCorpVault: {credential: {serviceAccountName: x}}, boundServiceAccountToken: [{serviceAccountName: z}]}",
            "ServiceAccount/x in prod ServiceAccount/z in prod",
        ),
        (
            "networking.istio.io/v1",
            "DestinationRule",
            "spec: {trafficPolicy: {tls: {credentialName: x}, portLevelSettings: [{tls: {credentialName: z}}]}}",
            "Secret/x in prod Secret/z in prod",
        ),
        (
            "apps/v1",
            "Deployment",
            "spec: {template: {metadata: {annotations: {vault.hashicorp.com/agent-configmap: x}}}}",
            "ConfigMap/x in prod",
        ),
        (
            "apps/v1",
            "Deployment",
            "spec: {template: {spec: {volumes: [{csi: {volumeAttributes: {csi.cert-manager.io/issuer-name: x, csi.cert-manager.io/issuer-kind: ClusterIssuer}}}]}}}",
            "ClusterIssuer/x",
        ),
    ] {
        assert_eq!(named(api_version, kind, rest).join(" "), target, "{kind} {rest}");
    }
    let token = "apiVersion: v1\nkind: Secret\nmetadata: {name: t, annotations: {kubernetes.io/service-account.name: x}}\n";
    assert_eq!(found(token)[0].target.to_string(), "ServiceAccount/x in prod");
}

#[test]
fn policies_name_accounts_as_identities() {
    let named = |api_version: &str, kind: &str, rest: &str| -> Vec<String> {
        let found = found(&object(api_version, kind, rest));
        found.iter().map(|reference| reference.target.to_string()).collect()
    };
    let refs = "[{kind: ServiceAccount, name: web}, {kind: ServiceAccount, name: web, namespace: shop}, {group: policy.linkerd.io, kind: MeshTLSAuthentication, name: m}]";
    let expected = [
        "ServiceAccount/web in prod",
        "ServiceAccount/web in shop",
        "MeshTLSAuthentication/m in prod",
    ];
    let linkerd = "policy.linkerd.io/v1alpha1";
    let text = format!("spec: {{requiredAuthenticationRefs: {refs}}}");
    assert_eq!(named(linkerd, "AuthorizationPolicy", &text), expected);
    let text =
        "spec: {identities: ['web.shop.serviceaccount.identity.linkerd.cluster.local', '*']}";
    assert_eq!(named(linkerd, "MeshTLSAuthentication", text), ["ServiceAccount/web in shop"]);
    for (of, key) in [("", ""), ("k8s:", "k8s:"), ("", "k8s:"), ("k8s:", "")] {
        let peer = format!(
            "{{matchLabels: {{'{key}io.cilium.k8s.policy.serviceaccount': web, '{of}io.kubernetes.pod.namespace': shop}}}}"
        );
        let text = format!("spec: {{ingress: [{{fromEndpoints: [{peer}]}}]}}");
        let found = named("cilium.io/v2", "CiliumNetworkPolicy", &text);
        assert_eq!(found, ["ServiceAccount/web in shop"]);
    }
}

#[test]
fn a_service_profile_is_named_after_a_host() {
    let text = "apiVersion: linkerd.io/v1alpha2\nkind: ServiceProfile\nmetadata: {name: web.shop.svc.cluster.local}\n";
    assert_eq!(found(text)[0].target.to_string(), "Service/web in shop");
}
