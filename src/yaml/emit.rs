//! From nodes back to text: source text for what stands as it was, print for what does not.

use super::node::{Collection, Document, DocumentStyle, Form, Item, Layout, Node, Scalar, Slice};
use super::scalar::{ScalarStyle, is_plain_safe, json_literal, literal_header, write_string};
use super::scan;
use super::source::Source;

mod blocks;
mod flow;
mod write;

use blocks::Blocks;

impl Document {
    /// The document's text, without its `---` line.
    ///
    /// What was not edited is the source's text, byte for byte.
    pub fn to_text(&self) -> String {
        let mut out =
            String::with_capacity((self.root.slice.end() - self.root.slice.lead) as usize + 256);
        self.emit_into(&mut out);
        if !scan::starts_line(self.source.text(), self.root.slice.lead as usize) {
            // What stands behind `---` on its line.
            let first = out.find('\n').map_or(out.len(), |at| at + 1);
            let line = &out[..first];
            let cut = if scan::skip_trivia(line, 0) >= line.len() {
                first
            } else {
                line.len() - line.trim_start_matches([' ', '\t']).len()
            };
            out.drain(..cut);
            if ["---", "..."].iter().any(|marker| scan::is_marker(&out, 0, marker)) {
                out.insert_str(0, "--- ");
            }
        }
        out
    }

    pub(crate) fn emit_into(&self, out: &mut String) {
        let mut emitter = Emitter {
            source: &self.source,
            style: self.style,
            out,
            last: None,
            blocks: Blocks::of(self),
        };
        emitter.root(&self.root);
    }
}

struct Emitter<'a> {
    source: &'a Source,
    style: DocumentStyle,
    out: &'a mut String,
    /// End of the source text that was copied last, when nothing was printed since.
    last: Option<u32>,
    /// Where block scalars are, which would swallow some of the text behind them.
    blocks: Blocks<'a>,
}

/// What of a value does not fit on the line of its key.
enum Body<'a> {
    None,
    Literal(&'a str),
    Block(&'a Collection),
}

/// Whether a value is printed inside of `{}` or `[]`, and whether those are JSON's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Block,
    Flow,
    Json,
}

impl<'a> Emitter<'a> {
    fn root(&mut self, root: &'a Item) {
        let slice = root.slice;
        if root.is_clean() {
            self.copy(slice.lead, slice.end());
            return;
        }
        if self.in_place(root) {
            self.copy(slice.lead, slice.value.start);
            self.collection(root);
            self.copy_lines(slice.value.end, slice.end(), 0);
        } else {
            self.replaced_root(root);
        }
    }

    /// Prints a new root in place of the old one, its tag and its anchor.
    fn replaced_root(&mut self, root: &'a Item) {
        let text = self.source.text();
        let (Slice { lead, value, .. }, end) = (root.slice, root.slice.end());
        let content = super::source::offset(scan::skip_trivia(text, lead as usize));
        let content = content.min(value.start);
        self.copy(lead, content);
        let follows_marker = !scan::starts_line(text, content as usize);
        let line_end = scan::line_end(text, value.end as usize).min(end as usize);
        let comment = match root.slice.layout() {
            Layout::Inline => text[value.end as usize..line_end].trim(),
            Layout::Block => "",
        };
        if follows_marker && !self.out.ends_with([' ', '\t']) {
            self.print(" ");
        }
        let before = self.out.len();
        let body = self.head(&root.value, Context::Block);
        if matches!(body, Body::None) && root.slice.layout() == Layout::Inline {
            self.copy(value.end, end);
            return;
        }
        if !comment.is_empty() {
            if self.out.len() > before {
                self.print(" ");
            }
            self.print(comment);
        }
        if self.out.len() > before || follows_marker {
            let kept = self.out.trim_end_matches([' ', '\t']).len();
            self.out.truncate(kept);
            self.newline();
        }
        match body {
            Body::None => {}
            Body::Literal(text) => self.literal(text, self.step()),
            Body::Block(collection) => {
                self.block_items(collection, 0, false);
                self.fresh_line();
            }
        }
        if let Node::Collection(emptied) = &root.value {
            self.comments_of_removed(emptied, 0);
        }
        self.copy_lines(self.tail_start(root), end, 0);
    }

