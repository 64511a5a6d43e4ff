//! Documents and the nodes they are made of.

use std::collections::HashMap;
use std::sync::Arc;

use super::scalar::ScalarStyle;
use super::source::{Source, Span, offset};

/// One YAML document of a file.
///
/// Cloning shares all nodes. What is not edited is emitted as it stands in the source.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) source: Arc<Source>,
    /// The document itself as an item without key; its slice is the text between the markers.
    pub(crate) root: Item,
    pub(crate) style: DocumentStyle,
    /// Whether the document has aliases, so that edits must watch anchors.
    pub(crate) has_aliases: bool,
}

impl Default for Document {
    /// A null.
    fn default() -> Self {
        let null = Scalar::fresh(String::new(), ScalarStyle::Plain);
        Self {
            source: Source::new("", String::new()),
            root: Item::fresh(None, Node::Scalar(null)),
            style: DocumentStyle::default(),
            has_aliases: false,
        }
    }
}

/// What the source shows of how its author writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DocumentStyle {
    /// Columns that a nested block mapping is indented by.
    pub(crate) step: u8,
    /// Whether block sequences under a mapping key are indented.
    pub(crate) indented_sequences: bool,
    /// Whether new strings that need quotes get single ones.
    pub(crate) single_quotes: bool,
    pub(crate) crlf: bool,
    /// Whether there is any block scalar: text after one may be taken for its content.
    pub(crate) has_block_scalars: bool,
}

impl Default for DocumentStyle {
    fn default() -> Self {
        Self {
            step: 2,
            indented_sequences: false,
            single_quotes: false,
            crlf: false,
            has_block_scalars: false,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Scalar(Scalar),
    Collection(Arc<Collection>),
    Alias(Arc<Alias>),
    /// The place of a removed item whose own comment lines stay.
    Removed,
}

/// A scalar, in the source or new.
#[derive(Clone, Debug)]
pub(crate) enum Scalar {
    /// Its value is the text of the source between the quotes, as of most scalars.
    Verbatim {
        /// Where it stands, quotes included.
        span: Span,
        style: ScalarStyle,
    },
    /// Any other.
    Other(Arc<OtherScalar>),
}

/// A scalar that is new, has a tag or an anchor, or whose value is not the text of the source.
#[derive(Debug)]
pub(crate) struct OtherScalar {
    /// Where it stands, quotes and block header included; `NONE` for a new scalar.
    pub(crate) span: Span,
    pub(crate) style: ScalarStyle,
    /// The value, where it is not the text of the source.
    pub(crate) text: Option<Box<str>>,
    pub(crate) tag: Option<Box<str>>,
    pub(crate) anchor: Option<usize>,
}

/// `*name`.
#[derive(Debug)]
pub(crate) struct Alias {
    pub(crate) span: Span,
    pub(crate) anchor: usize,
    pub(crate) target: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Mapping,
    Sequence,
}

/// A mapping or a sequence.
#[derive(Clone, Debug)]
pub(crate) struct Collection {
    pub(crate) form: Form,
    pub(crate) flow: bool,
    /// Block style: whether the first item starts on the line of its parent's indicator (`- a: 1`).
    pub(crate) compact: bool,
    /// Whether something below differs from the source.
    pub(crate) dirty: bool,
    /// Whether a mapping has a merge key (`<<`).
    pub(crate) merges: bool,
    /// Column of the items, block style only.
    pub(crate) indent: u16,
    /// Flow style: the brackets included. Block style: whole lines, or from the first item where compact.
    pub(crate) span: Span,
    /// Whether some of the items are `Removed`, so that positions are no indices.
    pub(crate) has_removed: bool,
    pub(crate) items: Vec<Item>,
    pub(crate) extra: Option<Box<CollectionExtra>>,
}

/// What most collections do not have.
#[derive(Clone, Debug, Default)]
pub(crate) struct CollectionExtra {
    pub(crate) anchor: Option<usize>,
    /// Position of each key, for mappings with many keys.
    pub(crate) index: Option<HashMap<Box<str>, u32>>,
}

/// How a value sits behind its key or dash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// On the line of the key, or a scalar on the next.
    Inline,
    /// A block mapping or block sequence.
    Block,
}

/// An entry of a mapping or an element of a sequence.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) key: Option<Scalar>,
    pub(crate) value: Node,
    pub(crate) slice: Slice,
}

