//! Routes as gateways read them: whose they are, and the paths of Ingresses.

use super::answer::Backend;
use super::condition::{HostFit, Wildcard, host_fit};
use super::request::HeaderEdit;
use crate::diagnostic::Place;
use crate::gateway::is_canary;
use crate::kube::object::ObjectRef;
use crate::yaml::{Document, NodeRef};

/// An Ingress, HTTPRoute or ApisixRoute.
#[derive(Clone, Debug)]
pub struct Route {
    /// Who it is.
    pub id: ObjectRef,
    /// The position of its lane; `None`: it is of the baseline.
    pub lane: Option<usize>,
    /// Its manifest.
    pub document: Document,
}

impl Route {
    /// Its place, to show where it is.
    pub fn place(&self) -> Option<Place> {
        let name = self.document.at(&["metadata", "name"]);
        name.or_else(|| Some(self.document.root())).and_then(NodeRef::place)
    }

    /// Whether it is an Ingress that is the canary of another.
    pub(super) fn is_canary(&self) -> bool {
        is_canary(self.document.root())
    }

    /// An annotation by its name behind the first of these prefixes that has it.
    pub(super) fn annotation(&self, prefixes: &[&str], name: &str) -> Option<&str> {
        let all = self.document.at(&["metadata", "annotations"])?;
        prefixes.iter().find_map(|prefix| all.get(&format!("{prefix}/{name}"))?.text())
    }

    /// The annotations behind a prefix, by the name that follows it.
    pub(super) fn annotations<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.document.at(&["metadata", "annotations"]);
        all.into_iter().flat_map(NodeRef::entries).filter_map(move |(key, value)| {
            Some((key.strip_prefix(prefix)?.strip_prefix('/')?, value.text()?))
        })
    }

    /// A Service of its own namespace.
    pub(super) fn service(&self, name: &str) -> ObjectRef {
        ObjectRef::new("", "Service", &self.id.namespace, name)
    }

    /// A Service of its own namespace as a backend that changes nothing.
    pub(super) fn backend(&self, name: &str) -> Backend {
        Backend { service: self.service(name), subset: None, edits: Vec::new() }
    }
}

/// The type of an Ingress path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PathType {
    Exact,
    Prefix,
    /// What `ImplementationSpecific`, or none, means to the gateway.
    Specific,
}

/// A path of an Ingress rule.
#[derive(Clone, Copy)]
pub(super) struct IngressPath<'a> {
    /// The position of its route.
    pub(super) at: usize,
    pub(super) route: &'a Route,
    /// The host; empty for all.
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) kind: PathType,
    /// The name of the Service; empty where the backend is none.
    pub(super) service: &'a str,
    /// The port of the Service, by number or name.
    pub(super) port: &'a str,
    pub(super) node: NodeRef<'a>,
}

impl IngressPath<'_> {
    /// Host and path, for messages.
    pub(super) fn shown(&self) -> String {
        format!("{}{}", if self.host.is_empty() { "*" } else { self.host }, self.path)
    }
}

/// The paths of the Ingresses among routes, in order; default backends are no paths.
pub(super) fn ingress_paths<'a>(routes: &[&'a Route]) -> Vec<IngressPath<'a>> {
    let mut paths = Vec::new();
    for (at, route) in routes.iter().enumerate().filter(|(_, route)| route.id.kind == "Ingress") {
        let rules = route.document.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items);
        for rule in rules {
            let host = rule.get("host").and_then(NodeRef::as_str).unwrap_or("");
            for path in rule.at(&["http", "paths"]).into_iter().flat_map(NodeRef::items) {
                let backend = path.get("backend");
                // The second form is that of the versions before networking.k8s.io/v1.
                let name = backend.and_then(|backend| {
                    backend.at(&["service", "name"]).or_else(|| backend.get("serviceName"))
                });
                let port = backend.and_then(|backend| {
                    let port = backend.at(&["service", "port"]);
                    port.and_then(|port| port.get("number").or_else(|| port.get("name")))
                        .or_else(|| backend.get("servicePort"))
                });
                let written = path.get("path").and_then(NodeRef::text).unwrap_or("");
                paths.push(IngressPath {
                    at,
                    route,
                    host: if host == "*" { "" } else { host },
                    path: if written.is_empty() { "/" } else { written },
                    kind: match path.get("pathType").and_then(NodeRef::as_str) {
                        Some("Exact") => PathType::Exact,
                        Some("Prefix") => PathType::Prefix,
                        _ => PathType::Specific,
                    },
                    service: name.and_then(NodeRef::as_str).unwrap_or(""),
                    port: port.and_then(NodeRef::text).unwrap_or(""),
                    node: path,
                });
            }
        }
    }
    paths
}

/// The best fit of a host among those of Ingress paths.
pub(super) fn best_host<'a>(
    hosts: impl Iterator<Item = &'a str>,
    host: &str,
    wildcard: Wildcard,
) -> Option<HostFit> {
    hosts.filter_map(|each| host_fit(each, host, wildcard)).max()
}

/// Whether any path of the Ingresses among routes is one of a host.
pub(super) fn is_host_known(routes: &[&Route], host: &str) -> bool {
    let paths = ingress_paths(routes);
    best_host(paths.iter().map(|path| path.host), host, Wildcard::AnyLabels).is_some()
}

/// The first Ingress with a default backend: its position and the Service.
///
/// Source: Kubernetes, "Ingress", Default backend: it takes requests that no rule matches.
pub(super) fn default_backend<'a>(routes: &[&'a Route]) -> Option<(usize, &'a str)> {
    routes.iter().enumerate().filter(|(_, route)| !route.is_canary()).find_map(|(at, route)| {
        let spec = route.document.at(&["spec"])?;
        let new = spec.at(&["defaultBackend", "service", "name"]);
        let name = new.or_else(|| spec.at(&["backend", "serviceName"]))?;
        Some((at, name.as_str()?))
    })
}

/// Header edits of the annotations `…/request-header-control-{add,update,remove}` behind a prefix.
///
/// Sources: alibaba/higress, pkg/ingress/kube/annotations/header_control.go: a line for each
/// header, name and value parted by the first white space, quotes left out; Alibaba Cloud,
/// "Annotations supported by MSE Ingress gateways".
pub(super) fn header_control(route: &Route, prefix: &str) -> Vec<HeaderEdit> {
    let text = |what: &str| {
        route.annotation(&[prefix], &format!("request-header-control-{what}")).unwrap_or("")
    };
    let pairs = |text: &str| -> Vec<(String, String)> {
        let pair = |line: &str| {
            let (name, value) = line.trim().split_once(char::is_whitespace)?;
            let bare = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
            Some((bare(name), bare(value)))
        };
        text.lines().filter_map(pair).collect()
    };
    let add = pairs(text("add")).into_iter().map(|(name, value)| HeaderEdit::Add(name, value));
    let set = pairs(text("update")).into_iter().map(|(name, value)| HeaderEdit::Set(name, value));
    let names = text("remove").split(',').map(str::trim).filter(|name| !name.is_empty());
    let remove = names.map(|name| HeaderEdit::Remove(name.to_owned()));
    // Envoy removes headers after it has added and set the others.
    add.chain(set).chain(remove).collect()
}
