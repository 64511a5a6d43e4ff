//! The Flux Kustomizations that deliver a lane, as a file to start from: one for each directory of
//! manifests, so that traffic is let in after the pods are ready.
//!
//! Source: fluxcd/kustomize-controller docs/spec/v1/kustomizations.md.

use crate::diagnostic::{Diagnostic, Failure};
use crate::kube::names::{check_dns_label, check_label_value, check_subdomain};
use crate::overlay::Directory;
use crate::skeleton::fill;
use crate::yaml::{Path, Value};

/// How Flux is to deliver a lane.
#[derive(Clone, Copy, Debug)]
pub struct FluxDelivery<'a> {
    /// The name of the gray release: the Kustomizations are named after it.
    pub lane: &'a str,
    /// The directory of the overlay, relative to the repository, with `/`.
    pub output: &'a str,
    /// The directories that the overlay has. Flux takes a path that is missing for an error.
    pub directories: &'a [Directory],
    /// The name of the GitRepository from which Flux reads this repository.
    pub git_repository: &'a str,
    /// The namespace of the Kustomizations, in which the GitRepository is too.
    pub namespace: &'a str,
    /// The namespace of all objects of the lane; that of each manifest where there is none.
    pub target_namespace: Option<&'a str>,
}

/// The skeleton of a directory's Kustomization, and its name for messages.
fn skeleton(directory: Directory) -> (&'static str, &'static str) {
    match directory {
        Directory::Workloads => {
            ("templates/flux/workloads.yaml", include_str!("../templates/flux/workloads.yaml"))
        }
        Directory::Entry => {
            ("templates/flux/entry.yaml", include_str!("../templates/flux/entry.yaml"))
        }
    }
}

/// The Kustomizations as one YAML stream: the workloads, which are waited for, then the entry, which
/// depends on them. Both prune.
///
/// # Errors
///
/// A name that Kubernetes would refuse; all of them are reported.
pub fn flux_kustomizations(delivery: &FluxDelivery<'_>) -> Result<String, Failure> {
    check(delivery)?;
    let mut directories = delivery.directories.to_vec();
    directories.sort_unstable();
    directories.dedup();
    let mut stream = Vec::new();
    for directory in &directories {
        let spec = |key| Path::keys(["spec", key]);
        let metadata = |key| Path::keys(["metadata", key]);
        let path = format!("./{}/{}", delivery.output, directory.as_str());
        let source = Path::keys(["spec", "sourceRef", "name"]);
        let mut values = vec![
            (metadata("name"), Value::string(name(delivery.lane, *directory))),
            (metadata("namespace"), Value::string(delivery.namespace)),
            (spec("path"), Value::string(path)),
            (source, Value::string(delivery.git_repository)),
        ];
        if let Some(namespace) = delivery.target_namespace {
            values.push((spec("targetNamespace"), Value::string(namespace)));
        }
        let waits = directories.contains(&Directory::Workloads);
        if *directory == Directory::Entry && waits {
            let workloads = name(delivery.lane, Directory::Workloads);
            values.push((spec("dependsOn").index(0).key("name"), Value::string(workloads)));
        }
        let (file, text) = skeleton(*directory);
        let mut document = fill(file, text, values)?;
        if !waits {
            document
                .remove(&spec("dependsOn"))
                .map_err(|error| Diagnostic::error(format!("the skeleton {file}: {error}")))?;
        }
        stream.push(document.to_text());
    }
    Ok(stream.join("---\n"))
}

/// The name of a Kustomization: `spring-gray-workloads`.
fn name(lane: &str, directory: Directory) -> String {
    format!("{lane}-{}", directory.as_str())
}

