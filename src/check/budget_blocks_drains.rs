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
    // A share of all is all of however many there are.
    let is_share_of_all = value
        .strip_suffix('%')
        .is_some_and(|percent| percent.parse::<u64>().is_ok_and(|percent| percent >= 100));
    let way = if key.ends_with("minAvailable") && is_share_of_all {
        "lower `minAvailable` by a patch"
    } else if key.ends_with("minAvailable") {
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
    least(own).filter(|replicas| *replicas > 0)
}

fn least(own: &[&GrayObject]) -> Option<u64> {
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
    if workload.id.kind == "DaemonSet" {
        // It has one on each node, however many these are.
        return None;
    }
    number(workload.document(), path("replicas"), 1)
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
    use crate::check::fixture::{deployment, lane, shown, spec, told};

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

    const BUDGET: &str = "---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
";

    #[test]
    fn pods_of_a_daemon_set_are_not_counted() {
        let baseline = deployment("").replace("kind: Deployment", "kind: DaemonSet") + BUDGET;
        let daemon_set = "workload: DaemonSet/web
      policies: {DaemonSet: copy, PodDisruptionBudget: copy}";
        assert!(told("budget-blocks-drains", daemon_set, &baseline).is_empty());
    }

    #[test]
    fn a_copied_autoscaler_says_how_many_there_are() {
        let of = |policies: &str, least: &str, budget: &str| {
            let scaler = format!(
                "---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: web}}
spec: {{scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}, {least}maxReplicas: 3}}
"
            );
            let budget = BUDGET.replace("minAvailable: 1", budget);
            let release = lane(&spec(policies), &(deployment("") + &scaler + &budget));
            let objects = release.lane.objects.iter();
            let mut kinds = objects.map(|object| object.id.kind.as_str());
            let is_copied = kinds.any(|kind| kind == "PodDisruptionBudget");
            (is_copied, shown("budget-blocks-drains", &release).len())
        };
        let both = "policies: {HorizontalPodAutoscaler: copy, PodDisruptionBudget: copy}";
        assert_eq!(of(both, "minReplicas: 0, ", "minAvailable: 1"), (true, 0), "it may be asleep");
        assert_eq!(of(both, "", "minAvailable: 1"), (true, 1));
        assert_eq!(of(both, "minReplicas: 2, ", "minAvailable: 1"), (true, 0));
        let scaler = "policies: {HorizontalPodAutoscaler: copy}";
        assert_eq!(of(scaler, "minReplicas: 2, ", "minAvailable: 1"), (true, 0));
        assert_eq!(of(scaler, "minReplicas: 2, ", "minAvailable: 2"), (false, 0));
        assert_eq!(of(scaler, "", "minAvailable: 1"), (false, 0));
        assert_eq!(of(scaler, "minReplicas: 0, ", "minAvailable: 1"), (false, 0));
        assert_eq!(of("", "minReplicas: 2, ", "minAvailable: 1"), (false, 0), "it is not copied");
        let named = "copy: [HorizontalPodAutoscaler/web]";
        assert_eq!(of(named, "minReplicas: 2, ", "minAvailable: 1"), (true, 0));
    }

    #[test]
    fn more_replicas_are_told_of_where_they_help() {
        let remedy = |budget: &str| {
            let budget = BUDGET.replace("minAvailable: 1", budget);
            let copy = spec("policies: {PodDisruptionBudget: copy}");
            let release = lane(&copy, &(deployment("") + &budget));
            let mut found = release.findings.iter();
            let found = found.find(|found| found.code == Some("budget-blocks-drains"));
            found.and_then(|found| found.remedy.clone()).unwrap_or_default()
        };
        assert!(remedy("minAvailable: 1").starts_with("give the service more `replicas`"));
        assert!(remedy("minAvailable: 50%").starts_with("give the service more `replicas`"));
        assert!(remedy("minAvailable: 100%").starts_with("lower `minAvailable` by a patch, or"));
        assert!(remedy("maxUnavailable: 0").starts_with("raise `maxUnavailable` by a patch, or"));
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
