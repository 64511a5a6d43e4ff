//! The YAML layer against real documents: what is not edited stays, what is edited means what it should.

use std::fs;
use std::path::{Path as FsPath, PathBuf};

use graylane::yaml::{NodeKind, NodeRef, Path, ScalarStyle, Segment, Source, Stream, Value, parse};
use proptest::prelude::*;

fn load(text: &str) -> Stream {
    parse(Source::new("t.yaml", text.to_owned())).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Real documents: those of the examples, and shared data where it is there.
fn real_files() -> Vec<PathBuf> {
    let root = FsPath::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["examples", "tests/yaml", "../shared/data"] {
        let walk = walkdir::WalkDir::new(root.join(folder)).sort_by_file_name();
        for entry in walk.into_iter().filter_map(Result::ok) {
            if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "yaml" || extension == "json")
                // A template is no YAML before it is rendered.
                && !entry.path().to_string_lossy().contains("/orchestration/")
            {
                files.push(entry.into_path());
            }
        }
    }
    files
}

#[test]
fn real_documents_come_back_byte_for_byte() {
    let files = real_files();
    assert!(!files.is_empty());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let stream = load(&text);
        assert!(stream.to_text() == text, "{} changed", file.display());
    }
}

fn edited(text: &str, edit: impl FnOnce(&mut graylane::yaml::Document)) -> String {
    let mut stream = load(text);
    edit(&mut stream.documents[0]);
    let after = stream.to_text();
    let again = load(&after);
    assert_eq!(
        Value::from(again.documents[0].root()),
        Value::from(stream.documents[0].root()),
        "the text does not mean what the tree says:\n{after}"
    );
    after
}

fn path(text: &str) -> Path {
    Path::from_json_pointer(text).unwrap()
}

fn set(text: &str, at: &str, value: Value) -> String {
    edited(text, |document| document.set(&path(at), value).unwrap())
}

fn remove(text: &str, at: &str) -> String {
    edited(text, |document| assert!(document.remove(&path(at)).unwrap()))
}

#[test]
fn replaced_scalars_keep_their_surroundings() {
    assert_eq!(set("a: x  # why\nb: 1\n", "/a", Value::string("new")), "a: new  # why\nb: 1\n");
    assert_eq!(set("a: 'x'\n", "/a", Value::string("it's")), "a: 'it''s'\n");
    assert_eq!(set("a: x\n", "/a", Value::string("on")), "a: \"on\"\n");
    assert_eq!(set("a:\n  x # c\nb: 1\n", "/a", Value::string("new")), "a:\n  new # c\nb: 1\n");
    assert_eq!(set("a:   \nb: 1\n", "/a", Value::string("new")), "a: new\nb: 1\n");
    assert_eq!(set("a: x", "/a", Value::string("new")), "a: new");
    assert_eq!(set("a: x\r\nb: 1\r\n", "/a", Value::string("new")), "a: new\r\nb: 1\r\n");
    assert_eq!(set("a: |-\n  x\n  y\n\nb: 1\n", "/a", Value::string("z")), "a: z\n\nb: 1\n");
    assert_eq!(
        set("a: x # c\nb: 1\n", "/a", Value::string("y\nz\n")),
        "a: | # c\n  y\n  z\nb: 1\n"
    );
    assert_eq!(set("a: 'x y'\nb: z\n", "/c", Value::string("on")), "a: 'x y'\nb: z\nc: 'on'\n");
    assert_eq!(set("a: !!str 5\n", "/a", Value::int(6)), "a: 6\n");
}

