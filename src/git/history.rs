//! What happened to a path.

use std::collections::{BTreeMap, HashMap, HashSet};

use git2::Oid;

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::path;
use super::read::CommitId;

impl Repository {
    /// The last commit of HEAD's history that changed what is at each of these paths, where one did.
    ///
    /// Goes through the history once for all of them, the way that `git rev-list -1` goes for one:
    /// at a merge on to the first parent that has the same. In a shallow clone a path that the
    /// oldest commit there already has counts as changed by that one.
    ///
    /// # Errors
    /// A path is none of a tree, or a commit or tree of the history is missing or damaged.
    pub fn last_changes<'a>(&self, paths: &[&'a str]) -> Result<HashMap<&'a str, CommitId>> {
        paths.iter().try_for_each(|path| path::check(path))?;
        let mut found = HashMap::new();
        let Some(head) = self.head()?.commit().filter(|_| !paths.is_empty()) else {
            return Ok(found);
        };
        // The `git` program fetches what is missing, and knows what stands in for other commits.
        if self.is_partial() || self.has_replacements() {
            for path in paths {
                if let Some(commit) = self.change(&["HEAD"], path)? {
                    found.insert(*path, commit);
                }
            }
            return Ok(found);
        }
        let reading = |error: git2::Error| GitError::from_libgit2("read the history", &error);
        let head = self.inner.find_commit(head.0).map_err(reading)?;
        let time = |commit: &git2::Commit<'_>| commit.time().seconds();
        // The newest first, so that ways that meet again are gone together.
        let mut open = BTreeMap::from([((time(&head), head.id()), paths.to_vec())]);
        while let Some(((_, id), mut paths)) = open.pop_last() {
            let commit = self.inner.find_commit(id).map_err(reading)?;
            let tree = commit.tree().map_err(reading)?;
            for number in 0..commit.parent_count() {
                // Without a path the whole trees would be compared.
                if paths.is_empty() {
                    break;
                }
                let parent = commit.parent(number).map_err(reading)?;
                let before = parent.tree().map_err(reading)?;
                let changed = self.changed_between(&before, &tree, &paths)?;
                let (other, same) = paths.into_iter().partition(|path| changed.contains(*path));
                paths = other;
                let same: Vec<&str> = same;
                if !same.is_empty() {
                    open.entry((time(&parent), parent.id())).or_default().extend(same);
                }
            }
            if commit.parent_count() == 0 {
                let mut held = self.paths_of(&tree);
                let entries = paths.into_iter().map(|path| Ok((path, held.entry(path)?)));
                let entries: Vec<_> = entries.collect::<Result<_>>()?;
                paths = entries.into_iter().filter(|it| it.1.is_some()).map(|it| it.0).collect();
            }
            found.extend(paths.into_iter().map(|path| (path, CommitId(id))));
        }
        Ok(found)
    }

    /// Whether commits are replaced by others, which libgit2 does not look at.
    ///
    /// Source: git-replace(1).
    fn has_replacements(&self) -> bool {
        let found = self.inner.references_glob("refs/replace/*");
        found.is_ok_and(|mut references| references.next().is_some())
    }

    /// Those of these paths at which two trees have something else.
    fn changed_between(
        &self,
        before: &git2::Tree<'_>,
        after: &git2::Tree<'_>,
        paths: &[&str],
    ) -> Result<HashSet<String>> {
        let mut options = git2::DiffOptions::new();
        options.disable_pathspec_match(true).include_typechange(true);
        for path in paths {
            options.pathspec(path);
        }
        let diff = self.inner.diff_tree_to_tree(Some(before), Some(after), Some(&mut options));
        let diff = diff.map_err(|error| GitError::from_libgit2("compare two trees", &error))?;
        let path = |file: git2::DiffFile<'_>| Some(file.path()?.to_str()?.to_owned());
        let both = diff.deltas().flat_map(|delta| [delta.old_file(), delta.new_file()]);
        Ok(both.filter_map(path).collect())
    }

    /// The last commit before one that changed what is at `path`, which is one of them.
    ///
    /// # Errors
    /// `git rev-list` failed.
    pub fn change_before(&self, commit: CommitId, path: &str) -> Result<Option<CommitId>> {
        path::check(path)?;
        self.change(&["--skip=1", &commit.to_string()], path)
    }

    fn change(&self, from: &[&str], path: &str) -> Result<Option<CommitId>> {
        let args = [&["--literal-pathspecs", "rev-list", "-1"], from, &["--", path]].concat();
        let output = self.program.run(args).output(&[])?;
        let id = String::from_utf8_lossy(&output);
        let id = id.trim();
        if id.is_empty() {
            return Ok(None);
        }
        let id = Oid::from_str(id).map(CommitId);
        id.map(Some)
            .map_err(|_| GitError::new(GitErrorKind::Other, "`git rev-list` gave no commit id"))
    }
}
