//! What the gateway scripts of OpenKruise can do with a TrafficRouting, as tables.
//!
//! Source, where a row names no other: openkruise/rollouts lua_configuration/trafficrouting_ingress
//! and pkg/trafficrouting, v0.6. With a TrafficRouting the canary Service is the baseline's own.

use crate::diagnostic::{Diagnostic, Place};
use crate::kube::object::ObjectRef;
use crate::spec::{GatewayClass, Match, ValueMatch};
use crate::yaml::NodeRef;

/// What OpenKruise makes of a gateway class.
struct Script {
    class: GatewayClass,
    /// Its `classType`, or why there is none that leads requests into a lane.
    class_type: Result<&'static str, &'static str>,
}

/// Every gateway class. OpenKruise's own list of gateways for end-to-end canary releases has MSE
/// alone (openkruise.io/rollouts, "End-to-End Canary Update").
const SCRIPTS: &[Script] = &[
    Script { class: GatewayClass::Mse, class_type: Ok("mse") },
    Script {
        class: GatewayClass::Apig,
        class_type: Err("OpenKruise has no script for it, and the one for MSE writes annotations \
             that it does not read"),
    },
    Script {
        class: GatewayClass::Higress,
        class_type: Err("its script (classType `higress`) leaves requestHeaderModifier out, so \
             that no request would carry the tag"),
    },
    Script {
        class: GatewayClass::Nginx,
        class_type: Err("its script (classType `nginx`) leaves requestHeaderModifier out, and \
             ingress-nginx drops a canary that leads to the same Service as the baseline"),
    },
    Script {
        class: GatewayClass::Alb,
        class_type: Err(
            "its script (classType `aliyun-alb`) leaves requestHeaderModifier out, so \
             that no request would carry the tag",
        ),
    },
    Script { class: GatewayClass::Apisix, class_type: Err("OpenKruise has no script for it") },
    Script {
        class: GatewayClass::GatewayApi,
        class_type: Err("its controller sets no request header, and takes the rules that lead to \
             the Service out of the HTTPRoute where canary and baseline share it"),
    },
];

/// The `classType` of a gateway class, or why a TrafficRouting can do nothing for a lane there.
pub(super) fn class_type(class: GatewayClass) -> Result<&'static str, &'static str> {
    let row = SCRIPTS.iter().find(|script| script.class == class);
    row.map_or(Err("OpenKruise has no script for it"), |script| script.class_type)
}

/// The header whose value `mse.lua` takes for the name of a cookie.
pub(super) const COOKIE: &str = "canary-by-cookie";

/// The longest value of a header: `maxLength` of the CRD. Names are shorter in every spec.
const MAX_HEADER_VALUE: usize = 4096;

/// What a match cannot have, with what to do and where it is.
struct MatchRule {
    broken: fn(&Match) -> Option<&Place>,
    message: &'static str,
    remedy: &'static str,
}

