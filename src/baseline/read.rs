//! From files to objects. Files that hold no manifests are recognised and left out with a note, or
//! refused where reading them would be wrong.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::files::{Files, FilesError};
use super::orchestration::{Orchestration, read_orchestration};
use super::{Baseline, Object};
use crate::appstack::is_orchestration;
use crate::diagnostic::{Diagnostic, Failure, Place};
use crate::invocation::quoted;
use crate::kube::object::identity;
use crate::kube::pod_specs::{containers, pod_templates};
use crate::yaml::{Document, NodeRef, Source, parse};

/// Files that one thread reads and puts together.
const FILES_TOGETHER: usize = 32;

/// What a file gave.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) objects: Vec<Object>,
    /// What gray copies start from, by position in `objects`.
    pub(super) gray: HashMap<usize, Object>,
    notes: Vec<Diagnostic>,
    pub(super) errors: Vec<Diagnostic>,
    bytes: usize,
    /// Whether the file is a template, which is an error.
    is_template: bool,
}

impl Reading {
    /// What could not be read.
    pub(super) fn failed(errors: Vec<Diagnostic>) -> Self {
        Self { errors, ..Self::default() }
    }

    /// Adds what another file gave.
    fn append(&mut self, other: Self) {
        let above = self.objects.len();
        self.gray.extend(other.gray.into_iter().map(|(at, gray)| (above + at, gray)));
        self.objects.extend(other.objects);
        self.notes.extend(other.notes);
        self.errors.extend(other.errors);
        self.bytes += other.bytes;
    }
}

/// Reads files into a baseline; `namespace` is that of objects that name none.
///
/// Files are read in parallel; the result does not depend on it.
///
/// # Errors
///
/// All files that cannot be read as manifests, each with its place.
pub fn read(files: &dyn Files, paths: &[String], namespace: &str) -> Result<Baseline, Failure> {
    read_and(files, paths, namespace, None, |_| (), |_| ()).map(|(baseline, ())| baseline)
}

/// Reads files as [`read`] does, renders those that are orchestrations of AppStack, and looks at
/// each object as soon as it is read. What was seen, piece by piece in the order of the objects, is
/// joined while these are.
///
/// # Errors
///
/// As [`read`], and orchestrations that cannot be rendered.
pub fn read_and<T: Send, J: Send>(
    files: &dyn Files,
    paths: &[String],
    namespace: &str,
    orchestration: Option<&Orchestration>,
    look: impl Fn(&Object) -> T + Sync,
    join: impl FnOnce(Vec<Vec<T>>) -> J + Send,
) -> Result<(Baseline, J), Failure> {
    let (readings, seen): (Vec<Reading>, Vec<Vec<T>>) = paths
        .par_iter()
        .with_max_len(FILES_TOGETHER)
        .fold(
            || (Reading::default(), Vec::new()),
            |(mut all, mut all_seen), path| {
                let reading = match files.read(path) {
                    Ok(bytes) => read_file(path, bytes, namespace, orchestration),
                    Err(error) => Reading::failed(vec![unreadable(path, &error)]),
                };
                all_seen.extend(reading.objects.iter().map(&look));
                all.append(reading);
                (all, all_seen)
            },
        )
        .unzip();
    let (baseline, joined) = rayon::join(|| baseline_of(readings), || join(seen));
    Ok((baseline?, joined))
}

fn baseline_of(readings: Vec<Reading>) -> Result<Baseline, Failure> {
    let count = readings.iter().map(|reading| reading.objects.len()).sum();
    let mut all = Reading { objects: Vec::with_capacity(count), ..Reading::default() };
    for reading in readings {
        all.append(reading);
    }
    if !all.errors.is_empty() {
        return Err(Failure(all.errors));
    }
    let mut baseline = Baseline::new(all.objects, all.notes);
    baseline.bytes = all.bytes;
    baseline.set_gray(all.gray);
    Ok(baseline)
}

fn unreadable(path: &str, error: &FilesError) -> Diagnostic {
    let why = match error {
        FilesError::Missing => "it does not exist",
        FilesError::Outside(why) | FilesError::Other(why) => why,
    };
    Diagnostic::error(format!("{path} cannot be read: {why}"))
        .at(Place::of_line(path, 1))
        .remedy("mend the file, or leave it out of `baseline.paths`")
}

