//! `graylane diff`

use jiff::Timestamp;

use super::around::Around;
use super::compared::{shared_with_baseline, shared_with_head, with_baseline, with_head};
use super::output::Output;
use super::revisions::Base;
use super::shared::{Part, rendered};
use super::specs::{BaselineArgs, SpecArgs, present, releases};
use super::trace::cluster;
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::diagnostic::{Diagnostic, Failure, Severity};
use crate::graph::{Graph, is_drawn_by_mermaid, mermaid};
use crate::pipeline::{Baselines, Release};
use crate::preview::{
    Against, LaneChange, LaneDiff, ObjectDiff, Picture, Preview, Summary, between, json, markdown,
    not_compared, shared_between, unified, without_lines,
};
use crate::trace::{Request, Wanted, matrix};

/// Show what a lane changes
///
/// Against the baseline every gray object is compared with the one it is a copy of; against head,
/// the overlay with the one in the last commit; with a base, the lanes with those that spec and
/// baseline give in another revision. Values of Secrets are masked. Exit code 1 says that there are
/// differences.
///
/// `--format markdown` is a comment for a pull request, smaller than GitHub's limit of 65,536
/// characters: its first line, `<!-- graylane:lane-diff -->`, tells it from other comments, so that
/// it can be replaced; lanes that cannot be built give one that says so. `--format json` is for programs. Both tell findings too, and those of severity
/// error do not stop them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane diff\n  graylane diff --against head graylane/pr-4711.yaml\n  graylane diff --base origin/main --format markdown > comment.md\n  graylane diff --base v1 --rev v2 --format json"
)]
pub(super) struct Args {
    #[command(flatten)]
    specs: SpecArgs,
    #[command(flatten)]
    baseline: BaselineArgs,
    /// What to compare with
    #[arg(long, value_enum, default_value_t = Compare::Baseline)]
    against: Compare,
    /// Compare lane by lane with this commit
    #[arg(long, value_name = "REV", conflicts_with_all = ["against", "baseline"])]
    pub(super) base: Option<String>,
    /// Pass over specs that do not exist, with a base on neither side, for jobs that stay when a lane
    /// goes
    #[arg(long)]
    if_present: bool,
    /// How the differences are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Compare {
    /// The baseline's objects
    Baseline,
    /// The overlay in the last commit, or in that of --rev
    Head,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Unified diffs
    Text,
    /// The comment on a pull request
    Markdown,
    /// One JSON object
    Json,
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let compared = compare(args, global, output);
    if let (Format::Markdown, Err(error)) = (args.format, &compared)
        && let Some(Failure(errors)) = error.downcast_ref::<Failure>()
    {
        output.verbatim(&not_compared(&without_lines(errors)))?;
    }
    compared
}

fn compare(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    let mut base =
        args.base.as_deref().map(|rev| Base::read(rev, &args.specs, global)).transpose()?;
    let mut specs = match &base {
        Some(base) => base.still_there(&args.specs, &workspace)?,
        None => Some(args.specs.clone()),
    };
    if let (Some(left), true) = (&specs, args.if_present) {
        specs = present(left, &workspace, workspace.files()?.as_ref(), output)?;
    }
    let mut releases = match &specs {
        Some(specs) => releases(specs, &args.baseline, &workspace, output)?,
        None => Vec::new(),
    };
    if args.format == Format::Text {
        for release in &releases {
            release.sound()?;
        }
    } else {
        let now = Timestamp::now();
        let files = workspace.files()?;
        let compares = !args.baseline.is_another();
        let around = Around::new(&workspace, files.as_ref(), &releases, now, compares);
        releases.iter_mut().for_each(|release| around.look(release));
        if let Some(base) = &mut base {
            base.look_around(now)?;
        }
    }
    let preview = match (base, &args.base) {
        (Some(base), Some(rev)) => with_base(base, rev, &releases, &workspace)?,
        _ => of_one_revision(args.against, &releases, &workspace)?,
    };
    match args.format {
        Format::Text => text(&preview, output)?,
        Format::Markdown => {
            output.verbatim(&markdown(&preview, &picture(&releases, &workspace)?))?;
        }
        Format::Json => output.verbatim(&json(&preview))?,
    }
    Ok(if preview.is_empty() { Outcome::Done } else { Outcome::Different })
}

