//! `graylane promote`

use super::commit::{CommitArgs, To, head_lock, pushing, record, source_commit, text};
use super::output::Output;
use super::shared::found;
use super::specs::SpecArgs;
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::baseline::files::{AtCommit, Files};
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::{Change, CommitId, Repository};
use crate::kube::object::ObjectRef;
use crate::lane::{Facts, Origin};
use crate::overlay::{LOCK_FILE, Lock, OverlayDir, Replacement, TreeFiles, read_lock, replace};
use crate::pipeline::{BaselineFrom, Baselines, Release, SpecFile, release};
use crate::promote::{Promotion, message, promote};
use crate::spec::Strategy;
use crate::surroundings::{Edit, Standing};

/// Make the gray versions those of the baseline
///
/// Writes the lane's images into the baseline's files and changes nothing else in them: comments,
/// order, quotes and line ends stay. The lane stays too; clean it up in a commit of its own when the
/// new baseline is healthy. With `strategy: kruise` this is what starts the release.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane promote --dry-run\n  graylane promote --commit\n  graylane promote --patches graylane/pr-4711.yaml"
)]
pub(super) struct Args {
    #[command(flatten)]
    specs: SpecArgs,
    /// Apply the spec's patches to the baseline too
    #[arg(long)]
    patches: bool,
    /// Promote though the spec or the baseline changed since the lane was generated
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
        run_once(args, global, output)
    })
}

fn run_once(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    if global.rev.is_some() {
        let error = Diagnostic::error("promote works on the work tree, not on a commit");
        return Err(Failure::from(error.remedy("leave out --rev")).into());
    }
    let root = workspace.root()?.to_owned();
    let commits = args.commit.commit && !args.dry_run;
    if commits {
        workspace.to_commit()?;
    }
    let files = workspace.files()?;
    let specs = args.specs.read(&workspace, files.as_ref())?;
    let outputs: Vec<String> = specs.iter().map(|spec| spec.output.clone()).collect();
    let mut errors = Vec::new();
    let mut promotions: Vec<(SpecFile, Promotion)> = Vec::new();
    let mut baselines = Baselines::default();
    for spec in specs {
        let facts = baselines.of(files.as_ref(), &spec, &BaselineFrom::Spec, &outputs);
        let promoted = facts.and_then(|facts| {
            let promotion = promote(&spec.release, &facts, files.as_ref(), args.patches)?;
            Ok((promotion, facts))
        });
        match promoted {
            Ok((promotion, facts)) => {
                if !args.force && !promotion.files.is_empty() {
                    let files = files.as_ref();
                    errors.extend(stale(&spec, &promotion, &facts, files, &outputs, &workspace)?);
                }
                promotions.push((spec, promotion));
            }
            Err(Failure(list)) => errors.extend(list),
        }
    }
    errors.extend(twice(&promotions));
    if commits {
        errors.extend(unfinished(&promotions, workspace.to_commit()?)?);
    }
    if !errors.is_empty() {
        return Err(Failure(errors).into());
    }
    for (spec, promotion) in promotions {
        if promotion.files.is_empty() {
            output.say(&format!("{}: nothing to do", spec.release.name))?;
            continue;
        }
        if args.dry_run {
            tell(&promotion, output)?;
            continue;
        }
        let files = promotion.files.iter();
        let there: Vec<Replacement<'_>> = files
            .clone()
            .map(|file| Replacement { path: &file.path, before: &file.before, after: &file.after })
            .collect();
        let back: Vec<Replacement<'_>> = files
            .map(|file| Replacement { path: &file.path, before: &file.after, after: &file.before })
            .collect();
        // A hook wants to see the files; without one, what refuses a commit touches none.
        let hook_first = commits && args.commit.shows_files(&workspace)?;
        if hook_first {
            replace(&root, &there)?;
        }
        let committed = match commits.then(|| commit(args, &spec, &promotion, &workspace)) {
            Some(Err(error)) if hook_first => {
                replace(&root, &back)?;
                return Err(error);
            }
            committed => committed.transpose()?.flatten(),
        };
        if !hook_first {
            replace(&root, &there).map_err(|failure| behind(failure, committed.is_some()))?;
        }
        tell(&promotion, output)?;
        if let Some(line) = committed {
            output.result(&line)?;
        }
        for line in left_out(&spec, args.patches) {
            output.say(&line)?;
        }
        output.say(&next_step(&spec, args.commit.commit, &workspace))?;
    }
    Ok(Outcome::Done)
}

/// Tells what becomes of the baseline.
fn tell(promotion: &Promotion, output: &mut Output) -> anyhow::Result<()> {
    for file in &promotion.files {
        for change in &file.changes {
            output.result(&format!("update {}: {}\n", file.path, change.what))?;
        }
    }
    Ok(())
}

/// What stopped the files of a promotion that is committed already.
fn behind(Failure(mut errors): Failure, is_committed: bool) -> Failure {
    if is_committed {
        let error = Diagnostic::error("the promotion is committed, but its files are not written");
        errors.push(error.remedy("git restore the files that `git status` shows"));
    }
    Failure(errors)
}

