//! What there is around lanes, gathered from files and git.
//!
//! Whatever cannot be read is passed over: it keeps nobody from checking a lane, and other commands
//! tell of it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::foreign::foreign_manifests;
use super::shared::{Part, found, is_up_to_date};
use super::workspace::Workspace;
use crate::baseline::files::Files;
use crate::check::{Delivered, Verdict, check_delivery, has_immutable_selector};
use crate::git::{CommitId, Repository};
use crate::kube::immutable::has_immutable_fields;
use crate::kube::object::ObjectRef;
use crate::overlay::{
    Desired, Found, LOCK_FILE, Lock, OverlayFile, OverlayFiles, TreeFiles, read_lock,
};
use crate::pipeline::Release;
use crate::surroundings::{Delivery, Removal, Standing, Surroundings};
use crate::yaml::{Source, parse};

/// Looks around lanes.
pub(super) struct Around<'w> {
    workspace: &'w Workspace,
    files: &'w dyn Files,
    now: Timestamp,
    /// Whether overlays are compared with what the specs give.
    compares: bool,
    delivery: Arc<Delivery>,
}

impl<'w> Around<'w> {
    /// Reads what the repository says about delivery. With another baseline than the specs', overlays
    /// are not compared.
    pub(super) fn new(
        workspace: &'w Workspace,
        files: &'w dyn Files,
        releases: &[Release],
        now: Timestamp,
        compares: bool,
    ) -> Self {
        let delivery = Arc::new(delivery(workspace, files, releases));
        Self { workspace, files, now, compares, delivery }
    }

    /// Adds to a lane what the checks find around it.
    pub(super) fn look(&self, release: &mut Release) {
        let surroundings = self.surroundings(release);
        let Verdict { findings, silenced } = check_delivery(&Delivered {
            release: &release.spec.release,
            lane: &release.lane,
            baseline: &release.baseline,
            surroundings: &surroundings,
        });
        release.findings.extend(findings);
        release.silenced.extend(silenced);
        for found in [&mut release.findings, &mut release.silenced] {
            found.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        }
    }

    fn surroundings(&self, release: &Release) -> Surroundings {
        let output = release.spec.output.clone();
        let desired = release.desired();
        let below = |file: &OverlayFile| file.path.below(&output);
        // Objects come first, in their order; other files are no manifests.
        let manifests: Vec<String> =
            desired.files.iter().take(release.lane.objects.len()).map(below).collect();
        Surroundings {
            now: self.now,
            foreign: self.foreign(&output, &desired.files),
            committed: self.committed(release, &desired.files).unwrap_or_default(),
            standing: self.standing(release, desired),
            removals: self.removals(&output),
            delivery: Arc::clone(&self.delivery),
            manifests,
            output,
        }
    }

    fn standing(&self, release: &Release, desired: Desired) -> Option<Standing> {
        if !self.compares {
            return None;
        }
        let overlay = found(self.workspace, &release.spec.output).ok()?;
        let mut standing = Standing::of(desired, &*overlay);
        if let Standing::Written(differences) = &mut standing
            && self.workspace.commit.is_none()
            && let Some(part) = Part::of(release, self.workspace)
        {
            differences.is_shared_too = is_up_to_date(&part, self.workspace).unwrap_or(true);
        }
        Some(standing)
    }

    /// The manifests in an overlay that no lock owns. What the lane is to have where it stands is told
    /// of otherwise.
    fn foreign(&self, output: &str, given: &[OverlayFile]) -> Vec<String> {
        let lock = found(self.workspace, output).and_then(|overlay| read_lock(&*overlay));
        let Ok(lock) = lock else { return Vec::new() };
        let stands = self.compares && lock.as_ref().is_some_and(|lock| !lock.is_offline());
        let owned = lock.iter().flat_map(Lock::files);
        foreign_manifests(self.files, output, owned, given.iter().filter(|_| stands))
    }

    /// The last commit: that of `--rev`, or HEAD.
    fn last(&self) -> Option<(&'w Repository, CommitId)> {
        let repository = self.workspace.repository.as_ref()?;
        let head = || repository.head().ok()?.commit();
        Some((repository, self.workspace.commit.or_else(head)?))
    }

    /// The objects with fields that cannot be changed that the last commit has otherwise.
    fn committed(
        &self,
        release: &Release,
        files: &[OverlayFile],
    ) -> Option<HashMap<ObjectRef, String>> {
        let (repository, commit) = self.last()?;
        let tree = TreeFiles::open(repository, commit, &release.spec.output).ok()?;
        let objects = release.lane.objects.iter().zip(files);
        let fixed = objects.filter(|(object, _)| {
            has_immutable_selector(&object.id) || has_immutable_fields(&object.id)
        });
        let differing = fixed.filter_map(|(object, file)| {
            let there = tree.read(&file.path).ok()?;
            let Found::File(bytes) = there else { return None };
            let text = String::from_utf8(bytes).ok()?;
            (text.as_bytes() != file.contents.as_slice()).then(|| (object.id.clone(), text))
        });
        Some(differing.collect())
    }

