//! `graylane init`

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use super::init_flux::{self, FluxArgs};
use super::output::Output;
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::baseline::read;
use crate::baseline::select::{Pattern, select};
use crate::diagnostic::{Diagnostic, Failure};
use crate::draft::{Candidate, candidates, draft};
use crate::lane::Facts;
use crate::overlay::write_alone;
use crate::pipeline::{SpecFile, release, spec_of};
use crate::spec::Tag;

/// Write a first spec from the manifests that are here
///
/// Takes every workload that can have a gray copy as a service, with its present images, and the
/// services behind an Ingress, HTTPRoute or ApisixRoute as entries. Remove what gets no new version,
/// and set the new images. With --flux, write what delivers a lane instead.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane init deploy\n  graylane init --tag pr-4711 --file graylane/pr-4711.yaml ../deploy\n  graylane init --flux --file clusters/prod/spring-gray.yaml"
)]
pub(super) struct Args {
    /// Files, directories or globs of the baseline, relative to the spec [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// The tag of the lane
    #[arg(long, default_value = "gray")]
    tag: String,
    /// The file to write [default: graylane.yaml]
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    flux: FluxArgs,
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let workspace = Workspace::open(global)?;
    if args.flux.flux {
        let file = args.file.as_deref();
        return init_flux::run(&args.flux, &args.paths, file, args.force, &workspace, output);
    }
    Tag::parse(&args.tag).map_err(|error| {
        Failure::from(Diagnostic { message: format!("--tag: {}", error.message), ..error })
    })?;
    let files = workspace.files()?;
    let target = Target::new(args.file.as_deref().unwrap_or("graylane.yaml"), &workspace)?;
    target.may_write(args.force)?;
    let spec_path = &target.path;
    let paths = if args.paths.is_empty() { vec![".".to_owned()] } else { args.paths.clone() };
    let directory = spec_path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut patterns = Vec::new();
    for path in &paths {
        let path = crate::spec::resolve(directory, path).map_err(|why| {
            Failure::from(Diagnostic::error(format!(
                "the path `{}` cannot be used: {why}",
                path.escape_debug()
            )))
        })?;
        patterns.push(Pattern { path, place: None });
    }
    let selected = select(files.as_ref(), &patterns, &[]).map_err(Failure)?;
    let baseline = Arc::new(read::read(files.as_ref(), &selected, "")?);
    let facts = Facts::gather(&baseline);
    output.notes(&baseline.notes)?;

    let all = candidates(&facts);
    let attempt =
        |chosen: &[&Candidate]| accepted(&draft(&args.tag, &paths, chosen, &[]), spec_path, &facts);
    let everything: Vec<&Candidate> = all.iter().collect();
    let (chosen, refused) = match attempt(&everything) {
        _ if everything.is_empty() => (everything, Vec::new()),
        Ok(()) => (everything, Vec::new()),
        Err(failure) => {
            // What is wrong may be wrong with some of them only.
            let (mut chosen, mut refused) = (Vec::new(), Vec::new());
            for candidate in &all {
                match attempt(&[candidate]) {
                    Ok(()) => chosen.push(candidate),
                    Err(Failure(errors)) => {
                        let refusal = (candidate, first_line(&errors));
                        // A workload that stands twice is told of once.
                        if !refused.contains(&refusal) {
                            refused.push(refusal);
                        }
                    }
                }
            }
            if chosen.is_empty() {
                of_all(&failure, &refused)?;
            } else {
                attempt(&chosen).map_err(|_| failure)?;
            }
            (chosen, refused)
        }
    };
    if chosen.is_empty() {
        let error = Diagnostic::error("there is no workload here that could have a gray copy");
        let reasons: BTreeSet<String> =
            refused.iter().map(|(candidate, why)| format!("{}: {why}", candidate.name)).collect();
        let mut remedies: Vec<String> = reasons.into_iter().collect();
        if is_of_several_namespaces(&all) {
            remedies.push(ONE_NAMESPACE.to_owned());
        } else if remedies.is_empty() {
            remedies.push("name the directory of the manifests: `graylane init deploy`".to_owned());
        }
        return Err(Failure::from(error.remedy(remedies.join("\n"))).into());
    }
    let text = draft(&args.tag, &paths, &chosen, &refused);
    write_alone(&target.at, &text)?;
    let count = match chosen.len() {
        1 => "1 service".to_owned(),
        count => format!("{count} services"),
    };
    output.say(&format!("wrote {spec_path}: {count}"))?;
    for (candidate, why) in &refused {
        output.say(&format!("left out {}: {why}", candidate.name))?;
    }
    output.say("next: set the new images, then `graylane check` and `graylane diff`")?;
    Ok(Outcome::Done)
}

/// Whether `check` would accept a draft.
fn accepted(text: &str, path: &str, facts: &Facts) -> Result<(), Failure> {
    let spec: SpecFile = spec_of(path, text)?;
    release(spec, facts)?.sound()
}

const ONE_NAMESPACE: &str = "the same names stand in several namespaces: name the files of one of them, as in `graylane init deploy/prod`; where one file has them all, write a spec with its `namespace`";

/// Whether a workload stands in more than one namespace.
fn is_of_several_namespaces(all: &[Candidate]) -> bool {
    let mut seen: HashMap<(&str, &str), &str> = HashMap::new();
    all.iter().any(|candidate| {
        let namespace = candidate.namespace.as_str();
        *seen.entry((&candidate.kind, &candidate.name)).or_insert(namespace) != namespace
    })
}

/// Fails with what is wrong with all of them, such as the length of the tag; the spec it would stand
/// in is not there.
fn of_all(failure: &Failure, refused: &[(&Candidate, String)]) -> Result<(), Failure> {
    let Failure(errors) = failure;
    let Some(error) = errors.first() else { return Ok(()) };
    let why = first_line(errors);
    if refused.len() < 2 || refused.iter().any(|(_, other)| *other != why) {
        return Ok(());
    }
    Err(Diagnostic { place: None, related: Vec::new(), ..error.clone() }.into())
}

fn first_line(errors: &[Diagnostic]) -> String {
    errors
        .first()
        .map(|error| error.message.lines().next().unwrap_or("").to_owned())
        .unwrap_or_default()
}

/// A file to write.
pub(super) struct Target {
    /// Relative to the repository.
    pub(super) path: String,
    /// Where that is.
    pub(super) at: PathBuf,
}

impl Target {
    /// The file that an argument names.
    pub(super) fn new(file: &str, workspace: &Workspace) -> Result<Self, Failure> {
        let path = workspace.path(file)?;
        let at = workspace.root()?.join(&path);
        Ok(Self { path, at })
    }

    /// Refuses to write over what is there, unless forced.
    pub(super) fn may_write(&self, force: bool) -> Result<(), Failure> {
        if self.at.symlink_metadata().is_ok() && !force {
            let error = Diagnostic::error(format!("{} is there already", self.path));
            return Err(error.remedy("choose another --file, or --force").into());
        }
        Ok(())
    }
}
