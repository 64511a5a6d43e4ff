//! Reading commits, trees and files without a work tree.

use std::fmt;

use git2::{ErrorCode, ObjectType, Oid};

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::path;
use crate::diagnostic::nearest;

/// The id of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub(super) Oid);

/// The id of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub(super) Oid);

impl fmt::Display for CommitId {
    /// All hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for BlobId {
    /// All hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where HEAD points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// At a branch without a commit yet.
    Unborn {
        /// The name of the branch, without `refs/heads/`.
        branch: String,
    },
    /// At a branch.
    Branch {
        /// The name of the branch, without `refs/heads/`.
        name: String,
        /// Its newest commit.
        commit: CommitId,
    },
    /// At a commit.
    Detached {
        /// That commit.
        commit: CommitId,
    },
}

impl Head {
    /// The commit, if there is one yet.
    pub fn commit(&self) -> Option<CommitId> {
        match self {
            Self::Unborn { .. } => None,
            Self::Branch { commit, .. } | Self::Detached { commit } => Some(*commit),
        }
    }
}

/// What a path of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A file with this content.
    File(BlobId),
    /// A symbolic link; the content is what it points to.
    Symlink(BlobId),
    /// A submodule; its files are in another repository.
    Submodule,
}

/// One path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Relative to the repository, with `/`. What is not UTF-8 is replaced by U+FFFD.
    pub path: String,
    /// Whether the path is UTF-8, so that nothing of it is replaced.
    pub is_utf8: bool,
    /// What it is.
    pub kind: EntryKind,
}

impl Repository {
    /// The commit that a revision names: a branch, tag, id, `HEAD~2`.
    ///
    /// # Errors
    /// There is no such revision, several, or it names no commit.
    pub fn resolve(&self, rev: &str) -> Result<CommitId> {
        let unknown = |message: String| GitError::new(GitErrorKind::UnknownRevision, message);
        let object = self.inner.revparse_single(rev).map_err(|error| match error.code() {
            ErrorCode::Ambiguous => unknown(format!("`{rev}` names several objects"))
                .remedy("give more digits of the id"),
            ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::UnbornBranch => {
                let error = unknown(format!("unknown revision `{rev}`"));
                match self.revision_remedy(rev) {
                    Some(remedy) => error.remedy(remedy),
                    None => error,
                }
            }
            _ => GitError::from_libgit2(&format!("read revision `{rev}`"), &error),
        })?;
        let kind = object.kind().map_or("something else", |kind| kind.str());
        object.peel_to_commit().map(|commit| CommitId(commit.id())).map_err(|_| {
            unknown(format!("`{rev}` names a {kind}, not a commit"))
                .remedy("name a branch, a tag or the id of a commit")
        })
    }

    /// What else an unknown revision may have meant.
    fn revision_remedy(&self, rev: &str) -> Option<String> {
        let branches = self.inner.branches(None).ok()?;
        let mut names: Vec<String> = branches
            .flatten()
            .filter_map(|(branch, _)| Some(branch.name().ok()??.to_owned()))
            .collect();
        let tags = self.inner.tag_names(None).ok();
        names.extend(
            tags.iter().flat_map(|tags| tags.iter()).filter_map(|tag| Some(tag.ok()??.to_owned())),
        );
        names.sort();
        if names.is_empty() && matches!(self.head(), Ok(Head::Unborn { .. })) {
            return Some("the repository has no commit yet".to_owned());
        }
        let below_remote = format!("/{rev}");
        let meant = names.iter().find(|name| name.ends_with(&below_remote)).map(String::as_str);
        if let Some(meant) = meant.or_else(|| nearest(rev, names.iter().map(String::as_str))) {
            return Some(format!("did you mean `{meant}`?"));
        }
        if self.inner.is_shallow() {
            return Some(
                "this clone is shallow: `git fetch --unshallow` gets its whole history".to_owned(),
            );
        }
        Some(
            "`git fetch` gets new branches and tags; `git branch -a` lists those known here"
                .to_owned(),
        )
    }