    /// Whether an item's value is the collection of the source in the place it was.
    fn in_place(&self, item: &Item) -> bool {
        match &item.value {
            Node::Collection(collection) => {
                collection.span == item.slice.value
                    && !collection.span.is_none()
                    && (collection.flow || collection.live().next().is_some())
            }
            _ => false,
        }
    }

    fn collection(&mut self, item: &'a Item) {
        if let Node::Collection(collection) = &item.value {
            if collection.flow {
                self.flow_items(collection, Context::Flow);
            } else {
                self.block_items(collection, collection.indent as usize, collection.compact);
            }
        }
    }

    /// Prints the items of a block collection. `inline`: the first one goes on the current line.
    fn block_items(&mut self, collection: &'a Collection, indent: usize, inline: bool) {
        let mut inline = inline;
        for item in &collection.items {
            if item.is_fresh() {
                if item.is_live() {
                    if !inline {
                        self.fresh_line();
                        self.spaces(indent);
                    }
                    inline = false;
                    self.fresh_item(collection, item, indent);
                }
                continue;
            }
            let text = self.source.text();
            let lead = item.slice.lead;
            let content = super::source::offset(scan::skip_trivia(text, lead as usize));
            let line = super::source::offset(scan::line_start(text, content as usize)).max(lead);
            if !item.is_live() {
                let tail = self.tail_start(item);
                if lead < line || tail < item.slice.end() {
                    if inline {
                        self.end_indicator_line();
                        inline = false;
                    }
                    self.fresh_line();
                    self.copy_lines(lead, line, indent);
                    self.copy_lines(tail, item.slice.end(), indent);
                }
                continue;
            }
            let mut from = lead;
            if inline && lead < line {
                self.end_indicator_line();
            } else if inline {
                from = content;
            }
            if !inline || lead < line {
                self.fresh_line();
                let is_mid_line = lead == content && !scan::starts_line(text, lead as usize);
                if is_mid_line {
                    self.spaces(indent);
                }
            }
            inline = false;
            self.source_item(collection, item, from, indent);
        }
    }

