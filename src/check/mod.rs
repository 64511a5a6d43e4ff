//! Findings: what is wrong with a lane that could be written. One file per finding, with its code,
//! its rule and its tests; [`FINDINGS`] lists them.

mod affinity_before_match;
mod alb_order;
mod apisix_priority;
mod baseline_in_lane;
mod baseline_moved;
mod baseline_tagged;
mod budget_blocks_drains;
mod call_unknown;
mod canary_without_base;
mod cleanup_with_baseline;
mod consumer_group_shared;
mod cron_job_twice;
mod database_shared;
mod delivered;
mod dns_claimed_twice;
mod drift;
mod entry_missing;
mod entry_without_pods;
#[cfg(test)]
mod fixture;
mod foreign_manifest;
mod gray;
mod hand_edited;
mod host_network;
mod host_path;
mod host_port;
mod image_mutable;
mod image_unchanged;
mod immutable_changed;
mod immutable_selector;
mod injection_gap;
mod kruise_collision;
mod label_read;
mod lane_collision;
mod lane_expired;
mod leader_election;
mod migration;
mod monitor_gap;
mod mse_app_name;
mod mse_app_name_default;
mod mse_namespace;
mod mse_namespace_label;
mod mse_value_not_string;
mod network_policy_gap;
mod opensergo_collision;
mod opensergo_no_crd;
mod overlay_applied_twice;
mod overlay_leak;
mod overlay_not_applied;
mod overlay_with_baseline;
mod patch_idle;
mod pod;
mod policy_not_copied;
mod port_missing;
mod prune_disabled;
mod reference_ambiguous;
mod reference_dangling;
mod rivals;
mod route_overtaken;
mod route_taken;
mod rules;
mod selector_changed;
mod selector_leak;
mod selector_overlap;
mod selector_starved;
mod service_account_unbound;
mod service_monitor_duplicate;
mod service_unreachable;
mod tag_header_unset;
mod value_not_string;
mod version_label;
mod volume_shared;
mod weight_beside_match;
mod words;

use rayon::prelude::*;

use gray::Gray;

use crate::baseline::Object;
use crate::diagnostic::{Diagnostic, Failure, Severity};
use crate::gateway::Claims;
use crate::kube::mse;
use crate::kube::pod_specs::pod_templates;
use crate::lane::{Facts, GrayObject, Labels, Lane, Made};
use crate::spec::{GrayRelease, Provider};
use crate::yaml::{Document, NodeRef, Path};

pub use delivered::Delivered;
pub use rules::Verdict;
pub(crate) use selector_changed::has_immutable_selector;

/// What a finding looks at.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The spec.
    pub release: &'a GrayRelease,
    /// The baseline.
    pub facts: &'a Facts,
    /// The lane the spec gives on it.
    pub lane: &'a Lane,
    /// What other lanes take of the gateways' traffic, and need for themselves.
    pub others: &'a Claims,
}

/// A rule that lanes are checked by.
pub struct Finding {
    /// Stable code, in kebab case.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// What it means, for people.
    pub doc: &'static str,
    /// Whether no spec can make it less than an error.
    pub is_fixed: bool,
    check: Check,
}