/// Where an item stands in the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// Start of its text: comment and blank lines above it, indentation, indicator.
    pub(crate) lead: u32,
    /// The value without its tag and anchor.
    pub(crate) value: Span,
    /// Where it ends, and in the highest bit, which no offset needs, its layout.
    end_and_layout: u32,
}

impl Slice {
    pub(crate) const NONE: Self =
        Self { lead: u32::MAX, value: Span::NONE, end_and_layout: Self::END };

    const END: u32 = u32::MAX >> 1;

    pub(crate) fn new(lead: usize, value: Span, end: usize, layout: Layout) -> Self {
        let bit = if layout == Layout::Block { !Self::END } else { 0 };
        Self { lead: offset(lead), value, end_and_layout: offset(end).min(Self::END) | bit }
    }

    /// End of its text: in block style the end of a line.
    pub(crate) fn end(self) -> u32 {
        self.end_and_layout & Self::END
    }

    /// How the value in the source sits, whatever stands there now.
    pub(crate) fn layout(self) -> Layout {
        if self.end_and_layout > Self::END { Layout::Block } else { Layout::Inline }
    }

    /// Moves its end.
    pub(crate) fn end_at(&mut self, end: usize) {
        *self = Self::new(self.lead as usize, self.value, end, self.layout());
    }
}

impl Item {
    /// An item that stands in no source.
    pub(crate) fn fresh(key: Option<Scalar>, value: Node) -> Self {
        Self { key, value, slice: Slice::NONE }
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.slice.lead == u32::MAX
    }

    pub(crate) fn is_live(&self) -> bool {
        !matches!(self.value, Node::Removed)
    }

    /// Whether the value is the one of the source, unedited.
    pub(crate) fn is_clean(&self) -> bool {
        !self.is_fresh()
            && match &self.value {
                Node::Scalar(scalar) => scalar.span() == self.slice.value,
                Node::Collection(collection) => {
                    !collection.dirty && collection.span == self.slice.value
                }
                Node::Alias(alias) => alias.span == self.slice.value,
                Node::Removed => false,
            }
    }
}

impl Collection {
    /// A collection that stands in no source.
    pub(crate) fn fresh(form: Form, items: Vec<Item>) -> Self {
        Self {
            form,
            flow: false,
            compact: false,
            dirty: true,
            merges: false,
            indent: 0,
            span: Span::NONE,
            has_removed: false,
            items,
            extra: None,
        }
    }

    pub(crate) fn live(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.items.iter().filter(|item| item.is_live())
    }

    /// The item at an index of the live items.
    pub(crate) fn live_item(&self, index: usize) -> Option<&Item> {
        self.physical(index).and_then(|position| self.items.get(position))
    }

    /// The position among all items of the live item with this index.
    pub(crate) fn physical(&self, index: usize) -> Option<usize> {
        if !self.has_removed {
            return (index < self.items.len()).then_some(index);
        }
        let live = self.items.iter().enumerate().filter(|(_, item)| item.is_live());
        live.map(|(position, _)| position).nth(index)
    }

    pub(crate) fn anchor(&self) -> Option<usize> {
        self.extra.as_ref().and_then(|extra| extra.anchor)
    }

    /// The key index of a large mapping.
    pub(crate) fn index_mut(&mut self) -> Option<&mut HashMap<Box<str>, u32>> {
        self.extra.as_mut().and_then(|extra| extra.index.as_mut())
    }

