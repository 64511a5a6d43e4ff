//! For every lane, what a few derived requests reach.

use std::collections::BTreeSet;

use super::answer::{Answer, Outcome, Part};
use super::asked;
use super::cluster::{Cluster, TracedEntry};
use super::derive::{bare, matching, not_matching, with_word};
use super::entrances::Entrances;
use super::reach::{Lanes, Reach};
use super::request::Request;
use super::steps::arrives;

/// What a derived request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It fits the match of the lane's entry.
    Matching,
    /// It has what the match asks for, with other values.
    NotMatching,
    /// The same with the value `always`, which some gateways take for gray.
    Always,
    /// The same with the value `never`.
    Never,
    /// It has nothing that the match asks for.
    Bare,
}

impl Kind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Matching => "matching",
            Self::NotMatching => "not matching",
            Self::Always => "always",
            Self::Never => "never",
            Self::Bare => "baseline",
        }
    }
}

/// What a share of requests reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// How many of all.
    pub part: Part,
    /// The lanes whose pods answer for the gateway, by position; `None` is the baseline.
    pub entry: Lanes,
    /// The lanes whose pods answer anywhere on the way.
    pub anywhere: Lanes,
    /// Why it is not known, where it is not.
    pub undecided: Option<String>,
}

/// One request of a lane.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The position of the lane.
    pub lane: usize,
    /// The position of the entry among those of its lane.
    pub entry: usize,
    /// The entry's service.
    pub service: String,
    /// Which request it is.
    pub kind: Kind,
    /// The request; or why none could be derived.
    pub request: Result<Request, String>,
    /// What it reaches.
    pub reached: Vec<Reached>,
    /// What is wrong with that.
    pub wrong: Option<String>,
}

/// What the derived requests of all lanes reach.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// By lane, entry and kind.
    pub cells: Vec<Cell>,
    /// The lanes that no request enters by a route, by position.
    pub without_entry: Vec<usize>,
}

impl Matrix {
    /// Whether a request reaches what it must not, or does not what it must.
    pub fn has_failed(&self) -> bool {
        self.cells.iter().any(|cell| cell.wrong.is_some())
    }
}

/// What derived requests are to have in the place of what the entries' routes ask for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The host.
    pub host: Option<&'a str>,
    /// The path.
    pub path: Option<&'a str>,
    /// The method.
    pub method: Option<&'a str>,
}

/// Derives the requests of all lanes and follows them; `said` has values for expressions.
pub fn matrix(cluster: &Cluster, wanted: Wanted<'_>, said: &Request) -> Matrix {
    let mut matrix = Matrix::default();
    let (entrances, mut reach) = (Entrances::of(cluster), Reach::new(cluster));
    for (lane, traced) in cluster.lanes.iter().enumerate() {
        let mut of_lane = Vec::new();
        for number in 0..traced.entries.len() {
            let entry = (lane, number);
            of_lane.extend(cells(cluster, &entrances, entry, wanted, said, &mut reach));
        }
        if of_lane.is_empty() {
            matrix.without_entry.push(lane);
        }
        matrix.cells.extend(of_lane);
    }
    matrix
}

fn cells(
    cluster: &Cluster,
    entrances: &Entrances<'_>,
    (lane, at): (usize, usize),
    wanted: Wanted<'_>,
    said: &Request,
    reach: &mut Reach<'_>,
) -> Vec<Cell> {
    let entry = cluster.lanes.get(lane).and_then(|lane| lane.entries.get(at));
    let Some(entry) = entry else { return Vec::new() };
    let Some(number) = entrances.route(lane, entry) else { return Vec::new() };
    let Some(route) = cluster.routes.get(number) else { return Vec::new() };
    let bare = bare(route, &entry.route, wanted);
    let gateways = entrances.gateways(number);
    let requests = [
        (Kind::Matching, Some(matching(&entry.route, &bare, said))),
        (Kind::NotMatching, not_matching(&entry.route, &bare).map(Ok)),
        (Kind::Always, with_word(&entry.route, &bare, "always").map(Ok)),
        (Kind::Never, with_word(&entry.route, &bare, "never").map(Ok)),
        (Kind::Bare, Some(Ok(bare.clone()))),
    ];
    let mut cells = Vec::new();
    for (kind, request) in requests {
        let Some(request) = request else { continue };
        let reached: Vec<Reached> = match &request {
            Ok(request) => gateways
                .iter()
                .filter_map(|gateway| asked(cluster, *gateway, request))
                .flat_map(|answer| reached(cluster, reach, answer, request))
                .collect(),
            Err(_) => Vec::new(),
        };
        // Where no request could be derived there is nothing to be wrong.
        let wrong = match &request {
            Ok(_) => wrong(cluster, lane, entry, kind, &reached),
            Err(_) => None,
        };
        let service = entry.service.clone();
        cells.push(Cell { lane, entry: at, service, kind, request, reached, wrong });
    }
    cells
}

/// What the shares of a request reach.
fn reached(
    cluster: &Cluster,
    reach: &mut Reach<'_>,
    answer: Answer,
    request: &Request,
) -> Vec<Reached> {
    let mut all = Vec::new();
    for share in answer.shares {
        let undecided = (share.outcome == Outcome::Undecided).then_some(share.why);
        let (arrived, in_lanes) = arrives(cluster, request, &share.outcome);
        let lane = |at: &usize| cluster.workloads.get(*at).map(|workload| workload.lane);
        let entry = arrived.iter().filter_map(lane).collect();
        let anywhere = reach.of(&arrived, &in_lanes);
        all.push(Reached { part: share.part, entry, anywhere, undecided });
    }
    all
}

/// What is wrong with what a request reaches.
fn wrong(
    cluster: &Cluster,
    lane: usize,
    entry: &TracedEntry,
    kind: Kind,
    reached: &[Reached],
) -> Option<String> {
    let name = |lane: usize| &cluster.lanes[lane].name;
    let by_weight = |lane: usize| {
        cluster.lanes[lane]
            .entries
            .iter()
            .any(|entry| entry.route.weight.is_some_and(|weight| weight > 0))
    };
    // A lane that takes a share of all requests may have its share of any request.
    let strange = |reached: &Reached, own: Option<usize>| {
        let lanes = reached.anywhere.iter().copied().flatten();
        lanes
            .into_iter()
            .find(|lane| Some(*lane) != own && !(by_weight(*lane) && reached.part != Part::ALL))
    };
    match kind {
        Kind::Bare | Kind::NotMatching => {
            let found = reached.iter().find_map(|each| strange(each, None))?;
            Some(format!("it reaches pods of lane {}", name(found)))
        }
        Kind::Matching => {
            if let Some(found) = reached.iter().find_map(|each| strange(each, Some(lane))) {
                return Some(format!("it reaches pods of lane {}", name(found)));
            }
            let own = BTreeSet::from([Some(lane)]);
            let is_own = |each: &&Reached| each.entry == own || each.undecided.is_some();
            // A share of all requests is all that a lane by weight alone can get.
            let is_reached = match (has_match(entry), entry.route.weight) {
                (true, _) | (false, None) => {
                    !reached.is_empty() && reached.iter().all(|it| is_own(&it))
                }
                (false, Some(0)) => true,
                (false, Some(_)) => reached.iter().any(|it| is_own(&it)),
            };
            (!is_reached).then(|| format!("it does not reach the pods of lane {}", name(lane)))
        }
        Kind::Always | Kind::Never => None,
    }
}

fn has_match(entry: &TracedEntry) -> bool {
    let route = &entry.route;
    !route.headers.is_empty() || !route.query.is_empty() || route.cookie.is_some()
}
