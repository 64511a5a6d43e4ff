//! What gray pods must not share with the baseline's, and what a person should know before they run.

use super::policy::stated;
use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::kinds::kind_of;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{Container, ContainerList, PodTemplate, containers};
use crate::kube::references::{Reference, references};
use crate::lane::facts::Facts;
use crate::spec::{CopyPolicy, Service};
use crate::yaml::{Document, NodeRef, Path, Segment};

/// Words in init containers that change a database before the new version runs.
///
/// Sources: flywaydb.org, liquibase.com, alembic.sqlalchemy.org, prisma.io, docs.djangoproject.com
/// (`manage.py migrate`), guides.rubyonrails.org (`db:migrate`).
const MIGRATIONS: [&str; 4] = ["migrat", "flyway", "liquibase", "alembic"];

/// Words in arguments and environment variables by which replicas elect a leader.
///
/// Source: kubernetes-sigs/controller-runtime (`--leader-elect`), kubernetes/client-go
/// tools/leaderelection.
const ELECTIONS: [&str; 2] = ["leader-elect", "leader_elect"];

/// What is dangerous in the pods of a workload's copy, as errors and as notes.
pub(super) fn hazards(
    object: &Object,
    template: &PodTemplate,
    service: &Service,
    is_copied: impl Fn(&ObjectRef) -> bool,
    facts: &Facts,
    document: &Document,
) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
    let mut hazards = Hazards { object, service, document, errors: Vec::new(), notes: Vec::new() };
    let all = containers(document.root(), template);
    let volumes = document.find(&template.spec.key("volumes"));
    let has_claim = |volume: NodeRef<'_>| volume.get("persistentVolumeClaim").is_some();
    // Most pods mount none, and finding references costs a walk.
    if volumes.into_iter().flat_map(NodeRef::items).any(has_claim) {
        for reference in references(document.root(), &object.id) {
            if reference.target.kind == "PersistentVolumeClaim" && !is_copied(&reference.target) {
                hazards.claim(&reference, facts);
            }
        }
    }
    for container in &all {
        hazards.host_ports(container);
        hazards.words(container);
    }
    hazards.host(template, &all);
    (hazards.errors, hazards.notes)
}

struct Hazards<'a> {
    object: &'a Object,
    service: &'a Service,
    document: &'a Document,
    errors: Vec<Diagnostic>,
    notes: Vec<Diagnostic>,
}

fn at(diagnostic: Diagnostic, node: Option<NodeRef<'_>>) -> Diagnostic {
    diagnostic.at(node.and_then(NodeRef::place))
}

