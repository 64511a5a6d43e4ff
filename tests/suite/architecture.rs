//! Modules point one way: each uses only those that the table of `ARCHITECTURE.md` has above it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The modules of the table in their order, each with those that it names as not to be known.
fn table() -> Vec<(String, HashSet<String>)> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, rest) = text.split_once("## Modules\n").unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (path, rest) = row.split_once("` |").unwrap();
        let (_, unknown) = rest.split_once('|').unwrap();
        let unknown = unknown.split('`').skip(1).step_by(2).map(module).collect();
        (module(path), unknown)
    })
    .collect()
}

/// The module that a path of the table means: `yaml/`, `calls.rs`.
fn module(path: &str) -> String {
    path.trim_end_matches('/').trim_end_matches(".rs").to_owned()
}

/// A module of the program by its path from the root: `lane`, `patch`.
type Module = Vec<String>;

/// Where a module uses one of the root.
struct Use {
    of: String,
    at: String,
}

/// A file of `src` that is read next.
struct File {
    path: PathBuf,
    module: Module,
}

/// The files of modules that are no tests, from those that `lib.rs` names.
fn files() -> Vec<(File, String)> {
    let mut waiting = vec![File { path: root().join("src/lib.rs"), module: Module::new() }];
    let mut found = Vec::new();
    while let Some(file) = waiting.pop() {
        let text = without_tests(&fs::read_to_string(&file.path).unwrap());
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let Some(["mod", name]) = words.get(words.len().saturating_sub(2)..) else { continue };
            let Some(name) = name.strip_suffix(';') else { continue };
            let module = [file.module.clone(), vec![name.to_owned()]].concat();
            let base = root().join("src").join(module.join("/"));
            let alone = base.with_extension("rs");
            let path = if alone.is_file() { alone } else { base.join("mod.rs") };
            waiting.push(File { path, module });
        }
        found.push((file, text));
    }
    found
}

/// A file with what is compiled for tests alone as empty lines.
fn without_tests(text: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push(line);
            continue;
        }
        // The item: to a line that is as far in as it begins, and ends one.
        kept.push("");
        let indent = &line[..line.len() - line.trim_start().len()];
        let is_end = |line: &str| {
            let inner = line.strip_prefix(indent).unwrap_or(" ");
            !inner.starts_with(' ') && inner.ends_with([';', '}'])
        };
        for line in lines.by_ref() {
            kept.push("");
            if is_end(line) {
                break;
            }
        }
    }
    kept.join("\n")
}

/// The modules of the root that a file names, by `crate::` or by as many `super::` as lead there.
fn uses(file: &File, text: &str) -> Vec<Use> {
    let shown = file.path.strip_prefix(root()).unwrap().display();
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let up = "super::".repeat(file.module.len());
        let ways = ["crate::", up.as_str()].into_iter().filter(|way| !way.is_empty());
        for (at, way) in ways.flat_map(|way| code.match_indices(way)) {
            let before = &code[..at];
            if before.ends_with("super::") || before.ends_with(char::is_alphanumeric) {
                continue;
            }
            let rest = &code[at + way.len()..];
            let at = format!("{shown}:{}", number + 1);
            assert!(!rest.starts_with('{'), "{at}: name one module of the root for each `use`");
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.push(Use { of: rest[..end].to_owned(), at });
        }
    }
    found
}

#[test]
fn modules_use_those_above_them_alone() {
    let table = table();
    let places: HashMap<&str, usize> =
        table.iter().enumerate().map(|(place, (name, _))| (name.as_str(), place)).collect();
    let files = files();
    let mut wrong = Vec::new();
    let mut all = HashSet::new();
    for (file, text) in &files {
        let Some(user) = file.module.first() else { continue };
        all.insert(user.as_str());
        let Some(place) = places.get(user.as_str()) else {
            wrong.push(format!("`{user}` is not in the table"));
            continue;
        };
        for Use { of, at } in uses(file, text).iter().filter(|each| each.of != *user) {
            match places.get(of.as_str()) {
                _ if table[*place].1.contains(of) => {
                    wrong.push(format!("{at}: `{user}` must not know `{of}`"));
                }
                Some(used) if used < place => {}
                Some(_) => wrong.push(format!("{at}: `{user}` uses `{of}`, which is below it")),
                None => wrong.push(format!("{at}: `{user}` uses `{of}`, which is no module")),
            }
        }
    }
    let gone = places.keys().filter(|name| !all.contains(*name));
    wrong.extend(gone.map(|name| format!("`{name}` of the table is not there")));
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // That nothing is found is no proof that all was read.
    let lane = files.iter().filter(|(file, _)| file.module.first().is_some_and(|it| it == "lane"));
    let used: HashSet<String> =
        lane.flat_map(|(file, text)| uses(file, text)).map(|each| each.of).collect();
    assert!(["gateway", "governance", "yaml"].iter().all(|name| used.contains(*name)), "{used:?}");
}

/// What touches the world: files, the environment, programs.
const WORLD: [&str; 4] = ["std::fs", "std::env", "std::process::", "tempfile::"];

/// Where that is done. The last ones find out where the program runs and with what it ends.
const SHELLS: [&str; 6] = [
    "src/overlay/",
    "src/git/",
    "src/baseline/files/",
    "src/cli/workspace.rs",
    "src/cli/cmp.rs",
    "src/cli/mod.rs",
];

#[test]
fn the_world_is_touched_in_few_places() {
    let files = files();
    let mut shells: HashSet<&str> = HashSet::new();
    for (file, text) in &files {
        let path = file.path.strip_prefix(root()).unwrap().to_str().unwrap();
        let line = text.lines().position(|line| WORLD.iter().any(|world| line.contains(world)));
        let Some(line) = line else { continue };
        let shell = SHELLS.iter().find(|shell| path.starts_with(**shell));
        assert!(shell.is_some(), "{path}:{}: this is for {}", line + 1, SHELLS.join(", "));
        shells.extend(shell);
    }
    assert_eq!(shells.len(), SHELLS.len(), "one of them does so no more");
}

#[test]
fn what_is_for_tests_alone_does_not_count() {
    let text = "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\nmod tests {\n    use crate::x;\n    fn f() {}\n}\nuse crate::y;\n";
    let file = File { path: root().join("src/a/b.rs"), module: vec!["a".into(), "b".into()] };
    let kept = without_tests(text);
    assert!(kept.contains("mod a;") && !kept.contains("mod b;"), "{kept}");
    let shown = |text: &str| -> Vec<String> {
        uses(&file, text).into_iter().map(|each| format!("{} {}", each.of, each.at)).collect()
    };
    assert_eq!(shown(&kept), ["y src/a/b.rs:9"]);
    // From `a::b` two steps up are the root, and one is `a`.
    assert_eq!(shown("use super::super::y::Z;\nuse super::z; // crate::x\n"), ["y src/a/b.rs:1"]);
}
