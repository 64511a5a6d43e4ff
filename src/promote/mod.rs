//! Promotion: the versions of a lane become those of the baseline, by changing the scalars that name
//! them in the baseline's own files and nothing else.

mod manifest;
mod message;

use std::collections::{BTreeMap, BTreeSet};

use crate::appstack::is_orchestration;
use crate::baseline::Baseline;
use crate::baseline::files::{Files, FilesError};
use crate::diagnostic::{Diagnostic, Failure};
use crate::governance;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{PodTemplate, containers};
use crate::lane::{Facts, apply_patch, check_images, find};
use crate::spec::{GrayRelease, Patch};
use crate::yaml::{NodeRef, Path};
use manifest::Manifest;

pub use message::message;

/// What becomes of the baseline when a lane is promoted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promotion {
    /// The files that change, in the order of their paths.
    pub files: Vec<PromotedFile>,
    /// The files that hold what is promoted, whether they change or not, by their paths with no link
    /// on the way: the paths that the baseline has them at.
    pub sources: BTreeMap<String, BTreeSet<String>>,
}

impl Promotion {
    /// Whether a file changes.
    pub fn changes(&self, path: &str) -> bool {
        self.file(path).is_some()
    }

    fn file(&self, path: &str) -> Option<&PromotedFile> {
        let found = self.files.binary_search_by(|file| file.path.as_str().cmp(path));
        found.ok().and_then(|at| self.files.get(at))
    }

    /// Whether the baseline has any of its files at another path than their own.
    pub fn is_linked(&self) -> bool {
        let mut sources = self.sources.iter();
        sources.any(|(path, listed)| listed.iter().any(|listed| listed != path))
    }

    /// The paths that the baseline has a file at and that do not lead to it in another tree.
    pub fn elsewhere<'a>(
        &'a self,
        path: &'a str,
        files: &dyn Files,
    ) -> impl Iterator<Item = &'a str> {
        let listed = self.sources.get(path).into_iter().flatten().map(String::as_str);
        listed.filter(move |listed| files.real(listed).ok().as_deref() != Some(path))
    }

    /// The objects of a file that are not as they were in another state of the baseline: of those
    /// that change, and of these.
    pub fn changed<'a>(
        &'a self,
        path: &str,
        also: &[&'a ObjectRef],
        before: &Baseline,
        now: &Baseline,
    ) -> Vec<&'a ObjectRef> {
        let text = |baseline: &Baseline, id: &ObjectRef| {
            baseline.get(id).map(|object| object.document().to_text())
        };
        let changes = self.file(path).into_iter().flat_map(|file| &file.changes);
        let changes = changes.map(|change| &change.object);
        let mut objects: Vec<&ObjectRef> = changes.chain(also.iter().copied()).collect();
        objects.sort_unstable();
        objects.dedup();
        objects.retain(|id| text(before, id) != text(now, id));
        objects
    }
}

/// A file of the baseline that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromotedFile {
    /// Its path in the repository, with no link on the way.
    pub path: String,
    /// Its text before.
    pub before: String,
    /// Its text after.
    pub after: String,
    /// What changes in it.
    pub changes: Vec<Promoted>,
}

/// One change of the baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promoted {
    /// The service it is for.
    pub service: String,
    /// The object that changes.
    pub object: ObjectRef,
    /// What changes in it.
    pub what: What,
}

/// What changes in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The image of a container.
    Image {
        /// The container.
        container: String,
        /// The image it had.
        old: String,
        /// The image it has from now on.
        new: String,
    },
    /// Whatever a patch of the spec changes.
    Patch,
}

/// What is done to one object.
enum Edit<'a> {
    Image { path: Path, template: &'a PodTemplate, container: &'a str, old: String, new: &'a str },
    Patch(&'a Patch),
}

/// One object with what is done to it.
struct Target<'a> {
    service: &'a str,
    object: ObjectRef,
    edit: Edit<'a>,
}

/// Puts the images of a spec into the baseline's files, and with `patches` what its patches say.
/// Nothing is left to do where the baseline has them.
///
/// # Errors
///
/// Services and containers that the baseline does not have, patches that do not fit, and files in
/// which nothing can be changed in place.
pub fn promote(
    release: &GrayRelease,
    facts: &Facts,
    files: &dyn Files,
    patches: bool,
) -> Result<Promotion, Failure> {
    let mut errors = Vec::new();
    // Links are followed: what is edited and committed is the file that they lead to.
    let mut by_file: BTreeMap<String, Vec<Target<'_>>> = BTreeMap::new();
    let mut sources = BTreeSet::new();
    for (file, target) in targets(release, facts, patches, &mut sources, &mut errors) {
        match files.real(file) {
            Ok(real) => by_file.entry(real).or_default().push(target),
            Err(error) => errors.push(unchangeable(file, &why(error))),
        }
    }
    let mut promotion = Promotion::default();
    for listed in sources {
        if let Ok(real) = files.real(listed) {
            promotion.sources.entry(real).or_default().insert(listed.to_owned());
        }
    }
    for (path, targets) in by_file {
        match promoted(&path, &targets, release, files) {
            Ok(file) if file.before != file.after => promotion.files.push(file),
            Ok(_) => {}
            Err(list) => errors.extend(list),
        }
    }
    if errors.is_empty() { Ok(promotion) } else { Err(Failure(errors)) }
}

