//! `monitor-gap`: a monitor of the baseline's pods does not find the gray ones.

mod services;

use std::slice;

use foldhash::{HashMap, HashSet};

use super::gray::{Gray, at};
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::object::ObjectRef;
use crate::kube::selectors::SelectorRole;
use crate::lane::{GrayObject, MSE_GRAY, Selecting, TYPE};
use crate::spec::{CopyPolicy, Service};

pub(super) const FINDING: Finding = Finding {
    code: "monitor-gap",
    severity: Severity::Warning,
    doc: "\
A monitor scrapes pods of the baseline and not their gray copies.

Labels that selectors of the baseline ask for are replaced on gray pods, those of a PodMonitor among
them: else the baseline's series would count gray pods. So nothing scrapes the lane, and whoever
compares it with the baseline sees no errors because he sees nothing.

A ServiceMonitor finds pods by the labels of their Service. Copies of Services lose those by which
delivery tools know what is theirs, such as `app.kubernetes.io/instance`: the baseline's monitor does
not find them if it asks for one of these. Its copy does not ask for it.

A service whose `policies` skip or share the monitor goes without on purpose: nothing is said of it.

Remedy: let the service copy the monitor (`copy: [PodMonitor/NAME]`): the copy asks for the lane's. One
in another namespace than the lane's cannot be copied: put a monitor beside it that asks for gray pods.",
    is_fixed: false,
    check: Check::Pods(check),
};

/// A monitor of the baseline, and what it does not find of the lane.
struct Watch<'a> {
    selecting: &'a Selecting,
    missed: Vec<&'a GrayObject>,
}

fn check(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let copied: HashSet<&ObjectRef> =
        subject.lane.objects.iter().filter_map(GrayObject::baseline).collect();
    let services = subject.release.services.iter();
    let services: HashMap<&str, &Service> =
        services.map(|service| (service.name.as_str(), service)).collect();
    let pods = missed_pods(subject, gray, &copied);
    let all = pods.into_iter().chain(services::missed(subject, &copied));
    all.filter_map(|watch| tell(subject, &services, watch)).collect()
}

/// The gray pods that monitors of pods do not find.
fn missed_pods<'a>(
    subject: &Subject<'a>,
    gray: &Gray<'a>,
    copied: &HashSet<&ObjectRef>,
) -> Vec<Watch<'a>> {
    let facts = subject.facts;
    let monitors = facts.selectors.iter();
    let mut monitors =
        monitors.filter(|each| each.selector.role == SelectorRole::PodMonitor).peekable();
    if monitors.peek().is_none() {
        return Vec::new();
    }
    let copies: HashMap<&ObjectRef, &GrayObject> =
        gray.pods.iter().filter_map(|(object, _)| Some((object.baseline()?, *object))).collect();
    // Whether one for lanes scrapes the same endpoints is not looked at.
    let scraped = gray.found_by(facts, monitors.clone());
    let monitors = monitors.filter(|each| !copied.contains(&facts.object(each.object).id));
    let watches = monitors.map(|selecting| {
        let owners = selecting.pods.iter().map(|pod| facts.object(facts.pods[*pod].object));
        let missed = owners
            .filter_map(|owner| copies.get(&owner.id).copied())
            .filter(|copy| !scraped.has(selecting.object, &copy.id));
        Watch { selecting, missed: missed.collect() }
    });
    watches.collect()
}

