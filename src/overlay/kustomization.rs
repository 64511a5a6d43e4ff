//! The kustomizations of an overlay: what kustomize, and so Flux and `kubectl apply -k`, reads of
//! its directories.

use std::collections::BTreeSet;

use super::layout::Directory;
use super::lock::Origin;
use super::path::OverlayPath;
use super::plan::OverlayFile;
use crate::diagnostic::Failure;
use crate::skeleton::fill;
use crate::yaml::{Path, Value};

/// The first name that kustomize and Flux look for.
///
/// Source: kubernetes-sigs/kustomize api/konfig (RecognizedKustomizationFileNames).
pub const KUSTOMIZATION_FILE: &str = "kustomization.yaml";

const NAME: &str = "templates/kustomize/kustomization.yaml";
/// Its comment has the marker by which Argo CD passes over a file in an application of the type
/// directory, where it would be applied as an object.
///
/// Source: argoproj/argo-cd docs/user-guide/directory.md, "Skipping File Rendering".
const SKELETON: &str = include_str!("../../templates/kustomize/kustomization.yaml");

/// The directories of manifests, sorted by name.
const DIRECTORIES: [Directory; 2] = [Directory::Entry, Directory::Workloads];

/// The kustomizations of an overlay with these manifests: one for each directory of manifests that
/// lists its files, and one for the overlay that lists those directories.
///
/// A directory without manifests has one too, with `resources: []`: kustomize builds it to nothing,
/// and Flux prunes what was there, whereas a path that is missing is an error to both. Resources
/// are sorted. The text depends on the manifests alone, so that what is left of a removed lane is
/// known for what it is.
///
/// # Errors
/// None are known; the skeleton could be wrong.
pub fn kustomizations<'a>(
    manifests: impl IntoIterator<Item = &'a OverlayPath>,
) -> Result<Vec<OverlayFile>, Failure> {
    let manifests: BTreeSet<&OverlayPath> = manifests.into_iter().collect();
    let of = |directory: &str| {
        let inside = manifests.iter().filter(|path| path.directory() == Some(directory));
        inside.filter_map(|path| path.as_str().rsplit('/').next()).collect::<Vec<_>>()
    };
    let directories = DIRECTORIES.map(Directory::as_str);
    let mut files = vec![file(None, &directories)?];
    for directory in directories {
        files.push(file(Some(directory), &of(directory))?);
    }
    Ok(files)
}

/// Whether a path is that of a kustomization of an overlay.
pub(super) fn is_kustomization(path: &OverlayPath) -> bool {
    let mut places = DIRECTORIES.map(|directory| Some(directory.as_str())).into_iter();
    *path == OverlayPath::kustomization(None)
        || places.any(|directory| *path == OverlayPath::kustomization(directory))
}

fn file(directory: Option<&str>, resources: &[&str]) -> Result<OverlayFile, Failure> {
    let resources = resources.iter().copied().map(Value::string).collect();
    let values = vec![(Path::keys(["resources"]), Value::Sequence(resources))];
    let document = fill(NAME, SKELETON, values)?;
    Ok(OverlayFile {
        path: OverlayPath::kustomization(directory),
        contents: document.to_text().into_bytes().into(),
        origin: Origin::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(manifests: &[&str]) -> Vec<(String, String)> {
        let paths: Vec<_> = manifests.iter().map(|path| OverlayPath::new(*path).unwrap()).collect();
        let files = kustomizations(&paths).unwrap().into_iter();
        files
            .map(|file| {
                assert!(is_kustomization(&file.path), "{}", file.path);
                let text = String::from_utf8(file.contents.to_vec()).unwrap();
                let (head, resources) = text.split_once("resources:").unwrap();
                assert!(head.contains("\n# +argocd:skip-file-rendering\n"), "{head}");
                (file.path.to_string(), resources.to_owned())
            })
            .collect()
    }

    #[test]
    fn each_directory_lists_what_is_in_it_in_order() {
        let found = texts(&[
            "workloads/service-b.yaml",
            "entry/ingress-a.yaml",
            "workloads/deployment-b.yaml",
            "database/shadow.sql",
        ]);
        let expected = [
            ("kustomization.yaml", "\n- entry\n- workloads\n"),
            ("entry/kustomization.yaml", "\n- ingress-a.yaml\n"),
            ("workloads/kustomization.yaml", "\n- deployment-b.yaml\n- service-b.yaml\n"),
        ];
        assert_eq!(found, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    }

    #[test]
    fn an_empty_directory_builds_to_nothing() {
        let found = texts(&[]);
        assert_eq!(found[0].1, "\n- entry\n- workloads\n");
        assert!(found.iter().skip(1).all(|(_, resources)| resources == " []\n"), "{found:?}");
    }

    #[test]
    fn names_are_values_and_not_text() {
        let found = texts(&["entry/a: b.yaml", "entry/#c.yaml"]);
        assert_eq!(found[1].1, "\n- \"#c.yaml\"\n- \"a: b.yaml\"\n");
        assert!(!is_kustomization(&OverlayPath::new("database/kustomization.yaml").unwrap()));
    }
}
