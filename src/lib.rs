//! graylane makes full-link gray releases a matter of git.
//!
//! The library is a pure core between two shells: everything takes values and returns values,
//! only [`overlay`] (files), [`git`] and [`baseline::files`] (which reads) touch the world, and [`cli`]
//! finds out where it runs. `ARCHITECTURE.md` shows the pipeline.

pub mod appstack;
pub mod argocd;
pub mod baseline;
pub mod calls;
pub mod check;
pub mod cli;
pub mod commit_message;
pub mod dangling;
pub mod database;
pub mod diagnostic;
pub mod draft;
pub mod flux;
pub mod gateway;
pub mod generated;
pub mod git;
pub mod governance;
pub mod graph;
pub mod invocation;
pub mod kruise;
pub mod kube;
pub mod lane;
pub mod neighbours;
pub mod overlay;
pub mod pipeline;
pub mod preview;
pub mod promote;
pub mod report;
mod secret_lines;
pub mod shared_overlay;
pub mod shared_routes;
pub mod skeleton;
pub mod spec;
pub mod surroundings;
pub mod trace;
pub mod yaml;
