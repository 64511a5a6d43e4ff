//! The hooks of commits, which the user expects to run though `git commit` does not.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::index::{IndexEntry, temporary_index};
use super::program::Run;
use super::read::CommitId;

/// Bytes by which a script is told from a program.
const START: u64 = 512;

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

    fn hook(&self, name: &str) -> Result<PathBuf> {
        if let Some(hooks) = self.settings.hooks.get() {
            return Ok(hooks.join(name));
        }
        let path = format!("hooks/{name}");
        let output = self.program.run(["rev-parse", "--git-path", &path]).output(&[])?;
        let path = String::from_utf8_lossy(&output).trim_end_matches('\n').to_owned();
        let path = self.workdir().unwrap_or_else(|| self.git_dir()).join(path);
        // Of the directory alone git says nothing where `core.hooksPath` is empty.
        if let Some(hooks) = path.parent() {
            self.settings.hooks.get_or_init(|| hooks.to_path_buf());
        }
        Ok(path)
    }

    /// A run of a hook. One that does not say what runs it is run by the shell, as git does it.
    ///
    /// Source: git/git, `run-command.c` (`start_command`, `ENOEXEC`).
    fn hook_run(&self, name: &str) -> Result<Run> {
        let path = self.hook(name)?;
        let mut start = Vec::new();
        let read =
            std::fs::File::open(&path).and_then(|file| file.take(START).read_to_end(&mut start));
        let is_plain = read.is_ok() && !start.starts_with(b"#!") && !start.contains(&0);
        Ok(match is_plain {
            true => self.program.program(Path::new("sh")).arg(path),
            false => self.program.program(&path),
        })
    }

    /// Runs the hook `pre-commit` as `git commit` would, with an index that is `parent` and these
    /// entries, which is what `tree` holds. What it stages besides them is not for this commit.
    ///
    /// # Errors
    /// The hook refuses the commit, or stages something else for one of the entries.
    pub(super) fn pre_commit(
        &self,
        parent: Option<CommitId>,
        tree: Oid,
        entries: &[IndexEntry],
    ) -> Result<()> {
        if !self.has_hook("pre-commit")? {
            return Ok(());
        }
        let directory = temporary_index(self, parent, entries)?;
        let index = directory.path().join("index");
        let run = self.hook_run("pre-commit")?;
        let run = run.env("GIT_INDEX_FILE", &index).env("GIT_EDITOR", ":");
        heard("pre-commit", &run.complete(&[])?)?;
        self.refuse_restaged(&index, tree, entries)
    }

    /// Refuses paths that a hook has staged otherwise than the tree has them: a lock knows their
    /// bytes.
    fn refuse_restaged(&self, index: &Path, tree: Oid, entries: &[IndexEntry]) -> Result<()> {
        let tree = tree.to_string();
        let diff = ["diff-index", "--cached", "--no-renames", "--name-only", "-z", &tree];
        let changed = self.program.run(diff).env("GIT_INDEX_FILE", index).output(&[])?;
        let changed: HashSet<&[u8]> = changed.split(|byte| *byte == 0).collect();
        let is_changed = |entry: &&IndexEntry| changed.contains(entry.path.as_bytes());
        let Some(entry) = entries.iter().find(is_changed) else { return Ok(()) };
        let what = format!("the hook `pre-commit` stages another content of `{}`", entry.path);
        Err(GitError::new(GitErrorKind::NotNow, what).remedy(
            "what is committed is what graylane writes: have the hook leave such files out, or commit with --no-verify",
        ))
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
        let run = self.hook_run("commit-msg")?.arg(&file);
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
