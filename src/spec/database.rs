//! What becomes of the data of a lane: the `database` block of a spec.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::{Check, items};
use super::model::{EnvVar, Service};
use super::{release, service};
use crate::diagnostic::Place;
use crate::yaml::NodeRef;

/// Where the shadows are; both ways are those of database gray release in Alibaba Cloud MSE.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ShadowMode {
    /// Each table has a shadow beside it: `<table>_<tag>`.
    ShadowTable,
    /// The tables have shadows of their own names in a database beside theirs: `<name>_<tag>`.
    ShadowDatabase,
}

/// Empty tables for what gray traffic writes, made from the schema of the baseline's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Database")]
pub(super) struct RawDatabase {
    /// Where the shadows are.
    #[schemars(required)]
    mode: Option<ShadowMode>,
    /// Name of the baseline's database; needed where its shadow is a database.
    name: Option<String>,
    /// Names of the tables that get a shadow, as the schema has them.
    #[schemars(required, length(min = 1))]
    tables: Option<Vec<Option<String>>>,
    /// SQL file with the `CREATE TABLE` statements of MySQL or MariaDB, such as `mysqldump --no-data` writes.
    #[schemars(required)]
    schema: Option<String>,
    /// Environment variables for all gray pods that turn the shadows on, as the agent or data source in them wants it; the `env` of a service wins.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Allow foreign keys of shadows to lead to tables without a shadow: gray rows then depend on rows of the baseline.
    #[serde(default)]
    allow_shared_foreign_keys: bool,
}

/// The tables that get a shadow, and where.
#[derive(Clone, Debug)]
pub struct Database {
    /// Where the block is.
    pub place: Place,
    /// Where the shadows are.
    pub shadows: Shadows,
    /// Their names, each once, in the order of the spec; at least one. None is empty.
    pub tables: Vec<(String, Place)>,
    /// The SQL file that defines them, relative to the spec's directory; it stays in the repository.
    pub schema: String,
    /// Where the file is named.
    pub schema_place: Place,
    /// Whether a foreign key of a shadow may lead to a table without one.
    pub shared_foreign_keys: bool,
}

/// Where the shadows of tables are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shadows {
    /// Beside the tables: `<table>_<tag>`.
    Tables {
        /// The database of both, where the spec names it.
        database: Option<String>,
    },
    /// In a database of their own: `<database>_<tag>`.
    Database {
        /// The baseline's database: a legal name.
        database: String,
        /// Where it is named.
        place: Place,
    },
}

/// Reads the block; its environment goes to the services.
pub(super) fn read(
    check: &mut Check,
    raw: &RawDatabase,
    spec: NodeRef<'_>,
    services: &mut [Service],
) -> Option<Database> {
    let node = spec.get("database")?;
    let place = check.place(Some(node));
    let env = service::env(check, &raw.env, node.get("env"));
    for service in services {
        add(&env, service);
    }
    let tables = tables(check, raw, node);
    let name_place = check.value_place(node.get("name"));
    if let Some(name) = &raw.name {
        let remedy = "use the name of the database, such as `mse_demo`";
        check.fits("name of a database", name, identifier, &name_place, remedy);
    }
    let schema_place = check.value_place(node.get("schema"));
    let schema = raw.schema.as_ref();
    let schema = schema.filter(|path| release::steps(check, path, &schema_place).is_some());
    let shadows = match (raw.mode?, raw.name.clone()) {
        (ShadowMode::ShadowTable, database) => Shadows::Tables { database },
        (ShadowMode::ShadowDatabase, Some(database)) => {
            Shadows::Database { database, place: name_place }
        }
        (ShadowMode::ShadowDatabase, None) => {
            check.error(
                "`spec.database.name` is missing: the shadow is named after the database",
                &place,
                "add `name:` here, the name of the baseline's database",
            );
            return None;
        }
    };
    Some(Database {
        place,
        shadows,
        tables,
        schema: schema?.clone(),
        schema_place,
        shared_foreign_keys: raw.allow_shared_foreign_keys,
    })
}

