//! `graylane cleanup`

mod gone;
mod stated;
mod targets;

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;

use super::commit::{
    CommitArgs, To, behind, head_lock, pushing, record, sound_head_lock, text, uncommitted,
};
use super::generate::change_line;
use super::output::Output;
use super::shared::{Boards, Edit, OnCommit};
use super::specs::SpecArgs;
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::commit_message::Action;
use crate::dangling::dangling;
use crate::diagnostic::{Diagnostic, Failure, nearest};
use crate::overlay::{
    Digest, FileChange, Found, Lock, LockHeader, OverlayDir, OverlayFiles, OverlayPath, Plan,
    Selection, Told, TreeFiles, commit_changes, message, plan_removal, read_lock,
};
use crate::pipeline::read_spec;
use crate::spec::instant;
use crate::yaml::{Document, Source, parse};
use gone::{gone_services, kept_services, kept_services_at};
use stated::{staying, with_given};
pub(super) use targets::{Locked, overlays};
use targets::{Targets, targets};

/// Remove a lane
///
/// Takes away what graylane wrote: the entry first, then the rest. Files that were changed by hand
/// stop it. The overlay's directory stays with a file in it, because Argo CD and Flux prune nothing
/// when a path is missing. Cleaning up what is gone already is nothing to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane cleanup --commit\n  graylane cleanup --tag pr-4711 --commit\n  graylane cleanup --overlay overlays/pr-4711\n  graylane cleanup --service spring-c\n  graylane cleanup --drain --commit\n  graylane cleanup --expired --commit --push\n  graylane cleanup --keep-metadata --commit\n  graylane cleanup --all --dry-run"
)]
pub(super) struct Args {
    #[command(flatten)]
    specs: SpecArgs,
    /// Remove the lanes of this tag, whether their specs are still there or not
    #[arg(long, conflicts_with_all = ["specs", "all"])]
    tag: Option<String>,
    /// Remove the overlay in this directory and no other, such as what a spec left under an earlier
    /// tag or output
    #[arg(long, value_name = "DIR", conflicts_with_all = ["specs", "tag", "all", "expired"])]
    overlay: Option<String>,
    /// Remove only what belongs to this service, if the rest of the lane does not need it
    #[arg(long)]
    service: Option<String>,
    /// Remove every lane of the repository
    #[arg(long, conflicts_with = "specs")]
    all: bool,
    /// Remove every lane whose spec says that it should be gone by now, for a scheduled job
    #[arg(long, conflicts_with_all = ["specs", "tag", "all", "service"])]
    expired: bool,
    /// The time at which lanes may have expired: RFC 3339, or a date for its start in UTC [default:
    /// now]
    #[arg(long, value_name = "TIME", requires = "expired", value_parser = instant)]
    now: Option<Timestamp>,
    /// Remove only the entry, so that gateways stop sending before the pods go; clean up the rest
    /// in a later commit
    #[arg(long, conflicts_with_all = ["service", "keep_metadata"])]
    drain: bool,
    /// Remove all that is applied and keep the lock: the lane is offline, `generate` brings it back
    #[arg(long, conflicts_with = "service")]
    keep_metadata: bool,
    /// Remove files that were changed by hand too, and what the rest of the lane needs
    #[arg(long)]
    force: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    commit: CommitArgs,
}

impl Args {
    /// Whether the command needs no files that stay here.
    pub(super) fn keeps(&self) -> bool {
        self.dry_run || self.commit.push
    }
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    pushing(&args.commit, None, args.dry_run, global, output, |output| {
        cleanup(args, global, output)
    })
}