/// What of a spec is not in the baseline after a promotion, or must not be in both.
fn left_out(spec: &SpecFile, patches: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for service in &spec.release.services {
        let name = &service.name;
        if !service.env.is_empty() || !service.env_by_container.is_empty() {
            lines.push(format!(
                "{name}: the variables of the spec are not promoted; write those that belong to the release into the baseline"
            ));
        }
        lines.extend(match (service.patches.is_empty(), patches) {
            (true, _) => None,
            (false, false) => {
                Some(format!("{name}: the patches of the spec are not promoted without --patches"))
            }
            (false, true) => Some(format!(
                "{name}: the baseline is patched now; take the patches out of the spec if its lane is generated again"
            )),
        });
    }
    lines
}

/// What to do after a promotion.
fn next_step(spec: &SpecFile, is_committed: bool, workspace: &Workspace) -> String {
    let first = if is_committed { "let it be applied" } else { "commit it and let it be applied" };
    let until = match spec.release.strategy {
        Strategy::Copy => "when the new baseline is healthy",
        Strategy::Kruise => "when OpenKruise has finished the release that this starts",
    };
    let cleanup = workspace.invocation().of("cleanup", &spec.release.file);
    format!("next: {first}; {until}: {cleanup} --commit")
}

/// Why what was tried in the lane is not what would be promoted.
fn stale(
    spec: &SpecFile,
    promotion: &Promotion,
    facts: &Facts,
    files: &dyn Files,
    outputs: &[String],
    workspace: &Workspace,
) -> anyhow::Result<Vec<Diagnostic>> {
    let lock: Option<Lock> = read_lock(&OverlayDir::open(workspace.root()?, &spec.output)?)?;
    let Some(lock) = lock.filter(|lock| lock.header().spec_digest == spec.digest) else {
        let error = Diagnostic::error(format!(
            "the overlay {} is not that of this spec: what would be promoted was never tried",
            spec.output
        ));
        let error = error.at(spec.release.tag_place.clone());
        let generate = workspace.invocation().of("generate", &spec.release.file);
        return Ok(vec![error.remedy(format!("run `{generate}` first, or promote with --force"))]);
    };
    let release = match release(spec.clone(), facts) {
        Ok(release) => release,
        Err(failure) => return Ok(unbuildable(spec, failure, workspace)),
    };
    let errors = untried(&release, &lock, workspace);
    if !errors.is_empty() {
        return Ok(errors);
    }
    let Some(repository) = &workspace.repository else { return Ok(Vec::new()) };
    // An overlay that was not committed was made from what is there.
    if head_lock(repository, &spec.output)?.as_ref() != Some(&lock) {
        return Ok(Vec::new());
    }
    let Some(generated) = generated(repository, &spec.output, lock)? else {
        return Ok(Vec::new());
    };
    let held = promotion.files.iter().map(|file| (file.path.as_str(), file.before.as_bytes()));
    let differing = repository.differing(generated, held);
    let differing = differing.map_err(Diagnostic::from).map_err(Failure::from)?;
    if differing.is_empty() {
        return Ok(Vec::new());
    }
    // What else stands in these files is no business of this lane.
    let before = AtCommit::checked_out(repository, generated).map_err(Diagnostic::from);
    let before = before.map_err(Failure::from)?;
    let before = Baselines::default().of(&before, spec, &BaselineFrom::Spec, outputs);
    let short = repository.short_id(generated);
    let mut errors = Vec::new();
    for path in differing {
        let what = match &before {
            Ok(before) => {
                let copied = copied(&release, path, files);
                let changed = promotion.changed(path, &copied, &before.baseline, &facts.baseline);
                if changed.is_empty() {
                    continue;
                }
                let ids: Vec<String> = changed.iter().map(|id| format!("{id}")).collect();
                format!("{path}: {}", ids.join(", "))
            }
            // What cannot be read as it was cannot be compared.
            Err(_) => path.to_owned(),
        };
        let error = Diagnostic::error(format!(
            "{what} changed since the lane was generated in commit {short}: promoting would overwrite what the lane was not tried with"
        ));
        errors.push(error.remedy(format!(
            "look at it: {}\nthen promote with --force",
            workspace.invocation().git(&format!("diff {generated} --"), path)
        )));
    }
    Ok(errors)
}

/// The objects in a file of the baseline, which may be linked to, that a lane has copies of.
fn copied<'a>(release: &'a Release, path: &str, files: &dyn Files) -> Vec<&'a ObjectRef> {
    let origins = release.lane.objects.iter().filter_map(|object| match &object.origin {
        Origin::Baseline { id, file } => Some((id, file)),
        Origin::Generated => None,
    });
    let here = origins.filter(|(_, file)| files.real(file).is_ok_and(|real| real == path));
    here.map(|(id, _)| id).collect()
}