/// The objects that change, each with its file: what patches change, then images. `sources` are the
/// files of those that are as they are to be, too.
fn targets<'a>(
    release: &'a GrayRelease,
    facts: &'a Facts,
    patches: bool,
    sources: &mut BTreeSet<&'a str>,
    errors: &mut Vec<Diagnostic>,
) -> Vec<(&'a str, Target<'a>)> {
    let (found, wrong) = find(release, facts, governance::of(release.provider));
    errors.extend(wrong);
    // Patches of one service may change images of another.
    let is_patched = patches && found.iter().any(|service| !service.spec.patches.is_empty());
    let mut targets = Vec::new();
    // As in the copies, these are set last: a patch may bring a whole container.
    let mut images = Vec::new();
    for service in &found {
        let object = facts.object(service.workload);
        let template = &service.pods.template;
        errors.extend(check_images(object, template, service.spec));
        for patch in service.spec.patches.iter().filter(|_| patches) {
            let target = &patch.target;
            let all = facts.named(&target.kind, &target.name).map(|at| facts.object(at));
            let near = all.clone().find(|each| each.id.namespace == object.id.namespace);
            let Some(patched) = near.or_else(|| all.clone().next()) else {
                errors.push(
                    Diagnostic::error(format!("the baseline has no {target}"))
                        .at(patch.place.clone())
                        .remedy("a patch names an object of the baseline: `Kind/name`"),
                );
                continue;
            };
            sources.insert(&patched.file);
            let (service, id) = (&*service.spec.name, patched.id.clone());
            let edit = Edit::Patch(patch);
            targets.push((patched.file.as_ref(), Target { service, object: id, edit }));
        }
        let all = containers(service.document.root(), template);
        for image in &service.spec.images {
            let Some(container) = all.iter().find(|each| each.name == image.container) else {
                continue;
            };
            sources.insert(&object.file);
            let path = container.path.key("image");
            let old = service.document.find(&path).and_then(NodeRef::text).unwrap_or_default();
            if old != image.image || is_patched {
                let (container, old, new) = (&*image.container, old.to_owned(), &*image.image);
                let edit = Edit::Image { path, template, container, old, new };
                let (service, id) = (&*service.spec.name, object.id.clone());
                images.push((object.file.as_ref(), Target { service, object: id, edit }));
            }
        }
    }
    targets.append(&mut images);
    targets
}

fn unchangeable(path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(format!("{path} cannot be changed: {why}"))
        .remedy("write the images into it by hand")
}

fn why(error: FilesError) -> String {
    match error {
        FilesError::Missing => "it is no file of the repository".to_owned(),
        FilesError::Outside(why) | FilesError::Other(why) => why,
    }
}

/// A file with its objects changed.
fn promoted(
    path: &str,
    targets: &[Target<'_>],
    release: &GrayRelease,
    files: &dyn Files,
) -> Result<PromotedFile, Vec<Diagnostic>> {
    let unreadable = |why: &str| vec![unchangeable(path, why)];
    let bytes = files.read(path).map_err(|error| unreadable(&why(error)))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text"))?;
    if release.appstack.is_some() && is_orchestration(&text) {
        return Err(unreadable(
            "it is an AppStack orchestration, whose images are those of `appstack.images`",
        ));
    }
    let namespace = release.namespace.as_deref().unwrap_or("");
    let mut manifest =
        Manifest::open(path, &text, namespace).map_err(|why| unreadable(&why.to_string()))?;
    let mut errors = Vec::new();
    let mut changes = Vec::new();
    for target in targets {
        let result = match &target.edit {
            Edit::Image { path, template, container, new, .. } => {
                manifest.set_image(&target.object, path, template, container, new)
            }
            Edit::Patch(patch) => manifest
                .change(&target.object, |document| apply_patch(patch, &target.object, document)),
        };
        match result {
            Ok(false) => {}
            // It is as it was before a patch.
            Ok(true) if matches!(&target.edit, Edit::Image { old, new, .. } if old == new) => {}
            Ok(true) => changes.push(Promoted {
                service: target.service.to_owned(),
                object: target.object.clone(),
                what: match &target.edit {
                    Edit::Image { container, old, new, .. } => What::Image {
                        container: (*container).to_owned(),
                        old: old.clone(),
                        new: (*new).to_owned(),
                    },
                    Edit::Patch(_) => What::Patch,
                },
            }),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let after = manifest.to_text();
    Ok(PromotedFile { path: path.to_owned(), before: text, after, changes })
}

#[cfg(test)]
mod tests;
