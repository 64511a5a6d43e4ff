//! A lane's part of a VirtualService of the baseline: a VirtualService without hosts, which an
//! entry of the baseline's delegates to.
//!
//! The entry, the slot, is added to the baseline once for each tag; where the delegate is not there,
//! Istio passes over that entry alone. One level of delegation is all there is.
//!
//! Source: istio.io/latest/docs/reference/config/networking/virtual-service (Delegate);
//! istio/istio, pilot/pkg/model/virtualservice.go (`mergeHTTPMatchRequests`).

use std::collections::HashMap;

use super::super::GovernedService;
use super::hosts::RuleHost;
use super::matching::{self, Tagged};
use super::rules::{GROUP, KIND, Rule};
use crate::baseline::Baseline;
use crate::diagnostic::Diagnostic;
use crate::kube::object::ObjectRef;
use crate::shared_routes::ServiceHost;
use crate::skeleton::fill;
use crate::yaml::{Document, NodeRef, Path, Value};

/// Fields of a mapping, in order.
type Fields = Vec<(String, Value)>;

/// What a lane asks of a VirtualService.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// The tag of the lane.
    pub(super) tag: &'a str,
    /// The header that carries it, in lower case.
    pub(super) header: &'a str,
    /// The namespace of the lane's objects.
    pub(super) namespace: &'a str,
    /// The lane's Services, with their copies.
    pub(super) gray: &'a HashMap<ServiceHost, ServiceHost>,
    /// The services of the lane, whose gray pods call as the baseline's do.
    pub(super) callers: &'a [GovernedService<'a>],
    /// The baseline.
    pub(super) baseline: &'a Baseline,
}

