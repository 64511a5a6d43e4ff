//! `route-overtaken`: a lane's HTTPRoute goes before one that went before its baseline's.

use super::rivals::http_rivals;
use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway::weight_alone;

pub(super) const FINDING: Finding = Finding {
    code: "route-overtaken",
    severity: Severity::Warning,
    doc: "\
A lane's HTTPRoute takes gray requests of another HTTPRoute of the same host and path.

Of two matches of one host and path the one with more headers goes first, then the one with more query
parameters, whatever object they stand in. With the conditions of a lane its match can have more than
that of another route, which had more than the baseline's: a request that fits both went there, and
goes to the lane if it is gray.

Remedy: match fewer headers in the lane, or make the service of the other route an entry's too,
with the same match.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let taken = http_rivals(subject, |entry| weight_alone(entry).is_none());
    let told = taken.iter().map(|taken| {
        let warning = Diagnostic::warning(format!(
            "requests of the lane that fit a match of {} too go to `{}`, because the match of {} on the same path has more conditions",
            taken.other, taken.entry.service, taken.object.id
        ));
        taken.told(warning).remedy(
            "match fewer headers in the lane, or make the service of that match an entry's too, with the same match",
        )
    });
    told.collect()
}
