//! Shadows of tables: the SQL that creates them, from the schema of the baseline's.
//!
//! A shadow has the columns, keys and options of its table and none of its rows. Its definition is
//! the table's own text, with other names and without the next `AUTO_INCREMENT` value, so nothing is
//! lost in between. Nothing here reads a file or talks to a server.

mod definition;
mod order;
mod schema;
mod statements;
mod words;
mod write;

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Failure, nearest};
use crate::spec::{Database, Shadows, Tag};
use crate::yaml::Source;
use definition::Definition;
use schema::{Schema, Wanted};
use words::Name;

/// Bytes of the largest schema file that is read. It may hold rows, but need not.
pub const MAX_SCHEMA_BYTES: usize = 16 << 20;

/// Characters of the longest name of a database, table or constraint in MySQL and MariaDB
/// ("Identifier Length Limits" in the MySQL Reference Manual).
const LONGEST_NAME: usize = 64;

/// Unknown tables that a nearest name is looked for; each is compared with every table.
const MOST_COMPARED: usize = 20;

/// The shadows of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// The statements that create them; running them again changes nothing.
    pub sql: String,
    /// What has no shadow.
    pub notes: Vec<Diagnostic>,
}

/// Makes the shadows of the tables that a spec names from a schema file: `file` is its name in
/// messages.
///
/// # Errors
///
/// Everything that keeps one of the tables from having a shadow, in the spec or in the schema.
pub fn shadow(database: &Database, tag: &Tag, file: &str, bytes: &[u8]) -> Result<Shadow, Failure> {
    let source = text(database, file, bytes)?;
    let naming = Naming { shadows: &database.shadows, ending: format!("_{tag}") };
    let wanted = Wanted {
        tables: database.tables.iter().map(|(table, _)| table.as_str()).collect(),
        ending: naming.ending.to_lowercase(),
        database: match &database.shadows {
            Shadows::Database { database, .. } => Some(database),
            Shadows::Tables { .. } => None,
        },
    };
    let schema = Schema::read(source.text(), &wanted);
    let mut build = Build { database, naming, source: &source, schema: &schema, errors: vec![] };
    let definitions = build.definitions();
    if build.errors.is_empty() {
        let sql = write::sql(&build.naming, source.text(), &schema, &definitions);
        return Ok(Shadow { sql, notes: build.notes() });
    }
    let mut errors = build.errors;
    errors.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    errors.dedup();
    Err(Failure(errors))
}

/// The text of a schema file.
fn text(database: &Database, file: &str, bytes: &[u8]) -> Result<Arc<Source>, Diagnostic> {
    if bytes.len() > MAX_SCHEMA_BYTES {
        let message =
            format!("the schema {file} has {} bytes, {MAX_SCHEMA_BYTES} are allowed", bytes.len());
        return Err(Diagnostic::error(message)
            .at(database.schema_place.clone())
            .remedy("leave the rows out: `mysqldump --no-data`"));
    }
    match str::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(file, text.to_owned())),
        Err(error) => {
            let at = error.valid_up_to();
            let text = String::from_utf8_lossy(bytes).into_owned();
            // Up to there both texts are the same.
            Err(Diagnostic::error(format!("the schema {file} is not UTF-8 text"))
                .at(Source::new(file, text).place(at))
                .related(database.schema_place.clone(), "named here")
                .remedy("dump it with `mysqldump --no-data --default-character-set=utf8mb4`"))
        }
    }
}

/// How shadows are named.
struct Naming<'a> {
    shadows: &'a Shadows,
    /// What is put behind names: `_gray`.
    ending: String,
}

impl Naming<'_> {
    /// A name with the ending.
    fn shadow(&self, name: &str) -> String {
        format!("{name}{}", self.ending)
    }

    /// How many characters a shadow's name has too many.
    fn excess(&self, name: &str) -> usize {
        (name.chars().count() + self.ending.chars().count()).saturating_sub(LONGEST_NAME)
    }

    /// Whether tables and constraints get other names.
    fn renames(&self) -> bool {
        matches!(self.shadows, Shadows::Tables { .. })
    }
}

/// The shadows in the making.
struct Build<'a> {
    database: &'a Database,
    naming: Naming<'a>,
    source: &'a Source,
    schema: &'a Schema<'a>,
    errors: Vec<Diagnostic>,
}

impl<'a> Build<'a> {
    /// An error in the schema.
    fn wrong(&mut self, at: usize, message: String, remedy: impl Into<String>) {
        let place = self.source.place(at);
        self.errors.push(Diagnostic::error(message).at(place).remedy(remedy));
    }