impl Asked<'_> {
    /// The name of a delegate: `<VirtualService>-<tag>`.
    fn name(&self, root: &Rule<'_>) -> String {
        format!("{}-{}", root.object.id.name, self.tag)
    }

    /// The entry to add to a VirtualService, as lines to paste.
    fn lines(&self, root: &Rule<'_>) -> String {
        let Self { tag, header, namespace, .. } = self;
        let mut lines = format!(
            "- name: lane-{tag}\n  match:\n    - headers:\n        {header}:\n          exact: {tag}\n  delegate:\n    name: {}",
            self.name(root)
        );
        if root.object.id.namespace != *namespace {
            lines.push_str(&format!("\n    namespace: {namespace}"));
        }
        lines
    }

    /// The delegate of a VirtualService: its entries again, for requests with the tag, with copies
    /// in the place of the lane's Services.
    ///
    /// # Errors
    ///
    /// There is no slot for it, or none that it fits; no entry leads to the lane.
    pub(super) fn delegate(&self, root: &Rule<'_>) -> Result<Document, Diagnostic> {
        let slot = self.slot(root)?;
        let mut entries = Vec::new();
        let mut leads = false;
        for entry in after(root, slot.position) {
            if let Some(delegate) = entry.get("delegate") {
                if self.is_there(root, delegate) {
                    return Err(self.nested(root, delegate));
                }
                continue;
            }
            let (fields, is_led) = self.entry(root, entry)?;
            leads |= is_led;
            entries.extend(fields.map(Value::Mapping));
        }
        if !leads {
            let error = Diagnostic::error(format!(
                "no entry of {} leads to a Service of the lane `{}`",
                root.object.id, self.tag
            ));
            let remedy = "let an entry lead to the Service that is in the lane, or give its host a VirtualService of its own";
            return Err(error.at(http(root).and_then(NodeRef::place)).remedy(remedy));
        }
        self.fits(&slot, &entries)?;
        let values = vec![
            (Path::keys(["metadata", "name"]), Value::string(self.name(root))),
            (Path::keys(["metadata", "namespace"]), Value::string(self.namespace)),
            (Path::keys(["spec", "http"]), Value::Sequence(entries)),
        ];
        let skeleton = include_str!("../../../templates/istio/delegate.yaml");
        Ok(fill("templates/istio/delegate.yaml", skeleton, values)?.without_comments())
    }

    /// The entry that delegates to this lane.
    fn slot<'r>(&self, root: &'r Rule<'_>) -> Result<Slot<'r>, Diagnostic> {
        let id = &root.object.id;
        let entries = || http(root).into_iter().flat_map(NodeRef::items).enumerate();
        let named = |entry: NodeRef<'_>| {
            let name = entry.at(&["delegate", "name"]).and_then(NodeRef::as_str);
            name.is_some_and(|name| name == self.name(root))
        };
        let Some((position, node)) = entries().find(|(_, entry)| named(*entry)) else {
            return Err(self.without_slot(root));
        };
        let before = entries().take(position).find(|(_, entry)| entry.get("delegate").is_none());
        if let Some((_, before)) = before {
            let error = Diagnostic::error(format!(
                "the entry of {id} that delegates to `{}` comes after one that may take its requests",
                self.name(root)
            ));
            let error = error.at(node.place());
            let error = match before.place() {
                Some(place) => {
                    error.related(place, "this one comes first, and the first that matches wins")
                }
                None => error,
            };
            return Err(error.remedy("move it to the top of `spec.http`"));
        }
        let said = node.at(&["delegate", "namespace"]).and_then(NodeRef::as_str);
        let namespace = said.filter(|said| !said.is_empty()).unwrap_or(&id.namespace);
        if namespace != self.namespace {
            let error = Diagnostic::error(format!(
                "the entry of {id} for this lane delegates to the namespace `{namespace}`, but the lane is in `{}`",
                self.namespace
            ));
            let place = node.get("delegate").and_then(NodeRef::place);
            return Err(error.at(place).remedy(format!(
                "make it\ndelegate:\n  name: {}\n  namespace: {}",
                self.name(root),
                self.namespace
            )));
        }
        Ok(Slot { position, node })
    }

    fn without_slot(&self, root: &Rule<'_>) -> Diagnostic {
        let error = Diagnostic::error(format!(
            "{} has no entry for the lane `{}`, and sidecars drop a second VirtualService for its hosts",
            root.object.id, self.tag
        ));
        let lines = self.lines(root);
        let (place, remedy) = match http(root).filter(|http| !http.is_empty()) {
            Some(http) => (
                http.place(),
                format!(
                    "add this as the first entry of `spec.http`; it does nothing until the lane is there:\n{lines}"
                ),
            ),
            // With the lane's entry alone all other requests would get 404.
            None => (
                root.document.at(&["spec"]).and_then(NodeRef::place),
                format!(
                    "give it `spec.http` with an entry for the lane, which does nothing until the lane is there, and one for all other requests:\n{lines}\n- route:\n    - destination:\n        host: …"
                ),
            ),
        };
        error.at(place).remedy(remedy)
    }

    /// Whether a delegate stands in the baseline; otherwise it is the slot of a lane.
    fn is_there(&self, root: &Rule<'_>, delegate: NodeRef<'_>) -> bool {
        let text = |key: &str| delegate.get(key).and_then(NodeRef::as_str);
        let namespace = text("namespace").unwrap_or(&root.object.id.namespace);
        let id = ObjectRef::new(GROUP, KIND, namespace, text("name").unwrap_or_default());
        self.baseline.get(&id).is_some()
    }

    fn nested(&self, root: &Rule<'_>, delegate: NodeRef<'_>) -> Diagnostic {
        let error = Diagnostic::error(format!(
            "an entry of {} delegates to another VirtualService: a lane cannot repeat that, because a delegate cannot delegate",
            root.object.id
        ));
        error.at(delegate.place()).remedy(
            "give the Service of the lane a VirtualService of its own, or write the delegate's entries in its place",
        )
    }

    /// An entry of the baseline as the lane has it, unless no request of the lane comes to it; and
    /// whether it leads to the lane.
    fn entry(
        &self,
        root: &Rule<'_>,
        entry: NodeRef<'_>,
    ) -> Result<(Option<Fields>, bool), Diagnostic> {
        let Some(matches) = self.matches(root, entry)? else { return Ok((None, false)) };
        let namespace = &root.object.id.namespace;
        let mut fields = Fields::new();
        let mut leads = false;
        for (key, value) in entry.entries().filter(|(key, _)| *key != "match") {
            let mut value = Value::from(value);
            match key {
                "route" => {
                    leads |= self.lead(&mut value, namespace);
                    value = united(value);
                }
                "mirror" => {
                    self.lead_one(&mut value, namespace);
                }
                "mirrors" => {
                    self.lead(&mut value, namespace);
                }
                "headers" if !keep_header(&mut value, self.header) => continue,
                _ => {}
            }
            fields.push((key.to_owned(), value));
        }
        // A name comes first, as people write it.
        let after_name = usize::from(fields.first().is_some_and(|(key, _)| key == "name"));
        fields.insert(after_name, ("match".to_owned(), Value::Sequence(matches)));
        Ok((Some(fields), leads))
    }

    /// What an entry asks of requests, with the lane's tag besides; `None` where that cannot be.
    fn matches(
        &self,
        root: &Rule<'_>,
        entry: NodeRef<'_>,
    ) -> Result<Option<Vec<Value>>, Diagnostic> {
        let there: Vec<NodeRef<'_>> =
            entry.get("match").into_iter().flat_map(NodeRef::items).collect();
        if there.is_empty() {
            return Ok(Some(vec![matching::tagged(Vec::new(), self.header, self.tag)]));
        }
        let mut matches = Vec::new();
        for node in there {
            match matching::with_tag(node, self.header, self.tag) {
                Tagged::Match(value) => {
                    let gray = self.callers.iter().filter_map(|caller| {
                        let namespace = &caller.workload.namespace;
                        let (labels, gray) = (caller.labels, caller.gray_labels);
                        matching::from_gray(&value, namespace, labels, gray)
                    });
                    let gray: Vec<Value> = gray.collect();
                    matches.push(value);
                    for each in gray {
                        if !matches.contains(&each) {
                            matches.push(each);
                        }
                    }
                }
                Tagged::Never => {}
                Tagged::Unknown => {
                    let error = Diagnostic::error(format!(
                        "an entry of {} asks for the header `{}` by a regular expression: it cannot be told whether the lane's requests fit",
                        root.object.id, self.header
                    ));
                    let remedy =
                        "ask for it by `exact` or `prefix`, or use another `gateway.tagHeader`";
                    return Err(error.at(node.place()).remedy(remedy));
                }
            }
        }
        Ok((!matches.is_empty()).then_some(matches))
    }

    /// Leads destinations to the lane's copies, which have no subsets; whether any is.
    fn lead(&self, route: &mut Value, namespace: &str) -> bool {
        let mut leads = false;
        for weighted in items(route) {
            if let Value::Mapping(fields) = weighted {
                fields
                    .retain_mut(|(key, value)| key != "headers" || keep_header(value, self.header));
            }
            let destination = field(weighted, "destination");
            leads |= destination.is_some_and(|found| self.lead_one(found, namespace));
        }
        leads
    }

    /// Leads one destination to the lane's copy, where it has one.
    fn lead_one(&self, destination: &mut Value, namespace: &str) -> bool {
        name_fully(destination, namespace);
        let host = destination.get("host").and_then(Value::as_str);
        let Some(gray) = host.and_then(ServiceHost::parse).and_then(|host| self.gray.get(&host))
        else {
            return false;
        };
        if let Value::Mapping(fields) = destination {
            fields.retain(|(key, _)| key != "subset");
        }
        if let Some(host) = field(destination, "host") {
            *host = Value::string(gray.to_string());
        }
        true
    }

    /// Refuses a slot whose own conditions leave no place for an entry of the delegate: Istio drops
    /// the whole of them then.
    fn fits(&self, slot: &Slot<'_>, entries: &[Value]) -> Result<(), Diagnostic> {
        let Some(asked) = slot.node.get("match").filter(|asked| !asked.is_empty()) else {
            return Ok(());
        };
        let roots: Vec<Value> = asked.items().map(Value::from).collect();
        let matches = entries.iter().filter_map(|entry| match entry.get("match") {
            Some(Value::Sequence(matches)) => Some(matches),
            _ => None,
        });
        let misfit = |leaf: &&Value| roots.iter().all(|root| matching::conflict(root, leaf));
        if matches.flatten().find(misfit).is_none() {
            return Ok(());
        }
        let error = Diagnostic::error(
            "the conditions of the entry for this lane do not go with those of the entries after it: Istio would drop the delegate",
        );
        Err(error.at(asked.place()).remedy(format!(
            "let it ask for nothing but the tag:\nmatch:\n  - headers:\n      {}:\n        exact: {}",
            self.header, self.tag
        )))
    }
}

