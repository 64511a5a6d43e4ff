//! Planning the removal of a lane, or of parts of it.

use std::collections::BTreeSet;

use super::files::{Found, OverlayFiles};
use super::kustomization::{is_kustomization, kustomizations};
use super::layout::Directory;
use super::lock::{Lock, Origin, OwnedFile};
use super::path::OverlayPath;
use super::plan::{
    FileChange, OverlayFile, Plan, add_lock, holds, left_kustomizations, may_replace, removal,
};
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

/// Whether nothing but what a removal leaves is where an overlay goes.
///
/// # Errors
/// What is there cannot be read.
pub fn is_removed(found: &dyn OverlayFiles) -> Result<bool, Failure> {
    let is_there = |path: &OverlayPath| Ok::<_, Failure>(found.read(path)? != Found::Absent);
    Ok(!is_there(&OverlayPath::lock())?
        && (is_there(&OverlayPath::keep(None))? || !left_kustomizations(None, found)?.is_empty()))
}

/// Plans the removal of files that the lock owns: the entry first, then the rest.
///
/// A directory that loses its last owned file keeps a `.gitkeep`, and so does the overlay's own
/// directory once the lane is gone: Argo CD and Flux report a missing path as an error and prune
/// nothing (Argo CD `app path does not exist`; Flux `kustomization path not found`), and git holds
/// no empty directory. Kustomizations stay in place of that file and list what stays, if nothing
/// then `resources: []`. Without a lock there is nothing to do.
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
    let left = left_kustomizations(lock, found)?;
    for file in kustomizations([])?.into_iter().filter(|file| left.contains(&file.path)) {
        plan.unchanged.push(file);
    }
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

    // Kustomizations stay and list what stays.
    let listing = Listing::of(lock);
    let takes = |file: &OwnedFile| selection.takes(file) && !listing.has(&file.path);
    let mut taken: Vec<&OwnedFile> = lock.files().iter().filter(|file| takes(file)).collect();
    taken.sort_by_key(|file| (!is_entry(&file.path), &file.path));
    let mut errors = Vec::new();
    for file in &taken {
        match removal(file, found, force) {
            Ok(change) => plan.changes.extend(change),
            Err(failure) => errors.extend(failure.0),
        }
    }
    let rest = lock.clone().retain(|file| !takes(file));
    let listed = listing.after(&rest)?;
    for file in &listed {
        let state = found.read(&file.path)?;
        match &state {
            Found::File(bytes) if holds(bytes, &file.contents) => plan.unchanged.push(file.clone()),
            Found::Absent => plan.changes.push(FileChange::Add(file.clone())),
            _ => {
                match may_replace(&state, lock.file(&file.path), &found.shown(&file.path), force) {
                    Ok(()) => plan.changes.push(FileChange::Replace(file.clone())),
                    Err(failure) => errors.extend(failure.0),
                }
            }
        }
    }
    if !errors.is_empty() {
        return Err(Failure(errors));
    }
    let left: BTreeSet<&str> = taken.iter().filter_map(|file| file.path.directory()).collect();
    let occupied: BTreeSet<&str> =
        rest.files().iter().filter_map(|file| file.path.directory()).collect();
    let mut kept: Vec<Option<&str>> = left.difference(&occupied).copied().map(Some).collect();
    // What an earlier removal left may never have been committed.
    for directory in [Directory::Entry.as_str(), Directory::Workloads.as_str()] {
        let is_new = !left.contains(directory) && !occupied.contains(directory);
        if is_new && found.read(&OverlayPath::keep(Some(directory)))? != Found::Absent {
            kept.push(Some(directory));
        }
    }

    if matches!(selection, Selection::All) {
        if found.read(&OverlayPath::lock())? != Found::Absent {
            plan.changes.push(FileChange::Remove(OverlayPath::lock()));
        }
        let own = OverlayPath::kustomization(None);
        if !plan.unchanged.iter().any(|file| file.path == own) && listed.is_empty() {
            kept.insert(0, None);
        }
    } else if matches!(selection, Selection::Objects) {
        // The lane has no objects, which is what an empty lock says.
        add_lock(&mut plan, lock.clone().retain(|_| false), found)?;
    } else {
        add_lock(&mut plan, rest.clone().with(&listed), found)?;
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

/// Whether an overlay has kustomizations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listing {
    /// It has one for the overlay and one for each directory of manifests.
    Kustomizations,
    /// It has none.
    None,
}

impl Listing {
    fn of(lock: &Lock) -> Self {
        match lock.file(&OverlayPath::kustomization(None)) {
            Some(_) => Self::Kustomizations,
            None => Self::None,
        }
    }

    /// Whether a path is that of one of them.
    fn has(self, path: &OverlayPath) -> bool {
        self == Self::Kustomizations && is_kustomization(path)
    }

    /// Those of an overlay with the objects of a lock.
    fn after(self, lock: &Lock) -> Result<Vec<OverlayFile>, Failure> {
        let objects = lock.files().iter().filter(|file| file.origin.object.is_some());
        match self {
            Self::Kustomizations => kustomizations(objects.map(|file| &file.path)),
            Self::None => Ok(Vec::new()),
        }
    }
}

