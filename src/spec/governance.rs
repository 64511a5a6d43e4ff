//! What routes between the services of a lane: the block `governance`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::{Check, items};
use super::choice::{Provider, Strategy};
use super::model::Service;
use super::raw::{List, Spec};
use super::syntax;
use crate::diagnostic::Place;
use crate::kube::mse::{CANARY, MAX_CANARY_TAG};
use crate::kube::names;
use crate::yaml::NodeRef;

/// What routes between services inside the lane.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Governance")]
pub(super) struct RawGovernance {
    /// Whose labels and rules carry the tag.
    #[serde(default)]
    provider: Provider,
    /// Label gray pods `opensergo.io/canary-<tag>: <tag>`, which the subsets of MSE gateways go by; for `mse`.
    #[serde(default)]
    canary_label: bool,
    /// The lane and its group in MSE, where the entry is a gateway that MSE itself configures; for `mse`.
    lane: Option<RawLane>,
    /// For the provider `istio`.
    pub(super) istio: Option<super::istio::Istio>,
}

/// The lane and its group in MSE: no Kubernetes objects but requests to its API, which are written beside the manifests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SwimmingLane")]
struct RawLane {
    /// Name of the lane group.
    #[schemars(required)]
    group: Option<String>,
    /// Id of the lane group, where it exists already.
    #[schemars(range(min = 1))]
    group_id: Option<i64>,
    /// Id of the lane, where it exists already.
    #[schemars(range(min = 1))]
    id: Option<i64>,
    /// Unique id of the MSE cloud-native gateway that is the entry: `gw-…`. Either this or `app`.
    gateway: Option<String>,
    /// Ids of the gateway's routes that lead into the lane; with `gateway`.
    #[serde(default)]
    #[schemars(inner(range(min = 1)))]
    routes: List<i64>,
    /// Id in MSE of the Java gateway (Spring Cloud Gateway, Zuul) that is the entry. Either this or `gateway`.
    app: Option<String>,
    /// Ids in MSE of all applications of the group, baseline-only ones included.
    #[serde(default)]
    apps: List<String>,
    /// Governance namespace in MSE; the `mseNamespace` of the pods where it is left out, else `default`.
    namespace: Option<String>,
    /// Region of the API, such as `cn-hangzhou`.
    region: Option<String>,
    /// What the lanes of the group go by; MSE has one mode for each group.
    #[serde(default)]
    mode: LaneMode,
}

/// What the lanes of a group go by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LaneMode {
    /// Headers, cookies and parameters of the requests.
    #[default]
    Content,
    /// A share of the requests.
    Percent,
}

/// The lane and its group in MSE.
#[derive(Clone, Debug)]
pub struct SwimmingLane {
    /// Where it is.
    pub place: Place,
    /// The group's name: not empty, without control characters and quotes.
    pub group: String,
    /// The group's id, positive, where it exists already.
    pub group_id: Option<i64>,
    /// The lane's id, positive, where it exists already.
    pub id: Option<i64>,
    /// What is the entry.
    pub entry: SwimmingLaneEntry,
    /// Ids of the group's applications: letters, digits, `@`, `-` and `_`. Empty where they are not known yet.
    pub apps: Vec<String>,
    /// The governance namespace: a label value.
    pub namespace: Option<String>,
    /// The region: a DNS label.
    pub region: Option<String>,
    /// What the group's lanes go by.
    pub mode: LaneMode,
}

/// What is the entry of a lane that MSE itself knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwimmingLaneEntry {
    /// An MSE cloud-native gateway.
    Gateway {
        /// Its unique id.
        id: String,
        /// The ids of its routes that lead into the lane; at least one.
        routes: Vec<i64>,
    },
    /// A Java gateway, by the id of its application.
    App(String),
}

/// The block, read.
pub(super) struct Governance {
    pub(super) provider: Provider,
    pub(super) canary_label: bool,
    pub(super) lane: Option<SwimmingLane>,
}

/// The block of a spec; `node` is `spec`.
pub(super) fn read(
    check: &mut Check,
    spec: &Spec,
    node: NodeRef<'_>,
    services: &[Service],
) -> Governance {
    let raw = spec.governance.as_ref();
    let provider = raw.map(|raw| raw.provider).unwrap_or_default();
    let canary_label = raw.is_some_and(|raw| raw.canary_label);
    let block = node.get("governance");
    if canary_label {
        let place = check.place(block.and_then(|block| block.get("canaryLabel")));
        is_for_mse(check, provider, "canaryLabel", &place);
        let length = spec.tag.as_ref().map_or(0, |tag| tag.chars().count());
        if length > MAX_CANARY_TAG {
            let place = check.value_place(node.get("tag"));
            check.error(
                format!(
                    "the tag is too long for the label `{CANARY}<tag>`: it has {length} characters, {MAX_CANARY_TAG} are allowed"
                ),
                &place,
                format!("cut {}, or take `canaryLabel` out", length - MAX_CANARY_TAG),
            );
        }
    }
    if spec.gateway.as_ref().is_some_and(|gateway| gateway.service_subset) && !canary_label {
        let place = check.place(node.at(&["gateway", "serviceSubset"]));
        check.error(
            "`serviceSubset` asks for pods with a label that the lane's do not have",
            &place,
            "add `canaryLabel: true` to `governance`",
        );
    }
    let lane = raw.and_then(|raw| raw.lane.as_ref()).zip(block.and_then(|block| block.get("lane")));
    let lane = lane.and_then(|(raw, node)| {
        let place = check.place(Some(node));
        is_for_mse(check, provider, "lane", &place);
        if spec.strategy != Strategy::Copy {
            let message = format!("`governance.lane` is not for `strategy: {}`", spec.strategy);
            check.error(message, &place, "take `lane` out, or use `strategy: copy`");
        }
        has_one_entry(check, services, &place);
        swimming_lane(check, raw, node, place)
    });
    Governance { provider, canary_label, lane }
}

