//! From a spec file to the files of its overlay: the steps of the other modules in their order.
//! Reads through [`Files`] alone and writes nothing.

mod spec_file;

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::baseline::Baseline;
use crate::baseline::files::{Files, Memory};
use crate::baseline::orchestration::Orchestration;
use crate::baseline::select::{Pattern, select};
use crate::check::{self, Subject, Verdict};
use crate::database;
use crate::diagnostic::{Diagnostic, Failure, Severity};
use crate::gateway::{Claims, Owner, may_hold};
use crate::generated::Attachment;
use crate::kruise;
use crate::kube::kinds::Wave;
use crate::lane::{self, Facts, GrayObject, Lane};
use crate::overlay::{
    Desired, Directory, LockHeader, ObjectName, Origin, OverlayFile, OverlayPath, kustomizations,
    layout,
};
use crate::spec::Strategy;

pub use spec_file::{SchemaFile, SpecFile, read_spec, spec_of};

/// What is read as baseline.
#[derive(Clone, Debug)]
pub enum BaselineFrom {
    /// What the spec says.
    Spec,
    /// These paths instead, relative to the repository.
    Paths(Vec<Pattern>),
    /// This stream of manifests instead.
    Stream(Arc<Vec<u8>>),
}

/// A lane with everything that was found out about it.
#[derive(Debug)]
pub struct Release {
    /// Its spec.
    pub spec: SpecFile,
    /// Its objects.
    pub lane: Lane,
    /// The baseline it is built on.
    pub baseline: Arc<Baseline>,
    /// What the checks found, by place.
    pub findings: Vec<Diagnostic>,
    /// What they found and the spec silences, by place.
    pub silenced: Vec<Diagnostic>,
    /// The kustomizations of its overlay, where it is to have some.
    kustomizations: Vec<OverlayFile>,
}

/// The name of a baseline that comes as a stream.
const STREAM: &str = "<stdin>";

/// Baselines that were read already, with what is known of them: several specs often share one.
#[derive(Debug, Default)]
pub struct Baselines {
    read: HashMap<(Vec<String>, String, String), Arc<Facts>>,
}

impl Baselines {
    /// The baseline of a spec. `outputs` are directories that hold overlays and are left out.
    ///
    /// # Errors
    ///
    /// Paths that lead nowhere, and files that cannot be read as manifests.
    pub fn of(
        &mut self,
        files: &dyn Files,
        spec: &SpecFile,
        from: &BaselineFrom,
        outputs: &[String],
    ) -> Result<Arc<Facts>, Failure> {
        let namespace = spec.release.namespace.as_deref().unwrap_or("");
        let directory = spec.release.file.rsplit_once('/').map_or("", |(directory, _)| directory);
        let orchestration = spec.release.appstack.as_ref();
        let orchestration =
            orchestration.map(|block| Orchestration::of(files, directory, block)).transpose()?;
        let (mut paths, stream) = match from {
            BaselineFrom::Spec => (select(files, &spec.patterns, outputs).map_err(Failure)?, None),
            BaselineFrom::Paths(patterns) => {
                (select(files, patterns, outputs).map_err(Failure)?, None)
            }
            BaselineFrom::Stream(bytes) => {
                let memory = Memory([(STREAM.to_owned(), bytes.as_ref().clone())].into());
                (vec![STREAM.to_owned()], Some(memory))
            }
        };
        let values = orchestration.as_ref().and_then(|each| each.values_file.as_ref());
        paths.retain(|path| Some(path) != values);
        if let Some(path) = paths.iter().find(|path| spec.shares(path)) {
            let error = Diagnostic::error(format!(
                "the baseline's `{path}` is in the directory for what lanes share"
            ));
            return Err(error
                .at(spec.release.shared_place().clone())
                .remedy("set `governance.istio.output` to a directory of its own")
                .into());
        }
        let key = (paths, namespace.to_owned(), format!("{orchestration:?}"));
        if let Some(facts) = self.read.get(&key) {
            return Ok(Arc::clone(facts));
        }
        let files = stream.as_ref().map_or(files, |memory| memory as &dyn Files);
        let facts = Arc::new(Facts::read(files, &key.0, &spec.release, orchestration.as_ref())?);
        self.read.insert(key, Arc::clone(&facts));
        Ok(facts)
    }

