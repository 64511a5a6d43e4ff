//! Damaged and hostile input: refused with a message that names it and says what to do, nothing
//! written, in bounded time and memory. Where such input is legal, that is said here.

#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use crate::sandbox::{Ran, Sandbox};
use serde_json::{Value, json};

/// Seconds of the processor that one command may take, whatever else the machine does. Unoptimized
/// builds are slower; memory is about the same.
const TIME: u32 = if cfg!(debug_assertions) { 20 } else { 2 };
/// Private writable memory in KiB: heap and stacks, so at least what of them is resident.
const MEMORY: u32 = 200_000;
/// Longest message that is still one to read, in bytes.
const MESSAGE: usize = 16_000;

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n";

fn web() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baselines/web"));
    sandbox
}

fn spec(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.dir.join("graylane.yaml")).unwrap()
}

fn write(sandbox: &Sandbox, path: &str, bytes: impl AsRef<[u8]>) {
    let path = sandbox.dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Every file, directory and link with its size and time of change, to the nanosecond.
fn state(sandbox: &Sandbox) -> String {
    let mut lines = String::new();
    for entry in walkdir::WalkDir::new(&sandbox.dir).sort_by_file_name() {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(&sandbox.dir).unwrap();
        let link = fs::read_link(entry.path()).unwrap_or_default();
        let data = entry.metadata().unwrap();
        let (mode, size) = (data.mode(), data.size());
        let changed = format!("{}.{:09}", data.ctime(), data.ctime_nsec());
        lines.push_str(&format!(
            "{} {mode:o} {} {size} {changed}\n",
            path.display(),
            link.display()
        ));
    }
    lines
}

/// Runs the program under the limits; what it says never depends on how much it was given.
#[track_caller]
fn graylane(sandbox: &Sandbox, arguments: &str) -> Ran {
    let ran = sandbox.sh(&format!(
        "ulimit -d {MEMORY}; ulimit -t {TIME}; export RAYON_NUM_THREADS=2; exec timeout 60 graylane {arguments}"
    ));
    assert!(matches!(ran.code, 0 | 2), "{arguments} ended with {}: {}", ran.code, ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(ran.stderr.len() < MESSAGE, "{} bytes of message", ran.stderr.len());
    let unprintable = |c: char| c.is_control() && c != '\n';
    assert!(!ran.stderr.contains(unprintable), "{:?}", ran.stderr);
    ran
}

/// The command stops, names what is wrong, says what to do, and leaves everything as it was.
#[track_caller]
fn refused(sandbox: &Sandbox, arguments: &str, with: &[&str]) {
    let before = state(sandbox);
    let ran = graylane(sandbox, arguments);
    assert_eq!(ran.code, 2, "{arguments}, for {with:?}: {}{}", ran.stdout, ran.stderr);
    for part in with.iter().chain(&["  help: "]) {
        assert!(ran.stderr.contains(part), "lacks {part:?}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("[REPO]"), "an absolute path: {}", ran.stderr);
    assert_eq!(state(sandbox), before, "{arguments}");
}

/// The command succeeds; outside of the overlay nothing changes.
#[track_caller]
fn legal(sandbox: &Sandbox, what: &str) {
    let before = state(sandbox);
    let ran = graylane(sandbox, "generate");
    assert_eq!(ran.code, 0, "{what}: {}", ran.stderr);
    let top = |line: &&str| !line.starts_with("overlays") && !line.starts_with(' ');
    let after = state(sandbox);
    let after: Vec<&str> = after.lines().filter(top).collect();
    assert_eq!(after, before.lines().filter(top).collect::<Vec<_>>(), "{what}");
}

/// As a file that the walk over the baseline finds.
#[track_caller]
fn refused_baseline(bytes: impl AsRef<[u8]>, with: &[&str]) {
    let sandbox = web();
    write(&sandbox, "deploy/bad.yaml", bytes);
    refused(&sandbox, "generate", &[with, &["deploy/bad.yaml"]].concat());
}

#[track_caller]
fn legal_baseline(what: &str, bytes: impl AsRef<[u8]>) {
    let sandbox = web();
    write(&sandbox, "deploy/odd.yaml", bytes);
    legal(&sandbox, what);
}

#[track_caller]
fn refused_spec(bytes: impl AsRef<[u8]>, with: &[&str]) {
    let sandbox = web();
    write(&sandbox, "graylane.yaml", bytes);
    refused(&sandbox, "generate", &[with, &["graylane.yaml"]].concat());
}

/// Nine levels of nine aliases each: 9^9 copies of a word, a gigabyte and more.
fn alias_bomb(list: impl Fn(&str) -> String) -> String {
    let mut text = "  a0: &a0 lololol\n".to_owned();
    for level in 1..=9 {
        let alias = format!("*a{}", level - 1);
        text.push_str(&format!("  a{level}: &a{level} {}\n", list(&alias)));
    }
    text
}

#[test]
fn deep_nesting() {
    for deep in [
        format!("{}a\n", "- ".repeat(10_000)),
        format!("{}{}\n", "[".repeat(10_000), "]".repeat(10_000)),
        "[".repeat(10_000),
        format!("{}a\n", "? ".repeat(10_000)),
        format!("{}1{}\n", "{\"a\":".repeat(10_000), "}".repeat(10_000)),
        (0..1_000).fold(String::new(), |text, depth| text + &" ".repeat(depth) + "a:\n"),
    ] {
        let why = if deep.starts_with('?') { "must be a scalar" } else { "nested" };
        refused_baseline(&deep, &[why]);
        refused_spec(&deep, &[why]);
    }
}

#[test]
fn alias_bombs() {
    let bomb = alias_bomb(|alias| format!("[{}]", [alias; 9].join(", ")));
    refused_baseline(format!("{OBJECT}{bomb}"), &["alias"]);
    let sandbox = web();
    refused_spec(format!("{}x:\n{bomb}", spec(&sandbox)), &["alias"]);
    // What merges bring counts before equal keys fall together: expanding them takes that long.
    let merges = alias_bomb(|alias| format!("{{<<: [{}]}}", [alias; 9].join(", ")));
    let merges = merges.replace("&a0 lololol", "&a0 {k: lololol}");
    refused_baseline(format!("{OBJECT}{merges}"), &["alias"]);
    let mut wide = "  a0: &a0 {k: v}\n".to_owned();
    for level in 1..=30 {
        let below = level - 1;
        wide.push_str(&format!(
            "  a{level}: &a{level} {{<<: *a{below}, x{level}: {{<<: *a{below}}}}}\n"
        ));
    }
    refused_baseline(format!("{OBJECT}{wide}"), &["alias"]);
    refused_spec(format!("{}x:\n{wide}", spec(&sandbox)), &["alias"]);
    refused_baseline("a: &a [*a]\n", &["no anchor"]);
    refused_baseline("a: *none\n", &["not valid YAML"]);
}

#[test]
fn bytes_that_are_no_text() {
    let sandbox = web();
    let spec = spec(&sandbox);
    for (bytes, with) in [
        (&b"a: \0\n"[..], "U+0000"),
        (b"a: \x1b[31m\n", "U+001B"),
        (b"a: \xff\xfe\n", "UTF-8"),
        (b"a: \xed\xa0\x80\n", "UTF-8"),
        (b"\xff\xfea\0:\0 \x001\0\n\0", "UTF-8"),
        (b"\xfe\xff\0a\0:\0 \x001\0\n", "UTF-8"),
        (b"a\0\0\0:\0\0\0", "U+0000"),
        (b"a: |\n  \tb\n", "tab"),
    ] {
        refused_baseline(bytes, &[with]);
        refused_spec([spec.as_bytes(), bytes].concat(), &[with]);
        refused_spec(bytes, &[with]);
    }
    legal_baseline("an empty file", "");
    legal_baseline("comments alone", "# nothing\n---\n# here\n");
    legal_baseline("a byte order mark", format!("\u{feff}{OBJECT}  a: b\n"));
    refused_spec("", &["empty"]);
    refused_spec("\u{feff}# nothing\n", &["empty"]);
    write(&sandbox, "graylane.yaml", format!("\u{feff}{spec}"));
    legal(&sandbox, "a byte order mark before a spec");
}

#[test]
fn truncated_files() {
    for cut in [
        "a: [1, 2",
        "a: {b: 1",
        "a: \"b",
        "a: 'b",
        "a: \"\\",
        "a: \"\\u12",
        "{\"a\": [1",
        "%YAML",
        "a: &",
        "a: *",
        "a: !<",
        "? ",
        "a: b: c",
        "-\t- a\n\tb",
        "apiVersion: v1\nkind: Service\nmeta",
        "apiVersion: v1\nkind: Service\nmetadata:\n",
    ] {
        let sandbox = web();
        write(&sandbox, "deploy/bad.yaml", cut);
        let before = state(&sandbox);
        let ran = graylane(&sandbox, "generate --dry-run");
        // What is left may be YAML, of something that is no object.
        assert!(ran.stderr.contains("deploy/bad.yaml"), "{cut:?}: {}", ran.stderr);
        assert_eq!(state(&sandbox), before, "{cut:?}");
    }
    let sandbox = web();
    let whole = spec(&sandbox);
    let last = whole.find("- name: web").unwrap();
    for end in (0..last).step_by(7) {
        write(&sandbox, "graylane.yaml", &whole[..end]);
        refused(&sandbox, "generate", &["graylane.yaml"]);
    }
}

#[test]
fn huge_files() {
    const MIB: usize = 1 << 20;
    let line = "x".repeat(if cfg!(debug_assertions) { MIB + MIB / 4 } else { 20 * MIB });
    legal_baseline("a long scalar", format!("{OBJECT}  a: {line}\n"));
    legal_baseline("a long quoted scalar", format!("{OBJECT}  a: \"{line}\"\n"));
    legal_baseline("a long comment", format!("# {line}\n"));
    refused_baseline(format!("{{{}", &line[..MIB]), &["JSON"]);
    refused_spec(&line, &["bytes"]);
    let long = &line[..MIB / 2];
    refused_spec(long, &["must be a mapping"]);
    for (from, to) in
        [("tag: gray", "tag: "), ("- name: web", "- calls: "), ("name: web", "name: ")]
    {
        refused_spec(spec(&web()).replacen(from, &format!("{to}{long}"), 1), &["xxx"]);
    }
    let keys: String = (0..if cfg!(debug_assertions) { 20_000 } else { 200_000 })
        .map(|key| format!("  k{key}: v\n"))
        .collect();
    legal_baseline("many keys", format!("{OBJECT}{keys}"));
    refused_baseline(format!("{OBJECT}{keys}  k7: v\n"), &["k7"]);
    refused_spec(
        format!("{}x:\n{}", spec(&web()), &keys[..keys.find("  k9000:").unwrap()]),
        &["`x`"],
    );
    refused_spec(
        keys[..keys.find("  k9000:").unwrap()].replace("  k", "k"),
        &["is missing", "more errors"],
    );
    // Far more memory than text.
    for dense in [
        format!("{{\"a\":[{}1]}}\n", "1,".repeat(MIB)),
        format!("a: [{}]\n", "1,".repeat(MIB)),
        format!("a:\n{}", "- 1\n".repeat(MIB)),
    ] {
        refused_baseline(&dense, &["more values"]);
        refused_spec(&dense, &["bytes"]);
    }
    // No file of a repository is a gigabyte long; this one takes no room.
    for path in ["deploy/bad.yaml", "graylane.yaml", "overlays/gray/graylane.lock"] {
        let sandbox = web();
        write(&sandbox, path, "");
        fs::File::options()
            .write(true)
            .open(sandbox.dir.join(path))
            .unwrap()
            .set_len(1 << 30)
            .unwrap();
        refused(&sandbox, "generate", &[path, "1073741824 bytes"]);
    }
}

#[test]
fn what_is_no_file() {
    let sandbox = web();
    let directory = |path: &str| fs::create_dir_all(sandbox.dir.join(path)).unwrap();
    directory("deploy/bad.yaml");
    legal(&sandbox, "a directory of a file's name");
    refused(&sandbox, "generate --baseline deploy/bad.yaml", &["deploy/bad.yaml"]);
    refused(&sandbox, "generate deploy", &["deploy"]);
    refused(&sandbox, "generate nowhere.yaml", &["nowhere.yaml"]);
    refused(&sandbox, "generate --baseline nowhere", &["nowhere"]);
    sandbox.sh("mkfifo deploy/pipe.yaml pipe.yaml");
    legal(&sandbox, "a pipe in a walked directory");
    refused(&sandbox, "generate --baseline deploy/pipe.yaml", &["deploy/pipe.yaml"]);
    refused(&sandbox, "generate pipe.yaml", &["pipe.yaml", "regular file"]);
    let whole = spec(&sandbox);
    write(&sandbox, "graylane.yaml", whole.replace("[deploy]", "[deploy, pipe.yaml]"));
    refused(&sandbox, "generate", &["pipe.yaml"]);
    for make in ["mkdir graylane.yaml", "mkfifo graylane.yaml", "ln -s /etc/passwd graylane.yaml"] {
        sandbox.sh("rm -rf graylane.yaml");
        sandbox.sh(make);
        refused(&sandbox, "generate", &["graylane.yaml"]);
        refused(&sandbox, "check", &["graylane.yaml"]);
    }
}

#[test]
fn unreadable_files() {
    let sandbox = web();
    write(&sandbox, "deploy/bad.yaml", "a: 1\n");
    sandbox.sh("chmod 0 deploy/bad.yaml");
    if fs::read(sandbox.dir.join("deploy/bad.yaml")).is_ok() {
        // Root reads everything.
        return;
    }
    refused(&sandbox, "generate", &["deploy/bad.yaml"]);
    sandbox.sh("chmod 600 deploy/bad.yaml; mkdir deploy/closed; chmod 0 deploy/closed");
    refused(&sandbox, "generate", &["deploy/closed"]);
    sandbox.sh("chmod 700 deploy/closed; chmod 0 graylane.yaml");
    refused(&sandbox, "generate", &["graylane.yaml"]);
}

#[test]
fn links() {
    for target in
        ["bad.yaml", "../deploy", "nowhere", "/etc/passwd", "/dev/zero", "../../../../etc"]
    {
        let sandbox = web();
        symlink(target, sandbox.dir.join("deploy/bad.yaml")).unwrap();
        refused(&sandbox, "generate", &["deploy/bad.yaml"]);
        refused(&sandbox, "generate --baseline deploy/bad.yaml", &["deploy/bad.yaml"]);
        refused(&sandbox, "generate deploy/bad.yaml", &["deploy/bad.yaml"]);
        sandbox.commit_all();
        // A commit's links to directories are not walked, so that they make no circle.
        if target == "../deploy" {
            continue;
        }
        for arguments in ["--baseline deploy/bad.yaml", "deploy/bad.yaml"] {
            refused(&sandbox, &format!("render --rev HEAD {arguments}"), &["deploy/bad.yaml"]);
        }
    }
    // The output, or a directory above it, must not lead elsewhere.
    for link in ["overlays", "overlays/gray"] {
        let sandbox = web();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::create_dir_all(sandbox.dir.join(link).parent().unwrap()).unwrap();
        symlink(elsewhere.path(), sandbox.dir.join(link)).unwrap();
        refused(&sandbox, "generate", &["overlays", "link"]);
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
    let sandbox = web();
    sandbox.sh("mkdir -p overlays/gray; ln -s /etc overlays/gray/workloads");
    refused(&sandbox, "generate", &["overlays/gray/workloads"]);
    refused(&sandbox, "generate --force", &["overlays/gray/workloads"]);
}

#[test]
fn outputs_and_tags_that_lead_elsewhere() {
    let whole = spec(&web());
    for output in [
        "../../etc",
        "..",
        "a/../../b",
        "/etc",
        "/",
        ".",
        "./",
        "",
        ".git",
        ".git/hooks",
        "a/.GIT/b",
        "a/../.git",
        "deploy",
        "deploy/..",
        "graylane.yaml",
        "graylane.yaml/a",
        "a\\b",
        "C:\\a",
        "deploy/web.yaml/x",
    ] {
        let text = whole.replace("  tag: gray\n", &format!("  tag: gray\n  output: '{output}'\n"));
        let sandbox = web();
        write(&sandbox, "graylane.yaml", text);
        let before = state(&sandbox);
        refused(&sandbox, "generate", &[]);
        refused(&sandbox, "generate --force", &[]);
        assert_eq!(state(&sandbox), before, "{output}");
    }
    for tag in ["a/../b", "../../etc", "/etc", ".", "..", "", "~", "Gray", "a b", "original", "é"]
    {
        refused_spec(whole.replace("tag: gray", &format!("tag: '{tag}'")), &["tag"]);
    }
    for path in ["../../etc", "/etc", ".git", "a/../../b", "", "deploy/[", "deploy/{a"] {
        refused_spec(whole.replace("[deploy]", &format!("['{path}']")), &["graylane.yaml:8:"]);
    }
}

#[test]
fn numbers_out_of_range() {
    let whole = spec(&web());
    for number in ["99999999999999999999", "-1", "1e999", "2147483648", ".inf", ".nan"] {
        let replicas = format!("    - name: web\n      replicas: {number}\n");
        refused_spec(whole.replace("    - name: web\n", &replicas), &["replicas"]);
        let weight = format!("match:\n          weight: {number}\n");
        refused_spec(whole.replace("match:\n", &weight), &["weight"]);
        refused_spec(whole.replace("tag: gray", &format!("tag: {number}")), &["tag"]);
    }
    for number in ["99999999999999999999", "-1", "1e999", "1e-999", "0b1", "9223372036854775808"] {
        legal_baseline(number, format!("{OBJECT}  a: {number}\n"));
    }
}

#[test]
fn file_names() {
    for name in
        [&b"a\nb.yaml"[..], b"a'b\".yaml", b"a\x1b[31m.yaml", b"-rf.yaml", b"#.yaml", b" .yaml"]
    {
        let sandbox = web();
        let to = sandbox.dir.join("deploy").join(OsStr::from_bytes(name));
        fs::rename(sandbox.dir.join("deploy/web.yaml"), &to).unwrap();
        legal(&sandbox, &String::from_utf8_lossy(name));
        let ran = graylane(&sandbox, "generate --check");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        for (path, bytes) in sandbox.tree() {
            let text = String::from_utf8(bytes).unwrap();
            let first = text.lines().nth(1).unwrap_or_default();
            let wants = path.starts_with("overlays/") && path.ends_with(".yaml");
            assert!(!wants || first.starts_with("apiVersion: "), "{path}: {text}");
        }
        fs::OpenOptions::new().append(true).open(&to).unwrap().write_all(b"---\na: [\n").unwrap();
        refused(&sandbox, "generate", &["deploy/"]);
    }
    let sandbox = web();
    fs::write(sandbox.dir.join("deploy").join(OsStr::from_bytes(b"\xff.yaml")), "a: 1\n").unwrap();
    refused(&sandbox, "generate", &["deploy/", "UTF-8"]);
}

#[test]
fn names_that_are_not_utf8_are_told_where_they_may_be_manifests() {
    let baseline = [&b"\xff.yaml"[..], b"\xff/more.yaml", b"a/\xff/more.json", b"\xff/b/more.yml"];
    let others = [&b"\xff.txt"[..], b"\xff/README", b".\xff/more.yaml", b"\xff/.b/more.yaml"];
    let cases = baseline.map(|name| (name, 2)).into_iter().chain(others.map(|name| (name, 0)));
    for (name, code) in cases {
        let sandbox = web();
        let file = sandbox.dir.join("deploy").join(OsStr::from_bytes(name));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "a: 1\n").unwrap();
        sandbox.commit_all();
        for command in ["render", "--rev HEAD render"] {
            let ran = graylane(&sandbox, command);
            assert_eq!(ran.code, code, "{command} with {}: {}", name.escape_ascii(), ran.stderr);
            assert!(code == 0 || ran.stderr.contains("not UTF-8"), "{}", ran.stderr);
            assert!(code == 0 || ran.stderr.contains("deploy/"), "{}", ran.stderr);
        }
    }
}

#[test]
fn the_lock_of_an_editor_is_passed_over() {
    let sandbox = web();
    symlink("me@host.1234:567", sandbox.dir.join("deploy/.#web.yaml")).unwrap();
    sandbox.commit_all();
    for command in ["render", "--rev HEAD render", "generate"] {
        let ran = graylane(&sandbox, command);
        assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
    }
    symlink("nowhere", sandbox.dir.join("deploy/more.yaml")).unwrap();
    refused(&sandbox, "generate", &["deploy/more.yaml", "leads nowhere"]);
}

#[test]
fn locks() {
    let made = web();
    legal(&made, "a lane");
    let path = "overlays/gray/graylane.lock";
    let whole = fs::read_to_string(made.dir.join(path)).unwrap();
    let entry = "entry/ingress-web-mse-gray.yaml";
    let owner = &whole[whole.find("tag = ").unwrap()..whole.find("\n[[files]]").unwrap()];
    let unowned = whole.replace(owner, "");
    let unowned_istio = unowned.replace("name = \"web-gray\"", "name = \"istio\"");
    let broken = [
        whole.replace(entry, "../../deploy/web.yaml"),
        whole.replace(entry, "/etc/passwd"),
        whole.replace(entry, "entry/../../../x"),
        whole.replace(entry, ".git/config"),
        whole.replace(entry, "graylane.lock"),
        whole.replace(entry, "a\\nb"),
        whole.replace(entry, ""),
        whole.replace("version = 1", "version = 2"),
        whole.replace("version = 1", "version = 99999999999999999999"),
        whole.replace("version = 1", "version = \"\\u001b[31m\""),
        whole.replace("tag = \"gray\"", "tag = 1"),
        whole.replace("spec = \"graylane.yaml\"", "spec = \"\""),
        unowned,
        unowned_istio.clone(),
        whole[..whole.len() / 2].to_owned(),
        format!("{whole}\n{}", &whole[whole.find("[[files]]").unwrap()..]),
        format!("{whole}\na = {}", "[".repeat(10_000)),
        format!("{whole}\n{}", "[[files]]\npath = \"x\"\n".repeat(10_000)),
        format!("a{}", ".a".repeat(10_000)),
        "a = 1\n".repeat(1 << 20),
        "x".repeat(16 << 20),
        "not a lock".to_owned(),
        "\0".to_owned(),
        String::new(),
        "<<<<<<< HEAD\n".to_owned() + &whole,
    ];
    for text in broken {
        write(&made, path, text);
        for command in ["generate", "generate --force", "cleanup", "cleanup --all --force"] {
            refused(&made, command, &[path]);
        }
    }
    // What lanes share is no lane's to take away.
    let of_no_service = unowned_istio.lines().filter(|line| !line.starts_with("service = "));
    write(&made, path, of_no_service.collect::<Vec<_>>().join("\n"));
    for command in ["cleanup", "cleanup --force", "cleanup --force --service web"] {
        refused(&made, command, &["overlays/gray", "what lanes share"]);
    }
    write(&made, path, b"\xff\xfe");
    refused(&made, "generate", &[path, "UTF-8"]);
    for make in ["mkdir", "mkfifo", "ln -s /etc/passwd", "ln -s graylane.lock", "ln -s /dev/zero"] {
        made.sh(&format!("rm -rf {path}; {make} {path} 2>/dev/null || ({make} {path})"));
        refused(&made, "generate", &[path]);
        refused(&made, "generate --force", &[path]);
    }
}

/// A spec in which every field that holds a text stands, `rule` being the entry's condition.
fn full_spec(entry: &Value) -> Value {
    json!({
        "apiVersion": "graylane.dev/v1alpha1",
        "kind": "GrayRelease",
        "metadata": {"name": "web-gray"},
        "spec": {
            "tag": "gray",
            "expires": "2026-12-31",
            "namespace": "prod",
            "baseline": {"paths": ["deploy"]},
            "output": {"path": "overlays/gray", "kustomization": true},
            "naming": {"suffix": "-mse-{tag}"},
            "isolation": "auto",
            "delivery": {"engine": "argocd"},
            "strategy": "copy",
            "governance": {"provider": "mse", "canaryLabel": true, "istio": {"output": "overlays/istio"}},
            "gateway": {"class": "mse", "tagHeader": "x-mse-tag", "serviceSubset": true},
            "appstack": appstack(entry),
            "services": [{
                "name": "web",
                "workload": "Deployment/web",
                "images": {"web": "registry.example.com/web:2.0"},
                "replicas": 2,
                "env": {"MODE": "gray"},
                "envByContainer": {"web": {"LEVEL": "debug"}},
                "rewriteEnv": true,
                "copy": ["ConfigMap/settings"],
                "policies": {"Service/web": "copy"},
                "calls": ["web"],
                "patches": [
                    {"target": "Deployment/web", "merge": {"spec": {"minReadySeconds": 5}}},
                    {"target": "Deployment/web", "json": [
                        {"op": "add", "path": "/metadata/annotations", "value": {"note": "text"}},
                        {"op": "copy", "from": "/spec/replicas", "path": "/spec/revisionHistoryLimit"},
                    ]},
                ],
                "entry": entry,
            }],
            "database": {
                "mode": "shadow-database",
                "name": "shop",
                "tables": ["orders"],
                "schema": "schema.sql",
                "env": {"SHADOW": "on"},
                "allowSharedForeignKeys": false,
            },
        },
    })
}

/// A block with either form of values.
fn appstack(entry: &Value) -> Value {
    let mut block = json!({
        "envName": "prod",
        "grayEnvName": "gray",
        "images": {"backend": "registry.example.com/web:1.0"},
    });
    match entry.pointer("/match/query") {
        Some(_) => block["valuesFile"] = json!("values.yaml"),
        None => block["values"] = json!({"note": "text"}),
    }
    block
}

/// A spec without copies, in which every field of the `kruise` block stands.
fn kruise_spec() -> Value {
    json!({
        "apiVersion": "graylane.dev/v1alpha1",
        "kind": "GrayRelease",
        "metadata": {"name": "web-gray"},
        "spec": {
            "tag": "gray",
            "baseline": {"paths": ["deploy"]},
            "strategy": "kruise",
            "kruise": {
                "apiVersion": "v1beta1",
                "steps": [{"replicas": "20%", "traffic": 20, "pause": {"duration": 60}}],
                "gracePeriodSeconds": 5,
                "names": {"trafficRouting": "web-traffic", "rollouts": {"web": "web-rollout"}},
            },
            "services": [{"name": "web", "entry": entries()[0]}],
        },
    })
}

/// Full specs that have other blocks: each with the pointer to what it has besides.
fn governed() -> [(Value, &'static str); 5] {
    let rule = json!({"match": {"headers": [{"name": "x-gray", "exact": "1"}]}});
    let lane = |entry: Value| {
        let mut spec = full_spec(&rule);
        let mut lane = json!({
            "group": "shop", "groupId": 115, "id": 7, "apps": ["x@1"], "namespace": "default",
            "region": "cn-hangzhou", "mode": "content",
        });
        lane.as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
        spec["spec"]["governance"]["lane"] = lane;
        (spec, "/spec/governance/lane")
    };
    let mut findings = full_spec(&rule);
    findings["spec"]["findings"] = json!({"migration": {"severity": "silent", "reason": "text"}});
    let mut commit = full_spec(&rule);
    commit["spec"]["commit"] = json!({"message": "{{ subject }}"});
    let mut opensergo = full_spec(&rule);
    opensergo["spec"]["governance"] = json!({"provider": "opensergo"});
    opensergo["spec"]["gateway"] = json!({"class": "mse"});
    opensergo["spec"]["opensergo"] = json!({
        "rules": ["traffic-label", "workload-label", "traffic-router"],
        "env": "bootstrap", "endpoint": "pilot.opensergo:50051",
    });
    [
        lane(json!({"gateway": "gw-1", "routes": [111]})),
        lane(json!({"app": "x@2"})),
        (opensergo, "/spec/opensergo"),
        (findings, "/spec/findings"),
        (commit, "/spec/commit"),
    ]
}

/// The JSON pointers to all texts of a value; those to a key end in `#`.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let below = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                found.push(format!("{below}#"));
                texts(value, &below, found);
            }
        }
        _ => {}
    }
}

fn replaced(spec: &Value, at: &str, with: &str) -> Value {
    let mut spec = spec.clone();
    if let Some(key) = at.strip_suffix('#') {
        let (above, key) = key.rsplit_once('/').unwrap();
        let fields = spec.pointer_mut(above).unwrap().as_object_mut().unwrap();
        let value = fields.remove(&key.replace("~1", "/").replace("~0", "~")).unwrap();
        fields.insert(with.to_owned(), value);
    } else {
        *spec.pointer_mut(at).unwrap() = Value::String(with.to_owned());
    }
    spec
}

/// Where any text is legal: it is a value or a key, and stays one.
const FREE: [&str; 9] = [
    "/spec/appstack/values/note",
    "/spec/appstack/values/note#",
    "/spec/services/0/patches/0/merge/spec#",
    "/spec/services/0/patches/0/merge/spec/minReadySeconds#",
    "/spec/services/0/env/MODE",
    "/spec/database/env/SHADOW",
    "/spec/services/0/envByContainer/web/LEVEL",
    "/spec/services/0/patches/1/json/0/value/note",
    "/spec/services/0/patches/1/json/0/value/note#",
];

/// Where quotes are legal, but no control characters: names of directories, of databases and, since
/// Kubernetes 1.30, of environment variables.
const QUOTABLE: [&str; 8] = [
    "/spec/output/path",
    "/spec/governance/istio/output",
    "/spec/services/0/env/MODE#",
    "/spec/services/0/envByContainer/web/LEVEL#",
    "/spec/database/env/SHADOW#",
    "/spec/database/name",
    "/spec/findings/migration/reason",
    "/spec/commit/message",
];

/// Characters that end lines, strings, comments or commands.
const BREAKING: [&str; 2] = ["a\nb: c\n---\n\u{1b}[31m\u{7}\r", "a\"b'"];

/// Puts each hostile text into each of these places in turn.
fn hostile(spec: &Value, places: &[String]) {
    let sandbox = web();
    write(&sandbox, "deploy/settings.yaml", format!("{OBJECT}  a: b\n"));
    let manifest = "deploy/web.yaml";
    let text = fs::read_to_string(sandbox.dir.join(manifest)).unwrap();
    let mounted = "          envFrom:\n            - configMapRef: {name: settings}\n";
    let text = text.replacen("web:1.0\n", &format!("web:1.0\n{mounted}"), 1);
    let ingress = "kind: Ingress\nmetadata:\n";
    let annotated = format!("{ingress}  annotations: {{example.com/owner: web}}\n");
    write(&sandbox, manifest, text.replacen(ingress, &annotated, 1));
    write(&sandbox, "schema.sql", "CREATE TABLE orders (a int);");
    write(&sandbox, "values.yaml", "note: text\n");
    write(&sandbox, "graylane.yaml", spec.to_string());
    legal(&sandbox, "the full spec");
    let files = |sandbox: &Sandbox| -> Vec<String> {
        let tree = sandbox.tree().into_iter().map(|(path, _)| path);
        tree.filter(|path| path.starts_with("overlays")).collect()
    };
    let expected = files(&sandbox);
    for at in places {
        for text in BREAKING {
            let _ = fs::remove_dir_all(sandbox.dir.join("overlays"));
            write(&sandbox, "graylane.yaml", replaced(spec, at, text).to_string());
            let is_quotable = QUOTABLE.contains(&at.as_str()) && text == BREAKING[1];
            if !is_quotable && !FREE.contains(&at.as_str()) {
                refused(&sandbox, "generate", &["graylane.yaml"]);
                continue;
            }
            if at == "/spec/output/path" {
                assert_eq!(graylane(&sandbox, "generate --dry-run").code, 0);
                continue;
            }
            legal(&sandbox, at);
            assert_eq!(files(&sandbox), expected, "{at} = {text:?}");
            // A text that became structure would show as another number of documents or lines.
            for (path, bytes) in sandbox.tree() {
                let text = String::from_utf8(bytes).unwrap();
                let is_manifest = path.starts_with("overlays/") && path.ends_with(".yaml");
                assert!(!is_manifest || text.matches("\n---").count() == 0, "{path}: {text}");
            }
        }
    }
}

/// Entries that together have every field of one.
fn entries() -> [Value; 4] {
    let entry = |key: &str, name: &str, rule: Value| json!({key: name, "match": rule});
    [
        entry("ingress", "web", json!({"headers": [{"name": "x-gray", "exact": "1"}]})),
        entry("route", "Ingress/web", json!({"headers": [{"name": "x-gray", "regex": "1|2"}]})),
        entry("ingress", "web", json!({"cookie": {"name": "canary"}})),
        entry("ingress", "web", json!({"query": [{"name": "group", "exact": "gray"}]})),
    ]
}

#[test]
fn hostile_texts_in_every_field() {
    let spec = full_spec(&entries()[0]);
    let mut places = Vec::new();
    texts(&spec, "", &mut places);
    hostile(&spec, &places);
}

#[test]
fn hostile_texts_in_every_field_of_a_rollout() {
    let mut places = Vec::new();
    texts(&kruise_spec(), "", &mut places);
    places.retain(|place| place.contains("/kruise/"));
    hostile(&kruise_spec(), &places);
}

#[test]
fn hostile_texts_in_every_governance() {
    for (spec, at) in governed() {
        let mut places = Vec::new();
        texts(&spec, "", &mut places);
        places.retain(|place| place.starts_with(at));
        hostile(&spec, &places);
    }
}

#[test]
fn hostile_texts_in_every_entry() {
    for entry in &entries()[1..] {
        let (spec, mut places) = (full_spec(entry), Vec::new());
        texts(&spec, "", &mut places);
        places.retain(|place| place.contains("/entry/") || place.ends_with("/valuesFile"));
        hostile(&spec, &places);
    }
}

#[test]
fn no_field_is_left_out() {
    fn properties(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(fields) => {
                if let Some(Value::Object(own)) = fields.get("properties") {
                    found.extend(own.keys().cloned());
                }
                fields.values().for_each(|below| properties(below, found));
            }
            Value::Array(items) => items.iter().for_each(|below| properties(below, found)),
            _ => {}
        }
    }
    let schema = serde_json::from_str(include_str!("../../graylane.schema.json")).unwrap();
    let mut known = Vec::new();
    properties(&schema, &mut known);
    assert!(known.contains(&"tagHeader".to_owned()), "{known:?}");
    let specs: String = entries()
        .iter()
        .map(full_spec)
        .chain(governed().map(|(spec, _)| spec))
        .chain([kruise_spec()])
        .map(|spec| spec.to_string())
        .collect();
    // A number.
    known.retain(|field| field != "weight");
    for field in known {
        assert!(specs.contains(&format!("\"{field}\":")), "`{field}` is in no spec");
    }
}

