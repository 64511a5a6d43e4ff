//! `selector-starved`: a gray selector does not find the gray pods it is for.

use std::slice;

use foldhash::{HashMap, HashSet};

use super::gray::{Gray, at, position};
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::selectors::{SelectorRole, SelectorUse};
use crate::lane::{Facts, GrayObject, selected};

pub(super) const FINDING: Finding = Finding {
    code: "selector-starved",
    severity: Severity::Error,
    doc: "\
A gray Service or workload does not select the gray pods it is for.

A Service without endpoints answers nothing: gateways give 503 for the requests of the lane. A
workload whose selector does not match its own pods is refused by Kubernetes. Copies select the gray
pods of whatever the baseline's object selected, unless a patch says otherwise or the baseline's
selector and labels do not fit each other.

Remedy: take the patch of the selector or of the pod labels out, or correct the baseline's selector.",
    is_fixed: true,
    check: Check::Pods(check),
};

fn check(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let with_pods: HashSet<&ObjectRef> = gray.pods.iter().map(|(object, _)| &object.id).collect();
    let copies = gray.copies();
    let told = gray.selectors.iter().filter_map(|(object, selector)| {
        let owners = || {
            let matched = selected(&gray.index, selector, &object.id.namespace);
            matched.into_iter().map(|number| &gray.pods[number].0.id)
        };
        let message = match selector.role {
            SelectorRole::Workload => {
                let has_pods = with_pods.contains(&object.id);
                if !has_pods || owners().any(|owner| *owner == object.id) {
                    return None;
                }
                misses_own(facts, object)
            }
            SelectorRole::Service => {
                let found: HashSet<&ObjectRef> = owners().collect();
                let missed = led_to(facts, object, &copies).find(|copy| !found.contains(copy))?;
                format!(
                    "the gray {} would not match the gray pods of {missed}, so requests for them fail",
                    object.id
                )
            }
            _ => return None,
        };
        Some(tell(facts, object, selector, message))
    });
    told.collect()
}

/// What is wrong with a workload whose selector misses its own pods.
fn misses_own(facts: &Facts, object: &GrayObject) -> String {
    let matched_own = position(facts, object).is_some_and(|position| {
        facts.selecting(position).any(|selecting| selecting.object == position)
    });
    match matched_own {
        true => format!("the selector of the gray {} does not match its own pods", object.id),
        false => format!(
            "the selector of {} does not match the labels of its own pods: Kubernetes refuses such an object",
            object.baseline().unwrap_or(&object.id)
        ),
    }
}

/// The gray workloads made from those that the original of a gray Service leads to.
fn led_to<'a>(
    facts: &'a Facts,
    service: &GrayObject,
    copies: &'a HashMap<&'a ObjectRef, &'a ObjectRef>,
) -> impl Iterator<Item = &'a ObjectRef> {
    let selectors = position(facts, service).map(|position| facts.selectors_of(position));
    let pods = selectors.into_iter().flatten().flat_map(|original| &original.pods);
    pods.filter_map(|number| copies.get(&facts.object(facts.pods[*number].object).id).copied())
}

fn tell(facts: &Facts, object: &GrayObject, selector: &SelectorUse, message: String) -> Diagnostic {
    let origin = object.baseline().and_then(|id| facts.baseline.get(id));
    at(Diagnostic::error(message), origin, slice::from_ref(&selector.path))
        .remedy("let the baseline's selector ask for labels that its pods have, and take patches of either out")
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_selectors_that_miss_their_own_gray_pods() {
        let tiered = deployment("")
            .replace("labels: {app: web}", "labels: {app: web, tier: front}")
            .replace("{selector: {app: web},", "{selector: {app: web, tier: front},");
        let patch = |tier: &str| {
            format!(
                "patches: [{{target: Deployment/web, merge: {{spec: {{template: {{metadata: {{labels: {{tier: {tier}}}}}}}}}}}}}]"
            )
        };
        let of = |service: &str, baseline: &str| told("selector-starved", service, baseline);
        assert!(of(&patch("front"), &tiered).is_empty());
        assert_eq!(
            of(&patch("back"), &tiered),
            [
                "deploy/all.yaml:16:8: the gray Service/web-mse-gray would not match the gray pods of Deployment/web-mse-gray, so requests for them fail"
            ]
        );
        // What no selector asks for may differ.
        assert!(of(&patch("back"), &deployment("")).is_empty());
        let labels = deployment("").replacen("labels: {app: web}", "labels: {app: wep}", 1);
        let found = of("", &labels);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("the selector of Deployment/web does not match"), "{found:?}");
    }
}
