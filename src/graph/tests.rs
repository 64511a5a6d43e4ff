use super::layout::{HEAD, INSET, INSTANCE, LABEL, NAME, ROW, Rect, layout};
use super::*;

/// A chain of services behind one gateway with a few cross and back calls; every third has a copy.
fn chain(services: usize) -> Graph {
    let drawn = |number: usize| DrawnService {
        name: format!("service-{number}"),
        instances: if number.is_multiple_of(3) { vec![None, Some(0)] } else { vec![None] },
    };
    let mut graph = Graph {
        gateways: vec![gateway("mse")],
        lanes: vec![DrawnLane { name: "lane".to_owned(), tag: "gray".to_owned() }],
        services: (0..services).map(drawn).collect(),
        edges: vec![
            edge(End::Gateway(0), 0, None, "other requests"),
            edge(End::Gateway(0), 0, Some(0), "x-user-id: 100"),
        ],
    };
    for from in 0..services {
        for to in [from + 1, from + 4, (from * 7) % services] {
            if to < services && to != from {
                graph.edges.push(edge(End::Instance(from, 0), to, None, ""));
            }
        }
    }
    graph
}

fn edge(from: End, to: usize, lane: Option<usize>, label: &str) -> Edge {
    let position = usize::from(lane.is_some());
    Edge { from, to: End::Instance(to, position), lane, label: label.to_owned() }
}

