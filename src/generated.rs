//! What a lane has that is no copy: objects made from a skeleton, and files that are no manifests.

use crate::diagnostic::{Diagnostic, Place};
use crate::kube::kinds::Wave;
use crate::shared_routes::LaneRoute;
use crate::yaml::Document;

/// An object that is made for a lane.
#[derive(Debug)]
pub struct GeneratedObject {
    /// The service it belongs to.
    pub service: String,
    /// When it is applied.
    pub wave: Wave,
    /// Its manifest, without the labels every gray object has. A name, and a namespace where it is
    /// to have one, are there.
    pub document: Document,
    /// What in the spec or the baseline asked for it: errors about it are shown there.
    pub place: Option<Place>,
}

/// A file of an overlay that is no manifest. Its name must end in nothing that Argo CD (`.yaml`,
/// `.yml`, `.json`, `.jsonnet`) or Flux (`.yaml`, `.yml`) reads as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its path in the overlay: `database/shadow.sql`.
    pub path: &'static str,
    /// Its text.
    pub contents: String,
}

/// What is made for a lane beside the copies.
#[derive(Debug, Default)]
pub struct Generated {
    /// Objects, in any order.
    pub objects: Vec<GeneratedObject>,
    /// Files that are no manifests, in any order.
    pub attachments: Vec<Attachment>,
    /// The lane's parts of objects that several lanes share, in any order.
    pub shared: Vec<LaneRoute>,
    /// What was decided, and what is left to do by hand.
    pub notes: Vec<Diagnostic>,
}

impl Generated {
    /// Adds what another step made.
    pub fn extend(&mut self, other: Self) {
        self.objects.extend(other.objects);
        self.attachments.extend(other.attachments);
        self.shared.extend(other.shared);
        self.notes.extend(other.notes);
    }
}
