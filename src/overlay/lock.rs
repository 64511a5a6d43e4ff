//! The lock: which files an overlay owns, and what they held when they were written.

use std::collections::HashSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::path::OverlayPath;
use super::plan::OverlayFile;
use crate::diagnostic::{Diagnostic, Failure, Place};

const VERSION: i64 = 1;
/// The name of what lanes share: the routes of Istio.
const SHARED: &str = "istio";
const HEADER: &str = "# Written by graylane: the files it owns here. Not for editing.\n";

/// The gray release that an overlay is generated for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockHeader {
    /// The name of the gray release.
    pub name: String,
    /// Its tag.
    pub tag: String,
    /// The spec file, relative to the repository, with `/`.
    pub spec: String,
    /// What the spec says, as a digest.
    pub spec_digest: Digest,
}

impl LockHeader {
    /// Of files that no gray release owns, because several share them: there is no tag and no spec.
    pub fn shared() -> Self {
        let (tag, spec) = (String::new(), String::new());
        Self { name: SHARED.to_owned(), tag, spec, spec_digest: Digest::of(b"") }
    }

    /// Whether several gray releases share the files.
    pub fn is_shared(&self) -> bool {
        self.spec.is_empty()
    }
}

/// What a file was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The object in it, as messages name it: `Deployment/web-mse-gray in prod`; `None` for a file
    /// that is no object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The service it belongs to; `None` for what the lane shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The baseline file it was copied from, relative to the repository; `None` for what is
    /// generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
}

/// A file of the overlay as it was last written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedFile {
    /// Where it is.
    pub path: OverlayPath,
    /// What it held.
    pub sha256: Digest,
    /// What it was made from.
    pub origin: Origin,
}

/// The content of `graylane.lock`. Files are ordered by path and there is one of each, so that
/// equal overlays have equal locks, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    header: LockHeader,
    /// What the spec said when a part of the overlay was taken away, where that is something else
    /// than what the overlay was generated from.
    cleanup_digest: Option<Digest>,
    files: Vec<OwnedFile>,
}

impl Lock {
    /// The lock for these files, none of them twice.
    pub fn new(header: LockHeader, files: &[OverlayFile]) -> Self {
        let own = |file: &OverlayFile| OwnedFile {
            path: file.path.clone(),
            sha256: Digest::of(&file.contents),
            origin: file.origin.clone(),
        };
        let mut files: Vec<_> = files.iter().map(own).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { header, cleanup_digest: None, files }
    }

    /// The same lock for an overlay of which a part is taken away while the spec says this.
    #[must_use]
    pub fn cleaned_up(mut self, spec_digest: Digest) -> Self {
        let is_another = spec_digest != self.header.spec_digest;
        self.cleanup_digest = is_another.then_some(spec_digest);
        self
    }

    /// Whether what the overlay has not was taken away from it while its spec said this, or since it
    /// was generated from this: what was edited before is no reason to bring it back.
    pub fn is_cleaned_up_with(&self, spec_digest: &Digest) -> bool {
        self.cleanup_digest.as_ref().unwrap_or(&self.header.spec_digest) == spec_digest
    }

    /// The same lock with only the files that `keep` accepts.
    #[must_use]
    pub fn retain(mut self, keep: impl Fn(&OwnedFile) -> bool) -> Self {
        self.files.retain(keep);
        self
    }

    /// The same lock with these files as they are now, whether it listed them before or not.
    #[must_use]
    pub fn with(mut self, files: &[OverlayFile]) -> Self {
        let with = Self::new(self.header.clone(), files);
        self.files.retain(|file| with.file(&file.path).is_none());
        self.files.extend(with.files);
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        self
    }

    /// The gray release.
    pub fn header(&self) -> &LockHeader {
        &self.header
    }

    /// The files, ordered by path.
    pub fn files(&self) -> &[OwnedFile] {
        &self.files
    }

    /// Whether the lane has no objects: only that it is there is kept.
    pub fn is_offline(&self) -> bool {
        self.files.is_empty()
    }

    /// The file at this path, if it is owned.
    pub fn file(&self, path: &OverlayPath) -> Option<&OwnedFile> {
        self.files
            .binary_search_by(|file| file.path.cmp(path))
            .ok()
            .and_then(|at| self.files.get(at))
    }

