//! A repository in a temporary directory, and commands in an environment that depends on nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What a command gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A directory of its own below a home of its own.
pub(crate) struct Sandbox {
    top: TempDir,
    /// The directory commands run in.
    pub(crate) dir: PathBuf,
}

impl Sandbox {
    /// An empty directory.
    pub(crate) fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().canonicalize().unwrap().join("repo");
        fs::create_dir(&dir).unwrap();
        // What git tidies up after a command takes as long as the command, and so do its samples of
        // hooks and waiting for the disk. Tests add files to these directories.
        let templates = dir.with_file_name("templates");
        for directory in ["hooks", "info"] {
            fs::create_dir_all(templates.join(directory)).unwrap();
        }
        let config = format!(
            "[maintenance]\n\tauto = false\n[gc]\n\tauto = 0\n[core]\n\tfsync = none\n[init]\n\ttemplateDir = {}\n",
            templates.display()
        );
        fs::write(dir.with_file_name("gitconfig"), config).unwrap();
        Self { top, dir }
    }

    /// Makes the directory a repository and commits all that is in it.
    pub(crate) fn commit_all(&self) {
        let line = "git init -q -b main && git add -A && \
                    git commit -q --allow-empty -m 'Add the baseline'";
        let ran = self.sh(line);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }

    /// Copies a directory's contents into this one.
    pub(crate) fn copy_from(&self, from: &Path) {
        for (path, bytes) in tree(from) {
            let to = self.dir.join(path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, bytes).unwrap();
        }
    }

    /// Prepares a line of shell; `graylane` is the program under test.
    pub(crate) fn command(&self, line: &str) -> Command {
        let bin = Path::new(env!("CARGO_BIN_EXE_graylane")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(&self.dir)
            .env_clear()
            .env("PATH", format!("{}:{path}", bin.display()))
            .envs([
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_AUTHOR_NAME", "Ann Author"),
                ("GIT_AUTHOR_EMAIL", "ann@example.com"),
                ("GIT_AUTHOR_DATE", "2024-01-01T00:00:00+00:00"),
                ("GIT_COMMITTER_NAME", "Carl Committer"),
                ("GIT_COMMITTER_EMAIL", "carl@example.com"),
                ("GIT_COMMITTER_DATE", "2024-01-01T00:00:00+00:00"),
                ("GIT_PAGER", "cat"),
                ("LC_ALL", "C"),
                ("NO_COLOR", "1"),
                ("COLUMNS", "100"),
            ])
            .env("GIT_CONFIG_GLOBAL", self.dir.with_file_name("gitconfig"))
            .env("HOME", self.top.path());
        command
    }

    /// Runs a line of shell.
    pub(crate) fn sh(&self, line: &str) -> Ran {
        let output = self.command(line).output().unwrap();
        let place = self.dir.to_str().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(place, "[REPO]");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// All files but those of git: path and contents, by path.
    pub(crate) fn tree(&self) -> Vec<(String, Vec<u8>)> {
        tree(&self.dir)
    }
}

/// The files of a directory without git's: path and contents, by path. Of a link, where it leads.
pub(crate) fn tree(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let walk = walkdir::WalkDir::new(root).into_iter();
    for entry in walk.filter_entry(|entry| entry.file_name() != ".git") {
        let entry = entry.unwrap();
        let bytes = if entry.file_type().is_symlink() {
            format!("-> {}", fs::read_link(entry.path()).unwrap().display()).into_bytes()
        } else if entry.file_type().is_file() {
            fs::read(entry.path()).unwrap()
        } else {
            continue;
        };
        let path = entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned();
        files.push((path, bytes));
    }
    files.sort();
    files
}
