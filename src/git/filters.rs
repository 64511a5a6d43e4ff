//! Files that git does not store as they are: `filter=…` of an attributes file names a program, such
//! as that of git-crypt or Git LFS, that makes of a file what is committed.

use std::collections::{HashMap, HashSet};
use std::fs;

use git2::{ObjectType, Oid};

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::path;
use super::program::Program;
use super::read::{BlobId, CommitId, MODE_EXECUTABLE, MODE_FILE};

/// A file that is read from commits before anything else is known of a lane.
const LOCK: &str = "graylane.lock";

const ATTRIBUTES: &str = ".gitattributes";

/// What names a filter in an attributes file.
const FILTER: &[u8] = b"filter=";

/// The filters of the files of a commit that is to be made.
#[derive(Debug)]
pub(super) struct Filters {
    /// Of the paths that have one in the tree that the commit is made on, where `git` does not read
    /// the attributes of that by itself.
    of_base: HashMap<String, String>,
    /// The paths that have one by the attributes that `git` reads by itself.
    here: HashSet<String>,
    /// A work tree that holds the attributes of the base and nothing else.
    base: Option<(tempfile::TempDir, Program)>,
}

impl Filters {
    /// Stores what the filter of a path makes of these bytes, as `git add` does; `None` where it has
    /// no filter.
    ///
    /// # Errors
    /// The filter fails.
    pub(super) fn store(&self, path: &str, bytes: &[u8], own: &Program) -> Result<Option<Oid>> {
        if let (Some(filter), Some((_, program))) = (self.of_base.get(path), &self.base) {
            // Its command may need a file of the real work tree: what a filter cannot encrypt must
            // not be stored as it is.
            if filter.contains(['=', '\n']) {
                let message = format!("the filter `{}` cannot be used", filter.escape_debug());
                return Err(GitError::new(GitErrorKind::NotNow, message)
                    .remedy("check that branch out to commit to it"));
            }
            let required = format!("filter.{filter}.required=true");
            let options = ["-c", required.as_str()];
            return hash_filtered(program, &options, &["-w"], path, bytes).map(Some);
        }
        if self.here.contains(path) {
            return hash_filtered(own, &[], &["-w"], path, bytes).map(Some);
        }
        Ok(None)
    }
}

/// Files of a commit that are not stored as they are, and what it takes to read them.
#[derive(Debug)]
pub struct Smudged {
    paths: HashMap<String, String>,
    program: Program,
    /// The program's work tree, which has to be there as long as that.
    _tree: tempfile::TempDir,
}

impl Smudged {
    /// What a checkout would have at this path, where a blob is stored; `None` where no filter has
    /// to do with it, or cannot read it.
    pub fn read(&self, path: &str, blob: BlobId) -> Option<Vec<u8>> {
        self.paths.get(path)?;
        let path = format!("--path={path}");
        let run = self.program.run(["cat-file", "--filters", &path, &blob.0.to_string()]);
        run.output(&[]).ok()
    }
}

impl Repository {
    /// Those of the files of a commit that have a filter by its own attributes.
    ///
    /// # Errors
    /// The commit cannot be read, or `git` cannot be asked.
    pub fn smudged(&self, commit: CommitId, paths: &[&str]) -> Result<Option<Smudged>> {
        let tree = self.tree_of(commit)?;
        let Some((directory, program)) = self.attributes_of(&tree, paths, true)? else {
            return Ok(None);
        };
        let paths = filters_by(&program, paths.iter().copied())?;
        Ok((!paths.is_empty()).then_some(Smudged { paths, program, _tree: directory }))
    }

    /// The filters of these paths, for a commit on top of a tree.
    ///
    /// `git` reads the attributes of the work tree, and none of them in a bare repository. A commit
    /// on top of something else is to hold what `git add` would store there: a file that the
    /// attributes of that tree encrypt must not be in it in plain.
    ///
    /// # Errors
    /// `git` cannot be asked, or an overlay's lock has a filter: no commit could be read any more.
    pub(super) fn filters_of_commit(
        &self,
        base: &git2::Tree<'_>,
        paths: &[&str],
    ) -> Result<Filters> {
        let here = self.filtered(paths.iter().copied())?;
        let mut filters = Filters { of_base: HashMap::new(), here, base: None };
        if !self.reads_attributes_of(base)?
            && let Some((directory, program)) = self.attributes_of(base, paths, false)?
        {
            filters.of_base = filters_by(&program, paths.iter().copied())?;
            filters.base = Some((directory, program));
        }
        let filtered = filters.here.iter().chain(filters.of_base.keys());
        match filtered.filter(|path| path.rsplit('/').next() == Some(LOCK)).min() {
            Some(lock) => Err(GitError::new(
                GitErrorKind::NotNow,
                format!("the lock `{lock}` has a filter, so a commit would hold what nobody can read there"),
            )
            .remedy(format!("add a line to .gitattributes, below the one that names the filter:\n{LOCK} -filter"))),
            None => Ok(filters),
        }
    }

