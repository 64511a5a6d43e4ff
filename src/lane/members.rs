//! What a StatefulSet's pods call each other: names of pods of copied StatefulSets.

use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

use super::facts::Facts;
use super::ordinals::Ordinals;
use super::own::meant;
use super::select::{Plan, Role};
use crate::kube::object::ObjectRef;
use crate::kube::pod_dns::PodMention;
use crate::kube::scaling::sets_replicas;
use crate::yaml::NodeRef;

/// The API groups that have StatefulSets.
const GROUPS: [&str; 2] = ["apps", "apps.kruise.io"];

/// The copied StatefulSets of a lane, each with the Service that governs it, where that is copied
/// too: without it the gray pods have no names.
#[derive(Debug, Default)]
pub(super) struct Members(HashMap<ObjectRef, Set>);

#[derive(Debug)]
struct Set {
    /// The Service that governs it.
    governing: ObjectRef,
    /// The service of the spec that it belongs to.
    service: String,
    /// The pods of its copy, where they are known before that is made.
    ordinals: Option<Ordinals>,
}

/// A copied StatefulSet, of which a name of a pod is.
pub(super) struct Member<'a> {
    /// The StatefulSet of the baseline.
    pub set: &'a ObjectRef,
    /// The names of its copy, and of that of its Service.
    pub gray: (String, String),
    /// The service of the spec that it belongs to.
    pub service: &'a str,
    /// The pods of its copy, where they are known before that is made.
    pub ordinals: Option<Ordinals>,
}

impl Members {
    /// Those of a plan.
    pub(super) fn of(plan: &Plan<'_>, facts: &Facts) -> Self {
        // Patches of one service may change objects of another.
        let patches = plan.services.iter().flat_map(|service| &service.spec.patches);
        let patched: HashSet<(&str, &str)> =
            patches.map(|patch| (&*patch.target.kind, &*patch.target.name)).collect();
        let copies = plan.copies.par_iter().filter_map(|copy| {
            let object = facts.object(copy.object);
            let id = &object.id;
            if id.kind != "StatefulSet" || !GROUPS.contains(&id.group.as_str()) {
                return None;
            }
            let document = object.document();
            let name = document.root().at(&["spec", "serviceName"]).and_then(NodeRef::text)?;
            let service = ObjectRef::new("", "Service", &id.namespace, name);
            let spec = plan.services[copy.service].spec;
            // What scales it and what patches it may say otherwise.
            let scaler = |at: &usize| {
                let id = &facts.object(*at).id;
                sets_replicas(id) && plan.gray_names.contains_key(id)
            };
            let is_open = copy.role != Role::Workload
                || facts.referrers(id).iter().any(scaler)
                || patched.contains(&(&*id.kind, &*id.name));
            let ordinals = Ordinals::counting(document.root(), spec.replicas.into());
            plan.gray_names.contains_key(&service).then(|| {
                let ordinals = ordinals.filter(|_| !is_open);
                (id.clone(), Set { governing: service, service: spec.name.clone(), ordinals })
            })
        });
        Self(copies.collect::<Vec<_>>().into_iter().collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The copied StatefulSet that has pods of the name that `object` has in its environment, if its
    /// copy's have another.
    pub(super) fn find(
        &self,
        pod: &PodMention<'_>,
        object: &ObjectRef,
        plan: &Plan<'_>,
        facts: &Facts,
    ) -> Option<Member<'_>> {
        let namespace = pod.namespace.unwrap_or(&object.namespace);
        let service = ObjectRef::new("", "Service", namespace, pod.service);
        GROUPS.iter().find_map(|group| {
            let id = match pod.set {
                Some(set) => ObjectRef::new(group, "StatefulSet", namespace, set),
                None => object.clone(),
            };
            let (set, Set { governing, service: of, ordinals }) =
                self.0.get_key_value(meant(facts, &id))?;
            let gray = (plan.gray_names.get(set)?, plan.gray_names.get(governing)?);
            let is_other = *gray.0 != id.name || *gray.1 != service.name;
            (governing == meant(facts, &service) && is_other).then(|| Member {
                set,
                gray: (gray.0.clone(), gray.1.clone()),
                service: of,
                ordinals: *ordinals,
            })
        })
    }
}
