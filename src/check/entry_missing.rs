//! `entry-missing`: nothing lets traffic into a lane.

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway;
use crate::governance;
use crate::kube::object::ObjectRef;
use crate::spec::Strategy;

pub(super) const FINDING: Finding = Finding {
    code: "entry-missing",
    severity: Severity::Warning,
    doc: "\
No service of the lane is an entry.

The gray copies run, and no gateway sends them a request. With governance they still get requests that
carry the tag when they arrive, because the client or another lane of the same tag has set the header;
without governance they get none. A lane that MSE itself lets traffic into (`governance.lane`), and one
of `strategy: kruise`, needs no entry.

Remedy: make the service behind the gateway an entry:
`entry: {match: {headers: [{name: x-mse-tag, exact: gray}]}}`; or silence the finding where the
requests come with the tag.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let release = subject.release;
    let is_entered = !subject.lane.entries.is_empty() || release.swimming_lane.is_some();
    if is_entered || release.strategy == Strategy::Kruise {
        return Vec::new();
    }
    let (header, tag) = (&release.tag_header, &release.tag);
    let is_tagged = governance::of(release.provider).needs_tag_header();
    let who = if is_tagged {
        format!("only requests that come with `{header}: {tag}` are gray")
    } else {
        "no request is gray".to_owned()
    };
    let warning =
        Diagnostic::warning(format!("no service of `{}` is an entry: {who}", release.name));
    let lines = format!("  entry: {{match: {{headers: [{{name: {header}, exact: {tag}}}]}}}}");
    vec![match behind_route(subject) {
        Some((service, route)) => {
            let place = release.service(service).map(|service| service.place.clone());
            warning
                .at(release.name_place.clone())
                .at(place)
                .remedy(format!("{route} leads to `{service}`; add to it:\n{lines}"))
        }
        None => warning.at(release.name_place.clone()).remedy(format!(
            "where a gateway leads to one of its services, let `baseline.paths` lead to that route and add to the service:\n{lines}"
        )),
    }]
}

/// The first service of the lane that a route of the baseline leads to, and that route.
fn behind_route<'a>(subject: &Subject<'a>) -> Option<(&'a str, &'a ObjectRef)> {
    let facts = subject.facts;
    subject.lane.objects.iter().find_map(|object| {
        let id = object.baseline().filter(|id| id.is_core_service())?;
        let routes = facts.referrers(id).iter().filter(|position| !facts.is_canary(**position));
        let route =
            routes.map(|position| &facts.object(*position).id).find(|id| gateway::is_route(id))?;
        Some((object.service.as_str(), route))
    })
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{ENTRY, INGRESS, deployment, lane, shown, spec, told};

    #[test]
    fn told_of_lanes_that_nothing_leads_into() {
        let baseline = format!("{}{INGRESS}", deployment(""));
        assert!(told("entry-missing", ENTRY, &baseline).is_empty());
        assert_eq!(
            told("entry-missing", "", &baseline),
            [
                "graylane.yaml:9:7: no service of `lane` is an entry: only requests that come with `x-mse-tag: gray` are gray"
            ]
        );
        let remedy = |baseline: &str| {
            let lane = lane(&spec(""), baseline);
            let found = lane.findings.into_iter().find(|found| found.code == Some("entry-missing"));
            found.and_then(|found| found.remedy).unwrap_or_default()
        };
        assert!(
            remedy(&baseline).starts_with("Ingress/web leads to `web`"),
            "{}",
            remedy(&baseline)
        );
        assert!(remedy(&deployment("")).starts_with("where a gateway"));
    }

    #[test]
    fn other_ways_in_are_none_of_the_gateway() {
        let by = |line: &str| {
            let spec = spec("").replace("  gateway:", &format!("  {line}\n  gateway:"));
            shown("entry-missing", &lane(&spec, &deployment("")))
        };
        assert!(by("strategy: kruise").is_empty());
        assert!(by("governance: {provider: none}")[0].ends_with("no request is gray"));
    }
}