    /// The removals of an overlay together with changes to what it was made from: by the last commit,
    /// and by the work tree.
    fn removals(&self, output: &str) -> Vec<Removal> {
        let Some((repository, last)) = self.last() else { return Vec::new() };
        let mut removals = Vec::new();
        let lock_at = |commit| lock_at(repository, commit, output);
        let blob = |commit, path: &str| repository.blob_at(commit, path).ok().flatten();
        let at_last = lock_at(last);
        if at_last.is_none()
            && let Ok(Some(parent)) = repository.parent(last)
            && let Some(lock) = lock_at(parent)
        {
            let by = format!("the commit {}", repository.short_id(last));
            let changes = |file: &str| blob(parent, file) != blob(last, file);
            removals.extend(removal(by, &lock, changes));
        }
        if self.workspace.commit.is_none()
            && let Some(lock) = at_last
            && is_gone(self.workspace, output)
        {
            let changes = |file: &str| {
                let was = blob(last, file);
                was.is_some() && was != self.files.read(file).ok()
            };
            removals.extend(removal("the work tree".to_owned(), &lock, changes));
        }
        removals
    }
}

/// The lock of an overlay in a commit, where something is applied from it.
fn lock_at(repository: &Repository, commit: CommitId, output: &str) -> Option<Lock> {
    let path = format!("{output}/{LOCK_FILE}");
    let bytes = repository.blob_at(commit, &path).ok()??;
    let lock = Lock::parse(&String::from_utf8(bytes).ok()?, &path).ok()?;
    (!lock.is_offline()).then_some(lock)
}

/// Whether nothing is applied from an overlay of the work tree.
fn is_gone(workspace: &Workspace, output: &str) -> bool {
    let lock = found(workspace, output).and_then(|overlay| read_lock(&*overlay));
    lock.is_ok_and(|lock| lock.is_none_or(|lock| lock.is_offline()))
}

fn removal(by: String, lock: &Lock, changes: impl Fn(&str) -> bool) -> Option<Removal> {
    let files: BTreeSet<&str> =
        lock.files().iter().filter_map(|file| file.origin.baseline.as_deref()).collect();
    let files: Vec<String> =
        files.into_iter().filter(|file| changes(file)).map(str::to_owned).collect();
    (!files.is_empty()).then_some(Removal { by, files })
}

/// What the repository says about delivery.
fn delivery(workspace: &Workspace, files: &dyn Files, releases: &[Release]) -> Delivery {
    let mut delivery = Delivery::default();
    let remotes = workspace.repository.as_ref().map(Repository::remote_urls).unwrap_or_default();
    // Files that hold objects were read already; several lanes may have one baseline.
    let (mut read, mut added) = (HashSet::new(), HashSet::new());
    for object in releases.iter().flat_map(|release| release.baseline.objects()) {
        read.insert(Arc::clone(&object.file));
        let says = ["Application", "ApplicationSet", "Kustomization"];
        if says.contains(&object.id.kind.as_str()) && added.insert((&object.file, &object.id)) {
            delivery.add(&object.document(), &remotes);
        }
    }
    let all = match workspace.commit {
        Some(_) => files.list("", &|_| true).unwrap_or_default(),
        None => workspace.regular_files().unwrap_or_default(),
    };
    // What an overlay holds is no application of this repository's.
    let overlays: HashSet<&str> =
        all.iter().filter_map(|path| path.strip_suffix(LOCK_FILE)).collect();
    let is_of_overlay = |path: &str| {
        path.match_indices('/').any(|(at, _)| overlays.contains(&path[..=at]))
            && !Delivery::is_kustomization(path)
    };
    for path in &all {
        if path.rsplit('/').next() == Some("Chart.yaml") {
            delivery.add_chart(path);
        }
        let is_manifest = path.ends_with(".yaml") || path.ends_with(".yml");
        let may_say = is_manifest || Delivery::is_kustomization(path);
        if !may_say || read.contains(path.as_str()) || is_of_overlay(path) {
            continue;
        }
        let text = files.read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(text) = text.filter(|text| Delivery::concerns(path, text)) else { continue };
        let stream = parse(Source::new(path.as_str(), text)).ok();
        for document in stream.into_iter().flat_map(|stream| stream.documents) {
            delivery.add(&document, &remotes);
        }
    }
    delivery
}
