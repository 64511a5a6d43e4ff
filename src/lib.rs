//! graylane makes full-link gray releases a matter of git.
//!
//! The library is a pure core between two shells: everything takes values and returns values,
//! only [`overlay`] (files) and [`git`] touch the world. `ARCHITECTURE.md` shows the pipeline.

pub mod cli;
pub mod diagnostic;
pub mod git;
pub mod overlay;
pub mod spec;
pub mod yaml;
