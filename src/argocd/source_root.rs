//! Where an application is in its repository.

use std::path::{Path, PathBuf};

use super::SOURCE_PATH;
use crate::diagnostic::{Diagnostic, Failure};
use crate::spec;

/// The root of the tree that Argo CD unpacked, and the application in it. There need be no `.git`:
/// Argo CD can leave it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRoot {
    /// The root of the tree.
    pub root: PathBuf,
    /// The application's directory relative to it, with `/`; empty for the root itself.
    pub app: String,
}

impl SourceRoot {
    /// The root of a plugin that runs in `directory`, an absolute path without links, as Argo CD runs
    /// it: in `source_path` of the tree. Where that is empty, the directory is the root. `follow` is
    /// where a path leads without links, for there may be some in `source_path`.
    ///
    /// Where Argo CD sends only what `manifest-generate-paths` names, the tree starts at the lowest
    /// directory above all of that (`getApplicationRootPath` in argoproj/argo-cd,
    /// reposerver/repository), and the directory ends in the rest of the path alone.
    ///
    /// # Errors
    ///
    /// The path is none of a repository.
    pub fn of(
        directory: &Path,
        source_path: &str,
        follow: impl Fn(&Path) -> Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let path = match source_path {
            "" => String::new(),
            path => spec::resolve("", path).map_err(|why| {
                Diagnostic::error(format!("{SOURCE_PATH} cannot be used: {why}"))
                    .remedy("Argo CD sets it to `spec.source.path`, relative to the repository")
            })?,
        };
        let mut above = directory.ancestors();
        let linked = above.find(|root| follow(&root.join(&path)).as_deref() == Some(directory));
        if let Some(root) = linked
            && let Some(app) = directory.strip_prefix(root).ok().and_then(Path::to_str)
        {
            return Ok(Self { root: root.to_owned(), app: app.to_owned() });
        }
        let mut root = directory;
        let mut app: Vec<&str> = Vec::new();
        for part in path.split('/').rev().filter(|part| !part.is_empty()) {
            match root.parent() {
                Some(parent) if root.file_name().is_some_and(|name| name == part) => {
                    root = parent;
                    app.insert(0, part);
                }
                _ => break,
            }
        }
        Ok(Self { root: root.to_owned(), app: app.join("/") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_directory_less_the_path() {
        let of = |directory: &str, path| {
            let found = SourceRoot::of(Path::new(directory), path, |_| None).unwrap();
            (found.root.to_str().unwrap().to_owned(), found.app)
        };
        let pair = |root: &str, app: &str| (root.to_owned(), app.to_owned());
        assert_eq!(
            of("/tmp/_cmp_server/1/teams/a", "teams/a"),
            pair("/tmp/_cmp_server/1", "teams/a")
        );
        assert_eq!(of("/w/teams/a", "./teams//a/"), pair("/w", "teams/a"));
        assert_eq!(of("/w/teams/a", ""), pair("/w/teams/a", ""));
        assert_eq!(of("/w", "."), pair("/w", ""));
        assert_eq!(of("/a", "a"), pair("/", "a"));
    }

    #[test]
    fn a_tree_may_start_within_the_repository() {
        let of = |directory: &str, path| {
            let found = SourceRoot::of(Path::new(directory), path, |_| None).unwrap();
            (found.root.to_str().unwrap().to_owned(), found.app)
        };
        let pair = |root: &str, app: &str| (root.to_owned(), app.to_owned());
        assert_eq!(of("/w/1/a", "teams/a"), pair("/w/1", "a"));
        assert_eq!(of("/w/1", "teams/a"), pair("/w/1", ""));
        assert_eq!(of("/w/1/a", "a/a"), pair("/w/1", "a"));
        assert_eq!(of("/", "a"), pair("/", ""));
    }

    #[test]
    fn a_path_may_have_links() {
        let follow = |path: &Path| {
            // `teams` leads to `apps/shop`.
            let path = path.to_str()?.replace("/w/teams", "/w/apps/shop");
            Some(PathBuf::from(path))
        };
        let found = SourceRoot::of(Path::new("/w/apps/shop/a"), "teams/a", follow).unwrap();
        assert_eq!(found, SourceRoot { root: "/w".into(), app: "apps/shop/a".to_owned() });
        let found =
            SourceRoot::of(Path::new("/w/teams"), "", |path| Some(path.to_owned())).unwrap();
        assert_eq!(found, SourceRoot { root: "/w/teams".into(), app: String::new() });
    }

    #[test]
    fn a_path_that_leaves_the_repository_is_refused() {
        for path in ["..", "../a", "/w/a", "a/../../a", "a\nb", ".git"] {
            let error = SourceRoot::of(Path::new("/w/a"), path, |_| None).unwrap_err().to_string();
            assert!(error.contains("ARGOCD_APP_SOURCE_PATH cannot be used"), "{error}");
        }
    }
}
