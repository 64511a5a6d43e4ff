//! The lanes beside a lane, as they stand in their overlays.

use std::collections::{BTreeSet, HashSet};

use crate::baseline::files::Files;
use crate::gateway::{Claims, Owner};
use crate::overlay::{Directory, LOCK_FILE, Lock, LockHeader};
use crate::pipeline::SpecFile;
use crate::spec::Strategy;
use crate::yaml::{Source, parse};

/// How the files start whose objects let OpenKruise drive something.
const DRIVING: [&str; 2] = ["rollout-", "trafficrouting-"];

/// What the overlays beside those of these specs take of the gateways' traffic, and need for
/// themselves: each is a directory with a lock, in the same directory as the output of a spec.
///
/// Overlays that cannot be read are passed over: `list` tells of them.
pub fn claims_of_neighbours(files: &dyn Files, specs: &[SpecFile]) -> Claims {
    let own: HashSet<&str> = specs.iter().map(|spec| spec.output.as_str()).collect();
    let files_of_specs: HashSet<&str> =
        specs.iter().map(|spec| spec.release.file.as_ref()).collect();
    let beside: BTreeSet<&str> = specs
        .iter()
        .filter(|spec| {
            let is_entered = spec.release.services.iter().any(|service| service.entry.is_some());
            is_entered || spec.release.strategy == Strategy::Kruise
        })
        .map(|spec| spec.output.rsplit_once('/').map_or("", |(directory, _)| directory))
        .collect();
    let mut claims = Claims::default();
    for directory in beside {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let is_near = |path: &str| {
            let rest = path.strip_prefix(&prefix).unwrap_or(path);
            let ends_in = |part: Directory| rest.ends_with(&format!("/{}", part.as_str()));
            !rest.contains('/') || ends_in(Directory::Entry) || ends_in(Directory::Workloads)
        };
        let found = files.list(directory, &is_near).unwrap_or_default();
        let lanes = found.iter().filter_map(|path| path.strip_suffix(LOCK_FILE)?.strip_suffix('/'));
        for lane in lanes.filter(|lane| !own.contains(lane)) {
            let entry = format!("{lane}/{}/", Directory::Entry.as_str());
            let header = files.read(&format!("{lane}/{LOCK_FILE}")).ok().and_then(|bytes| {
                let lock = Lock::parse(&String::from_utf8(bytes).ok()?, lane).ok()?;
                Some(lock.header().clone())
            });
            // Routes between services are no concern of a gateway.
            if header.as_ref().is_some_and(LockHeader::is_shared) {
                continue;
            }
            // What a spec wrote under an earlier tag is left over, not another lane.
            if header.as_ref().is_some_and(|header| files_of_specs.contains(header.spec.as_str())) {
                continue;
            }
            let name = header.as_ref().map_or(lane, |header| &header.name);
            let owner = Owner::Lane(name.into());
            let driving = |path: &str| DRIVING.iter().any(|start| path.starts_with(start));
            let workloads = format!("{lane}/{}/", Directory::Workloads.as_str());
            let is_read = |path: &&String| {
                path.starts_with(&entry) || path.strip_prefix(&workloads).is_some_and(driving)
            };
            for path in found.iter().filter(is_read) {
                let text = files.read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let stream = text.and_then(|text| parse(Source::new(path.as_str(), text)).ok());
                for document in stream.into_iter().flat_map(|stream| stream.documents) {
                    claims.add(&owner, document.root());
                    claims.hold(&owner, document.root());
                }
            }
        }
    }
    claims
}
