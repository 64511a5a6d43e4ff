//! `migration`: an init container of the copy looks like a migration of a database.

use super::pod::at;
use super::words::{Words, holds};
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kube::pod_specs::ContainerList;
use crate::lane::Made;

/// Words in init containers that change a database before the new version runs.
///
/// Sources: flywaydb.org, liquibase.com, alembic.sqlalchemy.org, prisma.io, docs.djangoproject.com
/// (`manage.py migrate`), guides.rubyonrails.org (`db:migrate`).
const MIGRATIONS: [&str; 4] = ["migrat", "flyway", "liquibase", "alembic"];

pub(super) const FINDING: Finding = Finding {
    code: "migration",
    severity: Severity::Warning,
    doc: "\
An init container of the gray copy looks like a migration of a database.

It runs before the first gray pod and changes the schema of the new version into the database that
the baseline's pods work on.

Remedy: take the init container out by a patch, or give the lane a database of its own.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, containers) in made.templates() {
        for container in containers {
            if container.list != ContainerList::InitContainers {
                continue;
            }
            let Some(node) = made.document.find(&container.path) else { continue };
            let words = Words::of(container, node);
            if holds(&words.arguments, &MIGRATIONS) || holds(&words.identity, &MIGRATIONS) {
                let warning = Diagnostic::warning(format!(
                    "the init container `{}` of {} looks like a migration: it would change the database under the baseline's version",
                    container.name, made.object.id
                ));
                let remedy = "if it must not run in the lane, take it out by a patch";
                found.push(at(made, warning, Some(node)).remedy(remedy));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::{deployment, told};

    #[test]
    fn told_of_init_containers_that_migrate() {
        let with = |container: &str| deployment(&format!("initContainers: [{container}]"));
        for container in [
            "{name: db, image: flyway/flyway:10}",
            "{name: db, image: 'web:1', args: [manage.py, migrate]}",
            "{name: db-migrate, image: 'web:1'}",
        ] {
            assert_eq!(told("migration", "", &with(container)).len(), 1, "{container}");
        }
        assert!(told("migration", "", &with("{name: wait, image: 'busybox:1'}")).is_empty());
        let main = deployment("").replace("image: web:1", "image: web:1, args: [migrate]");
        assert!(told("migration", "", &main).is_empty());
    }
}
