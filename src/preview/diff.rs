//! Unified diffs, object by object.

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

/// Two texts to compare, each with what it is.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Name and text of what was; `None` for what is new.
    pub before: Option<(String, String)>,
    /// Name and text of what is; `None` for what is gone.
    pub after: Option<(String, String)>,
}

/// What a diff comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Objects that are new.
    pub added: usize,
    /// Objects that differ.
    pub changed: usize,
    /// Objects that are gone.
    pub removed: usize,
    /// Lines that are new.
    pub lines_added: usize,
    /// Lines that are gone.
    pub lines_removed: usize,
}

impl Summary {
    /// Whether there is any difference.
    pub fn is_empty(&self) -> bool {
        self.added + self.changed + self.removed == 0
    }
}

/// Lines around a change.
const CONTEXT: usize = 3;

/// A difference as unified text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unified {
    /// The text; empty where nothing differs.
    pub text: String,
    /// Lines that are new.
    pub added: usize,
    /// Lines that are gone.
    pub removed: usize,
}

impl Compared {
    /// Whether the texts differ.
    pub fn differs(&self) -> bool {
        let before = self.before.as_ref().map(|(_, text)| text);
        before != self.after.as_ref().map(|(_, text)| text)
    }
}

/// The difference as unified text, coloured (strip the escapes where no terminal reads it), and its
/// counts. Nothing where the texts are the same.
pub fn unified(compared: &Compared, summary: &mut Summary) -> String {
    let written = write(
        compared,
        [
            Style::new().bold(),
            AnsiColor::Cyan.on_default(),
            AnsiColor::Red.on_default(),
            AnsiColor::Green.on_default(),
        ],
    );
    if !written.text.is_empty() {
        match (&compared.before, &compared.after) {
            (None, _) => summary.added += 1,
            (_, None) => summary.removed += 1,
            _ => summary.changed += 1,
        }
        summary.lines_added += written.added;
        summary.lines_removed += written.removed;
    }
    written.text
}

/// The difference as unified text without colours.
pub fn plain(compared: &Compared) -> Unified {
    write(compared, [Style::new(); 4])
}

/// The difference with styles for names, places, lines that are gone and lines that are new.
fn write(compared: &Compared, [bold, cyan, red, green]: [Style; 4]) -> Unified {
    let mut written = Unified::default();
    let side = |side: &Option<(String, String)>| {
        side.clone().unwrap_or_else(|| ("/dev/null".to_owned(), String::new()))
    };
    let ((before_name, before), (after_name, after)) =
        (side(&compared.before), side(&compared.after));
    if before == after {
        return written;
    }
    let diff = TextDiff::from_lines(&before, &after);
    let out = &mut written.text;
    out.push_str(&format!(
        "{bold}--- {}{bold:#}\n{bold}+++ {}{bold:#}\n",
        name(&before_name),
        name(&after_name)
    ));
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        out.push_str(&format!("{cyan}{}{cyan:#}\n", hunk.header().to_string().trim_end()));
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Equal => (' ', Style::new()),
                ChangeTag::Delete => {
                    written.removed += 1;
                    ('-', red)
                }
                ChangeTag::Insert => {
                    written.added += 1;
                    ('+', green)
                }
            };
            let line = change.value().trim_end_matches(['\n', '\r']);
            out.push_str(&format!("{style}{sign}{line}{style:#}\n"));
            if change.missing_newline() {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
    written
}

/// A name without what would break the line it stands on.
fn name(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn shows_both_names_and_counts_lines() {
        let compared = Compared {
            before: Some(("a".into(), "x: 1\ny: 2\n".into())),
            after: Some(("b".into(), "x: 1\ny: 3\nz: 4\n".into())),
        };
        let mut summary = Summary::default();
        let text = stripped(&unified(&compared, &mut summary));
        assert_eq!(text, "--- a\n+++ b\n@@ -1,2 +1,3 @@\n x: 1\n-y: 2\n+y: 3\n+z: 4\n");
        assert_eq!((summary.changed, summary.lines_added, summary.lines_removed), (1, 2, 1));
        assert_eq!(plain(&compared), Unified { text, added: 2, removed: 1 });
    }

    #[test]
    fn new_and_gone_objects_compare_with_nothing() {
        let mut summary = Summary::default();
        let new = Compared { before: None, after: Some(("b".into(), "x: 1\n".into())) };
        assert!(stripped(&unified(&new, &mut summary)).starts_with("--- /dev/null\n+++ b\n"));
        let gone = Compared { before: Some(("a".into(), "x: 1\n".into())), after: None };
        unified(&gone, &mut summary);
        assert_eq!((summary.added, summary.removed), (1, 1));
    }
}