/// What lanes change against the baseline or the last commit.
fn of_one_revision(
    against: Compare,
    releases: &[Release],
    workspace: &Workspace,
) -> Result<Preview, Failure> {
    let objects = |release: &Release| match against {
        Compare::Baseline => Ok(with_baseline(release)),
        Compare::Head => with_head(release, workspace),
    };
    let lane = |release: &Release| {
        let spec = &release.spec.release;
        Ok(LaneDiff {
            lane: spec.name.clone(),
            tag: spec.tag.to_string(),
            spec: spec.file.to_string(),
            change: None,
            objects: objects(release)?,
            findings: without_lines(&release.findings),
        })
    };
    let lanes = releases.iter().map(lane).collect::<Result<Vec<LaneDiff>, Failure>>()?;
    let parts = releases
        .iter()
        .filter_map(|release| Some((release.spec.output.as_str(), Part::of(release, workspace)?)));
    let shared: Vec<ObjectDiff> = match against {
        Compare::Baseline => {
            let parts: Vec<Part> = parts.map(|(_, part)| part).collect();
            shared_with_baseline(&parts, workspace)?
        }
        Compare::Head => shared_with_head(parts.collect(), workspace)?,
    };
    let against = match against {
        Compare::Baseline => Against::Baseline,
        Compare::Head => Against::Head,
    };
    Ok(Preview { against, lanes, shared, broken: Vec::new() })
}

/// What becomes of the lanes of another revision.
fn with_base(
    mut base: Base,
    rev: &str,
    releases: &[Release],
    workspace: &Workspace,
) -> Result<Preview, Failure> {
    let parts = releases.iter().filter_map(|release| Part::of(release, workspace));
    let shared = rendered(&parts.collect::<Vec<Part>>(), workspace)?.files;
    let shared = shared_between(base.shared(), shared);
    let lanes = between(&base.releases, releases, &base.broken);
    Ok(Preview { against: Against::Base(rev.to_owned()), lanes, shared, broken: base.broken })
}

/// The picture of the lanes, as `graph` draws it.
fn picture(releases: &[Release], workspace: &Workspace) -> Result<Picture, Failure> {
    if releases.is_empty() {
        return Ok(Picture::Nothing);
    }
    let cluster = cluster(workspace, releases, &Baselines::default())?;
    let graph = Graph::new(&cluster, &matrix(&cluster, Wanted::default(), &Request::new("", "/")));
    let text = mermaid(&graph);
    Ok(if is_drawn_by_mermaid(&graph, &text) { Picture::Drawn(text) } else { Picture::TooLarge })
}

fn text(preview: &Preview, output: &mut Output) -> anyhow::Result<()> {
    if let Against::Base(rev) = &preview.against {
        for broken in &preview.broken {
            let message = format!(
                "{} is broken in `{rev}`, so all objects of these lanes show as new",
                broken.path
            );
            output.notes(&[Diagnostic::warning(message)])?;
            let errors = broken.errors.iter().cloned();
            let told = errors.map(|error| Diagnostic { severity: Severity::Warning, ..error });
            output.notes(&told.collect::<Vec<Diagnostic>>())?;
        }
    }
    let mut summary = Summary::default();
    for lane in &preview.lanes {
        if let Some(change) = lane.change.filter(|change| *change != LaneChange::Unchanged) {
            output.result(&format!("lane {}: {}\n", lane.lane, change.as_str()))?;
        }
        for object in &lane.objects {
            output.result(&unified(&object.compared, &mut summary))?;
        }
    }
    for object in &preview.shared {
        output.result(&unified(&object.compared, &mut summary))?;
    }
    output.result(&sentence(&summary))
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
