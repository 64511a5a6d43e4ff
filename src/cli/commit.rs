//! What commands that commit have in common: whose commit it is, what it says it comes from, and
//! pushing it.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use super::output::Output;
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::commit_message::{CommitMessage, MessageTemplate, PASSED_ON, Provenance, trailer};
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::{CommitId, CommitOutcome, CommitRequest, Identity, PushOutcome, Repository};
use crate::overlay::{Lock, TreeFiles, read_lock};
use crate::pipeline::SpecFile;

/// Whether and as whom to commit.
#[derive(Debug, clap::Args)]
pub(super) struct CommitArgs {
    /// Commit the change
    #[arg(long)]
    pub(super) commit: bool,
    /// Author of the commit [default: as git decides]
    #[arg(long, value_name = "NAME <EMAIL>", value_parser = parse_author, requires = "commit")]
    author: Option<Author>,
    /// Sign the commit, though `commit.gpgSign` does not ask for it
    #[arg(long, requires = "commit")]
    sign: bool,
    /// Commit without the hooks `pre-commit` and `commit-msg`
    #[arg(long, requires = "commit")]
    no_verify: bool,
    /// Put a line behind the message, such as `Reviewed-by: NAME`; may be repeated
    #[arg(long = "trailer", value_name = "KEY: VALUE", requires = "commit", value_parser = trailer)]
    trailers: Vec<String>,
    /// Push the branch; if others were first, start again from what they pushed
    #[arg(long, requires = "commit")]
    pub(super) push: bool,
    /// The commits that the command made.
    #[arg(skip)]
    made: RefCell<Vec<CommitId>>,
}

impl CommitArgs {
    /// Whether a hook looks at the files of the work tree before the commit.
    pub(super) fn shows_files(&self, workspace: &Workspace) -> Result<bool, Failure> {
        Ok(!self.no_verify && workspace.to_commit()?.has_hook("pre-commit")?)
    }
}

/// Where a commit goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum To<'a> {
    /// To what is checked out.
    Head,
    /// To a branch that is not.
    Branch {
        /// Its name.
        name: &'a str,
        /// Whether it starts without a parent where it is not there.
        orphan: bool,
    },
}

/// The author of a commit, as git writes one.
#[derive(Clone, Debug)]
struct Author {
    name: String,
    email: String,
}

fn parse_author(text: &str) -> Result<Author, String> {
    let (name, rest) = text.split_once(" <").ok_or("write it as `Name <mail@example.com>`")?;
    let email = rest.strip_suffix('>').ok_or("write it as `Name <mail@example.com>`")?;
    let fits = |part: &str| {
        !part.trim().is_empty() && !part.contains(['<', '>']) && !part.contains(char::is_control)
    };
    if fits(name) && fits(email) {
        Ok(Author { name: name.to_owned(), email: email.to_owned() })
    } else {
        Err("write it as `Name <mail@example.com>`".to_owned())
    }
}

/// The commit that spec, baseline and schema were read from; `None` where the work tree has more than it.
pub(super) fn source_commit(
    spec: &SpecFile,
    workspace: &Workspace,
    repository: &Repository,
) -> Result<Option<CommitId>, Failure> {
    if let Some(commit) = workspace.commit {
        return Ok(Some(commit));
    }
    let own = [spec.release.file.as_ref()];
    let baseline = spec.patterns.iter().map(|pattern| pattern.directory());
    let schema = spec.schema.as_ref().map(|schema| schema.path.as_str());
    for path in own.into_iter().chain(baseline).chain(schema) {
        let own = [Some(&spec.output), spec.shared.as_ref()];
        let of_others = |change: &String| {
            !own.iter().flatten().any(|directory| crate::spec::within(directory, change))
        };
        if repository.changes_under(path)?.iter().any(of_others) {
            return Ok(None);
        }
    }
    Ok(repository.head()?.commit())
}

/// The lock of an overlay in the last commit.
pub(super) fn head_lock(repository: &Repository, directory: &str) -> Result<Option<Lock>, Failure> {
    match repository.head()?.commit() {
        Some(commit) => read_lock(&TreeFiles::open(repository, commit, directory)?),
        None => Ok(None),
    }
}

/// As [`head_lock`], for a commit on top of that one: a lock that cannot be read is mended by it, and
/// does not stand in its way.
pub(super) fn sound_head_lock(
    repository: &Repository,
    directory: &str,
) -> Result<Option<Lock>, Failure> {
    match repository.head()?.commit() {
        Some(commit) => {
            let files = TreeFiles::open(repository, commit, directory)?;
            Ok(read_lock(&files).unwrap_or_default())
        }
        None => Ok(None),
    }
}

/// What a commit says; `source` is the commit that the lane was made from.
pub(super) fn text(
    args: &CommitArgs,
    message: &CommitMessage<'_>,
    template: Option<&MessageTemplate>,
    spec_digest: &str,
    source: Option<CommitId>,
    repository: &Repository,
) -> Result<String, Failure> {
    let mut others = match source {
        Some(commit) => repository.trailers(commit)?,
        None => Vec::new(),
    };
    others.retain(|trailer| trailer.to_ascii_lowercase().starts_with(PASSED_ON));
    others.extend(args.trailers.iter().cloned());
    let provenance = Provenance {
        spec_digest: spec_digest.to_owned(),
        source_commit: source.map(|commit| commit.to_string()),
        others,
    };
    message.text(template, &provenance).map_err(|why| {
        Diagnostic::error(format!("the spec's template of commit messages cannot be used: {why}"))
            .remedy("mend `spec.commit.message`; nothing is committed")
            .into()
    })
}

