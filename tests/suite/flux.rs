//! What Flux and kustomize make of overlays: its Kustomizations lead to directories that are there,
//! and kubectl builds them to what `render` prints.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::Sandbox;
use graylane::overlay::Directory;
use graylane::yaml::{Source, parse};
use serde_json::Value;

/// A field, and whether a value fits it.
type Field = (&'static str, fn(&Value) -> bool);

/// The fields of `spec` of kustomize.toolkit.fluxcd.io/v1 and their types, those that are required
/// first.
///
/// Source: fluxcd/kustomize-controller api/v1 (KustomizationSpec).
const FIELDS: [Field; 9] = [
    ("interval", is_duration),
    ("prune", Value::is_boolean),
    ("sourceRef", is_source),
    ("dependsOn", is_dependencies),
    ("path", Value::is_string),
    ("retryInterval", is_duration),
    ("targetNamespace", Value::is_string),
    ("timeout", is_duration),
    ("wait", Value::is_boolean),
];
const REQUIRED: usize = 3;

/// Of the pattern `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$` that the CRD has, what is used.
fn is_duration(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let number = text.trim_end_matches(['s', 'm', 'h']);
    number.len() + 1 == text.len() && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_source(value: &Value) -> bool {
    let fields = value.as_object().unwrap();
    fields.len() == 2 && fields["kind"] == "GitRepository" && fields["name"].is_string()
}

fn is_dependencies(value: &Value) -> bool {
    value.as_array().unwrap().iter().all(|one| one["name"].is_string())
}

fn example(name: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&examples().join(name));
    sandbox
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Adds lines to the `spec` of a sandbox's release.
fn set(sandbox: &Sandbox, lines: &str) {
    let path = sandbox.dir.join("graylane.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text.replacen("\nspec:\n", &format!("\nspec:\n{lines}"), 1)).unwrap();
}

#[track_caller]
fn ok(sandbox: &Sandbox, line: &str) -> String {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

fn documents(name: &str, text: String) -> Vec<Value> {
    let stream = parse(Source::new(name, text)).unwrap();
    let documents = stream.documents.iter().filter(|document| !document.is_empty());
    documents.map(|document| document.root().to_json()).collect()
}

/// The Kustomizations in a file, whose fields are what Flux knows.
#[track_caller]
fn kustomizations(sandbox: &Sandbox, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(sandbox.dir.join(file)).unwrap();
    let objects = documents(file, text);
    for object in &objects {
        assert_eq!(object["apiVersion"], "kustomize.toolkit.fluxcd.io/v1");
        assert_eq!(object["kind"], "Kustomization");
        let spec = object["spec"].as_object().unwrap();
        for (field, value) in spec {
            let known = FIELDS.iter().find(|(name, _)| name == field);
            assert!(known.is_some_and(|(_, fits)| fits(value)), "{field}: {value}");
        }
        for (field, _) in &FIELDS[..REQUIRED] {
            assert!(spec.contains_key(*field), "lacks {field}");
        }
    }
    objects
}

/// The paths of Kustomizations as the last commit has them: how many files are in each.
fn paths_in_head(sandbox: &Sandbox, objects: &[Value]) -> Vec<(String, usize)> {
    let path = |object: &Value| object["spec"]["path"].as_str().unwrap().to_owned();
    let count = |path: String| {
        let directory = path.strip_prefix("./").unwrap();
        let files = ok(sandbox, &format!("git ls-tree --name-only HEAD '{directory}/'"));
        (path, files.lines().count())
    };
    objects.iter().map(path).map(count).collect()
}

#[test]
fn kustomizations_lead_to_directories_that_stay() {
    for (name, output, count) in [
        ("mse-demo", "", 2),
        ("mse-demo", "  output: {kustomization: true}\n", 2),
        // All that a lane of OpenKruise has is in one directory.
        ("kruise", "", 1),
        ("kruise", "  output: {path: lanes/gray, kustomization: true}\n", 2),
    ] {
        let sandbox = example(name);
        set(&sandbox, &format!("  delivery: {{engine: flux}}\n{output}"));
        sandbox.commit_all();
        ok(&sandbox, "graylane init --flux --file flux.yaml");
        ok(&sandbox, "graylane generate --commit");
        let objects = kustomizations(&sandbox, "flux.yaml");
        assert_eq!(objects.len(), count, "{name}: {output}");
        let directories = [Directory::Workloads, Directory::Entry];
        for (object, directory) in objects.iter().zip(directories) {
            let path = object["spec"]["path"].as_str().unwrap();
            assert!(path.ends_with(&format!("/{}", directory.as_str())), "{path}");
        }
        let checked = ok(&sandbox, "graylane check --format json");
        assert!(!checked.contains("overlay-not-applied"), "{checked}");
        assert!(!checked.contains("overlay-applied-twice"), "{checked}");
        for line in
            [None, Some("graylane cleanup --drain --commit"), Some("graylane cleanup --commit")]
        {
            line.map(|line| ok(&sandbox, line));
            for (path, files) in paths_in_head(&sandbox, &objects) {
                assert!(files > 0, "{name}, after {line:?}: {path} is not there");
            }
        }
    }
}

#[test]
fn a_directory_that_loses_its_manifests_by_a_change_of_the_spec_stays() {
    for output in ["", "  output: {kustomization: true}\n"] {
        for commits in [true, false] {
            let sandbox = example("mse-demo");
            set(&sandbox, output);
            sandbox.commit_all();
            ok(&sandbox, "graylane generate --commit");
            let path = sandbox.dir.join("graylane.yaml");
            let text = fs::read_to_string(&path).unwrap();
            let (before, entry) = text.split_once("      entry:\n").unwrap();
            let after = &entry[entry.find("    - name: spring-c").unwrap()..];
            fs::write(&path, format!("{before}{after}")).unwrap();
            if !commits {
                ok(&sandbox, "graylane generate");
            }
            ok(&sandbox, "graylane generate --commit");
            let left = ok(&sandbox, "git ls-tree --name-only HEAD overlays/gray/entry/");
            assert_eq!(left.lines().count(), 1, "{left}");
            assert_eq!(ok(&sandbox, "git status --porcelain overlays"), "");
            ok(&sandbox, "graylane generate --check");
        }
    }
}

#[test]
fn a_lane_that_comes_back_without_kustomizations_leaves_none_in_git() {
    for commits in [true, false] {
        let sandbox = example("mse-demo");
        set(&sandbox, "  output: {kustomization: true}\n");
        sandbox.commit_all();
        ok(&sandbox, "graylane generate --commit && graylane cleanup --commit");
        let left = ok(&sandbox, "git ls-files overlays");
        assert_eq!(left.lines().count(), 3, "{left}");
        ok(&sandbox, "graylane generate --commit && graylane cleanup --commit");
        let path = sandbox.dir.join("graylane.yaml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("kustomization: true", "kustomization: false")).unwrap();
        if !commits {
            ok(&sandbox, "graylane generate");
        }
        ok(&sandbox, "graylane generate --commit");
        let files = ok(&sandbox, "git ls-tree -r --name-only HEAD overlays");
        assert!(files.contains("/entry/ingress-") && !files.contains("kustomization"), "{files}");
        assert_eq!(ok(&sandbox, "git status --porcelain overlays"), "");
    }
}

#[test]
fn lanes_of_one_name_do_not_get_the_same_kustomizations() {
    let sandbox = example("mse-demo");
    let spec = fs::read_to_string(sandbox.dir.join("graylane.yaml")).unwrap();
    let second = spec.replace("tag: gray", "tag: pr-7").replace("\"100\"", "\"7\"");
    fs::write(sandbox.dir.join("second.yaml"), &second).unwrap();
    let ran = sandbox.sh("graylane init --flux graylane.yaml second.yaml");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let both = "graylane.yaml and second.yaml both name their lane `spring-gray`";
    assert!(ran.stderr.contains(both), "{}", ran.stderr);
    assert!(!sandbox.dir.join("flux").exists());
    let renamed = second.replace("name: spring-gray", "name: spring-7");
    fs::write(sandbox.dir.join("second.yaml"), renamed).unwrap();
    ok(&sandbox, "graylane init --flux graylane.yaml second.yaml");
    assert_eq!(kustomizations(&sandbox, "flux/spring-7.yaml").len(), 2);
}

#[test]
fn a_namespace_that_flux_would_replace_is_told_of() {
    let sandbox = example("mse-demo");
    set(&sandbox, "  namespace: shop\n");
    for (target, is_told) in [("shop", false), ("other", true)] {
        let line = format!("graylane init --flux --file {target}.yaml --target-namespace {target}");
        let ran = sandbox.sh(&line);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let told = "name the namespace `shop` are moved to `other`";
        assert_eq!(ran.stderr.contains(told), is_told, "{}", ran.stderr);
    }
}

#[test]
fn a_service_that_was_removed_is_told_from_a_baseline_that_moved() {
    let sandbox = example("mse-demo");
    set(&sandbox, "  output: {kustomization: true}\n");
    sandbox.commit_all();
    ok(&sandbox, "graylane generate --commit && graylane cleanup --service spring-a --commit");
    let checked = ok(&sandbox, "graylane check --format json");
    assert!(checked.contains("the service `spring-a` was removed from the overlay"), "{checked}");
    assert!(!checked.contains("baseline-moved"), "{checked}");
}

/// The hooks of `.pre-commit-hooks.yaml`, and a job that writes lanes whenever something changes.
#[test]
fn hooks_and_jobs_let_a_lane_go() {
    for output in ["", "  output: {kustomization: true}\n"] {
        let sandbox = example("mse-demo");
        set(&sandbox, output);
        sandbox.commit_all();
        ok(&sandbox, "graylane generate --commit");
        let hook = "graylane check --if-present && graylane generate --check --if-present";
        let hook = format!("printf '#!/bin/sh\n{hook}\n' >.git/hooks/pre-commit");
        ok(&sandbox, &format!("{hook} && chmod +x .git/hooks/pre-commit"));
        let job = "graylane generate --if-present --commit";
        let written = |line: &str| {
            let before = ok(&sandbox, "git rev-parse HEAD");
            ok(&sandbox, line);
            before != ok(&sandbox, "git rev-parse HEAD")
        };
        for removal in ["--drain", "--keep-metadata", ""] {
            assert!(written(&format!("graylane cleanup {removal} --commit")), "{removal}");
            assert_eq!(written(job), removal.is_empty(), "{removal}");
        }
        ok(&sandbox, "graylane cleanup --drain --commit");
        // What the lane is made from may change meanwhile.
        let line = "echo '# a comment' >>deploy/spring-c.yaml && git commit -qam comment";
        assert!(written(line));
        assert!(!written(job));
        ok(&sandbox, &format!("git branch other && {job} --branch other"));
        assert_eq!(ok(&sandbox, "git rev-list HEAD..other"), "");
        // A change of the spec is meant.
        set(&sandbox, "  expires: 2099-01-01\n");
        let line = "graylane generate --check --if-present";
        assert_eq!(sandbox.sh(line).code, 1, "{line}");
        ok(&sandbox, "git commit -qam 'Keep the lane' --no-verify");
        assert!(written(job));
        assert!(ok(&sandbox, "git ls-files overlays").contains("/ingress-"));
    }
}

/// Objects by kind, namespace and name.
fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let key = |object: &Value| {
        let metadata = &object["metadata"];
        format!("{} {} {}", object["kind"], metadata["namespace"], metadata["name"])
    };
    objects.into_iter().map(|object| (key(&object), object)).collect()
}

#[test]
fn kubectl_builds_the_overlays_of_all_examples_to_what_render_prints() {
    let version = Command::new("kubectl").args(["version", "--client"]).output();
    if !version.is_ok_and(|output| output.status.success()) {
        writeln!(std::io::stderr(), "skipped: kubectl is not installed").unwrap();
        return;
    }
    let mut built = BTreeSet::new();
    for entry in fs::read_dir(examples()).unwrap() {
        let entry = entry.unwrap();
        if !entry.path().join("graylane.yaml").is_file() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        let sandbox = example(&name);
        set(&sandbox, "  output: {path: overlays/gray, kustomization: true}\n");
        ok(&sandbox, "graylane generate -q");
        let mut rendered = by_name(documents("render", ok(&sandbox, "graylane render -q")));
        // What lanes share is in no overlay.
        if sandbox.dir.join("overlays/istio").is_dir() {
            let shared =
                ok(&sandbox, "for file in overlays/istio/*/*.yaml; do cat $file; echo ---; done");
            for key in by_name(documents("shared", shared)).into_keys() {
                rendered.remove(&key);
            }
        }
        assert!(!rendered.is_empty());
        let build = |directory: &str| {
            let line = format!("kubectl kustomize overlays/gray{directory}");
            by_name(documents("kubectl", ok(&sandbox, &line)))
        };
        assert_eq!(build(""), rendered, "{name}");
        // As the two Kustomizations of Flux read them.
        let mut parts = build("/workloads");
        parts.extend(build("/entry"));
        assert_eq!(parts, rendered, "{name}");
        ok(&sandbox, "graylane cleanup -q --drain");
        assert_eq!(build("/entry").len(), 0, "{name}");
        ok(&sandbox, "graylane cleanup -q");
        assert_eq!(build("").len(), 0, "{name}");
        built.insert(name);
    }
    assert!(built.contains("mse-demo") && built.contains("kruise"), "{built:?}");
}
