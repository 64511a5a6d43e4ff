//! The host of a Service in the mesh.

use std::fmt;

use crate::kube::object::ObjectRef;

/// What follows a Service's namespace in its host, where the cluster's domain is the default.
const DOMAIN: &str = ".svc.cluster.local";

/// A Service by the name that callers in the mesh use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceHost {
    /// The Service's name.
    pub name: String,
    /// Its namespace, never empty.
    pub namespace: String,
}

impl ServiceHost {
    /// The host of a Service.
    pub fn new(name: &str, namespace: &str) -> Self {
        Self { name: name.to_owned(), namespace: namespace.to_owned() }
    }

    /// Reads the full name, as [`fmt::Display`] writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, namespace) = text.strip_suffix(DOMAIN)?.split_once('.')?;
        (!name.is_empty() && !namespace.is_empty() && !namespace.contains('.'))
            .then(|| Self::new(name, namespace))
    }

    /// The Service that an object of a lock is, where it is one.
    pub fn of_object(shown: &str) -> Option<Self> {
        let (name, namespace) = shown.strip_prefix("Service/")?.split_once(" in ")?;
        Some(Self::new(name, namespace))
    }

    /// The host of an object that is a Service; `None` for others, and where its namespace is not
    /// known.
    pub fn of(id: &ObjectRef) -> Option<Self> {
        let is_service = id.group.is_empty() && id.kind == "Service" && !id.namespace.is_empty();
        is_service.then(|| Self::new(&id.name, &id.namespace))
    }
}

impl fmt::Display for ServiceHost {
    /// The full name: short names mean a Service of the namespace of the rule they stand in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}{DOMAIN}", self.name, self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let web = ServiceHost::new("web", "prod");
        assert_eq!(web.to_string(), "web.prod.svc.cluster.local");
        assert_eq!(ServiceHost::parse("web.prod.svc.cluster.local"), Some(web.clone()));
        for other in ["web", "web.prod", "web.svc.cluster.local", "a.b.c.svc.cluster.local"] {
            assert_eq!(ServiceHost::parse(other), None, "{other}");
        }
        let id = ObjectRef::new("", "Service", "prod", "web");
        assert_eq!(ServiceHost::of_object(&id.to_string()), Some(web.clone()));
        assert_eq!(ServiceHost::of(&id), Some(web));
    }
}
