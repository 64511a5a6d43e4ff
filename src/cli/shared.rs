//! What lanes share, as commands read and write it.

use std::collections::{BTreeMap, HashSet};

use super::generate::change_line;
use super::output::Output;
use super::workspace::Workspace;
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::{Change, CommitId, Repository};
use crate::overlay::{
    Lock, OverlayDir, OverlayFile, OverlayFiles, OverlayPath, Plan, TreeFiles, Writing,
    commit_changes, read_lock,
};
use crate::pipeline::Release;
use crate::shared_overlay::{plan_shared, read_shared, shared_files};
use crate::shared_routes::{LaneRoute, ServiceHost, SharedRoutes};

/// What a lane has in a directory that lanes share.
#[derive(Debug)]
pub(super) struct Part {
    /// The directory, relative to the repository.
    pub(super) directory: String,
    routes: Vec<LaneRoute>,
    /// The gray Services that are the lane's, or were when it was last written: routes to them are
    /// the lane's, and no others.
    own: HashSet<ServiceHost>,
}

impl Part {
    /// The part of a lane; `None` where it shares nothing and never could.
    pub(super) fn of(release: &Release, workspace: &Workspace) -> Option<Self> {
        let directory = release.spec.shared.clone()?;
        let routes = release.lane.shared.clone();
        let objects = release.lane.objects.iter();
        let own = objects.filter_map(|object| ServiceHost::of(&object.id)).collect();
        let mut part = Self { directory, routes, own };
        // A damaged lock is told by who writes the overlay.
        let written = found(workspace, &release.spec.output).and_then(|files| read_lock(&*files));
        part.had(written.ok().flatten().as_ref());
        Some(part)
    }

    /// Adds the Services that an overlay of the lane had.
    pub(super) fn had(&mut self, lock: Option<&Lock>) {
        self.own.extend(lock.into_iter().flat_map(services));
    }

    fn hosts(&self) -> impl Iterator<Item = &ServiceHost> {
        self.routes.iter().map(|route| &route.host)
    }
}

/// The Services that an overlay holds.
pub(super) fn services(lock: &Lock) -> impl Iterator<Item = ServiceHost> {
    let objects = lock.files().iter().filter_map(|file| file.origin.object.as_deref());
    objects.filter_map(ServiceHost::of_object)
}

/// A change to what lanes share.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit<'a> {
    /// A lane's part takes the place of the one it had.
    Put(&'a Part),
    /// What leads to these Services goes.
    TakeOut(&'a HashSet<ServiceHost>),
}

impl Edit<'_> {
    fn apply(self, routes: &mut SharedRoutes, force: bool) -> Result<(), Failure> {
        match self {
            Self::Put(part) => routes.put(&part.routes, &part.own, force).map_err(Failure),
            Self::TakeOut(gone) => {
                routes.take_out(gone);
                Ok(())
            }
        }
    }

    fn adds(self) -> bool {
        matches!(self, Self::Put(part) if !part.routes.is_empty())
    }
}

/// Where the files of a directory are read from: the commit of `--rev`, or the work tree.
pub(super) fn found<'w>(
    workspace: &'w Workspace,
    directory: &str,
) -> Result<Box<dyn OverlayFiles + 'w>, Failure> {
    Ok(match (&workspace.repository, workspace.commit) {
        (Some(repository), Some(commit)) => {
            Box::new(TreeFiles::open(repository, commit, directory)?)
        }
        _ => Box::new(OverlayDir::open(workspace.root()?, directory)?),
    })
}

/// The lock of a directory that lanes share.
fn shared_lock(files: &dyn OverlayFiles, directory: &str) -> Result<Option<Lock>, Failure> {
    let lock = read_lock(files)?;
    match &lock {
        Some(lock) if !lock.header().is_shared() => Err(Diagnostic::error(format!(
            "`{directory}` is the overlay of `{}`, where objects that lanes share would go",
            lock.header().name
        ))
        .remedy("set `governance.istio.output` to a directory of its own")
        .into()),
        _ => Ok(lock),
    }
}

/// The routes in a directory as they are found, and its lock. A directory that holds something else
/// has none for whoever adds none.
fn state(
    files: &dyn OverlayFiles,
    directory: &str,
    adds: bool,
    force: bool,
) -> Result<(SharedRoutes, Option<Lock>), Failure> {
    let lock = match shared_lock(files, directory) {
        Err(_) if !adds => None,
        lock => lock?,
    };
    Ok((read_shared(files, lock.as_ref(), force)?, lock))
}

