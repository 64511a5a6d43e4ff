//! What happened to a path.

use git2::Oid;

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::path;
use super::read::CommitId;

impl Repository {
    /// The last commit of HEAD's history that changed what is at `path`; `None` where none did, or
    /// before the first commit.
    ///
    /// Asks the `git` program, which has indexes for it. In a shallow clone a path that the oldest
    /// commit there already has counts as changed by that one.
    ///
    /// # Errors
    /// `git rev-list` failed.
    pub fn last_change(&self, path: &str) -> Result<Option<CommitId>> {
        path::check(path)?;
        if self.head()?.commit().is_none() {
            return Ok(None);
        }
        self.change(&["HEAD"], path)
    }

    /// The last commit before one that changed what is at `path`, which is one of them.
    ///
    /// # Errors
    /// `git rev-list` failed.
    pub fn change_before(&self, commit: CommitId, path: &str) -> Result<Option<CommitId>> {
        path::check(path)?;
        self.change(&["--skip=1", &commit.to_string()], path)
    }

    fn change(&self, from: &[&str], path: &str) -> Result<Option<CommitId>> {
        let args = [&["--literal-pathspecs", "rev-list", "-1"], from, &["--", path]].concat();
        let output = self.program.run(args).output(&[])?;
        let id = String::from_utf8_lossy(&output);
        let id = id.trim();
        if id.is_empty() {
            return Ok(None);
        }
        let id = Oid::from_str(id).map(CommitId);
        id.map(Some)
            .map_err(|_| GitError::new(GitErrorKind::Other, "`git rev-list` gave no commit id"))
    }
}
