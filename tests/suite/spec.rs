//! What a spec says, and every way in which it can be wrong.

use graylane::spec::{
    CopyPolicy, Delivery, GatewayClass, GrayRelease, Isolation, JsonOpKind, PatchBody, Provider,
    Strategy, ValueMatch, parse,
};
use graylane::yaml::Value;

const HEAD: &str = "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {name: demo}\n";

/// The errors of a spec, each as `line:column message | remedy`.
fn errors(text: &str) -> Vec<String> {
    let Err(failure) = parse("gray.yaml", text) else { return Vec::new() };
    let shown = failure.0.iter().map(|error| {
        let place = error.place.as_ref().map(|place| format!("{}:{}", place.line, place.column));
        format!(
            "{} {} | {}",
            place.unwrap_or_default(),
            error.message,
            error.remedy.as_deref().unwrap_or_default()
        )
    });
    shown.collect()
}

/// A release whose `spec` has these lines, from line 5 on and two columns in.
fn release(lines: &str) -> String {
    format!("{HEAD}spec:\n  {}\n", lines.replace('\n', "\n  "))
}

/// The same with a good tag and one service `a` that has these lines, from line 8 on.
fn service(lines: &str) -> String {
    release(&format!("tag: gray\nservices:\n- name: a\n{lines}"))
}

