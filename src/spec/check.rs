//! What all checks of a spec share: the errors so far, and the places of things.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::model::ObjectName;
use super::syntax;
use crate::diagnostic::{Diagnostic, Place};
use crate::kube::names;
use crate::yaml::NodeRef;

/// The errors found so far.
pub(super) struct Check {
    pub(super) errors: Vec<Diagnostic>,
    /// The start of the spec, for what has no place of its own.
    pub(super) start: Place,
}

/// A rule for a text; what is wrong otherwise.
pub(super) type Rule = fn(&str) -> Result<(), String>;

impl Check {
    pub(super) fn error(
        &mut self,
        message: impl Into<String>,
        place: &Place,
        remedy: impl Into<String>,
    ) {
        self.errors.push(Diagnostic::error(message).at(place.clone()).remedy(remedy));
    }

    /// An error that has to do with another place too.
    pub(super) fn clash(
        &mut self,
        message: String,
        place: &Place,
        first: &Place,
        what: &str,
        remedy: &str,
    ) {
        self.errors.push(
            Diagnostic::error(message)
                .at(place.clone())
                .related(first.clone(), what)
                .remedy(remedy),
        );
    }

    /// Whether a text fits a rule; reports it otherwise. `what` is a noun: `tag`.
    pub(super) fn fits(
        &mut self,
        what: &str,
        text: &str,
        rule: Rule,
        place: &Place,
        remedy: &str,
    ) -> bool {
        let result = rule(text);
        if let Err(reason) = &result {
            let text = one_line(text);
            self.error(format!("`{text}` is not a legal {what}: {reason}"), place, remedy);
        }
        result.is_ok()
    }

    /// Where a field is: its key.
    pub(super) fn place(&self, node: Option<NodeRef<'_>>) -> Place {
        node.and_then(NodeRef::place).unwrap_or_else(|| self.start.clone())
    }

    /// Where the value of a field is.
    pub(super) fn value_place(&self, node: Option<NodeRef<'_>>) -> Place {
        node.and_then(NodeRef::value_place).unwrap_or_else(|| self.start.clone())
    }

    /// Reads `Kind/name`.
    pub(super) fn object(&mut self, text: &str, place: &Place) -> Option<ObjectName> {
        let remedy = "write it as `Kind/name`, for instance `ConfigMap/settings`";
        let Some((kind, name)) = text.split_once('/') else {
            self.error(format!("`{text}` does not name an object"), place, remedy);
            return None;
        };
        let kind_fits = self.kind(kind, place);
        let name_fits = match names::object_name(kind, name) {
            Ok(()) => true,
            Err(reason) => {
                let message = format!("`{name}` is not a legal name of an object: {reason}");
                self.error(message, place, remedy);
                false
            }
        };
        (kind_fits && name_fits)
            .then(|| ObjectName { kind: kind.to_owned(), name: name.to_owned() })
    }

    /// Whether a text is a kind; reports it otherwise.
    pub(super) fn kind(&mut self, kind: &str, place: &Place) -> bool {
        let mut letters = kind.chars();
        let remedy = match letters.next() {
            Some(first) if first.is_ascii_lowercase() => {
                let capital = format!("{}{}", first.to_ascii_uppercase(), letters.as_str());
                format!("write the kind as manifests have it: `{capital}`")
            }
            _ => "write the kind as manifests have it, for instance `Deployment`".to_owned(),
        };
        self.fits("kind", kind, syntax::kind, place, &remedy)
    }
}

/// A text as a message can hold it.
fn one_line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// The entries of a mapping that were found right, in the order of the text, each with its node.
pub(super) fn entries<'r, T>(
    raw: &'r BTreeMap<String, T>,
    node: Option<NodeRef<'r>>,
) -> impl Iterator<Item = (&'r str, &'r T, NodeRef<'r>)> {
    let nodes = node.into_iter().flat_map(NodeRef::entries);
    nodes.filter_map(move |(key, node)| Some((key, raw.get(key)?, node)))
}

/// What becomes of each element, in order; of many, on all cores.
pub(super) fn each<T: Send, R: Send>(
    elements: Vec<T>,
    read: impl Fn(T) -> R + Send + Sync,
) -> Vec<R> {
    /// Elements that are read before other threads would have woken up.
    const FEW: usize = 64;
    if elements.len() <= FEW {
        return elements.into_iter().map(read).collect();
    }
    elements.into_par_iter().map(read).collect()
}

/// The elements of a list that were found right, each with its node.
pub(super) fn items<'r, T>(
    raw: &'r [Option<T>],
    node: Option<NodeRef<'r>>,
) -> impl Iterator<Item = (&'r T, NodeRef<'r>)> {
    let nodes = node.into_iter().flat_map(NodeRef::items);
    raw.iter().zip(nodes).filter_map(|(item, node)| Some((item.as_ref()?, node)))
}
