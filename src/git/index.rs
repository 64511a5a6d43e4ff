//! Updating single entries of the index, in step with a reference.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::Oid;
use tempfile::TempDir;

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::read::CommitId;

/// What the index is to hold for a path.
pub(super) struct IndexEntry {
    pub(super) path: String,
    /// Content and file mode; `None` for no entry.
    pub(super) content: Option<(Oid, i32)>,
}

/// A new index beside the one in use, which stays locked until this is installed or dropped.
pub(super) struct IndexUpdate {
    index: PathBuf,
    lock: IndexLock,
    /// Holds the new index as `index`.
    staging: TempDir,
}

/// How often, and how long apart, the lock is tried: editors hold it for moments.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

impl IndexUpdate {
    /// Locks the index as git does, by `index.lock`, and writes the new one beside it.
    ///
    /// `git update-index` changes the copy: it keeps what libgit2 does not read, as in sparse and
    /// split indexes.
    pub(super) fn prepare(repo: &Repository, entries: &[IndexEntry]) -> Result<Self> {
        let io = |error: std::io::Error| GitError::io("update the index", &error);
        let index = repo.git_dir().join("index");
        let lock = IndexLock::take(repo.git_dir().join("index.lock"))?;
        let staging = tempfile::Builder::new()
            .prefix("graylane-index-")
            .tempdir_in(repo.git_dir())
            .map_err(io)?;
        let copy = staging.path().join("index");
        match std::fs::copy(&index, &copy) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
        put(repo, &copy, entries)?;
        Ok(Self { index, lock, staging })
    }

    /// Makes the new index the one in use.
    pub(super) fn install(self) -> Result<()> {
        let Self { index, lock, staging } = self;
        let installed = std::fs::rename(staging.path().join("index"), &index);
        drop(lock);
        installed.map_err(|error| {
            GitError::io("update the index after the commit", &error)
                .remedy("the commit is there; `git reset --mixed` brings the index in step, staged work is lost")
        })
    }
}

/// Puts entries into an index.
fn put(repo: &Repository, index: &Path, entries: &[IndexEntry]) -> Result<()> {
    let mut input = Vec::new();
    for entry in entries {
        let (id, mode) = entry.content.unwrap_or((Oid::ZERO_SHA1, 0));
        input.extend_from_slice(format!("{mode:o} {id}\t{}\0", entry.path).as_bytes());
    }
    let run = repo.program.run(["update-index", "-z", "--index-info"]);
    run.env("GIT_INDEX_FILE", index).output(&input).map(|_| ())
}

/// A directory with an `index` of a commit and these entries, removed when dropped.
pub(super) fn temporary_index(
    repo: &Repository,
    commit: Option<CommitId>,
    entries: &[IndexEntry],
) -> Result<TempDir> {
    let directory = tempfile::Builder::new()
        .prefix("graylane-index-")
        .tempdir_in(repo.git_dir())
        .map_err(|error| GitError::io("make an index", &error))?;
    let index = directory.path().join("index");
    let read = match commit {
        Some(commit) => repo.program.run(["read-tree".to_owned(), commit.to_string()]),
        None => repo.program.run(["read-tree", "--empty"]),
    };
    read.env("GIT_INDEX_FILE", &index).output(&[])?;
    put(repo, &index, entries)?;
    // Else everything looks changed to who compares it with the work tree.
    let refresh = repo.program.run(["update-index", "-q", "--refresh"]);
    refresh.env("GIT_INDEX_FILE", &index).complete(&[])?;
    Ok(directory)
}

/// The file `index.lock`, removed when dropped.
struct IndexLock {
    path: PathBuf,
    _file: File,
}

impl IndexLock {
    fn take(path: PathBuf) -> Result<Self> {
        let mut tries = 1;
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { path, _file: file }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && tries < TRIES => {
                    tries += 1;
                    std::thread::sleep(PAUSE);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(GitError::new(GitErrorKind::NotNow, "another git program holds the index")
                        .remedy("wait for it; if none is running, remove the `index.lock` it left in the git directory"));
                }
                Err(error) => return Err(GitError::io("lock the index", &error)),
            }
        }
    }
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        // Nothing is to be done about a failure here: git names the file when it is in the way.
        let _ = std::fs::remove_file(&self.path);
    }
}
