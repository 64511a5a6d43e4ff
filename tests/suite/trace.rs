//! `graylane trace` on every example: requests of a lane reach it, and no others do.

use std::fs;
use std::path::Path;

use crate::sandbox::{Sandbox, tree};
use serde_json::Value;

#[test]
fn requests_of_every_example_go_where_they_should() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut traced = 0;
    for entry in fs::read_dir(&examples).unwrap() {
        let example = entry.unwrap().path();
        if !example.join("graylane.yaml").is_file() {
            continue;
        }
        let sandbox = Sandbox::new();
        sandbox.copy_from(&example);
        sandbox.commit_all();
        let files = tree(&sandbox.dir).len();
        let ran = sandbox.sh("graylane trace -q --matrix --format json");
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (0, ""),
            "{}\n{}",
            example.display(),
            ran.stdout
        );
        let matrix: Value = serde_json::from_str(&ran.stdout).unwrap();
        let cells = matrix["cells"].as_array().unwrap();
        let of = |kind: &str| cells.iter().filter(|cell| cell["kind"] == kind).count();
        assert!(of("matching") > 0 && of("matching") == of("baseline"), "{}", example.display());
        for cell in cells {
            let percent: f64 = cell["reached"]
                .as_array()
                .unwrap()
                .iter()
                .map(|reached| reached["percent"].as_f64().unwrap())
                .sum();
            assert!((percent - 100.0).abs() < 1e-9, "{} {cell}", example.display());
        }
        assert_eq!(tree(&sandbox.dir).len(), files, "nothing is written");
        traced += 1;
    }
    assert!(traced > 10);
}
