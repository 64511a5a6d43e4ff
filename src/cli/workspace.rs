//! Where a command runs: a repository, a commit of one, or a plain directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Global;
use crate::baseline::files::{AtCommit, Disk, Files};
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::{CommitId, LineEnds, Repository};
use crate::invocation::Invocation;

/// Where a command runs.
pub(super) struct Workspace {
    /// The repository, if there is one.
    pub(super) repository: Option<Repository>,
    /// The commit that spec and baseline are read from, if not the work tree.
    pub(super) commit: Option<CommitId>,
    /// Root of the work tree, or the directory itself outside of a repository.
    root: PathBuf,
    /// The directory of the command, relative to the root, with `/`.
    prefix: String,
    /// The directory of the command; not below the root where a spec led to the repository.
    directory: PathBuf,
    /// What `--repo` said, where it has to be said again.
    repo: Option<String>,
    /// What becomes of line ends in commits, where there is a repository.
    line_ends: Option<Arc<LineEnds>>,
}

impl Workspace {
    /// Finds out where a command runs.
    ///
    /// # Errors
    ///
    /// A directory that is not there, a revision that is not known, a bare repository without one.
    pub(super) fn open(global: &Global) -> Result<Self, Failure> {
        Self::open_for(global, &[])
    }

    /// Finds out where a command runs that is about these specs: outside of a repository they say
    /// which one is meant.
    ///
    /// # Errors
    ///
    /// As [`Workspace::open`].
    pub(super) fn open_for(global: &Global, specs: &[String]) -> Result<Self, Failure> {
        let directory =
            std::path::absolute(&global.repo).and_then(std::fs::canonicalize).map_err(|error| {
                Diagnostic::error(format!(
                    "the directory {} cannot be used: {error}",
                    global.repo.display()
                ))
                .remedy("give an existing directory to --repo")
            })?;
        if !directory.is_dir() {
            return Err(Diagnostic::error(format!("{} is not a directory", global.repo.display()))
                .remedy("give a directory to --repo; specs are arguments of their own")
                .into());
        }
        let mut repository = Repository::discover(&directory)?;
        if let (None, Some(spec)) = (&repository, specs.first()) {
            let beside = directory.join(spec).parent().map(Path::to_path_buf);
            if let Some(beside) = beside.filter(|beside| beside.is_dir()) {
                repository = Repository::discover(&beside)?;
            }
        }
        let commit = match (&repository, &global.rev) {
            (Some(repository), Some(rev)) => Some(repository.resolve(rev)?),
            (None, Some(rev)) => {
                return Err(Diagnostic::error(format!(
                    "there is no git repository to read `{rev}` from"
                ))
                .remedy("run it inside of a repository, or leave out the revision")
                .into());
            }
            (_, None) => None,
        };
        let (root, prefix) = match &repository {
            Some(repository) => match repository.workdir() {
                Some(workdir) => {
                    let workdir =
                        std::fs::canonicalize(workdir).unwrap_or_else(|_| workdir.to_owned());
                    let prefix = relative(&directory, &workdir)?;
                    (workdir, prefix)
                }
                None if commit.is_some() => (directory.clone(), String::new()),
                None => {
                    return Err(Diagnostic::error("a bare repository has no work tree")
                        .remedy("`check`, `render`, `diff`, `graph` and `trace` read a commit of it: `--rev main`\nfor all else use a clone with a work tree")
                        .into());
                }
            },
            None => (directory.clone(), String::new()),
        };
        let line_ends = repository.as_ref().map(|repository| Arc::new(repository.line_ends()));
        // A clone for one command is gone after it.
        let is_here = global.is_clone || global.repo == Path::new(".");
        let repo = (!is_here).then(|| global.repo.to_string_lossy().into_owned());
        Ok(Self { repository, commit, root, prefix, directory, repo, line_ends })
    }

    /// A tree without git, and the directory of the command in it, relative to it with `/`.
    pub(super) fn of_tree(root: PathBuf, prefix: String) -> Self {
        let directory = root.join(&prefix);
        Self {
            repository: None,
            commit: None,
            root,
            prefix,
            directory,
            repo: None,
            line_ends: None,
        }
    }

