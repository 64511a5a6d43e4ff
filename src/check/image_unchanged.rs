//! `image-unchanged`: a gray copy runs what the baseline runs.

use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;
use crate::yaml::NodeRef;

pub(super) const FINDING: Finding = Finding {
    code: "image-unchanged",
    severity: Severity::Warning,
    doc: "\
All images that the spec names for a service are those of the baseline.

The gray copy runs the same version with the same settings, so there is nothing to test. Mostly the
new version has become the baseline's and the lane is left over, or the spec names the old one. A
service whose environment, patches, copied objects or AppStack environment differ is not told of.

Remedy: write the new version's image, or remove the lane with `graylane cleanup`.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let (service, id) = (made.service, &made.object.id);
    let is_workload = (&service.workload.kind, &service.workload.name) == (&id.kind, &id.name);
    let differs = !service.env.is_empty()
        || !service.env_by_container.is_empty()
        || !service.patches.is_empty()
        || !service.copy.is_empty();
    let Some(image) = service.images.first().filter(|_| is_workload && !differs) else {
        return Vec::new();
    };
    let position = made.facts.baseline.position(id);
    if position.is_some_and(|position| made.facts.baseline.gray(position).is_some()) {
        return Vec::new();
    }
    // The copy has the containers of the baseline's object, at the same paths.
    let baseline = made.baseline();
    let is_same = |path| {
        let image = |node: Option<NodeRef<'_>>| {
            node.and_then(|node| node.get("image")).and_then(NodeRef::text).map(str::to_owned)
        };
        image(made.document.find(path)) == image(baseline.find(path))
    };
    let all = made.templates();
    if !all.iter().flat_map(|(_, containers)| containers).all(|container| is_same(&container.path))
    {
        return Vec::new();
    }
    let warning = Diagnostic::warning(format!(
        "`{}` has the images of the baseline and no other setting: there is nothing to test",
        service.name
    ));
    let remedy = format!(
        "write the image of the new version; where the baseline has it already, `{}` removes the lane",
        made.release.command("cleanup")
    );
    vec![warning.at(image.place.clone()).remedy(remedy)]
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, shown, spec};

    #[test]
    fn told_of_services_with_nothing_new() {
        let told = |image: &str, service: &str| {
            let spec = spec(service).replace("web:2", image);
            shown("image-unchanged", &lane(&spec, &deployment("")))
        };
        let found = told("web:1", "");
        assert!(found[0].starts_with("graylane.yaml:10:16: `web` has the images"), "{found:?}");
        assert!(told("web:2", "").is_empty());
        assert!(told("web:1", "env: {A: b}").is_empty());
        let patch = "patches: [{target: Deployment/web, merge: {spec: {minReadySeconds: 5}}}]";
        assert!(told("web:1", patch).is_empty());
        // Without images in the spec, a copy of the same version is what is wanted.
        let spec = spec("").replace("      images: {web: 'web:2'}\n", "");
        assert!(shown("image-unchanged", &lane(&spec, &deployment(""))).is_empty());
    }
}
