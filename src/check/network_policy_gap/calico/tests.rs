use crate::check::fixture::{deployment, told};

fn of(spec: &str) -> Vec<String> {
    let policy = format!(
        "---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {{name: db}}\nspec: {spec}\n"
    );
    told("network-policy-gap", "", &(deployment("") + &policy))
}

fn peers(direction: &str, rules: &str) -> Vec<String> {
    of(&format!("{{selector: app == 'db', {direction}: {rules}}}"))
}

#[test]
fn told_of_peers_that_gray_pods_are_not() {
    let web = "source: {selector: app == 'web'}";
    let found = peers("ingress", &format!("[{{action: Allow, {web}}}]"));
    assert_eq!(
        found,
        [
            "deploy/all.yaml:21:66: NetworkPolicy/db lets the pods of Deployment/web in and not the gray ones: they cannot connect to what it guards"
        ]
    );
    let to = web.replace("source", "destination");
    for (direction, action, peer, part) in [
        ("ingress", "Deny", web, "keeps the pods of Deployment/web out and not"),
        ("egress", "Allow", &to, "lets connections to the pods of Deployment/web out"),
        ("egress", "Deny", &to, "stops connections to the pods of Deployment/web"),
    ] {
        let found = peers(direction, &format!("[{{action: {action}, {peer}}}]"));
        assert!(found.len() == 1 && found[0].contains(part), "{found:?}");
    }
    for rules in [
        "[{action: Log, source: {selector: app == 'web'}}]",
        "[{action: Allow, source: {selector: app == 'api'}}]",
        "[{action: Allow, source: {selector: has(app)}}]",
        "[{action: Allow, source: {selector: app == 'web' || zadigx-release-service-name == 'web'}}]",
        "[{action: Allow, source: {selector: app == 'web'}}, {action: Allow, source: {selector: app starts with 'web-'}}]",
        "[{action: Allow, source: {selector: app == 'web'}}, {action: Allow, source: {selector: all()}}]",
        "[{action: Allow, source: {selector: is no expression}}]",
    ] {
        assert!(peers("ingress", rules).is_empty(), "{rules}");
    }
    let ports = "[{action: Allow, source: {selector: app == 'web'}}, {action: Allow, source: {selector: all()}, destination: {ports: [80]}}]";
    assert_eq!(peers("ingress", ports).len(), 1);
}

#[test]
fn told_of_pods_that_it_isolates_alone() {
    let found = of("{selector: app == 'web'}");
    assert!(found.len() == 1 && found[0].contains("isolates the pods of Deployment/web"));
    let found = of("{selector: app != 'web'}");
    assert!(found.len() == 1 && found[0].contains("isolates the gray pods of"), "{found:?}");
    for selector in ["all()", "app in {'web', 'web-mse-gray'}", "app == 'api'"] {
        assert!(of(&format!("{{selector: \"{selector}\"}}")).is_empty(), "{selector}");
    }
    let beside = "{selector: app == 'web'}\n---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: lanes}\nspec: {selector: zadigx-release-service-name == 'web'}";
    assert!(of(beside).is_empty());
}

/// What is told of a workload in `shop` where these policies of Calico, or other objects, are.
fn in_shop(rest: &str) -> Vec<String> {
    let objects =
        deployment("").replace("metadata: {name: web}", "metadata: {name: web, namespace: shop}");
    told("network-policy-gap", "", &(objects + rest))
}

fn policy(kind: &str, name: &str, spec: &str) -> String {
    let namespace = if kind == "NetworkPolicy" { ", namespace: shop" } else { "" };
    format!(
        "---\napiVersion: projectcalico.org/v3\nkind: {kind}\nmetadata: {{name: {name}{namespace}}}\nspec: {{{spec}}}\n"
    )
}

