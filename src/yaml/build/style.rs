//! What a document shows of how its author writes.

use super::super::node::{Collection, Form};
use super::Builder;

/// Counts that decide a document's style.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) step: Option<u8>,
    pub(super) indented: u32,
    pub(super) flush: u32,
    pub(super) single_quoted: u32,
    pub(super) double_quoted: u32,
}

impl Builder<'_> {
    /// Notes how a block collection is indented under its parent.
    pub(super) fn observe_style(&mut self, collection: &Collection) {
        let Some(parent) = self.frames.last().map(|frame| &frame.collection) else { return };
        if parent.flow || parent.form == Form::Sequence || collection.compact {
            return;
        }
        match collection.form {
            Form::Mapping => {
                let step = collection.indent.saturating_sub(parent.indent);
                self.seen.step.get_or_insert(u8::try_from(step).unwrap_or(2));
            }
            Form::Sequence if collection.indent > parent.indent => self.seen.indented += 1,
            Form::Sequence => self.seen.flush += 1,
        }
    }
}
