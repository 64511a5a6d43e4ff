//! What a promotion says as a commit.

use super::{Promoted, Promotion, What};
use crate::commit_message::{Action, CommitMessage, ServiceChanges, phrase};

/// The message: a subject that names the services, and a line for each change.
pub fn message<'a>(promotion: &Promotion, lane: &'a str, tag: &'a str) -> CommitMessage<'a> {
    let changes: Vec<&Promoted> =
        promotion.files.iter().flat_map(|file| file.changes.iter()).collect();
    let mut updated: Vec<String> = changes.iter().map(|change| change.service.clone()).collect();
    updated.sort_unstable();
    updated.dedup();
    CommitMessage {
        action: Action::Promote,
        lane,
        tag,
        summary: phrase("promote", &updated),
        objects: changes
            .iter()
            .map(|change| format!("~ {}: {}", change.object, change.what))
            .collect(),
        services: ServiceChanges { updated, ..ServiceChanges::default() },
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image { container, old, new } => write!(f, "{container} {old} -> {new}"),
            Self::Patch => f.write_str("patched"),
        }
    }
}
