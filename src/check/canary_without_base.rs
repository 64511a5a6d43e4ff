//! `canary-without-base`: a canary Ingress for which the gateway finds no route of the baseline.

use std::collections::HashSet;

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::{self, Base, class_of};
use crate::yaml::NodeRef;

pub(super) const FINDING: Finding = Finding {
    code: "canary-without-base",
    severity: Severity::Warning,
    doc: "\
A canary Ingress has a host, path and path type for which the baseline has no route.

ingress-nginx, Higress and the gateways made of it look for an Ingress of the same host, path and path
type that is no canary itself; where there is none they drop the canary, and no request is gray there.
The canary is made from the baseline's Ingress, so mostly a patch has changed one of the three.

Remedy: take them out of the patch and change them in the baseline; or let `baseline.paths` lead to
the Ingress that has them.",
    is_fixed: false,
    check: Check::Lane(check),
};

/// What a gateway finds the base of a canary by: class, host, path and path type.
type Key = (String, String, String, String);

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let mut all: [Option<HashSet<Key>>; 2] = [None, None];
    let mut found = Vec::new();
    for (entry, object) in subject.lane.routes() {
        let normalised = match gateway::of(entry.gateway).capabilities().base {
            Base::HostPathAndType => false,
            Base::HostPathAndTypeNormalised => true,
            Base::HostAndPath | Base::NotNeeded => continue,
        };
        let Some(document) = object.document() else { continue };
        let wanted = keys(document.root(), normalised);
        let made_from = object.baseline().and_then(|id| facts.baseline.get(id));
        let own = made_from.map(|made_from| keys(made_from.document().root(), normalised));
        let own: HashSet<Key> = own.into_iter().flatten().collect();
        for key in wanted.into_iter().filter(|key| !own.contains(key)) {
            let all =
                all[usize::from(normalised)].get_or_insert_with(|| bases(subject, normalised));
            if all.contains(&key) {
                continue;
            }
            let (class, host, path, kind) = &key;
            let host = if host.is_empty() { "*" } else { host };
            let warning = Diagnostic::warning(format!(
                "the canary of `{}` has no base: the baseline routes no {kind} path `{path}` of the host `{host}` by the class `{class}`, so the gateway drops it",
                entry.service
            ));
            let remedy = "take host, path, path type and class out of the patches; the canary has to have the baseline's";
            found.push(warning.at(entry.place.clone()).remedy(remedy));
        }
    }
    found
}

/// All that canaries can stand beside.
fn bases(subject: &Subject<'_>, normalised: bool) -> HashSet<Key> {
    let objects = subject.facts.baseline.objects().iter().enumerate();
    objects
        .filter(|(position, object)| {
            object.id.kind == "Ingress" && !subject.facts.is_canary(*position)
        })
        .flat_map(|(_, object)| keys(object.document().root(), normalised))
        .collect()
}

/// What the paths of an Ingress are found by.
///
/// Sources: kubernetes/ingress-nginx, internal/ingress/controller/controller.go
/// (`mergeAlternativeBackends`) and internal/k8s/main.go (`SetDefaultNGINXPathType`); alibaba/higress,
/// pkg/ingress/kube/ingressv1/controller.go. To both a missing type and `ImplementationSpecific` are
/// `Prefix`, which at Higress loses a `/` at its end.
fn keys(root: NodeRef<'_>, normalised: bool) -> Vec<Key> {
    let class = class_of(root).unwrap_or_default();
    let rules = root.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items);
    let mut keys = Vec::new();
    for rule in rules {
        let host = rule.get("host").and_then(NodeRef::as_str).unwrap_or_default();
        for path in rule.at(&["http", "paths"]).into_iter().flat_map(NodeRef::items) {
            let text = |key: &str| path.get(key).and_then(NodeRef::as_str);
            let kind = if text("pathType") == Some("Exact") { "Exact" } else { "Prefix" };
            let value = text("path").filter(|path| !path.is_empty()).unwrap_or("/");
            let trimmed = value.trim_end_matches('/');
            let value = match kind {
                "Prefix" if normalised => {
                    if trimmed.is_empty() {
                        "/"
                    } else {
                        trimmed
                    }
                }
                _ => value,
            };
            keys.push((class.to_owned(), host.to_owned(), value.to_owned(), kind.to_owned()));
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{ENTRY, INGRESS, deployment, lane, shown, spec};

    fn told(class: &str, replaced: &str, value: &str, more: &str) -> Vec<String> {
        let patch = format!(
            "patches: [{{target: Ingress/web, json: [{{op: replace, path: {replaced}, value: {value}}}]}}]"
        );
        let spec = spec(&format!("{ENTRY}\n      {patch}"));
        let spec = spec.replace("class: mse", &format!("class: {class}"));
        let baseline = format!("{}{INGRESS}{more}", deployment(""));
        shown("canary-without-base", &lane(&spec, &baseline))
    }

    #[test]
    fn told_of_canaries_that_the_gateway_drops() {
        let host = "/spec/rules/0/host";
        let path = "/spec/rules/0/http/paths/0/path";
        let kind = "/spec/rules/0/http/paths/0/pathType";
        for class in ["mse", "nginx", "higress"] {
            let found = told(class, host, "gray.example.com", "");
            assert!(found[0].contains("`gray.example.com`"), "{class}: {found:?}");
            assert!(told(class, host, "example.com", "").is_empty(), "{class}");
            assert_eq!(told(class, path, "/gray", "").len(), 1, "{class}");
            assert_eq!(told(class, kind, "Exact", "").len(), 1, "{class}");
        }
        // All read both as a prefix.
        for class in ["mse", "nginx", "higress"] {
            assert!(told(class, kind, "ImplementationSpecific", "").is_empty(), "{class}");
        }
        // The rule of ALB stands for itself.
        assert!(told("alb", host, "gray.example.com", "").is_empty());
    }

    #[test]
    fn another_ingress_can_be_the_base_unless_it_is_a_canary() {
        let other = INGRESS
            .replace("metadata: {name: web}", "metadata: {name: other}")
            .replace("service: {name: web", "service: {name: other")
            .replace("example.com", "gray.example.com");
        let told = |more: &str| told("mse", "/spec/rules/0/host", "gray.example.com", more);
        assert_eq!(told(&other).len(), 0);
        let canary = other.replace(
            "{name: other}",
            "{name: other, annotations: {nginx.ingress.kubernetes.io/canary: 'true', nginx.ingress.kubernetes.io/canary-weight: '1'}}",
        );
        assert_eq!(told(&canary).len(), 1);
    }
}
