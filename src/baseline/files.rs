//! Where files come from: a directory, a commit, or standard input. All paths are relative to the
//! repository's root and use `/`; an empty path is the root itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use foldhash::HashSet;
use rayon::prelude::*;
use walkdir::WalkDir;

use crate::git::{BlobId, CommitId, EntryKind, GitError, LineEnds, Repository};
use crate::yaml::MAX_FILE_BYTES;

/// Why a path cannot be read.
#[derive(Debug)]
pub enum FilesError {
    /// There is nothing at this path.
    Missing,
    /// A link leads out of the repository, or in circles.
    Outside(String),
    /// Anything the system says.
    Other(String),
}

impl From<io::Error> for FilesError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Which directories to go into, by their repository paths.
pub type Enter<'a> = dyn Fn(&str) -> bool + Sync + 'a;

/// A tree of files.
pub trait Files: Sync {
    /// The files at or below a path, sorted, as repository paths. Directories for which `enter` is
    /// false are left out.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when the path is missing or leaves the repository.
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError>;

    /// A file's bytes.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when it cannot be read or is a link that leaves the repository.
    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError>;
}

/// Directories below each other that are walked in parallel; deeper ones are walked one by one.
const MAX_PLAIN_DEPTH: usize = 32;

/// The directory of a path; empty for the root.
fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The path of what has this name in a directory.
fn below(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { [directory, "/", name].concat() }
}

/// Files below a directory of this machine.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    /// The root with all links resolved: what links may lead to.
    real_root: PathBuf,
    /// What becomes of line ends, where files are read as git commits them.
    line_ends: Option<Arc<LineEnds>>,
    /// Directories that were found to be inside, by their path from the root.
    inside: RwLock<HashSet<String>>,
}

impl Disk {
    /// The files of a repository's work tree, or of any directory.
    ///
    /// # Errors
    ///
    /// When the directory does not exist.
    pub fn new(root: &Path) -> io::Result<Self> {
        Ok(Self {
            root: root.to_owned(),
            real_root: fs::canonicalize(root)?,
            line_ends: None,
            inside: RwLock::default(),
        })
    }

    /// The same files, read as git commits them.
    #[must_use]
    pub fn as_committed(self, line_ends: Arc<LineEnds>) -> Self {
        Self { line_ends: Some(line_ends), ..self }
    }

    /// The regular files at or below a path, links left out, and with them whatever cannot be read.
    pub fn list_regular(&self, path: &str, enter: &Enter<'_>) -> Vec<String> {
        let walk = WalkDir::new(self.root.join(path)).sort_by_file_name().into_iter();
        let walk = walk.filter_entry(|entry| {
            !entry.file_type().is_dir()
                || self.name(entry.path()).is_ok_and(|name| name == path || enter(&name))
        });
        let files = walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
        files.filter_map(|entry| self.name(entry.path()).ok()).collect()
    }

    /// The files below a directory in which there are no links, level by level and in no order;
    /// `None` where there are some, or anything else that needs a closer look.
    fn list_plain(&self, directory: &str, enter: &Enter<'_>, levels: usize) -> Option<Vec<String>> {
        let levels = levels.checked_sub(1)?;
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(self.root.join(directory)).ok()? {
            let entry = entry.ok()?;
            let (kind, name) = (entry.file_type().ok()?, entry.file_name());
            let name = name.to_str().map(|name| below(directory, name));
            if kind.is_symlink() {
                return None;
            } else if kind.is_file() {
                files.push(name?);
            } else if let Some(name) = name
                && kind.is_dir()
                && enter(&name)
            {
                directories.push(name);
            }
        }
        let below = directories.par_iter().map(|path| self.list_plain(path, enter, levels));
        let below = below.collect::<Option<Vec<Vec<String>>>>()?;
        files.reserve_exact(below.iter().map(Vec::len).sum());
        for mut below in below {
            files.append(&mut below);
        }
        Some(files)
    }

