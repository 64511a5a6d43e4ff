//! Looking up many paths of one tree.

use std::collections::HashMap;

use git2::Oid;

use super::discover::Repository;
use super::error::{GitError, Result};
use super::path;
use super::read::MODE_TREE;

/// The paths of a tree.
///
/// Each directory is read once, however many of its paths are looked up: libgit2 keeps no large
/// trees, and reads all of them again for each path.
pub(super) struct TreePaths<'r> {
    repository: &'r git2::Repository,
    /// What has been looked into, by its path; `None` where there is no directory.
    directories: HashMap<String, Option<git2::Tree<'r>>>,
}

impl Repository {
    /// The paths of a tree of this repository.
    pub(super) fn paths_of<'r>(&'r self, tree: &git2::Tree<'r>) -> TreePaths<'r> {
        let directories = HashMap::from([(String::new(), Some(tree.clone()))]);
        TreePaths { repository: &self.inner, directories }
    }
}

impl TreePaths<'_> {
    /// Id and file mode of what is at a path; `None` where there is nothing.
    ///
    /// # Errors
    /// A directory above it is missing from this clone.
    pub(super) fn entry(&mut self, path: &str) -> Result<Option<(Oid, i32)>> {
        if !self.directories.contains_key(directory_and_name(path).0) {
            for directory in path::parents(path) {
                self.open(directory)?;
            }
        }
        Ok(self.known(path))
    }

    /// Reads a directory, where the one above it has been read.
    fn open(&mut self, path: &str) -> Result<()> {
        if !self.directories.contains_key(path) {
            let tree = match self.known(path) {
                Some((id, MODE_TREE)) => Some(self.repository.find_tree(id).map_err(|error| {
                    GitError::from_libgit2(&format!("read `{path}` in git"), &error)
                })?),
                _ => None,
            };
            self.directories.insert(path.to_owned(), tree);
        }
        Ok(())
    }

    /// What is at a path, where the directory above it has been read.
    fn known(&self, path: &str) -> Option<(Oid, i32)> {
        let (directory, name) = directory_and_name(path);
        let entry = self.directories.get(directory)?.as_ref()?.get_name(name)?;
        Some((entry.id(), entry.filemode()))
    }
}

fn directory_and_name(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
