//! `selector-leak`: a selector of one side matches pods of the other.

use std::collections::HashMap;
use std::slice;

use super::{Check, Finding, Subject};
use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::selector_index::SelectorIndex;
use crate::kube::selectors::{SelectorForm, SelectorRole, SelectorUse};
use crate::lane::{
    Facts, GrayObject, Labels, ORIGINAL, VERSION, counts_pods, near_version, required_values,
    selected,
};
use crate::spec::Isolation;
use crate::yaml::{NodeRef, Path};

pub(super) const FINDING: Finding = Finding {
    code: "selector-leak",
    severity: Severity::Error,
    doc: "\
A selector of the baseline matches gray pods, or a gray selector matches baseline pods.

A Service would send baseline traffic to gray pods (or the other way round), a workload, an
autoscaler or a monitor would count them, a disruption budget would protect too few. Selectors are
conjunctions: labels that are added to gray pods never take them out of a selector, so a value that
the selector asks for must differ.

Remedy: let every selector of the baseline ask for `zadigx-release-version: original` and label its
pods so, or use `isolation: relabel`, which replaces the values the selectors ask for on gray pods.
The selector of a Deployment cannot be changed once it exists: it must be deleted and created again.",
    is_fixed: true,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let gray = Gray::of(&subject.lane.objects);
    let (mut found, (baseline, wrong)) = rayon::join(
        || baseline_selects_gray(subject, &gray),
        || {
            rayon::join(
                || gray_selects_baseline(subject, &gray),
                || gray_selects_wrong_gray(subject, &gray),
            )
        },
    );
    found.extend(baseline);
    found.extend(wrong);
    if subject.release.isolation == Isolation::VersionLabel {
        found.extend(not_original(subject, &gray));
    }
    found
}

/// The pods of a lane.
struct Gray<'a> {
    pods: Vec<(&'a GrayObject, &'a Labels)>,
    index: SelectorIndex<usize>,
    selectors: Vec<(&'a GrayObject, &'a SelectorUse)>,
}

impl<'a> Gray<'a> {
    fn of(objects: &'a [GrayObject]) -> Self {
        let mut gray =
            Self { pods: Vec::new(), index: SelectorIndex::new(), selectors: Vec::new() };
        for object in objects {
            for labels in &object.pods {
                gray.index.insert(gray.pods.len(), &object.id.namespace, labels.iter().cloned());
                gray.pods.push((object, labels));
            }
            gray.selectors.extend(object.selectors.iter().map(|selector| (object, selector)));
        }
        gray
    }
}

/// A diagnostic at the first of these paths that the object has.
fn at(diagnostic: Diagnostic, object: Option<&Object>, paths: &[Path]) -> Diagnostic {
    let document = object.map(Object::document);
    let find = |path: &Path| document.as_ref()?.find(path);
    diagnostic.at(paths.iter().find_map(find).and_then(NodeRef::place))
}

fn baseline_selects_gray(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for selecting in
        subject.facts.selectors.iter().filter(|selecting| counts_pods(selecting.selector.role))
    {
        let owner = subject.facts.object(selecting.object);
        let leaks = selected(&gray.index, &selecting.selector, &owner.id.namespace);
        let Some((first, _)) = leaks.first().map(|number| &gray.pods[*number]) else { continue };
        let more =
            if leaks.len() > 1 { format!(" and {} more", leaks.len() - 1) } else { String::new() };
        let diagnostic = Diagnostic::error(format!(
            "{} would match the gray pods of {}{more}: {}",
            owner.id,
            first.id,
            consequence(selecting.selector.role, "gray pods")
        ));
        let paths = slice::from_ref(&selecting.selector.path);
        found.push(
            at(diagnostic, Some(owner), paths)
                .remedy(remedy(&selecting.selector, subject.release.isolation)),
        );
    }
    found
}

