//! What a release build says of itself: the commit it is made from.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=GRAYLANE_COMMIT");
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=GRAYLANE_TARGET={target}");
    // A build for development would be made anew after every commit.
    let commit = match std::env::var("PROFILE").as_deref() {
        Ok("release") => stated().or_else(committed),
        _ => None,
    };
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let version = commit.map_or(version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo::rustc-env=GRAYLANE_VERSION={version}");
}

/// What a builder says that has no repository: `GRAYLANE_COMMIT`.
fn stated() -> Option<String> {
    let commit = std::env::var("GRAYLANE_COMMIT").ok()?;
    let is_id = commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(commit)
}

/// The commit of the repository that this is the root of, with its date; not that of another one
/// that has it vendored.
fn committed() -> Option<String> {
    let root = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != Path::new(&root).canonicalize().ok()? {
        return None;
    }
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for path in ["HEAD", "logs/HEAD", "index", "packed-refs"].into_iter().chain(branch.as_deref()) {
        let path = git(&["rev-parse", "--git-path", path])?;
        // What is not there counts as changed in every build.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let commit = git(&["log", "-1", "--format=%h %cs", "--abbrev=9"])?;
    let is_changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if is_changed { format!("{commit}, with changes") } else { commit })
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|run| run.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
