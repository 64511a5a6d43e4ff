//! The reference that a commit goes to: finding it, and moving it only from where it was.

use git2::Oid;

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::read::{CommitId, Head};

/// The reference that is to move.
pub(super) struct Tip {
    /// `refs/heads/<branch>`, or `HEAD` when it is detached.
    pub(super) reference: String,
    /// What the reference holds; `None` before its first commit.
    pub(super) old: Option<CommitId>,
    /// The parent of the new commit.
    pub(super) parent: Option<CommitId>,
    /// Whether the index of this work tree follows the reference.
    pub(super) checked_out: bool,
}

impl Repository {
    /// The reference that a commit to this branch, or to HEAD, moves.
    pub(super) fn tip(&self, branch: Option<&str>) -> Result<Tip> {
        let head = self.head()?;
        let here = |reference: String, commit| Tip {
            reference,
            old: commit,
            parent: commit,
            checked_out: true,
        };
        let Some(branch) = branch else {
            if self.is_bare() {
                return Err(GitError::new(
                    GitErrorKind::NotNow,
                    "a bare repository has no work tree to commit from",
                )
                .remedy("name the branch that the commit goes to, or work in a clone"));
            }
            self.refuse_unfinished()?;
            return Ok(match head {
                Head::Unborn { branch } => here(format!("refs/heads/{branch}"), None),
                Head::Branch { name, commit } => here(format!("refs/heads/{name}"), Some(commit)),
                Head::Detached { commit } => here("HEAD".to_owned(), Some(commit)),
            });
        };
        if !git2::Branch::name_is_valid(branch).unwrap_or(false) {
            return Err(GitError::new(
                GitErrorKind::Other,
                format!("`{branch}` is no valid name of a branch"),
            ));
        }
        match &head {
            Head::Unborn { branch: current } | Head::Branch { name: current, .. }
                if current == branch && !self.is_bare() =>
            {
                return self.tip(None);
            }
            _ => {}
        }
        let reference = format!("refs/heads/{branch}");
        match self.inner.find_branch(branch, git2::BranchType::Local) {
            Ok(_) if self.is_checked_out(&reference)? => Err(GitError::new(
                GitErrorKind::NotNow,
                format!("branch `{branch}` is checked out in another work tree"),
            )
            .remedy("commit there, or to another branch")),
            Ok(_) => {
                let commit = self.resolve(&reference)?;
                Ok(Tip { reference, old: Some(commit), parent: Some(commit), checked_out: false })
            }
            Err(_) => Ok(Tip { reference, old: None, parent: head.commit(), checked_out: false }),
        }
    }

    /// What a commit to a branch that is not checked out goes on top of: what the branch holds, or
    /// HEAD where there is no such branch, or nothing where it is to be an orphan.
    ///
    /// # Errors
    /// The branch is checked out, or can have no such name.
    pub fn branch_base(&self, branch: &str, orphan: bool) -> Result<Option<CommitId>> {
        let tip = self.tip(Some(branch))?;
        if tip.checked_out {
            return Err(GitError::new(
                GitErrorKind::NotNow,
                format!("`{branch}` is checked out here"),
            )
            .remedy("leave out --branch: the commit goes there, and the files are written"));
        }
        Ok(if orphan && tip.old.is_none() { None } else { tip.parent })
    }

    /// Makes a branch that is not there yet.
    ///
    /// # Errors
    /// It is there, or can have no such name.
    pub fn create_branch(&self, branch: &str, at: CommitId) -> Result<()> {
        let tip = self.tip(Some(branch))?;
        self.move_reference(&tip, at, "graylane: created")
    }

    /// The commit that a branch holds; `None` where there is no such branch.
    pub fn branch_tip(&self, branch: &str) -> Option<CommitId> {
        self.resolve(&format!("refs/heads/{branch}")).ok()
    }

    fn is_checked_out(&self, reference: &str) -> Result<bool> {
        // `%(worktreepath)` of `git for-each-ref` would also name a bare repository for its HEAD.
        let output = self.program.run(["worktree", "list", "--porcelain"]).output(&[])?;
        let branch = format!("branch {reference}");
        Ok(output.split(|byte| *byte == b'\n').any(|line| line == branch.as_bytes()))
    }

    /// Moves the reference if it still holds what it held, with entries in its log and that of HEAD.
    pub(super) fn move_reference(&self, tip: &Tip, id: CommitId, message: &str) -> Result<()> {
        let subject = message.lines().next().unwrap_or_default();
        let what = if tip.parent.is_none() { "commit (initial)" } else { "commit" };
        let log = format!("{what}: {subject}");
        let new = id.to_string();
        let old = tip.old.map_or(Oid::ZERO_SHA1, |old| old.0).to_string();
        let args =
            ["update-ref", "--no-deref", "--create-reflog", "-m", &log, &tip.reference, &new, &old];
        let result = self.program.run(args).output(&[]);
        let Err(error) = result else { return Ok(()) };
        let now = self.inner.find_reference(&tip.reference).ok().and_then(|found| found.target());
        if now == tip.old.map(|old| old.0) { Err(error) } else { Err(moved(&tip.reference)) }
    }
}

/// The error for a reference that another program moved.
pub(super) fn moved(reference: &str) -> GitError {
    let name = reference.strip_prefix("refs/heads/").unwrap_or(reference);
    GitError::new(
        GitErrorKind::RefMoved,
        format!("`{name}` moved while graylane was at work; nothing was committed"),
    )
    .remedy("run the command again: it starts from the new commit")
}
