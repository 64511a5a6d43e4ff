//! What becomes of baselines that nobody tidied up: references, policies, labels, patches.

mod entry;
mod kinds;
mod labels;
mod platforms;
mod references;
mod workloads;

use graylane::baseline::files::{Files, Memory};
use graylane::baseline::read;
use graylane::diagnostic::Diagnostic;
use graylane::pipeline::{self, Release};
use graylane::yaml::{Document, Source, Value, parse};

/// The spec of one service, `web`, with more lines of it.
fn spec_of(top: &str, service: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: t}}\nspec:\n  tag: gray\n{top}  \
         services:\n  - name: web\n{service}"
    )
}

fn release(manifests: &str, spec: &str) -> Result<Release, Vec<Diagnostic>> {
    let files = Memory([("all.yaml".to_owned(), manifests.as_bytes().to_vec())].into());
    let paths = files.list("", &|_| true).unwrap();
    let spec = pipeline::spec_of("graylane.yaml", spec).map_err(|error| error.0)?;
    let namespace = spec.release.namespace.clone().unwrap_or_default();
    let baseline = read::read(&files, &paths, &namespace).map_err(|error| error.0)?;
    let facts = graylane::lane::Facts::gather(&baseline.into());
    let release = pipeline::release(spec, &facts).map_err(|error| error.0)?;
    release.sound().map_err(|error| error.0)?;
    Ok(release)
}

#[track_caller]
fn lane(manifests: &str, spec: &str) -> Release {
    release(manifests, spec).unwrap_or_else(|errors| panic!("{}", shown(&errors)))
}

#[track_caller]
fn refused(manifests: &str, spec: &str) -> String {
    match release(manifests, spec) {
        Ok(release) => panic!("accepted: {:?}", ids(&release)),
        Err(errors) => shown(&errors),
    }
}

fn shown(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(Diagnostic::to_string).collect()
}

fn ids(release: &Release) -> Vec<String> {
    release
        .lane
        .objects
        .iter()
        .map(|object| format!("{}/{}", object.id.kind, object.id.name))
        .collect()
}

#[track_caller]
fn object(release: &Release, id: &str) -> &'static Document {
    let is_it = |object: &&graylane::lane::GrayObject| {
        format!("{}/{}", object.id.kind, object.id.name) == id
    };
    match release.lane.objects.iter().find(is_it) {
        // Lives as long as the test, as the release does.
        Some(object) => Box::leak(Box::new(object.document().unwrap())),
        None => panic!("no {id} in {:?}", ids(release)),
    }
}

#[track_caller]
fn at(document: &Document, pointer: &str) -> String {
    let path = graylane::yaml::Path::from_json_pointer(pointer).unwrap();
    match document.find(&path) {
        Some(node) => node.to_json().to_string(),
        None => "nothing".to_owned(),
    }
}

/// A Deployment; `pod` is put into its pod spec, `labels` are those of its pods.
fn deployment(name: &str, labels: &str, pod: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  selector:\n    \
         matchLabels: {labels}\n  template:\n    metadata:\n      labels: {labels}\n    spec:\n{pod}      \
         containers:\n      - name: app\n        image: app:1\n"
    )
}

fn web() -> String {
    deployment("web", "{app: web}", "")
}

const SERVICE: &str = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n";

fn other(text: &str) -> String {
    format!("---\n{text}\n")
}

fn other_object(kind: &str, name: &str) -> String {
    other(&format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}"))
}

fn ingress(head: &str, spec: &str) -> String {
    other(&format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: i{head}}}\nspec: {{{spec}}}"
    ))
}

const ENTRY: &str = "    entry: {match: {weight: 5}}\n";
const RULE: &str = "rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]";

fn autoscaler(name: &str, target: &str) -> String {
    other(&format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {name}}}\nspec:\n  \
         scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {target}}}\n  maxReplicas: 3\n  metrics:\n  \
         - {{type: Object, object: {{describedObject: {{apiVersion: v1, kind: Service, name: web}}}}}}"
    ))
}