fn is_for_mse(check: &mut Check, provider: Provider, field: &str, place: &Place) {
    if provider != Provider::Mse {
        let message = format!("`governance.{field}` is not for the provider `{provider}`");
        check.error(message, place, format!("take `{field}` out, or use `provider: mse`"));
    }
}

/// The gateway of a lane in MSE is the entry; one service says which requests are gray.
fn has_one_entry(check: &mut Check, services: &[Service], lane: &Place) {
    let mut entries = services.iter().filter_map(|service| service.entry.as_ref());
    let Some(first) = entries.next() else {
        check.error(
            "no service says which requests the lane is for",
            lane,
            "add to the first service behind the gateway:\nentry: {match: {headers: [{name: x-user-id, exact: \"100\"}]}}",
        );
        return;
    };
    if let Some((_, place)) = &first.baseline {
        check.clash(
            "the entry is both a route and `governance.lane`".to_owned(),
            place,
            lane,
            "the other entry",
            "keep one: without the route no canary route is made",
        );
    }
    for second in entries {
        check.clash(
            "a lane in MSE has one entry".to_owned(),
            &second.place,
            &first.place,
            "the first one",
            "keep `entry` on one of the services",
        );
    }
}

fn swimming_lane(
    check: &mut Check,
    raw: &RawLane,
    node: NodeRef<'_>,
    place: Place,
) -> Option<SwimmingLane> {
    let value = |check: &Check, key: &str| check.value_place(node.get(key));
    if let Some(group) = &raw.group {
        let at = value(check, "group");
        let remedy = "use a name such as `shop`";
        check.fits("name of a lane group", group, syntax::annotation_text, &at, remedy);
    }
    if let Some(namespace) = &raw.namespace {
        let at = value(check, "namespace");
        let remedy = "use the name that MSE shows, such as `default`";
        check.fits("MSE namespace", namespace, syntax::label_value, &at, remedy);
    }
    if let Some(region) = &raw.region {
        let at = value(check, "region");
        check.fits("region", region, names::dns_label, &at, "use an id such as `cn-hangzhou`");
    }
    let remedy = "copy it from the MSE console, such as `gw-2b1407e050f1446f` or `hkhon1po62@c3df23522baa898`";
    for (key, id) in [("gateway", &raw.gateway), ("app", &raw.app)] {
        if let Some(id) = id {
            let at = value(check, key);
            check.fits("id", id, syntax::cloud_id, &at, remedy);
        }
    }
    let mut apps = Vec::new();
    for (id, node) in items(&raw.apps, node.get("apps")) {
        let at = check.value_place(Some(node));
        check.fits("id", id, syntax::cloud_id, &at, remedy);
        apps.push(id.clone());
    }
    let routes: Vec<i64> = raw.routes.iter().copied().flatten().collect();
    let entry = match (&raw.gateway, &raw.app) {
        (Some(id), None) => {
            if raw.routes.is_empty() {
                check.error(
                    "`governance.lane` names a gateway but none of its routes",
                    &place,
                    "add the ids of the routes that lead to the entry: `routes: [111]`",
                );
            }
            SwimmingLaneEntry::Gateway { id: id.clone(), routes }
        }
        (None, Some(app)) => {
            if let Some(routes) = node.get("routes") {
                let at = check.place(Some(routes));
                check.error("`routes` are those of a `gateway`", &at, "take `routes` out");
            }
            SwimmingLaneEntry::App(app.clone())
        }
        // A wrong type or a misspelt field has been reported.
        (None, None) if node.get("gateway").or(node.get("app")).is_some() => return None,
        (None, None) => {
            check.error(
                "`governance.lane` names no entry",
                &place,
                "add `gateway:` with the unique id of the MSE gateway, or `app:` with the id of the Java gateway",
            );
            return None;
        }
        (Some(_), Some(_)) => {
            let (gateway, app) = (check.place(node.get("gateway")), check.place(node.get("app")));
            let message = "`governance.lane` has both `gateway` and `app`".to_owned();
            check.clash(message, &app, &gateway, "the other one", "keep one of them");
            return None;
        }
    };
    Some(SwimmingLane {
        place,
        group: raw.group.clone()?,
        group_id: raw.group_id,
        id: raw.id,
        entry,
        apps,
        namespace: raw.namespace.clone(),
        region: raw.region.clone(),
        mode: raw.mode,
    })
}
