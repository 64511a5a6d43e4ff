//! `graylane list`

use std::collections::{BTreeMap, HashSet};

use super::cleanup::{Locked, overlays};
use super::output::Output;
use super::shared::{Part, is_up_to_date};
use super::specs::default_specs;
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::diagnostic::{Diagnostic, Failure};
use crate::lane::Facts;
use crate::overlay::{Directory, Lock, OverlayDir, read_lock};
use crate::pipeline::{BaselineFrom, Baselines, SpecFile, read_spec, release};
use crate::surroundings::Differences;

/// List the lanes of this repository
///
/// Each with its tag, services, entries, expiry, and whether its overlay is what its spec gives.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  graylane list")]
pub(super) struct Args {}

/// What is known of a lane.
struct Row {
    cells: [String; 7],
}

const DAMAGED: &str = "damaged lock";

const HEAD: [&str; 7] = ["LANE", "TAG", "SERVICES", "ENTRY", "EXPIRES", "STATE", "OVERLAY"];

pub(super) fn run(_args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
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
                let state = match facts.and_then(|facts| state(&spec, &facts, &workspace)) {
                    Ok(state) => state,
                    Err(Failure(errors)) => error_count(&errors),
                };
                rows.push(row(&spec, state));
            }
            Err(Failure(errors)) => {
                rows.push(unknown(&path, error_count(&errors), ""));
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
            Err(_) => unknown("", DAMAGED.to_owned(), directory),
        });
    }
    output.result(&table(&rows))?;
    Ok(Outcome::Done)
}

fn state(spec: &SpecFile, facts: &Facts, workspace: &Workspace) -> Result<String, Failure> {
    let overlay = OverlayDir::open(workspace.root()?, &spec.output)?;
    let lock = match read_lock(&overlay) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Ok("not generated".to_owned()),
        Err(_) => return Ok(DAMAGED.to_owned()),
    };
    if lock.is_offline() {
        return Ok("offline".to_owned());
    }
    let release = release(spec.clone(), facts)?;
    let mut differences = Differences::of(release.desired(), &lock, &overlay)?;
    let part = Part::of(&release, workspace);
    differences.is_shared_too = part.map_or(Ok(true), |part| is_up_to_date(&part, workspace))?;
    let is_up_to_date = differences.is_empty();
    Ok(if is_up_to_date { "up to date".to_owned() } else { "drifted".to_owned() })
}

fn error_count(errors: &[Diagnostic]) -> String {
    if errors.len() == 1 { "1 error".to_owned() } else { format!("{} errors", errors.len()) }
}

fn row(spec: &SpecFile, state: String) -> Row {
    let release = &spec.release;
    let names = |only_entries: bool| {
        let services =
            release.services.iter().filter(|service| !only_entries || service.entry.is_some());
        services.map(|service| service.name.as_str()).collect::<Vec<_>>().join(",")
    };
    let expires = release.expires.as_ref().map(|expiry| {
        let past = expiry.is_past(jiff::Timestamp::now());
        format!("{expiry}{}", if past { " (past)" } else { "" })
    });
    Row {
        cells: [
            release.name.clone(),
            release.tag.to_string(),
            names(false),
            names(true),
            expires.unwrap_or_default(),
            state,
            spec.output.clone(),
        ],
    }
}

/// A row for what cannot be read.
fn unknown(name: &str, state: String, directory: &str) -> Row {
    let none = String::new;
    Row { cells: [name.to_owned(), none(), none(), none(), none(), state, directory.to_owned()] }
}

/// A lane that no spec writes any more; `written` has each spec's output, `None` where it is wrong.
fn left_over(directory: &str, lock: &Lock, written: &BTreeMap<String, Option<String>>) -> Row {
    let services = |only_entries: bool| {
        let files = lock.files().iter().filter(|file| {
            !only_entries || file.path.directory() == Some(Directory::Entry.as_str())
        });
        let mut names: Vec<&str> =
            files.filter_map(|file| file.origin.service.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names.join(",")
    };
    let header = lock.header();
    let state = match written.get(&header.spec) {
        Some(Some(output)) => format!("left over: its spec now writes {output}"),
        Some(None) => "spec has errors".to_owned(),
        None => format!("without spec ({})", header.spec),
    };
    let state = if lock.is_offline() { format!("offline, {state}") } else { state };
    Row {
        cells: [
            header.name.clone(),
            header.tag.clone(),
            services(false),
            services(true),
            String::new(),
            state,
            directory.to_owned(),
        ],
    }
}

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no lanes\n".to_owned();
    }
    let head = HEAD.map(str::to_owned);
    let lines = || std::iter::once(&head).chain(rows.iter().map(|row| &row.cells));
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
