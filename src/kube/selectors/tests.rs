use super::*;
use crate::kube::fields::pattern_error;
use crate::yaml::{Source, parse};

fn uses(text: &str) -> Vec<SelectorUse> {
    let stream = parse(Source::new("a.yaml", text.to_owned())).unwrap();
    selectors(stream.documents[0].root())
}

fn shown(text: &str) -> Vec<String> {
    uses(text).iter().map(|found| format!("{} {:?}", found.path, found.role)).collect()
}

#[test]
fn every_pattern_parses_and_has_a_source() {
    for row in SELECTORS {
        assert_eq!(pattern_error(row.path), None);
        assert!(!row.source.is_empty());
    }
}

#[test]
fn a_deployment_selects_its_pods_and_those_it_avoids() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  selector: {matchLabels: {app: web}}\n  \
                template:\n    spec:\n      containers: [{name: a}]\n      affinity:\n        podAntiAffinity:\n          \
                preferredDuringSchedulingIgnoredDuringExecution:\n          - podAffinityTerm: {labelSelector: {matchLabels: {app: web}}, namespaces: [b]}\n      \
                topologySpreadConstraints: [{labelSelector: {matchLabels: {app: web}}}]\n";
    let affinity = "spec.template.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution";
    assert_eq!(
        shown(text),
        [
            "spec.selector Workload".to_owned(),
            format!("{affinity}[0].podAffinityTerm.labelSelector Affinity"),
            "spec.template.spec.topologySpreadConstraints[0].labelSelector TopologySpread"
                .to_owned(),
        ]
    );
    assert_eq!(uses(text)[1].scope, NamespaceScope::Named(vec!["b".to_owned()]));
}

#[test]
fn empty_selectors_mean_what_their_field_says() {
    let labels = HashMap::from([("app".to_owned(), "web".to_owned())]);
    for (text, empty, selects) in [
        ("apiVersion: v1\nkind: Service\nspec: {selector: {}}", EmptySelector::Unmanaged, false),
        (
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nspec: {selector: {}}",
            EmptySelector::MatchesAll,
            true,
        ),
        (
            "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nspec: {selector: {}}",
            EmptySelector::MatchesNone,
            false,
        ),
        (
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec: {podSelector: {}}",
            EmptySelector::MatchesAll,
            true,
        ),
    ] {
        let found = uses(text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!((found[0].empty, found[0].selects(&labels)), (empty, selects), "{text}");
    }
}

#[test]
fn custom_workloads_are_known_by_their_shape() {
    let text = |selector: &str| {
        format!(
            "apiVersion: example.com/v1\nkind: Shop\nspec:\n  selector: {selector}\n  template: {{spec: {{containers: [{{name: a}}]}}}}\n"
        )
    };
    assert_eq!(shown(&text("{matchLabels: {app: web}}")), ["spec.selector Workload"]);
    assert!(shown(&text("{app: web}")).is_empty());
    let no_pods =
        "apiVersion: example.com/v1\nkind: Shop\nspec: {selector: {matchLabels: {app: web}}}\n";
    assert!(shown(no_pods).is_empty());
    let known = text("{matchLabels: {app: web}}")
        .replace("example.com/v1\nkind: Shop", "apps.kruise.io/v1alpha1\nkind: CloneSet");
    assert_eq!(shown(&known).len(), 1);
}

#[test]
fn no_selector_is_made_up() {
    assert!(uses("apiVersion: v1\nkind: Service\nspec: {type: ExternalName}").is_empty());
    assert!(uses("apiVersion: v1\nkind: Service\nspec: {selector: null}").is_empty());
    assert!(
        uses("apiVersion: serving.knative.dev/v1\nkind: Service\nspec: {selector: {a: b}}")
            .is_empty()
    );
}

#[test]
fn peers_and_monitors_look_into_other_namespaces() {
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec:\n  podSelector: {}\n  ingress:\n  - from:\n    \
                  - podSelector: {matchLabels: {app: gateway}}\n    \
                  - podSelector: {}\n      namespaceSelector: {}\n    \
                  - podSelector: {}\n      namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: a, team: b}}\n";
    let found = uses(policy);
    assert_eq!(found[1].role, SelectorRole::NetworkPolicyPeer);
    assert_eq!(found[1].scope, NamespaceScope::Own);
    assert_eq!(found[2].scope, NamespaceScope::All);
    assert!(found[3].scope.may_cover("prod", "a") && !found[3].scope.may_cover("prod", "c"));
    let monitor = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\n\
                   spec: {selector: {}, namespaceSelector: {matchNames: [a]}}";
    assert_eq!(uses(monitor)[0].scope, NamespaceScope::Named(vec!["a".to_owned()]));
    assert!(!uses(monitor)[0].role.selects_pods());
}

