//! Paths inside an overlay.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::kustomization::KUSTOMIZATION_FILE;

pub use crate::git::LOCK_FILE;

/// The empty file that keeps a directory in git after its manifests are gone.
pub const KEEP_FILE: &str = ".gitkeep";

/// Where new files wait while an overlay is written.
pub(super) const STAGING: &str = ".graylane.new";

/// A path relative to the overlay's directory: `/` between components, none of them empty, `.`,
/// `..` or `.git`; no backslash, no control character; never the staging directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OverlayPath(String);

impl OverlayPath {
    /// Checks a path.
    ///
    /// # Errors
    /// What is wrong with it, to be put after the path.
    pub fn new(path: impl Into<String>) -> Result<Self, &'static str> {
        let path = path.into();
        if path.starts_with('/') {
            return Err("is an absolute path");
        }
        if path.chars().any(|c| c == '\\' || c.is_control()) {
            return Err("holds a backslash or a control character");
        }
        for (index, component) in path.split('/').enumerate() {
            match component {
                ".." => return Err("leads out of the overlay"),
                "" | "." => return Err("is not a plain path"),
                STAGING if index == 0 => {
                    return Err("is in the directory where files wait to be written");
                }
                other if other.eq_ignore_ascii_case(".git") => {
                    return Err("leads into a git directory");
                }
                _ => {}
            }
        }
        Ok(Self(path))
    }

    pub(super) fn lock() -> Self {
        Self(LOCK_FILE.to_owned())
    }

    /// The file that keeps a directory of the overlay; the overlay itself for `None`.
    pub(super) fn keep(directory: Option<&str>) -> Self {
        Self(join(directory.unwrap_or_default(), KEEP_FILE))
    }

    /// The kustomization of a directory of the overlay; of the overlay itself for `None`.
    pub(super) fn kustomization(directory: Option<&str>) -> Self {
        Self(join(directory.unwrap_or_default(), KUSTOMIZATION_FILE))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory of the file, `None` for one directly in the overlay.
    pub fn directory(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(directory, _)| directory)
    }

    /// Whether it is the lock.
    pub fn is_lock(&self) -> bool {
        self.0 == LOCK_FILE
    }

    /// The path relative to what `dir` (empty for the same place) is relative to.
    pub fn below(&self, dir: &str) -> String {
        join(dir, &self.0)
    }
}

pub(super) fn join(dir: &str, path: &str) -> String {
    if dir.is_empty() { path.to_owned() } else { format!("{dir}/{path}") }
}

impl fmt::Display for OverlayPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for OverlayPath {
    type Error = String;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        let shown = path.escape_debug().to_string();
        Self::new(path).map_err(|why| format!("path `{shown}` {why}"))
    }
}

impl From<OverlayPath> for String {
    fn from(path: OverlayPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_only_what_stays_inside() {
        for bad in [
            "",
            "/a",
            "..",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            ".git/x",
            "a/.GIT",
            "a\\b",
            "a\nb",
            ".graylane.new/0",
        ] {
            assert!(OverlayPath::new(bad).is_err(), "{bad:?}");
        }
        for good in ["graylane.lock", "workloads/a.yaml", "entry/.gitkeep", "a..b"] {
            assert!(OverlayPath::new(good).is_ok(), "{good:?}");
        }
    }
}
