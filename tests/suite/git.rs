//! What [`graylane::git`] does to repositories of every shape, with the `git` program as referee.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use graylane::git::{
    Change, CommitOutcome, CommitRequest, EntryKind, GitErrorKind, Head, Identity, Repository,
};
use tempfile::TempDir;

const ENV: [(&str, &str); 10] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_AUTHOR_NAME", "Ann Author"),
    ("GIT_AUTHOR_EMAIL", "ann@example.com"),
    ("GIT_AUTHOR_DATE", "1700000000 +0100"),
    ("GIT_COMMITTER_NAME", "Carl Committer"),
    ("GIT_COMMITTER_EMAIL", "carl@example.com"),
    ("GIT_COMMITTER_DATE", "2023-11-15T12:00:00+00:00"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("LC_ALL", "C"),
];

/// A repository in a directory of its own, with the `git` program at hand.
struct Sandbox {
    top: TempDir,
    dir: PathBuf,
}

impl Sandbox {
    fn empty() -> Self {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().canonicalize().unwrap().join("repo");
        fs::create_dir(&dir).unwrap();
        let sandbox = Self { top, dir };
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox
    }

    /// With a first commit of `deploy/a.yaml`, `deploy/b.yaml` and `docs/notes.txt`.
    fn new() -> Self {
        let sandbox = Self::empty();
        for (path, text) in [
            ("deploy/a.yaml", "a: 1\n"),
            ("deploy/b.yaml", "b: 1\n"),
            ("docs/notes.txt", "notes\n"),
        ] {
            sandbox.write(path, text);
        }
        sandbox.git(&["add", "-A"]);
        sandbox.git(&["commit", "-q", "-m", "first"]);
        sandbox
    }

    fn at(&self, dir: &Path) -> Self {
        Self { top: tempfile::tempdir().unwrap(), dir: dir.to_path_buf() }
    }

    fn git(&self, args: &[&str]) -> String {
        let (ok, stdout, stderr) = self.try_git(args);
        assert!(ok, "git {args:?}: {stderr}");
        stdout
    }

    fn try_git(&self, args: &[&str]) -> (bool, String, String) {
        let output = Command::new("git")
            .current_dir(&self.dir)
            .args(["-c", "protocol.file.allow=always"])
            .args(args)
            .envs(ENV)
            .env("HOME", self.top.path())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn open(&self) -> Repository {
        let mut repo = Repository::discover(&self.dir).unwrap().unwrap();
        for (key, value) in ENV {
            repo.set_env(key, value);
        }
        repo.set_env("HOME", self.top.path());
        repo
    }

    /// Writes the files to the work tree and commits them, as a command does.
    fn add(&self, files: &[(&str, &str)]) -> CommitOutcome {
        for (path, text) in files {
            self.write(path, text);
        }
        self.open().commit(&request(files)).unwrap()
    }

    fn status(&self) -> String {
        self.git(&["status", "--porcelain"])
    }

    fn fsck(&self) {
        self.git(&["fsck", "--strict", "--no-dangling"]);
    }
}

fn request(files: &[(&str, &str)]) -> CommitRequest<'static> {
    CommitRequest {
        changes: files
            .iter()
            .map(|(path, text)| Change {
                path: (*path).into(),
                contents: Some(text.as_bytes().to_vec().into()),
            })
            .collect(),
        message: "gray(gray): add spring-a\n\nGray-Tag: gray\n",
        author: None,
        branch: None,
        sign: false,
        hooks: false,
        orphan: false,
        expected_parent: None,
    }
}

fn removal(paths: &[&str]) -> CommitRequest<'static> {
    let changes =
        paths.iter().map(|path| Change { path: (*path).into(), contents: None }).collect();
    CommitRequest { changes, ..request(&[]) }
}

const LANE: [(&str, &str); 2] =
    [("overlays/gray/entry/i.yaml", "i: 1\n"), ("overlays/gray/workloads/d.yaml", "d: 1\n")];