fn keep_file(directory: Option<&str>, contents: Vec<u8>) -> OverlayFile {
    OverlayFile {
        path: OverlayPath::keep(directory),
        contents: contents.into(),
        origin: Origin::default(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::overlay::Desired;
    use crate::overlay::digest::Digest;
    use crate::overlay::files::read_lock;
    use crate::overlay::lock::LockHeader;

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
                contents: path.as_bytes().to_vec().into(),
                origin: Origin { service: service.map(str::to_owned), ..Origin::default() },
            })
            .collect();
        let lock = Lock::new(header, &files);
        let mut disk: Disk =
            files.into_iter().map(|file| (file.path, file.contents.to_vec())).collect();
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
        apply(&mut disk, &plan);
        assert_eq!(read_lock(&disk).unwrap(), Some(offline.clone()));
        let again = plan_removal(Some(&offline), Selection::Objects, &disk, false).unwrap();
        assert!(again.is_empty());
        let gone = plan_removal(Some(&offline), Selection::All, &disk, false).unwrap();
        assert_eq!(told(&gone), ["-graylane.lock", "+.gitkeep"]);
        assert_eq!((gone.unchanged.len(), gone.lock), (2, None));
    }

    /// The same lane with kustomizations.
    fn kustomized() -> (Disk, Lock) {
        let (mut disk, lock) = lane(&LANE);
        let paths: Vec<OverlayPath> = lock.files().iter().map(|file| file.path.clone()).collect();
        let mut files = kustomizations(&paths).unwrap();
        for path in paths {
            let origin = Origin {
                object: Some(path.to_string()),
                service: lock.file(&path).unwrap().origin.service.clone(),
                ..Origin::default()
            };
            files.push(OverlayFile { contents: disk[&path].clone().into(), path, origin });
        }
        let lock = Lock::new(lock.header().clone(), &files);
        disk.extend(files.into_iter().map(|file| (file.path, file.contents.to_vec())));
        disk.insert(OverlayPath::lock(), lock.to_text().unwrap().into_bytes());
        (disk, lock)
    }

    fn apply(disk: &mut Disk, plan: &Plan) {
        for change in plan.changes.clone() {
            match change {
                FileChange::Add(file) | FileChange::Replace(file) => {
                    disk.insert(file.path, file.contents.to_vec());
                }
                FileChange::Remove(path) => {
                    disk.remove(&path);
                }
            }
        }
    }

    fn text<'d>(disk: &'d Disk, path: &str) -> &'d str {
        std::str::from_utf8(&disk[&OverlayPath::new(path).unwrap()]).unwrap()
    }

    #[test]
    fn kustomizations_stay_and_list_what_stays() {
        let (mut disk, lock) = kustomized();
        let drain = plan_removal(Some(&lock), Selection::Entry, &disk, false).unwrap();
        assert_eq!(told(&drain), ["-entry/a.yaml", "~entry/kustomization.yaml", "~graylane.lock"]);
        let one = plan_removal(Some(&lock), Selection::Service("b"), &disk, false).unwrap();
        assert_eq!(
            told(&one),
            ["-workloads/b.yaml", "~workloads/kustomization.yaml", "~graylane.lock"]
        );
        apply(&mut disk, &drain);
        let drained = read_lock(&disk).unwrap();
        assert_eq!(drained, drain.lock);
        assert!(text(&disk, "entry/kustomization.yaml").ends_with("resources: []\n"));
        let again = plan_removal(drained.as_ref(), Selection::Entry, &disk, false).unwrap();
        assert!(again.is_empty(), "{:?}", told(&again));
        let all = plan_removal(drained.as_ref(), Selection::All, &disk, false).unwrap();
        apply(&mut disk, &all);
        let left: Vec<&str> = disk.keys().map(OverlayPath::as_str).collect();
        assert_eq!(
            left,
            ["entry/kustomization.yaml", "kustomization.yaml", "workloads/kustomization.yaml"]
        );
        assert!(text(&disk, "workloads/kustomization.yaml").ends_with("resources: []\n"));
        let gone = plan_removal(None, Selection::All, &disk, false).unwrap();
        assert!(gone.is_empty() && gone.unchanged.len() == 3);
    }

    #[test]
    fn kustomizations_without_objects_are_nobodys_and_taken_over_again() {
        let (mut disk, lock) = kustomized();
        let plan = plan_removal(Some(&lock), Selection::Objects, &disk, false).unwrap();
        apply(&mut disk, &plan);
        let offline = read_lock(&disk).unwrap().unwrap();
        assert!(offline.is_offline());
        let gone = plan_removal(Some(&offline), Selection::All, &disk, false).unwrap();
        assert_eq!((told(&gone), gone.unchanged.len()), (vec!["-graylane.lock".to_owned()], 3));
        let file = |path: &str| OverlayFile {
            path: OverlayPath::new(path).unwrap(),
            contents: b"a".to_vec().into(),
            origin: Origin::default(),
        };
        let header = lock.header().clone();
        let mut files = vec![file("workloads/a.yaml")];
        let without = Desired { header: header.clone(), files: files.clone() };
        let without = crate::overlay::plan(without, Some(&offline), &disk, false).unwrap();
        assert_eq!(
            told(&without),
            [
                "-entry/kustomization.yaml",
                "-kustomization.yaml",
                "+workloads/a.yaml",
                "-workloads/kustomization.yaml",
                "~graylane.lock"
            ]
        );
        files.extend(kustomizations([&files[0].path]).unwrap());
        let with = Desired { header, files };
        let with = crate::overlay::plan(with, Some(&offline), &disk, false).unwrap();
        assert_eq!(
            told(&with),
            ["+workloads/a.yaml", "~workloads/kustomization.yaml", "~graylane.lock"]
        );
    }

    #[test]
    fn a_kustomization_changed_by_hand_stops_what_would_write_it() {
        let (mut disk, lock) = kustomized();
        let path = OverlayPath::new("entry/kustomization.yaml").unwrap();
        disk.insert(path, b"namespace: x\n".to_vec());
        let error = plan_removal(Some(&lock), Selection::Entry, &disk, false).unwrap_err();
        assert!(error.0[0].message.starts_with("`entry/kustomization.yaml` was changed by hand"));
        assert!(plan_removal(Some(&lock), Selection::Entry, &disk, true).is_ok());
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
