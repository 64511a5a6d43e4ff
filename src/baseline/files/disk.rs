//! Files of a directory: a work tree, or any other. Directories in which nothing needs a closer look
//! are listed in parallel, and their files are read without asking what they are.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::HashMap;
use rayon::prelude::*;
use walkdir::WalkDir;

use super::{Enter, Files, FilesError, may_be_manifest};
use crate::git::LineEnds;
use crate::yaml::MAX_FILE_BYTES;

/// Directories below each other that are walked in parallel; deeper ones are walked one by one.
const MAX_PLAIN_DEPTH: usize = 32;

/// Bytes up to which a file is read without asking how long it is: nearly all manifests.
const SHORT: usize = 1 << 16;

thread_local! {
    /// What a short file is read into.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What is known of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// It is inside.
    Inside,
    /// It is inside, and when it was listed nothing was in it but regular files and directories.
    Plain,
}

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
    seen: RwLock<HashMap<String, Seen>>,
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
            seen: RwLock::default(),
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

    /// The files below a directory in which there are regular files and directories alone, level by
    /// level and in no order; `None` where there is anything that needs a closer look.
    fn list_plain(&self, directory: &str, enter: &Enter<'_>, levels: usize) -> Option<Vec<String>> {
        let levels = levels.checked_sub(1)?;
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(self.root.join(directory)).ok()? {
            let entry = entry.ok()?;
            let (kind, name) = (entry.file_type().ok()?, entry.file_name());
            let name = name.to_str().map(|name| below(directory, name));
            if kind.is_file() {
                files.push(name?);
            } else if !kind.is_dir() {
                return None;
            } else {
                let name = name?;
                if enter(&name) {
                    directories.push(name);
                }
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
        // There may be manifests below a name that is not UTF-8, which are told of.
        let shown = |path: &Path| self.name(path).unwrap_or_else(|_| self.shown(path));
        let walk = walk.filter_entry(|entry| {
            !entry.file_type().is_dir() || {
                let name = shown(entry.path());
                name == path || enter(&name)
            }
        });
        for entry in walk {
            let entry = match entry {
                Err(error) if is_lock_of_editor(&error) => continue,
                entry => entry.map_err(|error| self.obstacle(&error, path))?,
            };
            if entry.path_is_symlink() {
                self.inside(entry.path()).map_err(|error| match error {
                    FilesError::Outside(why) => {
                        FilesError::Outside(format!("{}: {why}", self.shown(entry.path())))
                    }
                    error => error,
                })?;
            }
            if entry.file_type().is_file() {
                match self.name(entry.path()) {
                    Err(_) if !may_be_manifest(entry.file_name().as_encoded_bytes()) => {}
                    name => files.push(name?),
                }
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

    /// Reads a file whatever it is: a link is followed as long as it stays inside.
    fn read_any(&self, mut real: PathBuf) -> Result<Vec<u8>, FilesError> {
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
        Ok(bytes)
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
        name_below(&self.root, path)
    }
}

/// Whether a walk stopped at a link that leads nowhere, as Emacs makes one beside a file that is
/// edited.
///
/// Source: GNU Emacs manual, "Protection against Simultaneous Editing": `.#name` is a link to
/// `user@host.pid:boot`.
fn is_lock_of_editor(error: &walkdir::Error) -> bool {
    let name = error.path().and_then(Path::file_name);
    let is_named = name.is_some_and(|name| name.as_encoded_bytes().starts_with(b".#"));
    is_named && error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The path of a file below a directory, with `/`.
fn name_below(root: &Path, path: &Path) -> Result<String, FilesError> {
    let relative = path.strip_prefix(root).map_err(|_| FilesError::Missing)?;
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

impl Files for Disk {
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError> {
        let start = self.root.join(path);
        self.inside(&start)?;
        let (mut files, found) = match self.list_plain(&self.name(&start)?, enter, MAX_PLAIN_DEPTH)
        {
            Some(files) => (files, Seen::Plain),
            None => (self.list_linked(path, enter)?, Seen::Inside),
        };
        files.par_sort_unstable();
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let mut last = None;
        for directory in files.iter().map(|file| directory_of(file)) {
            if last.replace(directory) != Some(directory) && seen.get(directory) != Some(&found) {
                seen.insert(directory.to_owned(), found);
            }
        }
        Ok(files)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError> {
        let real = self.root.join(path);
        let directory = directory_of(path);
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(directory).copied();
        if seen.is_none() {
            self.inside(&self.root.join(directory))?;
            let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
            seen.insert(directory.to_owned(), Seen::Inside);
        }
        let short = if seen == Some(Seen::Plain) { read_short(&real)? } else { None };
        let bytes = match short {
            Some(bytes) => bytes,
            None => self.read_any(real)?,
        };
        Ok(match &self.line_ends {
            Some(line_ends) => line_ends.committed(path, bytes),
            None => bytes,
        })
    }

    fn real(&self, path: &str) -> Result<String, FilesError> {
        let mut ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let is_link = |end| fs::symlink_metadata(self.root.join(&path[..end]));
        if !ends.any(|end| is_link(end).is_ok_and(|found| found.is_symlink())) {
            return Ok(path.to_owned());
        }
        name_below(&self.real_root, &self.inside(&self.root.join(path))?)
    }
}

/// Reads a regular file; `None` where it is too long for that. Its end is looked for, as some file
/// systems give lengths that are not true.
fn read_short(path: &Path) -> io::Result<Option<Vec<u8>>> {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        buffer.reserve(SHORT);
        fs::File::open(path)?.take(SHORT as u64).read_to_end(buffer)?;
        Ok((buffer.len() < SHORT).then(|| buffer.as_slice().to_vec()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Repository;

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
        for _ in 0..2 {
            assert!(matches!(disk.read("pipe.yaml"), Err(FilesError::Other(_))));
            assert!(disk.list("", &|_| true).unwrap().is_empty());
        }
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
    fn links_within_the_repository_lead_to_the_file_itself() {
        use std::os::unix::fs::symlink;
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("linked");
        fs::create_dir_all(top.path().join("root/k8s/prod")).unwrap();
        symlink("root", &root).unwrap();
        fs::write(root.join("k8s/prod/a.yaml"), "a: 1").unwrap();
        symlink("a.yaml", root.join("k8s/prod/b.yaml")).unwrap();
        symlink("k8s/prod", root.join("deploy")).unwrap();
        symlink(top.path(), root.join("out")).unwrap();
        let disk = Disk::new(&root).unwrap();
        for path in ["k8s/prod/a.yaml", "k8s/prod/b.yaml", "deploy/a.yaml", "deploy/b.yaml"] {
            assert_eq!(disk.real(path).unwrap(), "k8s/prod/a.yaml");
        }
        assert_eq!(disk.real("none.yaml").unwrap(), "none.yaml");
        assert!(matches!(disk.real("deploy/none.yaml"), Err(FilesError::Missing)));
        assert!(matches!(disk.real("out/a.yaml"), Err(FilesError::Missing)));
        assert!(matches!(disk.real("out"), Err(FilesError::Outside(_))));
    }

    #[test]
    fn files_of_any_length_are_read_whole() {
        let root = tempfile::tempdir().unwrap();
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 3 * SHORT] {
            let name = format!("{length}.yaml");
            let contents: Vec<u8> = (0..length).map(|at| b'a' + (at % 26) as u8).collect();
            fs::write(root.path().join(&name), &contents).unwrap();
            let disk = Disk::new(root.path()).unwrap();
            assert_eq!(disk.read(&name).unwrap(), contents, "{length}");
            disk.list("", &|_| true).unwrap();
            assert_eq!(disk.read(&name).unwrap(), contents, "{length}");
            assert!(matches!(disk.read("none.yaml"), Err(FilesError::Missing)));
        }
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
}
