//! Skeletons: objects that are generated rather than copied, as plain YAML under `templates/`.
//!
//! Values are put in as nodes after parsing, never as text.

use crate::diagnostic::Diagnostic;
use crate::yaml::{Document, EditError, Path, Source, Value, parse};

/// A skeleton with values put in, in order; `name` is its path, for messages.
///
/// # Errors
///
/// When a path leads nowhere in the skeleton.
pub fn fill(
    name: &str,
    skeleton: &str,
    values: Vec<(Path, Value)>,
) -> Result<Document, Diagnostic> {
    let wrong =
        |why: &dyn std::fmt::Display| Diagnostic::error(format!("the skeleton {name}: {why}"));
    let stream = parse(Source::new(name, skeleton.to_owned())).map_err(|error| wrong(&error))?;
    let mut documents = stream.documents.into_iter();
    let mut document = documents.next().ok_or_else(|| wrong(&"it is empty"))?;
    for (path, value) in values {
        document.set(&path, value).map_err(|error: EditError| wrong(&error))?;
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_in_as_nodes() {
        let skeleton = "kind: Rule\nmetadata:\n  name: ''\nspec: {}\n";
        let values = vec![
            (Path::keys(["metadata", "name"]), Value::string("a: b")),
            (Path::keys(["spec", "on"]), Value::string("on")),
        ];
        let document = fill("templates/rule.yaml", skeleton, values).unwrap();
        assert_eq!(document.at(&["metadata", "name"]).and_then(|node| node.as_str()), Some("a: b"));
        assert_eq!(document.at(&["spec", "on"]).and_then(|node| node.as_str()), Some("on"));
    }

    #[test]
    fn an_empty_skeleton_is_an_error() {
        assert!(fill("x", "# nothing\n", Vec::new()).is_err());
    }
}
