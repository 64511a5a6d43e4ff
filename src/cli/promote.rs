//! `graylane promote`

mod stale;
mod unfinished;

use std::path::Path;

use super::commit::{CommitArgs, To, pushing, record, source_commit, text, with_more};
use super::output::Output;
use super::specs::SpecArgs;
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::baseline::files::Files;
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::Change;
use crate::overlay::{Replacement, replace};
use crate::pipeline::{BaselineFrom, Baselines, SpecFile};
use crate::promote::{PromotedFile, Promotion, message, promote};
use crate::spec::Strategy;
use stale::stale;
use unfinished::unfinished;

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
        errors.extend(unfinished(&promotions, &outputs, args.patches, &workspace)?);
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
        let there = promotion.files.iter();
        let there: Vec<Replacement<'_>> = there
            .map(|file| Replacement { path: &file.path, before: &file.before, after: &file.after })
            .collect();
        // A hook wants to see the files; without one, what refuses a commit touches none.
        let hook_first = commits && args.commit.shows_files(&workspace)?;
        if hook_first {
            replace(&root, &there)?;
        }
        let committed = match commits.then(|| commit(args, &spec, &promotion, &workspace)) {
            Some(Err(error)) if hook_first => {
                let left = put_back(&promotion, &root, files.as_ref(), &workspace);
                return Err(with_more(error, left));
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

/// Gives the files of a promotion that is not committed their old text; what keeps one from it.
fn put_back(
    promotion: &Promotion,
    root: &Path,
    files: &dyn Files,
    workspace: &Workspace,
) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for PromotedFile { path, before, after, .. } in &promotion.files {
        match files.read(path) {
            Ok(now) if now == before.as_bytes() => {}
            Ok(now) if now == after.as_bytes() => {
                let back = replace(root, &[Replacement { path, before: after, after: before }]);
                errors.extend(back.err().into_iter().flat_map(|Failure(list)| list));
            }
            // What is not written here may be what the user wants to have.
            _ => {
                let message = format!("{path} was changed by the hook and is left as it is");
                let restore = workspace.invocation().git("restore", path);
                errors.push(Diagnostic::error(message).remedy(format!(
                    "commit it if it is as it should be, or take it back: {restore}"
                )));
            }
        }
    }
    errors
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
