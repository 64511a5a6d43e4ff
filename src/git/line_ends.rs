//! Line ends of the work tree, where git does not leave them as they are in commits.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use git2::{AttrCheckFlags, AttrValue};

use super::discover::Repository;
use super::program::Program;

/// What becomes of the line ends of a work tree in commits.
///
/// git turns CRLF into LF where the attributes `text` or `eol` of a file ask for it or, if it has
/// neither, where `core.autocrlf` is `true` or `input`; so what it checks out may have CRLF. Where
/// that is its own choice (`text=auto`, `core.autocrlf`), a file that has CRLF in the index keeps it.
pub struct LineEnds {
    program: Program,
    /// Opened for attributes, when there is something to convert; libgit2's repository is for one
    /// thread at a time.
    attributes: OnceLock<Option<Mutex<git2::Repository>>>,
    /// Asked for when there is something to convert: that takes longer than to read a small lane.
    converts: OnceLock<bool>,
}

/// Whether a file is a text.
enum Text {
    Yes,
    No,
    /// Where it looks like one.
    Auto,
}

impl fmt::Debug for LineEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineEnds").field("converts", &self.converts).finish_non_exhaustive()
    }
}

impl Repository {
    /// What becomes of the line ends of its work tree.
    pub fn line_ends(&self) -> LineEnds {
        let (attributes, converts) = (OnceLock::new(), OnceLock::new());
        LineEnds { program: self.program.clone(), attributes, converts }
    }
}

impl LineEnds {
    /// A file's bytes as git would commit them; `path` is relative to the work tree.
    pub fn committed(&self, path: &str, bytes: Vec<u8>) -> Vec<u8> {
        let Some(converted) = with_lf(&bytes) else { return bytes };
        let is_converted = match self.text(path) {
            Some(Text::Yes) => true,
            Some(Text::No) => false,
            Some(Text::Auto) => !self.has_crlf_in_index(path),
            None => *self.converts.get_or_init(|| self.converts()) && !self.has_crlf_in_index(path),
        };
        if is_converted { converted } else { bytes }
    }

    fn repository(&self) -> Option<MutexGuard<'_, git2::Repository>> {
        let open = || git2::Repository::open(&self.program.git_dir).ok().map(Mutex::new);
        let repository = self.attributes.get_or_init(open).as_ref()?;
        Some(repository.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the index has a file with CRLF: git leaves it so, or it would be changed for good
    /// without a word.
    ///
    /// Source: git/git, `convert.c`, `has_crlf_in_index`.
    fn has_crlf_in_index(&self, path: &str) -> bool {
        let Some(repository) = self.repository() else { return false };
        let entry = repository.index().ok().and_then(|index| index.get_path(Path::new(path), 0));
        let blob = entry.and_then(|entry| repository.find_blob(entry.id).ok());
        blob.is_some_and(|blob| with_lf(blob.content()).is_some())
    }

    /// What the attributes of a file say of it being a text; `None` where they say nothing of it.
    ///
    /// Source: git/git, `convert.c`, `convert_attrs`; gitattributes(5), `text`, `eol`, `crlf`.
    fn text(&self, path: &str) -> Option<Text> {
        let repository = self.repository()?;
        let path = Path::new(path);
        let get = |name| {
            repository.get_attr(path, name, AttrCheckFlags::FILE_THEN_INDEX).unwrap_or_default()
        };
        for name in ["text", "crlf"] {
            match AttrValue::from_string(get(name)) {
                AttrValue::True | AttrValue::String("input") => return Some(Text::Yes),
                AttrValue::String("auto") => return Some(Text::Auto),
                AttrValue::False => return Some(Text::No),
                _ => {}
            }
        }
        let has_eol =
            matches!(AttrValue::from_string(get("eol")), AttrValue::String("lf" | "crlf"));
        has_eol.then_some(Text::Yes)
    }

    /// Asks the `git` program, which knows all places of configuration, those of the environment
    /// included; `false` where it cannot be asked.
    fn converts(&self) -> bool {
        let asked = self.program.run(["config", "--get", "core.autocrlf"]).complete(&[]);
        asked.is_ok_and(|output| {
            output.status.success() && is_on(String::from_utf8_lossy(&output.stdout).trim())
        })
    }
}

/// Whether a value of `core.autocrlf` asks for conversion.
///
/// Source: git/git, `config.c`, `git_default_core_config` and `git_parse_maybe_bool`.
fn is_on(value: &str) -> bool {
    ["true", "yes", "on", "input"].iter().any(|on| value.eq_ignore_ascii_case(on))
        || value.parse::<i64>().is_ok_and(|number| number != 0)
}

/// A text with LF for each CRLF; `None` where that is what it has, and for what git does not take
/// for a text: bytes with NUL or with a CR that no LF follows.
///
/// Source: git/git, `convert.c`, `convert_is_binary`.
pub fn with_lf(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.contains(&b'\r') || bytes.contains(&0) {
        return None;
    }
    let mut converted = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().peekable();
    while let Some(&byte) = rest.next() {
        if byte != b'\r' {
            converted.push(byte);
        } else if rest.peek() != Some(&&b'\n') {
            return None;
        }
    }
    Some(converted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_converted_and_nothing_else() {
        assert_eq!(with_lf(b"a\r\nb\n\r\n").as_deref(), Some(&b"a\nb\n\n"[..]));
        for other in ["", "a\nb\n", "a\rb\r\n", "a\r\r\n", "\0a\r\n", "a\r"] {
            assert_eq!(with_lf(other.as_bytes()), None, "{other:?}");
        }
    }

    #[test]
    fn values_of_the_setting() {
        for (value, on) in [
            ("true", true),
            ("Yes", true),
            ("1", true),
            ("input", true),
            ("false", false),
            ("off", false),
            ("0", false),
            ("", false),
        ] {
            assert_eq!(is_on(value), on, "{value}");
        }
    }
}
