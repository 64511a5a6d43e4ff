//! `selector-leak`: a selector of one side matches pods of the other.

use std::collections::BTreeMap;
use std::slice;

use foldhash::HashSet;
use rayon::prelude::*;

use super::gray::{Gray, at, left_out, position};
use super::version_label::{is_unlabelled, leads_to_pods, serves};
use super::{Check, Finding, Subject, label};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::scaling::scales;
use crate::kube::selectors::{SelectorForm, SelectorRole};
use crate::lane::{Facts, ORIGINAL, Selecting, TYPE, VERSION, counts_pods, near_version, selected};
use crate::spec::Isolation;

pub(super) const FINDING: Finding = Finding {
    code: "selector-leak",
    severity: Severity::Error,
    doc: "\
A selector of the baseline matches gray pods, or a gray selector matches baseline pods.

A Service would send baseline traffic to gray pods (or the other way round), a workload, an
autoscaler or a monitor would count them, a disruption budget would protect too few. Selectors are
conjunctions: labels that are added to gray pods never take them out of a selector, so a value that
the selector asks for must differ.

Remedy: let every selector of the baseline ask for `zadigx-release-version: original` and label its
pods so, all that a Service leads to, or use `isolation: relabel`, which replaces the values the
selectors ask for on gray pods.
The selector of a Deployment cannot be changed once it exists: it must be deleted and created again.",
    is_fixed: true,
    check: Check::Pods(check),
};

fn check(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let (mut found, baseline) = rayon::join(
        || baseline_selects_gray(subject, gray),
        || gray_selects_baseline(subject, gray),
    );
    found.extend(baseline);
    found.extend(gray_selects_other_gray(subject, gray));
    found
}

fn baseline_selects_gray(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let counting = subject.facts.selectors.par_iter();
    let origins = gray.pods.iter().filter_map(|(object, _)| position(subject.facts, object));
    let origins: HashSet<usize> = origins.collect();
    // A monitor that finds no pod of the baseline is there for those of lanes.
    let is_of_lanes = |selecting: &Selecting| {
        selecting.selector.role == SelectorRole::PodMonitor && selecting.pods.is_empty()
    };
    let counting = counting
        .filter(|selecting| counts_pods(selecting.selector.role) && !is_of_lanes(selecting));
    let leaking = counting.filter_map(|selecting| {
        let owner = subject.facts.object(selecting.object);
        let leaks = selected(&gray.index, &selecting.selector, &owner.id.namespace);
        let (first, _) = leaks.first().map(|number| &gray.pods[*number])?;
        let more =
            if leaks.len() > 1 { format!(" and {} more", leaks.len() - 1) } else { String::new() };
        let diagnostic = Diagnostic::error(format!(
            "{} would match the gray pods of {}{more}: {}",
            owner.id,
            first.id,
            consequence(scaling(subject.facts, owner), selecting.selector.role, "gray pods")
        ));
        let paths = slice::from_ref(&selecting.selector.path);
        Some(at(diagnostic, Some(owner), paths).remedy(remedy(subject, selecting, &origins)))
    });
    leaking.collect()
}

/// What scales a workload by the pods that its selector matches.
fn scaling<'a>(facts: &'a Facts, workload: &Object) -> Option<&'a ObjectRef> {
    let referrers = facts.referrers(&workload.id).iter();
    referrers.map(|position| &facts.object(*position).id).find(|id| scales(id))
}

/// What becomes of pods that a selector of this role takes for its own.
pub(super) fn consequence(scaling: Option<&ObjectRef>, role: SelectorRole, whose: &str) -> String {
    match (role, scaling) {
        (SelectorRole::Service | SelectorRole::ServiceEntry, _) => {
            format!("it would send its traffic to {whose} too")
        }
        (SelectorRole::Workload, Some(id)) => {
            format!("it and {id} would count {whose} as their own")
        }
        (SelectorRole::Workload, None) => format!("it would count {whose} as its own"),
        (SelectorRole::DisruptionBudget, _) => {
            format!("it would count {whose} as healthy ones of its own")
        }
        _ => format!("it would watch {whose} as its own"),
    }
}

