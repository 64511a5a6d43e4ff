//! Paths that a spec names, as paths of the repository.

/// The path of the repository that a path of a spec means.
///
/// `spec_dir` is the directory of the spec in the repository, with `/` and without `..`; the root
/// is empty. The result is written in the same way. A glob is taken as it is.
///
/// # Errors
///
/// A message when the path is empty, absolute, leaves the repository, names `.git`, or has
/// backslashes or control characters.
pub fn resolve(spec_dir: &str, path: &str) -> Result<String, String> {
    let steps = Steps::parse(path)?;
    let mut parts: Vec<&str> =
        spec_dir.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let Some(left) = parts.len().checked_sub(steps.up) else {
        return Err(format!("the path `{path}` leaves the repository"));
    };
    parts.truncate(left);
    parts.extend(steps.down);
    Ok(parts.join("/"))
}

/// The directory of the repository that the `output` of a spec means.
///
/// `spec_file` is the spec's path in the repository; otherwise as [`resolve`].
///
/// # Errors
///
/// As [`resolve`], and when the directory is the root of the repository or holds the spec itself.
pub fn resolve_output(spec_file: &str, output: &str) -> Result<String, String> {
    let directory = spec_file.rsplit_once('/').map_or("", |(directory, _)| directory);
    let resolved = resolve(directory, output)?;
    if within(&resolved, spec_file) {
        return Err(format!("the output `{output}` holds the spec itself"));
    }
    Ok(resolved)
}

/// Whether a path of the repository is a directory or something in it; both as from [`resolve`].
pub fn within(directory: &str, path: &str) -> bool {
    directory.is_empty()
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A relative path without detours: so many steps up, then down.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Steps<'a> {
    up: usize,
    down: Vec<&'a str>,
}

impl<'a> Steps<'a> {
    /// Reads a path as far as it can be told without knowing where it starts.
    pub(super) fn parse(path: &'a str) -> Result<Self, String> {
        if path.is_empty() {
            return Err("the path is empty".to_owned());
        }
        if let Some(c) = path.chars().find(|c| c.is_control() || *c == '\\') {
            return Err(format!("the path has {c:?} in it"));
        }
        if path.starts_with('/') {
            return Err(format!("the path `{path}` is absolute"));
        }
        let mut steps = Self { up: 0, down: Vec::new() };
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if steps.down.pop().is_none() {
                        steps.up += 1;
                    }
                }
                // Git refuses it in any case, so that it is safe on every file system.
                part if part.eq_ignore_ascii_case(".git") => {
                    return Err(format!("the path `{path}` leads into `.git`"));
                }
                part => steps.down.push(part),
            }
        }
        Ok(steps)
    }

    /// Whether this is a directory above where both paths start, or that directory itself.
    pub(super) fn holds_start(&self) -> bool {
        self.down.is_empty()
    }

    /// Whether the other path is this one or in it, as far as it can be told from the paths.
    pub(super) fn holds(&self, other: &Self) -> bool {
        match self.down.as_slice() {
            [] => self.up >= other.up,
            down => self.up == other.up && other.down.starts_with(down),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_spec() {
        assert_eq!(resolve("", "deploy/").as_deref(), Ok("deploy"));
        assert_eq!(
            resolve("teams/a", "./x/../deploy/*.yaml").as_deref(),
            Ok("teams/a/deploy/*.yaml")
        );
        assert_eq!(resolve("teams/a", "../../deploy").as_deref(), Ok("deploy"));
        assert_eq!(resolve("teams/a", "../..").as_deref(), Ok(""));
        assert_eq!(resolve("", ".").as_deref(), Ok(""));
    }

    #[test]
    fn paths_stay_in_the_repository() {
        for bad in ["", "/etc", "..", "a/../../b", "a\\b", "a\0b", "a\nb", ".git", "a/.GIT/config"]
        {
            assert!(resolve("", bad).is_err(), "{bad:?}");
        }
        assert!(resolve("teams/a", "../../..").is_err());
    }

    #[test]
    fn an_output_never_holds_its_spec() {
        assert_eq!(resolve_output("a/gray.yaml", "out").as_deref(), Ok("a/out"));
        assert_eq!(resolve_output("a/gray.yaml", "../b").as_deref(), Ok("b"));
        for bad in [".", "..", "../a", "x/..", "gray.yaml"] {
            assert!(resolve_output("a/gray.yaml", bad).is_err(), "{bad}");
        }
        assert!(resolve_output("gray.yaml", ".").is_err());
    }

    #[test]
    fn one_path_holds_another() {
        let holds = |a, b| Steps::parse(a).unwrap().holds(&Steps::parse(b).unwrap());
        assert!(holds("deploy", "deploy/prod") && holds("deploy", "deploy/") && holds("..", "a"));
        assert!(!holds("deploy/gray", "deploy") && !holds("deploy", "deployment"));
        assert!(!holds("../deploy", "deploy"));
        assert!(within("a", "a/b") && within("", "a") && !within("a", "ab"));
    }
}
