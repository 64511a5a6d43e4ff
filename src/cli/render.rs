//! `graylane render`

use super::output::Output;
use super::shared::{Part, rendered};
use super::specs::{BaselineArgs, SpecArgs, releases};
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::pipeline::Release;

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
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    let releases = releases(&args.specs, &args.baseline, &workspace, output)?;
    for release in &releases {
        release.sound()?;
    }
    let parts: Vec<Part> =
        releases.iter().filter_map(|release| Part::of(release, &workspace)).collect();
    let shared = rendered(&parts, &workspace)?;
    output.notes(&shared.notes)?;
    // Nothing comes after this but the end of the process: to free every node would take longer.
    let releases: &[Release] = releases.leak();
    let mut first = true;
    for stream in releases.iter().flat_map(Release::streams) {
        if !first {
            output.verbatim("---\n")?;
        }
        first = false;
        output.verbatim(&stream)?;
    }
    for (_, file) in &shared.files {
        output.verbatim("---\n")?;
        output.verbatim(&String::from_utf8_lossy(&file.contents))?;
    }
    Ok(Outcome::Done)
}
