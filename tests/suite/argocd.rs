//! graylane as Argo CD's config-management plugin: run as its server runs it.
//!
//! Source of the contract: argoproj/argo-cd, cmpserver/plugin/plugin.go (command, directory, splitting
//! of the output), util/io/files/tar.go (modes), reposerver/repository/repository.go (environment).

mod application;
mod templates;

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::sandbox::{Sandbox, tree};
use application::{Application, documents, parameters};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn demo() -> Application {
    Application::of(&root().join("examples/mse-demo"), ".")
}

/// What `render` prints in a repository with these files.
fn rendered(files: &[(String, Vec<u8>)], line: &str) -> String {
    let sandbox = Sandbox::new();
    for (path, bytes) in files {
        let to = sandbox.dir.join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    sandbox.commit_all();
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 0, "{line}: {}", ran.stderr);
    ran.stdout
}

#[test]
fn every_example_gives_what_render_prints() {
    let mut seen = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let example = entry.unwrap().path();
        if !example.join("graylane.yaml").is_file() {
            continue;
        }
        let app = Application::of(&example, ".");
        let before = tree(&app.tree);
        let ran = app.run(&["--cmp"], &[]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", example.display());
        assert_eq!(ran.stdout, rendered(&before, "graylane -q render"), "{}", example.display());
        assert!(!documents(&ran.stdout).is_empty());
        assert_eq!(tree(&app.tree), before, "{} was written to", example.display());
        seen += 1;
    }
    assert!(seen > 5, "{seen} examples");
}

#[test]
fn an_application_may_be_anywhere_in_the_repository() {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&root().join("examples/mse-demo"));
    fs::create_dir_all(sandbox.dir.join("teams/a")).unwrap();
    let spec = fs::read_to_string(sandbox.dir.join("graylane.yaml")).unwrap();
    fs::remove_file(sandbox.dir.join("graylane.yaml")).unwrap();
    let spec = spec.replace("[deploy]", "[../../deploy]");
    fs::write(sandbox.dir.join("teams/a/graylane.yaml"), &spec).unwrap();
    let app = Application::of(&sandbox.dir, "teams/a");
    let ran = app.run(&["--cmp"], &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout, rendered(&sandbox.tree(), "graylane -q render teams/a/graylane.yaml"));
    // By another name, as an application says or the plugin's command does.
    fs::create_dir(sandbox.dir.join("teams/b")).unwrap();
    fs::write(sandbox.dir.join("teams/b/lane.yaml"), &spec).unwrap();
    let app = Application::of(&sandbox.dir, "teams/b");
    let by_parameter =
        app.run(&["--cmp"], &parameters(r#"[{"name": "spec", "string": "lane.yaml"}]"#));
    let by_argument = app.run(&["--cmp", "lane.yaml"], &[]);
    assert_eq!((by_parameter.code, by_parameter.stderr.as_str()), (0, ""));
    assert_eq!(by_parameter.stdout, by_argument.stdout);
    assert!(by_argument.stdout.contains("from teams/b/lane.yaml and deploy/"));
    // What leads out of the repository is no path of an application.
    for path in ["../b", "/", "teams/../.."] {
        let ran = app.run(&["--cmp", "lane.yaml"], &[("ARGOCD_APP_SOURCE_PATH", path)]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{path}");
        assert!(ran.stderr.contains("ARGOCD_APP_SOURCE_PATH cannot be used"), "{path}");
    }
    // Without `.git` too, nothing outside of the tree is read.
    for path in ["../../../secret.yaml", "/etc/passwd"] {
        let json = serde_json::json!([{"name": "spec", "string": path}]).to_string();
        let ran = app.run(&["--cmp"], &parameters(&json));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{path}");
        assert!(ran.stderr.contains("repository"), "{}", ran.stderr);
    }
}

#[test]
fn the_path_of_an_application_may_have_links() {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&root().join("examples/mse-demo"));
    let spec = fs::read_to_string(sandbox.dir.join("graylane.yaml")).unwrap();
    fs::remove_file(sandbox.dir.join("graylane.yaml")).unwrap();
    for directory in ["apps/shop/a", "teams"] {
        fs::create_dir_all(sandbox.dir.join(directory)).unwrap();
    }
    let spec = spec.replace("[deploy]", "[../../../deploy]");
    fs::write(sandbox.dir.join("apps/shop/a/graylane.yaml"), spec).unwrap();
    std::os::unix::fs::symlink("../apps/shop", sandbox.dir.join("teams/b")).unwrap();
    let app = Application::of(&sandbox.dir, "teams/b/a");
    let ran = app.run(&["--cmp"], &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        Application::of(&sandbox.dir, "apps/shop/a").run(&["--cmp"], &[]).stdout
    );
}

#[test]
fn parameters_do_what_an_edit_of_the_spec_does() {
    let app = demo();
    let json = r#"[{"name": "tag", "string": "pr-7"},
        {"name": "images", "map": {"spring-a": "r.example.com/a:7", "spring-cloud-c": "r.example.com/c:7"}},
        {"name": "replicas", "map": {"spring-c": "3", "spring-a": ""}}]"#;
    let ran = app.run(&["--cmp"], &parameters(json));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let mut files = tree(&app.tree);
    let spec = files.iter_mut().find(|(path, _)| path == "graylane.yaml").unwrap();
    let text = String::from_utf8(spec.1.clone()).unwrap();
    let text = text
        .replace("tag: gray", "tag: pr-7")
        .replace("registry.example.com/mse-demo/spring-cloud-a:0.2.0", "r.example.com/a:7")
        .replace("registry.example.com/mse-demo/spring-cloud-c:0.2.0", "r.example.com/c:7");
    spec.1 = format!("{text}      replicas: 3\n").into_bytes();
    assert_eq!(ran.stdout, rendered(&files, "graylane -q render"));
    for part in ["spring-cloud-a-mse-pr-7", "image: r.example.com/c:7", "replicas: 3"] {
        assert!(ran.stdout.contains(part), "{part}");
    }
}

