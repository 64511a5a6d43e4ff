//! Where everything of a picture stands: cards, lines and what is written at them.

use std::collections::BTreeMap;

use super::advance::width;
use super::order::{Item, Order, order};
use super::{DrawnGateway, End, Graph};

/// Sizes of texts, in pixels.
pub(super) const NAME: f64 = 14.0;
pub(super) const INSTANCE: f64 = 12.0;
pub(super) const LABEL: f64 = 11.0;

/// Height of a card without its instances, and of each instance.
pub(super) const HEAD: f64 = 34.0;
pub(super) const ROW: f64 = 30.0;
/// Height of a gateway without its hosts and paths, and of each of these.
const GATEWAY: f64 = 48.0;
pub(super) const PLACE: f64 = 15.0;
/// How far texts of a gateway are from its sides, which are not upright.
const SLANT: f64 = 24.0;
const MARGIN: f64 = 24.0;
const LAYER_GAP: f64 = 84.0;
const CARD_GAP: f64 = 24.0;
/// Room for the line of a way that passes a layer.
const LANE_GAP: f64 = 10.0;
const LEGEND: f64 = 34.0;
/// How far an instance is from the side of its card.
pub(super) const INSET: f64 = 10.0;
/// Room in which ways fan out from a gateway, before what is written at them.
const FAN: f64 = 64.0;
/// Room before a layer for the ends of ways that run back.
const RETURNS: f64 = 30.0;
/// So many ways back have an upright line of their own at a side of cards.
const TRACKS: usize = 5;
/// Longer texts at ways are cut off.
const LONGEST: usize = 60;

/// A box, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// What is written at a way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Label {
    /// Where it ends, at its foot.
    pub(super) end: (f64, f64),
    /// The text, cut off where it is long.
    pub(super) text: String,
    /// All of the text, where it was cut off.
    pub(super) whole: Option<String>,
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
    pub(super) labels: Vec<Label>,
    /// The top of the legend.
    pub(super) legend: f64,
}

/// Lays a graph out.
pub(super) fn layout(graph: &Graph) -> Layout {
    let order = order(graph);
    let texts = texts(graph, &order);
    let labels = texts.values().map(|(text, _)| width(&cut(text), LABEL)).fold(0.0, f64::max);
    let (rects, mut layout) = boxes(graph, &order, labels);
    layout.add_labels(&rects, &order, &texts);
    layout.add_lines(graph, &order, &rects);
    layout.legend += 18.0;
    layout.height = layout.legend + LEGEND;
    let legend = super::svg::legend_width(graph);
    // A way back from the last layer goes around its right side.
    let furthest = layout.lines.iter().flatten().map(|(x, _)| *x).fold(legend + MARGIN, f64::max);
    layout.width = layout.width.max(furthest + MARGIN);
    layout
}

/// Where the ways from gateways arrive at the first layer behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Port {
    Instance(usize, usize),
    Passage(usize),
}

/// What is written at each port, above its first line, and how far that is from the middle.
fn texts(graph: &Graph, order: &Order) -> BTreeMap<Port, (String, f64)> {
    let mut texts: BTreeMap<Port, (Vec<&str>, f64)> = BTreeMap::new();
    for edge in graph.edges.iter().filter(|edge| !edge.label.is_empty()) {
        let (End::Gateway(_), End::Instance(service, position)) = (edge.from, edge.to) else {
            continue;
        };
        let passage = order.passages.get(&(Item::of(edge.from), Item::of(edge.to)));
        let port = match passage.and_then(|list| list.first()) {
            Some(number) => Port::Passage(*number),
            None => Port::Instance(service, position),
        };
        let (own, highest) = texts.entry(port).or_insert((Vec::new(), f64::MAX));
        *highest = highest.min(shift(edge.lane));
        if !own.contains(&edge.label.as_str()) {
            own.push(&edge.label);
        }
    }
    texts.into_iter().map(|(port, (own, highest))| (port, (own.join("; "), highest))).collect()
}

/// A text at a way or a gateway, cut off where it is long.
pub(super) fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// The size of an item.
fn size(graph: &Graph, order: &Order, item: Item) -> (f64, f64) {
    match item {
        Item::Gateway(number) => {
            let DrawnGateway { name, places } = &graph.gateways[number];
            let widest = places.iter().map(|place| width(&cut(place), LABEL)).fold(0.0, f64::max);
            let own = widest.max(width(name, NAME)) + 2.0 * SLANT;
            (own, GATEWAY + PLACE * places.len() as f64)
        }
        Item::Service(number) => {
            let service = &graph.services[number];
            let instances = service.instances.iter().map(|lane| graph.instance(*lane));
            let widest = instances.map(|name| width(name, INSTANCE) + 44.0).fold(0.0, f64::max);
            let own = widest.max(width(&service.name, NAME) + 24.0);
            (own, HEAD + ROW * service.instances.len() as f64)
        }
        Item::Passage(number) if order.is_from_gateway(number) => (0.0, ROW),
        Item::Passage(_) => (0.0, LANE_GAP),
    }
}

