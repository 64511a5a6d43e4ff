//! `tag-header-unset`: gray requests enter a lane without the header that keeps them in it.

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gateway;
use crate::governance;
use crate::kube::mse::{INHERIT, inherits_tag};
use crate::kube::pod_specs::pod_templates;
use crate::lane::LaneEntry;
use crate::spec::{Match, ValueMatch};

pub(super) const FINDING: Finding = Finding {
    code: "tag-header-unset",
    severity: Severity::Warning,
    doc: "\
The entry's gateway cannot set the header that carries the tag through the lane.

Gray requests reach the gray copy of the entry, but the services behind it cannot tell them from
others: their calls go to the baseline. ingress-nginx cannot set a header on a canary alone, and ALB
cannot on a canary by weight.

Remedy: let the clients send the header themselves and match it (`headers: [{name: x-mse-tag, exact:
gray}]`); or let the entry hand its own tag on to whatever passes through it, which the MSE agent
does with the environment variable `profiler.micro.service.tag.trace.enable: \"true\"`; or use a
gateway that sets headers on canary routes.",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let release = subject.release;
    if !governance::of(release.provider).needs_tag_header() {
        return Vec::new();
    }
    let header = &release.tag_header;
    let mut found = Vec::new();
    for entry in &subject.lane.entries {
        let service = release.service(&entry.service);
        let route = service.and_then(|service| service.entry.as_ref()).map(|entry| &entry.route);
        let Some(route) = route else { continue };
        let gateway = gateway::of(entry.gateway);
        if gateway.sets_tag_header(route)
            || is_sent(route, header, release.tag.as_str())
            || is_inherited(subject, entry)
        {
            continue;
        }
        let how =
            if gateway.capabilities().sets_tag_header { " on a canary by weight" } else { "" };
        let message = format!(
            "the gateway class `{}` cannot set the header `{header}`{how}: behind `{}` gray requests fall back to the baseline",
            entry.gateway, entry.service
        );
        found.push(Diagnostic::warning(message).at(entry.place.clone()).remedy(format!(
            "let clients send it: `headers: [{{name: {header}, exact: {}}}]`\n\
             or let the entry hand on its own tag (MSE agent): `env: {{{INHERIT}: \"true\"}}`",
            release.tag
        )));
    }
    found
}

/// Whether requests are gray by the tag header itself.
fn is_sent(route: &Match, header: &str, tag: &str) -> bool {
    route.headers.iter().any(|each| {
        each.name.eq_ignore_ascii_case(header)
            && matches!(&each.value, ValueMatch::Exact(value) if value == tag)
    })
}

/// Whether the gray pods of the entry hand their tag on.
fn is_inherited(subject: &Subject<'_>, entry: &LaneEntry) -> bool {
    let own = subject.lane.objects.iter();
    let workloads = own.filter(|object| object.service == entry.service && !object.pods.is_empty());
    workloads.filter_map(|object| object.document()).any(|document| {
        let templates = pod_templates(document.root());
        templates.iter().any(|template| inherits_tag(&document, template))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::fixture::{exact, nothing, regex};

    #[test]
    fn the_tag_itself_is_what_clients_send() {
        let by = |header| Match { headers: vec![header], ..nothing() };
        assert!(is_sent(&by(exact("X-MSE-Tag", "gray")), "x-mse-tag", "gray"));
        assert!(!is_sent(&by(exact("x-mse-tag", "other")), "x-mse-tag", "gray"));
        assert!(!is_sent(&by(exact("x-user-id", "gray")), "x-mse-tag", "gray"));
        assert!(!is_sent(&by(regex("x-mse-tag", "gray")), "x-mse-tag", "gray"));
    }
}
