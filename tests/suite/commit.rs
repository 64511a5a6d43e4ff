//! What cannot be committed is not written either, and the repository is the one of the spec.

use std::path::Path;

use crate::sandbox::Sandbox;

fn web() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baselines/web"));
    sandbox.commit_all();
    sandbox
}

#[test]
fn a_commit_that_is_refused_leaves_no_files() {
    for obstacle in [
        "touch .git/index.lock",
        "touch .git/MERGE_HEAD && git rev-parse HEAD > .git/MERGE_HEAD",
        "git config commit.gpgSign true && git config gpg.program false",
    ] {
        let sandbox = web();
        let ran = sandbox.sh(&format!("{obstacle} && graylane generate --commit"));
        assert_eq!(ran.code, 2, "{obstacle}: {}", ran.stderr);
        let left = sandbox.sh("test ! -e overlays && echo none");
        assert_eq!(left.stdout, "none\n", "{obstacle}");
    }
}

#[test]
fn a_removal_that_is_refused_leaves_all_files() {
    for obstacle in [
        "touch .git/index.lock",
        "git config commit.gpgSign true && git config gpg.program false",
        "printf '#!/bin/sh\\nexit 1\\n' > .git/hooks/commit-msg && chmod +x .git/hooks/commit-msg",
    ] {
        let sandbox = web();
        let ran = sandbox.sh(&format!(
            "graylane generate -q --commit && {obstacle} && graylane cleanup --commit"
        ));
        assert_eq!(ran.code, 2, "{obstacle}: {}", ran.stderr);
        assert!(!ran.stdout.contains("remove"), "{obstacle}: {}", ran.stdout);
        let left = sandbox.sh("git status --short");
        assert_eq!(left.stdout, "", "{obstacle}");
    }
}