/// A directory while it is changed.
struct Board {
    directory: OverlayDir,
    /// The right to write, where anything is to be written.
    writing: Option<Writing>,
    lock: Option<Lock>,
    routes: SharedRoutes,
}

impl Board {
    fn plan(&self, routes: &SharedRoutes, force: bool) -> Result<Plan, Failure> {
        plan_shared(routes, self.lock.as_ref(), &self.directory, force)
    }
}

/// The directories that a command changes.
pub(super) struct Boards<'w> {
    workspace: &'w Workspace,
    writes: bool,
    force: bool,
    boards: BTreeMap<String, Board>,
}

impl<'w> Boards<'w> {
    /// None yet. With `writes` they are locked while they are open.
    pub(super) fn new(workspace: &'w Workspace, writes: bool, force: bool) -> Self {
        Self { workspace, writes, force, boards: BTreeMap::new() }
    }

    /// The directory; `None` where there is nothing in it and nothing to add.
    fn board(&mut self, directory: &str, adds: bool) -> Result<Option<&mut Board>, Failure> {
        if !self.boards.contains_key(directory) {
            let Some(board) = self.open(directory, adds)? else { return Ok(None) };
            self.boards.insert(directory.to_owned(), board);
        }
        Ok(self.boards.get_mut(directory))
    }

    fn open(&self, directory: &str, adds: bool) -> Result<Option<Board>, Failure> {
        let opened = match OverlayDir::open(self.workspace.root()?, directory) {
            // Whatever else is there, it is no concern of a lane that shares nothing.
            Err(_) if !adds => return Ok(None),
            opened => opened?,
        };
        let there = match shared_lock(&opened, directory) {
            Err(_) if !adds => return Ok(None),
            lock => lock?,
        };
        let (routes, _) = state(&*found(self.workspace, directory)?, directory, adds, self.force)?;
        if there.is_none() && !adds && routes.is_empty() && !opened.is_interrupted() {
            return Ok(None);
        }
        if !self.writes {
            return Ok(Some(Board { directory: opened, writing: None, lock: there, routes }));
        }
        let writing = opened.clone().begin()?;
        // What an interrupted run had left is restored by now.
        let lock = shared_lock(writing.dir(), directory)?;
        let files = found(self.workspace, directory)?;
        let (routes, _) = state(&*files, directory, adds, self.force)?;
        Ok(Some(Board { directory: opened, writing: Some(writing), lock, routes }))
    }

    /// Whether all these changes can be made; makes none.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way of any of them.
    pub(super) fn try_all<'e>(
        &mut self,
        edits: impl IntoIterator<Item = (&'e str, Edit<'e>)>,
    ) -> Result<(), Failure> {
        let force = self.force;
        let mut errors = Vec::new();
        let mut outcomes: BTreeMap<String, SharedRoutes> = BTreeMap::new();
        for (directory, edit) in edits {
            match self.board(directory, edit.adds()) {
                Ok(Some(board)) => {
                    let routes = outcomes
                        .entry(directory.to_owned())
                        .or_insert_with(|| board.routes.clone());
                    errors.extend(edit.apply(routes, force).err().into_iter().flat_map(|f| f.0));
                }
                Ok(None) => {}
                Err(Failure(list)) => errors.extend(list),
            }
        }
        for (directory, routes) in &outcomes {
            let planned = self.boards.get(directory).map(|board| board.plan(routes, force));
            errors.extend(planned.and_then(Result::err).into_iter().flat_map(|f| f.0));
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure(errors)) }
    }

    /// Makes a change, but writes nothing yet; whether it changes any route.
    ///
    /// # Errors
    ///
    /// As of [`Boards::try_all`].
    pub(super) fn edit(&mut self, directory: &str, edit: Edit<'_>) -> Result<bool, Failure> {
        let force = self.force;
        let Some(board) = self.board(directory, edit.adds())? else { return Ok(false) };
        let before = board.routes.clone();
        edit.apply(&mut board.routes, force)?;
        Ok(before != board.routes)
    }

    /// Tells what all changes come to, and writes it where that is wanted; whether there was
    /// anything to do.
    ///
    /// # Errors
    ///
    /// As of [`Boards::try_all`], and what stops writing.
    pub(super) fn settle(&mut self, output: &mut Output) -> anyhow::Result<bool> {
        let mut differs = false;
        for (directory, board) in &mut self.boards {
            let plan = board.plan(&board.routes, self.force)?;
            differs |= plan.differs(board.lock.as_ref());
            if let Some(writing) = &board.writing {
                writing.apply(&plan)?;
                board.lock = plan.lock.clone();
            }
            for change in plan.told() {
                output.result(&change_line(change, directory))?;
            }
        }
        Ok(differs)
    }
}