    /// The files at or below a path in no order, links followed as long as they stay inside.
    fn list_linked(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError> {
        let start = self.root.join(path);
        let mut files = Vec::new();
        let walk = WalkDir::new(&start).follow_links(true).sort_by_file_name().into_iter();
        let walk = walk.filter_entry(|entry| {
            !entry.file_type().is_dir()
                || self.name(entry.path()).is_ok_and(|name| name == path || enter(&name))
        });
        for entry in walk {
            let entry = entry.map_err(|error| self.obstacle(&error, path))?;
            if entry.path_is_symlink() {
                self.inside(entry.path()).map_err(|error| match error {
                    FilesError::Outside(why) => {
                        FilesError::Outside(format!("{}: {why}", self.shown(entry.path())))
                    }
                    error => error,
                })?;
            }
            if entry.file_type().is_file() {
                files.push(self.name(entry.path())?);
            }
        }
        Ok(files)
    }

    fn inside(&self, path: &Path) -> Result<PathBuf, FilesError> {
        let real = fs::canonicalize(path)?;
        if real.starts_with(&self.real_root) {
            Ok(real)
        } else {
            Err(FilesError::Outside(format!("it leads to {}", real.display())))
        }
    }

    /// What keeps a walk from going on.
    fn obstacle(&self, error: &walkdir::Error, start: &str) -> FilesError {
        let at = error.path().map_or_else(|| start.to_owned(), |path| self.shown(path));
        let why = error.io_error().map_or_else(String::new, |error| match error.kind() {
            io::ErrorKind::NotFound => "it is a link that leads nowhere".to_owned(),
            _ => error.to_string(),
        });
        match error.loop_ancestor() {
            Some(_) => FilesError::Outside(format!("{at}: it leads in circles")),
            None => FilesError::Other(format!("{at}: {why}")),
        }
    }

    /// A path as the user would name it.
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    fn name(&self, path: &Path) -> Result<String, FilesError> {
        let relative = path.strip_prefix(&self.root).map_err(|_| FilesError::Missing)?;
        let mut name = String::with_capacity(relative.as_os_str().len());
        for part in relative.iter() {
            let part = part.to_str().ok_or_else(|| {
                FilesError::Other(format!("the file name {} is not UTF-8", relative.display()))
            })?;
            if !name.is_empty() {
                name.push('/');
            }
            name.push_str(part);
        }
        Ok(name)
    }
}

impl Files for Disk {
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError> {
        let start = self.root.join(path);
        self.inside(&start)?;
        let mut files = match self.list_plain(&self.name(&start)?, enter, MAX_PLAIN_DEPTH) {
            Some(files) => files,
            None => self.list_linked(path, enter)?,
        };
        files.par_sort_unstable();
        let mut inside = self.inside.write().unwrap_or_else(PoisonError::into_inner);
        let mut last = None;
        for directory in files.iter().map(|file| directory_of(file)) {
            if last.replace(directory) != Some(directory) && !inside.contains(directory) {
                inside.insert(directory.to_owned());
            }
        }
        Ok(files)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError> {
        let mut real = self.root.join(path);
        let directory = directory_of(path);
        let is_known =
            self.inside.read().unwrap_or_else(PoisonError::into_inner).contains(directory);
        if !is_known {
            self.inside(&self.root.join(directory))?;
            let mut inside = self.inside.write().unwrap_or_else(PoisonError::into_inner);
            inside.insert(directory.to_owned());
        }
        // Not opened yet: that would wake who waits at a pipe.
        let mut metadata = fs::symlink_metadata(&real)?;
        if metadata.is_symlink() {
            real = self.inside(&real)?;
            metadata = fs::metadata(&real)?;
        }
        if !metadata.is_file() {
            return Err(FilesError::Other("it is not a regular file".to_owned()));
        }
        if metadata.len() > MAX_FILE_BYTES as u64 {
            return Err(FilesError::Other(format!("it has {} bytes", metadata.len())));
        }
        let length = usize::try_from(metadata.len()).unwrap_or(0);
        let mut bytes = Vec::with_capacity(length + 1);
        // The limit, which no file reaches, keeps std from asking for the length once more.
        fs::File::open(real)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(match &self.line_ends {
            Some(line_ends) => line_ends.committed(path, bytes),
            None => bytes,
        })
    }
}

/// The files of a commit. Links within the repository are followed, as in a work tree.
pub struct AtCommit {
    /// libgit2's repository is for one thread at a time.
    repository: Mutex<Repository>,
    entries: BTreeMap<String, EntryKind>,
}

impl AtCommit {
    /// The files of a commit.
    ///
    /// # Errors
    ///
    /// When the commit's tree cannot be read.
    pub fn new(repository: &Repository, commit: CommitId) -> Result<Self, GitError> {
        let entries = repository.files_at(commit, "")?;
        let entries = entries.into_iter().map(|entry| (entry.path, entry.kind)).collect();
        Ok(Self { repository: Mutex::new(repository.reopen()?), entries })
    }

