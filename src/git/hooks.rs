//! The hooks of commits, which the user expects to run though `git commit` does not.

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::index::{IndexEntry, temporary_index};
use super::read::CommitId;

impl Repository {
    /// Whether the repository has a hook of this name that would run, wherever `core.hooksPath`
    /// says.
    ///
    /// # Errors
    /// `git rev-parse` failed.
    pub fn has_hook(&self, name: &str) -> Result<bool> {
        let path = self.hook(name)?;
        #[cfg(unix)]
        let can_run = {
            use std::os::unix::fs::PermissionsExt;
            path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
        };
        #[cfg(not(unix))]
        let can_run = path.is_file();
        Ok(can_run)
    }

    fn hook(&self, name: &str) -> Result<std::path::PathBuf> {
        let path = format!("hooks/{name}");
        let output = self.program.run(["rev-parse", "--git-path", &path]).output(&[])?;
        let path = String::from_utf8_lossy(&output).trim_end_matches('\n').to_owned();
        Ok(self.workdir().unwrap_or_else(|| self.git_dir()).join(path))
    }

    /// Runs the hook `pre-commit` as `git commit` would, with an index that is `parent` and these
    /// entries.
    pub(super) fn pre_commit(
        &self,
        parent: Option<CommitId>,
        entries: &[IndexEntry],
    ) -> Result<()> {
        if !self.has_hook("pre-commit")? {
            return Ok(());
        }
        let index = temporary_index(self, parent, entries)?;
        let run = self.program.program(&self.hook("pre-commit")?);
        let run = run.env("GIT_INDEX_FILE", index.path().join("index")).env("GIT_EDITOR", ":");
        heard("pre-commit", &run.complete(&[])?)
    }

    /// Runs the hook `commit-msg` on a message: the message as the hook leaves it.
    pub(super) fn commit_msg(&self, message: &str) -> Result<String> {
        if !self.has_hook("commit-msg")? {
            return Ok(message.to_owned());
        }
        let io = |error: std::io::Error| GitError::io("run the hook commit-msg", &error);
        let directory = tempfile::Builder::new()
            .prefix("graylane-message-")
            .tempdir_in(self.git_dir())
            .map_err(io)?;
        let file = directory.path().join("COMMIT_EDITMSG");
        std::fs::write(&file, message).map_err(io)?;
        let run = self.program.program(&self.hook("commit-msg")?).arg(&file);
        heard("commit-msg", &run.env("GIT_EDITOR", ":").complete(&[])?)?;
        std::fs::read_to_string(&file).map_err(io)
    }
}

/// What a hook that ended with an error said.
fn heard(name: &str, output: &std::process::Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    let said = text.trim();
    let said = if said.is_empty() { "it gave no reason" } else { said };
    Err(GitError::new(GitErrorKind::NotNow, format!("the hook `{name}` refuses the commit"))
        .remedy(format!("{said}\n(--no-verify commits without the hooks)")))
}
