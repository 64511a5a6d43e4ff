//! What has to change for an overlay to be as wanted.

use std::collections::HashSet;
use std::sync::Arc;

use super::digest::Digest;
use super::files::{Found, OverlayFiles};
use super::kustomization::kustomizations;
use super::layout::Directory;
use super::lock::{Lock, LockHeader, Origin, OwnedFile};
use super::path::OverlayPath;
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::with_lf;

/// A file of an overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayFile {
    /// Where it is.
    pub path: OverlayPath,
    /// What it holds; plans and commits of it share the bytes.
    pub contents: Arc<Vec<u8>>,
    /// What it is made from.
    pub origin: Origin,
}

/// An overlay as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The gray release it is for.
    pub header: LockHeader,
    /// All of its files but the lock, in any order.
    pub files: Vec<OverlayFile>,
}

/// One change to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileChange {
    /// A file that is not there.
    Add(OverlayFile),
    /// A file that holds something else.
    Replace(OverlayFile),
    /// A file that is no longer wanted.
    Remove(OverlayPath),
}

impl FileChange {
    /// The file that changes.
    pub fn path(&self) -> &OverlayPath {
        match self {
            Self::Add(file) | Self::Replace(file) => &file.path,
            Self::Remove(path) => path,
        }
    }
}

/// The changes that make an overlay as wanted, in the order they are told and made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The changes. The lock comes after the files it lists.
    pub changes: Vec<FileChange>,
    /// Files that already hold what they should. Nothing writes them.
    pub unchanged: Vec<OverlayFile>,
    /// The lock once all is done; `None` where nothing is owned any more.
    pub lock: Option<Lock>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The overlay that the plan leads to, where there is one.
    pub fn outcome(&self) -> Option<Desired> {
        let header = self.lock.as_ref()?.header().clone();
        let written = self.changes.iter().filter_map(|change| match change {
            FileChange::Add(file) | FileChange::Replace(file) => Some(file),
            FileChange::Remove(_) => None,
        });
        let files = written.chain(&self.unchanged).filter(|file| !file.path.is_lock());
        Some(Desired { header, files: files.cloned().collect() })
    }

    /// Whether anything but the lock changes. Where only the lock does, the spec changed in a way
    /// that leaves the manifests as they are, or a merge left the lock of one of its sides.
    pub fn changes_manifests(&self) -> bool {
        self.changes.iter().any(|change| !change.path().is_lock())
    }

    /// Whether the overlay, whose lock is `old`, is another than the one it leads to: its files are,
    /// or the lock lists others. What the lock says of the spec is no difference: a comment in it
    /// makes no overlay wrong.
    pub fn differs(&self, old: Option<&Lock>) -> bool {
        self.changes_manifests() || self.lock.as_ref().map(Lock::files) != old.map(Lock::files)
    }

    /// The changes as people are told of them: of the lock only where it is all that changes.
    pub fn told(&self) -> impl Iterator<Item = &FileChange> {
        let has_others = self.changes_manifests();
        self.changes.iter().filter(move |change| !(has_others && change.path().is_lock()))
    }
}

