//! The Kubernetes Gateway API, by HTTPRoute.
//!
//! A lane is a route of its own with the baseline's matches and one condition more: of two matches
//! with one host and path, the one with more header matches goes first, then the one with more
//! query matches, whatever object they stand in. Source: kubernetes-sigs/gateway-api,
//! apis/v1/httproute_types.go (`hostnames`, `matches`), here called "the types".

mod conditions;
mod filters;
mod precedence;
mod rivals;
mod takeover;

use super::patterns::ungroupable;
use super::shape::Shape;
use super::shares::weight_alone;
use super::{
    Anchoring, Base, Canary, CanaryRoute, Capabilities, Gateway, Lanes, Values, WeightBeside, at,
    edited, keep_annotations, unsupported,
};
use crate::diagnostic::Diagnostic;
use crate::spec::GatewayClass;
use crate::yaml::{Document, NodeRef, Path, Value};
use conditions::Conditions;
pub use takeover::GREATEST_WEIGHT;

pub use rivals::HttpRoutes;

/// The Kubernetes Gateway API.
pub(super) struct GatewayApi;

const CAPABILITIES: Capabilities = Capabilities {
    // `headers[]`: Exact is Core, RegularExpression implementation-specific (the types).
    header: Values::ExactOrRegex,
    // maxItems of `matches[].headers`.
    headers: MOST_HEADERS,
    // Implementation-specific; it is written anchored.
    regex: Anchoring::Whole,
    // No field for it (kubernetes-sigs/gateway-api #2891): a regular expression on the header `cookie`.
    cookie: Values::Exact,
    // No value is prescribed.
    cookie_always: false,
    // `queryParams[]`: Exact is Extended, RegularExpression implementation-specific (the types).
    query: Values::ExactOrRegex,
    // maxItems of `matches[].queryParams`.
    queries: MOST_HEADERS,
    // "all conditions are ANDed" (the types, HTTPRouteMatch).
    header_and_query: true,
    cookie_beside: true,
    // Nothing sums up the weights of two routes; a route that also matches the method goes before
    // one that does not.
    weight: true,
    // A match on the method goes before one on headers: the share would take the lane's requests.
    weight_beside: WeightBeside::Forbidden,
    // RequestHeaderModifier: Core in a rule, Extended in a backendRef.
    sets_tag_header: true,
    // Of equal matches the older route's goes first.
    lanes: Lanes::Matches,
    // What no match of the route fits is left to the others.
    base: Base::NotNeeded,
};

/// Most header matches, and most query matches, of a match (maxItems in the types).
const MOST_HEADERS: usize = 16;

/// What is read of an HTTPRoute (the types).
const SHAPE: Shape = Shape {
    lists: &[
        &["spec", "rules"],
        &["spec", "rules", "*", "matches"],
        &["spec", "rules", "*", "matches", "*", "headers"],
        &["spec", "rules", "*", "matches", "*", "queryParams"],
        &["spec", "rules", "*", "filters"],
        &["spec", "rules", "*", "backendRefs"],
        &["spec", "rules", "*", "backendRefs", "*", "filters"],
    ],
    numbers: &[&["spec", "rules", "*", "backendRefs", "*", "weight"]],
};

impl Gateway for GatewayApi {
    fn class(&self) -> GatewayClass {
        GatewayClass::GatewayApi
    }

