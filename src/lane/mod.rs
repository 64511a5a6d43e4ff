//! From a spec and a baseline to the objects of a lane. One file per step; `Builder::object` has their
//! order.

mod belongings;
mod builder;
mod canary;
mod clients;
mod copied;
mod copy;
mod dapr;
mod entry;
mod facts;
mod find;
mod generated;
mod governed;
mod held_back;
mod isolation;
mod labels;
mod made;
mod members;
mod monitors;
mod ordinals;
mod own;
mod patch;
mod policy;
mod progressive;
mod relabel;
mod rename;
mod rewire;
mod select;
mod set;
mod targets;
mod unite;
mod vault;
mod waves;

use std::sync::{Arc, OnceLock};

use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

use crate::diagnostic::{Diagnostic, Failure, Place};
use crate::generated::Attachment;
use crate::governance;
use crate::kube::kinds::Wave;
use crate::kube::object::ObjectRef;
use crate::kube::pod_specs::{self, PodTemplate, pod_templates};
use crate::kube::selectors::{SelectorUse, selectors};
use crate::shared_routes::LaneRoute;
use crate::spec::{GatewayClass, GrayRelease};
use crate::yaml::{Document, Source, parse};

use builder::Builder;
pub use copied::Copied;
pub use facts::{Facts, Labels, Pods, Selecting, selected};
pub(crate) use find::{Found, find};
pub(crate) use generated::generated;
use isolation::reaches_pods;
pub use isolation::{counts_pods, required_values};
pub use labels::{MSE_GRAY, ORIGINAL, SERVICE_NAME, TYPE, VERSION, near_version};
pub use made::Made;
use members::Members;
use patch::Patches;
pub(crate) use patch::apply_patch;
use select::{Plan, select};
pub(crate) use set::check_images;
use targets::Targets;

/// Where an object of a lane comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// It is made from an object of the baseline.
    Baseline {
        /// That object.
        id: ObjectRef,
        /// The file it stands in.
        file: Arc<str>,
    },
    /// It is made for the lane from a skeleton.
    Generated,
}

/// An object of a lane.
#[derive(Clone, Debug)]
pub struct GrayObject {
    /// Who it is.
    pub id: ObjectRef,
    /// Where it comes from.
    pub origin: Origin,
    /// The service it belongs to.
    pub service: String,
    /// When it is applied.
    pub wave: Wave,
    /// Its manifest.
    pub text: String,
    /// The labels of its pods, where it has any: of each pod template.
    pub pods: Vec<Labels>,
    /// Its selectors that count pods, or isolate them from the network.
    pub selectors: Vec<SelectorUse>,
    /// The nodes of a canary route once they were asked for: many rules ask.
    nodes: OnceLock<Option<Arc<Document>>>,
}

impl GrayObject {
    fn new(identity: Identity, wave: Wave, document: &Document) -> Self {
        let root = document.root();
        let of = |template: PodTemplate| document.find(&template.labels()).map(pod_specs::labels);
        let reaching = |selector: &SelectorUse| reaches_pods(selector.role);
        // They are kept, and there are many: no more memory than they are long. An allocator may
        // leave the rest of what is shrunk in place unused.
        let text = document.to_text().as_str().to_owned();
        let mut selectors: Vec<_> = selectors(root).into_iter().filter(reaching).collect();
        selectors.shrink_to_fit();
        Self {
            id: identity.id,
            origin: identity.origin,
            service: identity.service,
            wave,
            text,
            pods: pod_templates(root)
                .into_iter()
                .map(|template| of(template).unwrap_or_default())
                .collect(),
            selectors,
            nodes: OnceLock::new(),
        }
    }

    /// The baseline object it is made from, if it is made from one.
    pub fn baseline(&self) -> Option<&ObjectRef> {
        match &self.origin {
            Origin::Baseline { id, .. } => Some(id),
            Origin::Generated => None,
        }
    }

    /// The file of the baseline object it is made from.
    pub fn file(&self) -> Option<&str> {
        match &self.origin {
            Origin::Baseline { file, .. } => Some(file),
            Origin::Generated => None,
        }
    }

    /// The manifest to read. Only a route's nodes are kept: a lane can have many objects.
    pub fn document(&self) -> Option<Arc<Document>> {
        if self.wave != Wave::Entry {
            return self.parsed();
        }
        self.nodes.get_or_init(|| self.parsed()).clone()
    }

    fn parsed(&self) -> Option<Arc<Document>> {
        let stream = parse(Source::new(self.id.to_string(), self.text.clone())).ok()?;
        stream.documents.into_iter().next().map(Arc::new)
    }
}

/// Looks at a copy while its nodes are there: to parse all of them once more would cost as much as
/// to make them.
pub type Inspect<'a> = dyn Fn(&Made<'_>) -> Vec<Diagnostic> + Sync + 'a;

/// Who an object of a lane is and where it comes from.
struct Identity {
    id: ObjectRef,
    origin: Origin,
    service: String,
}

