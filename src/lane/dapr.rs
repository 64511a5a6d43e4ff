//! Pods with a sidecar of Dapr: the gray ones are an application of their own.
//!
//! Dapr calls applications by their app id, and its operator keeps one Service of each, `APP-ID-dapr`,
//! with the labels of whichever workload of that id it looked at last as its selector. A gray workload
//! of the baseline's id would take that Service over, and with it the calls of production, until the
//! baseline's is looked at again. An id of their own is right also for those who call by it: calls to
//! the old one go on to lead to the baseline, which is what a lane falls back to, and what shall lead to
//! the gray pods says so. What goes by the id besides, such as state, subscriptions and the scopes of
//! components, is told.
//!
//! Sources: dapr/dapr pkg/operator/handlers/dapr_handler.go (`ensureDaprServicePresent`,
//! `patchDaprService`), pkg/validation (`ValidateKubernetesAppID`); docs.dapr.io/reference/
//! arguments-annotations-overview; docs.dapr.io/operations/components/component-scopes.

use foldhash::{HashMap, HashMapExt};

use super::facts::Facts;
use crate::baseline::{Object, misshapen};
use crate::diagnostic::Diagnostic;
use crate::kube::names::check_dns_label;
use crate::kube::pod_specs::pod_templates;
use crate::spec::Suffix;
use crate::yaml::{Document, NodeRef, Path};

const ENABLED: &str = "dapr.io/enabled";
const APP_ID: &str = "dapr.io/app-id";
const GROUP: &str = "dapr.io";

/// What of a baseline is for certain applications, by their app ids.
#[derive(Debug, Default)]
pub(super) struct Scopes(HashMap<String, Vec<Named>>);

/// An application that an object of Dapr is for, or has rules for.
#[derive(Debug)]
struct Named {
    /// The namespace of the application's pods.
    namespace: String,
    /// Position of the object in the baseline.
    object: usize,
    path: Path,
}

impl Scopes {
    /// Those of a baseline.
    pub(super) fn of(facts: &Facts) -> Self {
        let mut all: HashMap<_, Vec<_>> = HashMap::new();
        let objects = facts.baseline.objects().iter().enumerate();
        for (position, object) in objects.filter(|(_, object)| object.id.group == GROUP) {
            for (app, namespace, path) in applications(object.document().root()) {
                let namespace = namespace.unwrap_or_else(|| object.id.namespace.clone());
                all.entry(app).or_default().push(Named { namespace, object: position, path });
            }
        }
        Self(all)
    }

    /// Where an application is named whose pods are in this namespace; any could be one that is not
    /// known.
    fn naming(&self, namespace: &str, app: &str) -> impl Iterator<Item = &Named> {
        let named = self.0.get(app).into_iter().flatten();
        named.filter(move |named| namespace.is_empty() || named.namespace == namespace)
    }
}

/// The app ids that an object of Dapr is for, or has rules for, with their namespaces where it names
/// them: scopes are for applications of its own namespace, and access is given to those of any.
///
/// Sources: docs.dapr.io/reference/resource-specs (component, subscription, resiliency, httpendpoint:
/// `scopes`; configuration: `accessControl`); docs.dapr.io/operations/configuration/invoke-allowlist;
/// dapr/dapr pkg/acl (`getKeyForAppID`).
fn applications(root: NodeRef<'_>) -> Vec<(String, Option<String>, Path)> {
    let scopes = root.get("scopes").into_iter().flat_map(NodeRef::items).enumerate();
    let scopes = scopes.filter_map(|(at, app)| {
        Some((app.text()?.to_owned(), None, Path::keys(["scopes"]).index(at)))
    });
    let policies = ["spec", "accessControl", "policies"];
    let rules = root.at(&policies).into_iter().flat_map(NodeRef::items).enumerate();
    let rules = rules.filter_map(|(at, rule)| {
        let namespace = rule.get("namespace").and_then(NodeRef::text).map(str::to_owned);
        let path = Path::keys(policies).index(at).key("appId");
        Some((rule.get("appId")?.text()?.to_owned(), namespace, path))
    });
    scopes.chain(rules).collect()
}

