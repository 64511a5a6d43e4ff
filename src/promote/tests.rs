use super::*;
use crate::baseline::files::Memory;
use crate::pipeline::{BaselineFrom, Baselines, spec_of};

fn spec(service: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {{name: lane}}
spec:
  tag: gray
  baseline: {{paths: [deploy]}}
  services:
    - name: web
      images: {{web: 'r.example/web:2'}}
      {service}
"
    )
}

fn promoted(spec: &str, baseline: &str, patches: bool) -> Result<Promotion, Failure> {
    let spec = spec_of("graylane.yaml", spec).unwrap();
    let file = ("deploy/all.yaml".to_owned(), baseline.as_bytes().to_vec());
    let files = Memory([file].into());
    let facts = Baselines::default().of(&files, &spec, &BaselineFrom::Spec, &[])?;
    promote(&spec.release, &facts, &files, patches)
}

/// The lines that differ between a file before and after.
fn diff(promotion: &Promotion) -> Vec<(String, String)> {
    let [file] = promotion.files.as_slice() else { panic!("{promotion:?}") };
    let (before, after) = (file.before.split('\n'), file.after.split('\n'));
    assert_eq!(before.clone().count(), after.clone().count());
    let differing = before.zip(after).filter(|(before, after)| before != after);
    differing.map(|(before, after)| (before.to_owned(), after.to_owned())).collect()
}

const DEPLOYMENT: &str = "# the web
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web # the one
        image: r.example/web:1 # pinned
";

#[test]
fn one_line_changes_whatever_the_style() {
    for (old, new) in [
        ("r.example/web:1", "r.example/web:2"),
        ("'r.example/web:1'", "'r.example/web:2'"),
        ("\"r.example/web:1\"", "\"r.example/web:2\""),
    ] {
        let text = DEPLOYMENT.replace("r.example/web:1", old);
        for text in [text.clone(), text.replace('\n', "\r\n"), text.trim_end().to_owned()] {
            let promotion = promoted(&spec(""), &text, false).unwrap();
            let changed = diff(&promotion);
            assert_eq!(changed.len(), 1, "{changed:?}");
            assert_eq!(changed[0].1, changed[0].0.replace(old, new));
        }
    }
}

#[test]
fn lists_flow_style_and_other_documents_stay() {
    let element: String = DEPLOYMENT
        .lines()
        .enumerate()
        .map(|(at, line)| format!("{}{line}\n", if at == 1 { "- " } else { "  " }))
        .collect();
    let element = element.replace("  # the web\n", "");
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{element}");
    assert_eq!(diff(&promoted(&spec(""), &list, false).unwrap()).len(), 1);
    let flow = DEPLOYMENT.replace(
        "      containers:\n      - name: web # the one\n        image: r.example/web:1 # pinned\n",
        "      containers: [{name: web, image: 'r.example/web:1'}] # all\n",
    );
    let changed = diff(&promoted(&spec(""), &flow, false).unwrap());
    assert_eq!(changed[0].1, "      containers: [{name: web, image: 'r.example/web:2'}] # all");
    let several = format!("a: 1 # no object\n---\n{DEPLOYMENT}---\n# nothing\n");
    assert_eq!(diff(&promoted(&spec(""), &several, false).unwrap()).len(), 1);
    let json = r#"{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
 "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
 "spec": {"containers": [{"name": "web",
   "image": "r.example/web:1"}]}}}}"#;
    assert_eq!(diff(&promoted(&spec(""), json, false).unwrap()).len(), 1);
}

#[test]
fn what_is_there_already_is_nothing_to_do() {
    let text = DEPLOYMENT.replace("web:1", "web:2");
    assert_eq!(promoted(&spec(""), &text, false).unwrap().files, []);
}

#[test]
fn patches_are_promoted_where_that_is_asked_for() {
    let patch = "patches: [{target: Deployment/web, merge: {spec: {minReadySeconds: 5}}}]";
    let promotion = promoted(&spec(patch), DEPLOYMENT, true).unwrap();
    assert!(promotion.files[0].after.contains("  minReadySeconds: 5\n"), "{promotion:?}");
    assert_eq!(promotion.files[0].changes.len(), 2);
    assert_eq!(promotion.files[0].changes[0].what, What::Patch);
    assert_eq!(promoted(&spec(patch), DEPLOYMENT, false).unwrap().files[0].changes.len(), 1);
    let wrong = "patches: [{target: Deployment/wbe, merge: {spec: {minReadySeconds: 5}}}]";
    let error = promoted(&spec(wrong), DEPLOYMENT, true).unwrap_err();
    assert!(error.to_string().contains("the baseline has no Deployment/wbe"), "{error}");
}