fn cleanup(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open(global)?;
    if global.rev.is_some() {
        return Err(Failure::from(
            Diagnostic::error("cleanup works on the work tree, not on a commit")
                .remedy("leave out --rev"),
        )
        .into());
    }
    if args.commit.commit && !args.dry_run {
        workspace.to_commit()?;
    }
    let (mut warnings, mut errors) = (Vec::new(), Vec::new());
    let Targets { overlays: directories, shared } = targets(args, &workspace, &mut warnings)?;
    let root = workspace.root()?.to_owned();
    let selection = match &args.service {
        Some(service) => Selection::Service(service),
        None if args.keep_metadata => Selection::Objects,
        None if args.drain => Selection::Entry,
        None => Selection::All,
    };
    let mut plans = Vec::new();
    let mut kept_by = BTreeSet::new();
    let mut gone = HashSet::new();
    for directory in &directories {
        let overlay = OverlayDir::open(&root, directory)?;
        let lock = lock_to_clean(args, &overlay, selection, &workspace)?;
        if let (Some(service), Some(lock)) = (&args.service, &lock) {
            warnings.extend(unknown_service(service, lock, directory));
            kept_by.extend(spec_with(service, lock, &workspace)?);
        }
        match safe_removal(lock.as_ref(), selection, &overlay, args.force, &workspace) {
            Ok(plan) => {
                warnings.extend(staying(directory, lock.as_ref(), selection, &workspace)?);
                gone.extend(gone_services(lock.as_ref(), &plan));
                plans.push(overlay);
            }
            Err(Failure(list)) => errors.extend(list),
        }
    }
    if !shared.is_empty() {
        let kept = kept_services(&workspace, &directories)?;
        gone.retain(|service| !kept.contains(service));
    }
    let cleaned = Cleaned { overlays: &directories, shared: &shared };
    let mut boards = Boards::new(&workspace, !args.dry_run, args.force);
    let edits = shared.iter().map(|directory| (directory.as_str(), Edit::TakeOut(&gone)));
    errors.extend(boards.try_all(edits).err().into_iter().flat_map(|failure| failure.0));
    if !errors.is_empty() {
        return Err(Failure(errors).into());
    }
    output.notes(&warnings)?;
    let mut nothing = true;
    for directory in &shared {
        nothing &= !boards.edit(directory, Edit::TakeOut(&gone))?;
    }
    // Where a commit comes first, what refuses it leaves all files as they were.
    let mut settles = true;
    if args.dry_run || !args.commit.commit || args.commit.shows_files(&workspace)? {
        boards.settle(output)?;
        settles = false;
    }
    for overlay in plans {
        nothing &= !clean(args, overlay, selection, cleaned, &workspace, output)?;
        if std::mem::take(&mut settles) {
            boards.settle(output)?;
        }
    }
    if settles {
        boards.settle(output)?;
    }
    if nothing {
        output.say("nothing to do")?;
    } else if args.drain && !args.dry_run {
        output
            .say("next: when the gateway has stopped sending, the same command without --drain")?;
    } else if let Some(service) = args.service.as_ref().filter(|_| !args.dry_run) {
        for spec in kept_by {
            let generate = workspace.invocation().of("generate", &spec);
            output.say(&format!(
                "next: take `{service}` out of {spec}; while it is there, `{generate}` brings it back"
            ))?;
        }
    }
    Ok(Outcome::Done)
}

/// What one command cleans up.
#[derive(Clone, Copy)]
struct Cleaned<'a> {
    /// The directories of all the overlays.
    overlays: &'a [String],
    /// The directories that may have routes to them: they go from the commit with each.
    shared: &'a BTreeSet<String>,
}

/// Cleans one overlay; whether there was anything to do.
fn clean(
    args: &Args,
    overlay: OverlayDir,
    selection: Selection<'_>,
    cleaned: Cleaned<'_>,
    workspace: &Workspace,
    output: &mut Output,
) -> anyhow::Result<bool> {
    let directory = overlay.dir().to_owned();
    let lock = lock_to_clean(args, &overlay, selection, workspace)?;
    if lock.is_none() && !overlay.path().is_dir() {
        return Ok(false);
    }
    if args.dry_run {
        let plan = safe_removal(lock.as_ref(), selection, &overlay, args.force, workspace)?;
        tell(&plan, &directory, output)?;
        return Ok(!plan.is_empty());
    }
    let writing = overlay.begin()?;
    let lock = lock_to_clean(args, writing.dir(), selection, workspace)?;
    let plan = safe_removal(lock.as_ref(), selection, writing.dir(), args.force, workspace)?;
    let files_first = !args.commit.commit || args.commit.shows_files(workspace)?;
    if files_first {
        writing.apply(&plan)?;
    }
    let committed = if args.commit.commit {
        let committed =
            commit(args, &directory, lock.as_ref(), &plan, selection, cleaned, workspace);
        committed.map_err(|error| match files_first {
            true => uncommitted(error, format!("{directory} is cleaned up, but not committed")),
            false => error,
        })?
    } else {
        None
    };
    if !files_first {
        let applied = writing.apply(&plan);
        applied.map_err(|failure| behind(failure, &directory, committed.as_ref()))?;
    }
    tell(&plan, &directory, output)?;
    if let Some(line) = &committed {
        output.result(line)?;
    }
    Ok(committed.is_some() || !plan.is_empty())
}