/// A change as it is on top of a commit: what nobody has committed stays out of it.
pub(super) struct OnCommit {
    /// The paths to commit.
    pub(super) changes: Vec<Change>,
    /// The way from the commit to there.
    pub(super) plan: Plan,
    /// The lock in the commit.
    pub(super) old: Option<Lock>,
}

impl OnCommit {
    /// What changes to a directory are on top of a commit, or of nothing.
    ///
    /// # Errors
    ///
    /// The commit cannot be read, or another lane has the tag.
    pub(super) fn of(
        repository: &Repository,
        commit: Option<CommitId>,
        directory: &str,
        edits: &[Edit<'_>],
        force: bool,
    ) -> Result<Self, Failure> {
        let nothing = BTreeMap::<OverlayPath, Vec<u8>>::new();
        let tree = match commit {
            Some(commit) => Some(TreeFiles::open(repository, commit, directory)?),
            None => None,
        };
        let files: &dyn OverlayFiles = match &tree {
            Some(tree) => tree,
            None => &nothing,
        };
        let adds = edits.iter().any(|edit| edit.adds());
        let (mut routes, old) = state(files, directory, adds, force)?;
        for edit in edits {
            edit.apply(&mut routes, force)?;
        }
        let plan = match (&old, routes.is_empty()) {
            (None, true) => Plan { changes: Vec::new(), unchanged: Vec::new(), lock: None },
            // Only compared: what is in the work tree has been looked at.
            _ => plan_shared(&routes, old.as_ref(), files, true)?,
        };
        let changes = commit_changes(directory, &plan, old.as_ref());
        Ok(Self { changes, plan, old })
    }
}

/// Files that lanes share as they would be with all lanes.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    /// The files, each with its directory.
    pub(super) files: Vec<(String, OverlayFile)>,
    /// What is to be known of them.
    pub(super) notes: Vec<Diagnostic>,
}

/// The files in which lanes have a part as they would be with all of them, by directory; and a note
/// on each that other lanes share.
///
/// # Errors
///
/// What is found cannot be read, or another lane has the tag.
pub(super) fn rendered(parts: &[Part], workspace: &Workspace) -> Result<Rendered, Failure> {
    let mut by_directory: BTreeMap<&str, Vec<&Part>> = BTreeMap::new();
    for part in parts.iter().filter(|part| !part.routes.is_empty()) {
        by_directory.entry(&part.directory).or_default().push(part);
    }
    let mut rendered = Rendered::default();
    for (directory, parts) in by_directory {
        let (mut routes, _) = state(&*found(workspace, directory)?, directory, true, false)?;
        for part in &parts {
            Edit::Put(part).apply(&mut routes, false)?;
        }
        let routes = routes.only(&parts.iter().flat_map(|part| part.hosts()).collect());
        let tags: HashSet<&str> =
            parts.iter().flat_map(|part| &part.routes).map(|route| route.tag.as_str()).collect();
        for (host, all) in routes.tags() {
            let others: Vec<&str> = all.into_iter().filter(|tag| !tags.contains(tag)).collect();
            if !others.is_empty() {
                rendered.notes.push(Diagnostic::note(format!(
                    "the VirtualService of {host} has routes of other lanes too ({}): apply it from `{directory}` alone, or two applications would fight over it",
                    others.join(", ")
                )));
            }
        }
        let files = shared_files(&routes)?.into_iter();
        rendered.files.extend(files.map(|file| (directory.to_owned(), file)));
    }
    Ok(rendered)
}

/// Whether the files that lanes share are as a lane's part has them.
///
/// # Errors
///
/// They cannot be read.
pub(super) fn is_up_to_date(part: &Part, workspace: &Workspace) -> Result<bool, Failure> {
    let mut boards = Boards::new(workspace, false, true);
    let Some(board) = boards.board(&part.directory, !part.routes.is_empty())? else {
        return Ok(true);
    };
    Edit::Put(part).apply(&mut board.routes, true)?;
    Ok(!board.plan(&board.routes, true)?.differs(board.lock.as_ref()))
}