/// Plans the way from what is found to what is wanted. `old` is the lock that is found.
///
/// Files that neither lock lists are left alone, but for the kustomizations that a removal left
/// behind. A directory of manifests that loses its last one keeps a `.gitkeep`, as with
/// [`plan_removal`](super::plan_removal). A file that differs only by CRLF, as git checks
/// it out with `core.autocrlf`, is unchanged. With `force`, a file changed by hand and a
/// foreign file in the place of an owned one are overwritten; this is also the way to only compare.
///
/// # Errors
/// Two files are wanted at one path or one is wanted where the lock goes; without `force`, a file
/// was changed by hand or is foreign; a directory is in the way. All of them are reported.
pub fn plan(
    desired: Desired,
    old: Option<&Lock>,
    found: &dyn OverlayFiles,
    force: bool,
) -> Result<Plan, Failure> {
    let Desired { header, mut files } = desired;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let lock = Lock::new(header, &files);
    let mut errors = conflicts(&files);
    let mut plan = Plan { changes: Vec::new(), unchanged: Vec::new(), lock: None };
    let left = left_kustomizations(old, found)?;
    for path in left.iter().filter(|path| lock.file(path).is_none()) {
        plan.changes.push(FileChange::Remove(path.clone()));
    }
    for file in files {
        let state = found.read(&file.path)?;
        let owned = old.and_then(|lock| lock.file(&file.path));
        match (&state, owned) {
            (Found::File(bytes), _) if holds(bytes, &file.contents) => plan.unchanged.push(file),
            (Found::Absent, _) => plan.changes.push(FileChange::Add(file)),
            _ if left.contains(&file.path) => plan.changes.push(FileChange::Replace(file)),
            _ => match may_replace(&state, owned, &found.shown(&file.path), force) {
                Ok(()) => plan.changes.push(FileChange::Replace(file)),
                Err(failure) => errors.extend(failure.0),
            },
        }
    }
    for owned in
        old.iter().flat_map(|lock| lock.files()).filter(|owned| lock.file(&owned.path).is_none())
    {
        match removal(owned, found, force) {
            Ok(change) => plan.changes.extend(change),
            Err(failure) => errors.extend(failure.0),
        }
    }
    plan.changes.extend(keep_emptied(old, &lock, found)?);
    plan.changes.sort_by(|a, b| a.path().cmp(b.path()));
    match add_lock(&mut plan, lock, found) {
        Err(failure) => errors.extend(failure.0),
        Ok(()) if errors.is_empty() => return Ok(plan),
        Ok(()) => {}
    }
    Err(Failure(errors))
}

/// The kustomizations that nobody owns and that hold what a removal leaves in them.
pub(super) fn left_kustomizations(
    old: Option<&Lock>,
    found: &dyn OverlayFiles,
) -> Result<Vec<OverlayPath>, Failure> {
    let mut left = Vec::new();
    for file in kustomizations([])? {
        let is_owned = old.is_some_and(|lock| lock.file(&file.path).is_some());
        if !is_owned
            && matches!(found.read(&file.path)?, Found::File(bytes) if holds(&bytes, &file.contents))
        {
            left.push(file.path);
        }
    }
    Ok(left)
}

/// What keeps the directories of manifests that lose all of them.
fn keep_emptied(
    old: Option<&Lock>,
    new: &Lock,
    found: &dyn OverlayFiles,
) -> Result<Vec<FileChange>, Failure> {
    let mut changes = Vec::new();
    for directory in [Directory::Entry, Directory::Workloads].map(Directory::as_str) {
        let is_in =
            |lock: &Lock| lock.files().iter().any(|file| file.path.directory() == Some(directory));
        let keep = OverlayPath::keep(Some(directory));
        if old.is_some_and(is_in) && !is_in(new) && found.read(&keep)? == Found::Absent {
            let (contents, origin) = (Arc::default(), Origin::default());
            changes.push(FileChange::Add(OverlayFile { path: keep, contents, origin }));
        }
    }
    Ok(changes)
}

/// The removal of an owned file; nothing where it is already gone.
pub(super) fn removal(
    owned: &OwnedFile,
    found: &dyn OverlayFiles,
    force: bool,
) -> Result<Option<FileChange>, Failure> {
    let state = found.read(&owned.path)?;
    if state == Found::Absent {
        return Ok(None);
    }
    may_replace(&state, Some(owned), &found.shown(&owned.path), force)?;
    Ok(Some(FileChange::Remove(owned.path.clone())))
}

/// Makes this the lock of the plan, and writing it the last change if it is not there already.
pub(super) fn add_lock(
    plan: &mut Plan,
    lock: Lock,
    found: &dyn OverlayFiles,
) -> Result<(), Failure> {
    let path = OverlayPath::lock();
    let state = found.read(&path)?;
    let file = OverlayFile {
        path,
        contents: lock.to_text()?.into_bytes().into(),
        origin: Origin::default(),
    };
    match state {
        Found::File(bytes) if holds(&bytes, &file.contents) => plan.unchanged.push(file),
        Found::Absent => plan.changes.push(FileChange::Add(file)),
        Found::File(_) | Found::Symlink => plan.changes.push(FileChange::Replace(file)),
        Found::Obstacle(what) => return Err(in_the_way(&found.shown(&file.path), what).into()),
    }
    plan.lock = Some(lock);
    Ok(())
}

