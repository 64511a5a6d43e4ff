//! `reference-dangling`: a copy names an object that is nowhere.

use super::pod::at;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::references::{Effect, NameForm, Reference};
use crate::lane::Made;

pub(super) const FINDING: Finding = Finding {
    code: "reference-dangling",
    severity: Severity::Warning,
    doc: "\
A gray copy names an object that neither the baseline nor the lane has in its namespace.

Pods that need a ConfigMap, a Secret or a claim that is not there never start; a route or a
StatefulSet that names a Service that is not there leads nowhere. Where the baseline names it too, it
may be made by something that is not in git; so a Secret or a ServiceAccount is told of only if the
lane itself names it, or if the baseline has it in other namespaces alone. Optional references are not
told of.

Remedy: correct the name, let `baseline.paths` lead to the object, or silence the finding where
something else makes it.",
    is_fixed: false,
    check: Check::Copy(check),
};

/// Kinds that stand in git mostly. Others are told of if the lane names them.
const IN_GIT: [&str; 3] = ["ConfigMap", "PersistentVolumeClaim", "Service"];
/// Kinds that only the lane's own words are told of.
const MADE_BY_OTHERS: [&str; 2] = ["Secret", "ServiceAccount"];
/// Objects that every namespace has. Sources: kubernetes.io, "Managing Service Accounts" (`default`)
/// and "Projected Volumes" (the root certificate); istio.io, "Plug in CA Certificates".
const EVERYWHERE: [(&str, &str); 3] = [
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ConfigMap", "istio-ca-root-cert"),
];

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let looked_at = |reference: &&Reference| {
        let target = &reference.target;
        let is_plain = matches!(reference.form, NameForm::Name | NameForm::NamespacedName);
        let kinds = IN_GIT.iter().chain(&MADE_BY_OTHERS);
        is_plain
            && !reference.optional
            && reference.effect == Effect::Uses
            && target.group.is_empty()
            && target.namespace == made.object.id.namespace
            && kinds.into_iter().any(|kind| *kind == target.kind)
            && !EVERYWHERE.contains(&(&target.kind, &target.name))
    };
    made.references
        .iter()
        .filter(looked_at)
        .filter(|reference| !is_there(made, &reference.target))
        .filter_map(|reference| tell(made, reference))
        .collect()
}

fn is_there(made: &Made<'_>, id: &ObjectRef) -> bool {
    let baseline = &made.facts.baseline;
    made.copied.gray_name(id).is_some()
        || made.copied.is_copy(&id.kind, &id.name)
        || baseline.position(id).is_some()
        || baseline.position_of_gray(id).is_some()
        || is_made(made, id)
}

/// Whether something in git makes the object.
///
/// Sources: external-secrets.io, "ExternalSecret" (`target.name` is its own name by default);
/// bitnami-labs/sealed-secrets, README; the table of references for the others.
fn is_made(made: &Made<'_>, id: &ObjectRef) -> bool {
    let facts = made.facts;
    let is_namesake = |kind| facts.named(kind, &id.name).next().is_some();
    if id.kind == "Secret" && (is_namesake("ExternalSecret") || is_namesake("SealedSecret")) {
        return true;
    }
    facts.is_made(id)
}

fn tell(made: &Made<'_>, reference: &Reference) -> Option<Diagnostic> {
    let target = &reference.target;
    let elsewhere: Vec<&ObjectRef> = made
        .facts
        .named(&target.kind, &target.name)
        .map(|position| &made.facts.object(position).id)
        .filter(|id| id.group == target.group)
        .collect();
    // Where the manifest names no namespace, the object may well be beside it.
    if !elsewhere.is_empty() && target.namespace.is_empty() {
        return None;
    }
    let node = made.document.find(&reference.path);
    let of_baseline = made.baseline();
    let is_own = of_baseline.find(&reference.path).and_then(|node| node.text())
        != Some(target.name.as_str());
    if elsewhere.is_empty() && !is_own && !IN_GIT.contains(&target.kind.as_str()) {
        return None;
    }
    let message = match elsewhere.first() {
        Some(id) => format!(
            "the copy of {} names {target}, which the baseline has in the namespace `{}` only",
            made.object.id, id.namespace
        ),
        None => format!(
            "the copy of {} names {target}, which neither the baseline nor the lane has",
            made.object.id
        ),
    };
    let warning = Diagnostic::warning(message);
    // What a patch has written has no place of its own.
    let patches = &made.service.patches;
    let patch = patches.iter().rfind(|patch| {
        let (patched, id) = (&patch.target, &made.object.id);
        is_own && (&patched.kind, &patched.name) == (&id.kind, &id.name)
    });
    let warning = match patch {
        Some(patch) => warning.at(patch.place.clone()),
        None => at(made, warning, node),
    };
    let remedy = match elsewhere.first() {
        Some(_) => "set `spec.namespace` to the namespace both are in, or copy the object there",
        None => {
            "correct the name, or let `baseline.paths` lead to it; silence this where something outside of git makes it"
        }
    };
    Some(warning.remedy(remedy))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, shown, spec, told};

    fn volume(what: &str) -> String {
        deployment(&format!("volumes: [{{name: v, {what}}}]"))
    }

    const CONFIG: &str = "---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
";

    #[test]
    fn told_of_objects_that_are_nowhere() {
        let told = |baseline: &str| told("reference-dangling", "", baseline);
        let config = volume("configMap: {name: web}");
        let found = told(&config);
        assert!(found[0].contains("names ConfigMap/web, which neither"), "{found:?}");
        assert!(found[0].starts_with("deploy/all.yaml:9:39: "), "{found:?}");
        assert!(told(&format!("{config}{CONFIG}")).is_empty());
        assert!(told(&volume("configMap: {name: web, optional: true}")).is_empty());
        assert!(told(&volume("configMap: {name: kube-root-ca.crt}")).is_empty());
        assert_eq!(told(&volume("persistentVolumeClaim: {claimName: web}")).len(), 1);
        // Others make these.
        assert!(told(&volume("secret: {secretName: web}")).is_empty());
        assert!(told(&deployment("serviceAccountName: web")).is_empty());
    }

    #[test]
    fn what_the_lane_itself_names_is_told_of() {
        let patch = |name: &str| {
            format!(
                "patches: [{{target: Deployment/web, merge: {{spec: {{template: {{spec: {{volumes: [{{name: v, secret: {{secretName: {name}}}}}]}}}}}}}}}}]"
            )
        };
        let found =
            told("reference-dangling", &patch("other"), &volume("secret: {secretName: web}"));
        assert!(found[0].starts_with("graylane.yaml:11:"), "{found:?}");
        assert!(found[0].contains("names Secret/other"), "{found:?}");
    }

    #[test]
    fn told_of_objects_of_other_namespaces() {
        let baseline = format!(
            "{}{}",
            volume("secret: {secretName: web}"),
            CONFIG
                .replace("ConfigMap", "Secret")
                .replace("name: web", "name: web, namespace: prod")
        );
        let of = |namespace: &str| {
            let spec = spec("").replace("  baseline:", &format!("{namespace}  baseline:"));
            shown("reference-dangling", &lane(&spec, &baseline))
        };
        let found = of("  namespace: other\n");
        assert!(found[0].contains("in the namespace `prod` only"), "{found:?}");
        assert!(of("  namespace: prod\n").is_empty());
        assert!(of("").is_empty());
    }
}
