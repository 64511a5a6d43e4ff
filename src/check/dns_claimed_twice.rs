//! `dns-claimed-twice`: ExternalDNS is asked to publish a copy under a name of the baseline.

use std::collections::BTreeSet;

use super::pod::at_patch;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;
use crate::yaml::{Document, NodeRef};

/// The annotations by which an object asks for DNS names.
///
/// Source: kubernetes-sigs/external-dns, docs/annotations.
const NAMES: [&str; 2] = [
    "external-dns.alpha.kubernetes.io/hostname",
    "external-dns.alpha.kubernetes.io/internal-hostname",
];

pub(super) const FINDING: Finding = Finding {
    code: "dns-claimed-twice",
    severity: Severity::Warning,
    doc: "\
A copy asks ExternalDNS for a DNS name that the object it is made from has.

Two objects then want one record: ExternalDNS publishes the addresses of both, or lets one of them
win, so that production's name leads past the gateway to gray pods.

Remedy: take the annotation out of the copy by a patch, or give it a name of its own.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for key in NAMES {
        let Some(node) = names(made.document, key) else { continue };
        let baseline = made.baseline();
        let had: BTreeSet<&str> = names(baseline, key).map(listed).unwrap_or_default();
        let Some(name) = listed(node).into_iter().find(|name| had.contains(name)) else { continue };
        let warning = Diagnostic::warning(format!(
            "{} asks ExternalDNS for the name `{name}` that {} has: one record would lead to both",
            made.gray.id, made.object.id
        ));
        let remedy = format!(
            "take it out of the patch, or out of the copy by one: `metadata: {{annotations: {{{key}: null}}}}`"
        );
        found.push(at_patch(made, warning, node).remedy(remedy));
    }
    found
}

fn names<'a>(document: &'a Document, key: &str) -> Option<NodeRef<'a>> {
    document.at(&["metadata", "annotations", key])
}

fn listed(node: NodeRef<'_>) -> BTreeSet<&str> {
    let names = node.text().unwrap_or("").split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_patches_that_bring_the_name_back() {
        let named = deployment("").replace(
            "kind: Service\nmetadata: {name: web}",
            "kind: Service\nmetadata: {name: web, annotations: {external-dns.alpha.kubernetes.io/hostname: 'a.example.com,b.example.com'}}",
        );
        assert!(told("dns-claimed-twice", "", &named).is_empty());
        let patch = |name: &str| {
            format!(
                "patches: [{{target: Service/web, merge: {{metadata: {{annotations: {{external-dns.alpha.kubernetes.io/hostname: {name}}}}}}}}}]"
            )
        };
        let found = told("dns-claimed-twice", &patch("b.example.com"), &named);
        assert!(found[0].contains("`b.example.com`"), "{found:?}");
        assert!(told("dns-claimed-twice", &patch("gray.example.com"), &named).is_empty());
    }
}
