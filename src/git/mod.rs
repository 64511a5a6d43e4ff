//! Every call to git.
//!
//! libgit2 reads commits and writes blobs and trees. The `git` program does what depends on how
//! the user has set git up, or what libgit2 gets wrong: status and index of a sparse checkout,
//! identity, dates and signature of a commit, moving a reference together with its log.

mod clone;
mod commit;
mod discover;
mod error;
mod filters;
mod history;
mod hooks;
mod index;
mod line_ends;
mod path;
mod program;
mod push;
mod read;
mod reference;
mod status;
mod tree;

pub use clone::{TemporaryClone, is_url};
pub use commit::{Change, CommitOutcome, CommitRequest, Identity};
pub use discover::Repository;
pub use error::{GitError, GitErrorKind, Result};
pub use filters::Smudged;
pub use line_ends::{LineEnds, with_lf};
pub use push::{PushOutcome, PushTarget};
pub use read::{BlobId, CommitId, EntryKind, Head, TreeEntry};

/// The file that lists what an overlay owns: read from commits before anything else is known of a
/// lane. Its name ends in nothing that Argo CD (`.yaml`, `.yml`, `.json`, `.jsonnet`) or Flux
/// (`.yaml`, `.yml`) would read as a manifest.
pub const LOCK_FILE: &str = "graylane.lock";
