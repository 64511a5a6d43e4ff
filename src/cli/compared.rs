//! What lanes change against the baseline, or against the overlays in git.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use super::shared::{Edit, OnCommit, Part, rendered};
use super::workspace::Workspace;
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::{CommitId, Repository};
use crate::kube::kinds::Wave;
use crate::kube::object::ObjectRef;
use crate::overlay::{
    Directory, FileChange, Found, Lock, OverlayFile, OverlayFiles, OverlayPath, TreeFiles, plan,
    read_lock,
};
use crate::pipeline::Release;
use crate::preview::{Change, Compared, ObjectDiff, Role, mask, object_of, unnamed};
use crate::yaml::{Document, Source, parse};

/// The objects of a lane, each compared with the one of the baseline that it is a copy of.
pub(super) fn with_baseline(release: &Release) -> Vec<ObjectDiff> {
    let objects = release.lane.objects.par_iter().zip(release.files());
    let objects = objects.map(|(object, file)| {
        let origin = object.baseline().and_then(|id| release.baseline.get(id));
        let mut before = origin.map(|origin| Arc::unwrap_or_clone(origin.document()));
        let mut after = object.document().map(Arc::unwrap_or_clone);
        mask(before.as_mut(), after.as_mut());
        let before_name =
            origin.map(|origin| format!("{} ({})", origin.file, origin.id)).unwrap_or_default();
        let after_name = format!("{} ({})", file.path.below(&release.spec.output), object.id);
        ObjectDiff {
            object: object.id.clone(),
            service: Some(object.service.clone()),
            role: if object.wave == Wave::Entry { Role::Entry } else { Role::Other },
            change: if before.is_some() { Change::Copied } else { Change::Added },
            compared: Compared {
                before: before.map(|document| (before_name, ended(document.to_text()))),
                after: after.map(|document| (after_name, ended(document.to_text()))),
            },
        }
    });
    objects.filter(|object| object.compared.differs()).collect()
}

fn ended(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// What the lanes share with others: the baseline has nothing to compare it with.
///
/// # Errors
///
/// As of [`rendered`].
pub(super) fn shared_with_baseline(
    parts: &[Part],
    workspace: &Workspace,
) -> Result<Vec<ObjectDiff>, Failure> {
    let compared = rendered(parts, workspace)?.files.into_iter().map(|(directory, file)| {
        let object = file.origin.object.unwrap_or_default();
        let path = file.path.below(&directory);
        let text = String::from_utf8_lossy(&file.contents).into_owned();
        let after = Some((format!("{path} ({object})"), text));
        ObjectDiff::shared(&path, Change::Added, Compared { before: None, after })
    });
    Ok(compared.collect())
}

/// What the lanes share with others, compared with a commit; each part comes with the directory of
/// its lane's overlay.
///
/// # Errors
///
/// The commit cannot be read, or another lane has the tag.
pub(super) fn shared_with_head(
    parts: Vec<(&str, Part)>,
    workspace: &Workspace,
) -> Result<Vec<ObjectDiff>, Failure> {
    let repository = repository(workspace)?;
    let commit = compared_commit(workspace, repository)?;
    let mut by_directory: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    for (overlay, mut part) in parts {
        part.had(read_lock(committed(repository, commit, overlay)?.as_ref())?.as_ref());
        by_directory.entry(part.directory.clone()).or_default().push(part);
    }
    let mut compared = Vec::new();
    for (directory, parts) in by_directory {
        let edits: Vec<Edit<'_>> = parts.iter().map(Edit::Put).collect();
        let shared = OnCommit::of(repository, commit, &directory, &edits, false)?;
        let files = committed(repository, commit, &directory)?;
        let of_files = compare(&directory, files.as_ref(), &shared.plan.changes);
        compared.extend(of_files.into_iter().map(|(path, change, texts)| {
            ObjectDiff::shared(&path.below(&directory), change, texts)
        }));
    }
    Ok(compared)
}

fn repository(workspace: &Workspace) -> Result<&Repository, Failure> {
    workspace.repository.as_ref().ok_or_else(|| {
        Diagnostic::error("there is no git repository whose last commit could be compared")
            .remedy("run it inside of a repository, or leave out `--against head`")
            .into()
    })
}

fn compared_commit(
    workspace: &Workspace,
    repository: &Repository,
) -> Result<Option<CommitId>, Failure> {
    match workspace.commit {
        Some(commit) => Ok(Some(commit)),
        None => Ok(repository.head()?.commit()),
    }
}

/// The files of a directory in a commit; none where there is no commit yet.
fn committed<'r>(
    repository: &'r Repository,
    commit: Option<CommitId>,
    directory: &str,
) -> Result<Box<dyn OverlayFiles + 'r>, Failure> {
    Ok(match commit {
        Some(commit) => Box::new(TreeFiles::open(repository, commit, directory)?),
        None => Box::new(BTreeMap::<OverlayPath, Vec<u8>>::new()),
    })
}

