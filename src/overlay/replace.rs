//! Changing files that graylane does not own: those of the baseline, when a lane is promoted.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

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
/// permissions and its line ends. All new texts are written before the first file is replaced; where
/// one cannot be, those that were replaced before it get their old text back.
///
/// # Errors
///
/// A file is a link, or holds something else by now; what the system says. None is changed then,
/// unless an error says of a file that it cannot be restored.
pub fn replace(root: &Path, replacements: &[Replacement<'_>]) -> Result<(), Failure> {
    let mut errors = Vec::new();
    let mut staged = Vec::new();
    for replacement in replacements {
        match stage(root, replacement) {
            Ok(file) => staged.push(file),
            Err(Failure(list)) => errors.extend(list),
        }
    }
    // Files that are not kept are removed when they go out of scope.
    if errors.is_empty() { switch(staged) } else { Err(Failure(errors)) }
}

/// A file as it was found.
struct Original<'a> {
    /// As messages name it.
    shown: &'a str,
    path: PathBuf,
    contents: Vec<u8>,
    permissions: fs::Permissions,
}

impl Original<'_> {
    /// Writes contents beside it that may take its place. The file is closed again: there may be more
    /// than a program may have open.
    fn beside(&self, contents: &[u8]) -> std::io::Result<TempPath> {
        let directory = self.path.parent().unwrap_or(Path::new(""));
        let mut file = tempfile::Builder::new().prefix(".graylane.").tempfile_in(directory)?;
        file.write_all(contents)?;
        file.as_file().set_permissions(self.permissions.clone())?;
        file.as_file().sync_all()?;
        Ok(file.into_temp_path())
    }

    fn restore(&self) -> Result<(), Failure> {
        let restored = self.beside(&self.contents).and_then(|file| Ok(file.persist(&self.path)?));
        restored.map(|_| ()).map_err(|error| io_failure("restore", self.shown, &error))
    }
}

/// Writes a file's new text beside it.
fn stage<'a>(
    root: &Path,
    replacement: &Replacement<'a>,
) -> Result<(Original<'a>, TempPath), Failure> {
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
    let (contents, permissions) = read().map_err(|error| io_failure("read", shown, &error))?;
    let is_converted = with_lf(&contents).is_some_and(|found| found == before.as_bytes());
    if contents != before.as_bytes() && !is_converted {
        let error = Diagnostic::error(format!("`{shown}` was changed while it was looked at"));
        return Err(error.remedy("run it again").into());
    }
    let text = if is_converted && contents != before.as_bytes() {
        after.replace('\n', "\r\n")
    } else {
        after.to_owned()
    };
    let original = Original { shown, path, contents, permissions };
    let file = original.beside(text.as_bytes());
    let file = file.map_err(|error| io_failure("write", shown, &error))?;
    Ok((original, file))
}

/// Puts new files into the places of the old ones: all of them or none.
fn switch(staged: Vec<(Original<'_>, TempPath)>) -> Result<(), Failure> {
    let mut replaced: Vec<Original<'_>> = Vec::new();
    for (original, file) in staged {
        if let Err(error) = file.persist(&original.path) {
            let Failure(mut errors) = io_failure("write", original.shown, &error.error);
            let restored = replaced.iter().map(Original::restore);
            errors.extend(restored.filter_map(Result::err).flat_map(|failure| failure.0));
            return Err(Failure(errors));
        }
        replaced.push(original);
    }
    Ok(())
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

    #[test]
    fn one_that_fails_late_undoes_those_before_it() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir(at("gone")).unwrap();
        let files = [("a.yaml", "a: 1\r\n"), ("gone/b.yaml", "a: 1\n"), ("c.yaml", "a: 1\n")];
        for (path, text) in files {
            fs::write(at(path), text).unwrap();
        }
        fs::set_permissions(at("a.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
        let staged = |paths: &[&'static str]| -> Vec<_> {
            let replacement = |path| Replacement { path, before: "a: 1\n", after: "a: 2\n" };
            paths.iter().map(|path| stage(root.path(), &replacement(path)).unwrap()).collect()
        };
        let all = staged(&["a.yaml", "gone/b.yaml", "c.yaml"]);
        fs::remove_file(at("c.yaml")).unwrap();
        fs::create_dir(at("c.yaml")).unwrap();
        let Failure(errors) = switch(all).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].message.starts_with("cannot write `c.yaml`"), "{errors:?}");
        assert_eq!(fs::read_to_string(at("a.yaml")).unwrap(), "a: 1\r\n");
        assert_eq!(fs::read_to_string(at("gone/b.yaml")).unwrap(), "a: 1\n");
        assert_eq!(at("a.yaml").metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3, "nothing is left over");

        let (b, _) = staged(&["gone/b.yaml"]).remove(0);
        fs::remove_dir_all(at("gone")).unwrap();
        let Failure(errors) = b.restore().unwrap_err();
        assert!(errors[0].message.starts_with("cannot restore `gone/b.yaml`"), "{errors:?}");
    }
}
