//! What a patch must not leave behind: containers that are none, fields that no copy may have, and
//! labels that no API server takes.

use super::super::select::{PlannedService, Role};
use crate::diagnostic::{Diagnostic, nearest};
use crate::kube::names::{check_label_key, check_label_value};
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{ContainerList, pod_templates};
use crate::kube::strip::not_to_be_added;
use crate::spec::Patch;
use crate::yaml::{Document, NodeRef, Path};

/// Something that an object must not have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fault {
    /// To be read after "the patch gives Deployment/web": "the container `wbe` without an image".
    what: String,
    remedy: String,
}

impl Fault {
    pub(super) fn told(&self, id: &ObjectRef, patch: &Patch) -> Diagnostic {
        Diagnostic::error(format!("the patch gives {id} {}", self.what))
            .at(patch.place.clone())
            .remedy(self.remedy.clone())
    }
}

/// The lists of containers that a manifest has; the third is of running pods.
const LISTS: [ContainerList; 2] = [ContainerList::InitContainers, ContainerList::Containers];

/// Containers that no pod can have. Those that the spec gives an image have one.
///
/// Source: kubernetes/kubernetes pkg/apis/core/validation, validateContainerCommon.
pub(super) fn broken_containers(
    document: &Document,
    service: &PlannedService<'_>,
    role: Role,
) -> Vec<Fault> {
    let mut specs: Vec<Path> =
        pod_templates(document.root()).into_iter().map(|template| template.spec).collect();
    let workload = &service.pods.template.spec;
    if role == Role::Workload && !specs.contains(workload) {
        specs.push(workload.clone());
    }
    let is_given = |name: &str| {
        role == Role::Workload && service.spec.images.iter().any(|image| image.container == name)
    };
    let mut faults = Vec::new();
    for spec in specs {
        let lists: Vec<Vec<NodeRef<'_>>> = LISTS
            .iter()
            .filter_map(|list| Some(document.find(&spec.key(list.as_str()))?.items().collect()))
            .collect();
        let name_of = |item: NodeRef<'_>| text(item, "name").map(str::to_owned);
        let has_image = |item: NodeRef<'_>| {
            text(item, "image").is_some() || text(item, "name").is_some_and(is_given)
        };
        let whole: Vec<String> = lists
            .iter()
            .flatten()
            .filter(|item| has_image(**item))
            .filter_map(|item| name_of(*item))
            .collect();
        for items in &lists {
            for item in items {
                if !item.is_mapping() {
                    faults.push(Fault {
                        what: format!("{} where a container belongs", item.describe()),
                        remedy: "a container is a mapping with `name` and `image`".to_owned(),
                    });
                    continue;
                }
                let name = name_of(*item);
                // Knative lets the only container go without a name.
                if name.is_none() && (items.len() > 1 || !has_image(*item)) {
                    faults.push(Fault {
                        what: "a container without a name".to_owned(),
                        remedy: "give it a `name`".to_owned(),
                    });
                } else if let Some(name) = name.filter(|_| !has_image(*item)) {
                    let near = nearest(&name, whole.iter().map(String::as_str));
                    faults.push(Fault {
                        what: format!("the container `{name}` without an image"),
                        remedy: match near {
                            Some(near) => format!(
                                "did you mean `{near}`? A merge patch adds a container whose name is new"
                            ),
                            None => "give it an `image`, in the patch or in the service's `images`".to_owned(),
                        },
                    });
                }
            }
        }
    }
    faults
}

/// The text of a field that is there and not empty.
fn text<'d>(node: NodeRef<'d>, key: &str) -> Option<&'d str> {
    node.get(key).and_then(NodeRef::text).filter(|text| !text.is_empty())
}

/// Fields that a copy would have been stripped of, and labels and annotations that no API server
/// takes.
pub(super) fn forbidden(id: &ObjectRef, document: &Document) -> Vec<Fault> {
    let root = document.root();
    let stripped = not_to_be_added(root, id).into_iter().map(|field| Fault {
        what: format!("`{}`, which {}", field.path, field.why),
        remedy: "leave it out of the patch".to_owned(),
    });
    let mut faults: Vec<Fault> = stripped.collect();
    let templates = pod_templates(root).into_iter().map(|template| template.path);
    for holder in std::iter::once(Path::root()).chain(templates) {
        for map in ["labels", "annotations"] {
            let path = holder.key("metadata").key(map);
            let entries = document.find(&path).into_iter().flat_map(NodeRef::entries);
            for (key, value) in entries {
                let is_label = map == "labels";
                let wrong = match value.as_str() {
                    None => Some(format!("{} is no string: put it in quotes", value.describe())),
                    // Flux puts something else there before the API server sees it.
                    Some(value) if value.contains("${") => None,
                    Some(value) if is_label => {
                        check_label_key(key).and_then(|()| check_label_value(value)).err()
                    }
                    Some(_) => None,
                };
                faults.extend(wrong.map(|why| Fault {
                    what: format!(
                        "`{}`, which the API server refuses: {why}",
                        path.key(key.to_owned())
                    ),
                    remedy: "mend it in the patch".to_owned(),
                }));
            }
        }
    }
    faults
}