/// Why a lane cannot be built as it was when it was tried.
fn unbuildable(
    spec: &SpecFile,
    Failure(mut errors): Failure,
    workspace: &Workspace,
) -> Vec<Diagnostic> {
    let generate = workspace.invocation().of("generate", &spec.release.file);
    let error = Diagnostic::error(format!(
        "the lane `{}` cannot be built any more: what would be promoted was never tried with what the baseline is now",
        spec.release.name
    ));
    errors.push(error.at(spec.release.tag_place.clone()).remedy(format!(
        "mend the spec, run `{generate}` and let that be applied first, or promote with --force"
    )));
    errors
}

/// What of an overlay is not as spec and baseline give it now. What was taken away from it, as
/// `cleanup --drain` does, was there to be tried.
fn untried(release: &Release, lock: &Lock, workspace: &Workspace) -> Vec<Diagnostic> {
    let spec = &release.spec;
    let invocation = workspace.invocation();
    let generate = invocation.of("generate", &spec.release.file);
    let Ok(overlay) = found(workspace, &spec.output) else { return Vec::new() };
    let Standing::Written(differences) = Standing::of(release.desired(), &*overlay) else {
        return Vec::new();
    };
    let edited = differences.edited.iter().filter(|(_, edit)| *edit != Edit::Removed);
    let edited = edited.map(|(path, _)| (path, "was edited by hand"));
    let stale = differences.stale.iter().filter(|path| lock.file(path).is_some());
    let stale = stale.map(|path| (path, "is not what spec and baseline give now"));
    let Some((path, why)) = edited.chain(stale).next() else { return Vec::new() };
    let error = Diagnostic::error(format!(
        "{} {why}: what would be promoted was never tried",
        path.below(&spec.output)
    ));
    vec![error.at(spec.release.tag_place.clone()).remedy(format!(
        "`{}` shows what changes; run `{generate}` and let that be applied first, or promote with --force",
        invocation.of("diff --against head", &spec.release.file)
    ))]
}

/// The commit that generated an overlay, whose lock in the last commit is this one. Commits that
/// only took something away, as `cleanup --drain` does, came later.
fn generated(
    repository: &Repository,
    directory: &str,
    mut lock: Lock,
) -> Result<Option<CommitId>, Failure> {
    let path = format!("{directory}/{LOCK_FILE}");
    let last = repository.last_changes(&[&path])?;
    let Some(mut commit) = last.get(path.as_str()).copied() else { return Ok(None) };
    while let Some(earlier) = repository.change_before(commit, &path)? {
        let Ok(Some(before)) = read_lock(&TreeFiles::open(repository, earlier, directory)?) else {
            break;
        };
        let mut objects = lock.files().iter().filter(|file| file.origin.object.is_some());
        let had_all = objects
            .all(|file| before.file(&file.path).is_some_and(|had| had.sha256 == file.sha256));
        let is_less = lock.files().len() < before.files().len();
        if !(had_all && is_less && before.header().spec_digest == lock.header().spec_digest) {
            break;
        }
        (commit, lock) = (earlier, before);
    }
    Ok(Some(commit))
}

/// Files that two of the specs would change.
fn twice(promotions: &[(SpecFile, Promotion)]) -> Vec<Diagnostic> {
    let mut owners = std::collections::HashMap::new();
    let mut errors = Vec::new();
    for (spec, promotion) in promotions {
        for file in &promotion.files {
            if let Some(other) = owners.insert(file.path.as_str(), &spec.release.name) {
                let name = &spec.release.name;
                errors.push(
                    Diagnostic::error(format!("`{other}` and `{name}` both change {}", file.path))
                        .at(spec.release.tag_place.clone())
                        .remedy("promote one spec after the other"),
                );
            }
        }
    }
    errors
}

/// Changes of the user in the files that would be committed.
fn unfinished(
    promotions: &[(SpecFile, Promotion)],
    repository: &Repository,
) -> Result<Vec<Diagnostic>, Failure> {
    let files = promotions.iter().flat_map(|(_, promotion)| &promotion.files);
    let files: Vec<&str> = files.map(|file| file.path.as_str()).collect();
    let error = |file: &&str| {
        Diagnostic::error(format!("{file} has changes that are not committed"))
            .remedy("commit or stash them first, or promote without --commit")
    };
    Ok(repository.changed_of(&files)?.iter().map(error).collect())
}

fn commit(
    args: &Args,
    spec: &SpecFile,
    promotion: &Promotion,
    workspace: &Workspace,
) -> anyhow::Result<Option<String>> {
    let repository = workspace.to_commit()?;
    let changes = promotion.files.iter().map(|file| Change {
        path: file.path.clone(),
        contents: Some(file.after.clone().into_bytes().into()),
    });
    let release = &spec.release;
    let said = message(promotion, &release.name, release.tag.as_str());
    let source = source_commit(spec, workspace, repository)?;
    let template = release.commit_template.as_ref();
    let text = text(&args.commit, &said, template, spec.digest.as_str(), source, repository)?;
    record(&args.commit, repository, To::Head, changes.collect(), &text)
}
