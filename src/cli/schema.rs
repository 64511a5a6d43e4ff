//! `graylane schema`

use super::Outcome;
use super::output::Output;

/// Print the JSON Schema of the spec, for editors
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  graylane schema > graylane.schema.json\n\nand in the spec's first line:\n  # yaml-language-server: $schema=./graylane.schema.json"
)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args, output: &mut Output) -> anyhow::Result<Outcome> {
    output.result(&crate::spec::schema())?;
    Ok(Outcome::Done)
}
