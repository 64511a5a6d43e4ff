//! Block scalars: what the parser reads otherwise than Kubernetes does.

use yaml_rust2::scanner::TScalarStyle;

use super::super::scalar::ScalarStyle;
use super::super::scan::{self, BlockScalar};
use super::{Builder, Result};

impl Builder<'_> {
    /// Where the block scalar that starts at `start` ends, and its style; its value is mended.
    pub(super) fn block_scalar(
        &mut self,
        value: &mut String,
        style: TScalarStyle,
        start: usize,
    ) -> Result<(Option<usize>, ScalarStyle)> {
        let text = self.source.text();
        self.style.has_block_scalars = true;
        let parent = self.frames.iter().rev().find(|frame| !frame.collection.flow);
        let parent = parent.map(|frame| frame.collection.indent as usize);
        let found = scan::block_scalar(text, start, parent);
        if found.indent.is_none() && value.trim_end_matches('\n').is_empty() {
            // The parser reads a line break into an empty one at the end of the file.
            *value = "\n".repeat(found.kept_blanks);
        } else if found.indent.unwrap_or(0) == 0 {
            // Here the parser would read on over `---`.
            self.cursor = start;
            return Err(self
                .fault("the lines of a block scalar must be indented")
                .remedy("indent them by two spaces"));
        }
        if let Some(tab) = tab_in_indentation(text, start, found) {
            return Err(self
                .fault("a tab in the indentation of a block scalar: kubectl refuses it")
                .at(self.source.place(tab))
                .remedy("replace the tab by spaces"));
        }
        trim_breaks(value, &text[start..]);
        let style = match style {
            TScalarStyle::Folded => ScalarStyle::Folded,
            _ => ScalarStyle::Literal,
        };
        Ok((Some(found.end), style))
    }
}

/// The tab that stands where the reader of kubectl still looks for the indentation: before the
/// column of the content, and in front of the content that gives this column.
///
/// Source: go-yaml's `yaml_parser_scan_block_scalar_breaks`.
fn tab_in_indentation(text: &str, header: usize, found: BlockScalar) -> Option<usize> {
    let mut line = scan::next_line(text, header);
    let has_digit = text[header..line].bytes().take(3).any(|byte| byte.is_ascii_digit());
    let mut is_known = has_digit;
    let limit = found.indent?;
    while line < found.end {
        let next = scan::next_line(text, line);
        let (depth, rest) = scan::split_indent(&text[line..next]);
        if rest.starts_with('\t') && (depth < limit || !is_known) {
            return Some(line + depth);
        }
        is_known |= !rest.trim_start().is_empty();
        line = next;
    }
    None
}

/// Takes off the line breaks at the end of a block scalar that its header does not keep: the
/// parser leaves some where the file ends in a line of blanks.
pub(super) fn trim_breaks(value: &mut String, header: &str) {
    let header = header.split(['\n', ' ', '\t']).next().unwrap_or("");
    let kept = match value.trim_end_matches('\n').len() {
        _ if header.contains('+') => return,
        content if header.contains('-') => content,
        content => (content + 1).min(value.len()),
    };
    value.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_are_indentation_only_before_the_content() {
        let found = |text: &str| {
            let header = text.find('|').unwrap();
            tab_in_indentation(text, header, scan::block_scalar(text, header, Some(0)))
        };
        assert_eq!(found("k: |\n \t\n"), Some(6));
        assert_eq!(found("k: |\n  \tx\n"), Some(7));
        assert_eq!(found("k: |\n\n  \tx\n"), Some(8));
        assert_eq!(found("k: |\n  x\n  \ty\n"), None);
        assert_eq!(found("k: |2\n  \tx\n"), None);
        assert_eq!(found("k: |\n  x\n"), None);
    }
}
