//! Changing files that graylane does not own: those of the baseline, when a lane is promoted.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::dir::{Kind, io_failure, kind};
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::with_lf;

/// A file with its text before and after.
#[derive(Clone, Copy, Debug)]
pub struct Replacement<'a> {
    /// Relative to the root, with `/`.
    pub path: &'a str,
    /// What it holds now; with LF where git checks it out with CRLF.
    pub before: &'a str,
    /// What it is to hold, with the same line ends.
    pub after: &'a str,
}

/// Replaces files below a root. Each file has its old or its new text at any time, and keeps its
/// permissions and its line ends. All new texts are written before the first file is replaced.
///
/// # Errors
///
/// A file is a link, or holds something else by now: then none is changed. What the system says.
pub fn replace(root: &Path, replacements: &[Replacement<'_>]) -> Result<(), Failure> {
    let mut errors = Vec::new();
    let mut staged = Vec::new();
    for replacement in replacements {
        match stage(root, replacement) {
            Ok(file) => staged.push((replacement, file)),
            Err(Failure(list)) => errors.extend(list),
        }
    }
    // Files that are not kept are removed when they go out of scope.
    if !errors.is_empty() {
        return Err(Failure(errors));
    }
    for (replacement, file) in staged {
        file.persist(root.join(replacement.path))
            .map_err(|error| io_failure("write", replacement.path, &error.error))?;
    }
    Ok(())
}

/// Writes a file's new text beside it.
fn stage(root: &Path, replacement: &Replacement<'_>) -> Result<tempfile::NamedTempFile, Failure> {
    let Replacement { path: shown, before, after } = *replacement;
    let path = root.join(shown);
    if let Some(link) = link_to(root, &path) {
        let link = link.strip_prefix(root).unwrap_or(&link).display().to_string();
        let error = Diagnostic::error(format!("`{shown}` is not changed: `{link}` is a link"));
        return Err(error.remedy("name the file itself in `baseline.paths`").into());
    }
    let read = || -> std::io::Result<(Vec<u8>, fs::Permissions)> {
        Ok((fs::read(&path)?, path.metadata()?.permissions()))
    };
    let (found, permissions) = read().map_err(|error| io_failure("read", shown, &error))?;
    let is_converted = with_lf(&found).is_some_and(|found| found == before.as_bytes());
    if found != before.as_bytes() && !is_converted {
        let error = Diagnostic::error(format!("`{shown}` was changed while it was looked at"));
        return Err(error.remedy("run it again").into());
    }
    let text = if is_converted && found != before.as_bytes() {
        after.replace('\n', "\r\n")
    } else {
        after.to_owned()
    };
    let write = || -> std::io::Result<tempfile::NamedTempFile> {
        let directory = path.parent().map_or_else(|| root.to_owned(), Path::to_path_buf);
        let mut file = tempfile::Builder::new().prefix(".graylane.").tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(permissions)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|error| io_failure("write", shown, &error))
}

/// The first link on the way to a file, if there is one.
fn link_to(root: &Path, path: &Path) -> Option<PathBuf> {
    let mut above: Vec<&Path> = path.ancestors().take_while(|above| *above != root).collect();
    above.reverse();
    let is_link = |path: &&Path| matches!(kind(path), Ok(Kind::Symlink));
    above.into_iter().find(is_link).map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.yaml");
        fs::write(&path, "a: 1\r\nb: 2\r\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let lf = Replacement { path: "a.yaml", before: "a: 1\nb: 2\n", after: "a: 1\nb: 3\n" };
        replace(root.path(), &[lf]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a: 1\r\nb: 3\r\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn one_that_cannot_be_replaced_stops_all() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.yaml"), "a: 1\n").unwrap();
        fs::write(root.path().join("b.yaml"), "b: 2\n").unwrap();
        std::os::unix::fs::symlink("b.yaml", root.path().join("link.yaml")).unwrap();
        let a = Replacement { path: "a.yaml", before: "a: 1\n", after: "a: 2\n" };
        for (path, before) in [("b.yaml", "b: 1\n"), ("link.yaml", "b: 2\n"), ("c.yaml", "")] {
            let other = Replacement { path, before, after: "b: 3\n" };
            replace(root.path(), &[a, other]).unwrap_err();
            assert_eq!(fs::read_to_string(root.path().join("a.yaml")).unwrap(), "a: 1\n");
        }
        let names = fs::read_dir(root.path()).unwrap();
        assert_eq!(names.count(), 3, "nothing is left over");
    }
}
