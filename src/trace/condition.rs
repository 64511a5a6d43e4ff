//! Whether a condition holds, where that can be told: regular expressions, wildcards, hosts, paths.

use regex::bytes::RegexBuilder;

use crate::gateway::ambiguous;

/// Whether a condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    /// It cannot be decided from manifests: why.
    Unknown(String),
}

impl Truth {
    pub(super) fn of(is_true: bool) -> Self {
        if is_true { Self::Yes } else { Self::No }
    }

    /// Whether both hold.
    pub(super) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            Self::Unknown(why) => match other() {
                Self::No => Self::No,
                _ => Self::Unknown(why),
            },
        }
    }

    /// Whether one of them holds.
    pub(super) fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Yes => Self::Yes,
            Self::No => other(),
            Self::Unknown(why) => match other() {
                Self::Yes => Self::Yes,
                _ => Self::Unknown(why),
            },
        }
    }

    /// Whether it does not hold.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            unknown @ Self::Unknown(_) => unknown,
        }
    }

    /// Whether all of them hold.
    pub(super) fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        truths.into_iter().fold(Self::Yes, |all, one| all.and(|| one))
    }

    /// Whether any of them holds.
    pub(super) fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        truths.into_iter().fold(Self::No, |any, one| any.or(|| one))
    }
}

/// How a gateway holds a regular expression against a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// PCRE, anywhere in the value.
    Search,
    /// The same, whatever the case.
    SearchAnyCase,
    /// RE2, all of the value.
    Whole,
    /// It is not known: what search and whole value agree on is sure.
    Unknown,
}

/// Whether a regular expression matches a value.
///
/// The `regex` crate has the syntax of RE2, and of PCRE what both have. An expression with more
/// than that (look-around, back-references) is not decided, nor one that the engines read in
/// different ways.
pub(super) fn matches(pattern: &str, value: &str, engine: Engine) -> Truth {
    if let Some(what) = ambiguous(pattern) {
        return Truth::Unknown(format!("engines differ in how they read {what} in `{pattern}`"));
    }
    let is_match = |pattern: &str, any_case: bool| {
        // Classes such as `\d` mean ASCII in RE2 and PCRE.
        let mut builder = RegexBuilder::new(pattern);
        let regex = builder.unicode(false).case_insensitive(any_case).build().ok()?;
        Some(regex.is_match(value.as_bytes()))
    };
    let whole = || is_match(&format!("^(?:{pattern})$"), false);
    let found = match engine {
        Engine::Search => is_match(pattern, false),
        Engine::SearchAnyCase => is_match(pattern, true),
        Engine::Whole => whole(),
        Engine::Unknown => {
            let (whole, part) = (whole(), is_match(pattern, false));
            if whole != part {
                return Truth::Unknown(format!(
                    "whether `{pattern}` must match all of `{value}` is not documented"
                ));
            }
            whole
        }
    };
    match found {
        Some(found) => Truth::of(found),
        None => Truth::Unknown(format!(
            "`{pattern}` has more than RE2 and PCRE have in common, such as look-around or back-references"
        )),
    }
}

/// Whether a text fits a pattern in which `*` stands for any characters and `?` for one.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last `*` does not fit.
    let mut back: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(other) if other == c || *other == '?' => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star, from)) = back else { return false };
                back = Some((star, from + 1));
                (p, t) = (star, from + 1);
            }
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|c| *c == '*'))
}

/// How far the wildcard at the start of a host reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wildcard {
    /// One label: `*.example.com` is no `a.b.example.com`.
    OneLabel,
    /// One label or more.
    AnyLabels,
}

/// How well a host fits a host of a route: the better the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HostFit {
    /// The route is for all hosts.
    Any,
    /// By a wildcard of so many characters.
    Wildcard(usize),
    /// It is that host.
    Exact(usize),
}

