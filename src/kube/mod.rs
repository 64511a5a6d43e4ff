//! What graylane knows about Kubernetes, as tables with the source of every row.
//!
//! Nothing here knows of lanes or gateways: the tables say what a kind is, where an object names
//! others, which pods its selectors take, and which fields a copy must not carry.

pub mod budgets;
pub mod calico;
mod fields;
pub mod image;
pub mod immutable;
pub mod kinds;
pub mod merge_keys;
pub mod mse;
pub mod names;
pub mod object;
pub mod pod_dns;
pub mod pod_specs;
pub mod policies;
pub mod references;
pub mod scaling;
pub mod schedules;
pub mod sealed;
pub mod selector;
pub mod selector_index;
pub mod selectors;
pub mod service_dns;
pub mod strip;
mod variable_names;

pub use fields::Referrer;
pub use kinds::{Kind, Policy, Scope, Wave, kind_of};
pub use object::{GroupKind, ObjectRef, group_of, identity};
