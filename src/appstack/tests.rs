use std::process::{Command, Stdio};

use super::*;
use crate::yaml::parse;

const VALUES: &str = "namespace: prod\nreplicas: 3\nratio: 0.5\nmany: 1e6\nbig: 1234567.5\non: true\noff: false\nempty: ''\nnothing:\nlist: [1]\nnone: []\nnested: {key: deep, more: {x: 1}}\n";

fn environment() -> Environment {
    let values = parse(Source::new("values.yaml", VALUES.to_owned())).unwrap();
    Environment::new("gray", [("backend", "registry/app:1")], Datum::of(values.documents[0].root()))
}

fn rendered(template: &str) -> Result<String, String> {
    let source = Source::new("t.yaml", template.to_owned());
    match render(&source, &environment()) {
        Ok(source) => Ok(source.text().to_owned()),
        Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
    }
}

/// Templates with what comes of them; `None` where Go refuses them too.
const TABLE: [(&str, Option<&str>); 66] = [
    ("", Some("")),
    ("plain } text }}", Some("plain } text }}")),
    ("a-{{.AppStack.envName}}-b", Some("a-gray-b")),
    ("{{ .AppStack.image.backend }}", Some("registry/app:1")),
    ("{{ .Values.namespace }} {{ .Values.replicas }} {{ .Values.ratio }}", Some("prod 3 0.5")),
    ("{{ .Values.many }} {{ .Values.big }} {{ .Values.on }}", Some("1e+06 1.2345675e+06 true")),
    ("{{ .Values.nested.key }}{{ .Values.nested.more.x }}", Some("deep1")),
    ("{{ .Values.empty }}|", Some("|")),
    ("{{ if eq .AppStack.envName \"gray\" }}yes{{ end }}", Some("yes")),
    ("{{ if eq .AppStack.envName \"prod\" }}yes{{ end }}", Some("")),
    ("{{ if eq .AppStack.envName \"prod\" \"gray\" }}yes{{ else }}no{{ end }}", Some("yes")),
    ("{{ if ne .AppStack.envName \"prod\" }}a{{ else if .Values.on }}b{{ end }}", Some("a")),
    ("{{ if .Values.off }}a{{ else if .Values.on }}b{{ else }}c{{ end }}", Some("b")),
    ("{{ if .Values.off }}a{{ else if .Values.empty }}b{{ else }}c{{ end }}", Some("c")),
    ("{{if .Values.nothing}}a{{else}}b{{end}}{{if .Values.list}}c{{end}}", Some("bc")),
    ("{{if .Values.none}}a{{else}}b{{end}}{{if .Values.nested}}c{{end}}", Some("bc")),
    ("{{if and .Values.on (eq .Values.replicas 3)}}a{{end}}", Some("a")),
    ("{{if or .Values.off (not .Values.off)}}a{{end}}", Some("a")),
    ("{{ and .Values.on .Values.namespace }} {{ or .Values.empty \"x\" }}", Some("prod x")),
    ("{{ not .Values.on }} {{ not .Values.nothing }}", Some("false true")),
    ("{{ and .Values.off .Values.missing }}{{ or 1 .Values.missing }}", Some("false1")),
    ("{{ if .Values.off }}{{ .Values.missing }}{{ end }}", Some("")),
    ("a \n {{- \"x\" -}} \n b", Some("axb")),
    ("a {{- /* c */ -}} b{{/* d\n */}}!", Some("ab!")),
    ("{{- 3 -}} x {{-3 -}} y", Some("3x -3y")),
    ("{{\"a\\tb\\u00e9\\\"\\x41\"}}{{`raw\\n`}}", Some("a\tbé\"Araw\\n")),
    ("{{ 1.50 }} {{ -0.0 }} {{ 1e3 }} {{ +7 }} {{ .5 }}", Some("1.5 -0 1000 7 0.5")),
    ("{{ eq .Values.nothing nil }} {{ eq .Values.namespace nil }}", Some("true false")),
    ("{{ eq .Values.nested nil }} {{ eq nil nil }}", Some("false true")),
    ("{{ eq 1 1 \"a\" }} {{ (eq 1 1) }} {{ ( \"x\" ) }}", Some("true true x")),
    ("{{ eq .Values.on true }}{{ ne 1.5 .Values.ratio }}", Some("truetrue")),
    ("{{ if\n eq\t.AppStack.envName\n\"gray\"\n}}x{{\nend\n}}", Some("x")),
    ("{{ if .Values.on }}{{ if .Values.off }}a{{ else }}b{{ end }}c{{ end }}", Some("bc")),
    ("{{ \"}}\" }}", Some("}}")),
    ("{{.AppStack.envName}}{{- `-` -}}{{.AppStack.envName}}", Some("gray-gray")),
    ("{{ . ", None),
    ("{{ .Values.missing }}", None),
    ("{{ .AppStack.image.frontend }}", None),
    ("{{ .Values.namespace.x }}", None),
    ("{{ .Values.nothing.x }}", None),
    ("{{ if .Values.missing }}a{{ end }}", None),
    ("{{ eq .Values.replicas \"3\" }}", None),
    ("{{ eq .Values.replicas 3.0 }}", None),
    ("{{ eq .Values.list .Values.list }}", None),
    ("{{ eq .Values.nested .Values.list }}", None),
    ("{{ eq \"a\" }}", None),
    ("{{ ne 1 2 3 }}", None),
    ("{{ not }}", None),
    ("{{ and }}", None),
    ("{{ }}", None),
    ("{{ if }}a{{ end }}", None),
    ("{{ end }}", None),
    ("{{ else }}", None),
    ("{{ if .Values.on }}a", None),
    ("{{ if .Values.on }}a{{ else }}b{{ else }}c{{ end }}", None),
    ("{{ .Values.my-key }}", None),
    ("{{ \"a\" \"b\" }}", None),
    ("{{ eq \"a\"\"b\" }}", None),
    ("{{ eq .Values.on(true) }}", None),
    ("{{ (eq 1 1 }}", None),
    ("{{ eq 1 1) }}", None),
    ("{{ \"a }}", None),
    ("{{ /* a */ }}", None),
    ("{{/* a */ x}}", None),
    ("{{ nil }}", None),
    ("{{ if .Values.on }}a{{ end x }}", None),
];