impl Hazards<'_> {
    /// A volume that both lanes would write to.
    fn claim(&mut self, reference: &Reference, facts: &Facts) {
        let target = &reference.target;
        if stated(self.service, target) == Some(CopyPolicy::Share) {
            return;
        }
        let volume = reference.path.split_last().map(|(volume, _)| volume);
        let is_read_only = volume
            .and_then(|volume| self.document.find(&volume.key("readOnly")))
            .and_then(NodeRef::as_bool)
            == Some(true);
        let claim = facts.baseline.get(target).map(Object::document);
        let modes =
            claim.as_ref().and_then(|claim| claim.find(&Path::keys(["spec", "accessModes"])));
        let has_many_readers = modes
            .into_iter()
            .flat_map(NodeRef::items)
            .any(|mode| matches!(mode.text(), Some("ReadOnlyMany" | "ReadWriteMany")));
        if is_read_only && has_many_readers {
            return;
        }
        let error = Diagnostic::error(format!(
            "the pods of `{}` mount {target}: {}",
            self.service.name,
            kind_of(&target.group, &target.kind).hazard_clause()
        ));
        self.errors.push(at(error, self.document.find(&reference.path)).remedy(format!(
            "if both lanes may use it, say so: `policies: {{{}/{}: share}}`; or patch the volume, for instance to `emptyDir: {{}}`",
            target.kind, target.name
        )));
    }

    /// Ports of the node that the baseline's pods have taken.
    fn host_ports(&mut self, container: &Container) {
        let list = container.path.key("ports");
        let ports = self.document.find(&list);
        for (index, port) in ports.into_iter().flat_map(NodeRef::items).enumerate() {
            let Some(number) = port.get("hostPort").and_then(NodeRef::as_int) else { continue };
            let baseline = self.object.document();
            let before = baseline.find(&list).into_iter().flat_map(NodeRef::items);
            let is_taken = before
                .filter_map(|port| port.get("hostPort").and_then(NodeRef::as_int))
                .any(|taken| taken == number);
            if number == 0 || !is_taken {
                continue;
            }
            let error = Diagnostic::error(format!(
                "the container `{}` of {} takes the port {number} of its node, which the baseline's pod has there",
                container.name, self.object.id
            ));
            let inner = port.get("containerPort").and_then(NodeRef::text).unwrap_or("0");
            let path = list.index(index).key("hostPort");
            self.errors.push(at(error, self.document.find(&path)).remedy(format!(
                "remove it by a patch of its {}: `{{containerPort: {inner}, hostPort: null}}`",
                list_path(&list)
            )));
        }
    }

    /// Init containers that migrate, and replicas that elect a leader.
    fn words(&mut self, container: &Container) {
        let Some(node) = self.document.find(&container.path) else { return };
        let lists = ["command", "args"].into_iter().filter_map(|key| node.get(key));
        let mut texts: Vec<&str> =
            lists.flat_map(NodeRef::items).filter_map(NodeRef::text).collect();
        let env = node.get("env").into_iter().flat_map(NodeRef::items);
        let names: Vec<&str> =
            env.filter_map(|variable| variable.get("name").and_then(NodeRef::text)).collect();
        let has = |texts: &[&str], words: &[&str]| {
            texts.iter().any(|text| {
                let text = text.to_ascii_lowercase();
                words.iter().any(|word| text.contains(word))
            })
        };
        let elects = has(&texts, &ELECTIONS) || has(&names, &ELECTIONS);
        texts.push(&container.name);
        texts.extend(node.get("image").and_then(NodeRef::text));
        if container.list == ContainerList::InitContainers && has(&texts, &MIGRATIONS) {
            let note = Diagnostic::warning(format!(
                "the init container `{}` of {} looks like a migration: it would change the database under the baseline's version",
                container.name, self.object.id
            ));
            self.notes.push(
                at(note, Some(node))
                    .remedy("if it must not run in the lane, take it out by a patch"),
            );
        }
        if elects {
            let note = Diagnostic::warning(format!(
                "the container `{}` of {} takes part in a leader election: a gray replica may lead in production",
                container.name, self.object.id
            ));
            self.notes.push(
                at(note, Some(node))
                    .remedy("give the lane an election of its own, by `env` or a patch"),
            );
        }
    }

    /// The node's network and files.
    fn host(&mut self, template: &PodTemplate, all: &[Container]) {
        let Some(spec) = self.document.find(&template.spec) else { return };
        let network = spec.get("hostNetwork");
        if network.and_then(NodeRef::as_bool) == Some(true) {
            let note = Diagnostic::warning(format!(
                "the pods of {} use the network of their node: gray ones need nodes where the baseline's do not run",
                self.object.id
            ));
            self.notes.push(at(note, network));
        }
        for volume in spec.get("volumes").into_iter().flat_map(NodeRef::items) {
            let (Some(path), Some(name)) =
                (volume.at(&["hostPath", "path"]), volume.get("name").and_then(NodeRef::text))
            else {
                continue;
            };
            let is_written = all.iter().any(|container| {
                let mounts = self.document.find(&container.path.key("volumeMounts"));
                mounts.into_iter().flat_map(NodeRef::items).any(|mount| {
                    mount.get("name").and_then(NodeRef::text) == Some(name)
                        && mount.get("readOnly").and_then(NodeRef::as_bool) != Some(true)
                })
            });
            if is_written {
                let note = Diagnostic::warning(format!(
                    "the pods of {} write to `{}` of their node, as the baseline's do",
                    self.object.id,
                    path.text().unwrap_or("")
                ));
                self.notes.push(at(note, Some(path)));
            }
        }
    }
}

/// A path for people: keys and positions, with dots.
fn list_path(path: &Path) -> String {
    let keys = path.segments().iter().filter_map(|segment| match segment {
        Segment::Key(key) => Some(key.as_str()),
        Segment::Index(_) => None,
    });
    format!("`{}`", keys.collect::<Vec<_>>().join("."))
}
