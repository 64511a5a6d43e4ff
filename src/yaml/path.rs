//! Where a node is within a document.

use std::borrow::Cow;
use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// The value of a key in a mapping. Most keys are those of a table, which are not copied.
    Key(Cow<'static, str>),
    /// An element of a sequence, from 0.
    Index(usize),
}

/// A way from the root of a document to a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The root.
    pub fn root() -> Self {
        Self::default()
    }

    /// A path of keys.
    pub fn keys(keys: impl IntoIterator<Item = &'static str>) -> Self {
        Self(keys.into_iter().map(|key| Segment::Key(key.into())).collect())
    }

    /// This path and one more key.
    #[must_use]
    pub fn key(&self, key: impl Into<Cow<'static, str>>) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// This path and one more element.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// This path and one more step.
    #[must_use]
    pub fn with(&self, segment: Segment) -> Self {
        let mut segments = Vec::with_capacity(self.0.len() + 1);
        segments.extend_from_slice(&self.0);
        segments.push(segment);
        Self(segments)
    }

    /// This path and all of another's steps.
    #[must_use]
    pub fn join(&self, other: &Path) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// The steps.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The path above, and the last step; `None` for the root.
    pub fn split_last(&self) -> Option<(Path, &Segment)> {
        let (last, parent) = self.0.split_last()?;
        Some((Self(parent.to_vec()), last))
    }

    /// Parses a JSON pointer (RFC 6901): `/spec/template/metadata/labels/app.kubernetes.io~1name`.
    ///
    /// Numbers stay keys; which of them are indices shows when the path is walked.
    ///
    /// # Errors
    ///
    /// A message when a non-empty pointer does not start with `/` or has a bad `~` escape.
    pub fn from_json_pointer(pointer: &str) -> Result<Self, String> {
        if pointer.is_empty() {
            return Ok(Self::root());
        }
        let Some(rest) = pointer.strip_prefix('/') else {
            return Err(format!("the JSON pointer `{pointer}` must start with `/`"));
        };
        rest.split('/').map(unescape).collect::<Result<Vec<_>, _>>().map(Self)
    }
}

impl FromIterator<Segment> for Path {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

fn unescape(token: &str) -> Result<Segment, String> {
    let mut out = String::with_capacity(token.len());
    let mut rest = token;
    while let Some((before, after)) = rest.split_once('~') {
        out.push_str(before);
        rest = match after.as_bytes().first() {
            Some(b'0') => {
                out.push('~');
                &after[1..]
            }
            Some(b'1') => {
                out.push('/');
                &after[1..]
            }
            _ => {
                return Err(format!("`~` in the JSON pointer part `{token}` must be written `~0`"));
            }
        };
    }
    out.push_str(rest);
    Ok(Segment::Key(out.into()))
}

impl fmt::Display for Path {
    /// As users of `kubectl explain` write it: `spec.containers[0].image`; the root is `.`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if key.contains(['.', '/', '[', ' ']) => {
                    write!(f, "[\"{key}\"]")?
                }
                Segment::Key(key) if position == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_pointers_unescape() {
        let path = Path::from_json_pointer("/metadata/labels/a~1b~0c").unwrap();
        assert_eq!(path.to_string(), "metadata.labels[\"a/b~c\"]");
        assert!(Path::from_json_pointer("metadata").is_err());
        assert!(Path::from_json_pointer("/a~2").is_err());
    }
}
