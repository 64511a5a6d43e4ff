//! `patch-idle`: a patch changes nothing.

use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;

pub(super) const FINDING: Finding = Finding {
    code: "patch-idle",
    severity: Severity::Warning,
    doc: "\
A patch sets what its object has already.

The copy is the same without it. Mostly the baseline has got the value since the patch was written, or
the patch was meant for another object or field. A patch of `test` operations alone is not told of.

Remedy: take the patch out, or name the field that is to differ.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let tell = |place: &crate::diagnostic::Place| {
        let what =
            format!("the patch changes nothing: {} has these values already", made.object.id);
        Diagnostic::warning(what).at(place.clone()).remedy("take it out, or name what is to differ")
    };
    made.idle_patches.iter().map(|patch| tell(&patch.place)).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_patches_that_set_what_is_there() {
        let told = |patch: &str| {
            let service = format!("patches: [{{target: Deployment/web, {patch}}}]");
            told("patch-idle", &service, &deployment("restartPolicy: Always"))
        };
        let pod = |field: &str| format!("merge: {{spec: {{template: {{spec: {{{field}}}}}}}}}");
        let found = told(&pod("restartPolicy: 'Always'"));
        assert!(found[0].contains("Deployment/web has these values"), "{found:?}");
        assert!(told(&pod("dnsPolicy: None")).is_empty());
        assert_eq!(told(&pod("dnsPolicy: null")).len(), 1);
        let op = |op: &str| {
            format!("json: [{{op: {op}, path: /spec/template/spec/restartPolicy, value: Always}}]")
        };
        assert_eq!(told(&op("replace")).len(), 1);
        assert!(told(&op("test")).is_empty());
    }
}
