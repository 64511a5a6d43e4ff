//! The lanes of another revision, for comparison.

use jiff::Timestamp;

use super::Global;
use super::around::Around;
use super::shared::{Part, rendered};
use super::specs::{SpecArgs, default_specs, releases_of};
use super::workspace::Workspace;
use crate::baseline::files::{Files, FilesError};
use crate::diagnostic::{Diagnostic, Failure};
use crate::overlay::OverlayFile;
use crate::pipeline::{Release, read_spec};
use crate::preview::{Broken, without_lines};

/// The lanes of the revision that others are compared with.
pub(super) struct Base {
    workspace: Workspace,
    /// Those that can be built.
    pub(super) releases: Vec<Release>,
    /// Those that cannot, and why.
    pub(super) broken: Vec<Broken>,
    /// The specs there are, whether they can be read or not.
    paths: Vec<String>,
}

impl Base {
    /// Reads the lanes of a revision. What is wrong with a lane there stops nothing.
    ///
    /// # Errors
    ///
    /// When there is no such revision, or a spec is named that cannot be in the repository.
    pub(super) fn read(rev: &str, specs: &SpecArgs, global: &Global) -> Result<Self, Failure> {
        let at_base = Global { repo: global.repo.clone(), rev: Some(rev.to_owned()), ..*global };
        let workspace = Workspace::open_for(&at_base, &specs.specs)?;
        let mut base =
            Self { paths: Vec::new(), releases: Vec::new(), broken: Vec::new(), workspace };
        let files = base.workspace.files()?;
        let paths = existing(specs, &base.workspace, files.as_ref())?;
        let (mut found, mut broken) = (Vec::new(), Vec::new());
        for path in &paths {
            match read_spec(files.as_ref(), path) {
                Ok(spec) => found.push(spec),
                Err(Failure(errors)) => broken.push((path.clone(), errors)),
            }
        }
        let built = releases_of(found, files.as_ref(), &base.workspace.invocation());
        drop(files);
        for (path, release) in built {
            match release {
                Ok(release) => base.releases.push(release),
                Err(Failure(errors)) => broken.push((path, errors)),
            }
        }
        broken.sort_by(|a, b| a.0.cmp(&b.0));
        base.broken = broken.into_iter().map(|(path, errors)| told(path, &errors)).collect();
        base.paths = paths;
        Ok(base)
    }

    /// The specs of the other side, where it lacks some of those that are named: a lane that only the
    /// base has is gone. `None` where there is no spec left.
    ///
    /// # Errors
    ///
    /// When a spec is named that cannot be in the repository.
    pub(super) fn still_there(
        &self,
        specs: &SpecArgs,
        workspace: &Workspace,
    ) -> Result<Option<SpecArgs>, Failure> {
        let files = workspace.files()?;
        if specs.specs.is_empty() {
            let is_gone = default_specs(workspace, files.as_ref()).is_empty();
            let is_gone = is_gone && !self.paths.is_empty();
            return Ok((!is_gone).then(|| SpecArgs { specs: Vec::new() }));
        }
        let mut left = Vec::new();
        for spec in &specs.specs {
            let path = workspace.path(spec)?;
            let is_missing = matches!(files.read(&path), Err(FilesError::Missing));
            if !is_missing || !self.paths.contains(&path) {
                left.push(spec.clone());
            }
        }
        Ok((!left.is_empty()).then_some(SpecArgs { specs: left }))
    }

    /// Adds to the lanes what the checks find around them.
    ///
    /// # Errors
    ///
    /// When the commit cannot be read.
    pub(super) fn look_around(&mut self, now: Timestamp) -> Result<(), Failure> {
        let Self { workspace, releases, .. } = self;
        let files = workspace.files()?;
        let around = Around::new(workspace, files.as_ref(), releases, now, true);
        releases.iter_mut().for_each(|release| around.look(release));
        Ok(())
    }

    /// The files that lanes share there; none, and why, where they cannot be read.
    pub(super) fn shared(&mut self) -> Vec<(String, OverlayFile)> {
        let parts = self.releases.iter().filter_map(|each| Part::of(each, &self.workspace));
        let parts: Vec<Part> = parts.collect();
        match rendered(&parts, &self.workspace) {
            Ok(rendered) => rendered.files,
            Err(Failure(errors)) => {
                let directory = parts.first().map(|part| part.directory.clone());
                self.broken.push(told(directory.unwrap_or_default(), &errors));
                Vec::new()
            }
        }
    }
}

fn told(path: String, errors: &[Diagnostic]) -> Broken {
    Broken { path, errors: without_lines(errors) }
}

/// The specs that are there, of those that are named.
fn existing(
    specs: &SpecArgs,
    workspace: &Workspace,
    files: &dyn Files,
) -> Result<Vec<String>, Failure> {
    if specs.specs.is_empty() {
        return Ok(default_specs(workspace, files));
    }
    let mut paths = specs.paths(workspace, files)?;
    paths.retain(|path| !matches!(files.read(path), Err(FilesError::Missing)));
    Ok(paths)
}