#[test]
fn finds_the_repository_from_below_and_none_outside() {
    let sandbox = Sandbox::new();
    let repo = Repository::discover(&sandbox.dir.join("deploy")).unwrap().unwrap();
    assert_eq!(repo.workdir().unwrap(), sandbox.dir);
    assert!(!repo.is_bare());
    assert!(Repository::discover(sandbox.top.path()).unwrap().is_none());
    assert!(Repository::discover(&sandbox.dir.join("missing")).is_err());
}

#[test]
fn reads_a_commit_without_a_work_tree() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("a.yaml", sandbox.dir.join("deploy/link.yaml")).unwrap();
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["commit", "-q", "-m", "second"]);
    let bare = sandbox.top.path().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);

    let repo = Repository::discover(&bare).unwrap().unwrap();
    assert!(repo.is_bare());
    assert_eq!(repo.workdir(), None);
    let head = repo.resolve("main").unwrap();
    let entries = repo.files_at(head, "deploy").unwrap();
    let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["deploy/a.yaml", "deploy/b.yaml", "deploy/link.yaml"]);
    let EntryKind::File(id) = entries[0].kind else { panic!("{entries:?}") };
    assert_eq!(repo.read_blob(id).unwrap(), b"a: 1\n");
    assert!(matches!(entries[2].kind, EntryKind::Symlink(_)));
    assert_eq!(repo.files_at(head, "").unwrap().len(), 4);
    assert_eq!(repo.files_at(head, "nowhere").unwrap(), []);
    assert_eq!(repo.blob_at(repo.resolve("main~1").unwrap(), "deploy/link.yaml").unwrap(), None);
    assert_eq!(repo.blob_at_head("docs/notes.txt").unwrap().unwrap(), b"notes\n");
    assert_eq!(repo.blob_at_head("docs").unwrap(), None);
}

#[test]
fn unknown_revisions_come_with_what_may_be_meant() {
    let sandbox = Sandbox::new();
    sandbox.git(&["branch", "release"]);
    let repo = sandbox.open();
    let error = repo.resolve("relaese").unwrap_err();
    assert_eq!(error.kind, GitErrorKind::UnknownRevision);
    assert_eq!(error.message, "unknown revision `relaese`");
    assert_eq!(error.remedy.as_deref(), Some("did you mean `release`?"));
    assert_eq!(
        repo.resolve("HEAD:deploy").unwrap_err().message,
        "`HEAD:deploy` names a tree, not a commit"
    );
    let unborn = Sandbox::empty().open().resolve("HEAD").unwrap_err();
    assert_eq!(unborn.remedy.as_deref(), Some("the repository has no commit yet"));
}

#[test]
fn a_missing_blob_of_a_partial_clone_is_fetched_or_the_way_out_named() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", sandbox.dir.display());
    let clone = sandbox.top.path().join("partial");
    sandbox.git(&[
        "clone",
        "-q",
        "--no-checkout",
        "--filter=blob:none",
        &url,
        clone.to_str().unwrap(),
    ]);
    let partial = sandbox.at(&clone);
    partial.git(&["config", "remote.origin.url", "file:///nowhere"]);
    let error = partial.open().blob_at_head("deploy/a.yaml").unwrap_err();
    assert_eq!(error.kind, GitErrorKind::MissingObject);
    assert!(error.message.contains("`deploy/a.yaml`"), "{error}");
    assert!(error.remedy.unwrap().contains("git fetch --refetch --no-filter"));
    partial.git(&["config", "remote.origin.url", &url]);
    assert!(partial.open().blob_at_head("deploy/a.yaml").unwrap().is_some());
}

#[test]
fn a_repository_of_another_user_is_refused_with_the_remedy() {
    let sandbox = Sandbox::new();
    if std::os::unix::fs::chown(sandbox.dir.join(".git"), Some(12345), None).is_err()
        || std::os::unix::fs::chown(&sandbox.dir, Some(12345), None).is_err()
    {
        return; // Only root can give a directory away.
    }
    let error = Repository::discover(&sandbox.dir.join("deploy")).unwrap_err();
    assert_eq!(error.kind, GitErrorKind::Unusable);
    assert_eq!(
        error.remedy.unwrap(),
        format!(
            "if you trust it: git config --global --add safe.directory '{}'",
            sandbox.dir.display()
        )
    );
}

