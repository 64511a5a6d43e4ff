//! The YAML layer against other readers: PyYAML (YAML 1.1) and kubectl (what Kubernetes reads).
//!
//! Both are asked offline and in few runs. Where one is not installed, its tests say so and pass.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path as FsPath;
use std::process::{Command, Stdio};

use graylane::yaml::{
    Document, NodeKind, NodeRef, Path, ScalarStyle, Segment, Source, Value, parse,
};
use serde_json::Value as Json;

/// Prints every document of every text as nodes: `["m", [[key, tag, node]…]]`, `["q", [node…]]`,
/// `["s", tag, text]`, merge keys applied. A text that PyYAML refuses is a string.
const PYYAML: &str = r#"
import json, sys, yaml
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MERGE = "tag:yaml.org,2002:merge"
def entries(node):
    own = [(k, v) for k, v in node.value if k.tag != MERGE]
    known = {k.value for k, v in own}
    for k, v in node.value:
        if k.tag == MERGE:
            for source in (v.value if isinstance(v, yaml.SequenceNode) else [v]):
                for key, value in entries(source):
                    if key.value not in known:
                        known.add(key.value)
                        own.append((key, value))
    return own
def plain(node):
    if isinstance(node, yaml.MappingNode):
        return ["m", [[k.value, k.tag.split(":")[-1], plain(v)] for k, v in entries(node)]]
    if isinstance(node, yaml.SequenceNode):
        return ["q", [plain(v) for v in node.value]]
    return ["s", node.tag.split(":")[-1], node.value]
out = []
for text in json.load(sys.stdin):
    try:
        out.append([plain(node) for node in yaml.compose_all(text, Loader=Loader)])
    except yaml.YAMLError as error:
        out.append(str(error))
json.dump(out, sys.stdout)
"#;

fn is_installed(program: &str, arguments: &[&str]) -> bool {
    let run = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let installed = run.is_ok_and(|status| status.success());
    if !installed {
        let _ = writeln!(std::io::stderr(), "skipped: {program} {} fails", arguments.join(" "));
    }
    installed
}

/// What PyYAML reads in each text: its documents, or why it refuses it.
fn pyyaml(texts: &[String]) -> Option<Vec<Json>> {
    if !is_installed("python3", &["-c", "import yaml"]) {
        return None;
    }
    let mut child = Command::new("python3")
        .args(["-c", PYYAML])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = serde_json::to_vec(texts).unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), texts.len());
    Some(answers)
}