#[test]
fn namespaces_are_asked_for_by_their_labels() {
    let labelled =
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: a}}\n";
    for (selector, rest, is_told) in [
        ("projectcalico.org/name == 'shop'", "", true),
        ("projectcalico.org/name == 'other'", "", false),
        ("projectcalico.org/name not in {'kube-system'}", "", true),
        ("kubernetes.io/metadata.name == 'shop'", "", true),
        ("kubernetes.io/metadata.name == 'other'", "", false),
        ("all()", "", true),
        ("global()", "", false),
        ("is no expression", "", false),
        ("team == 'a'", "", false),
        ("team == 'a'", labelled, true),
        ("team == 'b'", labelled, false),
    ] {
        let peer = format!("{{selector: app == 'web', namespaceSelector: \"{selector}\"}}");
        let rule = format!("selector: app == 'db', ingress: [{{action: Allow, source: {peer}}}]");
        let asked = format!("namespaceSelector: \"{selector}\", selector: app == 'web'");
        for policy in [
            policy("NetworkPolicy", "db", &rule),
            policy("GlobalNetworkPolicy", "db", &rule),
            policy("GlobalNetworkPolicy", "web", &asked),
        ] {
            let found = in_shop(&format!("{policy}{rest}"));
            assert_eq!(found.len(), usize::from(is_told), "{policy} {found:?}");
        }
    }
    let accounts = "selector: app == 'web', serviceAccountSelector: team == 'a'";
    for kind in ["NetworkPolicy", "GlobalNetworkPolicy"] {
        assert!(in_shop(&policy(kind, "web", accounts)).is_empty(), "{kind}");
    }
    // The namespace of the workload is not known.
    assert!(
        peers(
            "ingress",
            "[{action: Allow, source: {selector: app == 'web', namespaceSelector: projectcalico.org/name == 'shop'}}]"
        )
        .is_empty()
    );
}

#[test]
fn wider_rules_make_up_for_narrower_ones() {
    let web = "{action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [80]}}";
    for (wider, is_told) in [
        ("{action: Allow}", false),
        ("{action: Allow, metadata: {annotations: {a: b}}, source: {}, destination: {}}", false),
        ("{action: Allow, source: {selector: all()}}", false),
        ("{action: Allow, source: {namespaceSelector: all()}}", false),
        ("{action: Allow, source: {selector: has(app)}, destination: {ports: [80]}}", false),
        ("{action: Allow, protocol: UDP}", true),
        ("{action: Allow, source: {nets: [10.0.0.0/8]}}", true),
        ("{action: Allow, source: {notSelector: app == 'api'}}", true),
        ("{action: Allow, source: {namespaceSelector: projectcalico.org/name == 'other'}}", true),
        ("{action: Allow, destination: {ports: [81]}}", true),
        ("{action: Deny}", true),
        ("{action: Deny}, {action: Allow}", true),
        ("{action: Deny, destination: {ports: [22]}}, {action: Allow}", false),
    ] {
        let rules = |rules: String| {
            in_shop(&policy(
                "NetworkPolicy",
                "db",
                &format!("selector: app == 'db', ingress: [{rules}]"),
            ))
        };
        let found = rules(format!("{web}, {wider}"));
        assert_eq!(found.len(), usize::from(is_told), "{wider} {found:?}");
        // What comes first decides.
        let found = rules(format!("{wider}, {web}"));
        assert_eq!(
            found.len(),
            usize::from(is_told && !wider.contains("Deny}")),
            "{wider} {found:?}"
        );
    }
    let web = "selector: app == 'db', ingress: [{action: Allow, source: {selector: app == 'web'}}], egress: [{action: Allow}]";
    assert_eq!(in_shop(&policy("NetworkPolicy", "db", web)).len(), 1);
}

#[test]
fn gray_pods_that_another_policy_isolates_are_not_said_to_be_open() {
    let web = policy("NetworkPolicy", "web", "selector: app == 'web'");
    for (deny, is_guarded) in [
        (policy("NetworkPolicy", "deny", "selector: all()"), true),
        (policy("GlobalNetworkPolicy", "deny", "types: [Ingress]"), true),
        (policy("GlobalNetworkPolicy", "deny", "namespaceSelector: team == 'a'"), true),
        (
            policy(
                "GlobalNetworkPolicy",
                "deny",
                "namespaceSelector: projectcalico.org/name == 'other'",
            ),
            false,
        ),
        (policy("NetworkPolicy", "deny", "selector: app == 'api'"), false),
    ] {
        let found = in_shop(&format!("{web}{deny}"));
        let part = match is_guarded {
            true => {
                "NetworkPolicy/web in shop is for the pods of Deployment/web in shop and not for the gray ones: what it lets through"
            }
            false => {
                "NetworkPolicy/web in shop isolates the pods of Deployment/web in shop and not the gray ones"
            }
        };
        assert!(found.len() == 1 && found[0].contains(part), "{deny} {found:?}");
    }
}
