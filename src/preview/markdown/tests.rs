use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Place;
use crate::kube::object::ObjectRef;
use crate::preview::{Broken, Compared, LaneDiff, Role, without_lines};

fn object(name: &str, role: Role, after: &str) -> ObjectDiff {
    ObjectDiff {
        object: ObjectRef::new("apps", "Deployment", "prod", name),
        service: Some("web".to_owned()),
        role,
        change: Change::Copied,
        compared: Compared {
            before: Some(("deploy/web.yaml".to_owned(), "a: 1\n".to_owned())),
            after: Some((format!("overlays/{name}.yaml"), after.to_owned())),
        },
    }
}

fn lane(name: &str, objects: Vec<ObjectDiff>) -> LaneDiff {
    let spec = "graylane.yaml".to_owned();
    let (lane, tag) = (name.to_owned(), "gray".to_owned());
    LaneDiff { lane, tag, spec, change: None, objects, findings: Vec::new() }
}

fn preview(lanes: Vec<LaneDiff>) -> Preview {
    Preview { against: Against::Baseline, lanes, shared: Vec::new(), broken: Vec::new() }
}

/// What stands outside of code, read as GitHub reads it; panics where the text is no comment of ours.
fn outside_of_code(text: &str) -> String {
    let mut outside = String::new();
    let mut fence: Option<usize> = None;
    for line in text.split('\n') {
        assert!(!line.chars().any(|c| c.is_control() && c != '\t'), "{line:?}");
        let ticks = |line: &str| line.chars().take_while(|c| *c == '`').count();
        if let Some(length) = fence {
            let inner = line.trim_start_matches(' ');
            let is_close = ticks(inner) >= length && inner.trim_matches('`').trim().is_empty();
            fence = if is_close { None } else { fence };
            continue;
        }
        if ticks(line) >= 3 {
            fence = Some(ticks(line));
            continue;
        }
        if line.starts_with('|') {
            assert_eq!(line.matches('|').count(), 7, "{line}");
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('`') {
            outside.push_str(before);
            rest = after.split_once('`').unwrap_or_else(|| panic!("an open span: {line}")).1;
        }
        outside.push_str(rest);
        outside.push('\n');
    }
    assert_eq!(fence, None, "an open fence: {text}");
    let mut left = String::new();
    let mut rest = outside.as_str();
    while let Some((before, after)) = rest.split_once("<code>") {
        left.push_str(before);
        let (inner, after) = after.split_once("</code>").unwrap();
        assert!(!inner.contains(['<', '>', '@', '\n', '"']), "{inner}");
        rest = after;
    }
    left + rest
}

/// All that may stand outside of code: our own words.
fn assert_harmless(text: &str) {
    assert!(text.len() < LIMIT, "{} bytes", text.len());
    assert!(text.starts_with(&format!("{MARKER}\n")));
    assert_eq!(text.to_lowercase().matches("graylane:lane-diff").count(), 1, "{text}");
    let outside = outside_of_code(text);
    assert_eq!(
        outside.matches("<details").count(),
        outside.matches("\n</details>\n").count(),
        "{text}"
    );
    let mut left = outside.replacen(MARKER, "", 1);
    for ours in ["<details open>", "<details>", "</details>", "<summary>", "</summary>"] {
        left = left.replace(ours, "");
    }
    for ours in ["## Gray lanes", "### Findings", "### Changes"] {
        left = left.replace(ours, "");
    }
    assert!(
        !left.contains(['<', '>', '@', '#', '&', '\\', '[', ']', '!', '~', '$', '%']),
        "{left}"
    );
    assert!(!left.contains("://") && !left.contains("www."), "{left}");
}

#[test]
fn shows_summary_table_picture_findings_and_diffs() {
    let mut lane = lane("one", vec![object("web-gray", Role::Entry, "a: 2\n")]);
    let place = Place { file: Arc::from("a.yaml"), line: 3, column: 1, text: "k: hush".into() };
    let finding = Diagnostic::warning("it leaks").code("selector-leak").at(place);
    lane.findings = without_lines(&[finding]);
    let picture = Picture::Drawn("flowchart LR\n".to_owned());
    let text = markdown(&preview(vec![lane]), &picture);
    assert_harmless(&text);
    assert!(!text.contains("hush"), "{text}");
    for part in [
        "1 lane, compared with the baseline; objects: 1 copied; lines: +1 -1.\n",
        "| `one` | `web` | `Deployment/web-gray in prod` | copied | +1 -1 | **high**: production requests",
        "\n```mermaid\nflowchart LR\n```\n",
        "<details open><summary>1 warning</summary>\n\n```text\nwarning[selector-leak]: it leaks\n  --> a.yaml:3:1\n```\n",
        "<details><summary><code>Deployment/web-gray in prod</code> of lane <code>one</code>: copied, +1 -1</summary>\n\n```diff\n--- deploy/web.yaml\n+++ overlays/web-gray.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n```\n\n</details>\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn nothing_to_show_is_said() {
    let text = markdown(&preview(vec![lane("one", Vec::new())]), &Picture::Nothing);
    assert_eq!(
        text,
        format!("{MARKER}\n## Gray lanes\n\n1 lane, compared with the baseline: no differences.\n")
    );
}

#[test]
fn what_is_broken_at_the_base_is_told() {
    let mut preview = preview(vec![lane("one", Vec::new())]);
    preview.against = Against::Base("main".to_owned());
    preview.lanes[0].change = Some(LaneChange::Unknown);
    let errors = vec![Diagnostic::error("unknown field `tga`")];
    preview.broken = vec![Broken { path: "graylane.yaml".to_owned(), errors }];
    let text = markdown(&preview, &Picture::Nothing);
    assert_harmless(&text);
    assert!(text.contains("**Not compared:** `graylane.yaml` is broken in `main`"), "{text}");
    assert!(text.contains("error: unknown field `tga`\n"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_told() {
    let errors = vec![Diagnostic::error("unknown field `tga`"); 3000];
    let text = not_compared(&errors);
    assert_harmless(&text);
    assert!(text.contains("**Not compared:** a lane cannot be built.\n"), "{text}");
    assert!(text.contains("<summary>3000 errors</summary>\n\n```text\nerror: unknown field"));
    assert!(text.contains(" of 3000 errors do not fit here.\n"));
}

#[test]
fn whole_objects_are_left_out_and_counted() {
    let large = |lines: usize| "b: 2\n".repeat(lines);
    let objects = vec![
        object("small", Role::Other, "a: 2\n"),
        object("huge", Role::Entry, &large(40_000)),
        object("route", Role::Entry, &large(8_000)),
        object("other", Role::Other, &large(8_000)),
    ];
    let text = markdown(&preview(vec![lane("one", objects)]), &Picture::Nothing);
    assert_harmless(&text);
    // What asks for a look stays before what does not; the table has them all.
    for (name, is_shown) in [("small", true), ("huge", false), ("route", true), ("other", false)] {
        assert_eq!(text.contains(&format!("+++ overlays/{name}.yaml")), is_shown, "{name}");
        assert!(text.contains(&format!("| `Deployment/{name} in prod` |")), "{name}");
    }
    let left_out = "\n2 of 4 diffs do not fit into this comment; `graylane diff` shows them.\n";
    assert!(text.contains(left_out), "{text}");
}

#[test]
fn every_part_may_be_too_large() {
    let objects = (0..2000).map(|number| object(&format!("o{number}"), Role::Other, "a: 2\n"));
    let mut lane = lane("one", objects.collect());
    lane.findings = (0..900)
        .map(|number| Diagnostic::note(format!("{number} {}", "x".repeat(100))))
        .chain([Diagnostic::error("the last of all")])
        .collect();
    let picture = Picture::Drawn("x".repeat(60_000));
    let text = markdown(&preview(vec![lane]), &picture);
    assert_harmless(&text);
    assert!(text.len() > LIMIT / 2, "{}", text.len());
    for part in [
        " of 2000 objects do not fit into this table",
        "The picture of the lanes is too large here",
        " of 901 findings do not fit here.",
        "error: the last of all\n",
        " of 2000 diffs do not fit into this comment",
        "**A lane with errors is not generated.**",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn what_looks_like_an_end_in_a_block_of_code_is_none() {
    let text = "a: 2\n</details>\n";
    let preview = preview(vec![lane("one", vec![object("web", Role::Other, text)])]);
    assert_harmless(&markdown(&preview, &Picture::Drawn(text.to_owned())));
}

/// Pieces that mean something in Markdown, HTML, or to a forge.
const HOSTILE: &[&str] = &[
    "`",
    "```",
    "````\n",
    "\n```\n",
    " ```",
    "~~~",
    "|",
    "\\",
    "\\|",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "<",
    ">",
    "</code>",
    "</summary>",
    "</details>",
    "<script>",
    "<img src=x>",
    "<!--",
    "-->",
    "graylane:lane-diff",
    "<!-- graylane:lane-diff -->",
    "GrayLane:Lane-Diff",
    "@team",
    "@org/team",
    "#1",
    "GH-1",
    "!1",
    "owner/x#2",
    "https://example.com",
    "www.example.com",
    "[a](b)",
    "![a](b)",
    "\n/close",
    "\n# x",
    "\n- x",
    "&lt;",
    "&#64;",
    "\u{202e}",
    "\u{200b}",
    "\u{2028}",
    "\u{85}",
    "\0",
    "\u{1b}[31m",
    "é",
    "名",
    "a",
    " ",
    "\t",
    ":tada:",
    "$x$",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => (proptest::sample::select(HOSTILE), 1..400usize).prop_map(|(piece, n)| piece.repeat(n)),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_from_files_does_anything(texts in proptest::collection::vec(hostile(), 10)) {
        let mut object = object(&texts[0], Role::Other, &texts[1]);
        object.service = Some(texts[2].clone());
        object.object.namespace.clone_from(&texts[3]);
        object.compared.before = Some((texts[4].clone(), texts[5].clone()));
        let mut one = lane(&texts[6], vec![object.clone()]);
        one.change = Some(LaneChange::Changed);
        one.findings = vec![Diagnostic::error(texts[7].clone()).remedy(texts[8].clone())];
        let preview = Preview {
            against: Against::Base(texts[9].clone()),
            lanes: vec![one.clone(), one],
            shared: vec![object],
            broken: vec![Broken {
                path: texts[2].clone(),
                errors: vec![Diagnostic::error(texts[3].clone())],
            }],
        };
        assert_harmless(&markdown(&preview, &Picture::Drawn(texts[0].clone())));
    }
}
