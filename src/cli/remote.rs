//! `--repo URL`: a command on a repository that is somewhere else.

use super::output::Output;
use super::{Cli, Command, Global};
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::{TemporaryClone, is_url};

/// Makes a temporary clone where `--repo` is a URL, and lets the command run in it. What a command
/// does there is lost unless it is pushed.
///
/// # Errors
/// The command would keep nothing; the repository cannot be cloned.
pub(super) fn clone(cli: &mut Cli, output: &mut Output) -> anyhow::Result<Option<TemporaryClone>> {
    let Some(url) = url(&cli.global) else { return Ok(None) };
    if !needs_repository(&cli.command) {
        return Ok(None);
    }
    if let Some(remedy) = loses(&cli.command) {
        let error =
            Diagnostic::error("what is done in a clone for one command is lost").remedy(remedy);
        return Err(Failure::from(error).into());
    }
    let mut told = Ok(());
    let mut tell = |text: &str| {
        let said = output.say(text);
        if told.is_ok() {
            told = said;
        }
    };
    let base = match &cli.command {
        Command::Diff(args) => args.base.as_deref(),
        _ => None,
    };
    let revs: Vec<&str> = cli.global.rev.as_deref().into_iter().chain(base).collect();
    let clone = TemporaryClone::of(&url, &revs, &mut tell);
    told?;
    let clone = clone.map_err(Failure::from)?;
    cli.global.repo = clone.work_tree().to_owned();
    cli.global.is_clone = true;
    Ok(Some(clone))
}

/// The URL that `--repo` is; an existing directory is none, whatever its name.
fn url(global: &Global) -> Option<String> {
    let text = global.repo.to_str()?;
    (is_url(text) && !global.repo.is_dir()).then(|| text.to_owned())
}

fn needs_repository(command: &Command) -> bool {
    !matches!(
        command,
        Command::Explain(_) | Command::Schema(_) | Command::Completions(_) | Command::Man(_)
    )
}

/// What to do where a command writes files and pushes nothing.
fn loses(command: &Command) -> Option<&'static str> {
    let (is_kept, remedy) = match command {
        Command::Init(_) => (false, "clone the repository and run `graylane init` there"),
        Command::Generate(args) => {
            (args.keeps(), "add --commit --push, or look first with --dry-run or --check")
        }
        Command::Cleanup(args) => (args.keeps(), "add --commit --push, or look with --dry-run"),
        Command::Promote(args) => (args.keeps(), "add --commit --push, or look with --dry-run"),
        _ => (true, ""),
    };
    (!is_kept).then_some(remedy)
}