const MATCHES: &[MatchRule] = &[
    MatchRule {
        broken: |route| route.headers.get(1).map(|header| &header.place),
        message: "a TrafficRouting cannot match several headers at once: the script for MSE reads the first one",
        remedy: "keep one header",
    },
    MatchRule {
        broken: |route| route.query.first().map(|query| &query.place),
        message: "a TrafficRouting of v1alpha1, the only version there is, cannot match query parameters",
        remedy: "match a header or a cookie instead, or use `strategy: copy`",
    },
    MatchRule {
        broken: |route| {
            let cookie = route.cookie.as_ref().filter(|cookie| cookie.value.is_some())?;
            Some(&cookie.place)
        },
        message: "a TrafficRouting cannot match the value of a cookie",
        remedy: "leave `value` out: the gateway then asks for `always`",
    },
    MatchRule {
        broken: |route| {
            let cookie = route.cookie.as_ref()?;
            (!route.headers.is_empty()).then_some(&cookie.place)
        },
        message: "a TrafficRouting cannot match a header and a cookie at once",
        remedy: "keep one of them",
    },
    MatchRule {
        broken: |route| {
            let has_match =
                !route.headers.is_empty() || !route.query.is_empty() || route.cookie.is_some();
            (route.weight.is_some() && has_match).then_some(&route.place)
        },
        message: "a TrafficRouting has either matches or a weight: beside matches the weight counts for nothing",
        remedy: "keep either the match or the weight",
    },
    MatchRule {
        broken: |route| {
            let mut headers = route.headers.iter();
            headers.find(|header| header.name == COOKIE).map(|header| &header.place)
        },
        message: "the script for MSE takes the header `canary-by-cookie` for a cookie of its value",
        remedy: "say `cookie: {name: …}` where a cookie is meant; a header of this name cannot be matched",
    },
    MatchRule {
        broken: |route| {
            let mut headers = route.headers.iter();
            let long = headers.find(|header| {
                let (ValueMatch::Exact(value) | ValueMatch::Regex(value)) = &header.value;
                value.chars().count() > MAX_HEADER_VALUE
            });
            long.map(|header| &header.place)
        },
        message: "the value of a header has at most 4096 characters in a TrafficRouting",
        remedy: "match another header, or by a shorter expression",
    },
];

/// What of a match a TrafficRouting cannot say.
pub(super) fn check_match(route: &Match) -> Vec<Diagnostic> {
    let broken = |rule: &MatchRule| {
        let place = (rule.broken)(route)?.clone();
        Some(Diagnostic::error(rule.message).at(place).remedy(rule.remedy))
    };
    MATCHES.iter().filter_map(broken).collect()
}

/// MSE's choice among the pods of a Service. The script writes `gray` on the canary route whatever
/// the tag is, if the baseline's route has it.
pub(super) const SUBSET: &str = "mse.ingress.kubernetes.io/service-subset";
/// The only tag that [`SUBSET`] works with.
const SUBSET_TAG: &str = "gray";

/// An Ingress, the Service of it that the release is about, and the tag.
#[derive(Clone, Copy)]
pub(super) struct Routed<'a> {
    pub(super) id: &'a ObjectRef,
    pub(super) root: NodeRef<'a>,
    pub(super) service: &'a str,
    pub(super) tag: &'a str,
}

impl<'a> Routed<'a> {
    fn at(&self, path: &[&str]) -> Option<NodeRef<'a>> {
        self.root.at(path)
    }

    fn subset(&self) -> Option<NodeRef<'a>> {
        self.at(&["metadata", "annotations", SUBSET])
    }

    fn rules(&self) -> impl Iterator<Item = NodeRef<'a>> {
        self.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items)
    }

    fn paths(&self) -> impl Iterator<Item = NodeRef<'a>> {
        let paths = |rule: NodeRef<'a>| rule.at(&["http", "paths"]);
        self.rules().filter_map(paths).flat_map(NodeRef::items)
    }
}

/// A rule about an Ingress: the node that breaks it.
struct IngressRule {
    broken: for<'a> fn(Routed<'a>) -> Option<NodeRef<'a>>,
    message: &'static str,
    remedy: &'static str,
}

