//! What of the baseline the services of a spec mean, for a strategy that makes no copies.

use std::sync::Arc;

use super::facts::{Facts, Pods};
use super::select::Selection;
use crate::diagnostic::Diagnostic;
use crate::governance::Governance;
use crate::kube::object::ObjectRef;
use crate::kube::selectors::SelectorRole;
use crate::spec::{GrayRelease, Service};
use crate::yaml::Document;

/// A service of the spec, found in the baseline.
#[derive(Debug)]
pub(crate) struct Found<'a, 'f> {
    /// What the spec says of it.
    pub(crate) spec: &'a Service,
    /// Its workload's position in the baseline.
    pub(crate) workload: usize,
    /// Its workload's manifest.
    pub(crate) document: Arc<Document>,
    /// Its pods.
    pub(crate) pods: &'f Pods,
    /// The name its pods register under in governance, where their template says it.
    pub(crate) app: Option<String>,
    /// The Services that select its pods, in the order of the baseline.
    pub(crate) services: Vec<&'f ObjectRef>,
    /// The position of its route in the baseline, if it is an entry.
    pub(crate) route: Option<usize>,
}

/// The services of a spec that the baseline has, in the order of the spec, and what is wrong with
/// the others.
pub(crate) fn find<'a, 'f>(
    release: &'a GrayRelease,
    facts: &'f Facts,
    governance: &dyn Governance,
) -> (Vec<Found<'a, 'f>>, Vec<Diagnostic>) {
    let mut selection = Selection::new(release, facts);
    let mut all = Vec::new();
    for spec in &release.services {
        let Some(workload) = selection.workload(spec) else { continue };
        let object = facts.object(workload);
        let Some(pods) = facts.pods_of(workload).first() else {
            selection.errors.push(
                Diagnostic::error(format!("{} has no pod template", object.id))
                    .at(spec.workload_place.clone())
                    .remedy("`workload` must name what runs the service's pods"),
            );
            continue;
        };
        let mut services: Vec<usize> = facts
            .selecting(workload)
            .filter(|selecting| selecting.selector.role == SelectorRole::Service)
            .map(|selecting| selecting.object)
            .collect();
        services.sort_unstable();
        services.dedup();
        let services: Vec<&ObjectRef> =
            services.into_iter().map(|service| &facts.object(service).id).collect();
        let route = spec.entry.as_ref().and_then(|entry| {
            let routes = selection.routes_to(&services);
            let route = selection.entry_route(entry, spec, workload, &routes)?;
            (!selection.is_made_by_others(route, &entry.place)).then_some(route)
        });
        let app = governance.app_name_key().and_then(|key| pods.app_name(object, key));
        let document = object.document();
        all.push(Found { spec, workload, document, pods, app, services, route });
    }
    (all, selection.errors)
}
