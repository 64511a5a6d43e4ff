//! OpenSergo: requests and workloads have a label, and routing brings equal labels together.
//!
//! Sources: opensergo/opensergo-specification, specification/zh-Hans/traffic-routing.md of 2022-07-01
//! (TrafficLabelRule, WorkloadLabelRule, how a workload says its label) and of 2023-01-17
//! (TrafficRouter); opensergo/opensergo-control-plane, k8s/crd/bases (the CRD of TrafficRouter).

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::{Governance, Governed, GovernedService, Mark, Marks, Style};
use crate::baseline::Baseline;
use crate::diagnostic::{Diagnostic, Place};
use crate::generated::{Generated, GeneratedObject};
use crate::kube::kinds::Wave;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::pod_templates;
use crate::skeleton::fill;
use crate::spec::{Database, GrayRelease, Match, OpenSergoEnv, OpenSergoRule, Shadows, ValueMatch};
use crate::yaml::{NodeRef, Path, Value};

/// The label of a workload and of its pods, and the environment variable of the same name.
const LABEL: &str = "traffic.opensergo.io/label";
/// The environment variable that says in JSON how a process reaches the control plane.
const BOOTSTRAP: &str = "OPENSERGO_BOOTSTRAP_CONFIG";
/// The key in that JSON for the process's label.
const BOOTSTRAP_LABEL: &str = "OPENSERGO_LABEL";

/// OpenSergo's traffic routing.
pub(super) struct OpenSergo;

impl Governance for OpenSergo {
    fn marks(&self, release: &GrayRelease, _app: &str, _style: Style) -> Marks {
        let label: Vec<Mark> = vec![(LABEL.into(), release.tag.to_string())];
        // Selectors go by the version label, which separates already.
        Marks { workload: label.clone(), pod_labels: label, ..Marks::default() }
    }

    fn app_name_key(&self) -> Option<&'static str> {
        None
    }

    fn tag_key(&self) -> Option<&'static str> {
        Some(LABEL)
    }

    fn reads_workloads(&self) -> bool {
        true
    }

    fn registry_keys(&self) -> &'static [&'static str] {
        &[LABEL]
    }

    fn variables(
        &self,
        release: &GrayRelease,
        said: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<(&'static str, String)>, Diagnostic> {
        let tag = release.tag.to_string();
        match release.opensergo.env {
            OpenSergoEnv::None => Ok(Vec::new()),
            OpenSergoEnv::Label => Ok(vec![(LABEL, tag)]),
            OpenSergoEnv::Bootstrap => {
                let config = bootstrap(release, said(BOOTSTRAP).as_deref())?;
                Ok(vec![(BOOTSTRAP, config)])
            }
        }
    }

    fn generate(&self, lane: &Governed<'_>) -> Result<Generated, Vec<Diagnostic>> {
        let mut generated = Generated::default();
        let mut errors = Vec::new();
        let rules = &lane.release.opensergo.rules;
        for service in &lane.services {
            for made in rules.iter().flat_map(|rule| rules_of(*rule, lane, service)) {
                match made {
                    Ok(object) => generated.objects.push(object),
                    Err(list) => errors.extend(list),
                }
            }
        }
        if rules.contains(&OpenSergoRule::TrafficRouter) {
            let notes = lane.services.iter().filter_map(|service| without_label(lane, service));
            generated.notes.extend(notes);
        }
        if rules.contains(&OpenSergoRule::WorkloadLabel)
            && let (Some(database), Some(first)) = (&lane.release.database, lane.services.first())
        {
            for made in shadow_labels(lane, first, database) {
                match made {
                    Ok(object) => generated.objects.push(object),
                    Err(list) => errors.extend(list),
                }
            }
        }
        if lane.release.opensergo.env == OpenSergoEnv::Label {
            let warning = format!(
                "the name of the environment variable `{LABEL}` has a `/` in it: API servers before Kubernetes 1.32 refuse the pods, unless their feature gate RelaxedEnvironmentVariableValidation is on"
            );
            generated
                .notes
                .push(Diagnostic::warning(warning).at(lane.release.opensergo.place.clone()));
        }
        if errors.is_empty() { Ok(generated) } else { Err(errors) }
    }
}

