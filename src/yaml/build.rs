//! From parser events to nodes that know their source.
//!
//! The events carry values but no ends, and their marks are not to be relied on. So a cursor walks
//! the text beside them: each event says which tokens must come next, and [`super::scan`] finds
//! where they are. Text and events that disagree are an error, never a wrong span.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use yaml_rust2::parser::{Event, Tag};
use yaml_rust2::scanner::TScalarStyle;

use self::style::Seen;
use super::node::{
    Collection, CollectionExtra, Document, DocumentStyle, Form, Item, Layout, Node, OtherScalar,
    Scalar, Slice,
};
use super::parse::{FLATTER, MAX_DEPTH};
use super::scalar::ScalarStyle;
use super::scan;
use super::source::{Source, Span, offset};
use crate::diagnostic::Diagnostic;

mod alias;
mod block;
mod bounds;
mod merge_order;
mod style;

use alias::Anchored;
use bounds::trailing_comments;

/// Keys that are compared one by one before they are hashed.
const COMPARED_KEYS: usize = 16;

/// Collections that are open at once in nearly all manifests.
const FRAMES: usize = 16;

/// The tag of merge keys (yaml.org/type/merge.html).
const MERGE_TAG: &str = "tag:yaml.org,2002:merge";

/// Bytes of text for each item that is not closed yet at the same time, or fewer.
const BYTES_PER_ITEM: usize = 64;

/// Bytes of text that items are reserved for; a larger file gets more as it needs them.
const MAX_RESERVED: usize = 1 << 16;

type Result<T> = std::result::Result<T, Diagnostic>;

/// A collection that is not closed yet.
struct Frame {
    collection: Collection,
    /// Where its items start in [`Builder::items`].
    first: usize,
    /// Whether the last item has a key and waits for its value.
    has_key: bool,
    /// Start of the item that is being read.
    lead: usize,
    /// All keys, once they are too many to compare one by one.
    keys: Option<HashSet<Box<str>>>,
    weight: u64,
    depth: usize,
}

