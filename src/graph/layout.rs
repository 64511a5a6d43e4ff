//! Where everything of a picture stands: layers from left to right by the order of calls, and within
//! a layer near what it is called by (K. Sugiyama et al., "Methods for Visual Understanding of
//! Hierarchical System Structures", 1981).

use std::collections::{BTreeMap, BTreeSet};

use super::advance::width;
use super::{End, Graph};

/// Sizes of texts, in pixels.
pub(super) const NAME: f64 = 14.0;
pub(super) const INSTANCE: f64 = 12.0;
pub(super) const LABEL: f64 = 11.0;

/// Height of a card without its instances, and of each instance.
pub(super) const HEAD: f64 = 34.0;
pub(super) const ROW: f64 = 30.0;
const GATEWAY: f64 = 48.0;
const MARGIN: f64 = 24.0;
const LAYER_GAP: f64 = 76.0;
const CARD_GAP: f64 = 24.0;
/// Room for the line of a way that passes a layer.
const LANE_GAP: f64 = 10.0;
const LEGEND: f64 = 34.0;
/// Passes that sort layers by their neighbours; more change hardly anything.
const SWEEPS: usize = 8;

/// A box, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where everything stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) gateways: Vec<Rect>,
    pub(super) services: Vec<Rect>,
    /// The points that the line of each edge passes, in the order of the edges; the first and the
    /// last are its ends.
    pub(super) lines: Vec<Vec<(f64, f64)>>,
    /// The top of the legend.
    pub(super) legend: f64,
}

/// What stands in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Gateway(usize),
    Service(usize),
    /// The ways from one item to another that pass the layer.
    Passage(usize),
}

impl Item {
    fn of(end: End) -> Self {
        match end {
            End::Gateway(number) => Self::Gateway(number),
            End::Instance(service, _) => Self::Service(service),
        }
    }
}

