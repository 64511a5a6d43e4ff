//! Words in containers that tell what they do.

use crate::kube::pod_specs::Container;
use crate::yaml::NodeRef;

/// What a container says of itself.
pub(super) struct Words<'a> {
    /// Its command and arguments.
    pub arguments: Vec<&'a str>,
    /// The names of its environment variables.
    pub variables: Vec<&'a str>,
    /// Its name and image.
    pub identity: Vec<&'a str>,
}

impl<'a> Words<'a> {
    /// Those of a container; `node` is its mapping.
    pub(super) fn of(container: &'a Container, node: NodeRef<'a>) -> Self {
        let lists = ["command", "args"].into_iter().filter_map(|key| node.get(key));
        let env = node.get("env").into_iter().flat_map(NodeRef::items);
        let mut identity = vec![container.name.as_str()];
        identity.extend(node.get("image").and_then(NodeRef::text));
        Self {
            arguments: lists.flat_map(NodeRef::items).filter_map(NodeRef::text).collect(),
            variables: env
                .filter_map(|variable| variable.get("name").and_then(NodeRef::text))
                .collect(),
            identity,
        }
    }
}

/// Whether one of the texts holds one of these lower-case words.
pub(super) fn holds(texts: &[&str], words: &[&str]) -> bool {
    texts.iter().any(|text| {
        let text = text.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    })
}
