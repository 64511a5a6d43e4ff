//! From the pieces of a template to its tree. What is not rendered is refused by its name, and the
//! rest is read all the same, so that everything is told at once.
//!
//! Source: `text/template/parse/parse.go` of Go.

use std::ops::Range;

use super::Trouble;
use super::lex::{Action, Piece, Token, lex};
use super::value::Datum;

/// Blocks and parentheses within each other; every step into them is a step on the stack.
const MAX_DEPTH: usize = 64;

/// A part of the tree.
#[derive(Debug)]
pub(super) enum Node {
    /// Text that is written as it stands, by its range.
    Text(Range<usize>),
    /// The value of an expression, written where the `{{` at `at` is.
    Print { at: usize, value: Expression },
    /// The first branch whose condition is true, or else the last nodes.
    If { branches: Vec<(Expression, Vec<Node>)>, otherwise: Vec<Node> },
}

/// What has a value.
#[derive(Debug)]
pub(super) enum Expression {
    /// `.AppStack.envName`: where each of its names starts, without the dot.
    Field(Vec<(String, usize)>),
    /// A constant.
    Constant(Datum),
    /// A function of its arguments.
    Call { at: usize, function: Function, arguments: Vec<Expression> },
}

/// The functions that are rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// Whether the first argument equals one of the others.
    Eq,
    /// Whether two arguments differ.
    Ne,
    /// The first argument that is not true, or the last.
    And,
    /// The first argument that is true, or the last.
    Or,
    /// Whether the argument is not true.
    Not,
}

/// The functions by name, with the fewest and the most arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 5] = [
    ("eq", Function::Eq, 2, usize::MAX),
    ("ne", Function::Ne, 2, 2),
    ("and", Function::And, 1, usize::MAX),
    ("or", Function::Or, 1, usize::MAX),
    ("not", Function::Not, 1, 1),
];

impl Function {
    /// Its name in templates.
    pub(super) fn name(self) -> &'static str {
        FUNCTIONS.iter().find(|row| row.1 == self).map_or("", |row| row.0)
    }
}

/// Reads a template, and reports everything in it that is not rendered.
pub(super) fn parse(text: &str, troubles: &mut Vec<Trouble>) -> Vec<Node> {
    let pieces = lex(text, troubles);
    let mut parser =
        Parser { text, pieces: pieces.into_iter(), troubles, depth: 0, gave_up: false };
    let mut nodes = Vec::new();
    loop {
        let stop = parser.nodes(&mut nodes);
        let Some((action, word)) = stop else { return nodes };
        parser.trouble(
            action.at,
            format!("`{{{{ {word} }}}}` belongs to no `{{{{ if … }}}}`"),
            "remove it, or write the `{{ if … }}` that it ends",
        );
    }
}

struct Parser<'t> {
    text: &'t str,
    pieces: std::vec::IntoIter<Piece>,
    troubles: &'t mut Vec<Trouble>,
    depth: usize,
    gave_up: bool,
}