#[test]
fn a_policy_is_for_pods_of_its_own_namespace() {
    let policy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nspec: {endpointSelector: {matchLabels: {app: web, 'k8s:io.kubernetes.pod.namespace': shop}}}\n";
    assert_eq!(uses(policy)[0].scope, NamespaceScope::Own);
}

#[test]
fn endpoints_are_pods_by_their_labels() {
    let policy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nspec:\n  endpointSelector: {matchLabels: {'k8s:app': web}}\n  ingress:\n  - fromEndpoints:\n    \
                  - matchLabels: {'any:app': api, 'k8s:io.kubernetes.pod.namespace': other}\n    \
                  - matchLabels: {'reserved:host': ''}\n    - {}\n";
    let found = uses(policy);
    let paths: Vec<String> = found.iter().map(|found| found.path.to_string()).collect();
    assert_eq!(
        paths,
        [
            "spec.endpointSelector",
            "spec.ingress[0].fromEndpoints[0]",
            "spec.ingress[0].fromEndpoints[2]"
        ]
    );
    let labels = HashMap::from([("app".to_owned(), "web".to_owned())]);
    assert!(found[0].selects(&labels) && !found[1].selects(&labels) && found[2].selects(&labels));
    assert_eq!(found[1].scope, NamespaceScope::Named(vec!["other".to_owned()]));
    assert_eq!(found[2].scope, NamespaceScope::Own);
}

#[test]
fn policies_of_a_cluster_look_into_all_namespaces() {
    let policy = "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nspec:\n  endpointSelector: {matchLabels: {app: db}}\n  ingressDeny:\n  - fromEndpoints:\n    \
                  - matchLabels: {app: web}\n    - matchLabels: {'k8s:io.kubernetes.pod.namespace': a}\n";
    let found = uses(policy);
    assert_eq!(
        found.iter().map(|found| found.scope.clone()).collect::<Vec<_>>(),
        [NamespaceScope::All, NamespaceScope::All, NamespaceScope::Named(vec!["a".to_owned()])]
    );
}

#[test]
fn endpoints_of_a_cluster_and_of_an_account_are_pods_by_their_other_labels() {
    let labels = HashMap::from([("app".to_owned(), "web".to_owned())]);
    let selects = |asked: &str| {
        let policy = format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nspec: {{endpointSelector: {{matchLabels: {asked}}}}}\n"
        );
        uses(&policy).first().map(|found| found.selects(&labels))
    };
    let (cluster, account) =
        ("'k8s:io.cilium.k8s.policy.cluster': a", "io.cilium.k8s.policy.serviceaccount: a");
    for other in [cluster, account] {
        assert_eq!(selects(&format!("{{'k8s:app': web, {other}}}")), Some(true), "{other}");
        assert_eq!(selects(&format!("{{app: api, {other}}}")), Some(false), "{other}");
    }
    assert_eq!(selects(&format!("{{{cluster}}}")), Some(true));
    assert_eq!(selects(&format!("{{{account}}}")), None);
    assert_eq!(selects("{app: web, 'cidr:10.0.0.0/8': ''}"), None);
}

#[test]
fn a_subset_looks_where_its_host_is() {
    let rule = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\n\
                spec: {host: web.prod.svc.cluster.local, subsets: [{name: v1, labels: {version: v1}}]}";
    let found = uses(rule);
    assert_eq!(found[0].path.to_string(), "spec.subsets[0].labels");
    assert_eq!(found[0].scope, NamespaceScope::Named(vec!["prod".to_owned()]));
}

#[test]
fn an_upstream_has_subsets_for_all_ports_and_for_one() {
    let upstream = "apiVersion: apisix.apache.org/v2\nkind: ApisixUpstream\n\
                    spec: {subsets: [{name: a, labels: {version: v1}}], \
                    portLevelSettings: [{port: 80, subsets: [{name: b, labels: {version: v2}}]}]}";
    let paths: Vec<String> = uses(upstream).iter().map(|each| each.path.to_string()).collect();
    assert_eq!(paths, ["spec.subsets[0].labels", "spec.portLevelSettings[0].subsets[0].labels"]);
}
