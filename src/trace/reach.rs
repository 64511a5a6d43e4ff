//! The lanes whose pods answer anywhere on the way of requests: of all requests together each visit
//! is looked into once.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::answering::answering;
use super::cluster::Cluster;
use super::visit::{InLanes, Visit};

/// The lanes whose pods answer, by position; `None` is the baseline.
pub(super) type Lanes = BTreeSet<Option<usize>>;

/// What requests reach from each visit, as far as it was asked for.
///
/// Visits that lead to each other reach the same: they are put together, the last to be reached first
/// (R. Tarjan, "Depth-First Search and Linear Graph Algorithms", 1972), so that whatever is behind
/// some of them is known when they are.
pub(super) struct Reach<'a> {
    cluster: &'a Cluster,
    /// The number of each visit that was looked into, in the order of that.
    numbers: HashMap<Visit, usize>,
    /// What is reached from each, by number; `None` as long as it is looked into.
    reached: Vec<Option<Rc<Lanes>>>,
    /// The numbers of those whose circles are not complete.
    incomplete: Vec<usize>,
}

/// A visit whose calls are followed.
struct Open {
    number: usize,
    /// The smallest number of an incomplete visit that it is known to lead to.
    lowest: usize,
    /// Where its calls lead and was not looked at yet.
    waiting: Vec<Visit>,
    /// What it is known to reach.
    lanes: Lanes,
}

impl<'a> Reach<'a> {
    pub(super) fn new(cluster: &'a Cluster) -> Self {
        let (numbers, reached, incomplete) = (HashMap::new(), Vec::new(), Vec::new());
        Self { cluster, numbers, reached, incomplete }
    }

    /// What a request reaches that is in some lanes and arrives at these workloads, they included.
    pub(super) fn of(&mut self, arrived: &[usize], in_lanes: &InLanes) -> Lanes {
        let mut lanes = Lanes::new();
        for workload in arrived {
            let Some(visit) = Visit::of(self.cluster, *workload, in_lanes) else { continue };
            if !self.numbers.contains_key(&visit) {
                self.look_into(visit.clone());
            }
            if let Some(known) = self.known(&visit) {
                lanes.extend(known.iter().copied());
            }
        }
        lanes
    }

    /// What is reached from a visit, where its circle is complete.
    fn known(&self, visit: &Visit) -> Option<&Rc<Lanes>> {
        self.reached.get(*self.numbers.get(visit)?)?.as_ref()
    }

    /// Looks into a visit and all that it leads to, as deep as that goes.
    fn look_into(&mut self, first: Visit) {
        let mut open = vec![self.enter(first)];
        while let Some(visit) = open.last_mut() {
            if let Some(next) = visit.waiting.pop() {
                match self.numbers.get(&next).copied() {
                    None => {
                        let entered = self.enter(next);
                        open.push(entered);
                    }
                    Some(number) => match self.reached.get(number).and_then(Option::as_ref) {
                        Some(known) => visit.lanes.extend(known.iter().copied()),
                        None => visit.lowest = visit.lowest.min(number),
                    },
                }
                continue;
            }
            let Some(done) = open.pop() else { break };
            if let Some(caller) = open.last_mut() {
                caller.lowest = caller.lowest.min(done.lowest);
                caller.lanes.extend(done.lanes.iter().copied());
            }
            if done.lowest == done.number {
                self.complete(done.number, done.lanes);
            }
        }
    }

    /// Gives a visit its number and finds out where it leads.
    fn enter(&mut self, visit: Visit) -> Open {
        let cluster = self.cluster;
        let number = self.reached.len();
        let own = cluster.workloads.get(visit.workload);
        let lanes = own.map(|workload| workload.lane).into_iter().collect();
        let waiting = next(cluster, &visit);
        self.numbers.insert(visit, number);
        self.reached.push(None);
        self.incomplete.push(number);
        Open { number, lowest: number, waiting, lanes }
    }

    /// Completes the circles that were entered by the visit of this number.
    fn complete(&mut self, first: usize, lanes: Lanes) {
        let lanes = Rc::new(lanes);
        while let Some(number) = self.incomplete.pop_if(|number| *number >= first) {
            if let Some(reached) = self.reached.get_mut(number) {
                *reached = Some(Rc::clone(&lanes));
            }
        }
    }
}

/// Where the calls of a visit lead.
fn next(cluster: &Cluster, visit: &Visit) -> Vec<Visit> {
    let Some(workload) = cluster.workloads.get(visit.workload) else { return Vec::new() };
    let of_call = |call| answering(cluster, workload, call, &visit.in_lanes).by;
    let answered = visit.calls(cluster).iter().flat_map(of_call);
    answered.filter_map(|each| Visit::of(cluster, each, &visit.in_lanes)).collect()
}

#[cfg(test)]
mod tests;
