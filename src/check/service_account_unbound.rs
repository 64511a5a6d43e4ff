//! `service-account-unbound`: gray pods have an identity of their own, without the rights of the
//! baseline's.

use super::{Check, Finding};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::references::references;
use crate::lane::Made;

pub(super) const FINDING: Finding = Finding {
    code: "service-account-unbound",
    severity: Severity::Warning,
    doc: "\
A ServiceAccount is copied, but a binding that gives it its rights, or a policy that knows it, is not.

The gray pods run as the copy, which no binding names: the API server refuses what it allows the
baseline's pods, and the service fails where it asks, not when it starts. Policies of meshes and networks
may know pods by their account as well: those that name the baseline's do to its pods what they do not do
to the gray ones, such as to let their calls in.

Remedy: name the copy too where a policy names the account, or take the ServiceAccount out of `copy`. For
rights, copy the binding too (`copy: [RoleBinding/NAME]`), or, where it is in another namespace than the
lane's, add the copy to its `subjects`. A ClusterRoleBinding belongs to the cluster:
take the ServiceAccount out of `copy`, so that the gray pods use the baseline's, or bind the copy by a
ClusterRoleBinding of its own.",
    is_fixed: false,
    check: Check::Copy(check),
};

/// Kinds that know pods by the account they run as. Sources are those of their rows in the table of
/// references.
const KNOWING: &[(&str, &str)] = &[
    ("security.istio.io", "AuthorizationPolicy"),
    ("cilium.io", "CiliumNetworkPolicy"),
    ("cilium.io", "CiliumClusterwideNetworkPolicy"),
    ("policy.linkerd.io", "AuthorizationPolicy"),
    ("policy.linkerd.io", "MeshTLSAuthentication"),
];

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let account = &made.object.id;
    if !account.group.is_empty() || account.kind != "ServiceAccount" {
        return Vec::new();
    }
    let gray = naming(made, &made.gray.id, is_binding);
    // One that binds both by hand is enough.
    let is_bound = |position: &usize| gray.contains(position);
    let roles: Vec<String> = gray.iter().filter_map(|position| role(made, *position)).collect();
    let is_copied =
        |position: &usize| made.copied.gray_name(&made.facts.object(*position).id).is_some();
    let bindings = naming(made, account, is_binding)
        .into_iter()
        .filter(|position| !is_bound(position))
        .filter(|position| role(made, *position).is_none_or(|role| !roles.contains(&role)))
        .filter(|position| !is_copied(position))
        .filter_map(|position| tell(made, position));
    let known = naming(made, &made.gray.id, knows_pods);
    let policies = naming(made, account, knows_pods)
        .into_iter()
        .filter(|position| !known.contains(position) && !is_copied(position))
        .map(|position| tell_of_policy(made, position));
    bindings.chain(policies).collect()
}

fn is_binding(id: &ObjectRef) -> bool {
    id.group == "rbac.authorization.k8s.io"
        && matches!(id.kind.as_str(), "RoleBinding" | "ClusterRoleBinding")
}

fn knows_pods(id: &ObjectRef) -> bool {
    KNOWING.contains(&(id.group.as_str(), id.kind.as_str()))
}

