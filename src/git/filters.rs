//! Files that git does not store as they are: `filter=…` of an attributes file names a program, such
//! as that of git-crypt or Git LFS, that makes of a file what is committed.

use std::collections::HashSet;

use git2::{ObjectType, Oid};

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::read::CommitId;

impl Repository {
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
