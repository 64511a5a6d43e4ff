//! The specs a command is about, and the lanes they give.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use super::output::Output;
use super::owners::taken;
use super::workspace::Workspace;
use crate::baseline::files::{Files, FilesError};
use crate::baseline::select::Pattern;
use crate::diagnostic::{Diagnostic, Failure};
use crate::invocation::Invocation;
use crate::kube::object::ObjectRef;
use crate::neighbours::{Destination, claims_of_neighbours};
use crate::pipeline::{BaselineFrom, Baselines, Release, SpecFile, read_spec, release_beside};
use crate::shared_routes::ServiceHost;
use crate::spec::Provider;
use crate::yaml::MAX_FILE_BYTES;

/// Which specs a command is about.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SpecArgs {
    /// GrayRelease files [default: graylane.yaml, else graylane/*.yaml]
    #[arg(value_name = "SPEC")]
    pub(super) specs: Vec<String>,
}

/// Whether specs have to be there.
#[derive(Debug, clap::Args)]
pub(super) struct PresenceArgs {
    /// Pass over specs that do not exist, and leave a lane that is drained or offline so until its
    /// spec changes, for hooks and jobs that stay when a lane goes
    #[arg(long)]
    pub(super) if_present: bool,
}

/// What to take as baseline.
#[derive(Debug, Default, clap::Args)]
pub(super) struct BaselineArgs {
    /// Take these files, directories or globs as baseline instead of what the spec says; `-` reads
    /// manifests from standard input
    #[arg(long = "baseline", value_name = "PATH")]
    baseline: Vec<String>,
}

impl SpecArgs {
    /// The paths of the specs, relative to the repository.
    ///
    /// # Errors
    ///
    /// When none is named and none is where it is looked for.
    pub(super) fn paths(
        &self,
        workspace: &Workspace,
        files: &dyn Files,
    ) -> Result<Vec<String>, Failure> {
        if self.specs.is_empty() {
            let found = default_specs(workspace, files);
            if found.is_empty() {
                return Err(Diagnostic::error(
                    "there is no spec here: neither graylane.yaml nor graylane/*.yaml",
                )
                .remedy("`graylane init` writes a first one; or name a spec")
                .into());
            }
            return Ok(found);
        }
        let mut paths = Vec::new();
        for spec in &self.specs {
            let path = workspace.path(spec)?;
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        Ok(paths)
    }

    /// Reads the specs; all errors of all of them at once.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them, and outputs that two of them share.
    pub(super) fn read(
        &self,
        workspace: &Workspace,
        files: &dyn Files,
    ) -> Result<Vec<SpecFile>, Failure> {
        let mut specs: Vec<SpecFile> = Vec::new();
        let mut errors = Vec::new();
        for path in self.paths(workspace, files)? {
            match read_spec(files, &path) {
                Ok(spec) => specs.push(spec),
                Err(Failure(list)) => errors.extend(list),
            }
        }
        for spec in specs.iter().filter(|spec| spec.release.provider == Provider::Istio) {
            let Some(shared) = &spec.shared else { continue };
            if let Some(other) = specs.iter().find(|other| overlaps(&other.output, shared)) {
                let message = format!(
                    "the directory `{shared}` for what lanes share overlaps the overlay of `{}`",
                    other.release.name
                );
                errors.push(
                    Diagnostic::error(message)
                        .at(spec.release.shared_place().clone())
                        .related(other.release.output_place.clone(), "the overlay")
                        .remedy("set `governance.istio.output` to a directory of its own"),
                );
            }
        }
        for (position, spec) in specs.iter().enumerate() {
            if let Some(other) =
                specs[..position].iter().find(|other| overlaps(&other.output, &spec.output))
            {
                let message = format!(
                    "the outputs of `{}` and `{}` overlap",
                    other.release.name, spec.release.name
                );
                errors.push(
                    Diagnostic::error(message)
                        .at(spec.release.output_place.clone())
                        .related(other.release.output_place.clone(), "the other one")
                        .remedy("give each lane a tag or an `output` of its own"),
                );
            }
        }
        if errors.is_empty() { Ok(specs) } else { Err(Failure(errors)) }
    }
}

fn overlaps(a: &str, b: &str) -> bool {
    let below =
        |a: &str, b: &str| a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
    below(a, b) || below(b, a)
}

/// The specs that are used when none is named.
pub(super) fn default_specs(workspace: &Workspace, files: &dyn Files) -> Vec<String> {
    let here = |name: &str| match workspace.prefix() {
        "" => name.to_owned(),
        prefix => format!("{prefix}/{name}"),
    };
    let one = here("graylane.yaml");
    // Whatever else stands there, a directory or a link to nowhere, is told by who reads it.
    if workspace.has(&one) || files.list(&one, &|_| true).is_ok_and(|found| found == [one.clone()])
    {
        return vec![one];
    }
    let directory = here("graylane");
    let Ok(found) = files.list(&directory, &|_| false) else { return Vec::new() };
    found.into_iter().filter(|path| path.ends_with(".yaml")).collect()
}

impl BaselineArgs {
    /// Whether the baseline is another than the spec's.
    pub(super) fn is_another(&self) -> bool {
        !self.baseline.is_empty()
    }

