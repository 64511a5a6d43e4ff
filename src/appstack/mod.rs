//! Orchestrations of Alibaba Cloud AppStack: manifests written as templates of Go's `text/template`.
//!
//! AppStack renders them for one environment at a time, with `.AppStack.envName`,
//! `.AppStack.image.NAME` and `.Values.KEY`. Here they are rendered by the same rules, as far as
//! orchestrations use them; every other action is refused. A key that is not there is an error
//! always, as with Go's `missingkey=error`.
//!
//! Source: Alibaba Cloud DevOps, OpenAPI `UpdateAppOrchestration` and "Orchestration" in the
//! AppStack documentation; Go's `text/template`.

mod eval;
mod lex;
mod parse;
mod value;

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::yaml::Source;

pub use value::Datum;

/// An environment that orchestrations are rendered for.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// `.AppStack.envName`.
    pub name: String,
    data: Datum,
}

impl Environment {
    /// An environment of this name with images by their name in the orchestration; `values` is a
    /// mapping.
    pub fn new<'a>(
        name: &str,
        images: impl IntoIterator<Item = (&'a str, &'a str)>,
        values: Datum,
    ) -> Self {
        let entry = |key: &str, value| (key.to_owned(), value);
        let app_stack = Datum::Map(
            [
                entry("envName", Datum::String(name.to_owned())),
                entry("image", Datum::strings(images)),
            ]
            .into(),
        );
        let data = Datum::Map([entry("AppStack", app_stack), entry("Values", values)].into());
        Self { name: name.to_owned(), data }
    }
}

/// What is wrong at a byte of a template.
#[derive(Debug)]
struct Trouble {
    at: usize,
    message: String,
    remedy: String,
}

impl Trouble {
    fn new(at: usize, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { at, message: message.into(), remedy: remedy.into() }
    }

    fn shown(self, source: &Source) -> Diagnostic {
        Diagnostic::error(self.message).at(source.place(self.at)).remedy(self.remedy)
    }
}

/// Whether a text has actions on the data of AppStack, so that it is an orchestration.
///
/// Braces of other templates, as alerting rules and dashboards hold them, do not make it one.
pub fn is_orchestration(text: &str) -> bool {
    const MARKS: [&str; 2] = [".AppStack", ".Values"];
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("{{") {
        let (inside, next) = behind.split_once("}}").unwrap_or((behind, ""));
        if MARKS.iter().any(|mark| inside.contains(mark)) {
            return true;
        }
        rest = next;
    }
    false
}

/// Renders an orchestration; places in the result are those of the template.
///
/// # Errors
///
/// Everything that is wrong with it, in the order of the text: actions that are not rendered, keys
/// that are not there, values that cannot be written or compared.
pub fn render(
    template: &Arc<Source>,
    environment: &Environment,
) -> Result<Arc<Source>, Vec<Diagnostic>> {
    let mut troubles = Vec::new();
    let nodes = parse::parse(template.text(), &mut troubles);
    let rendering = eval::render(template.text(), &nodes, &environment.data, &mut troubles);
    if troubles.is_empty() {
        return Ok(Source::rendered(template, rendering.text, rendering.runs));
    }
    troubles.sort_by_key(|trouble| trouble.at);
    let mut errors: Vec<Diagnostic> =
        troubles.into_iter().map(|trouble| trouble.shown(template)).collect();
    errors.dedup();
    Err(errors)
}

#[cfg(test)]
mod tests;
