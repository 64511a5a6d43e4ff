//! Traces as text and as JSON.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::answer::{Dropped, Outcome};
use super::cluster::Cluster;
use super::hops::Hop;
use super::matrix::{Cell, Matrix, Reached};
use super::request::{HeaderEdit, Request};
use super::{Trace, Way};
use crate::calls::Because;
use crate::diagnostic::one_line;
use crate::kube::object::ObjectRef;

impl Cluster {
    /// Whose something is: `baseline`, or a lane by its name.
    fn whose(&self, lane: Option<usize>) -> String {
        match lane.and_then(|lane| self.lanes.get(lane)) {
            Some(lane) => format!("lane {}", lane.name),
            None => "baseline".to_owned(),
        }
    }

    fn instance(&self, at: usize) -> String {
        let Some(workload) = self.workloads.get(at) else { return String::new() };
        let of = if workload.is_driven { "the canary of " } else { "" };
        format!("{of}{} ({})", workload.id, self.whose(workload.lane))
    }

    fn gateway_name(&self, at: usize) -> String {
        let Some(gateway) = self.gateways.get(at) else { return String::new() };
        let class = gateway.class.map(|class| class.to_string()).unwrap_or_default();
        match (gateway.name.as_str(), class.as_str()) {
            ("", "") => "without a class".to_owned(),
            ("", class) => class.to_owned(),
            (name, class) if name == class || class.is_empty() => name.to_owned(),
            (name, class) => format!("{name} ({class})"),
        }
    }
}

fn shown(edit: &HeaderEdit) -> String {
    match edit {
        HeaderEdit::Set(name, value) => format!("sets {name}: {value}"),
        HeaderEdit::Add(name, value) => format!("adds {name}: {value}"),
        HeaderEdit::Remove(name) => format!("removes {name}"),
    }
}

/// Calls that are deeper are not indented further.
const DEEPEST: usize = 30;

struct Text(String);

impl Text {
    fn line(&mut self, indent: usize, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{:indent$}{}", "", one_line(text));
    }
}

/// The traces of a request, for people.
pub fn trace_text(
    cluster: &Cluster,
    request: &Request,
    traces: &[Trace],
    dropped: &[(usize, Dropped)],
) -> String {
    let mut text = Text(String::new());
    text.line(0, &request.to_string());
    for trace in traces {
        text.line(0, &format!("gateway {}", cluster.gateway_name(trace.gateway)));
        for way in &trace.ways {
            way_text(&mut text, cluster, way);
        }
        for note in &trace.notes {
            text.line(2, &format!("note: {note}"));
        }
        for (_, each) in dropped.iter().filter(|(gateway, _)| *gateway == trace.gateway) {
            let Some(route) = cluster.routes.get(each.route) else { continue };
            let whose = cluster.whose(route.lane);
            text.line(
                2,
                &format!("dropped: {} ({whose}) for {}: {}", route.id, each.what, each.why),
            );
        }
    }
    text.0
}

fn way_text(text: &mut Text, cluster: &Cluster, way: &Way) {
    let share = &way.share;
    let by = share.route.and_then(|at| cluster.routes.get(at)).map(|route| {
        // A route that is made for a lane has no place in a file yet.
        let place = share.place.as_ref().filter(|_| route.lane.is_none());
        let place = place.map(|place| format!(", {place}")).unwrap_or_default();
        format!("{} ({}{place}): ", route.id, cluster.whose(route.lane))
    });
    let by = by.unwrap_or_default();
    let what = match &share.outcome {
        Outcome::Backend(_) => String::new(),
        Outcome::Gateway => "the gateway answers itself: ".to_owned(),
        Outcome::Undecided => "cannot be decided: ".to_owned(),
    };
    let part = share.part.to_string();
    text.line(2, &format!("{part:>6}  {by}{what}{}", share.why));
    if let Outcome::Backend(backend) = &share.outcome {
        for edit in &backend.edits {
            text.line(10, &shown(edit));
        }
    }
    for hop in &way.hops {
        let indent = 10 + 2 * hop.depth.min(DEEPEST);
        let by = match hop.answered_by.as_slice() {
            [] => "nothing".to_owned(),
            list => list.iter().map(|at| cluster.instance(*at)).collect::<Vec<_>>().join(", "),
        };
        text.line(indent, &format!("-> {}: {by}", hop.called));
        let repeated = if hop.is_repeated { "; what it calls is shown above" } else { "" };
        let because = because(hop).map(|because| format!(" [{because}]")).unwrap_or_default();
        text.line(indent + 3, &format!("{}{repeated}{because}", hop.why));
    }
}