    /// The files that spec and baseline are read from.
    ///
    /// # Errors
    ///
    /// When the commit or the directory cannot be read.
    pub(super) fn files(&self) -> Result<Box<dyn Files + '_>, Failure> {
        match (&self.repository, self.commit) {
            (Some(repository), Some(commit)) => Ok(Box::new(AtCommit::new(repository, commit)?)),
            _ => self.work_tree(),
        }
    }

    /// The files of the work tree, wherever spec and baseline are read from.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub(super) fn work_tree(&self) -> Result<Box<dyn Files + '_>, Failure> {
        let disk = Disk::new(&self.root).map_err(|error| {
            Diagnostic::error(format!("{} cannot be read: {error}", self.root.display()))
        })?;
        Ok(match &self.line_ends {
            Some(line_ends) => Box::new(disk.as_committed(Arc::clone(line_ends))),
            None => Box::new(disk),
        })
    }

    /// The root that overlays are written below.
    ///
    /// # Errors
    ///
    /// In a bare repository.
    pub(super) fn root(&self) -> Result<&Path, Failure> {
        if self.repository.as_ref().is_some_and(Repository::is_bare) {
            return Err(Diagnostic::error("a bare repository has no work tree to write to")
                .remedy("use a clone with a work tree; `check`, `render`, `diff`, `graph` and `trace` work here")
                .into());
        }
        Ok(&self.root)
    }

    /// All files of the work tree, sorted: links left out, and directories that are hidden, hold what
    /// was fetched or built, or are repositories of their own.
    ///
    /// # Errors
    ///
    /// In a bare repository, and when the directory cannot be read.
    pub(super) fn regular_files(&self) -> Result<Vec<String>, Failure> {
        let root = self.root()?;
        let disk = Disk::new(root).map_err(|error| {
            Diagnostic::error(format!("{} cannot be read: {error}", root.display()))
        })?;
        let enter = |directory: &str| {
            let name = directory.rsplit('/').next().unwrap_or(directory);
            !name.starts_with('.')
                && name != "node_modules"
                && name != "target"
                && root.join(directory).join(".git").symlink_metadata().is_err()
        };
        Ok(disk.list_regular("", &enter))
    }

    /// The repository to commit to.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) fn to_commit(&self) -> Result<&Repository, Failure> {
        self.repository.as_ref().ok_or_else(|| {
            Diagnostic::error("there is no git repository to commit to")
                .remedy("run `git init` first, or leave out --commit")
                .into()
        })
    }

    /// A path argument as a path of the repository.
    ///
    /// # Errors
    ///
    /// When it leads out of the repository.
    pub(super) fn path(&self, argument: &str) -> Result<String, Failure> {
        let path = Path::new(argument);
        let refuse = |why: &str| {
            Failure::from(
                Diagnostic::error(format!(
                    "the path `{}` cannot be used: {why}",
                    argument.escape_debug()
                ))
                .remedy("name a path inside of the repository"),
            )
        };
        if path.is_absolute() || !self.directory.starts_with(&self.root) {
            let path = self.directory.join(path);
            let name = path
                .strip_prefix(&self.root)
                .map_err(|_| refuse("it is outside of the repository"))?;
            let name = name.to_str().ok_or_else(|| refuse("it is not UTF-8"))?;
            return crate::spec::resolve("", name).map_err(|why| refuse(&why));
        }
        crate::spec::resolve(&self.prefix, argument).map_err(|why| refuse(&why))
    }

    /// Whether there is anything at a path of the work tree, were it a link that leads nowhere.
    pub(super) fn has(&self, path: &str) -> bool {
        self.commit.is_none() && self.root.join(path).symlink_metadata().is_ok()
    }

    /// How commands are written that are to be run from where this one is.
    pub(super) fn invocation(&self) -> Invocation {
        let mut repo = self.repo.clone();
        if !self.directory.starts_with(&self.root) {
            // A spec led to the repository, which not every command can be told by one.
            let root = self.root.strip_prefix(&self.directory).unwrap_or(&self.root);
            let given = repo.as_deref().map(|repo| Path::new(repo).join(root));
            repo = Some(given.unwrap_or_else(|| root.to_owned()).to_string_lossy().into_owned());
        }
        Invocation { repo, prefix: self.prefix.clone() }
    }

    /// The directory of the command, relative to the repository.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }
}

fn relative(directory: &Path, root: &Path) -> Result<String, Failure> {
    let below = directory.strip_prefix(root).unwrap_or(Path::new(""));
    let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/")).ok_or_else(|| {
        Diagnostic::error(format!("the path {} is not UTF-8", directory.display()))
            .remedy("graylane needs directory names in UTF-8")
            .into()
    })
}
