//! Who calls whom: what the spec says, else the Services that environment variables name.
//!
//! Calls through a registry leave no trace in manifests: they are known where the spec has `calls`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::diagnostic::Place;
use crate::kube::kinds::kind_of;
use crate::kube::mse::APP_NAME;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{containers, pod_templates};
use crate::kube::selectors::SelectorRole;
use crate::kube::service_dns::mentions;
use crate::lane::{Facts, Lane};
use crate::spec::{GrayRelease, Service};
use crate::yaml::{Document, NodeRef};

/// The calls of all workloads, by caller: those of the baseline and those of a lane.
#[derive(Clone, Debug, Default)]
pub struct Calls(BTreeMap<ObjectRef, Vec<Call>>);

/// One service that a workload calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What is called.
    pub callee: Callee,
    /// How it is known.
    pub because: Because,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Callee {
    /// A Service of the baseline or of a lane, by its name.
    Service(ObjectRef),
    /// A workload of the baseline, by the name that governance knows it by. It is called through the
    /// registry, whichever Services it has.
    Workload(ObjectRef),
    /// A name that nothing in the baseline has.
    Unknown(String),
}

/// How a call is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The spec says so.
    Spec(Place),
    /// An environment variable names the Service.
    Variable {
        /// The variable; empty where it has no name.
        name: String,
        /// The container; empty where it has no name.
        container: String,
        /// Where its value is; `None` for one that was written for the lane.
        place: Option<Place>,
    },
}

impl Calls {
    /// The calls of all workloads of the baseline and of a lane on it.
    ///
    /// `calls` of the spec hold for the workload and for its gray copy, and then the environment
    /// does not count. A service that calls itself is left out. Each callee stands once for a
    /// caller, in the order of the manifest; circles of calls stay in.
    pub fn of(release: &GrayRelease, facts: &Facts, lane: &Lane) -> Self {
        let mut calls = Self::of_baseline(release, facts);
        calls.add_lane(release, facts, lane);
        calls
    }

    /// The calls of all workloads of the baseline; what the spec says of its services counts.
    pub fn of_baseline(release: &GrayRelease, facts: &Facts) -> Self {
        let stated = Stated::new(release, facts);
        let is_service = |id: &ObjectRef| facts.baseline.position(id).is_some();
        let all: Vec<(ObjectRef, Vec<Call>)> = (0..facts.baseline.objects().len())
            .into_par_iter()
            .filter(|at| !facts.pods_of(*at).is_empty())
            .map(|at| {
                let object = facts.object(at);
                let calls = match stated.of(&object.id) {
                    Some(service) => stated.calls(service),
                    None => named(&object.document(), &object.id.namespace, &is_service),
                };
                (object.id.clone(), calls)
            })
            .filter(|(_, calls)| !calls.is_empty())
            .collect();
        let mut calls = Self::default();
        all.into_iter().for_each(|(caller, list)| calls.add(caller, list));
        calls
    }

    /// Puts what another spec says of the calls of its services in the place of what is known of
    /// these workloads of the baseline.
    pub fn state(&mut self, release: &GrayRelease, facts: &Facts) {
        let stated = Stated::new(release, facts);
        for service in release.services.iter().filter(|service| !service.calls.is_empty()) {
            let workload = &service.workload;
            if let Some(id) = stated.in_baseline(&workload.kind, &workload.name) {
                self.0.insert(id.clone(), stated.calls(service));
            }
        }
    }

    /// Adds the calls of the workloads of a lane.
    pub fn add_lane(&mut self, release: &GrayRelease, facts: &Facts, lane: &Lane) {
        let stated = Stated::new(release, facts);
        let own: HashSet<&ObjectRef> = lane
            .objects
            .iter()
            .map(|object| &object.id)
            .filter(|id| id.is_core_service())
            .collect();
        let is_service = |id: &ObjectRef| own.contains(id) || facts.baseline.position(id).is_some();
        let workloads = lane.objects.par_iter().filter(|object| !object.pods.is_empty());
        let all = workloads.filter_map(|object| {
            let stated_by = object.baseline().and_then(|id| stated.of(id));
            let calls = match stated_by {
                Some(service) => stated.calls(service),
                None => {
                    let document = object.document()?;
                    named(&document, &object.id.namespace, &is_service)
                }
            };
            Some((object.id.clone(), calls))
        });
        let all: Vec<(ObjectRef, Vec<Call>)> = all.collect();
        all.into_iter().for_each(|(caller, list)| self.add(caller, list));
    }

