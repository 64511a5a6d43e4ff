//! What would be left dangling if some manifests of a lane went and the others stayed.

use std::collections::HashSet;

use crate::diagnostic::Place;
use crate::kube::object::{ObjectRef, identity};
use crate::kube::pod_specs::{labels, pod_templates};
use crate::kube::references::{Effect, references};
use crate::kube::selector_index::SelectorIndex;
use crate::kube::selectors::{SelectorRole, selectors};
use crate::yaml::{Document, NodeRef, Path};

/// Something that stays and needs something that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dangling {
    /// What stays.
    pub user: ObjectRef,
    /// What it needs, and would be gone.
    pub needs: ObjectRef,
    /// Where the need is written: the name in `user`, or the selector in `needs`.
    pub place: Place,
}

/// What of `staying` needs what of `going`: objects that name one, and pods that a Service selects.
/// Each pair is told once, in the order of the documents. Documents that are no objects count for
/// nothing; a namespace that is not written is the same unknown one everywhere.
pub fn dangling(staying: &[Document], going: &[Document]) -> Vec<Dangling> {
    let gone: HashSet<ObjectRef> = going.iter().filter_map(id).collect();
    let mut told = HashSet::new();
    let mut found = Vec::new();
    let mut pods = SelectorIndex::new();
    for document in staying {
        let Some(user) = id(document) else { continue };
        for reference in references(document.root(), &user) {
            let needs = reference.target;
            if reference.effect == Effect::Uses
                && gone.contains(&needs)
                && told.insert((user.clone(), needs.clone()))
            {
                let place = place(document, &reference.path);
                found.push(Dangling { user: user.clone(), needs, place });
            }
        }
        for template in pod_templates(document.root()) {
            let of_pod = document.find(&template.labels()).map(labels).unwrap_or_default();
            pods.insert(user.clone(), &user.namespace, of_pod);
        }
    }
    for document in going {
        let Some(service) = id(document) else { continue };
        for held in selectors(document.root()) {
            // A Service without a selector selects nothing.
            if held.role != SelectorRole::Service || held.selector.is_empty() {
                continue;
            }
            for user in pods.matching(&held.selector, &service.namespace) {
                if told.insert((user.clone(), service.clone())) {
                    let place = place(document, &held.path);
                    found.push(Dangling { user: user.clone(), needs: service.clone(), place });
                }
            }
        }
    }
    found
}

fn id(document: &Document) -> Option<ObjectRef> {
    identity(document.root(), "")
}

fn place(document: &Document, path: &Path) -> Place {
    document.find(path).and_then(NodeRef::value_place).unwrap_or_else(|| document.source().place(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn documents(text: &str) -> Vec<Document> {
        parse(Source::new("a.yaml", text.to_owned())).unwrap().documents
    }

    fn told(staying: &str, going: &str) -> Vec<String> {
        let found = dangling(&documents(staying), &documents(going));
        found.iter().map(|one| format!("{} needs {}", one.user, one.needs)).collect()
    }

    const PODS: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: b, namespace: prod}
spec:
  template:
    metadata: {labels: {app: b, lane: gray}}
    spec:
      containers:
        - {name: b, envFrom: [{configMapRef: {name: shared}}, {configMapRef: {name: shared}}]}
";

    #[test]
    fn a_name_in_what_stays_is_told_once_with_its_place() {
        let shared = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared, namespace: prod}\n";
        assert_eq!(told(PODS, shared), ["Deployment/b in prod needs ConfigMap/shared in prod"]);
        let found = dangling(&documents(PODS), &documents(shared));
        assert_eq!((found[0].place.line, found[0].place.column), (9, 53));
        assert!(told(PODS, &shared.replace("prod", "test")).is_empty());
        assert!(told(shared, PODS).is_empty());
    }

    #[test]
    fn pods_that_stay_need_the_services_that_select_them() {
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: prod}\nspec: {selector: {lane: gray}}\n";
        assert_eq!(told(PODS, service), ["Deployment/b in prod needs Service/s in prod"]);
        assert!(told(PODS, &service.replace("gray", "blue")).is_empty());
        assert!(told(PODS, &service.replace("{lane: gray}", "{}")).is_empty());
        assert!(told(PODS, &service.replace("prod", "test")).is_empty());
        let budget = service
            .replace("v1\nkind: Service", "policy/v1\nkind: PodDisruptionBudget")
            .replace("{lane: gray}", "{matchLabels: {lane: gray}}");
        assert!(told(PODS, &budget).is_empty());
    }

    #[test]
    fn what_is_no_object_counts_for_nothing() {
        assert!(told("just text\n", "a: 1\n").is_empty());
    }
}
