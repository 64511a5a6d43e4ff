//! Files beside overlays that are people's own once they are written: a first spec, what Flux reads.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::journal::sync_directory;
use crate::diagnostic::{Diagnostic, Failure};

/// Whether a file holds this text already.
pub fn holds(target: &Path, text: &str) -> bool {
    fs::read(target).is_ok_and(|found| found == text.as_bytes())
}

/// Writes a file whole or not at all, over whatever is there, and makes its directory.
///
/// # Errors
///
/// What the system says.
pub fn write_alone(target: &Path, text: &str) -> Result<(), Failure> {
    write(target, text).map_err(|error| {
        let error = Diagnostic::error(format!("{} cannot be written: {error}", target.display()));
        error.remedy("make its directory one that can be written to, or name another").into()
    })
}

fn write(target: &Path, text: &str) -> io::Result<()> {
    let directory = target.parent().unwrap_or(target);
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    // A temporary file is private; a spec is for the whole team.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    sync_directory(directory);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_with_its_directory_and_nothing_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("flux/gray.yaml");
        assert!(!holds(&target, ""));
        for text in ["a longer text\n", "b\n"] {
            write_alone(&target, text).unwrap();
            assert!(holds(&target, text));
        }
        assert_eq!(fs::read_dir(root.path().join("flux")).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        }
        let below = target.join("spec.yaml");
        let Failure(errors) = write_alone(&below, "").unwrap_err();
        assert!(errors[0].message.contains("cannot be written"), "{errors:?}");
    }
}
