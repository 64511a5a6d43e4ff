//! Where files come from: a directory, a commit, or standard input. All paths are relative to the
//! repository's root and use `/`; an empty path is the root itself.

mod disk;
mod either;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::{Mutex, PoisonError};

pub use disk::Disk;
pub use either::Either;

use crate::git::{BlobId, CommitId, EntryKind, GitError, Repository, Smudged};

/// Why a path cannot be read.
#[derive(Debug)]
pub enum FilesError {
    /// There is nothing at this path.
    Missing,
    /// A link leads out of the repository, or in circles.
    Outside(String),
    /// Anything the system says.
    Other(String),
}

impl From<io::Error> for FilesError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Why a file is not read whose name no path can say.
const NO_UTF8: &str = "its name is not UTF-8";

/// Endings of manifest files.
const MANIFESTS: [&str; 3] = [".yaml", ".yml", ".json"];

/// Whether a file of this name may hold manifests.
pub(super) fn may_be_manifest(name: &[u8]) -> bool {
    MANIFESTS.iter().any(|ending| name.ends_with(ending.as_bytes()))
}

/// Which directories to go into, by their repository paths.
pub type Enter<'a> = dyn Fn(&str) -> bool + Sync + 'a;

/// A tree of files.
pub trait Files: Sync {
    /// The files at or below a path, sorted, as repository paths. Directories for which `enter` is
    /// false are left out.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when the path is missing or leaves the repository.
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError>;

    /// A file's bytes.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when it cannot be read or is a link that leaves the repository.
    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError>;

    /// The path of the file itself that is read at a path: another one where a link is on the way.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when a link leaves the repository or leads nowhere.
    fn real(&self, path: &str) -> Result<String, FilesError> {
        Ok(path.to_owned())
    }
}

/// The files of a commit. Links within the repository are followed, as in a work tree.
pub struct AtCommit {
    /// libgit2's repository is for one thread at a time.
    repository: Mutex<Repository>,
    entries: BTreeMap<String, EntryKind>,
    /// Those whose names are not UTF-8, which no path can say.
    unnamed: HashSet<String>,
    /// Where files are read as a checkout would have them: those that are stored otherwise.
    smudged: Option<Smudged>,
}

impl AtCommit {
    /// The files of a commit.
    ///
    /// # Errors
    ///
    /// When the commit's tree cannot be read.
    pub fn new(repository: &Repository, commit: CommitId) -> Result<Self, GitError> {
        let entries = repository.files_at(commit, "")?;
        let unnamed = entries.iter().filter(|entry| !entry.is_utf8);
        let unnamed = unnamed.map(|entry| entry.path.clone()).collect();
        let entries = entries.into_iter().map(|entry| (entry.path, entry.kind)).collect();
        Ok(Self { repository: Mutex::new(repository.reopen()?), entries, unnamed, smudged: None })
    }

    /// The files of a commit as a checkout would have them: what the filters of its attributes can
    /// read is read by them.
    ///
    /// # Errors
    ///
    /// When the commit's tree cannot be read.
    pub fn checked_out(repository: &Repository, commit: CommitId) -> Result<Self, GitError> {
        let mut files = Self::new(repository, commit)?;
        let paths: Vec<&str> = files.entries.keys().map(String::as_str).collect();
        files.smudged = repository.smudged(commit, &paths)?;
        Ok(files)
    }

    fn blob(&self, id: BlobId) -> Result<Vec<u8>, FilesError> {
        let repository = self.repository.lock().unwrap_or_else(PoisonError::into_inner);
        repository.read_blob(id).map_err(|error| FilesError::Other(error.to_string()))
    }