#[test]
fn an_unsupported_format_is_named() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "core.repositoryFormatVersion", "1"]);
    sandbox.git(&["config", "extensions.refStorage", "reftable"]);
    let error = Repository::discover(&sandbox.dir).unwrap_err();
    assert_eq!(error.kind, GitErrorKind::Unusable);
    assert!(error.message.ends_with("uses a format that is not supported (refstorage)"), "{error}");
}

#[test]
fn paths_are_relative_to_the_work_tree() {
    let sandbox = Sandbox::new();
    let repo = sandbox.open();
    assert_eq!(repo.relative_path(&sandbox.dir.join("overlays/gray")).unwrap(), "overlays/gray");
    let link = sandbox.top.path().join("link");
    std::os::unix::fs::symlink(&sandbox.dir, &link).unwrap();
    assert_eq!(repo.relative_path(&link.join("deploy")).unwrap(), "deploy");
    assert_eq!(
        repo.relative_path(&sandbox.dir.join("../other")).unwrap_err().kind,
        GitErrorKind::BadPath
    );
    assert_eq!(
        repo.relative_path(&sandbox.dir.join(".git/config")).unwrap_err().kind,
        GitErrorKind::BadPath
    );
}

#[test]
fn commits_its_paths_and_leaves_the_work_of_the_user_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("deploy/a.yaml", "a: staged\n");
    sandbox.git(&["add", "deploy/a.yaml"]);
    sandbox.write("deploy/a.yaml", "a: unstaged\n");
    sandbox.write("deploy/b.yaml", "b: unstaged\n");
    sandbox.write("new.txt", "untracked\n");
    let before = sandbox.git(&["diff", "--cached"]);

    let CommitOutcome::Created { id, short } = sandbox.add(&LANE) else { panic!("no commit") };
    assert_eq!(sandbox.git(&["rev-parse", "main"]).trim(), id.to_string());
    assert!(id.to_string().starts_with(&short) && short.len() < 40);
    assert_eq!(
        sandbox.git(&[
            "show",
            "--format=%an <%ae> %ad|%cn <%ce> %cd|%B",
            "--date=raw",
            "--name-status",
            "HEAD"
        ]),
        "Ann Author <ann@example.com> 1700000000 +0100|Carl Committer <carl@example.com> 1700049600 +0000|\
         gray(gray): add spring-a\n\nGray-Tag: gray\n\n\nA\toverlays/gray/entry/i.yaml\nA\toverlays/gray/workloads/d.yaml\n"
    );
    assert_eq!(sandbox.git(&["diff", "--cached"]), before);
    assert_eq!(sandbox.status(), "MM deploy/a.yaml\n M deploy/b.yaml\n?? new.txt\n");
    for log in ["HEAD", "main"] {
        assert!(
            sandbox
                .git(&["reflog", "show", log])
                .contains("@{0}: commit: gray(gray): add spring-a"),
            "{log}"
        );
    }
    sandbox.fsck();
}

#[test]
fn the_same_tree_is_no_commit() {
    let sandbox = Sandbox::new();
    sandbox.add(&LANE);
    let head = sandbox.open().head().unwrap().commit();
    assert_eq!(sandbox.add(&LANE), CommitOutcome::Unchanged { head });
    let absent = sandbox.open().commit(&removal(&["overlays/none.yaml"])).unwrap();
    assert_eq!(absent, CommitOutcome::Unchanged { head });
    assert_eq!(sandbox.git(&["rev-list", "--count", "HEAD"]), "2\n");
}

#[test]
fn removes_files_and_the_directories_they_leave_empty() {
    let sandbox = Sandbox::new();
    sandbox.add(&LANE);
    fs::remove_dir_all(sandbox.dir.join("overlays")).unwrap();
    sandbox.open().commit(&removal(&LANE.map(|(path, _)| path))).unwrap();
    assert_eq!(
        sandbox.git(&["rev-parse", "HEAD^{tree}"]),
        sandbox.git(&["rev-parse", "HEAD~2^{tree}"])
    );
    assert_eq!(sandbox.status(), "");
    sandbox.fsck();
}

