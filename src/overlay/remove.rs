//! Planning the removal of a lane, or of parts of it.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Found, OverlayFiles};
use super::layout::Directory;
use super::lock::{Lock, Origin, OwnedFile};
use super::path::OverlayPath;
use super::plan::{FileChange, OverlayFile, Plan, add_lock, removal};
use crate::diagnostic::Failure;

/// What to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection<'a> {
    /// The whole lane.
    All,
    /// All that is applied; the lock stays and says that the lane is there, without objects.
    Objects,
    /// What belongs to this service. With its last service the lane goes as a whole.
    Service(&'a str),
    /// What lets gray traffic in; the rest stays, so that requests under way are answered.
    Entry,
}

impl Selection<'_> {
    fn takes(self, file: &OwnedFile) -> bool {
        match self {
            Self::All | Self::Objects => true,
            Self::Service(name) => file.origin.service.as_deref() == Some(name),
            Self::Entry => is_entry(&file.path),
        }
    }
}

/// Whether a file of an overlay lets gray traffic in.
pub(super) fn is_entry(path: &OverlayPath) -> bool {
    path.directory()
        .is_some_and(|directory| directory.split('/').next() == Some(Directory::Entry.as_str()))
}

/// Plans the removal of files that the lock owns: the entry first, then the rest.
///
/// A directory that loses its last owned file keeps a `.gitkeep`, and so does the overlay's own
/// directory once the lane is gone: Argo CD and Flux report a missing path as an error and prune
/// nothing (Argo CD `app path does not exist`; Flux `kustomization path not found`), and git holds
/// no empty directory. Without a lock there is nothing to do.
///
/// # Errors
/// Without `force`, a file was changed by hand. All such files are reported.
pub fn plan_removal(
    lock: Option<&Lock>,
    selection: Selection<'_>,
    found: &dyn OverlayFiles,
    force: bool,
) -> Result<Plan, Failure> {
    let mut plan = Plan { changes: Vec::new(), unchanged: Vec::new(), lock: None };
    let Some(lock) = lock else {
        // What an earlier removal left belongs to a commit of it that is made now.
        for directory in
            [None, Some(Directory::Workloads.as_str()), Some(Directory::Entry.as_str())]
        {
            if let Found::File(contents) = found.read(&OverlayPath::keep(directory))? {
                plan.unchanged.push(keep_file(directory, contents));
            }
        }
        return Ok(plan);
    };
    let serves = |file: &OwnedFile| file.origin.service.is_some();
    let last = matches!(selection, Selection::Service(_))
        && lock.files().iter().any(|file| selection.takes(file))
        && !lock.files().iter().any(|file| serves(file) && !selection.takes(file));
    let selection = if last { Selection::All } else { selection };

    let mut taken: Vec<&OwnedFile> =
        lock.files().iter().filter(|file| selection.takes(file)).collect();
    taken.sort_by_key(|file| (!is_entry(&file.path), &file.path));
    let mut errors = Vec::new();
    for file in &taken {
        match removal(file, found, force) {
            Ok(change) => plan.changes.extend(change),
            Err(failure) => errors.extend(failure.0),
        }
    }
    if !errors.is_empty() {
        return Err(Failure(errors));
    }
    let rest = lock.clone().retain(|file| !selection.takes(file));
    let mut left: BTreeMap<&str, bool> =
        taken.iter().filter_map(|file| Some((file.path.directory()?, true))).collect();
    let occupied: BTreeSet<&str> =
        rest.files().iter().filter_map(|file| file.path.directory()).collect();
    left.retain(|directory, _| !occupied.contains(directory));
    let mut kept: Vec<Option<&str>> = left.into_keys().map(Some).collect();
    if lock.is_offline() {
        // What made it so may never have been committed.
        for directory in [Directory::Entry.as_str(), Directory::Workloads.as_str()] {
            if found.read(&OverlayPath::keep(Some(directory)))? != Found::Absent {
                kept.push(Some(directory));
            }
        }
    }

    if matches!(selection, Selection::All) {
        if found.read(&OverlayPath::lock())? != Found::Absent {
            plan.changes.push(FileChange::Remove(OverlayPath::lock()));
        }
        kept.insert(0, None);
    } else {
        add_lock(&mut plan, rest, found)?;
    }
    for directory in kept {
        match found.read(&OverlayPath::keep(directory))? {
            Found::Absent => plan.changes.push(FileChange::Add(keep_file(directory, Vec::new()))),
            Found::File(contents) => plan.unchanged.push(keep_file(directory, contents)),
            // Whatever it is, it keeps the directory.
            Found::Symlink | Found::Obstacle(_) => {}
        }
    }
    Ok(plan)
}

