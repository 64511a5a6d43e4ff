//! Committing given paths and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use git2::{FileMode, ObjectType, Oid};

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::index::{IndexEntry, IndexUpdate};
use super::path;
use super::program::failed;
use super::read::{CommitId, MODE_EXECUTABLE, MODE_FILE, MODE_SUBMODULE, MODE_TREE};
use super::reference::{Tip, moved};
use super::tree::TreePaths;

/// One path of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Relative to the repository, with `/`.
    pub path: String,
    /// What the file holds from now on; `None` removes it, if it is there.
    pub contents: Option<Arc<Vec<u8>>>,
}

/// Who a commit is by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Full name.
    pub name: String,
    /// Mail address, without angle brackets.
    pub email: String,
}

/// What to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitRequest<'a> {
    /// The paths, each at most once.
    pub changes: Vec<Change>,
    /// The message: subject, empty line, body and trailers.
    pub message: &'a str,
    /// The author. Without one it is `GIT_AUTHOR_NAME` and `GIT_AUTHOR_EMAIL`, else the git
    /// configuration. Dates are `GIT_AUTHOR_DATE` and `GIT_COMMITTER_DATE`, else now. Where no
    /// committer is set up, the author given here is the committer too.
    pub author: Option<Identity>,
    /// The branch to commit to, without `refs/heads/`; one that does not exist starts at HEAD.
    /// Without a branch the commit goes where HEAD points.
    pub branch: Option<&'a str>,
    /// Whether the commit is signed though `commit.gpgSign` does not ask for it.
    pub sign: bool,
    /// Whether the hooks `pre-commit` and `commit-msg` run. `pre-commit` runs only for the branch
    /// that is checked out: it looks at the work tree.
    pub hooks: bool,
    /// Whether a branch that does not exist starts without a parent instead of at HEAD.
    pub orphan: bool,
    /// The commit that the changes were made from. If the branch holds another by now, the commit
    /// is refused.
    pub expected_parent: Option<CommitId>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// The tree already holds all of it; there is no new commit.
    Unchanged {
        /// The commit that holds it; `None` before the first commit.
        head: Option<CommitId>,
    },
    /// There is a new commit.
    Created {
        /// Its id.
        id: CommitId,
        /// Its id, as short as is unique here.
        short: String,
    },
}

/// A commit that exists, while nothing points to it yet.
struct Prepared {
    id: CommitId,
    tip: Tip,
    index: Option<IndexUpdate>,
}

impl Repository {
    /// Commits exactly the paths of the request on top of HEAD or the branch.
    ///
    /// The index is updated for these paths and keeps everything else, staged work included; the
    /// files of the work tree are the caller's. The reference moves only if it still holds the
    /// commit it held before, with an entry in its log. Either reference and index both change or
    /// neither does. With `commit.gpgSign` the commit is signed.
    ///
    /// # Errors
    /// A merge or the like is not finished; there is no identity; the repository is bare and no
    /// branch is given; a path is below a submodule, a symbolic link or a file; the branch moved;
    /// another program holds the index.
    pub fn commit(&self, request: &CommitRequest<'_>) -> Result<CommitOutcome> {
        let mut tip = self.tip(request.branch)?;
        if request.orphan && tip.old.is_none() {
            tip.parent = None;
        }
        if let Some(expected) = request.expected_parent
            && tip.parent != Some(expected)
        {
            return Err(moved(&tip.reference));
        }
        match self.prepare(request, tip)? {
            Ok((prepared, message)) => self.publish(prepared, &message),
            Err(head) => Ok(CommitOutcome::Unchanged { head }),
        }
    }

    /// Writes the objects of the commit and the index to come; the parent where nothing differs.
    fn prepare(
        &self,
        request: &CommitRequest<'_>,
        tip: Tip,
    ) -> Result<std::result::Result<(Prepared, String), Option<CommitId>>> {
        let base = match tip.parent {
            Some(parent) => self.tree_of(parent)?,
            None => self.empty_tree()?,
        };
        let (tree, entries) = self.updated_tree(&base, &request.changes)?;
        if tree == base.id() {
            return Ok(Err(tip.parent));
        }
        if request.hooks && tip.checked_out {
            self.pre_commit(tip.parent, tree, &entries)?;
        }
        let message = match request.hooks {
            true => self.commit_msg(request.message)?,
            false => request.message.to_owned(),
        };
        let id = self.write_commit(tree, tip.parent, request, &message)?;
        let index =
            if tip.checked_out { Some(IndexUpdate::prepare(self, &entries)?) } else { None };
        Ok(Ok((Prepared { id, tip, index }, message)))
    }

