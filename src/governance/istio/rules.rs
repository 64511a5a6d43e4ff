//! The VirtualServices of the baseline that hold for callers in the mesh.
//!
//! Source: istio.io/latest/docs/reference/config/networking/virtual-service.

use std::sync::Arc;

use std::collections::HashMap;

use super::hosts::RuleHost;
use crate::baseline::{Baseline, Object};
use crate::kube::object::ObjectRef;
use crate::shared_routes::ServiceHost;
use crate::yaml::{Document, NodeRef};

/// The API group of the rules.
pub(super) const GROUP: &str = "networking.istio.io";
/// The kind of the rules.
pub(super) const KIND: &str = "VirtualService";

/// Whether an object is a VirtualService.
pub(super) fn is_rule(id: &ObjectRef) -> bool {
    id.group == GROUP && id.kind == KIND
}

/// A VirtualService of the baseline.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    /// Who it is and where it stands.
    pub(super) object: &'a Object,
    /// Its manifest.
    pub(super) document: Arc<Document>,
    /// Whether it holds for sidecars, and not at gateways alone.
    is_of_mesh: bool,
}

/// The VirtualServices of the baseline.
#[derive(Debug, Default)]
pub(super) struct Rules<'a> {
    rules: Vec<Rule<'a>>,
    /// Positions in `rules` by host.
    exact: HashMap<ServiceHost, Vec<usize>>,
    /// Endings of hosts, and positions in `rules`.
    wildcards: Vec<(String, usize)>,
}

impl<'a> Rules<'a> {
    /// Finds them.
    pub(super) fn gather(baseline: &'a Baseline) -> Self {
        let mut rules = Self::default();
        for object in baseline.objects().iter().filter(|object| is_rule(&object.id)) {
            let document = object.document();
            let is_of_mesh = is_of_mesh(document.root());
            if is_of_mesh {
                rules.add_hosts(&document, &object.id.namespace);
            }
            rules.rules.push(Rule { object, document, is_of_mesh });
        }
        rules
    }

    /// Adds the hosts of the next rule to the index.
    fn add_hosts(&mut self, document: &Document, namespace: &str) {
        let position = self.rules.len();
        let hosts = document.at(&["spec", "hosts"]).into_iter().flat_map(NodeRef::items);
        for host in hosts.filter_map(NodeRef::as_str) {
            match RuleHost::read(host, namespace) {
                RuleHost::Service(host) => self.exact.entry(host).or_default().push(position),
                RuleHost::Wildcard(ending) => self.wildcards.push((ending, position)),
                RuleHost::Other => {}
            }
        }
    }

    /// The rules for a host: those that name it, else those with a wildcard that covers it. A
    /// sidecar goes by one of them.
    pub(super) fn of(&self, host: &ServiceHost) -> Vec<&Rule<'a>> {
        let mut positions = match self.exact.get(host) {
            Some(exact) => exact.clone(),
            None => {
                let name = host.to_string();
                let covers = |(ending, _): &&(String, usize)| name.ends_with(ending.as_str());
                self.wildcards.iter().filter(covers).map(|(_, position)| *position).collect()
            }
        };
        // A rule may name a host by its short and by its full name.
        positions.dedup();
        positions.into_iter().filter_map(|position| self.rules.get(position)).collect()
    }

    /// Those that hold at gateways alone.
    pub(super) fn of_gateways(&self) -> impl Iterator<Item = &Rule<'a>> {
        self.rules.iter().filter(|rule| !rule.is_of_mesh)
    }
}

/// Whether a rule holds for sidecars: without `gateways` it does, else where `mesh` is among them.
fn is_of_mesh(root: NodeRef<'_>) -> bool {
    match root.at(&["spec", "gateways"]) {
        Some(gateways) if !gateways.is_empty() => {
            gateways.items().any(|gateway| gateway.as_str() == Some("mesh"))
        }
        _ => true,
    }
}

/// The namespaces a rule is exported to, where it is not to all of them.
pub(super) fn exported_to(root: NodeRef<'_>) -> Option<Vec<&str>> {
    let namespaces: Vec<&str> =
        root.at(&["spec", "exportTo"])?.items().filter_map(NodeRef::as_str).collect();
    (!namespaces.is_empty() && !namespaces.contains(&"*")).then_some(namespaces)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{baseline, rule};
    use super::*;

    fn found(specs: &[&str]) -> Vec<String> {
        let numbered = specs.iter().enumerate();
        let text: String =
            numbered.map(|(number, spec)| rule(&format!("r{number}"), spec)).collect();
        let baseline = baseline(&text);
        let rules = Rules::gather(&baseline);
        rules
            .of(&ServiceHost::new("web", "prod"))
            .iter()
            .map(|rule| rule.object.id.name.clone())
            .collect()
    }

    #[test]
    fn only_rules_of_the_mesh_with_the_host_count() {
        for (spec, is_found) in [
            ("{hosts: [web]}", true),
            ("{hosts: [web.prod.svc.cluster.local]}", true),
            ("{hosts: [web, web.prod.svc.cluster.local]}", true),
            ("{hosts: [other, web]}", true),
            ("{hosts: [web], gateways: []}", true),
            ("{hosts: [web], gateways: [mesh]}", true),
            ("{hosts: [web], gateways: [ingress/public, mesh]}", true),
            ("{hosts: [web], gateways: [ingress/public]}", false),
            ("{hosts: [other]}", false),
            ("{hosts: [web.test]}", false),
            ("{hosts: [web2]}", false),
            ("{hosts: ['*.prod.svc.cluster.local']}", true),
            ("{hosts: ['*']}", true),
            ("{hosts: ['*.test.svc.cluster.local']}", false),
            ("{hosts: ['*.example.com']}", false),
            ("{http: []}", false),
        ] {
            assert_eq!(!found(&[spec]).is_empty(), is_found, "{spec}");
        }
    }

    #[test]
    fn a_rule_that_names_the_host_comes_before_wildcards() {
        assert_eq!(found(&["{hosts: ['*']}", "{hosts: [web]}"]), ["r1"]);
        assert_eq!(found(&["{hosts: ['*', '*.local']}", "{hosts: ['*.local']}"]), ["r0", "r1"]);
    }
}
