use proptest::prelude::*;

use super::*;

/// The `database` block of a spec with these lines.
fn database(lines: &str) -> (Database, Tag) {
    let lines = lines.replace('\n', "\n    ");
    let release = crate::spec::parse(
        "graylane.yaml",
        &format!(
            "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: a}}\nspec:\n  tag: gray\n  services: [{{name: a}}]\n  database:\n    schema: db/schema.sql\n    {lines}\n"
        ),
    );
    let release = release.unwrap_or_else(|error| panic!("{error}"));
    (release.database.unwrap(), release.tag)
}

fn made(lines: &str, schema: &str) -> Result<Shadow, Failure> {
    let (database, tag) = database(lines);
    shadow(&database, &tag, "db/schema.sql", schema.as_bytes())
}

fn sql(lines: &str, schema: &str) -> String {
    made(lines, schema).unwrap_or_else(|error| panic!("{schema}\n{error}")).sql
}

fn errors(lines: &str, schema: &str) -> String {
    made(lines, schema).map(|made| made.sql).unwrap_err().to_string()
}

const TABLES: &str = "mode: shadow-table\ntables: [t]";
const DATABASE: &str = "mode: shadow-database\nname: shop\ntables: [t]";

const MSE_DEMO: &str = "CREATE TABLE `mse_demo_table` (
`id` int NOT NULL AUTO_INCREMENT,
`location` varchar(255) DEFAULT NULL,
PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb3";

