//! Two trees as one.

use super::{Enter, Files, FilesError};

/// The files of a tree, and those that only another one has.
pub struct Either<'a> {
    /// The tree whose files count where both have one.
    pub first: Box<dyn Files + 'a>,
    /// The tree behind it.
    pub second: Box<dyn Files + 'a>,
}

impl Files for Either<'_> {
    fn list(&self, path: &str, enter: &Enter<'_>) -> Result<Vec<String>, FilesError> {
        let mut files = match self.first.list(path, enter) {
            Err(FilesError::Missing) => return self.second.list(path, enter),
            files => files?,
        };
        match self.second.list(path, enter) {
            Err(FilesError::Missing) => {}
            more => files.extend(more?),
        }
        files.sort_unstable();
        files.dedup();
        Ok(files)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FilesError> {
        match self.first.read(path) {
            Err(FilesError::Missing) => self.second.read(path),
            read => read,
        }
    }

    fn real(&self, path: &str) -> Result<String, FilesError> {
        match self.first.read(path) {
            Err(FilesError::Missing) => self.second.real(path),
            _ => self.first.real(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Memory;
    use super::*;

    #[test]
    fn a_file_of_both_is_that_of_the_first() {
        let tree = |files: &[(&str, &str)]| {
            let files = files.iter().map(|(path, text)| ((*path).into(), (*text).into()));
            Box::new(Memory(files.collect()))
        };
        let first = tree(&[("a/one", "1"), ("b/one", "1")]);
        let both =
            Either { first, second: tree(&[("a/one", "2"), ("a/two", "2"), ("c/two", "2")]) };
        assert_eq!(both.list("a", &|_| true).unwrap(), ["a/one", "a/two"]);
        assert_eq!(both.list("b", &|_| true).unwrap(), ["b/one"]);
        assert_eq!(both.list("c", &|_| true).unwrap(), ["c/two"]);
        assert!(matches!(both.list("d", &|_| true), Err(FilesError::Missing)));
        assert_eq!(both.read("a/one").unwrap(), b"1");
        assert_eq!(both.read("a/two").unwrap(), b"2");
        assert!(matches!(both.read("d"), Err(FilesError::Missing)));
    }
}
