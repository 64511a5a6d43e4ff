//! `baseline-in-lane`: pods of the baseline carry the tag of the lane.

use super::{Check, Finding, label};
use crate::diagnostic::{Diagnostic, Severity};
use crate::governance;
use crate::kube::mse::{CANARY, said};
use crate::kube::pod_specs::pod_templates;
use crate::kube::selector::LabelSelector;
use crate::lane::Made;
use crate::spec::Provider;
use crate::yaml::{Document, NodeRef};

pub(super) const FINDING: Finding = Finding {
    code: "baseline-in-lane",
    severity: Severity::Error,
    doc: "\
Pods of the baseline carry the tag of the lane, so requests of the lane reach them too.

Governance knows the instances of a lane by a tag on their pods: `alicloud.service.tag` (MSE) or
`traffic.opensergo.io/label` (OpenSergo). Pods of the baseline that have the lane's are instances of it
beside the gray ones, with the old version, and are missing from the baseline's traffic. Mostly these
are a gray copy that was written by hand.

Remedy: take the tag out of the baseline's manifest, take a copy written by hand out of the baseline,
or choose another tag for the lane.",
    is_fixed: false,
    check: Check::Copy(check),
};

/// What puts pods of the baseline into a lane.
pub(super) struct Mark<'a> {
    /// The label or annotation.
    pub key: &'a str,
    /// The tag it says.
    pub tag: &'a str,
    /// Where it stands.
    pub node: NodeRef<'a>,
}

impl Mark<'_> {
    /// Whether it says that its pods are in this lane, rather than in another.
    pub(super) fn is_of_lane(&self, made: &Made<'_>) -> bool {
        let is_read = !self.key.starts_with(CANARY) || made.release.canary_label;
        is_read && self.tag == made.release.tag.as_str()
    }
}

/// The marks of a baseline workload by which the lane's governance knows lanes. The tag `base` is
/// the baseline itself.
pub(super) fn marks<'a>(made: &Made<'_>, baseline: &'a Document) -> Vec<Mark<'a>> {
    let provider = made.release.provider;
    let governance = governance::of(provider);
    let Some(key) = governance.tag_key() else { return Vec::new() };
    let template = pod_templates(baseline.root()).into_iter().next();
    let metadata = template.and_then(|template| baseline.find(&template.path.key("metadata")));
    let of_workload =
        || baseline.at(&["metadata", "labels", key]).filter(|_| governance.reads_workloads());
    let said = metadata.and_then(|metadata| said(metadata, key)).or_else(of_workload);
    let said = said.and_then(|node| Some(Mark { key, tag: node.text()?, node }));
    let labels = metadata.and_then(|metadata| metadata.get("labels"));
    let canaries = labels.into_iter().flat_map(NodeRef::entries).filter_map(|(key, node)| {
        let tag = key.strip_prefix(CANARY).filter(|_| provider == Provider::Mse)?;
        Some(Mark { key, tag, node })
    });
    let all = said.into_iter().chain(canaries);
    all.filter(|mark| !matches!(mark.tag, "" | "base")).collect()
}

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    if made.gray.pods.is_empty() {
        return Vec::new();
    }
    let baseline = made.baseline();
    let own = marks(made, baseline).into_iter().find(|mark| mark.is_of_lane(made));
    let own = own.map(|mark| {
        let error = Diagnostic::error(format!(
            "the pods of {} are in the lane themselves, by `{}: {}`: its requests reach them beside the gray ones",
            made.object.id, mark.key, mark.node.text().unwrap_or_default()
        ));
        error.at(mark.node.place()).remedy(format!(
            "take `{}` out of the baseline, or choose another tag for the lane",
            mark.key
        ))
    });
    own.into_iter().chain(by_hand(made)).collect()
}

