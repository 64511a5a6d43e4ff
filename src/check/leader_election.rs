//! `leader-election`: a container of the copy takes part in a leader election.

use super::pod::{at, templates};
use super::words::{Words, holds};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;

/// Words in arguments and environment variables by which replicas elect a leader.
///
/// Source: kubernetes-sigs/controller-runtime (`--leader-elect`), kubernetes/client-go
/// tools/leaderelection.
const ELECTIONS: [&str; 2] = ["leader-elect", "leader_elect"];

pub(super) const FINDING: Finding = Finding {
    code: "leader-election",
    severity: Severity::Warning,
    doc: "\
A container of the gray copy takes part in a leader election.

The election goes by the name of a Lease that both sides know, so a gray replica may become the
leader and do the work of production with the new version.

Remedy: give the lane an election of its own, by `env` or a patch of the arguments, or turn it off
there.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, containers) in templates(made) {
        for container in &containers {
            let Some(node) = made.document.find(&container.path) else { continue };
            let words = Words::of(container, node);
            if holds(&words.arguments, &ELECTIONS) || holds(&words.variables, &ELECTIONS) {
                let warning = Diagnostic::warning(format!(
                    "the container `{}` of {} takes part in a leader election: a gray replica may lead in production",
                    container.name, made.object.id
                ));
                let remedy = "give the lane an election of its own, by `env` or a patch";
                found.push(at(made, warning, Some(node)).remedy(remedy));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_containers_that_elect() {
        let with =
            |more: &str| deployment("").replace("image: web:1", &format!("image: web:1, {more}"));
        for more in ["args: [--leader-elect=true]", "env: [{name: LEADER_ELECTION_ID, value: web}]"]
        {
            assert_eq!(told("leader-election", "", &with(more)).len(), 1, "{more}");
        }
        assert!(told("leader-election", "", &with("args: [--leader=web]")).is_empty());
    }
}
