//! `spec.appstack`: what orchestrations of Alibaba Cloud AppStack are rendered with.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::{Check, entries};
use super::model::{BaselinePath, Tag};
use super::{release, syntax};
use crate::appstack::Datum;
use crate::diagnostic::Place;
use crate::kube::names;
use crate::yaml::NodeRef;

/// What AppStack orchestrations of the baseline are rendered with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AppStack")]
pub(super) struct Raw {
    /// Environment that the baseline is rendered for: `{{ .AppStack.envName }}`.
    #[schemars(required)]
    env_name: Option<String>,
    /// Environment that gray copies are rendered for; the tag where it is left out.
    gray_env_name: Option<String>,
    /// Images by their name in the orchestration: `backend` for `{{ .AppStack.image.backend }}`.
    #[serde(default)]
    images: BTreeMap<String, String>,
    /// What `{{ .Values.KEY }}` stands for; either this or `valuesFile`.
    values: Option<serde_json::Map<String, serde_json::Value>>,
    /// YAML file with the values; either this or `values`.
    values_file: Option<String>,
}

/// What AppStack orchestrations of the baseline are rendered with.
#[derive(Clone, Debug)]
pub struct AppStack {
    /// Where the block is.
    pub place: Place,
    /// The environment of the baseline.
    pub environment: String,
    /// The environment of the gray copies.
    pub gray_environment: String,
    /// Images by their name in the orchestration.
    pub images: BTreeMap<String, String>,
    /// What `.Values` is.
    pub values: Values,
}

/// What `.Values` is.
#[derive(Clone, Debug)]
pub enum Values {
    /// A mapping that stands in the spec, or an empty one.
    Inline(Datum),
    /// What a YAML file holds, relative to the spec's directory.
    File(BaselinePath),
}

/// The block, unless something is missing.
pub(super) fn read(
    check: &mut Check,
    raw: &Raw,
    tag: Option<&Tag>,
    node: NodeRef<'_>,
) -> Option<AppStack> {
    for (name, key) in [(&raw.env_name, "envName"), (&raw.gray_env_name, "grayEnvName")] {
        if let Some(name) = name {
            let place = check.value_place(node.get(key));
            let remedy = "write its ID, such as `prod`";
            check.fits("ID of an environment", name, names::dns_label, &place, remedy);
        }
    }
    let environment = raw.env_name.as_deref();
    let gray_environment = raw.gray_env_name.as_deref().or(tag.map(Tag::as_str));
    if let (Some(environment), Some(gray)) = (environment, gray_environment)
        && environment == gray
    {
        let place = check.value_place(node.get("grayEnvName").or(node.get("envName")));
        let message = format!("the gray environment is that of the baseline, `{environment}`");
        check.error(message, &place, "name another one: `grayEnvName: gray`");
    }
    for (name, image, node) in entries(&raw.images, node.get("images")) {
        let place = check.place(Some(node));
        let remedy = "use the name that stands in `{{ .AppStack.image.NAME }}`";
        check.fits("name of an image", name, syntax::template_name, &place, remedy);
        let place = check.value_place(Some(node));
        let remedy = "write it as the registry has it, such as `registry.example.com/app:1.2.3`";
        check.fits("image reference", image, syntax::image, &place, remedy);
    }
    let values = match (node.get("values"), node.get("valuesFile")) {
        (Some(_), Some(file)) => {
            let place = check.place(Some(file));
            let remedy = "keep one of them; a file is for values that several specs share";
            check.error("`appstack` has both `values` and `valuesFile`", &place, remedy);
            return None;
        }
        (None, Some(file)) => {
            let text = raw.values_file.as_ref()?;
            let place = check.value_place(Some(file));
            release::steps(check, text, &place)?;
            Values::File(BaselinePath { text: text.clone(), place })
        }
        // The node, not what serde made of it: numbers keep their types.
        (Some(values), None) => {
            raw.values.as_ref()?;
            Values::Inline(Datum::of(values))
        }
        (None, None) => Values::Inline(Datum::Map(BTreeMap::new())),
    };
    Some(AppStack {
        place: check.place(Some(node)),
        environment: environment?.to_owned(),
        gray_environment: gray_environment?.to_owned(),
        images: raw.images.clone(),
        values,
    })
}