    /// Adds calls of a workload.
    pub fn add(&mut self, caller: ObjectRef, calls: Vec<Call>) {
        if !calls.is_empty() {
            self.0.entry(caller).or_default().extend(calls);
        }
    }

    /// Adds all calls of callers that are not known yet.
    pub fn merge(&mut self, other: Self) {
        for (caller, calls) in other.0 {
            self.0.entry(caller).or_insert(calls);
        }
    }

    /// What a workload calls, each callee once.
    pub fn from(&self, caller: &ObjectRef) -> &[Call] {
        self.0.get(caller).map_or(&[], Vec::as_slice)
    }

    /// All callers with what they call, by caller.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectRef, &[Call])> {
        self.0.iter().map(|(caller, calls)| (caller, calls.as_slice()))
    }
}

/// The names in the spec's `calls` that nothing in the spec or the baseline has, in the order of the
/// spec: the service that is said to call, the name, and where it is.
pub fn unknown_calls<'a>(
    release: &'a GrayRelease,
    facts: &'a Facts,
) -> Vec<(&'a str, &'a str, &'a Place)> {
    let stated = Stated::new(release, facts);
    let all = release.services.iter().flat_map(|service| {
        service.calls.iter().map(move |(name, place)| (service.name.as_str(), name.as_str(), place))
    });
    all.filter(|(_, name, _)| matches!(stated.callee(name), Callee::Unknown(_))).collect()
}

/// What the spec says of calls.
struct Stated<'a> {
    facts: &'a Facts,
    /// The services of the spec by their workload: kind and name.
    by_workload: HashMap<(&'a str, &'a str), &'a Service>,
    by_name: HashMap<&'a str, &'a Service>,
    /// The workloads of the baseline by the name that their pods register with.
    by_app_name: OnceLock<HashMap<String, &'a ObjectRef>>,
    namespace: Option<&'a str>,
}

impl<'a> Stated<'a> {
    fn new(release: &'a GrayRelease, facts: &'a Facts) -> Self {
        let services = || release.services.iter();
        Self {
            facts,
            by_workload: services()
                .map(|each| ((each.workload.kind.as_str(), each.workload.name.as_str()), each))
                .collect(),
            by_name: services().map(|each| (each.name.as_str(), each)).collect(),
            by_app_name: OnceLock::new(),
            namespace: release.namespace.as_deref(),
        }
    }

    /// The service of a workload of the baseline, where the spec says what it calls.
    fn of(&self, workload: &ObjectRef) -> Option<&'a Service> {
        let key = (workload.kind.as_str(), workload.name.as_str());
        self.by_workload.get(&key).copied().filter(|service| !service.calls.is_empty())
    }

    fn calls(&self, service: &Service) -> Vec<Call> {
        let mut seen = HashSet::new();
        let others = service.calls.iter().filter(|(name, _)| *name != service.name);
        others
            .map(|(name, place)| Call {
                callee: self.callee(name),
                because: Because::Spec(place.clone()),
            })
            .filter(|call| seen.insert(call.callee.clone()))
            .collect()
    }

    /// What a name of the spec's `calls` means: a service of the spec, a Service of the baseline, or
    /// a workload of it, by its name or the one that its pods register with.
    fn callee(&self, name: &str) -> Callee {
        if let Some(service) = self.by_name.get(name)
            && let Some(id) = self.in_baseline(&service.workload.kind, &service.workload.name)
        {
            return Callee::Workload(id.clone());
        }
        if let Some(id) = self.in_baseline("Service", name) {
            return Callee::Service(id.clone());
        }
        // Registries mostly know an application by the name of its workload, else by what its pods say.
        let kinds = ["Deployment", "StatefulSet", "DaemonSet", "CloneSet", "Rollout"];
        let workload = kinds.iter().find_map(|kind| self.in_baseline(kind, name));
        let workload = workload.or_else(|| self.registered(name));
        workload.map_or_else(|| Callee::Unknown(name.to_owned()), |id| Callee::Workload(id.clone()))
    }

    fn registered(&self, name: &str) -> Option<&'a ObjectRef> {
        let facts = self.facts;
        let all = self.by_app_name.get_or_init(|| {
            let said = facts.pods.par_iter().filter_map(|pods| {
                let object = facts.object(pods.object);
                Some((pods.app_name(object, APP_NAME)?, &object.id))
            });
            let said: Vec<_> = said.collect();
            let mut all = HashMap::new();
            for (name, id) in said {
                all.entry(name).or_insert(id);
            }
            all
        });
        all.get(name).copied()
    }

    fn in_baseline(&self, kind: &str, name: &str) -> Option<&'a ObjectRef> {
        let facts = self.facts;
        // Other systems call things that run no pods alike, such as OpenKruise its Rollouts.
        let is_meant = |at: &usize| {
            let id = &facts.object(*at).id;
            match kind {
                "Service" => id.is_core_service(),
                _ => kind_of(&id.group, &id.kind).workload || !facts.pods_of(*at).is_empty(),
            }
        };
        let ids =
            || facts.named(kind, name).filter(is_meant).map(|position| &facts.object(position).id);
        let is_near = |id: &&ObjectRef| self.namespace.is_none_or(|own| id.namespace == own);
        ids().find(is_near).or_else(|| ids().next())
    }
}

