//! Whether what a lane was tried with is what its promotion would bring.

use std::collections::{HashMap, HashSet};

use crate::baseline::files::{AtCommit, Files};
use crate::cli::commit::head_lock;
use crate::cli::shared::found;
use crate::cli::workspace::Workspace;
use crate::diagnostic::{Diagnostic, Failure};
use crate::git::{CommitId, Repository};
use crate::invocation::quoted;
use crate::kube::object::ObjectRef;
use crate::lane::{Facts, Origin};
use crate::overlay::{LOCK_FILE, Lock, OverlayDir, TreeFiles, read_lock};
use crate::pipeline::{BaselineFrom, Baselines, Release, SpecFile, release};
use crate::promote::Promotion;
use crate::surroundings::{Edit, Standing};

/// Why what was tried in the lane is not what would be promoted.
pub(super) fn stale(
    spec: &SpecFile,
    promotion: &Promotion,
    facts: &Facts,
    files: &dyn Files,
    outputs: &[String],
    workspace: &Workspace,
) -> anyhow::Result<Vec<Diagnostic>> {
    let lock: Option<Lock> = read_lock(&OverlayDir::open(workspace.root()?, &spec.output)?)?;
    let Some(lock) = lock.filter(|lock| lock.header().spec_digest == spec.digest) else {
        let error = Diagnostic::error(format!(
            "the overlay {} is not that of this spec: what would be promoted was never tried",
            spec.output
        ));
        let error = error.at(spec.release.tag_place.clone());
        let generate = workspace.invocation().of("generate", &spec.release.file);
        return Ok(vec![error.remedy(format!("run `{generate}` first, or promote with --force"))]);
    };
    let release = match release(spec.clone(), facts) {
        Ok(release) => release,
        Err(failure) => return Ok(unbuildable(spec, failure, workspace)),
    };
    let errors = untried(&release, &lock, workspace);
    if !errors.is_empty() {
        return Ok(errors);
    }
    let Some(repository) = &workspace.repository else { return Ok(Vec::new()) };
    // An overlay that was not committed was made from what is there.
    if head_lock(repository, &spec.output)?.as_ref() != Some(&lock) {
        return Ok(Vec::new());
    }
    let Some(generated) = generated(repository, &spec.output, lock)? else {
        return Ok(Vec::new());
    };
    let held = promotion.files.iter().map(|file| (file.path.as_str(), file.before.as_bytes()));
    let differing = repository.differing(generated, held);
    let differing = differing.map_err(Diagnostic::from).map_err(Failure::from)?;
    if differing.is_empty() && !promotion.is_linked() {
        return Ok(Vec::new());
    }
    let there = AtCommit::checked_out(repository, generated).map_err(Diagnostic::from);
    let there = there.map_err(Failure::from)?;
    // A file that never changed is another one to the baseline where a link leads to it since.
    let differing: HashSet<&str> = differing.into_iter().collect();
    let paths = promotion.files.iter().map(|file| file.path.as_str()).filter(|path| {
        differing.contains(path) || promotion.elsewhere(path, &there).next().is_some()
    });
    let paths: Vec<&str> = paths.collect();
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    // What else stands in these files is no business of this lane.
    let copied = copied(&release, files);
    let before = Baselines::default().of(&there, spec, &BaselineFrom::Spec, outputs);
    let short = repository.short_id(generated);
    let mut errors = Vec::new();
    for path in paths {
        let what = match &before {
            Ok(before) => {
                let copied = copied.get(path).map_or(&[][..], Vec::as_slice);
                let changed = promotion.changed(path, copied, &before.baseline, &facts.baseline);
                if changed.is_empty() {
                    continue;
                }
                let ids: Vec<String> = changed.iter().map(|id| format!("{id}")).collect();
                format!("{path}: {}", ids.join(", "))
            }
            // What cannot be read as it was cannot be compared.
            Err(_) => path.to_owned(),
        };
        let error = Diagnostic::error(format!(
            "{what} changed since the lane was generated in commit {short}: promoting would overwrite what the lane was not tried with"
        ));
        let mut others =
            promotion.elsewhere(path, &there).filter_map(|listed| there.real(listed).ok());
        let other = others.find(|file| there.read(file).is_ok());
        let from =
            other.map_or_else(|| generated.to_string(), |file| format!("{generated}:{file}"));
        errors.push(error.remedy(format!(
            "look at it: {}\nthen promote with --force",
            workspace.invocation().git(&format!("diff {} --", quoted(&from)), path)
        )));
    }
    Ok(errors)
}

