//! `database-shared`: gray pods work on the database of the baseline.

use super::pod::at;
use super::words::{Setting, shared_settings};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;

/// Ends of names, in lower case without separators, that hold the address of a database.
///
/// Sources: 12factor.net/config (DATABASE_URL); docs.spring.io (spring.datasource.url);
/// postgresql.org/docs/current/libpq-envars (PGHOST); the official images of mysql, postgres and
/// mongo for the names that clients of them use.
const ADDRESSES: [&str; 20] = [
    "databaseurl",
    "databaseuri",
    "databasedsn",
    "databasehost",
    "datasourceurl",
    "jdbcurl",
    "dburl",
    "dburi",
    "dbdsn",
    "dbhost",
    "dbaddr",
    "mysqlhost",
    "mysqlurl",
    "mysqladdr",
    "mysqldsn",
    "postgreshost",
    "postgresurl",
    "pghost",
    "mongohost",
    "mongourl",
];

/// How the address of a database begins.
///
/// Sources: docs.oracle.com (java.sql.DriverManager), postgresql.org (connection URIs),
/// dev.mysql.com (URI-like strings), mongodb.com (connection strings).
const SCHEMES: [&str; 6] =
    ["jdbc:", "mysql://", "postgres://", "postgresql://", "mongodb://", "mongodb+srv://"];

pub(super) const FINDING: Finding = Finding {
    code: "database-shared",
    severity: Severity::Note,
    doc: "\
The gray pods have the same database address as the baseline's, and the spec has no `database`.

That is how lanes mostly work: what the new version writes is production's data at once, and stays
when the lane is gone. A version that writes rows or columns the old one cannot read breaks it.

Remedy: nothing, where both versions agree on the data; else give the lane an address of its own by
`env`, or shadow tables by `database`.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    if made.release.database.is_some() {
        return Vec::new();
    }
    for (_, containers) in made.templates() {
        let shared = shared_settings(made, containers, is_address);
        let Some((container, first)) = shared.first() else { continue };
        let mut names: Vec<&str> = shared.iter().map(|(_, setting)| setting.name).collect();
        names.dedup();
        let note = Diagnostic::note(format!(
            "{} works on the database of the baseline (`{}` in the container `{}`): what the new version writes is production's data",
            made.object.id,
            names.join("`, `"),
            container.name
        ));
        let remedy = "if the versions do not agree on the data: an address of its own by `env`, or shadow tables by `database`";
        return vec![at(made, note, Some(first.node)).remedy(remedy)];
    }
    Vec::new()
}

fn is_address(setting: &Setting<'_>) -> bool {
    let key = setting.key();
    ADDRESSES.iter().any(|end| key.ends_with(end))
        || SCHEMES.iter().any(|scheme| setting.value.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    fn with(variable: &str) -> String {
        deployment("")
            .replace("image: web:1", &format!("image: web:1, env: [{{name: {variable}}}]"))
    }

    #[test]
    fn told_of_addresses_that_both_sides_have() {
        for variable in [
            "DB_HOST, value: mysql",
            "SPRING_DATASOURCE_URL, valueFrom: {secretKeyRef: {name: db, key: url}}",
            "ORDERS, value: 'jdbc:mysql://mysql/orders'",
        ] {
            let found = told("database-shared", "", &with(variable));
            assert!(found[0].contains("works on the database"), "{variable}: {found:?}");
        }
    }

    #[test]
    fn not_told_of_an_address_of_its_own() {
        let host = with("DB_HOST, value: mysql");
        assert!(told("database-shared", "env: {DB_HOST: mysql-gray}", &host).is_empty());
        assert!(told("database-shared", "", &with("REDIS_HOST, value: redis")).is_empty());
    }
}
