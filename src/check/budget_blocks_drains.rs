//! `budget-blocks-drains`: a copied budget lets none of the gray pods go.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::kube::budgets::{blocking_field, is_budget};
use crate::lane::GrayObject;
use crate::yaml::{Document, NodeRef, Path};

pub(super) const FINDING: Finding = Finding {
    code: "budget-blocks-drains",
    severity: Severity::Warning,
    doc: "\
The copy of a budget lets none of the gray pods be evicted.

A lane mostly has fewer pods than its baseline. Where a `minAvailable` of the baseline is all of them, or
more, or `maxUnavailable` is 0, the eviction API refuses every one: nodes with gray pods cannot be
drained, and upgrades of the cluster wait for somebody to notice. By default such a budget is left out.

Remedy: give the service more `replicas`, lower `minAvailable` in the copy by a patch, or leave the
budget out, as the default policy does where it can tell.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let objects = subject.lane.objects.iter();
    let budgets: Vec<&GrayObject> = objects.filter(|object| is_budget(&object.id)).collect();
    if budgets.is_empty() {
        return Vec::new();
    }
    let mut of_service: HashMap<&str, Vec<&GrayObject>> = HashMap::new();
    for object in &subject.lane.objects {
        of_service.entry(&object.service).or_default().push(object);
    }
    let tell =
        |budget: &GrayObject| tell(subject, budget, of_service.get(budget.service.as_str())?);
    budgets.into_iter().filter_map(tell).collect()
}

/// What is wrong with a budget; `own` are the objects of its service.
fn tell(subject: &Subject<'_>, budget: &GrayObject, own: &[&GrayObject]) -> Option<Diagnostic> {
    let replicas = replicas(own)?;
    let document = budget.document()?;
    let field = blocking_field(document.root(), replicas)?;
    let value = document.find(&field).and_then(NodeRef::text)?;
    let are = if replicas == 1 { "is 1".to_owned() } else { format!("are {replicas}") };
    let key = field.to_string();
    let id = budget.baseline()?;
    let way = if key.ends_with("minAvailable") {
        "give the service more `replicas` (with an autoscaler, more `minReplicas`), lower `minAvailable` by a patch"
    } else {
        "raise `maxUnavailable` by a patch"
    };
    let remedy =
        format!("{way}, or leave the budget out: `policies: {{{}/{}: skip}}`", id.kind, id.name);
    let warning = Diagnostic::warning(format!(
        "{} lets no gray pod of `{}` be evicted, of which there {are} (`{key}: {value}`): no node that runs one can be drained",
        budget.id, budget.service
    ));
    Some(warning.at(place(subject, budget, &field, value)).remedy(remedy))
}

/// How many gray pods a service with these objects has at least, where that can be known and there are any.
fn replicas(own: &[&GrayObject]) -> Option<u64> {
    let number = |document: Option<Arc<Document>>, path: Path, default| {
        let said = document?.find(&path).and_then(NodeRef::text).map(str::to_owned);
        said.map_or(Some(default), |text| text.parse().ok())
    };
    let path = |field: &'static str| Path::keys(["spec", field]);
    if let Some(scaler) = own.iter().find(|object| object.id.kind == "HorizontalPodAutoscaler") {
        return number(scaler.document(), path("minReplicas"), 1);
    }
    if own.iter().any(|object| object.id.kind == "ScaledObject") {
        // It scales to none where nothing is to be done.
        return None;
    }
    let workload = own.iter().find(|object| !object.pods.is_empty())?;
    number(workload.document(), path("replicas"), 1).filter(|replicas| *replicas > 0)
}

/// The field in the baseline; where a patch has written it, the patch.
fn place(subject: &Subject<'_>, budget: &GrayObject, field: &Path, value: &str) -> Option<Place> {
    let id = budget.baseline()?;
    let object = subject.facts.baseline.get(id)?;
    let document = object.document();
    let there = document.find(field).filter(|node| node.text() == Some(value));
    let service = subject.release.services.iter().find(|service| service.name == budget.service);
    let patches = service.into_iter().flat_map(|service| service.patches.iter().rev());
    let mut patches =
        patches.filter(|patch| (&patch.target.kind, &patch.target.name) == (&id.kind, &id.name));
    let patch = || patches.next().map(|patch| patch.place.clone());
    there.and_then(NodeRef::place).or_else(patch).or_else(|| object.place())
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    fn told_of(spec: &str, service: &str) -> Vec<String> {
        let baseline = format!(
            "{}---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: web}}
spec:
  {spec}
  selector: {{matchLabels: {{app: web}}}}
",
            deployment("")
        );
        told("budget-blocks-drains", service, &baseline)
    }

    #[test]
    fn told_of_copied_budgets_that_let_no_gray_pod_go() {
        let copy = "policies: {PodDisruptionBudget: copy}";
        let found = told_of("minAvailable: 2", copy);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("deploy/all.yaml:22:"), "{found:?}");
        assert!(
            found[0].contains("no gray pod of `web` be evicted, of which there is 1 ("),
            "{found:?}"
        );
        assert!(found[0].contains("`spec.minAvailable: 2`"), "{found:?}");
        assert_eq!(told_of("maxUnavailable: 0", copy).len(), 1);
        assert_eq!(told_of("maxUnavailable: 1", copy).len(), 0);
        assert_eq!(told_of("minAvailable: 2", "").len(), 0, "it is left out");
        let more = |replicas: u8| format!("{copy}\n      replicas: {replicas}");
        assert_eq!(told_of("minAvailable: 2", &more(2)).len(), 1);
        assert_eq!(told_of("minAvailable: 2", &more(3)).len(), 0);
        assert_eq!(told_of("minAvailable: 2", &more(0)).len(), 0, "there is nothing to evict");
    }

    #[test]
    fn patches_count() {
        let patched = |target: &str, merge: &str| {
            let patch = format!("{{target: {target}/web, merge: {{spec: {{{merge}}}}}}}");
            format!("policies: {{PodDisruptionBudget: copy}}\n      patches: [{patch}]")
        };
        let lower = patched("PodDisruptionBudget", "minAvailable: 0");
        assert_eq!(told_of("minAvailable: 2", &lower).len(), 0);
        let higher = patched("PodDisruptionBudget", "minAvailable: 1");
        let found = told_of("minAvailable: 0", &higher);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("graylane.yaml:12:"), "{found:?}");
    }
}
