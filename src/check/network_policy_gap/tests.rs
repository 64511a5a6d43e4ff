use crate::check::fixture::{deployment, lane, shown, spec, told};

/// What is told of a policy with this spec beside the Deployment `web`.
fn of(service: &str, spec: &str) -> Vec<String> {
    let policy = format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: db}}\nspec: {spec}\n"
    );
    told("network-policy-gap", service, &(deployment("") + &policy))
}

fn peers(direction: &str, peers: &str) -> Vec<String> {
    of("", &format!("{{podSelector: {{matchLabels: {{app: db}}}}, {direction}: {peers}}}"))
}

#[test]
fn told_of_peers_that_gray_pods_are_not() {
    let web = "{podSelector: {matchLabels: {app: web}}}";
    let found = peers("ingress", &format!("[{{from: [{web}]}}]"));
    assert_eq!(
        found,
        [
            "deploy/all.yaml:21:66: NetworkPolicy/db lets the pods of Deployment/web in and not the gray ones: they cannot connect to what it guards"
        ]
    );
    let found = peers("egress", &format!("[{{to: [{web}]}}]"));
    assert!(found[0].contains("lets connections to the pods of Deployment/web out"), "{found:?}");
    let gray = "{podSelector: {matchLabels: {zadigx-release-service-name: web}}}";
    let named = |name: &str| {
        format!("{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}")
    };
    assert_eq!(peers("ingress", &format!("[{{from: [{web}, {}]}}]", named("other"))).len(), 1);
    let spaces = "{namespaceSelector: {matchLabels: {team: shop}}}";
    // Whether that is the lane's is not known.
    assert_eq!(peers("ingress", &format!("[{{from: [{web}, {spaces}]}}]")).len(), 1);
    for others in ["{podSelector: {}}", "{namespaceSelector: {}, podSelector: {}}", gray] {
        let found = peers("ingress", &format!("[{{from: [{web}, {others}]}}]"));
        assert!(found.is_empty(), "{others}: {found:?}");
    }
    // Another rule may be about other ports.
    let (http, https) = ("ports: [{port: 80}]", "ports: [{port: 443}]");
    for (here, there, count) in
        [("", http, 1), (https, http, 1), (http, http, 0), (http, "", 0), ("", "", 0)]
    {
        let (here, there) = (format!("[{web}], {here}"), format!("[{gray}], {there}"));
        let found = peers("ingress", &format!("[{{from: {here}}}, {{from: {there}}}]"));
        assert_eq!(found.len(), count, "{here} {there} {found:?}");
    }
    for others in ["{}", "{from: []}", "{from: [{namespaceSelector: {}}]}"] {
        let found = peers("ingress", &format!("[{{from: [{web}]}}, {others}]"));
        assert!(found.is_empty(), "{others}: {found:?}");
    }
    assert_eq!(peers("ingress", &format!("[{{from: [{web}]}}, {{{http}}}]")).len(), 1);
    let api = web.replace("web", "api");
    assert!(peers("ingress", &format!("[{{from: [{api}]}}]")).is_empty());
}

#[test]
fn namespaces_are_those_of_the_baseline() {
    let told = |labels: &str, peers: &str| {
        let baseline = format!(
            "{}---
apiVersion: v1
kind: Namespace
metadata: {{name: shop, labels: {labels}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: db}}
spec: {{podSelector: {{matchLabels: {{app: db}}}}, ingress: [{{from: [{peers}]}}]}}
",
            deployment("")
        );
        let spec = spec("").replace("tag: gray", "tag: gray\n  namespace: shop");
        shown("network-policy-gap", &lane(&spec, &baseline)).len()
    };
    let web = "podSelector: {matchLabels: {app: web}}";
    let team = "namespaceSelector: {matchLabels: {team: shop}}";
    let both = format!("{{{web}}}, {{{team}}}");
    assert_eq!(told("{team: shop}", &both), 0);
    assert_eq!(told("{team: other}", &both), 1);
    let all_pods = format!("{{{web}}}, {{{team}, podSelector: {{}}}}");
    assert_eq!(told("{team: shop}", &all_pods), 0);
    assert_eq!(told("{team: other}", &all_pods), 1);
    let named = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}";
    assert_eq!(told("{}", &format!("{{{web}}}, {named}")), 0);
    // Those that are let in are let in together.
    assert_eq!(told("{team: other}", &format!("{{{web}, {team}}}, {{{team}}}")), 0);
}

