//! Gateways: what routes north-south. Each has a dialect of canary route; one file per dialect.
//!
//! A dialect says what it can express as data ([`Capabilities`]); [`unsupported`] refuses by name
//! what it cannot. To add one, add a file with its [`Gateway`] and a row in [`of`].

mod alb;
mod alb_expression;
mod alb_paths;
mod alb_rule;
mod annotations;
mod apig;
mod apisix;
mod claims;
mod cloned;
mod driven;
mod expression;
#[cfg(test)]
pub(crate) mod fixture;
mod gateway_api;
mod header_control;
mod higress;
mod ingress;
mod ingress_version;
mod mse;
mod namesakes;
mod nginx;
mod owner;
mod patterns;
mod re2;
mod shape;
mod shares;
#[cfg(test)]
mod table;
mod unsupported;

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::kube::object::ObjectRef;
use crate::spec::{GatewayClass, Match};
use crate::yaml::{Document, EditError, NodeRef, Path};

pub use alb::{DEFAULT_ORDER as ALB_DEFAULT_ORDER, read_order as alb_order};
pub use alb_paths::{conditioned_paths, covered_paths, path_regex as alb_path_regex};
pub use apisix::{ApisixRoutes, Equal as ApisixEqual};
pub use claims::{Claim, Claims, Place as ClaimedPlace, Requests, Weight, claims};
pub use cloned::{Cloned, cloned};
pub use driven::{CANARY, Held, held, holding_kinds, may_hold};
pub(crate) use expression::ambiguous;
pub use gateway_api::{GREATEST_WEIGHT, HttpRoutes};
pub use ingress::{backends, class_of, is_canary};
pub use owner::Owner;
pub use shares::weight_alone;
pub use unsupported::unsupported;
pub(crate) use unsupported::{malformed, regex_notes};

/// Kinds of routes that a canary route can be made from, with their API groups.
const ROUTES: [(&str, &str); 3] = [
    ("networking.k8s.io", "Ingress"),
    ("gateway.networking.k8s.io", "HTTPRoute"),
    ("apisix.apache.org", "ApisixRoute"),
];

/// Whether an object is a route that a canary route can be made from.
pub fn is_route(id: &ObjectRef) -> bool {
    ROUTES.contains(&(id.group.as_str(), id.kind.as_str()))
}

/// The kinds of [`is_route`], for messages.
pub fn route_kinds() -> String {
    let kinds: Vec<&str> = ROUTES.iter().map(|(_, kind)| *kind).collect();
    kinds.join(" or ")
}

/// How far a dialect can match a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Not at all.
    None,
    /// Only the values that the dialect itself prescribes (`always`).
    Fixed,
    /// Any exact text.
    Exact,
    /// Exact texts and regular expressions.
    ExactOrRegex,
}

/// What weight does on a route that has a header, cookie or query match too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightBeside {
    /// It takes a share of the requests that do not match.
    FallsThrough,
    /// It has no effect.
    Ignored,
    /// The gateway refuses the route.
    Forbidden,
}

/// What a dialect can express. Every field has its source at the dialect's table.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Header values.
    pub header: Values,
    /// How many headers one route can match, all of them at once.
    pub headers: usize,
    /// How much of a value a regular expression must match.
    pub regex: Anchoring,
    /// Cookie values.
    pub cookie: Values,
    /// Whether a cookie can go without a value: the gateway then asks for `always`.
    pub cookie_always: bool,
    /// Query parameter values.
    pub query: Values,
    /// How many query parameters one route can match.
    pub queries: usize,
    /// Whether one route can match header and query at once.
    pub header_and_query: bool,
    /// Whether one route can match a cookie beside a header or query, all at once.
    pub cookie_beside: bool,
    /// Whether a share of all requests can be sent to the lane.
    pub weight: bool,
    /// What weight does beside a match.
    pub weight_beside: WeightBeside,
    /// Whether the route can set the header that carries the tag.
    pub sets_tag_header: bool,
    /// How many lanes one host and path can have.
    pub lanes: Lanes,
    /// What finds the baseline's rule that a canary route stands beside; without one the gateway
    /// drops it.
    pub base: Base,
}

/// How much of a value a regular expression must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchoring {
    /// Any part of it.
    Search,
    /// All of it.
    Whole,
    /// It is not documented: only an expression that is anchored at both ends is sure.
    Unknown,
}

