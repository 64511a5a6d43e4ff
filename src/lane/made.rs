//! What rules see of a copy.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Copied, Facts, GrayObject};
use crate::baseline::Object;
use crate::kube::pod_specs::{Container, PodTemplate, containers, pod_templates};
use crate::kube::references::Reference;
use crate::spec::{GrayRelease, Patch, Service};
use crate::yaml::Document;

/// A copy while its nodes are there.
pub struct Made<'a> {
    /// The spec.
    pub release: &'a GrayRelease,
    /// The baseline.
    pub facts: &'a Facts,
    /// The service it belongs to.
    pub service: &'a Service,
    /// The object of the baseline that it is made from.
    pub object: &'a Object,
    /// The copy.
    pub gray: &'a GrayObject,
    /// Its nodes. Those that no rule has changed know their place in the baseline.
    pub document: &'a Document,
    /// Label values of its service's pods that isolation replaced: by key, old to new.
    pub replaced: &'a BTreeMap<String, (String, String)>,
    /// What is copied.
    pub copied: &'a Copied<'a>,
    /// What it names, as it did before names of copies took the place of the baseline's. The paths
    /// are those of its nodes.
    pub references: &'a [Reference],
    /// Its patches that changed nothing.
    pub idle_patches: &'a [&'a Patch],
    /// What is made of its nodes when it is first asked for.
    pub(super) lazily: Lazily,
}

/// What rules ask for again and again.
#[derive(Debug, Default)]
pub(super) struct Lazily {
    baseline: OnceCell<Arc<Document>>,
    templates: OnceCell<Vec<(PodTemplate, Vec<Container>)>>,
}

impl Made<'_> {
    /// The nodes of the object that it is made from.
    pub fn baseline(&self) -> &Document {
        self.lazily.baseline.get_or_init(|| self.object.document())
    }

    /// Its pod templates, each with its containers.
    pub fn templates(&self) -> &[(PodTemplate, Vec<Container>)] {
        self.lazily.templates.get_or_init(|| {
            if self.gray.pods.is_empty() {
                return Vec::new();
            }
            let root = self.document.root();
            let with_containers = |template| {
                let containers = containers(root, &template);
                (template, containers)
            };
            pod_templates(root).into_iter().map(with_containers).collect()
        })
    }
}
