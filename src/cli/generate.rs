//! `graylane generate`

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::commit::{
    CommitArgs, To, behind, pushing, record, sound_head_lock, source_commit, text, uncommitted,
};
use super::output::Output;
use super::shared::{Boards, Edit, OnCommit, Part};
use super::specs::{BaselineArgs, PresenceArgs, SpecArgs, releases_present};
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::baseline::files::{AtCommit, Either, Files, Memory};
use crate::commit_message::Action;
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::CommitId;
use crate::invocation::Invocation;
use crate::neighbours::Destination;
use crate::overlay::{
    Desired, Directory, FileChange, Found, Lock, OverlayDir, OverlayFiles, OverlayPath, Plan, Told,
    TreeFiles, commit_changes, is_removed, message, overlays_below, plan, read_lock,
};
use crate::pipeline::{Release, SpecFile};
use crate::surroundings::is_drained;

/// Write the overlay
///
/// Touches only files that graylane wrote; a file that was changed by hand stops it. Writing is all
/// or nothing. With --commit the overlay is committed and nothing else.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane generate\n  graylane generate --check\n  graylane generate --commit graylane/pr-4711.yaml"
)]
pub(super) struct Args {
    #[command(flatten)]
    specs: SpecArgs,
    #[command(flatten)]
    baseline: BaselineArgs,
    #[command(flatten)]
    presence: PresenceArgs,
    /// Only compare: exit code 1 when the overlay is not what the spec gives
    #[arg(long, conflicts_with_all = ["commit", "dry_run"])]
    check: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Overwrite files that were changed by hand, and foreign files in their place
    #[arg(long)]
    force: bool,
    /// Commit to this branch, which is not checked out: the work tree is not touched. A branch that
    /// is not there starts at HEAD
    #[arg(long, requires = "commit")]
    branch: Option<String>,
    /// Start a branch that is not there without a parent, for manifests alone
    #[arg(long, requires = "branch")]
    orphan: bool,
    #[command(flatten)]
    commit: CommitArgs,
}

impl Args {
    /// Whether the command needs no files that stay here.
    pub(super) fn keeps(&self) -> bool {
        self.check || self.dry_run || self.commit.push
    }
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let branch = args.branch.as_deref();
    pushing(&args.commit, branch, args.dry_run, global, output, |output| match branch {
        Some(branch) => on_branch(args, branch, global, output),
        None => in_work_tree(args, global, output),
    })
}

/// Commits overlays to a branch that is not checked out.
fn on_branch(
    args: &Args,
    branch: &str,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    let repository = workspace.to_commit()?;
    let base = repository.branch_base(branch, args.orphan).map_err(Failure::from)?;
    // Other lanes are those of that branch, wherever spec and baseline are read from.
    let there: Box<dyn Files> = match base {
        Some(base) => Box::new(AtCommit::checked_out(repository, base).map_err(Failure::from)?),
        None => Box::new(Memory::default()),
    };
    let invocation = workspace.invocation();
    let to = Destination { files: there.as_ref(), branch: Some(branch), invocation: &invocation };
    let releases = sound(args, &workspace, to, output)?;
    for release in releases {
        let part = Part::of(&release, &workspace);
        let (spec, desired) = release.into_overlay();
        let base = repository.branch_base(branch, args.orphan).map_err(Failure::from)?;
        let nothing = std::collections::BTreeMap::<OverlayPath, Vec<u8>>::new();
        let tree = base.map(|base| TreeFiles::open(repository, base, &spec.output)).transpose()?;
        let files = tree.as_ref().map_or(&nothing as &dyn OverlayFiles, |tree| tree);
        let old = read_lock(files)?;
        if let Some(how) = taken_away(args, &desired, old.as_ref(), files)? {
            output.say(&format!("{}: {how}", spec.release.name))?;
            continue;
        }
        let plan = plan(desired, old.as_ref(), files, args.force)?;
        let shared = on_commit(args, &workspace, base, part.as_ref())?;
        let changes_shared = shared.as_ref().is_some_and(|shared| !shared.plan.is_empty());
        tell(output, &spec, &plan, changes_shared)?;
        if args.dry_run || (plan.is_empty() && !changes_shared) {
            continue;
        }
        let told = Told { plan: &plan, old: old.as_ref() };
        let changes = commit_changes(&spec.output, &plan, old.as_ref());
        let to = To::Branch { name: branch, orphan: args.orphan };
        if let Some(line) = commit(args, &spec, told, changes, shared, to, &workspace)? {
            output.result(&line)?;
        }
    }
    Ok(Outcome::Done)
}

