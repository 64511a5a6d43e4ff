//! `entry-without-pods`: requests are sent to a gray copy that has no pods.

use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;
use crate::yaml::{NodeRef, Path};

pub(super) const FINDING: Finding = Finding {
    code: "entry-without-pods",
    severity: Severity::Warning,
    doc: "\
The gray copy of an entry has no replicas, and its canary route leads to it all the same.

The gray Service has no endpoints. Gateways answer gray requests with 503 then; ingress-nginx, which
keeps no backend without endpoints (its rootfs/etc/nginx/lua/balancer.lua), sends them to the baseline.
A copy that KEDA scales up from zero is not told of.

Remedy: `replicas: 1`; or take `entry` out of the service until the lane is to be open.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let (service, id) = (made.service, &made.object.id);
    let is_workload = (&service.workload.kind, &service.workload.name) == (&id.kind, &id.name);
    let is_entered = service.entry.is_some() && made.release.swimming_lane.is_none();
    let replicas = || made.document.find(&Path::keys(["spec", "replicas"]));
    if !is_workload || !is_entered || replicas().and_then(NodeRef::as_int) != Some(0) {
        return Vec::new();
    }
    let mut scalers =
        made.facts.referrers(id).iter().map(|position| &made.facts.object(*position).id);
    if scalers
        .any(|scaler| scaler.kind == "ScaledObject" && made.copied.gray_name(scaler).is_some())
    {
        return Vec::new();
    }
    let warning = Diagnostic::warning(format!(
        "`{}` is an entry and has no gray pods: most gateways answer gray requests with 503",
        service.name
    ));
    let remedy = "give it pods (`replicas: 1`), or take `entry` out until the lane is to be open";
    vec![warning.at(service.place.clone()).remedy(remedy)]
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{ENTRY, INGRESS, deployment, told};

    #[test]
    fn told_of_entries_with_no_replicas() {
        let baseline = format!("{}{INGRESS}", deployment(""));
        let with = |line: &str| format!("{ENTRY}\n      {line}");
        let told = |service: &str, baseline: &str| told("entry-without-pods", service, baseline);
        let found = told(&with("replicas: 0"), &baseline);
        assert!(found[0].starts_with("graylane.yaml:9:7: `web` is an entry"), "{found:?}");
        let patch = "patches: [{target: Deployment/web, merge: {spec: {replicas: 0}}}]";
        assert_eq!(told(&with(patch), &baseline).len(), 1);
        assert!(told(&with("replicas: 1"), &baseline).is_empty());
        assert!(told("replicas: 0", &baseline).is_empty());
        let scaled = "---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec: {scaleTargetRef: {name: web}, triggers: [{type: cpu}]}
";
        let scaled = format!("{baseline}{scaled}");
        let copied = with("replicas: 0\n      policies: {ScaledObject: copy}");
        assert!(told(&copied, &scaled).is_empty());
        let shared = with("replicas: 0\n      policies: {ScaledObject: skip}");
        assert_eq!(told(&shared, &scaled).len(), 1);
    }
}