#[test]
fn told_of_policies_of_other_networks() {
    let cilium = |service: &str, spec: &str| {
        let policy = format!(
            "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: db}}\nspec: {spec}\n"
        );
        told("network-policy-gap", service, &(deployment("") + &policy))
    };
    let peers = |more: &str| {
        cilium(
            "",
            &format!(
                "{{endpointSelector: {{matchLabels: {{app: db}}}}, ingress: [{{fromEndpoints: [{{matchLabels: {{'k8s:app': web}}}}{more}}}]}}"
            ),
        )
    };
    let found = peers("]");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("CiliumNetworkPolicy/db lets the pods of Deployment/web in and not"));
    for more in [
        ", {}]",
        ", {matchLabels: {zadigx-release-service-name: web}}]",
        "], fromEntities: [cluster]",
        "]}, {fromEntities: [all]",
        "]}, {fromEndpoints: [{}]",
        "], toPorts: [{ports: [{port: '80'}]}]}, {toPorts: [{ports: [{port: '80'}]}]",
    ] {
        let found = peers(more);
        assert!(found.is_empty(), "{more}: {found:?}");
    }
    for more in [
        "]}, {",
        "]}, {fromEntities: [world]",
        "]}, {fromEntities: [all], toPorts: [{ports: [{port: '80'}]}]",
    ] {
        assert_eq!(peers(more).len(), 1, "{more}");
    }
    let web = "{endpointSelector: {matchLabels: {'k8s:app': web}}}";
    assert!(cilium("", web).is_empty());
    let policy = format!(
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: db}}\nspec: {web}\n"
    );
    let release = lane(&spec(""), &(deployment("") + &policy));
    let mut copies = release.lane.objects.iter();
    let copy = copies.find(|each| each.id.kind == "CiliumNetworkPolicy").unwrap();
    assert!(copy.text.contains("k8s:app': web-mse-gray"), "{}", copy.text);
    assert_eq!(cilium("policies: {CiliumNetworkPolicy: share}", web).len(), 1);
    let groups = "---\napiVersion: vpcresources.k8s.aws/v1beta1\nkind: SecurityGroupPolicy\nmetadata: {name: db}\nspec: {podSelector: {matchLabels: {app: web}}, securityGroups: {groupIds: [sg-1]}}\n";
    let of = |service: &str| told("network-policy-gap", service, &(deployment("") + groups));
    assert!(of("").is_empty());
    let found = of("policies: {SecurityGroupPolicy: share}");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].ends_with("SecurityGroupPolicy/db gives its security groups to the pods of Deployment/web and not to the gray ones: what is open to those groups is closed to them"),
        "{found:?}"
    );
    let not = groups.replace(
        "matchLabels: {app: web}",
        "matchExpressions: [{key: app, operator: NotIn, values: [web]}]",
    );
    let found = told("network-policy-gap", "", &(deployment("") + &not));
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("what is open to those groups is open to the gray pods alone"));
}

/// What is told of a policy of Cilium beside the Deployment `web`.
fn of_cilium(kind: &str, spec: &str) -> Vec<String> {
    let policy = format!(
        "---\napiVersion: cilium.io/v2\nkind: {kind}\nmetadata: {{name: db}}\nspec: {{{spec}}}\n"
    );
    told("network-policy-gap", "", &(deployment("") + &policy))
}

#[test]
fn told_of_gray_pods_that_no_rule_denies() {
    let of = |rules: &str| {
        let spec = format!("endpointSelector: {{matchLabels: {{app: db}}}}, {rules}");
        of_cilium("CiliumNetworkPolicy", &spec)
    };
    let web = "{matchLabels: {app: web}}";
    let found = of(&format!("ingressDeny: [{{fromEndpoints: [{web}]}}]"));
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("CiliumNetworkPolicy/db keeps the pods of Deployment/web out and not the gray ones: they get through where the baseline's do not"), "{found:?}");
    let found = of(&format!("egressDeny: [{{toEndpoints: [{web}]}}]"));
    assert!(
        found[0].ends_with(
            "stops connections to the pods of Deployment/web and not those to the gray ones"
        ),
        "{found:?}"
    );
    let not = "{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}";
    let found = of(&format!("ingressDeny: [{{fromEndpoints: [{not}]}}]"));
    assert!(
        found[0].ends_with("keeps the gray pods of Deployment/web out and not the baseline's"),
        "{found:?}"
    );
    // What lets in makes up for nothing that keeps out.
    let open = "ingress: [{fromEntities: [all]}]";
    assert_eq!(of(&format!("ingressDeny: [{{fromEndpoints: [{web}]}}], {open}")).len(), 1);
    let wider = "{fromEntities: [cluster]}";
    assert!(of(&format!("ingressDeny: [{{fromEndpoints: [{web}]}}, {wider}]")).is_empty());
}

