//! `host-port`: gray pods want a port of their node that the baseline's pods have.

use super::pod::at;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;
use crate::yaml::{NodeRef, Path, Segment};

pub(super) const FINDING: Finding = Finding {
    code: "host-port",
    severity: Severity::Error,
    doc: "\
The gray pods ask for a port of their node that the baseline's pods ask for.

A node gives a port to one pod: gray pods stay pending wherever the baseline runs, or take the node
that the baseline needs for its next roll-out.

Remedy: take the `hostPort` out of the copy by a patch, or give it another one.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let has_port = |list: &Path| {
        let ports = made.document.find(list).into_iter().flat_map(NodeRef::items);
        ports.into_iter().any(|port| port.get("hostPort").is_some())
    };
    for (_, containers) in made.templates() {
        for container in containers {
            let list = container.path.key("ports");
            // The baseline's nodes may have to be made again.
            if !has_port(&list) {
                continue;
            }
            let baseline = made.baseline();
            let before = baseline.find(&list).into_iter().flat_map(NodeRef::items);
            let taken: Vec<_> =
                before.filter_map(|port| port.get("hostPort").and_then(NodeRef::as_int)).collect();
            let ports = made.document.find(&list).into_iter().flat_map(NodeRef::items);
            for port in ports {
                let Some(number) = port.get("hostPort").and_then(NodeRef::as_int) else { continue };
                if number == 0 || !taken.contains(&number) {
                    continue;
                }
                let message = format!(
                    "the container `{}` of {} takes the port {number} of its node, which the baseline's pod has there",
                    container.name, made.object.id
                );
                let inner = port.get("containerPort").and_then(NodeRef::text).unwrap_or("0");
                let remedy = format!(
                    "remove it by a patch of its {}: `{{containerPort: {inner}, hostPort: null}}`",
                    list_path(&list)
                );
                let error = Diagnostic::error(message).remedy(remedy);
                found.push(at(made, error, port.get("hostPort")));
            }
        }
    }
    found
}

/// A path for people: keys with dots.
fn list_path(path: &Path) -> String {
    let keys = path.segments().iter().filter_map(|segment| match segment {
        Segment::Key(key) => Some(key.as_ref()),
        Segment::Index(_) => None,
    });
    format!("`{}`", keys.collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_ports_that_the_baseline_has() {
        let ports = |host: u16| {
            let port = format!("image: web:1, ports: [{{containerPort: 80, hostPort: {host}}}]");
            deployment("").replace("image: web:1", &port)
        };
        let found = told("host-port", "", &ports(8080));
        assert!(found[0].contains("takes the port 8080"), "{found:?}");
        assert!(told("host-port", "", &ports(0)).is_empty());
        let other = "patches: [{target: Deployment/web, json: [{op: replace, path: /spec/template/spec/containers/0/ports/0/hostPort, value: 8081}]}]";
        assert!(told("host-port", other, &ports(8080)).is_empty());
    }
}