    fn reads(&self) -> &'static [&'static str] {
        &["HTTPRoute"]
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn canary(&self, route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>> {
        let mut errors = unsupported(self.class(), &CAPABILITIES, route.route);
        errors.extend(conditions::illegal(route.route));
        if errors.is_empty() {
            errors = ungroupable(route.route);
            errors.extend(SHAPE.misfits(route.baseline.root()));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        canary(route)
    }
}

/// A rule of the baseline.
#[derive(Clone, Copy)]
struct Rule<'a> {
    /// Its position.
    number: usize,
    node: NodeRef<'a>,
    /// Whether it leads into the lane.
    gray: bool,
}

fn canary(route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>> {
    let one = |error| vec![error];
    let mut canary = Canary { document: route.baseline.clone(), notes: Vec::new() };
    canary.notes.extend(current_version(&mut canary.document).map_err(one)?);
    let root = route.baseline.root();
    let rules: Vec<Rule<'_>> = root
        .at(&["spec", "rules"])
        .into_iter()
        .flat_map(NodeRef::items)
        .enumerate()
        .map(|(number, node)| {
            let gray = backends(node).any(|backend| gray_name(route, backend).is_some());
            Rule { number, node, gray }
        })
        .collect();
    if !rules.iter().any(|rule| rule.gray) {
        return Err(vec![leads_nowhere(route, &rules)]);
    }
    let mut errors = match weight_alone(route.route) {
        Some(percent) => {
            let (errors, note) = takeover::share(route, &rules, percent, &mut canary.document);
            canary.notes.push(note);
            errors
        }
        None => {
            let conditions = Conditions::new(route.route);
            canary.notes.extend(conditions.notes(route));
            canary.notes.extend(precedence::overtaken(&rules, &conditions));
            mark(route, &rules, &conditions, &mut canary)
        }
    };
    let list = Path::keys(["spec", "rules"]);
    // From the last to the first, so that what is removed does not move what is still to be seen.
    for rule in rules.iter().rev().filter(|rule| !rule.gray) {
        errors.extend(edited(canary.document.remove(&list.index(rule.number)).map(|_| ())).err());
    }
    match keep_annotations(GatewayClass::GatewayApi, &mut canary.document) {
        Ok(note) => canary.notes.extend(note),
        Err(error) => errors.push(error),
    }
    if errors.is_empty() { Ok(canary) } else { Err(errors) }
}

/// Writes the route as v1, whose schema v1beta1 has too.
fn current_version(canary: &mut Document) -> Result<Option<Diagnostic>, Diagnostic> {
    const CURRENT: &str = "gateway.networking.k8s.io/v1";
    let written = canary.at(&["apiVersion"]);
    match written.and_then(NodeRef::as_str) {
        Some(CURRENT) => Ok(None),
        Some("gateway.networking.k8s.io/v1beta1") => {
            let note = Diagnostic::note(format!(
                "the canary route is written as {CURRENT}, which has the fields of v1beta1"
            ));
            let note = at(note, written);
            edited(canary.set_str(&Path::keys(["apiVersion"]), CURRENT))?;
            Ok(Some(note))
        }
        _ => {
            let found = written.and_then(NodeRef::text).unwrap_or("nothing");
            let error = Diagnostic::error(format!("the entry's HTTPRoute has apiVersion {found}"));
            Err(at(error, written).remedy(format!("write it as {CURRENT}")))
        }
    }
}

/// The backends of a rule.
pub(super) fn backends(rule: NodeRef<'_>) -> impl Iterator<Item = NodeRef<'_>> {
    rule.get("backendRefs").into_iter().flat_map(NodeRef::items)
}

/// Whether a backend is a Service of this namespace, which needs no ReferenceGrant.
pub(super) fn is_own_service(backend: NodeRef<'_>, namespace: &str) -> bool {
    let is = |key: &str, expected: &str| {
        backend.get(key).and_then(NodeRef::text).is_none_or(|text| text == expected)
    };
    is("group", "") && is("kind", "Service") && is("namespace", namespace)
}

/// The gray Service of a backend, where it has one. It stands in the namespace of the route.
fn gray_name<'a>(route: &CanaryRoute<'a>, backend: NodeRef<'_>) -> Option<&'a str> {
    let name = backend.get("name").and_then(NodeRef::as_str)?;
    let is_own = is_own_service(backend, &route.id.namespace);
    route.services.get(name).copied().filter(|_| is_own)
}

fn leads_nowhere(route: &CanaryRoute<'_>, rules: &[Rule<'_>]) -> Diagnostic {
    let foreign = rules.iter().flat_map(|rule| backends(rule.node)).find(|backend| {
        let namespace = backend.get("namespace").and_then(NodeRef::text);
        namespace.is_some_and(|namespace| namespace != route.id.namespace)
    });
    let error = "no rule of this HTTPRoute leads to a Service that has a gray copy";
    match foreign {
        Some(backend) => at(
            Diagnostic::error(format!("{error}: this backend is in another namespace")),
            Some(backend),
        )
        .remedy("a lane has one namespace: put the route into the namespace of the Service, where it needs no ReferenceGrant either"),
        None => at(Diagnostic::error(error), route.baseline.at(&["spec"]))
            .remedy("name the right route in `entry.route`, or copy the Service it leads to"),
    }
}

/// Gives the rules that lead into the lane its conditions, tag and backends.
fn mark(
    route: &CanaryRoute<'_>,
    rules: &[Rule<'_>],
    conditions: &Conditions,
    canary: &mut Canary,
) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for rule in rules.iter().filter(|rule| rule.gray) {
        let path = Path::keys(["spec", "rules"]).index(rule.number);
        let document = &mut canary.document;
        errors.extend(conditions.add(rule.node, &path, document));
        let result = filters::set_header(document, &path, route.tag_header, route.tag)
            .and_then(|()| mirror_gray(route, rule.node, &path, document))
            .and_then(|()| only_gray(route, rule.node, &path, document));
        match result {
            Ok(note) => canary.notes.extend(note),
            Err(error) => errors.push(error),
        }
    }
    errors
}

/// The weight of a backend; 1 where it says none (the types, BackendRef).
fn weight(backend: NodeRef<'_>) -> Option<u64> {
    match backend.get("weight").filter(|weight| !weight.is_null()) {
        None => Some(1),
        Some(weight) => weight.as_int().and_then(|weight| u64::try_from(weight).ok()),
    }
}

/// Leads what a rule and its backends mirror to the copies: a marked request is for no pod of a
/// baseline that has one. Filters that a lane adds come after those that are there.
fn mirror_gray(
    route: &CanaryRoute<'_>,
    rule: NodeRef<'_>,
    path: &Path,
    document: &mut Document,
) -> Result<(), Diagnostic> {
    let list = path.key("backendRefs");
    let own = backends(rule).enumerate().map(|(number, backend)| (list.index(number), backend));
    for (holder, node) in std::iter::once((path.clone(), rule)).chain(own) {
        let filters = node.get("filters").into_iter().flat_map(NodeRef::items);
        for (number, filter) in filters.enumerate() {
            let mirror = filter.at(&["requestMirror", "backendRef"]);
            let Some(gray) = mirror.and_then(|mirror| gray_name(route, mirror)) else { continue };
            let mirror = holder.key("filters").index(number).key("requestMirror").key("backendRef");
            edited(document.set_str(&mirror.key("name"), gray))?;
        }
    }
    Ok(())
}

/// Leaves a rule with its gray backends alone: a marked request must reach the lane.
fn only_gray(
    route: &CanaryRoute<'_>,
    rule: NodeRef<'_>,
    path: &Path,
    document: &mut Document,
) -> Result<Option<Diagnostic>, Diagnostic> {
    let all: Vec<NodeRef<'_>> = backends(rule).collect();
    let is_served =
        |backend: &NodeRef<'_>| gray_name(route, *backend).is_some() && weight(*backend) != Some(0);
    if !all.iter().any(is_served) {
        return Err(at(
            Diagnostic::error("the backends of this rule that have a gray copy have weight 0, so that no request would reach the lane"),
            rule.get("backendRefs"),
        )
        .remedy("give the backend a weight"));
    }
    let list = path.key("backendRefs");
    let mut dropped = Vec::new();
    for (number, backend) in all.iter().enumerate().rev() {
        let own = list.index(number);
        match gray_name(route, *backend) {
            Some(gray) => {
                edited(document.set_str(&own.key("name"), gray))?;
                filters::forget_header(document, &own, route.tag_header)?;
            }
            None => {
                let name = backend.get("name").and_then(NodeRef::text).unwrap_or("?");
                dropped.push(format!("`{name}`"));
                edited(document.remove(&own).map(|_| ()))?;
            }
        }
    }
    if dropped.is_empty() {
        return Ok(None);
    }
    dropped.sort();
    let note = Diagnostic::note(format!(
        "the lane's requests go to gray Services alone: {} of this rule get none of them",
        dropped.join(", ")
    ));
    Ok(Some(at(note, rule.get("backendRefs"))))
}

/// The matches of a rule; without any it has one for all paths.
fn matches(rule: NodeRef<'_>) -> Vec<Option<NodeRef<'_>>> {
    let all: Vec<_> = rule.get("matches").into_iter().flat_map(NodeRef::items).map(Some).collect();
    if all.is_empty() { vec![None] } else { all }
}

/// The match of a rule that has none, written out.
fn match_of_all_paths() -> Value {
    let path = Value::string_map([("type", "PathPrefix"), ("value", "/")]);
    Value::Mapping(vec![("path".to_owned(), path)])
}

/// Makes sure that a rule has a list of matches.
fn write_matches(
    rule: NodeRef<'_>,
    path: &Path,
    document: &mut Document,
) -> Result<(), Diagnostic> {
    let is_there = rule.get("matches").is_some_and(|matches| !matches.is_empty());
    if is_there {
        return Ok(());
    }
    let after_name = rule.entries().position(|(key, _)| key == "name").map_or(0, |at| at + 1);
    let all = Value::Sequence(vec![match_of_all_paths()]);
    edited(document.insert_entry(path, after_name, "matches", all))
}