/// Gray copies that are in the baseline: other workloads of the same application with the same tag.
fn by_hand(made: &Made<'_>) -> Vec<Diagnostic> {
    let governance = governance::of(made.release.provider);
    let keys = governance.app_name_key().zip(governance.tag_key());
    let Some((app_key, tag_key)) = keys else { return Vec::new() };
    let app = made.gray.pods.iter().find_map(|labels| label(labels, app_key));
    let Some(app) = app else { return Vec::new() };
    let tag = made.release.tag.to_string();
    let wanted =
        LabelSelector::from_pairs([(app_key.to_owned(), app.clone()), (tag_key.to_owned(), tag)]);
    let facts = made.facts;
    let pods = facts.index.matching(&wanted, &made.object.id.namespace).into_iter();
    let others = pods.map(|number| facts.object(facts.pods[*number].object));
    let told = others.filter(|other| other.id != made.object.id).map(|other| {
        let error = Diagnostic::error(format!(
            "{} of the baseline is in the lane as `{app}` too: requests of the lane reach it beside the copy of {}",
            other.id, made.object.id
        ));
        error
            .at(other.place())
            .remedy("take it out of the baseline if it is a gray copy written by hand, or choose another tag for the lane")
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, shown, spec, told};

    fn labelled(labels: &str) -> String {
        deployment("").replace("labels: {app: web}", &format!("labels: {{app: web, {labels}}}"))
    }

    #[test]
    fn told_of_baselines_with_the_lanes_tag() {
        let of = |baseline: &str| told("baseline-in-lane", "", baseline);
        assert_eq!(
            of(&labelled("alicloud.service.tag: gray")),
            [
                "deploy/all.yaml:7:35: the pods of Deployment/web are in the lane themselves, by `alicloud.service.tag: gray`: its requests reach them beside the gray ones"
            ]
        );
        for other in ["alicloud.service.tag: base", "alicloud.service.tag: blue", "tag: gray"] {
            assert!(of(&labelled(other)).is_empty(), "{other}");
        }
        let annotated = deployment("").replace(
            "metadata: {labels: {app: web}}",
            "metadata: {labels: {app: web}, annotations: {alicloud.service.tag: gray}}",
        );
        assert_eq!(of(&annotated).len(), 1);
        let canary = labelled("opensergo.io/canary-gray: gray");
        assert!(of(&canary).is_empty());
        let subset = spec("").replace("gateway:", "governance: {canaryLabel: true}\n  gateway:");
        assert_eq!(shown("baseline-in-lane", &lane(&subset, &canary)).len(), 1);
        let none = spec("").replace("gateway:", "governance: {provider: none}\n  gateway:");
        let tagged = labelled("alicloud.service.tag: gray");
        assert!(shown("baseline-in-lane", &lane(&none, &tagged)).is_empty());
    }

    #[test]
    fn told_of_workloads_with_the_label_of_open_sergo() {
        let spec = spec("").replace("gateway:", "governance: {provider: opensergo}\n  gateway:");
        let of = |tag: &str| {
            let metadata =
                format!("metadata: {{name: web, labels: {{traffic.opensergo.io/label: {tag}}}}}");
            let baseline = deployment("").replacen("metadata: {name: web}", &metadata, 1);
            shown("baseline-in-lane", &lane(&spec, &baseline)).len()
        };
        assert_eq!((of("gray"), of("blue")), (1, 0));
    }

    #[test]
    fn told_of_copies_written_by_hand() {
        let with = |labels: &str| {
            let by_hand = deployment("")
                .replace("app: web", labels)
                .replacen("{name: web}\nspec:\n", "{name: web-gray}\nspec:\n", 1)
                .replacen("{name: web}\nspec: {sel", "{name: web-gray}\nspec: {sel", 1);
            let baseline = labelled("msePilotCreateAppName: shop") + "---\n" + &by_hand;
            told("baseline-in-lane", "", &baseline)
        };
        let found = with("app: g, msePilotCreateAppName: shop, alicloud.service.tag: gray");
        assert_eq!(
            found,
            [
                "deploy/all.yaml:20:18: Deployment/web-gray of the baseline is in the lane as `shop` too: requests of the lane reach it beside the copy of Deployment/web"
            ]
        );
        assert!(with("app: g, msePilotCreateAppName: shop, alicloud.service.tag: blue").is_empty());
        assert!(with("app: g, msePilotCreateAppName: api, alicloud.service.tag: gray").is_empty());
    }
}
