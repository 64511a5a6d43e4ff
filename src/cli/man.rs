//! `graylane man`

use super::output::Output;
use super::{Outcome, command};
use crate::diagnostic::{Diagnostic, Failure, nearest};

/// Print a manual page
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane man | man -l -\n  graylane man generate > graylane-generate.1"
)]
pub(super) struct Args {
    /// The command it is about [default: the program]
    command: Option<String>,
    /// Print the names of all commands instead, a line each
    #[arg(long, conflicts_with = "command")]
    list: bool,
}

pub(super) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Outcome> {
    let mut whole = command();
    // Names and options that commands have of the program.
    whole.build();
    if args.list {
        for command in whole.get_subcommands() {
            output.result(&format!("{}\n", command.get_name()))?;
        }
        return Ok(Outcome::Done);
    }
    let page = match &args.command {
        None => whole,
        Some(name) => match whole.find_subcommand(name) {
            Some(found) => found.clone(),
            None => {
                let names: Vec<&str> =
                    whole.get_subcommands().map(clap::Command::get_name).collect();
                let error =
                    Diagnostic::error(format!("there is no command `{}`", name.escape_debug()));
                return Err(Failure::from(match nearest(name, names.iter().copied()) {
                    Some(near) => error.remedy(format!("did you mean `{near}`?")),
                    None => error.remedy(format!("the commands are {}", names.join(", "))),
                })
                .into());
            }
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    output.result(&String::from_utf8_lossy(&text))?;
    Ok(Outcome::Done)
}