fn read_file(
    path: &str,
    bytes: Vec<u8>,
    namespace: &str,
    orchestration: Option<&Orchestration>,
) -> Reading {
    let mut reading = Reading { bytes: bytes.len(), ..Reading::default() };
    let file_name = path.rsplit('/').next().unwrap_or(path);
    if let Some((_, what)) = NO_MANIFESTS.iter().find(|(name, _)| *name == file_name) {
        let directory = path.strip_suffix(file_name).map(|above| above.trim_end_matches('/'));
        let directory = directory.filter(|directory| !directory.is_empty()).unwrap_or(".");
        let what = what.replace("DIR", &quoted(directory));
        reading.notes.push(Diagnostic::note(format!("{path} is {what}; it is not read")));
        return reading;
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
                + 1;
            let error = Diagnostic::error(format!("{path}:{line}: the file is not UTF-8 text"))
                .at(Place::of_line(path, line));
            reading
                .errors
                .push(error.remedy("save it as UTF-8, or leave it out of `baseline.paths`"));
            return reading;
        }
    };
    let source = Source::new(path, text);
    let read = match orchestration {
        Some(orchestration) if is_orchestration(source.text()) => {
            read_orchestration(&source, namespace, orchestration)
        }
        Some(orchestration) => match read_source(&source, namespace) {
            // It may have been meant to be an orchestration.
            plain if plain.is_template => read_orchestration(&source, namespace, orchestration),
            plain => plain,
        },
        None => read_source(&source, namespace),
    };
    Reading { bytes: reading.bytes, ..read }
}

/// Reads the documents of a text.
pub(super) fn read_source(source: &Arc<Source>, namespace: &str) -> Reading {
    let mut reading = Reading::default();
    match parse(Arc::clone(source)) {
        Ok(stream) => {
            let is_alone = stream.documents.len() == 1;
            reading.objects.reserve_exact(stream.documents.len());
            let may_be_template = may_have_placeholder(source.text());
            for document in stream.documents {
                add_document(document, is_alone, may_be_template, namespace, &mut reading);
            }
        }
        Err(error) => {
            let template = template_error(source);
            reading.is_template = template.is_some();
            reading.errors.push(template.unwrap_or(error));
        }
    }
    reading
}

/// Files that carry these names hold no manifests, whatever their text. `DIR` is a file's directory.
const NO_MANIFESTS: [(&str, &str); 8] = [
    ("kustomization.yaml", KUSTOMIZATION),
    ("kustomization.yml", KUSTOMIZATION),
    ("Chart.yaml", "a Helm chart's description"),
    ("Chart.lock", "a Helm chart's lock"),
    ("values.yaml", "a Helm chart's values"),
    ("values.schema.json", "a Helm chart's schema"),
    ("skaffold.yaml", "a Skaffold configuration"),
    ("graylane.schema.json", "the schema of graylane's spec"),
];

const KUSTOMIZATION: &str = "a kustomization, which is not built here (`kustomize build DIR | graylane render --baseline -` reads what it gives)";

/// Whether a value of a file can have a placeholder: most files have none, and their nodes need no
/// look. A backslash may hide one (`"\x7b{"`). Asked of the whole file, whose documents and elements
/// need not stand in a text of their own.
fn may_have_placeholder(text: &str) -> bool {
    text.contains("{{") || text.contains('\\')
}

