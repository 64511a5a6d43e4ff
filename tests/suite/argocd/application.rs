//! An application as the server of a plugin has it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use graylane::yaml::{Source, parse};
use tempfile::TempDir;

use crate::sandbox::{Ran, tree};

/// The user of Argo CD's images.
const ARGO_CD: u32 = 999;

/// A tree of files without `.git`, and the path of an application in it. Nobody may write to it.
pub(crate) struct Application {
    top: TempDir,
    /// The root of the tree.
    pub(crate) tree: PathBuf,
    path: String,
    /// Whether it can be run as another user.
    is_root: bool,
}

impl Application {
    /// A copy of a directory; `path` is where in it the application is.
    pub(crate) fn of(from: &Path, path: &str) -> Self {
        let top = tempfile::tempdir().unwrap();
        let real = top.path().canonicalize().unwrap();
        let root = real.join("tree");
        for (path, bytes) in tree(from) {
            let to = root.join(&path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            match fs::read_link(from.join(path)) {
                Ok(target) => symlink(target, to).unwrap(),
                Err(_) => fs::write(to, bytes).unwrap(),
            }
        }
        let bin = real.join("graylane");
        // A link is enough, where both are on one file system. What this process has open to write when
        // another test starts a program, nobody can run.
        if fs::hard_link(env!("CARGO_BIN_EXE_graylane"), &bin).is_err() {
            let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_graylane")).arg(&bin).status();
            assert!(copied.unwrap().success());
        }
        set_modes(&root, 0o444, 0o555);
        fs::set_permissions(&real, Permissions::from_mode(0o755)).unwrap();
        let for_others = |path: &Path| fs::metadata(path).unwrap().mode() & 0o001 != 0;
        let is_root = fs::metadata(&real).unwrap().uid() == 0 && bin.ancestors().all(for_others);
        Self { top, tree: root, path: path.to_owned(), is_root }
    }

    /// `graylane render` with these arguments as the server runs it: in the application's directory,
    /// with its environment and no other, and as another user where that is possible.
    pub(crate) fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(self.top.path().canonicalize().unwrap().join("graylane"));
        command.arg("render").args(args).current_dir(self.tree.join(&self.path));
        command.env_clear().envs([
            ("PATH", "/nowhere"),
            ("TMPDIR", "/nowhere"),
            ("ARGOCD_APP_NAME", "lane-gray"),
            ("ARGOCD_APP_NAMESPACE", "default"),
            ("ARGOCD_APP_PROJECT_NAME", "default"),
            ("ARGOCD_APP_REVISION", "0123456789abcdef0123456789abcdef01234567"),
            ("ARGOCD_APP_REVISION_SHORT", "0123456"),
            ("ARGOCD_APP_REVISION_SHORT_8", "01234567"),
            ("ARGOCD_APP_SOURCE_PATH", &self.path),
            ("ARGOCD_APP_SOURCE_REPO_URL", "https://git.example.com/mse-demo.git"),
            ("ARGOCD_APP_SOURCE_TARGET_REVISION", "main"),
            ("ARGOCD_APP_PARAMETERS", "null"),
            ("KUBE_VERSION", "1.33"),
            ("KUBE_API_VERSIONS", "v1,apps/v1,networking.k8s.io/v1"),
        ]);
        command.envs(env.iter().copied());
        if self.is_root {
            command.uid(ARGO_CD).gid(ARGO_CD);
        }
        command
    }

    /// Runs it to the end.
    pub(crate) fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let output = self.command(args, env).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or(-1);
        Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        set_modes(&self.tree, 0o644, 0o755);
    }
}

/// Gives all files and all directories one mode: Argo CD keeps no others.
fn set_modes(root: &Path, file: u32, directory: u32) {
    for entry in walkdir::WalkDir::new(root).contents_first(directory & 0o200 == 0) {
        let entry = entry.unwrap();
        if entry.path_is_symlink() {
            continue;
        }
        let mode = if entry.file_type().is_dir() { directory } else { file };
        fs::set_permissions(entry.path(), Permissions::from_mode(mode)).unwrap();
    }
}

/// The environment of an application with these parameters.
pub(crate) fn parameters(json: &str) -> [(&str, &str); 1] {
    [("ARGOCD_APP_PARAMETERS", json)]
}

/// The objects of a stream, split as strictly as Argo CD does: at lines that start with `---`, each
/// part an object that says what it is.
pub(crate) fn documents(stream: &str) -> Vec<serde_json::Value> {
    let mut parts = vec![String::new()];
    for line in stream.split_inclusive('\n') {
        if line.starts_with("---") {
            assert_eq!(line, "---\n");
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push_str(line);
        }
    }
    let object = |part: &String| {
        let parsed = parse(Source::new("stdout", part.clone())).unwrap();
        assert_eq!(parsed.documents.len(), 1, "{part}");
        let object = parsed.documents[0].root().to_json();
        for name in ["/apiVersion", "/kind", "/metadata/name"] {
            let text = object.pointer(name).and_then(serde_json::Value::as_str);
            assert!(text.is_some_and(|text| !text.is_empty()), "no {name} in\n{part}");
        }
        object
    };
    parts.iter().map(object).collect()
}