    /// What is known of a baseline, if it was read here.
    pub fn known(&self, baseline: &Arc<Baseline>) -> Option<&Arc<Facts>> {
        self.read.values().find(|facts| Arc::ptr_eq(&facts.baseline, baseline))
    }
}

/// Builds and checks the lane of a spec on a baseline.
///
/// # Errors
///
/// Everything in the spec that does not fit the baseline. Findings are no errors here.
pub fn release(spec: SpecFile, facts: &Facts) -> Result<Release, Failure> {
    release_beside(spec, facts, &Claims::default())
}

/// Builds and checks the lane of a spec on a baseline, beside other lanes.
///
/// # Errors
///
/// As [`release`].
pub fn release_beside(spec: SpecFile, facts: &Facts, others: &Claims) -> Result<Release, Failure> {
    let lane = match spec.release.strategy {
        Strategy::Copy => lane::build(&spec.release, facts, &check::inspect),
        Strategy::Kruise => kruise::build(&spec.release, facts),
    };
    let (mut lane, shadow) = match (lane, shadow(&spec)) {
        (Ok(lane), Ok(shadow)) => (lane, shadow),
        (Err(lane), Err(shadow)) => return Err(Failure([lane.0, shadow.0].concat())),
        (Err(errors), _) | (_, Err(errors)) => return Err(errors),
    };
    if let Some((attachment, notes)) = shadow {
        lane.attachments.push(attachment);
        lane.attachments.sort_by_key(|attachment| attachment.path);
        lane.notes.extend(notes);
    }
    let subject = Subject { release: &spec.release, facts, lane: &lane, others };
    let Verdict { findings, silenced } = check::check(&subject)?;
    let manifests = spec.release.kustomization.then(|| paths(&lane));
    let kustomizations = manifests.map_or(Ok(Vec::new()), |paths| kustomizations(&paths))?;
    let baseline = Arc::clone(&facts.baseline);
    Ok(Release { spec, lane, baseline, findings, silenced, kustomizations })
}

/// The file that creates the shadows of a lane, where it has some, and the notes on them.
fn shadow(spec: &SpecFile) -> Result<Option<(Attachment, Vec<Diagnostic>)>, Failure> {
    let (Some(database), Some(schema)) = (&spec.release.database, &spec.schema) else {
        return Ok(None);
    };
    let SchemaFile { path, contents } = schema;
    let bytes = contents.as_ref().map_err(|why| {
        Diagnostic::error(format!("the schema {path} cannot be read: {why}"))
            .at(database.schema_place.clone())
            .remedy("name an SQL file of this repository; `mysqldump --no-data` writes one")
    })?;
    let made = database::shadow(database, &spec.release.tag, path, bytes)?;
    let from = format!("{} and {}", shown(&spec.release.file), shown(path));
    let contents = format!("-- Generated by graylane from {from}; do not edit.\n{}", made.sql);
    Ok(Some((Attachment { path: "database/shadow.sql", contents }, made.notes)))
}

impl Release {
    /// What it takes of the gateways' traffic and needs for itself, added to that of other lanes.
    pub fn claim(&self, claims: &mut Claims) {
        let owner = Owner::Lane(self.spec.release.name.as_str().into());
        for document in self.lane.routes().filter_map(|(_, route)| route.document()) {
            claims.add(&owner, document.root());
        }
        let holding = self.lane.objects.iter().filter(|object| may_hold(&object.id));
        for document in holding.filter_map(GrayObject::document) {
            claims.hold(&owner, document.root());
        }
    }