    fn from(&self, workspace: &Workspace) -> Result<BaselineFrom, Failure> {
        if self.baseline.is_empty() {
            return Ok(BaselineFrom::Spec);
        }
        if self.baseline.iter().any(|path| path == "-") {
            if self.baseline.len() > 1 {
                return Err(Diagnostic::error("`--baseline -` goes with no other baseline")
                    .remedy("pass everything through standard input")
                    .into());
            }
            let mut bytes = Vec::new();
            let limit = MAX_FILE_BYTES as u64 + 1;
            std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(|error| {
                Diagnostic::error(format!("standard input cannot be read: {error}"))
            })?;
            return Ok(BaselineFrom::Stream(Arc::new(bytes)));
        }
        let patterns: Result<Vec<Pattern>, Failure> = self
            .baseline
            .iter()
            .map(|path| Ok(Pattern { path: workspace.path(path)?, place: None }))
            .collect();
        Ok(BaselineFrom::Paths(patterns?))
    }
}

/// Reads specs and baselines and builds the lanes, telling what was decided on the way.
///
/// # Errors
///
/// Everything that stops any of them.
pub(super) fn releases(
    specs: &SpecArgs,
    baseline: &BaselineArgs,
    workspace: &Workspace,
    output: &mut Output,
) -> anyhow::Result<Vec<Release>> {
    releases_from(specs, baseline, workspace, workspace.files()?.as_ref(), None, output)
}

/// As [`releases_from`], for lanes that are to be written: they take nothing of others. Where specs
/// need not be there, of those that are.
///
/// # Errors
///
/// As [`releases`], and overlays and objects of other lanes where theirs would be.
pub(super) fn releases_present(
    specs: &SpecArgs,
    presence: &PresenceArgs,
    baseline: &BaselineArgs,
    workspace: &Workspace,
    to: Option<Destination<'_>>,
    output: &mut Output,
) -> anyhow::Result<Vec<Release>> {
    let files = workspace.files()?;
    let invocation = workspace.invocation();
    let here = Destination { files: files.as_ref(), branch: None, invocation: &invocation };
    let there = to.unwrap_or(here);
    if !presence.if_present {
        let releases = releases_from(specs, baseline, workspace, files.as_ref(), to, output)?;
        return alone(releases, files.as_ref(), there);
    }
    let Some(left) = present(specs, workspace, files.as_ref(), output)? else {
        output.say("there is no spec: nothing to do")?;
        return Ok(Vec::new());
    };
    let releases = releases_from(&left, baseline, workspace, files.as_ref(), to, output)?;
    alone(releases, files.as_ref(), there)
}

/// The specs that exist, of those that are named; each of the others is told. `None` where there is
/// none, named or in the usual places.
///
/// # Errors
///
/// When a spec is named that cannot be in the repository.
pub(super) fn present(
    specs: &SpecArgs,
    workspace: &Workspace,
    files: &dyn Files,
    output: &mut Output,
) -> anyhow::Result<Option<SpecArgs>> {
    let mut left = Vec::new();
    for spec in &specs.specs {
        if matches!(files.read(&workspace.path(spec)?), Err(FilesError::Missing)) {
            output.say(&format!("{spec} does not exist"))?;
        } else {
            left.push(spec.clone());
        }
    }
    let is_none = match specs.specs.is_empty() {
        true => default_specs(workspace, files).is_empty(),
        false => left.is_empty(),
    };
    Ok((!is_none).then_some(SpecArgs { specs: left }))
}

/// The lanes, where they take nothing of others in the tree that they are written to.
fn alone(
    releases: Vec<Release>,
    files: &dyn Files,
    there: Destination<'_>,
) -> anyhow::Result<Vec<Release>> {
    let errors = taken(&releases, files, there);
    if errors.is_empty() { Ok(releases) } else { Err(Failure(errors).into()) }
}

/// As [`releases`], with files other than those of the workspace; `to` is the tree that the lanes
/// are written to, where it is another one: what stands beside them stands there.
///
/// # Errors
///
/// As [`releases`].
pub(super) fn releases_from(
    specs: &SpecArgs,
    baseline: &BaselineArgs,
    workspace: &Workspace,
    files: &dyn Files,
    to: Option<Destination<'_>>,
    output: &mut Output,
) -> anyhow::Result<Vec<Release>> {
    for_once(|baselines| releases_on(baselines, specs, baseline, workspace, (files, to), output))
}

/// As [`releases`], with the baselines and what is known of them.
///
/// # Errors
///
/// As [`releases`].
pub(super) fn releases_and_baselines(
    specs: &SpecArgs,
    baseline: &BaselineArgs,
    workspace: &Workspace,
    output: &mut Output,
) -> anyhow::Result<(Vec<Release>, Baselines)> {
    let mut baselines = Baselines::default();
    let files = workspace.files()?;
    let here = (files.as_ref(), None);
    let releases = releases_on(&mut baselines, specs, baseline, workspace, here, output)?;
    Ok((releases, baselines))
}

fn releases_on(
    baselines: &mut Baselines,
    specs: &SpecArgs,
    baseline: &BaselineArgs,
    workspace: &Workspace,
    (files, to): (&dyn Files, Option<Destination<'_>>),
    output: &mut Output,
) -> anyhow::Result<Vec<Release>> {
    let from = baseline.from(workspace)?;
    let specs = specs.read(workspace, files)?;
    let mut releases = Vec::new();
    let mut errors = Vec::new();
    let invocation = workspace.invocation();
    let here = Destination { files, branch: None, invocation: &invocation };
    for (_, built) in built(specs, files, &from, to.unwrap_or(here), baselines) {
        match built {
            Ok(release) => {
                output.notes(&release.baseline.notes)?;
                output.notes(&release.lane.notes)?;
                releases.push(release);
            }
            Err(Failure(list)) => errors.extend(list),
        }
    }
    errors.extend(same_objects(&releases));
    errors.extend(shared_twice(&releases));
    if errors.is_empty() { Ok(releases) } else { Err(Failure(errors).into()) }
}

/// The lanes of these specs, each with the path of its spec, or what stops it.
pub(super) fn releases_of(
    specs: Vec<SpecFile>,
    files: &dyn Files,
    invocation: &Invocation,
) -> Vec<(String, Result<Release, Failure>)> {
    let to = Destination { files, branch: None, invocation };
    for_once(|baselines| built(specs, files, &BaselineFrom::Spec, to, baselines))
}

fn built(
    specs: Vec<SpecFile>,
    files: &dyn Files,
    from: &BaselineFrom,
    to: Destination<'_>,
    baselines: &mut Baselines,
) -> Vec<(String, Result<Release, Failure>)> {
    let outputs: Vec<String> = specs.iter().map(|spec| spec.output.clone()).collect();
    let mut claims = claims_of_neighbours(to, &specs);
    let mut left = specs.len();
    let built = specs.into_iter().map(|mut spec| {
        left -= 1;
        spec.release.invocation = to.invocation.clone();
        let path = spec.release.file.to_string();
        let name = spec.release.name_place.clone();
        let release = baselines
            .of(files, &spec, from, &outputs)
            .and_then(|facts| release_beside(spec, &facts, &claims))
            .map_err(|Failure(mut errors)| {
                // One of several specs has to be told from the others.
                errors.iter_mut().for_each(|error| {
                    error.place.get_or_insert_with(|| name.clone());
                });
                Failure(errors)
            });
        if let Ok(release) = release.as_ref()
            && left > 0
        {
            release.claim(&mut claims);
        }
        (path, release)
    });
    built.collect()
}

/// Calls with baselines that are let go afterwards, while the rest goes on.
fn for_once<T>(build: impl FnOnce(&mut Baselines) -> T) -> T {
    let mut baselines = Baselines::default();
    let built = build(&mut baselines);
    rayon::spawn(move || drop(baselines));
    built
}

/// Services whose routes two of the lanes would write to different directories.
fn shared_twice(releases: &[Release]) -> Vec<Diagnostic> {
    let mut places: HashMap<&ServiceHost, &Release> = HashMap::new();
    let mut errors = Vec::new();
    for release in releases {
        for route in &release.lane.shared {
            let other = *places.entry(&route.host).or_insert(release);
            if other.spec.shared == release.spec.shared {
                continue;
            }
            let directory = |release: &Release| release.spec.shared.clone().unwrap_or_default();
            errors.push(
                Diagnostic::error(format!(
                    "the lanes `{}` and `{}` have routes for {} in `{}` and `{}`, and one host has one VirtualService",
                    other.spec.release.name,
                    release.spec.release.name,
                    route.host,
                    directory(other),
                    directory(release)
                ))
                .at(release.spec.release.shared_place().clone())
                .related(other.spec.release.shared_place().clone(), "the other one")
                .remedy("set `governance.istio.output` to the same directory in both"),
            );
        }
    }
    errors
}

/// Objects that two of the lanes would both write: they would overwrite each other in the cluster.
fn same_objects(releases: &[Release]) -> Vec<Diagnostic> {
    let mut owners: HashMap<&ObjectRef, &Release> = HashMap::new();
    let mut errors = Vec::new();
    for release in releases {
        for object in &release.lane.objects {
            let Some(other) = owners.insert(&object.id, release) else { continue };
            let (own, theirs) = (&release.spec.release, &other.spec.release);
            errors.push(
                Diagnostic::error(format!(
                    "the lanes `{}` and `{}` both have {}",
                    theirs.name, own.name, object.id
                ))
                .at(own.tag_place.clone())
                .related(theirs.tag_place.clone(), "the other one")
                .remedy(match object.id.kind.as_str() {
                    "TrafficRouter" => "a service has one TrafficRouter: make one release of both, or leave it out of one of them with `opensergo: {rules: []}`",
                    _ => "give each lane a tag of its own, or a namespace",
                }),
            );
        }
    }
    errors
}