#[test]
fn an_executable_file_stays_executable() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    fs::set_permissions(sandbox.dir.join("deploy/a.yaml"), fs::Permissions::from_mode(0o755))
        .unwrap();
    sandbox.git(&["commit", "-qam", "executable"]);
    sandbox.add(&[("deploy/a.yaml", "a: 2\n")]);
    assert!(sandbox.git(&["ls-tree", "HEAD", "deploy/a.yaml"]).starts_with("100755 "));
    assert_eq!(sandbox.status(), "");
}

#[test]
fn starts_the_history_of_an_unborn_branch() {
    let sandbox = Sandbox::empty();
    assert_eq!(sandbox.open().head().unwrap(), Head::Unborn { branch: "main".into() });
    assert_eq!(
        sandbox.open().commit(&request(&[])).unwrap(),
        CommitOutcome::Unchanged { head: None }
    );
    sandbox.write("other.txt", "staged\n");
    sandbox.git(&["add", "other.txt"]);
    sandbox.add(&LANE);
    assert_eq!(sandbox.git(&["rev-list", "--count", "main"]), "1\n");
    assert_eq!(sandbox.status(), "A  other.txt\n");
    assert!(sandbox.git(&["reflog"]).contains("commit (initial): gray(gray)"));
    sandbox.fsck();
}

#[test]
fn moves_a_detached_head_and_no_branch() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-q", "--detach"]);
    let CommitOutcome::Created { id, .. } = sandbox.add(&LANE) else { panic!("no commit") };
    assert_eq!(sandbox.open().head().unwrap(), Head::Detached { commit: id });
    assert_eq!(sandbox.git(&["rev-parse", "HEAD~1"]), sandbox.git(&["rev-parse", "main"]));
    assert_eq!(sandbox.status(), "");
    assert!(sandbox.git(&["reflog"]).contains("HEAD@{0}: commit: gray(gray)"));
}

#[test]
fn commits_in_a_linked_worktree() {
    let sandbox = Sandbox::new();
    let linked = sandbox.dir.parent().unwrap().join("linked");
    sandbox.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    let side = sandbox.at(&linked);
    assert_eq!(side.open().workdir().unwrap(), linked);
    side.add(&LANE);
    assert_eq!(side.status(), "");
    assert!(side.git(&["reflog"]).contains("HEAD@{0}: commit: gray(gray)"));
    assert_eq!(sandbox.status(), "");
    assert_eq!(sandbox.git(&["rev-list", "--count", "main..side"]), "1\n");
    let occupied = CommitRequest { branch: Some("side"), ..request(&LANE) };
    assert_eq!(sandbox.open().commit(&occupied).unwrap_err().kind, GitErrorKind::NotNow);
    sandbox.fsck();
}

#[test]
fn a_sparse_checkout_keeps_what_it_leaves_out() {
    for sparse_index in ["--no-sparse-index", "--sparse-index"] {
        let sandbox = Sandbox::new();
        sandbox.add(&LANE);
        sandbox.git(&["sparse-checkout", "init", "--cone", sparse_index]);
        sandbox.git(&["sparse-checkout", "set", "overlays"]);
        assert!(!sandbox.dir.join("deploy").exists());
        let repo = sandbox.open();
        assert_eq!(repo.changes_under("").unwrap(), Vec::<String>::new(), "{sparse_index}");
        assert_eq!(repo.skipped_under("deploy").unwrap(), ["deploy/a.yaml", "deploy/b.yaml"]);
        assert_eq!(repo.skipped_under("overlays").unwrap(), Vec::<String>::new());

        sandbox.add(&[("overlays/gray/workloads/d.yaml", "d: 2\n")]);
        assert_eq!(sandbox.status(), "", "{sparse_index}");
        assert_eq!(
            sandbox.git(&["show", "--format=", "--name-status", "HEAD"]),
            "M\toverlays/gray/workloads/d.yaml\n",
            "{sparse_index}"
        );
        assert_eq!(repo.skipped_under("deploy").unwrap().len(), 2, "{sparse_index}");
        sandbox.fsck();
    }
}

