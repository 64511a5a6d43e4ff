//! `.gitattributes`: what git stores of a file is not always what the work tree has.

use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;

/// A filter that anybody can read, but that is none of text.
const ROT13: &str = "tr a-zA-Z n-za-mN-ZA-M";
const SECRET: &str = "apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: hunter2
";

fn web(attributes: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baselines/web"));
    fs::write(sandbox.dir.join(".gitattributes"), attributes).unwrap();
    sandbox
}

fn done(sandbox: &Sandbox, line: &str) -> String {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 0, "{line}: {}{}", ran.stdout, ran.stderr);
    ran.stdout
}

/// Runs a line that must be refused with all of these words.
#[track_caller]
fn refused(sandbox: &Sandbox, line: &str, words: &[&str]) {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 2, "{line}: {}{}", ran.stdout, ran.stderr);
    for part in words {
        assert!(ran.stderr.contains(part), "{line}: lacks {part:?}: {}", ran.stderr);
    }
}

/// Commits with a filter for these files, which is there in this repository alone.
fn encrypted(sandbox: &Sandbox) {
    done(
        sandbox,
        &format!(
            "git init -q -b main && git config filter.rot.clean '{ROT13}' && \
             git config filter.rot.smudge '{ROT13}' && git config filter.rot.required true"
        ),
    );
    sandbox.commit_all();
}

#[test]
fn what_a_filter_encrypts_is_encrypted_in_the_commit() {
    let sandbox = web("**/*secret*.yaml filter=rot\n");
    fs::write(sandbox.dir.join("deploy/db-secret.yaml"), SECRET).unwrap();
    let spec = fs::read_to_string(sandbox.dir.join("graylane.yaml")).unwrap();
    let copied = spec.replace("- name: web\n", "- name: web\n      copy: [Secret/db]\n");
    fs::write(sandbox.dir.join("graylane.yaml"), copied).unwrap();
    encrypted(&sandbox);
    done(&sandbox, "graylane generate -q --commit");
    let path = done(&sandbox, "git ls-tree -r --name-only HEAD overlays | grep secret-");
    let path = path.trim();
    let stored = done(&sandbox, &format!("git cat-file -p HEAD:{path}"));
    assert!(stored.contains("cnffjbeq: uhagre2"), "{stored}");
    assert!(done(&sandbox, &format!("cat {path}")).contains("password: hunter2"));
    assert_eq!(done(&sandbox, "git status --short"), "");
    let before = done(&sandbox, "git rev-parse HEAD");
    done(&sandbox, "graylane generate --commit && graylane generate --check");
    assert_eq!(done(&sandbox, "git rev-parse HEAD"), before);
    done(&sandbox, "graylane cleanup -q --commit");
    assert_eq!(done(&sandbox, "git status --short"), "");
}

/// How a Deployment of the lane starts when it went through the filter.
const FILTERED: &str = "ncvIrefvba:";

/// The first manifest of the workloads of a branch.
fn workload(sandbox: &Sandbox, repository: &str, branch: &str) -> String {
    done(
        sandbox,
        &format!(
            "git -C {repository} show {branch}:$(git -C {repository} ls-tree -r --name-only {branch} overlays | grep workloads/deployment-)"
        ),
    )
}

