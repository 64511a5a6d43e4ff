//! An overlay as it stands, compared with what its spec gives.

use std::collections::BTreeSet;

use crate::diagnostic::Failure;
use crate::overlay::{
    Desired, Directory, FileChange, Found, Lock, OverlayFiles, OverlayPath, Plan, is_as_written,
    plan, read_lock,
};

/// An overlay as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Absent,
    /// Its lock, or what it lists, cannot be read.
    Damaged(Failure),
    /// The lane is offline: nothing of it is applied.
    Offline,
    /// Its entry was taken away, so that gateways stop sending; the rest is as the spec gives it.
    Drained,
    /// It is there.
    Written(Differences),
}

/// How an overlay differs from what its spec gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differences {
    /// Whether the spec is another than the one it was generated from.
    pub spec_changed: bool,
    /// Services of which the overlay has nothing, although it is of the same spec: they were removed
    /// from it; sorted.
    pub removed: Vec<String>,
    /// Files that the spec gives otherwise, and nobody edited; in order.
    pub stale: Vec<OverlayPath>,
    /// Files that are as the spec gives them and that the lock lists otherwise or not at all, and
    /// those that it lists and that are gone, as they should be; in order.
    pub misstated: Vec<OverlayPath>,
    /// Files that were edited by hand, and how; in order.
    pub edited: Vec<(OverlayPath, Edit)>,
    /// Whether all objects that it shares with other lanes have its part as it should be.
    pub is_shared_too: bool,
}

/// What was done to a file by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It holds something else, or is a link.
    Changed,
    /// It is gone.
    Removed,
    /// It is not from graylane, and stands where a file of graylane goes.
    Foreign,
}

impl Standing {
    /// Compares what is found with what a spec gives.
    pub fn of(desired: Desired, found: &dyn OverlayFiles) -> Self {
        let standing = read_lock(found).and_then(|lock| match lock {
            None => Ok(Self::Absent),
            Some(lock) if lock.is_offline() => Ok(Self::Offline),
            Some(lock) => {
                let is_drained = is_drained(&desired, &lock);
                let mut differences = Differences::of(desired, &lock, found)?;
                if is_drained {
                    differences.stale.retain(|path| !is_entry(path));
                }
                let is_as_given = is_drained && differences.is_empty();
                Ok(if is_as_given { Self::Drained } else { Self::Written(differences) })
            }
        });
        standing.unwrap_or_else(Self::Damaged)
    }
}

/// Whether a lane that has an entry is without it, going by its lock.
pub fn is_drained(desired: &Desired, lock: &Lock) -> bool {
    let has_entry =
        desired.files.iter().any(|file| is_entry(&file.path) && file.origin.object.is_some());
    let stands =
        lock.files().iter().any(|file| is_entry(&file.path) && file.origin.object.is_some());
    has_entry && !stands && !lock.files().is_empty()
}

/// The services that have a file in an overlay as it should be, and none in the lock.
fn removed(desired: &Desired, lock: &Lock) -> Vec<String> {
    let stays: BTreeSet<&str> =
        lock.files().iter().filter_map(|file| file.origin.service.as_deref()).collect();
    let wanted = desired.files.iter().filter_map(|file| file.origin.service.as_deref());
    let removed: BTreeSet<&str> = wanted.filter(|service| !stays.contains(service)).collect();
    removed.into_iter().map(str::to_owned).collect()
}

fn is_entry(path: &OverlayPath) -> bool {
    path.as_str().split_once('/').is_some_and(|(above, _)| above == Directory::Entry.as_str())
}

impl Differences {
    /// Compares what is found with what a spec gives.
    ///
    /// # Errors
    ///
    /// What is found cannot be read, or is no file where one goes.
    pub fn of(desired: Desired, lock: &Lock, found: &dyn OverlayFiles) -> Result<Self, Failure> {
        let spec_changed = desired.header.spec_digest != lock.header().spec_digest;
        let removed = if spec_changed { Vec::new() } else { removed(&desired, lock) };
        let plan = plan(desired, Some(lock), found, true)?;
        let (mut stale, mut edited) = (Vec::new(), Vec::new());
        for change in plan.changes.iter().filter(|change| !change.path().is_lock()) {
            let path = change.path();
            let edit = match (found.read(path)?, lock.file(path)) {
                (Found::Absent, None) => None,
                (Found::Absent, Some(_)) => Some(Edit::Removed),
                (Found::File(bytes), Some(owned)) if is_as_written(&bytes, owned) => None,
                (_, Some(_)) => Some(Edit::Changed),
                (_, None) => Some(Edit::Foreign),
            };
            match edit {
                Some(edit) => edited.push((path.clone(), edit)),
                None => stale.push(path.clone()),
            }
        }
        let misstated = misstated(&plan, lock);
        Ok(Self { spec_changed, removed, stale, misstated, edited, is_shared_too: true })
    }