#[test]
fn submodules_stay_and_are_no_place_to_commit_to() {
    let library = Sandbox::new();
    let sandbox = Sandbox::new();
    sandbox.git(&["submodule", "--quiet", "add", library.dir.to_str().unwrap(), "lib"]);
    sandbox.git(&["commit", "-q", "-m", "submodule"]);
    sandbox.add(&LANE);
    assert_eq!(sandbox.status(), "");
    let head = sandbox.open().resolve("HEAD").unwrap();
    let entries = sandbox.open().files_at(head, "lib").unwrap();
    assert_eq!(entries[0].kind, EntryKind::Submodule);
    let error = sandbox.open().commit(&request(&[("lib/x.yaml", "x\n")])).unwrap_err();
    assert_eq!(error.message, "`lib/x.yaml` is in the submodule `lib`");
    assert_eq!(
        Repository::discover(&sandbox.dir.join("lib")).unwrap().unwrap().workdir().unwrap(),
        sandbox.dir.join("lib")
    );
    sandbox.fsck();
}

#[test]
fn changes_are_staged_unstaged_untracked_and_below_the_directory() {
    let sandbox = Sandbox::new();
    sandbox.add(&LANE);
    sandbox.write("overlays/gray/entry/i.yaml", "i: unstaged\n");
    sandbox.write("overlays/gray/workloads/d.yaml", "d: staged\n");
    sandbox.git(&["add", "overlays/gray/workloads"]);
    sandbox.write("overlays/gray/new dir/ü*.yaml", "untracked\n");
    sandbox.write("deploy/a.yaml", "elsewhere\n");
    let repo = sandbox.open();
    assert_eq!(
        repo.changes_under("overlays/gray").unwrap(),
        [
            "overlays/gray/entry/i.yaml",
            "overlays/gray/new dir/ü*.yaml",
            "overlays/gray/workloads/d.yaml"
        ]
    );
    assert_eq!(repo.changes_under("").unwrap().len(), 4);
    assert_eq!(repo.changes_under("overlays/*").unwrap(), Vec::<String>::new());
    fs::remove_file(sandbox.dir.join("deploy/b.yaml")).unwrap();
    assert_eq!(repo.changes_under("deploy").unwrap(), ["deploy/a.yaml", "deploy/b.yaml"]);
}

/// The history has merges that took one side's file, the other's, and a new one.
#[test]
fn last_changes_are_those_of_rev_list() {
    let sandbox = Sandbox::new();
    let commit = |path: &str, text: &str| {
        sandbox.write(path, text);
        sandbox.git(&["add", "-A"]);
        sandbox.git(&["commit", "-q", "-m", path]);
    };
    let files =
        ["deploy/a.yaml", "deploy/b.yaml", "docs/notes.txt", "lanes/x/lock", "lanes/y/lock"];
    commit("lanes/x/lock", "main 1\n");
    sandbox.git(&["switch", "-q", "-c", "side"]);
    commit("lanes/x/lock", "side 1\n");
    commit("lanes/y/lock", "side 1\n");
    commit("docs/notes.txt", "side\n");
    sandbox.git(&["switch", "-q", "main"]);
    commit("deploy/a.yaml", "main 1\n");
    commit("lanes/y/lock", "main 1\n");
    sandbox.git(&["merge", "-q", "-s", "ours", "-m", "ours", "side"]);
    sandbox.git(&["switch", "-q", "-c", "third", "side"]);
    commit("deploy/b.yaml", "third\n");
    commit("lanes/y/lock", "third\n");
    sandbox.git(&["switch", "-q", "main"]);
    let theirs = ["-q", "--no-commit", "--no-ff", "-X", "theirs", "third"];
    sandbox.git(&[&["merge"], &theirs[..]].concat());
    commit("lanes/x/lock", "merged\n");
    sandbox.git(&["rm", "-q", "deploy/a.yaml"]);
    sandbox.git(&["commit", "-q", "-m", "remove"]);

    let check = |sandbox: &Sandbox| {
        let repo = Repository::discover(&sandbox.dir).unwrap().unwrap();
        let mut asked = files.to_vec();
        asked.push("lanes/none");
        let found = repo.last_changes(&asked).unwrap();
        for path in asked {
            let said = sandbox.git(&["rev-list", "-1", "HEAD", "--", path]);
            let found = found.get(path).map(ToString::to_string).unwrap_or_default();
            assert_eq!(found, said.trim(), "{path}");
        }
    };
    check(&sandbox);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "empty"]);
    sandbox.git(&["replace", "--graft", "HEAD"]);
    check(&sandbox);
    sandbox.git(&["replace", "-d", "HEAD"]);
    for back in 2..=7 {
        sandbox.git(&["switch", "-q", "--detach", &format!("main~{back}")]);
        check(&sandbox);
    }
    let shallow = sandbox.top.path().join("shallow");
    let url = format!("file://{}", sandbox.dir.display());
    sandbox.git(&["clone", "-q", "--depth", "2", "-b", "main", &url, shallow.to_str().unwrap()]);
    check(&sandbox.at(&shallow));
}

