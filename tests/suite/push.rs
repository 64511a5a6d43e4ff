//! Committing to branches, with hooks and signatures, and pushing while others do too.

use std::fmt::Write as _;
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

/// Runs a line that must be stopped; gives what it told.
fn refused(sandbox: &Sandbox, line: &str) -> String {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 2, "{line}\n{}{}", ran.stdout, ran.stderr);
    ran.stderr
}

/// The baseline `web` with a spec, committed on `main`.
fn web() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baselines/web"));
    sandbox.commit_all();
    sandbox
}

/// The same, pushed to a bare repository beside it.
fn pushed() -> Sandbox {
    let sandbox = web();
    ok(&sandbox, "git init -q --bare -b main ../origin.git && git remote add origin ../origin.git");
    ok(&sandbox, "git push -q -u origin main");
    sandbox
}

fn hook(sandbox: &Sandbox, name: &str, script: &str) {
    let path = sandbox.dir.join(".git/hooks").join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_commit_is_pushed_to_the_upstream() {
    let sandbox = pushed();
    ok(&sandbox, "graylane generate -q --commit --push");
    assert_eq!(ok(&sandbox, "git -C ../origin.git log --format=%s -1"), "gray(gray): add web\n");
    let again = sandbox.sh("graylane generate --commit --push");
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    assert!(!again.stderr.contains("pushed"), "{}", again.stderr);
    ok(&sandbox, "graylane cleanup -q --commit --push");
    assert_eq!(ok(&sandbox, "git -C ../origin.git log --format=%s -1"), "gray(gray): remove web\n");
    assert_eq!(ok(&sandbox, "git status --short --branch"), "## main...origin/main\n");
}

#[test]
fn what_was_committed_before_is_pushed_by_the_next_run() {
    let sandbox = pushed();
    ok(&sandbox, "git remote set-url origin ../nowhere.git");
    let told = refused(&sandbox, "graylane generate --commit --push");
    assert!(told.contains("git push") && told.contains("run the same command again"), "{told}");
    ok(&sandbox, "git remote set-url origin ../origin.git");
    let ran = sandbox.sh("graylane generate --commit --push");
    assert!(ran.stderr.contains("pushed main to origin/main"), "{}", ran.stderr);
}

#[test]
fn without_a_remote_nothing_is_done() {
    let sandbox = web();
    let told = refused(&sandbox, "graylane generate --commit --push");
    assert!(told.contains("no remote") && told.contains("git remote add"), "{told}");
    assert_eq!(ok(&sandbox, "git status --short"), "");
    ok(&sandbox, "git checkout -q --detach");
    let told = refused(&sandbox, "graylane generate --commit --push");
    assert!(told.contains("no branch is checked out"), "{told}");
}

#[test]
fn others_who_pushed_first_are_built_on() {
    let sandbox = pushed();
    ok(&sandbox, "git clone -q ../origin.git ../other");
    ok(
        &sandbox,
        "cd ../other && sed -i 's/containerPort: 8080/containerPort: 9090/; s/app: web/app: web # theirs/' deploy/web.yaml && git commit -qam Theirs && git push -q",
    );
    fs::write(sandbox.dir.join("mine.txt"), "mine").unwrap();
    ok(&sandbox, "git add mine.txt");
    let ran = sandbox.sh("graylane generate --commit --push");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("origin/main has moved; starting again from it"), "{}", ran.stderr);
    let log = ok(&sandbox, "git -C ../origin.git log --format=%s");
    assert_eq!(log, "gray(gray): add web\nTheirs\nAdd the baseline\n");
    let gray =
        ok(&sandbox, "git show origin/main:overlays/gray/workloads/deployment-web-mse-gray.yaml");
    assert!(gray.contains("# theirs"), "made from the new baseline: {gray}");
    assert!(ok(&sandbox, "git status --short").contains("mine.txt"));
    assert!(!ok(&sandbox, "git show --stat origin/main").contains("mine.txt"));
}

#[test]
fn work_of_the_user_is_never_dropped() {
    let sandbox = pushed();
    ok(&sandbox, "git clone -q ../origin.git ../other");
    ok(&sandbox, "cd ../other && git commit -q --allow-empty -m Theirs && git push -q");
    ok(&sandbox, "git commit -q --allow-empty -m Mine");
    let told = refused(&sandbox, "graylane generate --commit --push");
    assert!(told.contains("gone apart") && told.contains("git pull --rebase"), "{told}");
    let log = ok(&sandbox, "git log --format=%s");
    assert_eq!(log, "gray(gray): add web\nMine\nAdd the baseline\n");

    let sandbox = pushed();
    ok(&sandbox, "git clone -q ../origin.git ../other");
    ok(
        &sandbox,
        "cd ../other && echo '# a' >> deploy/web.yaml && git commit -qam Theirs && git push -q",
    );
    ok(&sandbox, "echo '# b' >> deploy/web.yaml");
    let told = refused(&sandbox, "graylane generate --commit --push");
    assert!(told.contains("commit or stash your changes"), "{told}");
    assert!(ok(&sandbox, "git diff deploy").contains("+# b"));
}