/// The entry of a VirtualService that delegates to a lane.
struct Slot<'r> {
    position: usize,
    node: NodeRef<'r>,
}

fn http<'r>(root: &'r Rule<'_>) -> Option<NodeRef<'r>> {
    root.document.at(&["spec", "http"])
}

fn after<'r>(root: &'r Rule<'_>, position: usize) -> impl Iterator<Item = NodeRef<'r>> {
    http(root).into_iter().flat_map(NodeRef::items).skip(position + 1)
}

fn items(value: &mut Value) -> &mut [Value] {
    match value {
        Value::Sequence(items) => items,
        _ => &mut [],
    }
}

fn field<'v>(value: &'v mut Value, key: &str) -> Option<&'v mut Value> {
    match value {
        Value::Mapping(fields) => {
            fields.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
        }
        _ => None,
    }
}

/// Takes a header out of what is done to requests (`Headers`): within a lane the tag stays what it is.
/// Whether anything is left.
fn keep_header(headers: &mut Value, name: &str) -> bool {
    let is_it = |other: &str| other.eq_ignore_ascii_case(name);
    if let Some(Value::Mapping(request)) = field(headers, "request") {
        request.retain_mut(|(verb, edits)| match (verb.as_str(), edits) {
            ("set" | "add", Value::Mapping(pairs)) => {
                pairs.retain(|(key, _)| !is_it(key));
                !pairs.is_empty()
            }
            ("remove", Value::Sequence(names)) => {
                names.retain(|each| !each.as_str().is_some_and(is_it));
                !names.is_empty()
            }
            _ => true,
        });
    }
    let Value::Mapping(directions) = headers else { return true };
    directions.retain(|(_, edits)| !matches!(edits, Value::Mapping(edits) if edits.is_empty()));
    !directions.is_empty()
}