    /// The definitions of the tables, in the order of the spec.
    fn definitions(&mut self) -> Vec<&'a Definition> {
        if let Shadows::Database { database, place } = self.naming.shadows
            && let excess @ 1.. = self.naming.excess(database)
        {
            self.errors.push(
                too_long("database", &self.naming.shadow(database), excess).at(place.clone()),
            );
        }
        let (database, mut unknown) = (self.database, 0);
        let mut definitions = Vec::new();
        for (name, place) in &database.tables {
            let Some(table) = self.schema.tables.get(name.as_str()) else { continue };
            if let Some(at) = table.view {
                let error = Diagnostic::error(format!("`{name}` is a view, not a table"));
                self.errors.push(
                    error
                        .at(place.clone())
                        .related(self.source.place(at), "the view")
                        .remedy("name the tables that gray traffic writes to"),
                );
                continue;
            }
            let Some(definition) = &table.definition else {
                unknown += 1;
                let error = self.missing(name, unknown <= MOST_COMPARED);
                self.errors.push(error.at(place.clone()));
                continue;
            };
            if let Some(at) = table.again {
                let first = self.source.place(definition.name.range.start);
                let error = Diagnostic::error(format!("the table `{name}` is defined twice"));
                self.errors.push(
                    error
                        .at(self.source.place(at))
                        .related(first, "the first one")
                        .remedy("keep one definition; a schema file describes one database"),
                );
            }
            if let Some((at, how)) = table.changed {
                self.wrong(
                    at,
                    format!("the table `{name}` is not as it was created: {how}"),
                    "put all of it into its CREATE TABLE, as `mysqldump --no-data` does",
                );
            }
            for obstacle in &definition.obstacles {
                let what = &obstacle.what;
                self.wrong(obstacle.at, format!("the table `{name}` {what}"), obstacle.remedy);
            }
            if self.naming.renames() {
                self.names(name, place, definition);
            }
            for reference in &definition.references {
                self.reference(name, reference);
            }
            definitions.push(definition);
        }
        definitions
    }

    fn missing(&self, name: &str, compare: bool) -> Diagnostic {
        let file = self.source.name();
        let others = |table: &&str| !self.schema.tables.contains_key(*table);
        let known = self.schema.places.keys().map(String::as_str).filter(others);
        let error = Diagnostic::error(format!("the schema {file} has no table `{name}`"));
        match nearest(name, known.take(if compare { usize::MAX } else { 0 })) {
            Some(near) => error.remedy(format!("did you mean `{near}`?")),
            None => error.remedy("name a table that the schema creates"),
        }
    }

    /// Whether the new names of a table and its constraints are legal and free.
    fn names(&mut self, name: &str, place: &crate::diagnostic::Place, definition: &Definition) {
        let shadow = self.naming.shadow(name);
        if let excess @ 1.. = self.naming.excess(name) {
            self.errors.push(too_long("table", &shadow, excess).at(place.clone()));
        }
        if let Some(at) = self.schema.taken.get(&shadow.to_lowercase()) {
            let error = Diagnostic::error(format!(
                "the shadow of the table `{name}` cannot be named `{shadow}`: the schema has that name already"
            ));
            self.errors.push(
                error
                    .at(place.clone())
                    .related(self.source.place(*at), "the other one")
                    .remedy("choose another tag, or leave shadows out of the schema"),
            );
        }
        for constraint in &definition.constraints {
            let shadow = self.naming.shadow(&constraint.text);
            let at = constraint.range.start;
            if let excess @ 1.. = self.naming.excess(&constraint.text) {
                self.errors.push(too_long("constraint", &shadow, excess).at(self.source.place(at)));
            }
            if let Some(other) = self.schema.constraints.get(&shadow.to_lowercase()) {
                let error = Diagnostic::error(format!(
                    "the constraint of the shadow of `{name}` cannot be named `{shadow}`: the schema has that name already"
                ));
                self.errors.push(
                    error
                        .at(self.source.place(at))
                        .related(self.source.place(*other), "the other one")
                        .remedy("rename one of them, or choose another tag"),
                );
            }
        }
    }

    /// Whether a foreign key may lead where it does.
    fn reference(&mut self, name: &str, reference: &Name) {
        if shadowed(self.schema, reference) || self.database.shared_foreign_keys {
            return;
        }
        let to = &reference.text;
        let allow =
            "set `allowSharedForeignKeys: true` if gray rows may depend on rows of the baseline";
        let remedy = match !reference.qualified && self.schema.places.contains_key(to) {
            true => format!("add `{to}` to `spec.database.tables`, or {allow}"),
            false => allow.to_owned(),
        };
        self.wrong(
            reference.range.start,
            format!("a foreign key of the table `{name}` leads to `{to}`, which has no shadow"),
            remedy,
        );
    }

    fn notes(&self) -> Vec<Diagnostic> {
        let mut notes = Vec::new();
        let mut note = |at: usize, message: String, remedy: &str| {
            let place = self.source.place(at);
            notes.push(Diagnostic::note(message).at(place).remedy(remedy));
        };
        for (name, _) in &self.database.tables {
            let Some(table) = self.schema.tables.get(name.as_str()) else { continue };
            if let Some(at) = table.triggers.first() {
                let remedy = "create them on the shadow by hand if gray rows need them";
                note(*at, format!("triggers on `{name}` are not shadowed"), remedy);
            }
            // Beside its table, a shadow has the defaults of the same database.
            let same = self.naming.renames() || self.schema.database.is_some();
            if let Some(definition) = &table.definition
                && !definition.charset
                && !same
            {
                note(
                    definition.name.range.start,
                    format!("`{name}` says no character set: its shadow gets that of the server"),
                    "give the table its character set, or the schema the CREATE DATABASE of its database",
                );
            }
        }
        notes
    }
}

/// Whether the table a foreign key leads to gets a shadow.
fn shadowed(schema: &Schema<'_>, reference: &Name) -> bool {
    !reference.qualified && schema.tables.contains_key(reference.text.as_str())
}

fn too_long(what: &str, name: &str, excess: usize) -> Diagnostic {
    Diagnostic::error(format!(
        "`{name}` is too long for the name of a {what}: {LONGEST_NAME} characters are allowed"
    ))
    .remedy(format!("shorten the tag or the name by {excess}"))
}

#[cfg(test)]
mod tests;
