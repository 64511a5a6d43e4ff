//! What a spec says about findings: the block `findings`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::{Check, entries};
use crate::diagnostic::Place;
use crate::kube::names;
use crate::yaml::NodeRef;

/// How much a finding weighs in this lane, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Finding")]
pub(super) struct RawFinding {
    /// How much it weighs.
    #[schemars(required)]
    severity: Option<FindingLevel>,
    /// Why; `check` prints it.
    #[schemars(required, length(min = 1))]
    reason: Option<String>,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindingLevel {
    /// It stops `generate`, and `check` fails.
    Error,
    /// It is shown and stops nothing.
    Warning,
    /// It is shown as worth knowing.
    Note,
    /// It is not shown, but for the reason.
    Silent,
}

/// What a spec says about one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRule {
    /// The finding's code, in kebab case; whether there is such a finding is for [`crate::check`].
    pub code: String,
    /// How much it weighs.
    pub level: FindingLevel,
    /// Why: one line, not empty.
    pub reason: String,
    /// Where it is.
    pub place: Place,
}

/// The block of a spec, in its order; `node` is `spec`.
pub(super) fn read(
    check: &mut Check,
    raw: &BTreeMap<String, RawFinding>,
    node: NodeRef<'_>,
) -> Vec<FindingRule> {
    let mut rules = Vec::new();
    for (code, raw, node) in entries(raw, node.get("findings")) {
        let place = check.place(Some(node));
        let remedy = "`graylane explain` lists all codes";
        let has_code = check.fits("code of a finding", code, names::dns_label, &place, remedy);
        let (Some(level), Some(reason)) = (raw.severity, &raw.reason) else { continue };
        let at = check.value_place(node.get("reason"));
        let remedy = "say in one line why it is so in this lane";
        if check.fits("reason", reason, one_line, &at, remedy) && has_code {
            let (code, reason) = (code.to_owned(), reason.trim().to_owned());
            rules.push(FindingRule { code, level, reason, place });
        }
    }
    rules
}

/// Text of one line that says something.
fn one_line(text: &str) -> Result<(), String> {
    match text.trim() {
        "" => Err("it is empty".to_owned()),
        text if text.contains(char::is_control) => Err("it has more than one line".to_owned()),
        _ => Ok(()),
    }
}
