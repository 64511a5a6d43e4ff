//! The program from end to end in repositories of every shape, where a snapshot does not show enough.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sandbox::{Ran, Sandbox};

/// A repository with a baseline and its spec, committed.
fn web() -> Sandbox {
    let sandbox = unborn();
    sandbox.commit_all();
    sandbox
}

/// The same files without any commit or repository.
fn unborn() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&project("tests/baselines/web"));
    sandbox
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a line that must succeed; its output.
#[track_caller]
fn ok(sandbox: &Sandbox, line: &str) -> String {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

/// Runs a line that must stop with an error that says this.
#[track_caller]
fn stops(sandbox: &Sandbox, line: &str, with: &str) -> Ran {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 2, "{line}\n{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains(with), "{}", ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran
}

const OVERLAY: &str = "overlays/gray/entry/ingress-web-mse-gray.yaml
overlays/gray/graylane.lock
overlays/gray/workloads/deployment-web-mse-gray.yaml
overlays/gray/workloads/service-web-mse-gray.yaml
";

#[test]
fn the_same_commit_twice_is_one_commit() {
    let sandbox = web();
    ok(&sandbox, "graylane generate --commit");
    let head = ok(&sandbox, "git rev-parse HEAD");
    ok(&sandbox, "graylane generate --commit");
    assert_eq!(ok(&sandbox, "git rev-parse HEAD"), head);
    assert_eq!(ok(&sandbox, "git diff --name-only HEAD~1 HEAD"), OVERLAY);
    assert_eq!(ok(&sandbox, "git status --short"), "");
}

#[test]
fn what_was_generated_before_is_committed_later() {
    let sandbox = web();
    ok(&sandbox, "graylane generate");
    ok(&sandbox, "graylane generate --commit");
    assert_eq!(ok(&sandbox, "git diff --name-only HEAD~1 HEAD"), OVERLAY);
}

#[test]
fn work_of_the_user_stays_as_it_is() {
    let sandbox = web();
    ok(&sandbox, "printf 'one\\n' > notes.txt && git add notes.txt && git commit -qm notes");
    ok(&sandbox, "printf 'staged\\n' > notes.txt && git add notes.txt");
    ok(&sandbox, "printf 'unstaged\\n' > notes.txt && printf 'new\\n' > untracked.txt");
    ok(&sandbox, "printf 'staged\\n' > other.txt && git add other.txt");
    let before = ok(&sandbox, "git status --short");
    ok(&sandbox, "graylane generate --commit");
    assert_eq!(ok(&sandbox, "git diff --name-only HEAD~1 HEAD"), OVERLAY);
    assert_eq!(ok(&sandbox, "git status --short"), before);
    assert_eq!(ok(&sandbox, "git show :notes.txt; cat notes.txt"), "staged\nunstaged\n");
    ok(&sandbox, "graylane cleanup --commit");
    assert_eq!(ok(&sandbox, "git status --short"), before);
}

#[test]
fn a_first_commit_can_be_a_lane() {
    let sandbox = unborn();
    ok(&sandbox, "git init -q -b main");
    let ran = sandbox.sh("graylane -q diff --against head");
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert!(ran.stdout.contains("objects: 3 added"), "{}", ran.stdout);
    ok(&sandbox, "graylane generate --commit");
    ok(&sandbox, "graylane diff --against head");
    assert_eq!(ok(&sandbox, "git ls-tree -r --name-only HEAD"), OVERLAY);
    assert_eq!(ok(&sandbox, "git symbolic-ref --short HEAD"), "main\n");
}

#[test]
fn a_first_commit_can_be_a_lane_that_is_there_already() {
    let sandbox = unborn();
    ok(&sandbox, "git init -q -b main && graylane generate");
    let told = ok(&sandbox, "graylane generate --commit");
    assert!(told.contains("add web"), "{told}");
    assert_eq!(ok(&sandbox, "git ls-tree -r --name-only HEAD"), OVERLAY);
    ok(&sandbox, "graylane generate --commit");
    assert_eq!(ok(&sandbox, "git rev-list --count HEAD"), "1\n");
}

#[test]
fn without_a_repository_it_generates_and_does_not_commit() {
    let sandbox = unborn();
    ok(&sandbox, "graylane generate");
    ok(&sandbox, "graylane generate --check");
    stops(&sandbox, "graylane generate --commit", "no git repository");
    stops(&sandbox, "graylane render --rev HEAD", "no git repository");
    stops(&sandbox, "graylane diff --against head", "leave out `--against head`");
}

#[test]
fn a_detached_head_moves_alone() {
    let sandbox = web();
    ok(&sandbox, "git checkout -q --detach");
    ok(&sandbox, "graylane generate --commit");
    assert_eq!(ok(&sandbox, "git diff --name-only main HEAD"), OVERLAY);
    assert_eq!(sandbox.sh("git symbolic-ref -q HEAD").code, 1);
}

#[test]
fn a_linked_worktree_commits_to_its_own_branch() {
    let sandbox = web();
    ok(&sandbox, "git worktree add -q ../linked -b lane");
    ok(&sandbox, "cd ../linked && graylane generate --commit && git status --short");
    assert_eq!(ok(&sandbox, "git diff --name-only main lane"), OVERLAY);
    assert_eq!(ok(&sandbox, "git status --short; ls"), "deploy\ngraylane.yaml\n");
}

#[test]
fn a_sparse_checkout_loses_nothing() {
    let sandbox = unborn();
    ok(&sandbox, "mkdir far && echo far > far/away.txt");
    sandbox.commit_all();
    ok(&sandbox, "git sparse-checkout set deploy");
    assert!(!sandbox.dir.join("far/away.txt").exists());
    ok(&sandbox, "graylane generate --commit");
    assert_eq!(ok(&sandbox, "git diff --name-only HEAD~1 HEAD"), OVERLAY);
    assert_eq!(ok(&sandbox, "git show HEAD:far/away.txt"), "far\n");
    assert_eq!(ok(&sandbox, "git status --short"), "");
}

#[test]
fn a_submodule_stays_at_its_commit() {
    let sandbox = web();
    ok(
        &sandbox,
        "git init -q -b main ../part && cd ../part && git commit -q --allow-empty -m part",
    );
    ok(&sandbox, "git -c protocol.file.allow=always submodule --quiet add ../part part");
    ok(&sandbox, "git commit -qm 'Add a part'");
    let part = ok(&sandbox, "git rev-parse HEAD:part");
    ok(&sandbox, "graylane generate --commit");
    assert_eq!(ok(&sandbox, "git rev-parse HEAD:part"), part);
    assert_eq!(ok(&sandbox, "git diff --name-only HEAD~1 HEAD"), OVERLAY);
    assert_eq!(ok(&sandbox, "git status --short"), "");
}

#[test]
fn reading_commands_write_nothing() {
    let sandbox = web();
    ok(&sandbox, "graylane generate --commit && sed -i s/2.0/3.0/ graylane.yaml");
    let times = |sandbox: &Sandbox| {
        let list = "find . -path ./.git/objects -prune -o -printf '%p %T@ %s\\n' | sort";
        ok(sandbox, list)
    };
    let before = times(&sandbox);
    for line in [
        "graylane render",
        "graylane render --rev HEAD",
        "graylane check",
        "graylane diff",
        "graylane diff --against head",
        "graylane list",
        "graylane generate --check",
        "graylane generate --dry-run",
        "graylane cleanup --dry-run",
        "graylane generate nowhere.yaml",
        "graylane cleanup nowhere.yaml",
    ] {
        sandbox.sh(line);
        assert_eq!(times(&sandbox), before, "{line}");
    }
}

#[test]
fn cleaning_up_restores_the_tree_but_for_the_kept_directory() {
    let sandbox = web();
    let before = sandbox.tree();
    ok(&sandbox, "graylane generate --commit && graylane cleanup --commit");
    let mut after = sandbox.tree();
    after.retain(|(path, _)| !path.ends_with("/.gitkeep"));
    assert_eq!(after, before);
    assert!(sandbox.dir.join("overlays/gray").is_dir());
    assert_eq!(ok(&sandbox, "git status --short"), "");
    let head = ok(&sandbox, "git rev-parse HEAD");
    ok(&sandbox, "graylane cleanup --commit");
    assert_eq!(ok(&sandbox, "git rev-parse HEAD"), head);
}

#[test]
fn a_cleanup_that_was_carried_out_earlier_is_committed_as_one() {
    for earlier in ["graylane cleanup", "rm -r overlays"] {
        let sandbox = web();
        ok(&sandbox, "graylane generate --commit");
        ok(&sandbox, earlier);
        ok(&sandbox, "graylane cleanup --commit");
        assert_eq!(
            ok(&sandbox, "git show -s --format=%s"),
            "gray(gray): remove web\n",
            "{earlier}"
        );
        let kept = "overlays/gray/.gitkeep\noverlays/gray/entry/.gitkeep\noverlays/gray/workloads/.gitkeep\n";
        assert_eq!(ok(&sandbox, "git ls-files overlays"), kept, "{earlier}");
        assert_eq!(ok(&sandbox, "git status --short"), "", "{earlier}");
    }
}

#[test]
fn a_refused_cleanup_changes_nothing() {
    let sandbox = web();
    ok(&sandbox, "graylane generate --commit");
    ok(&sandbox, "echo '# by hand' >> overlays/gray/entry/ingress-web-mse-gray.yaml");
    let before = (sandbox.tree(), ok(&sandbox, "git rev-parse HEAD"));
    stops(&sandbox, "graylane cleanup --commit", "changed by hand");
    assert_eq!((sandbox.tree(), ok(&sandbox, "git rev-parse HEAD")), before);
    ok(&sandbox, "graylane cleanup --commit --force");
    assert!(!sandbox.dir.join("overlays/gray/graylane.lock").exists());
}

/// Services `a` and `b`: both read one ConfigMap, and the Ingress of `a` leads to both.
fn two_services() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.dir.join("deploy")).unwrap();
    let mut baseline = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\n".to_owned();
    let mut paths = String::new();
    for name in ["a", "b"] {
        baseline.push_str(&format!(
            "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers: [{{name: main, image: 'r/{name}:1', envFrom: [{{configMapRef: {{name: shared}}}}]}}]
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
"
        ));
        paths.push_str(&format!(
            "          - {{path: /{name}, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}\n"
        ));
    }
    baseline.push_str(&format!(
        "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web}}
spec:
  ingressClassName: mse
  rules:
    - host: example.com
      http:
        paths:
{paths}"
    ));
    fs::write(sandbox.dir.join("deploy/all.yaml"), baseline).unwrap();
    let spec = "apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {name: two}
