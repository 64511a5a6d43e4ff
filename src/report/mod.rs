//! What the checks found, in the forms that people and programs read.

mod json;
mod sarif;

pub(crate) use json::finding;
pub use json::json;
pub use sarif::sarif;

use crate::diagnostic::{Diagnostic, Place};

/// What was found in one lane.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a> {
    /// The lane's name.
    pub lane: &'a str,
    /// Where the spec names it: the place of what has none of its own.
    pub place: &'a Place,
    /// The findings, in the order they are shown.
    pub findings: &'a [Diagnostic],
    /// What the spec silences. The last of the related places is the rule that does.
    pub silenced: &'a [Diagnostic],
}
