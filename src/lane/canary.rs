//! The route of an entry: the canary route that the gateway's dialect makes of it.

use super::builder::Builder;
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Place};
use crate::gateway::{self, Canary, CanaryRoute, Gateway};
use crate::kube::object::ObjectRef;
use crate::kube::references::references;
use crate::spec::Service;
use crate::yaml::{Document, NodeRef, Path};

impl Builder<'_> {
    /// The canary route of an entry, made from the baseline's with its patches applied.
    pub(super) fn canary(
        &self,
        object: &Object,
        service: &Service,
        document: &Document,
    ) -> Result<Canary, Vec<Diagnostic>> {
        let Some(entry) = &service.entry else { return Ok(document.clone().into()) };
        let gateway = self.gateway(object).map_err(|error| vec![error.at(entry.place.clone())])?;
        let led_to: Vec<ObjectRef> = references(document.root(), &object.id)
            .into_iter()
            .map(|reference| reference.target)
            .filter(|id| id.kind == "Service" && id.namespace == object.id.namespace)
            .collect();
        let errors: Vec<Diagnostic> =
            led_to.iter().filter_map(|id| self.unroutable(id, &entry.place)).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let services = led_to
            .iter()
            .filter_map(|id| Some((id.name.as_str(), self.plan.gray_names.get(id)?.as_str())))
            .collect();
        let mut canary = gateway.canary(&CanaryRoute {
            baseline: document,
            unpatched: &object.document(),
            id: &object.id,
            route: &entry.route,
            tag: self.release.tag.as_str(),
            tag_header: &self.release.tag_header,
            services: &services,
        })?;
        if self.release.service_subset {
            let key = gateway.subset_annotation().ok_or_else(|| {
                let message = format!("the gateway class `{}` knows no subsets", gateway.class());
                let error = Diagnostic::error(message).at(entry.place.clone());
                vec![error.remedy("take `gateway.serviceSubset` out")]
            })?;
            let path = Path::keys(["metadata", "annotations", key]);
            let result = canary.document.set_str(&path, self.release.tag.as_str());
            result.map_err(|error| vec![Diagnostic::error(error.to_string())])?;
        }
        Ok(canary)
    }

    /// Why a gray copy of a Service cannot stand behind a canary route.
    fn unroutable(&self, id: &ObjectRef, entry: &Place) -> Option<Diagnostic> {
        self.plan.gray_names.get(id)?;
        let service = self.facts.baseline.get(id)?;
        let service = service.document();
        let field = |key: &str| service.at(&["spec", key]);
        let (what, node) = if field("type").and_then(NodeRef::as_str) == Some("ExternalName") {
            ("of type ExternalName: its copy would be the same host", field("type"))
        } else if field("clusterIP").and_then(NodeRef::text) == Some("None") {
            ("headless: many gateways need a cluster IP to route to", field("clusterIP"))
        } else {
            return None;
        };
        let error = Diagnostic::error(format!("the entry leads to {id}, which is {what}"));
        Some(
            error
                .at(node.and_then(NodeRef::place))
                .related(entry.clone(), "the entry")
                .remedy("let the route lead to a Service with a cluster IP that selects the pods"),
        )
    }

    /// The gateway of the spec, or the one that the route names.
    pub(super) fn gateway(&self, route: &Object) -> Result<&'static dyn Gateway, Diagnostic> {
        let class = match self.release.gateway_class {
            Some(class) => class,
            None => {
                let document = route.document();
                let named = gateway::class_of(document.root()).unwrap_or_default();
                let named = ObjectRef::new("networking.k8s.io", "IngressClass", "", named);
                let named = self.facts.baseline.get(&named).map(Object::document);
                let controller = named.as_ref().and_then(|class| class.at(&["spec", "controller"]));
                let controller = controller.and_then(NodeRef::as_str);
                gateway::class_by(&route.id, document.root(), controller)?
            }
        };
        let gateway = gateway::of(class);
        if !gateway.reads().contains(&route.id.kind.as_str()) {
            let kinds = gateway.reads().join(" or ");
            return Err(Diagnostic::error(format!(
                "the gateway class `{class}` makes its canary route from an {kinds}, and {} is none",
                route.id
            ))
            .remedy(format!("set `gateway.class`, or name the {kinds} in `entry`")));
        }
        Ok(gateway)
    }
}