#[test]
fn the_variables_of_a_surrounding_hook_are_not_ours() {
    let other = Sandbox::new();
    let sandbox = Sandbox::new();
    sandbox.add(&LANE);
    sandbox.write("overlays/gray/entry/i.yaml", "i: 2\n");
    // A test of its own process: the variables of this one are shared by all tests.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "git::inside_a_hook", "--ignored"])
        .env("GIT_DIR", other.dir.join(".git"))
        .env("GIT_INDEX_FILE", other.dir.join(".git/index"))
        .env("GIT_WORK_TREE", &other.dir)
        .env("GRAYLANE_TEST_DIR", &sandbox.dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(sandbox.git(&["rev-list", "--count", "HEAD"]), "3\n");
    assert_eq!((sandbox.status(), other.status()), (String::new(), String::new()));
}

#[test]
#[ignore = "started by the_variables_of_a_surrounding_hook_are_not_ours"]
fn inside_a_hook() {
    let dir = PathBuf::from(std::env::var_os("GRAYLANE_TEST_DIR").unwrap());
    let sandbox = Sandbox { top: tempfile::tempdir().unwrap(), dir };
    assert_eq!(sandbox.open().workdir().unwrap(), sandbox.dir);
    assert_eq!(sandbox.open().changes_under("").unwrap(), ["overlays/gray/entry/i.yaml"]);
    sandbox.open().commit(&request(&[("overlays/gray/entry/i.yaml", "i: 2\n")])).unwrap();
}

#[test]
fn a_merge_under_way_is_not_joined() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-q", "-b", "side"]);
    sandbox.write("deploy/a.yaml", "a: side\n");
    sandbox.git(&["commit", "-qam", "side"]);
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.write("deploy/a.yaml", "a: main\n");
    sandbox.git(&["commit", "-qam", "main"]);
    for (command, what) in
        [("merge", "merge"), ("cherry-pick", "cherry-pick"), ("rebase", "rebase")]
    {
        assert!(!sandbox.try_git(&[command, "side"]).0);
        let error = sandbox.open().commit(&request(&LANE)).unwrap_err();
        assert_eq!(error.message, format!("cannot commit: a {what} is not finished"));
        assert!(error.remedy.unwrap().contains(&format!("git {what} --abort")));
        sandbox.git(&[command, "--abort"]);
    }
}

#[test]
fn commits_to_a_branch_that_is_not_checked_out() {
    let sandbox = Sandbox::new();
    let to = |branch| CommitRequest { branch: Some(branch), ..request(&LANE) };
    sandbox.open().commit(&to("lanes/gray")).unwrap();
    assert_eq!(sandbox.git(&["rev-list", "--count", "main..lanes/gray"]), "1\n");
    assert_eq!(sandbox.status(), "");
    let bare = sandbox.top.path().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let bare = sandbox.at(&bare);
    assert_eq!(bare.open().commit(&request(&LANE)).unwrap_err().kind, GitErrorKind::NotNow);
    bare.open().commit(&to("main")).unwrap();
    assert_eq!(
        bare.git(&["rev-parse", "main^{tree}"]),
        bare.git(&["rev-parse", "lanes/gray^{tree}"])
    );
    let linked = sandbox.top.path().join("linked");
    bare.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
    assert_eq!(bare.open().commit(&to("main")).unwrap_err().kind, GitErrorKind::NotNow);
    bare.at(&linked).open().commit(&to("main")).unwrap();
    assert!(sandbox.open().commit(&to("no..name")).is_err());
    bare.fsck();
}

