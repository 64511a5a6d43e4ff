//! The objects by which Argo CD and Flux read directories of a repository.

use crate::diagnostic::Place;
use crate::yaml::NodeRef;

/// What reads a directory of the repository.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The object, as messages name it: `Application/web`.
    pub name: String,
    /// Where it says which directory.
    pub place: Option<Place>,
    /// Which directories.
    pub(super) target: Target,
    /// How it reads.
    pub tool: Tool,
    /// Where it applies to; `None` where that is not known.
    pub destination: Option<String>,
}

/// How a directory is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Argo CD applies the manifests of the directory.
    ArgoCd {
        /// Those of its subdirectories too.
        recurse: bool,
        /// Only files that this glob matches.
        include: Option<String>,
        /// No files that this glob matches.
        exclude: Option<String>,
    },
    /// Argo CD lets Helm or a plugin make manifests of it, so that one cannot tell which.
    ArgoCdBuild,
    /// Flux applies the manifests of the directory and of its subdirectories.
    Flux,
}

/// The directories that are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// One, relative to the repository.
    Directory(String),
    /// Those that a pattern means.
    Directories {
        /// The pattern.
        pattern: String,
        /// Patterns of directories that are left out.
        but_not: Vec<String>,
    },
}

/// The directories that the generators of an ApplicationSet take.
#[derive(Default)]
pub(super) struct Patterns {
    taken: Vec<String>,
    left_out: Vec<String>,
}

impl Patterns {
    /// Generators within generators that are looked at, in levels; Argo CD has two.
    const DEPTH: usize = 3;

    /// Adds those of a generator, and of the generators in it.
    pub(super) fn add(&mut self, generator: NodeRef<'_>, depth: usize) {
        if depth > Self::DEPTH {
            return;
        }
        let directories = generator.at(&["git", "directories"]);
        for entry in directories.into_iter().flat_map(NodeRef::items) {
            let Some(path) = entry.get("path").and_then(NodeRef::text) else { continue };
            let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
            let is_left_out = entry.get("exclude").and_then(NodeRef::as_bool) == Some(true);
            if is_left_out { &mut self.left_out } else { &mut self.taken }.push(path);
        }
        for kind in ["matrix", "merge"] {
            let inner = generator.at(&[kind, "generators"]);
            for generator in inner.into_iter().flat_map(NodeRef::items) {
                self.add(generator, depth + 1);
            }
        }
    }

    /// What they mean, one for each pattern.
    pub(super) fn all(self) -> Vec<Target> {
        let target = |pattern| Target::Directories { pattern, but_not: self.left_out.clone() };
        self.taken.into_iter().map(target).collect()
    }
}

/// The readers that the spec of an Application is; `patterns` are the directories that one of an
/// ApplicationSet is made for.
///
/// Source: argo-cd.readthedocs.io, "Directory", "Multiple Sources", "Git Generator".
pub(super) fn argo(
    kind: &str,
    name: &str,
    spec: NodeRef<'_>,
    patterns: &[Target],
    remotes: &[String],
) -> Vec<Reader> {
    let destination = spec.get("destination").map(|node| node.to_json().to_string());
    let destination = destination.filter(|text| !text.contains("{{"));
    let sources = spec.get("sources").into_iter().flat_map(NodeRef::items);
    let mut readers = Vec::new();
    for source in spec.get("source").into_iter().chain(sources) {
        let text = |key: &str| source.get(key).and_then(NodeRef::text);
        let Some(path) = text("path") else { continue };
        if !text("repoURL").is_none_or(|url| is_here(url, remotes)) {
            continue;
        }
        let of_directory = |key: &str| source.at(&["directory", key]);
        let glob = |key: &str| of_directory(key).and_then(NodeRef::text).map(str::to_owned);
        let is_built = ["helm", "plugin", "chart"].iter().any(|key| source.get(key).is_some());
        let tool = if is_built {
            Tool::ArgoCdBuild
        } else {
            Tool::ArgoCd {
                recurse: of_directory("recurse").and_then(NodeRef::as_bool) == Some(true),
                include: glob("include"),
                exclude: glob("exclude"),
            }
        };
        let reader = |target: Target| Reader {
            name: format!("{kind}/{name}"),
            place: source.get("path").and_then(NodeRef::place),
            target,
            tool: tool.clone(),
            destination: destination.clone(),
        };
        let template = path.trim().trim_start_matches("{{").trim_end_matches("}}").trim();
        if matches!(template, "path" | ".path.path") && path.contains("{{") {
            readers.extend(patterns.iter().cloned().map(reader));
        } else if !path.contains("{{")
            && let Some(path) = below("", path)
        {
            readers.push(reader(Target::Directory(path)));
        }
    }
    readers
}

/// The reader that a Kustomization of Flux is.
///
/// Source: fluxcd.io/flux/components/kustomize/kustomizations.
pub(super) fn flux(name: &str, root: NodeRef<'_>) -> Option<Reader> {
    let spec = root.get("spec")?;
    let text = |keys: &[&str]| spec.at(keys).and_then(NodeRef::text);
    let is_of_git = text(&["sourceRef", "kind"]).is_none_or(|kind| kind == "GitRepository");
    if !is_of_git || spec.get("suspend").and_then(NodeRef::as_bool) == Some(true) {
        return None;
    }
    let cluster = spec.get("kubeConfig").map(|node| node.to_json().to_string());
    let namespace = text(&["targetNamespace"]).unwrap_or_default();
    let place = spec.get("path").unwrap_or(spec).place();
    Some(Reader {
        name: format!("Kustomization/{name}"),
        place,
        target: Target::Directory(below("", text(&["path"]).unwrap_or("./"))?),
        tool: Tool::Flux,
        destination: Some(format!("{namespace} {}", cluster.unwrap_or_default())),
    })
}

/// A path from a directory; `None` where it leaves the repository or is a URL.
pub(super) fn below(directory: &str, path: &str) -> Option<String> {
    crate::spec::resolve(directory, path).ok()
}

/// Whether a URL may be that of this repository: the names at the end are the same, or nothing is
/// known about it.
fn is_here(url: &str, remotes: &[String]) -> bool {
    fn name(url: &str) -> String {
        let url = url.trim_end_matches('/');
        let name = url.rsplit(['/', ':']).next().unwrap_or(url);
        name.strip_suffix(".git").unwrap_or(name).to_lowercase()
    }
    let is_template = url.contains("{{") || url.contains('$');
    remotes.is_empty() || is_template || remotes.iter().any(|remote| name(remote) == name(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_told_by_their_names() {
        let remotes = ["git@example.com:shop/Deploy.git".to_owned()];
        assert!(is_here("https://mirror.example.com/shop/deploy", &remotes));
        assert!(!is_here("https://example.com/shop/charts.git", &remotes));
        assert!(is_here("{{repo}}", &remotes) && is_here("anything", &[]));
    }
}
