//! What is written for OpenSergo, against the CRD of TrafficRouter and the project's own schemas.

use std::sync::OnceLock;

use crate::crds::Crds;
use graylane::baseline::files::Memory;
use graylane::baseline::read;
use graylane::pipeline::{self, Release};
use graylane::yaml::{Document, Path};

const WEB: &str = include_str!("../cases/opensergo-rules/in/deploy/web.yaml");
const ALL: &str = "[traffic-label, workload-label, traffic-router]";

const SCHEMA: &str = "\
CREATE TABLE mse_demo (id int);
CREATE TABLE `Mse-Demo` (id int);
CREATE TABLE orders (id int);
CREATE TABLE a (id int);
CREATE TABLE b (id int);
";

fn release(manifests: &str, tag: &str, opensergo: &str, rule: &str) -> Result<Release, String> {
    let spec = format!(
        "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: t}}\nspec:\n  tag: {tag}\n  \
         governance: {{provider: opensergo}}\n  opensergo: {opensergo}\n  services:\n  - name: web\n    \
         entry:\n      match: {rule}\n"
    );
    let texts = [("all.yaml", manifests), ("graylane.yaml", &spec), ("s.sql", SCHEMA)];
    let files = Memory(texts.map(|(path, text)| (path.to_owned(), text.into())).into());
    let spec = pipeline::read_spec(&files, "graylane.yaml").map_err(|error| error.to_string())?;
    let baseline = read::read(&files, &["all.yaml".to_owned()], "").unwrap();
    let facts = graylane::lane::Facts::gather(&baseline.into());
    let release = pipeline::release(spec, &facts).map_err(|error| error.to_string())?;
    release.sound().map_err(|error| error.to_string())?;
    Ok(release)
}

/// The lane's objects, once they are found to be what their schemas say.
fn valid(release: &Release) -> Vec<Document> {
    static CRDS: OnceLock<Crds> = OnceLock::new();
    let crds = CRDS.get_or_init(|| Crds::load().unwrap_or_else(Crds::own));
    for stream in release.streams() {
        let (wrong, _) = crds.check(&stream);
        assert!(wrong.is_empty(), "{}\n{stream}", wrong.join("\n"));
    }
    release
        .lane
        .objects
        .iter()
        .map(|object| std::sync::Arc::unwrap_or_clone(object.document().unwrap()))
        .collect()
}

fn of_kind<'d>(objects: &'d [Document], kind: &str) -> Option<&'d Document> {
    let is_kind =
        |document: &&Document| document.at(&["kind"]).and_then(|node| node.as_str()) == Some(kind);
    objects.iter().find(is_kind)
}

fn at(document: &Document, pointer: &str) -> String {
    let path = Path::from_json_pointer(pointer).unwrap();
    document.find(&path).map_or_else(|| "nothing".to_owned(), |node| node.to_json().to_string())
}

#[test]
fn only_the_rules_that_are_asked_for_are_written() {
    let kinds = ["TrafficLabelRule", "WorkloadLabelRule", "TrafficRouter"];
    for (block, expected) in [
        ("{}", [false, false, true]),
        ("{rules: []}", [false, false, false]),
        ("{rules: [traffic-label]}", [true, false, false]),
        ("{rules: [workload-label]}", [false, true, false]),
        ("{rules: [traffic-router, traffic-label]}", [true, false, true]),
        (&format!("{{rules: {ALL}}}"), [true, true, true]),
    ] {
        let rule = "{headers: [{name: x-user, exact: a}]}";
        let objects = valid(&release(WEB, "gray", block, rule).unwrap());
        let written = kinds.map(|kind| of_kind(&objects, kind).is_some());
        assert_eq!(written, expected, "{block}");
    }
}

