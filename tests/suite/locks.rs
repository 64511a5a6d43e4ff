//! Locks that are not of the files beside them: after merges, edits of specs, and copies of them.

use std::fs;

use crate::sandbox::{Ran, Sandbox};

/// Services `web` and `cart` behind one Ingress, and the lane `blue` of `web`, committed.
fn shop() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.dir.join("deploy")).unwrap();
    fs::create_dir(sandbox.dir.join("graylane")).unwrap();
    for name in ["web", "cart"] {
        let text = format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: main, image: 'r.example.com/{name}:1'}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
"
        );
        fs::write(sandbox.dir.join(format!("deploy/{name}.yaml")), text).unwrap();
    }
    let ingress = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  ingressClassName: mse
  rules:
    - host: shop.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
";
    fs::write(sandbox.dir.join("deploy/ingress.yaml"), ingress).unwrap();
    fs::write(sandbox.dir.join("graylane/blue.yaml"), spec("blue", "blue", "web")).unwrap();
    sandbox.commit_all();
    sandbox
}

/// A spec of one service; `web` has an entry.
fn spec(name: &str, output: &str, service: &str) -> String {
    let entry = match service {
        "web" => "\n      entry: {match: {headers: [{name: x-team, exact: blue}]}}",
        _ => "",
    };
    format!(
        "apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {{name: {name}}}
spec:
  tag: {name}
  baseline: {{paths: [../deploy]}}
  output: ../overlays/{output}
  services:
    - name: {service}
      images: {{main: 'r.example.com/{service}:2'}}{entry}
"
    )
}

/// Runs a line that must end with this code.
#[track_caller]
fn run(sandbox: &Sandbox, line: &str, code: i32) -> Ran {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, code, "{line}\n{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran
}

/// What of the overlays is not of the lane that is there, but for what keeps directories.
fn manifests(sandbox: &Sandbox) -> String {
    run(sandbox, "find overlays -type f ! -name .gitkeep | sort", 0).stdout
}

/// Two branches that changed one lane, merged: of the lock, this side is kept.
fn merged(side: &str) -> Sandbox {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate --commit", 0);
    let cart =
        "    - name: cart\\n      images: {main: \"r.example.com/cart:2\"}\\n      replicas: 2\\n";
    run(
        &sandbox,
        &format!(
            "git switch -qc x && printf '{cart}' >> graylane/blue.yaml && git commit -qam Cart && graylane -q generate --commit"
        ),
        0,
    );
    run(
        &sandbox,
        "git switch -q main && sed -i 's/web:2/web:3/' graylane/blue.yaml && git commit -qam Image && graylane -q generate --commit",
        0,
    );
    let ran = run(&sandbox, "git merge -q x -m m", 1);
    assert_eq!(ran.stdout.matches("CONFLICT").count(), 1, "{}", ran.stdout);
    run(
        &sandbox,
        &format!(
            "git checkout -q --{side} overlays/blue/graylane.lock && git add -A && git commit -qm Merged"
        ),
        0,
    );
    sandbox
}

#[test]
fn a_lock_that_a_merge_left_is_a_difference_and_is_mended() {
    for side in ["ours", "theirs"] {
        let sandbox = merged(side);
        run(&sandbox, "graylane -q generate --check", 1);
        assert!(run(&sandbox, "graylane list", 0).stdout.contains("drifted"), "{side}");
        let found = run(&sandbox, "graylane -q check", 0).stdout;
        assert!(found.contains("is not that of its files"), "{side}: {found}");
        let told = run(&sandbox, "graylane -q generate --commit", 0).stdout;
        assert!(told.contains("update overlays/blue/graylane.lock\n"), "{side}: {told}");
        assert!(told.contains("gray(blue): "), "{side}: {told}");
        assert_eq!(run(&sandbox, "git status --short", 0).stdout, "", "{side}");
        run(&sandbox, "graylane -q generate --check", 0);
        assert!(run(&sandbox, "graylane list", 0).stdout.contains("up to date"), "{side}");
        let head = run(&sandbox, "git rev-parse HEAD", 0).stdout;
        run(&sandbox, "graylane -q generate --commit", 0);
        assert_eq!(run(&sandbox, "git rev-parse HEAD", 0).stdout, head, "{side}");
        run(&sandbox, "graylane -q cleanup --tag blue --commit", 0);
        assert_eq!(manifests(&sandbox), "", "{side}");
    }
}