/// The Services that the literal values of a workload's environment name, each once, in the order
/// of the manifest. `namespace` is the workload's, `is_service` says which Services there are.
///
/// Bare words in variables that hold no host are no Services (see [`mentions`]).
/// Names in ConfigMaps, in arguments and in files are not looked at.
pub fn named(
    workload: &Document,
    namespace: &str,
    is_service: &dyn Fn(&ObjectRef) -> bool,
) -> Vec<Call> {
    let root = workload.root();
    let service = |name: &str, stated: Option<&str>| {
        ObjectRef::new("", "Service", stated.unwrap_or(namespace), name)
    };
    let mut seen = HashSet::new();
    let mut calls = Vec::new();
    for template in pod_templates(root) {
        for container in containers(root, &template) {
            let list = workload.find(&container.path.key("env"));
            for variable in list.into_iter().flat_map(NodeRef::items) {
                let Some(value) = variable.get("value") else { continue };
                let Some(text) = value.as_str() else { continue };
                let name = variable.get("name").and_then(NodeRef::text).unwrap_or_default();
                let found = mentions(name, text, |name, stated| is_service(&service(name, stated)));
                for mention in found {
                    let callee = service(&mention.name, mention.namespace.as_deref());
                    if !seen.insert(callee.clone()) {
                        continue;
                    }
                    let because = Because::Variable {
                        name: name.to_owned(),
                        container: container.name.clone(),
                        place: value.value_place(),
                    };
                    calls.push(Call { callee: Callee::Service(callee), because });
                }
            }
        }
    }
    calls
}