#[test]
fn what_is_staged_stays_staged_where_others_pushed_first() {
    let sandbox = pushed();
    ok(&sandbox, "git clone -q ../origin.git ../other");
    ok(&sandbox, "cd ../other && echo a > theirs.txt && git add -A && git commit -qm Theirs");
    ok(&sandbox, "git -C ../other push -q");
    ok(&sandbox, "echo staged > mine.txt && git add mine.txt && echo work > mine.txt");
    ok(
        &sandbox,
        "echo '# staged' >> deploy/web.yaml && git add deploy && echo '# work' >> deploy/web.yaml",
    );
    ok(
        &sandbox,
        "printf '#!/bin/sh\nexit 1\n' > .git/hooks/post-checkout && chmod +x .git/hooks/post-checkout",
    );
    let before = ok(&sandbox, "git diff --cached && git diff");
    let ran = sandbox.sh("graylane generate --commit --push");
    assert!(ran.stderr.contains("starting again"), "{}", ran.stderr);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ok(&sandbox, "git diff --cached && git diff"), before);
    assert_eq!(ok(&sandbox, "git status --short"), "MM deploy/web.yaml\nAM mine.txt\n");
    assert_eq!(ok(&sandbox, "git symbolic-ref HEAD && cat theirs.txt"), "refs/heads/main\na\n");
}

#[test]
fn a_commit_that_somebody_makes_meanwhile_is_not_dropped() {
    let sandbox = pushed();
    ok(&sandbox, "git clone -q ../origin.git ../other");
    ok(&sandbox, "cd ../other && git commit -q --allow-empty -m Theirs && git push -q");
    hook(&sandbox, "pre-push", "git commit -q --allow-empty --no-verify -m Meanwhile");
    let told = refused(&sandbox, "graylane generate --commit --push");
    assert!(told.contains("gone apart"), "{told}");
    assert!(ok(&sandbox, "git log --format=%s").contains("Meanwhile"));
}