/// One object with the notes on it and what was seen in it, or its errors.
type Built = Result<(GrayObject, Vec<Diagnostic>, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Where gray traffic enters a lane.
#[derive(Clone, Debug)]
pub struct LaneEntry {
    /// The service.
    pub service: String,
    /// What routes the requests.
    pub gateway: GatewayClass,
    /// The canary route.
    pub route: ObjectRef,
    /// Where the spec says so.
    pub place: Place,
}

/// The objects of a lane.
#[derive(Debug, Default)]
pub struct Lane {
    /// In the order they are applied: by wave, kind and name.
    pub objects: Vec<GrayObject>,
    /// Where gray traffic enters, in the order of the baseline.
    pub entries: Vec<LaneEntry>,
    /// Files that are no manifests, by path.
    pub attachments: Vec<Attachment>,
    /// Its parts of objects that it shares with other lanes, in the order of the spec.
    pub shared: Vec<LaneRoute>,
    /// What was left out and what was decided.
    pub notes: Vec<Diagnostic>,
    /// What was seen in its objects while they were made.
    pub seen: Vec<Diagnostic>,
}

impl Lane {
    /// Its entries, each with its canary route.
    pub fn routes(&self) -> impl Iterator<Item = (&LaneEntry, &GrayObject)> {
        let routes: HashSet<&ObjectRef> = self.entries.iter().map(|entry| &entry.route).collect();
        let objects = self.objects.iter().filter(|object| routes.contains(&object.id));
        let objects: HashMap<&ObjectRef, &GrayObject> =
            objects.map(|object| (&object.id, object)).collect();
        self.entries.iter().filter_map(move |entry| Some((entry, *objects.get(&entry.route)?)))
    }
}

/// Some copies that lie together.
#[derive(Default)]
struct Copies {
    lane: Lane,
    errors: Vec<Diagnostic>,
}

impl Copies {
    fn add(&mut self, built: Built, entry: impl Fn(&GrayObject) -> Option<LaneEntry>) {
        match built {
            Ok((object, notes, seen)) => {
                self.lane.entries.extend(entry(&object));
                self.lane.objects.push(object);
                self.lane.notes.extend(notes);
                self.lane.seen.extend(seen);
            }
            Err(list) => self.errors.extend(list),
        }
    }
}

/// Builds the lane of a spec.
///
/// # Errors
///
/// Everything that is wrong with the spec in the light of this baseline; whether the lane is sound
/// is for [`crate::check`], to which `inspect` shows each copy.
pub fn build(release: &GrayRelease, facts: &Facts, inspect: &Inspect<'_>) -> Result<Lane, Failure> {
    let governance = governance::of(release.provider);
    let plan = select(release, facts, governance).map_err(Failure)?;
    let patches = Patches::assign(&plan, facts).map_err(Failure)?;
    let builder = Builder {
        release,
        facts,
        inspect,
        governance,
        plan: &plan,
        copied: Copied::new(&plan.gray_names),
        members: Members::of(&plan, facts),
        patches: &patches,
        dapr: dapr::Scopes::of(facts),
    };
    let targets = Targets::of(&plan, facts, |targets, copy| builder.object(copy, targets));
    let pieces = plan.copies.par_iter().fold(Copies::default, |mut copies, copy| {
        match targets.left_out(copy) {
            Some(note) => copies.lane.notes.push(note),
            None => {
                copies.add(builder.object(copy, &targets), |object| builder.entry(copy, object))
            }
        }
        copies
    });
    let pieces: Vec<Copies> = pieces.collect();
    let count = pieces.iter().map(|piece| piece.lane.objects.len()).sum();
    let mut lane = Lane { objects: Vec::with_capacity(count), ..Lane::default() };
    let mut errors = Vec::new();
    for piece in pieces {
        lane.objects.extend(piece.lane.objects);
        lane.entries.extend(piece.lane.entries);
        lane.notes.extend(piece.lane.notes);
        lane.seen.extend(piece.lane.seen);
        errors.extend(piece.errors);
    }
    match governance.generate(&builder.governed()) {
        Ok(made) => {
            for object in made.objects {
                match self::generated(release, facts, object) {
                    Ok(object) => lane.objects.push(object),
                    Err(error) => errors.push(error),
                }
            }
            lane.shared = made.shared;
            lane.attachments = made.attachments;
            lane.attachments.sort_by_key(|attachment| attachment.path);
            lane.notes.extend(made.notes);
        }
        Err(list) => errors.extend(list),
    }
    if !errors.is_empty() {
        errors.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        errors.dedup();
        return Err(Failure(errors));
    }
    let Plan { notes, services, copies, gray_names } = plan;
    let order = |a: &GrayObject, b: &GrayObject| {
        (a.wave, &a.id.kind, &a.id).cmp(&(b.wave, &b.id.kind, &b.id))
    };
    rayon::join(|| lane.objects.par_sort_by(order), || drop((services, copies, gray_names)));
    lane.notes.splice(0..0, notes);
    Ok(lane)
}
