//! `graylane completions`

use super::output::Output;
use super::{Outcome, command};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  graylane completions bash > /etc/bash_completion.d/graylane")]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "graylane", &mut text);
    output.result(&String::from_utf8_lossy(&text))?;
    Ok(Outcome::Done)
}
