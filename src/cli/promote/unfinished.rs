//! Whether the last commit has what a promotion starts from: the next one has what is promoted, and
//! nothing else of the work tree.

use std::collections::BTreeSet;

use crate::baseline::files::{AtCommit, Files};
use crate::cli::workspace::Workspace;
use crate::diagnostic::{Diagnostic, Failure};
use crate::pipeline::{BaselineFrom, Baselines, SpecFile};
use crate::promote::{Promotion, promote};

/// Changes of the user in the files that would be committed, and in links that lead to them; and
/// those that alone leave nothing to do, which the last commit does not have.
pub(super) fn unfinished(
    promotions: &[(SpecFile, Promotion)],
    outputs: &[String],
    patches: bool,
    workspace: &Workspace,
) -> Result<Vec<Diagnostic>, Failure> {
    let repository = workspace.to_commit()?;
    let all = || promotions.iter().map(|(_, promotion)| promotion);
    let sources: BTreeSet<&str> =
        all().flat_map(|promotion| promotion.sources.keys().map(String::as_str)).collect();
    let sources: Vec<&str> = sources.into_iter().collect();
    let changed = repository.changed_of(&sources)?;
    if changed.is_empty() && !all().any(Promotion::is_linked) {
        return Ok(Vec::new());
    }
    let head = repository.head()?.commit();
    let head = head.map(|commit| AtCommit::checked_out(repository, commit)).transpose()?;
    let head = head.as_ref().map(|head| head as &dyn Files);
    let mut found: BTreeSet<&str> = BTreeSet::new();
    for (spec, promotion) in promotions {
        let mut done = Vec::new();
        for path in promotion.sources.keys() {
            let behind = behind(path, promotion, &changed, head);
            if promotion.changes(path) { found.extend(behind) } else { done.extend(behind) }
        }
        if !done.is_empty() {
            found.extend(undone(done, spec, promotion, outputs, patches, head));
        }
    }
    let error = |path: &str| {
        Diagnostic::error(format!("{path} has changes that are not committed"))
            .remedy("commit or stash them first, or promote without --commit")
    };
    Ok(found.into_iter().map(error).collect())
}

/// What of a file is not in the last commit: its text, or where the links to it lead.
fn behind<'a>(
    path: &'a str,
    promotion: &'a Promotion,
    changed: &[&str],
    head: Option<&dyn Files>,
) -> Vec<&'a str> {
    if changed.contains(&path) {
        return vec![path];
    }
    head.map_or_else(Vec::new, |head| promotion.elsewhere(path, head).collect())
}

/// Those of these paths, where nothing is left to do, that the last commit has something to do at;
/// all where that cannot be told.
fn undone<'a>(
    paths: Vec<&'a str>,
    spec: &SpecFile,
    promotion: &Promotion,
    outputs: &[String],
    patches: bool,
    head: Option<&dyn Files>,
) -> Vec<&'a str> {
    let Some(head) = head else { return paths };
    let facts = Baselines::default().of(head, spec, &BaselineFrom::Spec, outputs);
    let Ok(left) = facts.and_then(|facts| promote(&spec.release, &facts, head, patches)) else {
        return paths;
    };
    if left.files.iter().all(|file| promotion.changes(&file.path)) {
        return Vec::new();
    }
    let is_left = |path: &&str| head.real(path).is_ok_and(|real| left.changes(&real));
    let those: Vec<&str> = paths.iter().copied().filter(is_left).collect();
    // An object may stand in another file there.
    if those.is_empty() { paths } else { those }
}
