//! `host-path`: gray pods write to files of their node.

use super::pod::at;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;
use crate::yaml::NodeRef;

pub(super) const FINDING: Finding = Finding {
    code: "host-path",
    severity: Severity::Warning,
    doc: "\
The gray pods write to a directory of their node that the baseline's pods write to as well.

On a node where both run, the new version changes files under the old one. A volume that every
container mounts with `readOnly: true` is not told of.

Remedy: patch the volume of the copy to another path, or to `emptyDir: {}`.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (template, containers) in made.templates() {
        let volumes = made.document.find(&template.spec.key("volumes"));
        for volume in volumes.into_iter().flat_map(NodeRef::items) {
            let (Some(path), Some(name)) =
                (volume.at(&["hostPath", "path"]), volume.get("name").and_then(NodeRef::text))
            else {
                continue;
            };
            let writes = |mount: NodeRef<'_>| {
                mount.get("name").and_then(NodeRef::text) == Some(name)
                    && mount.get("readOnly").and_then(NodeRef::as_bool) != Some(true)
            };
            let is_written = containers.iter().any(|container| {
                let mounts = made.document.find(&container.path.key("volumeMounts"));
                mounts.into_iter().flat_map(NodeRef::items).any(writes)
            });
            if is_written {
                let message = format!(
                    "the pods of {} write to `{}` of their node, as the baseline's do",
                    made.object.id,
                    path.text().unwrap_or("")
                );
                let remedy = format!(
                    "patch it where the lane can do with its own:\n  volumes: [{{name: {name}, hostPath: null, emptyDir: {{}}}}]"
                );
                found.push(at(made, Diagnostic::warning(message), Some(path)).remedy(remedy));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_volumes_that_are_written() {
        let pods = |mount: &str| {
            let mount = format!("volumeMounts: [{{name: logs, mountPath: /logs{mount}}}]");
            let pods = deployment("volumes: [{name: logs, hostPath: {path: /var/log/web}}]");
            pods.replace("image: web:1", &format!("image: web:1, {mount}"))
        };
        let found = told("host-path", "", &pods(""));
        assert!(found[0].contains("`/var/log/web`"), "{found:?}");
        assert!(told("host-path", "", &pods(", readOnly: true")).is_empty());
        let unmounted = pods("").replace("name: logs, mountPath", "name: other, mountPath");
        assert!(told("host-path", "", &unmounted).is_empty());
    }
}