fn good(text: &str) -> GrayRelease {
    parse("gray.yaml", text).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn the_full_example_is_read() {
    let release = good(include_str!("../fixtures/full.yaml"));
    assert_eq!(release.name, "spring-gray");
    assert_eq!((release.name_place.line, release.name_place.column), (5, 3));
    assert_eq!(release.tag.as_str(), "gray");
    assert_eq!(release.expires.as_ref().unwrap().to_string(), "2026-12-31");
    assert_eq!(release.namespace.as_deref(), Some("mse-prod"));
    assert_eq!(release.baseline[0].text, "deploy");
    assert_eq!(release.baseline[0].place.to_string(), "gray.yaml:11:13");
    assert_eq!(release.output, "overlays/gray");
    assert_eq!(release.suffix.text, "-mse-gray");
    assert_eq!(release.isolation, Isolation::VersionLabel);
    assert_eq!(release.delivery, Delivery::Flux);
    assert_eq!(release.strategy, Strategy::Copy);
    assert_eq!(release.provider, Provider::OpenSergo);
    assert_eq!(release.gateway_class, Some(GatewayClass::GatewayApi));
    assert_eq!(release.tag_header, "x-gray");
    assert_eq!(release.digest.len(), 64);

    let a = release.service("spring-a").unwrap();
    assert_eq!(a.workload.to_string(), "Deployment/spring-cloud-a");
    assert_eq!(a.images[0].container, "spring-cloud-a");
    assert_eq!(a.images[0].image, "registry.example.com/spring-cloud-a:0.2.0");
    assert_eq!(a.replicas, 3);
    let env: Vec<_> = a.env.iter().map(|var| (var.name.as_str(), var.value.as_str())).collect();
    assert_eq!(env, [("SPRING_PROFILES_ACTIVE", "gray"), ("A_URL", "http://$(HOST)/")]);
    assert_eq!(a.env_by_container[0].0, "sidecar");
    assert_eq!(a.env_by_container[0].1[0].value, "1");
    assert!(a.rewrite_env);
    assert_eq!(a.copy[0].0.to_string(), "ConfigMap/spring-a");
    assert_eq!(a.policies[0].name, None);
    assert_eq!(a.policies[1].name.as_deref(), Some("metrics"));
    assert_eq!(a.policies[1].policy, CopyPolicy::Share);
    assert_eq!(a.calls[0].0, "spring-b");

    let PatchBody::Merge(merge) = &a.patches[0].body else { panic!("a merge") };
    let mode = merge.get("spec").and_then(|spec| spec.get("mode"));
    assert!(matches!(mode, Some(Value::Plain(text)) if text == "0644"), "{mode:?}");
    let PatchBody::Json(operations) = &a.patches[1].body else { panic!("operations") };
    assert_eq!(operations[0].op, JsonOpKind::Add);
    assert!(operations[0].value.as_ref().unwrap().is_null());
    assert_eq!(operations[1].from.as_deref(), Some("/spec/a"));

    let entry = a.entry.as_ref().unwrap();
    assert_eq!(entry.baseline.as_ref().unwrap().0.to_string(), "Ingress/spring-cloud-a");
    assert_eq!(entry.route.headers[0].value, ValueMatch::Exact("100".to_owned()));
    assert_eq!(entry.route.headers[1].value, ValueMatch::Regex("^b.*".to_owned()));
    assert_eq!(entry.route.cookie.as_ref().unwrap().name, "canary");
    assert_eq!(entry.route.query[0].name, "group");
    assert_eq!(entry.route.weight, Some(10));
    assert_eq!(
        release.service("spring-c").unwrap().workload.to_string(),
        "Deployment/spring-cloud-c"
    );
}

#[test]
fn what_is_left_out_has_a_default() {
    let release = good(&service("  images: {app: a/b:1}"));
    assert_eq!(release.baseline[0].text, ".");
    assert_eq!(release.output, "overlays/gray");
    assert_eq!(
        (release.suffix.template.as_str(), release.suffix.text.as_str()),
        ("-mse-{tag}", "-mse-gray")
    );
    assert_eq!(release.isolation, Isolation::Auto);
    assert_eq!(release.delivery, Delivery::ArgoCd);
    assert_eq!(release.strategy, Strategy::Copy);
    assert_eq!(release.provider, Provider::Mse);
    assert_eq!(release.gateway_class, None);
    assert_eq!(release.tag_header, "x-mse-tag");
    assert!(release.expires.is_none() && release.namespace.is_none());
    let a = &release.services[0];
    assert_eq!(a.workload.to_string(), "Deployment/a");
    assert_eq!(a.replicas, 1);
    assert!(!a.rewrite_env && a.entry.is_none() && a.env.is_empty());
}

#[test]
fn the_examples_are_good() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = 0;
    for example in std::fs::read_dir(examples).unwrap() {
        let spec = example.unwrap().path().join("graylane.yaml");
        if let Ok(text) = std::fs::read_to_string(spec) {
            good(&text);
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn all_errors_are_reported_at_once_in_the_order_of_the_text() {
    let text = "\
apiVersion: graylane.dev/v1
kind: GrayRelease
metadata: {name: Demo}
spec:
  tga: gray
  expires: tomorrow
  isolation: versionlabel
  services:
    - name: a
      replicas: \"2\"
      env: {PORT: 8080}
      entry:
        match:
          headers: [{name: x-user-id, exact: 100}]
";
    let found = errors(text);
    let places: Vec<_> = found.iter().map(|error| error.split(' ').next().unwrap()).collect();
    assert_eq!(
        places,
        ["1:13", "3:18", "5:3", "6:12", "7:14", "10:17", "11:19", "14:46"],
        "{found:#?}"
    );
}

#[test]
fn no_document_and_several_documents_are_errors() {
    for text in ["", "# nothing\n", "---\n---\n"] {
        assert!(errors(text)[0].contains("1:1 the spec is empty"), "{text:?}");
    }
    let text = service("  replicas: 1");
    good(&format!("---\n{text}---\n# the end\n"));
    let twice = errors(&format!("{text}---\n{text}"));
    assert!(twice[0].contains("several YAML documents"), "{twice:?}");
    assert!(twice[0].starts_with("10:1 "), "{twice:?}");
}

#[test]
fn another_object_is_no_spec() {
    let found = errors("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, labels: {}}\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("2:7 this is a Deployment of apps/v1, not a spec"));
}

#[test]
fn a_scalar_is_no_spec() {
    assert!(errors("hello\n")[0].starts_with("1:1 the spec must be a mapping, not a string"));
}

/// Asserts one error at a place, with these parts.
fn assert_error(text: &str, place: &str, parts: &[&str]) {
    let found = errors(text);
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    assert!(found[0].starts_with(&format!("{place} ")), "{text}\n{found:#?}");
    for part in parts {
        assert!(found[0].contains(part), "`{part}` in\n{text}\n{found:#?}");
    }
}

#[test]
fn fields_of_the_release() {
    let with = |line: &str| release(&format!("{line}\ntag: gray\nservices: [{{name: a}}]"));
    for (line, place, parts) in [
        ("tagg: x", "5:3", &["unknown field `tagg` in `spec`", "the fields here are"][..]),
        ("ouput: x", "5:3", &["unknown field `ouput`", "did you mean `output`?"]),
        ("naming:", "5:3", &["`spec.naming` has no value", "remove it"]),
        ("naming: {sufix: a}", "5:12", &["in `spec.naming`", "did you mean `suffix`?"]),
        ("naming: {suffix: -mse}", "5:20", &["has no `{tag}`"]),
        ("naming: {suffix: '-{tag}-{name}'}", "5:20", &["unknown placeholder", "`{tag}`"]),
        ("naming: {suffix: '-{tag}-'}", "5:20", &["`-gray-`", "it must end with"]),
        ("naming: {suffix: '_{tag}'}", "5:20", &["in `x_gray`, character 2 is `_`"]),
        ("naming: {suffix: '.{tag}'}", "5:20", &["character 2 is `.`"]),
        ("expires: 31.12.2026", "5:12", &["neither a date nor a time", "2026-12-31"]),
        ("expires: 20261231", "5:12", &["must be a string", "quote it: \"20261231\""]),
        ("namespace: Prod", "5:14", &["`Prod` is not a legal namespace", "`P`"]),
        ("namespace: [a]", "5:14", &["must be a string, not a list"]),
        ("baseline: {paths: deploy}", "5:21", &["must be a list", "[deploy]"]),
        ("baseline: {paths: []}", "5:21", &["is empty"]),
        ("baseline: deploy", "5:13", &["must be a mapping", "`paths`"]),
        ("baseline: {paths: [/etc]}", "5:22", &["is absolute", "relative to the spec"]),
        ("baseline: {paths: ['a\\b']}", "5:22", &["'\\\\'"]),
        ("output: ''", "5:11", &["the path is empty"]),
        ("output: .", "5:11", &["holds the spec itself"]),
        ("output: ../..", "5:11", &["leaves the repository"]),
        ("output: a/../.git", "5:11", &["`.git`"]),
        ("output: \"a\\nb\"", "5:11", &["'\\n'"]),
        ("output: [a]", "5:11", &["must be a string, not a list"]),
        ("output: 1", "5:11", &["quote it: \"1\""]),
        ("output: {path: .}", "5:18", &["holds the spec itself"]),
        ("output: {paths: a}", "5:12", &["in `spec.output`", "did you mean `path`?"]),
        ("output: {kustomization: x}", "5:27", &["must be true or false", "`true` or `false`"]),
        ("isolation: relable", "5:14", &["did you mean `relabel`?", "`auto`, `version-label`"]),
        ("isolation: 1", "5:14", &["cannot be `1`", "`auto`"]),
        ("isolation: []", "5:14", &["not a list"]),
        ("delivery: {engine: argo-cd}", "5:22", &["did you mean `argocd`?"]),
        ("strategy: blue", "5:13", &["`copy`, `kruise`"]),
        ("governance: {provider: linkerd}", "5:26", &["`mse`, `opensergo`, `istio`, `none`"]),
        ("governance: {istio: {output: ../..}}", "5:32", &["leaves the repository"]),
        ("governance: {istio: {output: .}}", "5:32", &["holds the spec itself"]),
        ("governance: {istio: {outputs: a}}", "5:24", &["did you mean `output`?"]),
        ("gateway: {class: kong}", "5:20", &["cannot be `kong`", "`gateway-api`"]),
        ("gateway: {tagHeader: x tag}", "5:24", &["HTTP header name", "' '"]),
    ] {
        assert_error(&with(line), place, parts);
    }
}

#[test]
fn an_output_is_a_directory_or_a_block() {
    for (output, path, kustomization) in [
        ("a", "a", false),
        ("{}", "overlays/gray", false),
        ("{path: a}", "a", false),
        ("{kustomization: true}", "overlays/gray", true),
        ("{path: a, kustomization: false}", "a", false),
    ] {
        let release =
            good(&release(&format!("tag: gray\noutput: {output}\nservices: [{{name: a}}]")));
        assert_eq!((release.output.as_str(), release.kustomization), (path, kustomization));
    }
}

#[test]
fn an_output_cannot_hold_the_baseline() {
    let with = |paths: &str, output: &str| {
        release(&format!(
            "tag: gray\nbaseline: {{paths: [{paths}]}}\noutput: {output}\nservices: [{{name: a}}]"
        ))
    };
    good(&with("deploy", "deploy/overlays"));
    for (paths, output) in
        [("deploy", "deploy/"), ("deploy/prod", "deploy"), ("deploy/*.yaml", "deploy")]
    {
        assert_error(&with(paths, output), "7:11", &["holds the baseline", "of its own"]);
    }
}

#[test]
fn tags() {
    let with = |tag: &str| release(&format!("tag: {tag}\nservices: [{{name: a}}]"));
    good(&with("pr-4711"));
    good(&with("'4711'"));
    for (tag, part) in [
        ("original", "reserved"),
        ("base", "reserved"),
        ("Gray", "`G`"),
        ("a.b", "`.`"),
        ("a/../b", "`/`"),
        ("-a", "must start with"),
        ("4711", "quote it: \"4711\""),
        ("'a\"b'", "not a legal tag"),
        ("\"a\\nb\"", "`\\n`"),
        ("''", "it is empty"),
    ] {
        let found = errors(&with(tag));
        assert!(found[0].starts_with("5:8 ") && found[0].contains(part), "{tag}: {found:?}");
    }
    let long = errors(&with(&"a".repeat(64)));
    assert!(long.iter().any(|error| error.contains("64 characters; cut 1 character")), "{long:?}");
}

#[test]
fn what_is_missing_is_named() {
    assert_error(&release("services: [{name: a}]"), "4:1", &["`spec.tag` is missing", "gray mark"]);
    assert_error(&release("tag: gray"), "4:1", &["`spec.services` is missing"]);
    assert_error(&release("tag: gray\nservices: []"), "6:13", &["is empty", "- name: spring-a"]);
    assert_error(
        &release("tag: gray\nservices: [{workload: a}]"),
        "6:14",
        &["`spec.services[0].name` is missing"],
    );
    assert_eq!(errors("spec: {}\n").len(), 5);
}

#[test]
fn fields_of_a_service() {
    for (line, place, parts) in [
        ("image: {}", "8:5", &["in `spec.services[0]`", "did you mean `images`?"][..]),
        ("workload: deployment/a", "8:15", &["not a legal kind", "`Deployment`"]),
        ("workload: Deployment/A", "8:15", &["`A` is not a legal name"]),
        ("workload: Deployment/a/b", "8:15", &["`/`"]),
        ("workload: A", "8:15", &["name of a workload"]),
        ("images: {app: }", "8:14", &["`spec.services[0].images.app` has no value"]),
        ("images: {app: 'a b'}", "8:19", &["image reference", "' '"]),
        ("images: {App: a}", "8:14", &["name of a container"]),
        ("images: [a]", "8:13", &["must be a mapping, not a list", "key: value"]),
        ("replicas: -1", "8:15", &["cannot be -1", "from 0 to 2147483647"]),
        ("replicas: 99999999999999999999", "8:15", &["from 0 to 2147483647"]),
        ("replicas: '2'", "8:15", &["a whole number", "without quotes: 2"]),
        ("replicas: 1.5", "8:15", &["cannot be 1.5", "from 0 to 2147483647"]),
        ("env: {A: 1}", "8:14", &["`spec.services[0].env.A` must be a string", "quote it: \"1\""]),
        ("env: {A: true}", "8:14", &["not a boolean", "quote it: \"true\""]),
        ("env: {'A=B': a}", "8:11", &["environment variable", "'='"]),
        ("envByContainer: {a: {B: 1}}", "8:29", &["quote it: \"1\""]),
        ("envByContainer: {A: {B: x}}", "8:22", &["name of a container"]),
        ("rewriteEnv: 'true'", "8:17", &["true or false", "without quotes: true"]),
        ("copy: [settings]", "8:12", &["does not name an object", "Kind/name"]),
        ("copy: [1]", "8:12", &["`spec.services[0].copy[0]`", "quote it"]),
        ("policies: {Service: shared}", "8:25", &["did you mean `share`?"]),
        ("policies: {service/a: share}", "8:16", &["not a legal kind", "`Service`"]),
        ("policies: {service: share}", "8:16", &["not a legal kind", "`Service`"]),
        ("calls: ['a ']", "8:13", &["name of a service", "did you mean `a`?"]),
    ] {
        assert_error(&service(&format!("  {line}")), place, parts);
    }
    good(&service("  calls: [b]\n  copy: ['Role/app:reader']"));
}

#[test]
fn services_are_unique() {
    let with = |services: &str| release(&format!("tag: gray\nservices: [{services}]"));
    assert_error(&with("{name: a}, {name: a, workload: b}"), "6:26", &["`a` is there twice"]);
    assert_error(
        &with("{name: a}, {name: b, workload: Deployment/a}"),
        "6:35",
        &["Deployment/a is already that of service `a`"],
    );
    assert_error(&with("{name: A_1}"), "6:21", &["Deployment of its name", "workload:"]);
    assert_error(&with("{name: -a, workload: a}"), "6:21", &["name of a service"]);
}

#[test]
fn patches() {
    let with = |patch: &str| service(&format!("  patches:\n  - {patch}"));
    for (patch, place, parts) in [
        ("{target: a, merge: {b: 1}}", "9:16", &["does not name an object"][..]),
        ("{target: Service/a}", "9:8", &["neither `merge` nor `json`", "`merge:`"]),
        ("{target: Service/a, marge: {}}", "9:27", &["did you mean `merge`?"]),
        ("{target: Service/a, merge: {}}", "9:34", &["changes nothing"]),
        ("{target: Service/a, json: []}", "9:33", &["changes nothing"]),
        ("{target: Service/a, merge: [a]}", "9:34", &["must be a mapping, not a list"]),
        ("{target: Service/a, merge: {a: 1}, json: []}", "9:42", &["both", "two patches"]),
        ("{merge: {a: 1}}", "9:7", &["`spec.services[0].patches[0].target` is missing"]),
        ("{target: S/a, json: [{op: ad, path: /a, value: 1}]}", "9:33", &["did you mean `add`?"]),
        ("{target: S/a, json: [{op: add, path: /a}]}", "9:29", &["`add` needs `value`"]),
        ("{target: S/a, json: [{op: copy, path: /a}]}", "9:29", &["`copy` needs `from`"]),
        ("{target: S/a, json: [{op: remove, path: /a, value: 1}]}", "9:51", &["takes no `value`"]),
        ("{target: S/a, json: [{op: remove, path: a}]}", "9:47", &["must start with `/`"]),
        ("{target: S/a, json: [{op: remove, path: ''}]}", "9:47", &["whole object"]),
        ("{target: S/a, json: [{op: move, from: /a, path: /a/b}]}", "9:29", &["into itself"]),
        ("a", "9:7", &["must be a mapping", "`target`, `merge`, `json`"]),
    ] {
        assert_error(&with(patch), place, parts);
    }
}

#[test]
fn entries() {
    let with = |entry: &str| service(&format!("  entry:\n    {entry}"));
    good(&with("match: {weight: 0}"));
    good(&with("match: {cookie: {name: canary, value: always}}"));
    for (entry, place, parts) in [
        ("ingress: web", "8:5", &["`spec.services[0].entry.match` is missing"][..]),
        ("match: {}", "9:7", &["the match is empty", "headers:"]),
        ("match: {headers: []}", "9:7", &["the match is empty"]),
        ("match: {hedaers: [{name: a}]}", "9:15", &["did you mean `headers`?"]),
        ("match: {weight: 101}", "9:23", &["from 0 to 100"]),
        ("match: {cookie: a}", "9:23", &["must be a mapping", "`name`, `value`"]),
        ("match: {cookie: {name: a b}}", "9:30", &["name of a cookie"]),
        ("match: {cookie: {name: a, value: \"a\\tb\"}}", "9:40", &["'\\t'"]),
        ("match: {headers: [{name: 'x y', exact: a}]}", "9:32", &["name of a header"]),
        ("match: {headers: [{name: x}]}", "9:26", &["neither `exact` nor `regex`"]),
        ("match: {headers: [{name: x, exat: a}]}", "9:35", &["did you mean `exact`?"]),
        ("match: {headers: [{name: x, exact: a, regex: b}]}", "9:45", &["both"]),
        ("match: {headers: [{name: x, exact: 100}]}", "9:42", &["quote it: \"100\""]),
        ("match: {headers: [{name: x, exact: 'a\"b'}]}", "9:42", &["no quotes", "`regex`"]),
        ("match: {headers: [{name: x, exact: a}, {name: X, exact: b}]}", "9:47", &["twice"]),
        ("match: {query: [{name: x, regex: ''}]}", "9:40", &["it is empty"]),
    ] {
        assert_error(&with(entry), place, parts);
    }
    let both = errors(&with("ingress: Ingress/web\n    match: {weight: 1}"));
    assert!(both[0].starts_with("9:16 ") && both[0].contains("without a kind"), "{both:?}");
}

#[test]
fn what_is_wrong_does_not_hide_its_neighbours() {
    let found = errors(&service("  copy: [1, settings, ConfigMap/a]\n  replicas: x\n  calls: 1"));
    let places: Vec<_> = found.iter().map(|error| error.split(' ').next().unwrap()).collect();
    assert_eq!(places, ["8:12", "8:15", "9:15", "10:12"], "{found:#?}");
}

#[test]
fn the_digest_is_that_of_the_text() {
    let text = service("  replicas: 1");
    assert_eq!(good(&text).digest, good(&text).digest);
    assert_ne!(good(&text).digest, good(&format!("{text}# more\n")).digest);
}

proptest::proptest! {
    #[test]
    fn a_mangled_spec_ends_in_a_release_or_in_errors_with_places(
        from in 0usize..2000,
        cut in 0usize..60,
        put in "[ -~\\n]{0,12}",
    ) {
        let full: Vec<char> = include_str!("../fixtures/full.yaml").chars().collect();
        let from = from.min(full.len());
        let to = (from + cut).min(full.len());
        let text: String =
            full[..from].iter().copied().chain(put.chars()).chain(full[to..].iter().copied()).collect();
        if let Err(failure) = parse("gray.yaml", &text) {
            proptest::prop_assert!(!failure.0.is_empty());
            for error in &failure.0 {
                proptest::prop_assert!(error.place.is_some() && error.remedy.is_some()
                    || failure.0.len() == 1, "{error:?}");
                proptest::prop_assert!(!error.message.contains("cannot be read"), "{error:?}");
            }
        }
    }
}
