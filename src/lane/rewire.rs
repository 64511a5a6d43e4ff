//! References to copied objects lead to the copies; all others stay.

use std::collections::HashMap;

use super::facts::Facts;
use super::members::{Member, Members};
use super::ordinals::{Ordinals, absent};
use super::own::meant;
use super::select::{Copy, Plan, Role};
use super::targets::Targets;
use super::vault;
use crate::baseline::{Object, misshapen};
use crate::diagnostic::Diagnostic;
use crate::kube::kinds::kind_of;
use crate::kube::object::ObjectRef;
use crate::kube::pod_dns::{pod_mentions, replace_pods};
use crate::kube::pod_specs::{containers, pod_templates};
use crate::kube::policies::is_policy;
use crate::kube::references::{Reference, references};
use crate::kube::scaling::scales;
use crate::kube::service_dns::{Mention, mentions, replace};
use crate::yaml::{Document, EditError, NodeRef, Path, Segment};

/// Rewrites the references of a copy, and reports names of Services and of a StatefulSet's pods in
/// the values of its environment.
pub(super) fn rewire(
    object: &Object,
    copy: &Copy,
    plan: &Plan<'_>,
    facts: &Facts,
    members: &Members,
    targets: &Targets<'_>,
    document: &mut Document,
) -> Rewiring {
    let mut rewiring = Rewiring::default();
    let mut named = references(document.root(), &object.id);
    let others = targets.of_others(&named, document);
    if !others.is_empty() {
        for index in others.into_iter().rev() {
            let result = document.remove(&Path::keys(["spec", "targetRefs"]).index(index));
            rewiring.edit(object, result.map(|_| ()));
        }
        named = references(document.root(), &object.id);
    }
    match vault::synchronise(object, &named, plan, facts, document) {
        Ok(notes) if notes.is_empty() => {}
        Ok(notes) => {
            rewiring.notes.extend(notes);
            named = references(document.root(), &object.id);
        }
        Err(error) => rewiring.edit(object, Err(error)),
    }
    if is_policy(&object.id) {
        rewiring.errors.extend(targets.refused(object, &named, document));
    }
    for reference in &named {
        let target = meant(facts, &reference.target);
        // Which backends of a route lead to copies is the gateway's to say: some stay beside them.
        let is_backend = copy.role == Role::Entry
            && object.id.kind != "Ingress"
            && reference.target.kind == "Service";
        if *target == object.id || is_backend {
            continue;
        }
        // What scales a workload of the baseline a second time takes it away from the first.
        if scales(&object.id)
            && kind_of(&target.group, &target.kind).workload
            && is_target(&reference.path)
            && !plan.gray_names.contains_key(target)
        {
            let error = Diagnostic::error(format!(
                "the copy of {} would drive {}, which has no gray copy",
                object.id, target
            ));
            let error = error.at(object.document().find(&reference.path).and_then(NodeRef::place));
            rewiring.errors.push(error.remedy("copy only what scales a workload of the lane"));
        }
        // What the gray environment has its own of and the lane has not is the baseline's.
        let fallback = (*target != reference.target).then_some(&target.name);
        let name = plan.gray_names.get(target).or(fallback);
        if let Some(name) = name.filter(|name| **name != reference.target.name) {
            let text = document.find(&reference.path).and_then(NodeRef::text).unwrap_or("");
            let text = reference.renamed(text, name);
            rewiring.edit(object, document.set_str(&reference.path, &text));
        }
    }
    rewiring.peers(object, copy, plan, facts, members, document);
    rewiring.environment(object, copy, plan, facts, document);
    rewiring.references = named;
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
    /// What the copy named before.
    pub references: Vec<Reference>,
    /// Names of Services and pods in environment variables, and what else was decided.
    pub notes: Vec<Diagnostic>,
    /// Objects that are not formed as Kubernetes wants them.
    pub errors: Vec<Diagnostic>,
}

impl Rewiring {
    fn edit(&mut self, object: &Object, result: Result<(), EditError>) {
        if let Err(error) = result {
            self.errors.push(misshapen(&object.id, object.place(), &error));
        }
    }

