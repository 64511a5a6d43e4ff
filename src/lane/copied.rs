//! Which objects are copied, and what their copies are called.

use foldhash::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::kube::object::ObjectRef;

/// The objects of the baseline that are copied, and the names of their copies.
#[derive(Debug)]
pub struct Copied<'a> {
    gray_names: &'a HashMap<ObjectRef, String>,
    /// `Kind/name` of each copy; most lanes never ask for it.
    copies: OnceLock<HashSet<String>>,
}

impl<'a> Copied<'a> {
    /// From the gray names by what they are made from.
    pub(super) fn new(gray_names: &'a HashMap<ObjectRef, String>) -> Self {
        Self { gray_names, copies: OnceLock::new() }
    }

    /// The name of the copy of an object of the baseline, if it is copied.
    pub fn gray_name(&self, id: &ObjectRef) -> Option<&'a str> {
        self.gray_names.get(id).map(String::as_str)
    }

    /// Whether this is what a copy is called.
    pub fn is_copy(&self, kind: &str, name: &str) -> bool {
        let all = || self.gray_names.iter().map(|(id, name)| format!("{}/{name}", id.kind));
        self.copies.get_or_init(|| all().collect()).contains(&format!("{kind}/{name}"))
    }
}
