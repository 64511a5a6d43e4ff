//! What a change to an overlay says as a commit.

use std::collections::{BTreeMap, BTreeSet};

use super::lock::Lock;
use super::plan::{FileChange, Plan};
use super::remove::is_entry;
use crate::commit_message::{Action, CommitMessage, ServiceChanges, phrase};

/// What happened to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verb {
    Add,
    Update,
    /// Its routes go, and nothing else of it changes: no request enters there any more.
    Drain,
    Remove,
}

/// A change to one directory, and its lock before.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The change.
    pub plan: &'a Plan,
    /// The lock before it.
    pub old: Option<&'a Lock>,
}

/// The message: a subject that says what happens to which services, and a line for each object. The
/// first change is that of the lane's own directory.
pub fn message<'a>(
    action: Action,
    told: &[Told<'_>],
    lane: &'a str,
    tag: &'a str,
) -> CommitMessage<'a> {
    let mut objects = Vec::new();
    let mut verbs: BTreeMap<&str, BTreeSet<Verb>> = BTreeMap::new();
    for Told { plan, old } in told {
        tell(plan, *old, &mut objects, &mut verbs);
    }
    for all in verbs.values_mut().filter(|all| all.contains(&Verb::Update)) {
        all.remove(&Verb::Drain);
    }
    let names = |of: &[Verb]| -> Vec<String> {
        let of_verb = verbs.iter().filter(|(_, all)| of.iter().any(|verb| all.contains(verb)));
        of_verb.map(|(name, _)| (*name).to_owned()).collect()
    };
    let words = [
        ("add", Verb::Add),
        ("update", Verb::Update),
        ("drain", Verb::Drain),
        ("remove", Verb::Remove),
    ];
    let mut phrases: Vec<String> = words
        .into_iter()
        .map(|(word, verb)| (word, names(&[verb])))
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| phrase(word, &names))
        .collect();
    let services = ServiceChanges {
        added: names(&[Verb::Add]),
        updated: names(&[Verb::Update, Verb::Drain]),
        removed: names(&[Verb::Remove]),
    };
    if phrases.is_empty() {
        let is_there = told.first().is_none_or(|lane| lane.plan.lock.is_some());
        let verb = if is_there { "update" } else { "remove" };
        phrases.push(format!("{verb} the lane"));
    }
    CommitMessage { action, lane, tag, summary: phrases.join(", "), services, objects }
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
            let closes = sign == '-' && is_entry(change.path());
            let verb = match (had.contains(service), has.contains(service)) {
                (false, _) => Verb::Add,
                (true, true) if closes => Verb::Drain,
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
