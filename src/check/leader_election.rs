//! `leader-election`: gray replicas take part in the elections of production.

use super::pod::at;
use super::words::{Words, baseline_settings, holds, line, settings};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::Container;
use crate::lane::Made;
use crate::yaml::NodeRef;

/// Words in arguments and environment variables by which replicas elect a leader.
///
/// Source: kubernetes-sigs/controller-runtime (`--leader-elect`), kubernetes/client-go
/// tools/leaderelection.
const ELECTIONS: [&str; 2] = ["leader-elect", "leader_elect"];

/// Words in settings of an election that say which one it is.
///
/// Source: kubernetes/component-base (`--leader-elect-resource-name`,
/// `--leader-elect-resource-namespace`); kubernetes-sigs/controller-runtime (LeaderElectionID).
const WHICH: [&str; 3] = ["id", "name", "namespace"];

pub(super) const FINDING: Finding = Finding {
    code: "leader-election",
    severity: Severity::Warning,
    doc: "\
A container of the gray copy takes part in a leader election.

The election goes by the name of a Lease that both sides know, so a gray replica may become the
leader and do the work of production with the new version. It is told by the container's arguments
and variables, and by a Role of its ServiceAccount that lets it write a Lease by name.

Remedy: give the lane an election of its own, by `env` or a patch of the arguments, or turn it off
there.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (template, containers) in made.templates() {
        let mut elects = false;
        for container in containers {
            let Some(node) = made.document.find(&container.path) else { continue };
            let words = Words::of(container, node);
            if !holds(&words.arguments, &ELECTIONS) && !holds(&words.variables, &ELECTIONS) {
                continue;
            }
            elects = true;
            if is_apart(made, container, node) {
                continue;
            }
            let warning = Diagnostic::warning(format!(
                "the container `{}` of {} takes part in a leader election: a gray replica may lead in production",
                container.name, made.object.id
            ));
            let remedy = "give the lane an election of its own, by `env` or a patch";
            found.push(at(made, warning, Some(node)).remedy(remedy));
        }
        let account = made.document.find(&template.spec.key("serviceAccountName"));
        if let Some(account) = account.filter(|_| !elects) {
            found.extend(by_role(made, account));
        }
    }
    found
}

/// Whether a container elects nobody, or in an election that the baseline's container does not know.
fn is_apart(made: &Made<'_>, container: &Container, node: NodeRef<'_>) -> bool {
    let all = settings(node);
    let mut of_elections = all.iter().filter(|setting| holds(&[setting.name], &ELECTIONS));
    let off = |key: &str, value: &str| {
        let is_switch = key.ends_with("leaderelect") || key.ends_with("leaderelection");
        (is_switch || key.ends_with("enabled")) && value.eq_ignore_ascii_case("false")
    };
    if of_elections.clone().any(|setting| off(&setting.key(), &setting.value)) {
        return true;
    }
    let names_one = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.rsplit(['-', '_', '.']).next().is_some_and(|last| WHICH.contains(&last))
    };
    if !of_elections.clone().any(|setting| names_one(setting.name)) {
        return false;
    }
    let had = baseline_settings(made);
    of_elections.any(|setting| {
        names_one(setting.name) && !had.contains(&line(container, setting.name, &setting.value))
    })
}

/// A Role of a ServiceAccount that both sides have and that may write a Lease by its name.
fn by_role(made: &Made<'_>, account: NodeRef<'_>) -> Option<Diagnostic> {
    let namespace = &made.object.id.namespace;
    let id = ObjectRef::new("", "ServiceAccount", namespace, account.text()?);
    let facts = made.facts;
    for binding in facts.referrers(&id) {
        let binding = facts.object(*binding);
        if binding.id.kind != "RoleBinding" {
            continue;
        }
        let document = binding.document();
        let role = document.root().get("roleRef");
        let part = |key: &str| role.and_then(|role| role.get(key)).and_then(NodeRef::text);
        let (Some(kind), Some(name)) = (part("kind"), part("name")) else { continue };
        let role = ObjectRef::new("rbac.authorization.k8s.io", kind, &binding.id.namespace, name);
        let Some(role) = facts.baseline.get(&role) else { continue };
        let document = role.document();
        let rules = document.root().get("rules").into_iter().flat_map(NodeRef::items);
        let Some(lease) = rules.filter_map(lease).next() else { continue };
        let warning = Diagnostic::warning(format!(
            "the pods of {} may write the Lease `{lease}` as production's do ({}): a gray replica may lead in production",
            made.object.id, role.id
        ));
        let remedy = "give the lane an election of its own, by `env` or a patch, or a ServiceAccount without that Role";
        let warning = at(made, warning, Some(account)).remedy(remedy);
        return Some(match role.place() {
            Some(place) => warning.related(place, "the Role"),
            None => warning,
        });
    }
    None
}

/// The Lease that a rule of a Role names and lets be written.
fn lease(rule: NodeRef<'_>) -> Option<String> {
    let has = |key: &str, wanted: &[&str]| {
        let items = rule.get(key).into_iter().flat_map(NodeRef::items);
        items.filter_map(NodeRef::text).any(|item| wanted.contains(&item))
    };
    let writes = has("resources", &["leases"]) && has("verbs", &["update", "patch", "*"]);
    let name = rule.get("resourceNames").filter(|_| writes)?.item(0)?;
    name.text().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    fn with(more: &str) -> String {
        deployment("").replace("image: web:1", &format!("image: web:1, {more}"))
    }

    #[test]
    fn told_of_containers_that_elect() {
        for more in ["args: [--leader-elect=true]", "env: [{name: LEADER_ELECTION_ID, value: web}]"]
        {
            assert_eq!(told("leader-election", "", &with(more)).len(), 1, "{more}");
        }
        assert!(told("leader-election", "", &with("args: [--leader=web]")).is_empty());
        assert!(told("leader-election", "", &with("args: [--leader-elect=false]")).is_empty());
    }

    #[test]
    fn not_told_of_an_election_of_its_own() {
        let named = with("env: [{name: LEADER_ELECTION_ID, value: web}]");
        assert!(told("leader-election", "env: {LEADER_ELECTION_ID: gray}", &named).is_empty());
        let slow = with("args: [--leader-elect], env: [{name: LEADER_ELECT_RETRIES, value: '1'}]");
        assert_eq!(told("leader-election", "env: {LEADER_ELECT_RETRIES: '2'}", &slow).len(), 1);
    }

    #[test]
    fn told_of_roles_that_name_a_lease() {
        let with = |names: &str| {
            format!(
                "{}---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: web}}
rules: [{{apiGroups: [coordination.k8s.io], resources: [leases], {names}verbs: [get, update]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: web}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}}
subjects: [{{kind: ServiceAccount, name: web}}]
",
                deployment("serviceAccountName: web")
            )
        };
        let found = told("leader-election", "", &with("resourceNames: [web-leader], "));
        assert!(found[0].contains("the Lease `web-leader`"), "{found:?}");
        assert!(told("leader-election", "", &with("")).is_empty());
    }
}
