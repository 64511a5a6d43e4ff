//! Canary routes of entries.

use super::*;

#[test]
fn entries_need_an_ingress_that_can_have_a_canary() {
    let class = "ingressClassName: mse, ";
    let only_default = ingress(
        "",
        &format!("{class}defaultBackend: {{service: {{name: web, port: {{number: 80}}}}}}"),
    );
    let told = refused(&(web() + SERVICE + &only_default), &spec_of("", ENTRY));
    assert!(told.contains("by its default backend alone"), "{told}");

    let old = ingress("", &format!("{class}{RULE}"))
        .replace("networking.k8s.io/v1\n", "networking.k8s.io/v2\n");
    let told = refused(&(web() + SERVICE + &old), &spec_of("", ENTRY));
    assert!(told.contains("apiVersion networking.k8s.io/v2"), "{told}");

    let canary = ingress(
        ", annotations: {nginx.ingress.kubernetes.io/canary: \"true\"}",
        &format!("{class}{RULE}"),
    );
    let told = refused(&(web() + SERVICE + &canary), &spec_of("", ENTRY));
    assert!(
        told.contains("no Ingress or HTTPRoute or ApisixRoute leads to a Service of `web`"),
        "{told}"
    );
    let named = "    entry: {ingress: i, match: {weight: 5}}\n";
    let told = refused(&(web() + SERVICE + &canary), &spec_of("", named));
    assert!(told.contains("Ingress/i is a canary of another Ingress"), "{told}");

    let elsewhere = ingress(", namespace: other", &format!("{class}{RULE}"));
    let told = refused(&(web() + SERVICE + &elsewhere), &spec_of("", named));
    assert!(
        told.contains("no path of this Ingress leads to a Service that has a gray copy"),
        "{told}"
    );

    let unknown = ingress("", &format!("ingressClassName: haproxy, {RULE}"));
    let told = refused(&(web() + SERVICE + &unknown), &spec_of("", ENTRY));
    assert!(
        told.contains("the class `haproxy`") && told.contains("gateway: {class: mse}"),
        "{told}"
    );
}

#[test]
fn a_canary_keeps_its_class_in_either_form_and_drops_what_leads_elsewhere() {
    let annotated = ingress(
        ", annotations: {kubernetes.io/ingress.class: mse}",
        "rules: [{host: a.example.com, http: {paths: [{path: /r, pathType: Prefix, backend: {resource: {kind: Bucket, name: web}}}, \
         {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}, {host: b.example.com}]",
    );
    let release = lane(&(web() + SERVICE + &annotated), &spec_of("", ENTRY));
    let gray = object(&release, "Ingress/i-mse-gray");
    assert_eq!(at(gray, "/metadata/annotations/kubernetes.io~1ingress.class"), "\"mse\"");
    assert_eq!(at(gray, "/spec/rules/0/http/paths/0/path"), "\"/\"");
    assert_eq!(at(gray, "/spec/rules/0/http/paths/1"), "nothing");
    assert_eq!(at(gray, "/spec/rules/1"), "nothing");
}

#[test]
fn header_values_come_through_unharmed() {
    for (value, expected) in [
        ("exact: always", "\"always\""),
        ("exact: \"1.5|x*\"", "\"1.5|x*\""),
        ("exact: \"true\"", "\"true\""),
    ] {
        let entry = format!("    entry: {{match: {{headers: [{{name: x-user, {value}}}]}}}}\n");
        let manifests = web() + SERVICE + &ingress("", &format!("ingressClassName: mse, {RULE}"));
        let release = lane(&manifests, &spec_of("", &entry));
        let gray = object(&release, "Ingress/i-mse-gray");
        let text = gray.to_text();
        let again = parse(Source::new("a", text.clone())).unwrap();
        let key = "/metadata/annotations/nginx.ingress.kubernetes.io~1canary-by-header-value";
        assert_eq!(at(&again.documents[0], key), expected, "{text}");
    }
    let manifests = web() + SERVICE + &ingress("", &format!("ingressClassName: mse, {RULE}"));
    for value in ["\"a\\nb\"", "'a\"b'"] {
        let entry =
            format!("    entry: {{match: {{headers: [{{name: x-user, exact: {value}}}]}}}}\n");
        assert!(refused(&manifests, &spec_of("", &entry)).contains("value of a match"));
    }
}

#[test]
fn notes_read_as_sentences() {
    let manifests = web() + SERVICE + &autoscaler("web", "web");
    let notes = shown(&lane(&manifests, &spec_of("", "")).lane.notes);
    assert!(
        notes.contains("HorizontalPodAutoscaler/web of `web` is not copied: its minimum overrides"),
        "{notes}"
    );
    let stateful = web().replace("kind: Deployment", "kind: StatefulSet");
    let told = refused(&stateful, &spec_of("", "    workload: StatefulSet/web\n"));
    assert!(
        told.contains("a StatefulSet is not copied by default: its pods get new, empty volumes"),
        "{told}"
    );
}
