//! Whether the last commit has what a promotion starts from: the next one has what is promoted, and
//! nothing else of the work tree.

use std::collections::BTreeSet;

use crate::baseline::files::{AtCommit, Files};
use crate::cli::workspace::Workspace;
use crate::diagnostic::{Diagnostic, Failure};
use crate::pipeline::SpecFile;
use crate::promote::Promotion;

/// Changes of the user in the files that would be committed, and in links that lead to them.
pub(super) fn unfinished(
    promotions: &[(SpecFile, Promotion)],
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
    for promotion in all() {
        for path in promotion.files.iter().map(|file| file.path.as_str()) {
            found.extend(behind(path, promotion, &changed, head));
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
