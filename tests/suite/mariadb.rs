//! What a server says of shadows: MariaDB as the referee of the SQL that is generated.
//!
//! Needs `mariadbd` and its tools, starts it in a temporary directory without network and stops it
//! again: `cargo test --test suite mariadb:: -- --ignored`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use regex::{Captures, Regex};
use tempfile::TempDir;

/// A dump, and what dumps do not have but people write.
const SCHEMA: &str =
    concat!(include_str!("../../src/database/dump.sql"), include_str!("../fixtures/shop.sql"));

const TABLES: [&str; 8] =
    ["order_lines", "orders", "customers", "mse_demo_table", "we`ird-名", "parts", "hen", "egg"];

/// A program of the server's package: some stand where only root looks.
fn program(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    directories.extend(["/usr/sbin", "/usr/local/sbin", "/usr/libexec"].map(PathBuf::from));
    let mut places = names.iter().flat_map(|name| directories.iter().map(move |d| d.join(name)));
    places.find(|place| place.is_file()).unwrap_or_else(|| {
        panic!("{} is not installed: apt-get install mariadb-server", names.join(" or "))
    })
}

/// A server with directories of its own, the one of temporary tables too: a server that starts
/// takes away what others seem to have left there, and those fail.
struct Server {
    directory: TempDir,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let log = directory.path().join("log");
        let install = Command::new(program(&["mariadb-install-db", "mysql_install_db"]))
            .args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"])
            .arg(format!("--datadir={}", data.display()))
            .args(as_root())
            .env("TMPDIR", directory.path())
            .output()
            .unwrap();
        assert!(install.status.success(), "{}", String::from_utf8_lossy(&install.stderr));
        let process = Command::new(program(&["mariadbd", "mysqld"]))
            .args(["--no-defaults", "--skip-networking", "--skip-grant-tables"])
            .args(["--innodb-flush-method=fsync", "--innodb-buffer-pool-size=16M"])
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--socket={}", socket(directory.path()).display()))
            .arg(format!("--pid-file={}", directory.path().join("pid").display()))
            .arg(format!("--log-error={}", log.display()))
            .args(as_root())
            .env("TMPDIR", directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { directory, process };
        let started = Instant::now();
        while server.client("", "SELECT 1").is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the server does not start: {}",
                fs::read_to_string(&log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    /// What the client prints for statements that it is fed.
    fn client(&self, database: &str, sql: &str) -> Result<String, String> {
        let file = self.directory.path().join("statements.sql");
        fs::write(&file, sql).unwrap();
        let output = Command::new(program(&["mariadb", "mysql"]))
            .args(["--no-defaults", "--batch", "--raw", "--skip-column-names"])
            .arg(format!("--socket={}", socket(self.directory.path()).display()))
            .arg(database)
            .stdin(fs::File::open(&file).unwrap())
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    fn run(&self, database: &str, sql: &str) -> String {
        self.client(database, sql).unwrap_or_else(|error| panic!("{error}\n{sql}"))
    }

    /// What a table was created with, as the server has it.
    fn definition(&self, database: &str, table: &str) -> String {
        let sql = format!("SET NAMES utf8mb4; SHOW CREATE TABLE {}", quoted(table));
        let line = self.run(database, &sql);
        let definition = line.strip_prefix(&format!("{table}\t")).unwrap();
        let next = Regex::new(r" AUTO_INCREMENT=\d+").unwrap();
        let (columns, options) = definition.rsplit_once("\n)").unwrap();
        format!("{columns}\n){}", next.replace(options, ""))
    }
}

/// The server refuses to run as root unless it is told to.
fn as_root() -> Option<&'static str> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    root.then_some("--user=root")
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("socket")
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The statements for these lines of a `database` block.
fn shadow(lines: &str) -> String {
    let spec = format!(
        "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: a}}\nspec:\n  tag: pr-12\n  services: [{{name: a}}]\n  database:\n    schema: schema.sql\n{lines}"
    );
    let release = graylane::spec::parse("graylane.yaml", &spec).unwrap();
    let database = release.database.unwrap();
    let made = graylane::database::shadow(&database, &release.tag, "schema.sql", SCHEMA.as_bytes());
    made.unwrap_or_else(|error| panic!("{error}")).sql
}

/// Loads the baseline, and then the shadows twice: the second time nothing happens.
fn load(server: &Server, database: &str, sql: &str) {
    server.run("", &format!("CREATE DATABASE {database} DEFAULT CHARACTER SET utf8mb4"));
    server.run(database, &format!("SET NAMES utf8mb4;\n{SCHEMA}"));
    server.run(database, sql);
    server.run(database, sql);
}

#[test]
#[ignore = "needs MariaDB: cargo test --test suite mariadb:: -- --ignored"]
fn shadows_are_what_their_tables_are() {
    let server = Server::start();
    let tables = TABLES.map(|table| format!("    - {table}\n")).concat();
    let sql = shadow(&format!("    mode: shadow-table\n    tables:\n{tables}"));
    load(&server, "shop", &sql);
    // Whatever the server names after the table already is the shadow's.
    let constraint = Regex::new(r"CONSTRAINT `([^`]*)` (FOREIGN|CHECK)").unwrap();
    let reference = Regex::new(r"REFERENCES `([^`]*)`").unwrap();
    for table in TABLES {
        let base = server.definition("shop", table);
        let name = quoted(&format!("{table}_pr-12"));
        let expected = base.replacen(&quoted(table), &name, 1);
        let expected = reference.replace_all(&expected, "REFERENCES `${1}_pr-12`");
        let expected = constraint.replace_all(&expected, |found: &Captures<'_>| {
            let made_up = found[1].strip_prefix(&format!("{table}_ibfk_"));
            match made_up.filter(|_| !SCHEMA.contains(&found[1])) {
                Some(number) => format!("CONSTRAINT `{table}_pr-12_ibfk_{number}` {}", &found[2]),
                None => format!("CONSTRAINT `{}_pr-12` {}", &found[1], &found[2]),
            }
        });
        let shadow = server.definition("shop", &format!("{table}_pr-12"));
        let lines = |text: &str| -> BTreeSet<String> {
            text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect()
        };
        // The server makes an index for a foreign key that finds none, and names it alike.
        let keys = constraint.captures_iter(&base).map(|found| found[1].to_owned());
        let expected = keys.fold(expected.into_owned(), |text, key| {
            text.replace(&format!("  KEY `{key}` "), &format!("  KEY `{key}_pr-12` "))
        });
        assert_eq!(lines(&shadow), lines(&expected), "{base}\n{shadow}");
    }
    // Rows of both, each with numbers and foreign keys of its own.
    server.run(
        "shop",
        "INSERT INTO mse_demo_table (location) VALUES ('hangzhou');
         INSERT INTO `mse_demo_table_pr-12` (location) VALUES ('shenzhen');
         INSERT INTO `customers_pr-12` (id, name) VALUES (77, 'gray');
         INSERT INTO `orders_pr-12` (customer, total) VALUES (77, 1);
         INSERT INTO `order_lines_pr-12` (`order`, amount) VALUES (1, 1);
         INSERT INTO `order_lines_pr-12` (`order`, `before`, `after`) VALUES (1, 1, 1);",
    );
    let rows = |table: &str| {
        server.run("shop", &format!("SELECT id, location FROM {} ORDER BY id", quoted(table)))
    };
    assert_eq!(rows("mse_demo_table"), "3\thangzhou\n");
    assert_eq!(rows("mse_demo_table_pr-12"), "1\tshenzhen\n");
    let refused = server.client("shop", "INSERT INTO `orders_pr-12` (customer) VALUES (1)");
    assert!(refused.unwrap_err().contains("foreign key constraint fails"));
    server.run(
        "shop",
        "DELETE FROM `order_lines_pr-12` ORDER BY id DESC; DELETE FROM `customers_pr-12`",
    );
    assert_eq!(server.run("shop", "SELECT COUNT(*) FROM `orders_pr-12`"), "0\n");
    assert_eq!(server.run("shop", "SELECT COUNT(*) FROM orders"), "2\n");
}

#[test]
#[ignore = "needs MariaDB: cargo test --test suite mariadb:: -- --ignored"]
fn shadows_in_a_database_of_their_own_are_what_their_tables_are() {
    let server = Server::start();
    let shadowed = TABLES.iter().filter(|table| **table != "customers");
    let tables: String = shadowed.clone().map(|table| format!("    - {table}\n")).collect();
    let sql = shadow(&format!(
        "    mode: shadow-database\n    name: shop\n    allowSharedForeignKeys: true\n    tables:\n{tables}"
    ));
    load(&server, "shop", &sql);
    for table in shadowed {
        let base = server.definition("shop", table);
        let expected = base.replace("REFERENCES `customers`", "REFERENCES `shop`.`customers`");
        assert_eq!(server.definition("shop_pr-12", table), expected);
    }
    server.run(
        "shop_pr-12",
        "INSERT INTO mse_demo_table (location) VALUES ('shenzhen');
         INSERT INTO shop.customers (id, name) VALUES (5, 'shared');
         INSERT INTO orders (customer) VALUES (5);
         INSERT INTO order_lines (`order`) VALUES (1);",
    );
    let count = |database: &str| server.run(database, "SELECT COUNT(*) FROM mse_demo_table");
    assert_eq!((count("shop").as_str(), count("shop_pr-12").as_str()), ("0\n", "1\n"));
    let refused = server.client("shop_pr-12", "INSERT INTO orders (customer) VALUES (6)");
    assert!(refused.unwrap_err().contains("foreign key constraint fails"));
}
