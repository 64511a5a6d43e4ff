//! Overlays on disk and in git, with the `git` program as referee.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use graylane::diagnostic::Failure;
use graylane::git::{CommitOutcome, CommitRequest, Repository};
use graylane::overlay::{
    Desired, Digest, LockHeader, Origin, OverlayDir, OverlayFile, OverlayPath, Plan, Selection,
    TreeFiles, Writing, commit_changes, plan, plan_removal, read_lock,
};
use tempfile::TempDir;

const DIR: &str = "overlays/gray";
const ENV: [(&str, &str); 8] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_AUTHOR_NAME", "a"),
    ("GIT_AUTHOR_EMAIL", "a@example.com"),
    ("GIT_AUTHOR_DATE", "1700000000 +0000"),
    ("GIT_COMMITTER_NAME", "a"),
    ("GIT_COMMITTER_EMAIL", "a@example.com"),
    ("GIT_COMMITTER_DATE", "1700000000 +0000"),
];

/// A repository with one commit.
struct Sandbox {
    _top: TempDir,
    root: PathBuf,
}

impl Sandbox {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().canonicalize().unwrap().join("repo");
        fs::create_dir(&root).unwrap();
        let sandbox = Self { _top: top, root };
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox.git(&["commit", "-q", "--allow-empty", "-m", "first"]);
        sandbox
    }

    fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(&self.root)
            .args(args)
            .envs(ENV)
            .env("HOME", &self.root)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn repo(&self) -> Repository {
        let mut repo = Repository::discover(&self.root).unwrap().unwrap();
        ENV.iter().for_each(|(key, value)| repo.set_env(key, value));
        repo
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(DIR).join(path)
    }

    fn begin(&self) -> Writing {
        begin(&self.root).unwrap()
    }

    fn generate(&self, files: &[(&str, &str)]) -> Result<Plan, Failure> {
        generate(&self.root, desired(files), false)
    }

    fn cleanup(&self) -> Plan {
        let writing = self.begin();
        let plan =
            plan_removal(read_lock(&writing).unwrap().as_ref(), Selection::All, &writing, false)
                .unwrap();
        writing.apply(&plan).unwrap();
        plan
    }

    /// Commits what the plan came to, as the commands do.
    fn commit(&self, plan: &Plan) -> CommitOutcome {
        let repo = self.repo();
        let head = repo.head().unwrap().commit().unwrap();
        let lock = read_lock(&TreeFiles::open(&repo, head, DIR).unwrap()).unwrap();
        let changes = commit_changes(DIR, plan, lock.as_ref());
        let request = CommitRequest {
            changes,
            message: "m",
            author: None,
            branch: None,
            sign: false,
            hooks: false,
            orphan: false,
            expected_parent: Some(head),
        };
        repo.commit(&request).unwrap()
    }

    fn tracked(&self) -> Vec<String> {
        self.git(&["ls-tree", "-r", "--name-only", "HEAD"]).lines().map(str::to_owned).collect()
    }
}

fn begin(root: &Path) -> Result<Writing, Failure> {
    OverlayDir::open(root, DIR)?.begin()
}

fn generate(root: &Path, desired: Desired, force: bool) -> Result<Plan, Failure> {
    let writing = begin(root)?;
    let plan = plan(desired, read_lock(&writing)?.as_ref(), &writing, force)?;
    writing.apply(&plan)?;
    Ok(plan)
}

fn desired(files: &[(&str, &str)]) -> Desired {
    let header = LockHeader {
        name: "spring-gray".into(),
        tag: "gray".into(),
        spec: "graylane.yaml".into(),
        spec_digest: Digest::of(b"spec"),
    };
    let file = |(path, text): &(&str, &str)| OverlayFile {
        path: OverlayPath::new(*path).unwrap(),
        contents: text.as_bytes().to_vec().into(),
        origin: Origin { service: Some("spring-a".into()), ..Origin::default() },
    };
    Desired { header, files: files.iter().map(file).collect() }
}

const LANE: [(&str, &str); 2] =
    [("entry/ingress-a.yaml", "i: 1\n"), ("workloads/deployment-a.yaml", "d: 1\n")];

#[test]
fn a_lane_comes_and_goes() {
    let sandbox = Sandbox::new();
    let plan = sandbox.generate(&LANE).unwrap();
    assert!(matches!(sandbox.commit(&plan), CommitOutcome::Created { .. }));
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert_eq!(
        sandbox.tracked(),
        [
            "overlays/gray/entry/ingress-a.yaml",
            "overlays/gray/graylane.lock",
            "overlays/gray/workloads/deployment-a.yaml"
        ]
    );
    let again = sandbox.generate(&LANE).unwrap();
    assert!(again.is_empty());
    assert!(matches!(sandbox.commit(&again), CommitOutcome::Unchanged { .. }));

    assert!(matches!(sandbox.commit(&sandbox.cleanup()), CommitOutcome::Created { .. }));
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    let kept = [
        "overlays/gray/.gitkeep",
        "overlays/gray/entry/.gitkeep",
        "overlays/gray/workloads/.gitkeep",
    ];
    assert_eq!(sandbox.tracked(), kept);
    let nothing = sandbox.cleanup();
    assert!(nothing.is_empty());
    assert!(matches!(sandbox.commit(&nothing), CommitOutcome::Unchanged { .. }));
    assert_eq!(sandbox.tracked(), kept);
    sandbox.git(&["fsck", "--strict"]);
}

