//! Baselines and lanes for the tests.

use crate::baseline::Baseline;
use crate::baseline::files::Memory;
use crate::baseline::read::read;
use crate::diagnostic::Failure;
use crate::lane::{Facts, Lane, build};
use crate::spec;

/// A Deployment and a Service, both `web` in `prod`.
pub(super) const SERVICE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: prod}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example.com/web:1.0}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: prod}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

const SPEC: &str = "\
apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {name: web-gray}
spec:
  tag: gray
  governance: {provider: istio}
  gateway: {tagHeader: X-Mse-Tag}
  services:
    - name: web
";

const FILE: &str = "deploy/all.yaml";

fn files(text: &str) -> Memory {
    Memory([(FILE.to_owned(), text.as_bytes().to_vec())].into())
}

/// The baseline of a stream of manifests.
pub(super) fn baseline(text: &str) -> Baseline {
    read(&files(text), &[FILE.to_owned()], "").unwrap()
}

/// A VirtualService in `prod`, as one more document of a stream.
pub(super) fn rule(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n\
         metadata: {{name: {name}, namespace: prod}}\nspec: {spec}\n"
    )
}

/// The lane of `web` with the tag `gray` on this baseline.
pub(super) fn lane(text: &str) -> Result<Lane, Failure> {
    lane_of("gray", text)
}

/// The same with another tag.
pub(super) fn lane_of(tag: &str, text: &str) -> Result<Lane, Failure> {
    let spec = SPEC.replace("tag: gray", &format!("tag: {tag}"));
    let release = spec::parse("graylane.yaml", &spec)?;
    build(&release, &Facts::read(&files(text), &[FILE.to_owned()], &release, None)?, &|_| {
        Vec::new()
    })
}
