//! Canary routes of one baseline route: made, read and checked against the CRDs.

use std::sync::LazyLock;

use super::crds::Crds;
use graylane::baseline::files::{Files, Memory};
use graylane::baseline::read;
use graylane::diagnostic::Diagnostic;
use graylane::pipeline;
use graylane::yaml::{Document, Path, Source, parse};

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: 'app:1'}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
";

/// Loaded once: they are large.
static CRDS: LazyLock<Option<Crds>> = LazyLock::new(Crds::load);

/// A canary route and what was noted, or what was refused.
pub(crate) struct Made {
    route: Document,
    pub(crate) text: String,
    pub(crate) notes: String,
}

pub(crate) fn made(route: &str, class: &str, entry: &str) -> Result<Made, String> {
    let shown = |list: &[Diagnostic]| list.iter().map(Diagnostic::to_string).collect::<String>();
    let manifests = format!("{WEB}{route}");
    let files = Memory([("all.yaml".to_owned(), manifests.into_bytes())].into());
    let paths = files.list("", &|_| true).unwrap();
    let spec = format!(
        "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: t}}\nspec:\n  tag: gray\n{class}  \
         services:\n  - name: web\n    entry: {entry}\n"
    );
    let spec = pipeline::spec_of("graylane.yaml", &spec).map_err(|error| shown(&error.0))?;
    let baseline = read::read(&files, &paths, "").map_err(|error| shown(&error.0))?;
    let facts = graylane::lane::Facts::gather(&baseline.into());
    let release = pipeline::release(spec, &facts).map_err(|error| shown(&error.0))?;
    let kinds = ["HTTPRoute", "ApisixRoute"];
    let object =
        release.lane.objects.iter().find(|object| kinds.contains(&object.id.kind.as_str()));
    let object = object.ok_or("no route was made")?;
    if let Some(crds) = &*CRDS {
        let (wrong, count) = crds.check(&object.text);
        assert!(count == 1 && wrong.is_empty(), "{}\n{}", wrong.join("\n"), object.text);
    }
    let stream = parse(Source::new("made.yaml", object.text.clone())).unwrap();
    let route = stream.documents.into_iter().next().unwrap();
    Ok(Made { route, text: object.text.clone(), notes: shown(&release.lane.notes) })
}

#[track_caller]
pub(crate) fn canary(route: &str, matches: &str) -> Made {
    made(route, "", &format!("{{match: {{{matches}}}}}"))
        .unwrap_or_else(|errors| panic!("{matches}: {errors}"))
}

#[track_caller]
pub(crate) fn refused(route: &str, matches: &str, expected: &str) {
    match made(route, "", &format!("{{match: {{{matches}}}}}")) {
        Ok(made) => panic!("accepted {matches}:\n{}", made.text),
        Err(errors) => assert!(errors.contains(expected), "{matches}: {errors}"),
    }
}

impl Made {
    /// What is at a JSON pointer, as JSON.
    pub(crate) fn at(&self, pointer: &str) -> String {
        let path = Path::from_json_pointer(pointer).unwrap();
        self.route.find(&path).map_or("nothing".to_owned(), |node| sorted(&node.to_json()))
    }
}

/// JSON with its keys in order: what an API server would not tell apart is one text.
fn sorted(json: &serde_json::Value) -> String {
    use serde_json::Value;
    match json {
        Value::Object(fields) => {
            let fields: std::collections::BTreeMap<_, _> = fields.iter().collect();
            let fields = fields.iter().map(|(key, value)| format!("{key:?}:{}", sorted(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(","))
        }
        scalar => scalar.to_string(),
    }
}

pub(crate) const HEADER: &str = "headers: [{name: x-user-id, exact: '100'}]";
