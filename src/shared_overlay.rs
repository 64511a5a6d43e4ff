//! Shared routes as files: an overlay that several lanes share, a directory with a lock of its own.

use crate::diagnostic::{Diagnostic, Failure};
use crate::overlay::{
    Desired, Directory, Found, Lock, LockHeader, ObjectName, Origin, OverlayFile, OverlayFiles,
    Plan, Selection, layout, plan, plan_removal,
};
use crate::shared_routes::SharedRoutes;

/// The routes that the files of a lock hold; without a lock there are none.
///
/// # Errors
///
/// A file is not there, or holds no routes: what other lanes had in it is not known. With `force`
/// they lose it.
pub fn read_shared(
    files: &dyn OverlayFiles,
    lock: Option<&Lock>,
    force: bool,
) -> Result<SharedRoutes, Failure> {
    let mut routes = SharedRoutes::default();
    let mut errors = Vec::new();
    for owned in lock.iter().flat_map(|lock| lock.files()) {
        let text = match files.read(&owned.path)? {
            Found::File(bytes) => String::from_utf8(bytes).ok(),
            _ => None,
        };
        if text.is_some_and(|text| routes.add(&text)) || force {
            continue;
        }
        let shown = files.shown(&owned.path);
        errors.push(
            Diagnostic::error(format!(
                "`{shown}`, which lanes share, was changed by hand: their routes cannot be read from it"
            ))
            .remedy(format!(
                "restore it: git restore '{shown}'\nor start again with `--force`, and generate every lane anew"
            )),
        );
    }
    if errors.is_empty() { Ok(routes) } else { Err(Failure(errors)) }
}

/// Plans the way from the files that are found to those of the routes. The last route takes the
/// lock with it.
///
/// # Errors
///
/// As of [`plan`].
pub fn plan_shared(
    routes: &SharedRoutes,
    old: Option<&Lock>,
    found: &dyn OverlayFiles,
    force: bool,
) -> Result<Plan, Failure> {
    if routes.is_empty() {
        return plan_removal(old, Selection::All, found, force);
    }
    plan(Desired { header: LockHeader::shared(), files: shared_files(routes)? }, old, found, force)
}

/// A file for each Service, in their order.
///
/// # Errors
///
/// As of [`SharedRoutes::manifests`].
pub fn shared_files(routes: &SharedRoutes) -> Result<Vec<OverlayFile>, Failure> {
    let manifests = routes.manifests()?;
    let ids = manifests.iter().map(|(id, _)| id);
    let names: Vec<ObjectName<'_>> = ids
        .map(|id| ObjectName {
            directory: Directory::Entry,
            group: &id.group,
            kind: &id.kind,
            namespace: Some(&id.namespace),
            name: &id.name,
        })
        .collect();
    let paths = layout(&names);
    let files = manifests.into_iter().zip(paths).map(|((id, text), path)| OverlayFile {
        path,
        contents: text.into_bytes().into(),
        origin: Origin { object: Some(id.to_string()), ..Origin::default() },
    });
    Ok(files.collect())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::Place;
    use crate::overlay::{FileChange, OverlayPath, read_lock};
    use crate::shared_routes::{LaneRoute, ServiceHost, Way};

    type Disk = BTreeMap<OverlayPath, Vec<u8>>;

    fn route(name: &str, tag: &str) -> LaneRoute {
        let gray = ServiceHost::new(&format!("{name}-mse-{tag}"), "prod");
        let place = Place { file: Arc::from("s.yaml"), line: 1, column: 1, text: String::new() };
        let way = Way { header: "x-mse-tag".to_owned(), gray };
        LaneRoute { host: ServiceHost::new(name, "prod"), tag: tag.to_owned(), way, place }
    }

    fn apply(disk: &mut Disk, plan: Plan) {
        for change in plan.changes {
            match change {
                FileChange::Add(file) | FileChange::Replace(file) => {
                    disk.insert(file.path, file.contents.to_vec());
                }
                FileChange::Remove(path) => {
                    disk.remove(&path);
                }
            }
        }
    }

    /// Generates a lane with routes to these Services.
    fn generate(disk: &mut Disk, tag: &str, names: &[&str]) -> Result<(), Failure> {
        let lock = read_lock(disk)?;
        let mut routes = read_shared(disk, lock.as_ref(), false)?;
        let own: Vec<_> = names.iter().map(|name| route(name, tag)).collect();
        let gray = own.iter().map(|route| route.way.gray.clone()).collect();
        routes.put(&own, &gray, false).map_err(Failure)?;
        apply(disk, plan_shared(&routes, lock.as_ref(), disk, false)?);
        Ok(())
    }

    fn cleanup(disk: &mut Disk, tag: &str, names: &[&str]) {
        let lock = read_lock(disk).unwrap();
        let mut routes = read_shared(disk, lock.as_ref(), false).unwrap();
        let gone: HashSet<_> = names.iter().map(|name| route(name, tag).way.gray).collect();
        routes.take_out(&gone);
        let plan = plan_shared(&routes, lock.as_ref(), disk, false).unwrap();
        apply(disk, plan);
    }

    fn paths(disk: &Disk) -> Vec<&str> {
        disk.keys().map(OverlayPath::as_str).collect()
    }

    #[test]
    fn files_are_the_same_in_any_order_and_go_with_the_last_lane() {
        let (mut one, mut two) = (Disk::new(), Disk::new());
        generate(&mut one, "gray", &["web", "api"]).unwrap();
        generate(&mut one, "pr-1", &["web"]).unwrap();
        generate(&mut two, "pr-1", &["web"]).unwrap();
        generate(&mut two, "gray", &["web", "api"]).unwrap();
        assert_eq!(one, two);
        assert_eq!(
            paths(&one),
            [
                "entry/virtualservice-api-lanes.yaml",
                "entry/virtualservice-web-lanes.yaml",
                "graylane.lock"
            ]
        );
        cleanup(&mut one, "gray", &["web", "api"]);
        assert_eq!(paths(&one), ["entry/virtualservice-web-lanes.yaml", "graylane.lock"]);
        let mut alone = Disk::new();
        generate(&mut alone, "pr-1", &["web"]).unwrap();
        assert_eq!(one, alone);
        cleanup(&mut one, "pr-1", &["web"]);
        assert_eq!(paths(&one), [".gitkeep", "entry/.gitkeep"]);
    }

    #[test]
    fn what_cannot_be_read_stops_it() {
        let path = OverlayPath::new("entry/virtualservice-web-lanes.yaml").unwrap();
        let mut disk = Disk::new();
        generate(&mut disk, "gray", &["web"]).unwrap();
        let whole = disk.get(&path).unwrap().clone();
        for damaged in [None, Some(b"a: [".to_vec()), Some(b"spec: {}".to_vec())] {
            match damaged {
                Some(bytes) => disk.insert(path.clone(), bytes),
                None => disk.remove(&path),
            };
            let error = generate(&mut disk, "pr-1", &["web"]).unwrap_err().to_string();
            assert!(error.contains("git restore 'entry/virtualservice-web-lanes.yaml'"), "{error}");
            let lock = read_lock(&disk).unwrap();
            assert!(read_shared(&disk, lock.as_ref(), true).unwrap().is_empty());
        }
        // An edit that leaves the routes as they are would be lost, too.
        let edited =
            String::from_utf8(whole).unwrap().replace("route:", "timeout: 5s\n      route:");
        disk.insert(path, edited.into_bytes());
        let error = generate(&mut disk, "pr-1", &["web"]).unwrap_err().to_string();
        assert!(error.contains("was changed by hand since it was generated"), "{error}");
    }
}
