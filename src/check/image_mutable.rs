//! `image-mutable`: the lane runs an image by a tag that moves.

use super::{Check, Finding, Subject};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::image::ImageRef;

pub(super) const FINDING: Finding = Finding {
    code: "image-mutable",
    severity: Severity::Warning,
    doc: "\
An image of the lane has the tag `latest` or none, which means the same.

What runs is decided when a pod starts: two gray pods may run different versions, a new build changes
no manifest, so that nothing is rolled out, and nobody can tell afterwards what was tested.

Remedy: name the version (`web:1.4.2`), or the digest (`web@sha256:…`).",
    is_fixed: false,
    check: Check::Lane(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let images = subject.release.services.iter().flat_map(|service| &service.images);
    let mut found = Vec::new();
    for image in images {
        let Ok(reference) = ImageRef::parse(&image.image) else { continue };
        let how = match (&reference.tag, &reference.digest) {
            (None, None) => "has no tag, which means `latest`",
            (Some(tag), None) if tag == "latest" => "has the tag `latest`",
            _ => continue,
        };
        let warning = Diagnostic::warning(format!(
            "the image of container `{}` {how}: which version runs is decided when a pod starts",
            image.container
        ));
        found.push(warning.at(image.place.clone()).remedy(format!(
            "name the version or the digest: `{}:VERSION`",
            reference.repository()
        )));
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, lane, shown, spec};

    #[test]
    fn told_of_tags_that_move() {
        let digest = format!("web@sha256:{}", "0".repeat(64));
        let latest = format!("web:latest@sha256:{}", "0".repeat(64));
        for (image, count) in [
            ("web", 1),
            ("registry.example.com:5000/web", 1),
            ("web:latest", 1),
            ("web:2", 0),
            ("registry.example.com:5000/web:2", 0),
            (&digest, 0),
            (&latest, 0),
        ] {
            let spec = spec("").replace("web:2", image);
            let found = shown("image-mutable", &lane(&spec, &deployment("")));
            assert_eq!(found.len(), count, "{image}: {found:?}");
            assert!(
                found.iter().all(|found| found.starts_with("graylane.yaml:10:16: ")),
                "{found:?}"
            );
        }
    }
}
