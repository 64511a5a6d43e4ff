//! A first spec from the manifests that are there.

use std::collections::{HashMap, HashSet};

use crate::baseline::Object;
use crate::gateway;
use crate::kube::image::ImageRef;
use crate::kube::kinds::{Policy, kind_of};
use crate::kube::pod_specs::{containers, pod_templates};
use crate::kube::selectors::SelectorRole;
use crate::lane::Facts;
use crate::yaml::{Document, NodeRef, Path, Source, Value, parse};

/// The spec that a draft starts from.
const TEMPLATE: &str = include_str!("../templates/graylane.yaml");

/// A workload that could be a service of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The workload's name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its containers and their images, where those are image references.
    pub images: Vec<(String, String)>,
    /// Whether a gateway that canary routes can be written for leads to it.
    pub entry: bool,
}

/// The workloads of a baseline that are copied by default, in its order.
pub fn candidates(facts: &Facts) -> Vec<Candidate> {
    let baseline = &facts.baseline;
    let mut routes: HashMap<(&str, String), Vec<usize>> = HashMap::new();
    for (position, object) in baseline.objects().iter().enumerate() {
        if !gateway::is_route(&object.id) || !is_served(object) {
            continue;
        }
        let document = object.document();
        for name in gateway::leads_to(&object.id, document.root()) {
            let service = (object.id.namespace.as_str(), name.to_owned());
            routes.entry(service).or_default().push(position);
        }
    }
    // A route has one match: it is the entry of the first service that it leads to.
    let mut taken: HashSet<usize> = HashSet::new();
    let mut found = Vec::new();
    for (position, object) in baseline.objects().iter().enumerate() {
        if kind_of(&object.id.group, &object.id.kind).policy != Policy::Copy {
            continue;
        }
        let document = object.document();
        let Some(template) = pod_templates(document.root()).into_iter().next() else { continue };
        let led_by: HashSet<usize> = facts
            .selecting(position)
            .filter(|selecting| selecting.selector.role == SelectorRole::Service)
            .filter_map(|selecting| {
                let id = &facts.object(selecting.object).id;
                routes.get(&(id.namespace.as_str(), id.name.clone()))
            })
            .flatten()
            .copied()
            .collect();
        let is_entry = !led_by.is_empty() && led_by.is_disjoint(&taken);
        taken.extend(led_by.iter().filter(|_| is_entry));
        let image = |path: &Path| document.find(&path.key("image")).and_then(NodeRef::as_str);
        let images = containers(document.root(), &template)
            .into_iter()
            .filter_map(|container| Some((container.name, image(&container.path)?.to_owned())))
            .filter(|(_, image)| ImageRef::parse(image).is_ok())
            .collect();
        found.push(Candidate {
            name: object.id.name.clone(),
            kind: object.id.kind.clone(),
            images,
            entry: is_entry,
        });
    }
    found
}

fn is_served(route: &Object) -> bool {
    let document = route.document();
    let class = gateway::class_for(&route.id, document.root()).ok();
    class.and_then(gateway::of).is_some() && !gateway::is_canary(document.root())
}

/// The text of a spec with these services; others are told of in comments, with the reason.
pub fn draft(
    tag: &str,
    paths: &[String],
    chosen: &[&Candidate],
    refused: &[(&Candidate, String)],
) -> String {
    let Some(mut document) = template() else { return TEMPLATE.to_owned() };
    let services = chosen.iter().map(|candidate| service(candidate)).collect();
    let paths = paths.iter().map(|path| Value::string(path.as_str())).collect();
    let edits = [
        (Path::keys(["metadata", "name"]), Value::string(tag)),
        (Path::keys(["spec", "tag"]), Value::string(tag)),
        (Path::keys(["spec", "baseline", "paths"]), Value::Sequence(paths)),
        (Path::keys(["spec", "services"]), Value::Sequence(services)),
    ];
    for (path, value) in edits {
        // The paths are those of the template.
        let _ = document.set(&path, value);
    }
    let mut text = document.to_text();
    for (candidate, why) in refused {
        let line: String =
            format!("{}: {why}", candidate.name).chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!("  # left out {line}\n"));
    }
    text
}

fn template() -> Option<Document> {
    parse(Source::new("templates/graylane.yaml", TEMPLATE.to_owned()))
        .ok()?
        .documents
        .into_iter()
        .next()
}

fn service(candidate: &Candidate) -> Value {
    let mut fields = vec![("name".to_owned(), Value::string(candidate.name.as_str()))];
    if candidate.kind != "Deployment" {
        fields.push((
            "workload".to_owned(),
            Value::string(format!("{}/{}", candidate.kind, candidate.name)),
        ));
    }
    if !candidate.images.is_empty() {
        let images = candidate
            .images
            .iter()
            .map(|(container, image)| (container.clone(), Value::string(image.as_str())));
        fields.push(("images".to_owned(), Value::Mapping(images.collect())));
    }
    if candidate.entry {
        let header = Value::string_map([("name", "x-gray"), ("exact", "true")]);
        let headers = Value::Mapping(vec![("headers".to_owned(), Value::Sequence(vec![header]))]);
        fields.push(("entry".to_owned(), Value::Mapping(vec![("match".to_owned(), headers)])));
    }
    Value::Mapping(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_a_spec() {
        let candidate = Candidate {
            name: "web".to_owned(),
            kind: "CloneSet".to_owned(),
            images: vec![("app".to_owned(), "registry.example.com/web:1.0".to_owned())],
            entry: true,
        };
        let text =
            draft("pr-1", &["deploy".to_owned()], &[&candidate], &[(&candidate, "why".to_owned())]);
        let release = crate::spec::parse("graylane.yaml", &text)
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(release.tag.as_str(), "pr-1");
        assert_eq!(release.services[0].workload.to_string(), "CloneSet/web");
        assert!(release.services[0].entry.is_some());
    }
}
