//! The steps that requests take, from what `trace` finds for them, and what marks them.

use std::collections::{BTreeSet, HashMap};

use crate::spec::{Match, ValueMatch};
use crate::trace::{Arrival, Cell, Cluster, Kind, Matrix, Part, Request, Steps, arrivals};

/// An arrival of requests behind a gateway, by positions in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entered {
    /// The lane whose requests these are; `None`: all others.
    pub(super) lane: Option<usize>,
    pub(super) gateway: usize,
    /// What marks the requests.
    pub(super) label: String,
    /// The workload that answers.
    pub(super) to: usize,
}

/// A call behind it, likewise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    pub(super) lane: Option<usize>,
    pub(super) caller: usize,
    pub(super) to: usize,
}

/// All that the requests of a matrix pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    pub(super) entered: BTreeSet<Entered>,
    pub(super) steps: BTreeSet<Step>,
    /// The gateways and their routes that answer, both by position.
    pub(super) routes: BTreeSet<(usize, usize)>,
}

/// The ways of requests that match an entry, or have nothing that an entry asks for.
pub(super) fn ways(cluster: &Cluster, matrix: &Matrix) -> Ways {
    let mut ways = Ways::default();
    // Nothing is looked into twice for the same lane.
    let mut behind: HashMap<Option<usize>, Steps<'_>> = HashMap::new();
    for cell in &matrix.cells {
        if !matches!(cell.kind, Kind::Matching | Kind::Bare) {
            continue;
        }
        let Ok(request) = &cell.request else { continue };
        for arrival in arrivals(cluster, request) {
            let lane = lane_of(cluster, cell, request, &arrival);
            // A share that another lane takes of these is drawn by what that lane asks for.
            if !request.conditions().is_empty() && lane.is_some_and(|lane| lane != cell.lane) {
                continue;
            }
            let of_lane = behind.entry(lane).or_insert_with(|| Steps::new(cluster));
            let steps = of_lane.behind(&arrival).into_iter();
            ways.steps.extend(steps.map(|(caller, to)| Step { lane, caller, to }));
            ways.enter(cluster, cell, request, lane, &arrival);
        }
    }
    ways
}

impl Ways {
    fn enter(
        &mut self,
        cluster: &Cluster,
        cell: &Cell,
        request: &Request,
        lane: Option<usize>,
        arrival: &Arrival,
    ) {
        let Arrival { gateway, share, answered_by, .. } = arrival;
        let label = match lane {
            None => "other requests".to_owned(),
            Some(_) => marked(entry_of(cluster, cell), request, share.part),
        };
        self.routes.extend(share.route.map(|route| (*gateway, route)));
        self.entered.extend(answered_by.iter().map(|to| Entered {
            lane,
            gateway: *gateway,
            label: label.clone(),
            to: *to,
        }));
    }
}

/// The lane whose requests these are: the one that they enter. Of requests that nothing marks a
/// lane has only the share that it takes by weight; marked ones are its own wherever they end.
fn lane_of(cluster: &Cluster, cell: &Cell, request: &Request, arrival: &Arrival) -> Option<usize> {
    let mut lanes = arrival.answered_by.iter().map(|at| cluster.workloads.get(*at)?.lane);
    let first = lanes.next()?;
    let entered = first.filter(|_| lanes.all(|lane| lane == first));
    match cell.kind {
        Kind::Matching if !request.conditions().is_empty() => match arrival.share.part {
            Part::ALL => Some(cell.lane),
            _ => entered,
        },
        _ => entered,
    }
}

fn entry_of<'a>(cluster: &'a Cluster, cell: &Cell) -> Option<&'a Match> {
    let entries = &cluster.lanes.get(cell.lane)?.entries;
    entries.get(cell.entry).map(|entry| &entry.route)
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