#[test]
fn what_earlier_runs_left_uncommitted_is_committed_too() {
    let sandbox = Sandbox::new();
    let plan = sandbox.generate(&LANE).unwrap();
    sandbox.commit(&plan);
    sandbox.generate(&[LANE[0], ("workloads/new.yaml", "n: 1\n")]).unwrap();
    let nothing_to_write = sandbox.generate(&[LANE[0], ("workloads/new.yaml", "n: 1\n")]).unwrap();
    assert!(nothing_to_write.is_empty());
    sandbox.commit(&nothing_to_write);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert!(sandbox.tracked().contains(&"overlays/gray/workloads/new.yaml".to_owned()));
    assert!(!sandbox.tracked().contains(&"overlays/gray/workloads/deployment-a.yaml".to_owned()));

    sandbox.cleanup();
    sandbox.commit(&sandbox.cleanup());
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert!(sandbox.tracked().iter().all(|path| path.ends_with(".gitkeep")));
}

#[test]
fn compares_with_a_commit_instead_of_the_disk() {
    let sandbox = Sandbox::new();
    let written = sandbox.generate(&LANE).unwrap();
    sandbox.commit(&written);
    fs::remove_dir_all(sandbox.root.join("overlays")).unwrap();
    let repo = sandbox.repo();
    let files = TreeFiles::open(&repo, repo.resolve("HEAD").unwrap(), DIR).unwrap();
    let lock = read_lock(&files).unwrap();
    assert!(plan(desired(&LANE), lock.as_ref(), &files, false).unwrap().is_empty());
    let changed = [LANE[0], (LANE[1].0, "d: 2\n")];
    let changed = plan(desired(&changed), lock.as_ref(), &files, false).unwrap();
    assert_eq!(changed.changes[0].path().as_str(), "workloads/deployment-a.yaml");
    let before = TreeFiles::open(&repo, repo.resolve("HEAD~1").unwrap(), DIR).unwrap();
    assert_eq!(read_lock(&before).unwrap(), None);
}

