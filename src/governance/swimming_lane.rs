//! The lane and its group in MSE, where the entry is a gateway that MSE itself configures: no
//! Kubernetes objects, so the requests that make them are written beside the manifests.
//!
//! Sources: Alibaba Cloud API reference, MSE 2019-05-31, CreateOrUpdateSwimmingLaneGroup and
//! CreateOrUpdateSwimmingLane (the example of `EntryRule` has the literal of a `rawvalue` in
//! `Value`); aliyun/aliyun-openapi-meta, metadatas/mse, for the form of the commands.

use serde_json::{Map, Value as Json, json};

use super::{Governed, GovernedService};
use crate::baseline::Baseline;
use crate::diagnostic::{Diagnostic, Place};
use crate::generated::{Attachment, Generated};
use crate::invocation::quoted;
use crate::kube::mse::{NAMESPACE, said};
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::pod_templates;
use crate::spec::{LaneMode, Match, SwimmingLane, SwimmingLaneEntry, ValueMatch};
use crate::yaml::NodeRef;

/// Requests are JSON, but Argo CD applies whatever ends in `.json`: neither it nor Flux reads these.
const GROUP: &str = "governance/CreateOrUpdateSwimmingLaneGroup.json.txt";
const LANE: &str = "governance/CreateOrUpdateSwimmingLane.json.txt";
const COMMANDS: &str = "governance/aliyun-mse.txt";
/// The governance namespace of what names none.
const DEFAULT_NAMESPACE: &str = "default";

/// What a group goes by, as the API counts it: `CanaryModel`.
fn canary_model(mode: LaneMode) -> u8 {
    match mode {
        LaneMode::Content => 0,
        LaneMode::Percent => 1,
    }
}

/// The requests that make a lane and its group, and the commands that send them.
///
/// # Errors
///
/// What of the entry's match the API cannot express.
pub(super) fn requests(
    lane: &Governed<'_>,
    wanted: &SwimmingLane,
) -> Result<Generated, Vec<Diagnostic>> {
    let entry = lane.services.iter().find_map(|service| service.spec.entry.as_ref());
    // That there is one was seen in the spec.
    let Some(entry) = entry else { return Ok(Generated::default()) };
    let (conditions, mut errors) = match &wanted.entry {
        SwimmingLaneEntry::Gateway { .. } => of_gateway(&entry.route),
        SwimmingLaneEntry::App(_) => of_app(&entry.route),
    };
    errors.extend(wrong_mode(&entry.route, wanted));
    let namespace = match &wanted.namespace {
        Some(namespace) => namespace.clone(),
        None => match namespace(lane, &wanted.place) {
            Ok(namespace) => namespace,
            Err(error) => {
                errors.push(error);
                String::new()
            }
        },
    };
    if !errors.is_empty() {
        return Err(errors);
    }
    let group = group_request(lane, wanted, &namespace);
    let own = lane_request(lane, wanted, &namespace, &entry.route, conditions);
    let attached = |path, contents| Attachment { path, contents };
    Ok(Generated {
        attachments: vec![
            attached(GROUP, format!("{group:#}\n")),
            attached(LANE, format!("{own:#}\n")),
            attached(COMMANDS, commands(wanted, &group, &own)),
        ],
        notes: vec![note(wanted)],
        ..Generated::default()
    })
}

/// The governance namespace that the baseline's pods are in, all of them the same.
fn namespace(lane: &Governed<'_>, place: &Place) -> Result<String, Diagnostic> {
    let mut found: Option<String> = None;
    for service in &lane.services {
        let (name, said) = namespace_of(lane.baseline, service.workload);
        match &found {
            Some(first) if *first != name => {
                let error = Diagnostic::error(format!(
                    "the services of the lane are in several MSE namespaces: `{first}`, `{name}`"
                ));
                return Err(error
                    .at(said.unwrap_or_else(|| place.clone()))
                    .remedy("a lane is in one: let the pods of all have the same `mseNamespace`, or name it in `governance.lane`"));
            }
            _ => found = Some(name),
        }
    }
    Ok(found.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()))
}

/// The governance namespace of a baseline workload, and where that is said: by its pods, else by
/// their Namespace.
///
/// Source: "Manage microservices namespaces" in the MSE documentation.
fn namespace_of(baseline: &Baseline, workload: &ObjectRef) -> (String, Option<Place>) {
    let read = |node: Option<NodeRef<'_>>| {
        let node = node?;
        let name = node.text().filter(|name| !name.is_empty())?;
        Some((name.to_owned(), node.place()))
    };
    let by_pods = || {
        let document = baseline.get(workload)?.document();
        let template = pod_templates(document.root()).into_iter().next()?;
        read(said(document.find(&template.path.key("metadata"))?, NAMESPACE))
    };
    let by_namespace = || {
        let id = ObjectRef::new("", "Namespace", "", &workload.namespace);
        read(baseline.get(&id)?.document().at(&["metadata", "labels", NAMESPACE]))
    };
    by_pods().or_else(by_namespace).unwrap_or_else(|| (DEFAULT_NAMESPACE.to_owned(), None))
}

