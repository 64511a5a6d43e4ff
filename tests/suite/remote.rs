//! Commands on a repository that is somewhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::sandbox::Sandbox;

/// Runs a line that must end with 0; gives what it printed.
fn ok(sandbox: &Sandbox, line: &str) -> String {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

/// The baseline `web` with a program beside it in a bare repository, `../origin.git`; nothing is
/// left here.
fn elsewhere() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baselines/web"));
    fs::create_dir(sandbox.dir.join("src")).unwrap();
    fs::write(sandbox.dir.join("src/main.go"), "package main\n").unwrap();
    sandbox.commit_all();
    let url = format!("file://{}", sandbox.dir.with_file_name("origin.git").display());
    ok(&sandbox, "git clone -q --bare . ../origin.git");
    ok(&sandbox, "git -C ../origin.git config uploadpack.allowFilter true");
    ok(&sandbox, "rm -rf deploy src .git graylane.yaml && mkdir ../tmp");
    (sandbox, url)
}

#[test]
fn a_lane_lives_in_a_repository_that_is_not_checked_out() {
    let (sandbox, url) = elsewhere();
    let git = "git -C ../origin.git";
    ok(&sandbox, &format!("TMPDIR=$PWD/../tmp graylane --repo {url} generate --commit --push"));
    assert_eq!(ok(&sandbox, &format!("{git} log --format=%s main -1")), "gray(gray): add web\n");
    let files = ok(&sandbox, &format!("{git} ls-tree -r --name-only main"));
    assert!(files.contains("overlays/gray/graylane.lock"), "{files}");
    assert!(files.ends_with("src/main.go\n"), "{files}");
    assert!(ok(&sandbox, &format!("graylane --repo {url} list")).contains("web"));
    ok(&sandbox, &format!("graylane --repo {url} check"));
    ok(&sandbox, &format!("graylane --repo {url} --rev main~1 render"));
    ok(&sandbox, &format!("graylane --repo {url} diff --against head"));
    ok(&sandbox, &format!("graylane --repo {url} promote --commit --push"));
    // What promotion changes in the baseline changes nothing in the lane.
    let base = format!("graylane --repo {url} diff --base main~1");
    assert_eq!(ok(&sandbox, &base), "no differences\n");
    ok(&sandbox, &format!("graylane --repo {url} cleanup --all --commit --push"));
    let log = ok(&sandbox, &format!("{git} log --format=%s main"));
    assert_eq!(
        log,
        "gray(gray): remove web\ngray(gray): promote web\ngray(gray): add web\nAdd the baseline\n"
    );
    assert_eq!(ok(&sandbox, "ls -A . ../tmp"), ".:\n\n../tmp:\n");
}

#[test]
fn a_branch_for_manifests_alone_is_started_and_gone_on_with() {
    let (sandbox, url) = elsewhere();
    let run = format!("graylane --repo {url} generate --commit --push --branch rendered --orphan");
    ok(&sandbox, &run);
    assert!(sandbox.sh(&run).stderr.contains("nothing to do"));
    let log = "git -C ../origin.git log --format=%s rendered";
    assert_eq!(ok(&sandbox, log), "gray(gray): add web\n");
}

#[test]
fn links_and_odd_names_are_there_too() {
    let (sandbox, url) = elsewhere();
    ok(
        &sandbox,
        &format!(
            "git clone -q {url} work && cd work && git mv deploy 'de ploy [a]' && ln -s 'de ploy [a]' deploy && git add -A && git commit -qm Move && git push -q"
        ),
    );
    let direct = ok(&sandbox, "cd work && graylane render");
    assert_eq!(ok(&sandbox, &format!("graylane --repo {url} render")), direct);
}

#[test]
fn what_would_be_lost_is_refused() {
    let (sandbox, url) = elsewhere();
    for command in ["generate", "generate --commit", "cleanup --all", "promote", "init"] {
        let ran = sandbox.sh(&format!("graylane --repo {url} {command}"));
        assert_eq!(ran.code, 2, "{command}");
        assert!(ran.stderr.contains("is lost"), "{command}: {}", ran.stderr);
    }
    for command in ["generate --dry-run", "generate --check", "schema"] {
        let ran = sandbox.sh(&format!("graylane --repo {url} {command}"));
        assert!(ran.code < 2, "{command}: {}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_cloned_is_told_without_credentials() {
    let (sandbox, url) = elsewhere();
    let ran = sandbox.sh("graylane --repo file:///nowhere/shop.git check");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("nowhere/shop.git"), "{}", ran.stderr);
    let ran = sandbox.sh("graylane --repo http://bot:s3cret@127.0.0.1:1/shop.git check");
    assert_eq!(ran.code, 2);
    assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
    let ran = sandbox.sh(&format!("graylane --repo {url} --rev mian check"));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("did you mean `main`?"), "{}", ran.stderr);
    ok(&sandbox, "git init -q --bare -b main ../empty.git");
    let ran = sandbox.sh("graylane --repo file://$PWD/../empty.git check");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("has no commit"), "{}", ran.stderr);
}

#[test]
fn a_slow_remote_is_told_of_on_standard_error() {
    let (sandbox, url) = elsewhere();
    let ssh = sandbox.dir.join("ssh");
    fs::write(&ssh, "#!/bin/sh\nshift\nsleep 1.2\nexec sh -c \"$*\"\n").unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    let path = url.strip_prefix("file://").unwrap();
    // Without protocol version 2 single files cannot be had: all are fetched.
    let env = "GIT_SSH_COMMAND=$PWD/ssh GIT_SSH_VARIANT=simple";
    let ran = sandbox.sh(&format!("{env} graylane --repo git.example.com:{path} check"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("cloning git.example.com:"), "{}", ran.stderr);
    let quiet = sandbox.sh(&format!("graylane --repo {url} -q check"));
    assert!(!quiet.stderr.contains("cloning"), "{}", quiet.stderr);
}
