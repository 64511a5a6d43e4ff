//! Flow collections: what of `{}` and `[]` is not copied is printed with their own spacing.

use super::super::node::{Collection, Item};
use super::super::scalar::ScalarStyle;
use super::super::scan;
use super::super::source::{Source, Span, offset};
use super::{Context, Emitter, Form, Node};

impl<'a> Emitter<'a> {
    pub(super) fn flow_items(&mut self, collection: &'a Collection, context: Context) {
        let (open, close) = if collection.form == Form::Mapping { ("{", "}") } else { ("[", "]") };
        let pads = FlowPads::of(collection, self.source);
        let is_json = collection.items.iter().any(|item| {
            item.key.as_ref().is_some_and(|key| {
                !key.span().is_none() && key.style() == ScalarStyle::DoubleQuoted
            })
        });
        let context = if is_json { Context::Json } else { context };
        self.print(open);
        let mut previous: Option<usize> = None;
        for (position, item) in
            collection.items.iter().enumerate().filter(|(_, item)| item.is_live())
        {
            let start = if item.is_fresh() {
                None
            } else {
                Some(offset(scan::skip_trivia(self.source.text(), item.slice.lead as usize)))
            };
            let follows = match previous {
                None => position == 0,
                Some(previous) => {
                    previous + 1 == position && !collection.items[previous].is_fresh()
                }
            };
            match (start, previous) {
                (Some(start), None) if follows => self.copy(collection.span.start + 1, start),
                (Some(start), Some(previous)) if follows => {
                    self.copy(collection.items[previous].slice.value.end, start);
                }
                (_, None) => self.print(pads.open),
                (_, Some(_)) => self.print(&pads.separator),
            }
            match start {
                Some(start) => self.flow_source_item(collection, item, start, context),
                None => {
                    if let Some(key) = &item.key {
                        self.string(key, context);
                        self.print(": ");
                    }
                    self.head(&item.value, context);
                }
            }
            previous = Some(position);
        }
        match previous {
            None => {}
            Some(last)
                if last + 1 == collection.items.len() && !collection.items[last].is_fresh() =>
            {
                self.copy(collection.items[last].slice.value.end, collection.span.end - 1);
            }
            Some(_) => self.print(&pads.close),
        }
        self.print(close);
        if !collection.span.is_none() {
            self.last = Some(collection.span.end);
        }
    }

    fn flow_source_item(
        &mut self,
        collection: &'a Collection,
        item: &'a Item,
        start: u32,
        context: Context,
    ) {
        let value = item.slice.value;
        if item.is_clean() {
            self.copy(start, value.end);
        } else if self.in_place(item) {
            self.copy(start, value.start);
            if let Node::Collection(nested) = &item.value {
                self.flow_items(nested, context);
            }
        } else {
            if item.key.is_some() {
                let indicator = self.indicator_end(collection, item);
                self.copy(start, indicator);
                self.print(if self.out.ends_with(':') { " " } else { ": " });
            }
            self.head(&item.value, context);
        }
    }
}

/// White space around and between the items of a flow collection.
struct FlowPads<'a> {
    open: &'a str,
    separator: String,
    close: String,
}

impl<'a> FlowPads<'a> {
    fn of(collection: &Collection, source: &'a Source) -> Self {
        let none = Self { open: "", separator: ", ".to_owned(), close: String::new() };
        let (Some(last), Span { start, end }) =
            (collection.items.iter().rev().find(|item| !item.is_fresh()), collection.span)
        else {
            return none;
        };
        if collection.span.is_none() || !collection.flow {
            return none;
        }
        let text = source.text();
        let first = scan::skip_trivia(text, start as usize + 1);
        let open = blanks(&text[start as usize + 1..first]);
        let inner = source.slice(last.slice.value.end, end - 1);
        let close = blanks(inner.trim_start_matches([' ', ',']));
        let close = if inner.contains('\n') { close } else { blanks(inner) };
        let separator = if open.contains('\n') { format!(",{open}") } else { ", ".to_owned() };
        Self { open, separator, close: close.to_owned() }
    }
}

/// The blanks at the end of a text from its last line break on, comments left out.
fn blanks(text: &str) -> &str {
    let tail = match text.rfind('\n') {
        Some(at) => &text[if text[..at].ends_with('\r') { at - 1 } else { at }..],
        None => text,
    };
    if tail.trim().is_empty() { tail } else { "" }
}