#[test]
fn a_remote_that_refuses_is_told() {
    let sandbox = pushed();
    let hook = sandbox.dir.join("../origin.git/hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\necho 'the branch is frozen' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let told = refused(&sandbox, "graylane generate --commit --push");
    assert!(told.contains("refuses `main`") && told.contains("the branch is frozen"), "{told}");
}

#[test]
fn every_commit_of_several_names_its_source() {
    let sandbox = web();
    let spec = fs::read_to_string(sandbox.dir.join("graylane.yaml")).unwrap();
    let spec = spec.replace("    paths: [deploy]\n", "    paths: [.]\n");
    fs::write(sandbox.dir.join("graylane.yaml"), &spec).unwrap();
    let other = spec.replace("web-gray", "web-blue").replace("tag: gray", "tag: blue");
    fs::write(sandbox.dir.join("blue.yaml"), other.replace("x-gray", "x-blue")).unwrap();
    ok(&sandbox, "git add -A && git commit -qm specs");
    hook(&sandbox, "pre-commit", "exit 0");
    ok(&sandbox, "graylane generate --commit graylane.yaml blue.yaml");
    let sources = ok(&sandbox, "git log -2 --format=%B | grep -c Gray-Source-Commit");
    assert_eq!(sources, "2\n");
}

#[test]
fn no_file_of_the_work_tree_is_a_hook_where_hooks_are_off() {
    let sandbox = web();
    fs::write(sandbox.dir.join("pre-commit"), "#!/bin/sh\ntouch ../ran\nexit 1\n").unwrap();
    ok(&sandbox, "chmod +x pre-commit && git add -A && git commit -qm hook");
    ok(&sandbox, "git config core.hooksPath '' && graylane generate --commit");
    assert!(!sandbox.dir.join("../ran").exists());
}

#[test]
fn hooks_of_commits_run() {
    let sandbox = web();
    hook(
        &sandbox,
        "pre-commit",
        "git diff --cached --name-only > ../staged; git diff --name-only > ../unstaged; test ! -e ../stop || { echo no entry today; exit 1; }",
    );
    hook(&sandbox, "commit-msg", "echo 'Checked-by: hook' >> \"$1\"");
    fs::write(sandbox.dir.join("../stop"), "").unwrap();
    let told = refused(&sandbox, "graylane generate --commit");
    for part in
        ["`pre-commit` refuses", "no entry today", "--no-verify", "written, but not committed"]
    {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(ok(&sandbox, "git log --format=%s"), "Add the baseline\n");
    assert_eq!(ok(&sandbox, "git diff --cached --name-only"), "");
    fs::remove_file(sandbox.dir.join("../stop")).unwrap();
    ok(&sandbox, "graylane generate --commit");
    let staged = fs::read_to_string(sandbox.dir.join("../staged")).unwrap();
    assert!(
        staged.contains("overlays/gray/graylane.lock") && !staged.contains("deploy/"),
        "{staged}"
    );
    assert_eq!(fs::read_to_string(sandbox.dir.join("../unstaged")).unwrap(), "");
    assert!(ok(&sandbox, "git log -1 --format=%B").ends_with("Checked-by: hook\n\n"));

    // Promotion and cleanup are commits as well.
    fs::write(sandbox.dir.join("../stop"), "").unwrap();
    let ran = sandbox.sh("graylane promote --commit");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert_eq!(ok(&sandbox, "git status --short"), "", "a promotion that is refused is undone");
    ok(&sandbox, "graylane promote --commit --no-verify");
    refused(&sandbox, "graylane cleanup --commit");
    ok(&sandbox, "graylane cleanup --commit --no-verify");
    assert!(!ok(&sandbox, "git log -1 --format=%B").contains("Checked-by"));
}

#[test]
fn a_hook_is_run_by_the_shell_where_it_names_no_other_program() {
    let sandbox = web();
    ok(&sandbox, "echo 'echo ran > ../ran' > .git/hooks/pre-commit");
    ok(&sandbox, "echo 'echo By-hook: yes >> \"$1\"' > .git/hooks/commit-msg");
    ok(&sandbox, "chmod +x .git/hooks/pre-commit .git/hooks/commit-msg");
    ok(&sandbox, "graylane generate --commit");
    assert_eq!(
        ok(&sandbox, "cat ../ran && git log -1 --format='%(trailers:key=By-hook)'"),
        "ran\nBy-hook: yes\n\n"
    );
}

#[test]
fn a_hook_that_stages_other_contents_is_told() {
    let sandbox = web();
    hook(
        &sandbox,
        "pre-commit",
        "for file in $(git diff --cached --name-only -- '*.yaml'); do echo '# formatted' >> $file; git add $file; done",
    );
    let told = refused(&sandbox, "graylane generate --commit");
    for part in ["stages another content of `overlays/gray/", "--no-verify", "not committed"] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(ok(&sandbox, "git log --format=%s"), "Add the baseline\n");
    // What it stages besides is its own affair.
    hook(&sandbox, "pre-commit", "echo x > other.txt; git add other.txt");
    ok(&sandbox, "graylane generate --force --commit");
    assert_eq!(ok(&sandbox, "git status --short"), "?? other.txt\n");
}

#[test]
fn a_commit_is_signed_where_that_is_asked_for() {
    let sandbox = web();
    // Where ssh-keygen is not installed there is nothing to sign with.
    ok(&sandbox, "ssh-keygen -q -t ed25519 -N '' -f ../key || true");
    if !sandbox.dir.join("../key").exists() {
        return;
    }
    ok(&sandbox, "git config gpg.format ssh && git config user.signingKey \"$PWD/../key\"");
    ok(&sandbox, "graylane generate --commit --sign");
    assert!(ok(&sandbox, "git cat-file commit HEAD").contains("BEGIN SSH SIGNATURE"));
    ok(&sandbox, "graylane cleanup --commit");
    assert!(!ok(&sandbox, "git cat-file commit HEAD").contains("SIGNATURE"));
}

#[test]
fn a_branch_that_is_not_checked_out_gets_the_overlay_alone() {
    let sandbox = pushed();
    let before = ok(&sandbox, "git status --short && git rev-parse HEAD");
    ok(&sandbox, "graylane generate -q --commit --branch lanes --push");
    assert_eq!(ok(&sandbox, "git status --short && git rev-parse HEAD"), before);
    assert_eq!(
        ok(&sandbox, "git log --format=%s lanes"),
        "gray(gray): add web\nAdd the baseline\n"
    );
    assert_eq!(
        ok(&sandbox, "git rev-parse lanes"),
        ok(&sandbox, "git -C ../origin.git rev-parse lanes")
    );
    ok(&sandbox, "graylane generate -q --commit --branch rendered --orphan");
    let files = ok(&sandbox, "git ls-tree -r --name-only rendered");
    assert!(files.lines().all(|path| path.starts_with("overlays/gray/")), "{files}");
    assert_eq!(ok(&sandbox, "git rev-list --count rendered"), "1\n");
    let again = sandbox.sh("graylane generate --commit --branch rendered --orphan");
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    let told = refused(&sandbox, "graylane generate --commit --branch main");
    assert!(told.contains("checked out here"), "{told}");

    // A clone that has not heard of the branch goes on from it.
    ok(
        &sandbox,
        "git clone -q ../origin.git ../other && sed -i 's/web:2.0/web:3.0/' ../other/graylane.yaml",
    );
    ok(
        &sandbox,
        "cd ../other && git branch -q -r -d origin/lanes; graylane generate --commit --branch lanes --push",
    );
    let log = ok(&sandbox, "git -C ../origin.git log --format=%s lanes");
    assert_eq!(log, "gray(gray): update web\ngray(gray): add web\nAdd the baseline\n");
    // And the first one builds on that.
    ok(
        &sandbox,
        "sed -i 's/web:2.0/web:4.0/' graylane.yaml && graylane generate --commit --branch lanes --push",
    );
    assert_eq!(ok(&sandbox, "git -C ../origin.git rev-list --count lanes"), "4\n");
}

#[test]
fn a_branch_that_is_not_there_is_not_pushed_where_there_is_nothing_to_do() {
    let sandbox = pushed();
    ok(&sandbox, "graylane generate -q --commit --push");
    let url = format!("file://{}", sandbox.dir.with_file_name("origin.git").display());
    for to in ["", &format!("--repo {url}")] {
        let ran = sandbox.sh(&format!("graylane {to} generate --commit --push --branch new"));
        assert_eq!(ran.code, 0, "{to} {}", ran.stderr);
        assert!(ran.stderr.ends_with("nothing to do\n"), "{to} {}", ran.stderr);
    }
    ok(
        &sandbox,
        "! git rev-parse -q --verify new && ! git -C ../origin.git rev-parse -q --verify new",
    );

    // One that is there is pushed all the same: the remote does not have it.
    ok(&sandbox, "git branch new");
    let ran = sandbox.sh("graylane generate --commit --push --branch new");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.ends_with("nothing to do\npushed new to origin/new\n"), "{}", ran.stderr);

    // Nor is the branch that is checked out, before its first commit.
    ok(
        &sandbox,
        "git checkout -q --orphan unborn && git rm -rq --cached . && rm -r deploy overlays graylane.yaml",
    );
    let ran = sandbox.sh("graylane generate --if-present --commit --push");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.ends_with("nothing to do\n"), "{}", ran.stderr);
}

