//! The parameters of an application.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::PARAMETERS;
use crate::diagnostic::{Diagnostic, Failure, nearest};

/// Most replicas that Kubernetes counts: an `int32`.
const MAX_REPLICAS: u32 = i32::MAX as u32;

/// A parameter that the plugin takes.
pub(super) struct Known {
    /// Its name in `spec.source.plugin.parameters`.
    pub(super) name: &'static str,
    /// What its value is.
    pub(super) form: Form,
    /// What people see of it.
    pub(super) title: &'static str,
    /// What it does.
    pub(super) tooltip: &'static str,
}

/// What the value of a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One text: `string`.
    Text,
    /// A mapping: `map`; with the `itemType` of its values.
    Map(&'static str),
}

pub(super) const SPEC: &str = "spec";
pub(super) const TAG: &str = "tag";
pub(super) const IMAGES: &str = "images";
pub(super) const REPLICAS: &str = "replicas";

/// All parameters, in the order they are announced.
pub(super) const KNOWN: [Known; 4] = [
    Known {
        name: SPEC,
        form: Form::Text,
        title: "Spec",
        tooltip: "GrayRelease file, relative to the application's path",
    },
    Known {
        name: TAG,
        form: Form::Text,
        title: "Tag",
        tooltip: "The gray mark: suffix of names, value of labels and of the tag header",
    },
    Known {
        name: IMAGES,
        form: Form::Map("string"),
        title: "Images",
        tooltip: "New images by service, container, or service/container",
    },
    Known {
        name: REPLICAS,
        form: Form::Map("number"),
        title: "Replicas",
        tooltip: "Gray pods by service",
    },
];

/// What an application asks for beside its spec. What it leaves empty is not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The spec, relative to the application's path; as it was given.
    pub spec: Option<String>,
    /// The tag; as it was given.
    pub tag: Option<String>,
    /// Images by service, container, or `service/container`; as they were given.
    pub images: BTreeMap<String, String>,
    /// Gray pods by service, at most 2147483647.
    pub replicas: BTreeMap<String, u32>,
}

/// An element of the variable: `ApplicationSourcePluginParameter` in argoproj/argo-cd,
/// pkg/apis/application/v1alpha1/types.go. Fields of later versions are passed over.
#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    name: String,
    string: Option<String>,
    array: Option<Vec<String>>,
    map: Option<BTreeMap<String, String>>,
}

/// The value of an entry that sets something.
enum Given {
    Text(String),
    List,
    Map(BTreeMap<String, String>),
}

impl Parameters {
    /// Reads the variable [`PARAMETERS`]. Argo CD writes `null` where an application has none.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them, but nothing that depends on a spec.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let entries: Option<Vec<Entry>> = serde_json::from_str(text).map_err(|error| {
            Diagnostic::error(format!("{PARAMETERS} is no list of parameters: {error}"))
                .remedy("Argo CD writes it from `spec.source.plugin.parameters`, as [{\"name\": \"tag\", \"string\": \"pr-12\"}]")
        })?;
        let mut parameters = Self::default();
        let mut errors = Vec::new();
        let mut seen = BTreeSet::new();
        for entry in entries.unwrap_or_default() {
            let Some(known) = KNOWN.iter().find(|known| known.name == entry.name) else {
                errors.push(unknown(&entry.name));
                continue;
            };
            if !seen.insert(known.name) {
                errors.push(
                    Diagnostic::error(format!("the parameter `{}` is there twice", known.name))
                        .remedy("keep one of them in `spec.source.plugin.parameters`"),
                );
                continue;
            }
            for given in entry.given() {
                parameters.set(known, given, &mut errors);
            }
        }
        if errors.is_empty() { Ok(parameters) } else { Err(Failure(errors)) }
    }

    /// Whether they change anything in a spec.
    pub fn change_spec(&self) -> bool {
        self.tag.is_some() || !self.images.is_empty() || !self.replicas.is_empty()
    }

    fn set(&mut self, known: &Known, given: Given, errors: &mut Vec<Diagnostic>) {
        match (known.name, known.form, given) {
            (SPEC, Form::Text, Given::Text(text)) => self.spec = Some(text),
            (TAG, Form::Text, Given::Text(text)) => self.tag = Some(text),
            (IMAGES, Form::Map(_), Given::Map(map)) => self.images = map,
            (REPLICAS, Form::Map(_), Given::Map(map)) => {
                for (service, text) in map {
                    match text.parse() {
                        Ok(count @ 0..=MAX_REPLICAS) => {
                            self.replicas.insert(service, count);
                        }
                        _ => errors.push(
                            Diagnostic::error(format!(
                                "the parameter `{REPLICAS}` cannot be `{text}` for `{service}`"
                            ))
                            .remedy(format!("write a whole number from 0 to {MAX_REPLICAS}")),
                        ),
                    }
                }
            }
            (name, form, _) => {
                let (what, remedy) = match form {
                    Form::Text => ("one text", format!("{{name: {name}, string: VALUE}}")),
                    Form::Map(_) => ("a mapping", format!("{{name: {name}, map: {{KEY: VALUE}}}}")),
                };
                errors.push(
                    Diagnostic::error(format!("the parameter `{name}` must be {what}"))
                        .remedy(format!("write it as {remedy}")),
                );
            }
        }
    }
}