/// What kubectl reads: one JSON object for each text, which must be one Kubernetes object.
fn kubectl(texts: &[String]) -> Option<Vec<Json>> {
    if !is_installed("kubectl", &["version", "--client"]) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    for (index, text) in texts.iter().enumerate() {
        fs::write(folder.path().join(format!("{index:06}.yaml")), text).unwrap();
    }
    let output = Command::new("kubectl")
        .args(["label", "--local", "--overwrite", "zz=b", "-o", "json", "-f"])
        .arg(folder.path())
        .env("KUBECONFIG", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let objects: Result<Vec<Json>, _> =
        serde_json::Deserializer::from_slice(&output.stdout).into_iter().collect();
    let objects = objects.unwrap();
    assert_eq!(objects.len(), texts.len());
    Some(objects)
}

/// Where PyYAML reads something else than the tree holds.
fn pyyaml_differences(node: NodeRef<'_>, read: &Json, at: &Path, out: &mut Vec<String>) {
    match (node.kind(), read[0].as_str()) {
        (NodeKind::Mapping, Some("m")) => {
            let entries = read[1].as_array().unwrap();
            if entries.len() != node.len() {
                out.push(format!("{at}: {} entries, not {}", entries.len(), node.len()));
            }
            for entry in entries {
                let key = entry[0].as_str().unwrap();
                match node.get(key) {
                    Some(value) => {
                        pyyaml_differences(value, &entry[2], &at.key(key.to_owned()), out)
                    }
                    None => out.push(format!("{at}: PyYAML reads a key {key:?}")),
                }
            }
        }
        (NodeKind::Sequence, Some("q")) if read[1].as_array().unwrap().len() == node.len() => {
            let items = read[1].as_array().unwrap();
            for (index, (item, read)) in node.items().zip(items).enumerate() {
                pyyaml_differences(item, read, &at.index(index), out);
            }
        }
        (NodeKind::Scalar, Some("s")) => {
            // A plain scalar of the source may have another type in YAML 1.1 (`2024-01-01`).
            let must_be_string =
                node.as_str().is_some() && node.scalar_style() != ScalarStyle::Plain;
            let is_string = read[1] == "str";
            if node.text() != read[2].as_str() || (must_be_string && !is_string) {
                out.push(format!("{at}: PyYAML reads {read}, not {node:?}"));
            }
        }
        _ => out.push(format!("{at}: PyYAML reads {read}, not {node:?}")),
    }
}

/// Where kubectl reads something else than the tree holds.
fn json_differences(expected: &Json, read: &Json, at: &str, out: &mut Vec<String>) {
    match (expected, read) {
        (Json::Object(a), Json::Object(b)) => {
            let missing = b.keys().filter(|key| !a.contains_key(*key));
            out.extend(missing.map(|key| format!("{at}: the tree has no key {key:?}")));
            for (key, value) in a {
                let other = b.get(key).unwrap_or(&Json::Null);
                json_differences(value, other, &format!("{at}/{key}"), out);
                if !b.contains_key(key) {
                    out.push(format!("{at}: kubectl reads no key {key:?}"));
                }
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                json_differences(a, b, &format!("{at}/{index}"), out);
            }
        }
        (Json::Number(a), Json::Number(b)) if a.as_f64() == b.as_f64() => {}
        (a, b) if a == b => {}
        (a, b) => out.push(format!("{at}: kubectl reads {b}, not {a}")),
    }
}

/// Compares documents and their texts by both readers.
fn check(documents: &[(String, Document)]) {
    let texts: Vec<String> = documents.iter().map(|(_, document)| document.to_text()).collect();
    if let Some(answers) = pyyaml(&texts) {
        for (((name, document), text), answer) in documents.iter().zip(&texts).zip(&answers) {
            let read = match answer.as_array() {
                Some(read) if read.len() == 1 => &read[0],
                Some(read) if read.is_empty() && document.is_empty() => continue,
                _ => panic!("{name}: PyYAML says {answer}\n{}", start(text)),
            };
            let mut differences = Vec::new();
            pyyaml_differences(document.root(), read, &Path::root(), &mut differences);
            assert!(differences.is_empty(), "{name}:\n{}\n{}", differences.join("\n"), start(text));
        }
    }
    let objects: Vec<usize> =
        (0..documents.len()).filter(|index| is_object(documents[*index].1.root())).collect();
    let object_texts: Vec<String> = objects.iter().map(|index| texts[*index].clone()).collect();
    if let Some(answers) = kubectl(&object_texts) {
        for (index, read) in objects.into_iter().zip(answers) {
            let (name, document) = &documents[index];
            let mut expected = document.root().to_json();
            expected["metadata"]["labels"]["zz"] = Json::from("b");
            let mut differences = Vec::new();
            json_differences(&expected, &read, "", &mut differences);
            assert!(
                differences.is_empty(),
                "{name}:
{}
{}",
                differences.join(
                    "
"
                ),
                start(&texts[index])
            );
        }
    }
}

/// As much of a text as helps to see what is wrong with it.
fn start(text: &str) -> String {
    text.chars().take(3000).collect()
}

/// Whether kubectl takes it for one object.
fn is_object(root: NodeRef<'_>) -> bool {
    let text = |keys: &[&str]| root.at(keys).and_then(NodeRef::as_str);
    let kind = text(&["kind"]);
    text(&["apiVersion"]).is_some()
        && kind.is_some_and(|kind| !kind.ends_with("List"))
        && text(&["metadata", "name"]).is_some()
}

/// Pseudo-random numbers (SplitMix64): the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % bound.max(1)
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// A string made to be misread.
    fn hostile(&mut self) -> String {
        let mut text = String::new();
        match self.below(5) {
            0 => return self.pick(HARD_STRINGS).to_owned(),
            1 => {
                for _ in 0..self.below(4) {
                    text.push_str(self.pick(HARD_STRINGS));
                }
            }
            2 => {
                for _ in 0..self.below(12) {
                    text.push_str(
                        self.pick(&["0", "1", "7", "_", ".", "e", "+", "-", ":", "x", "o", "b"]),
                    );
                }
            }
            3 => {
                for _ in 0..self.below(24) {
                    text.push_str(self.pick(PIECES));
                }
            }
            _ => {
                for _ in 0..self.below(12) {
                    let code = [0x80, 0x100, 0x3000, 0x11_0000][self.below(4)];
                    text.extend(char::from_u32(self.below(code) as u32));
                }
            }
        }
        text
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 5 } else { 8 }) {
            0..=2 => Value::string(self.hostile()),
            3 => {
                let styles = [
                    ScalarStyle::SingleQuoted,
                    ScalarStyle::DoubleQuoted,
                    ScalarStyle::Literal,
                    ScalarStyle::Folded,
                    ScalarStyle::Plain,
                ];
                Value::String(self.hostile(), styles[self.below(5)])
            }
            4 => Value::Plain(self.pick(&["1", "true", "null", "0644", "1.10", "-3", "~"]).into()),
            5 => Value::Sequence((0..self.below(4)).map(|_| self.value(depth - 1)).collect()),
            _ => {
                let keys: BTreeSet<String> = (0..self.below(4)).map(|_| self.hostile()).collect();
                Value::Mapping(keys.into_iter().map(|key| (key, self.value(depth - 1))).collect())
            }
        }
    }

    /// One edit outside of what makes the document an object.
    fn edit(&mut self, document: &mut Document) {
        let mut all = Vec::new();
        paths(document.root(), &Path::root(), &mut all);
        all.retain(|path| match path.segments() {
            [] => false,
            [Segment::Key(key), ..] => !matches!(key.as_ref(), "apiVersion" | "kind" | "metadata"),
            _ => true,
        });
        if all.is_empty() {
            return;
        }
        let at = &all[self.below(all.len())];
        let kind = document.find(at).map(NodeRef::kind);
        match (self.below(4), kind) {
            (0, _) => {
                document.remove(at).unwrap();
            }
            (1 | 2, Some(NodeKind::Mapping)) => {
                let key = self.hostile();
                document.set(&at.key(key), self.value(2)).unwrap();
            }
            (1 | 2, Some(NodeKind::Sequence)) => {
                let index = self.below(4);
                document.insert(at, index, self.value(2)).unwrap();
            }
            _ => document.set(at, self.value(2)).unwrap(),
        }
    }
}

