//! Words in containers that tell what they do.

use std::collections::HashSet;

use crate::kube::pod_specs::{Container, containers, pod_templates};
use crate::lane::Made;
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

/// One thing that a container is told.
pub(super) struct Setting<'a> {
    /// The variable or option, as it is written, without leading dashes.
    pub name: &'a str,
    /// The value; of a variable from a ConfigMap or Secret, where it comes from. Never empty.
    pub value: String,
    /// Where it is.
    pub node: NodeRef<'a>,
}

impl Setting<'_> {
    /// The name in lower case without separators: `spring.kafka.consumer.group-id` and
    /// `SPRING_KAFKA_CONSUMER_GROUP_ID` are one.
    pub(super) fn key(&self) -> String {
        let letters = self.name.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    }
}

/// What a container is told by its variables and its command line: options as `--name=value`,
/// `--name value`, `-Dname=value`, and plain `name=value`. What Kubernetes fills in for each pod is
/// left out.
pub(super) fn settings<'a>(container: NodeRef<'a>) -> Vec<Setting<'a>> {
    let mut found = Vec::new();
    for variable in container.get("env").into_iter().flat_map(NodeRef::items) {
        let Some(name) = variable.get("name").and_then(NodeRef::text) else { continue };
        if let Some(value) = variable_value(variable) {
            found.push(Setting { name, value, node: variable });
        }
    }
    for list in ["command", "args"].into_iter().filter_map(|key| container.get(key)) {
        let words = |node: NodeRef<'a>| {
            let words = node.text().unwrap_or("").split_whitespace();
            words.map(move |word| (word, node))
        };
        let mut words = list.items().flat_map(words).peekable();
        while let Some((word, node)) = words.next() {
            let plain = word.strip_prefix("-D").unwrap_or(word);
            let option = plain.trim_start_matches('-');
            let next = words.peek().map(|(next, _)| *next);
            let value = |value: &str| value.trim_matches(['"', '\'']).to_owned();
            let (name, value) = match (option.split_once('='), next) {
                (Some((name, text)), _) => (name, value(text)),
                (None, Some(next)) if plain != option && !next.starts_with('-') => {
                    (option, value(next))
                }
                _ => continue,
            };
            if !value.is_empty() && !value.contains("$(") {
                found.push(Setting { name, value, node });
            }
        }
    }
    found
}

/// The value of a variable, or the key of a ConfigMap or Secret it is.
fn variable_value(variable: NodeRef<'_>) -> Option<String> {
    if let Some(text) = variable.get("value").and_then(NodeRef::text) {
        return (!text.is_empty() && !text.contains("$(")).then(|| text.to_owned());
    }
    let from = variable.get("valueFrom")?;
    let (kind, key) = ["configMapKeyRef", "secretKeyRef"]
        .into_iter()
        .find_map(|kind| Some((kind, from.get(kind)?)))?;
    let part = |name: &str| key.get(name).and_then(NodeRef::text);
    Some(format!("{kind} {} {}", part("name")?, part("key")?))
}

/// The settings of a copy's containers that are meant and that the baseline's container of the same
/// name has just so, each with its container.
pub(super) fn shared_settings<'a>(
    made: &Made<'a>,
    containers: &'a [Container],
    is_meant: impl Fn(&Setting<'_>) -> bool,
) -> Vec<(&'a Container, Setting<'a>)> {
    let mut found = Vec::new();
    for container in containers {
        let Some(node) = made.document.find(&container.path) else { continue };
        let meant = settings(node).into_iter().filter(|setting| is_meant(setting));
        found.extend(meant.map(|setting| (container, setting)));
    }
    // Most containers have none, and the baseline's nodes may have to be made again.
    if found.is_empty() {
        return found;
    }
    let had: HashSet<String> = baseline_settings(made);
    let key = |container: &Container, setting: &Setting<'_>| {
        line(container, setting.name, &setting.value)
    };
    found.retain(|(container, setting)| had.contains(&key(container, setting)));
    found
}

/// What the baseline's containers are told, as [`line`]s.
pub(super) fn baseline_settings(made: &Made<'_>) -> HashSet<String> {
    let baseline = made.baseline();
    let root = baseline.root();
    let all = pod_templates(root).into_iter().flat_map(|template| containers(root, &template));
    let lines = all.flat_map(|container| {
        let told = baseline.find(&container.path).map(settings).unwrap_or_default();
        let lines = told.into_iter().map(|one| line(&container, one.name, &one.value));
        lines.collect::<Vec<String>>()
    });
    lines.collect()
}

/// A setting of a container as one text.
pub(super) fn line(container: &Container, name: &str, value: &str) -> String {
    format!("{} {name}={value}", container.name)
}

/// Whether one of the texts holds one of these lower-case words.
pub(super) fn holds(texts: &[&str], words: &[&str]) -> bool {
    texts.iter().any(|text| {
        let text = text.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    #[test]
    fn settings_are_read_from_variables_and_command_lines() {
        let text = "\
env:
  - {name: A, value: one}
  - {name: B, valueFrom: {secretKeyRef: {name: db, key: url}}}
  - {name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  - {name: D, value: $(C)-group}
command: [sh, -c, 'java -Dspring.x=two --on --group three -jar app.jar']
args: [--four=4, \"E='5'\"]
";
        let stream = parse(Source::new("a.yaml", text.to_owned())).unwrap();
        let told = settings(stream.documents[0].root());
        let told: Vec<String> =
            told.iter().map(|one| format!("{}={}", one.name, one.value)).collect();
        let expected = [
            "A=one",
            "B=secretKeyRef db url",
            "c=java",
            "spring.x=two",
            "group=three",
            "jar=app.jar",
            "four=4",
            "E=5",
        ];
        assert_eq!(told, expected);
    }
}
