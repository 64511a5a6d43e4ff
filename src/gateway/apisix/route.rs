//! From a baseline's ApisixRoute to the lane's: the entries that lead into the lane, once more and
//! with a higher priority.

use std::collections::HashMap;

use super::super::shape::Shape;
use super::super::shares::{Backend, split, weight_alone};
use super::super::{Canary, CanaryRoute, at, edited, keep_annotations};
use super::{expressions, hidden_rewrite, rewrite, untagged_share};
use crate::diagnostic::Diagnostic;
use crate::spec::GatewayClass;
use crate::yaml::{Document, NodeRef, Path, Value};

/// The weight of a backend that says none.
///
/// Source: apache/apisix-ingress-controller, api/v2/shared_types.go (DefaultWeight).
const DEFAULT_WEIGHT: u64 = 100;

/// What is read of an ApisixRoute (api/v2/apisixroute_types.go).
const SHAPE: Shape = Shape {
    lists: &[
        &["spec", "http"],
        &["spec", "http", "*", "match", "exprs"],
        &["spec", "http", "*", "plugins"],
        &["spec", "http", "*", "backends"],
        &["spec", "http", "*", "upstreams"],
    ],
    numbers: &[
        &["spec", "http", "*", "priority"],
        &["spec", "http", "*", "backends", "*", "weight"],
    ],
};

/// The ApisixRoute that takes a lane's requests from another one.
pub(super) fn canary(route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>> {
    let root = route.baseline.root();
    let api_version = root.get("apiVersion");
    if api_version.and_then(NodeRef::as_str) != Some("apisix.apache.org/v2") {
        let found = api_version.and_then(NodeRef::text).unwrap_or("nothing");
        return Err(vec![
            at(
                Diagnostic::error(format!("the entry's ApisixRoute has apiVersion {found}")),
                api_version,
            )
            .remedy("write it as apisix.apache.org/v2: the controller serves no other since its version 2"),
        ]);
    }
    let misfits = SHAPE.misfits(root);
    if !misfits.is_empty() {
        return Err(misfits);
    }
    let entries: Vec<NodeRef<'_>> =
        root.at(&["spec", "http"]).into_iter().flat_map(NodeRef::items).collect();
    let leads = |entry: NodeRef<'_>| backends(entry).any(|name| route.services.contains_key(name));
    if !entries.iter().any(|entry| leads(*entry)) {
        return Err(vec![
            at(
                Diagnostic::error("no entry under `http` of this ApisixRoute leads to a Service that has a gray copy"),
                root.at(&["spec"]),
            )
            .remedy("name the right route in `entry.route`, or copy the Service it leads to"),
        ]);
    }
    let mut canary = Canary { document: route.baseline.clone(), notes: Vec::new() };
    let mut errors = Vec::new();
    let others: Vec<NodeRef<'_>> = entries.iter().copied().filter(|entry| !leads(*entry)).collect();
    let others = by_priority_and_path(&others);
    let http = Path::keys(["spec", "http"]);
    // From the last to the first, so that what is removed does not move what is still to be seen.
    for (number, entry) in entries.iter().enumerate().rev() {
        let path = http.index(number);
        let result = match leads(*entry) {
            true => raise(route, *entry, &path, &others, &mut canary),
            false => edited(canary.document.remove(&path).map(|_| ())),
        };
        errors.extend(result.err());
    }
    errors
        .extend(edited(canary.document.remove(&Path::keys(["spec", "stream"])).map(|_| ())).err());
    match keep_annotations(GatewayClass::Apisix, &mut canary.document) {
        Ok(note) => canary.notes.extend(note),
        Err(error) => errors.push(error),
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if weight_alone(route.route).is_some() {
        canary.notes.push(untagged_share(route));
    }
    Ok(canary)
}

/// The Services that an entry under `http` leads to.
pub(in super::super) fn backends(entry: NodeRef<'_>) -> impl Iterator<Item = &str> {
    let list = entry.get("backends").into_iter().flat_map(NodeRef::items);
    list.filter_map(|backend| backend.get("serviceName")?.as_str())
}

pub(super) fn priority(entry: NodeRef<'_>) -> i128 {
    entry.get("priority").and_then(NodeRef::as_int).unwrap_or(0)
}

pub(super) fn paths(entry: NodeRef<'_>) -> impl Iterator<Item = &str> {
    let list = entry.at(&["match", "paths"]).into_iter().flat_map(NodeRef::items);
    list.filter_map(NodeRef::as_str)
}

/// Entries that stay with the baseline, by priority and path.
type Others<'a> = HashMap<(i128, &'a str), NodeRef<'a>>;

fn by_priority_and_path<'a>(entries: &[NodeRef<'a>]) -> Others<'a> {
    let of = |entry: &NodeRef<'a>| {
        let entry = *entry;
        paths(entry).map(move |path| ((priority(entry), path), entry)).collect::<Vec<_>>()
    };
    entries.iter().flat_map(of).collect()
}