    /// The path that a path means once all links on the way are followed.
    fn resolve(&self, path: &str) -> Result<String, FilesError> {
        /// As many as Linux follows.
        const MAX_LINKS: usize = 40;
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            let mut ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            let link = ends.find_map(|end| match self.entries.get(&path[..end]) {
                Some(EntryKind::Symlink(id)) => Some((end, *id)),
                _ => None,
            });
            let Some((end, id)) = link else { return Ok(path) };
            let target = String::from_utf8_lossy(&self.blob(id)?).into_owned();
            let outside = || FilesError::Outside(format!("`{}` leads to {target}", &path[..end]));
            let directory = path[..end].rsplit_once('/').map_or("", |(directory, _)| directory);
            let followed = join(directory, &target).ok_or_else(outside)?;
            path = format!("{followed}{}", &path[end..]).trim_start_matches('/').to_owned();
        }
        Err(FilesError::Outside("it leads in circles".to_owned()))
    }
}

/// A relative path from a directory; `None` where it leaves the repository.
fn join(directory: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

impl Files for AtCommit {
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError> {
        let real = self.resolve(path)?;
        let mut listed = list_sorted(self.entries.keys().map(String::as_str), &real, enter)?;
        let mut files = Vec::new();
        listed.retain(|file| {
            matches!(self.entries.get(file), Some(EntryKind::File(_) | EntryKind::Symlink(_)))
                && (!self.unnamed.contains(file) || may_be_manifest(file.as_bytes()))
        });
        for file in listed {
            if let Some(EntryKind::Symlink(_)) = self.entries.get(&file) {
                let target = self.resolve(&file)?;
                // A link to a directory is left out where its files are listed anyway.
                if !matches!(self.entries.get(&target), Some(EntryKind::File(_))) {
                    continue;
                }
            }
            files.push(format!("{path}{}", file.strip_prefix(&real).unwrap_or(&file)));
        }
        Ok(files)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError> {
        let path = self.resolve(path)?;
        if self.unnamed.contains(&path) {
            return Err(FilesError::Other(NO_UTF8.to_owned()));
        }
        match self.entries.get(&path) {
            Some(EntryKind::File(id)) => {
                let smudged = self.smudged.as_ref().and_then(|files| files.read(&path, *id));
                smudged.map_or_else(|| self.blob(*id), Ok)
            }
            _ => Err(FilesError::Missing),
        }
    }

    fn real(&self, path: &str) -> Result<String, FilesError> {
        self.resolve(path)
    }
}

/// Files in memory: standard input, and tests.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl Files for Memory {
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError> {
        list_sorted(self.0.keys().map(String::as_str), path, enter)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError> {
        self.0.get(path).cloned().ok_or(FilesError::Missing)
    }
}

/// A tree of files of which one is read with other contents.
pub struct Instead<'a> {
    /// The tree.
    pub files: &'a dyn Files,
    /// The file, which the tree has.
    pub path: String,
    /// What is read there.
    pub contents: Vec<u8>,
}

impl Files for Instead<'_> {
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError> {
        self.files.list(path, enter)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError> {
        if path == self.path { Ok(self.contents.clone()) } else { self.files.read(path) }
    }

    fn real(&self, path: &str) -> Result<String, FilesError> {
        self.files.real(path)
    }
}

/// Lists the files at or below a path among all paths of a tree.
pub(crate) fn list_sorted<'a>(
    all: impl Iterator<Item = &'a str>,
    path: &str,
    enter: &Enter<'_>,
) -> Result<Vec<String>, FilesError> {
    let below = |file: &str| {
        path.is_empty()
            || file == path
            || file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
    };
    let entered = |file: &str| {
        let directories = file.match_indices('/').map(|(at, _)| &file[..at]);
        directories.filter(|directory| directory.len() > path.len()).all(enter)
    };
    let mut any = path.is_empty();
    let mut files: Vec<String> = Vec::new();
    for file in all.filter(|file| below(file)) {
        any = true;
        if entered(file) {
            files.push(file.to_owned());
        }
    }
    files.sort();
    if any { Ok(files) } else { Err(FilesError::Missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_that_are_not_entered_are_left_out() {
        let names = ["a/x.yaml", "a/skip/y.yaml", "ab/z.yaml"];
        let memory = Memory(names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect());
        assert_eq!(memory.list("a", &|directory| directory != "a/skip").unwrap(), ["a/x.yaml"]);
        assert_eq!(memory.list("", &|_| true).unwrap().len(), 3);
    }
}