/// Whether a file holds this. Line ends that git made CRLF on checkout (`core.autocrlf`, `eol`) are
/// no difference: the commit has LF.
pub(super) fn holds(found: &[u8], wanted: &[u8]) -> bool {
    found == wanted || with_lf(found).is_some_and(|found| found == wanted)
}

/// Whether a file is as it was last written, line ends as for [`holds`].
pub(crate) fn is_as_written(found: &[u8], owned: &OwnedFile) -> bool {
    Digest::of(found) == owned.sha256
        || with_lf(found).is_some_and(|found| Digest::of(&found) == owned.sha256)
}

pub(super) fn may_replace(
    state: &Found,
    owned: Option<&OwnedFile>,
    shown: &str,
    force: bool,
) -> Result<(), Failure> {
    let refusal = match (state, owned) {
        (Found::Obstacle(what), _) => in_the_way(shown, what),
        (Found::File(bytes), Some(owned)) if is_as_written(bytes, owned) => return Ok(()),
        _ if force => return Ok(()),
        (Found::Symlink, _) => Diagnostic::error(format!("`{shown}` is a symbolic link, not a file of graylane"))
            .remedy("move it away, or let `--force` put the file in its place"),
        (_, Some(_)) => Diagnostic::error(format!("`{shown}` was changed by hand since it was generated"))
            .remedy("put the change into the spec (`patches`, `env`) so that it stays, or discard it with `--force`"),
        (_, None) => Diagnostic::error(format!("`{shown}` is in the way and is not a file of graylane"))
            .remedy("move it away, or overwrite it with `--force`"),
    };
    Err(refusal.into())
}

fn in_the_way(shown: &str, what: &str) -> Diagnostic {
    Diagnostic::error(format!("`{shown}` cannot be written: {what} is in its place"))
        .remedy("move it away")
}

