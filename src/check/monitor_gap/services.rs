//! Monitors that find pods by Services: those of the baseline that miss the gray ones.

use foldhash::{HashSet, HashSetExt};
use rayon::prelude::*;

use super::Watch;
use crate::check::Subject;
use crate::check::gray::asked;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::labels;
use crate::kube::selector_index::SelectorIndex;
use crate::kube::selectors::{EmptySelector, SelectorRole};
use crate::lane::{GrayObject, Labels, Selecting};
use crate::yaml::Document;

/// The Services of a lane, with their labels and those of what they are made from.
struct Services<'a> {
    all: Vec<(&'a GrayObject, Labels)>,
    gray: SelectorIndex<usize>,
    baseline: SelectorIndex<usize>,
}

/// What the monitors among these miss of the lane.
pub(super) fn missed<'a>(subject: &Subject<'a>, copied: &HashSet<&ObjectRef>) -> Vec<Watch<'a>> {
    let facts = subject.facts;
    let is_monitor = |each: &&Selecting| each.selector.role == SelectorRole::Monitor;
    let monitors: Vec<&Selecting> = facts.selectors.iter().filter(is_monitor).collect();
    if monitors.iter().all(|each| copied.contains(&facts.object(each.object).id)) {
        return Vec::new();
    }
    let services = Services::of(subject);
    let found: Vec<(&Selecting, Vec<usize>)> = monitors
        .into_iter()
        .map(|each| (each, selected(&services.gray, each, &facts.object(each.object).id)))
        .collect();
    // What asks for a label that the baseline's Service does not have is meant for lanes.
    let is_for_lanes = |selecting: &Selecting, number: usize| {
        let labels = services.all[number].1.iter().cloned().collect();
        !asked(&selecting.selector.selector).matches(&labels)
    };
    let mut for_lanes = HashSet::<usize>::new();
    for (selecting, numbers) in &found {
        for_lanes.extend(numbers.iter().filter(|number| is_for_lanes(selecting, **number)));
    }
    let lost = found.into_iter().filter_map(|(selecting, gray)| {
        let id = &facts.object(selecting.object).id;
        if copied.contains(id) {
            return None;
        }
        let mut missed = selected(&services.baseline, selecting, id);
        let gray: HashSet<usize> = gray.into_iter().collect();
        missed.retain(|number| !gray.contains(number) && !for_lanes.contains(number));
        let missed = missed.into_iter().map(|number| services.all[number].0).collect();
        Some(Watch { selecting, missed })
    });
    lost.collect()
}

fn selected(index: &SelectorIndex<usize>, selecting: &Selecting, own: &ObjectRef) -> Vec<usize> {
    let selector = &selecting.selector;
    if selector.selector.is_empty() && selector.empty != EmptySelector::MatchesAll {
        return Vec::new();
    }
    let found = index.matching_in(&selector.selector, &selector.scope, &own.namespace);
    found.into_iter().copied().collect()
}

impl<'a> Services<'a> {
    fn of(subject: &Subject<'a>) -> Self {
        let objects = subject.lane.objects.par_iter();
        let services = objects.filter(|object| object.id.is_core_service());
        let found: Vec<(&GrayObject, &ObjectRef, Labels, Labels)> = services
            .filter_map(|service| {
                let origin = service.baseline()?;
                let there = subject.facts.baseline.get(origin)?.document();
                Some((service, origin, of(&*service.document()?), of(&there)))
            })
            .collect();
        let mut services = Self {
            all: Vec::with_capacity(found.len()),
            gray: SelectorIndex::new(),
            baseline: SelectorIndex::new(),
        };
        for (number, (service, origin, gray, there)) in found.into_iter().enumerate() {
            services.gray.insert(number, &service.id.namespace, gray);
            services.baseline.insert(number, &origin.namespace, there.iter().cloned());
            services.all.push((service, there));
        }
        services
    }
}

