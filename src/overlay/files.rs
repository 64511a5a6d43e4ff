//! Where an overlay is read from: a directory, a commit, or memory.

use std::collections::{BTreeMap, HashMap};

use super::lock::{Lock, restore};
use super::path::{LOCK_FILE, OverlayPath, join};
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::{BlobId, CommitId, EntryKind, Repository, Smudged};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// A file with these bytes.
    File(Vec<u8>),
    /// A symbolic link, wherever it points.
    Symlink,
    /// Something that no file can take the place of: a directory, a device, or a path whose
    /// directory is a file or a symbolic link. The text says which.
    Obstacle(&'static str),
}

/// The files of an overlay, wherever they are.
pub trait OverlayFiles {
    /// What is at this path.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self, path: &OverlayPath) -> Result<Found, Failure>;

    /// The path as the user would name it.
    fn shown(&self, path: &OverlayPath) -> String;
}

/// The lock of an overlay; `None` where there is none.
///
/// # Errors
/// It cannot be read, or is damaged.
pub fn read_lock(files: &dyn OverlayFiles) -> Result<Option<Lock>, Failure> {
    let path = OverlayPath::lock();
    let shown = files.shown(&path);
    match files.read(&path)? {
        Found::Absent => Ok(None),
        Found::File(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Lock::parse(&text, &shown).map(Some),
            Err(_) => Err(Diagnostic::error(format!("`{shown}` is not UTF-8"))
                .remedy(restore(&shown))
                .into()),
        },
        Found::Symlink => Err(no_file(&shown, "a symbolic link")),
        Found::Obstacle(what) => Err(no_file(&shown, what)),
    }
}

fn no_file(shown: &str, what: &str) -> Failure {
    Diagnostic::error(format!("`{shown}` is {what}, where the {LOCK_FILE} of an overlay belongs"))
        .remedy("move it away, or choose another `output`")
        .into()
}

/// An overlay as a commit holds it.
#[derive(Debug)]
pub struct TreeFiles<'a> {
    repo: &'a Repository,
    dir: String,
    entries: HashMap<String, EntryKind>,
    smudged: Option<Smudged>,
}

impl<'a> TreeFiles<'a> {
    /// The overlay in `dir` (relative to the repository, empty for its root) of a commit. A commit
    /// without that directory has an overlay without files.
    ///
    /// # Errors
    /// The commit cannot be read.
    pub fn open(repo: &'a Repository, commit: CommitId, dir: &str) -> Result<Self, Failure> {
        let entries = repo.files_at(commit, dir)?;
        let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        let smudged = if paths.is_empty() { None } else { repo.smudged(commit, &paths)? };
        let entries = entries.into_iter().map(|entry| (entry.path, entry.kind)).collect();
        Ok(Self { repo, dir: dir.to_owned(), entries, smudged })
    }
}

impl OverlayFiles for TreeFiles<'_> {
    fn read(&self, path: &OverlayPath) -> Result<Found, Failure> {
        let path = path.below(&self.dir);
        let smudged = |id: BlobId| self.smudged.as_ref().and_then(|files| files.read(&path, id));
        Ok(match self.entries.get(&path) {
            None => Found::Absent,
            Some(EntryKind::File(id)) => Found::File(match smudged(*id) {
                Some(bytes) => bytes,
                None => self.repo.read_blob(*id)?,
            }),
            Some(EntryKind::Symlink(_)) => Found::Symlink,
            Some(EntryKind::Submodule) => Found::Obstacle("a submodule"),
        })
    }

    fn shown(&self, path: &OverlayPath) -> String {
        join(&self.dir, path.as_str())
    }
}

impl OverlayFiles for BTreeMap<OverlayPath, Vec<u8>> {
    fn read(&self, path: &OverlayPath) -> Result<Found, Failure> {
        Ok(self.get(path).map_or(Found::Absent, |bytes| Found::File(bytes.clone())))
    }

    fn shown(&self, path: &OverlayPath) -> String {
        path.to_string()
    }
}
