//! The checked-in JSON Schema is the one that the program prints.

use std::path::Path;

#[test]
fn the_checked_in_schema_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("graylane.schema.json");
    let schema = graylane::spec::schema();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        checked_in, schema,
        "graylane.schema.json is stale: run `UPDATE_EXPECT=1 cargo test --test suite schema::`"
    );
}