/// The hard cases: what some reader takes for something else, or cannot hold unescaped.
#[rustfmt::skip]
const HARD_STRINGS: &[&str] = &[
    "on", "off", "yes", "no", "y", "n", "Y", "N", "TRUE", "False", "null", "Null", "~", "", " ",
    "0777", "0o777", "0o17", "0O17", "0X1F", "0x1F", "+0x1f", "018", "0b101", "0B101", "1_000",
    "0_7", "1__0", "1_", "0b_1", "685_230.15", "1_0.5", "1e3", "1E3", "1.10", "1.", ".5", "+5",
    "-0", "12:30:45", "1:1", "190:20:30", "190:20:30.15", "2024-01-01",
    "2001-12-14t21:59:43.10-05:00", "2024-01-01 10:00:00", ".inf", "+.inf", "-.INF", ".nan",
    ".NaN", "inf", "nan", "=", "<<", "*", "&", "&a", "*a", "!", "!!str", "!t x", "@a", "`a", "%a",
    "#a", "a #b", "a: b", "a:", ":", ": ", ":a", "-", "- a", "-a", "--- a", "---", "...", "?",
    "? a", "?a", "|", ">", "|-", ">+", "{", "}", "{a", "[", "]", ",", "'", "''", "\"", "\"\"",
    "\\", "\\n", "it's", "a'b\"c", "{{ .Values.a }}", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "a\n\n", "\n", "\n\n", " a\nb\n", "a\n b\n",
    "\ta\n", "a\n\tb", "a\n \nb", "a\n\n\nb\n", "a\nb", "a\nb ", "a \nb\n", "a\r\nb", "a\rb",
    "\r", "\t", "a\t", "\ta", " a", "a ", "# a\nb\n", "- a\n- b\n", "a: b\nc: d\n", "---\na\n",
    "a\n---\nb\n", "...\n", "a\n...\n", "\u{7}", "\u{b}", "\u{c}", "\u{0}", "\u{1b}", "\u{7f}",
    "\u{80}", "\u{85}", "a\u{85}b", "\u{9f}", "\u{a0}", "\u{ad}", "\u{2028}", "a\n\u{2028}",
    "\u{2029}", "\u{feff}", "\u{feff}x", "x\u{feff}", "\u{fffd}", "\u{ffff}", "\u{fffe}",
    "\u{e000}", "\u{d7ff}", "\u{10000}", "\u{1f600}", "\u{10ffff}", "中文", "é", "e\u{301}",
    "\u{200b}", "tag:yaml.org,2002:str", "${A}", "$(A)", "a, b", "a,b", "[a]", "{a: b}",
    "http://a:80/b?c#d",
];