/// The lines that make a baseline selector ask for its own version, or leave out all gray pods where
/// it takes pods that say of no version that they are it. `origins` are the workloads that the lane
/// has copies of: whether they have the label is told apart.
fn remedy(subject: &Subject<'_>, selecting: &Selecting, origins: &HashSet<usize>) -> String {
    let (selector, isolation) = (&selecting.selector, subject.release.isolation);
    let path = selector.path.to_string();
    if let Some(near) =
        near_version(selector.selector.requirements.iter().map(|each| each.key.as_str()))
    {
        return format!(
            "`{path}` asks for `{near}`; did you mean `{VERSION}: {ORIGINAL}`?{}",
            otherwise(isolation)
        );
    }
    let lines = match selector.form {
        SelectorForm::Plain => format!("  {VERSION}: {ORIGINAL}"),
        SelectorForm::LabelSelector => format!("  matchLabels:\n    {VERSION}: {ORIGINAL}"),
    };
    let facts = subject.facts;
    let would_lose = |number: &usize| {
        let pods = &facts.pods[*number];
        match isolation {
            Isolation::VersionLabel => {
                is_unlabelled(facts, *number) && !origins.contains(&pods.object)
            }
            Isolation::Auto | Isolation::Relabel => {
                label(&pods.labels, VERSION).as_deref() != Some(ORIGINAL)
            }
        }
    };
    let lost: Vec<usize> = selecting.pods.iter().copied().filter(would_lose).collect();
    if selector.form == SelectorForm::LabelSelector
        && selector.role != SelectorRole::Workload
        && !lost.is_empty()
    {
        return format!(
            "add to `{path}`:\n  matchExpressions:\n    - {{key: {TYPE}, operator: DoesNotExist}}{}",
            otherwise(isolation)
        );
    }
    let first = match leads_to_pods(selector) {
        true => labelled_first(facts, &lost),
        false => String::new(),
    };
    let note = if selector.role == SelectorRole::Workload {
        "\nand the same label to its pod template; the selector of a running workload cannot be changed, \
         so it must be deleted and created again"
    } else {
        ""
    };
    format!("{first}add to `{path}`:\n{lines}{note}{}", otherwise(isolation))
}

/// What has to be labelled before a Service asks for the label: it would lead to these pods no more.
fn labelled_first(facts: &Facts, lost: &[usize]) -> String {
    const NAMED: usize = 5;
    let mut at = BTreeMap::<String, Vec<String>>::new();
    let is_named = |number: &&usize| serves(facts, **number) && is_unlabelled(facts, **number);
    for number in lost.iter().filter(is_named) {
        let pods = &facts.pods[*number];
        let named = at.entry(pods.template.labels().to_string()).or_default();
        named.push(facts.object(pods.object).id.to_string());
    }
    let mut text = String::new();
    for (path, named) in &at {
        let more = match named.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named: Vec<&str> = named.iter().take(NAMED).map(String::as_str).collect();
        text.push_str(&format!(
            "first label the pods of {}{more}, which get no traffic without it, at `{path}`:\n  {VERSION}: {ORIGINAL}\n",
            named.join(", ")
        ));
    }
    if !text.is_empty() {
        text.push_str("then ");
    }
    text
}

/// What helps besides; the other modes have replaced all that could be.
fn otherwise(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::VersionLabel => "\nor set `isolation: relabel` in the spec",
        Isolation::Auto | Isolation::Relabel => "",
    }
}

fn gray_selects_baseline(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let counting = gray.selectors.iter().filter(|(_, selector)| counts_pods(selector.role));
    for (object, selector) in counting {
        let leaks = selected(&subject.facts.index, selector, &object.id.namespace);
        let Some(pods) = leaks.first().map(|number| &subject.facts.pods[*number]) else { continue };
        let baseline = subject.facts.object(pods.object);
        let diagnostic = Diagnostic::error(format!(
            "the gray {} would match the baseline pods of {}: {}",
            object.id,
            baseline.id,
            consequence(None, selector.role, "baseline pods")
        ));
        let origin = object.baseline().and_then(|id| subject.facts.baseline.get(id));
        let paths = slice::from_ref(&selector.path);
        let id = object.baseline().unwrap_or(&object.id);
        found.push(at(diagnostic, origin, paths).remedy(format!(
            "{}{}",
            left_out(subject.release, id, "skip"),
            otherwise(subject.release.isolation)
        )));
    }
    found
}

