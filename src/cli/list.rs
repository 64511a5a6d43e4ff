//! `graylane list`

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use super::cleanup::{Locked, overlays};
use super::output::Output;
use super::shared::{Part, is_up_to_date};
use super::specs::default_specs;
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::diagnostic::{Diagnostic, Failure};
use crate::lane::Facts;
use crate::overlay::{Directory, LOCK_FILE, Lock, OverlayDir};
use crate::pipeline::{BaselineFrom, Baselines, SpecFile, read_spec, release};
use crate::spec::Expiry;
use crate::surroundings::Standing;

/// List the lanes of this repository
///
/// Each with its tag, services, entries, gateways, expiry, whether its overlay is what its spec gives,
/// and the last commit that changed the overlay.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  graylane list\n  graylane list --format json")]
pub(super) struct Args {
    /// How the lanes are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table for people
    Text,
    /// One JSON object with the list `lanes`
    Json,
}

/// What is known of a lane; what is not known is empty.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: Option<String>,
    tag: Option<String>,
    services: Vec<String>,
    entries: Vec<String>,
    gateways: Vec<&'static str>,
    expires: Option<String>,
    expired: bool,
    state: String,
    /// Whether all that is applied was taken away, and the lock was kept.
    offline: bool,
    /// Whether the overlay is something else than what its spec gives; `None` where that is not
    /// known.
    drift: Option<bool>,
    /// The last commit that changed the lock.
    commit: Option<String>,
    overlay: Option<String>,
}

const DAMAGED: &str = "damaged lock";

const HEAD: [&str; 9] =
    ["LANE", "TAG", "SERVICES", "ENTRY", "GATEWAY", "EXPIRES", "STATE", "COMMIT", "OVERLAY"];

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open(global)?;
    let files = workspace.files()?;
    let overlays = overlays(&workspace)?;
    let outputs: Vec<String> = overlays.iter().map(|(directory, _)| directory.clone()).collect();
    // What lanes share is no lane.
    let is_lane = |(_, lock): &Locked| !lock.as_ref().is_ok_and(|lock| lock.header().is_shared());
    let overlays: Vec<Locked> = overlays.into_iter().filter(is_lane).collect();
    let mut specs = default_specs(&workspace, files.as_ref());
    for lock in overlays.iter().filter_map(|(_, lock)| lock.as_ref().ok()) {
        let spec = &lock.header().spec;
        if !specs.contains(spec) && files.read(spec).is_ok() {
            specs.push(spec.clone());
        }
    }
    specs.sort();
    let mut rows = Vec::new();
    let mut written = BTreeMap::new();
    let mut baselines = Baselines::default();
    for path in specs {
        match read_spec(files.as_ref(), &path) {
            Ok(spec) => {
                written.insert(path, Some(spec.output.clone()));
                let facts = baselines.of(files.as_ref(), &spec, &BaselineFrom::Spec, &outputs);
                let mut row = row(&spec);
                if let Err(Failure(errors)) =
                    facts.and_then(|facts| stand(&mut row, &spec, &facts, &workspace))
                {
                    row.state = error_count(&errors);
                }
                rows.push(row);
            }
            Err(Failure(errors)) => {
                let state = error_count(&errors);
                rows.push(Row { name: Some(path.clone()), state, ..Row::default() });
                written.insert(path, None);
            }
        }
    }
    let outputs: HashSet<&str> = written.values().filter_map(Option::as_deref).collect();
    for (directory, lock) in &overlays {
        if outputs.contains(directory.as_str()) {
            continue;
        }
        rows.push(match lock {
            Ok(lock) => left_over(directory, lock, &written),
            Err(_) => {
                let overlay = Some(directory.clone());
                Row { state: DAMAGED.to_owned(), overlay, ..Row::default() }
            }
        });
    }
    if let Some(repository) = &workspace.repository {
        let locks: Vec<Option<String>> = rows.iter().map(lock_of).collect();
        let paths: Vec<&str> = locks.iter().flatten().map(String::as_str).collect();
        let commits = repository.last_changes(&paths)?;
        for (row, lock) in rows.iter_mut().zip(&locks) {
            row.commit =
                lock.as_ref().and_then(|lock| commits.get(lock.as_str())).map(ToString::to_string);
        }
    }
    match args.format {
        Format::Text => output.result(&table(&rows))?,
        Format::Json => {
            let lanes = serde_json::json!({ "lanes": rows });
            output.result(&format!("{lanes:#}\n"))?;
        }
    }
    Ok(Outcome::Done)
}