/// What finds the baseline's rule that a canary route stands beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Host, path and path type; a missing type and `ImplementationSpecific` are `Prefix`.
    HostPathAndType,
    /// The same, after a `/` at the end of a prefix is left out.
    HostPathAndTypeNormalised,
    /// Host and path.
    HostAndPath,
    /// The canary route stands for itself; what it does not match is left to the others.
    NotNeeded,
}

/// How many lanes one host and path can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// One; of a second canary the gateway takes no notice, or refuses it.
    One,
    /// Any number by match; a lane that takes a share of all requests must be alone.
    Matches,
    /// Any number; shares of all requests add up.
    Many,
}

/// A canary route to make.
#[derive(Debug)]
pub struct CanaryRoute<'a> {
    /// The baseline's route, with the spec's patches applied.
    pub baseline: &'a Document,
    /// The same without them.
    pub unpatched: &'a Document,
    /// Who that is.
    pub id: &'a ObjectRef,
    /// What makes a request gray.
    pub route: &'a Match,
    /// The tag.
    pub tag: &'a str,
    /// The header that carries it.
    pub tag_header: &'a str,
    /// Names of the Services that have a gray copy, and the names of those.
    pub services: &'a HashMap<&'a str, &'a str>,
}

/// A canary route that was made.
#[derive(Debug)]
pub struct Canary {
    /// Its manifest. Its name is still the baseline's; its kind may be another.
    pub document: Document,
    /// What was decided.
    pub notes: Vec<Diagnostic>,
}

impl From<Document> for Canary {
    fn from(document: Document) -> Self {
        Self { document, notes: Vec::new() }
    }
}

/// A gateway's dialect.
pub trait Gateway: Sync {
    /// Which it is.
    fn class(&self) -> GatewayClass;

    /// The kinds of baseline routes it makes canary routes from.
    fn reads(&self) -> &'static [&'static str] {
        &["Ingress"]
    }

    /// What it can express.
    fn capabilities(&self) -> &'static Capabilities;

    /// The annotation by which its Ingress names the subset of pods it leads to, if it has one.
    fn subset_annotation(&self) -> Option<&'static str> {
        None
    }

    /// Whether the canary route for this match sets the header that carries the tag.
    fn sets_tag_header(&self, _route: &Match) -> bool {
        self.capabilities().sets_tag_header
    }

    /// The canary route: the baseline's with only what leads into the lane, the dialect's way to
    /// say which requests, and the header that carries the tag.
    ///
    /// # Errors
    ///
    /// What the dialect cannot express, each with its place in the spec or the baseline.
    fn canary(&self, route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>>;
}

/// The gateway of a class.
pub fn of(class: GatewayClass) -> &'static dyn Gateway {
    match class {
        GatewayClass::Mse => &mse::Mse,
        GatewayClass::Apisix => &apisix::Apisix,
        GatewayClass::GatewayApi => &gateway_api::GatewayApi,
        GatewayClass::Apig => &apig::Apig,
        GatewayClass::Higress => &higress::Higress,
        GatewayClass::Nginx => &nginx::Nginx,
        GatewayClass::Alb => &alb::Alb,
    }
}

/// The gateway class that a route itself names: by its kind, or by the class of an Ingress.
///
/// # Errors
///
/// When it names none that is known here, or has annotations of another controller of that name.
pub fn class_for(id: &ObjectRef, root: NodeRef<'_>) -> Result<GatewayClass, Diagnostic> {
    class_by(id, root, None)
}