    /// Where HEAD points.
    ///
    /// # Errors
    /// HEAD cannot be read.
    pub fn head(&self) -> Result<Head> {
        let reading = |error: &git2::Error| GitError::from_libgit2("read HEAD", error);
        let head = self.inner.find_reference("HEAD").map_err(|error| reading(&error))?;
        if let Some(target) = head.symbolic_target().map_err(|error| reading(&error))? {
            let branch = target.strip_prefix("refs/heads/").unwrap_or(target).to_owned();
            return match self.inner.find_reference(target) {
                Err(error) if error.code() == ErrorCode::NotFound => Ok(Head::Unborn { branch }),
                Err(error) => Err(reading(&error)),
                Ok(reference) => {
                    let commit = reference.peel_to_commit().map_err(|error| reading(&error))?;
                    Ok(Head::Branch { name: branch, commit: CommitId(commit.id()) })
                }
            };
        }
        let commit = head.peel_to_commit().map_err(|error| reading(&error))?;
        Ok(Head::Detached { commit: CommitId(commit.id()) })
    }

    /// The first parent of a commit; `None` where it has none, or this clone does not go back so far.
    ///
    /// # Errors
    /// The commit cannot be read.
    pub fn parent(&self, commit: CommitId) -> Result<Option<CommitId>> {
        let found = self.inner.find_commit(commit.0);
        let found = found
            .map_err(|error| GitError::from_libgit2(&format!("read commit {commit}"), &error))?;
        Ok(found.parent(0).ok().map(|parent| CommitId(parent.id())))
    }

    /// The trailers of a commit's message, each `Key: value`, in their order.
    ///
    /// # Errors
    /// The commit cannot be read.
    pub fn trailers(&self, commit: CommitId) -> Result<Vec<String>> {
        let reading =
            |error: git2::Error| GitError::from_libgit2(&format!("read commit {commit}"), &error);
        let found = self.inner.find_commit(commit.0).map_err(reading)?;
        let message = String::from_utf8_lossy(found.message_bytes());
        let trailers = git2::message_trailers_strs(&message).map_err(reading)?;
        Ok(trailers.iter().map(|(key, value)| format!("{key}: {value}")).collect())
    }

    /// The URLs of all remotes.
    pub fn remote_urls(&self) -> Vec<String> {
        let Ok(names) = self.inner.remotes() else { return Vec::new() };
        let names = names.iter().filter_map(|name| name.ok().flatten());
        let remotes = names.filter_map(|name| self.inner.find_remote(name).ok());
        remotes.filter_map(|remote| remote.url().ok().map(str::to_owned)).collect()
    }

    /// A short form of the id that is unique in this repository.
    pub fn short_id(&self, commit: CommitId) -> String {
        let short = self
            .inner
            .find_object(commit.0, Some(ObjectType::Commit))
            .and_then(|object| object.short_id());
        match short.as_ref().map(|short| short.as_str()) {
            Ok(Ok(short)) => short.to_owned(),
            _ => commit.to_string(),
        }
    }

