//! What is written for OpenSergo: the block `opensergo`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::{Check, items};
use super::choice::Provider;
use super::raw::{List, Spec};
use super::syntax;
use crate::diagnostic::Place;
use crate::yaml::NodeRef;

/// What is written for OpenSergo; for `governance.provider: opensergo`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OpenSergo")]
pub(super) struct RawOpenSergo {
    /// The rules that are written; `[traffic-router]` where it is left out: no CRD of the other two was ever published.
    rules: Option<List<OpenSergoRule>>,
    /// How gray pods learn their label beside the label `traffic.opensergo.io/label`, which they always get.
    #[serde(default)]
    env: OpenSergoEnv,
    /// Address of the control plane, `host:port`, for `env: bootstrap` where the baseline's containers name none.
    endpoint: Option<String>,
}

/// A kind of rule of OpenSergo's traffic routing, `traffic.opensergo.io/v1alpha1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OpenSergoRule {
    /// A TrafficLabelRule for the entry: which requests get the label.
    TrafficLabel,
    /// A WorkloadLabelRule for each gray workload.
    WorkloadLabel,
    /// A TrafficRouter for each Service that is copied: requests with the tag header go to its gray instances.
    TrafficRouter,
}

/// How gray pods learn their label beside the label of their pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OpenSergoEnv {
    /// Not at all.
    #[default]
    None,
    /// By the environment variable `traffic.opensergo.io/label`, a name that older API servers refuse.
    Label,
    /// By `OPENSERGO_LABEL` in the JSON of the environment variable `OPENSERGO_BOOTSTRAP_CONFIG`.
    Bootstrap,
}

/// What is written for OpenSergo.
#[derive(Clone, Debug)]
pub struct OpenSergo {
    /// The rules; each at most once.
    pub rules: Vec<OpenSergoRule>,
    /// How pods learn their label besides.
    pub env: OpenSergoEnv,
    /// The control plane's address, `host:port`; there only with [`OpenSergoEnv::Bootstrap`].
    pub endpoint: Option<String>,
    /// Where it is; the place of `spec` where there is no such block.
    pub place: Place,
}

/// The block of a spec; `node` is `spec`.
pub(super) fn read(
    check: &mut Check,
    spec: &Spec,
    node: NodeRef<'_>,
    provider: Provider,
) -> OpenSergo {
    let block = node.get("opensergo");
    let place = check.place(block.or(Some(node)));
    let default = vec![OpenSergoRule::TrafficRouter];
    let Some((raw, block)) = spec.opensergo.as_ref().zip(block) else {
        return OpenSergo { rules: default, env: OpenSergoEnv::None, endpoint: None, place };
    };
    if provider != Provider::OpenSergo {
        check.error(
            format!("`opensergo` is not for the governance provider `{provider}`"),
            &place,
            "take `opensergo` out, or use `governance: {provider: opensergo}`",
        );
    }
    let rules = match &raw.rules {
        None => default,
        Some(raw) => {
            let mut rules = Vec::new();
            for (rule, node) in items(raw, block.get("rules")) {
                if rules.contains(rule) {
                    let at = check.value_place(Some(node));
                    check.error("the rule is there twice", &at, "keep one of them");
                    continue;
                }
                rules.push(*rule);
            }
            rules
        }
    };
    if let Some(endpoint) = &raw.endpoint {
        let at = check.value_place(block.get("endpoint"));
        let remedy = "use an address such as `opensergo-pilot.opensergo-pilot:50051`";
        check.fits("endpoint", endpoint, syntax::endpoint, &at, remedy);
        if raw.env != OpenSergoEnv::Bootstrap {
            let at = check.place(block.get("endpoint"));
            check.error(
                "`endpoint` is for `env: bootstrap`",
                &at,
                "take `endpoint` out, or add `env: bootstrap`",
            );
        }
    }
    OpenSergo { rules, env: raw.env, endpoint: raw.endpoint.clone(), place }
}