#[test]
fn a_lock_that_is_missing_is_a_difference() {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate && rm overlays/blue/graylane.lock", 0);
    run(&sandbox, "graylane -q generate --check", 1);
    let told = run(&sandbox, "graylane generate", 0);
    assert_eq!(told.stdout, "add overlays/blue/graylane.lock\n");
    run(&sandbox, "graylane -q generate --check", 0);
}

#[test]
fn an_edit_without_effect_on_manifests_reaches_the_lock() {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate --commit", 0);
    let edit = "sed -i 's/^  tag: blue/  tag: blue\\n  expires: 2030-01-31/' graylane/blue.yaml && git commit -qam Longer";
    run(&sandbox, edit, 0);
    // What is applied is what the spec gives.
    run(&sandbox, "graylane -q generate --check", 0);
    assert!(run(&sandbox, "graylane list", 0).stdout.contains("up to date"));
    run(&sandbox, "graylane -q promote --dry-run", 2);
    let told = run(&sandbox, "graylane -q generate --commit", 0).stdout;
    assert!(told.starts_with("update overlays/blue/graylane.lock\ncommit "), "{told}");
    assert!(told.ends_with(" gray(blue): update the lane\n"), "{told}");
    assert_eq!(run(&sandbox, "git status --short", 0).stdout, "");
    run(&sandbox, "graylane -q promote --dry-run", 0);
}

#[test]
fn a_lane_that_was_taken_away_stays_so_until_its_spec_changes() {
    for (option, state) in [("--drain", "drained"), ("--keep-metadata", "offline")] {
        for commits in ["", " --commit"] {
            let sandbox = shop();
            run(&sandbox, "graylane -q generate --commit", 0);
            let edit = "sed -i 's/web:2/web:3/' graylane/blue.yaml";
            run(&sandbox, &format!("{edit} && git commit -qam Image"), 0);
            run(&sandbox, &format!("graylane -q cleanup {option}{commits}"), 0);
            let before = manifests(&sandbox);
            let ran = run(&sandbox, &format!("graylane generate --if-present{commits}"), 0);
            assert!(ran.stderr.contains(state), "{option}{commits}: {}", ran.stderr);
            assert_eq!(manifests(&sandbox), before, "{option}{commits}");
            // Nothing was tried with what the spec says.
            run(&sandbox, "graylane -q promote --dry-run", 2);
            let again = run(&sandbox, &format!("graylane cleanup {option}{commits}"), 0);
            assert!(again.stderr.contains("nothing to do"), "{option}{commits}: {}", again.stderr);
            run(
                &sandbox,
                "sed -i 's/web:3/web:4/' graylane/blue.yaml && git commit -qa -m Next",
                0,
            );
            run(&sandbox, &format!("graylane -q generate --if-present{commits}"), 0);
            assert!(manifests(&sandbox).contains("entry/ingress"), "{option}{commits}");
        }
    }
}

#[test]
fn an_edit_that_is_not_committed_does_not_reopen_a_lane_that_was_drained_in_git() {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate --commit", 0);
    run(&sandbox, "sed -i 's/web:2/web:3/' graylane/blue.yaml", 0);
    run(&sandbox, "graylane -q cleanup --drain --commit && git checkout -q graylane/blue.yaml", 0);
    let ran = run(&sandbox, "graylane generate --if-present --commit", 0);
    assert!(ran.stderr.contains("drained"), "{}", ran.stderr);
}

#[test]
fn an_entry_that_a_merge_kept_is_not_taken_for_drained() {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate && cp -r overlays/blue/entry ../entry", 0);
    run(&sandbox, "graylane -q cleanup --drain && cp -r ../entry overlays/blue/", 0);
    assert!(run(&sandbox, "graylane list", 0).stdout.contains("drifted"));
    run(&sandbox, "graylane -q generate --if-present --check", 1);
    run(&sandbox, "graylane -q generate --if-present", 0);
    assert!(run(&sandbox, "graylane list", 0).stdout.contains("up to date"));
}

