//! Anchors, and the aliases that stand for them.

use std::sync::Arc;

use super::super::node::{Alias, Form, Layout, Node};
use super::super::scan;
use super::super::source::Span;
use super::{Builder, Result};
use crate::diagnostic::Diagnostic;

/// Bytes that the aliases of one file may expand to.
const ALIAS_BUDGET: u64 = 8 << 20;

/// A finished anchored node, with what expanding it costs.
pub(super) struct Anchored {
    pub(super) node: Node,
    pub(super) weight: u64,
    pub(super) depth: usize,
}

impl Builder<'_> {
    /// Reads an alias, whose value is that of its anchor, under the budget of the file.
    pub(super) fn alias(&mut self, anchor: usize) -> Result<()> {
        let start = self.begin(false, 0)?;
        let text = self.source.text();
        if self
            .frames
            .last()
            .is_some_and(|frame| frame.collection.form == Form::Mapping && !frame.has_key)
        {
            return Err(self.fault("an alias as a mapping key is not supported"));
        }
        let end = scan::property_end(text, start);
        self.cursor = end;
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Diagnostic::error(
                "this alias has no anchor in its document, or stands inside of it",
            )
            .at(self.source.place(start))
            .remedy("write the value out instead of the alias"));
        };
        let (weight, depth) = (anchored.weight, anchored.depth);
        self.expanded = self.expanded.saturating_add(weight);
        if self.expanded > ALIAS_BUDGET {
            return Err(Diagnostic::error(format!(
                "the aliases of this file expand to more than {ALIAS_BUDGET} bytes"
            ))
            .at(self.source.place(start))
            .remedy("write the values out instead of aliases"));
        }
        self.has_aliases = true;
        let span = Span::new(start, end);
        let alias = Alias { span, anchor, target: anchored.node.clone() };
        *self.slot(Layout::Inline, span, weight, depth)? = Node::Alias(Arc::new(alias));
        Ok(())
    }
}