#[test]
fn refuses_when_head_is_not_where_the_changes_come_from() {
    let sandbox = Sandbox::new();
    let seen = sandbox.open().head().unwrap().commit();
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "meanwhile"]);
    let late = CommitRequest { expected_parent: seen, ..request(&LANE) };
    assert_eq!(sandbox.open().commit(&late).unwrap_err().kind, GitErrorKind::RefMoved);
}

#[test]
fn a_held_index_stops_the_commit_before_anything_moves() {
    let sandbox = Sandbox::new();
    sandbox.write(".git/index.lock", "");
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(sandbox.open().commit(&request(&LANE)).unwrap_err().kind, GitErrorKind::NotNow);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head);
    assert!(sandbox.dir.join(".git/index.lock").exists());
}

#[test]
fn refuses_trees_that_cannot_be() {
    let sandbox = Sandbox::new();
    for (files, message) in [
        (vec![("a", "1"), ("a/b", "2")], "`a` cannot be both a file and a directory"),
        (vec![("a", "1"), ("a", "2")], "`a` is to be committed twice"),
        (vec![("deploy", "1")], "`deploy` is a directory or a submodule in git, not a file"),
        (
            vec![("docs/notes.txt/x", "1")],
            "`docs/notes.txt` is a file or a symbolic link in git, not a directory",
        ),
        (vec![("../x", "1")], "`../x` is not a plain path"),
    ] {
        assert_eq!(sandbox.open().commit(&request(&files)).unwrap_err().message, message);
    }
}

#[test]
fn the_author_is_given_or_configured_or_missed() {
    let sandbox = Sandbox::new();
    let blank = || {
        let mut repo = Repository::discover(&sandbox.dir).unwrap().unwrap();
        for (key, value) in &ENV[..2] {
            repo.set_env(key, value);
        }
        repo
    };
    let who = || sandbox.git(&["log", "-1", "--format=%an <%ae>, %cn <%ce>"]);
    let error = blank().commit(&request(&LANE)).unwrap_err();
    assert_eq!(error.message, "git does not know who commits");
    assert!(error.remedy.unwrap().contains("git config user.name"));

    let bot = Identity { name: "Bot".into(), email: "bot@example.com".into() };
    let by_bot =
        |files: &[(&str, &str)]| CommitRequest { author: Some(bot.clone()), ..request(files) };
    blank().commit(&by_bot(&LANE)).unwrap();
    assert_eq!(who(), "Bot <bot@example.com>, Bot <bot@example.com>\n");

    sandbox.git(&["config", "user.name", "Connie"]);
    sandbox.git(&["config", "user.email", "connie@example.com"]);
    blank().commit(&by_bot(&[("x", "1")])).unwrap();
    assert_eq!(who(), "Bot <bot@example.com>, Connie <connie@example.com>\n");
    blank().commit(&request(&[("x", "2")])).unwrap();
    assert_eq!(who(), "Connie <connie@example.com>, Connie <connie@example.com>\n");
}

#[test]
fn signs_where_the_user_signs() {
    let sandbox = Sandbox::new();
    let program = sandbox.top.path().join("sign");
    fs::write(&program, "#!/bin/sh\ncat >/dev/null\nprintf '[GNUPG:] SIG_CREATED ' >&2\nprintf -- '-----BEGIN PGP SIGNATURE-----\\nx\\n-----END PGP SIGNATURE-----\\n'\n").unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.git(&["config", "gpg.program", program.to_str().unwrap()]);
    sandbox.git(&["config", "commit.gpgSign", "true"]);
    sandbox.add(&LANE);
    assert!(
        sandbox
            .git(&["cat-file", "commit", "HEAD"])
            .contains("gpgsig -----BEGIN PGP SIGNATURE-----")
    );
    sandbox.git(&["config", "gpg.program", "/bin/false"]);
    let error = sandbox.open().commit(&request(&[("x", "1")])).unwrap_err();
    assert!(error.remedy.unwrap().contains("commit.gpgSign"));
}
