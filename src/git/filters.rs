//! Files that git does not store as they are: `filter=…` of an attributes file names a program, such
//! as that of git-crypt or Git LFS, that makes of a file what is committed.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use git2::{ObjectType, Oid};

use super::LOCK_FILE;
use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::path;
use super::program::Program;
use super::read::{BlobId, CommitId, MODE_EXECUTABLE, MODE_FILE};

const ATTRIBUTES: &str = ".gitattributes";

/// What names a filter in an attributes file.
const FILTER: &[u8] = b"filter=";

/// What `git check-attr` says where no line says anything.
const UNSPECIFIED: &str = "unspecified";

/// The filters of files by the attributes of a tree.
#[derive(Debug)]
pub(super) struct Filters {
    /// The names of the filters of those paths that have one.
    by_path: HashMap<String, String>,
    /// `git`, which reads the attributes of that tree and no others.
    program: Program,
    /// A work tree that holds these attributes and nothing else, where the real one does not have
    /// them.
    tree: Option<tempfile::TempDir>,
}

impl Filters {
    /// Stores what the filter of a path makes of these bytes, as `git add` does; `None` where it has
    /// no filter.
    ///
    /// # Errors
    /// The filter fails.
    pub(super) fn store(&self, path: &str, bytes: &[u8]) -> Result<Option<Oid>> {
        self.hash(path, bytes, &["-w"])
    }