fn of(service: &Document) -> Labels {
    service.at(&["metadata", "labels"]).map(labels).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, spec, told};

    /// A Service that Helm and Argo CD label as they do, and a monitor.
    fn with(kind: &str, selector: &str) -> String {
        let labels =
            "app: web, app.kubernetes.io/instance: prod, app.kubernetes.io/managed-by: Helm";
        let service = deployment("").replace(
            "{name: web}\nspec: {selector",
            &format!("{{name: web, labels: {{{labels}}}}}\nspec: {{selector"),
        );
        format!(
            "{service}---\napiVersion: {kind}\nmetadata: {{name: web}}\nspec:\n  endpoints: []\n  selector: {selector}\n"
        )
    }

    const MONITOR: &str = "monitoring.coreos.com/v1\nkind: ServiceMonitor";

    #[test]
    fn told_of_services_that_lose_the_label_that_is_asked_for() {
        let instance = "{matchLabels: {app: web, app.kubernetes.io/instance: prod}}";
        for (kind, named) in [
            (MONITOR, "ServiceMonitor"),
            ("operator.victoriametrics.com/v1beta1\nkind: VMServiceScrape", "VMServiceScrape"),
        ] {
            assert_eq!(
                told("monitor-gap", "", &with(kind, instance)),
                [format!(
                    "deploy/all.yaml:23:3: {named}/web scrapes the baseline's Services, and not the gray Service/web-mse-gray: nothing tells how the lane does"
                )]
            );
            let copy = format!("copy: [{named}/web]");
            assert!(told("monitor-gap", &copy, &with(kind, instance)).is_empty());
            let policy = format!("policies: {{{named}: share}}");
            assert!(told("monitor-gap", &policy, &with(kind, instance)).is_empty());
        }
        for selector in ["{matchLabels: {app: web}}", "{}", "{matchLabels: {app: other}}"] {
            assert!(told("monitor-gap", "", &with(MONITOR, selector)).is_empty(), "{selector}");
        }
    }

    #[test]
    fn not_told_where_a_monitor_is_there_for_lanes() {
        let instance = "{matchLabels: {app.kubernetes.io/instance: prod}}";
        let lanes = format!(
            "---\napiVersion: {MONITOR}\nmetadata: {{name: gray}}\nspec: {{endpoints: [], selector: {{matchLabels: {{zadigx-release-type: mse-gray}}}}}}\n"
        );
        assert!(told("monitor-gap", "", &(with(MONITOR, instance) + &lanes)).is_empty());
        let all = lanes.replace("{matchLabels: {zadigx-release-type: mse-gray}}", "{}");
        assert_eq!(told("monitor-gap", "", &(with(MONITOR, instance) + &all)).len(), 1);
    }

    #[test]
    fn a_copied_monitor_does_not_ask_for_what_gray_services_lose() {
        let copied = |selector: &str| {
            let release = lane(&spec("copy: [ServiceMonitor/web]"), &with(MONITOR, selector));
            let mut objects = release.lane.objects.iter();
            let text = objects.find(|object| object.id.kind == "ServiceMonitor");
            let text = text.map(|object| object.text.clone()).unwrap_or_default();
            let line = text.lines().find(|line| line.contains("selector:"));
            let notes = release.lane.notes.iter().map(|note| note.message.clone());
            let notes: Vec<String> = notes.filter(|note| note.contains("ask for")).collect();
            (line.unwrap_or_default().trim().to_owned(), notes)
        };
        let note = |what: &str| {
            [format!(
                "the copy of ServiceMonitor/web does not ask for {what}, which gray Services do not have"
            )]
        };
        let (line, notes) = copied("{matchLabels: {app: web, app.kubernetes.io/instance: prod}}");
        assert_eq!(line, "selector: {matchLabels: {app: web, zadigx-release-version: gray}}");
        assert_eq!(notes, note("`app.kubernetes.io/instance`"));
        let (line, notes) = copied(
            "{matchExpressions: [{key: app, operator: Exists}, {key: app.kubernetes.io/instance, operator: In, values: [prod]}], matchLabels: {app.kubernetes.io/managed-by: Helm}}",
        );
        assert_eq!(
            line,
            "selector: {matchExpressions: [{key: app, operator: Exists}], matchLabels: {zadigx-release-version: gray}}"
        );
        assert_eq!(notes, note("`app.kubernetes.io/managed-by`, `app.kubernetes.io/instance`"));
        for kept in [
            "{matchLabels: {app: web, app.kubernetes.io/managed-by: kustomize}}",
            "{matchLabels: {app: web}, matchExpressions: [{key: app.kubernetes.io/instance, operator: NotIn, values: [test]}]}",
        ] {
            assert!(copied(kept).1.is_empty(), "{kept}");
        }
    }
}