fn keep_file(directory: Option<&str>, contents: Vec<u8>) -> OverlayFile {
    OverlayFile { path: OverlayPath::keep(directory), contents, origin: Origin::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::files::read_lock;
    use crate::overlay::lock::{Digest, LockHeader};

    type Disk = BTreeMap<OverlayPath, Vec<u8>>;

    fn lane(files: &[(&str, Option<&str>)]) -> (Disk, Lock) {
        let header = LockHeader {
            name: "n".into(),
            tag: "t".into(),
            spec: "s".into(),
            spec_digest: Digest::of(b""),
        };
        let files: Vec<OverlayFile> = files
            .iter()
            .map(|(path, service)| OverlayFile {
                path: OverlayPath::new(*path).unwrap(),
                contents: path.as_bytes().to_vec(),
                origin: Origin { service: service.map(str::to_owned), ..Origin::default() },
            })
            .collect();
        let lock = Lock::new(header, &files);
        let mut disk: Disk = files.into_iter().map(|file| (file.path, file.contents)).collect();
        disk.insert(OverlayPath::lock(), lock.to_text().unwrap().into_bytes());
        (disk, lock)
    }

    fn told(plan: &Plan) -> Vec<String> {
        plan.changes
            .iter()
            .map(|change| match change {
                FileChange::Add(file) => format!("+{}", file.path),
                FileChange::Replace(file) => format!("~{}", file.path),
                FileChange::Remove(path) => format!("-{path}"),
            })
            .collect()
    }

    const LANE: [(&str, Option<&str>); 4] = [
        ("workloads/a.yaml", Some("a")),
        ("workloads/b.yaml", Some("b")),
        ("entry/a.yaml", Some("a")),
        ("workloads/shared.yaml", None),
    ];

    #[test]
    fn the_entry_goes_first_and_the_directories_stay() {
        let (disk, lock) = lane(&LANE);
        let plan = plan_removal(Some(&lock), Selection::All, &disk, false).unwrap();
        assert_eq!(
            told(&plan),
            [
                "-entry/a.yaml",
                "-workloads/a.yaml",
                "-workloads/b.yaml",
                "-workloads/shared.yaml",
                "-graylane.lock",
                "+.gitkeep",
                "+entry/.gitkeep",
                "+workloads/.gitkeep"
            ]
        );
        assert_eq!(plan.lock, None);
    }

    #[test]
    fn one_service_leaves_the_others_and_what_they_share() {
        let (disk, lock) = lane(&LANE);
        let plan = plan_removal(Some(&lock), Selection::Service("a"), &disk, false).unwrap();
        assert_eq!(
            told(&plan),
            ["-entry/a.yaml", "-workloads/a.yaml", "~graylane.lock", "+entry/.gitkeep"]
        );
        assert_eq!(plan.lock.unwrap().files().len(), 2);
        assert!(
            plan_removal(Some(&lock), Selection::Service("none"), &disk, false).unwrap().is_empty()
        );
    }

    #[test]
    fn the_last_service_takes_what_was_shared() {
        let (disk, lock) =
            lane(&[("workloads/a.yaml", Some("a")), ("workloads/shared.yaml", None)]);
        let plan = plan_removal(Some(&lock), Selection::Service("a"), &disk, false).unwrap();
        assert_eq!(
            told(&plan),
            [
                "-workloads/a.yaml",
                "-workloads/shared.yaml",
                "-graylane.lock",
                "+.gitkeep",
                "+workloads/.gitkeep"
            ]
        );
    }

    #[test]
    fn draining_takes_the_entry_alone() {
        let (disk, lock) = lane(&LANE);
        let plan = plan_removal(Some(&lock), Selection::Entry, &disk, false).unwrap();
        assert_eq!(told(&plan), ["-entry/a.yaml", "~graylane.lock", "+entry/.gitkeep"]);
    }

    #[test]
    fn without_its_objects_a_lane_keeps_its_lock() {
        let (mut disk, lock) = lane(&LANE);
        let plan = plan_removal(Some(&lock), Selection::Objects, &disk, false).unwrap();
        assert_eq!(
            told(&plan),
            [
                "-entry/a.yaml",
                "-workloads/a.yaml",
                "-workloads/b.yaml",
                "-workloads/shared.yaml",
                "~graylane.lock",
                "+entry/.gitkeep",
                "+workloads/.gitkeep"
            ]
        );
        let offline = plan.lock.clone().unwrap();
        assert!(offline.is_offline() && !lock.is_offline());
        assert_eq!(offline.header(), lock.header());
        for change in plan.changes {
            match change {
                FileChange::Add(file) | FileChange::Replace(file) => {
                    disk.insert(file.path, file.contents)
                }
                FileChange::Remove(path) => disk.remove(&path),
            };
        }
        assert_eq!(read_lock(&disk).unwrap(), Some(offline.clone()));
        let again = plan_removal(Some(&offline), Selection::Objects, &disk, false).unwrap();
        assert!(again.is_empty());
        let gone = plan_removal(Some(&offline), Selection::All, &disk, false).unwrap();
        assert_eq!(told(&gone), ["-graylane.lock", "+.gitkeep"]);
        assert_eq!((gone.unchanged.len(), gone.lock), (2, None));
    }

    #[test]
    fn a_file_changed_by_hand_stays_unless_forced() {
        let (mut disk, lock) = lane(&LANE);
        disk.insert(OverlayPath::new("workloads/b.yaml").unwrap(), b"hand".to_vec());
        let error = plan_removal(Some(&lock), Selection::All, &disk, false).unwrap_err();
        assert_eq!(
            error.0[0].message,
            "`workloads/b.yaml` was changed by hand since it was generated"
        );
        assert!(plan_removal(Some(&lock), Selection::Service("a"), &disk, false).is_ok());
        assert_eq!(told(&plan_removal(Some(&lock), Selection::All, &disk, true).unwrap()).len(), 8);
    }

    #[test]
    fn what_is_gone_already_is_nothing_to_do() {
        let plan = plan_removal(None, Selection::All, &Disk::new(), false).unwrap();
        assert!(plan.is_empty());
        let (_, lock) = lane(&LANE);
        let plan = plan_removal(Some(&lock), Selection::All, &Disk::new(), false).unwrap();
        assert_eq!(told(&plan), ["+.gitkeep", "+entry/.gitkeep", "+workloads/.gitkeep"]);
    }
}
