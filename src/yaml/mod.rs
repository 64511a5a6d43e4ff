//! YAML documents that are edited without touching what was not edited.
//!
//! A file is parsed into [`Document`]s whose nodes point into the source text, from the events of
//! yaml-rust2's parser; what is written in plain block style, as nearly all manifests are, is read
//! line by line, which gives the same events sooner. A clone of a document is cheap and shares its nodes; an edit copies only the path
//! it walks. Emission copies the source text of everything that was not edited, comments and blank
//! lines included, and prints only what an edit made, in the style that surrounds it.
//!
//! This module knows nothing of Kubernetes, but it reads scalars as Kubernetes does
//! (see [`scalar`]), writes strings so that YAML 1.1 and YAML 1.2 readers agree on them, and repeats
//! no line of a Secret in messages.

mod build;
mod edit;
mod emit;
mod json;
mod lines;
mod merge;
mod node;
mod parse;
mod part;
mod patch;
mod path;
pub mod scalar;
mod scan;
mod source;
mod value;
mod view;

pub use edit::EditError;
pub use merge::{MergeKeys, apply_merge};
pub use node::Document;
pub use parse::{MAX_DEPTH, MAX_FILE_BYTES, Stream, parse, parse_as_written};
pub use patch::{JsonPatchOp, PatchError, apply_json_patch};
pub use path::{Path, Segment};
pub use scalar::ScalarStyle;
pub use source::{Run, Source, Span};
pub use value::Value;
pub use view::{NodeKind, NodeRef};