spec:
  tag: gray
  baseline: {paths: [deploy]}
  services:
    - name: a
      copy: [ConfigMap/shared]
      entry: {match: {headers: [{name: x-gray, exact: '1'}]}}
    - name: b
      copy: [ConfigMap/shared, Service/b]
";
    fs::write(sandbox.dir.join("graylane.yaml"), spec).unwrap();
    sandbox.commit_all();
    sandbox
}

#[test]
fn a_service_that_the_rest_of_the_lane_needs_is_not_removed() {
    let sandbox = two_services();
    ok(&sandbox, "graylane generate --commit");
    let before = (sandbox.tree(), ok(&sandbox, "git rev-parse HEAD"));
    for line in ["graylane cleanup --service a", "graylane cleanup --service a --dry-run"] {
        let ran = stops(&sandbox, line, "needs objects that would go with the service `a`");
        let needs = "(Deployment/b-mse-gray needs ConfigMap/shared-mse-gray)";
        assert!(ran.stderr.contains(needs), "{}", ran.stderr);
        assert!(ran.stderr.contains("run `graylane generate graylane.yaml`"), "{}", ran.stderr);
    }
    stops(
        &sandbox,
        "graylane cleanup --service b --commit",
        "(Ingress/web-mse-gray needs Service/b-mse-gray)",
    );
    assert_eq!((sandbox.tree(), ok(&sandbox, "git rev-parse HEAD")), before);
    let ran = sandbox.sh("graylane cleanup --service a --force");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("next: take `a` out of graylane.yaml"), "{}", ran.stderr);
    assert!(!sandbox.dir.join("overlays/gray/workloads/configmap-shared-mse-gray.yaml").exists());
    ok(&sandbox, "graylane cleanup --service b");
    assert!(!sandbox.dir.join("overlays/gray/graylane.lock").exists());
}