/// Writes a Service's host in full: a delegate may be in another namespace than its root.
fn name_fully(destination: &mut Value, namespace: &str) {
    let Some(host) = field(destination, "host") else { return };
    let read = host.as_str().map(|text| RuleHost::read(text, namespace));
    if let Some(RuleHost::Service(service)) = read {
        *host = Value::string(service.to_string());
    }
}

/// A list of destinations in which those that differ by weight alone are one: what were subsets of
/// the baseline is one copy.
fn united(route: Value) -> Value {
    let Value::Sequence(destinations) = route else { return route };
    let mut united: Vec<(Fields, Option<i64>)> = Vec::new();
    for destination in destinations {
        let Value::Mapping(mut fields) = destination else { continue };
        let at = fields.iter().position(|(key, _)| key == "weight");
        let weight = at.map(|at| fields.remove(at).1).and_then(|weight| match weight {
            Value::Plain(text) => text.parse::<i64>().ok(),
            _ => None,
        });
        let same = |there: &&mut (Fields, Option<i64>)| {
            Value::Mapping(there.0.clone()) == Value::Mapping(fields.clone())
        };
        match united.iter_mut().find(same) {
            Some((_, sum)) => *sum = sum.zip(weight).map(|(sum, more)| sum.saturating_add(more)),
            None => united.push((fields, weight)),
        }
    }
    let is_one = united.len() == 1;
    let weigh = |(mut fields, weight): (Fields, Option<i64>)| {
        let weight =
            weight.filter(|_| !is_one).map(|weight| ("weight".to_owned(), Value::int(weight)));
        fields.extend(weight);
        Value::Mapping(fields)
    };
    Value::Sequence(united.into_iter().map(weigh).collect())
}