#[test]
fn templates_come_out_as_they_should() {
    for (template, wanted) in TABLE {
        let result = rendered(template);
        assert_eq!(result.as_deref().ok(), wanted, "{template}: {result:?}");
    }
}

/// A program that renders the templates of its input (JSON) as Go does.
const REFEREE: &str = r#"package main

import (
	"encoding/json"
	"os"
	"strings"
	"text/template"
)

func main() {
	var templates []string
	if err := json.NewDecoder(os.Stdin).Decode(&templates); err != nil {
		panic(err)
	}
	data := map[string]any{
		"AppStack": map[string]any{"envName": "gray", "image": map[string]string{"backend": "registry/app:1"}},
		"Values": map[string]any{
			"namespace": "prod", "replicas": 3, "ratio": 0.5, "many": 1e6, "big": 1234567.5,
			"on": true, "off": false, "empty": "", "nothing": nil, "list": []any{1}, "none": []any{},
			"nested": map[string]any{"key": "deep", "more": map[string]any{"x": 1}},
		},
	}
	results := []*string{}
	for _, text := range templates {
		var out strings.Builder
		parsed, err := template.New("t").Option("missingkey=error").Parse(text)
		if err == nil {
			err = parsed.Execute(&out, data)
		}
		if err != nil {
			results = append(results, nil)
			continue
		}
		result := out.String()
		results = append(results, &result)
	}
	json.NewEncoder(os.Stdout).Encode(results)
}
"#;