#[test]
fn an_image_behind_an_alias_is_written_out_for_its_own_container() {
    let text = DEPLOYMENT.replace(
        "        image: r.example/web:1 # pinned\n",
        "        image: *web\n      - name: sidecar\n        image: r.example/side:1\n",
    );
    let text = text.replace(
        "kind: Deployment\nmetadata: {name: web}",
        "kind: Deployment\nmetadata: {name: web, annotations: {image: &web r.example/web:1}}",
    );
    let promotion = promoted(&spec(""), &text, false).unwrap();
    let after = &promotion.files[0].after;
    assert!(after.contains("        image: r.example/web:2\n"), "{after}");
    assert!(after.contains("image: &web r.example/web:1}"), "{after}");
}

#[test]
fn unknown_containers_are_refused() {
    let spec = spec("").replace("{web: 'r.", "{wbe: 'r.");
    let error = promoted(&spec, DEPLOYMENT, false).unwrap_err();
    assert!(error.to_string().contains("no container `wbe`"), "{error}");
}

const PATCHED: &str = "patches: [{target: Deployment/web, json: [{op: replace, path: /spec/template/spec/containers/0, value: {name: web, image: 'r.example/web:1', args: [--x]}}]}]";

#[test]
fn images_are_set_after_patches() {
    for (old, changes) in [("r.example/web:1", 2), ("r.example/web:2", 1)] {
        let baseline = DEPLOYMENT.replace("r.example/web:1", old);
        let promotion = promoted(&spec(PATCHED), &baseline, true).unwrap();
        let [file] = promotion.files.as_slice() else { panic!("{promotion:?}") };
        assert!(file.after.contains("--x") && file.after.contains("r.example/web:2"), "{file:?}");
        assert!(!file.after.contains("r.example/web:1"), "{}", file.after);
        assert_eq!(file.changes.len(), changes);
    }
    let moved = PATCHED.replace(
        "{op: replace, path: /spec/template/spec/containers/0, value: {name: web,",
        "{op: add, path: /spec/template/spec/containers/0, value: {name: side,",
    );
    let promotion = promoted(&spec(&moved), DEPLOYMENT, true).unwrap();
    let after = &promotion.files[0].after;
    let side = after.find("name: side").unwrap();
    assert!(after[side..].contains("image: r.example/web:1"), "{after}");
    assert!(after.contains("image: r.example/web:2 # pinned"), "{after}");
    let gone = PATCHED.replace("{name: web,", "{name: other,");
    let error = promoted(&spec(&gone), DEPLOYMENT, true).unwrap_err();
    assert!(error.to_string().contains("take the container `web`"), "{error}");
}

#[test]
fn a_patch_that_was_promoted_is_not_applied_twice() {
    let add = PATCHED.replace(
        "{op: replace, path: /spec/template/spec/containers/0, value: {name: web,",
        "{op: add, path: /spec/template/spec/containers/-, value: {name: side,",
    );
    let promotion = promoted(&spec(&add), DEPLOYMENT, true).unwrap();
    for (path, value) in [
        ("env", "{name: A, value: b}"),
        ("volumeMounts", "{name: v, mountPath: /v}"),
        ("ports", "{containerPort: 80}"),
    ] {
        let patch = format!(
            "patches: [{{target: Deployment/web, json: [{{op: add, path: /spec/template/spec/containers/0/{path}/-, value: {value}}}]}}]"
        );
        let with = |item: &str| {
            DEPLOYMENT.replace(
                "      - name: web",
                &format!("      - {path}: [{item}]\n        name: web"),
            )
        };
        assert!(promoted(&spec(&patch), &with(""), true).is_ok(), "{path}");
        let error = promoted(&spec(&patch), &with(value), true).unwrap_err();
        assert!(error.to_string().contains("twice among its"), "{error}");
    }
    let error = promoted(&spec(&add), &promotion.files[0].after, true).unwrap_err();
    assert!(error.to_string().contains("`side` twice among its containers"), "{error}");
}