/// A gray workload that would own gray pods of another one.
fn gray_selects_other_gray(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let workloads =
        gray.selectors.iter().filter(|(_, selector)| selector.role == SelectorRole::Workload);
    let told = workloads.filter_map(|(object, selector)| {
        let matched = selected(&gray.index, selector, &object.id.namespace);
        let mut owners = matched.iter().map(|number| &gray.pods[*number].0.id);
        let other = owners.find(|owner| **owner != object.id)?;
        let message = format!("the gray {} would match the gray pods of {other} too", object.id);
        let origin = object.baseline().and_then(|id| facts.baseline.get(id));
        let told = at(Diagnostic::error(message), origin, slice::from_ref(&selector.path));
        Some(told.remedy("let the baseline's selector ask for labels that its pods alone have"))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, shown, spec, told};

    const SCALER: &str = "---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
";

    #[test]
    fn told_of_whatever_would_count_or_reach_gray_pods() {
        let of = |isolation: &str, baseline: &str| {
            let isolation = format!("tag: gray\n  isolation: {isolation}");
            shown("selector-leak", &lane(&spec("").replace("tag: gray", &isolation), baseline))
        };
        let baseline = deployment("") + SCALER;
        let found = of("version-label", &baseline);
        assert_eq!(
            found,
            [
                "deploy/all.yaml:5:3: Deployment/web would match the gray pods of Deployment/web-mse-gray: it and HorizontalPodAutoscaler/web would count gray pods as their own",
                "deploy/all.yaml:16:8: Service/web would match the gray pods of Deployment/web-mse-gray: it would send its traffic to gray pods too",
            ]
        );
        assert!(of("relabel", &baseline).is_empty());
        let labelled =
            baseline.replace("{app: web}", "{app: web, zadigx-release-version: original}");
        assert!(of("version-label", &labelled).is_empty());
    }

    #[test]
    fn the_pods_of_a_service_entry_are_its_endpoints() {
        let entry = |labels: &str| {
            format!(
                "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: web}}\nspec: {{hosts: [web.internal], workloadSelector: {{labels: {labels}}}}}\n"
            )
        };
        let original = "{app: web, zadigx-release-version: original}";
        let baseline = deployment("").replace("{app: web}", original);
        let of = |isolation: &str, labels: &str| {
            let isolation = format!("tag: gray\n  isolation: {isolation}");
            let spec = spec("").replace("tag: gray", &isolation);
            shown("selector-leak", &lane(&spec, &(baseline.clone() + &entry(labels))))
        };
        assert_eq!(
            of("version-label", "{app: web}"),
            [
                "deploy/all.yaml:21:50: ServiceEntry/web would match the gray pods of Deployment/web-mse-gray: it would send its traffic to gray pods too"
            ]
        );
        for (isolation, labels) in
            [("version-label", original), ("relabel", "{app: web}"), ("auto", "{app: web}")]
        {
            assert!(of(isolation, labels).is_empty(), "{isolation}");
        }
    }

    #[test]
    fn told_of_selectors_that_nothing_separates() {
        let counting = |kind: &str, selector: &str| {
            let object =
                format!("---\n{kind}\nmetadata: {{name: all}}\nspec: {{selector: {selector}}}\n");
            told("selector-leak", "", &(deployment("") + &object))
        };
        let budget = "apiVersion: policy/v1\nkind: PodDisruptionBudget";
        let monitor = "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor";
        for (kind, counted, of_gray_alone) in
            [(budget, "as healthy ones of its own", 1), (monitor, "as its own", 0)]
        {
            let exists = "{matchExpressions: [{key: app, operator: Exists}]}";
            let found = counting(kind, exists);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].ends_with(&format!("gray pods {counted}")), "{found:?}");
            assert_eq!(counting(kind, "{}").len(), 1);
            assert!(counting(kind, "{matchLabels: {app: web}}").is_empty());
            let original = exists.replace("app", "zadigx-release-version");
            assert_eq!(counting(kind, &original).len(), of_gray_alone);
        }
    }

    #[test]
    fn the_remedy_keeps_the_pods_that_the_selector_is_for() {
        let budget = |selector: &str| {
            format!(
                "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: all}}\nspec:\n  selector:\n    {selector}\n"
            )
        };
        let remedy = |baseline: &str| {
            let release = lane(&spec(""), baseline);
            let found = release.findings.iter().find(|found| found.code == Some("selector-leak"));
            found.and_then(|found| found.remedy.clone()).unwrap_or_default()
        };
        let exists = "matchLabels: {}\n";
        let expression =
            "  matchExpressions:\n    - {key: zadigx-release-type, operator: DoesNotExist}";
        let baseline = deployment("");
        assert_eq!(
            remedy(&(baseline.clone() + &budget(exists))),
            format!("add to `spec.selector`:\n{expression}")
        );
        let mended = budget(&format!("{exists}{}", expression.replace("  match", "    match")));
        assert_eq!(remedy(&(baseline.clone() + &mended)), "");
        let labelled =
            baseline.replace("{app: web}", "{app: web, zadigx-release-version: original}");
        assert!(remedy(&(labelled + &budget(exists))).contains("zadigx-release-version: original"));
    }

    #[test]
    fn the_remedy_labels_pods_beside_before_a_service_asks_for_it() {
        let beside = |name: &str, labels: &str| {
            format!(
                "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: web, v: {name}}}}}\n  template:\n    metadata: {{labels: {{app: web, v: {name}{labels}}}}}\n    spec: {{containers: [{{name: web, image: web:1}}]}}\n"
            )
        };
        let budget = "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {selector: {matchLabels: {app: web}}}\n";
        let remedy = |of: &str, baseline: &str| {
            let spec = spec("").replace("tag: gray", "tag: gray\n  isolation: version-label");
            let release = lane(&spec, &(deployment("") + budget + baseline));
            let mut found = release.findings.iter();
            let found = found
                .find(|found| found.code == Some("selector-leak") && found.message.starts_with(of));
            found.and_then(|found| found.remedy.clone()).unwrap_or_default()
        };
        let line = "  zadigx-release-version: original";
        let otherwise = "\nor set `isolation: relabel` in the spec";
        let alone = format!("add to `spec.selector`:\n{line}{otherwise}");
        let first = |named: &str| {
            format!(
                "first label the pods of {named}, which get no traffic without it, at `spec.template.metadata.labels`:\n{line}\nthen {alone}"
            )
        };
        let (v2, v3) = (beside("v2", ""), beside("v3", ""));
        assert_eq!(remedy("Service/web", ""), alone);
        assert_eq!(remedy("Service/web", &v2), first("Deployment/v2"));
        assert_eq!(
            remedy("Service/web", &(v2.clone() + &v3)),
            first("Deployment/v2, Deployment/v3")
        );
        let labelled = beside("v2", ", zadigx-release-version: original");
        assert_eq!(remedy("Service/web", &labelled), alone);
        let job = v2.replace("apps/v1\nkind: Deployment", "batch/v1\nkind: Job");
        assert_eq!(remedy("Service/web", &job), alone);
        // A budget need not wait for labels.
        assert!(remedy("PodDisruptionBudget/web", "").contains("matchLabels"));
        assert_eq!(
            remedy("PodDisruptionBudget/web", &v2),
            format!(
                "add to `spec.selector`:\n  matchExpressions:\n    - {{key: zadigx-release-type, operator: DoesNotExist}}{otherwise}"
            )
        );
    }

    #[test]
    fn told_of_gray_selectors_that_reach_the_baseline() {
        let copied = "copy: [Service/api]";
        let api = deployment("").replace("web", "api");
        let found = told("selector-leak", copied, &(deployment("") + "---\n" + &api));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains(
                "the gray Service/api-mse-gray would match the baseline pods of Deployment/api"
            ),
            "{found:?}"
        );
        assert!(told("selector-leak", "", &(deployment("") + "---\n" + &api)).is_empty());
    }
}