#[test]
fn a_shadow_table_stands_beside_its_table() {
    assert_eq!(
        sql("mode: shadow-table\ntables: [mse_demo_table]", MSE_DEMO),
        "
CREATE TABLE IF NOT EXISTS `mse_demo_table_gray` (
`id` int NOT NULL AUTO_INCREMENT,
`location` varchar(255) DEFAULT NULL,
PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3;
"
    );
}

#[test]
fn a_shadow_database_holds_tables_of_their_own_names() {
    let schema = format!(
        "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\nUSE `shop`;\n{}",
        "CREATE TABLE t (a int, b int, CONSTRAINT c FOREIGN KEY (a) REFERENCES t (b))"
    );
    assert_eq!(
        sql(DATABASE, &schema),
        "
CREATE DATABASE IF NOT EXISTS `shop_gray` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;

CREATE TABLE IF NOT EXISTS `shop_gray`.`t` (a int, b int, CONSTRAINT c FOREIGN KEY (a) REFERENCES `shop_gray`.`t` (b));
"
    );
}

#[test]
fn nothing_but_names_and_the_next_value_changes() {
    for (statement, expected) in [
        // Options, wherever they stand and however they are separated.
        ("TABLE t (a int) AUTO_INCREMENT=3", "(a int)"),
        ("TABLE t (a int) auto_increment 3 ENGINE=InnoDB", "(a int) ENGINE=InnoDB"),
        (
            "TABLE t (a int) ENGINE=InnoDB, AUTO_INCREMENT = 3, COMMENT 'x'",
            "(a int) ENGINE=InnoDB, COMMENT 'x'",
        ),
        ("TABLE t (a int) ENGINE=InnoDB, AUTO_INCREMENT = 3", "(a int) ENGINE=InnoDB"),
        (
            "TABLE t (a int) -- why\nAUTO_INCREMENT=3 ENGINE=InnoDB",
            "(a int) -- why\n ENGINE=InnoDB",
        ),
        ("TABLE t (a int) /*!50100 AUTO_INCREMENT=3 */", "(a int) /*!50100 */"),
        (
            "TABLE t (a int) COMMENT='AUTO_INCREMENT=3; REFERENCES t'",
            "(a int) COMMENT='AUTO_INCREMENT=3; REFERENCES t'",
        ),
        (
            "TABLE t (a int) ENGINE=InnoDB\n/*!50100 PARTITION BY RANGE (a)\n(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB) */",
            "(a int) ENGINE=InnoDB\n/*!50100 PARTITION BY RANGE (a)\n(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB) */",
        ),
        // Columns and keys.
        (
            "OR REPLACE TABLE IF NOT EXISTS t (a int(5) unsigned zerofill, `references` text, FULLTEXT KEY `f` (b(10)) /*!50100 WITH PARSER `ngram` */ )",
            "(a int(5) unsigned zerofill, `references` text, FULLTEXT KEY `f` (b(10)) /*!50100 WITH PARSER `ngram` */ )",
        ),
        (
            "TABLE `t` (`a` int, `b` int GENERATED ALWAYS AS (`a` + 1) STORED, CHECK (a LIKE 'x'))",
            "(`a` int, `b` int GENERATED ALWAYS AS (`a` + 1) STORED, CHECK (a LIKE 'x'))",
        ),
        // Constraints.
        (
            "TABLE t (a int, CONSTRAINT `c` CHECK ((a > 0)) /*!80016 NOT ENFORCED */)",
            "(a int, CONSTRAINT `c_gray` CHECK ((a > 0)) /*!80016 NOT ENFORCED */)",
        ),
        ("TABLE t (a int constraint c check (a > 0))", "(a int constraint `c_gray` check (a > 0))"),
        (
            "TABLE t (a int, CONSTRAINT p PRIMARY KEY (a), CONSTRAINT u UNIQUE (a))",
            "(a int, CONSTRAINT p PRIMARY KEY (a), CONSTRAINT u UNIQUE (a))",
        ),
        (
            "TABLE t (a int, CONSTRAINT f FOREIGN KEY i (a) REFERENCES t (a) ON DELETE SET NULL)",
            "(a int, CONSTRAINT `f_gray` FOREIGN KEY i (a) REFERENCES `t_gray` (a) ON DELETE SET NULL)",
        ),
        (
            "TABLE t (a int, CONSTRAINT FOREIGN KEY (a) REFERENCES t (a))",
            "(a int, CONSTRAINT FOREIGN KEY (a) REFERENCES `t_gray` (a))",
        ),
        (
            "TABLE t (a int, FOREIGN KEY f (a) REFERENCES t(a))",
            "(a int, FOREIGN KEY `f_gray` (a) REFERENCES `t_gray`(a))",
        ),
        ("TABLE t (a int REFERENCES t (b))", "(a int REFERENCES `t_gray` (b))"),
    ] {
        assert_eq!(
            sql(TABLES, &format!("CREATE {statement} ;")),
            format!("\nCREATE TABLE IF NOT EXISTS `t_gray` {expected};\n"),
            "{statement}"
        );
    }
}

#[test]
fn what_is_needed_is_created_first() {
    let schema = "CREATE TABLE a (x int, FOREIGN KEY (x) REFERENCES b (x));\n\
                  CREATE TABLE b (x int, FOREIGN KEY (x) REFERENCES `c``d` (x));\n\
                  CREATE TABLE `c``d` (x int COMMENT '注');";
    assert_eq!(
        sql("mode: shadow-table\ntables: [a, b, c`d]", schema),
        "
SET NAMES utf8mb4;

CREATE TABLE IF NOT EXISTS `c``d_gray` (x int COMMENT '注');

CREATE TABLE IF NOT EXISTS `b_gray` (x int, FOREIGN KEY (x) REFERENCES `c``d_gray` (x));

CREATE TABLE IF NOT EXISTS `a_gray` (x int, FOREIGN KEY (x) REFERENCES `b_gray` (x));
"
    );
    let schema = "CREATE TABLE a (x int, FOREIGN KEY (x) REFERENCES b (x));\n\
                  CREATE TABLE b (x int, FOREIGN KEY (x) REFERENCES a (x));";
    let sql = sql("mode: shadow-table\ntables: [b, a]", schema);
    let at = |part: &str| sql.find(part).unwrap_or_else(|| panic!("{part} is not in {sql}"));
    assert!(at("foreign_key_checks = 0") < at("`b_gray` (x int"), "{sql}");
    assert!(at("`a_gray` (x int") < at("SET foreign_key_checks = @"), "{sql}");
}

#[test]
fn foreign_keys_to_shared_tables_have_to_be_allowed() {
    let schema = "CREATE TABLE t (a int REFERENCES o (a), b int REFERENCES x.o (b));\nCREATE TABLE o (a int);";
    let refused = errors(TABLES, schema);
    assert!(refused.contains("db/schema.sql:1:34") && refused.contains("add `o` to"), "{refused}");
    assert!(refused.contains("db/schema.sql:1:58"), "{refused}");
    let allowed = |lines: &str| sql(&format!("{lines}\nallowSharedForeignKeys: true"), schema);
    assert!(allowed(TABLES).contains("(a int REFERENCES o (a), b int REFERENCES x.o (b))"));
    assert!(
        allowed(DATABASE).contains("(a int REFERENCES `shop`.`o` (a), b int REFERENCES x.o (b))")
    );
}

#[test]
fn refusals_say_where_and_what_to_do() {
    let long = "x".repeat(60);
    for (lines, schema, place, parts) in [
        (TABLES, "CREATE TABLE tt (a int)".to_owned(), "graylane.yaml:10:14", &["no table `t`", "did you mean `tt`?"][..]),
        (TABLES, "CREATE VIEW t AS SELECT 1".into(), "graylane.yaml:10:14", &["is a view", "db/schema.sql:1:13"]),
        (TABLES, "CREATE TABLE t (a int);\nCREATE TABLE t (b int);".into(), "db/schema.sql:2:14", &["defined twice", "db/schema.sql:1:14"]),
        (TABLES, "CREATE TABLE t LIKE o".into(), "db/schema.sql:1:16", &["made like another"]),
        (TABLES, "CREATE TABLE t (LIKE o)".into(), "db/schema.sql:1:17", &["made like another"]),
        (TABLES, "CREATE TABLE t AS SELECT 1".into(), "db/schema.sql:1:16", &["from a query"]),
        (TABLES, "CREATE TABLE t (a int) SELECT 1 AS a".into(), "db/schema.sql:1:24", &["from a query"]),
        (TABLES, "CREATE TABLE t (SELECT 1)".into(), "db/schema.sql:1:17", &["from a query"]),
        (TABLES, "CREATE TEMPORARY TABLE t (a int)".into(), "db/schema.sql:1:8", &["is temporary"]),
        (TABLES, "CREATE TABLE shop.t (a int)".into(), "db/schema.sql:1:14", &["name of a database"]),
        (TABLES, "/*!50001 CREATE TABLE t (a int) */;".into(), "db/schema.sql:1:23", &["version comment"]),
        (TABLES, "CREATE TABLE t (a int".into(), "db/schema.sql:1:16", &["never closed"]),
        (TABLES, "DELIMITER $\nCREATE TABLE t (a int); DROP USER x $".into(), "db/schema.sql:2:23", &["second statement"]),
        (TABLES, "DELIMITER $\nCREATE TABLE t (a int; DROP USER x) $".into(), "db/schema.sql:2:22", &["second statement"]),
        (TABLES, "CREATE TABLE t (a int DEFAULT 'x);".into(), "db/schema.sql:1:31", &["cannot be read", "nterminated"]),
        (TABLES, "CREATE TABLE t ENGINE=InnoDB".into(), "db/schema.sql:1:16", &["no columns"]),
        (TABLES, "CREATE TABLE t (a int) ENGINE=FEDERATED CONNECTION='mysql://x'".into(), "db/schema.sql:1:31", &["rows elsewhere"]),
        (TABLES, "CREATE TABLE t (a int);\nALTER TABLE `t` ADD PRIMARY KEY (a);".into(), "db/schema.sql:2:7", &["is altered"]),
        (TABLES, "CREATE TABLE t (a int);\nCREATE UNIQUE INDEX i ON t (a);".into(), "db/schema.sql:2:8", &["an index is added"]),
        (TABLES, "CREATE TABLE t (a int);\nRENAME TABLE t TO u;".into(), "db/schema.sql:2:14", &["removed or renamed"]),
        (TABLES, "CREATE TABLE t (a int);\nCREATE TABLE T_Gray (a int);".into(), "graylane.yaml:10:14", &["already", "db/schema.sql:2:14"]),
        (TABLES, "CREATE TABLE t (a int, CONSTRAINT c CHECK (a));\nCREATE TABLE u (a int, CONSTRAINT c_gray CHECK (a));".into(), "db/schema.sql:1:35", &["`c_gray`", "db/schema.sql:2:35"]),
        (TABLES, format!("CREATE TABLE t (a int, CONSTRAINT {long} CHECK (a))"), "db/schema.sql:1:35", &["name of a constraint", "by 1"]),
        (&format!("mode: shadow-table\ntables: [{long}]"), format!("CREATE TABLE {long} (a int)"), "graylane.yaml:10:14", &["name of a table", "by 1"]),
        (&format!("mode: shadow-database\nname: {long}\ntables: [t]"), "CREATE TABLE t (a int)".into(), "graylane.yaml:10:11", &["name of a database", "by 1"]),
    ] {
        let refused = errors(lines, &schema);
        assert!(refused.contains(&format!("--> {place}\n")), "{schema}: {refused}");
        for part in parts {
            assert!(refused.contains(part), "{part} is not in {refused}");
        }
        assert_eq!(refused.matches("error:").count(), 1, "{refused}");
    }
}

#[test]
fn all_refusals_come_at_once() {
    let refused = errors(
        "mode: shadow-table\ntables: [a, b, c]",
        "CREATE TABLE a LIKE o; CREATE TEMPORARY TABLE b (x int REFERENCES z (x));",
    );
    assert_eq!(refused.matches("error:").count(), 4, "{refused}");
}

#[test]
fn files_that_are_no_text_are_refused() {
    let (database, tag) = database(TABLES);
    let made = |bytes: Vec<u8>| shadow(&database, &tag, "db/schema.sql", &bytes).unwrap_err();
    let refused = made(b"-- caf\xe9\nCREATE TABLE t (a int);".to_vec()).to_string();
    assert!(refused.contains("not UTF-8") && refused.contains("db/schema.sql:1:7"), "{refused}");
    let refused = made(vec![b' '; MAX_SCHEMA_BYTES + 1]).to_string();
    assert!(refused.contains("16777217 bytes"), "{refused}");
}

/// What `mysqldump` writes around tables, statements that no parser of this program knows included.
const DUMP: &str = include_str!("dump.sql");

#[test]
fn a_dump_is_read_past_all_that_is_no_table() {
    let made = made("mode: shadow-table\ntables: [orders, customers]", DUMP).unwrap();
    let tables: Vec<&str> = made.sql.lines().filter(|line| line.starts_with("CREATE")).collect();
    assert_eq!(
        tables,
        [
            "CREATE TABLE IF NOT EXISTS `customers_gray` (",
            "CREATE TABLE IF NOT EXISTS `orders_gray` ("
        ]
    );
    assert!(!made.sql.contains("INSERT") && !made.sql.contains("AUTO_INCREMENT=7"), "{}", made.sql);
    assert!(made.sql.contains("CONSTRAINT `orders_ibfk_1_gray` FOREIGN KEY (`customer`) REFERENCES `customers_gray` (`id`)"));
    let notes: Vec<&str> = made.notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(notes, ["triggers on `orders` are not shadowed"]);
}

#[test]
fn a_shadow_that_depends_on_the_server_is_told() {
    let notes = |lines: &str, schema: &str| made(lines, schema).unwrap().notes.len();
    let table = "CREATE TABLE t (a text CHARACTER SET ascii)";
    assert_eq!(notes(DATABASE, table), 1);
    assert_eq!(notes(DATABASE, &format!("{table} DEFAULT CHARSET=ascii")), 0);
    assert_eq!(notes(DATABASE, &format!("CREATE DATABASE shop CHARACTER SET ascii; {table}")), 0);
    assert_eq!(notes(TABLES, table), 0);
}

#[test]
fn time_is_linear_in_the_schema() {
    let started = std::time::Instant::now();
    let many: String = (0..20_000).map(|i| format!("CREATE TABLE x{i} (a int);\n")).collect();
    let _ = made(TABLES, &many);
    for hostile in ["(", "/*!", "'\\", "`a`.", "CONSTRAINT ", "(;", ",AUTO_INCREMENT=1 "] {
        let _ = made(TABLES, &format!("CREATE TABLE t (a int) {}", hostile.repeat(50_000)));
        let _ = made(TABLES, &format!("CREATE TABLE t (a int {}", hostile.repeat(50_000)));
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_in_sql_or_in_errors(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40), 0..6),
        junk in prop::collection::vec(
            prop_oneof![
                Just("'"), Just("`"), Just("/*!"), Just("*/"), Just("("), Just(")"), Just(";"),
                Just("DELIMITER "), Just("REFERENCES"), Just("é注\u{10ffff}"), Just("\0\r"), Just("-- "),
                Just("CONSTRAINT "), Just("AUTO_INCREMENT"), Just("\\"), Just("b'"), Just("0x"), Just("."),
            ],
            6,
        ),
    ) {
        let mut bytes = DUMP.as_bytes().to_vec();
        for ((cut, length), junk) in cuts.iter().zip(junk) {
            let at = cut.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, junk.bytes());
        }
        for lines in [TABLES, DATABASE] {
            let (mut database, tag) = database(lines);
            let place = database.place.clone();
            database.tables = vec![("orders".into(), place.clone()), ("customers".into(), place)];
            if let Ok(made) = shadow(&database, &tag, "db/schema.sql", &bytes) {
                prop_assert!(made.sql.contains("customers"));
            }
        }
    }
}
