//! The SARIF log of `check` is what its schema says, and what GitHub's code scanning asks for besides.

use std::path::Path;

use crate::sandbox::Sandbox;
use regex::Regex;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../fixtures/sarif-schema-2.1.0.json");

/// A JSON Schema (draft 7), as far as that of SARIF goes.
struct Schema(Value);

impl Schema {
    fn sarif() -> Self {
        Self(serde_json::from_str(SCHEMA).unwrap())
    }

    fn errors(&self, value: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.check(&self.0, value, "", &mut wrong);
        wrong
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        let mut say = |what: String| wrong.push(format!("{at}: {what}"));
        if let Some(types) = schema.get("type") {
            let fits = |name: &Value| match name.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                "null" => value.is_null(),
                other => unreachable!("{other} is no type"),
            };
            let fits_any = match types.as_array() {
                Some(types) => types.iter().any(fits),
                None => fits(types),
            };
            if !fits_any {
                return say(format!("{value} is not of type {types}"));
            }
        }
        if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
            say(format!("{value} is not one of {}", schema["enum"]));
        }
        let number = value.as_f64();
        let limit = |key: &str| schema[key].as_f64();
        if number.zip(limit("minimum")).is_some_and(|(number, least)| number < least)
            || number.zip(limit("maximum")).is_some_and(|(number, most)| number > most)
        {
            say(format!("{value} is out of bounds"));
        }
        let pattern = schema["pattern"].as_str().zip(value.as_str());
        if pattern.is_some_and(|(pattern, text)| !Regex::new(pattern).unwrap().is_match(text)) {
            say(format!("{value} does not match {}", schema["pattern"]));
        }
        let is_uri = |text: &str| !text.contains([' ', '"', '<', '>', '\\', '^', '`', '{', '|']);
        let format = schema["format"].as_str().zip(value.as_str());
        if format.is_some_and(|(format, text)| format.starts_with("uri") && !is_uri(text)) {
            say(format!("{value} is no {}", schema["format"]));
        }
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        if schema["minItems"]
            .as_u64()
            .is_some_and(|least| value.is_array() && items.len() < least as usize)
        {
            say(format!("{value} is too short"));
        }
        let is_twice = |(index, item): (usize, &Value)| items[..index].contains(item);
        if schema["uniqueItems"] == true && items.iter().enumerate().any(is_twice) {
            say(format!("{value} has an item twice"));
        }
        for key in schema["required"].as_array().into_iter().flatten() {
            if value.get(key.as_str().unwrap()).is_none() {
                say(format!("lacks {key}"));
            }
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap();
            self.check(target, value, at, wrong);
        }
        for (index, item) in items.iter().enumerate() {
            self.check(&schema["items"], item, &format!("{at}/{index}"), wrong);
        }
        for (key, field) in value.as_object().into_iter().flatten() {
            let below = format!("{at}/{key}");
            match (schema["properties"].get(key), schema.get("additionalProperties")) {
                (Some(schema), _) => self.check(schema, field, &below, wrong),
                (None, Some(Value::Bool(false))) => wrong.push(format!("{below} is not known")),
                (None, Some(schema)) => self.check(schema, field, &below, wrong),
                (None, None) => {}
            }
        }
        for (key, wanted) in [("anyOf", 1..=usize::MAX), ("oneOf", 1..=1)] {
            let Some(choices) = schema[key].as_array() else { continue };
            let fits = |choice: &&Value| {
                let mut wrong = Vec::new();
                self.check(choice, value, "", &mut wrong);
                wrong.is_empty()
            };
            let fitting = choices.iter().filter(fits).count();
            if !wanted.contains(&fitting) {
                wrong.push(format!("{at}: fits {fitting} of {key}"));
            }
        }
    }
}

