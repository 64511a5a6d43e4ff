//! Pushing a branch, by the `git` program: with the user's credentials, configuration and hooks.

use super::discover::Repository;
use super::error::{GitError, GitErrorKind, Result};
use super::program::failed;
use super::read::{CommitId, Head};

/// A branch here and the branch it is pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushTarget {
    /// The branch here, without `refs/heads/`.
    pub branch: String,
    /// The remote's name or URL.
    pub remote: String,
    /// The branch there, without `refs/heads/`.
    pub upstream: String,
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// The branch there holds what the branch here holds.
    Pushed {
        /// Whether it held something else before.
        changed: bool,
    },
    /// The branch there has moved to a commit that the branch here does not have.
    Behind,
}

impl Repository {
    /// Where a branch is pushed to, as `git push` decides it: its own remote and upstream, else the
    /// only remote or `origin` and a branch of the same name. Without a branch, the one checked out.
    ///
    /// # Errors
    /// HEAD is detached, or there is no remote.
    pub fn push_target(&self, branch: Option<&str>) -> Result<PushTarget> {
        let branch = match (branch, self.head()?) {
            (Some(branch), _) => branch.to_owned(),
            (None, Head::Branch { name, .. } | Head::Unborn { branch: name }) => name,
            (None, Head::Detached { .. }) => {
                return Err(GitError::new(
                    GitErrorKind::NotNow,
                    "no branch is checked out to push",
                )
                .remedy("check one out, or name one with --branch"));
            }
        };
        let keys = [
            format!("branch.{branch}.pushRemote"),
            "remote.pushDefault".to_owned(),
            format!("branch.{branch}.remote"),
        ];
        let mut remote = None;
        for key in keys {
            remote = match remote {
                None => self.setting(&key)?,
                found => found,
            };
        }
        let remotes = self.program.run(["remote"]).output(&[])?;
        let remotes = String::from_utf8_lossy(&remotes);
        let remotes: Vec<&str> = remotes.lines().collect();
        let remote = match (remote, remotes.as_slice()) {
            (Some(remote), _) => remote,
            (None, [only]) => (*only).to_owned(),
            (None, all) if all.contains(&"origin") => "origin".to_owned(),
            (None, all) => {
                let what = if all.is_empty() { "no remote" } else { "no remote `origin`" };
                return Err(GitError::new(
                    GitErrorKind::NotNow,
                    format!("there is {what} to push `{branch}` to"),
                )
                .remedy(format!(
                    "git remote add origin URL, or git config branch.{branch}.remote NAME"
                )));
            }
        };
        let is_own = self.setting(&format!("branch.{branch}.remote"))?.as_ref() == Some(&remote);
        let merge = match is_own {
            true => self.setting(&format!("branch.{branch}.merge"))?,
            false => None,
        };
        let upstream = merge.as_deref().and_then(|merge| merge.strip_prefix("refs/heads/"));
        let upstream = upstream.unwrap_or(&branch).to_owned();
        Ok(PushTarget { branch, remote, upstream })
    }

