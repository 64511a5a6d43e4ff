//! `graylane graph`

use super::output::Output;
use super::specs::{BaselineArgs, SpecArgs, releases_and_baselines};
use super::trace::cluster;
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::diagnostic::Diagnostic;
use crate::graph::{Graph, dot, is_drawn_by_mermaid, mermaid, svg};
use crate::trace::{Request, Wanted, matrix};

/// Draw the lanes: gateway, services, baseline and gray instances, and the way of marked requests
///
/// The ways are those that `trace` finds for a request that matches the entry of each lane, and for
/// one that matches none.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane graph > lane.mmd\n  graylane graph --format svg > lane.svg\n  graylane graph --format dot graylane/pr-4711.yaml | dot -Tpng > lane.png"
)]
pub(super) struct Args {
    #[command(flatten)]
    specs: SpecArgs,
    #[command(flatten)]
    baseline: BaselineArgs,
    /// What is written
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For Markdown of GitHub and GitLab
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture for browsers, light or dark as the reader has it
    Svg,
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    let (releases, baselines) =
        releases_and_baselines(&args.specs, &args.baseline, &workspace, output)?;
    let cluster = cluster(&workspace, &releases, &baselines)?;
    let graph = Graph::new(&cluster, &matrix(&cluster, Wanted::default(), &Request::new("", "/")));
    let text = match args.format {
        Format::Mermaid => mermaid(&graph),
        Format::Dot => dot(&graph),
        Format::Svg => svg(&graph),
    };
    if args.format == Format::Mermaid && !is_drawn_by_mermaid(&graph, &text) {
        let message = "Mermaid refuses pictures of this size unless its page allows more";
        output.notes(&[
            Diagnostic::warning(message).remedy("use `--format svg`, or name fewer specs")
        ])?;
    }
    output.verbatim(&text)?;
    Ok(Outcome::Done)
}
