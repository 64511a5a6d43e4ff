//! Files that are orchestrations of AppStack: what the baseline's environment makes of them are the
//! baseline's objects, what the gray environment makes of them is what gray copies start from.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Object;
use super::files::{Files, FilesError};
use super::read::{Reading, read_source};
use crate::appstack::{Datum, Environment, render};
use crate::diagnostic::{Diagnostic, Failure, Place};
use crate::spec::{self, AppStack, Values};
use crate::yaml::{Source, parse};

/// The environments that orchestrations are rendered for.
#[derive(Clone, Debug, PartialEq)]
pub struct Orchestration {
    /// That of the baseline.
    pub baseline: Environment,
    /// That of the gray copies.
    pub gray: Environment,
    /// The file that the values come from, which is no part of the baseline; relative to the
    /// repository.
    pub values_file: Option<String>,
}

impl Orchestration {
    /// The environments of a spec in this directory.
    ///
    /// # Errors
    ///
    /// The file with the values is not there, is no YAML, or holds no mapping.
    pub fn of(files: &dyn Files, directory: &str, block: &AppStack) -> Result<Self, Failure> {
        let (values, values_file) = match &block.values {
            Values::Inline(values) => (values.clone(), None),
            Values::File(path) => {
                let wrong = |why: String| {
                    Diagnostic::error(format!(
                        "the values in `{}` cannot be used: {why}",
                        path.text
                    ))
                    .at(path.place.clone())
                    .remedy("name a YAML file that holds a mapping, such as `namespace: prod`")
                };
                let resolved = spec::resolve(directory, &path.text).map_err(wrong)?;
                let values = read_values(files, &resolved, wrong)?;
                (values, Some(resolved))
            }
        };
        let images = || block.images.iter().map(|(name, image)| (name.as_str(), image.as_str()));
        let environment = |name: &str| Environment::new(name, images(), values.clone());
        Ok(Self {
            baseline: environment(&block.environment),
            gray: environment(&block.gray_environment),
            values_file,
        })
    }
}

fn read_values(
    files: &dyn Files,
    path: &str,
    wrong: impl Fn(String) -> Diagnostic,
) -> Result<Datum, Failure> {
    let bytes = files.read(path).map_err(|error| match error {
        FilesError::Missing => wrong("the file does not exist".to_owned()),
        FilesError::Outside(why) | FilesError::Other(why) => wrong(why),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8 text".to_owned()))?;
    let stream = parse(Source::new(path, text))?;
    let mut documents = stream.documents.iter().filter(|document| !document.is_empty());
    match (documents.next(), documents.next()) {
        (None, _) => Ok(Datum::Map([].into())),
        (Some(document), None) if document.root().is_mapping() => Ok(Datum::of(document.root())),
        (Some(_), None) => Err(wrong("it holds no mapping".to_owned()).into()),
        (Some(_), Some(_)) => Err(wrong("it has several YAML documents".to_owned()).into()),
    }
}

/// Reads an orchestration for both environments.
pub(super) fn read_orchestration(
    source: &Arc<Source>,
    namespace: &str,
    orchestration: &Orchestration,
) -> Reading {
    let rendered = |environment: &Environment| match render(source, environment) {
        Ok(source) => read_source(&source, namespace),
        Err(errors) => Reading::failed(errors),
    };
    let mut baseline = rendered(&orchestration.baseline);
    let gray = rendered(&orchestration.gray);
    let names = [&orchestration.baseline.name, &orchestration.gray.name];
    baseline.errors = merged([baseline.errors, gray.errors], names);
    if !baseline.errors.is_empty() {
        return baseline;
    }
    baseline.errors.extend(unlike(source.name(), &baseline.objects, &gray.objects, names));
    let pairs = baseline.objects.iter().zip(gray.objects).enumerate();
    baseline.gray = pairs
        .filter(|(_, (one, other))| one.document().to_text() != other.document().to_text())
        .map(|(at, (_, other))| (at, other))
        .inspect(|(_, other)| other.let_go())
        .collect();
    baseline
}

/// The error of renderings that do not have the same objects in the same order.
fn unlike(
    file: &str,
    baseline: &[Object],
    gray: &[Object],
    [name, gray_name]: [&String; 2],
) -> Option<Diagnostic> {
    let common = baseline.iter().zip(gray).position(|(one, other)| !is_alike(one, other));
    let at = common.unwrap_or(baseline.len().min(gray.len()));
    let message = match (baseline.get(at), gray.get(at)) {
        (None, None) => return None,
        (Some(one), Some(other)) if baseline.len() == gray.len() => format!(
            "this object of {file} is {} as rendered for `{name}` and {} for `{gray_name}`",
            described(one),
            described(other)
        ),
        _ => format!(
            "{file} has {} as rendered for `{name}` and {} for `{gray_name}`; from here on they differ",
            counted(baseline.len()),
            counted(gray.len())
        ),
    };
    let place = baseline.get(at).or(gray.get(at)).and_then(Object::place);
    Some(Diagnostic::error(message).at(place).remedy(ALIKE))
}

/// What to do where the renderings do not go together.
const ALIKE: &str = "a gray copy starts from the object at the same position of the file: let both environments have the same objects in the same namespace, whatever is in them";

fn is_alike(one: &Object, other: &Object) -> bool {
    (&one.id.group, &one.id.kind, &one.id.namespace)
        == (&other.id.group, &other.id.kind, &other.id.namespace)
}

/// `a Service in prod`.
fn described(object: &Object) -> String {
    match object.id.namespace.as_str() {
        "" => format!("a {}", object.id.kind),
        namespace => format!("a {} in {namespace}", object.id.kind),
    }
}

fn counted(count: usize) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

/// The errors of both renderings, each once; one that only one of them has says so.
fn merged([one, other]: [Vec<Diagnostic>; 2], names: [&String; 2]) -> Vec<Diagnostic> {
    let keys = |errors: &[Diagnostic]| -> BTreeSet<(Option<Place>, String)> {
        errors.iter().map(|error| (error.place.clone(), error.message.clone())).collect()
    };
    let (in_one, in_other) = (keys(&one), keys(&other));
    let is_in_both = |error: &Diagnostic| {
        let key = (error.place.clone(), error.message.clone());
        in_one.contains(&key) && in_other.contains(&key)
    };
    let told = |mut error: Diagnostic, name: &str| {
        if !is_in_both(&error) {
            error.message = format!("as rendered for `{name}`: {}", error.message);
        }
        error
    };
    let new = other.into_iter().filter(|error| !is_in_both(error));
    let new: Vec<Diagnostic> = new.map(|error| told(error, names[1])).collect();
    let mut errors: Vec<Diagnostic> =
        one.into_iter().map(|error| told(error, names[0])).chain(new).collect();
    errors.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    errors
}
