//! `service-account-unbound`: gray pods have an identity of their own, without the rights of the
//! baseline's.

use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::references::references;
use crate::lane::Made;

pub(super) const FINDING: Finding = Finding {
    code: "service-account-unbound",
    severity: Severity::Warning,
    doc: "\
A ServiceAccount is copied, but a binding that gives it its rights is not.

The gray pods run as the copy, which no binding names: the API server refuses what it allows the
baseline's pods, and the service fails where it asks, not when it starts.

Remedy: copy the binding too (`copy: [RoleBinding/NAME]`), or, where it is in another namespace than the
lane's, add the copy to its `subjects`. A ClusterRoleBinding belongs to the cluster:
take the ServiceAccount out of `copy`, so that the gray pods use the baseline's, or bind the copy by a
ClusterRoleBinding of its own.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let account = &made.object.id;
    if !account.group.is_empty() || account.kind != "ServiceAccount" {
        return Vec::new();
    }
    let gray = bindings(made, &made.gray.id);
    // One that binds both by hand is enough.
    let is_bound = |position: &usize| gray.contains(position);
    let roles: Vec<String> = gray.iter().filter_map(|position| role(made, *position)).collect();
    bindings(made, account)
        .into_iter()
        .filter(|position| !is_bound(position))
        .filter(|position| role(made, *position).is_none_or(|role| !roles.contains(&role)))
        .filter(|position| made.copied.gray_name(&made.facts.object(*position).id).is_none())
        .filter_map(|position| tell(made, position))
        .collect()
}

/// The bindings of the baseline that name an account.
fn bindings(made: &Made<'_>, account: &ObjectRef) -> Vec<usize> {
    let is_binding = |position: &usize| {
        let id = &made.facts.object(*position).id;
        id.group == "rbac.authorization.k8s.io"
            && matches!(id.kind.as_str(), "RoleBinding" | "ClusterRoleBinding")
    };
    let other = in_own_namespace(made, account);
    let all = [account, &other].into_iter().flat_map(|id| made.facts.referrers(id));
    let mut found: Vec<usize> = all.copied().filter(is_binding).collect();
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

fn tell(made: &Made<'_>, position: usize) -> Option<Diagnostic> {
    let (account, binding) = (&made.object.id, made.facts.object(position));
    let document = binding.document();
    let other = in_own_namespace(made, account);
    let subject = references(document.root(), &binding.id)
        .into_iter()
        .find(|reference| reference.target == *account || reference.target == other);
    let place = subject.and_then(|subject| document.find(&subject.path)?.place());
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
