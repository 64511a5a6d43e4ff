//! A preview as the comment on a pull request.
//!
//! What is from files stands in code spans, code blocks and `<code>` alone, and everything has its
//! share of the size that a comment may have: what does not fit is counted.

use super::budget::{Kept, fit};
use super::diff::{Unified, plain};
use super::escape::{MARKER, code, fenced, html, longest_run};
use super::model::{Against, Change, LaneChange, ObjectDiff, Preview};
use super::risk::{Assessment, Level, assess};
use crate::diagnostic::{Diagnostic, Severity};

/// A comment has fewer bytes than this.
///
/// Source: GitHub, REST API ("Body is too long (maximum is 65536 characters)"); a character has one
/// byte or more.
pub const LIMIT: usize = 65_536;

/// Bytes that are kept for headings and for what is said of things left out.
const FRAME: usize = 6_000;

/// Names of a list that are told.
const LONGEST_LIST: usize = 5;

/// The picture of the lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// There is nothing to draw.
    Nothing,
    /// A text in Mermaid.
    Drawn(String),
    /// Mermaid would refuse it.
    TooLarge,
}

/// An object that differs, with all that is told of it.
struct Row<'a> {
    lane: Option<&'a str>,
    diff: &'a ObjectDiff,
    unified: Unified,
    risk: Assessment,
}

/// A comment in the Markdown of GitHub and GitLab. Its first line is [`MARKER`]; it has fewer than
/// [`LIMIT`] bytes.
pub fn markdown(preview: &Preview, picture: &Picture) -> String {
    let rows: Vec<Row<'_>> = preview
        .objects()
        .map(|(lane, diff)| Row {
            lane: lane.map(|lane| lane.lane.as_str()),
            diff,
            unified: plain(&diff.compared),
            risk: assess(diff),
        })
        .collect();
    let mut text = format!("{MARKER}\n## Gray lanes\n\n{}", summary(preview, &rows));
    let left = |text: &String| LIMIT.saturating_sub(FRAME + text.len());
    text.push_str(&broken(preview, left(&text) / 8));
    text.push_str(&table(&rows, left(&text) / 4));
    text.push_str(&drawn(picture, left(&text) / 3));
    text.push_str(&findings(preview, left(&text) / 3));
    text.push_str(&diffs(preview, &rows, left(&text)));
    text
}

/// The comment of lanes that cannot be compared, so that none stays that tells of earlier ones.
pub fn not_compared(errors: &[Diagnostic]) -> String {
    let errors: Vec<&Diagnostic> = errors.iter().collect();
    let text = format!("{MARKER}\n## Gray lanes\n\n**Not compared:** a lane cannot be built.\n");
    text + &diagnostics(&errors, "errors", LIMIT - FRAME)
}

/// What is compared, and how much differs.
fn summary(preview: &Preview, rows: &[Row<'_>]) -> String {
    let than = match &preview.against {
        Against::Baseline => "compared with the baseline".to_owned(),
        Against::Head => "compared with the overlays in git".to_owned(),
        Against::Base(revision) => format!("compared with {}", code(revision)),
    };
    let lanes = counted(preview.lanes.len(), "lane");
    if rows.is_empty() {
        return format!("{lanes}, {than}: no differences.\n");
    }
    let count = |change| rows.iter().filter(|row| row.diff.change == change).count();
    let counts = Change::ALL.map(|change| (count(change), change.as_str()));
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, change)| format!("{count} {change}"))
        .collect();
    let added: usize = rows.iter().map(|row| row.unified.added).sum();
    let removed: usize = rows.iter().map(|row| row.unified.removed).sum();
    let mut text =
        format!("{lanes}, {than}; objects: {}; lines: +{added} -{removed}.\n", counts.join(", "));
    for change in LaneChange::ALL {
        let lanes = preview.lanes.iter().filter(|lane| lane.change == Some(change));
        let names: Vec<&str> = lanes.map(|lane| lane.lane.as_str()).collect();
        if !names.is_empty() {
            text.push_str(&format!("\n- {}: {}", change.as_str(), list(&names)));
        }
    }
    if preview.lanes.iter().any(|lane| lane.change.is_some()) {
        text.push('\n');
    }
    text
}

fn list(names: &[&str]) -> String {
    let mut shown: Vec<String> = names.iter().take(LONGEST_LIST).map(|name| code(name)).collect();
    if names.len() > LONGEST_LIST {
        shown.push(format!("{} more", names.len() - LONGEST_LIST));
    }
    shown.join(", ")
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// What could not be compared, and why.
fn broken(preview: &Preview, bytes: usize) -> String {
    let Against::Base(revision) = &preview.against else { return String::new() };
    if preview.broken.is_empty() {
        return String::new();
    }
    let paths: Vec<&str> = preview.broken.iter().map(|broken| broken.path.as_str()).collect();
    let errors: Vec<&Diagnostic> =
        preview.broken.iter().flat_map(|broken| &broken.errors).collect();
    let head = format!(
        "\n**Not compared:** {} is broken in {}, so all objects of these lanes show as new.\n",
        list(&paths),
        code(revision)
    );
    head + &diagnostics(&errors, "errors", bytes)
}

/// Diagnostics in a block that can be folded away.
fn diagnostics(diagnostics: &[&Diagnostic], what: &str, bytes: usize) -> String {
    let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    let parts: Vec<(Severity, usize)> = diagnostics
        .iter()
        .zip(&texts)
        // The block may need fences longer than the longest in any of them, and escapes.
        .map(|(each, text)| (each.severity, block_bytes(text) + 1))
        .collect();
    let Kept { positions, left_out } = fit(&parts, bytes);
    let shown: Vec<&str> =
        positions.iter().filter_map(|at| texts.get(*at)).map(String::as_str).collect();
    let is_grave = diagnostics.iter().any(|each| each.severity > Severity::Note);
    let open = if is_grave { " open" } else { "" };
    let count = |severity| diagnostics.iter().filter(|each| each.severity == severity).count();
    let counts =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let counts = counts.map(|(severity, word)| (count(severity), word));
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, word)| counted(*count, word)).collect();
    let mut text = format!("\n<details{open}><summary>{}</summary>\n\n", counts.join(", "));
    if !shown.is_empty() {
        text.push_str(&fenced("text", &shown.join("\n")));
    }
    if left_out > 0 {
        let all = diagnostics.len();
        text.push_str(&format!("\n{left_out} of {all} {what} do not fit here.\n"));
    }
    text.push_str("\n</details>\n");
    text
}

