//! `graylane diff`

use std::sync::Arc;

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::output::Output;
use super::shared::{Edit, OnCommit, Part, rendered};
use super::specs::{BaselineArgs, SpecArgs, releases};
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::diagnostic::Failure;
use crate::git::{CommitId, Repository};
use crate::overlay::{FileChange, Found, OverlayFiles, OverlayPath, TreeFiles, plan, read_lock};
use crate::pipeline::Release;
use crate::preview::{Compared, Summary, mask, unified};
use crate::yaml::{Document, Source, parse};

/// Show what a lane changes
///
/// Against the baseline every gray object is compared with the one it is a copy of; against head,
/// the overlay with the one in the last commit. Values of Secrets are masked. Exit code 1 says
/// that there are differences.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane diff\n  graylane diff --against head graylane/pr-4711.yaml"
)]
pub(super) struct Args {
    #[command(flatten)]
    specs: SpecArgs,
    #[command(flatten)]
    baseline: BaselineArgs,
    /// What to compare with
    #[arg(long, value_enum, default_value_t = Against::Baseline)]
    against: Against,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Against {
    /// The baseline's objects
    Baseline,
    /// The overlay in the last commit, or in that of --rev
    Head,
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    let releases = releases(&args.specs, &args.baseline, &workspace, output)?;
    let mut summary = Summary::default();
    for release in &releases {
        release.sound()?;
        let compared = match args.against {
            Against::Baseline => with_baseline(release),
            Against::Head => with_head(release, &workspace)?,
        };
        for each in &compared {
            output.result(&unified(each, &mut summary))?;
        }
    }
    let parts = releases
        .iter()
        .filter_map(|release| Some((release.spec.output.as_str(), Part::of(release, &workspace)?)));
    let shared = match args.against {
        Against::Baseline => {
            shared_files(&parts.map(|(_, part)| part).collect::<Vec<_>>(), &workspace)?
        }
        Against::Head => shared_with_head(parts.collect(), &workspace)?,
    };
    for each in &shared {
        output.result(&unified(each, &mut summary))?;
    }
    output.result(&sentence(&summary))?;
    Ok(if summary.is_empty() { Outcome::Done } else { Outcome::Different })
}

fn sentence(summary: &Summary) -> String {
    if summary.is_empty() {
        return "no differences\n".to_owned();
    }
    let parts =
        [(summary.added, "added"), (summary.changed, "changed"), (summary.removed, "removed")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let objects: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
    let Summary { lines_added, lines_removed, .. } = summary;
    format!("objects: {}; lines: +{lines_added} -{lines_removed}\n", objects.join(", "))
}

fn with_baseline(release: &Release) -> Vec<Compared> {
    let objects = release.lane.objects.par_iter().zip(release.files());
    objects
        .map(|(object, file)| {
            let origin = object.baseline().and_then(|id| release.baseline.get(id));
            let mut before = origin.map(|origin| Arc::unwrap_or_clone(origin.document()));
            let mut after = object.document();
            mask(before.as_mut(), after.as_mut());
            let before_name =
                origin.map(|origin| format!("{} ({})", origin.file, origin.id)).unwrap_or_default();
            let after_name = format!("{} ({})", file.path.below(&release.spec.output), object.id);
            Compared {
                before: before.map(|document| (before_name, ended(document.to_text()))),
                after: after.map(|document| (after_name, ended(document.to_text()))),
            }
        })
        .collect()
}

fn ended(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// What the lanes share with others: the baseline has nothing to compare it with.
fn shared_files(parts: &[Part], workspace: &Workspace) -> Result<Vec<Compared>, Failure> {
    let compared = rendered(parts, workspace)?.files.into_iter().map(|(directory, file)| {
        let object = file.origin.object.unwrap_or_default();
        let name = format!("{} ({object})", file.path.below(&directory));
        let text = String::from_utf8_lossy(&file.contents).into_owned();
        Compared { before: None, after: Some((name, text)) }
    });
    Ok(compared.collect())
}

/// What the lanes share with others, compared with a commit; each part comes with the directory of
/// its lane's overlay.
fn shared_with_head(
    parts: Vec<(&str, Part)>,
    workspace: &Workspace,
) -> Result<Vec<Compared>, Failure> {
    let repository = workspace.to_commit()?;
    let Some(commit) = compared_commit(workspace, repository)? else { return Ok(Vec::new()) };
    let mut by_directory: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    for (overlay, mut part) in parts {
        part.had(read_lock(&TreeFiles::open(repository, commit, overlay)?)?.as_ref());
        by_directory.entry(part.directory.clone()).or_default().push(part);
    }
    let mut compared = Vec::new();
    for (directory, parts) in by_directory {
        let edits: Vec<Edit<'_>> = parts.iter().map(Edit::Put).collect();
        let shared = OnCommit::of(repository, Some(commit), &directory, &edits, false)?;
        let files = TreeFiles::open(repository, commit, &directory)?;
        compared.extend(compare(&directory, &files, &shared.plan.changes));
    }
    Ok(compared)
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

fn with_head(release: &Release, workspace: &Workspace) -> Result<Vec<Compared>, Failure> {
    let repository = workspace.to_commit()?;
    let Some(commit) = compared_commit(workspace, repository)? else { return Ok(Vec::new()) };
    let files = TreeFiles::open(repository, commit, &release.spec.output)?;
    let lock = read_lock(&files)?;
    // Only compared: nothing is written over.
    let plan = plan(release.desired(), lock.as_ref(), &files, true)?;
    Ok(compare(&release.spec.output, &files, &plan.changes))
}

fn compare(directory: &str, head: &dyn OverlayFiles, changes: &[FileChange]) -> Vec<Compared> {
    let text = |path: &OverlayPath| match head.read(path) {
        Ok(Found::File(bytes)) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        _ => None,
    };
    let name = |path: &OverlayPath| path.below(directory);
    let changes = changes
        .iter()
        .filter(|change| !change.path().is_lock() && change.path().as_str().ends_with(".yaml"));
    changes
        .map(|change| {
            let path = change.path();
            let before = text(path);
            let after = match change {
                FileChange::Add(file) | FileChange::Replace(file) => {
                    Some(String::from_utf8_lossy(&file.contents).into_owned())
                }
                FileChange::Remove(_) => None,
            };
            let (before, after) = masked(before, after);
            Compared {
                before: before.map(|text| (name(path), text)),
                after: after.map(|text| (name(path), text)),
            }
        })
        .collect()
}

/// Two versions of a file with the values of Secrets masked. A file that does not parse and could
/// hold a Secret is not shown.
fn masked(before: Option<String>, after: Option<String>) -> (Option<String>, Option<String>) {
    let document = |text: &Option<String>| -> Option<Document> {
        let stream = parse(Source::new("", text.clone()?)).ok()?;
        stream.documents.into_iter().next()
    };
    let (mut left, mut right) = (document(&before), document(&after));
    mask(left.as_mut(), right.as_mut());
    let shown = |document: Option<Document>, text: Option<String>| match (document, text) {
        (Some(document), _) => Some(document.to_text()),
        (None, Some(text)) if text.contains("Secret") => {
            Some("# not shown: it is not valid YAML\n".to_owned())
        }
        (None, text) => text,
    };
    (shown(left, before), shown(right, after))
}
