//! The overlay: the directory generated for one gray release.
//!
//! Planning is pure: [`plan()`] and [`plan_removal`] compare what is wanted with the lock and with
//! what is found, on disk or in a commit. [`OverlayDir`] is where files are read and written.

mod alone;
mod commit;
mod digest;
mod dir;
mod files;
mod journal;
mod kustomization;
mod layout;
mod lock;
mod message;
mod path;
mod plan;
mod remove;
mod replace;
mod write;

pub use alone::{holds, write_alone};
pub use commit::commit_changes;
pub use digest::Digest;
pub use dir::{OverlayDir, overlays_below};
pub use files::{Found, OverlayFiles, TreeFiles, read_lock};
pub use kustomization::{KUSTOMIZATION_FILE, kustomizations};
pub use layout::{Directory, ObjectName, is_named_after, layout};
pub use lock::{Lock, LockHeader, Origin, OwnedFile};
pub use message::{Told, message};
pub use path::{KEEP_FILE, LOCK_FILE, OverlayPath};
pub(crate) use plan::is_as_written;
pub use plan::{Desired, FileChange, OverlayFile, Plan, plan};
pub use remove::{Selection, is_removed, plan_removal};
pub use replace::{Replacement, replace};
pub use write::Writing;
