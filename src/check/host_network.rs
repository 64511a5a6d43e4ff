//! `host-network`: gray pods use the network of their node.

use super::pod::at;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;
use crate::yaml::NodeRef;

pub(super) const FINDING: Finding = Finding {
    code: "host-network",
    severity: Severity::Warning,
    doc: "\
The gray pods use the network of their node, as the baseline's do.

Both listen on the same ports of the node, so a gray pod starts only on a node where no pod of the
baseline runs; where there is none it stays pending, or crashes because its port is taken.

Remedy: take `hostNetwork` out of the copy by a patch, or give the lane nodes of its own.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (template, _) in made.templates() {
        let network = made.document.find(&template.spec.key("hostNetwork"));
        if network.and_then(NodeRef::as_bool) == Some(true) {
            let message = format!(
                "the pods of {} use the network of their node: gray ones need nodes where the baseline's do not run",
                made.object.id
            );
            let remedy =
                "if the copy can do without it, take it out by a patch: `hostNetwork: null`";
            found.push(at(made, Diagnostic::warning(message), network).remedy(remedy));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_pods_in_the_network_of_their_node() {
        let baseline = deployment("hostNetwork: true");
        assert_eq!(told("host-network", "", &baseline).len(), 1);
        assert!(told("host-network", "", &deployment("hostNetwork: false")).is_empty());
        let patched = "patches: [{target: Deployment/web, merge: {spec: {template: {spec: {hostNetwork: null}}}}}]";
        assert!(told("host-network", patched, &baseline).is_empty());
    }
}