fn consequence(role: SelectorRole, whose: &str) -> String {
    match role {
        SelectorRole::Service => format!("it would send its traffic to {whose} too"),
        SelectorRole::Workload => format!("it and its autoscaler would count {whose} as their own"),
        SelectorRole::DisruptionBudget => {
            format!("it would count {whose} as healthy ones of its own")
        }
        _ => format!("it would watch {whose} as its own"),
    }
}

/// The lines that make a baseline selector ask for its own version.
fn remedy(selector: &SelectorUse, isolation: Isolation) -> String {
    let path = selector.path.to_string();
    if let Some(near) =
        near_version(selector.selector.requirements.iter().map(|each| each.key.as_str()))
    {
        return format!(
            "`{path}` asks for `{near}`; did you mean `{VERSION}: {ORIGINAL}`?{}",
            otherwise(isolation)
        );
    }
    let lines = match selector.form {
        SelectorForm::Plain => format!("  {VERSION}: {ORIGINAL}"),
        SelectorForm::LabelSelector => format!("  matchLabels:\n    {VERSION}: {ORIGINAL}"),
    };
    let note = if selector.role == SelectorRole::Workload {
        "\nand the same label to its pod template; the selector of a running workload cannot be changed, \
         so it must be deleted and created again"
    } else {
        ""
    };
    format!("add to `{path}`:\n{lines}{note}{}", otherwise(isolation))
}

/// What helps besides; the other modes have replaced all that could be.
fn otherwise(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::VersionLabel => "\nor set `isolation: relabel` in the spec",
        Isolation::Auto | Isolation::Relabel => "",
    }
}

/// The position in the baseline of the object that a gray one is made from.
fn position(facts: &Facts, object: &GrayObject) -> Option<usize> {
    facts.baseline.position(object.baseline()?)
}

fn gray_selects_baseline(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (object, selector) in &gray.selectors {
        let leaks = selected(&subject.facts.index, selector, &object.id.namespace);
        let Some(pods) = leaks.first().map(|number| &subject.facts.pods[*number]) else { continue };
        let baseline = subject.facts.object(pods.object);
        let diagnostic = Diagnostic::error(format!(
            "the gray {} would match the baseline pods of {}: {}",
            object.id,
            baseline.id,
            consequence(selector.role, "baseline pods")
        ));
        let origin = object.baseline().and_then(|id| subject.facts.baseline.get(id));
        let paths = slice::from_ref(&selector.path);
        let id = object.baseline().unwrap_or(&object.id);
        found.push(at(diagnostic, origin, paths).remedy(format!(
            "leave it with the baseline: `policies: {{{}/{}: skip}}`{}",
            id.kind,
            id.name,
            otherwise(subject.release.isolation)
        )));
    }
    found
}

/// With `isolation: version-label`, pods and selectors of the baseline that name another version:
/// nothing leaks today, but what tells the lanes apart is not what it should be.
fn not_original(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let mut found = Vec::new();
    let immutable = "the selector of a running workload cannot be changed, so it must be deleted and created again";
    for (object, _) in &gray.pods {
        let Some(position) = position(facts, object) else { continue };
        let origin = facts.object(position);
        for pods in facts.pods_of(position) {
            let labels = pods.template.labels();
            let version = pods.labels.iter().find(|(key, _)| key == VERSION);
            let near = near_version(pods.labels.iter().map(|(key, _)| key.as_str()));
            let (message, key) = match (version, near) {
                (Some((_, value)), _) if value == ORIGINAL => continue,
                (Some((_, value)), _) => {
                    (format!("are labelled `{VERSION}: {value}`, not `{ORIGINAL}`"), Some(VERSION))
                }
                (None, Some(near)) => (
                    format!("are labelled `{near}`; did you mean `{VERSION}: {ORIGINAL}`?"),
                    Some(near),
                ),
                (None, None) => (format!("are not labelled `{VERSION}: {ORIGINAL}`"), None),
            };
            let key = key.map_or_else(|| labels.clone(), |key| labels.key(key));
            let paths = [key, labels.clone(), pods.template.path.clone()];
            found.push(
                at(Diagnostic::error(format!("the pods of {} {message}", origin.id)), Some(origin), &paths).remedy(
                    format!(
                        "write at `{labels}`:\n  {VERSION}: {ORIGINAL}\nor set `isolation: relabel` in the spec"
                    ),
                ),
            );
        }
        for selecting in facts.selecting(position) {
            let selector = &selecting.selector;
            let values: Vec<&[String]> = required_values(&selector.selector, VERSION).collect();
            let is_wrong = !values.is_empty() && !values.iter().any(|values| *values == [ORIGINAL]);
            if !counts_pods(selector.role) || !is_wrong {
                continue;
            }
            let owner = facts.object(selecting.object);
            let asked = values.concat().join(", ");
            let note = match selector.role {
                SelectorRole::Workload => format!("\n{immutable}"),
                _ => String::new(),
            };
            found.push(
                at(
                    Diagnostic::error(format!(
                        "{} asks for `{VERSION}: {asked}`, not for `{ORIGINAL}`",
                        owner.id
                    )),
                    Some(owner),
                    slice::from_ref(&selector.path),
                )
                .remedy(format!(
                    "write in `{}`: `{VERSION}: {ORIGINAL}`{note}\nor set `isolation: relabel` in the spec",
                    selector.path
                )),
            );
        }
    }
    found
}