/// The JSON of [`BOOTSTRAP`]: the container's own, or a new one, with the label in it.
fn bootstrap(release: &GrayRelease, said: Option<&str>) -> Result<String, Diagnostic> {
    let block = &release.opensergo;
    let refuse = |message: &str, remedy: &str| {
        Diagnostic::error(message).at(block.place.clone()).remedy(remedy)
    };
    let mut config = match said.map(serde_json::from_str::<Json>) {
        None => Map::new(),
        Some(Ok(Json::Object(config))) => config,
        Some(_) => {
            let message =
                format!("a container's `{BOOTSTRAP}` is no JSON object that a label could go into");
            return Err(refuse(&message, "correct it in the baseline, or set it by `env`"));
        }
    };
    if let Some(endpoint) = &block.endpoint {
        config.insert("endpoint".to_owned(), Json::from(endpoint.as_str()));
    }
    if !config.contains_key("endpoint") {
        return Err(refuse(
            "`env: bootstrap` needs the address of the control plane",
            "add to `opensergo`:\n  endpoint: opensergo-pilot.opensergo-pilot:50051",
        ));
    }
    config.insert(BOOTSTRAP_LABEL.to_owned(), Json::from(release.tag.as_str()));
    Ok(Json::Object(config).to_string())
}

type Made = Result<GeneratedObject, Vec<Diagnostic>>;

/// The objects of one kind of rule for a service.
fn rules_of(rule: OpenSergoRule, lane: &Governed<'_>, service: &GovernedService<'_>) -> Vec<Made> {
    match rule {
        OpenSergoRule::TrafficLabel => traffic_label(lane, service).into_iter().collect(),
        OpenSergoRule::WorkloadLabel => {
            // The specification's example selects the gray workload by its own name as well.
            let selector = [("app", service.gray_workload)];
            let place = &service.spec.place;
            vec![workload_label(lane, service, service.gray_workload, &selector, place)]
        }
        OpenSergoRule::TrafficRouter => {
            let label = label_of(lane.baseline, service.workload);
            let services = service.services.iter();
            let router =
                |(id, gray): &(&ObjectRef, &str)| router(lane, service, id, gray, label.as_deref());
            services.map(router).collect()
        }
    }
}

/// The label of the pods of a baseline workload, where they have one.
fn label_of(baseline: &Baseline, workload: &ObjectRef) -> Option<String> {
    let document = baseline.get(workload)?.document();
    let template = pod_templates(document.root()).into_iter().next()?;
    let label = document.find(&template.labels().key(LABEL)).and_then(NodeRef::text)?;
    Some(label.to_owned()).filter(|label| !label.is_empty())
}

fn text(value: &str) -> Value {
    Value::string(value)
}

fn made(
    lane: &Governed<'_>,
    service: &GovernedService<'_>,
    wave: Wave,
    skeleton: (&str, &str),
    name: &str,
    values: Vec<(Path, Value)>,
    place: &Place,
) -> Made {
    let namespace = lane.release.namespace.as_deref().unwrap_or(&service.workload.namespace);
    let mut all = vec![(Path::keys(["metadata", "name"]), text(name))];
    if !namespace.is_empty() {
        all.push((Path::keys(["metadata", "namespace"]), text(namespace)));
    }
    all.extend(values);
    let document = fill(skeleton.0, skeleton.1, all).map_err(|error| vec![error])?;
    let place = Some(place.clone());
    Ok(GeneratedObject { service: service.spec.name.clone(), wave, document, place })
}

/// Says that a router has no subsets, where the baseline's pods have no label to fall back to.
///
/// Source: alibaba/spring-cloud-alibaba, OpenSergoTrafficRouterParser, reads of a destination its
/// subset alone.
fn without_label(lane: &Governed<'_>, service: &GovernedService<'_>) -> Option<Diagnostic> {
    if service.services.is_empty() || label_of(lane.baseline, service.workload).is_some() {
        return None;
    }
    let note = Diagnostic::note(format!(
        "the pods of {} have no `{LABEL}`: their TrafficRouter tells gray from baseline by the names of Services, and callers that read subsets alone, as Spring Cloud Alibaba does, pass over those",
        service.workload
    ));
    let remedy = format!("label the pods of the baseline: `{LABEL}: base`");
    Some(note.at(service.spec.place.clone()).remedy(remedy))
}