/// Makes an entry the lane's: a higher priority, the lane's expressions, tag and backends.
fn raise(
    route: &CanaryRoute<'_>,
    entry: NodeRef<'_>,
    path: &Path,
    others: &Others<'_>,
    canary: &mut Canary,
) -> Result<(), Diagnostic> {
    if paths(entry).next().is_none() {
        return Err(at(Diagnostic::error("this entry has no `match.paths`"), Some(entry))
            .remedy("write the paths it serves: `match: {paths: [\"/*\"]}`"));
    }
    if rewrite::is_on(entry, "traffic-split") {
        return Err(at(
            Diagnostic::error("this entry has the plugin `traffic-split`, which sends requests to upstreams of its own whatever the backends say"),
            Some(entry),
        )
        .remedy("share the requests by the weights of `backends` instead"));
    }
    let above = priority(entry).saturating_add(1);
    if let Some(other) = paths(entry).find_map(|path| others.get(&(above, path))) {
        let error = Diagnostic::error(format!(
            "the lane's route would have priority {above}, which another entry for the same path has: which goes first is not defined"
        ));
        let error = match other.place() {
            Some(place) => error.related(place, "the other entry"),
            None => error,
        };
        return Err(at(error, Some(entry)).remedy("leave a number free between priorities"));
    }
    let document = &mut canary.document;
    let after_name = entry.entries().position(|(key, _)| key == "name").map_or(0, |at| at + 1);
    edited(document.insert_entry(path, after_name, "priority", Value::Plain(above.to_string())))?;
    let exprs = path.key("match").key("exprs");
    let ours = expressions(route.route);
    match document.find(&exprs).filter(|list| list.is_sequence()).map(NodeRef::len) {
        Some(count) => {
            for (offset, expression) in ours.into_iter().enumerate() {
                edited(document.insert(&exprs, count + offset, expression))?;
            }
        }
        None if !ours.is_empty() => edited(document.set(&exprs, Value::Sequence(ours)))?,
        None => {}
    }
    if let Some(percent) = weight_alone(route.route) {
        return share(route, entry, path, percent, document);
    }
    if let Some(name) = entry.get("plugin_config_name").and_then(NodeRef::as_str)
        && !rewrite::is_on(entry, "proxy-rewrite")
    {
        canary.notes.push(hidden_rewrite(route, name));
    }
    rewrite::set_header(document, path, route.tag_header, route.tag)?;
    if let Some(note) = only_gray(route, entry, path, document)? {
        canary.notes.push(note);
    }
    Ok(())
}

fn weight(backend: NodeRef<'_>) -> Option<u64> {
    match backend.get("weight").filter(|weight| !weight.is_null()) {
        None => Some(DEFAULT_WEIGHT),
        Some(weight) => weight.as_int().and_then(|weight| u64::try_from(weight).ok()),
    }
}

