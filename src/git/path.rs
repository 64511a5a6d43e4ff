//! Paths as git knows them: relative to the root of the repository, `/` between the components.

use std::path::{Component, Path, PathBuf};

use super::error::{GitError, GitErrorKind, Result};

/// Refuses what git cannot hold, and what would leave the repository: an empty path or component,
/// `.` and `..`, an absolute path, a backslash, a NUL, and `.git` in any case.
pub(super) fn check(path: &str) -> Result<()> {
    let bad = |why: &str| {
        Err(GitError::new(GitErrorKind::BadPath, format!("`{}` {why}", path.escape_debug())))
    };
    if path.is_empty() {
        return bad("names no file");
    }
    if path.starts_with('/') {
        return bad("is an absolute path, where one relative to the repository belongs");
    }
    if path.contains(['\0', '\\']) {
        return bad("holds a character that git cannot hold everywhere");
    }
    for component in path.split('/') {
        match component {
            "" => return bad("has an empty component"),
            "." | ".." => return bad("is not a plain path"),
            other if other.eq_ignore_ascii_case(".git") => {
                return bad("leads into git's own directory");
            }
            _ => {}
        }
    }
    Ok(())
}

/// The directories above a path, nearest the root first: `a`, `a/b` for `a/b/c`.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(move |(at, _)| path.get(..at))
}

/// The nearest directory that all of these files are in, empty for the root; `None` where there are
/// no files.
pub(super) fn common_directory<'a>(files: &[&'a str]) -> Option<&'a str> {
    let directory = |path: &'a str| path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let (first, rest) = files.split_first()?;
    let mut common = directory(first);
    for file in rest {
        while !(common.is_empty()
            || file.strip_prefix(common).is_some_and(|below| below.starts_with('/')))
        {
            common = directory(common);
        }
    }
    Some(common)
}

/// `path` relative to `root`, `/` between the components; empty for the root itself.
///
/// A symbolic link above the root is followed, one below it is not: what it points to has another
/// place in the repository, or none.
pub(super) fn relative(root: &Path, path: &Path) -> Result<String> {
    let shown = path.display().to_string();
    let absolute = std::path::absolute(path)
        .map_err(|error| GitError::io(&format!("find `{shown}`"), &error))?;
    let plain = without_dots(&absolute);
    let below = match plain.strip_prefix(root) {
        Ok(below) => Some(below.to_path_buf()),
        Err(_) => plain
            .ancestors()
            .find(|ancestor| ancestor.canonicalize().is_ok_and(|real| real == root))
            .and_then(|ancestor| plain.strip_prefix(ancestor).ok().map(Path::to_path_buf)),
    };
    let Some(below) = below else {
        return Err(GitError::new(
            GitErrorKind::BadPath,
            format!("`{shown}` is outside of the repository"),
        )
        .remedy("paths of a gray release may not leave the repository of its spec"));
    };
    let mut components = Vec::new();
    for component in below.components() {
        let text = component.as_os_str().to_str().ok_or_else(|| {
            GitError::new(GitErrorKind::BadPath, format!("`{shown}` is not UTF-8"))
                .remedy("rename it; manifests and overlays have UTF-8 paths")
        })?;
        components.push(text);
    }
    let joined = components.join("/");
    if !joined.is_empty() {
        check(&joined)?;
    }
    Ok(joined)
}

/// The path without `.` and `..`, by its text alone.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_git_cannot_hold() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            ".git/config",
            "a/.GIT/x",
            "a\\b",
            "a\0",
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "a/b.yaml", ".gitignore", "a/.gitkeep", "a..b/c"] {
            assert!(check(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn parents_come_from_the_root() {
        assert_eq!(parents("a/b/c").collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(parents("a").count(), 0);
    }

    #[test]
    fn files_are_in_the_nearest_directory_of_all() {
        assert_eq!(common_directory(&[]), None);
        assert_eq!(common_directory(&["a/b/c"]), Some("a/b"));
        assert_eq!(common_directory(&["a/b/c", "a/b/d/e"]), Some("a/b"));
        assert_eq!(common_directory(&["a/b/c", "a/bc/d"]), Some("a"));
        assert_eq!(common_directory(&["a/b/c", "b"]), Some(""));
        assert_eq!(common_directory(&["c", "b"]), Some(""));
    }

    #[test]
    fn relative_paths_stay_below_the_root() {
        let root = Path::new("/srv/repo");
        assert_eq!(relative(root, Path::new("/srv/repo/a/./b/../c")).unwrap(), "a/c");
        assert_eq!(relative(root, Path::new("/srv/repo")).unwrap(), "");
        for outside in ["/srv/other", "/srv/repo/../x", "/srv/repository/a"] {
            assert_eq!(
                relative(root, Path::new(outside)).unwrap_err().kind,
                GitErrorKind::BadPath,
                "{outside}"
            );
        }
    }
}