    /// Names of pods of copied StatefulSets in the environment: what looks for its peers by them
    /// joins those of the baseline.
    fn peers(
        &mut self,
        object: &Object,
        copy: &Copy,
        plan: &Plan<'_>,
        facts: &Facts,
        members: &Members,
        document: &mut Document,
    ) {
        if members.is_empty() {
            return;
        }
        let service = plan.services[copy.service].spec;
        self.own_peers_of_arguments(object, plan, facts, members, document);
        for EnvValue { container, variable, path, text } in env_values(document) {
            let mut first: Option<&ObjectRef> = None;
            // Whether the pods of the copy have names there that are the baseline's.
            let mut joins = false;
            let mut pods = Vec::new();
            // What it names of each StatefulSet.
            let mut named: Vec<(Member<'_>, Vec<u64>)> = Vec::new();
            for pod in pod_mentions(&text) {
                if let Some(member) = members.find(&pod, &object.id, plan, facts) {
                    // Its own matter most.
                    let is_own = *member.set == object.id;
                    joins |= is_own && pod.set.is_some();
                    let at = named.iter().position(|(other, _)| other.set == member.set);
                    let ordinal = pod.ordinal;
                    pods.push((pod, member.gray.clone()));
                    first = first.filter(|_| !is_own).or(Some(member.set));
                    match at {
                        Some(at) => named[at].1.extend(ordinal),
                        None => named.push((member, ordinal.into_iter().collect())),
                    }
                }
            }
            let Some(set) = first else { continue };
            let what = format!(
                "the environment variable `{}` of container `{}` of {} names",
                variable.escape_debug(),
                container.escape_debug(),
                object.id
            );
            let there = object.document().find(&path).and_then(NodeRef::place);
            if service.rewrite_env {
                let text = replace_pods(&text, &pods);
                self.edit(object, document.set_str(&path, &text));
                for (Member { set, gray, service, ordinals }, named) in named {
                    let known = match *set == object.id {
                        true => Ordinals::of(document.root()),
                        false => ordinals,
                    };
                    let pair = (set, gray.0.as_str());
                    let told = known.and_then(|known| absent(&what, &named, known, pair, service));
                    self.notes.extend(told.map(|told| told.at(there.clone())));
                }
                continue;
            }
            let what = format!("{what} pods of");
            let told = if *set == object.id {
                let why = match joins {
                    true => "those of the copy would join the baseline's",
                    false => "those of the copy would have names that nothing answers to",
                };
                Diagnostic::warning(format!("{what} its own: {why}"))
            } else {
                Diagnostic::note(format!(
                    "{what} {set}, which has a gray copy: its value stays as it is"
                ))
            };
            self.notes.push(told.at(there).remedy(format!(
                "`rewriteEnv: true` on `{}` makes it name the pods of the copy",
                service.name
            )));
        }
    }

    /// Names of its own pods in the commands of a copied StatefulSet, which stay as they are.
    fn own_peers_of_arguments(
        &mut self,
        object: &Object,
        plan: &Plan<'_>,
        facts: &Facts,
        members: &Members,
        document: &Document,
    ) {
        let mut told: Option<String> = None;
        for (container, path, text) in arguments(document) {
            let joins = pod_mentions(&text).iter().any(|pod| {
                let member = members.find(pod, &object.id, plan, facts);
                pod.set.is_some() && member.is_some_and(|member| *member.set == object.id)
            });
            if joins && told.as_ref() != Some(&container) {
                let warning = Diagnostic::warning(format!(
                    "the command of container `{}` of {} names pods of its own: those of the copy would join the baseline's",
                    container.escape_debug(),
                    object.id
                ));
                let there = object.document().find(&path).and_then(NodeRef::place);
                self.notes.push(warning.at(there).remedy(
                    "give the copy its own command by `patches`, or the names by an environment variable and `rewriteEnv: true`",
                ));
                told = Some(container);
            }
        }
    }

    /// A name of a Service with a namespace, where neither manifest nor spec says which namespace the
    /// lane is in; it stays as it is.
    fn unknown_namespace(&mut self, object: &Object, value: &EnvValue, mention: &Mention) {
        let namespace = mention.namespace.as_deref().unwrap_or_default();
        let warning = Diagnostic::warning(format!(
            "the environment variable `{}` of container `{}` of {} names the Service `{}` in the namespace `{namespace}`; whether that is the one of the lane is not known: its value stays as it is",
            value.variable.escape_debug(),
            value.container.escape_debug(),
            object.id,
            mention.name
        ));
        let there = object.document().find(&value.path).and_then(NodeRef::place);
        self.notes.push(warning.at(there).remedy(format!(
            "write `namespace: {namespace}` into the spec, if that is where the manifests are applied"
        )));
    }

    fn environment(
        &mut self,
        object: &Object,
        copy: &Copy,
        plan: &Plan<'_>,
        facts: &Facts,
        document: &mut Document,
    ) {
        let service = plan.services[copy.service].spec;
        for value in env_values(document) {
            let leads = |name: &str, namespace: Option<&str>| {
                leads_to(&service_ref(name, namespace, &object.id.namespace), plan, facts)
            };
            let is_unknown = |name: &str, namespace: Option<&str>| {
                object.id.namespace.is_empty() && namespace.is_some() && leads(name, None).is_some()
            };
            let is_found = |name: &str, namespace: Option<&str>| {
                leads(name, namespace).is_some() || is_unknown(name, namespace)
            };
            let (unknown, found): (Vec<Mention>, Vec<Mention>) =
                mentions(&value.variable, &value.text, is_found)
                    .into_iter()
                    .partition(|mention| is_unknown(&mention.name, mention.namespace.as_deref()));
            // What is no name of the cluster's DNS may be a domain of the internet.
            if let Some(mention) = unknown.iter().find(|mention| mention.is_svc(&value.text)) {
                self.unknown_namespace(object, &value, mention);
            }
            let EnvValue { container, variable, path, text } = value;
            let mut names: HashMap<&str, String> = HashMap::new();
            for mention in &found {
                if let Some(leads) = leads(&mention.name, mention.namespace.as_deref()) {
                    names.insert(&mention.name, leads.into_name());
                }
            }
            let Some(first) = found.first() else { continue };
            if service.rewrite_env {
                let text = replace(&text, &found, |mention| {
                    names
                        .get(mention.name.as_str())
                        .map_or_else(|| mention.name.clone(), String::clone)
                });
                self.edit(object, document.set_str(&path, &text));
                continue;
            }
            if let Some(Leads::Back(baseline)) = leads(&first.name, first.namespace.as_deref()) {
                let warning = Diagnostic::warning(format!(
                    "the environment variable `{}` of container `{}` of the copy of {} names the Service `{}`, which the lane does not have",
                    variable.escape_debug(),
                    container.escape_debug(),
                    object.id,
                    first.name
                ));
                let there = document.find(&path).and_then(NodeRef::value_place);
                self.notes.push(warning.at(there).remedy(format!(
                    "`rewriteEnv: true` on `{}` makes it name the baseline's `{baseline}`; or make its service one of the lane",
                    service.name
                )));
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

/// Where the name of a Service should lead.
enum Leads {
    /// To its gray copy of this name.
    Gray(String),
    /// Back to the baseline's of this name: it is that of a copy which the lane does not have.
    Back(String),
}

impl Leads {
    fn into_name(self) -> String {
        match self {
            Self::Gray(name) | Self::Back(name) => name,
        }
    }
}

/// Where the name of a Service should lead, if not where it does.
fn leads_to(id: &ObjectRef, plan: &Plan<'_>, facts: &Facts) -> Option<Leads> {
    let target = meant(facts, id);
    match plan.gray_names.get(target) {
        Some(gray) => (*gray != id.name).then(|| Leads::Gray(gray.clone())),
        None => (target != id).then(|| Leads::Back(target.name.clone())),
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

/// The commands of all containers and their arguments, each with its container and where it is, in the
/// order of the document.
fn arguments(document: &Document) -> Vec<(String, Path, String)> {
    let root = document.root();
    let mut found = Vec::new();
    for template in pod_templates(root) {
        for container in containers(root, &template) {
            for list in ["command", "args"].map(|key| container.path.key(key)) {
                let items = document.find(&list).into_iter().flat_map(NodeRef::items).enumerate();
                found.extend(items.filter_map(|(index, item)| {
                    Some((container.name.clone(), list.index(index), item.as_str()?.to_owned()))
                }));
            }
        }
    }
    found
}
