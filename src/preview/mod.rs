//! Previews: what a lane changes, for people and for programs.
//!
//! [`Preview`] is what differs; one file per format.

mod budget;
mod diff;
mod escape;
mod json;
mod markdown;
mod mask;
mod model;
mod revisions;
mod risk;

pub use diff::{Compared, Summary, Unified, plain, unified};
pub use escape::MARKER;
pub use json::json;
pub use markdown::{LIMIT, Picture, markdown, not_compared};
pub use mask::mask;
pub use model::{
    Against, Broken, Change, LaneChange, LaneDiff, ObjectDiff, Preview, Role, object_of, unnamed,
    without_lines,
};
pub use revisions::{between, shared_between};
pub use risk::{Assessment, Level, assess};