/// Whether the match is of the kind that the group goes by.
fn wrong_mode(route: &Match, wanted: &SwimmingLane) -> Option<Diagnostic> {
    let has_content =
        !route.headers.is_empty() || !route.query.is_empty() || route.cookie.is_some();
    if matches!(wanted.entry, SwimmingLaneEntry::App(_)) {
        let error = Diagnostic::error("a lane behind a Java gateway cannot go by percent");
        let error = error.at(wanted.place.clone()).remedy("take `mode` out of `governance.lane`");
        return (wanted.mode == LaneMode::Percent).then_some(error);
    }
    let (message, remedy) = match (wanted.mode, route.weight) {
        (LaneMode::Content, Some(_)) => (
            "a weight is no match of a lane that goes by content",
            "take `weight` out, or set `mode: percent` in `governance.lane`",
        ),
        (LaneMode::Percent, None) => (
            "a lane that goes by percent needs a weight",
            "write `match: {weight: 10}`, or set `mode: content` in `governance.lane`",
        ),
        (LaneMode::Percent, Some(_)) if has_content => (
            "a lane goes by content or by percent, not by both",
            "keep `weight` alone, or set `mode: content` in `governance.lane`",
        ),
        _ => return None,
    };
    Some(Diagnostic::error(message).at(route.place.clone()).remedy(remedy))
}

/// The conditions of a lane behind a cloud-native gateway, and what it cannot match.
fn of_gateway(route: &Match) -> (Vec<Json>, Vec<Diagnostic>) {
    let mut conditions = Vec::new();
    let mut errors = Vec::new();
    for (kind, names) in [("header", &route.headers), ("param", &route.query)] {
        conditions.extend(names.iter().map(|each| {
            let (cond, value) = match &each.value {
                ValueMatch::Exact(text) => ("EQUAL", text),
                // The API spells it so.
                ValueMatch::Regex(pattern) => ("ERGULAR", pattern),
            };
            json!({"Type": kind, "Name": each.name, "Cond": cond, "Value": value})
        }));
    }
    if let Some(cookie) = &route.cookie {
        let error = Diagnostic::error("a lane behind an MSE gateway cannot match a cookie");
        errors.push(error.at(cookie.place.clone()).remedy(
            "it can match headers and query parameters (exact or regular expressions), or a weight",
        ));
    }
    (conditions, errors)
}

/// The conditions of a lane behind a Java gateway, and what it cannot match.
fn of_app(route: &Match) -> (Vec<Json>, Vec<Diagnostic>) {
    const CAN: &str =
        "it can match headers, query parameters and a cookie, each by its exact value";
    let mut items = Vec::new();
    let mut errors = Vec::new();
    let mut refuse = |what: &str, place: &Place| {
        let error = Diagnostic::error(format!("a lane behind a Java gateway cannot match {what}"));
        errors.push(error.at(place.clone()).remedy(CAN));
    };
    let mut item = |kind: &str, name: &str, value: &str| {
        items.push(json!({
            "Type": kind, "Name": name, "Operator": "rawvalue", "Cond": "==", "Value": value,
        }));
    };
    for (kind, names) in [("header", &route.headers), ("param", &route.query)] {
        for each in names {
            match &each.value {
                ValueMatch::Exact(text) => item(kind, &each.name, text),
                ValueMatch::Regex(_) => refuse("a regular expression", &each.place),
            }
        }
    }
    if let Some(cookie) = &route.cookie {
        match &cookie.value {
            Some(value) => item("cookie", &cookie.name, value),
            None => refuse("a cookie without a value", &cookie.place),
        }
    }
    if route.weight.is_some() {
        // No documented field of a rule holds a share of the requests.
        refuse("a share of the requests", &route.place);
    }
    (items, errors)
}