/// The TrafficRouter of a Service: the form of the control plane's sample where the baseline's pods
/// have a label to fall back to. Where they have none, any instance of the Service's name could be a
/// gray one, so the copy of the Service is the destination, whose selector takes gray pods alone.
///
/// It is called as the Service is: the control plane makes its name that of the virtual host, which
/// callers take for the service they call (opensergo-control-plane,
/// pkg/controller/transform/traffic_router_transform.go; alibaba/spring-cloud-alibaba,
/// OpenSergoTrafficRouterParser). So a service can have one.
fn router(
    lane: &Governed<'_>,
    service: &GovernedService<'_>,
    id: &ObjectRef,
    gray: &str,
    label: Option<&str>,
) -> Made {
    let (tag, header) = (lane.release.tag.as_str(), &lane.release.tag_header);
    let name = id.name.as_str();
    let mut baseline = vec![("host", name)];
    baseline.extend(label.map(|label| ("subset", label)));
    let mut lanes = match label {
        Some(_) => vec![("host", text(name)), ("subset", text(tag))],
        None => vec![("host", text(gray))],
    };
    lanes.push(("fallback", Value::string_map(baseline.clone())));
    let lanes = lanes.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let http = Path::keys(["spec", "http"]);
    let destination = |rule: usize| http.index(rule).key("route").index(0).key("destination");
    let headers = http.index(0).key("match").index(0).key("headers");
    let exact = Value::Mapping(vec![("exact".to_owned(), text(tag))]);
    let values = vec![
        // The control plane passes over what has no such label, and sends the rest to those who call
        // the service of this name (opensergo-control-plane, pkg/controller/crd_watcher.go).
        (Path::keys(["metadata", "labels", "app"]), text(name)),
        (Path::keys(["spec", "hosts"]).index(0), text(name)),
        (headers.key(header.to_owned()), exact),
        (destination(0), Value::Mapping(lanes)),
        (destination(1), Value::string_map(baseline)),
    ];
    let skeleton = (
        "templates/opensergo/traffic-router.yaml",
        include_str!("../../templates/opensergo/traffic-router.yaml"),
    );
    made(lane, service, Wave::Entry, skeleton, name, values, &service.spec.place)
}

/// The WorkloadLabelRule that gives the lane's label to whatever a selector means. What its keys mean
/// is for the implementation to say: the specification shows `app` and `database`.
fn workload_label(
    lane: &Governed<'_>,
    service: &GovernedService<'_>,
    name: &str,
    selector: &[(&str, &str)],
    place: &Place,
) -> Made {
    let values = vec![
        (Path::keys(["spec", "workloadLabels"]).index(0), text(lane.release.tag.as_str())),
        (Path::keys(["spec", "selector"]), Value::string_map(selector.iter().copied())),
    ];
    let skeleton = (
        "templates/opensergo/workload-label-rule.yaml",
        include_str!("../../templates/opensergo/workload-label-rule.yaml"),
    );
    made(lane, service, Wave::Config, skeleton, name, values, place)
}

/// The WorkloadLabelRules of shadows: one for each shadow table, or one for the shadow database.
///
/// The keys `db` and `table` are those of "How to Implement Full-Link Gray Release with OpenSergo and
/// MSE" (Alibaba Cloud Native).
fn shadow_labels(
    lane: &Governed<'_>,
    service: &GovernedService<'_>,
    database: &Database,
) -> Vec<Made> {
    let tag = &lane.release.tag;
    let shadow = |name: &str| format!("{name}_{tag}");
    let mut names = HashSet::new();
    let mut rule = |what: &str, selector: &[(&str, &str)], place: &Place| {
        // Names of tables may have what names of objects may not.
        let legal = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let stem: String = what.chars().map(legal).collect();
        let suffix = &lane.release.suffix.text;
        let mut name = format!("shadow-{stem}{suffix}");
        let mut number = 2;
        while !names.insert(name.clone()) {
            name = format!("shadow-{stem}-{number}{suffix}");
            number += 1;
        }
        workload_label(lane, service, &name, selector, place)
    };
    match &database.shadows {
        Shadows::Database { database: name, place } => {
            vec![rule(name, &[("db", &shadow(name))], place)]
        }
        Shadows::Tables { database: name } => {
            let of_table = |(table, place): &(String, Place)| {
                let shadow = shadow(table);
                let mut selector: Vec<(&str, &str)> = Vec::new();
                selector.extend(name.as_deref().map(|name| ("db", name)));
                selector.push(("table", &shadow));
                rule(table, &selector, place)
            };
            database.tables.iter().map(of_table).collect()
        }
    }
}