/// Writes another spec and commits it.
fn add(sandbox: &Sandbox, text: &str) {
    fs::write(sandbox.dir.join("graylane/green.yaml"), text).unwrap();
    run(sandbox, "git add -A && git commit -qm Green", 0);
}

#[test]
fn the_overlay_of_another_spec_is_not_taken() {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate --commit", 0);
    add(&sandbox, &spec("green", "blue", "cart"));
    let before = (sandbox.tree(), run(&sandbox, "git rev-parse HEAD", 0).stdout);
    for line in [
        "generate",
        "generate --commit",
        "generate --force",
        "generate --check",
        "generate --if-present --commit",
        "check",
        "--rev HEAD check",
    ] {
        let ran = run(&sandbox, &format!("graylane {line} graylane/green.yaml"), 2);
        assert!(
            ran.stderr
                .contains("`overlays/blue` is the overlay of the lane `blue` (graylane/blue.yaml)"),
            "{line}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains("delete graylane/blue.yaml first"), "{line}: {}", ran.stderr);
        assert_eq!((sandbox.tree(), run(&sandbox, "git rev-parse HEAD", 0).stdout), before);
    }
    let ran = run(&sandbox, "graylane cleanup graylane/green.yaml", 2);
    assert!(ran.stderr.contains("graylane cleanup graylane/blue.yaml"), "{}", ran.stderr);
    assert_eq!(sandbox.tree(), before.0);
    // The same with the condition of the other lane, which is told before what would follow of it.
    add(&sandbox, &spec("green", "blue", "web"));
    let ran = run(&sandbox, "graylane generate graylane/green.yaml", 2);
    assert!(!ran.stderr.contains("cleanup --tag blue"), "{}", ran.stderr);
}

#[test]
fn a_spec_that_was_renamed_keeps_its_overlay() {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate --commit", 0);
    run(&sandbox, "git mv graylane/blue.yaml graylane/team.yaml && git commit -qm Rename", 0);
    run(&sandbox, "graylane -q generate --commit graylane/team.yaml", 0);
    assert!(run(&sandbox, "graylane list", 0).stdout.contains("up to date"));
    // What takes its place is no lane.
    run(
        &sandbox,
        "git mv graylane/team.yaml graylane/new.yaml && echo 'a: 1' > graylane/team.yaml",
        0,
    );
    run(&sandbox, "graylane -q generate graylane/new.yaml", 0);
}

#[test]
fn lanes_that_are_written_together_may_change_places() {
    let sandbox = shop();
    add(&sandbox, &spec("green", "green", "cart"));
    run(&sandbox, "graylane -q generate --commit", 0);
    run(
        &sandbox,
        "sed -i 's#overlays/blue#overlays/x#; s#overlays/green#overlays/blue#; s#overlays/x#overlays/green#' graylane/*.yaml",
        0,
    );
    let ran = run(&sandbox, "graylane generate graylane/green.yaml", 2);
    let both = "graylane generate graylane/blue.yaml graylane/green.yaml";
    assert!(ran.stderr.contains(both), "{}", ran.stderr);
    run(&sandbox, both, 0);
    run(&sandbox, "graylane generate --check", 0);
}

#[test]
fn an_overlay_that_another_spec_took_over_is_not_left_over() {
    let sandbox = shop();
    fs::write(sandbox.dir.join("graylane/a.yaml"), spec("a", "a", "cart")).unwrap();
    fs::write(sandbox.dir.join("graylane/b.yaml"), spec("b", "b", "cart")).unwrap();
    run(&sandbox, "graylane generate graylane/a.yaml graylane/b.yaml", 0);
    fs::write(sandbox.dir.join("graylane/b.yaml"), spec("e", "e", "cart")).unwrap();
    fs::write(sandbox.dir.join("graylane/c.yaml"), spec("b", "b", "cart")).unwrap();
    let all = "graylane generate graylane/a.yaml graylane/c.yaml graylane/b.yaml";
    let ran = run(&sandbox, all, 0);
    assert!(!ran.stderr.contains("still there"), "{}", ran.stderr);
    fs::write(sandbox.dir.join("graylane/c.yaml"), spec("f", "f", "cart")).unwrap();
    let ran = run(&sandbox, all, 0);
    let left = "overlays/b is still there from when this spec had the tag or output of it; `graylane cleanup --overlay overlays/b` removes it";
    assert!(ran.stderr.contains(left), "{}", ran.stderr);
}

#[test]
fn objects_of_a_lane_beside_are_not_written_again() {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate --commit", 0);
    let other = spec("blue", "green", "web").replace("exact: blue", "exact: green");
    add(&sandbox, &other.replace("web:2", "web:9"));
    for line in ["generate --commit", "generate --check", "check", "--rev HEAD check"] {
        let ran = run(&sandbox, &format!("graylane {line} graylane/green.yaml"), 2);
        assert!(
            ran.stderr.contains("(`overlays/blue`) and `blue` both have Deployment/web-mse-blue"),
            "{line}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains("a tag of its own"), "{line}: {}", ran.stderr);
    }
    assert!(!sandbox.dir.join("overlays/green").exists());
    // What the spec itself wrote elsewhere is its own.
    run(
        &sandbox,
        "git rm -q graylane/green.yaml && sed -i 's#overlays/blue#overlays/moved#' graylane/blue.yaml",
        0,
    );
    run(&sandbox, "graylane -q generate", 0);
}

#[test]
fn the_overlay_of_another_spec_on_a_branch_is_not_taken() {
    let sandbox = shop();
    add(&sandbox, &spec("green", "blue", "cart"));
    run(&sandbox, "graylane -q generate --commit --branch env graylane/blue.yaml", 0);
    let ran = run(&sandbox, "graylane generate --commit --branch env graylane/green.yaml", 2);
    assert!(ran.stderr.contains("is the overlay of the lane `blue`"), "{}", ran.stderr);
    run(&sandbox, "graylane generate --commit --branch env graylane/blue.yaml", 0);
}

#[test]
fn a_cleanup_takes_what_a_merge_left_unlisted() {
    for side in ["ours", "theirs"] {
        let sandbox = merged(side);
        let ran = run(&sandbox, "graylane cleanup --tag blue --commit", 0);
        assert!(!ran.stderr.contains("listed in no lock"), "{side}: {}", ran.stderr);
        assert_eq!(manifests(&sandbox), "", "{side}");
        assert_eq!(run(&sandbox, "git status --short", 0).stdout, "", "{side}");
    }
}

const OLD: &str = "overlays/blue/workloads/deployment-old-mse-blue.yaml";

#[test]
fn a_manifest_that_no_lock_owns_is_told() {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate --commit", 0);
    run(
        &sandbox,
        &format!(
            "sed 's/web-mse-blue/old-mse-blue/' overlays/blue/workloads/deployment-web-mse-blue.yaml > {OLD} && git add -A && git commit -qm Merged"
        ),
        0,
    );
    // What is no manifest is nobody's concern.
    run(
        &sandbox,
        "echo mine > overlays/blue/README.md && echo 'a: 1' > overlays/blue/values.yaml",
        0,
    );
    for line in ["graylane -q check", "graylane -q --rev HEAD check"] {
        let found = run(&sandbox, line, 0).stdout;
        assert!(
            found.contains(&format!("warning[foreign-manifest]: `{OLD}` is listed in no lock")),
            "{found}"
        );
        assert!(!found.contains("README") && !found.contains("values"), "{found}");
    }
    run(&sandbox, "graylane -q generate --check", 0);
    let ran = run(&sandbox, "graylane cleanup --drain --commit", 0);
    assert!(!ran.stderr.contains("listed in no lock"), "{}", ran.stderr);
    for line in ["graylane cleanup --tag blue --commit", "graylane cleanup"] {
        let ran = run(&sandbox, line, 0);
        assert!(
            ran.stderr.contains(&format!("`{OLD}` is listed in no lock and stays")),
            "{line}: {}",
            ran.stderr
        );
        assert!(sandbox.dir.join(OLD).exists(), "{line}");
    }
    let found = run(&sandbox, "graylane -q check", 0).stdout;
    assert!(found.contains("foreign-manifest"), "{found}");
    // What is offered works from where the user is, for files that git does not know too.
    let told = run(
        &sandbox,
        &format!(
            "git rm -q --cached '{OLD}' && cd overlays && graylane cleanup ../graylane/blue.yaml"
        ),
        0,
    );
    let offered = told.stderr.lines().find_map(|line| line.split_once("remove them too: "));
    let (_, remedy) = offered.unwrap();
    run(&sandbox, &format!("cd overlays && {remedy}"), 0);
    assert!(!sandbox.dir.join(OLD).exists(), "{remedy}");
    run(&sandbox, "graylane -q generate", 0);
    assert!(!run(&sandbox, "graylane -q check", 0).stdout.contains("foreign-manifest"));
}

#[test]
fn a_file_that_a_merge_kept_of_a_removed_lane_is_told() {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate --commit", 0);
    run(
        &sandbox,
        "graylane -q cleanup --commit && git checkout -q HEAD~1 -- overlays/blue/workloads/deployment-web-mse-blue.yaml",
        0,
    );
    let found = run(&sandbox, "graylane -q check", 0).stdout;
    assert!(
        found.contains(
            "`overlays/blue/workloads/deployment-web-mse-blue.yaml` is listed in no lock"
        ),
        "{found}"
    );
}

/// A lane that two branches changed, in the middle of their merge.
fn conflicting() -> Sandbox {
    let sandbox = shop();
    run(&sandbox, "graylane -q generate --commit", 0);
    run(
        &sandbox,
        "git switch -qc x && sed -i 's/web:2/web:3/' graylane/blue.yaml && git commit -qam 3 && graylane -q generate --commit",
        0,
    );
    run(
        &sandbox,
        "git switch -q main && printf '      replicas: 2\\n' >> graylane/blue.yaml && sed -i 's/^  tag: blue/  tag: blue\\n  expires: 2030-01-31/' graylane/blue.yaml && git commit -qam Scale && graylane -q generate --commit",
        0,
    );
    let ran = run(&sandbox, "git merge -q x -m m", 1);
    assert!(ran.stdout.contains("Merge conflict in overlays/blue/graylane.lock"), "{}", ran.stdout);
    // What else is in conflict, the author of the merge settles.
    run(&sandbox, "sed -i '/^<<<<<<</d; /^=======/d; /^>>>>>>>/d' graylane/blue.yaml", 0);
    sandbox
}

#[test]
fn a_lock_in_conflict_is_mended_as_the_message_says() {
    let remedy = "rm overlays/blue/graylane.lock";
    let sandbox = conflicting();
    let ran = run(&sandbox, "graylane generate", 2);
    assert!(ran.stderr.contains("has the marks of a merge that was not settled"), "{}", ran.stderr);
    assert!(ran.stderr.contains("delete it and generate its lane again"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("git restore"), "{}", ran.stderr);
    run(&sandbox, &format!("{remedy} && graylane -q generate --force"), 0);
    run(&sandbox, "git add -A && git commit -qm Merged && graylane -q generate --check", 0);

    // The marks were committed.
    let sandbox = conflicting();
    run(&sandbox, "git add -A && git commit -qm Marks", 0);
    run(&sandbox, "graylane generate --commit", 2);
    run(&sandbox, &format!("{remedy} && graylane -q generate --commit --force"), 0);
    assert_eq!(run(&sandbox, "git status --short", 0).stdout, "");
    run(&sandbox, "graylane -q generate --check", 0);
    run(&sandbox, "graylane -q cleanup --commit", 0);
    assert_eq!(manifests(&sandbox), "");

    // They were, and somebody takes the lane away before the next commit.
    let sandbox = conflicting();
    run(&sandbox, "git add -A && git commit -qm Marks", 0);
    run(&sandbox, &format!("{remedy} && graylane -q generate --force"), 0);
    run(&sandbox, "graylane -q cleanup --commit", 0);
    assert_eq!(run(&sandbox, "git ls-files overlays | grep -v gitkeep", 1).stdout, "");
}
