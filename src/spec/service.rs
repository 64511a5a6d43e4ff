//! Whether the services of a release mean something.

use std::collections::{BTreeMap, HashMap};

use super::check::{Check, each, entries, items};
use super::model::{ContainerImage, EnvVar, ObjectName, PolicyOverride, Service};
use super::{entry, patch, raw, syntax};
use crate::diagnostic::{Diagnostic, Place, nearest};
use crate::kube::names;
use crate::yaml::NodeRef;

/// The workload of a spec that names none.
const DEFAULT_WORKLOAD: &str = "Deployment";

/// The services of a release.
pub(super) fn read_all(
    check: &mut Check,
    raw: &[Option<raw::Service>],
    node: NodeRef<'_>,
) -> Vec<Service> {
    if raw.is_empty() {
        let place = check.value_place(Some(node));
        check.error(
            "`spec.services` is empty",
            &place,
            "name the services that get a new version:\n  - name: spring-a\n    images: {app: registry.example.com/spring-a:0.2.0}",
        );
    }
    let names: Vec<&str> =
        raw.iter().flatten().filter_map(|service| service.name.as_deref()).collect();
    let start = &check.start;
    let read = each(items(raw, Some(node)).collect(), |(raw, node)| {
        let mut check = Check { errors: Vec::new(), start: start.clone() };
        (read(&mut check, raw, node, &names), check.errors)
    });
    let (services, errors): (Vec<Option<Service>>, Vec<Vec<Diagnostic>>) = read.into_iter().unzip();
    check.errors.extend(errors.into_iter().flatten());
    let services: Vec<Service> = services.into_iter().flatten().collect();
    unique(check, &services);
    services
}

fn unique(check: &mut Check, services: &[Service]) {
    let mut names: HashMap<&str, &Place> = HashMap::new();
    let mut workloads: HashMap<&ObjectName, &Service> = HashMap::new();
    for service in services {
        let name = &service.name;
        if let Some(first) = names.insert(name, &service.place) {
            check.clash(
                format!("the service `{name}` is there twice"),
                &service.place,
                first,
                "the first one",
                "merge the two, or rename one",
            );
            continue;
        }
        let workload = &service.workload;
        if let Some(first) = workloads.insert(workload, service) {
            check.clash(
                format!("the workload {workload} is already that of service `{}`", first.name),
                &service.workload_place,
                &first.workload_place,
                "the first one",
                "give each service a workload of its own",
            );
        }
    }
}

fn read(
    check: &mut Check,
    raw: &raw::Service,
    node: NodeRef<'_>,
    names: &[&str],
) -> Option<Service> {
    let name_node = node.get("name");
    let place = check.place(name_node.or(Some(node)));
    if let Some(name) = &raw.name {
        let place = check.value_place(name_node);
        let remedy = "use the name that governance knows, such as `spring-a`";
        check.fits("name of a service", name, syntax::label_value, &place, remedy);
    }
    let workload = workload(check, raw, node);
    let images = images(check, &raw.images, node.get("images"));
    let env = env(check, &raw.env, node.get("env"));
    let by_container = env_by_container(check, raw, node);
    let copy = items(&raw.copy, node.get("copy"))
        .filter_map(|(text, node)| {
            let place = check.value_place(Some(node));
            check.object(text, &place).map(|object| (object, place))
        })
        .collect();
    let policies = entries(&raw.policies, node.get("policies"))
        .filter_map(|(key, policy, node)| {
            let place = check.place(Some(node));
            let (kind, name) = match key.contains('/') {
                true => check.object(key, &place).map(|object| (object.kind, Some(object.name)))?,
                false if check.kind(key, &place) => (key.to_owned(), None),
                false => return None,
            };
            Some(PolicyOverride { kind, name, policy: *policy, place })
        })
        .collect();
    let calls = calls(check, raw, node, names);
    let patches = items(&raw.patches, node.get("patches"))
        .filter_map(|(raw, node)| patch::read(check, raw, node))
        .collect();
    let entry = raw.entry.as_ref().and_then(|raw| entry::read(check, raw, node.get("entry")?));

    Some(Service {
        name: raw.name.clone()?,
        place,
        workload: workload?,
        workload_place: check.place(node.get("workload").or(name_node)),
        images,
        replicas: raw.replicas,
        env,
        env_by_container: by_container,
        rewrite_env: raw.rewrite_env,
        copy,
        policies,
        calls,
        patches,
        entry,
    })
}

