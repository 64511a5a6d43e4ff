//! Which files a spec's `baseline.paths` mean: files, directories (walked) and globs.

use globset::GlobBuilder;

use super::files::{Files, FilesError, may_be_manifest};
use crate::diagnostic::{Diagnostic, Place};
use crate::git::LOCK_FILE;

/// A path of the baseline: relative to the repository, with where the spec says it.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// A file, a directory or a glob (`*`, `**`, `?`, `[a-z]`, `{a,b}`).
    pub path: String,
    /// Where it stands in the spec; `None` when it comes from the command line.
    pub place: Option<Place>,
}

impl Pattern {
    /// The path itself, or of a glob the directory above its first wildcard.
    pub fn directory(&self) -> &str {
        if self.path.contains(WILDCARDS) { fixed_part(&self.path) } else { &self.path }
    }
}

/// What makes a path a glob.
const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

/// The manifest files the patterns mean, sorted and each once.
///
/// Walked directories leave out hidden directories, the overlays that graylane wrote (they hold its
/// lock), and the directories in `outputs`. A file that is named is always read.
///
/// # Errors
///
/// One diagnostic for each pattern that means nothing or leaves the repository.
pub fn select(
    files: &dyn Files,
    patterns: &[Pattern],
    outputs: &[String],
) -> Result<Vec<String>, Vec<Diagnostic>> {
    let mut selected: Vec<String> = Vec::new();
    let mut errors = Vec::new();
    for pattern in patterns {
        match matching(files, &pattern.path, outputs) {
            Ok(found) if found.is_empty() => errors.push(nothing(pattern)),
            Ok(found) => selected.extend(found),
            Err(error) => errors.push(refused(pattern, &error)),
        }
    }
    // What one pattern means is sorted already.
    if patterns.len() > 1 {
        selected.sort();
        selected.dedup();
    }
    if errors.is_empty() { Ok(selected) } else { Err(errors) }
}

fn matching(files: &dyn Files, path: &str, outputs: &[String]) -> Result<Vec<String>, FilesError> {
    let enter = |directory: &str| {
        let name = directory.rsplit('/').next().unwrap_or(directory);
        !name.starts_with('.') && !outputs.iter().any(|output| output == directory)
    };
    let is_glob = path.contains(WILDCARDS);
    let start = if is_glob { fixed_part(path) } else { path };
    let all = files.list(start, &enter)?;
    let overlays: Vec<String> =
        all.iter().filter_map(|file| file.strip_suffix(LOCK_FILE)).map(str::to_owned).collect();
    let is_manifest = |file: &str| may_be_manifest(file.as_bytes());
    let in_overlay = |file: &str| overlays.iter().any(|overlay| file.starts_with(overlay.as_str()));
    if is_glob {
        let glob = GlobBuilder::new(path).literal_separator(true).build();
        let glob = glob.map_err(|error| FilesError::Other(error.to_string()))?.compile_matcher();
        return Ok(all
            .into_iter()
            .filter(|file| glob.is_match(file) && !in_overlay(file))
            .collect());
    }
    if all.iter().any(|file| file == path) {
        return Ok(vec![path.to_owned()]);
    }
    Ok(all.into_iter().filter(|file| is_manifest(file) && !in_overlay(file)).collect())
}

/// The directory above the first component with a wildcard.
fn fixed_part(glob: &str) -> &str {
    let wildcard = glob.find(WILDCARDS).unwrap_or(glob.len());
    glob[..wildcard].rfind('/').map_or("", |at| &glob[..at])
}

fn at(error: Diagnostic, pattern: &Pattern) -> Diagnostic {
    error.at(pattern.place.clone())
}

fn nothing(pattern: &Pattern) -> Diagnostic {
    let error =
        Diagnostic::error(format!("the baseline path `{}` means no manifest file", pattern.path));
    at(error, pattern).remedy(
        "name a file, a directory with .yaml, .yml or .json files, or a glob that matches some",
    )
}

fn refused(pattern: &Pattern, error: &FilesError) -> Diagnostic {
    let path = &pattern.path;
    let (message, remedy) = match error {
        FilesError::Missing => (
            format!("the baseline path `{path}` does not exist"),
            match pattern.place {
                Some(_) => "paths in a spec are relative to the spec's own directory",
                None => "name a file, a directory or a glob that is there",
            },
        ),
        FilesError::Outside(why) => (
            format!("the baseline path `{path}` has a link that leaves the repository: {why}"),
            "put the manifests into the repository; links within it are followed",
        ),
        FilesError::Other(why) => (
            format!("the baseline path `{path}` cannot be read: {why}"),
            "mend or leave out that path",
        ),
    };
    at(Diagnostic::error(message), pattern).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::super::files::Memory;
    use super::*;

    fn tree(names: &[&str]) -> Memory {
        Memory(names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect())
    }

    fn chosen(files: &Memory, paths: &[&str]) -> Vec<String> {
        let patterns: Vec<Pattern> =
            paths.iter().map(|path| Pattern { path: (*path).to_owned(), place: None }).collect();
        select(files, &patterns, &["out/gray".to_owned()]).unwrap()
    }

    #[test]
    fn directories_files_and_globs() {
        let files = tree(&[
            "deploy/a.yaml",
            "deploy/b/c.yml",
            "deploy/b/d.json",
            "deploy/README.md",
            "deploy/.git/x.yaml",
            "deploy/lane/graylane.lock",
            "deploy/lane/entry/i.yaml",
            "out/gray/x.yaml",
        ]);
        assert_eq!(
            chosen(&files, &["deploy"]),
            ["deploy/a.yaml", "deploy/b/c.yml", "deploy/b/d.json"]
        );
        assert_eq!(chosen(&files, &["deploy/a.yaml", "deploy"]).len(), 3);
        assert_eq!(chosen(&files, &["deploy/*.yaml"]), ["deploy/a.yaml"]);
        assert_eq!(chosen(&files, &["**/*.{yml,json}"]), ["deploy/b/c.yml", "deploy/b/d.json"]);
        assert_eq!(chosen(&files, &[""]).len(), 3);
    }

    #[test]
    fn each_pattern_that_means_nothing_is_told() {
        let patterns =
            ["none", "deploy/*.json"].map(|path| Pattern { path: path.to_owned(), place: None });
        let errors = select(&tree(&["deploy/a.yaml"]), &patterns, &[]).unwrap_err();
        assert_eq!(errors.len(), 2);
        assert!(errors[0].message.contains("does not exist"));
        assert!(errors[1].message.contains("no manifest file"));
    }
}
