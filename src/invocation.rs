//! How a command is written where the user is.

/// Where commands are run that are offered: their paths are relative to a directory of the repository,
/// which may have to be named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// What `--repo` has to say; `None` where the user is in the repository.
    pub repo: Option<String>,
    /// The directory of the command, relative to the repository's root, with `/`.
    pub prefix: String,
}

impl Invocation {
    /// A command line for a POSIX shell: `words` with a path of the repository after them.
    pub fn of(&self, words: &str, path: &str) -> String {
        let repo = self.repo.as_ref().map(|repo| format!(" -C {}", quoted(repo)));
        format!("graylane{} {words} {}", repo.unwrap_or_default(), self.word(path))
    }

    /// The command that takes away an overlay and no other.
    pub fn cleanup(&self, overlay: &str) -> String {
        self.of("cleanup --overlay", overlay)
    }

    /// A command line of git, as [`Self::of`].
    pub fn git(&self, words: &str, path: &str) -> String {
        let repo = self.repo.as_ref().map(|repo| format!(" -C {}", quoted(repo)));
        format!("git{} {words} {}", repo.unwrap_or_default(), self.word(path))
    }

    /// A path of the repository as a word of a command line.
    pub fn word(&self, path: &str) -> String {
        quoted(&self.argument(path))
    }

    /// A path of the repository as an argument.
    pub fn argument(&self, path: &str) -> String {
        let parts = |path: &'_ str| -> Vec<String> {
            path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let (from, to) = (parts(&self.prefix), parts(path));
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("..".to_owned(), from.len() - common);
        let shown: Vec<String> = up.chain(to.into_iter().skip(common)).collect();
        match shown.join("/") {
            shown if shown.is_empty() => ".".to_owned(),
            // As an argument it would be an option.
            shown if shown.starts_with('-') => format!("./{shown}"),
            shown => shown,
        }
    }
}

/// A word of a POSIX shell.
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_directory_of_the_command() {
        for (prefix, path, shown) in [
            ("", "overlays/gray", "overlays/gray"),
            ("shop", "shop/overlays/gray", "overlays/gray"),
            ("shop", "overlays/gray", "../overlays/gray"),
            ("shop/a", "shop/b/c", "../b/c"),
            ("shop", "shopping/a", "../shopping/a"),
            ("shop/overlays", "shop/overlays", "."),
            ("", "my shop/it's", r"'my shop/it'\''s'"),
            ("", "-a", "./-a"),
        ] {
            let here = Invocation { repo: None, prefix: prefix.to_owned() };
            assert_eq!(here.cleanup(path), format!("graylane cleanup --overlay {shown}"));
        }
        let there = Invocation { repo: Some("my repo".to_owned()), prefix: "shop".to_owned() };
        assert_eq!(there.git("rm", "shop/a b"), "git -C 'my repo' rm 'a b'");
        assert_eq!(
            there.of("check", "shop/graylane.yaml"),
            "graylane -C 'my repo' check graylane.yaml"
        );
    }
}
