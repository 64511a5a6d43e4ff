//! Alibaba Cloud Microservices Engine: the agent reads a pod's lane from its labels, or, as older
//! manifests have it, from its annotations.
//!
//! Sources: Alibaba Cloud documentation, "Label reference" and "Full-link canary release" of MSE
//! Microservices Governance; aliyun/alibabacloud-microservice-demo, microservices-materials/white-paper
//! (annotations).

use super::{Governance, Governed, Mark, Marks, Style, swimming_lane};
use crate::diagnostic::Diagnostic;
use crate::generated::Generated;
use crate::kube::mse::{APP_NAME, AUTO_ENABLE, CANARY, NAMESPACE, TAG};
use crate::spec::GrayRelease;
use crate::yaml::NodeRef;

/// MSE Microservices Governance.
pub(super) struct Mse;

/// The label by which the subsets of MSE gateways know pods (`…/service-subset: gray`).
fn canary_label(tag: &str) -> Mark {
    (format!("{CANARY}{tag}").into(), tag.to_owned())
}

impl Governance for Mse {
    fn style(&self, metadata: NodeRef<'_>) -> Style {
        let has = |holder: &str| {
            let entries = metadata.get(holder).into_iter().flat_map(NodeRef::entries);
            entries.map(|(key, _)| key).any(|key| key == TAG || key.starts_with("msePilot"))
        };
        if has("annotations") && !has("labels") { Style::Annotations } else { Style::Labels }
    }

    fn marks(&self, release: &GrayRelease, app: &str, style: Style) -> Marks {
        let tag = release.tag.as_str();
        let own = |key: &'static str, value: &str| -> Mark { (key.into(), value.to_owned()) };
        let said = vec![own(TAG, tag), own(APP_NAME, app)];
        let mut marks = match style {
            Style::Labels => {
                Marks { selector: vec![own(TAG, tag)], pod_labels: said, ..Marks::default() }
            }
            Style::Annotations => Marks { pod_annotations: said, ..Marks::default() },
        };
        if release.canary_label {
            marks.pod_labels.push(canary_label(tag));
        }
        marks
    }

    fn app_name_key(&self) -> Option<&'static str> {
        Some(APP_NAME)
    }

    fn tag_key(&self) -> Option<&'static str> {
        Some(TAG)
    }

    fn registry_keys(&self) -> &'static [&'static str] {
        &[
            APP_NAME,
            TAG,
            AUTO_ENABLE,
            NAMESPACE,
            "aliyun.com/app-language",
            "armsPilotCreateAppName",
        ]
    }

    fn generate(&self, lane: &Governed<'_>) -> Result<Generated, Vec<Diagnostic>> {
        match &lane.release.swimming_lane {
            Some(wanted) => swimming_lane::requests(lane, wanted),
            None => Ok(Generated::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    #[test]
    fn the_style_is_that_of_the_baseline() {
        for (metadata, expected) in [
            ("{}", Style::Labels),
            ("labels: {msePilotAutoEnable: 'on'}", Style::Labels),
            ("annotations: {msePilotAutoEnable: 'on'}", Style::Annotations),
            ("annotations: {msePilotCreateAppName: a}\nlabels: {app: a}", Style::Annotations),
            ("annotations: {alicloud.service.tag: base}", Style::Annotations),
            (
                "annotations: {msePilotAutoEnable: 'on'}\nlabels: {alicloud.service.tag: base}",
                Style::Labels,
            ),
            ("annotations: {mse.lossless.enable: 'true'}", Style::Labels),
            ("annotations:", Style::Labels),
            ("annotations: [msePilotAutoEnable]", Style::Labels),
        ] {
            let stream = parse(Source::new("m.yaml", format!("{metadata}\n"))).unwrap();
            assert_eq!(Mse.style(stream.documents[0].root()), expected, "{metadata}");
        }
    }
}