fn gateway(name: &str) -> DrawnGateway {
    DrawnGateway { name: name.to_owned(), places: vec!["shop.example.com/".to_owned()] }
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

#[test]
fn boxes_stand_apart_and_hold_their_texts() {
    for services in [1, 3, 30, 200] {
        let graph = chain(services);
        let at = layout(&graph);
        let boxes: Vec<&Rect> = at.gateways.iter().chain(&at.services).collect();
        for (number, one) in boxes.iter().enumerate() {
            assert!(one.x >= 0.0 && one.y >= 0.0);
            assert!(one.x + one.width <= at.width && one.y + one.height <= at.legend);
            assert!(boxes[..number].iter().all(|other| !overlap(one, other)), "{services}");
        }
        for (rect, service) in at.services.iter().zip(&graph.services) {
            assert!(advance::width(&service.name, NAME) <= rect.width);
            for lane in &service.instances {
                let room = rect.width - 2.0 * INSET;
                assert!(advance::width(graph.instance(*lane), INSTANCE) < room);
            }
            assert!(HEAD + ROW * service.instances.len() as f64 <= rect.height + 0.01);
        }
        for line in at.lines.iter().flatten() {
            assert!(line.0 >= 0.0 && line.0 <= at.width && line.1 >= 0.0 && line.1 <= at.height);
        }
        for (rect, gateway) in at.gateways.iter().zip(&graph.gateways) {
            assert!(advance::width(&gateway.places[0], LABEL) < rect.width);
        }
    }
}

#[test]
fn labels_stand_apart_from_boxes_and_from_each_other() {
    let mut graph = chain(30);
    graph.gateways.push(gateway("second"));
    for (from, to, lane, label) in [
        (0, 0, None, "other requests of one more sort"),
        (0, 0, None, "and of yet another"),
        (0, 6, None, "other requests"),
        (0, 6, Some(0), "cookie canary=always"),
        (1, 0, Some(0), "?group=gray"),
        (1, 29, None, "other requests"),
    ] {
        graph.edges.push(edge(End::Gateway(from), to, lane, label));
    }
    let at = layout(&graph);
    let taken = |label: &super::layout::Label| {
        let width = advance::width(&label.text, LABEL);
        let (x, y) = label.end;
        Rect { x: x - width, y: y - LABEL + 2.0, width, height: LABEL }
    };
    let labels: Vec<Rect> = at.labels.iter().map(taken).collect();
    assert_eq!(labels.len(), 4, "{:?}", at.labels);
    let boxes: Vec<Rect> = at.gateways.iter().chain(&at.services).copied().collect();
    for (number, label) in labels.iter().enumerate() {
        let mut others = boxes.iter().chain(&labels[..number]);
        assert!(!others.any(|other| overlap(label, other)), "{:?}", at.labels[number]);
        assert!(label.x >= 0.0 && label.y >= 0.0);
    }
    // None is left out.
    for edge in graph.edges.iter().filter(|edge| !edge.label.is_empty()) {
        assert!(at.labels.iter().any(|label| {
            let all = label.whole.as_ref().unwrap_or(&label.text);
            all.contains(&edge.label)
        }));
    }
}

#[test]
fn long_labels_are_cut_off_and_whole_in_their_title() {
    let mut graph = chain(3);
    let long = format!("x-user-id: {}", "0123456789".repeat(20));
    graph.edges[1].label.clone_from(&long);
    let at = layout(&graph);
    assert!(at.width < advance::width(&long, LABEL), "{}", at.width);
    let svg = svg(&graph);
    assert!(svg.contains(&format!("<title>{long}</title>x-user-id: 0123456789")), "{svg}");
}

#[test]
fn ways_back_have_lines_of_their_own() {
    let mut graph = chain(3);
    graph.edges.truncate(2);
    graph.edges.push(edge(End::Instance(0, 0), 1, None, ""));
    for lane in [None, Some(0)] {
        graph.edges.push(edge(End::Instance(1, 0), 0, lane, ""));
    }
    let at = layout(&graph);
    let [.., one, other] = at.lines.as_slice() else { panic!("{:?}", at.lines) };
    let corners = |line: &[(f64, f64)]| (line[1].0, line[2].1, line[3].0);
    let (one, other) = (corners(one), corners(other));
    assert!(one.0 < other.0 && one.1 < other.1 && one.2 > other.2, "{one:?} {other:?}");
}

#[test]
fn callees_stand_behind_callers_but_for_circles() {
    let mut graph = chain(0);
    graph.edges.clear();
    let names = ["a", "b", "c"];
    let service = |name: &&str| DrawnService { name: (*name).to_owned(), instances: vec![None] };
    graph.services = names.iter().map(service).collect();
    graph.edges = vec![
        edge(End::Gateway(0), 0, None, ""),
        edge(End::Instance(0, 0), 1, None, ""),
        edge(End::Instance(0, 0), 2, None, ""),
        edge(End::Instance(1, 0), 2, None, ""),
        edge(End::Instance(2, 0), 0, None, ""),
        edge(End::Instance(1, 0), 1, None, ""),
    ];
    let at = layout(&graph);
    let x: Vec<f64> = at.services.iter().map(|rect| rect.x).collect();
    assert!(at.gateways[0].x < x[0] && x[0] < x[1] && x[1] < x[2], "{x:?}");
    // The way that passes the layer of `b` does not run through it.
    let passing = &at.lines[2];
    let b = &at.services[1];
    let inside = |point: &(f64, f64)| {
        point.0 > b.x && point.0 < b.x + b.width && point.1 > b.y && point.1 < b.y + b.height
    };
    assert!(passing.len() == 4 && !passing.iter().any(inside), "{passing:?}");
}

#[test]
fn the_ways_are_told_in_words() {
    let mut graph = chain(2);
    graph.edges.push(edge(End::Instance(0, 1), 1, None, ""));
    graph.edges[3].lane = Some(0);
    let svg = svg(&graph);
    let words = "Services: service-0 (baseline, lane); service-1 (baseline). \
        Marked requests of lane (x-user-id: 100) reach service-0 (lane), service-1 (baseline). \
        Other requests reach service-0 (baseline), service-1 (baseline)</desc>";
    assert!(svg.contains(words), "{svg}");
}

#[test]
fn nothing_is_drawn_of_nothing() {
    let graph = Graph::default();
    for text in [svg(&graph), dot(&graph), mermaid(&graph)] {
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

#[test]
fn what_mermaid_refuses_is_known() {
    let (small, large) = (chain(30), chain(200));
    assert!(is_drawn_by_mermaid(&small, &mermaid(&small)));
    assert!(large.edges.len() > 500 && !is_drawn_by_mermaid(&large, &mermaid(&large)));
    assert!(!is_drawn_by_mermaid(&small, &"x".repeat(50_001)));
}

#[test]
fn texts_stay_texts() {
    let hostile = "a\"]--><script>&\\n#;\u{1b}`|";
    let mut graph = chain(1);
    graph.gateways = vec![gateway(hostile)];
    graph.lanes[0].name = hostile.to_owned();
    graph.services[0].name = hostile.to_owned();
    graph.edges[0].label = hostile.to_owned();
    let svg = svg(&graph);
    assert!(!svg.contains("<script") && !svg.contains('\u{1b}'), "{svg}");
    assert!(svg.contains("&lt;script&gt;"));
    let dot = dot(&graph);
    assert!(dot.contains(r#"label="a\"]--><script>&\\n#; `|\n"#), "{dot}");
    let mermaid = mermaid(&graph);
    let labels = mermaid.matches('"').count();
    assert_eq!(labels % 2, 0, "{mermaid}");
    assert!(!mermaid.contains("<script") && !mermaid.contains("\"]--"), "{mermaid}");
}
