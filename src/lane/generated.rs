//! Objects of a lane that are made and not copied.

use super::{GrayObject, Identity, Origin, labels, relabel, waves};
use crate::diagnostic::Diagnostic;
use crate::generated::GeneratedObject;
use crate::kube::names::check_name;
use crate::kube::object::identity;
use crate::spec::GrayRelease;
use crate::yaml::Path;

use super::Facts;

/// An object of a lane that is made, with the labels and the place in the order that copies have
/// too.
///
/// # Errors
///
/// When it can have no such name, or the baseline has an object of that name.
pub(crate) fn generated(
    release: &GrayRelease,
    facts: &Facts,
    object: GeneratedObject,
) -> Result<GrayObject, Diagnostic> {
    let GeneratedObject { service, wave, mut document, place } = object;
    let labels = labels::of_objects(release.tag.as_str(), &service);
    let namespace = release.namespace.as_deref().unwrap_or_default();
    let id = identity(document.root(), namespace);
    let result = relabel::put(&mut document, &Path::keys(["metadata", "labels"]), &labels)
        .and_then(|()| waves::order(release.delivery, wave, &mut document));
    let id = match (id, result) {
        (Some(id), Ok(())) => id,
        (None, _) => {
            return Err(Diagnostic::error("an object that is made has no name").at(place));
        }
        (_, Err(error)) => return Err(Diagnostic::error(error.to_string()).at(place)),
    };
    if let Err(why) = check_name(&id.group, &id.kind, &id.name) {
        let error = Diagnostic::error(format!(
            "the {} of `{service}` cannot be called `{}`: {why}",
            id.kind, id.name
        ));
        return Err(error.at(place).remedy("choose a shorter tag or `naming.suffix`"));
    }
    if let Some(there) = facts.baseline.get(&id) {
        let error = Diagnostic::error(format!(
            "{id} would be made for `{service}`, and the baseline has it already"
        ));
        let error = error.at(there.place());
        return Err(error.remedy(
            "choose another tag or `naming.suffix`, or take that object out of the baseline",
        ));
    }
    let identity = Identity { id, origin: Origin::Generated, service };
    Ok(GrayObject::new(identity, wave, &document))
}
