//! What Argo CD's config-management plugins are told and asked: the parameters of an application, the
//! announcement of them, and where the application is in its repository. Pure: the shell hands in the
//! environment.
//!
//! Source: argo-cd.readthedocs.io, "Config Management Plugins" and "Build Environment";
//! argoproj/argo-cd, cmpserver/plugin/plugin.go.

mod announcement;
mod apply;
mod parameters;
mod source_root;
mod told;

pub use announcement::announcement;
pub use parameters::Parameters;
pub use source_root::SourceRoot;
pub use told::for_plugin;

/// The variable that holds the application's parameters as JSON. Its values come from whoever may
/// change applications and are not to be trusted.
pub const PARAMETERS: &str = "ARGOCD_APP_PARAMETERS";

/// The variable that holds `spec.source.path`: where in the repository the plugin is run.
pub const SOURCE_PATH: &str = "ARGOCD_APP_SOURCE_PATH";