/// Puts variables before those of a service, which win.
fn add(env: &[EnvVar], service: &mut Service) {
    let own: HashSet<&str> = service.env.iter().map(|variable| variable.name.as_str()).collect();
    let others = env.iter().filter(|variable| !own.contains(variable.name.as_str()));
    let mut all: Vec<EnvVar> = others.cloned().collect();
    all.append(&mut service.env);
    service.env = all;
}

fn tables(check: &mut Check, raw: &RawDatabase, node: NodeRef<'_>) -> Vec<(String, Place)> {
    let Some(raw) = &raw.tables else { return Vec::new() };
    let node = node.get("tables");
    if raw.is_empty() {
        let place = check.value_place(node);
        let remedy = "name the tables that gray traffic writes to, or remove `database`";
        check.error("`spec.database.tables` is empty", &place, remedy);
    }
    let mut first: HashMap<&str, Place> = HashMap::new();
    let mut tables = Vec::new();
    for (table, node) in items(raw, node) {
        let place = check.value_place(Some(node));
        let remedy = "use the name of a table as the schema has it, such as `orders`";
        if !check.fits("name of a table", table, identifier, &place, remedy) {
            continue;
        }
        match first.get(table.as_str()) {
            Some(first) => check.clash(
                format!("the table `{table}` is there twice"),
                &place,
                first,
                "the first one",
                "remove one of them",
            ),
            None => {
                first.insert(table, place.clone());
                tables.push((table.clone(), place));
            }
        }
    }
    tables
}

/// An identifier of MySQL as it stands in backticks; how long it may be depends on what is put behind it.
///
/// Source: "Schema Object Names" in the MySQL Reference Manual.
fn identifier(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.ends_with(' ') {
        return Err("it ends with a space".to_owned());
    }
    match text.chars().find(|c| c.is_control() || *c > '\u{ffff}') {
        Some(c) => Err(format!("{c:?} is in it")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    fn spec(database: &str) -> String {
        format!(
            "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: a}}\nspec:\n  tag: gray\n  services: [{{name: a, env: {{B: own}}}}]\n  database: {database}\n"
        )
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (database, expected) in [
            ("{}", &["`spec.database.mode` is missing", "`spec.database.tables` is missing"][..]),
            ("{}", &["`spec.database.schema` is missing"]),
            (
                "{mode: shadow-tables, tables: [t], schema: s}",
                &["did you mean `shadow-table`?", ":7:20"],
            ),
            ("{mode: shadow-table, tables: [], schema: s}", &["`spec.database.tables` is empty"]),
            (
                "{mode: shadow-table, tables: [t, u, t], schema: s}",
                &["`t` is there twice", ":7:49", ":7:43"],
            ),
            ("{mode: shadow-table, tables: ['t '], schema: s}", &["ends with a space"]),
            ("{mode: shadow-table, tables: [''], schema: s}", &["is empty"]),
            (
                "{mode: shadow-table, tables: [t], schema: ../s}",
                &["leaves the repository", ":7:55"],
            ),
            (
                "{mode: shadow-database, tables: [t], schema: s}",
                &["`spec.database.name` is missing"],
            ),
            (
                "{mode: shadow-database, name: \"a\\n\", tables: [t], schema: s}",
                &["name of a database"],
            ),
            (
                "{mode: shadow-table, tables: [t], schema: s, env: {A=B: c}}",
                &["environment variable"],
            ),
        ] {
            let errors = parse("graylane.yaml", &spec(database)).unwrap_err().to_string();
            for part in expected {
                assert!(errors.contains(part), "{part} is not in {errors}");
            }
        }
    }

    #[test]
    fn the_environment_goes_to_every_service_whose_own_wins() {
        let database = "{mode: shadow-table, tables: [t], schema: s, env: {A: all, B: all}}";
        let release = parse("graylane.yaml", &spec(database)).unwrap();
        let env = release.services[0].env.iter();
        let env: Vec<_> = env.map(|var| (var.name.as_str(), var.value.as_str())).collect();
        assert_eq!(env, [("A", "all"), ("B", "own")]);
    }
}
