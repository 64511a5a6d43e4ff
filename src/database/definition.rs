//! What a `CREATE TABLE` says of other names, and where: enough to give it others.
//!
//! Columns, keys and options are not understood; they stay as they are written.
//! Source: "CREATE TABLE Statement" in the MySQL Reference Manual and in the MariaDB Knowledge Base.
//! `REFERENCES`, `CONSTRAINT`, `FOREIGN`, `CHECK` and `SELECT` are reserved words of both, so
//! wherever one stands without quotes, it is that clause.

use std::ops::Range;

use sqlparser::tokenizer::Token;

use super::statements::Statement;
use super::words::{Name, Words};

/// Engines whose tables keep their rows elsewhere: a second table would lead to the same rows.
///
/// Sources: "Alternative Storage Engines" in the MySQL Reference Manual, "Storage Engines" in the
/// MariaDB Knowledge Base.
const ELSEWHERE: [&str; 6] = ["CONNECT", "FEDERATED", "MERGE", "MRG_MYISAM", "S3", "SPIDER"];

/// A table as a schema defines it.
#[derive(Debug)]
pub(super) struct Definition {
    /// Its name.
    pub(super) name: Name,
    /// What stands behind the name, to the end of the statement.
    pub(super) rest: Range<usize>,
    /// The tables its foreign keys lead to, each where it is named.
    pub(super) references: Vec<Name>,
    /// Names of constraints that no other table of the database may have.
    pub(super) constraints: Vec<Name>,
    /// Where the next value of the `AUTO_INCREMENT` column is given.
    pub(super) increments: Vec<Range<usize>>,
    /// Whether it says its character set or collation, which else are those of the database.
    pub(super) charset: bool,
    /// Why it can have no shadow.
    pub(super) obstacles: Vec<Obstacle>,
}

/// Why a table can have no shadow.
#[derive(Debug)]
pub(super) struct Obstacle {
    /// Where.
    pub(super) at: usize,
    /// What, to be put behind "the table ": `is temporary`.
    pub(super) what: String,
    /// What to do.
    pub(super) remedy: &'static str,
}

/// Reads a statement whose words stand before `TEMPORARY TABLE` or `TABLE`; `None` where not even a
/// name is there.
pub(super) fn read(words: &mut Words, statement: &Statement) -> Option<Definition> {
    let start = words.start();
    let temporary = words.eat(&["TEMPORARY"]);
    words.eat(&["TABLE"]);
    words.eat(&["IF", "NOT", "EXISTS"]);
    let name = words.name()?;
    let mut definition = Definition {
        rest: name.range.end..statement.range.end,
        name,
        references: Vec::new(),
        constraints: Vec::new(),
        increments: Vec::new(),
        charset: false,
        obstacles: Vec::new(),
    };
    if temporary {
        definition.obstacle(start, "is temporary", "remove it from `spec.database.tables`");
    }
    if definition.name.qualified {
        definition.obstacle(
            definition.name.range.start,
            "is defined with the name of a database",
            "dump that one database alone, and leave its name out before the names of tables",
        );
    }
    if statement.version_comment(definition.name.range.start).is_some() {
        definition.obstacle(
            definition.name.range.start,
            "is defined within a version comment",
            "write its definition outside of comments",
        );
    }
    if definition.body(words) {
        definition.options(words);
    }
    while words.step() {}
    if let Some((at, why)) = &words.broken {
        definition.obstacle(*at, &format!("cannot be read: {why}"), "correct its definition");
    }
    let last = words.start();
    let comment = statement.version_comment(last.saturating_sub(1));
    definition.rest.end = comment.map_or(last, |comment| comment.end);
    Some(definition)
}

impl Definition {
    fn obstacle(&mut self, at: usize, what: &str, remedy: &'static str) {
        self.obstacles.push(Obstacle { at, what: what.to_owned(), remedy });
    }

    fn query(&mut self, at: usize) {
        self.obstacle(at, "is made from a query", WRITTEN_OUT);
    }

