//! `call-unknown`: `calls` of the spec name something that nothing in the baseline is.

use super::{Check, Finding, Subject};
use crate::calls::unknown_calls;
use crate::diagnostic::{Diagnostic, Severity, nearest};

pub(super) const FINDING: Finding = Finding {
    code: "call-unknown",
    severity: Severity::Warning,
    doc: "\
`calls` of the spec name something that is no service of the spec, and no Service or workload of the baseline.

Nobody knows what such a call leads to: `trace` and `graph` end there, and services behind it may be told
as unreachable. Mostly the name is misspelled, or `baseline.paths` leave out the directory that has it.

Remedy: write the name of a service of the spec, or of a Service or workload of the baseline; take out
what lies outside of it, such as the API of another company.",
    is_fixed: false,
    check: Check::Lane(check),
};

/// Unknown names that a nearest name is looked for; each is compared with every known name.
const COMPARED: usize = 20;

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let (release, facts) = (subject.release, subject.facts);
    let unknown = unknown_calls(release, facts);
    if unknown.is_empty() {
        return Vec::new();
    }
    let services = release.services.iter().map(|service| service.name.as_str());
    let objects = facts.baseline.objects().iter().enumerate();
    let called = objects.filter(|(position, object)| {
        object.id.is_core_service() || !facts.pods_of(*position).is_empty()
    });
    let known: Vec<&str> =
        services.chain(called.map(|(_, object)| object.id.name.as_str())).collect();
    let told = unknown.into_iter().enumerate().map(|(number, (service, name, place))| {
        let among = if number < COMPARED { known.as_slice() } else { &[] };
        let others = among.iter().copied().filter(|other| *other != service);
        let remedy = match nearest(name, others) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a service of the spec, or a Service or workload of the baseline; or let `baseline.paths` lead to it".to_owned(),
        };
        Diagnostic::warning(format!(
            "`{service}` is said to call `{}`, which is no service of the spec and nothing in the baseline",
            name.escape_debug()
        ))
        .at(place.clone())
        .remedy(remedy)
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, spec, told};

    #[test]
    fn told_of_names_that_nothing_has() {
        let baseline = format!("{}---\n{}", deployment(""), deployment("").replace("web", "stock"));
        let told = |calls: &str| told("call-unknown", calls, &baseline);
        assert_eq!(told("calls: [stock]").len(), 0, "a Service of the baseline");
        assert_eq!(told("calls: [web]").len(), 0, "itself");
        assert_eq!(
            told("calls: [stokc, stock]"),
            [
                "graylane.yaml:11:15: `web` is said to call `stokc`, which is no service of the spec and nothing in the baseline"
            ]
        );
    }

    #[test]
    fn a_workload_and_a_service_of_the_spec_are_known_too() {
        let baseline = deployment("");
        let job = deployment("").split("---").next().unwrap().replace("web", "billing");
        let baseline = format!("{baseline}---\n{job}");
        assert_eq!(told("call-unknown", "calls: [billing]", &baseline).len(), 0);
        let named = spec("calls: [shop]")
            + "    - {name: shop, workload: billing, images: {billing: 'billing:2'}}\n";
        let release = lane(&named, &baseline);
        assert!(release.findings.iter().all(|found| found.code != Some("call-unknown")));
    }

    #[test]
    fn the_remedy_is_the_name_that_is_meant() {
        let baseline = format!("{}---\n{}", deployment(""), deployment("").replace("web", "stock"));
        let release = lane(&spec("calls: [stokc, elsewhere, wbe]"), &baseline);
        let found = release.findings.iter().filter(|found| found.code == Some("call-unknown"));
        let remedies: Vec<&str> = found.filter_map(|found| found.remedy.as_deref()).collect();
        assert_eq!(remedies.first(), Some(&"did you mean `stock`?"));
        assert!(remedies.get(1).is_some_and(|remedy| remedy.contains("`baseline.paths`")));
        assert!(
            remedies.get(2).is_some_and(|remedy| remedy.contains("`baseline.paths`")),
            "itself"
        );
    }
}
