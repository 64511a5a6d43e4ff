//! `graylane render`

use super::cmp::{self, CmpArgs};
use super::output::Output;
use super::shared::{Part, rendered};
use super::specs::{BaselineArgs, SpecArgs, releases_from};
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::baseline::files::Files;
use crate::pipeline::Release;

/// Print the overlay as one YAML stream
///
/// Nothing is written. With --cmp this is a config-management plugin of Argo CD.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane render\n  kustomize build deploy | graylane render --baseline -\n  graylane render --rev origin/main lanes/gray.yaml\n  ARGOCD_APP_PARAMETERS='[{\"name\": \"tag\", \"string\": \"pr-12\"}]' graylane render --cmp"
)]
pub(super) struct Args {
    #[command(flatten)]
    specs: SpecArgs,
    #[command(flatten)]
    baseline: BaselineArgs,
    #[command(flatten)]
    cmp: CmpArgs,
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    if args.cmp.is_asked_for() {
        return cmp::run(&args.cmp, &args.specs, &args.baseline, global, output);
    }
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    print(&args.specs, &args.baseline, &workspace, workspace.files()?.as_ref(), output)?;
    Ok(Outcome::Done)
}

/// Prints the lanes of specs as one stream, or nothing where anything is wrong; whether there was
/// anything to print.
///
/// # Errors
///
/// Whatever stops any of the lanes, and findings of severity error.
pub(super) fn print(
    specs: &SpecArgs,
    baseline: &BaselineArgs,
    workspace: &Workspace,
    files: &dyn Files,
    output: &mut Output,
) -> anyhow::Result<bool> {
    let releases = releases_from(specs, baseline, workspace, files, None, output)?;
    for release in &releases {
        release.sound()?;
    }
    let parts: Vec<Part> =
        releases.iter().filter_map(|release| Part::of(release, workspace)).collect();
    let shared = rendered(&parts, workspace)?;
    output.notes(&shared.notes)?;
    // Nothing comes after this but the end of the process: to free every node would take longer.
    let releases: &[Release] = releases.leak();
    let mut first = true;
    for stream in releases.iter().flat_map(Release::streams) {
        if output.is_unread() {
            break;
        }
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
    Ok(!first || !shared.files.is_empty())
}