/// The action that ends a list of nodes, `else` or `end`.
type Stop = Option<(Action, &'static str)>;

impl Parser<'_> {
    fn trouble(&mut self, at: usize, what: impl Into<String>, remedy: impl Into<String>) {
        if !self.gave_up {
            self.troubles.push(Trouble::new(at, what, remedy));
        }
    }

    /// Reads to the next `else` or `end` that belongs to no block in it.
    fn nodes(&mut self, nodes: &mut Vec<Node>) -> Stop {
        while let Some(piece) = self.pieces.next() {
            let action = match piece {
                Piece::Text(range) => {
                    nodes.push(Node::Text(range));
                    continue;
                }
                Piece::Action(action) => action,
            };
            match keyword(&action) {
                Some("else") => return Some((action, "else")),
                Some("end") => return Some((action, "end")),
                Some("if") => nodes.extend(self.conditional(&action)),
                Some(word @ ("range" | "with" | "define" | "block")) => {
                    self.refuse(&action, word);
                    self.block(&action, |parser| {
                        while parser.nodes(&mut Vec::new()).is_some_and(|stop| stop.1 == "else") {}
                    });
                }
                Some(word @ ("template" | "break" | "continue")) => self.refuse(&action, word),
                _ => {
                    if let Some(value) = self.whole(&action, 0, "print") {
                        nodes.push(Node::Print { at: action.at, value });
                    }
                }
            }
        }
        None
    }

    /// Reads what stands in a block, unless that is too deep.
    fn block(&mut self, action: &Action, read: impl FnOnce(&mut Self)) {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            read(self);
        } else {
            self.trouble(action.at, "blocks are nested too deep", "take the template apart");
            // Nothing behind it can be told apart any more.
            self.pieces.by_ref().for_each(drop);
            self.gave_up = true;
        }
        self.depth -= 1;
    }

    fn refuse(&mut self, action: &Action, word: &str) {
        let message = format!("the action `{word}` is not rendered here");
        self.trouble(action.at, message, ACTIONS);
    }

    /// `if` to its `end`.
    fn conditional(&mut self, start: &Action) -> Option<Node> {
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        let mut is_read = true;
        self.block(start, |parser| {
            let mut condition = parser.whole(start, 1, "if");
            let mut has_else = false;
            loop {
                let mut nodes = Vec::new();
                let stop = parser.nodes(&mut nodes);
                match condition.take() {
                    _ if has_else => otherwise = nodes,
                    Some(condition) => branches.push((condition, nodes)),
                    None => is_read = false,
                }
                match stop {
                    None => {
                        let message = "`{{ if … }}` has no `{{ end }}`";
                        parser.trouble(start.at, message, "end it: `{{ end }}`");
                        return;
                    }
                    Some((end, "end")) => {
                        parser.no_more(&end, 1);
                        return;
                    }
                    Some((action, _)) => {
                        if has_else {
                            let message =
                                "`{{ else }}` follows the `{{ else }}` of the same `{{ if … }}`";
                            parser.trouble(action.at, message, "remove one of them");
                        }
                        let words = words(&action);
                        has_else = match words.get(1) {
                            Some(Token::Word(word)) if word == "if" => {
                                condition = parser.whole(&action, 2, "if");
                                false
                            }
                            Some(Token::Word(word)) if word == "with" => {
                                parser.refuse(&action, "with");
                                false
                            }
                            _ => {
                                parser.no_more(&action, 1);
                                true
                            }
                        };
                    }
                }
            }
        });
        // Which branch is meant is not known where a condition could not be read.
        is_read.then_some(Node::If { branches, otherwise })
    }

    /// Reports what stands behind the words of an action that has none.
    fn no_more(&mut self, action: &Action, words: usize) {
        let extra = action.tokens.iter().filter(|(token, _)| *token != Token::Space).nth(words);
        if let Some((_, at)) = extra.filter(|_| !action.is_broken) {
            let at = *at;
            self.trouble(at, "nothing may stand here", "end the action before it");
        }
    }

    /// The expression that an action consists of, behind so many words.
    fn whole(&mut self, action: &Action, words: usize, what: &str) -> Option<Expression> {
        if action.is_broken {
            return None;
        }
        let mut skipped = 0;
        let from = action.tokens.iter().position(|(token, _)| {
            let is_word = *token != Token::Space;
            let is_here = is_word && skipped == words;
            skipped += usize::from(is_word);
            is_here
        });
        let from = from.unwrap_or(action.tokens.len());
        let tokens = action.tokens.get(from..).unwrap_or(&[]);
        // The first of them names the action, whatever else is in it.
        let unknown = tokens.iter().find_map(|(token, at)| match token {
            Token::Foreign(name) => {
                Some(Trouble::new(*at, format!("{name} is not rendered here"), ACTIONS))
            }
            Token::Word(word) if !is_constant(word) => function(word, *at).err(),
            _ => None,
        });
        if let Some(trouble) = unknown {
            self.troubles.push(trouble);
            return None;
        }
        let mut reader =
            Reader { text: self.text, tokens, end: action.end.saturating_sub(2), depth: 0 };
        let result = reader.command(what);
        let result = result.and_then(|value| match reader.tokens.first() {
            None => Ok(value),
            Some((_, at)) => Err(Trouble::new(*at, "a `)` too many", "remove it")),
        });
        match result {
            Ok(value) => Some(value),
            Err(trouble) => {
                self.troubles.push(trouble);
                None
            }
        }
    }
}

/// What to do about an action that is not rendered.
const ACTIONS: &str = "graylane renders `{{ .AppStack.… }}`, `{{ .Values.… }}`, `{{ if … }}` with `else if` and `else`, and the functions eq, ne, and, or, not: write it with these, or leave the file out of `baseline.paths`";

fn words(action: &Action) -> Vec<&Token> {
    let tokens = action.tokens.iter().map(|(token, _)| token);
    tokens.filter(|token| **token != Token::Space).take(3).collect()
}

/// The first word of an action.
fn keyword(action: &Action) -> Option<&str> {
    match words(action).first() {
        Some(Token::Word(word)) => Some(word),
        _ => None,
    }
}

