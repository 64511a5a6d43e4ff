//! What becomes of an object that belongs to a service: the kind's default, or what the spec says.

use crate::kube::kinds::{Policy, kind_of};
use crate::kube::object::ObjectRef;
use crate::spec::{CopyPolicy, Service};

/// What becomes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The lane gets its own.
    Copy,
    /// The lane uses the baseline's.
    Share,
    /// The lane goes without; why.
    Skip(String),
    /// The spec must say what is wanted; why.
    Refuse(String),
}

/// Decides for one object. What the spec says of an object counts before what it says of a kind,
/// and that before the kind's default.
pub(super) fn decide(service: &Service, id: &ObjectRef) -> Decision {
    decide_over(service, id, service.replicas.into())
}

/// Decides for one object of a service that is known to have so many gray pods.
pub(super) fn decide_over(service: &Service, id: &ObjectRef, pods: u64) -> Decision {
    let row = kind_of(&id.group, &id.kind);
    if let Some(policy) = service.policy(&id.kind, &id.name) {
        return match policy {
            CopyPolicy::Copy => Decision::Copy,
            CopyPolicy::Share => Decision::Share,
            CopyPolicy::Skip => Decision::Skip("the spec says so".to_owned()),
        };
    }
    if id.kind == "PodDisruptionBudget" {
        return match pods {
            // The eviction API lets no node be drained that way.
            0 | 1 => Decision::Skip(
                "a budget over fewer than two gray pods would block every drain".to_owned(),
            ),
            _ => Decision::Copy,
        };
    }
    match row.policy {
        Policy::Copy => Decision::Copy,
        Policy::Share => Decision::Share,
        Policy::Skip => Decision::Skip(row.hazard_clause()),
        Policy::Refuse => Decision::Refuse(row.hazard_clause()),
    }
}