/// The bytes that a text has in a code block, at most.
fn block_bytes(text: &str) -> usize {
    fenced("", text).len() + 2 * longest_run(text)
}

/// The table of all objects.
fn table(rows: &[Row<'_>], bytes: usize) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = rows.iter().map(line).collect();
    let parts: Vec<(Level, usize)> =
        rows.iter().zip(&lines).map(|(row, line)| (row.risk.level, line.len())).collect();
    let Kept { positions, left_out } = fit(&parts, bytes);
    let mut text = String::from(
        "\n| lane | service | object | change | lines | risk |\n|---|---|---|---|---|---|\n",
    );
    for line in positions.iter().filter_map(|at| lines.get(*at)) {
        text.push_str(line);
    }
    if left_out > 0 {
        let all = rows.len();
        text.push_str(&format!(
            "\n{left_out} of {all} objects do not fit into this table; those of least risk are left out first.\n"
        ));
    }
    text
}

fn line(row: &Row<'_>) -> String {
    let reasons: Vec<&str> = row.risk.reasons.iter().map(|(reason, _)| *reason).collect();
    let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
    let level = match row.risk.level {
        Level::High => "**high**",
        level => level.as_str(),
    };
    format!(
        "| {} | {} | {} | {} | +{} -{} | {level}{why} |\n",
        row.lane.map_or_else(|| "several".to_owned(), code),
        row.diff.service.as_deref().map(code).unwrap_or_default(),
        code(&row.diff.title()),
        row.diff.change.as_str(),
        row.unified.added,
        row.unified.removed,
    )
}

fn drawn(picture: &Picture, bytes: usize) -> String {
    const TOO_LARGE: &str =
        "\nThe picture of the lanes is too large here; `graylane graph --format svg` draws it.\n";
    match picture {
        Picture::Nothing => String::new(),
        Picture::TooLarge => TOO_LARGE.to_owned(),
        Picture::Drawn(text) => {
            let block = fenced("mermaid", text);
            if block.len() > bytes { TOO_LARGE.to_owned() } else { format!("\n{block}") }
        }
    }
}

/// What the checks found in all lanes, errors first.
fn findings(preview: &Preview, bytes: usize) -> String {
    let several = preview.lanes.len() > 1;
    let mut found: Vec<Diagnostic> = preview
        .lanes
        .iter()
        .flat_map(|lane| lane.findings.iter().map(move |finding| (lane, finding.clone())))
        .map(|(lane, mut finding)| {
            if several {
                finding.message = format!("{}: {}", lane.lane, finding.message);
            }
            finding
        })
        .collect();
    if found.is_empty() {
        return String::new();
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut text = String::from("\n### Findings\n");
    if found.iter().any(|finding| finding.severity == Severity::Error) {
        text.push_str("\n**A lane with errors is not generated.**\n");
    }
    text + &diagnostics(&found.iter().collect::<Vec<_>>(), "findings", bytes)
}

/// The difference of each object, folded away.
fn diffs(preview: &Preview, rows: &[Row<'_>], bytes: usize) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let blocks: Vec<String> = rows.iter().map(block).collect();
    let parts: Vec<(Level, usize)> =
        rows.iter().zip(&blocks).map(|(row, block)| (row.risk.level, block.len())).collect();
    let Kept { positions, left_out } = fit(&parts, bytes);
    let mut text = String::from("\n### Changes\n");
    for block in positions.iter().filter_map(|at| blocks.get(*at)) {
        text.push_str(block);
    }
    if left_out > 0 {
        let command = match &preview.against {
            Against::Baseline => "graylane diff".to_owned(),
            Against::Head => "graylane diff --against head".to_owned(),
            Against::Base(revision) => format!("graylane diff --base {revision}"),
        };
        let (all, command) = (rows.len(), code(&command));
        text.push_str(&format!(
            "\n{left_out} of {all} diffs do not fit into this comment; {command} shows them.\n"
        ));
    }
    text
}

fn block(row: &Row<'_>) -> String {
    let lane = row.lane.map(|lane| format!(" of lane {}", html(lane))).unwrap_or_default();
    let (object, change) = (html(&row.diff.title()), row.diff.change.as_str());
    let Unified { text, added, removed } = &row.unified;
    format!(
        "\n<details><summary>{object}{lane}: {change}, +{added} -{removed}</summary>\n\n{}\n</details>\n",
        fenced("diff", text)
    )
}

#[cfg(test)]
mod tests;