#[test]
fn values_stay_strings_whatever_they_look_like() {
    let block = format!("{{rules: {ALL}}}");
    for (tag, value) in
        [("gray", "12345"), ("\"1\"", "on"), ("\"0x10\"", "a: b # c"), ("\"on\"", "{}")]
    {
        let rule = format!("{{headers: [{{name: X-User-Id, exact: \"{value}\"}}]}}");
        let objects = valid(&release(WEB, tag, &block, &rule).unwrap());
        let tag = format!("\"{}\"", tag.trim_matches('"'));
        let label = of_kind(&objects, "TrafficLabelRule").unwrap();
        assert_eq!(
            at(label, "/spec/match/0"),
            format!(r#"{{"condition":"==","type":"header","key":"X-User-Id","value":"{value}"}}"#)
        );
        assert_eq!(at(label, "/spec/trafficLabel"), tag);
        assert_eq!(at(label, "/spec/selector"), r#"{"app":"web"}"#);
        let workload = of_kind(&objects, "WorkloadLabelRule").unwrap();
        assert_eq!(at(workload, "/spec/workloadLabels"), format!("[{tag}]"));
        let router = of_kind(&objects, "TrafficRouter").unwrap();
        assert_eq!(at(router, "/spec/http/0/match/0/headers/x-mse-tag/exact"), tag);
        let pods = of_kind(&objects, "Deployment").unwrap();
        let key = "traffic.opensergo.io~1label";
        assert_eq!(at(pods, &format!("/metadata/labels/{key}")), tag);
        assert_eq!(at(pods, &format!("/spec/template/metadata/labels/{key}")), tag);
        assert_eq!(at(pods, &format!("/spec/selector/matchLabels/{key}")), "nothing");
    }
}

#[test]
fn a_router_never_leads_the_baseline_to_gray_pods() {
    let rule = "{headers: [{name: x-user, exact: a}]}";
    let labelled = WEB.replace(
        "      labels: {app: web}\n",
        "      labels: {app: web, traffic.opensergo.io/label: v1}\n",
    );
    for (manifests, gray, baseline) in [
        (WEB, r#"{"host":"web-mse-gray","fallback":{"host":"web"}}"#, r#"{"host":"web"}"#),
        (
            &labelled,
            r#"{"host":"web","subset":"gray","fallback":{"host":"web","subset":"v1"}}"#,
            r#"{"host":"web","subset":"v1"}"#,
        ),
    ] {
        let objects = valid(&release(manifests, "gray", "{}", rule).unwrap());
        let router = of_kind(&objects, "TrafficRouter").unwrap();
        assert_eq!(at(router, "/metadata/name"), "\"web\"");
        assert_eq!(at(router, "/metadata/labels/app"), "\"web\"");
        assert_eq!(at(router, "/spec/http/0/route/0/destination"), gray);
        assert_eq!(at(router, "/spec/http/1/route/0/destination"), baseline);
    }
}

#[test]
fn pods_learn_their_label_as_the_spec_says() {
    let rule = "{headers: [{name: x-user, exact: a}]}";
    let env = "          env: [{name: OPENSERGO_BOOTSTRAP_CONFIG, value: '{\"endpoint\":\"a:1\",\"x\":1}'}]\n";
    let configured = WEB.replace("web:1.0.0\n", &format!("web:1.0.0\n{env}"));
    for (manifests, block, expected) in [
        (WEB, "{}", "nothing"),
        (WEB, "{env: label}", r#"[{"name":"traffic.opensergo.io/label","value":"gray"}]"#),
        (
            WEB,
            "{env: bootstrap, endpoint: 'b:2'}",
            r#"[{"name":"OPENSERGO_BOOTSTRAP_CONFIG","value":"{\"endpoint\":\"b:2\",\"OPENSERGO_LABEL\":\"gray\"}"}]"#,
        ),
        (
            &configured,
            "{env: bootstrap}",
            r#"[{"name":"OPENSERGO_BOOTSTRAP_CONFIG","value":"{\"endpoint\":\"a:1\",\"x\":1,\"OPENSERGO_LABEL\":\"gray\"}"}]"#,
        ),
    ] {
        let objects = valid(&release(manifests, "gray", block, rule).unwrap());
        let pods = of_kind(&objects, "Deployment").unwrap();
        assert_eq!(at(pods, "/spec/template/spec/containers/0/env"), expected, "{block}");
    }
    let error = release(WEB, "gray", "{env: bootstrap}", rule).unwrap_err();
    assert!(error.contains("needs the address"), "{error}");
}

#[test]
fn shadows_of_tables_get_the_label() {
    let rule = "{headers: [{name: x-user, exact: a}]}";
    let written = |database: &str| -> Vec<String> {
        let block = format!("{{rules: [workload-label]}}\n  database: {database}");
        let objects = valid(&release(WEB, "gray", &block, rule).unwrap());
        let rules = objects.iter().filter(|document| at(document, "/kind").contains("Workload"));
        rules
            .filter(|document| at(document, "/metadata/name").contains("shadow-"))
            .map(|document| format!("{} {}", at(document, "/metadata/name"), at(document, "/spec")))
            .collect()
    };
    let of = |name: &str, selector: &str| {
        format!(r#""{name}" {{"workloadLabels":["gray"],"selector":{selector}}}"#)
    };
    assert_eq!(
        written(
            "{mode: shadow-table, name: mse-demo, schema: s.sql, tables: [mse_demo, Mse-Demo]}"
        ),
        [
            of("shadow-mse-demo-2-mse-gray", r#"{"db":"mse-demo","table":"Mse-Demo_gray"}"#),
            of("shadow-mse-demo-mse-gray", r#"{"db":"mse-demo","table":"mse_demo_gray"}"#),
        ]
    );
    assert_eq!(
        written("{mode: shadow-table, schema: s.sql, tables: [orders]}"),
        [of("shadow-orders-mse-gray", r#"{"table":"orders_gray"}"#)]
    );
    assert_eq!(
        written("{mode: shadow-database, name: shop, schema: s.sql, tables: [a, b]}"),
        [of("shadow-shop-mse-gray", r#"{"db":"shop_gray"}"#)]
    );
}

#[test]
fn the_schemas_refuse_what_the_specification_does_not_have() {
    let wrong = |kind: &str, spec: &str| {
        let object = format!(
            "apiVersion: traffic.opensergo.io/v1alpha1\nkind: {kind}\nmetadata: {{name: x}}\nspec: {spec}\n"
        );
        Crds::own().check(&object).0.join("\n")
    };
    let label = |each: &str| {
        let spec = format!("{{selector: {{app: a}}, trafficLabel: gray, match: [{each}]}}");
        wrong("TrafficLabelRule", &spec)
    };
    assert_eq!(label("{condition: '==', type: header, key: a, value: b}"), "");
    assert_eq!(label("{condition: '==', type: path, value: /a}"), "");
    assert!(label("{condition: '=~', type: header, key: a, value: b}").contains("not one of"));
    assert!(label("{condition: '==', type: cookie, key: a, value: b}").contains("not one of"));
    assert!(label("{condition: '==', type: header, key: a, value: 1}").contains("string"));
    assert!(label("").contains("has items 0"));
    assert_eq!(
        wrong("WorkloadLabelRule", "{workloadLabels: [gray], selector: {db: a, table: b}}"),
        ""
    );
    assert!(
        wrong("WorkloadLabelRule", "{workloadLabels: [gray], selector: {}}")
            .contains("has properties 0")
    );
}
