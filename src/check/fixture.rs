//! Lanes for the tests of findings.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Delivered, check_delivery};
use crate::baseline::files::Memory;
use crate::diagnostic::Diagnostic;
use crate::pipeline::{BaselineFrom, Baselines, Release, release, spec_of};
use crate::surroundings::{Delivery, Differences, Standing, Surroundings};
use crate::yaml::{Source, parse};

/// A Deployment `web` of one container `web` with the image `web:1`, and its Service. `pod` is one
/// more line of its pod's spec.
pub(super) fn deployment(pod: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      {pod}
      containers:
        - {{name: web, image: web:1}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
"
    )
}

/// An Ingress that leads to the Service `web`.
pub(super) const INGRESS: &str = "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: mse
  rules:
    - host: example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
";

/// A line that makes a service an entry by a header.
pub(super) const ENTRY: &str = "entry: {match: {headers: [{name: x-user-id, exact: '100'}]}}";

/// A spec with the tag `gray` of one service `web` with the image `web:2`; `service` is one more
/// line of that.
pub(super) fn spec(service: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {{name: lane}}
spec:
  tag: gray
  baseline: {{paths: [deploy]}}
  gateway: {{class: mse}}
  services:
    - name: web
      images: {{web: 'web:2'}}
      {service}
"
    )
}

/// The lane of a spec, in `graylane.yaml`, on a baseline, in `deploy/all.yaml`.
pub(super) fn lane(spec: &str, baseline: &str) -> Release {
    let spec = spec_of("graylane.yaml", spec).unwrap();
    let file = ("deploy/all.yaml".to_owned(), baseline.as_bytes().to_vec());
    let files = Memory([file].into());
    let facts = Baselines::default().of(&files, &spec, &BaselineFrom::Spec, &[]).unwrap();
    release(spec, &facts).unwrap()
}

/// What a finding says of the lane of [`spec`] with its overlay up to date, in a repository with these
/// files, once something around it has changed.
pub(super) fn told_around(
    code: &str,
    service: &str,
    files: &[(&str, &str)],
    change: impl FnOnce(&mut Surroundings, &Release),
) -> Vec<String> {
    let release = lane(&spec(service), &deployment(""));
    let mut delivery = Delivery::default();
    for (name, text) in files {
        let stream = parse(Source::new(*name, (*text).to_owned())).unwrap();
        stream.documents.iter().for_each(|document| delivery.add(document, &[]));
    }
    let output = release.spec.output.clone();
    let mut surroundings = Surroundings {
        now: "2026-06-01T00:00:00Z".parse().unwrap(),
        standing: Some(Standing::Written(Differences {
            spec_changed: false,
            removed: Vec::new(),
            stale: Vec::new(),
            misstated: Vec::new(),
            edited: Vec::new(),
            is_shared_too: true,
        })),
        manifests: release.files().iter().map(|file| file.path.below(&output)).collect(),
        output,
        committed: HashMap::new(),
        removals: Vec::new(),
        foreign: Vec::new(),
        delivery: Arc::new(delivery),
    };
    change(&mut surroundings, &release);
    let found = check_delivery(&Delivered {
        release: &release.spec.release,
        lane: &release.lane,
        baseline: &release.baseline,
        surroundings: &surroundings,
    });
    let found = found.findings.iter().filter(|found| found.code == Some(code));
    let mut shown: Vec<String> = found.map(show).collect();
    shown.sort();
    shown
}

fn show(found: &Diagnostic) -> String {
    let place = found.place.as_ref().map(|place| format!("{place}: "));
    format!("{}{}", place.unwrap_or_default(), found.message)
}

/// What a finding says of a lane: place and message.
pub(super) fn shown(code: &str, lane: &Release) -> Vec<String> {
    lane.findings.iter().filter(|found| found.code == Some(code)).map(show).collect()
}

/// What a finding says of the lane of [`spec`] on a baseline.
pub(super) fn told(code: &str, service: &str, baseline: &str) -> Vec<String> {
    shown(code, &lane(&spec(service), baseline))
}