fn workload(check: &mut Check, raw: &raw::Service, node: NodeRef<'_>) -> Option<ObjectName> {
    let deployment =
        |name: &str| ObjectName { kind: DEFAULT_WORKLOAD.to_owned(), name: name.to_owned() };
    let place = check.value_place(node.get("workload").or(node.get("name")));
    let Some(text) = &raw.workload else {
        let name = raw.name.as_deref()?;
        // A name that is no label value has been reported.
        if syntax::label_value(name).is_ok()
            && let Err(reason) = names::dns_subdomain(name)
        {
            let message =
                format!("the service `{name}` cannot have a Deployment of its name: {reason}");
            check.error(message, &place, "name its workload: `workload: Deployment/name`");
        }
        return Some(deployment(name));
    };
    if text.contains('/') {
        return check.object(text, &place);
    }
    let remedy = "write `Kind/name`, or the name of a Deployment";
    check
        .fits("name of a workload", text, names::dns_subdomain, &place, remedy)
        .then(|| deployment(text))
}

fn images(
    check: &mut Check,
    raw: &BTreeMap<String, String>,
    node: Option<NodeRef<'_>>,
) -> Vec<ContainerImage> {
    let mut images = Vec::new();
    for (container, image, node) in entries(raw, node) {
        let place = check.place(Some(node));
        is_container(check, container, &place);
        let remedy = "write it as the registry has it, such as `registry.example.com/app:1.2.3`";
        let at = check.value_place(Some(node));
        check.fits("image reference", image, syntax::image, &at, remedy);
        images.push(ContainerImage {
            container: container.to_owned(),
            image: image.clone(),
            place,
        });
    }
    images
}

fn is_container(check: &mut Check, name: &str, place: &Place) {
    let remedy = "use the name of a container of the workload";
    check.fits("name of a container", name, names::dns_label, place, remedy);
}

/// Environment variables.
pub(super) fn env(
    check: &mut Check,
    raw: &BTreeMap<String, String>,
    node: Option<NodeRef<'_>>,
) -> Vec<EnvVar> {
    let mut variables = Vec::new();
    for (name, value, node) in entries(raw, node) {
        let place = check.place(Some(node));
        let remedy = "use a name such as `SPRING_PROFILES_ACTIVE`";
        check.fits("name of an environment variable", name, syntax::env_name, &place, remedy);
        if value.contains('\0') {
            let message = format!("the value of `{name}` has a NUL character in it");
            check.error(message, &place, "remove it");
        }
        variables.push(EnvVar { name: name.to_owned(), value: value.clone(), place });
    }
    variables
}

fn env_by_container(
    check: &mut Check,
    raw: &raw::Service,
    node: NodeRef<'_>,
) -> Vec<(String, Vec<EnvVar>, Place)> {
    let mut containers = Vec::new();
    for (container, variables, node) in entries(&raw.env_by_container, node.get("envByContainer")) {
        let place = check.place(Some(node));
        is_container(check, container, &place);
        containers.push((container.to_owned(), env(check, variables, Some(node)), place));
    }
    containers
}

/// The services it calls: any Service may be called, also one that the release does not name.
fn calls(
    check: &mut Check,
    raw: &raw::Service,
    node: NodeRef<'_>,
    names: &[&str],
) -> Vec<(String, Place)> {
    let mut calls = Vec::new();
    for (name, node) in items(&raw.calls, node.get("calls")) {
        let place = check.value_place(Some(node));
        if !names.contains(&name.as_str()) {
            let remedy = match nearest(name, names.iter().copied()) {
                Some(service) => format!("did you mean `{service}`?"),
                None => "use the name of a service, such as `spring-b`".to_owned(),
            };
            check.fits("name of a service", name, syntax::label_value, &place, &remedy);
        }
        calls.push((name.clone(), place));
    }
    calls
}
