//! `graylane render --cmp`: a config-management plugin of Argo CD. It knows no git and writes nothing
//! but manifests: not everything it could tell, for Argo CD may take that for a part of them.

use std::path::Path;

use super::output::Output;
use super::render;
use super::specs::{BaselineArgs, SpecArgs, default_specs};
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::argocd::{PARAMETERS, Parameters, SOURCE_PATH, SourceRoot, announcement, for_plugin};
use crate::baseline::files::{Files, FilesError, Instead};
use crate::diagnostic::{Diagnostic, Failure};
use crate::pipeline::{SpecFile, read_spec};

/// What makes `render` a plugin.
#[derive(Debug, clap::Args)]
pub(super) struct CmpArgs {
    /// Render for Argo CD as a config-management plugin: in the application's directory, with the
    /// parameters of ARGOCD_APP_PARAMETERS, the repository's root given by ARGOCD_APP_SOURCE_PATH
    #[arg(long)]
    cmp: bool,
    /// Announce the plugin's parameters to Argo CD, with what the spec says
    #[arg(long, conflicts_with_all = ["cmp", "baseline"])]
    cmp_parameters: bool,
    /// Let a plugin succeed that has no spec or no objects; Argo CD then takes the lane away
    #[arg(long, requires = "cmp")]
    allow_empty: bool,
}

impl CmpArgs {
    pub(super) fn is_asked_for(&self) -> bool {
        self.cmp || self.cmp_parameters
    }
}

/// An application as Argo CD hands it over.
struct Application {
    workspace: Workspace,
    /// What is known of its parameters; of those in which anything is wrong, nothing.
    parameters: Result<Parameters, Failure>,
    /// The specs that are named, or none.
    specs: SpecArgs,
}

pub(super) fn run(
    args: &CmpArgs,
    specs: &SpecArgs,
    baseline: &BaselineArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<Outcome> {
    output.silence();
    let application = Application::open(specs, global)?;
    let files = application.workspace.files()?;
    if args.cmp_parameters {
        output.result(&application.announcement(files.as_ref())?)?;
        return Ok(Outcome::Done);
    }
    application.render(baseline, args.allow_empty, files.as_ref(), output)?;
    Ok(Outcome::Done)
}

impl Application {
    fn open(specs: &SpecArgs, global: &Global) -> Result<Self, Failure> {
        if let Some(rev) = &global.rev {
            return Err(Diagnostic::error(format!("a plugin reads no revision such as `{rev}`"))
                .remedy("set `spec.source.targetRevision` of the application instead of --rev")
                .into());
        }
        let directory = std::fs::canonicalize(&global.repo).map_err(|error| {
            Diagnostic::error(format!(
                "the directory {} cannot be used: {error}",
                global.repo.display()
            ))
            .remedy("run it in the application's directory")
        })?;
        let found =
            SourceRoot::of(&directory, &variable(SOURCE_PATH)?, |path| path.canonicalize().ok())?;
        let parameters = variable(PARAMETERS).and_then(|text| Parameters::parse(&text));
        let named = parameters.as_ref().ok().and_then(|parameters| parameters.spec.clone());
        let specs = named.map_or_else(|| specs.specs.clone(), |spec| vec![spec]);
        let workspace = Workspace::of_tree(found.root, found.app);
        Ok(Self { workspace, parameters, specs: SpecArgs { specs } })
    }

    /// Prints the manifests.
    fn render(
        &self,
        baseline: &BaselineArgs,
        allow_empty: bool,
        files: &dyn Files,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let parameters = self.parameters.as_ref().map_err(Failure::clone)?;
        if allow_empty && self.is_gone(parameters, files)? {
            return Ok(());
        }
        let paths = self.specs.paths(&self.workspace, files)?;
        let printed = self
            .with_parameters(parameters, &paths, files)
            .map_err(anyhow::Error::from)
            .and_then(|instead| {
                let files = instead.as_ref().map_or(files, |instead| instead as &dyn Files);
                render::print(&self.specs, baseline, &self.workspace, files, output)
            });
        match printed {
            // Whatever Argo CD has read then is not all.
            Ok(_) if output.is_unread() => {
                Err(Failure::from(Diagnostic::error("standard output was closed")).into())
            }
            Ok(false) if !allow_empty => {
                let error = Diagnostic::error(
                    "the lane has no objects, and Argo CD would delete all that it had",
                );
                Err(Failure::from(error.remedy("--allow-empty lets that be")).into())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(match error.downcast::<Failure>() {
                Ok(failure) => for_plugin(failure, &paths, parameters.change_spec()).into(),
                Err(error) => error,
            }),
        }
    }

    /// Whether the lane has gone with its spec: the one that the application names, or those in the
    /// usual places. What the command names is for all applications, and has to be there.
    fn is_gone(&self, parameters: &Parameters, files: &dyn Files) -> Result<bool, Failure> {
        Ok(match &parameters.spec {
            Some(spec) => {
                matches!(files.read(&self.workspace.path(spec)?), Err(FilesError::Missing))
            }
            None => self.specs.specs.is_empty() && default_specs(&self.workspace, files).is_empty(),
        })
    }

    /// The files with the parameters in the spec, where they change anything.
    fn with_parameters<'f>(
        &self,
        parameters: &Parameters,
        paths: &[String],
        files: &'f dyn Files,
    ) -> Result<Option<Instead<'f>>, Failure> {
        if !parameters.change_spec() {
            return Ok(None);
        }
        let [path] = paths else {
            let error = Diagnostic::error(format!(
                "the parameters are for one spec, and there are {}: {}",
                paths.len(),
                paths.join(", ")
            ));
            return Err(error
                .remedy(
                    "name one of them by the parameter `spec`, relative to the application's path",
                )
                .into());
        };
        let SpecFile { release, .. } = read_spec(files, path)?;
        // It has just been read, and as text.
        let bytes = files.read(path).unwrap_or_default();
        let text = parameters.apply(&release, &String::from_utf8_lossy(&bytes))?;
        Ok(Some(Instead { files, path: path.clone(), contents: text.into_bytes() }))
    }

    /// What is announced. A parameter that is wrong is no reason not to show what there is to set.
    fn announcement(&self, files: &dyn Files) -> anyhow::Result<String> {
        let specs = self.specs.read(&self.workspace, files)?;
        let app = Path::new(self.workspace.prefix());
        let announced: Vec<(String, &SpecFile)> = specs
            .iter()
            .map(|spec| {
                let path = Path::new(&*spec.release.file);
                // A spec beside the application's directory is named as it was.
                let below = path.strip_prefix(app).ok().and_then(Path::to_str);
                let named = self.specs.specs.first().map(String::as_str);
                (below.or(named).unwrap_or_default().to_owned(), spec)
            })
            .collect();
        let announced: Vec<_> =
            announced.iter().map(|(path, spec)| (path.as_str(), &spec.release)).collect();
        Ok(announcement(&announced)?)
    }
}

/// A variable of the environment; empty where it is not set.
fn variable(name: &str) -> Result<String, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(text),
        Err(std::env::VarError::NotPresent) => Ok(String::new()),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Diagnostic::error(format!("{name} is not UTF-8 text"))
                .remedy("correct the application that Argo CD sets it from")
                .into())
        }
    }
}
