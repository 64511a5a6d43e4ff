//! The commit message of a change to an overlay.

use std::collections::{BTreeMap, BTreeSet};

use super::lock::Lock;
use super::plan::{FileChange, Plan};

/// Services that a subject names; of more it gives the number.
const NAMED: usize = 3;

/// What happened to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verb {
    Add,
    Update,
    Remove,
}

/// Where a commit comes from, for its trailers.
#[derive(Clone, Debug)]
pub struct Provenance<'a> {
    /// The lane.
    pub lane: &'a str,
    /// Its tag.
    pub tag: &'a str,
    /// The spec's digest.
    pub spec_digest: &'a str,
    /// The commit that spec and baseline were read from, where there is one.
    pub source_commit: Option<String>,
}

/// A change to one directory, and its lock before.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The change.
    pub plan: &'a Plan,
    /// The lock before it.
    pub old: Option<&'a Lock>,
}

/// The message: a subject that says what happens to which services, a line for each object, and
/// trailers that say where it comes from. The first change is that of the lane's own directory.
pub fn message(told: &[Told<'_>], provenance: &Provenance<'_>) -> String {
    let mut lines = Vec::new();
    let mut verbs: BTreeMap<&str, BTreeSet<Verb>> = BTreeMap::new();
    for Told { plan, old } in told {
        tell(plan, *old, &mut lines, &mut verbs);
    }
    let mut phrases = Vec::new();
    for (verb, word) in [(Verb::Add, "add"), (Verb::Update, "update"), (Verb::Remove, "remove")] {
        let names: Vec<&str> =
            verbs.iter().filter(|(_, all)| all.contains(&verb)).map(|(name, _)| *name).collect();
        match names.len() {
            0 => {}
            1..=NAMED => phrases.extend(names.iter().map(|name| format!("{word} {name}"))),
            many => phrases.push(format!("{word} {many} services")),
        }
    }
    if phrases.is_empty() {
        let is_there = told.first().is_none_or(|lane| lane.plan.lock.is_some());
        let verb = if is_there { "update" } else { "remove" };
        phrases.push(format!("{verb} the lane"));
    }
    let mut text = format!("gray({}): {}\n\n", provenance.tag, phrases.join(", "));
    for line in &lines {
        text.push_str(line);
        text.push('\n');
    }
    if !lines.is_empty() {
        text.push('\n');
    }
    text.push_str(&trailers(provenance));
    text
}

/// The trailers that say where a commit comes from.
pub fn trailers(provenance: &Provenance<'_>) -> String {
    let Provenance { lane, tag, spec_digest, source_commit } = provenance;
    let mut text =
        format!("Gray-Lane: {lane}\nGray-Tag: {tag}\nGray-Spec-Digest: sha256:{spec_digest}\n");
    if let Some(commit) = source_commit {
        text.push_str(&format!("Gray-Source-Commit: {commit}\n"));
    }
    text
}

/// Adds what one change does: a line for each object, and what happens to each service.
fn tell<'a>(
    plan: &'a Plan,
    old: Option<&'a Lock>,
    lines: &mut Vec<String>,
    verbs: &mut BTreeMap<&'a str, BTreeSet<Verb>>,
) {
    let had = services(old);
    let has = services(plan.lock.as_ref());
    for change in plan.changes.iter().filter(|change| !change.path().is_lock()) {
        let (sign, origin) = match change {
            FileChange::Add(file) => ('+', Some(&file.origin)),
            FileChange::Replace(file) => ('~', Some(&file.origin)),
            FileChange::Remove(path) => {
                ('-', old.and_then(|lock| lock.file(path)).map(|file| &file.origin))
            }
        };
        let Some(origin) = origin else { continue };
        if let Some(object) = &origin.object {
            lines.push(format!("{sign} {object}"));
        }
        if let Some(service) = origin.service.as_deref() {
            let verb = match (had.contains(service), has.contains(service)) {
                (false, _) => Verb::Add,
                (true, true) => Verb::Update,
                (true, false) => Verb::Remove,
            };
            verbs.entry(service).or_default().insert(verb);
        }
    }
}

fn services(lock: Option<&Lock>) -> BTreeSet<&str> {
    lock.into_iter()
        .flat_map(|lock| lock.files())
        .filter_map(|file| file.origin.service.as_deref())
        .collect()
}