    fn blob(&self, id: BlobId) -> Result<Vec<u8>, FilesError> {
        let repository = self.repository.lock().unwrap_or_else(PoisonError::into_inner);
        repository.read_blob(id).map_err(|error| FilesError::Other(error.to_string()))
    }

    /// The path that a path means once all links on the way are followed.
    fn resolve(&self, path: &str) -> Result<String, FilesError> {
        /// As many as Linux follows.
        const MAX_LINKS: usize = 40;
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            let mut ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            let link = ends.find_map(|end| match self.entries.get(&path[..end]) {
                Some(EntryKind::Symlink(id)) => Some((end, *id)),
                _ => None,
            });
            let Some((end, id)) = link else { return Ok(path) };
            let target = String::from_utf8_lossy(&self.blob(id)?).into_owned();
            let outside = || FilesError::Outside(format!("`{}` leads to {target}", &path[..end]));
            let directory = path[..end].rsplit_once('/').map_or("", |(directory, _)| directory);
            let followed = join(directory, &target).ok_or_else(outside)?;
            path = format!("{followed}{}", &path[end..]).trim_start_matches('/').to_owned();
        }
        Err(FilesError::Outside("it leads in circles".to_owned()))
    }
}

/// A relative path from a directory; `None` where it leaves the repository.
fn join(directory: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

impl Files for AtCommit {
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError> {
        let real = self.resolve(path)?;
        let mut listed = list_sorted(self.entries.keys().map(String::as_str), &real, enter)?;
        let mut files = Vec::new();
        listed.retain(|file| {
            matches!(self.entries.get(file), Some(EntryKind::File(_) | EntryKind::Symlink(_)))
        });
        for file in listed {
            if let Some(EntryKind::Symlink(_)) = self.entries.get(&file) {
                let target = self.resolve(&file)?;
                // A link to a directory is left out where its files are listed anyway.
                if !matches!(self.entries.get(&target), Some(EntryKind::File(_))) {
                    continue;
                }
            }
            files.push(format!("{path}{}", file.strip_prefix(&real).unwrap_or(&file)));
        }
        Ok(files)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError> {
        match self.entries.get(&self.resolve(path)?) {
            Some(EntryKind::File(id)) => self.blob(*id),
            _ => Err(FilesError::Missing),
        }
    }
}

/// Files in memory: standard input, and tests.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl Files for Memory {
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError> {
        list_sorted(self.0.keys().map(String::as_str), path, enter)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError> {
        self.0.get(path).cloned().ok_or(FilesError::Missing)
    }
}

/// A tree of files of which one is read with other contents.
pub struct Instead<'a> {
    /// The tree.
    pub files: &'a dyn Files,
    /// The file, which the tree has.
    pub path: String,
    /// What is read there.
    pub contents: Vec<u8>,
}

impl Files for Instead<'_> {
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError> {
        self.files.list(path, enter)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError> {
        if path == self.path { Ok(self.contents.clone()) } else { self.files.read(path) }
    }
}

/// Lists the files at or below a path among all paths of a tree.
pub(crate) fn list_sorted<'a>(
    all: impl Iterator<Item = &'a str>,
    path: &str,
    enter: &Enter<'_>,
) -> Result<Vec<String>, FilesError> {
    let below = |file: &str| {
        path.is_empty()
            || file == path
            || file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
    };
    let entered = |file: &str| {
        let directories = file.match_indices('/').map(|(at, _)| &file[..at]);
        directories.filter(|directory| directory.len() > path.len()).all(enter)
    };
    let mut any = path.is_empty();
    let mut files: Vec<String> = Vec::new();
    for file in all.filter(|file| below(file)) {
        any = true;
        if entered(file) {
            files.push(file.to_owned());
        }
    }
    files.sort();
    if any { Ok(files) } else { Err(FilesError::Missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn who_waits_at_a_pipe_goes_on_waiting() {
        let root = tempfile::tempdir().unwrap();
        let pipe = root.path().join("pipe.yaml");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let mut writer = std::process::Command::new("sh");
        let mut writer = writer.args(["-c", "echo a > \"$0\""]).arg(&pipe).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        let disk = Disk::new(root.path()).unwrap();
        assert!(matches!(disk.read("pipe.yaml"), Err(FilesError::Other(_))));
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(writer.try_wait().unwrap(), None);
        writer.kill().unwrap();
        writer.wait().unwrap();
    }

    #[test]
    fn links_out_of_the_repository_are_refused() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.yaml"), "a: 1").unwrap();
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("deploy")).unwrap();
        fs::write(root.path().join("deploy/a.yaml"), "a: 1").unwrap();
        let disk = Disk::new(root.path()).unwrap();
        assert_eq!(disk.list("deploy", &|_| true).unwrap(), ["deploy/a.yaml"]);
        std::os::unix::fs::symlink("a.yaml", root.path().join("deploy/b.yaml")).unwrap();
        assert_eq!(disk.list("deploy", &|_| true).unwrap(), ["deploy/a.yaml", "deploy/b.yaml"]);
        let link = root.path().join("deploy/out.yaml");
        std::os::unix::fs::symlink(outside.path().join("secret.yaml"), &link).unwrap();
        assert!(matches!(disk.list("deploy", &|_| true), Err(FilesError::Outside(_))));
        assert!(matches!(disk.read("deploy/out.yaml"), Err(FilesError::Outside(_))));
        fs::remove_file(link).unwrap();
        std::os::unix::fs::symlink("..", root.path().join("deploy/circle")).unwrap();
        assert!(matches!(disk.list("deploy", &|_| true), Err(FilesError::Outside(_))));
        assert!(matches!(disk.list("none", &|_| true), Err(FilesError::Missing)));
    }

    #[test]
    fn line_ends_are_converted_where_git_does() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.yaml"), "a: 1\r\n").unwrap();
        let read = |disk: Disk| disk.read("a.yaml").unwrap();
        assert_eq!(read(Disk::new(root.path()).unwrap()), b"a: 1\r\n");
        let repository = git2::Repository::init(root.path()).unwrap();
        for (value, expected) in [("false", &b"a: 1\r\n"[..]), ("input", b"a: 1\n")] {
            repository.config().unwrap().set_str("core.autocrlf", value).unwrap();
            let line_ends = Repository::discover(root.path()).unwrap().unwrap().line_ends();
            let disk = Disk::new(root.path()).unwrap().as_committed(Arc::new(line_ends));
            assert_eq!(read(disk), expected);
        }
    }

    #[test]
    fn directories_that_are_not_entered_are_left_out() {
        let names = ["a/x.yaml", "a/skip/y.yaml", "ab/z.yaml"];
        let memory = Memory(names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect());
        assert_eq!(memory.list("a", &|directory| directory != "a/skip").unwrap(), ["a/x.yaml"]);
        assert_eq!(memory.list("", &|_| true).unwrap().len(), 3);
    }
}