    /// Reads columns, keys and constraints; whether it got to their end.
    fn body(&mut self, words: &mut Words) -> bool {
        let (open, before) = (words.start(), self.obstacles.len());
        let bracket = words.eat_sign(&Token::LParen);
        if words.is("LIKE") {
            self.obstacle(words.start(), "is made like another one", WRITTEN_OUT);
        } else if words.is_any(&["AS", "SELECT", "WITH"]) {
            self.query(words.start());
        } else if !bracket {
            self.obstacle(open, "has no columns", WRITTEN_OUT);
        }
        let read = self.obstacles.len() == before;
        let mut depth = usize::from(read);
        while depth > 0 {
            if words.eat_sign(&Token::LParen) {
                depth += 1;
            } else if words.eat_sign(&Token::RParen) {
                depth -= 1;
            } else if words.is("SELECT") {
                self.query(words.start());
                return false;
            } else if words.eat(&["REFERENCES"]) {
                self.references.extend(words.name());
            } else if words.eat(&["CONSTRAINT"]) {
                self.constraint(words);
            } else if words.eat(&["FOREIGN", "KEY"]) {
                // Without CONSTRAINT its name is that of the constraint.
                self.constraints.extend(words.simple_name());
            } else if !words.step() {
                if words.broken.is_none() {
                    self.obstacle(open, "has a bracket that is never closed", "close it");
                }
                return false;
            }
        }
        read
    }

    /// What follows `CONSTRAINT`. Names of keys are those of their table alone.
    fn constraint(&mut self, words: &mut Words) {
        let clauses = ["FOREIGN", "CHECK", "PRIMARY", "UNIQUE", "REFERENCES"];
        let name = if words.is_any(&clauses) { None } else { words.simple_name() };
        let foreign = words.is("FOREIGN");
        if name.is_none() {
            // What follows is read as if CONSTRAINT were not there.
            return;
        }
        if foreign || words.is_any(&["CHECK", "REFERENCES"]) {
            self.constraints.extend(name);
        }
        if foreign && words.eat(&["FOREIGN", "KEY"]) {
            words.simple_name();
        }
    }

    /// Options of the table and its partitions.
    fn options(&mut self, words: &mut Words) {
        let mut depth = 0_usize;
        let mut comma = None;
        loop {
            let at = words.start();
            if words.is("SELECT") || depth == 0 && words.is_any(&["AS", "TABLE"]) {
                return self.query(at);
            }
            let comma_before = comma.take();
            if words.eat_sign(&Token::LParen) {
                depth += 1;
            } else if words.eat_sign(&Token::RParen) {
                depth = depth.saturating_sub(1);
            } else if words.eat(&["AUTO_INCREMENT"]) {
                words.eat_sign(&Token::Eq);
                words.eat_number();
                let option = at..words.end_before();
                // A comma between options goes with one of them.
                let comma_after = words.start();
                if words.eat_sign(&Token::Comma) {
                    self.increments.extend([option, comma_after..words.end_before()]);
                } else {
                    self.increments.extend(comma_before);
                    self.increments.push(option);
                }
            } else if words.eat(&["ENGINE"]) {
                words.eat_sign(&Token::Eq);
                if words.is_any(&ELSEWHERE) {
                    self.obstacle(
                        words.start(),
                        "keeps its rows elsewhere, and a shadow would lead to the same rows",
                        "remove it from `spec.database.tables`, and shadow what it leads to",
                    );
                }
            } else if depth == 0 && words.is_any(&["CHARSET", "CHARACTER", "COLLATE"]) {
                self.charset = true;
                words.step();
            } else if depth == 0 && words.eat_sign(&Token::Comma) {
                comma = Some(at..words.end_before());
            } else if !words.step() {
                return;
            }
        }
    }
}

/// What to do with a table whose columns stand elsewhere.
const WRITTEN_OUT: &str = "write its columns out, as `mysqldump --no-data` does";