/// The log of the spec of a case, and what `check` says in it.
fn log(case: &str) -> Value {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
    let sandbox = Sandbox::new();
    if let Ok(base) = std::fs::read_to_string(case.join("base")) {
        sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join(base.trim()));
    }
    sandbox.copy_from(&case.join("in"));
    sandbox.commit_all();
    let ran = sandbox.sh("graylane check -q --format sarif --now 2026-06-01T00:00:00Z");
    assert!(ran.code < 2, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

const CASES: [&str; 3] = ["check-formats", "check-sharing", "check-weighed"];

#[test]
fn logs_are_valid() {
    for case in CASES {
        let log = log(case);
        assert!(!log["runs"][0]["results"].as_array().unwrap().is_empty(), "{case}");
        let wrong = Schema::sarif().errors(&log);
        assert!(wrong.is_empty(), "{case}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn errors_that_stop_the_check_are_reported() {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mse-demo"));
    sandbox.commit_all();
    let spoiled = "sed -i 's/tag: .*/tag: a--b/; s/strategy: copy/strategy: cpy/; s/- name: spring-c$/- nam: spring-c/' graylane.yaml";
    let ran = sandbox.sh(&format!("{spoiled} && graylane check --format sarif"));
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let log: Value = serde_json::from_str(&ran.stdout).unwrap();
    let wrong = Schema::sarif().errors(&log);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), ran.stderr.matches("error").count(), "{}", ran.stderr);
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!((&rule["id"], &result["ruleId"]), (&json!("not-built"), &json!("not-built")));
        let file = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(file, "graylane.yaml");
    }
    let ran = sandbox.sh("graylane check --format json");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["errors"].as_array().unwrap().len(), results.len());
    assert_eq!(report["errors"][0]["place"]["file"], "graylane.yaml");
    // What has no place is at the spec.
    let ran = sandbox.sh("graylane check --format sarif gone.yaml");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let log: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(Schema::sarif().errors(&log).is_empty());
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "gone.yaml");
}

#[test]
fn errors_are_at_the_spec_that_they_are_of() {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mse-demo"));
    sandbox.commit_all();
    let files = |line: &str| -> Vec<String> {
        let ran = sandbox.sh(line);
        assert_eq!(ran.code, 2, "{line}: {}", ran.stderr);
        let log: Value = serde_json::from_str(&ran.stdout).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().iter();
        let place = |result: &Value| {
            let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            uri.as_str().unwrap().to_owned()
        };
        results.map(place).collect()
    };
    let check = "graylane check --format sarif";
    let gone = ["gone.yaml", "lanes/gone.yaml"];
    assert_eq!(files(&format!("{check} graylane.yaml gone.yaml lanes/gone.yaml")), gone);
    // Paths are those of the repository, wherever the command is.
    let line = format!("cd deploy && {check} ../graylane.yaml ../gone.yaml ../lanes/gone.yaml");
    assert_eq!(files(&line), gone);
    // What a second spec leads to is at that, whatever it is.
    let ran = sandbox.sh("mkdir other && cp deploy/*.yaml other/ && printf 'a: \\351\n' > other/latin1.yaml && \
         sed 's/.deploy.$/[other]/; s/name: spring-gray/name: two/; s/tag: gray/tag: two/' graylane.yaml > two.yaml");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(files(&format!("{check} graylane.yaml two.yaml")), ["other/latin1.yaml"]);
    // What has no place of its own is at the lane's name.
    let ran = sandbox.sh(
        "rm other/latin1.yaml && sed -i 's/^metadata:/metadata:\\n  annotations: [a]/' other/*.yaml",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let found = files(&format!("{check} graylane.yaml two.yaml"));
    assert!(found.iter().any(|file| file == "two.yaml"), "{found:?}");
    assert!(!found.iter().any(|file| file == "graylane.yaml"), "{found:?}");
}

#[test]
fn logs_have_what_github_asks_for() {
    let fingerprint = Regex::new("^[0-9a-f]{16}:[1-9]").unwrap();
    for case in CASES {
        let log = log(case);
        let run = &log["runs"][0];
        assert!(log["$schema"].is_string() && run["columnKind"] == "unicodeCodePoints");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for rule in rules {
            for path in ["/id", "/shortDescription/text", "/fullDescription/text", "/help/text"] {
                let text = rule.pointer(path).and_then(Value::as_str).unwrap();
                assert!(!text.is_empty(), "{path}: {rule}");
            }
            let short = rule.pointer("/shortDescription/text").unwrap().as_str().unwrap();
            assert!(short.len() <= 1024, "{rule}");
        }
        for result in run["results"].as_array().unwrap() {
            let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
            assert_eq!(rule["id"], result["ruleId"]);
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            let print = &result["partialFingerprints"]["primaryLocationLineHash"];
            assert!(fingerprint.is_match(print.as_str().unwrap()));
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.is_empty() && !uri.starts_with('/') && !uri.contains(':'), "{uri}");
            for field in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(place["region"][field].as_u64().is_some_and(|at| at > 0), "{place}");
            }
        }
    }
}

#[test]
fn what_a_schema_refuses_is_found() {
    let schema = Schema::sarif();
    let mut log = log("check-sharing");
    let result = &mut log["runs"][0]["results"][0];
    result["level"] = json!("fatal");
    result["place"] = json!(1);
    result["locations"][0]["physicalLocation"]["region"]["startLine"] = json!(0);
    result["message"] = json!({});
    let wrong = schema.errors(&log).join("\n");
    for part in
        ["\"fatal\" is not one of", "/place is not known", "out of bounds", "message: fits 0"]
    {
        assert!(wrong.contains(part), "{part}: {wrong}");
    }
}