/// Gives pods that have the app id of the baseline's one of their own; what was decided, or why it
/// cannot be.
///
/// # Errors
///
/// An id that is too long, or annotations that are no mapping.
pub(super) fn set_apart(
    object: &Object,
    suffix: &Suffix,
    scopes: &Scopes,
    facts: &Facts,
    is_patched: impl Fn(&Path) -> bool,
    document: &mut Document,
) -> Result<Vec<Diagnostic>, Diagnostic> {
    let mut notes = Vec::new();
    for template in pod_templates(document.root()) {
        let path = template.annotations().key(APP_ID);
        let Some(app) = document.find(&path).and_then(NodeRef::text).map(str::to_owned) else {
            continue;
        };
        let baseline = object.document();
        let before = baseline.find(&path);
        if app.is_empty() || !is_enabled(document, &template.annotations()) {
            continue;
        }
        let Some(before) = before else { continue };
        // One that the spec's patches chose is the user's.
        if is_patched(&path) {
            let other = before.text().filter(|other| *other != app);
            notes.extend(
                other
                    .into_iter()
                    .flat_map(|other| out_of_scope(object, other, &app, scopes, facts)),
            );
            continue;
        }
        let gray = format!("{app}{}", suffix.text);
        let place = before.value_place();
        if let Err(why) = check_dns_label(&format!("{gray}-dapr")) {
            let error = Diagnostic::error(format!(
                "the gray pods of {} cannot be the Dapr application `{gray}`, whose Service is `{gray}-dapr`: {why}",
                object.id
            ));
            return Err(error.at(place).remedy(format!(
                "choose a shorter tag or `naming.suffix`, or another `{APP_ID}` by a patch"
            )));
        }
        if let Err(error) = document.set_str(&path, &gray) {
            return Err(misshapen(&object.id, object.place(), &error));
        }
        let note = Diagnostic::note(format!(
            "the gray pods of {} are the Dapr application `{gray}`: calls to `{app}` go on to lead to the baseline's, its state is not theirs, and messages of topics that both subscribe to come to both",
            object.id
        ));
        notes.push(note.at(place).remedy(format!(
            "what should call them calls `{gray}`; a patch of `{APP_ID}` gives them another id"
        )));
        notes.extend(out_of_scope(object, &app, &gray, scopes, facts));
    }
    Ok(notes)
}

/// What is for the baseline's application and not for the gray one.
fn out_of_scope<'a>(
    object: &'a Object,
    app: &'a str,
    gray: &'a str,
    scopes: &'a Scopes,
    facts: &'a Facts,
) -> impl Iterator<Item = Diagnostic> + 'a {
    let namespace = &object.id.namespace;
    let there: Vec<usize> = scopes.naming(namespace, gray).map(|named| named.object).collect();
    let missing = scopes.naming(namespace, app).filter(move |named| !there.contains(&named.object));
    missing.map(move |Named { object, path, .. }| {
        let named = facts.object(*object);
        let warning = Diagnostic::warning(format!(
            "{} is for the Dapr application `{app}`, and not for the gray pods, which are `{gray}`",
            named.id
        ));
        let place = named.document().find(path).and_then(NodeRef::place);
        warning.at(place).remedy(format!("name `{gray}` beside it"))
    })
}

/// Source: dapr/kit utils (`IsTruthy`).
fn is_enabled(document: &Document, annotations: &Path) -> bool {
    let enabled = document.find(&annotations.key(ENABLED)).and_then(NodeRef::text);
    let enabled = enabled.unwrap_or_default().to_ascii_lowercase();
    matches!(enabled.as_str(), "y" | "yes" | "true" | "t" | "on" | "1")
}