#[test]
fn a_peer_is_offered_where_it_would_be_found() {
    let remedy = |labels: &str| {
        let policy = format!(
            "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: db, namespace: data}}\nspec: {{endpointSelector: {{matchLabels: {{app: db}}}}, ingress: [{{fromEndpoints: [{{matchLabels: {{app: web{labels}}}}}]}}]}}\n"
        );
        let spec = spec("").replace("tag: gray", "tag: gray\n  namespace: shop");
        let release = lane(&spec, &(deployment("") + &policy));
        let mut found = release.findings.into_iter();
        found.find(|found| found.code == Some("network-policy-gap")).and_then(|found| found.remedy)
    };
    assert_eq!(
        remedy(", 'k8s:io.kubernetes.pod.namespace': shop").unwrap(),
        "add a peer beside it:\n- matchLabels:\n    k8s:io.kubernetes.pod.namespace: shop\n    zadigx-release-service-name: web"
    );
    assert!(
        remedy(", 'k8s:io.cilium.k8s.namespace.labels.team': a")
            .unwrap()
            .starts_with("add a peer beside it, with the same labels of namespaces:")
    );
    assert!(remedy("").is_none(), "it is about another namespace");
}

#[test]
fn told_of_policies_of_the_cluster() {
    let of = |spec: &str| of_cilium("CiliumClusterwideNetworkPolicy", spec);
    let web = "{matchLabels: {'k8s:app': web}}";
    let found = of(&format!("endpointSelector: {web}"));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("isolates the pods of Deployment/web and not the gray ones"));
    let gray = "---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: lanes}\nspec: {endpointSelector: {matchLabels: {zadigx-release-service-name: web}}";
    assert!(of(&format!("endpointSelector: {web}}}\n{gray}")).is_empty(), "one beside it");
    let db = "endpointSelector: {matchLabels: {app: db}}";
    assert_eq!(of(&format!("{db}, ingress: [{{fromEndpoints: [{web}]}}]")).len(), 1);
    assert!(of(&format!("{db}, ingress: [{{fromEndpoints: [{{}}]}}]")).is_empty());
    assert!(of("endpointSelector: {}").is_empty());
}

#[test]
fn told_of_what_administrators_give_to_pods() {
    let of = |api: &str, kind: &str, spec: &str| {
        let text = format!(
            "---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{{spec}}}\n"
        );
        told("network-policy-gap", "", &(deployment("") + &text))
    };
    let web = "podSelector: {matchLabels: {app: web}}";
    let admin = "policy.networking.k8s.io/v1alpha1";
    let subject = format!("priority: 1, subject: {{pods: {{namespaceSelector: {{}}, {web}}}}}");
    let found = of(admin, "AdminNetworkPolicy", &subject);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("AdminNetworkPolicy/a is for the pods of Deployment/web and not"));
    assert!(of(admin, "AdminNetworkPolicy", "subject: {namespaces: {}}").is_empty());
    let terway = "network.alibabacloud.com/v1beta1";
    let found = of(terway, "PodNetworking", &format!("selector: {{{web}}}, vSwitchOptions: [a]"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("PodNetworking/a puts the pods of Deployment/web into its network"));
    assert!(of(terway, "PodNetworking", "selector: {}").is_empty());
}

#[test]
fn told_of_servers_that_gray_pods_go_without() {
    let of = |service: &str, selector: &str| {
        let server = format!(
            "---\napiVersion: policy.linkerd.io/v1beta3\nkind: Server\nmetadata: {{name: http}}\nspec: {{podSelector: {selector}, port: 80}}\n"
        );
        told("network-policy-gap", service, &(deployment("") + &server))
    };
    let found = of("", "{matchLabels: {app: web}}");
    assert_eq!(
        found,
        [
            "deploy/all.yaml:21:8: Server/http is for the pods of Deployment/web and not for the gray ones: those go without it and the policies for it"
        ]
    );
    assert!(
        of("", "{matchExpressions: [{key: app, operator: In, values: [web, web-mse-gray]}]}")
            .is_empty()
    );
    assert!(of("", "{}").is_empty());
    assert!(of("policies: {Server: skip}", "{matchLabels: {app: web}}").is_empty());
    let found = of("", "{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}");
    assert!(
        found[0].contains("Server/http is for the gray pods of Deployment/web and not"),
        "{found:?}"
    );
}

