//! The paths of a commit that brings an overlay into git.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lock::Lock;
use super::path::OverlayPath;
use super::plan::{FileChange, Plan};
use crate::git::Change;

/// What to commit once the plan was applied in `dir` (relative to the repository): every file it
/// wrote or found as wanted, and the removal of everything that it removed or that `head`, the
/// lock in HEAD, owns and the new lock does not. So a commit is whole even if earlier writes were
/// never committed. Ordered by path.
pub fn commit_changes(dir: &str, plan: &Plan, head: Option<&Lock>) -> Vec<Change> {
    let mut changes: BTreeMap<OverlayPath, Option<Arc<Vec<u8>>>> = BTreeMap::new();
    let owned =
        |path: &OverlayPath| plan.lock.as_ref().is_some_and(|lock| lock.file(path).is_some());
    let stale = head.iter().flat_map(|lock| lock.files()).filter(|file| !owned(&file.path));
    changes.extend(stale.map(|file| (file.path.clone(), None)));
    if head.is_some() && plan.lock.is_none() {
        changes.insert(OverlayPath::lock(), None);
    }
    for file in &plan.unchanged {
        changes.insert(file.path.clone(), Some(Arc::clone(&file.contents)));
    }
    for change in &plan.changes {
        match change {
            FileChange::Add(file) | FileChange::Replace(file) => {
                changes.insert(file.path.clone(), Some(Arc::clone(&file.contents)))
            }
            FileChange::Remove(path) => changes.insert(path.clone(), None),
        };
    }
    changes.into_iter().map(|(path, contents)| Change { path: path.below(dir), contents }).collect()
}
