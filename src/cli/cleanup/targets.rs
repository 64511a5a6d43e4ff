//! The overlays that a cleanup is about.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;

use super::super::commit::head_lock;
use super::super::specs::default_specs;
use super::super::workspace::Workspace;
use super::Args;
use crate::baseline::files::{Files, FilesError};
use crate::diagnostic::{Diagnostic, Failure, nearest};
use crate::overlay::{LOCK_FILE, Lock, OverlayDir, read_lock};
use crate::pipeline::{SpecFile, read_spec};

/// What a command cleans, and where routes to it may be.
pub(super) struct Targets {
    /// The directories of overlays.
    pub(super) overlays: Vec<String>,
    /// The directories of what lanes share.
    pub(super) shared: BTreeSet<String>,
}

impl Targets {
    /// Each overlay once: where one spec's output was before may be another's by now.
    fn new(mut overlays: Vec<String>, shared: BTreeSet<String>) -> Self {
        let mut known = HashSet::new();
        overlays.retain(|directory| known.insert(directory.clone()));
        Self { overlays, shared }
    }
}

/// Warns of a tag that no lane has; its lane may be gone already, and cleaning up can be repeated.
fn unknown_tag(tag: &str, locks: &[(String, Lock)]) -> Option<Diagnostic> {
    let tags: BTreeSet<&str> = locks.iter().map(|(_, lock)| lock.header().tag.as_str()).collect();
    if tags.is_empty() || tags.contains(tag) {
        return None;
    }
    let warning = Diagnostic::warning(format!("no lane has the tag `{}`", tag.escape_debug()));
    let all = format!("the tags are {}", tags.iter().copied().collect::<Vec<_>>().join(", "));
    Some(warning.remedy(match nearest(tag, tags) {
        Some(near) => format!("did you mean `{near}`? {all}"),
        None => all,
    }))
}

/// Warns of a directory that has no lock; its lane may be gone already, which leaves the directory.
///
/// # Errors
///
/// There is no such directory, so that none was meant.
fn unknown_overlay(
    directory: &str,
    known: &BTreeSet<String>,
    args: &Args,
    workspace: &Workspace,
) -> Result<Option<Diagnostic>, Failure> {
    if known.contains(directory) {
        return Ok(None);
    }
    let shown = if directory.is_empty() { "." } else { directory };
    let message = format!("there is no overlay in `{shown}`");
    let lock = workspace.repository.as_ref().map(|repository| head_lock(repository, directory));
    if !matches!(lock, None | Some(Ok(None))) {
        let is_left = !args.commit.commit;
        return Ok(is_left.then(|| {
            Diagnostic::warning(message).remedy("the last commit has one: add --commit")
        }));
    }
    let remedy = match nearest(directory, known.iter().map(String::as_str)) {
        Some(near) => {
            let near = workspace.invocation().argument(near);
            format!("did you mean `{near}`? `graylane list` shows all")
        }
        None => "`graylane list` shows the directories of all overlays".to_owned(),
    };
    if workspace.root()?.join(directory).is_dir() {
        return Ok(Some(Diagnostic::warning(message).remedy(remedy)));
    }
    Err(Diagnostic::error(message).remedy(remedy).into())
}

fn no_overlay(directory: &str) -> Diagnostic {
    Diagnostic::error(format!("`{directory}` holds what lanes share, and is no overlay of one"))
}