/// Reads the tokens of one expression.
struct Reader<'a> {
    text: &'a str,
    tokens: &'a [(Token, usize)],
    /// Where the expression ends, for what is missing.
    end: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a (Token, usize)> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Skips spaces; whether there were any.
    fn spaces(&mut self) -> bool {
        let before = self.tokens.len();
        while self.tokens.first().is_some_and(|(token, _)| *token == Token::Space) {
            self.next();
        }
        self.tokens.len() < before
    }

    fn is_done(&self) -> bool {
        matches!(self.tokens.first(), None | Some((Token::CloseParen, _)))
    }

    /// A value, or a function with its arguments, up to the end or a closing parenthesis.
    fn command(&mut self, what: &str) -> Result<Expression, Trouble> {
        self.spaces();
        let at = self.tokens.first().map_or(self.end, |(_, at)| *at);
        let function = match self.tokens.first() {
            None | Some((Token::CloseParen, _)) => {
                let message = format!("there is nothing to {what}");
                return Err(Trouble::new(at, message, "write what is meant, or remove the action"));
            }
            Some((Token::Word(word), _)) if !is_constant(word) => {
                self.next();
                Some(function(word, at)?)
            }
            Some((Token::Word(word), _)) if word == "nil" => {
                return Err(Trouble::new(at, "`nil` is no value", "compare with it: `eq … nil`"));
            }
            Some(_) => None,
        };
        let Some((name, function, fewest, most)) = function else {
            let value = self.operand()?;
            self.separated()?;
            return match self.tokens.first() {
                Some((_, at)) if !self.is_done() => Err(Trouble::new(
                    *at,
                    "a value takes no arguments",
                    "put the name of a function before it: `eq A B`",
                )),
                _ => Ok(value),
            };
        };
        let mut arguments = Vec::new();
        self.separated()?;
        while !self.is_done() {
            arguments.push(self.operand()?);
            self.separated()?;
        }
        if !(fewest..=most).contains(&arguments.len()) {
            let wanted =
                if fewest == most { format!("{most}") } else { format!("{fewest} or more") };
            let message = format!("`{name}` has {} arguments; it takes {wanted}", arguments.len());
            return Err(Trouble::new(at, message, "`eq .AppStack.envName \"gray\"` has two"));
        }
        Ok(Expression::Call { at, function, arguments })
    }

    /// After an operand there is a space, or nothing more.
    fn separated(&mut self) -> Result<(), Trouble> {
        if self.spaces() || self.is_done() {
            return Ok(());
        }
        let at = self.tokens.first().map_or(self.end, |(_, at)| *at);
        Err(Trouble::new(at, "there is no space before this", "put one there"))
    }

    fn operand(&mut self) -> Result<Expression, Trouble> {
        let Some((token, at)) = self.next() else {
            return Err(Trouble::new(self.end, "a value is missing", "write one"));
        };
        let at = *at;
        Ok(match token {
            Token::Field(name) => {
                let mut names = vec![(name.clone(), at)];
                while let Some((Token::Field(name), at)) = self.tokens.first() {
                    names.push((name.clone(), *at));
                    self.next();
                }
                Expression::Field(names)
            }
            Token::String(text) => Expression::Constant(Datum::String(text.clone())),
            Token::Int(value) => Expression::Constant(Datum::Int((*value).into())),
            Token::Float(value) => Expression::Constant(Datum::Float(*value)),
            Token::Word(word) => match word.as_str() {
                "true" => Expression::Constant(Datum::Bool(true)),
                "false" => Expression::Constant(Datum::Bool(false)),
                "nil" => Expression::Constant(Datum::Null),
                _ => {
                    function(word, at)?;
                    let message = format!("`{word}` is an argument here, without its own");
                    let remedy = format!("put it and its arguments in parentheses: `({word} …)`");
                    return Err(Trouble::new(at, message, remedy));
                }
            },
            Token::OpenParen => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    let remedy = "take the condition apart";
                    return Err(Trouble::new(at, "parentheses are nested too deep", remedy));
                }
                let inner = self.command("compare")?;
                self.depth -= 1;
                match self.next() {
                    Some((Token::CloseParen, _)) => inner,
                    _ => return Err(Trouble::new(at, "the `(` is not closed", "close it: `)`")),
                }
            }
            Token::Space | Token::CloseParen | Token::Foreign(_) => {
                let shown = self.text.get(at..).and_then(|rest| rest.chars().next());
                let shown = shown.map(String::from).unwrap_or_default();
                return Err(Trouble::new(
                    at,
                    format!("a value is missing before `{shown}`"),
                    ACTIONS,
                ));
            }
        })
    }
}

fn is_constant(word: &str) -> bool {
    matches!(word, "true" | "false" | "nil")
}

type FunctionRow = (&'static str, Function, usize, usize);

fn function(word: &str, at: usize) -> Result<FunctionRow, Trouble> {
    FUNCTIONS.iter().find(|row| row.0 == word).copied().ok_or_else(|| {
        Trouble::new(at, format!("the function `{word}` is not rendered here"), ACTIONS)
    })
}