fn because(hop: &Hop) -> Option<String> {
    match hop.because.as_ref()? {
        Because::Spec(place) => Some(format!("called by {place}")),
        Because::Variable { name, .. } => Some(format!("named in `{name}`")),
    }
}

fn object(id: &ObjectRef) -> Json {
    json!({"kind": id.kind, "namespace": id.namespace, "name": id.name})
}

fn owned(cluster: &Cluster, id: &ObjectRef, lane: Option<usize>) -> Json {
    let lane = lane.and_then(|lane| cluster.lanes.get(lane)).map(|lane| lane.name.as_str());
    json!({"kind": id.kind, "namespace": id.namespace, "name": id.name, "lane": lane})
}

fn request_json(request: &Request) -> Json {
    let conditions = request.conditions().into_iter();
    let conditions: Vec<Json> = conditions
        .map(|(what, name, value)| json!({"in": what, "name": name, "value": value}))
        .collect();
    json!({
        "method": request.method,
        "host": request.host,
        "path": request.path,
        "conditions": conditions,
    })
}

fn way_json(cluster: &Cluster, way: &Way) -> Json {
    let share = &way.share;
    let (outcome, service, subset, edits) = match &share.outcome {
        Outcome::Backend(backend) => (
            "service",
            Some(object(&backend.service)),
            backend.subset.clone(),
            backend.edits.iter().map(shown).collect(),
        ),
        Outcome::Gateway => ("gateway", None, None, Vec::new()),
        Outcome::Undecided => ("undecided", None, None, Vec::new()),
    };
    let route = share.route.and_then(|at| cluster.routes.get(at));
    let hops: Vec<Json> = way
        .hops
        .iter()
        .map(|hop| {
            let by = hop.answered_by.iter().filter_map(|at| cluster.workloads.get(*at));
            let by: Vec<Json> =
                by.map(|workload| owned(cluster, &workload.id, workload.lane)).collect();
            json!({
                "depth": hop.depth,
                "called": hop.called,
                "because": because(hop),
                "answeredBy": by,
                "why": hop.why,
                "fallsBack": hop.falls_back,
                "repeated": hop.is_repeated,
            })
        })
        .collect();
    json!({
        "percent": share.part.percent(),
        "outcome": outcome,
        "why": share.why,
        "route": route.map(|route| owned(cluster, &route.id, route.lane)),
        "service": service,
        "subset": subset,
        "headers": edits,
        "hops": hops,
    })
}

/// The traces of a request as one JSON object.
pub fn trace_json(
    cluster: &Cluster,
    request: &Request,
    traces: &[Trace],
    dropped: &[(usize, Dropped)],
) -> String {
    let traces = traces.iter().map(|trace| {
        let dropped = dropped.iter().filter(|(gateway, _)| *gateway == trace.gateway);
        let dropped: Vec<Json> = dropped
            .filter_map(|(_, each)| {
                let route = cluster.routes.get(each.route)?;
                let route = owned(cluster, &route.id, route.lane);
                Some(json!({"route": route, "what": each.what, "why": each.why}))
            })
            .collect();
        let gateway = cluster.gateways.get(trace.gateway);
        json!({
            "gateway": gateway.map(|gateway| gateway.name.as_str()),
            "class": gateway.and_then(|gateway| gateway.class).map(|class| class.as_str()),
            "ways": trace.ways.iter().map(|way| way_json(cluster, way)).collect::<Vec<_>>(),
            "notes": trace.notes,
            "dropped": dropped,
        })
    });
    let traces: Vec<Json> = traces.collect();
    pretty(&json!({"request": request_json(request), "gateways": traces}))
}