/// Commits the removal of a lane, which may not be carried out yet, and of the routes to it.
fn commit(
    args: &Args,
    directory: &str,
    lock: Option<&Lock>,
    plan: &Plan,
    selection: Selection<'_>,
    cleaned: Cleaned<'_>,
    workspace: &Workspace,
) -> anyhow::Result<Option<String>> {
    let repository = workspace.to_commit()?;
    let head = sound_head_lock(repository, directory)?;
    let Some(header) = lock.or(head.as_ref()).map(Lock::header) else { return Ok(None) };
    let commit = repository.head()?.commit();
    // A removal that was carried out earlier is told by what HEAD had.
    let told = match (&head, commit) {
        (Some(head), Some(commit)) => {
            let files = TreeFiles::open(repository, commit, directory)?;
            plan_removal(Some(head), selection, &files, true)?
        }
        _ => plan.clone(),
    };
    let mut gone = gone_services(head.as_ref(), &told);
    gone.extend(gone_services(lock, plan));
    if let (Some(commit), false) = (commit, cleaned.shared.is_empty()) {
        let kept = kept_services_at(repository, commit, cleaned.overlays)?;
        gone.retain(|service| !kept.contains(service));
    }
    let routes: Vec<OnCommit> = cleaned
        .shared
        .iter()
        .map(|shared| OnCommit::of(repository, commit, shared, &[Edit::TakeOut(&gone)], args.force))
        .collect::<Result<_, Failure>>()?;
    let mut changes = commit_changes(directory, plan, head.as_ref());
    changes.extend(routes.iter().flat_map(|routes| routes.changes.iter().cloned()));
    let mut all = vec![Told { plan: &told, old: head.as_ref().or(lock) }];
    all.extend(routes.iter().map(|routes| Told { plan: &routes.plan, old: routes.old.as_ref() }));
    let text = removal_text(args, header, &all, workspace)?;
    record(&args.commit, repository, To::Head, changes, &text)
}

/// Tells what is removed.
fn tell(plan: &Plan, directory: &str, output: &mut Output) -> anyhow::Result<()> {
    for change in plan.told() {
        output.result(&change_line(change, directory))?;
    }
    Ok(())
}

/// Plans a removal; without `force`, one of a service after which the rest of the lane would miss
/// something is an error.
fn safe_removal(
    lock: Option<&Lock>,
    selection: Selection<'_>,
    overlay: &OverlayDir,
    force: bool,
    workspace: &Workspace,
) -> Result<Plan, Failure> {
    let plan = plan_removal(lock, selection, overlay, force)?;
    let (Selection::Service(service), false) = (selection, force) else { return Ok(plan) };
    let staying = plan.lock.iter().flat_map(Lock::files).map(|file| &file.path);
    let staying = documents(staying, overlay)?;
    let going = plan.changes.iter().filter_map(|change| match change {
        FileChange::Remove(path) if !path.is_lock() => Some(path),
        _ => None,
    });
    let missed = dangling(&staying, &documents(going, overlay)?);
    if missed.is_empty() {
        return Ok(plan);
    }
    let spec = lock.map(|lock| lock.header().spec.as_str()).unwrap_or_default();
    let generate = workspace.invocation().of("generate", spec);
    let error = Diagnostic::error(format!(
        "the lane in {} needs objects that would go with the service `{}`",
        overlay.dir(),
        service.escape_debug()
    ))
    .remedy(format!(
        "take the service out of the spec and run `{generate}`, which keeps what others use; or remove them all the same with `--force`"
    ));
    let error = missed.into_iter().fold(error, |error, one| {
        error.related(one.place, format!("{} needs {}", one.user, one.needs))
    });
    Err(error.into())
}

