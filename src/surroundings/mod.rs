//! What a repository holds around a lane: its overlay as it stands, the commit it went with, and what
//! delivers it. Plain data: commands gather all of it for `check`, and some of it to compare overlays.

mod delivery;
mod readers;
mod standing;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::kube::object::ObjectRef;
use crate::overlay::Directory;

pub use delivery::{Delivery, Reading};
pub use readers::{Reader, Tool};
pub use standing::{Differences, Edit, Standing, is_drained};

/// What there is around a lane.
#[derive(Debug)]
pub struct Surroundings {
    /// The time that counts as now.
    pub now: Timestamp,
    /// The directory of its overlay, relative to the repository.
    pub output: String,
    /// Its overlay as it stands; `None` where it is not compared.
    pub standing: Option<Standing>,
    /// The manifests of its overlay as they should be, relative to the repository.
    pub manifests: Vec<String>,
    /// Objects with fields that cannot be changed that the overlay of the last commit has otherwise:
    /// their manifests there.
    pub committed: HashMap<ObjectRef, String>,
    /// The removals of its overlay that took changes to its baseline along.
    pub removals: Vec<Removal>,
    /// The manifests in its overlay's directory that no lock owns, relative to the repository.
    pub foreign: Vec<String>,
    /// What the repository says about delivery.
    pub delivery: Arc<Delivery>,
}

impl Surroundings {
    /// The readers of the overlay's directory and of those above and in it.
    pub fn readings(&self) -> Vec<Reading<'_>> {
        let inside = [Directory::Workloads.as_str(), Directory::Entry.as_str()];
        self.delivery.readings(&self.output, &inside)
    }
}

/// A removal of a lane together with changes to its baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// What removes it: `the commit 1a2b3c4`, `the work tree`.
    pub by: String,
    /// The files of the baseline that change with it, in order.
    pub files: Vec<String>,
}