#[test]
fn filters_of_another_branch_are_not_passed_over() {
    // By its name, by a macro, and from a file further down.
    for (root, below) in [
        ("overlays/** filter=rot\ngraylane.lock -filter\n", ""),
        ("[attr]crypt filter=rot\noverlays/** crypt\ngraylane.lock -filter\n", ""),
        ("[attr]crypt filter=rot\n", "* crypt\ngraylane.lock -filter\n.gitattributes -filter\n"),
    ] {
        let sandbox = web(root);
        fs::create_dir(sandbox.dir.join("overlays")).unwrap();
        fs::write(sandbox.dir.join("overlays/.gitattributes"), below).unwrap();
        encrypted(&sandbox);
        done(
            &sandbox,
            "git branch encrypted && git rm -qr overlays && \
             { ! grep -q overlays .gitattributes || git rm -q .gitattributes; } && \
             git commit -qm plain && git branch plain",
        );
        done(&sandbox, "graylane generate -q --commit --branch encrypted");
        let stored = workload(&sandbox, ".", "encrypted");
        assert!(stored.contains(FILTERED), "{root}{below}{stored}");
        done(&sandbox, "git show encrypted:overlays/gray/graylane.lock | grep graylane");
        // Nothing is left to do, and the work tree has its own attributes.
        let before = done(&sandbox, "git rev-parse encrypted");
        done(&sandbox, "graylane generate -q --commit --branch encrypted");
        assert_eq!(done(&sandbox, "git rev-parse encrypted"), before);
        // Another lane with the same condition is refused though that one is encrypted.
        let ran = sandbox.sh("sed 's/tag: gray/tag: two/; s/name: web-gray/name: two/' graylane.yaml > two.yaml && graylane generate -q two.yaml --commit --branch encrypted; code=$?; rm two.yaml; exit $code");
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains("the lane `web-gray` wants too"), "{}", ran.stderr);
        done(&sandbox, "graylane generate -q --commit && git checkout -q encrypted");
        assert!(done(&sandbox, "cat overlays/gray/workloads/deployment-*").contains("apiVersion:"));
        assert_eq!(done(&sandbox, "git status --short"), "");
        assert!(workload(&sandbox, ".", "main").contains("apiVersion:"));
        // A filter that is not there encrypts nothing.
        let ran = sandbox.sh("git checkout -q main && git config --remove-section filter.rot && sed -i 's/tag: gray/tag: blue/; s/x-gray/x-blue/' graylane.yaml && graylane generate -q --commit --branch encrypted");
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains("the filter of `overlays/blue/"), "{}", ran.stderr);
        // Where the branch has none, nothing is in the way.
        done(&sandbox, "graylane generate -q --commit --branch plain");
        assert!(workload(&sandbox, ".", "plain").contains("apiVersion:"));
    }
}

#[test]
fn filters_are_those_of_the_commit_in_a_bare_repository() {
    let sandbox = web("[attr]crypt filter=rot\noverlays/** crypt\ngraylane.lock -filter\n");
    encrypted(&sandbox);
    done(
        &sandbox,
        &format!(
            "git clone -q --bare . b.git && git -C b.git config filter.rot.clean '{ROT13}' && \
             git -C b.git config filter.rot.smudge '{ROT13}' && \
             graylane -C b.git --rev main generate -q --commit --branch main"
        ),
    );
    let stored = workload(&sandbox, "b.git", "main");
    assert!(stored.contains(FILTERED), "{stored}");
    done(&sandbox, "git -C b.git show main:overlays/gray/graylane.lock | grep graylane");
    let before = done(&sandbox, "git -C b.git rev-parse main");
    done(&sandbox, "graylane -C b.git --rev main generate -q --commit --branch main");
    assert_eq!(done(&sandbox, "git -C b.git rev-parse main"), before);
    let ran = sandbox.sh("git -C b.git config --unset filter.rot.clean && graylane -C b.git --rev main generate -q --commit --branch other --orphan");
    assert_eq!(ran.code, 0, "no attributes, no filter: {}", ran.stderr);
    let ran = sandbox.sh("git -C b.git branch third main~1 && graylane -C b.git --rev main generate -q --commit --branch third");
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stderr.contains("the filter of `overlays/gray/"), "{}", ran.stderr);
}

/// Files of lanes and of the baseline are encrypted, and locks are not.
const CRYPT: &str = "overlays/** filter=rot\ndeploy/db-* filter=rot\ngraylane.lock -filter\n";

#[test]
fn a_sparse_checkout_without_attributes_stores_what_they_say() {
    let sandbox = web(CRYPT);
    encrypted(&sandbox);
    done(&sandbox, "git sparse-checkout set --no-cone /deploy/ /overlays/ /graylane.yaml");
    assert!(!sandbox.dir.join(".gitattributes").exists());
    done(&sandbox, "graylane generate -q --commit");
    let stored = workload(&sandbox, ".", "main");
    assert!(stored.contains(FILTERED), "{stored}");
    assert!(done(&sandbox, "cat overlays/gray/workloads/deployment-*").contains("apiVersion:"));
    assert_eq!(done(&sandbox, "git status --short"), "");
    let before = done(&sandbox, "git rev-parse HEAD");
    done(&sandbox, "graylane generate -q --commit && graylane generate -q --check");
    assert_eq!(done(&sandbox, "git rev-parse HEAD"), before);
    // A filter that is not there encrypts nothing, whether or not it is required.
    refused(
        &sandbox,
        "git config --remove-section filter.rot && sed -i 's/tag: gray/tag: blue/; s/x-gray/x-blue/' graylane.yaml && graylane generate -q --commit",
        &["the filter of `overlays/blue/", "install or unlock it"],
    );
}