/// The objects of the baseline that a lane has copies of, by the path of their file with no link on
/// the way.
fn copied<'a>(release: &'a Release, files: &dyn Files) -> HashMap<String, Vec<&'a ObjectRef>> {
    let mut copied: HashMap<String, Vec<&ObjectRef>> = HashMap::new();
    for object in &release.lane.objects {
        if let Origin::Baseline { id, file } = &object.origin
            && let Ok(real) = files.real(file)
        {
            copied.entry(real).or_default().push(id);
        }
    }
    copied
}

/// Why a lane cannot be built as it was when it was tried.
fn unbuildable(
    spec: &SpecFile,
    Failure(mut errors): Failure,
    workspace: &Workspace,
) -> Vec<Diagnostic> {
    let generate = workspace.invocation().of("generate", &spec.release.file);
    let error = Diagnostic::error(format!(
        "the lane `{}` cannot be built any more: what would be promoted was never tried with what the baseline is now",
        spec.release.name
    ));
    errors.push(error.at(spec.release.tag_place.clone()).remedy(format!(
        "mend the spec, run `{generate}` and let that be applied first, or promote with --force"
    )));
    errors
}

/// What of an overlay is not as spec and baseline give it now. What was taken away from it, as
/// `cleanup --drain` does, was there to be tried.
fn untried(release: &Release, lock: &Lock, workspace: &Workspace) -> Vec<Diagnostic> {
    let spec = &release.spec;
    let invocation = workspace.invocation();
    let generate = invocation.of("generate", &spec.release.file);
    let Ok(overlay) = found(workspace, &spec.output) else { return Vec::new() };
    let Standing::Written(differences) = Standing::of(release.desired(), &*overlay) else {
        return Vec::new();
    };
    let edited = differences.edited.iter().filter(|(_, edit)| *edit != Edit::Removed);
    let edited = edited.map(|(path, _)| (path, "was edited by hand"));
    let stale = differences.stale.iter().filter(|path| lock.file(path).is_some());
    let stale = stale.map(|path| (path, "is not what spec and baseline give now"));
    let Some((path, why)) = edited.chain(stale).next() else { return Vec::new() };
    let error = Diagnostic::error(format!(
        "{} {why}: what would be promoted was never tried",
        path.below(&spec.output)
    ));
    vec![error.at(spec.release.tag_place.clone()).remedy(format!(
        "`{}` shows what changes; run `{generate}` and let that be applied first, or promote with --force",
        invocation.of("diff --against head", &spec.release.file)
    ))]
}

/// The commit that generated an overlay, whose lock in the last commit is this one. Commits that
/// only took something away, as `cleanup --drain` does, came later.
fn generated(
    repository: &Repository,
    directory: &str,
    mut lock: Lock,
) -> Result<Option<CommitId>, Failure> {
    let path = format!("{directory}/{LOCK_FILE}");
    let last = repository.last_changes(&[&path])?;
    let Some(mut commit) = last.get(path.as_str()).copied() else { return Ok(None) };
    while let Some(earlier) = repository.change_before(commit, &path)? {
        let Ok(Some(before)) = read_lock(&TreeFiles::open(repository, earlier, directory)?) else {
            break;
        };
        let mut objects = lock.files().iter().filter(|file| file.origin.object.is_some());
        let had_all = objects
            .all(|file| before.file(&file.path).is_some_and(|had| had.sha256 == file.sha256));
        let is_less = lock.files().len() < before.files().len();
        if !(had_all && is_less && before.header().spec_digest == lock.header().spec_digest) {
            break;
        }
        (commit, lock) = (earlier, before);
    }
    Ok(Some(commit))
}
