//! The scripts of the GitHub action and of the GitLab job, run as their runners run them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::sandbox::{Ran, Sandbox};
use graylane::yaml::{Document, NodeRef, Source, parse};

fn document(path: &str, index: usize) -> Document {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    parse(Source::new(path, text)).unwrap().documents.swap_remove(index)
}

fn text<'a>(node: NodeRef<'a>, key: &str) -> Option<&'a str> {
    node.get(key).and_then(NodeRef::as_str)
}

/// The script of a step of the action.
fn step(name: &str) -> String {
    let action = document("action.yml", 0);
    let steps = action.root().at(&["runs", "steps"]).unwrap();
    let step = steps.items().find(|step| text(*step, "name") == Some(name)).unwrap();
    text(step, "run").unwrap().to_owned()
}

fn job_script() -> String {
    let job = document("templates/gitlab/graylane.yml", 1);
    let script = job.root().at(&["graylane", "script"]).unwrap();
    let lines: Vec<&str> = script.items().map(|line| line.as_str().unwrap()).collect();
    lines.join("\n")
}

/// A repository whose branch has the lane with another image than `main`.
fn changed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baselines/web"));
    sandbox.commit_all();
    ok(&sandbox, "git switch -q -c feature && sed -i 's/web:2.0/web:2.1/' graylane.yaml");
    ok(&sandbox, "git commit -q -a -m 'Try 2.1' && mkdir ../temp ../bin");
    sandbox
}