/// The lanes, where nothing is found in them that stops a release.
fn sound(
    args: &Args,
    workspace: &Workspace,
    to: Destination<'_>,
    output: &mut Output,
) -> anyhow::Result<Vec<Release>> {
    let Args { specs, presence, baseline, .. } = args;
    let releases = releases_present(specs, presence, baseline, workspace, Some(to), output)?;
    let unsound = releases.iter().filter_map(|release| release.sound().err());
    let errors: Vec<Diagnostic> = unsound.flat_map(|failure| failure.0).collect();
    if errors.is_empty() { Ok(releases) } else { Err(Failure(errors).into()) }
}

/// A lane's part in what it shares as a commit on top of another has it.
fn on_commit(
    args: &Args,
    workspace: &Workspace,
    base: Option<CommitId>,
    part: Option<&Part>,
) -> anyhow::Result<Option<OnCommit>> {
    let Some(part) = part else { return Ok(None) };
    let edits = [Edit::Put(part)];
    Ok(Some(OnCommit::of(workspace.to_commit()?, base, &part.directory, &edits, args.force)?))
}

/// How a lane was taken away that `--if-present` leaves so: a hook would refuse the commit of
/// `cleanup`, and a job undo it. One that is gone as a whole is written, because a new release may
/// have its directory, but not missed.
fn taken_away(
    args: &Args,
    desired: &Desired,
    old: Option<&Lock>,
    found: &dyn OverlayFiles,
) -> Result<Option<&'static str>, Failure> {
    if !args.presence.if_present {
        return Ok(None);
    }
    let Some(old) = old else {
        return Ok((args.check && is_removed(found)?).then_some("removed"));
    };
    let how = match () {
        () if old.is_offline() => "offline",
        () if is_drained(desired, old) => "drained",
        () => return Ok(None),
    };
    let is_left =
        old.is_cleaned_up_with(&desired.header.spec_digest) && absent_entries(desired, found)?;
    Ok(is_left.then_some(how))
}

/// Whether nothing of an overlay lets gray traffic in, whatever its lock says.
fn absent_entries(desired: &Desired, found: &dyn OverlayFiles) -> Result<bool, Failure> {
    for file in desired.files.iter().filter(|file| file.origin.object.is_some()) {
        let is_entry = file.path.directory() == Some(Directory::Entry.as_str());
        if is_entry && found.read(&file.path)? != Found::Absent {
            return Ok(false);
        }
    }
    Ok(true)
}