    fn publish(&self, prepared: Prepared, message: &str) -> Result<CommitOutcome> {
        let Prepared { id, tip, index } = prepared;
        self.move_reference(&tip, id, message)?;
        if let Some(index) = index {
            index.install()?;
        }
        Ok(CommitOutcome::Created { id, short: self.short_id(id) })
    }

    fn empty_tree(&self) -> Result<git2::Tree<'_>> {
        let empty = || self.inner.find_tree(self.inner.treebuilder(None)?.write()?);
        empty().map_err(|error| GitError::from_libgit2("write a tree", &error))
    }

    /// The base tree with the changes, and the index entries of the paths that differ.
    fn updated_tree(
        &self,
        base: &git2::Tree<'_>,
        changes: &[Change],
    ) -> Result<(Oid, Vec<IndexEntry>)> {
        let mut paths = self.paths_of(base);
        check_changes(&mut paths, changes)?;
        let writing = |error: &git2::Error| GitError::from_libgit2("write a tree", error);
        let mut update = git2::build::TreeUpdateBuilder::new();
        let mut entries = Vec::new();
        let kept = changes.iter().filter(|change| change.contents.is_some());
        let kept: Vec<&str> = kept.map(|change| change.path.as_str()).collect();
        let filters = self.filters_of_commit(base, &kept)?;
        for Change { path, contents } in changes {
            let held = paths.entry(path)?;
            let Some(contents) = contents else {
                if held.is_some() {
                    update.remove(path.as_str());
                    entries.push(IndexEntry { path: path.clone(), content: None });
                }
                continue;
            };
            let filtered = filters.store(path, contents)?;
            let id = match filtered {
                Some(id) => id,
                None => {
                    Oid::hash_object(ObjectType::Blob, contents).map_err(|error| writing(&error))?
                }
            };
            // Whether a file is executable is the user's; only its content is ours.
            let executable = held.is_some_and(|(_, mode)| mode == MODE_EXECUTABLE);
            let (mode, file_mode) = match executable {
                true => (MODE_EXECUTABLE, FileMode::BlobExecutable),
                false => (MODE_FILE, FileMode::Blob),
            };
            if held != Some((id, mode)) {
                if filtered.is_none() {
                    self.inner.blob(contents).map_err(|error| writing(&error))?;
                }
                update.upsert(path.as_str(), id, file_mode);
                entries.push(IndexEntry { path: path.clone(), content: Some((id, mode)) });
            }
        }
        if entries.is_empty() {
            return Ok((base.id(), entries));
        }
        let tree = update.create_updated(&self.inner, base).map_err(|error| writing(&error))?;
        Ok((tree, entries))
    }

    /// Writes the commit object. `git commit-tree` knows identity, dates and signing as the user
    /// has set them up; all messages are UTF-8.
    fn write_commit(
        &self,
        tree: Oid,
        parent: Option<CommitId>,
        request: &CommitRequest<'_>,
        message: &str,
    ) -> Result<CommitId> {
        let mut args: Vec<String> =
            ["-c", "user.useConfigOnly=true", "-c", "i18n.commitEncoding=UTF-8", "commit-tree"]
                .map(String::from)
                .into();
        args.push(tree.to_string());
        if let Some(parent) = parent {
            args.extend(["-p".to_owned(), parent.to_string()]);
        }
        if request.sign || self.signs_commits()? {
            args.push("-S".to_owned());
        }
        args.extend(["-F".to_owned(), "-".to_owned()]);
        let mut run = self.program.run(&args);
        if let Some(author) = &request.author {
            run = run.env("GIT_AUTHOR_NAME", &author.name).env("GIT_AUTHOR_EMAIL", &author.email);
            if !self.has_committer()? {
                run = run
                    .env("GIT_COMMITTER_NAME", &author.name)
                    .env("GIT_COMMITTER_EMAIL", &author.email);
            }
        }
        let output = run.complete(message.as_bytes())?;
        if !output.status.success() {
            return Err(no_commit(&output));
        }
        let id = String::from_utf8_lossy(&output.stdout);
        Oid::from_str(id.trim())
            .map(CommitId)
            .map_err(|_| GitError::new(GitErrorKind::Other, "`git commit-tree` gave no commit id"))
    }

    fn signs_commits(&self) -> Result<bool> {
        if let Some(signs) = self.settings.signs.get() {
            return Ok(*signs);
        }
        let output =
            self.program.run(["config", "--type=bool", "--get", "commit.gpgSign"]).complete(&[])?;
        let signs = match output.status.code() {
            Some(0) => output.stdout.trim_ascii() == b"true",
            Some(1) => false,
            _ => return Err(failed("git config --get commit.gpgSign", &output)),
        };
        Ok(*self.settings.signs.get_or_init(|| signs))
    }

    fn has_committer(&self) -> Result<bool> {
        let run = self.program.run(["-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"]);
        Ok(run.complete(&[])?.status.success())
    }
}

