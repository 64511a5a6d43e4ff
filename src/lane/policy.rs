//! What becomes of an object that belongs to a service: the kind's default, or what the spec says.

use std::borrow::Cow;

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
    Skip(Cow<'static, str>),
    /// The spec must say what is wanted; why.
    Refuse(&'static str),
}

/// Decides for one object. What the spec says of an object counts before what it says of a kind,
/// and that before the kind's default.
pub(super) fn decide(service: &Service, id: &ObjectRef) -> Decision {
    let row = kind_of(&id.group, &id.kind);
    let stated = |name: Option<&str>| {
        service
            .policies
            .iter()
            .find(|policy| policy.kind == id.kind && policy.name.as_deref() == name)
    };
    if let Some(policy) = stated(Some(&id.name)).or_else(|| stated(None)) {
        return match policy.policy {
            CopyPolicy::Copy => Decision::Copy,
            CopyPolicy::Share => Decision::Share,
            CopyPolicy::Skip => Decision::Skip("the spec says so".into()),
        };
    }
    if id.kind == "PodDisruptionBudget" {
        return match service.replicas {
            // The eviction API lets no node be drained that way.
            0 | 1 => Decision::Skip(
                "a budget over fewer than two gray pods would block every drain".into(),
            ),
            _ => Decision::Copy,
        };
    }
    match row.policy {
        Policy::Copy => Decision::Copy,
        Policy::Share => Decision::Share,
        Policy::Skip => Decision::Skip(row.hazard.into()),
        Policy::Refuse => Decision::Refuse(row.hazard),
    }
}
