//! What a schema file says of the tables that get a shadow, and of the names that are taken.

use std::collections::HashMap;
use std::ops::Range;

use super::definition::{self, Definition};
use super::statements::{Statement, statements};
use super::words::{Name, Words};

/// A schema file, as far as some tables of it are concerned.
#[derive(Debug, Default)]
pub(super) struct Schema<'s> {
    /// The tables that were asked for.
    pub(super) tables: HashMap<&'s str, Table>,
    /// Where every table and view is, by name.
    pub(super) places: HashMap<String, usize>,
    /// The same by name in lower case, as servers compare them on systems that do; names with the
    /// ending that was asked for only.
    pub(super) taken: HashMap<String, usize>,
    /// The same for constraints.
    pub(super) constraints: HashMap<String, usize>,
    /// What stands behind the name where the database that was asked for is created.
    pub(super) database: Option<Range<usize>>,
}

/// What is said of a table that was asked for.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// How it is created.
    pub(super) definition: Option<Definition>,
    /// Where it is created again.
    pub(super) again: Option<usize>,
    /// Where it is changed or removed after that, and how.
    pub(super) changed: Option<(usize, &'static str)>,
    /// Where it is a view.
    pub(super) view: Option<usize>,
    /// Its triggers, each where it is created.
    pub(super) triggers: Vec<usize>,
}

/// What to look for in a schema file.
#[derive(Debug)]
pub(super) struct Wanted<'s> {
    /// Tables.
    pub(super) tables: Vec<&'s str>,
    /// The ending of names that shadows will have.
    pub(super) ending: String,
    /// The database that holds them.
    pub(super) database: Option<&'s str>,
}

impl<'s> Schema<'s> {
    /// Reads a schema file. Only statements that create, change or remove something are looked at;
    /// rows and settings are passed over.
    pub(super) fn read(text: &str, wanted: &Wanted<'s>) -> Self {
        let tables = wanted.tables.iter().map(|table| (*table, Table::default()));
        let mut schema = Self { tables: tables.collect(), ..Self::default() };
        for statement in statements(text) {
            // Where it starts with a version comment, its first word may be further on.
            let first = statement.first_word(text);
            let hidden = first.is_empty() && !statement.marks.is_empty();
            let matters = ["CREATE", "ALTER", "DROP", "RENAME"]
                .iter()
                .any(|word| word.eq_ignore_ascii_case(first));
            if matters || hidden {
                schema.statement(&mut Words::of(text, &statement), &statement, wanted);
            }
        }
        schema
    }

    fn statement(&mut self, words: &mut Words, statement: &Statement, wanted: &Wanted<'_>) {
        /// Words that may stand between CREATE and what is created: DEFINER, ALGORITHM and so on.
        const BETWEEN: usize = 24;
        if words.eat(&["CREATE"]) {
            words.eat(&["OR", "REPLACE"]);
            let start = words.start();
            if words.is_any(&["TABLE", "TEMPORARY"]) {
                if let Some(definition) = definition::read(words, statement) {
                    self.create(definition, wanted);
                }
            } else if words.is_any(&["DATABASE", "SCHEMA"]) {
                self.create_database(words, statement, wanted);
            } else if words.is_any(&["UNIQUE", "FULLTEXT", "SPATIAL", "INDEX"]) {
                if words.seek("INDEX", 2) && words.seek("ON", BETWEEN) && words.step() {
                    self.change(words, start, "an index is added to it");
                }
            } else {
                // What is created comes first: a body may name anything.
                words.seek_any(&["VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT"], BETWEEN);
                if words.eat(&["VIEW"]) {
                    words.eat(&["IF", "NOT", "EXISTS"]);
                    self.create_view(words.name(), wanted);
                } else if words.eat(&["TRIGGER"]) && words.seek("ON", BETWEEN) && words.step() {
                    let table = words.name();
                    if let Some(table) = self.asked_for(table.as_ref()) {
                        table.triggers.push(start);
                    }
                }
            }
        } else if words.eat(&["ALTER"]) {
            let start = words.start();
            words.eat(&["ONLINE"]);
            words.eat(&["IGNORE"]);
            if words.eat(&["TABLE"]) {
                words.eat(&["IF", "EXISTS"]);
                self.change(words, start, "it is altered");
            }
        } else if words.eat(&["DROP", "TABLE"]) || words.eat(&["RENAME", "TABLE"]) {
            self.gone(words);
        }
    }

    fn asked_for(&mut self, name: Option<&Name>) -> Option<&mut Table> {
        self.tables.get_mut(name?.text.as_str())
    }

    fn create(&mut self, definition: Definition, wanted: &Wanted<'_>) {
        let at = definition.name.range.start;
        self.take(&definition.name, wanted);
        for constraint in &definition.constraints {
            let name = constraint.text.to_lowercase();
            if name.ends_with(&wanted.ending) {
                self.constraints.entry(name).or_insert(constraint.range.start);
            }
        }
        if let Some(table) = self.tables.get_mut(definition.name.text.as_str()) {
            if table.definition.is_some() {
                table.again.get_or_insert(at);
            } else {
                table.definition = Some(definition);
            }
        }
    }

    fn take(&mut self, name: &Name, wanted: &Wanted<'_>) {
        let lower = name.text.to_lowercase();
        if lower.ends_with(&wanted.ending) {
            self.taken.entry(lower).or_insert(name.range.start);
        }
        self.places.entry(name.text.clone()).or_insert(name.range.start);
    }

    fn create_view(&mut self, name: Option<Name>, wanted: &Wanted<'_>) {
        let Some(name) = name else { return };
        self.take(&name, wanted);
        if let Some(table) = self.asked_for(Some(&name)) {
            table.view.get_or_insert(name.range.start);
        }
    }

    fn create_database(&mut self, words: &mut Words, statement: &Statement, wanted: &Wanted<'_>) {
        words.step();
        words.eat(&["IF", "NOT", "EXISTS"]);
        let Some(name) = words.simple_name() else { return };
        if wanted.database == Some(name.text.as_str())
            && statement.version_comment(name.range.start).is_none()
        {
            while words.step() {}
            let last = words.start();
            let comment = statement.version_comment(last.saturating_sub(1));
            self.database = Some(name.range.end..comment.map_or(last, |comment| comment.end));
        }
    }

    /// Notes that the table named next is changed, unless it is only made faster to fill.
    fn change(&mut self, words: &mut Words, at: usize, how: &'static str) {
        let name = words.name();
        if words.eat(&["DISABLE", "KEYS"]) || words.eat(&["ENABLE", "KEYS"]) {
            return;
        }
        if let Some(table) = self.asked_for(name.as_ref()) {
            table.changed.get_or_insert((at, how));
        }
    }

    /// Notes that tables are removed or renamed, where they were there: dumps remove each table
    /// before they create it.
    fn gone(&mut self, words: &mut Words) {
        words.eat(&["IF", "EXISTS"]);
        loop {
            let at = words.start();
            let name = words.name();
            if let Some(table) = self.asked_for(name.as_ref())
                && table.definition.is_some()
            {
                table.changed.get_or_insert((at, "it is removed or renamed"));
            }
            if name.is_none() && !words.step() {
                return;
            }
        }
    }
}
