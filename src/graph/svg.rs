//! A graph as a picture that needs nothing else: no fonts, no scripts, no other files. It follows the
//! reader's choice of light or dark.

use std::collections::{BTreeMap, BTreeSet};

use super::advance::width;
use super::layout::{HEAD, INSET, INSTANCE, LABEL, NAME, PLACE, ROW, Rect, cut, layout};
use super::{Edge, End, Graph, HUES};

const STYLE: &str = "\
text { font-family: Helvetica, Arial, 'Liberation Sans', sans-serif; fill: #212529; }
.page { fill: #ffffff; }
.card { fill: #f8f9fa; stroke: #ced4da; }
.gateway { fill: #e7f5ff; stroke: #1971c2; }
.baseline { fill: #e9ecef; stroke: #868e96; }
.name { font-weight: bold; }
.way { fill: none; stroke: #868e96; stroke-width: 1.5; }
.marked { stroke-width: 2.5; }
.tip { fill: #868e96; }
.label { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) {
  text { fill: #e9ecef; }
  .page { fill: #16191d; }
  .card { fill: #212529; stroke: #495057; }
  .gateway { fill: #123252; stroke: #4dabf7; }
  .baseline { fill: #343a40; stroke: #868e96; }
  .way { stroke: #868e96; }
  .label { stroke: #16191d; }
}
";

/// Fill and line of each lane in the dark, in turn.
const DARK: [(&str, &str); HUES.len()] = [
    ("#5c2b0c", "#ff922b"),
    ("#1b4726", "#51cf66"),
    ("#3b2a6b", "#9775fa"),
    ("#0b3f4a", "#3bc9db"),
];

/// The picture.
pub fn svg(graph: &Graph) -> String {
    let at = layout(graph);
    let (wide, high) = (at.width.ceil(), at.height.ceil());
    let names: Vec<&str> = graph.lanes.iter().map(|lane| lane.name.as_str()).collect();
    let title = match names.as_slice() {
        [] => "Services".to_owned(),
        names => format!("Ways of requests in {}", names.join(", ")),
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" viewBox=\"0 0 {wide} {high}\" role=\"img\" aria-labelledby=\"title description\">\n<title id=\"title\">{}</title>\n<desc id=\"description\">{}</desc>\n",
        escaped(&title),
        escaped(&description(graph)),
    );
    out.push_str(&format!("<style>\n{}{}</style>\n", STYLE, hues()));
    out.push_str(&markers());
    out.push_str(&format!("<rect class=\"page\" width=\"{wide}\" height=\"{high}\"/>\n"));
    for (rect, gateway) in at.gateways.iter().zip(&graph.gateways) {
        let (x, head) = (rect.x + rect.width / 2.0, rect.y + 29.0);
        out.push_str(&hexagon(rect));
        out.push_str(&text("name", NAME, (x, head), "middle", &gateway.name));
        for (number, place) in gateway.places.iter().enumerate() {
            let foot = head + PLACE * (number as f64 + 1.0);
            out.push_str(&text("", LABEL, (x, foot), "middle", &cut(place)));
        }
    }
    for (rect, service) in at.services.iter().zip(&graph.services) {
        out.push_str(&boxed("card", rect, 8.0));
        let head = (rect.x + rect.width / 2.0, rect.y + 22.0);
        out.push_str(&text("name", NAME, head, "middle", &service.name));
        for (position, lane) in service.instances.iter().enumerate() {
            let row = Rect {
                x: rect.x + INSET,
                y: rect.y + HEAD + ROW * position as f64 - 4.0 + 3.0,
                width: rect.width - 2.0 * INSET,
                height: ROW - 6.0,
            };
            let class =
                lane.map_or("baseline".to_owned(), |lane| format!("lane{}", lane % HUES.len()));
            out.push_str(&boxed(&class, &row, 12.0));
            let middle = (row.x + row.width / 2.0, row.y + row.height / 2.0 + 4.0);
            out.push_str(&text("", INSTANCE, middle, "middle", graph.instance(*lane)));
        }
    }
    for (edge, line) in graph.edges.iter().zip(&at.lines) {
        let (class, tip) = match edge.lane {
            None => ("way".to_owned(), "tip".to_owned()),
            Some(lane) => {
                let hue = lane % HUES.len();
                (format!("way marked line{hue}"), format!("tip{hue}"))
            }
        };
        let d = path(line);
        out.push_str(&format!("<path class=\"{class}\" d=\"{d}\" marker-end=\"url(#{tip})\"/>\n"));
    }
    for label in &at.labels {
        let whole = label
            .whole
            .as_deref()
            .map_or(String::new(), |whole| format!("<title>{}</title>", escaped(whole)));
        let (x, y) = label.end;
        out.push_str(&format!(
            "<text class=\"label\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{LABEL}\" text-anchor=\"end\">{whole}{}</text>\n",
            escaped(&label.text)
        ));
    }
    out.push_str(&legend(graph, at.legend));
    out.push_str("</svg>\n");
    out
}

/// The picture in words: the services, then what the requests of each lane pass, and all others.
fn description(graph: &Graph) -> String {
    let services = graph.services.iter().map(|service| {
        let instances = service.instances.iter().map(|lane| graph.instance(*lane));
        format!("{} ({})", service.name, instances.collect::<Vec<_>>().join(", "))
    });
    let mut parts = vec![format!("Services: {}", services.collect::<Vec<_>>().join("; "))];
    let mut passed: BTreeMap<Option<usize>, Vec<&Edge>> = BTreeMap::new();
    for edge in &graph.edges {
        passed.entry(edge.lane).or_default().push(edge);
    }
    let lanes = (0..graph.lanes.len()).map(Some).chain([None]);
    for (lane, edges) in lanes.filter_map(|lane| Some((lane, passed.get(&lane)?))) {
        let who = match lane {
            Some(lane) => format!("Marked requests of {}", graph.lanes[lane].name),
            None => "Other requests".to_owned(),
        };
        let mut marks: Vec<&str> = edges.iter().map(|edge| edge.label.as_str()).collect();
        marks.retain(|mark| lane.is_some() && !mark.is_empty());
        marks.sort_unstable();
        marks.dedup();
        let marks = match marks.is_empty() {
            true => String::new(),
            false => format!(" ({})", marks.join("; ")),
        };
        let reached: BTreeSet<End> = edges.iter().map(|edge| edge.to).collect();
        let names: Vec<String> = reached.iter().map(|end| reached_name(graph, *end)).collect();
        parts.push(format!("{who}{marks} reach {}", names.join(", ")));
    }
    parts.join(". ")
}

fn reached_name(graph: &Graph, end: End) -> String {
    match end {
        End::Gateway(number) => graph.gateways[number].name.clone(),
        End::Instance(service, position) => {
            let service = &graph.services[service];
            format!("{} ({})", service.name, graph.instance(service.instances[position]))
        }
    }
}

fn hues() -> String {
    let rules = |(fill, line): (&str, &str), hue: usize| {
        format!(
            ".lane{hue} {{ fill: {fill}; stroke: {line}; }}\n.line{hue} {{ stroke: {line}; }}\n.head{hue} {{ fill: {line}; }}\n"
        )
    };
    let light: String = HUES.iter().enumerate().map(|(hue, colors)| rules(*colors, hue)).collect();
    let dark: String = DARK.iter().enumerate().map(|(hue, colors)| rules(*colors, hue)).collect();
    format!("{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n")
}

/// The tips of arrows, one for each colour.
fn markers() -> String {
    let marker = |id: &str, class: &str| {
        format!(
            "<marker id=\"{id}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"{class}\" d=\"M0 1 9 5 0 9Z\"/></marker>\n"
        )
    };
    let lanes = (0..HUES.len()).map(|hue| marker(&format!("tip{hue}"), &format!("head{hue}")));
    format!("<defs>\n{}{}</defs>\n", marker("tip", "tip"), lanes.collect::<String>())
}

fn boxed(class: &str, rect: &Rect, radius: f64) -> String {
    let Rect { x, y, width, height } = rect;
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius}\"/>\n"
    )
}

fn hexagon(rect: &Rect) -> String {
    let (left, right) = (rect.x, rect.x + rect.width);
    let (top, middle, bottom) = (rect.y, rect.y + rect.height / 2.0, rect.y + rect.height);
    let (inner, outer) = (left + 14.0, right - 14.0);
    format!(
        "<path class=\"gateway\" d=\"M{left:.1} {middle:.1} {inner:.1} {top:.1} {outer:.1} {top:.1} {right:.1} {middle:.1} {outer:.1} {bottom:.1} {inner:.1} {bottom:.1}Z\"/>\n"
    )
}

fn text(class: &str, size: f64, (x, y): (f64, f64), anchor: &str, what: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!(
        "<text{class} x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\">{}</text>\n",
        escaped(what)
    )
}

/// A line through points: level at both ends of each part, so that parts join smoothly.
fn path(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        match at.checked_sub(1).and_then(|before| points.get(before)) {
            None => d.push_str(&format!("M{x:.1} {y:.1}")),
            // Straight where it runs back, level or upright.
            Some((before, level)) if x <= before || (level - y).abs() < 0.05 => {
                d.push_str(&format!(" L{x:.1} {y:.1}"));
            }
            Some((before, level)) => {
                let middle = f64::midpoint(*before, *x);
                d.push_str(&format!(" C{middle:.1} {level:.1} {middle:.1} {y:.1} {x:.1} {y:.1}"));
            }
        }
    }
    d
}

/// What the legend explains: the class of a line, that of its tip, and the text.
fn legend_entries(graph: &Graph) -> Vec<(String, String, String)> {
    let lanes = graph.lanes.iter().enumerate().map(|(number, lane)| {
        let hue = number % HUES.len();
        let what = format!("marked requests of {} (tag {})", lane.name, lane.tag);
        (format!("way marked line{hue}"), format!("tip{hue}"), what)
    });
    let others = ("way".to_owned(), "tip".to_owned(), "other requests".to_owned());
    lanes.chain([others]).collect()
}

/// The width of the legend, in pixels.
pub(super) fn legend_width(graph: &Graph) -> f64 {
    legend_entries(graph).iter().map(|(_, _, what)| entry_width(what)).sum()
}

fn entry_width(what: &str) -> f64 {
    36.0 + width(what, LABEL) + 24.0
}

fn legend(graph: &Graph, y: f64) -> String {
    let mut out = String::new();
    let mut x = 24.0;
    for (class, tip, what) in legend_entries(graph) {
        let end = x + 28.0;
        out.push_str(&format!(
            "<path class=\"{class}\" d=\"M{x:.1} {y:.1} L{end:.1} {y:.1}\" marker-end=\"url(#{tip})\"/>\n"
        ));
        out.push_str(&text("", LABEL, (end + 8.0, y + 4.0), "start", &what));
        x += entry_width(&what);
    }
    out
}

/// A text as XML can hold it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