    /// Stops where a finding says that the lane must not be applied.
    ///
    /// # Errors
    ///
    /// All findings of severity error.
    pub fn sound(&self) -> Result<(), Failure> {
        let errors: Vec<Diagnostic> = self
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .cloned()
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(Failure(errors)) }
    }

    /// The files of the overlay: manifests in the order they are applied, then the other files.
    pub fn files(&self) -> Vec<OverlayFile> {
        let spec = shown(&self.spec.release.file);
        let objects = self.lane.objects.par_iter().zip(paths(&self.lane));
        let mut files: Vec<OverlayFile> =
            objects.map(|(object, path)| file(&spec, object, path)).collect();
        files.extend(attached(&self.lane));
        files.extend_from_slice(&self.kustomizations);
        files
    }

    /// The objects' manifests in the order they are applied, many at a time: each a YAML stream.
    pub fn streams(&self) -> impl Iterator<Item = String> {
        /// Objects of one stream.
        const BATCH: usize = 512;
        let spec = shown(&self.spec.release.file);
        self.lane.objects.chunks(BATCH).map(move |objects| {
            let texts: Vec<String> =
                objects.par_iter().map(|object| contents(&spec, object)).collect();
            texts.join("---\n")
        })
    }

    /// The overlay as it should be, and the spec it is for; what it is made from is let go.
    pub fn into_overlay(self) -> (SpecFile, Desired) {
        let (header, paths) = (self.header(), paths(&self.lane));
        let Self { spec, lane, baseline, kustomizations, .. } = self;
        rayon::spawn(move || drop(baseline));
        let shown = shown(&spec.release.file);
        let attached: Vec<OverlayFile> = attached(&lane).collect();
        let objects = lane.objects.into_par_iter().zip(paths);
        let mut files: Vec<OverlayFile> =
            objects.map(|(object, path)| file(&shown, &object, path)).collect();
        files.extend(attached);
        files.extend(kustomizations);
        (spec, Desired { header, files })
    }

    /// The overlay as it should be.
    pub fn desired(&self) -> Desired {
        Desired { header: self.header(), files: self.files() }
    }

    fn header(&self) -> LockHeader {
        let release = &self.spec.release;
        LockHeader {
            name: release.name.clone(),
            tag: release.tag.to_string(),
            spec: release.file.to_string(),
            spec_digest: self.spec.digest.clone(),
        }
    }
}

/// Where each object of a lane goes in its overlay.
fn paths(lane: &Lane) -> Vec<OverlayPath> {
    fn name(object: &GrayObject) -> ObjectName<'_> {
        let id = &object.id;
        let namespace = Some(id.namespace.as_str()).filter(|namespace| !namespace.is_empty());
        let directory = match object.wave {
            Wave::Entry => Directory::Entry,
            Wave::Config | Wave::Workload => Directory::Workloads,
        };
        ObjectName { directory, group: &id.group, kind: &id.kind, namespace, name: &id.name }
    }
    layout(&lane.objects.iter().map(name).collect::<Vec<_>>())
}

/// The files of a lane that are no manifests. Their paths are plain, so none is refused.
fn attached(lane: &Lane) -> impl Iterator<Item = OverlayFile> {
    lane.attachments.iter().filter_map(|attachment| {
        let path = OverlayPath::new(attachment.path).ok()?;
        let contents = attachment.contents.clone().into_bytes().into();
        Some(OverlayFile { path, contents, origin: Origin::default() })
    })
}

/// The file of an object.
fn file(spec: &str, object: &GrayObject, path: OverlayPath) -> OverlayFile {
    let origin = Origin {
        object: Some(object.id.to_string()),
        service: Some(object.service.clone()),
        baseline: object.file().map(str::to_owned),
    };
    OverlayFile { path, contents: contents(spec, object).into_bytes().into(), origin }
}

/// A comment that says where an object comes from, and the object.
fn contents(spec: &str, object: &GrayObject) -> String {
    let text = &object.text;
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let from = match object.file() {
        Some(baseline) => format!("{spec} and {}", shown(baseline)),
        None => spec.to_owned(),
    };
    let mut contents = format!("# Generated by graylane from {from}; do not edit.{line_end}");
    contents.reserve_exact(text.len() + line_end.len());
    contents.push_str(text);
    if !contents.ends_with('\n') {
        contents.push_str(line_end);
    }
    contents
}

/// A path as a comment can hold it. Argo CD leaves out files in which its skip marker stands
/// anywhere, so that must not come in by a file's name.
fn shown(path: &str) -> String {
    path.chars()
        .filter(|c| !c.is_control())
        .collect::<String>()
        .replace("+argocd:skip", "argocd:skip")
}