fn group_request(lane: &Governed<'_>, wanted: &SwimmingLane, namespace: &str) -> Json {
    let mut request = Map::new();
    let mut set = |key: &str, value: Json| request.insert(key.to_owned(), value);
    if let Some(region) = &wanted.region {
        set("Region", json!(region));
    }
    set("Namespace", json!(namespace));
    set("Id", json!(wanted.group_id.unwrap_or(-1)));
    set("Name", json!(wanted.group));
    set("Status", json!(1));
    let entry = match &wanted.entry {
        SwimmingLaneEntry::Gateway { id, .. } => format!("mse-gw:{id}"),
        SwimmingLaneEntry::App(id) => format!("mse:{id}"),
    };
    set("EntryApp", json!(entry));
    let apps = match wanted.apps.as_slice() {
        [] => names(&lane.services).map(|name| format!("<id of {name}>")).collect(),
        ids => ids.to_vec(),
    };
    set("AppIds", json!(apps.join(",")));
    set("CanaryModel", json!(canary_model(wanted.mode)));
    if lane.release.database.is_some() {
        // Without it the agents write to the tables of the baseline.
        set("DbGrayEnable", json!(true));
    }
    if let SwimmingLaneEntry::Gateway { routes, .. } = &wanted.entry {
        set("RouteIds", json!(routes));
    }
    Json::Object(request)
}

/// The applications of a lane: its services, and those that they call.
fn names<'a>(services: &'a [GovernedService<'_>]) -> impl Iterator<Item = &'a str> {
    let apps = services.iter().map(|service| service.app);
    let is_own = |name: &&str| services.iter().any(|service| service.spec.name == *name);
    let calls = services.iter().flat_map(|service| &service.spec.calls);
    let called: std::collections::BTreeSet<&str> =
        calls.map(|(name, _)| name.as_str()).filter(|name| !is_own(name)).collect();
    apps.chain(called)
}

fn lane_request(
    lane: &Governed<'_>,
    wanted: &SwimmingLane,
    namespace: &str,
    route: &Match,
    conditions: Vec<Json>,
) -> Json {
    let tag = lane.release.tag.as_str();
    let mut request = Map::new();
    let mut set = |key: &str, value: Json| request.insert(key.to_owned(), value);
    if let Some(region) = &wanted.region {
        set("RegionId", json!(region));
    }
    set("Namespace", json!(namespace));
    set("Id", json!(wanted.id.unwrap_or(-1)));
    // No number, so that a request that was not completed is refused.
    set("GroupId", wanted.group_id.map_or_else(|| json!("<id of the lane group>"), Json::from));
    set("Name", json!(tag));
    set("Tag", json!(tag));
    set("Enable", json!(true));
    set("EnableRules", json!(true));
    match &wanted.entry {
        SwimmingLaneEntry::App(_) => {
            let rule = json!({
                "Priority": 1, "Paths": [], "Condition": "AND", "RestItems": conditions,
            });
            set("EntryRules", json!([rule]));
        }
        SwimmingLaneEntry::Gateway { id, routes } => {
            let mut rule = json!({
                "GatewayUniqueId": id,
                "RouteIdList": routes,
                "CanaryModel": canary_model(wanted.mode),
            });
            match route.weight {
                Some(weight) => rule["Percentage"] = json!(weight),
                None => {
                    rule["Condition"] = json!("AND");
                    rule["Conditions"] = Json::Array(conditions);
                }
            }
            set("GatewaySwimmingLaneRouteJson", rule);
        }
    }
    Json::Object(request)
}

fn note(wanted: &SwimmingLane) -> Diagnostic {
    let mut open = String::new();
    if wanted.group_id.is_none() {
        open.push_str("; the lane's `GroupId` is in the answer to the first");
    }
    if wanted.apps.is_empty() {
        open.push_str("; `aliyun mse GetApplicationList` shows the ids for `AppIds`");
    }
    Diagnostic::note(format!(
        "the lane and its group in MSE are no Kubernetes objects: send `aliyun mse CreateOrUpdateSwimmingLaneGroup`, then `aliyun mse CreateOrUpdateSwimmingLane`, as `{COMMANDS}` of the overlay has them{open}"
    ))
    .at(wanted.place.clone())
}

/// The two commands, for a POSIX shell.
fn commands(wanted: &SwimmingLane, group: &Json, lane: &Json) -> String {
    let region = wanted.region.as_ref().map(|region| format!(" --region {region}"));
    let region = region.unwrap_or_default();
    [("CreateOrUpdateSwimmingLaneGroup", group), ("CreateOrUpdateSwimmingLane", lane)]
        .map(|(operation, request)| {
            let mut command = format!("aliyun mse {operation}{region}");
            for (key, value) in request.as_object().into_iter().flatten() {
                // Lists of rules are spread out, everything else nested is one JSON text.
                if key == "EntryRules" {
                    spread(key, value, &mut command);
                } else {
                    parameter(key, value, &mut command);
                }
            }
            command.push('\n');
            command
        })
        .concat()
}

/// A nested value as parameters of its parts: `EntryRules.1.RestItems.1.Name`.
fn spread(key: &str, value: &Json, command: &mut String) {
    match value {
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                spread(&format!("{key}.{}", index + 1), item, command);
            }
        }
        Json::Object(fields) => {
            for (field, value) in fields {
                spread(&format!("{key}.{field}"), value, command);
            }
        }
        scalar => parameter(key, scalar, command),
    }
}

