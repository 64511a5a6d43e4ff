//! What can go wrong with git, told with what to do about it.

use std::fmt;

use crate::diagnostic::{Diagnostic, Failure};

/// What a caller may want to react to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GitErrorKind {
    /// The repository cannot be opened: foreign owner, unsupported format, damaged.
    Unusable,
    /// A revision that names no commit here.
    UnknownRevision,
    /// An object that this clone lacks: a partial or shallow clone, or a damaged one.
    MissingObject,
    /// A path that is not below the work tree, or that git cannot hold.
    BadPath,
    /// The state of the repository forbids a commit: a merge under way, no work tree, no identity.
    NotNow,
    /// A branch or HEAD no longer holds the commit it held before.
    RefMoved,
    /// Anything else.
    Other,
}

/// An error of git: what is wrong and, where known, what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitError {
    /// What to react to.
    pub kind: GitErrorKind,
    /// What is wrong, one sentence without a trailing full stop.
    pub message: String,
    /// What to do next.
    pub remedy: Option<String>,
}

impl GitError {
    pub(super) fn new(kind: GitErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), remedy: None }
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// An error of libgit2 in the words of its own message, without code and class.
    pub(super) fn from_libgit2(doing: &str, error: &git2::Error) -> Self {
        let said = error.message().trim_end_matches('.');
        if error.code() == git2::ErrorCode::NotFound && error.class() == git2::ErrorClass::Odb {
            return Self::missing_object(doing);
        }
        Self::new(GitErrorKind::Other, format!("cannot {doing}: {said}"))
    }

    /// An object is not in this clone. The remedy was checked against git 2.39: `--refetch` alone
    /// applies the filter of the partial clone again.
    pub(super) fn missing_object(doing: &str) -> Self {
        Self::new(GitErrorKind::MissingObject, format!("cannot {doing}: this clone does not hold the object"))
            .remedy("in a partial clone fetch everything with `git fetch --refetch --no-filter`, in a shallow clone with `git fetch --unshallow`")
    }

    pub(super) fn io(doing: &str, error: &std::io::Error) -> Self {
        Self::new(GitErrorKind::Other, format!("cannot {doing}: {error}"))
    }
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for GitError {}

impl From<GitError> for Diagnostic {
    fn from(error: GitError) -> Self {
        let diagnostic = Self::error(error.message);
        match error.remedy {
            Some(remedy) => diagnostic.remedy(remedy),
            None => diagnostic,
        }
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Diagnostic::from(error).into()
    }
}

/// The result of a call to git.
pub type Result<T> = std::result::Result<T, GitError>;