#[test]
fn a_clone_without_a_work_tree_stores_what_attributes_say() {
    let sandbox = web(CRYPT);
    encrypted(&sandbox);
    done(
        &sandbox,
        &format!(
            "git clone -q --no-checkout . c && git -C c config filter.rot.clean '{ROT13}' && \
             git -C c config filter.rot.smudge '{ROT13}' && \
             graylane -C c --rev HEAD generate -q --commit --branch out"
        ),
    );
    let stored = workload(&sandbox, "c", "out");
    assert!(stored.contains(FILTERED), "{stored}");
}

#[test]
fn attributes_that_are_changed_in_the_work_tree_are_not_those_of_the_commit() {
    let sandbox = web(CRYPT);
    encrypted(&sandbox);
    done(&sandbox, ": > .gitattributes && graylane --rev HEAD generate -q --commit --branch out");
    let stored = workload(&sandbox, ".", "out");
    assert!(stored.contains(FILTERED), "{stored}");
    done(&sandbox, "graylane generate -q --commit");
    let stored = workload(&sandbox, ".", "main");
    assert!(stored.contains(FILTERED), "{stored}");
    // Those that are not committed yet.
    let sandbox = web("# none\n");
    encrypted(&sandbox);
    fs::write(sandbox.dir.join(".gitattributes"), CRYPT).unwrap();
    for staged in [false, true] {
        let before = done(&sandbox, "git rev-parse HEAD");
        let ran = sandbox.sh("graylane generate -q --commit");
        assert_eq!(ran.code, 2, "{staged}: {}", ran.stdout);
        for part in ["has a filter for `overlays/gray/", "commit the .gitattributes"] {
            assert!(ran.stderr.contains(part), "{staged}: lacks {part:?}: {}", ran.stderr);
        }
        assert_eq!(done(&sandbox, "git rev-parse HEAD"), before);
        assert!(!sandbox.dir.join("overlays").exists());
        done(&sandbox, "git add .gitattributes");
    }
    done(&sandbox, "git commit -qm attributes && graylane generate -q --commit");
    let stored = workload(&sandbox, ".", "main");
    assert!(stored.contains(FILTERED), "{stored}");
    assert_eq!(done(&sandbox, "git status --short"), "");
}

#[test]
fn a_filtered_baseline_is_promoted_where_its_attributes_are_not_checked_out() {
    let sandbox = web("deploy/** filter=rot\n");
    let baseline = sandbox.dir.join("deploy/web.yaml");
    let text = fs::read_to_string(&baseline).unwrap();
    fs::write(&baseline, format!("{}\n---\n{SECRET}", text.trim_end())).unwrap();
    encrypted(&sandbox);
    done(&sandbox, "graylane generate -q --commit");
    done(&sandbox, "git sparse-checkout set --no-cone /deploy/ /overlays/ /graylane.yaml");
    assert!(!sandbox.dir.join(".gitattributes").exists());
    done(&sandbox, "graylane promote -q --commit");
    let stored = done(&sandbox, "git show HEAD:deploy/web.yaml");
    assert!(stored.contains("cnffjbeq: uhagre2"), "{stored}");
    assert!(done(&sandbox, "cat deploy/web.yaml").contains("password: hunter2"));
    assert_eq!(done(&sandbox, "git status --short"), "");
    assert_eq!(done(&sandbox, "git show --numstat --format= HEAD"), "1\t1\tdeploy/web.yaml\n");
    // A change that was not tried is still seen.
    let ran = sandbox.sh(
        "git revert --no-edit HEAD && echo '# more' >>deploy/web.yaml && graylane promote --commit",
    );
    assert_eq!(ran.code, 2, "{}", ran.stdout);
}

