//! `graylane init --flux`

use std::collections::{BTreeSet, HashMap};

use super::Outcome;
use super::init::Target;
use super::output::Output;
use super::specs::{BaselineArgs, SpecArgs, releases};
use super::workspace::Workspace;
use crate::diagnostic::{Diagnostic, Failure};
use crate::flux::{FluxDelivery, flux_kustomizations};
use crate::kube::kinds::{Scope, kind_of};
use crate::overlay::{Directory, KUSTOMIZATION_FILE, holds, write_alone};
use crate::pipeline::Release;
use crate::spec::{Delivery, within};

/// What delivers a lane with Flux.
#[derive(Debug, clap::Args)]
pub(super) struct FluxArgs {
    /// Write no spec, but the Flux Kustomizations that deliver the lanes of the specs PATH
    /// [default: graylane.yaml, else graylane/*.yaml], to flux/NAME.yaml
    #[arg(long, conflicts_with = "tag")]
    pub(super) flux: bool,
    /// The GitRepository object from which Flux reads this repository
    #[arg(long, value_name = "NAME", default_value = "flux-system", requires = "flux")]
    git_repository: String,
    /// The namespace of the GitRepository and the Kustomizations
    #[arg(long, default_value = "flux-system", requires = "flux")]
    namespace: String,
    /// The namespace that Flux puts all objects of the lane into, as it does with the baseline's
    #[arg(long, value_name = "NAMESPACE", requires = "flux")]
    target_namespace: Option<String>,
}

/// Writes the Kustomizations of each lane. A file that holds them already is left as it is.
pub(super) fn run(
    args: &FluxArgs,
    specs: &[String],
    file: Option<&str>,
    force: bool,
    workspace: &Workspace,
    output: &mut Output,
) -> anyhow::Result<Outcome> {
    let specs = SpecArgs { specs: specs.to_vec() };
    let releases = releases(&specs, &BaselineArgs::default(), workspace, output)?;
    if releases.len() > 1 && file.is_some() {
        let error = Diagnostic::error("there are several lanes, and --file names one file");
        let error = error.remedy("name one spec, or leave out --file: each lane gets a file");
        return Err(Failure::from(error).into());
    }
    let (mut texts, mut errors) = (Vec::new(), Vec::new());
    for release in &releases {
        match text(args, release, file, force, workspace) {
            Ok(text) => texts.push(text),
            Err(Failure(list)) => errors.extend(list),
        }
    }
    errors.extend(same_file(&releases, &texts));
    if !errors.is_empty() {
        return Err(Failure(errors).into());
    }
    for (release, (target, text)) in releases.iter().zip(texts) {
        let Some(text) = text else {
            output.say(&format!("{}: nothing to do", target.path))?;
            continue;
        };
        write_alone(&target.at, &text)?;
        output.say(&format!("wrote {}", target.path))?;
        for line in advice(args, release) {
            output.say(&line)?;
        }
    }
    Ok(Outcome::Done)
}

/// Lanes of one name would overwrite each other's file, and their Kustomizations would be the same
/// objects.
fn same_file(releases: &[Release], texts: &[(Target, Option<String>)]) -> Vec<Diagnostic> {
    let mut first: HashMap<&str, &str> = HashMap::new();
    let mut errors = Vec::new();
    for (release, (target, _)) in releases.iter().zip(texts) {
        let file = &release.spec.release.file;
        if let Some(other) = first.insert(&target.path, file) {
            let name = &release.spec.release.name;
            let error =
                Diagnostic::error(format!("{other} and {file} both name their lane `{name}`"));
            errors.push(error.remedy(
                "change `metadata.name` in one of them: the Kustomizations are named after it",
            ));
        }
    }
    errors
}

/// Where the Kustomizations of a lane go, and what they are; no text where they are there already.
fn text(
    args: &FluxArgs,
    release: &Release,
    file: Option<&str>,
    force: bool,
    workspace: &Workspace,
) -> Result<(Target, Option<String>), Failure> {
    release.sound()?;
    let (lane, overlay) = (release.spec.release.name.as_str(), release.spec.output.as_str());
    let target = Target::new(file.unwrap_or(&format!("flux/{lane}.yaml")), workspace)?;
    if within(overlay, &target.path) {
        let error = Diagnostic::error(format!("{} is inside of the overlay", target.path));
        return Err(error.remedy("choose a --file that Flux reads already").into());
    }
    let directories = directories(release);
    let text = flux_kustomizations(&FluxDelivery {
        lane,
        output: overlay,
        directories: &directories,
        git_repository: &args.git_repository,
        namespace: &args.namespace,
        target_namespace: args.target_namespace.as_deref(),
    })?;
    if holds(&target.at, &text) {
        return Ok((target, None));
    }
    target.may_write(force)?;
    Ok((target, Some(text)))
}

/// The directories that an overlay has once it is generated.
fn directories(release: &Release) -> Vec<Directory> {
    let files = release.files();
    let is_there = |directory: &Directory| {
        files.iter().any(|file| file.path.directory() == Some(directory.as_str()))
    };
    [Directory::Workloads, Directory::Entry].into_iter().filter(is_there).collect()
}

/// What is left to do for Flux to deliver the lane.
fn advice(args: &FluxArgs, release: &Release) -> Vec<String> {
    let spec = &release.spec.release;
    let mut lines = Vec::new();
    if spec.delivery != Delivery::Flux {
        lines.push(format!(
            "{}: set `delivery: {{engine: flux}}`, so that manifests have no sync waves of Argo CD",
            spec.file
        ));
    }
    if directories(release).len() < 2 {
        lines.push(format!(
            "{}: all objects are in one directory; with `output: {{kustomization: true}}` the other has a {KUSTOMIZATION_FILE}, and both have a Kustomization",
            spec.file
        ));
    }
    let without_namespace = release.lane.objects.iter().any(|object| {
        let scope = kind_of(&object.id.group, &object.id.kind).scope;
        object.id.namespace.is_empty() && scope == Scope::Namespaced
    });
    if without_namespace && args.target_namespace.is_none() {
        lines.push("manifests without a namespace: give the one that Flux puts the baseline into with --target-namespace".to_owned());
    }
    if let Some(target) = &args.target_namespace {
        let named = release.lane.objects.iter().map(|object| object.id.namespace.as_str());
        let moved: BTreeSet<&str> =
            named.filter(|name| !name.is_empty() && name != target).collect();
        for name in moved {
            lines.push(format!(
                "manifests that name the namespace `{name}` are moved to `{target}` by Flux: leave out --target-namespace, unless it does the same with the baseline"
            ));
        }
    }
    if let Some(shared) = release.spec.shared.as_ref().filter(|_| !release.lane.shared.is_empty()) {
        lines.push(format!("{shared}, which lanes share, needs a Kustomization of its own"));
    }
    lines.push(
        "next: put the file where Flux reads it, commit it with the overlay, push".to_owned(),
    );
    lines
}
