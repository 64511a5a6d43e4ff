//! The fields of a spec that choose between named ways.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Implements `as_str` and `Display` with the names a spec uses.
macro_rules! named {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as the spec writes it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// How gray and baseline pods are kept apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// Per service: `version-label` where the baseline carries the label everywhere it must, else `relabel`.
    #[default]
    Auto,
    /// Selectors and pod templates of the baseline carry `zadigx-release-version: original`, the gray ones carry the tag instead.
    VersionLabel,
    /// The label values that baseline selectors ask for are replaced on gray pods and in gray selectors.
    Relabel,
}

named!(Isolation { Auto => "auto", VersionLabel => "version-label", Relabel => "relabel" });

/// What applies the overlay to the cluster, and so how the order of objects is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Argo CD: sync-wave annotations.
    #[default]
    #[serde(rename = "argocd")]
    ArgoCd,
    /// Flux: one Kustomization for the workloads, one that depends on it for the entry.
    Flux,
    /// Anything else: no ordering is written.
    None,
}

named!(Delivery { ArgoCd => "argocd", Flux => "flux", None => "none" });

/// What becomes of the baseline workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Gray copies run beside the baseline.
    #[default]
    Copy,
    /// An OpenKruise Rollout and a TrafficRouting drive the baseline workload.
    Kruise,
}

named!(Strategy { Copy => "copy", Kruise => "kruise" });

/// What routes between services inside the lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Alibaba Cloud Microservices Engine.
    #[default]
    Mse,
    /// An implementation of the OpenSergo traffic router specification.
    #[serde(rename = "opensergo")]
    OpenSergo,
    /// Istio: sidecars route by the tag header, for applications in any language that send it on.
    Istio,
    /// Nothing: only the entry is routed.
    None,
}

named!(Provider { Mse => "mse", OpenSergo => "opensergo", Istio => "istio", None => "none" });

/// The dialect of the gateway's canary route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayClass {
    /// MSE cloud-native gateway.
    Mse,
    /// Alibaba Cloud API Gateway (APIG).
    Apig,
    /// Higress.
    Higress,
    /// The ingress-nginx controller.
    Nginx,
    /// Alibaba Cloud Application Load Balancer.
    Alb,
    /// Apache APISIX.
    Apisix,
    /// The Kubernetes Gateway API.
    GatewayApi,
}

named!(GatewayClass {
    Mse => "mse",
    Apig => "apig",
    Higress => "higress",
    Nginx => "nginx",
    Alb => "alb",
    Apisix => "apisix",
    GatewayApi => "gateway-api",
});

/// What is done with an object that belongs to a service.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CopyPolicy {
    /// The lane gets its own gray copy.
    Copy,
    /// The lane uses the baseline's object.
    Share,
    /// The lane goes without it.
    Skip,
}

named!(CopyPolicy { Copy => "copy", Share => "share", Skip => "skip" });

/// An operation of a JSON patch (RFC 6902, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JsonOpKind {
    /// Adds a field, inserts an element, or replaces what is there; needs `value`.
    Add,
    /// Removes what must be there.
    Remove,
    /// Replaces what must be there; needs `value`.
    Replace,
    /// Moves from `from`.
    Move,
    /// Copies from `from`.
    Copy,
    /// Stops unless the field equals `value`.
    Test,
}

named!(JsonOpKind {
    Add => "add",
    Remove => "remove",
    Replace => "replace",
    Move => "move",
    Copy => "copy",
    Test => "test",
});

#[cfg(test)]
mod tests {
    use super::*;

    fn agree<T: Copy + Serialize>(all: &[T], name: fn(T) -> &'static str) {
        for value in all {
            assert_eq!(serde_json::to_value(value).unwrap(), name(*value));
        }
    }

    #[test]
    fn shown_names_are_the_names_that_are_read() {
        agree(Isolation::ALL, Isolation::as_str);
        agree(Delivery::ALL, Delivery::as_str);
        agree(Strategy::ALL, Strategy::as_str);
        agree(Provider::ALL, Provider::as_str);
        agree(GatewayClass::ALL, GatewayClass::as_str);
        agree(CopyPolicy::ALL, CopyPolicy::as_str);
        agree(JsonOpKind::ALL, JsonOpKind::as_str);
    }
}
