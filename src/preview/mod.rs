//! Previews: what a lane changes, for people.

mod diff;
mod mask;

pub use diff::{Compared, Summary, unified};
pub use mask::mask;
