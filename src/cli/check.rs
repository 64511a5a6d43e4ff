//! `graylane check`

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::around::Around;
use super::output::Output;
use super::specs::{BaselineArgs, PresenceArgs, SpecArgs, releases_present};
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::diagnostic::{Diagnostic, Failure, Severity};
use crate::report::{Checked, json, sarif};
use crate::spec::instant;

/// Find what is wrong with a lane before it is applied
///
/// Errors in a spec stop the command (exit code 2). What is wrong with the lane itself is a
/// finding; findings of severity error give exit code 1.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane check\n  graylane check graylane/pr-4711.yaml\n  graylane check --format sarif > graylane.sarif"
)]
pub(super) struct Args {
    #[command(flatten)]
    specs: SpecArgs,
    #[command(flatten)]
    baseline: BaselineArgs,
    #[command(flatten)]
    presence: PresenceArgs,
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The time at which lanes may have expired: RFC 3339, or a date for its start in UTC [default:
    /// now]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    now: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// A SARIF 2.1.0 log, for code scanning
    Sarif,
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let checked = check(args, global, output);
    // Whoever reads a report is told there too why nothing was checked.
    if let Err(error) = &checked
        && let Some(failure) = error.downcast_ref::<Failure>()
    {
        report(args, Err(failure), output)?;
    }
    checked
}

fn report(
    args: &Args,
    result: Result<&[Checked<'_>], &Failure>,
    output: &mut Output,
) -> anyhow::Result<()> {
    let spec = args.specs.specs.first().map_or("graylane.yaml", String::as_str);
    match args.format {
        Format::Text => Ok(()),
        Format::Json => output.result(&json(result)),
        Format::Sarif => output.result(&sarif(result, spec)),
    }
}

fn check(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    let mut releases =
        releases_present(&args.specs, &args.presence, &args.baseline, &workspace, None, output)?;
    let files = workspace.files()?;
    let now = args.now.unwrap_or_else(Timestamp::now);
    let compares = !args.baseline.is_another();
    let around = Around::new(&workspace, files.as_ref(), &releases, now, compares);
    for release in &mut releases {
        around.look(release);
    }
    let mut errors = 0;
    for release in &releases {
        for finding in &release.findings {
            errors += usize::from(finding.severity == Severity::Error);
            if args.format == Format::Text {
                output.result(&finding.to_string())?;
            }
        }
        let (name, objects) = (&release.spec.release.name, release.lane.objects.len());
        let objects =
            if objects == 1 { "1 object".to_owned() } else { format!("{objects} objects") };
        let silenced = match release.silenced.len() {
            0 => String::new(),
            silenced => format!(", {silenced} silenced"),
        };
        output.say(&match release.findings.len() {
            0 => format!("{name}: {objects}, nothing found{silenced}"),
            1 => format!("{name}: {objects}, 1 finding{silenced}"),
            found => format!("{name}: {objects}, {found} findings{silenced}"),
        })?;
        for line in silenced_lines(&release.silenced) {
            output.say(&line)?;
        }
    }
    let checked = releases.iter().map(|release| Checked {
        lane: &release.spec.release.name,
        place: &release.spec.release.name_place,
        findings: &release.findings,
        silenced: &release.silenced,
    });
    let checked: Vec<Checked<'_>> = checked.collect();
    report(args, Ok(&checked), output)?;
    Ok(if errors == 0 { Outcome::Done } else { Outcome::Different })
}

/// What the spec silences: one line for each code, with the reason.
fn silenced_lines(silenced: &[Diagnostic]) -> Vec<String> {
    let mut by_code: BTreeMap<&str, (usize, &Diagnostic)> = BTreeMap::new();
    for found in silenced {
        by_code.entry(found.code.unwrap_or_default()).or_insert((0, found)).0 += 1;
    }
    let line = |(code, (count, found)): (&str, (usize, &Diagnostic))| {
        let rule = found.related.last().map(|(place, why)| format!("{why} ({place})"));
        format!("  {count} x {code} {}", rule.unwrap_or_default())
    };
    by_code.into_iter().map(line).collect()
}
