//! What a spec says about Istio.

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::Check;
use super::model::SharedOutput;
use super::release::steps;
use crate::yaml::NodeRef;

/// For the provider `istio`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Istio {
    /// Directory of the VirtualServices that lanes share; `istio` beside the overlay where it is left out.
    pub(super) output: Option<String>,
}

/// The directory of what lanes share, where the spec says it.
pub(super) fn read(check: &mut Check, raw: &Istio, node: NodeRef<'_>) -> Option<SharedOutput> {
    let text = raw.output.as_ref()?;
    let place = check.value_place(node.get("output"));
    let output = steps(check, text, &place)?;
    if output.holds_start() {
        check.error(
            format!("the output `{text}` holds the spec itself"),
            &place,
            "use a directory of its own, such as `overlays/istio`",
        );
        return None;
    }
    Some(SharedOutput { text: text.clone(), place })
}