#[test]
fn a_list_says_what_became_of_each_lane() {
    let sandbox = web();
    ok(&sandbox, "graylane generate");
    ok(
        &sandbox,
        "sed 's/tag: gray/tag: blue/; s/x-gray/x-colour/' graylane.yaml > b && mv b graylane.yaml",
    );
    let list = ok(&sandbox, "graylane list");
    assert!(
        list.contains("left over: its spec now writes overlays/blue  -       overlays/gray"),
        "{list}"
    );
    ok(&sandbox, "graylane generate && echo damage >> overlays/gray/graylane.lock");
    let list = ok(&sandbox, "graylane list");
    assert!(list.contains("up to date    -       overlays/blue"), "{list}");
    assert!(list.contains("damaged lock  -       overlays/gray"), "{list}");
    ok(&sandbox, "echo damage >> overlays/blue/graylane.lock");
    assert_eq!(ok(&sandbox, "graylane list").matches("damaged lock").count(), 2);
    ok(
        &sandbox,
        "rm overlays/*/graylane.lock && graylane generate && echo '  x: 1' >> graylane.yaml",
    );
    let list = ok(&sandbox, "graylane list");
    assert!(list.contains("spec has errors  -       overlays/blue"), "{list}");
}

#[test]
fn a_damaged_lock_can_be_mended_without_git() {
    let sandbox = web();
    ok(&sandbox, "graylane generate");
    let before = sandbox.tree();
    ok(&sandbox, "echo damage >> overlays/gray/graylane.lock");
    stops(&sandbox, "graylane generate", "delete it and generate its lane again");
    ok(&sandbox, "rm overlays/gray/graylane.lock && graylane generate");
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn a_cleanup_that_finds_nothing_says_what_there_is() {
    let sandbox = web();
    ok(&sandbox, "graylane generate");
    let ran = sandbox.sh("graylane cleanup --tag nope");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("no lane has the tag `nope`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("the tags are gray"), "{}", ran.stderr);
    ok(&sandbox, "rm graylane.yaml");
    stops(&sandbox, "graylane cleanup --service web", "--tag TAG --service web");
    ok(&sandbox, "graylane cleanup --tag gray --service web");
    assert!(!sandbox.dir.join("overlays/gray/graylane.lock").exists());
}

#[test]
fn a_lane_whose_output_has_moved_is_cleaned_up_where_it_was() {
    for line in ["graylane cleanup graylane.yaml", "graylane cleanup --expired --now 2031-01-01"] {
        let sandbox = web();
        ok(&sandbox, "sed -i '/tag:/a\\  expires: 2030-01-01' graylane.yaml");
        ok(&sandbox, "graylane generate");
        ok(&sandbox, "sed -i '/tag:/a\\  output: lanes/gray' graylane.yaml");
        ok(&sandbox, line);
        assert!(!sandbox.dir.join("overlays/gray/graylane.lock").exists(), "{line}");
    }
}

#[test]
fn an_overlay_that_two_specs_mean_is_cleaned_up_once() {
    let sandbox = web();
    ok(&sandbox, "graylane generate");
    ok(&sandbox, "sed '/tag:/a\\  output: overlays/gray' graylane.yaml > other.yaml");
    ok(&sandbox, "sed -i '/tag:/a\\  output: lanes/gray' graylane.yaml");
    let told = ok(&sandbox, "graylane cleanup --dry-run graylane.yaml other.yaml");
    let mut removed: Vec<&str> = told.lines().filter(|line| line.starts_with("remove")).collect();
    removed.sort_unstable();
    assert!(!removed.is_empty() && removed.windows(2).all(|two| two[0] != two[1]), "{told}");
}

#[test]
fn an_overlay_is_not_written_into_another_repository() {
    let sandbox = web();
    ok(&sandbox, "git init -q part && sed -i '/tag:/a\\  output: part/gray' graylane.yaml");
    stops(&sandbox, "graylane generate", "`part` is a submodule or another repository");
    assert!(!sandbox.dir.join("part/gray").exists());
    // A lane of its own in there is not one of this repository.
    ok(&sandbox, "mkdir part/gray && echo damage > part/gray/graylane.lock");
    assert!(!ok(&sandbox, "graylane list").contains("damaged"));
}

#[test]
fn render_is_the_files_in_one_stream() {
    let sandbox = web();
    let stream = ok(&sandbox, "graylane render -q");
    ok(&sandbox, "graylane generate");
    let files = sandbox
        .tree()
        .into_iter()
        .filter(|(path, _)| path.starts_with("overlays/") && path.ends_with(".yaml"));
    let mut files: Vec<String> =
        files.map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect();
    let mut parts: Vec<String> = stream.split_inclusive("---\n").map(str::to_owned).collect();
    for part in &mut parts {
        *part = part.trim_end_matches("---\n").to_owned();
    }
    files.sort();
    parts.sort();
    assert_eq!(parts, files);
}

#[test]
fn an_author_is_taken_from_the_flag() {
    let sandbox = web();
    ok(&sandbox, "graylane generate --commit --author 'Bea Builder <bea@example.com>'");
    assert_eq!(
        ok(&sandbox, "git show -s --format='%an <%ae> %cn'"),
        "Bea Builder <bea@example.com> Carl Committer\n"
    );
    stops(&sandbox, "graylane generate --commit --author nobody", "Name <mail@example.com>");
}

#[test]
fn paths_are_those_of_the_directory_it_runs_in() {
    let sandbox = web();
    let here = ok(&sandbox, "graylane render -q");
    ok(&sandbox, "mkdir -p deep/er");
    let root = sandbox.dir.to_str().unwrap().to_owned();
    for line in [
        "cd deep/er && graylane render -q ../../graylane.yaml".to_owned(),
        "cd deep/er && graylane -C ../.. render -q".to_owned(),
        format!("cd / && graylane -C {root} render -q"),
        format!("cd deep && graylane render -q {root}/graylane.yaml"),
    ] {
        assert_eq!(ok(&sandbox, &line), here, "{line}");
    }
    stops(&sandbox, "graylane -C nowhere render", "cannot be used");
    stops(&sandbox, "cd deep && graylane render", "graylane init");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let sandbox = web();
    for line in [
        "graylane render | head -n 1",
        "graylane diff | head -n 1",
        "graylane completions bash | head -n 1",
        "graylane man | head -n 1",
        "graylane schema | true",
    ] {
        let ran = sandbox.sh(line);
        let told = ran.stderr.lines().filter(|line| !line.starts_with("note: "));
        assert_eq!(told.count(), 0, "{line}: {}", ran.stderr);
    }
}

#[test]
fn every_command_shows_an_example() {
    let sandbox = Sandbox::new();
    let help = ok(&sandbox, "graylane --help");
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help")
        .collect();
    let expected = [
        "init",
        "check",
        "render",
        "diff",
        "generate",
        "cleanup",
        "list",
        "schema",
        "completions",
        "man",
    ];
    for command in expected {
        assert!(commands.contains(&command), "{commands:?} lacks {command}");
    }
    for command in commands {
        let help = ok(&sandbox, &format!("graylane {command} --help"));
        assert!(
            help.contains("Example") && help.contains(&format!("  graylane {command}")),
            "{help}"
        );
    }
}

#[test]
fn editors_shells_and_packages_get_their_files() {
    let sandbox = Sandbox::new();
    let checked_in = fs::read_to_string(project("graylane.schema.json")).unwrap();
    assert_eq!(ok(&sandbox, "graylane schema"), checked_in);
    for shell in ["bash", "zsh", "fish"] {
        let text = ok(&sandbox, &format!("graylane completions {shell}"));
        assert!(text.contains("cleanup"), "{shell}");
    }
    assert_eq!(sandbox.sh("graylane completions bash > c && bash -n c").code, 0);
    let man = ok(&sandbox, "graylane man");
    assert!(man.contains(".TH") && man.contains("cleanup"));
    assert!(ok(&sandbox, "graylane --version").starts_with("graylane "));
}

#[test]
fn misuse_stops_with_two() {
    let sandbox = web();
    for line in [
        "graylane",
        "graylane generat",
        "graylane diff --against nothing",
        "graylane generate --chekc",
        "graylane cleanup --all graylane.yaml",
        "graylane render --baseline - --baseline deploy < deploy/web.yaml",
        "graylane render graylane.yaml nowhere.yaml",
        "graylane cleanup --rev HEAD",
    ] {
        let ran = sandbox.sh(line);
        assert_eq!(ran.code, 2, "{line}: {}", ran.stderr);
        assert!(!ran.stderr.is_empty() && ran.stdout.is_empty(), "{line}");
    }
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let sandbox = web();
    assert!(!sandbox.sh("graylane diff").stdout.contains('\u{1b}'));
    assert!(sandbox.sh("graylane diff --color always").stdout.contains("\u{1b}["));
    assert!(!sandbox.sh("graylane diff --color never").stdout.contains('\u{1b}'));
}

/// Drafts a spec for the manifests in `deploy` and checks it.
#[track_caller]
fn draft_is_accepted(sandbox: &Sandbox, what: &str) {
    let ran = sandbox.sh("graylane init deploy --file draft.yaml");
    assert_eq!(ran.code, 0, "{what}: {}", ran.stderr);
    let ran = sandbox.sh("graylane check draft.yaml");
    assert_eq!(ran.code, 0, "{what}: {}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_first_spec_of_every_example_is_accepted() {
    for entry in fs::read_dir(project("examples")).unwrap() {
        let path = entry.unwrap().path();
        // What an orchestration is rendered with has to be said by hand.
        if path.join("graylane.yaml").is_file() && path.join("deploy").is_dir() {
            let sandbox = Sandbox::new();
            sandbox.copy_from(&path);
            draft_is_accepted(&sandbox, path.to_str().unwrap());
        }
    }
}

/// Real baselines, where they are at hand.
#[test]
fn a_first_spec_of_real_manifests_is_accepted() {
    let walk = walkdir::WalkDir::new(project("../shared/data/baselines")).into_iter();
    let is_manifest = |path: &Path| path.extension().is_some_and(|ending| ending == "yaml");
    for file in walk.filter_map(Result::ok).filter(|entry| is_manifest(entry.path())) {
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.dir.join("deploy")).unwrap();
        fs::copy(file.path(), sandbox.dir.join("deploy/all.yaml")).unwrap();
        let ran = sandbox.sh("graylane init deploy --file draft.yaml");
        if ran.code == 2 && ran.stderr.contains("no workload here that could have a gray copy") {
            continue;
        }
        fs::remove_file(sandbox.dir.join("draft.yaml")).unwrap();
        draft_is_accepted(&sandbox, &file.path().display().to_string());
    }
}

#[test]
fn hostile_files_stop_it_at_once() {
    let deep = "printf '[%.0s' $(seq 10000) > deploy/bad.yaml";
    let deep_block = "for i in $(seq 0 2000); do printf \"%${i}sa:\\n\"; done > deploy/bad.yaml";
    let long_key = "head -c 3000000 /dev/zero | tr '\\0' 'k' > deploy/bad.yaml";
    let binary = "head -c 100000 \"$(command -v git)\" > deploy/bad.yaml";
    let fifo = "mkfifo deploy/bad.yaml";
    for make in [deep, deep_block, long_key, binary, fifo] {
        let sandbox = web();
        ok(&sandbox, make);
        let before = sandbox.tree();
        let ran = sandbox.sh("ulimit -v 2000000; ulimit -t 5; timeout 60 graylane generate");
        assert!(ran.code == 2 || ran.code == 0, "{make}: {} {}", ran.code, ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{make}: {}", ran.stderr);
        if ran.code == 2 {
            assert_eq!(sandbox.tree(), before, "{make}");
        }
    }
}

#[test]
fn a_clone_with_crlf_is_like_any_other() {
    let sandbox = web();
    ok(&sandbox, "graylane generate --commit");
    ok(&sandbox, "git clone -q -c core.autocrlf=true . ../crlf");
    let crlf = |line: &str| ok(&sandbox, &format!("cd ../crlf && {line}"));
    let workload = "overlays/gray/workloads/deployment-web-mse-gray.yaml";
    crlf(&format!(
        "grep -q \"$(printf '\\r')\" deploy/web.yaml && grep -q \"$(printf '\\r')\" {workload}"
    ));
    crlf("graylane generate --check");
    let head = crlf("git rev-parse HEAD");
    crlf("graylane generate --commit");
    assert_eq!(crlf("git rev-parse HEAD"), head);

    crlf("sed -i 's/web:2.0/web:2.1/' graylane.yaml && git commit -qam image");
    crlf("graylane generate --commit");
    assert_eq!(crlf("git status --short"), "");
    assert_eq!(
        crlf(&format!("git diff -U0 HEAD~1 HEAD -- {workload} | grep '^[-+] '")),
        "-          image: registry.example.com/web:2.0\n+          image: registry.example.com/web:2.1\n"
    );
    let changed = crlf("git diff --name-only HEAD~1 HEAD");
    assert_eq!(changed, format!("overlays/gray/graylane.lock\n{workload}\n"));
    assert_eq!(sandbox.sh("cd ../crlf && git grep -qI \"$(printf '\\r')\" HEAD").code, 1);

    ok(&sandbox, "git clone -q -c core.autocrlf=true ../crlf ../again");
    ok(&sandbox, "cd ../again && graylane cleanup --commit && git status --short");
    assert_eq!(
        ok(&sandbox, "cd ../again && git ls-tree -r --name-only HEAD overlays"),
        "overlays/gray/.gitkeep\noverlays/gray/entry/.gitkeep\noverlays/gray/workloads/.gitkeep\n"
    );
}

#[test]
fn a_change_by_hand_in_a_clone_with_crlf_is_still_seen() {
    let sandbox = web();
    ok(&sandbox, "graylane generate --commit");
    ok(&sandbox, "git clone -q -c core.autocrlf=true . ../crlf");
    let workload = "overlays/gray/workloads/deployment-web-mse-gray.yaml";
    ok(&sandbox, &format!("cd ../crlf && sed -i 's/web:2.0/web:9.9/' {workload}"));
    stops(&sandbox, "cd ../crlf && graylane cleanup", "changed by hand");
    stops(&sandbox, "cd ../crlf && graylane generate", "changed by hand");
}
