//! An overlay's directory on disk.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use super::files::{Found, OverlayFiles, read_lock};
use super::path::{LOCK_FILE, OverlayPath, STAGING, join};
use crate::diagnostic::{Diagnostic, Failure};
use crate::yaml::MAX_FILE_BYTES;

/// The directory of an overlay below the root of a repository. It need not exist.
///
/// No component below the root is a symbolic link or a repository of its own, so that what is
/// written stays in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayDir {
    root: PathBuf,
    dir: String,
}

impl OverlayDir {
    /// The overlay in `dir`, relative to `root`, with `/`; empty for the root itself.
    ///
    /// # Errors
    /// `dir` leaves the root or leads into `.git`; one of its components is a symbolic link, a file,
    /// a submodule or another repository.
    pub fn open(root: &Path, dir: &str) -> Result<Self, Failure> {
        if !dir.is_empty()
            && let Err(why) = OverlayPath::new(dir)
        {
            return Err(Diagnostic::error(format!("output `{}` {why}", dir.escape_debug()))
                .remedy("an overlay is written below the root of its repository")
                .into());
        }
        let opened = Self { root: root.to_path_buf(), dir: dir.to_owned() };
        opened.check()?;
        Ok(opened)
    }

    /// Where it is in the file system.
    pub fn path(&self) -> PathBuf {
        if self.dir.is_empty() { self.root.clone() } else { self.root.join(&self.dir) }
    }

    /// Where it is in the repository, with `/`; empty for the root.
    pub fn dir(&self) -> &str {
        &self.dir
    }

    /// Whether writing it was interrupted. The next [`Self::begin`] restores what was there before.
    pub fn is_interrupted(&self) -> bool {
        self.path().join(STAGING).exists()
    }

    /// The overlay's directory and those between the root and it, nearest the root first.
    pub(super) fn ancestry(&self) -> impl Iterator<Item = PathBuf> {
        let dir = self.dir.as_str();
        let ends =
            dir.match_indices('/').map(|(at, _)| at).chain((!dir.is_empty()).then_some(dir.len()));
        ends.filter_map(|end| dir.get(..end)).map(|above| self.root.join(above))
    }

    /// Refuses symbolic links, files and other repositories among the components.
    pub(super) fn check(&self) -> Result<(), Failure> {
        for directory in self.ancestry() {
            let shown = self.relative(&directory);
            match kind(&directory) {
                Ok(Kind::Absent) => break,
                Ok(Kind::Directory) => match kind(&directory.join(".git")) {
                    Ok(Kind::Absent) => {}
                    // A file in submodules and linked work trees.
                    Ok(_) => {
                        return Err(Diagnostic::error(format!(
                            "`{shown}` is a submodule or another repository; an overlay is not written into one"
                        ))
                        .remedy(format!(
                            "choose an `output` outside of it, or run graylane in it: graylane -C '{shown}'"
                        ))
                        .into());
                    }
                    Err(error) => {
                        return Err(io_failure("read", &format!("{shown}/.git"), &error));
                    }
                },
                Ok(Kind::Symlink) => {
                    return Err(Diagnostic::error(format!(
                        "`{shown}` is a symbolic link; an overlay is not written through one"
                    ))
                    .remedy("name the directory itself as `output`")
                    .into());
                }
                Ok(Kind::File | Kind::Other) => {
                    return Err(Diagnostic::error(format!("`{shown}` is not a directory"))
                        .remedy("move it away, or choose another `output`")
                        .into());
                }
                Err(error) => return Err(io_failure("read", &shown, &error)),
            }
        }
        Ok(())
    }

    pub(super) fn locate(&self, path: &OverlayPath) -> PathBuf {
        self.path().join(path.as_str())
    }

    /// What keeps a file at this path from being in the overlay: a directory of it that is none.
    pub(super) fn obstacle_above(
        &self,
        path: &OverlayPath,
    ) -> std::io::Result<Option<&'static str>> {
        let text = path.as_str();
        for above in text.match_indices('/').filter_map(|(at, _)| text.get(..at)) {
            match kind(&self.path().join(above))? {
                Kind::Absent => break,
                Kind::Directory => {}
                Kind::Symlink => return Ok(Some("a path through a symbolic link")),
                Kind::File | Kind::Other => return Ok(Some("a path below a file")),
            }
        }
        Ok(None)
    }

    /// A path of the file system as the user would name it.
    pub(super) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}

impl OverlayFiles for OverlayDir {
    fn read(&self, path: &OverlayPath) -> Result<Found, Failure> {
        let at = self.locate(path);
        let read = || -> std::io::Result<Found> {
            if let Some(what) = self.obstacle_above(path)? {
                return Ok(Found::Obstacle(what));
            }
            Ok(match kind(&at)? {
                Kind::Absent => Found::Absent,
                Kind::Symlink => Found::Symlink,
                Kind::Directory => Found::Obstacle("a directory"),
                Kind::Other => Found::Obstacle("a device, pipe or socket"),
                Kind::File => {
                    let length = at.symlink_metadata()?.len();
                    if length > MAX_FILE_BYTES as u64 {
                        return Err(Error::other(format!(
                            "it has {length} bytes, {MAX_FILE_BYTES} are allowed"
                        )));
                    }
                    Found::File(fs::read(&at)?)
                }
            })
        };
        read().map_err(|error| io_failure("read", &self.shown(path), &error))
    }

    fn shown(&self, path: &OverlayPath) -> String {
        join(&self.dir, path.as_str())
    }
}

/// The overlays in a directory, each with the spec of its lock, in order. Those whose lock cannot be
/// read are passed over.
pub fn overlays_below(root: &Path, above: &str) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(root.join(above)) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let overlay = |name: String| {
        let directory = format!("{above}/{name}");
        if !root.join(&directory).join(LOCK_FILE).is_file() {
            return None;
        }
        let lock = OverlayDir::open(root, &directory).and_then(|overlay| read_lock(&overlay));
        Some((directory, lock.ok()??.header().spec.clone()))
    };
    names.into_iter().filter_map(overlay).collect()
}

/// What is at a path, symbolic links not followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Absent,
    File,
    Directory,
    Symlink,
    Other,
}

pub(super) fn kind(path: &Path) -> std::io::Result<Kind> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => Ok(Kind::Symlink),
        Ok(metadata) if metadata.is_dir() => Ok(Kind::Directory),
        Ok(metadata) if metadata.is_file() => Ok(Kind::File),
        Ok(_) => Ok(Kind::Other),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Kind::Absent)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn io_failure(doing: &str, shown: &str, error: &std::io::Error) -> Failure {
    let diagnostic = Diagnostic::error(format!("cannot {doing} `{shown}`: {error}"));
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            diagnostic.remedy("make room on the disk and run it again")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            diagnostic.remedy("make it writable for the user that runs graylane")
        }
        _ => diagnostic.remedy("mend or move away what is there, and run it again"),
    }
    .into()
}
