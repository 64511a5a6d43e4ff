//! Errors as Argo CD shows them: to everyone who may see the application, and in its logs.

use std::sync::Arc;

use crate::diagnostic::{Failure, Place};

/// What stops a plugin, fit for Argo CD: a place in the spec is said to be that of the spec with its
/// parameters, whose lines are not those of the file, where there are some; lines of other files are
/// left out, for a Secret may stand there.
pub fn for_plugin(failure: Failure, specs: &[String], with_parameters: bool) -> Failure {
    let adapt = |place: &mut Place| {
        if !specs.iter().any(|spec| **spec == *place.file) {
            place.text.clear();
        } else if with_parameters {
            place.file = Arc::from(format!("{} (with {})", place.file, super::PARAMETERS));
        }
    };
    let mut diagnostics = failure.0;
    for diagnostic in &mut diagnostics {
        diagnostic.place.iter_mut().for_each(adapt);
        diagnostic.related.iter_mut().for_each(|(place, _)| adapt(place));
    }
    Failure(diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;

    #[test]
    fn lines_of_the_baseline_are_not_shown() {
        let place = |file: &str, text: &str| Place {
            file: file.into(),
            line: 3,
            column: 1,
            text: text.to_owned(),
        };
        let error = Diagnostic::error("it is wrong")
            .at(place("deploy/secret.yaml", "password: hunter2"))
            .related(place("graylane.yaml", "  tag: Gray"), "the tag");
        let told = |with| {
            let specs = ["graylane.yaml".to_owned()];
            for_plugin(error.clone().into(), &specs, with).to_string()
        };
        assert!(!told(true).contains("hunter2") && told(true).contains("deploy/secret.yaml:3:1"));
        assert!(told(true).contains("graylane.yaml (with ARGOCD_APP_PARAMETERS):3:1"));
        assert!(told(false).contains("--> graylane.yaml:3:1") && told(false).contains("tag: Gray"));
    }
}