    fn hash(&self, path: &str, bytes: &[u8], options: &[&str]) -> Result<Option<Oid>> {
        let Some(filter) = self.by_path.get(path) else { return Ok(None) };
        if filter.contains(['=', '\n']) {
            let message = format!("the filter `{}` cannot be used", filter.escape_debug());
            return Err(GitError::new(GitErrorKind::NotNow, message)
                .remedy("give it a name of letters and digits in .gitattributes"));
        }
        // What a filter cannot encrypt must not be stored as it is, whether or not its command is
        // known here and needs a file of the real work tree.
        let required = format!("filter.{filter}.required=true");
        let hashed = hash_filtered(&self.program, &["-c", &required], options, path, bytes);
        let hashed = hashed.map_err(|error| error.remedy(match self.tree {
            None => format!(
                "git check-attr filter -- '{path}'\nnames the filter: install or unlock it for this repository, so that `git add` can store the file; \
                 or go on without --commit"
            ),
            Some(_) => format!(
                "the filter is `{filter}`, by the .gitattributes of the branch that is committed to, which are not those of the work tree: \
                 install or unlock it for this repository, or check them out if its command is a file of the work tree; or go on without --commit"
            ),
        }))?;
        Ok(Some(hashed))
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
    /// Those of the files of a commit that have a filter by its own attributes or those that are
    /// the repository's for all commits.
    ///
    /// # Errors
    /// The commit cannot be read, or `git` cannot be asked.
    pub fn smudged(&self, commit: CommitId, paths: &[&str]) -> Result<Option<Smudged>> {
        let tree = self.tree_of(commit)?;
        // Most attributes have to do with line ends.
        let names_one = |text: &[u8]| text.windows(FILTER.len()).any(|part| part == FILTER);
        // Those of the repository itself are for every tree, and above all others.
        let own = self.inner.commondir().join("info/attributes");
        let mut speaks = fs::read(own).is_ok_and(|text| names_one(&text));
        for (_, blob) in self.attributes_in(&tree, paths)? {
            speaks = speaks || names_one(&self.read_blob(BlobId(blob))?);
        }
        if !speaks {
            return Ok(None);
        }
        let made = self.attributes_of(&tree, paths)?;
        // What cannot be decrypted stays as it is stored, as in a checkout.
        self.read_filtered_attributes(&tree, &made, paths).ok();
        let (directory, program) = made;
        let paths = filters_by(&program, paths.iter().copied())?;
        Ok((!paths.is_empty()).then_some(Smudged { paths, program, _tree: directory }))
    }

    /// The filters of these paths, for a commit on top of a tree.
    ///
    /// `git` reads the attributes of the work tree, and none of them in a bare repository. A commit
    /// is to hold what `git add` would store with those of the tree that it is made on: a file that
    /// they encrypt must not be in it in plain.
    ///
    /// # Errors
    /// `git` cannot be asked; only the work tree has the attributes that encrypt a file; an
    /// overlay's lock has a filter: no commit could be read any more.
    pub(super) fn filters_of_commit(
        &self,
        base: &git2::Tree<'_>,
        paths: &[&str],
    ) -> Result<Filters> {
        let filters = self.filters_of(base, paths)?;
        self.refuse_filters_of_work_tree(&filters, paths)?;
        let filtered = filters.by_path.keys();
        match filtered.filter(|path| path.rsplit('/').next() == Some(LOCK_FILE)).min() {
            Some(lock) => Err(GitError::new(
                GitErrorKind::NotNow,
                format!("the lock `{lock}` has a filter, so a commit would hold what nobody can read there"),
            )
            .remedy(format!("add a line to .gitattributes, below the one that names the filter:\n{LOCK_FILE} -filter"))),
            None => Ok(filters),
        }
    }

    /// The filters of these paths by the attributes of a tree.
    fn filters_of(&self, tree: &git2::Tree<'_>, paths: &[&str]) -> Result<Filters> {
        let (directory, program) = if self.has_attributes_of(tree, paths)? {
            let mut program = self.program.clone();
            // `git check-attr` looks into the index for files that are not there, and `git
            // hash-object` does not.
            program.env.push(no_index(self.git_dir()));
            (None, program)
        } else {
            let made = self.attributes_of(tree, paths)?;
            self.read_filtered_attributes(tree, &made, paths)?;
            (Some(made.0), made.1)
        };
        let by_path = filters_by(&program, paths.iter().copied())?;
        // The command of a filter may ask for the index.
        let program = if directory.is_none() { self.program.clone() } else { program };
        Ok(Filters { by_path, program, tree: directory })
    }

    /// Refuses a file for which the work tree has a filter and the attributes of the commit say
    /// nothing: stored by that filter nobody could read it there, and without it it may be a Secret
    /// in plain.
    fn refuse_filters_of_work_tree(&self, filters: &Filters, paths: &[&str]) -> Result<()> {
        if filters.tree.is_none() || self.is_bare() {
            return Ok(());
        }
        let here = filters_by(&self.program, paths.iter().copied())?;
        let mut missing: Vec<&str> = here.keys().map(String::as_str).collect();
        missing.retain(|path| !filters.by_path.contains_key(*path));
        missing.sort_unstable();
        let said = values_of_filter(&filters.program, missing.iter().copied())?;
        let silent =
            missing.iter().find(|path| said.get(**path).is_none_or(|value| value == UNSPECIFIED));
        let Some((path, filter)) = silent.and_then(|path| here.get_key_value(*path)) else {
            return Ok(());
        };
        let message = format!(
            "the work tree has a filter for `{path}`, `{filter}`, and the branch that is committed to has no attributes that name it"
        );
        Err(GitError::new(GitErrorKind::NotNow, message).remedy(format!(
            "commit the .gitattributes to that branch first; where the file may be there as it is, with a line like: {} -filter",
            path.split_once('/').map_or_else(|| path.clone(), |(first, _)| format!("{first}/**"))
        )))
    }

    /// Puts attributes that are not stored as they are into the work tree of `attributes_of` as a
    /// checkout has them.
    ///
    /// # Errors
    /// The filter is not there or fails, so that what they say is not known.
    fn read_filtered_attributes(
        &self,
        tree: &git2::Tree<'_>,
        (directory, program): &(tempfile::TempDir, Program),
        paths: &[&str],
    ) -> Result<()> {
        let files = self.attributes_in(tree, paths)?;
        let filtered = filters_by(program, files.iter().map(|(path, _)| path.as_str()))?;
        for (path, blob) in files {
            let Some(filter) = filtered.get(&path) else { continue };
            // There is nothing to read in an empty file.
            if blob == hash(&[])? {
                continue;
            }
            let required = format!("filter.{filter}.required=true");
            let as_path = format!("--path={path}");
            let blob = blob.to_string();
            let run = program.run(["-c", &required, "cat-file", "--filters", &as_path, &blob]);
            let text = run.output(&[]).map_err(|error| {
                let message = format!("the filter of `{path}` failed, so what it says of other files is not known: {}", error.message);
                GitError::new(error.kind, message).remedy(format!(
                    "install or unlock the filter `{filter}` for this repository; or add a line to .gitattributes, below the one that names it:\n{ATTRIBUTES} -filter"
                ))
            })?;
            fs::write(directory.path().join(&path), text)
                .map_err(|error| GitError::io("write attributes", &error))?;
        }
        Ok(())
    }

    /// Whether the files of attributes that the work tree has for these paths are those of a tree.
    fn has_attributes_of(&self, tree: &git2::Tree<'_>, paths: &[&str]) -> Result<bool> {
        let Some(root) = self.workdir() else { return Ok(false) };
        let of_tree: HashMap<String, Oid> = self.attributes_in(tree, paths)?.into_iter().collect();
        for path in attribute_files(paths) {
            let on_disk = root.join(&path);
            // git follows no link there.
            let is_file = fs::symlink_metadata(&on_disk).is_ok_and(|found| found.is_file());
            let bytes = if is_file {
                Some(
                    fs::read(&on_disk)
                        .map_err(|error| GitError::io(&format!("read `{path}`"), &error))?,
                )
            } else {
                None
            };
            let is_same = match (bytes, of_tree.get(&path)) {
                (None, None) => true,
                (Some(bytes), Some(blob)) => {
                    hash(&bytes)? == *blob
                        // Line ends, or a filter of its own.
                        || hash_filtered(&self.program, &[], &[], &path, &bytes)
                            .is_ok_and(|id| id == *blob)
                }
                _ => false,
            };
            if !is_same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The files of attributes that a tree has for these paths.
    fn attributes_in(&self, tree: &git2::Tree<'_>, paths: &[&str]) -> Result<Vec<(String, Oid)>> {
        let mut tree = self.paths_of(tree);
        let mut files = Vec::new();
        for path in attribute_files(paths) {
            if let Some((blob, MODE_FILE | MODE_EXECUTABLE)) = tree.entry(&path)? {
                files.push((path, blob));
            }
        }
        Ok(files)
    }

    /// A work tree that holds the attributes of a tree for these paths, and `git` for it.
    fn attributes_of(
        &self,
        tree: &git2::Tree<'_>,
        paths: &[&str],
    ) -> Result<(tempfile::TempDir, Program)> {
        let writing = |error: std::io::Error| GitError::io("write attributes", &error);
        let root = tempfile::tempdir().map_err(writing)?;
        for (path, blob) in self.attributes_in(tree, paths)? {
            let path = root.path().join(path);
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory).map_err(writing)?;
            }
            fs::write(path, self.read_blob(BlobId(blob))?).map_err(writing)?;
        }
        let mut program = self.program.clone();
        program.work_tree = Some(root.path().to_path_buf());
        // Where there is no such file, git looks into the index, which is of another tree.
        program.env.push(no_index(root.path()));
        Ok((root, program))
    }

    /// Those of these files, each a path and its bytes, of which a commit holds something else than
    /// one with its attributes would store of them.
    ///
    /// # Errors
    /// The commit cannot be read, or the filter of a path fails.
    pub fn differing<'a>(
        &self,
        commit: CommitId,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Vec<&'a str>> {
        let tree = self.tree_of(commit)?;
        let mut held = self.paths_of(&tree);
        let mut others = Vec::new();
        for (path, bytes) in files {
            let held = held.entry(path)?.map(|(id, _)| id);
            if held != Some(hash(bytes)?) {
                others.push((path, bytes, held));
            }
        }
        let paths: Vec<&str> = others.iter().map(|(path, ..)| *path).collect();
        let filters = self.filters_of(&tree, &paths)?;
        let mut differing = Vec::new();
        for (path, bytes, held) in others {
            if held.is_none() || filters.hash(path, bytes, &[])? != held {
                differing.push(path);
            }
        }
        Ok(differing)
    }
}

