//! Replicas of a workload before its patches, which may say otherwise; images and environment after
//! them.

use std::sync::Arc;

use crate::baseline::{Object, misshapen};
use crate::diagnostic::{Diagnostic, Place, nearest};
use crate::governance::Governance;
use crate::kube::image::ImageRef;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{Container, ContainerList, PodTemplate, containers};
use crate::kube::scaling::has_replicas;
use crate::spec::{EnvVar, GrayRelease, Service};
use crate::yaml::{Document, EditError, NodeRef, Path, Value};

/// Sets what the spec says of a workload's containers.
///
/// # Errors
///
/// Containers that the workload does not have, images that are no image references.
pub(super) fn set(
    object: &Object,
    template: &PodTemplate,
    service: &Service,
    document: &mut Document,
) -> Vec<Diagnostic> {
    let mut setting = Setting { object, errors: Vec::new() };
    let all = containers(document.root(), template);
    setting.images(service, &all, document);
    setting.environment(service, &all, document);
    setting.errors
}

/// What is wrong with a service's images: containers that the workload does not have, images that
/// are no image references.
pub(crate) fn check_images(
    object: &Object,
    template: &PodTemplate,
    service: &Service,
) -> Vec<Diagnostic> {
    let mut setting = Setting { object, errors: Vec::new() };
    let mut copy = Arc::unwrap_or_clone(object.document());
    let all = containers(copy.root(), template);
    setting.images(service, &all, &mut copy);
    setting.errors
}

/// Sets the environment variables that governance asks for in a workload's containers, after what
/// the spec says of them.
///
/// # Errors
///
/// What does not fit the values that are there.
pub(super) fn set_governance(
    object: &Object,
    template: &PodTemplate,
    release: &GrayRelease,
    governance: &dyn Governance,
    document: &mut Document,
) -> Vec<Diagnostic> {
    let mut setting = Setting { object, errors: Vec::new() };
    let all = containers(document.root(), template);
    for container in all.iter().filter(|container| container.list == ContainerList::Containers) {
        let env = document.find(&container.path.key("env"));
        let said = |name: &str| {
            let items = env.into_iter().flat_map(NodeRef::items);
            // Of a variable that stands twice the last one counts.
            let item = items.filter(|item| item.get("name").and_then(NodeRef::text) == Some(name));
            item.last()?.get("value")?.text().map(str::to_owned)
        };
        match governance.variables(release, &said) {
            Ok(variables) => {
                let place = &release.name_place;
                let variable = |(name, value): (&str, String)| EnvVar {
                    name: name.to_owned(),
                    value,
                    place: place.clone(),
                };
                let variables: Vec<EnvVar> = variables.into_iter().map(variable).collect();
                setting.variables(container, &variables, document);
            }
            Err(error) => setting.errors.push(error),
        }
    }
    setting.errors
}

/// Sets the replicas of a workload; a patch may still change them.
pub(super) fn set_replicas(
    object: &Object,
    service: &Service,
    document: &mut Document,
) -> Vec<Diagnostic> {
    let mut setting = Setting { object, errors: Vec::new() };
    let replicas = Path::keys(["spec", "replicas"]);
    if has_replicas(&object.id) || document.find(&replicas).is_some() {
        let value = Value::int(service.replicas.into());
        setting.edit(match document.find(&replicas) {
            Some(_) => document.set(&replicas, value),
            None => document.insert_entry(&Path::keys(["spec"]), 0, "replicas", value),
        });
    }
    setting.errors
}

/// Leaves the replicas of a workload to its autoscaler: whatever applies the overlay would set them
/// back each time.
///
/// Source: kubernetes.io, "HorizontalPodAutoscaler Walkthrough" (migrating to it, by removing
/// `spec.replicas`).
pub(super) fn leave_replicas(object: &Object, document: &mut Document) -> Vec<Diagnostic> {
    let mut setting = Setting { object, errors: Vec::new() };
    let replicas = Path::keys(["spec", "replicas"]);
    if document.find(&replicas).is_some() {
        setting.edit(document.remove(&replicas).map(drop));
    }
    setting.errors
}

