//! Whose a route is, where two want the same.

use std::sync::Arc;

use crate::kube::object::ObjectRef;

/// Whose a route is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// That of a lane, by the lane's name.
    Lane(Arc<str>),
    /// What the lane itself left under an earlier tag.
    Left {
        /// The tag.
        tag: Arc<str>,
        /// The command that takes its overlay away.
        cleanup: Arc<str>,
        /// The branch that it is on, where that is not the one that is checked out.
        branch: Option<Arc<str>>,
    },
    /// A canary of the baseline that was made by hand.
    Canary(ObjectRef),
    /// A canary that a controller clones from an Ingress of the baseline.
    Cloned {
        /// The canary.
        id: ObjectRef,
        /// The object that asks for it.
        by: ObjectRef,
        /// By which field.
        field: &'static str,
    },
    /// Another route of the baseline.
    Baseline(ObjectRef),
}

impl Owner {
    /// Who it is, in a sentence.
    pub fn shown(&self) -> String {
        match self {
            Self::Lane(name) => format!("the lane `{name}`"),
            Self::Left { tag, .. } => format!("the overlay of the earlier tag `{tag}`"),
            Self::Cloned { id, by, .. } => {
                format!("{id}, which is made in the cluster for {by} of the baseline,")
            }
            Self::Canary(id) | Self::Baseline(id) => format!("{id} of the baseline"),
        }
    }

    /// How to take away first what the lane itself left, and nothing else: other lanes may have that
    /// tag too. Or how to have it not made in the cluster.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Left { cleanup, branch, .. } => {
                let on = branch.as_ref().map(|branch| format!(", with `{branch}` checked out"));
                let on = on.unwrap_or_default();
                Some(format!("take it away first{on}: `{cleanup}`"))
            }
            Self::Cloned { id, by, field } => Some(format!(
                "take `{field}` out of {by} and delete {id} for as long as there are lanes; or leave `entry` out, and let the requests come with the tag"
            )),
            Self::Lane(_) | Self::Canary(_) | Self::Baseline(_) => None,
        }
    }
}
