//! What pre-commit makes of `.pre-commit-hooks.yaml`, with commits as people make them.
//!
//! Needs pre-commit, on the path or as the variable `PRE_COMMIT`:
//! `cargo test --test suite pre_commit:: -- --ignored`.

use std::path::{Path, PathBuf};

use crate::sandbox::{Ran, Sandbox};

const HOOKS: &str = ".pre-commit-hooks.yaml";

/// A shell's word for a path.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_str().unwrap().replace('\'', r"'\''"))
}

/// A repository with a lane, and pre-commit as its hook.
struct Team {
    sandbox: Sandbox,
    /// What commands of git and pre-commit start with.
    env: String,
}

impl Team {
    /// `hooks` is the repository that has the hooks, `language` what overrides theirs.
    fn new(hooks: &Path, language: &str, env: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sandbox = Sandbox::new();
        sandbox.copy_from(&root.join("tests/baselines/web"));
        sandbox.commit_all();
        let program = std::env::var_os("PRE_COMMIT").map_or("pre-commit".into(), PathBuf::from);
        let team = Self { sandbox, env: env.to_owned() };
        let revision = team.done(&format!("git -C {} rev-parse HEAD", quoted(hooks))).stdout;
        let hook = |id: &str| format!("      - id: {id}\n{language}");
        let config = format!(
            "repos:\n  - repo: '{}'\n    rev: {}\n    hooks:\n{}{}",
            hooks.display(),
            revision.trim(),
            hook("graylane-check"),
            hook("graylane-generate-check")
        );
        std::fs::write(team.sandbox.dir.join(".pre-commit-config.yaml"), config).unwrap();
        team.done(&format!("{} install && git add -A", quoted(&program)));
        team
    }

    fn sh(&self, line: &str) -> Ran {
        self.sandbox.sh(&format!("{} {line}", self.env))
    }

    fn done(&self, line: &str) -> Ran {
        let ran = self.sh(line);
        assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// Tries to commit what is staged: whether each of the hooks passed, and all that was told.
    fn commit(&self) -> (bool, bool, String) {
        let ran = self.sh("git commit -m 'Change something'");
        let told = format!("{}{}", ran.stdout, ran.stderr);
        let passed = |name: &str| {
            let line = told.lines().find(|line| line.starts_with(&format!("{name}...")));
            line.unwrap_or_else(|| panic!("{name} did not run: {told}")).ends_with("Passed")
        };
        let (check, generate) = (passed("graylane check"), passed("graylane generate --check"));
        assert_eq!(ran.code == 0, check && generate, "{told}");
        (check, generate, told)
    }
}

#[test]
#[ignore = "needs pre-commit: cargo test --test suite pre_commit:: -- --ignored"]
fn commits_of_overlays_that_are_not_what_their_spec_gives_are_refused() {
    let hooks = Sandbox::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(root.join(HOOKS), hooks.dir.join(HOOKS)).unwrap();
    hooks.commit_all();
    // The program under test instead of one that pre-commit builds.
    let team = Team::new(&hooks.dir, "        language: system\n", "");
    let (check, generate, told) = team.commit();
    assert!(check && !generate, "{told}");
    assert!(told.contains("add overlays/gray/entry/ingress-web-mse-gray.yaml"), "{told}");

    team.done("graylane -q generate && git add -A");
    assert!(matches!(team.commit(), (true, true, _)));

    // A spec without its overlay, and then with it.
    team.done("sed -i s/:2.0/:3.0/ graylane.yaml && git add graylane.yaml");
    assert!(matches!(team.commit(), (true, false, _)));
    team.done("graylane -q generate && git add -A");
    assert!(matches!(team.commit(), (true, true, _)));

    // A baseline that moves alone, and an overlay that is gone.
    team.done("sed -i 's/port: 80/port: 8080/' deploy/web.yaml && git add -A");
    assert!(matches!(team.commit(), (_, false, _)));
    team.done("git reset -q --hard && git rm -qr overlays/gray/entry");
    assert!(matches!(team.commit(), (_, false, _)));
    team.done("git reset -q --hard");

    // What is not staged is no part of the commit, and stays.
    team.done(
        "echo '# mine' >> README.md && git add README.md && sed -i s/:3.0/:4.0/ graylane.yaml",
    );
    assert!(matches!(team.commit(), (true, true, _)));
    assert_eq!(team.done("git status --short").stdout, " M graylane.yaml\n");
    team.done("git restore graylane.yaml");

    // A lane that is not sound.
    team.done(r"sed -i 's/  tag: gray/  tag: gray\n  isolation: version-label/' graylane.yaml");
    team.done("git add -A");
    let (check, _, told) = team.commit();
    assert!(!check && told.contains("error[selector-leak]"), "{told}");
    assert_eq!(team.done("git rev-list --count HEAD").stdout, "4\n");

    // A lane that is taken away, and the commits after it.
    team.done("git reset -q --hard && graylane -q cleanup && git rm -q graylane.yaml");
    team.done("git add -A");
    assert!(matches!(team.commit(), (true, true, _)));
    team.done("echo '# mine too' >> README.md && git add README.md");
    assert!(matches!(team.commit(), (true, true, _)));
}

#[test]
#[ignore = "needs pre-commit, and builds the program: cargo test --test suite pre_commit:: -- --ignored"]
fn pre_commit_builds_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = Sandbox::new();
    // What git would have of the work tree, without its history.
    let list = source.sh(&format!(
        "cd {} && git ls-files -z -co --exclude-standard | xargs -0 cp --parents -t {}",
        quoted(root),
        quoted(&source.dir)
    ));
    assert_eq!(list.code, 0, "{}", list.stderr);
    source.commit_all();
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let of_tool = |name: &str, below: &str| {
        let place = std::env::var_os(name).map_or_else(|| home.join(below), PathBuf::from);
        format!("{name}={}", quoted(&place))
    };
    // Built without optimization, and again only where something has changed.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pre-commit");
    let env = [
        "export".to_owned(),
        of_tool("CARGO_HOME", ".cargo"),
        of_tool("RUSTUP_HOME", ".rustup"),
        format!("CARGO_TARGET_DIR={}", quoted(&target)),
        "CARGO_PROFILE_RELEASE_LTO=off".to_owned(),
        "CARGO_PROFILE_RELEASE_OPT_LEVEL=0".to_owned(),
        "CARGO_PROFILE_RELEASE_CODEGEN_UNITS=64;".to_owned(),
    ];
    let team = Team::new(&source.dir, "", &env.join(" "));
    let (check, generate, told) = team.commit();
    assert!(check && !generate, "{told}");
    let built = team.done("find ~/.cache/pre-commit -name graylane -path '*/bin/*' | wc -l").stdout;
    assert_eq!(built.trim(), "1", "{told}");
}
