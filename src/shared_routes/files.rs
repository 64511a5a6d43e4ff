//! Shared routes as files: a directory with a lock of its own.

use std::collections::BTreeMap;

use super::{ServiceHost, SharedRoutes, manifest};
use crate::diagnostic::{Diagnostic, Failure};
use crate::overlay::{
    Desired, Directory, Found, Lock, LockHeader, ObjectName, Origin, OverlayFile, OverlayFiles,
    Plan, Selection, layout, plan, plan_removal,
};

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
        match text.as_deref().and_then(manifest::read) {
            Some((host, ways)) => routes.insert(host, ways),
            None if force => {}
            None => {
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
        }
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
    plan(Desired { header: LockHeader::shared(), files: routes.files()? }, old, found, force)
}

impl SharedRoutes {
    /// A file for each Service, in their order.
    ///
    /// # Errors
    ///
    /// None are known; a skeleton could be wrong.
    pub fn files(&self) -> Result<Vec<OverlayFile>, Failure> {
        let objects: BTreeMap<&ServiceHost, _> =
            self.0.keys().map(|host| (host, manifest::object_of(host))).collect();
        let names: Vec<ObjectName<'_>> = objects
            .values()
            .map(|id| ObjectName {
                directory: Directory::Entry,
                group: &id.group,
                kind: &id.kind,
                namespace: Some(&id.namespace),
                name: &id.name,
            })
            .collect();
        let files = self.0.iter().zip(layout(&names)).map(|((host, ways), path)| {
            let object = objects.get(host).map(ToString::to_string);
            let contents = manifest::text(host, ways)?.into_bytes().into();
            Ok(OverlayFile { path, contents, origin: Origin { object, ..Origin::default() } })
        });
        files.collect::<Result<_, Diagnostic>>().map_err(Failure::from)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::tests::route;
    use super::*;
    use crate::overlay::{FileChange, OverlayPath, read_lock};

    type Disk = BTreeMap<OverlayPath, Vec<u8>>;

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