/// Refuses paths that no tree can hold together with the others or with the base tree.
fn check_changes(base: &mut TreePaths<'_>, changes: &[Change]) -> Result<()> {
    let bad = |message: String| GitError::new(GitErrorKind::BadPath, message);
    let mut kept = HashMap::with_capacity(changes.len());
    for Change { path, contents } in changes {
        path::check(path)?;
        if kept.insert(path.as_str(), contents.is_some()).is_some() {
            return Err(bad(format!("`{path}` is to be committed twice")));
        }
    }
    for Change { path, .. } in changes {
        for parent in path::parents(path) {
            if kept.get(parent) == Some(&true) {
                return Err(bad(format!("`{parent}` cannot be both a file and a directory")));
            }
            match base.entry(parent)?.map(|(_, mode)| mode) {
                None | Some(MODE_TREE) => {}
                Some(MODE_SUBMODULE) => {
                    return Err(bad(format!("`{path}` is in the submodule `{parent}`"))
                        .remedy("run graylane in the repository of the submodule"));
                }
                Some(_) => {
                    return Err(bad(format!(
                        "`{parent}` is a file or a symbolic link in git, not a directory"
                    )));
                }
            }
        }
        if let Some((_, MODE_TREE | MODE_SUBMODULE)) = base.entry(path)? {
            return Err(bad(format!("`{path}` is a directory or a submodule in git, not a file")));
        }
    }
    Ok(())
}

/// Why `git commit-tree` failed; its words for a missing identity are those of git's `ident.c`.
fn no_commit(output: &std::process::Output) -> GitError {
    const NO_IDENTITY: [&str; 3] =
        ["identity unknown", "auto-detection is disabled", "empty ident name"];
    let stderr = String::from_utf8_lossy(&output.stderr);
    if NO_IDENTITY.iter().any(|known| stderr.contains(known)) {
        return GitError::new(GitErrorKind::NotNow, "git does not know who commits").remedy(
            "git config user.name 'Your Name' && git config user.email you@example.com\n\
             or set GIT_AUTHOR_NAME, GIT_AUTHOR_EMAIL, GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL",
        );
    }
    if stderr.contains("gpg failed to sign") || stderr.contains("failed to write commit object") {
        return failed("git commit-tree", output).remedy(
            "commit.gpgSign is set: make the key available, or set it to false for this repository",
        );
    }
    failed("git commit-tree", output)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    const NO_CONFIG: (&str, &str) = ("GIT_CONFIG_GLOBAL", "/dev/null");

    fn git(dir: &Path, args: &[&str]) -> String {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        let output = Command::new("git")
            .current_dir(dir)
            .args(identity)
            .args(args)
            .env(NO_CONFIG.0, NO_CONFIG.1)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_branch_that_moved_meanwhile_stays_and_so_does_the_index() {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "-q", "-b", "main"]);
        git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "first"]);
        let mut repo = Repository::discover(dir.path()).unwrap().unwrap();
        repo.set_env(NO_CONFIG.0, NO_CONFIG.1);
        let request = CommitRequest {
            changes: vec![Change { path: "a/b".into(), contents: Some(b"x".to_vec().into()) }],
            message: "late",
            author: Some(Identity { name: "a".into(), email: "a@example.com".into() }),
            branch: None,
            sign: false,
            hooks: false,
            orphan: false,
            expected_parent: None,
        };
        let (prepared, _) = repo.prepare(&request, repo.tip(None).unwrap()).unwrap().ok().unwrap();
        let other = git(dir.path(), &["commit-tree", "-p", "HEAD", "-m", "second", "HEAD^{tree}"]);
        git(dir.path(), &["update-ref", "refs/heads/main", other.trim()]);

        assert_eq!(
            repo.publish(prepared, request.message).unwrap_err().kind,
            GitErrorKind::RefMoved
        );
        assert_eq!(git(dir.path(), &["rev-parse", "main"]), other);
        assert_eq!(git(dir.path(), &["status", "--porcelain"]), "");
        let left: Vec<_> = std::fs::read_dir(repo.git_dir())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(
            !left
                .iter()
                .any(|name| name == "index.lock" || name.to_string_lossy().contains("graylane")),
            "{left:?}"
        );
    }
}
