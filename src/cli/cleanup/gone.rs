//! The Services that go with lanes: with them goes what leads to them.

use std::collections::HashSet;

use super::super::shared::services;
use super::super::workspace::Workspace;
use super::targets::overlays;
use crate::baseline::files::{AtCommit, Files};
use crate::diagnostic::Failure;
use crate::git::{CommitId, Repository};
use crate::overlay::{LOCK_FILE, Lock, Plan};
use crate::shared_routes::ServiceHost;

/// The Services that go with a plan; `lock` is the one before it.
pub(super) fn gone_services(lock: Option<&Lock>, plan: &Plan) -> HashSet<ServiceHost> {
    let stays: HashSet<ServiceHost> = plan.lock.iter().flat_map(services).collect();
    let had = lock.into_iter().flat_map(services);
    had.filter(|service| !stays.contains(service)).collect()
}

/// The Services that overlays of the work tree have that are not cleaned up. What a spec wrote to an
/// earlier output has the names of what it writes now.
pub(super) fn kept_services(
    workspace: &Workspace,
    cleaned: &[String],
) -> Result<HashSet<ServiceHost>, Failure> {
    let kept = overlays(workspace)?.into_iter().filter(|(dir, _)| !cleaned.contains(dir));
    // What a damaged lock holds is not known.
    let locks = kept.filter_map(|(_, lock)| lock.ok());
    Ok(locks.flat_map(|lock| owned(&lock)).collect())
}

/// The Services that overlays of a commit have that are not cleaned up.
pub(super) fn kept_services_at(
    repository: &Repository,
    commit: CommitId,
    cleaned: &[String],
) -> Result<HashSet<ServiceHost>, Failure> {
    let files = AtCommit::checked_out(repository, commit)?;
    let mut kept = HashSet::new();
    for path in files.list("", &|_| true).unwrap_or_default() {
        let Some(directory) = path.strip_suffix(LOCK_FILE) else { continue };
        let directory = directory.trim_end_matches('/');
        if cleaned.iter().any(|cleaned| cleaned == directory) {
            continue;
        }
        let text = files.read(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let lock = text.and_then(|text| Lock::parse(&text, &path).ok());
        kept.extend(lock.iter().flat_map(owned));
    }
    Ok(kept)
}

/// The Services of a lane; what lanes share has none.
fn owned(lock: &Lock) -> Vec<ServiceHost> {
    if lock.header().is_shared() { Vec::new() } else { services(lock).collect() }
}
