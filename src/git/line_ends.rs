//! Line ends of the work tree, where git does not leave them as they are in commits.

use std::sync::OnceLock;

use super::discover::Repository;
use super::program::Program;

/// What becomes of the line ends of a work tree in commits.
///
/// git turns CRLF into LF where `core.autocrlf` is `true` or `input`; with `true`, what it checks
/// out has CRLF. Attributes (`text`, `eol`) are not looked at.
#[derive(Debug)]
pub struct LineEnds {
    program: Program,
    /// Asked for when there is something to convert: that takes longer than to read a small lane.
    converts: OnceLock<bool>,
}

impl Repository {
    /// What becomes of the line ends of its work tree.
    pub fn line_ends(&self) -> LineEnds {
        LineEnds { program: self.program.clone(), converts: OnceLock::new() }
    }
}

impl LineEnds {
    /// A file's bytes as git would commit them.
    pub fn committed(&self, bytes: Vec<u8>) -> Vec<u8> {
        match with_lf(&bytes) {
            Some(converted) if *self.converts.get_or_init(|| self.converts()) => converted,
            _ => bytes,
        }
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
