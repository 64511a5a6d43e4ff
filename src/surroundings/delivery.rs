//! What delivers the directories of a repository: objects of Argo CD and Flux, and kustomizations.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use globset::GlobBuilder;

use super::readers::{Patterns, Reader, Target, Tool, argo, below, flux};
use crate::kube::object::group_of;
use crate::spec::within;
use crate::yaml::{Document, NodeRef};

/// A reader of an overlay, or of a directory above it.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    /// Who reads.
    pub reader: &'a Reader,
    /// The directory, relative to the repository.
    pub path: String,
}

/// What a `kustomization.yaml` lists.
#[derive(Clone, Debug)]
struct Kustomization {
    file: Arc<str>,
    entries: Vec<String>,
}

/// What a repository says about delivery.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    readers: Vec<Reader>,
    kustomizations: BTreeMap<String, Kustomization>,
    charts: BTreeSet<String>,
}

/// The names of a kustomization's file.
///
/// Source: kubernetes-sigs/kustomize api/konfig (RecognizedKustomizationFileNames).
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

impl Delivery {
    /// Whether a file may say something about delivery, going by its name and text.
    pub fn concerns(path: &str, text: &str) -> bool {
        let marks = ["argoproj.io/", "kustomize.toolkit.fluxcd.io/"];
        Self::is_kustomization(path) || marks.iter().any(|mark| text.contains(mark))
    }

    /// Whether a file is a kustomization, going by its name.
    pub fn is_kustomization(path: &str) -> bool {
        KUSTOMIZATIONS.contains(&path.rsplit('/').next().unwrap_or(path))
    }

    /// Notes that a directory holds a Helm chart.
    pub fn add_chart(&mut self, file: &str) {
        self.charts.insert(directory(file).to_owned());
    }

    /// Adds what a document says; `remotes` are the URLs of this repository, as far as known.
    pub fn add(&mut self, document: &Document, remotes: &[String]) {
        let root = document.root();
        let file = document.source().name();
        let text = |key: &str| root.get(key).and_then(NodeRef::text).unwrap_or("");
        let name = root.at(&["metadata", "name"]).and_then(NodeRef::text).unwrap_or("?");
        let kind = text("kind");
        match (group_of(text("apiVersion")), kind) {
            ("argoproj.io", "Application") => {
                let specs = root.get("spec").into_iter();
                self.readers.extend(specs.flat_map(|spec| argo(kind, name, spec, &[], remotes)));
            }
            ("argoproj.io", "ApplicationSet") => {
                let mut patterns = Patterns::default();
                let generators = root.at(&["spec", "generators"]);
                for generator in generators.into_iter().flat_map(NodeRef::items) {
                    patterns.add(generator, 0);
                }
                let spec = root.at(&["spec", "template", "spec"]).into_iter();
                let patterns = patterns.all();
                let found = spec.flat_map(|spec| argo(kind, name, spec, &patterns, remotes));
                self.readers.extend(found);
            }
            ("kustomize.toolkit.fluxcd.io", "Kustomization") => {
                self.readers.extend(flux(name, root));
            }
            _ if Self::is_kustomization(file) => {
                let above = directory(file);
                let lists = ["resources", "bases", "components"];
                let lists = lists.into_iter().filter_map(|key| root.get(key));
                let entries = lists.flat_map(NodeRef::items).filter_map(NodeRef::text);
                let entries = entries.filter_map(|entry| below(above, entry)).collect();
                let kustomization = Kustomization { file: Arc::clone(file), entries };
                self.kustomizations.insert(above.to_owned(), kustomization);
            }
            _ => {}
        }
    }

    /// The `kustomization.yaml` of a directory.
    pub fn kustomization(&self, directory: &str) -> Option<&Arc<str>> {
        self.kustomizations.get(directory).map(|found| &found.file)
    }