#[test]
fn entries_are_added_in_the_style_around_them() {
    assert_eq!(
        set("a:\n    b: 1\nc: 2\n", "/a/d", Value::string("x")),
        "a:\n    b: 1\n    d: x\nc: 2\n"
    );
    assert_eq!(
        set("a:\n  b: 1\n  # end\n\nc: 2\n", "/a/d", Value::int(1)),
        "a:\n  b: 1\n  # end\n  d: 1\n\nc: 2\n"
    );
    assert_eq!(set("a: {}\n", "/a/b", Value::string("x")), "a:\n  b: x\n");
    assert_eq!(set("a: {b: 1}\n", "/a/c", Value::string("x")), "a: {b: 1, c: x}\n");
    assert_eq!(set("a: { b: 1 }\n", "/a/c", Value::string("x")), "a: { b: 1, c: x }\n");
    assert_eq!(
        set("{\"a\": {\"b\": 1}}\n", "/a/c", Value::string("x")),
        "{\"a\": {\"b\": 1, \"c\": \"x\"}}\n"
    );
    assert_eq!(
        set("{\n  \"a\": 1\n}\n", "/b", Value::string_map([("c", "d")])),
        "{\n  \"a\": 1,\n  \"b\": {\"c\": \"d\"}\n}\n"
    );
    assert_eq!(set("a: x", "/b", Value::string("new")), "a: x\nb: new\n");
    assert_eq!(set("a:\nb: 1\n", "/a/c", Value::string("x")), "a:\n  c: x\nb: 1\n");
    assert_eq!(
        set("- a: 1\n  b: 2\n- c\n", "/0/d", Value::int(3)),
        "- a: 1\n  b: 2\n  d: 3\n- c\n"
    );
    let list =
        Value::Sequence(vec![Value::string("x"), Value::string_map([("k", "v"), ("l", "w")])]);
    assert_eq!(
        set("a:\n  - 1\n", "/b", list.clone()),
        "a:\n  - 1\nb:\n  - x\n  - k: v\n    l: w\n"
    );
    assert_eq!(set("a:\n- 1\n", "/b", list), "a:\n- 1\nb:\n- x\n- k: v\n  l: w\n");
}

#[test]
fn blank_lines_stay_wherever_block_scalars_are() {
    let text = "list:\n  - name: a\n    args:\n      - |\n        run\n\n    tty: true\n\n  - name: b\n    run: |\n      x\n  # c\n\n  - name: c\n\nend: 1\n";
    let inserted = |at: &str| set(text, at, Value::string("v"));
    assert_eq!(inserted("/list/0/env"), text.replace("tty: true\n", "tty: true\n    env: v\n"));
    assert_eq!(inserted("/list/2/env"), text.replace("name: c\n", "name: c\n    env: v\n"));
    assert_eq!(inserted("/list/0/tty"), text.replace("tty: true\n", "tty: v\n"));
    assert_eq!(inserted("/end"), text.replace("end: 1", "end: v"));
    let after = remove(text, "/list/0/tty");
    assert!(!after.contains("tty") && after.ends_with("name: c\n\nend: 1\n"), "{after}");
    // What follows a new block scalar is still no part of it.
    let literal = Value::String("x\ny\n".into(), ScalarStyle::Literal);
    let after = set(text, "/list/0/tty", literal);
    assert!(after.contains("tty: |\n      x\n      y\n"), "{after}");
    let stream = load(&after);
    let read = stream.documents[0].find(&path("/list/0/tty")).unwrap();
    assert_eq!(read.as_str(), Some("x\ny\n"));
}

#[test]
fn entries_added_one_by_one_are_all_found() {
    let mut stream = load("seed: 0\n");
    let document = &mut stream.documents[0];
    for round in 0..2 {
        for key in 0..40 {
            document.set(&Path::root().key(format!("k{key}")), Value::int(round)).unwrap();
        }
    }
    let missing = (0..40).find(|key| document.at(&[&format!("k{key}")]).is_none());
    assert_eq!((missing, document.root().len()), (None, 41));
    for key in 0..40 {
        assert!(document.remove(&Path::root().key(format!("k{key}"))).unwrap());
    }
    assert_eq!(document.to_text(), "seed: 0\n");
}