#[rustfmt::skip]
const PIECES: &[&str] = &[
    "a", "b", " ", "  ", "\t", "\n", "\n\n", ":", ": ", "#", " #", "'", "\"", "\\", "|", ">", "&",
    "*", "!", "%", "@", "{", "}", "[", "]", ",", "?", "? ", "=", "-", "- ", "---", "...", "~",
    "<<", "0", "1", "\r", "\u{85}", "\u{2028}", "é", "\u{1f600}",
];

/// Every path of a document.
fn paths(node: NodeRef<'_>, at: &Path, out: &mut Vec<Path>) {
    out.push(at.clone());
    for (key, value) in node.entries() {
        paths(value, &at.key(key.to_owned()), out);
    }
    for (index, value) in node.items().enumerate() {
        paths(value, &at.index(index), out);
    }
}

/// The documents of the examples, and of shared data where it is there.
fn real_documents() -> Vec<(String, Document)> {
    let root = FsPath::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = Vec::new();
    for folder in ["examples", "../shared/data"] {
        let walk = walkdir::WalkDir::new(root.join(folder)).sort_by_file_name();
        for entry in walk.into_iter().filter_map(Result::ok) {
            // A template is no YAML before it is rendered.
            let is_template = entry.path().to_string_lossy().contains("/orchestration/");
            if is_template || entry.path().extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let text = fs::read_to_string(entry.path()).unwrap();
            let name = entry.path().display().to_string();
            let stream = parse(Source::new(name.as_str(), text)).unwrap();
            documents.extend(stream.documents.into_iter().map(|document| (name.clone(), document)));
        }
    }
    assert!(!documents.is_empty());
    documents
}

#[test]
fn real_documents_are_read_alike() {
    check(&real_documents());
}

#[test]
fn edited_real_documents_are_read_alike() {
    let mut random = Random(1);
    let real: Vec<_> = real_documents()
        .into_iter()
        .filter(|(_, document)| document.to_text().len() < 20_000)
        .collect();
    let mut edited = Vec::new();
    for _ in 0..4 {
        for (name, document) in &real {
            let mut document = document.clone();
            for _ in 0..=random.below(4) {
                random.edit(&mut document);
            }
            edited.push((name.clone(), document));
        }
    }
    check(&edited);
}

