//! A first spec from the manifests that are there.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::baseline::Object;
use crate::gateway;
use crate::kube::image::ImageRef;
use crate::kube::kinds::{Policy, kind_of};
use crate::kube::object::ObjectRef;
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
    /// The namespace its manifest names; empty where it names none.
    pub namespace: String,
    /// The routes that lead to it, of gateways that canary routes can be written for.
    pub routes: Vec<ObjectRef>,
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
    let mut found = Vec::new();
    for (position, object) in baseline.objects().iter().enumerate() {
        if kind_of(&object.id.group, &object.id.kind).policy != Policy::Copy {
            continue;
        }
        let document = object.document();
        let Some(template) = pod_templates(document.root()).into_iter().next() else { continue };
        let led_by: BTreeSet<usize> = facts
            .selecting(position)
            .filter(|selecting| selecting.selector.role == SelectorRole::Service)
            .filter_map(|selecting| {
                let id = &facts.object(selecting.object).id;
                routes.get(&(id.namespace.as_str(), id.name.clone()))
            })
            .flatten()
            .copied()
            .collect();
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
            namespace: object.id.namespace.clone(),
            routes: led_by.into_iter().map(|route| facts.object(route).id.clone()).collect(),
        });
    }
    found
}

fn is_served(route: &Object) -> bool {
    let document = route.document();
    let class = gateway::class_for(&route.id, document.root()).ok();
    class.is_some() && !gateway::is_canary(document.root())
}

/// The text of a spec with these services; others are told of in comments, with the reason.
pub fn draft(
    tag: &str,
    paths: &[String],
    chosen: &[&Candidate],
    refused: &[(&Candidate, String)],
) -> String {
    let Some(mut document) = template() else { return TEMPLATE.to_owned() };
    // A route has one match: it is the entry of the first service that it leads to.
    let mut taken: HashSet<&ObjectRef> = HashSet::new();
    let services = chosen
        .iter()
        .map(|candidate| {
            let entry = candidate.routes.iter().find(|route| !taken.contains(route));
            taken.extend(entry);
            service(candidate, entry)
        })
        .collect();
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
    let mut comment = |line: String| {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!("  # {line}\n"));
    };
    for candidate in chosen.iter().filter(|candidate| candidate.routes.len() > 1) {
        let routes: Vec<String> =
            candidate.routes.iter().map(|route| format!("{}/{}", route.kind, route.name)).collect();
        let (name, routes) = (&candidate.name, routes.join(", "));
        comment(format!("{name} has several routes: {routes}; an entry has one of them"));
    }
    for (candidate, why) in refused {
        comment(format!("left out {}: {why}", candidate.name));
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

fn service(candidate: &Candidate, entry: Option<&ObjectRef>) -> Value {
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
    if let Some(route) = entry {
        let header = Value::string_map([("name", "x-gray"), ("exact", "true")]);
        let headers = Value::Mapping(vec![("headers".to_owned(), Value::Sequence(vec![header]))]);
        let mut entry = Vec::new();
        if candidate.routes.len() > 1 {
            entry.push(if route.kind == "Ingress" {
                ("ingress".to_owned(), Value::string(route.name.as_str()))
            } else {
                ("route".to_owned(), Value::string(format!("{}/{}", route.kind, route.name)))
            });
        }
        entry.push(("match".to_owned(), headers));
        fields.push(("entry".to_owned(), Value::Mapping(entry)));
    }
    Value::Mapping(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, routes: &[(&str, &str)]) -> Candidate {
        let route = |(kind, name): &(&str, &str)| ObjectRef {
            group: "networking.k8s.io".to_owned(),
            kind: (*kind).to_owned(),
            namespace: String::new(),
            name: (*name).to_owned(),
        };
        Candidate {
            name: name.to_owned(),
            kind: "CloneSet".to_owned(),
            images: vec![("app".to_owned(), "registry.example.com/web:1.0".to_owned())],
            namespace: String::new(),
            routes: routes.iter().map(route).collect(),
        }
    }

    #[test]
    fn a_draft_is_a_spec() {
        let web = candidate("web", &[("Ingress", "web")]);
        let text = draft("pr-1", &["deploy".to_owned()], &[&web], &[(&web, "why".to_owned())]);
        let release = crate::spec::parse("graylane.yaml", &text)
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(release.tag.as_str(), "pr-1");
        assert_eq!(release.services[0].workload.to_string(), "CloneSet/web");
        assert!(release.services[0].entry.is_some());
        assert!(!text.contains("ingress:"), "{text}");
    }

    #[test]
    fn a_route_is_the_entry_of_one_service_and_named_where_there_are_several() {
        let routes = [("Ingress", "a"), ("HTTPRoute", "b")];
        let (web, admin) = (candidate("web", &routes), candidate("admin", &routes));
        let third = candidate("third", &routes[..1]);
        let text = draft("pr-1", &[], &[&web, &admin, &third], &[]);
        let entries: Vec<&str> = text
            .lines()
            .filter(|line| {
                ["ingress:", "route:", "# "].iter().any(|key| line.trim().starts_with(key))
            })
            .map(str::trim)
            .collect();
        assert_eq!(
            entries[entries.len() - 4..],
            [
                "ingress: a",
                "route: HTTPRoute/b",
                "# web has several routes: Ingress/a, HTTPRoute/b; an entry has one of them",
                "# admin has several routes: Ingress/a, HTTPRoute/b; an entry has one of them",
            ],
            "{text}"
        );
        assert_eq!(text.matches("match:").count(), 2, "{text}");
    }
}
