//! What pods say to the agent of Alibaba Cloud Microservices Engine: the keys, and how it reads them.
//!
//! Sources: Alibaba Cloud documentation, "Label reference" of MSE Microservices Governance;
//! aliyun/alibabacloud-microservice-demo, microservices-materials/white-paper (annotations).

use super::names::LABEL_LIMIT;
use super::pod_specs::{PodTemplate, containers};
use crate::yaml::{Document, NodeRef};

/// The tag of a lane; a pod without it is baseline.
pub const TAG: &str = "alicloud.service.tag";

/// The application's name in MSE. It defaults to the workload's name, which the suffix changes: the
/// gray pods would register as another application.
pub const APP_NAME: &str = "msePilotCreateAppName";

/// Whether pods get the agent: `on` or `off`.
pub const AUTO_ENABLE: &str = "msePilotAutoEnable";

/// The governance namespace; a label of Namespaces too.
///
/// Source: "Manage microservices namespaces".
pub const NAMESPACE: &str = "mseNamespace";

/// What pods say to the agent and its webhook; a key that ends in `.` stands for all that start so.
/// Every value is a string, `"on"` and `"off"` included.
///
/// Sources: "Label reference", "Manage microservices namespaces", "Configure graceful start and
/// shutdown in YAML"; aliyun/alibabacloud-microservice-demo, mse-go-demo (`aliyun.com/`).
pub const MARKS: [&str; 7] = [
    AUTO_ENABLE,
    APP_NAME,
    NAMESPACE,
    TAG,
    "mse.lossless.",
    "aliyun.com/app-language",
    "aliyun.com/agent-version",
];

/// The label of the subsets that gateways of MSE know pods by: `…/service-subset: base`.
///
/// Source: "Annotations supported by MSE Ingress gateways".
pub const SUBSET: &str = "opensergo.io/canary";

/// What stands before the tag in the label of the subset of a lane: `…/service-subset: gray`.
///
/// Source: as of [`SUBSET`].
pub const CANARY: &str = "opensergo.io/canary-";

/// The longest tag in the key of a label behind [`CANARY`], in characters: `canary-<tag>` is the name
/// part of the key.
pub const MAX_CANARY_TAG: usize = LABEL_LIMIT - "canary-".len();

/// With this variable `true`, requests that pass a tagged pod inherit its tag.
///
/// Source: aliyun/alibabacloud-microservice-demo, microservices-materials/white-paper/4-2-1.yaml.
pub const INHERIT: &str = "profiler.micro.service.tag.trace.enable";

/// What a pod template says under a key, from its `metadata`: a label wins over an annotation.
pub fn said<'a>(metadata: NodeRef<'a>, key: &str) -> Option<NodeRef<'a>> {
    metadata.at(&["labels", key]).or_else(|| metadata.at(&["annotations", key]))
}

/// Whether requests that pass the pods of a template inherit their tag.
pub fn inherits_tag(document: &Document, template: &PodTemplate) -> bool {
    containers(document.root(), template).iter().any(|container| {
        let env = document.find(&container.path.key("env"));
        env.into_iter().flat_map(NodeRef::items).any(|variable| {
            variable.get("name").and_then(NodeRef::as_str) == Some(INHERIT)
                && variable.get("value").and_then(NodeRef::text) == Some("true")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::pod_specs::pod_templates;
    use crate::yaml::{Source, parse};

    #[test]
    fn a_tag_is_inherited_where_a_container_says_true() {
        for (value, expected) in [("'true'", true), ("'false'", false), ("", false)] {
            let text = format!(
                "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      \
                 - {{name: a}}\n      - {{name: b, env: [{{name: {INHERIT}, value: {value}}}]}}\n"
            );
            let stream = parse(Source::new("m.yaml", text)).unwrap();
            let document = &stream.documents[0];
            let template = &pod_templates(document.root())[0];
            assert_eq!(inherits_tag(document, template), expected, "{value}");
        }
    }

    #[test]
    fn the_longest_tag_fills_a_key() {
        let name = format!("{CANARY}{}", "a".repeat(MAX_CANARY_TAG));
        assert_eq!(name.split_once('/').map(|(_, name)| name.len()), Some(LABEL_LIMIT));
        assert_eq!(CANARY, format!("{SUBSET}-"));
    }
}
