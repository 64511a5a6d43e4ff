//! What the user has under way: changed files, files left out by a sparse checkout, a merge.

use std::collections::HashSet;

use git2::RepositoryState;

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::path;

impl Repository {
    /// The paths at or below `dir` (empty for all) that differ from HEAD in the index or the work
    /// tree, or are untracked, ordered. Ignored files and files that a sparse checkout leaves out
    /// are no changes.
    ///
    /// Asks the `git` program: libgit2 takes the files left out by a sparse checkout for deleted
    /// and cannot read a sparse index.
    ///
    /// # Errors
    /// The repository is bare, or `git status` failed.
    pub fn changes_under(&self, dir: &str) -> Result<Vec<String>> {
        self.require_workdir("look for changed files")?;
        let mut args = vec![
            "--no-optional-locks",
            "--literal-pathspecs",
            "status",
            "--porcelain=v2",
            "-z",
            "--untracked-files=all",
            "--no-renames",
        ];
        args.extend(pathspec(dir)?);
        let output = self.program.run(args).output(&[])?;
        let mut paths: Vec<String> =
            output.split(|byte| *byte == 0).filter_map(changed_path).collect();
        paths.sort();
        Ok(paths)
    }

    /// Those of these files that differ from HEAD in the index or the work tree, or are untracked.
    ///
    /// Asks once for the directory that holds them all: `git status` takes as long for one file of a
    /// large repository.
    ///
    /// # Errors
    /// As [`Self::changes_under`].
    pub fn changed_of<'a>(&self, files: &[&'a str]) -> Result<Vec<&'a str>> {
        let Some(directory) = path::common_directory(files) else { return Ok(Vec::new()) };
        let changes: HashSet<String> = self.changes_under(directory)?.into_iter().collect();
        Ok(files.iter().copied().filter(|file| changes.contains(*file)).collect())
    }

    /// The tracked paths at or below `dir` (empty for all) that a sparse checkout leaves out of the
    /// work tree, ordered.
    ///
    /// # Errors
    /// The repository is bare, or `git ls-files` failed.
    pub fn skipped_under(&self, dir: &str) -> Result<Vec<String>> {
        self.require_workdir("look for files left out")?;
        let mut args = vec!["--literal-pathspecs", "ls-files", "-t", "-z"];
        args.extend(pathspec(dir)?);
        let output = self.program.run(args).output(&[])?;
        Ok(output
            .split(|byte| *byte == 0)
            .filter_map(|record| record.strip_prefix(b"S "))
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect())
    }

    /// Refuses while a merge, rebase, cherry-pick, revert or `git am` waits to be finished: a
    /// commit would become part of it. A bisection is no obstacle.
    pub(super) fn refuse_unfinished(&self) -> Result<()> {
        let (what, finish) = match self.inner.state() {
            RepositoryState::Clean | RepositoryState::Bisect => return Ok(()),
            RepositoryState::Merge => ("merge", "git merge --continue` or `git merge --abort"),
            RepositoryState::Revert | RepositoryState::RevertSequence => {
                ("revert", "git revert --continue` or `git revert --abort")
            }
            RepositoryState::CherryPick | RepositoryState::CherryPickSequence => {
                ("cherry-pick", "git cherry-pick --continue` or `git cherry-pick --abort")
            }
            RepositoryState::Rebase
            | RepositoryState::RebaseInteractive
            | RepositoryState::RebaseMerge => {
                ("rebase", "git rebase --continue` or `git rebase --abort")
            }
            RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => {
                ("`git am`", "git am --continue` or `git am --abort")
            }
        };
        Err(GitError::new(GitErrorKind::NotNow, format!("cannot commit: a {what} is not finished"))
            .remedy(format!("finish it first: `{finish}`")))
    }
}

fn pathspec(dir: &str) -> Result<Vec<&str>> {
    if dir.is_empty() {
        return Ok(Vec::new());
    }
    path::check(dir)?;
    Ok(vec!["--", dir])
}

/// The path of one record of `git status --porcelain=v2 -z` without renames: `1` has eight fields
/// before it, `u` ten, `?` one. Headers (`#`) and ignored files (`!`) have none.
fn changed_path(record: &[u8]) -> Option<String> {
    let fields = match record.first()? {
        b'1' => 8,
        b'u' => 10,
        b'?' => 1,
        _ => return None,
    };
    let path = record.splitn(fields + 1, |byte| *byte == b' ').nth(fields)?;
    Some(String::from_utf8_lossy(path).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_kind_of_record() {
        let hash = "0".repeat(40);
        let changed = format!("1 .M N... 100644 100644 100644 {hash} {hash} a b.yaml");
        assert_eq!(changed_path(changed.as_bytes()).as_deref(), Some("a b.yaml"));
        let unmerged = format!("u UU N... 100644 100644 100644 100644 {hash} {hash} {hash} c.yaml");
        assert_eq!(changed_path(unmerged.as_bytes()).as_deref(), Some("c.yaml"));
        assert_eq!(changed_path(b"? d e").as_deref(), Some("d e"));
        assert_eq!(changed_path(b"! ignored"), None);
        assert_eq!(changed_path(b""), None);
    }
}
