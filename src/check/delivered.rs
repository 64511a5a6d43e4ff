//! A lane as the repository around it has it, for rules about its delivery.

use crate::baseline::Baseline;
use crate::diagnostic::Place;
use crate::lane::{GrayObject, Lane};
use crate::spec::GrayRelease;
use crate::surroundings::{Reading, Surroundings};

/// A lane and what there is around it.
#[derive(Clone, Copy)]
pub struct Delivered<'a> {
    /// The spec.
    pub release: &'a GrayRelease,
    /// The lane.
    pub lane: &'a Lane,
    /// The baseline it is built on.
    pub baseline: &'a Baseline,
    /// What there is around it.
    pub surroundings: &'a Surroundings,
}

/// A reader of the overlay, and which of its manifests it applies.
pub(super) struct Applier<'a> {
    pub reading: Reading<'a>,
    pub applied: Vec<bool>,
}

impl<'a> Delivered<'a> {
    /// The readers of the overlay's directory and of those above and in it.
    pub(super) fn appliers(&self) -> Vec<Applier<'a>> {
        let around = self.surroundings;
        let manifests: Vec<&str> = around.manifests.iter().map(String::as_str).collect();
        let readings = around.readings().into_iter();
        let applier = |reading: Reading<'a>| {
            let applied = around.delivery.applies(&reading, &manifests);
            Applier { reading, applied }
        };
        readings.map(applier).collect()
    }

    /// Whether a reader applies what the lane is made from, too.
    pub(super) fn applies_baseline(&self, reading: &Reading<'_>) -> bool {
        let files: Vec<&str> = self.lane.objects.iter().filter_map(GrayObject::file).collect();
        self.surroundings.delivery.applies(reading, &files).contains(&true)
    }

    /// Whether a reader is for the overlay: its directory or one in it.
    pub(super) fn is_own(&self, reading: &Reading<'_>) -> bool {
        crate::spec::within(&self.surroundings.output, &reading.path)
    }
}

/// The first line of a file, for what is about the file as a whole.
pub(super) fn first_line(file: &str) -> Place {
    Place::of_line(file, 1)
}

/// A few of many names, for people.
pub(super) fn some(names: &[&str]) -> String {
    const SHOWN: usize = 3;
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