    /// Whether the attributes that `git` reads by itself are those of a tree.
    fn reads_attributes_of(&self, base: &git2::Tree<'_>) -> Result<bool> {
        if self.is_bare() {
            return Ok(false);
        }
        Ok(match self.head()?.commit() {
            Some(head) => self.tree_of(head)?.id() == base.id(),
            None => base.is_empty(),
        })
    }

    /// A work tree that holds the attributes of a tree for these paths, and `git` for it; `None`
    /// where that has none, or none that speak of filters where only `those` are wanted: most have
    /// to do with line ends.
    fn attributes_of(
        &self,
        base: &git2::Tree<'_>,
        paths: &[&str],
        those: bool,
    ) -> Result<Option<(tempfile::TempDir, Program)>> {
        let mut speaks = !those;
        let writing = |error: &std::io::Error| GitError::io("write attributes", error);
        let mut made = None;
        let mut seen = HashSet::new();
        for directory in paths.iter().flat_map(|path| path::parents(path)).chain([""]) {
            if !seen.insert(directory) {
                continue;
            }
            let file = [directory, "/", ATTRIBUTES].concat();
            // git follows no link there.
            let Some((blob, MODE_FILE | MODE_EXECUTABLE)) =
                self.entry(base, file.trim_start_matches('/'))?
            else {
                continue;
            };
            let text = self.read_blob(BlobId(blob))?;
            speaks |= text.windows(FILTER.len()).any(|part| part == FILTER);
            let root = match &mut made {
                Some(root) => root,
                none => none.insert(tempfile::tempdir().map_err(|error| writing(&error))?),
            };
            let directory = root.path().join(directory);
            fs::create_dir_all(&directory).map_err(|error| writing(&error))?;
            fs::write(directory.join(ATTRIBUTES), text).map_err(|error| writing(&error))?;
        }
        Ok(made.filter(|_| speaks).map(|root| {
            let mut program = self.program.clone();
            program.work_tree = Some(root.path().to_path_buf());
            // Where there is no such file, git looks into the index, which is of another tree.
            program.env.push(("GIT_INDEX_FILE".into(), root.path().join("no-index").into()));
            (root, program)
        }))
    }

    /// Those of these paths that have a filter.
    ///
    /// # Errors
    /// `git` cannot be asked.
    pub(super) fn filtered<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Result<HashSet<String>> {
        Ok(filters_by(&self.program, paths)?.into_keys().collect())
    }

    /// Whether a commit would hold these bytes at a path as another one does.
    ///
    /// # Errors
    /// The commit cannot be read, or the filter of the path fails.
    pub fn is_at(&self, commit: CommitId, path: &str, bytes: &[u8]) -> Result<bool> {
        let tree = self.tree_of(commit)?;
        let Some((held, _)) = self.entry(&tree, path)? else { return Ok(false) };
        let id = Oid::hash_object(ObjectType::Blob, bytes)
            .map_err(|error| GitError::from_libgit2("hash a file", &error))?;
        if held == id {
            return Ok(true);
        }
        Ok(!self.filtered([path])?.is_empty()
            && hash_filtered(&self.program, &[], &[], path, bytes)? == held)
    }
}

/// Those of these paths that have a filter, with its name.
fn filters_by<'a>(
    program: &Program,
    paths: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, String>> {
    let mut input = Vec::new();
    for path in paths {
        input.extend_from_slice(path.as_bytes());
        input.push(0);
    }
    if input.is_empty() {
        return Ok(HashMap::new());
    }
    let output = program.run(["check-attr", "-z", "--stdin", "filter"]).output(&input)?;
    // Path, attribute and value in turns; an attribute without a text names no program.
    let parts: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let named = parts.chunks_exact(3).filter_map(|part| match part {
        [_, _, b"unspecified" | b"unset" | b"set"] => None,
        [path, _, filter] => Some((text(path), text(filter))),
        _ => None,
    });
    Ok(named.collect())
}

/// The id of what the filter of a path makes of these bytes; `globals` are options of git itself.
fn hash_filtered(
    program: &Program,
    globals: &[&str],
    options: &[&str],
    path: &str,
    bytes: &[u8],
) -> Result<Oid> {
    let own = ["hash-object", "--stdin", "--path", path];
    let run = program.run(globals.iter().chain(&own)).args(options);
    let output = run.output(bytes).map_err(|error| {
        let message = format!("the filter of `{path}` failed: {}", error.message);
        GitError::new(error.kind, message).remedy(format!(
            "git check-attr filter -- '{path}'\nnames the filter: install or unlock it for this repository, so that `git add` can store the file; \
             or go on without --commit"
        ))
    })?;
    Oid::from_str(String::from_utf8_lossy(&output).trim()).map_err(|_| {
        GitError::new(GitErrorKind::Other, "`git hash-object` gave no id of an object")
    })
}