/// Between gray objects: a workload owns its own pods and no others, and a Service leads to the
/// gray pods of whatever it led to.
fn gray_selects_wrong_gray(subject: &Subject<'_>, gray: &Gray<'_>) -> Vec<Diagnostic> {
    let facts = subject.facts;
    let own: HashMap<_, _> =
        gray.pods.iter().map(|(object, labels)| (&object.id, labels)).collect();
    let copies: HashMap<_, _> =
        gray.pods.iter().filter_map(|(object, _)| Some((object.baseline()?, &object.id))).collect();
    let mut found = Vec::new();
    for (object, selector) in &gray.selectors {
        let matched = selected(&gray.index, selector, &object.id.namespace);
        let owners = || matched.iter().map(|number| &gray.pods[*number].0.id);
        let message = match selector.role {
            SelectorRole::Workload => {
                let other = owners().find(|owner| **owner != object.id);
                let misses_own =
                    own.contains_key(&object.id) && !owners().any(|owner| *owner == object.id);
                let position = position(facts, object);
                let matched_own = position.is_some_and(|position| {
                    facts.selecting(position).any(|selecting| selecting.object == position)
                });
                match other {
                    _ if misses_own && !matched_own => format!(
                        "the selector of {} does not match the labels of its own pods: Kubernetes refuses such an object",
                        object.baseline().unwrap_or(&object.id)
                    ),
                    Some(other) => {
                        format!("the gray {} would match the gray pods of {other} too", object.id)
                    }
                    None if misses_own => format!(
                        "the selector of the gray {} does not match its own pods",
                        object.id
                    ),
                    None => continue,
                }
            }
            SelectorRole::Service => {
                let Some(position) = position(facts, object) else { continue };
                let namespace = &facts.object(position).id.namespace;
                let led_to = facts
                    .selectors_of(position)
                    .iter()
                    .flat_map(|original| selected(&facts.index, &original.selector, namespace));
                let mut led_to: Vec<_> = led_to
                    .filter_map(|number| copies.get(&facts.object(facts.pods[number].object).id))
                    .collect();
                led_to.retain(|copy| !owners().any(|owner| owner == **copy));
                let Some(missed) = led_to.first() else { continue };
                format!(
                    "the gray {} would not match the gray pods of {missed}, so requests for them fail",
                    object.id
                )
            }
            _ => continue,
        };
        let origin = object.baseline().and_then(|id| facts.baseline.get(id));
        let paths = slice::from_ref(&selector.path);
        found.push(
            at(Diagnostic::error(message), origin, paths)
                .remedy("let the baseline's selector ask for labels that its pods alone have"),
        );
    }
    found
}