    /// Whether the overlay is what the spec gives.
    pub fn is_empty(&self) -> bool {
        self.stale.is_empty()
            && self.misstated.is_empty()
            && self.edited.is_empty()
            && self.is_shared_too
    }
}

/// The files that a plan leaves as they are and of which its lock says something else than the one
/// that is found.
fn misstated(plan: &Plan, found: &Lock) -> Vec<OverlayPath> {
    let Some(lock) = &plan.lock else { return Vec::new() };
    let changed: BTreeSet<&OverlayPath> = plan.changes.iter().map(FileChange::path).collect();
    let all: BTreeSet<&OverlayPath> =
        lock.files().iter().chain(found.files()).map(|file| &file.path).collect();
    let is_misstated = |path: &&&OverlayPath| lock.file(path) != found.file(path);
    all.difference(&changed).filter(is_misstated).map(|path| (*path).clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::overlay::{Digest, LockHeader, OverlayFile};

    fn path(path: &str) -> OverlayPath {
        OverlayPath::new(path).unwrap()
    }

    fn desired(spec: &str, files: &[(&str, &str)]) -> Desired {
        let spec_digest = Digest::of(spec.as_bytes());
        let header =
            LockHeader { name: "n".into(), tag: "t".into(), spec: "s".into(), spec_digest };
        let file = |(name, text): &(&str, &str)| OverlayFile {
            path: path(name),
            contents: text.as_bytes().to_vec().into(),
            origin: Default::default(),
        };
        Desired { header, files: files.iter().map(file).collect() }
    }

    #[test]
    fn what_was_edited_is_told_from_what_is_stale() {
        let before = desired("1", &[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")]);
        let lock = Lock::new(before.header.clone(), &before.files);
        let mut found: BTreeMap<OverlayPath, Vec<u8>> = BTreeMap::new();
        for (name, text) in [("a", "1"), ("b", "edited"), ("d", "1"), ("e", "foreign")] {
            found.insert(path(name), text.as_bytes().to_vec());
        }
        found.insert(path("graylane.lock"), lock.to_text().unwrap().into_bytes());
        let files = [("a", "2"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1"), ("f", "1")];
        let Standing::Written(told) = Standing::of(desired("1", &files), &found) else {
            panic!("it is written")
        };
        assert!(!told.spec_changed);
        assert_eq!(told.stale, [path("a"), path("f")]);
        let edited =
            [(path("b"), Edit::Changed), (path("c"), Edit::Removed), (path("e"), Edit::Foreign)];
        assert_eq!(told.edited, edited);
        assert!(told.misstated.is_empty());
        let nothing = BTreeMap::<OverlayPath, Vec<u8>>::new();
        assert_eq!(Standing::of(desired("1", &files), &nothing), Standing::Absent);
    }

    #[test]
    fn what_a_lock_of_another_side_does_not_know_is_told() {
        let merged = [("a", "2"), ("b", "1")];
        let side = desired("1", &[("a", "1"), ("c", "1")]);
        let lock = Lock::new(side.header.clone(), &side.files);
        let mut found: BTreeMap<OverlayPath, Vec<u8>> = BTreeMap::new();
        for (name, text) in merged {
            found.insert(path(name), text.as_bytes().to_vec());
        }
        found.insert(path("graylane.lock"), lock.to_text().unwrap().into_bytes());
        let Standing::Written(told) = Standing::of(desired("1", &merged), &found) else {
            panic!("it is written")
        };
        assert_eq!(told.misstated, [path("a"), path("b"), path("c")]);
        assert!(told.edited.is_empty() && told.stale.is_empty() && !told.is_empty());
    }
}
