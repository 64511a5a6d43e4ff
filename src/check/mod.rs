//! Findings: what is wrong with a lane that could be written. One file per finding, with its code,
//! its rule and its tests; [`FINDINGS`] lists them.

mod lane_collision;
mod selector_leak;

use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::Claims;
use crate::lane::{Facts, Lane};
use crate::spec::GrayRelease;

/// What a finding looks at.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The spec.
    pub release: &'a GrayRelease,
    /// The baseline.
    pub facts: &'a Facts,
    /// The lane the spec gives on it.
    pub lane: &'a Lane,
    /// What the entries of other lanes take of the gateways' traffic.
    pub others: &'a Claims,
}

/// A rule that lanes are checked by.
pub struct Finding {
    /// Stable code, in kebab case.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// What it means, for people.
    pub doc: &'static str,
    check: fn(&Subject<'_>) -> Vec<Diagnostic>,
}

impl Finding {
    /// What it means in one sentence: the first of its documentation.
    pub fn summary(&self) -> &'static str {
        self.doc.split("\n\n").next().unwrap_or_default()
    }
}

/// All findings, by code.
pub const FINDINGS: &[Finding] = &[lane_collision::FINDING, selector_leak::FINDING];

/// Checks a lane by every rule; sorted by place.
pub fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = FINDINGS
        .iter()
        .flat_map(|finding| {
            let found = (finding.check)(subject);
            found.into_iter().map(|mut diagnostic| {
                diagnostic.severity = finding.severity;
                diagnostic.code(finding.code)
            })
        })
        .collect();
    found.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sorted() {
        let codes: Vec<&str> = FINDINGS.iter().map(|finding| finding.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
        for finding in FINDINGS {
            let summary = finding.summary();
            assert!(summary.ends_with('.') && !summary.contains('\n'), "{}", finding.code);
            assert!(finding.doc.contains("\n\nRemedy: "), "{}", finding.code);
        }
    }
}
