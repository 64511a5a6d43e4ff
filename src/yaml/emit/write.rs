//! Putting out text: copied source, and what is printed between.

use super::super::scan;
use super::super::source::offset;
use super::Emitter;

impl Emitter<'_> {
    /// Copies source text as it is.
    pub(super) fn copy(&mut self, start: u32, end: u32) {
        if start < end {
            let text = self.source.slice(start, end);
            self.out.push_str(text);
            self.blocks.copied(text, end, self.out);
            self.last = Some(end);
        } else if self.last != Some(start) {
            self.last = None;
        }
    }

    /// Copies source text that starts a line. Where it did not follow what was written last, blank
    /// lines and deep comments are kept from becoming content of a block scalar that ends there.
    pub(super) fn copy_lines(&mut self, start: u32, end: u32, indent: usize) {
        let follows = self.last == Some(start) || !self.out.ends_with('\n');
        if follows || !self.blocks.end(self.out) {
            self.copy(start, end);
            return;
        }
        let text = self.source.text();
        let mut at = start as usize;
        let mut is_ended = false;
        while at < end as usize {
            let next = scan::next_line(text, at).min(end as usize);
            let (depth, rest) = scan::split_indent(&text[at..next]);
            let rest = rest.trim_start_matches('\t').trim_start_matches([' ', '\t']);
            if rest.starts_with('#') {
                self.spaces(depth.min(indent));
                self.out.push_str(rest);
                is_ended = true;
            } else if !rest.trim_end().is_empty() || next == at {
                break;
            } else if is_ended {
                self.out.push_str(rest);
            }
            at = next;
        }
        self.last = None;
        self.copy(offset(at), end);
    }

    pub(super) fn print(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = None;
    }

    pub(super) fn newline(&mut self) {
        self.print(if self.style.crlf { "\r\n" } else { "\n" });
    }

    pub(super) fn fresh_line(&mut self) {
        if !matches!(self.out.as_str(), "" | "\u{feff}") && !self.out.ends_with('\n') {
            self.newline();
        }
    }

    pub(super) fn spaces(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }

    pub(super) fn step(&self) -> usize {
        usize::from(self.style.step).max(1)
    }
}
