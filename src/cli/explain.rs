//! `graylane explain`

use super::Outcome;
use super::output::Output;
use crate::check::FINDINGS;
use crate::diagnostic::{Diagnostic, Failure, nearest};

/// Explain a finding: what it means, and what to do
///
/// Without a code, all findings are listed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  graylane explain\n  graylane explain selector-leak")]
pub(super) struct Args {
    /// The code of a finding, as `check` prints it
    code: Option<String>,
}

pub(super) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Outcome> {
    let Some(code) = &args.code else {
        let width = FINDINGS.iter().map(|finding| finding.code.len()).max().unwrap_or(0);
        for finding in FINDINGS {
            let (code, severity) = (finding.code, finding.severity.to_string());
            output.result(&format!("{code:width$}  {severity:7}  {}\n", finding.summary()))?;
        }
        return Ok(Outcome::Done);
    };
    let Some(finding) = FINDINGS.iter().find(|finding| finding.code == code) else {
        let codes = FINDINGS.iter().map(|finding| finding.code);
        let remedy = nearest(code, codes).map_or_else(
            || "`graylane explain` lists all findings".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let code = code.escape_debug();
        let error = Diagnostic::error(format!("there is no finding `{code}`")).remedy(remedy);
        return Err(Failure::from(error).into());
    };
    output.result(&format!("{} ({})\n\n{}\n", finding.code, finding.severity, finding.doc))?;
    Ok(Outcome::Done)
}