/// The gray Service in the place of the one that a backend leads to.
fn gray_name<'a>(route: &CanaryRoute<'a>, backend: NodeRef<'_>) -> Option<&'a str> {
    let name = backend.get("serviceName").and_then(NodeRef::as_str)?;
    route.services.get(name).copied()
}

/// Leaves an entry with its gray backends alone: a marked request must reach the lane.
fn only_gray(
    route: &CanaryRoute<'_>,
    entry: NodeRef<'_>,
    path: &Path,
    document: &mut Document,
) -> Result<Option<Diagnostic>, Diagnostic> {
    let list = path.key("backends");
    let all: Vec<NodeRef<'_>> =
        entry.get("backends").into_iter().flat_map(NodeRef::items).collect();
    if all.iter().all(|backend| gray_name(route, *backend).is_none() || weight(*backend) == Some(0))
    {
        return Err(at(
            Diagnostic::error("the backends of this entry that have a gray copy have weight 0, so that no request would reach the lane"),
            Some(entry),
        )
        .remedy("give the backend a weight"));
    }
    let mut dropped = Vec::new();
    for (number, backend) in all.iter().enumerate().rev() {
        match gray_name(route, *backend) {
            Some(gray) => edited(document.set_str(&list.index(number).key("serviceName"), gray))?,
            None => {
                let name = backend.get("serviceName").and_then(NodeRef::text).unwrap_or("?");
                dropped.push(format!("`{name}`"));
                edited(document.remove(&list.index(number)).map(|_| ()))?;
            }
        }
    }
    let upstreams = entry.get("upstreams").into_iter().flat_map(NodeRef::items);
    dropped.extend(upstreams.map(|upstream| {
        format!("`{}`", upstream.get("name").and_then(NodeRef::text).unwrap_or("?"))
    }));
    edited(document.remove(&path.key("upstreams")).map(|_| ()))?;
    if dropped.is_empty() {
        return Ok(None);
    }
    dropped.sort();
    let note = Diagnostic::note(format!(
        "the lane's requests go to gray Services alone: {} of this entry get none of them",
        dropped.join(", ")
    ));
    Ok(Some(at(note, Some(entry))))
}

/// Gives the gray backends a share beside the baseline's.
fn share(
    route: &CanaryRoute<'_>,
    entry: NodeRef<'_>,
    path: &Path,
    percent: u8,
    document: &mut Document,
) -> Result<(), Diagnostic> {
    if let Some(upstreams) = entry.get("upstreams").filter(|upstreams| !upstreams.is_empty()) {
        return Err(at(
            Diagnostic::error(
                "`weight` cannot be shared out where an entry has `upstreams` beside its backends",
            ),
            Some(upstreams),
        )
        .remedy(
            "match by a header, cookie or query parameter, or lead the entry to Services alone",
        ));
    }
    let list: Vec<NodeRef<'_>> =
        entry.get("backends").into_iter().flat_map(NodeRef::items).collect();
    let weighed = |backend: &NodeRef<'_>| {
        Some(Backend { weight: weight(*backend)?, gray: gray_name(route, *backend).is_some() })
    };
    let shares = list.iter().map(weighed).collect::<Option<Vec<_>>>();
    let Some(shares) = shares.and_then(|backends| split(&backends, percent)) else {
        return Err(at(
            Diagnostic::error("the weights of these backends leave no share for the lane"),
            entry.get("backends"),
        )
        .remedy("give the backend that has a gray copy a weight above 0"));
    };
    let backends = path.key("backends");
    let number = |weight: u64| Value::Plain(weight.to_string());
    for (index, (backend, share)) in list.iter().zip(&shares).enumerate().rev() {
        edited(document.set(&backends.index(index).key("weight"), number(share.base)))?;
        let (Some(name), Some(weight)) = (gray_name(route, *backend), share.gray) else { continue };
        edited(document.insert(&backends, index + 1, Value::from(*backend)))?;
        let own = backends.index(index + 1);
        edited(document.set_str(&own.key("serviceName"), name))?;
        edited(document.set(&own.key("weight"), number(weight)))?;
    }
    Ok(())
}
