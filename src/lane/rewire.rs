//! Step 6: references to copied objects lead to the copies; all others stay.

use std::collections::HashMap;

use super::belongings::scales;
use super::select::{Copy, Plan};
use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::kinds::kind_of;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{containers, pod_templates};
use crate::kube::references::references;
use crate::kube::service_dns::{mentions, replace};
use crate::yaml::{Document, EditError, NodeRef, Path, Segment};

/// Rewrites the references of a copy, and reports Service names in the values of its environment.
pub(super) fn rewire(
    object: &Object,
    copy: &Copy,
    plan: &Plan<'_>,
    document: &mut Document,
) -> Rewiring {
    let mut rewiring = Rewiring::default();
    for reference in references(document.root(), &object.id) {
        if reference.target == object.id {
            continue;
        }
        // What scales a workload of the baseline a second time takes it away from the first.
        if scales(&object.id)
            && kind_of(&reference.target.group, &reference.target.kind).workload
            && is_target(&reference.path)
            && !plan.gray_names.contains_key(&reference.target)
        {
            let error = Diagnostic::error(format!(
                "the copy of {} would drive {}, which has no gray copy",
                object.id, reference.target
            ));
            let error = error.at(object.document().find(&reference.path).and_then(NodeRef::place));
            rewiring.errors.push(error.remedy("copy only what scales a workload of the lane"));
        }
        if let Some(name) = plan.gray_names.get(&reference.target) {
            let text = document.find(&reference.path).and_then(NodeRef::text).unwrap_or("");
            let text = reference.renamed(text, name);
            rewiring.edit(object, document.set_str(&reference.path, &text));
        }
    }
    rewiring.environment(object, copy, plan, document);
    rewiring
}

/// Whether a reference is what an object scales, not what it measures.
fn is_target(path: &Path) -> bool {
    let is_target_key = |segment: &Segment| matches!(segment, Segment::Key(key) if key == "scaleTargetRef" || key == "targetRef");
    path.segments().get(1).is_some_and(is_target_key)
}

/// What rewiring found.
#[derive(Debug, Default)]
pub(super) struct Rewiring {
    /// Service names in environment variables.
    pub notes: Vec<Diagnostic>,
    /// Objects that are not formed as Kubernetes wants them.
    pub errors: Vec<Diagnostic>,
}

impl Rewiring {
    fn edit(&mut self, object: &Object, result: Result<(), EditError>) {
        if let Err(error) = result {
            self.errors.push(Diagnostic::error(format!(
                "{} is not formed as Kubernetes wants it: {error}",
                object.id
            )));
        }
    }

    fn environment(
        &mut self,
        object: &Object,
        copy: &Copy,
        plan: &Plan<'_>,
        document: &mut Document,
    ) {
        let service = plan.services[copy.service].spec;
        for EnvValue { container, variable, path, text } in env_values(document) {
            let found = mentions(&text, |name, namespace| {
                plan.gray_names.contains_key(&service_ref(name, namespace, &object.id.namespace))
            });
            let mut names: HashMap<&str, &str> = HashMap::new();
            for mention in &found {
                let id =
                    service_ref(&mention.name, mention.namespace.as_deref(), &object.id.namespace);
                if let Some(gray) = plan.gray_names.get(&id) {
                    names.insert(&mention.name, gray);
                }
            }
            let Some(first) = found.first() else { continue };
            if service.rewrite_env {
                let text = replace(&text, &found, |mention| {
                    names
                        .get(mention.name.as_str())
                        .map_or_else(|| mention.name.clone(), |gray| (*gray).to_owned())
                });
                self.edit(object, document.set_str(&path, &text));
                continue;
            }
            let note = Diagnostic::note(format!(
                "the environment variable `{}` of container `{}` of {} names the Service `{}`, which has a gray copy: its value stays as it is",
                variable.escape_debug(),
                container.escape_debug(),
                object.id,
                first.name
            ));
            let note = note.at(object.document().find(&path).and_then(NodeRef::place));
            self.notes.push(note.remedy(format!(
                "governance decides where the call goes; `rewriteEnv: true` on `{}` makes it always go to the copy",
                service.name
            )));
        }
    }
}

fn service_ref(name: &str, namespace: Option<&str>, own: &str) -> ObjectRef {
    ObjectRef {
        group: String::new(),
        kind: "Service".to_owned(),
        namespace: namespace.unwrap_or(own).to_owned(),
        name: name.to_owned(),
    }
}

/// The literal value of an environment variable.
struct EnvValue {
    /// The name of its container; empty where it has none.
    container: String,
    /// The name of the variable; empty where it has none.
    variable: String,
    /// Where the value is.
    path: Path,
    /// The value.
    text: String,
}

/// The literal values of all environment variables, in the order of the document.
fn env_values(document: &Document) -> Vec<EnvValue> {
    let root = document.root();
    let mut values = Vec::new();
    for template in pod_templates(root) {
        for container in containers(root, &template) {
            let list = container.path.key("env");
            for (index, variable) in
                document.find(&list).into_iter().flat_map(NodeRef::items).enumerate()
            {
                if let Some(text) = variable.get("value").and_then(NodeRef::as_str) {
                    let name = variable.get("name").and_then(NodeRef::text);
                    values.push(EnvValue {
                        container: container.name.clone(),
                        variable: name.unwrap_or_default().to_owned(),
                        path: list.index(index).key("value"),
                        text: text.to_owned(),
                    });
                }
            }
        }
    }
    values
}