pub(crate) struct Builder<'a> {
    source: &'a Arc<Source>,
    documents: Vec<Document>,
    frames: Vec<Frame>,
    /// The items of all frames: so each collection takes as much memory as it has items.
    items: Vec<Item>,
    anchors: HashMap<usize, Anchored>,
    /// Up to here the text is used up.
    cursor: usize,
    document_start: usize,
    root: Option<(Node, Layout, Span)>,
    style: DocumentStyle,
    seen: Seen,
    expanded: u64,
    has_aliases: bool,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(source: &'a Arc<Source>, start: usize) -> Self {
        let text = source.text();
        let crlf = text.find('\n').is_some_and(|at| text[..at].ends_with('\r'));
        Self {
            style: DocumentStyle { crlf, ..DocumentStyle::default() },
            source,
            documents: Vec::new(),
            frames: Vec::with_capacity(FRAMES),
            items: Vec::with_capacity(text.len().min(MAX_RESERVED) / BYTES_PER_ITEM),
            anchors: HashMap::new(),
            cursor: start,
            document_start: start,
            root: None,
            seen: Seen::default(),
            expanded: 0,
            has_aliases: false,
        }
    }

    pub(crate) fn finish(self) -> Vec<Document> {
        self.documents
    }

    /// Takes what it needs of an event: to move all of it would take longer than to read it.
    pub(crate) fn event(&mut self, event: &mut Event) -> Result<()> {
        match event {
            Event::DocumentStart => {
                self.start_document();
                Ok(())
            }
            Event::DocumentEnd => {
                self.end_document();
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(text, *style, *anchor, tag.take())
            }
            Event::MappingStart(anchor, tag) => self.open(Form::Mapping, *anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) => self.open(Form::Sequence, *anchor, tag.is_some()),
            Event::MappingEnd | Event::SequenceEnd => self.close(),
            Event::Alias(anchor) => self.alias(*anchor),
            Event::Nothing | Event::StreamStart | Event::StreamEnd => Ok(()),
        }
    }

    fn fault(&self, what: &str) -> Diagnostic {
        let at = scan::skip_trivia(self.source.text(), self.cursor.min(self.source.text().len()));
        Diagnostic::error(what.to_owned())
            .at(self.source.place(at))
            .remedy("write it in the plain block or flow style that manifests have")
    }

    /// Consumes the indicators before the next node, and its tag and anchor.
    ///
    /// Returns where the node starts; an absent node starts where the text is used up.
    fn begin(&mut self, absent: bool, properties: usize) -> Result<usize> {
        let source = self.source;
        let text = source.text();
        let bytes = text.as_bytes();
        let mut at = self.cursor;
        if let Some(frame) = self.frames.last_mut() {
            let next = scan::skip_trivia(text, at);
            let collection = &mut frame.collection;
            if collection.form == Form::Mapping && frame.has_key {
                if bytes.get(next) == Some(&b':') {
                    let is_apart = collection.flow && text[at..next].contains('\n');
                    if is_apart && !scan::is_explicit_key(text, scan::skip_trivia(text, frame.lead))
                    {
                        self.cursor = next;
                        return Err(self.fault("a `:` on another line than its key"));
                    }
                    at = next + 1;
                } else if !absent {
                    return Err(self.fault("a key without `:`"));
                }
            } else if collection.flow {
                if bytes.get(next) == Some(&b',') {
                    at = next + 1;
                }
                frame.lead = at;
                let key = scan::skip_trivia(text, at);
                if collection.form == Form::Mapping && scan::is_explicit_key(text, key) {
                    at = key + 1;
                }
            } else {
                if collection.form == Form::Sequence {
                    if bytes.get(next) != Some(&b'-') {
                        return Err(self.fault("a sequence item without `-`"));
                    }
                    at = next + 1;
                } else {
                    at = next;
                    if scan::is_explicit_key(text, at) {
                        at += 1;
                    }
                }
                frame.lead = self.items[frame.first..]
                    .last()
                    .map_or(frame.lead, |item| item.slice.end() as usize);
            }
        }
        for _ in 0..properties {
            let next = scan::skip_trivia(text, at);
            if !matches!(bytes.get(next), Some(b'!' | b'&')) {
                self.cursor = next;
                return Err(self.fault("a tag or an anchor is expected here"));
            }
            at = scan::property_end(text, next);
        }
        self.cursor = at;
        Ok(if absent { at } else { scan::skip_trivia(text, at) })
    }

    fn scalar(
        &mut self,
        value: &mut String,
        style: TScalarStyle,
        anchor: usize,
        tag: Option<Tag>,
    ) -> Result<()> {
        let absent = value.is_empty() && style == TScalarStyle::Plain;
        let properties = usize::from(anchor > 0) + usize::from(tag.is_some());
        let start = self.begin(absent, properties)?;
        let source = self.source;
        let text = source.text();
        let first = text.as_bytes().get(start).copied();
        let is_plain_text =
            style == TScalarStyle::Plain && text[start..].starts_with(value.as_str());
        if style == TScalarStyle::Plain && !absent && matches!(first, Some(b'|' | b'>')) {
            // Inside of brackets the parser takes the header of a block scalar for text.
            self.cursor = start;
            let error = self.fault("a block scalar inside of brackets");
            return Err(error.remedy("write it in quotes: no YAML reader takes it there"));
        }
        let (end, style) = match style {
            TScalarStyle::Plain if is_plain_text => (Some(start + value.len()), ScalarStyle::Plain),
            TScalarStyle::Plain => (scan::plain_end(text, start, value), ScalarStyle::Plain),
            TScalarStyle::SingleQuoted if first == Some(b'\'') => {
                self.seen.single_quoted += 1;
                (scan::quoted_end(text, start), ScalarStyle::SingleQuoted)
            }
            TScalarStyle::DoubleQuoted if first == Some(b'"') => {
                self.seen.double_quoted += 1;
                (scan::quoted_end(text, start), ScalarStyle::DoubleQuoted)
            }
            TScalarStyle::Literal | TScalarStyle::Folded if matches!(first, Some(b'|' | b'>')) => {
                self.block_scalar(value, style, start)?
            }
            _ => (None, ScalarStyle::Plain),
        };
        let Some(end) = end else {
            self.cursor = start;
            return Err(self.fault("this scalar cannot be followed in the text"));
        };
        self.cursor = end;
        let span = Span::new(start, end);
        let is_source_text = is_plain_text || Scalar::verbatim(source, span, style) == *value;
        let weight = value.len() as u64 + 8;
        // Each kind is written where it stays: what is put together first and then moved waits
        // for its pieces.
        let other = (!is_source_text || properties > 0).then(|| {
            let text = (!is_source_text).then(|| std::mem::take(value).into_boxed_str());
            let anchor = (anchor > 0).then_some(anchor);
            Arc::new(OtherScalar { span, style, text, tag: tag.map(tag_text), anchor })
        });
        if anchor > 0
            && let Some(other) = &other
        {
            let node = Node::Scalar(Scalar::Other(Arc::clone(other)));
            self.anchors.insert(anchor, Anchored { node, weight, depth: 0 });
        }
        if let Some(frame) = self.frames.last()
            && frame.collection.form == Form::Mapping
            && !frame.has_key
        {
            if absent && properties == 0 {
                return Err(self.fault("a mapping key is missing here"));
            }
            let key = self.key_slot();
            match other {
                None => *key = Some(Scalar::Verbatim { span, style }),
                Some(other) => *key = Some(Scalar::Other(other)),
            }
            return self.key();
        }
        let slot = self.slot(Layout::Inline, span, weight, 0)?;
        match other {
            None => *slot = Node::Scalar(Scalar::Verbatim { span, style }),
            Some(other) => *slot = Node::Scalar(Scalar::Other(other)),
        }
        Ok(())
    }

    /// Where the next key of the innermost mapping goes.
    fn key_slot(&mut self) -> &mut Option<Scalar> {
        let position = self.items.len();
        self.items.push(Item::fresh(None, Node::Removed));
        &mut self.items[position].key
    }

    /// Checks the key that was put into its slot.
    fn key(&mut self) -> Result<()> {
        let source = self.source;
        let Some((last, above)) = self.items.split_last() else { return Ok(()) };
        let (Some(frame), Some(key)) = (self.frames.last_mut(), &last.key) else { return Ok(()) };
        let text = key.text(source);
        let above = &above[frame.first..];
        let keys = || above.iter().filter_map(|item| item.key.as_ref());
        if frame.keys.is_none() && above.len() >= COMPARED_KEYS {
            frame.keys = Some(keys().map(|key| Box::from(key.text(source))).collect());
        }
        let is_duplicate = match &mut frame.keys {
            None => keys().any(|key| key.is(text, source)),
            Some(keys) => !keys.insert(Box::from(text)),
        };
        if is_duplicate {
            let error = Diagnostic::error(format!("the key `{text}` stands twice in this mapping"))
                .at(source.place(key.span().start as usize))
                .remedy("remove one of them: readers disagree on which one counts");
            return Err(match keys().find(|candidate| candidate.is(text, source)) {
                Some(first) => {
                    error.related(source.place(first.span().start as usize), "first here")
                }
                None => error,
            });
        }
        // Some tools write `!!merge <<`, which readers take for the same.
        let may_merge = key.tag().is_none_or(|tag| tag == MERGE_TAG);
        if key.style() == ScalarStyle::Plain && text == "<<" && may_merge {
            frame.collection.merges = true;
        }
        frame.weight += text.len() as u64;
        frame.has_key = true;
        Ok(())
    }

    fn open(&mut self, form: Form, anchor: usize, has_tag: bool) -> Result<()> {
        if self
            .frames
            .last()
            .is_some_and(|frame| frame.collection.form == Form::Mapping && !frame.has_key)
        {
            return Err(self.fault("a mapping key must be a scalar: Kubernetes knows no others"));
        }
        if self.frames.len() >= MAX_DEPTH {
            return Err(self
                .fault(&format!("nested more than {MAX_DEPTH} levels deep"))
                .remedy(FLATTER));
        }
        let properties = usize::from(anchor > 0) + usize::from(has_tag);
        let start = self.begin(false, properties)?;
        let source = self.source;
        let text = source.text();
        let bracket = if form == Form::Mapping { b'{' } else { b'[' };
        let flow = text.as_bytes().get(start) == Some(&bracket);
        let in_flow = self.frames.last().is_some_and(|frame| frame.collection.flow);
        if in_flow && !flow {
            return Err(self
                .fault("a single pair in a flow sequence is not supported")
                .remedy("write it with braces: `[{key: value}]`"));
        }
        let mut collection = Collection::fresh(form, Vec::new());
        collection.dirty = false;
        collection.flow = flow;
        if anchor > 0 {
            let extra = CollectionExtra { anchor: Some(anchor), index: None };
            collection.extra = Some(Box::new(extra));
        }
        let lead;
        if flow {
            collection.span = Span::new(start, start);
            lead = start + 1;
        } else {
            let begin = scan::line_start(text, start);
            let before = &text[begin..start];
            if before.as_bytes().contains(&b'\t') {
                self.cursor = start;
                return Err(self
                    .fault("a tab in the indentation: YAML allows spaces only")
                    .remedy("replace the tab by spaces"));
            }
            let before = before.trim_start_matches('\u{feff}');
            let indent = before.len();
            collection.indent = u16::try_from(indent).map_err(|_| {
                self.fault(&format!("indented by more than {} columns", u16::MAX)).remedy(FLATTER)
            })?;
            collection.compact = before.bytes().any(|byte| byte != b' ');
            lead = if collection.compact {
                start
            } else if scan::starts_line(text, self.cursor) {
                self.cursor
            } else {
                scan::next_line(text, self.cursor)
            };
            collection.span = Span::new(lead, lead);
            self.observe_style(&collection);
        }
        if flow {
            self.cursor = lead;
        }
        let first = self.items.len();
        self.frames.push(Frame {
            collection,
            first,
            has_key: false,
            lead,
            keys: None,
            weight: 16,
            depth: 1,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let source = self.source;
        let text = source.text();
        let span;
        if frame.collection.flow {
            let mut at = scan::skip_trivia(text, self.cursor);
            if text.as_bytes().get(at) == Some(&b',') {
                at = scan::skip_trivia(text, at + 1);
            }
            let bracket = if frame.collection.form == Form::Mapping { b'}' } else { b']' };
            if text.as_bytes().get(at) != Some(&bracket) {
                self.cursor = at;
                return Err(self.fault("a closing bracket is expected here"));
            }
            self.cursor = at + 1;
            span = Span { start: frame.collection.span.start, end: offset(at + 1) };
        } else {
            let outer = self.frames.iter().rev().find(|frame| !frame.collection.flow);
            let outer = outer.map(|frame| frame.collection.indent as usize);
            let mut end = self.items[frame.first..]
                .last()
                .map_or(frame.lead, |item| item.slice.end() as usize);
            end = trailing_comments(text, end, frame.collection.indent as usize, outer);
            if let Some(item) = self.items[frame.first..].last_mut() {
                item.slice.end_at(end);
            }
            self.cursor = end;
            span = Span { start: frame.collection.span.start, end: offset(end) };
        }
        let mut collection = frame.collection;
        collection.span = span;
        collection.items = self.items.split_off(frame.first);
        collection.reindex(source);
        let layout = if collection.flow { Layout::Inline } else { Layout::Block };
        if collection.merges {
            merge_order::check(&collection, source)?;
        }
        let anchor = collection.anchor();
        let collection = Arc::new(collection);
        if let Some(anchor) = anchor {
            let node = Node::Collection(Arc::clone(&collection));
            self.anchors
                .insert(anchor, Anchored { node, weight: frame.weight, depth: frame.depth });
        }
        *self.slot(layout, span, frame.weight, frame.depth)? = Node::Collection(collection);
        Ok(())
    }

    /// Where a finished value goes: into the collection above, or it is the document's root.
    fn slot(&mut self, layout: Layout, span: Span, weight: u64, depth: usize) -> Result<&mut Node> {
        let source = self.source;
        let text = source.text();
        if self.frames.len() + depth > MAX_DEPTH {
            return Err(self
                .fault(&format!("nested more than {MAX_DEPTH} levels deep, aliases expanded"))
                .remedy(FLATTER));
        }
        let Some(frame) = self.frames.last_mut() else {
            return Ok(&mut self.root.insert((Node::Removed, layout, span)).0);
        };
        frame.weight = frame.weight.saturating_add(weight);
        frame.depth = frame.depth.max(depth + 1);
        let end = match layout {
            _ if frame.collection.flow => span.end as usize,
            Layout::Block => span.end as usize,
            Layout::Inline => scan::next_line(text, span.end as usize),
        };
        if !frame.collection.flow {
            self.cursor = self.cursor.max(end);
        }
        if !std::mem::take(&mut frame.has_key) {
            self.items.push(Item::fresh(None, Node::Removed));
        }
        let position = self.items.len() - 1;
        let item = &mut self.items[position];
        item.slice = Slice::new(frame.lead, span, end, layout);
        Ok(&mut item.value)
    }
}

fn tag_text(tag: Tag) -> Box<str> {
    (tag.handle + &tag.suffix).into_boxed_str()
}