/// Errors for files that cannot all be: `files` is ordered by path.
fn conflicts(files: &[OverlayFile]) -> Vec<Diagnostic> {
    let paths: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut errors = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let path = &file.path;
        if index > 0 && files.get(index - 1).is_some_and(|before| before.path == *path) {
            let object = file.origin.object.as_deref().unwrap_or("a file");
            errors.push(
                Diagnostic::error(format!(
                    "two objects would be written to `{path}`: {object} is there twice"
                ))
                .remedy("the baseline or the spec holds the object twice; remove one"),
            );
        }
        if path.is_lock() {
            errors.push(Diagnostic::error(format!("`{path}` is the name of the lock")));
        }
        let above = path.as_str().match_indices('/').filter_map(|(at, _)| path.as_str().get(..at));
        if let Some(above) = above.into_iter().find(|above| paths.contains(above)) {
            errors.push(Diagnostic::error(format!(
                "`{above}` cannot be both a file and a directory"
            )));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Disk = BTreeMap<OverlayPath, Vec<u8>>;

    fn path(path: &str) -> OverlayPath {
        OverlayPath::new(path).unwrap()
    }

    fn desired(files: &[(&str, &str)]) -> Desired {
        let header = LockHeader {
            name: "n".into(),
            tag: "t".into(),
            spec: "s".into(),
            spec_digest: Digest::of(b""),
        };
        let files = files
            .iter()
            .map(|(at, text)| OverlayFile {
                path: path(at),
                contents: text.as_bytes().to_vec().into(),
                origin: Origin::default(),
            })
            .collect();
        Desired { header, files }
    }

    /// A disk and its lock after these files were generated.
    fn generated(files: &[(&str, &str)]) -> (Disk, Lock) {
        let mut disk = Disk::new();
        let plan = plan(desired(files), None, &disk, false).unwrap();
        for change in plan.changes {
            if let FileChange::Add(file) = change {
                disk.insert(file.path, file.contents.to_vec());
            }
        }
        (disk, plan.lock.unwrap())
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

    #[test]
    fn the_same_again_is_nothing() {
        let (disk, lock) = generated(&[("a", "1"), ("b", "1")]);
        let plan = plan(desired(&[("b", "1"), ("a", "1")]), Some(&lock), &disk, false).unwrap();
        assert!(plan.is_empty());
        assert_eq!(plan.unchanged.len(), 3);
    }

    #[test]
    fn only_what_differs_is_written_and_the_lock_last() {
        let (disk, lock) = generated(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let plan =
            plan(desired(&[("a", "1"), ("b", "2"), ("x/d", "1")]), Some(&lock), &disk, false)
                .unwrap();
        assert_eq!(told(&plan), ["~b", "-c", "+x/d", "~graylane.lock"]);
        assert!(plan.changes_manifests());
    }

    #[test]
    fn another_spec_digest_alone_changes_no_manifest() {
        let (disk, lock) = generated(&[("a", "1")]);
        let mut next = desired(&[("a", "1")]);
        next.header.spec_digest = Digest::of(b"other");
        let plan = plan(next, Some(&lock), &disk, false).unwrap();
        assert_eq!(told(&plan), ["~graylane.lock"]);
        assert!(!plan.changes_manifests() && !plan.differs(Some(&lock)));
    }

    #[test]
    fn a_lock_that_lists_other_files_is_a_difference() {
        let (disk, _) = generated(&[("a", "1"), ("b", "1")]);
        let (_, of_a_side) = generated(&[("a", "0"), ("c", "1")]);
        for old in [Some(&of_a_side), None] {
            let plan = plan(desired(&[("a", "1"), ("b", "1")]), old, &disk, false).unwrap();
            assert!(!plan.changes_manifests() && plan.differs(old), "{old:?}");
            assert_eq!(plan.lock.unwrap().files().len(), 2);
        }
    }

    #[test]
    fn files_changed_by_hand_stop_it_all_at_once() {
        let (mut disk, lock) = generated(&[("a", "1"), ("b", "1"), ("c", "1")]);
        disk.insert(path("a"), b"hand".to_vec());
        disk.insert(path("b"), b"hand".to_vec());
        let wanted = || desired(&[("a", "2"), ("c", "1")]);
        let errors = plan(wanted(), Some(&lock), &disk, false).unwrap_err().0;
        let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`a` was changed by hand since it was generated",
                "`b` was changed by hand since it was generated"
            ]
        );
        let forced = plan(wanted(), Some(&lock), &disk, true).unwrap();
        assert_eq!(told(&forced), ["~a", "-b", "~graylane.lock"]);
    }

    #[test]
    fn a_hand_change_to_what_is_wanted_anyway_is_none() {
        let (mut disk, lock) = generated(&[("a", "1")]);
        disk.insert(path("a"), b"2".to_vec());
        assert_eq!(
            told(&plan(desired(&[("a", "2")]), Some(&lock), &disk, false).unwrap()),
            ["~graylane.lock"]
        );
    }

    #[test]
    fn a_deleted_file_comes_back() {
        let (mut disk, lock) = generated(&[("a", "1"), ("b", "1")]);
        disk.remove(&path("a"));
        assert_eq!(
            told(&plan(desired(&[("a", "1")]), Some(&lock), &disk, false).unwrap()),
            ["+a", "-b", "~graylane.lock"]
        );
    }

    #[test]
    fn foreign_files_stop_it_in_the_way_and_stay_elsewhere() {
        let disk = Disk::from([
            (path("a"), b"mine".to_vec()),
            (path("same"), b"1".to_vec()),
            (path("README.md"), vec![]),
        ]);
        let wanted = || desired(&[("a", "1"), ("same", "1")]);
        let errors = plan(wanted(), None, &disk, false).unwrap_err().0;
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].message, "`a` is in the way and is not a file of graylane");
        assert_eq!(told(&plan(wanted(), None, &disk, true).unwrap()), ["~a", "+graylane.lock"]);
    }

    #[test]
    fn two_files_at_one_path_are_refused() {
        for files in
            [&[("a", "1"), ("a", "2")][..], &[("a", "1"), ("a/b", "2")], &[("graylane.lock", "x")]]
        {
            assert!(plan(desired(files), None, &Disk::new(), true).is_err(), "{files:?}");
        }
    }
}
