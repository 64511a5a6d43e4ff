//! `service-monitor-duplicate`: a gray Service is scraped by two monitors.

use std::collections::HashMap;

use super::gray::{at, left_out, position};
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::pod_specs::labels;
use crate::kube::selectors::{SelectorRole, SelectorUse, selectors};
use crate::lane::GrayObject;

pub(super) const FINDING: Finding = Finding {
    code: "service-monitor-duplicate",
    severity: Severity::Warning,
    doc: "\
A gray Service is scraped by the baseline's monitor and by its gray copy.

Services keep their labels when they are copied, but for those by which delivery tools know what is
theirs, such as `app.kubernetes.io/instance`. So a ServiceMonitor of the baseline that asks for none of
these finds the gray ones too. With a copy of it in the lane every series of the gray pods is stored twice: sums and rates
are twice what they should be, and alerts fire early.

Remedy: leave the monitor with the baseline by taking it out of `copy`, or let the baseline's ask
for a label that gray Services do not have: `zadigx-release-version` with the operator `DoesNotExist`.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    // Monitors are copied only where the spec says so.
    let monitors: Vec<(&GrayObject, usize)> = subject
        .lane
        .objects
        .iter()
        .filter_map(|object| Some((object, position(facts, object)?)))
        .filter(|(_, position)| {
            !monitoring(facts.selectors_of(*position).iter().map(|held| &held.selector)).is_empty()
        })
        .collect();
    if monitors.is_empty() {
        return Vec::new();
    }
    let services = services(&subject.lane.objects);
    let mut found = Vec::new();
    for (gray, position) in monitors {
        let baseline = facts.object(position);
        let Some(document) = gray.document() else { continue };
        let own = selectors(document.root());
        let held = facts.selectors_of(position).iter().map(|held| &held.selector);
        let pairs = monitoring(held).into_iter().zip(monitoring(own.iter()));
        for (original, copy) in pairs {
            let twice = services.iter().find(|(service, labels)| {
                let selects = |selector: &SelectorUse, own: &str| {
                    selector.scope.may_cover(own, &service.id.namespace) && selector.selects(labels)
                };
                selects(original, &baseline.id.namespace) && selects(copy, &gray.id.namespace)
            });
            let Some((service, _)) = twice else { continue };
            let warning = Diagnostic::warning(format!(
                "{} scrapes the gray {} already, and {} would once more: every series is stored twice",
                baseline.id, service.id, gray.id
            ));
            let warning = at(warning, Some(baseline), std::slice::from_ref(&original.path));
            found.push(warning.remedy(left_out(subject.release, &baseline.id, "share")));
        }
    }
    found
}

/// Those selectors by which monitors find Services.
fn monitoring<'a>(selectors: impl Iterator<Item = &'a SelectorUse>) -> Vec<&'a SelectorUse> {
    selectors.filter(|selector| selector.role == SelectorRole::Monitor).collect()
}

/// The gray Services with their labels.
fn services(objects: &[GrayObject]) -> Vec<(&GrayObject, HashMap<String, String>)> {
    let services = objects.iter().filter(|object| object.id.is_core_service());
    let with_labels = services.filter_map(|service| {
        let document = service.document()?;
        let labels = document.at(&["metadata", "labels"]).map(labels).unwrap_or_default();
        Some((service, labels.into_iter().collect()))
    });
    with_labels.collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, spec, told};

    #[test]
    fn told_of_gray_services_that_two_monitors_find() {
        let with = |selector: &str, scope: &str| {
            let labelled = deployment("").replace(
                "{name: web}\nspec: {selector",
                "{name: web, labels: {app: web}}\nspec: {selector",
            );
            format!(
                "{labelled}---\napiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {{name: web}}\nspec:\n  {scope}\n  selector: {selector}\n"
            )
        };
        let of =
            |service: &str, baseline: &str| told("service-monitor-duplicate", service, baseline);
        let copy = "copy: [ServiceMonitor/web]";
        let web = with("{matchLabels: {app: web}}", "endpoints: []");
        assert_eq!(
            of(copy, &web),
            [
                "deploy/all.yaml:23:3: ServiceMonitor/web scrapes the gray Service/web-mse-gray already, and ServiceMonitor/web-mse-gray would once more: every series is stored twice"
            ]
        );
        assert!(of("", &web).is_empty());
        let release = lane(&spec(copy), &web);
        let mut remedies = release.findings.iter().filter_map(|found| found.remedy.as_deref());
        assert!(
            remedies.any(|remedy| remedy == "take `ServiceMonitor/web` out of `copy` of `web`")
        );
        let elsewhere = "namespaceSelector: {matchNames: [other]}";
        assert!(of(copy, &with("{matchLabels: {app: web}}", elsewhere)).is_empty());
        let apart = "{matchExpressions: [{key: zadigx-release-version, operator: DoesNotExist}]}";
        assert!(of(copy, &with(apart, "endpoints: []")).is_empty());
    }
}