#[test]
fn values_of_any_type_in_any_field_of_a_rollout_are_refused_or_fit() {
    let steps = ["", "/0", "/0/traffic", "/0/pause", "/0/pause/duration"];
    let steps = steps.map(|field| format!("/spec/kruise/steps{field}"));
    let grace = "/spec/kruise/gracePeriodSeconds";
    let numbers: Vec<&str> = steps.iter().map(String::as_str).chain([grace]).collect();
    values_of_any_type(&kruise_spec(), &numbers);
}

#[test]
fn values_of_any_type_in_any_field_are_refused_or_fit() {
    let spec = full_spec(&entries()[0]);
    values_of_any_type(&spec, &["/spec/services/0/replicas"]);
    let sandbox = web();
    for number in ["1e999999999", &"9".repeat(100_000), "0x7fffffffffffffffffffff", ".nan", "-.inf"]
    {
        let text = spec.to_string().replace("\"replicas\":1", &format!("\"replicas\": {number}"));
        write(&sandbox, "graylane.yaml", text);
        assert_eq!(graylane(&sandbox, "render").code, 2, "{}", &number[..number.len().min(20)]);
    }
}

/// Puts values of every type into every text of a spec, and into these places more.
///
/// Most are refused for what they are, which one run tells of all; the others have one each.
fn values_of_any_type(spec: &Value, more: &[&str]) {
    let sandbox = web();
    let mut paths = Vec::new();
    texts(spec, "", &mut paths);
    paths.extend(more.iter().map(|path| (*path).to_owned()));
    let long = "x".repeat(1 << 16);
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    for path in &paths {
        let values = [
            json!(null),
            json!(-1),
            json!(1e300),
            json!(18_446_744_073_709_551_615_u64),
            json!(true),
            json!([]),
            json!({}),
            json!(long),
            deep.clone(),
        ];
        let mut names = Vec::new();
        for (number, value) in values.into_iter().enumerate() {
            let mut spec = spec.clone();
            let Some(there) = spec.pointer_mut(path) else { continue };
            *there = value;
            let name = format!("value-{number}.yaml");
            write(&sandbox, &name, spec.to_string());
            names.push(name);
        }
        let all = graylane(&sandbox, &format!("--quiet render {}", names.join(" ")));
        let refused = |name: &String| all.stderr.contains(&format!("{name}:"));
        assert!(all.code == 2 || !names.iter().any(refused), "{path}: {}", all.stderr);
        for name in names.iter().filter(|name| !refused(name)) {
            graylane(&sandbox, &format!("--quiet render {name}"));
        }
    }
}