/// The path of an overlay's lock.
fn lock_of(row: &Row) -> Option<String> {
    let overlay = row.overlay.as_ref()?;
    Some(if overlay.is_empty() { LOCK_FILE.to_owned() } else { format!("{overlay}/{LOCK_FILE}") })
}

/// Finds out how the overlay of a spec stands.
fn stand(
    row: &mut Row,
    spec: &SpecFile,
    facts: &Facts,
    workspace: &Workspace,
) -> Result<(), Failure> {
    let release = release(spec.clone(), facts)?;
    row.gateways = release.lane.entries.iter().map(|entry| entry.gateway.as_str()).collect();
    row.gateways.sort_unstable();
    row.gateways.dedup();
    let overlay = OverlayDir::open(workspace.root()?, &spec.output)?;
    let mut differences = match Standing::of(release.desired(), &overlay) {
        Standing::Absent => {
            "not generated".clone_into(&mut row.state);
            return Ok(());
        }
        Standing::Damaged(_) => {
            DAMAGED.clone_into(&mut row.state);
            return Ok(());
        }
        Standing::Offline => {
            "offline".clone_into(&mut row.state);
            row.offline = true;
            return Ok(());
        }
        Standing::Drained => {
            "drained".clone_into(&mut row.state);
            row.drift = Some(false);
            return Ok(());
        }
        Standing::Written(differences) => differences,
    };
    let part = Part::of(&release, workspace);
    differences.is_shared_too = part.map_or(Ok(true), |part| is_up_to_date(&part, workspace))?;
    let drifts = !differences.is_empty();
    row.drift = Some(drifts);
    (if drifts { "drifted" } else { "up to date" }).clone_into(&mut row.state);
    Ok(())
}

fn error_count(errors: &[Diagnostic]) -> String {
    if errors.len() == 1 { "1 error".to_owned() } else { format!("{} errors", errors.len()) }
}

fn row(spec: &SpecFile) -> Row {
    let release = &spec.release;
    let names = |only_entries: bool| {
        let services =
            release.services.iter().filter(|service| !only_entries || service.entry.is_some());
        services.map(|service| service.name.clone()).collect()
    };
    let is_past = |expiry: &Expiry| expiry.is_past(Timestamp::now());
    Row {
        name: Some(release.name.clone()),
        tag: Some(release.tag.to_string()),
        services: names(false),
        entries: names(true),
        expires: release.expires.as_ref().map(ToString::to_string),
        expired: release.expires.as_ref().is_some_and(is_past),
        overlay: Some(spec.output.clone()),
        ..Row::default()
    }
}

/// A lane that no spec writes any more; `written` has each spec's output, `None` where it is wrong.
fn left_over(directory: &str, lock: &Lock, written: &BTreeMap<String, Option<String>>) -> Row {
    let services = |only_entries: bool| {
        let files = lock.files().iter().filter(|file| {
            !only_entries || file.path.directory() == Some(Directory::Entry.as_str())
        });
        let mut names: Vec<String> = files.filter_map(|file| file.origin.service.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let header = lock.header();
    let state = match written.get(&header.spec) {
        Some(Some(output)) => format!("left over: its spec now writes {output}"),
        Some(None) => "spec has errors".to_owned(),
        None => format!("without spec ({})", header.spec),
    };
    let state = if lock.is_offline() { format!("offline, {state}") } else { state };
    Row {
        name: Some(header.name.clone()),
        tag: Some(header.tag.clone()),
        services: services(false),
        entries: services(true),
        state,
        offline: lock.is_offline(),
        overlay: Some(directory.to_owned()),
        ..Row::default()
    }
}

impl Row {
    /// What a line of the table has, column by column.
    fn cells(&self) -> [String; HEAD.len()] {
        /// Characters by which a commit of all but the largest repositories is known.
        const SHORT: usize = 7;
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let past = if self.expired { " (past)" } else { "" };
        [
            text(&self.name),
            text(&self.tag),
            self.services.join(","),
            self.entries.join(","),
            self.gateways.join(","),
            self.expires.as_ref().map(|expires| format!("{expires}{past}")).unwrap_or_default(),
            self.state.clone(),
            text(&self.commit).chars().take(SHORT).collect(),
            text(&self.overlay),
        ]
    }
}

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no lanes\n".to_owned();
    }
    let head = HEAD.map(str::to_owned);
    let rows: Vec<[String; HEAD.len()]> = rows.iter().map(Row::cells).collect();
    let lines = || std::iter::once(&head).chain(&rows);
    let width =
        |column: usize| lines().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for cells in lines() {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                let cell = if cell.is_empty() { "-" } else { cell };
                format!("{cell:width$}")
            })
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}
