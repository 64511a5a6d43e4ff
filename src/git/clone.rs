//! A temporary clone of a remote repository, for those who have no checkout.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::LOCK_FILE;
use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::program::Program;
use super::read::{CommitId, EntryKind, Head};

/// The files that are checked out: what a baseline, a spec or an overlay can consist of. Links are
/// added to them, since a link may stand for any of them.
const CHECKED_OUT: [&str; 9] = [
    "*.yaml",
    "*.yml",
    "*.json",
    "*.sql",
    "Kustomization",
    LOCK_FILE,
    ".gitkeep",
    ".gitattributes",
    ".gitignore",
];

/// What a server says that gives no single file contents, though it leaves them out of a clone.
///
/// Source: git/git, `upload-pack.c` (`uploadpack.allowAnySHA1InWant`; protocol version 2 allows it).
const NOT_SINGLY: &str = "unadvertised object";

/// What to do where a repository cannot be reached.
const CREDENTIALS: &str =
    "`git clone` of the same URL tells more; credentials come from git's own configuration";

/// A bare clone without the contents of files, and a work tree of it with manifests alone. Contents
/// that are needed besides are fetched by git when they are read. It is removed when it is dropped.
#[derive(Debug)]
pub struct TemporaryClone {
    _directory: TempDir,
    work_tree: PathBuf,
}

/// Whether a text names a repository elsewhere, as git decides it: `https://host/repo.git`,
/// `git@host:repo.git`.
///
/// Source: git/git, `connect.c` (`url_is_local_not_ssh`).
pub fn is_url(text: &str) -> bool {
    let Some(colon) = text.find(':') else { return false };
    let is_scheme = |text: &str| {
        let mut chars = text.chars();
        chars.next().is_some_and(|first| first.is_ascii_alphabetic())
            && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    match (text.get(..colon), text.get(colon..)) {
        (Some(before), Some(rest)) if rest.starts_with("://") => is_scheme(before),
        (Some(before), Some(_)) => !before.is_empty() && !before.contains('/'),
        _ => false,
    }
}

/// A URL as it may be shown: without the credentials of an `http` one.
fn shown_url(url: &str) -> String {
    match credentials(url) {
        Some(secret) => url.replacen(secret, "***", 1),
        None => url.to_owned(),
    }
}

/// What stands before the host of an `http` URL.
fn credentials(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    (scheme.to_ascii_lowercase().starts_with("http") && !user.is_empty()).then_some(user)
}

impl TemporaryClone {
    /// Clones a repository and checks out the branch that it says is its first. The manifests of
    /// `revs` are fetched too. `tell` is called with what is going on, where that takes a while.
    ///
    /// # Errors
    /// The repository cannot be reached or has no commit, or there is no such revision.
    pub fn of(url: &str, revs: &[&str], tell: &mut dyn FnMut(&str)) -> Result<Self> {
        match Self::with(url, revs, &["--filter=blob:none"], tell) {
            Err(error) if error.message.contains(NOT_SINGLY) => Self::with(url, revs, &[], tell),
            result => result,
        }
    }

    fn with(url: &str, revs: &[&str], filter: &[&str], tell: &mut dyn FnMut(&str)) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("graylane-")
            .tempdir()
            .map_err(|error| GitError::io("make a temporary directory", &error))?;
        let bare = directory.path().join("repository.git");
        let work_tree = directory.path().join("work");
        let shown = shown_url(url);
        Program::anywhere(directory.path(), "git clone")
            .args(&["clone", "--bare", "--progress"])
            .args(filter)
            .arg("--")
            .arg(url)
            .arg(&bare)
            .watched(&format!("cloning {shown}"), tell)
            .map_err(|error| masked(error, url).remedy(CREDENTIALS))?;
        let repository = open(&bare)?;
        let head = repository.head()?;
        let Some(tip) = head.commit() else {
            return Err(GitError::new(
                GitErrorKind::NotNow,
                format!("{shown} has no commit on its first branch"),
            )
            .remedy("push the baseline there first"));
        };
        let add = repository.program.run(["worktree", "add", "--quiet", "--no-checkout"]);
        let (add, start) = match head {
            Head::Branch { name, .. } => (add, name),
            _ => (add.arg("--detach"), tip.to_string()),
        };
        add.arg("--").arg(&work_tree).arg(start).output(&[])?;

        let work = open(&work_tree)?;
        let mut revisions: Vec<CommitId> =
            revs.iter().map(|rev| work.resolve(rev)).collect::<Result<_>>()?;
        revisions.push(tip);
        work.check_out_manifests(&revisions, &format!("fetching manifests of {shown}"), tell)
            .map_err(|error| masked(error, url))?;
        Ok(Self { _directory: directory, work_tree })
    }

    /// The root of the work tree.
    pub fn work_tree(&self) -> &Path {
        &self.work_tree
    }
}