/// Tells that the replicas of a workload are left to its autoscaler.
pub(super) fn scaled(service: &Service, workload: &Object, autoscaler: &ObjectRef) -> Diagnostic {
    Diagnostic::note(format!(
        "the copy of {} has no `replicas`: the copy of {autoscaler} sets them",
        workload.id
    ))
    .at(service.place.clone())
}

/// Keeps the copy of a CronJob from running beside the baseline's on every schedule, by the field that
/// suspends its kind; a run of it can still be started by hand (`kubectl create job --from`).
pub(super) fn suspend(
    object: &Object,
    field: &'static str,
    document: &mut Document,
) -> Vec<Diagnostic> {
    let mut setting = Setting { object, errors: Vec::new() };
    let (spec, suspended) = (Path::keys(["spec"]), Value::bool(true));
    setting.edit(document.insert_entry(&spec, 0, field, suspended));
    setting.errors
}

struct Setting<'a> {
    object: &'a Object,
    errors: Vec<Diagnostic>,
}

impl Setting<'_> {
    fn edit(&mut self, result: Result<(), EditError>) {
        if let Err(error) = result {
            self.errors.push(misshapen(&self.object.id, self.object.place(), &error));
        }
    }

    fn images(&mut self, service: &Service, all: &[Container], document: &mut Document) {
        for image in &service.images {
            if let Err(why) = ImageRef::parse(&image.image) {
                self.errors.push(
                    Diagnostic::error(why.to_string()).at(image.place.clone()).remedy(
                        "write it as `registry/repository:tag` or `registry/repository@sha256:…`",
                    ),
                );
                continue;
            }
            match named(all, &image.container) {
                Some(container) => {
                    self.edit(document.set_str(&container.path.key("image"), &image.image))
                }
                None => self.unknown(&image.container, &image.place, all),
            }
        }
    }

    fn environment(&mut self, service: &Service, all: &[Container], document: &mut Document) {
        for container in
            all.iter().filter(|container| container.list != ContainerList::EphemeralContainers)
        {
            self.variables(container, &service.env, document);
        }
        for (name, variables, place) in &service.env_by_container {
            match named(all, name) {
                Some(container) => self.variables(container, variables, document),
                None => self.unknown(name, place, all),
            }
        }
    }

    fn variables(&mut self, container: &Container, variables: &[EnvVar], document: &mut Document) {
        let list = container.path.key("env");
        for variable in variables {
            let all = document.find(&list).into_iter().flat_map(NodeRef::items).enumerate();
            let mut there: Vec<usize> = all
                .filter(|(_, item)| {
                    item.get("name").and_then(NodeRef::text) == Some(&variable.name)
                })
                .map(|(position, _)| position)
                .collect();
            // Of a variable that stands twice the last one counts.
            let last = there.pop();
            for earlier in there.iter().rev() {
                self.edit(document.remove(&list.index(*earlier)).map(|_| ()));
            }
            let result = match last.map(|position| position - there.len()) {
                Some(position) => {
                    let item = list.index(position);
                    // A value replaces the reference it came from.
                    let removed = document.remove(&item.key("valueFrom")).map(|_| ());
                    removed.and_then(|()| {
                        document.set(&item.key("value"), Value::string(variable.value.as_str()))
                    })
                }
                None => {
                    let entry = Value::string_map([
                        ("name", variable.name.as_str()),
                        ("value", variable.value.as_str()),
                    ]);
                    match document.find(&list).filter(|node| !node.is_null()) {
                        Some(_) => document.insert(&list, usize::MAX, entry),
                        None => document.set(&list, Value::Sequence(vec![entry])),
                    }
                }
            };
            self.edit(result);
        }
    }

    fn unknown(&mut self, name: &str, place: &Place, all: &[Container]) {
        let names: Vec<&str> = all.iter().map(|container| container.name.as_str()).collect();
        let remedy = match nearest(name, names.iter().copied()) {
            Some(near) => {
                format!("did you mean `{near}`? Its containers are: {}", names.join(", "))
            }
            None => format!("its containers are: {}", names.join(", ")),
        };
        self.errors.push(
            Diagnostic::error(format!("{} has no container `{name}`", self.object.id))
                .at(place.clone())
                .remedy(remedy),
        );
    }
}

fn named<'a>(all: &'a [Container], name: &str) -> Option<&'a Container> {
    all.iter().find(|container| container.name == name)
}
