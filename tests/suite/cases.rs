//! What a user sees, by folders: `CONTRIBUTING.md` says how a case is written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::sandbox::{Sandbox, tree};
use rayon::prelude::*;
use regex::Regex;
use similar::TextDiff;

/// Commit ids change with everything that comes before them.
static COMMIT_ID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[0-9a-f]{40}\b|\bcommit [0-9a-f]{7,}").unwrap());

/// The same in a table, cut to the width of its column.
static COMMIT_CELL: LazyLock<Regex> = LazyLock::new(|| Regex::new("  [0-9a-f]{7}  ").unwrap());

/// A command line of a case and the exit code that is expected of it.
struct Line {
    command: String,
    code: i32,
}

/// What a case says and gives, by file names within its folder.
type Texts = BTreeMap<String, Vec<u8>>;

fn lines(cmd: &str) -> Vec<Line> {
    cmd.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| match line.rsplit_once("# exit ") {
            Some((command, code)) => {
                Line { command: command.trim_end().to_owned(), code: code.trim().parse().unwrap() }
            }
            None => Line { command: line.to_owned(), code: 0 },
        })
        .collect()
}

/// The repository of a case before its commands.
fn prepare(case: &Path, root: &Path) -> Sandbox {
    let sandbox = Sandbox::new();
    if let Ok(base) = fs::read_to_string(case.join("base")) {
        let base = root.join(base.trim());
        assert!(base.is_dir(), "{} names no directory", case.join("base").display());
        sandbox.copy_from(&base);
    }
    if case.join("in").is_dir() {
        sandbox.copy_from(&case.join("in"));
    }
    sandbox.commit_all();
    sandbox
}

/// Runs the commands of a case: what it should have and has.
fn run(case: &Path, root: &Path) -> (Texts, Vec<String>) {
    let sandbox = prepare(case, root);
    let before: Texts = sandbox.tree().into_iter().collect();
    let cmd = fs::read_to_string(case.join("cmd")).unwrap();
    let lines = lines(&cmd);
    let (mut stdout, mut stderr, mut wrong) = (String::new(), String::new(), Vec::new());
    for line in &lines {
        let ran = sandbox.sh(&line.command);
        for (all, one) in [(&mut stdout, &ran.stdout), (&mut stderr, &ran.stderr)] {
            if one.is_empty() {
                continue;
            }
            if lines.len() > 1 {
                all.push_str(&format!("$ {}\n", line.command));
            }
            let one = COMMIT_CELL.replace_all(one, "  [ID]     ");
            all.push_str(&COMMIT_ID.replace_all(&one, "commit [ID]"));
            if !all.ends_with('\n') {
                all.push_str("[no newline]\n");
            }
        }
        if ran.code != line.code {
            let Line { command, code } = line;
            wrong.push(format!(
                "`{command}` exits with {}, not {code}\n{}{}",
                ran.code, ran.stdout, ran.stderr
            ));
        }
    }
    let mut texts = Texts::new();
    texts.insert("stdout".to_owned(), stdout.into_bytes());
    texts.insert("stderr".to_owned(), stderr.into_bytes());
    let after: Texts = sandbox.tree().into_iter().collect();
    let removed: String = before
        .keys()
        .filter(|path| !after.contains_key(*path))
        .map(|path| format!("{path}\n"))
        .collect();
    texts.insert("removed".to_owned(), removed.into_bytes());
    for (path, bytes) in after {
        if before.get(&path) != Some(&bytes) {
            texts.insert(format!("out/{path}"), bytes);
        }
    }
    texts.retain(|name, text| !text.is_empty() || name.starts_with("out/"));
    (texts, wrong)
}

fn expected(case: &Path) -> Texts {
    let mut texts: Texts = ["stdout", "stderr", "removed"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), fs::read(case.join(name)).ok()?)))
        .collect();
    if case.join("out").is_dir() {
        let out = tree(&case.join("out")).into_iter();
        texts.extend(out.map(|(path, bytes)| (format!("out/{path}"), bytes)));
    }
    texts
}

fn differences(expected: &Texts, found: &Texts) -> Vec<String> {
    let mut names: Vec<&String> = expected.keys().chain(found.keys()).collect();
    names.sort();
    names.dedup();
    let text = |texts: &Texts, name: &String| {
        texts.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    };
    names
        .into_iter()
        .filter(|name| expected.get(*name) != found.get(*name))
        .map(|name| {
            let (old, new) = (text(expected, name), text(found, name));
            let diff = TextDiff::from_lines(&old, &new);
            let shown = diff.unified_diff().header(name, "found").to_string();
            if shown.is_empty() { format!("{name}: is there or is not\n") } else { shown }
        })
        .collect()
}

fn update(case: &Path, found: &Texts) {
    for name in ["stdout", "stderr", "removed"] {
        let _ = fs::remove_file(case.join(name));
    }
    let _ = fs::remove_dir_all(case.join("out"));
    for (name, bytes) in found {
        let path = case.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn every_case_gives_what_its_folder_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cases: Vec<PathBuf> = fs::read_dir(root.join("tests/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("cmd").is_file())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let rewrite = std::env::var_os("UPDATE_EXPECT").is_some();
    let failures: Vec<String> = cases
        .par_iter()
        .filter_map(|case| {
            let (found, mut wrong) = run(case, root);
            if rewrite {
                update(case, &found);
            } else {
                wrong.extend(differences(&expected(case), &found));
            }
            let name = case.strip_prefix(root).unwrap().display();
            (!wrong.is_empty()).then(|| format!("== {name}\n{}", wrong.join("\n")))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases differ; UPDATE_EXPECT=1 rewrites what is expected, but not exit codes\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn every_example_is_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bases: Vec<String> = fs::read_dir(root.join("tests/cases"))
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path().join("base")).ok())
        .map(|base| base.trim().to_owned())
        .collect();
    for entry in fs::read_dir(root.join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.join("graylane.yaml").is_file() {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            assert!(bases.contains(&name), "no case has {name} as its base");
        }
    }
}
