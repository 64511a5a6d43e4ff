//! Running the `git` program, for what libgit2 gets wrong.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::error::{GitError, GitErrorKind, Result};

/// Variables that bind git to a repository, an index or a way to read paths.
///
/// Inside a hook git sets them for the repository of the hook; the repository here was found from
/// a path, so they are not for it. The first block is what `git rev-parse --local-env-vars` lists
/// without the configuration (`GIT_CONFIG_COUNT`, `GIT_CONFIG_PARAMETERS`), which is meant for
/// every git below.
const CLEARED: [&str; 19] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    "GIT_CONFIG",
    "GIT_NAMESPACE",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_QUARANTINE_PATH",
];

/// How long a program runs before anything is told of it.
const FIRST_WORD: Duration = Duration::from_secs(1);
/// How long after that until more is told.
const NEXT_WORD: Duration = Duration::from_secs(5);
/// Lines that are kept of what a program says, for an error.
const LAST_LINES: usize = 20;

/// The `git` program, bound to one repository.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) git_dir: PathBuf,
    pub(super) work_tree: Option<PathBuf>,
    pub(super) env: Vec<(OsString, OsString)>,
}

/// One run of the `git` program.
#[derive(Debug)]
pub(super) struct Run {
    command: Command,
    name: String,
}

/// A program in a directory, not bound to any repository.
fn clean(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    for name in CLEARED {
        command.env_remove(name);
    }
    command
        .env_remove("LC_ALL")
        .env_remove("LANGUAGE")
        .env("LC_MESSAGES", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

impl Program {
    /// Prepares `git` in a directory that need not be a repository.
    pub(super) fn anywhere(directory: &Path, name: &str) -> Run {
        Run { command: clean(Path::new("git"), directory), name: name.to_owned() }
    }

    /// Prepares `git <args>` in the root of the work tree, or in the git directory of a bare
    /// repository. Messages are in English, and nothing is asked on the terminal.
    pub(super) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        let mut run = self.program(Path::new("git"));
        for (index, arg) in args.into_iter().enumerate() {
            if index < 3 {
                run.name.push(' ');
                run.name.push_str(&arg.as_ref().to_string_lossy());
            }
            run.command.arg(arg);
        }
        run
    }

    /// Prepares any program as git would start it for this repository.
    pub(super) fn program(&self, program: &Path) -> Run {
        let directory = self.work_tree.as_ref().unwrap_or(&self.git_dir);
        let mut command = clean(program, directory);
        command.env("GIT_DIR", &self.git_dir);
        if let Some(work_tree) = &self.work_tree {
            command.env("GIT_WORK_TREE", work_tree);
        }
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        Run { command, name: program.to_string_lossy().into_owned() }
    }
}

impl Run {
    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(super) fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    pub(super) fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Runs the program with this input and gives its standard output; a failure of it is an error.
    pub(super) fn output(self, input: &[u8]) -> Result<Vec<u8>> {
        let name = self.name.clone();
        let output = self.complete(input)?;
        if output.status.success() { Ok(output.stdout) } else { Err(failed(&name, &output)) }
    }

    /// Runs the program, and tells what it says last once it has taken a second, and then every few.
    pub(super) fn watched(mut self, what: &str, tell: &mut dyn FnMut(&str)) -> Result<()> {
        self.command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = self.spawn()?;
        let stderr = child.stderr.take();
        let mut last = VecDeque::new();
        let status = std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            scope.spawn(move || lines(stderr, &sender));
            let mut next = Instant::now() + FIRST_WORD;
            loop {
                let wait = next.saturating_duration_since(Instant::now());
                match receiver.recv_timeout(wait) {
                    Ok(line) => {
                        last.push_back(line);
                        if last.len() > LAST_LINES {
                            last.pop_front();
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                if Instant::now() >= next {
                    let line = last.back().map(|line| format!(": {line}")).unwrap_or_default();
                    tell(&format!("{what}{line}"));
                    next = Instant::now() + NEXT_WORD;
                }
            }
            child.wait()
        });
        let status =
            status.map_err(|error| GitError::io(&format!("run `{}`", self.name), &error))?;
        let stderr = Vec::from(last).join("\n").into_bytes();
        let output = Output { status, stdout: Vec::new(), stderr };
        if status.success() { Ok(()) } else { Err(failed(&self.name, &output)) }
    }

    fn spawn(&mut self) -> Result<Child> {
        self.command.spawn().map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                GitError::new(GitErrorKind::NotNow, "the `git` program is not on the PATH")
                    .remedy("install git 2.31 or newer")
            } else {
                GitError::io(&format!("run `{}`", self.name), &error)
            }
        })
    }

    /// Runs the program with this input, whatever its exit code.
    pub(super) fn complete(mut self, input: &[u8]) -> Result<Output> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if !input.is_empty() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self.spawn()?;
        let stdin = child.stdin.take();
        let (written, output) = std::thread::scope(|scope| {
            // A thread of its own, or a full pipe on either side would stop both programs.
            let writer =
                scope.spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(input)));
            let output = child.wait_with_output();
            (writer.join(), output)
        });
        let output =
            output.map_err(|error| GitError::io(&format!("run `{}`", self.name), &error))?;
        // A program that failed may have closed its input early; its own message says more.
        if let Ok(Err(error)) = written
            && output.status.success()
        {
            return Err(GitError::io(&format!("write to `{}`", self.name), &error));
        }
        Ok(output)
    }
}