/// How well a host fits that of a route, which is empty or `*` for all; `None` where it does not.
pub(super) fn host_fit(route: &str, host: &str, wildcard: Wildcard) -> Option<HostFit> {
    if route.is_empty() || route == "*" {
        return Some(HostFit::Any);
    }
    let Some(domain) = route.strip_prefix('*') else {
        return route.eq_ignore_ascii_case(host).then_some(HostFit::Exact(route.len()));
    };
    let domain = domain.to_ascii_lowercase();
    let label = host.strip_suffix(domain.as_str()).filter(|label| !label.is_empty())?;
    let is_within = wildcard == Wildcard::AnyLabels || !label.contains('.');
    (is_within && domain.starts_with('.')).then_some(HostFit::Wildcard(route.len()))
}

/// Whether a path is below a prefix of whole elements: `/a` is above `/a/b`, not above `/ab`.
pub(super) fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_differ_in_how_much_must_match() {
        for (pattern, value, search, whole) in [
            ("10", "100", true, false),
            ("^1.0$", "1x0", true, true),
            ("always|10", "10", true, true),
            ("always|10", "100", true, false),
            ("A", "a", false, false),
            (r"^\d$", "٣", false, false),
        ] {
            assert_eq!(matches(pattern, value, Engine::Search), Truth::of(search), "{pattern}");
            assert_eq!(matches(pattern, value, Engine::Whole), Truth::of(whole), "{pattern}");
            let unknown = matches(pattern, value, Engine::Unknown);
            assert_eq!(matches!(unknown, Truth::Unknown(_)), search != whole, "{pattern}");
        }
        assert_eq!(matches("A", "a", Engine::SearchAnyCase), Truth::Yes);
    }

    #[test]
    fn what_engines_do_not_share_is_not_decided() {
        for pattern in ["(?!a)b", r"(a)\1", "(?<=a)b", "[a-z&&b]", "(", "(?R)"] {
            let found = matches(pattern, "b", Engine::Search);
            assert!(matches!(found, Truth::Unknown(_)), "{pattern}: {found:?}");
        }
    }

    #[test]
    fn unknown_gives_way_to_what_decides() {
        let unknown = || Truth::Unknown("?".to_owned());
        assert_eq!(unknown().and(|| Truth::No), Truth::No);
        assert_eq!(Truth::No.and(unknown), Truth::No);
        assert_eq!(unknown().or(|| Truth::Yes), Truth::Yes);
        assert_eq!(Truth::all([Truth::Yes, unknown()]), unknown());
        assert_eq!(Truth::any([Truth::No, unknown()]), unknown());
        assert_eq!((unknown().not(), Truth::Yes.not()), (unknown(), Truth::No));
    }

    #[test]
    fn hosts_fit_by_label() {
        use HostFit::{Any, Exact, Wildcard as By};
        for (route, host, one, any) in [
            ("a.com", "a.com", Some(Exact(5)), Some(Exact(5))),
            ("A.com", "a.com", Some(Exact(5)), Some(Exact(5))),
            ("*.a.com", "x.a.com", Some(By(7)), Some(By(7))),
            ("*.a.com", "x.y.a.com", None, Some(By(7))),
            ("*.a.com", "a.com", None, None),
            ("*.a.com", "xa.com", None, None),
            ("", "a.com", Some(Any), Some(Any)),
            ("*", "a.com", Some(Any), Some(Any)),
        ] {
            assert_eq!(host_fit(route, host, Wildcard::OneLabel), one, "{route} {host}");
            assert_eq!(host_fit(route, host, Wildcard::AnyLabels), any, "{route} {host}");
        }
        assert!(Exact(1) > By(9) && By(9) > By(8) && By(1) > Any);
    }

    #[test]
    fn wildcards_and_elements() {
        for (pattern, text, expected) in [
            ("/a/*", "/a/b", true),
            ("/a/*", "/a", false),
            ("*", "", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        for (path, prefix, expected) in
            [("/a/b", "/a", true), ("/ab", "/a", false), ("/a", "/a/", true), ("/x", "/", true)]
        {
            assert_eq!(is_below(path, prefix), expected, "{path} {prefix}");
        }
    }
}
