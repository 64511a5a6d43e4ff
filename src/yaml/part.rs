//! A part of a document as a document of its own (`kind: List` holds objects that way).

use super::node::{Document, Item, Layout, Node, Slice};
use super::parse::parse;
use super::scan;
use super::source::Span;
use super::value::Value;
use super::view::NodeRef;

impl Document {
    /// The elements of the sequence at a path of keys as documents of their own, with the comments
    /// and the style they have here. Nothing where there is no sequence.
    pub fn elements(&self, keys: &[&str]) -> Vec<Document> {
        let Some(sequence) = self.at(keys) else { return Vec::new() };
        let items = sequence.raw_items();
        items.map(|item| self.cut_out(item)).collect()
    }

    fn cut_out(&self, item: &Item) -> Document {
        let text = self.text_of(item).filter(|_| !self.has_aliases && item.is_clean());
        let parsed = text.and_then(|(text, lines_above, columns_cut)| {
            parse(self.source.part(text, lines_above, columns_cut)).ok()
        });
        match parsed.and_then(|stream| stream.documents.into_iter().next()) {
            Some(document) => document,
            None => self.written_anew(item),
        }
    }

    /// The text of an element without its dash and indentation, the lines above it, and the columns cut.
    fn text_of(&self, item: &Item) -> Option<(String, usize, usize)> {
        let text = self.source.text();
        let (start, end) = (item.slice.value.start as usize, item.slice.end() as usize);
        let lines_above = |at: usize| self.source.lines_above(at);
        if item.slice.layout() == Layout::Inline {
            let inline = text.get(start..item.slice.value.end as usize)?;
            return Some((format!("{inline}\n"), lines_above(start), 0));
        }
        let Node::Collection(collection) = &item.value else { return None };
        let indent = collection.indent as usize;
        let body = text.get(start..end)?;
        let mut out = String::with_capacity(body.len());
        let line_start = scan::line_start(text, start);
        for (position, line) in body.split_inclusive('\n').enumerate() {
            let (depth, _) = scan::split_indent(line);
            let cut = if position == 0 && start > line_start { 0 } else { depth.min(indent) };
            out.push_str(&line[cut..]);
        }
        Some((out, lines_above(start), indent))
    }

    /// The same document without its comments and without its anchors, its layout anew.
    #[must_use]
    pub fn without_comments(&self) -> Document {
        self.written_anew(&self.root)
    }

    fn written_anew(&self, item: &Item) -> Document {
        let value = Value::from(NodeRef::new(&self.source, &item.value, u32::MAX)).into_node();
        let slice = Slice::new(0, Span::new(0, 0), 0, Layout::Block);
        Document {
            source: self.source.part(String::new(), 0, 0),
            root: Item { key: None, value, slice },
            style: self.style,
            has_aliases: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;

    fn elements(text: &str) -> Vec<String> {
        let stream = parse(Source::new("t.yaml", text.to_owned())).unwrap();
        stream.documents[0].elements(&["items"]).iter().map(Document::to_text).collect()
    }

    #[test]
    fn elements_keep_comments_and_style() {
        let text =
            "items:\n  - a: 1 # x\n    # y\n    b: |\n      t\n       u\n  -\n    c: [1,  2]\n";
        assert_eq!(elements(text), ["a: 1 # x\n# y\nb: |\n  t\n   u\n", "c: [1,  2]\n"]);
        assert_eq!(
            elements("{\"items\": [{\"a\": 1}, {\"b\":2}]}"),
            ["{\"a\": 1}\n", "{\"b\":2}\n"]
        );
        assert_eq!(elements("x: &x {k: v}\nitems:\n- a: *x\n"), ["a:\n  k: v\n"]);
    }

    #[test]
    fn without_comments_only_values_stay() {
        let text = "# a\n---\n# b\nk: # c\n  # d\n  x: &x [1] # e\n  y: *x\n# f\n";
        let stream = parse(Source::new("t.yaml", text.to_owned())).unwrap();
        let bare = stream.documents[0].without_comments();
        assert_eq!(bare.root().to_json(), stream.documents[0].root().to_json());
        assert!(!bare.to_text().contains(['#', '&', '*']), "{}", bare.to_text());
    }

    #[test]
    fn places_are_those_of_the_file() {
        let stream =
            parse(Source::new("t.yaml", "kind: List\nitems:\n- a: 1\n  b: 2\n".to_owned()))
                .unwrap();
        let place =
            stream.documents[0].elements(&["items"])[0].at(&["b"]).unwrap().place().unwrap();
        assert_eq!((place.line, place.column, place.text.as_str()), (4, 3, "  b: 2"));
    }
}