    /// Rebuilds the key index of a large mapping; small ones are searched.
    pub(crate) fn reindex(&mut self, source: &Source) {
        const SEARCHED: usize = 16;
        if let Some(extra) = &mut self.extra {
            extra.index = None;
        }
        if self.form == Form::Mapping && self.items.len() > SEARCHED {
            let mut index = HashMap::with_capacity(self.items.len());
            for (position, item) in self.items.iter().enumerate().filter(|(_, item)| item.is_live())
            {
                if let Some(key) = &item.key {
                    index.insert(Box::from(key.text(source)), offset(position));
                }
            }
            self.extra.get_or_insert_default().index = Some(index);
        }
    }

    /// The position of a live item by its key; merge keys are not looked into.
    pub(crate) fn position(&self, key: &str, source: &Source) -> Option<usize> {
        match self.extra.as_ref().and_then(|extra| extra.index.as_ref()) {
            Some(index) => index.get(key).map(|position| *position as usize),
            None => self.items.iter().position(|item| {
                item.is_live()
                    && item.key.as_ref().is_some_and(|candidate| candidate.is(key, source))
            }),
        }
    }
}

impl Scalar {
    /// A scalar that stands in no source.
    pub(crate) fn fresh(text: String, style: ScalarStyle) -> Self {
        let text = Some(text.into_boxed_str());
        let scalar = OtherScalar { span: Span::NONE, style, text, tag: None, anchor: None };
        Self::Other(Arc::new(scalar))
    }

    fn other(&self) -> Option<&OtherScalar> {
        match self {
            Self::Verbatim { .. } => None,
            Self::Other(other) => Some(other),
        }
    }

    /// Where it stands, quotes and block header included; `NONE` for a new scalar.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Verbatim { span, .. } => *span,
            Self::Other(other) => other.span,
        }
    }

    /// How it is written.
    pub(crate) fn style(&self) -> ScalarStyle {
        match self {
            Self::Verbatim { style, .. } => *style,
            Self::Other(other) => other.style,
        }
    }

    /// The value: decoded text, or the slice of the source between the quotes.
    pub(crate) fn text<'a>(&'a self, source: &'a Source) -> &'a str {
        if let Some(text) = self.other().and_then(|other| other.text.as_deref()) {
            return text;
        }
        Self::verbatim(source, self.span(), self.style())
    }

    /// The text of the source between the quotes of a scalar.
    pub(crate) fn verbatim(source: &Source, span: Span, style: ScalarStyle) -> &str {
        let quotes = style.quotes();
        source.slice(span.start.saturating_add(quotes), span.end.saturating_sub(quotes))
    }

    /// Whether its value is this text; length and first byte tell most others apart.
    pub(crate) fn is(&self, text: &str, source: &Source) -> bool {
        match self {
            Self::Verbatim { span, style } => {
                let quotes = style.quotes();
                let start = span.start.saturating_add(quotes) as usize;
                let end = span.end.saturating_sub(quotes) as usize;
                let (bytes, text) = (source.text().as_bytes(), text.as_bytes());
                end.wrapping_sub(start) == text.len()
                    && text.first().is_none_or(|first| bytes.get(start) == Some(first))
                    && bytes.get(start..end) == Some(text)
            }
            Self::Other(_) => self.text(source) == text,
        }
    }

    pub(crate) fn tag(&self) -> Option<&str> {
        self.other().and_then(|other| other.tag.as_deref())
    }

    pub(crate) fn anchor(&self) -> Option<usize> {
        self.other().and_then(|other| other.anchor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory is promised as a multiple of the input, so the size of an item is a contract.
    #[test]
    fn items_stay_small() {
        assert!(size_of::<Node>() <= 16, "Node is {} bytes", size_of::<Node>());
        assert!(size_of::<Collection>() <= 48, "Collection is {} bytes", size_of::<Collection>());
        assert!(size_of::<Item>() <= 48, "Item is {} bytes", size_of::<Item>());
    }
}