/// Commits changes; the line that says so, if there was anything to commit.
pub(super) fn record(
    args: &CommitArgs,
    repository: &Repository,
    to: To<'_>,
    changes: Vec<crate::git::Change>,
    text: &str,
) -> anyhow::Result<Option<String>> {
    let author = args
        .author
        .as_ref()
        .map(|author| Identity { name: author.name.clone(), email: author.email.clone() });
    let (branch, orphan, expected_parent) = match to {
        To::Head => (None, false, repository.head()?.commit()),
        To::Branch { name, orphan } => {
            (Some(name), orphan, repository.branch_base(name, orphan).map_err(Failure::from)?)
        }
    };
    let request = CommitRequest {
        changes,
        message: text,
        author,
        branch,
        sign: args.sign,
        hooks: !args.no_verify,
        orphan,
        expected_parent,
    };
    let outcome = repository.commit(&request).map_err(Diagnostic::from).map_err(Failure::from)?;
    Ok(match outcome {
        CommitOutcome::Created { id, short } => {
            args.made.borrow_mut().push(id);
            Some(format!("commit {short} {}\n", text.lines().next().unwrap_or("")))
        }
        CommitOutcome::Unchanged { .. } => None,
    })
}

/// What kept an overlay from being committed whose files a hook had to see.
pub(super) fn uncommitted(error: anyhow::Error, note: String) -> anyhow::Error {
    let note = Diagnostic::error(note).remedy("mend it and run the same command again");
    with_more(error, vec![note])
}

/// What kept something from being committed, and what came of that.
pub(super) fn with_more(error: anyhow::Error, more: Vec<Diagnostic>) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(Failure(mut errors)) => {
            errors.extend(more);
            Failure(errors).into()
        }
        Err(error) => error,
    }
}

/// What stopped the files of an overlay that is committed already.
pub(super) fn behind(
    Failure(mut errors): Failure,
    directory: &str,
    committed: Option<&String>,
) -> Failure {
    if committed.is_some() {
        errors.push(
            Diagnostic::error(format!("{directory} is committed, but its files are not written"))
                .remedy(format!("git restore '{directory}'")),
        );
    }
    Failure(errors)
}

/// How often a push is tried while others are first.
const TRIES: u32 = 10;

/// The longest wait between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs a command that commits, and pushes where that is asked for. Where others pushed first, the
/// branch goes back to what they pushed and the command runs again on that: its result is the one
/// for the newest baseline, and nothing of theirs is lost.
pub(super) fn pushing(
    args: &CommitArgs,
    branch: Option<&str>,
    dry_run: bool,
    global: &Global,
    output: &mut Output,
    mut run: impl FnMut(&mut Output) -> anyhow::Result<Outcome>,
) -> anyhow::Result<Outcome> {
    if !args.push || dry_run {
        return run(output);
    }
    let workspace = Workspace::open(global)?;
    let repository = workspace.to_commit()?;
    let target = repository.push_target(branch).map_err(Failure::from)?;
    let tip = || -> Result<_, Failure> {
        Ok(match branch {
            Some(branch) => repository.branch_tip(branch),
            None => repository.head()?.commit(),
        })
    };
    if let (Some(branch), None) = (branch, tip()?)
        && let Some(there) = repository.fetch_tip(&target).map_err(Failure::from)?
    {
        repository.create_branch(branch, there).map_err(Failure::from)?;
    }
    let mut tries = 1;
    loop {
        let base = tip()?;
        let started = Instant::now();
        let outcome = run(output)?;
        // Where there was nothing to commit, a new branch has not been made.
        if tip()?.is_none() {
            return Ok(outcome);
        }
        let there = format!("{}/{}", target.remote, target.upstream);
        match repository.push(&target).map_err(Failure::from)? {
            PushOutcome::Pushed { changed } => {
                if changed {
                    output.say(&format!("pushed {} to {there}", target.branch))?;
                }
                return Ok(outcome);
            }
            PushOutcome::Behind if tries == TRIES => {
                let error = Diagnostic::error(format!(
                    "others pushed to {there} first, {TRIES} times in a row"
                ));
                let error = error.remedy("the commit is there; run the same command again");
                return Err(Failure::from(error).into());
            }
            PushOutcome::Behind => {
                output.say(&format!("{there} has moved; starting again from it"))?;
                std::thread::sleep(pause(tries, started.elapsed()));
                if let Some(onto) = repository.fetch_tip(&target).map_err(Failure::from)? {
                    repository
                        .move_onto(&target, base, &args.made.take(), onto)
                        .map_err(Failure::from)?;
                }
                tries += 1;
            }
        }
    }
}

/// How long to wait before another try: up to several times what the last one took, so that those who
/// try at once get out of each other's way, and never the same for two of them.
fn pause(tries: u32, took: Duration) -> Duration {
    let longest = took.saturating_mul(1 << (tries + 1).min(6)).min(LONGEST_PAUSE);
    // Its keys are random, and it needs no dependency.
    let random = RandomState::new().build_hasher().finish();
    longest.mul_f64((random % 1000) as f64 / 1000.0)
}