#[test]
fn hostile_values_are_refused_and_give_nothing() {
    let app = demo();
    let values = [
        "a\nkind: Secret",
        "a\r\nb",
        "\"",
        "'",
        "a'b",
        "../../etc/passwd",
        "$(id)",
        "`id`",
        "{{ .Values }}",
        "a: b",
        "a\u{0}b",
        "\u{202e}gray",
        "original",
        &"x".repeat(100),
    ];
    for value in values {
        let json = serde_json::json!([{"name": "tag", "string": value}]).to_string();
        let ran = app.run(&["--cmp"], &parameters(&json));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{value:?}");
        assert!(ran.stderr.contains("(with ARGOCD_APP_PARAMETERS):"), "{}", ran.stderr);
        assert!(!ran.stderr.contains('\u{202e}') && !ran.stderr.contains('\u{0}'), "{value:?}");
    }
    for value in ["r/a:1\nkind: Secret", "r/a:1\"", "r/a:1'", "r/a:1 x", "r/\u{0}"] {
        let json = serde_json::json!([{"name": "images", "map": {"spring-a": value}}]).to_string();
        let ran = app.run(&["--cmp"], &parameters(&json));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{value:?}");
    }
    for (json, told) in [
        (r#"[{"name": "tga", "string": "a"}]"#, "did you mean `tag`?"),
        (r#"[{"name": "images", "map": {"sprin-a": "r/a:1"}}]"#, "did you mean `spring-a`?"),
        (r#"[{"name": "images", "map": {"spring-a/nginx": "r/a:1"}}]"#, "nginx"),
        (r#"[{"name": "replicas", "map": {"spring-a": "1e9"}}]"#, "whole number"),
        (r#"[{"name": "tag", "string": "gray"}"#, "is no list of parameters"),
    ] {
        let ran = app.run(&["--cmp"], &parameters(json));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{json}");
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
}

#[test]
fn findings_of_severity_error_stop_it() {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&root().join("examples/online-boutique"));
    let path = sandbox.dir.join("graylane.yaml");
    let spec = fs::read_to_string(&path).unwrap();
    fs::write(&path, spec.replace("isolation: relabel", "isolation: version-label")).unwrap();
    let ran = Application::of(&sandbox.dir, ".").run(&["--cmp"], &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("error[selector-leak]"), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\u{1b}'));
}

#[test]
fn errors_show_no_line_of_the_baseline() {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&root().join("examples/mse-demo"));
    let secret =
        "apiVersion: v1\nkind: Secret\nstringData: {password: hunter2, password: hunter3}\n";
    fs::write(sandbox.dir.join("deploy/secret.yaml"), secret).unwrap();
    let ran = Application::of(&sandbox.dir, ".").run(&["--cmp"], &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("deploy/secret.yaml:3:"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("hunter"), "{}", ran.stderr);
}

#[test]
fn nothing_is_an_error_unless_it_is_allowed() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.dir.join("README.md"), "No lane any more.\n").unwrap();
    let app = Application::of(&sandbox.dir, ".");
    let ran = app.run(&["--cmp"], &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("there is no spec here"), "{}", ran.stderr);
    let ran = app.run(&["--cmp", "--allow-empty"], &[]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
    // One that the command names for all applications is not there by mistake.
    let ran = app.run(&["--cmp", "--allow-empty", "graylane.yaml"], &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    // One that the application names went with its lane, whatever else it sets and is beside it.
    fs::write(sandbox.dir.join("graylane.yaml"), "another: lane\n").unwrap();
    let app = Application::of(&sandbox.dir, ".");
    for named in [
        r#"[{"name": "spec", "string": "lanes/gone.yaml"}]"#,
        r#"[{"name": "spec", "string": "gone.yaml"}, {"name": "tag", "string": "pr-1"}]"#,
    ] {
        let ran = app.run(&["--cmp", "--allow-empty"], &parameters(named));
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""), "{named}");
        let ran = app.run(&["--cmp"], &parameters(named));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{named}");
        assert!(ran.stderr.contains("gone.yaml cannot be read: it does not exist"), "{named}");
    }
    // What is there and cannot be read is no lane that is gone.
    for named in ["graylane.yaml", ".", "../gone.yaml"] {
        let named = format!(r#"[{{"name": "spec", "string": "{named}"}}]"#);
        let ran = app.run(&["--cmp", "--allow-empty"], &parameters(&named));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{named}");
    }
}

#[test]
fn parameters_are_announced_with_what_the_spec_says() {
    let app = demo();
    // One that is wrong does not hide what there is to set.
    for given in [&[][..], &parameters(r#"[{"name": "tga", "string": "a"}]"#)] {
        let ran = app.run(&["--cmp-parameters"], given);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        let announced: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let value = |name: &str, field: &str| {
            let mut all = announced.as_array().unwrap().iter();
            all.find(|each| each["name"] == name).unwrap()[field].clone()
        };
        assert_eq!(value("spec", "string"), "graylane.yaml");
        assert_eq!(value("tag", "string"), "gray");
        let image = "registry.example.com/mse-demo/spring-cloud-a:0.2.0";
        assert_eq!(value("images", "map")["spring-a"], image);
        assert_eq!(value("replicas", "map")["spring-c"], "1");
        // What is announced is what is: setting all of it changes nothing.
        let set = app.run(&["--cmp"], &parameters(&ran.stdout));
        assert_eq!(set.stderr, "");
        assert_eq!(set.stdout, app.run(&["--cmp"], &[]).stdout);
    }
}

#[test]
fn parameters_are_for_one_spec() {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&root().join("examples/mse-demo"));
    let spec = fs::read_to_string(sandbox.dir.join("graylane.yaml")).unwrap();
    let spec = spec.replace("[deploy]", "[../deploy]").replace("output:", "#");
    fs::remove_file(sandbox.dir.join("graylane.yaml")).unwrap();
    fs::create_dir(sandbox.dir.join("graylane")).unwrap();
    fs::write(sandbox.dir.join("graylane/a.yaml"), &spec).unwrap();
    let other = spec.replace("tag: gray", "tag: blue").replace("spring-gray", "spring-blue");
    fs::write(sandbox.dir.join("graylane/b.yaml"), other.replace("\"100\"", "\"200\"")).unwrap();
    let app = Application::of(&sandbox.dir, ".");
    let ran = app.run(&["--cmp"], &parameters(r#"[{"name": "tag", "string": "pr-1"}]"#));
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("graylane/a.yaml, graylane/b.yaml"), "{}", ran.stderr);
    let json =
        r#"[{"name": "tag", "string": "pr-1"}, {"name": "spec", "string": "graylane/b.yaml"}]"#;
    let ran = app.run(&["--cmp"], &parameters(json));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.contains("-mse-pr-1") && ran.stdout.contains("\"200\""), "{}", ran.stdout);
    let ran = app.run(&["--cmp-parameters"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let announced: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(announced.as_array().unwrap().len(), 1);
}

#[test]
fn the_tree_may_be_a_part_of_the_repository() {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&root().join("examples/mse-demo"));
    let spec = fs::read_to_string(sandbox.dir.join("graylane.yaml")).unwrap();
    fs::remove_file(sandbox.dir.join("graylane.yaml")).unwrap();
    fs::create_dir(sandbox.dir.join("lane")).unwrap();
    let spec = spec.replace("[deploy]", "[../deploy]");
    fs::write(sandbox.dir.join("lane/graylane.yaml"), spec).unwrap();
    // Argo CD says where the application is in the repository, not where it is in the tree.
    let app = Application::of(&sandbox.dir, "lane");
    let ran = app.run(&["--cmp"], &[("ARGOCD_APP_SOURCE_PATH", "teams/shop/lane")]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout, app.run(&["--cmp"], &[]).stdout);
    assert_eq!(documents(&ran.stdout).len(), 4);
    // Where the baseline was left out, its absence is no empty lane.
    let ran = app.run(&["--cmp"], &[("ARGOCD_APP_SOURCE_PATH", "teams/shop")]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("leaves the repository"), "{}", ran.stderr);
}

/// A plugin that reads its baseline from standard input, of which it has read some but not the end.
fn waiting(app: &Application) -> std::process::Child {
    let mut command = app.command(&["--cmp", "--baseline", "-"], &[]);
    let pipe = || Stdio::piped();
    let mut child = command.stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().unwrap();
    // More than a pipe holds: when it is written, the plugin is reading.
    let comment = "# a comment\n".repeat(1 << 16);
    child.stdin.as_mut().unwrap().write_all(comment.as_bytes()).unwrap();
    child
}

#[test]
fn sigterm_ends_it_at_once() {
    let app = demo();
    let mut child = waiting(&app);
    let sent = Instant::now();
    let kill = std::process::Command::new("sh")
        .args(["-c", &format!("kill -TERM {}", child.id())])
        .status()
        .unwrap();
    assert!(kill.success());
    // Argo CD kills what is still there after five seconds.
    while child.try_wait().unwrap().is_none() && sent.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = child.try_wait().unwrap();
    if status.is_none() {
        child.kill().unwrap();
    }
    assert_eq!(status.and_then(|status| status.signal()), Some(15));
    let output = child.wait_with_output().unwrap();
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
}

#[test]
fn half_an_output_is_no_success() {
    let app = demo();
    let mut child = waiting(&app);
    drop(child.stdout.take());
    for file in ["spring-a", "spring-b", "spring-c", "nacos"] {
        let manifest = fs::read(app.tree.join(format!("deploy/{file}.yaml"))).unwrap();
        let stdin = child.stdin.as_mut().unwrap();
        stdin.write_all(b"---\n").unwrap();
        stdin.write_all(&manifest).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output was closed"));
}