/// What to clean. Routes to a lane are looked for wherever the repository has any: its spec may be
/// gone, or name another directory by now.
pub(super) fn targets(
    args: &Args,
    workspace: &Workspace,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Targets, Failure> {
    let files = workspace.files()?;
    let (mut locks, mut errors) = (Vec::new(), Vec::new());
    let mut shared = BTreeSet::new();
    let mut known = BTreeSet::new();
    for (directory, lock) in overlays(workspace)? {
        known.insert(directory.clone());
        match lock {
            Ok(lock) if lock.header().is_shared() => {
                shared.insert(directory);
            }
            Ok(lock) => locks.push((directory, lock)),
            Err(Failure(list)) => errors.extend(list),
        }
    }
    if let Some(overlay) = &args.overlay {
        let directory = workspace.path(overlay)?;
        if shared.contains(&directory) {
            return Err(no_overlay(&directory)
                .remedy("clean the lanes up: their routes go with them")
                .into());
        }
        // A damaged lock is told by who reads it.
        warnings.extend(unknown_overlay(&directory, &known, args, workspace)?);
        return Ok(Targets::new(vec![directory], shared));
    }
    if args.all || args.tag.is_some() {
        if !errors.is_empty() {
            return Err(Failure(errors));
        }
        // A lane that is gone already is nothing to do: cleaning up can be repeated.
        warnings.extend(args.tag.as_ref().and_then(|tag| unknown_tag(tag, &locks)));
        let is_meant = |lock: &Lock| args.tag.as_ref().is_none_or(|tag| lock.header().tag == *tag);
        let overlays = locks.into_iter().filter(|(_, lock)| is_meant(lock));
        let overlays = overlays.map(|(directory, _)| directory).collect();
        return Ok(Targets::new(overlays, shared));
    }
    if args.expired {
        let overlays = expired(args, workspace, files.as_ref(), &locks, warnings);
        return Ok(Targets::new(overlays, shared));
    }
    let specs = if args.specs.specs.is_empty() {
        let found = default_specs(workspace, files.as_ref());
        if found.is_empty() {
            return Err(Diagnostic::error(
                "there is no spec here: neither graylane.yaml nor graylane/*.yaml",
            )
            .remedy(match &args.service {
                Some(service) => format!(
                    "name a spec, or the lane by its tag: --tag TAG --service {}",
                    service.escape_debug()
                ),
                None => "name a spec, a lane by --tag, or --all".to_owned(),
            })
            .into());
        }
        found
    } else {
        args.specs.paths(workspace, files.as_ref())?
    };
    // A damaged lock of another lane is no concern of these.
    errors.clear();
    let mut overlays = Vec::new();
    let shared_by_lock = shared.clone();
    for path in &specs {
        match read_spec(files.as_ref(), path) {
            Ok(spec) if shared_by_lock.contains(&spec.output) => errors.push(
                no_overlay(&spec.output).at(spec.release.output_place.clone()).remedy(format!(
                    "give this spec an `output` of its own; where the lock there is not what it was: git restore '{}/{LOCK_FILE}'",
                    spec.output
                )),
            ),
            Ok(spec) => {
                errors.extend(of_another(&spec, &locks, &specs, files.as_ref(), workspace));
                overlays.extend(of_spec(&locks, path).filter(|found| *found != spec.output));
                overlays.push(spec.output);
                shared.extend(spec.shared);
            }
            Err(Failure(list)) => errors.extend(list),
        }
    }
    if errors.is_empty() { Ok(Targets::new(overlays, shared)) } else { Err(Failure(errors)) }
}

/// What is wrong with cleaning up the output of a spec: the overlay there is that of another one that
/// is there and was not named.
fn of_another(
    spec: &SpecFile,
    locks: &[(String, Lock)],
    named: &[String],
    files: &dyn Files,
    workspace: &Workspace,
) -> Option<Diagnostic> {
    let (directory, lock) = locks.iter().find(|(directory, _)| *directory == spec.output)?;
    let owner = &lock.header().spec;
    if **owner == *spec.release.file || named.contains(owner) {
        return None;
    }
    let theirs = read_spec(files, owner).ok()?.release;
    let error = Diagnostic::error(format!(
        "`{directory}` is the overlay of the lane `{}` ({owner})",
        theirs.name
    ));
    let error = error.at(spec.release.output_place.clone());
    Some(error.related(theirs.output_place, "its output").remedy(format!(
        "give this spec an `output` of its own; if that lane is meant: {}",
        workspace.invocation().of("cleanup", owner)
    )))
}

/// The overlays that were made from a spec, wherever its output is by now.
fn of_spec<'a>(locks: &'a [(String, Lock)], path: &'a str) -> impl Iterator<Item = String> + 'a {
    let found = locks.iter().filter(move |(_, lock)| lock.header().spec == path);
    found.map(|(directory, _)| directory.clone())
}

/// The overlays whose specs say that they should be gone by now. A spec that cannot be read keeps
/// nobody else's lane.
fn expired(
    args: &Args,
    workspace: &Workspace,
    files: &dyn Files,
    locks: &[(String, Lock)],
    warnings: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let now = args.now.unwrap_or_else(Timestamp::now);
    let mut specs: BTreeSet<String> = default_specs(workspace, files).into_iter().collect();
    specs.extend(locks.iter().map(|(_, lock)| lock.header().spec.clone()));
    let there: HashSet<&str> = locks.iter().map(|(directory, _)| directory.as_str()).collect();
    let mut overlays = Vec::new();
    for path in specs {
        match read_spec(files, &path) {
            Ok(spec) => {
                let expiry = spec.release.expires.as_ref();
                if expiry.is_some_and(|expiry| expiry.is_past(now)) {
                    overlays.extend(of_spec(locks, &path).filter(|found| *found != spec.output));
                    overlays.extend(there.contains(spec.output.as_str()).then_some(spec.output));
                }
            }
            Err(_) => {
                let what = format!("whether the lane of {path} has expired is not known");
                let invocation = workspace.invocation();
                let remedy = match of_spec(locks, &path).next() {
                    Some(overlay) if matches!(files.read(&path), Err(FilesError::Missing)) => {
                        format!("its spec is gone: `{}` removes it", invocation.cleanup(&overlay))
                    }
                    _ => format!("`{}` says what is wrong with it", invocation.of("check", &path)),
                };
                warnings.push(Diagnostic::warning(what).remedy(remedy));
            }
        }
    }
    overlays
}

/// A directory with a lock, and the lock where it can be read.
pub(in crate::cli) type Locked = (String, Result<Lock, Failure>);

/// All overlays of the work tree, in the order of their directories. Those of submodules and of
/// other repositories belong to them.
pub(in crate::cli) fn overlays(workspace: &Workspace) -> Result<Vec<Locked>, Failure> {
    let root = workspace.root()?;
    let found = workspace.regular_files()?;
    let mut overlays = Vec::new();
    for path in found {
        let directory = match path.strip_suffix(LOCK_FILE) {
            Some("") => "",
            Some(directory) if directory.ends_with('/') => directory.trim_end_matches('/'),
            _ => continue,
        };
        let lock = OverlayDir::open(root, directory).and_then(|overlay| read_lock(&overlay));
        if let Some(lock) = lock.transpose() {
            overlays.push((directory.to_owned(), lock));
        }
    }
    Ok(overlays)
}
