//! `injection-gap`: containers are injected into the baseline's pods and not into the gray ones.

use std::slice;

use super::gray::{Gray, at};
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::selectors::SelectorRole;
use crate::lane::SERVICE_NAME;

pub(super) const FINDING: Finding = Finding {
    code: "injection-gap",
    severity: Severity::Warning,
    doc: "\
A SidecarSet injects containers into pods of the baseline and not into their gray copies.

Labels that selectors of the baseline ask for are replaced on gray pods, so the selector of a
SidecarSet no longer matches them: they start without the log agent, the proxy or the keys that the
baseline's pods have beside them.

Remedy: let the SidecarSet select the gray pods too, or have a second one for lanes: all gray pods of a
service have the label `zadigx-release-service-name: NAME`.",
    is_fixed: false,
    check: Check::Pods(check),
};

fn check(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let injecting = facts.selectors.iter();
    let mut injecting =
        injecting.filter(|each| each.selector.role == SelectorRole::Injection).peekable();
    if injecting.peek().is_none() {
        return Vec::new();
    }
    let copies = gray.copies();
    let mut found = Vec::new();
    // Whether one for lanes injects the same is not looked at.
    let injected = gray.found_by(facts, injecting.clone());
    for selecting in injecting {
        let owner = facts.object(selecting.object);
        let owners = selecting.pods.iter().map(|pod| facts.object(facts.pods[*pod].object));
        let mut lost = owners
            .filter_map(|owner| copies.get(&owner.id).copied())
            .filter(|copy| !injected.has(selecting.object, copy));
        let Some(first) = lost.next() else { continue };
        let more = match lost.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let warning = Diagnostic::warning(format!(
            "{} injects containers into the baseline's pods, and not into the gray ones of {first}{more}",
            owner.id
        ));
        let warning = at(warning, Some(owner), slice::from_ref(&selecting.selector.path));
        found.push(warning.remedy(format!(
            "let its selector match gray pods too, or have a second one that asks for `{SERVICE_NAME}`"
        )));
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    fn set(name: &str, spec: &str) -> String {
        format!(
            "---\napiVersion: apps.kruise.io/v1alpha1\nkind: SidecarSet\nmetadata: {{name: {name}}}\nspec: {spec}\n"
        )
    }

    fn of(spec: &str) -> Vec<String> {
        told("injection-gap", "", &(deployment("") + &set("log", spec)))
    }

    #[test]
    fn told_of_gray_pods_that_nothing_is_injected_into() {
        let found = of("{selector: {matchLabels: {app: web}}}");
        assert_eq!(
            found,
            [
                "deploy/all.yaml:21:8: SidecarSet/log injects containers into the baseline's pods, and not into the gray ones of Deployment/web-mse-gray"
            ]
        );
        let both = "{selector: {matchExpressions: [{key: app, operator: Exists}]}}";
        assert!(of(both).is_empty());
        assert!(of("{selector: {matchLabels: {app: api}}}").is_empty());
        assert!(of("{namespace: other, selector: {matchLabels: {app: web}}}").is_empty());
    }

    #[test]
    fn only_one_for_lanes_makes_up_for_another() {
        let log = "{matchLabels: {app: web}}";
        for (proxy, count) in [
            // It is in the baseline's pods as well, so it is not in place of the first.
            ("{matchExpressions: [{key: app, operator: Exists}]}", 1),
            ("{matchLabels: {zadigx-release-service-name: web}}", 0),
            ("{matchLabels: {app: other}}", 1),
            // It finds the gray pods by chance.
            ("{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}", 1),
        ] {
            let sets = set("log", &format!("{{selector: {log}}}"))
                + &set("proxy", &format!("{{selector: {proxy}}}"));
            let found = told("injection-gap", "", &(deployment("") + &sets));
            assert_eq!(found.len(), count, "{proxy}: {found:?}");
        }
    }
}
