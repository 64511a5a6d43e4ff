//! `monitor-gap`: a monitor of the baseline's pods does not find the gray ones.

use std::slice;

use foldhash::HashSet;

use super::gray::{Gray, at};
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::selectors::SelectorRole;
use crate::lane::{GrayObject, selected};

pub(super) const FINDING: Finding = Finding {
    code: "monitor-gap",
    severity: Severity::Warning,
    doc: "\
A monitor scrapes pods of the baseline and not their gray copies.

Labels that selectors of the baseline ask for are replaced on gray pods, those of a PodMonitor among
them: else the baseline's series would count gray pods. So nothing scrapes the lane, and whoever
compares it with the baseline sees no errors because he sees nothing.

Remedy: let the service copy the monitor (`copy: [PodMonitor/NAME]`): the copy asks for gray pods.",
    is_fixed: false,
    check: Check::Pods(check),
};

fn check(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let monitors = facts.selectors.iter();
    let mut monitors =
        monitors.filter(|each| each.selector.role == SelectorRole::PodMonitor).peekable();
    if monitors.peek().is_none() {
        return Vec::new();
    }
    let copies = gray.copies();
    let copied: HashSet<&ObjectRef> =
        subject.lane.objects.iter().filter_map(GrayObject::baseline).collect();
    let mut found = Vec::new();
    for selecting in monitors {
        let monitor = facts.object(selecting.object);
        if copied.contains(&monitor.id) {
            continue;
        }
        let scraped = selected(&gray.index, &selecting.selector, &monitor.id.namespace);
        let scraped: HashSet<&ObjectRef> =
            scraped.into_iter().map(|number| &gray.pods[number].0.id).collect();
        let owners = selecting.pods.iter().map(|pod| facts.object(facts.pods[*pod].object));
        let mut lost = owners
            .filter_map(|owner| copies.get(&owner.id).copied())
            .filter(|copy| !scraped.contains(copy));
        let Some(first) = lost.next() else { continue };
        let more = match lost.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let warning = Diagnostic::warning(format!(
            "{} scrapes the baseline's pods, and not the gray ones of {first}{more}: nothing tells how the lane does",
            monitor.id
        ));
        let id = &monitor.id;
        let warning = at(warning, Some(monitor), slice::from_ref(&selecting.selector.path));
        found.push(warning.remedy(format!(
            "let the service copy it: `copy: [{}/{}]`; or watch the lane by a monitor of its own",
            id.kind, id.name
        )));
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    fn with(selector: &str) -> String {
        format!(
            "{}---\napiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {{name: web}}\nspec:\n  podMetricsEndpoints: []\n  selector: {selector}\n",
            deployment("")
        )
    }

    #[test]
    fn told_of_gray_pods_that_nothing_scrapes() {
        let web = with("{matchLabels: {app: web}}");
        assert_eq!(
            told("monitor-gap", "", &web),
            [
                "deploy/all.yaml:23:3: PodMonitor/web scrapes the baseline's pods, and not the gray ones of Deployment/web-mse-gray: nothing tells how the lane does"
            ]
        );
        assert!(told("monitor-gap", "copy: [PodMonitor/web]", &web).is_empty());
    }

    #[test]
    fn not_told_of_monitors_of_others_or_of_all() {
        assert!(told("monitor-gap", "", &with("{matchLabels: {app: other}}")).is_empty());
        let all = with("{matchExpressions: [{key: app, operator: Exists}]}");
        assert!(told("monitor-gap", "", &all).is_empty());
    }
}