#[test]
fn told_of_gray_pods_that_a_policy_takes_for_others() {
    let not = "{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}";
    let found = peers("ingress", &format!("[{{from: [{{podSelector: {not}}}]}}]"));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("lets the gray pods of Deployment/web in and not"), "{found:?}");
    let found = of("", &format!("{{podSelector: {not}}}"));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("isolates the gray pods of Deployment/web and not"), "{found:?}");
    // This one is meant for lanes.
    assert!(of("", "{podSelector: {matchLabels: {zadigx-release-version: gray}}}").is_empty());
}

#[test]
fn told_of_gray_pods_that_no_policy_isolates() {
    let web = "{podSelector: {matchLabels: {app: web}}}";
    // It is copied.
    assert!(of("", web).is_empty());
    let found = of("policies: {NetworkPolicy: share}", web);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("isolates the pods of Deployment/web and not the gray"), "{found:?}");
    assert!(of("policies: {NetworkPolicy: skip}", web).is_empty());
    assert!(of("policies: {NetworkPolicy: share}", "{podSelector: {}}").is_empty());
}

#[test]
fn the_copy_is_for_the_account_of_the_gray_pods() {
    let account = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n";
    let policy = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: all}\nspec: {endpointSelector: {matchLabels: {app: web, 'k8s:io.cilium.k8s.policy.serviceaccount': web}}}\n";
    let baseline = deployment("serviceAccountName: web") + account + policy;
    for (service, name) in [("", "web"), ("copy: [ServiceAccount/web]", "web-mse-gray")] {
        let release = lane(&spec(service), &baseline);
        assert!(shown("network-policy-gap", &release).is_empty());
        let mut copies = release.lane.objects.iter();
        let copy = copies.find(|each| each.id.kind == "CiliumNetworkPolicy").unwrap();
        let label = format!("'k8s:io.cilium.k8s.policy.serviceaccount': {name}");
        assert!(
            copy.text.contains(&(label.clone() + "}")) || copy.text.contains(&(label + ",")),
            "{}",
            copy.text
        );
        assert!(copy.text.contains("{app: web-mse-gray"));
    }
}

#[test]
fn the_copy_has_the_specs_for_pods_of_the_lane() {
    let rule = |app: &str| {
        format!(
            "- endpointSelector: {{matchLabels: {{app: {app}}}}}\n  ingress: [{{fromEndpoints: [{{matchLabels: {{from: {app}}}}}]}}]\n"
        )
    };
    let specs = |apps: &[&str]| {
        let specs: String = apps.iter().map(|app| rule(app)).collect();
        format!(
            "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: all}}\nspecs:\n{specs}"
        )
    };
    let api = "---\n".to_owned() + &deployment("").replace("web", "api");
    let two = spec("") + "    - name: api\n      images: {api: 'api:2'}\n";
    let copied = |spec: &str, policy: &str| {
        let release = lane(spec, &(deployment("") + &api + policy));
        assert!(shown("network-policy-gap", &release).is_empty());
        let mut copies = release.lane.objects.iter();
        let copy = copies.find(|each| each.id.kind == "CiliumNetworkPolicy");
        copy.map(|copy| copy.text.clone()).unwrap_or_default()
    };
    let text = copied(&spec(""), &specs(&["db", "web", "api"]));
    assert!(text.contains("{app: web-mse-gray") && text.contains("from: web"), "{text}");
    assert!(!text.contains("db") && !text.contains("api}"), "{text}");
    // One for a service each.
    let text = copied(&two, &specs(&["web", "db", "api"]));
    assert!(text.contains("{app: web-mse-gray") && text.contains("{app: api-mse-gray"), "{text}");
    assert!(!text.contains("db"), "{text}");
    let beside = specs(&["web"]) + "spec: {endpointSelector: {matchLabels: {app: db}}}\n";
    let text = copied(&spec(""), &beside);
    assert!(text.contains("web-mse-gray") && !text.contains("spec:"), "{text}");
    let beside = specs(&["db"]) + "spec: {endpointSelector: {matchLabels: {app: web}}}\n";
    let text = copied(&spec(""), &beside);
    assert!(text.contains("web-mse-gray") && !text.contains("specs:"), "{text}");
}
