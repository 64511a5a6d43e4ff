//! Block scalars in what is put out: whatever follows one may be taken for its content.

use std::cell::OnceCell;

use super::super::node::{Document, Item, Node, Scalar};
use super::super::scalar::ScalarStyle;
use super::super::source::Span;

/// Which of the text that is put out belongs to block scalars.
pub(super) struct Blocks<'a> {
    /// The document's root, where there is any block scalar in it.
    root: Option<&'a Item>,
    /// Where the source has them, once that was asked for.
    spans: OnceCell<Vec<Span>>,
    /// Up to where a block scalar was printed.
    printed: usize,
    /// What was copied last and is more than blanks: from where to where, and where that ends in
    /// the source.
    copied: (usize, usize, u32),
}

impl<'a> Blocks<'a> {
    /// Of a document of which nothing is put out yet.
    pub(super) fn of(document: &'a Document) -> Self {
        let root = document.style.has_block_scalars.then_some(&document.root);
        Self { root, spans: OnceCell::new(), printed: 0, copied: (0, 0, 0) }
    }

    /// A block scalar was printed at the end of this.
    pub(super) fn printed(&mut self, out: &str) {
        self.printed = out.len();
    }

    /// A text that ends there in the source was copied to the end of this.
    pub(super) fn copied(&mut self, text: &str, end: u32, out: &str) {
        if self.root.is_some() && !text.trim().is_empty() {
            self.copied = (out.len() - text.len(), out.len(), end);
        }
    }

    /// Whether what was written last, but for blanks, belongs to a block scalar.
    pub(super) fn end(&self, out: &str) -> bool {
        let written = out.trim_end().len();
        let (from, to, end) = self.copied;
        let Some(root) = self.root.filter(|_| (from + 1..=to).contains(&written)) else {
            return written <= self.printed;
        };
        let at = end as usize - (to - written);
        let spans = self.spans.get_or_init(|| {
            let mut spans = Vec::new();
            collect(root, &mut spans);
            // A merge may have put them into another order.
            spans.sort_unstable_by_key(|span| span.start);
            spans
        });
        let above = spans.partition_point(|span| (span.start as usize) < at).checked_sub(1);
        let span = above.and_then(|above| spans.get(above));
        written <= self.printed || span.is_some_and(|span| at <= span.end as usize)
    }
}

/// Adds where the block scalars of an item stand in the source.
fn collect(item: &Item, spans: &mut Vec<Span>) {
    let mut add = |scalar: &Scalar| {
        let is_block = matches!(scalar.style(), ScalarStyle::Literal | ScalarStyle::Folded);
        if is_block && !scalar.span().is_none() {
            spans.push(scalar.span());
        }
    };
    item.key.iter().for_each(&mut add);
    match &item.value {
        Node::Scalar(scalar) => add(scalar),
        Node::Collection(collection) => {
            collection.items.iter().for_each(|item| collect(item, spans));
        }
        Node::Alias(_) | Node::Removed => {}
    }
}