/// As [`class_for`], where the controller of an Ingress's IngressClass is known, which says more than
/// annotations.
///
/// # Errors
///
/// As [`class_for`], and when that controller is another one than the name of the class says.
pub fn class_by(
    id: &ObjectRef,
    root: NodeRef<'_>,
    controller: Option<&str>,
) -> Result<GatewayClass, Diagnostic> {
    is_servable(id)?;
    match id.kind.as_str() {
        "HTTPRoute" => return Ok(GatewayClass::GatewayApi),
        "ApisixRoute" => return Ok(GatewayClass::Apisix),
        _ => {}
    }
    let found = class_of(root);
    let class = GatewayClass::ALL.iter().find(|class| found == Some(class.as_str()));
    if let Some(class) = class {
        let is_its = match controller {
            Some(controller) => namesakes::by_controller(*class, id, controller),
            None => namesakes::by_annotations(*class, id, root),
        };
        return is_its.map(|()| *class);
    }
    let what = match found {
        Some(found) => format!("the class `{found}` of {id} is not one graylane knows"),
        None => format!("{id} names no Ingress class"),
    };
    let of_ingresses =
        |class: &&GatewayClass| !matches!(class, GatewayClass::GatewayApi | GatewayClass::Apisix);
    let classes = GatewayClass::ALL.iter().filter(of_ingresses);
    let classes: Vec<&str> = classes.map(|class| class.as_str()).collect();
    // To Traefik or Kong the canary would be one more Ingress of the same host and path.
    let remedy = format!(
        "if it is served by one of {}, say by which: `gateway: {{class: {}}}`; no other gateway reads such canaries as what they are, and gray pods would get requests of everybody: leave `entry` out there",
        classes.join(", "),
        GatewayClass::Mse
    );
    Err(Diagnostic::error(what).remedy(remedy))
}

/// Whether a canary route can be made from an object that an entry names.
///
/// # Errors
///
/// When it is of another kind.
pub fn is_servable(id: &ObjectRef) -> Result<(), Diagnostic> {
    if is_route(id) {
        return Ok(());
    }
    if id.kind == "GRPCRoute" {
        let error =
            format!("no canary route can be made from {id}: this version serves no GRPCRoute");
        return Err(Diagnostic::error(error).remedy(
            "an HTTPRoute cannot stand in for it: a listener takes only one of both kinds for a host.\n\
             Make a service behind another route the entry",
        ));
    }
    let error = format!("no canary route can be made from {id}");
    Err(Diagnostic::error(error).remedy(format!("name an {}", route_kinds())))
}

/// The names of the Services that a route leads to, in order, where it is one that canary routes can
/// be made from.
pub fn leads_to<'a>(id: &ObjectRef, root: NodeRef<'a>) -> Vec<&'a str> {
    let items = |keys: &[&str]| root.at(keys).into_iter().flat_map(NodeRef::items);
    match id.kind.as_str() {
        _ if !is_route(id) => Vec::new(),
        "HTTPRoute" => items(&["spec", "rules"])
            .flat_map(gateway_api::backends)
            .filter(|backend| gateway_api::is_own_service(*backend, &id.namespace))
            .filter_map(|backend| backend.get("name")?.as_str())
            .collect(),
        "ApisixRoute" => items(&["spec", "http"]).flat_map(apisix::backends).collect(),
        _ => backends(root),
    }
}

/// The place of a node, for diagnostics that have one.
fn at(error: Diagnostic, node: Option<NodeRef<'_>>) -> Diagnostic {
    error.at(node.and_then(NodeRef::place))
}

/// What comes of an edit of a route that is no Ingress.
fn edited(result: Result<(), EditError>) -> Result<(), Diagnostic> {
    result.map_err(|error| {
        Diagnostic::error(format!(
            "the entry's route is not formed as Kubernetes wants it: {error}"
        ))
        .remedy("`kubectl explain` shows the fields of its kind")
    })
}

/// Takes the annotations off a canary route that are about the baseline's object, and says which.
fn keep_annotations(
    class: GatewayClass,
    canary: &mut Document,
) -> Result<Option<Diagnostic>, Diagnostic> {
    let path = Path::keys(["metadata", "annotations"]);
    let all = canary.find(&path);
    let dropped: Vec<String> = all
        .into_iter()
        .flat_map(NodeRef::entries)
        .filter(|(key, _)| annotations::carry(class, key) == annotations::Carry::Drop)
        .map(|(key, _)| key.to_owned())
        .collect();
    if dropped.is_empty() {
        return Ok(None);
    }
    let note = Diagnostic::note(format!(
        "the canary route goes without annotations that are about the baseline's: {}",
        dropped.join(", ")
    ));
    let note = at(note, all);
    if all.is_some_and(|all| all.len() == dropped.len()) {
        edited(canary.remove(&path).map(|_| ()))?;
    } else {
        for key in &dropped {
            edited(canary.remove(&path.key(key.clone())).map(|_| ()))?;
        }
    }
    Ok(Some(note))
}
