//! From the text of a template to its pieces: text, and actions with their tokens.
//!
//! Source: `text/template/parse/lex.go` of Go. What that lexer has a token for and graylane renders
//! nothing of becomes [`Token::Foreign`]; what it refuses becomes an error.

use std::ops::Range;

use super::Trouble;

const OPEN: &str = "{{";
const CLOSE: &str = "}}";
/// What Go trims at a `-` marker.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// A part of a template.
#[derive(Debug)]
pub(super) enum Piece {
    /// Text that is written as it stands, by its range.
    Text(Range<usize>),
    /// What stands in `{{ }}`; comments are left out.
    Action(Action),
}

/// An action.
#[derive(Debug)]
pub(super) struct Action {
    /// Where its `{{` is.
    pub(super) at: usize,
    /// Behind its `}}`.
    pub(super) end: usize,
    /// Its tokens with where they start, as far as they could be read.
    pub(super) tokens: Vec<(Token, usize)>,
    /// Whether it could not be read to its end, which has been reported.
    pub(super) is_broken: bool,
}

/// A token of an action.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Space,
    /// `.name`, without the dot.
    Field(String),
    /// A keyword, a constant or the name of a function.
    Word(String),
    String(String),
    Int(i64),
    Float(f64),
    OpenParen,
    CloseParen,
    /// What graylane renders nothing of: what it is.
    Foreign(&'static str),
}

/// Splits a template, and reports what Go's lexer would not read.
pub(super) fn lex(text: &str, troubles: &mut Vec<Trouble>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut trims_next = false;
    while at <= text.len() {
        let rest = text.get(at..).unwrap_or("");
        let open = rest.find(OPEN).map_or(text.len(), |found| at + found);
        let mut range = at..open;
        if trims_next {
            let kept = text.get(range.clone()).unwrap_or("").trim_start_matches(SPACES);
            range.start = open - kept.len();
        }
        let inside = text.get(open + OPEN.len()..).unwrap_or("");
        let trims_before = inside.starts_with('-') && inside[1..].starts_with(SPACES);
        if trims_before {
            let kept = text.get(range.clone()).unwrap_or("").trim_end_matches(SPACES);
            range.end = range.start + kept.len();
        }
        if !range.is_empty() {
            pieces.push(Piece::Text(range));
        }
        if open >= text.len() {
            break;
        }
        let start = open + OPEN.len() + usize::from(trims_before) * 2;
        let end = match text.get(start..).is_some_and(|inside| inside.starts_with("/*")) {
            true => comment(text, open, start, troubles),
            false => {
                let mut lexer = Lexer { text, at: start, tokens: Vec::new(), troubles };
                let (end, is_broken) = lexer.action(open);
                let tokens = lexer.tokens;
                pieces.push(Piece::Action(Action { at: open, end: end.at, tokens, is_broken }));
                end
            }
        };
        (at, trims_next) = (end.at, end.trims);
    }
    pieces
}

/// Where an action or a comment ends, and whether the text behind it is trimmed.
#[derive(Clone, Copy)]
struct End {
    at: usize,
    trims: bool,
}

/// The end of an action if it is here, its space and `-` included.
fn end_at(text: &str, at: usize) -> Option<End> {
    let rest = text.get(at..)?;
    if rest.starts_with(CLOSE) {
        return Some(End { at: at + CLOSE.len(), trims: false });
    }
    let marked = rest.strip_prefix(SPACES)?.strip_prefix('-')?;
    marked.starts_with(CLOSE).then_some(End { at: at + 2 + CLOSE.len(), trims: true })
}

/// Goes on behind the next `}}`, after an error.
fn skip(text: &str, at: usize) -> End {
    let found = text.get(at..).and_then(|rest| rest.find(CLOSE));
    End { at: found.map_or(text.len(), |found| at + found + CLOSE.len()), trims: false }
}