fn add_document(
    document: Document,
    is_alone: bool,
    may_be_template: bool,
    namespace: &str,
    reading: &mut Reading,
) {
    if document.is_empty() {
        return;
    }
    let root = document.root();
    let text = |key: &str| root.get(key).and_then(NodeRef::as_str).unwrap_or("");
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if api_version.is_empty() || kind.is_empty() {
        let note = Diagnostic::note(format!(
            "a document of {} is no Kubernetes object; it is not read",
            document.source().name()
        ));
        reading.notes.push(note.at(root.place()));
        return;
    }
    if api_version.starts_with("graylane.dev/")
        || api_version.starts_with("kustomize.config.k8s.io/")
    {
        return;
    }
    let is_empty_list = |items: NodeRef<'_>| {
        // As Go writes a list of nothing; an object of another kind would have a name.
        items.is_null() && root.at(&["metadata", "name"]).is_none()
    };
    let is_list = |items: NodeRef<'_>| items.is_sequence() || is_empty_list(items);
    if kind.ends_with("List") && root.get("items").is_some_and(is_list) {
        for element in document.elements(&["items"]) {
            add_document(element, false, may_be_template, namespace, reading);
        }
        return;
    }
    if let Some(error) = may_be_template.then(|| placeholder(root)).flatten() {
        reading.is_template = true;
        reading.errors.push(error);
        return;
    }
    match identity(root, namespace) {
        Some(id) => reading.objects.push(Object::new(id, document, is_alone)),
        None if root.at(&["metadata", "generateName"]).is_some() => {
            let note = Diagnostic::note(format!(
                "a {kind} of {} has `generateName` and no name; it is not read",
                document.source().name()
            ));
            reading.notes.push(note.at(root.place()));
        }
        None => {
            let error = Diagnostic::error(format!("this {kind} has no `metadata.name`"));
            let error = error.at(root.place());
            reading
                .errors
                .push(error.remedy("give it a name, or leave the file out of `baseline.paths`"));
        }
    }
}

/// A Go-template placeholder where the API server wants a name: the file is a template, not a manifest.
fn placeholder(root: NodeRef<'_>) -> Option<Diagnostic> {
    let metadata = root.get("metadata")?;
    let fields = ["name", "namespace"].into_iter().filter_map(|key| metadata.get(key));
    let labels = metadata
        .get("labels")
        .into_iter()
        .flat_map(|labels| labels.entries().map(|(_, value)| value));
    let images = images(root).into_iter();
    let node = fields
        .chain(labels)
        .chain(images)
        .find(|node| node.text().is_some_and(|text| text.contains("{{")))?;
    let found = first_placeholder(node.text()?)?;
    let error = template_refused(found);
    Some(error.at(node.value_place()))
}