/// The files of a lane's overlay that differ from those of the last commit.
///
/// # Errors
///
/// The commit cannot be read, or its lock is damaged.
pub(super) fn with_head(
    release: &Release,
    workspace: &Workspace,
) -> Result<Vec<ObjectDiff>, Failure> {
    let repository = repository(workspace)?;
    let directory = &release.spec.output;
    let files = committed(repository, compared_commit(workspace, repository)?, directory)?;
    let files = files.as_ref();
    let lock = read_lock(files)?;
    let desired = release.desired();
    let services = services(lock.as_ref(), &desired.files);
    // Only compared: nothing is written over.
    let plan = plan(desired, lock.as_ref(), files, true)?;
    let of_files = compare(directory, files, &plan.changes).into_iter();
    let objects = of_files.map(|(path, change, compared)| {
        let text = compared.after.as_ref().or(compared.before.as_ref());
        let object = text.and_then(|(_, text)| object_of(text));
        let is_entry = path.directory() == Some(Directory::Entry.as_str());
        ObjectDiff {
            object: object.map_or_else(|| unnamed(&path.below(directory)), |id| named(id, release)),
            service: services.get(&path).cloned(),
            role: if is_entry { Role::Entry } else { Role::Other },
            change,
            compared,
        }
    });
    Ok(objects.collect())
}

/// An object with the namespace that its lane gives it where the manifest has none.
fn named(id: ObjectRef, release: &Release) -> ObjectRef {
    match &release.spec.release.namespace {
        Some(namespace) if id.namespace.is_empty() => {
            ObjectRef::new(&id.group, &id.kind, namespace, &id.name)
        }
        _ => id,
    }
}

/// The service that each file belongs to, or did.
fn services(lock: Option<&Lock>, files: &[OverlayFile]) -> HashMap<OverlayPath, String> {
    let old = lock.into_iter().flat_map(Lock::files).map(|file| (&file.path, &file.origin));
    let new = files.iter().map(|file| (&file.path, &file.origin));
    old.chain(new)
        .filter_map(|(path, origin)| Some((path.clone(), origin.service.clone()?)))
        .collect()
}

fn compare(
    directory: &str,
    head: &dyn OverlayFiles,
    changes: &[FileChange],
) -> Vec<(OverlayPath, Change, Compared)> {
    let text = |path: &OverlayPath| match head.read(path) {
        Ok(Found::File(bytes)) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        _ => None,
    };
    let changes = changes
        .iter()
        .filter(|change| !change.path().is_lock() && change.path().as_str().ends_with(".yaml"));
    let compared = changes.map(|change| {
        let path = change.path();
        let before = text(path);
        let (after, what) = match change {
            FileChange::Add(file) | FileChange::Replace(file) => {
                let what = if before.is_some() { Change::Changed } else { Change::Added };
                (Some(String::from_utf8_lossy(&file.contents).into_owned()), what)
            }
            FileChange::Remove(_) => (None, Change::Removed),
        };
        let (before, after) = masked(before, after);
        let side = |text: Option<String>| text.map(|text| (path.below(directory), text));
        (path.clone(), what, Compared { before: side(before), after: side(after) })
    });
    compared.filter(|(_, _, compared)| compared.differs()).collect()
}

/// Two versions of a file with the values of Secrets masked. A file that could hold a Secret in a way
/// that no overlay is written is not shown.
fn masked(before: Option<String>, after: Option<String>) -> (Option<String>, Option<String>) {
    let document = |text: &Option<String>| -> Option<Document> {
        let stream = parse(Source::new("", text.clone()?)).ok()?;
        let document = stream.documents.into_iter().next()?;
        let kind = document.at(&["kind"]).and_then(|kind| kind.as_str().map(str::to_owned));
        (!kind.is_some_and(|kind| kind.ends_with("List"))).then_some(document)
    };
    let (mut left, mut right) = (document(&before), document(&after));
    mask(left.as_mut(), right.as_mut());
    let shown = |document: Option<Document>, text: Option<String>| match (document, text) {
        (Some(document), _) => Some(document.to_text()),
        (None, Some(text)) if text.contains("Secret") => {
            Some("# not shown: it is no YAML of one object and could hold a Secret\n".to_owned())
        }
        (None, text) => text,
    };
    (shown(left, before), shown(right, after))
}
