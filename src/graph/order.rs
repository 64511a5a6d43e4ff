//! Layers from left to right by the order of calls, and within a layer near what it is called by
//! (K. Sugiyama et al., "Methods for Visual Understanding of Hierarchical System Structures", 1981).

use std::collections::{BTreeMap, BTreeSet};

use super::{End, Graph};

/// Passes that sort layers by their neighbours; more change hardly anything.
const SWEEPS: usize = 8;

/// What stands in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Gateway(usize),
    Service(usize),
    /// The ways from one item to another that pass the layer.
    Passage(usize),
}

impl Item {
    pub(super) fn of(end: End) -> Self {
        match end {
            End::Gateway(number) => Self::Gateway(number),
            End::Instance(service, _) => Self::Service(service),
        }
    }
}

/// What stands in which layer.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// The items of each layer, from top to bottom.
    pub(super) layers: Vec<Vec<Item>>,
    /// The layer of each item but passages.
    pub(super) layer_of: BTreeMap<Item, usize>,
    /// The passages between two items, by number, from left to right.
    pub(super) passages: BTreeMap<(Item, Item), Vec<usize>>,
    from_gateways: BTreeSet<usize>,
}

impl Order {
    /// Whether the ways through a passage come from a gateway.
    pub(super) fn is_from_gateway(&self, passage: usize) -> bool {
        self.from_gateways.contains(&passage)
    }
}

/// Puts gateways and services into layers.
pub(super) fn order(graph: &Graph) -> Order {
    let pairs: BTreeSet<(Item, Item)> = graph
        .edges
        .iter()
        .map(|edge| (Item::of(edge.from), Item::of(edge.to)))
        .filter(|(from, to)| from != to)
        .collect();
    let layer_of = layers(graph, &pairs);
    let depth = layer_of.values().copied().max().unwrap_or(0) + 1;
    let mut layers: Vec<Vec<Item>> = vec![Vec::new(); depth];
    for (item, layer) in &layer_of {
        layers[*layer].push(*item);
    }
    // Ways that skip layers get a place in each.
    let mut passages: BTreeMap<(Item, Item), Vec<usize>> = BTreeMap::new();
    let mut count = 0;
    // The links between each layer and the next.
    let mut links: Vec<Vec<(Item, Item)>> = vec![Vec::new(); depth];
    for (from, to) in &pairs {
        let (start, end) = (layer_of[from], layer_of[to]);
        if end <= start {
            continue;
        }
        let mut last = *from;
        for layer in start + 1..end {
            let passage = Item::Passage(count);
            passages.entry((*from, *to)).or_default().push(count);
            count += 1;
            layers[layer].push(passage);
            links[layer - 1].push((last, passage));
            last = passage;
        }
        links[end - 1].push((last, *to));
    }
    sort_layers(&mut layers, &links);
    let is_gateway = |pair: &&(Item, Item)| matches!(pair.0, Item::Gateway(_));
    let from_gateways = passages.keys().filter(is_gateway).flat_map(|pair| &passages[pair]);
    let from_gateways = from_gateways.copied().collect();
    Order { layers, layer_of, passages, from_gateways }
}

/// The layer of each item: one more than the furthest that calls it, calls in circles left out.
fn layers(graph: &Graph, pairs: &BTreeSet<(Item, Item)>) -> BTreeMap<Item, usize> {
    let gateways = (0..graph.gateways.len()).map(Item::Gateway);
    let items: Vec<Item> = gateways.chain((0..graph.services.len()).map(Item::Service)).collect();
    let mut called: BTreeMap<Item, Vec<Item>> = BTreeMap::new();
    for (from, to) in pairs {
        called.entry(*from).or_default().push(*to);
    }
    // Depth first, so that a call to who is still open is known to close a circle.
    let mut finished: Vec<Item> = Vec::new();
    let (mut seen, mut open) = (BTreeSet::new(), BTreeSet::new());
    let mut back: BTreeSet<(Item, Item)> = BTreeSet::new();
    for root in &items {
        if !seen.insert(*root) {
            continue;
        }
        open.insert(*root);
        let mut stack = vec![(*root, 0)];
        while let Some((item, next)) = stack.last_mut() {
            let item = *item;
            let Some(callee) = called.get(&item).and_then(|list| list.get(*next)).copied() else {
                open.remove(&item);
                finished.push(item);
                stack.pop();
                continue;
            };
            *next += 1;
            if open.contains(&callee) {
                back.insert((item, callee));
            } else if seen.insert(callee) {
                open.insert(callee);
                stack.push((callee, 0));
            }
        }
    }
    // Services that nothing leads to stand behind the gateways, not among them.
    let first = usize::from(!graph.gateways.is_empty());
    let mut layer_of: BTreeMap<Item, usize> = items
        .iter()
        .map(|item| (*item, if matches!(item, Item::Gateway(_)) { 0 } else { first }))
        .collect();
    for item in finished.iter().rev() {
        let own = layer_of[item];
        for callee in called.get(item).into_iter().flatten() {
            if !back.contains(&(*item, *callee)) {
                let layer = layer_of.entry(*callee).or_default();
                *layer = (*layer).max(own + 1);
            }
        }
    }
    layer_of
}

/// Sorts each layer by the mean place of its neighbours in the layer before, then behind, in turn.
fn sort_layers(layers: &mut [Vec<Item>], links: &[Vec<(Item, Item)>]) {
    for sweep in 0..SWEEPS {
        let forward = sweep % 2 == 0;
        let order: Vec<usize> = match forward {
            true => (1..layers.len()).collect(),
            false => (0..layers.len().saturating_sub(1)).rev().collect(),
        };
        for layer in order {
            let beside = if forward { layer - 1 } else { layer + 1 };
            let place: BTreeMap<Item, usize> =
                layers[beside].iter().enumerate().map(|(at, item)| (*item, at)).collect();
            let mut sums: BTreeMap<Item, (usize, usize)> = BTreeMap::new();
            let between = layer.min(beside);
            for (from, to) in &links[between] {
                let (own, other) = if forward { (to, from) } else { (from, to) };
                if let Some(at) = place.get(other) {
                    let sum = sums.entry(*own).or_default();
                    *sum = (sum.0 + at, sum.1 + 1);
                }
            }
            let mut keyed: Vec<(f64, usize, Item)> = layers[layer]
                .iter()
                .enumerate()
                .map(|(at, item)| {
                    let mean = sums.get(item).map(|(sum, count)| *sum as f64 / *count as f64);
                    (mean.unwrap_or(at as f64), at, *item)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            layers[layer] = keyed.into_iter().map(|(_, _, item)| item).collect();
        }
    }
}