fn in_work_tree(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    let root = workspace.root()?.to_owned();
    if args.commit.commit {
        workspace.to_commit()?;
    }
    let there = beside(args, &workspace)?;
    let invocation = workspace.invocation();
    let to = Destination { files: there.as_ref(), branch: None, invocation: &invocation };
    let releases = sound(args, &workspace, to, output)?;
    let mut errors = Vec::new();
    let mut differs = false;
    // What the overlays are made from is let go before they are compared and written.
    let with_part = |release: Release| {
        let part = Part::of(&release, &workspace);
        let (spec, desired) = release.into_overlay();
        (spec, desired, part)
    };
    let mut overlays: Vec<(SpecFile, Desired, Option<Part>)> = Vec::new();
    for (spec, desired, part) in releases.into_iter().map(with_part) {
        let directory = OverlayDir::open(&root, &spec.output)?;
        let old = if args.presence.if_present { read_lock(&directory)? } else { None };
        match taken_away(args, &desired, old.as_ref(), &directory)? {
            Some(how) => output.say(&format!("{}: {how}", spec.release.name))?,
            None => overlays.push((spec, desired, part)),
        }
    }
    let force = args.check || args.force;
    let mut boards = Boards::new(&workspace, !(args.check || args.dry_run), force);
    let parts = overlays.iter().filter_map(|(_, _, part)| part.as_ref());
    if let Err(Failure(list)) =
        boards.try_all(parts.map(|part| (part.directory.as_str(), Edit::Put(part))))
    {
        errors.extend(list);
    }
    let mut planned = Vec::new();
    for (spec, desired, part) in overlays {
        let directory = OverlayDir::open(&root, &spec.output)?;
        if args.check || args.dry_run {
            let old = read_lock(&directory)?;
            let plan = plan(desired, old.as_ref(), &directory, force)?;
            let routes = put(&mut boards, part.as_ref())?;
            if args.dry_run || plan.differs(old.as_ref()) {
                tell(output, &spec, &plan, routes)?;
                differs |= args.check;
            } else if !routes {
                tell_nothing(output, &spec)?;
            }
            continue;
        }
        let writing = directory.begin()?;
        if writing.recovered() {
            output.say(&format!("{}: restored what an interrupted run had left", spec.output))?;
        }
        let old = read_lock(writing.dir())?;
        match plan(desired, old.as_ref(), writing.dir(), args.force) {
            Ok(plan) => planned.push((spec, writing, plan, part)),
            Err(Failure(list)) => errors.extend(list),
        }
    }
    if !errors.is_empty() {
        return Err(Failure(errors).into());
    }
    let mut written = Written::default();
    for (spec, writing, plan, mut part) in planned {
        // Committing fails more often than writing (no identity, a locked index), and touches no
        // file: what it refuses leaves everything as it was. A hook wants to see the files.
        let hook_first = args.commit.commit && args.commit.shows_files(&workspace)?;
        if hook_first {
            writing.apply(&plan)?;
        }
        let committed = if args.commit.commit {
            commit_written(args, &spec, &plan, part.as_mut(), &workspace).map_err(|error| {
                match hook_first {
                    true => {
                        uncommitted(error, format!("{} is written, but not committed", spec.output))
                    }
                    false => error,
                }
            })?
        } else {
            None
        };
        if !hook_first {
            writing
                .apply(&plan)
                .map_err(|failure| behind(failure, &spec.output, committed.as_ref()))?;
        }
        let routes = put(&mut boards, part.as_ref())?;
        tell(output, &spec, &plan, routes)?;
        boards.settle(output)?;
        if let Some(line) = committed {
            output.result(&line)?;
        }
        written.tell_left_over(&root, &spec, &invocation, output)?;
    }
    if args.check || args.dry_run {
        differs |= boards.settle(output)?;
    }
    Ok(if args.check && differs { Outcome::Different } else { Outcome::Done })
}

/// The tree that lanes of the work tree are written to: a commit goes on top of HEAD, which may have
/// overlays that are not on disk, as in a sparse checkout.
fn beside<'w>(args: &Args, workspace: &'w Workspace) -> Result<Box<dyn Files + 'w>, Failure> {
    let disk = workspace.work_tree()?;
    if !args.commit.commit {
        return Ok(disk);
    }
    let repository = workspace.to_commit()?;
    let Some(head) = repository.head()?.commit() else { return Ok(disk) };
    let second = Box::new(AtCommit::checked_out(repository, head)?);
    Ok(Box::new(Either { first: disk, second }))
}

/// The overlays below the directories that overlays are written to, read once for all specs of a
/// run.
#[derive(Default)]
struct Written {
    /// Each with the spec of its lock, by the directory above them.
    by_directory: HashMap<String, Vec<(String, String)>>,
}

impl Written {
    /// Tells of overlays that an earlier tag or output of the same spec left beside this one.
    fn tell_left_over(
        &mut self,
        root: &Path,
        spec: &SpecFile,
        invocation: &Invocation,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let Some((above, _)) = spec.output.rsplit_once('/') else { return Ok(()) };
        if !self.by_directory.contains_key(above) {
            self.by_directory.insert(above.to_owned(), overlays_below(root, above));
        }
        for (directory, of) in self.by_directory.get_mut(above).into_iter().flatten() {
            if *directory == spec.output {
                // It was written since, and may have been that of a spec that is told of later.
                *of = spec.release.file.to_string();
            } else if of == spec.release.file.as_ref() {
                // Other lanes may have its tag too.
                output.say(&format!(
                    "{directory} is still there from when this spec had the tag or output of it; \
                     `{}` removes it",
                    invocation.cleanup(directory)
                ))?;
            }
        }
        Ok(())
    }
}

