//! The command line: one file per command, each thin over the library.

mod around;
mod check;
mod cleanup;
mod cmp;
mod commit;
mod compared;
mod completions;
mod diff;
mod explain;
mod foreign;
mod generate;
mod graph;
mod init;
mod init_flux;
mod list;
mod man;
mod output;
mod owners;
mod promote;
mod remote;
mod render;
mod revisions;
mod schema;
mod shared;
mod specs;
mod trace;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use output::{Color, Output};

/// Full-link gray releases as a matter of git.
///
/// graylane reads a GrayRelease spec and the baseline manifests, writes the gray lane beside them
/// and commits it. Argo CD or Flux applies it; graylane never talks to a cluster.
#[derive(Debug, Parser)]
#[command(
    name = "graylane",
    version = env!("GRAYLANE_VERSION"),
    long_version = concat!(env!("GRAYLANE_VERSION"), "\ntarget ", env!("GRAYLANE_TARGET")),
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes:\n  0  done, or nothing to do\n  1  differences (diff, generate --check), findings of severity error (check), or requests\n     that go astray (trace --matrix)\n  2  anything that stopped the command"
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
struct Global {
    /// Run as if started in this directory, or in a temporary clone of the repository at this URL
    #[arg(
        short = 'C',
        long = "repo",
        value_name = "DIR|URL",
        global = true,
        default_value = ".",
        hide_default_value = true
    )]
    repo: PathBuf,
    /// Whether `repo` is a clone for this command alone
    #[arg(skip)]
    is_clone: bool,
    /// Read spec and baseline from this commit instead of the work tree
    #[arg(long, value_name = "REV", global = true)]
    rev: Option<String>,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say all that was decided
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Colour the output
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Check(check::Args),
    Render(render::Args),
    Diff(diff::Args),
    Generate(generate::Args),
    Cleanup(cleanup::Args),
    Promote(promote::Args),
    List(list::Args),
    Trace(trace::Args),
    Graph(graph::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// The whole command line, for completions and the manual.
fn command() -> clap::Command {
    Cli::command()
}

/// How a command ended without being stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Done, or nothing to do.
    Done,
    /// There are differences, or findings of severity error.
    Different,
}

/// Exit code of a command that was stopped.
const STOPPED: u8 = 2;

/// Runs the program with these arguments (the first is the program's name).
///
/// Errors are written to standard error; the exit code is 0, 1 or 2 as `--help` says.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come as errors that are none.
            let code = if error.use_stderr() { STOPPED } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let mut output = Output::new(cli.global.color, cli.global.quiet, cli.global.verbose);
    // It is there until the command has ended.
    let clone = remote::clone(&mut cli, &mut output);
    let result = clone.and_then(|_clone| dispatch(&cli, &mut output));
    match result.and_then(|outcome| output.flush().map(|()| outcome)) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Different) => ExitCode::from(1),
        Err(error) => {
            output.error(&error);
            ExitCode::from(STOPPED)
        }
    }
}

fn dispatch(cli: &Cli, output: &mut Output) -> anyhow::Result<Outcome> {
    match &cli.command {
        Command::Init(args) => init::run(args, &cli.global, output),
        Command::Check(args) => check::run(args, &cli.global, output),
        Command::Render(args) => render::run(args, &cli.global, output),
        Command::Diff(args) => diff::run(args, &cli.global, output),
        Command::Generate(args) => generate::run(args, &cli.global, output),
        Command::Cleanup(args) => cleanup::run(args, &cli.global, output),
        Command::Promote(args) => promote::run(args, &cli.global, output),
        Command::List(args) => list::run(args, &cli.global, output),
        Command::Graph(args) => graph::run(args, &cli.global, output),
        Command::Trace(args) => trace::run(args, &cli.global, output),
        Command::Explain(args) => explain::run(args, output),
        Command::Schema(args) => schema::run(args, output),
        Command::Completions(args) => completions::run(args, output),
        Command::Man(args) => man::run(args, output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        for sub in command().get_subcommands() {
            let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("graylane "), "{} has no example", sub.get_name());
        }
    }
}