const INGRESSES: &[IngressRule] = &[
    IngressRule {
        broken: |routed| {
            let version = routed.at(&["apiVersion"]).and_then(NodeRef::as_str);
            let is_v1 = version == Some("networking.k8s.io/v1");
            (!is_v1).then_some(routed.at(&["apiVersion"]).unwrap_or(routed.root))
        },
        message: "OpenKruise reads Ingresses of networking.k8s.io/v1 alone",
        remedy: "write it as networking.k8s.io/v1: Kubernetes 1.22 removed all others",
    },
    IngressRule {
        broken: |routed| {
            let annotations = routed.at(&["metadata", "annotations"]);
            let has_any = annotations.is_some_and(|node| node.entries().next().is_some());
            (!has_any).then(|| routed.at(&["metadata"]).unwrap_or(routed.root))
        },
        message: "the entry's Ingress has no annotations, and the script for MSE fails without any",
        remedy: "add one that MSE needs anyway to tell gray pods from others:\n  annotations:\n    mse.ingress.kubernetes.io/service-subset: \"\"",
    },
    IngressRule {
        broken: |routed| {
            let has_http = |rule: &NodeRef<'_>| rule.get("http").is_some_and(NodeRef::is_mapping);
            routed.rules().find(|rule| !has_http(rule))
        },
        message: "a rule of the entry's Ingress has no `http`, and OpenKruise stops at it",
        remedy: "give the rule its paths, or take it into an Ingress of its own",
    },
    IngressRule {
        broken: |routed| {
            let service = |path: &NodeRef<'_>| path.at(&["backend", "service", "name"]).is_some();
            routed.paths().find(|path| !service(path))
        },
        message: "a path of the entry's Ingress leads to no Service, and OpenKruise stops at it",
        remedy: "take the path into an Ingress of its own",
    },
    IngressRule {
        broken: |routed| {
            let leads = |path: NodeRef<'_>| {
                path.at(&["backend", "service", "name"]).and_then(NodeRef::as_str)
                    == Some(routed.service)
            };
            let leads = routed.paths().any(leads);
            (!leads).then(|| routed.at(&["spec"]).unwrap_or(routed.root))
        },
        message: "no path of the entry's Ingress leads to a Service of the entry; a default backend gets no canary",
        remedy: "give it a rule with a path to that Service, or name another Ingress in `entry`",
    },
    IngressRule {
        broken: |routed| routed.subset().filter(|_| routed.tag != SUBSET_TAG),
        message: "the script for MSE writes service-subset `gray` on the canary route, whatever the tag is",
        remedy: "use the tag `gray`, or `strategy: copy`",
    },
];

/// What OpenKruise would fail at or drop in an Ingress.
pub(super) fn check_ingress(routed: Routed<'_>) -> Vec<Diagnostic> {
    let broken = |rule: &IngressRule| {
        let node = (rule.broken)(routed)?;
        Some(Diagnostic::error(rule.message).at(node.place()).remedy(rule.remedy))
    };
    INGRESSES.iter().filter_map(broken).collect()
}

/// What MSE does to the headers of requests. The script writes the tag there, in place of all that
/// the baseline's route has.
const HEADERS: &str = "mse.ingress.kubernetes.io/request-header-control-update";

/// Warns of headers that the baseline's route sets, and the one that the script makes does not.
pub(super) fn warn_of_headers(routed: Routed<'_>) -> Option<Diagnostic> {
    let set = routed.at(&["metadata", "annotations", HEADERS])?;
    let warning = Diagnostic::warning(format!(
        "gray requests of the entry go without the headers that {} sets: the script for MSE writes the tag in place of its request-header-control-update",
        routed.id
    ));
    let remedy = "set those headers in the application, or use `strategy: copy`, which keeps them";
    Some(warning.at(set.place()).remedy(remedy))
}

/// Warns of an Ingress behind which the gateway does not tell gray pods from others.
pub(super) fn warn_of_ingress(routed: Routed<'_>) -> Option<Diagnostic> {
    if routed.subset().is_some() {
        return None;
    }
    let service = routed.service;
    let warning = Diagnostic::warning(format!(
        "while the rollout runs, Service/{service} selects gray pods of the entry and others alike, and the gateway sends any request to any of them"
    ));
    let remedy = match routed.tag {
        SUBSET_TAG => {
            format!("let MSE choose, with this annotation on {}:\n  {SUBSET}: \"\"", routed.id)
        }
        tag => format!(
            "MSE can choose by the annotation {SUBSET}, which OpenKruise supports for the tag `{SUBSET_TAG}`, not for `{tag}`"
        ),
    };
    Some(warning.at(routed.root.at(&["metadata", "name"]).and_then(NodeRef::place)).remedy(remedy))
}
