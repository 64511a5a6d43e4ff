//! Every command of the guides runs as it is written, and what they configure is there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;
use graylane::yaml::{Document, NodeRef, Source, parse};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The guides: path and text.
fn guides() -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(root().join("docs")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The blocks in this language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("\n```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split_once("\n```").unwrap().0).collect()
}

/// The directory that a guide's commands run in a copy of.
fn repository(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<!-- repository: ")?;
    Some(rest.split_once(" -->")?.0)
}

/// Lines of shell as one script that stops at the first that fails; differences are none.
fn script(blocks: &[&str]) -> String {
    let mut script = "set -u\n".to_owned();
    let text = blocks.join("\n").replace("\\\n", " ");
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let most = i32::from(line.starts_with("graylane diff"));
        script.push_str(&format!(
            "echo '$ '{}\n{line}\ncode=$?; [ $code -le {most} ] || exit $code\n",
            quoted(line)
        ));
    }
    script
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', "'\\''"))
}

#[test]
fn every_command_of_a_guide_runs() {
    let mut guides_with_commands = 0;
    for (path, text) in guides() {
        let commands = blocks(&text, "sh");
        let Some(from) = repository(&text) else {
            assert!(commands.is_empty(), "{}: name the repository of its commands", path.display());
            continue;
        };
        let sandbox = Sandbox::new();
        sandbox.copy_from(&root().join(from));
        sandbox.sh("rm -rf overlays");
        sandbox.commit_all();
        let remote = sandbox.sh(
            "git init -q --bare -b main ../origin.git && git remote add origin \"file://$PWD/../origin.git\" && git push -q -u origin main",
        );
        assert_eq!(remote.code, 0, "{}", remote.stderr);
        sandbox.sh("git config push.autoSetupRemote true");
        let ran = sandbox.sh(&script(&commands));
        assert_eq!(ran.code, 0, "{}\n{}{}", path.display(), ran.stdout, ran.stderr);
        guides_with_commands += usize::from(!commands.is_empty());
    }
    assert!(guides_with_commands >= 1);
}

#[test]
fn links_of_a_guide_lead_somewhere() {
    for (path, text) in guides() {
        for rest in text.split("](").skip(1) {
            let link = rest.split_once(')').unwrap().0;
            let link = link.split('#').next().unwrap();
            if link.contains("://") || link.is_empty() {
                continue;
            }
            let target = path.parent().unwrap().join(link);
            assert!(target.exists(), "{}: {link}", path.display());
        }
    }
}

fn document(text: &str) -> Document {
    parse(Source::new("guide", text.to_owned())).unwrap().documents.swap_remove(0)
}

/// The items of a list in a document.
fn items<'d>(document: &'d Document, path: &[&str]) -> Vec<NodeRef<'d>> {
    document.at(path).into_iter().flat_map(NodeRef::items).collect()
}

fn keys<'d>(mapping: Option<NodeRef<'d>>) -> Vec<&'d str> {
    mapping.into_iter().flat_map(NodeRef::entries).map(|(key, _)| key).collect()
}

#[test]
fn what_is_configured_for_pull_requests_is_there() {
    let guide = fs::read_to_string(root().join("docs/pull-requests.md")).unwrap();
    let read = |path: &str| document(&fs::read_to_string(root().join(path)).unwrap());
    let known = |what: &str, used: Vec<&str>, known: &[&str]| {
        assert!(!used.is_empty(), "{what}: nothing is used");
        for name in used {
            assert!(known.contains(&name), "{what}: there is no {name}");
        }
    };
    let text = |node: NodeRef<'_>, key: &str| {
        node.get(key).and_then(|node| node.as_str().map(str::to_owned))
    };
    let mut seen = Vec::new();
    for block in blocks(&guide, "yaml") {
        let block = document(block);
        for step in items(&block, &["jobs", "lanes", "steps"]) {
            if text(step, "uses").is_some_and(|action| action.contains("/graylane@")) {
                let action = read("action.yml");
                known("the action", keys(step.get("with")), &keys(action.at(&["inputs"])));
                seen.push("action");
            }
        }
        for include in items(&block, &["include"]) {
            let template = read(&text(include, "file").unwrap());
            let inputs = keys(template.at(&["spec", "inputs"]));
            known("the job", keys(include.get("inputs")), &inputs);
            seen.push("job");
        }
        for repository in items(&block, &["repos"]) {
            let hooks = read(".pre-commit-hooks.yaml");
            let id = |hook: NodeRef<'_>| text(hook, "id").unwrap();
            let there: Vec<String> = hooks.root().items().map(id).collect();
            let used: Vec<String> = repository.get("hooks").unwrap().items().map(id).collect();
            assert_eq!(used, there);
            seen.push("hooks");
        }
    }
    assert_eq!(seen, ["action", "job", "hooks"]);
    // What the text tells to set.
    let action = read("action.yml");
    for told in ["`sarif: lanes.sarif`", "`generate: \"true\"`"] {
        assert!(guide.contains(told), "{told}");
        let name = told.trim_start_matches('`').split(':').next().unwrap();
        known("the action", vec![name], &keys(action.at(&["inputs"])));
    }
}
