//! The lane as governance sees it.

use super::builder::Builder;
use crate::governance::{Governed, GovernedService};

impl Builder<'_> {
    /// The services of the lane, each with its workload and the copies of its Services.
    pub(super) fn governed(&self) -> Governed<'_> {
        let mut services: Vec<GovernedService<'_>> = self
            .plan
            .services
            .iter()
            .map(|service| {
                let workload = &self.facts.object(service.workload).id;
                GovernedService {
                    spec: service.spec,
                    workload,
                    gray_workload: &self.plan.gray_names[workload],
                    app: &service.app,
                    services: Vec::new(),
                    labels: &service.pods.labels,
                    gray_labels: &service.pod_labels,
                }
            })
            .collect();
        for copy in &self.plan.copies {
            let id = &self.facts.object(copy.object).id;
            if id.is_core_service() {
                services[copy.service].services.push((id, &self.plan.gray_names[id]));
            }
        }
        Governed { release: self.release, baseline: &self.facts.baseline, services }
    }
}