    /// The text of the lock.
    ///
    /// # Errors
    /// None are known; the serializer could report one.
    pub fn to_text(&self) -> Result<String, Failure> {
        let LockHeader { name, tag, spec, spec_digest } = self.header.clone();
        let owned = |field| (!self.header.is_shared()).then_some(field);
        let header = RawHeader {
            version: VERSION,
            name,
            tag: owned(tag),
            spec: owned(spec),
            spec_digest: (!self.header.is_shared()).then_some(spec_digest),
            cleanup_digest: self.cleanup_digest.clone(),
        };
        let written = || -> Result<String, toml::ser::Error> {
            let mut text = format!("{HEADER}{}", toml::to_string(&header)?);
            for file in &self.files {
                text.push('\n');
                text.push_str(&toml::to_string(&RawTable { files: vec![RawFile::from(file)] })?);
            }
            Ok(text)
        };
        written()
            .map_err(|error| Diagnostic::error(format!("cannot write the lock: {error}")).into())
    }

    /// Reads the text of a lock; `shown` names the file in errors.
    ///
    /// # Errors
    /// It is not TOML, of another version, lacks a field or has an unknown one, or lists a path
    /// that leaves the overlay, is the lock itself, or is there twice.
    pub fn parse(text: &str, shown: &str) -> Result<Self, Failure> {
        let damaged = |message: &str, at: Option<usize>| {
            let diagnostic = Diagnostic::error(format!(
                "the lock is damaged: {}",
                message.trim_end_matches('.')
            ))
            .remedy(restore(shown));
            match at {
                Some(at) => diagnostic.at(place(text, shown, at)),
                None => diagnostic,
            }
        };
        if let Some(at) = conflict(text) {
            return Err(Diagnostic::error(
                "the lock has the marks of a merge that was not settled",
            )
            .at(place(text, shown, at))
            .remedy(format!("settle the spec and the baseline, then {ANEW}"))
            .into());
        }
        let mut tables = tables(text);
        let (_, head) = tables.next().unwrap_or((0, ""));
        let version: RawVersion = read_table(head, 0).map_err(|(why, at)| damaged(&why, at))?;
        if *version.version.get_ref() != VERSION {
            let message = format!(
                "the lock has version {}, this graylane reads {VERSION}",
                version.version.get_ref()
            );
            return Err(Diagnostic::error(message)
                .at(place(text, shown, version.version.span().start))
                .remedy("use the version of graylane that wrote it, or a newer one")
                .into());
        }
        let header: RawHeader = read_table(head, 0).map_err(|(why, at)| damaged(&why, at))?;
        let mut files: Vec<(usize, RawFile)> = Vec::new();
        for (start, table) in tables {
            let table: RawTable =
                read_table(table, start).map_err(|(why, at)| damaged(&why, at))?;
            files.extend(table.files.into_iter().map(|file| (start, file)));
        }
        let mut seen = HashSet::with_capacity(files.len());
        let mut errors = Vec::new();
        for (start, file) in &files {
            let path = file.path.get_ref();
            let at = Some(start + file.path.span().start);
            if !seen.insert(path) {
                errors.push(damaged(&format!("`{path}` is listed twice"), at));
            }
            if path.is_lock() {
                errors.push(damaged("it lists itself", at));
            }
        }
        if !errors.is_empty() {
            return Err(Failure(errors));
        }
        let RawHeader { name, tag, spec, spec_digest, cleanup_digest, .. } = header;
        // What several releases share is no service's.
        let is_of_lane = files.iter().any(|(_, file)| file.service.is_some());
        let header = match (tag, spec, spec_digest) {
            (_, Some(spec), _) if spec.is_empty() => {
                return Err(damaged("the field `spec` is empty", None).into());
            }
            (Some(tag), Some(spec), Some(spec_digest)) => {
                LockHeader { name, tag, spec, spec_digest }
            }
            (None, None, None) if name == SHARED && !is_of_lane => LockHeader::shared(),
            (None, ..) => return Err(damaged("missing field `tag`", None).into()),
            (_, None, _) => return Err(damaged("missing field `spec`", None).into()),
            (.., None) => return Err(damaged("missing field `spec_digest`", None).into()),
        };
        let own = |(_, file): (usize, RawFile)| OwnedFile {
            path: file.path.into_inner(),
            sha256: file.sha256,
            origin: Origin { object: file.object, service: file.service, baseline: file.baseline },
        };
        let mut files: Vec<_> = files.into_iter().map(own).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { header, cleanup_digest, files })
    }
}

