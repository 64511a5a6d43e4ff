//! The words of a statement, with their bytes in the file.
//!
//! They are those of the `sqlparser` crate. Its syntax tree is not used: it knows no partitions,
//! `ZEROFILL` or parsers of full-text keys, and nothing of a table may be refused or lost for that.

use std::ops::Range;

use sqlparser::dialect::MySqlDialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::statements::Statement;

/// Bytes of the longest statement that is read: 4096 columns, the most a table can have, with
/// comments of 200 characters.
pub(super) const MAX_STATEMENT_BYTES: usize = 1 << 20;

/// A word, name, string, number or sign.
#[derive(Debug)]
struct Word {
    token: Token,
    range: Range<usize>,
}

/// A statement as words, and how far it has been read.
#[derive(Debug)]
pub(super) struct Words {
    words: Vec<Word>,
    at: usize,
    /// Where the statement cannot be split into words, and why.
    pub(super) broken: Option<(usize, String)>,
}

/// A name, perhaps of something in a database that is named too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Whether a database is named before it.
    pub(super) qualified: bool,
    /// The name without quotes.
    pub(super) text: String,
    /// All of it in the file.
    pub(super) range: Range<usize>,
}

impl Words {
    /// Splits a statement.
    pub(super) fn of(text: &str, statement: &Statement) -> Self {
        let plain = statement.plain(text, MAX_STATEMENT_BYTES);
        let mut tokens = Vec::new();
        let result =
            Tokenizer::new(&MySqlDialect {}, &plain).tokenize_with_location_into_buf(&mut tokens);
        let mut bytes = Bytes::of(&plain, statement.range.start);
        let words = tokens.into_iter().filter_map(|TokenWithSpan { token, span }| {
            let range = bytes.at(span.start)..bytes.at(span.end);
            (!matches!(token, Token::Whitespace(_))).then_some(Word { token, range })
        });
        let words: Vec<Word> = words.collect();
        // Under another delimiter; what stands behind it would be copied with a table.
        let second = words.iter().find(|word| word.token == Token::SemiColon);
        let second =
            second.map(|word| (word.range.start, "it holds a second statement".to_owned()));
        let broken = if statement.range.len() > MAX_STATEMENT_BYTES {
            let why = format!("it is longer than {MAX_STATEMENT_BYTES} bytes");
            Some((statement.range.start, why))
        } else {
            result.err().map(|error| {
                let at = bytes.at(error.location);
                (at, error.message)
            })
        };
        let broken = broken.or(second);
        Self { words, at: 0, broken }
    }

    /// Goes one word on; false at the end.
    pub(super) fn step(&mut self) -> bool {
        self.at += 1;
        self.at <= self.words.len()
    }

    fn peek(&self) -> Option<&Token> {
        self.words.get(self.at).map(|word| &word.token)
    }

    /// Where the next word is; the end of the last one where there is none.
    pub(super) fn start(&self) -> usize {
        match self.words.get(self.at) {
            Some(word) => word.range.start,
            None => self.words.last().map_or(0, |word| word.range.end),
        }
    }

    /// Where the word before ends.
    pub(super) fn end_before(&self) -> usize {
        let before = self.at.checked_sub(1).and_then(|before| self.words.get(before));
        before.map_or(0, |word| word.range.end)
    }

    /// Whether the next word is this one, without quotes.
    pub(super) fn is(&self, keyword: &str) -> bool {
        let Some(Token::Word(word)) = self.peek() else { return false };
        word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword)
    }

    /// Whether one of these is the next word.
    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    /// Goes past these words if they are next.
    pub(super) fn eat(&mut self, keywords: &[&str]) -> bool {
        let before = self.at;
        for keyword in keywords {
            if !self.is(keyword) {
                self.at = before;
                return false;
            }
            self.at += 1;
        }
        true
    }

    /// Whether the next word is this sign.
    pub(super) fn is_sign(&self, sign: &Token) -> bool {
        self.peek() == Some(sign)
    }

    /// Goes past a sign if it is next.
    pub(super) fn eat_sign(&mut self, sign: &Token) -> bool {
        let is = self.is_sign(sign);
        self.at += usize::from(is);
        is
    }

    /// Goes past a number if it is next.
    pub(super) fn eat_number(&mut self) -> bool {
        let is = matches!(self.peek(), Some(Token::Number(..)));
        self.at += usize::from(is);
        is
    }

    /// Goes past words up to this one, but not further than `most`; whether it is there.
    pub(super) fn seek(&mut self, keyword: &str, most: usize) -> bool {
        self.seek_any(&[keyword], most)
    }

    /// Goes past words up to one of these, but not further than `most`; whether one is there.
    pub(super) fn seek_any(&mut self, keywords: &[&str], most: usize) -> bool {
        for _ in 0..most {
            if self.is_any(keywords) {
                return true;
            }
            if !self.step() {
                return false;
            }
        }
        false
    }

    /// Reads a name without a database before it; double quotes are those of `ANSI_QUOTES`.
    pub(super) fn simple_name(&mut self) -> Option<Name> {
        let word = self.words.get(self.at)?;
        let text = match &word.token {
            Token::Word(name) => name.value.clone(),
            Token::DoubleQuotedString(name) => name.clone(),
            _ => return None,
        };
        self.at += 1;
        Some(Name { qualified: false, text, range: word.range.clone() })
    }

    /// Reads a name.
    pub(super) fn name(&mut self) -> Option<Name> {
        let first = self.simple_name()?;
        if !self.eat_sign(&Token::Period) {
            return Some(first);
        }
        let last = self.simple_name()?;
        let range = first.range.start..last.range.end;
        Some(Name { qualified: true, text: last.text, range })
    }
}

/// From lines and columns to bytes; asked in the order of the text.
struct Bytes<'t> {
    text: std::str::Chars<'t>,
    start: usize,
    length: usize,
    now: Location,
}

impl<'t> Bytes<'t> {
    fn of(text: &'t str, start: usize) -> Self {
        Self { text: text.chars(), start, length: text.len(), now: Location::new(1, 1) }
    }

    /// The byte of the file that a location is; the end where it is behind that.
    fn at(&mut self, location: Location) -> usize {
        while self.now < location {
            match self.text.next() {
                Some('\n') => self.now = Location::new(self.now.line + 1, 1),
                Some(_) => self.now.column += 1,
                None => break,
            }
        }
        self.start + self.length - self.text.as_str().len()
    }
}