    fn setting(&self, key: &str) -> Result<Option<String>> {
        let output = self.program.run(["config", "--get", key]).complete(&[])?;
        match output.status.code() {
            Some(0) => Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())),
            Some(1) => Ok(None),
            _ => Err(failed(&format!("git config --get {key}"), &output)),
        }
    }

    /// Pushes the branch, never by force. The hook `pre-push` runs.
    ///
    /// # Errors
    /// The remote cannot be reached or refuses the branch, or the hook does.
    pub fn push(&self, target: &PushTarget) -> Result<PushOutcome> {
        let PushTarget { branch, remote, upstream } = target;
        let refspec = format!("refs/heads/{branch}:refs/heads/{upstream}");
        let args = ["push", "--porcelain", "--", remote, &refspec];
        let output = self.program.run(args).complete(&[])?;
        let said = String::from_utf8_lossy(&output.stdout);
        // A line for each reference: flag, both names, and a summary.
        let flag = said.lines().find_map(|line| {
            let (flag, rest) = line.split_once('\t')?;
            rest.starts_with("refs/heads/").then_some((flag, rest))
        });
        match flag {
            Some(("=", _)) => Ok(PushOutcome::Pushed { changed: false }),
            Some(("!", why)) if is_behind(why, &String::from_utf8_lossy(&output.stderr)) => {
                Ok(PushOutcome::Behind)
            }
            Some(("!", why)) => {
                let why = why.rsplit('\t').next().unwrap_or(why);
                let remote_said = remote_lines(&output.stderr);
                Err(GitError::new(
                    GitErrorKind::Other,
                    format!("`{remote}` refuses `{upstream}`: {why}{remote_said}"),
                ))
            }
            _ if output.status.success() => Ok(PushOutcome::Pushed { changed: true }),
            _ => Err(failed("git push", &output).remedy(
                "mend what git says, then run the same command again: it pushes what is committed",
            )),
        }
    }

    /// The commit that the branch holds there now, with its history fetched; `None` where there is
    /// no such branch.
    ///
    /// # Errors
    /// The remote cannot be reached.
    pub fn fetch_tip(&self, target: &PushTarget) -> Result<Option<CommitId>> {
        let reference = format!("refs/heads/{}", target.upstream);
        let list = ["ls-remote", "--", &target.remote, &reference];
        let listed = self.program.run(list).output(&[])?;
        if listed.is_empty() {
            return Ok(None);
        }
        let fetch = ["fetch", "--quiet", "--no-tags", "--", &target.remote, &reference];
        self.program.run(fetch).output(&[])?;
        self.resolve("FETCH_HEAD").map(Some)
    }

    /// Moves the branch from `made`, commits on top of `base`, to another commit that has `base` too:
    /// what they hold is left out. Where the branch is checked out, index and work tree follow, and
    /// changes that are not committed stay, staged or not.
    ///
    /// # Errors
    /// The other commit does not have `base`; the branch has more than the commits that were made;
    /// changes that are not committed are in the way.
    pub fn move_onto(
        &self,
        target: &PushTarget,
        base: Option<CommitId>,
        made: &[CommitId],
        onto: CommitId,
    ) -> Result<()> {
        let branch = &target.branch;
        let has_base = base.is_some_and(|base| {
            base == onto || self.inner.graph_descendant_of(onto.0, base.0).unwrap_or(false)
        });
        let tip = self.tip(Some(branch))?;
        if !has_base || self.below(tip.old, made) != base {
            return Err(GitError::new(
                GitErrorKind::RefMoved,
                format!("`{branch}` and `{}/{}` have gone apart", target.remote, target.upstream),
            )
            .remedy(format!(
                "bring them together, then run the same command again:\ngit pull --rebase {} {}",
                target.remote, target.upstream
            )));
        }
        if tip.checked_out {
            // Entries of a new commit do not know the time of their files, and count as changed.
            self.program.run(["update-index", "-q", "--refresh"]).complete(&[])?;
            // `git reset --keep` would drop what is staged.
            let onto = onto.to_string();
            let checkout = self.program.run(["-c", "core.hooksPath=/dev/null", "checkout"]);
            let options = ["--quiet", "--no-overwrite-ignore", "-B", branch.as_str(), &onto, "--"];
            return checkout.args(&options).output(&[]).map(|_| ()).map_err(|error| {
                error.remedy("commit or stash your changes, then run the same command again")
            });
        }
        self.move_reference(&tip, onto, &format!("move to {onto}"))
    }

    /// What the commits that were `made` are on top of.
    fn below(&self, tip: Option<CommitId>, made: &[CommitId]) -> Option<CommitId> {
        let mut at = tip;
        while let Some(id) = at.filter(|id| made.contains(id)) {
            let commit = self.inner.find_commit(id.0).ok();
            at = commit.and_then(|commit| commit.parent_id(0).ok()).map(CommitId);
        }
        at
    }
}

/// Whether a reference was not taken because another push came first.
///
/// Source: git/git, `transport.c` (`print_one_push_status`), `builtin/receive-pack.c`
/// (`update`, `execute_commands`), `refs/files-backend.c` (`cannot lock ref`).
fn is_behind(line: &str, stderr: &str) -> bool {
    const LOCKED: [&str; 4] = [
        "failed to update ref",
        "cannot lock ref",
        "failed to lock",
        "incorrect old value provided",
    ];
    let rejected = ["(fetch first)", "(non-fast-forward)"].iter().any(|why| line.contains(why));
    rejected
        || (line.contains("[remote rejected]")
            && LOCKED.iter().any(|why| line.contains(why) || stderr.contains(why)))
}

/// What the remote said, in one line.
fn remote_lines(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().filter_map(|line| line.strip_prefix("remote:")).map(str::trim);
    let said: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    if said.is_empty() { String::new() } else { format!(" ({})", said.join(" ")) }
}