/// Processes that push at the same time.
const PUSHERS: usize = 8;
/// Commits of each.
const ROUNDS: usize = 5;

#[test]
fn many_push_at_once_and_nothing_is_lost() {
    let sandbox = web();
    let spec = fs::read_to_string(sandbox.dir.join("graylane.yaml")).unwrap();
    let (head, _) = spec.split_once("      entry:").unwrap();
    for number in 0..PUSHERS {
        let own = head.replace("gray\n", &format!("lane{number}\n"));
        let own = own.replace("paths: [deploy]", "paths: [../deploy]");
        let own =
            own.replace("  baseline:", &format!("  output: ../overlays/lane{number}\n  baseline:"));
        fs::create_dir_all(sandbox.dir.join("graylane")).unwrap();
        fs::write(sandbox.dir.join(format!("graylane/{number}.yaml")), own).unwrap();
    }
    ok(
        &sandbox,
        "git rm -q --cached graylane.yaml && rm graylane.yaml && git add -A && git commit -qm Specs",
    );
    ok(&sandbox, "git clone -q --bare . ../origin.git");
    let mut script = String::new();
    for number in 0..PUSHERS {
        ok(&sandbox, &format!("git clone -q ../origin.git ../clone{number}"));
        write!(
            script,
            "(cd ../clone{number} && for round in $(seq {ROUNDS}); do
                sed -i \"s/web:2.*/web:2.$round/\" graylane/{number}.yaml &&
                graylane generate -q --commit --push graylane/{number}.yaml || exit 1;
            done) >../out{number} 2>&1 & pids=\"$pids $!\"\n"
        )
        .unwrap();
    }
    script.push_str("for pid in $pids; do wait $pid || { cat ../out*; exit 1; }; done");
    ok(&sandbox, &script);
    let subjects = ok(&sandbox, "git -C ../origin.git log --format=%s HEAD");
    let lanes = subjects.lines().filter(|subject| subject.starts_with("gray(lane"));
    assert_eq!(lanes.count(), PUSHERS * ROUNDS, "{subjects}");
    let empty = ok(
        &sandbox,
        "cd ../origin.git && for commit in $(git rev-list --grep '^gray' HEAD); do test -n \"$(git diff-tree --no-commit-id --name-only -r $commit)\" || echo $commit; done",
    );
    assert_eq!(empty, "");
    for number in 0..PUSHERS {
        let path = format!("overlays/lane{number}/workloads/deployment-web-mse-lane{number}.yaml");
        let shown = ok(&sandbox, &format!("git -C ../origin.git show HEAD:{path}"));
        assert!(shown.contains(&format!("web:2.{ROUNDS}\n")), "{shown}");
    }
}