fn pretty(json: &Json) -> String {
    format!("{json:#}\n")
}

/// The lanes of something: `baseline`, `lane gray`.
fn lanes(cluster: &Cluster, found: &std::collections::BTreeSet<Option<usize>>) -> String {
    let names: Vec<String> = found.iter().map(|lane| cluster.whose(*lane)).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(" and ") }
}

fn reached_text(cluster: &Cluster, reached: &Reached) -> String {
    let part = reached.part;
    if let Some(why) = &reached.undecided {
        return format!("{part} cannot be decided: {why}");
    }
    let mut text = format!("{part} {}", lanes(cluster, &reached.entry));
    let further: std::collections::BTreeSet<_> =
        reached.anywhere.difference(&reached.entry).copied().collect();
    if !further.is_empty() {
        text.push_str(&format!(", then {}", lanes(cluster, &further)));
    }
    text
}

/// What the derived requests of all lanes reach, for people.
pub fn matrix_text(cluster: &Cluster, matrix: &Matrix) -> String {
    let mut text = Text(String::new());
    let mut last = None;
    for cell in &matrix.cells {
        let head = (cell.lane, cell.service.as_str());
        if last != Some(head) {
            let lane = cluster.lanes.get(cell.lane).map_or("", |lane| &lane.name);
            text.line(0, &format!("lane {lane}, entry {}", cell.service));
            last = Some(head);
        }
        text.line(2, &cell_text(cluster, cell));
        if let Ok(request) = &cell.request {
            text.line(16, &request.to_string());
        }
    }
    for lane in &matrix.without_entry {
        let lane = cluster.lanes.get(*lane).map_or("", |lane| &lane.name);
        text.line(0, &format!("lane {lane}: no route that is known leads into it"));
    }
    text.0
}

fn cell_text(cluster: &Cluster, cell: &Cell) -> String {
    let kind = cell.kind.as_str();
    let what = match &cell.request {
        Err(why) => why.clone(),
        Ok(_) => {
            let reached: Vec<String> =
                cell.reached.iter().map(|each| reached_text(cluster, each)).collect();
            reached.join("; ")
        }
    };
    let wrong = cell.wrong.as_ref().map(|wrong| format!(" -- WRONG: {wrong}"));
    format!("{kind:<12}  {what}{}", wrong.unwrap_or_default())
}

/// The same as one JSON object.
pub fn matrix_json(cluster: &Cluster, matrix: &Matrix) -> String {
    let name = |lane: &Option<usize>| {
        lane.and_then(|lane| cluster.lanes.get(lane)).map(|lane| lane.name.clone())
    };
    let cells: Vec<Json> = matrix
        .cells
        .iter()
        .map(|cell| {
            let reached: Vec<Json> = cell
                .reached
                .iter()
                .map(|each| {
                    json!({
                        "percent": each.part.percent(),
                        "entry": each.entry.iter().map(name).collect::<Vec<_>>(),
                        "anywhere": each.anywhere.iter().map(name).collect::<Vec<_>>(),
                        "undecided": each.undecided,
                    })
                })
                .collect();
            json!({
                "lane": name(&Some(cell.lane)),
                "service": cell.service,
                "kind": cell.kind.as_str(),
                "request": cell.request.as_ref().ok().map(request_json),
                "underivable": cell.request.as_ref().err(),
                "reached": reached,
                "wrong": cell.wrong,
            })
        })
        .collect();
    let without: Vec<Option<String>> =
        matrix.without_entry.iter().map(|lane| name(&Some(*lane))).collect();
    pretty(&json!({
        "failed": matrix.has_failed(),
        "cells": cells,
        "withoutEntry": without,
    }))
}
