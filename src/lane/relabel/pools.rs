//! The copy of a UnitedDeployment: the workloads that it makes have the labels by which it
//! finds them, as their pods have.
//!
//! Source: openkruise/kruise pkg/webhook/uniteddeployment/validating (`validateSubsetTemplate`: its
//! `selector` has to match the labels of the template of a pool).

use super::super::facts::Labels;
use crate::kube::object::GroupKind;
use crate::yaml::{Document, EditError, NodeRef, Path};

/// Gives the template of the pools, in which the pod template `pods` is, the values that the selector
/// asks its pods for. Other kinds have no pools.
pub(super) fn label(
    pods: &Path,
    pod_labels: &Labels,
    document: &mut Document,
) -> Result<(), EditError> {
    let kind = GroupKind::of(document.root());
    if kind != Some(GroupKind::new("apps.kruise.io", "UnitedDeployment")) {
        return Ok(());
    }
    let workload = pods.split_last().and_then(|(spec, _)| Some(spec.split_last()?.0));
    let Some(workload) = workload else { return Ok(()) };
    let labels = workload.key("metadata").key("labels");
    let asked = Path::keys(["spec", "selector", "matchLabels"]);
    for (key, value) in pod_labels {
        let has = |path: &Path| document.find(path).and_then(|node| node.get(key)).is_some();
        let is_same =
            document.find(&labels.key(key.clone())).and_then(NodeRef::text) == Some(value);
        if (has(&asked) || has(&labels)) && !is_same {
            document.set_str(&labels.key(key.clone()), value)?;
        }
    }
    Ok(())
}