/// What a rule looks at.
#[derive(Clone, Copy)]
enum Check {
    /// The lane as a whole.
    Lane(fn(&Subject<'_>) -> Vec<Diagnostic>),
    /// The lane's pods and selectors against the baseline's.
    Pods(fn(&Subject<'_>, &Gray<'_>) -> Vec<Diagnostic>),
    /// Each copy for itself, while its nodes are there.
    Copy(fn(&Made<'_>) -> Vec<Diagnostic>),
    /// The lane in its repository.
    Delivery(fn(&Delivered<'_>) -> Vec<Diagnostic>),
}

impl Finding {
    /// What it means in one sentence: the first of its documentation.
    pub fn summary(&self) -> &'static str {
        self.doc.split("\n\n").next().unwrap_or_default()
    }

    /// What its rule found, as its own.
    fn told(&self, found: Vec<Diagnostic>) -> impl Iterator<Item = Diagnostic> {
        found.into_iter().map(|mut diagnostic| {
            diagnostic.severity = self.severity;
            diagnostic.code(self.code)
        })
    }
}

/// All findings, by code.
pub const FINDINGS: &[Finding] = &[
    affinity_before_match::FINDING,
    alb_order::FINDING,
    apisix_priority::FINDING,
    baseline_in_lane::FINDING,
    baseline_moved::FINDING,
    baseline_tagged::FINDING,
    budget_blocks_drains::FINDING,
    call_unknown::FINDING,
    canary_without_base::FINDING,
    cleanup_with_baseline::FINDING,
    consumer_group_shared::FINDING,
    cron_job_twice::FINDING,
    database_shared::FINDING,
    dns_claimed_twice::FINDING,
    drift::FINDING,
    entry_missing::FINDING,
    entry_without_pods::FINDING,
    foreign_manifest::FINDING,
    hand_edited::FINDING,
    host_network::FINDING,
    host_path::FINDING,
    host_port::FINDING,
    image_mutable::FINDING,
    image_unchanged::FINDING,
    immutable_changed::FINDING,
    immutable_selector::FINDING,
    injection_gap::FINDING,
    kruise_collision::FINDING,
    label_read::FINDING,
    lane_collision::FINDING,
    lane_expired::FINDING,
    leader_election::FINDING,
    migration::FINDING,
    monitor_gap::FINDING,
    mse_app_name::FINDING,
    mse_app_name_default::FINDING,
    mse_namespace::FINDING,
    mse_namespace_label::FINDING,
    mse_value_not_string::FINDING,
    network_policy_gap::FINDING,
    opensergo_collision::FINDING,
    opensergo_no_crd::FINDING,
    overlay_applied_twice::FINDING,
    overlay_leak::FINDING,
    overlay_not_applied::FINDING,
    overlay_with_baseline::FINDING,
    patch_idle::FINDING,
    policy_not_copied::FINDING,
    port_missing::FINDING,
    prune_disabled::FINDING,
    reference_ambiguous::FINDING,
    reference_dangling::FINDING,
    route_overtaken::FINDING,
    route_taken::FINDING,
    selector_changed::FINDING,
    selector_leak::FINDING,
    selector_overlap::FINDING,
    selector_starved::FINDING,
    service_account_unbound::FINDING,
    service_monitor_duplicate::FINDING,
    service_unreachable::FINDING,
    tag_header_unset::FINDING,
    value_not_string::FINDING,
    version_label::FINDING,
    volume_shared::FINDING,
    weight_beside_match::FINDING,
];

/// Looks at a copy by every rule for copies.
pub fn inspect(made: &Made<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for finding in FINDINGS {
        if let Check::Copy(check) = finding.check {
            found.extend(finding.told(check(made)));
        }
    }
    found
}

/// Checks a lane by every rule, those included that looked at its copies.
///
/// # Errors
///
/// What the spec says of findings that there are not, or that cannot be weighed.
pub fn check(subject: &Subject<'_>) -> Result<Verdict, Failure> {
    let refused = rules::refused(subject.release);
    if !refused.is_empty() {
        return Err(Failure(refused));
    }
    let gray = Gray::of(&subject.lane.objects);
    let mut found = subject.lane.seen.clone();
    // One at a time: they take very different times.
    found.par_extend(FINDINGS.par_iter().with_max_len(1).flat_map_iter(|finding| {
        finding.told(match finding.check {
            Check::Lane(check) => check(subject),
            Check::Pods(check) => check(subject, &gray),
            Check::Copy(_) | Check::Delivery(_) => Vec::new(),
        })
    }));
    found.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    Ok(rules::weigh(&subject.release.findings, found))
}

/// Checks how a lane is delivered, by every rule about that.
pub fn check_delivery(delivered: &Delivered<'_>) -> Verdict {
    let mut found = Vec::new();
    for finding in FINDINGS {
        if let Check::Delivery(check) = finding.check {
            found.extend(finding.told(check(delivered)));
        }
    }
    rules::weigh(&delivered.release.findings, found)
}

/// A gray workload that MSE governs, and what it is made from.
struct MseWorkload<'a> {
    gray: &'a GrayObject,
    baseline: &'a Object,
    /// The labels of the baseline's pods.
    labels: &'a Labels,
}

impl<'a> MseWorkload<'a> {
    /// The gray workloads, where the lane is governed by MSE.
    fn all(subject: &Subject<'a>) -> impl Iterator<Item = Self> {
        let facts = subject.facts;
        let is_governed = subject.release.provider == Provider::Mse;
        let objects = subject.lane.objects.iter().filter(move |_| is_governed);
        objects.filter(|object| !object.pods.is_empty()).filter_map(|gray| {
            let position = facts.baseline.position(gray.baseline()?)?;
            let labels = &facts.pods_of(position).first()?.labels;
            Some(Self { gray, baseline: facts.object(position), labels })
        })
    }

    /// What the gray pods and the baseline's say to MSE under a key. Nodes are made only where their
    /// labels do not say it.
    fn said(&self, key: &str) -> (Option<String>, Option<String>) {
        let (gray, baseline) =
            (self.gray.pods.first().and_then(|labels| label(labels, key)), label(self.labels, key));
        if (gray.is_some() && baseline.is_some()) || !self.gray.text.contains(key) {
            return (gray, baseline);
        }
        let of = |document: &Document| {
            let said = metadata(document).and_then(|(_, metadata)| mse::said(metadata, key));
            said.and_then(NodeRef::text).map(str::to_owned)
        };
        (self.gray.document().as_deref().and_then(of), of(&self.baseline.document()))
    }
}

fn label(labels: &Labels, key: &str) -> Option<String> {
    labels.iter().find(|(candidate, _)| candidate == key).map(|(_, value)| value.clone())
}

/// The metadata of an object's first pod template, and where it is.
fn metadata(document: &Document) -> Option<(Path, NodeRef<'_>)> {
    let path = pod_templates(document.root()).into_iter().next()?.path.key("metadata");
    let node = document.find(&path)?;
    Some((path, node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sorted() {
        let codes: Vec<&str> = FINDINGS.iter().map(|finding| finding.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
        for finding in FINDINGS {
            let summary = finding.summary();
            assert!(summary.ends_with('.') && !summary.contains('\n'), "{}", finding.code);
            assert!(finding.doc.contains("\n\nRemedy: "), "{}", finding.code);
        }
    }
}
