//! The statements that create shadows.

use std::ops::Range;

use super::definition::Definition;
use super::order::{Order, order};
use super::schema::Schema;
use super::words::Name;
use super::{Naming, shadowed};
use crate::spec::Shadows;

/// The statements for these tables, which can have shadows.
pub(super) fn sql(
    naming: &Naming<'_>,
    text: &str,
    schema: &Schema<'_>,
    definitions: &[&Definition],
) -> String {
    let tables: Vec<(&str, Vec<&str>)> = definitions
        .iter()
        .map(|definition| {
            let references = definition.references.iter();
            let needs = references.filter(|reference| shadowed(schema, reference));
            (definition.name.text.as_str(), needs.map(|need| need.text.as_str()).collect())
        })
        .collect();
    let Order { positions, circle } = order(&tables);
    let mut statements = Vec::new();
    if let Shadows::Database { database, .. } = naming.shadows {
        let options = schema.database.clone().and_then(|options| text.get(options));
        statements.push(format!(
            "CREATE DATABASE IF NOT EXISTS {}{}",
            quoted(&naming.shadow(database)),
            options.unwrap_or_default()
        ));
    }
    if circle {
        statements.push(
            "SET @graylane_foreign_key_checks = @@foreign_key_checks, foreign_key_checks = 0"
                .to_owned(),
        );
    }
    for position in positions {
        let Some(definition) = definitions.get(position) else { continue };
        statements.push(table(naming, text, schema, definition));
    }
    if circle {
        statements.push("SET foreign_key_checks = @graylane_foreign_key_checks".to_owned());
    }
    if !statements.iter().all(|statement| statement.is_ascii()) {
        // The schema file is UTF-8, whatever a client takes for granted.
        statements.insert(0, "SET NAMES utf8mb4".to_owned());
    }
    statements.iter().map(|statement| format!("\n{statement};\n")).collect()
}

/// The statement that creates the shadow of a table.
fn table(naming: &Naming<'_>, text: &str, schema: &Schema<'_>, definition: &Definition) -> String {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for reference in &definition.references {
        let name = match naming.shadows {
            _ if shadowed(schema, reference) => Some(shadow(naming, reference)),
            // Without a database before it, it would be one of the shadow's.
            Shadows::Database { database, .. } if !reference.qualified => {
                Some(format!("{}.{}", quoted(database), quoted(&reference.text)))
            }
            _ => None,
        };
        edits.extend(name.map(|name| (reference.range.clone(), name)));
    }
    if naming.renames() {
        let constraints = definition.constraints.iter();
        edits.extend(constraints.map(|constraint| {
            (constraint.range.clone(), quoted(&naming.shadow(&constraint.text)))
        }));
    }
    let increments = definition.increments.iter();
    edits.extend(increments.map(|range| (with_blanks_before(text, range), String::new())));
    edits.sort_by_key(|(range, _)| range.start);
    let name = shadow(naming, &definition.name);
    format!("CREATE TABLE IF NOT EXISTS {name}{}", edited(text, &definition.rest, &edits))
}

/// The name of a table's shadow.
fn shadow(naming: &Naming<'_>, name: &Name) -> String {
    match naming.shadows {
        Shadows::Tables { .. } => quoted(&naming.shadow(&name.text)),
        Shadows::Database { database, .. } => {
            format!("{}.{}", quoted(&naming.shadow(database)), quoted(&name.text))
        }
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A range and the blanks before it on its line: a line break may be the end of a comment.
fn with_blanks_before(text: &str, range: &Range<usize>) -> Range<usize> {
    let before = text.get(..range.start).unwrap_or_default();
    before.trim_end_matches([' ', '\t']).len()..range.end
}

/// A part of a text with other texts for some of its ranges, which are sorted and apart.
fn edited(text: &str, part: &Range<usize>, edits: &[(Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(part.len());
    let mut at = part.start;
    for (range, new) in edits {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(new);
        at = range.end;
    }
    out.push_str(text.get(at..part.end).unwrap_or_default());
    out
}