/// The files that attributes of these paths may be in, each once.
fn attribute_files(paths: &[&str]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut directories: Vec<&str> = vec![""];
    directories.extend(paths.iter().flat_map(|path| path::parents(path)));
    directories.retain(|directory| seen.insert(*directory));
    let file = |directory: &&str| match *directory {
        "" => ATTRIBUTES.to_owned(),
        directory => [directory, "/", ATTRIBUTES].concat(),
    };
    directories.iter().map(file).collect()
}

/// What makes `git` find no index: no file has this name.
fn no_index(directory: &Path) -> (OsString, OsString) {
    ("GIT_INDEX_FILE".into(), directory.join("no-index").into())
}

fn hash(bytes: &[u8]) -> Result<Oid> {
    Oid::hash_object(ObjectType::Blob, bytes)
        .map_err(|error| GitError::from_libgit2("hash a file", &error))
}

/// Those of these paths that have a filter, with its name.
fn filters_by<'a>(
    program: &Program,
    paths: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, String>> {
    let mut values = values_of_filter(program, paths)?;
    // An attribute without a text names no program.
    values.retain(|_, value| !matches!(value.as_str(), UNSPECIFIED | "unset" | "set"));
    Ok(values)
}

/// What attributes say of the filter of each of these paths.
fn values_of_filter<'a>(
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
    // Path, attribute and value in turns.
    let parts: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let named = parts.chunks_exact(3).filter_map(|part| match part {
        [path, _, value] => Some((text(path), text(value))),
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
        GitError::new(error.kind, message)
    })?;
    Oid::from_str(String::from_utf8_lossy(&output).trim()).map_err(|_| {
        GitError::new(GitErrorKind::Other, "`git hash-object` gave no id of an object")
    })
}
