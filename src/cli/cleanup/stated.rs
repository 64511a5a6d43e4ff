//! What a lock says of the overlay that is to be removed, and what it does not.

use super::super::foreign::foreign_manifests;
use super::super::workspace::Workspace;
use crate::diagnostic::{Diagnostic, Failure};
use crate::overlay::{
    Directory, Found, Lock, OverlayDir, OverlayFiles, OwnedFile, Selection, is_as_written, plan,
};
use crate::pipeline::{BaselineFrom, Baselines, read_spec, release};

/// A lock that owns what stands in its overlay as its spec gives it. After a merge it may list some of
/// that as one side had it, or not at all: nobody wrote it by hand, and it is the lane's. The spec is
/// asked only where the lock and the files disagree, for a removal needs no baseline otherwise.
pub(super) fn with_given(
    lock: Lock,
    overlay: &OverlayDir,
    workspace: &Workspace,
) -> Result<Lock, Failure> {
    let files = workspace.files()?;
    let directory = overlay.dir();
    let foreign = foreign_manifests(files.as_ref(), directory, lock.files(), []);
    let is_edited = |file: &OwnedFile| {
        let there = overlay.read(&file.path);
        there.is_ok_and(|there| matches!(there, Found::File(bytes) if !is_as_written(&bytes, file)))
    };
    if foreign.is_empty() && !lock.files().iter().any(is_edited) {
        return Ok(lock);
    }
    let given = read_spec(files.as_ref(), &lock.header().spec).and_then(|spec| {
        let outputs = [spec.output.clone()];
        let facts =
            Baselines::default().of(files.as_ref(), &spec, &BaselineFrom::Spec, &outputs)?;
        Ok(release(spec, &facts)?.into_overlay())
    });
    Ok(match given {
        Ok((spec, desired)) if spec.output == directory => {
            let mut there = plan(desired, Some(&lock), overlay, true)?.unchanged;
            there.retain(|file| !file.path.is_lock());
            lock.with(&there)
        }
        _ => lock,
    })
}

/// Warns of manifests that no lock owns: they stay when the rest of an overlay goes.
pub(super) fn staying(
    directory: &str,
    lock: Option<&Lock>,
    selection: Selection<'_>,
    workspace: &Workspace,
) -> Result<Option<Diagnostic>, Failure> {
    let owned = lock.into_iter().flat_map(Lock::files);
    let mut stay = foreign_manifests(workspace.files()?.as_ref(), directory, owned, []);
    match selection {
        Selection::All | Selection::Objects => {}
        Selection::Entry => {
            let entry = format!("{directory}/{}/", Directory::Entry.as_str());
            stay.retain(|path| path.starts_with(&entry));
        }
        Selection::Service(_) => stay.clear(),
    }
    let Some(first) = stay.first() else { return Ok(None) };
    let warning = Diagnostic::warning(match stay.len() {
        1 => format!(
            "`{first}` is listed in no lock and stays: what delivers `{directory}` goes on applying it"
        ),
        count => format!(
            "{count} manifests are listed in no lock and stay: what delivers `{directory}` goes on applying them"
        ),
    });
    let invocation = workspace.invocation();
    let paths: Vec<String> = stay.iter().map(|path| invocation.word(path)).collect();
    Ok(Some(
        warning
            .remedy(format!("if they belong to the lane, remove them too: rm {}", paths.join(" "))),
    ))
}
