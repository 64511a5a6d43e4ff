//! What names an object.

use super::kinds::{Scope, canonical_group, kind_of};
use crate::yaml::NodeRef;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A kind and its API group; the version does not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKind {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
}

impl GroupKind {
    /// A kind in a group; retired groups give way to their successor (see [`canonical_group`]).
    pub fn new(group: &str, kind: &str) -> Self {
        Self { group: canonical_group(group, kind).to_owned(), kind: kind.to_owned() }
    }

    /// The kind that an object's `apiVersion` and `kind` say; `None` where one is missing.
    pub fn of(root: NodeRef<'_>) -> Option<Self> {
        let (group, kind) = group_and_kind(root)?;
        Some(Self { group: group.to_owned(), kind: kind.to_owned() })
    }
}

/// The group and kind that an object says, as [`GroupKind::of`].
pub(super) fn group_and_kind(root: NodeRef<'_>) -> Option<(&str, &str)> {
    let api_version = root.get("apiVersion")?.as_str()?;
    let kind = root.get("kind")?.as_str()?;
    Some((canonical_group(group_of(api_version), kind), kind))
}

impl fmt::Display for GroupKind {
    /// As `kubectl get` takes it: `Deployment.apps`, `Service`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}

/// What tells an object from all others of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty when the kind is cluster-scoped or the namespace is not known.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl ObjectRef {
    /// An object by its parts; a cluster-scoped kind loses the namespace.
    pub fn new(group: &str, kind: &str, namespace: &str, name: &str) -> Self {
        let group = canonical_group(group, kind);
        let namespace = match kind_of(group, kind).scope {
            Scope::Cluster => "",
            Scope::Namespaced => namespace,
        };
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Whether it is a Service of Kubernetes itself; others, such as Knative, have kinds that are
    /// called so too.
    pub fn is_core_service(&self) -> bool {
        self.group.is_empty() && self.kind == "Service"
    }

    /// Its kind.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }
}

impl Hash for ObjectRef {
    /// Kind and name tell nearly all objects apart, and objects are looked up often.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.kind.as_bytes());
        state.write(self.name.as_bytes());
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)?;
        if !self.namespace.is_empty() {
            write!(f, " in {}", self.namespace)?;
        }
        Ok(())
    }
}

/// The group of an `apiVersion`: `apps` of `apps/v1`, empty for `v1`.
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The identity an object's own fields give it; `None` for what has no `apiVersion`, `kind` or
/// `metadata.name` as strings (an object with `generateName`, a `List`).
pub fn identity(root: NodeRef<'_>, default_namespace: &str) -> Option<ObjectRef> {
    let (group, kind) = group_and_kind(root)?;
    let metadata = root.get("metadata")?;
    let name = metadata.get("name")?.as_str().filter(|name| !name.is_empty())?;
    let namespace = metadata
        .get("namespace")
        .and_then(NodeRef::as_str)
        .filter(|namespace| !namespace.is_empty())
        .unwrap_or(default_namespace);
    Some(ObjectRef::new(group, kind, namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Document, Source, parse};

    fn document(text: &str) -> Document {
        parse(Source::new("a.yaml", text.to_owned())).unwrap().documents.remove(0)
    }

    #[test]
    fn shows_as_kubectl_writes_it() {
        assert_eq!(GroupKind::new("apps", "Deployment").to_string(), "Deployment.apps");
        assert_eq!(GroupKind::new("", "Service").to_string(), "Service");
        assert_eq!(ObjectRef::new("", "Service", "prod", "web").to_string(), "Service/web in prod");
        assert_eq!(ObjectRef::new("", "Service", "", "web").to_string(), "Service/web");
    }

    #[test]
    fn identity_fills_the_namespace_of_namespaced_kinds_only() {
        let service = document("apiVersion: v1\nkind: Service\nmetadata: {name: web}\n");
        assert_eq!(identity(service.root(), "prod").unwrap().namespace, "prod");
        let role = document(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a, namespace: b}\n",
        );
        assert_eq!(identity(role.root(), "prod").unwrap().namespace, "");
    }

    #[test]
    fn an_ingress_of_a_retired_group_is_the_same_ingress() {
        let old =
            document("apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: web}\n");
        let new =
            document("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n");
        assert_eq!(identity(old.root(), "a"), identity(new.root(), "a"));
    }

    #[test]
    fn what_has_no_name_has_no_identity() {
        let generated = document("apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: a-}\n");
        assert_eq!(identity(generated.root(), "a"), None);
        assert_eq!(identity(document("- 1\n").root(), "a"), None);
    }
}