/// Stacks the layers; `labels` is the room for what is written at the ways from gateways.
fn boxes(graph: &Graph, order: &Order, labels: f64) -> (BTreeMap<Item, Rect>, Layout) {
    let gap = |a: Item, b: Item| match (a, b) {
        (Item::Passage(_), Item::Passage(_)) => LANE_GAP,
        _ => CARD_GAP,
    };
    let sizes: BTreeMap<Item, (f64, f64)> =
        order.layers.iter().flatten().map(|item| (*item, size(graph, order, *item))).collect();
    let height = |items: &[Item]| {
        let gaps: f64 = items.windows(2).map(|pair| gap(pair[0], pair[1])).sum();
        items.iter().map(|item| sizes[item].1).sum::<f64>() + gaps
    };
    let tallest = order.layers.iter().map(|items| height(items)).fold(0.0, f64::max);
    let mut rects: BTreeMap<Item, Rect> = BTreeMap::new();
    let mut x = MARGIN;
    for (number, items) in order.layers.iter().enumerate() {
        let widest = items.iter().map(|item| sizes[item].0).fold(0.0, f64::max);
        let mut y = MARGIN + (tallest - height(items)) / 2.0;
        for (at, item) in items.iter().enumerate() {
            let own = sizes[item].1;
            rects.insert(*item, Rect { x, y, width: widest, height: own });
            y += own + items.get(at + 1).map_or(0.0, |next| gap(*item, *next));
        }
        let is_last = number + 1 == order.layers.len();
        let behind = if number == 0 && labels > 0.0 { FAN + labels + RETURNS } else { 0.0 };
        x += widest + if is_last { 0.0 } else { LAYER_GAP.max(behind) };
    }
    let layout = Layout {
        width: x + MARGIN,
        gateways: (0..graph.gateways.len()).map(|at| rects[&Item::Gateway(at)]).collect(),
        services: (0..graph.services.len()).map(|at| rects[&Item::Service(at)]).collect(),
        legend: MARGIN + tallest,
        ..Layout::default()
    };
    (rects, layout)
}

/// How far the ways of a lane are from the middle of where they leave and arrive.
fn shift(lane: Option<usize>) -> f64 {
    lane.map_or(-3.0, |lane| 3.0 + 4.0 * (lane % 3) as f64)
}

impl Layout {
    fn add_labels(
        &mut self,
        rects: &BTreeMap<Item, Rect>,
        order: &Order,
        texts: &BTreeMap<Port, (String, f64)>,
    ) {
        let before = order.layers.get(1).and_then(|items| items.first());
        let end = before.map_or(0.0, |item| rects[item].x - RETURNS);
        for (port, (text, highest)) in texts {
            let y = match port {
                Port::Instance(service, at) => self.row(End::Instance(*service, *at)).1,
                Port::Passage(number) => middle(rects[&Item::Passage(*number)]),
            };
            let short = cut(text);
            let whole = (short != *text).then(|| text.clone());
            self.labels.push(Label { end: (end, y + highest - 5.0), text: short, whole });
        }
    }

    fn add_lines(&mut self, graph: &Graph, order: &Order, rects: &BTreeMap<Item, Rect>) {
        let fanned = order.layers.first().and_then(|items| items.first()).map(|item| rects[item]);
        let fanned = fanned.map_or(0.0, |rect| rect.x + rect.width + FAN);
        let mut returns = 0;
        for edge in &graph.edges {
            let (from, to) = (Item::of(edge.from), Item::of(edge.to));
            let shift = shift(edge.lane);
            let start = self.right(edge.from, shift);
            let end = self.left(edge.to, shift);
            let mut line = vec![start];
            if order.layer_of[&to] > order.layer_of[&from] {
                let passages = order.passages.get(&(from, to)).map_or(&[][..], Vec::as_slice);
                let stops = passages.iter().map(|number| rects[&Item::Passage(*number)]);
                let stops: Vec<Rect> = stops.collect();
                if matches!(from, Item::Gateway(_)) {
                    let y = stops.first().map_or(end.1, |rect| middle(*rect) + shift);
                    line.push((fanned, y));
                }
                for rect in stops {
                    let y = middle(rect) + shift;
                    line.extend([(rect.x, y), (rect.x + rect.width, y)]);
                }
            } else {
                // Around everything, below; each further out than those before.
                self.legend += 12.0;
                let out = INSET + 4.0 + 4.0 * (returns % TRACKS) as f64;
                returns += 1;
                let below = self.legend;
                line.extend([(start.0 + out, start.1), (start.0 + out, below)]);
                line.extend([(end.0 - out, below), (end.0 - out, end.1)]);
            }
            line.push(end);
            self.lines.push(line);
        }
    }

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

fn middle(rect: Rect) -> f64 {
    rect.y + rect.height / 2.0
}

fn inset(end: End) -> f64 {
    match end {
        End::Gateway(_) => 0.0,
        End::Instance(..) => INSET,
    }
}
