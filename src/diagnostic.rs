//! What graylane has to tell a person: severity, message, place and remedy.

use std::fmt;
use std::sync::Arc;

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Probably not what is wanted; nothing is stopped.
    Warning,
    /// Stops the command before anything is written.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A position in a file of the user, with the line it is on.
///
/// `line` and `column` count from 1; a column is a character, not a byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as the user would name it, relative to the repository where possible.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The text of that line, without its line break; empty where there is none to show.
    pub text: String,
}

impl Place {
    /// A line of a file whose text is not to be shown, or not known; the first one is for what is
    /// about the file as a whole.
    pub fn of_line(file: &str, line: usize) -> Self {
        Self { file: file.into(), line, column: 1, text: String::new() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing to tell the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it weighs.
    pub severity: Severity,
    /// Stable kebab-case code of a finding; `None` for errors that are not findings.
    pub code: Option<&'static str>,
    /// What is wrong, one sentence without a trailing full stop.
    pub message: String,
    /// Where it is wrong.
    pub place: Option<Place>,
    /// Other places that belong to it, each with what it is.
    pub related: Vec<(Place, String)>,
    /// What to do next; may hold several lines to paste.
    pub remedy: Option<String>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    /// A warning without a place.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    /// A note without a place.
    pub fn note(message: impl Into<String>) -> Self {
        Self::new(Severity::Note, message)
    }

    fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            code: None,
            message: message.into(),
            place: None,
            related: Vec::new(),
            remedy: None,
        }
    }

    /// Sets the code of the finding.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Sets the place, where there is one.
    #[must_use]
    pub fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        self.place = place.into().or(self.place);
        self
    }

    /// Adds a related place and what it is.
    #[must_use]
    pub fn related(mut self, place: Place, what: impl Into<String>) -> Self {
        self.related.push((place, what.into()));
        self
    }

    /// Sets what to do next.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The order in which diagnostics are shown: by file, line, column, then text.
    pub fn sort_key(&self) -> (Option<&Place>, Option<&'static str>, &str) {
        (self.place.as_ref(), self.code, &self.message)
    }
}

impl fmt::Display for Diagnostic {
    /// The plain form for people: message, `-->` place with its source line, remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.severity)?;
        if let Some(code) = self.code {
            write!(f, "[{code}]")?;
        }
        writeln!(f, ": {}", one_line(&self.message))?;
        if let Some(place) = &self.place {
            write_place(f, place, None)?;
        }
        for (place, what) in &self.related {
            write_place(f, place, Some(what))?;
        }
        if let Some(remedy) = &self.remedy {
            for (index, line) in remedy.lines().enumerate() {
                let lead = if index == 0 { "  help:" } else { "       " };
                writeln!(f, "{lead} {}", one_line(line))?;
            }
        }
        Ok(())
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, place: &Place, what: Option<&str>) -> fmt::Result {
    write!(f, "  --> {}", one_line(&place.to_string()))?;
    if let Some(what) = what {
        write!(f, " ({})", one_line(what))?;
    }
    writeln!(f)?;
    if !place.text.trim().is_empty() {
        let number = place.line.to_string();
        let (text, caret) = window(&place.text, place.column);
        writeln!(f, "   {number} | {text}")?;
        writeln!(f, "   {:width$} | {:caret$}^", "", "", width = number.len())?;
    }
    Ok(())
}

/// The part of a line around a column that fits a terminal, and the caret's offset in it.
fn window(line: &str, column: usize) -> (String, usize) {
    const WIDTH: usize = 160;
    let at = column.saturating_sub(1);
    let from = at.saturating_sub(WIDTH / 2);
    let text: String = line.chars().skip(from).take(WIDTH).collect();
    (one_line(&text), at - from)
}

/// The text on one line of bounded length, with what could drive the terminal or reorder what it
/// shows as an escape: names from files stand in messages.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 2000;
    let mut out = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars() {
        if out.len() > LONGEST {
            out.push('…');
            break;
        }
        match c {
            '\t' => out.push(' '),
            '\n' => out.push_str("\\n"),
            // Overrides and isolates of the bidirectional algorithm (UAX #9).
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.extend(c.escape_unicode()),
            c if c.is_control() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// One or more diagnostics of severity error that stop a command before it writes anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub Vec<Diagnostic>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

/// The known name nearest to a misspelled one, when it is near enough to be meant.
///
/// Near enough is a Damerau-Levenshtein distance of at most a third of the longer name, and at
/// least one edit is always allowed. A name longer than any of Kubernetes is near to none.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let length = name.chars().count();
    if length > LONGEST_COMPARED {
        return None;
    }
    let near = known.into_iter().filter_map(|candidate| {
        let other = candidate.chars().count();
        let allowed = (length.max(other) / 3).max(1);
        if length.abs_diff(other) > allowed {
            return None;
        }
        let distance = strsim::damerau_levenshtein(&name, &candidate.to_lowercase());
        (distance <= allowed).then_some((distance, candidate))
    });
    near.min().map(|(_, candidate)| candidate)
}

/// Characters of a name that others are still compared with: the longest name of Kubernetes. The
/// cost of a comparison grows with the product of both lengths.
const LONGEST_COMPARED: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_place_line_and_remedy() {
        let place =
            Place { file: "a.yaml".into(), line: 12, column: 3, text: "  tga: gray".into() };
        let shown = Diagnostic::error("unknown field `tga`")
            .at(place)
            .remedy("did you mean `tag`?")
            .to_string();
        assert_eq!(
            shown,
            "error: unknown field `tga`\n  --> a.yaml:12:3\n   12 |   tga: gray\n      |   ^\n  help: did you mean `tag`?\n"
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert!(!Diagnostic::error("bad \u{1b}[31m").to_string().contains('\u{1b}'));
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let shown = Diagnostic::error(format!("a\n{}\u{202e}", "x".repeat(9000)));
        assert!(shown.to_string().starts_with("error: a\\nxx"), "{shown}");
        assert!(shown.to_string().len() < 2100);
    }

    #[test]
    fn nearest_finds_typos_only() {
        assert_eq!(nearest("tga", ["tag", "output"]), Some("tag"));
        assert_eq!(
            nearest("zadigx-release-verson", ["zadigx-release-version"]),
            Some("zadigx-release-version")
        );
        assert_eq!(nearest("completely-else", ["tag", "output"]), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), [&*"x".repeat(1 << 20)]), None);
    }
}