#[test]
fn a_removal_that_a_hook_looked_at_and_refused_is_told() {
    let sandbox = web();
    let ran = sandbox.sh(
        "graylane generate -q --commit && printf '#!/bin/sh\\nexit 1\\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit && graylane cleanup --commit",
    );
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(
        ran.stderr.contains("overlays/gray is cleaned up, but not committed"),
        "{}",
        ran.stderr
    );
    let ran = sandbox.sh("rm .git/hooks/pre-commit && graylane cleanup --commit && git status -s");
    assert_eq!((ran.code, ran.stdout.contains("??")), (0, false), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_directory_that_a_removal_emptied_before_its_commit_stays_in_git() {
    for (options, kept) in [
        ("--drain", "overlays/gray/entry/.gitkeep\n"),
        ("--keep-metadata", "overlays/gray/entry/.gitkeep\noverlays/gray/workloads/.gitkeep\n"),
    ] {
        let sandbox = web();
        // An entry, for there to be something to drain.
        sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mse-demo"));
        let ran = sandbox.sh(&format!(
            "git add -A && git commit -qm Demo && graylane generate -q --commit && graylane cleanup -q {options} && graylane cleanup -q {options} --commit && git ls-tree -r --name-only HEAD overlays | grep gitkeep"
        ));
        assert!(ran.stdout.ends_with(kept), "{options}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn a_baseline_that_changed_before_the_lane_was_drained_is_not_promoted_over() {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mse-demo"));
    sandbox.commit_all();
    let ran = sandbox.sh("graylane generate -q --commit && graylane cleanup -q --drain --commit && graylane promote --dry-run");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = sandbox.sh("git reset -q --hard HEAD~1 && sed -i 's/replicas: 1/replicas: 2/' deploy/*.yaml && git commit -qam Scale && graylane cleanup -q --drain --commit && graylane promote --dry-run");
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stderr.contains("changed since the lane was generated"), "{}", ran.stderr);
}

#[test]
fn no_lane_is_written_when_one_of_them_cannot_be() {
    let sandbox = web();
    let ran = sandbox.sh("mkdir graylane && sed 's/tag: gray/tag: blue/; s/name: web-gray/name: blue/; s#\\[deploy\\]#[../deploy]#; s#paths: deploy#paths: ../deploy#' graylane.yaml > graylane/b.yaml && sed 's#\\[deploy\\]#[../deploy]#; s#- deploy#- ../deploy#' graylane.yaml > graylane/a.yaml && git rm -q --cached graylane.yaml && rm graylane.yaml && graylane generate && echo '# mine' >> $(ls -d graylane/overlays/blue/workloads/*.yaml | head -1) && rm -r graylane/overlays/gray && graylane generate");
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    let left = sandbox.sh("test ! -e graylane/overlays/gray && echo none");
    assert_eq!(left.stdout, "none\n", "{}", ran.stderr);
}

#[test]
fn outside_of_a_repository_the_spec_says_which_one_is_meant() {
    let sandbox = web();
    let ran = sandbox.sh("graylane render > /dev/null && graylane generate --commit && repo=$PWD && mkdir -p ../elsewhere && cd ../elsewhere && graylane generate --check $repo/graylane.yaml; code=$?; rmdir ../elsewhere; exit $code");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn an_overlay_that_a_changed_tag_leaves_behind_is_told() {
    let sandbox = web();
    let ran = sandbox.sh("graylane -q generate && sed -i 's/tag: gray/tag: blue/; s/x-gray/x-colour/' graylane.yaml && graylane generate");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("`graylane cleanup --overlay overlays/gray`"), "{}", ran.stderr);
    // With the same condition it would keep what is for the lane.
    let sandbox = web();
    let ran = sandbox.sh("graylane -q generate && sed -i 's/tag: gray/tag: blue/' graylane.yaml && graylane generate");
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(
        ran.stderr.contains("take it away first: `graylane cleanup --overlay overlays/gray`"),
        "{}",
        ran.stderr
    );
    let ran = sandbox.sh("graylane cleanup --overlay overlays/gray --commit && graylane generate --commit && graylane -q cleanup --commit");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn what_a_spec_left_is_taken_away_and_no_other_lane_of_that_tag() {
    let sandbox = Sandbox::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mse-demo");
    sandbox.copy_from(&example);
    sandbox.commit_all();
    let ran =
        sandbox.sh("mkdir shop pay && mv deploy graylane.yaml shop/ && cp -r shop/* pay/ && \
         sed -i 's/^  name: .*/  name: pay/' pay/graylane.yaml && \
         git add -A && git commit -qm Base && \
         graylane -q generate --commit shop/graylane.yaml && graylane -q generate --commit pay/graylane.yaml && \
         sed -i 's/tag: gray/tag: later/' shop/graylane.yaml && git commit -qam Later && \
         graylane check -q shop/graylane.yaml");
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let remedy = "graylane cleanup --overlay shop/overlays/gray";
    assert!(ran.stdout.contains(remedy), "{}", ran.stdout);
    let ran = sandbox.sh(&format!("{remedy} --commit > /dev/null && ls shop/overlays pay/overlays/gray/entry && graylane -q generate --commit shop/graylane.yaml && graylane list --format json | grep -c 'up to date'"));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.ends_with("\n2\n"), "{}", ran.stdout);
    // The same from another directory, once more, and of what is none.
    let ran = sandbox.sh("cd shop && graylane cleanup --overlay overlays/gray && graylane cleanup --overlay overlays/latr");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("no overlay in `shop/overlays/gray`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `overlays/later`"), "{}", ran.stderr);
    let ran = sandbox
        .sh("cd shop && graylane cleanup -q --overlay overlays/later --service none --tag x");
    assert_eq!(ran.code, 2, "{}", ran.stdout);
}

#[test]
fn the_lanes_beside_one_are_those_of_the_branch_it_is_committed_to() {
    let sandbox = web();
    let ran = sandbox.sh("graylane -q generate --commit --branch out --orphan && \
         sed -i 's/tag: gray/tag: later/' graylane.yaml && git commit -qam Later && \
         graylane check -q && graylane generate -q --dry-run && \
         graylane generate -q --commit --branch out");
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    let remedy =
        "take it away first, with `out` checked out: `graylane cleanup --overlay overlays/gray`";
    assert!(ran.stderr.contains("the overlay of the earlier tag `gray`"), "{}", ran.stderr);
    assert!(ran.stderr.contains(remedy), "{}", ran.stderr);
    // Another lane on it, and none on a branch that is new.
    let ran = sandbox.sh(
        "sed 's/name: web-gray/name: two/; s/tag: later/tag: two/' graylane.yaml > two.yaml && \
         git add . && git commit -qm Two && graylane generate -q two.yaml --commit --branch new && \
         graylane generate -q two.yaml --commit --branch out",
    );
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("wants too: both have the same condition"), "{}", ran.stderr);
    // With the remedy taken, where no spec is.
    let ran = sandbox.sh("git checkout -q out && graylane cleanup -q --overlay overlays/gray --commit && git checkout -q main && graylane generate -q two.yaml --commit --branch out");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    // What is here alone is in nobody's way there; what is here is in the way of `--rev`.
    let ran = sandbox.sh("graylane generate -q --commit && graylane generate -q two.yaml --commit --branch empty --orphan && graylane --rev HEAD~1 generate -q two.yaml");
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("the lane `web-gray` wants too"), "{}", ran.stderr);
}