fn check(delivery: &FluxDelivery<'_>) -> Result<(), Failure> {
    let mut errors = Vec::new();
    for directory in delivery.directories {
        // Flux puts the name into a label of every object (`kustomize.toolkit.fluxcd.io/name`).
        if let Err(why) = check_label_value(&name(delivery.lane, *directory)) {
            errors.push(
                Diagnostic::error(format!("the Kustomization cannot be named: {why}"))
                    .remedy("give the release a shorter `metadata.name`"),
            );
        }
    }
    let mut refuse = |what: &str, checked: Result<(), String>, remedy: &str| {
        if let Err(why) = checked {
            errors.push(Diagnostic::error(format!("{what}: {why}")).remedy(remedy));
        }
    };
    let of_namespace = "use the name of a namespace, such as `flux-system`";
    refuse("--namespace cannot be used", check_dns_label(delivery.namespace), of_namespace);
    refuse(
        "--git-repository cannot be used",
        check_subdomain(delivery.git_repository),
        "use the name of the GitRepository object; `flux get sources git` lists them",
    );
    if let Some(namespace) = delivery.target_namespace {
        let remedy = "use the name of a namespace, such as `prod`";
        refuse("--target-namespace cannot be used", check_dns_label(namespace), remedy);
    }
    if errors.is_empty() { Ok(()) } else { Err(Failure(errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    const BOTH: [Directory; 2] = [Directory::Entry, Directory::Workloads];

    fn delivery<'a>(directories: &'a [Directory]) -> FluxDelivery<'a> {
        FluxDelivery {
            lane: "spring-gray",
            output: "overlays/gray",
            directories,
            git_repository: "flux-system",
            namespace: "flux-system",
            target_namespace: None,
        }
    }

    fn read(text: &str) -> Vec<serde_json::Value> {
        let stream = parse(Source::new("flux.yaml", text.to_owned())).unwrap();
        stream.documents.iter().map(|document| document.root().to_json()).collect()
    }

    #[test]
    fn the_entry_waits_for_the_workloads() {
        let objects = read(&flux_kustomizations(&delivery(&BOTH)).unwrap());
        let [workloads, entry] = objects.as_slice() else { panic!("{objects:?}") };
        assert_eq!(workloads["metadata"]["name"], "spring-gray-workloads");
        assert_eq!(workloads["spec"]["path"], "./overlays/gray/workloads");
        assert_eq!(
            (&workloads["spec"]["wait"], &workloads["spec"]["prune"]),
            (&true.into(), &true.into())
        );
        assert!(workloads["spec"].get("dependsOn").is_none());
        assert_eq!(entry["metadata"]["name"], "spring-gray-entry");
        assert_eq!(entry["spec"]["path"], "./overlays/gray/entry");
        assert_eq!(
            entry["spec"]["dependsOn"],
            serde_json::json!([{"name": "spring-gray-workloads"}])
        );
        assert_eq!(entry["spec"]["prune"], true);
        assert!(objects.iter().all(|object| object["spec"].get("targetNamespace").is_none()));
    }

    #[test]
    fn a_lane_of_one_directory_has_one_kustomization() {
        let objects = read(&flux_kustomizations(&delivery(&BOTH[..1])).unwrap());
        assert_eq!(objects.len(), 1);
        assert!(objects[0]["spec"].get("dependsOn").is_none());
    }

    #[test]
    fn names_are_values_and_have_to_be_names() {
        let wrong = FluxDelivery {
            lane: &"x".repeat(60),
            git_repository: "a: b",
            namespace: "A",
            target_namespace: Some("a.b"),
            ..delivery(&BOTH)
        };
        let errors = flux_kustomizations(&wrong).unwrap_err().0;
        let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(messages.len(), 5, "{messages:?}");
        let odd = FluxDelivery {
            output: "overlays/a \"b\": #c",
            target_namespace: Some("on"),
            ..delivery(&BOTH)
        };
        let objects = read(&flux_kustomizations(&odd).unwrap());
        assert_eq!(objects[0]["spec"]["path"], "./overlays/a \"b\": #c/workloads");
        assert_eq!(objects[1]["spec"]["targetNamespace"], "on");
    }
}
