//! What the selectors of network policies do to pods, in words.

use super::rules::is_in;
use crate::kube::object::ObjectRef;
use crate::kube::selectors::{SelectorRole, SelectorUse};

/// What a selector of a policy does to the pods that it selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Only what the policy lets through reaches them, or leaves them.
    Isolates,
    /// What administrators let through, or not, goes for them.
    Governs,
    /// They get the subnets and security groups of a network of the cloud.
    Networks,
    /// They get security groups of the cloud.
    SecurityGroups,
    /// What asks a port of theirs has to be authorized.
    Serves,
    /// They are let in.
    LetsIn,
    /// Connections to them are let out.
    LetsOut,
    /// They are kept out, whatever lets them in.
    KeepsOut,
    /// Connections to them are stopped, whatever lets them out.
    Stops,
}

impl Effect {
    pub(super) fn of(policy: &ObjectRef, selector: &SelectorUse) -> Self {
        match selector.role {
            SelectorRole::NetworkPolicyPeer if is_in(selector, &["ingressDeny"]) => Self::KeepsOut,
            SelectorRole::NetworkPolicyPeer if is_in(selector, &["egressDeny"]) => Self::Stops,
            SelectorRole::NetworkPolicyPeer if is_in(selector, &["egress"]) => Self::LetsOut,
            SelectorRole::NetworkPolicyPeer => Self::LetsIn,
            _ if policy.kind == "SecurityGroupPolicy" => Self::SecurityGroups,
            _ if policy.kind == "PodNetworking" => Self::Networks,
            _ if policy.group == "policy.networking.k8s.io" => Self::Governs,
            _ if policy.group == "policy.linkerd.io" => Self::Serves,
            _ => Self::Isolates,
        }
    }

    /// What a policy does that selects the pods of a workload and not the gray ones.
    pub(super) fn lost(self, workload: &ObjectRef) -> String {
        match self {
            Self::Isolates => format!(
                "isolates the pods of {workload} and not the gray ones: whatever it keeps out can reach those"
            ),
            Self::Governs => format!(
                "is for the pods of {workload} and not for the gray ones: what it lets through or stops is another matter for those"
            ),
            Self::Networks => format!(
                "puts the pods of {workload} into its network and not the gray ones: those have other subnets and security groups"
            ),
            Self::SecurityGroups => format!(
                "gives its security groups to the pods of {workload} and not to the gray ones: what is open to those groups is closed to them"
            ),
            Self::Serves => format!(
                "is for the pods of {workload} and not for the gray ones: those go without it and the policies for it"
            ),
            Self::LetsIn => format!(
                "lets the pods of {workload} in and not the gray ones: they cannot connect to what it guards"
            ),
            Self::LetsOut => format!(
                "lets connections to the pods of {workload} out and not those to the gray ones: they time out"
            ),
            Self::KeepsOut => format!(
                "keeps the pods of {workload} out and not the gray ones: they get through where the baseline's do not"
            ),
            Self::Stops => {
                format!(
                    "stops connections to the pods of {workload} and not those to the gray ones"
                )
            }
        }
    }

    /// What a policy does that selects the gray pods of a workload and not the baseline's.
    pub(super) fn gained(self, workload: &ObjectRef) -> String {
        match self {
            Self::Isolates => {
                format!("isolates the gray pods of {workload} and not the baseline's")
            }
            Self::Governs => {
                format!("is for the gray pods of {workload} and not for the baseline's")
            }
            Self::Networks => {
                format!("puts the gray pods of {workload} into its network and not the baseline's")
            }
            Self::SecurityGroups => format!(
                "gives its security groups to the gray pods of {workload} and not to the baseline's: what is open to those groups is open to the gray pods alone"
            ),
            Self::Serves => format!(
                "is for the gray pods of {workload} and not for the baseline's: it refuses what no policy for it lets in"
            ),
            Self::LetsIn => format!("lets the gray pods of {workload} in and not the baseline's"),
            Self::LetsOut => format!(
                "lets connections to the gray pods of {workload} out and not those to the baseline's"
            ),
            Self::KeepsOut => {
                format!("keeps the gray pods of {workload} out and not the baseline's")
            }
            Self::Stops => format!(
                "stops connections to the gray pods of {workload} and not those to the baseline's"
            ),
        }
    }
}