    /// Every file, symbolic link and submodule of a commit at or below `prefix` (empty for all),
    /// ordered by path. Empty where there is no such path.
    ///
    /// # Errors
    /// A tree is missing from this clone.
    pub fn files_at(&self, commit: CommitId, prefix: &str) -> Result<Vec<TreeEntry>> {
        let reading = |error: &git2::Error| {
            GitError::from_libgit2(&format!("read the tree of {commit}"), error)
        };
        let root = self.tree_of(commit)?;
        let mut entries = Vec::new();
        let mut open = Vec::new();
        if prefix.is_empty() {
            open.push((String::new(), root.id(), true));
        } else {
            path::check(prefix)?;
            let Some((id, mode)) = self.paths_of(&root).entry(prefix)? else { return Ok(entries) };
            sort_in(prefix.to_owned(), (id, mode), true, &mut entries, &mut open);
        }
        while let Some((above, id, is_utf8)) = open.pop() {
            let tree = self.inner.find_tree(id).map_err(|error| reading(&error))?;
            for entry in tree.iter() {
                let name = String::from_utf8_lossy(entry.name_bytes());
                let is_utf8 = is_utf8 && entry.name_bytes() == name.as_bytes();
                let path =
                    if above.is_empty() { name.into_owned() } else { format!("{above}/{name}") };
                let (id, mode) = (entry.id(), entry.filemode());
                sort_in(path, (id, mode), is_utf8, &mut entries, &mut open);
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// The content of a file. In a partial clone git fetches it where it is missing.
    ///
    /// # Errors
    /// It is missing from this clone and cannot be fetched.
    pub fn read_blob(&self, id: BlobId) -> Result<Vec<u8>> {
        match self.inner.find_blob(id.0) {
            Ok(blob) => Ok(blob.content().to_vec()),
            Err(error) if error.code() == ErrorCode::NotFound && self.is_partial() => {
                let text = id.to_string();
                let fetched = self.program.run(["cat-file", "blob", &text]).output(&[]);
                fetched.map_err(|_| {
                    GitError::missing_object(&format!("read the content of a file ({id})"))
                })
            }
            Err(error) => {
                Err(GitError::from_libgit2(&format!("read the content of a file ({id})"), &error))
            }
        }
    }

    /// Whether git fetches objects when they are needed.
    ///
    /// Source: git/git, Documentation/technical/partial-clone.txt.
    pub(super) fn is_partial(&self) -> bool {
        let Ok(config) = self.inner.config() else { return false };
        let entries = config.entries(Some("^(remote\\..*\\.promisor|extensions\\.partialclone)$"));
        entries.is_ok_and(|mut entries| matches!(entries.next(), Some(Ok(_))))
    }

    /// The content of the file at `path` in a commit; `None` where there is no file (nothing, or a
    /// directory, symbolic link or submodule).
    ///
    /// # Errors
    /// It is missing from this clone.
    pub fn blob_at(&self, commit: CommitId, path: &str) -> Result<Option<Vec<u8>>> {
        path::check(path)?;
        match self.paths_of(&self.tree_of(commit)?).entry(path)? {
            Some((id, mode)) if kind_of(id, mode) == Some(EntryKind::File(BlobId(id))) => {
                self.read_blob(BlobId(id)).map(Some).map_err(|error| GitError {
                    message: error.message.replacen(
                        "the content of a file",
                        &format!("`{path}`"),
                        1,
                    ),
                    ..error
                })
            }
            _ => Ok(None),
        }
    }

    /// The content of the file at `path` in HEAD; `None` where there is no file, or no commit yet.
    ///
    /// # Errors
    /// As [`Self::blob_at`].
    pub fn blob_at_head(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.head()?.commit() {
            Some(commit) => self.blob_at(commit, path),
            None => Ok(None),
        }
    }

    pub(super) fn tree_of(&self, commit: CommitId) -> Result<git2::Tree<'_>> {
        self.inner
            .find_commit(commit.0)
            .and_then(|commit| commit.tree())
            .map_err(|error| GitError::from_libgit2(&format!("read commit {commit}"), &error))
    }
}

pub(super) const MODE_FILE: i32 = 0o100_644;
pub(super) const MODE_EXECUTABLE: i32 = 0o100_755;
pub(super) const MODE_SYMLINK: i32 = 0o120_000;
pub(super) const MODE_SUBMODULE: i32 = 0o160_000;
pub(super) const MODE_TREE: i32 = 0o040_000;

fn kind_of(id: Oid, mode: i32) -> Option<EntryKind> {
    match mode {
        MODE_TREE => None,
        MODE_SYMLINK => Some(EntryKind::Symlink(BlobId(id))),
        MODE_SUBMODULE => Some(EntryKind::Submodule),
        _ => Some(EntryKind::File(BlobId(id))),
    }
}

fn sort_in(
    path: String,
    (id, mode): (Oid, i32),
    is_utf8: bool,
    entries: &mut Vec<TreeEntry>,
    open: &mut Vec<(String, Oid, bool)>,
) {
    match kind_of(id, mode) {
        Some(kind) => entries.push(TreeEntry { path, is_utf8, kind }),
        None => open.push((path, id, is_utf8)),
    }
}