fn comment(text: &str, open: usize, start: usize, troubles: &mut Vec<Trouble>) -> End {
    let body = start + 2;
    let Some(close) = text.get(body..).and_then(|rest| rest.find("*/")) else {
        troubles.push(Trouble::new(open, "the comment is not closed", "close it: `*/}}`"));
        return End { at: text.len(), trims: false };
    };
    let close = body + close + 2;
    end_at(text, close).unwrap_or_else(|| {
        troubles.push(Trouble::new(
            open,
            "`}}` does not follow the end of the comment",
            "a comment stands alone in its braces: `{{/* … */}}`",
        ));
        skip(text, close)
    })
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<(Token, usize)>,
    troubles: &'t mut Vec<Trouble>,
}

impl Lexer<'_> {
    /// Reads an action to its end; whether it is broken.
    fn action(&mut self, open: usize) -> (End, bool) {
        loop {
            if let Some(end) = end_at(self.text, self.at) {
                return (end, false);
            }
            let at = self.at;
            let Some(next) = self.rest().chars().next() else {
                self.trouble(open, "the action is not closed", "close it: `}}`");
                return (End { at: self.text.len(), trims: false }, true);
            };
            let token = match next {
                c if SPACES.contains(&c) => Ok(self.space()),
                '"' => self.quoted(),
                '`' => self.raw(),
                '.' if !self.digit_follows() => self.field(),
                '0'..='9' | '+' | '-' | '.' => self.number(),
                c if is_word(c) => self.word(),
                '(' => Ok(self.one(Token::OpenParen)),
                ')' => Ok(self.one(Token::CloseParen)),
                '|' => Ok(self.one(Token::Foreign("a pipeline (`|`)"))),
                ',' => Ok(self.one(Token::Foreign("a list of variables"))),
                '=' | ':' => Ok(self.one(Token::Foreign("an assignment"))),
                '$' => Ok(self.variable()),
                '\'' => Err("a character constant is not rendered here".to_owned()),
                c => Err(format!("{c:?} is no part of an action")),
            };
            match token {
                Ok(token) => self.tokens.push((token, at)),
                Err(why) => {
                    self.trouble(at, &why, EXPRESSIONS);
                    return (skip(self.text, self.at.max(at)), true);
                }
            }
        }
    }

    fn trouble(&mut self, at: usize, what: &str, remedy: &str) {
        self.troubles.push(Trouble::new(at, what, remedy));
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn digit_follows(&self) -> bool {
        self.rest().chars().nth(1).is_some_and(|c| c.is_ascii_digit())
    }

    fn one(&mut self, token: Token) -> Token {
        self.at += 1;
        token
    }

    /// Takes what fits, and gives it.
    fn take(&mut self, fits: impl Fn(char) -> bool) -> &str {
        let start = self.at;
        let length = self.rest().find(|c| !fits(c)).unwrap_or(self.rest().len());
        self.at += length;
        self.text.get(start..self.at).unwrap_or("")
    }

    /// Spaces, but not the one that belongs to ` -}}`.
    fn space(&mut self) -> Token {
        while self.rest().starts_with(SPACES) && end_at(self.text, self.at).is_none() {
            self.at += 1;
        }
        Token::Space
    }

    fn field(&mut self) -> Result<Token, String> {
        self.at += 1;
        let name = self.take(is_word).to_owned();
        self.terminated()?;
        Ok(if name.is_empty() {
            Token::Foreign("the whole data (`.`)")
        } else {
            Token::Field(name)
        })
    }

    fn variable(&mut self) -> Token {
        self.at += 1;
        self.take(is_word);
        Token::Foreign("a variable")
    }

    fn word(&mut self) -> Result<Token, String> {
        let word = self.take(is_word).to_owned();
        self.terminated()?;
        Ok(Token::Word(word))
    }

    /// Whether what follows may stand behind a name.
    fn terminated(&self) -> Result<(), String> {
        match self.rest().chars().next() {
            None => Ok(()),
            Some(c) if SPACES.contains(&c) || matches!(c, '.' | ',' | '|' | ':' | ')' | '(') => {
                Ok(())
            }
            Some(_) if self.rest().starts_with(CLOSE) => Ok(()),
            Some('-') => Err("`-` cannot be part of a name in Go templates".to_owned()),
            Some(c) => Err(format!("{c:?} cannot follow a name")),
        }
    }

    /// Decimal numbers; Go knows other forms too.
    fn number(&mut self) -> Result<Token, String> {
        let sign = usize::from(self.rest().starts_with(['+', '-']));
        let start = self.at;
        self.at += sign;
        self.take(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E'));
        let ends_with_exponent =
            self.text.get(start..self.at).is_some_and(|t| t.ends_with(['e', 'E']));
        if ends_with_exponent && self.rest().starts_with(['+', '-']) {
            self.at += 1;
            self.take(|c| c.is_ascii_digit());
        }
        if self.rest().starts_with(is_word) {
            self.take(is_word);
            let text = self.text.get(start..self.at).unwrap_or("");
            return Err(format!("`{text}` is not a decimal number"));
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        let wrong = || format!("`{text}` is not a decimal number");
        if text.contains(['.', 'e', 'E']) {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            return number.map(Token::Float).ok_or_else(wrong);
        }
        // With a leading zero it is octal to Go.
        let digits = text.get(sign..).unwrap_or("");
        let is_octal = digits.len() > 1 && digits.starts_with('0');
        text.parse::<i64>().ok().filter(|_| !is_octal).map(Token::Int).ok_or_else(wrong)
    }

    fn raw(&mut self) -> Result<Token, String> {
        self.at += 1;
        let Some(length) = self.rest().find('`') else {
            self.at = self.text.len();
            return Err("the string is not closed".to_owned());
        };
        // As in Go's sources, a carriage return is no part of a raw string.
        let text = self.rest().get(..length).unwrap_or("").replace('\r', "");
        self.at += length + 1;
        Ok(Token::String(text))
    }

    /// A string in double quotes, with the escapes of Go that stand for one character.
    fn quoted(&mut self) -> Result<Token, String> {
        self.at += 1;
        let mut value = String::new();
        loop {
            let Some(c) = self.rest().chars().next().filter(|c| *c != '\n') else {
                return Err("the string is not closed".to_owned());
            };
            self.at += c.len_utf8();
            if c == '"' {
                return Ok(Token::String(value));
            }
            if c != '\\' {
                value.push(c);
                continue;
            }
            let Some(escape) = self.rest().chars().next() else { continue };
            self.at += escape.len_utf8();
            let code = |digits: usize| {
                let hex = self.rest().get(..digits)?;
                let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
                u32::from_str_radix(hex, 16).ok().filter(|_| is_hex)
            };
            let (found, length) = match escape {
                '\\' | '"' => (Some(escape), 0),
                'n' => (Some('\n'), 0),
                't' => (Some('\t'), 0),
                'r' => (Some('\r'), 0),
                'a' => (Some('\u{7}'), 0),
                'b' => (Some('\u{8}'), 0),
                'f' => (Some('\u{c}'), 0),
                'v' => (Some('\u{b}'), 0),
                // Others are bytes, which may be no character.
                'x' => (code(2).filter(|code| *code < 0x80).and_then(char::from_u32), 2),
                'u' => (code(4).and_then(char::from_u32), 4),
                'U' => (code(8).and_then(char::from_u32), 8),
                _ => (None, 0),
            };
            let Some(found) = found else {
                return Err(format!("the escape `\\{escape}` is not rendered here"));
            };
            value.push(found);
            self.at += length;
        }
    }
}

/// What to do about an action that cannot be read.
const EXPRESSIONS: &str =
    "write `.AppStack.…`, `.Values.…`, strings in double quotes, or `eq` and its like over them";

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
