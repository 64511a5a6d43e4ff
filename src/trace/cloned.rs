//! The canary Ingress that a controller of progressive delivery clones from one of the baseline, as
//! it stands while nothing is rolled out.

use super::route::Route;
use crate::gateway::Cloned;
use crate::yaml::{NodeRef, Path};

/// The route that is cloned from this one; `None` where that has no path of its Service.
pub(super) fn route(base: &Route, cloned: &Cloned) -> Option<Route> {
    let mut document = base.document.clone();
    let rules = Path::keys(["spec", "rules"]);
    let mut is_its = false;
    for rule in 0..document.find(&rules).map_or(0, NodeRef::len) {
        let paths = rules.index(rule).key("http").key("paths");
        for position in 0..document.find(&paths).map_or(0, NodeRef::len) {
            let backend = paths.index(position).key("backend");
            let backend = [backend.key("service").key("name"), backend.key("serviceName")];
            let text = |path: &&Path| document.find(path).and_then(NodeRef::as_str);
            let named = backend.iter().find(|path| text(path) == Some(cloned.service.as_str()));
            if let Some(path) = named {
                document.set_str(path, &cloned.canary_service).ok()?;
                is_its = true;
            }
        }
    }
    let annotations = Path::keys(["metadata", "annotations"]);
    for (name, value) in [("canary", "true"), ("canary-weight", "0")] {
        let key = annotations.key(format!("nginx.ingress.kubernetes.io/{name}"));
        document.set_str(&key, value).ok()?;
    }
    document.set_str(&Path::keys(["metadata", "name"]), &cloned.id.name).ok()?;
    is_its.then(|| Route { id: cloned.id.clone(), lane: None, document })
}