/// The TrafficLabelRule of a service, if it is an entry.
fn traffic_label(lane: &Governed<'_>, service: &GovernedService<'_>) -> Option<Made> {
    let entry = service.spec.entry.as_ref()?;
    let conditions = match conditions(&entry.route) {
        Ok(conditions) => conditions,
        Err(errors) => return Some(Err(errors)),
    };
    let values = vec![
        (Path::keys(["metadata", "labels", "app"]), text(service.app)),
        (Path::keys(["spec", "selector", "app"]), text(service.app)),
        (Path::keys(["spec", "trafficLabel"]), text(lane.release.tag.as_str())),
        (Path::keys(["spec", "match"]), Value::Sequence(conditions)),
    ];
    let skeleton = (
        "templates/opensergo/traffic-label-rule.yaml",
        include_str!("../../templates/opensergo/traffic-label-rule.yaml"),
    );
    let name = service.gray_workload;
    Some(made(lane, service, Wave::Entry, skeleton, name, values, &entry.place))
}

/// The conditions of a TrafficLabelRule, all of which a request fulfils.
///
/// # Errors
///
/// What the specification does not define: it shows `==` for headers and paths.
fn conditions(route: &Match) -> Result<Vec<Value>, Vec<Diagnostic>> {
    let mut conditions = Vec::new();
    let mut errors = Vec::new();
    let mut refuse = |what: &str, place: &Place| {
        errors.push(
            Diagnostic::error(format!("a TrafficLabelRule cannot match {what}"))
                .at(place.clone())
                .remedy("it can match headers by their exact value; or take `traffic-label` out of `opensergo.rules`"),
        );
    };
    for header in &route.headers {
        match &header.value {
            ValueMatch::Exact(value) => conditions.push(Value::string_map([
                ("condition", "=="),
                ("type", "header"),
                ("key", header.name.as_str()),
                ("value", value.as_str()),
            ])),
            ValueMatch::Regex(_) => refuse("a regular expression", &header.place),
        }
    }
    for query in &route.query {
        refuse("a query parameter", &query.place);
    }
    if let Some(cookie) = &route.cookie {
        refuse("a cookie", &cookie.place);
    }
    if route.weight.is_some() {
        refuse("a share of the requests", &route.place);
    }
    if errors.is_empty() { Ok(conditions) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::spec::{CookieMatch, NameMatch};

    #[test]
    fn a_traffic_label_rule_matches_headers_alone() {
        let place = Place { file: Arc::from("g.yaml"), line: 1, column: 1, text: String::new() };
        let name = |value| NameMatch { name: "x-user".into(), value, place: place.clone() };
        let exact = || name(ValueMatch::Exact("12345".into()));
        let regex = || name(ValueMatch::Regex("^1".into()));
        let cookie = CookieMatch { name: "c".into(), value: None, place: place.clone() };
        let nothing = Match {
            headers: vec![],
            cookie: None,
            query: vec![],
            weight: None,
            place: place.clone(),
        };
        for (route, refused) in [
            (Match { headers: vec![exact()], ..nothing.clone() }, ""),
            (Match { headers: vec![exact(), exact()], ..nothing.clone() }, ""),
            (Match { headers: vec![regex()], ..nothing.clone() }, "a regular expression"),
            (Match { query: vec![exact()], ..nothing.clone() }, "a query parameter"),
            (Match { cookie: Some(cookie), ..nothing.clone() }, "a cookie"),
            (Match { weight: Some(1), ..nothing.clone() }, "a share of the requests"),
            (
                Match { headers: vec![regex()], query: vec![regex()], ..nothing },
                "a regular expression, a query parameter",
            ),
        ] {
            let told = match conditions(&route) {
                Ok(conditions) => {
                    let values = conditions.iter().filter_map(|each| each.get("value")?.as_str());
                    assert!(values.eq(route.headers.iter().map(|_| "12345")));
                    String::new()
                }
                Err(errors) => {
                    let what = errors.iter().filter_map(|error| error.message.split_once("match "));
                    what.map(|(_, what)| what).collect::<Vec<_>>().join(", ")
                }
            };
            assert_eq!(told, refused);
        }
    }
}