fn ok(sandbox: &Sandbox, line: &str) -> String {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

/// A program that stands in for one of the runner.
fn stand_in(sandbox: &Sandbox, name: &str, script: &str) {
    let path = sandbox.dir.with_file_name("bin").join(name);
    fs::write(&path, format!("#!/usr/bin/env bash\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs a script as the runners do: `bash -eo pipefail`, with these variables.
fn run(sandbox: &Sandbox, script: &str, variables: &[(&str, &str)]) -> Ran {
    let file = sandbox.dir.with_file_name("step.sh");
    fs::write(&file, script).unwrap();
    let set: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("export {name}='{}'", value.replace('\'', "'\\''")))
        .collect();
    sandbox.sh(&format!(
        "export PATH=$PWD/../bin:$PATH RUNNER_TEMP=$PWD/../temp GITHUB_OUTPUT=$PWD/../output GITHUB_STEP_SUMMARY=$PWD/../summary GITHUB_PATH=$PWD/../path\n{}\nbash --noprofile --norc -eo pipefail ../step.sh",
        set.join("\n")
    ))
}

const COMPARE: &str = "Compare with the base";

#[test]
fn nothing_is_put_into_a_script_but_by_variables() {
    let action = document("action.yml", 0);
    let root = action.root();
    let inputs = root.get("inputs").unwrap();
    for step in root.at(&["runs", "steps"]).unwrap().items() {
        let script = text(step, "run").unwrap();
        assert!(!script.contains("${{"), "{script}");
        assert_eq!(text(step, "shell"), Some("bash"));
        let used = step.get("env").into_iter().flat_map(NodeRef::entries);
        for (name, value) in used {
            // `gh` reads its token itself.
            assert!(name == "GH_TOKEN" || script.contains(name), "{name} is not used");
            let Some(input) = value.as_str().unwrap().split("inputs.").nth(1) else { continue };
            let input = input.split([' ', '}']).next().unwrap();
            assert!(inputs.get(input).is_some(), "{input} is no input");
        }
    }
    assert!(!job_script().contains("$[["));
}

#[test]
fn graylane_is_built_where_it_is_missing() {
    let sandbox = changed();
    ok(&sandbox, ": > ../path");
    let ran = run(&sandbox, &step("Install graylane"), &[("SOURCE", "/nowhere")]);
    assert_eq!((ran.code, ok(&sandbox, "cat ../path").as_str()), (0, ""));
    stand_in(&sandbox, "cargo", "echo \"$@\"");
    let without = format!("command() {{ return 1; }}\n{}", step("Install graylane"));
    let ran = run(&sandbox, &without, &[("SOURCE", "/src/graylane")]);
    assert!(ran.stdout.contains("install --locked --path /src/graylane"), "{}", ran.stdout);
    assert!(ok(&sandbox, "cat ../path").ends_with("graylane/bin\n"));
}

#[test]
fn a_lane_with_errors_stops_the_check_and_is_in_the_log() {
    let sandbox = changed();
    let check = step("Check the lanes");
    let ran = run(&sandbox, &check, &[("SPECS", ""), ("SARIF", "lanes.sarif")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ok(&sandbox, "cat lanes.sarif").contains("\"2.1.0\""));
    for hostile in ["graylane.yaml; touch hacked", "$(touch hacked)", "--version\nx"] {
        run(&sandbox, &check, &[("SPECS", hostile), ("SARIF", "")]);
        let ran = run(&sandbox, &step(COMPARE), &[("SPECS", hostile), ("BASE", "main")]);
        assert_eq!(ran.code, 0, "{hostile}: {}", ran.stderr);
        for spec in hostile.lines() {
            assert!(ran.stderr.contains(&format!("{spec} does not exist\n")), "{}", ran.stderr);
        }
    }
    ok(&sandbox, "test ! -e hacked");
    let ran = run(&sandbox, &check, &[("SPECS", "\n  \ngraylane.yaml\n"), ("SARIF", "")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn what_a_pull_request_changes_is_reported() {
    let sandbox = changed();
    let ran = run(&sandbox, &step(COMPARE), &[("SPECS", ""), ("BASE", "main")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let output = ok(&sandbox, "cat ../output");
    assert!(output.starts_with("changed=true\nreport="), "{output}");
    let report = ok(&sandbox, "cat ../temp/graylane-diff.md");
    assert!(report.starts_with("<!-- graylane:lane-diff -->\n"), "{report}");
    assert_eq!(report, ok(&sandbox, "cat ../summary"));
    ok(&sandbox, "rm ../output");
    let ran = run(&sandbox, &step(COMPARE), &[("SPECS", ""), ("BASE", "HEAD")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ok(&sandbox, "cat ../output").starts_with("changed=false\n"));
    // A lane that is gone and a slip of the pen are one to a job: the log names what is not there.
    let ran = run(&sandbox, &step(COMPARE), &[("SPECS", "none.yaml"), ("BASE", "main")]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "none.yaml does not exist\n"));
    assert!(ok(&sandbox, "tail -n 2 ../output").starts_with("changed=false\n"));
}

#[test]
fn the_base_may_be_a_branch_that_only_the_remote_has() {
    // `actions/checkout` leaves a commit without branches, and one commit of history unless it is told.
    for depth in ["", "--depth=1"] {
        let sandbox = changed();
        ok(&sandbox, "git switch -q main && git branch other && git switch -q feature");
        ok(&sandbox, "git clone -q --bare . ../origin.git && git switch -q --detach");
        ok(
            &sandbox,
            &format!(
                "cd .. && git clone -q {depth} --no-tags -b feature \"file://$PWD/origin.git\" clone"
            ),
        );
        ok(&sandbox, "cd ../clone && git switch -q --detach && git branch -qD feature");
        let in_clone = format!("cd ../clone\n{}", step(COMPARE));
        let ran = run(&sandbox, &in_clone, &[("SPECS", ""), ("BASE", "other")]);
        assert_eq!(ran.code, 0, "{depth}: {}", ran.stderr);
        assert!(ok(&sandbox, "cat ../summary").contains("- changed: `web-gray`"));
        // All that was there of the history still is.
        let count = ok(&sandbox, "git -C ../clone rev-list --count HEAD");
        assert_eq!(count, if depth.is_empty() { "2\n" } else { "1\n" });
        let ran =
            run(&sandbox, &in_clone, &[("SPECS", ""), ("BASE", "--upload-pack=touch hacked")]);
        assert_ne!(ran.code, 0);
        ok(&sandbox, "test ! -e hacked && test ! -e ../clone/hacked && rm ../summary ../output");
    }
}

#[test]
fn what_the_check_finds_is_in_the_comment() {
    let action = document("action.yml", 0);
    let steps = action.root().at(&["runs", "steps"]).unwrap();
    let condition = |name: &str| {
        let step = steps.items().find(|step| text(*step, "name") == Some(name)).unwrap();
        text(step, "if").unwrap().to_owned()
    };
    // A condition without a function of the status means that all steps before have succeeded.
    assert!(condition(COMPARE).starts_with("${{ !cancelled() && steps.check.outcome != 'skipped'"));
    assert!(
        condition("Comment").starts_with("${{ !cancelled() && steps.diff.outputs.report != ''")
    );

    let sandbox = changed();
    ok(&sandbox, r"sed -i 's/  tag: gray/  tag: gray\n  isolation: version-label/' graylane.yaml");
    let ran = run(&sandbox, &step("Check the lanes"), &[("SPECS", ""), ("SARIF", "")]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let ran = run(&sandbox, &step(COMPARE), &[("SPECS", ""), ("BASE", "main")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ok(&sandbox, "cat ../summary").contains("error[selector-leak]"));
    let variables = [("SPECS", ""), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "main")];
    let ran = run(&sandbox, &job_script(), &variables);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ok(&sandbox, "cat graylane.md").contains("error[selector-leak]"));
}

#[test]
fn a_lane_that_cannot_be_built_has_a_report_that_says_so() {
    let sandbox = changed();
    ok(&sandbox, "sed -i 's/  tag: gray/  tga: gray/' graylane.yaml");
    let ran = run(&sandbox, &step(COMPARE), &[("SPECS", ""), ("BASE", "main")]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    let output = ok(&sandbox, "cat ../output");
    assert!(output.starts_with("changed=false\nreport="), "{output}");
    let variables = [("SPECS", ""), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "main")];
    let ran = run(&sandbox, &job_script(), &variables);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    for report in ["../summary", "graylane.md"] {
        let report = ok(&sandbox, &format!("cat {report}"));
        assert!(report.starts_with("<!-- graylane:lane-diff -->\n"), "{report}");
        assert!(report.contains("unknown field `tga`"), "{report}");
    }
}

#[test]
fn a_lane_may_be_taken_away() {
    for specs in ["", "graylane.yaml"] {
        let sandbox = changed();
        ok(&sandbox, "git init -q --bare ../origin.git && git remote add origin ../origin.git");
        ok(&sandbox, "git rm -q graylane.yaml && git commit -q -m 'The lane is done'");
        for name in ["Check the lanes", COMPARE, "Write and push the lanes"] {
            let variables = [("SPECS", specs), ("SARIF", "lanes.sarif"), ("BASE", "main")];
            let ran = run(&sandbox, &step(name), &variables);
            assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
        }
        assert!(ok(&sandbox, "cat lanes.sarif").contains("\"2.1.0\""));
        assert!(ok(&sandbox, "cat ../summary").contains("- removed: `web-gray`"));
        let variables = [("SPECS", specs), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "main")];
        let ran = run(&sandbox, &job_script(), &variables);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
}

#[test]
fn pull_requests_pass_while_there_is_no_lane() {
    // Named or not, and one of several: the spec went one commit before.
    for (specs, left) in [("", 0), ("graylane.yaml", 0), ("graylane.yaml\nblue.yaml", 1)] {
        let sandbox = changed();
        ok(&sandbox, "sed 's/gray$/blue/; s/x-gray/x-blue/' graylane.yaml > ../blue.yaml");
        ok(
            &sandbox,
            &"mv ../blue.yaml . && git add blue.yaml && git commit -q -m Blue\n".repeat(left),
        );
        ok(&sandbox, "git init -q --bare ../origin.git && git remote add origin ../origin.git");
        ok(&sandbox, "git rm -q graylane.yaml && git commit -q -m 'The lane is done'");
        ok(&sandbox, "git branch -f main && echo other > other && git add other");
        ok(&sandbox, "git commit -q -m Other");
        for name in ["Check the lanes", COMPARE, "Write and push the lanes"] {
            let variables = [("SPECS", specs), ("SARIF", "lanes.sarif"), ("BASE", "main")];
            let ran = run(&sandbox, &step(name), &variables);
            assert_eq!(ran.code, 0, "{specs}: {name}: {}", ran.stderr);
        }
        assert!(ok(&sandbox, "cat ../output").starts_with("changed=false\nreport="), "{specs}");
        let lanes = if left == 1 { "1 lane" } else { "0 lanes" };
        let says = format!("{lanes}, compared with `main`: no differences.");
        assert!(ok(&sandbox, "cat ../summary").contains(&says), "{specs}");
        let variables =
            [("SPECS", &*specs.replace('\n', " ")), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "main")];
        let ran = run(&sandbox, &job_script(), &variables);
        assert_eq!(ran.code, 0, "{specs}: {}", ran.stderr);
        assert!(ok(&sandbox, "cat graylane.md").contains(&says), "{specs}");
        // By hand, what is misspelled is an error.
        for base in ["", "--base main"] {
            let ran = sandbox.sh(&format!("graylane diff {base} graylane.yml"));
            assert_eq!(ran.code, 2, "{base}: {}", ran.stdout);
            assert!(ran.stderr.contains("the spec graylane.yml cannot be read"), "{}", ran.stderr);
            let ran = sandbox.sh(&format!("graylane diff --if-present {base} graylane.yml"));
            let told = ("no differences\n", "graylane.yml does not exist\n");
            assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), told, "{base}");
        }
    }
}

#[test]
fn a_pull_request_has_one_comment() {
    let sandbox = changed();
    ok(&sandbox, "echo text > ../report; : > ../calls");
    // The id of the comment is in a file, if there is one.
    stand_in(
        &sandbox,
        "gh",
        "echo \"$@\" >>../calls\n[[ $* == *--paginate* && -f ../id ]] && cat ../id || true",
    );
    let comment = |changed: &str| {
        let ran = run(
            &sandbox,
            &step("Comment"),
            &[
                ("REPOSITORY", "o/r"),
                ("NUMBER", "7"),
                ("REPORT", "../report"),
                ("CHANGED", changed),
            ],
        );
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let calls = ok(&sandbox, "tail -n +2 ../calls");
        ok(&sandbox, ": > ../calls");
        calls
    };
    assert_eq!(comment("false"), "");
    let post = "api --silent --method POST repos/o/r/issues/7/comments --field body=@../report\n";
    assert_eq!(comment("true"), post);
    ok(&sandbox, "echo 42 > ../id");
    let patch =
        "api --silent --method PATCH repos/o/r/issues/comments/42 --field body=@../report\n";
    assert_eq!((comment("true").as_str(), comment("false").as_str()), (patch, patch));

    // A token that may read and not write, as that of a pull request from a fork, and one that may
    // not even read.
    for may in ["[[ $* == *--paginate* ]]", "exit 1"] {
        stand_in(&sandbox, "gh", may);
        let variables =
            [("REPOSITORY", "o/r"), ("NUMBER", "7"), ("REPORT", "../report"), ("CHANGED", "true")];
        let ran = run(&sandbox, &step("Comment"), &variables);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.starts_with("::warning title=graylane::No comment"), "{}", ran.stdout);
        assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    }
}

#[test]
fn overlays_are_written_and_pushed() {
    let sandbox = changed();
    ok(&sandbox, "git init -q --bare ../origin.git && git remote add origin ../origin.git");
    let ran = run(&sandbox, &step("Write and push the lanes"), &[("SPECS", "")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let log = ok(&sandbox, "git -C ../origin.git log -1 --format='%an: %s' feature");
    assert_eq!(log, "github-actions[bot]: gray(gray): add web\n");
}

#[test]
fn the_job_takes_specs_as_they_are_put_into_its_text() {
    // GitLab puts inputs into the text before it reads it as YAML (docs.gitlab.com, "CI/CD inputs"):
    // an empty one must leave a text, not null, which is no value of a variable.
    let template = include_str!("../../templates/gitlab/graylane.yml");
    let specs = |input: &str| {
        let text = template.replace("$[[ inputs.specs ]]", input);
        let job = parse(Source::new("job", text)).unwrap().documents.swap_remove(1);
        let specs = job.root().at(&["graylane", "variables", "SPECS"]).unwrap();
        specs.as_str().unwrap().to_owned()
    };
    let sandbox = changed();
    ok(&sandbox, "cp graylane.yaml '#a.yaml'; sed -i s/gray$/blue/ '#a.yaml'");
    for (input, lanes) in [
        ("", "1 lane,"),
        ("graylane.yaml", "1 lane,"),
        ("*.yaml", "0 lanes,"),
        ("#a.yaml graylane.yaml ", "2 lanes,"),
    ] {
        let variables = [("SPECS", &*specs(input)), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "main")];
        let ran = run(&sandbox, &job_script(), &variables);
        assert_eq!(ran.code, 0, "{input}: {}", ran.stderr);
        assert!(ok(&sandbox, "cat graylane.md").contains(lanes), "{input}");
    }
}

#[test]
fn a_merge_request_has_one_note() {
    let sandbox = changed();
    // Two pages of notes; ours is on the second, if the file says so.
    stand_in(
        &sandbox,
        "curl",
        r#"echo "${@: -1}" "$@" >>../calls
while [[ $# -gt 1 ]]; do [[ $1 == --dump-header ]] && headers=$2; shift; done
case $1 in
*page=1) printf 'HTTP/2 200\r\nx-next-page: 2\r\n' >"$headers"; echo '[{"id": 1, "body": "see <!-- graylane:lane-diff -->"}]' ;;
*page=2) printf 'HTTP/2 200\r\nX-Next-Page: \r\n' >"$headers"; cat ../notes ;;
esac"#,
    );
    ok(&sandbox, "command -v jq >/dev/null || exit 0; echo '[]' > ../notes; : > ../calls");
    let jq = sandbox.sh("command -v jq");
    let variables = |token: &'static str, base: &'static str| {
        [
            ("SPECS", ""),
            ("GRAYLANE_TOKEN", token),
            ("CI_API_V4_URL", "https://gitlab.example.com/api/v4"),
            ("CI_PROJECT_ID", "5"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base),
        ]
    };
    let ran = run(&sandbox, &job_script(), &variables("", "main"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ok(&sandbox, "cat graylane.md").starts_with("<!-- graylane:lane-diff -->"));
    assert_eq!(ok(&sandbox, "cat ../calls"), "");
    if jq.code != 0 {
        let _ =
            writeln!(std::io::stderr(), "skipped: notes on merge requests: jq is not installed");
        return;
    }
    let notes = "https://gitlab.example.com/api/v4/projects/5/merge_requests/7/notes";
    let last = |base: &'static str| {
        let ran = run(&sandbox, &job_script(), &variables("secret", base));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ok(&sandbox, "tail -n 1 ../calls | cut -d' ' -f1")
    };
    assert_eq!(last("main"), format!("{notes}\n"));
    assert_eq!(last("HEAD"), format!("{notes}?per_page=100&page=2\n"));
    ok(&sandbox, r#"echo '[{"id": 42, "body": "<!-- graylane:lane-diff --> old"}]' > ../notes"#);
    assert_eq!(last("main"), format!("{notes}/42\n"));
}