/// The images of an object's containers.
fn images(root: NodeRef<'_>) -> Vec<NodeRef<'_>> {
    let mut images = Vec::new();
    for template in pod_templates(root) {
        for container in containers(root, &template) {
            let mut steps = container.path.segments().iter();
            let node = steps.try_fold(root, |node, segment| node.step(segment));
            images.extend(node.and_then(|node| node.get("image")));
        }
    }
    images
}

fn first_placeholder(text: &str) -> Option<&str> {
    let start = text.find("{{")?;
    let rest = &text[start..];
    let end = rest.find("}}").map_or(rest.lines().next().unwrap_or("").len(), |at| at + 2);
    Some(&rest[..end])
}

fn template_refused(placeholder: &str) -> Diagnostic {
    let shown = placeholder.lines().next().unwrap_or("").trim();
    let remedy = if placeholder.contains(".AppStack") {
        "say what the AppStack orchestration is rendered with: `appstack: {envName: prod, images: {…}, values: {…}}` in the spec; or leave the file out of `baseline.paths`"
    } else if placeholder.contains(".Values") {
        "render it first (`helm template … | graylane render --baseline -`); for an AppStack orchestration, say what it is rendered with: `appstack: {envName: prod, values: {…}}` in the spec; or leave the file out of `baseline.paths`"
    } else {
        "render it first (`helm template … | graylane render --baseline -`), or leave the file out of `baseline.paths`"
    };
    Diagnostic::error(format!("a template, not a manifest: `{shown}` is a Go-template placeholder"))
        .remedy(remedy)
}

/// What is wrong with a file that does not parse because it is a template.
fn template_error(source: &Source) -> Option<Diagnostic> {
    let text = source.text();
    let is_in_comment = |at: usize| {
        let line = &text[text[..at].rfind('\n').map_or(0, |newline| newline + 1)..at];
        line.trim_start().starts_with('#')
    };
    let (at, _) = text.match_indices("{{").find(|(at, _)| !is_in_comment(*at))?;
    Some(template_refused(first_placeholder(&text[at..])?).at(source.place(at)))
}

#[cfg(test)]
mod tests {
    use super::super::files::Memory;
    use super::*;

    fn reading(files: &[(&str, &str)]) -> Result<Baseline, Failure> {
        let memory = Memory(
            files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
                .collect(),
        );
        let paths: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        read(&memory, &paths, "prod")
    }

    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n";

    #[test]
    fn objects_lists_and_what_is_none() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n";
        let baseline = reading(&[
            ("a.yaml", SERVICE),
            ("kustomization.yaml", "resources: [a.yaml]\n"),
            ("list.yaml", list),
            ("values.yaml", "x: 1\n"),
            ("other.yaml", "x: 1\n---\n# nothing\n"),
        ])
        .unwrap();
        let ids: Vec<String> =
            baseline.objects().iter().map(|object| object.id.to_string()).collect();
        assert_eq!(ids, ["Service/a in prod", "Secret/s in prod"]);
        assert_eq!(baseline.notes.len(), 3);
    }

    #[test]
    fn lists_of_nothing_are_read() {
        for items in ["null", "[]", ""] {
            for metadata in ["", "metadata: {resourceVersion: \"\"}\n"] {
                let list = format!("apiVersion: v1\nkind: List\n{metadata}items: {items}\n");
                let baseline = reading(&[("a.yaml", SERVICE), ("list.yaml", &list)]).unwrap();
                assert_eq!((baseline.objects().len(), baseline.notes.len()), (1, 0), "{list}");
            }
        }
        let named =
            "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nitems: null\n";
        assert_eq!(reading(&[("a.yaml", named)]).unwrap().objects().len(), 1);
    }

    #[test]
    fn templates_are_refused_by_their_placeholder() {
        let error = reading(&[("t.yaml", "a: 1\nimage: {{ .Values.image }}\n")]).unwrap_err();
        assert!(error.to_string().contains("`{{ .Values.image }}`"), "{error}");
        assert_eq!(error.0[0].place.as_ref().map(|place| place.line), Some(2));
        let quoted = SERVICE.replace("name: a", "name: \"{{ .Release.Name }}-a\"");
        assert!(reading(&[("t.yaml", &quoted)]).unwrap_err().to_string().contains(".Release.Name"));
        let image = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: \"{{ .Values.image }}\"}]}}}\n";
        assert!(reading(&[("t.yaml", image)]).unwrap_err().to_string().contains(".Values.image"));
        let hidden = SERVICE.replace("name: a", r#"name: "\x7b{ .Release.Name }}""#);
        assert!(reading(&[("t.yaml", &hidden)]).unwrap_err().to_string().contains(".Release.Name"));
        let list = "x: &x {a: 1}\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: \"{{ .Values.name }}\"}\n  data: *x\n";
        assert!(reading(&[("t.yaml", list)]).unwrap_err().to_string().contains(".Values.name"));
        // Templates of other tools inside of values are no business of this one.
        let data =
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {t: \"{{ .Labels }}\"}\n";
        assert_eq!(reading(&[("c.yaml", data)]).unwrap().objects().len(), 1);
    }

    #[test]
    fn time_is_linear_in_the_documents_of_a_file() {
        let document = |number| {
            format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: a{number}}}\nspec: {{selector: {{app: web, tier: front}}}}\n---\n"
            )
        };
        let stream: String = (0..12_000).map(document).collect();
        let started = std::time::Instant::now();
        assert_eq!(reading(&[("a.yaml", &stream)]).unwrap().objects().len(), 12_000);
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    #[test]
    fn all_bad_files_are_told_at_once() {
        let error = reading(&[
            ("a.yaml", "a: [\n"),
            ("b.yaml", "a: 1\na: 2\n"),
            ("c.yaml", "apiVersion: v1\nkind: X\n"),
        ]);
        assert_eq!(error.unwrap_err().0.len(), 3);
    }

    #[test]
    fn objects_that_stand_twice_are_known() {
        let baseline = reading(&[("a.yaml", SERVICE), ("b.yaml", SERVICE)]).unwrap();
        let id = &baseline.objects()[0].id;
        assert_eq!(baseline.duplicate(id).map(|object| object.file.as_ref()), Some("b.yaml"));
    }
}