/// The workloads of the baseline whose pods a Service of it selects, by position, in order.
pub fn workloads_behind(facts: &Facts, service: &ObjectRef) -> Vec<usize> {
    let Some(position) = facts.baseline.position(service) else { return Vec::new() };
    let selectors = facts.selectors_of(position).iter();
    let of_service = selectors.filter(|each| each.selector.role == SelectorRole::Service);
    let pods = of_service.flat_map(|selecting| &selecting.pods);
    let mut workloads: Vec<usize> = pods.map(|pod| facts.pods[*pod].object).collect();
    workloads.sort_unstable();
    workloads.dedup();
    workloads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::files::Memory;
    use crate::pipeline::{BaselineFrom, Baselines, release, spec_of};

    fn workload(name: &str, env: &str) -> String {
        format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: {name}, image: '{name}:1', env: [{env}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
---
"
        )
    }

    fn shown(service: &str, baseline: &str) -> Vec<String> {
        let spec = format!(
            "apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {{name: lane}}
spec:
  tag: gray
  baseline: {{paths: [deploy]}}
  services:
    - {{name: web, images: {{web: 'web:2'}}, {service}}}
    - {{name: stock, images: {{api: 'api:2'}}, workload: Deployment/api}}
"
        );
        let spec = spec_of("graylane.yaml", &spec).unwrap();
        let file = ("deploy/all.yaml".to_owned(), baseline.as_bytes().to_vec());
        let files = Memory([file].into());
        let facts = Baselines::default().of(&files, &spec, &BaselineFrom::Spec, &[]).unwrap();
        let release = release(spec, &facts).unwrap();
        let calls = Calls::of(&release.spec.release, &facts, &release.lane);
        let show = |call: &Call| match &call.callee {
            Callee::Service(id) | Callee::Workload(id) => id.to_string(),
            Callee::Unknown(name) => format!("{name}?"),
        };
        let all = calls.iter().flat_map(|(caller, calls)| {
            calls.iter().map(|call| format!("{} -> {}", caller.name, show(call)))
        });
        all.collect()
    }

    fn baseline(web: &str) -> String {
        let api = "{name: DB, value: 'mysql://db:3306/a'}";
        [workload("web", web), workload("api", api), workload("db", "")].concat()
    }

    #[test]
    fn the_environment_tells_who_is_called() {
        let env = "{name: API, value: 'http://api:80'}, {name: A, value: 'api:80,web:80,other:1'}";
        assert_eq!(
            shown("", &baseline(env)),
            [
                "api -> Service/db",
                "api-mse-gray -> Service/db",
                "web -> Service/api",
                "web -> Service/web",
                "web-mse-gray -> Service/api",
                "web-mse-gray -> Service/web",
            ]
        );
        let rewritten = shown("rewriteEnv: true", &baseline("{name: A, value: 'api:80'}"));
        assert!(rewritten.contains(&"web-mse-gray -> Service/api-mse-gray".to_owned()));
        assert!(rewritten.contains(&"web -> Service/api".to_owned()));
    }

    #[test]
    fn a_name_in_a_registry_or_of_a_database_is_no_call() {
        let env = "{name: SPRING_APPLICATION_NAME, value: web}, {name: MYSQL_DATABASE, value: db}";
        let web = |env: &str| {
            let calls = shown("rewriteEnv: true", &baseline(env)).into_iter();
            calls.filter(|call| call.starts_with("web")).collect::<Vec<_>>()
        };
        assert!(web(env).is_empty());
        assert_eq!(
            web("{name: MYSQL_DATABASE, value: db}, {name: MYSQL_HOST, value: db}"),
            ["web -> Service/db", "web-mse-gray -> Service/db"]
        );
    }

    #[test]
    fn the_spec_wins_over_the_environment() {
        let env = "{name: API, value: 'http://api:80'}";
        assert_eq!(
            shown("calls: [stock, db, web, nacos, db]", &baseline(env)),
            [
                "api -> Service/db",
                "api-mse-gray -> Service/db",
                "web -> Deployment/api",
                "web -> Service/db",
                "web -> nacos?",
                "web-mse-gray -> Deployment/api",
                "web-mse-gray -> Service/db",
                "web-mse-gray -> nacos?",
            ]
        );
    }

    #[test]
    fn a_service_leads_to_the_workloads_it_selects() {
        let text = baseline("");
        let spec = spec_of("graylane.yaml", "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {name: l}\nspec:\n  tag: gray\n  baseline: {paths: [deploy]}\n  services: [{name: web}]\n").unwrap();
        let files = Memory([("deploy/all.yaml".to_owned(), text.into_bytes())].into());
        let facts = Baselines::default().of(&files, &spec, &BaselineFrom::Spec, &[]).unwrap();
        let behind = |name| {
            let workloads = workloads_behind(&facts, &ObjectRef::new("", "Service", "", name));
            workloads.iter().map(|at| facts.object(*at).id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(behind("api"), ["Deployment/api"]);
        assert!(behind("nowhere").is_empty());
    }

    #[test]
    fn a_workload_is_known_by_the_name_it_registers_with() {
        let named = baseline("").replace("{app: db}", "{app: db, msePilotCreateAppName: shop-db}");
        let calls = shown("calls: [shop-db, shop]", &named);
        assert!(calls.contains(&"web -> Deployment/db".to_owned()), "{calls:?}");
        assert!(calls.contains(&"web -> shop?".to_owned()), "{calls:?}");
    }

    #[test]
    fn an_annotation_says_the_name_as_well() {
        let metadata = "metadata: {labels: {app: db}";
        let said = |more: &str| {
            let named =
                baseline("").replace(&format!("{metadata}}}"), &format!("{metadata}{more}}}"));
            shown("calls: [shop-db]", &named)
        };
        let calls = said(", annotations: {msePilotCreateAppName: shop-db}");
        assert!(calls.contains(&"web -> Deployment/db".to_owned()), "{calls:?}");
        // A label counts for more.
        let calls = baseline("")
            .replace("labels: {app: db}", "labels: {app: db, msePilotCreateAppName: db}, annotations: {msePilotCreateAppName: shop-db}");
        let calls = shown("calls: [shop-db]", &calls);
        assert!(calls.contains(&"web -> shop-db?".to_owned()), "{calls:?}");
    }

    #[test]
    fn what_runs_no_pods_is_not_called() {
        let rollout =
            "apiVersion: rollouts.kruise.io/v1beta1\nkind: Rollout\nmetadata: {name: shop}\n";
        let named = baseline("").replace("{app: db}", "{app: db, msePilotCreateAppName: shop}");
        let calls = shown("calls: [shop]", &(named + rollout));
        assert!(calls.contains(&"web -> Deployment/db".to_owned()), "{calls:?}");
    }
}
