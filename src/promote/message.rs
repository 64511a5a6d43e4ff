//! The commit message of a promotion.

use super::{Promoted, Promotion, What};
use crate::overlay::{Provenance, trailers};

/// Services that a subject names; of more it gives the number.
const NAMED: usize = 3;

/// The message: a subject that names the services, a line for each change, and the trailers of the
/// lane.
pub fn message(promotion: &Promotion, provenance: &Provenance<'_>) -> String {
    let changes: Vec<&Promoted> =
        promotion.files.iter().flat_map(|file| file.changes.iter()).collect();
    let mut services: Vec<&str> = changes.iter().map(|change| change.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    let named = match services.len() {
        0..=NAMED => services.join(", "),
        many => format!("{many} services"),
    };
    let mut text = format!("gray({}): promote {named}\n\n", provenance.tag);
    for change in changes {
        text.push_str(&format!("~ {}: {}\n", change.object, change.what));
    }
    text.push('\n');
    text.push_str(&trailers(provenance));
    text
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image { container, old, new } => write!(f, "{container} {old} -> {new}"),
            Self::Patch => f.write_str("patched"),
        }
    }
}
