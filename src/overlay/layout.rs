//! Which file each object goes to.

use std::collections::HashMap;

use super::digest::Digest;
use super::path::OverlayPath;

/// The directory of an object. Traffic has one of its own, so that it can be put in place last and
/// taken away first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Directory {
    /// What runs, and what it needs.
    Workloads,
    /// What lets gray traffic in.
    Entry,
}

impl Directory {
    /// Its name in the overlay.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workloads => "workloads",
            Self::Entry => "entry",
        }
    }
}

/// What tells an object from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectName<'a> {
    /// Where it goes.
    pub directory: Directory,
    /// API group, empty for the core group.
    pub group: &'a str,
    /// Kind, as in the manifest.
    pub kind: &'a str,
    /// Namespace, if the object names one.
    pub namespace: Option<&'a str>,
    /// Name.
    pub name: &'a str,
}

/// The longest file name that common file systems hold, in bytes.
const MAX_FILE_NAME: usize = 255;
const EXTENSION: &str = ".yaml";

/// How much of an object is in its file name: each step adds what tells more objects apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Name,
    Namespace,
    Group,
    Digest,
}

impl Detail {
    fn more(self) -> Self {
        match self {
            Self::Name => Self::Namespace,
            Self::Namespace => Self::Group,
            Self::Group | Self::Digest => Self::Digest,
        }
    }
}

/// The file of each object, in the order of the objects: `<directory>/<kind>-<name>.yaml`,
/// lowercase.
///
/// Objects that would share a file all get their namespace added, then their API group, then a
/// digest; so the result does not depend on their order. Only the same object given twice has the
/// same file twice.
pub fn layout(objects: &[ObjectName<'_>]) -> Vec<OverlayPath> {
    let mut details = vec![Detail::Name; objects.len()];
    loop {
        let paths: Vec<String> =
            objects.iter().zip(&details).map(|(object, detail)| file(object, *detail)).collect();
        let mut owners: HashMap<&str, usize> = HashMap::with_capacity(paths.len());
        for path in &paths {
            *owners.entry(path).or_default() += 1;
        }
        let mut settled = true;
        for (path, detail) in paths.iter().zip(&mut details) {
            if owners.get(path.as_str()).is_some_and(|count| *count > 1)
                && *detail != Detail::Digest
            {
                *detail = detail.more();
                settled = false;
            }
        }
        if settled {
            // Every path is two plain components, so none is refused.
            return paths.into_iter().filter_map(|path| OverlayPath::new(path).ok()).collect();
        }
    }
}

fn file(object: &ObjectName<'_>, detail: Detail) -> String {
    let ObjectName { directory, group, kind, namespace, name } = object;
    let mut parts = vec![safe(kind), safe(name)];
    if detail != Detail::Name {
        parts.extend(namespace.map(safe));
    }
    if matches!(detail, Detail::Group | Detail::Digest) && !group.is_empty() {
        parts.push(safe(group));
    }
    let mut stem = parts.join("-");
    let room = MAX_FILE_NAME - EXTENSION.len();
    if detail == Detail::Digest || stem.len() > room {
        let identity = format!("{group}/{kind}/{}/{name}", namespace.unwrap_or_default());
        let digest: String = Digest::of(identity.as_bytes()).as_str().chars().take(16).collect();
        stem = stem.chars().take(room - digest.len() - 1).collect();
        stem = format!("{stem}-{digest}");
    }
    format!("{}/{stem}{EXTENSION}", directory.as_str())
}

/// Whether a file has the name that [`layout`] gives objects of this kind, of any group. A kind whose
/// name goes on after a `-` has such names too.
pub fn is_named_after(file_name: &str, kind: &str) -> bool {
    file_name.strip_prefix(&safe(kind)).is_some_and(|rest| rest.starts_with('-'))
}

/// The text in lowercase ASCII letters, digits, `.` and `-`; anything else becomes `-`. RBAC
/// objects have names with colons and capitals.
fn safe(text: &str) -> String {
    text.chars()
        .map(|c| match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '.' | '-') => c,
            _ => '-',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object<'a>(
        group: &'a str,
        kind: &'a str,
        namespace: Option<&'a str>,
        name: &'a str,
    ) -> ObjectName<'a> {
        ObjectName { directory: Directory::Workloads, group, kind, namespace, name }
    }

    fn paths(objects: &[ObjectName<'_>]) -> Vec<String> {
        layout(objects).into_iter().map(String::from).collect()
    }

    #[test]
    fn a_file_tells_the_kind() {
        let file = &paths(&[object("", "ConfigMap", None, "web")])[0];
        let name = file.rsplit_once('/').unwrap().1;
        assert!(is_named_after(name, "ConfigMap"), "{name}");
        assert!(!is_named_after(name, "Config"), "{name}");
    }

    #[test]
    fn names_a_file_by_kind_and_name() {
        let entry = ObjectName {
            directory: Directory::Entry,
            ..object("networking.k8s.io", "Ingress", None, "web")
        };
        assert_eq!(
            paths(&[object("apps", "Deployment", Some("prod"), "web-mse-gray"), entry]),
            ["workloads/deployment-web-mse-gray.yaml", "entry/ingress-web.yaml"]
        );
    }

    #[test]
    fn tells_namespaces_groups_and_spellings_apart_in_any_order() {
        let objects = [
            object("", "Service", Some("a"), "web"),
            object("", "Service", Some("b"), "web"),
            object("serving.knative.dev", "Service", Some("a"), "web"),
            object("", "Role", None, "system:x"),
            object("", "Role", None, "system-x"),
            object("", "Secret", None, "alone"),
        ];
        let forward = paths(&objects);
        assert_eq!(
            forward.get(..3).unwrap(),
            [
                "workloads/service-web-a.yaml",
                "workloads/service-web-b.yaml",
                "workloads/service-web-a-serving.knative.dev.yaml"
            ]
        );
        assert_eq!(forward[5], "workloads/secret-alone.yaml");
        let unique: std::collections::HashSet<_> = forward.iter().collect();
        assert_eq!(unique.len(), objects.len());
        let mut reversed: Vec<_> = objects.to_vec();
        reversed.reverse();
        let mut backward = paths(&reversed);
        backward.reverse();
        assert_eq!(backward, forward);
    }

    #[test]
    fn a_name_that_looks_like_another_with_its_namespace_is_told_apart() {
        let objects = [
            object("", "Service", Some("a"), "web"),
            object("", "Service", Some("b"), "web"),
            object("", "Service", None, "web-a"),
        ];
        let unique: std::collections::HashSet<_> = paths(&objects).into_iter().collect();
        assert_eq!(unique.len(), 3, "{unique:?}");
    }

    #[test]
    fn file_names_fit_and_are_safe() {
        let long = "x".repeat(253);
        let longer = format!("{}y", "x".repeat(252));
        let odd = paths(&[
            object("", "ConfigMap", None, &long),
            object("", "ConfigMap", None, &longer),
            object("", "A/B", None, "../é\0"),
        ]);
        assert_eq!(odd.len(), 3);
        assert_ne!(odd[0], odd[1]);
        for path in odd {
            let name = path.strip_prefix("workloads/").unwrap();
            assert!(
                name.len() <= 255
                    && name
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c)),
                "{name}"
            );
        }
    }
}