/// Puts a lane's part into what it shares; whether that changes anything.
fn put(boards: &mut Boards<'_>, part: Option<&Part>) -> Result<bool, Failure> {
    part.map_or(Ok(false), |part| boards.edit(&part.directory, Edit::Put(part)))
}

/// Tells what becomes of an overlay; `routes` says that something it shares changes besides.
fn tell(output: &mut Output, spec: &SpecFile, plan: &Plan, routes: bool) -> anyhow::Result<()> {
    for change in plan.told() {
        output.result(&change_line(change, &spec.output))?;
    }
    if plan.is_empty() && !routes { tell_nothing(output, spec) } else { Ok(()) }
}

fn tell_nothing(output: &mut Output, spec: &SpecFile) -> anyhow::Result<()> {
    output.say(&format!("{}: nothing to do", spec.release.name))?;
    Ok(())
}

/// A line that tells of a changed file.
pub(super) fn change_line(change: &FileChange, directory: &str) -> String {
    let word = match change {
        FileChange::Add(_) => "add",
        FileChange::Replace(_) => "update",
        FileChange::Remove(_) => "remove",
    };
    format!("{word} {}\n", change.path().below(directory))
}

/// Commits an overlay of the work tree, which may not be written yet.
fn commit_written(
    args: &Args,
    spec: &SpecFile,
    plan: &Plan,
    part: Option<&mut Part>,
    workspace: &Workspace,
) -> anyhow::Result<Option<String>> {
    let repository = workspace.to_commit()?;
    let head = sound_head_lock(repository, &spec.output)?;
    let base = repository.head()?.commit();
    // A plan that was carried out earlier is told by what HEAD had.
    let told = match (base, plan.outcome()) {
        (Some(commit), Some(outcome)) => {
            let files = TreeFiles::open(repository, commit, &spec.output)?;
            crate::overlay::plan(outcome, head.as_ref(), &files, true)?
        }
        // Before the first commit that is nothing.
        (None, Some(outcome)) => {
            let nothing = std::collections::BTreeMap::<OverlayPath, Vec<u8>>::new();
            crate::overlay::plan(outcome, None, &nothing, true)?
        }
        (_, None) => plan.clone(),
    };
    let part = part.map(|part| {
        part.had(head.as_ref());
        &*part
    });
    let shared = on_commit(args, workspace, base, part)?;
    let changes_shared = shared.as_ref().is_some_and(|shared| !shared.plan.is_empty());
    if told.is_empty() && !changes_shared {
        return Ok(None);
    }
    let mut changes = commit_changes(&spec.output, plan, head.as_ref());
    // Of what nobody owns, such as a file that keeps an emptied directory, a plan that was carried
    // out earlier does not tell.
    let known: HashSet<String> = changes.iter().map(|change| change.path.clone()).collect();
    let rest = commit_changes(&spec.output, &told, head.as_ref()).into_iter();
    changes.extend(rest.filter(|change| !known.contains(&change.path)));
    let told = Told { plan: &told, old: head.as_ref() };
    commit(args, spec, told, changes, shared, To::Head, workspace)
}

/// Commits the changes of a lane and of what it shares.
fn commit(
    args: &Args,
    spec: &SpecFile,
    told: Told<'_>,
    mut changes: Vec<crate::git::Change>,
    shared: Option<OnCommit>,
    to: To<'_>,
    workspace: &Workspace,
) -> anyhow::Result<Option<String>> {
    let repository = workspace.to_commit()?;
    let mut all = vec![told];
    if let Some(shared) = &shared {
        all.push(Told { plan: &shared.plan, old: shared.old.as_ref() });
        changes.extend(shared.changes.iter().cloned());
    }
    let release = &spec.release;
    let said = message(Action::Generate, &all, &release.name, release.tag.as_str());
    let source = source_commit(spec, workspace, repository)?;
    let template = release.commit_template.as_ref();
    let text = text(&args.commit, &said, template, spec.digest.as_str(), source, repository)?;
    record(&args.commit, repository, to, changes, &text)
}
