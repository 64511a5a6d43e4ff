//! Commands whose output nobody reads any more: they go on, and end as they would have.

use std::path::Path;

use crate::sandbox::Sandbox;

/// Which streams nobody reads, of standard output and standard error.
const UNREAD: [(bool, bool); 3] = [(true, false), (false, true), (true, true)];

/// The baseline `web` with a spec, pushed to a bare repository beside it.
fn pushed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baselines/web"));
    sandbox.commit_all();
    let line = "git init -q --bare -b main ../origin.git && \
                git remote add origin ../origin.git && git push -q -u origin main";
    assert_eq!(sandbox.sh(line).code, 0);
    sandbox
}

/// Runs a line with a pipe for each of these streams that is closed already; its exit code.
fn unread(sandbox: &Sandbox, line: &str, (stdout, stderr): (bool, bool)) -> i32 {
    let closed = || std::io::pipe().unwrap().1;
    let mut command = sandbox.command(line);
    if stdout {
        command.stdout(closed());
    }
    if stderr {
        command.stderr(closed());
    }
    command.output().unwrap().status.code().unwrap_or(-1)
}

/// What a line prints that must succeed.
#[track_caller]
fn ok(sandbox: &Sandbox, line: &str) -> String {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

#[test]
fn what_is_to_be_done_is_done() {
    for streams in UNREAD {
        let sandbox = pushed();
        for line in [
            "graylane init --file other.yaml deploy",
            "graylane generate --commit --push",
            "graylane promote --commit --push",
            "graylane cleanup --commit --push",
        ] {
            assert_eq!(unread(&sandbox, line, streams), 0, "{line} {streams:?}");
        }
        assert_eq!(
            ok(&sandbox, "git status --short --branch"),
            "## main...origin/main\n?? other.yaml\n"
        );
        assert_eq!(
            ok(&sandbox, "git -C ../origin.git log --format=%s main"),
            "gray(gray): remove web\ngray(gray): promote web\ngray(gray): add web\nAdd the baseline\n",
            "{streams:?}"
        );
    }
}

#[test]
fn every_lane_is_written() {
    for streams in UNREAD {
        let sandbox = pushed();
        ok(&sandbox, "sed 's/gray$/two/; /entry:/,$d' graylane.yaml >two.yaml");
        let line = "graylane generate graylane.yaml two.yaml";
        assert_eq!(unread(&sandbox, line, streams), 0, "{streams:?}");
        ok(&sandbox, "graylane generate --check graylane.yaml two.yaml");
    }
}

#[test]
fn what_is_found_is_in_the_exit_code() {
    let sandbox = pushed();
    ok(&sandbox, "graylane generate -q --commit && sed -i 's/web:2.0/web:3.0/' graylane.yaml");
    let host_port = "sed -i 's/        - name: web$/&\\n          ports: [{containerPort: 80, hostPort: 80}]/' deploy/web.yaml";
    for streams in UNREAD {
        for line in [
            "graylane generate --check",
            "graylane diff",
            "graylane diff --format markdown",
            "graylane diff --format json",
            "graylane diff --base HEAD",
        ] {
            assert_eq!(unread(&sandbox, line, streams), 1, "{line} {streams:?}");
        }
    }
    ok(&sandbox, host_port);
    for streams in UNREAD {
        for line in ["graylane check", "graylane check --format json"] {
            assert_eq!(unread(&sandbox, line, streams), 1, "{line} {streams:?}");
        }
    }
}

#[test]
fn what_stops_a_command_is_in_the_exit_code() {
    let sandbox = pushed();
    for streams in UNREAD {
        for line in ["graylane check nowhere.yaml", "graylane generate --bad", "graylane"] {
            assert_eq!(unread(&sandbox, line, streams), 2, "{line} {streams:?}");
        }
    }
}

#[test]
fn what_is_only_printed_is_no_error() {
    let sandbox = pushed();
    for streams in UNREAD {
        for line in ["graylane render", "graylane list", "graylane graph", "graylane schema"] {
            assert_eq!(unread(&sandbox, line, streams), 0, "{line} {streams:?}");
        }
    }
}