#[derive(Deserialize)]
struct RawVersion {
    version: toml::Spanned<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeader {
    version: i64,
    name: String,
    // All three, or none where several gray releases share the files.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec_digest: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cleanup_digest: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    files: Vec<RawFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    path: toml::Spanned<OverlayPath>,
    sha256: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline: Option<String>,
}

impl From<&OwnedFile> for RawFile {
    fn from(file: &OwnedFile) -> Self {
        let Origin { object, service, baseline } = file.origin.clone();
        Self {
            path: toml::Spanned::new(0..0, file.path.clone()),
            sha256: file.sha256.clone(),
            object,
            service,
            baseline,
        }
    }
}

/// Bytes of the longest table that is read; those of graylane hold four paths at most.
const LONGEST_TABLE: usize = 64 << 10;

/// The tables of a lock with their offsets: the header, then one for each file. They are read one
/// by one, because a TOML reader takes some twenty times the memory of what it reads.
fn tables(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let starts = || text.match_indices("\n[[files]]").map(|(at, _)| at + 1);
    let ends = starts().chain([text.len()]);
    std::iter::once(0).chain(starts()).zip(ends).map(|(start, end)| (start, &text[start..end]))
}

/// Reads one table of a lock, which starts at `start`; in errors what is wrong, and where.
fn read_table<T: DeserializeOwned>(
    table: &str,
    start: usize,
) -> Result<T, (String, Option<usize>)> {
    if table.len() > LONGEST_TABLE {
        return Err((format!("it has a table of {} bytes", table.len()), Some(start)));
    }
    toml::from_str(table)
        .map_err(|error| (error.message().to_owned(), error.span().map(|span| start + span.start)))
}

/// The place of a byte offset.
fn place(text: &str, shown: &str, offset: usize) -> Place {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let text = text.lines().nth(line - 1).unwrap_or_default().to_owned();
    Place { file: Arc::from(shown), line, column, text }
}

/// The way without the lock that is there: files that hold what is generated are taken over.
const ANEW: &str =
    "delete it and generate its lane again: files that are as generated are taken over";

/// What to do about a lock that cannot be read. One that was never committed is not in git, and git
/// restores none while a merge of it is not settled.
pub(super) fn restore(shown: &str) -> String {
    format!("restore it: git restore '{shown}'\nin a merge, or where git has no sound one, {ANEW}")
}

/// Where git left both sides of a merge. No line of a lock starts so.
fn conflict(text: &str) -> Option<usize> {
    const MARK: &str = "<<<<<<< ";
    let later = || text.find(&format!("\n{MARK}")).map(|at| at + 1);
    if text.starts_with(MARK) { Some(0) } else { later() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> LockHeader {
        LockHeader {
            name: "spring-gray".into(),
            tag: "gray".into(),
            spec: "graylane.yaml".into(),
            spec_digest: Digest::of(b"spec"),
        }
    }

    fn file(path: &str, service: Option<&str>) -> OverlayFile {
        OverlayFile {
            path: OverlayPath::new(path).unwrap(),
            contents: path.as_bytes().to_vec().into(),
            origin: Origin {
                object: Some(format!("v1/Service/{path}")),
                service: service.map(str::to_owned),
                baseline: None,
            },
        }
    }

    #[test]
    fn survives_a_round_trip_in_one_order() {
        let lock = Lock::new(
            header(),
            &[file("workloads/b.yaml", Some("b")), file("entry/a \"x\".yaml", None)],
        );
        let text = lock.to_text().unwrap();
        assert_eq!(Lock::parse(&text, "graylane.lock").unwrap(), lock);
        let other_order = Lock::new(
            header(),
            &[file("entry/a \"x\".yaml", None), file("workloads/b.yaml", Some("b"))],
        );
        assert_eq!(other_order.to_text().unwrap(), text);
        let empty = Lock::new(header(), &[]);
        assert_eq!(Lock::parse(&empty.to_text().unwrap(), "l").unwrap(), empty);
    }

    #[test]
    fn knows_what_the_spec_said_when_a_part_was_taken_away() {
        let lock = Lock::new(header(), &[file("entry/a.yaml", None)]);
        let (same, other) = (Digest::of(b"spec"), Digest::of(b"other"));
        assert!(lock.is_cleaned_up_with(&same) && !lock.is_cleaned_up_with(&other));
        let edited = lock.clone().cleaned_up(other.clone());
        assert!(edited.is_cleaned_up_with(&other) && !edited.is_cleaned_up_with(&same));
        assert_eq!(Lock::parse(&edited.to_text().unwrap(), "l").unwrap(), edited);
        assert_eq!(edited.header(), lock.header());
        assert_eq!(edited.cleaned_up(same), lock);
    }

    #[test]
    fn the_marks_of_a_merge_are_told() {
        let text = Lock::new(header(), &[]).to_text().unwrap();
        let (head, rest) = text.split_once("spec_digest").unwrap();
        let merged = format!("{head}<<<<<<< HEAD\nspec_digest{rest}=======\nx\n>>>>>>> x\n");
        let error = Lock::parse(&merged, "graylane.lock").unwrap_err().0.remove(0);
        assert_eq!(error.place.unwrap().line, 6);
        assert_eq!(error.message, "the lock has the marks of a merge that was not settled");
    }

    #[test]
    fn shared_files_have_no_spec() {
        let lock = Lock::new(LockHeader::shared(), &[file("entry/a.yaml", None)]);
        let text = lock.to_text().unwrap();
        assert!(text.starts_with(&format!("{HEADER}version = 1\nname = \"istio\"\n\n[[files]]")));
        let read = Lock::parse(&text, "l").unwrap();
        assert!(read.header().is_shared() && read == lock);
        assert!(!header().is_shared());
        // A lane of that name whose lock lost its tag has files of services.
        let lost = Lock::new(LockHeader::shared(), &[file("entry/a.yaml", Some("a"))]);
        let error = Lock::parse(&lost.to_text().unwrap(), "l").unwrap_err().to_string();
        assert!(error.contains("missing field `tag`"), "{error}");
    }

    #[test]
    fn reads_as_plain_toml() {
        let text = Lock::new(header(), &[file("entry/a.yaml", Some("a"))]).to_text().unwrap();
        let digest = Digest::of(b"entry/a.yaml");
        let expected = format!(
            "{HEADER}version = 1\nname = \"spring-gray\"\ntag = \"gray\"\nspec = \"graylane.yaml\"\nspec_digest = \"{}\"\n\n\
             [[files]]\npath = \"entry/a.yaml\"\nsha256 = \"{digest}\"\nobject = \"v1/Service/entry/a.yaml\"\nservice = \"a\"\n",
            Digest::of(b"spec")
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let text = Lock::new(header(), &[file("entry/a.yaml", None)]).to_text().unwrap();
        let error = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            Lock::parse(&text.replace(from, to), "o/graylane.lock").unwrap_err().to_string()
        };
        let owner = &text[text.find("tag = ").unwrap()..text.find("\n[[files]]").unwrap()];
        for (from, to, expected) in [
            (
                "version = 1",
                "version = 7",
                "the lock has version 7, this graylane reads 1\n  --> o/graylane.lock:2:11",
            ),
            ("version = 1\n", "", "missing field `version`"),
            (
                "\"entry/a.yaml\"",
                "\"../a.yaml\"",
                "path `../a.yaml` leads out of the overlay\n  --> o/graylane.lock:9:8",
            ),
            ("\"entry/a.yaml\"", "\"/etc/a.yaml\"", "path `/etc/a.yaml` is an absolute path"),
            ("\"entry/a.yaml\"", "\"graylane.lock\"", "it lists itself"),
            ("tag = ", "color = 1\ntag = ", "unknown field `color`"),
            ("tag = \"gray\"", "tag = \"gray", "invalid"),
            ("tag = \"gray\"\n", "", "missing field `tag`"),
            ("spec = \"graylane.yaml\"\n", "", "missing field `spec`"),
            ("spec = \"graylane.yaml\"\n", "spec = \"\"\n", "the field `spec` is empty"),
            (owner, "", "missing field `tag`"),
            (Digest::of(b"entry/a.yaml").as_str(), "abc", "64 lowercase hexadecimal digits"),
        ] {
            let shown = error(from, to);
            assert!(shown.contains(expected), "{shown}\nlacks {expected}");
        }
        let twice = format!(
            "{text}\n[[files]]\npath = \"entry/a.yaml\"\nsha256 = \"{}\"\n",
            Digest::of(b"")
        );
        let shown = Lock::parse(&twice, "l").unwrap_err().to_string();
        assert!(shown.contains("`entry/a.yaml` is listed twice"), "{shown}");
        assert!(shown.contains("git restore 'l'") && shown.contains("delete it"), "{shown}");
    }
}
