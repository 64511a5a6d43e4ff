//! The `GrayRelease` spec: its types, its validation and its JSON Schema.
//!
//! A spec's text becomes a [`GrayRelease`] or all its errors at once, each with its place. Nothing
//! here reads a file or knows git; whether the baseline has what a spec names is seen later.
//!
//! `raw` holds the fields; the schema is made from them and walked over the document
//! (`structure`), then `release`, `service`, `patch` and `entry` look at what the fields say.

mod appstack;
mod check;
mod choice;
mod commit;
mod database;
mod entry;
mod expiry;
mod findings;
mod governance;
mod http;
mod istio;
mod kruise;
mod location;
mod model;
mod opensergo;
mod patch;
mod raw;
mod release;
mod schema;
mod service;
mod structure;
mod syntax;

use serde::Deserialize;

use crate::diagnostic::{Diagnostic, Failure};
use crate::yaml::{self, NodeRef, Source};
use check::Check;

pub use appstack::{AppStack, Values};
pub use choice::{CopyPolicy, Delivery, GatewayClass, Isolation, JsonOpKind, Provider, Strategy};
pub use database::{Database, Shadows};
pub use expiry::{Expiry, When, instant};
pub use findings::{FindingLevel, FindingRule};
pub use governance::{LaneMode, SwimmingLane, SwimmingLaneEntry};
pub use kruise::{Kruise, Pods, RolloutVersion, Step};
pub use location::{resolve, resolve_output, within};
pub use model::{
    BaselinePath, ContainerImage, CookieMatch, Entry, EnvVar, GrayRelease, JsonOp, Match,
    NameMatch, ObjectName, Patch, PatchBody, PolicyOverride, Service, SharedOutput, Suffix, Tag,
    ValueMatch,
};
pub use opensergo::{OpenSergo, OpenSergoEnv, OpenSergoRule};
pub use schema::schema;

/// Reads a spec; `file` is its name in messages.
///
/// # Errors
///
/// Everything that is wrong with it, in the order of the text.
pub fn parse(file: &str, text: &str) -> Result<GrayRelease, Failure> {
    let source = Source::new(file, text.to_owned());
    let stream = yaml::parse(source.clone())?;
    let mut documents = stream.documents.iter().filter(|document| !document.is_empty());
    let Some(document) = documents.next() else {
        return Err(Diagnostic::error("the spec is empty")
            .at(source.place(0))
            .remedy("write a first spec with `graylane init`")
            .into());
    };
    if let Some(second) = documents.next() {
        let mut error = Diagnostic::error("the spec has several YAML documents")
            .remedy("put each GrayRelease into a file of its own");
        error.place = second.root().place();
        return Err(error.into());
    }
    let root = document.root();
    if let Some(error) = foreign(root) {
        return Err(error.into());
    }

    let (json, errors) = structure::check(&schema::SCHEMA, root);
    let mut check = Check { errors, start: source.place(0) };
    let release = match raw::Release::deserialize(&json) {
        Ok(raw) => release::read(&mut check, &raw, root, &source),
        Err(error) => {
            // The schema and the types are one; this is for what a schema cannot say.
            if check.errors.is_empty() {
                check.error(
                    format!("the spec cannot be read: {error}"),
                    &source.place(0),
                    "compare it with `graylane schema`",
                );
            }
            None
        }
    };
    match release {
        Some(release) if check.errors.is_empty() => Ok(release),
        _ => {
            let mut errors = check.errors;
            errors.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
            errors.dedup();
            Err(Failure(errors))
        }
    }
}

/// The one error of a document that was never meant to be a spec.
fn foreign(root: NodeRef<'_>) -> Option<Diagnostic> {
    let text = |key| root.get(key).and_then(NodeRef::as_str);
    let (version, kind) = (text("apiVersion")?, text("kind")?);
    if kind == raw::KIND || version.starts_with("graylane.dev/") {
        return None;
    }
    let mut error = Diagnostic::error(format!("this is a {kind} of {version}, not a spec")).remedy(
        format!("a spec starts with\napiVersion: {}\nkind: {}", raw::API_VERSION, raw::KIND),
    );
    error.place = root.get("kind").and_then(NodeRef::value_place);
    Some(error)
}