#[test]
fn the_lanes_beside_one_are_those_of_head_too() {
    // Overlays that are not on disk are in the commit all the same.
    for rev in ["", "--rev HEAD "] {
        let sandbox = web();
        let ran = sandbox.sh(&format!(
            "sed 's/name: web-gray/name: two/; s/tag: gray/tag: two/' graylane.yaml > two.yaml && \
             git add . && git commit -qm Two && graylane generate -q --commit graylane.yaml && \
             git status -s && git sparse-checkout set --no-cone /deploy/ '/*.yaml' && test ! -e overlays && \
             graylane {rev}generate -q --commit two.yaml"
        ));
        assert_eq!(ran.code, 2, "{rev}{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("the lane `web-gray` wants too"), "{rev}{}", ran.stderr);
        let ran = sandbox.sh("git ls-tree --name-only HEAD overlays/");
        assert_eq!(ran.stdout, "overlays/gray\n");
    }
}

#[test]
fn a_lane_of_another_branch_is_not_what_this_one_left() {
    // Every branch has its own spec at one path; all overlays go to one branch.
    let sandbox = web();
    let ran = sandbox.sh("git checkout -qb one && graylane -q generate --commit --branch env --orphan && \
         git checkout -qb two main && sed -i 's/name: web-gray/name: two/; s/tag: gray/tag: two/' graylane.yaml && \
         git commit -qam Two && graylane -q generate --commit --branch env");
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("the lane `web-gray` wants too"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("take it away"), "{}", ran.stderr);
    // The same tag in another directory.
    let ran = sandbox.sh("sed -i 's/tag: two/tag: gray/; s/x-gray/x-two/' graylane.yaml && echo '  output: overlays/two' >> graylane.yaml && \
         git commit -qam Same && graylane -q generate --commit --branch env");
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("the lanes `web-gray` (`overlays/gray`) and `two` both have"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("give each lane a tag of its own"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("the other one"), "{}", ran.stderr);
}

/// What of a text stands between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("{after} is not in {rest}")).0
}

#[test]
fn commands_that_are_offered_work_where_they_are_told() {
    // From the directory of the spec, from one beside it, and with `-C`.
    for (cd, spec) in [
        ("my shop", "graylane.yaml"),
        ("other", "'../my shop/graylane.yaml'"),
        (".", "-C 'my shop'"),
    ] {
        let sandbox = web();
        let ran = sandbox.sh("mkdir 'my shop' other && git mv deploy graylane.yaml 'my shop/' && \
             touch other/file && git add other && git commit -qm Move");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let run = |line: &str, code: i32| {
            let ran = sandbox.sh(&format!("cd '{cd}' && {line}"));
            assert_eq!(ran.code, code, "{cd}: {line}\n{}{}", ran.stdout, ran.stderr);
            ran
        };
        run(&format!("graylane generate -q --commit {spec}"), 0);
        sandbox.sh(
            "sed -i 's/tag: gray/tag: later/' 'my shop/graylane.yaml' && git commit -qam Later",
        );
        let told = run(&format!("graylane check {spec}"), 1).stdout;
        let remedy = between(&told, "take it away first: `", "`");
        run(&format!("{remedy} --commit"), 0);
        run(
            "test ! -e \"$(git rev-parse --show-toplevel)/my shop/overlays/gray/graylane.lock\"",
            0,
        );
        run(&format!("graylane generate -q --commit {spec}"), 0);
        // An output of the same tag is told of, and what to do after a promotion.
        sandbox
            .sh("echo '  output: overlays/b' >> 'my shop/graylane.yaml' && git commit -qam Output");
        let told = run(&format!("graylane generate --commit {spec}"), 0).stderr;
        run(&format!("{} --commit", between(&told, "output of it; `", "`")), 0);
        let told = run(&format!("graylane promote --commit {spec}"), 0).stderr;
        run(&format!("graylane {}", between(&told, "baseline is healthy: graylane ", "\n")), 0);
        let left = sandbox.sh("git ls-files | grep graylane.lock");
        assert_eq!(left.stdout, "", "{cd}");
        // What is nowhere is no success.
        let ran = run("graylane -q cleanup --overlay 'my shop/none'", 2);
        assert!(ran.stderr.contains("there is no overlay in"), "{}", ran.stderr);
    }
}

/// The commands in backquotes.
fn offered(told: &str) -> Vec<&str> {
    told.split('`').skip(1).step_by(2).filter(|text| text.starts_with("graylane ")).collect()
}

#[test]
fn commands_that_are_offered_are_of_the_lane_they_are_told_of() {
    const DRIFT: &str = "sed -i s/2.0/2.1/ SPEC";
    const SELECTOR: &str =
        r"sed -i 's/  tag: gray/  tag: gray\n  governance: {provider: none}/' SPEC";
    const EXPIRES: &str = r"sed -i 's/  tag: gray/  tag: gray\n  expires: 2020-01-01/' SPEC";
    const GONE: &str = "rm -r OUT && sed -i 's/replicas: 3/replicas: 4/' deploy/web.yaml";
    // A selector that gray pods match as they were.
    const LEAK: &str = "sed -i 's/^    app: web$/    tier: back/' deploy/web.yaml";
    const POD: &str = r"sed -i 's/^      containers:/      hostNetwork: false\n      containers:/' deploy/web.yaml";
    // What is done to a lane and its files, the command that tells of it, and what it tells.
    let cases = [
        (DRIFT, "check", "[drift]"),
        ("rm OUT/workloads/*", "check", "was removed by hand"),
        ("sed -i s/2.0/3.0/ OUT/workloads/*", "check", "was changed by hand"),
        (POD, "check", "[baseline-moved]"),
        ("cp deploy/web.yaml OUT/workloads/service-x.yaml", "check", "[foreign-manifest]"),
        ("sed -i s/2.0/1.0/ SPEC", "check", "[image-unchanged]"),
        (SELECTOR, "check", "[selector-changed]"),
        (EXPIRES, "check", "[lane-expired]"),
        (LEAK, "check", "[overlay-leak]"),
        (GONE, "check", "[cleanup-with-baseline]"),
        (DRIFT, "promote", "is not that of this spec"),
        (POD, "promote", "is not what spec and baseline give"),
    ];
    let sandbox = web();
    let ok = |line: &str| {
        let ran = sandbox.sh(line);
        assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
        ran.stdout
    };
    // Where specs are looked for and where they are not; from the root, from beside, and with `-C`:
    // each case in one of them.
    let places = [("graylane", ".", ""), ("lanes", "deploy", "../"), ("lanes", "..", "")];
    for (place, (specs, cd, to)) in places.into_iter().enumerate() {
        ok(&format!(
            "rm -rf ../start && cp -a . ../start && cd ../start && mkdir {specs} && \
             sed -i 's/^        app: web$/&\\n        tier: back/' deploy/web.yaml && \
             git mv graylane.yaml {specs}/a.yaml && cd {specs} && \
             sed -i 's/web-gray/a/; s#\\[deploy\\]#[../deploy]#' a.yaml && \
             sed 's/name: a$/name: b/; s/tag: gray/tag: b/; s/x-gray/x-b/' a.yaml > b.yaml && \
             git add .. && git commit -qm Two && graylane generate -q --commit a.yaml b.yaml && \
             sed -i s/2.0/2.2/ b.yaml && git commit -qam Later"
        ));
        let spec = match cd {
            ".." => format!("-C done {specs}/a.yaml"),
            _ => format!("{to}{specs}/a.yaml"),
        };
        for (deed, command, code) in cases.into_iter().skip(place).step_by(places.len()) {
            let deed = deed.replace("SPEC", &format!("{specs}/a.yaml"));
            let deed = deed.replace("OUT", &format!("{specs}/overlays/gray"));
            ok(&format!("rm -rf ../done && cp -a ../start ../done && cd ../done && {deed}"));
            let told = sandbox.sh(&format!("cd ../done/{cd} && graylane {command} {spec}"));
            let told = format!("{cd}: {}{}", told.stdout, told.stderr);
            assert!(told.contains(code), "{code}: {told}");
            let commands = offered(&told);
            assert!(!commands.is_empty(), "{code}: {told}");
            for command in commands {
                ok("rm -rf ../kept && cp -a ../done ../kept");
                let ran = sandbox.sh(&format!("cd ../done/{cd} && {command}"));
                let is_done = ran.code == 0 || (ran.code == 1 && command.contains(" diff "));
                assert!(is_done, "{command}: {}\n{told}", ran.stderr);
                // Whatever is done to the other lane, too, changes it.
                let other = format!("{specs}/overlays/b");
                ok(&format!("cd .. && diff -r done/{other} kept/{other}"));
                ok("rm -rf ../done && mv ../kept ../done");
            }
        }
    }
}