/// The objects of the baseline, of those kinds, that name an account.
fn naming(made: &Made<'_>, account: &ObjectRef, is_such: fn(&ObjectRef) -> bool) -> Vec<usize> {
    let other = in_own_namespace(made, account);
    let all = [account, &other].into_iter().flat_map(|id| made.facts.referrers(id));
    let mut found: Vec<usize> =
        all.copied().filter(|position| is_such(&made.facts.object(*position).id)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// An account as subjects name it: they say their namespace, also where its manifest does not.
fn in_own_namespace(made: &Made<'_>, account: &ObjectRef) -> ObjectRef {
    let namespace = made.release.namespace.clone().unwrap_or_default();
    ObjectRef { namespace, ..account.clone() }
}

/// What a binding gives, and where: in its namespace or everywhere.
fn role(made: &Made<'_>, position: usize) -> Option<String> {
    let binding = made.facts.object(position);
    let document = binding.document();
    let role = document.root().get("roleRef")?;
    let text = |key: &str| role.get(key).and_then(|node| node.text()).unwrap_or_default();
    let id = &binding.id;
    Some(format!("{} {} {}/{}", id.kind, id.namespace, text("kind"), text("name")))
}

/// Where an object names the account.
fn named_at(made: &Made<'_>, object: &Object) -> Option<Place> {
    let account = &made.object.id;
    let other = in_own_namespace(made, account);
    let document = object.document();
    let named = references(document.root(), &object.id)
        .into_iter()
        .find(|reference| reference.target == *account || reference.target == other);
    named.and_then(|named| document.find(&named.path)?.place())
}

fn tell_of_policy(made: &Made<'_>, position: usize) -> Diagnostic {
    let (account, policy) = (&made.object.id, made.facts.object(position));
    let gray = &made.gray.id.name;
    let warning = Diagnostic::warning(format!(
        "{} knows pods by {account}, and the gray pods of `{}` run as its copy `{gray}`: they are not to it what the baseline's are",
        policy.id, made.service.name
    ));
    warning.at(policy.place()).at(named_at(made, policy)).remedy(format!(
        "name the ServiceAccount `{gray}` beside it; or take ServiceAccount/{} out of `copy`, so that the gray pods use the baseline's",
        account.name
    ))
}

fn tell(made: &Made<'_>, position: usize) -> Option<Diagnostic> {
    let (account, binding) = (&made.object.id, made.facts.object(position));
    let place = named_at(made, binding);
    let (own, there) = (made.release.namespace.as_deref(), &binding.id.namespace);
    let remedy = if binding.id.kind == "RoleBinding" {
        if own.is_none_or(|own| there.is_empty() || there == own) {
            format!("copy it too: `copy: [RoleBinding/{}]`", binding.id.name)
        } else {
            format!("add ServiceAccount `{}` to its `subjects`", made.gray.id.name)
        }
    } else {
        format!(
            "take ServiceAccount/{} out of `copy`, so that the gray pods use the baseline's; or bind `{}` by a ClusterRoleBinding of its own",
            account.name, made.gray.id.name
        )
    };
    let warning = Diagnostic::warning(format!(
        "{} gives rights to {account}, but not to its copy `{}`: the gray pods of `{}` go without them",
        binding.id, made.gray.id.name, made.service.name
    ));
    Some(warning.at(binding.place()).at(place).remedy(remedy))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, spec, told};

    fn binding(kind: &str, name: &str, account: &str) -> String {
        format!(
            "---
apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}
metadata: {{name: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}
subjects:
  - {{kind: Group, name: team}}
  - {{kind: ServiceAccount, name: {account}}}
"
        )
    }

    fn told_of(copy: &str, bindings: &[String]) -> Vec<String> {
        let account = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n";
        let pods = deployment("serviceAccountName: web");
        let baseline = format!("{pods}{account}{}", bindings.concat());
        told("service-account-unbound", &format!("copy: [{copy}]"), &baseline)
    }

    #[test]
    fn told_of_bindings_that_do_not_name_the_copy() {
        let role = binding("RoleBinding", "web", "web");
        let found = told_of("ServiceAccount/web", std::slice::from_ref(&role));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("deploy/all.yaml:"), "{found:?}");
        assert!(found[0].contains(" RoleBinding/web gives rights"), "{found:?}");
        let both = "ServiceAccount/web, RoleBinding/web";
        assert_eq!(told_of(both, std::slice::from_ref(&role)).len(), 0);
        let other = [binding("RoleBinding", "other", "other")];
        assert_eq!(told_of("ServiceAccount/web", &other).len(), 0);
        let cluster = [binding("ClusterRoleBinding", "web", "web")];
        let found = told_of("ServiceAccount/web", &cluster);
        assert!(found[0].contains("ClusterRoleBinding/web gives rights"), "{found:?}");
    }

    #[test]
    fn a_binding_of_the_copy_by_hand_is_enough() {
        let by_hand =
            [binding("RoleBinding", "web", "web"), binding("RoleBinding", "gray", "web-mse-gray")];
        assert_eq!(told_of("ServiceAccount/web", &by_hand).len(), 0);
        let elsewhere = [
            binding("ClusterRoleBinding", "web", "web"),
            binding("RoleBinding", "gray", "web-mse-gray"),
        ];
        assert_eq!(told_of("ServiceAccount/web", &elsewhere).len(), 1);
    }

    #[test]
    fn told_of_policies_that_know_the_pods_by_their_account() {
        let istio = "---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: api}
spec: {selector: {matchLabels: {app: api}}, rules: [{from: [{source: {serviceAccounts: [X]}}]}]}
";
        let cilium = "---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: api}
spec: {endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {io.cilium.k8s.policy.serviceaccount: X}}]}]}
";
        let linkerd = "---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: {name: api}
spec: {requiredAuthenticationRefs: [{kind: ServiceAccount, name: X}]}
";
        for policy in [istio, cilium, linkerd] {
            let web = policy.replace('X', "web");
            let found = told_of("ServiceAccount/web", std::slice::from_ref(&web));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].contains("Policy/api knows pods by ServiceAccount/web, "),
                "{found:?}"
            );
            assert_eq!(told_of("", std::slice::from_ref(&web)).len(), 0, "it is shared");
            let other = policy.replace('X', "other");
            assert_eq!(told_of("ServiceAccount/web", &[other]).len(), 0);
        }
        let both = istio.replace('X', "web, web-mse-gray");
        assert_eq!(told_of("ServiceAccount/web", &[both]).len(), 0);
    }

    #[test]
    fn a_binding_of_another_namespace_gets_one_more_subject() {
        let of = |namespace: &str| {
            let account = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n";
            let subject = "  - {kind: ServiceAccount, name: web";
            let subjects = format!("{subject}, namespace: other}}\n{subject}, namespace: shop}}");
            let binding = binding("RoleBinding", "web", "web")
                .replace(
                    "metadata: {name: web}",
                    &format!("metadata: {{name: web, namespace: {namespace}}}"),
                )
                .replace("  - {kind: ServiceAccount, name: web}", &subjects);
            let pods = deployment("serviceAccountName: web");
            let before = pods.lines().chain(account.lines()).count();
            let spec = spec("copy: [ServiceAccount/web]");
            let spec = spec.replace("tag: gray", "tag: gray\n  namespace: shop");
            let release = lane(&spec, &format!("{pods}{account}{binding}"));
            let mut found = release.findings.iter();
            let found = found.find(|found| found.code == Some("service-account-unbound")).unwrap();
            let line = found.place.as_ref().map(|place| place.line - before);
            (line, found.remedy.clone().unwrap_or_default())
        };
        let copy = "copy it too: `copy: [RoleBinding/web]`";
        assert_eq!(of("shop"), (Some(9), copy.to_owned()));
        let add = "add ServiceAccount `web-mse-gray` to its `subjects`";
        assert_eq!(of("other"), (Some(9), add.to_owned()));
    }
}
