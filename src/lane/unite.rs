//! Services of a lane that a selector of the baseline selects together: the selector's one copy must
//! select them together too, so they replace the same labels.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::isolation::{counts_pods, gray_labels, replace};
use super::select::PlannedService;
use crate::diagnostic::Diagnostic;
use crate::spec::{GrayRelease, Isolation};
use crate::yaml::Path;

/// Lets services with a selector in common replace all keys that one of them replaces.
pub(super) fn unite(services: &mut [PlannedService<'_>], facts: &Facts, release: &GrayRelease) {
    if release.isolation == Isolation::VersionLabel {
        return;
    }
    let mut selected: BTreeMap<(usize, &Path), BTreeSet<usize>> = BTreeMap::new();
    for (number, service) in services.iter().enumerate() {
        let counting = facts
            .selecting(service.workload)
            .filter(|selecting| counts_pods(selecting.selector.role));
        for selecting in counting {
            let selector = (selecting.object, &selecting.selector.path);
            selected.entry(selector).or_default().insert(number);
        }
    }
    selected.retain(|_, numbers| numbers.len() > 1);
    // Every round replaces a key more, so this ends.
    let mut is_settled = false;
    while !is_settled {
        is_settled = true;
        for ((object, _), numbers) in &selected {
            let replaced = |number: &usize| services[*number].separation.replaced.keys().cloned();
            let keys: BTreeSet<String> = numbers.iter().flat_map(replaced).collect();
            for number in numbers {
                let service = &mut services[*number];
                let before = service.separation.replaced.len();
                let separation = &mut service.separation;
                let (labels, own) = (&service.pods.labels, &service.own_labels);
                replace(separation, &keys, labels, own, &release.suffix);
                if separation.replaced.len() == before {
                    continue;
                }
                is_settled = false;
                separation.mode = Isolation::Relabel;
                separation.reason.get_or_insert_with(|| {
                    let id = &facts.object(*object).id;
                    format!("{id} selects pods of another service of the lane too")
                });
                service.pod_labels = gray_labels(&service.own_labels, separation, &service.labels);
            }
        }
    }
}

/// Notes which services `auto` isolates by other label values, and why.
pub(super) fn relabelled(
    services: &[PlannedService<'_>],
    release: &GrayRelease,
) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for service in services.iter().filter(|_| release.isolation == Isolation::Auto) {
        let Some(reason) = &service.separation.reason else { continue };
        let replaced = &service.separation.replaced;
        let changed: Vec<String> =
            replaced.iter().map(|(key, (_, new))| format!("{key}: {new}")).collect();
        let how = match changed.is_empty() {
            true => String::new(),
            false => format!(" ({})", changed.join(", ")),
        };
        let note =
            format!("`{}` is isolated by `relabel`{how}, because {reason}", service.spec.name);
        notes.push(Diagnostic::note(note).at(service.spec.place.clone()));
    }
    notes
}
