//! A graph as Mermaid, which GitHub and GitLab draw in Markdown.
//!
//! Source: mermaid.js.org, "Flowcharts" (entity codes, `linkStyle`).

use super::{Graph, HUES};

/// Mermaid draws no picture with more ways than this, nor with more characters; a page can allow more,
/// a diagram cannot.
///
/// Source: mermaid.js.org, "Configuration schema" (`maxEdges`, `maxTextSize`).
const MOST: (usize, usize) = (500, 50_000);

/// Whether Mermaid would draw a picture of this, given as what [`mermaid`] makes of it.
pub fn is_drawn_by_mermaid(graph: &Graph, text: &str) -> bool {
    graph.edges.len() <= MOST.0 && text.chars().count() <= MOST.1
}

/// A flowchart from left to right.
pub fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    for (number, gateway) in graph.gateways.iter().enumerate() {
        let lines: Vec<String> =
            [&gateway.name].into_iter().chain(&gateway.places).map(|line| escaped(line)).collect();
        text.push_str(&format!("  g{number}{{{{\"{}\"}}}}\n", lines.join("<br/>")));
    }
    for (number, service) in graph.services.iter().enumerate() {
        text.push_str(&format!("  subgraph s{number}[\"{}\"]\n", escaped(&service.name)));
        for (position, lane) in service.instances.iter().enumerate() {
            let name = escaped(graph.instance(*lane));
            let class =
                lane.map_or("baseline".to_owned(), |lane| format!("lane{}", lane % HUES.len()));
            text.push_str(&format!("    s{number}i{position}([\"{name}\"]):::{class}\n"));
        }
        text.push_str("  end\n");
    }
    let mut marked: [Vec<String>; HUES.len()] = Default::default();
    for (number, edge) in graph.edges.iter().enumerate() {
        let (from, to) = (edge.from.id(), edge.to.id());
        let arrow = if edge.lane.is_some() { "==>" } else { "-->" };
        let label = match edge.label.as_str() {
            "" => String::new(),
            label => format!("|\"{}\"|", escaped(label)),
        };
        text.push_str(&format!("  {from} {arrow}{label} {to}\n"));
        if let Some(lane) = edge.lane {
            marked[lane % HUES.len()].push(number.to_string());
        }
    }
    text.push_str("  classDef baseline fill:#e9ecef,stroke:#495057,color:#212529\n");
    let used = |hue: usize| {
        let lanes = graph.services.iter().flat_map(|service| service.instances.iter().flatten());
        lanes.into_iter().any(|lane| lane % HUES.len() == hue)
    };
    for (hue, (fill, stroke)) in HUES.iter().enumerate() {
        if used(hue) {
            text.push_str(&format!(
                "  classDef lane{hue} fill:{fill},stroke:{stroke},color:#212529\n"
            ));
        }
        if !marked[hue].is_empty() {
            let links = marked[hue].join(",");
            text.push_str(&format!("  linkStyle {links} stroke:{stroke}\n"));
        }
    }
    text
}

/// A text in quotes: whatever is no plain letter, digit or harmless sign is an entity code.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '-' | '_' | '.' | '/' | ':' | ',' | '=' => {
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c if c.is_alphanumeric() => out.push(c),
            c => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    out
}
