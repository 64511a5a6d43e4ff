//! A graph as DOT, for Graphviz.
//!
//! Source: graphviz.org, "DOT Language" (quoted strings).

use super::{Graph, HUES};

/// A directed graph from left to right.
pub fn dot(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph lanes {\n  rankdir=LR;\n  fontname=\"Helvetica\";\n  node [fontname=\"Helvetica\", shape=box, style=\"rounded,filled\", fillcolor=\"#e9ecef\", color=\"#495057\"];\n  edge [fontname=\"Helvetica\", fontsize=10, color=\"#868e96\"];\n",
    );
    for (number, gateway) in graph.gateways.iter().enumerate() {
        let lines: Vec<String> =
            [&gateway.name].into_iter().chain(&gateway.places).map(|line| escaped(line)).collect();
        let label = lines.join("\\n");
        text.push_str(&format!("  g{number} [label=\"{label}\", shape=hexagon, style=filled];\n"));
    }
    for (number, service) in graph.services.iter().enumerate() {
        let name = quoted(&service.name);
        text.push_str(&format!(
            "  subgraph cluster_{number} {{\n    label={name};\n    color=\"#adb5bd\";\n"
        ));
        for (position, lane) in service.instances.iter().enumerate() {
            let label = quoted(graph.instance(*lane));
            let colors = lane.map_or_else(String::new, |lane| {
                let (fill, line) = HUES[lane % HUES.len()];
                format!(", color=\"{line}\", fillcolor=\"{fill}\"")
            });
            text.push_str(&format!("    s{number}i{position} [label={label}{colors}];\n"));
        }
        text.push_str("  }\n");
    }
    for edge in &graph.edges {
        let mut attributes = Vec::new();
        if !edge.label.is_empty() {
            attributes.push(format!("label={}", quoted(&edge.label)));
        }
        if let Some(lane) = edge.lane {
            let (_, line) = HUES[lane % HUES.len()];
            attributes.push(format!("color=\"{line}\", penwidth=2"));
        }
        let attributes = match attributes.is_empty() {
            true => String::new(),
            false => format!(" [{}]", attributes.join(", ")),
        };
        text.push_str(&format!("  {} -> {}{attributes};\n", edge.from.id(), edge.to.id()));
    }
    text.push_str("}\n");
    text
}

/// A quoted string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// What stands in quotes; a backslash would begin an escape of its own there.
fn escaped(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let plain: String = plain.collect();
    plain.replace('\\', "\\\\").replace('"', "\\\"")
}
