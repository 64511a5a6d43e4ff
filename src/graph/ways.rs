//! The steps that requests take, from what `trace` finds for them, and what marks them.

use std::collections::BTreeSet;

use crate::spec::{Match, ValueMatch};
use crate::trace::{Cell, Cluster, Kind, Matrix, Part, Request, Trace, Way, trace};

/// A call on the way of a request, by positions in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    /// The lane whose requests take it; `None`: all others.
    pub(super) lane: Option<usize>,
    /// The workload that calls; `None`: it is the gateway.
    pub(super) caller: Option<usize>,
    pub(super) gateway: usize,
    /// What marks the requests, at a gateway; empty elsewhere.
    pub(super) label: String,
    pub(super) to: usize,
}

/// All that the requests of a matrix pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    pub(super) steps: BTreeSet<Step>,
    /// The gateways and their routes that answer, both by position.
    pub(super) routes: BTreeSet<(usize, usize)>,
}

/// The ways of requests that match an entry, or have nothing that an entry asks for.
pub(super) fn ways(cluster: &Cluster, matrix: &Matrix) -> Ways {
    let mut ways = Ways::default();
    for cell in &matrix.cells {
        if !matches!(cell.kind, Kind::Matching | Kind::Bare) {
            continue;
        }
        let Ok(request) = &cell.request else { continue };
        for Trace { gateway, ways: found, .. } in trace(cluster, request) {
            for way in &found {
                ways.add(cluster, cell, request, gateway, way);
            }
        }
    }
    ways
}

impl Ways {
    fn add(
        &mut self,
        cluster: &Cluster,
        cell: &Cell,
        request: &Request,
        gateway: usize,
        way: &Way,
    ) {
        let lane = lane_of(cluster, cell, request, way);
        // A share that another lane takes of these is drawn by what that lane asks for.
        if !request.conditions().is_empty() && lane.is_some_and(|lane| lane != cell.lane) {
            return;
        }
        let label = match lane {
            None => "other requests".to_owned(),
            Some(_) => marked(entry_of(cluster, cell), request, way.share.part),
        };
        self.routes.extend(way.share.route.map(|route| (gateway, route)));
        for hop in &way.hops {
            let label = if hop.caller.is_none() { label.clone() } else { String::new() };
            self.steps.extend(hop.answered_by.iter().map(|to| Step {
                lane,
                caller: hop.caller,
                gateway,
                label: label.clone(),
                to: *to,
            }));
        }
    }
}

/// The lane whose requests these are: the one that they enter. Of requests that nothing marks a
/// lane has only the share that it takes by weight; marked ones are its own wherever they end.
fn lane_of(cluster: &Cluster, cell: &Cell, request: &Request, way: &Way) -> Option<usize> {
    let answering = way.hops.first().map_or(&[][..], |hop| &hop.answered_by);
    let mut lanes = answering.iter().map(|at| cluster.workloads.get(*at)?.lane);
    let first = lanes.next()?;
    let entered = first.filter(|_| lanes.all(|lane| lane == first));
    match cell.kind {
        Kind::Matching if !request.conditions().is_empty() => match way.share.part {
            Part::ALL => Some(cell.lane),
            _ => entered,
        },
        _ => entered,
    }
}

fn entry_of<'a>(cluster: &'a Cluster, cell: &Cell) -> Option<&'a Match> {
    let entries = &cluster.lanes.get(cell.lane)?.entries;
    entries.iter().find(|entry| entry.service == cell.service).map(|entry| &entry.route)
}

/// What marks requests: the conditions, with the expression where any value of it will do, and the
/// part of such requests where it is not all of them.
fn marked(entry: Option<&Match>, request: &Request, part: Part) -> String {
    let conditions = request.conditions();
    let shown = conditions.iter().map(|(kind, name, value)| {
        let listed = match *kind {
            "header" => entry.map(|entry| &entry.headers),
            "query" => entry.map(|entry| &entry.query),
            _ => None,
        };
        let same = |other: &str| match *kind {
            "header" => other.eq_ignore_ascii_case(name),
            _ => other == *name,
        };
        let asked = listed.and_then(|list| list.iter().find(|asked| same(&asked.name)));
        match (*kind, asked.map(|asked| &asked.value)) {
            ("header", Some(ValueMatch::Regex(regex))) => format!("{name} ~ {regex}"),
            ("header", _) => format!("{name}: {value}"),
            ("query", Some(ValueMatch::Regex(regex))) => format!("?{name} ~ {regex}"),
            ("query", _) => format!("?{name}={value}"),
            _ => format!("{kind} {name}={value}"),
        }
    });
    let all = shown.collect::<Vec<_>>().join(", ");
    match (all.is_empty(), part) {
        (true, Part::ALL) => "all requests".to_owned(),
        (true, part) => format!("{part} of requests"),
        (false, Part::ALL) => all,
        (false, part) => format!("{part} of {all}"),
    }
}
