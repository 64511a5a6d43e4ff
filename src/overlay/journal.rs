//! Switching from the old overlay to the new one, and back.
//!
//! New files wait in the staging directory as `new-<n>`, with a journal that says where each
//! belongs. Every step of the switch is a rename: the old file goes to `old-<n>`, the new one takes
//! its place. So a switch that stopped anywhere can be undone, by the program that fails or by the
//! next one after a crash. Removing the journal ends it for good.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::dir::{Kind, OverlayDir, kind};
use super::path::{OverlayPath, STAGING};

const JOURNAL: &str = "journal";
const IGNORE: &str = ".gitignore";

/// One file of the switch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) path: OverlayPath,
    /// The new content; `None` for a file that is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<Digest>,
}

/// The steps of a switch, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    #[serde(default)]
    pub(super) steps: Vec<Step>,
}

/// The staging directory of an overlay.
pub(super) struct Staging<'a> {
    dir: &'a OverlayDir,
    path: PathBuf,
}

impl<'a> Staging<'a> {
    pub(super) fn of(dir: &'a OverlayDir) -> Self {
        Self { dir, path: dir.path().join(STAGING) }
    }

    /// Makes it, with a `.gitignore` that keeps it out of every `git add`.
    pub(super) fn create(&self) -> io::Result<()> {
        fs::create_dir(&self.path)?;
        fs::write(self.path.join(IGNORE), "*\n")
    }

    pub(super) fn new_file(&self, step: usize) -> PathBuf {
        self.path.join(format!("new-{step}"))
    }

    fn old_file(&self, step: usize) -> PathBuf {
        self.path.join(format!("old-{step}"))
    }

    /// Writes the journal whole or not at all. From here on the switch can be undone.
    pub(super) fn write_journal(&self, journal: &Journal) -> io::Result<()> {
        let text = toml::to_string(journal).map_err(io::Error::other)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(self.path.join(JOURNAL)).map_err(|error| error.error)?;
        sync_directory(&self.path);
        Ok(())
    }

    /// Takes one step of the switch.
    pub(super) fn take(&self, index: usize, step: &Step) -> io::Result<()> {
        let target = self.dir.locate(&step.path);
        if kind(&target)? != Kind::Absent {
            fs::rename(&target, self.old_file(index))?;
        }
        if step.sha256.is_some() {
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::rename(self.new_file(index), &target)?;
        }
        Ok(())
    }

    /// Takes every step. After an error some are taken and some are not.
    pub(super) fn switch(&self, journal: &Journal) -> io::Result<()> {
        for (index, step) in journal.steps.iter().enumerate() {
            self.take(index, step)?;
        }
        for directory in self.directories(journal) {
            sync_directory(&directory);
        }
        Ok(())
    }

    /// Undoes the steps that were taken, wherever the switch stopped. A file that was changed since
    /// it was put in place is left as it is.
    pub(super) fn undo(&self, journal: &Journal) -> io::Result<()> {
        for (index, step) in journal.steps.iter().enumerate().rev() {
            let target = self.dir.locate(&step.path);
            if let Some(sha256) = &step.sha256
                && kind(&self.new_file(index))? == Kind::Absent
                && kind(&target)? == Kind::File
                && Digest::of(&fs::read(&target)?) == *sha256
            {
                fs::remove_file(&target)?;
            }
            let old = self.old_file(index);
            if kind(&old)? != Kind::Absent && kind(&target)? == Kind::Absent {
                if let Some(parent) = target.parent() {
                    fs::create_dir_all(parent)?;
                }
                fs::rename(&old, &target)?;
            }
        }
        self.finish(journal)
    }

    /// Ends the switch: the journal goes first, then everything that waited, then directories that
    /// no longer hold a file.
    pub(super) fn finish(&self, journal: &Journal) -> io::Result<()> {
        match fs::remove_file(self.path.join(JOURNAL)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        sync_directory(&self.path);
        self.discard()?;
        for directory in self.directories(journal).iter().rev() {
            // Fails where files are left, as it should.
            let _ = fs::remove_dir(directory);
        }
        Ok(())
    }

    /// Removes the staging directory. What keeps git from seeing the rest goes last.
    pub(super) fn discard(&self) -> io::Result<()> {
        let remove = || {
            for entry in fs::read_dir(&self.path)? {
                let entry = entry?;
                if entry.file_name() != IGNORE {
                    fs::remove_file(entry.path())?;
                }
            }
            fs::remove_dir_all(&self.path)
        };
        match remove() {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Restores the old overlay after a program that stopped in the midst. Whether there was one.
    pub(super) fn recover(&self) -> io::Result<bool> {
        match kind(&self.path)? {
            Kind::Absent => return Ok(false),
            Kind::Directory => {}
            _ => return Err(io::Error::other("it is not the directory that graylane made")),
        }
        match fs::read_to_string(self.path.join(JOURNAL)) {
            // Without a journal no step was taken, or all of them and the end was reached.
            Err(error) if error.kind() == ErrorKind::NotFound => self.discard()?,
            Err(error) => return Err(error),
            Ok(text) => self.undo(
                &toml::from_str(&text)
                    .map_err(|error| io::Error::other(error.message().to_owned()))?,
            )?,
        }
        Ok(true)
    }

    /// The directories of the steps' files below the overlay, parents before children.
    fn directories(&self, journal: &Journal) -> BTreeSet<PathBuf> {
        let overlay = self.dir.path();
        let mut directories = BTreeSet::new();
        for step in &journal.steps {
            let text = step.path.as_str();
            directories.extend(
                text.match_indices('/')
                    .filter_map(|(at, _)| text.get(..at))
                    .map(|above| overlay.join(above)),
            );
        }
        directories
    }
}

/// Asks that the names in a directory survive a power failure. Some file systems cannot; what they
/// do instead is the best there is.
pub(super) fn sync_directory(path: &Path) {
    let _ = File::open(path).and_then(|directory| directory.sync_all());
}