fn parameter(key: &str, value: &Json, command: &mut String) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // As a word of its own `-1` would be a flag (aliyun/aliyun-cli, cli/parser.go).
    let between = if text.starts_with('-') { '=' } else { ' ' };
    command.push_str(&format!(" \\\n  --{key}{between}{}", quoted(&text)));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::spec::{CookieMatch, NameMatch};

    fn place() -> Place {
        Place { file: Arc::from("graylane.yaml"), line: 1, column: 1, text: String::new() }
    }

    fn name(name: &str, value: ValueMatch) -> NameMatch {
        NameMatch { name: name.into(), value, place: place() }
    }

    fn exact(value: &str) -> ValueMatch {
        ValueMatch::Exact(value.into())
    }

    fn nothing() -> Match {
        Match { headers: vec![], cookie: None, query: vec![], weight: None, place: place() }
    }

    fn cookie(value: Option<&str>) -> Match {
        let value = value.map(str::to_owned);
        Match {
            cookie: Some(CookieMatch { name: "canary".into(), value, place: place() }),
            ..nothing()
        }
    }

    #[test]
    fn each_entry_matches_what_its_api_can() {
        let header = |value| Match { headers: vec![name("x-user", value)], ..nothing() };
        let query = |value| Match { query: vec![name("group", value)], ..nothing() };
        let weight = Match { weight: Some(10), ..nothing() };
        let regex = || ValueMatch::Regex("^1".into());
        for (route, gateway, app) in [
            (
                header(exact("1")),
                Ok(r#"{"Type":"header","Name":"x-user","Cond":"EQUAL","Value":"1"}"#),
                Ok(
                    r#"{"Type":"header","Name":"x-user","Operator":"rawvalue","Cond":"==","Value":"1"}"#,
                ),
            ),
            (
                header(regex()),
                Ok(r#"{"Type":"header","Name":"x-user","Cond":"ERGULAR","Value":"^1"}"#),
                Err("a regular expression"),
            ),
            (
                query(exact("gray")),
                Ok(r#"{"Type":"param","Name":"group","Cond":"EQUAL","Value":"gray"}"#),
                Ok(
                    r#"{"Type":"param","Name":"group","Operator":"rawvalue","Cond":"==","Value":"gray"}"#,
                ),
            ),
            (
                query(regex()),
                Ok(r#"{"Type":"param","Name":"group","Cond":"ERGULAR","Value":"^1"}"#),
                Err("a regular expression"),
            ),
            (
                cookie(Some("yes")),
                Err("a cookie"),
                Ok(
                    r#"{"Type":"cookie","Name":"canary","Operator":"rawvalue","Cond":"==","Value":"yes"}"#,
                ),
            ),
            (cookie(None), Err("a cookie"), Err("a cookie without a value")),
            (weight, Ok(""), Err("a share of the requests")),
        ] {
            for ((items, errors), expected) in
                [(of_gateway(&route), gateway), (of_app(&route), app)]
            {
                let items: Vec<String> = items.iter().map(Json::to_string).collect();
                match expected {
                    Ok(text) => {
                        assert_eq!(items.concat(), text, "{route:?}");
                        assert!(errors.is_empty(), "{errors:?}");
                    }
                    Err(what) => {
                        assert_eq!(errors.len(), 1, "{route:?}");
                        assert!(errors[0].message.ends_with(what), "{}", errors[0].message);
                    }
                }
            }
        }
    }

    #[test]
    fn values_are_no_flags() {
        for (value, expected) in [
            (json!(-1), "--Id=-1"),
            (json!("-x=1 y"), "--Id='-x=1 y'"),
            (json!(115), "--Id 115"),
            (json!(""), "--Id ''"),
        ] {
            let mut command = String::new();
            parameter("Id", &value, &mut command);
            assert_eq!(command, format!(" \\\n  {expected}"));
        }
    }

    #[test]
    fn words_stay_one_word_in_a_shell() {
        for (text, expected) in [
            ("a@b,c", "a@b,c"),
            ("", "''"),
            ("$(id)", "'$(id)'"),
            ("it's", r"'it'\''s'"),
            ("[111]", "'[111]'"),
            ("==", "'=='"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
