//! From a spec and a baseline to the objects of a lane. One file per step, in the order of
//! [`build`].

mod belongings;
mod copy;
mod entry;
mod facts;
mod hazards;
mod isolation;
mod labels;
mod patch;
mod policy;
mod relabel;
mod rename;
mod rewire;
mod select;
mod set;
mod unite;
mod waves;

use std::collections::HashMap;

use rayon::prelude::*;

use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Failure};
use crate::gateway::{self, CanaryRoute, Gateway};
use crate::governance;
use crate::kube::kinds::{Wave, kind_of};
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{self, PodTemplate, pod_templates};
use crate::kube::selectors::{SelectorUse, selectors};
use crate::spec::{GatewayClass, GrayRelease, Strategy};
use crate::yaml::{Document, NodeRef, Source, parse};

pub use facts::{Facts, Labels, selected};
pub use isolation::{counts_pods, required_values};
pub use labels::{ORIGINAL, VERSION, near_version};
use patch::Patches;
use select::{Copy, Plan, Role, select};

/// An object of a lane.
#[derive(Clone, Debug)]
pub struct GrayObject {
    /// Who it is.
    pub id: ObjectRef,
    /// The baseline object it is a copy of.
    pub origin: ObjectRef,
    /// The file that one stands in.
    pub file: std::sync::Arc<str>,
    /// The service it belongs to.
    pub service: String,
    /// When it is applied.
    pub wave: Wave,
    /// Its manifest.
    pub text: String,
    /// The labels of its pods, where it has any: of each pod template.
    pub pods: Vec<Labels>,
    /// Its selectors that count pods.
    pub selectors: Vec<SelectorUse>,
}

impl GrayObject {
    fn new(identity: Identity, wave: Wave, document: &Document) -> Self {
        let root = document.root();
        let of = |template: PodTemplate| document.find(&template.labels()).map(pod_specs::labels);
        let counting = |selector: &SelectorUse| counts_pods(selector.role);
        // It is kept, and there are many: no more memory than it is long.
        let mut text = document.to_text();
        text.shrink_to_fit();
        Self {
            id: identity.id,
            origin: identity.origin,
            file: identity.file,
            service: identity.service,
            wave,
            text,
            pods: pod_templates(root)
                .into_iter()
                .map(|template| of(template).unwrap_or_default())
                .collect(),
            selectors: selectors(root).into_iter().filter(counting).collect(),
        }
    }

    /// The manifest to read or edit. The nodes are not kept: a lane can have many objects.
    pub fn document(&self) -> Option<Document> {
        let stream = parse(Source::new(self.id.to_string(), self.text.clone())).ok()?;
        stream.documents.into_iter().next()
    }
}

/// Who an object of a lane is and where it comes from.
struct Identity {
    id: ObjectRef,
    origin: ObjectRef,
    file: std::sync::Arc<str>,
    service: String,
}

/// One object with the notes on it, or its errors.
type Built = Result<(GrayObject, Vec<Diagnostic>), Vec<Diagnostic>>;

/// The objects of a lane.
#[derive(Debug, Default)]
pub struct Lane {
    /// In the order they are applied: by wave, kind and name.
    pub objects: Vec<GrayObject>,
    /// What was left out and what was decided.
    pub notes: Vec<Diagnostic>,
}

/// Builds the lane of a spec.
///
/// # Errors
///
/// Everything that is wrong with the spec in the light of this baseline; whether the lane is sound
/// is for [`crate::check`].
pub fn build(release: &GrayRelease, facts: &Facts) -> Result<Lane, Failure> {
    let governance = governance_of(release)?;
    let plan = select(release, facts, governance).map_err(Failure)?;
    let patches = Patches::assign(&plan, facts).map_err(Failure)?;
    let builder = Builder { release, facts, plan: &plan, patches: &patches };
    let built: Vec<Built> = plan.copies.par_iter().map(|copy| builder.object(copy)).collect();
    let mut lane = Lane::default();
    let mut errors = Vec::new();
    let mut rewire_notes = Vec::new();
    for result in built {
        match result {
            Ok((object, notes)) => {
                lane.objects.push(object);
                rewire_notes.extend(notes);
            }
            Err(list) => errors.extend(list),
        }
    }
    if !errors.is_empty() {
        errors.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        errors.dedup();
        return Err(Failure(errors));
    }
    lane.objects.par_sort_by(|a, b| (a.wave, &a.id.kind, &a.id).cmp(&(b.wave, &b.id.kind, &b.id)));
    lane.notes = plan.notes;
    lane.notes.extend(rewire_notes);
    Ok(lane)
}

fn governance_of(release: &GrayRelease) -> Result<&'static dyn governance::Governance, Failure> {
    let mut errors = Vec::new();
    let mut refuse = |message: String, remedy: String| {
        errors.push(Diagnostic::error(message).at(release.name_place.clone()).remedy(remedy));
    };
    if release.strategy != Strategy::Copy {
        refuse(
            format!("`strategy: {}` is not available in this version", release.strategy),
            "use `strategy: copy`".to_owned(),
        );
    }
    let governance = governance::of(release.provider);
    if governance.is_none() {
        refuse(
            format!(
                "the governance provider `{}` is not available in this version",
                release.provider
            ),
            format!("available: {}", governance::served().join(", ")),
        );
    }
    match governance {
        Some(governance) if errors.is_empty() => Ok(governance),
        _ => Err(Failure(errors)),
    }
}