#[test]
fn files_that_stay_as_they_are_are_not_touched() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let sandbox = Sandbox::new();
    sandbox.generate(&LANE).unwrap();
    let (same, other) = (sandbox.at(LANE[0].0), sandbox.at(LANE[1].0));
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let before = same.metadata().unwrap();
    sandbox.generate(&[LANE[0], (LANE[1].0, "d: 2\n")]).unwrap();
    let after = same.metadata().unwrap();
    assert_eq!(
        (before.ino(), before.modified().unwrap()),
        (after.ino(), after.modified().unwrap())
    );
    assert_eq!(fs::read(&other).unwrap(), b"d: 2\n");
    assert_eq!(other.metadata().unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn work_of_others_is_kept() {
    let sandbox = Sandbox::new();
    sandbox.generate(&LANE).unwrap();
    fs::write(sandbox.at("README.md"), "mine").unwrap();
    fs::write(sandbox.at("workloads/mine.yaml"), "mine").unwrap();
    fs::write(sandbox.at(LANE[0].0), "by hand").unwrap();
    let changed = [(LANE[0].0, "i: 2\n"), LANE[1]];
    let failure = sandbox.generate(&changed).unwrap_err();
    assert_eq!(
        failure.0[0].message,
        "`overlays/gray/entry/ingress-a.yaml` was changed by hand since it was generated"
    );
    let failure = sandbox.generate(&[LANE[1], ("workloads/mine.yaml", "ours")]).unwrap_err();
    assert_eq!(failure.0.len(), 2, "{failure}");
    assert_eq!(fs::read(sandbox.at(LANE[0].0)).unwrap(), b"by hand");

    generate(&sandbox.root, desired(&changed), true).unwrap();
    sandbox.cleanup();
    assert_eq!(fs::read(sandbox.at("README.md")).unwrap(), b"mine");
    assert_eq!(fs::read(sandbox.at("workloads/mine.yaml")).unwrap(), b"mine");
}

#[test]
fn nothing_is_written_through_a_link_or_outside() {
    let sandbox = Sandbox::new();
    let outside = tempfile::tempdir().unwrap();
    for dir in ["../out", "/tmp/out", "a/../../out", ".git/out", "a//b"] {
        assert!(OverlayDir::open(&sandbox.root, dir).is_err(), "{dir}");
    }
    for link in ["overlays", "overlays/gray", "overlays/gray/workloads"] {
        let at = sandbox.root.join(link);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(outside.path(), &at).unwrap();
        let failure = generate(&sandbox.root, desired(&LANE), true).unwrap_err().to_string();
        assert!(failure.contains("symbolic link"), "{failure}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "{link}");
        fs::remove_file(&at).unwrap();
    }
    // A link in the place of a file is replaced, never written through.
    let target = outside.path().join("target");
    fs::write(&target, "theirs").unwrap();
    fs::create_dir_all(sandbox.at("entry")).unwrap();
    std::os::unix::fs::symlink(&target, sandbox.at(LANE[0].0)).unwrap();
    assert!(sandbox.generate(&LANE).is_err());
    generate(&sandbox.root, desired(&LANE), true).unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"theirs");
    assert!(sandbox.at(LANE[0].0).symlink_metadata().unwrap().is_file());
}

#[test]
fn a_failure_leaves_everything_as_it_was() {
    let sandbox = Sandbox::new();
    sandbox.generate(&LANE).unwrap();
    fs::create_dir_all(sandbox.at("workloads/z.yaml/sub")).unwrap();
    fs::write(sandbox.at("plain"), "file").unwrap();
    let wanted = [(LANE[0].0, "i: 2\n"), ("workloads/z.yaml", "z"), ("plain/x.yaml", "x")];
    let failure = generate(&sandbox.root, desired(&wanted), true).unwrap_err();
    assert_eq!(failure.0.len(), 2, "{failure}");

    // The same when it is noticed only while writing.
    let writing = sandbox.begin();
    let late = plan(
        desired(&[(LANE[0].0, "i: 2\n"), ("late/x", "x")]),
        read_lock(&writing).unwrap().as_ref(),
        &writing,
        false,
    );
    fs::write(sandbox.at("late"), "in the way").unwrap();
    assert!(writing.apply(&late.unwrap()).is_err());
    assert_eq!(fs::read(sandbox.at(LANE[0].0)).unwrap(), b"i: 1\n");
    assert!(sandbox.at(LANE[1].0).exists());
    assert!(!sandbox.at(".graylane.new").exists());
}

#[test]
fn a_run_that_writes_nothing_leaves_no_directory() {
    let sandbox = Sandbox::new();
    drop(sandbox.begin());
    assert!(!sandbox.root.join("overlays").exists());
}

#[test]
fn one_writes_at_a_time() {
    let sandbox = Sandbox::new();
    let first = sandbox.begin();
    let failure = begin(&sandbox.root).unwrap_err();
    assert_eq!(failure.0[0].message, "another graylane is writing `overlays/gray`");
    drop(first);
    assert!(begin(&sandbox.root).is_ok());
}

/// Enough files that a kill often falls into the switch.
fn version(number: usize) -> Desired {
    let text = format!("version: {number}\n");
    let paths: Vec<String> = (0..400).map(|index| format!("workloads/{index}.yaml")).collect();
    let files: Vec<_> = paths.iter().map(|path| (path.as_str(), text.as_str())).collect();
    desired(&files)
}

#[test]
fn a_killed_program_leaves_the_old_overlay_or_the_new_one() {
    let sandbox = Sandbox::new();
    generate(&sandbox.root, version(0), false).unwrap();
    for round in 1..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "overlay::writes_until_it_is_killed", "--ignored"])
            .env("GRAYLANE_TEST_DIR", &sandbox.root)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(40 + 37 * round));
        assert_eq!(child.try_wait().unwrap(), None, "it is to be killed while it writes");
        child.kill().unwrap();
        child.wait().unwrap();
        let status = sandbox.git(&["status", "--porcelain", "-uall"]);
        let seen = status.lines().filter(|line| line.contains(".graylane.new"));
        // Between the moments when it is made and written, the file that hides the others is alone.
        let seen: Vec<&str> = seen.filter(|line| !line.ends_with("/.gitignore")).collect();
        assert_eq!(seen, [""; 0], "round {round}");

        let writing = sandbox.begin();
        let lock = read_lock(&writing).unwrap().unwrap();
        assert_eq!(lock.files().len(), 400);
        for file in lock.files() {
            let found = fs::read(sandbox.at(file.path.as_str())).unwrap();
            assert_eq!(Digest::of(&found), file.sha256, "round {round}");
        }
        assert!(!sandbox.at(".graylane.new").exists());
    }
}

#[test]
#[ignore = "started by a_killed_program_leaves_the_old_overlay_or_the_new_one"]
fn writes_until_it_is_killed() {
    let root = PathBuf::from(std::env::var_os("GRAYLANE_TEST_DIR").unwrap());
    for number in 1..1000 {
        generate(&root, version(number), false).unwrap();
    }
}