/// What Go makes of the templates; `None` where Go is not installed or does not run here.
fn referee(templates: &[&str]) -> Option<Vec<Option<String>>> {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("referee.go");
    std::fs::write(&program, REFEREE).unwrap();
    let find = |program: &str| {
        Command::new(program).arg("version").output().ok().map(|_| program.to_owned())
    };
    let go = find("go").or_else(|| find("/usr/local/go/bin/go"))?;
    let mut child = Command::new(go)
        .arg("run")
        .arg(&program)
        .current_dir(directory.path())
        .env("GOCACHE", std::env::temp_dir().join("graylane-go-cache"))
        .envs([
            ("GOFLAGS", ""),
            ("GO111MODULE", "off"),
            ("GOTOOLCHAIN", "local"),
            ("GOPROXY", "off"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    serde_json::to_writer(child.stdin.take()?, templates).ok()?;
    let output = child.wait_with_output().ok()?;
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// What random templates are put together from.
const PARTS: [&str; 48] = [
    "{{",
    "{{- ",
    "{{-",
    "}}",
    " -}}",
    "-}}",
    " ",
    "\n",
    "text",
    "{{ end }}",
    "{{end}}",
    "{{ else }}",
    "{{ if eq .AppStack.envName \"gray\" }}",
    "{{- if .Values.off -}}",
    "{{ else if not .Values.off }}",
    "{{ .Values.ratio }}",
    "{{/* c */}}",
    "{{- /* c */ -}}",
    "/*",
    "*/",
    "if ",
    "else",
    "end",
    "eq",
    "ne",
    "and",
    "or",
    "not",
    "(",
    ")",
    ".Values.on",
    ".Values.namespace",
    ".Values.replicas",
    ".Values.nested.key",
    ".Values.nothing",
    ".Values.missing",
    ".AppStack.envName",
    "\"gray\"",
    "`x`",
    "3",
    "-3",
    "1.5",
    "true",
    "nil",
    "e",
    "\\",
    "\"",
    ".",
];

/// Templates put together at random, the same each time.
fn random_templates(count: usize) -> Vec<String> {
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).unwrap()
    };
    let template = |_| (0..=below(14)).map(|_| PARTS[below(PARTS.len())]).collect();
    (0..count).map(template).collect()
}

#[test]
fn go_agrees() {
    let random = random_templates(2000);
    let listed = TABLE.iter().map(|(template, _)| *template);
    let templates: Vec<&str> = listed.chain(random.iter().map(String::as_str)).collect();
    let Some(results) = referee(&templates) else { return };
    assert_eq!(results.len(), templates.len());
    for ((template, wanted), go) in TABLE.iter().zip(&results) {
        assert_eq!(go.as_deref(), *wanted, "{template}");
    }
    for (template, go) in templates.iter().zip(results) {
        match (rendered(template), go) {
            (Ok(text), go) => assert_eq!(Some(text), go, "{template}"),
            (Err(_), None) => {}
            // Go renders more, and writes what no manifest means.
            (Err(why), Some(go)) => assert!(
                why.contains("is not rendered here") || go.contains("<no value>"),
                "{template}: {go}: {why}"
            ),
        }
    }
}

#[test]
fn what_is_not_rendered_is_refused_by_name_and_place() {
    for (action, name, column) in [
        ("{{ range .Values.list }}x{{ end }}", "`range`", 1),
        ("{{ with .Values.nested }}x{{ else }}y{{ end }}", "`with`", 1),
        ("{{ template \"x\" . }}", "`template`", 1),
        ("{{ define \"x\" }}{{ end }}", "`define`", 1),
        ("{{ .Values.a | quote }}", "pipeline", 14),
        ("{{ default 1 .Values.a }}", "`default`", 4),
        ("{{ include \"x\" . | indent 4 }}", "`include`", 4),
        ("{{ if hasKey . \"x\" }}x{{ end }}", "`hasKey`", 7),
        ("{{ eq (len .Values.list) 1 }}", "`len`", 8),
        ("{{ $x := 1 }}", "a variable", 4),
        ("{{ . }}", "(`.`)", 4),
        ("{{ 'a' }}", "character constant", 4),
        ("{{ 0x1F }}", "`0x1F`", 4),
        ("{{ 010 }}", "`010`", 4),
        ("{{ .Values.nested }}", "`.Values.nested` is a mapping", 1),
        ("{{ .Values.nothing }}", "null", 1),
        ("{{ and eq .Values.on true }}", "parentheses", 8),
    ] {
        let error = rendered(&format!("a: 1\n{action}\n")).unwrap_err();
        assert!(error.contains(name), "{action}: {error}");
        assert!(error.contains(&format!("t.yaml:2:{column}\n   2 | {action}\n")), "{error}");
        assert_eq!(error.matches("error:").count(), 1, "{error}");
    }
}

#[test]
fn everything_is_told_at_once() {
    let error = rendered("{{ .Values.namespce }}\n{{ range .x }}{{ quote 1 }}{{ end }}\n{{ .AppStack.image.web }}\n{{ .Appstack.envName }}\n{{ if .Values.x }}").unwrap_err();
    for told in [
        "did you mean `.Values.namespace`?",
        "`range`",
        "`quote`",
        "t.yaml:3:19",
        "there is `.AppStack.image.backend`; add it to `spec.appstack.images`",
        "did you mean `.AppStack`?",
        "has no `{{ end }}`",
    ] {
        assert!(error.contains(told), "{told}: {error}");
    }
}

#[test]
fn places_in_the_rendered_text_lead_to_the_template() {
    let text = "kind: A\n{{ if .Values.on -}}\nname: {{ .Values.namespace }}-{{ .Values.replicas }}\n{{ end -}}\nkind: B\n";
    let source = render(&Source::new("t.yaml", text.to_owned()), &environment()).unwrap();
    assert_eq!(source.text(), "kind: A\nname: prod-3\nkind: B\n");
    let error = parse(source).unwrap_err();
    assert!(error.to_string().contains("t.yaml:5:1\n   5 | kind: B\n"), "{error}");
}

#[test]
fn hostile_templates_end() {
    assert!(rendered(&"{{if 1}}".repeat(100_000)).is_err());
    assert!(rendered(&format!("{{{{ {}1", "(".repeat(100_000))).is_err());
    assert!(rendered(&format!("{{{{ {}1 }}}}", "(".repeat(100_000))).is_err());
    assert!(rendered(&"{{".repeat(10_000)).is_err());
    assert!(rendered("{{ \"\\").is_err() && rendered("{{ `").is_err() && rendered("{{-").is_err());
}

#[test]
fn other_templates_are_no_orchestrations() {
    assert!(is_orchestration("a: {{ .Values.x }}"));
    assert!(is_orchestration("{{ if eq .AppStack.envName \"x\" }}"));
    assert!(!is_orchestration("summary: '{{ $labels.pod }}' # .Values"));
}