struct Builder<'a> {
    release: &'a GrayRelease,
    facts: &'a Facts,
    plan: &'a Plan<'a>,
    patches: &'a Patches<'a>,
}

impl Builder<'_> {
    fn object(&self, copy: &Copy) -> Built {
        let object = self.facts.object(copy.object);
        let service = &self.plan.services[copy.service];
        let name = &self.plan.gray_names[&object.id];
        let mut document = copy::copy(object);
        let mut errors = Vec::new();
        if copy.role == Role::Workload {
            errors.extend(set::set_replicas(object, service.spec, &mut document));
        }
        errors.extend(self.patches.apply(copy, object, service, &mut document));
        let mut notes = Vec::new();
        if copy.role == Role::Workload {
            let template = &service.pods.template;
            errors.extend(set::set(object, template, service.spec, &mut document));
            let is_copied = |id: &ObjectRef| self.plan.gray_names.contains_key(id);
            let (refused, told) =
                hazards::hazards(object, template, service.spec, is_copied, self.facts, &document);
            errors.extend(refused);
            notes.extend(told);
        }
        if (object.id.group.as_str(), object.id.kind.as_str()) == ("batch", "CronJob") {
            errors.extend(set::suspend(object, &mut document));
        }
        if copy.role == Role::Entry {
            document = self.canary(object, service.spec, &document)?;
        }
        errors.extend(rename::rename(
            object,
            name,
            self.release.namespace.as_deref(),
            &mut document,
        ));
        let rewiring = rewire::rewire(object, copy, self.plan, &mut document);
        errors.extend(rewiring.errors);
        errors.extend(relabel::relabel(object, service, copy, &mut document));
        let wave = if copy.role == Role::Entry {
            Wave::Entry
        } else {
            kind_of(&object.id.group, &object.id.kind).wave
        };
        if let Err(error) = waves::order(self.release.delivery, wave, &mut document) {
            errors.push(Diagnostic::error(format!(
                "{} is not formed as Kubernetes wants it: {error}",
                object.id
            )));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let namespace = self.release.namespace.as_ref().unwrap_or(&object.id.namespace);
        let identity = Identity {
            // One of the cluster has no namespace.
            id: ObjectRef::new(&object.id.group, &object.id.kind, namespace, name),
            origin: object.id.clone(),
            file: std::sync::Arc::clone(&object.file),
            service: service.spec.name.clone(),
        };
        notes.extend(rewiring.notes);
        Ok((GrayObject::new(identity, wave, &document), notes))
    }

    fn canary(
        &self,
        object: &Object,
        service: &crate::spec::Service,
        document: &Document,
    ) -> Result<Document, Vec<Diagnostic>> {
        let Some(entry) = &service.entry else { return Ok(document.clone()) };
        let gateway = self.gateway(object).map_err(|error| vec![error.at(entry.place.clone())])?;
        let by_default = document.at(&["spec", "defaultBackend", "service", "name"]);
        let services: HashMap<&str, &str> = gateway::backends(document.root())
            .into_iter()
            .chain(by_default.and_then(NodeRef::as_str))
            .filter_map(|name| {
                let id = ObjectRef {
                    group: String::new(),
                    kind: "Service".to_owned(),
                    namespace: object.id.namespace.clone(),
                    name: name.to_owned(),
                };
                self.plan.gray_names.get(&id).map(|gray| (name, gray.as_str()))
            })
            .collect();
        gateway.canary(&CanaryRoute {
            baseline: document,
            route: &entry.route,
            tag: self.release.tag.as_str(),
            tag_header: &self.release.tag_header,
            services: &services,
        })
    }

    /// The gateway of the spec, or of the Ingress's class.
    fn gateway(&self, ingress: &Object) -> Result<&'static dyn Gateway, Diagnostic> {
        let class = match self.release.gateway_class {
            Some(class) => class,
            None => {
                let found = gateway::class_of(ingress.root());
                let class = GatewayClass::ALL.iter().find(|class| found == Some(class.as_str()));
                *class.ok_or_else(|| {
                    let what = match found {
                        Some(found) => format!(
                            "the class `{found}` of {} is not one graylane knows",
                            ingress.id
                        ),
                        None => format!("{} names no Ingress class", ingress.id),
                    };
                    Diagnostic::error(what).remedy(format!(
                        "say which gateway serves it: `gateway: {{class: {}}}`",
                        GatewayClass::Mse
                    ))
                })?
            }
        };
        gateway::of(class).ok_or_else(|| {
            Diagnostic::error(format!(
                "the gateway class `{class}` is not available in this version"
            ))
            .remedy(format!("available: {}", gateway::served().join(", ")))
        })
    }
}