#[test]
fn a_branch_without_attributes_is_not_encrypted_by_those_of_the_work_tree() {
    let sandbox = web(CRYPT);
    encrypted(&sandbox);
    refused(
        &sandbox,
        "graylane generate -q --commit --branch out --orphan",
        &["has a filter for `overlays/gray/", "overlays/** -filter"],
    );
    assert_eq!(done(&sandbox, "git branch --list out"), "");
    // A branch says itself that it has files as they are.
    done(
        &sandbox,
        "git switch -q --orphan out && echo 'overlays/** -filter' >.gitattributes && \
         git add .gitattributes && git commit -qm attributes && git switch -q main",
    );
    for _ in 0..2 {
        done(&sandbox, "graylane generate -q --commit --branch out");
        assert!(workload(&sandbox, ".", "out").contains("apiVersion:"));
    }
}

#[test]
fn attributes_that_are_encrypted_themselves_are_read() {
    let sandbox = web("overlays/.gitattributes filter=rot\n");
    fs::create_dir(sandbox.dir.join("overlays")).unwrap();
    let below = "* filter=rot\ngraylane.lock -filter\n";
    fs::write(sandbox.dir.join("overlays/.gitattributes"), below).unwrap();
    encrypted(&sandbox);
    let stored = done(&sandbox, "git show HEAD:overlays/.gitattributes");
    assert!(stored.contains("svygre=ebg"), "{stored}");
    done(&sandbox, "git branch other && git sparse-checkout set --no-cone /deploy/ /graylane.yaml");
    for _ in 0..2 {
        done(&sandbox, "graylane generate -q --commit --branch other");
        let stored = workload(&sandbox, ".", "other");
        assert!(stored.contains(FILTERED), "{stored}");
    }
    // Without the filter nobody knows what they say.
    refused(
        &sandbox,
        "git config --remove-section filter.rot && git branch third && graylane generate -q --commit --branch third",
        &["the filter of `overlays/.gitattributes` failed", ".gitattributes -filter"],
    );
}

#[test]
fn what_attributes_of_the_repository_encrypt_is_read_back() {
    let sandbox = web("# none\n");
    encrypted(&sandbox);
    fs::write(sandbox.dir.join(".git/info/attributes"), CRYPT).unwrap();
    done(&sandbox, "git branch out && graylane generate -q --commit");
    assert_eq!(done(&sandbox, "graylane diff --against head"), "no differences\n");
    done(&sandbox, "graylane --rev HEAD generate -q --check");
    done(&sandbox, "graylane generate -q --commit --branch out");
    let before = done(&sandbox, "git rev-parse out");
    done(&sandbox, "graylane generate -q --commit --branch out");
    assert_eq!(done(&sandbox, "git rev-parse out"), before);
    for branch in ["main", "out"] {
        let stored = workload(&sandbox, ".", branch);
        assert!(stored.contains(FILTERED), "{stored}");
    }
}

#[test]
fn attributes_above_an_overlay_are_read_back() {
    let sandbox = web("# none\n");
    fs::create_dir(sandbox.dir.join("overlays")).unwrap();
    let above = "** filter=rot\n.gitattributes -filter\ngraylane.lock -filter\n";
    fs::write(sandbox.dir.join("overlays/.gitattributes"), above).unwrap();
    encrypted(&sandbox);
    done(&sandbox, "git branch out && graylane generate -q --commit");
    let stored = workload(&sandbox, ".", "main");
    assert!(stored.contains(FILTERED), "{stored}");
    assert_eq!(done(&sandbox, "graylane diff --against head"), "no differences\n");
    done(&sandbox, "graylane --rev HEAD generate -q --check");
    done(&sandbox, "graylane generate -q --commit --branch out");
    done(&sandbox, "sed -i 's/web:2.0/web:2.1/' graylane.yaml && git commit -qam images");
    done(&sandbox, "graylane generate -q --commit --branch out");
}

