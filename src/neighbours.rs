//! The lanes beside a lane, as they stand in their overlays.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::baseline::files::Files;
use crate::gateway::{Claims, Owner, holding_kinds};
use crate::invocation::Invocation;
use crate::overlay::{Directory, LOCK_FILE, Lock, LockHeader, is_named_after};
use crate::pipeline::SpecFile;
use crate::spec::{GrayRelease, Provider, Strategy};
use crate::yaml::{Document, Source, parse};

/// The tree that lanes are written to.
#[derive(Clone, Copy)]
pub struct Destination<'a> {
    /// Its files.
    pub files: &'a dyn Files,
    /// The branch, where it is not the one that is checked out.
    pub branch: Option<&'a str>,
    /// How commands are written that take away what is in the way.
    pub invocation: &'a Invocation,
}

/// The overlay of a lane beside those of some specs.
struct Beside {
    /// Its directory.
    directory: String,
    /// What its lock says; `None` where that cannot be read.
    lock: Option<Lock>,
    /// Whether one of the specs wrote it under an earlier tag.
    is_left: bool,
    /// All files near it.
    files: Vec<String>,
}

impl Beside {
    fn name(&self) -> &str {
        self.lock.as_ref().map_or(&self.directory, |lock| &lock.header().name)
    }

    fn owner(&self, to: Destination<'_>) -> Owner {
        match &self.lock {
            Some(lock) if self.is_left => Owner::Left {
                tag: lock.header().tag.as_str().into(),
                cleanup: to.invocation.cleanup(&self.directory).into(),
                branch: to.branch.map(Into::into),
            },
            _ => Owner::Lane(self.name().into()),
        }
    }

    /// The paths of its files in one of its directories, with what follows that.
    fn in_part(&self, part: Directory) -> impl Iterator<Item = (&str, &str)> {
        let prefix = format!("{}/{}/", self.directory, part.as_str());
        self.files.iter().filter_map(move |path| Some((path.as_str(), path.strip_prefix(&prefix)?)))
    }
}

/// The overlays in the same directories as the outputs of these specs, by directory.
///
/// One was written by a spec that has its path. On a branch that is not checked out that is not enough:
/// every branch may have its own spec at that path and commit its overlay there, and the name of the
/// release tells them apart.
fn beside<'a>(
    files: &dyn Files,
    branch: Option<&str>,
    specs: &[SpecFile],
    of: impl Iterator<Item = &'a SpecFile>,
) -> Vec<Beside> {
    let own: HashSet<&str> = specs.iter().map(|spec| spec.output.as_str()).collect();
    let releases: HashMap<&str, &GrayRelease> =
        specs.iter().map(|spec| (spec.release.file.as_ref(), &spec.release)).collect();
    let directories: BTreeSet<&str> = of
        .map(|spec| spec.output.rsplit_once('/').map_or("", |(directory, _)| directory))
        .collect();
    let mut lanes = Vec::new();
    for directory in directories {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let is_near = |path: &str| {
            let rest = path.strip_prefix(&prefix).unwrap_or(path);
            let ends_in = |part: Directory| rest.ends_with(&format!("/{}", part.as_str()));
            !rest.contains('/') || ends_in(Directory::Entry) || ends_in(Directory::Workloads)
        };
        let found = files.list(directory, &is_near).unwrap_or_default();
        let of_locks =
            found.iter().filter_map(|path| path.strip_suffix(LOCK_FILE)?.strip_suffix('/'));
        for lane in of_locks.filter(|lane| !own.contains(lane)) {
            let lock = files
                .read(&format!("{lane}/{LOCK_FILE}"))
                .ok()
                .and_then(|bytes| Lock::parse(&String::from_utf8(bytes).ok()?, lane).ok());
            let header = lock.as_ref().map(Lock::header);
            // Routes between services are no concern of a gateway.
            if header.is_some_and(LockHeader::is_shared) {
                continue;
            }
            let own = header.and_then(|header| {
                let release = releases.get(header.spec.as_str())?;
                (branch.is_none() || header.name == release.name).then_some(release)
            });
            let is_left = match (header, own) {
                // What a spec wrote to an earlier output are the same objects, not another lane.
                (Some(header), Some(own)) if header.tag == own.tag.as_str() => continue,
                (_, own) => own.is_some(),
            };
            let start = format!("{lane}/");
            let files = found.iter().filter(|path| path.starts_with(&start)).cloned().collect();
            lanes.push(Beside { directory: lane.to_owned(), lock, is_left, files });
        }
    }
    lanes
}