/// ConfigMaps that hold strings as values and as keys, in block and in flow style.
fn config_maps(strings: &[String]) -> Vec<(String, Document)> {
    const HOSTS: [(&str, &str); 3] = [
        ("block", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  seed: x\n"),
        ("flow", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {seed: x}\n"),
        (
            "JSON",
            "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"a\"}, \
             \"data\": {\"seed\": \"x\"}}\n",
        ),
    ];
    const STYLES: [ScalarStyle; 6] = [
        ScalarStyle::Auto,
        ScalarStyle::Plain,
        ScalarStyle::SingleQuoted,
        ScalarStyle::DoubleQuoted,
        ScalarStyle::Literal,
        ScalarStyle::Folded,
    ];
    let mut documents = Vec::new();
    for (number, batch) in strings.chunks(250).enumerate() {
        for (host, text) in HOSTS {
            let fresh = || {
                let source = Source::new("host.yaml", text.to_owned());
                parse(source).unwrap().documents.remove(0)
            };
            let data = Path::keys(["data"]);
            let (mut values, mut keys) = (fresh(), fresh());
            for (index, string) in batch.iter().enumerate() {
                let value = Value::String(string.clone(), STYLES[index % STYLES.len()]);
                values.set(&data.key(format!("k{index}")), value).unwrap();
                keys.set(&data.key(string.clone()), Value::string(format!("v{index}"))).unwrap();
            }
            documents.push((format!("values in {host}, batch {number}"), values));
            documents.push((format!("keys in {host}, batch {number}"), keys));
        }
    }
    documents
}

#[test]
fn hostile_strings_are_read_back() {
    let mut random = Random(2);
    let mut strings: BTreeSet<String> =
        HARD_STRINGS.iter().map(|text| (*text).to_owned()).collect();
    while strings.len() < 10_500 {
        strings.insert(random.hostile());
    }
    check(&config_maps(&strings.into_iter().collect::<Vec<_>>()));
}

/// Plain scalars mean to kubectl what the tree says they mean.
#[test]
fn plain_scalars_have_the_type_that_kubectl_reads() {
    let mut random = Random(3);
    let mut text = "apiVersion: v1\nkind: Plain\nmetadata:\n  name: a\nspec:\n".to_owned();
    let mut plain: BTreeSet<String> = HARD_STRINGS.iter().map(|text| (*text).to_owned()).collect();
    for _ in 0..4000 {
        plain.insert(
            (0..=random.below(7))
                .map(|_| {
                    random.pick(&[
                        "0", "1", "7", "8", "_", ".", "e", "E", "+", "-", ":", "x", "o", "b", "f",
                    ])
                })
                .collect(),
        );
    }
    let is_token = |text: &&String| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.+-:~".contains(c);
        text.chars().all(allowed)
            && !text.ends_with(':')
            && !text.starts_with(":")
            && !matches!(text.as_str(), "-" | "---" | "...")
            // JSON has no such numbers: kubectl refuses them.
            && !text.to_ascii_lowercase().ends_with(".inf")
            && !text.to_ascii_lowercase().ends_with(".nan")
    };
    for (index, scalar) in plain.iter().filter(is_token).enumerate() {
        writeln!(text, "  k{index}: {scalar}").unwrap();
    }
    let stream = parse(Source::new("plain.yaml", text)).unwrap();
    check(&[("plain scalars".to_owned(), stream.documents[0].clone())]);
}

/// Lists and mappings whose lines stand at or left of their key, as Kubernetes readers take them.
const UNDER_INDENTED_FLOW: &[&str] = &[
    "data:\n  a: [\n    \"x\",\n    \"y\"\n  ]\n",
    "data:\n  - a: [\n      'x',\n      'y'\n    ]\n    b: 1\n",
    "data:\n  a: [\n    \"x\"\n]\n  b: {\n\"k\": \"v\",\nl: w,\n}\n",
    "data:\n  a:\n    b: [\nx,\n# comment\n  y y\n  z, [\n\"p\"\n], {\n'q': 'r'\n}\n]\n",
    "data:\r\n  a: {\r\n    \"k\": \"v\"\r\n  }\r\n",
    "data:\n  é: [ # [\n    \"]\", \"a\n b\"\n  ] # end\n  b: [[\n  \"x\"\n  ],\n  [\"y\"\n  ]]\n",
];

#[test]
fn lines_in_brackets_need_no_indentation() {
    let mut documents = Vec::new();
    for data in UNDER_INDENTED_FLOW {
        let text = format!("apiVersion: example.com/v1\nkind: Odd\nmetadata: {{name: a}}\n{data}");
        let stream = parse(Source::new("t.yaml", text.clone())).unwrap();
        assert_eq!(stream.to_text(), text);
        let mut document = stream.documents.into_iter().next().unwrap();
        documents.push((text.clone(), document.clone()));
        document.set(&Path::keys(["metadata", "labels", "new"]), Value::string("x")).unwrap();
        documents.push((format!("{text}, edited"), document));
    }
    check(&documents);
    let error = |text: &str| parse(Source::new("t.yaml", text.to_owned())).unwrap_err();
    let place = error("data:\n  a: [\n    \"x\"\n  ] ]\n").place.unwrap();
    assert_eq!((place.line, place.column), (4, 5));
    let many = format!("a:\n  b: [{}\n]\n", "\n\"x\",".repeat(100));
    assert!(error(&many).message.contains("lists in brackets"), "{}", error(&many));
    assert!(error(&many).place.is_some_and(|place| place.line > 60), "{}", error(&many));
    // No reader takes these.
    for (text, what) in [
        ("a:\n  b: {k: |\n}\n", "a block scalar inside of brackets"),
        ("a: [x, >\n  y\n  ]\n", "a block scalar inside of brackets"),
        ("a: {b: 1,\n  c\n  : 2}\n", "a `:` on another line than its key"),
    ] {
        assert!(error(text).message.contains(what), "{text}{}", error(text));
    }
}