impl Repository {
    /// Checks out the manifests of one commit after the other. A checkout fetches what it lacks at
    /// once; reading would fetch file by file.
    fn check_out_manifests(
        &self,
        revisions: &[CommitId],
        what: &str,
        tell: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let mut patterns: Vec<String> = CHECKED_OUT.map(str::to_owned).into();
        for revision in revisions {
            let entries = self.files_at(*revision, "")?;
            let links = entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Symlink(_)));
            patterns.extend(links.map(|link| format!("/{}", escaped(&link.path))));
        }
        let info = self.git_dir().join("info");
        fs::create_dir_all(&info)
            .and_then(|()| fs::write(info.join("sparse-checkout"), patterns.join("\n") + "\n"))
            .map_err(|error| GitError::io(&format!("write in {}", info.display()), &error))?;
        self.program.run(["config", "core.sparseCheckout", "true"]).output(&[])?;
        for revision in revisions {
            let read = self.program.run(["read-tree", "--reset", "-u", &revision.to_string()]);
            read.env("GIT_LFS_SKIP_SMUDGE", "1").watched(what, tell)?;
        }
        Ok(())
    }
}

fn open(path: &Path) -> Result<Repository> {
    Repository::discover(path)?.ok_or_else(|| {
        GitError::new(GitErrorKind::Unusable, format!("`{}` is no repository", path.display()))
    })
}

/// An error without the credentials of the URL, which git may have repeated.
fn masked(mut error: GitError, url: &str) -> GitError {
    if let Some(secret) = credentials(url) {
        error.message = error.message.replace(secret, "***");
    }
    error
}

/// A path as a pattern that fits it alone.
fn escaped(path: &str) -> String {
    let mut pattern = String::new();
    for c in path.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | ' ' | '!' | '#') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_directories_as_git_does() {
        for url in [
            "https://example.com/shop.git",
            "ssh://git@example.com/shop",
            "file:///srv/shop.git",
            "git@example.com:shop.git",
            "host:shop",
        ] {
            assert!(is_url(url), "{url}");
        }
        for path in [".", "/srv/shop", "./a:b", "dir/a:b", ":x", "shop"] {
            assert!(!is_url(path), "{path}");
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        assert_eq!(shown_url("https://bot:s3cret@h/x@y.git"), "https://***@h/x@y.git");
        assert_eq!(shown_url("https://t0ken@h"), "https://***@h");
        for plain in ["https://h/x@y", "git@h:x", "ssh://git@h/x"] {
            assert_eq!(shown_url(plain), plain);
        }
        let error = GitError::new(GitErrorKind::Other, "cannot reach https://bot:s3cret@h/");
        assert_eq!(masked(error, "https://bot:s3cret@h/").message, "cannot reach https://***@h/");
    }

    #[test]
    fn a_path_with_special_characters_is_a_pattern_for_itself() {
        assert_eq!(escaped("a b/[c]*.d"), "a\\ b/\\[c\\]\\*.d");
    }
}
