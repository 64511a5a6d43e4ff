//! The copy's name and namespace.

use crate::baseline::{Object, misshapen};
use crate::diagnostic::Diagnostic;
use crate::kube::kinds::{Scope, kind_of};
use crate::kube::names::check_name;
use crate::yaml::{Document, Path};

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