#[test]
fn many_wrong_services_cost_no_more_than_each_alone() {
    let sandbox = web();
    let mut text = String::new();
    let mut services = String::new();
    for number in 0..2000 {
        text.push_str(&format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: service-{number}}}\nspec: {{}}\n"
        ));
        services.push_str(&format!("    - name: servise-{number}\n      images: {{a: 'b:1'}}\n"));
    }
    write(&sandbox, "deploy/many.yaml", text);
    write(&sandbox, "graylane.yaml", format!("{}{services}", spec(&sandbox)));
    let ran = graylane(&sandbox, "render");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("did you mean `Deployment/service-0`"));
    assert!(ran.stderr.contains("more errors"));
}

#[test]
fn arguments_of_any_kind_are_refused_or_fit() {
    let sandbox = web();
    sandbox.commit_all();
    let before = sandbox.tree();
    let long = "x".repeat(100_000);
    for args in [
        "",
        "nonsense",
        "render --nonsense",
        "render ''",
        "render -",
        "render -- --quiet",
        "render \"$(printf 'a\\nb')\"",
        "render \"$(printf '\\377')\"",
        "render \"$(printf '\\033[31m')\"",
        &format!("render {long}"),
        "render --baseline ''",
        "render --baseline /etc/passwd",
        "render --baseline ../..",
        "render --baseline - --baseline -",
        "render --baseline \"$(printf '\\377')\"",
        "--repo '' render",
        "--repo /nonexistent render",
        "--repo graylane.yaml render",
        "--repo \"$(printf '\\377')\" render",
        "--rev '' render",
        "--rev -x render",
        "--rev --upload-pack=x render",
        "--rev HEAD:deploy render",
        "--rev 'HEAD^{tree}' render",
        "--rev \"$(printf 'a\\nb')\" render",
        &format!("--rev {long} render"),
        "--rev nonsense generate",
        "generate --commit --author nonsense",
        "generate --commit --author \"$(printf 'a\\nb <c@d>')\"",
        "generate --check --commit",
        "cleanup nonsense.yaml",
        "init --file ../outside.yaml deploy",
        "init --file /tmp/graylane-outside.yaml deploy",
        "init --file .git/config --force deploy",
        "init --tag a/../b --file new.yaml deploy",
        "init --tag \"$(printf 'a\\nb')\" --file new.yaml deploy",
        "init --file new.yaml ../..",
        "init --file graylane.yaml/x deploy",
        "init --file deploy --force deploy",
        "diff --against nonsense",
        "completions nonsense",
        "--color nonsense render",
    ] {
        let ran = graylane(&sandbox, args);
        assert_eq!(ran.code, 2, "{args:.80}: {}{}", ran.stdout, ran.stderr);
        assert!(!ran.stderr.is_empty());
        assert!(sandbox.tree() == before, "{args:.80}");
    }
}