#[test]
fn json_on_one_long_line_is_read_and_kept() {
    let items: Vec<String> = (0..20_000).map(|i| format!(r#"{{"a,b": "c\"\\, {i}"}}"#)).collect();
    let text = format!(r#"{{"kind": "List","items": [{}]}}"#, items.join(","));
    let mut stream = load(&text);
    assert!(stream.to_text() == text);
    let at = path("/items/7/a,b");
    assert_eq!(stream.documents[0].find(&at).unwrap().as_str(), Some(r#"c"\, 7"#));
    stream.documents[0].set(&at, Value::string("x")).unwrap();
    assert!(stream.to_text() == text.replace(r#""c\"\\, 7""#, r#""x""#));
    let cut = parse(Source::new("t.json", text[..text.len() - 2].to_owned())).unwrap_err();
    assert!(cut.message.contains("not valid JSON: EOF"), "{cut}");
}

#[test]
fn json_stays_json() {
    let text = "{\"a\": [\"x\"], \"b\": {\"c\": 1}}\n";
    for value in ["0644", "yes", "~", ".5", "1_000", "1.10"] {
        for at in ["/a/0", "/b/c", "/b/d", "/e"] {
            let after = set(text, at, Value::Plain(value.to_owned()));
            assert!(serde_json::from_str::<serde_json::Value>(&after).is_ok(), "{after}");
        }
    }
    let odd = Value::string_map([("\u{0}\u{7f}\u{85}\u{ffff}", "\u{1b}'\u{1f600}")]);
    let after = set(text, "/b/d", Value::Sequence(vec![odd]));
    assert!(serde_json::from_str::<serde_json::Value>(&after).is_ok(), "{after}");
}

#[test]
fn escaped_slashes_of_json_are_written_plainly() {
    let read = |text: &str| parse(Source::new("t.json", text.to_owned())).unwrap();
    for (text, expected) in [
        (r#"{"a": "x\/y\/"}"#, r#"{"a": "x/y/"}"#),
        (r#" ["\\/", "\\\/", "\"\/"]"#, r#" ["\\/", "\\/", "\"/"]"#),
        ("\u{feff}{\"a\\/b\": 1}\n", "\u{feff}{\"a/b\": 1}\n"),
        ("{\"a\": \"\\/\"}\n---\n{\"a\": \"é\\/\"}\n", "{\"a\": \"/\"}\n---\n{\"a\": \"é/\"}\n"),
        ("---\n{\"a\": \"\\/\"}\n---\na: '\\/'\n", "---\n{\"a\": \"/\"}\n---\na: '\\/'\n"),
        // No JSON: here a backslash is one.
        (r"{a: '\/', b: c\/d}", r"{a: '\/', b: c\/d}"),
        (r"a: \/", r"a: \/"),
    ] {
        let stream = read(text);
        assert_eq!(stream.to_text(), expected);
        let written = graylane::yaml::parse_as_written(Source::new("t.json", text.to_owned()));
        let written = written.unwrap();
        assert_eq!(written.to_text(), text);
        let values = |stream: &Stream| -> Vec<Value> {
            stream.documents.iter().map(|document| Value::from(document.root())).collect()
        };
        assert_eq!(values(&stream), values(&written), "{text}");
    }
    let text = "{\"a\": \"\\/\\/\", \"b\": 1,\n \"c\": [\"\\/\", 2]}";
    let stream = read(text);
    let place = |at: &[&str]| {
        let place = stream.documents[0].at(at).unwrap().value_place();
        let place = place.unwrap();
        (place.line, place.column, place.text)
    };
    assert_eq!(place(&["b"]), (1, 20, text.lines().next().unwrap().to_owned()));
    let list = stream.documents[0].at(&["c"]).unwrap();
    assert_eq!(list.item(1).unwrap().value_place().unwrap().column, 14);
}

#[test]
fn json_that_is_written_anew_has_what_yaml_forbids_as_escapes() {
    let text = r#"{"a": "\ud83d\ude00 \u007f\u0085\u2028\ufeff\ufffe\uffff\u0001 \/ é"}"#;
    let expected = "{\n  \"a\": \"😀 \\u007f\\u0085\\u2028\\ufeff\\ufffe\\uffff\\u0001 / é\"\n}\n";
    assert_eq!(load(text).to_text(), expected);
}

#[test]
fn removed_entries_leave_the_rest_alone() {
    assert_eq!(
        remove("a: 1 # x\n# about b\nb: 2\n\nc: 3\n", "/b"),
        "a: 1 # x\n# about b\n\nc: 3\n"
    );
    assert_eq!(remove("a:\n  b: 1\nc: 2\n", "/a/b"), "a: {}\nc: 2\n");
    assert_eq!(remove("a:\n  # kept\n  b: 1\nc: 2\n", "/a/b"), "a: {}\n  # kept\nc: 2\n");
    assert_eq!(remove("- a: 1\n  b: 2\n- c\n", "/0/a"), "- b: 2\n- c\n");
    assert_eq!(remove("- a: 1\n  # b\n  b: 2\n", "/0/a"), "-\n  # b\n  b: 2\n");
    assert_eq!(remove("a: {b: 1, c: 2, d: 3}\n", "/a/b"), "a: {c: 2, d: 3}\n");
    assert_eq!(remove("a: {b: 1, c: 2, d: 3}\n", "/a/c"), "a: {b: 1, d: 3}\n");
    assert_eq!(remove("a: { b: 1, c: 2 }\n", "/a/c"), "a: { b: 1 }\n");
    assert_eq!(remove("a: [1, 2]\n", "/a/0"), "a: [2]\n");
    assert_eq!(remove("a:\n- 1\n- 2\n- 3\n", "/a/1"), "a:\n- 1\n- 3\n");
    assert_eq!(remove("a: |+\n  x\nb: 1\n\nc: 2\n", "/b"), "a: |+\n  x\nc: 2\n");
    assert_eq!(remove("a: |\n  x\nb: 1\n    # deep\nc: 2\n", "/b"), "a: |\n  x\n# deep\nc: 2\n");
    assert_eq!(remove("a: 1\nb: 2", "/b"), "a: 1\n");
}

#[test]
fn sequences_take_elements_anywhere() {
    let insert = |text: &str, at: &str, index, value| {
        edited(text, |document| document.insert(&path(at), index, value).unwrap())
    };
    assert_eq!(insert("a:\n- 1\n- 2\n", "/a", 0, Value::int(0)), "a:\n- 0\n- 1\n- 2\n");
    assert_eq!(insert("a:\n- 1\n- 2\n", "/a", 1, Value::int(0)), "a:\n- 1\n- 0\n- 2\n");
    assert_eq!(
        insert("a:\n  - 1\n  - 2\nb: 1\n", "/a", 9, Value::int(0)),
        "a:\n  - 1\n  - 2\n  - 0\nb: 1\n"
    );
    assert_eq!(insert("a: [1, 2]\n", "/a", 0, Value::int(0)), "a: [0, 1, 2]\n");
    assert_eq!(insert("a: [1, 2]\n", "/a", 2, Value::int(0)), "a: [1, 2, 0]\n");
    assert_eq!(insert("a: []\n", "/a", 0, Value::int(0)), "a:\n- 0\n");
    assert_eq!(insert("- - 1\n  - 2\n", "/0", 0, Value::int(0)), "- - 0\n  - 1\n  - 2\n");
}

#[test]
fn aliases_are_written_out_only_where_an_edit_falls() {
    let text = "base: &l\n  app: web\nsel: *l\nother: &o {x: 1}\nuse: *o\n";
    assert_eq!(
        set(text, "/sel/app", Value::string("gray")),
        "base: &l\n  app: web\nsel:\n  app: gray\nother: &o {x: 1}\nuse: *o\n"
    );
    assert_eq!(
        set(text, "/base/app", Value::string("gray")),
        "base: &l\n  app: gray\nsel:\n  app: web\nother: &o {x: 1}\nuse: *o\n"
    );
    assert_eq!(remove(text, "/base"), "sel:\n  app: web\nother: &o {x: 1}\nuse: *o\n");
    assert_eq!(remove("- &c k: 1\n- *c\n", "/0"), "- k\n");
    assert_eq!(remove("- &c k: 1\n  l: 2\n- *c\n", "/0/k"), "- l: 2\n- k\n");
    assert_eq!(
        remove("a: &a {x: 1}\nb:\n  <<: *a\n  y: 1\n  z: 1\n", "/b/y"),
        "a: &a {x: 1}\nb:\n  <<: *a\n  z: 1\n"
    );
    let merged = "a: &a {x: 1, w: 2}\nb:\n  <<: *a\n  z: 3\n";
    assert_eq!(load(merged).documents[0].at(&["b", "w"]).unwrap().as_int(), Some(2));
    assert_eq!(
        set(merged, "/b/w", Value::int(5)),
        "a: &a {x: 1, w: 2}\nb:\n  <<: *a\n  z: 3\n  w: 5\n"
    );
    assert_eq!(remove(merged, "/b/w"), "a: &a {x: 1, w: 2}\nb:\n  z: 3\n  x: 1\n");
}

#[test]
fn hostile_input_is_refused_with_its_place() {
    let refused = |text: &str| parse(Source::new("t.yaml", text.to_owned())).unwrap_err();
    let twice = refused("a: 1\nb: 2\na: 3\n");
    assert!(twice.message.contains("`a` stands twice"), "{twice}");
    assert_eq!((twice.place.unwrap().line, twice.related[0].0.line), (3, 1));
    let many: String = (0..100).map(|i| format!("k{i}: 1\n")).collect::<String>() + "k7: 2\n";
    assert_eq!(refused(&many).related[0].0.line, 8);
    assert!(refused(&"- ".repeat(10_000)).message.contains("128 levels"));
    assert!(refused(&"[".repeat(10_000)).place.is_some());
    assert!(refused(&"? ".repeat(10_000)).place.is_some());
    assert!(refused("a: \0\n").message.contains("U+0000"));
    assert!(refused("a: &x [*x]\n").message.contains("alias"));
    assert!(refused("{a: 1}: 2\n").message.contains("scalar"));
    assert!(refused("a: \"open\n").place.is_some());
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(refused(&bomb).message.contains("expand to more than"));
    let mut chain = String::from("a0: &a0 {x: 1}\n");
    for level in 1..10_000 {
        chain.push_str(&format!("a{level}: &a{level} {{<<: *a{}}}\n", level - 1));
    }
    assert!(refused(&chain).message.contains("levels deep"));
}

#[test]
fn documents_of_all_kinds_are_told_apart() {
    let count =
        |text: &str| load(text).documents.iter().filter(|document| !document.is_empty()).count();
    assert_eq!(count("# nothing\n"), 0);
    assert_eq!(count(""), 0);
    assert_eq!(count("---\n---\n# c\n---\na: 1\n...\n---\nb: 2\n"), 2);
    assert_eq!(count("\u{feff}a: 1\n"), 1);
    assert_eq!(count("%YAML 1.1\n---\na: 1\n"), 1);
    for text in [
        "\u{feff}# c\na: 1\n",
        "--- # x\na: 1\n--- {b: 1}\n",
        "a: 1\n...\n# c\n---\nb: 1\n...\n",
        "%YAML 1.1\n--- \na: 1",
    ] {
        assert_eq!(load(text).to_text(), text);
    }
    assert_eq!(load("--- # x\na: 1\n").documents[0].to_text(), "a: 1\n");
    assert_eq!(set("\u{feff}a: 1\n", "/b", Value::int(2)), "\u{feff}a: 1\nb: 2\n");
    // Not YAML, but JSON.
    assert_eq!(count("{\n\t\"a\": \"\\ud83d\\ude00\"\n}"), 1);
}

#[test]
fn a_root_is_replaced_with_its_tag_and_on_its_line() {
    let root = |text: &str, value| set(text, "", value);
    let block = || Value::string_map([("k", "v")]);
    assert_eq!(root("--- !!str 5 # c\n", Value::bool(true)), "--- true # c\n");
    assert_eq!(root("--- !!str 5 # c\n", block()), "--- # c\nk: v\n");
    assert_eq!(root("&a ", Value::string("x")), "x ");
    assert_eq!(root("--- \n", Value::Mapping(vec![])), "--- {} \n");
    assert_eq!(root("---\n# only\n", Value::int(1)), "--- 1\n# only\n");
    assert_eq!(root("---\n---\na: 1\n", block()), "---\nk: v\n---\na: 1\n");
    assert_eq!(root("--- x\n", Value::string("a\nb\n")), "--- |\n  a\n  b\n");
    assert_eq!(root("# top\na: 1\nb: 2\n", Value::int(1)), "1\n");
    assert_eq!(remove("# top\na: 1\n# end\n", "/a"), "{}\n# top\n# end\n");
    assert_eq!(load("--- ---\n").documents[0].to_text(), "--- ---\n");
}

#[test]
fn explicit_keys_are_edited() {
    assert_eq!(set("? a\n? b\n: 1\n", "/a", Value::int(2)), "? a\n: 2\n? b\n: 1\n");
    assert_eq!(set("? |\n  k\n", "/k\n", Value::int(2)), "? |\n  k\n: 2\n");
    assert_eq!(set("{? \"a\": 1, ? b}\n", "/a", Value::int(2)), "{? \"a\": 2, ? b}\n");
}

#[test]
fn empty_block_scalars_are_empty() {
    for (text, value) in [
        ("a: |\n", ""),
        ("a: |\nb: 1\n", ""),
        ("a: |-\n\n\n", ""),
        ("a: |+\n\n\n", "\n\n"),
        ("a: >\n  x\n\n  ", "x\n"),
        ("a: |\n  x\n  ", "x\n"),
        ("a: |-\n  x\n\n ", "x"),
        ("a: |\r\n", ""),
    ] {
        assert_eq!(load(text).documents[0].at(&["a"]).unwrap().as_str(), Some(value), "{text:?}");
        set(text, "/c", Value::int(1));
    }
    let comment = set("a: x\n  \t# c\n", "/a", Value::string("l\nm\n"));
    assert_eq!(comment, "a: |\n  l\n  m\n# c\n");
}

#[test]
fn what_readers_disagree_on_is_refused() {
    for (text, message) in [
        ("a: 1\n\t- b\n", "tab"),
        ("\t- a\n", "a tab in the indentation"),
        ("- \ta: 1\n", "a tab in the indentation"),
        ("|\na\n---\nb\n", "must be indented"),
        ("a: 1 # \u{85} b: 2\n", "U+0085 is a line break"),
        ("a: b\u{2028}c: d\n", "U+2028 is a line break"),
        ("a: 1\n---\n\u{feff}b: 1\n", "byte order mark"),
        ("a: \u{fffe}\n", "U+FFFE is not allowed"),
        ("{\"a\": \"\u{ffff}\"}", "U+FFFF is not allowed"),
        ("\u{feff}\u{feff}a: 1\n", "byte order mark"),
        ("{a: [}é]\n", "not valid YAML"),
    ] {
        let error = parse(Source::new("t.yaml", text.to_owned())).unwrap_err();
        assert!(error.message.contains(message), "{text:?}: {error}");
    }
    let inside = "a: |\n  \u{feff}x\n";
    assert_eq!(load(inside).documents[0].at(&["a"]).unwrap().as_str(), Some("\u{feff}x\n"));
    assert_eq!(set("a: 1\n# \u{feff}", "/b", Value::int(2)), "a: 1\n# \u{feff}\nb: 2\n");
    let tagged = load("a: &a {x: 1}\nb: {!!str <<: *a}\n");
    assert!(tagged.documents[0].at(&["b", "x"]).is_none());
    for merge in ["!!merge", "!<tag:yaml.org,2002:merge>"] {
        let text = format!("a: &a {{x: 1, w: 2}}\nb:\n  {merge} <<: *a\n  z: 3\n");
        let merged = load(&text);
        assert_eq!(merged.documents[0].at(&["b", "x"]).unwrap().text(), Some("1"), "{text}");
        assert_eq!(set(&text, "/b/w", Value::int(5)), format!("{text}  w: 5\n"));
        assert_eq!(remove(&text, "/b/x"), "a: &a {x: 1, w: 2}\nb:\n  z: 3\n  w: 2\n");
    }
    assert_eq!(load("  ...\n").documents[0].root().as_str(), Some("..."));
    assert_eq!(remove("\u{a0}:", "/\u{a0}"), "{}\n");
}

/// Every path of a document, leaves and collections.
fn paths(node: NodeRef<'_>, at: &Path, out: &mut Vec<Path>) {
    out.push(at.clone());
    match node.kind() {
        NodeKind::Mapping => {
            for (key, value) in node.entries() {
                paths(value, &at.key(key.to_owned()), out);
            }
        }
        NodeKind::Sequence => {
            for (index, value) in node.items().enumerate() {
                paths(value, &at.index(index), out);
            }
        }
        NodeKind::Scalar => {}
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Set(Value),
    Remove,
    Add(Value),
}

/// What the edit means, on plain values.
fn model(value: &mut Value, path: &[Segment], edit: &Edit) {
    match (path, value) {
        ([], value) => match (edit, value) {
            (Edit::Set(new), value) => *value = new.clone(),
            (Edit::Add(new), Value::Sequence(items)) => items.insert(items.len() / 2, new.clone()),
            (Edit::Add(new), Value::Mapping(entries)) => {
                entries.push(("added key".to_owned(), new.clone()))
            }
            _ => {}
        },
        ([last], value) if matches!(edit, Edit::Remove) => match (last, value) {
            (Segment::Key(key), Value::Mapping(entries)) => {
                entries.retain(|(candidate, _)| candidate != key)
            }
            (Segment::Index(index), Value::Sequence(items)) => {
                items.remove(*index);
            }
            _ => {}
        },
        ([first, rest @ ..], value) => match (first, value) {
            (Segment::Key(key), Value::Mapping(entries)) => {
                let entry = entries.iter_mut().find(|(candidate, _)| candidate == key).unwrap();
                model(&mut entry.1, rest, edit);
            }
            (Segment::Index(index), Value::Sequence(items)) => {
                model(&mut items[*index], rest, edit)
            }
            _ => {}
        },
    }
}

fn hostile_string() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[ -~]{0,20}",
        "[a-z \t\n:#'\"\\\\|>&*!%@{}\\[\\],?=-]{0,20}",
        proptest::sample::select(vec![
            "on",
            "y",
            "0777",
            "0o17",
            "1e3",
            "1_000",
            "12:30:45",
            "2024-01-01",
            "~",
            "null",
            "=",
            "<<",
            ".inf",
            "a\n\n",
            " a\nb\n",
            "\ta\n",
            "a\n \nb",
            "a\u{85}b",
            "\u{2028}",
            "\u{feff}x",
            "\u{7f}",
            "\u{1f600}",
            "--- a",
            "...",
            "a: b",
            "a #b",
            "0b101",
            "+0x1f",
            "685_230.15",
            "a\r\nb",
            "|",
            "- a",
            "? a",
        ])
        .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        hostile_string().prop_map(Value::string),
        proptest::sample::select(vec!["1", "true", "null", "0644", "1.10"])
            .prop_map(|text| Value::Plain(text.to_owned())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Sequence),
            prop::collection::btree_map(hostile_string(), inner, 0..3)
                .prop_map(|entries| Value::Mapping(entries.into_iter().collect())),
        ]
    })
}

fn edit() -> impl Strategy<Value = (prop::sample::Index, Edit)> {
    let edit =
        prop_oneof![value().prop_map(Edit::Set), Just(Edit::Remove), value().prop_map(Edit::Add)];
    (any::<prop::sample::Index>(), edit)
}

/// Small documents with what makes edits hard.
const HARD: &[&str] = &[
    "a: 1\nb:\n  - x\n  - y: 1\n    z: |\n      t\n       u\n\n    # c\n  # d\n\n# e\nc: {f: [1, 2], g: 'h'}\n",
    "a: |+\n  keep\n\n\nb: >-\n  folded\n  text\n   # not a comment\n\n# real\nc:\n- - 1\n  - 2\n-\n  d: 1\n",
    "x: # c1\n  # c2\n  y: 1 # c3\n  # c4\n\n  z:\n\n    w: plain\n      continued\n    v: \"a\\\n      b\"\n# end",
    "a:\r\n  b: 1\r\n  c:\r\n  - 1\r\n  - 2\r\nd: |\r\n  x\r\n",
    "{\n  \"a\": [1, {\"b\": null}],\n  \"c\": \"d\" # e\n}\n",
    "base: &b\n  k: v\n  l: [1, 2]\nuse: *b\nmerge:\n  <<: *b\n  m: 1\nlist:\n- *b\n- &c d\n- *c\n",
    "? a\n: b\n? c\n: - 1\n  - 2\n\"q\": 1\n'r': {}\ns: []\nt: ~\nu:\n",
    "- a\n- b: 1\n  c: 2\n-\n- # x\n  d\n- [e, f,]\n- |2\n   g\n",
];

fn check_edits(text: &str, edits: &[(prop::sample::Index, Edit)]) -> Result<(), TestCaseError> {
    let mut stream = load(text);
    for document in &mut stream.documents {
        let mut expected = Value::from(document.root());
        for (index, edit) in edits {
            let mut all = Vec::new();
            paths(document.root(), &Path::root(), &mut all);
            let at = all[index.index(all.len())].clone();
            let root = at.segments().is_empty();
            match edit {
                Edit::Set(value) if !root => document.set(&at, value.clone()).unwrap(),
                Edit::Remove if !root => {
                    document.remove(&at).unwrap();
                }
                Edit::Add(value) => match document.find(&at).unwrap().kind() {
                    NodeKind::Sequence => {
                        let middle = document.find(&at).unwrap().len() / 2;
                        document.insert(&at, middle, value.clone()).unwrap();
                    }
                    NodeKind::Mapping if document.find(&at).unwrap().get("added key").is_none() => {
                        document.set(&at.key("added key"), value.clone()).unwrap();
                    }
                    _ => continue,
                },
                _ => continue,
            }
            model(&mut expected, at.segments(), edit);
        }
        prop_assert_eq!(&Value::from(document.root()), &expected);
        let own = document.to_text();
        let again = parse(Source::new("t.yaml", own.clone()));
        let again = again.map_err(|error| TestCaseError::fail(format!("{error}\n{own}")))?;
        let read =
            again.documents.first().map_or(Value::null(), |document| Value::from(document.root()));
        prop_assert_eq!(read, expected, "{}", own);
    }
    let after = stream.to_text();
    let again = parse(Source::new("t.yaml", after.clone()))
        .map_err(|error| TestCaseError::fail(format!("{error}\n{after}")))?;
    prop_assert_eq!(again.documents.len(), stream.documents.len(), "{}", after);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edited_hard_documents_parse_to_the_edited_tree(
        which in 0..HARD.len(),
        edits in prop::collection::vec(edit(), 1..6),
    ) {
        check_edits(HARD[which], &edits)?;
    }

    #[test]
    fn new_strings_are_read_back(text in hostile_string(), style in proptest::sample::select(vec![
        ScalarStyle::Auto, ScalarStyle::Plain, ScalarStyle::SingleQuoted, ScalarStyle::DoubleQuoted, ScalarStyle::Literal,
    ])) {
        for host in ["a: 1\n", "{a: 1}\n", "- a: 1\n"] {
            let mut stream = load(host);
            let at = if host.starts_with('-') { "/0/b" } else { "/b" };
            stream.documents[0].set(&path(at), Value::String(text.clone(), style)).unwrap();
            let after = stream.to_text();
            let again = parse(Source::new("t.yaml", after.clone())).map_err(|e| TestCaseError::fail(format!("{e}\n{after}")))?;
            prop_assert_eq!(again.documents[0].find(&path(at)).unwrap().as_str(), Some(text.as_str()), "{}", after);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edited_real_documents_parse_to_the_edited_tree(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec(edit(), 1..6),
    ) {
        let files: Vec<_> = real_files().into_iter()
            .filter(|file| fs::metadata(file).unwrap().len() < 20_000).collect();
        let text = fs::read_to_string(&files[which.index(files.len())]).unwrap();
        check_edits(&text, &edits)?;
    }
}
