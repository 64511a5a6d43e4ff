//! `graylane generate`

use super::output::Output;
use super::shared::{Boards, Edit, OnCommit, Part};
use super::specs::{BaselineArgs, SpecArgs, releases};
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::{CommitOutcome, CommitRequest, Identity, Repository};
use crate::overlay::{
    Desired, FileChange, LOCK_FILE, Lock, OverlayDir, Plan, Provenance, Told, TreeFiles,
    commit_changes, message, plan, read_lock,
};
use crate::pipeline::{Release, SpecFile};

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
    /// Only compare: exit code 1 when the overlay is not what the spec gives
    #[arg(long, conflicts_with_all = ["commit", "dry_run"])]
    check: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Overwrite files that were changed by hand, and foreign files in their place
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    commit: CommitArgs,
}

/// Whether and as whom to commit.
#[derive(Debug, clap::Args)]
pub(super) struct CommitArgs {
    /// Commit the change
    #[arg(long)]
    pub(super) commit: bool,
    /// Author of the commit [default: as git decides]
    #[arg(long, value_name = "NAME <EMAIL>", value_parser = parse_author)]
    author: Option<Author>,
}

/// The author of a commit, as git writes one.
#[derive(Clone, Debug)]
struct Author {
    name: String,
    email: String,
}

fn parse_author(text: &str) -> Result<Author, String> {
    let (name, rest) = text.split_once(" <").ok_or("write it as `Name <mail@example.com>`")?;
    let email = rest.strip_suffix('>').ok_or("write it as `Name <mail@example.com>`")?;
    let fits = |part: &str| {
        !part.trim().is_empty() && !part.contains(['<', '>']) && !part.contains(char::is_control)
    };
    if fits(name) && fits(email) {
        Ok(Author { name: name.to_owned(), email: email.to_owned() })
    } else {
        Err("write it as `Name <mail@example.com>`".to_owned())
    }
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    let root = workspace.root()?.to_owned();
    if args.commit.commit {
        workspace.to_commit()?;
    }
    let releases = releases(&args.specs, &args.baseline, &workspace, output)?;
    let mut errors = Vec::new();
    for release in &releases {
        if let Err(Failure(list)) = release.sound() {
            errors.extend(list);
        }
    }
    if !errors.is_empty() {
        return Err(Failure(errors).into());
    }
    let mut differs = false;
    // What the overlays are made from is let go before they are compared and written.
    let with_part = |release: Release| {
        let part = Part::of(&release, &workspace);
        let (spec, desired) = release.into_overlay();
        (spec, desired, part)
    };
    let overlays: Vec<(SpecFile, Desired, Option<Part>)> =
        releases.into_iter().map(with_part).collect();
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
            differs |= plan.changes_manifests();
            let routes = put(&mut boards, part.as_ref())?;
            tell(output, &spec, &plan, routes)?;
            continue;
        }
        let writing = directory.begin()?;
        if writing.recovered() {
            output.say(&format!("{}: restored what an interrupted run had left", spec.output))?;
        }
        let old = read_lock(writing.dir())?;
        match plan(desired, old.as_ref(), writing.dir(), args.force) {
            Ok(plan) => planned.push((spec, writing, old.is_none(), plan, part)),
            Err(Failure(list)) => errors.extend(list),
        }
    }
    if !errors.is_empty() {
        return Err(Failure(errors).into());
    }
    for (spec, writing, is_new, plan, mut part) in planned {
        // Committing fails more often than writing (no identity, a locked index), and touches no
        // file: what it refuses leaves everything as it was.
        let committed = if args.commit.commit {
            commit(args, &spec, &plan, part.as_mut(), &workspace)?
        } else {
            None
        };
        if plan.changes_manifests() || is_new {
            writing.apply(&plan).map_err(|failure| behind(failure, &spec, committed.as_ref()))?;
        }
        let routes = put(&mut boards, part.as_ref())?;
        tell(output, &spec, &plan, routes)?;
        boards.settle(output)?;
        if let Some(line) = committed {
            output.result(&line)?;
        }
        left_over(&root, &spec, output)?;
    }
    if args.check || args.dry_run {
        differs |= boards.settle(output)?;
    }
    Ok(if args.check && differs { Outcome::Different } else { Outcome::Done })
}

/// What stopped the files of an overlay that is committed already.
fn behind(Failure(mut errors): Failure, spec: &SpecFile, committed: Option<&String>) -> Failure {
    if committed.is_some() {
        let directory = &spec.output;
        errors.push(
            Diagnostic::error(format!("{directory} is committed, but its files are not written"))
                .remedy(format!("git restore '{directory}'")),
        );
    }
    Failure(errors)
}

