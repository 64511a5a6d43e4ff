//! `graylane render`

use super::output::Output;
use super::specs::{BaselineArgs, SpecArgs, releases};
use super::workspace::Workspace;
use super::{Global, Outcome};

/// Print the overlay as one YAML stream
///
/// Nothing is written. This is what a config-management plugin calls.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane render\n  kustomize build deploy | graylane render --baseline -\n  graylane render --rev origin/main lanes/gray.yaml"
)]
pub(super) struct Args {
    #[command(flatten)]
    specs: SpecArgs,
    #[command(flatten)]
    baseline: BaselineArgs,
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open(global)?;
    let releases = releases(&args.specs, &args.baseline, &workspace, output)?;
    for release in &releases {
        release.sound()?;
    }
    let mut first = true;
    for release in releases {
        release.into_files(|file| {
            if !first {
                output.result("---\n")?;
            }
            first = false;
            output.result(&String::from_utf8_lossy(&file.contents))
        })?;
    }
    Ok(Outcome::Done)
}