/// The documents of a manifest; none where it cannot be read.
fn documents(files: &dyn Files, path: &str) -> Vec<Document> {
    let text = files.read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let stream = text.and_then(|text| parse(Source::new(path, text)).ok());
    stream.map(|stream| stream.documents).unwrap_or_default()
}

/// What the overlays beside those of these specs take of the gateways' traffic, and need for
/// themselves: each is a directory with a lock, in the same directory as the output of a spec.
///
/// Overlays that cannot be read are passed over: `list` tells of them.
pub fn claims_of_neighbours(to: Destination<'_>, specs: &[SpecFile]) -> Claims {
    let files = to.files;
    let of = specs.iter().filter(|spec| {
        let is_entered = spec.release.services.iter().any(|service| service.entry.is_some());
        is_entered
            || spec.release.strategy == Strategy::Kruise
            || spec.release.provider == Provider::OpenSergo
    });
    let mut claims = Claims::default();
    for lane in beside(files, to.branch, specs, of) {
        let owner = lane.owner(to);
        let entry = lane.in_part(Directory::Entry);
        for document in entry.flat_map(|(path, _)| documents(files, path)) {
            claims.add(&owner, document.root());
            claims.hold(&owner, document.root());
        }
        // By their names, not by the lock: that says the kind of an object and not its group, it may be
        // one that cannot be read, and what is applied are the files.
        let holding = |name: &str| holding_kinds().any(|kind| is_named_after(name, kind));
        let workloads = lane.in_part(Directory::Workloads).filter(|(_, name)| holding(name));
        for document in workloads.flat_map(|(path, _)| documents(files, path)) {
            claims.hold(&owner, document.root());
        }
    }
    claims
}

/// The locks of the overlays beside those of these specs, each with its directory, without what one of
/// the specs wrote there itself.
pub fn locks_beside(to: Destination<'_>, specs: &[SpecFile]) -> Vec<(String, Lock)> {
    let lanes =
        beside(to.files, to.branch, specs, specs.iter()).into_iter().filter(|lane| !lane.is_left);
    lanes.filter_map(|lane| Some((lane.directory, lane.lock?))).collect()
}

/// A lane beside those of some specs, as it stands in its overlay.
#[derive(Debug)]
pub struct Neighbour {
    /// Its name.
    pub name: String,
    /// Its tag.
    pub tag: String,
    /// The path of its spec, which may be gone; `None` where the spec has another tag by now.
    pub spec: Option<String>,
    /// Its objects, each with the service it belongs to.
    pub objects: Vec<(Option<String>, Document)>,
}

/// The lanes whose overlays stand beside those of these specs, with all their manifests. Overlays
/// without a lock that can be read are passed over.
pub fn neighbours(files: &dyn Files, specs: &[SpecFile]) -> Vec<Neighbour> {
    let mut found = Vec::new();
    for lane in beside(files, None, specs, specs.iter()) {
        let Some(lock) = &lane.lock else { continue };
        let start = format!("{}/", lane.directory);
        let manifests = lock.files().iter().filter(|file| file.origin.object.is_some());
        let objects = manifests.flat_map(|file| {
            let path = format!("{start}{}", file.path.as_str());
            let own = documents(files, &path).into_iter();
            own.map(|document| (file.origin.service.clone(), document)).collect::<Vec<_>>()
        });
        let header = lock.header();
        let name = match lane.is_left {
            true => format!("{} (earlier tag {})", header.name, header.tag),
            false => header.name.clone(),
        };
        found.push(Neighbour {
            name,
            tag: header.tag.clone(),
            spec: (!lane.is_left).then(|| header.spec.clone()),
            objects: objects.collect(),
        });
    }
    found
}
