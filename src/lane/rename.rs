//! The copy's name and namespace.

use crate::baseline::{Object, misshapen};
use crate::diagnostic::Diagnostic;
use crate::kube::kinds::{Scope, kind_of};
use crate::kube::names::check_name;
use crate::kube::object::ObjectRef;
use crate::yaml::{Document, Path};

/// The name of the copy of an object: with the lane's suffix behind it, or behind the Service where
/// it is named after that one's host.
///
/// Source: linkerd.io/2/reference/service-profiles.
pub(super) fn gray_name(id: &ObjectRef, suffix: &str) -> String {
    let is_host = (id.group.as_str(), id.kind.as_str()) == ("linkerd.io", "ServiceProfile");
    match id.name.split_once('.').filter(|_| is_host) {
        Some((service, domain)) => format!("{service}{suffix}.{domain}"),
        None => format!("{}{suffix}", id.name),
    }
}

/// Gives a copy its gray name, and the lane's namespace where the spec has one.
///
/// # Errors
///
/// A name that its kind does not allow, with how many characters are too many.
pub(super) fn rename(
    object: &Object,
    name: &str,
    namespace: Option<&str>,
    document: &mut Document,
) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    if let Err(why) = check_name(&object.id.group, &object.id.kind, name) {
        let error = Diagnostic::error(format!(
            "the copy of {} cannot be called `{name}`: {why}",
            object.id
        ));
        let error = error.at(object.place());
        errors.push(error.remedy(
            "choose a shorter tag or `naming.suffix`, or a shorter name for the baseline's object",
        ));
    }
    let metadata = Path::keys(["metadata"]);
    let mut result = document.set_str(&metadata.key("name"), name);
    let is_namespaced = kind_of(&object.id.group, &object.id.kind).scope == Scope::Namespaced;
    if let Some(namespace) = namespace.filter(|_| is_namespaced) {
        result = result.and_then(|()| document.set_str(&metadata.key("namespace"), namespace));
    }
    if let Err(error) = result {
        errors.push(misshapen(&object.id, object.place(), &error));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_have_the_suffix_at_the_service() {
        let of = |group, kind, name| gray_name(&ObjectRef::new(group, kind, "shop", name), "-g");
        assert_eq!(of("", "ConfigMap", "web.conf"), "web.conf-g");
        let name = "web.shop.svc.cluster.local";
        assert_eq!(of("linkerd.io", "ServiceProfile", name), "web-g.shop.svc.cluster.local");
    }
}
