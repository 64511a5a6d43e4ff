//! What a mesh knows of calls belongs to the service that is called if that is in the
//! lane, else to the one that calls.

use super::select::Selection;
use crate::kube::selectors::SelectorRole;

impl Selection<'_, '_> {
    /// Decides for what selects a service's pods as those that call another; after it was decided
    /// what belongs to each service.
    pub(super) fn clients(&mut self, number: usize) {
        let facts = self.facts;
        let service = &self.plan.services[number];
        let labels = service.pod_labels.iter().cloned().collect();
        let calls = facts.selecting(service.workload).filter(|selecting| {
            // What still covers the gray pods covers them as it does the baseline's.
            selecting.selector.role == SelectorRole::MeshClient
                && !selecting.selector.selects(&labels)
        });
        let found: Vec<usize> = calls.map(|selecting| selecting.object).collect();
        for object in found {
            self.consider(object, number);
        }
    }
}
