//! Files that git does not store as they are: `filter=…` of an attributes file names a program, such
//! as that of git-crypt or Git LFS, that makes of a file what is committed.

use std::collections::HashSet;

use git2::{ObjectType, Oid};

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::path;
use super::read::{BlobId, CommitId};

/// A file that is read from commits before anything else is known of a lane.
const LOCK: &str = "graylane.lock";

/// What names a filter in an attributes file.
const FILTER: &[u8] = b"filter=";

impl Repository {
    /// Those of these paths that have a filter, for a commit.
    ///
    /// # Errors
    /// `git` cannot be asked, or an overlay's lock has a filter: no commit could be read any more.
    pub(super) fn filtered_of_commit<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Result<HashSet<String>> {
        let filtered = self.filtered(paths)?;
        let is_lock = |path: &&String| path.rsplit('/').next() == Some(LOCK);
        match filtered.iter().filter(is_lock).min() {
            Some(lock) => Err(GitError::new(
                GitErrorKind::NotNow,
                format!("the lock `{lock}` has a filter, so a commit would hold what nobody can read there"),
            )
            .remedy(format!("add a line to .gitattributes, below the one that names the filter:\n{LOCK} -filter"))),
            None => Ok(filtered),
        }
    }

    /// Whether the attributes of the files that are checked out, which are the ones `git` reads, know
    /// the filters of the tree that a commit is made on: else it would hold in plain what that branch
    /// encrypts.
    ///
    /// # Errors
    /// They do not.
    pub(super) fn check_filters<'a>(
        &self,
        base: &git2::Tree<'_>,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Result<()> {
        let Some(head) = self.head()?.commit() else { return Ok(()) };
        let here = self.tree_of(head)?;
        if here.id() == base.id() {
            return Ok(());
        }
        let mut seen = HashSet::new();
        for directory in paths.into_iter().flat_map(path::parents).chain([""]) {
            if !seen.insert(directory) {
                continue;
            }
            let file = [directory, "/.gitattributes"].concat();
            let file = file.trim_start_matches('/');
            let Some((there, _)) = self.entry(base, file)? else { continue };
            let is_here = self.entry(&here, file)?.is_some_and(|(here, _)| here == there);
            if is_here
                || !self.read_blob(BlobId(there))?.windows(FILTER.len()).any(|part| part == FILTER)
            {
                continue;
            }
            return Err(GitError::new(
                GitErrorKind::NotNow,
                format!(
                    "the `{file}` of that branch has filters, and the one checked out is another"
                ),
            )
            .remedy("check that branch out to commit to it, or give both the same attributes"));
        }
        Ok(())
    }

    /// Those of these paths that have a filter.
    ///
    /// # Errors
    /// `git` cannot be asked.
    pub(super) fn filtered<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Result<HashSet<String>> {
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        }
        if input.is_empty() {
            return Ok(HashSet::new());
        }
        let output = self.program.run(["check-attr", "-z", "--stdin", "filter"]).output(&input)?;
        // Path, attribute and value in turns; an attribute without a text names no program.
        let parts: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
        let named = parts.chunks_exact(3).filter(|part| {
            !matches!(part.get(2), Some(&(b"unspecified" | b"unset" | b"set")) | None)
        });
        let paths = named.filter_map(|part| part.first());
        Ok(paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }

    /// Stores what the filter of a path makes of these bytes, as `git add` does.
    ///
    /// # Errors
    /// The filter fails.
    pub(super) fn store_filtered(&self, path: &str, bytes: &[u8]) -> Result<Oid> {
        self.hash_filtered(&["-w"], path, bytes)
    }

    /// The id of what the filter of a path makes of these bytes.
    fn hash_filtered(&self, options: &[&str], path: &str, bytes: &[u8]) -> Result<Oid> {
        let run = self.program.run(["hash-object", "--stdin", "--path", path]).args(options);
        let output = run.output(bytes).map_err(|error| {
            let message = format!("the filter of `{path}` failed: {}", error.message);
            GitError::new(error.kind, message).remedy(format!(
                "git check-attr filter -- '{path}'\nnames the filter: install or unlock it for this repository, so that `git add` can store the file; \
                 or go on without --commit"
            ))
        })?;
        Oid::from_str(String::from_utf8_lossy(&output).trim()).map_err(|_| {
            GitError::new(GitErrorKind::Other, "`git hash-object` gave no id of an object")
        })
    }

    /// Whether a commit would hold these bytes at a path as another one does.
    ///
    /// # Errors
    /// The commit cannot be read, or the filter of the path fails.
    pub fn is_at(&self, commit: CommitId, path: &str, bytes: &[u8]) -> Result<bool> {
        let tree = self.tree_of(commit)?;
        let Some((held, _)) = self.entry(&tree, path)? else { return Ok(false) };
        let id = Oid::hash_object(ObjectType::Blob, bytes)
            .map_err(|error| GitError::from_libgit2("hash a file", &error))?;
        if held == id {
            return Ok(true);
        }
        Ok(!self.filtered([path])?.is_empty() && self.hash_filtered(&[], path, bytes)? == held)
    }
}