    /// Ends the line after `- ` so that whole lines can follow.
    fn end_indicator_line(&mut self) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        self.newline();
    }

    /// Where the comment lines below an item's value start.
    fn tail_start(&self, item: &Item) -> u32 {
        let end = item.slice.value.end;
        let start = match item.slice.layout() {
            Layout::Block => end,
            Layout::Inline => {
                super::source::offset(scan::next_line(self.source.text(), end as usize))
            }
        };
        start.min(item.slice.end())
    }

    fn source_item(
        &mut self,
        collection: &'a Collection,
        item: &'a Item,
        from: u32,
        indent: usize,
    ) {
        let (value, end) = (item.slice.value, item.slice.end());
        if item.is_clean() {
            self.copy_lines(from, end, indent);
        } else if self.in_place(item) {
            self.copy_lines(from, value.start, indent);
            self.collection(item);
            self.copy_lines(value.end, end, indent);
        } else {
            self.replaced(collection, item, from, indent);
        }
    }

    /// Prints an item whose key stands in the source and whose value is new.
    fn replaced(&mut self, collection: &'a Collection, item: &'a Item, from: u32, indent: usize) {
        let text = self.source.text();
        let value = item.slice.value;
        let indicator = self.indicator_end(collection, item);
        let between = self.source.slice(indicator, value.start);
        let is_inline = self.is_inline(&item.value, Context::Block);
        if item.slice.layout() == Layout::Inline
            && is_inline
            && between.contains('\n')
            && scan::skip_trivia(between, 0) >= between.len()
        {
            // A scalar on the line below its key stays there.
            self.copy_lines(from, value.start, indent);
            self.head(&item.value, Context::Block);
            self.copy(value.end, item.slice.end());
            return;
        }
        self.copy_lines(from, indicator, indent);
        if collection.form == Form::Mapping
            && text.as_bytes().get(indicator as usize - 1) != Some(&b':')
        {
            // A key with `?` and without a value.
            self.newline();
            self.spaces(indent);
            self.print(":");
        }
        let (comment, rest) = match item.slice.layout() {
            Layout::Inline => {
                let line_end =
                    scan::line_end(text, value.end as usize).min(item.slice.end() as usize);
                let comment = text[value.end as usize..line_end].trim_end_matches('\r');
                let above = between.split('\n').next().unwrap_or("");
                let comment = if comment.trim().is_empty() { comment_of(above) } else { comment };
                (comment, self.tail_start(item))
            }
            Layout::Block => (comment_of(between.split('\n').next().unwrap_or("")), value.end),
        };
        let gap_kept = item.slice.layout() == Layout::Inline
            && !between.is_empty()
            && between.bytes().all(|b| matches!(b, b' ' | b'\t'));
        let gap = if gap_kept { between } else { " " };
        let before = self.out.len();
        self.print(gap);
        let body = self.head(&item.value, Context::Block);
        if self.out.len() == before + gap.len() {
            // Nothing but lines below: no blank at the end of this one.
            self.out.truncate(before);
        }
        self.print(comment.trim_end());
        let at_end = rest as usize >= text.len() && !text.ends_with('\n');
        if !at_end || !matches!(body, Body::None) {
            self.newline();
        }
        let is_inline = matches!(body, Body::None);
        self.body(body, collection, indent);
        if let Node::Collection(emptied) = &item.value {
            self.comments_of_removed(emptied, indent);
        }
        if is_inline {
            self.last = Some(rest);
        }
        self.copy_lines(rest, item.slice.end(), indent);
        // What follows a new block scalar must not be taken for a part of it.
        self.last = is_inline.then_some(item.slice.end());
    }

    /// The own comment lines of a block collection of which nothing else is left.
    fn comments_of_removed(&mut self, collection: &'a Collection, indent: usize) {
        if collection.flow || collection.span.is_none() || collection.live().next().is_some() {
            return;
        }
        let text = self.source.text();
        for item in collection.items.iter().filter(|item| !item.is_fresh()) {
            let content = scan::skip_trivia(text, item.slice.lead as usize);
            let line = super::source::offset(scan::line_start(text, content)).max(item.slice.lead);
            self.copy_lines(item.slice.lead, line, indent);
            let tail = self.tail_start(item);
            self.copy_lines(tail, item.slice.end(), indent);
        }
    }

    /// The end of an item's `:` or `-` in the source.
    fn indicator_end(&self, collection: &Collection, item: &Item) -> u32 {
        let text = self.source.text();
        let end = match &item.key {
            Some(key) => {
                let key_end = key.span().end as usize;
                let colon = scan::skip_trivia(text, key_end);
                if text.as_bytes().get(colon) == Some(&b':') { colon + 1 } else { key_end }
            }
            None if collection.flow => item.slice.value.start as usize,
            None => scan::skip_trivia(text, item.slice.lead as usize) + 1,
        };
        super::source::offset(end)
    }

    fn fresh_item(&mut self, collection: &'a Collection, item: &'a Item, indent: usize) {
        match &item.key {
            Some(key) => {
                self.string(key, Context::Block);
                self.print(":");
            }
            None => self.print("-"),
        }
        let before = self.out.len();
        self.print(" ");
        let body = self.head(&item.value, Context::Block);
        match body {
            Body::Block(nested) if collection.form == Form::Sequence => {
                self.block_items(nested, indent + 2, true);
                self.fresh_line();
            }
            body => {
                if self.out.len() == before + 1 {
                    self.out.truncate(before);
                }
                self.newline();
                self.body(body, collection, indent);
            }
        }
    }

    fn body(&mut self, body: Body<'a>, parent: &Collection, indent: usize) {
        match body {
            Body::None => {}
            Body::Literal(text) => self.literal(text, indent + self.step()),
            Body::Block(nested) => {
                let deeper = match (nested.form, parent.form) {
                    (Form::Sequence, Form::Mapping) if !self.indents_sequences(parent) => indent,
                    (_, Form::Mapping) => indent + self.step(),
                    (_, Form::Sequence) => indent + 2,
                };
                self.block_items(nested, deeper, false);
                self.fresh_line();
            }
        }
    }

    /// Whether block sequences in this mapping are indented: as its other ones, else as the document's.
    fn indents_sequences(&self, parent: &Collection) -> bool {
        let sibling = parent.items.iter().find_map(|item| match &item.value {
            Node::Collection(child)
                if child.form == Form::Sequence && !child.flow && !child.span.is_none() =>
            {
                Some(child.indent > parent.indent)
            }
            _ => None,
        });
        sibling.unwrap_or(self.style.indented_sequences)
    }

    fn literal(&mut self, text: &str, indent: usize) {
        let lines = text.strip_suffix('\n').unwrap_or(text);
        for line in lines.split('\n') {
            if !line.is_empty() {
                self.spaces(indent);
                self.print(line);
            }
            self.newline();
        }
        self.blocks.printed(self.out);
    }

    /// Whether a value is printed on the line of its key.
    fn is_inline(&self, node: &Node, context: Context) -> bool {
        match node {
            Node::Collection(collection) => {
                collection.flow || context != Context::Block || collection.live().next().is_none()
            }
            Node::Scalar(scalar) => self.literal_of(scalar, context).is_none(),
            Node::Alias(_) | Node::Removed => true,
        }
    }

    /// The header of a new scalar that is to be printed as a literal block.
    fn literal_of(&self, scalar: &Scalar, context: Context) -> Option<&'static str> {
        let wished = matches!(
            scalar.style(),
            ScalarStyle::Auto | ScalarStyle::Literal | ScalarStyle::Folded
        );
        if context != Context::Block || !wished || !scalar.span().is_none() {
            return None;
        }
        literal_header(scalar.text(self.source))
    }

    /// Prints what of a value goes on the line of its key, and returns the rest.
    fn head(&mut self, node: &'a Node, context: Context) -> Body<'a> {
        match node {
            Node::Scalar(scalar) => {
                if let Some(header) = self.literal_of(scalar, context) {
                    self.print(header);
                    return Body::Literal(scalar.text(self.source));
                }
                if scalar.span().is_none() && scalar.style() == ScalarStyle::Plain {
                    let text = scalar.text(self.source);
                    if context == Context::Json {
                        self.print(&json_literal(text));
                    } else {
                        self.print(text);
                    }
                } else if scalar.span().is_none() {
                    self.string(scalar, context);
                } else {
                    self.copy(scalar.span().start, scalar.span().end);
                }
            }
            Node::Collection(collection) if self.is_inline(node, context) => {
                let context = if context == Context::Block { Context::Flow } else { context };
                self.flow_items(collection, context);
            }
            Node::Collection(collection) => return Body::Block(collection),
            Node::Alias(alias) => self.copy(alias.span.start, alias.span.end),
            Node::Removed => {}
        }
        Body::None
    }

    fn string(&mut self, scalar: &Scalar, context: Context) {
        let (text, flow) = (scalar.text(self.source), context != Context::Block);
        let wish = match scalar.style() {
            _ if context == Context::Json => ScalarStyle::DoubleQuoted,
            ScalarStyle::Auto if self.style.single_quotes && !is_plain_safe(text, flow) => {
                ScalarStyle::SingleQuoted
            }
            style => style,
        };
        write_string(self.out, text, wish, flow);
        self.last = None;
    }
}

/// A comment on the line of an indicator, with the blank before it.
fn comment_of(line: &str) -> &str {
    match line.find(" #") {
        Some(at) => &line[at..],
        None => "",
    }
}