#[test]
fn a_lock_is_not_filtered() {
    let sandbox = web("overlays/** filter=rot\n");
    encrypted(&sandbox);
    let before = done(&sandbox, "git rev-parse HEAD");
    let ran = sandbox.sh("graylane generate -q --commit");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("graylane.lock -filter"), "{}", ran.stderr);
    assert_eq!(done(&sandbox, "git rev-parse HEAD && git status --short"), before);
    done(&sandbox, "echo graylane.lock -filter >>.gitattributes && git commit -qam lock");
    done(&sandbox, "graylane generate -q --commit && graylane generate -q --commit");
    done(&sandbox, "graylane generate -q --check && graylane cleanup -q --commit");
    assert_eq!(done(&sandbox, "git status --short"), "");
}

#[test]
fn a_filter_that_fails_stops_the_commit() {
    let sandbox = web("overlays/**/*.yaml filter=rot\n");
    encrypted(&sandbox);
    refused(
        &sandbox,
        "git config filter.rot.clean false && graylane generate --commit",
        &["the filter of `overlays/gray/", "external filter 'false' failed", "check-attr"],
    );
    assert!(!sandbox.dir.join("overlays").exists());
}

#[test]
fn a_filtered_baseline_is_promoted() {
    let sandbox = web("deploy/*.yaml filter=rot\n");
    encrypted(&sandbox);
    done(&sandbox, "graylane generate -q --commit && graylane promote --commit");
    assert_eq!(done(&sandbox, "git status --short"), "");
    let changed = done(&sandbox, "git show --numstat --format= HEAD");
    assert_eq!(changed, "1\t1\tdeploy/web.yaml\n");
}

#[test]
fn line_ends_of_attributes_are_gits() {
    for attributes in ["* text=auto eol=crlf\n", "*.yaml text eol=crlf\n", "*.yaml eol=crlf\n"] {
        let sandbox = web(attributes);
        sandbox.commit_all();
        done(&sandbox, "rm -rf deploy graylane.yaml && git checkout -q .");
        let text = fs::read_to_string(sandbox.dir.join("deploy/web.yaml")).unwrap();
        assert!(text.contains("\r\n"));
        done(&sandbox, "graylane generate -q --commit");
        assert_eq!(done(&sandbox, "git status --short"), "", "{attributes}");
        assert_eq!(
            done(&sandbox, "git grep -lI \"$(printf '\\r')\" HEAD || true"),
            "",
            "{attributes}"
        );
        done(&sandbox, "graylane promote -q --commit");
        assert_eq!(done(&sandbox, "git status --short"), "", "{attributes}");
        let changed = done(&sandbox, "git show --numstat --format= HEAD");
        assert_eq!(changed, "1\t1\tdeploy/web.yaml\n", "{attributes}");
    }
    // What is no text keeps its line ends.
    let sandbox = web("*.yaml -text\n");
    let path = sandbox.dir.join("deploy/web.yaml");
    let text = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
    fs::write(&path, text).unwrap();
    sandbox.commit_all();
    done(&sandbox, "git config core.autocrlf true && graylane generate -q --commit");
    assert!(done(&sandbox, "git grep -lI \"$(printf '\\r')\" HEAD -- overlays").contains("web"));
}

#[test]
fn crlf_that_is_in_the_index_stays_where_git_leaves_it() {
    let crlf = |sandbox: &Sandbox| {
        let path = sandbox.dir.join("deploy/web.yaml");
        let text = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
        fs::write(&path, text).unwrap();
    };
    for later in [
        "echo '* text=auto' >.gitattributes && git add . && git commit -qm attributes",
        "git rm -q .gitattributes && git commit -qm none && git config core.autocrlf input",
    ] {
        let sandbox = web("# none\n");
        crlf(&sandbox);
        sandbox.commit_all();
        done(&sandbox, later);
        assert_eq!(done(&sandbox, "git status --short"), "", "{later}");
        done(&sandbox, "graylane generate -q --commit");
        done(&sandbox, "graylane generate -q --check");
        done(&sandbox, "graylane --rev HEAD generate -q --check");
        done(&sandbox, "graylane promote -q --commit");
        assert_eq!(done(&sandbox, "git status --short"), "", "{later}");
        let changed = done(&sandbox, "git show --numstat --format= HEAD");
        assert_eq!(changed, "1\t1\tdeploy/web.yaml\n", "{later}");
    }
}