/// Sends what a program says, line by line; a line that is written over ends too.
fn lines(stderr: Option<ChildStderr>, to: &mpsc::Sender<String>) {
    let Some(stderr) = stderr else { return };
    let mut line = Vec::new();
    for byte in BufReader::new(stderr).bytes().map_while(io::Result::ok) {
        if !matches!(byte, b'\r' | b'\n') {
            line.push(byte);
            continue;
        }
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        line.clear();
        if !text.is_empty() && to.send(text).is_err() {
            return;
        }
    }
    let text = String::from_utf8_lossy(&line).trim().to_owned();
    if !text.is_empty() {
        let _ = to.send(text);
    }
}

/// The error for a run that failed: the command and what it said last.
pub(super) fn failed(name: &str, output: &Output) -> GitError {
    /// What git says where ssh or a hook knows why, and has said it before.
    const NO_REASON: [&str; 2] =
        ["Could not read from remote repository", "failed to push some refs"];
    let stderr = String::from_utf8_lossy(&output.stderr);
    let mut before = None;
    let mut said = None;
    for line in stderr.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let fatal = line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: "));
        if let Some(fatal) = fatal {
            let is_known = !NO_REASON.iter().any(|start| fatal.starts_with(start));
            said = if is_known { Some(fatal) } else { before.or(Some(fatal)) };
            break;
        }
        if !line.starts_with("Cloning into") {
            before = Some(line);
        }
    }
    let said = said.or(before);
    let said = said.unwrap_or("it gave no reason");
    GitError::new(GitErrorKind::Other, format!("`{name}` failed: {}", said.trim_end_matches('.')))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn message(stderr: &str) -> String {
        let status = ExitStatus::from_raw(128 << 8);
        failed("git push", &Output { status, stdout: Vec::new(), stderr: stderr.into() }).message
    }

    #[test]
    fn a_failure_is_told_by_the_line_that_says_why() {
        let denied = "Cloning into bare repository 'x'...\nshop@host: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n\nPlease make sure\n";
        assert_eq!(message(denied), "`git push` failed: shop@host: Permission denied (publickey)");
        let hook = "checking\nnot on saturdays\nerror: failed to push some refs to 'x'\n";
        assert_eq!(message(hook), "`git push` failed: not on saturdays");
        let alone = "fatal: Could not read from remote repository.\n";
        assert_eq!(message(alone), "`git push` failed: Could not read from remote repository");
        assert_eq!(message("hint: x\nfatal: no such y\nhint: z\n"), "`git push` failed: no such y");
        assert_eq!(message("a\nb\n"), "`git push` failed: b");
        assert_eq!(message(""), "`git push` failed: it gave no reason");
    }
}
