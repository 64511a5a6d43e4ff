//! Whose overlays stand where lanes are about to be written: no lane takes another's, or its objects.

use std::collections::HashMap;

use crate::baseline::files::Files;
use crate::diagnostic::Diagnostic;
use crate::invocation::Invocation;
use crate::kube::object::GroupKind;
use crate::neighbours::{Destination, locks_beside};
use crate::overlay::{LOCK_FILE, Lock, OwnedFile};
use crate::pipeline::{Release, SpecFile, read_spec};
use crate::spec::Strategy;
use crate::yaml::{Source, parse};

/// What lanes would take of others that are not among them, in the tree `there` that they are written
/// to: the overlay in their output, and objects that stand in an overlay beside it. Specs are those of
/// `files`.
pub(super) fn taken(
    releases: &[Release],
    files: &dyn Files,
    there: Destination<'_>,
) -> Vec<Diagnostic> {
    let specs: Vec<SpecFile> = releases.iter().map(|release| release.spec.clone()).collect();
    let mut errors = Vec::new();
    for spec in &specs {
        // What cannot be read is told by who writes there.
        let lock = there.files.read(&format!("{}/{LOCK_FILE}", spec.output)).ok();
        let lock = lock.and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(Ok(lock)) = lock.map(|text| Lock::parse(&text, LOCK_FILE)) {
            errors.extend(overlay_of_another(spec, &lock, &specs, files, there.invocation));
        }
    }
    errors.extend(objects_of_others(releases, &specs, files, there));
    errors
}

/// What is wrong with writing a lane where this lock stands: it is that of another spec, which is
/// there. A spec that was renamed or moved is the same lane, and one that is written with it gets
/// an overlay elsewhere.
fn overlay_of_another(
    spec: &SpecFile,
    lock: &Lock,
    together: &[SpecFile],
    files: &dyn Files,
    invocation: &Invocation,
) -> Option<Diagnostic> {
    let header = lock.header();
    let own = spec.release.file.as_ref();
    let is_together = || together.iter().any(|other| *other.release.file == *header.spec.as_str());
    if header.is_shared() || header.spec == own || is_together() {
        return None;
    }
    let owner = read_spec(files, &header.spec).ok()?;
    let (output, theirs) = (&spec.output, &owner.release);
    let error = Diagnostic::error(format!(
        "`{output}` is the overlay of the lane `{}` ({})",
        theirs.name, header.spec
    ));
    let remedy = if owner.output == *output {
        format!(
            "give each lane an `output` of its own; if this spec takes the place of {0}, delete {0} first",
            header.spec
        )
    } else {
        format!(
            "choose another `output`; or write both lanes at once, which moves that one to `{}`: {} {}",
            owner.output,
            invocation.of("generate", &header.spec),
            invocation.word(own)
        )
    };
    let error = error.at(spec.release.output_place.clone());
    Some(error.related(theirs.output_place.clone(), "its output").remedy(remedy))
}

/// Objects of the lanes that an overlay beside them has already: each of two applications would
/// write them as its lane has them.
fn objects_of_others(
    releases: &[Release],
    specs: &[SpecFile],
    files: &dyn Files,
    there: Destination<'_>,
) -> Vec<Diagnostic> {
    let beside = locks_beside(there, specs);
    let mut owners: HashMap<&str, Vec<(usize, &OwnedFile)>> = HashMap::new();
    for (position, (_, lock)) in beside.iter().enumerate() {
        for file in lock.files() {
            if let Some(object) = &file.origin.object {
                owners.entry(object).or_default().push((position, file));
            }
        }
    }
    let mut errors = Vec::new();
    for release in releases.iter().filter(|release| is_copied(release)) {
        let mut common: HashMap<usize, Vec<String>> = HashMap::new();
        for object in &release.lane.objects {
            let shown = object.id.to_string();
            for (position, file) in owners.get(shown.as_str()).into_iter().flatten() {
                let Some((directory, _)) = beside.get(*position) else { continue };
                if kind_in(there.files, &file.path.below(directory)) == Some(object.id.group_kind())
                {
                    common.entry(*position).or_default().push(shown.clone());
                }
            }
        }
        for (position, (directory, lock)) in beside.iter().enumerate() {
            if let Some(objects) = common.get(&position) {
                errors.push(tell(release, directory, lock, objects, files));
            }
        }
    }
    errors
}

/// Whether the lane's objects are named by its tag. What drives a workload of the baseline is not,
/// and has a finding of its own.
fn is_copied(release: &Release) -> bool {
    release.spec.release.strategy == Strategy::Copy
}

/// The kind of the first object in a manifest; `None` where it cannot be read.
fn kind_in(files: &dyn Files, path: &str) -> Option<GroupKind> {
    let text = String::from_utf8(files.read(path).ok()?).ok()?;
    let stream = parse(Source::new(path, text)).ok()?;
    // A service has one TrafficRouter, whatever the tags: that is a finding of its own.
    GroupKind::of(stream.documents.first()?.root()).filter(|kind| kind.kind != "TrafficRouter")
}

fn tell(
    release: &Release,
    directory: &str,
    lock: &Lock,
    objects: &[String],
    files: &dyn Files,
) -> Diagnostic {
    /// Objects that are named; more would say nothing more.
    const SHOWN: usize = 3;
    let (own, header) = (&release.spec.release, lock.header());
    let more = match objects.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = objects.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let error = Diagnostic::error(format!(
        "the lanes `{}` (`{directory}`) and `{}` both have {shown}{more}",
        header.name, own.name
    ));
    let error = error.at(own.tag_place.clone());
    match read_spec(files, &header.spec) {
        // The spec that wrote it is on another branch.
        _ if header.spec == *own.file => {
            error.remedy("give each lane a tag of its own, or a namespace")
        }
        Ok(theirs) => error
            .related(theirs.release.tag_place, "the other one")
            .remedy("give each lane a tag of its own, or a namespace"),
        Err(_) => error.remedy(format!(
            "give each lane a tag of its own, or a namespace; {} is gone or wrong: if its lane is not wanted any more, remove `{directory}`",
            header.spec
        )),
    }
}
