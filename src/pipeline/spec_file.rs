//! A spec, and where in the repository what it names is.

use std::sync::Arc;

use crate::baseline::files::{Files, FilesError};
use crate::baseline::select::Pattern;
use crate::diagnostic::{Diagnostic, Failure, Place};
use crate::overlay::Digest;
use crate::spec::{self, GrayRelease, Provider};

/// A spec and where its files are.
#[derive(Clone, Debug)]
pub struct SpecFile {
    /// What it says.
    pub release: GrayRelease,
    /// The overlay's directory, relative to the repository.
    pub output: String,
    /// The directory of what its lane shares with others, relative to the repository; `None` where
    /// there is no place for it and the lane shares nothing.
    pub shared: Option<String>,
    /// What it takes as baseline, relative to the repository.
    pub patterns: Vec<Pattern>,
    /// The digest of its text.
    pub digest: Digest,
    /// What defines the tables that get a shadow; there exactly if some do.
    pub schema: Option<SchemaFile>,
}

/// The SQL file that defines the tables of a spec.
#[derive(Clone, Debug)]
pub struct SchemaFile {
    /// Its path, relative to the repository.
    pub path: String,
    /// Its bytes, or why it cannot be read. That stops nobody from removing a lane.
    pub contents: Result<Arc<Vec<u8>>, String>,
}

impl SpecFile {
    /// Whether a path is in the directory of what the lane shares.
    pub(super) fn shares(&self, path: &str) -> bool {
        let is_governed = self.release.provider == Provider::Istio;
        is_governed && self.shared.as_ref().is_some_and(|shared| spec::within(shared, path))
    }
}

/// Bytes of the largest spec that is read; those of a hundred services have a tenth of it.
const MAX_SPEC_BYTES: usize = 1 << 20;

/// Reads a spec.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn read_spec(files: &dyn Files, path: &str) -> Result<SpecFile, Failure> {
    let shown = if path.is_empty() { "." } else { path };
    let unreadable = |why: &str| {
        Diagnostic::error(format!("the spec {shown} cannot be read: {why}"))
            .at(Place::of_line(shown, 1))
            .remedy(
                "name a GrayRelease file of this repository; `graylane init` writes a first one",
            )
    };
    let bytes = files.read(path).map_err(|error| match error {
        FilesError::Missing => unreadable("it does not exist"),
        FilesError::Outside(why) | FilesError::Other(why) => unreadable(&why),
    })?;
    if bytes.len() > MAX_SPEC_BYTES {
        let why = format!("it has {} bytes, {MAX_SPEC_BYTES} are allowed", bytes.len());
        return Err(unreadable(&why).into());
    }
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text"))?;
    let mut spec = spec_of(path, &text)?;
    if let Some(schema) = &mut spec.schema {
        let contents = files.read(&schema.path).map(Arc::new);
        schema.contents = contents.map_err(|error| match error {
            FilesError::Missing => "it does not exist".to_owned(),
            FilesError::Outside(why) | FilesError::Other(why) => why,
        });
    }
    Ok(spec)
}

/// Reads a spec from its text, but no file it names; `path` is where it is in the repository.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn spec_of(path: &str, text: &str) -> Result<SpecFile, Failure> {
    let digest = Digest::of(text.as_bytes());
    let release = spec::parse(path, text)?;
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut errors = Vec::new();
    let output = match spec::resolve_output(path, &release.output) {
        Ok(output) => output,
        Err(why) => {
            let error = Diagnostic::error(format!(
                "the output `{}` is not possible: {why}",
                release.output
            ));
            errors.push(
                error
                    .at(release.output_place.clone())
                    .remedy("name a directory of its own inside of the repository"),
            );
            String::new()
        }
    };
    let mut patterns = Vec::new();
    for each in &release.baseline {
        match spec::resolve(directory, &each.text) {
            Ok(path) => patterns.push(Pattern { path, place: Some(each.place.clone()) }),
            Err(why) => {
                let error = Diagnostic::error(format!(
                    "the baseline path `{}` is not possible: {why}",
                    each.text
                ));
                errors.push(
                    error
                        .at(each.place.clone())
                        .remedy("paths are relative to the spec and stay inside of the repository"),
                );
            }
        }
    }
    let inside = |pattern: &&Pattern| !output.is_empty() && spec::within(&output, &pattern.path);
    if let Some(pattern) = patterns.iter().find(inside) {
        let error = Diagnostic::error(format!(
            "the baseline path `{}` is inside of the output `{output}`",
            pattern.path
        ));
        errors.push(
            error
                .at(release.output_place.clone())
                .remedy("keep the overlay away from the baseline it is made from"),
        );
    }
    let schema = release.database.as_ref().and_then(|database| {
        // A path that leads out of the repository is refused with the spec.
        let path = spec::resolve(directory, &database.schema).ok()?;
        if spec::within(&output, &path) {
            let error = Diagnostic::error(format!(
                "the schema `{path}` is inside of the output `{output}`"
            ));
            errors.push(
                error
                    .at(database.schema_place.clone())
                    .remedy("keep the overlay away from what it is made from"),
            );
        }
        Some(SchemaFile { path, contents: Err("nothing has read it".to_owned()) })
    });
    let shared = shared_output(path, &release, &output, &patterns).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    if errors.is_empty() {
        Ok(SpecFile { release, output, shared, patterns, digest, schema })
    } else {
        Err(Failure(errors))
    }
}

/// The directory of what a lane shares with others: what the spec says, or `istio` beside the
/// overlay. A lane of another provider may have had it.
fn shared_output(
    path: &str,
    release: &GrayRelease,
    output: &str,
    patterns: &[Pattern],
) -> Result<Option<String>, Diagnostic> {
    let stated = release.shared_output.as_ref();
    let place = release.shared_place();
    let directory = match stated {
        Some(stated) => spec::resolve_output(path, &stated.text).map_err(|why| {
            Diagnostic::error(format!("the output `{}` is not possible: {why}", stated.text))
                .at(place.clone())
                .remedy("name a directory of its own inside of the repository")
        })?,
        None => match output.rsplit_once('/') {
            Some((above, _)) => format!("{above}/istio"),
            None => "istio".to_owned(),
        },
    };
    let of_baseline = |pattern: &&Pattern| spec::within(&directory, &pattern.path);
    let what = if spec::within(output, &directory) || spec::within(&directory, output) {
        format!("the overlay `{output}`")
    } else if let Some(pattern) = patterns.iter().find(of_baseline) {
        format!("the baseline path `{}`", pattern.path)
    } else {
        return Ok(Some(directory));
    };
    if release.provider != Provider::Istio {
        return Ok(None);
    }
    let error = Diagnostic::error(format!(
        "the directory `{directory}` for what lanes share overlaps {what}"
    ));
    Err(error.at(place.clone()).remedy("set `governance.istio.output` to a directory of its own"))
}