    /// Who reads a directory, one above it, or one directly in it.
    pub fn readings(&self, output: &str, inside: &[&str]) -> Vec<Reading<'_>> {
        let above = output.match_indices('/').filter_map(|(at, _)| output.get(..at));
        let mut candidates: Vec<String> = above.map(str::to_owned).collect();
        candidates.extend([String::new(), output.to_owned()]);
        candidates.extend(inside.iter().map(|name| format!("{output}/{name}")));
        let mut found = Vec::new();
        for reader in &self.readers {
            let reads = |path: &&String| match &reader.target {
                Target::Directory(directory) => directory == *path,
                Target::Directories { pattern, but_not } => {
                    // A pattern means directories below the root.
                    !path.is_empty()
                        && matches(pattern, path, true)
                        && !but_not.iter().any(|pattern| matches(pattern, path, true))
                }
            };
            let paths = candidates.iter().filter(reads);
            found.extend(paths.map(|path| Reading { reader, path: path.clone() }));
        }
        found
    }

    /// Which of these files a reader applies.
    pub fn applies(&self, reading: &Reading<'_>, files: &[&str]) -> Vec<bool> {
        let mut listed: HashMap<&str, HashSet<&str>> = HashMap::new();
        let mut is_applied = |file: &str| {
            if let Some((directory, _)) = self.kustomizations.get_key_value(&reading.path) {
                let files = listed.entry(directory).or_insert_with(|| self.listed(directory));
                return files.contains(file);
            }
            let Some(rest) = relative(&reading.path, file) else { return false };
            match &reading.reader.tool {
                Tool::ArgoCdBuild => false,
                Tool::ArgoCd { .. } if self.charts.contains(&reading.path) => false,
                Tool::ArgoCd { recurse, include, exclude } => {
                    (*recurse || !rest.contains('/'))
                        && include.as_ref().is_none_or(|glob| matches(glob, rest, false))
                        && !exclude.as_ref().is_some_and(|glob| matches(glob, rest, false))
                }
                Tool::Flux => {
                    // A directory with a kustomization is taken as that says.
                    let ends = file.match_indices('/').filter_map(|(at, _)| file.get(..at));
                    let mut inner = ends.filter(|above| within(&reading.path, above));
                    let first = inner.find_map(|above| self.kustomizations.get_key_value(above));
                    first.is_none_or(|(directory, _)| {
                        let files =
                            listed.entry(directory).or_insert_with(|| self.listed(directory));
                        files.contains(file)
                    })
                }
            }
        };
        files.iter().map(|file| is_applied(file)).collect()
    }

    /// All files that the kustomization of a directory lists, those of others that it lists included.
    pub fn listed(&self, directory: &str) -> HashSet<&str> {
        let mut files = HashSet::new();
        let mut seen = HashSet::from([directory]);
        let mut open = vec![directory];
        while let Some(directory) = open.pop() {
            let Some(kustomization) = self.kustomizations.get(directory) else { continue };
            for entry in &kustomization.entries {
                if self.kustomizations.contains_key(entry) {
                    if seen.insert(entry) {
                        open.push(entry);
                    }
                } else {
                    files.insert(entry.as_str());
                }
            }
        }
        files
    }
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// A path as it is from a directory that it is in.
fn relative<'a>(directory: &str, path: &'a str) -> Option<&'a str> {
    if directory.is_empty() {
        return Some(path);
    }
    path.strip_prefix(directory)?.strip_prefix('/')
}

fn matches(pattern: &str, path: &str, literal_separator: bool) -> bool {
    let glob = GlobBuilder::new(pattern).literal_separator(literal_separator).build();
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn delivery(files: &[(&str, &str)]) -> Delivery {
        let mut delivery = Delivery::default();
        for (name, text) in files {
            let stream = parse(Source::new(*name, (*text).to_owned())).unwrap();
            for document in &stream.documents {
                delivery.add(document, &[]);
            }
        }
        delivery
    }

    /// Who applies which of two files of an overlay, as `name: 10`.
    fn applied(files: &[(&str, &str)]) -> Vec<String> {
        let delivery = delivery(files);
        let show = |reading: &Reading<'_>| {
            let two = ["lanes/gray/workloads/a.yaml", "lanes/gray/entry/b.yaml"];
            let applied = delivery.applies(reading, &two);
            let bits: String = applied.iter().map(|yes| if *yes { '1' } else { '0' }).collect();
            format!("{} {}: {bits}", reading.reader.name, reading.path)
        };
        delivery.readings("lanes/gray", &["workloads", "entry"]).iter().map(show).collect()
    }

    fn app(source: &str) -> String {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: a}}\nspec: {{source: {source}}}\n"
        )
    }

    #[test]
    fn applications_read_directories_as_they_say() {
        for (source, expected) in [
            ("{path: lanes/gray}", Some("Application/a lanes/gray: 00")),
            (
                "{path: ./lanes/gray/, directory: {recurse: true}}",
                Some("Application/a lanes/gray: 11"),
            ),
            ("{path: ., directory: {recurse: true}}", Some("Application/a : 11")),
            (
                "{path: lanes, directory: {recurse: true, exclude: '*/entry/*'}}",
                Some("Application/a lanes: 10"),
            ),
            ("{path: lanes/gray, plugin: {}}", Some("Application/a lanes/gray: 00")),
            ("{path: lanes/other}", None),
            ("{path: '{{path}}'}", None),
        ] {
            let found = applied(&[("app.yaml", &app(source))]);
            assert_eq!(found.first().map(String::as_str), expected, "{source}");
        }
    }

    #[test]
    fn application_sets_read_the_directories_of_their_generators() {
        let set = |directories: &str| {
            format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: a}}\nspec:\n  generators: [{{matrix: {{generators: [{{git: {{directories: {directories}}}}}]}}}}]\n  template: {{spec: {{source: {{path: '{{{{.path.path}}}}', directory: {{recurse: true}}}}}}}}\n"
            )
        };
        let all = applied(&[("set.yaml", &set("[{path: 'lanes/*'}]"))]);
        assert_eq!(all, ["ApplicationSet/a lanes/gray: 11"]);
        let other = set("[{path: 'lanes/*'}, {path: lanes/gray, exclude: true}]");
        assert!(applied(&[("set.yaml", &other)]).is_empty());
    }

    #[test]
    fn flux_reads_all_but_what_kustomizations_leave_out() {
        let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec: {path: ./lanes}\n";
        assert_eq!(applied(&[("f.yaml", flux)]), ["Kustomization/a lanes: 11"]);
        let some = ("lanes/gray/kustomization.yaml", "resources: [workloads/a.yaml]\n");
        assert_eq!(applied(&[("f.yaml", flux), some]), ["Kustomization/a lanes: 10"]);
        let above = ("lanes/kustomization.yaml", "resources: [gray]\n");
        assert_eq!(applied(&[("f.yaml", flux), some, above]), ["Kustomization/a lanes: 10"]);
        let none = ("lanes/kustomization.yaml", "resources: [https://example.com/a.yaml]\n");
        assert_eq!(applied(&[("f.yaml", flux), none]), ["Kustomization/a lanes: 00"]);
    }
}
