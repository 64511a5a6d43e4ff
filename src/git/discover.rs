//! Finding and opening a repository.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::error::{GitError, GitErrorKind, Result};
use super::path;
use super::program::Program;

/// A git repository: its work tree if it has one, its objects, its references.
///
/// It is found from a path alone. `GIT_DIR`, `GIT_INDEX_FILE` and their kin are not looked at,
/// neither here nor by the `git` programs started for it: inside a hook they are set for the
/// repository of the hook, which need not be the one at the path. `GIT_CEILING_DIRECTORIES` is
/// honoured.
pub struct Repository {
    pub(super) inner: git2::Repository,
    pub(super) program: Program,
    pub(super) settings: Settings,
}

/// What the `git` program says of how the repository is set up, asked once for all commits of a run.
#[derive(Default)]
pub(super) struct Settings {
    /// Where its hooks are.
    pub(super) hooks: OnceLock<PathBuf>,
    /// Whether commits are signed.
    pub(super) signs: OnceLock<bool>,
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("git_dir", &self.inner.path()).finish_non_exhaustive()
    }
}

impl Repository {
    /// The repository that holds `path`: the directory itself or the nearest one above it. `None`
    /// where there is none.
    ///
    /// # Errors
    /// `path` does not exist; the repository belongs to another user, is damaged, or uses a format
    /// that libgit2 cannot read (reftable, SHA-256).
    pub fn discover(path: &Path) -> Result<Option<Self>> {
        if let Err(error) = path.metadata() {
            return Err(GitError::io(&format!("open `{}`", path.display()), &error));
        }
        let ceilings = std::env::var_os("GIT_CEILING_DIRECTORIES").unwrap_or_default();
        let ceilings = std::env::split_paths(&ceilings).filter(|ceiling| ceiling.is_absolute());
        match git2::Repository::open_ext(path, git2::RepositoryOpenFlags::empty(), ceilings) {
            Ok(inner) => {
                let program = Program {
                    git_dir: inner.path().to_path_buf(),
                    work_tree: inner.workdir().map(Path::to_path_buf),
                    env: Vec::new(),
                };
                Ok(Some(Self { inner, program, settings: Settings::default() }))
            }
            Err(error)
                if error.code() == git2::ErrorCode::NotFound
                    && error.class() == git2::ErrorClass::Repository =>
            {
                Ok(None)
            }
            Err(error) => Err(unusable(path, &error)),
        }
    }

    /// The same repository a second time, for another thread.
    ///
    /// # Errors
    /// It cannot be opened any more.
    pub fn reopen(&self) -> Result<Self> {
        let inner = git2::Repository::open(self.inner.path())
            .map_err(|error| unusable(self.inner.path(), &error))?;
        Ok(Self { inner, program: self.program.clone(), settings: Settings::default() })
    }

    /// The root of the work tree, symbolic links resolved; `None` for a bare repository.
    pub fn workdir(&self) -> Option<&Path> {
        self.inner.workdir()
    }

    /// The directory with what git keeps for this work tree: index, HEAD. It is never part of a commit.
    pub fn git_dir(&self) -> &Path {
        self.inner.path()
    }

    /// Whether there is no work tree.
    pub fn is_bare(&self) -> bool {
        self.inner.is_bare()
    }

    /// Sets a variable for the `git` programs started for this repository, over the one of the
    /// environment: `GIT_AUTHOR_DATE` for a commit with a given date.
    pub fn set_env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.program.env.push((OsString::from(key.as_ref()), OsString::from(value.as_ref())));
    }

    /// A path of the file system as git knows it: relative to the work tree, with `/`; empty for
    /// its root. Need not exist. Relative paths are relative to the current directory.
    ///
    /// # Errors
    /// The path is outside of the work tree, leads into `.git`, or is not UTF-8.
    pub fn relative_path(&self, path: &Path) -> Result<String> {
        path::relative(self.require_workdir("find a path")?, path)
    }

    pub(super) fn require_workdir(&self, doing: &str) -> Result<&Path> {
        self.workdir().ok_or_else(|| {
            GitError::new(GitErrorKind::NotNow, format!("cannot {doing} in a bare repository"))
                .remedy("work in a clone of it, or read it with `--rev`")
        })
    }
}

/// Why a repository that is there cannot be opened.
fn unusable(path: &Path, error: &git2::Error) -> GitError {
    let shown = path.display();
    let said = error.message();
    let unusable = |message: String| GitError::new(GitErrorKind::Unusable, message);
    if error.code() == git2::ErrorCode::Owner {
        let root = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let root = root.ancestors().find(|above| above.join(".git").exists()).unwrap_or(&root);
        return unusable(format!("the repository at `{shown}` belongs to another user")).remedy(
            format!(
                "if you trust it: git config --global --add safe.directory '{}'",
                root.display()
            ),
        );
    }
    if said.contains("unsupported extension") || said.contains("unsupported repository version") {
        let extension =
            said.rsplit(' ').next().unwrap_or_default().trim_start_matches("extensions.");
        return unusable(format!(
            "the repository at `{shown}` uses a format that is not supported ({extension})"
        ))
        .remedy(
            "work in a clone with the usual format: git clone --ref-format=files, SHA-1 objects",
        );
    }
    unusable(format!("the repository at `{shown}` cannot be opened: {said}"))
        .remedy("`git fsck` and `git status` there tell more")
}