impl Entry {
    /// What it sets; nothing where all is empty.
    fn given(self) -> impl Iterator<Item = Given> {
        let text = self.string.filter(|text| !text.is_empty()).map(Given::Text);
        let list = self.array.filter(|list| list.iter().any(|text| !text.is_empty()));
        let mut map = self.map.unwrap_or_default();
        map.retain(|_, value| !value.is_empty());
        let map = Some(map).filter(|map| !map.is_empty()).map(Given::Map);
        text.into_iter().chain(list.map(|_| Given::List)).chain(map)
    }
}

fn unknown(name: &str) -> Diagnostic {
    let names = KNOWN.map(|known| known.name);
    Diagnostic::error(format!("unknown parameter `{name}`")).remedy(match nearest(name, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the parameters are `{}`", names.join("`, `")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> String {
        Parameters::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn reads_what_argo_cd_writes() {
        let text = r#"[{"name": "tag", "string": "pr-12"},
            {"name": "images", "map": {"spring-a": "r/a:2", "spring-c/app": "r/c:2"}},
            {"name": "replicas", "map": {"spring-a": "3"}, "later": {"field": 1}},
            {"name": "spec", "string": "lanes/a.yaml", "array": null}]"#;
        let parameters = Parameters::parse(text).unwrap();
        assert_eq!(parameters.tag.as_deref(), Some("pr-12"));
        assert_eq!(parameters.spec.as_deref(), Some("lanes/a.yaml"));
        assert_eq!(parameters.images["spring-c/app"], "r/c:2");
        assert_eq!(parameters.replicas["spring-a"], 3);
        assert!(parameters.change_spec());
    }

    #[test]
    fn what_is_empty_is_not_set() {
        let empty = r#"[{"name": "tag", "string": ""}, {"name": "images", "map": {"a": ""}},
            {"name": "replicas", "map": {}, "array": [""]}, {"name": "spec"}]"#;
        for text in ["", " ", "null", "[]", empty] {
            assert_eq!(Parameters::parse(text), Ok(Parameters::default()), "{text}");
        }
        assert!(!Parameters::default().change_spec());
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let told = errors(
            r#"[{"name": "tga", "string": "a"}, {"name": "tag", "map": {"a": "b"}},
                {"name": "images", "array": ["r/a:2"]}, {"name": "images", "string": "r/a:2"},
                {"name": "replicas", "map": {"a": "-1", "b": "2147483648", "c": "two"}}, {}]"#,
        );
        for part in [
            "unknown parameter `tga`",
            "did you mean `tag`?",
            "the parameter `tag` must be one text",
            "{name: tag, string: VALUE}",
            "the parameter `images` must be a mapping",
            "the parameter `images` is there twice",
            "cannot be `-1` for `a`",
            "cannot be `2147483648` for `b`",
            "cannot be `two` for `c`",
            "unknown parameter ``",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["{", "{}", "1", "[1]", r#"[{"name": 1}]"#, r#"[{"name": "tag", "string": 1}]"#]
        {
            assert!(errors(text).contains("ARGOCD_APP_PARAMETERS is no list"), "{text}");
        }
        let deep = format!("[{{\"later\": {}", "[".repeat(100_000));
        assert!(errors(&deep).contains("ARGOCD_APP_PARAMETERS is no list"));
    }
}