/// Lays a graph out.
pub(super) fn layout(graph: &Graph) -> Layout {
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
    let mut passages: Vec<(Item, Item)> = Vec::new();
    let mut links: Vec<(usize, Item, Item)> = Vec::new();
    for (from, to) in &pairs {
        let (start, end) = (layer_of[from], layer_of[to]);
        if end <= start {
            continue;
        }
        let mut last = *from;
        for (layer, items) in layers.iter_mut().enumerate().take(end).skip(start + 1) {
            let passage = Item::Passage(passages.len());
            passages.push((*from, *to));
            items.push(passage);
            links.push((layer - 1, last, passage));
            last = passage;
        }
        links.push((end - 1, last, *to));
    }
    sort_layers(&mut layers, &links);
    place(graph, &layers, &passages, &layer_of)
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
fn sort_layers(layers: &mut [Vec<Item>], links: &[(usize, Item, Item)]) {
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
            for (_, from, to) in links.iter().filter(|(at, _, _)| *at == between) {
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

/// The size of an item.
fn size(graph: &Graph, item: Item) -> (f64, f64) {
    match item {
        Item::Gateway(number) => (width(&graph.gateways[number], NAME) + 48.0, GATEWAY),
        Item::Service(number) => {
            let service = &graph.services[number];
            let instances = service.instances.iter().map(|lane| graph.instance(*lane));
            let widest = instances.map(|name| width(name, INSTANCE) + 44.0).fold(0.0, f64::max);
            let own = widest.max(width(&service.name, NAME) + 24.0);
            (own, HEAD + ROW * service.instances.len() as f64)
        }
        Item::Passage(_) => (0.0, LANE_GAP),
    }
}

fn place(
    graph: &Graph,
    layers: &[Vec<Item>],
    passages: &[(Item, Item)],
    layer_of: &BTreeMap<Item, usize>,
) -> Layout {
    let gap = |a: Item, b: Item| match (a, b) {
        (Item::Passage(_), Item::Passage(_)) => LANE_GAP,
        _ => CARD_GAP,
    };
    let height = |items: &[Item]| {
        let gaps: f64 = items.windows(2).map(|pair| gap(pair[0], pair[1])).sum();
        items.iter().map(|item| size(graph, *item).1).sum::<f64>() + gaps
    };
    let tallest = layers.iter().map(|items| height(items)).fold(0.0, f64::max);
    let labels = graph.edges.iter().map(|edge| width(&edge.label, LABEL)).fold(0.0, f64::max);
    let mut rects: BTreeMap<Item, Rect> = BTreeMap::new();
    let mut x = MARGIN;
    for (number, items) in layers.iter().enumerate() {
        let widest = items.iter().map(|item| size(graph, *item).0).fold(0.0, f64::max);
        let mut y = MARGIN + (tallest - height(items)) / 2.0;
        for (at, item) in items.iter().enumerate() {
            let (_, own) = size(graph, *item);
            rects.insert(*item, Rect { x, y, width: widest, height: own });
            y += own + items.get(at + 1).map_or(0.0, |next| gap(*item, *next));
        }
        let is_last = number + 1 == layers.len();
        let behind = if number == 0 && !graph.gateways.is_empty() { labels + 36.0 } else { 0.0 };
        x += widest + if is_last { 0.0 } else { LAYER_GAP.max(behind) };
    }
    let mut layout = Layout {
        width: x + MARGIN,
        gateways: (0..graph.gateways.len()).map(|at| rects[&Item::Gateway(at)]).collect(),
        services: (0..graph.services.len()).map(|at| rects[&Item::Service(at)]).collect(),
        ..Layout::default()
    };
    let mut by_pair: BTreeMap<(Item, Item), Vec<usize>> = BTreeMap::new();
    for (number, pair) in passages.iter().enumerate() {
        by_pair.entry(*pair).or_default().push(number);
    }
    let mut below = MARGIN + tallest;
    for edge in &graph.edges {
        let (from, to) = (Item::of(edge.from), Item::of(edge.to));
        let shift = edge.lane.map_or(-3.0, |lane| 3.0 + 4.0 * (lane % 3) as f64);
        let start = layout.right(edge.from, shift);
        let end = layout.left(edge.to, shift);
        let mut line = vec![start];
        if layer_of[&to] > layer_of[&from] {
            for passage in by_pair.get(&(from, to)).into_iter().flatten() {
                let rect = rects[&Item::Passage(*passage)];
                let y = rect.y + rect.height / 2.0 + shift;
                line.push((rect.x, y));
                line.push((rect.x + rect.width, y));
            }
        } else {
            // Around everything, below.
            below += 12.0;
            line.extend([(start.0 + 26.0, start.1), (start.0 + 26.0, below)]);
            line.extend([(end.0 - 26.0, below), (end.0 - 26.0, end.1)]);
        }
        line.push(end);
        layout.lines.push(line);
    }
    layout.legend = below + 18.0;
    layout.height = layout.legend + LEGEND;
    let legend: f64 = super::svg::legend_width(graph);
    layout.width = layout.width.max(legend + 2.0 * MARGIN);
    // A way back from the last layer goes around its right side.
    let furthest = layout.lines.iter().flatten().map(|(x, _)| *x).fold(0.0, f64::max);
    layout.width = layout.width.max(furthest + MARGIN);
    layout
}

impl Layout {
    /// The middle of an end's right side, and of its left side; for a service that of the instance.
    fn right(&self, end: End, shift: f64) -> (f64, f64) {
        let (rect, y) = self.row(end);
        (rect.x + rect.width - inset(end), y + shift)
    }

    fn left(&self, end: End, shift: f64) -> (f64, f64) {
        let (rect, y) = self.row(end);
        (rect.x + inset(end), y + shift)
    }

    fn row(&self, end: End) -> (Rect, f64) {
        match end {
            End::Gateway(number) => {
                let rect = self.gateways[number];
                (rect, rect.y + rect.height / 2.0)
            }
            End::Instance(service, position) => {
                let rect = self.services[service];
                (rect, rect.y + HEAD + ROW * (position as f64 + 0.5) - 4.0)
            }
        }
    }
}

/// How far an instance is from the side of its card.
pub(super) const INSET: f64 = 10.0;

fn inset(end: End) -> f64 {
    match end {
        End::Gateway(_) => 0.0,
        End::Instance(..) => INSET,
    }
}
