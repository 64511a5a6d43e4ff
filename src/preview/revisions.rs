//! The same lanes in two revisions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::diff::Compared;
use super::mask::mask;
use super::model::{Broken, Change, LaneChange, LaneDiff, ObjectDiff, Role, without_lines};
use crate::diagnostic::Diagnostic;
use crate::kube::kinds::Wave;
use crate::kube::object::ObjectRef;
use crate::lane::GrayObject;
use crate::overlay::OverlayFile;
use crate::pipeline::Release;

/// What becomes of each lane: those of `head` in their order, then those that only `base` has. A lane
/// is the same where its spec is the same file, or has the same name.
///
/// Of a lane that stays as it is only those findings are told that the base does not have.
pub fn between(base: &[Release], head: &[Release], broken: &[Broken]) -> Vec<LaneDiff> {
    let before = partners(base, head);
    let unreadable: HashSet<&str> = broken.iter().map(|broken| broken.path.as_str()).collect();
    let mut lanes: Vec<LaneDiff> = Vec::with_capacity(head.len());
    let mut met = HashSet::new();
    for (release, before) in head.iter().zip(before) {
        let old = before.and_then(|at| base.get(at));
        met.extend(before);
        let objects = objects(old, Some(release));
        let change = match old {
            None if unreadable.contains(&*release.spec.release.file) => LaneChange::Unknown,
            None => LaneChange::Added,
            Some(_) if objects.is_empty() => LaneChange::Unchanged,
            Some(_) => LaneChange::Changed,
        };
        let mut findings = without_lines(&release.findings);
        if let (LaneChange::Unchanged, Some(old)) = (change, old) {
            let known: HashSet<_> = old.findings.iter().map(meaning).collect();
            findings.retain(|finding| !known.contains(&meaning(finding)));
        }
        lanes.push(LaneDiff { findings, ..lane(release, change, objects) });
    }
    let gone = base.iter().enumerate().filter(|(at, _)| !met.contains(at));
    lanes.extend(gone.map(|(_, old)| lane(old, LaneChange::Removed, objects(Some(old), None))));
    lanes
}

/// What a finding says, wherever its place has moved to.
fn meaning(finding: &Diagnostic) -> (Option<&'static str>, &str) {
    (finding.code, &finding.message)
}

fn lane(release: &Release, change: LaneChange, objects: Vec<ObjectDiff>) -> LaneDiff {
    let spec = &release.spec.release;
    LaneDiff {
        lane: spec.name.clone(),
        tag: spec.tag.to_string(),
        spec: spec.file.to_string(),
        change: Some(change),
        objects,
        findings: Vec::new(),
    }
}

/// Which of `base` each of `head` was, if it was one.
fn partners(base: &[Release], head: &[Release]) -> Vec<Option<usize>> {
    let file = |release: &Release| release.spec.release.file.to_string();
    let name = |release: &Release| release.spec.release.name.clone();
    let mut by_file: HashMap<String, usize> = HashMap::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (at, release) in base.iter().enumerate() {
        by_file.insert(file(release), at);
        by_name.insert(name(release), at);
    }
    let mut found: Vec<Option<usize>> =
        head.iter().map(|release| by_file.get(&file(release)).copied()).collect();
    let mut taken: HashSet<usize> = found.iter().flatten().copied().collect();
    for (partner, release) in found.iter_mut().zip(head) {
        if partner.is_none() {
            *partner = by_name.get(&name(release)).copied().filter(|at| taken.insert(*at));
        }
    }
    found
}

/// An object with the path of its file.
type Placed<'a> = (String, &'a GrayObject);

fn placed(release: Option<&Release>) -> Vec<Placed<'_>> {
    release.into_iter().flat_map(with_paths).collect()
}

fn with_paths(release: &Release) -> impl Iterator<Item = Placed<'_>> {
    let files = release.files().into_iter().map(|file| file.path.below(&release.spec.output));
    files.zip(&release.lane.objects)
}

/// The objects that differ: those of `new` in the order they are applied, then those that are gone.
fn objects(old: Option<&Release>, new: Option<&Release>) -> Vec<ObjectDiff> {
    let (old, new) = (placed(old), placed(new));
    let by_id: HashMap<&ObjectRef, &Placed<'_>> =
        old.iter().map(|placed| (&placed.1.id, placed)).collect();
    let kept: HashSet<&ObjectRef> = new.iter().map(|(_, object)| &object.id).collect();
    let mut objects: Vec<ObjectDiff> = new
        .iter()
        .filter_map(|placed| compare(by_id.get(&placed.1.id).copied(), Some(placed)))
        .collect();
    let gone = old.iter().filter(|(_, object)| !kept.contains(&object.id));
    objects.extend(gone.filter_map(|placed| compare(Some(placed), None)));
    objects
}

fn compare(old: Option<&Placed<'_>>, new: Option<&Placed<'_>>) -> Option<ObjectDiff> {
    let (_, object) = new.or(old)?;
    if old.map(|(_, object)| &object.text) == new.map(|(_, object)| &object.text) {
        return None;
    }
    let document = |placed: Option<&Placed<'_>>| {
        placed.and_then(|(_, object)| object.document()).map(Arc::unwrap_or_clone)
    };
    let (mut before, mut after) = (document(old), document(new));
    mask(before.as_mut(), after.as_mut());
    let name = |placed: Option<&Placed<'_>>| placed.map(|(path, _)| path.clone());
    let compared = Compared {
        before: name(old).zip(before.map(|document| document.to_text())),
        after: name(new).zip(after.map(|document| document.to_text())),
    };
    let change = change(old.is_some(), new.is_some());
    let role = if object.wave == Wave::Entry { Role::Entry } else { Role::Other };
    let id = object.id.clone();
    let service = Some(object.service.clone());
    compared.differs().then_some(ObjectDiff { object: id, service, role, change, compared })
}

fn change(was: bool, is: bool) -> Change {
    match (was, is) {
        (false, _) => Change::Added,
        (true, true) => Change::Changed,
        (true, false) => Change::Removed,
    }
}

/// The files that lanes share, each with its directory, that differ between two revisions.
pub fn shared_between(
    old: Vec<(String, OverlayFile)>,
    new: Vec<(String, OverlayFile)>,
) -> Vec<ObjectDiff> {
    let text = |file: &OverlayFile| String::from_utf8_lossy(&file.contents).into_owned();
    let path = |(directory, file): &(String, OverlayFile)| file.path.below(directory);
    let mut before: HashMap<String, String> =
        old.iter().map(|placed| (path(placed), text(&placed.1))).collect();
    let shared = |path: String, before: Option<String>, after: Option<String>| {
        let change = change(before.is_some(), after.is_some());
        let side = |text: Option<String>| text.map(|text| (path.clone(), text));
        ObjectDiff::shared(&path, change, Compared { before: side(before), after: side(after) })
    };
    let mut objects: Vec<ObjectDiff> = new
        .iter()
        .map(|placed| {
            let path = path(placed);
            let was = before.remove(&path);
            shared(path, was, Some(text(&placed.1)))
        })
        .collect();
    let gone = old.iter().filter_map(|placed| {
        let path = path(placed);
        let was = before.remove(&path)?;
        Some(shared(path, Some(was), None))
    });
    objects.extend(gone);
    objects.retain(|object| object.compared.differs());
    objects
}
