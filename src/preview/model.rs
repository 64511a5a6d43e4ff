//! What lanes change, object by object: what every format is made from.

use super::diff::Compared;
use crate::diagnostic::Diagnostic;
use crate::kube::object::{ObjectRef, identity};
use crate::yaml::{Source, parse};

/// What lanes are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// The objects of the baseline that theirs are copies of.
    Baseline,
    /// The overlays in the last commit.
    Head,
    /// The same lanes in another revision.
    Base(String),
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is new.
    Added,
    /// It is new, and compared with the object of the baseline that it is a copy of.
    Copied,
    /// It differs.
    Changed,
    /// It is gone.
    Removed,
}

impl Change {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 4] = [Self::Added, Self::Copied, Self::Changed, Self::Removed];

    /// The word for it, in all formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Copied => "copied",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// What an object is to a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It lets traffic in.
    Entry,
    /// Several lanes have their part in it.
    Shared,
    /// Anything else.
    Other,
}

/// One object that differs.
#[derive(Clone, Debug)]
pub struct ObjectDiff {
    /// The object; its kind is empty where it is not known, and its name a path then.
    pub object: ObjectRef,
    /// The service it belongs to, where that is known.
    pub service: Option<String>,
    /// What it is to the lane.
    pub role: Role,
    /// What happens to it.
    pub change: Change,
    /// Both manifests, with the values of Secrets masked.
    pub compared: Compared,
}

impl ObjectDiff {
    /// The file of what lanes share; of its object nothing is known but what the file says.
    pub fn shared(path: &str, change: Change, compared: Compared) -> Self {
        let text = compared.after.as_ref().or(compared.before.as_ref());
        let object = text.and_then(|(_, text)| object_of(text)).unwrap_or_else(|| unnamed(path));
        Self { object, service: None, role: Role::Shared, change, compared }
    }

    /// What people call it: `Deployment/web in prod`.
    pub fn title(&self) -> String {
        if self.object.kind.is_empty() { self.object.name.clone() } else { self.object.to_string() }
    }
}

/// The object that a manifest says it is.
pub fn object_of(text: &str) -> Option<ObjectRef> {
    let stream = parse(Source::new("", text.to_owned())).ok()?;
    identity(stream.documents.first()?.root(), "")
}

/// What stands for an object of which only the file is known.
pub fn unnamed(path: &str) -> ObjectRef {
    ObjectRef::new("", "", "", path)
}

/// What happens to a lane between two revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneChange {
    /// It is new.
    Added,
    /// Objects of it differ.
    Changed,
    /// It is gone.
    Removed,
    /// Its objects are the same.
    Unchanged,
    /// Nobody can tell, as it cannot be built in the other revision: its objects count as new.
    Unknown,
}

impl LaneChange {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 5] =
        [Self::Added, Self::Changed, Self::Removed, Self::Unknown, Self::Unchanged];

    /// The word for it, in all formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
            Self::Unknown => "unknown",
        }
    }
}

/// What differs in one lane.
#[derive(Clone, Debug)]
pub struct LaneDiff {
    /// Its name.
    pub lane: String,
    /// Its tag.
    pub tag: String,
    /// Its spec, relative to the repository.
    pub spec: String,
    /// What happens to it; `None` where no two revisions are compared.
    pub change: Option<LaneChange>,
    /// The objects that differ.
    pub objects: Vec<ObjectDiff>,
    /// What the checks found, [without the lines](without_lines) of the files.
    pub findings: Vec<Diagnostic>,
}

/// What is broken in the revision that is compared with.
#[derive(Clone, Debug)]
pub struct Broken {
    /// A spec, or a directory of what lanes share.
    pub path: String,
    /// What is wrong with it, [without the lines](without_lines) of the files.
    pub errors: Vec<Diagnostic>,
}

/// All that differs.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What the lanes are compared with.
    pub against: Against,
    /// The lanes, in the order of their specs.
    pub lanes: Vec<LaneDiff>,
    /// The objects that lanes share and that differ.
    pub shared: Vec<ObjectDiff>,
    /// What could not be compared.
    pub broken: Vec<Broken>,
}

impl Preview {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.objects().next().is_none()
    }

    /// Every object that differs, with its lane; what lanes share comes last and has none.
    pub fn objects(&self) -> impl Iterator<Item = (Option<&LaneDiff>, &ObjectDiff)> {
        let of_lanes = self
            .lanes
            .iter()
            .flat_map(|lane| lane.objects.iter().map(move |object| (Some(lane), object)));
        of_lanes.chain(self.shared.iter().map(|object| (None, object)))
    }
}

/// Diagnostics without the lines of the files they point to: others than those who may read the
/// repository see comments, and a line can hold the value of a Secret.
pub fn without_lines(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut diagnostics = diagnostics.to_vec();
    for diagnostic in &mut diagnostics {
        let related = diagnostic.related.iter_mut().map(|(place, _)| place);
        for place in diagnostic.place.iter_mut().chain(related) {
            place.text.clear();
        }
    }
    diagnostics
}