/// Tells of overlays that an earlier tag or output of the same spec left beside this one.
fn left_over(root: &std::path::Path, spec: &SpecFile, output: &mut Output) -> anyhow::Result<()> {
    let Some((above, _)) = spec.output.rsplit_once('/') else { return Ok(()) };
    let Ok(entries) = std::fs::read_dir(root.join(above)) else { return Ok(()) };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    for directory in names.into_iter().map(|name| format!("{above}/{name}")) {
        if directory == spec.output || !root.join(&directory).join(LOCK_FILE).is_file() {
            continue;
        }
        // Another lane's damaged lock is no concern of this one.
        let lock = OverlayDir::open(root, &directory).and_then(|overlay| read_lock(&overlay));
        if let Ok(Some(lock)) = lock
            && lock.header().spec == spec.release.file.as_ref()
        {
            let tag = &lock.header().tag;
            output.say(&format!(
                "{directory} is still there from when this spec had the tag or output of it; \
                 `graylane cleanup --tag {tag}` removes it"
            ))?;
        }
    }
    Ok(())
}

/// Puts a lane's part into what it shares; whether that changes anything.
fn put(boards: &mut Boards<'_>, part: Option<&Part>) -> Result<bool, Failure> {
    part.map_or(Ok(false), |part| boards.edit(&part.directory, Edit::Put(part)))
}

/// Tells what becomes of an overlay; `routes` says that something it shares changes besides.
fn tell(output: &mut Output, spec: &SpecFile, plan: &Plan, routes: bool) -> anyhow::Result<()> {
    for change in plan.changes.iter().filter(|change| !change.path().is_lock()) {
        output.result(&change_line(change, &spec.output))?;
    }
    if !plan.changes_manifests() && !routes {
        output.say(&format!("{}: nothing to do", spec.release.name))?;
    }
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

fn commit(
    args: &Args,
    spec: &SpecFile,
    plan: &Plan,
    part: Option<&mut Part>,
    workspace: &Workspace,
) -> anyhow::Result<Option<String>> {
    let repository = workspace.to_commit()?;
    let head = head_lock(repository, &spec.output)?;
    // A plan that was carried out earlier is told by what HEAD had.
    let told = match (repository.head()?.commit(), plan.outcome()) {
        (Some(commit), Some(outcome)) => {
            let files = TreeFiles::open(repository, commit, &spec.output)?;
            crate::overlay::plan(outcome, head.as_ref(), &files, true)?
        }
        _ => plan.clone(),
    };
    let shared = match part {
        Some(part) => {
            part.had(head.as_ref());
            Some(OnCommit::of(
                repository,
                repository.head()?.commit(),
                &part.directory,
                &[Edit::Put(part)],
                args.force,
            )?)
        }
        None => None,
    };
    let changes_shared = shared.as_ref().is_some_and(|shared| shared.plan.changes_manifests());
    if !told.changes_manifests() && !changes_shared {
        return Ok(None);
    }
    let provenance = Provenance {
        lane: &spec.release.name,
        tag: spec.release.tag.as_str(),
        spec_digest: spec.digest.as_str(),
        source_commit: source_commit(spec, workspace, repository)?,
    };
    let mut changes = commit_changes(&spec.output, plan, head.as_ref());
    let mut all = vec![Told { plan: &told, old: head.as_ref() }];
    if let Some(shared) = &shared {
        all.push(Told { plan: &shared.plan, old: shared.old.as_ref() });
        changes.extend(shared.changes.iter().cloned());
    }
    record(&args.commit, repository, changes, &message(&all, &provenance))
}

/// The commit that spec, baseline and schema were read from; `None` where the work tree has more than it.
pub(super) fn source_commit(
    spec: &SpecFile,
    workspace: &Workspace,
    repository: &Repository,
) -> Result<Option<String>, Failure> {
    if let Some(commit) = workspace.commit {
        return Ok(Some(commit.to_string()));
    }
    let own = [spec.release.file.as_ref()];
    let baseline = spec.patterns.iter().map(|pattern| pattern.directory());
    let schema = spec.schema.as_ref().map(|schema| schema.path.as_str());
    for path in own.into_iter().chain(baseline).chain(schema) {
        let own = [Some(&spec.output), spec.shared.as_ref()];
        let of_others = |change: &String| {
            !own.iter().flatten().any(|directory| crate::spec::within(directory, change))
        };
        if repository.changes_under(path)?.iter().any(of_others) {
            return Ok(None);
        }
    }
    Ok(repository.head()?.commit().map(|commit| commit.to_string()))
}

/// The lock of an overlay in the last commit.
pub(super) fn head_lock(repository: &Repository, directory: &str) -> Result<Option<Lock>, Failure> {
    match repository.head()?.commit() {
        Some(commit) => read_lock(&TreeFiles::open(repository, commit, directory)?),
        None => Ok(None),
    }
}

/// Commits changes; the line that says so, if there was anything to commit.
pub(super) fn record(
    args: &CommitArgs,
    repository: &Repository,
    changes: Vec<crate::git::Change>,
    text: &str,
) -> anyhow::Result<Option<String>> {
    let author = args
        .author
        .as_ref()
        .map(|author| Identity { name: author.name.clone(), email: author.email.clone() });
    let request = CommitRequest {
        changes,
        message: text,
        author,
        branch: None,
        expected_parent: repository.head()?.commit(),
    };
    let outcome = repository.commit(&request).map_err(Diagnostic::from).map_err(Failure::from)?;
    Ok(match outcome {
        CommitOutcome::Created { short, .. } => {
            Some(format!("commit {short} {}\n", text.lines().next().unwrap_or("")))
        }
        CommitOutcome::Unchanged { .. } => None,
    })
}
