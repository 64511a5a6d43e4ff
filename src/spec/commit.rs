//! What a spec says about commits: the block `commit`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::Check;
use crate::commit_message::{MessageTemplate, try_template};
use crate::yaml::NodeRef;

/// How changes of the lane are committed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CommitBlock")]
pub(super) struct RawCommit {
    /// Template (Jinja) of commit messages. Names: `action` (generate, cleanup, promote), `lane`, `tag`, `subject`, `summary`, and the lists `added`, `updated`, `removed` (services) and `objects`. Trailers are put behind it.
    pub(super) message: Option<String>,
}

/// The template for messages; `node` is `spec.commit`.
pub(super) fn read(
    check: &mut Check,
    raw: &RawCommit,
    node: NodeRef<'_>,
) -> Option<MessageTemplate> {
    let text = raw.message.as_ref()?;
    let template = MessageTemplate::parse(text)
        .and_then(|template| try_template(&template).map(|()| template));
    match template {
        Ok(template) => Some(template),
        Err(why) => {
            let place = check.value_place(node.get("message"));
            let message = format!("the template of commit messages cannot be used: {why}");
            let remedy = "its names are `action`, `lane`, `tag`, `subject`, `summary` and the lists `added`, `updated`, `removed`, `objects`, any of which may be empty:\nmessage: |\n  chore({{ tag }}): {{ summary }}\n\n  {{ objects | join('\\n') }}";
            check.error(message, &place, remedy);
            None
        }
    }
}