/// The documents of files of an overlay. What is no YAML, after a change by hand, has none.
fn documents<'a>(
    paths: impl Iterator<Item = &'a OverlayPath>,
    overlay: &OverlayDir,
) -> Result<Vec<Document>, Failure> {
    let mut documents = Vec::new();
    for path in paths {
        let Found::File(bytes) = overlay.read(path)? else { continue };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        if let Ok(stream) = parse(Source::new(overlay.shown(path), text)) {
            documents.extend(stream.documents);
        }
    }
    Ok(documents)
}

/// The lock of what is to be removed: the one on disk. Where a lane is to be gone from git too and
/// somebody removed it from disk already, the one in the last commit.
fn lock_to_clean(
    args: &Args,
    overlay: &OverlayDir,
    selection: Selection<'_>,
    workspace: &Workspace,
) -> Result<Option<Lock>, Failure> {
    let lock = read_lock(overlay)?;
    if let Some(lock) = lock {
        let leaves_lane = matches!(selection, Selection::Entry | Selection::Objects);
        let digest = match leaves_lane {
            true => present_digest(args, &lock.header().spec, workspace)?,
            false => None,
        };
        let lock = with_given(lock, overlay, workspace)?;
        return Ok(Some(match digest {
            Some(digest) => lock.cleaned_up(digest),
            None => lock,
        }));
    }
    if !args.commit.commit || selection != Selection::All {
        return Ok(None);
    }
    head_lock(workspace.to_commit()?, overlay.dir())
}

/// What a spec says now, as a digest; of a removal that is committed, in the last commit, because
/// those who read the commit read that. `None` where it is gone.
fn present_digest(
    args: &Args,
    spec: &str,
    workspace: &Workspace,
) -> Result<Option<Digest>, Failure> {
    let committed = match args.commit.commit {
        true => workspace.to_commit()?.blob_at_head(spec).ok().flatten(),
        false => None,
    };
    let there = || workspace.files().ok()?.read(spec).ok();
    Ok(committed.or_else(there).map(|bytes| Digest::of(&bytes)))
}

/// What the commit of a removal says: as the lane's spec has it, where it is still there.
fn removal_text(
    args: &Args,
    header: &LockHeader,
    told: &[Told<'_>],
    workspace: &Workspace,
) -> Result<String, Failure> {
    let message = message(Action::Cleanup, told, &header.name, &header.tag);
    let spec = read_spec(workspace.files()?.as_ref(), &header.spec).ok();
    let template = spec.as_ref().and_then(|spec| spec.release.commit_template.as_ref());
    let digest = header.spec_digest.as_str();
    text(&args.commit, &message, template, digest, None, workspace.to_commit()?)
}

/// The spec of a lane, where it still has a service.
fn spec_with(service: &str, lock: &Lock, workspace: &Workspace) -> Result<Option<String>, Failure> {
    let path = &lock.header().spec;
    let spec = read_spec(workspace.files()?.as_ref(), path).ok();
    let services = spec.iter().flat_map(|spec| &spec.release.services);
    let has_it = services.into_iter().any(|there| there.name == service);
    Ok(has_it.then(|| path.clone()))
}

/// Warns of a service that is not there; it may be gone already, and cleaning up can be repeated.
fn unknown_service(service: &str, lock: &Lock, directory: &str) -> Option<Diagnostic> {
    let mut names: Vec<&str> =
        lock.files().iter().filter_map(|file| file.origin.service.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() || names.contains(&service) {
        return None;
    }
    let warning = Diagnostic::warning(format!(
        "the lane in {directory} has no service `{}`",
        service.escape_debug()
    ));
    Some(match nearest(service, names.iter().copied()) {
        Some(near) => warning.remedy(format!("did you mean `{near}`?")),
        None => warning.remedy(format!("its services are {}", names.join(", "))),
    })
}