/// What is told of a monitor. A stated decision is known to its service.
fn tell(
    subject: &Subject<'_>,
    services: &HashMap<&str, &Service>,
    watch: Watch<'_>,
) -> Option<Diagnostic> {
    let Watch { selecting, missed } = watch;
    let monitor = subject.facts.object(selecting.object);
    let id = &monitor.id;
    let is_wanted = |copy: &&GrayObject| {
        let service = services.get(copy.service.as_str());
        let stated = service.and_then(|service| service.policy(&id.kind, &id.name));
        !matches!(stated, Some(CopyPolicy::Skip | CopyPolicy::Share))
    };
    let mut missed = missed.into_iter().filter(is_wanted).map(|copy| &copy.id);
    let first = missed.next()?;
    let more = match missed.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let what = match selecting.selector.role.selects_pods() {
        true => format!("pods, and not the gray ones of {first}{more}"),
        false => format!("Services, and not the gray {first}{more}"),
    };
    let warning = Diagnostic::warning(format!(
        "{id} scrapes the baseline's {what}: nothing tells how the lane does"
    ));
    let warning = at(warning, Some(monitor), slice::from_ref(&selecting.selector.path));
    let own = subject.release.namespace.as_deref();
    let is_copyable = own.is_none_or(|own| id.namespace.is_empty() || id.namespace == own);
    Some(warning.remedy(if is_copyable {
        format!(
            "let the service copy it: `copy: [{}/{}]`; or watch the lane by a monitor of its own",
            id.kind, id.name
        )
    } else {
        format!(
            "watch the lane by a monitor of its own: put one beside it that asks for `{TYPE}: {MSE_GRAY}`"
        )
    }))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, shown, spec, told};

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

    #[test]
    fn not_told_where_another_monitor_scrapes_the_gray_pods() {
        let gray = "---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: gray}
spec: {podMetricsEndpoints: [], selector: {matchLabels: {zadigx-release-type: mse-gray}}}
";
        let both = with("{matchLabels: {app: web}}") + gray;
        assert!(told("monitor-gap", "", &both).is_empty());
        assert!(told("selector-leak", "", &both).is_empty(), "it is the lane's own");
    }

    #[test]
    fn told_where_another_monitor_scrapes_something_else() {
        let monitor = |name: &str, selector: &str| {
            let one = with(selector).replace(&deployment(""), "");
            one.replace(
                "PodMonitor\nmetadata: {name: web}",
                &format!("PodMonitor\nmetadata: {{name: {name}}}"),
            )
        };
        let web = "{matchLabels: {app: web}}";
        let both = deployment("") + &monitor("metrics", web) + &monitor("jmx", web);
        assert_eq!(told("monitor-gap", "", &both).len(), 2);
        let found = told("monitor-gap", "copy: [PodMonitor/metrics]", &both);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("PodMonitor/jmx scrapes"), "{found:?}");
        // It scrapes the baseline's pods as well, so it is not in place of the first.
        let all = monitor("all", "{matchExpressions: [{key: app, operator: Exists}]}");
        let found = told("monitor-gap", "", &(with(web) + &all));
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_stated_decision_is_heeded() {
        let web = with("{matchLabels: {app: web}}");
        for (policies, count) in [
            ("{PodMonitor: skip}", 0),
            ("{PodMonitor/web: share}", 0),
            ("{PodMonitor/other: skip}", 1),
            ("{Service: skip}", 1),
        ] {
            let policies = format!("policies: {policies}");
            assert_eq!(told("monitor-gap", &policies, &web).len(), count, "{policies}");
        }
    }

    #[test]
    fn a_copy_is_offered_where_it_can_be_made() {
        let remedy = |namespace: &str| {
            let scope = "namespaceSelector: {matchNames: [shop]}\n  selector:";
            let monitor = with("{matchLabels: {app: web}}").replace(
                "kind: PodMonitor\nmetadata: {name: web}",
                &format!("kind: PodMonitor\nmetadata: {{name: web, namespace: {namespace}}}"),
            );
            let monitor = monitor.replace("podMetricsEndpoints: []\n  selector:", scope);
            let spec = spec("").replace("tag: gray", "tag: gray\n  namespace: shop");
            let release = lane(&spec, &monitor);
            assert_eq!(shown("monitor-gap", &release).len(), 1);
            let mut found = release.findings.iter();
            let found = found.find(|found| found.code == Some("monitor-gap"));
            found.and_then(|found| found.remedy.clone()).unwrap_or_default()
        };
        assert!(remedy("shop").contains("`copy: [PodMonitor/web]`"));
        assert_eq!(
            remedy("monitoring"),
            "watch the lane by a monitor of its own: put one beside it that asks for `zadigx-release-type: mse-gray`"
        );
    }
}
